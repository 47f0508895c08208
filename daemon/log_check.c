/* log_check.c - see log_check.h.
 *
 * Does not link LMDB, and does no more of LMDB's format than the header pages; the pages below them are log_tree.c's. Called by
 * log_open only, before the file is opened by LMDB.
 */
#include "log_check.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "record.h"

enum {
	PAGE_FLAGS = 10,
	PAGE_META = 0x08,
	MDB_MAGIC_NUMBER = 0xBEEFC0DE,
	MDB_VERSION_KNOWN = 1,
	META_ADDRESS = LOG_META_VERSION + 4,
};

static const char mark_magic[8] = "bplogseg";

struct segment_file {
	int fd;
	uint32_t page_bytes;
	uint64_t last_page; /* of the newest commit */
	char *why;
	size_t why_bytes;
};

static uint16_t load16(const uint8_t *at)
{
	uint16_t value;
	memcpy(&value, at, sizeof value);
	return value;
}

static uint32_t load32(const uint8_t *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof value);
	return value;
}

static uint64_t load64(const uint8_t *at)
{
	uint64_t value;
	memcpy(&value, at, sizeof value);
	return value;
}

void log_mark_encode(uint64_t first_seq, const struct baophu_place *previous, uint8_t ret_mark[static LOG_MARK_BYTES])
{
	uint32_t format = htole32(LOG_FORMAT);
	uint64_t first = htole64(first_seq), before = htole64(previous->seq);
	memset(ret_mark, 0, LOG_MARK_BYTES);
	memcpy(ret_mark, mark_magic, sizeof mark_magic);
	memcpy(ret_mark + 8, &format, sizeof format);
	memcpy(ret_mark + 16, &first, sizeof first);
	memcpy(ret_mark + 24, &before, sizeof before);
	memcpy(ret_mark + 32, previous->digest, BAOPHU_DIGEST_BYTES);
	crypto_generichash(ret_mark + 64, 16, ret_mark, 64, NULL, 0);
}

static int damaged(const struct segment_file *file, const char *why)
{
	snprintf(file->why, file->why_bytes, "%s", why);
	return -BAOPHU_EDAMAGED;
}

static int read_at(const struct segment_file *file, void *buffer, size_t bytes, uint64_t offset)
{
	ssize_t got = pread(file->fd, buffer, bytes, (off_t)offset);
	if (got < 0) {
		int error = -errno;
		snprintf(file->why, file->why_bytes, "cannot be read at byte %" PRIu64 ": %s", offset, strerror(-error));
		return error;
	}
	return (size_t)got == bytes ? 0 : damaged(file, "is truncated");
}

static int check_meta_page(const struct segment_file *file, const uint8_t *meta, uint64_t number)
{
	if (load64(meta) != number || load16(meta + PAGE_FLAGS) != PAGE_META || load32(meta + LOG_META_MAGIC) != MDB_MAGIC_NUMBER)
		return damaged(file, "a header page is not one of LMDB");
	if (load32(meta + LOG_META_VERSION) > MDB_VERSION_KNOWN) {
		snprintf(file->why, file->why_bytes, "is of LMDB data version %u, this program reads %u",
			 load32(meta + LOG_META_VERSION), MDB_VERSION_KNOWN);
		return -BAOPHU_EFORMAT;
	}
	if (load32(meta + LOG_META_VERSION) != MDB_VERSION_KNOWN)
		return damaged(file, "a header page has a version that never was");
	/* The records' tree is plain: no duplicates, no reversed or integer keys, no named databases. */
	if (load16(meta + LOG_META_MAIN + LOG_DB_FLAGS) != 0 || load32(meta + LOG_META_MAIN + LOG_DB_PAD) != 0)
		return damaged(file, "a header page describes another kind of tree");
	return 0;
}

