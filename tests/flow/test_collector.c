/* test_collector.c - a real baophud over ipc and tcp: decided once for ever, durable before it is said, alive whatever is sent. */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <baophu/date.h>
#include <criterion/criterion.h>

#include "reader.h"
#include "subscription.h"

#include <sodium.h>

enum { PAYLOAD_BYTES = BAOPHU_MESSAGE_BYTES_MAX, RECEIPT_BYTES = 256 };
static struct server server;
static uint8_t payload[PAYLOAD_BYTES];

static void begin_with(enum server_transport transport, const char *flag)
{
	server_init(&server, transport);
	server.extra[0] = flag;
	server_start(&server);
	server_set_up(&server);
}
static void begin(enum server_transport transport) { begin_with(transport, NULL); }

/* Sends one payload under a number until it gets its receipt: its bytes. */
static size_t receipt_of(struct peer *peer, uint64_t number, size_t bytes, uint8_t receipt[static RECEIPT_BYTES])
{
	size_t size = 0;
	for (;;) {
		peer_send_payload(peer, number, payload, bytes, false);
		const struct wire_collector_message *message = peer_receive(peer);
		if (message->kind == WIRE_NOT_NOW && message->not_now.code == BAOPHU_CODE_INDEXING)
			continue;
		peer_receipt(peer, message, receipt, &size);
		return size;
	}
}

static struct wire_entry withdrawal(const char *unit, const char *measure, uint32_t date)
{
	struct wire_entry entry = test_fact(unit, measure, date, BAOPHU_ABSENT);
	entry.kind = WIRE_WITHDRAWAL;
	entry.fact.status = BAOPHU_STATUS_NONE;
	entry.fact.origin = BAOPHU_ORIGIN_NONE;
	entry.fact.bound = BAOPHU_BOUND_NONE;
	return entry;
}

/* ---- the way of one update ---- */

struct seen {
	int64_t value;
	bool is_exact;
};
static void on_record(void *user, const struct baophu_record *record)
{
	struct seen *seen = user;
	for (uint32_t i = 0; i < record->row_count; i++)
		if (!strcmp(record->unit, "92") && record->rows[i].kind == BAOPHU_ROW_STOCK &&
		    !strcmp(record->rows[i].measure, "bhxh_tn"))
			seen->value = record->rows[i].value;
}
static void on_state(void *user, const struct subscription_standing *standing)
{
	((struct seen *)user)->is_exact = standing->state == HOLDING_EXACT;
}

static void update_reaches_subscriber_and_reader(enum server_transport transport)
{
	begin(transport);
	struct seen seen = { BAOPHU_ABSENT, false };
	struct subscription *subscription;
	struct subscription_config config = { .publish_endpoint = server.publish,
					      .query_endpoint = server.query,
					      .path = "VN",
					      .depth = 1,
					      .user = &seen,
					      .on_record = on_record,
					      .on_state = on_state };
	cr_assert_eq(subscription_open(&config, &subscription), 0);
	int64_t until = link_now_ms() + SERVER_WAIT_MS;
	while (!seen.is_exact && link_now_ms() < until)
		cr_assert_eq(subscription_step(subscription, 200), 0);
	cr_assert(seen.is_exact, "never proved");
	cr_assert_eq(seen.value, BAOPHU_ABSENT);

	struct peer *peer = peer_open(server.ingest);
	peer_hello(peer, "can-tho", 0);
	struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, 18590);
	struct wire_receipt receipt = peer_update(peer, &fact, 1);
	cr_assert_eq(receipt.verdict, BAOPHU_APPLIED);
	while ((!seen.is_exact || seen.value != 18590) && link_now_ms() < until)
		cr_assert_eq(subscription_step(subscription, 200), 0);
	cr_assert_eq(seen.value, 18590);
	cr_assert(seen.is_exact);
	cr_assert(subscription_standing(subscription)->place.seq >= receipt.place.seq);
	subscription_close(subscription);

	struct reader *reader;
	struct wire_answer answer;
	struct wire_query question = reader_question(WIRE_QUERY_COVERAGE);
	question.unit = "92";
	question.as_of = baophu_date_from_civil(20240430);
	question.min_seq = receipt.place.seq;
	cr_assert_eq(reader_open(NULL, server.query, &reader), 0);
	cr_assert_eq(reader_query(reader, &question, SERVER_WAIT_MS, &answer), 0);
	cr_assert_eq(answer.record_count, 1);
	on_record(&seen, answer.records);
	cr_assert_eq(seen.value, 18590);
	reader_close(reader);
	peer_close(peer);
	cr_assert_eq(server_stop(&server), 0);
	server_finish(&server);
}
Test(collector, an_update_reaches_subscriber_and_reader_over_ipc) { update_reaches_subscriber_and_reader(SERVER_IPC); }
Test(collector, an_update_reaches_subscriber_and_reader_over_tcp) { update_reaches_subscriber_and_reader(SERVER_TCP); }

Test(collector, the_effect_rides_beside_the_first_receipt_only)
{
	begin(SERVER_IPC);
	struct peer *control = peer_open(server.control), *peer = peer_open(server.ingest);
	baophu_date today = baophu_date_from_civil(20240430);
	/* A plan that is in force whenever this test runs. */
	struct wire_entry plan = { .kind = WIRE_PLAN_SET,
				   .plan = { .code = "mai",
					     .unit = "92",
					     .target = "bhxh_tn",
					     .issuer = "",
					     .document = "",
					     .kind = BAOPHU_PLAN_STOCK,
					     .from = today,
					     .to = BAOPHU_DATE_MAX,
					     .value = 37420,
					     .origin = BAOPHU_REPORTED } };
	peer_hello(control, "control", 0);
	cr_assert_eq(peer_update(control, &plan, 1).verdict, BAOPHU_APPLIED);
	peer_hello(peer, "can-tho", 0);
	struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, 18590);
	size_t bytes = peer_payload(peer, 1, &fact, 1, payload, sizeof payload);
	for (int round = 0; round < 2; round++) {
		peer_send_payload(peer, 1, payload, bytes, true);
		const struct wire_collector_message *message = peer_receive(peer);
		cr_assert_eq(message->kind, WIRE_RECEIPTS);
		cr_assert_eq(message->receipts.items[0].effect_count, round ? 0 : 1);
		if (round)
			break;
		const struct wire_effect *effect = message->receipts.items[0].effects;
		cr_assert_eq(effect->entry, 0);
		cr_assert_eq(effect->value, 18590);
		cr_assert_str_eq(effect->plan, "mai");
		cr_assert_eq(effect->target, 37420);
	}
	peer_close(peer);
	peer_close(control);
	server_finish(&server);
}

