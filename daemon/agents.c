/* agents.c - agents, grants and epochs. See agents.h. */
#include "agents.h"

#include <errno.h>
#include <string.h>

void agents_init(struct agents *agents) { *agents = (struct agents){ 0 }; }

void agents_finish(struct agents *agents)
{
	vec_finish(&agents->agents);
	vec_finish(&agents->grants);
	vec_finish(&agents->newest_of_unit);
	vec_finish(&agents->lists);
	vec_finish(&agents->epochs);
	vec_finish(&agents->by_epoch);
}

int agents_clone(struct agents *to, const struct agents *from)
{
	agents_init(to);
	if (vec_clone(&to->agents, &from->agents, sizeof(struct agent)) ||
	    vec_clone(&to->grants, &from->grants, sizeof(struct grant)) ||
	    vec_clone(&to->newest_of_unit, &from->newest_of_unit, sizeof(uint32_t)) ||
	    vec_clone(&to->lists, &from->lists, sizeof(uint16_t)) || vec_clone(&to->epochs, &from->epochs, sizeof(struct epoch)) ||
	    vec_clone(&to->by_epoch, &from->by_epoch, sizeof(uint32_t))) {
		agents_finish(to);
		return -ENOMEM;
	}
	return 0;
}

int agents_apply(struct agents *agents, const struct entry_agent *entry, uint64_t id)
{
	if (entry->agent >= agents->agents.count &&
	    !vec_grow(&agents->agents, entry->agent + 1 - agents->agents.count, sizeof(struct agent)))
		return -ENOMEM;
	struct agent *agent = vec_at(&agents->agents, struct agent, entry->agent);
	agent->id = id;
	agent->from = entry->from;
	agent->until = entry->until;
	memset(agent->name, 0, sizeof agent->name);
	memcpy(agent->name, entry->name, strnlen(entry->name, BAOPHU_CODE_BYTES_MAX));
	return 0;
}

static bool lists_equal(const struct agents *agents, const struct grant *grant, const struct entry_grant *entry)
{
	const uint16_t *list = vec_at(&agents->lists, uint16_t, grant->measures);
	return list[0] == entry->measure_count && !memcmp(list + 1, entry->measures, entry->measure_count * sizeof *list);
}

int agents_apply_grant(struct agents *agents, const struct entry_grant *entry, uint64_t id)
{
	if (entry->unit >= agents->newest_of_unit.count &&
	    !vec_grow(&agents->newest_of_unit, entry->unit + 1 - agents->newest_of_unit.count, sizeof(uint32_t)))
		return -ENOMEM;
	uint32_t *newest = vec_at(&agents->newest_of_unit, uint32_t, entry->unit);
	if (entry->revoke) {
		for (uint32_t at = *newest; at;) {
			struct grant *grant = vec_at(&agents->grants, struct grant, at - 1);
			if (grant->agent == entry->agent && grant->extent == entry->extent && lists_equal(agents, grant, entry))
				grant->until = entry->until;
			at = grant->older_of_unit;
		}
		return 0;
	}
	uint32_t list = (uint32_t)agents->lists.count;
	uint16_t *measures = vec_grow(&agents->lists, entry->measure_count + 1, sizeof *measures);
	struct grant *grant = measures ? vec_grow(&agents->grants, 1, sizeof *grant) : NULL;
	if (!grant)
		return -ENOMEM;
	measures[0] = (uint16_t)entry->measure_count;
	if (entry->measure_count)
		memcpy(measures + 1, entry->measures, entry->measure_count * sizeof *measures);
	*grant = (struct grant){ .id = id,
				 .agent = entry->agent,
				 .unit = entry->unit,
				 .older_of_unit = *newest,
				 .measures = list,
				 .from = entry->from,
				 .until = entry->until,
				 .extent = entry->extent };
	*newest = (uint32_t)agents->grants.count;
	return 0;
}

static uint32_t epoch_hash(uint32_t agent, uint64_t epoch) { return (uint32_t)(baophu_mix64(agent, epoch) >> 32); }

static void by_epoch_put(struct agents *agents, uint32_t index)
{
	const struct epoch *epoch = vec_at(&agents->epochs, struct epoch, index);
	uint32_t mask = (uint32_t)agents->by_epoch.count - 1, *table = agents->by_epoch.data;
	uint32_t at = epoch_hash(epoch->agent, epoch->epoch) & mask;
	while (table[at])
		at = (at + 1) & mask;
	table[at] = index + 1;
}

