/* test_due.c - an office that stops reporting: due, late and silent by the business day of a real baophud, and in what `baophu` prints; not
 * by a clock that jumps, a kill or a rebuild.
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

enum { HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS, SAID_BYTES = 16384 };
static struct server server;
static char clocks[112], said[SAID_BYTES];

static void set_clocks(int64_t wall_ms, int64_t monotonic_ms)
{
	server_rewrite(clocks, "%lld %lld\n", (long long)wall_ms, (long long)monotonic_ms);
}

/* The first declared series, and the day it was asked on. */
static struct wire_due_info due(baophu_date *ret_day)
{
	struct reader *reader;
	struct wire_answer answer;
	struct wire_query question = reader_question(WIRE_QUERY_DUE);
	question.agent = "thoi-lai";
	cr_assert_eq(reader_open(NULL, server.query, &reader), 0);
	cr_assert_eq(reader_query(reader, &question, SERVER_WAIT_MS, &answer), 0);
	cr_assert_geq(answer.due_count, 1);
	struct wire_due_info found = answer.due[0];
	cr_assert_str_eq(found.unit, "927");
	*ret_day = answer.as_of;
	reader_close(reader);
	return found;
}

/* Once the business day is this one. */
static enum baophu_freshness on_day(baophu_date day)
{
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS;;) {
		baophu_date now;
		struct wire_due_info found = due(&now);
		if (now == day)
			return found.freshness;
		cr_assert(link_now_ms() < until, "day %d did not begin", day);
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
}

static void wait_until_held(void)
{
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS; !server_printed(&server, "the business day is held");) {
		cr_assert(link_now_ms() < until);
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
}

/* What `baophu` prints of this centre, in 80 columns. */
static const char *baophu(const char *arguments)
{
	char command[512];
	snprintf(command, sizeof command, "COLUMNS=80 BAOPHU_QUERY=%s BAOPHU_LANG=en %s/client/baophu %s", server.query, BINARY_DIR,
		 arguments);
	FILE *pipe = popen(command, "r");
	cr_assert_not_null(pipe);
	size_t bytes = fread(said, 1, sizeof said - 1, pipe);
	said[bytes] = '\0';
	cr_assert_eq(pclose(pipe), 0, "%s: %s", arguments, said);
	return said;
}

static void expect_said(const char *arguments, const char *text)
{
	cr_assert(strstr(baophu(arguments), text), "%s: “%s” is not in\n%s", arguments, text, said);
}

Test(due, an_office_that_stops_reporting_is_seen)
{
	server_init(&server, SERVER_IPC);
	snprintf(clocks, sizeof clocks, "%s/clocks", server.directory);
	setenv("BAOPHU_TEST_CLOCK", clocks, 1);
	server.program = "tests/baophud_faulty";
	set_clocks(0, 0);
	server_start(&server);
	server_set_up(&server);

	static const char *const measures[] = { "bhxh_tn" };
	struct wire_entry declare = { .kind = WIRE_DECLARE,
				      .declare = { .unit = "927",
						   .level = "",
						   .measure_count = 1,
						   .measures = measures,
						   .extent = BAOPHU_WHOLE,
						   .rhythm = BAOPHU_DAILY,
						   .grace_days = 1 } };
	struct peer *peer = peer_open(server.ingest);
	peer_hello(peer, "thoi-lai", BAOPHU_EPOCH_CHOSEN_MIN + 77);
	cr_assert_eq(peer_update(peer, &declare, 1).verdict, BAOPHU_APPLIED);
	baophu_date today;
	cr_assert_eq(due(&today).freshness, BAOPHU_FRESH, "no closing is over yet");
	expect_said("agent list -o csv", ",fresh,1,1,0,0,0");
	set_clocks(DAY_MS, DAY_MS);
	cr_assert_eq(on_day(today + 1), BAOPHU_DUE);

	/* A clock that jumps by a month makes nobody late, nor does a kill, nor a history that begins anew. */
	set_clocks(40 * (int64_t)DAY_MS, DAY_MS);
	wait_until_held();
	baophu_date day;
	cr_assert_eq(due(&day).freshness, BAOPHU_DUE);
	cr_assert_eq(day, today + 1);
	set_clocks(DAY_MS, 0); /* what has gone by since the start counts from the start */
	for (int round = 0; round < 2; round++) {
		char path[160];
		server_kill(&server);
		if (round)
			unlink(server_path(&server, "history.mdb", path));
		server_start(&server);
		cr_assert_eq(due(&day).freshness, BAOPHU_DUE);
		cr_assert_eq(day, today + 1);
	}

	set_clocks(3 * (int64_t)DAY_MS, 2 * (int64_t)DAY_MS);
	cr_assert_eq(on_day(today + 3), BAOPHU_SILENT, "it never reported");
	expect_said("agent due --silent -o csv", "927,");
	expect_said("agent due thoi-lai", "silent");
	expect_said("agent list", "1 silent");
	expect_said("coverage show 92", "0/1 up to");
	for (const char *line = said; *line; line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n')) {
		size_t columns = 0;
		for (const char *at = line; *at && *at != '\n'; at++)
			columns += ((unsigned char)*at & 0xc0) != 0x80;
		cr_assert_leq(columns, 80, "%s", line);
	}
	peer_close(peer);
	peer = peer_open(server.ingest);
	peer_hello(peer, "thoi-lai", BAOPHU_EPOCH_CHOSEN_MIN + 77);
	struct wire_entry fact = test_fact("927", "bhxh_tn", 20240430, 5);
	fact.fact.from = fact.fact.to = today + 2;
	cr_assert_eq(peer_update(peer, &fact, 1).verdict, BAOPHU_APPLIED);
	cr_assert_eq(on_day(today + 3), BAOPHU_FRESH);
	expect_said("agent due --late -o json", "[]");
	expect_said("coverage show 927 -o jsonl", "\"fresh\":1,\"declared\":1");

	/* One that missed a day, one that never reported: the worse comes first. */
	static const char *const both[] = { "bhxh_tn", "bhyt" };
	declare.declare.measures = both;
	declare.declare.measure_count = 2;
	declare.declare.grace_days = 0;
	cr_assert_eq(peer_update(peer, &declare, 1).verdict, BAOPHU_APPLIED);
	set_clocks(4 * (int64_t)DAY_MS, 3 * (int64_t)DAY_MS);
	on_day(today + 4);
	expect_said("agent list -o csv", ",silent,2,0,0,1,1");
	const char *silent = strstr(baophu("agent due --late -o csv"), ",silent,"), *late = strstr(said, ",late,");
	cr_assert(silent && late && silent < late, "%s", said);
	cr_assert(strstr(baophu("agent due --silent -o csv"), ",silent,") && !strstr(said, ",late,"), "%s", said);
	peer_close(peer);
	server_finish(&server);
}
