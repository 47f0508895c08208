/* test_backup_pruning.c - the point of a verified backup: what an office forgets because a backup holds it, a centre that is put back to that
 * backup still has; and what came after it, the office still has.
 *
 * A real daemon, the real commands, an office's outbox; the wall clock of this process is moved by wrapping it, and only here.
 */
#include "outbox.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "outbox_fixture.h"
#include "reader.h"
#include "server.h"

enum { NOTE_BYTES = 1 << 20, OLD_BATCHES = 60, NEW_BATCHES = 20 };
static const int64_t day_s = 86400;

static int64_t ahead_s, monotonic_ahead_s;
int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	int result = __real_clock_gettime(clock, time);
	if (clock == CLOCK_REALTIME)
		time->tv_sec += ahead_s;
	if (clock == CLOCK_MONOTONIC)
		time->tv_sec += monotonic_ahead_s;
	return result;
}

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
TestSuite(backup_pruning, .init = set_up, .fini = tear_down);

static int run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int run(const char *format, ...)
{
	char command[1500];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(command, sizeof command, format, arguments);
	va_end(arguments);
	return system(command);
}

static struct outbox *open_office(void)
{
	char dir[300];
	snprintf(dir, sizeof dir, "%s/office", fixture.directory);
	return outbox_fixture_open(dir, "thoi-lai", server.ingest);
}

static int count_segments(void)
{
	char path[300];
	int count = 0;
	snprintf(path, sizeof path, "%s/office", fixture.directory);
	DIR *stream = opendir(path);
	cr_assert_not_null(stream);
	for (const struct dirent *found; (found = readdir(stream));)
		count += strstr(found->d_name, ".spool") != NULL;
	closedir(stream);
	return count;
}

static bool is_delivered(const struct outbox_standing *standing)
{
	return standing->is_connected && standing->answered_to == standing->next;
}
static bool is_put_back(const struct outbox_standing *standing) { return standing->put_back_ms != 0 && is_delivered(standing); }

static void work_until(struct outbox *outbox, bool (*is_so)(const struct outbox_standing *standing))
{
	const struct outbox_standing *standing = outbox_standing(outbox);
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS; !is_so(standing);) {
		int error = outbox_wait(outbox, 1000);
		cr_assert(!error || error == -EINTR, "outbox_wait: %d %s", error, baophu_strerror(error));
		cr_assert(link_now_ms() < until, "answered to %llu of %llu, hindrance %d, code %s",
			  (unsigned long long)standing->answered_to, (unsigned long long)standing->next, standing->hindrance,
			  wire_code_name(standing->code));
	}
}

/* A figure of each day, with a note as large as may be, so that segments fill. */
static void save_days(struct outbox *outbox, uint32_t first, uint32_t count)
{
	static char note[NOTE_BYTES];
	for (uint32_t day = first; day < first + count; day++) {
		struct wire_entry entry = outbox_fixture_fact("927", day, 1000 + day);
		const struct outbox_source source = { .name = "báo cáo.csv", .note = note, .note_bytes = sizeof note };
		uint64_t batch;
		cr_assert_eq(outbox_save(outbox, &entry, 1, &source, &batch, NULL), 0);
	}
}

/* Every day's figure is the centre's, decided once. */
static void must_have(uint32_t days)
{
	struct reader *reader = NULL;
	struct wire_answer answer;
	struct wire_query query = { .kind = WIRE_QUERY_STATUS,
				    .unit = "",
				    .as_of = BAOPHU_DATE_NONE,
				    .tree_date = BAOPHU_DATE_NONE,
				    .since = BAOPHU_DATE_NONE,
				    .from = BAOPHU_DATE_NONE,
				    .to = BAOPHU_DATE_NONE,
				    .plan = "",
				    .limit = 500 };
	int decided[OLD_BATCHES + NEW_BATCHES + 1] = { 0 };
	cr_assert_eq(reader_open(NULL, server.query, &reader), 0);
	cr_assert_eq(reader_query(reader, &query, SERVER_WAIT_MS, &answer), 0);
	query.min_seq = answer.cut.seq;
	query.kind = WIRE_QUERY_HISTORY;
	query.unit = "927";
	cr_assert_eq(reader_query(reader, &query, SERVER_WAIT_MS, &answer), 0);
	cr_assert(answer.code == BAOPHU_CODE_NONE && !answer.next_page_bytes);
	for (uint32_t i = 0; i < answer.fact_count; i++) {
		uint32_t day = (uint32_t)(answer.facts[i].to - baophu_date_from_civil(20100101));
		cr_assert(day < days, "day %u", day);
		cr_assert(answer.facts[i].stands && answer.facts[i].value == 1000 + day);
		decided[day]++;
	}
	reader_close(reader);
	for (uint32_t day = 0; day < days; day++)
		cr_assert_eq(decided[day], 1, "day %u was decided %d times", day, decided[day]);
}

