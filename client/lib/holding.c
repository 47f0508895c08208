/* holding.c - see holding.h. */
#include "holding.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_MIN = 64 };

const char *holding_state_name(enum holding_state state)
{
	static const char *const names[HOLDING_STATE_COUNT] = { "syncing", "following", "exact", "repairing", "stale" };
	return (unsigned)state < HOLDING_STATE_COUNT ? names[state] : "?";
}

void holding_init(struct holding *holding, uint32_t units_max)
{
	*holding = (struct holding){ .units_max = units_max < BAOPHU_UNITS_MAX ? units_max : BAOPHU_UNITS_MAX };
	holding->date = BAOPHU_DATE_NONE;
}

void holding_finish(struct holding *holding)
{
	free(holding->slots);
	*holding = (struct holding){ 0 };
}

/* ---- the table ---- */

/* The unit's slot, or the free one where it would stand. The table is never full. */
static struct holding_slot *find(const struct holding *holding, uint32_t unit)
{
	uint32_t index = unit * 2654435769u;
	for (index ^= index >> 15;; index++) {
		struct holding_slot *slot = &holding->slots[index & (holding->size - 1)];
		if (slot->unit == unit || !slot->unit)
			return slot;
	}
}

static bool is_gone(const struct holding_slot *slot) { return slot->mark & 1; }

/* Makes room for one more unit. Those that are gone are forgotten on the way: a record that brings one of them back wrongly would be found
 * out by the next seal. */
static int grow(struct holding *holding)
{
	if (holding->size && holding->used + 1 <= holding->size / 2 + holding->size / 8)
		return 0;
	uint32_t size = SLOTS_MIN;
	while (size / 2 < holding->count + 1)
		size *= 2;
	struct holding_slot *slots = calloc(size, sizeof *slots), *old = holding->slots;
	if (!slots)
		return -ENOMEM;
	uint32_t old_size = holding->size;
	holding->slots = slots;
	holding->size = size;
	holding->used = 0;
	for (uint32_t i = 0; i < old_size; i++)
		if (old[i].unit && !is_gone(&old[i])) {
			*find(holding, old[i].unit) = old[i];
			holding->used++;
		}
	free(old);
	return 0;
}

/* Sets a unit's version; it is held from now on, or gone. */
static int put(struct holding *holding, uint32_t unit, uint64_t version, bool gone)
{
	struct holding_slot *slot = holding->size ? find(holding, unit) : NULL;
	if (!slot || !slot->unit) {
		if (holding->count >= holding->units_max)
			return -BAOPHU_EFULL;
		int error = grow(holding);
		if (error)
			return error;
		slot = find(holding, unit);
		*slot = (struct holding_slot){ .unit = unit, .mark = 1 };
		holding->used++;
	}
	if (!is_gone(slot)) {
		holding->count--;
		holding->sum -= baophu_mix64(unit, slot->version);
	}
	slot->version = version;
	slot->mark = holding->generation << 1 | gone;
	if (!gone) {
		holding->count++;
		holding->sum += baophu_mix64(unit, version);
	}
	return 0;
}

/* The newest version known of a unit, also of one that is gone. */
static uint64_t known_version(const struct holding *holding, uint32_t unit)
{
	return holding->size ? find(holding, unit)->version : 0;
}

uint64_t holding_version(const struct holding *holding, uint32_t unit)
{
	if (!holding->size)
		return 0;
	const struct holding_slot *slot = find(holding, unit);
	return slot->unit && !is_gone(slot) ? slot->version : 0;
}

/* ---- what happens ---- */

void holding_resume(struct holding *holding, const struct baophu_place *place)
{
	holding->place = *place;
	holding->seal_seq = place->seq; /* a seal before it is of another history */
	holding->state = HOLDING_STALE;
	holding->is_unverified = true;
	holding->is_resumed = true;
}

int holding_resume_unit(struct holding *holding, uint32_t unit, uint64_t version)
{
	if (!unit || !version || version > holding->place.seq)
		return -EINVAL;
	return put(holding, unit, version, false);
}

