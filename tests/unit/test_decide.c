/* test_decide.c - the verdict on one update: every row of what bad input gets, which answer wins, and what administrators' entries see. */
#include "decide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "scene.h"

enum { BUFFER_BYTES = 4 << 20 };

/* A small country: VN > 92 > 927, 916; agents control, can-tho (92 and below), thoi-lai (927); the business day is 1 May 2024. */
enum { VN = 1, U92, U927, U916 };
enum { STOCK = 1, FLOW, PART, OTHER_STOCK };
enum { CAN_THO = 2, THOI_LAI };

struct place_of_test {
	struct scene scene;
	struct decide *decide;
	uint8_t *buffer;
	struct entry *entries; /* decided by the last call */
	uint32_t entry_count;
	size_t record_bytes;
	struct decision decision;
	/* What the look-ups say. */
	int restore_error;
	uint64_t restored_id;
	struct figure restored;
	int versions_error, version_count, versions_asked;
	struct fact_version versions[4];
	struct wire_payload held;
};
static struct place_of_test t;

static void say(const struct entry *entry)
{
	scene_begin(&t.scene);
	scene_add(&t.scene, entry);
	scene_end(&t.scene, RECORD_UPDATE, 0, 0, 0);
}

static void say_agent(uint32_t number, const char *name)
{
	say(&(struct entry){ .kind = ENTRY_AGENT, .agent = { number, BAOPHU_DATE_MIN, BAOPHU_DATE_NONE, name } });
}

static void say_grant(uint32_t agent, uint32_t unit, uint16_t measure, uint8_t extent, baophu_date from, baophu_date until)
{
	say(&(struct entry){ .kind = ENTRY_GRANT,
			     .grant = { .agent = agent,
					.unit = unit,
					.extent = extent,
					.from = from,
					.until = until,
					.measure_count = measure ? 1 : 0,
					.measures = &measure } });
}

static void begin(void)
{
	baophu_date old = day(20040101);
	scene_init(&t.scene);
	scene_measure(&t.scene, "so", BAOPHU_STOCK, 0);
	scene_measure(&t.scene, "luong", BAOPHU_FLOW, 0);
	scene_measure(&t.scene, "phan", BAOPHU_STOCK, STOCK);
	scene_measure(&t.scene, "khac", BAOPHU_STOCK, 0);
	scene_indicator(&t.scene, "tyle", STOCK, OTHER_STOCK);
	scene_unit(&t.scene, 0, "VN", "Việt Nam", old);
	scene_unit(&t.scene, VN, "92", "Cần Thơ", old);
	scene_unit(&t.scene, U92, "927", "Thới Lai", day(20081201));
	scene_unit(&t.scene, U92, "916", "Ninh Kiều", old);
	say_agent(AGENT_CONTROL, AGENT_CONTROL_NAME);
	say_agent(CAN_THO, "can-tho");
	say_agent(THOI_LAI, "thoi-lai");
	say_grant(CAN_THO, U92, 0, BAOPHU_EXTENT_ANY, old, BAOPHU_DATE_NONE);
	say_grant(THOI_LAI, U927, 0, BAOPHU_EXTENT_ANY, old, BAOPHU_DATE_NONE);
	scene_plan(&t.scene, 0, "nam-2024", U92, BAOPHU_PLAN_STOCK, STOCK, day(20240101), day(20241231), 100, 0);
	scene_day(&t.scene, day(20240501));
	t.buffer = malloc(BUFFER_BYTES);
	t.entries = calloc(BAOPHU_BATCH_ENTRIES_MAX, sizeof *t.entries);
	cr_assert_eq(decide_create(&t.decide), 0);
}

static void end(void)
{
	decide_destroy(t.decide);
	scene_finish(&t.scene);
	free(t.buffer);
	free(t.entries);
}

static int restore(void *context, const struct slot *slot, uint64_t withdrawn_id, uint64_t *ret_id, struct figure *ret_figure)
{
	(void)context;
	(void)slot;
	(void)withdrawn_id;
	*ret_id = t.restored_id;
	*ret_figure = t.restored;
	return t.restore_error;
}

static int versions(void *context, const struct slot *slot, const struct fact_version **ret_versions, int *ret_count)
{
	(void)context;
	(void)slot;
	t.versions_asked++;
	*ret_versions = t.versions;
	*ret_count = t.version_count;
	return t.versions_error;
}

static int held(void *context, uint64_t seq, struct wire_payload *ret_payload)
{
	(void)context;
	(void)seq;
	*ret_payload = t.held;
	return 0;
}

static int find_place(void *context, uint64_t seq, struct baophu_place *ret_place)
{
	(void)context;
	if (seq > t.scene.place.seq)
		return -BAOPHU_ENOTFOUND;
	*ret_place = (struct baophu_place){ .seq = seq, .digest = { (uint8_t)seq } };
	return 0;
}

/* Decides; t.decision and, when applied, t.entries say what came of it. */
static enum baophu_code decide_as(uint32_t agent, const struct wire_entry *entries, uint32_t count, bool is_import)
{
	const struct decide_lookups lookups = { NULL, restore, versions, held, find_place };
	struct record_writer writer;
	record_begin(&writer, t.buffer, BUFFER_BYTES);
	struct decide_question question = { .state = &t.scene.state,
					    .lookups = &lookups,
					    .writer = &writer,
					    .seq = t.scene.place.seq + 1,
					    .agent = agent,
					    .is_control = agent == AGENT_CONTROL,
					    .is_import = is_import,
					    .entry_count = count };
	uint64_t digest = fold_digest(&t.scene.state);
	decide_begin(t.decide, &question);
	for (uint32_t at = 0; at < count; at += BAOPHU_ENTRIES_MAX) /* in parts, as an import comes */
		decide_entries(t.decide, entries + at, count - at < BAOPHU_ENTRIES_MAX ? count - at : BAOPHU_ENTRIES_MAX);
	cr_assert_eq(decide_end(t.decide, &t.decision), 0);
	cr_assert_eq(fold_digest(&t.scene.state), digest, "deciding changes nothing");
	t.entry_count = 0;
	if (t.decision.verdict == BAOPHU_APPLIED) {
		struct record_header header = { .kind = RECORD_UPDATE, .verdict = BAOPHU_APPLIED, .entry = UINT32_MAX };
		struct record_cursor cursor;
		ssize_t bytes = record_seal(&writer, &header, &t.scene.place);
		cr_assert(bytes > 0);
		t.record_bytes = (size_t)bytes;
		cr_assert_eq(record_open(t.buffer, (size_t)bytes, &header, &cursor), 0);
		while (record_next(&cursor, &t.entries[t.entry_count]) == 1)
			t.entry_count++;
		cr_assert_eq(cursor.error, 0);
		cr_assert_eq(t.entry_count, header.entry_count);
	}
	return t.decision.code;
}
static enum baophu_code decide_one(uint32_t agent, struct wire_entry entry) { return decide_as(agent, &entry, 1, false); }

/* What was decided becomes the state. */
static void fold_decided(void)
{
	struct record_header header;
	cr_assert_eq(t.decision.verdict, BAOPHU_APPLIED);
	cr_assert_eq(record_read_header(t.buffer, t.record_bytes, &header), 0);
	cr_assert_eq(fold_record(&t.scene.state, t.buffer, t.record_bytes), 0);
	t.scene.place = header.place;
}

static struct wire_entry fact(const char *unit, const char *measure, uint32_t from, uint32_t to, int64_t value)
{
	return (struct wire_entry){ .kind = WIRE_FACT,
				    .fact = { .unit = unit,
					      .measure = measure,
					      .extent = BAOPHU_WHOLE,
					      .from = day(from),
					      .to = day(to),
					      .value = value,
					      .status = BAOPHU_FINAL,
					      .origin = BAOPHU_REPORTED,
					      .bound = BAOPHU_EXACT } };
}
static struct wire_entry stock(const char *unit, uint32_t date, int64_t value) { return fact(unit, "so", date, date, value); }
static struct wire_entry withdrawal(const char *unit, uint32_t date)
{
	struct wire_entry entry = stock(unit, date, BAOPHU_ABSENT);
	entry.kind = WIRE_WITHDRAWAL;
	return entry;
}
static struct wire_entry create(const char *code, const char *parent, uint32_t date)
{
	return (struct wire_entry){ .kind = WIRE_UNIT_CREATE, .unit_create = { code, code, "place", parent, day(date) } };
}
static struct wire_entry change(const char *unit, uint32_t date, const char *code, const char *parent)
{
	return (struct wire_entry){
		.kind = WIRE_UNIT_CHANGE,
		.unit_change = { .unit = unit, .code = code, .name = "", .level = "", .parent = parent, .date = day(date) }
	};
}
static struct wire_entry grant(const char *agent, const char *unit)
{
	return (struct wire_entry){ .kind = WIRE_GRANT,
				    .grant = { .agent = agent, .unit = unit, .from = day(20040101), .until = BAOPHU_DATE_NONE } };
}

