/* log.c - the append-only log: LMDB segments, one writer, readers on any thread.
 *
 * Does not know what a record means beyond its header, does not lock the data directory (its caller does) and reads no clock.
 * Called by the collector (appending), the follower and queries (reading). Keeps: what log_commit confirmed is on disk and stays
 * readable; what it did not confirm is never read; a file that is not what was written is refused by name.
 *
 *   <first seq, 20 digits>.mdb   a segment; key 0: its mark (log_check.h); key seq, 8 bytes big endian: the record
 *   <...>.mdb-lock               LMDB's reader table of the newest segment
 *   new.mdb                      a segment in the making; renamed when it is whole, removed at start
 *   witness                      how far the log once reached (log_witness.h)
 *
 * LMDB is used within narrow bounds: one unnamed database, no duplicates, MDB_APPEND, default sync flags, never WRITEMAP, one
 * environment a file and process. Sealed segments are opened read-only and without LMDB's locks, on demand.
 */
#include "log.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "log_check.h"
#include "log_private.h"
#include "log_witness.h"
#include "record.h"

enum { READERS_MAX = 512, READERS_CHECKED_EACH = 1 << 10 };
static const uint64_t first_piece_bytes = 8 << 20; /* of zeros, written before a segment is used */
static const uint64_t map_bytes_wanted = UINT64_C(64) << 30; /* address space only; the file grows with use */
static const uint64_t map_bytes_spare = 64 << 20; /* the least map beyond what is used */
static const uint64_t reserve_bytes_min = 64 << 20;
static const unsigned flags_common = MDB_NOTLS | MDB_NOSUBDIR;

/* ---- errors ---- */

int log_status(int rc)
{
	switch (rc) {
	case MDB_NOTFOUND:
		return -BAOPHU_ENOTFOUND;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		return -BAOPHU_EFULL;
	case MDB_READERS_FULL:
		return -EAGAIN;
	case MDB_VERSION_MISMATCH:
		return -BAOPHU_EFORMAT;
	case MDB_PANIC:
	case MDB_BAD_TXN:
		return -EIO;
	case MDB_KEYEXIST:
	case MDB_BAD_VALSIZE:
		return -EINVAL;
	default:
		return rc >= 0 ? -rc : -BAOPHU_EDAMAGED;
	}
}

static void on_assert(MDB_env *env, const char *message)
{
	/* LMDB aborts when this returns. It found its file or memory broken; all that is left is to say which file. */
	const struct segment *segment = mdb_env_get_userctx(env);
	dprintf(STDERR_FILENO, "log: segment is damaged: file=%s lmdb=\"%s\"\n", segment ? segment->path : LOG_NEW_NAME, message);
}

/* Does the file system's room explain that a write failed? LMDB calls a short write EIO. */
static bool is_out_of_room(const struct log *log)
{
	struct statvfs status;
	if (fstatvfs(log->directory, &status) < 0)
		return false;
	uint64_t blocks = geteuid() == 0 ? status.f_bfree : status.f_bavail;
	/* A page is at least half full of records, and the pages above them are few. */
	return blocks * status.f_frsize < 2 * log->txn_bytes + (4 << 20);
}

int log_classify(struct log *log, int rc)
{
	if (rc == MDB_MAP_FULL)
		log->must_roll = true;
	if (rc == ENOSPC || rc == EDQUOT || (rc == EIO && is_out_of_room(log)))
		return -BAOPHU_EFULL;
	return log_status(rc);
}

/* ---- segments ---- */

void log_name_segment(uint64_t first_seq, char ret_name[static LOG_NAME_BYTES])
{
	snprintf(ret_name, LOG_NAME_BYTES, "%0*" PRIu64 ".mdb", LOG_NAME_DIGITS, first_seq);
}

