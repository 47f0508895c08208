/* log_read.c - reading the log from any thread, while it grows.
 *
 * Does not write and does not look anything up by LMDB: records are found by log_tree.c in the mapped file. In the segment that
 * is being written a reader holds an LMDB read transaction, for one purpose: pages of the commits from its own on are then not
 * used again. Which commit it looks at is what log_commit last published: it takes the transaction first, number t, and the
 * published tree, of commit p, after that. Either p >= t, or p = t - 1 when commit t is not yet published; in both cases pages
 * of tree p are freed by commit p + 1 >= t at the earliest, and LMDB gives away pages freed by commit f only when every reader
 * is beyond f. A sealed segment needs no transaction.
 *
 * A process that reads beside the one that appends has no published tree. It looks at the tree of its own transaction, whose header page
 * stands until the commit after the next one writes it.
 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log_private.h"
#include "record.h"

struct log_reader {
	struct log *log;
	struct segment *segment;
	MDB_txn *txn; /* keeps the pages of the segment that is being written; else NULL */
	bool is_live; /* `tree` may be looked at */
	struct log_tree tree;
	struct log_position position; /* of `position_seq` in `tree` */
	uint64_t position_seq;
	struct baophu_place head; /* as last asked for; a record up to here exists */
	struct baophu_place known; /* of the record last read */
};

int log_reader_open(struct log *log, struct log_reader **ret_reader)
{
	struct log_reader *reader = calloc(1, sizeof *reader);
	if (!reader)
		return -ENOMEM;
	reader->log = log;
	*ret_reader = reader;
	return 0;
}

void log_reader_release(struct log_reader *reader)
{
	if (reader->is_live && reader->txn)
		mdb_txn_reset(reader->txn);
	reader->is_live = false;
	reader->position_seq = 0;
}

static void leave_segment(struct log_reader *reader)
{
	log_reader_release(reader);
	if (reader->txn)
		mdb_txn_abort(reader->txn);
	reader->txn = NULL;
	reader->segment = NULL;
}

void log_reader_close(struct log_reader *reader)
{
	if (!reader)
		return;
	leave_segment(reader);
	free(reader);
}

/* A segment that was sealed before the start is mapped when somebody first asks. Called with the lock held. */
static int map_sealed(const struct log *log, struct segment *segment)
{
	int fd = openat(log->directory, segment->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = 0;
	if (fd < 0)
		return -errno;
	size_t bytes = (segment->tree.last_page + 1) * segment->tree.page_bytes;
	void *pages = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (pages == MAP_FAILED) {
		rc = -errno;
	} else {
		segment->pages = segment->tree.pages = pages;
		segment->map_bytes = bytes;
	}
	close(fd);
	return rc;
}

/* The segment that holds `seq`, mapped. */
static int find_segment(struct log *log, uint64_t seq, struct segment **ret_segment, bool *ret_is_sealed)
{
	pthread_mutex_lock(&log->lock);
	size_t low = 0, high = log->segment_count;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (log->segments[middle]->first_seq <= seq)
			low = middle;
		else
			high = middle;
	}
	struct segment *segment = log->segments[low];
	int rc = segment->pages ? 0 : map_sealed(log, segment);
	*ret_is_sealed = segment->is_sealed;
	pthread_mutex_unlock(&log->lock);
	*ret_segment = segment;
	return rc;
}

/* The tree that the reader's transaction keeps. -EAGAIN: two commits went by, begin another. */
static int read_kept_tree(const struct log_reader *reader, struct log_tree *ret_tree)
{
	const struct segment *segment = reader->segment;
	MDB_stat stat;
	uint8_t meta[LOG_META_BYTES];
	uint64_t number = mdb_txn_id(reader->txn);
	int rc = mdb_stat(reader->txn, segment->dbi, &stat);
	if (rc)
		return log_status(rc);
	memcpy(meta, segment->pages + (number & 1) * stat.ms_psize, sizeof meta);
	*ret_tree = log_tree_from_meta(meta, LOG_META_MAIN, segment->pages);
	/* LMDB's own copy says the same of it, or it was just being written. */
	bool is_kept = log_meta_load64(meta, LOG_META_TRANSACTION) == number &&
		       log_meta_load64(meta, LOG_META_MAIN + LOG_DB_ENTRIES) == stat.ms_entries && ret_tree->depth == stat.ms_depth;
	return is_kept ? 0 : -EAGAIN;
}

/* Keeps the pages of a commit, as new as can be had. */
static int keep_pages(struct log_reader *reader)
{
	enum { TRIES_MAX = 1000 };
	bool is_beside = reader->log->access == LOG_BESIDE;
	for (int tries = 1;; tries++) {
		int rc = reader->txn ? mdb_txn_renew(reader->txn)
				     : mdb_txn_begin(reader->segment->env, NULL, MDB_RDONLY, &reader->txn);
		if (rc)
			return log_status(rc);
		rc = is_beside ? read_kept_tree(reader, &reader->tree) : 0;
		if (!rc || rc != -EAGAIN || tries == TRIES_MAX)
			return rc;
		mdb_txn_reset(reader->txn);
	}
}

