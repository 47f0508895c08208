/* test_ratio.c - exact ratios: what the articles print, ties, signs, the ends of the type, and a naive witness. */
#include <baophu/ratio.h>

#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>

Test(ratio, percentages_as_they_were_printed)
{
	cr_assert_eq(baophu_percent(31455, 202418, 2), 1554);
	cr_assert_eq(baophu_percent(18590, 37420, 2), 4968);
	cr_assert_eq(baophu_percent(18590, 37415, 2), 4969);
	cr_assert_eq(baophu_percent(18590, 37424, 2), 4967);
	cr_assert_eq(baophu_percent(468, 630, 1), 743);
	cr_assert_eq(baophu_percent(0, 30, 2), 0);
	cr_assert_eq(baophu_percent(34, 30, 2), 11333);
	cr_assert_eq(baophu_percent(34, 30, 0), 113);
}

Test(ratio, ties_go_up)
{
	cr_assert_eq(baophu_percent(1, 200, 0), 1); /* 0.5 */
	cr_assert_eq(baophu_percent(3, 200, 0), 2); /* 1.5 */
	cr_assert_eq(baophu_percent(-1, 200, 0), 0); /* -0.5 */
	cr_assert_eq(baophu_percent(-3, 200, 0), -1); /* -1.5 */
	cr_assert_eq(baophu_percent(-301, 20000, 0), -2);
	cr_assert_eq(baophu_percent(1, 3, 6), 33333333);
	cr_assert_eq(baophu_percent(2, 3, 6), 66666667);
	cr_assert_eq(baophu_percent(-2, 3, 6), -66666667);
}

Test(ratio, truncation_goes_towards_zero)
{
	cr_assert_eq(baophu_percent_truncated(2, 3, 2), 6666);
	cr_assert_eq(baophu_percent_truncated(-2, 3, 2), -6666);
	cr_assert_eq(baophu_percent_truncated(1, 2, 2), 5000);
	cr_assert_eq(baophu_percent_truncated(-1, 2, 2), -5000);
	cr_assert_eq(baophu_percent_truncated(-1, 20000, 0), 0);
}

Test(ratio, absent_stays_absent)
{
	cr_assert_eq(baophu_percent(BAOPHU_ABSENT, 3, 2), BAOPHU_ABSENT);
	cr_assert_eq(baophu_percent(3, BAOPHU_ABSENT, 2), BAOPHU_ABSENT);
	cr_assert_eq(baophu_percent(3, 0, 2), BAOPHU_ABSENT);
	cr_assert_eq(baophu_percent(3, -1, 2), BAOPHU_ABSENT);
	cr_assert_eq(baophu_percent(3, 1, 7), BAOPHU_ABSENT);
	cr_assert_eq(baophu_percent_truncated(BAOPHU_ABSENT, 3, 2), BAOPHU_ABSENT);
	cr_assert_eq(baophu_percent_truncated(3, 0, 2), BAOPHU_ABSENT);
	cr_assert_eq(baophu_gap_points(BAOPHU_ABSENT, 3, 4, 0, 2), BAOPHU_ABSENT);
	cr_assert_eq(baophu_gap_points(1, 0, 4, 0, 2), BAOPHU_ABSENT);
	cr_assert_eq(baophu_gap_points(1, 3, BAOPHU_ABSENT, 0, 2), BAOPHU_ABSENT);
	cr_assert_eq(baophu_gap_points(1, 3, 4, 7, 2), BAOPHU_ABSENT);
	cr_assert_eq(baophu_rate_attainment(1, 3, 0, 0, 2), BAOPHU_ABSENT);
	cr_assert_eq(baophu_rate_attainment(1, 3, BAOPHU_ABSENT, 0, 2), BAOPHU_ABSENT);
	cr_assert_eq(baophu_rate_attainment(BAOPHU_ABSENT, 3, 4, 0, 2), BAOPHU_ABSENT);
	cr_assert_eq(baophu_rate_attainment(1, BAOPHU_ABSENT, 4, 0, 2), BAOPHU_ABSENT);
}