/* ---- decided once, for ever ---- */

Test(collector, a_repeated_number_gets_the_same_bytes_after_kill_and_rebuild)
{
	enum { COUNT = 40 };
	begin(SERVER_TCP);
	static uint8_t receipts[COUNT][RECEIPT_BYTES];
	uint8_t again[RECEIPT_BYTES];
	size_t sizes[COUNT];
	struct peer *peer = peer_open(server.ingest);
	peer_hello(peer, "can-tho", 7);
	cr_assert_eq(peer->epoch, 7);
	for (unsigned i = 0; i < COUNT; i++) { /* applied, refused and held ones */
		struct wire_entry fact = test_fact(i % 5 == 3 ? "927" : i % 5 == 4 ? "999" : "92", "bhxh_tn", 20240401 + i % 28, i);
		size_t bytes = peer_payload(peer, i + 1, &fact, 1, payload, sizeof payload);
		sizes[i] = receipt_of(peer, i + 1, bytes, receipts[i]);
	}
	uint64_t digest = server_status(&server).state_digest, facts = server_status(&server).facts;
	peer_close(peer);
	for (int round = 0; round < 3; round++) {
		char path[160], lock[160];
		if (round == 2)
			cr_assert_eq(server_stop(&server), 0);
		else
			server_kill(&server);
		if (round) { /* the index is gone, the log is the truth */
			cr_assert_eq(unlink(server_path(&server, "history.mdb", path)), 0);
			unlink(server_path(&server, "history.mdb-lock", lock));
		}
		server_start(&server);
		cr_assert_eq(server_status(&server).facts, facts);
		cr_assert(round || server_status(&server).state_digest == digest);
		digest = server_status(&server).state_digest;
		peer = peer_open(server.ingest);
		peer_hello(peer, "can-tho", 7);
		cr_assert_eq(peer->next, COUNT + 1);
		for (unsigned i = 0; i < COUNT; i++) {
			struct wire_entry fact = test_fact(i % 5 == 3   ? "927"
							   : i % 5 == 4 ? "999"
									: "92",
							   "bhxh_tn", 20240401 + i % 28, i);
			size_t bytes = peer_payload(peer, i + 1, &fact, 1, payload, sizeof payload);
			cr_assert_eq(receipt_of(peer, i + 1, bytes, again), sizes[i], "number %u", i + 1);
			cr_assert_eq(memcmp(again, receipts[i], sizes[i]), 0, "number %u", i + 1);
		}
		peer_close(peer);
	}
	server_finish(&server);
}

Test(collector, many_under_way_are_decided_in_order)
{
	enum { COUNT = 3000 };
	begin(SERVER_IPC);
	struct peer *peer = peer_open(server.ingest);
	peer_hello(peer, "can-tho", 0);
	for (unsigned i = 1; i <= COUNT; i++) { /* one connection, many in each batch, every number twice */
		struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, i);
		size_t bytes = peer_payload(peer, i, &fact, 1, payload, sizeof payload);
		peer_send_payload(peer, i, payload, bytes, false);
		if (i % 100 == 0)
			peer_send_payload(peer, i, payload, bytes, false);
	}
	uint64_t last = 0, seq = 0;
	for (unsigned repeated = 0; last < COUNT || repeated < COUNT / 100;) {
		const struct wire_collector_message *message = peer_receive(peer);
		cr_assert_eq(message->kind, WIRE_RECEIPTS);
		for (uint32_t i = 0; i < message->receipts.item_count; i++) {
			struct wire_receipt receipt;
			const struct wire_receipt_item *item = &message->receipts.items[i];
			cr_assert_eq(wire_decode_receipt(&peer->arena, item->receipt, item->receipt_bytes, &receipt), 0);
			if (receipt.number <= last) {
				repeated++;
				continue;
			}
			cr_assert_eq(receipt.number, last + 1);
			cr_assert(receipt.place.seq > seq);
			last = receipt.number;
			seq = receipt.place.seq;
		}
	}
	cr_assert_eq(server_status(&server).facts, 1);
	peer_close(peer);
	server_finish(&server);
}

static void send_hello(struct peer *peer, uint64_t epoch)
{
	struct wire_hello hello = { .protocol = 1, .agent = "can-tho", .epoch = epoch };
	ssize_t bytes = wire_encode_hello(&hello, payload, sizeof payload);
	cr_assert(bytes > 0);
	peer_send(peer, payload, (size_t)bytes);
}

/* On one connection sessions of two epochs come and go while numbers are decided and not yet durable. */
Test(collector, a_number_is_decided_once_whatever_hellos_come_between)
{
	enum { COUNT = 240, AT_ONCE = 8 }; /* so many answers wait that none is dropped */
	begin(SERVER_IPC);
	struct peer *peer = peer_open(server.ingest);
	peer_hello(peer, "can-tho", 0);
	uint64_t first = peer->epoch, seqs[COUNT + 1] = { 0 };
	peer_hello(peer, "can-tho", 0);
	uint64_t second = peer->epoch;
	peer->epoch = first;
	for (unsigned round = 0; round < COUNT / AT_ONCE; round++) {
		for (unsigned i = 0; i < 2 * AT_ONCE; i++) {
			unsigned number = round * AT_ONCE + i / 2 + 1;
			struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, number);
			send_hello(peer, second);
			send_hello(peer, first);
			size_t bytes = peer_payload(peer, number, &fact, 1, payload, sizeof payload);
			peer_send_payload(peer, number, payload, bytes, false);
		}
		for (unsigned answered = 0; answered < 2 * AT_ONCE;) {
			const struct wire_collector_message *message = peer_receive(peer);
			cr_assert(message->kind == WIRE_WELCOME || message->kind == WIRE_RECEIPTS);
			for (uint32_t i = 0; message->kind == WIRE_RECEIPTS && i < message->receipts.item_count; i++, answered++) {
				struct wire_receipt receipt;
				const struct wire_receipt_item *item = &message->receipts.items[i];
				cr_assert_eq(wire_decode_receipt(&peer->arena, item->receipt, item->receipt_bytes, &receipt), 0);
				cr_assert(receipt.number >= 1 && receipt.number <= COUNT);
				uint64_t *seq = &seqs[receipt.number];
				cr_assert(!*seq || *seq == receipt.place.seq, "decided twice");
				*seq = receipt.place.seq;
			}
		}
	}
	peer_close(peer);
	server_finish(&server);
}

