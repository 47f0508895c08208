/* test_event_gathering.c - what a subscription asks and shows when events are missing, against a collector that says what a test wants.
 *
 * The collector has one unit. It publishes when it is told to, and answers what it is asked with what stands in it, page by page. Nothing waits
 * for time to pass: both ends take turns until what must happen has happened.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <baophu/client.h>
#include <criterion/criterion.h>

#include "link.h"

enum { UNIT = 5, EVENTS_MAX = 16, ASKED_MAX = 64, TURNS_MAX = 20000, BYTES = 1 << 16 };
struct collector {
	char directory[32], publish[64], query[64];
	void *context, *publisher, *answerer;
	struct wire_arena arena;
	uint8_t bytes[BYTES];
	/* the truth */
	uint8_t history; /* digest byte of every place */
	uint64_t seq, version, event_count;
	struct baophu_event events[EVENTS_MAX];
	uint32_t events_known; /* how many of them it answers with */
	/* how it answers */
	enum baophu_code events_code; /* NONE: with events */
	uint8_t events_history; /* 0: history */
	uint32_t page; /* events a page; 0: all */
	bool repeats_seals; /* as one does each second */
	/* what it was asked */
	struct wire_query asked[ASKED_MAX];
	uint32_t asked_count;
};
struct viewer {
	struct baophu_subscription *subscription;
	uint32_t cuts, whole_cuts, records;
	struct baophu_place to;
	uint64_t from_seq;
	struct baophu_event events[EVENTS_MAX]; /* of all cuts so far */
	uint32_t event_count;
	uint32_t views[BAOPHU_VIEW_STALE + 1];
};

static struct collector collector;
static struct viewer viewer;

static struct baophu_place place_at(uint64_t seq, uint8_t history)
{
	struct baophu_place place = { .seq = seq };
	memset(place.digest, history, sizeof place.digest);
	return place;
}

/* ---- the collector ---- */

static void open_sockets(void)
{
	const int none = 0;
	collector.publisher = zmq_socket(collector.context, ZMQ_XPUB);
	collector.answerer = zmq_socket(collector.context, ZMQ_ROUTER);
	zmq_setsockopt(collector.publisher, ZMQ_LINGER, &none, sizeof none);
	zmq_setsockopt(collector.answerer, ZMQ_LINGER, &none, sizeof none);
	cr_assert_eq(zmq_bind(collector.publisher, collector.publish), 0);
	cr_assert_eq(zmq_bind(collector.answerer, collector.query), 0);
}

static void close_sockets(void)
{
	zmq_close(collector.publisher);
	zmq_close(collector.answerer);
}

static struct baophu_record record_now(void)
{
	return (struct baophu_record){ .unit_number = UNIT,
				       .version = collector.version,
				       .unit = "92",
				       .level = "province",
				       .name = "Cần Thơ",
				       .date = 20000,
				       .seq = collector.seq,
				       .event_count = collector.event_count };
}

static void publish(const char *topic, ssize_t bytes)
{
	cr_assert_gt(bytes, 0);
	zmq_send(collector.publisher, topic, strlen(topic), ZMQ_SNDMORE);
	zmq_send(collector.publisher, collector.bytes, (size_t)bytes, 0);
}

/* The record as it is, with the newest so many of its events. */
static void publish_record(uint64_t previous, uint32_t with_events)
{
	struct baophu_record record = record_now();
	record.previous = previous;
	record.new_event_count = with_events;
	record.events = collector.events + collector.event_count - with_events;
	publish("coverage/0/92/", wire_encode_record(&record, collector.bytes, BYTES));
}

static void publish_seal(void)
{
	const struct baophu_seal seal = { .place = place_at(collector.seq, collector.history),
					  .count = 1,
					  .sum = baophu_mix64(UNIT, collector.version),
					  .date = 20000 };
	publish("seal/0/92/~", wire_encode_seal(&seal, collector.bytes, BYTES));
}

static void answer_events(const struct wire_query *query, struct wire_answer *answer)
{
	uint32_t first = 0;
	answer->code = collector.events_code;
	answer->cut = place_at(query->known_seq, collector.events_history ? collector.events_history : collector.history);
	if (query->page_bytes)
		first = query->page[0];
	while (first < collector.events_known && collector.events[first].seq <= query->since_seq)
		first++;
	uint32_t count = collector.events_known - first;
	if (collector.page && count > collector.page) {
		count = collector.page;
		answer->next_page_bytes = 1;
		answer->next_page[0] = (uint8_t)(first + count);
	}
	if (answer->code)
		return;
	answer->events = collector.events + first;
	answer->event_count = count;
}

