/* coverage.c - computes cells from facts, and rows from cells. See coverage.h for what, design rules 1 to 11 for why. */
#include "coverage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/ratio.h>

struct dirty {
	uint32_t unit;
	uint16_t measure;
};

void coverage_init(struct coverage *coverage, const struct registry *registry, const struct tree *tree, const struct facts *facts,
		   const struct rates *rates, const struct axes *axes)
{
	*coverage = (struct coverage){ .registry = registry,
				       .tree = tree,
				       .facts = facts,
				       .rates = rates,
				       .axes = *axes,
				       .unit_count = tree->count,
				       .plans_are_stale = true };
	coverage->units = calloc(tree->count, sizeof *coverage->units);
	coverage->plans = calloc(tree->count, sizeof *coverage->plans);
	if (!coverage->units || !coverage->plans)
		coverage->error = -ENOMEM;
}

void coverage_finish(struct coverage *coverage)
{
	for (uint32_t unit = 0; coverage->units && unit < coverage->unit_count; unit++)
		free(coverage->units[unit].cells);
	for (uint32_t unit = 0; coverage->plans && unit < coverage->unit_count; unit++)
		free(coverage->plans[unit].cells);
	free(coverage->units);
	free(coverage->plans);
	for (unsigned i = 0; i < 2 * (BAOPHU_DEPTH_MAX + 1); i++)
		vec_finish(&coverage->dirty[i % 2][i / 2]);
	vec_finish(&coverage->tracks);
	vec_finish(&coverage->below);
	vec_finish(&coverage->changed);
	*coverage = (struct coverage){ 0 };
}

/* ---- cells ---- */

static uint16_t cell_position(const struct unit_cells *unit, uint16_t measure)
{
	uint16_t low = 0, high = unit->count;
	while (low < high) {
		uint16_t middle = (uint16_t)((low + high) / 2);
		if (unit->cells[middle].measure < measure)
			low = (uint16_t)(middle + 1);
		else
			high = middle;
	}
	return low;
}

static struct cell *cell_find(const struct coverage *coverage, uint32_t unit, uint16_t measure)
{
	const struct unit_cells *cells = &coverage->units[unit];
	uint16_t at = cell_position(cells, measure);
	return at < cells->count && cells->cells[at].measure == measure ? &cells->cells[at] : NULL;
}

const struct cell *coverage_cell(const struct coverage *coverage, uint32_t unit, uint16_t measure)
{
	return unit < coverage->unit_count ? cell_find(coverage, unit, measure) : NULL;
}

static struct cell cell_empty(uint16_t measure)
{
	return (struct cell){ .value = BAOPHU_ABSENT,
			      .whole = BAOPHU_ABSENT,
			      .own = BAOPHU_ABSENT,
			      .sum = BAOPHU_ABSENT,
			      .from = BAOPHU_DATE_NONE,
			      .to = BAOPHU_DATE_NONE,
			      .whole_to = BAOPHU_DATE_NONE,
			      .oldest = BAOPHU_DATE_NONE,
			      .newest = BAOPHU_DATE_NONE,
			      .measure = measure,
			      .state = BAOPHU_STATE_NO_REPORT };
}

static struct cell *cell_create(struct coverage *coverage, uint32_t unit, uint16_t measure)
{
	struct unit_cells *cells = &coverage->units[unit];
	uint16_t at = cell_position(cells, measure);
	if (at < cells->count && cells->cells[at].measure == measure)
		return &cells->cells[at];
	if (cells->count == cells->capacity) {
		uint16_t capacity = (uint16_t)(cells->capacity + 4);
		struct cell *grown = realloc(cells->cells, capacity * sizeof *grown);
		if (!grown)
			return NULL;
		cells->cells = grown;
		cells->capacity = capacity;
	}
	memmove(&cells->cells[at + 1], &cells->cells[at], (size_t)(cells->count - at) * sizeof *cells->cells);
	cells->count++;
	cells->cells[at] = cell_empty(measure);
	return &cells->cells[at];
}

static const struct measure *measure_of(const struct coverage *coverage, uint16_t measure)
{
	return measures_get(&coverage->registry->measures, measure);
}

static const struct track *track_of(const struct coverage *coverage, uint16_t number)
{
	return number > BAOPHU_MEASURES_MAX ? vec_at(&coverage->tracks, struct track, number - BAOPHU_MEASURES_MAX - 1) : NULL;
}

uint16_t coverage_track(const struct coverage *coverage, uint16_t measure, baophu_date from, baophu_date to)
{
	uint16_t number = coverage->first_track[measure];
	for (const struct track *track; (track = track_of(coverage, number)) && (track->from != from || track->to != to);)
		number = track->next;
	return number;
}

static bool is_urgent(const struct coverage *coverage, uint16_t number)
{
	return number > BAOPHU_MEASURES_MAX || coverage->is_urgent[number];
}

static void mark(struct coverage *coverage, uint32_t unit, uint16_t number)
{
	struct cell *cell = cell_create(coverage, unit, number);
	if (cell && cell->dirty)
		return;
	bool is_first = is_urgent(coverage, number);
	struct dirty *dirty = cell ? vec_grow(&coverage->dirty[is_first][coverage->tree->depth[unit]], 1, sizeof *dirty) : NULL;
	if (!dirty) {
		coverage->error = -ENOMEM;
		return;
	}
	*dirty = (struct dirty){ unit, number };
	cell->dirty = true;
	coverage->urgent_count += is_first;
}

/* The cell of the measure itself, and those of its tracks. */
static void mark_both(struct coverage *coverage, uint32_t unit, uint16_t measure, bool marks_itself, bool marks_tracks)
{
	if (coverage->error || !tree_has(coverage->tree, unit))
		return; /* not on the map of this date: its figures belong to another one */
	if (marks_itself)
		mark(coverage, unit, measure);
	const struct track *track;
	for (uint16_t number = marks_tracks ? coverage->first_track[measure] : 0; (track = track_of(coverage, number));
	     number = track->next)
		mark(coverage, unit, number);
}

void coverage_mark(struct coverage *coverage, uint32_t unit, uint16_t measure) { mark_both(coverage, unit, measure, true, true); }

void coverage_mark_fact(struct coverage *coverage, const struct slot *slot, baophu_date later)
{
	/* Most late reports speak of a past that the present does not show; they are in the facts, and that is all (rule 3). A stock shows
	 * its latest fact only. Asked of the series, which was just read, and not of the cell, which would have to be fetched. */
	bool is_past = later != BAOPHU_DATE_NONE && later <= coverage->axes.date;
	if ((is_past || slot->to > coverage->axes.date) && measure_of(coverage, slot->measure)->kind == BAOPHU_STOCK)
		return;
	coverage_mark(coverage, slot->unit, slot->measure);
}

void coverage_prefetch(const struct coverage *coverage, uint32_t unit, int stage)
{
	if (unit >= coverage->unit_count)
		return;
	if (stage == 0)
		__builtin_prefetch(&coverage->units[unit]);
	else
		__builtin_prefetch(coverage->units[unit].cells, 1);
}

void coverage_mark_plans(struct coverage *coverage) { coverage->plans_are_stale = true; }

void coverage_mark_urgent(struct coverage *coverage)
{
	for (uint32_t i = 0; i < coverage->facts->table_size; i++) {
		const struct series *series = &coverage->facts->table[i];
		if (series->unit && (coverage->is_urgent[series->measure] || coverage->first_track[series->measure]))
			mark_both(coverage, series->unit, series->measure, coverage->is_urgent[series->measure], true);
	}
}