Test(collector, a_number_beyond_the_next_is_told_which)
{
	begin(SERVER_IPC);
	struct peer *peer = peer_open(server.ingest);
	peer_hello(peer, "can-tho", 0);
	struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, 1);
	size_t bytes = peer_payload(peer, 5, &fact, 1, payload, sizeof payload);
	peer_send_payload(peer, 5, payload, bytes, false);
	const struct wire_collector_message *message = peer_receive(peer);
	cr_assert_eq(message->kind, WIRE_NOT_NOW);
	cr_assert_eq(message->not_now.code, BAOPHU_CODE_EXPECT);
	cr_assert_eq(message->not_now.number, 5);
	cr_assert_eq(message->not_now.expect, 1);
	cr_assert_eq(server_status(&server).facts, 0);
	peer_close(peer);
	server_finish(&server);
}

Test(collector, another_payload_under_a_used_number_freezes_the_epoch)
{
	begin(SERVER_IPC);
	struct peer *peer = peer_open(server.ingest), *control = peer_open(server.control);
	peer_hello(peer, "can-tho", 0);
	struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, 1), other = test_fact("92", "bhxh_tn", 20240430, 2);
	cr_assert_eq(peer_update(peer, &fact, 1).verdict, BAOPHU_APPLIED);
	size_t bytes = peer_payload(peer, 1, &other, 1, payload, sizeof payload);
	peer_send_payload(peer, 1, payload, bytes, false);
	const struct wire_collector_message *message = peer_receive(peer);
	cr_assert_eq(message->kind, WIRE_TURNED);
	cr_assert_eq(message->turned, BAOPHU_CODE_FORK);
	cr_assert(server_printed(&server, "frozen"));
	bytes = peer_payload(peer, 2, &fact, 1, payload, sizeof payload);
	peer_send_payload(peer, 2, payload, bytes, false);
	cr_assert_eq(peer_receive(peer)->turned, BAOPHU_CODE_FROZEN);
	cr_assert_eq(peer_turned(peer, "can-tho", 1), BAOPHU_CODE_FROZEN);
	server_kill(&server); /* what froze is durable */
	server_start(&server);
	peer_close(peer);
	peer_close(control);
	peer = peer_open(server.ingest);
	control = peer_open(server.control);
	cr_assert_eq(peer_turned(peer, "can-tho", 1), BAOPHU_CODE_FROZEN);
	struct wire_entry open = { .kind = WIRE_EPOCH_OPEN, .epoch_open = { "can-tho", 1 } };
	peer_hello(control, "control", 0);
	cr_assert_eq(peer_update(control, &open, 1).verdict, BAOPHU_APPLIED);
	peer_hello(peer, "can-tho", 1);
	cr_assert_eq(peer->next, 2);
	cr_assert_eq(peer_update(peer, &other, 1).verdict, BAOPHU_APPLIED);
	peer_close(peer);
	peer_close(control);
	server_finish(&server);
}

/* Of today, so that history has all that is in the log. */
static void ask_coverage(const char *unit)
{
	struct reader *reader;
	struct wire_answer answer;
	struct wire_query question = reader_question(WIRE_QUERY_COVERAGE);
	question.unit = unit;
	cr_assert_eq(reader_open(NULL, server.query, &reader), 0);
	cr_assert_eq(reader_query(reader, &question, SERVER_WAIT_MS, &answer), 0);
	reader_close(reader);
}

/* Every command takes an epoch of its own: those of long ago are in history only, and are what they were. */
Test(collector, epochs_that_were_forgotten_go_on_where_they_were)
{
	enum { COUNT = 100 };
	static uint8_t first[COUNT + 1][256];
	static size_t first_bytes[COUNT + 1];
	begin_with(SERVER_IPC, "--epochs-max=16");
	struct peer *peer = peer_open(server.ingest), *control = peer_open(server.control);
	struct peer *quiet = peer_open(server.ingest); /* connected all the time, and its first update is indexed */
	struct wire_entry other = test_fact("92", "bhxh_tn", 20240430, 1000);
	uint64_t unused = 0;
	peer_hello(quiet, "can-tho", BAOPHU_EPOCH_CHOSEN_MIN + 8);
	cr_assert_eq(peer_update(quiet, &other, 1).verdict, BAOPHU_APPLIED);
	ask_coverage("92");
	for (unsigned i = 1; i <= COUNT; i++) {
		struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, i);
		peer_hello(peer, "can-tho", 0);
		if (i == 3) { /* nobody ever writes in this one */
			unused = peer->epoch;
			peer_hello(peer, "can-tho", BAOPHU_EPOCH_CHOSEN_MIN + 9);
		}
		first_bytes[i] = i == 3 ? 0 : 1;
		if (i == 3)
			continue;
		size_t bytes = peer_payload(peer, 1, &fact, 1, payload, sizeof payload);
		peer_send_payload(peer, 1, payload, bytes, false);
		peer_receipt(peer, peer_receive(peer), first[i], &first_bytes[i]);
		if (i == 5) { /* frozen for as long as nobody opens it */
			bytes = peer_payload(peer, 1, &other, 1, payload, sizeof payload);
			peer_send_payload(peer, 1, payload, bytes, false);
			cr_assert_eq(peer_receive(peer)->turned, BAOPHU_CODE_FORK);
		}
	}
	cr_assert_eq(peer_update(quiet, &other, 1).verdict, BAOPHU_APPLIED);
	peer_close(quiet);
	for (int again = 0; again < 2; again++) {
		for (unsigned i = 1; i <= COUNT; i++) {
			uint8_t receipt[256];
			size_t receipt_bytes;
			struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, i);
			if (i == 3)
				continue;
			if (i == 5) {
				cr_assert_eq(peer_turned(peer, "can-tho", i), BAOPHU_CODE_FROZEN);
				continue;
			}
			peer_hello(peer, "can-tho", i);
			cr_assert_eq(peer->next, 2, "epoch %u", i);
			size_t bytes = peer_payload(peer, 1, &fact, 1, payload, sizeof payload);
			const struct wire_collector_message *message;
			do { /* INDEXING after a start */
				peer_send_payload(peer, 1, payload, bytes, false);
				message = peer_receive(peer);
			} while (message->kind == WIRE_NOT_NOW);
			peer_receipt(peer, message, receipt, &receipt_bytes);
			cr_assert(receipt_bytes == first_bytes[i] && !memcmp(receipt, first[i], receipt_bytes), "epoch %u", i);
		}
		peer_hello(peer, "can-tho", BAOPHU_EPOCH_CHOSEN_MIN + 9);
		cr_assert_eq(peer->next, 1);
		if (!again) /* after a start it may be there: folded from the log */
			cr_assert_eq(peer_turned(peer, "can-tho", unused), BAOPHU_CODE_EPOCH, "a counted one that nobody wrote in");
		peer_close(peer);
		peer_close(control);
		server_kill(&server);
		server_start(&server);
		peer = peer_open(server.ingest);
		control = peer_open(server.control);
	}
	struct wire_entry open = { .kind = WIRE_EPOCH_OPEN, .epoch_open = { "can-tho", 5 } };
	peer_hello(control, "control", 0);
	cr_assert_eq(peer_update(control, &open, 1).verdict, BAOPHU_APPLIED);
	peer_hello(peer, "can-tho", 5);
	cr_assert_eq(peer->next, 2);
	peer_hello(peer, "can-tho", 7);
	size_t bytes = peer_payload(peer, 1, &other, 1, payload, sizeof payload);
	peer_send_payload(peer, 1, payload, bytes, false);
	const struct wire_collector_message *message = peer_receive(peer);
	cr_assert(message->kind == WIRE_TURNED && message->turned == BAOPHU_CODE_FORK, "another payload is found out as ever");
	server_kill(&server); /* most likely before history has it: the freeze is folded over an epoch that was not loaded */
	server_start(&server);
	peer_close(peer);
	peer_close(control);
	peer = peer_open(server.ingest);
	cr_assert_eq(peer_turned(peer, "can-tho", 7), BAOPHU_CODE_FROZEN);
	peer_close(peer);
	cr_assert_eq(server_stop(&server), 0);
	server_finish(&server);
}

