/* test_query.c - questions and answers, from bytes to bytes, over a small centre on disk.
 *
 * What coverage should say comes from the live state (another way to the same figures) and from figures worked out by hand.
 */
#include "query_engine.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include <baophu/date.h>

#include "centre.h"

enum { BUFFER_BYTES = QUERY_ANSWER_BYTES_MAX, QUESTION_BYTES = 8192, AGENT = 2, EPOCH = 9, RECORDS_MAX = 2000 };

struct fixture {
	struct centre centre;
	struct query_engine *engine;
	struct wire_arena arena; /* the answer's */
	uint8_t *buffer;
	uint64_t number, seed;
	int failures;
	enum follower_part failed_part;
	int malformed;
};

static void on_failed(void *context, enum follower_part part, int error, uint64_t seq)
{
	(void)error, (void)seq;
	((struct fixture *)context)->failures++;
	((struct fixture *)context)->failed_part = part;
}

static void on_malformed(void *context, const char *why)
{
	cr_assert(*why);
	((struct fixture *)context)->malformed++;
}

static void fill_status(void *context, struct wire_server_status *status)
{
	(void)context;
	status->version = "test";
	status->updates = 77;
}

static void open_engine(struct fixture *f)
{
	struct query_config config = { .log = f->centre.log,
				       .history = f->centre.history,
				       .follower = f->centre.follower,
				       .state = &f->centre.scene.state,
				       .state_lock = &f->centre.lock,
				       .fill_status = fill_status,
				       .malformed = on_malformed,
				       .failed = on_failed,
				       .context = f };
	cr_assert_eq(query_open(&config, &f->engine), 0);
}

static void setup(struct fixture *f)
{
	*f = (struct fixture){ .seed = 287468 };
	centre_open(&f->centre);
	f->buffer = malloc(BUFFER_BYTES);
	cr_assert_eq(wire_arena_init(&f->arena, 64 << 20), 0);
	open_engine(f);
}

static void teardown(struct fixture *f)
{
	query_close(f->engine);
	centre_close(&f->centre);
	wire_arena_finish(&f->arena);
	free(f->buffer);
}

/* ---- asking ---- */

static struct wire_query question(enum wire_query_kind kind, const char *unit, uint32_t depth)
{
	return (struct wire_query){ .id = 4711,
				    .kind = kind,
				    .unit = unit,
				    .plan = "",
				    .agent = "",
				    .depth = depth,
				    .as_of = BAOPHU_DATE_NONE,
				    .tree_date = BAOPHU_DATE_NONE,
				    .since = BAOPHU_DATE_NONE,
				    .from = BAOPHU_DATE_NONE,
				    .to = BAOPHU_DATE_NONE };
}

/* Keeps earlier answers in the arena. */
static struct wire_answer ask_page(struct fixture *f, const struct wire_query *query)
{
	uint8_t bytes[QUESTION_BYTES];
	struct wire_answer answer;
	ssize_t size = wire_encode_query(query, bytes, sizeof bytes);
	cr_assert_gt(size, 0);
	ssize_t answer_bytes = query_answer(f->engine, bytes, (size_t)size, f->buffer, BUFFER_BYTES);
	cr_assert_gt(answer_bytes, 0);
	cr_assert_eq(wire_decode_answer(&f->arena, f->buffer, (size_t)answer_bytes, &answer), 0);
	cr_assert_eq(answer.id, query->id);
	return answer;
}

static struct wire_answer ask(struct fixture *f, const struct wire_query *query)
{
	struct wire_answer answer = ask_page(f, query);
	cr_assert_eq(answer.code, BAOPHU_CODE_NONE, "%s", answer.text);
	return answer;
}

static void turn_page(struct wire_query *query, const struct wire_answer *answer)
{
	query->page_bytes = answer->next_page_bytes;
	memcpy(query->page, answer->next_page, answer->next_page_bytes);
}

/* All pages of records as one list, in the arena. */
static struct wire_answer ask_all(struct fixture *f, struct wire_query query, uint32_t limit)
{
	struct baophu_record *records = wire_arena_alloc(&f->arena, RECORDS_MAX * sizeof *records);
	struct wire_answer answer;
	uint32_t count = 0;
	query.limit = limit;
	do {
		answer = ask(f, &query);
		cr_assert(count + answer.record_count <= RECORDS_MAX && answer.record_count <= (limit ? limit : 200));
		memcpy(records + count, answer.records, answer.record_count * sizeof *records);
		count += answer.record_count;
		turn_page(&query, &answer);
	} while (query.page_bytes);
	answer.records = records;
	answer.record_count = count;
	return answer;
}

static void assert_same_row(const struct baophu_row *a, const struct baophu_row *b)
{
	cr_assert(a->kind == b->kind && !strcmp(a->measure, b->measure) && !strcmp(a->plan, b->plan) &&
		  !strcmp(a->denominator_measure, b->denominator_measure));
	cr_assert(a->value == b->value && a->from == b->from && a->to == b->to && a->basis == b->basis, "%s: %lld %lld", a->measure,
		  (long long)a->value, (long long)b->value);
	cr_assert(a->whole == b->whole && a->sum == b->sum && a->gap == b->gap && a->own == b->own && a->whole_to == b->whole_to &&
		  a->oldest == b->oldest && a->state == b->state && a->status == b->status && a->origin == b->origin);
	cr_assert(a->bound == b->bound && a->reason == b->reason && a->reported == b->reported && a->expected == b->expected &&
		  a->plan_state == b->plan_state && a->target == b->target && a->remaining == b->remaining);
	cr_assert(a->numerator == b->numerator && a->denominator == b->denominator && a->estimated == b->estimated &&
		  a->uncovered_days == b->uncovered_days && a->unused == b->unused && !memcmp(a->flags, b->flags, sizeof a->flags));
	cr_assert(a->fresh == b->fresh && a->declared == b->declared, "%s: %u of %u, %u of %u", a->measure, a->fresh, a->declared,
		  b->fresh, b->declared);
}

static void assert_same_record(const struct baophu_record *a, const struct baophu_record *b)
{
	cr_assert(a->unit_number == b->unit_number && !strcmp(a->unit, b->unit) && !strcmp(a->name, b->name) &&
		  !strcmp(a->level, b->level) && !strcmp(a->parent, b->parent) && a->depth == b->depth);
	cr_assert_eq(a->version, b->version, "version of %s: %llu and %llu", a->unit, (unsigned long long)a->version,
		     (unsigned long long)b->version);
	cr_assert(a->date == b->date && a->row_count == b->row_count, "%s: %u rows and %u", a->unit, a->row_count, b->row_count);
	for (uint32_t i = 0; i < a->row_count; i++)
		assert_same_row(&a->rows[i], &b->rows[i]);
}

static void assert_same_records(const struct wire_answer *a, const struct wire_answer *b)
{
	cr_assert_eq(a->record_count, b->record_count);
	for (uint32_t i = 0; i < a->record_count; i++)
		assert_same_record(&a->records[i], &b->records[i]);
}

static const struct baophu_row *row_of(const struct baophu_record *record, enum baophu_row_kind kind, const char *measure)
{
	for (uint32_t i = 0; i < record->row_count; i++)
		if (record->rows[i].kind == kind && !strcmp(record->rows[i].measure, measure))
			return &record->rows[i];
	return NULL;
}

/* ---- a centre with some of everything ---- */

enum { DISTRICTS = 5, COMMUNES = 4, STOCKS = 3, FLOWS = 1 };

static uint32_t unit_count(const struct fixture *f) { return f->centre.scene.units; }

static void build(struct fixture *f)
{
	struct scene *scene = &f->centre.scene;
	uint32_t country = scene_unit(scene, 0, "VN", "Việt Nam", day(20200101));
	uint32_t province = scene_unit(scene, country, "92", "Cần Thơ", day(20200101));
	for (uint32_t i = 0; i < DISTRICTS; i++) {
		char code[17];
		snprintf(code, sizeof code, "9%02u", i);
		uint32_t district = scene_unit(scene, province, code, code, day(20200101));
		for (uint32_t j = 0; j < COMMUNES; j++) {
			snprintf(code, sizeof code, "9%02u.%u", i, j);
			scene_unit(scene, district, code, code, day(20200101));
		}
	}
	uint16_t bhxh = scene_measure(scene, "bhxh", BAOPHU_STOCK, 0);
	scene_measure(scene, "bhxh_bb", BAOPHU_STOCK, bhxh);
	uint16_t population = scene_measure(scene, "population", BAOPHU_STOCK, 0);
	uint16_t collected = scene_measure(scene, "thu", BAOPHU_FLOW, 0);
	uint16_t share = scene_indicator(scene, "bhxh_rate", bhxh, population);
	scene_begin(scene);
	for (uint32_t agent = 1; agent <= AGENT; agent++) {
		struct entry entry = { .kind = ENTRY_AGENT,
				       .agent = { agent, day(20200101), BAOPHU_DATE_NONE, agent == AGENT ? "cantho" : "control" } };
		scene_add(scene, &entry);
	}
	struct entry entry = { .kind = ENTRY_EPOCH, .epoch = { AGENT, EPOCH } };
	scene_add(scene, &entry);
	entry = (struct entry){ .kind = ENTRY_GRANT,
				.grant = { .agent = AGENT, .unit = province, .from = day(20200101), .until = BAOPHU_DATE_NONE } };
	scene_add(scene, &entry);
	scene_end(scene, RECORD_UPDATE, 0, 0, 0);
	uint32_t plan = scene_plan(scene, 0, "nam-2024", province, BAOPHU_PLAN_STOCK, bhxh, day(20240101), day(20241231), 155000,
				   0);
	for (uint32_t unit = 3; unit <= unit_count(f); unit += 3)
		scene_plan(scene, plan, "nam-2024", unit, BAOPHU_PLAN_STOCK, bhxh, day(20240101), day(20241231), 1000 * unit, 0);
	scene_plan(scene, plan, "nam-2024", province, BAOPHU_PLAN_FLOW, collected, day(20240101), day(20240331), 99000, 0);
	scene_plan(scene, 0, "nq-2024", province, BAOPHU_PLAN_RATE, share, day(20240101), day(20241231), 9525, 2);
	scene_day(scene, day(20240430));
}