void coverage_mark_rest(struct coverage *coverage)
{
	coverage_mark_plans(coverage);
	for (uint32_t i = 0; i < coverage->facts->table_size; i++) {
		const struct series *series = &coverage->facts->table[i];
		if (series->unit)
			mark_both(coverage, series->unit, series->measure, !coverage->is_urgent[series->measure], false);
	}
}

void coverage_mark_all(struct coverage *coverage)
{
	coverage_mark_urgent(coverage);
	coverage_mark_rest(coverage);
}

struct period {
	baophu_date from, to;
};

/* Later end first; on the same end the longer one. */
static void period_take(struct period *best, baophu_date from, baophu_date to)
{
	if (to != BAOPHU_DATE_NONE && (best->to == BAOPHU_DATE_NONE || to > best->to || (to == best->to && from < best->from)))
		*best = (struct period){ from, to };
}

static void period_take_latest(struct period *best, const struct series *series, baophu_date date)
{
	const struct fact *fact = facts_latest(series, date, NULL);
	if (!fact)
		return;
	while (fact > series->facts && fact[-1].to == fact->to)
		fact--; /* the longest of those that end on this day stands first */
	for (; fact < series->facts + series->count; fact++)
		if (fact_stands(fact))
			break;
	period_take(best, fact_from(fact), fact_to(fact));
}

/* The period that a flow row speaks of when none is asked for: the latest that was reported here, else below, else in its parts. */
static struct period latest_period(const struct coverage *coverage, uint32_t unit, uint16_t measure)
{
	struct period best = { BAOPHU_DATE_NONE, BAOPHU_DATE_NONE };
	if (coverage->axes.to != BAOPHU_DATE_NONE)
		return (struct period){ coverage->axes.from, coverage->axes.to };
	period_take_latest(&best, facts_series(coverage->facts, unit, measure, BAOPHU_WHOLE), coverage->axes.date);
	period_take_latest(&best, facts_series(coverage->facts, unit, measure, BAOPHU_OWN), coverage->axes.date);
	if (best.to != BAOPHU_DATE_NONE)
		return best;
	for (uint32_t child = coverage->tree->first_child[unit]; child; child = coverage->tree->next_sibling[child]) {
		const struct cell *cell = cell_find(coverage, child, measure);
		if (cell)
			period_take(&best, cell->from, cell->to);
	}
	uint32_t count = measure_of(coverage, measure)->part_count ? measures_count(&coverage->registry->measures) : 0;
	for (uint16_t part = 1; part <= count; part++) {
		const struct cell *cell = measure_of(coverage, part)->parent == measure ? cell_find(coverage, unit, part) : NULL;
		if (cell)
			period_take(&best, cell->from, cell->to);
	}
	return best;
}

static void take_newest(baophu_date *newest, baophu_date day)
{
	if (day != BAOPHU_DATE_NONE && (*newest == BAOPHU_DATE_NONE || day > *newest))
		*newest = day;
}

/* See struct cell; children and parts are settled. */
static baophu_date newest_day(const struct coverage *coverage, uint32_t unit, uint16_t measure)
{
	baophu_date newest = BAOPHU_DATE_NONE;
	for (int extent = BAOPHU_WHOLE; extent <= BAOPHU_OWN; extent++) {
		const struct series *series = facts_series(coverage->facts, unit, measure, (uint8_t)extent);
		const struct fact *fact = facts_latest(series, coverage->axes.date, NULL);
		take_newest(&newest, fact ? fact_to(fact) : BAOPHU_DATE_NONE);
	}
	for (uint32_t child = coverage->tree->first_child[unit]; child; child = coverage->tree->next_sibling[child]) {
		const struct cell *cell = cell_find(coverage, child, measure);
		take_newest(&newest, cell ? cell->newest : BAOPHU_DATE_NONE);
	}
	uint32_t count = measure_of(coverage, measure)->part_count ? measures_count(&coverage->registry->measures) : 0;
	for (uint16_t part = 1; part <= count; part++) {
		const struct cell *cell = measure_of(coverage, part)->parent == measure ? cell_find(coverage, unit, part) : NULL;
		take_newest(&newest, cell ? cell->newest : BAOPHU_DATE_NONE);
	}
	return newest;
}

static uint8_t weaker(uint8_t a, uint8_t b) { return a > b ? a : b; }

/* Figures added up, and how good the weakest of them is. */
struct total {
	int64_t value, estimated;
	baophu_date oldest;
	uint32_t reported, expected, uncovered_days, unused;
	uint8_t status, origin, bound;
	bool is_any, is_partial, mixed_bounds;
};

static void total_add(struct total *total, const struct cell *cell)
{
	total->is_any = true;
	/* Wraps only beyond 9,000 figures of the largest size allowed; unsigned, so that it is defined even then. */
	total->value = (int64_t)((uint64_t)total->value + (uint64_t)cell->value);
	total->estimated = (int64_t)((uint64_t)total->estimated + (uint64_t)cell->estimated);
	if (total->oldest == BAOPHU_DATE_NONE || cell->to < total->oldest)
		total->oldest = cell->to;
	total->status = weaker(total->status, cell->status);
	total->origin = weaker(total->origin, cell->origin);
	total->mixed_bounds |= cell->mixed_bounds || (total->bound && total->bound != cell->bound);
	total->bound = !total->bound || total->bound == cell->bound ? cell->bound : BAOPHU_ABOUT;
	total->is_partial |= cell->basis == BAOPHU_BASIS_PARTIAL;
	total->uncovered_days = cell->uncovered_days > total->uncovered_days ? cell->uncovered_days : total->uncovered_days;
	total->unused += cell->unused;
}

/* ---- what lies below, kept as it changes ---- */

static void below_take_oldest(struct below *below, baophu_date to)
{
	if (!below->at_oldest || to < below->oldest) {
		below->oldest = to;
		below->at_oldest = 0;
	}
	below->at_oldest += to == below->oldest;
}

static void below_take_uncovered(struct below *below, uint32_t days)
{
	if (!below->at_uncovered || days > below->uncovered_days) {
		below->uncovered_days = days;
		below->at_uncovered = 0;
	}
	below->at_uncovered += days == below->uncovered_days;
}

/* Adds what a child says, or takes it out again. */
static void below_count(struct below *below, const struct cell *cell, bool is_added)
{
	uint32_t one = is_added ? 1 : UINT32_MAX;
	uint64_t sign = is_added ? 1 : UINT64_MAX;
	below->value = (int64_t)((uint64_t)below->value + sign * (uint64_t)cell->value);
	below->estimated = (int64_t)((uint64_t)below->estimated + sign * (uint64_t)cell->estimated);
	below->reported += one;
	below->unused += one * cell->unused;
	below->partial += cell->basis == BAOPHU_BASIS_PARTIAL ? one : 0;
	below->mixed_bounds += cell->mixed_bounds ? one : 0;
	below->status[cell->status] += one;
	below->origin[cell->origin] += one;
	below->bound[cell->bound] += one;
}

static void below_add(struct below *below, const struct cell *cell)
{
	if (cell->value == BAOPHU_ABSENT)
		return;
	bool is_lost = below->reported && !below->at_oldest, is_lost_too = below->reported && !below->at_uncovered;
	below_count(below, cell, true);
	if (!is_lost) /* the oldest of some, when the others' is not known, says nothing */
		below_take_oldest(below, cell->to);
	if (!is_lost_too)
		below_take_uncovered(below, cell->uncovered_days);
}

