/* log_tree.h - bounded look-ups in the pages of a segment.
 *
 * LMDB 0.9 believes every offset it finds in a page: a flipped bit there is a wild pointer, or an abort. So records are not
 * looked up by LMDB but here, in the mapped file, with each page number, offset and length checked against what it must lie in.
 * LMDB writes the pages and keeps the ones that a reader may still look at (log.c); this only reads them.
 * Pure: no I/O, no allocation. Everything it hands out points into the pages.
 */
#pragma once

#include <stddef.h>

#include <baophu/status.h>
#include <baophu/types.h>

enum {
	LOG_KEY_BYTES = 8,
	LOG_META_BYTES = 152, /* a header page's used bytes: page header and MDB_meta */
	LOG_PAGE_BYTES_MIN = 4096,
	LOG_PAGE_BYTES_MAX = 32768,
	/* offsets in a header page */
	LOG_META_MAGIC = 16,
	LOG_META_VERSION = 20,
	LOG_META_FREE = 40, /* MDB_db of the free list */
	LOG_META_MAIN = LOG_META_FREE + 48, /* MDB_db of the records */
	LOG_META_LAST_PAGE = LOG_META_MAIN + 48,
	LOG_META_TRANSACTION = LOG_META_LAST_PAGE + 8,
	/* offsets in an MDB_db */
	LOG_DB_PAD = 0, /* of the free list: the page size */
	LOG_DB_FLAGS = 4,
	LOG_DB_DEPTH = 6,
	LOG_DB_ENTRIES = 32,
	LOG_DB_ROOT = 40,
};

/* One tree at one commit. */
struct log_tree {
	const uint8_t *pages; /* the file in memory: (last_page + 1) * page_bytes bytes of it at least */
	uint32_t page_bytes;
	uint64_t last_page; /* of the commit */
	uint64_t root;
	uint16_t depth;
};
/* From a header page's bytes; `db` is LOG_META_MAIN or LOG_META_FREE. The page size must have been checked. */
struct log_tree log_tree_from_meta(const uint8_t meta[static LOG_META_BYTES], int db, const uint8_t *pages);
uint64_t log_meta_load64(const uint8_t meta[static LOG_META_BYTES], int at);

/* Where a look-up ended; zeroed: nowhere. */
struct log_position {
	const uint8_t *leaf;
	uint32_t index;
};

/* The value under a key. -BAOPHU_ENOTFOUND, -BAOPHU_EDAMAGED. */
int log_tree_find(const struct log_tree *tree, uint64_t key, struct log_position *position, const uint8_t **ret_value,
		  size_t *ret_bytes);
/* The value after `position`, when it is in the same leaf and under `key`; -BAOPHU_ENOTFOUND otherwise. */
int log_tree_next(const struct log_tree *tree, uint64_t key, struct log_position *position, const uint8_t **ret_value,
		  size_t *ret_bytes);
/* The first or the last key and its value. Every node of the pages on the way is looked at. */
int log_tree_edge(const struct log_tree *tree, bool last, uint64_t *ret_key, const uint8_t **ret_value, size_t *ret_bytes);
/* True when the free list is what LMDB writes: lists of page numbers of the file, each descending. */
bool log_tree_is_free_list(const struct log_tree *tree, uint64_t transaction);
