/* test_follower.c - history behind the log: it catches up, belongs to one log, outlives a full disk, and finds damage.
 *
 * mdb_txn_commit is wrapped at link time, so that commits of the follower's thread can fail.
 */
#include "follower.h"

#include <errno.h>
#include <lmdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "centre.h"

enum { WAIT_MS = 20000, UNITS = 20, FACTS = 50 };

static pthread_t main_thread;
static atomic_int failures_left; /* of other threads; below 0: all */
static int main_commits_left = -1; /* of this thread, until they fail; -1: none does */

int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn)
{
	if (pthread_equal(pthread_self(), main_thread)) {
		if (main_commits_left < 0 || main_commits_left-- > 0)
			return __real_mdb_txn_commit(txn);
		main_commits_left = 0;
	} else if (atomic_load(&failures_left) == 0) {
		return __real_mdb_txn_commit(txn);
	} else {
		atomic_fetch_sub(&failures_left, 1);
	}
	mdb_txn_abort(txn);
	return ENOSPC;
}

/* What the follower reports, for the test to wait for. */
struct report {
	pthread_mutex_t lock;
	pthread_cond_t came;
	int count, error;
	enum follower_part part;
	uint64_t seq;
};

static void on_failed(void *context, enum follower_part part, int error, uint64_t seq)
{
	struct report *report = context;
	pthread_mutex_lock(&report->lock);
	report->count++;
	report->part = part;
	report->error = error;
	report->seq = seq;
	pthread_cond_broadcast(&report->came);
	pthread_mutex_unlock(&report->lock);
}

static void report_wait(struct report *report)
{
	struct timespec end;
	int error = 0;
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += WAIT_MS / 1000;
	pthread_mutex_lock(&report->lock);
	while (!report->count && !error)
		error = pthread_cond_timedwait(&report->came, &report->lock, &end);
	pthread_mutex_unlock(&report->lock);
	cr_assert_eq(error, 0, "nothing was reported");
}

static void build(struct centre *centre)
{
	main_thread = pthread_self();
	centre_open(centre);
	for (uint32_t i = 0; i < UNITS; i++) {
		char code[17];
		snprintf(code, sizeof code, "u%u", i);
		scene_unit(&centre->scene, i ? 1 : 0, code, code, day(20200101));
	}
	scene_measure(&centre->scene, "bhyt", BAOPHU_STOCK, 0);
	scene_day(&centre->scene, day(20240430));
}

static void report_facts(struct centre *centre, int64_t from)
{
	for (uint32_t i = 0; i < FACTS; i++)
		scene_fact(&centre->scene, 1 + i % UNITS, 1, BAOPHU_WHOLE, day(20240401), day(20240401), from + i, BAOPHU_FINAL);
}

static uint64_t history_digest(struct centre *centre)
{
	struct history_reader *reader;
	struct state state;
	cr_assert_eq(history_reader_open(centre->history, &reader), 0);
	cr_assert_eq(fold_init(&state), 0);
	cr_assert_eq(history_load(reader, &state), 0);
	uint64_t digest = fold_digest(&state);
	cr_assert_eq(state.place.seq, centre->scene.place.seq);
	fold_finish(&state);
	history_reader_close(reader);
	return digest;
}

static ino_t history_file(const struct centre *centre)
{
	char path[80];
	struct stat file;
	snprintf(path, sizeof path, "%s/history.mdb", centre->directory);
	cr_assert_eq(stat(path, &file), 0);
	return file.st_ino;
}

Test(follower, follows_the_log)
{
	struct centre centre;
	build(&centre);
	for (int i = 0; i < 10; i++) {
		report_facts(&centre, 1000 * i);
		centre_sync(&centre);
		cr_assert_eq(history_digest(&centre), fold_digest(&centre.scene.state));
		cr_assert_eq(follower_progress(centre.follower).seq, centre.scene.place.seq);
	}
	centre_close(&centre);
}

