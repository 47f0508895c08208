/* test_liveness.c - what is declared, of whom, and how it stands: by declarations, grants, the map, the day and the figures. */
#include "liveness.h"

#include <criterion/criterion.h>

#include "scene.h"

/* A province with a district, its two communes, and a second district; two offices. The business day is 2 May 2024. */
enum { PROVINCE = 1, DISTRICT, NORTH, SOUTH, OTHER };
enum { COMMUNE = 2 };
enum { BHYT = 1, BHTN, THU };
static struct scene scene;
static uint32_t office, post;

static void begin(void)
{
	scene_init(&scene);
	scene_begin(&scene);
	scene_add(&scene, &(struct entry){ .kind = ENTRY_LEVEL, .level = { COMMUNE, "commune", "xã", "commune" } });
	scene_end(&scene, RECORD_UPDATE, 0, 0, 0);
	scene_measure(&scene, "bhyt", BAOPHU_STOCK, 0);
	scene_measure(&scene, "bhtn", BAOPHU_STOCK, 0);
	scene_measure(&scene, "thu", BAOPHU_FLOW, 0);
	scene_unit(&scene, 0, "92", "Cần Thơ", BAOPHU_DATE_MIN);
	scene_unit(&scene, PROVINCE, "927", "Thới Lai", BAOPHU_DATE_MIN);
	scene.level = COMMUNE;
	scene_unit(&scene, DISTRICT, "31258", "bắc", BAOPHU_DATE_MIN);
	scene_unit(&scene, DISTRICT, "31261", "nam", BAOPHU_DATE_MIN);
	scene.level = 1;
	scene_unit(&scene, PROVINCE, "916", "Ninh Kiều", BAOPHU_DATE_MIN);
	office = scene_agent(&scene, "thoi-lai");
	post = scene_agent(&scene, "buu-dien");
	scene_grant(&scene, office, DISTRICT, 0, BAOPHU_DATE_MIN, BAOPHU_DATE_NONE);
	scene_grant(&scene, post, OTHER, 0, BAOPHU_DATE_MIN, BAOPHU_DATE_NONE);
	scene_day(&scene, day(20240502));
	cr_assert_eq(fold_settle(&scene.state), 0);
}

static void settle(void) { cr_assert_eq(fold_settle(&scene.state), 0); }

static void expect_count(uint32_t unit, uint16_t measure, uint32_t fresh, uint32_t declared, const char *what)
{
	struct liveness_count count = liveness_count(&scene.state.liveness, unit, measure);
	cr_assert(count.fresh == fresh && count.declared == declared, "%s: unit %u has %u of %u, not %u of %u", what, unit,
		  count.fresh, count.declared, fresh, declared);
	static struct baophu_row rows[COVERAGE_ROWS_MAX];
	struct baophu_record record;
	fold_unit_record(&scene.state, unit, rows, COVERAGE_ROWS_MAX, &record);
	const struct baophu_row *row = NULL;
	for (uint32_t i = 0; i < record.row_count && !row; i++)
		if (!strcmp(rows[i].measure, measures_get(&scene.state.registry.measures, measure)->code) &&
		    (rows[i].kind == BAOPHU_ROW_STOCK || rows[i].kind == BAOPHU_ROW_FLOW))
			row = &rows[i];
	cr_assert(row || !declared, "%s: unit %u has no row, though something is declared of it", what, unit);
	if (row)
		cr_assert(row->fresh == fresh && row->declared == declared, "%s: row of unit %u", what, unit);
}

static void expect_agent(uint32_t agent, uint32_t fresh, uint32_t due, uint32_t late, uint32_t silent)
{
	static const struct liveness_agent none;
	const struct liveness_agent *of = liveness_agent(&scene.state.liveness, agent);
	if (!of)
		of = &none;
	cr_assert(of->series[BAOPHU_FRESH] == fresh && of->series[BAOPHU_DUE] == due && of->series[BAOPHU_LATE] == late &&
		      of->series[BAOPHU_SILENT] == silent,
		  "fresh %u, due %u, late %u, silent %u", of->series[BAOPHU_FRESH], of->series[BAOPHU_DUE], of->series[BAOPHU_LATE],
		  of->series[BAOPHU_SILENT]);
}

