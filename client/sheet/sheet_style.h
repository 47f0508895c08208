/* sheet_style.h - what a number format makes of a cell's number: a plain number, a percentage, a date. Pure. For files of client/sheet only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decimal.h"

enum style_shown {
	STYLE_NUMBER,
	STYLE_PERCENT,
	STYLE_DAY, /* of a date */
	STYLE_MONTH, /* of a year, no day */
	STYLE_YEAR,
	STYLE_SCALED, /* a word such as triệu behind the number: people read another number than the cell holds */
};
/* By the number of a format that needs no code (ECMA-376 part 1, 18.8.30; 27-36 and 50-58 are dates in East Asian programs). */
enum style_shown style_of_builtin(uint32_t id);
/* By its code: dd/mm/yyyy, 0.00%, [$-42A]#,##0 "người". Its first section counts. */
enum style_shown style_of_code(const char *code);

enum { STYLE_DATE_BYTES = 16 };
/* A serial number as "2024-04-30", "2024-04" or "2024". Excel's first system has a day that never was, 29 February 1900 (serial 60), and counts
 * from it; the other one begins with 1 January 1904 as 0. False when there is no such day up to the year 9999. */
bool style_date(struct decimal serial, bool is_1904, enum style_shown shown, char buffer[static STYLE_DATE_BYTES]);
