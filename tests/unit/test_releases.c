/* test_releases.c - held updates that go on by themselves: each cause that is gone, order, bounds, and a start in the middle. */
#include "releases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "scene.h"

enum { BUFFER_BYTES = 4 << 20, HELD = 256, BATCH = 1 << 20 };

/* A province and a district of it; two offices. The business day is 1 May 2024. */
enum { U92 = 1, U927 };
enum { SO = 1 };
enum { CONTROL = 1, CAN_THO, THOI_LAI };

static struct scene scene;
static struct decide *decide;
static struct releases *releases;
static uint8_t *buffer;
static struct wire_payload payloads[HELD]; /* by seq */
static struct wire_entry kept[HELD][4];
static int restore_error;
static uint64_t order[HELD]; /* released so far */
static uint32_t released;

static void begin(void)
{
	scene_init(&scene);
	scene_measure(&scene, "so", BAOPHU_STOCK, 0);
	scene_unit(&scene, 0, "92", "Cần Thơ", BAOPHU_DATE_MIN);
	scene_unit(&scene, U92, "927", "Thới Lai", BAOPHU_DATE_MIN);
	scene_agent(&scene, AGENT_CONTROL_NAME);
	scene_agent(&scene, "can-tho");
	scene_agent(&scene, "thoi-lai");
	scene_grant(&scene, CAN_THO, U92, 0, BAOPHU_DATE_MIN, BAOPHU_DATE_NONE);
	scene_day(&scene, day(20240501));
	cr_assert_eq(fold_settle(&scene.state), 0);
	buffer = malloc(BUFFER_BYTES);
	cr_assert_eq(decide_create(&decide), 0);
	cr_assert_eq(releases_create(&scene.state, &releases), 0);
	restore_error = 0;
	released = 0;
}

static void end(void)
{
	releases_destroy(releases);
	decide_destroy(decide);
	free(buffer);
	scene_finish(&scene);
}

TestSuite(releases, .init = begin, .fini = end);

static int restore(void *context, const struct slot *slot, uint64_t withdrawn_id, uint64_t *ret_id, struct figure *ret_figure)
{
	(void)context;
	(void)slot;
	(void)withdrawn_id;
	*ret_id = 0;
	*ret_figure = (struct figure){ .value = BAOPHU_ABSENT };
	return restore_error;
}

static int versions(void *context, const struct slot *slot, const struct fact_version **ret_versions, int *ret_count)
{
	(void)context;
	(void)slot;
	*ret_versions = NULL;
	*ret_count = 0;
	return 0;
}

static int held(void *context, uint64_t seq, struct wire_payload *ret_payload)
{
	(void)context;
	*ret_payload = payloads[seq];
	return 0;
}

static const struct decide_lookups lookups = { NULL, restore, versions, held, NULL };

/* Everything that was recorded since the last call, as the collector does after a commit. */
static void follow(void)
{
	static size_t followed;
	if (followed > scene.records.count)
		followed = 0;
	cr_assert_eq(fold_settle(&scene.state), 0);
	for (; followed < scene.records.count; followed++) {
		const struct scene_record *record = vec_at(&scene.records, struct scene_record, followed);
		cr_assert_eq(releases_follow(releases, record->bytes, record->size), 0);
	}
}

/* An update that is held; returns its seq. */
static uint64_t hold(uint32_t agent, uint64_t epoch, const struct wire_entry *entries, uint32_t count)
{
	uint64_t seq = scene.place.seq + 1;
	cr_assert_lt(seq, HELD);
	memcpy(kept[seq], entries, count * sizeof *entries);
	payloads[seq] = (struct wire_payload){ .entry_count = count, .entries = kept[seq] };
	scene_begin(&scene);
	record_add_payload(&scene.writer, "payload", 7);
	scene.header.verdict = BAOPHU_HELD;
	scene.header.code = BAOPHU_CODE_UNIT_UNKNOWN;
	cr_assert_eq(scene_end(&scene, RECORD_HELD, agent, epoch, seq), seq);
	scene.header.verdict = BAOPHU_APPLIED;
	scene.header.code = BAOPHU_CODE_NONE;
	return seq;
}