void holding_restart(struct holding *holding)
{
	uint32_t units_max = holding->units_max, restarts = holding->restarts;
	free(holding->slots);
	holding_init(holding, units_max);
	holding->restarts = restarts + 1;
}

/* A seq names nothing alone: two places of one seq are of one history only when their digests, over all that led there, are equal. */
static bool is_of_other_history(const struct baophu_place *seen, const struct baophu_place *told)
{
	return seen->seq && seen->seq == told->seq && memcmp(seen->digest, told->digest, sizeof told->digest) != 0;
}

static void miss(struct holding *holding)
{
	if (holding->state == HOLDING_EXACT || holding->state == HOLDING_FOLLOWING)
		holding->state = HOLDING_REPAIRING;
}

int holding_publish(struct holding *holding, uint32_t unit, uint64_t previous, uint64_t version, bool tombstone,
		    enum holding_effect *ret_effect)
{
	uint64_t held = unit ? known_version(holding, unit) : 0;
	if (!unit || !version)
		return -BAOPHU_EPROTOCOL;
	if (holding->state == HOLDING_SYNCING) {
		*ret_effect = HOLDING_MISSED;
		return 0;
	}
	if (version <= held) {
		*ret_effect = HOLDING_OLD;
		return 0;
	}
	if (previous > held) {
		miss(holding);
		*ret_effect = HOLDING_MISSED;
		return 0;
	}
	int error = put(holding, unit, version, tombstone);
	if (error) {
		miss(holding);
		return error;
	}
	if (holding->state == HOLDING_EXACT)
		holding->state = HOLDING_FOLLOWING;
	*ret_effect = tombstone ? HOLDING_GONE : HOLDING_APPLIED;
	return 0;
}

static bool is_proof(const struct holding *holding, const struct baophu_seal *seal)
{
	return seal->count == holding->count && seal->sum == holding->sum;
}

static void take_proof(struct holding *holding, const struct baophu_seal *seal)
{
	holding->state = HOLDING_EXACT;
	holding->place = seal->place;
	holding->asked_since_proof = false;
	holding->wants_all = false;
	holding->is_resumed = false;
}

void holding_seal(struct holding *holding, const struct baophu_seal *seal)
{
	bool is_foreign = is_of_other_history(&holding->place, &seal->place) ||
			  is_of_other_history(&holding->asked, &seal->place) ||
			  is_of_other_history(&holding->seal.place, &seal->place);
	if (is_foreign || seal->place.seq < holding->seal_seq)
		holding_restart(holding);
	holding->seal_seq = seal->place.seq;
	holding->date = seal->date;
	holding->heard_since_lost = true;
	holding->seal = *seal;
	if (holding->state == HOLDING_SYNCING || holding->is_unverified || seal->place.seq < holding->asked.seq)
		return;
	if (is_proof(holding, seal)) {
		take_proof(holding, seal);
	} else if (holding->is_resumed) { /* a version that was never true could outlast every answer */
		holding_restart(holding);
		holding->seal_seq = seal->place.seq;
		holding->seal = *seal;
		holding->date = seal->date;
	} else {
		holding->state = HOLDING_REPAIRING;
		holding->wants_all = holding->wants_all || holding->asked_since_proof;
	}
}

bool holding_is_emptied(struct holding *holding, const struct baophu_seal *seal)
{
	if (seal->count || !holding->count || holding->state == HOLDING_SYNCING || holding->is_unverified ||
	    seal->place.seq < holding->asked.seq)
		return false;
	holding_answer_begin(holding);
	return true;
}

void holding_lost(struct holding *holding)
{
	if (holding->state == HOLDING_SYNCING || !holding->place.seq) {
		holding_restart(holding);
		return;
	}
	holding->state = HOLDING_STALE;
	holding->is_unverified = true;
	holding->heard_since_lost = false;
}

