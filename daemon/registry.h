/* registry.h - what administrators decide: units, measures, plans, agents; the published rates beside them. Pure.
 *
 * Flat and small, so a query thread takes a copy when it changed (registry_clone) and never holds up the collector.
 */
#pragma once

#include "agents.h"
#include "lines.h"
#include "declarations.h"
#include "measures.h"
#include "plans.h"
#include "rates.h"
#include "record.h"
#include "units.h"

struct held { /* an update that waited for a decision, or waits */
	uint64_t seq, epoch, number;
	uint32_t agent, entry;
	enum baophu_code code;
	int64_t time_ms;
	bool decided, released; /* decided and not released: refused */
	uint64_t decided_seq;
};
/* The entries of a held update that was released: from this id to the end of its record, or to the next of these in it. */
struct release {
	uint64_t id, held_seq;
};
/* Units whose declared series an entry may have changed: their records say other things now. */
struct reach {
	uint64_t seq;
	uint32_t unit;
	uint8_t level; /* every unit of this level at `unit` and below; 0: `unit` alone; REACH_ALL */
};
enum { REACH_ALL = UINT8_MAX };
struct registry {
	struct units units;
	struct measures measures;
	struct plans plans;
	struct agents agents;
	struct lines lines;
	struct rates rates;
	struct vec held; /* struct held, in order of seq */
	struct vec releases; /* struct release, in order of id */
	uint32_t held_waiting;
	struct declarations declarations;
	struct vec reaches; /* struct reach, in log order, since the last record that changed the whole map */
	struct baophu_place backup; /* newest that a verified backup holds; seq 0: none */
	int64_t backup_ms; /* when it was said, Unix time */
	baophu_date day; /* business day; BAOPHU_DATE_NONE before the first */
	uint64_t changed_seq; /* last record that changed any of this, numbering of updates apart */
	uint64_t map_seq; /* last record that changes every coverage record: units, measures, indicators, lines, the day */
};
void registry_init(struct registry *registry);
void registry_finish(struct registry *registry);
int registry_clone(struct registry *to, const struct registry *from); /* -ENOMEM; `to` uninitialised */
/* Applies one decided entry that is not a fact or a withdrawal. -BAOPHU_EDAMAGED when it contradicts what stands (a log never does). */
int registry_apply(struct registry *registry, const struct record_header *header, const struct entry *entry, uint64_t id);
/* Who may report this: the nearest grant up the tree of the figure's date decides; 0: nobody. */
uint32_t registry_owner(const struct registry *registry, uint32_t unit, uint16_t measure, uint8_t extent, baophu_date date);
/* The next unit of `tree` in reach after `at` (0: the first); 0: no more. */
uint32_t registry_reach_next(const struct registry *registry, const struct reach *reach, const struct tree *tree, uint32_t at);
/* An update that waits for a decision from now on; `header` is that of its HELD record. -ENOMEM. */
int registry_hold(struct registry *registry, const struct record_header *header);
const struct held *registry_held(const struct registry *registry, uint64_t seq); /* NULL */
/* When the entry `id` came in: seq of its record, or of the held update that its record released. */
uint64_t registry_received_seq(const struct registry *registry, uint64_t id);
