/* test_slow_answers.c - a subscriber whose collector takes long for each page: it gets there all the same.
 *
 * The collector is this test: an XPUB and a ROUTER socket that it reads and writes between two steps of the subscription. The library's clock is the
 * test's, so that ten seconds take none.
 */
#include "subscription.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <zmq.h>

#include <criterion/criterion.h>

#include "wire.h"

enum { UNITS = 3, PATIENCE_SECS = 600, TURNS_A_SECOND = 20 };

static int64_t now_ms = 1000000;
int64_t __wrap_link_now_ms(void);
int64_t __wrap_link_now_ms(void) { return now_ms; }

struct collector {
	void *context, *publisher, *questions;
	char directory[32], publish[64], query[64];
	int64_t lag_ms; /* between a question and its page */
	bool is_asked; /* the newest question is not answered yet */
	int64_t asked_ms;
	uint32_t question_count;
	uint64_t id;
	uint32_t unit; /* whose record is on the page that is asked for */
	uint8_t peer[16];
	size_t peer_bytes;
	struct wire_arena arena;
};
static struct collector collector;
static struct baophu_place place = { .seq = 10 };

static void open_collector(int64_t lag_ms)
{
	struct collector *c = &collector;
	strcpy(c->directory, "/tmp/baophu-slow-XXXXXX");
	cr_assert_not_null(mkdtemp(c->directory));
	snprintf(c->publish, sizeof c->publish, "ipc://%s/p", c->directory);
	snprintf(c->query, sizeof c->query, "ipc://%s/q", c->directory);
	c->lag_ms = lag_ms;
	c->context = zmq_ctx_new();
	c->publisher = zmq_socket(c->context, ZMQ_XPUB);
	c->questions = zmq_socket(c->context, ZMQ_ROUTER);
	cr_assert_eq(zmq_bind(c->publisher, c->publish), 0);
	cr_assert_eq(zmq_bind(c->questions, c->query), 0);
	cr_assert_eq(wire_arena_init(&c->arena, 1 << 20), 0);
}

static void close_collector(void)
{
	const int none = 0;
	void *const sockets[] = { collector.publisher, collector.questions };
	for (int i = 0; i < 2; i++) {
		zmq_setsockopt(sockets[i], ZMQ_LINGER, &none, sizeof none);
		zmq_close(sockets[i]);
	}
	zmq_ctx_term(collector.context);
	wire_arena_finish(&collector.arena);
	unlink(collector.publish + strlen("ipc://"));
	unlink(collector.query + strlen("ipc://"));
	rmdir(collector.directory);
}

static void publish_seal(void)
{
	uint8_t body[256];
	struct baophu_seal seal = { .place = place, .date = 20000, .count = UNITS };
	for (uint32_t unit = 1; unit <= UNITS; unit++)
		seal.sum += baophu_mix64(unit, unit);
	ssize_t bytes = wire_encode_seal(&seal, body, sizeof body);
	cr_assert_gt(bytes, 0);
	zmq_send(collector.publisher, "seal/1/VN/~", 11, ZMQ_SNDMORE | ZMQ_DONTWAIT);
	zmq_send(collector.publisher, body, (size_t)bytes, ZMQ_DONTWAIT);
}

/* The page token is the number of the unit that stands on the page. */
static void take_question(void)
{
	struct collector *c = &collector;
	uint8_t bytes[4096];
	struct wire_query query;
	const char *why;
	int size = zmq_recv(c->questions, bytes, sizeof bytes, ZMQ_DONTWAIT);
	if (size < 0)
		return;
	c->peer_bytes = (size_t)size;
	memcpy(c->peer, bytes, c->peer_bytes);
	size = zmq_recv(c->questions, bytes, sizeof bytes, 0);
	wire_arena_reset(&c->arena);
	cr_assert_eq(wire_decode_query(&c->arena, bytes, (size_t)size, &query, &why), 0);
	c->id = query.id;
	c->unit = query.page_bytes ? query.page[0] : 1;
	c->is_asked = true;
	c->asked_ms = now_ms;
	c->question_count++;
}

static void answer_when_due(void)
{
	struct collector *c = &collector;
	uint8_t bytes[4096];
	if (!c->is_asked || now_ms - c->asked_ms < c->lag_ms)
		return;
	struct baophu_record record = { .unit_number = c->unit,
					.version = c->unit,
					.unit = "x",
					.level = "province",
					.parent = "VN",
					.date = 20000,
					.depth = 1 };
	record.seq = place.seq;
	struct wire_answer answer = { .id = c->id,
				      .cut = place,
				      .known_seq = place.seq,
				      .as_of = 20000,
				      .tree_date = 20000,
				      .plan = "",
				      .text = "",
				      .records = &record,
				      .record_count = 1 };
	if (c->unit < UNITS) {
		answer.next_page[0] = (uint8_t)(c->unit + 1);
		answer.next_page_bytes = 1;
	}
	wire_arena_reset(&c->arena);
	ssize_t size = wire_encode_answer(&c->arena, &answer, bytes, sizeof bytes);
	cr_assert_gt(size, 0);
	zmq_send(c->questions, c->peer, c->peer_bytes, ZMQ_SNDMORE);
	zmq_send(c->questions, bytes, (size_t)size, 0);
	c->is_asked = false;
}

/* Seconds of the library's clock until it was exact; PATIENCE_SECS: it was not. */
static int secs_until_exact(int64_t lag_ms)
{
	struct subscription *subscription;
	open_collector(lag_ms);
	struct subscription_config config = { .context = collector.context,
					      .publish_endpoint = collector.publish,
					      .query_endpoint = collector.query,
					      .path = "VN",
					      .depth = 1 };
	cr_assert_eq(subscription_open(&config, &subscription), 0);
	int secs = 0;
	for (; secs < PATIENCE_SECS && subscription_standing(subscription)->state != HOLDING_EXACT; secs++) {
		publish_seal();
		/* what is on its way within the second arrives: the sockets are real, and their threads need a moment */
		for (int i = 0; i < TURNS_A_SECOND; i++) {
			cr_assert_eq(subscription_step(subscription, 0), 0);
			take_question();
			answer_when_due();
			nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
		}
		now_ms += 1000;
	}
	subscription_close(subscription);
	close_collector();
	return secs;
}

Test(slow_answers, pages_that_come_at_once_make_it_exact)
{
	cr_assert_lt(secs_until_exact(0), PATIENCE_SECS);
	cr_assert_geq(collector.question_count, UNITS);
}

Test(slow_answers, pages_that_take_longer_than_its_patience_do_too) { cr_assert_lt(secs_until_exact(17000), PATIENCE_SECS); }
