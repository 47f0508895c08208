/* test_live.c - a subscriber and a reader of the client library against the real daemon: join, follow, restart, another history. */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <criterion/criterion.h>

#include "reader.h"
#include "subscription.h"

enum { WAIT_MS = 20000, UNITS_SEEN = 16 };
struct seen {
	char unit[BAOPHU_CODE_BYTES_MAX + 1];
	uint32_t number;
	int64_t value;
};
struct viewer {
	struct subscription *subscription;
	struct seen units[UNITS_SEEN];
	uint32_t count;
	uint32_t states[HOLDING_STATE_COUNT]; /* how often each was entered */
};

static void see_record(void *user, const struct baophu_record *record)
{
	struct viewer *viewer = user;
	uint32_t at = 0;
	while (at < viewer->count && viewer->units[at].number != record->unit_number)
		at++;
	if (record->tombstone) {
		if (at < viewer->count)
			viewer->units[at] = viewer->units[--viewer->count];
		return;
	}
	cr_assert_lt(at, UNITS_SEEN);
	viewer->count += at == viewer->count;
	struct seen *seen = &viewer->units[at];
	*seen = (struct seen){ .number = record->unit_number, .value = BAOPHU_ABSENT };
	memcpy(seen->unit, record->unit, sizeof seen->unit);
	for (uint32_t i = 0; i < record->row_count; i++)
		if (record->rows[i].kind == BAOPHU_ROW_STOCK && !strcmp(record->rows[i].measure, "bhxh_tn"))
			seen->value = record->rows[i].value;
}

static void see_state(void *user, const struct subscription_standing *standing)
{
	struct viewer *viewer = user;
	viewer->states[standing->state]++;
	if (standing->state == HOLDING_SYNCING)
		viewer->count = 0;
}

static struct viewer *open_viewer(const struct server *server, const char *path, uint32_t depth)
{
	struct viewer *viewer = calloc(1, sizeof *viewer);
	struct subscription_config config = { .publish_endpoint = server->publish,
					      .query_endpoint = server->query,
					      .path = path,
					      .depth = depth,
					      .user = viewer,
					      .on_record = see_record,
					      .on_state = see_state };
	cr_assert_eq(subscription_open(&config, &viewer->subscription), 0);
	return viewer;
}

static void close_viewer(struct viewer *viewer)
{
	subscription_close(viewer->subscription);
	free(viewer);
}

/* Works until the state is this one, for EXACT at this seq or later. */
static const struct subscription_standing *follow(struct viewer *viewer, enum holding_state state, uint64_t seq)
{
	const struct subscription_standing *standing = subscription_standing(viewer->subscription);
	struct timespec begin, now;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	while (standing->state != state || (state == HOLDING_EXACT && standing->place.seq < seq)) {
		int error = subscription_step(viewer->subscription, 100);
		cr_assert_eq(error, 0, "%s", baophu_strerror(error));
		clock_gettime(CLOCK_MONOTONIC, &now);
		cr_assert_lt(now.tv_sec - begin.tv_sec, WAIT_MS / 1000, "%s at %llu, not %s at %llu",
			     holding_state_name(standing->state), (unsigned long long)standing->place.seq,
			     holding_state_name(state), (unsigned long long)seq);
	}
	return standing;
}

static int64_t value_of(const struct viewer *viewer, const char *unit)
{
	for (uint32_t i = 0; i < viewer->count; i++)
		if (!strcmp(viewer->units[i].unit, unit))
			return viewer->units[i].value;
	return BAOPHU_ABSENT;
}

/* One figure of Thới Lai, sent in an epoch of its own. */
static struct baophu_place report(struct server *server, uint32_t date, int64_t value)
{
	struct peer *peer = peer_open(server->ingest);
	peer_hello(peer, "thoi-lai", 0);
	struct wire_entry entry = test_fact("927", "bhxh_tn", date, value);
	struct wire_receipt receipt = peer_update(peer, &entry, 1);
	cr_assert_eq(receipt.verdict, BAOPHU_APPLIED);
	struct baophu_place place = receipt.place;
	peer_close(peer);
	return place;
}

Test(live, a_subscriber_is_exact_at_the_place_of_each_receipt, .timeout = 60)
{
	struct server server;
	server_init(&server, SERVER_TCP);
	server_start(&server);
	server_set_up(&server);
	struct baophu_place place = report(&server, 20240930, 1501);
	struct viewer *districts = open_viewer(&server, "VN/92", 2), *province = open_viewer(&server, "VN/92", 1);
	follow(districts, HOLDING_EXACT, place.seq);
	cr_assert_eq(districts->count, 2);
	cr_assert_eq(value_of(districts, "927"), 1501);
	follow(province, HOLDING_EXACT, place.seq);
	cr_assert_eq(province->count, 1);
	for (int i = 0; i < 20; i++) {
		place = report(&server, 20241001 + (uint32_t)i, 1600 + i);
		const struct subscription_standing *standing = follow(districts, HOLDING_EXACT, place.seq);
		cr_assert_eq(value_of(districts, "927"), 1600 + i);
		if (standing->place.seq == place.seq)
			cr_assert_arr_eq(standing->place.digest, place.digest, sizeof place.digest);
		follow(province, HOLDING_EXACT, place.seq);
		cr_assert_eq(value_of(province, "92"), 1600 + i);
	}
	cr_assert_eq(districts->states[HOLDING_REPAIRING], 0);
	cr_assert_eq(subscription_standing(districts->subscription)->repairs, 0);
	close_viewer(districts);
	close_viewer(province);
	cr_assert_eq(server_stop(&server), 0);
	server_finish(&server);
}

