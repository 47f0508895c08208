/* Events against a naive model, record by record: the model computes the whole coverage from nothing after each record, asks its rows what
 * every target stands at, and knows no cells, marks, tracks or bits. Then the same log folded again, grouped otherwise, must make the same. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <baophu/ratio.h>

#include "world.h"

enum { RECORDS = 260, ROUNDS = 12, SIDES_MAX = 4000 };

/* ---- the model ---- */

struct model_side {
	uint32_t unit, plan;
	uint16_t target;
	bool is_rate;
	uint32_t digits;
	uint8_t decimals;
	bool is_above;
	uint32_t today;
	struct event last;
};
struct model {
	const struct state *state;
	struct model_side sides[SIDES_MAX];
	uint32_t side_count;
	uint64_t delivered[WORLD_UNITS + 1];
	struct event events[WORLD_EVENTS_MAX];
	uint32_t count;
	baophu_date day;
	/* What begins with the record: a target that did not stand, a line that it sets, a period that a day is the first in of. */
	bool stands[WORLD_UNITS + 1][WORLD_PLANS + 1][WORLD_FLOW + 1][2];
	bool begins[WORLD_UNITS + 1][WORLD_PLANS + 1][WORLD_FLOW + 1][2];
	struct entry_threshold set[16];
	uint32_t set_count;
	baophu_date ended;
};

static bool model_begins(const struct model *model, const struct plan_target *target, const struct line *line)
{
	bool is_rate = target->kind == BAOPHU_PLAN_RATE;
	if (model->begins[target->unit][target->plan][target->target][is_rate] ||
	    (model->ended && model->ended < target->from && target->from <= model->day))
		return true;
	for (uint32_t i = 0; i < model->set_count; i++) {
		const struct entry_threshold *set = &model->set[i];
		if (!set->removed && (!set->plan || set->plan == target->plan) && set->digits == line->digits &&
		    set->decimals == line->decimals)
			return true;
	}
	return false;
}

static void model_take(struct model *model, const struct entry *entry)
{
	if (entry->kind == ENTRY_THRESHOLD)
		model->set[model->set_count++] = entry->threshold;
	if (entry->kind != ENTRY_PLAN)
		return;
	bool is_rate = entry->plan.kind == BAOPHU_PLAN_RATE;
	bool *stands = &model->stands[entry->plan.unit][entry->plan.plan][entry->plan.target][is_rate];
	if (!*stands)
		model->begins[entry->plan.unit][entry->plan.plan][entry->plan.target][is_rate] = true;
	*stands = !entry->plan.removed;
}

static struct model_side *model_side(struct model *model, const struct event *like)
{
	for (uint32_t i = 0; i < model->side_count; i++) {
		struct model_side *side = &model->sides[i];
		if (side->unit == like->unit && side->plan == like->plan && side->target == like->target &&
		    side->is_rate == like->is_rate && side->digits == like->line_digits && side->decimals == like->line_decimals)
			return side;
	}
	cr_assert_lt(model->side_count, SIDES_MAX);
	struct model_side *side = &model->sides[model->side_count++];
	*side = (struct model_side){ .unit = like->unit,
				     .plan = like->plan,
				     .target = like->target,
				     .is_rate = like->is_rate,
				     .digits = like->line_digits,
				     .decimals = like->line_decimals };
	return side;
}

static int64_t ten(unsigned power) { return power ? 10 * ten(power - 1) : 1; }

/* In order of what is crossed; summaries of a day that is over before everything else. */
static int in_order(const void *a, const void *b)
{
	const struct event *x = a, *y = b;
	int64_t p[] = { !x->count, x->unit, x->plan, x->is_rate, x->target, x->line_digits * ten(4u - x->line_decimals) };
	int64_t q[] = { !y->count, y->unit, y->plan, y->is_rate, y->target, y->line_digits * ten(4u - y->line_decimals) };
	for (int i = 0; i < 6; i++)
		if (p[i] != q[i])
			return p[i] < q[i] ? -1 : 1;
	return 0;
}

static bool speaks_of(const struct registry *registry, const struct slot *slot, const struct tree *tree, uint32_t unit,
		      uint16_t measure)
{
	uint16_t of = slot->measure;
	while (of && of != measure)
		of = measures_get(&registry->measures, of)->parent;
	return of && tree_has(tree, slot->unit) && tree_is_below(tree, slot->unit, unit);
}