Test(collector, an_agent_with_many_frozen_epochs_is_given_no_more)
{
	enum { BOUND = 64 };
	begin(SERVER_IPC);
	struct peer *peer = peer_open(server.ingest), *other = peer_open(server.ingest), *control = peer_open(server.control);
	for (int64_t i = 0; i < BOUND; i++) {
		peer_hello(peer, "can-tho", 0);
		struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, i), fork = test_fact("92", "bhxh_tn", 20240430, -1);
		cr_assert_eq(peer_update(peer, &fact, 1).verdict, BAOPHU_APPLIED);
		peer_send_payload(peer, 1, payload, peer_payload(peer, 1, &fork, 1, payload, sizeof payload), false);
		cr_assert_eq(peer_receive(peer)->turned, BAOPHU_CODE_FORK);
	}
	cr_assert_eq(peer_turned(peer, "can-tho", 0), BAOPHU_CODE_FROZEN);
	peer_hello(other, "thoi-lai", 0); /* which is not its concern */
	struct wire_entry open = { .kind = WIRE_EPOCH_OPEN, .epoch_open = { "can-tho", 1 } };
	peer_hello(control, "control", 0);
	cr_assert_eq(peer_update(control, &open, 1).verdict, BAOPHU_APPLIED);
	peer_hello(peer, "can-tho", 0);
	peer_close(peer);
	peer_close(other);
	peer_close(control);
	server_finish(&server);
}

/* ---- sessions ---- */

Test(collector, sessions_are_who_they_say_where_they_may)
{
	begin(SERVER_IPC);
	struct peer *peer = peer_open(server.ingest), *control = peer_open(server.control), *other = peer_open(server.ingest);
	cr_assert_eq(peer_turned(peer, "nobody", 0), BAOPHU_CODE_AGENT_UNKNOWN);
	cr_assert_eq(peer_turned(peer, "control", 0), BAOPHU_CODE_FORBIDDEN);
	cr_assert_eq(peer_turned(control, "can-tho", 0), BAOPHU_CODE_FORBIDDEN);
	struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, 1);
	peer->epoch = 1;
	size_t bytes = peer_payload(peer, 1, &fact, 1, payload, sizeof payload);
	peer_send_payload(peer, 1, payload, bytes, false);
	cr_assert_eq(peer_receive(peer)->turned, BAOPHU_CODE_EPOCH, "no Hello yet");

	peer_hello(peer, "can-tho", 0);
	cr_assert_eq(peer->epoch, 1);
	peer_hello(other, "can-tho", 0);
	cr_assert_eq(other->epoch, 2);
	cr_assert_eq(peer_turned(peer, "can-tho", 9000000000000), BAOPHU_CODE_EPOCH, "an epoch out of reach");
	peer_hello(peer, "can-tho", 1);
	peer->epoch = 2; /* granted, but to another session */
	bytes = peer_payload(peer, 1, &fact, 1, payload, sizeof payload);
	peer_send_payload(peer, 1, payload, bytes, false);
	cr_assert_eq(peer_receive(peer)->turned, BAOPHU_CODE_EPOCH);
	peer->epoch = 1;
	/* The newest Hello of an epoch wins; the connection before is told to say Hello again. */
	peer_hello(other, "can-tho", 1);
	bytes = peer_payload(peer, 1, &fact, 1, payload, sizeof payload);
	peer_send_payload(peer, 1, payload, bytes, false);
	const struct wire_collector_message *message = peer_receive(peer);
	cr_assert_eq(message->kind, WIRE_TURNED);
	cr_assert_eq(message->turned, BAOPHU_CODE_EPOCH);
	cr_assert_eq(peer_update(other, &fact, 1).verdict, BAOPHU_APPLIED);
	peer_close(peer);
	peer_close(control);
	peer_close(other);
	server_finish(&server);
}

