/* units.h - the places of the tree and their dated versions (design: territory and time).
 *
 * A unit's identity is its number; code, name, level and parent are versions that hold from a date on, each known from a log entry
 * on. So every look-up names two axes: the date asked about, and the last entry known (UINT64_MAX: all).
 * Part of the registry: written by the fold only, flat arrays so that a copy is a few memcpys. Pure.
 */
#pragma once

#include <stddef.h>

#include "record.h"
#include "vec.h"

struct unit_version {
	uint64_t id; /* entry that said so */
	uint32_t unit, parent; /* parent 0: a root */
	uint32_t older; /* index + 1 of the version of this unit known before; 0: none */
	uint32_t name; /* offset in the text pool */
	baophu_date from;
	uint8_t level;
	bool closed; /* from `from` on the unit is no longer valid */
	char code[BAOPHU_CODE_BYTES_MAX + 1];
};
struct unit_successor {
	uint64_t id;
	uint32_t unit, successor, weight;
};

struct units {
	struct vec versions; /* struct unit_version, in log order */
	struct vec newest; /* uint32_t by unit number: index + 1 of its newest known version; [0] unused */
	struct vec successors; /* struct unit_successor */
	struct vec by_code; /* open hash of version indices + 1, power of two */
	uint32_t by_code_used;
	struct vec text; /* NUL-terminated names */
};
void units_init(struct units *units);
void units_finish(struct units *units);
int units_clone(struct units *to, const struct units *from); /* -ENOMEM */

/* Fold side. */
int units_apply(struct units *units, const struct entry_unit *entry, uint64_t id);
int units_apply_close(struct units *units, const struct entry_unit_close *entry, uint64_t id);

static inline uint32_t units_count(const struct units *units)
{
	return units->newest.count ? (uint32_t)units->newest.count - 1 : 0;
}
/* The version in force on `date` as known; NULL when the unit is not valid then. */
const struct unit_version *units_at(const struct units *units, uint32_t unit, baophu_date date, uint64_t known_id);
const char *units_name(const struct units *units, const struct unit_version *version);
/* The unit whose code this is on `date`. NONE and *ret_unit; UNIT_UNKNOWN; UNIT_NOT_VALID with *ret_suggestion a successor (0: none). */
enum baophu_code units_find(const struct units *units, const char *code, baophu_date date, uint64_t known_id, uint32_t *ret_unit,
			    uint32_t *ret_suggestion);

/* The tree of one date, as flat arrays by unit number ([0] unused). */
struct tree {
	baophu_date date;
	uint64_t known_id;
	uint32_t count; /* highest unit number + 1 */
	uint32_t *parent, *first_child, *next_sibling; /* 0: none; siblings in order of code */
	uint32_t *children; /* how many children are valid */
	uint32_t *version; /* index + 1 in units.versions; 0: not valid on this date */
	uint8_t *depth;
	uint32_t *order; /* valid units, deepest first, then by code: children always before their parents */
	uint32_t order_count;
	uint32_t *roots;
	uint32_t root_count;
	void *block;
};
int tree_build(struct tree *tree, const struct units *units, baophu_date date, uint64_t known_id); /* -ENOMEM */
void tree_finish(struct tree *tree);
static inline bool tree_has(const struct tree *tree, uint32_t unit) { return unit < tree->count && tree->version[unit]; }
/* True when `unit` is `top` or lies below it. */
bool tree_is_below(const struct tree *tree, uint32_t unit, uint32_t top);
/* Below `unit` (or the unit itself), parents first, siblings by code: the next one after `at`; 0 at the end. `unit` 0: all roots. */
uint32_t tree_after(const struct tree *tree, uint32_t unit, uint32_t at, uint32_t levels);
