/* names.h - measures and indicators as the centre names them: what a table writes for a code. */
#pragma once

#include <stddef.h>

#include <baophu/types.h>

#include "wire.h"

struct name {
	char code[BAOPHU_CODE_BYTES_MAX + 1];
	char parent[BAOPHU_CODE_BYTES_MAX + 1]; /* of a measure */
	char numerator[BAOPHU_CODE_BYTES_MAX + 1], denominator[BAOPHU_CODE_BYTES_MAX + 1]; /* of an indicator */
	enum baophu_measure_kind kind; /* NONE: an indicator */
	char name_vi[BAOPHU_TEXT_BYTES_MAX + 1], name_en[BAOPHU_TEXT_BYTES_MAX + 1];
	char unit_vi[BAOPHU_TEXT_BYTES_MAX + 1], unit_en[BAOPHU_TEXT_BYTES_MAX + 1];
};
struct names {
	struct name *names;
	size_t count, capacity;
	bool vietnamese;
};
/* Takes zeroed memory; finish takes NULL names. */
void names_finish(struct names *names);
/* Copies what an answer to MEASURES holds. -ENOMEM. */
int names_add(struct names *names, const struct wire_answer *answer);
/* NULL: unknown. */
const struct name *names_find(const struct names *names, const char *code);
/* The name in the user's language; the code itself when it is unknown. Borrowed. */
const char *names_text(const struct names *names, const char *code);
/* The counting unit in the user's language; "" when unknown, and for an indicator. */
const char *names_unit(const struct names *names, const char *code);
bool names_is_indicator(const struct names *names, const char *code);
/* The nearest code, for "did you mean"; NULL. */
const char *names_suggest(const struct names *names, const char *code);
