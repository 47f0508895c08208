/* registry.h - what administrators decide: units, measures, plans, agents; the published rates beside them. Pure.
 *
 * Flat and small, so a query thread takes a copy when it changed (registry_clone) and never holds up the collector.
 */
#pragma once

#include "agents.h"
#include "lines.h"
#include "measures.h"
#include "plans.h"
#include "rates.h"
#include "record.h"
#include "units.h"

struct held { /* an update waiting for a decision */
	uint64_t seq, epoch, number;
	uint32_t agent, entry;
	enum baophu_code code;
	int64_t time_ms;
	bool decided;
};
struct registry {
	struct units units;
	struct measures measures;
	struct plans plans;
	struct agents agents;
	struct lines lines;
	struct rates rates;
	struct vec held; /* struct held */
	baophu_date day; /* business day; BAOPHU_DATE_NONE before the first */
	uint64_t changed_seq; /* last record that changed any of this, numbering of updates apart */
	uint64_t map_seq; /* last record that changes every coverage record: units, measures, indicators, lines, the day */
};
void registry_init(struct registry *registry);
void registry_finish(struct registry *registry);
int registry_clone(struct registry *to, const struct registry *from); /* -ENOMEM; `to` uninitialised */
/* Applies one decided entry that is not a fact or a withdrawal. -BAOPHU_EDAMAGED when it contradicts what stands (a log never does). */
int registry_apply(struct registry *registry, const struct record_header *header, const struct entry *entry, uint64_t id);
const struct held *registry_held(const struct registry *registry, uint64_t seq); /* NULL */
