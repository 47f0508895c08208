/* coverage.h - the coverage rules (design rules 1 to 9, 11 and the soft ones of 10), over a registry, a tree and facts.
 *
 * The same code computes live coverage (incrementally, after each commit) and any past one (from facts that a query loads): rule
 * "incremental equals from scratch" is that these two agree. Figures that targets are held against are wanted after each record; they are
 * said by coverage_watch and computed before the others. Pure: no I/O, no clock; the date is an input.
 */
#pragma once

#include "facts.h"
#include "liveness.h"
#include "registry.h"

/* One measure of one unit. */
struct cell {
	int64_t value, whole, own, sum, estimated;
	baophu_date from, to, whole_to, oldest; /* from: of a flow's period */
	uint32_t reported, expected;
	uint32_t uncovered_days;
	uint16_t measure; /* above BAOPHU_MEASURES_MAX: a track */
	uint16_t unused; /* the largest number: so many or more */
	uint8_t basis, state, status, origin, bound, reason;
	bool dirty, mixed_bounds;
	uint32_t below; /* index + 1 in coverage.below, of an urgent cell above others; 0: none */
	baophu_date newest; /* of a flow: the last day that anything of it was reported for, here, below or in its parts */
};

/* What the children of a unit add up to, kept as they change, so that a figure that is wanted after each record need not look at all of them
 * each time. Counts, where the total is the weakest or the same of all. */
struct below {
	int64_t value, estimated;
	uint32_t reported, partial, mixed_bounds, unused;
	baophu_date oldest;
	uint32_t uncovered_days;
	uint32_t at_oldest, at_uncovered; /* how many have it; 0 while some are reported: it has to be looked for again */
	uint32_t status[BAOPHU_ESTIMATE + 1], origin[BAOPHU_ILLUSTRATIVE + 1], bound[BAOPHU_NEARLY + 1];
};

/* A question's axes, or the live ones. */
struct axes {
	baophu_date date; /* as of */
	baophu_date from, to; /* period for flows; NONE: by plan, else each measure's latest period */
	uint64_t known_id; /* entries known; UINT64_MAX: all */
	uint32_t plan; /* plan code number: only these rows; 0: all */
};

/* What a unit is to reach under one plan code: its own target, else the sum of its children's. */
struct plan_cell {
	int64_t value;
	uint32_t plan;
	uint32_t reported, expected; /* of a sum: k children of m with a target, their own or a whole sum */
	baophu_date from, to;
	uint16_t target; /* measure; indicator when kind is RATE */
	uint8_t kind, decimals, origin;
	bool is_own;
};

/* A flow in the period of a plan, with cells of its own: without them that amount is summed from every unit below, each time. Its number,
 * where a measure's stands, is its place + BAOPHU_MEASURES_MAX + 1. */
struct track {
	uint16_t measure;
	uint16_t next; /* another track of this measure: its number; 0: none */
	baophu_date from, to;
};
enum { COVERAGE_TRACKS_MAX = 1024 };

/* A cell that changed; struct coverage.changed. */
struct coverage_change {
	uint32_t unit;
	uint16_t measure; /* or a track's number */
};

