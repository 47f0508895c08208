/* test_publish.c - what subscribers of a real baophud are sent: only their topics, after each cut, with seals, and told what has left. */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <baophu/date.h>
#include <criterion/criterion.h>

#include "reader.h"
#include "subscription.h"

static struct server server;

/* What one subscriber was sent, message by message. */
struct listener {
	struct link link;
	struct wire_arena arena;
	zmq_msg_t frames[2];
	char topic[256];
	bool is_seal;
	struct baophu_record record;
	struct baophu_seal seal;
};

static struct listener *listen_to(const char *const *topics)
{
	struct listener *listener = calloc(1, sizeof *listener);
	cr_assert_eq(link_open(&listener->link, NULL, LINK_SUBSCRIBER, server.publish, 1 << 20), 0);
	cr_assert_eq(wire_arena_init(&listener->arena, WIRE_ARENA_BYTES), 0);
	zmq_msg_init(&listener->frames[0]);
	zmq_msg_init(&listener->frames[1]);
	for (int i = 0; topics[i]; i++)
		cr_assert_eq(zmq_setsockopt(listener->link.socket, ZMQ_SUBSCRIBE, topics[i], strlen(topics[i])), 0);
	return listener;
}
static void listener_close(struct listener *listener)
{
	zmq_msg_close(&listener->frames[0]);
	zmq_msg_close(&listener->frames[1]);
	link_close(&listener->link);
	wire_arena_finish(&listener->arena);
	free(listener);
}

static void next(struct listener *listener)
{
	struct link *links[] = { &listener->link };
	bool reads[] = { true };
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS; link_now_ms() < until; link_wait(links, reads, 1, 200)) {
		link_watch(&listener->link);
		if (link_receive(&listener->link, listener->frames) != 2)
			continue;
		size_t topic_bytes = zmq_msg_size(&listener->frames[0]);
		cr_assert(topic_bytes < sizeof listener->topic);
		memcpy(listener->topic, zmq_msg_data(&listener->frames[0]), topic_bytes);
		listener->topic[topic_bytes] = 0;
		listener->is_seal = !strncmp(listener->topic, "seal/", 5);
		const void *body = zmq_msg_data(&listener->frames[1]);
		size_t bytes = zmq_msg_size(&listener->frames[1]);
		wire_arena_reset(&listener->arena);
		cr_assert_eq(listener->is_seal ? wire_decode_seal(&listener->arena, body, bytes, &listener->seal)
					       : wire_decode_record(&listener->arena, body, bytes, &listener->record),
			     0);
		return;
	}
	cr_assert(false, "nothing is published");
}

/* The next seal of this topic with a place at or after `seq`; what comes before it is passed over. */
static void next_seal(struct listener *listener, const char *topic, uint64_t seq)
{
	do
		next(listener);
	while (strcmp(listener->topic, topic) || listener->seal.place.seq < seq);
}
static void next_record(struct listener *listener)
{
	do
		next(listener);
	while (listener->is_seal);
}

static uint64_t counter(const char *name)
{
	struct reader *reader;
	struct wire_answer answer;
	struct wire_query question = reader_question(WIRE_QUERY_STATUS);
	cr_assert_eq(reader_open(NULL, server.query, &reader), 0);
	cr_assert_eq(reader_query(reader, &question, SERVER_WAIT_MS, &answer), 0);
	uint64_t value = 0;
	for (uint32_t i = 0; i < answer.status->counter_count; i++)
		if (!strcmp(answer.status->counters[i].name, name))
			value = answer.status->counters[i].value;
	reader_close(reader);
	return value;
}

static struct peer *open_peer(const char *endpoint, const char *agent)
{
	struct peer *peer = peer_open(endpoint);
	peer_hello(peer, agent, 0);
	return peer;
}

static void begin_on(enum server_transport transport, const char *flag)
{
	server_init(&server, transport);
	server.extra[0] = flag;
	server_start(&server);
	server_set_up(&server);
}
static void begin(const char *flag) { begin_on(SERVER_IPC, flag); }
static void end(void) { server_finish(&server); }

