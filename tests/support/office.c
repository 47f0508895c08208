/* office.c - see office.h. */
#include "office.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include <baophu/date.h>

#include "mirror_file.h"

enum { UNITS_MAX = 9000 };

baophu_date office_day(uint32_t yyyymmdd)
{
	baophu_date date = baophu_date_from_civil(yyyymmdd);
	cr_assert_neq(date, BAOPHU_DATE_NONE);
	return date;
}

static void add(struct frames *frames, enum wire_query_kind kind, const struct wire_answer *answer)
{
	struct wire_answer whole = *answer;
	whole.text = whole.plan = "";
	whole.as_of = BAOPHU_DATE_NONE;
	cr_assert_eq(frames_add_answer(frames, kind, &whole), 0);
}

static void add_units(struct frames *frames, uint32_t more)
{
	baophu_date reform = office_day(20250701), old = office_day(20200101), before = reform - 1;
	const struct wire_former_unit town[] = { { 2, "20044", "Thị trấn A Lưới", old, before } };
	const struct wire_former_unit lam_dot[] = { { 5, "20101", "Xã Lâm Đớt", old, before },
						    { 12, "20098", "Xã Đông Sơn", old, before } };
	const struct wire_unit_info now[] = {
		{ 1, 2, "20056", "Xã A Lưới 1", "commune", "46", reform, BAOPHU_DATE_NONE, 0, NULL },
		{ 2, 2, "20044", "Xã A Lưới 2", "commune", "46", reform, BAOPHU_DATE_NONE, 1, town },
		{ 3, 2, "20071", "Xã A Lưới 3", "commune", "46", reform, BAOPHU_DATE_NONE, 0, NULL },
		{ 4, 2, "20050", "Xã A Lưới 5", "commune", "46", reform, BAOPHU_DATE_NONE, 0, NULL },
		{ 5, 2, "20101", "Xã A Lưới 4", "commune", "46", reform, BAOPHU_DATE_NONE, 2, lam_dot },
		{ 6, 3, "20101.1", "Thôn A Tin", "village", "20101", old, BAOPHU_DATE_NONE, 0, NULL },
		{ 7, 3, "20101.2", "Thôn Loah Ta Vai", "village", "20101", old, BAOPHU_DATE_NONE, 0, NULL },
		{ 8, 2, "00457", "Phường Thủy Hòa", "commune", "46", old, BAOPHU_DATE_NONE, 0, NULL },
	};
	const struct wire_unit_info then[] = {
		{ 2, 3, "20044", "Thị trấn A Lưới", "commune", "481", old, before, 0, NULL },
		{ 5, 3, "20101", "Xã Lâm Đớt", "commune", "481", old, before, 0, NULL },
		{ 12, 3, "20098", "Xã Đông Sơn", "commune", "481", old, before, 0, NULL },
	};
	struct wire_answer answer = { .unit_count = sizeof now / sizeof *now, .units = now, .tree_date = office_day(OFFICE_DAY) };
	add(frames, WIRE_QUERY_UNITS, &answer);
	answer = (struct wire_answer){ .unit_count = sizeof then / sizeof *then, .units = then, .tree_date = before };
	add(frames, WIRE_QUERY_UNITS, &answer);

	struct wire_unit_info *units = calloc(more + 1, sizeof *units);
	char(*texts)[2][24] = calloc(more + 1, sizeof *texts);
	for (uint32_t i = 0; i < more; i++) {
		snprintf(texts[i][0], sizeof texts[i][0], "T%05u", i);
		snprintf(texts[i][1], sizeof texts[i][1], "Thôn %u", i);
		units[i] = (struct wire_unit_info){ 100 + i, 3,   texts[i][0],      texts[i][1], "village",
						    "20101", old, BAOPHU_DATE_NONE, 0,           NULL };
	}
	answer = (struct wire_answer){ .unit_count = more, .units = units, .tree_date = office_day(OFFICE_DAY) };
	add(frames, WIRE_QUERY_UNITS, &answer);
	free(units);
	free(texts);
}

