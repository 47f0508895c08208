/* number.h - figures as people write them, and back: 1.065.565 and 92,62% in Vietnamese, 1,065,565 and 92.62% in English.
 *
 * Reading never guesses: the style is declared (--numbers vi|en), or only plain digits are taken. Writing needs no locale of the
 * machine, so it is the same everywhere. Pure.
 */
#pragma once

#include <stddef.h>

#include <baophu/types.h>

enum number_style { NUMBER_PLAIN, NUMBER_VI, NUMBER_EN };
enum number_problem {
	NUMBER_OK,
	NUMBER_EMPTY,
	NUMBER_NOT_DIGITS,
	NUMBER_TWO_READINGS, /* 1.234 and no style declared: 1234, or 1,234 with decimals */
	NUMBER_UNDECLARED, /* a mark, and no style declared, though only one reading makes sense */
	NUMBER_GROUPS, /* thousands marks that do not stand before groups of exactly three */
	NUMBER_FRACTION, /* decimals in a count */
	NUMBER_GROUPED_RATE, /* a thousands mark in a percentage */
	NUMBER_DECIMALS, /* a percentage with more decimals than can be kept */
	NUMBER_NEGATIVE,
	NUMBER_TOO_BIG,
	NUMBER_PROBLEM_COUNT
};

/* A count: 0..BAOPHU_VALUE_MAX. *ret_value is written only with NUMBER_OK. */
enum number_problem number_parse_count(const char *text, enum number_style style, int64_t *ret_value);
/* A percentage, with or without "%" after it: digits and decimals exactly as written (8,03 -> 803, 2). Written only with NUMBER_OK. */
enum number_problem number_parse_percent(const char *text, enum number_style style, int64_t *ret_digits, unsigned *ret_decimals);
/* The same where no style is declared and the mark may be either: a percentage has no thousands, so it can only stand before decimals. But
 * NUMBER_TWO_READINGS for what is also a whole number from 1000 to `whole_max` (1.000). */
enum number_problem number_parse_percent_either(const char *text, int64_t whole_max, int64_t *ret_digits, unsigned *ret_decimals);
/* What is wrong and what to write instead, in the user's language; `buffer` holds it. Returns `buffer`. */
const char *number_explain(enum number_problem problem, const char *text, enum number_style style, char *buffer, size_t size);

enum { NUMBER_BYTES = 48 };
/* A count with thousands marks. Returns `buffer`. */
const char *number_format(int64_t value, bool vietnamese, char buffer[static NUMBER_BYTES]);
/* digits / 10^decimals with thousands and decimal marks, without "%". Returns `buffer`. */
const char *number_format_decimal(int64_t digits, unsigned decimals, bool vietnamese, char buffer[static NUMBER_BYTES]);