static void report(uint32_t unit, uint16_t measure, uint32_t date)
{
	scene_fact(&scene, unit, measure, BAOPHU_WHOLE, measure == THU ? day(date) - 30 : day(date), day(date), 100, BAOPHU_FINAL);
	settle();
}

Test(liveness, one_line_covers_the_communes_of_an_office)
{
	begin();
	expect_count(PROVINCE, BHYT, 0, 0, "before");
	cr_assert_null(scene.state.liveness.units, "nothing is declared, and nothing is kept");
	scene_declare(&scene, office, DISTRICT, COMMUNE, BHYT, BAOPHU_MONTHLY, 25, 3);
	settle();
	expect_count(NORTH, BHYT, 1, 1, "declared");
	expect_count(DISTRICT, BHYT, 2, 2, "both communes, the district itself not");
	expect_count(PROVINCE, BHYT, 2, 2, "and above");
	expect_count(OTHER, BHYT, 0, 0, "not beside");
	expect_count(PROVINCE, BHTN, 0, 0, "not of another measure");
	scene_unit(&scene, DISTRICT, "31264", "mới", day(20240501)); /* of the level of the district */
	scene.level = COMMUNE;
	scene_unit(&scene, DISTRICT, "31267", "mới", day(20240501));
	settle();
	expect_count(DISTRICT, BHYT, 3, 3, "a commune that came later is covered");
	scene_finish(&scene);
}

Test(liveness, follows_the_days_and_the_figures)
{
	begin();
	scene_declare(&scene, office, DISTRICT, COMMUNE, BHYT, BAOPHU_MONTHLY, 25, 3);
	scene_declare(&scene, office, DISTRICT, 0, THU, BAOPHU_MONTHLY, 0, 10);
	scene_day(&scene, day(20240526));
	settle();
	expect_agent(office, 1, 2, 0, 0);
	report(NORTH, BHYT, 20240525);
	expect_count(PROVINCE, BHYT, 1, 2, "one has reported");
	expect_agent(office, 2, 1, 0, 0);
	report(SOUTH, BHYT, 20240524);
	expect_count(PROVINCE, BHYT, 1, 2, "a figure of another day is none for the closing");
	scene_fact(&scene, SOUTH, BHYT, BAOPHU_OWN, day(20240525), day(20240525), 1, BAOPHU_FINAL);
	scene_fact(&scene, SOUTH, BHYT, BAOPHU_WHOLE, day(20241231), day(20241231), 1, BAOPHU_ESTIMATE);
	settle();
	expect_count(PROVINCE, BHYT, 1, 2, "nor one of the other extent, nor an estimate of the year's end");
	scene_day(&scene, day(20240529));
	settle();
	expect_agent(office, 2, 0, 1, 0);
	scene_day(&scene, day(20240629));
	settle();
	expect_agent(office, 0, 0, 1, 2);
	report(SOUTH, BHYT, 20240625);
	report(DISTRICT, THU, 20240531);
	expect_agent(office, 2, 0, 1, 0);
	scene_withdraw(&scene, SOUTH, BHYT, BAOPHU_WHOLE, day(20240625));
	settle();
	expect_agent(office, 1, 0, 1, 1);
	scene_finish(&scene);
}

Test(liveness, a_silent_office_stays_so_until_it_reports)
{
	begin();
	scene_declare(&scene, office, NORTH, 0, BHYT, BAOPHU_DAILY, 0, 1);
	scene_day(&scene, day(20240505));
	settle();
	expect_agent(office, 0, 0, 0, 1);
	scene_declare(&scene, office, NORTH, 0, BHYT, BAOPHU_DAILY, 0, 1); /* said again, and nothing began anew */
	settle();
	expect_agent(office, 0, 0, 0, 1);
	scene_day(&scene, day(20250101));
	settle();
	expect_agent(office, 0, 0, 0, 1);
	report(NORTH, BHYT, 20241231);
	expect_agent(office, 1, 0, 0, 0);
	scene_declare(&scene, office, NORTH, 0, BHYT, BAOPHU_YEARLY, 0, 90); /* another rhythm takes the place of the one before */
	scene_day(&scene, day(20250301));
	settle();
	expect_agent(office, 1, 0, 0, 0);
	scene_finish(&scene);
}

