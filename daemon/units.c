/* units.c - dated versions of units, look-up by code, and the tree of one date. See units.h. */
#include "units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void units_init(struct units *units) { *units = (struct units){ 0 }; }

void units_finish(struct units *units)
{
	vec_finish(&units->versions);
	vec_finish(&units->newest);
	vec_finish(&units->successors);
	vec_finish(&units->by_code);
	vec_finish(&units->text);
}

int units_clone(struct units *to, const struct units *from)
{
	units_init(to);
	if (vec_clone(&to->versions, &from->versions, sizeof(struct unit_version)) ||
	    vec_clone(&to->newest, &from->newest, sizeof(uint32_t)) ||
	    vec_clone(&to->successors, &from->successors, sizeof(struct unit_successor)) ||
	    vec_clone(&to->by_code, &from->by_code, sizeof(uint32_t)) || vec_clone(&to->text, &from->text, 1)) {
		units_finish(to);
		return -ENOMEM;
	}
	to->by_code_used = from->by_code_used;
	return 0;
}

static struct unit_version *version_at(const struct units *units, uint32_t index)
{
	return vec_at(&units->versions, struct unit_version, index);
}

/* Codes are at most 16 bytes and zero-padded, so two words say it all. */
struct code_key {
	uint64_t low, high;
};
static struct code_key key_of(const char *code)
{
	char padded[16] = { 0 };
	for (unsigned i = 0; i < 16 && code[i]; i++)
		padded[i] = code[i];
	struct code_key key;
	memcpy(&key, padded, 16);
	return key;
}
static uint32_t key_hash(struct code_key key)
{
	uint64_t x = key.low * UINT64_C(0x9e3779b97f4a7c15) ^ key.high * UINT64_C(0xc2b2ae3d27d4eb4f);
	return (uint32_t)(x >> 32 ^ x);
}
static bool key_is(struct code_key key, const char code[static 16])
{
	struct code_key other;
	memcpy(&other, code, 16);
	return other.low == key.low && other.high == key.high;
}

static void by_code_put(struct units *units, uint32_t index)
{
	uint32_t mask = (uint32_t)units->by_code.count - 1, *table = units->by_code.data;
	uint32_t at = key_hash(key_of(version_at(units, index)->code)) & mask;
	while (table[at])
		at = (at + 1) & mask;
	table[at] = index + 1;
	units->by_code_used++;
}

static int by_code_add(struct units *units, uint32_t index)
{
	if ((size_t)(units->by_code_used + 1) * 2 > units->by_code.count) {
		struct vec old = units->by_code;
		size_t size = old.count ? old.count * 2 : 256;
		units->by_code = (struct vec){ 0 };
		if (!vec_grow(&units->by_code, size, sizeof(uint32_t))) {
			units->by_code = old;
			return -ENOMEM;
		}
		units->by_code_used = 0;
		for (size_t i = 0; i < old.count; i++)
			if (*vec_at(&old, uint32_t, i))
				by_code_put(units, *vec_at(&old, uint32_t, i) - 1);
		vec_finish(&old);
	}
	by_code_put(units, index);
	return 0;
}

static int version_add(struct units *units, uint32_t unit, const struct unit_version *version)
{
	if (unit >= units->newest.count) {
		size_t missing = unit + 1 - units->newest.count;
		if (!vec_grow(&units->newest, missing, sizeof(uint32_t)))
			return -ENOMEM;
	}
	struct unit_version *added = vec_grow(&units->versions, 1, sizeof *added);
	if (!added)
		return -ENOMEM;
	uint32_t *newest = vec_at(&units->newest, uint32_t, unit);
	*added = *version;
	added->unit = unit;
	added->older = *newest;
	*newest = (uint32_t)units->versions.count;
	return version->closed ? 0 : by_code_add(units, *newest - 1);
}

