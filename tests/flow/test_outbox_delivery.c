/* test_outbox_delivery.c - an outbox and a real centre: everything that was saved is in the centre's figures exactly once, whatever happens
 * to either of them in between.
 *
 * Waits for the outbox's own word, with a deadline that fails the test; what the centre holds is asked of the centre.
 */
#include "outbox.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <criterion/criterion.h>

#include "outbox_fixture.h"
#include "reader.h"
#include "server.h"

static struct server server;
static struct fixture fixture;
static void set_up(void)
{
	server_init(&server, SERVER_IPC);
	server_start(&server);
	server_set_up(&server);
	fixture_init(&fixture);
}
static void tear_down(void)
{
	char command[320];
	server_finish(&server);
	snprintf(command, sizeof command, "rm -rf '%s'", fixture.directory);
	cr_assert_eq(system(command), 0);
}
TestSuite(outbox_delivery, .init = set_up, .fini = tear_down);

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
	char command[1000];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(command, sizeof command, format, arguments);
	va_end(arguments);
	cr_assert_eq(system(command), 0, "%s", command);
}

static struct outbox *open_office(const char *name)
{
	char dir[300];
	snprintf(dir, sizeof dir, "%s/%s", fixture.directory, name);
	return outbox_fixture_open(dir, "thoi-lai", server.ingest);
}

static void copy_spool(const char *from, const char *to)
{
	run("rm -rf '%s/%s' && cp -r '%s/%s' '%s/%s'", fixture.directory, to, fixture.directory, from, fixture.directory, to);
}

/* Works until `is_so`, and fails the test when it never is. */
static void work_until(struct outbox *outbox, bool (*is_so)(const struct outbox_standing *standing), const char *what)
{
	const struct outbox_standing *standing = outbox_standing(outbox);
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS; !is_so(standing);) {
		int error = outbox_wait(outbox, 1000);
		cr_assert(!error || error == -EINTR, "outbox_wait: %d %s", error, baophu_strerror(error));
		cr_assert(link_now_ms() < until, "not %s: answered to %llu of %llu, hindrance %d, code %s, connected %d", what,
			  (unsigned long long)standing->answered_to, (unsigned long long)standing->next, standing->hindrance,
			  wire_code_name(standing->code), standing->is_connected);
	}
}
static bool is_delivered(const struct outbox_standing *standing) { return standing->answered_to == standing->next; }
static bool is_forked(const struct outbox_standing *standing) { return standing->hindrance == OUTBOX_FORK; }
static bool is_older(const struct outbox_standing *standing) { return standing->hindrance == OUTBOX_SPOOL_OLDER; }
static bool is_turned_away(const struct outbox_standing *standing) { return standing->hindrance == OUTBOX_TURNED_AWAY; }
static bool is_put_back(const struct outbox_standing *standing) { return standing->put_back_ms != 0; }
static bool is_put_off(const struct outbox_standing *standing) { return standing->hindrance == OUTBOX_NOT_NOW; }
static void deliver(struct outbox *outbox) { work_until(outbox, is_delivered, "delivered"); }

/* Receipts that were heard are saved on the way: `serial` says which update it must be that is taken back. */
static void give_up(struct outbox *outbox, uint64_t serial)
{
	int error;
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS; (error = outbox_give_up(outbox)) != 0;) {
		cr_assert(error == -EBUSY || error == -BAOPHU_ENOTFOUND, "%d", error);
		cr_assert_eq(outbox_wait(outbox, 50), 0);
		cr_assert(link_now_ms() < until);
	}
	cr_assert_eq(outbox_standing(outbox)->answered_to, serial + 1);
}

/* What the centre says of the facts of a unit: how often each day's figure was decided, and what stands. */
enum { DAYS = 4000 };
static struct {
	int decided[DAYS];
	int64_t value[DAYS];
	int stand;
} held;

