/* tally.c - see tally.h. */
#include "tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { UNITS_MIN = 64, EVENTS_MIN = 16 };

void tally_init(struct tally *tally, uint32_t events_max)
{
	*tally = (struct tally){ .events_max = events_max ? events_max : TALLY_EVENTS_MAX };
}

void tally_finish(struct tally *tally)
{
	free(tally->events);
	free(tally->units);
	*tally = (struct tally){ 0 };
}

void tally_restart(struct tally *tally)
{
	uint32_t events_max = tally->events_max;
	tally_finish(tally);
	tally_init(tally, events_max);
}

/* ---- the table ---- */

/* The unit's slot, or the free one where it would stand. The table is never full. */
static struct tally_unit *find(const struct tally *tally, uint32_t unit)
{
	uint32_t at = unit * 2654435769u;
	for (at ^= at >> 15;; at++) {
		struct tally_unit *slot = &tally->units[at & (tally->size - 1)];
		if (slot->unit == unit || !slot->unit)
			return slot;
	}
}

/* The unit as it is held; NULL: it is not. */
static struct tally_unit *held(const struct tally *tally, uint32_t unit)
{
	struct tally_unit *slot = tally->size ? find(tally, unit) : NULL;
	return slot && slot->unit && !slot->is_gone ? slot : NULL;
}

/* Makes room for one more unit; those that are gone are forgotten on the way. */
static int grow(struct tally *tally)
{
	if (tally->size && tally->used + 1 <= tally->size / 2 + tally->size / 8)
		return 0;
	uint32_t size = UNITS_MIN, old_size = tally->size;
	while (size / 2 < tally->held + 1)
		size *= 2;
	struct tally_unit *units = calloc(size, sizeof *units), *old = tally->units;
	if (!units)
		return -ENOMEM;
	tally->units = units;
	tally->size = size;
	tally->used = 0;
	for (uint32_t i = 0; i < old_size; i++)
		if (old[i].unit && !old[i].is_gone) {
			*find(tally, old[i].unit) = old[i];
			tally->used++;
		}
	free(old);
	return 0;
}

/* Puts in a unit that is not held. */
static int put(struct tally *tally, const struct tally_unit *unit)
{
	struct tally_unit *slot = tally->size ? find(tally, unit->unit) : NULL;
	if (!slot || !slot->unit) {
		int error = grow(tally);
		if (error)
			return error;
		slot = find(tally, unit->unit);
		tally->used++;
	}
	*slot = *unit;
	tally->held++;
	return 0;
}

/* How many events of it are missing; of one without a base at most. */
static uint64_t lacks(const struct tally_unit *unit) { return unit->is_heard ? unit->count - unit->filled : 0; }

/* ---- events ---- */

static void drop_unproved(struct tally *tally) { tally->event_count = tally->proved_count; }

/* Drops from `first` on those of one unit. */
static void drop_unit(struct tally *tally, uint32_t first, uint32_t unit)
{
	uint32_t kept = first;
	for (uint32_t i = first; i < tally->event_count; i++)
		if (tally->events[i].unit_number != unit)
			tally->events[kept++] = tally->events[i];
	tally->event_count = kept;
}

static void overflow(struct tally *tally)
{
	drop_unproved(tally);
	tally->mode = TALLY_OVERFLOWS;
}

/* Keeps the event when it is the next one of its unit. */
static int take(struct tally *tally, struct tally_unit *unit, const struct baophu_event *event)
{
	if (event->number != unit->filled + 1 || event->number > unit->count)
		return 0;
	if (tally->event_count == tally->events_max) {
		overflow(tally);
		return 0;
	}
	if (tally->event_count == tally->event_capacity) {
		uint32_t capacity = tally->event_capacity ? tally->event_capacity * 2 : EVENTS_MIN;
		struct baophu_event *events = realloc(tally->events, capacity * sizeof *events);
		if (!events)
			return -ENOMEM;
		tally->events = events;
		tally->event_capacity = capacity;
	}
	tally->events[tally->event_count++] = *event;
	unit->filled++;
	tally->missing--;
	return 0;
}

/* ---- what happens ---- */

void tally_resume(struct tally *tally, const struct baophu_place *place)
{
	tally->mode = TALLY_KEEPS;
	tally->base = tally->proved = *place;
}

int tally_resume_unit(struct tally *tally, uint32_t unit, uint64_t event_count)
{
	const struct tally_unit resumed = {
		.unit = unit, .proved = event_count, .filled = event_count, .has_base = event_count != 0
	};
	return held(tally, unit) ? 0 : put(tally, &resumed);
}

static void forget(struct tally *tally, struct tally_unit *unit)
{
	tally->missing -= lacks(unit);
	unit->is_gone = true;
	tally->held--;
	tally->has_gone = true;
	if (unit->filled != unit->proved)
		drop_unit(tally, tally->proved_count, unit->unit);
}

