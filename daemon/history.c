/* history.c - the index of facts, receipts and registry records in one LMDB environment, history.mdb. See history.h.
 *
 * It does not decide anything and keeps nothing that the log does not have: whoever doubts it deletes it.
 *
 * Sub-databases (integers big endian in keys, so that byte order is number order; little endian in values):
 *   meta      "place"                                                  -> format u32, place, goal (seq u64, digest), sum u64
 *   facts     unit u32, measure u16, extent u8, to u16, from u16, id u64 -> value i64, kind, status|origin, bound, reason, sum u32
 *             dates are days since BAOPHU_DATE_MIN; of a withdrawal `value` is the id of the fact it takes back
 *   receipts  agent u32, epoch u64, number u64                         -> seq u64, sum u32
 *   numbers   agent u32, epoch u64                                     -> newest number u64, its seq u64, its time i64, sum u32
 *   registry  seq u64                                                  -> the whole record, sum u64
 *   rates     unit u32, measure u16, denominator u8, over measure u16, over plan u32, to u16, id u64
 *                                                                      -> digits i64, from u16, decimals, status, bound, sum u32
 *   and of events, in history_events.c: events, unit_events, crossings
 * LMDB has no checksums, so every value ends with one over its table, key and value; it is looked at on every read.
 *
 * Why slices. Facts arrive in no order, and each one put at random dirties its own page: one transaction over a large batch
 * holds hundreds of megabytes of dirty pages, many small ones run into a wall at 60,000 a second. So a batch is gathered in one
 * bounded buffer, sorted, and committed in slices of adjacent keys: each slice dirties few pages, and a page is written once a
 * batch.
 *
 * Why that is safe. Rows name the entry they come from in their key, so putting a slice again after a crash gives the same rows.
 * The place is advanced in the last slice's transaction, and every reader bounds what it sees by the place of its own transaction,
 * so rows of a batch that is not whole are invisible. `goal` is the place such rows may reach to: a log that does not contain it
 * (it was put back to an older copy) must not meet them, see history_goal. A commit here is one flush (NOMETASYNC): a power cut may take the
 * last one back whole, and the log has what it said.
 */
#include "history_private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
	FORMAT = 4,
	ROWS_MAX = 1 << 18, /* 8 MiB of sort buffer, facts from its start and receipts from its end */
	ROWS_LEFT_MIN = BAOPHU_ENTRIES_MAX + 1, /* with less room than for an ordinary update the buffer counts as full */
	REGISTRY_BYTES_MAX = 1 << 20, /* of records kept whole before a commit is due */
	EVENTS_MAX = 1 << 15, /* the same */
	SLICE_ROWS_MAX = 8192,
	SLICE_ROWS_MIN = 1024,
	SLICE_PAGES = 512, /* dirty leaves aimed at: 2 MiB, which LMDB keeps for the next transaction */
	FACT_KEY_BYTES = 19,
	FACT_BYTES = 16,
	RECEIPT_KEY_BYTES = 20,
	RECEIPT_BYTES = 12,
	NUMBER_KEY_BYTES = 12,
	NUMBER_BYTES = 28,
	RATE_KEY_BYTES = 23,
	RATE_BYTES = 17,
	META_BYTES = 4 + 2 * (8 + BAOPHU_DIGEST_BYTES) + 8,
	VERSIONS_KEPT = 4096, /* a reader gives memory back that one slot of very many versions needed */
};
static const char *const table_names[TABLE_COUNT] = { "meta",  "facts",  "receipts",    "numbers",  "registry",
						      "rates", "events", "unit_events", "crossings" };
_Static_assert(FACT_KEY_BYTES + FACT_BYTES - 4 <= ROW_BYTES && RECEIPT_KEY_BYTES + 12 <= ROW_BYTES, "a row holds either");
enum row_kind { ROW_FACT, ROW_WITHDRAWAL };

/* ---- LMDB's errors, translated once ---- */

int history_translate(int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return 0;
	case MDB_NOTFOUND:
		return -BAOPHU_ENOTFOUND;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return -BAOPHU_EFULL;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_INCOMPATIBLE:
	case MDB_BAD_VALSIZE:
		return -BAOPHU_EDAMAGED;
	case MDB_VERSION_MISMATCH:
		return -BAOPHU_EFORMAT;
	default:
		return rc > 0 ? -rc : -EIO;
	}
}

/* A short write on a full disk comes back as EIO (LMDB does not look further), so the file system is asked. */
static int translate_write(const struct history *history, int rc)
{
	int error = history_translate(rc);
	struct statvfs fs;
	if (error == -EIO && !statvfs(history->path, &fs) && (uint64_t)fs.f_bavail * fs.f_frsize < (64u << 20))
		return -BAOPHU_EFULL;
	return error;
}

/* ---- opening ---- */