/* What does not fit into 62 bits is said to be absent, not wrapped round. */
Test(ratio, ends_of_the_type)
{
	const int64_t max = INT64_MAX;
	cr_assert_eq(baophu_percent(max, max, 6), 100000000);
	cr_assert_eq(baophu_percent(max, 1, 6), BAOPHU_ABSENT);
	cr_assert_eq(baophu_percent(max, 1, 0), BAOPHU_ABSENT);
	cr_assert_eq(baophu_percent(-max, 1, 0), BAOPHU_ABSENT);
	cr_assert_eq(baophu_percent(max, 200, 0), INT64_C(1) << 62);
	cr_assert_eq(baophu_percent(-max, 200, 0), -(max / 2));
	cr_assert_eq(baophu_gap_points(max, max, max, 6, 6), BAOPHU_ABSENT);
	cr_assert_eq(baophu_gap_points(max, max, BAOPHU_DIGITS_MAX, 6, 6), INT64_C(100000000) - BAOPHU_DIGITS_MAX);
	cr_assert_eq(baophu_gap_points(BAOPHU_VALUE_MAX, BAOPHU_VALUE_MAX, BAOPHU_DIGITS_MAX, 6, 6),
		     INT64_C(100000000) - BAOPHU_DIGITS_MAX);
	cr_assert_eq(baophu_rate_attainment(BAOPHU_VALUE_MAX, BAOPHU_VALUE_MAX, 1, 6, 6), INT64_C(10000000000000000));
	cr_assert_eq(baophu_rate_attainment(1, max, BAOPHU_DIGITS_MAX, 0, 6), 0);
	cr_assert_eq(baophu_rate_attainment(max - 1, max, max, 0, 6), BAOPHU_ABSENT);
	cr_assert_eq(baophu_ratio_compare(max, 1, max - 1, 1), 1);
	cr_assert_eq(baophu_ratio_compare(max - 1, max, max, max), -1);
}

Test(ratio, gaps_are_points)
{
	cr_assert_eq(baophu_gap_points(1554, 10000, 16, 0, 2), -46); /* 15,54 % is 0,46 points under 16 % */
	cr_assert_eq(baophu_gap_points(31455, 202418, 16, 0, 2), -46);
	cr_assert_eq(baophu_gap_points(1, 2, 500, 1, 2), 0);
	cr_assert_eq(baophu_gap_points(1, 3, 333, 1, 2), 3); /* 33,333.. - 33,3 */
	cr_assert_eq(baophu_gap_points(1, 8, 1200, 2, 0), 1); /* 0,5 goes up */
	cr_assert_eq(baophu_gap_points(1, 8, 1300, 2, 0), 0); /* -0,5 goes up */
}

Test(ratio, attainment_of_a_rate_uses_the_unrounded_ratio)
{
	cr_assert_eq(baophu_rate_attainment(31455, 202418, 16, 0, 2), 9712);
	cr_assert_eq(baophu_rate_attainment(1, 2, 500, 1, 2), 10000);
	/* 2/3 of 100 % against 66,67 %: 99,995 %, though both print 66,67 */
	cr_assert_eq(baophu_rate_attainment(2, 3, 6667, 2, 3), 99995);
}

Test(ratio, classes_of_attainment_are_disjoint)
{
	cr_assert_eq(baophu_attainment(30, 30), BAOPHU_STATE_MET);
	cr_assert_eq(baophu_attainment(34, 30), BAOPHU_STATE_MET);
	cr_assert_eq(baophu_attainment(29, 30), BAOPHU_STATE_HALF);
	cr_assert_eq(baophu_attainment(15, 30), BAOPHU_STATE_HALF);
	cr_assert_eq(baophu_attainment(14, 30), BAOPHU_STATE_UNDER_HALF);
	cr_assert_eq(baophu_attainment(15, 31), BAOPHU_STATE_UNDER_HALF);
	cr_assert_eq(baophu_attainment(16, 31), BAOPHU_STATE_HALF);
	cr_assert_eq(baophu_attainment(1, 30), BAOPHU_STATE_UNDER_HALF);
	cr_assert_eq(baophu_attainment(0, 30), BAOPHU_STATE_ZERO);
	cr_assert_eq(baophu_attainment(BAOPHU_ABSENT, 30), BAOPHU_STATE_NO_REPORT);
	cr_assert_eq(baophu_attainment(30, BAOPHU_ABSENT), BAOPHU_STATE_NO_PLAN);
	cr_assert_eq(baophu_attainment(30, 0), BAOPHU_STATE_NO_PLAN);
	cr_assert_eq(baophu_attainment(BAOPHU_ABSENT, BAOPHU_ABSENT), BAOPHU_STATE_NO_PLAN);
	cr_assert_eq(baophu_attainment(INT64_MAX - 1, INT64_MAX), BAOPHU_STATE_HALF);
}