Test(publish, only_what_was_subscribed_and_a_seal_after_each_cut, .fini = end)
{
	begin("--seal-time=1h"); /* no idle seals: each one here is of a cut or of a subscription */
	static const char *const topics[] = { "coverage/1/VN/92/", "seal/1/VN/92/~",      "seal/2/VN/92/~",
					      "seal/1/~",          "seal/1/VN/nowhere/~", NULL };
	struct listener *listener = listen_to(topics);
	struct peer *peer = open_peer(server.ingest, "can-tho");
	static const uint32_t counts[] = { 1, 2, 1, 0 };
	bool seen[4] = { false };
	uint64_t sums[3] = { 0 };
	for (int missing = 4; missing;) { /* each seal once, for its subscription */
		next(listener);
		cr_assert(listener->is_seal, "%s", listener->topic);
		int which = !strcmp(listener->topic, topics[1])   ? 0
			    : !strcmp(listener->topic, topics[2]) ? 1
			    : !strcmp(listener->topic, topics[3]) ? 2
								  : 3;
		missing -= !seen[which];
		seen[which] = true;
		cr_assert_eq(listener->seal.count, counts[which], "%s", listener->topic);
		if (which < 3)
			sums[which] = listener->seal.sum;
	}
	cr_assert_eq(sums[0], sums[2], "the one province is all provinces");
	uint64_t version = 0;
	for (int i = 1; i <= 3; i++) {
		struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, i);
		struct wire_receipt receipt = peer_update(peer, &fact, 1);
		next_record(listener);
		cr_assert_str_eq(listener->topic, "coverage/1/VN/92/");
		cr_assert_eq(listener->record.version, receipt.place.seq);
		cr_assert_eq(listener->record.seq, receipt.place.seq);
		cr_assert(i == 1 ? listener->record.previous > 0 : listener->record.previous == version);
		cr_assert_str_eq(listener->record.unit, "92");
		cr_assert_str_eq(listener->record.parent, "VN");
		version = listener->record.version;
		uint32_t number = listener->record.unit_number;
		next_seal(listener, "seal/1/VN/92/~", receipt.place.seq);
		cr_assert_eq(listener->seal.place.seq, receipt.place.seq);
		cr_assert_eq(memcmp(listener->seal.place.digest, receipt.place.digest, BAOPHU_DIGEST_BYTES), 0);
		cr_assert_eq(listener->seal.sum, baophu_mix64(number, version),
			     "the sum that the .proto tells subscribers to make");
	}
	listener_close(listener);
	peer_close(peer);
}

Test(publish, many_updates_of_one_commit_are_one_record, .fini = end)
{
	enum { COUNT = 2000 };
	begin("--seal-time=1h");
	static const char *const topics[] = { "coverage/1/VN/92/", "seal/1/VN/92/~", NULL };
	static uint8_t payload[BAOPHU_MESSAGE_BYTES_MAX];
	struct listener *listener = listen_to(topics);
	struct peer *peer = open_peer(server.ingest, "can-tho");
	next_seal(listener, topics[1], 0);
	for (unsigned i = 1; i <= COUNT; i++) {
		struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, i);
		peer_send_payload(peer, i, payload, peer_payload(peer, i, &fact, 1, payload, sizeof payload), false);
	}
	uint64_t version = 0;
	unsigned records = 0;
	for (int64_t value = 0; value < COUNT; records++) {
		next_record(listener);
		cr_assert(!records || listener->record.previous == version, "no record is missing between two");
		version = listener->record.version;
		for (uint32_t i = 0; i < listener->record.row_count; i++)
			if (!strcmp(listener->record.rows[i].measure, "bhxh_tn"))
				value = listener->record.rows[i].value;
	}
	cr_assert(records < COUNT / 2, "%u records", records);
	listener_close(listener);
	peer_close(peer);
}