static int history_path(char *path, size_t size, const char *directory, const char *name)
{
	int length = snprintf(path, size, "%s/%s", directory, name);
	return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

/* As large as the address space gives: it is a ceiling, the file grows only with use. */
static int open_environment(struct history *history, const char **ret_why)
{
	for (size_t map_bytes = (size_t)1 << 40;; map_bytes >>= 2) {
		int rc = mdb_env_create(&history->env);
		if (rc)
			return history_translate(rc);
		mdb_env_set_mapsize(history->env, map_bytes);
		mdb_env_set_maxdbs(history->env, TABLE_COUNT);
		rc = mdb_env_open(history->env, history->path, MDB_NOTLS | MDB_NOSUBDIR | MDB_NOMETASYNC, 0600);
		if (!rc)
			return 0;
		mdb_env_close(history->env);
		history->env = NULL;
		if (rc != ENOMEM || map_bytes <= (size_t)1 << 30) {
			*ret_why = "history.mdb cannot be opened as an LMDB file";
			return history_translate(rc);
		}
	}
}

/* A file shorter than its last page would be a SIGBUS at the first read there. */
static int verify_size(const struct history *history)
{
	MDB_envinfo info;
	MDB_stat stat_;
	struct stat file;
	if (mdb_env_info(history->env, &info) || mdb_env_stat(history->env, &stat_))
		return -BAOPHU_EDAMAGED;
	if (stat(history->path, &file))
		return -errno;
	/* A new file has two meta pages in it or, before its first transaction, nothing at all. */
	if (info.me_last_pgno > 1 && (uint64_t)file.st_size < (info.me_last_pgno + 1) * (uint64_t)stat_.ms_psize)
		return -BAOPHU_EDAMAGED;
	return 0;
}

static void put_place(uint8_t *at, const struct baophu_place *place)
{
	put_le64(at, place->seq);
	memcpy(at + 8, place->digest, BAOPHU_DIGEST_BYTES);
}

static void get_place(const uint8_t *at, struct baophu_place *ret_place)
{
	ret_place->seq = get_le64(at);
	memcpy(ret_place->digest, at + 8, BAOPHU_DIGEST_BYTES);
}

static MDB_val meta_key(void) { return (MDB_val){ 5, (void *)"place" }; }

static int read_meta(const struct history *history, MDB_txn *txn, struct baophu_place *ret_place, struct baophu_place *ret_goal)
{
	MDB_val key = meta_key(), value;
	int rc = mdb_get(txn, history->tables[TABLE_META], &key, &value);
	if (rc)
		return history_translate(rc);
	const uint8_t *at = value.mv_data;
	if (value.mv_size < 4)
		return -BAOPHU_EDAMAGED;
	uint32_t format;
	memcpy(&format, at, sizeof format);
	if (le32toh(format) != FORMAT)
		return -BAOPHU_EFORMAT;
	if (value.mv_size != META_BYTES ||
	    !sum_is(at + META_BYTES - 8, 8, checksum(TABLE_META, key.mv_data, key.mv_size, at, META_BYTES - 8)))
		return -BAOPHU_EDAMAGED;
	get_place(at + 4, ret_place);
	if (ret_goal)
		get_place(at + 4 + 8 + BAOPHU_DIGEST_BYTES, ret_goal);
	return 0;
}

int history_write_meta(const struct history *history, MDB_txn *txn, const struct baophu_place *place,
		       const struct baophu_place *goal)
{
	uint8_t bytes[META_BYTES];
	uint32_t format = htole32(FORMAT);
	memcpy(bytes, &format, sizeof format);
	put_place(bytes + 4, place);
	put_place(bytes + 4 + 8 + BAOPHU_DIGEST_BYTES, goal);
	MDB_val key = meta_key(), value = { META_BYTES, bytes };
	put_sum(bytes + META_BYTES - 8, 8, checksum(TABLE_META, key.mv_data, key.mv_size, bytes, META_BYTES - 8));
	return mdb_put(txn, history->tables[TABLE_META], &key, &value, 0);
}

/* Opens the tables and reads the place; writes the first one into a new file. */
static int open_tables(struct history *history, const char **ret_why)
{
	MDB_txn *txn = NULL;
	int rc = mdb_txn_begin(history->env, NULL, 0, &txn);
	if (rc)
		return history_translate(rc);
	for (int i = 0; i < TABLE_COUNT && !rc; i++)
		rc = mdb_dbi_open(txn, table_names[i], MDB_CREATE, &history->tables[i]);
	int error = history_translate(rc);
	if (!error)
		error = read_meta(history, txn, &history->place, &history->goal);
	if (error == -BAOPHU_ENOTFOUND) {
		MDB_stat facts = { 0 };
		mdb_stat(txn, history->tables[TABLE_FACTS], &facts);
		error = facts.ms_entries
			    ? -BAOPHU_EDAMAGED
			    : translate_write(history, history_write_meta(history, txn, &history->place, &history->goal));
	}
	if (error) {
		*ret_why = error == -BAOPHU_EFORMAT ? "history.mdb is of another format" : "history.mdb has no readable place";
		mdb_txn_abort(txn);
		return error;
	}
	return translate_write(history, mdb_txn_commit(txn));
}

int history_open(const char *directory, struct history **ret_history, const char **ret_why)
{
	char path[PATH_MAX];
	*ret_why = "history.mdb";
	int error = history_path(path, sizeof path, directory, "history.mdb");
	if (error)
		return error;
	struct history *history = calloc(1, sizeof *history + strlen(path) + 1);
	if (!history)
		return -ENOMEM;
	memcpy(history->path, path, strlen(path) + 1);
	pthread_mutex_init(&history->lock, NULL);
	/* Untouched pages of it cost nothing, so a quiet centre does not pay for a busy one's buffer. */
	history->rows = malloc(ROWS_MAX * sizeof *history->rows);
	error = history->rows ? open_environment(history, ret_why) : -ENOMEM;
	if (!error) {
		error = verify_size(history);
		if (error)
			*ret_why = "history.mdb is shorter than it says";
	}
	if (!error) {
		int dead;
		mdb_reader_check(history->env, &dead);
		error = open_tables(history, ret_why);
	}
	if (error) {
		history_close(history);
		return error;
	}
	history->added = history->place;
	*ret_history = history;
	return 0;
}

void history_close(struct history *history)
{
	if (!history)
		return;
	if (history->env)
		mdb_env_close(history->env);
	pthread_mutex_destroy(&history->lock);
	vec_finish(&history->registry);
	vec_finish(&history->events);
	free(history->rows);
	free(history);
}

int history_discard(const char *directory)
{
	static const char *const names[] = { "history.mdb", "history.mdb-lock" };
	char path[PATH_MAX];
	for (int i = 0; i < 2; i++) {
		int error = history_path(path, sizeof path, directory, names[i]);
		if (error)
			return error;
		if (unlink(path) && errno != ENOENT)
			return -errno;
	}
	return 0;
}

struct baophu_place history_place(const struct history *history)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)&history->lock;
	pthread_mutex_lock(lock);
	struct baophu_place place = history->place;
	pthread_mutex_unlock(lock);
	return place;
}

