/* decimal.c - see decimal.h. */
#include "decimal.h"

#include <errno.h>

enum { DIGITS_KEPT = 15, EXPONENT_MAX = 400 };

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

int decimal_read(const char *text, struct decimal *ret_decimal)
{
	int64_t digits = 0;
	int kept = 0, scale = 0;
	bool is_negative = *text == '-', has_digit = false, is_fraction = false, round_up = false;
	text += *text == '-' || *text == '+';
	for (; is_digit(*text) || (*text == '.' && !is_fraction); text++) {
		if (*text == '.') {
			is_fraction = true;
			continue;
		}
		has_digit = true;
		if (scale < -EXPONENT_MAX || scale > EXPONENT_MAX)
			return -EINVAL;
		if (kept < DIGITS_KEPT) {
			digits = digits * 10 + (*text - '0');
			kept += digits > 0; /* zeros in front are no digits of it */
			scale -= is_fraction;
			continue;
		}
		if (kept++ == DIGITS_KEPT)
			round_up = *text >= '5';
		scale += !is_fraction;
	}
	if (!has_digit)
		return -EINVAL;
	if (*text == 'e' || *text == 'E') {
		text++;
		bool is_small = *text == '-';
		text += *text == '-' || *text == '+';
		if (!is_digit(*text))
			return -EINVAL;
		int exponent = 0;
		for (; is_digit(*text) && exponent <= EXPONENT_MAX; text++)
			exponent = exponent * 10 + (*text - '0');
		scale += is_small ? -exponent : exponent;
	}
	if (*text || scale < -EXPONENT_MAX || scale > EXPONENT_MAX)
		return -EINVAL;
	digits += round_up;
	while (digits && digits % 10 == 0) {
		digits /= 10;
		scale++;
	}
	*ret_decimal = (struct decimal){ .digits = is_negative ? -digits : digits, .scale = digits ? scale : 0 };
	return 0;
}

bool decimal_to_integer(struct decimal decimal, int shift, int64_t max, int64_t *ret_value)
{
	int64_t value = decimal.digits;
	int scale = decimal.digits ? decimal.scale + shift : 0;
	if (value < 0 || value > max || scale < 0)
		return false;
	for (; scale > 0; scale--) {
		if (value > max / 10)
			return false;
		value *= 10;
	}
	*ret_value = value;
	return true;
}

bool decimal_floor(struct decimal decimal, int64_t max, int64_t *ret_value)
{
	for (; decimal.scale < 0; decimal.scale++)
		decimal.digits /= 10;
	bool is_negative = decimal.digits < 0;
	decimal.digits = is_negative ? -decimal.digits : decimal.digits;
	if (!decimal_to_integer(decimal, 0, max, ret_value))
		return false;
	*ret_value = is_negative ? -*ret_value : *ret_value;
	return true;
}
