/* words.h - the words of a figure's qualities: one ASCII word each for files, CSV and JSON, one phrase each for people.
 *
 * One table a quality, read both ways, so that what is printed can be imported again. Pure, but for gettext.
 */
#pragma once

#include <stddef.h>

#include <baophu/types.h>

enum word_list {
	WORDS_EXTENT,
	WORDS_STATUS,
	WORDS_ORIGIN,
	WORDS_BOUND,
	WORDS_REASON,
	WORDS_PLAN_KIND,
	WORDS_MEASURE_KIND,
	WORDS_DENOMINATOR,
	WORDS_VERDICT,
	WORDS_ROW,
	WORDS_BASIS,
	WORDS_STATE,
	WORDS_PLAN_STATE,
	WORDS_FLAG,
	WORDS_LEVEL,
	WORDS_RHYTHM,
	WORDS_FRESHNESS,
	WORDS_DIRECTION,
	WORDS_LIST_COUNT
};

/* The ASCII word of a value; NULL for "not said" and for values without a word. Static storage. */
const char *word_of(enum word_list list, int value);
/* The phrase for people in the user's language; "" where there is none. */
const char *word_for_people(enum word_list list, int value);
/* The value of a word typed by somebody; -1 when it is none ("more-than" is read as "more_than"). */
int word_parse(enum word_list list, const char *text);
/* The nearest word, for "did you mean"; NULL. */
const char *word_suggest(enum word_list list, const char *text);
/* "final, provisional, estimate": all words of a list. Returns `buffer`. */
const char *word_choices(enum word_list list, char *buffer, size_t size);

/* Why the collector did not apply something: what it means and what to do about it, in the user's language. */
const char *word_code_meaning(enum baophu_code code);
const char *word_code_advice(enum baophu_code code);
/* The advice for an officer, who has no command of the centre. */
const char *word_code_office_advice(enum baophu_code code);
/* The same of a line that was to be watched, or no longer. */
const char *word_line_meaning(enum baophu_code code);
const char *word_line_advice(enum baophu_code code);
/* What is wrong with a question, in a sentence without its end; "" when the detail does not say. Returns `buffer`. */
const char *word_fault(const struct baophu_detail *detail, bool vietnamese, char *buffer, size_t size);
