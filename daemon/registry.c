/* registry.c - applies one administrative entry to the part of the state that it speaks of. See registry.h. */
#include "registry.h"

#include <errno.h>
#include <string.h>

void registry_init(struct registry *registry)
{
	*registry = (struct registry){ .day = BAOPHU_DATE_NONE };
	units_init(&registry->units);
	measures_init(&registry->measures);
	plans_init(&registry->plans);
	agents_init(&registry->agents);
	lines_init(&registry->lines);
	rates_init(&registry->rates);
}

void registry_finish(struct registry *registry)
{
	units_finish(&registry->units);
	measures_finish(&registry->measures);
	plans_finish(&registry->plans);
	agents_finish(&registry->agents);
	lines_finish(&registry->lines);
	rates_finish(&registry->rates);
	vec_finish(&registry->held);
}

int registry_clone(struct registry *to, const struct registry *from)
{
	registry_init(to);
	if (units_clone(&to->units, &from->units) || measures_clone(&to->measures, &from->measures) ||
	    plans_clone(&to->plans, &from->plans) || agents_clone(&to->agents, &from->agents) ||
	    lines_clone(&to->lines, &from->lines) || rates_clone(&to->rates, &from->rates) ||
	    vec_clone(&to->held, &from->held, sizeof(struct held))) {
		registry_finish(to);
		return -ENOMEM;
	}
	to->day = from->day;
	to->changed_seq = from->changed_seq;
	to->map_seq = from->map_seq;
	return 0;
}

static int held_decide(struct registry *registry, uint64_t seq)
{
	for (size_t i = 0; i < registry->held.count; i++) {
		struct held *held = vec_at(&registry->held, struct held, i);
		if (held->seq == seq && !held->decided) {
			held->decided = true;
			return 0;
		}
	}
	return -BAOPHU_EDAMAGED;
}

int registry_apply(struct registry *registry, const struct record_header *header, const struct entry *entry, uint64_t id)
{
	uint64_t seq = header->place.seq;
	registry->changed_seq = seq;
	switch (entry->kind) {
	case ENTRY_RATE:
		return rates_apply(&registry->rates, &entry->rate, id);
	case ENTRY_LEVEL:
		registry->map_seq = seq;
		return measures_apply_level(&registry->measures, &entry->level);
	case ENTRY_UNIT:
		registry->map_seq = seq;
		return units_apply(&registry->units, &entry->unit, id);
	case ENTRY_UNIT_CLOSE:
		registry->map_seq = seq;
		return units_apply_close(&registry->units, &entry->unit_close, id);
	case ENTRY_MEASURE:
		registry->map_seq = seq;
		return measures_apply(&registry->measures, &entry->measure, id);
	case ENTRY_INDICATOR:
		registry->map_seq = seq;
		return measures_apply_indicator(&registry->measures, &entry->indicator, id);
	case ENTRY_PLAN:
		return plans_apply(&registry->plans, &entry->plan, id);
	case ENTRY_AGENT:
		return agents_apply(&registry->agents, &entry->agent, id);
	case ENTRY_GRANT:
		return agents_apply_grant(&registry->agents, &entry->grant, id);
	case ENTRY_HELD_DECISION:
		return held_decide(registry, entry->held.seq);
	case ENTRY_EPOCH:
	case ENTRY_FREEZE:
	case ENTRY_EPOCH_OPEN:
		return agents_apply_epoch(&registry->agents, entry->kind, &entry->epoch);
	case ENTRY_THRESHOLD: /* it can be crossed by any unit */
		registry->map_seq = seq;
		return lines_apply(&registry->lines, &entry->threshold, id);
	case ENTRY_DAY:
		registry->map_seq = seq;
		registry->day = entry->day.day;
		return 0;
	case ENTRY_BOOT:
	case ENTRY_CHECKPOINT:
		return 0;
	default:
		return -BAOPHU_EDAMAGED;
	}
}

const struct held *registry_held(const struct registry *registry, uint64_t seq)
{
	for (size_t i = 0; i < registry->held.count; i++) {
		const struct held *held = vec_at(&registry->held, struct held, i);
		if (held->seq == seq)
			return held;
	}
	return NULL;
}
