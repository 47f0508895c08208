/* releases.c - decides held updates again, and files each under what it waits for. See releases.h. */
#include "releases.h"

#include <errno.h>
#include <stdlib.h>

#include "waits.h"

struct releases {
	const struct state *state;
	struct waits *waits;
};

int releases_create(const struct state *state, struct releases **ret_releases)
{
	struct releases *r = calloc(1, sizeof *r);
	if (!r)
		return -ENOMEM;
	r->state = state;
	int error = waits_create(&r->waits);
	const struct vec *held = &state->registry.held;
	for (size_t i = 0; i < held->count && !error; i++) {
		const struct held *one = vec_at(held, struct held, i);
		if (!one->decided)
			error = waits_add(r->waits, one->seq, one->agent, one->epoch);
	}
	if (error) {
		releases_destroy(r);
		return error;
	}
	*ret_releases = r;
	return 0;
}

void releases_destroy(struct releases *r)
{
	if (!r)
		return;
	waits_destroy(r->waits);
	free(r);
}

int releases_again(struct releases *r)
{
	const struct vec *held = &r->state->registry.held;
	int error = 0;
	for (size_t i = 0; i < held->count && !error; i++)
		error = waits_again(r->waits, vec_at(held, struct held, i)->seq);
	return error;
}

bool releases_are_due(const struct releases *r) { return waits_are_due(r->waits); }

/* ---- what wakes them ---- */

static int follow_entry(struct releases *r, const struct entry *entry)
{
	int error;
	switch (entry->kind) {
	case ENTRY_UNIT:
		error = waits_wake(r->waits, waits_key_code(WAITS_UNIT_CODE, entry->unit.code));
		return error ? error : waits_wake(r->waits, waits_key(WAITS_UNIT, entry->unit.unit));
	case ENTRY_GRANT:
		return waits_wake(r->waits, waits_key(WAITS_UNIT, entry->grant.unit));
	case ENTRY_PLAN:
		return waits_wake(r->waits, waits_key_code(WAITS_PLAN, entry->plan.code));
	case ENTRY_DAY:
		return waits_wake(r->waits, waits_key(WAITS_DAY, 0));
	case ENTRY_HELD_DECISION:
		return waits_remove(r->waits, entry->held.seq);
	default:
		return 0;
	}
}

int releases_follow(struct releases *r, const void *record, size_t bytes)
{
	struct record_header header;
	struct record_cursor cursor;
	struct entry entry;
	int more = record_open(record, bytes, &header, &cursor);
	if (!more && header.kind == RECORD_HELD)
		return waits_add(r->waits, header.place.seq, header.agent, header.epoch);
	if (more || !waits_count(r->waits))
		return more;
	while ((more = record_next(&cursor, &entry)) == 1) {
		int error = follow_entry(r, &entry);
		if (error)
			return error;
	}
	return more;
}

/* ---- what they wait for ---- */

/* Where an entry is about: its unit's code, and on which day that is read. */
static const char *unit_of(const struct releases *r, const struct wire_entry *entry, baophu_date *ret_date)
{
	switch (entry->kind) {
	case WIRE_FACT:
	case WIRE_WITHDRAWAL:
		*ret_date = entry->fact.to;
		return entry->fact.unit;
	case WIRE_RATE:
		*ret_date = entry->rate.to;
		return entry->rate.unit;
	case WIRE_DECLARE:
		*ret_date = r->state->registry.day;
		return entry->declare.unit;
	default:
		return NULL;
	}
}

/* Whose a unit is can change by a grant of it or of what is above it, and by another place of these. */
static uint32_t keys_of_path(const struct releases *r, const char *code, baophu_date date,
			     uint64_t keys[static BAOPHU_DEPTH_MAX + 1])
{
	const struct units *units = &r->state->registry.units;
	uint32_t unit, suggestion, count = 0;
	if (units_find(units, code, date, UINT64_MAX, &unit, &suggestion))
		return 0;
	while (unit && count <= BAOPHU_DEPTH_MAX) {
		keys[count++] = waits_key(WAITS_UNIT, unit);
		const struct unit_version *version = units_at(units, unit, date, UINT64_MAX);
		unit = version ? version->parent : 0;
	}
	return count;
}