static char *join_path(const char *directory, const char *name)
{
	char *path;
	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

void log_unlink_lock(const struct log *log, const char *name)
{
	char lock_name[LOG_NAME_BYTES + 8];
	snprintf(lock_name, sizeof lock_name, "%s-lock", name);
	unlinkat(log->directory, lock_name, 0);
}

void log_segment_destroy(struct segment *segment)
{
	if (!segment)
		return;
	if (segment->pages)
		munmap((void *)segment->pages, segment->map_bytes);
	if (segment->env)
		mdb_env_close(segment->env);
	free(segment->path);
	free(segment);
}

int log_segment_create(const struct log *log, uint64_t first_seq, struct segment **ret_segment)
{
	struct segment *segment = calloc(1, sizeof *segment);
	if (!segment)
		return -ENOMEM;
	segment->first_seq = first_seq;
	log_name_segment(first_seq, segment->name);
	segment->path = join_path(log->path, segment->name);
	if (!segment->path) {
		free(segment);
		return -ENOMEM;
	}
	*ret_segment = segment;
	return 0;
}

static int open_env(const char *path, unsigned flags, uint64_t map_bytes, void *context, MDB_env **ret_env)
{
	MDB_env *env;
	int rc = mdb_env_create(&env);
	if (rc)
		return rc;
	mdb_env_set_userctx(env, context);
	mdb_env_set_assert(env, on_assert);
	mdb_env_set_maxreaders(env, READERS_MAX);
	mdb_env_set_mapsize(env, map_bytes);
	rc = mdb_env_open(env, path, flags_common | flags, 0600);
	if (rc) {
		mdb_env_close(env);
		return rc;
	}
	*ret_env = env;
	return 0;
}

static int open_dbi(struct segment *segment)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(segment->env, NULL, MDB_RDONLY, &txn);
	if (rc)
		return rc;
	rc = mdb_dbi_open(txn, NULL, 0, &segment->dbi);
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

/* Opens a segment with maps of `map_bytes`: LMDB's, and one of ours to read from. */
static int open_mapped(struct segment *segment, unsigned flags, uint64_t map_bytes)
{
	mdb_filehandle_t fd;
	int rc = open_env(segment->path, flags, map_bytes, segment, &segment->env);
	if (rc)
		return rc;
	rc = open_dbi(segment);
	if (!rc)
		rc = mdb_env_get_fd(segment->env, &fd);
	if (!rc) {
		void *pages = mmap(NULL, map_bytes, PROT_READ, MAP_SHARED, fd, 0);
		if (pages != MAP_FAILED) {
			segment->pages = pages;
			segment->map_bytes = map_bytes;
			return 0;
		}
		rc = errno;
	}
	mdb_env_close(segment->env);
	segment->env = NULL;
	return rc;
}

int log_open_newest(struct log *log, struct segment *segment)
{
	unsigned flags = log->access == LOG_APPEND ? 0 : MDB_RDONLY;
	/* As much address space as there is, within reason. */
	uint64_t map_bytes = map_bytes_wanted, map_bytes_min = log->segment_bytes + map_bytes_spare;
	while (map_bytes / 2 < map_bytes_min)
		map_bytes *= 2;
	int rc = open_mapped(segment, flags, map_bytes);
	while (rc == ENOMEM && map_bytes / 2 >= map_bytes_min) {
		map_bytes /= 2;
		rc = open_mapped(segment, flags, map_bytes);
	}
	return rc;
}

/* Reads what the last commit left: the appender's thread, between commits. */
static struct log_tree read_newest_tree(const struct segment *segment, uint8_t ret_meta[static LOG_META_BYTES])
{
	MDB_stat stat;
	MDB_envinfo info;
	mdb_env_stat(segment->env, &stat);
	mdb_env_info(segment->env, &info);
	memcpy(ret_meta, segment->pages + (info.me_last_txnid & 1) * stat.ms_psize, LOG_META_BYTES);
	assert(log_meta_load64(ret_meta, LOG_META_TRANSACTION) == info.me_last_txnid);
	return log_tree_from_meta(ret_meta, LOG_META_MAIN, segment->pages);
}

static uint64_t used_bytes_of(const struct log_tree *tree) { return (tree->last_page + 1) * tree->page_bytes; }

void log_adopt_newest(struct log *log, struct segment *segment)
{
	uint8_t meta[LOG_META_BYTES];
	struct log_tree tree = read_newest_tree(segment, meta);
	pthread_mutex_lock(&log->lock);
	if (log->newest)
		log->newest->is_sealed = true;
	segment->tree = tree;
	segment->is_sealed = false;
	pthread_mutex_unlock(&log->lock);
	log->newest = segment;
	log->used_bytes = used_bytes_of(&tree);
	log->must_roll = false;
	if (log->prewrite)
		log_prewrite_follow(log->prewrite, segment->name, log->used_bytes);
}

/* Makes new.mdb a segment that follows `previous`, whole and synced. LMDB codes and errno values. */
static int make_segment_file(struct log *log, const struct baophu_place *previous)
{
	static const uint8_t mark_key[LOG_KEY_BYTES];
	uint8_t mark[LOG_MARK_BYTES];
	MDB_env *env = NULL;
	MDB_txn *txn;
	MDB_dbi dbi;
	int fd = -1;

	log_mark_encode(previous->seq + 1, previous, mark);
	char *path = join_path(log->path, LOG_NEW_NAME);
	if (!path)
		return ENOMEM;
	unlinkat(log->directory, LOG_NEW_NAME, 0);
	int rc = open_env(path, MDB_NOLOCK, 1 << 20, NULL, &env);
	if (rc)
		goto out;
	rc = mdb_txn_begin(env, NULL, 0, &txn);
	if (rc)
		goto out;
	MDB_val key = { LOG_KEY_BYTES, (void *)mark_key }, value = { LOG_MARK_BYTES, mark };
	rc = mdb_dbi_open(txn, NULL, 0, &dbi);
	if (!rc)
		rc = mdb_put(txn, dbi, &key, &value, MDB_APPEND);
	if (rc) {
		mdb_txn_abort(txn);
		goto out;
	}
	rc = mdb_txn_commit(txn);
	if (rc)
		goto out;
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0) {
		rc = errno;
		goto out;
	}
	if (log->prewrite_bytes)
		rc = -log_prewrite_extend(fd, log->prewrite_bytes < first_piece_bytes ? log->prewrite_bytes : first_piece_bytes);
	if (!rc && fsync(fd) < 0)
		rc = errno;
out:
	if (fd >= 0)
		close(fd);
	if (env)
		mdb_env_close(env);
	free(path);
	return rc;
}

