/* Coverage against a naive model on random trees, and incremental against from scratch.
 * The model below knows nothing of cells, marks or series: it asks a plain list of facts, recursively, as design rules 1 to 3 are worded. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "scene.h"

enum { UNITS = 40, FACTS = 400, ROUNDS = 60 };

struct said {
	uint32_t unit;
	uint16_t measure;
	uint8_t extent, status;
	baophu_date from, to;
	int64_t value;
};
struct model {
	uint32_t parent[UNITS + 1];
	struct said facts[FACTS * 2];
	uint32_t count;
};

/* Rule 3 by looking through everything that was ever said. */
static const struct said *model_slot(const struct model *model, uint32_t unit, uint16_t measure, uint8_t extent, baophu_date from,
				     baophu_date to)
{
	const struct said *best = NULL;
	for (uint32_t i = 0; i < model->count; i++) {
		const struct said *said = &model->facts[i];
		if (said->unit == unit && said->measure == measure && said->extent == extent && said->from == from &&
		    said->to == to && (!best || said->status <= best->status))
			best = said;
	}
	return best;
}

static const struct said *model_latest(const struct model *model, uint32_t unit, uint16_t measure, uint8_t extent, baophu_date date)
{
	const struct said *best = NULL;
	for (uint32_t i = 0; i < model->count; i++) {
		const struct said *said = &model->facts[i];
		if (said->unit != unit || said->measure != measure || said->extent != extent || said->to > date ||
		    (best && said->to <= best->to))
			continue;
		best = model_slot(model, unit, measure, extent, said->from, said->to);
	}
	return best;
}

struct answer {
	int64_t value;
	baophu_date date;
	uint32_t k, m;
	bool is_partial;
	enum baophu_basis basis;
};

/* Rule 1, word by word. */
static struct answer model_stock(const struct model *model, uint32_t unit, uint16_t measure, baophu_date date)
{
	const struct said *whole = model_latest(model, unit, measure, BAOPHU_WHOLE, date);
	const struct said *own = model_latest(model, unit, measure, BAOPHU_OWN, date);
	struct answer sum = { .value = 0, .date = INT32_MAX };
	bool is_any = false, child_is_partial = false;
	if (own) {
		sum.value = own->value;
		sum.date = own->to;
		is_any = true;
	}
	for (uint32_t child = 1; child <= UNITS; child++) {
		if (model->parent[child] != unit)
			continue;
		sum.m++;
		struct answer part = model_stock(model, child, measure, date);
		if (part.value == BAOPHU_ABSENT)
			continue;
		sum.k++;
		is_any = true;
		child_is_partial |= part.is_partial;
		sum.value += part.value;
		if (part.date < sum.date)
			sum.date = part.date;
	}
	sum.is_partial = sum.k < sum.m || child_is_partial;
	if (whole && (!is_any || sum.is_partial || sum.date < whole->to))
		return (struct answer){ whole->value, whole->to, sum.k, sum.m, false, BAOPHU_BASIS_WHOLE };
	if (!is_any)
		return (struct answer){ BAOPHU_ABSENT, BAOPHU_DATE_NONE, sum.k, sum.m, false, BAOPHU_BASIS_NONE };
	sum.basis = sum.is_partial ? BAOPHU_BASIS_PARTIAL : BAOPHU_BASIS_SUM;
	return sum;
}

static void expect_rows_equal(const struct coverage *a, const struct coverage *b, uint64_t seed)
{
	static struct baophu_row x[COVERAGE_ROWS_MAX], y[COVERAGE_ROWS_MAX];
	for (uint32_t unit = 1; unit <= UNITS; unit++) {
		uint32_t n = coverage_rows(a, unit, NULL, 0, x, COVERAGE_ROWS_MAX, NULL);
		uint32_t m = coverage_rows(b, unit, NULL, 0, y, COVERAGE_ROWS_MAX, NULL);
		cr_assert_eq(n, m, "seed %lu unit %u: %u rows live, %u from scratch", (unsigned long)seed, unit, n, m);
		for (uint32_t i = 0; i < n; i++)
			cr_assert(!memcmp(&x[i], &y[i], sizeof *x), "seed %lu unit %u row %u (%s %s): value %ld against %ld",
				  (unsigned long)seed, unit, i, x[i].measure, x[i].plan, (long)x[i].value, (long)y[i].value);
	}
}