/* Of every unit of the province two stocks and the flow, each with a rhythm of its own. */
static void declare_all(struct fixture *f)
{
	struct scene *scene = &f->centre.scene;
	scene_declare(scene, AGENT, 2, 1, 1, BAOPHU_MONTHLY, 25, 3);
	scene_declare(scene, AGENT, 2, 1, 2, BAOPHU_WEEKLY, 0, 14);
	scene_declare(scene, AGENT, 2, 1, 4, BAOPHU_QUARTERLY, 0, 30);
}

/* Of few dates and denominators, so that most are said again and again. */
static void add_rate(struct fixture *f, uint32_t unit, baophu_date date)
{
	date -= date % 10;
	struct entry rate = { .kind = ENTRY_RATE,
			      .rate = { .unit = unit,
					.measure = (uint16_t)(1 + scene_random(&f->seed, 2)),
					.over_measure = 3,
					.denominator = BAOPHU_OVER_MEASURE,
					.decimals = 2,
					.status = BAOPHU_FINAL,
					.bound = BAOPHU_EXACT,
					.from = date,
					.to = date,
					.digits = 9000 + (int64_t)scene_random(&f->seed, 1000) } };
	if (scene_random(&f->seed, 2)) {
		rate.rate.denominator = BAOPHU_OVER_UNSTATED;
		rate.rate.over_measure = 0;
	}
	scene_add(&f->centre.scene, &rate);
}

/* One update of random facts. */
static void random_update(struct fixture *f, uint32_t entries)
{
	struct scene *scene = &f->centre.scene;
	scene->header.time_ms = 1714000000000 + (int64_t)f->number;
	scene_begin(scene);
	for (uint32_t i = 0; i < entries; i++) {
		uint32_t unit = 1 + scene_random(&f->seed, unit_count(f));
		uint16_t measure = (uint16_t)(1 + scene_random(&f->seed, STOCKS + FLOWS));
		baophu_date to = day(20240101) + (baophu_date)scene_random(&f->seed, 150);
		baophu_date from = measure > STOCKS ? to - (baophu_date)scene_random(&f->seed, 40) : to;
		struct entry entry = { .kind = ENTRY_FACT,
				       .fact = {
					   .slot = { unit, measure,
						     (uint8_t)(scene_random(&f->seed, 4) ? BAOPHU_WHOLE : BAOPHU_OWN), from, to },
					   .figure = { scene_random(&f->seed, 20000), (uint8_t)(1 + scene_random(&f->seed, 3)),
						       (uint8_t)(1 + scene_random(&f->seed, 4)),
						       (uint8_t)(1 + scene_random(&f->seed, 4)), 0 } } };
		scene_add(scene, &entry);
		if (scene_random(&f->seed, 6) == 0)
			add_rate(f, unit, to);
	}
	scene_end(scene, RECORD_UPDATE, AGENT, EPOCH, ++f->number);
	scene->header.time_ms = 0;
}

static void withdraw(struct fixture *f, uint32_t unit, uint16_t measure, baophu_date date, uint64_t id)
{
	struct scene *scene = &f->centre.scene;
	struct entry entry = { .kind = ENTRY_WITHDRAWAL,
			       .withdrawal = { .slot = { unit, measure, BAOPHU_WHOLE, date, date }, .withdrawn_id = id } };
	scene_begin(scene);
	scene_add(scene, &entry);
	scene_end(scene, RECORD_UPDATE, AGENT, EPOCH, ++f->number);
}

/* The live state's own records of every unit on the map. */
static struct wire_answer live_records(struct fixture *f)
{
	const struct state *state = &f->centre.scene.state;
	struct baophu_record *records = wire_arena_alloc(&f->arena, RECORDS_MAX * sizeof *records);
	uint32_t count = 0;
	for (uint32_t unit = 0; (unit = tree_after(&state->tree, 0, unit, BAOPHU_DEPTH_MAX));) {
		struct baophu_row *rows = wire_arena_alloc(&f->arena, 200 * sizeof *rows);
		fold_unit_record(state, unit, rows, 200, &records[count++]);
	}
	return (struct wire_answer){ .records = records, .record_count = count };
}

/* ---- COVERAGE ---- */

Test(query, coverage_now_is_the_live_coverage)
{
	struct fixture f;
	setup(&f);
	build(&f);
	for (int round = 0; round < 12; round++) {
		for (int i = 0; i < 4; i++)
			random_update(&f, 10);
		if (round == 2)
			declare_all(&f);
		if (round == 3)
			scene_day(&f.centre.scene, day(20240520));
		if (round == 4)
			scene_declare(&f.centre.scene, AGENT, 2, 1, 2, BAOPHU_RHYTHM_NONE, 0, 0);
		if (round == 6)
			scene_grant(&f.centre.scene, 1, 3, 0, day(20200101), BAOPHU_DATE_NONE);
		if (round == 5)
			scene_plan(&f.centre.scene, 1, "nam-2024", 9, BAOPHU_PLAN_STOCK, 1, day(20240101), day(20241231), 5, 0);
		if (round == 7) {
			scene_begin(&f.centre.scene);
			add_rate(&f, 10, day(20240401));
			scene_end(&f.centre.scene, RECORD_UPDATE, AGENT, EPOCH, ++f.number);
		}
		centre_sync(&f.centre);
		struct wire_query query = question(WIRE_QUERY_COVERAGE, "", 8);
		struct wire_answer answer = ask_all(&f, query, 0), live = live_records(&f);
		cr_assert_eq(answer.record_count, 2 + DISTRICTS + DISTRICTS * COMMUNES);
		assert_same_records(&answer, &live);
		cr_assert_eq(answer.cut.seq, f.centre.scene.place.seq);
		cr_assert(!memcmp(answer.cut.digest, f.centre.scene.place.digest, BAOPHU_DIGEST_BYTES));
		baophu_date today = day(round < 3 ? 20240430 : 20240520);
		cr_assert(answer.as_of == today && answer.tree_date == today && answer.known_seq == answer.cut.seq);
	}
	teardown(&f);
}

Test(query, coverage_of_another_date_is_what_was_live_on_that_day)
{
	struct fixture f;
	setup(&f);
	build(&f);
	scene_day(&f.centre.scene, day(20240310)); /* what is declared from now on was not on the days before */
	declare_all(&f);
	scene_day(&f.centre.scene, day(20240430));
	for (int i = 0; i < 60; i++)
		random_update(&f, 10);
	centre_sync(&f.centre);
	for (int i = 0; i < 16; i++) {
		baophu_date date = day(20240101) + (baophu_date)scene_random(&f.seed, 160);
		struct wire_query query = question(WIRE_QUERY_COVERAGE, "", 8);
		query.as_of = date;
		struct wire_answer answer = ask_all(&f, query, 0);
		scene_day(&f.centre.scene, date);
		centre_sync(&f.centre);
		struct wire_answer live = live_records(&f);
		for (uint32_t j = 0; j < live.record_count; j++) /* the day's own entry is what differs */
			((struct baophu_record *)live.records)[j].version = answer.records[j].version;
		assert_same_records(&answer, &live);
		cr_assert_eq(row_of(&answer.records[1], BAOPHU_ROW_FLOW, "thu")->declared,
			     date < day(20240310) ? 0 : 1 + DISTRICTS + DISTRICTS * COMMUNES);
	}
	teardown(&f);
}

Test(query, coverage_of_a_subtree_is_that_part_of_the_whole)
{
	struct fixture f;
	setup(&f);
	build(&f);
	for (int i = 0; i < 40; i++)
		random_update(&f, 10);
	centre_sync(&f.centre);
	struct wire_answer all = ask_all(&f, question(WIRE_QUERY_COVERAGE, "", 8), 0);
	struct wire_answer one = ask_all(&f, question(WIRE_QUERY_COVERAGE, "903", 0), 0);
	cr_assert_eq(one.record_count, 1);
	struct wire_answer below = ask_all(&f, question(WIRE_QUERY_COVERAGE, "903", 1), 0);
	cr_assert_eq(below.record_count, 1 + COMMUNES);
	for (uint32_t i = 0; i < all.record_count; i++)
		if (!strcmp(all.records[i].unit, "903")) {
			assert_same_record(&all.records[i], &one.records[0]);
			for (uint32_t j = 0; j < below.record_count; j++)
				assert_same_record(&all.records[i + j], &below.records[j]);
		}
	struct wire_answer districts = ask_all(&f, question(WIRE_QUERY_COVERAGE, "92", 1), 0);
	cr_assert_eq(districts.record_count, 1 + DISTRICTS);
	for (uint32_t i = 1; i < districts.record_count; i++)
		cr_assert_eq(districts.records[i].depth, 2);
	teardown(&f);
}

Test(query, what_was_known_then_is_answered_as_it_was_answered_then)
{
	struct fixture f;
	setup(&f);
	build(&f);
	for (int i = 0; i < 20; i++)
		random_update(&f, 10);
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_COVERAGE, "", 8);
	query.as_of = query.tree_date = day(20240430);
	struct wire_answer then = ask_all(&f, query, 0);
	for (int i = 0; i < 20; i++)
		random_update(&f, 10);
	scene_plan(&f.centre.scene, 1, "nam-2024", 2, BAOPHU_PLAN_STOCK, 1, day(20240101), day(20241231), 7, 0);
	scene_unit(&f.centre.scene, 3, "late", "late", day(20200101));
	declare_all(&f);
	centre_sync(&f.centre);
	struct wire_answer now = ask_all(&f, query, 0);
	cr_assert_eq(now.record_count, then.record_count + 1);
	query.known_seq = then.cut.seq;
	struct wire_answer again = ask_all(&f, query, 0);
	cr_assert_eq(again.known_seq, then.cut.seq);
	cr_assert(!memcmp(again.cut.digest, then.cut.digest, BAOPHU_DIGEST_BYTES));
	for (uint32_t i = 0; i < then.record_count;
	     i++) /* a day before the last redrawing of the map is not told from the map's own */
		((struct baophu_record *)again.records)[i].version = then.records[i].version;
	assert_same_records(&then, &again);
	cr_assert_neq(row_of(&now.records[1], BAOPHU_ROW_PLAN, "bhxh")->target,
		      row_of(&again.records[1], BAOPHU_ROW_PLAN, "bhxh")->target);
	teardown(&f);
}