static void below_remove(struct below *below, const struct cell *cell)
{
	if (cell->value == BAOPHU_ABSENT)
		return;
	below_count(below, cell, false);
	below->at_oldest -= below->at_oldest && cell->to == below->oldest;
	below->at_uncovered -= below->at_uncovered && cell->uncovered_days == below->uncovered_days;
}

/* Looks at all children: at first, and when the one that was oldest is so no longer. */
static void below_fill(const struct coverage *coverage, uint32_t unit, uint16_t number, struct below *below)
{
	*below = (struct below){ 0 };
	for (uint32_t child = coverage->tree->first_child[unit]; child; child = coverage->tree->next_sibling[child]) {
		const struct cell *cell = cell_find(coverage, child, number);
		if (cell)
			below_add(below, cell);
	}
}

/* The weakest that is there. */
static uint8_t weakest(const uint32_t *counts, uint8_t last)
{
	while (last && !counts[last])
		last--;
	return last;
}

static void total_add_below(struct total *total, const struct below *below)
{
	if (!below->reported)
		return;
	uint8_t bound = weakest(below->bound, BAOPHU_NEARLY);
	bool is_mixed = below->bound[bound] != below->reported || (total->bound && total->bound != bound);
	total->is_any = true;
	total->value = (int64_t)((uint64_t)total->value + (uint64_t)below->value);
	total->estimated = (int64_t)((uint64_t)total->estimated + (uint64_t)below->estimated);
	if (total->oldest == BAOPHU_DATE_NONE || below->oldest < total->oldest)
		total->oldest = below->oldest;
	total->status = weaker(total->status, weakest(below->status, BAOPHU_ESTIMATE));
	total->origin = weaker(total->origin, weakest(below->origin, BAOPHU_ILLUSTRATIVE));
	total->mixed_bounds |= below->mixed_bounds || is_mixed;
	total->bound = is_mixed ? BAOPHU_ABOUT : bound;
	total->is_partial |= below->partial > 0;
	total->uncovered_days = below->uncovered_days > total->uncovered_days ? below->uncovered_days : total->uncovered_days;
	total->unused += below->unused;
	total->reported = below->reported;
}

static void cell_compute(const struct coverage *coverage, uint32_t unit, uint16_t measure, struct period period, unsigned depth,
			 struct cell *ret_cell);

/* A child's or a part's figure for the same period (of a stock: as of the date). */
static bool figure_of(const struct coverage *coverage, uint32_t unit, uint16_t measure, bool is_flow, struct period period,
		      unsigned depth, struct cell *ret_cell)
{
	const struct cell *cell = cell_find(coverage, unit, measure);
	if (!cell)
		return false;
	bool is_of_another = is_flow && measure <= BAOPHU_MEASURES_MAX && (cell->from != period.from || cell->to != period.to);
	if (is_of_another && (cell->newest == BAOPHU_DATE_NONE || cell->newest < period.from))
		return false; /* nothing there reaches into the period, so nobody has to look */
	if (is_of_another && depth < 4 * BAOPHU_DEPTH_MAX)
		cell_compute(coverage, unit, measure, period, depth + 1, ret_cell);
	else
		*ret_cell = *cell;
	return ret_cell->value != BAOPHU_ABSENT;
}

static uint16_t at_most_16_bits(uint32_t count) { return count < UINT16_MAX ? (uint16_t)count : UINT16_MAX; }

/* The unit's own facts as a cell: what stands in one extent. */
static struct cell own_figure(const struct coverage *coverage, uint32_t unit, uint16_t measure, uint8_t extent, bool is_flow,
			      struct period period, bool *ret_withdrawn)
{
	struct cell cell = cell_empty(measure);
	const struct series *series = facts_series(coverage->facts, unit, measure, extent);
	if (is_flow) {
		struct flow flow;
		if (period.to == BAOPHU_DATE_NONE)
			return cell;
		facts_flow(series, period.from, period.to, coverage->axes.date, &flow);
		*ret_withdrawn |= flow.withdrawn;
		if (flow.value == BAOPHU_ABSENT)
			return cell;
		cell.value = flow.value;
		cell.from = period.from;
		cell.to = period.to;
		cell.estimated = flow.estimated;
		cell.uncovered_days = flow.uncovered_days;
		cell.unused = at_most_16_bits(flow.unused);
		cell.status = flow.status;
		cell.origin = flow.origin;
		cell.bound = flow.bound;
		cell.reason = flow.reason;
		cell.mixed_bounds = flow.mixed_bounds;
		return cell;
	}
	const struct fact *fact = facts_latest(series, coverage->axes.date, ret_withdrawn);
	if (!fact)
		return cell;
	cell.value = fact_value(fact);
	cell.from = cell.to = fact_to(fact);
	cell.status = fact_status(fact);
	cell.origin = fact_origin(fact);
	cell.bound = fact_bound(fact);
	cell.reason = fact_reason(fact);
	cell.estimated = cell.status == BAOPHU_ESTIMATE ? fact_value(fact) : 0;
	return cell;
}

static void cell_take(struct cell *cell, const struct cell *figure)
{
	cell->value = figure->value;
	cell->from = figure->from;
	cell->to = figure->to;
	cell->estimated = figure->estimated;
	cell->uncovered_days = figure->uncovered_days;
	cell->unused = figure->unused;
	cell->status = figure->status;
	cell->origin = figure->origin;
	cell->bound = figure->bound;
	cell->reason = figure->reason;
	cell->mixed_bounds = figure->mixed_bounds;
}

static void cell_take_total(struct cell *cell, const struct total *total, bool is_flow, struct period period)
{
	cell->value = total->value;
	cell->from = is_flow ? period.from : total->oldest;
	cell->to = is_flow ? period.to : total->oldest; /* rule 1: a sum is as old as its oldest part */
	cell->oldest = total->oldest;
	cell->estimated = total->estimated;
	cell->uncovered_days = total->uncovered_days;
	cell->unused = at_most_16_bits(total->unused);
	cell->status = total->status;
	cell->origin = total->origin;
	cell->bound = total->bound;
	cell->mixed_bounds = total->mixed_bounds;
	cell->reason = BAOPHU_REASON_NONE;
}

/* What stands for a part where `number` stands for the whole. */
static uint16_t number_of_part(const struct coverage *coverage, uint16_t number, uint16_t part)
{
	const struct track *track = track_of(coverage, number);
	return track ? coverage_track(coverage, part, track->from, track->to) : part;
}

/* Rules 1 and 2 for one unit and measure, or a track of it. */
static void cell_compute(const struct coverage *coverage, uint32_t unit, uint16_t number, struct period period, unsigned depth,
			 struct cell *ret_cell)
{
	const struct tree *tree = coverage->tree;
	uint16_t measure = coverage_measure(coverage, number);
	const struct measure *what = measure_of(coverage, measure);
	bool is_flow = what->kind == BAOPHU_FLOW, withdrawn = false;
	struct cell cell = cell_empty(number), figure;