static int wait_for(struct releases *r, uint64_t seq, const struct wire_payload *payload, const struct decision *decision)
{
	uint64_t keys[BAOPHU_DEPTH_MAX + 1];
	uint32_t count = 0;
	const struct wire_entry *entry = decision->entry < payload->entry_count ? &payload->entries[decision->entry] : NULL;
	baophu_date date = BAOPHU_DATE_NONE;
	const char *unit = entry ? unit_of(r, entry, &date) : NULL;
	switch (decision->code) {
	case BAOPHU_CODE_UNIT_UNKNOWN:
	case BAOPHU_CODE_UNIT_NOT_VALID:
		if (unit)
			keys[count++] = waits_key_code(WAITS_UNIT_CODE, unit);
		break;
	case BAOPHU_CODE_PLAN_UNKNOWN:
		if (entry && entry->kind == WIRE_RATE)
			keys[count++] = waits_key_code(WAITS_PLAN, entry->rate.over);
		break;
	case BAOPHU_CODE_NO_OWNER:
	case BAOPHU_CODE_NOT_OWNER:
		if (unit)
			count = keys_of_path(r, unit, date, keys);
		break;
	case BAOPHU_CODE_CLOCK:
		keys[count++] = waits_key(WAITS_DAY, 0);
		break;
	default:
		break;
	}
	return waits_for(r->waits, seq, keys, count);
}

/* ---- deciding again ---- */

struct contents {
	bool has_withdrawals, has_administration;
};
static struct contents contents_of(const struct wire_payload *payload)
{
	struct contents contents = { false, false };
	for (uint32_t i = 0; i < payload->entry_count; i++) {
		contents.has_withdrawals |= payload->entries[i].kind == WIRE_WITHDRAWAL;
		contents.has_administration |= wire_entry_is_administrative(payload->entries[i].kind);
	}
	return contents;
}

int releases_decide(struct releases *r, struct release_turn *turn, const struct held **ret_held, struct decision *ret_decision)
{
	uint64_t seq;
	while (turn->budget > 0 && (seq = waits_next(r->waits))) {
		const struct held *held = registry_held(&r->state->registry, seq);
		if (!held || held->decided)
			return -BAOPHU_EDAMAGED;
		struct wire_payload payload;
		const struct decide_lookups *lookups = turn->question.lookups;
		int error = lookups->held(lookups->context, seq, &payload);
		if (error)
			return error;
		turn->budget -= (int32_t)payload.entry_count + 1;
		struct contents contents = contents_of(&payload);
		if (contents.has_administration) { /* its words may be out of date in ways that only people see */
			error = waits_for(r->waits, seq, NULL, 0);
			if (error)
				return error;
			continue;
		}
		/* What is taken back must have been said before. */
		uint64_t before = contents.has_withdrawals ? waits_before(r->waits, seq) : 0;
		if (before) {
			uint64_t key = waits_key(WAITS_UPDATE, before);
			error = waits_for(r->waits, seq, &key, 1);
			if (error)
				return error;
			continue;
		}
		if (contents.has_withdrawals && !turn->is_settled) {
			error = waits_again(r->waits, seq);
			return error ? error : RELEASE_NONE;
		}
		struct record_writer begun = *turn->question.writer;
		error = decide_release(turn->decide, &turn->question, held, &payload, ret_decision);
		if (error)
			return error;
		if (ret_decision->verdict == BAOPHU_APPLIED) {
			*ret_held = held;
			return RELEASE_APPLIED;
		}
		*turn->question.writer = begun;
		if (baophu_code_is_retryable(ret_decision->code) && ret_decision->code != BAOPHU_CODE_CLOCK) {
			error = waits_again(r->waits, seq);
			return error ? error : RELEASE_LATER;
		}
		error = wait_for(r, seq, &payload, ret_decision);
		if (error)
			return error;
	}
	return RELEASE_NONE;
}
