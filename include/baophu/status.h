/* status.h - what a function that can fail returns: 0, or a negative code: -errno, or minus one of these (-BAOPHU_EDAMAGED).
 *
 * Codes of the wire (enum baophu_code) say why an update or a query was answered as it was; these say why a call failed.
 */
#pragma once

#include <baophu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum baophu_error {
	BAOPHU_EMALFORMED = 1000, /* bytes that are not what they should be */
	BAOPHU_EDAMAGED = 1001, /* a file of ours whose checksum, order or size is wrong */
	BAOPHU_EFORMAT = 1002, /* a file of a newer format */
	BAOPHU_EINUSE = 1003, /* another process has the data directory */
	BAOPHU_EFULL = 1004, /* no room: disk, map or a bound of ours */
	BAOPHU_ETIMEOUT = 1005, /* the peer did not answer in time */
	BAOPHU_EPROTOCOL = 1006, /* the peer speaks another protocol, or not this grammar */
	BAOPHU_EREFUSED = 1007, /* the peer answered with a refusal; the code is in the out-parameter */
	BAOPHU_EGAP = 1008, /* a record is missing */
	BAOPHU_ENOTFOUND = 1009,
};

/* A short English sentence for any value, errno values included. Never NULL; static storage or strerror's. */
BAOPHU_API const char *baophu_strerror(int error);

#ifdef __cplusplus
}
#endif
