/* log_fixture.h - what the tests of the log share: a directory that goes away, and records to fill a log with. */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "log.h"
#include "record.h"

enum { PREWRITE_NONE = 1 };

struct fixture {
	char directory[256];
};

/* Makes the records of one history differ from those of another, of the same sizes. */
static uint64_t fixture_salt;

static inline void fixture_init(struct fixture *fixture)
{
	const char *base = getenv("TMPDIR");
	snprintf(fixture->directory, sizeof fixture->directory, "%s/baophu-log-XXXXXX", base ? base : "/tmp");
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
	char path[300];
	snprintf(path, sizeof path, "%s/log", fixture->directory);
	fixture_empty(path);
	rmdir(path);
	fixture_empty(fixture->directory);
	rmdir(fixture->directory);
}

static inline void fixture_path(const struct fixture *fixture, const char *name, char ret_path[static 400])
{
	snprintf(ret_path, 400, "%s/log/%s", fixture->directory, name);
}

static inline int fixture_open(const struct fixture *fixture, uint64_t segment_bytes, uint64_t prewrite_bytes, struct log **ret_log,
			       const char **ret_why)
{
	char path[400];
	snprintf(path, sizeof path, "%s/log", fixture->directory);
	struct log_config config = { .directory = path, .segment_bytes = segment_bytes, .prewrite_bytes = prewrite_bytes };
	return log_open(&config, ret_log, ret_why);
}

static inline struct log *fixture_must_open(const struct fixture *fixture, uint64_t segment_bytes, uint64_t prewrite_bytes)
{
	struct log *log = NULL;
	const char *why = NULL;
	int rc = fixture_open(fixture, segment_bytes, prewrite_bytes, &log, &why);
	cr_assert_eq(rc, 0, "log_open: %d %s", rc, why);
	return log;
}

/* The record after `previous`: `facts` facts whose values follow from its seq. */
static inline size_t fixture_record(const struct baophu_place *previous, uint32_t facts, uint8_t *buffer, size_t size,
				    struct baophu_place *ret_place)
{
	struct record_writer writer;
	record_begin(&writer, buffer, size);
	struct entry entry = { .kind = ENTRY_FACT,
			       .fact = { .slot = { 1, 2, BAOPHU_WHOLE, 18261, 18261 },
					 .figure = { 0, BAOPHU_FINAL, BAOPHU_REPORTED, BAOPHU_EXACT, BAOPHU_REASON_NONE } } };
	for (uint32_t i = 0; i < facts; i++) {
		entry.fact.slot.unit = i;
		entry.fact.figure.value = (int64_t)(previous->seq * 1000 + i);
		record_add(&writer, &entry);
	}
	struct record_header header = { .kind = RECORD_UPDATE,
					.rules = RECORD_RULES,
					.verdict = BAOPHU_APPLIED,
					.entry = UINT32_MAX,

					.number = previous->seq + fixture_salt };
	ssize_t bytes = record_seal(&writer, &header, previous);
	cr_assert(bytes > 0);
	*ret_place = header.place;
	return (size_t)bytes;
}

/* One commit of `records` records; what log_commit said. */
static inline int fixture_commit(struct log *log, uint32_t records, uint32_t facts)
{
	static _Thread_local uint8_t buffer[1 << 18];
	struct baophu_place place = log_head(log);
	log_begin(log);
	for (uint32_t i = 0; i < records; i++) {
		size_t bytes = fixture_record(&place, facts, buffer, sizeof buffer, &place);
		log_append(log, buffer, bytes);
	}
	return log_commit(log);
}

static inline void fixture_must_commit(struct log *log, uint32_t commits, uint32_t records, uint32_t facts)
{
	for (uint32_t i = 0; i < commits; i++) {
		int rc = fixture_commit(log, records, facts);
		cr_assert_eq(rc, 0, "log_commit: %d", rc);
	}
}

/* Reads all of the log with its chain; the seq of the last good record. */
static inline uint64_t fixture_read_all(struct log *log)
{
	struct log_reader *reader;
	cr_assert_eq(log_reader_open(log, &reader), 0);
	uint64_t seq = 1;
	const void *record;
	size_t bytes;
	while (log_read(reader, seq, true, &record, &bytes) == 0)
		seq++;
	log_reader_close(reader);
	return seq - 1;
}
