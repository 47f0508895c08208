/* ratio.c - exact ratios in 128-bit integers.
 *
 * Does not know what is divided by what, or whether the two may be compared: coverage decides that. Each function brings its
 * question to one fraction and rounds once, so that nothing is rounded twice. What cannot be said exactly in the type is
 * BAOPHU_ABSENT, never a figure that is nearly right.
 */
#include <baophu/ratio.h>

#include <stdio.h>
#include <string.h>

typedef __int128 wide; /* ISO C has no name for it */

static const int64_t power_of_ten[BAOPHU_RATE_DECIMALS_MAX + 1] = { 1, 10, 100, 1000, 10000, 100000, 1000000 };
#define RESULT_MAX (INT64_C(1) << 62)

enum rounding { HALF_UP, TOWARDS_ZERO };

static bool is_figure(int64_t value) { return value != BAOPHU_ABSENT; }

/* numerator * 10^decimals / denominator, rounded. The whole part is split off first: then the rest is below the denominator and
 * its product fits, as long as the denominator is below 2^105. */
static int64_t divide(wide numerator, wide denominator, unsigned decimals, enum rounding rounding)
{
	if (denominator <= 0 || denominator >> 105 || decimals > BAOPHU_RATE_DECIMALS_MAX)
		return BAOPHU_ABSENT;
	bool is_mirrored = rounding == TOWARDS_ZERO && numerator < 0;
	if (is_mirrored)
		numerator = -numerator;
	wide whole = numerator / denominator, rest = numerator % denominator;
	if (rest < 0) {
		whole--;
		rest += denominator;
	}
	if (whole > RESULT_MAX || whole < -RESULT_MAX)
		return BAOPHU_ABSENT;
	wide scaled = rest * power_of_ten[decimals];
	wide part = rounding == HALF_UP ? (2 * scaled + denominator) / (2 * denominator) : scaled / denominator;
	wide digits = whole * power_of_ten[decimals] + part;
	if (digits > RESULT_MAX || digits < -RESULT_MAX)
		return BAOPHU_ABSENT;
	return (int64_t)(is_mirrored ? -digits : digits);
}

int64_t baophu_percent(int64_t numerator, int64_t denominator, unsigned decimals)
{
	if (!is_figure(numerator) || !is_figure(denominator))
		return BAOPHU_ABSENT;
	return divide((wide)numerator * 100, denominator, decimals, HALF_UP);
}

int64_t baophu_percent_truncated(int64_t numerator, int64_t denominator, unsigned decimals)
{
	if (!is_figure(numerator) || !is_figure(denominator))
		return BAOPHU_ABSENT;
	return divide((wide)numerator * 100, denominator, decimals, TOWARDS_ZERO);
}

int64_t baophu_gap_points(int64_t numerator, int64_t denominator, int64_t digits, unsigned target_decimals, unsigned decimals)
{
	if (!is_figure(numerator) || !is_figure(denominator) || !is_figure(digits) || target_decimals > BAOPHU_RATE_DECIMALS_MAX)
		return BAOPHU_ABSENT;
	int64_t scale = power_of_ten[target_decimals];
	wide difference = (wide)numerator * 100 * scale - (wide)digits * denominator;
	return divide(difference, (wide)denominator * scale, decimals, HALF_UP);
}

int64_t baophu_rate_attainment(int64_t numerator, int64_t denominator, int64_t digits, unsigned target_decimals, unsigned decimals)
{
	if (!is_figure(numerator) || !is_figure(denominator) || digits <= 0 || denominator <= 0 ||
	    target_decimals > BAOPHU_RATE_DECIMALS_MAX)
		return BAOPHU_ABSENT;
	return divide((wide)numerator * 10000 * power_of_ten[target_decimals], (wide)denominator * digits, decimals, HALF_UP);
}

int baophu_ratio_compare(int64_t a, int64_t b, int64_t c, int64_t d)
{
	wide left = (wide)a * d, right = (wide)c * b;
	return (left > right) - (left < right);
}

enum baophu_state baophu_attainment(int64_t value, int64_t target)
{
	if (target <= 0)
		return BAOPHU_STATE_NO_PLAN;
	if (!is_figure(value))
		return BAOPHU_STATE_NO_REPORT;
	if (value <= 0)
		return BAOPHU_STATE_ZERO;
	if (value >= target)
		return BAOPHU_STATE_MET;
	return value >= target - value ? BAOPHU_STATE_HALF : BAOPHU_STATE_UNDER_HALF;
}

const char *baophu_digits_format(int64_t digits, unsigned decimals, char mark, char buffer[static 32])
{
	enum { DECIMALS_MAX = 18 }; /* 19 digits, sign, mark and NUL stay far below the buffer */
	if (!is_figure(digits)) {
		buffer[0] = 0;
		return buffer;
	}
	if (decimals > DECIMALS_MAX)
		decimals = DECIMALS_MAX;
	char text[32];
	uint64_t magnitude = digits < 0 ? 0 - (uint64_t)digits : (uint64_t)digits;
	size_t count = (size_t)snprintf(text, sizeof text, "%0*llu", (int)decimals + 1, (unsigned long long)magnitude);
	size_t whole = count - decimals, used = 0;
	if (digits < 0)
		buffer[used++] = '-';
	memcpy(buffer + used, text, whole);
	used += whole;
	if (decimals) {
		buffer[used++] = mark;
		memcpy(buffer + used, text + whole, decimals);
		used += decimals;
	}
	buffer[used] = 0;
	return buffer;
}
