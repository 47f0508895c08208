/* spool_power.c - the power is cut under a spool: after any call, with any part of what was not flushed on the disk, in any order, torn at
 * sectors of 512 bytes. What was said to be saved is there, in order and right; what was being saved is there whole or not at all.
 *
 *   spool_power IMAGES [SEED]                 so many disks are looked at
 *   spool_power --without-flush IMAGES [SEED] the same when flushes of records do nothing: must find a loss, or the test shows nothing
 *
 * The calls of spool.c that change files are wrapped at link time, done, and kept in a model of the disk: for each file what is durable and
 * what was written since the last flush, for the directory the same of its names. An image of the disk is built from that into another
 * directory, where the spool is opened as after a start.
 */
#include "spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <baophu/status.h>

enum {
	FILES_MAX = 512,
	FDS_MAX = 256,
	NAMES_MAX = 64,
	SECTOR = 512,
	GROUPS = 70,
	GROUP_RECORDS = 5,
	RECORD_MAX = 5000,
	LOSSES_SAID = 10
};
enum { HEAD = 1, RECORD = 2 };

/* ---- the model of a disk ---- */

struct change { /* a write, or a new size of the file */
	uint64_t at;
	uint8_t *bytes; /* NULL: `at` is the size */
	size_t size;
};
struct content {
	uint8_t *bytes;
	size_t written, room; /* bytes behind `written` are zeros */
	uint64_t size;
};
struct file {
	struct content durable;
	struct change *changes; /* not durable */
	size_t change_count, change_room;
};
struct name {
	char text[SPOOL_FILE_NAME_BYTES];
	int file; /* -1: none */
};
struct renaming { /* a name is given to a file, or taken away; of a rename both at once */
	struct name set;
	char gone[SPOOL_FILE_NAME_BYTES];
};
static struct disk {
	struct file files[FILES_MAX];
	int file_count;
	struct name durable[NAMES_MAX], now[NAMES_MAX];
	int durable_count, now_count;
	struct renaming renamings[NAMES_MAX]; /* not durable */
	int renaming_count;
	int of_fd[FDS_MAX]; /* file, -1 */
	bool is_recording, is_without_flush;
} disk;

static struct {
	char directory[64], image[64];
	uint64_t random;
	uint64_t confirmed; /* number after the last record that was said to be saved */
	uint64_t kept_from; /* of what was pruned, the oldest that must be there */
	uint64_t ends[GROUPS * 2]; /* numbers after each group that was begun, in order */
	int end_count;
	uint32_t images, losses;
	uint32_t images_wanted;
} run;

static void die(const char *what)
{
	fprintf(stderr, "spool_power: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint64_t next_random(void)
{
	run.random ^= run.random << 13;
	run.random ^= run.random >> 7;
	run.random ^= run.random << 17;
	return run.random;
}

static void apply(struct content *content, const struct change *change, bool is_torn, unsigned chance)
{
	if (!change->bytes) {
		content->size = change->at;
		if (content->written > content->size)
			content->written = content->size;
		return;
	}
	for (size_t done = 0; done < change->size;) {
		size_t sector = SECTOR - (change->at + done) % SECTOR;
		size_t size = sector < change->size - done ? sector : change->size - done;
		uint64_t at = change->at + done;
		done += size;
		if (is_torn && next_random() % 100 >= chance)
			continue;
		if (at + size > content->size)
			content->size = at + size;
		if (at + size > content->room) {
			content->room = (at + size) * 2;
			content->bytes = realloc(content->bytes, content->room);
			if (!content->bytes)
				die("memory");
		}
		if (at + size > content->written) {
			memset(content->bytes + content->written, 0, at + size - content->written);
			content->written = at + size;
		}
		memcpy(content->bytes + at, change->bytes + (at - change->at), size);
	}
}

static void make_durable(struct file *file)
{
	for (size_t i = 0; i < file->change_count; i++) {
		apply(&file->durable, &file->changes[i], false, 0);
		free(file->changes[i].bytes);
	}
	file->change_count = 0;
}

static void add_change(int fd, uint64_t at, const void *bytes, size_t size)
{
	if (!disk.is_recording || fd >= FDS_MAX || disk.of_fd[fd] < 0)
		return;
	struct file *file = &disk.files[disk.of_fd[fd]];
	if (file->change_count == file->change_room) {
		file->change_room = file->change_room * 2 + 16;
		file->changes = realloc(file->changes, file->change_room * sizeof *file->changes);
	}
	struct change *change = &file->changes[file->change_count++];
	*change = (struct change){ .at = at, .size = size };
	if (bytes) {
		change->bytes = malloc(size + 1);
		memcpy(change->bytes, bytes, size);
	}
}

static int find_name(struct name *names, int count, const char *text)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i].text, text) == 0)
			return i;
	return -1;
}

