/* test_release.c - held updates of a real baophud become complete without hand work: killed in the middle, and after the centre was put back
 * to an older copy of itself.
 */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <baophu/date.h>
#include <criterion/criterion.h>

#include "reader.h"

enum { MANY = 300, RELEASES_A_BATCH = 64, KILLED = 128 + 9 };
static struct server server;
static uint64_t head; /* of the last status */
static const baophu_date old = 12418; /* 2004-01-01 */

static void ask(struct wire_query *question, struct reader **reader, struct wire_answer *answer)
{
	if (!*reader)
		cr_assert_eq(reader_open(NULL, server.query, reader), 0);
	cr_assert_eq(reader_query(*reader, question, SERVER_WAIT_MS, answer), 0);
}

static struct wire_server_status status(void)
{
	struct reader *reader = NULL;
	struct wire_answer answer;
	struct wire_query question = reader_question(WIRE_QUERY_STATUS);
	ask(&question, &reader, &answer);
	struct wire_server_status found = *answer.status;
	found.counters = NULL;
	head = answer.cut.seq;
	reader_close(reader);
	return found;
}

/* Until so many updates wait, or fewer. */
static struct wire_server_status wait_for_held(uint64_t most)
{
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS;;) {
		struct wire_server_status now = status();
		if (now.held <= most)
			return now;
		cr_assert(link_now_ms() < until, "%llu updates wait", (unsigned long long)now.held);
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
}

static unsigned records_of(const char *kind)
{
	struct reader *reader = NULL;
	struct wire_answer answer;
	struct wire_query question = reader_question(WIRE_QUERY_LOG);
	unsigned count = 0;
	do {
		ask(&question, &reader, &answer);
		for (uint32_t i = 0; i < answer.log_count; i++)
			count += !strcmp(answer.log[i].kind, kind);
	} while (reader_next_page(&question, &answer));
	reader_close(reader);
	return count;
}

/* Every figure ever said of a unit: how many, and a sum over those that stand. `agent`: whose each must be. */
static unsigned figures_of(const char *unit, const char *agent, int64_t *ret_sum)
{
	struct reader *reader = NULL;
	struct wire_answer answer;
	struct wire_query question = reader_question(WIRE_QUERY_HISTORY);
	unsigned count = 0;
	question.unit = unit;
	status();
	question.min_seq = head;
	*ret_sum = 0;
	do {
		ask(&question, &reader, &answer);
		for (uint32_t i = 0; i < answer.fact_count; i++, count++) {
			cr_assert_str_eq(answer.facts[i].agent, agent);
			if (answer.facts[i].stands)
				*ret_sum += answer.facts[i].value;
		}
	} while (reader_next_page(&question, &answer));
	reader_close(reader);
	return count;
}

static void administer(const struct wire_entry *entries, uint32_t count)
{
	struct peer *control = peer_open(server.control);
	peer_hello(control, "control", 0);
	struct wire_receipt receipt = peer_update(control, entries, count);
	cr_assert_eq(receipt.verdict, BAOPHU_APPLIED, "%s", wire_code_name(receipt.code));
	peer_close(control);
}

static struct wire_entry figure(const char *unit, baophu_date date, int64_t value)
{
	struct wire_entry entry = test_fact(unit, "bhxh_tn", 20240430, value);
	entry.fact.from = entry.fact.to = date;
	return entry;
}

/* The centre of these tests, where commits can fail. */
static char fault[112];

static void begin(void)
{
	server_init(&server, SERVER_IPC);
	snprintf(fault, sizeof fault, "%s/fault", server.directory);
	setenv("BAOPHU_TEST_FAULT", fault, 1);
	server.program = "tests/baophud_faulty";
	server.extra[0] = "--checkpoint-records=7";
	server_start(&server);
	server_set_up(&server);
}

/* An office whose figures wait for a commune; returns their sum. */
static int64_t hold_many(void)
{
	struct peer *peer = peer_open(server.ingest);
	int64_t sum = 0;
	peer_hello(peer, "thoi-lai", BAOPHU_EPOCH_CHOSEN_MIN + 1);
	for (int i = 0; i < MANY; i++) {
		struct wire_entry entry = figure("31258", 19000 + i, i);
		sum += i;
		cr_assert_eq(peer_update(peer, &entry, 1).verdict, BAOPHU_HELD);
	}
	peer_close(peer);
	cr_assert_eq(status().held, MANY);
	return sum;
}
static const struct wire_entry commune = { .kind = WIRE_UNIT_CREATE, .unit_create = { "31258", "bắc", "commune", "927", old } };

