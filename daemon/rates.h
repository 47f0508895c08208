/* rates.h - published rates: of each unit, measure, denominator and date the newest word. Pure.
 *
 * What a word replaced is in history (history_rates), as it is with figures: somebody who prints the same rate every day takes no more room
 * than one who printed it once. Flat, so that a copy is taken quickly.
 */
#pragma once

#include "record.h"
#include "vec.h"

struct rate {
	uint64_t id; /* of the newest word */
	uint32_t earlier; /* index + 1: of the same measure and denominator, printed of the date before */
	uint32_t next; /* index + 1: the next measure or denominator of the unit; of the latest of its dates only */
	struct entry_rate said;
};
struct rates {
	struct vec rates; /* struct rate */
	struct vec first_of_unit; /* uint32_t by unit: index + 1; measures and denominators in their order */
	struct vec by_slot; /* open hash: uint32_t index + 1 */
};
void rates_init(struct rates *rates);
void rates_finish(struct rates *rates);
int rates_clone(struct rates *to, const struct rates *from); /* -ENOMEM; `to` uninitialised */
/* A word; it replaces the one of its unit, measure, denominator and date (`to`). -ENOMEM. */
int rates_apply(struct rates *rates, const struct entry_rate *said, uint64_t id);
/* The newest word of the unit, measure, denominator and date of `said`; NULL. Lent until the next rates_apply. */
const struct rate *rates_find(const struct rates *rates, const struct entry_rate *said);
/* Whether anything was ever printed of the unit. */
bool rates_has(const struct rates *rates, uint32_t unit);
/* Of each measure and denominator of the unit the one of the latest date up to `date`; fills up to `size` of `found`, lent until the
 * next rates_apply. Returns how many. */
uint32_t rates_standing(const struct rates *rates, uint32_t unit, baophu_date date, const struct rate **found, uint32_t size);