static void ask(const char *unit)
{
	struct reader *reader = NULL;
	baophu_date first = baophu_date_from_civil(20100101);
	memset(&held, 0, sizeof held);
	cr_assert_eq(reader_open(NULL, server.query, &reader), 0);
	struct wire_query query = { .kind = WIRE_QUERY_HISTORY,
				    .unit = unit,
				    .as_of = BAOPHU_DATE_NONE,
				    .tree_date = BAOPHU_DATE_NONE,
				    .since = BAOPHU_DATE_NONE,
				    .from = BAOPHU_DATE_NONE,
				    .to = BAOPHU_DATE_NONE,
				    .plan = "",
				    .limit = 500 };
	/* history follows the log: ask for what is durable now */
	struct wire_query status = query;
	struct wire_answer answer;
	status.kind = WIRE_QUERY_STATUS;
	status.unit = "";
	cr_assert_eq(reader_query(reader, &status, SERVER_WAIT_MS, &answer), 0);
	query.min_seq = answer.cut.seq;
	do {
		int error = reader_query(reader, &query, SERVER_WAIT_MS, &answer);
		cr_assert_eq(error, 0, "%d", error);
		cr_assert_eq(answer.code, BAOPHU_CODE_NONE, "%s %s", wire_code_name(answer.code), answer.text);
		for (uint32_t i = 0; i < answer.fact_count; i++) {
			const struct wire_fact_version *fact = &answer.facts[i];
			baophu_date day = fact->to - first;
			cr_assert(day >= 0 && day < DAYS);
			held.decided[day]++;
			if (fact->stands) {
				held.value[day] = fact->value;
				held.stand++;
			}
		}
		query.page_bytes = answer.next_page_bytes;
		memcpy(query.page, answer.next_page, answer.next_page_bytes);
	} while (query.page_bytes);
	reader_close(reader);
}

/* Days `first` to `last` each have `value` and the day's number, and were decided once. */
static void must_have(const char *unit, int first, int last, int64_t value)
{
	ask(unit);
	for (int day = first; day <= last; day++) {
		cr_assert_eq(held.decided[day], 1, "day %d was decided %d times", day, held.decided[day]);
		cr_assert_eq(held.value[day], value + day, "day %d is %lld", day, (long long)held.value[day]);
	}
}

static void save_days(struct outbox *outbox, uint32_t first, uint32_t last, int64_t value)
{
	for (uint32_t day = first; day <= last; day++)
		outbox_fixture_save(outbox, "927", day, 1, value + day);
}

/* ---- the ordinary ---- */

Test(outbox_delivery, reports_of_before_it_was_ever_connected)
{
	server_kill(&server);
	struct outbox *outbox = open_office("office");
	save_days(outbox, 0, 29, 100);
	uint64_t big = outbox_fixture_save(outbox, "927", 30, 1300, 130);
	cr_assert_eq(outbox_work(outbox), 0);
	cr_assert_eq(outbox_standing(outbox)->hindrance, OUTBOX_NO_LINK);
	outbox_close(outbox);
	outbox = open_office("office");
	cr_assert_eq(outbox_standing(outbox)->answered_to, 1);
	server_start(&server);
	deliver(outbox);
	struct outbox_standing standing = *outbox_standing(outbox);
	cr_assert_eq(standing.hindrance, OUTBOX_FREE);
	cr_assert(standing.has_last && standing.has_store && standing.is_connected);
	cr_assert(standing.last_ms > 0);
	cr_assert_eq(standing.held + standing.refused, 0);
	must_have("927", 0, 1329, 100);

	/* each batch is told of once, in order, with the place of its last receipt */
	uint64_t batch, seq = 0;
	for (uint64_t id = 1; id <= 31; id++) {
		struct outbox_batch found;
		cr_assert_eq(outbox_next_answered(outbox, &batch), 1);
		cr_assert_eq(batch, id);
		cr_assert_eq(outbox_batch(outbox, batch, &found), 0);
		cr_assert_eq(found.applied, found.updates);
		cr_assert_eq(found.updates, id == big ? 3 : 1);
		cr_assert(found.receipt_seq > seq);
		seq = found.receipt_seq;
	}
	cr_assert_eq(seq, standing.last.seq);
	cr_assert_eq(outbox_next_answered(outbox, &batch), 0);
	outbox_fixture_batches(outbox);
	struct wire_receipt receipt;
	const char *suggestion;
	cr_assert_eq(outbox_receipt(outbox, 5, &receipt, &suggestion), 0);
	cr_assert_eq(receipt.number, 5);
	cr_assert_eq(receipt.verdict, BAOPHU_APPLIED);
	cr_assert_str_eq(suggestion, "");
	outbox_close(outbox);
	outbox = open_office("office");
	cr_assert_eq(outbox_standing(outbox)->answered_to, outbox_standing(outbox)->next, "receipts are remembered");
	cr_assert_eq(outbox_standing(outbox)->last.seq, standing.last.seq);
	cr_assert_eq(outbox_next_answered(outbox, &batch), 0, "and told of once");
	outbox_close(outbox);
}

