/* test_cuts.c - the pace of publication, with a clock and a socket of the test's own: at once while it is cheap, gathered while it is not,
 * and never a version left out between two.
 */
#include "publish.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "scene.h"

static struct scene scene;
static struct publish *publish;
static struct stats stats;
static struct notices notices;
static struct config config;
static int64_t now_us, send_us;

/* What is subscribed next, and what was sent. */
static const char *wanted[8];
static int wanted_count, wanted_at;
static uint32_t who, cuts; /* whose subscriptions these are; bits of those who were disconnected */
enum { SENT_MAX = 64 };
static struct {
	char topic[128];
	uint64_t version, previous, seq, event_count;
	uint32_t events;
	uint64_t numbers[BAOPHU_RECORD_EVENTS_MAX]; /* of the events that came along */
} sent[SENT_MAX];
static int sent_count;
static uint8_t arena_block[1 << 20];

void sockets_cut_subscriber(struct sockets *sockets, uint32_t subscriber)
{
	(void)sockets;
	cuts |= 1u << subscriber;
}

int sockets_receive_subscription(struct sockets *sockets, bool *ret_is_on, char *topic, size_t *ret_bytes, uint32_t *ret_subscriber)
{
	(void)sockets;
	*ret_subscriber = who;
	if (wanted_at == wanted_count)
		return 0;
	const char *text = wanted[wanted_at++];
	*ret_is_on = *text == '+';
	*ret_bytes = strlen(text + 1);
	memcpy(topic, text + 1, *ret_bytes);
	return 1;
}

int sockets_publish(struct sockets *sockets, const char *topic, size_t topic_bytes, const void *body, size_t size)
{
	(void)sockets;
	struct wire_arena arena = { .base = arena_block, .size = sizeof arena_block };
	cr_assert(sent_count < SENT_MAX);
	memset(&sent[sent_count], 0, sizeof *sent);
	memcpy(sent[sent_count].topic, topic, topic_bytes);
	if (!strncmp(topic, "seal/", 5)) {
		struct baophu_seal seal;
		cr_assert_eq(wire_decode_seal(&arena, body, size, &seal), 0);
		sent[sent_count].seq = seal.place.seq;
	} else {
		struct baophu_record record;
		cr_assert_eq(wire_decode_record(&arena, body, size, &record), 0);
		sent[sent_count].version = record.version;
		sent[sent_count].previous = record.previous;
		sent[sent_count].seq = record.seq;
		sent[sent_count].event_count = record.event_count;
		sent[sent_count].events = record.new_event_count;
		for (uint32_t i = 0; i < record.new_event_count; i++) {
			cr_assert(record.events[i].seq > record.previous && record.events[i].seq <= record.version);
			cr_assert_str_eq(record.events[i].unit, record.unit);
			cr_assert_str_eq(record.events[i].name, record.name);
			sent[sent_count].numbers[i] = record.events[i].number;
		}
	}
	sent_count++;
	now_us += send_us;
	return 0;
}

static int64_t clock_us(void) { return now_us; }

static void say(const char *change)
{
	wanted[wanted_count++] = change;
	cr_assert_eq(publish_take_subscriptions(publish), 0);
}

/* One commit with a new figure of a unit. */
static uint64_t commit_of(uint32_t unit, int64_t value)
{
	uint64_t seq = scene_fact(&scene, unit, 1, BAOPHU_WHOLE, day(20240430), day(20240430), value, BAOPHU_FINAL);
	cr_assert_eq(fold_settle(&scene.state), 0);
	cr_assert_eq(publish_gather(publish, &scene.state), 0);
	scene.state.events.made.count = 0;
	return seq;
}

static uint64_t commit(int64_t value) { return commit_of(2, value); } /* of 92 */

static int send_slice(void)
{
	int wait_ms;
	cr_assert_eq(publish_send_due(publish, &scene.state, &wait_ms), 0);
	return wait_ms;
}

static int send_due(void)
{
	int wait_ms;
	do
		wait_ms = send_slice();
	while (publish_is_behind(publish));
	return wait_ms;
}