TestSuite(decide, .init = begin, .fini = end);

/* ---- facts ---- */

Test(decide, a_fact_becomes_numbers)
{
	cr_assert_eq(decide_one(CAN_THO, fact("92", "luong", 20240101, 20240331, 5)), BAOPHU_CODE_NONE);
	cr_assert_eq(t.decision.verdict, BAOPHU_APPLIED);
	cr_assert_eq(t.decision.entry, UINT32_MAX);
	cr_assert_eq(t.entry_count, 1);
	const struct entry_fact *said = &t.entries[0].fact;
	cr_assert_eq(t.entries[0].kind, ENTRY_FACT);
	cr_assert_eq(said->slot.unit, U92);
	cr_assert_eq(said->slot.measure, FLOW);
	cr_assert_eq(said->slot.extent, BAOPHU_WHOLE);
	cr_assert_eq(said->slot.from, day(20240101));
	cr_assert_eq(said->slot.to, day(20240331));
	cr_assert_eq(said->figure.value, 5);
	cr_assert_eq(said->figure.status, BAOPHU_FINAL);
	cr_assert_str_eq(said->sent_code, "");
	cr_assert(!t.decision.changes_registry);
}

Test(decide, an_unknown_measure_is_refused_and_the_entry_named)
{
	struct wire_entry entries[] = { stock("92", 20240430, 1), fact("92", "khong", 20240430, 20240430, 1) };
	cr_assert_eq(decide_as(CAN_THO, entries, 2, false), BAOPHU_CODE_MEASURE_UNKNOWN);
	cr_assert_eq(t.decision.verdict, BAOPHU_REFUSED);
	cr_assert_eq(t.decision.entry, 1);
}

Test(decide, a_stock_has_one_day_and_a_flow_may_have_many)
{
	cr_assert_eq(decide_one(CAN_THO, fact("92", "so", 20240401, 20240430, 1)), BAOPHU_CODE_PERIOD);
	cr_assert_eq(decide_one(CAN_THO, fact("92", "luong", 20240401, 20240430, 1)), BAOPHU_CODE_NONE);
}

Test(decide, the_nearest_grant_up_the_tree_owns)
{
	cr_assert_eq(decide_one(CAN_THO, stock("916", 20240430, 1)), BAOPHU_CODE_NONE);
	cr_assert_eq(decide_one(CAN_THO, stock("927", 20240430, 1)), BAOPHU_CODE_NOT_OWNER);
	cr_assert_eq(t.decision.verdict, BAOPHU_REFUSED);
	cr_assert_eq(decide_one(THOI_LAI, stock("927", 20240430, 1)), BAOPHU_CODE_NONE);
	cr_assert_eq(decide_one(THOI_LAI, stock("92", 20240430, 1)), BAOPHU_CODE_NOT_OWNER);
	cr_assert_eq(decide_one(AGENT_CONTROL, stock("92", 20240430, 1)), BAOPHU_CODE_NOT_OWNER,
		     "an administrator reports only what is granted");
}

Test(decide, grants_have_measures_extents_and_dates)
{
	say_grant(THOI_LAI, U916, OTHER_STOCK, BAOPHU_OWN, day(20240101), day(20240331));
	struct wire_entry entry = fact("916", "khac", 20240331, 20240331, 1);
	entry.fact.extent = BAOPHU_OWN;
	cr_assert_eq(decide_one(THOI_LAI, entry), BAOPHU_CODE_NONE);
	cr_assert_eq(decide_one(CAN_THO, entry), BAOPHU_CODE_NOT_OWNER);
	entry.fact.extent = BAOPHU_WHOLE;
	cr_assert_eq(decide_one(CAN_THO, entry), BAOPHU_CODE_NONE);
	entry = fact("916", "khac", 20240401, 20240401, 1);
	entry.fact.extent = BAOPHU_OWN;
	cr_assert_eq(decide_one(CAN_THO, entry), BAOPHU_CODE_NONE);
	cr_assert_eq(decide_one(CAN_THO, stock("916", 20240331, 1)), BAOPHU_CODE_NONE);
}

Test(decide, nobody_granted_holds)
{
	cr_assert_eq(decide_one(CAN_THO, stock("VN", 20240430, 1)), BAOPHU_CODE_NO_OWNER);
	cr_assert_eq(t.decision.verdict, BAOPHU_HELD);
	cr_assert_eq(t.decision.entry, 0);
}

Test(decide, unknown_units_and_units_not_valid_on_the_date_hold)
{
	cr_assert_eq(decide_one(CAN_THO, stock("999", 20240430, 1)), BAOPHU_CODE_UNIT_UNKNOWN);
	cr_assert_eq(t.decision.verdict, BAOPHU_HELD);
	cr_assert_eq(decide_one(CAN_THO, stock("927", 20081130, 1)), BAOPHU_CODE_UNIT_NOT_VALID);
	cr_assert_eq(t.decision.verdict, BAOPHU_HELD);
	cr_assert_eq(decide_one(THOI_LAI, stock("927", 20081201, 1)), BAOPHU_CODE_NONE);
}

Test(decide, a_held_update_suggests_the_successor)
{
	struct entry_successor successor = { U916, 1 };
	say(&(struct entry){ .kind = ENTRY_UNIT_CLOSE, .unit_close = { U927, day(20240401), 1, &successor } });
	cr_assert_eq(decide_one(THOI_LAI, stock("927", 20240430, 1)), BAOPHU_CODE_UNIT_NOT_VALID);
	cr_assert_str_eq(t.decision.suggestion, "916");
	cr_assert_eq(decide_one(THOI_LAI, stock("927", 20240331, 1)), BAOPHU_CODE_NONE,
		     "a report of the time before is routed by its date");
}

Test(decide, dates_ahead_wait_by_status)
{
	static const struct {
		uint32_t to;
		enum baophu_status status;
		enum baophu_code code;
	} cases[] = {
		{ 20240502, BAOPHU_FINAL, BAOPHU_CODE_NONE },       { 20240503, BAOPHU_FINAL, BAOPHU_CODE_CLOCK },
		{ 20240502, BAOPHU_PROVISIONAL, BAOPHU_CODE_NONE }, { 20240503, BAOPHU_PROVISIONAL, BAOPHU_CODE_CLOCK },
		{ 20250605, BAOPHU_ESTIMATE, BAOPHU_CODE_NONE },    { 20250606, BAOPHU_ESTIMATE, BAOPHU_CODE_CLOCK },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct wire_entry entry = stock("92", cases[i].to, 1);
		entry.fact.status = cases[i].status;
		cr_assert_eq(decide_one(CAN_THO, entry), cases[i].code, "%zu", i);
		cr_assert_eq(t.decision.verdict, cases[i].code ? BAOPHU_VERDICT_NONE : BAOPHU_APPLIED);
	}
}

Test(decide, retry_over_refused_over_held_and_the_first_of_equals)
{
	struct wire_entry held_one = stock("999", 20240430, 1), held_two = stock("VN", 20240430, 1),
			  refused = stock("927", 20240430, 1), refused_two = fact("92", "khong", 20240430, 20240430, 1),
			  late = stock("92", 20300101, 1);
	struct wire_entry all[] = { held_one, held_two, refused, refused_two, late };
	cr_assert_eq(decide_as(CAN_THO, all, 5, false), BAOPHU_CODE_CLOCK);
	cr_assert_eq(t.decision.entry, 4);
	cr_assert_eq(decide_as(CAN_THO, all, 4, false), BAOPHU_CODE_NOT_OWNER);
	cr_assert_eq(t.decision.entry, 2);
	cr_assert_eq(t.decision.verdict, BAOPHU_REFUSED);
	cr_assert_str_eq(t.decision.suggestion, "");
	cr_assert_eq(decide_as(CAN_THO, all, 2, false), BAOPHU_CODE_UNIT_UNKNOWN);
	cr_assert_eq(t.decision.entry, 0);
	cr_assert_eq(decide_as(CAN_THO, all + 1, 1, false), BAOPHU_CODE_NO_OWNER);
}