int log_add_segment(struct log *log, struct segment *segment)
{
	int rc = 0;
	pthread_mutex_lock(&log->lock);
	struct segment **grown = realloc(log->segments, (log->segment_count + 1) * sizeof *grown);
	if (grown) {
		grown[log->segment_count++] = segment;
		log->segments = grown;
	} else {
		rc = -ENOMEM;
	}
	pthread_mutex_unlock(&log->lock);
	return rc;
}

int log_roll(struct log *log)
{
	struct segment *segment = NULL;
	int rc = make_segment_file(log, &log->head);
	if (!rc)
		rc = -log_segment_create(log, log->head.seq + 1, &segment);
	/* Of a file of that name that is gone. Never after the rename: from then on another process may be reading with it. */
	if (!rc)
		log_unlink_lock(log, segment->name);
	if (!rc && renameat(log->directory, LOG_NEW_NAME, log->directory, segment->name) < 0)
		rc = errno;
	if (rc) {
		unlinkat(log->directory, LOG_NEW_NAME, 0); /* a full disk needs the room */
		log_segment_destroy(segment);
		return rc;
	}
	/* Once it has its name nothing may be appended before it, or the two would overlap. A failure from here on keeps to
	 * that: what asked for a new segment asks again at the next log_begin, which makes this one anew. */
	if (fsync(log->directory) < 0)
		rc = errno;
	if (!rc)
		rc = log_open_newest(log, segment);
	if (!rc)
		rc = -log_add_segment(log, segment);
	if (rc) {
		log_segment_destroy(segment);
		return rc;
	}
	log_adopt_newest(log, segment);
	return 0;
}

struct baophu_place log_head(const struct log *log)
{
	/* The lock is not part of what the log says. */
	pthread_mutex_t *lock = (pthread_mutex_t *)&log->lock;
	pthread_mutex_lock(lock);
	struct baophu_place head = log->head;
	pthread_mutex_unlock(lock);
	return head;
}

/* ---- appending ---- */