	struct cell whole = own_figure(coverage, unit, measure, BAOPHU_WHOLE, is_flow, period, &withdrawn);
	struct cell own = own_figure(coverage, unit, measure, BAOPHU_OWN, is_flow, period, &withdrawn);
	struct total sum = { .oldest = BAOPHU_DATE_NONE, .expected = tree->children[unit] };
	if (own.value != BAOPHU_ABSENT)
		total_add(&sum, &own);
	const struct cell *before = depth || !is_urgent(coverage, number) ? NULL : cell_find(coverage, unit, number);
	if (before && before->below)
		total_add_below(&sum, vec_at(&coverage->below, struct below, before->below - 1));
	else
		for (uint32_t child = tree->first_child[unit]; child; child = tree->next_sibling[child]) {
			if (!figure_of(coverage, child, number, is_flow, period, depth, &figure))
				continue;
			total_add(&sum, &figure);
			sum.reported++;
		}
	sum.is_partial |= sum.reported < sum.expected;
	struct total parts = { .oldest = BAOPHU_DATE_NONE, .expected = what->part_count };
	for (uint16_t part = 1; parts.reported < parts.expected && part <= measures_count(&coverage->registry->measures); part++) {
		if (measure_of(coverage, part)->parent != measure)
			continue;
		if (!figure_of(coverage, unit, number_of_part(coverage, number, part), is_flow, period, depth, &figure)) {
			parts.is_partial = true;
			continue;
		}
		total_add(&parts, &figure);
		parts.reported++;
	}
	parts.is_partial |= parts.reported < parts.expected;

	cell.whole = whole.value;
	cell.whole_to = whole.to;
	cell.own = own.value;
	cell.sum = sum.is_any ? sum.value : BAOPHU_ABSENT;
	cell.reported = sum.reported;
	cell.expected = sum.expected;
	bool sum_is_older = is_flow ? sum.uncovered_days > whole.uncovered_days : sum.oldest < whole.to;
	bool is_reported = whole.value != BAOPHU_ABSENT || own.value != BAOPHU_ABSENT;
	if (whole.value != BAOPHU_ABSENT && (!sum.is_any || sum.is_partial || sum_is_older)) {
		cell_take(&cell, &whole);
		cell.basis = BAOPHU_BASIS_WHOLE;
		cell.oldest = sum.is_any ? sum.oldest : whole.to;
	} else if (!is_reported && parts.is_any &&
		   (!parts.is_partial || !sum.is_any || (sum.is_partial && parts.value >= sum.value))) {
		/* Nobody reported the parent itself here: it is its parts when all are there; when not, the sum below if that is
		 * complete. Where both are partial both are less than the truth, so the larger is the nearer. */
		cell_take_total(&cell, &parts, is_flow, period);
		cell.basis = parts.is_partial ? BAOPHU_BASIS_PARTIAL : BAOPHU_BASIS_PARTS;
		cell.reported = parts.reported;
		cell.expected = parts.expected;
	} else if (sum.is_any) {
		cell_take_total(&cell, &sum, is_flow, period);
		cell.basis = sum.is_partial ? BAOPHU_BASIS_PARTIAL : BAOPHU_BASIS_SUM;
		if (!sum.reported)
			cell.reason = own.reason;
	}
	cell.state = cell.value != BAOPHU_ABSENT ? BAOPHU_STATE_REPORTED
		     : withdrawn                 ? BAOPHU_STATE_WITHDRAWN
						 : BAOPHU_STATE_NO_REPORT;
	*ret_cell = cell;
}

static bool cells_are_equal(const struct cell *a, const struct cell *b)
{
	return a->value == b->value && a->whole == b->whole && a->own == b->own && a->sum == b->sum &&
	       a->estimated == b->estimated && a->from == b->from && a->to == b->to && a->whole_to == b->whole_to &&
	       a->oldest == b->oldest && a->reported == b->reported && a->expected == b->expected &&
	       a->uncovered_days == b->uncovered_days && a->unused == b->unused && a->basis == b->basis && a->state == b->state &&
	       a->status == b->status && a->origin == b->origin && a->bound == b->bound && a->reason == b->reason &&
	       a->mixed_bounds == b->mixed_bounds;
}

/* ---- plans ---- */

static struct plan_cell *plan_find(const struct coverage *coverage, uint32_t unit, uint32_t plan, bool is_rate, uint16_t target)
{
	const struct unit_plans *plans = &coverage->plans[unit];
	for (unsigned i = 0; i < plans->count; i++) {
		struct plan_cell *cell = &plans->cells[i];
		if (cell->plan == plan && cell->target == target && (cell->kind == BAOPHU_PLAN_RATE) == is_rate)
			return cell;
	}
	return NULL;
}

static struct plan_cell *plan_create(struct coverage *coverage, uint32_t unit, const struct plan_cell *cell)
{
	struct unit_plans *plans = &coverage->plans[unit];
	if (plans->count == plans->capacity) {
		uint32_t capacity = plans->capacity + 4;
		struct plan_cell *grown = realloc(plans->cells, capacity * sizeof *grown);
		if (!grown) {
			coverage->error = -ENOMEM;
			return NULL;
		}
		plans->cells = grown;
		plans->capacity = capacity;
	}
	plans->cells[plans->count] = *cell;
	return &plans->cells[plans->count++];
}

/* What the plan that is asked for targets, anywhere: who has no target of it has "no plan". */
static void targets_compute(struct coverage *coverage)
{
	const struct plans *plans = &coverage->registry->plans;
	uint32_t asked = coverage->axes.plan;
	memset(coverage->is_target, 0, sizeof coverage->is_target);
	for (size_t i = 0; asked && i < plans->targets.count; i++) {
		const struct plan_target *target = vec_at(&plans->targets, struct plan_target, i);
		bool is_rate = target->kind == BAOPHU_PLAN_RATE;
		if (target->plan == asked && target->target <= BAOPHU_MEASURES_MAX &&
		    !coverage->is_target[is_rate][target->target] &&
		    plans_target(plans, asked, target->unit, is_rate, target->target, coverage->axes.known_id))
			coverage->is_target[is_rate][target->target] = true;
	}
}

/* Own targets, then upwards the sums for units that have none of their own. Rates are not summed. */
static void plans_compute(struct coverage *coverage)
{
	const struct plans *plans = &coverage->registry->plans;
	const struct tree *tree = coverage->tree;
	for (uint32_t unit = 0; unit < coverage->unit_count; unit++)
		coverage->plans[unit].count = 0;
	for (uint32_t i = 0; i < tree->order_count && !coverage->error; i++) {
		uint32_t unit = tree->order[i], cursor = 0;
		const struct plan_target *target;
		while ((target = plans_next(plans, unit, coverage->axes.known_id, &cursor))) {
			struct plan_cell own = { .value = target->value,
						 .plan = target->plan,
						 .from = target->from,
						 .to = target->to,
						 .target = target->target,
						 .kind = target->kind,
						 .decimals = target->decimals,
						 .origin = target->origin,
						 .is_own = true };
			/* Children came first and may have left a sum here: an own target takes its place. */
			struct plan_cell *summed = plan_find(coverage, unit, own.plan, own.kind == BAOPHU_PLAN_RATE, own.target);
			if (summed)
				*summed = own;
			else
				plan_create(coverage, unit, &own);
		}
		uint32_t parent = tree->parent[unit];
		for (unsigned j = 0; parent && j < coverage->plans[unit].count && !coverage->error; j++) {
			struct plan_cell cell = coverage->plans[unit].cells[j];
			if (cell.kind == BAOPHU_PLAN_RATE)
				continue;
			struct plan_cell *above = plan_find(coverage, parent, cell.plan, false, cell.target);
			/* A sum that is not whole keeps the one above it from being whole. */
			uint32_t reported = cell.is_own || cell.reported == cell.expected;
			if (!above) {
				cell.is_own = false;
				cell.reported = reported;
				cell.expected = tree->children[parent];
				plan_create(coverage, parent, &cell);
			} else if (above->from == cell.from && above->to == cell.to) {
				above->value = (int64_t)((uint64_t)above->value + (uint64_t)cell.value);
				above->origin = weaker(above->origin, cell.origin);
				above->reported += reported;
			}
		}
	}
	targets_compute(coverage);
	coverage->plans_are_stale = false;
}

