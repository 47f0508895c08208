/* test_session.c - exactly once, over everything that a connection can do to an agent: session.c against a scripted collector.
 *
 * The collector here is a ROUTER on a thread that keeps what a real one keeps (next number, payloads, receipts) and misbehaves by chance:
 * it loses answers, says "not now", forgets sessions and breaks connections. It never excuses the agent: the same number with other
 * bytes, or a number decided before the one below it, fails the test.
 */
#include "session.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <sodium.h>
#include <zmq.h>

enum { UPDATES = 400, STAGED_MAX = 64, ENTRIES = 3 };
struct collector {
	void *context, *socket;
	char directory[64], endpoint[96];
	pthread_t thread;
	atomic_bool is_over;
	uint64_t random, epoch, next, seq;
	uint32_t lose_in, refuse_in, break_in, forget_in; /* one in so many; 0: never */
	uint32_t credit_bytes;
	struct {
		uint8_t digest[32];
	} decided[UPDATES * 2 + 2];
	uint32_t welcomes, refusals, breaks, repeats;
	bool knows_session;
	uint8_t session_id[16];
	size_t session_id_bytes;
	uint32_t bytes_in_flight_max;
	/* staging */
	crypto_generichash_blake2b_state stage_digest;
	uint32_t stage_parts, stage_entries;
	uint64_t stage_batch;
	uint32_t applied_entries;
	_Atomic(enum baophu_code) always; /* every update is answered with this */
	_Atomic(uint64_t) put_off; /* this number gets CLOCK, and what comes before it its receipts only after that; 0: none */
	char failure[200];
	struct wire_arena arena;
	uint8_t buffer[BAOPHU_MESSAGE_BYTES_MAX];
};

static bool chance(struct collector *collector, uint32_t in)
{
	collector->random ^= collector->random << 13;
	collector->random ^= collector->random >> 7;
	collector->random ^= collector->random << 17;
	return in && collector->random % in == 0;
}

static void say(struct collector *collector, const struct wire_collector_message *message)
{
	ssize_t bytes = wire_encode_collector_message(message, collector->buffer, sizeof collector->buffer);
	if (bytes < 0 || (message->kind != WIRE_WELCOME && chance(collector, collector->lose_in)))
		return;
	zmq_send(collector->socket, collector->session_id, collector->session_id_bytes, ZMQ_SNDMORE);
	zmq_send(collector->socket, collector->buffer, (size_t)bytes, 0);
}

static void fail(struct collector *collector, const char *text, uint64_t number)
{
	if (!*collector->failure)
		snprintf(collector->failure, sizeof collector->failure, "%s: %llu", text, (unsigned long long)number);
}

static void say_not_now(struct collector *collector, uint64_t number, enum baophu_code code)
{
	struct wire_collector_message message = { .kind = WIRE_NOT_NOW };
	message.not_now = (struct wire_not_now){
		.epoch = collector->epoch, .number = number, .expect = collector->next, .code = code
	};
	message.not_now.retry_after_ms = code == BAOPHU_CODE_CLOCK ? 600000 : 1;
	collector->refusals++;
	say(collector, &message);
}

static void say_receipt(struct collector *collector, uint64_t number)
{
	uint8_t bytes[256];
	struct wire_receipt receipt = { .agent = "office", .epoch = collector->epoch, .number = number, .verdict = BAOPHU_APPLIED };
	receipt.place.seq = number + 100;
	receipt.entry = UINT32_MAX;
	struct wire_receipt_item item = { .receipt = bytes, .suggestion = "" };
	item.receipt_bytes = (size_t)wire_encode_receipt(&receipt, bytes, sizeof bytes);
	struct wire_collector_message message = { .kind = WIRE_RECEIPTS };
	message.receipts.item_count = 1;
	message.receipts.items = &item;
	say(collector, &message);
}