Test(decide, one_slot_twice_in_an_update_is_a_duplicate)
{
	enum { COUNT = 5000 };
	struct wire_entry *entries = calloc(COUNT, sizeof *entries);
	for (int i = 0; i < COUNT; i++) {
		entries[i] = stock("92", 20100101, i);
		entries[i].fact.from = entries[i].fact.to = day(20100101) + i;
	}
	cr_assert_eq(decide_as(CAN_THO, entries, COUNT, true), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entry_count, COUNT);
	entries[COUNT - 1].fact.from = entries[COUNT - 1].fact.to = day(20100101) + 3;
	cr_assert_eq(decide_as(CAN_THO, entries, COUNT, true), BAOPHU_CODE_DUPLICATE);
	cr_assert_eq(t.decision.entry, COUNT - 1);
	entries[COUNT - 1].fact.extent = BAOPHU_OWN;
	cr_assert_eq(decide_as(CAN_THO, entries, COUNT, true), BAOPHU_CODE_NONE, "extents are separate series");
	free(entries);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(decide_one(CAN_THO, stock("92", 20240430, i)), BAOPHU_CODE_NONE, "another update may say it again");
}

Test(decide, an_import_is_never_held)
{
	struct wire_entry entry = stock("999", 20240430, 1);
	cr_assert_eq(decide_as(CAN_THO, &entry, 1, true), BAOPHU_CODE_UNIT_UNKNOWN);
	cr_assert_eq(t.decision.verdict, BAOPHU_REFUSED);
}

Test(decide, what_it_remembers_follows_the_registry)
{
	cr_assert_eq(decide_one(THOI_LAI, stock("927", 20240430, 1)), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entries[0].fact.slot.unit, U927);
	/* The code goes to a new unit on 1 April: the same words mean something else now. */
	say(&(struct entry){ .kind = ENTRY_UNIT, .unit = { U927, U92, 1, day(20240401), "928", "Thới Lai" } });
	uint32_t other = scene_unit(&t.scene, U92, "927", "Khác", day(20240401));
	cr_assert_eq(decide_one(CAN_THO, stock("927", 20240430, 1)), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entries[0].fact.slot.unit, other);
	cr_assert_eq(decide_one(THOI_LAI, stock("927", 20240331, 1)), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entries[0].fact.slot.unit, U927);
	cr_assert_eq(decide_one(THOI_LAI, stock("928", 20240401, 1)), BAOPHU_CODE_NONE);
	/* The grant moves without the map. */
	say_grant(CAN_THO, U927, 0, BAOPHU_EXTENT_ANY, day(20040101), BAOPHU_DATE_NONE);
	cr_assert_eq(decide_one(THOI_LAI, stock("928", 20240401, 1)), BAOPHU_CODE_NOT_OWNER);
}

/* ---- withdrawals ---- */

Test(decide, a_withdrawal_says_what_stands_again)
{
	cr_assert_eq(decide_one(CAN_THO, withdrawal("92", 20240430)), BAOPHU_CODE_NOTHING_STANDS);
	cr_assert_eq(t.decision.verdict, BAOPHU_REFUSED);
	scene_fact(&t.scene, U92, STOCK, BAOPHU_WHOLE, day(20240430), day(20240430), 7, BAOPHU_PROVISIONAL);
	uint64_t seq = scene_fact(&t.scene, U92, STOCK, BAOPHU_WHOLE, day(20240430), day(20240430), 9, BAOPHU_FINAL);
	t.restored_id = entry_id(seq - 1, 0);
	t.restored = (struct figure){ 7, BAOPHU_PROVISIONAL, BAOPHU_REPORTED, BAOPHU_EXACT, 0 };
	cr_assert_eq(decide_one(CAN_THO, withdrawal("92", 20240430)), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entries[0].kind, ENTRY_WITHDRAWAL);
	cr_assert_eq(t.entries[0].withdrawal.withdrawn_id, entry_id(seq, 0));
	cr_assert_eq(t.entries[0].withdrawal.restored_id, t.restored_id);
	cr_assert_eq(t.entries[0].withdrawal.restored.value, 7);
	fold_decided();
	struct slot slot = { U92, STOCK, BAOPHU_WHOLE, day(20240430), day(20240430) };
	cr_assert_eq(fact_value(facts_slot(&t.scene.state.facts, &slot)), 7);
}

Test(decide, a_withdrawal_waits_for_the_history_and_never_guesses)
{
	scene_fact(&t.scene, U92, STOCK, BAOPHU_WHOLE, day(20240430), day(20240430), 7, BAOPHU_FINAL);
	t.restore_error = -BAOPHU_EGAP;
	cr_assert_eq(decide_one(CAN_THO, withdrawal("92", 20240430)), BAOPHU_CODE_BUSY);
	cr_assert_eq(t.decision.verdict, BAOPHU_VERDICT_NONE);
	t.restore_error = 0;
	cr_assert_eq(decide_one(THOI_LAI, withdrawal("92", 20240430)), BAOPHU_CODE_NOT_OWNER);
	struct wire_entry both[] = { stock("92", 20240430, 1), withdrawal("92", 20240430) };
	cr_assert_eq(decide_as(CAN_THO, both, 2, false), BAOPHU_CODE_DUPLICATE);
}

Test(decide, withdrawals_and_administration_need_the_batch_before_them_settled)
{
	struct wire_entry entries[] = {
		stock("92", 20240430, 1), { .kind = WIRE_RATE }, withdrawal("92", 20240430), create("1", "VN", 20240101)
	};
	cr_assert(!decide_needs_settled(entries, 2));
	cr_assert(decide_needs_settled(entries, 3));
	cr_assert(decide_needs_settled(entries + 3, 1));
	cr_assert(!decide_needs_settled(entries, 0));
}

/* ---- published rates ---- */

static struct wire_entry rate(enum baophu_denominator denominator, const char *over)
{
	return (struct wire_entry){ .kind = WIRE_RATE,
				    .rate = { .unit = "92",
					      .measure = "so",
					      .over = over,
					      .denominator = denominator,
					      .from = day(20240430),
					      .to = day(20240430),
					      .digits = 9262,
					      .decimals = 2,
					      .status = BAOPHU_FINAL,
					      .bound = BAOPHU_EXACT } };
}

Test(decide, a_published_rate_names_its_denominator)
{
	cr_assert_eq(decide_one(CAN_THO, rate(BAOPHU_OVER_UNSTATED, "")), BAOPHU_CODE_NONE);
	cr_assert_eq(decide_one(CAN_THO, rate(BAOPHU_OVER_PLAN, "")), BAOPHU_CODE_NONE);
	cr_assert_eq(decide_one(CAN_THO, rate(BAOPHU_OVER_PLAN, "nam-2024")), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entries[0].rate.over_plan, 1);
	cr_assert_eq(t.entries[0].rate.digits, 9262);
	cr_assert_eq(decide_one(CAN_THO, rate(BAOPHU_OVER_PLAN, "nam-2099")), BAOPHU_CODE_PLAN_UNKNOWN);
	cr_assert_eq(t.decision.verdict, BAOPHU_HELD);
	cr_assert_eq(decide_one(CAN_THO, rate(BAOPHU_OVER_MEASURE, "khac")), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entries[0].rate.over_measure, OTHER_STOCK);
	cr_assert_eq(decide_one(CAN_THO, rate(BAOPHU_OVER_MEASURE, "nam-2024")), BAOPHU_CODE_MEASURE_UNKNOWN);
	cr_assert_eq(t.decision.verdict, BAOPHU_REFUSED);
	cr_assert_eq(decide_one(THOI_LAI, rate(BAOPHU_OVER_UNSTATED, "")), BAOPHU_CODE_NOT_OWNER);
}