int64_t log_room_bytes(const struct log *log)
{
	struct statvfs status;
	if (fstatvfs(log->directory, &status) < 0)
		return 0;
	uint64_t total = (uint64_t)status.f_blocks * status.f_frsize, free_bytes = (uint64_t)status.f_bavail * status.f_frsize;
	uint64_t reserve = total / 20 > reserve_bytes_min ? total / 20 : reserve_bytes_min;
	return (int64_t)free_bytes - (int64_t)reserve;
}

static int fail(struct log *log, int error)
{
	log->txn_error = error;
	if (error != -BAOPHU_EFULL)
		log->failed = error;
	return error;
}

/* A process that read beside us and was killed keeps its place in the table, and with it pages that nobody needs. */
static void forget_dead_readers(struct log *log)
{
	int dead;
	if (log->begun++ % READERS_CHECKED_EACH == 0)
		mdb_reader_check(log->newest->env, &dead);
}

int log_begin(struct log *log)
{
	assert(!log->txn && log->access == LOG_APPEND);
	log->txn_error = log->failed;
	log->txn_bytes = 0;
	log->tail = log->head;
	if (log->failed)
		return log->failed;
	bool has_records = log->head.seq >= log->newest->first_seq;
	int rc = 0;
	forget_dead_readers(log);
	if (has_records && (log->must_roll || log->used_bytes >= log->segment_bytes))
		rc = log_roll(log);
	if (!rc)
		rc = mdb_txn_begin(log->newest->env, NULL, 0, &log->txn);
	if (rc) {
		log->txn = NULL;
		return fail(log, log_classify(log, rc));
	}
	return 0;
}

int log_append(struct log *log, const void *record, size_t bytes)
{
	if (log->txn_error)
		return log->txn_error;
	assert(log->txn);
	struct record_header header;
	int rc = record_read_header(record, bytes, &header);
	if (rc || header.place.seq != log->tail.seq + 1 || bytes != RECORD_HEADER_BYTES + (size_t)header.body_bytes)
		return fail(log, rc ? rc : -EINVAL);
	uint64_t key_bytes = htobe64(header.place.seq);
	MDB_val key = { sizeof key_bytes, &key_bytes }, value = { bytes, (void *)record };
	log->txn_bytes += bytes;
	rc = mdb_put(log->txn, log->newest->dbi, &key, &value, MDB_APPEND);
	if (rc)
		return fail(log, log_classify(log, rc));
	log->tail = header.place;
	return 0;
}

/* After a failed write of a header page LMDB refuses all further work, and what the disk holds is unknown. */
static bool is_poisoned(const struct log *log)
{
	MDB_txn *probe;
	if (mdb_txn_begin(log->newest->env, NULL, 0, &probe))
		return true;
	mdb_txn_abort(probe);
	return false;
}

static void bear_witness(struct log *log, const uint8_t meta[static LOG_META_BYTES])
{
	struct log_witness witness = { .place = log->tail, .first_seq = log->newest->first_seq };
	log_witness_digest_meta(meta, witness.meta_digest);
	log_witness_write(log->witness_fd, log->witness_turn++, &witness);
}

int log_commit(struct log *log)
{
	if (log->txn_error) {
		int error = log->txn_error;
		log_abort(log);
		return error;
	}
	assert(log->txn);
	if (log->tail.seq == log->head.seq) {
		log_abort(log);
		return 0;
	}
	int rc = mdb_txn_commit(log->txn);
	log->txn = NULL; /* LMDB frees it whether or not it succeeds */
	if (rc) {
		int error = log_classify(log, rc);
		if (error == -BAOPHU_EFULL && is_poisoned(log))
			error = -EIO;
		return fail(log, error);
	}
	uint8_t meta[LOG_META_BYTES];
	struct log_tree tree = read_newest_tree(log->newest, meta);
	log->used_bytes = used_bytes_of(&tree);
	bear_witness(log, meta);
	pthread_mutex_lock(&log->lock);
	log->head = log->tail;
	log->newest->tree = tree;
	pthread_mutex_unlock(&log->lock);
	if (log->prewrite)
		log_prewrite_used(log->prewrite, log->used_bytes);
	return 0;
}

void log_abort(struct log *log)
{
	if (log->txn)
		mdb_txn_abort(log->txn);
	log->txn = NULL;
	log->txn_error = 0;
}