static void begin(void)
{
	scene_init(&scene);
	scene_measure(&scene, "so", BAOPHU_STOCK, 0);
	scene_unit(&scene, 0, "VN", "Việt Nam", day(20040101));
	scene_unit(&scene, 1, "92", "Cần Thơ", day(20040101));
	scene_day(&scene, day(20240501));
	cr_assert_eq(fold_settle(&scene.state), 0);
	stats_init(&stats);
	notices_init(&notices);
	config = (struct config){ .topics_max = 100, .topic_bytes_max = 10000, .publish_pause_ms = 50, .seal_ms = 1000 };
	now_us = 1000000000;
	cr_assert_eq(publish_create(&config, NULL, &stats, &notices, clock_us, &publish), 0);
	cr_assert_eq(publish_gather(publish, &scene.state), 0);
}
static void end(void)
{
	publish_destroy(publish);
	scene_finish(&scene);
}
TestSuite(cuts, .init = begin, .fini = end);

Test(cuts, nobody_there_nothing_sent)
{
	commit(1);
	cr_assert_eq(send_due(), -1);
	cr_assert_eq(sent_count, 0);
	say("+coverage/1/VN/92/");
	cr_assert_eq(send_due(), -1);
	cr_assert_eq(sent_count, 0, "what was before is for the snapshot");
	commit(2);
	send_due();
	cr_assert_eq(sent_count, 1);
	say("-coverage/1/VN/92/");
	commit(3);
	send_due();
	cr_assert_eq(sent_count, 1);
	say("-coverage/1/VN/92/");
}

Test(cuts, go_out_at_once_while_they_are_cheap)
{
	say("+coverage/1/VN/92/");
	send_us = 10;
	for (int i = 0; i < 20; i++) {
		uint64_t seq = commit(i);
		send_due();
		cr_assert_eq(sent_count, i + 1);
		cr_assert_eq(sent[i].version, seq);
		cr_assert_eq(sent[i].seq, seq);
		if (i)
			cr_assert_eq(sent[i].previous, sent[i - 1].version);
		now_us += 200;
	}
}

Test(cuts, are_gathered_while_they_are_not)
{
	say("+coverage/1/");
	say("+seal/1/VN/~");
	now_us += 10000000;
	send_us = 2000;
	uint64_t first = commit(1);
	send_due(); /* a record and a seal: 4 ms, of a long time since the cut before */
	cr_assert_eq(sent_count, 2);
	uint64_t second = commit(2);
	send_due();
	cr_assert_eq(sent_count, 4);
	cr_assert_eq(sent[2].previous, first);
	/* That took all of the time since the last: the next waits three times as long as it took. */
	commit(3);
	int wait_ms = send_due();
	cr_assert_eq(sent_count, 4);
	cr_assert_eq(wait_ms, 12);
	now_us += 5000;
	uint64_t last = commit(4);
	cr_assert_eq(send_due(), 7);
	cr_assert_eq(sent_count, 4);
	now_us += 7000;
	send_due();
	cr_assert_eq(sent_count, 6);
	cr_assert_eq(sent[4].version, last);
	cr_assert_eq(sent[4].previous, second, "the one that subscribers hold, not the one that was passed over");
	cr_assert_str_eq(sent[5].topic, "seal/1/VN/~");
	cr_assert_eq(sent[5].seq, last);
}

/* Units 1 and 2 with a target of 100 each; lines at 0, 50 and 100 %. Nothing is said before. */
static void watch_lines(void)
{
	for (uint32_t line = 0; line < 3; line++)
		scene_line(&scene, 0, 50 * line, 0, line, false);
	scene_plan(&scene, 0, "nam", 1, BAOPHU_PLAN_STOCK, 1, day(20240101), day(20241231), 100, 0);
	scene_plan(&scene, 1, "nam", 2, BAOPHU_PLAN_STOCK, 1, day(20240101), day(20241231), 100, 0);
	cr_assert_eq(fold_settle(&scene.state), 0);
	cr_assert_eq(publish_gather(publish, &scene.state), 0);
}

