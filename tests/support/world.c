/* world.c - see world.h. */
#include "world.h"

#include <assert.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t roll(struct world *world, uint32_t sides) { return scene_random(&world->seed, sides); }

static void take_made(struct world *world, const struct state *state)
{
	const struct vec *made = &state->events.made;
	assert(world->made_count + made->count < WORLD_EVENTS_MAX);
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
	if (world->folded)
		world->folded(world->context, vec_at(&scene->records, struct scene_record, scene->records.count - 1));
}

static baophu_date a_day(struct world *world) { return day(20231101) + (baophu_date)roll(world, 260); }

static void add_fact(struct world *world, uint32_t index)
{
	static const uint16_t measures[] = { WORLD_ALL,   WORLD_PART, WORLD_PART, WORLD_REST,      WORLD_STOCK,
					     WORLD_STOCK, WORLD_FLOW, WORLD_FLOW, WORLD_FLOW_PART, WORLD_FLOW_REST };
	struct world_said *said = &world->said[world->said_count++];
	uint8_t status = (uint8_t)(1 + roll(world, 3));
	assert(world->said_count < WORLD_SAID_MAX);
	said->slot = (struct slot){ .unit = 1 + roll(world, WORLD_UNITS),
				    .measure = measures[roll(world, 10)],
				    .extent = roll(world, 5) ? BAOPHU_WHOLE : BAOPHU_OWN,
				    .to = a_day(world) };
	said->slot.from = said->slot.measure >= WORLD_FLOW ? said->slot.to - (baophu_date)roll(world, 3) * 15 : said->slot.to;
	if (roll(world, 3) &&
	    said->slot.measure < WORLD_FLOW) /* most speak of the newest day, so that sums are whole now and then */
		said->slot.from = said->slot.to = world->scene.state.registry.day;
	if (!roll(world, 4)) { /* one that cannot make up its mind */
		said->slot = (struct slot){ WORLD_UNITS, WORLD_STOCK, BAOPHU_WHOLE, world->scene.state.registry.day,
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
	struct world_said *said = &world->said[world->said_count++];
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
	static const char *const codes[WORLD_PLANS] = { "p1", "p2", "p3", "p4" };
	static const struct {
		uint16_t target;
		uint8_t kind;
	} targets[] = { { WORLD_STOCK, BAOPHU_PLAN_STOCK },
			{ WORLD_ALL, BAOPHU_PLAN_STOCK },
			{ WORLD_FLOW, BAOPHU_PLAN_FLOW },
			{ 1, BAOPHU_PLAN_RATE } };
	uint32_t which = roll(world, 4);
	bool removes = !roll(world, 5);
	scene_add(&world->scene, &(struct entry){ .kind = ENTRY_PLAN,
						  .plan = { .plan = plan,
							    .unit = 1 + roll(world, WORLD_UNITS),
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
	static const struct world_line all[] = { { 0, 0, 0, 0 },  { 0, 50, 0, 1 },  { 0, 100, 0, 2 },
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

void world_record(struct world *world)
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
		add_move(world, 4 + roll(world, WORLD_UNITS - 3), a_day(world));
	} else if (what < 14) {
		while (entries--)
			add_plan(world, 1 + roll(world, WORLD_PLANS));
	} else {
		for (uint32_t i = 0; i < entries; i++)
			if (roll(world, 7) || !add_withdrawal(world, i))
				add_fact(world, i);
	}
	if (what < 2 && !roll(world, 3)) /* never so in life, and yet it has an order */
		add_fact(world, 1);
	end_record(world, kind);
}

void world_begin(struct world *world, uint64_t seed)
{
	struct scene *scene = &world->scene;
	world->seed = seed;
	world->made = calloc(WORLD_EVENTS_MAX, sizeof *world->made);
	assert(world->made);
	scene_init(scene);
	scene_day(scene, day(20231215));
	for (uint32_t unit = 1; unit <= WORLD_UNITS; unit++) {
		char code[8];
		snprintf(code, sizeof code, "u%02u", unit);
		scene_unit(scene, unit < 4 ? unit - 1 : 1 + roll(world, 3), code, code, BAOPHU_DATE_MIN);
	}
	scene_measure(scene, "all", BAOPHU_STOCK, 0);
	scene_measure(scene, "part", BAOPHU_STOCK, WORLD_ALL);
	scene_measure(scene, "rest", BAOPHU_STOCK, WORLD_ALL);
	scene_measure(scene, "stock", BAOPHU_STOCK, 0);
	scene_measure(scene, "flow", BAOPHU_FLOW, 0);
	scene_measure(scene, "flow_part", BAOPHU_FLOW, WORLD_FLOW);
	scene_measure(scene, "flow_rest", BAOPHU_FLOW, WORLD_FLOW);
	scene_indicator(scene, "ratio", WORLD_PART, WORLD_STOCK);
	for (uint32_t lines = roll(world, 2) ? 4 : 0; lines--;) { /* sometimes before anything can cross them, sometimes after */
		scene_begin(scene);
		add_line(world);
		end_record(world, RECORD_UPDATE);
	}
}

void world_finish(struct world *world)
{
	scene_finish(&world->scene);
	free(world->made);
}

void world_expect_same(const struct event *a, size_t a_count, const struct event *b, size_t b_count, const char *what,
		       uint64_t seed)
{
	for (size_t i = 0; i < a_count && i < b_count; i++) {
		const struct event *x = &a[i], *y = &b[i];
		bool is_same = x->seq == y->seq && x->index == y->index && x->cause == y->cause && x->unit == y->unit &&
			       x->plan == y->plan && x->target == y->target && x->is_rate == y->is_rate &&
			       x->decimals == y->decimals && x->line_digits == y->line_digits &&
			       x->line_decimals == y->line_decimals && x->direction == y->direction && x->is_mark == y->is_mark &&
			       x->numerator == y->numerator && x->denominator == y->denominator && x->goal == y->goal &&
			       x->day == y->day && x->time_ms == y->time_ms && x->nth == y->nth && x->count == y->count &&
			       x->unit_events == y->unit_events;
		cr_assert(is_same,
			  "%s, seed %lu, event %zu: seq %lu.%u cause %u unit %u plan %u target %u line %u.%u %s %ld/%ld goal %ld "
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
	cr_assert_eq(a_count, b_count, "%s, seed %lu: %zu events and %zu", what, (unsigned long)seed, a_count, b_count);
}