static void rename_in(struct name *names, int *count, const struct renaming *renaming)
{
	int gone = *renaming->gone ? find_name(names, *count, renaming->gone) : -1;
	if (gone >= 0)
		names[gone] = names[--*count];
	if (renaming->set.file < 0)
		return;
	int at = find_name(names, *count, renaming->set.text);
	if (at < 0 && *count == NAMES_MAX)
		die("too many names");
	names[at < 0 ? (*count)++ : at] = renaming->set;
}

static void add_renaming(const char *set, int file, const char *gone)
{
	struct renaming *renaming = &disk.renamings[disk.renaming_count++];
	if (disk.renaming_count == NAMES_MAX)
		die("too many renamings");
	*renaming = (struct renaming){ .set.file = file };
	snprintf(renaming->set.text, sizeof renaming->set.text, "%s", set);
	snprintf(renaming->gone, sizeof renaming->gone, "%s", gone);
	rename_in(disk.now, &disk.now_count, renaming);
}

/* ---- looking at disks ---- */

static void fill(uint8_t *bytes, size_t size, uint64_t number)
{
	uint64_t state = number * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (size_t i = 0; i < size; i++) {
		state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		bytes[i] = (uint8_t)(state >> 56);
	}
}

static void write_image(void)
{
	struct name names[NAMES_MAX];
	int count = disk.durable_count;
	unsigned chance = (unsigned[]){ 0, 100, 50, 90, 10 }[next_random() % 5];
	memcpy(names, disk.durable, sizeof names);
	for (int i = 0; i < disk.renaming_count; i++)
		if (next_random() % 100 < chance)
			rename_in(names, &count, &disk.renamings[i]);
	for (int i = 0; i < count; i++) {
		const struct file *file = &disk.files[names[i].file];
		struct content content = { .written = file->durable.written, .size = file->durable.size };
		char path[128];
		content.room = content.written + 1;
		content.bytes = malloc(content.room);
		memcpy(content.bytes, file->durable.bytes ? file->durable.bytes : (const uint8_t *)"", content.written);
		for (size_t change = 0; change < file->change_count; change++)
			if (file->changes[change].bytes || next_random() % 100 < chance)
				apply(&content, &file->changes[change], true, chance);
		snprintf(path, sizeof path, "%s/%.31s", run.image, names[i].text);
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		if (fd < 0 || write(fd, content.bytes, content.written) != (ssize_t)content.written ||
		    ftruncate(fd, (off_t)content.size) < 0)
			die(path);
		close(fd);
		free(content.bytes);
	}
}

static void clear(const char *directory)
{
	DIR *list = opendir(directory);
	for (const struct dirent *found; list && (found = readdir(list));)
		if (found->d_name[0] != '.')
			unlinkat(dirfd(list), found->d_name, 0);
	if (list)
		closedir(list);
}

static void lose(const char *what, uint64_t number)
{
	run.losses++;
	if (!disk.is_without_flush && run.losses <= LOSSES_SAID)
		fprintf(stderr, "spool_power: image %u: %s %llu; said to be saved: up to %llu\n", run.images, what,
			(unsigned long long)number, (unsigned long long)run.confirmed);
}

/* Opens the image as after a start, and holds it to what was said. */
static void look(void)
{
	struct spool *spool;
	struct spool_damage damage;
	struct spool_cursor *cursor;
	struct spool_record record;
	static uint8_t bytes[RECORD_MAX + 64];
	run.images++;
	int error = spool_open(run.image, &spool, &damage);
	if (error) {
		lose(baophu_strerror(error), damage.number);
		return;
	}
	uint64_t next = spool_standing(spool)->next, number = spool_standing(spool)->first;
	bool is_end = next == 1;
	for (int i = 0; i < run.end_count && !is_end; i++)
		is_end = run.ends[i] == next;
	if (next < run.confirmed)
		lose("records are missing from", next);
	if (!is_end)
		lose("half a group is there, up to", next);
	if (number > run.kept_from)
		lose("the oldest is", number);
	if (spool_standing(spool)->segments && spool_cursor_open(spool, 0, &cursor) == 0) {
		int got;
		while ((got = spool_cursor_next(cursor, &record)) == 1) {
			fill(bytes, record.size, record.number);
			if (record.number != number++ || record.size > RECORD_MAX || memcmp(bytes, record.bytes, record.size) != 0)
				lose("another record", record.number);
		}
		if (got < 0 || number != next)
			lose("it cannot be read at", number);
		spool_cursor_close(cursor);
		/* and it goes on from there */
		fill(bytes, 100, next);
		const struct spool_record more = { .type = RECORD, .bytes = bytes, .size = 100 };
		if (spool_save(spool, &more, 1, NULL) != 0)
			lose("nothing more can be saved after", next);
	}
	spool_close(spool);
}

