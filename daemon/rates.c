/* rates.c - a list of dates for each measure and denominator, newest date first, and a hash that finds what is said again. See rates.h. */
#include "rates.h"

#include <errno.h>

enum { SLOTS_MIN = 64 };

void rates_init(struct rates *rates) { *rates = (struct rates){ 0 }; }

void rates_finish(struct rates *rates)
{
	vec_finish(&rates->rates);
	vec_finish(&rates->first_of_unit);
	vec_finish(&rates->by_slot);
}

int rates_clone(struct rates *to, const struct rates *from)
{
	rates_init(to);
	if (vec_clone(&to->rates, &from->rates, sizeof(struct rate)) ||
	    vec_clone(&to->first_of_unit, &from->first_of_unit, sizeof(uint32_t)) ||
	    vec_clone(&to->by_slot, &from->by_slot, sizeof(uint32_t))) {
		rates_finish(to);
		return -ENOMEM;
	}
	return 0;
}

/* By measure, then denominator. */
static int compare(const struct entry_rate *a, const struct entry_rate *b)
{
	if (a->measure != b->measure)
		return a->measure < b->measure ? -1 : 1;
	if (a->denominator != b->denominator)
		return a->denominator < b->denominator ? -1 : 1;
	if (a->over_measure != b->over_measure)
		return a->over_measure < b->over_measure ? -1 : 1;
	return a->over_plan < b->over_plan ? -1 : a->over_plan > b->over_plan;
}

static struct rate *at(const struct rates *rates, uint32_t index) { return vec_at(&rates->rates, struct rate, index - 1); }

static uint32_t *place_of(const struct rates *rates, const struct entry_rate *said)
{
	uint64_t over = (uint64_t)said->over_plan << 32 | (uint32_t)said->over_measure << 16 | (uint32_t)said->denominator << 8;
	uint64_t what = (uint64_t)said->measure << 32 | (uint32_t)said->to;
	uint32_t hash = (uint32_t)(baophu_mix64(said->unit, baophu_mix64(said->measure, over) ^ what) >> 32);
	uint32_t mask = (uint32_t)rates->by_slot.count - 1, *table = rates->by_slot.data;
	for (hash &= mask; table[hash]; hash = (hash + 1) & mask) {
		const struct entry_rate *have = &at(rates, table[hash])->said;
		if (have->unit == said->unit && have->to == said->to && !compare(have, said))
			break;
	}
	return &table[hash];
}

static int by_slot_grow(struct rates *rates)
{
	if ((rates->rates.count + 1) * 2 <= rates->by_slot.count)
		return 0;
	struct vec grown = { 0 };
	if (!vec_grow(&grown, rates->by_slot.count ? rates->by_slot.count * 2 : SLOTS_MIN, sizeof(uint32_t)))
		return -ENOMEM;
	vec_finish(&rates->by_slot);
	rates->by_slot = grown;
	for (uint32_t i = 1; i <= rates->rates.count; i++)
		*place_of(rates, &at(rates, i)->said) = i;
	return 0;
}

/* Puts the new one among its unit's. */
static void link_in(struct rates *rates, uint32_t index)
{
	struct rate *rate = at(rates, index);
	uint32_t *link = vec_at(&rates->first_of_unit, uint32_t, rate->said.unit);
	while (*link && compare(&at(rates, *link)->said, &rate->said) < 0)
		link = &at(rates, *link)->next;
	if (!*link || compare(&at(rates, *link)->said, &rate->said)) {
		rate->next = *link;
		*link = index;
		return;
	}
	struct rate *latest = at(rates, *link);
	if (latest->said.to < rate->said.to) {
		rate->next = latest->next;
		rate->earlier = *link;
		latest->next = 0;
		*link = index;
		return;
	}
	for (link = &latest->earlier; *link && at(rates, *link)->said.to > rate->said.to;)
		link = &at(rates, *link)->earlier;
	rate->earlier = *link;
	*link = index;
}

int rates_apply(struct rates *rates, const struct entry_rate *said, uint64_t id)
{
	struct vec *first = &rates->first_of_unit;
	if (by_slot_grow(rates) ||
	    (said->unit >= first->count && !vec_grow(first, said->unit + 1 - first->count, sizeof(uint32_t))))
		return -ENOMEM;
	uint32_t *place = place_of(rates, said);
	if (*place) {
		at(rates, *place)->id = id;
		at(rates, *place)->said = *said;
		return 0;
	}
	struct rate *rate = vec_grow(&rates->rates, 1, sizeof *rate);
	if (!rate)
		return -ENOMEM;
	*rate = (struct rate){ .id = id, .said = *said };
	*place = (uint32_t)rates->rates.count;
	link_in(rates, *place);
	return 0;
}

const struct rate *rates_find(const struct rates *rates, const struct entry_rate *said)
{
	uint32_t index = rates->by_slot.count ? *place_of(rates, said) : 0;
	return index ? at(rates, index) : NULL;
}

bool rates_has(const struct rates *rates, uint32_t unit)
{
	return unit < rates->first_of_unit.count && *vec_at(&rates->first_of_unit, uint32_t, unit);
}

uint32_t rates_standing(const struct rates *rates, uint32_t unit, baophu_date date, const struct rate **found, uint32_t size)
{
	uint32_t count = 0;
	if (!rates_has(rates, unit))
		return 0;
	for (uint32_t group = *vec_at(&rates->first_of_unit, uint32_t, unit); group && count < size;
	     group = at(rates, group)->next) {
		uint32_t one = group;
		while (one && at(rates, one)->said.to > date)
			one = at(rates, one)->earlier;
		if (one)
			found[count++] = at(rates, one);
	}
	return count;
}