Test(query, a_whole_figure_stands_beside_the_sum_below_it)
{
	struct fixture f;
	setup(&f);
	build(&f);
	scene_fact(&f.centre.scene, 2, 1, BAOPHU_WHOLE, day(20240430), day(20240430), 143013, BAOPHU_FINAL);
	scene_fact(&f.centre.scene, 3, 1, BAOPHU_WHOLE, day(20240430), day(20240430), 2882, BAOPHU_FINAL);
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_COVERAGE, "92", 0);
	struct wire_answer answer = ask(&f, &query);
	const struct baophu_row *row = row_of(&answer.records[0], BAOPHU_ROW_STOCK, "bhxh");
	cr_assert(row->value == 143013 && row->basis == BAOPHU_BASIS_WHOLE && row->sum == 2882 && row->reported == 1 &&
		  row->expected == DISTRICTS);
	row = row_of(&answer.records[0], BAOPHU_ROW_PLAN, "bhxh");
	cr_assert(row->value == 143013 && row->target == 155000 && row->remaining == 11987 && row->state == BAOPHU_STATE_HALF);
	teardown(&f);
}

Test(query, withdrawn_is_not_no_report)
{
	struct fixture f;
	setup(&f);
	build(&f);
	uint64_t seq = scene_fact(&f.centre.scene, 4, 1, BAOPHU_WHOLE, day(20240401), day(20240401), 5, BAOPHU_FINAL);
	uint64_t before = scene_fact(&f.centre.scene, 5, 1, BAOPHU_WHOLE, day(20240301), day(20240301), 6, BAOPHU_FINAL);
	uint64_t later = scene_fact(&f.centre.scene, 5, 1, BAOPHU_WHOLE, day(20240401), day(20240401), 7, BAOPHU_FINAL);
	cr_assert_lt(before, later);
	withdraw(&f, 4, 1, day(20240401), entry_id(seq, 0));
	withdraw(&f, 5, 1, day(20240401), entry_id(later, 0));
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_COVERAGE, "900.0", 0);
	query.measures = (const char *const[]){ "bhxh" };
	query.measure_count = 1;
	struct wire_answer answer = ask(&f, &query);
	cr_assert_eq(row_of(&answer.records[0], BAOPHU_ROW_STOCK, "bhxh")->state, BAOPHU_STATE_WITHDRAWN);
	query.unit = "900.1";
	answer = ask(&f, &query);
	cr_assert(answer.records[0].rows[0].value == 6 && answer.records[0].rows[0].to == day(20240301),
		  "what stood before stands again");
	query.unit = "900.2";
	answer = ask(&f, &query);
	cr_assert_eq(row_of(&answer.records[0], BAOPHU_ROW_STOCK, "bhxh")->state, BAOPHU_STATE_NO_REPORT);
	teardown(&f);
}

Test(query, since_shows_the_figure_of_the_earlier_date)
{
	struct fixture f;
	setup(&f);
	build(&f);
	baophu_date dates[] = { day(20231231), day(20240115), day(20240331), day(20240520) };
	for (int i = 0; i < 4; i++)
		for (uint16_t measure = 1; measure <= 3; measure += 2)
			scene_fact(&f.centre.scene, 2, measure, BAOPHU_WHOLE, dates[i], dates[i], 100 * measure + i, BAOPHU_FINAL);
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_COVERAGE, "92", 0);
	query.since = day(20240101);
	struct wire_answer answer = ask(&f, &query);
	cr_assert_eq(row_of(&answer.records[0], BAOPHU_ROW_STOCK, "population")->previous, 300);
	const struct baophu_row *row = row_of(&answer.records[0], BAOPHU_ROW_STOCK, "bhxh");
	cr_assert(row->value == 102 && row->previous == 100);
	cr_assert_eq(row_of(&answer.records[0], BAOPHU_ROW_PLAN, "bhxh")->previous, 100);
	query.since = day(20231201);
	answer = ask(&f, &query);
	cr_assert_eq(row_of(&answer.records[0], BAOPHU_ROW_STOCK, "bhxh")->previous, BAOPHU_ABSENT);
	teardown(&f);
}

Test(query, plan_measures_and_period_narrow_the_rows)
{
	struct fixture f;
	setup(&f);
	build(&f);
	scene_fact(&f.centre.scene, 2, 1, BAOPHU_WHOLE, day(20240430), day(20240430), 10, BAOPHU_FINAL);
	scene_fact(&f.centre.scene, 2, 3, BAOPHU_WHOLE, day(20240430), day(20240430), 100, BAOPHU_FINAL);
	scene_fact(&f.centre.scene, 2, 4, BAOPHU_WHOLE, day(20240101), day(20240131), 31, BAOPHU_FINAL);
	scene_fact(&f.centre.scene, 2, 4, BAOPHU_WHOLE, day(20240201), day(20240229), 29, BAOPHU_FINAL);
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_COVERAGE, "92", 0);
	query.plan = "nq-2024";
	struct wire_answer answer = ask(&f, &query);
	cr_assert_str_eq(answer.plan, "nq-2024");
	for (uint32_t i = 0; i < answer.records[0].row_count; i++)
		cr_assert(!answer.records[0].rows[i].plan[0] || !strcmp(answer.records[0].rows[i].plan, "nq-2024"));
	cr_assert(row_of(&answer.records[0], BAOPHU_ROW_PLAN, "bhxh_rate"));
	query = question(WIRE_QUERY_COVERAGE, "92", 0);
	query.measures = (const char *const[]){ "thu" };
	query.measure_count = 1;
	query.from = day(20240101);
	query.to = day(20240229);
	answer = ask(&f, &query);
	const struct baophu_row *row = row_of(&answer.records[0], BAOPHU_ROW_FLOW, "thu");
	cr_assert(row->value == 60 && row->uncovered_days == 0);
	cr_assert(!row_of(&answer.records[0], BAOPHU_ROW_STOCK, "bhxh"));
	teardown(&f);
}

Test(query, the_tree_has_a_date_of_its_own)
{
	struct fixture f;
	struct scene *scene = &f.centre.scene;
	setup(&f);
	build(&f);
	scene_fact(scene, 4, 1, BAOPHU_WHOLE, day(20240401), day(20240401), 5, BAOPHU_FINAL);
	scene_begin(scene);
	struct entry_successor successor = { 5, 1 };
	struct entry entry = { .kind = ENTRY_UNIT_CLOSE,
			       .unit_close = { .unit = 4, .from = day(20240415), .successor_count = 1, .successors = &successor } };
	scene_add(scene, &entry);
	scene_end(scene, RECORD_UPDATE, 0, 0, 0);
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_COVERAGE, "900", 1);
	cr_assert_eq(ask(&f, &query).record_count, COMMUNES);
	query.tree_date = day(20240401);
	struct wire_answer answer = ask(&f, &query);
	cr_assert(answer.record_count == 1 + COMMUNES && answer.tree_date == day(20240401) && answer.as_of == day(20240430));
	cr_assert_eq(row_of(&answer.records[1], BAOPHU_ROW_STOCK, "bhxh")->value, 5);
	query = question(WIRE_QUERY_COVERAGE, "900.0", 0);
	answer = ask_page(&f, &query);
	cr_assert_eq(answer.code, BAOPHU_CODE_QUERY);
	cr_assert(strstr(answer.text, "900.0") && strstr(answer.text, "2024-04-30") && strstr(answer.text, "900.1"), "%s",
		  answer.text);
	cr_assert(answer.detail.fault == BAOPHU_FAULT_UNIT_NOT_VALID && answer.detail.date == day(20240430));
	cr_assert_str_eq(answer.detail.named, "900.0");
	cr_assert_str_eq(answer.detail.successor, "900.1");
	cr_assert_str_eq(answer.detail.successor_name, "900.1"); /* the tree's units are called as their codes */
	query.as_of = day(20240401);
	cr_assert_eq(ask(&f, &query).record_count, 1);
	teardown(&f);
}

/* ---- pages ---- */

Test(query, pages_of_any_size_are_one_cut_whatever_happens_meanwhile)
{
	struct fixture f;
	setup(&f);
	build(&f);
	for (int i = 0; i < 30; i++)
		random_update(&f, 10);
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_COVERAGE, "92", 2);
	struct wire_answer whole = ask_all(&f, query, 0);
	for (uint32_t limit = 1; limit < 30; limit += 6) {
		struct wire_answer paged = ask_all(&f, query, limit);
		assert_same_records(&whole, &paged);
	}
	query.limit = 7;
	uint32_t at = 0;
	for (;;) {
		struct wire_answer answer = ask(&f, &query);
		cr_assert(answer.cut.seq == whole.cut.seq && !memcmp(answer.cut.digest, whole.cut.digest, BAOPHU_DIGEST_BYTES));
		for (uint32_t i = 0; i < answer.record_count; i++)
			assert_same_record(&whole.records[at++], &answer.records[i]);
		if (!answer.next_page_bytes)
			break;
		turn_page(&query, &answer);
		random_update(&f, 20);
		scene_unit(&f.centre.scene, 3, "new", "new", day(20240401) + (baophu_date)at);
		scene_day(&f.centre.scene, day(20240501) + (baophu_date)at); /* another business day: the axes stay */
		centre_sync(&f.centre);
		struct wire_query other = question(WIRE_QUERY_COVERAGE, "", 1);
		ask(&f, &other);
	}
	cr_assert_eq(at, whole.record_count);
	teardown(&f);
}

Test(query, the_first_page_is_always_of_the_newest_cut)
{
	struct fixture f;
	setup(&f);
	build(&f);
	random_update(&f, 30);
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_COVERAGE, "92", 0);
	struct wire_query more = question(WIRE_QUERY_COVERAGE, "92", 2);
	more.limit = 1;
	for (int64_t value = 1; value < 5; value++) {
		cr_assert_gt(ask(&f, &more).next_page_bytes, 0, "its coverage is kept for the next page");
		scene_fact(&f.centre.scene, 2, 3, BAOPHU_WHOLE, day(20240430), day(20240430), value, BAOPHU_FINAL);
		centre_sync(&f.centre);
		struct wire_answer answer = ask(&f, &query);
		cr_assert_eq(row_of(&answer.records[0], BAOPHU_ROW_STOCK, "population")->value, value);
	}
	for (int64_t value = 5; value < 9; value++) {
		scene_fact(&f.centre.scene, 2, 3, BAOPHU_WHOLE, day(20240430), day(20240430), value, BAOPHU_FINAL);
		centre_sync(&f.centre);
		struct wire_answer answer = ask(&f, &more);
		cr_assert_eq(row_of(&answer.records[0], BAOPHU_ROW_STOCK, "population")->value, value);
	}
	teardown(&f);
}

