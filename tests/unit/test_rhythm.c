/* test_rhythm.c - closings and freshness, against the calendar gone through day by day. */
#include "rhythm.h"

#include <stdio.h>

#include <baophu/date.h>
#include <criterion/criterion.h>

static baophu_date day(uint32_t yyyymmdd)
{
	baophu_date date = baophu_date_from_civil(yyyymmdd);
	cr_assert_neq(date, BAOPHU_DATE_NONE, "%u", yyyymmdd);
	return date;
}

static struct rhythm_terms terms(enum baophu_rhythm rhythm, uint16_t closing_day, uint16_t grace_days, uint32_t since)
{
	cr_assert(rhythm_is_valid(rhythm, closing_day, grace_days));
	return (struct rhythm_terms){ rhythm, closing_day, grace_days, day(since) };
}

/* ---- as one would say it of a day ---- */

static bool is_last_of_month(baophu_date date)
{
	return date < BAOPHU_DATE_MAX && baophu_date_to_civil(date + 1) % 100 == 1; /* the calendar ends on a 5th */
}

static bool is_closing(const struct rhythm_terms *t, baophu_date date)
{
	uint32_t civil = baophu_date_to_civil(date), month = civil / 100 % 100, of_month = civil % 100;
	bool is_cut_off = is_last_of_month(date) ? !t->closing_day || of_month <= t->closing_day || month == 12
						 : of_month == t->closing_day && month != 12;
	switch (t->rhythm) {
	case BAOPHU_DAILY:
		return true;
	case BAOPHU_WEEKLY: /* 6 January 2020 was a Monday */
		return ((date - day(20200106)) % 7 + 7) % 7 + 1 == (t->closing_day ? t->closing_day : 7);
	case BAOPHU_MONTHLY:
		return is_cut_off;
	case BAOPHU_QUARTERLY:
		return is_cut_off && month % 3 == 0;
	case BAOPHU_YEARLY:
		if (!t->closing_day)
			return civil % 10000 == 1231;
		return month == t->closing_day / 100u &&
		       (of_month == t->closing_day % 100u || (is_last_of_month(date) && of_month < t->closing_day % 100u));
	default:
		return false;
	}
}

static baophu_date closing_before(const struct rhythm_terms *t, baophu_date date)
{
	for (baophu_date at = date - 1; at >= t->since; at--)
		if (is_closing(t, at))
			return at;
	return BAOPHU_DATE_NONE;
}

static baophu_date closing_from(const struct rhythm_terms *t, baophu_date date)
{
	for (baophu_date at = date < t->since ? t->since : date; at <= BAOPHU_DATE_MAX; at++)
		if (is_closing(t, at))
			return at;
	return BAOPHU_DATE_NONE;
}

static enum baophu_freshness freshness(const struct rhythm_terms *t, baophu_date newest, baophu_date today)
{
	unsigned closings = 0, missed = 0;
	for (baophu_date at = t->since; at < today; at++) {
		if (!is_closing(t, at) || (newest != BAOPHU_DATE_NONE && newest >= at))
			continue;
		closings++;
		missed += at + t->grace_days < today;
	}
	if (!closings)
		return BAOPHU_FRESH;
	if (!missed)
		return BAOPHU_DUE;
	return missed >= 2 || newest == BAOPHU_DATE_NONE ? BAOPHU_SILENT : BAOPHU_LATE;
}

/* ---- tests ---- */

static const struct {
	enum baophu_rhythm rhythm;
	uint16_t closing_day;
} rhythms[] = {
	{ BAOPHU_DAILY, 0 },      { BAOPHU_WEEKLY, 0 },   { BAOPHU_WEEKLY, 1 },   { BAOPHU_WEEKLY, 5 },   { BAOPHU_MONTHLY, 0 },
	{ BAOPHU_MONTHLY, 1 },    { BAOPHU_MONTHLY, 25 }, { BAOPHU_MONTHLY, 29 }, { BAOPHU_MONTHLY, 31 }, { BAOPHU_QUARTERLY, 0 },
	{ BAOPHU_QUARTERLY, 15 }, { BAOPHU_YEARLY, 0 },   { BAOPHU_YEARLY, 930 }, { BAOPHU_YEARLY, 229 }, { BAOPHU_YEARLY, 101 },
};
enum { RHYTHM_COUNT = sizeof rhythms / sizeof *rhythms };

