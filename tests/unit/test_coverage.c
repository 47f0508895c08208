/* The coverage rules one by one, on figures that were published (Cần Thơ, Bắc Kạn, Huế, Cà Mau). */
#include <criterion/criterion.h>
#include <string.h>

#include <baophu/ratio.h>

#include "scene.h"

static struct scene scene;
static uint32_t country, city, districts[9];
static uint16_t bhxh, bb, tn, bhtn, bhyt, people, workers, withdrawals;
static struct baophu_row rows[256];
static uint32_t row_count;

static void build(void)
{
	scene_init(&scene);
	scene_day(&scene, day(20240514));
	country = scene_unit(&scene, 0, "VN", "Việt Nam", BAOPHU_DATE_MIN);
	city = scene_unit(&scene, country, "92", "Thành phố Cần Thơ", BAOPHU_DATE_MIN);
	for (unsigned i = 0; i < 9; i++) {
		char code[8] = { '9', '1', (char)('0' + i), 0 };
		districts[i] = scene_unit(&scene, city, code, code, BAOPHU_DATE_MIN);
	}
	bhxh = scene_measure(&scene, "bhxh", BAOPHU_STOCK, 0);
	bb = scene_measure(&scene, "bhxh_bb", BAOPHU_STOCK, bhxh);
	tn = scene_measure(&scene, "bhxh_tn", BAOPHU_STOCK, bhxh);
	bhtn = scene_measure(&scene, "bhtn", BAOPHU_STOCK, 0);
	bhyt = scene_measure(&scene, "bhyt", BAOPHU_STOCK, 0);
	people = scene_measure(&scene, "danso", BAOPHU_STOCK, 0);
	workers = scene_measure(&scene, "laodong", BAOPHU_STOCK, 0);
	withdrawals = scene_measure(&scene, "rut1lan", BAOPHU_FLOW, 0);
}

static void fact(uint32_t unit, uint16_t measure, uint32_t date, int64_t value)
{
	scene_fact(&scene, unit, measure, BAOPHU_WHOLE, day(date), day(date), value, BAOPHU_FINAL);
}

static void rate(uint32_t unit, uint16_t measure, enum baophu_denominator denominator, uint16_t over, uint32_t plan, uint32_t date,
		 int64_t digits, unsigned decimals)
{
	struct entry entry = { .kind = ENTRY_RATE,
			       .rate = { .unit = unit,
					 .measure = measure,
					 .over_measure = over,
					 .over_plan = plan,
					 .denominator = (uint8_t)denominator,
					 .decimals = (uint8_t)decimals,
					 .status = BAOPHU_FINAL,
					 .bound = BAOPHU_EXACT,
					 .from = day(date),
					 .to = day(date),
					 .digits = digits } };
	scene_begin(&scene);
	scene_add(&scene, &entry);
	scene_end(&scene, RECORD_UPDATE, 0, 0, 0);
}

static void settle(uint32_t unit)
{
	struct baophu_record record;
	cr_assert_eq(fold_settle(&scene.state), 0);
	fold_unit_record(&scene.state, unit, rows, 256, &record);
	row_count = record.row_count;
}

/* As another day and another plan would see it. */
static void ask(uint32_t unit, uint32_t date, uint32_t plan)
{
	struct coverage coverage;
	struct axes axes = {
		.date = day(date), .from = BAOPHU_DATE_NONE, .to = BAOPHU_DATE_NONE, .known_id = UINT64_MAX, .plan = plan
	};
	coverage_init(&coverage, &scene.state.registry, &scene.state.tree, &scene.state.facts, &scene.state.registry.rates, &axes);
	coverage_mark_all(&coverage);
	cr_assert_eq(coverage_settle(&coverage), 0);
	row_count = coverage_rows(&coverage, unit, NULL, 0, rows, 256, NULL);
	coverage_finish(&coverage);
}

