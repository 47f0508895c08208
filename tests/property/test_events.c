/* Events against a naive model, record by record: the model computes the whole coverage from nothing after each record, asks its rows what
 * every target stands at, and knows no cells, marks, tracks or bits. Then the same log folded again, grouped otherwise, must make the same. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <baophu/ratio.h>

#include "scene.h"

enum { UNITS = 14, RECORDS = 260, ROUNDS = 12, EVENTS_MAX = 60000, SAID_MAX = 4000, SIDES_MAX = 4000, CODES = 4 };
enum { ALL = 1, PART, REST, STOCK, FLOW, FLOW_PART, FLOW_REST, MEASURES = FLOW_REST };

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
	struct model_side sides[SIDES_MAX];
	uint32_t side_count;
	uint64_t delivered[UNITS * 4];
	struct event events[EVENTS_MAX];
	uint32_t count;
	baophu_date day;
};

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

static void model_record(struct model *model, const struct state *state, const struct scene_record *record)
{
	const struct registry *registry = &state->registry;
	struct record_header header;
	struct record_cursor cursor;
	struct entry entry;
	uint32_t first = model->count;
	cr_assert_eq(record_open(record->bytes, record->size, &header, &cursor), 0);
	for (uint32_t index = 0; record_next(&cursor, &entry) == 1; index++) {
		if (entry.kind != ENTRY_DAY || entry.day.day == model->day)
			continue;
		for (uint32_t i = 0; i < model->side_count; i++) {
			struct model_side *side = &model->sides[i];
			if (side->today > 2) {
				struct event *event = &model->events[model->count++];
				*event = side->last;
				event->day = model->day;
				event->cause = index;
				event->count = side->today;
				event->nth = 0;
			}
			side->today = 0;
		}
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
					event.nth = ++side->today;
					event.cause = model_cause(registry, &tree, &event, record);
					model->events[model->count++] = side->last = event;
				}
			}
		}
		coverage_finish(&coverage);
	}
	tree_finish(&tree);
	cr_assert_lt(model->count, EVENTS_MAX - 4000);
	qsort(model->events + first, model->count - first, sizeof *model->events, in_order);
	for (uint32_t i = first; i < model->count; i++) {
		struct event *event = &model->events[i];
		event->seq = header.place.seq;
		event->time_ms = header.time_ms;
		event->index = i - first;
		model->delivered[event->unit] += event->count || event->nth < 3;
		event->unit_events = model->delivered[event->unit];
	}
}

/* ---- what happens ---- */

struct world {
	struct scene scene;
	struct model *model;
	uint64_t seed;
	struct said {
		struct slot slot;
		struct fact_version version;
	} said[SAID_MAX];
	uint32_t said_count;
	struct model_line {
		uint32_t plan, digits;
		uint8_t decimals, number;
	} lines[8];
	uint32_t line_numbers;
	uint8_t is_standing[8];
	struct event *made;
	uint32_t made_count;
};

static uint32_t roll(struct world *world, uint32_t sides) { return scene_random(&world->seed, sides); }

static void take_made(struct world *world, const struct state *state)
{
	const struct vec *made = &state->events.made;
	cr_assert_lt(world->made_count + made->count, EVENTS_MAX);
	if (made->count)
		memcpy(world->made + world->made_count, made->data, made->count * sizeof *world->made);
	world->made_count += (uint32_t)made->count;
}

static void end_record(struct world *world, enum record_kind kind)
{
	struct scene *scene = &world->scene;
	scene->header.time_ms = 1714000000000 + (int64_t)roll(world, 1000);
	scene_end(scene, kind, 0, 0, 0);
	take_made(world, &scene->state);
	scene->state.events.made.count = 0;
	model_record(world->model, &scene->state, vec_at(&scene->records, struct scene_record, scene->records.count - 1));
}

static baophu_date a_day(struct world *world) { return day(20231101) + (baophu_date)roll(world, 260); }

