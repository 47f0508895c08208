/* test_backup.c - a backup is whole or is not there: while others append, killed at any moment, on a full disk, when a flush or a rename fails,
 * and when a byte of the copy is not what was written.
 *
 * Whoever appends is another process, as in life: LMDB wants a file opened once in a process.
 */
#include "backup.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>

#include "log_fixture.h"

enum { COMMITS = 40, RECORDS = 50, FACTS = 10, SMALL_SEGMENT = 1 << 20 };
static const int64_t first_ms = INT64_C(1730000000000);

/* ---- calls that fail ---- */

enum call { CALL_NONE, CALL_FSYNC, CALL_RENAME, CALL_MKDIR, CALL_UNLINK };
static struct {
	enum call call;
	int countdown, met;
} fault;

static bool strikes(enum call call)
{
	if (fault.call != call || --fault.countdown != 0)
		return false;
	fault.met++;
	errno = EIO;
	return true;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd) { return strikes(CALL_FSYNC) ? -1 : __real_fsync(fd); }

int __real_renameat(int old_directory, const char *old_path, int new_directory, const char *new_path);
int __wrap_renameat(int old_directory, const char *old_path, int new_directory, const char *new_path);
int __wrap_renameat(int old_directory, const char *old_path, int new_directory, const char *new_path)
{
	return strikes(CALL_RENAME) ? -1 : __real_renameat(old_directory, old_path, new_directory, new_path);
}

int __real_mkdirat(int directory, const char *path, mode_t mode);
int __wrap_mkdirat(int directory, const char *path, mode_t mode);
int __wrap_mkdirat(int directory, const char *path, mode_t mode)
{
	return strikes(CALL_MKDIR) ? -1 : __real_mkdirat(directory, path, mode);
}

int __real_unlinkat(int directory, const char *path, int flags);
int __wrap_unlinkat(int directory, const char *path, int flags);
int __wrap_unlinkat(int directory, const char *path, int flags)
{
	return strikes(CALL_UNLINK) ? -1 : __real_unlinkat(directory, path, flags);
}

/* ---- a data directory, and one for its backups ---- */

struct scene {
	struct fixture data;
	char to[280], why[BACKUP_WHY_BYTES];
	int64_t now_ms; /* each backup is of a second of its own */
	struct backup backup;
};

static void scene_init(struct scene *scene)
{
	memset(scene, 0, sizeof *scene);
	fixture_init(&scene->data);
	snprintf(scene->to, sizeof scene->to, "%s-to", scene->data.directory);
	cr_assert_eq(mkdir(scene->to, 0700), 0);
	scene->now_ms = first_ms;
}

static void scene_fill(struct scene *scene, uint32_t commits)
{
	struct log *log = fixture_must_open(&scene->data, SMALL_SEGMENT, PREWRITE_NONE);
	fixture_must_commit(log, commits, RECORDS, FACTS);
	log_close(log);
}

static void remove_all(const char *path)
{
	char inner[1200];
	DIR *stream = opendir(path);
	for (const struct dirent *found; stream && (found = readdir(stream));) {
		struct stat status;
		if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
			continue;
		snprintf(inner, sizeof inner, "%s/%s", path, found->d_name);
		if (!lstat(inner, &status) && S_ISDIR(status.st_mode))
			remove_all(inner);
		else
			unlink(inner);
	}
	if (stream)
		closedir(stream);
	rmdir(path);
}

static void scene_finish(struct scene *scene)
{
	remove_all(scene->to);
	fixture_finish(&scene->data);
}

static int scene_backup(struct scene *scene, uint32_t keep, backup_progress progress, void *context)
{
	struct backup_request request = { .data_dir = scene->data.directory,
					  .to = scene->to,
					  .keep = keep,
					  .now_ms = scene->now_ms,
					  .progress = progress,
					  .context = context };
	scene->now_ms += 1000;
	return backup_make(&request, &scene->backup, scene->why);
}

static void scene_must_backup(struct scene *scene, uint32_t keep)
{
	int error = scene_backup(scene, keep, NULL, NULL);
	cr_assert_eq(error, 0, "%d %s", error, scene->why);
}

struct counts {
	int whole, parts, others;
	uint64_t newest_seq, oldest_seq;
};