static const struct baophu_row *find(enum baophu_row_kind kind, const char *measure, const char *plan)
{
	for (uint32_t i = 0; i < row_count; i++)
		if (rows[i].kind == kind && !strcmp(rows[i].measure, measure) && !strcmp(rows[i].plan, plan))
			return &rows[i];
	return NULL;
}

static const struct baophu_row *get(enum baophu_row_kind kind, const char *measure, const char *plan)
{
	const struct baophu_row *row = find(kind, measure, plan);
	cr_assert_not_null(row, "no row %d %s %s", kind, measure, plan);
	return row;
}

static bool is_flagged(const struct baophu_row *row, enum baophu_flag flag)
{
	return memchr(row->flags, (int)flag, sizeof row->flags);
}

Test(coverage_rules, whole_stands_while_a_child_has_no_value, .init = build)
{
	fact(city, bb, 20240430, 143013);
	fact(districts[8], bb, 20240430, 2882);
	settle(city);
	const struct baophu_row *row = get(BAOPHU_ROW_STOCK, "bhxh_bb", "");
	cr_assert_eq(row->value, 143013);
	cr_assert_eq(row->basis, BAOPHU_BASIS_WHOLE);
	cr_assert_eq(row->whole, 143013);
	cr_assert_eq(row->sum, 2882);
	cr_assert_eq(row->gap, 140131);
	cr_assert_eq(row->reported, 1);
	cr_assert_eq(row->expected, 9);
	settle(country); /* a parent adds its children's values */
	row = get(BAOPHU_ROW_STOCK, "bhxh_bb", "");
	cr_assert_eq(row->value, 143013);
	cr_assert_eq(row->basis, BAOPHU_BASIS_SUM);
}

Test(coverage_rules, complete_sum_of_the_same_day_takes_over_and_the_gap_is_flagged, .init = build)
{
	fact(city, bb, 20240430, 100);
	for (unsigned i = 0; i < 9; i++)
		fact(districts[i], bb, 20240430, 10);
	settle(city);
	const struct baophu_row *row = get(BAOPHU_ROW_STOCK, "bhxh_bb", "");
	cr_assert_eq(row->value, 90);
	cr_assert_eq(row->basis, BAOPHU_BASIS_SUM);
	cr_assert_eq(row->gap, 10);
	cr_assert(is_flagged(row, BAOPHU_FLAG_SUM_DIFFERS));
}

Test(coverage_rules, sum_without_a_whole_is_partial_until_all_reported, .init = build)
{
	uint32_t plan = scene_plan(&scene, 0, "nam-2024", city, BAOPHU_PLAN_STOCK, bb, day(20240101), day(20241231), 100, 0);
	fact(districts[0], bb, 20240430, 7);
	fact(districts[1], bb, 20240331, 5);
	settle(city);
	const struct baophu_row *row = get(BAOPHU_ROW_STOCK, "bhxh_bb", "");
	cr_assert_eq(row->value, 12);
	cr_assert_eq(row->basis, BAOPHU_BASIS_PARTIAL);
	cr_assert_eq(row->to, day(20240331)); /* as old as its oldest part */
	cr_assert_eq(get(BAOPHU_ROW_PLAN, "bhxh_bb", "nam-2024")->state, BAOPHU_STATE_PARTIAL);
	cr_assert_neq(plan, 0);
}

