/* facts.c - what stands for each unit, measure, extent and period. See facts.h. */
#include "facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void facts_init(struct facts *facts) { *facts = (struct facts){ 0 }; }

void facts_finish(struct facts *facts)
{
	for (uint32_t i = 0; i < facts->table_size; i++)
		free(facts->table[i].facts);
	free(facts->table);
	*facts = (struct facts){ 0 };
}

static uint32_t series_hash(uint32_t unit, uint16_t measure, uint8_t extent)
{
	uint64_t x = ((uint64_t)unit << 24 | (uint64_t)measure << 8 | extent) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(x >> 32);
}

static struct series *series_at(const struct facts *facts, uint32_t unit, uint16_t measure, uint8_t extent)
{
	uint32_t mask = facts->table_size - 1;
	uint32_t at = series_hash(unit, measure, extent) & mask;
	while (facts->table[at].unit &&
	       (facts->table[at].unit != unit || facts->table[at].measure != measure || facts->table[at].extent != extent))
		at = (at + 1) & mask;
	return &facts->table[at];
}

static int table_grow(struct facts *facts)
{
	struct facts grown = *facts;
	grown.table_size = facts->table_size ? facts->table_size * 2 : 256;
	grown.table = calloc(grown.table_size, sizeof *grown.table);
	if (!grown.table)
		return -ENOMEM;
	for (uint32_t i = 0; i < facts->table_size; i++) {
		const struct series *series = &facts->table[i];
		if (series->unit)
			*series_at(&grown, series->unit, series->measure, series->extent) = *series;
	}
	free(facts->table);
	*facts = grown;
	return 0;
}