static void add_fact(struct world *world, uint32_t index)
{
	static const uint16_t measures[] = { ALL, PART, PART, REST, STOCK, STOCK, FLOW, FLOW, FLOW_PART, FLOW_REST };
	struct said *said = &world->said[world->said_count++];
	uint8_t status = (uint8_t)(1 + roll(world, 3));
	cr_assert_lt(world->said_count, SAID_MAX);
	said->slot = (struct slot){ .unit = 1 + roll(world, UNITS),
				    .measure = measures[roll(world, 10)],
				    .extent = roll(world, 5) ? BAOPHU_WHOLE : BAOPHU_OWN,
				    .to = a_day(world) };
	said->slot.from = said->slot.measure >= FLOW ? said->slot.to - (baophu_date)roll(world, 3) * 15 : said->slot.to;
	if (roll(world, 3) && said->slot.measure < FLOW) /* most speak of the newest day, so that sums are whole now and then */
		said->slot.from = said->slot.to = world->scene.state.registry.day;
	if (!roll(world, 4)) { /* one that cannot make up its mind */
		said->slot = (struct slot){ UNITS, STOCK, BAOPHU_WHOLE, world->scene.state.registry.day,
					    world->scene.state.registry.day };
		status = BAOPHU_FINAL;
	}
	said->version = (struct fact_version){ .id = entry_id(world->scene.place.seq + 1, index),
					       .figure = { roll(world, 4) ? roll(world, 130) : 0, status, BAOPHU_REPORTED,
							   BAOPHU_EXACT, 0 } };
	scene_add(&world->scene,
		  &(struct entry){ .kind = ENTRY_FACT, .fact = { .slot = said->slot, .figure = said->version.figure } });
}

static bool is_same_slot(const struct slot *a, const struct slot *b)
{
	return a->unit == b->unit && a->measure == b->measure && a->extent == b->extent && a->from == b->from && a->to == b->to;
}

/* Takes back what stands in the slot of some figure; false when nothing does. */
static bool add_withdrawal(struct world *world, uint32_t index)
{
	struct fact_version versions[200];
	int count = 0;
	if (!world->said_count)
		return false;
	struct slot slot = world->said[roll(world, world->said_count)].slot;
	for (uint32_t i = 0; i < world->said_count && count < 199; i++)
		if (is_same_slot(&world->said[i].slot, &slot))
			versions[count++] = world->said[i].version;
	int standing = facts_standing(versions, count);
	if (standing < 0)
		return false;
	struct entry entry = { .kind = ENTRY_WITHDRAWAL, .withdrawal = { .slot = slot, .withdrawn_id = versions[standing].id } };
	struct said *said = &world->said[world->said_count++];
	said->slot = slot;
	said->version = (struct fact_version){ .id = entry_id(world->scene.place.seq + 1, index),
					       .withdrawn_id = versions[standing].id,
					       .figure.value = BAOPHU_ABSENT };
	versions[count++] = said->version;
	int again = facts_standing(versions, count);
	entry.withdrawal.restored.value = BAOPHU_ABSENT;
	if (again >= 0) {
		entry.withdrawal.restored_id = versions[again].id;
		entry.withdrawal.restored = versions[again].figure;
	}
	scene_add(&world->scene, &entry);
	return true;
}

static void add_plan(struct world *world, uint32_t plan)
{
	static const char *const codes[CODES] = { "p1", "p2", "p3", "p4" };
	static const struct {
		uint16_t target;
		uint8_t kind;
	} targets[] = {
		{ STOCK, BAOPHU_PLAN_STOCK }, { ALL, BAOPHU_PLAN_STOCK }, { FLOW, BAOPHU_PLAN_FLOW }, { 1, BAOPHU_PLAN_RATE }
	};
	uint32_t which = roll(world, 4);
	bool removes = !roll(world, 5);
	scene_add(&world->scene, &(struct entry){ .kind = ENTRY_PLAN,
						  .plan = { .plan = plan,
							    .unit = 1 + roll(world, UNITS),
							    .target = targets[which].target,
							    .kind = targets[which].kind,
							    .decimals = which == 3 ? 1 : 0,
							    .origin = BAOPHU_REPORTED,
							    .removed = removes,
							    .from = day(20240101) + 30 * (baophu_date)roll(world, 3),
							    .to = day(20240331) + 30 * (baophu_date)roll(world, 4),
							    .value = removes ? BAOPHU_ABSENT : roll(world, which == 3 ? 1500 : 200),
							    .code = codes[plan - 1],
							    .issuer = "",
							    .document = "" } });
}

