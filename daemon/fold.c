/* fold.c - log records -> state, one after the other; then live coverage, versions and seal sums. See fold.h. */
#include "fold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS_BELOW = BAOPHU_DEPTH_MAX + 1 };

int fold_init(struct state *state)
{
	*state = (struct state){ 0 };
	registry_init(&state->registry);
	facts_init(&state->facts);
	events_init(&state->events);
	int error = tree_build(&state->tree, &state->registry.units, BAOPHU_DATE_MIN, 0);
	if (error)
		return error;
	struct axes axes = { .date = BAOPHU_DATE_MIN, .from = BAOPHU_DATE_NONE, .to = BAOPHU_DATE_NONE, .known_id = UINT64_MAX };
	coverage_init(&state->coverage, &state->registry, &state->tree, &state->facts, &state->registry.rates, &axes);
	state->coverage.liveness = &state->liveness;
	liveness_init(&state->liveness, &state->registry, &state->tree, &state->facts, axes.date, axes.known_id);
	return state->coverage.error;
}

void fold_finish(struct state *state)
{
	events_finish(&state->events);
	coverage_finish(&state->coverage);
	liveness_finish(&state->liveness);
	tree_finish(&state->tree);
	facts_finish(&state->facts);
	registry_finish(&state->registry);
	free(state->touched_seq);
	free(state->version);
	free(state->sums);
	vec_finish(&state->named);
	vec_finish(&state->touched);
	*state = (struct state){ 0 };
}

/* ---- digest ---- */

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static uint64_t hash_bytes(const uint8_t *bytes, size_t size, uint64_t seed)
{
	uint64_t hash = mix(seed + UINT64_C(0x9e3779b97f4a7c15));
	for (; size >= 8; bytes += 8, size -= 8) {
		uint64_t word;
		memcpy(&word, bytes, 8);
		hash = mix(hash ^ word);
	}
	uint64_t rest = size;
	for (size_t i = 0; i < size; i++)
		rest = rest << 8 | bytes[i];
	return mix(hash ^ rest);
}

uint64_t fold_digest(const struct state *state)
{
	uint64_t digest = state->facts.digest + state->registry_digest + state->registry.agents.epochs_digest +
			  mix((uint64_t)(uint32_t)state->registry.day);
	for (size_t i = 0; i < state->registry.held.count; i++) {
		const struct held *held = vec_at(&state->registry.held, struct held, i);
		digest += mix(held->seq * 2 + held->decided);
	}
	return digest;
}

/* ---- entries ---- */

/* The arrays by unit follow the registry; new units start untouched. */
static int make_room(struct state *state)
{
	uint32_t size = units_count(&state->registry.units) + 1;
	if (size <= state->unit_size)
		return 0;
	uint32_t grown = size + size / 4 + 64;
	uint64_t *touched_seq = realloc(state->touched_seq, grown * sizeof *touched_seq);
	if (touched_seq)
		state->touched_seq = touched_seq;
	uint64_t *version = realloc(state->version, grown * sizeof *version);
	if (version)
		state->version = version;
	struct subtree_sum *sums = realloc(state->sums, (size_t)grown * LEVELS_BELOW * sizeof *sums);
	if (sums)
		state->sums = sums;
	if (!touched_seq || !version || !sums)
		return -ENOMEM;
	uint32_t added = grown - state->unit_size;
	memset(touched_seq + state->unit_size, 0, added * sizeof *touched_seq);
	memset(version + state->unit_size, 0, added * sizeof *version);
	memset(sums + (size_t)state->unit_size * LEVELS_BELOW, 0, (size_t)added * LEVELS_BELOW * sizeof *sums);
	state->unit_size = grown;
	return 0;
}