/* ---- administration ---- */

Test(decide, administration_is_for_administrators)
{
	cr_assert_eq(decide_one(CAN_THO, create("1", "VN", 20240101)), BAOPHU_CODE_FORBIDDEN);
	cr_assert_eq(t.decision.verdict, BAOPHU_REFUSED);
	cr_assert_eq(decide_one(AGENT_CONTROL, create("1", "VN", 20240101)), BAOPHU_CODE_NONE);
	cr_assert(t.decision.changes_registry);
	cr_assert_eq(t.entries[0].unit.unit, U916 + 1);
	cr_assert_eq(t.entries[0].unit.parent, VN);
}

Test(decide, entries_see_what_earlier_ones_of_the_update_did)
{
	struct wire_entry entries[] = {
		create("01", "VN", 20100101),
		create("011", "01", 20100101),
		{ .kind = WIRE_AGENT_SET, .agent = { "ha-noi", day(20100101), BAOPHU_DATE_NONE } },
		{ .kind = WIRE_MEASURE_SET, .measure = { "moi", "mới", "new", "người", "people", "so", BAOPHU_STOCK } },
		{ .kind = WIRE_INDICATOR_SET, .indicator = { "tl", "tỷ lệ", "share", "moi", "so" } },
		grant("control", "011"),
		fact("011", "moi", 20240430, 20240430, 3),
		{ .kind = WIRE_PLAN_SET,
		  .plan = { .code = "ke-hoach",
			    .unit = "011",
			    .target = "tl",
			    .issuer = "",
			    .document = "",
			    .kind = BAOPHU_PLAN_RATE,
			    .from = day(20240101),
			    .to = day(20241231),
			    .value = 50 } },
		rate(BAOPHU_OVER_PLAN, "ke-hoach"),
		change("011", 20240401, "012", ""),
	};
	entries[8].rate.unit = "011";
	entries[8].rate.from = entries[8].rate.to = day(20240331);
	cr_assert_eq(decide_as(AGENT_CONTROL, entries, 10, false), BAOPHU_CODE_NONE, "entry %u", t.decision.entry);
	cr_assert_eq(t.entry_count, 10);
	cr_assert_eq(t.entries[1].unit.parent, t.entries[0].unit.unit);
	cr_assert_eq(t.entries[2].agent.agent, THOI_LAI + 1);
	cr_assert_eq(t.entries[3].measure.measure, OTHER_STOCK + 1);
	cr_assert_eq(t.entries[6].fact.slot.unit, t.entries[1].unit.unit);
	cr_assert_eq(t.entries[7].plan.plan, 2);
	cr_assert_eq(t.entries[8].rate.over_plan, 2);
	cr_assert_str_eq(t.entries[9].unit.name, "011", "what is not changed stays");
	fold_decided();
	cr_assert_eq(units_count(&t.scene.state.registry.units), U916 + 2);
}

Test(decide, ten_thousand_units_in_one_import)
{
	enum { COUNT = 10000 };
	struct wire_entry *entries = calloc(COUNT, sizeof *entries);
	char(*codes)[16] = calloc(COUNT, sizeof *codes);
	for (int i = 0; i < COUNT; i++) {
		snprintf(codes[i], sizeof *codes, "x%d", i);
		entries[i] = create(codes[i], i < 100 ? "VN" : codes[i % 100], 20100101);
	}
	cr_assert_eq(decide_as(AGENT_CONTROL, entries, COUNT, true), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entry_count, COUNT);
	fold_decided();
	cr_assert_eq(units_count(&t.scene.state.registry.units), U916 + COUNT);
	entries[COUNT - 1].unit_create.code = "x5";
	cr_assert_eq(decide_as(AGENT_CONTROL, entries, COUNT, true), BAOPHU_CODE_DUPLICATE);
	cr_assert_eq(t.decision.entry, 0);
	free(entries);
	free(codes);
}

Test(decide, units_have_one_code_at_a_time)
{
	cr_assert_eq(decide_one(AGENT_CONTROL, create("927", "92", 20200101)), BAOPHU_CODE_DUPLICATE);
	cr_assert_eq(decide_one(AGENT_CONTROL, create("927", "92", 20050101)), BAOPHU_CODE_DUPLICATE,
		     "it would be taken from 2008 on");
	cr_assert_eq(decide_one(AGENT_CONTROL, change("916", 20200101, "927", "")), BAOPHU_CODE_DUPLICATE);
	cr_assert_eq(decide_one(AGENT_CONTROL, change("916", 20200101, "916", "")), BAOPHU_CODE_NONE);
	cr_assert_eq(decide_one(AGENT_CONTROL, change("999", 20200101, "1", "")), BAOPHU_CODE_NO_SUCH);
	cr_assert_eq(decide_one(AGENT_CONTROL, create("1", "999", 20200101)), BAOPHU_CODE_NO_SUCH);
	struct wire_entry no_level = create("1", "VN", 20200101);
	no_level.unit_create.level = "khong";
	cr_assert_eq(decide_one(AGENT_CONTROL, no_level), BAOPHU_CODE_NO_SUCH);
}

Test(decide, no_unit_is_its_own_ancestor_or_too_deep)
{
	cr_assert_eq(decide_one(AGENT_CONTROL, change("92", 20200101, "", "927")), BAOPHU_CODE_CYCLE);
	cr_assert_eq(decide_one(AGENT_CONTROL, change("92", 20200101, "", "92")), BAOPHU_CODE_CYCLE);
	struct wire_entry chain[BAOPHU_DEPTH_MAX + 1];
	char codes[BAOPHU_DEPTH_MAX + 1][16];
	for (int i = 0; i <= BAOPHU_DEPTH_MAX; i++) {
		snprintf(codes[i], sizeof *codes, "d%d", i);
		chain[i] = create(codes[i], i ? codes[i - 1] : "VN", 20200101);
	}
	cr_assert_eq(decide_as(AGENT_CONTROL, chain, BAOPHU_DEPTH_MAX, false), BAOPHU_CODE_NONE);
	cr_assert_eq(decide_as(AGENT_CONTROL, chain, BAOPHU_DEPTH_MAX + 1, false), BAOPHU_CODE_TOO_BIG);
	cr_assert_eq(t.decision.entry, BAOPHU_DEPTH_MAX);
}

Test(decide, a_unit_is_closed_once_into_others)
{
	struct wire_successor successors[] = { { "916", 0 }, { "92", 3 } };
	struct wire_entry close = { .kind = WIRE_UNIT_CLOSE, .unit_close = { "927", day(20240401), 2, successors } };
	cr_assert_eq(decide_one(AGENT_CONTROL, close), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entries[0].unit_close.unit, U927);
	cr_assert_eq(t.entries[0].unit_close.successors[0].unit, U916);
	cr_assert_eq(t.entries[0].unit_close.successors[0].weight, 1);
	cr_assert_eq(t.entries[0].unit_close.successors[1].weight, 3);
	fold_decided();
	cr_assert_eq(decide_one(AGENT_CONTROL, close), BAOPHU_CODE_NO_SUCH);
	successors[0].unit = "916";
	close.unit_close.unit = "916";
	cr_assert_eq(decide_one(AGENT_CONTROL, close), BAOPHU_CODE_CYCLE);
	successors[0].unit = "927";
	cr_assert_eq(decide_one(AGENT_CONTROL, close), BAOPHU_CODE_NO_SUCH);
	successors[0].unit = "92";
	cr_assert_eq(decide_one(AGENT_CONTROL, close), BAOPHU_CODE_DUPLICATE);
}