Test(publish, a_unit_that_moves_leaves_a_tombstone_behind, .fini = end)
{
	begin("--seal-time=1h");
	baophu_date date = baophu_date_from_civil(20230101);
	static const char *const narrow[] = { "coverage/2/VN/92/", "seal/2/VN/92/~", NULL },
				 *const other[] = { "coverage/2/VN/01/", "seal/2/VN/01/~", NULL },
				 *const wide[] = { "coverage/2/", "seal/2/VN/~", NULL };
	struct peer *control = open_peer(server.control, "control");
	struct wire_entry create = { .kind = WIRE_UNIT_CREATE, .unit_create = { "01", "Hà Nội", "province", "VN", date } };
	cr_assert_eq(peer_update(control, &create, 1).verdict, BAOPHU_APPLIED);
	struct listener *here = listen_to(narrow), *there = listen_to(other), *all = listen_to(wide);
	next_seal(here, narrow[1], 0);
	next_seal(there, other[1], 0);
	next_seal(all, wide[1], 0);
	cr_assert_eq(there->seal.count, 0);
	cr_assert_eq(all->seal.count, 2);
	struct wire_entry move = { .kind = WIRE_UNIT_CHANGE, .unit_change = { "916", "", "", "", "01", date } };
	struct wire_receipt receipt = peer_update(control, &move, 1);
	cr_assert_eq(receipt.verdict, BAOPHU_APPLIED);

	next_record(here); /* 927 stays, with a new version */
	cr_assert_str_eq(here->topic, "coverage/2/VN/92/927/");
	cr_assert(here->record.previous > 0);
	next_record(here);
	cr_assert_str_eq(here->topic, "coverage/2/VN/92/916/");
	cr_assert(here->record.tombstone);
	cr_assert_eq(here->record.row_count, 0);
	uint32_t number = here->record.unit_number;
	next_seal(here, narrow[1], receipt.place.seq);
	cr_assert_eq(here->seal.count, 1);

	next_record(there);
	cr_assert_str_eq(there->topic, "coverage/2/VN/01/916/");
	cr_assert_eq(there->record.unit_number, number);
	cr_assert_eq(there->record.previous, 0, "nobody here held it before");
	uint64_t version = there->record.version;
	next_seal(there, other[1], receipt.place.seq);
	cr_assert_eq(there->seal.count, 1);
	cr_assert_eq(there->seal.sum, baophu_mix64(number, version));

	/* Who has both topics is sent the record first, so that the tombstone of the same version is nothing to it. */
	bool has_record = false, has_tombstone = false;
	while (!has_record || !has_tombstone) {
		next_record(all);
		if (all->record.unit_number != number)
			continue;
		cr_assert(!all->record.tombstone || has_record);
		cr_assert_eq(all->record.version, version);
		has_record |= !all->record.tombstone;
		has_tombstone |= all->record.tombstone;
	}
	next_seal(all, wide[1], receipt.place.seq);
	cr_assert_eq(all->seal.count, 2);

	/* Closed: gone for everybody. */
	struct wire_entry close = { .kind = WIRE_UNIT_CLOSE, .unit_close = { .unit = "916", .date = date + 30 } };
	receipt = peer_update(control, &close, 1);
	cr_assert_eq(receipt.verdict, BAOPHU_APPLIED);
	next_record(there);
	cr_assert_str_eq(there->topic, "coverage/2/VN/01/916/");
	cr_assert(there->record.tombstone);
	cr_assert(there->record.version > version);
	next_seal(there, other[1], receipt.place.seq);
	cr_assert_eq(there->seal.count, 0);
	cr_assert_eq(there->seal.sum, 0);
	listener_close(here);
	listener_close(there);
	listener_close(all);
	peer_close(control);
}

