/* log_tree.c - see log_tree.h.
 *
 * LMDB's data version 1, as 0.9 writes it on a 64 bit little-endian machine. A page: pgno u64, pad u16, flags u16, lower u16,
 * upper u16 (or, of an overflow page, its number of pages u32), then u16 offsets of nodes up to `lower`; nodes from `upper` on.
 * A node: lo u16, hi u16, flags u16, key bytes u16, key, data; in a branch page lo, hi and flags are a page number, in a leaf
 * page lo and hi are the length of the data, which is the number of an overflow page when flags say so. The first key of a
 * branch page is not used. Called by log_check.c, log.c and log_read.c. Keeps: no byte outside (last_page + 1) * page_bytes is read,
 * whatever the pages say.
 */
#include "log_tree.h"

#include <endian.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && sizeof(size_t) == 8, "LMDB's files are of the machine that wrote them");
_Static_assert(LOG_META_TRANSACTION + 8 == LOG_META_BYTES, "the header page adds up");

enum {
	PAGE_HEADER_BYTES = 16,
	PAGE_FLAGS = 10,
	PAGE_LOWER = 12,
	PAGE_UPPER = 14,
	PAGE_COUNT = 12, /* of an overflow page */
	PAGE_BRANCH = 0x01,
	PAGE_LEAF = 0x02,
	PAGE_OVERFLOW = 0x04,
	NODE_HEADER_BYTES = 8,
	NODE_BIG = 0x01,
	FIRST_PAGE = 2, /* after the two header pages */
	DEPTH_MAX = 32,
};

static inline uint16_t load16(const uint8_t *at)
{
	uint16_t value;
	memcpy(&value, at, sizeof value);
	return value;
}

static inline uint32_t load32(const uint8_t *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof value);
	return value;
}

static inline uint64_t load64(const uint8_t *at)
{
	uint64_t value;
	memcpy(&value, at, sizeof value);
	return value;
}

uint64_t log_meta_load64(const uint8_t meta[static LOG_META_BYTES], int at) { return load64(meta + at); }

struct log_tree log_tree_from_meta(const uint8_t meta[static LOG_META_BYTES], int db, const uint8_t *pages)
{
	return (struct log_tree){
		.pages = pages,
		.page_bytes = load32(meta + LOG_META_FREE + LOG_DB_PAD),
		.last_page = load64(meta + LOG_META_LAST_PAGE),
		.root = load64(meta + db + LOG_DB_ROOT),
		.depth = load16(meta + db + LOG_DB_DEPTH),
	};
}

/* A page by number, when it lies in the file, says that it is that page and is of the kind wanted; else NULL. */
static inline const uint8_t *page_at(const struct log_tree *tree, uint64_t number, uint16_t flags)
{
	if (number < FIRST_PAGE || number > tree->last_page)
		return NULL;
	const uint8_t *page = tree->pages + number * tree->page_bytes;
	return load64(page) == number && load16(page + PAGE_FLAGS) == flags ? page : NULL;
}

/* The number of nodes, 0 when the page's bounds cannot be. */
static inline uint32_t count_of(const struct log_tree *tree, const uint8_t *page)
{
	uint16_t lower = load16(page + PAGE_LOWER), upper = load16(page + PAGE_UPPER);
	if (lower < PAGE_HEADER_BYTES || lower & 1 || upper < lower || upper > tree->page_bytes)
		return 0;
	return (uint32_t)(lower - PAGE_HEADER_BYTES) / 2;
}

/* Node `index` of a page, its header and key inside the page; else NULL. `index` is below count_of(). */
static inline const uint8_t *node_at(const struct log_tree *tree, const uint8_t *page, uint32_t index)
{
	uint16_t at = load16(page + PAGE_HEADER_BYTES + 2 * (size_t)index);
	if (at < load16(page + PAGE_UPPER) || (size_t)at + NODE_HEADER_BYTES > tree->page_bytes)
		return NULL;
	const uint8_t *node = page + at;
	return (size_t)at + NODE_HEADER_BYTES + load16(node + 6) <= tree->page_bytes ? node : NULL;
}