Test(decide, kind_and_parent_of_a_measure_are_for_ever)
{
	struct wire_entry set = { .kind = WIRE_MEASURE_SET,
				  .measure = { "phan", "Phần", "part", "người", "people", "so", BAOPHU_STOCK } };
	cr_assert_eq(decide_one(AGENT_CONTROL, set), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entries[0].measure.measure, PART);
	set.measure.parent = "";
	cr_assert_eq(decide_one(AGENT_CONTROL, set), BAOPHU_CODE_DUPLICATE);
	set.measure.parent = "luong";
	cr_assert_eq(decide_one(AGENT_CONTROL, set), BAOPHU_CODE_KIND);
	set.measure.parent = "khong";
	cr_assert_eq(decide_one(AGENT_CONTROL, set), BAOPHU_CODE_MEASURE_UNKNOWN);
	set.measure = (struct wire_measure_set){ "tyle", "x", "x", "x", "x", "", BAOPHU_STOCK };
	cr_assert_eq(decide_one(AGENT_CONTROL, set), BAOPHU_CODE_DUPLICATE, "an indicator has this code");
	struct wire_entry indicator = { .kind = WIRE_INDICATOR_SET, .indicator = { "so", "x", "x", "so", "khac" } };
	cr_assert_eq(decide_one(AGENT_CONTROL, indicator), BAOPHU_CODE_DUPLICATE);
	indicator.indicator = (struct wire_indicator_set){ "tyle", "x", "x", "so", "khong" };
	cr_assert_eq(decide_one(AGENT_CONTROL, indicator), BAOPHU_CODE_MEASURE_UNKNOWN);
	indicator.indicator = (struct wire_indicator_set){ "tyle", "x", "x", "so", "phan" };
	cr_assert_eq(decide_one(AGENT_CONTROL, indicator), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entries[0].indicator.indicator, 1);
	struct wire_entry level = { .kind = WIRE_LEVEL_SET, .level = { "place", "x", "x" } };
	cr_assert_eq(decide_one(AGENT_CONTROL, level), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entries[0].level.level, 1);
	level.level.code = "other";
	cr_assert_eq(decide_one(AGENT_CONTROL, level), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entries[0].level.level, 2);
}

Test(decide, a_plan_fits_what_it_is_for)
{
	struct wire_entry set = { .kind = WIRE_PLAN_SET,
				  .plan = { .code = "nam-2024",
					    .unit = "92",
					    .target = "so",
					    .issuer = "",
					    .document = "",
					    .kind = BAOPHU_PLAN_STOCK,
					    .from = day(20240101),
					    .to = day(20241231),
					    .value = 5 } };
	cr_assert_eq(decide_one(AGENT_CONTROL, set), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entries[0].plan.plan, 1, "the code is known: a revision");
	set.plan.kind = BAOPHU_PLAN_FLOW;
	cr_assert_eq(decide_one(AGENT_CONTROL, set), BAOPHU_CODE_KIND);
	set.plan.kind = BAOPHU_PLAN_RATE;
	cr_assert_eq(decide_one(AGENT_CONTROL, set), BAOPHU_CODE_MEASURE_UNKNOWN);
	set.plan.target = "tyle";
	cr_assert_eq(decide_one(AGENT_CONTROL, set), BAOPHU_CODE_NONE);
	set.plan.remove = true;
	set.plan.value = BAOPHU_ABSENT;
	cr_assert_eq(decide_one(AGENT_CONTROL, set), BAOPHU_CODE_NO_SUCH, "there is no such target");
	set.plan.kind = BAOPHU_PLAN_STOCK;
	set.plan.target = "so";
	cr_assert_eq(decide_one(AGENT_CONTROL, set), BAOPHU_CODE_NONE);
	cr_assert(t.entries[0].plan.removed);
	set.plan.unit = "999";
	cr_assert_eq(decide_one(AGENT_CONTROL, set), BAOPHU_CODE_NO_SUCH);
}

Test(decide, agents_and_grants)
{
	struct wire_entry set = { .kind = WIRE_AGENT_SET, .agent = { AGENT_CONTROL_NAME, day(20240101), day(20240102) } };
	cr_assert_eq(decide_one(AGENT_CONTROL, set), BAOPHU_CODE_DUPLICATE, "nobody shuts the administrator out");
	set.agent.name = "can-tho";
	cr_assert_eq(decide_one(AGENT_CONTROL, set), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entries[0].agent.agent, CAN_THO);
	cr_assert_eq(decide_one(AGENT_CONTROL, grant("khong", "92")), BAOPHU_CODE_NO_SUCH);
	cr_assert_eq(decide_one(AGENT_CONTROL, grant("can-tho", "999")), BAOPHU_CODE_NO_SUCH);
	cr_assert_eq(decide_one(AGENT_CONTROL, grant("can-tho", "927")), BAOPHU_CODE_NONE,
		     "a grant may begin before the unit does");
	cr_assert_eq(t.entries[0].grant.unit, U927);
	struct wire_entry end = grant("can-tho", "92");
	end.grant.revoke = true;
	cr_assert_eq(decide_one(AGENT_CONTROL, end), BAOPHU_CODE_NONE);
	end.grant.agent = "thoi-lai";
	cr_assert_eq(decide_one(AGENT_CONTROL, end), BAOPHU_CODE_NO_SUCH, "it has no such grant");
	static const char *const measures[] = { "so", "khong" };
	struct wire_entry some = grant("can-tho", "92");
	some.grant.measure_count = 2;
	some.grant.measures = measures;
	cr_assert_eq(decide_one(AGENT_CONTROL, some), BAOPHU_CODE_MEASURE_UNKNOWN);
}

Test(decide, a_frozen_epoch_is_opened_once)
{
	struct wire_entry open = { .kind = WIRE_EPOCH_OPEN, .epoch_open = { "can-tho", 1 } };
	cr_assert_eq(decide_one(AGENT_CONTROL, open), BAOPHU_CODE_NO_SUCH);
	say(&(struct entry){ .kind = ENTRY_EPOCH, .epoch = { CAN_THO, 1 } });
	cr_assert_eq(decide_one(AGENT_CONTROL, open), BAOPHU_CODE_NO_SUCH, "it is not frozen");
	say(&(struct entry){ .kind = ENTRY_FREEZE, .epoch = { CAN_THO, 1 } });
	cr_assert_eq(decide_one(AGENT_CONTROL, open), BAOPHU_CODE_NONE);
	fold_decided();
	cr_assert_eq(decide_one(AGENT_CONTROL, open), BAOPHU_CODE_NO_SUCH);
}

static struct wire_entry threshold(const char *plan, int64_t digits, unsigned decimals, bool remove)
{
	return (struct wire_entry){ .kind = WIRE_THRESHOLD_SET, .threshold = { plan, digits, decimals, remove } };
}

Test(decide, a_line_is_watched_once_however_it_is_written)
{
	cr_assert_eq(decide_one(CAN_THO, threshold("", 50, 0, false)), BAOPHU_CODE_FORBIDDEN);
	cr_assert_eq(decide_one(AGENT_CONTROL, threshold("khong", 50, 0, false)), BAOPHU_CODE_NO_SUCH);
	cr_assert_eq(decide_one(AGENT_CONTROL, threshold("", 50, 0, true)), BAOPHU_CODE_NO_SUCH, "it is not watched");
	cr_assert_eq(decide_one(AGENT_CONTROL, threshold("nam-2024", 5000, 2, false)), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entries[0].threshold.digits, 50, "in the fewest decimals");
	cr_assert_eq(t.entries[0].threshold.decimals, 0);
	cr_assert_eq(t.entries[0].threshold.line, 0);
	cr_assert_eq(t.entries[0].threshold.plan, 1);
	fold_decided();
	cr_assert_eq(decide_one(AGENT_CONTROL, threshold("nam-2024", 500, 1, false)), BAOPHU_CODE_DUPLICATE);
	cr_assert_eq(decide_one(AGENT_CONTROL, threshold("", 50, 0, false)), BAOPHU_CODE_NONE, "of every plan is more");
	cr_assert_eq(t.entries[0].threshold.line, 0, "the percentage has its number");
	fold_decided();
	cr_assert_eq(decide_one(AGENT_CONTROL, threshold("nam-2024", 50, 0, true)), BAOPHU_CODE_NONE);
	fold_decided();
	cr_assert_eq(decide_one(AGENT_CONTROL, threshold("nam-2024", 50, 0, false)), BAOPHU_CODE_DUPLICATE,
		     "it is watched for every plan");
	cr_assert_eq(decide_one(AGENT_CONTROL, threshold("", 0, 0, false)), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entries[0].threshold.line, 1);
}