Test(coverage_rules, parent_measure_is_its_parts_unless_reported, .init = build)
{
	fact(city, bb, 20240430, 143013);
	settle(city);
	cr_assert_eq(get(BAOPHU_ROW_STOCK, "bhxh", "")->basis, BAOPHU_BASIS_PARTIAL);
	cr_assert_eq(get(BAOPHU_ROW_STOCK, "bhxh", "")->reported, 1);
	cr_assert_eq(get(BAOPHU_ROW_STOCK, "bhxh", "")->expected, 2);
	fact(city, tn, 20240430, 18590);
	settle(city);
	cr_assert_eq(get(BAOPHU_ROW_STOCK, "bhxh", "")->value, 161603);
	cr_assert_eq(get(BAOPHU_ROW_STOCK, "bhxh", "")->basis, BAOPHU_BASIS_PARTS);
	fact(city, bhxh, 20240430, 161600); /* reported: compared with its parts, never added to them */
	settle(city);
	cr_assert_eq(get(BAOPHU_ROW_STOCK, "bhxh", "")->value, 161600);
	cr_assert(is_flagged(get(BAOPHU_ROW_STOCK, "bhxh", ""), BAOPHU_FLAG_PARTS_DIFFER));
}

Test(coverage_rules, every_percentage_names_its_plan, .init = build)
{
	scene_plan(&scene, 0, "nam-2024", city, BAOPHU_PLAN_STOCK, bhyt, day(20240101), day(20241231), 1181336, 0);
	scene_plan(&scene, 0, "dot1-2024", city, BAOPHU_PLAN_STOCK, bhyt, day(20240101), day(20240630), 1057188, 0);
	fact(city, bhyt, 20240430, 1065565);
	settle(city);
	const struct baophu_row *year = get(BAOPHU_ROW_PLAN, "bhyt", "nam-2024"),
				*batch = get(BAOPHU_ROW_PLAN, "bhyt", "dot1-2024");
	cr_assert_eq(baophu_percent(year->numerator, year->denominator, 1), 902);
	cr_assert_eq(year->state, BAOPHU_STATE_HALF);
	cr_assert_eq(year->remaining, 115771);
	cr_assert_eq(baophu_percent(batch->numerator, batch->denominator, 2), 10079);
	cr_assert_eq(batch->state, BAOPHU_STATE_MET);
	cr_assert_eq(batch->remaining, -8377);
	/* After its end a plan whose period contains the value's date is still listed, and marked. */
	ask(city, 20250301, 0);
	cr_assert_eq(get(BAOPHU_ROW_PLAN, "bhyt", "nam-2024")->plan_state, BAOPHU_PLAN_ENDED);
	/* A plan that speaks of neither date is not. */
	fact(city, bhyt, 20250228, 1100000);
	ask(city, 20250301, 0);
	cr_assert_null(find(BAOPHU_ROW_PLAN, "bhyt", "nam-2024"));
}

Test(coverage_rules, plan_of_a_unit_without_one_is_its_childrens_sum, .init = build)
{
	uint32_t plan = 0;
	for (unsigned i = 0; i < 9; i++) {
		plan = scene_plan(&scene, plan, "nam-2024", districts[i], BAOPHU_PLAN_STOCK, tn, day(20240101), day(20241231), 100,
				  0);
		fact(districts[i], tn, 20240430, 60);
	}
	settle(city);
	const struct baophu_row *row = get(BAOPHU_ROW_PLAN, "bhxh_tn", "nam-2024");
	cr_assert_eq(row->plan_state, BAOPHU_PLAN_SUMMED);
	cr_assert_eq(row->target, 900);
	cr_assert_eq(row->numerator, 540);
	cr_assert_eq(row->state, BAOPHU_STATE_HALF);
	scene_plan(&scene, plan, "nam-2024", city, BAOPHU_PLAN_STOCK, tn, day(20240101), day(20241231), 1000, 0);
	settle(city);
	row = get(BAOPHU_ROW_PLAN, "bhxh_tn", "nam-2024");
	cr_assert_eq(row->plan_state, BAOPHU_PLAN_OWN);
	cr_assert_eq(row->target, 1000);
}