static void decide(struct collector *collector, const struct wire_update *update)
{
	uint8_t digest[32];
	crypto_generichash_blake2b(digest, sizeof digest, update->payload, update->payload_bytes, NULL, 0);
	if (collector->always != BAOPHU_CODE_NONE) {
		say_not_now(collector, update->number, collector->always);
		return;
	}
	if (update->epoch != collector->epoch)
		fail(collector, "another epoch", update->number);
	if (update->number > collector->next) {
		say_not_now(collector, update->number, BAOPHU_CODE_EXPECT);
		return;
	}
	if (update->number < collector->next) {
		collector->repeats++;
		if (memcmp(collector->decided[update->number].digest, digest, sizeof digest) != 0)
			fail(collector, "other bytes under the number", update->number);
		say_receipt(collector, update->number);
		return;
	}
	if (chance(collector, collector->refuse_in)) {
		say_not_now(collector, update->number, BAOPHU_CODE_BUSY);
		return;
	}
	if (update->number == collector->put_off) {
		say_not_now(collector, update->number, BAOPHU_CODE_CLOCK);
		for (uint64_t number = 1; number < update->number; number++)
			say_receipt(collector, number);
		return;
	}
	struct wire_payload payload;
	enum baophu_code code;
	uint32_t entry;
	if (wire_decode_payload(&collector->arena, update->payload, update->payload_bytes, &payload, &code, &entry) < 0 ||
	    payload.number != update->number || payload.epoch != update->epoch || strcmp(payload.agent, "office") != 0)
		fail(collector, "a payload that is none", update->number);
	if (payload.has_apply) {
		crypto_generichash_blake2b_final(&collector->stage_digest, digest, sizeof digest);
		if (payload.apply.batch != collector->stage_batch || payload.apply.parts != collector->stage_parts ||
		    payload.apply.entries != collector->stage_entries || memcmp(payload.apply.digest, digest, sizeof digest) != 0)
			fail(collector, "an apply of something else", payload.apply.batch);
		collector->applied_entries = payload.apply.entries;
		crypto_generichash_blake2b(digest, sizeof digest, update->payload, update->payload_bytes, NULL, 0);
	} else {
		collector->applied_entries = payload.entry_count;
	}
	memcpy(collector->decided[collector->next++].digest, digest, sizeof digest);
	if (update->number >= collector->put_off)
		say_receipt(collector, update->number);
}

static void take_stage(struct collector *collector, const struct wire_stage *stage)
{
	struct wire_collector_message message = { .kind = WIRE_STAGED };
	message.staged.batch = stage->batch;
	message.staged.part = stage->part;
	if (chance(collector, collector->refuse_in)) {
		message.staged.code = BAOPHU_CODE_BUSY;
	} else {
		if (stage->part == 0) {
			crypto_generichash_blake2b_init(&collector->stage_digest, NULL, 0, 32);
			collector->stage_parts = collector->stage_entries = 0;
			collector->stage_batch = stage->batch;
		}
		if (stage->part != collector->stage_parts || stage->batch != collector->stage_batch)
			fail(collector, "a part out of turn", stage->part);
		crypto_generichash_blake2b_update(&collector->stage_digest, stage->bytes, stage->byte_count);
		collector->stage_parts++;
		collector->stage_entries += stage->entry_count;
	}
	say(collector, &message);
}

static void open_socket(struct collector *collector)
{
	int zero = 0;
	collector->socket = zmq_socket(collector->context, ZMQ_ROUTER);
	zmq_setsockopt(collector->socket, ZMQ_LINGER, &zero, sizeof zero);
	if (zmq_bind(collector->socket, collector->endpoint) < 0)
		fail(collector, "bind", (uint64_t)zmq_errno());
}