/* What there is, each whole one read again. */
static struct counts scene_look(struct scene *scene)
{
	struct counts counts = { 0 };
	DIR *stream = opendir(scene->to);
	cr_assert_not_null(stream);
	for (const struct dirent *found; (found = readdir(stream));) {
		if (found->d_name[0] == '.')
			continue;
		size_t letters = strlen(found->d_name);
		if (letters > 5 && strcmp(found->d_name + letters - 5, ".part") == 0) {
			counts.parts++;
			continue;
		}
		if (strncmp(found->d_name, "baophu-", 7) != 0) {
			counts.others++;
			continue;
		}
		char path[600], why[BACKUP_WHY_BYTES];
		struct backup backup;
		snprintf(path, sizeof path, "%s/%s", scene->to, found->d_name);
		int error = backup_check(path, NULL, NULL, &backup, why);
		cr_assert_eq(error, 0, "%s: %d %s", path, error, why);
		counts.whole++;
		if (backup.place.seq > counts.newest_seq)
			counts.newest_seq = backup.place.seq;
		if (!counts.oldest_seq || backup.place.seq < counts.oldest_seq)
			counts.oldest_seq = backup.place.seq;
	}
	closedir(stream);
	return counts;
}

/* Byte `at` of record `seq`, as it lies in the first segment of a copy of the scene's log or in that log itself, is another. */
static void flip(const struct scene *scene, const char *directory, uint64_t seq, size_t at)
{
	static uint8_t file[8 << 20], record[1 << 16];
	struct log *log = fixture_must_open(&scene->data, SMALL_SEGMENT, PREWRITE_NONE);
	struct log_reader *reader;
	const void *found;
	size_t bytes;
	cr_assert_eq(log_reader_open(log, &reader), 0);
	cr_assert_eq(log_read(reader, seq, false, &found, &bytes), 0);
	cr_assert(at < bytes && bytes <= sizeof record);
	memcpy(record, found, bytes);
	log_reader_close(reader);
	log_close(log);
	char path[1200];
	snprintf(path, sizeof path, "%s/log/00000000000000000001.mdb", directory);
	int fd = open(path, O_RDWR);
	cr_assert(fd >= 0, "%s", path);
	ssize_t size = read(fd, file, sizeof file);
	const uint8_t *there = memmem(file, (size_t)size, record, bytes);
	cr_assert_not_null(there, "record %llu", (unsigned long long)seq);
	uint8_t byte = there[at] ^ 0x10;
	cr_assert_eq(pwrite(fd, &byte, 1, there + at - file), 1);
	close(fd);
}

/* ---- what a backup is ---- */

Test(backup, holds_every_record_and_a_centre_can_go_on_from_it)
{
	struct scene scene;
	scene_init(&scene);
	scene_fill(&scene, COMMITS);
	scene_must_backup(&scene, 0);
	cr_assert_eq(scene.backup.place.seq, COMMITS * RECORDS);
	cr_assert(scene.backup.files >= 1 && scene.backup.bytes > 100000);
	cr_assert(strstr(scene.backup.path, "/baophu-") && strstr(scene.backup.path, "-20241027T033320Z-2000"), "%s",
		  scene.backup.path);

	struct log *log = fixture_must_open(&scene.data, SMALL_SEGMENT, PREWRITE_NONE);
	struct log_reader *original, *copied;
	struct log *copy;
	const char *why;
	char path[BACKUP_PATH_BYTES + 8];
	snprintf(path, sizeof path, "%s/log", scene.backup.path);
	struct log_config config = { .directory = path, .prewrite_bytes = PREWRITE_NONE };
	cr_assert_eq(log_open(&config, &copy, &why), 0, "%s", why);
	cr_assert_eq(log_reader_open(log, &original), 0);
	cr_assert_eq(log_reader_open(copy, &copied), 0);
	for (uint64_t seq = 1; seq <= COMMITS * RECORDS; seq++) {
		const void *a, *b;
		size_t a_bytes, b_bytes;
		cr_assert_eq(log_read(original, seq, true, &a, &a_bytes), 0);
		cr_assert_eq(log_read(copied, seq, true, &b, &b_bytes), 0);
		cr_assert_eq(a_bytes, b_bytes);
		cr_assert_eq(memcmp(a, b, a_bytes), 0);
	}
	log_reader_close(original);
	log_reader_close(copied);
	fixture_must_commit(copy, 3, RECORDS, FACTS);
	cr_assert_eq(fixture_read_all(copy), COMMITS * RECORDS + 3 * RECORDS);
	log_close(copy);
	log_close(log);
	scene_finish(&scene);
}