Test(ratio, digits_as_text)
{
	char text[32];
	cr_assert_str_eq(baophu_digits_format(9262, 2, ',', text), "92,62");
	cr_assert_str_eq(baophu_digits_format(-46, 2, '.', text), "-0.46");
	cr_assert_str_eq(baophu_digits_format(5, 2, '.', text), "0.05");
	cr_assert_str_eq(baophu_digits_format(0, 2, '.', text), "0.00");
	cr_assert_str_eq(baophu_digits_format(0, 0, '.', text), "0");
	cr_assert_str_eq(baophu_digits_format(-7, 0, '.', text), "-7");
	cr_assert_str_eq(baophu_digits_format(INT64_MAX, 6, '.', text), "9223372036854.775807");
	cr_assert_str_eq(baophu_digits_format(-INT64_MAX, 18, '.', text), "-9.223372036854775807");
	cr_assert_str_eq(baophu_digits_format(1, 18, '.', text), "0.000000000000000001");
	cr_assert_str_eq(baophu_digits_format(BAOPHU_ABSENT, 2, '.', text), "");
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* The witness finds the rounded figure by its definition: the only integer within half a step, the upper one on a tie. */
Test(ratio, percent_is_the_nearest_figure)
{
	uint64_t state = 88172645463325252u;
	for (int i = 0; i < 200000; i++) {
		int64_t numerator = (int64_t)(next_random(&state) % 2000001) - 1000000;
		int64_t denominator = (int64_t)(next_random(&state) % 100000) + 1;
		unsigned decimals = (unsigned)(next_random(&state) % 5);
		int64_t scaled = numerator * 100;
		for (unsigned d = 0; d < decimals; d++)
			scaled *= 10;
		int64_t digits = baophu_percent(numerator, denominator, decimals);
		/* digits - 1/2 <= scaled / denominator < digits + 1/2 */
		cr_assert(2 * digits * denominator - denominator <= 2 * scaled, "%ld/%ld", numerator, denominator);
		cr_assert(2 * scaled < 2 * digits * denominator + denominator, "%ld/%ld", numerator, denominator);
		cr_assert_eq(baophu_percent_truncated(numerator, denominator, decimals), scaled / denominator);
	}
}

Test(ratio, a_gap_and_its_rate_agree)
{
	uint64_t state = 7;
	for (int i = 0; i < 100000; i++) {
		int64_t numerator = (int64_t)(next_random(&state) % 1000000),
			denominator = (int64_t)(next_random(&state) % 1000000) + 1;
		int64_t digits = (int64_t)(next_random(&state) % 10000) + 1;
		/* over the same denominator the gap is a percentage of the difference: 100 n / d - g / 100 */
		cr_assert_eq(baophu_gap_points(numerator, denominator, digits, 2, 3),
			     baophu_percent(numerator * 10000 - digits * denominator, denominator * 10000, 3));
		cr_assert_eq(baophu_rate_attainment(numerator, denominator, digits, 2, 2),
			     baophu_percent(numerator * 10000, denominator * digits, 2));
	}
}

Test(ratio, comparison_is_exact_and_consistent)
{
	cr_assert_eq(baophu_ratio_compare(1, 3, 333333333, 1000000000), 1);
	cr_assert_eq(baophu_ratio_compare(2, 6, 1, 3), 0);
	cr_assert_eq(baophu_ratio_compare(-1, 3, 1, 3), -1);
	cr_assert_eq(baophu_ratio_compare(0, 3, 0, 5), 0);
}
