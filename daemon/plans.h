/* plans.h - targets: plan codes, and for each the units' targets with their revisions. Several plans are in force at once. Pure. */
#pragma once

#include "record.h"
#include "vec.h"

struct plan_code {
	char code[BAOPHU_CODE_BYTES_MAX + 1];
};
struct plan_target {
	uint64_t id;
	uint32_t plan, unit;
	uint16_t target; /* measure; indicator for RATE */
	uint8_t kind, decimals, origin;
	bool removed;
	uint16_t revision; /* from 1 */
	baophu_date from, to;
	int64_t value;
	uint32_t issuer, document; /* text pool */
	uint32_t older_revision; /* index + 1; 0 */
	uint32_t older_of_unit; /* index + 1 of another target of this unit known before; 0 */
};
struct plans {
	struct vec codes; /* struct plan_code by number; [0] unused */
	struct vec targets; /* struct plan_target, in log order */
	struct vec newest_of_unit; /* uint32_t by unit: index + 1 */
	struct vec text;
};
void plans_init(struct plans *plans);
void plans_finish(struct plans *plans);
int plans_clone(struct plans *to, const struct plans *from);
int plans_apply(struct plans *plans, const struct entry_plan *entry, uint64_t id);

uint32_t plans_find_code(const struct plans *plans, const char *code); /* 0: unknown */
static inline uint32_t plans_code_count(const struct plans *p) { return p->codes.count ? (uint32_t)p->codes.count - 1 : 0; }
static inline const char *plans_code(const struct plans *p, uint32_t number)
{
	return vec_at(&p->codes, struct plan_code, number)->code;
}
/* The target of this code, unit and measure (or indicator, when `is_rate`) as known; NULL when there is none or it was removed. */
const struct plan_target *plans_target(const struct plans *plans, uint32_t plan, uint32_t unit, bool is_rate, uint16_t target,
				       uint64_t known_id);
/* Walks the targets of a unit as known, newest revision of each only: start with *cursor = 0; NULL at the end. */
const struct plan_target *plans_next(const struct plans *plans, uint32_t unit, uint64_t known_id, uint32_t *cursor);
static inline const char *plans_text(const struct plans *p, uint32_t offset) { return (const char *)p->text.data + offset; }