static void note_change(struct coverage *coverage, uint32_t unit, uint16_t number)
{
	struct coverage_change *change = vec_grow(&coverage->changed, 1, sizeof *change);
	if (change)
		*change = (struct coverage_change){ unit, number };
	else
		coverage->error = -ENOMEM;
}

/* Sees to it that what lies below an urgent cell is known. */
static void know_below(struct coverage *coverage, uint32_t unit, uint16_t number, struct cell *cell)
{
	struct below *below = cell->below ? vec_at(&coverage->below, struct below, cell->below - 1) : NULL;
	if (!below) {
		below = vec_grow(&coverage->below, 1, sizeof *below);
		if (!below) {
			coverage->error = -ENOMEM;
			return;
		}
		cell->below = (uint32_t)coverage->below.count;
		below_fill(coverage, unit, number, below);
	} else if (below->reported && (!below->at_oldest || !below->at_uncovered)) {
		below_fill(coverage, unit, number, below);
	}
}

/* Computes one cell; what rests on it is marked when it became another one. */
static void settle_cell(struct coverage *coverage, uint32_t unit, uint16_t number, bool is_first)
{
	const struct track *track = track_of(coverage, number);
	const struct measure *what = measure_of(coverage, coverage_measure(coverage, number));
	bool is_flow = what->kind == BAOPHU_FLOW;
	struct period period = { BAOPHU_DATE_NONE, BAOPHU_DATE_NONE };
	if (track)
		period = (struct period){ track->from, track->to };
	else if (is_flow)
		period = latest_period(coverage, unit, number);
	struct cell computed, *cell = cell_find(coverage, unit, number);
	if (is_first && (track || !is_flow) && coverage->tree->first_child[unit])
		know_below(coverage, unit, number, cell);
	cell_compute(coverage, unit, number, period, 0, &computed);
	computed.below = cell->below;
	if (is_flow && !track)
		computed.newest = newest_day(coverage, unit, number);
	/* A flow's sum above may rest on other periods of this unit, so it is always looked at again. */
	bool changed = (is_flow && !track) || !cells_are_equal(cell, &computed);
	uint32_t parent = coverage->tree->parent[unit];
	const struct cell *above = changed && is_first && parent ? cell_find(coverage, parent, number) : NULL;
	if (above && above->below) {
		struct below *below = vec_at(&coverage->below, struct below, above->below - 1);
		below_remove(below, cell);
		below_add(below, &computed);
	}
	*cell = computed;
	if (!changed)
		return;
	uint16_t whole = what->parent ? number_of_part(coverage, number, what->parent) : 0;
	if (is_first)
		note_change(coverage, unit, number);
	if (whole)
		mark(coverage, unit, whole);
	if (parent)
		mark(coverage, parent, number);
}

static int settle(struct coverage *coverage, bool is_first)
{
	for (unsigned depth = BAOPHU_DEPTH_MAX + 1; depth-- && !coverage->error;) {
		struct vec *queue = &coverage->dirty[is_first][depth];
		for (size_t i = 0; i < queue->count && !coverage->error; i++) {
			struct dirty next = *vec_at(queue, struct dirty, i);
			settle_cell(coverage, next.unit, next.measure, is_first);
		}
		queue->count = 0;
	}
	return coverage->error;
}

int coverage_settle_urgent(struct coverage *coverage)
{
	if (!coverage->urgent_count)
		return coverage->error;
	settle(coverage, true);
	coverage->urgent_count = 0;
	return coverage->error;
}

int coverage_settle(struct coverage *coverage)
{
	if (coverage->plans_are_stale && !coverage->error)
		plans_compute(coverage);
	coverage_settle_urgent(coverage); /* no urgent cell rests on one that is not */
	return settle(coverage, false);
}

/* ---- what targets are held against ---- */

/* A whole rests on its parts, so they are wanted with it. */
static void watch_measure(struct coverage *coverage, uint16_t measure)
{
	if (coverage->is_urgent[measure])
		return;
	coverage_settle(coverage); /* what waits with the others would be computed too late */
	coverage->is_urgent[measure] = true;
	for (uint16_t part = 1; measure_of(coverage, measure)->part_count && part <= measures_count(&coverage->registry->measures);
	     part++)
		if (measure_of(coverage, part)->parent == measure)
			watch_measure(coverage, part);
}

static bool track_create(struct coverage *coverage, uint16_t measure, baophu_date from, baophu_date to)
{
	if (coverage_track(coverage, measure, from, to))
		return true;
	if (coverage->tracks.count >= COVERAGE_TRACKS_MAX)
		return false;
	for (uint16_t part = 1; measure_of(coverage, measure)->part_count && part <= measures_count(&coverage->registry->measures);
	     part++)
		if (measure_of(coverage, part)->parent == measure && !track_create(coverage, part, from, to))
			return false;
	struct track *track = vec_grow(&coverage->tracks, 1, sizeof *track);
	if (!track) {
		coverage->error = -ENOMEM;
		return true;
	}
	*track = (struct track){ measure, coverage->first_track[measure], from, to };
	coverage->first_track[measure] = (uint16_t)(BAOPHU_MEASURES_MAX + coverage->tracks.count);
	/* Wherever there is something of the measure there may be something of this period. */
	for (uint32_t unit = 1; unit < coverage->unit_count && !coverage->error; unit++)
		if (cell_find(coverage, unit, measure))
			mark(coverage, unit, coverage->first_track[measure]);
	return true;
}

int coverage_watch(struct coverage *coverage, const struct plan_target *target)
{
	if (coverage->error)
		return coverage->error;
	if (target->kind == BAOPHU_PLAN_RATE) {
		const struct indicator *indicator = measures_indicator(&coverage->registry->measures, target->target);
		watch_measure(coverage, indicator->numerator);
		watch_measure(coverage, indicator->denominator);
	} else if (target->kind != BAOPHU_PLAN_FLOW || !track_create(coverage, target->target, target->from, target->to)) {
		watch_measure(coverage, target->target);
	}
	return coverage->error;
}

const struct cell *coverage_plan_figure(const struct coverage *coverage, uint32_t unit, uint16_t measure, uint8_t kind,
					baophu_date from, baophu_date to, struct cell *room)
{
	if (kind != BAOPHU_PLAN_FLOW)
		return cell_find(coverage, unit, measure);
	uint16_t track = coverage_track(coverage, measure, from, to);
	if (track)
		return cell_find(coverage, unit, track);
	cell_compute(coverage, unit, measure, (struct period){ from, to }, 0, room);
	return room;
}

/* ---- rows ---- */

struct rows {
	const struct coverage *coverage;
	uint32_t unit;
	const char *const *wanted;
	uint32_t wanted_count;
	struct baophu_row *rows;
	uint32_t count, size;
	bool truncated;
};

static bool is_wanted(const struct rows *out, const char *code)
{
	for (uint32_t i = 0; i < out->wanted_count; i++)
		if (!strcmp(out->wanted[i], code))
			return true;
	return !out->wanted_count;
}

static struct baophu_row *row_add(struct rows *out, enum baophu_row_kind kind, const char *measure)
{
	if (out->count == out->size) {
		out->truncated = true;
		return NULL;
	}
	struct baophu_row *row = &out->rows[out->count++];
	*row = (struct baophu_row){ BAOPHU_ROW_SAYS_NOTHING, .kind = kind };
	memcpy(row->measure, measure, strnlen(measure, BAOPHU_CODE_BYTES_MAX));
	return row;
}