struct epoch *agents_epoch(const struct agents *agents, uint32_t agent, uint64_t number)
{
	if (!agents->by_epoch.count)
		return NULL;
	uint32_t mask = (uint32_t)agents->by_epoch.count - 1;
	const uint32_t *table = agents->by_epoch.data;
	for (uint32_t at = epoch_hash(agent, number) & mask; table[at]; at = (at + 1) & mask) {
		struct epoch *epoch = vec_at(&agents->epochs, struct epoch, table[at] - 1);
		if (epoch->agent == agent && epoch->epoch == number)
			return epoch;
	}
	return NULL;
}

int agents_apply_epoch(struct agents *agents, enum entry_kind kind, const struct entry_epoch *entry)
{
	if (!entry->agent || entry->agent >= agents->agents.count)
		return -BAOPHU_EDAMAGED;
	struct agent *agent = vec_at(&agents->agents, struct agent, entry->agent);
	struct epoch *epoch = agents_epoch(agents, entry->agent, entry->epoch);
	if (kind != ENTRY_EPOCH) {
		bool freeze = kind == ENTRY_FREEZE;
		if (!epoch)
			return -BAOPHU_EDAMAGED;
		if (epoch->frozen != freeze)
			agent->frozen_count += freeze ? 1 : -1;
		epoch->frozen = freeze;
		return 0;
	}
	if (epoch)
		return -BAOPHU_EDAMAGED;
	if ((agents->epochs.count + 1) * 2 > agents->by_epoch.count) {
		struct vec grown = { 0 };
		if (!vec_grow(&grown, agents->by_epoch.count ? agents->by_epoch.count * 2 : 64, sizeof(uint32_t)))
			return -ENOMEM;
		vec_finish(&agents->by_epoch);
		agents->by_epoch = grown;
		for (uint32_t i = 0; i < agents->epochs.count; i++)
			by_epoch_put(agents, i);
	}
	epoch = vec_grow(&agents->epochs, 1, sizeof *epoch);
	if (!epoch)
		return -ENOMEM;
	*epoch = (struct epoch){ .epoch = entry->epoch, .next = 1, .agent = entry->agent };
	by_epoch_put(agents, (uint32_t)agents->epochs.count - 1);
	agent->epoch_count++;
	if (entry->epoch > agent->newest_epoch && entry->epoch < BAOPHU_EPOCH_CHOSEN_MIN)
		agent->newest_epoch = entry->epoch;
	return 0;
}

void agents_decided(struct agents *agents, uint32_t number, uint64_t epoch_number, uint64_t update, uint64_t seq, int64_t time_ms)
{
	struct epoch *epoch = agents_epoch(agents, number, epoch_number);
	if (epoch && update >= epoch->next)
		epoch->next = update + 1;
	if (number && number < agents->agents.count) {
		struct agent *agent = vec_at(&agents->agents, struct agent, number);
		if (seq > agent->last_seq) {
			agent->last_seq = seq;
			agent->last_ms = time_ms;
		}
	}
}

uint32_t agents_find(const struct agents *agents, const char *name)
{
	for (uint32_t number = 1; number < agents->agents.count; number++)
		if (!strcmp(agents_get(agents, number)->name, name))
			return number;
	return 0;
}

const struct grant *agents_grant_at(const struct agents *agents, uint32_t unit, uint16_t measure, uint8_t extent, baophu_date date)
{
	if (unit >= agents->newest_of_unit.count)
		return NULL;
	for (uint32_t at = *vec_at(&agents->newest_of_unit, uint32_t, unit); at;) {
		const struct grant *grant = vec_at(&agents->grants, struct grant, at - 1);
		at = grant->older_of_unit;
		if (date < grant->from || (grant->until != BAOPHU_DATE_NONE && date > grant->until) ||
		    (grant->extent && grant->extent != extent))
			continue;
		const uint16_t *list = vec_at(&agents->lists, uint16_t, grant->measures);
		if (!list[0])
			return grant;
		for (unsigned i = 1; i <= list[0]; i++)
			if (list[i] == measure)
				return grant;
	}
	return NULL;
}