static int touch(struct state *state, uint32_t unit, uint64_t seq)
{
	if (!unit || unit > units_count(&state->registry.units))
		return -BAOPHU_EDAMAGED;
	/* The settle clears nothing here: a unit is in `named` once for each record that names it, which is bounded by the batch. */
	if (state->touched_seq[unit] != seq) {
		uint32_t *named = vec_grow(&state->named, 1, sizeof *named);
		if (!named)
			return -ENOMEM;
		*named = unit;
		state->touched_seq[unit] = seq;
	}
	return 0;
}

static bool slot_is_sound(const struct state *state, const struct slot *slot)
{
	return slot->unit && slot->unit <= units_count(&state->registry.units) && slot->measure &&
	       slot->measure <= measures_count(&state->registry.measures) && slot->from <= slot->to &&
	       slot->from >= BAOPHU_DATE_MIN && slot->to <= BAOPHU_DATE_MAX;
}

/* Facts and withdrawals wait here for a moment, so that the memory they need is on its way when they are folded, in order. */
enum { WINDOW = 32 };
struct window {
	struct entry entries[WINDOW];
	uint32_t indices[WINDOW];
	uint32_t count;
};

static const struct slot *slot_of(const struct entry *entry)
{
	return entry->kind == ENTRY_FACT ? &entry->fact.slot : &entry->withdrawal.slot;
}

static void prefetch(const struct state *state, const struct slot *slot, int stage)
{
	facts_prefetch(&state->facts, slot, stage);
	coverage_prefetch(&state->coverage, slot->unit, stage);
	if (events_are_watched(&state->events))
		events_prefetch(&state->events, slot->unit, stage);
}

static int fold_window(struct state *state, uint64_t seq, struct window *window)
{
	for (uint32_t i = 0; i < window->count; i++)
		prefetch(state, slot_of(&window->entries[i]), 1);
	int error = 0;
	for (uint32_t i = 0; i < window->count && !error; i++) {
		const struct entry *entry = &window->entries[i];
		const struct slot *slot = slot_of(entry);
		uint64_t id = entry_id(seq, window->indices[i]);
		struct facts_change change = { false, BAOPHU_DATE_NONE };
		if (!slot_is_sound(state, slot))
			return -BAOPHU_EDAMAGED;
		error = entry->kind == ENTRY_FACT ? facts_put(&state->facts, slot, &entry->fact.figure, id, &change)
						  : facts_withdraw(&state->facts, &entry->withdrawal, id, &change);
		if (!error && change.is_changed)
			coverage_mark_fact(&state->coverage, slot, change.later);
		if (!error && change.is_changed)
			liveness_take_fact(&state->liveness, slot);
		if (!error)
			error = touch(state, slot->unit, seq);
	}
	window->count = 0;
	return error;
}

static int fold_entry(struct state *state, const struct record_header *header, const struct entry *entry, uint32_t index,
		      const uint8_t *raw, size_t raw_bytes)
{
	uint64_t seq = header->place.seq, id = entry_id(seq, index);
	int error;
	if (entry->kind == ENTRY_CHECKPOINT) {
		bool agrees = entry->checkpoint.state_digest == fold_digest(state) &&
			      entry->checkpoint.facts == state->facts.fact_count &&
			      entry->checkpoint.units == units_count(&state->registry.units);
		return state->is_loading || agrees ? 0 : -BAOPHU_EDAMAGED;
	}
	if (entry->kind == ENTRY_DAY && entry->day.day != state->registry.day && !state->is_loading) {
		error = events_begin_day(&state->events, header, index, state->registry.day);
		if (error)
			return error;
	}
	error = registry_apply(&state->registry, header, entry, id);
	if (error)
		return error;
	if (entry_changes_registry(entry->kind) || entry->kind == ENTRY_RATE)
		state->registry_digest += hash_bytes(raw, raw_bytes, id);
	switch (entry->kind) {
	case ENTRY_UNIT:
		return make_room(state);
	case ENTRY_RATE:
		return touch(state, entry->rate.unit, seq);
	case ENTRY_PLAN:
		coverage_mark_plans(&state->coverage);
		error = touch(state, entry->plan.unit, seq);
		return error ? error : events_take_target(&state->events, &state->registry.plans);
	case ENTRY_THRESHOLD:
		events_take_lines(&state->events, &state->registry.lines);
		return 0;
	default:
		return 0;
	}
}