static void add_names(struct frames *frames)
{
	const struct wire_measure_set measures[] = {
		{ "bhyt", "BHYT", "Health insurance", "người", "people", "", BAOPHU_STOCK },
		{ "bhxh", "BHXH", "Social insurance", "người", "people", "", BAOPHU_STOCK },
		{ "bhxh_bb", "BHXH bắt buộc", "Compulsory social insurance", "người", "people", "bhxh", BAOPHU_STOCK },
		{ "bhxh_tn", "BHXH tự nguyện", "Voluntary social insurance", "người", "people", "bhxh", BAOPHU_STOCK },
		{ "danso", "Dân số", "Population", "người", "people", "", BAOPHU_STOCK },
		{ "sukien", "Hội nghị, buổi tuyên truyền", "Outreach events", "cuộc", "events", "", BAOPHU_FLOW },
		{ "thu", "Số thu BHXH", "Money collected", "đồng", "dong", "", BAOPHU_FLOW },
	};
	const struct wire_indicator_set indicators[] = { { "bhyt_baophu", "Tỷ lệ bao phủ BHYT", "Health insurance coverage", "bhyt",
							   "danso" } };
	const struct wire_answer answer = { .measure_count = sizeof measures / sizeof *measures,
					    .measures = measures,
					    .indicator_count = 1,
					    .indicators = indicators,
					    .tree_date = BAOPHU_DATE_NONE };
	add(frames, WIRE_QUERY_MEASURES, &answer);
}

static void add_plans(struct frames *frames)
{
	baophu_date from = office_day(20250101), to = office_day(20251231), half = office_day(20250930);
	static const char *const units[] = { "20044", "20050", "20056", "20071", "20101" };
	struct wire_plan_info plans[15];
	for (int i = 0; i < 5; i++) {
		plans[3 * i] = (struct wire_plan_info){ { "nam-2025", units[i], "bhyt", "BHXH TP Huế", "45/QĐ-BHXH",
							  BAOPHU_PLAN_STOCK, from, to, 7000 + 100 * i, 0, BAOPHU_REPORTED, false },
							1,
							3 };
		plans[3 * i + 1] = (struct wire_plan_info){ { "nam-2025", units[i], "bhxh_tn", "BHXH TP Huế", "45/QĐ-BHXH",
							      BAOPHU_PLAN_STOCK, from, to, 210 + i, 0, BAOPHU_REPORTED, false },
							    1,
							    3 };
		plans[3 * i + 2] = (struct wire_plan_info){ { "dot2-2025", units[i], "bhxh_tn", "", "", BAOPHU_PLAN_STOCK,
							      half - 90, half, 190, 0, BAOPHU_REPORTED, false },
							    1,
							    3 };
	}
	const struct wire_answer answer = { .plan_count = 15, .plans = plans, .tree_date = BAOPHU_DATE_NONE };
	add(frames, WIRE_QUERY_PLANS, &answer);
}

static void add_grants(struct frames *frames)
{
	baophu_date old = office_day(20200101);
	static const char *const danso[] = { "danso" };
	struct wire_grant_info ours[] = {
		{ .unit = "20044" }, { .unit = "20050" }, { .unit = "20056" }, { .unit = "20071" },
		{ .unit = "20101" }, { .unit = "00457" }, { .unit = "20098" },
	};
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
		ours[i].from = old;
		ours[i].until = i == 6 ? office_day(20250630) : BAOPHU_DATE_NONE;
		ours[i].seq = 5;
	}
	const struct wire_grant_info theirs[] = { { "20101", 1, danso, BAOPHU_EXTENT_ANY, old, BAOPHU_DATE_NONE, 9 } };
	const struct wire_agent_info agents[] = {
		{ .name = "a-luoi",
		  .from = old,
		  .until = BAOPHU_DATE_NONE,
		  .grant_count = sizeof ours / sizeof *ours,
		  .grants = ours },
		{ .name = "so-yte", .from = old, .until = BAOPHU_DATE_NONE, .grant_count = 1, .grants = theirs },
	};
	const struct wire_answer answer = { .agent_count = 2, .agents = agents, .tree_date = BAOPHU_DATE_NONE };
	add(frames, WIRE_QUERY_AGENTS, &answer);
}

static void add_figures(struct frames *frames)
{
	static const struct {
		const char *unit, *measure;
		uint32_t from, to;
		int64_t value;
	} said[] = {
		{ "20044", "bhyt", 0, 20250731, 6512 }, { "20050", "bhyt", 0, 20250731, 5120 },
		{ "20056", "bhyt", 0, 20250731, 6044 }, { "20071", "bhyt", 0, 20250715, 7001 },
		{ "20101", "bhyt", 0, 20250731, 6890 }, { "20044", "bhxh_tn", 0, 20250731, 188 },
		{ "20101", "bhxh_tn", 0, 20250731, 0 }, { "20044", "sukien", 20250701, 20250731, 3 },
	};
	struct wire_fact_version facts[sizeof said / sizeof *said];
	for (size_t i = 0; i < sizeof said / sizeof *said; i++)
		facts[i] = (struct wire_fact_version){ .unit = said[i].unit,
						       .measure = said[i].measure,
						       .agent = "",
						       .extent = BAOPHU_WHOLE,
						       .from = office_day(said[i].from ? said[i].from : said[i].to),
						       .to = office_day(said[i].to),
						       .value = said[i].value,
						       .status = BAOPHU_FINAL,
						       .origin = BAOPHU_REPORTED,
						       .bound = BAOPHU_EXACT,
						       .stands = true };
	const struct wire_answer answer = { .fact_count = sizeof facts / sizeof *facts,
					    .facts = facts,
					    .tree_date = office_day(OFFICE_DAY) };
	add(frames, WIRE_QUERY_HISTORY, &answer);
}

