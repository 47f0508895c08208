/* date.h - civil dates of Vietnam (UTC+7, no summer time) as days since 1970-01-01. Pure; no clock is read here. */
#pragma once

#include <baophu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* yyyymmdd (20240430) -> date; BAOPHU_DATE_NONE when there is no such day or it lies outside DATE_MIN..DATE_MAX. */
BAOPHU_API baophu_date baophu_date_from_civil(uint32_t yyyymmdd);
/* The reverse; 0 for BAOPHU_DATE_NONE. */
BAOPHU_API uint32_t baophu_date_to_civil(baophu_date date);
/* The date in Vietnam at a Unix time in milliseconds. */
BAOPHU_API baophu_date baophu_date_at_ms(int64_t unix_ms);
/* Reads exactly YYYY-MM-DD or d/m/yyyy, dd/mm/yyyy (nothing before or after). 0, or -EINVAL with *ret_date untouched. */
BAOPHU_API int baophu_date_parse(const char *text, baophu_date *ret_date);
/* Writes YYYY-MM-DD, or dd/mm/yyyy when `vietnamese`; buffer of 11 bytes. Returns `buffer`. "" for BAOPHU_DATE_NONE. */
BAOPHU_API const char *baophu_date_format(baophu_date date, bool vietnamese, char buffer[BAOPHU_AT_LEAST(11)]);

#ifdef __cplusplus
}
#endif