int units_apply(struct units *units, const struct entry_unit *entry, uint64_t id)
{
	struct unit_version version = { .id = id, .parent = entry->parent, .from = entry->from, .level = entry->level };
	memcpy(version.code, entry->code, strnlen(entry->code, BAOPHU_CODE_BYTES_MAX));
	version.name = vec_text(&units->text, entry->name);
	if (version.name == UINT32_MAX)
		return -ENOMEM;
	return version_add(units, entry->unit, &version);
}

int units_apply_close(struct units *units, const struct entry_unit_close *entry, uint64_t id)
{
	for (uint32_t i = 0; i < entry->successor_count; i++) {
		struct unit_successor *successor = vec_grow(&units->successors, 1, sizeof *successor);
		if (!successor)
			return -ENOMEM;
		*successor = (struct unit_successor){ id, entry->unit, entry->successors[i].unit, entry->successors[i].weight };
	}
	struct unit_version version = { .id = id, .from = entry->from, .closed = true };
	return version_add(units, entry->unit, &version);
}

const struct unit_version *units_at(const struct units *units, uint32_t unit, baophu_date date, uint64_t known_id)
{
	if (!unit || unit >= units->newest.count)
		return NULL;
	const struct unit_version *best = NULL;
	/* Newest known first, so on equal dates the later word wins. */
	for (uint32_t at = *vec_at(&units->newest, uint32_t, unit); at;) {
		const struct unit_version *version = version_at(units, at - 1);
		if (version->id <= known_id && version->from <= date && (!best || version->from > best->from))
			best = version;
		at = version->older;
	}
	return best && !best->closed ? best : NULL;
}

const char *units_name(const struct units *units, const struct unit_version *version)
{
	return (const char *)units->text.data + version->name;
}

/* Where a unit that is not valid under its old code went: itself under a new code, else its weightiest successor. */
static uint32_t successor_of(const struct units *units, uint32_t unit, baophu_date date, uint64_t known_id)
{
	if (units_at(units, unit, date, known_id))
		return unit;
	const struct unit_successor *best = NULL;
	for (size_t i = 0; i < units->successors.count; i++) {
		const struct unit_successor *successor = vec_at(&units->successors, struct unit_successor, i);
		if (successor->unit == unit && successor->id <= known_id && (!best || successor->weight > best->weight))
			best = successor;
	}
	return best ? best->successor : 0;
}

enum baophu_code units_find(const struct units *units, const char *code, baophu_date date, uint64_t known_id, uint32_t *ret_unit,
			    uint32_t *ret_suggestion)
{
	if (ret_suggestion)
		*ret_suggestion = 0;
	if (!units->by_code.count)
		return BAOPHU_CODE_UNIT_UNKNOWN;
	struct code_key key = key_of(code);
	uint32_t mask = (uint32_t)units->by_code.count - 1, former = 0;
	const uint32_t *table = units->by_code.data;
	for (uint32_t at = key_hash(key) & mask; table[at]; at = (at + 1) & mask) {
		const struct unit_version *version = version_at(units, table[at] - 1);
		if (version->id > known_id || !key_is(key, version->code))
			continue;
		/* One version is the common case: it is in force from its date until another says otherwise. */
		const struct unit_version *in_force = units_at(units, version->unit, date, known_id);
		if (in_force && key_is(key, in_force->code)) {
			*ret_unit = version->unit;
			return BAOPHU_CODE_NONE;
		}
		former = version->unit;
	}
	if (!former)
		return BAOPHU_CODE_UNIT_UNKNOWN;
	if (ret_suggestion)
		*ret_suggestion = successor_of(units, former, date, known_id);
	return BAOPHU_CODE_UNIT_NOT_VALID;
}

static int by_depth_and_code(const void *a, const void *b, void *context)
{
	const struct tree *tree = ((const void **)context)[0];
	const struct units *units = ((const void **)context)[1];
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	if (tree->depth[x] != tree->depth[y])
		return tree->depth[x] > tree->depth[y] ? -1 : 1;
	int order = strcmp(version_at(units, tree->version[x] - 1)->code, version_at(units, tree->version[y] - 1)->code);
	return order ? order : x < y ? -1 : x > y;
}