static inline uint64_t child_of(const uint8_t *node) { return load32(node) | (uint64_t)load16(node + 4) << 32; }

/* A record's key; false when it has another length than all keys have. */
static inline bool key_of(const uint8_t *node, uint64_t *ret_key)
{
	if (load16(node + 6) != LOG_KEY_BYTES)
		return false;
	*ret_key = be64toh(load64(node + NODE_HEADER_BYTES));
	return true;
}

static int value_of(const struct log_tree *tree, const uint8_t *page, const uint8_t *node, const uint8_t **ret_value,
		    size_t *ret_bytes)
{
	size_t bytes = load32(node);
	const uint8_t *data = node + NODE_HEADER_BYTES + load16(node + 6);
	size_t room = (size_t)(page + tree->page_bytes - data);
	uint16_t flags = load16(node + 4);
	if (flags == 0) {
		if (bytes > room)
			return -BAOPHU_EDAMAGED;
		*ret_value = data;
	} else {
		if (flags != NODE_BIG || room < 8)
			return -BAOPHU_EDAMAGED;
		uint64_t number = load64(data), pages = (PAGE_HEADER_BYTES + bytes + tree->page_bytes - 1) / tree->page_bytes;
		const uint8_t *first = page_at(tree, number, PAGE_OVERFLOW);
		if (!first || load32(first + PAGE_COUNT) != pages || pages > tree->last_page - number + 1)
			return -BAOPHU_EDAMAGED;
		*ret_value = first + PAGE_HEADER_BYTES;
	}
	*ret_bytes = bytes;
	return 0;
}

/* The last node whose key is not above `key`; the first when all are. False when the page is damaged. */
static bool search(const struct log_tree *tree, const uint8_t *page, uint32_t count, bool is_leaf, uint64_t key,
		   uint32_t *ret_index, uint64_t *ret_key)
{
	uint32_t low = 0, high = count;
	uint64_t found, low_key = 0;
	if (is_leaf) {
		const uint8_t *node = node_at(tree, page, 0);
		if (!node || !key_of(node, &low_key))
			return false;
	}
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		const uint8_t *node = node_at(tree, page, middle);
		if (!node || !key_of(node, &found))
			return false;
		if (found <= key) {
			low = middle;
			low_key = found;
		} else {
			high = middle;
		}
	}
	*ret_index = low;
	*ret_key = low_key;
	return true;
}

int log_tree_find(const struct log_tree *tree, uint64_t key, struct log_position *position, const uint8_t **ret_value,
		  size_t *ret_bytes)
{
	uint64_t number = tree->root, found;
	uint32_t index;
	position->leaf = NULL;
	if (tree->depth < 1 || tree->depth > DEPTH_MAX)
		return -BAOPHU_EDAMAGED;
	for (uint16_t level = 1;; level++) {
		bool is_leaf = level == tree->depth;
		const uint8_t *page = page_at(tree, number, is_leaf ? PAGE_LEAF : PAGE_BRANCH);
		uint32_t count = page ? count_of(tree, page) : 0;
		if (count == 0 || !search(tree, page, count, is_leaf, key, &index, &found))
			return -BAOPHU_EDAMAGED;
		const uint8_t *node = node_at(tree, page, index);
		if (!node)
			return -BAOPHU_EDAMAGED;
		if (is_leaf) {
			if (found != key)
				return -BAOPHU_ENOTFOUND;
			position->leaf = page;
			position->index = index;
			return value_of(tree, page, node, ret_value, ret_bytes);
		}
		number = child_of(node);
	}
}

int log_tree_next(const struct log_tree *tree, uint64_t key, struct log_position *position, const uint8_t **ret_value,
		  size_t *ret_bytes)
{
	uint64_t found;
	if (!position->leaf || position->index + 1 >= count_of(tree, position->leaf))
		return -BAOPHU_ENOTFOUND;
	const uint8_t *node = node_at(tree, position->leaf, position->index + 1);
	if (!node || !key_of(node, &found) || found != key)
		return -BAOPHU_ENOTFOUND;
	position->index++;
	return value_of(tree, position->leaf, node, ret_value, ret_bytes);
}