/* What a timer does once a day: the copy, its proof, and telling the centre. */
static int back_up(void)
{
	return run("set -e; mkdir -p '%s/backups'; " BINARY_DIR
		   "/daemon/baophud backup --data '%s/data' --to '%s/backups' -o json | "
		   "BAOPHU_LANG=en " BINARY_DIR "/client/baophu server backup-verified - --control '%s' >/dev/null",
		   fixture.directory, server.directory, fixture.directory, server.control);
}

static void put_back(void)
{
	server_kill(&server);
	cr_assert_eq(
	    run("rm -rf '%s/data' && cp -r '%s'/backups/baophu-* '%s/data'", server.directory, fixture.directory, server.directory),
	    0);
	server_start(&server);
}

Test(backup_pruning, what_an_office_forgot_is_in_the_backup_and_what_came_later_in_the_office, .timeout = 120)
{
	struct outbox *outbox = open_office();
	save_days(outbox, 0, OLD_BATCHES);
	work_until(outbox, is_delivered);
	cr_assert_eq(back_up(), 0);
	uint64_t held_to = outbox_standing(outbox)->last.seq;
	save_days(outbox, OLD_BATCHES, NEW_BATCHES);
	work_until(outbox, is_delivered);
	outbox_close(outbox);

	/* The centre names the backup, but nothing is a week old. */
	int full = count_segments();
	cr_assert(full >= 5, "%d", full);
	outbox = open_office();
	work_until(outbox, is_delivered);
	cr_assert(outbox_standing(outbox)->has_backup);
	cr_assert(outbox_standing(outbox)->backup.seq >= held_to);
	outbox_close(outbox);
	cr_assert_eq(count_segments(), full);

	/* Eight days later what the backup holds is forgotten, and no more than that. */
	ahead_s = 8 * day_s;
	outbox = open_office();
	work_until(outbox, is_delivered);
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS; count_segments() >= full - 2 && link_now_ms() < until;)
		cr_assert_eq(outbox_wait(outbox, 50), 0);
	int left = count_segments();
	cr_assert(left < full - 2 && left >= 2, "%d of %d", left, full);
	must_have(OLD_BATCHES + NEW_BATCHES);

	put_back();
	work_until(outbox, is_put_back);
	cr_assert_not(outbox_standing(outbox)->has_backup, "the log of the copy names no backup: it was told of it later");
	must_have(OLD_BATCHES + NEW_BATCHES);
	save_days(outbox, OLD_BATCHES + NEW_BATCHES, 1);
	work_until(outbox, is_delivered);
	must_have(OLD_BATCHES + NEW_BATCHES + 1);
	outbox_close(outbox);
	cr_assert(count_segments() >= left, "nothing more is forgotten while no backup is named");
}

Test(backup_pruning, an_office_that_stays_connected_hears_of_a_backup_too, .timeout = 120)
{
	struct outbox *outbox = open_office();
	save_days(outbox, 0, OLD_BATCHES);
	work_until(outbox, is_delivered);
	cr_assert_eq(back_up(), 0);
	int full = count_segments();
	cr_assert(outbox_standing(outbox)->is_connected && !outbox_standing(outbox)->has_backup);
	ahead_s = 8 * day_s;
	monotonic_ahead_s = day_s;
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS; count_segments() >= full - 1 && link_now_ms() < until;)
		cr_assert_eq(outbox_wait(outbox, 50), 0);
	cr_assert_lt(count_segments(), full - 1);
	cr_assert(outbox_standing(outbox)->has_backup);
	save_days(outbox, OLD_BATCHES, 1);
	work_until(outbox, is_delivered);
	must_have(OLD_BATCHES + 1);
	outbox_close(outbox);
}

Test(backup_pruning, nothing_is_forgotten_for_a_copy_that_the_centre_was_not_told_of, .timeout = 120)
{
	struct outbox *outbox = open_office();
	save_days(outbox, 0, OLD_BATCHES);
	work_until(outbox, is_delivered);
	cr_assert_eq(run("mkdir '%s/backups' && " BINARY_DIR "/daemon/baophud backup --data '%s/data' --to '%s/backups' >/dev/null",
			 fixture.directory, server.directory, fixture.directory),
		     0);
	outbox_close(outbox);
	int full = count_segments();
	ahead_s = 8 * day_s;
	outbox = open_office();
	work_until(outbox, is_delivered);
	cr_assert_not(outbox_standing(outbox)->has_backup);
	outbox_close(outbox);
	cr_assert_eq(count_segments(), full);
	/* Nor when the copy could not be made: then the pipe ends in nothing. */
	cr_assert_eq(run("touch '%s/backups/notes.txt'", fixture.directory), 0);
	cr_assert_neq(back_up(), 0);
	outbox = open_office();
	work_until(outbox, is_delivered);
	cr_assert_not(outbox_standing(outbox)->has_backup);
	outbox_close(outbox);
}
