/* test_spool_faults.c - the Nth call to the file system fails, for every N: nothing that was said to be saved is lost, nothing is there in
 * halves, a full disk is said before anything is accepted and survived, and any other failure ends the spool until it is opened again.
 *
 * The calls of spool.c are wrapped at link time. A really full disk is tried on a small tmpfs where the test may mount one.
 */
#include "spool.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/mount.h>

#include "outbox_fixture.h"

enum { GROUPS = 6, SEGMENT_EVERY = 3, PRUNE_AT = 5 };

enum call {
	CALL_NONE,
	CALL_WRITE,
	CALL_SHORT_WRITE, /* half of it, and the rest fails */
	CALL_FLUSH,
	CALL_FLUSH_DIRECTORY,
	CALL_RESERVE,
	CALL_TRUNCATE,
	CALL_RENAME,
	CALL_UNLINK,
	CALL_OPEN,
	CALL_READ,
	CALL_COUNT
};
static struct {
	enum call call;
	int countdown, error, met;
	bool cannot_reserve; /* the file system cannot take room ahead */
} fault;

static bool strikes(enum call call)
{
	if (fault.call != call || fault.countdown == 0 || --fault.countdown != 0)
		return false;
	fault.met++;
	errno = fault.error;
	return true;
}

ssize_t __real_pwrite(int fd, const void *bytes, size_t size, off_t at);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t at);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t at)
{
	if (strikes(CALL_WRITE))
		return -1;
	if (strikes(CALL_SHORT_WRITE)) {
		fault.call = CALL_WRITE;
		fault.countdown = 1;
		return __real_pwrite(fd, bytes, size / 2 + 1, at);
	}
	return __real_pwrite(fd, bytes, size, at);
}

/* The kernel forgets after it has said so once: what was written stays in the file, and the next flush succeeds. */
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd) { return strikes(CALL_FLUSH) ? -1 : __real_fdatasync(fd); }

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd) { return strikes(CALL_FLUSH_DIRECTORY) ? -1 : __real_fsync(fd); }

int __real_fallocate(int fd, int mode, off_t at, off_t size);
int __wrap_fallocate(int fd, int mode, off_t at, off_t size);
int __wrap_fallocate(int fd, int mode, off_t at, off_t size)
{
	if (strikes(CALL_RESERVE))
		return -1;
	errno = EOPNOTSUPP;
	return fault.cannot_reserve ? -1 : __real_fallocate(fd, mode, at, size);
}

int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size) { return strikes(CALL_TRUNCATE) ? -1 : __real_ftruncate(fd, size); }

int __real_renameat(int old_directory, const char *old_path, int new_directory, const char *new_path);
int __wrap_renameat(int old_directory, const char *old_path, int new_directory, const char *new_path);
int __wrap_renameat(int old_directory, const char *old_path, int new_directory, const char *new_path)
{
	return strikes(CALL_RENAME) ? -1 : __real_renameat(old_directory, old_path, new_directory, new_path);
}

int __real_unlinkat(int directory, const char *path, int flags);
int __wrap_unlinkat(int directory, const char *path, int flags);
int __wrap_unlinkat(int directory, const char *path, int flags)
{
	return strikes(CALL_UNLINK) ? -1 : __real_unlinkat(directory, path, flags);
}

int __real_openat(int directory, const char *path, int flags, ...);
int __wrap_openat(int directory, const char *path, int flags, ...);
int __wrap_openat(int directory, const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	unsigned mode = flags & O_CREAT ? va_arg(arguments, unsigned) : 0;
	va_end(arguments);
	return strikes(CALL_OPEN) ? -1 : __real_openat(directory, path, flags, mode);
}
/* What openat becomes where the flags are no constant and the compiler checks them. */
int __wrap___openat_2(int directory, const char *path, int flags);
int __wrap___openat_2(int directory, const char *path, int flags)
{
	return strikes(CALL_OPEN) ? -1 : __real_openat(directory, path, flags);
}

ssize_t __real_pread(int fd, void *bytes, size_t size, off_t at);
ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t at);
ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t at)
{
	return strikes(CALL_READ) ? -1 : __real_pread(fd, bytes, size, at);
}
ssize_t __wrap___pread_chk(int fd, void *bytes, size_t size, off_t at, size_t room);
ssize_t __wrap___pread_chk(int fd, void *bytes, size_t size, off_t at, size_t room)
{
	(void)room;
	return strikes(CALL_READ) ? -1 : __real_pread(fd, bytes, size, at);
}

struct outcome {
	bool is_met;
	int first_error; /* of what the caller was told */
	bool goes_on; /* more can be saved without opening it again */
};