Test(backup, checking_and_copying_change_nothing_in_what_they_read)
{
	struct scene scene;
	scene_init(&scene);
	scene_fill(&scene, COMMITS);
	scene_must_backup(&scene, 0);
	char path[400], other[BACKUP_PATH_BYTES];
	struct stat before, after;
	fixture_path(&scene.data, "witness", path);
	cr_assert_eq(stat(path, &before), 0);
	memcpy(other, scene.backup.path, sizeof other);
	scene_must_backup(&scene, 0);
	cr_assert_eq(stat(path, &after), 0);
	cr_assert_eq(memcmp(&before.st_mtim, &after.st_mtim, sizeof before.st_mtim), 0);
	cr_assert_eq(scene_look(&scene).whole, 2);
	snprintf(path, sizeof path, "%.300s/log", other);
	int names = 0;
	DIR *stream = opendir(path);
	for (const struct dirent *found; (found = readdir(stream));)
		names += found->d_name[0] != '.';
	closedir(stream);
	cr_assert_eq(names, (int)scene.backup.files + 1, "segments and the witness, nothing else");
	scene_finish(&scene);
}

/* ---- damage ---- */

struct spoiler {
	struct scene *scene;
	uint64_t seq;
	size_t at;
	bool done;
};

static void spoil(void *context, enum backup_step step, uint64_t done, uint64_t all)
{
	struct spoiler *spoiler = context;
	(void)all;
	if (step == BACKUP_COPY || done || spoiler->done)
		return;
	DIR *stream = opendir(spoiler->scene->to);
	for (const struct dirent *found; (found = readdir(stream));) {
		if (found->d_name[0] == '.' || !strstr(found->d_name, ".part"))
			continue;
		char part[600];
		snprintf(part, sizeof part, "%s/%s", spoiler->scene->to, found->d_name);
		flip(spoiler->scene, part, spoiler->seq, spoiler->at);
		spoiler->done = true;
	}
	closedir(stream);
}

Test(backup, one_wrong_byte_in_the_copy_is_found_before_it_gets_its_name)
{
	static const struct {
		uint64_t seq;
		size_t at;
	} places[] = { { 1, 200 }, { 2, 0 }, { 77, 130 }, { 500, 40 }, { 999, 100 }, { 1500, 300 }, { 1999, 127 }, { 2000, 128 } };
	struct scene scene;
	scene_init(&scene);
	scene_fill(&scene, COMMITS);
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		struct spoiler spoiler = { &scene, places[i].seq, places[i].at, false };
		int error = scene_backup(&scene, 1, spoil, &spoiler);
		cr_assert(spoiler.done);
		cr_assert(error == -BAOPHU_EDAMAGED || error == -BAOPHU_EFORMAT, "record %llu: %d",
			  (unsigned long long)places[i].seq, error);
		cr_assert(strstr(scene.why, "record "), "%s", scene.why);
		cr_assert_str_empty(scene.backup.path);
		struct counts counts = scene_look(&scene);
		cr_assert(counts.whole == 0 && counts.parts == 0);
	}
	scene_must_backup(&scene, 1);
	scene_finish(&scene);
}

Test(backup, a_damaged_log_is_named_and_no_older_backup_goes_for_it)
{
	struct scene scene;
	scene_init(&scene);
	scene_fill(&scene, COMMITS);
	scene_must_backup(&scene, 1);
	flip(&scene, scene.data.directory, 700, 222);
	cr_assert_eq(scene_backup(&scene, 1, NULL, NULL), -BAOPHU_EDAMAGED);
	cr_assert(strstr(scene.why, "record "), "%s", scene.why);
	struct counts counts = scene_look(&scene);
	cr_assert(counts.whole == 1 && counts.parts == 0);
	scene_finish(&scene);
}