static uint32_t model_cause(const struct registry *registry, const struct tree *tree, const struct event *event,
			    const struct scene_record *record)
{
	struct record_header header;
	struct record_cursor cursor;
	struct entry entry;
	int figure = -1, plan = -1, other = -1;
	const struct indicator *indicator = event->is_rate ? measures_indicator(&registry->measures, event->target) : NULL;
	cr_assert_eq(record_open(record->bytes, record->size, &header, &cursor), 0);
	for (int i = 0; record_next(&cursor, &entry) == 1; i++) {
		if (entry.kind == ENTRY_FACT || entry.kind == ENTRY_WITHDRAWAL) {
			const struct slot *slot = entry.kind == ENTRY_FACT ? &entry.fact.slot : &entry.withdrawal.slot;
			if (indicator ? speaks_of(registry, slot, tree, event->unit, indicator->numerator) ||
					    speaks_of(registry, slot, tree, event->unit, indicator->denominator)
				      : speaks_of(registry, slot, tree, event->unit, event->target))
				figure = i;
		} else if (entry.kind == ENTRY_PLAN) {
			if (entry.plan.unit == event->unit && entry.plan.plan == event->plan &&
			    entry.plan.target == event->target && (entry.plan.kind == BAOPHU_PLAN_RATE) == event->is_rate)
				plan = i;
		} else {
			other = i;
		}
	}
	return (uint32_t)(figure >= 0 ? figure : plan >= 0 ? plan : other >= 0 ? other : 0);
}

/* One target against one line: above, below, or not to be judged (-1). By other sums than the product's. */
static int model_judge(const struct plan_target *target, const struct baophu_row *row, baophu_date day, const struct line *line)
{
	bool is_inside = (target->from <= day && day <= target->to) ||
			 (row->to != BAOPHU_DATE_NONE && target->from <= row->to && row->to <= target->to);
	if (target->kind == BAOPHU_PLAN_FLOW ? day < target->from : !is_inside)
		return -1;
	if (row->state == BAOPHU_STATE_PARTIAL || row->state == BAOPHU_STATE_NO_DENOMINATOR || target->value <= 0)
		return -1;
	if (row->numerator == BAOPHU_ABSENT)
		return 0;
	if (!line->digits)
		return row->numerator > 0;
	if (target->kind == BAOPHU_PLAN_RATE)
		return baophu_ratio_compare(row->numerator * 100 * ten(target->decimals), row->denominator * target->value,
					    line->digits, 100 * ten(line->decimals)) >= 0;
	return baophu_ratio_compare(row->numerator, target->value, line->digits, 100 * ten(line->decimals)) >= 0;
}