/* Tree and coverage anew: another map or another day. Nothing is computed yet, and what is not urgent not even marked: in a log that is folded
 * again one day follows on the other. */
static int map(struct state *state)
{
	struct tree tree;
	baophu_date day = state->registry.day == BAOPHU_DATE_NONE ? BAOPHU_DATE_MIN : state->registry.day;
	int error = tree_build(&tree, &state->registry.units, day, UINT64_MAX);
	if (error)
		return error;
	coverage_finish(&state->coverage);
	liveness_finish(&state->liveness);
	tree_finish(&state->tree);
	state->tree = tree;
	struct axes axes = { .date = day, .from = BAOPHU_DATE_NONE, .to = BAOPHU_DATE_NONE, .known_id = UINT64_MAX };
	coverage_init(&state->coverage, &state->registry, &state->tree, &state->facts, &state->registry.rates, &axes);
	state->coverage.liveness = &state->liveness;
	liveness_init(&state->liveness, &state->registry, &state->tree, &state->facts, day, axes.known_id);
	if (events_are_watched(&state->events) && !events_watch_all(&state->events, &state->registry, &state->coverage))
		coverage_mark_urgent(&state->coverage);
	state->is_rest_unmarked = true;
	state->mapped_seq = state->registry.map_seq;
	return state->coverage.error;
}

static void mark_rest(struct state *state)
{
	if (state->is_rest_unmarked)
		coverage_mark_rest(&state->coverage);
	state->is_rest_unmarked = false;
}

/* Judges what the record changed. Without a target and a line nothing is watched and nothing is done; as soon as there are both the
 * coverage is kept to the map after every record. */
static int judge(struct state *state, const void *record, size_t bytes)
{
	struct events *events = &state->events;
	struct coverage *coverage = &state->coverage;
	bool is_all = state->mapped_seq != state->registry.map_seq;
	if (!events_are_watched(events) || (!is_all && !coverage->urgent_count && !events->due.count))
		return 0;
	int error = 0;
	if (is_all) {
		error = map(state);
	} else if (events->due.count) {
		mark_rest(state);
		error = events_watch_due(events, &state->registry, coverage);
	}
	if (!error)
		error = coverage_settle_urgent(coverage);
	return error ? error : events_judge(events, &state->registry, coverage, record, bytes, is_all);
}

static int fold_entries(struct state *state, const void *record, size_t bytes, bool is_loading)
{
	struct record_header header;
	struct record_cursor cursor;
	struct window window;
	window.count = 0;
	int error = record_open(record, bytes, &header, &cursor);
	if (error)
		return error;
	if (!is_loading && header.place.seq != state->place.seq + 1)
		return -BAOPHU_EDAMAGED;
	state->is_loading = is_loading;
	while (!error) {
		const uint8_t *raw = cursor.at;
		uint32_t index = cursor.index;
		struct entry *entry = &window.entries[window.count];
		int more = record_next(&cursor, entry);
		if (more <= 0) {
			error = more;
			break;
		}
		if (entry->kind == ENTRY_FACT || entry->kind == ENTRY_WITHDRAWAL) {
			if (is_loading)
				continue;
			window.indices[window.count++] = index;
			prefetch(state, slot_of(entry), 0);
			if (window.count == WINDOW)
				error = fold_window(state, header.place.seq, &window);
			continue;
		}
		struct entry other = *entry;
		error = fold_window(state, header.place.seq, &window);
		if (!error)
			error = fold_entry(state, &header, &other, index, raw, (size_t)(cursor.at - raw));
	}
	if (!error)
		error = fold_window(state, header.place.seq, &window);
	if (!error && header.kind == RECORD_HELD)
		error = registry_hold(&state->registry, &header);
	if (error)
		return error;
	if (is_loading)
		return 0;
	if (header.number &&
	    agents_decided(&state->registry.agents, header.agent, header.epoch, header.number, header.place.seq, header.time_ms))
		return -ENOMEM;
	state->place = header.place;
	state->folded_records++;
	state->folded_entries += header.entry_count;
	error = judge(state, record, bytes);
	events_end_record(&state->events);
	return error;
}