/* Chooses the newest header page as LMDB does, after both have been found sound. */
static int read_metas(struct segment_file *file, struct log_segment_facts *facts)
{
	uint8_t metas[2][LOG_META_BYTES];
	int rc = read_at(file, metas[0], LOG_META_BYTES, 0);
	if (!rc)
		rc = check_meta_page(file, metas[0], 0);
	if (rc)
		return rc;
	file->page_bytes = load32(metas[0] + LOG_META_FREE + LOG_DB_PAD);
	if (file->page_bytes < LOG_PAGE_BYTES_MIN || file->page_bytes > LOG_PAGE_BYTES_MAX ||
	    file->page_bytes & (file->page_bytes - 1))
		return damaged(file, "a header page has a page size that cannot be");
	rc = read_at(file, metas[1], LOG_META_BYTES, file->page_bytes);
	if (!rc)
		rc = check_meta_page(file, metas[1], 1);
	if (rc)
		return rc;
	if (load32(metas[1] + LOG_META_FREE + LOG_DB_PAD) != file->page_bytes ||
	    load16(metas[0] + LOG_META_FREE + LOG_DB_FLAGS) != load16(metas[1] + LOG_META_FREE + LOG_DB_FLAGS) ||
	    memcmp(metas[0] + META_ADDRESS, metas[1] + META_ADDRESS, 8) != 0)
		return damaged(file, "its two header pages do not agree");

	/* Commit n writes header page n & 1, and n + 1 is begun only when n is on disk. */
	uint64_t transactions[2] = { load64(metas[0] + LOG_META_TRANSACTION), load64(metas[1] + LOG_META_TRANSACTION) };
	bool is_new = transactions[0] == 0 && transactions[1] == 0;
	if (!is_new && ((transactions[0] & 1) != 0 || (transactions[1] & 1) != 1 ||
			(transactions[0] + 1 != transactions[1] && transactions[1] + 1 != transactions[0])))
		return damaged(file, "its two header pages are not of consecutive commits");
	const uint8_t *newest = metas[transactions[0] < transactions[1]], *other = metas[transactions[0] >= transactions[1]];
	memcpy(facts->meta, newest, LOG_META_BYTES);
	facts->transaction = load64(newest + LOG_META_TRANSACTION);
	file->last_page = load64(newest + LOG_META_LAST_PAGE);
	/* Every commit adds a record, and the file only grows. */
	facts->is_disputed = load64(other + LOG_META_MAIN + LOG_DB_ENTRIES) >= load64(newest + LOG_META_MAIN + LOG_DB_ENTRIES) ||
			     load64(other + LOG_META_LAST_PAGE) > file->last_page;
	return 0;
}

static int read_mark(const struct segment_file *file, struct log_segment_facts *facts)
{
	const uint8_t *mark;
	uint8_t digest[16];
	uint64_t key;
	size_t bytes;
	if (log_tree_edge(&facts->tree, false, &key, &mark, &bytes))
		return damaged(file, "a page at the beginning of its tree is damaged");
	if (key != 0 || bytes < 16 || memcmp(mark, mark_magic, sizeof mark_magic) != 0)
		return damaged(file, "does not begin with the mark of a log segment");
	if (load32(mark + 8) > LOG_FORMAT) {
		snprintf(file->why, file->why_bytes, "is of log format %u, this program reads %u", load32(mark + 8), LOG_FORMAT);
		return -BAOPHU_EFORMAT;
	}
	if (bytes != LOG_MARK_BYTES)
		return damaged(file, "its mark is damaged");
	crypto_generichash(digest, sizeof digest, mark, 64, NULL, 0);
	if (memcmp(digest, mark + 64, sizeof digest) != 0)
		return damaged(file, "its mark is damaged");
	if (load64(mark + 16) != facts->first_seq || load64(mark + 24) != facts->first_seq - 1)
		return damaged(file, "its name and its mark do not agree");
	facts->previous.seq = load64(mark + 24);
	memcpy(facts->previous.digest, mark + 32, BAOPHU_DIGEST_BYTES);
	return 0;
}