/* Releases what can be in one batch; how many that were. */
static uint32_t batch(int32_t budget, uint32_t most)
{
	struct release_turn turn = { .decide = decide, .budget = budget };
	uint32_t count = 0;
	uint64_t last = 0;
	follow();
	struct vec sealed = { 0 };
	struct baophu_place place = scene.place;
	for (; count < most; count++) {
		struct record_writer writer;
		const struct held *which;
		struct decision decision;
		record_begin(&writer, buffer, BUFFER_BYTES);
		turn.is_settled = !count;
		turn.question = (struct decide_question){
			.state = &scene.state, .lookups = &lookups, .writer = &writer, .seq = place.seq + 1
		};
		int outcome = releases_decide(releases, &turn, &which, &decision);
		cr_assert_geq(outcome, 0);
		if (outcome != RELEASE_APPLIED)
			break;
		cr_assert_gt(which->seq, last, "in order");
		order[released++] = last = which->seq;
		struct record_header header = scene.header;
		header.kind = RECORD_RELEASE;
		header.agent = which->agent;
		ssize_t bytes = record_seal(&writer, &header, &place);
		cr_assert_gt(bytes, 0);
		place = header.place;
		struct scene_record *record = vec_grow(&sealed, 1, sizeof *record);
		*record = (struct scene_record){ malloc((size_t)bytes), (size_t)bytes };
		memcpy(record->bytes, buffer, (size_t)bytes);
	}
	for (size_t i = 0; i < sealed.count; i++) { /* committed: folded together */
		struct scene_record *record = vec_at(&sealed, struct scene_record, i);
		cr_assert_eq(fold_record(&scene.state, record->bytes, record->size), 0);
		*(struct scene_record *)vec_grow(&scene.records, 1, sizeof *record) = *record;
	}
	vec_finish(&sealed);
	scene.place = place;
	follow();
	return count;
}

/* Batch after batch while something is due. */
static uint32_t all(void)
{
	uint32_t count = 0, batches = 0;
	follow();
	while (releases_are_due(releases)) {
		count += batch(BATCH, 64);
		cr_assert_lt(++batches, 1000);
	}
	return count;
}

static struct wire_entry stock(const char *unit, uint32_t date, int64_t value)
{
	return (struct wire_entry){ .kind = WIRE_FACT,
				    .fact = { .unit = unit,
					      .measure = "so",
					      .extent = BAOPHU_WHOLE,
					      .from = day(date),
					      .to = day(date),
					      .value = value,
					      .status = BAOPHU_FINAL,
					      .origin = BAOPHU_REPORTED,
					      .bound = BAOPHU_EXACT } };
}
static struct wire_entry withdrawal(const char *unit, uint32_t date)
{
	struct wire_entry entry = stock(unit, date, BAOPHU_ABSENT);
	entry.kind = WIRE_WITHDRAWAL;
	return entry;
}
static struct wire_entry rate(const char *plan)
{
	return (struct wire_entry){ .kind = WIRE_RATE,
				    .rate = { .unit = "92",
					      .measure = "so",
					      .over = plan,
					      .denominator = BAOPHU_OVER_PLAN,
					      .from = day(20240430),
					      .to = day(20240430),
					      .digits = 9262,
					      .decimals = 2,
					      .status = BAOPHU_FINAL,
					      .bound = BAOPHU_EXACT } };
}

static int64_t value_of(uint32_t unit, uint32_t date)
{
	const struct slot slot = { unit, SO, BAOPHU_WHOLE, day(date), day(date) };
	const struct fact *fact = facts_slot(&scene.state.facts, &slot);
	return fact ? fact_value(fact) : BAOPHU_ABSENT;
}

