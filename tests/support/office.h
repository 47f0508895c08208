/* office.h - a made-up office of a test: what its mirror would hold, without a centre. */
#pragma once

#include "mirror.h"

/* Office "a-luoi" on 31/07/2025: five communes of A Lưới as they are since 01/07/2025, with what they were before, and a ward whose code begins
 * with zeros.
 *   20044 Xã A Lưới 2        (until 30/06/2025 Thị trấn A Lưới)
 *   20050 Xã A Lưới 5
 *   20056 Xã A Lưới 1
 *   20071 Xã A Lưới 3
 *   20101 Xã A Lưới 4        (until 30/06/2025 Xã Lâm Đớt; 20098 Xã Đông Sơn went into it), with two villages
 *   00457 Phường Thủy Hòa
 * Measures: bhyt, bhxh with its parts bhxh_bb and bhxh_tn, danso (stocks, người), sukien (a flow, cuộc), thu (a flow, đồng).
 * danso of 20101 is so-yte's. Returns owned. */
struct mirror *office_mirror(void);
enum { OFFICE_DAY = 20250731 };
/* The same with `count` more units below 20101, coded T00000, T00001, ... and named Thôn 0, Thôn 1, ... */
struct mirror *office_mirror_with(uint32_t count);
/* A date that is known to exist. */
baophu_date office_day(uint32_t yyyymmdd);