enum holding_question holding_question(const struct holding *holding, uint64_t *ret_min_seq)
{
	*ret_min_seq = holding->seal_seq;
	switch (holding->state) {
	case HOLDING_SYNCING:
		return holding->seal_seq ? HOLDING_ASK_ALL : HOLDING_ASK_NOTHING;
	case HOLDING_STALE:
		if (!holding->heard_since_lost)
			return HOLDING_ASK_NOTHING;
		return holding->wants_all && !holding->is_unverified ? HOLDING_ASK_ALL : HOLDING_ASK_CHANGED;
	case HOLDING_REPAIRING:
		return holding->wants_all || !holding->place.seq ? HOLDING_ASK_ALL : HOLDING_ASK_CHANGED;
	default:
		return HOLDING_ASK_NOTHING;
	}
}

void holding_answer_begin(struct holding *holding)
{
	holding->generation++;
	holding->sweep_at = 0;
}

/* Newer than the last proof, over a lost connection, and the answer that is being taken did not say it (yet): it may be of a history that
 * is no more. */
static bool is_unproved_slot(const struct holding *holding, const struct holding_slot *slot)
{
	return holding->is_unverified && slot->unit && slot->version > holding->place.seq &&
	       slot->mark >> 1 != (holding->generation & INT32_MAX);
}

static bool is_unproved(const struct holding *holding, uint32_t unit)
{
	return holding->size && is_unproved_slot(holding, find(holding, unit));
}

int holding_answer_record(struct holding *holding, uint32_t unit, uint64_t version, enum holding_effect *ret_effect)
{
	if (!unit || !version)
		return -BAOPHU_EPROTOCOL;
	uint64_t held = known_version(holding, unit);
	if (is_unproved(holding, unit))
		held = 0; /* even of this version: another history may have one with another content */
	bool is_old = held > version || (held == version && holding_version(holding, unit));
	if (held <= version) { /* put also when equal: the answer has it */
		int error = put(holding, unit, version, false);
		if (error)
			return error;
	}
	*ret_effect = is_old ? HOLDING_OLD : HOLDING_APPLIED;
	return 0;
}

uint32_t holding_sweep(struct holding *holding, const struct baophu_place *cut)
{
	for (; holding->sweep_at < holding->size; holding->sweep_at++) {
		struct holding_slot *slot = &holding->slots[holding->sweep_at];
		if (slot->unit && !is_gone(slot) && slot->mark >> 1 != (holding->generation & INT32_MAX) &&
		    slot->version <= cut->seq) {
			uint32_t unit = slot->unit;
			put(holding, unit, cut->seq, true); /* its slot is there: cannot fail */
			return unit;
		}
	}
	return 0;
}

void holding_answer_end(struct holding *holding, const struct baophu_place *cut)
{
	for (uint32_t i = 0; holding->is_unverified && i < holding->size; i++) {
		struct holding_slot *slot = &holding->slots[i];
		if (!is_unproved_slot(holding, slot))
			continue;
		if (!is_gone(slot)) { /* in this history it did not change since: what is held is of another */
			uint64_t seal_seq = holding->seal_seq;
			holding_restart(holding);
			holding->seal_seq = seal_seq;
			return;
		}
		slot->version = 0; /* whether it really went, the next seal tells */
	}
	if (is_of_other_history(&holding->seal.place, cut) || is_of_other_history(&holding->place, cut)) {
		uint64_t seal_seq = holding->seal_seq;
		holding_restart(holding);
		holding->seal_seq = seal_seq;
		return;
	}
	holding->asked = *cut;
	holding->asked_since_proof = true;
	holding->is_unverified = false;
	holding->state = HOLDING_FOLLOWING;
	/* While nothing happens the next seal is a second away, and the one that led to the question says the same. It can only agree: an
	 * answer of several pages may lack what changed between them, and that is still to be heard. */
	if (holding->seal.place.seq == cut->seq && !memcmp(holding->seal.place.digest, cut->digest, sizeof cut->digest) &&
	    is_proof(holding, &holding->seal))
		take_proof(holding, &holding->seal);
}