/* An office that was never connected writes in an epoch of its own choosing; it is let in whenever it comes, and disturbs no counting. */
Test(collector, an_epoch_chosen_without_a_connection_is_granted_whenever_it_comes)
{
	const uint64_t late = BAOPHU_EPOCH_CHOSEN_END - 1, early = BAOPHU_EPOCH_CHOSEN_MIN;
	begin(SERVER_IPC);
	struct peer *peer = peer_open(server.ingest), *other = peer_open(server.ingest);
	peer_hello(peer, "can-tho", late);
	cr_assert_eq(peer->epoch, late);
	cr_assert_eq(peer->next, 1);
	struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, 1);
	cr_assert_eq(peer_update(peer, &fact, 1).verdict, BAOPHU_APPLIED);
	peer_hello(other, "can-tho", 0);
	cr_assert_eq(other->epoch, 1, "the collector counts its own");
	peer_hello(other, "can-tho", early); /* below the newest that was granted, and unused */
	cr_assert_eq(other->epoch, early);
	cr_assert_eq(peer_turned(other, "can-tho", BAOPHU_EPOCH_CHOSEN_END), BAOPHU_CODE_EPOCH);
	cr_assert_eq(peer_turned(other, "can-tho", early - 1), BAOPHU_CODE_EPOCH, "nobody's to choose, and out of reach");
	peer_close(other);
	peer_close(peer);
	for (unsigned round = 0; round < 2; round++) { /* with the index, and from the log alone */
		char path[160];
		server_kill(&server);
		if (round)
			unlink(server_path(&server, "history.mdb", path));
		server_start(&server);
		peer = peer_open(server.ingest);
		peer_hello(peer, "can-tho", late);
		cr_assert_eq(peer->next, 2, "what was granted goes on where it stopped");
		peer_hello(peer, "can-tho", early);
		cr_assert_eq(peer->next, 1);
		peer_hello(peer, "can-tho", 0);
		cr_assert_eq(peer->epoch, 2 + round);
		peer_close(peer);
	}
	server_finish(&server);
}

Test(collector, a_place_of_another_history_is_called_so)
{
	begin(SERVER_IPC);
	struct peer *peer = peer_open(server.ingest);
	peer_hello(peer, "can-tho", 0);
	struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, 1);
	struct wire_receipt receipt = peer_update(peer, &fact, 1);
	for (int round = 0; round < 3; round++) {
		struct wire_hello hello = {
			.protocol = 1, .agent = "can-tho", .epoch = 1, .has_last = true, .last = receipt.place
		};
		if (round == 1)
			hello.last.digest[5] ^= 1;
		if (round == 2)
			hello.last.seq += 1000;
		ssize_t bytes = wire_encode_hello(&hello, payload, sizeof payload);
		peer_send(peer, payload, (size_t)bytes);
		const struct wire_collector_message *message = peer_receive(peer);
		cr_assert_eq(message->kind, WIRE_WELCOME);
		cr_assert_eq(message->welcome.last_unknown, round > 0);
		cr_assert_eq(message->welcome.next, 2);
	}
	peer_close(peer);
	server_finish(&server);
}

Test(collector, a_full_table_of_sessions_makes_room)
{
	enum { COUNT = 40 };
	server_init(&server, SERVER_IPC);
	server.extra[0] = "--sessions-max=16";
	server_start(&server);
	server_set_up(&server);
	struct peer *peers[COUNT];
	struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, 1);
	for (int i = 0; i < COUNT; i++) {
		peers[i] = peer_open(server.ingest);
		peer_hello(peers[i], "can-tho", 0);
	}
	cr_assert_eq(peer_update(peers[COUNT - 1], &fact, 1).verdict, BAOPHU_APPLIED);
	size_t bytes = peer_payload(peers[0], 1, &fact, 1, payload, sizeof payload);
	peer_send_payload(peers[0], 1, payload, bytes, false);
	cr_assert_eq(peer_receive(peers[0])->turned, BAOPHU_CODE_EPOCH);
	peer_hello(peers[0], "can-tho", peers[0]->epoch);
	cr_assert_eq(peer_update(peers[0], &fact, 1).verdict, BAOPHU_APPLIED);
	for (int i = 0; i < COUNT; i++)
		peer_close(peers[i]);
	server_finish(&server);
}

/* ---- bad input ---- */

Test(collector, lives_through_whatever_is_sent)
{
	begin(SERVER_TCP);
	struct peer *good = peer_open(server.ingest);
	peer_hello(good, "can-tho", 0);
	static uint8_t bytes[200000];
	uint64_t random = 88172645463325252;
	const char *endpoints[] = { server.ingest, server.control, server.query, server.publish };
	for (int round = 0; round < 200; round++) {
		struct peer *peer = peer_open(endpoints[round % 3]);
		for (int i = 0; i < 10; i++) {
			for (size_t at = 0; at < 512; at++) {
				random ^= random << 13, random ^= random >> 7, random ^= random << 17;
				bytes[at] = (uint8_t)random;
			}
			peer_send(peer, bytes, (size_t)(random >> 40) % (i ? 600 : 1));
		}
		if (round % 20 == 0)
			peer_send(peer, bytes, sizeof bytes); /* over the bound: libzmq drops the connection */
		peer_close(peer);
	}
	/* Every cut and every flipped byte of a good message. */
	struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, 1);
	size_t size = peer_payload(good, 1, &fact, 1, payload, sizeof payload);
	struct wire_update update = { .epoch = 1, .number = 1, .payload = payload, .payload_bytes = size };
	ssize_t whole = wire_encode_update(&update, bytes, sizeof bytes);
	struct peer *peer = peer_open(server.ingest);
	for (ssize_t cut = 0; cut < whole; cut++) {
		peer_send(peer, bytes, (size_t)cut);
		bytes[cut] ^= 0x55;
		peer_send(peer, bytes, (size_t)whole);
		bytes[cut] ^= 0x55;
	}
	peer_close(peer);
	cr_assert_eq(peer_update(good, &fact, 1).verdict, BAOPHU_APPLIED);
	cr_assert_eq(server_status(&server).facts, 1);
	peer_close(good);
	cr_assert_eq(server_stop(&server), 0);
	server_finish(&server);
}

Test(collector, a_malformed_payload_uses_its_number_and_blocks_nothing)
{
	begin(SERVER_IPC);
	struct peer *peer = peer_open(server.ingest);
	peer_hello(peer, "can-tho", 0);
	struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, 1);
	peer_send_payload(peer, 1, "\xff\xff", 2, false);
	struct wire_receipt receipt = peer_receipt(peer, peer_receive(peer), NULL, NULL);
	cr_assert_eq(receipt.verdict, BAOPHU_REFUSED);
	cr_assert_eq(receipt.code, BAOPHU_CODE_MALFORMED);
	/* A good payload of another number, of another epoch, of another agent. */
	for (uint64_t number = 2; number <= 4; number++) {
		if (number == 4)
			strcpy(peer->agent, "thoi-lai");
		peer->epoch = number == 3 ? 2 : 1;
		size_t bytes = peer_payload(peer, number == 2 ? 9 : number, &fact, 1, payload, sizeof payload);
		peer->epoch = 1;
		peer_send_payload(peer, number, payload, bytes, false);
		receipt = peer_receipt(peer, peer_receive(peer), NULL, NULL);
		cr_assert_eq(receipt.code, BAOPHU_CODE_MALFORMED);
		cr_assert_eq(receipt.number, number);
	}
	strcpy(peer->agent, "can-tho");
	peer->next = 5;
	cr_assert_eq(peer_update(peer, &fact, 1).verdict, BAOPHU_APPLIED);
	peer_close(peer);
	server_finish(&server);
}