Test(live, a_subscriber_is_stale_while_the_daemon_is_gone_and_exact_again_after, .timeout = 60)
{
	struct server server;
	server_init(&server, SERVER_IPC);
	server_start(&server);
	server_set_up(&server);
	struct viewer *viewer = open_viewer(&server, "VN/92", 2);
	follow(viewer, HOLDING_EXACT, report(&server, 20240930, 1501).seq);
	server_kill(&server);
	follow(viewer, HOLDING_STALE, 0);
	cr_assert_eq(value_of(viewer, "927"), 1501, "what was shown stays, marked");
	server_start(&server);
	struct baophu_place place = report(&server, 20241031, 1600);
	follow(viewer, HOLDING_EXACT, place.seq);
	cr_assert_eq(value_of(viewer, "927"), 1600);
	cr_assert_eq(viewer->states[HOLDING_SYNCING], 0, "nothing was thrown away");
	close_viewer(viewer);
	cr_assert_eq(server_stop(&server), 0);
	server_finish(&server);
}

Test(live, nothing_of_another_history_is_mixed_in, .timeout = 60)
{
	struct server server;
	char data[100], copy[100], command[400];
	server_init(&server, SERVER_IPC);
	server_start(&server);
	server_set_up(&server);
	report(&server, 20240930, 1501);
	cr_assert_eq(server_stop(&server), 0);
	snprintf(data, sizeof data, "%s/data", server.directory);
	snprintf(copy, sizeof copy, "%s/copy", server.directory);
	snprintf(command, sizeof command, "cp -a '%s' '%s'", data, copy);
	cr_assert_eq(system(command), 0);
	server_start(&server);
	struct baophu_place place = report(&server, 20241031, 1600);
	struct viewer *viewer = open_viewer(&server, "VN/92", 2);
	follow(viewer, HOLDING_EXACT, place.seq);
	cr_assert_eq(value_of(viewer, "927"), 1600);

	/* the centre is put back to the copy and goes on from there, as many records and more */
	cr_assert_eq(server_stop(&server), 0);
	snprintf(command, sizeof command, "rm -rf '%s' && cp -a '%s' '%s'", data, copy, data);
	cr_assert_eq(system(command), 0);
	server_start(&server);
	for (int i = 0; i < 5; i++)
		place = report(&server, 20241031, 1700 + i);
	follow(viewer, HOLDING_EXACT, place.seq);
	cr_assert_eq(value_of(viewer, "927"), 1704);
	cr_assert_gt(viewer->states[HOLDING_SYNCING], 0, "what was held of the other history is void");
	close_viewer(viewer);
	cr_assert_eq(server_stop(&server), 0);
	server_finish(&server);
}

Test(live, a_reader_turns_pages_of_one_cut_and_waits_for_what_it_must_see, .timeout = 60)
{
	struct server server;
	server_init(&server, SERVER_IPC);
	server_start(&server);
	server_set_up(&server);
	struct baophu_place place = report(&server, 20240930, 1501);
	struct reader *reader;
	struct wire_answer answer;
	cr_assert_eq(reader_open(NULL, server.query, &reader), 0);
	struct wire_query query = reader_question(WIRE_QUERY_COVERAGE);
	query.unit = "92";
	query.depth = 1;
	query.limit = 1;
	query.min_seq = place.seq;
	uint32_t records = 0, pages = 0;
	struct baophu_place cut = { 0 };
	do {
		cr_assert_eq(reader_query(reader, &query, 0, &answer), 0, "%s", answer.text);
		cr_assert_geq(answer.cut.seq, place.seq);
		cr_assert(!pages || (answer.cut.seq == cut.seq && !memcmp(answer.cut.digest, cut.digest, sizeof cut.digest)));
		cut = answer.cut;
		records += answer.record_count;
		pages++;
	} while (reader_next_page(&query, &answer));
	cr_assert_eq(records, 3);
	cr_assert_geq(pages, 3);

	query = reader_question(WIRE_QUERY_COVERAGE);
	query.unit = "nowhere";
	cr_assert_eq(reader_query(reader, &query, 0, &answer), -BAOPHU_EREFUSED);
	cr_assert_eq(answer.code, BAOPHU_CODE_QUERY);
	cr_assert(strstr(answer.text, "nowhere"), "%s", answer.text);
	query.unit = "92";
	query.min_seq = 1000000;
	cr_assert_eq(reader_query(reader, &query, 300, &answer), -BAOPHU_ETIMEOUT);

	/* over a restart the question is asked again */
	server_kill(&server);
	server_start(&server);
	query.min_seq = place.seq;
	cr_assert_eq(reader_query(reader, &query, 0, &answer), 0);
	reader_close(reader);
	cr_assert_eq(server_stop(&server), 0);
	server_finish(&server);
}
