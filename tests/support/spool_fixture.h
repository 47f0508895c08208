/* spool_fixture.h - what the tests of the spool share: a directory that goes away, and records that say themselves what they should be. */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <baophu/baophu.h>
#include <criterion/criterion.h>

#include "spool.h"

enum { FIXTURE_HEAD = 1, FIXTURE_RECORD = 2, FIXTURE_GROUP_MAX = 64 };

struct fixture {
	char directory[256];
};

static inline void fixture_init(struct fixture *fixture)
{
	const char *base = getenv("TMPDIR");
	snprintf(fixture->directory, sizeof fixture->directory, "%s/baophu-spool-XXXXXX", base ? base : "/tmp");
	cr_assert_not_null(mkdtemp(fixture->directory));
}

static inline void fixture_empty(const char *directory)
{
	DIR *stream = opendir(directory);
	if (!stream)
		return;
	const struct dirent *found;
	while ((found = readdir(stream))) {
		if (found->d_name[0] != '.')
			unlinkat(dirfd(stream), found->d_name, 0);
	}
	closedir(stream);
}

static inline void fixture_finish(struct fixture *fixture)
{
	fixture_empty(fixture->directory);
	rmdir(fixture->directory);
}

/* The file of the segment that begins with record `first`. */
static inline void fixture_path(const struct fixture *fixture, uint64_t first, char ret_path[static 320])
{
	snprintf(ret_path, 320, "%s/%020llu.spool", fixture->directory, (unsigned long long)first);
}

static inline struct spool *fixture_open(const struct fixture *fixture)
{
	struct spool *spool = NULL;
	struct spool_damage damage;
	int error = spool_open(fixture->directory, &spool, &damage);
	cr_assert_eq(error, 0, "spool_open: %d %s at %s:%llu", error, baophu_strerror(error), damage.file,
		     (unsigned long long)damage.offset);
	return spool;
}

/* The bytes that record `number` of `size` bytes must have. */
static inline void fixture_fill(uint8_t *bytes, size_t size, uint64_t number)
{
	uint64_t state = number * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (size_t i = 0; i < size; i++) {
		state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		bytes[i] = (uint8_t)(state >> 56);
	}
}

static inline int fixture_begin(struct spool *spool)
{
	uint8_t bytes[24];
	fixture_fill(bytes, sizeof bytes, spool_standing(spool)->next);
	return spool_begin_segment(spool, &(struct spool_record){ .type = FIXTURE_HEAD, .bytes = bytes, .size = sizeof bytes });
}

/* Saves `count` records of `size` bytes, and one byte more each; in a new segment when they must be. */
static inline int fixture_save(struct spool *spool, size_t count, size_t size)
{
	struct spool_record records[FIXTURE_GROUP_MAX];
	uint8_t *bytes = malloc(count * (size + count) + 1), *at = bytes;
	int error = 0;
	if (!spool_has_room(spool, spool_group_bytes(count, count * (size + count))))
		error = fixture_begin(spool);
	for (size_t i = 0; i < count; i++) {
		fixture_fill(at, size + i, spool_standing(spool)->next + i);
		records[i] = (struct spool_record){ .type = FIXTURE_RECORD, .bytes = at, .size = size + i };
		at += size + i;
	}
	if (!error)
		error = spool_save(spool, records, count, NULL);
	free(bytes);
	return error;
}

/* True when the record says what it must. */
static inline bool fixture_is_right(const struct spool_record *record)
{
	uint8_t *bytes = malloc(record->size + 1);
	fixture_fill(bytes, record->size, record->number);
	bool is_right = memcmp(bytes, record->bytes, record->size) == 0 &&
			record->type == (record->begins_segment ? FIXTURE_HEAD : FIXTURE_RECORD);
	free(bytes);
	return is_right;
}

/* Reads everything kept, which must be right and dense; returns the number after the last. */
static inline uint64_t fixture_read_all(struct spool *spool)
{
	struct spool_cursor *cursor;
	struct spool_record record;
	uint64_t next = spool_standing(spool)->first;
	int got;
	if (!spool_standing(spool)->segments)
		return next;
	cr_assert_eq(spool_cursor_open(spool, 0, &cursor), 0);
	while ((got = spool_cursor_next(cursor, &record)) == 1) {
		cr_assert_eq(record.number, next++);
		cr_assert(fixture_is_right(&record), "record %llu is another", (unsigned long long)record.number);
	}
	cr_assert_eq(got, 0, "%d at %s:%llu", got, spool_cursor_damage(cursor)->file,
		     (unsigned long long)spool_cursor_damage(cursor)->offset);
	spool_cursor_close(cursor);
	return next;
}
