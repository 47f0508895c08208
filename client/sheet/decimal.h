/* decimal.h - the exact decimal number in a spreadsheet's numeric cell. Pure; no floating point.
 *
 * Spreadsheets calculate in binary fractions, write them with up to 17 digits and show at most 15; what is beyond the 15th is noise
 * (0.92620000000000002 was 0.9262 when it was typed), so it is rounded away, half up.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct decimal {
	int64_t digits; /* at most 15 of them, without zeros at the end; 0 for zero; negative for a negative number */
	int scale; /* the value is digits * 10^scale; -400..400, 0 for zero */
};
/* Reads 1065565, -0.5, 1.065565E6 (nothing before or after). 0; -EINVAL when it is no such number, *ret_decimal untouched. */
int decimal_read(const char *text, struct decimal *ret_decimal);
/* decimal * 10^shift as an integer; false when it has a fraction, is negative or exceeds `max`. Written only when true. */
bool decimal_to_integer(struct decimal decimal, int shift, int64_t max, int64_t *ret_value);
/* The whole part, towards zero; false when it exceeds `max` in size. */
bool decimal_floor(struct decimal decimal, int64_t max, int64_t *ret_value);