Test(collector, a_withdrawal_brings_back_what_stood_before)
{
	begin(SERVER_IPC);
	struct peer *peer = peer_open(server.ingest);
	peer_hello(peer, "can-tho", 0);
	struct wire_entry first = test_fact("92", "bhxh_tn", 20240430, 1), second = test_fact("92", "bhxh_tn", 20240430, 2);
	struct wire_entry back = withdrawal("92", "bhxh_tn", 20240430);
	cr_assert_eq(peer_update(peer, &back, 1).code, BAOPHU_CODE_NOTHING_STANDS);
	uint64_t digests[3];
	cr_assert_eq(peer_update(peer, &first, 1).verdict, BAOPHU_APPLIED);
	cr_assert_eq(peer_update(peer, &second, 1).verdict, BAOPHU_APPLIED);
	for (int i = 0; i < 2; i++) {
		struct wire_receipt receipt = peer_update(peer, &back, 1);
		cr_assert_eq(receipt.verdict, BAOPHU_APPLIED, "%s", wire_code_name(receipt.code));
		struct reader *reader;
		struct wire_answer answer;
		struct wire_query question = reader_question(WIRE_QUERY_COVERAGE);
		question.unit = "92";
		question.min_seq = receipt.place.seq;
		cr_assert_eq(reader_open(NULL, server.query, &reader), 0);
		cr_assert_eq(reader_query(reader, &question, SERVER_WAIT_MS, &answer), 0);
		struct seen seen = { BAOPHU_ABSENT, false };
		on_record(&seen, answer.records);
		cr_assert_eq(seen.value, i ? BAOPHU_ABSENT : 1);
		reader_close(reader);
		digests[i] = server_status(&server).state_digest;
	}
	cr_assert_neq(digests[0], digests[1]);
	cr_assert_eq(peer_update(peer, &back, 1).code, BAOPHU_CODE_NOTHING_STANDS);
	digests[2] = server_status(&server).state_digest;
	server_kill(&server);
	server_start(&server);
	cr_assert_eq(server_status(&server).state_digest, digests[2]);
	peer_close(peer);
	server_finish(&server);
}

/* Sent without waiting: what an administrator creates is there for whatever comes after it on the same connection. */
Test(collector, an_update_sees_what_the_one_before_it_created)
{
	enum { PAIRS = 60 };
	begin(SERVER_IPC);
	struct peer *control = peer_open(server.control);
	baophu_date old = baophu_date_from_civil(20040101);
	peer_hello(control, "control", 0);
	for (unsigned i = 0; i < PAIRS; i++) {
		char code[16];
		snprintf(code, sizeof code, "x%u", i);
		const struct wire_entry create[] = {
			{ .kind = WIRE_UNIT_CREATE, .unit_create = { code, "Xã", "commune", "916", old } },
			{ .kind = WIRE_GRANT,
			  .grant = { .agent = "control", .unit = code, .from = old, .until = BAOPHU_DATE_NONE } },
		};
		struct wire_entry fact = test_fact(code, "bhyt", 20240430, i);
		peer_send_payload(control, 2 * i + 1, payload, peer_payload(control, 2 * i + 1, create, 2, payload, sizeof payload),
				  false);
		peer_send_payload(control, 2 * i + 2, payload, peer_payload(control, 2 * i + 2, &fact, 1, payload, sizeof payload),
				  false);
	}
	while (control->next <= 2 * PAIRS) {
		const struct wire_collector_message *message = peer_receive(control);
		cr_assert_eq(message->kind, WIRE_RECEIPTS);
		for (uint32_t i = 0; i < message->receipts.item_count; i++, control->next++) {
			struct wire_receipt receipt;
			const struct wire_receipt_item *item = &message->receipts.items[i];
			cr_assert_eq(wire_decode_receipt(&control->arena, item->receipt, item->receipt_bytes, &receipt), 0);
			cr_assert_eq(receipt.verdict, BAOPHU_APPLIED, "%lu: %s", (unsigned long)receipt.number,
				     wire_code_name(receipt.code));
		}
	}
	cr_assert_eq(server_status(&server).facts, PAIRS);
	peer_close(control);
	server_finish(&server);
}

/* What is taken back stands in the same batch, most likely: it waits for the next, and never looks at the state before. */
Test(collector, a_withdrawal_sees_what_was_sent_just_before_it)
{
	enum { BEFORE = 200, ROUNDS = 10 };
	begin(SERVER_IPC);
	struct peer *peer = peer_open(server.ingest);
	peer_hello(peer, "can-tho", 0);
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t first = peer->next, last = first + BEFORE - 1;
		for (unsigned i = 0; i < BEFORE; i++) {
			struct wire_entry entry = test_fact("92", i < BEFORE - 2 ? "bhxh_tn" : "bhyt", 20240401 + (unsigned)round,
							    i);
			if (i == BEFORE - 1)
				entry = withdrawal("92", "bhyt", 20240401 + (unsigned)round);
			peer_send_payload(peer, first + i, payload,
					  peer_payload(peer, first + i, &entry, 1, payload, sizeof payload), false);
		}
		while (peer->next <= last) {
			const struct wire_collector_message *message = peer_receive(peer);
			if (message->kind == WIRE_NOT_NOW) { /* the index is not there yet */
				cr_assert_eq(message->not_now.code, BAOPHU_CODE_BUSY);
				cr_assert_eq(message->not_now.number, last);
				struct wire_entry again = withdrawal("92", "bhyt", 20240401 + (unsigned)round);
				size_t bytes = peer_payload(peer, last, &again, 1, payload, sizeof payload);
				peer_send_payload(peer, last, payload, bytes, false);
				continue;
			}
			for (uint32_t i = 0; i < message->receipts.item_count; i++, peer->next++) {
				struct wire_receipt receipt;
				const struct wire_receipt_item *item = &message->receipts.items[i];
				cr_assert_eq(wire_decode_receipt(&peer->arena, item->receipt, item->receipt_bytes, &receipt), 0);
				cr_assert_eq(receipt.number, peer->next);
				cr_assert_eq(receipt.verdict, BAOPHU_APPLIED, "number %lu: %s", (unsigned long)receipt.number,
					     wire_code_name(receipt.code));
			}
		}
	}
	peer_close(peer);
	server_finish(&server);
}

