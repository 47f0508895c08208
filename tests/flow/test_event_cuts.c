/* test_event_cuts.c - events in the cuts of a subscription of libbaophu, and asked for, from the real daemon: as they happen, more at once than fit
 * beside a record, over an end and a new beginning, to a slow caller, and from a centre that was put back.
 */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/client.h>
#include <baophu/date.h>
#include <criterion/criterion.h>

enum { EVENTS_MAX = 256, UNITS_MAX = 8, STEPS_MAX = 400 };
struct id {
	uint64_t seq;
	uint32_t index;
};
struct viewer {
	struct baophu_subscription *subscription;
	struct id events[EVENTS_MAX]; /* shown so far */
	uint32_t event_count, whole_cuts, cuts, newest_cut_events;
	uint64_t unlisted_after, unlisted_until;
	struct baophu_place from, to; /* from: where the first cut began */
	struct baophu_held_unit units[UNITS_MAX];
	uint32_t unit_count;
};

static struct server server;
static struct peer *office;
static uint32_t day = 20240101;

static void see_cut(void *user, const struct baophu_cut *cut)
{
	struct viewer *viewer = user;
	cr_assert(cut->is_whole || cut->from.seq == viewer->to.seq);
	if (cut->is_whole) {
		cr_assert_eq(cut->event_count, 0, "a whole cut has no past");
		viewer->unit_count = 0;
		viewer->whole_cuts++;
	}
	for (uint32_t i = 0; i < cut->record_count; i++) {
		const struct baophu_record *record = &cut->records[i];
		uint32_t at = 0;
		cr_assert_null(record->events);
		while (at < viewer->unit_count && viewer->units[at].unit_number != record->unit_number)
			at++;
		cr_assert_lt(at, UNITS_MAX);
		viewer->unit_count += at == viewer->unit_count;
		viewer->units[at] = (struct baophu_held_unit){ record->unit_number, record->version, record->event_count };
	}
	for (uint32_t i = 0; i < cut->event_count; i++) {
		cr_assert_gt(cut->events[i].seq, cut->from.seq);
		cr_assert_leq(cut->events[i].seq, cut->to.seq);
		cr_assert_lt(viewer->event_count, EVENTS_MAX);
		viewer->events[viewer->event_count++] = (struct id){ cut->events[i].seq, cut->events[i].index };
	}
	viewer->cuts++;
	viewer->newest_cut_events = cut->event_count;
	viewer->to = cut->to;
	if (cut->unlisted_until) {
		viewer->unlisted_after = cut->unlisted_after;
		viewer->unlisted_until = cut->unlisted_until;
	}
}

static void view(struct viewer *viewer, const struct viewer *earlier, uint32_t events_max)
{
	struct baophu_subscription_config config = { .publish_endpoint = server.publish,
						     .query_endpoint = server.query,
						     .path = "VN/92",
						     .depth = 2,
						     .wants_events = true,
						     .events_max = events_max,
						     .user = viewer,
						     .on_cut = see_cut };
	*viewer = (struct viewer){ 0 };
	if (earlier) {
		config.resume_place = viewer->to = viewer->from = earlier->to;
		config.resume_units = earlier->units;
		config.resume_count = earlier->unit_count;
	}
	cr_assert_eq(baophu_subscription_open(&config, &viewer->subscription), 0);
}

/* Until a cut of this place or a later one was shown. */
static void wait_for(struct viewer *viewer, uint64_t seq)
{
	for (int i = 0; !viewer->cuts || viewer->to.seq < seq; i++) {
		cr_assert_lt(i, STEPS_MAX);
		cr_assert_eq(baophu_subscription_step(viewer->subscription, 100), 0);
	}
}

static void end_view(struct viewer *viewer)
{
	baophu_subscription_close(viewer->subscription);
	viewer->subscription = NULL;
}