int tree_build(struct tree *tree, const struct units *units, baophu_date date, uint64_t known_id)
{
	uint32_t count = units_count(units) + 1;
	uint32_t *block = calloc((size_t)count, 7 * sizeof *block + 1);
	if (!block)
		return -ENOMEM;
	*tree = (struct tree){ .date = date, .known_id = known_id, .count = count, .block = block };
	tree->parent = block;
	tree->first_child = block + count;
	tree->next_sibling = block + 2 * (size_t)count;
	tree->children = block + 3 * (size_t)count;
	tree->version = block + 4 * (size_t)count;
	tree->order = block + 5 * (size_t)count;
	tree->roots = block + 6 * (size_t)count;
	tree->depth = (uint8_t *)(block + 7 * (size_t)count);

	for (uint32_t unit = 1; unit < count; unit++) {
		const struct unit_version *version = units_at(units, unit, date, known_id);
		if (version)
			tree->version[unit] = (uint32_t)(version - (struct unit_version *)units->versions.data) + 1;
	}
	for (uint32_t unit = 1; unit < count; unit++) {
		if (!tree->version[unit])
			continue;
		uint32_t parent = version_at(units, tree->version[unit] - 1)->parent;
		/* A unit whose parent is not valid on this date stands at the top until it is moved. */
		tree->parent[unit] = parent < count && tree->version[parent] ? parent : 0;
		tree->order[tree->order_count++] = unit;
	}
	for (uint32_t i = 0; i < tree->order_count; i++) {
		unsigned depth = 0;
		for (uint32_t up = tree->parent[tree->order[i]]; up && depth <= BAOPHU_DEPTH_MAX; up = tree->parent[up])
			depth++;
		if (depth > BAOPHU_DEPTH_MAX) { /* too deep or a circle of dated moves: cut here, so that every walk up ends */
			tree->parent[tree->order[i]] = 0;
			depth = 0;
		}
		tree->depth[tree->order[i]] = (uint8_t)depth;
	}
	const void *context[] = { tree, units };
	qsort_r(tree->order, tree->order_count, sizeof *tree->order, by_depth_and_code, context);
	for (uint32_t i = tree->order_count; i--;) { /* backwards, so that pushing to the front leaves siblings in order of code */
		uint32_t unit = tree->order[i], parent = tree->parent[unit];
		if (!parent) {
			tree->roots[tree->root_count++] = unit;
			continue;
		}
		tree->next_sibling[unit] = tree->first_child[parent];
		tree->first_child[parent] = unit;
		tree->children[parent]++;
	}
	return 0;
}

void tree_finish(struct tree *tree)
{
	free(tree->block);
	*tree = (struct tree){ 0 };
}

bool tree_is_below(const struct tree *tree, uint32_t unit, uint32_t top)
{
	for (; unit; unit = tree->parent[unit])
		if (unit == top)
			return true;
	return false;
}

uint32_t tree_after(const struct tree *tree, uint32_t unit, uint32_t at, uint32_t levels)
{
	if (!at)
		return unit ? unit : tree->root_count ? tree->roots[tree->root_count - 1] : 0; /* last code first */
	uint32_t top_depth = unit ? tree->depth[unit] : 0;
	if (tree->first_child[at] && tree->depth[at] - top_depth < levels)
		return tree->first_child[at];
	for (; at && at != unit; at = tree->parent[at]) {
		if (tree->next_sibling[at])
			return tree->next_sibling[at];
		if (!tree->parent[at]) {
			uint32_t root = tree->root_count;
			while (root && tree->roots[root - 1] != at)
				root--;
			return root > 1 ? tree->roots[root - 2] : 0;
		}
	}
	return 0;
}