/* Saved within one loop, and confirmed by itself as soon as the centre is there. */
Test(outbox_delivery, goes_on_by_itself_when_the_centre_comes_and_goes)
{
	struct outbox *outbox = open_office("office");
	for (uint32_t round = 0; round < 4; round++) {
		save_days(outbox, round * 50, round * 50 + 24, 7);
		deliver(outbox);
		server_kill(&server);
		save_days(outbox, round * 50 + 25, round * 50 + 49, 7);
		cr_assert_eq(outbox_wait(outbox, 10), 0);
		server_start(&server);
		deliver(outbox);
	}
	must_have("927", 0, 199, 7);
	outbox_close(outbox);
}

Test(outbox_delivery, says_what_is_held_and_what_is_refused)
{
	struct outbox *outbox = open_office("office");
	outbox_fixture_save(outbox, "927", 0, 1, 1);
	uint64_t held_batch = outbox_fixture_save(outbox, "20101", 0, 1, 1); /* no such unit */
	uint64_t refused_batch = outbox_fixture_save(outbox, "916", 0, 1, 1); /* of another office */
	outbox_fixture_save(outbox, "927", 1, 1, 1);
	deliver(outbox);
	for (int again = 0; again < 2; again++) {
		struct outbox_exception exception;
		struct outbox_batch batch;
		cr_assert_eq(outbox_standing(outbox)->held, 1);
		cr_assert_eq(outbox_standing(outbox)->refused, 1);
		cr_assert_eq(outbox_exception(outbox, 0, &exception), 0);
		cr_assert_eq(exception.serial, held_batch);
		cr_assert_eq(exception.state, OUTBOX_HELD);
		cr_assert_eq(exception.code, BAOPHU_CODE_UNIT_UNKNOWN);
		cr_assert_eq(exception.entry, 0);
		cr_assert_eq(outbox_exception(outbox, 1, &exception), 0);
		cr_assert_eq(exception.serial, refused_batch);
		cr_assert_eq(exception.state, OUTBOX_REFUSED);
		cr_assert_eq(exception.code, BAOPHU_CODE_NOT_OWNER);
		cr_assert_eq(outbox_exception(outbox, 2, &exception), -BAOPHU_ENOTFOUND);
		cr_assert_eq(outbox_batch(outbox, held_batch, &batch), 0);
		cr_assert_eq(batch.held, 1);
		cr_assert_eq(outbox_batch(outbox, refused_batch, &batch), 0);
		cr_assert_eq(batch.refused, 1);
		outbox_fixture_batches(outbox);
		outbox_close(outbox);
		outbox = open_office("office");
	}
	/* an administrator decided, and somebody learned of it */
	cr_assert_eq(outbox_settle_held(outbox, refused_batch, true, 99), -BAOPHU_ENOTFOUND);
	cr_assert_eq(outbox_settle_held(outbox, held_batch, true, 99), 0);
	cr_assert_eq(outbox_standing(outbox)->held, 0);
	outbox_close(outbox);
	outbox = open_office("office");
	struct outbox_batch batch;
	cr_assert_eq(outbox_standing(outbox)->held, 0);
	cr_assert_eq(outbox_batch(outbox, held_batch, &batch), 0);
	cr_assert_eq(batch.applied, 1);
	outbox_close(outbox);
}

Test(outbox_delivery, waits_while_it_is_not_enrolled)
{
	char dir[300];
	snprintf(dir, sizeof dir, "%s/new", fixture.directory);
	struct outbox *outbox = outbox_fixture_open(dir, "phong-dien", server.ingest);
	outbox_fixture_save(outbox, "927", 0, 1, 100);
	work_until(outbox, is_turned_away, "turned away");
	cr_assert_eq(outbox_standing(outbox)->code, BAOPHU_CODE_AGENT_UNKNOWN);
	baophu_date old = baophu_date_from_civil(20040101);
	const struct wire_entry entries[] = {
		{ .kind = WIRE_AGENT_SET, .agent = { "phong-dien", old, BAOPHU_DATE_NONE } },
		{ .kind = WIRE_UNIT_CREATE, .unit_create = { "926", "Phong Điền", "district", "92", old } },
		{ .kind = WIRE_GRANT, .grant = { .agent = "phong-dien", .unit = "926", .from = old, .until = BAOPHU_DATE_NONE } },
	};
	struct peer *control = peer_open(server.control);
	peer_hello(control, "control", 0);
	cr_assert_eq(peer_update(control, entries, 3).verdict, BAOPHU_APPLIED);
	peer_close(control);
	outbox_fixture_save(outbox, "926", 1, 1, 100);
	deliver(outbox);
	cr_assert_eq(outbox_standing(outbox)->refused, 1, "927 is not its own");
	must_have("926", 1, 1, 99);
	outbox_close(outbox);
}