static void row_flag(struct baophu_row *row, enum baophu_flag flag)
{
	for (unsigned i = 0; i < BAOPHU_ROW_FLAGS_MAX; i++) {
		if (row->flags[i] == flag)
			return;
		if (!row->flags[i]) {
			row->flags[i] = (uint8_t)flag;
			return;
		}
	}
}

static void row_take_cell(struct baophu_row *row, const struct cell *cell)
{
	row->from = cell->from;
	row->to = cell->to;
	row->value = cell->value;
	row->basis = cell->basis;
	row->status = cell->status;
	row->origin = cell->origin;
	row->bound = cell->bound;
	row->reason = cell->reason;
	row->reported = cell->reported;
	row->expected = cell->expected;
	row->oldest = cell->oldest;
	row->uncovered_days = cell->value == BAOPHU_ABSENT ? 0 : cell->uncovered_days;
	row->unused = cell->unused;
	row->state = cell->state;
}

/* Soft rules between two measures of a unit (design rule 10): the first must not be above the second. */
static const struct {
	const char *lesser, *greater;
	enum baophu_flag flag;
} soft_rules[] = {
	{ "bhtn", "bhxh_bb", BAOPHU_FLAG_BHTN_ABOVE_BB },
	{ "bhyt", "danso", BAOPHU_FLAG_BHYT_ABOVE_POPULATION },
};

static void flag_figures(struct rows *out, struct baophu_row *row, const struct cell *cell)
{
	const struct coverage *coverage = out->coverage;
	const struct measures *measures = &coverage->registry->measures;
	if (cell->value == BAOPHU_ABSENT)
		return;
	for (unsigned i = 0; i < sizeof soft_rules / sizeof *soft_rules; i++) {
		uint16_t greater = strcmp(row->measure, soft_rules[i].lesser) ? 0 : measures_find(measures, soft_rules[i].greater);
		const struct cell *other = greater ? cell_find(coverage, out->unit, greater) : NULL;
		if (other && other->value != BAOPHU_ABSENT && other->basis != BAOPHU_BASIS_PARTIAL && cell->value > other->value)
			row_flag(row, soft_rules[i].flag);
	}
	bool is_flow = measure_of(coverage, cell->measure)->kind == BAOPHU_FLOW;
	bool is_complete = cell->expected && cell->reported == cell->expected && cell->basis != BAOPHU_BASIS_PARTS;
	if (is_complete && cell->whole != BAOPHU_ABSENT && cell->sum != BAOPHU_ABSENT && cell->whole != cell->sum &&
	    (is_flow || cell->oldest == cell->whole_to))
		row_flag(row, BAOPHU_FLAG_SUM_DIFFERS);
	if (cell->mixed_bounds || (cell->basis != BAOPHU_BASIS_WHOLE && cell->reported && cell->bound > BAOPHU_EXACT))
		row_flag(row, BAOPHU_FLAG_BOUND_SUM);
	if (!measure_of(coverage, cell->measure)->part_count || cell->basis == BAOPHU_BASIS_PARTS)
		return;
	int64_t sum = 0;
	uint32_t parts = 0;
	for (uint16_t part = 1; part <= measures_count(measures); part++) {
		const struct cell *other = measure_of(coverage, part)->parent == cell->measure
					       ? cell_find(coverage, out->unit, part)
					       : NULL;
		if (other && other->value != BAOPHU_ABSENT && other->to == cell->to && other->from == cell->from) {
			sum += other->value;
			parts++;
		}
	}
	if (parts == measure_of(coverage, cell->measure)->part_count && sum != cell->value && cell->basis != BAOPHU_BASIS_PARTIAL)
		row_flag(row, BAOPHU_FLAG_PARTS_DIFFER);
}

/* People who moved in less those who moved out, of one period (design rule 11): inside the unit moves cancel each other. */
static void row_take_moves(const struct rows *out, struct baophu_row *row)
{
	static const char in[] = "chuyenden", gone[] = "chuyendi";
	const struct coverage *coverage = out->coverage;
	const struct measures *measures = &coverage->registry->measures;
	if (row->value == BAOPHU_ABSENT || (strcmp(row->measure, in) != 0 && strcmp(row->measure, gone) != 0))
		return;
	struct period period = { row->from, row->to };
	struct cell moved_in, moved_out;
	uint16_t arrivals = measures_find(measures, in), departures = measures_find(measures, gone);
	if (arrivals && departures && figure_of(coverage, out->unit, arrivals, true, period, 0, &moved_in) &&
	    figure_of(coverage, out->unit, departures, true, period, 0, &moved_out))
		row->moved_net = moved_in.value - moved_out.value;
}

static enum baophu_plan_state plan_state_of(const struct plan_cell *plan, baophu_date date)
{
	if (plan->to < date)
		return plan->is_own ? BAOPHU_PLAN_ENDED : BAOPHU_PLAN_SUMMED_ENDED;
	return plan->is_own ? BAOPHU_PLAN_OWN : BAOPHU_PLAN_SUMMED;
}

/* Rule 7: a plan is listed when its period contains the date asked for or the value's; one that is asked for, always. */
static bool plan_is_listed(const struct coverage *coverage, const struct plan_cell *plan, baophu_date value_date)
{
	if (coverage->axes.plan)
		return plan->plan == coverage->axes.plan;
	baophu_date date = coverage->axes.date;
	return (plan->from <= date && date <= plan->to) ||
	       (value_date != BAOPHU_DATE_NONE && plan->from <= value_date && value_date <= plan->to);
}

static void row_take_plan(struct baophu_row *row, const struct coverage *coverage, const struct plan_cell *plan)
{
	const char *code = plans_code(&coverage->registry->plans, plan->plan);
	memcpy(row->plan, code, strnlen(code, BAOPHU_CODE_BYTES_MAX));
	row->plan_state = plan_state_of(plan, coverage->axes.date);
	row->target = plan->value;
	row->decimals = plan->decimals;
	row->origin = weaker((uint8_t)row->origin, plan->origin);
}

static void add_plan_row(struct rows *out, const struct measure *what, const struct cell *cell, const struct plan_cell *plan)
{
	const struct coverage *coverage = out->coverage;
	struct cell in_period;
	if (plan->kind == BAOPHU_PLAN_FLOW) /* the amount of the plan's own period, not of the row above */
		cell = coverage_plan_figure(coverage, out->unit, plan->target, plan->kind, plan->from, plan->to, &in_period);
	struct baophu_row *row = row_add(out, BAOPHU_ROW_PLAN, what->code);
	if (!row)
		return;
	int64_t value = BAOPHU_ABSENT;
	if (cell && cell->value != BAOPHU_ABSENT) {
		row_take_cell(row, cell);
		value = cell->value;
	}
	row_take_plan(row, coverage, plan);
	memcpy(row->denominator_measure, "plan", sizeof "plan");
	row->numerator = value;
	row->denominator = plan->value;
	row->state = baophu_attainment(value, plan->value);
	if (value == BAOPHU_ABSENT)
		return;
	row->remaining = plan->value - value;
	if (row->basis == BAOPHU_BASIS_PARTIAL || (!plan->is_own && plan->reported < plan->expected))
		row->state = BAOPHU_STATE_PARTIAL; /* a ratio of sums over different units (rule 5) */
}