static void add_line(struct world *world)
{
	static const struct model_line all[] = { { 0, 0, 0, 0 },  { 0, 50, 0, 1 },  { 0, 100, 0, 2 },
						 { 1, 50, 0, 1 }, { 2, 975, 1, 3 }, { 0, 625, 1, 4 } };
	uint32_t which = roll(world, 6), number = 0;
	struct entry entry = { .kind = ENTRY_THRESHOLD,
			       .threshold = { all[which].plan, all[which].digits, all[which].decimals, 0,
					      world->is_standing[which] } };
	for (number = 0; number < world->line_numbers; number++) /* numbers are given in order of first appearance */
		if (world->lines[number].digits == all[which].digits)
			break;
	if (number == world->line_numbers)
		world->lines[world->line_numbers++] = all[which];
	entry.threshold.line = (uint8_t)number;
	world->is_standing[which] = !world->is_standing[which];
	scene_add(&world->scene, &entry);
}

static void add_move(struct world *world, uint32_t unit, baophu_date from)
{
	char code[8];
	snprintf(code, sizeof code, "u%02u", unit);
	scene_add(&world->scene,
		  &(struct entry){ .kind = ENTRY_UNIT,
				   .unit = { unit, unit < 4 ? unit - 1 : 1 + roll(world, 3), 1, from, code, "moved" } });
}

static void one_record(struct world *world)
{
	struct scene *scene = &world->scene;
	uint32_t what = roll(world, 60), entries = roll(world, 4) ? 1 : 1 + roll(world, 8);
	enum record_kind kind = RECORD_UPDATE;
	scene_begin(scene);
	if (what < 2) {
		kind = RECORD_DAY;
		scene_add(scene, &(struct entry){ .kind = ENTRY_DAY,
						  .day = { scene->state.registry.day + (baophu_date)roll(world, 24) } });
	} else if (what == 4) {
		add_line(world);
	} else if (what == 5) {
		add_move(world, 4 + roll(world, UNITS - 3), a_day(world));
	} else if (what < 14) {
		while (entries--)
			add_plan(world, 1 + roll(world, CODES));
	} else {
		for (uint32_t i = 0; i < entries; i++)
			if (roll(world, 7) || !add_withdrawal(world, i))
				add_fact(world, i);
	}
	if (what < 2 && !roll(world, 3)) /* never so in life, and yet it has an order */
		add_fact(world, 1);
	end_record(world, kind);
}

static void begin(struct world *world)
{
	struct scene *scene = &world->scene;
	scene_init(scene);
	scene_day(scene, day(20231215));
	for (uint32_t unit = 1; unit <= UNITS; unit++) {
		char code[8];
		snprintf(code, sizeof code, "u%02u", unit);
		scene_unit(scene, unit < 4 ? unit - 1 : 1 + roll(world, 3), code, code, BAOPHU_DATE_MIN);
	}
	scene_measure(scene, "all", BAOPHU_STOCK, 0);
	scene_measure(scene, "part", BAOPHU_STOCK, ALL);
	scene_measure(scene, "rest", BAOPHU_STOCK, ALL);
	scene_measure(scene, "stock", BAOPHU_STOCK, 0);
	scene_measure(scene, "flow", BAOPHU_FLOW, 0);
	scene_measure(scene, "flow_part", BAOPHU_FLOW, FLOW);
	scene_measure(scene, "flow_rest", BAOPHU_FLOW, FLOW);
	scene_indicator(scene, "ratio", PART, STOCK);
	world->model->day = scene->state.registry.day;
	for (uint32_t lines = roll(world, 2) ? 4 : 0; lines--;) { /* sometimes before anything can cross them, sometimes after */
		scene_begin(scene);
		add_line(world);
		end_record(world, RECORD_UPDATE);
	}
}

