/* test_date.c - civil dates: both ways over the whole calendar, what is no day, and how people write them. */
#include <baophu/date.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

Test(date, ends_of_the_calendar)
{
	cr_assert_eq(baophu_date_from_civil(19750101), BAOPHU_DATE_MIN);
	cr_assert_eq(baophu_date_from_civil(21540605), BAOPHU_DATE_MAX);
	cr_assert_eq(baophu_date_from_civil(19741231), BAOPHU_DATE_NONE);
	cr_assert_eq(baophu_date_from_civil(21540606), BAOPHU_DATE_NONE);
	cr_assert_eq(baophu_date_to_civil(BAOPHU_DATE_MIN), 19750101);
	cr_assert_eq(baophu_date_to_civil(BAOPHU_DATE_MAX), 21540605);
	cr_assert_eq(baophu_date_to_civil(BAOPHU_DATE_NONE), 0);
	cr_assert_eq(baophu_date_to_civil(BAOPHU_DATE_MIN - 1), 0);
	cr_assert_eq(baophu_date_to_civil(BAOPHU_DATE_MAX + 1), 0);
}

/* A calendar counted on its fingers, day by day, against the formulas. */
Test(date, every_day_follows_the_one_before)
{
	static const uint32_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	uint32_t year = 1975, month = 1, day = 1;
	for (baophu_date date = BAOPHU_DATE_MIN; date <= BAOPHU_DATE_MAX; date++) {
		uint32_t civil = year * 10000 + month * 100 + day;
		cr_assert_eq(baophu_date_from_civil(civil), date, "%u", civil);
		cr_assert_eq(baophu_date_to_civil(date), civil, "%u", civil);
		bool is_leap = year % 4 == 0 && year != 2100;
		if (++day > days[month - 1] + (month == 2 && is_leap)) {
			cr_assert_eq(baophu_date_from_civil(year * 10000 + month * 100 + day), BAOPHU_DATE_NONE);
			day = 1;
			if (++month > 12) {
				month = 1;
				year++;
			}
		}
	}
}

Test(date, refuses_what_is_no_day)
{
	static const uint32_t civils[] = { 0,        1,        20240431, 20230229,  21000229,  20241301,
					   20240001, 20240100, 20240132, 120240430, UINT32_MAX };
	for (size_t i = 0; i < sizeof civils / sizeof *civils; i++)
		cr_assert_eq(baophu_date_from_civil(civils[i]), BAOPHU_DATE_NONE, "%u", civils[i]);
	cr_assert_neq(baophu_date_from_civil(20240229), BAOPHU_DATE_NONE);
	cr_assert_neq(baophu_date_from_civil(20000229), BAOPHU_DATE_NONE);
}

Test(date, day_begins_at_midnight_in_vietnam)
{
	/* 2024-04-29T17:00:00Z */
	const int64_t midnight_ms = INT64_C(1714410000000);
	cr_assert_eq(baophu_date_at_ms(midnight_ms), baophu_date_from_civil(20240430));
	cr_assert_eq(baophu_date_at_ms(midnight_ms - 1), baophu_date_from_civil(20240429));
	cr_assert_eq(baophu_date_at_ms(INT64_MIN), BAOPHU_DATE_NONE);
	cr_assert_eq(baophu_date_at_ms(INT64_MAX), BAOPHU_DATE_NONE);
	cr_assert_eq(baophu_date_at_ms(0), BAOPHU_DATE_NONE); /* 1970 lies before the calendar */
}

Test(date, reads_both_ways_of_writing)
{
	static const char *const texts[] = { "2024-04-05", "5/4/2024", "05/4/2024", "5/04/2024", "05/04/2024" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		baophu_date date = 0;
		cr_assert_eq(baophu_date_parse(texts[i], &date), 0, "%s", texts[i]);
		cr_assert_eq(date, baophu_date_from_civil(20240405), "%s", texts[i]);
	}
}

Test(date, refuses_any_other_text_and_leaves_the_result_alone)
{
	static const char *const texts[] = {
		"",           "2024",       "2024-4-05", "2024-04-5",  "2024-04-05 ", " 2024-04-05",
		"2024/04/05", "05-04-2024", "5/4/24",    "005/4/2024", "5/4/20240",   "31/4/2024",
		"5/13/2024",  "0/4/2024",   "5/4",       "2024-04",    "2024-04-05x", "5/4/2024x",
		"1974-12-31", "2154-06-06", "5//2024",   "/4/2024",    "20240405",    "-5/4/2024",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		baophu_date date = 77;
		cr_assert_eq(baophu_date_parse(texts[i], &date), -EINVAL, "%s", texts[i]);
		cr_assert_eq(date, 77);
	}
}

Test(date, writes_what_it_reads)
{
	char text[11];
	baophu_date date = baophu_date_from_civil(20240405), again = 0;
	cr_assert_str_eq(baophu_date_format(date, false, text), "2024-04-05");
	cr_assert_eq(baophu_date_parse(text, &again), 0);
	cr_assert_eq(again, date);
	cr_assert_str_eq(baophu_date_format(date, true, text), "05/04/2024");
	cr_assert_eq(baophu_date_parse(text, &again), 0);
	cr_assert_eq(again, date);
	cr_assert_str_eq(baophu_date_format(BAOPHU_DATE_NONE, true, text), "");
	cr_assert_str_eq(baophu_date_format(INT32_MAX, false, text), "");
}