static void take(struct collector *collector, const uint8_t *bytes, size_t size)
{
	struct wire_agent_message heard;
	struct wire_collector_message message = { .kind = WIRE_WELCOME };
	wire_arena_reset(&collector->arena);
	if (wire_decode_agent_message(&collector->arena, bytes, size, &heard) < 0) {
		fail(collector, "not a message of an agent", size);
		return;
	}
	if (heard.kind != WIRE_HELLO && heard.kind != WIRE_STOP && !collector->knows_session) {
		message.kind = WIRE_TURNED;
		message.turned = BAOPHU_CODE_EPOCH;
		say(collector, &message);
		return;
	}
	switch (heard.kind) {
	case WIRE_HELLO:
		if (strcmp(heard.hello.agent, "office") != 0) {
			message.kind = WIRE_TURNED;
			message.turned = BAOPHU_CODE_AGENT_UNKNOWN;
		} else {
			if (heard.hello.epoch && heard.hello.epoch != collector->epoch)
				fail(collector, "Hello with another epoch", heard.hello.epoch);
			if (heard.hello.has_last && heard.hello.last.seq >= collector->next + 100)
				fail(collector, "Hello with a receipt that nobody wrote", heard.hello.last.seq);
			collector->knows_session = true;
			collector->welcomes++;
			message.welcome.epoch = collector->epoch;
			message.welcome.next = collector->next;
			message.welcome.credit_bytes = collector->credit_bytes;
		}
		say(collector, &message);
		break;
	case WIRE_UPDATE:
		decide(collector, &heard.update);
		break;
	case WIRE_STAGE:
		take_stage(collector, &heard.stage);
		break;
	case WIRE_BEAT:
		message.kind = WIRE_BEAT_ANSWER;
		say(collector, &message);
		break;
	case WIRE_STOP:
		message.kind = WIRE_STOPPED;
		say(collector, &message);
		break;
	}
}

static void *collect(void *user)
{
	struct collector *collector = user;
	static _Thread_local uint8_t bytes[BAOPHU_MESSAGE_BYTES_MAX];
	while (!atomic_load(&collector->is_over)) {
		zmq_pollitem_t item = { .socket = collector->socket, .events = ZMQ_POLLIN };
		if (zmq_poll(&item, 1, 20) < 1)
			continue;
		int id_bytes = zmq_recv(collector->socket, collector->session_id, sizeof collector->session_id, 0);
		int size = zmq_recv(collector->socket, bytes, sizeof bytes, 0);
		collector->session_id_bytes = (size_t)id_bytes;
		if (chance(collector, collector->forget_in))
			collector->knows_session = false;
		if (size >= 0)
			take(collector, bytes, (size_t)size);
		if (collector->next > 1 && chance(collector, collector->break_in)) {
			zmq_close(collector->socket);
			collector->knows_session = false;
			collector->breaks++;
			open_socket(collector);
		}
	}
	zmq_close(collector->socket);
	return NULL;
}

static struct collector *start(const struct collector *settings)
{
	struct collector *collector = malloc(sizeof *collector);
	const char *seed = getenv("SEED");
	*collector = *settings;
	collector->random = seed ? strtoull(seed, NULL, 0) : (uint64_t)getpid() * 2654435769u | 1;
	cr_log_info("SEED=%llu", (unsigned long long)collector->random);
	collector->epoch = 7;
	collector->next = 1;
	if (!collector->credit_bytes)
		collector->credit_bytes = 1 << 20;
	strcpy(collector->directory, "/tmp/baophu-session-XXXXXX");
	cr_assert(mkdtemp(collector->directory));
	snprintf(collector->endpoint, sizeof collector->endpoint, "ipc://%s/ingest", collector->directory);
	collector->context = zmq_ctx_new();
	cr_assert_eq(wire_arena_init(&collector->arena, 8 << 20), 0);
	cr_assert_eq(sodium_init() < 0, 0);
	open_socket(collector); /* before anybody connects: trying again takes longer than some tests wait */
	cr_assert_eq(pthread_create(&collector->thread, NULL, collect, collector), 0);
	return collector;
}

static void stop(struct collector *collector)
{
	atomic_store(&collector->is_over, true);
	pthread_join(collector->thread, NULL);
	zmq_ctx_term(collector->context);
	wire_arena_finish(&collector->arena);
	char path[100];
	snprintf(path, sizeof path, "%s/ingest", collector->directory);
	unlink(path);
	rmdir(collector->directory);
	cr_assert_eq(*collector->failure, 0, "%s", collector->failure);
	free(collector);
}

static struct session *open_session(struct collector *collector, uint32_t window, int timeout_ms)
{
	struct session *session;
	enum baophu_code code;
	struct session_config config = {
		.endpoint = collector->endpoint, .agent = "office", .window = window, .timeout_ms = timeout_ms
	};
	cr_assert_eq(session_open(&config, &session, &code), 0);
	cr_assert_eq(session_standing(session)->epoch, 7);
	return session;
}

