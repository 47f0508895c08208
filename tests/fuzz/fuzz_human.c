/* fuzz_human.c - any text in a cell: it is read within its bounds or refused with words; what is read means the same when written plainly. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include <baophu/date.h>

#include "fuzz.h"
#include "human.h"
#include "number.h"

static void check_words(enum human_problem problem, const char *text, const struct human_doubt *doubt)
{
	char why[600];
	require(problem >= HUMAN_OK && problem < HUMAN_PROBLEM_COUNT);
	require(memchr(doubt->first, 0, sizeof doubt->first) && memchr(doubt->second, 0, sizeof doubt->second));
	require(problem != HUMAN_TWO_READINGS || *doubt->first);
	human_explain(problem, text, doubt, why, sizeof why);
	require((problem == HUMAN_OK) == !*why);
	/* What is said is text when what was read is. */
	if (utf8proc_decompose((const utf8proc_uint8_t *)text, 0, NULL, 0, UTF8PROC_NULLTERM) >= 0)
		require(utf8proc_decompose((const utf8proc_uint8_t *)why, 0, NULL, 0, UTF8PROC_NULLTERM) >= 0);
}

static void try_count(const char *text, const char *unit)
{
	struct human_count count = { .value = -1 }, again;
	struct human_doubt doubt;
	char plain[NUMBER_BYTES];
	enum human_problem problem = human_count(text, unit, &count, &doubt);
	check_words(problem, text, &doubt);
	if (problem) {
		require(count.value == -1);
		return;
	}
	require(count.value >= 0 && count.value <= BAOPHU_VALUE_MAX && count.bound != BAOPHU_BOUND_NONE);
	for (int vietnamese = 0; vietnamese < 2; vietnamese++) {
		number_format(count.value, vietnamese, plain);
		require(human_count(plain, unit, &again, NULL) == HUMAN_OK && again.value == count.value);
	}
	snprintf(plain, sizeof plain, "%lld", (long long)count.value);
	require(human_count_cell(plain, &again.value, NULL) == HUMAN_OK && again.value == count.value);
}

static void try_percent(const char *text)
{
	struct human_percent percent, again;
	struct human_doubt doubt;
	char plain[NUMBER_BYTES];
	enum human_problem problem = human_percent(text, &percent, &doubt);
	check_words(problem, text, &doubt);
	if (problem)
		return;
	require(percent.digits >= 0 && percent.digits <= BAOPHU_DIGITS_MAX && percent.decimals <= BAOPHU_RATE_DECIMALS_MAX);
	if (percent.decimals == 3) /* 0,123: readable, because nothing is grouped behind a zero */
		return;
	number_format_decimal(percent.digits, percent.decimals, true, plain);
	require(human_percent(plain, &again, NULL) == HUMAN_OK && again.digits == percent.digits &&
		again.decimals == percent.decimals);
}

static void try_dates(const char *text, int year)
{
	struct human_period period, again;
	struct human_doubt doubt;
	char plain[64], day[2][11];
	baophu_date date, same;
	enum human_problem problem = human_date(text, year, &date, &doubt);
	check_words(problem, text, &doubt);
	if (!problem) {
		require(date >= BAOPHU_DATE_MIN && date <= BAOPHU_DATE_MAX);
		require(human_date(baophu_date_format(date, true, day[0]), 0, &same, NULL) == HUMAN_OK && same == date);
		require(human_date(baophu_date_format(date, false, day[0]), 0, &same, NULL) == HUMAN_OK && same == date);
	}
	problem = human_period(text, year, &period, &doubt);
	check_words(problem, text, &doubt);
	if (problem)
		return;
	require(period.from >= BAOPHU_DATE_MIN && period.from <= period.to && period.to <= BAOPHU_DATE_MAX);
	snprintf(plain, sizeof plain, "từ %s đến %s", baophu_date_format(period.from, true, day[0]),
		 baophu_date_format(period.to, true, day[1]));
	require(human_period(plain, 0, &again, NULL) == HUMAN_OK && again.from == period.from && again.to == period.to);
}

static void try_cells(const char *text)
{
	struct human_doubt doubt;
	int64_t value = 0;
	unsigned decimals = 0;
	enum human_problem problem = human_count_cell(text, &value, &doubt);
	check_words(problem, text, &doubt);
	require(problem || (value >= 0 && value <= BAOPHU_VALUE_MAX));
	for (int has_sign = 0; has_sign < 2; has_sign++) {
		problem = human_percent_cell(text, has_sign, &value, &decimals, &doubt);
		check_words(problem, text, &doubt);
		require(problem || (value >= 0 && value <= BAOPHU_DIGITS_MAX && decimals <= BAOPHU_RATE_DECIMALS_MAX));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = malloc(size + 1);
	require(text != NULL);
	memcpy(text, bytes, size);
	text[size] = '\0';
	try_count(text, "người");
	try_count(text, "đồng");
	try_count(text, "lượt người");
	try_count(text, "");
	try_percent(text);
	try_dates(text, 2024);
	try_dates(text, 0);
	try_cells(text);
	free(text);
	return 0;
}