/* Sum over slots of this is the facts' part of the state digest: additive, so it can follow each change. */
static uint64_t slot_digest(const struct series *series, const struct fact *fact)
{
	uint64_t word[] = { (uint64_t)series->unit << 32 | (uint64_t)series->measure << 8 | series->extent,
			    (uint64_t)fact->from << 16 | fact->to, fact->word, fact->id };
	uint64_t hash = UINT64_C(0x243f6a8885a308d3);
	for (unsigned i = 0; i < 4; i++) {
		hash = (hash ^ word[i]) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	return hash * UINT64_C(0xbf58476d1ce4e5b9) ^ hash >> 29;
}

static uint16_t packed_date(baophu_date date) { return (uint16_t)(date - BAOPHU_DATE_MIN); }

/* Periods in order of their end, then their start. */
static int32_t period_key(uint16_t from, uint16_t to) { return (int32_t)((uint32_t)to << 16 | from) ^ INT32_MIN; }

/* Index of the first fact whose period is not before (from, to). */
static uint32_t lower_bound(const struct series *series, uint16_t from, uint16_t to)
{
	uint32_t low = 0, high = series->count;
	int32_t key = period_key(from, to);
	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (period_key(series->facts[middle].from, series->facts[middle].to) < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The slot's fact, created when it is new (*ret_is_new). NULL: no memory. */
static struct fact *slot_get(struct facts *facts, const struct slot *slot, struct series **ret_series, bool *ret_is_new)
{
	if ((facts->series_count + 1) * 10ull > facts->table_size * 7ull && table_grow(facts))
		return NULL;
	struct series *series = series_at(facts, slot->unit, slot->measure, slot->extent);
	if (!series->unit) {
		*series = (struct series){ .unit = slot->unit, .measure = slot->measure, .extent = slot->extent };
		facts->series_count++;
	}
	uint16_t from = packed_date(slot->from), to = packed_date(slot->to);
	uint32_t at = lower_bound(series, from, to);
	*ret_series = series;
	*ret_is_new = at == series->count || series->facts[at].from != from || series->facts[at].to != to;
	if (!*ret_is_new)
		return &series->facts[at];
	if (series->count == series->capacity) {
		/* Small steps: a million facts in series of a few dozen must not carry as much room again for growth. */
		uint32_t capacity = series->capacity + (series->capacity < 32 ? 4 : series->capacity / 4);
		struct fact *grown = realloc(series->facts, capacity * sizeof *grown);
		if (!grown)
			return NULL;
		series->facts = grown;
		series->capacity = capacity;
	}
	memmove(&series->facts[at + 1], &series->facts[at], (series->count - at) * sizeof *series->facts);
	series->count++;
	facts->fact_count++;
	series->facts[at] = (struct fact){ .from = from, .to = to };
	return &series->facts[at];
}

static baophu_date later_than(const struct series *series, const struct fact *fact)
{
	while (++fact < series->facts + series->count)
		if (fact_stands(fact))
			return fact_to(fact);
	return BAOPHU_DATE_NONE;
}

static void fact_say(struct facts *facts, const struct series *series, struct fact *fact, bool is_new, const struct figure *figure,
		     uint64_t id)
{
	if (!is_new)
		facts->digest -= slot_digest(series, fact);
	fact->id = id;
	fact->word = figure->reason;
	if (figure->value != BAOPHU_ABSENT)
		fact->word |= (uint64_t)(figure->value + 1) << 12 | (uint64_t)(figure->bound - 1) << 10 |
			      (uint64_t)(figure->origin - 1) << 8 | (uint64_t)(figure->status - 1) << 6;
	facts->digest += slot_digest(series, fact);
}

int facts_put(struct facts *facts, const struct slot *slot, const struct figure *figure, uint64_t id,
	      struct facts_change *ret_change)
{
	struct series *series;
	bool is_new;
	struct fact *fact = slot_get(facts, slot, &series, &is_new);
	if (!fact)
		return -ENOMEM;
	*ret_change = (struct facts_change){ false, BAOPHU_DATE_NONE };
	if (!is_new && fact_stands(fact) && figure->status > fact_status(fact))
		return 0; /* an estimate never replaces a final figure */
	fact_say(facts, series, fact, is_new, figure, id);
	*ret_change = (struct facts_change){ true, later_than(series, fact) };
	return 0;
}

int facts_withdraw(struct facts *facts, const struct entry_withdrawal *withdrawal, uint64_t id, struct facts_change *ret_change)
{
	struct series *series;
	bool is_new;
	struct fact *fact = slot_get(facts, &withdrawal->slot, &series, &is_new);
	if (!fact)
		return -ENOMEM;
	struct figure nothing = { .value = BAOPHU_ABSENT, .reason = withdrawal->reason };
	if (withdrawal->restored_id)
		fact_say(facts, series, fact, is_new, &withdrawal->restored, withdrawal->restored_id);
	else
		fact_say(facts, series, fact, is_new, &nothing, id);
	*ret_change = (struct facts_change){ true, later_than(series, fact) };
	return 0;
}

void facts_prefetch(const struct facts *facts, const struct slot *slot, int stage)
{
	if (!facts->table_size)
		return;
	if (stage == 0) {
		__builtin_prefetch(&facts->table[series_hash(slot->unit, slot->measure, slot->extent) & (facts->table_size - 1)]);
		return;
	}
	const struct series *series = series_at(facts, slot->unit, slot->measure, slot->extent);
	enum { LINE = 64, LINES_MAX = 12 };
	const char *at = (const char *)series->facts, *end = at + series->count * sizeof *series->facts;
	for (unsigned i = 0; i < LINES_MAX && at < end; i++, at += LINE)
		__builtin_prefetch(at, 1);
}

const struct series *facts_series(const struct facts *facts, uint32_t unit, uint16_t measure, uint8_t extent)
{
	if (!facts->table_size)
		return NULL;
	const struct series *series = series_at(facts, unit, measure, extent);
	return series->unit ? series : NULL;
}

const struct fact *facts_slot(const struct facts *facts, const struct slot *slot)
{
	const struct series *series = facts_series(facts, slot->unit, slot->measure, slot->extent);
	if (!series)
		return NULL;
	uint16_t from = packed_date(slot->from), to = packed_date(slot->to);
	uint32_t at = lower_bound(series, from, to);
	return at < series->count && series->facts[at].from == from && series->facts[at].to == to ? &series->facts[at] : NULL;
}

const struct fact *facts_latest(const struct series *series, baophu_date date, bool *ret_withdrawn)
{
	bool withdrawn = false;
	if (series && date >= BAOPHU_DATE_MIN) {
		uint16_t last = date > BAOPHU_DATE_MAX ? UINT16_MAX : packed_date(date);
		uint32_t at = last == UINT16_MAX ? series->count : lower_bound(series, 0, (uint16_t)(last + 1));
		while (at--) {
			if (fact_stands(&series->facts[at]))
				return &series->facts[at];
			withdrawn = true;
		}
	}
	if (ret_withdrawn && withdrawn)
		*ret_withdrawn = true;
	return NULL;
}

int facts_standing(const struct fact_version *versions, int count)
{
	int best = -1;
	/* Newest first: only what would stand before the best found so far is looked at, so a slot that was corrected a hundred thousand
	 * times takes one look, not the square of that. */
	for (int i = count; i-- && (best < 0 || versions[best].figure.status > BAOPHU_FINAL);) {
		if (versions[i].withdrawn_id || (best >= 0 && versions[i].figure.status >= versions[best].figure.status))
			continue;
		bool taken_back = false;
		for (int j = i + 1; j < count && !taken_back; j++)
			taken_back = versions[j].withdrawn_id == versions[i].id;
		if (!taken_back)
			best = i;
	}
	return best;
}

/* ---- rule 2: what facts say of a period ---- */

/* A stretch of days with an amount: a fact, or the difference of two facts that start on the same day. */
struct stretch {
	uint16_t from, to;
	int64_t value;
	uint8_t status, origin, bound, reason, is_fact;
};

static int longest_then_earliest(const void *a, const void *b)
{
	const struct stretch *x = a, *y = b;
	int days_x = x->to - x->from, days_y = y->to - y->from;
	if (days_x != days_y)
		return days_x > days_y ? -1 : 1;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return y->is_fact - x->is_fact; /* a report before a difference of reports */
}

static uint8_t weaker(uint8_t a, uint8_t b) { return a > b ? a : b; }

enum {
	STRETCHES_MAX = 768, /* two years of daily facts; more inside one period are counted as unused */
	STEPS_MAX = 1 << 20, /* in looking for pairs: nobody's reports come near it, and nobody's may hold up the fold */
};

void facts_flow(const struct series *series, baophu_date from_date, baophu_date to_date, baophu_date as_of, struct flow *ret_flow)
{
	*ret_flow = (struct flow){ .value = BAOPHU_ABSENT, .uncovered_days = (uint32_t)(to_date - from_date + 1) };
	if (!series || from_date < BAOPHU_DATE_MIN || to_date > BAOPHU_DATE_MAX || as_of < from_date)
		return;
	uint16_t from = packed_date(from_date), to = packed_date(to_date);
	uint16_t last = as_of < to_date ? packed_date(as_of) : to;
	struct stretch stretches[STRETCHES_MAX];
	uint32_t count = 0, inside = 0, steps = 0;
	/* Facts end inside the period: the series is sorted by end. */
	for (uint32_t i = lower_bound(series, 0, from); i < series->count && series->facts[i].to <= last; i++) {
		const struct fact *fact = &series->facts[i];
		if (!fact_stands(fact)) {
			ret_flow->withdrawn |= fact->from >= from;
			continue;
		}
		struct stretch stretch = { fact->from,        fact->to,         fact_value(fact),  fact_status(fact),
					   fact_origin(fact), fact_bound(fact), fact_reason(fact), 1 };
		if (fact->from == from && fact->to == to) { /* exactly this period: nothing else is asked */
			*ret_flow = (struct flow){ .value = fact_value(fact),
						   .status = stretch.status,
						   .origin = stretch.origin,
						   .bound = stretch.bound,
						   .reason = fact_reason(fact),
						   .estimated = stretch.status == BAOPHU_ESTIMATE ? fact_value(fact) : 0 };
			return;
		}
		if (fact->from >= from) {
			inside++;
			if (count < STRETCHES_MAX)
				stretches[count++] = stretch;
		}
		/* The nearest earlier cumulative report with the same start gives the days between. */
		for (uint32_t j = i; j-- && count < STRETCHES_MAX && steps < STEPS_MAX; steps++) {
			const struct fact *shorter = &series->facts[j];
			if (shorter->to < fact->from || shorter->to + 1 < from)
				break; /* nor can one before it, which ends no later */
			if (shorter->from != fact->from || !fact_stands(shorter) || shorter->to >= fact->to)
				continue;
			if (fact_value(fact) >= fact_value(shorter))
				stretches[count++] = (struct stretch){ (uint16_t)(shorter->to + 1),
								       fact->to,
								       fact_value(fact) - fact_value(shorter),
								       weaker(stretch.status, fact_status(shorter)),
								       weaker(stretch.origin, fact_origin(shorter)),
								       stretch.bound == fact_bound(shorter) ? stretch.bound
													    : BAOPHU_ABOUT,
								       0,
								       0 };
			break;
		}
	}
	if (!count)
		return;
	qsort(stretches, count, sizeof *stretches, longest_then_earliest);
	uint32_t used[STRETCHES_MAX], used_count = 0, facts_used = 0, covered = 0;
	int64_t value = 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct stretch *stretch = &stretches[i];
		bool overlaps = false;
		for (uint32_t j = 0; j < used_count && !overlaps; j++)
			overlaps = stretch->from <= stretches[used[j]].to && stretches[used[j]].from <= stretch->to;
		if (overlaps)
			continue;
		used[used_count++] = i;
		facts_used += stretch->is_fact;
		covered += stretch->to - stretch->from + 1u;
		value += stretch->value;
		ret_flow->estimated += stretch->status == BAOPHU_ESTIMATE ? stretch->value : 0;
		ret_flow->status = weaker(ret_flow->status, stretch->status);
		ret_flow->origin = weaker(ret_flow->origin, stretch->origin);
		ret_flow->mixed_bounds |= ret_flow->bound && ret_flow->bound != stretch->bound;
		ret_flow->bound = !ret_flow->bound || ret_flow->bound == stretch->bound ? stretch->bound : BAOPHU_ABOUT;
		ret_flow->reason = used_count == 1 ? stretch->reason : BAOPHU_REASON_NONE;
	}
	ret_flow->value = value;
	ret_flow->uncovered_days -= covered;
	ret_flow->unused = inside - facts_used;
}