/* Rule 5: figures of all against the targets of some is no attainment, however many levels lie between. */
Test(coverage_rules, a_sum_of_targets_is_partial_while_one_below_it_is, .init = build)
{
	uint32_t plan = 0;
	for (unsigned i = 0; i < 9; i++) {
		fact(districts[i], tn, 20240430, 60);
		if (i)
			plan = scene_plan(&scene, plan, "nam-2024", districts[i], BAOPHU_PLAN_STOCK, tn, day(20240101),
					  day(20241231), 100, 0);
	}
	settle(country); /* its only child is the city, whose sum lacks one district's target */
	const struct baophu_row *row = get(BAOPHU_ROW_PLAN, "bhxh_tn", "nam-2024");
	cr_assert_eq(row->plan_state, BAOPHU_PLAN_SUMMED);
	cr_assert_eq(row->target, 800);
	cr_assert_eq(row->state, BAOPHU_STATE_PARTIAL);
	scene_plan(&scene, plan, "nam-2024", districts[0], BAOPHU_PLAN_STOCK, tn, day(20240101), day(20241231), 100, 0);
	settle(country);
	row = get(BAOPHU_ROW_PLAN, "bhxh_tn", "nam-2024");
	cr_assert_eq(row->target, 900);
	cr_assert_eq(row->state, BAOPHU_STATE_HALF);
}

Test(coverage_rules, a_plan_asked_for_shows_who_has_none_and_who_has_not_reported, .init = build)
{
	uint32_t plan = scene_plan(&scene, 0, "nam-2024", districts[0], BAOPHU_PLAN_STOCK, tn, day(20240101), day(20241231), 30, 0);
	fact(districts[1], tn, 20240430, 5);
	cr_assert_eq(fold_settle(&scene.state), 0);
	ask(districts[0], 20240514, plan);
	cr_assert_eq(get(BAOPHU_ROW_PLAN, "bhxh_tn", "nam-2024")->state, BAOPHU_STATE_NO_REPORT);
	ask(districts[1], 20240514, plan);
	cr_assert_eq(get(BAOPHU_ROW_PLAN, "bhxh_tn", "nam-2024")->state, BAOPHU_STATE_NO_PLAN);
	cr_assert_eq(get(BAOPHU_ROW_PLAN, "bhxh_tn", "nam-2024")->denominator, BAOPHU_ABSENT);
	/* Its only target is taken back: the plan has nothing to say of the measure any more. */
	scene_begin(&scene);
	scene_add(&scene, &(struct entry){ .kind = ENTRY_PLAN,
					   .plan = { .plan = plan,
						     .unit = districts[0],
						     .target = tn,
						     .kind = BAOPHU_PLAN_STOCK,
						     .removed = true,
						     .from = day(20240101),
						     .to = day(20241231),
						     .code = "nam-2024",
						     .issuer = "",
						     .document = "" } });
	scene_end(&scene, RECORD_UPDATE, 0, 0, 0);
	cr_assert_eq(fold_settle(&scene.state), 0);
	ask(districts[1], 20240514, plan);
	cr_assert_null(find(BAOPHU_ROW_PLAN, "bhxh_tn", "nam-2024"));
}

Test(coverage_rules, rate_target_shows_points_and_attainment_of_the_unrounded_ratio, .init = build)
{
	uint16_t indicator = scene_indicator(&scene, "bhxh_laodong", bhxh, workers);
	scene_plan(&scene, 0, "nam-2024", city, BAOPHU_PLAN_RATE, indicator, day(20240101), day(20241231), 16, 0);
	fact(city, bhxh, 20240430, 31455);
	settle(city);
	cr_assert_eq(get(BAOPHU_ROW_SHARE, "bhxh_laodong", "")->state, BAOPHU_STATE_NO_DENOMINATOR);
	cr_assert_eq(get(BAOPHU_ROW_PLAN, "bhxh_laodong", "nam-2024")->state, BAOPHU_STATE_NO_DENOMINATOR);
	fact(city, workers, 20240430, 202418);
	settle(city);
	const struct baophu_row *share = get(BAOPHU_ROW_SHARE, "bhxh_laodong", ""),
				*plan = get(BAOPHU_ROW_PLAN, "bhxh_laodong", "nam-2024");
	cr_assert_eq(baophu_percent(share->numerator, share->denominator, 2), 1554);
	cr_assert_eq(baophu_gap_points(plan->numerator, plan->denominator, plan->target, plan->decimals, 2), -46);
	cr_assert_eq(baophu_rate_attainment(plan->numerator, plan->denominator, plan->target, plan->decimals, 2), 9712);
	cr_assert_eq(plan->remaining, 932);
	cr_assert_eq(plan->state, BAOPHU_STATE_HALF);
}