Test(cuts, carry_what_was_crossed_since_the_version_before)
{
	watch_lines();
	say("+coverage/");
	send_us = 10;
	commit(60); /* of 92, and so of the country: 0 and 50 % each */
	now_us += 1000000;
	send_due();
	cr_assert_eq(sent_count, 2);
	for (int i = 0; i < 2; i++) {
		cr_assert(sent[i].event_count == 2 && sent[i].events == 2 && sent[i].numbers[0] == 1 && sent[i].numbers[1] == 2);
	}
	sent_count = 0;
	commit(61);
	now_us += 1000000;
	send_due();
	cr_assert(sent_count == 2 && sent[0].event_count == 2 && !sent[0].events, "an event comes along once");

	/* Of a cut that took long to come the newest come along: three lines, two of them crossed before, the first twice today. */
	sent_count = 0;
	for (int i = 0; i < 4; i++)
		commit(i % 2 ? 0 : 100);
	now_us += 1000000;
	send_due();
	cr_assert_eq(sent_count, 2);
	cr_assert_eq(sent[0].event_count, 6, "the third crossing of a line in a day is not delivered");
	cr_assert(sent[0].events == 4 && sent[0].numbers[0] == 3 && sent[0].numbers[3] == 6);
	scene_day(&scene, day(20240502));
	cr_assert_eq(fold_settle(&scene.state), 0);
	cr_assert_eq(publish_gather(publish, &scene.state), 0);
	scene.state.events.made.count = 0;
	sent_count = 0;
	now_us += 1000000;
	send_due();
	cr_assert_eq(sent_count, 2);
	cr_assert_eq(sent[0].event_count, 9, "what the day before came to, line by line");
	cr_assert(sent[0].events == 3 && sent[0].numbers[0] == 7);
}

Test(cuts, no_more_events_come_along_than_eight)
{
	watch_lines();
	for (int i = 3; i < 16; i++)
		scene_line(&scene, 0, (uint32_t)i, 0, (unsigned)i, false);
	cr_assert_eq(fold_settle(&scene.state), 0);
	cr_assert_eq(publish_gather(publish, &scene.state), 0);
	say("+coverage/1/");
	commit(100);
	send_due();
	cr_assert_eq(sent_count, 1);
	cr_assert(sent[0].event_count == 16 && sent[0].events == 8 && sent[0].numbers[0] == 9 && sent[0].numbers[7] == 16);
}

Test(cuts, a_quarter_of_the_time_is_the_bound)
{
	say("+coverage/1/VN/92/");
	send_us = 100;
	commit(1);
	send_due();
	now_us += 301; /* 100 of 401 */
	commit(2);
	send_due();
	commit(3); /* at once: the one before was cheap, but this one is 100 of 100 */
	send_due();
	cr_assert_eq(sent_count, 3);
	commit(4);
	cr_assert_eq(send_due(), 1);
	cr_assert_eq(sent_count, 3);
	now_us += 300;
	send_due(); /* 100 of 400: a quarter and no more */
	cr_assert_eq(sent_count, 4);
	commit(5);
	send_due();
	cr_assert_eq(sent_count, 5);
	now_us += 1000000;
	commit(6);
	send_due();
	now_us += 290;
	commit(7);
	send_due(); /* 100 of 390: more than a quarter */
	cr_assert_eq(sent_count, 7);
	commit(8);
	cr_assert_eq(send_due(), 1);
	cr_assert_eq(sent_count, 7);
}

Test(cuts, never_wait_longer_than_the_pause)
{
	say("+coverage/1/");
	send_us = 400000;
	for (int i = 0; i < 2; i++) {
		commit(i);
		send_due();
	}
	cr_assert_eq(sent_count, 2);
	commit(2);
	cr_assert_eq(send_due(), 50);
	now_us += 50000;
	send_due();
	cr_assert_eq(sent_count, 3);
}

Test(cuts, a_seal_never_runs_ahead_of_its_cut)
{
	say("+coverage/1/");
	send_us = 2000;
	for (int i = 0; i < 2; i++) {
		commit(i);
		send_due();
	}
	commit(2);
	say("+seal/1/VN/~"); /* while the cut waits: a seal now would speak of records that nobody was sent */
	send_due();
	cr_assert_eq(sent_count, 2);
	now_us += 50000;
	send_due();
	cr_assert_eq(sent_count, 4);
	cr_assert_str_eq(sent[3].topic, "seal/1/VN/~");
}

Test(cuts, seals_come_for_each_subscription_each_touch_and_each_idle_second)
{
	say("+seal/1/VN/~");
	send_due();
	cr_assert_eq(sent_count, 1);
	send_due();
	cr_assert_eq(sent_count, 1);
	say("+seal/1/VN/~"); /* another subscriber of the same */
	send_due();
	cr_assert_eq(sent_count, 2);
	uint64_t seq = commit(1);
	send_due();
	cr_assert_eq(sent_count, 3);
	cr_assert_eq(sent[2].seq, seq);
	scene_measure(&scene, "khac", BAOPHU_STOCK, 0); /* touches no figure, but every record */
	cr_assert_eq(fold_settle(&scene.state), 0);
	cr_assert_eq(publish_gather(publish, &scene.state), 0);
	send_due();
	cr_assert_eq(sent_count, 4);
	cr_assert_eq(send_due(), 1000);
	now_us += 999999;
	send_due();
	cr_assert_eq(sent_count, 4);
	now_us += 1;
	send_due();
	cr_assert_eq(sent_count, 5);
}