/* ---- staged imports ---- */

enum { PARTS = 4, EACH = 500 };

/* Stages all parts of batch 3, each twice, and fills the Apply that takes them. */
static void stage_all(struct peer *peer, struct wire_apply *apply)
{
	static struct wire_entry entries[EACH];
	crypto_generichash_state digest;
	crypto_generichash_init(&digest, NULL, 0, sizeof apply->digest);
	for (uint32_t part = 0; part < PARTS; part++) {
		for (int i = 0; i < EACH; i++) {
			entries[i] = test_fact("92", part % 2 ? "bhxh_tn" : "bhyt", 20200101, i);
			entries[i].fact.to += i + (part > 1 ? EACH : 0);
			entries[i].fact.from = entries[i].fact.to;
		}
		const uint8_t *stage;
		size_t stage_bytes;
		struct wire_stage said = {
			.epoch = peer->epoch, .batch = 3, .part = part, .entry_count = EACH, .entries = entries
		};
		ssize_t bytes = wire_encode_stage(&said, payload, sizeof payload, &stage, &stage_bytes);
		cr_assert(bytes > 0);
		crypto_generichash_update(&digest, stage, stage_bytes);
		for (int twice = 0; twice < 2; twice++) {
			peer_send(peer, payload, (size_t)bytes);
			const struct wire_collector_message *message = peer_receive(peer);
			cr_assert_eq(message->kind, WIRE_STAGED);
			cr_assert_eq(message->staged.part, part);
			cr_assert_eq(message->staged.code, BAOPHU_CODE_NONE);
		}
	}
	*apply = (struct wire_apply){ .batch = 3, .parts = PARTS, .entries = EACH * PARTS };
	crypto_generichash_final(&digest, apply->digest, sizeof apply->digest);
}

static enum baophu_code apply_import(struct peer *peer, const struct wire_apply *apply)
{
	struct wire_payload said = {
		.agent = peer->agent, .epoch = peer->epoch, .number = peer->next, .has_apply = true, .apply = *apply
	};
	ssize_t bytes = wire_encode_payload(&said, payload, sizeof payload);
	cr_assert(bytes > 0);
	peer_send_payload(peer, peer->next, payload, (size_t)bytes, false);
	struct wire_receipt receipt = peer_receipt(peer, peer_receive(peer), NULL, NULL);
	cr_assert_eq(receipt.number, peer->next);
	peer->next++;
	return receipt.code;
}

Test(collector, an_import_takes_effect_at_one_place_or_not_at_all)
{
	begin(SERVER_IPC);
	struct peer *peer = peer_open(server.ingest);
	struct wire_apply apply;
	peer_hello(peer, "can-tho", 0);
	stage_all(peer, &apply);
	cr_assert_eq(server_status(&server).facts, 0, "staged parts have no effect");
	apply.batch++;
	cr_assert_eq(apply_import(peer, &apply), BAOPHU_CODE_NO_SUCH);
	apply.batch--;
	apply.digest[0] ^= 1;
	cr_assert_eq(apply_import(peer, &apply), BAOPHU_CODE_MALFORMED);
	apply.digest[0] ^= 1;
	cr_assert_eq(apply_import(peer, &apply), BAOPHU_CODE_NO_SUCH, "what was refused is gone");
	stage_all(peer, &apply);
	apply.entries--;
	cr_assert_eq(apply_import(peer, &apply), BAOPHU_CODE_MALFORMED);
	cr_assert_eq(server_status(&server).facts, 0);
	stage_all(peer, &apply);
	cr_assert_eq(apply_import(peer, &apply), BAOPHU_CODE_NONE);
	cr_assert_eq(server_status(&server).facts, EACH * PARTS);
	cr_assert_eq(apply_import(peer, &apply), BAOPHU_CODE_NO_SUCH, "taken once");
	uint64_t digest = server_status(&server).state_digest;
	peer_close(peer);
	server_kill(&server);
	server_start(&server);
	cr_assert_eq(server_status(&server).state_digest, digest);
	server_finish(&server);
}

/* How many records of this kind the log has. */
static unsigned count_of_kind(const char *kind)
{
	struct reader *reader;
	struct wire_answer answer;
	struct wire_query question = reader_question(WIRE_QUERY_LOG);
	unsigned count = 0;
	cr_assert_eq(reader_open(NULL, server.query, &reader), 0);
	do {
		cr_assert_eq(reader_query(reader, &question, SERVER_WAIT_MS, &answer), 0);
		for (uint32_t i = 0; i < answer.log_count; i++)
			count += !strcmp(answer.log[i].kind, kind);
	} while (reader_next_page(&question, &answer));
	reader_close(reader);
	return count;
}

/* Checks of the state's digest stand all over the log, and each is made again whenever the log is folded. */
Test(collector, the_state_is_the_same_however_it_is_reached)
{
	server_init(&server, SERVER_IPC);
	server.extra[0] = "--checkpoint-records=3";
	server_start(&server);
	server_set_up(&server);
	struct peer *peers[] = { peer_open(server.ingest), peer_open(server.ingest), peer_open(server.control) };
	static const char *const names[] = { "can-tho", "thoi-lai", "control" };
	for (int i = 0; i < 3; i++)
		peer_hello(peers[i], names[i], 0);
	for (int i = 0; i < 300; i++) {
		struct wire_entry entry = test_fact(i % 2   ? "927"
						    : i % 3 ? "92"
							    : "916",
						    i % 5 ? "bhxh_tn" : "bhyt", 20240401 + i % 17, i);
		if (i % 11 == 0) /* takes back what stands, or is refused */
			entry = withdrawal(entry.fact.unit, entry.fact.measure, 20240401 + i % 17);
		else if (i % 7 == 0)
			entry.fact.status = BAOPHU_PROVISIONAL;
		peer_update(peers[i % 2], &entry, 1);
		if (i % 40 == 0) {
			char code[16];
			snprintf(code, sizeof code, "x%d", i);
			struct wire_entry create = { .kind = WIRE_UNIT_CREATE,
						     .unit_create = { code, "Xã", "commune", i % 80 ? "927" : "916",
								      baophu_date_from_civil(20200101) } };
			cr_assert_eq(peer_update(peers[2], &create, 1).verdict, BAOPHU_APPLIED);
		}
	}
	struct wire_server_status live = server_status(&server);
	cr_assert(count_of_kind("checkpoint") > 50);
	for (int round = 0; round < 3; round++) {
		char path[160];
		server_kill(&server);
		if (round)
			cr_assert_eq(unlink(server_path(&server, "history.mdb", path)), 0);
		server_start(&server);
		cr_assert_eq(server_status(&server).state_digest, live.state_digest);
		cr_assert_eq(server_status(&server).facts, live.facts);
	}
	for (int i = 0; i < 3; i++)
		peer_close(peers[i]);
	server_finish(&server);
}