static void fill(struct wire_entry *entries, uint32_t count, int64_t value)
{
	for (uint32_t i = 0; i < count; i++)
		entries[i] = (struct wire_entry){ .kind = WIRE_FACT,
						  .fact = { .unit = "92",
							    .measure = "bhyt",
							    .extent = BAOPHU_WHOLE,
							    .from = 19000 + (baophu_date)i,
							    .to = 19000 + (baophu_date)i,
							    .value = value,
							    .status = BAOPHU_FINAL,
							    .origin = BAOPHU_REPORTED,
							    .bound = BAOPHU_EXACT } };
}

/* Pushes UPDATES updates and expects each outcome once, in order. */
static void push_all(struct session *session)
{
	struct wire_entry entries[ENTRIES];
	uint64_t number, pushed = 0, done = 0;
	while (done < UPDATES) {
		int error = -EAGAIN;
		if (pushed < UPDATES) {
			fill(entries, ENTRIES, (int64_t)pushed);
			error = session_push(session, entries, ENTRIES, &number);
		}
		if (!error) {
			cr_assert_eq(number, ++pushed);
			continue;
		}
		cr_assert_eq(error, -EAGAIN);
		struct session_outcome outcome;
		int result = session_wait(session, 30000, &outcome);
		cr_assert_eq(result, 1, "%s after %llu", baophu_strerror(result), (unsigned long long)done);
		cr_assert_leq(outcome.number, pushed);
		cr_assert_eq(outcome.receipt.verdict, BAOPHU_APPLIED);
		done++;
	}
	struct session_outcome outcome;
	cr_assert_eq(session_wait(session, 0, &outcome), 0, "an outcome too many");
	cr_assert_eq(session_standing(session)->unanswered, 0);
	cr_assert_eq(session_standing(session)->next, UPDATES + 1);
}

Test(session, sends_once_and_keeps_the_order)
{
	struct collector *collector = start(&(struct collector){ 0 });
	struct session *session = open_session(collector, 32, 0);
	push_all(session);
	cr_assert_eq(session_standing(session)->last.seq, UPDATES + 100);
	session_close(session);
	cr_assert_eq(collector->next, UPDATES + 1);
	cr_assert_eq(collector->repeats, 0);
	cr_assert_eq(collector->welcomes, 1);
	stop(collector);
}

Test(session, waits_and_tries_again_when_told_not_now)
{
	struct collector *collector = start(&(struct collector){ .refuse_in = 20 });
	struct session *session = open_session(collector, 32, 0);
	push_all(session);
	session_close(session);
	cr_assert_eq(collector->next, UPDATES + 1);
	cr_assert_gt(collector->refusals, 0);
	/* one busy answer costs one round of "expect", not a storm of them */
	cr_assert_lt(collector->refusals, UPDATES * 3, "%u", collector->refusals);
	stop(collector);
}

Test(session, sends_the_same_bytes_after_a_broken_connection, .timeout = 50)
{
	struct collector *collector = start(&(struct collector){ .break_in = 60 });
	struct session *session = open_session(collector, 32, 0);
	push_all(session);
	cr_assert_gt(session_standing(session)->reconnects, 0);
	session_close(session);
	cr_assert_eq(collector->next, UPDATES + 1);
	cr_assert_gt(collector->breaks, 0);
	stop(collector);
}

Test(session, comes_through_when_everything_happens_at_once, .timeout = 50)
{
	struct collector *collector = start(
	    &(struct collector){ .lose_in = 100, .refuse_in = 30, .break_in = 150, .forget_in = 80 });
	struct session *session = open_session(collector, 16, 200);
	push_all(session);
	session_close(session);
	cr_assert_eq(collector->next, UPDATES + 1);
	cr_assert_gt(collector->repeats, 0);
	stop(collector);
}