static int read_end(const struct segment_file *file, struct log_segment_facts *facts)
{
	uint64_t records = load64(facts->meta + LOG_META_MAIN + LOG_DB_ENTRIES) - 1; /* the mark is one entry */
	const uint8_t *record;
	uint64_t key;
	size_t bytes;
	struct record_header header;
	if (log_tree_edge(&facts->tree, true, &key, &record, &bytes))
		return damaged(file, "a page at the end of its tree is damaged");
	/* Dense keys: the tree's last key and its number of entries say the same. */
	if (key != (records ? facts->first_seq + records - 1 : 0))
		return damaged(file, "its last record is not the one its header counts");
	facts->end = facts->previous;
	if (records == 0)
		return 0;
	int rc = record_read_header(record, bytes, &header);
	if (rc == -BAOPHU_EFORMAT) {
		snprintf(file->why, file->why_bytes, "its record %" PRIu64 " is of format %u, this program reads %u", key,
			 record[0], RECORD_FORMAT);
		return rc;
	}
	if (rc || header.place.seq != key)
		return damaged(file, "its last record is damaged");
	facts->end = header.place;
	return 0;
}

/* Opens the file, chooses its header page, and sees that all of its pages are there. file->fd is open when it returns 0. */
static int open_file(struct segment_file *file, int directory, const char *name, struct log_segment_facts *ret_facts)
{
	struct stat status;
	file->fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (file->fd < 0 || fstat(file->fd, &status) < 0) {
		int error = -errno;
		snprintf(file->why, file->why_bytes, "cannot be opened: %s", strerror(-error));
		if (file->fd >= 0)
			close(file->fd);
		return error;
	}
	int rc = S_ISREG(status.st_mode) ? read_metas(file, ret_facts) : damaged(file, "is not a file");
	/* The size is that of after the header pages: a file that grows has what they name. */
	if (!rc && fstat(file->fd, &status) < 0)
		rc = -errno;
	uint64_t file_pages = rc ? 0 : (uint64_t)status.st_size / file->page_bytes;
	if (!rc && (file->last_page < 2 || file->last_page >= file_pages)) {
		snprintf(file->why, file->why_bytes,
			 "is truncated: its newest commit needs %" PRIu64 " pages of %u bytes, it has %" PRIu64,
			 file->last_page + 1, file->page_bytes, file_pages);
		rc = -BAOPHU_EDAMAGED;
	}
	if (rc)
		close(file->fd);
	return rc;
}

int log_check_header(int directory, const char *name, char *why, size_t why_bytes)
{
	struct segment_file file = { .why = why, .why_bytes = why_bytes };
	struct log_segment_facts facts;
	int rc = open_file(&file, directory, name, &facts);
	if (!rc)
		close(file.fd);
	return rc;
}

int log_check_segment(int directory, const char *name, uint64_t first_seq, struct log_segment_facts *ret_facts, char *why,
		      size_t why_bytes)
{
	struct segment_file file = { .why = why, .why_bytes = why_bytes };

	memset(ret_facts, 0, sizeof *ret_facts);
	ret_facts->first_seq = first_seq;
	int rc = open_file(&file, directory, name, ret_facts);
	if (rc)
		return rc;
	size_t map_bytes = ret_facts->used_bytes = (file.last_page + 1) * file.page_bytes;
	void *map = mmap(NULL, map_bytes, PROT_READ, MAP_SHARED, file.fd, 0);
	if (map == MAP_FAILED) {
		rc = -errno;
		snprintf(why, why_bytes, "cannot be mapped: %s", strerror(-rc));
		close(file.fd);
		return rc;
	}
	ret_facts->tree = log_tree_from_meta(ret_facts->meta, LOG_META_MAIN, map);
	struct log_tree free_list = log_tree_from_meta(ret_facts->meta, LOG_META_FREE, map);
	rc = read_mark(&file, ret_facts);
	if (!rc)
		rc = read_end(&file, ret_facts);
	/* A damaged free list would hand out pages in use. */
	if (!rc && !log_tree_is_free_list(&free_list, ret_facts->transaction))
		rc = damaged(&file, "its free list is damaged");
	ret_facts->tree.pages = NULL;
	munmap(map, map_bytes);
	close(file.fd);
	return rc;
}