static void one_round(uint64_t seed)
{
	uint64_t first_seed = seed;
	struct scene scene;
	struct model model = { 0 };
	baophu_date start = day(20240101), today = day(20240630);
	scene_init(&scene);
	scene_day(&scene, today);
	for (uint32_t unit = 1; unit <= UNITS; unit++) {
		char code[8];
		snprintf(code, sizeof code, "u%02u", unit);
		/* At most four levels: a parent among the earlier ones that is not too deep. */
		uint32_t parent = unit == 1 ? 0 : 1 + scene_random(&seed, unit - 1), depth = 0;
		for (uint32_t up = parent; up; up = model.parent[up])
			depth++;
		if (depth > 3)
			parent = 1;
		model.parent[unit] = parent;
		scene_unit(&scene, parent, code, code, BAOPHU_DATE_MIN);
	}
	uint16_t all = scene_measure(&scene, "all", BAOPHU_STOCK, 0);
	uint16_t part = scene_measure(&scene, "part", BAOPHU_STOCK, all);
	uint16_t rest = scene_measure(&scene, "rest", BAOPHU_STOCK, all);
	uint16_t stock = scene_measure(&scene, "stock", BAOPHU_STOCK, 0);
	uint16_t flow = scene_measure(&scene, "flow", BAOPHU_FLOW, 0);
	scene_indicator(&scene, "ratio", part, stock);
	uint32_t plan = scene_plan(&scene, 0, "p", 2, BAOPHU_PLAN_STOCK, stock, start, day(20241231), 500, 0);
	scene_plan(&scene, plan, "p", 3, BAOPHU_PLAN_STOCK, stock, start, day(20241231), 700, 0);
	uint32_t of_flow = scene_plan(&scene, 0, "f", 1, BAOPHU_PLAN_FLOW, flow, start, day(20241231), 900, 0);
	cr_assert_neq(plan, of_flow);
	if (scene_random(&seed, 3)) { /* watched figures are computed after each record, and otherwise */
		scene_line(&scene, 0, 50, 0, 0, false);
		scene_plan(&scene, plan, "p", 1, BAOPHU_PLAN_STOCK, all, start, day(20241231), 900, 0);
		scene_plan(&scene, plan, "p", 1, BAOPHU_PLAN_RATE, 1, start, day(20241231), 50, 0);
	}
	cr_assert_eq(fold_settle(&scene.state), 0);

	uint16_t measures[] = { stock, stock, all, part, rest, flow };
	for (uint32_t i = 0; i < FACTS; i++) {
		struct said said = { .unit = 1 + scene_random(&seed, UNITS),
				     .measure = measures[scene_random(&seed, 6)],
				     .extent = scene_random(&seed, 3) ? BAOPHU_WHOLE : BAOPHU_OWN,
				     .status = (uint8_t)(1 + scene_random(&seed, 3)),
				     .value = scene_random(&seed, 1000) };
		said.to = said.from = start + (baophu_date)scene_random(&seed, 200); /* some lie after today */
		if (said.measure == flow) {
			said.from = start + 30 * (baophu_date)scene_random(&seed, 6);
			said.to = said.from + 29 + 30 * (baophu_date)scene_random(&seed, 3);
		}
		struct entry entry = { .kind = ENTRY_FACT,
				       .fact = { .slot = { said.unit, said.measure, said.extent, said.from, said.to },
						 .figure = { said.value, said.status, (uint8_t)(1 + scene_random(&seed, 4)),
							     (uint8_t)(1 + scene_random(&seed, scene_random(&seed, 4) + 1)),
							     0 } } };
		scene_begin(&scene);
		scene_add(&scene, &entry);
		scene_end(&scene, RECORD_UPDATE, 0, 0, 0);
		model.facts[model.count++] = said;
		if (scene_random(&seed, 7))
			continue;
		cr_assert_eq(fold_settle(&scene.state), 0);
		for (uint32_t unit = 1; unit <= UNITS; unit++) {
			struct answer expected = model_stock(&model, unit, stock, today);
			const struct cell *cell = coverage_cell(&scene.state.coverage, unit, stock);
			if (!cell) {
				cr_assert_eq(expected.value, BAOPHU_ABSENT, "seed %lu unit %u", (unsigned long)first_seed, unit);
				continue;
			}
			cr_assert_eq(cell->value, expected.value, "seed %lu fact %u unit %u: %ld, model %ld",
				     (unsigned long)first_seed, i, unit, (long)cell->value, (long)expected.value);
			cr_assert_eq(cell->basis, expected.basis, "seed %lu fact %u unit %u basis", (unsigned long)first_seed, i,
				     unit);
			cr_assert_eq(cell->to, expected.date, "seed %lu fact %u unit %u date", (unsigned long)first_seed, i, unit);
			cr_assert_eq(cell->reported, expected.k);
			cr_assert_eq(cell->expected, expected.m);
		}
	}
	cr_assert_eq(fold_settle(&scene.state), 0);
	struct coverage fresh;
	coverage_init(&fresh, &scene.state.registry, &scene.state.tree, &scene.state.facts, &scene.state.registry.rates,
		      &scene.state.coverage.axes);
	coverage_mark_all(&fresh);
	cr_assert_eq(coverage_settle(&fresh), 0);
	expect_rows_equal(&scene.state.coverage, &fresh, first_seed);
	coverage_finish(&fresh);
	scene_finish(&scene);
}