/* Goes to the newest commit of the segment that holds `seq`. */
static int renew(struct log_reader *reader, uint64_t seq)
{
	struct segment *segment;
	bool is_sealed;
	int rc = find_segment(reader->log, seq, &segment, &is_sealed);
	if (rc)
		return rc;
	if (segment != reader->segment)
		leave_segment(reader);
	else
		log_reader_release(reader);
	reader->segment = segment;
	if (!is_sealed) {
		rc = keep_pages(reader);
		if (rc) {
			leave_segment(reader);
			return rc;
		}
	} else if (reader->txn) {
		mdb_txn_abort(reader->txn);
		reader->txn = NULL;
	}
	if (is_sealed || reader->log->access != LOG_BESIDE) {
		pthread_mutex_lock(&reader->log->lock);
		reader->tree = segment->tree;
		pthread_mutex_unlock(&reader->log->lock);
	}
	reader->is_live = true;
	return 0;
}

/* Looks `seq` up in the tree at hand: beside the record before it, if that was the last one asked for, else from the root. */
static int look_up(struct log_reader *reader, uint64_t seq, const uint8_t **ret_record, size_t *ret_bytes)
{
	int rc = -BAOPHU_ENOTFOUND;
	if (reader->position_seq && seq == reader->position_seq + 1)
		rc = log_tree_next(&reader->tree, seq, &reader->position, ret_record, ret_bytes);
	if (rc == -BAOPHU_ENOTFOUND)
		rc = log_tree_find(&reader->tree, seq, &reader->position, ret_record, ret_bytes);
	reader->position_seq = rc ? 0 : seq;
	return rc;
}

/* The record of a seq that is known to be committed, with its header checked. */
static int fetch(struct log_reader *reader, uint64_t seq, const void **ret_record, size_t *ret_bytes,
		 struct record_header *ret_header)
{
	const uint8_t *record;
	size_t bytes;
	int rc = -BAOPHU_ENOTFOUND;
	if (reader->is_live && seq >= reader->segment->first_seq)
		rc = look_up(reader, seq, &record, &bytes);
	if (rc == -BAOPHU_ENOTFOUND) { /* it is in another segment, or newer than the tree at hand */
		rc = renew(reader, seq);
		if (!rc)
			rc = look_up(reader, seq, &record, &bytes);
		if (rc == -BAOPHU_ENOTFOUND)
			rc = -BAOPHU_EDAMAGED; /* it was committed */
	}
	if (!rc)
		rc = record_read_header(record, bytes, ret_header);
	if (!rc && (ret_header->place.seq != seq || bytes != RECORD_HEADER_BYTES + (size_t)ret_header->body_bytes))
		rc = -BAOPHU_EDAMAGED;
	if (rc)
		return rc;
	*ret_record = record;
	*ret_bytes = bytes;
	return 0;
}

/* The place of a seq from 0 up to the head, without looking at the chain. */
static int place_of(struct log_reader *reader, uint64_t seq, struct baophu_place *ret_place)
{
	const void *record;
	size_t bytes;
	struct record_header header = { .place = { 0 } };
	if (seq && seq == reader->known.seq) {
		*ret_place = reader->known;
		return 0;
	}
	int rc = seq ? fetch(reader, seq, &record, &bytes, &header) : 0;
	if (!rc)
		*ret_place = header.place;
	return rc;
}

static bool is_committed(struct log_reader *reader, uint64_t seq)
{
	if (seq > reader->head.seq)
		reader->head = log_head(reader->log);
	return seq <= reader->head.seq;
}

int log_read(struct log_reader *reader, uint64_t seq, bool verify, const void **ret_record, size_t *ret_bytes)
{
	struct baophu_place before;
	struct record_header header;
	const void *record;
	size_t bytes;
	if (seq == 0 || !is_committed(reader, seq))
		return -BAOPHU_ENOTFOUND;
	int rc = verify ? place_of(reader, seq - 1, &before) : 0;
	if (!rc)
		rc = fetch(reader, seq, &record, &bytes, &header);
	if (!rc && verify && !record_verify(record, bytes, before.digest))
		rc = -BAOPHU_EDAMAGED;
	if (rc) {
		reader->known.seq = 0;
		return rc;
	}
	reader->known = header.place;
	*ret_record = record;
	*ret_bytes = bytes;
	return 0;
}

int log_place(struct log_reader *reader, uint64_t seq, struct baophu_place *ret_place)
{
	if (!is_committed(reader, seq))
		return -BAOPHU_ENOTFOUND;
	return place_of(reader, seq, ret_place);
}