Test(decide, no_more_lines_than_sixteen_stand_nor_more_numbers_than_there_are)
{
	struct wire_entry lines[BAOPHU_LINES_MAX + 1];
	for (int i = 0; i <= BAOPHU_LINES_MAX; i++)
		lines[i] = threshold("", i, 0, false);
	cr_assert_eq(decide_as(AGENT_CONTROL, lines, BAOPHU_LINES_MAX + 1, false), BAOPHU_CODE_TOO_BIG);
	cr_assert_eq(t.decision.entry, BAOPHU_LINES_MAX);
	cr_assert_eq(decide_as(AGENT_CONTROL, lines, BAOPHU_LINES_MAX, false), BAOPHU_CODE_NONE);
	fold_decided();
	for (int i = BAOPHU_LINES_MAX; i < LINES_EVER_MAX; i++) {
		struct wire_entry change[] = { threshold("", i - BAOPHU_LINES_MAX, 0, true), threshold("", i, 0, false) };
		cr_assert_eq(decide_as(AGENT_CONTROL, change, 2, false), BAOPHU_CODE_NONE, "%d", i);
		fold_decided();
	}
	cr_assert_eq(decide_one(AGENT_CONTROL, threshold("", LINES_EVER_MAX - 1, 0, true)), BAOPHU_CODE_NONE);
	fold_decided();
	cr_assert_eq(decide_one(AGENT_CONTROL, threshold("", LINES_EVER_MAX, 0, false)), BAOPHU_CODE_TOO_BIG);
	cr_assert_eq(decide_one(AGENT_CONTROL, threshold("", 3, 0, false)), BAOPHU_CODE_NONE,
		     "one that had a number before has it");
	cr_assert_eq(t.entries[0].threshold.line, 3);
}

/* ---- declarations ---- */

static struct wire_entry declare(const char *unit, const char *measure, enum baophu_rhythm rhythm)
{
	static const char *list[16]; /* what entries point to outlives the call */
	static unsigned next;
	const char **measures = &list[next++ % 16];
	*measures = measure;
	return (struct wire_entry){ .kind = WIRE_DECLARE,
				    .declare = { .unit = unit,
						 .level = "",
						 .measure_count = measure ? 1 : 0,
						 .measures = measures,
						 .extent = BAOPHU_WHOLE,
						 .rhythm = rhythm,
						 .closing_day = rhythm == BAOPHU_MONTHLY ? 25 : 0,
						 .grace_days = rhythm ? 3 : 0,
						 .remove = !rhythm } };
}

Test(decide, a_declaration_is_of_what_one_owns)
{
	struct wire_entry said = declare("916", "so", BAOPHU_MONTHLY);
	said.declare.level = "place";
	cr_assert_eq(decide_one(CAN_THO, said), BAOPHU_CODE_NONE);
	const struct entry_declare *decided = &t.entries[0].declare;
	cr_assert_eq(t.entries[0].kind, ENTRY_DECLARE);
	cr_assert(decided->agent == CAN_THO && decided->unit == U916 && decided->level == 1 && decided->extent == BAOPHU_WHOLE &&
		  decided->rhythm == BAOPHU_MONTHLY && decided->closing_day == 25 && decided->grace_days == 3 &&
		  decided->since == day(20240501) && decided->measure_count == 1 && decided->measures[0] == STOCK);
	cr_assert(t.decision.changes_registry);
	cr_assert_eq(decide_one(CAN_THO, declare("927", "so", BAOPHU_DAILY)), BAOPHU_CODE_NOT_OWNER);
	cr_assert_eq(decide_one(CAN_THO, declare("927", NULL, BAOPHU_DAILY)), BAOPHU_CODE_NOT_OWNER);
	cr_assert_eq(decide_one(CAN_THO, declare("VN", "so", BAOPHU_DAILY)), BAOPHU_CODE_NO_OWNER);
	cr_assert_eq(t.decision.verdict, BAOPHU_HELD);
	cr_assert_eq(decide_one(CAN_THO, declare("VN", NULL, BAOPHU_DAILY)), BAOPHU_CODE_NO_OWNER);
	cr_assert_eq(decide_one(CAN_THO, declare("999", "so", BAOPHU_DAILY)), BAOPHU_CODE_UNIT_UNKNOWN);
	cr_assert_eq(t.decision.verdict, BAOPHU_HELD);
	cr_assert_eq(decide_one(CAN_THO, declare("916", "khong", BAOPHU_DAILY)), BAOPHU_CODE_MEASURE_UNKNOWN);
	said.declare.level = "huyen";
	cr_assert_eq(decide_one(CAN_THO, said), BAOPHU_CODE_NO_SUCH);
	/* Of all measures one suffices; of those that are named each counts. */
	say_grant(THOI_LAI, U916, OTHER_STOCK, BAOPHU_EXTENT_ANY, day(20040101), BAOPHU_DATE_NONE);
	cr_assert_eq(decide_one(THOI_LAI, declare("916", NULL, BAOPHU_DAILY)), BAOPHU_CODE_NONE);
	cr_assert_eq(decide_one(THOI_LAI, declare("916", "khac", BAOPHU_DAILY)), BAOPHU_CODE_NONE);
	cr_assert_eq(decide_one(THOI_LAI, declare("916", "so", BAOPHU_DAILY)), BAOPHU_CODE_NOT_OWNER);
}

Test(decide, a_declaration_names_each_measure_once_in_any_order)
{
	static const char *const mixed[] = { "khac", "so", "phan" }, *const twice[] = { "so", "khac", "so" };
	struct wire_entry said = declare("916", "so", BAOPHU_MONTHLY);
	said.declare.measure_count = 3;
	said.declare.measures = mixed;
	cr_assert_eq(decide_one(CAN_THO, said), BAOPHU_CODE_NONE);
	const uint16_t *measures = t.entries[0].declare.measures;
	cr_assert(measures[0] == STOCK && measures[1] == PART && measures[2] == OTHER_STOCK);
	said.declare.measures = twice;
	cr_assert_eq(decide_one(CAN_THO, said), BAOPHU_CODE_DUPLICATE);
}

Test(decide, a_declaration_is_taken_back_by_whoever_made_it)
{
	cr_assert_eq(decide_one(CAN_THO, declare("916", "so", BAOPHU_RHYTHM_NONE)), BAOPHU_CODE_NO_SUCH);
	cr_assert_eq(decide_one(CAN_THO, declare("916", "so", BAOPHU_MONTHLY)), BAOPHU_CODE_NONE);
	fold_decided();
	cr_assert_eq(decide_one(THOI_LAI, declare("916", "so", BAOPHU_RHYTHM_NONE)), BAOPHU_CODE_NO_SUCH);
	say_grant(THOI_LAI, U916, 0, BAOPHU_EXTENT_ANY, day(20040101), BAOPHU_DATE_NONE);
	cr_assert_eq(decide_one(CAN_THO, declare("916", "so", BAOPHU_MONTHLY)), BAOPHU_CODE_NOT_OWNER);
	cr_assert_eq(decide_one(CAN_THO, declare("916", "so", BAOPHU_RHYTHM_NONE)), BAOPHU_CODE_NONE, "though it is another's now");
	fold_decided();
	cr_assert_eq(decide_one(CAN_THO, declare("916", "so", BAOPHU_RHYTHM_NONE)), BAOPHU_CODE_NO_SUCH);
}