static void expect_same(const struct event *a, uint32_t a_count, const struct event *b, uint32_t b_count, const char *what,
			uint64_t seed)
{
	for (uint32_t i = 0; i < a_count && i < b_count; i++) {
		const struct event *x = &a[i], *y = &b[i];
		bool is_same = x->seq == y->seq && x->index == y->index && x->cause == y->cause && x->unit == y->unit &&
			       x->plan == y->plan && x->target == y->target && x->is_rate == y->is_rate &&
			       x->decimals == y->decimals && x->line_digits == y->line_digits &&
			       x->line_decimals == y->line_decimals && x->direction == y->direction &&
			       x->numerator == y->numerator && x->denominator == y->denominator && x->goal == y->goal &&
			       x->day == y->day && x->time_ms == y->time_ms && x->nth == y->nth && x->count == y->count &&
			       x->unit_events == y->unit_events;
		cr_assert(is_same,
			  "%s, seed %lu, event %u: seq %lu.%u cause %u unit %u plan %u target %u line %u.%u %s %ld/%ld goal %ld "
			  "nth %u count %u "
			  "number %lu, and seq %lu.%u cause %u unit %u plan %u target %u line %u.%u %s %ld/%ld goal %ld nth %u "
			  "count %u number %lu",
			  what, (unsigned long)seed, i, (unsigned long)x->seq, x->index, x->cause, x->unit, x->plan, x->target,
			  x->line_digits, x->line_decimals, x->direction == BAOPHU_UP ? "up" : "down", (long)x->numerator,
			  (long)x->denominator, (long)x->goal, x->nth, x->count, (unsigned long)x->unit_events,
			  (unsigned long)y->seq, y->index, y->cause, y->unit, y->plan, y->target, y->line_digits, y->line_decimals,
			  y->direction == BAOPHU_UP ? "up" : "down", (long)y->numerator, (long)y->denominator, (long)y->goal,
			  y->nth, y->count, (unsigned long)y->unit_events);
	}
	cr_assert_eq(a_count, b_count, "%s, seed %lu: %u events and %u", what, (unsigned long)seed, a_count, b_count);
}

Test(events, are_those_of_the_naive_model_however_records_are_grouped, .timeout = 120)
{
	uint64_t base = (uint64_t)time(NULL) * 2654435761u | 1;
	uint32_t counted = 0, kept = 0, all = 0, down = 0, rates = 0, flows = 0;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct world *world = calloc(1, sizeof *world);
		world->model = calloc(1, sizeof *world->model);
		world->made = calloc(EVENTS_MAX, sizeof *world->made);
		uint64_t seed = world->seed = base + round * 7919;
		begin(world);
		for (uint32_t i = 0; i < RECORDS; i++) {
			one_record(world);
			if (!roll(world, 5))
				cr_assert_eq(fold_settle(&world->scene.state), 0);
			expect_same(world->made, world->made_count, world->model->events, world->model->count,
				    "live against the model", seed);
		}
		for (uint32_t i = 0; i < world->made_count; i++) {
			const struct event *event = &world->made[i];
			counted += event->count > 0;
			kept += !event_is_delivered(event);
			down += event->direction == BAOPHU_DOWN;
			rates += event->is_rate;
			flows += !event->is_rate && event->target == FLOW;
		}
		all += world->made_count;
		for (uint32_t batch = 0; batch < 8; batch += 3) {
			struct state again;
			scene_fold_again(&world->scene, &again, batch);
			expect_same(world->made, world->made_count, again.events.made.data, (uint32_t)again.events.made.count,
				    "folded again", seed);
			fold_finish(&again);
		}
		scene_finish(&world->scene);
		free(world->made);
		free(world->model);
		free(world);
	}
	cr_assert(all > 300 && counted && kept && down > 50 && rates > 20 && flows > 5,
		  "the worlds are too quiet: %u events, %u counts, %u kept, %u down, %u rates, %u flows", all, counted, kept, down,
		  rates, flows);
}
