/* log_check.c - see log_check.h.
 *
 * Does not link LMDB. Knows LMDB's file format (data version 1, as 0.9 writes it on a 64 bit little-endian machine): a page is
 * {pgno u64, pad u16, flags u16, lower u16, upper u16}, then node offsets u16, nodes from the end; a node is {lo u16, hi u16,
 * flags u16, key bytes u16, key, data}. Called by log_open only, before the file is opened by LMDB.
 * Every offset taken from the file is checked against the page it was taken from, every page number against the newest commit's
 * last.
 */
#include "log_check.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "record.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && sizeof(size_t) == 8, "LMDB's files are of the machine that wrote them");

enum {
	PAGE_HEADER_BYTES = 16,
	NODE_HEADER_BYTES = 8,
	PAGE_BYTES_MIN = 4096,
	PAGE_BYTES_MAX = 32768,
	DEPTH_MAX = 32,
	PAGE_BRANCH = 0x01,
	PAGE_LEAF = 0x02,
	PAGE_OVERFLOW = 0x04,
	PAGE_META = 0x08,
	NODE_BIG = 0x01,
	MDB_MAGIC_NUMBER = 0xBEEFC0DE,
	MDB_VERSION_KNOWN = 1,
	/* offsets in a header page */
	META_MAGIC = 16,
	META_VERSION = 20,
	META_FREE = 40, /* MDB_db of the free list */
	META_MAIN = META_FREE + 48, /* MDB_db of the records */
	META_LAST_PAGE = META_MAIN + 48,
	META_TRANSACTION = META_LAST_PAGE + 8,
	/* offsets in an MDB_db */
	DB_PAD = 0, /* of the free list: the page size */
	DB_FLAGS = 4,
	DB_DEPTH = 6,
	DB_ENTRIES = 32,
	DB_ROOT = 40,
};
_Static_assert(META_TRANSACTION + 8 == LOG_META_BYTES, "the header page adds up");

static const char mark_magic[8] = "bplogseg";
static const uint64_t no_page = UINT64_MAX;

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
	if (load64(meta) != number || load16(meta + 10) != PAGE_META || load32(meta + META_MAGIC) != MDB_MAGIC_NUMBER)
		return damaged(file, "a header page is not one of LMDB");
	if (load32(meta + META_VERSION) > MDB_VERSION_KNOWN) {
		snprintf(file->why, file->why_bytes, "is of LMDB data version %u, this program reads %u",
			 load32(meta + META_VERSION), MDB_VERSION_KNOWN);
		return -BAOPHU_EFORMAT;
	}
	if (load32(meta + META_VERSION) != MDB_VERSION_KNOWN)
		return damaged(file, "a header page has a version that never was");
	/* The records' tree is plain: no duplicates, no reversed or integer keys, no named databases. */
	if (load16(meta + META_MAIN + DB_FLAGS) != 0 || load32(meta + META_MAIN + DB_PAD) != 0)
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
	file->page_bytes = load32(metas[0] + META_FREE + DB_PAD);
	if (file->page_bytes < PAGE_BYTES_MIN || file->page_bytes > PAGE_BYTES_MAX || file->page_bytes & (file->page_bytes - 1))
		return damaged(file, "a header page has a page size that cannot be");
	rc = read_at(file, metas[1], LOG_META_BYTES, file->page_bytes);
	if (!rc)
		rc = check_meta_page(file, metas[1], 1);
	if (rc)
		return rc;
	if (load32(metas[1] + META_FREE + DB_PAD) != file->page_bytes ||
	    load16(metas[0] + META_FREE + DB_FLAGS) != load16(metas[1] + META_FREE + DB_FLAGS) ||
	    memcmp(metas[0] + META_VERSION + 4, metas[1] + META_VERSION + 4, 8) != 0)
		return damaged(file, "its two header pages do not agree");

	/* Commit n writes header page n & 1, and n + 1 is begun only when n is on disk. */
	uint64_t transactions[2] = { load64(metas[0] + META_TRANSACTION), load64(metas[1] + META_TRANSACTION) };
	bool is_new = transactions[0] == 0 && transactions[1] == 0;
	if (!is_new && ((transactions[0] & 1) != 0 || (transactions[1] & 1) != 1 ||
			(transactions[0] + 1 != transactions[1] && transactions[1] + 1 != transactions[0])))
		return damaged(file, "its two header pages are not of consecutive commits");
	const uint8_t *newest = metas[transactions[0] < transactions[1]], *other = metas[transactions[0] >= transactions[1]];
	memcpy(facts->meta, newest, LOG_META_BYTES);
	facts->transaction = load64(newest + META_TRANSACTION);
	file->last_page = load64(newest + META_LAST_PAGE);
	/* Every commit adds a record, and the file only grows. */
	facts->is_disputed = load64(other + META_MAIN + DB_ENTRIES) >= load64(newest + META_MAIN + DB_ENTRIES) ||
			     load64(other + META_LAST_PAGE) > file->last_page;
	return 0;
}