Test(session, keeps_within_the_credit)
{
	struct collector *collector = start(&(struct collector){ .always = BAOPHU_CODE_BUSY, .credit_bytes = 1000 });
	struct session *session = open_session(collector, 64, 0);
	struct wire_entry entries[ENTRIES];
	uint64_t number;
	fill(entries, ENTRIES, 1);
	for (int i = 0; i < 64; i++)
		cr_assert_eq(session_push(session, entries, ENTRIES, &number), 0);
	cr_assert_eq(session_push(session, entries, ENTRIES, &number), -EAGAIN);
	struct session_outcome outcome;
	cr_assert_eq(session_wait(session, 30, &outcome), 0);
	/* an update of three entries is above 100 bytes: ten at most were under way, and were all answered before any was sent again */
	cr_assert_leq(collector->refusals, 20, "%u", collector->refusals);
	cr_assert_gt(collector->refusals, 2);
	session_close(session);
	stop(collector);
}

Test(session, one_call_gives_the_receipt)
{
	struct collector *collector = start(&(struct collector){ 0 });
	struct session *session = open_session(collector, 0, 0);
	struct wire_entry entries[ENTRIES];
	struct session_outcome outcome;
	enum baophu_code code;
	fill(entries, ENTRIES, 5);
	for (uint64_t number = 1; number < 4; number++) {
		cr_assert_eq(session_send_entries(session, entries, ENTRIES, &outcome, &code), 0);
		cr_assert_eq(outcome.number, number);
		cr_assert_eq(outcome.receipt.place.seq, number + 100);
		cr_assert_eq(collector->applied_entries, ENTRIES);
	}
	cr_assert_eq(session_send_entries(session, entries, 0, &outcome, &code), -EINVAL);
	session_close(session);
	stop(collector);
}

Test(session, a_large_import_is_staged_and_applied_once, .timeout = 50)
{
	enum { LARGE = 512 * 20 + 7 };
	struct wire_entry *entries = calloc(LARGE, sizeof *entries);
	struct session_outcome outcome;
	enum baophu_code code;
	fill(entries, LARGE, 5);
	for (int round = 0; round < 2; round++) {
		struct collector *collector = start(
		    &(struct collector){ .refuse_in = round ? 10 : 0, .forget_in = round ? 25 : 0 });
		struct session *session = open_session(collector, 0, 30000);
		cr_assert_eq(session_send_entries(session, entries, LARGE, &outcome, &code), 0, "%s", wire_code_name(code));
		cr_assert_eq(outcome.number, 1);
		cr_assert_eq(collector->applied_entries, LARGE);
		session_close(session);
		stop(collector);
	}
	free(entries);
}

Test(session, entries_too_long_for_one_message_are_staged_too)
{
	enum { COUNT = 400 };
	static char name[BAOPHU_TEXT_BYTES_MAX + 1];
	memset(name, 'x', BAOPHU_TEXT_BYTES_MAX);
	struct wire_entry entries[COUNT];
	struct session_outcome outcome;
	enum baophu_code code;
	for (uint32_t i = 0; i < COUNT; i++)
		entries[i] = (struct wire_entry){ .kind = WIRE_LEVEL_SET,
						  .level = { .code = "commune", .name_vi = name, .name_en = name } };
	struct collector *collector = start(&(struct collector){ 0 });
	struct session *session = open_session(collector, 0, 0);
	cr_assert_eq(session_send_entries(session, entries, COUNT, &outcome, &code), 0);
	cr_assert_eq(collector->applied_entries, COUNT);
	cr_assert_gt(collector->stage_parts, 1);
	session_close(session);
	stop(collector);
}

Test(session, a_date_too_far_ahead_is_given_up_and_its_number_used_again)
{
	struct collector *collector = start(&(struct collector){ .always = BAOPHU_CODE_CLOCK });
	struct session *session = open_session(collector, 0, 0);
	struct wire_entry entries[ENTRIES];
	struct session_outcome outcome;
	enum baophu_code code;
	fill(entries, ENTRIES, 5);
	cr_assert_eq(session_send_entries(session, entries, ENTRIES, &outcome, &code), -BAOPHU_EREFUSED);
	cr_assert_eq(code, BAOPHU_CODE_CLOCK);
	collector->always = BAOPHU_CODE_NONE;
	cr_assert_eq(session_send_entries(session, entries, ENTRIES, &outcome, &code), 0);
	cr_assert_eq(outcome.number, 1);
	session_close(session);
	stop(collector);
}

