/* history_private.h - what the parts of the history share: history.c (facts, receipts, registry), history_events.c (events). For these only. */
#pragma once

#include <endian.h>
#include <lmdb.h>
#include <pthread.h>
#include <string.h>

#include "history.h"

enum table {
	TABLE_META,
	TABLE_FACTS,
	TABLE_RECEIPTS,
	TABLE_NUMBERS,
	TABLE_REGISTRY,
	TABLE_RATES,
	TABLE_EVENTS,
	TABLE_UNIT_EVENTS,
	TABLE_CROSSINGS,
	TABLE_COUNT
};

enum { ROW_BYTES = 32 };
/* A fact: its key, then value and flags as stored. A receipt: its key, then seq and time. */
struct row {
	uint8_t bytes[ROW_BYTES];
};
struct history {
	MDB_env *env;
	MDB_dbi tables[TABLE_COUNT];
	pthread_mutex_t lock; /* over place: the only thing that both sides touch */
	struct baophu_place place;
	struct baophu_place goal;
	/* the batch, the follower's alone */
	struct row *rows;
	size_t fact_count, receipt_count;
	struct vec registry; /* { seq u64, bytes u64, record } one after another */
	struct vec events; /* struct event, in order */
	struct baophu_place added;
	char path[];
};

struct history_reader {
	struct history *history;
	MDB_txn *txn;
	bool is_open; /* between begin and end */
	struct baophu_place place;
	struct fact_version *versions;
	size_t version_capacity;
};

/* ---- integers and checksums ---- */

static inline void put_be16(uint8_t *at, unsigned value)
{
	uint16_t stored = htobe16((uint16_t)value);
	memcpy(at, &stored, sizeof stored);
}

static inline void put_be32(uint8_t *at, uint32_t value)
{
	value = htobe32(value);
	memcpy(at, &value, sizeof value);
}

static inline void put_be64(uint8_t *at, uint64_t value)
{
	value = htobe64(value);
	memcpy(at, &value, sizeof value);
}

static inline void put_le64(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof value);
}

static inline uint16_t get_be16(const uint8_t *at)
{
	uint16_t value;
	memcpy(&value, at, sizeof value);
	return be16toh(value);
}

static inline uint32_t get_be32(const uint8_t *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof value);
	return be32toh(value);
}

static inline uint64_t get_be64(const uint8_t *at)
{
	uint64_t value;
	memcpy(&value, at, sizeof value);
	return be64toh(value);
}

static inline uint64_t get_le64(const uint8_t *at)
{
	uint64_t value;
	memcpy(&value, at, sizeof value);
	return le64toh(value);
}

static inline uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static inline uint64_t mix_bytes(uint64_t hash, const uint8_t *at, size_t bytes)
{
	for (; bytes >= 8; at += 8, bytes -= 8)
		hash = mix(hash, get_le64(at));
	uint64_t rest = bytes;
	while (bytes)
		rest = rest << 8 | at[--bytes];
	return mix(hash, rest);
}

/* Guards against damage, not against people: every step can be undone, so no change of one word goes unseen, and 31 bytes take a
 * tenth of what a keyed hash takes. The table is part of it: a row cannot pass in another. */
static inline uint64_t checksum(enum table table, const void *key, size_t key_bytes, const void *value, size_t value_bytes)
{
	uint64_t hash = mix_bytes(mix_bytes((uint64_t)table + 1, key, key_bytes), value, value_bytes);
	hash *= UINT64_C(0xbf58476d1ce4e5b9);
	return hash ^ hash >> 32;
}

/* What stands at the end of a value: 4 or 8 bytes of it. */
static inline void put_sum(uint8_t *at, unsigned bytes, uint64_t sum)
{
	sum = htole64(sum);
	memcpy(at, &sum, bytes);
}

static inline bool sum_is(const uint8_t *at, unsigned bytes, uint64_t sum)
{
	sum = htole64(sum);
	return !memcmp(at, &sum, bytes);
}

int history_translate(int rc); /* of LMDB */
bool history_row_is_whole(enum table table, const MDB_val *key, size_t key_bytes, const MDB_val *value, size_t value_bytes);

/* ---- writing ---- */

/* The first failure is kept and later calls do nothing, so the way of a batch reads straight on. */
struct history_writer {
	struct history *history;
	MDB_txn *txn;
	MDB_cursor *cursor;
	enum table table; /* of the cursor */
	size_t slice_rows, slice_rows_max;
	int rc;
};
void history_writer_begin(struct history_writer *writer);
void history_writer_commit(struct history_writer *writer);
/* `value` has room for the checksum, which is put behind its value_bytes. */
void history_writer_put(struct history_writer *writer, enum table table, const void *key, size_t key_bytes, void *value,
			size_t value_bytes, unsigned sum_bytes);
/* How many of `count` sorted rows one transaction may hold. */
size_t history_slice_rows(const struct history_writer *writer, enum table table, size_t count);
/* Before each row of a table that is written in slices. */
void history_writer_next_row(struct history_writer *writer, enum table table, size_t count);
int history_write_meta(const struct history *history, MDB_txn *txn, const struct baophu_place *place,
		       const struct baophu_place *goal); /* LMDB's code */

/* ---- history_events.c ---- */
/* Rows of the batch's events, in slices. */
void history_write_events(struct history_writer *writer);
/* The newest crossing of each target and line, in the transaction that moves the place on: of all events up to history->added. */
void history_write_crossings(struct history_writer *writer);
int history_load_events(struct history_reader *reader, struct state *state);