Test(liveness, an_extent_is_a_series_of_its_own)
{
	begin();
	scene_begin(&scene);
	scene_add(&scene, &(struct entry){ .kind = ENTRY_DECLARE,
					   .declare = { .agent = office,
							.unit = NORTH,
							.extent = BAOPHU_OWN,
							.rhythm = BAOPHU_DAILY,
							.since = scene.state.registry.day } });
	scene_end(&scene, RECORD_UPDATE, office, 0, 0);
	scene_day(&scene, day(20240504));
	report(NORTH, BHYT, 20240503);
	expect_agent(office, 0, 0, 0, 3);
	scene_fact(&scene, NORTH, BHYT, BAOPHU_OWN, day(20240503), day(20240503), 5, BAOPHU_FINAL);
	settle();
	expect_agent(office, 1, 0, 0, 2);
	scene_finish(&scene);
}

/* Nothing that a sender says again and again may grow what is kept. */
Test(liveness, what_is_over_leaves_nothing_behind)
{
	begin();
	const struct registry *registry = &scene.state.registry;
	for (int round = 0; round < 50; round++) {
		scene_declare(&scene, office, DISTRICT, COMMUNE, BHYT, BAOPHU_MONTHLY, 25, 3);
		scene_declare(&scene, office, NORTH, 0, BHTN, BAOPHU_DAILY, 0, 3);
		settle();
		expect_agent(office, 3, 0, 0, 0);
		scene_declare(&scene, office, DISTRICT, COMMUNE, BHYT, BAOPHU_RHYTHM_NONE, 0, 0);
		scene_declare(&scene, office, DISTRICT, COMMUNE, BHYT, BAOPHU_RHYTHM_NONE, 0,
			      0); /* there is none: nothing happens */
		scene_declare(&scene, office, NORTH, 0, BHTN, BAOPHU_RHYTHM_NONE, 0, 0);
		settle();
		expect_agent(office, 0, 0, 0, 0);
	}
	cr_assert_eq(registry->declarations.count, 0);
	cr_assert_eq(registry->declarations.all.count, 2);
	cr_assert_eq(scene.state.liveness.units[PROVINCE].count_count, 0);
	cr_assert_gt(registry->reaches.count, 0);
	scene_day(&scene, day(20240503));
	settle();
	cr_assert_eq(registry->reaches.count, 0);
	scene_grant(&scene, post, SOUTH, 0, day(20240101), BAOPHU_DATE_NONE);
	cr_assert_eq(registry->reaches.count, 0, "nothing is declared that a grant could bear on");
	scene_finish(&scene);
}

Test(liveness, the_newest_word_of_the_owner_counts)
{
	begin();
	scene_declare(&scene, office, DISTRICT, COMMUNE, 0, BAOPHU_MONTHLY, 25, 3); /* all measures */
	scene_declare(&scene, office, NORTH, 0, BHYT, BAOPHU_DAILY, 0, 0);
	scene_day(&scene, day(20240510));
	settle();
	expect_agent(office, 5, 0, 0, 1);
	expect_count(NORTH, BHYT, 0, 1, "one series, whoever many declarations name it");
	scene_declare(&scene, office, NORTH, 0, BHYT, BAOPHU_RHYTHM_NONE, 0, 0);
	settle();
	expect_agent(office, 6, 0, 0, 0);
	expect_count(NORTH, BHYT, 1, 1, "what was said before counts again");
	/* A commune goes to the post office: what the district's office said of it is nobody's any more. */
	scene_grant(&scene, post, NORTH, 0, day(20240510), BAOPHU_DATE_NONE);
	settle();
	expect_agent(office, 3, 0, 0, 0);
	expect_count(DISTRICT, BHYT, 1, 1, "another owner");
	scene_declare(&scene, post, NORTH, 0, BHYT, BAOPHU_MONTHLY, 25, 3);
	settle();
	expect_agent(post, 1, 0, 0, 0);
	expect_agent(office, 3, 0, 0, 0);
	expect_count(DISTRICT, BHYT, 2, 2, "the new owner's word");
	scene_declare(&scene, office, DISTRICT, COMMUNE, 0, BAOPHU_RHYTHM_NONE, 0, 0);
	settle();
	expect_agent(office, 0, 0, 0, 0);
	expect_count(PROVINCE, BHYT, 1, 1, "removed");
	scene_finish(&scene);
}

