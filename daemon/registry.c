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
	declarations_init(&registry->declarations);
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
	vec_finish(&registry->releases);
	declarations_finish(&registry->declarations);
	vec_finish(&registry->reaches);
}

int registry_clone(struct registry *to, const struct registry *from)
{
	registry_init(to);
	if (units_clone(&to->units, &from->units) || measures_clone(&to->measures, &from->measures) ||
	    plans_clone(&to->plans, &from->plans) || agents_clone(&to->agents, &from->agents) ||
	    lines_clone(&to->lines, &from->lines) || rates_clone(&to->rates, &from->rates) ||
	    vec_clone(&to->held, &from->held, sizeof(struct held)) ||
	    vec_clone(&to->releases, &from->releases, sizeof(struct release)) ||
	    declarations_clone(&to->declarations, &from->declarations) ||
	    vec_clone(&to->reaches, &from->reaches, sizeof(struct reach))) {
		registry_finish(to);
		return -ENOMEM;
	}
	to->held_waiting = from->held_waiting;
	to->day = from->day;
	to->changed_seq = from->changed_seq;
	to->map_seq = from->map_seq;
	to->backup = from->backup;
	to->backup_ms = from->backup_ms;
	return 0;
}

static struct held *find_held(const struct registry *registry, uint64_t seq)
{
	size_t low = 0, high = registry->held.count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (vec_at(&registry->held, struct held, middle)->seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	struct held *held = low < registry->held.count ? vec_at(&registry->held, struct held, low) : NULL;
	return held && held->seq == seq ? held : NULL;
}

static int held_decide(struct registry *registry, const struct entry_held_decision *decision, uint64_t id)
{
	struct held *held = find_held(registry, decision->seq);
	if (!held || held->decided)
		return -BAOPHU_EDAMAGED;
	held->decided = true;
	held->released = decision->release;
	held->decided_seq = entry_id_seq(id);
	registry->held_waiting--;
	if (!decision->release)
		return 0;
	struct release *release = vec_grow(&registry->releases, 1, sizeof *release);
	if (!release)
		return -ENOMEM;
	*release = (struct release){ .id = id, .held_seq = decision->seq };
	return 0;
}

int registry_hold(struct registry *registry, const struct record_header *header)
{
	struct held *held = vec_grow(&registry->held, 1, sizeof *held);
	if (!held)
		return -ENOMEM;
	*held = (struct held){ .seq = header->place.seq,
			       .epoch = header->epoch,
			       .number = header->number,
			       .agent = header->agent,
			       .entry = header->entry,
			       .code = header->code,
			       .time_ms = header->time_ms };
	registry->held_waiting++;
	registry->changed_seq = header->place.seq;
	return 0;
}

/* Every record changes: what was in reach of single entries is no longer asked. */
static void change_map(struct registry *registry, uint64_t seq)
{
	registry->map_seq = seq;
	registry->reaches.count = 0;
}

static int reach_add(struct registry *registry, uint32_t unit, uint8_t level, uint64_t seq)
{
	struct reach *reach = vec_grow(&registry->reaches, 1, sizeof *reach);
	if (!reach)
		return -ENOMEM;
	*reach = (struct reach){ .seq = seq, .unit = unit, .level = level };
	return 0;
}

static int declare_apply(struct registry *registry, const struct entry_declare *entry, uint64_t id, uint64_t seq)
{
	bool is_sound = entry->unit && entry->unit <= units_count(&registry->units) && entry->agent &&
			entry->agent <= agents_count(&registry->agents) &&
			(entry->rhythm == BAOPHU_RHYTHM_NONE ||
			 rhythm_is_valid((enum baophu_rhythm)entry->rhythm, entry->closing_day, entry->grace_days));
	for (uint32_t i = 0; i < entry->measure_count && is_sound; i++)
		is_sound = entry->measures[i] && entry->measures[i] <= measures_count(&registry->measures) &&
			   (!i || entry->measures[i] > entry->measures[i - 1]);
	if (!is_sound)
		return -BAOPHU_EDAMAGED;
	int error = declarations_apply(&registry->declarations, entry, id);
	return error ? error : reach_add(registry, entry->unit, entry->level, seq);
}

int registry_apply(struct registry *registry, const struct record_header *header, const struct entry *entry, uint64_t id)
{
	uint64_t seq = header->place.seq;
	registry->changed_seq = seq;
	switch (entry->kind) {
	case ENTRY_RATE:
		return rates_apply(&registry->rates, &entry->rate, id);
	case ENTRY_LEVEL:
		change_map(registry, seq);
		return measures_apply_level(&registry->measures, &entry->level);
	case ENTRY_UNIT:
		change_map(registry, seq);
		return units_apply(&registry->units, &entry->unit, id);
	case ENTRY_UNIT_CLOSE:
		change_map(registry, seq);
		return units_apply_close(&registry->units, &entry->unit_close, id);
	case ENTRY_MEASURE:
		change_map(registry, seq);
		return measures_apply(&registry->measures, &entry->measure, id);
	case ENTRY_INDICATOR:
		change_map(registry, seq);
		return measures_apply_indicator(&registry->measures, &entry->indicator, id);
	case ENTRY_PLAN:
		return plans_apply(&registry->plans, &entry->plan, id);
	case ENTRY_AGENT:
		return agents_apply(&registry->agents, &entry->agent, id);
	case ENTRY_GRANT: {
		int error = agents_apply_grant(&registry->agents, &entry->grant, id);
		/* Whose a series is decides what is declared. */
		return error || !registry->declarations.count ? error : reach_add(registry, entry->grant.unit, REACH_ALL, seq);
	}
	case ENTRY_DECLARE:
		return declare_apply(registry, &entry->declare, id, seq);
	case ENTRY_BACKUP:
		if (entry->backup.place.seq > registry->backup.seq) {
			registry->backup = entry->backup.place;
			registry->backup_ms = header->time_ms;
		}
		return 0;
	case ENTRY_HELD_DECISION:
		return held_decide(registry, &entry->held, id);
	case ENTRY_EPOCH:
	case ENTRY_FREEZE:
	case ENTRY_EPOCH_OPEN:
		return agents_apply_epoch(&registry->agents, entry->kind, &entry->epoch);
	case ENTRY_THRESHOLD: /* it can be crossed by any unit */
		registry->map_seq = seq;
		return lines_apply(&registry->lines, &entry->threshold, id);
	case ENTRY_DAY:
		change_map(registry, seq);
		registry->day = entry->day.day;
		return 0;
	case ENTRY_BOOT:
	case ENTRY_CHECKPOINT:
		return 0;
	default:
		return -BAOPHU_EDAMAGED;
	}
}

const struct held *registry_held(const struct registry *registry, uint64_t seq) { return find_held(registry, seq); }

uint64_t registry_received_seq(const struct registry *registry, uint64_t id)
{
	size_t low = 0, high = registry->releases.count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (vec_at(&registry->releases, struct release, middle)->id <= id)
			low = middle + 1;
		else
			high = middle;
	}
	const struct release *before = low ? vec_at(&registry->releases, struct release, low - 1) : NULL;
	return before && entry_id_seq(before->id) == entry_id_seq(id) ? before->held_seq : entry_id_seq(id);
}

uint32_t registry_owner(const struct registry *registry, uint32_t unit, uint16_t measure, uint8_t extent, baophu_date date)
{
	for (unsigned level = 0; unit && level <= BAOPHU_DEPTH_MAX; level++) {
		const struct grant *grant = agents_grant_at(&registry->agents, unit, measure, extent, date);
		if (grant)
			return grant->agent;
		const struct unit_version *version = units_at(&registry->units, unit, date, UINT64_MAX);
		unit = version ? version->parent : 0;
	}
	return 0;
}

uint32_t registry_reach_next(const struct registry *registry, const struct reach *reach, const struct tree *tree, uint32_t at)
{
	if (!tree_has(tree, reach->unit))
		return 0;
	if (!reach->level)
		return at ? 0 : reach->unit;
	while ((at = tree_after(tree, reach->unit, at, BAOPHU_DEPTH_MAX))) {
		const struct unit_version *version = vec_at(&registry->units.versions, struct unit_version, tree->version[at] - 1);
		if (reach->level == REACH_ALL || reach->level == version->level)
			return at;
	}
	return 0;
}