Test(backup, a_backup_that_lost_bytes_or_records_later_is_refused)
{
	struct scene scene;
	scene_init(&scene);
	scene_fill(&scene, COMMITS);
	scene_must_backup(&scene, 0);
	char path[BACKUP_PATH_BYTES + 64], renamed[BACKUP_PATH_BYTES + 64], why[BACKUP_WHY_BYTES];
	struct backup backup;
	snprintf(path, sizeof path, "%s", scene.backup.path);
	/* Under another name of ours it says something that it does not hold. */
	snprintf(renamed, sizeof renamed, "%.*s1999", (int)(strlen(path) - 4), path);
	cr_assert_eq(rename(path, renamed), 0);
	cr_assert_eq(backup_check(renamed, NULL, NULL, &backup, why), -BAOPHU_EDAMAGED);
	cr_assert(strstr(why, "2000"), "%s", why);
	cr_assert_eq(rename(renamed, path), 0);
	cr_assert_eq(backup_check(path, NULL, NULL, &backup, why), 0, "%s", why);
	flip(&scene, path, 1234, 333);
	cr_assert_eq(backup_check(path, NULL, NULL, &backup, why), -BAOPHU_EDAMAGED);
	scene_must_backup(&scene, 1);
	cr_assert_neq(strcmp(path, scene.backup.path), 0);
	snprintf(path, sizeof path, "%s", scene.backup.path);
	snprintf(renamed, sizeof renamed, "%s/log/00000000000000000001.mdb", path);
	cr_assert_eq(truncate(renamed, 100 * 4096), 0);
	cr_assert_eq(backup_check(path, NULL, NULL, &backup, why), -BAOPHU_EDAMAGED);
	scene_finish(&scene);
}

/* ---- keeping ---- */

Test(backup, only_the_newest_stay_and_never_fewer_than_one)
{
	struct scene scene;
	scene_init(&scene);
	for (int i = 0; i < 5; i++) {
		scene_fill(&scene, 1);
		scene_must_backup(&scene, 0);
	}
	cr_assert_eq(scene_look(&scene).whole, 5);
	scene_fill(&scene, 1);
	scene_must_backup(&scene, 3);
	cr_assert_eq(scene.backup.removed, 3);
	struct counts counts = scene_look(&scene);
	cr_assert_eq(counts.whole, 3);
	cr_assert(counts.newest_seq == 6 * RECORDS && counts.oldest_seq == 4 * RECORDS, "the oldest go");
	/* A clock that went back: the new one has the oldest time, and stays. */
	scene.now_ms = first_ms - 86400000;
	scene_fill(&scene, 1);
	scene_must_backup(&scene, 1);
	counts = scene_look(&scene);
	cr_assert(counts.whole == 1 && counts.newest_seq == 7 * RECORDS);
	scene_finish(&scene);
}

Test(backup, what_a_killed_run_left_is_removed_and_what_is_strange_is_named)
{
	struct scene scene;
	scene_init(&scene);
	scene_fill(&scene, 2);
	scene_must_backup(&scene, 0);
	char path[BACKUP_PATH_BYTES + 64];
	snprintf(path, sizeof path, "%s.part", scene.backup.path);
	cr_assert_eq(rename(scene.backup.path, path), 0);
	char why[BACKUP_WHY_BYTES];
	struct backup backup;
	cr_assert_eq(backup_check(path, NULL, NULL, &backup, why), -EINVAL);
	scene_must_backup(&scene, 0);
	cr_assert_eq(scene.backup.unfinished, 1);
	struct counts counts = scene_look(&scene);
	cr_assert(counts.whole == 1 && counts.parts == 0);

	snprintf(path, sizeof path, "%s/notes.txt", scene.to);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	close(fd);
	cr_assert_eq(scene_backup(&scene, 1, NULL, NULL), -EINVAL);
	cr_assert(strstr(scene.why, "notes.txt"), "%s", scene.why);
	unlink(path);
	snprintf(path, sizeof path, "%s/baophu-00112233-20240101T000000Z-7", scene.to);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_eq(scene_backup(&scene, 1, NULL, NULL), -EINVAL);
	cr_assert(strstr(scene.why, "another centre"), "%s", scene.why);
	cr_assert_eq(rmdir(path), 0);
	scene_must_backup(&scene, 0);
	scene.now_ms -= 1000;
	cr_assert_eq(scene_backup(&scene, 0, NULL, NULL), -EEXIST, "%s", scene.why);
	cr_assert_eq(scene_look(&scene).whole, 2);
	scene_finish(&scene);
}