static int read_page(const struct segment_file *file, uint64_t number, uint8_t *page)
{
	if (number < 2 || number > file->last_page)
		return damaged(file, "a page number leads out of the file");
	int rc = read_at(file, page, file->page_bytes, number * file->page_bytes);
	if (rc)
		return rc;
	return load64(page) == number ? 0 : damaged(file, "a page is not where it says it is");
}

struct node {
	uint16_t flags, key_bytes;
	uint32_t low;
	const uint8_t *key, *data;
	size_t room; /* bytes of the page from `data` on */
};

/* The first or the last node of a leaf or branch page. */
static int edge_node(const struct segment_file *file, const uint8_t *page, bool last, struct node *ret_node)
{
	uint16_t lower = load16(page + 12), upper = load16(page + 14);
	if (lower < PAGE_HEADER_BYTES + 2 || lower & 1 || upper < lower || upper > file->page_bytes)
		return damaged(file, "a page's bounds cannot be");
	uint16_t at = load16(page + (last ? lower - 2 : PAGE_HEADER_BYTES));
	if (at < upper || (size_t)at + NODE_HEADER_BYTES > file->page_bytes)
		return damaged(file, "an offset leads out of its page");
	const uint8_t *node = page + at;
	ret_node->low = load16(node) | (uint32_t)load16(node + 2) << 16;
	ret_node->flags = load16(node + 4);
	ret_node->key_bytes = load16(node + 6);
	if ((size_t)at + NODE_HEADER_BYTES + ret_node->key_bytes > file->page_bytes)
		return damaged(file, "a key leads out of its page");
	ret_node->key = node + NODE_HEADER_BYTES;
	ret_node->data = ret_node->key + ret_node->key_bytes;
	ret_node->room = (size_t)(page + file->page_bytes - ret_node->data);
	return 0;
}

/* Follows the first or the last branch down to a leaf; `page` holds the leaf. */
static int walk(const struct segment_file *file, const uint8_t *db, bool last, uint8_t *page)
{
	uint16_t depth = load16(db + DB_DEPTH);
	uint64_t number = load64(db + DB_ROOT);
	if (depth < 1 || depth > DEPTH_MAX)
		return damaged(file, "a tree has a depth that cannot be");
	for (uint16_t level = 1;; level++) {
		int rc = read_page(file, number, page);
		if (rc)
			return rc;
		uint16_t flags = load16(page + 10);
		if (flags != (level == depth ? PAGE_LEAF : PAGE_BRANCH))
			return damaged(file, "a page is not of the kind its place asks for");
		if (level == depth)
			return 0;
		struct node node;
		rc = edge_node(file, page, last, &node);
		if (rc)
			return rc;
		number = node.low | (uint64_t)node.flags << 32;
	}
}

/* The first `bytes` bytes of a leaf node's value; *ret_total its whole length. */
static int read_value(const struct segment_file *file, const struct node *node, uint8_t *buffer, size_t bytes, uint64_t *ret_total)
{
	*ret_total = node->low;
	if (node->low < bytes)
		return damaged(file, "a value is shorter than it can be");
	if (!(node->flags & NODE_BIG)) {
		if (node->room < node->low)
			return damaged(file, "a value leads out of its page");
		memcpy(buffer, node->data, bytes);
		return 0;
	}
	uint8_t header[PAGE_HEADER_BYTES];
	if (node->room < 8)
		return damaged(file, "a value leads out of its page");
	uint64_t number = load64(node->data),
		 pages = (node->low + PAGE_HEADER_BYTES + (uint64_t)file->page_bytes - 1) / file->page_bytes;
	if (number < 2 || number > file->last_page || pages > file->last_page - number + 1)
		return damaged(file, "a page number leads out of the file");
	int rc = read_at(file, header, sizeof header, number * file->page_bytes);
	if (!rc && (load64(header) != number || load16(header + 10) != PAGE_OVERFLOW))
		rc = damaged(file, "a page is not where it says it is");
	if (!rc)
		rc = read_at(file, buffer, bytes, number * file->page_bytes + PAGE_HEADER_BYTES);
	return rc;
}