Test(coverage, equals_the_naive_model_and_itself_from_scratch, .timeout = 120)
{
	uint64_t base = (uint64_t)time(NULL) * 2654435761u | 1;
	for (uint32_t round = 0; round < ROUNDS; round++)
		one_round(base + round * 7919);
}

/* Rule 2 against days painted one by one. */
Test(coverage, flow_of_a_period_paints_every_day_at_most_once, .timeout = 120)
{
	uint64_t base = (uint64_t)time(NULL) * 40503u | 1, seed = base;
	for (uint32_t round = 0; round < 3000; round++) {
		struct facts facts;
		facts_init(&facts);
		struct {
			baophu_date from, to;
			int64_t value;
		} said[12];
		uint32_t count = 0;
		baophu_date start = day(20240101);
		for (uint32_t i = 0; i < 1 + scene_random(&seed, 10); i++) {
			baophu_date from = start + 10 * (baophu_date)scene_random(&seed, 12),
				    to = from + 9 + 10 * (baophu_date)scene_random(&seed, 5);
			bool is_new = true;
			for (uint32_t j = 0; j < count; j++)
				is_new &= said[j].from != from; /* no cumulative pairs here: every stretch is a report */
			if (!is_new)
				continue;
			said[count].from = from;
			said[count].to = to;
			said[count].value = scene_random(&seed, 100);
			struct slot slot = { 1, 1, BAOPHU_WHOLE, from, to };
			struct figure figure = { said[count].value, BAOPHU_FINAL, BAOPHU_REPORTED, BAOPHU_EXACT, 0 };
			struct facts_change change;
			cr_assert_eq(facts_put(&facts, &slot, &figure, count + 1, &change), 0);
			count++;
		}
		baophu_date from = start + 10 * (baophu_date)scene_random(&seed, 6),
			    to = from + 9 + 10 * (baophu_date)scene_random(&seed, 10);
		baophu_date as_of = to + 40 - 10 * (baophu_date)scene_random(&seed, 10), last = as_of < to ? as_of : to;
		bool painted[400] = { 0 }, used[12] = { 0 };
		int64_t value = 0;
		uint32_t taken = 0, inside = 0, exact = UINT32_MAX;
		for (uint32_t i = 0; i < count; i++) {
			inside += said[i].from >= from && said[i].to <= last;
			if (said[i].from == from && said[i].to == to && to <= last)
				exact = i;
		}
		for (;;) { /* longest first, earliest on ties */
			uint32_t best = UINT32_MAX;
			for (uint32_t i = 0; i < count; i++) {
				bool fits = !used[i] && said[i].from >= from && said[i].to <= last;
				for (baophu_date d = said[i].from; fits && d <= said[i].to; d++)
					fits = !painted[d - start];
				if (!fits)
					continue;
				if (best == UINT32_MAX || said[i].to - said[i].from > said[best].to - said[best].from ||
				    (said[i].to - said[i].from == said[best].to - said[best].from &&
				     said[i].from < said[best].from))
					best = i;
			}
			if (best == UINT32_MAX)
				break;
			used[best] = true;
			taken++;
			value += said[best].value;
			for (baophu_date d = said[best].from; d <= said[best].to; d++)
				painted[d - start] = true;
		}
		uint32_t bare = 0;
		for (baophu_date d = from; d <= to; d++)
			bare += !painted[d - start];
		struct flow flow;
		facts_flow(facts_series(&facts, 1, 1, BAOPHU_WHOLE), from, to, as_of, &flow);
		if (exact != UINT32_MAX) {
			cr_assert_eq(flow.value, said[exact].value);
		} else {
			cr_assert_eq(flow.value, taken ? value : BAOPHU_ABSENT, "seed %lu round %u", (unsigned long)base, round);
			cr_assert_eq(flow.uncovered_days, bare, "seed %lu round %u", (unsigned long)base, round);
			cr_assert_eq(flow.unused, taken ? inside - taken : 0, "seed %lu round %u", (unsigned long)base, round);
		}
		facts_finish(&facts);
	}
}