Test(rhythm, closings_are_those_of_the_calendar)
{
	static const uint32_t begins[] = { 19750101, 20231120, 20991215, 21520301 };
	for (size_t i = 0; i < RHYTHM_COUNT; i++)
		for (size_t b = 0; b < sizeof begins / sizeof *begins; b++) {
			struct rhythm_terms t = terms(rhythms[i].rhythm, rhythms[i].closing_day, 0, begins[b]);
			baophu_date before = BAOPHU_DATE_NONE;
			for (baophu_date at = t.since - 3; at <= t.since + 1000 && at <= BAOPHU_DATE_MAX; at++) {
				if (at > t.since && is_closing(&t, at - 1))
					before = at - 1;
				cr_assert_eq(rhythm_closing_before(&t, at), before, "rhythm %zu before %u", i,
					     baophu_date_to_civil(at));
			}
			for (baophu_date at = t.since - 3; at <= t.since + 800 && at <= BAOPHU_DATE_MAX; at += 7)
				if (at >= BAOPHU_DATE_MIN)
					cr_assert_eq(rhythm_closing_from(&t, at), closing_from(&t, at), "rhythm %zu from %u", i,
						     baophu_date_to_civil(at));
		}
	/* The rhythm of the sector: cut off on the 25th, but for December. */
	struct rhythm_terms t = terms(BAOPHU_MONTHLY, 25, 3, 20230101);
	cr_assert_eq(closing_before(&t, day(20231231)), day(20231125));
	cr_assert_eq(rhythm_closing_before(&t, day(20231231)), day(20231125));
	cr_assert_eq(rhythm_closing_before(&t, day(20240101)), day(20231231));
	cr_assert_eq(rhythm_closing_from(&t, day(20240101)), day(20240125));
	cr_assert_eq(rhythm_closing_before(&t, BAOPHU_DATE_MIN), BAOPHU_DATE_NONE);
	cr_assert_eq(rhythm_closing_from(&t, BAOPHU_DATE_MAX), BAOPHU_DATE_NONE);
}

Test(rhythm, freshness_counts_the_closings_that_were_missed)
{
	static const uint16_t graces[] = { 0, 1, 3, 40, 366 };
	for (size_t i = 0; i < RHYTHM_COUNT; i++)
		for (size_t g = 0; g < sizeof graces / sizeof *graces; g++) {
			struct rhythm_terms t = terms(rhythms[i].rhythm, rhythms[i].closing_day, graces[g], 20231218);
			for (baophu_date today = t.since - 2; today < t.since + 800; today += 1 + today % 13)
				for (int back = -2; back < 420; back += 1 + back / 4) {
					baophu_date newest = back == -2 ? BAOPHU_DATE_NONE : today - back;
					cr_assert_eq(rhythm_freshness(&t, newest, today), freshness(&t, newest, today),
						     "rhythm %zu grace %u newest %u on %u", i, graces[g],
						     baophu_date_to_civil(newest), baophu_date_to_civil(today));
				}
		}
}

Test(rhythm, a_month_of_an_office)
{
	struct rhythm_terms t = terms(BAOPHU_MONTHLY, 25, 3, 20240410);
	const struct {
		uint32_t today, newest;
		enum baophu_freshness freshness;
	} steps[] = {
		{ 20240410, 0, BAOPHU_FRESH }, /* nothing is owed yet */
		{ 20240425, 0, BAOPHU_FRESH }, /* the closing's own day is not over */
		{ 20240426, 0, BAOPHU_DUE },           { 20240428, 0, BAOPHU_DUE },
		{ 20240429, 0, BAOPHU_SILENT }, /* it never reported, and the first grace is over */
		{ 20240429, 20240424, BAOPHU_LATE }, /* a figure of the day before the closing is not the closing's */
		{ 20240429, 20240425, BAOPHU_FRESH },  { 20240526, 20240425, BAOPHU_DUE },
		{ 20240529, 20240425, BAOPHU_LATE },   { 20240628, 20240425, BAOPHU_LATE },
		{ 20240629, 20240425, BAOPHU_SILENT }, /* the grace of two is over */
		{ 20240629, 20240525, BAOPHU_LATE },   { 20240629, 20240626, BAOPHU_FRESH },
	};
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		baophu_date newest = steps[i].newest ? day(steps[i].newest) : BAOPHU_DATE_NONE;
		cr_assert_eq(rhythm_freshness(&t, newest, day(steps[i].today)), steps[i].freshness, "step %zu", i);
	}
}

Test(rhythm, only_days_that_there_are_close)
{
	const struct {
		enum baophu_rhythm rhythm;
		uint32_t closing_day, grace_days;
		bool is_valid;
	} said[] = {
		{ BAOPHU_RHYTHM_NONE, 0, 0, false }, { BAOPHU_DAILY, 0, 366, true },         { BAOPHU_DAILY, 1, 0, false },
		{ BAOPHU_DAILY, 0, 367, false },     { BAOPHU_WEEKLY, 7, 0, true },          { BAOPHU_WEEKLY, 8, 0, false },
		{ BAOPHU_MONTHLY, 31, 0, true },     { BAOPHU_MONTHLY, 32, 0, false },       { BAOPHU_QUARTERLY, 31, 0, true },
		{ BAOPHU_QUARTERLY, 930, 0, false }, { BAOPHU_YEARLY, 229, 0, true },        { BAOPHU_YEARLY, 230, 0, false },
		{ BAOPHU_YEARLY, 1301, 0, false },   { BAOPHU_YEARLY, 25, 0, false },        { BAOPHU_YEARLY, 20240930, 0, false },
		{ BAOPHU_YEARLY, 100, 0, false },    { (enum baophu_rhythm)6, 0, 0, false },
	};
	for (size_t i = 0; i < sizeof said / sizeof *said; i++)
		cr_assert_eq(rhythm_is_valid(said[i].rhythm, said[i].closing_day, said[i].grace_days), said[i].is_valid, "%zu", i);
}