Test(coverage_rules, a_new_name_of_an_indicator_leaves_the_past_alone, .init = build)
{
	uint16_t indicator = scene_indicator(&scene, "bhxh_laodong", bhxh, workers);
	fact(city, bhxh, 20240430, 31455);
	fact(city, workers, 20240430, 202418);
	uint64_t known_id = entry_id(scene.place.seq, 0x1ffff);
	scene_begin(&scene);
	scene_add(&scene, &(struct entry){ .kind = ENTRY_INDICATOR,
					   .indicator = { .indicator = indicator,
							  .numerator = bhxh,
							  .denominator = workers,
							  .code = "bhxh_laodong",
							  .name_vi = "tên mới",
							  .name_en = "new name" } });
	scene_end(&scene, RECORD_UPDATE, 0, 0, 0);
	settle(city);
	struct coverage coverage;
	struct axes axes = { .date = day(20240514), .from = BAOPHU_DATE_NONE, .to = BAOPHU_DATE_NONE, .known_id = known_id };
	coverage_init(&coverage, &scene.state.registry, &scene.state.tree, &scene.state.facts, &scene.state.registry.rates, &axes);
	coverage_mark_all(&coverage);
	cr_assert_eq(coverage_settle(&coverage), 0);
	row_count = coverage_rows(&coverage, city, NULL, 0, rows, 256, NULL);
	get(BAOPHU_ROW_SHARE, "bhxh_laodong", "");
	coverage_finish(&coverage);
}

Test(coverage_rules, published_rates_are_compared_never_used, .init = build)
{
	uint32_t plan = scene_plan(&scene, 0, "nam-2024", city, BAOPHU_PLAN_STOCK, tn, day(20240101), day(20241231), 37420, 0);
	fact(city, tn, 20240430, 18590);
	const struct {
		int64_t digits;
		enum baophu_state state;
	} printed[] = { { 4968, BAOPHU_STATE_AGREES }, { 4967, BAOPHU_STATE_AGREES_TRUNCATED }, { 4970, BAOPHU_STATE_DIFFERS } };
	for (unsigned i = 0; i < 3; i++) { /* 18590 / 37420 = 49.6793 % */
		rate(city, tn, BAOPHU_OVER_PLAN, 0, plan, 20240430, printed[i].digits, 2);
		settle(city);
		const struct baophu_row *row = get(BAOPHU_ROW_PUBLISHED, "bhxh_tn", "nam-2024");
		cr_assert_eq(row->value, printed[i].digits);
		cr_assert_eq(row->state, printed[i].state, "%ld", (long)printed[i].digits);
		cr_assert_eq(is_flagged(row, BAOPHU_FLAG_TRIPLE_DIFFERS), printed[i].state == BAOPHU_STATE_DIFFERS);
	}
	rate(city, bb, BAOPHU_OVER_UNSTATED, 0, 0, 20240430, 957, 1);
	settle(city);
	cr_assert_eq(get(BAOPHU_ROW_PUBLISHED, "bhxh_bb", "")->state, BAOPHU_STATE_NOT_COMPARABLE);
	cr_assert_null(find(BAOPHU_ROW_STOCK, "bhxh_bb", "")); /* no count is made of a rate */
}