Test(follower, a_wake_is_enough)
{
	struct centre centre;
	build(&centre);
	centre_sync(&centre);
	centre_stop(&centre);
	centre_start(&centre, &(struct follower_config){ .space_ms = 10 });
	for (int round = 0; round < 3; round++) {
		report_facts(&centre, round);
		centre_commit(&centre);
		for (int i = 0; i < WAIT_MS && history_place(centre.history).seq < centre.scene.place.seq; i++)
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		cr_assert_eq(history_place(centre.history).seq, centre.scene.place.seq);
	}
	centre_close(&centre);
}

Test(follower, writes_little_only_at_intervals_or_when_somebody_asks)
{
	struct centre centre;
	build(&centre);
	centre_sync(&centre);
	centre_stop(&centre);
	centre_start(&centre, &(struct follower_config){ .space_ms = 3600000 });
	for (int round = 0; round < 2; round++) {
		uint64_t before = history_place(centre.history).seq;
		report_facts(&centre, round);
		centre_commit(&centre);
		if (round) { /* the first after a start is written when the log rests */
			nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
			cr_assert_eq(history_place(centre.history).seq, before);
			follower_hurry(centre.follower, centre.scene.place.seq);
		}
		for (int i = 0; i < WAIT_MS && history_place(centre.history).seq < centre.scene.place.seq; i++)
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		cr_assert_eq(history_place(centre.history).seq, centre.scene.place.seq);
	}
	centre_close(&centre);
}

Test(follower, indexes_what_is_left_before_it_stops)
{
	struct centre centre;
	build(&centre);
	report_facts(&centre, 1);
	centre_commit(&centre);
	follower_stop(centre.follower);
	centre.follower = NULL;
	cr_assert_eq(history_place(centre.history).seq, centre.scene.place.seq);
	centre_close(&centre);
}

Test(follower, wait_ends_when_the_time_is_over)
{
	struct centre centre;
	build(&centre);
	centre_sync(&centre);
	cr_assert_eq(follower_wait(centre.follower, centre.scene.place.seq, 0), 0);
	cr_assert_eq(follower_wait(centre.follower, centre.scene.place.seq + 1, 1), -BAOPHU_ETIMEOUT);
	centre_close(&centre);
}

Test(follower, a_history_that_is_in_the_log_is_kept)
{
	struct centre centre;
	const char *why;
	build(&centre);
	report_facts(&centre, 1);
	centre_sync(&centre);
	ino_t file = history_file(&centre);
	centre_stop(&centre);
	centre_start(&centre, NULL);
	cr_assert_eq(history_place(centre.history).seq, centre.scene.place.seq);
	cr_assert_eq(history_file(&centre), file);
	follower_stop(centre.follower);
	history_close(centre.history);
	cr_assert_eq(follower_open_history(centre.log, centre.directory, &centre.history, &why), 0);
	cr_assert_null(why);
	centre.follower = NULL;
	centre_close(&centre);
}

/* A copy of history.mdb from before meets a log that goes on otherwise, or that does not reach so far. */
Test(follower, a_history_of_another_log_is_rebuilt)
{
	struct centre centre, other;
	char command[200];
	const char *why;
	build(&centre);
	report_facts(&centre, 1);
	centre_sync(&centre);
	build(&other);
	report_facts(&other, 2);
	report_facts(&other, 3);
	centre_sync(&other);
	centre_stop(&centre);
	centre_stop(&other);
	snprintf(command, sizeof command, "cp %s/history.mdb %s/", other.directory, centre.directory);
	cr_assert_eq(system(command), 0); /* reaches further than the log */
	centre_start(&centre, NULL);
	cr_assert_eq(follower_wait(centre.follower, centre.scene.place.seq, WAIT_MS), 0);
	cr_assert_eq(history_digest(&centre), fold_digest(&centre.scene.state));
	centre_start(&other, NULL);
	centre_stop(&centre);
	snprintf(command, sizeof command, "cp %s/history.mdb %s/", centre.directory, other.directory);
	centre_stop(&other);
	cr_assert_eq(system(command), 0); /* another digest at the same seq */
	centre_start(&other, NULL);
	cr_assert_eq(follower_wait(other.follower, other.scene.place.seq, WAIT_MS), 0);
	cr_assert_eq(history_digest(&other), fold_digest(&other.scene.state));
	follower_stop(other.follower);
	other.follower = NULL;
	history_close(other.history);
	cr_assert_eq(system(command), 0);
	cr_assert_eq(follower_open_history(other.log, other.directory, &other.history, &why), 0);
	cr_assert(why && strstr(why, "another history"), "and it says so");
	cr_assert_eq(history_place(other.history).seq, 0);
	centre_start(&centre, NULL);
	centre_close(&centre);
	centre_close(&other);
}