/* ---- the directory ---- */

Test(collector, refuses_a_directory_in_use)
{
	begin(SERVER_IPC);
	struct server second = server;
	second.pid = -1;
	second.transport = SERVER_TCP;
	second.extra[0] = "--control";
	second.extra[1] = "ipc:///tmp/baophu-flow-second";
	second.extra[2] = "--endpoints-file";
	second.extra[3] = "/tmp/baophu-flow-second-endpoints";
	cr_assert_eq(server_start_failing(&second), 75);
	cr_assert(server_printed(&server, "is in use by another baophud"));
	struct peer *peer = peer_open(server.ingest);
	peer_hello(peer, "can-tho", 0);
	peer_close(peer);
	cr_assert_eq(server_stop(&server), 0);
	server_finish(&server);
}

/* libzmq would take the socket file away from the first without a word, and administration would go to another centre. */
Test(collector, refuses_a_socket_that_another_listens_on)
{
	begin(SERVER_IPC);
	struct server second;
	server_init(&second, SERVER_TCP);
	second.extra[0] = "--control";
	second.extra[1] = server.control;
	cr_assert_eq(server_start_failing(&second), 78);
	cr_assert(server_printed(&second, "Address already in use"));
	struct peer *control = peer_open(server.control);
	peer_hello(control, "control", 0);
	peer_close(control);
	/* What a killed daemon left behind is no obstacle. */
	server_kill(&server);
	server_start(&server);
	cr_assert_eq(server_stop(&server), 0);
	server_finish(&second);
	server_finish(&server);
}

Test(collector, refuses_to_begin_anew_where_only_the_log_is_gone)
{
	begin(SERVER_IPC);
	char log[160], moved[170], history[160];
	struct stat before, after;
	cr_assert_eq(server_stop(&server), 0);
	server_path(&server, "log", log);
	snprintf(moved, sizeof moved, "%s-moved", log);
	cr_assert_eq(stat(server_path(&server, "history.mdb", history), &before), 0);
	cr_assert_eq(rename(log, moved), 0);
	cr_assert_eq(server_start_failing(&server), 74);
	cr_assert_eq(mkdir(log, 0700), 0); /* an empty mount point is no log either */
	cr_assert_eq(server_start_failing(&server), 74);
	cr_assert_eq(stat(history, &after), 0);
	cr_assert_eq(before.st_size, after.st_size);
	cr_assert_eq(rmdir(log), 0);
	cr_assert_eq(rename(moved, log), 0);
	server_start(&server);
	cr_assert_eq(server_stop(&server), 0);
	server_finish(&server);
}

Test(collector, refuses_wrong_settings_and_other_addresses)
{
	server_init(&server, SERVER_IPC);
	server.extra[0] = "--ingest";
	server.extra[1] = "tcp://0.0.0.0:7101";
	cr_assert_eq(server_start_failing(&server), 78);
	cr_assert(server_printed(&server, "not a loopback address"));
	char path[160];
	cr_assert(access(server_path(&server, "log", path), F_OK) < 0, "nothing was touched");
	server_finish(&server);
}

Test(collector, refuses_a_damaged_log_and_changes_nothing)
{
	begin(SERVER_IPC);
	char path[160];
	struct stat before, after;
	cr_assert_eq(server_stop(&server), 0);
	server_path(&server, "log/00000000000000000001.mdb", path);
	FILE *file = fopen(path, "r+e");
	static char page[1 << 16];
	size_t got = fread(page, 1, sizeof page, file);
	/* The unit's name stands in the record of the set-up, and nowhere else. */
	char *name = memmem(page, got, "Ninh Ki", 7);
	cr_assert(name);
	cr_assert_eq(fseek(file, name - page, SEEK_SET), 0);
	fputc('n', file);
	fclose(file);
	cr_assert_eq(stat(path, &before), 0);
	char history[160];
	unlink(server_path(&server, "history.mdb", history));
	cr_assert_eq(server_start_failing(&server), 74);
	cr_assert_eq(stat(path, &after), 0);
	cr_assert_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	server_finish(&server);
}

Test(collector, sockets_and_files_are_for_nobody_else)
{
	begin(SERVER_IPC);
	struct stat found;
	char path[160];
	snprintf(path, sizeof path, "%s/control", server.directory);
	cr_assert_eq(stat(path, &found), 0);
	cr_assert_eq(found.st_mode & 0777, 0600);
	cr_assert_eq(stat(server_path(&server, "log", path), &found), 0);
	cr_assert_eq(found.st_mode & 077, 0);
	cr_assert_eq(stat(server_path(&server, "log/00000000000000000001.mdb", path), &found), 0);
	cr_assert_eq(found.st_mode & 077, 0);
	server_finish(&server);
}

Test(collector, stops_by_word_only_at_the_control_endpoint)
{
	begin(SERVER_IPC);
	struct peer *peer = peer_open(server.ingest), *control = peer_open(server.control);
	uint8_t stop[16];
	ssize_t bytes = wire_encode_stop(stop, sizeof stop);
	peer_send(peer, stop, (size_t)bytes);
	cr_assert_eq(peer_receive(peer)->turned, BAOPHU_CODE_FORBIDDEN);
	peer_send(control, stop, (size_t)bytes);
	cr_assert_eq(peer_receive(control)->kind, WIRE_STOPPED);
	peer_close(peer);
	peer_close(control);
	cr_assert_eq(server_stop(&server), 0);
	server_start(&server);
	cr_assert(server_printed(&server, "stopped at record"));
	server_finish(&server);
}
