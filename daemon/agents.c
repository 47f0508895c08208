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

/* What an epoch adds to the digest in a state. Grants and numbers change it without a look at the table: what was before is known from them. */
static uint64_t mark_of(uint32_t agent, uint64_t epoch, uint64_t next, bool frozen)
{
	return baophu_mix64(0, baophu_mix64(0, epoch ^ (uint64_t)agent << 40) + next * 2 + frozen);
}

static int epoch_add(struct agents *agents, const struct epoch *epoch)
{
	if ((agents->epochs.count + 1) * 2 > agents->by_epoch.count) {
		struct vec grown = { 0 };
		if (!vec_grow(&grown, agents->by_epoch.count ? agents->by_epoch.count * 2 : 64, sizeof(uint32_t)))
			return -ENOMEM;
		vec_finish(&agents->by_epoch);
		agents->by_epoch = grown;
		for (uint32_t i = 0; i < agents->epochs.count; i++)
			by_epoch_put(agents, i);
	}
	struct epoch *place = vec_grow(&agents->epochs, 1, sizeof *place);
	if (!place)
		return -ENOMEM;
	*place = *epoch;
	by_epoch_put(agents, (uint32_t)agents->epochs.count - 1);
	return 0;
}

int agents_clone(struct agents *to, const struct agents *from)
{
	agents_init(to);
	if (vec_clone(&to->agents, &from->agents, sizeof(struct agent)) ||
	    vec_clone(&to->grants, &from->grants, sizeof(struct grant)) ||
	    vec_clone(&to->newest_of_unit, &from->newest_of_unit, sizeof(uint32_t)) ||
	    vec_clone(&to->lists, &from->lists, sizeof(uint16_t))) {
		agents_finish(to);
		return -ENOMEM;
	}
	for (size_t i = 0; i < from->epochs.count; i++) {
		const struct epoch *epoch = vec_at(&from->epochs, struct epoch, i);
		if (epoch->frozen && epoch_add(to, epoch)) {
			agents_finish(to);
			return -ENOMEM;
		}
	}
	return 0;
}

void agents_forget(struct agents *agents, bool (*is_kept)(void *context, const struct epoch *epoch), void *context)
{
	size_t kept = 0;
	for (size_t i = 0; i < agents->epochs.count; i++) {
		struct epoch *epoch = vec_at(&agents->epochs, struct epoch, i);
		if (epoch->frozen || (is_kept && is_kept(context, epoch)))
			*vec_at(&agents->epochs, struct epoch, kept++) = *epoch;
	}
	agents->epochs.count = kept;
	if (agents->by_epoch.count)
		memset(agents->by_epoch.data, 0, agents->by_epoch.count * sizeof(uint32_t));
	for (uint32_t i = 0; i < kept; i++)
		by_epoch_put(agents, i);
}

static int set_frozen(struct agents *agents, struct agent *agent, const struct entry_epoch *entry, bool frozen)
{
	struct epoch *epoch = agents_epoch(agents, entry->agent, entry->epoch);
	if (!epoch && frozen && agents->epochs_max) { /* forgotten while loading; its number is still to come */
		int error = agents_recall(agents, entry->agent, entry->epoch, 1);
		if (error)
			return error;
		epoch = agents_epoch(agents, entry->agent, entry->epoch);
	}
	if (!epoch || epoch->frozen == frozen)
		return -BAOPHU_EDAMAGED;
	agents->epochs_digest += mark_of(entry->agent, entry->epoch, epoch->next, frozen) -
				 mark_of(entry->agent, entry->epoch, epoch->next, !frozen);
	agent->frozen_count += frozen ? 1 : -1;
	epoch->frozen = frozen;
	return 0;
}

int agents_apply_epoch(struct agents *agents, enum entry_kind kind, const struct entry_epoch *entry)
{
	if (!entry->agent || entry->agent >= agents->agents.count)
		return -BAOPHU_EDAMAGED;
	struct agent *agent = vec_at(&agents->agents, struct agent, entry->agent);
	if (kind != ENTRY_EPOCH)
		return set_frozen(agents, agent, entry, kind == ENTRY_FREEZE);
	const struct epoch *epoch = agents_epoch(agents, entry->agent, entry->epoch);
	if (epoch && (epoch->frozen || epoch->next > 1))
		return -BAOPHU_EDAMAGED;
	if (!epoch && agents_recall(agents, entry->agent, entry->epoch, 1))
		return -ENOMEM;
	agents->epochs_digest += mark_of(entry->agent, entry->epoch, 1, false);
	agent->epoch_count++;
	if (entry->epoch > agent->newest_epoch && entry->epoch < BAOPHU_EPOCH_CHOSEN_MIN)
		agent->newest_epoch = entry->epoch;
	return 0;
}

static void note_use(struct agents *agents, uint32_t number, uint64_t seq, int64_t time_ms)
{
	struct agent *agent = number < agents->agents.count ? vec_at(&agents->agents, struct agent, number) : NULL;
	if (!number || !agent || seq <= agent->last_seq)
		return;
	agent->last_seq = seq;
	agent->last_ms = time_ms;
}

int agents_decided(struct agents *agents, uint32_t agent, uint64_t epoch_number, uint64_t update, uint64_t seq, int64_t time_ms)
{
	struct epoch *epoch = agents_epoch(agents, agent, epoch_number);
	note_use(agents, agent, seq, time_ms);
	if (epoch && update < epoch->next)
		return 0;
	/* Numbers are decided one after the other, so this one was the next of an epoch that was forgotten. */
	uint64_t next = epoch ? epoch->next : update;
	struct epoch now = { .epoch = epoch_number, .next = update + 1, .seq = seq, .agent = agent };
	if (epoch)
		*epoch = now;
	else if (epoch_add(agents, &now))
		return -ENOMEM;
	agents->epochs_digest += mark_of(agent, epoch_number, update + 1, false) - mark_of(agent, epoch_number, next, false);
	return 0;
}

void agents_load_number(struct agents *agents, uint32_t agent, uint64_t epoch_number, uint64_t update, uint64_t seq,
			int64_t time_ms)
{
	struct epoch *epoch = agents_epoch(agents, agent, epoch_number), forgotten = { .next = 1 };
	note_use(agents, agent, seq, time_ms);
	if (!epoch)
		epoch = &forgotten;
	agents->epochs_digest += mark_of(agent, epoch_number, update + 1, epoch->frozen) -
				 mark_of(agent, epoch_number, epoch->next, epoch->frozen);
	epoch->next = update + 1;
}

int agents_recall(struct agents *agents, uint32_t agent, uint64_t epoch, uint64_t next)
{
	return epoch_add(agents, &(struct epoch){ .epoch = epoch, .next = next, .agent = agent });
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