static void add_measure_rows(struct rows *out, uint16_t measure)
{
	const struct coverage *coverage = out->coverage;
	const struct measure *what = measure_of(coverage, measure);
	const struct cell *cell = cell_find(coverage, out->unit, measure);
	const struct unit_plans *plans = &coverage->plans[out->unit];
	uint32_t asked = coverage->axes.plan;
	if (!is_wanted(out, what->code))
		return;
	bool has_plan = false;
	for (unsigned i = 0; i < plans->count && !has_plan; i++)
		has_plan = plans->cells[i].target == measure && plans->cells[i].kind != BAOPHU_PLAN_RATE &&
			   plan_is_listed(coverage, &plans->cells[i], cell ? cell->to : BAOPHU_DATE_NONE);
	bool is_asked = asked && !has_plan && coverage->is_target[false][measure];
	if (asked && !has_plan && !is_asked)
		return;
	bool has_figure = cell && (cell->value != BAOPHU_ABSENT || cell->state == BAOPHU_STATE_WITHDRAWN);
	struct liveness_count live = { 0 };
	if (coverage->liveness)
		live = liveness_count(coverage->liveness, out->unit, measure);
	if (!has_figure && !has_plan && !is_asked && !live.declared && !out->wanted_count)
		return;
	struct baophu_row *row = row_add(out, what->kind == BAOPHU_FLOW ? BAOPHU_ROW_FLOW : BAOPHU_ROW_STOCK, what->code);
	if (!row)
		return;
	row->state = BAOPHU_STATE_NO_REPORT;
	row->expected = coverage->tree->children[out->unit];
	row->fresh = live.fresh;
	row->declared = live.declared;
	if (cell) {
		row_take_cell(row, cell);
		row->whole = cell->whole;
		row->whole_to = cell->whole_to;
		row->sum = cell->sum;
		row->own = cell->own;
		if (cell->whole != BAOPHU_ABSENT && cell->sum != BAOPHU_ABSENT)
			row->gap = cell->whole - cell->sum;
		if (cell->value != BAOPHU_ABSENT)
			row->estimated = cell->estimated;
		flag_figures(out, row, cell);
		row_take_moves(out, row);
	}
	for (unsigned i = 0; i < plans->count; i++)
		if (plans->cells[i].target == measure && plans->cells[i].kind != BAOPHU_PLAN_RATE &&
		    plan_is_listed(coverage, &plans->cells[i], cell ? cell->to : BAOPHU_DATE_NONE))
			add_plan_row(out, what, cell, &plans->cells[i]);
	if (!is_asked || !(row = row_add(out, BAOPHU_ROW_PLAN, what->code)))
		return;
	if (cell)
		row_take_cell(row, cell);
	const char *code = plans_code(&coverage->registry->plans, asked);
	memcpy(row->plan, code, strnlen(code, BAOPHU_CODE_BYTES_MAX));
	row->state = BAOPHU_STATE_NO_PLAN;
}

static int64_t power_of_ten(unsigned exponent)
{
	int64_t power = 1;
	while (exponent--)
		power *= 10;
	return power;
}

/* Rate target: the ratio against digits / 10^decimals percent, exactly; and how many are missing to reach it. */
static void row_judge_rate(struct baophu_row *row)
{
	__int128 reached = (__int128)row->numerator * 100 * power_of_ten(row->decimals);
	__int128 wanted = (__int128)row->denominator * row->target;
	__int128 missing = (wanted + 100 * power_of_ten(row->decimals) - 1) / (100 * power_of_ten(row->decimals)) - row->numerator;
	row->remaining = (int64_t)missing;
	row->state = reached >= wanted       ? BAOPHU_STATE_MET
		     : 2 * reached >= wanted ? BAOPHU_STATE_HALF
		     : reached > 0           ? BAOPHU_STATE_UNDER_HALF
					     : BAOPHU_STATE_ZERO;
}

static void add_share_rows(struct rows *out, uint16_t number)
{
	const struct coverage *coverage = out->coverage;
	const struct indicator *indicator = measures_indicator(&coverage->registry->measures, number);
	const struct cell *above = cell_find(coverage, out->unit, indicator->numerator);
	const struct cell *below = cell_find(coverage, out->unit, indicator->denominator);
	const struct unit_plans *plans = &coverage->plans[out->unit];
	bool has_above = above && above->value != BAOPHU_ABSENT, has_below = below && below->value != BAOPHU_ABSENT;
	baophu_date date = has_above ? above->to : BAOPHU_DATE_NONE;
	uint32_t asked = coverage->axes.plan;
	if (!is_wanted(out, indicator->code))
		return;
	bool has_plan = false;
	for (unsigned i = 0; i < plans->count && !has_plan; i++)
		has_plan = plans->cells[i].kind == BAOPHU_PLAN_RATE && plans->cells[i].target == number &&
			   plan_is_listed(coverage, &plans->cells[i], date);
	if (asked ? !has_plan && !coverage->is_target[true][number] : !has_plan && !(has_above && has_below) && !out->wanted_count)
		return;
	struct baophu_row *row = row_add(out, BAOPHU_ROW_SHARE, indicator->code);
	if (!row)
		return;
	if (has_above) {
		row_take_cell(row, above);
		row->value = BAOPHU_ABSENT;
		row->numerator = above->value;
	}
	const char *denominator = measure_of(coverage, indicator->denominator)->code;
	memcpy(row->denominator_measure, denominator, strlen(denominator));
	if (has_below) {
		row->denominator = below->value;
		row->status = weaker((uint8_t)row->status, below->status);
		row->origin = weaker((uint8_t)row->origin, below->origin);
		if (has_above && below->oldest < row->oldest)
			row->oldest = below->oldest;
	}
	row->state = !has_below || below->value <= 0                                                ? BAOPHU_STATE_NO_DENOMINATOR
		     : !has_above                                                                   ? BAOPHU_STATE_NO_REPORT
		     : above->basis == BAOPHU_BASIS_PARTIAL || below->basis == BAOPHU_BASIS_PARTIAL ? BAOPHU_STATE_PARTIAL
												    : BAOPHU_STATE_COMPUTED;
	struct baophu_row share = *row;
	for (unsigned i = 0; i < plans->count; i++) {
		const struct plan_cell *plan = &plans->cells[i];
		if (plan->kind != BAOPHU_PLAN_RATE || plan->target != number || !plan_is_listed(coverage, plan, date) ||
		    !(row = row_add(out, BAOPHU_ROW_PLAN, indicator->code)))
			continue;
		*row = share;
		row->kind = BAOPHU_ROW_PLAN;
		row_take_plan(row, coverage, plan);
		if (share.state == BAOPHU_STATE_COMPUTED)
			row_judge_rate(row);
	}
}

/* ---- published rates (rule 9 and the soft rules over them) ---- */

/* The unit's figure of exactly this date: its own report, else the computed one when it is of that date. */
static int64_t figure_at(const struct coverage *coverage, uint32_t unit, uint16_t measure, baophu_date from, baophu_date to)
{
	bool is_flow = measure_of(coverage, measure)->kind == BAOPHU_FLOW;
	struct slot slot = { .unit = unit, .measure = measure, .extent = BAOPHU_WHOLE, .from = is_flow ? from : to, .to = to };
	const struct fact *fact = facts_slot(coverage->facts, &slot);
	if (fact && fact_stands(fact))
		return fact_value(fact);
	const struct cell *cell = cell_find(coverage, unit, measure);
	return cell && cell->to == to && (!is_flow || cell->from == from) && cell->basis != BAOPHU_BASIS_PARTIAL ? cell->value
														 : BAOPHU_ABSENT;
}