Test(release, goes_on_through_kills)
{
	begin();
	int64_t wanted = hold_many(), sum;
	/* Killed when the commune is durable and nothing followed yet; then again and again when a part did. */
	struct peer *control = peer_open(server.control);
	uint8_t payload[1024];
	peer_hello(control, "control", 0);
	server_rewrite(fault, "%s", "kill 0");
	size_t bytes = peer_payload(control, control->next, &commune, 1, payload, sizeof payload);
	peer_send_payload(control, control->next, payload, bytes, false);
	cr_assert_eq(server_wait(&server), KILLED);
	peer_close(control);
	server_rewrite(fault, "%s", "kill 1"); /* that it started is a commit too */
	for (int i = 0; i < MANY / RELEASES_A_BATCH; i++)
		cr_assert_eq(server_start_failing(&server), KILLED);
	server_rewrite(fault, "%s", "full 1");
	server_start(&server);
	cr_assert_eq(status().held, MANY % RELEASES_A_BATCH);
	unlink(fault);
	wait_for_held(0);
	cr_assert_eq(records_of("start"), 2 + MANY / RELEASES_A_BATCH);
	cr_assert_eq(records_of("release"), MANY, "each once");
	cr_assert_eq(figures_of("31258", "thoi-lai", &sum), MANY);
	cr_assert_eq(sum, wanted);
	cr_assert_eq(status().facts, MANY);
	/* A start that folds everything again comes to the same. */
	char path[160];
	cr_assert_eq(server_stop(&server), 0);
	unlink(server_path(&server, "history.mdb", path));
	server_start(&server);
	cr_assert_eq(status().held, 0);
	cr_assert_eq(figures_of("31258", "thoi-lai", &sum), MANY);
	cr_assert_eq(sum, wanted);
	server_finish(&server);
}

Test(release, goes_on_when_there_is_room_again)
{
	begin();
	int64_t wanted = hold_many(), sum;
	server_rewrite(fault, "%s", "full 2"); /* its epoch and the commune come before */
	administer(&commune, 1);
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS; !server_printed(&server, "no room for the log");) {
		cr_assert(link_now_ms() < until);
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	cr_assert_eq(status().held, MANY);
	unlink(fault);
	wait_for_held(0);
	cr_assert_eq(figures_of("31258", "thoi-lai", &sum), MANY);
	cr_assert_eq(sum, wanted);
	server_finish(&server);
}

/* What agents and administrators send has its turn while many wait. */
Test(release, leaves_room_for_others)
{
	begin();
	hold_many();
	struct peer *peer = peer_open(server.ingest);
	uint8_t payload[1024];
	peer_hello(peer, "can-tho", 0);
	struct wire_entry now = figure("92", 19000, 1);
	cr_assert_eq(peer_update(peer, &now, 1).verdict, BAOPHU_APPLIED);
	int64_t sum;
	cr_assert_eq(figures_of("92", "can-tho", &sum), 1, "the history has it, or taking it back would wait");
	now.kind = WIRE_WITHDRAWAL; /* which must see everything before it settled */
	now.fact.value = BAOPHU_ABSENT;
	now.fact.status = BAOPHU_STATUS_NONE;
	now.fact.origin = BAOPHU_ORIGIN_NONE;
	now.fact.bound = BAOPHU_BOUND_NONE;
	server_rewrite(fault, "%s", "wait 2");
	administer(&commune, 1);
	size_t bytes = peer_payload(peer, peer->next, &now, 1, payload, sizeof payload);
	peer_send_payload(peer, peer->next, payload, bytes, false);
	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL); /* it is under way while the first releases are written */
	unlink(fault);
	struct wire_receipt receipt = peer_receipt(peer, peer_receive(peer), NULL, NULL);
	cr_assert_eq(receipt.verdict, BAOPHU_APPLIED);
	wait_for_held(0);
	cr_assert_lt(receipt.place.seq, head - RELEASES_A_BATCH, "it was not last: %llu of %llu",
		     (unsigned long long)receipt.place.seq, (unsigned long long)head);
	peer_close(peer);
	server_finish(&server);
}

static void copy_data(const char *from, const char *to)
{
	char command[512];
	snprintf(command, sizeof command, "rm -rf %s/%s && cp -a %s/%s %s/%s", server.directory, to, server.directory, from,
		 server.directory, to);
	cr_assert_eq(system(command), 0);
}