Test(outbox_delivery, waits_with_what_is_not_taken_now)
{
	struct outbox *outbox = open_office("office");
	struct wire_entry entry = outbox_fixture_fact("927", 0, 5);
	uint64_t batch;
	entry.fact.from = entry.fact.to = BAOPHU_DATE_MAX;
	cr_assert_eq(outbox_save(outbox, &entry, 1, NULL, &batch, NULL), 0);
	work_until(outbox, is_put_off, "put off");
	cr_assert_eq(outbox_standing(outbox)->code, BAOPHU_CODE_CLOCK);
	cr_assert_eq(outbox_standing(outbox)->answered_to, 1);

	/* what is behind it waits too, until somebody takes it back */
	save_days(outbox, 0, 9, 100);
	give_up(outbox, 1);
	deliver(outbox);
	must_have("927", 0, 9, 100);
	outbox_fixture_save(outbox, "927", 10, 1, 110);
	cr_assert_eq(outbox_save(outbox, &entry, 1, NULL, &batch, NULL), 0);
	cr_assert_eq(outbox_save(outbox, &entry, 1, NULL, &batch, NULL), 0);
	give_up(outbox, 13);
	give_up(outbox, 14);
	save_days(outbox, 11, 19, 100);
	deliver(outbox);
	must_have("927", 0, 19, 100);
	for (int again = 0; again < 2; again++) {
		struct outbox_exception exception;
		struct outbox_batch found;
		uint64_t receipt_seq = 1;
		cr_assert_eq(outbox_standing(outbox)->refused, 3);
		cr_assert_eq(outbox_exception(outbox, 2, &exception), 0);
		cr_assert_eq(exception.serial, 14);
		cr_assert_eq(exception.code, BAOPHU_CODE_CLOCK);
		cr_assert_eq(exception.receipt_seq, 0);
		cr_assert_eq(outbox_batch(outbox, 14, &found), 0);
		cr_assert(found.refused == 1 && found.applied == 0 && found.receipt_seq == 0);
		for (uint64_t id = 1; again == 0 && id < outbox_standing(outbox)->next; id++, receipt_seq++) {
			cr_assert_eq(outbox_next_answered(outbox, &batch), 1);
			cr_assert_eq(batch, id);
		}
		outbox_close(outbox);
		outbox = open_office("office");
	}

	/* and it stays taken back when everything is sent again, also in another series */
	for (int series = 0; series < 2; series++) {
		server_kill(&server);
		run("rm -rf '%s/data'", server.directory);
		server_start(&server);
		server_set_up(&server);
		save_days(outbox, 20 + (uint32_t)series, 20 + (uint32_t)series, 100);
		deliver(outbox);
		must_have("927", 0, 20 + series, 100);
		cr_assert_eq(outbox_standing(outbox)->refused, 3);
		if (!series)
			cr_assert_eq(outbox_new_series(outbox), 0);
	}
	outbox_close(outbox);
}

/* ---- the centre is put back ---- */