int fold_record(struct state *state, const void *record, size_t bytes) { return fold_entries(state, record, bytes, false); }

/* ---- loading ---- */

int fold_load_record(struct state *state, const void *record, size_t bytes)
{
	struct agents *agents = &state->registry.agents;
	int error = fold_entries(state, record, bytes, true);
	if (!error && agents->epochs_max && agents->epochs.count >= agents->epochs_max)
		agents_forget(agents, NULL, NULL); /* all this comes from history, where they are found again */
	return error;
}

int fold_load_fact(struct state *state, const struct slot *slot, const struct figure *figure, uint64_t id, uint64_t touched_seq)
{
	struct facts_change change;
	if (!slot_is_sound(state, slot))
		return -BAOPHU_EDAMAGED;
	int error = facts_put(&state->facts, slot, figure, id, &change);
	if (!error && touched_seq > state->touched_seq[slot->unit])
		state->touched_seq[slot->unit] = touched_seq;
	return error;
}

int fold_load_number(struct state *state, uint32_t agent, uint64_t epoch, uint64_t number, uint64_t seq, int64_t time_ms)
{
	agents_load_number(&state->registry.agents, agent, epoch, number, seq, time_ms);
	return 0;
}

int fold_load_event(struct state *state, const struct event *event) { return events_load(&state->events, &state->registry, event); }

int fold_load_finish(struct state *state, const struct baophu_place *place)
{
	state->is_loading = false;
	state->registry.agents.epochs_max = 0;
	events_end_record(&state->events);
	state->place = *place;
	return 0;
}

/* ---- settling ---- */

static void sums_change(struct state *state, uint32_t unit, uint64_t before, uint64_t after)
{
	uint64_t change = baophu_mix64(unit, after) - baophu_mix64(unit, before);
	unsigned levels = 0;
	for (uint32_t up = unit; up; up = state->tree.parent[up], levels++)
		state->sums[(size_t)up * LEVELS_BELOW + levels].sum += change;
}

static int touched_add(struct state *state, uint32_t unit, uint64_t previous)
{
	struct touched *touched = vec_grow(&state->touched, 1, sizeof *touched);
	if (!touched)
		return -ENOMEM;
	*touched = (struct touched){ unit, previous };
	return 0;
}

/* Declarations, and grants that bear on them, spoke of all units in their reach on the map that is settled. */
static int settle_reaches(struct state *state, bool is_to_be_counted)
{
	const struct vec *reaches = &state->registry.reaches;
	int error = 0;
	for (; state->settled_reaches < reaches->count && !error; state->settled_reaches++) {
		const struct reach *reach = vec_at(reaches, struct reach, state->settled_reaches);
		uint32_t unit = 0;
		while (!error && (unit = registry_reach_next(&state->registry, reach, &state->tree, unit))) {
			if (is_to_be_counted)
				liveness_take_unit(&state->liveness, unit);
			error = state->touched_seq[unit] < reach->seq ? touch(state, unit, reach->seq) : 0;
		}
	}
	return error ? error : state->liveness.error;
}