int tally_record(struct tally *tally, const struct baophu_record *record)
{
	struct tally_unit *unit = held(tally, record->unit_number);
	if (record->tombstone) {
		if (unit)
			forget(tally, unit);
		return 0;
	}
	if (!unit) {
		/* what a unit had before it came in is not known, but that one without events had none */
		const struct tally_unit new = { .unit = record->unit_number, .has_base = !record->event_count };
		int error = put(tally, &new);
		if (error)
			return error;
		unit = find(tally, record->unit_number);
	}
	if (unit->has_base && record->event_count < (tally->mode == TALLY_KEEPS ? unit->filled : unit->proved))
		return -BAOPHU_EPROTOCOL;
	tally->missing -= lacks(unit);
	if (!unit->has_base && !record->event_count)
		unit->has_base = true;
	unit->is_heard = true;
	unit->count = record->event_count;
	if (tally->mode != TALLY_KEEPS)
		unit->filled = unit->count;
	tally->missing += lacks(unit);
	int error = 0;
	for (uint32_t i = 0; !error && unit->has_base && tally->mode == TALLY_KEEPS && i < record->new_event_count; i++)
		if (record->events[i].unit_number == unit->unit)
			error = take(tally, unit, &record->events[i]);
	return error;
}

void tally_lost(struct tally *tally)
{
	drop_unproved(tally);
	tally->missing = 0;
	for (uint32_t i = 0; i < tally->size; i++) {
		struct tally_unit *unit = &tally->units[i];
		if (!unit->unit || unit->is_gone)
			continue;
		unit->filled = unit->proved;
		tally->missing += lacks(unit);
	}
}

bool tally_is_whole(const struct tally *tally) { return tally->mode != TALLY_KEEPS || !tally->missing; }

int tally_answer_event(struct tally *tally, const struct baophu_event *event)
{
	struct tally_unit *unit = held(tally, event->unit_number);
	if (tally->mode != TALLY_KEEPS || !unit || !unit->is_heard || !event->number || event->seq <= tally->base.seq)
		return 0;
	if (!unit->has_base) { /* the first one since the base */
		if (event->number > unit->count)
			return 0;
		tally->missing -= lacks(unit);
		unit->proved = unit->filled = event->number - 1;
		unit->has_base = true;
		tally->missing += lacks(unit);
	}
	return take(tally, unit, event);
}

int tally_answer_end(struct tally *tally)
{
	for (uint32_t i = 0; i < tally->size; i++) {
		struct tally_unit *unit = &tally->units[i];
		if (!unit->unit || unit->is_gone || unit->has_base || !unit->is_heard)
			continue;
		tally->missing -= lacks(unit); /* none since the base: all that it ever had are older */
		unit->proved = unit->filled = unit->count;
		unit->has_base = true;
	}
	return tally_is_whole(tally) ? 0 : -BAOPHU_EPROTOCOL;
}

/* What is proved begins here; nothing before is kept. */
static void begin(struct tally *tally)
{
	tally->missing = 0;
	for (uint32_t i = 0; i < tally->size; i++) {
		struct tally_unit *unit = &tally->units[i];
		if (!unit->unit || unit->is_gone || !unit->is_heard)
			continue;
		unit->proved = unit->filled = unit->count;
		unit->has_base = true;
	}
}

void tally_proof(struct tally *tally, const struct baophu_place *place)
{
	if (tally->mode == TALLY_OVERFLOWS) { /* one range names all that are not here, and nothing that is */
		tally->event_count = tally->proved_count = 0;
		tally->unlisted_after = tally->base.seq;
		tally->unlisted_until = place->seq;
	}
	if (tally->mode == TALLY_BEGINS)
		tally->base = *place;
	if (tally->mode != TALLY_KEEPS)
		begin(tally);
	tally->mode = TALLY_KEEPS;
	for (uint32_t i = tally->proved_count; i < tally->event_count; i++) {
		struct tally_unit *unit = held(tally, tally->events[i].unit_number);
		if (unit)
			unit->proved = unit->filled;
	}
	if (tally->has_gone) { /* of those that are no longer held nobody is told */
		uint32_t kept = 0;
		for (uint32_t i = 0; i < tally->event_count; i++)
			if (held(tally, tally->events[i].unit_number))
				tally->events[kept++] = tally->events[i];
		tally->event_count = kept;
	}
	tally->has_gone = false;
	tally->proved_count = tally->event_count;
	tally->proved = *place;
}

static int by_identity(const void *a, const void *b)
{
	const struct baophu_event *x = a, *y = b;
	if (x->seq != y->seq)
		return x->seq < y->seq ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

void tally_give(struct tally *tally, struct tally_given *ret_given)
{
	if (tally->proved_count > 1)
		qsort(tally->events, tally->proved_count, sizeof *tally->events, by_identity);
	*ret_given = (struct tally_given){ .events = tally->events,
					   .count = tally->proved_count,
					   .unlisted_after = tally->unlisted_after,
					   .unlisted_until = tally->unlisted_until };
}

void tally_given_out(struct tally *tally)
{
	uint32_t left = tally->event_count - tally->proved_count;
	if (left && tally->proved_count)
		memmove(tally->events, tally->events + tally->proved_count, left * sizeof *tally->events);
	tally->event_count = left;
	tally->proved_count = 0;
	tally->unlisted_after = tally->unlisted_until = 0;
	tally->base = tally->proved;
	if (!left && tally->event_capacity > EVENTS_MIN) { /* a burst does not keep its memory */
		free(tally->events);
		tally->events = NULL;
		tally->event_capacity = 0;
	}
}