/* Its place is in the log, but rows of a batch that broke off are of records that the log no longer has. */
Test(follower, a_history_that_reached_beyond_the_log_is_rebuilt)
{
	struct centre centre;
	const char *why;
	build(&centre);
	report_facts(&centre, 1);
	centre_sync(&centre);
	follower_stop(centre.follower);
	centre.follower = NULL;
	size_t logged = centre.logged;
	for (int i = 0; i < 30; i++) {
		scene_begin(&centre.scene);
		for (uint32_t j = 0; j < 1000; j++) {
			struct entry entry = { .kind = ENTRY_FACT,
					       .fact = { .slot = { 1 + j % UNITS, 1, BAOPHU_WHOLE, day(20240301), day(20240301) },
							 .figure = { j, BAOPHU_FINAL, BAOPHU_REPORTED, BAOPHU_EXACT, 0 } } };
			scene_add(&centre.scene, &entry);
		}
		scene_end(&centre.scene, RECORD_UPDATE, 0, 0, 0);
	}
	for (size_t i = logged; i < centre.scene.records.count; i++) {
		const struct scene_record *record = vec_at(&centre.scene.records, struct scene_record, i);
		cr_assert_eq(history_add(centre.history, record->bytes, record->size), 0);
	}
	main_commits_left = 1;
	cr_assert_eq(history_commit(centre.history), -BAOPHU_EFULL);
	main_commits_left = -1;
	cr_assert_eq(history_place(centre.history).seq, logged);
	history_close(centre.history);
	cr_assert_eq(follower_open_history(centre.log, centre.directory, &centre.history, &why), 0);
	cr_assert(why && strstr(why, "another history"));
	cr_assert_eq(history_place(centre.history).seq, 0);
	history_close(centre.history);
	centre.history = NULL;
	centre_close(&centre);
}

Test(follower, a_damaged_history_is_rebuilt)
{
	struct centre centre;
	const char *why;
	build(&centre);
	report_facts(&centre, 1);
	centre_sync(&centre);
	follower_stop(centre.follower);
	centre.follower = NULL;
	history_close(centre.history);
	cr_assert_gt(centre_damage(&centre, "history.mdb", centre.scene.place.digest, BAOPHU_DIGEST_BYTES), 0);
	cr_assert_eq(follower_open_history(centre.log, centre.directory, &centre.history, &why), 0);
	cr_assert(why && why[0]);
	struct follower_config config = { .log = centre.log, .history = centre.history };
	cr_assert_eq(follower_start(&config, &centre.follower), 0);
	centre_offer(&centre);
	cr_assert_eq(follower_wait(centre.follower, centre.scene.place.seq, WAIT_MS), 0);
	cr_assert_eq(history_digest(&centre), fold_digest(&centre.scene.state));
	centre_close(&centre);
}