Test(backup, directories_that_cannot_be_used_are_refused_in_words)
{
	struct scene scene;
	scene_init(&scene);
	char saved[sizeof scene.to], path[400];
	memcpy(saved, scene.to, sizeof saved);
	cr_assert_eq(scene_backup(&scene, 0, NULL, NULL), -BAOPHU_ENOTFOUND);
	cr_assert(strstr(scene.why, "there is no log in"), "%s", scene.why);
	struct log *log = fixture_must_open(&scene.data, 0, PREWRITE_NONE);
	log_close(log);
	cr_assert_eq(scene_backup(&scene, 0, NULL, NULL), -BAOPHU_ENOTFOUND);
	cr_assert(strstr(scene.why, "no record yet"), "%s", scene.why);
	scene_fill(&scene, 1);
	snprintf(scene.to, sizeof scene.to, "%s/x", scene.data.directory);
	cr_assert_eq(scene_backup(&scene, 0, NULL, NULL), -EINVAL);
	cr_assert(strstr(scene.why, "is not there"), "%s", scene.why);
	cr_assert_eq(mkdir(scene.to, 0700), 0);
	cr_assert_eq(scene_backup(&scene, 0, NULL, NULL), -EINVAL);
	cr_assert(strstr(scene.why, "inside the data directory"), "%s", scene.why);
	rmdir(scene.to);
	memcpy(scene.to, scene.data.directory, strlen(scene.data.directory) + 1);
	cr_assert_eq(scene_backup(&scene, 0, NULL, NULL), -EINVAL);
	fixture_path(&scene.data, "witness", path);
	snprintf(scene.to, sizeof scene.to, "%.270s", path);
	cr_assert_eq(scene_backup(&scene, 0, NULL, NULL), -EINVAL);
	memcpy(scene.to, saved, sizeof saved);
	cr_assert_eq(scene_look(&scene).whole, 0);
	scene_must_backup(&scene, 0);
	scene_finish(&scene);
}

/* ---- failing calls, full disks ---- */

static void fail_each(enum call call)
{
	struct scene scene;
	scene_init(&scene);
	scene_fill(&scene, 4);
	scene_must_backup(&scene, 0);
	int n = 1;
	for (;; n++) {
		fault.call = call;
		fault.countdown = n;
		fault.met = 0;
		int error = scene_backup(&scene, 1, NULL, NULL);
		bool met = fault.met > 0, is_made = scene.backup.path[0];
		fault.call = CALL_NONE;
		struct counts counts = scene_look(&scene);
		if (!met) {
			cr_assert_eq(error, 0);
			break;
		}
		/* What is flushed again later may fail once; what is made is whole, and then only older ones may still be there. */
		cr_assert(is_made || error, "call %d n %d", call, n);
		cr_assert(counts.whole && counts.whole + counts.parts == (is_made && error ? 2 : 1),
			  "call %d n %d: %d, %d whole, made %d", call, n, error, counts.whole, is_made);
		scene_must_backup(&scene, 1);
		counts = scene_look(&scene);
		cr_assert(counts.whole == 1 && counts.parts == 0);
	}
	cr_assert(n > 1, "the fault was never met");
	scene_finish(&scene);
}

Test(backup, a_failing_flush_rename_or_directory_leaves_what_was_there, .timeout = 120)
{
	fail_each(CALL_FSYNC);
	fail_each(CALL_RENAME);
	fail_each(CALL_MKDIR);
	fail_each(CALL_UNLINK); /* half removed it is no backup any more, by its name either */
}

Test(backup, a_full_disk_is_said_and_nothing_is_left_on_it, .timeout = 120)
{
	struct scene scene;
	scene_init(&scene);
	scene_fill(&scene, 100);
	/* Own mount namespace: nothing is left behind, whatever happens. */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", scene.to, "tmpfs", 0, "size=1m") < 0) {
		fprintf(stderr, "skipped: a file system cannot be mounted here (%s)\n", strerror(errno));
		scene_finish(&scene);
		return;
	}
	struct statvfs before, after;
	cr_assert_eq(statvfs(scene.to, &before), 0);
	int error = scene_backup(&scene, 1, NULL, NULL);
	cr_assert_eq(error, -BAOPHU_EFULL, "%d %s", error, scene.why);
	cr_assert(strstr(scene.why, "no room for the copy") && strstr(scene.why, " MiB were free"), "%s", scene.why);
	struct counts counts = scene_look(&scene);
	cr_assert(counts.whole == 0 && counts.parts == 0 && counts.others == 0);
	cr_assert_eq(statvfs(scene.to, &after), 0);
	cr_assert_eq(before.f_bfree, after.f_bfree);
	cr_assert_eq(mount(NULL, scene.to, NULL, MS_REMOUNT, "size=64m"), 0);
	scene_must_backup(&scene, 1);
	umount(scene.to);
	scene_finish(&scene);
}

