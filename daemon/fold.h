/* fold.h - the one fold: log records -> state. Collector, start, rebuild and tests run it and reach the same state digest.
 *
 * Pure: no I/O, no clock. It reads decided entries of committed records only. Events are judged after every record; everything else that
 * follows from the entries is settled once a commit.
 * Threads: one writer (the collector) under state_lock's write side; query threads read live records under its read side (daemon.h).
 */
#pragma once

#include "events.h"
#include "liveness.h"

struct touched {
	uint32_t unit;
	uint64_t previous;
}; /* version before the cut */
struct subtree_sum {
	uint32_t count;
	uint64_t sum;
}; /* of a seal */

struct state {
	struct registry registry;
	struct facts facts;
	struct tree tree; /* of the business day */
	struct coverage coverage; /* live: as of the business day */
	struct liveness liveness; /* the same */
	struct baophu_place place; /* newest folded */
	uint64_t registry_digest; /* sum over administrative entries; see fold_digest */
	uint64_t *touched_seq; /* by unit: last entry that named the unit itself */
	uint64_t *version; /* by unit: last entry that touched it or anything below; settled */
	struct subtree_sum *sums; /* [unit * (DEPTH_MAX + 1) + levels below]; settled */
	uint32_t unit_size; /* of the three arrays above */
	struct vec named; /* uint32_t: units named by entries since the last settle */
	struct vec touched; /* struct touched: units whose version changed at the last settle */
	uint64_t settled_seq; /* newest record when last settled */
	uint64_t settled_map_seq; /* registry.map_seq that versions and seal sums are of */
	size_t settled_reaches; /* how many of registry.reaches they have seen */
	uint64_t mapped_seq; /* registry.map_seq that tree and coverage are of */
	bool is_rest_unmarked; /* of coverage only what is urgent has been marked since */
	struct events events;
	bool is_loading;
	uint64_t folded_records, folded_entries;
};
int fold_init(struct state *state);
void fold_finish(struct state *state);

/* Folds one record (already verified: chain and bounds); what it crossed is appended to state->events.made, which the caller empties.
 * -BAOPHU_EDAMAGED when it does not follow state->place, or a checkpoint's digest differs from this state's. */
int fold_record(struct state *state, const void *record, size_t bytes);
/* Makes live coverage, versions and seal sums those of state->place, and fills state->touched. Called once a commit; result does not depend
 * on how records are grouped into calls. */
int fold_settle(struct state *state);
/* Digest over decided state: facts, registry, epochs, day. Equal states have equal digests however they were reached. */
uint64_t fold_digest(const struct state *state);

/* ---- loading from history instead of the log ---- */
/* Folds only what is not facts of a record (registry, epochs, held, rates, day). */
int fold_load_record(struct state *state, const void *record, size_t bytes);
/* What stands in a slot (value BAOPHU_ABSENT: withdrawn, id then the withdrawal's), and the newest entry that named it. */
int fold_load_fact(struct state *state, const struct slot *slot, const struct figure *figure, uint64_t id, uint64_t touched_seq);
/* The newest number decided in an epoch. */
int fold_load_number(struct state *state, uint32_t agent, uint64_t epoch, uint64_t number, uint64_t seq, int64_t time_ms);
/* The newest event of a target and line; after the records. */
int fold_load_event(struct state *state, const struct event *event);
/* The state is now that of `place`. */
int fold_load_finish(struct state *state, const struct baophu_place *place);

/* The live record of a unit (settled): fills everything but rows from the registry and coverage; `rows` has room for `size`. */
void fold_unit_record(const struct state *state, uint32_t unit, struct baophu_row *rows, uint32_t size,
		      struct baophu_record *ret_record);
/* Seal numbers of a subtree at `levels` below `unit`. */
struct subtree_sum fold_subtree(const struct state *state, uint32_t unit, unsigned levels);
