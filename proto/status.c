/* status.c - one English sentence for whatever a function of ours can return.
 *
 * Does not speak of the wire's codes (wire_code_name does). Total: a number nobody knows has a sentence too, because the place that
 * prints an error is the last one that may fail.
 */
#include <baophu/status.h>

#include <limits.h>
#include <string.h>

const char *baophu_strerror(int error)
{
	int code = error == INT_MIN ? INT_MAX : error < 0 ? -error : error;
	switch (code) {
	case 0:
		return "Success";
	case BAOPHU_EMALFORMED:
		return "The bytes are not what they should be";
	case BAOPHU_EDAMAGED:
		return "A file is damaged: a checksum, order or size is wrong";
	case BAOPHU_EFORMAT:
		return "The file was written in a newer format";
	case BAOPHU_EINUSE:
		return "Another process is using the data directory";
	case BAOPHU_EFULL:
		return "There is no room left";
	case BAOPHU_ETIMEOUT:
		return "The peer did not answer in time";
	case BAOPHU_EPROTOCOL:
		return "The peer speaks another protocol";
	case BAOPHU_EREFUSED:
		return "The peer refused the request";
	case BAOPHU_EGAP:
		return "A record is missing";
	case BAOPHU_ENOTFOUND:
		return "There is no such thing";
	}
	/* Not strerror: it may write the unknown number into a buffer that it shares. */
	const char *text = strerrordesc_np(code);
	return text ? text : "Unknown error";
}
