/* ratio.h - exact ratios of integers: rounding half up, comparison, classes of attainment. No floating point.
 *
 * Half up is what the published figures follow (31.455 / 202.418 = 15,5396 % is printed 15,54); some print truncated.
 */
#pragma once

#include <baophu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 100 * numerator / denominator rounded half up (away from zero on a tie for a positive value, towards plus infinity for
 * a negative one) at `decimals` 0..6: returns the digits (9262 for 92,62 with decimals 2). BAOPHU_ABSENT when the
 * denominator is not positive, a figure is absent, or the result does not fit in 62 bits. */
BAOPHU_API int64_t baophu_percent(int64_t numerator, int64_t denominator, unsigned decimals);
/* The same, cut off towards zero. */
BAOPHU_API int64_t baophu_percent_truncated(int64_t numerator, int64_t denominator, unsigned decimals);
/* 100 * numerator / denominator - digits / 10^target_decimals, in points, rounded half up at `decimals`. */
BAOPHU_API int64_t baophu_gap_points(int64_t numerator, int64_t denominator, int64_t digits, unsigned target_decimals,
				     unsigned decimals);
/* Attainment of a rate target: (100 n / d) / (digits / 10^target_decimals) * 100, from the unrounded ratio, half up. */
BAOPHU_API int64_t baophu_rate_attainment(int64_t numerator, int64_t denominator, int64_t digits, unsigned target_decimals,
					  unsigned decimals);
/* -1, 0, 1 as a/b is below, equal to or above c/d; exact (128 bit). Denominators must be positive. */
BAOPHU_API int baophu_ratio_compare(int64_t a, int64_t b, int64_t c, int64_t d);
/* Which of the disjoint lists value/target falls into by disjoint definitions: MET, HALF, UNDER_HALF, ZERO; NO_PLAN for an absent or
 * non-positive target, else NO_REPORT for an absent value. */
BAOPHU_API enum baophu_state baophu_attainment(int64_t value, int64_t target);
/* Writes digits with `decimals` as text with the decimal mark given ('.' or ','), e.g. -46, 2 -> "-0.46"; 32-byte buffer. */
BAOPHU_API const char *baophu_digits_format(int64_t digits, unsigned decimals, char mark, char buffer[BAOPHU_AT_LEAST(32)]);

#ifdef __cplusplus
}
#endif
