/* declarations.h - what agents said that they report, and how often. Part of the registry: written by the fold only. Pure.
 *
 * The key of a declaration is agent, unit, level, extent and measures: said again it replaces what was said before. Which units and
 * measures that makes, and whether their figures came, is liveness.h's.
 */
#pragma once

#include "record.h"
#include "rhythm.h"
#include "vec.h"

struct declaration {
	uint64_t id; /* entry that said so; 0: a free place */
	uint32_t agent, unit;
	uint32_t next; /* index + 1: of the same unit; of a free place the next free one */
	struct rhythm_terms terms;
	uint8_t level; /* every unit of this level at `unit` and below; 0: `unit` alone */
	uint8_t extent;
	uint16_t measure_count; /* 0: all that are granted */
	uint16_t measures[BAOPHU_DECLARE_MEASURES_MAX]; /* ascending */
};
struct declarations {
	struct vec all; /* struct declaration */
	struct vec first_of_unit; /* uint32_t by unit: index + 1 */
	struct vec count_of_agent; /* uint32_t by agent */
	uint32_t count; /* that stand */
	uint32_t free; /* first free place, index + 1 */
};
void declarations_init(struct declarations *declarations);
void declarations_finish(struct declarations *declarations);
int declarations_clone(struct declarations *to, const struct declarations *from); /* -ENOMEM */

/* Declares, replaces or removes (what does not stand is not removed, and nothing is wrong). -ENOMEM. */
int declarations_apply(struct declarations *declarations, const struct entry_declare *entry, uint64_t id);
/* What stands under the entry's key; NULL. Valid until the next change. */
const struct declaration *declarations_find(const struct declarations *declarations, const struct entry_declare *entry);
/* Whether this agent may declare `count` things more. */
bool declarations_have_room(const struct declarations *declarations, uint32_t agent, uint32_t count);
/* How many things an agent has declared at exactly this unit. */
uint32_t declarations_count_at(const struct declarations *declarations, uint32_t agent, uint32_t unit);
/* Index + 1 of the first at exactly this unit; 0. The others follow by `next`. */
static inline uint32_t declarations_at(const struct declarations *d, uint32_t unit)
{
	return unit < d->first_of_unit.count ? *vec_at(&d->first_of_unit, uint32_t, unit) : 0;
}
static inline const struct declaration *declarations_get(const struct declarations *d, uint32_t index)
{
	return vec_at(&d->all, struct declaration, index);
}
