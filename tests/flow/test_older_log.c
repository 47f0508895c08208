/* test_older_log.c - a real baophud on a log that was begun before lines were watched: it gets them at its next start, and nobody is said to
 * have crossed what was there already. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/date.h>

#include "centre.h"
#include "reader.h"
#include "server.h"

static struct server server;

/* Cần Thơ at 75 of 100, in a log whose catalogue knows no line; its daemon is another, so the log is handed over closed. */
static void write_older_log(void)
{
	struct centre *centre = calloc(1, sizeof *centre);
	char command[160];
	centre_open(centre);
	struct scene *scene = &centre->scene;
	cr_assert_eq(scene_agent(scene, "control"), 1);
	scene_day(scene, day(20240501));
	uint32_t country = scene_unit(scene, 0, "VN", "Việt Nam", BAOPHU_DATE_MIN);
	uint32_t city = scene_unit(scene, country, "92", "Cần Thơ", BAOPHU_DATE_MIN);
	uint16_t people = scene_measure(scene, "bhyt", BAOPHU_STOCK, 0);
	scene_grant(scene, scene_agent(scene, "can-tho"), city, 0, BAOPHU_DATE_MIN, BAOPHU_DATE_NONE);
	scene_plan(scene, 0, "nam-2024", city, BAOPHU_PLAN_STOCK, people, day(20240101), day(20241231), 100, 0);
	scene_fact(scene, city, people, BAOPHU_WHOLE, day(20240430), day(20240430), 75, BAOPHU_FINAL);
	centre_sync(centre);
	centre_stop(centre);
	snprintf(command, sizeof command, "cp -a %s %s/data", centre->directory, server.directory);
	cr_assert_eq(system(command), 0);
	centre_start(centre, NULL);
	centre_close(centre);
	free(centre);
}

/* `answer` is lent until the reader is closed. */
static struct reader *ask(struct wire_query question, struct wire_answer *ret_answer)
{
	struct reader *reader;
	cr_assert_eq(reader_open(NULL, server.query, &reader), 0);
	question.limit = BAOPHU_PAGE_RECORDS_MAX;
	cr_assert_eq(reader_query(reader, &question, SERVER_WAIT_MS, ret_answer), 0);
	return reader;
}

static void expect_lines(void)
{
	struct wire_answer answer;
	struct reader *reader = ask(reader_question(WIRE_QUERY_THRESHOLDS), &answer);
	cr_assert_eq(answer.threshold_count, 3);
	for (uint32_t i = 0; i < 3; i++)
		cr_assert(answer.thresholds[i].threshold.digits == 50 * i && !*answer.thresholds[i].threshold.plan);
	reader_close(reader);
}

static void expect_events(uint32_t count, uint64_t min_seq)
{
	struct wire_answer answer;
	struct wire_query question = reader_question(WIRE_QUERY_EVENTS);
	question.min_seq = min_seq;
	struct reader *reader = ask(question, &answer);
	cr_assert_eq(answer.event_count, count, "%u events", answer.event_count);
	for (uint32_t i = 0; i < count; i++)
		cr_assert(answer.events[i].line_digits == 50 && answer.events[i].number == (i < 2 ? i + 1 : 0) &&
			  answer.events[i].direction == (i % 2 ? BAOPHU_UP : BAOPHU_DOWN));
	reader_close(reader);
}

static uint64_t report(struct peer *peer, int64_t value)
{
	struct wire_entry entry = test_fact("92", "bhyt", 20240430, value);
	struct wire_receipt receipt = peer_update(peer, &entry, 1);
	cr_assert_eq(receipt.verdict, BAOPHU_APPLIED);
	return receipt.place.seq;
}

Test(older_log, gets_its_lines_at_its_next_start_and_says_nothing_of_what_was_there, .timeout = 60)
{
	server_init(&server, SERVER_IPC);
	write_older_log();
	server_start(&server);
	expect_lines();
	expect_events(0, 1);
	struct peer *peer = peer_open(server.ingest);
	peer_hello(peer, "can-tho", 0);
	uint64_t seq = report(peer, 49);
	expect_events(1, seq);
	seq = report(peer, 50);
	expect_events(2, seq);
	peer_close(peer);
	cr_assert_eq(server_stop(&server), 0);
	server_start(&server); /* the sides are those that it left */
	expect_lines();
	peer = peer_open(server.ingest);
	peer_hello(peer, "can-tho", 0);
	seq = report(peer, 48);
	expect_events(3, seq);
	peer_close(peer);
	server_finish(&server);
}