/* Another map or another day: every record changes. */
static int settle_map(struct state *state)
{
	int error = make_room(state);
	if (!error && state->mapped_seq != state->registry.map_seq)
		error = map(state);
	if (error)
		return error;
	error = liveness_take_all(&state->liveness);
	if (!error)
		error = settle_reaches(state, false);

	memset(state->sums, 0, (size_t)state->unit_size * LEVELS_BELOW * sizeof *state->sums);
	for (uint32_t i = 0; i < state->tree.order_count && !error; i++) { /* children before parents */
		uint32_t unit = state->tree.order[i];
		uint64_t before = state->version[unit], after = state->registry.map_seq;
		if (state->touched_seq[unit] > after)
			after = state->touched_seq[unit];
		for (uint32_t child = state->tree.first_child[unit]; child; child = state->tree.next_sibling[child])
			if (state->version[child] > after)
				after = state->version[child];
		state->version[unit] = after;
		error = touched_add(state, unit, before);
		unsigned levels = 0;
		for (uint32_t up = unit; up; up = state->tree.parent[up], levels++) {
			struct subtree_sum *sum = &state->sums[(size_t)up * LEVELS_BELOW + levels];
			sum->count++;
			sum->sum += baophu_mix64(unit, after);
		}
	}
	for (uint32_t unit = 1; unit < state->tree.count; unit++)
		if (!state->tree.version[unit])
			state->version[unit] = 0; /* off the map: nothing is published of it */
	state->settled_map_seq = state->registry.map_seq;
	return error;
}

int fold_settle(struct state *state)
{
	int error = 0;
	state->touched.count = 0;
	if (state->registry.map_seq != state->settled_map_seq) {
		state->settled_reaches = 0;
		error = settle_map(state);
	} else {
		error = settle_reaches(state, true);
		/* Newest first: what is above a unit takes its last version at once and is left alone by the older ones. */
		for (size_t i = state->named.count; i-- && !error;) {
			uint32_t unit = *vec_at(&state->named, uint32_t, i);
			uint64_t seq = state->touched_seq[unit];
			if (!tree_has(&state->tree, unit))
				continue;
			/* An ancestor that already has this version has it from here upwards. */
			for (uint32_t up = unit; up && state->version[up] < seq && !error; up = state->tree.parent[up]) {
				uint64_t before = state->version[up];
				bool is_first = before <= state->settled_seq;
				sums_change(state, up, before, seq);
				state->version[up] = seq;
				if (is_first)
					error = touched_add(state, up, before);
			}
		}
	}
	state->named.count = 0;
	state->settled_seq = state->place.seq;
	mark_rest(state);
	if (!error)
		error = coverage_settle(&state->coverage);
	state->coverage.changed.count = 0; /* judged when it changed, or watched by nobody */
	return error;
}

struct subtree_sum fold_subtree(const struct state *state, uint32_t unit, unsigned levels)
{
	if (levels > BAOPHU_DEPTH_MAX || !tree_has(&state->tree, unit))
		return (struct subtree_sum){ 0 };
	return state->sums[(size_t)unit * LEVELS_BELOW + levels];
}

void fold_unit_record(const struct state *state, uint32_t unit, struct baophu_row *rows, uint32_t size,
		      struct baophu_record *ret_record)
{
	const struct units *units = &state->registry.units;
	const struct unit_version *version = vec_at(&units->versions, struct unit_version, state->tree.version[unit] - 1);
	uint32_t parent = state->tree.parent[unit];
	*ret_record = (struct baophu_record){ .unit_number = unit,
					      .version = state->version[unit],
					      .depth = state->tree.depth[unit],
					      .date = state->tree.date,
					      .seq = state->place.seq,
					      .rows = rows };
	memcpy(ret_record->unit, version->code, sizeof ret_record->unit);
	memcpy(ret_record->level, measures_level(&state->registry.measures, version->level)->code, sizeof ret_record->level);
	if (parent) {
		const struct unit_version *above = vec_at(&units->versions, struct unit_version, state->tree.version[parent] - 1);
		memcpy(ret_record->parent, above->code, sizeof ret_record->parent);
	}
	const char *name = units_name(units, version);
	memcpy(ret_record->name, name, strnlen(name, BAOPHU_TEXT_BYTES_MAX));
	ret_record->event_count = unit < state->events.unit_size ? state->events.units[unit].delivered : 0;
	ret_record->row_count = coverage_rows(&state->coverage, unit, NULL, 0, rows, size, NULL);
}