struct baophu_place history_goal(const struct history *history) { return history->goal; }

/* ---- gathering a batch ---- */

/* A seq and a wall clock in milliseconds need no more than 48 bits, and so a row no more than 32 bytes. */
static void put_le48(uint8_t *at, uint64_t value)
{
	for (int i = 0; i < 6; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get_le48(const uint8_t *at)
{
	uint64_t value = 0;
	for (int i = 0; i < 6; i++)
		value |= (uint64_t)at[i] << 8 * i;
	return value;
}

static void put_slot(uint8_t *at, const struct slot *slot)
{
	put_be32(at, slot->unit);
	put_be16(at + 4, slot->measure);
	at[6] = slot->extent;
	put_be16(at + 7, (unsigned)(slot->to - BAOPHU_DATE_MIN));
	put_be16(at + 9, (unsigned)(slot->from - BAOPHU_DATE_MIN));
}

static void get_slot(const uint8_t *at, struct slot *ret_slot)
{
	ret_slot->unit = get_be32(at);
	ret_slot->measure = get_be16(at + 4);
	ret_slot->extent = at[6];
	ret_slot->to = BAOPHU_DATE_MIN + get_be16(at + 7);
	ret_slot->from = BAOPHU_DATE_MIN + get_be16(at + 9);
}

static bool slot_fits(const struct slot *slot)
{
	return slot->unit && slot->measure && slot->extent && slot->from >= BAOPHU_DATE_MIN && slot->from <= BAOPHU_DATE_MAX &&
	       slot->to >= slot->from && slot->to <= BAOPHU_DATE_MAX;
}

static int add_fact(struct history *history, uint64_t id, enum row_kind kind, const struct slot *slot, int64_t value,
		    unsigned status, unsigned origin, unsigned bound, unsigned reason)
{
	if (!slot_fits(slot))
		return -BAOPHU_EDAMAGED;
	uint8_t *at = history->rows[history->fact_count++].bytes;
	put_slot(at, slot);
	put_be64(at + 11, id);
	put_le64(at + 19, (uint64_t)value);
	at[27] = (uint8_t)kind;
	at[28] = (uint8_t)(status << 4 | origin);
	at[29] = (uint8_t)bound;
	at[30] = (uint8_t)reason;
	return 0;
}

static int add_registry(struct history *history, uint64_t seq, const void *record, size_t bytes)
{
	uint64_t head[2] = { seq, bytes };
	uint8_t *at = vec_grow(&history->registry, sizeof head + bytes, 1);
	if (!at)
		return -ENOMEM;
	memcpy(at, head, sizeof head);
	memcpy(at + sizeof head, record, bytes);
	return 0;
}

/* What a start and a checkpoint say decides nothing: a state is the same without them. */
static bool entry_is_remembered_whole(enum entry_kind kind)
{
	return kind != ENTRY_FACT && kind != ENTRY_WITHDRAWAL && kind != ENTRY_BOOT && kind != ENTRY_CHECKPOINT;
}

static int add_entries(struct history *history, struct record_cursor *cursor, uint64_t seq, bool *ret_whole)
{
	struct entry entry;
	int rc;
	for (uint32_t index = 0; (rc = record_next(cursor, &entry)) > 0; index++) {
		uint64_t id = entry_id(seq, index);
		if (entry.kind == ENTRY_FACT) {
			const struct figure *f = &entry.fact.figure;
			rc = add_fact(history, id, ROW_FACT, &entry.fact.slot, f->value, f->status, f->origin, f->bound, f->reason);
		} else if (entry.kind == ENTRY_WITHDRAWAL) {
			rc = add_fact(history, id, ROW_WITHDRAWAL, &entry.withdrawal.slot, (int64_t)entry.withdrawal.withdrawn_id,
				      0, 0, 0, entry.withdrawal.reason);
		} else {
			rc = 0;
		}
		if (rc)
			return rc;
		*ret_whole |= entry_is_remembered_whole(entry.kind);
	}
	return rc;
}

int history_add(struct history *history, const void *record, size_t bytes)
{
	struct record_header header;
	struct record_cursor cursor;
	int error = record_open(record, bytes, &header, &cursor);
	if (error)
		return error;
	if (header.place.seq != history->added.seq + 1)
		return -BAOPHU_EGAP;
	if (history->fact_count + history->receipt_count + header.entry_count + 1 > ROWS_MAX)
		return -BAOPHU_EFULL;
	size_t facts_before = history->fact_count;
	bool whole = header.kind == RECORD_HELD;
	error = header.kind == RECORD_HELD ? 0 : add_entries(history, &cursor, header.place.seq, &whole);
	if (!error && whole)
		error = add_registry(history, header.place.seq, record, bytes);
	if (error) {
		history->fact_count = facts_before;
		return error;
	}
	if (header.number) {
		uint8_t *at = history->rows[ROWS_MAX - ++history->receipt_count].bytes;
		put_be32(at, header.agent);
		put_be64(at + 4, header.epoch);
		put_be64(at + 12, header.number);
		put_le48(at + 20, header.place.seq);
		put_le48(at + 26, (uint64_t)header.time_ms);
	}
	history->added = header.place;
	return 0;
}

bool history_is_full(const struct history *history)
{
	return history->fact_count + history->receipt_count + ROWS_LEFT_MIN > ROWS_MAX ||
	       history->registry.count > REGISTRY_BYTES_MAX || history->events.count > EVENTS_MAX;
}

/* ---- sorting: radix in place, most significant byte first; keys of one batch share most of their bytes ---- */

static void sort_few(struct row *rows, size_t count, size_t at, size_t key_bytes)
{
	for (size_t i = 1; i < count; i++) {
		struct row row = rows[i];
		size_t to = i;
		while (to && memcmp(rows[to - 1].bytes + at, row.bytes + at, key_bytes - at) > 0) {
			rows[to] = rows[to - 1];
			to--;
		}
		rows[to] = row;
	}
}

static void sort_rows(struct row *rows, size_t count, size_t at, size_t key_bytes)
{
	uint32_t ends[256], heads[256];
	for (; at < key_bytes; at++) {
		if (count <= 24) {
			sort_few(rows, count, at, key_bytes);
			return;
		}
		memset(ends, 0, sizeof ends);
		for (size_t i = 0; i < count; i++)
			ends[rows[i].bytes[at]]++;
		if (ends[rows[0].bytes[at]] != count)
			break;
	}
	if (at == key_bytes)
		return;
	for (uint32_t byte = 0, sum = 0; byte < 256; byte++) {
		heads[byte] = sum;
		sum += ends[byte];
		ends[byte] = sum;
	}
	for (uint32_t byte = 0; byte < 256; byte++) {
		while (heads[byte] < ends[byte]) {
			struct row row = rows[heads[byte]];
			while (row.bytes[at] != byte) {
				struct row *to = &rows[heads[row.bytes[at]]++];
				struct row other = *to;
				*to = row;
				row = other;
			}
			rows[heads[byte]++] = row;
		}
	}
	for (uint32_t byte = 0, start = 0; byte < 256; start = ends[byte++])
		if (ends[byte] - start > 1)
			sort_rows(rows + start, ends[byte] - start, at + 1, key_bytes);
}

/* ---- writing a batch ---- */

void history_writer_begin(struct history_writer *writer)
{
	if (!writer->rc)
		writer->rc = mdb_txn_begin(writer->history->env, NULL, 0, &writer->txn);
	writer->slice_rows = 0;
}

void history_writer_commit(struct history_writer *writer)
{
	/* A write transaction's cursors close with it; the handle is dead after a commit, failed or not. */
	if (writer->txn && writer->rc)
		mdb_txn_abort(writer->txn);
	else if (writer->txn)
		writer->rc = mdb_txn_commit(writer->txn);
	writer->txn = NULL;
	writer->cursor = NULL;
}

void history_writer_put(struct history_writer *writer, enum table table, const void *key, size_t key_bytes, void *value,
			size_t value_bytes, unsigned sum_bytes)
{
	if (writer->rc)
		return;
	if (!writer->cursor || writer->table != table) {
		if (writer->cursor)
			mdb_cursor_close(writer->cursor);
		writer->cursor = NULL;
		writer->table = table;
		writer->rc = mdb_cursor_open(writer->txn, writer->history->tables[table], &writer->cursor);
		if (writer->rc)
			return;
	}
	put_sum((uint8_t *)value + value_bytes, sum_bytes, checksum(table, key, key_bytes, value, value_bytes));
	MDB_val k = { key_bytes, (void *)key }, v = { value_bytes + sum_bytes, value };
	writer->rc = mdb_cursor_put(writer->cursor, &k, &v, 0);
}

/* How many of `count` sorted rows one transaction may hold: with rows spread evenly, a slice touches its share of the leaves. */
size_t history_slice_rows(const struct history_writer *writer, enum table table, size_t count)
{
	MDB_stat stat_;
	if (writer->rc || mdb_stat(writer->txn, writer->history->tables[table], &stat_) || !stat_.ms_leaf_pages)
		return SLICE_ROWS_MAX;
	size_t rows = (size_t)SLICE_PAGES * count / stat_.ms_leaf_pages;
	return rows > SLICE_ROWS_MAX ? SLICE_ROWS_MAX : rows < SLICE_ROWS_MIN ? SLICE_ROWS_MIN : rows;
}

/* How far rows may reach when the batch is written: events may have been put further. */
static struct baophu_place goal_of_batch(const struct history *history)
{
	return history->goal.seq > history->added.seq ? history->goal : history->added;
}

void history_writer_next_row(struct history_writer *writer, enum table table, size_t count)
{
	struct history *history = writer->history;
	if (writer->slice_rows >= writer->slice_rows_max) {
		/* Rows beyond the place are about to be on disk: say first how far they may reach. */
		struct baophu_place goal = goal_of_batch(history);
		if (!writer->rc && history->goal.seq != goal.seq)
			writer->rc = history_write_meta(history, writer->txn, &history->place, &goal);
		history_writer_commit(writer);
		if (!writer->rc)
			history->goal = goal;
		history_writer_begin(writer);
		writer->slice_rows_max = history_slice_rows(writer, table, count);
	}
	writer->slice_rows++;
}

static void write_facts(struct history_writer *writer)
{
	const struct row *rows = writer->history->rows;
	size_t count = writer->history->fact_count;
	writer->slice_rows_max = history_slice_rows(writer, TABLE_FACTS, count);
	for (size_t i = 0; i < count && !writer->rc; i++) {
		uint8_t value[FACT_BYTES];
		history_writer_next_row(writer, TABLE_FACTS, count);
		memcpy(value, rows[i].bytes + FACT_KEY_BYTES, FACT_BYTES - 4);
		history_writer_put(writer, TABLE_FACTS, rows[i].bytes, FACT_KEY_BYTES, value, FACT_BYTES - 4, 4);
	}
}

static void write_receipts(struct history_writer *writer)
{
	size_t count = writer->history->receipt_count;
	const struct row *rows = writer->history->rows + ROWS_MAX - count;
	writer->slice_rows_max = history_slice_rows(writer, TABLE_RECEIPTS, count);
	for (size_t i = 0; i < count && !writer->rc; i++) {
		uint8_t value[RECEIPT_BYTES];
		history_writer_next_row(writer, TABLE_RECEIPTS, count);
		put_le64(value, get_le48(rows[i].bytes + 20));
		history_writer_put(writer, TABLE_RECEIPTS, rows[i].bytes, RECEIPT_KEY_BYTES, value, 8, 4);
	}
}

/* The newest number of each epoch in the batch: the last of its sorted receipts. */
static void write_numbers(struct history_writer *writer)
{
	size_t count = writer->history->receipt_count;
	const struct row *rows = writer->history->rows + ROWS_MAX - count;
	for (size_t i = 0; i < count && !writer->rc; i++) {
		const uint8_t *at = rows[i].bytes;
		uint8_t value[NUMBER_BYTES];
		if (i + 1 < count && !memcmp(at, rows[i + 1].bytes, NUMBER_KEY_BYTES))
			continue;
		put_le64(value, get_be64(at + 12));
		put_le64(value + 8, get_le48(at + 20));
		put_le64(value + 16, get_le48(at + 26));
		history_writer_put(writer, TABLE_NUMBERS, at, NUMBER_KEY_BYTES, value, NUMBER_BYTES - 4, 4);
	}
}

static void write_registry(struct history_writer *writer)
{
	uint8_t *at = writer->history->registry.data, *end = at + writer->history->registry.count;
	while (at < end && !writer->rc) {
		uint64_t head[2];
		uint8_t key[8], *copy;
		memcpy(head, at, sizeof head);
		put_be64(key, head[0]);
		copy = malloc(head[1] + 8);
		if (!copy) {
			writer->rc = ENOMEM;
			return;
		}
		memcpy(copy, at + sizeof head, head[1]);
		history_writer_put(writer, TABLE_REGISTRY, key, sizeof key, copy, head[1], 8);
		free(copy);
		at += sizeof head + head[1];
	}
}

/* ---- published rates: they lie in the records that are kept whole, and are found by unit besides ---- */

struct rate_row {
	uint8_t key[RATE_KEY_BYTES], value[RATE_BYTES];
};

static void put_rate(struct rate_row *row, const struct entry_rate *said, uint64_t id)
{
	uint8_t *key = row->key, *value = row->value;
	put_be32(key, said->unit);
	put_be16(key + 4, said->measure);
	key[6] = said->denominator;
	put_be16(key + 7, said->over_measure);
	put_be32(key + 9, said->over_plan);
	put_be16(key + 13, (unsigned)(said->to - BAOPHU_DATE_MIN));
	put_be64(key + 15, id);
	put_le64(value, (uint64_t)said->digits);
	put_be16(value + 8, (unsigned)(said->from - BAOPHU_DATE_MIN));
	value[10] = said->decimals;
	value[11] = said->status;
	value[12] = said->bound;
}

static void get_rate(const uint8_t *key, const uint8_t *value, struct entry_rate *ret_said)
{
	*ret_said = (struct entry_rate){ .unit = get_be32(key),
					 .measure = get_be16(key + 4),
					 .denominator = key[6],
					 .over_measure = get_be16(key + 7),
					 .over_plan = get_be32(key + 9),
					 .to = BAOPHU_DATE_MIN + get_be16(key + 13),
					 .digits = (int64_t)get_le64(value),
					 .from = BAOPHU_DATE_MIN + get_be16(value + 8),
					 .decimals = value[10],
					 .status = value[11],
					 .bound = value[12] };
}

static int compare_rates(const void *a, const void *b) { return memcmp(a, b, RATE_KEY_BYTES); }

static int gather_rates(uint64_t seq, const void *record, size_t bytes, struct vec *rows)
{
	struct record_header header;
	struct record_cursor cursor;
	struct entry entry;
	int more = record_open(record, bytes, &header, &cursor);
	if (more || header.kind == RECORD_HELD)
		return more;
	for (uint32_t index = cursor.index; (more = record_next(&cursor, &entry)) == 1; index = cursor.index) {
		if (entry.kind != ENTRY_RATE)
			continue;
		struct rate_row *row = vec_grow(rows, 1, sizeof *row);
		if (!row)
			return -ENOMEM;
		put_rate(row, &entry.rate, entry_id(seq, index));
	}
	return more;
}

static void write_rates(struct history_writer *writer)
{
	struct vec rows = { 0 };
	const uint8_t *at = writer->history->registry.data, *end = at + writer->history->registry.count;
	while (at < end && !writer->rc) {
		uint64_t head[2];
		memcpy(head, at, sizeof head);
		if (gather_rates(head[0], at + sizeof head, head[1], &rows)) /* what was added has been read once before */
			writer->rc = ENOMEM;
		at += sizeof head + head[1];
	}
	if (rows.count)
		qsort(rows.data, rows.count, sizeof(struct rate_row), compare_rates);
	writer->slice_rows_max = rows.count ? history_slice_rows(writer, TABLE_RATES, rows.count) : SLICE_ROWS_MAX;
	for (size_t i = 0; i < rows.count && !writer->rc; i++) {
		struct rate_row *row = vec_at(&rows, struct rate_row, i);
		history_writer_next_row(writer, TABLE_RATES, rows.count);
		history_writer_put(writer, TABLE_RATES, row->key, RATE_KEY_BYTES, row->value, RATE_BYTES - 4, 4);
	}
	vec_finish(&rows);
}

int history_commit(struct history *history)
{
	if (history->added.seq == history->place.seq)
		return 0;
	struct history_writer writer = { .history = history, .slice_rows_max = SLICE_ROWS_MAX };
	struct baophu_place goal = goal_of_batch(history);
	sort_rows(history->rows, history->fact_count, 0, FACT_KEY_BYTES);
	sort_rows(history->rows + ROWS_MAX - history->receipt_count, history->receipt_count, 0, RECEIPT_KEY_BYTES);
	history_writer_begin(&writer);
	write_facts(&writer);
	write_receipts(&writer);
	write_rates(&writer);
	history_write_events(&writer);
	write_numbers(&writer); /* with the place: they are not told apart by it */
	history_write_crossings(&writer); /* the same */
	write_registry(&writer);
	if (!writer.rc)
		writer.rc = history_write_meta(history, writer.txn, &history->added, &goal);
	history_writer_commit(&writer);
	if (writer.rc)
		return translate_write(history, writer.rc);
	pthread_mutex_lock(&history->lock);
	history->place = history->added;
	pthread_mutex_unlock(&history->lock);
	history->goal = goal;
	history->fact_count = history->receipt_count = 0;
	history->registry.count = history->events.count = 0;
	if (history->registry.capacity > 2 * REGISTRY_BYTES_MAX)
		vec_finish(&history->registry);
	return 0;
}

/* ---- reading ---- */

int history_reader_open(struct history *history, struct history_reader **ret_reader)
{
	struct history_reader *reader = calloc(1, sizeof *reader);
	if (!reader)
		return -ENOMEM;
	reader->history = history;
	int rc = mdb_txn_begin(history->env, NULL, MDB_RDONLY, &reader->txn);
	if (rc) {
		free(reader);
		return history_translate(rc);
	}
	mdb_txn_reset(reader->txn);
	*ret_reader = reader;
	return 0;
}

void history_reader_close(struct history_reader *reader)
{
	if (!reader)
		return;
	mdb_txn_abort(reader->txn);
	free(reader->versions);
	free(reader);
}

int history_begin(struct history_reader *reader, struct baophu_place *ret_place)
{
	assert(!reader->is_open);
	int rc = mdb_txn_renew(reader->txn);
	if (rc)
		return history_translate(rc);
	int error = read_meta(reader->history, reader->txn, &reader->place, NULL);
	if (error) {
		mdb_txn_reset(reader->txn);
		return error == -BAOPHU_ENOTFOUND ? -BAOPHU_EDAMAGED : error;
	}
	reader->is_open = true;
	*ret_place = reader->place;
	return 0;
}

void history_end(struct history_reader *reader)
{
	if (reader->is_open)
		mdb_txn_reset(reader->txn);
	reader->is_open = false;
	if (reader->version_capacity > VERSIONS_KEPT) {
		free(reader->versions);
		reader->versions = NULL;
		reader->version_capacity = 0;
	}
}

bool history_row_is_whole(enum table table, const MDB_val *key, size_t key_bytes, const MDB_val *value, size_t value_bytes)
{
	const uint8_t *at = value->mv_data;
	return key->mv_size == key_bytes && value->mv_size == value_bytes &&
	       sum_is(at + value_bytes - 4, 4, checksum(table, key->mv_data, key_bytes, at, value_bytes - 4));
}

int history_receipt(struct history_reader *reader, uint32_t agent, uint64_t epoch, uint64_t number, uint64_t *ret_seq)
{
	assert(reader->is_open);
	uint8_t bytes[RECEIPT_KEY_BYTES];
	put_be32(bytes, agent);
	put_be64(bytes + 4, epoch);
	put_be64(bytes + 12, number);
	MDB_val key = { sizeof bytes, bytes }, value;
	int rc = mdb_get(reader->txn, reader->history->tables[TABLE_RECEIPTS], &key, &value);
	if (rc)
		return history_translate(rc);
	if (!history_row_is_whole(TABLE_RECEIPTS, &key, RECEIPT_KEY_BYTES, &value, RECEIPT_BYTES))
		return -BAOPHU_EDAMAGED;
	uint64_t seq = get_le64(value.mv_data);
	if (seq > reader->place.seq)
		return -BAOPHU_ENOTFOUND;
	*ret_seq = seq;
	return 0;
}

int history_number(struct history_reader *reader, uint32_t agent, uint64_t epoch, uint64_t *ret_number)
{
	assert(reader->is_open);
	uint8_t bytes[NUMBER_KEY_BYTES];
	put_be32(bytes, agent);
	put_be64(bytes + 4, epoch);
	MDB_val key = { sizeof bytes, bytes }, value;
	int rc = mdb_get(reader->txn, reader->history->tables[TABLE_NUMBERS], &key, &value);
	if (rc)
		return history_translate(rc);
	if (!history_row_is_whole(TABLE_NUMBERS, &key, NUMBER_KEY_BYTES, &value, NUMBER_BYTES))
		return -BAOPHU_EDAMAGED;
	*ret_number = get_le64(value.mv_data);
	return 0;
}

static int version_put(struct history_reader *reader, int at, uint64_t id, const uint8_t *value)
{
	if ((size_t)at == reader->version_capacity) {
		size_t capacity = reader->version_capacity ? reader->version_capacity * 2 : 64;
		struct fact_version *grown = realloc(reader->versions, capacity * sizeof *grown);
		if (!grown)
			return -ENOMEM;
		reader->versions = grown;
		reader->version_capacity = capacity;
	}
	struct fact_version *version = &reader->versions[at];
	uint64_t number = get_le64(value);
	bool is_fact = value[8] == ROW_FACT;
	*version = (struct fact_version){
		.id = id,
		.withdrawn_id = is_fact ? 0 : number,
		.figure = { .value = is_fact ? (int64_t)number : BAOPHU_ABSENT,
			    .status = value[9] >> 4,
			    .origin = value[9] & 15,
			    .bound = value[10],
			    .reason = value[11] },
	};
	return 0;
}

/* Every slot from `first` on whose key begins with the same `prefix` bytes; versions up to `known_id`. */
static int walk(struct history_reader *reader, const uint8_t *first, size_t prefix, uint64_t known_id, history_each_slot *each,
		void *context)
{
	assert(reader->is_open);
	uint64_t place_id = entry_id(reader->place.seq, 0x1ffff);
	if (known_id > place_id)
		known_id = place_id;
	uint8_t slot_key[FACT_KEY_BYTES - 8], start[FACT_KEY_BYTES] = { 0 };
	memcpy(start, first, prefix);
	MDB_cursor *cursor = NULL;
	int rc = mdb_cursor_open(reader->txn, reader->history->tables[TABLE_FACTS], &cursor);
	if (rc)
		return history_translate(rc);
	MDB_val key = { sizeof start, start }, value;
	int error = 0, count = 0;
	struct slot slot;
	for (MDB_cursor_op op = MDB_SET_RANGE; !error && !(rc = mdb_cursor_get(cursor, &key, &value, op)); op = MDB_NEXT) {
		if (!history_row_is_whole(TABLE_FACTS, &key, FACT_KEY_BYTES, &value, FACT_BYTES)) {
			error = -BAOPHU_EDAMAGED;
			break;
		}
		const uint8_t *at = key.mv_data;
		if (memcmp(at, first, prefix))
			break;
		uint64_t id = get_be64(at + sizeof slot_key);
		if (id > known_id)
			continue;
		if (count && memcmp(slot_key, at, sizeof slot_key)) {
			get_slot(slot_key, &slot);
			error = each(context, &slot, reader->versions, count);
			count = 0;
		}
		if (!count)
			memcpy(slot_key, at, sizeof slot_key);
		if (!error)
			error = version_put(reader, count++, id, value.mv_data);
	}
	mdb_cursor_close(cursor);
	if (rc && rc != MDB_NOTFOUND)
		return history_translate(rc);
	if (!error && count) {
		get_slot(slot_key, &slot);
		error = each(context, &slot, reader->versions, count);
	}
	return error;
}

int history_unit(struct history_reader *reader, uint32_t unit, uint16_t measure, uint64_t known_id, history_each_slot *each,
		 void *context)
{
	uint8_t first[6];
	put_be32(first, unit);
	put_be16(first + 4, measure);
	return walk(reader, first, measure ? 6 : 4, known_id, each, context);
}

/* Of each slot the last row up to known_id is sought, so that what was said often costs no more than what was said once. */
int history_rates(struct history_reader *reader, uint32_t unit, uint64_t known_id, history_each_rate *each, void *context)
{
	assert(reader->is_open);
	uint64_t place_id = entry_id(reader->place.seq, 0x1ffff);
	if (known_id > place_id)
		known_id = place_id;
	enum { SLOT_BYTES = RATE_KEY_BYTES - 8 };
	uint8_t wanted[RATE_KEY_BYTES] = { 0 };
	put_be32(wanted, unit);
	MDB_cursor *cursor = NULL;
	int rc = mdb_cursor_open(reader->txn, reader->history->tables[TABLE_RATES], &cursor), error = 0;
	while (!rc && !error) {
		MDB_val key = { sizeof wanted, wanted }, value;
		uint8_t slot[SLOT_BYTES];
		rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE); /* the slot's first row */
		if (rc || key.mv_size != RATE_KEY_BYTES || memcmp(key.mv_data, wanted, 4))
			break;
		memcpy(slot, key.mv_data, sizeof slot);
		memcpy(wanted, slot, sizeof slot);
		put_be64(wanted + SLOT_BYTES, known_id + 1);
		key = (MDB_val){ sizeof wanted, wanted };
		rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
		rc = mdb_cursor_get(cursor, &key, &value, rc == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
		if (!rc && key.mv_size == RATE_KEY_BYTES && !memcmp(key.mv_data, slot, sizeof slot)) {
			struct entry_rate said;
			if (!history_row_is_whole(TABLE_RATES, &key, RATE_KEY_BYTES, &value, RATE_BYTES)) {
				error = -BAOPHU_EDAMAGED;
				break;
			}
			get_rate(key.mv_data, value.mv_data, &said);
			error = each(context, &said, get_be64((const uint8_t *)key.mv_data + SLOT_BYTES));
		}
		if (rc == MDB_NOTFOUND)
			rc = 0; /* nothing of the slot was known then, and nothing stands before it */
		put_be64(wanted + SLOT_BYTES, UINT64_MAX);
	}
	if (cursor)
		mdb_cursor_close(cursor);
	return rc && rc != MDB_NOTFOUND ? history_translate(rc) : error;
}

/* ---- loading a state ---- */

static int load_slot(void *context, const struct slot *slot, const struct fact_version *versions, int count)
{
	int standing = facts_standing(versions, count);
	const struct fact_version *newest = &versions[count - 1]; /* with nothing standing it is the withdrawal that left nothing */
	const struct fact_version *said = standing < 0 ? newest : &versions[standing];
	return fold_load_fact(context, slot, &said->figure, said->id, entry_id_seq(newest->id));
}

static int load_registry(struct history_reader *reader, MDB_cursor *cursor, struct state *state)
{
	MDB_val key, value;
	int rc;
	for (MDB_cursor_op op = MDB_FIRST; !(rc = mdb_cursor_get(cursor, &key, &value, op)); op = MDB_NEXT) {
		if (key.mv_size != 8 || value.mv_size < 8)
			return -BAOPHU_EDAMAGED;
		const uint8_t *at = value.mv_data;
		size_t bytes = value.mv_size - 8;
		if (!sum_is(at + bytes, 8, checksum(TABLE_REGISTRY, key.mv_data, 8, at, bytes)))
			return -BAOPHU_EDAMAGED;
		if (get_be64(key.mv_data) > reader->place.seq)
			break;
		int error = fold_load_record(state, at, bytes);
		if (error)
			return error;
	}
	return rc == MDB_NOTFOUND ? 0 : history_translate(rc);
}

static int load_numbers(struct history_reader *reader, MDB_cursor *cursor, struct state *state)
{
	MDB_val key, value;
	int rc;
	for (MDB_cursor_op op = MDB_FIRST; !(rc = mdb_cursor_get(cursor, &key, &value, op)); op = MDB_NEXT) {
		if (!history_row_is_whole(TABLE_NUMBERS, &key, NUMBER_KEY_BYTES, &value, NUMBER_BYTES))
			return -BAOPHU_EDAMAGED;
		const uint8_t *k = key.mv_data, *v = value.mv_data;
		if (get_le64(v + 8) > reader->place.seq)
			return -BAOPHU_EDAMAGED;
		int error = fold_load_number(state, get_be32(k), get_be64(k + 4), get_le64(v), get_le64(v + 8),
					     (int64_t)get_le64(v + 16));
		if (error)
			return error;
	}
	return rc == MDB_NOTFOUND ? 0 : history_translate(rc);
}

static int load_table(struct history_reader *reader, enum table table,
		      int load(struct history_reader *reader, MDB_cursor *cursor, struct state *state), struct state *state)
{
	MDB_cursor *cursor = NULL;
	int rc = mdb_cursor_open(reader->txn, reader->history->tables[table], &cursor);
	if (rc)
		return history_translate(rc);
	int error = load(reader, cursor, state);
	mdb_cursor_close(cursor);
	return error;
}

int history_load(struct history_reader *reader, struct state *state)
{
	struct baophu_place place;
	int error = history_begin(reader, &place);
	if (error)
		return error;
	error = load_table(reader, TABLE_REGISTRY, load_registry, state);
	if (!error)
		error = walk(reader, (const uint8_t *)"", 0, UINT64_MAX, load_slot, state);
	if (!error)
		error = load_table(reader, TABLE_NUMBERS, load_numbers, state);
	if (!error)
		error = history_load_events(reader, state);
	if (!error)
		error = fold_load_finish(state, &place);
	history_end(reader);
	return error;
}