Test(outbox_delivery, a_centre_put_back_gets_again_what_it_lost)
{
	struct outbox *outbox = open_office("office");
	save_days(outbox, 0, 49, 100);
	deliver(outbox);
	uint64_t batch;
	while (outbox_next_answered(outbox, &batch) == 1)
		;
	cr_assert_eq(server_stop(&server), 0);
	run("cp -r '%s/data' '%s/yesterday'", server.directory, server.directory);
	server_start(&server);
	save_days(outbox, 50, 119, 100);
	deliver(outbox);
	outbox_fixture_save(outbox, "2101", 5, 1, 1);
	deliver(outbox);
	cr_assert_eq(outbox_standing(outbox)->held, 1);
	while (outbox_next_answered(outbox, &batch) == 1)
		;
	server_kill(&server);
	run("rm -rf '%s/data' && mv '%s/yesterday' '%s/data'", server.directory, server.directory, server.directory);
	server_start(&server);
	save_days(outbox, 120, 129, 100);
	deliver(outbox);
	struct outbox_standing standing = *outbox_standing(outbox);
	cr_assert_eq(standing.put_back_from, 51);
	cr_assert(standing.put_back_ms > 0);
	cr_assert_eq(standing.held, 1, "asked for again too");
	must_have("927", 0, 129, 100);
	cr_assert_eq(outbox_next_answered(outbox, &batch), 1);
	cr_assert_eq(batch, 51, "told of again");
	struct wire_receipt receipt;
	const char *suggestion;
	cr_assert_eq(outbox_receipt(outbox, 51, &receipt, &suggestion), 0);
	uint64_t seq = receipt.place.seq;
	cr_assert_eq(outbox_receipt(outbox, 52, &receipt, &suggestion), 0);
	cr_assert_eq(receipt.place.seq, seq + 1, "the new ones");
	outbox_close(outbox);
	outbox = open_office("office");
	cr_assert_eq(outbox_standing(outbox)->answered_to, outbox_standing(outbox)->next);
	save_days(outbox, 130, 139, 100);
	deliver(outbox);
	cr_assert_eq(outbox_standing(outbox)->put_back_ms, standing.put_back_ms, "once is enough");
	must_have("927", 0, 139, 100);
	outbox_close(outbox);
}

/* Everything begun anew: another store, in which the office is enrolled again. */
Test(outbox_delivery, a_centre_begun_anew_gets_everything)
{
	struct outbox *outbox = open_office("office");
	save_days(outbox, 0, 49, 100);
	deliver(outbox);
	uint8_t store[BAOPHU_STORE_BYTES];
	memcpy(store, outbox_standing(outbox)->store, sizeof store);
	server_kill(&server);
	run("rm -rf '%s/data'", server.directory);
	server_start(&server);
	server_set_up(&server);
	save_days(outbox, 50, 59, 100);
	deliver(outbox);
	cr_assert(memcmp(store, outbox_standing(outbox)->store, sizeof store) != 0);
	cr_assert_eq(outbox_standing(outbox)->put_back_from, 1);
	must_have("927", 0, 59, 100);
	outbox_close(outbox);
}

/* ---- the spool is copied or put back ---- */

Test(outbox_delivery, two_copies_of_a_spool_are_told_of_the_fork)
{
	struct outbox *outbox = open_office("office"), *copy;
	save_days(outbox, 0, 9, 100);
	deliver(outbox);
	outbox_close(outbox);
	copy_spool("office", "copy");
	outbox = open_office("office");
	save_days(outbox, 10, 19, 100);
	deliver(outbox);
	copy = open_office("copy");
	outbox_fixture_save(copy, "927", 500, 1, 600); /* number 11, which is taken */
	save_days(copy, 501, 503, 100);
	work_until(copy, is_forked, "forked");
	cr_assert_eq(outbox_standing(copy)->answered_to, 11);
	/* the epoch is frozen for both */
	save_days(outbox, 20, 29, 100);
	work_until(outbox, is_forked, "forked");
	cr_assert(outbox_standing(outbox)->code == BAOPHU_CODE_FROZEN || outbox_standing(outbox)->code == BAOPHU_CODE_FORK);
	/* each goes on in a series of its own, with what waits */
	cr_assert_eq(outbox_new_series(copy), 0);
	cr_assert_eq(outbox_standing(copy)->series, 2);
	save_days(copy, 504, 509, 100);
	deliver(copy);
	cr_assert_eq(outbox_new_series(outbox), 0);
	deliver(outbox);
	must_have("927", 0, 29, 100);
	must_have("927", 500, 509, 100);
	outbox_close(copy);
	copy = open_office("copy");
	save_days(copy, 510, 511, 100);
	deliver(copy);
	must_have("927", 500, 511, 100);

	outbox_close(copy);

	/* a centre put back gets what it lost of the second series; the first is frozen there, so it has all of it */
	cr_assert_eq(server_stop(&server), 0);
	run("cp -r '%s/data' '%s/yesterday'", server.directory, server.directory);
	server_start(&server);
	save_days(outbox, 30, 39, 100);
	deliver(outbox);
	cr_assert_eq(outbox_standing(outbox)->put_back_ms, 0);
	server_kill(&server);
	run("rm -rf '%s/data' && mv '%s/yesterday' '%s/data'", server.directory, server.directory, server.directory);
	server_start(&server);
	work_until(outbox, is_put_back, "put back");
	deliver(outbox);
	must_have("927", 0, 39, 100);
	outbox_close(outbox);

	/* one begun anew gets both series */
	server_kill(&server);
	run("rm -rf '%s/data'", server.directory);
	server_start(&server);
	server_set_up(&server);
	outbox = open_office("office");
	save_days(outbox, 40, 49, 100);
	deliver(outbox);
	must_have("927", 0, 49, 100);
	outbox_close(outbox);
}