Test(coverage_rules, hue_rates_that_contradict_each_other_are_flagged, .init = build)
{
	rate(city, bhxh, BAOPHU_OVER_MEASURE, workers, 0, 20201231, 212, 1);
	rate(city, tn, BAOPHU_OVER_MEASURE, workers, 0, 20201231, 28, 1);
	rate(city, tn, BAOPHU_OVER_UNSTATED, 0, 0, 20201231, 262, 2);
	rate(city, bhtn, BAOPHU_OVER_MEASURE, workers, 0, 20201231, 195, 1);
	rate(city, bhtn, BAOPHU_OVER_UNSTATED, 0, 0, 20201231, 916, 1);
	settle(city);
	uint32_t above = 0, differ = 0;
	for (uint32_t i = 0; i < row_count; i++) {
		above += is_flagged(&rows[i], BAOPHU_FLAG_BHTN_ABOVE_BB);
		differ += is_flagged(&rows[i], BAOPHU_FLAG_RATES_DIFFER);
		if (is_flagged(&rows[i], BAOPHU_FLAG_RATES_DIFFER))
			cr_assert_str_eq(rows[i].measure, "bhxh_tn"); /* 91,6 beside 19,5 plainly have other denominators */
	}
	cr_assert_eq(above, 1); /* 19,5 > 21,2 - 2,8 */
	cr_assert_eq(differ, 2);
}

Test(coverage_rules, soft_rules_flag_and_never_refuse, .init = build)
{
	fact(city, bb, 20240430, 100);
	fact(city, bhtn, 20240430, 101);
	fact(city, bhyt, 20240430, 1000);
	fact(city, people, 20240401, 999);
	settle(city);
	cr_assert(is_flagged(get(BAOPHU_ROW_STOCK, "bhtn", ""), BAOPHU_FLAG_BHTN_ABOVE_BB));
	cr_assert(is_flagged(get(BAOPHU_ROW_STOCK, "bhyt", ""), BAOPHU_FLAG_BHYT_ABOVE_POPULATION));
	fact(city, bhtn, 20240430, 100);
	settle(city);
	cr_assert_not(is_flagged(get(BAOPHU_ROW_STOCK, "bhtn", ""), BAOPHU_FLAG_BHTN_ABOVE_BB));
}

Test(coverage_rules, withdrawn_is_not_zero_and_not_unreported, .init = build)
{
	uint64_t first = scene_fact(&scene, city, tn, BAOPHU_WHOLE, day(20240430), day(20240430), 0, BAOPHU_FINAL);
	settle(city);
	cr_assert_eq(get(BAOPHU_ROW_STOCK, "bhxh_tn", "")->value, 0);
	cr_assert_eq(get(BAOPHU_ROW_STOCK, "bhxh_tn", "")->state, BAOPHU_STATE_REPORTED);
	struct entry entry = { .kind = ENTRY_WITHDRAWAL,
			       .withdrawal = { .slot = { city, tn, BAOPHU_WHOLE, day(20240430), day(20240430) },
					       .withdrawn_id = entry_id(first, 0) } };
	scene_begin(&scene);
	scene_add(&scene, &entry);
	scene_end(&scene, RECORD_UPDATE, 0, 0, 0);
	settle(city);
	cr_assert_eq(get(BAOPHU_ROW_STOCK, "bhxh_tn", "")->value, BAOPHU_ABSENT);
	cr_assert_eq(get(BAOPHU_ROW_STOCK, "bhxh_tn", "")->state, BAOPHU_STATE_WITHDRAWN);
	cr_assert_null(find(BAOPHU_ROW_STOCK, "bhyt", ""));
}