static void model_record(void *context, const struct scene_record *record)
{
	struct model *model = context;
	const struct state *state = model->state;
	const struct registry *registry = &state->registry;
	struct record_header header;
	struct record_cursor cursor;
	struct entry entry;
	uint32_t first = model->count;
	cr_assert_eq(record_open(record->bytes, record->size, &header, &cursor), 0);
	memset(model->begins, 0, sizeof model->begins);
	model->set_count = 0;
	model->ended = 0;
	for (uint32_t index = 0; record_next(&cursor, &entry) == 1; index++) {
		model_take(model, &entry);
		if (entry.kind != ENTRY_DAY || entry.day.day == model->day)
			continue;
		for (uint32_t i = 0; i < model->side_count; i++) {
			struct model_side *side = &model->sides[i];
			if (side->today > 2) {
				struct event *event = &model->events[model->count++];
				*event = side->last;
				event->is_mark = false;
				event->day = model->day;
				event->cause = index;
				event->count = side->today;
				event->nth = 0;
			}
			side->today = 0;
		}
		model->ended = model->day;
		model->day = entry.day.day;
	}

	struct tree tree;
	cr_assert_eq(tree_build(&tree, &registry->units, registry->day, UINT64_MAX), 0);
	for (uint32_t plan = 1; plan <= plans_code_count(&registry->plans); plan++) {
		static struct baophu_row rows[COVERAGE_ROWS_MAX];
		struct coverage coverage;
		struct axes axes = { registry->day, BAOPHU_DATE_NONE, BAOPHU_DATE_NONE, UINT64_MAX, plan };
		coverage_init(&coverage, registry, &tree, &state->facts, &registry->rates, &axes);
		coverage_mark_all(&coverage);
		cr_assert_eq(coverage_settle(&coverage), 0);
		for (uint32_t unit = 1; unit < tree.count; unit++) {
			uint32_t count = tree_has(&tree, unit)
					     ? coverage_rows(&coverage, unit, NULL, 0, rows, COVERAGE_ROWS_MAX, NULL)
					     : 0;
			for (uint32_t i = 0; i < count; i++) {
				uint16_t measure = measures_find(&registry->measures, rows[i].measure);
				uint16_t of = measure ? measure : measures_find_indicator(&registry->measures, rows[i].measure);
				const struct plan_target *target = rows[i].kind == BAOPHU_ROW_PLAN
								       ? plans_target(&registry->plans, plan, unit, !measure, of,
										      UINT64_MAX)
								       : NULL;
				for (size_t l = 0; target && l < registry->lines.all.count; l++) {
					const struct line *line = vec_at(&registry->lines.all, struct line, l);
					struct event event = { .unit = unit,
							       .plan = plan,
							       .target = of,
							       .is_rate = !measure,
							       .decimals = target->decimals,
							       .line_digits = line->digits,
							       .line_decimals = line->decimals,
							       .numerator = rows[i].numerator,
							       .denominator = rows[i].denominator,
							       .goal = target->value,
							       .day = registry->day };
					if (line->removed || (line->plan && line->plan != plan))
						continue;
					int is_above = model_judge(target, &rows[i], registry->day, line);
					struct model_side *side = model_side(model, &event);
					if (is_above < 0 || is_above == side->is_above)
						continue;
					side->is_above = is_above;
					event.direction = is_above ? BAOPHU_UP : BAOPHU_DOWN;
					event.is_mark = model_begins(model, target, line);
					event.nth = event.is_mark ? side->today : ++side->today;
					event.cause = model_cause(registry, &tree, &event, record);
					model->events[model->count++] = side->last = event;
				}
			}
		}
		coverage_finish(&coverage);
	}
	tree_finish(&tree);
	cr_assert_lt(model->count, WORLD_EVENTS_MAX - 4000);
	qsort(model->events + first, model->count - first, sizeof *model->events, in_order);
	for (uint32_t i = first; i < model->count; i++) {
		struct event *event = &model->events[i];
		event->seq = header.place.seq;
		event->time_ms = header.time_ms;
		event->index = i - first;
		model->delivered[event->unit] += !event->is_mark && (event->count || event->nth < 3);
		event->unit_events = model->delivered[event->unit];
	}
}

Test(events, are_those_of_the_naive_model_however_records_are_grouped, .timeout = 120)
{
	uint64_t base = (uint64_t)time(NULL) * 2654435761u | 1;
	uint32_t counted = 0, kept = 0, marks = 0, all = 0, down = 0, rates = 0, flows = 0;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct world *world = calloc(1, sizeof *world);
		struct model *model = calloc(1, sizeof *model);
		uint64_t seed = base + round * 7919;
		model->state = &world->scene.state;
		world->folded = model_record;
		world->context = model;
		model->day = day(20231215);
		world_begin(world, seed);
		for (uint32_t i = 0; i < RECORDS; i++) {
			world_record(world);
			if (!scene_random(&world->seed, 5))
				cr_assert_eq(fold_settle(&world->scene.state), 0);
			world_expect_same(world->made, world->made_count, model->events, model->count, "live against the model",
					  seed);
		}
		for (uint32_t i = 0; i < world->made_count; i++) {
			const struct event *event = &world->made[i];
			counted += event->count > 0;
			kept += !event_is_delivered(event) && !event->is_mark;
			marks += event->is_mark;
			down += event->direction == BAOPHU_DOWN;
			rates += event->is_rate;
			flows += !event->is_rate && event->target == WORLD_FLOW;
		}
		all += world->made_count;
		for (uint32_t batch = 0; batch < 8; batch += 3) {
			struct state again;
			scene_fold_again(&world->scene, &again, batch);
			world_expect_same(world->made, world->made_count, again.events.made.data, again.events.made.count,
					  "folded again", seed);
			fold_finish(&again);
		}
		world_finish(world);
		free(model);
		free(world);
	}
	cr_assert(all > 300 && counted && kept && marks > 50 && down > 50 && rates > 20 && flows > 5,
		  "the worlds are too quiet: %u events, %u counts, %u kept, %u marks, %u down, %u rates, %u flows", all, counted,
		  kept, marks, down, rates, flows);
}