/* Whatever the daemon's history holds between the two places is what was shown. */
static void expect_shown(const struct viewer *viewer, uint64_t after, uint32_t least)
{
	struct baophu_reader *reader;
	struct baophu_answer answer;
	const struct baophu_event *event;
	struct baophu_event_question question = { .unit = "92", .depth = 1, .since.seq = after, .known_seq = viewer->to.seq };
	uint32_t count = 0;
	int more;
	cr_assert_eq(baophu_reader_open(server.query, &reader), 0);
	cr_assert_eq(baophu_reader_ask_events(reader, &question, &answer), 0, "%s", answer.text);
	cr_assert_eq(answer.cut.seq, viewer->to.seq);
	cr_assert_eq(memcmp(&answer.cut, &viewer->to, sizeof answer.cut), 0);
	while ((more = baophu_reader_next_event(reader, &event)) == 1) {
		if (!strcmp(event->unit, "92")) /* the subscription is of districts only */
			continue;
		cr_assert_lt(count, viewer->event_count, "%lu.%u is missing", (unsigned long)event->seq, event->index);
		cr_assert(viewer->events[count].seq == event->seq && viewer->events[count].index == event->index,
			  "%lu.%u, not %lu.%u", (unsigned long)viewer->events[count].seq, viewer->events[count].index,
			  (unsigned long)event->seq, event->index);
		count++;
	}
	cr_assert_eq(more, 0);
	cr_assert_eq(count, viewer->event_count, "%u shown, %u happened", viewer->event_count, count);
	cr_assert_geq(count, least, "%u", count);
	baophu_reader_close(reader);
}

/* A figure of Thới Lai for the next day; 0 to 100 of each plan's target. */
static uint64_t report(int64_t value)
{
	struct wire_entry entry = test_fact("927", "bhxh_tn", ++day, value);
	struct wire_receipt receipt = peer_update(office, &entry, 1);
	cr_assert_eq(receipt.verdict, BAOPHU_APPLIED, "%s", wire_code_name(receipt.code));
	return receipt.place.seq;
}

/* So many plans that both have a target in; each has the lines 0 %, 50 %, 100 %. */
static void set_plans(int count)
{
	static const char *const units[] = { "92", "927" };
	struct peer *control = peer_open(server.control);
	peer_hello(control, "control", 0);
	for (int i = 0; i < count; i++) {
		char code[8];
		snprintf(code, sizeof code, "kh%d", i);
		for (int j = 0; j < 2; j++) {
			const struct wire_entry plan = { .kind = WIRE_PLAN_SET,
							 .plan = { .code = code,
								   .unit = units[j],
								   .target = "bhxh_tn",
								   .issuer = "",
								   .document = "",
								   .kind = BAOPHU_PLAN_STOCK,
								   .from = baophu_date_from_civil(20240101),
								   .to = baophu_date_from_civil(20241231),
								   .value = 100,
								   .origin = BAOPHU_REPORTED } };
			cr_assert_eq(peer_update(control, &plan, 1).verdict, BAOPHU_APPLIED);
		}
	}
	peer_close(control);
}

static void begin(int plans)
{
	server_init(&server, SERVER_IPC);
	server_start(&server);
	server_set_up(&server);
	set_plans(plans);
	office = peer_open(server.ingest);
	peer_hello(office, "thoi-lai", 0);
	day = 20240101;
}
static void end(void)
{
	if (office)
		peer_close(office);
	server_finish(&server);
}

Test(event_cuts, show_each_crossing_once_as_it_happens, .fini = end, .timeout = 60)
{
	static struct viewer viewer;
	begin(1);
	uint64_t before = report(10); /* crosses 0 % before anybody looks */
	view(&viewer, NULL, 0);
	wait_for(&viewer, before);
	cr_assert_eq(viewer.event_count, 0);
	uint64_t began = viewer.to.seq;
	static const int64_t values[] = { 60, 61, 40, 100, 99, 10, 70, 120, 0 };
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		wait_for(&viewer, report(values[i]));
	expect_shown(&viewer, began, 5); /* of a line the first two a day */
	struct baophu_subscription_standing standing;
	baophu_subscription_standing(viewer.subscription, &standing);
	cr_assert_eq(standing.view, BAOPHU_VIEW_EXACT);
	cr_assert_eq(standing.repairs, 0, "nothing had to be asked for");
	end_view(&viewer);
}

Test(event_cuts, hold_a_proof_back_until_what_did_not_fit_is_there, .fini = end, .timeout = 60)
{
	static struct viewer viewer;
	begin(6);
	view(&viewer, NULL, 0);
	wait_for(&viewer, report(0));
	uint64_t began = viewer.to.seq;
	wait_for(&viewer, report(100)); /* eighteen of one unit in one record */
	cr_assert_eq(viewer.newest_cut_events, 18);
	expect_shown(&viewer, began, 18);
	struct baophu_subscription_standing standing;
	baophu_subscription_standing(viewer.subscription, &standing);
	cr_assert_eq(standing.repairs, 1);
	end_view(&viewer);
}