Test(follower, tries_again_until_there_is_room)
{
	struct centre centre;
	build(&centre);
	centre_sync(&centre);
	centre_stop(&centre);
	struct follower_config config = { .retry_ms = 1 };
	centre_start(&centre, &config);
	atomic_store(&failures_left, 3);
	report_facts(&centre, 1);
	centre_commit(&centre);
	cr_assert_eq(follower_wait(centre.follower, centre.scene.place.seq, WAIT_MS), 0);
	cr_assert_eq(atomic_load(&failures_left), 0);
	cr_assert(!follower_progress(centre.follower).is_full);
	cr_assert_eq(history_digest(&centre), fold_digest(&centre.scene.state));
	atomic_store(&failures_left, -1); /* never */
	report_facts(&centre, 2);
	centre_commit(&centre);
	cr_assert_eq(follower_wait(centre.follower, centre.scene.place.seq, 50), -BAOPHU_ETIMEOUT);
	cr_assert(follower_progress(centre.follower).is_full);
	cr_assert_eq(follower_progress(centre.follower).error, 0, "no room is no failure");
	centre_stop(&centre);
	atomic_store(&failures_left, 0);
	centre_start(&centre, NULL);
	cr_assert_eq(follower_wait(centre.follower, centre.scene.place.seq, WAIT_MS), 0);
	centre_close(&centre);
}

Test(follower, verifies_the_whole_log_once)
{
	struct centre centre;
	build(&centre);
	for (int i = 0; i < 30; i++)
		report_facts(&centre, i);
	centre_sync(&centre);
	uint64_t head = centre.scene.place.seq;
	cr_assert_gt(head, 1024, "more than one slice");
	centre_stop(&centre);
	centre_start(&centre, NULL);
	for (int i = 0; i < 1000 && !follower_progress(centre.follower).is_scrubbed; i++) {
		report_facts(&centre, i); /* it does so beside its other work */
		centre_sync(&centre);
	}
	cr_assert_eq(follower_progress(centre.follower).scrubbed_seq, head);
	centre_close(&centre);
}

static int damage_log(const struct centre *centre, int64_t value)
{
	return centre_damage(centre, "log/00000000000000000001.mdb", &value, sizeof value);
}

Test(follower, reports_damage_in_the_log_by_its_seq)
{
	struct centre centre;
	struct report report = { .lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER };
	int64_t value = 0x0a0b0c0d0e;
	build(&centre);
	uint64_t seq = scene_fact(&centre.scene, 3, 1, BAOPHU_WHOLE, day(20240401), day(20240401), value, BAOPHU_FINAL);
	for (int i = 0; i < 10; i++)
		report_facts(&centre, i);
	centre_sync(&centre);
	centre_stop(&centre);
	/* Beyond the tail that is verified when the log is opened, or after it was opened: the file is the same. */
	struct follower_config config = { .failed = on_failed, .context = &report };
	struct follower_config quiet = { .no_scrub = true };
	centre_start(&centre, &quiet);
	cr_assert_gt(damage_log(&centre, value), 0);
	follower_stop(centre.follower);
	config.log = centre.log;
	config.history = centre.history;
	cr_assert_eq(follower_start(&config, &centre.follower), 0);
	centre_offer(&centre);
	report_wait(&report);
	cr_assert(report.part == FOLLOWER_LOG && report.error == -BAOPHU_EDAMAGED && report.seq == seq,
		  "seq %llu, not %llu; error %d", (unsigned long long)report.seq, (unsigned long long)seq, report.error);
	cr_assert_eq(follower_wait(centre.follower, centre.scene.place.seq + 1, WAIT_MS), -BAOPHU_EDAMAGED);
	cr_assert_eq(follower_progress(centre.follower).error, -BAOPHU_EDAMAGED);
	follower_stop(centre.follower);

	/* The same while history is built from it. */
	history_close(centre.history);
	cr_assert_eq(history_discard(centre.directory), 0);
	const char *why;
	cr_assert_eq(follower_open_history(centre.log, centre.directory, &centre.history, &why), 0);
	report.count = 0;
	config.history = centre.history;
	config.no_scrub = true;
	cr_assert_eq(follower_start(&config, &centre.follower), 0);
	centre_offer(&centre);
	report_wait(&report);
	cr_assert(report.part == FOLLOWER_LOG && report.error == -BAOPHU_EDAMAGED && report.seq == seq);
	centre_close(&centre);
}