Test(decide, declarations_are_bounded)
{
	static struct wire_entry many[BAOPHU_DECLARATIONS_OF_AGENT_MAX + 1];
	static char codes[BAOPHU_DECLARATIONS_OF_AGENT_MAX + 1][8];
	static const char *const measures[] = { "so", "luong", "phan", "khac" };
	/* At one unit: every set of four measures, but for the empty one, is 15; one for all is 16; one for its level is too much. */
	static const char *sets[17][4];
	for (unsigned set = 0; set < 17; set++) {
		many[set] = declare("916", NULL, BAOPHU_DAILY);
		many[set].declare.measures = sets[set];
		many[set].declare.level = set == 16 ? "place" : "";
		for (unsigned i = 0; i < 4; i++)
			if (set < 16 && set >> i & 1)
				sets[set][many[set].declare.measure_count++] = measures[i];
	}
	cr_assert_eq(decide_as(CAN_THO, many, 17, false), BAOPHU_CODE_TOO_BIG);
	cr_assert_eq(t.decision.entry, 16);
	cr_assert_eq(decide_as(CAN_THO, many, 16, false), BAOPHU_CODE_NONE);
	fold_decided();
	cr_assert_eq(decide_as(CAN_THO, many, 16, false), BAOPHU_CODE_NONE, "said again they take no room");
	cr_assert_eq(decide_one(CAN_THO, many[16]), BAOPHU_CODE_TOO_BIG);
	cr_assert_eq(decide_one(CAN_THO, declare("92", "so", BAOPHU_DAILY)), BAOPHU_CODE_NONE, "there is room elsewhere");
	/* Of one agent. */
	for (uint32_t i = 0; i <= BAOPHU_DECLARATIONS_OF_AGENT_MAX; i++) {
		snprintf(codes[i], sizeof codes[i], "x%u", i);
		scene_unit(&t.scene, U92, codes[i], codes[i], day(20040101));
		many[i] = declare(codes[i], NULL, BAOPHU_DAILY);
	}
	cr_assert_eq(decide_as(CAN_THO, many, BAOPHU_DECLARATIONS_OF_AGENT_MAX - 16, true), BAOPHU_CODE_NONE);
	cr_assert_eq(decide_as(CAN_THO, many, BAOPHU_DECLARATIONS_OF_AGENT_MAX - 15, true), BAOPHU_CODE_TOO_BIG);
	cr_assert_eq(t.decision.entry, BAOPHU_DECLARATIONS_OF_AGENT_MAX - 16);
}

/* ---- backups ---- */

Test(decide, a_backup_is_of_a_place_of_this_history)
{
	struct wire_entry said = { .kind = WIRE_BACKUP, .backup.place = { .seq = 5, .digest = { 5 } } };
	cr_assert_eq(decide_one(CAN_THO, said), BAOPHU_CODE_FORBIDDEN);
	cr_assert_eq(decide_one(AGENT_CONTROL, said), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entries[0].backup.place.seq, 5);
	fold_decided();
	cr_assert_eq(t.scene.state.registry.backup.seq, 5);
	cr_assert_eq(t.scene.state.registry.backup.digest[0], 5);
	said.backup.place = (struct baophu_place){ .seq = 4, .digest = { 4 } };
	cr_assert_eq(decide_one(AGENT_CONTROL, said), BAOPHU_CODE_NONE);
	fold_decided();
	cr_assert_eq(t.scene.state.registry.backup.seq, 5, "the newest counts");
	said.backup.place.digest[31] = 1;
	cr_assert_eq(decide_one(AGENT_CONTROL, said), BAOPHU_CODE_NO_SUCH);
	said.backup.place = (struct baophu_place){ .seq = 1000, .digest = { (uint8_t)1000 } };
	cr_assert_eq(decide_one(AGENT_CONTROL, said), BAOPHU_CODE_NO_SUCH, "it has not come so far");
}

/* ---- held updates ---- */

static uint64_t hold(const struct wire_entry *entries, uint32_t count)
{
	t.held = (struct wire_payload){ .agent = "can-tho", .epoch = 1, .number = 1, .entry_count = count, .entries = entries };
	struct record_header header = { .kind = RECORD_HELD,
					.rules = RECORD_RULES,
					.agent = CAN_THO,
					.epoch = 1,
					.number = 1,
					.verdict = BAOPHU_HELD,
					.code = BAOPHU_CODE_UNIT_UNKNOWN };
	struct record_writer writer;
	record_begin(&writer, t.buffer, BUFFER_BYTES);
	record_add_payload(&writer, "payload", 7);
	ssize_t bytes = record_seal(&writer, &header, &t.scene.place);
	cr_assert(bytes > 0);
	cr_assert_eq(fold_record(&t.scene.state, t.buffer, (size_t)bytes), 0);
	t.scene.place = header.place;
	return header.place.seq;
}

static struct wire_entry decision(uint64_t seq, bool release)
{
	return (struct wire_entry){ .kind = WIRE_HELD_DECISION, .held = { seq, release } };
}

Test(decide, a_release_decides_again_in_the_name_of_the_sender)
{
	struct wire_entry kept[] = { stock("999", 20240430, 1), stock("916", 20240430, 2) };
	uint64_t seq = hold(kept, 2);
	cr_assert_eq(decide_one(CAN_THO, decision(seq, true)), BAOPHU_CODE_FORBIDDEN);
	cr_assert_eq(decide_one(AGENT_CONTROL, decision(seq, true)), BAOPHU_CODE_STILL_HELD);
	cr_assert_eq(t.decision.verdict, BAOPHU_REFUSED);
	cr_assert_eq(t.decision.entry, 0);
	/* The missing unit and the release in one update. */
	struct wire_entry both[] = { create("999", "92", 20040101), decision(seq, true) };
	cr_assert_eq(decide_as(AGENT_CONTROL, both, 2, false), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entry_count, 4);
	cr_assert_eq(t.entries[1].kind, ENTRY_HELD_DECISION);
	cr_assert_eq(t.entries[1].held.seq, seq);
	cr_assert_eq(t.entries[2].kind, ENTRY_FACT);
	cr_assert_eq(t.entries[2].fact.slot.unit, t.entries[0].unit.unit);
	fold_decided();
	cr_assert_eq(decide_one(AGENT_CONTROL, decision(seq, true)), BAOPHU_CODE_NO_SUCH, "decided once");
	cr_assert_eq(decide_one(AGENT_CONTROL, decision(seq, false)), BAOPHU_CODE_NO_SUCH);
	cr_assert_eq(decide_one(AGENT_CONTROL, decision(seq + 100, true)), BAOPHU_CODE_NO_SUCH);
}

/* A slot twice in one record would be one thing to the fold and another to the history. */
Test(decide, a_release_says_no_slot_twice)
{
	struct wire_entry kept[] = { stock("916", 20240430, 1), stock("916", 20240430, 2) };
	uint64_t seq = hold(kept, 2);
	cr_assert_eq(decide_one(AGENT_CONTROL, decision(seq, true)), BAOPHU_CODE_DUPLICATE);
	cr_assert_eq(t.decision.verdict, BAOPHU_REFUSED);
	seq = hold(kept, 1);
	uint64_t again = hold(kept, 1);
	struct wire_entry both[] = { decision(seq, true), decision(again, true) };
	cr_assert_eq(decide_as(AGENT_CONTROL, both, 2, false), BAOPHU_CODE_DUPLICATE);
	cr_assert_eq(t.decision.entry, 1);
	cr_assert_eq(decide_one(AGENT_CONTROL, decision(again, true)), BAOPHU_CODE_NONE);
}

/* The same held payload is read for each, so every one of them has dates of its own. */
static int held_of_many(void *context, uint64_t seq, struct wire_payload *ret_payload)
{
	static struct wire_entry kept[BAOPHU_ENTRIES_MAX];
	(void)context;
	for (int i = 0; i < BAOPHU_ENTRIES_MAX; i++) {
		kept[i] = stock("916", 20240430, i);
		kept[i].fact.from = kept[i].fact.to = day(20100101) + (int)(seq % 8) * BAOPHU_ENTRIES_MAX + i;
	}
	*ret_payload = (struct wire_payload){ .entry_count = BAOPHU_ENTRIES_MAX, .entries = kept };
	return 0;
}

Test(decide, many_full_updates_are_released_by_one)
{
	enum { MANY = 8 };
	struct wire_entry all[MANY];
	const struct decide_lookups lookups = { NULL, restore, versions, held_of_many, find_place };
	struct record_writer writer;
	for (int i = 0; i < MANY; i++)
		all[i] = decision(hold(all, 0), true);
	record_begin(&writer, t.buffer, BUFFER_BYTES);
	struct decide_question question = { .state = &t.scene.state,
					    .lookups = &lookups,
					    .writer = &writer,
					    .seq = t.scene.place.seq + 1,
					    .agent = AGENT_CONTROL,
					    .is_control = true,
					    .entry_count = MANY };
	decide_begin(t.decide, &question);
	decide_entries(t.decide, all, MANY);
	cr_assert_eq(decide_end(t.decide, &t.decision), 0);
	cr_assert_eq(t.decision.code, BAOPHU_CODE_NONE);
	cr_assert_eq(writer.entry_count, MANY * (1 + BAOPHU_ENTRIES_MAX));
	cr_assert_eq(decide_one(CAN_THO, stock("92", 20240430, 1)), BAOPHU_CODE_NONE, "the next update is decided as ever");
}

