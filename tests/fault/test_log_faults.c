/* test_log_faults.c - the Nth call of LMDB or the file system fails, for every N: nothing confirmed is lost, nothing
 * unconfirmed shows, a full disk is survived, and any other failure ends the log for good.
 *
 * The calls of log*.c are wrapped at link time; those inside LMDB itself cannot be. A really full disk is tried on a small tmpfs
 * where the test may mount one.
 */
#include "log.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <lmdb.h>

#include "log_fixture.h"

enum { SMALL_SEGMENT = 64 << 10, COMMITS = 12, RECORDS = 4, FACTS = 20 };

enum call { CALL_NONE, CALL_TXN_BEGIN, CALL_PUT, CALL_TXN_COMMIT, CALL_ENV_OPEN, CALL_FSYNC, CALL_RENAME, CALL_OPEN, CALL_COUNT };

static struct {
	enum call call;
	int countdown, error;
	bool is_full, then_panic;
	int met;
	const MDB_txn *writing;
} fault;

static bool strikes(enum call call)
{
	if (fault.call != call || fault.countdown == 0 || --fault.countdown != 0)
		return false;
	fault.met++;
	return true;
}

int __real_mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn);
int __wrap_mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn);
int __wrap_mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn)
{
	if (strikes(CALL_TXN_BEGIN))
		return fault.error;
	int rc = __real_mdb_txn_begin(env, parent, flags, txn);
	if (!rc && !(flags & MDB_RDONLY))
		fault.writing = *txn;
	return rc;
}

int __real_mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags);
int __wrap_mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags);
int __wrap_mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags)
{
	return strikes(CALL_PUT) ? fault.error : __real_mdb_put(txn, dbi, key, value, flags);
}

int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn)
{
	if (txn != fault.writing || !strikes(CALL_TXN_COMMIT)) /* the end of a reading transaction writes nothing */
		return __real_mdb_txn_commit(txn);
	mdb_txn_abort(txn); /* as LMDB does: the handle is gone whatever it returns */
	int error = fault.error;
	if (fault.then_panic) {
		fault.call = CALL_TXN_BEGIN;
		fault.countdown = 1;
		fault.error = MDB_PANIC;
	}
	return error;
}

int __real_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode);
int __wrap_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode);
int __wrap_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode)
{
	return strikes(CALL_ENV_OPEN) ? fault.error : __real_mdb_env_open(env, path, flags, mode);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	if (!strikes(CALL_FSYNC))
		return __real_fsync(fd);
	errno = fault.error;
	return -1;
}

int __real_renameat(int old_directory, const char *old_path, int new_directory, const char *new_path);
int __wrap_renameat(int old_directory, const char *old_path, int new_directory, const char *new_path);
int __wrap_renameat(int old_directory, const char *old_path, int new_directory, const char *new_path)
{
	if (!strikes(CALL_RENAME))
		return __real_renameat(old_directory, old_path, new_directory, new_path);
	errno = fault.error;
	return -1;
}

int __real_fstatvfs(int fd, struct statvfs *status);
int __wrap_fstatvfs(int fd, struct statvfs *status);
int __wrap_fstatvfs(int fd, struct statvfs *status)
{
	int rc = __real_fstatvfs(fd, status);
	if (fault.is_full)
		status->f_bavail = status->f_bfree = 0;
	return rc;
}