/* Opens, saves groups into several segments, prunes and closes, with the Nth call failing; then opens without faults. */
static struct outcome run(enum call call, int n, int error)
{
	struct outcome outcome = { 0 };
	struct fixture fixture;
	struct spool *spool = NULL;
	struct spool_damage damage;
	struct spool_cursor *cursor;
	struct spool_record record;
	uint64_t confirmed = 3, maybe = 3, kept_from = 1;
	fixture_init(&fixture);
	spool = fixture_open(&fixture);
	cr_assert_eq(fixture_save(spool, 1, 50), 0);
	spool_close(spool);
	spool = NULL;
	fault.call = call;
	fault.countdown = n;
	fault.error = error;
	fault.met = 0;
	int failed = spool_open(fixture.directory, &spool, &damage);
	outcome.first_error = failed;
	for (int i = 0; i <= GROUPS && spool; i++) {
		const struct spool_standing *standing = spool_standing(spool);
		size_t count = 1 + (size_t)i % 3;
		for (int saves = i % SEGMENT_EVERY == 0; saves >= 0; saves--) { /* of the first of some, a segment before */
			int ended = standing->error;
			failed = saves ? fixture_begin(spool) : fixture_save(spool, count, 700 * (size_t)i);
			cr_assert(!ended || failed == ended, "after the end it says %d", failed);
			if (!failed)
				confirmed = maybe = confirmed + (saves ? 1 : count);
			else if (!ended && standing->error) /* it may be there, whole */
				maybe = confirmed + (saves ? 1 : count);
			if (failed && !outcome.first_error)
				outcome.first_error = failed;
			cr_assert_eq(confirmed, standing->next);
		}
		if (i == PRUNE_AT && standing->segments > 1) {
			kept_from = spool_segment_first(spool, 1);
			failed = spool_prune(spool, kept_from);
			if (failed && !outcome.first_error)
				outcome.first_error = failed;
		}
	}
	if (spool && (failed = spool_cursor_open(spool, 0, &cursor)) == 0) {
		while ((failed = spool_cursor_next(cursor, &record)) == 1)
			cr_assert(fixture_is_right(&record));
		if (failed < 0) /* it can be read again */
			cr_assert_geq(spool_cursor_next(cursor, &record), 0);
		spool_cursor_close(cursor);
	}
	if (failed && !outcome.first_error)
		outcome.first_error = failed;
	outcome.is_met = fault.met > 0;
	fault.call = CALL_NONE;
	if (spool && fixture_save(spool, 1, 1000) == 0) {
		confirmed = maybe = spool_standing(spool)->next;
		outcome.goes_on = true;
	}
	spool_close(spool);
	spool = fixture_open(&fixture);
	uint64_t next = spool_standing(spool)->next;
	cr_assert(next == confirmed || next == maybe, "call %d n %d error %d: %llu confirmed, %llu there", call, n, error,
		  (unsigned long long)confirmed, (unsigned long long)next);
	cr_assert(spool_standing(spool)->first <= kept_from);
	cr_assert_eq(fixture_read_all(spool), next);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(fixture_save(spool, 2, 100), 0);
	cr_assert_eq(fixture_read_all(spool), spool_standing(spool)->next);
	spool_close(spool);
	spool = fixture_open(&fixture);
	cr_assert_eq(fixture_read_all(spool), spool_standing(spool)->next);
	spool_close(spool);
	fixture_finish(&fixture);
	return outcome;
}

enum aftermath {
	GOES_ON, /* without opening again */
	ENDS, /* until it is opened again */
	EITHER,
};
/* With every N until the fault is no longer met: the caller is told, and what comes after is as it should be. */
static void try_all(enum call call, int error, enum aftermath aftermath)
{
	int n = 1, told = 0;
	for (struct outcome outcome; (outcome = run(call, n, error)).is_met; n++) {
		if (!outcome.first_error)
			continue; /* what it cost was not worth a word: see write_witness and the room given back */
		told++;
		cr_assert_eq(outcome.first_error, -error, "call %d n %d: %d", call, n, outcome.first_error);
		cr_assert(aftermath == EITHER || outcome.goes_on == (aftermath == GOES_ON), "call %d n %d: it goes on: %d", call, n,
			  outcome.goes_on);
	}
	cr_assert(told > 0, "call %d: nobody was ever told of %d tries", call, n - 1);
}

Test(spool_faults, a_full_disk_is_said_before_anything_is_accepted_and_survived)
{
	try_all(CALL_RESERVE, ENOSPC, GOES_ON);
	try_all(CALL_WRITE, ENOSPC, GOES_ON);
	try_all(CALL_SHORT_WRITE, ENOSPC, GOES_ON);
	try_all(CALL_WRITE, EDQUOT, GOES_ON);
}

Test(spool_faults, a_failed_write_ends_the_spool_until_it_is_opened_again)
{
	try_all(CALL_WRITE, EIO, ENDS);
	try_all(CALL_SHORT_WRITE, EIO, ENDS);
}