Test(releases, follow_when_the_unit_is_there)
{
	struct wire_entry one = stock("31258", 20240430, 5);
	uint64_t seq = hold(CAN_THO, 1, &one, 1);
	cr_assert_eq(all(), 0);
	uint32_t other = scene_unit(&scene, U927, "31261", "nam", BAOPHU_DATE_MIN);
	cr_assert_eq(all(), 0);
	cr_assert_eq(value_of(other, 20240430), BAOPHU_ABSENT);
	uint32_t unit = scene_unit(&scene, U927, "31258", "bắc", day(20240501));
	cr_assert_eq(all(), 0, "it is there, but not on that day");
	scene_begin(&scene);
	scene_add(&scene, &(struct entry){ .kind = ENTRY_UNIT, .unit = { unit, U927, 1, day(20240101), "31258", "bắc" } });
	scene_end(&scene, RECORD_UPDATE, 0, 0, 0);
	cr_assert_eq(all(), 1);
	cr_assert_eq(value_of(unit, 20240430), 5);
	cr_assert(registry_held(&scene.state.registry, seq)->decided);
	cr_assert(!releases_are_due(releases));
	/* In the log it is its sender's word. */
	const struct scene_record *record = vec_at(&scene.records, struct scene_record, scene.records.count - 1);
	struct record_header header;
	struct record_cursor cursor;
	struct entry entry;
	cr_assert_eq(record_open(record->bytes, record->size, &header, &cursor), 0);
	cr_assert(header.kind == RECORD_RELEASE && header.agent == CAN_THO && !header.number);
	cr_assert(record_next(&cursor, &entry) == 1 && entry.kind == ENTRY_HELD_DECISION && entry.held.seq == seq &&
		  entry.held.release);
	cr_assert(record_next(&cursor, &entry) == 1 && entry.kind == ENTRY_FACT);
}

Test(releases, follow_when_it_is_granted)
{
	uint32_t alone = scene_unit(&scene, 0, "93", "Hậu Giang", BAOPHU_DATE_MIN);
	uint32_t below = scene_unit(&scene, alone, "930", "Vị Thanh", BAOPHU_DATE_MIN);
	struct wire_entry one = stock("930", 20240430, 5);
	hold(THOI_LAI, 1, &one, 1);
	cr_assert_eq(all(), 0);
	scene_grant(&scene, THOI_LAI, U927, 0, BAOPHU_DATE_MIN, BAOPHU_DATE_NONE);
	cr_assert_eq(all(), 0);
	/* To another: what it says would be refused, and is not; it waits on. */
	scene_grant(&scene, CAN_THO, alone, 0, BAOPHU_DATE_MIN, BAOPHU_DATE_NONE);
	cr_assert_eq(all(), 0);
	scene_grant(&scene, THOI_LAI, below, 0, BAOPHU_DATE_MIN, BAOPHU_DATE_NONE);
	cr_assert_eq(all(), 1);
	cr_assert_eq(value_of(below, 20240430), 5);
	one = stock("930", 20240429, 6);
	hold(CAN_THO, 1, &one, 1);
	cr_assert_eq(all(), 0);
	scene_grant(&scene, CAN_THO, below, 0, BAOPHU_DATE_MIN, BAOPHU_DATE_NONE);
	cr_assert_eq(all(), 1);
	/* Of what is above it. */
	uint32_t above = scene_unit(&scene, 0, "94", "Sóc Trăng", BAOPHU_DATE_MIN);
	scene_unit(&scene, above, "941", "Kế Sách", BAOPHU_DATE_MIN);
	one = stock("941", 20240429, 6);
	hold(THOI_LAI, 1, &one, 1);
	cr_assert_eq(all(), 0);
	scene_grant(&scene, THOI_LAI, above, 0, BAOPHU_DATE_MIN, BAOPHU_DATE_NONE);
	cr_assert_eq(all(), 1);
}

Test(releases, follow_when_a_unit_moves_below_its_owner)
{
	uint32_t alone = scene_unit(&scene, 0, "93", "Hậu Giang", BAOPHU_DATE_MIN);
	struct wire_entry one = stock("93", 20240430, 5);
	hold(CAN_THO, 1, &one, 1);
	cr_assert_eq(all(), 0);
	scene_begin(&scene);
	scene_add(&scene, &(struct entry){ .kind = ENTRY_UNIT, .unit = { alone, U92, 1, day(20240101), "93", "Hậu Giang" } });
	scene_end(&scene, RECORD_UPDATE, 0, 0, 0);
	cr_assert_eq(all(), 1);
}

