/* agents.h - senders: who may report what, and where each one's numbering stands. Pure. */
#pragma once

#include "record.h"
#include "vec.h"

struct agent {
	uint64_t id;
	uint64_t last_seq; /* newest decided update; 0 */
	int64_t last_ms;
	uint64_t newest_epoch; /* of those that are counted up; 0: none was granted */
	uint32_t epoch_count, frozen_count;
	baophu_date from, until; /* until BAOPHU_DATE_NONE: no end */
	char name[BAOPHU_CODE_BYTES_MAX + 1];
};
struct grant {
	uint64_t id;
	uint32_t agent, unit;
	uint32_t older_of_unit; /* index + 1 */
	uint32_t measures; /* offset in `lists`; the count stands there first, 0: all */
	baophu_date from, until; /* dates of figures */
	uint8_t extent;
};
/* One epoch of an agent: numbers are decided in order. */
struct epoch {
	uint64_t epoch, next;
	uint32_t agent;
	bool frozen;
};
struct agents {
	struct vec agents; /* by number; [0] unused; number 1 is "control", the administrator at the control endpoint */
	struct vec grants;
	struct vec newest_of_unit; /* uint32_t by unit: index + 1 in grants */
	struct vec lists; /* uint16_t */
	struct vec epochs; /* struct epoch */
	struct vec by_epoch; /* open hash of epochs: uint32_t index + 1 */
};
enum { AGENT_CONTROL = 1 };
#define AGENT_CONTROL_NAME "control"
void agents_init(struct agents *agents);
void agents_finish(struct agents *agents);
int agents_clone(struct agents *to, const struct agents *from);
int agents_apply(struct agents *agents, const struct entry_agent *entry, uint64_t id);
int agents_apply_grant(struct agents *agents, const struct entry_grant *entry, uint64_t id);
/* ENTRY_EPOCH grants, ENTRY_FREEZE freezes, ENTRY_EPOCH_OPEN opens again. */
int agents_apply_epoch(struct agents *agents, enum entry_kind kind, const struct entry_epoch *entry);
/* An update of this agent was decided. */
void agents_decided(struct agents *agents, uint32_t agent, uint64_t epoch, uint64_t number, uint64_t seq, int64_t time_ms);

static inline uint32_t agents_count(const struct agents *a) { return a->agents.count ? (uint32_t)a->agents.count - 1 : 0; }
static inline const struct agent *agents_get(const struct agents *a, uint32_t number)
{
	return vec_at(&a->agents, struct agent, number);
}
uint32_t agents_find(const struct agents *agents, const char *name); /* 0: unknown */
/* NULL: not granted. Valid until the next change. */
struct epoch *agents_epoch(const struct agents *agents, uint32_t agent, uint64_t epoch);
/* The newest grant at exactly this unit that covers measure, extent and date; NULL. The caller walks up the tree. */
const struct grant *agents_grant_at(const struct agents *agents, uint32_t unit, uint16_t measure, uint8_t extent, baophu_date date);