static bool are_nodes_sound(const struct log_tree *tree, const uint8_t *page, uint32_t count)
{
	bool is_branch = load16(page + PAGE_FLAGS) == PAGE_BRANCH;
	const uint8_t *value;
	size_t bytes;
	if (is_branch && count < 2)
		return false; /* LMDB would abort */
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *node = node_at(tree, page, i);
		if (!node)
			return false;
		if (!is_branch && value_of(tree, page, node, &value, &bytes) != 0)
			return false;
		if (is_branch && (child_of(node) < FIRST_PAGE || child_of(node) > tree->last_page))
			return false;
	}
	return true;
}

/* Down the first or the last branch; the leaf, or NULL. */
static const uint8_t *edge_leaf(const struct log_tree *tree, bool last, uint32_t *ret_count)
{
	uint64_t number = tree->root;
	if (tree->depth < 1 || tree->depth > DEPTH_MAX)
		return NULL;
	for (uint16_t level = 1;; level++) {
		const uint8_t *page = page_at(tree, number, level == tree->depth ? PAGE_LEAF : PAGE_BRANCH);
		*ret_count = page ? count_of(tree, page) : 0;
		if (*ret_count == 0 || !are_nodes_sound(tree, page, *ret_count))
			return NULL;
		if (level == tree->depth)
			return page;
		number = child_of(node_at(tree, page, last ? *ret_count - 1 : 0));
	}
}

int log_tree_edge(const struct log_tree *tree, bool last, uint64_t *ret_key, const uint8_t **ret_value, size_t *ret_bytes)
{
	uint32_t count;
	const uint8_t *leaf = edge_leaf(tree, last, &count);
	if (!leaf)
		return -BAOPHU_EDAMAGED;
	const uint8_t *node = node_at(tree, leaf, last ? count - 1 : 0);
	return key_of(node, ret_key) ? value_of(tree, leaf, node, ret_value, ret_bytes) : -BAOPHU_EDAMAGED;
}

/* A list is its length, then page numbers, highest first; its key is the transaction that freed them. */
static bool is_page_list(const struct log_tree *tree, const uint8_t *value, size_t bytes)
{
	uint64_t count = bytes >= 8 ? load64(value) : UINT64_MAX, above = tree->last_page + 1;
	if (count > bytes / 8 - 1)
		return false;
	for (uint64_t i = 1; i <= count; i++) {
		uint64_t number = load64(value + 8 * i);
		if (number < FIRST_PAGE || number >= above)
			return false;
		above = number;
	}
	return true;
}

static bool is_free_page(const struct log_tree *tree, uint64_t number, uint16_t level, uint64_t transaction)
{
	bool is_leaf = level == tree->depth;
	const uint8_t *page = page_at(tree, number, is_leaf ? PAGE_LEAF : PAGE_BRANCH), *value;
	uint32_t count = page ? count_of(tree, page) : 0;
	size_t bytes;
	if (count == 0 || !are_nodes_sound(tree, page, count))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *node = node_at(tree, page, i);
		if (!is_leaf) {
			if (!is_free_page(tree, child_of(node), (uint16_t)(level + 1), transaction))
				return false;
		} else if (load16(node + 6) != 8 || load64(node + NODE_HEADER_BYTES) > transaction ||
			   value_of(tree, page, node, &value, &bytes) != 0 || !is_page_list(tree, value, bytes)) {
			return false;
		}
	}
	return true;
}

bool log_tree_is_free_list(const struct log_tree *tree, uint64_t transaction)
{
	if (tree->root == UINT64_MAX) /* LMDB's P_INVALID: nothing is free */
		return tree->depth == 0;
	return tree->depth >= 1 && tree->depth <= 4 && is_free_page(tree, tree->root, 1, transaction);
}