Test(liveness, is_of_the_map_of_the_day)
{
	begin();
	scene_declare(&scene, office, DISTRICT, COMMUNE, BHYT, BAOPHU_MONTHLY, 0, 3);
	scene_begin(&scene); /* from June the south belongs to the other district, and the north is closed */
	scene_add(&scene, &(struct entry){ .kind = ENTRY_UNIT, .unit = { SOUTH, OTHER, COMMUNE, day(20240601), "31261", "nam" } });
	scene_add(&scene, &(struct entry){ .kind = ENTRY_UNIT_CLOSE, .unit_close = { .unit = NORTH, .from = day(20240701) } });
	scene_end(&scene, RECORD_UPDATE, 0, 0, 0);
	settle();
	expect_count(DISTRICT, BHYT, 2, 2, "in May");
	scene_day(&scene, day(20240601));
	settle();
	expect_count(DISTRICT, BHYT, 0, 1, "in June");
	expect_count(OTHER, BHYT, 0, 0, "moved to another owner's");
	scene_day(&scene, day(20240701));
	settle();
	expect_count(PROVINCE, BHYT, 0, 0, "in July");
	expect_agent(office, 0, 0, 0, 0);
	scene_finish(&scene);
}

Test(liveness, declarations_touch_what_they_speak_of)
{
	begin();
	const uint64_t *version = scene.state.version;
	uint64_t seq = scene_declare(&scene, office, DISTRICT, COMMUNE, BHYT, BAOPHU_MONTHLY, 25, 3);
	uint64_t before = version[OTHER];
	settle();
	cr_assert_eq(version[NORTH], seq);
	cr_assert_eq(version[SOUTH], seq);
	cr_assert_eq(version[DISTRICT], seq);
	cr_assert_eq(version[PROVINCE], seq);
	cr_assert_eq(version[OTHER], before);
	seq = scene_declare(&scene, office, NORTH, 0, BHYT, BAOPHU_DAILY, 0, 0);
	before = version[SOUTH];
	settle();
	cr_assert_eq(version[NORTH], seq);
	cr_assert_eq(version[SOUTH], before);
	seq = scene_declare(&scene, office, NORTH, 0, BHYT, BAOPHU_RHYTHM_NONE, 0, 0);
	settle();
	cr_assert_eq(version[NORTH], seq, "so does the end of one");
	scene_grant(&scene, post, SOUTH, 0, day(20240101), BAOPHU_DATE_NONE);
	settle();
	cr_assert_eq(version[SOUTH], scene.place.seq, "and a grant, which decides whose it is");
	cr_assert_eq(version[NORTH], seq);
	scene_finish(&scene);
}

Test(liveness, what_contradicts_the_registry_is_damage)
{
	begin();
	static const uint16_t twice[] = { 2, 2 }, unknown[] = { 9 };
	const struct entry_declare good = { .agent = office, .unit = NORTH, .extent = BAOPHU_WHOLE, .rhythm = BAOPHU_DAILY };
	for (int wrong = 0; wrong < 6; wrong++) {
		struct entry_declare declare = good;
		struct record_header header = { .place.seq = 1000 };
		if (wrong == 1)
			declare.unit = 99;
		if (wrong == 2)
			declare.agent = 99;
		if (wrong == 3)
			declare.closing_day = 3;
		if (wrong == 4)
			declare.measures = twice, declare.measure_count = 2;
		if (wrong == 5)
			declare.measures = unknown, declare.measure_count = 1;
		struct entry entry = { .kind = ENTRY_DECLARE, .declare = declare };
		cr_assert_eq(registry_apply(&scene.state.registry, &header, &entry, entry_id(1000, 0)),
			     wrong ? -BAOPHU_EDAMAGED : 0, "%d", wrong);
	}
	scene_finish(&scene);
}