/* Open, commit, close, with the Nth call failing; then open without faults. Returns false when the fault was not met. */
static bool run(enum call call, int n, int error, bool is_full, int *ret_first_error)
{
	struct fixture fixture;
	fixture_init(&fixture);
	fault.call = call;
	fault.countdown = n;
	fault.error = error;
	fault.is_full = is_full;
	fault.met = 0;
	*ret_first_error = 0;
	uint64_t confirmed = 0;
	struct log *log = NULL;
	const char *why = "";
	char path[400];
	int rc = fixture_open(&fixture, SMALL_SEGMENT, PREWRITE_NONE, &log, &why);
	if (rc) {
		cr_assert(fault.met);
		cr_assert(why[0] != '\0');
		*ret_first_error = rc;
	} else {
		bool is_over = false;
		for (int i = 0; i < COMMITS; i++) {
			rc = fixture_commit(log, RECORDS, FACTS);
			if (rc == 0) {
				cr_assert(!is_over, "a commit succeeded after a failure for good");
				confirmed += RECORDS;
			} else if (!*ret_first_error) {
				*ret_first_error = rc;
				cr_assert(fault.met);
			}
			is_over = is_over || (rc && rc != -BAOPHU_EFULL);
			cr_assert_eq(log_head(log).seq, confirmed);
			cr_assert_eq(fixture_read_all(log), confirmed, "reading goes on");
			fixture_path(&fixture, "new.mdb", path);
			cr_assert(access(path, F_OK) < 0, "a failed segment keeps its room");
		}
		log_close(log);
	}
	bool met = fault.met > 0;
	memset(&fault, 0, sizeof fault);
	log = fixture_must_open(&fixture, SMALL_SEGMENT, PREWRITE_NONE);
	cr_assert_eq(log_head(log).seq, confirmed, "call %d n %d error %d: %llu confirmed, %llu there", call, n, error,
		     (unsigned long long)confirmed, (unsigned long long)log_head(log).seq);
	fixture_must_commit(log, COMMITS, RECORDS, FACTS);
	cr_assert_eq(fixture_read_all(log), confirmed + COMMITS * RECORDS);
	log_close(log);
	fixture_finish(&fixture);
	return met;
}

/* Faults of the collector's own calls; a reader's begin is among those counted, so CALL_TXN_BEGIN is left to its own test. */
static void try_all(enum call call, int error, bool is_full, int expected)
{
	int first_error = 0, n = 1;
	for (; run(call, n, error, is_full, &first_error); n++)
		cr_assert(first_error == expected, "call %d n %d: %d instead of %d", call, n, first_error, expected);
	cr_assert(n > 1, "the fault was never met");
}

Test(log_faults, a_failed_write_that_is_not_about_room_ends_the_log, .timeout = 120)
{
	try_all(CALL_PUT, EIO, false, -EIO);
	try_all(CALL_TXN_COMMIT, EIO, false, -EIO);
	try_all(CALL_PUT, ENOMEM, false, -ENOMEM);
}

Test(log_faults, a_full_disk_is_told_and_survived, .timeout = 120)
{
	try_all(CALL_PUT, ENOSPC, false, -BAOPHU_EFULL);
	try_all(CALL_TXN_COMMIT, ENOSPC, false, -BAOPHU_EFULL);
	try_all(CALL_TXN_COMMIT, EDQUOT, false, -BAOPHU_EFULL);
}

Test(log_faults, lmdb_calls_a_short_write_eio_and_the_disk_says_why, .timeout = 120)
{
	try_all(CALL_TXN_COMMIT, EIO, true, -BAOPHU_EFULL);
}

Test(log_faults, a_full_map_is_survived_in_the_next_segment, .timeout = 120)
{
	try_all(CALL_PUT, MDB_MAP_FULL, false, -BAOPHU_EFULL);
}

Test(log_faults, a_full_map_makes_the_next_commit_begin_a_segment)
{
	struct fixture fixture;
	fixture_init(&fixture);
	struct log *log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	fixture_must_commit(log, 1, 3, 1);
	fault.call = CALL_PUT;
	fault.countdown = 1;
	fault.error = MDB_MAP_FULL;
	cr_assert_eq(fixture_commit(log, 1, 1), -BAOPHU_EFULL);
	fixture_must_commit(log, 1, 3, 1);
	char path[400];
	fixture_path(&fixture, "00000000000000000004.mdb", path);
	cr_assert_eq(access(path, F_OK), 0);
	cr_assert_eq(fixture_read_all(log), 6);
	log_close(log);
	fixture_finish(&fixture);
}

static void try_files(enum call call, int error)
{
	int first_error = 0, n = 1;
	for (; run(call, n, error, false, &first_error); n++)
		;
	cr_assert(n > 1, "the fault was never met");
}