static void answer_question(void)
{
	zmq_msg_t peer, question;
	zmq_msg_init(&peer);
	zmq_msg_init(&question);
	if (zmq_msg_recv(&peer, collector.answerer, ZMQ_DONTWAIT) >= 0) {
		struct wire_query query;
		struct wire_arena scratch;
		const char *why;
		cr_assert_geq(zmq_msg_recv(&question, collector.answerer, 0), 0);
		wire_arena_reset(&collector.arena);
		cr_assert_eq(wire_decode_query(&collector.arena, zmq_msg_data(&question), zmq_msg_size(&question), &query, &why), 0,
			     "%s", why);
		cr_assert_lt(collector.asked_count, ASKED_MAX);
		collector.asked[collector.asked_count++] = query;
		struct wire_answer answer = { .id = query.id,
					      .text = "",
					      .plan = "",
					      .cut = place_at(collector.seq, collector.history),
					      .as_of = 20000,
					      .tree_date = 20000,
					      .detail.date = BAOPHU_DATE_NONE };
		struct baophu_record record = record_now();
		bool is_old = query.has_since_digest && query.since_digest[0] != collector.history &&
			      query.since_seq >= 11; /* histories part after 10 */
		if (is_old || query.since_seq > collector.seq)
			answer.code = BAOPHU_CODE_SNAPSHOT_REQUIRED;
		else if (query.kind == WIRE_QUERY_EVENTS)
			answer_events(&query, &answer);
		else if (collector.version > query.since_seq) {
			answer.records = &record;
			answer.record_count = 1;
		}
		cr_assert_eq(wire_arena_init(&scratch, 1 << 20), 0);
		ssize_t bytes = wire_encode_answer(&scratch, &answer, collector.bytes, BYTES);
		cr_assert_gt(bytes, 0);
		wire_arena_finish(&scratch);
		zmq_msg_send(&peer, collector.answerer, ZMQ_SNDMORE);
		zmq_send(collector.answerer, collector.bytes, (size_t)bytes, 0);
	}
	zmq_msg_close(&peer);
	zmq_msg_close(&question);
}

/* An event of the unit, at its next version. */
static void happen(uint64_t seq, uint32_t index)
{
	collector.seq = collector.version = seq;
	collector.events[collector.event_count] = (struct baophu_event){ .seq = seq,
									 .index = index,
									 .unit_number = UNIT,
									 .unit = "92",
									 .name = "Cần Thơ",
									 .plan = "kh",
									 .measure = "bhyt",
									 .direction = BAOPHU_UP,
									 .numerator = 1,
									 .denominator = 2,
									 .target = 2,
									 .day = 20000,
									 .nth = 1,
									 .number = collector.event_count + 1 };
	collector.events_known = (uint32_t)++collector.event_count;
}

static uint32_t times_asked(enum wire_query_kind kind)
{
	uint32_t times = 0;
	for (uint32_t i = 0; i < collector.asked_count; i++)
		times += collector.asked[i].kind == kind;
	return times;
}

/* ---- the viewer ---- */

static void see_cut(void *user, const struct baophu_cut *cut)
{
	(void)user;
	viewer.cuts++;
	viewer.whole_cuts += cut->is_whole;
	viewer.from_seq = cut->from.seq;
	viewer.to = cut->to;
	for (uint32_t i = 0; i < cut->event_count; i++) {
		cr_assert_lt(viewer.event_count, EVENTS_MAX);
		viewer.events[viewer.event_count++] = cut->events[i];
	}
}

static void see_record(void *user, const struct baophu_record *record)
{
	(void)user;
	(void)record;
	viewer.records++;
}

static void see_state(void *user, const struct baophu_subscription_standing *standing)
{
	(void)user;
	viewer.views[standing->view]++;
}

static void turn(void)
{
	cr_assert_eq(baophu_subscription_step(viewer.subscription, 1), 0);
	answer_question();
	if (collector.repeats_seals)
		publish_seal();
}

#define until(condition)                                     \
	do {                                                 \
		for (int turns = 0; !(condition); turns++) { \
			cr_assert_lt(turns, TURNS_MAX);      \
			turn();                              \
		}                                            \
	} while (0)