/* The power may be cut here. */
static void maybe_cut(void)
{
	if (!disk.is_recording || !run.end_count)
		return;
	disk.is_recording = false;
	int saved_errno = errno;
	/* spread over all calls of all rounds */
	for (int i = 0; i < 3 && run.images < run.images_wanted; i++) {
		write_image();
		look();
		clear(run.image);
	}
	errno = saved_errno;
	disk.is_recording = true;
}

/* ---- the calls ---- */

static int remember_open(int fd, const char *path, int flags)
{
	if (!disk.is_recording || fd < 0 || fd >= FDS_MAX)
		return fd;
	int at = find_name(disk.now, disk.now_count, path);
	disk.of_fd[fd] = at < 0 ? -1 : disk.now[at].file;
	if (at < 0 && flags & O_CREAT) {
		if (disk.file_count == FILES_MAX)
			die("too many files");
		disk.of_fd[fd] = disk.file_count;
		add_renaming(path, disk.file_count++, "");
	} else if (at >= 0 && flags & O_TRUNC) {
		add_change(fd, 0, NULL, 0);
	}
	return fd;
}

int __real_openat(int directory, const char *path, int flags, ...);
int __wrap_openat(int directory, const char *path, int flags, ...);
int __wrap_openat(int directory, const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	unsigned mode = flags & O_CREAT ? va_arg(arguments, unsigned) : 0;
	va_end(arguments);
	return remember_open(__real_openat(directory, path, flags, mode), path, flags);
}

/* What openat becomes where the flags are no constant and the compiler checks them. */
int __wrap___openat_2(int directory, const char *path, int flags);
int __wrap___openat_2(int directory, const char *path, int flags)
{
	return remember_open(__real_openat(directory, path, flags), path, flags);
}

ssize_t __real_pwrite(int fd, const void *bytes, size_t size, off_t at);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t at);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t at)
{
	ssize_t put = __real_pwrite(fd, bytes, size, at);
	if (put > 0)
		add_change(fd, (uint64_t)at, bytes, (size_t)put);
	maybe_cut();
	return put;
}

int __real_fallocate(int fd, int mode, off_t at, off_t size);
int __wrap_fallocate(int fd, int mode, off_t at, off_t size);
int __wrap_fallocate(int fd, int mode, off_t at, off_t size)
{
	int result = __real_fallocate(fd, mode, at, size);
	if (result == 0)
		add_change(fd, (uint64_t)(at + size), NULL, 0);
	maybe_cut();
	return result;
}

int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size)
{
	int result = __real_ftruncate(fd, size);
	if (result == 0)
		add_change(fd, (uint64_t)size, NULL, 0);
	maybe_cut();
	return result;
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
	int result = __real_fdatasync(fd);
	if (result == 0 && disk.is_recording && fd < FDS_MAX && disk.of_fd[fd] >= 0 && !disk.is_without_flush)
		make_durable(&disk.files[disk.of_fd[fd]]);
	maybe_cut();
	return result;
}

/* Of directories only. */
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	int result = __real_fsync(fd);
	if (result == 0 && disk.is_recording) {
		memcpy(disk.durable, disk.now, sizeof disk.now);
		disk.durable_count = disk.now_count;
		disk.renaming_count = 0;
	}
	maybe_cut();
	return result;
}

int __real_renameat(int old_directory, const char *old_path, int new_directory, const char *new_path);
int __wrap_renameat(int old_directory, const char *old_path, int new_directory, const char *new_path);
int __wrap_renameat(int old_directory, const char *old_path, int new_directory, const char *new_path)
{
	int result = __real_renameat(old_directory, old_path, new_directory, new_path);
	if (result == 0 && disk.is_recording)
		add_renaming(new_path, disk.now[find_name(disk.now, disk.now_count, old_path)].file, old_path);
	maybe_cut();
	return result;
}