static struct baophu_row stock(const char *measure, uint32_t date, int64_t value)
{
	struct baophu_row row = { BAOPHU_ROW_SAYS_NOTHING, .kind = BAOPHU_ROW_STOCK, .state = BAOPHU_STATE_NO_REPORT };
	strcpy(row.measure, measure);
	if (value == BAOPHU_ABSENT)
		return row;
	row.state = BAOPHU_STATE_REPORTED;
	row.from = row.to = row.oldest = row.whole_to = office_day(date);
	row.value = row.whole = value;
	row.basis = BAOPHU_BASIS_WHOLE;
	row.status = BAOPHU_FINAL;
	row.origin = BAOPHU_REPORTED;
	row.bound = BAOPHU_EXACT;
	row.estimated = 0;
	return row;
}

static struct baophu_row against(const struct baophu_row *figure, const char *plan, int64_t target, enum baophu_state state)
{
	struct baophu_row row = *figure;
	row.kind = BAOPHU_ROW_PLAN;
	row.whole = row.estimated = BAOPHU_ABSENT;
	row.whole_to = BAOPHU_DATE_NONE;
	row.state = state;
	strcpy(row.plan, plan);
	row.plan_state = BAOPHU_PLAN_OWN;
	row.target = row.denominator = target;
	row.numerator = row.value;
	strcpy(row.denominator_measure, "plan");
	row.remaining = row.value == BAOPHU_ABSENT ? BAOPHU_ABSENT : target - row.value;
	return row;
}

static void add_records(struct frames *frames)
{
	static const struct {
		uint32_t number;
		const char *unit, *name;
		int64_t bhyt, plan, bhxh_tn, target;
	} units[] = {
		{ 2, "20044", "Xã A Lưới 2", 6512, 7000, 188, 210 },
		{ 4, "20050", "Xã A Lưới 5", 5120, 7100, BAOPHU_ABSENT, 211 },
		{ 1, "20056", "Xã A Lưới 1", 6044, 7200, BAOPHU_ABSENT, 212 },
		{ 3, "20071", "Xã A Lưới 3", 7001, 7300, BAOPHU_ABSENT, 213 },
		{ 5, "20101", "Xã A Lưới 4", 6890, 7400, 0, 214 },
	};
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		struct baophu_row rows[4] = { stock("bhyt", 20250731, units[i].bhyt) };
		rows[1] = against(&rows[0], "nam-2025", units[i].plan, BAOPHU_STATE_HALF);
		rows[2] = stock("bhxh_tn", 20250731, units[i].bhxh_tn);
		rows[3] = against(&rows[2], "nam-2025", units[i].target,
				  units[i].bhxh_tn == BAOPHU_ABSENT ? BAOPHU_STATE_NO_REPORT
				  : units[i].bhxh_tn                ? BAOPHU_STATE_HALF
								    : BAOPHU_STATE_ZERO);
		struct baophu_record record = { .unit_number = units[i].number,
						.version = 40,
						.level = "commune",
						.parent = "46",
						.depth = 2,
						.date = office_day(OFFICE_DAY),
						.seq = 41,
						.row_count = 4,
						.rows = rows };
		snprintf(record.unit, sizeof record.unit, "%s", units[i].unit);
		snprintf(record.name, sizeof record.name, "%s", units[i].name);
		cr_assert_eq(frames_add_record(frames, &record), 0);
	}
}

struct mirror *office_mirror_with(uint32_t count)
{
	struct frames frames = { 0 };
	/* 14:05 in Vietnam on the day. */
	int64_t taken_ms = ((int64_t)office_day(OFFICE_DAY) * 24 * 60 + 7 * 60 + 5) * 60000;
	struct mirror_head head = { .agent = "a-luoi",
				    .store = "0123456789abcdef",
				    .place = { .seq = 41 },
				    .day = office_day(OFFICE_DAY),
				    .taken_ms = taken_ms,
				    .complete_ms = taken_ms };
	struct mirror *mirror = NULL;
	add_units(&frames, count);
	add_names(&frames);
	add_plans(&frames);
	add_grants(&frames);
	add_figures(&frames);
	add_records(&frames);
	cr_assert_eq(mirror_build(&head, &frames, &mirror), 0);
	frames_finish(&frames);
	mirror->names.vietnamese = true;
	return mirror;
}

struct mirror *office_mirror(void) { return office_mirror_with(0); }