/* A figure of 916 on 30 April, as the log gets it; returns its seq. */
static uint64_t told(int64_t value, enum baophu_status status)
{
	return scene_fact(&t.scene, U916, STOCK, BAOPHU_WHOLE, day(20240430), day(20240430), value, status);
}

/* What stands of it; BAOPHU_ABSENT: nothing. */
static int64_t standing(void)
{
	const struct slot slot = { U916, STOCK, BAOPHU_WHOLE, day(20240430), day(20240430) };
	const struct fact *found = facts_slot(&t.scene.state.facts, &slot);
	return found ? fact_value(found) : BAOPHU_ABSENT;
}

/* Releases, and what stands then. */
static int64_t released(uint64_t seq)
{
	cr_assert_eq(decide_one(AGENT_CONTROL, decision(seq, true)), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entries[0].kind, ENTRY_HELD_DECISION);
	fold_decided();
	return standing();
}

Test(decide, a_release_leaves_what_was_said_since)
{
	struct wire_entry kept = stock("916", 20240430, 2);
	uint64_t seq = hold(&kept, 1);
	cr_assert_eq(released(seq), 2, "the first of its slot");
	seq = hold(&kept, 1);
	told(3, BAOPHU_FINAL);
	cr_assert_eq(released(seq), 3);
	cr_assert_eq(t.entry_count, 1);
	kept.fact.value = 4;
	cr_assert_eq(released(hold(&kept, 1)), 4, "nothing was said since");
	seq = hold(&kept, 1);
	scene_withdraw(&t.scene, U916, STOCK, BAOPHU_WHOLE, day(20240430));
	cr_assert_eq(released(seq), BAOPHU_ABSENT, "taken back");
	/* What is weaker would not have replaced it, had it been there. */
	seq = hold(&kept, 1);
	told(5, BAOPHU_ESTIMATE);
	cr_assert_eq(released(seq), 4);
	kept.fact.status = BAOPHU_PROVISIONAL;
	seq = hold(&kept, 1);
	scene_withdraw(&t.scene, U916, STOCK, BAOPHU_WHOLE, day(20240430));
	told(6, BAOPHU_PROVISIONAL);
	cr_assert_eq(released(seq), 6);
	cr_assert_eq(t.versions_asked, 0, "what stands says enough");
}

Test(decide, a_release_leaves_what_was_taken_back_to_an_older_figure)
{
	struct wire_entry kept = stock("916", 20240430, 2);
	uint64_t old = told(1, BAOPHU_FINAL), wrong = told(9, BAOPHU_FINAL), seq = hold(&kept, 1);
	scene_begin(&t.scene);
	scene_add(&t.scene, &(struct entry){ .kind = ENTRY_WITHDRAWAL,
					     .withdrawal = { .slot = { U916, STOCK, BAOPHU_WHOLE, day(20240430), day(20240430) },
							     .withdrawn_id = entry_id(wrong, 0),
							     .restored_id = entry_id(old, 0),
							     .restored = { 1, BAOPHU_FINAL, BAOPHU_REPORTED, BAOPHU_EXACT, 0 } } });
	uint64_t back = scene_end(&t.scene, RECORD_UPDATE, 0, 0, 0);
	t.versions[0] = (struct fact_version){ .id = entry_id(old, 0) };
	t.versions[1] = (struct fact_version){ .id = entry_id(wrong, 0) };
	t.versions[2] = (struct fact_version){ .id = entry_id(back, 0), .withdrawn_id = entry_id(wrong, 0) };
	t.version_count = 3;
	t.versions_error = -BAOPHU_EGAP;
	cr_assert_eq(decide_one(AGENT_CONTROL, decision(seq, true)), BAOPHU_CODE_BUSY, "never guessed");
	t.versions_error = 0;
	cr_assert_eq(released(seq), 1);
	cr_assert_eq(t.entry_count, 1);
	/* What came in after that is newer than it. */
	seq = hold(&kept, 1);
	scene_fact(&t.scene, U916, STOCK, BAOPHU_WHOLE, day(20240429), day(20240429), 5, BAOPHU_FINAL);
	int asked = t.versions_asked;
	cr_assert_eq(released(seq), 2);
	cr_assert_eq(t.versions_asked, asked + 1);
	/* Nor is an estimate in the way that never stood. */
	uint64_t withdrawn = scene_withdraw(&t.scene, U916, STOCK, BAOPHU_WHOLE, day(20240430)), weak = told(7, BAOPHU_PROVISIONAL);
	seq = hold(&kept, 1);
	uint64_t weaker = told(8, BAOPHU_ESTIMATE);
	t.versions[0] = (struct fact_version){ .id = entry_id(withdrawn, 0), .withdrawn_id = 1 };
	t.versions[1] = (struct fact_version){ .id = entry_id(weak, 0) };
	t.versions[2] = (struct fact_version){ .id = entry_id(weaker, 0) };
	cr_assert_eq(released(seq), 2);
}

Test(decide, held_updates_stand_in_the_order_they_came_in)
{
	struct wire_entry first = stock("916", 20240430, 1), second = stock("916", 20240430, 2),
			  third = withdrawal("916", 20240430);
	uint64_t a = hold(&first, 1), b = hold(&second, 1), c = hold(&third, 1), d = hold(&first, 1);
	struct wire_payload payload = t.held;
	payload.entries = &second;
	t.held = payload;
	cr_assert_eq(released(b), 2);
	payload.entries = &first;
	t.held = payload;
	cr_assert_eq(released(a), 2, "the one that came later was released before");
	cr_assert_eq(released(d), 1);
	payload.entries = &third;
	t.held = payload;
	cr_assert_eq(released(c), 1, "nor does it take back what came later");
	cr_assert_eq(t.entry_count, 1);
	cr_assert_eq(registry_received_seq(&t.scene.state.registry, entry_id(t.scene.place.seq, 0)), c);
	cr_assert_eq(registry_received_seq(&t.scene.state.registry, entry_id(c, 0)), c);
	cr_assert_eq(t.scene.state.registry.held_waiting, 0);
}

Test(decide, a_release_leaves_rates_and_declarations_said_since)
{
	struct wire_entry said = rate(BAOPHU_OVER_UNSTATED, ""), declared = declare("916", "so", BAOPHU_MONTHLY);
	const struct wire_entry kept[] = { said, declared };
	uint64_t seq = hold(kept, 2);
	said.rate.digits = 9000;
	declared.declare.grace_days = 7;
	struct wire_entry now[] = { said, declared };
	cr_assert_eq(decide_as(CAN_THO, now, 2, false), BAOPHU_CODE_NONE);
	fold_decided();
	cr_assert_eq(decide_one(AGENT_CONTROL, decision(seq, true)), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entry_count, 1);
	seq = hold(kept, 2);
	cr_assert_eq(decide_one(AGENT_CONTROL, decision(seq, true)), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entry_count, 3);
}

Test(decide, a_refusal_of_a_held_update_is_an_entry_alone)
{
	struct wire_entry kept = stock("999", 20240430, 1);
	uint64_t seq = hold(&kept, 1);
	cr_assert_eq(decide_one(AGENT_CONTROL, decision(seq, false)), BAOPHU_CODE_NONE);
	cr_assert_eq(t.entry_count, 1);
	fold_decided();
	cr_assert(registry_held(&t.scene.state.registry, seq)->decided);
}

Test(decide, a_held_update_cannot_do_more_than_its_sender)
{
	struct wire_entry kept[] = { create("1", "VN", 20240101), decision(1, true) };
	uint64_t seq = hold(kept, 1);
	cr_assert_eq(decide_one(AGENT_CONTROL, decision(seq, true)), BAOPHU_CODE_FORBIDDEN);
	seq = hold(kept + 1, 1);
	cr_assert_eq(decide_one(AGENT_CONTROL, decision(seq, true)), BAOPHU_CODE_FORBIDDEN);
	struct wire_entry others = stock("927", 20240430, 1);
	seq = hold(&others, 1);
	cr_assert_eq(decide_one(AGENT_CONTROL, decision(seq, true)), BAOPHU_CODE_NOT_OWNER);
}