Test(log_faults, a_failure_while_a_segment_is_made_loses_nothing, .timeout = 120)
{
	try_files(CALL_FSYNC, EIO);
	try_files(CALL_FSYNC, ENOSPC);
	try_files(CALL_RENAME, EIO);
	try_files(CALL_RENAME, ENOSPC);
	try_files(CALL_ENV_OPEN, ENOMEM);
	try_files(CALL_ENV_OPEN, ENOSPC);
}

Test(log_faults, a_transaction_that_cannot_begin_ends_the_log)
{
	struct fixture fixture;
	fixture_init(&fixture);
	struct log *log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	fixture_must_commit(log, 1, 1, 1);
	fault.call = CALL_TXN_BEGIN;
	fault.countdown = 1;
	fault.error = ENOMEM;
	cr_assert_eq(log_begin(log), -ENOMEM);
	cr_assert_eq(log_commit(log), -ENOMEM);
	cr_assert_eq(log_begin(log), -ENOMEM);
	log_close(log);
	log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	cr_assert_eq(log_head(log).seq, 1);
	log_close(log);
	fixture_finish(&fixture);
}

/* LMDB answers everything with a panic after a header page could not be written; what the disk holds is then unknown. */
Test(log_faults, a_header_page_that_could_not_be_written_is_never_called_a_full_disk)
{
	struct fixture fixture;
	fixture_init(&fixture);
	struct log *log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	fault.call = CALL_TXN_COMMIT;
	fault.countdown = 1;
	fault.error = ENOSPC;
	fault.then_panic = true;
	cr_assert_eq(fixture_commit(log, 1, 1), -EIO);
	cr_assert_eq(fault.met, 2);
	cr_assert_eq(log_begin(log), -EIO);
	log_abort(log);
	log_close(log);
	fixture_finish(&fixture);
}

Test(log_faults, a_really_full_disk_is_survived, .timeout = 120)
{
	struct fixture fixture;
	fixture_init(&fixture);
	/* Own mount namespace: nothing is left behind, whatever happens. */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", fixture.directory, "tmpfs", 0, "size=12m") < 0) {
		fprintf(stderr, "skipped: a file system cannot be mounted here (%s)\n", strerror(errno));
		fixture_finish(&fixture);
		return;
	}
	char ballast[300];
	snprintf(ballast, sizeof ballast, "%s/ballast", fixture.directory);
	int fd = open(ballast, O_WRONLY | O_CREAT, 0600);
	cr_assert(fd >= 0 && posix_fallocate(fd, 0, 4 << 20) == 0);
	close(fd);
	struct log *log = fixture_must_open(&fixture, 1 << 20, PREWRITE_NONE);
	cr_assert(log_room_bytes(log) < 0, "the reserve alone is more than this");
	uint64_t confirmed = 0;
	int rc;
	while ((rc = fixture_commit(log, 10, 100)) == 0)
		confirmed += 10;
	cr_assert_eq(rc, -BAOPHU_EFULL, "%d", rc);
	cr_assert(confirmed > 100);
	for (int i = 0; i < 20; i++) {
		rc = fixture_commit(log, 10, 100);
		cr_assert(rc == 0 || rc == -BAOPHU_EFULL, "%d", rc);
		confirmed += rc ? 0 : 10;
		cr_assert_eq(log_head(log).seq, confirmed);
		cr_assert_eq(fixture_read_all(log), confirmed);
	}
	cr_assert_eq(unlink(ballast), 0);
	fixture_must_commit(log, 20, 10, 100);
	confirmed += 200;
	cr_assert_eq(fixture_read_all(log), confirmed);
	log_close(log);
	log = fixture_must_open(&fixture, 1 << 20, PREWRITE_NONE);
	cr_assert_eq(log_head(log).seq, confirmed);
	cr_assert_eq(fixture_read_all(log), confirmed);
	log_close(log);
	fixture_finish(&fixture);
	umount(fixture.directory);
	rmdir(fixture.directory);
}