Test(release, makes_an_older_copy_complete_again)
{
	server_init(&server, SERVER_IPC);
	server_start(&server);
	server_set_up(&server);
	cr_assert_eq(server_stop(&server), 0);
	copy_data("data", "copy");
	server_start(&server);

	/* What was decided since the copy: units, a grant, a plan; and what two offices said of them. */
	const struct wire_entry units[] = {
		{ .kind = WIRE_UNIT_CREATE, .unit_create = { "31258", "bắc", "commune", "927", old } },
		{ .kind = WIRE_UNIT_CREATE, .unit_create = { "93", "Hậu Giang", "province", "VN", old } },
		{ .kind = WIRE_UNIT_CREATE, .unit_create = { "930", "Vị Thanh", "district", "93", old } },
	};
	const struct wire_entry grant = { .kind = WIRE_GRANT,
					  .grant = { .agent = "thoi-lai", .unit = "93", .from = old, .until = BAOPHU_DATE_NONE } };
	const struct wire_entry plan = { .kind = WIRE_PLAN_SET,
					 .plan = { .code = "nam-2024",
						   .unit = "92",
						   .target = "bhxh_tn",
						   .kind = BAOPHU_PLAN_STOCK,
						   .origin = BAOPHU_REPORTED,
						   .from = 19723,
						   .to = 20088,
						   .value = 1000,
						   .issuer = "",
						   .document = "" } };
	const struct wire_entry rate = { .kind = WIRE_RATE,
					 .rate = { .unit = "92",
						   .measure = "bhxh_tn",
						   .over = "nam-2024",
						   .denominator = BAOPHU_OVER_PLAN,
						   .from = 19843,
						   .to = 19843,
						   .digits = 902,
						   .decimals = 1,
						   .status = BAOPHU_FINAL,
						   .bound = BAOPHU_EXACT } };
	struct wire_entry taken_back = figure("31258", 19841, BAOPHU_ABSENT);
	taken_back.kind = WIRE_WITHDRAWAL;
	taken_back.fact.status = BAOPHU_STATUS_NONE;
	taken_back.fact.origin = BAOPHU_ORIGIN_NONE;
	taken_back.fact.bound = BAOPHU_BOUND_NONE;
	const struct wire_entry said[] = { figure("31258", 19841, 7), figure("31258", 19842, 8), figure("930", 19842, 9),
					   figure("31258", 19842, 10), taken_back };
	uint64_t units_there[2], facts[2];
	for (int round = 0; round < 2; round++) {
		if (!round) {
			administer(units, 3);
			administer(&grant, 1);
			administer(&plan, 1);
		}
		struct peer *office = peer_open(server.ingest), *province = peer_open(server.ingest);
		peer_hello(office, "thoi-lai", BAOPHU_EPOCH_CHOSEN_MIN + 5);
		peer_hello(province, "can-tho", BAOPHU_EPOCH_CHOSEN_MIN + 6);
		enum baophu_verdict wanted = round ? BAOPHU_HELD : BAOPHU_APPLIED;
		for (unsigned i = 0; i < sizeof said / sizeof *said; i++) {
			struct wire_receipt receipt = peer_update(office, &said[i], 1);
			cr_assert_eq(receipt.verdict, wanted, "%u: %s", i, wire_code_name(receipt.code));
		}
		cr_assert_eq(peer_update(province, &rate, 1).verdict, wanted);
		peer_close(office);
		peer_close(province);
		if (round) { /* the administrator's journal, after the offices */
			cr_assert_eq(status().held, 6);
			administer(units, 3);
			administer(&grant, 1);
			administer(&plan, 1);
			wait_for_held(0);
			cr_assert_eq(records_of("release"), 6);
		}
		int64_t sum;
		cr_assert_eq(figures_of("31258", "thoi-lai", &sum), 4);
		cr_assert_eq(sum, 10, "7 was taken back, 8 was corrected");
		cr_assert_eq(figures_of("930", "thoi-lai", &sum), 1);
		struct reader *reader = NULL;
		struct wire_answer answer;
		struct wire_query question = reader_question(WIRE_QUERY_COVERAGE);
		question.unit = "92";
		ask(&question, &reader, &answer);
		bool is_rated = false;
		for (uint32_t i = 0; i < answer.record_count; i++)
			for (uint32_t j = 0; j < answer.records[i].row_count; j++)
				is_rated |= answer.records[i].rows[j].kind == BAOPHU_ROW_PUBLISHED;
		cr_assert(is_rated);
		reader_close(reader);
		struct wire_server_status now = status();
		units_there[round] = now.units;
		facts[round] = now.facts;
		if (!round) {
			cr_assert_eq(server_stop(&server), 0);
			copy_data("copy", "data");
			server_start(&server);
			cr_assert_lt(status().units, units_there[0]);
		}
	}
	cr_assert(units_there[0] == units_there[1] && facts[0] == facts[1]);
	server_finish(&server);
}