/* Subscribed: both topics are there, so that what is published next is heard. */
static void wait_for_subscriber(void)
{
	for (int topics = 0, turns = 0; topics < 2; turns++) {
		uint8_t bytes[256];
		cr_assert_lt(turns, TURNS_MAX);
		turn();
		if (zmq_recv(collector.publisher, bytes, sizeof bytes, ZMQ_DONTWAIT) > 0)
			topics += bytes[0] == 1;
	}
}

/* Joined at 10, where the unit has one event, of version 9. */
static void begin(void)
{
	collector = (struct collector){ .history = 1, .directory = "/tmp/baophu-events-XXXXXX" };
	viewer = (struct viewer){ 0 };
	cr_assert_not_null(mkdtemp(collector.directory));
	snprintf(collector.publish, sizeof collector.publish, "ipc://%s/publish", collector.directory);
	snprintf(collector.query, sizeof collector.query, "ipc://%s/query", collector.directory);
	cr_assert_eq(wire_arena_init(&collector.arena, 1 << 20), 0);
	collector.context = zmq_ctx_new();
	open_sockets();
	happen(9, 0);
	collector.seq = 10;
	const struct baophu_subscription_config config = { .publish_endpoint = collector.publish,
							   .query_endpoint = collector.query,
							   .path = "92",
							   .wants_events = true,
							   .on_cut = see_cut,
							   .on_record = see_record,
							   .on_state = see_state };
	cr_assert_eq(baophu_subscription_open(&config, &viewer.subscription), 0);
	wait_for_subscriber();
	collector.repeats_seals = true; /* whoever has no turn for long connects anew, and misses those meanwhile */
	until(viewer.cuts);
	collector.repeats_seals = false;
	cr_assert_eq(viewer.cuts, 1);
	cr_assert_eq(viewer.whole_cuts, 1);
	cr_assert_eq(viewer.event_count, 0);
	cr_assert_eq(times_asked(WIRE_QUERY_EVENTS), 0);
}

static void end(void)
{
	char path[64];
	baophu_subscription_close(viewer.subscription);
	close_sockets();
	zmq_ctx_term(collector.context);
	wire_arena_finish(&collector.arena);
	snprintf(path, sizeof path, "%s/publish", collector.directory);
	unlink(path);
	snprintf(path, sizeof path, "%s/query", collector.directory);
	unlink(path);
	rmdir(collector.directory);
}

Test(event_gathering, what_came_with_the_record_is_shown_without_a_question)
{
	begin();
	happen(11, 3);
	publish_record(9, 1);
	publish_seal();
	until(viewer.to.seq == 11);
	cr_assert_eq(viewer.event_count, 1);
	cr_assert_eq(viewer.events[0].index, 3);
	cr_assert_eq(times_asked(WIRE_QUERY_EVENTS), 0);
	end();
}

Test(event_gathering, a_lost_one_is_asked_for_at_the_proved_place_and_the_cut_waits)
{
	begin();
	collector.events_code = BAOPHU_CODE_BEHIND;
	happen(11, 3);
	publish_record(9, 0);
	publish_seal();
	until(times_asked(WIRE_QUERY_EVENTS) == 2); /* behind: again */
	struct baophu_subscription_standing standing;
	baophu_subscription_standing(viewer.subscription, &standing);
	cr_assert_eq(standing.view, BAOPHU_VIEW_REPAIRING);
	cr_assert_eq(standing.place.seq, 10, "what was shown is still that");
	cr_assert_eq(viewer.cuts, 1);
	const struct wire_query *query = &collector.asked[collector.asked_count - 1];
	cr_assert_eq(query->since_seq, 10);
	cr_assert_eq(query->known_seq, 11);
	cr_assert_eq(query->as_of, 20000);
	cr_assert(query->has_since_digest && query->since_digest[0] == 1);
	/* meanwhile it goes on, and the next proof asks for all of it */
	happen(12, 0);
	happen(12, 1);
	collector.page = 1;
	publish_record(11, 1);
	publish_seal();
	until(collector.asked[collector.asked_count - 1].known_seq == 12);
	cr_assert_eq(viewer.cuts, 1);
	collector.events_code = BAOPHU_CODE_NONE;
	until(viewer.cuts == 2);
	cr_assert_eq(viewer.from_seq, 10);
	cr_assert_eq(viewer.to.seq, 12);
	cr_assert_eq(viewer.event_count, 3);
	for (uint32_t i = 0; i < 3; i++)
		cr_assert_eq(viewer.events[i].number, i + 2);
	baophu_subscription_standing(viewer.subscription, &standing);
	cr_assert_eq(standing.view, BAOPHU_VIEW_EXACT);
	cr_assert_eq(standing.place.seq, 12);
	cr_assert_eq(viewer.whole_cuts, 1);
	end();
}