Test(coverage_rules, estimate_dated_ahead_counts_from_its_date_on, .init = build)
{
	fact(city, tn, 20240430, 100);
	scene_fact(&scene, city, tn, BAOPHU_WHOLE, day(20240630), day(20240630), 120, BAOPHU_ESTIMATE);
	settle(city);
	cr_assert_eq(get(BAOPHU_ROW_STOCK, "bhxh_tn", "")->value, 100);
	scene_day(&scene, day(20240630));
	settle(city);
	cr_assert_eq(get(BAOPHU_ROW_STOCK, "bhxh_tn", "")->value, 120);
	cr_assert_eq(get(BAOPHU_ROW_STOCK, "bhxh_tn", "")->status, BAOPHU_ESTIMATE);
	cr_assert_eq(get(BAOPHU_ROW_STOCK, "bhxh_tn", "")->estimated, 120);
}

Test(coverage_rules, flow_plan_counts_its_own_period, .init = build)
{
	scene_plan(&scene, 0, "nam-2024", city, BAOPHU_PLAN_FLOW, withdrawals, day(20240101), day(20241231), 5000, 0);
	scene_fact(&scene, city, withdrawals, BAOPHU_WHOLE, day(20240101), day(20240131), 813, BAOPHU_FINAL);
	scene_fact(&scene, city, withdrawals, BAOPHU_WHOLE, day(20240201), day(20240229), 900, BAOPHU_FINAL);
	settle(city);
	const struct baophu_row *latest = get(BAOPHU_ROW_FLOW, "rut1lan", ""), *plan = get(BAOPHU_ROW_PLAN, "rut1lan", "nam-2024");
	cr_assert_eq(latest->value, 900);
	cr_assert_eq(latest->from, day(20240201));
	cr_assert_eq(plan->numerator, 1713);
	cr_assert_eq(plan->uncovered_days, 306);
}

Test(coverage_rules, an_amount_of_a_day_below_counts_in_a_period_that_begins_on_it, .init = build)
{
	scene_fact(&scene, districts[0], withdrawals, BAOPHU_WHOLE, day(20240430), day(20240502), 10, BAOPHU_FINAL);
	scene_fact(&scene, districts[1], withdrawals, BAOPHU_WHOLE, day(20240429), day(20240430), 9, BAOPHU_FINAL);
	scene_fact(&scene, districts[1], withdrawals, BAOPHU_WHOLE, day(20240430), day(20240430), 4, BAOPHU_FINAL);
	scene_fact(&scene, districts[2], withdrawals, BAOPHU_WHOLE, day(20240401), day(20240429), 7, BAOPHU_FINAL);
	settle(city);
	const struct baophu_row *row = get(BAOPHU_ROW_FLOW, "rut1lan", "");
	cr_assert(row->from == day(20240430) && row->to == day(20240502));
	cr_assert_eq(row->value, 14);
	cr_assert_eq(row->reported, 2);
}

Test(coverage_rules, flow_plan_counts_nothing_after_the_date, .init = build)
{
	uint32_t plan = scene_plan(&scene, 0, "nam-2024", city, BAOPHU_PLAN_FLOW, withdrawals, day(20240101), day(20241231), 5000,
				   0);
	scene_fact(&scene, city, withdrawals, BAOPHU_WHOLE, day(20240101), day(20240131), 813, BAOPHU_FINAL);
	scene_fact(&scene, city, withdrawals, BAOPHU_WHOLE, day(20240201), day(20240229), 900, BAOPHU_FINAL);
	scene_fact(&scene, city, withdrawals, BAOPHU_WHOLE, day(20240501), day(20240531), 700, BAOPHU_ESTIMATE);
	scene_fact(&scene, city, withdrawals, BAOPHU_WHOLE, day(20240101), day(20241231), 9000, BAOPHU_ESTIMATE);
	settle(city); /* 14 May: two months were reported, what is expected of others is not there yet */
	cr_assert_eq(get(BAOPHU_ROW_PLAN, "rut1lan", "nam-2024")->numerator, 1713);
	ask(city, 20240131, plan);
	cr_assert_eq(get(BAOPHU_ROW_PLAN, "rut1lan", "nam-2024")->numerator, 813);
	cr_assert_eq(get(BAOPHU_ROW_PLAN, "rut1lan", "nam-2024")->uncovered_days, 335);
	ask(city, 20240601, plan);
	cr_assert_eq(get(BAOPHU_ROW_PLAN, "rut1lan", "nam-2024")->numerator, 2413);
	ask(city, 20241231, plan);
	cr_assert_eq(get(BAOPHU_ROW_PLAN, "rut1lan", "nam-2024")->numerator, 9000);
}