Test(query, a_page_of_another_question_or_history_is_refused)
{
	struct fixture f;
	setup(&f);
	build(&f);
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_COVERAGE, "92", 2);
	query.limit = 3;
	struct wire_answer answer = ask(&f, &query);
	cr_assert_gt(answer.next_page_bytes, 0);
	turn_page(&query, &answer);
	struct wire_query other = query;
	other.depth = 1;
	cr_assert_eq(ask_page(&f, &other).code, BAOPHU_CODE_QUERY);
	other = query;
	other.limit = 5;
	other.id = 1;
	cr_assert_eq(ask_page(&f, &other).code, BAOPHU_CODE_NONE, "id and size of a page are no part of the question");
	other = query;
	other.page[9] ^= 1; /* the digest */
	answer = ask_page(&f, &other);
	cr_assert(answer.code == BAOPHU_CODE_SNAPSHOT_REQUIRED && answer.detail.fault == BAOPHU_FAULT_HISTORY);
	other = query;
	other.page_bytes--;
	answer = ask_page(&f, &other);
	cr_assert(answer.code == BAOPHU_CODE_QUERY && answer.detail.fault == BAOPHU_FAULT_PAGE);
	teardown(&f);
}

Test(query, an_answer_fits_its_bound_however_much_there_is)
{
	struct fixture f;
	struct scene *scene = &f.centre.scene;
	setup(&f);
	build(&f);
	for (int i = 0; i < 60; i++) {
		char code[17];
		snprintf(code, sizeof code, "extra%d", i);
		scene_measure(scene, code, BAOPHU_STOCK, 0);
	}
	for (uint32_t i = 0; i < 300; i++) {
		char code[17];
		snprintf(code, sizeof code, "c%u", i);
		scene_unit(scene, 3, code, code, day(20200101));
	}
	for (uint32_t unit = 1; unit <= unit_count(&f); unit++) {
		scene_begin(scene);
		for (uint16_t measure = 5; measure < 65; measure++) {
			struct entry entry = { .kind = ENTRY_FACT,
					       .fact = { .slot = { unit, measure, BAOPHU_WHOLE, day(20240401), day(20240401) },
							 .figure = { 1000000000000000, BAOPHU_FINAL, BAOPHU_REPORTED, BAOPHU_EXACT,
								     0 } } };
			scene_add(scene, &entry);
		}
		scene_end(scene, RECORD_UPDATE, AGENT, EPOCH, ++f.number);
	}
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_COVERAGE, "", 8);
	query.limit = 500;
	struct wire_answer answer = ask(&f, &query);
	cr_assert_gt(answer.next_page_bytes, 0);
	answer = ask_all(&f, query, 500);
	struct wire_answer live = live_records(&f);
	assert_same_records(&answer, &live);
	uint8_t bytes[QUESTION_BYTES];
	ssize_t size = wire_encode_query(&query, bytes, sizeof bytes), less = 1 << 16;
	ssize_t answer_bytes = query_answer(f.engine, bytes, (size_t)size, f.buffer, (size_t)less);
	cr_assert(answer_bytes > less / 2 && answer_bytes <= less, "%zd bytes", answer_bytes);
	query = question(WIRE_QUERY_CHANGED, "900", 1);
	answer = ask_all(&f, query, 500);
	cr_assert_eq(answer.record_count, 300 + COMMUNES);
	teardown(&f);
}

/* ---- what is wrong with a question ---- */

static void expect_fault(const struct wire_answer *answer, enum baophu_fault fault, const char *named)
{
	cr_assert(answer->code == BAOPHU_CODE_QUERY && strstr(answer->text, named), "%s", answer->text);
	cr_assert_eq(answer->detail.fault, fault);
	cr_assert_str_eq(answer->detail.named, named);
}

Test(query, says_what_is_wrong_with_a_question)
{
	struct fixture f;
	setup(&f);
	build(&f);
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_COVERAGE, "nowhere", 0);
	struct wire_answer answer = ask_page(&f, &query);
	expect_fault(&answer, BAOPHU_FAULT_UNIT_UNKNOWN, "nowhere");
	query = question(WIRE_QUERY_COVERAGE, "92", 0);
	query.plan = "none-such";
	answer = ask_page(&f, &query);
	expect_fault(&answer, BAOPHU_FAULT_PLAN_UNKNOWN, "none-such");
	query.plan = "";
	query.measures = (const char *const[]){ "bhxh", "wrong" };
	query.measure_count = 2;
	answer = ask_page(&f, &query);
	expect_fault(&answer, BAOPHU_FAULT_MEASURE_UNKNOWN, "wrong");
	query = question(WIRE_QUERY_CHANGED, "", 0);
	answer = ask_page(&f, &query);
	expect_fault(&answer, BAOPHU_FAULT_UNIT_MISSING, "");
	query = question(WIRE_QUERY_HISTORY, "", 0);
	answer = ask_page(&f, &query);
	expect_fault(&answer, BAOPHU_FAULT_UNIT_MISSING, "");
	query = question(WIRE_QUERY_COVERAGE, "92", 0);
	cr_assert_eq(ask_page(&f, &query).detail.fault, BAOPHU_FAULT_NONE);

	ssize_t size = query_answer(f.engine, "\xff\xff\xff", 3, f.buffer, BUFFER_BYTES);
	cr_assert_eq(f.malformed, 1);
	cr_assert_gt(size, 0);
	cr_assert_eq(wire_decode_answer(&f.arena, f.buffer, (size_t)size, &answer), 0);
	cr_assert(answer.code == BAOPHU_CODE_QUERY && answer.text[0] && answer.detail.fault == BAOPHU_FAULT_UNREADABLE);
	teardown(&f);
}

Test(query, says_behind_when_the_seq_is_not_reached)
{
	struct fixture f;
	setup(&f);
	build(&f);
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_COVERAGE, "92", 0);
	query.min_seq = f.centre.scene.place.seq;
	cr_assert_eq(ask(&f, &query).cut.seq, query.min_seq);
	query.min_seq++;
	struct wire_answer answer = ask_page(&f, &query);
	cr_assert(answer.code == BAOPHU_CODE_BEHIND && answer.detail.fault == BAOPHU_FAULT_SEQ_AHEAD);
	cr_assert(answer.detail.wanted_seq == query.min_seq && answer.detail.newest_seq == query.min_seq - 1);
	query = question(WIRE_QUERY_LOG, "", 0);
	query.min_seq = f.centre.scene.place.seq + 1;
	cr_assert_eq(ask_page(&f, &query).code, BAOPHU_CODE_BEHIND);
	teardown(&f);
}

Test(query, waits_for_history_to_reach_the_seq_named)
{
	struct fixture f;
	setup(&f);
	build(&f);
	for (int i = 0; i < 20; i++) {
		random_update(&f, 5);
		centre_commit(&f.centre);
		struct wire_query query = question(WIRE_QUERY_COVERAGE, "92", 0);
		query.min_seq = f.centre.scene.place.seq;
		cr_assert_eq(ask(&f, &query).cut.seq, query.min_seq);
	}
	teardown(&f);
}

/* ---- CHANGED ---- */

Test(query, changed_gives_live_records_above_a_version)
{
	struct fixture f;
	setup(&f);
	build(&f);
	for (int i = 0; i < 30; i++)
		random_update(&f, 10);
	centre_sync(&f.centre);
	struct wire_answer live = live_records(&f);
	struct wire_query query = question(WIRE_QUERY_CHANGED, "92", 2);
	struct wire_answer all = ask_all(&f, query, 3);
	cr_assert_eq(all.record_count, DISTRICTS * COMMUNES);
	for (uint32_t i = 0; i < all.record_count; i++)
		for (uint32_t j = 0; j < live.record_count; j++)
			if (live.records[j].unit_number == all.records[i].unit_number) {
				assert_same_record(&live.records[j], &all.records[i]);
				cr_assert_eq(all.records[i].seq, f.centre.scene.place.seq);
			}
	struct subtree_sum sum = { 0 }, wanted = fold_subtree(&f.centre.scene.state, 2, 2);
	for (uint32_t i = 0; i < all.record_count; i++, sum.count++)
		sum.sum += baophu_mix64(all.records[i].unit_number, all.records[i].version);
	cr_assert(sum.count == wanted.count && sum.sum == wanted.sum, "a snapshot is what a seal proves");

	query.since_seq = all.cut.seq;
	query.has_since_digest = true;
	memcpy(query.since_digest, all.cut.digest, sizeof query.since_digest);
	cr_assert_eq(ask(&f, &query).record_count, 0);
	scene_fact(&f.centre.scene, 5, 1, BAOPHU_WHOLE, day(20240430), day(20240430), 1, BAOPHU_FINAL);
	centre_sync(&f.centre);
	struct wire_answer changed = ask(&f, &query);
	cr_assert(changed.record_count == 1 && changed.records[0].unit_number == 5 &&
		  changed.records[0].version == f.centre.scene.place.seq);
	query.depth = 1;
	changed = ask(&f, &query);
	cr_assert(changed.record_count == 1 && changed.records[0].unit_number == 3, "and the unit above it");
	teardown(&f);
}

Test(query, changed_since_another_history_needs_a_snapshot)
{
	struct fixture f;
	setup(&f);
	build(&f);
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_CHANGED, "92", 1);
	query.since_seq = f.centre.scene.place.seq;
	query.has_since_digest = true;
	memcpy(query.since_digest, f.centre.scene.place.digest, sizeof query.since_digest);
	cr_assert_eq(ask_page(&f, &query).code, BAOPHU_CODE_NONE);
	query.since_digest[31] ^= 1;
	cr_assert_eq(ask_page(&f, &query).code, BAOPHU_CODE_SNAPSHOT_REQUIRED);
	query.has_since_digest = false;
	cr_assert_eq(ask_page(&f, &query).code, BAOPHU_CODE_NONE);
	query.since_seq = f.centre.scene.place.seq + 1000;
	struct wire_answer answer = ask_page(&f, &query);
	cr_assert_eq(answer.code, BAOPHU_CODE_SNAPSHOT_REQUIRED, "beyond the head");
	cr_assert(answer.detail.fault == BAOPHU_FAULT_SEQ_AHEAD && answer.detail.wanted_seq == query.since_seq &&
		  answer.detail.newest_seq == f.centre.scene.place.seq);
	teardown(&f);
}