Test(outbox_delivery, an_older_copy_of_the_spool_stops_and_says_so)
{
	struct outbox *outbox = open_office("office");
	save_days(outbox, 0, 9, 100);
	deliver(outbox);
	outbox_close(outbox);
	copy_spool("office", "older");
	outbox = open_office("office");
	save_days(outbox, 10, 19, 100);
	deliver(outbox);
	outbox_close(outbox);
	outbox = open_office("older");
	work_until(outbox, is_older, "older");
	cr_assert_eq(outbox_standing(outbox)->next, 11);
	save_days(outbox, 600, 604, 100);
	for (int i = 0; i < 20; i++)
		cr_assert_eq(outbox_wait(outbox, 5), 0);
	cr_assert_eq(outbox_standing(outbox)->answered_to, 11, "nothing is sent under numbers that are used");
	outbox_close(outbox);
	outbox = open_office("older");
	work_until(outbox, is_older, "older");
	cr_assert_eq(outbox_standing(outbox)->answered_to, 11);
	cr_assert_eq(outbox_new_series(outbox), 0);
	deliver(outbox);
	cr_assert_eq(outbox_standing(outbox)->hindrance, OUTBOX_FREE);
	must_have("927", 0, 19, 100);
	must_have("927", 600, 604, 100);
	outbox_close(outbox);
}

/* What the copy had not yet got receipts for is asked for, not sent again as something new. */
Test(outbox_delivery, an_older_copy_with_reports_under_way_gets_their_receipts)
{
	struct outbox *outbox = open_office("office");
	save_days(outbox, 0, 9, 100);
	deliver(outbox);
	save_days(outbox, 10, 14, 100);
	outbox_close(outbox);
	copy_spool("office", "older");
	outbox = open_office("office");
	save_days(outbox, 15, 19, 100);
	deliver(outbox);
	outbox_close(outbox);
	outbox = open_office("older");
	work_until(outbox, is_older, "older");
	work_until(outbox, is_delivered, "answered");
	cr_assert_eq(outbox_new_series(outbox), 0);
	save_days(outbox, 20, 29, 100);
	deliver(outbox);
	must_have("927", 0, 29, 100);
	outbox_close(outbox);
}

/* ---- imports that take effect at once ---- */

static struct outbox *open_journal(void)
{
	char dir[300];
	snprintf(dir, sizeof dir, "%s/journal", fixture.directory);
	return outbox_fixture_open(dir, "control", server.control);
}

static void save_units(struct outbox *journal, uint32_t count, const char *prefix)
{
	struct wire_entry *entries = calloc(count, sizeof *entries);
	char(*codes)[16] = calloc(count, sizeof *codes);
	uint64_t batch;
	for (uint32_t i = 0; i < count; i++) {
		snprintf(codes[i], sizeof codes[i], "%s%u", prefix, i);
		entries[i] = (struct wire_entry){
			.kind = WIRE_UNIT_CREATE,
			.unit_create = { codes[i], "Ấp", "point", "927", baophu_date_from_civil(20040101) },
		};
	}
	cr_assert_eq(outbox_save_whole(journal, entries, count, NULL, &batch, NULL), 0);
	free(entries);
	free(codes);
}