Test(releases, follow_when_the_plan_is_set)
{
	struct wire_entry one = rate("nam-2024");
	hold(CAN_THO, 1, &one, 1);
	cr_assert_eq(all(), 0);
	scene_plan(&scene, 0, "nam-2025", U92, BAOPHU_PLAN_STOCK, SO, day(20240101), day(20241231), 100, 0);
	cr_assert_eq(all(), 0);
	scene_plan(&scene, 0, "nam-2024", U92, BAOPHU_PLAN_STOCK, SO, day(20240101), day(20241231), 100, 0);
	cr_assert_eq(all(), 1);
	cr_assert(rates_has(&scene.state.registry.rates, U92));
}

Test(releases, go_from_cause_to_cause)
{
	const struct wire_entry two[] = { stock("31258", 20240430, 5), stock("31261", 20240430, 6), stock("927", 20240503, 7) };
	hold(THOI_LAI, 1, two, 3);
	cr_assert_eq(all(), 0);
	uint32_t north = scene_unit(&scene, U927, "31258", "bắc", BAOPHU_DATE_MIN);
	cr_assert_eq(all(), 0);
	scene_grant(&scene, THOI_LAI, U927, 0, BAOPHU_DATE_MIN, BAOPHU_DATE_NONE);
	cr_assert_eq(all(), 0);
	uint32_t south = scene_unit(&scene, U927, "31261", "nam", BAOPHU_DATE_MIN);
	cr_assert_eq(all(), 0, "the day is too early");
	scene_day(&scene, day(20240502));
	cr_assert_eq(all(), 1);
	cr_assert(value_of(north, 20240430) == 5 && value_of(south, 20240430) == 6 && value_of(U927, 20240503) == 7);
}

Test(releases, leave_nothing_behind_of_one_that_is_still_held)
{
	const struct wire_entry two[] = { stock("31258", 20240430, 5), stock("31261", 20240430, 6) };
	struct wire_entry other = stock("31258", 20240429, 7);
	uint64_t first = hold(CAN_THO, 1, two, 2), second = hold(CAN_THO, 1, &other, 1);
	cr_assert_eq(all(), 0);
	uint32_t north = scene_unit(&scene, U927, "31258", "bắc", BAOPHU_DATE_MIN);
	cr_assert_eq(all(), 1);
	cr_assert(registry_held(&scene.state.registry, second)->decided && !registry_held(&scene.state.registry, first)->decided);
	cr_assert(value_of(north, 20240430) == BAOPHU_ABSENT && value_of(north, 20240429) == 7);
}

Test(releases, stay_with_people_when_they_would_be_refused)
{
	const struct wire_entry twice[] = { stock("31258", 20240430, 5), stock("31258", 20240430, 6) };
	uint64_t seq = hold(CAN_THO, 1, twice, 2);
	cr_assert_eq(all(), 0);
	scene_unit(&scene, U927, "31258", "bắc", BAOPHU_DATE_MIN);
	cr_assert_eq(all(), 0);
	cr_assert(!registry_held(&scene.state.registry, seq)->decided);
	/* And so do an administrator's own words. */
	struct wire_entry administrative = { .kind = WIRE_UNIT_CREATE,
					     .unit_create = { "1", "1", "place", "92", BAOPHU_DATE_MIN } };
	const struct wire_entry mixed[] = { administrative, stock("31261", 20240430, 1) };
	hold(CONTROL, 1, mixed, 2);
	scene_grant(&scene, CONTROL, U927, 0, BAOPHU_DATE_MIN, BAOPHU_DATE_NONE);
	scene_unit(&scene, U927, "31261", "nam", BAOPHU_DATE_MIN);
	cr_assert_eq(all(), 0);
}

