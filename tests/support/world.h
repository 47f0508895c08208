/* world.h - a small country for tests of events: units that move, measures with parts, levels, amounts and rates to be reached, lines that come
 * and go, days, figures and withdrawals at random, all through the fold. What it crossed is kept. */
#pragma once

#include "scene.h"

enum { WORLD_UNITS = 14, WORLD_PLANS = 4, WORLD_EVENTS_MAX = 60000, WORLD_SAID_MAX = 4000 };
enum {
	WORLD_ALL = 1,
	WORLD_PART,
	WORLD_REST,
	WORLD_STOCK,
	WORLD_FLOW,
	WORLD_FLOW_PART,
	WORLD_FLOW_REST,
	WORLD_MEASURES = WORLD_FLOW_REST
};

struct world {
	struct scene scene;
	void (*folded)(void *context, const struct scene_record *record); /* after each record; may be NULL */
	void *context;
	uint64_t seed;
	struct world_said {
		struct slot slot;
		struct fact_version version;
	} said[WORLD_SAID_MAX];
	uint32_t said_count;
	struct world_line {
		uint32_t plan, digits;
		uint8_t decimals, number;
	} lines[8];
	uint32_t line_numbers;
	uint8_t is_standing[8];
	struct event *made;
	uint32_t made_count;
};

/* Zeroed but for `folded` and `context`. */
void world_begin(struct world *world, uint64_t seed);
void world_finish(struct world *world);
/* One more record, of one or some entries. */
void world_record(struct world *world);
/* Fails the test when they are not the same, naming `what` and the seed. */
void world_expect_same(const struct event *a, size_t a_count, const struct event *b, size_t b_count, const char *what,
		       uint64_t seed);
