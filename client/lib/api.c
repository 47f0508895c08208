/* api.c - the parts of client.h that need no connection: names, what may be tried again, a record's row. */
#include <errno.h>
#include <string.h>

#include <baophu/client.h>

#include "holding.h"
#include "wire.h"

const char *baophu_version(void) { return BAOPHU_VERSION; }

const char *baophu_code_name(enum baophu_code code) { return wire_code_name(code); }

const char *baophu_verdict_name(enum baophu_verdict verdict)
{
	switch (verdict) {
	case BAOPHU_APPLIED:
		return "applied";
	case BAOPHU_HELD:
		return "held";
	case BAOPHU_REFUSED:
		return "refused";
	case BAOPHU_VERDICT_NONE:
		break;
	}
	return "?";
}

bool baophu_is_retryable(int error, enum baophu_code code)
{
	switch (-error) {
	case EAGAIN:
	case EINTR:
	case EBUSY:
	case BAOPHU_ETIMEOUT:
		return true;
	case BAOPHU_EREFUSED:
		return baophu_code_is_retryable(code) || code == BAOPHU_CODE_BEHIND;
	default:
		return false;
	}
}

const struct baophu_row *baophu_record_row(const struct baophu_record *record, enum baophu_row_kind kind, const char *measure,
					   const char *plan)
{
	for (uint32_t i = 0; i < record->row_count; i++) {
		const struct baophu_row *row = &record->rows[i];
		if (row->kind == kind && strcmp(row->measure, measure) == 0 && (!plan || strcmp(row->plan, plan) == 0))
			return row;
	}
	return NULL;
}
