/* liveness.h - which of the declared series are up to date, on one day, and how many of them at and below each unit. Pure.
 *
 * A series is declared where a declaration names its unit, measure and extent, and the agent that declared owns it on that day; of
 * several the newest word counts. The same code keeps the live one, entry by entry, and computes that of a question from scratch.
 * Whoever declares nothing costs nothing: until the first declaration there is not even a table.
 */
#pragma once

#include "facts.h"
#include "registry.h"

struct liveness_series {
	uint32_t declaration; /* index in the registry's declarations */
	uint32_t agent;
	uint16_t measure;
	uint8_t extent;
	uint8_t freshness;
};
struct liveness_count {
	uint32_t declared, fresh;
	uint16_t measure;
};
struct liveness_unit {
	struct liveness_series *series; /* of the unit itself, by measure and extent */
	struct liveness_count *counts; /* of the unit and all below it, by measure; none is 0 of 0 */
	uint16_t series_count, count_count, count_room;
};
/* Of one agent, by freshness. */
struct liveness_agent {
	uint32_t series[BAOPHU_FRESHNESS_COUNT];
};
struct liveness {
	const struct registry *registry;
	const struct tree *tree;
	const struct facts *facts;
	baophu_date day; /* figures up to this day count */
	uint64_t known_id; /* declarations known; UINT64_MAX: all */
	struct liveness_unit *units; /* by unit number; NULL while nothing is declared */
	uint32_t unit_count;
	struct vec agents; /* struct liveness_agent by agent */
	struct vec found; /* struct candidate: scratch */
	int error; /* -ENOMEM, kept */
};
/* Of no unit yet; what it points to is borrowed until finish. */
void liveness_init(struct liveness *liveness, const struct registry *registry, const struct tree *tree, const struct facts *facts,
		   baophu_date day, uint64_t known_id);
void liveness_finish(struct liveness *liveness); /* right also for a zeroed one */
/* Every unit of the tree. Returns the kept error. */
int liveness_take_all(struct liveness *liveness);
/* This unit itself: what is declared of it may be other series than before. */
void liveness_take_unit(struct liveness *liveness, uint32_t unit);
/* For liveness_take_fact. */
void liveness_take_series(struct liveness *liveness, const struct slot *slot);
/* A fact of this slot came, or was taken back. */
static inline void liveness_take_fact(struct liveness *liveness, const struct slot *slot)
{
	if (liveness->units && slot->unit < liveness->unit_count && liveness->units[slot->unit].series_count)
		liveness_take_series(liveness, slot);
}

/* How many series of this measure at and below the unit are declared, and how many of these fresh. */
struct liveness_count liveness_count(const struct liveness *liveness, uint32_t unit, uint16_t measure);
/* NULL: the agent has declared nothing. */
const struct liveness_agent *liveness_agent(const struct liveness *liveness, uint32_t agent);
/* Date of the newest figure of a series that stands; BAOPHU_DATE_NONE. */
baophu_date liveness_newest(const struct liveness *liveness, uint32_t unit, const struct liveness_series *series);
