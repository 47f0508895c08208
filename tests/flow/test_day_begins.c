/* test_day_begins.c - the business day of a real baophud: it begins by an entry of the log, and no wrong clock moves it. */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <baophu/date.h>
#include <criterion/criterion.h>

#include "reader.h"

enum { HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS };
static struct server server;
static char clocks[112];

static void set_clocks(int64_t wall_ms, int64_t monotonic_ms)
{
	server_rewrite(clocks, "%lld %lld\n", (long long)wall_ms, (long long)monotonic_ms);
}

static void begin(void)
{
	server_init(&server, SERVER_IPC);
	snprintf(clocks, sizeof clocks, "%s/clocks", server.directory);
	setenv("BAOPHU_TEST_CLOCK", clocks, 1);
	server.program = "tests/baophud_faulty";
	set_clocks(0, 0);
	server_start(&server);
	server_set_up(&server);
}
static void end(void) { server_finish(&server); }

/* Until the status says so; the daemon looks at its clock each second at least. */
static struct wire_server_status wait_for(baophu_date day, bool is_held)
{
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS;;) {
		struct wire_server_status now = server_status(&server);
		if (now.business_day == day && now.day_held == is_held)
			return now;
		cr_assert(link_now_ms() < until, "day %d held %d", now.business_day, now.day_held);
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
}

static enum baophu_code send_final(struct peer *peer, baophu_date date)
{
	static uint8_t payload[4096];
	struct wire_entry fact = test_fact("92", "bhxh_tn", 20240430, 1);
	fact.fact.from = fact.fact.to = date;
	peer_send_payload(peer, peer->next, payload, peer_payload(peer, peer->next, &fact, 1, payload, sizeof payload), false);
	const struct wire_collector_message *message = peer_receive(peer);
	if (message->kind == WIRE_NOT_NOW)
		return message->not_now.code;
	peer->next++;
	return peer_receipt(peer, message, NULL, NULL).code;
}

Test(day_begins, with_an_entry_when_both_clocks_say_so, .init = begin, .fini = end)
{
	baophu_date today = server_status(&server).business_day;
	struct peer *peer = peer_open(server.ingest);
	peer_hello(peer, "can-tho", 0);
	cr_assert_eq(send_final(peer, today + 2), BAOPHU_CODE_CLOCK);
	cr_assert_eq(send_final(peer, today + 1), BAOPHU_CODE_NONE);
	for (int days = 1; days <= 3; days++) {
		set_clocks((int64_t)days * DAY_MS, (int64_t)days * DAY_MS);
		wait_for(today + days, false);
	}
	cr_assert_eq(send_final(peer, today + 4), BAOPHU_CODE_NONE);
	cr_assert_eq(send_final(peer, today + 5), BAOPHU_CODE_CLOCK);
	uint64_t digest = server_status(&server).state_digest;
	peer_close(peer);
	/* The checks of the state that stand at each day are made again when the log is folded. */
	char path[160];
	server_kill(&server);
	unlink(server_path(&server, "history.mdb", path));
	server_start(&server);
	cr_assert_eq(server_status(&server).state_digest, digest);
	cr_assert_eq(server_status(&server).business_day, today + 3);
}

Test(day_begins, not_because_one_clock_jumps, .init = begin, .fini = end)
{
	baophu_date today = server_status(&server).business_day;
	struct peer *peer = peer_open(server.ingest);
	peer_hello(peer, "can-tho", 0);
	static const int64_t jumps[] = { DAY_MS, -DAY_MS, INT64_C(10000) * DAY_MS };
	for (int i = 0; i < 3; i++) {
		set_clocks(jumps[i], 0);
		wait_for(today, true);
		cr_assert(server_printed(&server, "the business day is held"));
		cr_assert_eq(send_final(peer, today), BAOPHU_CODE_NONE, "work goes on");
		cr_assert_eq(send_final(peer, today + 2), BAOPHU_CODE_CLOCK);
		set_clocks(0, 0);
		wait_for(today, false);
	}
	/* Held is held, however long it lasts. */
	set_clocks(3 * (int64_t)DAY_MS, DAY_MS);
	wait_for(today, true);
	cr_assert_eq(send_final(peer, today + 2), BAOPHU_CODE_CLOCK);
	set_clocks(0, 0);
	wait_for(today, false);
	/* A clock that is back before the log's newest entry is not believed after a restart either. */
	set_clocks(-2 * (int64_t)DAY_MS, 0);
	server_kill(&server);
	server_start(&server);
	wait_for(today, true);
	set_clocks(0, 0);
	wait_for(today, false);
	peer_close(peer);
}