/* ---- lists ---- */

Test(query, history_lists_every_version_with_who_when_and_whether_it_stands)
{
	struct fixture f;
	struct scene *scene = &f.centre.scene;
	setup(&f);
	build(&f);
	uint64_t seqs[4];
	baophu_date date = day(20240401);
	for (int i = 0; i < 3; i++) {
		struct entry entry = { .kind = ENTRY_FACT,
				       .fact = { .slot = { 4, 1, BAOPHU_WHOLE, date, date },
						 .figure = { 10 + i, BAOPHU_FINAL, BAOPHU_REPORTED, BAOPHU_NEARLY,
							     BAOPHU_REASON_CORRECTION } } };
		scene->header.time_ms = 1000 + i;
		scene_begin(scene);
		scene_add(scene, &entry);
		seqs[i] = scene_end(scene, RECORD_UPDATE, AGENT, EPOCH, ++f.number);
	}
	scene->header.time_ms = 0;
	struct entry_withdrawal withdrawal = { .slot = { 4, 1, BAOPHU_WHOLE, date, date },
					       .withdrawn_id = entry_id(seqs[2], 0),
					       .restored_id = entry_id(seqs[1], 0),
					       .restored = { 11, BAOPHU_FINAL, 1, BAOPHU_NEARLY, 1 } };
	struct entry entry = { .kind = ENTRY_WITHDRAWAL, .withdrawal = withdrawal };
	scene_begin(scene);
	scene_add(scene, &entry);
	seqs[3] = scene_end(scene, RECORD_UPDATE, AGENT, EPOCH, ++f.number);
	scene_fact(scene, 4, 3, BAOPHU_WHOLE, date, date, 500, BAOPHU_ESTIMATE);
	centre_sync(&f.centre);

	struct wire_query query = question(WIRE_QUERY_HISTORY, "900.0", 0);
	struct wire_answer answer = ask(&f, &query);
	cr_assert_eq(answer.fact_count, 5);
	for (int i = 0; i < 3; i++) {
		const struct wire_fact_version *fact = &answer.facts[i];
		cr_assert(fact->seq == seqs[i] && fact->index == 0 && fact->value == 10 + i && fact->time_ms == 1000 + i &&
			  fact->stands == (i == 1));
		cr_assert(!strcmp(fact->agent, "cantho") && !strcmp(fact->measure, "bhxh") && fact->bound == BAOPHU_NEARLY &&
			  fact->reason == BAOPHU_REASON_CORRECTION && fact->from == date && fact->to == date);
	}
	cr_assert(answer.facts[3].value == BAOPHU_ABSENT && answer.facts[3].seq == seqs[3] && !answer.facts[3].stands);
	cr_assert(!strcmp(answer.facts[4].measure, "population") && answer.facts[4].stands && !answer.facts[4].agent[0]);

	query.measures = (const char *const[]){ "population" };
	query.measure_count = 1;
	cr_assert_eq(ask(&f, &query).fact_count, 1);
	query.measure_count = 0;
	query.known_seq = seqs[2];
	answer = ask(&f, &query);
	cr_assert(answer.fact_count == 3 && answer.facts[2].stands, "as known before the withdrawal");
	query.known_seq = 0;
	query.limit = 2;
	uint32_t count = 0;
	for (;;) {
		answer = ask(&f, &query);
		for (uint32_t i = 0; i < answer.fact_count; i++, count++)
			cr_assert(count > 3 || answer.facts[i].seq == seqs[count]);
		if (!answer.next_page_bytes)
			break;
		turn_page(&query, &answer);
	}
	cr_assert_eq(count, 5);
	teardown(&f);
}

/* Asks page after page; what each version is of, "unit:date=value" in order. */
static const char *history_text(struct fixture *f, struct wire_query query, char *text, size_t size, uint32_t *ret_pages)
{
	size_t used = 0;
	*text = '\0';
	for (*ret_pages = 1;; ++*ret_pages) {
		struct wire_answer answer = ask(f, &query);
		cr_assert_eq(answer.code, BAOPHU_CODE_NONE, "%s", answer.text);
		for (uint32_t i = 0; i < answer.fact_count; i++)
			used += (size_t)snprintf(text + used, size - used, "%s:%u=%lld%s ", answer.facts[i].unit,
						 baophu_date_to_civil(answer.facts[i].to) % 10000,
						 (long long)(answer.facts[i].value == BAOPHU_ABSENT ? -1 : answer.facts[i].value),
						 answer.facts[i].stands ? "" : "-");
		if (!answer.next_page_bytes)
			return text;
		turn_page(&query, &answer);
	}
}

Test(query, history_of_a_subtree_names_the_unit_and_can_begin_anywhere)
{
	struct fixture f;
	struct scene *scene = &f.centre.scene;
	char text[2000];
	uint32_t pages;
	setup(&f);
	build(&f);
	for (uint32_t unit = 2; unit <= 5; unit++)
		for (uint32_t month = 1; month <= 3; month++)
			scene_fact(scene, unit, 1, BAOPHU_WHOLE, day(20240000 + month * 100 + 10), day(20240000 + month * 100 + 10),
				   unit * 10 + month, BAOPHU_FINAL);
	scene_fact(scene, 5, 1, BAOPHU_WHOLE, day(20240110), day(20240110), 99, BAOPHU_FINAL);
	centre_sync(&f.centre);
	struct baophu_place before = scene->place;

	struct wire_query query = question(WIRE_QUERY_HISTORY, "900", 0);
	cr_assert_str_eq(history_text(&f, query, text, sizeof text, &pages), ":110=31 :210=32 :310=33 ", "one unit: as ever");
	query.depth = 1;
	query.from = day(20240301);
	cr_assert_str_eq(history_text(&f, query, text, sizeof text, &pages), "900:310=33 900.0:310=43 900.1:310=53 ");
	query.from = BAOPHU_DATE_NONE;
	char whole[2000];
	history_text(&f, query, whole, sizeof whole, &pages);
	cr_assert_str_eq(whole, "900:110=31 900:210=32 900:310=33 900.0:110=41 900.0:210=42 900.0:310=43 "
				"900.1:110=51- 900.1:110=99 900.1:210=52 900.1:310=53 ");
	for (query.limit = 1; query.limit <= 7; query.limit++) {
		cr_assert_str_eq(history_text(&f, query, text, sizeof text, &pages), whole, "pages of %u", query.limit);
		cr_assert_geq(pages, 10 / query.limit);
	}
	query.limit = 0;

	query.since_seq = before.seq - 1;
	cr_assert_str_eq(history_text(&f, query, text, sizeof text, &pages), "900.1:110=51- 900.1:110=99 ",
			 "all that was ever said of a period that was spoken of since");
	query.since_seq = before.seq;
	query.has_since_digest = true;
	memcpy(query.since_digest, before.digest, sizeof query.since_digest);
	cr_assert_str_eq(history_text(&f, query, text, sizeof text, &pages), "");
	query.since_digest[0] ^= 1;
	cr_assert_eq(ask_page(&f, &query).code, BAOPHU_CODE_SNAPSHOT_REQUIRED, "another history");
	teardown(&f);
}

Test(query, history_of_many_units_is_walked_a_bounded_part_at_a_time)
{
	struct fixture f;
	struct scene *scene = &f.centre.scene;
	char code[BAOPHU_CODE_BYTES_MAX + 1], text[100];
	uint32_t pages;
	setup(&f);
	build(&f);
	uint32_t top = scene_unit(scene, 0, "T", "Top", day(20200101)), last = 0;
	for (uint32_t i = 0; i < 600; i++) {
		snprintf(code, sizeof code, "T%05u", i);
		last = scene_unit(scene, top, code, code, day(20200101));
	}
	scene_fact(scene, last, 1, BAOPHU_WHOLE, day(20240110), day(20240110), 7, BAOPHU_FINAL);
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_HISTORY, "T", 1);
	cr_assert_str_eq(history_text(&f, query, text, sizeof text, &pages), "T00599:110=7 ");
	cr_assert_eq(pages, 3, "601 units, 256 a page");
	teardown(&f);
}

Test(query, units_name_what_led_to_them)
{
	struct fixture f;
	struct scene *scene = &f.centre.scene;
	setup(&f);
	build(&f);
	/* 900.0 was renamed and got another code; 900.1 went into it, and before that 900.9 into 900.1. */
	uint32_t oldest = scene_unit(scene, 3, "900.9", "Đông Sơn", day(20100101));
	struct entry renamed = { .kind = ENTRY_UNIT, .unit = { 4, 3, 1, day(20240501), "900.0", "Tên mới" } };
	struct entry recoded = { .kind = ENTRY_UNIT, .unit = { 4, 3, 1, day(20240601), "777.0", "Tên mới" } };
	struct entry_successor into_4[] = { { 4, 1 } }, into_5[] = { { 5, 1 } };
	struct entry first = { .kind = ENTRY_UNIT_CLOSE, .unit_close = { oldest, day(20240201), 1, into_5 } };
	struct entry second = { .kind = ENTRY_UNIT_CLOSE, .unit_close = { 5, day(20240601), 1, into_4 } };
	scene_begin(scene);
	scene_add(scene, &renamed);
	scene_add(scene, &recoded);
	scene_add(scene, &first);
	scene_add(scene, &second);
	scene_end(scene, RECORD_UPDATE, 0, 0, 0);
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_UNITS, "777.0", 0);
	query.as_of = day(20240701);
	struct wire_answer answer = ask(&f, &query);
	char text[500] = "";
	cr_assert_eq(answer.unit_count, 1);
	for (uint32_t i = 0; i < answer.units[0].former_count; i++) {
		const struct wire_former_unit *former = &answer.units[0].former[i];
		size_t used = strlen(text);
		snprintf(text + used, sizeof text - used, "%s %s %u-%u; ", former->code,
			 former->number == 4 ? "self" : former->name, baophu_date_to_civil(former->from),
			 baophu_date_to_civil(former->until));
	}
	cr_assert_str_eq(text, "900.0 self 20240501-20240531; 900.0 self 20200101-20240430; 900.1 900.1 20200101-20240531; "
			       "900.9 Đông Sơn 20100101-20240131; ");
	query.as_of = day(20240515);
	query.unit = "900.0";
	answer = ask(&f, &query);
	cr_assert_eq(answer.units[0].former_count, 1, "what comes later has not led to it yet");
	teardown(&f);
}