Test(backup, on_the_disk_of_the_log_it_never_takes_the_room_that_the_log_needs)
{
	char base[] = "/tmp/baophu-log-XXXXXX";
	cr_assert_not_null(mkdtemp(base));
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", base, "tmpfs", 0, "size=60m") < 0) {
		fprintf(stderr, "skipped: a file system cannot be mounted here (%s)\n", strerror(errno));
		rmdir(base);
		return;
	}
	setenv("TMPDIR", base, 1);
	struct scene scene;
	scene_init(&scene);
	scene_fill(&scene, 10);
	cr_assert_eq(scene_backup(&scene, 1, NULL, NULL), -BAOPHU_EFULL);
	cr_assert(strstr(scene.why, "would take the room that the log needs"), "%s", scene.why);
	struct counts counts = scene_look(&scene);
	cr_assert(counts.whole == 0 && counts.parts == 0);
	cr_assert_eq(mount(NULL, base, NULL, MS_REMOUNT, "size=200m"), 0);
	scene_must_backup(&scene, 1);
	cr_assert(scene.backup.is_same_disk);
	scene_finish(&scene);
	umount(base);
	rmdir(base);
}

/* ---- while others append ---- */

/* Appends until it is killed. Returns its process when the log has begun. */
static pid_t start_appending(struct scene *scene)
{
	int begun[2];
	char byte;
	cr_assert_eq(pipe(begun), 0);
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		struct log *log = fixture_must_open(&scene->data, SMALL_SEGMENT, PREWRITE_NONE);
		for (uint32_t i = 0;; i++) {
			if (fixture_commit(log, 1 + i % 7, FACTS) || (i == 20 && write(begun[1], "x", 1) != 1))
				_exit(1);
		}
	}
	cr_assert_eq(read(begun[0], &byte, 1), 1);
	close(begun[0]);
	close(begun[1]);
	return pid;
}

static void end_process(pid_t pid, bool was_alive)
{
	int status;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	cr_assert(!was_alive || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL), "it ended before: %d", status);
}

Test(backup, is_whole_while_another_process_appends, .timeout = 120)
{
	struct scene scene;
	scene_init(&scene);
	pid_t appending = start_appending(&scene);
	uint64_t seq = 0;
	for (int i = 0; i < 40; i++) {
		scene_must_backup(&scene, 2);
		cr_assert(scene.backup.place.seq >= seq);
		seq = scene.backup.place.seq;
	}
	end_process(appending, true);
	struct counts counts = scene_look(&scene);
	cr_assert(counts.whole == 2 && counts.parts == 0);
	struct log *log = fixture_must_open(&scene.data, SMALL_SEGMENT, PREWRITE_NONE);
	struct log_reader *reader;
	struct baophu_place place;
	cr_assert_eq(log_reader_open(log, &reader), 0);
	cr_assert_eq(log_place(reader, seq, &place), 0);
	cr_assert_eq(memcmp(&place, &scene.backup.place, sizeof place), 0);
	log_reader_close(reader);
	log_close(log);
	scene_finish(&scene);
}