static int read_mark(const struct segment_file *file, uint8_t *page, struct log_segment_facts *facts)
{
	static const uint8_t mark_key[LOG_KEY_BYTES];
	struct node node;
	uint8_t mark[LOG_MARK_BYTES], digest[16];
	uint64_t total;
	int rc = walk(file, facts->meta + META_MAIN, false, page);
	if (!rc)
		rc = edge_node(file, page, false, &node);
	if (!rc)
		rc = read_value(file, &node, mark, sizeof mark, &total);
	if (rc)
		return rc;
	if (node.key_bytes != LOG_KEY_BYTES || memcmp(node.key, mark_key, LOG_KEY_BYTES) != 0 ||
	    memcmp(mark, mark_magic, sizeof mark_magic) != 0)
		return damaged(file, "does not begin with the mark of a log segment");
	if (load32(mark + 8) > LOG_FORMAT) {
		snprintf(file->why, file->why_bytes, "is of log format %u, this program reads %u", load32(mark + 8), LOG_FORMAT);
		return -BAOPHU_EFORMAT;
	}
	crypto_generichash(digest, sizeof digest, mark, 64, NULL, 0);
	if (total != LOG_MARK_BYTES || memcmp(digest, mark + 64, sizeof digest) != 0)
		return damaged(file, "its mark is damaged");
	if (load64(mark + 16) != facts->first_seq || load64(mark + 24) != facts->first_seq - 1)
		return damaged(file, "its name and its mark do not agree");
	facts->previous.seq = load64(mark + 24);
	memcpy(facts->previous.digest, mark + 32, BAOPHU_DIGEST_BYTES);
	return 0;
}

static int read_end(const struct segment_file *file, uint8_t *page, struct log_segment_facts *facts)
{
	uint64_t records = load64(facts->meta + META_MAIN + DB_ENTRIES) - 1; /* the mark is one entry */
	struct node node;
	int rc = walk(file, facts->meta + META_MAIN, true, page);
	if (!rc)
		rc = edge_node(file, page, true, &node);
	if (rc)
		return rc;
	uint64_t key = 0;
	if (node.key_bytes == LOG_KEY_BYTES)
		memcpy(&key, node.key, LOG_KEY_BYTES);
	key = be64toh(key);
	/* Dense keys: the tree's last key and its number of entries say the same. */
	if (node.key_bytes != LOG_KEY_BYTES || key != (records ? facts->first_seq + records - 1 : 0))
		return damaged(file, "its last record is not the one its header counts");
	facts->end = facts->previous;
	if (records == 0)
		return 0;

	uint8_t bytes[RECORD_HEADER_BYTES];
	uint64_t total;
	struct record_header header;
	rc = read_value(file, &node, bytes, sizeof bytes, &total);
	if (rc)
		return rc;
	rc = record_read_header(bytes, sizeof bytes, &header);
	if (rc == -BAOPHU_EFORMAT) {
		snprintf(file->why, file->why_bytes, "its record %" PRIu64 " is of format %u, this program reads %u", key, bytes[0],
			 RECORD_FORMAT);
		return rc;
	}
	if (rc || header.place.seq != key || total != RECORD_HEADER_BYTES + (uint64_t)header.body_bytes)
		return damaged(file, "its last record is damaged");
	facts->end = header.place;
	return 0;
}

/* A damaged free list would hand out pages in use; its shape at least is looked at. */
static int check_free_list(const struct segment_file *file, uint8_t *page, const struct log_segment_facts *facts)
{
	const uint8_t *db = facts->meta + META_FREE;
	if (load64(db + DB_ROOT) == no_page)
		return load16(db + DB_DEPTH) == 0 && load64(db + DB_ENTRIES) == 0 ? 0 : damaged(file, "its free list has no root");
	int rc = walk(file, db, false, page);
	return rc ? rc : walk(file, db, true, page);
}

int log_check_segment(int directory, const char *name, uint64_t first_seq, struct log_segment_facts *ret_facts, char *why,
		      size_t why_bytes)
{
	struct segment_file file = { .why = why, .why_bytes = why_bytes };
	struct stat status;
	uint8_t page[PAGE_BYTES_MAX];

	memset(ret_facts, 0, sizeof *ret_facts);
	ret_facts->first_seq = first_seq;
	file.fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (file.fd < 0 || fstat(file.fd, &status) < 0) {
		int error = -errno;
		snprintf(why, why_bytes, "cannot be opened: %s", strerror(-error));
		if (file.fd >= 0)
			close(file.fd);
		return error;
	}
	int rc = S_ISREG(status.st_mode) ? read_metas(&file, ret_facts) : damaged(&file, "is not a file");
	if (rc)
		goto out;
	uint64_t file_bytes = (uint64_t)status.st_size, file_pages = file_bytes / file.page_bytes;
	ret_facts->used_bytes = (file.last_page + 1) * file.page_bytes;
	if (file.last_page < 2 || file.last_page >= file_pages) {
		snprintf(why, why_bytes, "is truncated: its newest commit needs %" PRIu64 " pages of %u bytes, it has %" PRIu64,
			 file.last_page + 1, file.page_bytes, file_pages);
		rc = -BAOPHU_EDAMAGED;
		goto out;
	}
	rc = read_mark(&file, page, ret_facts);
	if (!rc)
		rc = read_end(&file, page, ret_facts);
	if (!rc)
		rc = check_free_list(&file, page, ret_facts);
out:
	close(file.fd);
	return rc;
}