Test(coverage, two_reports_from_one_day_give_the_days_between)
{
	struct facts facts;
	struct flow flow;
	struct facts_change change;
	facts_init(&facts);
	struct slot january = { 1, 1, BAOPHU_WHOLE, day(20240101), day(20240131) },
		    both = { 1, 1, BAOPHU_WHOLE, day(20240101), day(20240229) };
	struct figure x = { 813, BAOPHU_FINAL, BAOPHU_REPORTED, BAOPHU_EXACT, 0 },
		      y = { 1713, BAOPHU_FINAL, BAOPHU_REPORTED, BAOPHU_EXACT, 0 };
	cr_assert_eq(facts_put(&facts, &january, &x, 1, &change), 0);
	cr_assert_eq(facts_put(&facts, &both, &y, 2, &change), 0);
	facts_flow(facts_series(&facts, 1, 1, BAOPHU_WHOLE), day(20240201), day(20240229), day(20240229), &flow);
	cr_assert_eq(flow.value, 900);
	cr_assert_eq(flow.uncovered_days, 0);
	facts_flow(facts_series(&facts, 1, 1, BAOPHU_WHOLE), day(20240101), day(20240331), day(20240331), &flow);
	cr_assert_eq(flow.value, 1713);
	cr_assert_eq(flow.uncovered_days, 31);
	facts_finish(&facts);
}

/* Without a bound on looking for pairs this would take longer than the test may: no sender can hold up the fold by periods. */
Test(coverage, periods_beyond_all_reason_are_gone_through_once)
{
	enum { STARTS = 60000, ENDS = 20 };
	baophu_date start = BAOPHU_DATE_MIN + STARTS, end = start + ENDS - 1;
	struct facts facts;
	struct flow flow;
	struct facts_change change;
	uint64_t id = 0;
	facts_init(&facts);
	for (int to = 0; to < ENDS; to++) /* in the order they are kept in */
		for (int from = 0; from < STARTS; from++) {
			struct slot slot = { 1, 1, BAOPHU_WHOLE, BAOPHU_DATE_MIN + from, start + to };
			struct figure figure = { ENDS - to, BAOPHU_FINAL, BAOPHU_REPORTED, BAOPHU_EXACT, 0 };
			cr_assert_eq(facts_put(&facts, &slot, &figure, ++id, &change), 0);
		}
	facts_flow(facts_series(&facts, 1, 1, BAOPHU_WHOLE), start, end, end, &flow);
	cr_assert_eq(flow.value, BAOPHU_ABSENT, "none lies inside, and between amounts that fall there is no difference");
	facts_finish(&facts);
}

/* The same of a slot that was said again and again. */
Test(coverage, corrections_beyond_all_reason_are_gone_through_once)
{
	enum { COUNT = 400000 };
	struct fact_version *versions = calloc(COUNT, sizeof *versions);
	for (int i = 0; i < COUNT; i++)
		versions[i] = (struct fact_version){ .id = (uint64_t)i + 1,
						     .figure = { i, i % 2 ? BAOPHU_FINAL : BAOPHU_ESTIMATE, BAOPHU_REPORTED,
								 BAOPHU_EXACT, 0 } };
	versions[COUNT - 1] = (struct fact_version){ .id = COUNT, .withdrawn_id = COUNT - 2, .figure.value = BAOPHU_ABSENT };
	cr_assert_eq(facts_standing(versions, COUNT), COUNT - 5);
	free(versions);
}