struct unit_cells {
	struct cell *cells;
	uint16_t count, capacity;
};
struct unit_plans {
	struct plan_cell *cells;
	uint32_t count, capacity;
};
struct coverage {
	const struct registry *registry;
	const struct tree *tree;
	const struct facts *facts;
	const struct rates *rates;
	const struct liveness *liveness; /* of the same day; NULL: rows say nothing of it */
	struct axes axes;
	struct unit_cells *units; /* by unit number */
	struct unit_plans *plans; /* by unit number */
	bool plans_are_stale;
	bool is_target[2]
		      [BAOPHU_MEASURES_MAX + 1]; /* of axes.plan: by whether it is a rate, and the number of measure or indicator */
	uint32_t unit_count;
	bool is_urgent[BAOPHU_MEASURES_MAX + 1]; /* wanted after each record */
	uint16_t first_track[BAOPHU_MEASURES_MAX + 1]; /* number; 0: none */
	struct vec tracks; /* struct track; always urgent */
	struct vec dirty[2]
			[BAOPHU_DEPTH_MAX + 1]; /* by urgency: struct { uint32_t unit; uint16_t measure; } by depth of the unit */
	size_t urgent_count; /* marked and not computed */
	struct vec below; /* struct below */
	struct vec
	    changed; /* struct coverage_change: urgent cells, in any order, perhaps twice; emptied by whoever looks at them */
	int error; /* -ENOMEM, kept */
};
void coverage_init(struct coverage *coverage, const struct registry *registry, const struct tree *tree, const struct facts *facts,
		   const struct rates *rates, const struct axes *axes);
void coverage_finish(struct coverage *coverage);
/* A figure of this unit and measure changed. */
void coverage_mark(struct coverage *coverage, uint32_t unit, uint16_t measure);
/* A fact of this slot changed, and the next standing fact of its series ends on `later` (BAOPHU_DATE_NONE: none): marks its cell unless the
 * live figure cannot depend on it. */
void coverage_mark_fact(struct coverage *coverage, const struct slot *slot, baophu_date later);
/* Asks the memory for what marking this unit will read: stage 0 its list of cells, a little later stage 1 the cells. */
void coverage_prefetch(const struct coverage *coverage, uint32_t unit, int stage);
/* A target changed. */
void coverage_mark_plans(struct coverage *coverage);
/* Everything is computed again from the facts (another tree, another day): what is urgent, and the rest. */
void coverage_mark_urgent(struct coverage *coverage);
void coverage_mark_rest(struct coverage *coverage);
void coverage_mark_all(struct coverage *coverage);
/* Computes what is marked, children before parents, parts before the whole. Returns 0 or the kept error. */
int coverage_settle(struct coverage *coverage);

/* The figures that this target is held against are urgent from now on. Costs next to nothing when they are already; else settles first, so
 * everything has to be marked that is not computed.
 * Returns 0 or the kept error. */
int coverage_watch(struct coverage *coverage, const struct plan_target *target);
/* Computes what is marked and urgent, and notes in `changed` what became another figure. Returns 0 or the kept error. */
int coverage_settle_urgent(struct coverage *coverage);
/* The measure of a cell's number. */
static inline uint16_t coverage_measure(const struct coverage *coverage, uint16_t number)
{
	return number <= BAOPHU_MEASURES_MAX ? number
					     : vec_at(&coverage->tracks, struct track, number - BAOPHU_MEASURES_MAX - 1)->measure;
}
/* The track of a flow and period; 0: none. */
uint16_t coverage_track(const struct coverage *coverage, uint16_t measure, baophu_date from, baophu_date to);
/* The figure of a measure that a plan of this kind and period is held against, settled. NULL: nothing was ever reported for it. Lent
 * until the next mark or settle, or `room` itself. */
const struct cell *coverage_plan_figure(const struct coverage *coverage, uint32_t unit, uint16_t measure, uint8_t kind,
					baophu_date from, baophu_date to, struct cell *room);
/* NULL: nothing was ever reported for it here or below. */
const struct cell *coverage_cell(const struct coverage *coverage, uint32_t unit, uint16_t measure);

enum { COVERAGE_ROWS_MAX = 2048 };
/* Writes the rows of a unit: per measure its stock or flow row followed by the plan rows over it; then shares with the plans over them;
 * then published rates. `measures`, when measure_count is not 0, keeps only these measures and indicators (by code). Returns the number
 * of rows; never more than `size` (the rest is left out and *ret_truncated set). Needs a settled coverage. */
uint32_t coverage_rows(const struct coverage *coverage, uint32_t unit, const char *const *measures, uint32_t measure_count,
		       struct baophu_row *rows, uint32_t size, bool *ret_truncated);