Test(publish, topics_past_the_bound_are_not_served_and_cost_nobody, .fini = end)
{
	begin("--topics-max=7"); /* half for the first, of the rest half for the second */
	static const char *const three[] = { "coverage/1/VN/92/", "seal/1/VN/92/~", "a", NULL };
	static const char *const more[] = { "b", "coverage/0/VN/", "c", NULL };
	struct listener *first = listen_to(three), *second;
	next_seal(first, three[1], 0);
	struct peer *peer = open_peer(server.ingest, "can-tho");
	struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, 1);
	for (int i = 0; i < 2; i++) { /* all three are taken in by the second seal, which comes each second */
		struct wire_receipt receipt = peer_update(peer, &fact, 1);
		next_seal(first, three[1], receipt.place.seq);
	}
	second = listen_to(more);
	struct link *links[] = { &second->link };
	bool reads[] = { true };
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS; second->link.up_count < 2; link_wait(links, reads, 1, 200))
		cr_assert(link_now_ms() < until, "it was not disconnected");
	cr_assert(counter("subscriptions_refused") >= 1);
	cr_assert(counter("subscribers_cut") >= 1);
	cr_assert_eq(peer_update(peer, &fact, 1).verdict, BAOPHU_APPLIED);
	next_record(first);
	cr_assert_eq(first->link.up_count, 1);
	listener_close(first); /* makes room again */
	listener_close(second);
	second = listen_to((const char *const[]){ "coverage/0/VN/", "seal/0/VN/~", NULL });
	next_seal(second, "seal/0/VN/~", 0);
	fact.fact.value = 5;
	struct wire_receipt receipt = peer_update(peer, &fact, 1);
	next_record(second);
	cr_assert_str_eq(second->topic, "coverage/0/VN/");
	cr_assert_eq(second->record.version, receipt.place.seq);
	listener_close(second);
	peer_close(peer);
}

static uint64_t anonymous_kib(void)
{
	char path[64], line[128];
	unsigned long kib = 0;
	snprintf(path, sizeof path, "/proc/%d/status", (int)server.pid);
	FILE *file = fopen(path, "re");
	cr_assert(file);
	while (fgets(line, sizeof line, file) && sscanf(line, "RssAnon: %lu", &kib) != 1)
		;
	fclose(file);
	return kib;
}

/* libzmq keeps each subscription in a tree of its own, a kilobyte and more for each, and cannot refuse one. All of them take over 100 MiB; how
 * many it has read before the peer is cut off depends on whose turn it is, mostly 2 MiB, and up to 36 MiB on a crowded machine. */
Test(publish, a_hundred_thousand_topics_of_one_peer_are_not_kept, .fini = end)
{
	enum { TOPICS = 100000, TOPIC_BYTES = 60, TIMES = 3, MIB_MAX = 64 };
	begin_on(SERVER_TCP, "--topics-max=2000");
	static const char *const topics[] = { "coverage/1/VN/92/", "seal/1/VN/92/~", NULL };
	struct listener *listener = listen_to(topics);
	next_seal(listener, topics[1], 0);
	uint64_t before = anonymous_kib(), after = 0;
	void *context = zmq_ctx_new(), *flood = zmq_socket(context, ZMQ_SUB);
	const int none = 0;
	zmq_setsockopt(flood, ZMQ_LINGER, &none, sizeof none);
	zmq_setsockopt(flood, ZMQ_SNDHWM, &none, sizeof none); /* or it would drop most of its own */
	for (int i = 0; i < TOPICS; i++) {
		char topic[TOPIC_BYTES + 1];
		snprintf(topic, sizeof topic, "coverage/8/VN/%0*d/", TOPIC_BYTES - 15, i);
		cr_assert_eq(zmq_setsockopt(flood, ZMQ_SUBSCRIBE, topic, TOPIC_BYTES), 0);
	}
	cr_assert_eq(zmq_connect(flood, server.publish), 0);
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS; counter("subscribers_cut") < TIMES;) { /* it comes again */
		cr_assert(link_now_ms() < until);
		uint64_t now = anonymous_kib();
		char frame[1];
		zmq_recv(flood, frame, sizeof frame, ZMQ_DONTWAIT); /* its subscriptions are sent again from in here */
		after = now > after ? now : after;
	}
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* their memory is not the daemon's */
	cr_assert(after < before + MIB_MAX * 1024, "%lu KiB became %lu", (unsigned long)before, (unsigned long)after);