Test(cuts, a_quiet_subtree_is_sealed_each_second_however_busy_the_others_are)
{
	uint32_t quiet = scene_unit(&scene, 1, "01", "Hà Nội", day(20040101));
	cr_assert_eq(fold_settle(&scene.state), 0);
	say("+seal/1/VN/01/~");
	say("+seal/1/VN/92/~");
	commit_of(quiet, 1);
	send_due();
	cr_assert_eq(sent_count, 2);
	int64_t begun_us = now_us;
	for (int i = 0; now_us < begun_us + 990000; i++) {
		now_us += 30000;
		commit(i);
		send_due();
		cr_assert_str_eq(sent[sent_count - 1].topic, "seal/1/VN/92/~");
	}
	now_us = begun_us + 1000000;
	sent_count = 0;
	uint64_t seq = commit(100);
	send_due();
	cr_assert_eq(sent_count, 2);
	cr_assert_eq(sent[0].seq, seq);
	cr_assert_eq(sent[1].seq, seq);
}

Test(cuts, a_large_cut_goes_out_in_slices_and_nothing_newer_is_mixed_in)
{
	enum { UNITS = 10 };
	uint32_t units[UNITS];
	uint64_t first, second = 0;
	for (int i = 0; i < UNITS; i++) {
		char code[] = { 'u', (char)('0' + i), 0 };
		units[i] = scene_unit(&scene, 2, code, code, day(20040101));
	}
	cr_assert_eq(fold_settle(&scene.state), 0);
	say("+coverage/2/");
	say("+seal/2/VN/~");
	send_due();
	sent_count = 0;
	for (int i = 0; i < UNITS - 1; i++)
		scene_fact(&scene, units[i], 1, BAOPHU_WHOLE, day(20240430), day(20240430), i, BAOPHU_FINAL);
	first = commit_of(units[UNITS - 1], 100);
	send_us = 600;
	int slices = 0;
	while (sent_count < UNITS + 1) {
		slices++;
		now_us += 1500; /* of other work: sending has as long */
		int before = sent_count, wait_ms = send_slice();
		cr_assert(sent_count - before == 3 || sent_count == UNITS + 1, "slice %d: %d messages", slices,
			  sent_count - before);
		cr_assert_eq(publish_is_behind(publish), sent_count < UNITS + 1);
		cr_assert(wait_ms == 0 || sent_count == UNITS + 1, "the rest is due as soon as others had their turn");
		if (!second)
			second = commit_of(units[0], 200);
	}
	cr_assert_eq(slices, 4);
	for (int i = 0; i <= UNITS; i++)
		cr_assert(sent[i].seq == first && sent[i].version <= first, "%d", i);
	cr_assert_str_eq(sent[UNITS].topic, "seal/2/VN/~", "the proof comes last");
	sent_count = 0;
	now_us += 50000;
	send_due();
	cr_assert_eq(sent_count, 2);
	cr_assert_eq(sent[0].version, second);
	cr_assert_eq(sent[1].seq, second);
}

Test(cuts, who_asks_for_too_much_is_disconnected_and_others_are_served)
{
	who = 1;
	for (int i = 0; i < 60; i++) {
		static char topics[60][8];
		snprintf(topics[i], sizeof topics[i], "+%d", i);
		wanted[wanted_count = 0] = topics[i];
		wanted_at = 0;
		say(topics[i]);
		cr_assert_eq(cuts, i < 50 ? 0 : 1 << 1, "%d", i);
	}
	who = 2;
	wanted_count = wanted_at = 0;
	say("+coverage/1/VN/92/");
	cr_assert_eq(cuts, 1 << 1);
	commit(1);
	send_due();
	cr_assert_eq(sent_count, 1);
	cr_assert_eq(stats_get(&stats, STATS_SUBSCRIPTIONS_REFUSED), 10);
}

Test(cuts, topics_that_are_no_seals_are_prefixes_and_no_more)
{
	static const char *const strange[] = { "+seal/", "+seal/9/VN/~", "+seal/1/VN/", "+seal/x/VN/~", "+seal/1~", "+" };
	for (int i = 0; i < 6; i++)
		say(strange[i]);
	send_due();
	cr_assert_eq(sent_count, 0);
	commit(1);
	send_due();
	cr_assert_eq(sent_count, 2, "the empty prefix is everything: the country and the province");
}
