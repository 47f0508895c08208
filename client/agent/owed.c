/* owed.c - see owed.h. */
#include "owed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool.h"

enum { FILE_NAME_BYTES = 40 };
#define TOLD ".told"

struct owed {
	char *path;
	int dir; /* -1: the disk had no room for it */
	uint64_t *batches; /* awaited, ascending */
	size_t count, capacity;
};

static void file_name(uint64_t batch, bool is_told, char name[static FILE_NAME_BYTES])
{
	snprintf(name, FILE_NAME_BYTES, "%020llu%s", (unsigned long long)batch, is_told ? TOLD : "");
}

/* What a file's name says; false: it is none of ours. */
static bool parse_name(const char *name, uint64_t *ret_batch, bool *ret_is_told)
{
	char *end;
	if (strspn(name, "0123456789") != 20)
		return false;
	*ret_batch = strtoull(name, &end, 10);
	*ret_is_told = strcmp(end, TOLD) == 0;
	return *ret_is_told || !*end;
}

static size_t place_of(const struct owed *owed, uint64_t batch)
{
	size_t low = 0, high = owed->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (owed->batches[middle] < batch)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int insert(struct owed *owed, uint64_t batch)
{
	size_t at = place_of(owed, batch);
	if (at < owed->count && owed->batches[at] == batch)
		return 0;
	if (owed->count == owed->capacity) {
		size_t capacity = owed->capacity ? 2 * owed->capacity : 16;
		uint64_t *grown = realloc(owed->batches, capacity * sizeof *grown);
		if (!grown)
			return -ENOMEM;
		owed->batches = grown;
		owed->capacity = capacity;
	}
	memmove(&owed->batches[at + 1], &owed->batches[at], (owed->count - at) * sizeof *owed->batches);
	owed->batches[at] = batch;
	owed->count++;
	return 0;
}

static void take_out(struct owed *owed, uint64_t batch)
{
	size_t at = place_of(owed, batch);
	if (at == owed->count || owed->batches[at] != batch)
		return;
	owed->count--;
	memmove(&owed->batches[at], &owed->batches[at + 1], (owed->count - at) * sizeof *owed->batches);
}

/* Calls `act` for each of our files. */
static int for_each(struct owed *owed, int (*act)(struct owed *owed, uint64_t batch, bool is_told, uint64_t limit), uint64_t limit)
{
	if (owed->dir < 0)
		return 0;
	int fd = openat(owed->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	if (!stream) {
		error = -errno;
		if (fd >= 0)
			close(fd);
		return error;
	}
	for (struct dirent *entry; !error && (entry = readdir(stream));) {
		uint64_t batch;
		bool is_told;
		if (parse_name(entry->d_name, &batch, &is_told))
			error = act(owed, batch, is_told, limit);
	}
	closedir(stream);
	return error;
}

static int note(struct owed *owed, uint64_t batch, bool is_told, uint64_t limit)
{
	(void)limit;
	return is_told ? 0 : insert(owed, batch);
}

static int open_directory(struct owed *owed)
{
	if (mkdir(owed->path, 0700) != 0 && errno != EEXIST)
		return -errno;
	owed->dir = open(owed->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return owed->dir < 0 ? -errno : 0;
}

int owed_open(const char *dir, struct owed **ret_owed)
{
	struct owed *owed = calloc(1, sizeof *owed);
	if (!owed)
		return -ENOMEM;
	owed->dir = -1;
	owed->path = strdup(dir);
	int error = owed->path ? open_directory(owed) : -ENOMEM;
	if (spool_is_no_room(error))
		error = 0;
	if (!error)
		error = for_each(owed, note, 0);
	if (error) {
		owed_close(owed);
		return error;
	}
	*ret_owed = owed;
	return 0;
}

void owed_close(struct owed *owed)
{
	if (!owed)
		return;
	if (owed->dir >= 0)
		close(owed->dir);
	free(owed->batches);
	free(owed->path);
	free(owed);
}

int owed_add(struct owed *owed, uint64_t batch, const char *name, bool is_of_folder)
{
	char at[FILE_NAME_BYTES], text[INBOX_NAME_BYTES + 16];
	int bytes = snprintf(text, sizeof text, "%c %.255s", is_of_folder ? 'F' : 'C', name);
	int opened = owed->dir < 0 ? open_directory(owed) : 0;
	if (opened)
		return opened;
	file_name(batch, false, at);
	/* Whole or not at all: made under another name. */
	int fd = openat(owed->dir, "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ssize_t written = write(fd, text, (size_t)bytes);
	int error = written == bytes ? 0 : written < 0 ? -errno : -ENOSPC;
	if (!error && fsync(fd) != 0)
		error = -errno;
	close(fd);
	if (!error && (renameat(owed->dir, "new", owed->dir, at) != 0 || fsync(owed->dir) != 0))
		error = -errno;
	return error ? error : insert(owed, batch);
}

void owed_take_back(struct owed *owed, uint64_t batch)
{
	char at[FILE_NAME_BYTES];
	file_name(batch, false, at);
	unlinkat(owed->dir, at, 0);
	take_out(owed, batch);
}

static int take_back(struct owed *owed, uint64_t batch, bool is_told, uint64_t first)
{
	if (batch >= first && !is_told)
		owed_take_back(owed, batch);
	return 0;
}

int owed_take_back_from(struct owed *owed, uint64_t first) { return for_each(owed, take_back, first); }

bool owed_has(const struct owed *owed, uint64_t batch)
{
	size_t at = place_of(owed, batch);
	return at < owed->count && owed->batches[at] == batch;
}

bool owed_next(const struct owed *owed, uint64_t after, uint64_t *ret_batch)
{
	size_t at = after == UINT64_MAX ? owed->count : place_of(owed, after + 1);
	if (at == owed->count)
		return false;
	*ret_batch = owed->batches[at];
	return true;
}

int owed_read(const struct owed *owed, uint64_t batch, char ret_name[static INBOX_NAME_BYTES], bool *ret_is_of_folder)
{
	char at[FILE_NAME_BYTES], text[INBOX_NAME_BYTES + 16];
	file_name(batch, false, at);
	int fd = openat(owed->dir, at, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t bytes = read(fd, text, sizeof text - 1);
	int error = bytes < 0 ? -errno : bytes < 3 || text[1] != ' ' ? -EINVAL : 0;
	close(fd);
	if (error)
		return error;
	text[bytes] = '\0';
	*ret_is_of_folder = text[0] == 'F';
	snprintf(ret_name, INBOX_NAME_BYTES, "%.255s", text + 2);
	return 0;
}

int owed_settle(struct owed *owed, uint64_t batch)
{
	char from[FILE_NAME_BYTES], to[FILE_NAME_BYTES];
	file_name(batch, false, from);
	file_name(batch, true, to);
	if (renameat(owed->dir, from, owed->dir, to) != 0 && errno != ENOENT)
		return -errno;
	take_out(owed, batch);
	return 0;
}

int owed_await(struct owed *owed, uint64_t batch)
{
	char old[FILE_NAME_BYTES], new[FILE_NAME_BYTES];
	file_name(batch, true, old);
	file_name(batch, false, new);
	return renameat(owed->dir, old, owed->dir, new) == 0 ? insert(owed, batch) : -errno;
}

static int await_again(struct owed *owed, uint64_t batch, bool is_told, uint64_t from)
{
	return is_told && batch >= from ? owed_await(owed, batch) : 0;
}

int owed_await_again(struct owed *owed, uint64_t from) { return for_each(owed, await_again, from); }

static int prune(struct owed *owed, uint64_t batch, bool is_told, uint64_t below)
{
	char name[FILE_NAME_BYTES];
	if (!is_told || batch >= below)
		return 0;
	file_name(batch, true, name);
	return unlinkat(owed->dir, name, 0) == 0 ? 0 : -errno;
}

int owed_prune(struct owed *owed, uint64_t below) { return for_each(owed, prune, below); }