Test(query, agents_show_what_they_were_granted)
{
	struct fixture f;
	struct scene *scene = &f.centre.scene;
	setup(&f);
	build(&f);
	uint16_t two[] = { 1, 3 };
	struct entry grants[] = {
		{ .kind = ENTRY_GRANT, .grant = { AGENT, 4, BAOPHU_WHOLE, 0, day(20240101), BAOPHU_DATE_NONE, 2, two } },
		{ .kind = ENTRY_GRANT, .grant = { AGENT, 5, BAOPHU_EXTENT_ANY, 0, day(20200101), day(20240331), 0, NULL } },
		{ .kind = ENTRY_GRANT, .grant = { AGENT, 3, BAOPHU_EXTENT_ANY, 0, day(20200101), day(20221231), 0, NULL } },
		{ .kind = ENTRY_UNIT, .unit = { 5, 3, 1, day(20240401), "905", "Mã khác" } },
	};
	scene_begin(scene);
	for (size_t i = 0; i < sizeof grants / sizeof *grants; i++)
		scene_add(scene, &grants[i]);
	scene_end(scene, RECORD_UPDATE, 0, 0, 0);
	scene_day(scene, day(20240430));
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_AGENTS, "", 0);
	struct wire_answer answer = ask(&f, &query);
	const struct wire_agent_info *agent = &answer.agents[1];
	cr_assert_eq(agent->grant_count, 3, "one ended long ago");
	const struct wire_grant_info *some = &agent->grants[1], *ended = &agent->grants[2];
	cr_assert(!strcmp(some->unit, "900.0") && some->measure_count == 2 && !strcmp(some->measures[0], "bhxh") &&
		  !strcmp(some->measures[1], "population") && some->extent == BAOPHU_WHOLE && some->from == day(20240101) &&
		  some->until == BAOPHU_DATE_NONE && some->seq == scene->place.seq - 1);
	cr_assert_str_eq(ended->unit, "900.1", "the code that it had while the grant held");
	cr_assert(ended->measure_count == 0 && ended->until == day(20240331));
	teardown(&f);
}

Test(query, agents_with_many_grants_come_in_pages_that_fit_an_answer)
{
	enum { AGENTS = 120, GRANTS = 256, MEASURES = 3 };
	struct fixture f;
	struct scene *scene = &f.centre.scene;
	setup(&f);
	build(&f);
	uint16_t measures[MEASURES] = { 1, 2, 3 };
	uint32_t first = scene->agents;
	for (uint32_t i = 0; i < AGENTS; i++) {
		char name[BAOPHU_CODE_BYTES_MAX + 1];
		snprintf(name, sizeof name, "many-%u", i % 1000);
		scene_begin(scene);
		scene_add(scene, &(struct entry){ .kind = ENTRY_AGENT,
						  .agent = { ++scene->agents, day(20120101), BAOPHU_DATE_NONE, name } });
		for (int grant = 0; grant < GRANTS; grant++)
			scene_add(scene, &(struct entry){ .kind = ENTRY_GRANT,
							  .grant = { scene->agents, 4, BAOPHU_WHOLE, 0, day(20240101) + grant,
								     BAOPHU_DATE_NONE, MEASURES, measures } });
		scene_end(scene, RECORD_UPDATE, 0, 0, 0);
	}
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_AGENTS, "", 0);
	query.limit = BAOPHU_PAGE_RECORDS_MAX;
	uint32_t agents = 0, pages = 0;
	do {
		struct wire_answer answer = ask(&f, &query);
		for (uint32_t i = 0; i < answer.agent_count; i++)
			cr_assert(agents + i < first || answer.agents[i].grant_count == GRANTS);
		agents += answer.agent_count;
		pages++;
		turn_page(&query, &answer);
	} while (query.page_bytes);
	cr_assert(agents == first + AGENTS && pages > 4, "%u agents on %u pages", agents, pages);
	teardown(&f);
}

/* ---- DUE ---- */

/* All pages, in the arena. */
static struct wire_answer ask_due(struct fixture *f, struct wire_query query, uint32_t limit)
{
	struct wire_due_info *due = wire_arena_alloc(&f->arena, RECORDS_MAX * sizeof *due);
	struct wire_answer answer;
	uint32_t count = 0;
	query.limit = limit;
	do {
		answer = ask(f, &query);
		cr_assert_leq(answer.due_count, limit ? limit : 200);
		cr_assert_lt(count + answer.due_count, RECORDS_MAX);
		memcpy(due + count, answer.due, answer.due_count * sizeof *due);
		count += answer.due_count;
		turn_page(&query, &answer);
	} while (query.page_bytes);
	answer.due = due;
	answer.due_count = count;
	return answer;
}

Test(query, due_lists_what_is_declared_and_how_it_stands)
{
	enum { ALL = 1 + DISTRICTS + DISTRICTS * COMMUNES };
	struct fixture f;
	setup(&f);
	build(&f);
	struct scene *scene = &f.centre.scene;
	scene_agent(scene, "other"); /* 1 and 2 there are; this says the name of 1 anew, which declares nothing */
	struct wire_query query = question(WIRE_QUERY_DUE, "", 0);
	centre_sync(&f.centre);
	cr_assert_eq(ask(&f, &query).due_count, 0);
	scene_day(scene, day(20240510));
	scene_declare(scene, AGENT, 2, 1, 1, BAOPHU_MONTHLY, 25, 3);
	scene_declare(scene, AGENT, 3, 0, 4, BAOPHU_YEARLY, 930, 0);
	scene_fact(scene, 5, 1, BAOPHU_WHOLE, day(20240425), day(20240425), 7, BAOPHU_FINAL);
	scene_day(scene, day(20240529));
	scene_fact(scene, 4, 1, BAOPHU_WHOLE, day(20240526), day(20240526), 7, BAOPHU_FINAL);
	centre_sync(&f.centre);
	for (uint32_t limit = 0; limit < 3; limit++) { /* as it comes, one a page, and two: a page ends within a unit */
		struct wire_answer answer = ask_due(&f, query, limit);
		cr_assert_eq(answer.due_count, ALL + 1);
		uint32_t count[BAOPHU_FRESHNESS_COUNT] = { 0 };
		for (uint32_t i = 0; i < answer.due_count; i++) {
			const struct wire_due_info *due = &answer.due[i];
			count[due->freshness]++;
			cr_assert_str_eq(due->agent, "cantho");
			cr_assert_eq(due->extent, BAOPHU_WHOLE);
			cr_assert_eq(due->since, day(20240510));
			if (due->rhythm == BAOPHU_YEARLY) {
				cr_assert(!strcmp(due->unit, "900") && !strcmp(due->measure, "thu") && due->closing_day == 930);
				cr_assert(due->freshness == BAOPHU_FRESH && due->newest == BAOPHU_DATE_NONE &&
					  due->closing == BAOPHU_DATE_NONE && due->next_closing == day(20240930));
				continue;
			}
			cr_assert(due->rhythm == BAOPHU_MONTHLY && due->closing_day == 25 && due->grace_days == 3);
			cr_assert(due->closing == day(20240525) && due->next_closing == day(20240625) &&
				  !strcmp(due->measure, "bhxh"));
			bool is_late = !strcmp(due->unit, "900.1"), is_fresh = !strcmp(due->unit, "900.0");
			cr_assert_eq(due->newest, is_late ? day(20240425) : is_fresh ? day(20240526) : BAOPHU_DATE_NONE);
			cr_assert_eq(due->freshness, is_late ? BAOPHU_LATE : is_fresh ? BAOPHU_FRESH : BAOPHU_SILENT);
			cr_assert_str_eq(due->name, !strcmp(due->unit, "92") ? "Cần Thơ" : due->unit);
		}
		cr_assert(count[BAOPHU_FRESH] == 2 && count[BAOPHU_LATE] == 1 && count[BAOPHU_SILENT] == ALL - 2);
	}
	query.freshness = BAOPHU_LATE;
	cr_assert_eq(ask_due(&f, query, 5).due_count, ALL - 1);
	query.freshness = BAOPHU_SILENT;
	query.unit = "900";
	cr_assert_eq(ask_due(&f, query, 0).due_count, 1 + COMMUNES - 2);
	query.agent = "cantho";
	cr_assert_eq(ask_due(&f, query, 0).due_count, 1 + COMMUNES - 2);
	query.agent = "other";
	cr_assert_eq(ask_due(&f, query, 0).due_count, 0);
	query.agent = "nobody";
	struct wire_answer refused = ask_page(&f, &query);
	expect_fault(&refused, BAOPHU_FAULT_AGENT_UNKNOWN, "nobody");
	query = question(WIRE_QUERY_AGENTS, "", 0);
	struct wire_answer answer = ask(&f, &query);
	const struct wire_agent_info *agent = &answer.agents[1];
	cr_assert(agent->freshness == BAOPHU_SILENT && agent->declared == ALL + 1 && agent->fresh == 2 && agent->due == 0 &&
		  agent->late == 1 && agent->silent == ALL - 2);
	cr_assert(answer.agents[0].freshness == BAOPHU_FRESHNESS_NONE && !answer.agents[0].declared);
	teardown(&f);
}

