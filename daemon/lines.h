/* lines.h - the lines that are watched: exact percentages of a plan that a unit's attainment can cross. Pure.
 *
 * A line has a number, given to its percentage once for ever (50 % and 50,0 % are one), so a set of lines is a word of bits.
 */
#pragma once

#include "record.h"
#include "vec.h"

enum { LINES_EVER_MAX = 64 }; /* percentages that ever were watched */

/* A percentage watched for a plan, or for every plan. */
struct line {
	uint64_t id; /* entry that said so last */
	uint32_t plan; /* plan code number; 0: every plan */
	uint32_t digits;
	uint8_t decimals, number; /* number: 0 to LINES_EVER_MAX - 1 */
	bool removed;
};
struct lines {
	struct vec all; /* struct line: each plan and percentage once, also those that were removed */
};
void lines_init(struct lines *lines);
void lines_finish(struct lines *lines);
int lines_clone(struct lines *to, const struct lines *from); /* -ENOMEM */
int lines_apply(struct lines *lines, const struct entry_threshold *entry, uint64_t id); /* -ENOMEM, -BAOPHU_EDAMAGED */

/* Fewest decimals: 500, 1 becomes 50, 0. */
void lines_normalise(uint32_t *digits, uint8_t *decimals);
/* The line that stands for this plan (0: for every plan); NULL. Digits as normalised. */
const struct line *lines_find(const struct lines *lines, uint32_t plan, uint32_t digits, uint8_t decimals);
/* The number of a percentage, also of one that was removed; LINES_EVER_MAX: there never was one. */
unsigned lines_number(const struct lines *lines, uint32_t digits, uint8_t decimals);
/* How many percentages have a number, which is also the next number. */
unsigned lines_numbered(const struct lines *lines);
/* Any line of this number: its digits and decimals hold for all. NULL: there is none. */
const struct line *lines_numbered_at(const struct lines *lines, unsigned number);
/* How many stand. */
unsigned lines_standing(const struct lines *lines);
/* Bits of the numbers that are watched for this plan. */
uint64_t lines_of_plan(const struct lines *lines, uint32_t plan);