/* What a published rate would be divided by, as we know it on its date. */
static int64_t denominator_at(const struct coverage *coverage, uint32_t unit, const struct entry_rate *rate)
{
	if (rate->denominator == BAOPHU_OVER_PLAN && rate->over_plan) {
		const struct plan_cell *plan = plan_find(coverage, unit, rate->over_plan, false, rate->measure);
		return plan ? plan->value : BAOPHU_ABSENT;
	}
	if (rate->denominator != BAOPHU_OVER_MEASURE)
		return BAOPHU_ABSENT;
	const struct fact *fact = facts_latest(facts_series(coverage->facts, unit, rate->over_measure, BAOPHU_WHOLE), rate->to,
					       NULL);
	return fact ? fact_value(fact) : figure_at(coverage, unit, rate->over_measure, rate->from, rate->to);
}

static int64_t digits_at(const struct entry_rate *rate, unsigned decimals)
{
	if (rate->decimals <= decimals)
		return rate->digits * power_of_ten(decimals - rate->decimals);
	int64_t unit = power_of_ten(rate->decimals - decimals);
	return (rate->digits + unit / 2) / unit;
}

/* Two printed rates of one measure and date, one without a stated denominator, that are near each other yet not the same: most likely
 * one ratio printed twice. Within a quarter counts as near; what lies further apart plainly has another denominator. */
static bool rates_contradict(const struct entry_rate *a, const struct entry_rate *b)
{
	if (a->measure != b->measure || a->to != b->to || a->from != b->from ||
	    (a->denominator == BAOPHU_OVER_UNSTATED) == (b->denominator == BAOPHU_OVER_UNSTATED))
		return false;
	unsigned coarse = a->decimals < b->decimals ? a->decimals : b->decimals;
	if (digits_at(a, coarse) == digits_at(b, coarse))
		return false;
	int64_t x = digits_at(a, BAOPHU_RATE_DECIMALS_MAX), y = digits_at(b, BAOPHU_RATE_DECIMALS_MAX);
	int64_t greater = x > y ? x : y, lesser = x > y ? y : x;
	return greater - lesser <= greater / 4;
}

static const struct entry_rate *rate_of(const struct rate *const *rates, uint32_t count, uint16_t measure,
					const struct entry_rate *like)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct entry_rate *rate = &rates[i]->said;
		if (rate->measure == measure && rate->to == like->to && rate->denominator == like->denominator &&
		    rate->over_measure == like->over_measure && rate->over_plan == like->over_plan)
			return rate;
	}
	return NULL;
}

/* BHTN is a part of compulsory insurance; over one denominator its share cannot be above BHXH less the voluntary. */
static bool bhtn_is_above(const struct coverage *coverage, const struct rate *const *rates, uint32_t count,
			  const struct entry_rate *rate)
{
	const struct measures *measures = &coverage->registry->measures;
	if (rate->denominator != BAOPHU_OVER_MEASURE || rate->measure != measures_find(measures, "bhtn"))
		return false;
	unsigned decimals = BAOPHU_RATE_DECIMALS_MAX;
	const struct entry_rate *compulsory = rate_of(rates, count, measures_find(measures, "bhxh_bb"), rate);
	if (compulsory)
		return digits_at(rate, decimals) > digits_at(compulsory, decimals);
	const struct entry_rate *all = rate_of(rates, count, measures_find(measures, "bhxh"), rate);
	const struct entry_rate *voluntary = rate_of(rates, count, measures_find(measures, "bhxh_tn"), rate);
	return all && voluntary && digits_at(rate, decimals) > digits_at(all, decimals) - digits_at(voluntary, decimals);
}

static void add_published_row(struct rows *out, const struct rate *const *rates, uint32_t count, const struct entry_rate *rate)
{
	const struct coverage *coverage = out->coverage;
	const char *code = measure_of(coverage, rate->measure)->code;
	struct baophu_row *row = is_wanted(out, code) ? row_add(out, BAOPHU_ROW_PUBLISHED, code) : NULL;
	if (!row)
		return;
	row->from = rate->from;
	row->to = rate->to;
	row->value = rate->digits;
	row->decimals = rate->decimals;
	row->status = rate->status;
	row->bound = rate->bound;
	row->origin = BAOPHU_PUBLISHED;
	if (rate->denominator == BAOPHU_OVER_PLAN) {
		memcpy(row->denominator_measure, "plan", sizeof "plan");
		if (rate->over_plan)
			memcpy(row->plan, plans_code(&coverage->registry->plans, rate->over_plan), BAOPHU_CODE_BYTES_MAX);
	} else if (rate->denominator == BAOPHU_OVER_MEASURE) {
		memcpy(row->denominator_measure, measure_of(coverage, rate->over_measure)->code, BAOPHU_CODE_BYTES_MAX);
	}
	row->state = BAOPHU_STATE_NOT_COMPARABLE;
	int64_t numerator = figure_at(coverage, out->unit, rate->measure, rate->from, rate->to);
	int64_t denominator = denominator_at(coverage, out->unit, rate);
	if (numerator != BAOPHU_ABSENT && denominator != BAOPHU_ABSENT && denominator > 0) {
		row->numerator = numerator;
		row->denominator = denominator;
		row->state = baophu_percent(numerator, denominator, rate->decimals) == rate->digits ? BAOPHU_STATE_AGREES
			     : baophu_percent_truncated(numerator, denominator, rate->decimals) == rate->digits
				 ? BAOPHU_STATE_AGREES_TRUNCATED
				 : BAOPHU_STATE_DIFFERS;
		if (row->state == BAOPHU_STATE_DIFFERS && rate->denominator == BAOPHU_OVER_PLAN)
			row_flag(row, BAOPHU_FLAG_TRIPLE_DIFFERS);
	}
	for (uint32_t i = 0; i < count; i++)
		if (rates_contradict(rate, &rates[i]->said))
			row_flag(row, BAOPHU_FLAG_RATES_DIFFER);
	if (bhtn_is_above(coverage, rates, count, rate))
		row_flag(row, BAOPHU_FLAG_BHTN_ABOVE_BB);
}

enum { STANDING_RATES_MAX = 256 };

static int by_measure(const void *a, const void *b)
{
	const struct rate *x = *(const struct rate *const *)a, *y = *(const struct rate *const *)b;
	if (x->said.measure != y->said.measure)
		return x->said.measure < y->said.measure ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

uint32_t coverage_rows(const struct coverage *coverage, uint32_t unit, const char *const *measures, uint32_t measure_count,
		       struct baophu_row *rows, uint32_t size, bool *ret_truncated)
{
	struct rows out = {
		.coverage = coverage, .unit = unit, .wanted = measures, .wanted_count = measure_count, .rows = rows, .size = size
	};
	if (tree_has(coverage->tree, unit)) {
		const struct measures *all = &coverage->registry->measures;
		for (uint16_t measure = 1; measure <= measures_count(all); measure++)
			if (measure_of(coverage, measure)->id <= coverage->axes.known_id)
				add_measure_rows(&out, measure);
		for (uint16_t indicator = 1; indicator <= measures_indicator_count(all); indicator++)
			if (measures_indicator(all, indicator)->id <= coverage->axes.known_id)
				add_share_rows(&out, indicator);
		const struct rate *rates[STANDING_RATES_MAX];
		uint32_t count = rates_standing(coverage->rates, unit, coverage->axes.date, rates, STANDING_RATES_MAX);
		qsort(rates, count, sizeof *rates, by_measure);
		for (uint32_t i = 0; i < count; i++)
			if (!coverage->axes.plan || rates[i]->said.over_plan == coverage->axes.plan)
				add_published_row(&out, rates, count, &rates[i]->said);
	}
	if (ret_truncated)
		*ret_truncated = out.truncated;
	return out.count;
}
