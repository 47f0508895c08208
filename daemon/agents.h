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
	uint64_t epoch;
	uint64_t next;
	uint64_t seq; /* record of the newest number; 0: none, or it was found in history */
	uint32_t agent;
	bool frozen;
};
struct agents {
	struct vec agents; /* by number; [0] unused; number 1 is "control", the administrator at the control endpoint */
	struct vec grants;
	struct vec newest_of_unit; /* uint32_t by unit: index + 1 in grants */
	struct vec lists; /* uint16_t */
	/* Epochs that are in use or were lately. Every command takes one, so they cannot all be kept: one that is not here is asked for in history
	 * (history_number) and put back by agents_recall. A frozen one is always here. */
	struct vec epochs; /* struct epoch */
	struct vec by_epoch; /* open hash of epochs: uint32_t index + 1 */
	uint32_t epochs_max; /* while a state is loaded from history: more are forgotten again; 0: it is not */
	uint64_t epochs_digest; /* over all epochs there ever were: grants, newest numbers, what is frozen */
};
enum { AGENT_CONTROL = 1 };
#define AGENT_CONTROL_NAME "control"
void agents_init(struct agents *agents);
void agents_finish(struct agents *agents);
int agents_clone(struct agents *to, const struct agents *from); /* of the epochs those that are frozen */
int agents_apply(struct agents *agents, const struct entry_agent *entry, uint64_t id);
int agents_apply_grant(struct agents *agents, const struct entry_grant *entry, uint64_t id);
/* ENTRY_EPOCH grants, ENTRY_FREEZE freezes, ENTRY_EPOCH_OPEN opens again. One that nobody wrote in and that was forgotten may be granted again. */
int agents_apply_epoch(struct agents *agents, enum entry_kind kind, const struct entry_epoch *entry);
/* An update of this agent was decided. -ENOMEM. */
int agents_decided(struct agents *agents, uint32_t agent, uint64_t epoch, uint64_t number, uint64_t seq, int64_t time_ms);
/* The same of the newest number of an epoch, from history; the numbers before it are not told. */
void agents_load_number(struct agents *agents, uint32_t agent, uint64_t epoch, uint64_t number, uint64_t seq, int64_t time_ms);
/* Puts an epoch back whose newest number is in history. Changes nothing that is decided. -ENOMEM. */
int agents_recall(struct agents *agents, uint32_t agent, uint64_t epoch, uint64_t next);
/* Forgets the epochs that are not frozen and that `is_kept` (NULL: none) does not want. History must have their newest numbers. */
void agents_forget(struct agents *agents, bool (*is_kept)(void *context, const struct epoch *epoch), void *context);

static inline uint32_t agents_count(const struct agents *a) { return a->agents.count ? (uint32_t)a->agents.count - 1 : 0; }
static inline const struct agent *agents_get(const struct agents *a, uint32_t number)
{
	return vec_at(&a->agents, struct agent, number);
}
uint32_t agents_find(const struct agents *agents, const char *name); /* 0: unknown */
/* NULL: not granted, or forgotten. Valid until the next change. */
struct epoch *agents_epoch(const struct agents *agents, uint32_t agent, uint64_t epoch);
/* The newest grant at exactly this unit that covers measure, extent and date; NULL. The caller walks up the tree. */
const struct grant *agents_grant_at(const struct agents *agents, uint32_t unit, uint16_t measure, uint8_t extent, baophu_date date);