/* The receipt of what came before a date too far ahead is heard after the word about it. */
Test(session, a_receipt_of_before_says_nothing_of_what_is_put_off)
{
	struct collector *collector = start(&(struct collector){ .put_off = 3 });
	struct session *session = open_session(collector, 0, 0);
	const struct session_standing *standing = session_standing(session);
	struct wire_entry entries[ENTRIES];
	struct session_outcome outcome;
	uint64_t number;
	fill(entries, ENTRIES, 5);
	for (uint64_t expected = 1; expected <= 4; expected++) {
		cr_assert_eq(session_push(session, entries, ENTRIES, &number), 0);
		cr_assert_eq(number, expected);
	}
	for (uint64_t expected = 1; expected <= 2; expected++) {
		cr_assert_eq(session_wait(session, 30000, &outcome), 1);
		cr_assert_eq(outcome.number, expected);
		cr_assert_eq(standing->waiting_for, BAOPHU_CODE_CLOCK);
	}
	while (session_abandon(session) == -EBUSY) /* until the word about the fourth, too */
		cr_assert_eq(session_wait(session, 10, &outcome), 0);
	cr_assert_eq(standing->waiting_for, BAOPHU_CODE_NONE);
	cr_assert_eq(standing->next, 3);
	collector->put_off = 0;
	cr_assert_eq(session_push(session, entries, ENTRIES, &number), 0);
	cr_assert_eq(session_wait(session, 30000, &outcome), 1);
	cr_assert_eq(outcome.number, 3);
	session_close(session);
	stop(collector);
}

static void wait_for_word(struct session *session, enum baophu_code code)
{
	struct session_outcome outcome;
	while (session_standing(session)->waiting_for != code)
		cr_assert_eq(session_wait(session, 1, &outcome), 0);
}

Test(session, what_may_be_decided_is_not_given_up, .timeout = 50)
{
	struct collector *collector = start(&(struct collector){ .always = BAOPHU_CODE_INDEXING });
	struct session *session = open_session(collector, 0, 0);
	struct wire_entry entries[ENTRIES];
	struct session_outcome outcome;
	uint64_t number;
	fill(entries, ENTRIES, 5);
	cr_assert_eq(session_push(session, entries, ENTRIES, &number), 0);
	wait_for_word(session, BAOPHU_CODE_INDEXING);
	cr_assert_eq(session_abandon(session), -EBUSY, "it is decided");
	collector->always = BAOPHU_CODE_BUSY;
	wait_for_word(session, BAOPHU_CODE_BUSY);

	/* the connection goes: what was under way on it may have been decided */
	atomic_store(&collector->is_over, true);
	pthread_join(collector->thread, NULL);
	while (session_standing(session)->is_open)
		cr_assert_eq(session_wait(session, 1, &outcome), 0);
	cr_assert_eq(session_abandon(session), -EBUSY, "nobody knows");
	atomic_store(&collector->is_over, false);
	collector->always = BAOPHU_CODE_NONE;
	open_socket(collector);
	cr_assert_eq(pthread_create(&collector->thread, NULL, collect, collector), 0);
	cr_assert_eq(session_wait(session, 30000, &outcome), 1);
	cr_assert_eq(outcome.number, number);
	session_close(session);
	stop(collector);
}

Test(session, says_why_it_was_turned_away_and_when_nobody_is_there)
{
	struct collector *collector = start(&(struct collector){ 0 });
	struct session *session = NULL;
	enum baophu_code code;
	struct session_config config = { .endpoint = collector->endpoint, .agent = "nobody" };
	cr_assert_eq(session_open(&config, &session, &code), -BAOPHU_EREFUSED);
	cr_assert_eq(code, BAOPHU_CODE_AGENT_UNKNOWN);
	config.endpoint = "ipc:///nonexistent/socket";
	config.timeout_ms = 50;
	cr_assert_eq(session_open(&config, &session, &code), -BAOPHU_ETIMEOUT);
	config.endpoint = "nonsense";
	cr_assert_eq(session_open(&config, &session, &code), -EINVAL);
	cr_assert_eq(session_stop_server(NULL, collector->endpoint, 5000), 0);
	stop(collector);
}