Test(query, units_are_listed_parents_first_with_the_days_they_hold)
{
	struct fixture f;
	struct scene *scene = &f.centre.scene;
	setup(&f);
	build(&f);
	struct entry entry = { .kind = ENTRY_UNIT, .unit = { 4, 3, 1, day(20240501), "renamed", "Tên mới" } };
	scene_begin(scene);
	scene_add(scene, &entry);
	scene_end(scene, RECORD_UPDATE, 0, 0, 0);
	scene_unit(scene, 0, "ZZ", "another root", day(20200101));
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_UNITS, "", 8);
	struct wire_answer answer = ask(&f, &query);
	cr_assert_eq(answer.unit_count, unit_count(&f));
	cr_assert(!strcmp(answer.units[0].code, "VN") && !answer.units[0].parent[0] && answer.units[0].until == BAOPHU_DATE_NONE);
	cr_assert_str_eq(answer.units[answer.unit_count - 1].code, "ZZ");
	for (uint32_t i = 1; i + 1 < answer.unit_count; i++) {
		const struct wire_unit_info *unit = &answer.units[i];
		bool parent_came_first = false;
		for (uint32_t j = 0; j < i; j++)
			parent_came_first |= !strcmp(answer.units[j].code, unit->parent) &&
					     answer.units[j].depth + 1 == unit->depth;
		cr_assert(parent_came_first, "%s", unit->code);
		if (unit->number == 4)
			cr_assert(!strcmp(unit->code, "900.0") && unit->from == day(20200101) && unit->until == day(20240430));
	}
	query.limit = 5;
	uint32_t count = 0;
	for (;;) {
		struct wire_answer page = ask(&f, &query);
		for (uint32_t i = 0; i < page.unit_count; i++)
			cr_assert_str_eq(page.units[i].code, answer.units[count++].code);
		if (!page.next_page_bytes)
			break;
		turn_page(&query, &page);
	}
	cr_assert_eq(count, unit_count(&f));
	query = question(WIRE_QUERY_UNITS, "900", 1);
	query.as_of = day(20240501);
	answer = ask(&f, &query);
	cr_assert(answer.unit_count == 1 + COMMUNES && !strcmp(answer.units[COMMUNES].name, "Tên mới"));
	teardown(&f);
}

Test(query, measures_plans_agents_and_lines_are_listed)
{
	struct fixture f;
	struct scene *scene = &f.centre.scene;
	setup(&f);
	build(&f);
	scene_plan(scene, 1, "nam-2024", 2, BAOPHU_PLAN_STOCK, 1, day(20240101), day(20241231), 160000, 0);
	random_update(&f, 1);
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_MEASURES, "", 0);
	struct wire_answer answer = ask(&f, &query);
	cr_assert(answer.measure_count == 4 && answer.indicator_count == 1);
	cr_assert(!strcmp(answer.measures[1].code, "bhxh_bb") && !strcmp(answer.measures[1].parent, "bhxh") &&
		  !strcmp(answer.measures[0].unit_vi, "người") && answer.measures[3].kind == BAOPHU_FLOW);
	cr_assert(!strcmp(answer.indicators[0].numerator, "bhxh") && !strcmp(answer.indicators[0].denominator, "population"));
	query.limit = 3;
	answer = ask(&f, &query);
	cr_assert(answer.measure_count == 3 && answer.next_page_bytes);
	turn_page(&query, &answer);
	answer = ask(&f, &query);
	cr_assert(answer.measure_count == 1 && answer.indicator_count == 1 && !answer.next_page_bytes);

	query = question(WIRE_QUERY_PLANS, "92", 0);
	answer = ask(&f, &query);
	cr_assert_eq(answer.plan_count, 3, "the newest revision of each");
	const struct wire_plan_info *plan = NULL;
	for (uint32_t i = 0; i < answer.plan_count; i++)
		if (!strcmp(answer.plans[i].plan.target, "bhxh"))
			plan = &answer.plans[i];
	cr_assert(plan && plan->plan.value == 160000 && plan->revision == 2 && !strcmp(plan->plan.unit, "92"));
	query.plan = "nq-2024";
	answer = ask(&f, &query);
	cr_assert(answer.plan_count == 1 && answer.plans[0].plan.kind == BAOPHU_PLAN_RATE && answer.plans[0].plan.value == 9525 &&
		  !strcmp(answer.plans[0].plan.target, "bhxh_rate"));
	query = question(WIRE_QUERY_PLANS, "", 0);
	answer = ask(&f, &query);
	cr_assert_eq(answer.plan_count, 3 + unit_count(&f) / 3, "without a unit: all");

	query = question(WIRE_QUERY_AGENTS, "", 0);
	answer = ask(&f, &query);
	cr_assert(answer.agent_count == 2 && !strcmp(answer.agents[1].name, "cantho") && answer.agents[1].epochs == 1);
	cr_assert(answer.agents[1].last_seq == f.centre.scene.place.seq && answer.agents[1].last_ms == 1714000000000);
	cr_assert(answer.agents[1].unit_count == 1 && !strcmp(answer.agents[1].units[0], "92"));
	random_update(&f, 1);
	centre_sync(&f.centre);
	cr_assert_eq(ask(&f, &query).agents[1].last_seq, f.centre.scene.place.seq, "numbering is live");

	scene_line(scene, 0, 50, 0, 0, false);
	scene_line(scene, 1, 975, 1, 1, false);
	scene_line(scene, 2, 25, 0, 2, false);
	scene_line(scene, 0, 50, 0, 0, true);
	centre_sync(&f.centre);
	query = question(WIRE_QUERY_THRESHOLDS, "", 0);
	answer = ask(&f, &query);
	cr_assert(answer.threshold_count == 2 && answer.thresholds[0].threshold.digits == 975 &&
		  answer.thresholds[0].threshold.decimals == 1 && !strcmp(answer.thresholds[0].threshold.plan, "nam-2024") &&
		  answer.thresholds[0].seq == scene->place.seq - 2);
	query.plan = "nam-2024";
	cr_assert_eq(ask(&f, &query).threshold_count, 1, "a line of another plan");
	teardown(&f);
}

/* All pages of events as one list, in the arena. */
static struct wire_answer ask_events(struct fixture *f, struct wire_query query, uint32_t limit)
{
	enum { EVENTS_MAX = 4000 };
	struct baophu_event *events = wire_arena_alloc(&f->arena, EVENTS_MAX * sizeof *events);
	struct wire_answer answer;
	uint32_t count = 0;
	query.limit = limit;
	do {
		answer = ask(f, &query);
		cr_assert(count + answer.event_count <= EVENTS_MAX && answer.event_count <= limit);
		memcpy(events + count, answer.events, answer.event_count * sizeof *events);
		count += answer.event_count;
		turn_page(&query, &answer);
	} while (query.page_bytes);
	answer.events = events;
	answer.event_count = count;
	return answer;
}

static void assert_events(struct fixture *f, const struct wire_query *query, bool is_wanted(const struct event *event),
			  const char *what)
{
	const struct vec *made = &f->centre.scene.state.events.made;
	struct wire_answer answer = ask_events(f, *query, 1 + scene_random(&f->seed, 60));
	uint32_t at = 0;
	for (size_t i = 0; i < made->count; i++) {
		const struct event *event = vec_at(made, struct event, i);
		struct baophu_event expected;
		if (!is_wanted(event))
			continue;
		cr_assert_lt(at, answer.event_count, "%s", what);
		const struct baophu_event *got = &answer.events[at++];
		event_describe(&f->centre.scene.state.registry, event, &expected);
		cr_assert(got->seq == expected.seq && got->index == expected.index && got->cause == expected.cause &&
			      got->unit_number == expected.unit_number && !strcmp(got->unit, expected.unit) &&
			      !strcmp(got->name, expected.name) && !strcmp(got->plan, expected.plan) &&
			      !strcmp(got->measure, expected.measure) && got->line_digits == expected.line_digits &&
			      got->direction == expected.direction && got->numerator == expected.numerator &&
			      got->denominator == expected.denominator && got->target == expected.target &&
			      got->day == expected.day && got->nth == expected.nth && got->count == expected.count &&
			      got->number == expected.number && got->time_ms == expected.time_ms,
			  "%s: %llu.%u, not %llu.%u", what, (unsigned long long)got->seq, got->index,
			  (unsigned long long)expected.seq, expected.index);
	}
	cr_assert_eq(at, answer.event_count, "%s: %u of %u", what, at, answer.event_count);
}

static uint64_t since_of_test; /* what the predicates below go by */
static bool any_event(const struct event *event) { return event->seq != 0; }
static bool later_event(const struct event *event) { return event->seq > since_of_test; }
static bool earlier_event(const struct event *event) { return event->seq <= since_of_test; }
static bool of_one_unit(const struct event *event) { return event->unit == 2; }
static bool of_district(const struct event *event) { return event->unit == 3 || event->unit == 6; }
static bool of_a_rate(const struct event *event) { return event->is_rate; }
static bool of_measure(const struct event *event) { return !event->is_rate && event->target == 1; }
static bool of_other_plan(const struct event *event) { return event->plan == 2; }
static bool of_may(const struct event *event) { return event->day >= day(20240501) && event->day <= day(20240503); }

Test(query, events_come_in_order_and_can_be_narrowed)
{
	struct fixture f;
	struct scene *scene = &f.centre.scene;
	setup(&f);
	build(&f);
	for (uint32_t line = 0; line < 3; line++)
		scene_line(scene, 0, line * 50, 0, line, false);
	for (int i = 0; i < 8; i++) {
		random_update(&f, 80);
		for (int j = 0; j < 100; j++)
			random_update(&f, 1);
		scene_day(scene, day(20240430) + i);
		centre_sync(&f.centre);
	}
	cr_assert_gt(scene->state.events.made.count, 40, "%zu", scene->state.events.made.count);
	struct wire_query all = question(WIRE_QUERY_EVENTS, "", 0), query = all;
	assert_events(&f, &all, any_event, "all");
	query.unit = "92";
	assert_events(&f, &query, of_one_unit, "one unit");
	query.unit = "900";
	query.depth = 2;
	assert_events(&f, &query, of_district, "a district and its communes");
	query = all;
	query.plan = "nq-2024";
	assert_events(&f, &query, of_other_plan, "one plan");
	const char *indicator = "bhxh_rate", *measure = "bhxh";
	query = all;
	query.measure_count = 1;
	query.measures = &indicator;
	assert_events(&f, &query, of_a_rate, "an indicator");
	query.measures = &measure;
	assert_events(&f, &query, of_measure, "a measure, and no indicator of its number");
	query = all;
	query.from = day(20240501);
	query.to = day(20240503);
	assert_events(&f, &query, of_may, "some days");

	query = all;
	query.since_seq = since_of_test = vec_at(&scene->state.events.made, struct event, scene->state.events.made.count / 2)->seq;
	assert_events(&f, &query, later_event, "after a place");
	query.has_since_digest = true;
	struct wire_answer answer = ask_page(&f, &query);
	cr_assert_eq(answer.code, BAOPHU_CODE_SNAPSHOT_REQUIRED, "a place of another history");
	query = all;
	query.known_seq = since_of_test;
	assert_events(&f, &query, earlier_event, "as known then");
	teardown(&f);
}

