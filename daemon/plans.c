/* plans.c - plan codes and the units' targets under them, with revisions. See plans.h. */
#include "plans.h"

#include <errno.h>
#include <string.h>

void plans_init(struct plans *plans) { *plans = (struct plans){ 0 }; }

void plans_finish(struct plans *plans)
{
	vec_finish(&plans->codes);
	vec_finish(&plans->targets);
	vec_finish(&plans->newest_of_unit);
	vec_finish(&plans->text);
}

int plans_clone(struct plans *to, const struct plans *from)
{
	plans_init(to);
	if (vec_clone(&to->codes, &from->codes, sizeof(struct plan_code)) ||
	    vec_clone(&to->targets, &from->targets, sizeof(struct plan_target)) ||
	    vec_clone(&to->newest_of_unit, &from->newest_of_unit, sizeof(uint32_t)) || vec_clone(&to->text, &from->text, 1)) {
		plans_finish(to);
		return -ENOMEM;
	}
	return 0;
}

static bool is_same_target(const struct plan_target *a, uint32_t plan, bool is_rate, uint16_t target)
{
	return a->plan == plan && a->target == target && (a->kind == BAOPHU_PLAN_RATE) == is_rate;
}

int plans_apply(struct plans *plans, const struct entry_plan *entry, uint64_t id)
{
	if (entry->plan >= plans->codes.count &&
	    !vec_grow(&plans->codes, entry->plan + 1 - plans->codes.count, sizeof(struct plan_code)))
		return -ENOMEM;
	struct plan_code *code = vec_at(&plans->codes, struct plan_code, entry->plan);
	if (!code->code[0])
		memcpy(code->code, entry->code, strnlen(entry->code, BAOPHU_CODE_BYTES_MAX));
	if (entry->unit >= plans->newest_of_unit.count &&
	    !vec_grow(&plans->newest_of_unit, entry->unit + 1 - plans->newest_of_unit.count, sizeof(uint32_t)))
		return -ENOMEM;
	uint32_t *newest = vec_at(&plans->newest_of_unit, uint32_t, entry->unit), before = *newest;
	while (before) {
		const struct plan_target *other = vec_at(&plans->targets, struct plan_target, before - 1);
		if (is_same_target(other, entry->plan, entry->kind == BAOPHU_PLAN_RATE, entry->target))
			break;
		before = other->older_of_unit;
	}
	struct plan_target *target = vec_grow(&plans->targets, 1, sizeof *target);
	if (!target)
		return -ENOMEM;
	*target = (struct plan_target){ .id = id,
					.plan = entry->plan,
					.unit = entry->unit,
					.target = entry->target,
					.kind = entry->kind,
					.decimals = entry->decimals,
					.origin = entry->origin,
					.removed = entry->removed,
					.from = entry->from,
					.to = entry->to,
					.value = entry->value,
					.older_revision = before,
					.older_of_unit = *newest };
	target->revision = before ? (uint16_t)(vec_at(&plans->targets, struct plan_target, before - 1)->revision + 1) : 1;
	*newest = (uint32_t)plans->targets.count;
	target->issuer = vec_text(&plans->text, entry->issuer);
	target->document = vec_text(&plans->text, entry->document);
	return target->issuer == UINT32_MAX || target->document == UINT32_MAX ? -ENOMEM : 0;
}

uint32_t plans_find_code(const struct plans *plans, const char *code)
{
	for (uint32_t number = 1; number < plans->codes.count; number++)
		if (!strcmp(plans_code(plans, number), code))
			return number;
	return 0;
}

const struct plan_target *plans_target(const struct plans *plans, uint32_t plan, uint32_t unit, bool is_rate, uint16_t target,
				       uint64_t known_id)
{
	if (unit >= plans->newest_of_unit.count)
		return NULL;
	for (uint32_t at = *vec_at(&plans->newest_of_unit, uint32_t, unit); at;) {
		const struct plan_target *found = vec_at(&plans->targets, struct plan_target, at - 1);
		if (found->id <= known_id && is_same_target(found, plan, is_rate, target))
			return found->removed ? NULL : found;
		at = found->older_of_unit;
	}
	return NULL;
}

const struct plan_target *plans_next(const struct plans *plans, uint32_t unit, uint64_t known_id, uint32_t *cursor)
{
	if (unit >= plans->newest_of_unit.count)
		return NULL;
	uint32_t at = *cursor ? vec_at(&plans->targets, struct plan_target, *cursor - 1)->older_of_unit
			      : *vec_at(&plans->newest_of_unit, uint32_t, unit);
	while (at) {
		const struct plan_target *found = vec_at(&plans->targets, struct plan_target, at - 1);
		*cursor = at;
		if (found->id <= known_id &&
		    plans_target(plans, found->plan, unit, found->kind == BAOPHU_PLAN_RATE, found->target, known_id) == found)
			return found;
		at = found->older_of_unit;
	}
	return NULL;
}
