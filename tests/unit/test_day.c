/* test_day.c - which clock is believed. */
#include "day.h"

#include <criterion/criterion.h>

enum { HOUR_MS = 3600000 };
static const int64_t noon_ms = 1714539600000; /* 1 May 2024, 12:00 in Vietnam */

Test(day, a_clock_that_agrees_is_believed_and_followed)
{
	struct day_watch watch;
	bool is_held;
	day_watch_init(&watch, noon_ms - HOUR_MS, noon_ms, 5000);
	for (int hour = 1; hour < 100; hour++) { /* an hour's drift a day is still one clock */
		int64_t wall_ms = noon_ms + hour * (HOUR_MS + HOUR_MS / 24);
		cr_assert_eq(day_time_ms(&watch, wall_ms, 5000 + (int64_t)hour * HOUR_MS, &is_held), wall_ms);
		cr_assert(!is_held);
	}
}

Test(day, a_jump_of_more_than_twelve_hours_is_not_believed_either_way)
{
	static const struct {
		int64_t jump_ms;
		bool is_held;
	} cases[] = { { 12 * HOUR_MS, false },
		      { 12 * HOUR_MS + 1, true },
		      { -12 * HOUR_MS, false },
		      { -12 * HOUR_MS - 1, true },
		      { INT64_C(20) * 365 * 24 * HOUR_MS, true } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct day_watch watch;
		bool is_held;
		day_watch_init(&watch, 0, noon_ms, 0);
		int64_t told = day_time_ms(&watch, noon_ms + HOUR_MS + cases[i].jump_ms, HOUR_MS, &is_held);
		cr_assert_eq(is_held, cases[i].is_held, "%zu", i);
		cr_assert_eq(told, noon_ms + HOUR_MS + (is_held ? 0 : cases[i].jump_ms));
		/* It stays so, and entries made meanwhile do not make a wrong clock right. */
		if (is_held)
			for (int hour = 2; hour < 50; hour++) {
				told = day_time_ms(&watch, noon_ms + hour * HOUR_MS + cases[i].jump_ms, (int64_t)hour * HOUR_MS,
						   &is_held);
				cr_assert(is_held);
				cr_assert_eq(told, noon_ms + hour * HOUR_MS);
			}
		told = day_time_ms(&watch, noon_ms + 50 * HOUR_MS, 50 * HOUR_MS, &is_held);
		cr_assert_eq(told, noon_ms + 50 * HOUR_MS);
		cr_assert(!is_held, "set right again");
	}
}

Test(day, after_a_restart_only_going_back_is_told)
{
	struct day_watch watch;
	bool is_held;
	day_watch_init(&watch, noon_ms, noon_ms + INT64_C(90) * 24 * HOUR_MS, 7);
	cr_assert_eq(day_time_ms(&watch, noon_ms + INT64_C(90) * 24 * HOUR_MS, 7, &is_held), noon_ms + INT64_C(90) * 24 * HOUR_MS);
	cr_assert(!is_held, "the machine was off for a season");
	day_watch_init(&watch, noon_ms, noon_ms - 13 * HOUR_MS, 7);
	cr_assert_eq(day_time_ms(&watch, noon_ms - 13 * HOUR_MS, 7, &is_held), noon_ms);
	cr_assert(is_held);
	day_watch_init(&watch, noon_ms, noon_ms - 11 * HOUR_MS, 7);
	day_time_ms(&watch, noon_ms - 11 * HOUR_MS, 7, &is_held);
	cr_assert(!is_held);
}