int __real_unlinkat(int directory, const char *path, int flags);
int __wrap_unlinkat(int directory, const char *path, int flags);
int __wrap_unlinkat(int directory, const char *path, int flags)
{
	int result = __real_unlinkat(directory, path, flags);
	if (result == 0 && disk.is_recording)
		add_renaming("", -1, path);
	maybe_cut();
	return result;
}

/* ---- one life of a spool ---- */

static struct spool *must_open(void)
{
	struct spool *spool;
	struct spool_damage damage;
	int error = spool_open(run.directory, &spool, &damage);
	if (error) {
		errno = error > -1000 ? -error : EIO;
		die("the spool that is written");
	}
	return spool;
}

static void begin_segment(struct spool *spool)
{
	static uint8_t bytes[300];
	size_t size = next_random() % sizeof bytes;
	fill(bytes, size, spool_standing(spool)->next);
	run.ends[run.end_count++] = spool_standing(spool)->next + 1;
	if (spool_begin_segment(spool, &(struct spool_record){ .type = HEAD, .bytes = bytes, .size = size }) != 0)
		die("a segment");
	run.confirmed = spool_standing(spool)->next;
}

static void save(struct spool *spool)
{
	static uint8_t bytes[GROUP_RECORDS][RECORD_MAX];
	struct spool_record records[GROUP_RECORDS];
	size_t count = 1 + next_random() % GROUP_RECORDS, most = next_random() % 4 ? 200 : RECORD_MAX;
	for (size_t i = 0; i < count; i++) {
		records[i] = (struct spool_record){ .type = RECORD, .bytes = bytes[i], .size = next_random() % most };
		fill(bytes[i], records[i].size, spool_standing(spool)->next + i);
	}
	run.ends[run.end_count++] = spool_standing(spool)->next + count;
	if (spool_save(spool, records, count, NULL) != 0)
		die("a group");
	run.confirmed = spool_standing(spool)->next;
}

/* Saves, begins segments, prunes, opens again. */
static void live(void)
{
	for (int i = 0; i < disk.file_count; i++) {
		make_durable(&disk.files[i]);
		free(disk.files[i].durable.bytes);
		free(disk.files[i].changes);
	}
	bool is_without_flush = disk.is_without_flush;
	disk = (struct disk){ .is_recording = true, .is_without_flush = is_without_flush };
	memset(disk.of_fd, -1, sizeof disk.of_fd);
	run.confirmed = run.kept_from = 1;
	run.end_count = 0;
	struct spool *spool = must_open();
	begin_segment(spool);
	for (int i = 0; i < GROUPS && run.images < run.images_wanted; i++) {
		save(spool);
		if (next_random() % 14 == 0)
			begin_segment(spool);
		if (next_random() % 25 == 0 && spool_standing(spool)->segments > 2) {
			run.kept_from = spool_segment_first(spool, 1);
			if (spool_prune(spool, run.kept_from) != 0)
				die("pruning");
		}
		if (next_random() % 30 == 0) {
			spool_close(spool);
			spool = must_open();
		}
	}
	spool_close(spool);
	disk.is_recording = false;
	clear(run.directory);
}

int main(int argc, char **argv)
{
	disk.is_without_flush = argc > 1 && strcmp(argv[1], "--without-flush") == 0;
	argv += disk.is_without_flush;
	argc -= disk.is_without_flush;
	run.images_wanted = argc > 1 ? (uint32_t)atoi(argv[1]) : 0;
	run.random = argc > 2 ? strtoull(argv[2], NULL, 10) : 20240430;
	if (!run.images_wanted || !run.random) {
		fprintf(stderr, "usage: spool_power [--without-flush] IMAGES [SEED]\n");
		return 64;
	}
	const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(run.directory, sizeof run.directory, "%s/baophu-power-XXXXXX", parent);
	snprintf(run.image, sizeof run.image, "%s/baophu-image-XXXXXX", parent);
	if (!mkdtemp(run.directory) || !mkdtemp(run.image))
		die(parent);
	uint64_t seed = run.random;
	while (run.images < run.images_wanted && (!disk.is_without_flush || !run.losses))
		live();
	rmdir(run.directory);
	rmdir(run.image);
	printf("%u disks after a power cut, seed %llu: %u losses\n", run.images, (unsigned long long)seed, run.losses);
	return (run.losses != 0) == disk.is_without_flush ? 0 : 1;
}