/* However few of them are wanted, a page ends. */
Test(query, events_that_nobody_wants_are_walked_a_bounded_part_at_a_time)
{
	enum { FLIPS = 17000 };
	struct fixture f;
	struct scene *scene = &f.centre.scene;
	setup(&f);
	build(&f);
	scene_line(scene, 0, 0, 0, 0, false);
	scene_plan(scene, 1, "nam-2024", 4, BAOPHU_PLAN_STOCK, 1, day(20240101), day(20241231), 1000, 0);
	for (int i = 0; i < FLIPS; i++) {
		if (i > (1 << 14) - 4 && i <= (1 << 14) + 4) /* about where a page ends */
			scene_fact(scene, 6, 1, BAOPHU_WHOLE, day(20240401), day(20240401), i % 2, BAOPHU_FINAL);
		scene_fact(scene, 4, 1, BAOPHU_WHOLE, day(20240401), day(20240401), i % 2, BAOPHU_FINAL);
	}
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_EVENTS, "900", 2);
	query.plan = "nq-2024";
	struct wire_answer answer = ask(&f, &query);
	cr_assert(!answer.event_count && answer.next_page_bytes, "an empty page that is not the last");
	turn_page(&query, &answer);
	answer = ask(&f, &query);
	cr_assert(!answer.event_count && !answer.next_page_bytes);
	cr_assert_eq(ask_events(&f, question(WIRE_QUERY_EVENTS, "900.2", 1), 500).event_count, 8);
	teardown(&f);
}

Test(query, held_updates_are_listed_with_what_they_name)
{
	struct fixture f;
	struct scene *scene = &f.centre.scene;
	uint8_t payload[1024];
	setup(&f);
	build(&f);
	scene_begin(scene);
	struct entry_successor successor = { 5, 1 };
	struct entry close = { .kind = ENTRY_UNIT_CLOSE,
			       .unit_close = { .unit = 4, .from = day(20240415), .successor_count = 1, .successors = &successor } };
	scene_add(scene, &close);
	scene_end(scene, RECORD_UPDATE, 0, 0, 0);
	struct wire_entry entry = { .kind = WIRE_FACT,
				    .fact = { .unit = "900.0",
					      .measure = "bhxh",
					      .extent = BAOPHU_WHOLE,
					      .from = day(20240430),
					      .to = day(20240430),
					      .value = 5,
					      .status = BAOPHU_FINAL,
					      .origin = BAOPHU_REPORTED,
					      .bound = BAOPHU_EXACT } };
	struct wire_payload said = { .agent = "cantho", .epoch = EPOCH, .number = 1, .entry_count = 1, .entries = &entry };
	ssize_t bytes = wire_encode_payload(&said, payload, sizeof payload);
	cr_assert_gt(bytes, 0);
	record_begin(&scene->writer, scene->buffer, 1 << 20);
	record_add_payload(&scene->writer, payload, (size_t)bytes);
	scene->header.entry = 0;
	scene->header.code = BAOPHU_CODE_UNIT_NOT_VALID;
	scene->header.verdict = BAOPHU_HELD;
	scene->header.time_ms = 99;
	uint64_t seq = scene_end(scene, RECORD_HELD, AGENT, EPOCH, ++f.number);
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_HELD, "", 0);
	struct wire_answer answer = ask(&f, &query);
	cr_assert_eq(answer.held_count, 1);
	cr_assert(answer.held[0].seq == seq && answer.held[0].code == BAOPHU_CODE_UNIT_NOT_VALID && answer.held[0].number == 1 &&
		  answer.held[0].time_ms == 99 && !strcmp(answer.held[0].agent, "cantho"));
	cr_assert(!strcmp(answer.held[0].unit, "900.0") && !strcmp(answer.held[0].suggestion, "900.1"));
	query = question(WIRE_QUERY_LOG, "", 0);
	query.since_seq = seq;
	answer = ask(&f, &query);
	cr_assert(answer.log_count == 1 && !strcmp(answer.log[0].kind, "held") && answer.log[0].verdict == BAOPHU_HELD &&
		  answer.log[0].code == BAOPHU_CODE_UNIT_NOT_VALID && answer.log[0].entry == 0);

	scene->header = (struct record_header){ .rules = RECORD_RULES, .verdict = BAOPHU_APPLIED, .entry = UINT32_MAX };
	scene_begin(scene);
	struct entry decision = { .kind = ENTRY_HELD_DECISION, .held = { .seq = seq, .release = 1 } };
	struct entry released = { .kind = ENTRY_FACT,
				  .fact = { .slot = { 5, 1, BAOPHU_WHOLE, day(20240430), day(20240430) },
					    .figure = { 5, BAOPHU_FINAL, BAOPHU_REPORTED, BAOPHU_EXACT, 0 } } };
	scene_add(scene, &decision);
	scene_add(scene, &released);
	scene_end(scene, RECORD_UPDATE, 1, 1, 1);
	centre_sync(&f.centre);
	query = question(WIRE_QUERY_HELD, "", 0);
	cr_assert_eq(ask(&f, &query).held_count, 0);
	/* Whoever asks since when is told what became of it; its sender alone. */
	query.since_seq = seq;
	query.agent = "cantho";
	answer = ask(&f, &query);
	cr_assert(answer.held_count == 1 && answer.held[0].seq == seq && answer.held[0].decision == BAOPHU_APPLIED &&
		  answer.held[0].decision_seq == seq + 1);
	query.since_seq = seq + 1;
	cr_assert_eq(ask(&f, &query).held_count, 0);
	query.since_seq = seq;
	query.agent = "control";
	cr_assert_eq(ask(&f, &query).held_count, 0);
	/* What an administrator released is still a figure of the office that sent it. */
	query = question(WIRE_QUERY_HISTORY, "900.1", 0);
	answer = ask(&f, &query);
	cr_assert(answer.fact_count == 1 && answer.facts[0].index == 1 && !strcmp(answer.facts[0].agent, "cantho"));
	teardown(&f);
}

Test(query, log_and_status)
{
	struct fixture f;
	setup(&f);
	build(&f);
	random_update(&f, 3);
	centre_sync(&f.centre);
	struct wire_query query = question(WIRE_QUERY_LOG, "", 0);
	query.limit = 4;
	uint64_t seq = 0;
	struct wire_answer answer;
	for (;;) {
		answer = ask(&f, &query);
		for (uint32_t i = 0; i < answer.log_count; i++)
			cr_assert_eq(answer.log[i].place.seq, ++seq);
		if (!answer.next_page_bytes)
			break;
		turn_page(&query, &answer);
	}
	cr_assert_eq(seq, f.centre.scene.place.seq);
	const struct wire_log_info *last = &answer.log[answer.log_count - 1];
	cr_assert(!memcmp(last->place.digest, f.centre.scene.place.digest, BAOPHU_DIGEST_BYTES) && !strcmp(last->agent, "cantho") &&
		  !strcmp(last->kind, "update") && last->number == 1 && last->epoch == EPOCH && last->entries >= 3);

	query = question(WIRE_QUERY_STATUS, "", 0);
	answer = ask(&f, &query);
	cr_assert(answer.status && !strcmp(answer.status->version, "test") && answer.status->updates == 77);
	cr_assert(answer.status->history_seq == seq && answer.status->business_day == day(20240430) &&
		  answer.status->units == unit_count(&f) && answer.status->agents == 2);
	cr_assert_eq(answer.status->state_digest, fold_digest(&f.centre.scene.state));
	cr_assert_eq(answer.status->facts, f.centre.scene.state.facts.fact_count);
	teardown(&f);
}

/* ---- damage ---- */

Test(query, damage_in_history_is_said_and_not_served)
{
	struct fixture f;
	int64_t value = 0x0102030405;
	setup(&f);
	build(&f);
	scene_fact(&f.centre.scene, 4, 1, BAOPHU_WHOLE, day(20240401), day(20240401), value, BAOPHU_FINAL);
	centre_sync(&f.centre);
	cr_assert_gt(centre_damage(&f.centre, "history.mdb", &value, sizeof value), 0);
	struct wire_query query = question(WIRE_QUERY_COVERAGE, "92", 2);
	struct wire_answer answer = ask_page(&f, &query);
	cr_assert_eq(answer.code, BAOPHU_CODE_INDEXING);
	cr_assert_eq(answer.record_count, 0);
	cr_assert_eq(f.failures, 1);
	cr_assert_eq(f.failed_part, FOLLOWER_HISTORY);
	query = question(WIRE_QUERY_UNITS, "", 8);
	cr_assert_eq(ask(&f, &query).unit_count, unit_count(&f), "what does not need it goes on");
	teardown(&f);
}

/* The history is thrown away when it is called damaged; for a damaged log that would mend nothing. */
Test(query, damage_in_the_log_is_called_that)
{
	struct fixture f;
	enum { FACTS = 5, BYTES = 32 * FACTS };
	uint32_t header[] = { htole32(UINT32_MAX), htole32(FACTS), htole32(BYTES), 0 }; /* entry, entries, bytes, always zero */
	setup(&f);
	build(&f);
	scene_begin(&f.centre.scene);
	for (int i = 0; i < FACTS; i++)
		scene_add(&f.centre.scene,
			  &(struct entry){ .kind = ENTRY_FACT,
					   .fact = { .slot = { 4, 1, BAOPHU_WHOLE, day(20240401) + i, day(20240401) + i },
						     .figure = { 1, BAOPHU_FINAL, BAOPHU_REPORTED, BAOPHU_EXACT, 0 } } });
	f.centre.scene.header.entry = UINT32_MAX;
	struct wire_query query = question(WIRE_QUERY_COVERAGE, "92", 2);
	query.known_seq = scene_end(&f.centre.scene, RECORD_UPDATE, 0, 0, 0);
	scene_fact(&f.centre.scene, 4, 1, BAOPHU_WHOLE, day(20240402), day(20240402), 2, BAOPHU_FINAL);
	centre_sync(&f.centre);
	cr_assert_eq(centre_damage(&f.centre, "log/00000000000000000001.mdb", header, sizeof header), 1);
	struct wire_answer answer = ask_page(&f, &query);
	cr_assert_eq(answer.code, BAOPHU_CODE_INDEXING);
	cr_assert_eq(f.failures, 1);
	cr_assert_eq(f.failed_part, FOLLOWER_LOG);
	query.known_seq = 0;
	ask(&f, &query);
	teardown(&f);
}