Test(backup, killed_at_any_moment_it_is_whole_or_not_there, .timeout = 120)
{
	struct scene scene;
	scene_init(&scene);
	scene_fill(&scene, 200);
	scene_must_backup(&scene, 0);
	pid_t appending = start_appending(&scene);
	unsigned random = 12345;
	int killed = 0;
	uint64_t newest = scene.backup.place.seq;
	for (int round = 0; round < 40; round++) {
		pid_t copying = fork();
		if (!copying)
			_exit(scene_backup(&scene, 2, NULL, NULL) ? 1 : 0);
		random = random * 1103515245u + 12345u;
		nanosleep(&(struct timespec){ .tv_nsec = (long)(random >> 8) % 60000 * 1000 }, NULL);
		int status;
		kill(copying, SIGKILL);
		waitpid(copying, &status, 0);
		killed += WIFSIGNALED(status);
		cr_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
		scene.now_ms += 1000;
		struct counts counts = scene_look(&scene);
		cr_assert(counts.whole >= 1 && counts.others == 0 && counts.newest_seq >= newest);
		newest = counts.newest_seq;
	}
	cr_assert(killed >= 10, "%d", killed);
	scene_must_backup(&scene, 2);
	struct counts counts = scene_look(&scene);
	cr_assert(counts.whole == 2 && counts.parts == 0);
	end_process(appending, true);
	struct log *log = fixture_must_open(&scene.data, SMALL_SEGMENT, PREWRITE_NONE);
	cr_assert(fixture_read_all(log) > scene.backup.place.seq);
	log_close(log);
	scene_finish(&scene);
}

/* Else the pages that it was reading would never be used again, and the log would grow for it. */
Test(backup, who_was_killed_while_reading_is_forgotten)
{
	struct scene scene;
	scene_init(&scene);
	struct log *log = fixture_must_open(&scene.data, 0, PREWRITE_NONE);
	fixture_must_commit(log, 50, 1, 1);
	int ready[2];
	char byte, path[400];
	cr_assert_eq(pipe(ready), 0);
	pid_t reading = fork();
	if (!reading) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		char directory[400];
		struct log_config config = { .directory = directory, .access = LOG_BESIDE };
		struct log_reader *reader;
		struct log *beside;
		const char *why;
		const void *record;
		size_t bytes;
		fixture_path(&scene.data, "", directory);
		/* a fresh program, as in life: what was forked of LMDB here is not used */
		if (log_open(&config, &beside, &why) || log_reader_open(beside, &reader) ||
		    log_read(reader, 50, true, &record, &bytes) || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	end_process(reading, true);
	struct stat before, after;
	fixture_path(&scene.data, "00000000000000000001.mdb", path);
	fixture_must_commit(log, 1100, 1, 1);
	cr_assert_eq(stat(path, &before), 0);
	fixture_must_commit(log, 400, 1, 1);
	cr_assert_eq(stat(path, &after), 0);
	cr_assert_lt(after.st_size - before.st_size, 400 * 4096 / 2, "%lld bytes", (long long)(after.st_size - before.st_size));
	log_close(log);
	scene_finish(&scene);
}

/* A backup that root makes must not keep the daemon's own user out of its files. */
Test(backup, the_table_of_readers_belongs_to_the_owner_of_the_log)
{
	struct scene scene;
	struct stat status;
	char path[400];
	enum { NOBODY = 65534 };
	scene_init(&scene);
	scene_fill(&scene, 2);
	fixture_path(&scene.data, "00000000000000000001.mdb-lock", path);
	unlink(path);
	fixture_path(&scene.data, "00000000000000000001.mdb", path);
	if (chown(path, NOBODY, NOBODY) < 0) {
		fprintf(stderr, "skipped: not root\n");
		scene_finish(&scene);
		return;
	}
	scene_must_backup(&scene, 0);
	fixture_path(&scene.data, "00000000000000000001.mdb-lock", path);
	cr_assert_eq(stat(path, &status), 0);
	cr_assert(status.st_uid == NOBODY && (status.st_mode & 0777) == 0600);
	scene_finish(&scene);
}

Test(backup, one_at_a_time_into_a_directory)
{
	struct scene scene;
	scene_init(&scene);
	scene_fill(&scene, 2);
	int there[2], done[2];
	char byte;
	cr_assert(!pipe(there) && !pipe(done));
	pid_t other = fork();
	if (!other) {
		close(done[1]);
		int directory = open(scene.to, O_RDONLY | O_DIRECTORY);
		_exit(flock(directory, LOCK_EX) || write(there[1], "x", 1) != 1 || read(done[0], &byte, 1) < 0);
	}
	cr_assert_eq(read(there[0], &byte, 1), 1);
	cr_assert_eq(scene_backup(&scene, 0, NULL, NULL), -BAOPHU_EINUSE);
	close(done[1]);
	int status;
	waitpid(other, &status, 0);
	scene_must_backup(&scene, 0);
	scene_finish(&scene);
}
