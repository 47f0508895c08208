/* human.h - counts, percentages, dates and periods as people in Vietnam write them. Pure.
 *
 * Nothing is guessed: where a text can be read in two ways, it is refused with both readings, so that the person can say which one was
 * meant. Letters may be NFC or NFD, upper or lower case, with or without their marks; spaces may be no-break spaces.
 *
 * Counts. A counting unit (người, đồng, văn bản) has no decimals, so one or more groups of exactly three digits after the same mark (dot,
 * comma or space) are thousands: 1.065.565, 1,065,565, 1 065 565, 31.455. Both marks in one number (1.234,567), decimals (12,5) and
 * groups of another length (12.34) are refused. After nghìn (ngàn), triệu (tr) or tỷ (tỉ) decimals are right as long as the product is
 * whole: 3,2 tỷ, 1.234,5 triệu; one mark before exactly three digits has two readings there (12,345 triệu đồng: 12 345 000 or
 * 12 345 000 000), unless one of them is more people than there are (12,345 triệu người). Words before the number: hơn, trên (more than),
 * khoảng, chừng, xấp xỉ (about), gần (nearly); ước, ước đạt, dự kiến (estimate), sơ bộ, tạm tính (provisional), đạt, có (nothing). Words
 * after it: the counting unit.
 *
 * Percentages. One mark, comma or dot, is the decimal mark: 92,62% and 131.20% stand in the same articles. At most three digits before
 * it, so no thousands. Before exactly three digits it has two readings (1.234%), but for 0,123%. A space after the mark is a slip of the
 * pen (12. 34%). The % sign may be missing where a percentage is asked for.
 *
 * Dates are day, month, year: 30/4/2024, 30-04-2024, 30.4.2024, ngày 30 tháng 4 năm 2024, and 2024-04-30; a four-digit year makes the
 * order certain. Two-digit years (3/4/24) have two readings. Without a year (30/4) the year in question is taken, unless day and month
 * could change places (5/6).
 *
 * Periods: a date; 2/2019, tháng 2/2019; quý I/2024, quý 1 năm 2024; 6 tháng đầu năm 2024, 6 tháng cuối năm 2024, 9 tháng (from January,
 * of the year in question); năm 2024, 2024; năm học 2021-2022 (1 September to 31 August, so that years follow each other without a gap);
 * từ 1-1 đến 30-6-2024, 01/01/2024 - 30/06/2024; đến ngày 30/4/2024 and tính đến 30/4/2024 are that day.
 *
 * Sources of the rules: the spellings are those of published articles on coverage in five provinces; thousands dot and decimal comma are
 * what Vietnamese writing and Excel's vi-VN have, the other way round is what programs in English leave in Vietnamese texts.
 */
#pragma once

#include <stddef.h>

#include <baophu/types.h>

enum human_problem {
	HUMAN_OK,
	HUMAN_EMPTY,
	HUMAN_NOT_NUMBER,
	HUMAN_NOT_DATE,
	HUMAN_TWO_READINGS, /* both are in the doubt */
	HUMAN_FRACTION, /* decimals in a count */
	HUMAN_GROUPS, /* marks that do not stand before groups of exactly three digits */
	HUMAN_PERCENT, /* a percentage where a count is asked for */
	HUMAN_UNIT, /* counted in something else: 12 hộ, and people are asked for; first: what is asked for */
	HUMAN_BELOW, /* dưới 500: only a bound from above, which is no figure */
	HUMAN_NEGATIVE,
	HUMAN_TOO_BIG,
	HUMAN_DECIMALS, /* a percentage with more decimals than can be kept */
	HUMAN_NO_SUCH_DAY, /* 30 February; first: what may have been meant, if anything */
	HUMAN_NO_YEAR, /* and none is known from elsewhere */
	HUMAN_BACKWARDS, /* from after to */
	HUMAN_PROBLEM_COUNT
};
enum { HUMAN_READING_BYTES = 96 };
/* What a text could mean, for «Lý do»: in the user's language, with marks only where they cannot be misread. "" where there is none. */
struct human_doubt {
	char first[HUMAN_READING_BYTES], second[HUMAN_READING_BYTES];
};
struct human_count {
	int64_t value; /* 0..BAOPHU_VALUE_MAX in the counting unit */
	enum baophu_bound bound; /* EXACT unless said */
	enum baophu_status status; /* BAOPHU_STATUS_NONE unless said */
};
struct human_percent {
	int64_t digits; /* 9262 with decimals 2: 92,62 %; decimals exactly as written */
	unsigned decimals; /* 0..BAOPHU_RATE_DECIMALS_MAX */
	enum baophu_bound bound;
	enum baophu_status status;
};
enum human_span {
	HUMAN_DAY,
	HUMAN_MONTH,
	HUMAN_QUARTER,
	HUMAN_MONTHS, /* 6 tháng đầu năm, 9 tháng */
	HUMAN_YEAR,
	HUMAN_SCHOOL_YEAR,
	HUMAN_FROM_TO
};
struct human_period {
	baophu_date from, to; /* both included; the same for a day */
	enum human_span span;
};

/* All: HUMAN_OK and the out-parameter written; else it is untouched. *ret_doubt is always written; it may be NULL. `text` is any
 * NUL-terminated text, valid UTF-8 or not. */

/* `unit`: the counting unit's name (người, đồng, văn bản); "" takes any unit's name after the number. */
enum human_problem human_count(const char *text, const char *unit, struct human_count *ret_count, struct human_doubt *ret_doubt);
enum human_problem human_percent(const char *text, struct human_percent *ret_percent, struct human_doubt *ret_doubt);
/* `year`: the year in question for texts that name none; 0: none is known. */
enum human_problem human_date(const char *text, int year, baophu_date *ret_date, struct human_doubt *ret_doubt);
enum human_problem human_period(const char *text, int year, struct human_period *ret_period, struct human_doubt *ret_doubt);

/* The content of a spreadsheet's numeric cell (SHEET_NUMBER, SHEET_PERCENT): decimal text with a dot and perhaps an exponent. Spreadsheets
 * calculate in binary fractions and show at most 15 digits of them, so more are rounded to 15 (half up): 0.92620000000000002 is 0.9262.
 * A count must be whole then; 1.065 in a cell is what an English Excel makes of 1.065 typed by a Vietnamese hand: two readings. */
enum human_problem human_count_cell(const char *number, int64_t *ret_value, struct human_doubt *ret_doubt);
/* `has_sign`: the cell has a format with % (0.9262 is 92,62 %). Without it the number is the percentage itself; below 10 it has two
 * readings (0.9262, 1.2), unless it is 0. */
enum human_problem human_percent_cell(const char *number, bool has_sign, int64_t *ret_digits, unsigned *ret_decimals,
				      struct human_doubt *ret_doubt);

/* "“1.234%” can be read as 1234 % or 1 point 234 %; write ...": what is wrong and what to write, in the user's language. `doubt` may be
 * NULL. Returns `buffer`. */
const char *human_explain(enum human_problem problem, const char *text, const struct human_doubt *doubt, char *buffer, size_t size);