Test(spool_faults, a_failed_flush_ends_the_spool_until_it_is_opened_again)
{
	struct fixture fixture;
	try_all(CALL_FLUSH, EIO, EITHER);
	try_all(CALL_FLUSH, ENOSPC, EITHER);
	try_all(CALL_FLUSH_DIRECTORY, EIO, EITHER);
	/* and is not asked again, though it would say that all is well */
	fixture_init(&fixture);
	struct spool *spool = fixture_open(&fixture);
	cr_assert_eq(fixture_save(spool, 1, 10), 0);
	fault.call = CALL_FLUSH;
	fault.countdown = 1;
	fault.error = ENOSPC;
	cr_assert_eq(fixture_save(spool, 1, 10), -ENOSPC);
	cr_assert_eq(spool_standing(spool)->error, -ENOSPC);
	cr_assert_eq(fixture_save(spool, 1, 10), -ENOSPC);
	cr_assert_eq(fixture_begin(spool), -ENOSPC);
	spool_close(spool);
	/* what could not be flushed is not read from a cache either */
	spool = fixture_open(&fixture);
	cr_assert_eq(spool_standing(spool)->next, 3);
	spool_close(spool);
	fixture_finish(&fixture);
}

Test(spool_faults, what_cannot_be_done_to_files_is_told)
{
	try_all(CALL_RENAME, EIO, EITHER);
	try_all(CALL_UNLINK, EIO, EITHER);
	try_all(CALL_OPEN, EMFILE, EITHER);
	try_all(CALL_READ, EIO, EITHER);
	/* the room given back of a segment that is left is all that is truncated here, and nobody misses it */
	cr_assert(run(CALL_TRUNCATE, 1, EIO).first_error == 0);
}

/* A file system without fallocate: zeros are written ahead, and a full disk shows as early. */
Test(spool_faults, room_is_taken_by_writing_where_it_cannot_be_asked_for)
{
	struct fixture fixture;
	struct stat status;
	char path[320];
	fault.cannot_reserve = true;
	fixture_init(&fixture);
	struct spool *spool = fixture_open(&fixture);
	cr_assert_eq(fixture_save(spool, 1, 10), 0);
	fixture_path(&fixture, 1, path);
	cr_assert_eq(stat(path, &status), 0);
	cr_assert_eq(status.st_size, SPOOL_SEGMENT_BYTES);
	cr_assert_geq(status.st_blocks * 512, SPOOL_SEGMENT_BYTES, "there is room for all of it");
	fault.call = CALL_WRITE;
	fault.countdown = 7;
	fault.error = ENOSPC;
	cr_assert_eq(fixture_begin(spool), -ENOSPC);
	cr_assert_eq(fixture_save(spool, 1, 10), 0, "there is room in the segment that is there");
	cr_assert_eq(fixture_begin(spool), 0);
	cr_assert_eq(fixture_read_all(spool), 5);
	spool_close(spool);
	fixture_finish(&fixture);
}

Test(spool_faults, a_really_full_disk_is_survived_and_nothing_of_a_batch_is_accepted)
{
	struct fixture fixture;
	char ballast[300], dir[300];
	fixture_init(&fixture);
	/* Own mount namespace: nothing is left behind, whatever happens. */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", fixture.directory, "tmpfs", 0, "size=40m") < 0) {
		fprintf(stderr, "skipped: a file system cannot be mounted here (%s)\n", strerror(errno));
		fixture_finish(&fixture);
		return;
	}
	snprintf(ballast, sizeof ballast, "%s/ballast", fixture.directory);
	snprintf(dir, sizeof dir, "%s/outbox", fixture.directory);
	int fd = open(ballast, O_WRONLY | O_CREAT, 0600);
	cr_assert(fd >= 0 && posix_fallocate(fd, 0, 20 << 20) == 0);
	close(fd);
	struct outbox *outbox = outbox_fixture_open(dir, "thoi-lai", NULL);
	uint8_t *note = calloc(1, OUTBOX_NOTE_BYTES_MAX);
	const struct outbox_source source = { .name = "x", .note = note, .note_bytes = OUTBOX_NOTE_BYTES_MAX };
	struct wire_entry entry = outbox_fixture_fact("927", 0, 5);
	uint64_t batch = 0, saved = 0;
	int error;
	while ((error = outbox_save(outbox, &entry, 1, &source, &batch, NULL)) == 0)
		cr_assert_eq(batch, ++saved);
	cr_assert_eq(error, -ENOSPC, "%d", error);
	cr_assert_eq(saved, 15, "one segment of 16 MiB");
	cr_assert_eq(outbox_standing(outbox)->error, 0);
	cr_assert_eq(outbox_standing(outbox)->next, saved + 1);
	cr_assert_eq(outbox_save(outbox, &entry, 1, NULL, &batch, NULL), 0, "there is still room for a small one");
	saved++;
	cr_assert_eq(outbox_save(outbox, &entry, 1, &source, &batch, NULL), -ENOSPC);
	cr_assert_eq(unlink(ballast), 0);
	cr_assert_eq(outbox_save(outbox, &entry, 1, &source, &batch, NULL), 0, "and there is room again");
	saved++;
	outbox_close(outbox);
	outbox = outbox_fixture_open(dir, "thoi-lai", NULL);
	cr_assert_eq(outbox_standing(outbox)->next, saved + 1);
	uint64_t ids[64];
	cr_assert_eq(outbox_newest_batches(outbox, ids, 64), (int)saved);
	outbox_close(outbox);
	free(note);
	umount(fixture.directory);
	rmdir(fixture.directory);
}