Test(coverage_rules, weakest_origin_and_bound_of_the_parts_show_in_the_sum, .init = build)
{
	for (unsigned i = 0; i < 9; i++) {
		struct entry entry = { .kind = ENTRY_FACT,
				       .fact = { .slot = { districts[i], tn, BAOPHU_WHOLE, day(20240430), day(20240430) },
						 .figure = { 10, BAOPHU_FINAL, i ? BAOPHU_REPORTED : BAOPHU_ILLUSTRATIVE,
							     i ? BAOPHU_EXACT : BAOPHU_MORE_THAN, 0 } } };
		scene_begin(&scene);
		scene_add(&scene, &entry);
		scene_end(&scene, RECORD_UPDATE, 0, 0, 0);
	}
	settle(city);
	const struct baophu_row *row = get(BAOPHU_ROW_STOCK, "bhxh_tn", "");
	cr_assert_eq(row->origin, BAOPHU_ILLUSTRATIVE);
	cr_assert_eq(row->bound, BAOPHU_ABOUT);
	cr_assert(is_flagged(row, BAOPHU_FLAG_BOUND_SUM));
}

Test(coverage_rules, moves_inside_a_unit_cancel_and_the_rest_is_shown, .init = build)
{
	uint16_t in = scene_measure(&scene, "chuyenden", BAOPHU_FLOW, 0), out = scene_measure(&scene, "chuyendi", BAOPHU_FLOW, 0);
	baophu_date from = day(20240401), to = day(20240430);
	scene_fact(&scene, districts[0], in, BAOPHU_WHOLE, from, to, 12, BAOPHU_FINAL);
	scene_fact(&scene, districts[0], out, BAOPHU_WHOLE, from, to, 3, BAOPHU_FINAL);
	scene_fact(&scene, districts[1], in, BAOPHU_WHOLE, from, to, 3, BAOPHU_FINAL);
	scene_fact(&scene, districts[1], out, BAOPHU_WHOLE, from, to, 10, BAOPHU_FINAL);
	settle(city);
	cr_assert_eq(get(BAOPHU_ROW_FLOW, "chuyenden", "")->moved_net, 2); /* 9 moved between the two districts */
	cr_assert_eq(get(BAOPHU_ROW_FLOW, "chuyendi", "")->moved_net, 2);
	settle(districts[0]);
	cr_assert_eq(get(BAOPHU_ROW_FLOW, "chuyendi", "")->moved_net, 9);
	fact(city, bb, 20240430, 1);
	settle(city);
	cr_assert_eq(get(BAOPHU_ROW_STOCK, "bhxh_bb", "")->moved_net, BAOPHU_ABSENT);
}

Test(coverage_rules, of_two_partial_sums_the_larger_is_nearer, .init = build)
{
	fact(districts[0], bb, 20240430, 100); /* one district knows a part, another only the whole */
	fact(districts[1], bhxh, 20240430, 31455);
	settle(city);
	const struct baophu_row *row = get(BAOPHU_ROW_STOCK, "bhxh", "");
	cr_assert_eq(row->value, 31555);
	cr_assert_eq(row->basis, BAOPHU_BASIS_PARTIAL);
	cr_assert_eq(row->reported, 2);
	cr_assert_eq(row->expected, 9);
	fact(city, bb, 20240430, 143013); /* now the city's own part says more */
	settle(city);
	row = get(BAOPHU_ROW_STOCK, "bhxh", "");
	cr_assert_eq(row->value, 143013);
	cr_assert_eq(row->expected, 2);
}