Test(releases, keep_the_order_of_an_epoch)
{
	const struct wire_entry first[] = { stock("927", 20240430, 5), stock("31258", 20240430, 5) };
	const struct wire_entry second[] = { withdrawal("927", 20240430), stock("31261", 20240430, 6) };
	struct wire_entry later = stock("31261", 20240429, 7);
	uint64_t a = hold(CAN_THO, 1, first, 2), b = hold(CAN_THO, 1, second, 2), c = hold(CAN_THO, 1, &later, 1);
	cr_assert_eq(all(), 0);
	scene_unit(&scene, U927, "31261", "nam", BAOPHU_DATE_MIN);
	cr_assert_eq(all(), 1, "what takes nothing back goes on");
	cr_assert_eq(order[0], c);
	scene_unit(&scene, U927, "31258", "bắc", BAOPHU_DATE_MIN);
	cr_assert_eq(all(), 2);
	cr_assert(order[1] == a && order[2] == b);
	cr_assert_eq(value_of(U927, 20240430), BAOPHU_ABSENT);
	/* Of another epoch it waits for nobody; and an administrator's refusal is an end of waiting as well. */
	struct wire_entry never = stock("31999", 20240430, 1);
	const struct wire_entry back[] = { withdrawal("31261", 20240430), stock("31300", 20240430, 1) };
	uint64_t blocked = hold(CAN_THO, 2, &never, 1);
	hold(CAN_THO, 2, back, 2);
	scene_unit(&scene, U927, "31300", "trung", BAOPHU_DATE_MIN);
	cr_assert_eq(all(), 0);
	scene_begin(&scene);
	scene_add(&scene, &(struct entry){ .kind = ENTRY_HELD_DECISION, .held = { .seq = blocked } });
	scene_end(&scene, RECORD_UPDATE, CONTROL, 0, 0);
	cr_assert_eq(all(), 1);
}

Test(releases, do_a_bounded_part_of_the_work_in_a_batch)
{
	for (int i = 0; i < 40; i++) {
		struct wire_entry one = stock("31258", 20240101, i);
		one.fact.from = one.fact.to = day(20240101) + i;
		hold(CAN_THO, 1, &one, 1);
	}
	cr_assert_eq(all(), 0);
	uint32_t unit = scene_unit(&scene, U927, "31258", "bắc", BAOPHU_DATE_MIN);
	cr_assert_eq(batch(6, 64), 3, "two entries are looked at for each");
	cr_assert_eq(batch(BATCH, 7), 7);
	cr_assert(releases_are_due(releases));
	cr_assert_eq(all(), 30);
	cr_assert(value_of(unit, 20240101) == 0 && value_of(unit, 20240209) == 39);
	for (uint32_t i = 1; i < released; i++)
		cr_assert_gt(order[i], order[i - 1]);
}

Test(releases, that_take_back_see_the_batch_before_them_settled)
{
	const struct wire_entry say = stock("31258", 20240430, 5), take = withdrawal("31258", 20240430);
	hold(CAN_THO, 1, &say, 1);
	hold(CAN_THO, 2, &take, 1);
	cr_assert_eq(all(), 0);
	uint32_t unit = scene_unit(&scene, U927, "31258", "bắc", BAOPHU_DATE_MIN);
	cr_assert_eq(batch(BATCH, 64), 1);
	cr_assert(releases_are_due(releases));
	restore_error = -BAOPHU_EGAP;
	cr_assert_eq(batch(BATCH, 64), 0, "the history is behind");
	cr_assert(releases_are_due(releases), "a little later");
	restore_error = 0;
	cr_assert_eq(batch(BATCH, 64), 1);
	cr_assert_eq(value_of(unit, 20240430), BAOPHU_ABSENT);
}

Test(releases, begin_again_from_the_state_alone)
{
	struct wire_entry one = stock("31258", 20240430, 5), two = stock("31261", 20240430, 6);
	uint64_t first = hold(CAN_THO, 1, &one, 1), second = hold(CAN_THO, 1, &two, 1);
	cr_assert_eq(all(), 0);
	scene_unit(&scene, U927, "31258", "bắc", BAOPHU_DATE_MIN);
	follow();
	/* The daemon ends here: the cause is in the log, its effect is not. */
	releases_destroy(releases);
	cr_assert_eq(releases_create(&scene.state, &releases), 0);
	cr_assert(releases_are_due(releases));
	cr_assert_eq(all(), 1);
	cr_assert_eq(order[0], first);
	releases_destroy(releases);
	cr_assert_eq(releases_create(&scene.state, &releases), 0);
	cr_assert_eq(all(), 0);
	scene_unit(&scene, U927, "31261", "nam", BAOPHU_DATE_MIN);
	cr_assert_eq(all(), 1);
	cr_assert_eq(order[1], second);
	/* Folded again the log says the same. */
	struct state again;
	scene_fold_again(&scene, &again, 3);
	cr_assert_eq(fold_digest(&again), fold_digest(&scene.state));
	fold_finish(&again);
}