#endif
	struct peer *peer = open_peer(server.ingest, "can-tho");
	struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, 7);
	struct wire_receipt receipt = peer_update(peer, &fact, 1);
	next_seal(listener, topics[1], receipt.place.seq);
	cr_assert_eq(listener->link.up_count, 1, "nobody else was disconnected");
	zmq_close(flood);
	zmq_ctx_term(context);
	listener_close(listener);
	peer_close(peer);
}

/* ---- a peer that speaks ZMTP by hand ---- */

static int connect_by_hand(void)
{
	static const uint8_t greeting[64] = { 0xff, [9] = 0x7f, 3, 0, 'N', 'U', 'L', 'L' };
	static const char ready[] = "\x04\x19\x05READY\x0bSocket-Type\0\0\0\3SUB";
	uint8_t heard[64];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *path = server.publish + strlen("ipc://");
	cr_assert(strlen(path) < sizeof address.sun_path);
	memcpy(address.sun_path, path, strlen(path));
	cr_assert_eq(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
	cr_assert_eq(send(fd, greeting, sizeof greeting, 0), sizeof greeting);
	cr_assert_eq(recv(fd, heard, sizeof heard, MSG_WAITALL), sizeof heard);
	cr_assert_eq(send(fd, ready, sizeof ready - 1, 0), sizeof ready - 1);
	return fd;
}

static enum holding_state wait_for(struct subscription *subscription, enum holding_state wanted)
{
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS;
	     subscription_standing(subscription)->state != wanted && link_now_ms() < until;)
		cr_assert_eq(subscription_step(subscription, 50), 0);
	return subscription_standing(subscription)->state;
}

/* libzmq passes on the end of a subscription also when it comes from somebody who never had it, and others have it still. */
Test(publish, a_topic_that_a_stranger_cancels_is_subscribed_again, .fini = end)
{
	static const char seal[] = "seal/1/VN/92/~", records[] = "coverage/1/VN/92/";
	begin("--seal-time=50ms");
	struct subscription *subscription;
	const struct subscription_config config = { .publish_endpoint = server.publish,
						    .query_endpoint = server.query,
						    .path = "VN/92",
						    .depth = 1,
						    .stale_after_ms = 500 };
	cr_assert_eq(subscription_open(&config, &subscription), 0);
	cr_assert_eq(wait_for(subscription, HOLDING_EXACT), HOLDING_EXACT);
	int stranger = connect_by_hand();
	for (int i = 0; i < 2; i++) {
		const char *topic = i ? records : seal;
		uint8_t frame[64] = { 0, (uint8_t)(1 + strlen(topic)), 0 };
		memcpy(frame + 3, topic, strlen(topic));
		cr_assert_eq(send(stranger, frame, 3 + strlen(topic), 0), (ssize_t)(3 + strlen(topic)));
	}
	cr_assert_eq(wait_for(subscription, HOLDING_STALE), HOLDING_STALE, "it says that it does not know");
	cr_assert_eq(wait_for(subscription, HOLDING_EXACT), HOLDING_EXACT);
	struct peer *peer = open_peer(server.ingest, "can-tho");
	struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, 7);
	struct wire_receipt receipt = peer_update(peer, &fact, 1);
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS; subscription_standing(subscription)->place.seq < receipt.place.seq;) {
		cr_assert(link_now_ms() < until);
		cr_assert_eq(subscription_step(subscription, 50), 0);
	}
	close(stranger);
	subscription_close(subscription);
	peer_close(peer);
}

Test(publish, a_seal_is_repeated_while_nothing_happens, .fini = end)
{
	begin("--seal-time=20ms");
	static const char *const topics[] = { "seal/2/VN/~", NULL };
	struct listener *listener = listen_to(topics);
	next(listener);
	struct baophu_seal first = listener->seal;
	for (int i = 0; i < 5; i++) {
		next(listener);
		cr_assert_eq(listener->seal.sum, first.sum);
		cr_assert_eq(listener->seal.count, 2);
	}
	listener_close(listener);
}