/* Put back to 10 and gone on from there, it has the same version, as many events, and others. */
Test(event_gathering, what_was_heard_before_the_connection_was_lost_is_not_shown_for_what_is_so_now)
{
	begin();
	uint32_t before = viewer.views[BAOPHU_VIEW_FOLLOWING];
	happen(11, 3);
	publish_record(9, 1);
	until(viewer.views[BAOPHU_VIEW_FOLLOWING] > before);
	close_sockets();
	collector.history = 2;
	collector.event_count = 1;
	happen(11, 7);
	until(viewer.views[BAOPHU_VIEW_STALE] > 0);
	open_sockets();
	collector.repeats_seals = true;
	until(viewer.to.seq == 11);
	cr_assert_eq(viewer.to.digest[0], 2);
	cr_assert_eq(viewer.whole_cuts, 1, "10 is a place of both");
	cr_assert_eq(viewer.event_count, 1);
	cr_assert_eq(viewer.events[0].index, 7);
	end();
}

Test(event_gathering, what_was_heard_while_stale_is_not_shown_either_when_the_connection_is_lost_again)
{
	begin();
	close_sockets();
	until(viewer.views[BAOPHU_VIEW_STALE] > 0);
	open_sockets();
	wait_for_subscriber();
	happen(11, 3);
	uint32_t before = viewer.records;
	publish_record(9, 1);
	until(viewer.records > before);
	close_sockets();
	collector.history = 2;
	collector.event_count = 1;
	happen(11, 7);
	for (int turns = 0; turns < 100;
	     turns++) /* the old sockets are gone by then, or their names would take the new ones along */
		turn();
	open_sockets();
	collector.repeats_seals = true;
	until(viewer.to.seq == 11);
	cr_assert_eq(viewer.to.digest[0], 2);
	cr_assert_eq(viewer.event_count, 1);
	cr_assert_eq(viewer.events[0].index, 7);
	end();
}

Test(event_gathering, a_history_without_the_place_begins_anew_without_events)
{
	begin();
	happen(11, 3);
	publish_record(9, 1);
	publish_seal();
	until(viewer.to.seq == 11);
	close_sockets();
	collector.history = 2;
	collector.event_count = 1;
	happen(12, 7);
	until(viewer.views[BAOPHU_VIEW_STALE] > 0);
	open_sockets();
	collector.repeats_seals = true;
	until(viewer.to.seq == 12);
	cr_assert_eq(viewer.whole_cuts, 2);
	cr_assert_eq(viewer.event_count, 1, "that of before");
	collector.repeats_seals = false;
	happen(13, 0);
	publish_record(12, 1);
	publish_seal();
	until(viewer.to.seq == 13);
	cr_assert_eq(viewer.event_count, 2);
	cr_assert_eq(viewer.events[1].number, 3);
	end();
}

Test(event_gathering, whoever_contradicts_himself_is_not_believed)
{
	enum contradiction { FEWER_THAN_COUNTED, ANOTHER_CUT, LESS_THAN_BEFORE, CONTRADICTIONS };
	for (int what = 0; what < CONTRADICTIONS; what++) {
		begin();
		happen(11, 0);
		happen(11, 1);
		if (what == FEWER_THAN_COUNTED)
			collector.events_known = 2;
		if (what == ANOTHER_CUT)
			collector.events_history = 9;
		if (what == LESS_THAN_BEFORE)
			collector.event_count = 0;
		publish_record(9, 0);
		collector.repeats_seals = true;
		until(viewer.whole_cuts == 2);
		cr_assert_eq(viewer.to.seq, 11, "%d", what);
		cr_assert_eq(viewer.event_count, 0, "%d: nothing that may be wrong", what);
		cr_assert_geq(viewer.views[BAOPHU_VIEW_SYNCING], 1);
		cr_assert_eq(times_asked(WIRE_QUERY_EVENTS), what == LESS_THAN_BEFORE ? 0 : 1);
		end();
	}
}