static uint32_t count_units(void)
{
	struct reader *reader = NULL;
	struct wire_answer answer;
	struct wire_query status = { .kind = WIRE_QUERY_STATUS,
				     .unit = "",
				     .plan = "",
				     .as_of = BAOPHU_DATE_NONE,
				     .tree_date = BAOPHU_DATE_NONE,
				     .since = BAOPHU_DATE_NONE,
				     .from = BAOPHU_DATE_NONE,
				     .to = BAOPHU_DATE_NONE };
	cr_assert_eq(reader_open(NULL, server.query, &reader), 0);
	cr_assert_eq(reader_query(reader, &status, SERVER_WAIT_MS, &answer), 0);
	uint32_t units = answer.status->units;
	reader_close(reader);
	return units;
}

Test(outbox_delivery, stages_what_must_take_effect_at_once)
{
	struct outbox *journal = open_journal();
	uint32_t before = count_units();
	save_units(journal, 3000, "a");
	save_units(journal, 3, "b");
	deliver(journal);
	cr_assert_eq(outbox_standing(journal)->refused, 0);
	cr_assert_eq(count_units(), before + 3003);

	/* under way while the centre dies: the parts go with it and are staged again before they are applied */
	for (int round = 0; round < 6; round++) {
		char prefix[4] = { (char)('c' + round), 0 };
		save_units(journal, 3000, prefix);
		for (int i = 0; i < 2 * round; i++)
			cr_assert_eq(outbox_wait(journal, 5), 0);
		server_kill(&server);
		server_start(&server);
		deliver(journal);
		cr_assert_eq(outbox_standing(journal)->refused, 0, "round %d", round);
		cr_assert_eq(count_units(), before + 3003 + 3000 * (uint32_t)(round + 1));
	}

	/* a centre without any of it gets all of it, also under another epoch */
	server_kill(&server);
	run("rm -rf '%s/data'", server.directory);
	server_start(&server);
	server_set_up(&server);
	save_units(journal, 2000, "x");
	cr_assert_eq(outbox_new_series(journal), 0);
	deliver(journal);
	cr_assert_eq(outbox_standing(journal)->refused, 0);
	cr_assert_eq(count_units(), before + 3003 + 18000 + 2000);
	outbox_close(journal);
}

/* ---- kill -9 of both ---- */

/* A child saves and says over a pipe what it was told is saved, until it is killed; the centre is killed too. In the end all that was said
 * is there, once. */
Test(outbox_delivery, nothing_that_was_said_to_be_saved_is_lost_or_doubled_when_both_are_killed, .timeout = 120)
{
	enum { ROUNDS = 25 };
	static int64_t said[DAYS];
	uint32_t day = 0, some = 0;
	for (int round = 0; round < ROUNDS; round++) {
		int pipes[2];
		cr_assert_eq(pipe(pipes), 0);
		pid_t child = fork();
		if (child == 0) {
			struct outbox *outbox = open_office("office");
			for (uint32_t i = day; i < DAYS; i++) {
				outbox_fixture_save(outbox, "927", i, 1, round * 10000);
				if (write(pipes[1], &i, sizeof i) != sizeof i)
					_exit(1);
				for (uint32_t turn = 0; turn < i % 3; turn++)
					outbox_wait(outbox, 1);
			}
			_exit(0);
		}
		close(pipes[1]);
		uint32_t saved, last = day;
		uint32_t wanted = 1 + (uint32_t)(round * 7) % 40;
		for (uint32_t i = 0; i < wanted && read(pipes[0], &saved, sizeof saved) == sizeof saved; i++) {
			said[saved] = round * 10000;
			last = saved + 1;
			some++;
		}
		if (round % 2)
			server_kill(&server);
		kill(child, SIGKILL);
		while (read(pipes[0], &saved, sizeof saved) == sizeof saved) {
			said[saved] = round * 10000;
			last = saved + 1;
			some++;
		}
		close(pipes[0]);
		cr_assert_eq(waitpid(child, NULL, 0), child);
		if (round % 2)
			server_start(&server);
		day = last + 1; /* one more may be saved and not said */
		said[last] = -1;
	}
	struct outbox *outbox = open_office("office");
	deliver(outbox);
	outbox_close(outbox);
	ask("927");
	for (uint32_t i = 0; i < day; i++) {
		cr_assert(held.decided[i] == 1 || (said[i] == -1 && held.decided[i] == 0), "day %u was decided %d times", i,
			  held.decided[i]);
		cr_assert(said[i] == -1 || held.value[i] == said[i], "day %u", i);
	}
	cr_assert(some > 100);
}