Test(event_cuts, go_on_after_an_end_and_a_restart_of_the_daemon, .fini = end, .timeout = 60)
{
	static struct viewer first, second;
	for (int knows_counts = 0; knows_counts <= 1; knows_counts++) {
		begin(2);
		view(&first, NULL, 0);
		wait_for(&first, report(10));
		wait_for(&first, report(11));
		end_view(&first);
		uint64_t ended = first.to.seq;
		for (uint32_t i = 0; !knows_counts && i < first.unit_count; i++)
			first.units[i].event_count = 0;
		report(55);
		report(100);
		peer_close(office);
		server_kill(&server);
		server_start(&server);
		office = peer_open(server.ingest);
		peer_hello(office, "thoi-lai", 0);
		report(20);
		view(&second, &first, 0);
		wait_for(&second, report(51));
		expect_shown(&second, ended, 8);
		cr_assert_eq(second.whole_cuts, 0);
		server_kill(&server);
		server_start(&server);
		peer_close(office);
		office = peer_open(server.ingest);
		peer_hello(office, "thoi-lai", 0);
		wait_for(&second, report(0));
		expect_shown(&second, ended, 10);
		cr_assert_eq(second.whole_cuts, 0);
		end_view(&second);
		if (!knows_counts)
			end();
	}
}

Test(event_cuts, a_slow_caller_gets_all_of_them_or_is_told_what_to_ask_for, .fini = end, .timeout = 60)
{
	static struct viewer viewer, small;
	begin(3);
	view(&viewer, NULL, 0);
	view(&small, NULL, 4);
	uint64_t seq = report(10);
	wait_for(&viewer, seq);
	wait_for(&small, seq);
	uint64_t began = viewer.to.seq;
	cr_assert_eq(small.to.seq, began);
	static const int64_t values[] = { 60, 100, 99 };
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		seq = report(values[i]);
	wait_for(&viewer, seq);
	expect_shown(&viewer, began, 9);
	cr_assert_eq(viewer.unlisted_until, 0);
	for (uint32_t cuts = small.cuts; small.to.seq < seq; cuts = small.cuts) { /* each lists its own, or says that it does not */
		uint64_t from = small.to.seq;
		small.event_count = 0;
		small.unlisted_until = 0;
		while (small.cuts == cuts)
			cr_assert_eq(baophu_subscription_step(small.subscription, 100), 0);
		expect_shown(&small, small.unlisted_until ? small.unlisted_until : from, 0);
		cr_assert(!small.unlisted_until || small.unlisted_after == from);
	}
	small.event_count = 0;
	uint64_t from = small.to.seq;
	wait_for(&small, report(0)); /* six at once, of which four may be kept */
	cr_assert_eq(small.event_count, 0);
	cr_assert_eq(small.unlisted_after, from);
	cr_assert_eq(small.unlisted_until, small.to.seq);
	end_view(&viewer);
	end_view(&small);
}

static void run(const char *format, const char *a, const char *b)
{
	char command[400];
	snprintf(command, sizeof command, format, a, b);
	cr_assert_eq(system(command), 0);
}

Test(event_cuts, of_a_history_that_is_no_more_are_not_shown_beside_those_of_another, .fini = end, .timeout = 60)
{
	static struct viewer viewer;
	char data[100], copy[100];
	begin(2);
	snprintf(data, sizeof data, "%s/data", server.directory);
	snprintf(copy, sizeof copy, "%s/copy", server.directory);
	report(10);
	peer_close(office);
	cr_assert_eq(server_stop(&server), 0);
	run("cp -a '%s' '%s'", data, copy);
	server_start(&server);
	office = peer_open(server.ingest);
	peer_hello(office, "thoi-lai", 0);
	view(&viewer, NULL, 0);
	wait_for(&viewer, report(20));
	wait_for(&viewer, report(60));
	cr_assert_eq(viewer.event_count, 2);
	cr_assert_eq(viewer.whole_cuts, 1);
	uint64_t shown = viewer.to.seq;
	peer_close(office);
	cr_assert_eq(server_stop(&server), 0);
	run("rm -rf '%s' && cp -a '%2$s' '%1$s'", data, copy);
	server_start(&server);
	office = peer_open(server.ingest);
	peer_hello(office, "thoi-lai", 0);
	viewer.event_count = 0;
	uint64_t seq = report(70); /* the same lines, other events */
	while (seq <= shown)
		seq = report(71);
	wait_for(&viewer, seq);
	cr_assert_eq(viewer.whole_cuts, 2);
	cr_assert_eq(viewer.event_count, 0);
	uint64_t began = viewer.to.seq;
	wait_for(&viewer, report(100));
	expect_shown(&viewer, began, 2);
	end_view(&viewer);
}
