/* liveness.c - declarations, grants and facts into declared series, and their counts up the tree. See liveness.h. */
#include "liveness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A declaration that names a measure of the unit at hand. */
struct candidate {
	uint64_t id; /* of the declaration */
	uint32_t declaration;
	uint32_t which; /* measure and extent, in the order of series */
};

static uint32_t which_of(uint16_t measure, uint8_t extent) { return (uint32_t)measure << 8 | extent; }
static uint32_t series_which(const struct liveness_series *series) { return which_of(series->measure, series->extent); }

/* ---- counts ---- */

static uint16_t count_position(const struct liveness_unit *unit, uint16_t measure)
{
	uint16_t low = 0, high = unit->count_count;
	while (low < high) {
		uint16_t middle = (uint16_t)((low + high) / 2);
		if (unit->counts[middle].measure < measure)
			low = (uint16_t)(middle + 1);
		else
			high = middle;
	}
	return low;
}

/* Adds to one unit's count of a measure; one that becomes 0 of 0 is not kept. */
static int count_change(struct liveness_unit *unit, uint16_t measure, int declared, int fresh)
{
	uint16_t at = count_position(unit, measure);
	if (at == unit->count_count || unit->counts[at].measure != measure) {
		if (unit->count_count == unit->count_room) {
			uint16_t room = (uint16_t)(unit->count_room + 4);
			struct liveness_count *grown = realloc(unit->counts, room * sizeof *grown);
			if (!grown)
				return -ENOMEM;
			unit->counts = grown;
			unit->count_room = room;
		}
		memmove(&unit->counts[at + 1], &unit->counts[at], (size_t)(unit->count_count++ - at) * sizeof *unit->counts);
		unit->counts[at] = (struct liveness_count){ .measure = measure };
	}
	struct liveness_count *count = &unit->counts[at];
	count->declared += (uint32_t)declared;
	count->fresh += (uint32_t)fresh;
	if (!count->declared)
		memmove(count, count + 1, (size_t)(--unit->count_count - at) * sizeof *count);
	return 0;
}

static void change(struct liveness *l, uint32_t unit, uint16_t measure, int declared, int fresh)
{
	for (uint32_t up = unit; up && !l->error; up = l->tree->parent[up])
		l->error = count_change(&l->units[up], measure, declared, fresh);
}

static void agent_change(struct liveness *l, const struct liveness_series *series, int count)
{
	uint32_t agent = series->agent;
	if (agent >= l->agents.count && !vec_grow(&l->agents, agent + 1 - l->agents.count, sizeof(struct liveness_agent)))
		l->error = -ENOMEM;
	else
		vec_at(&l->agents, struct liveness_agent, agent)->series[series->freshness] += (uint32_t)count;
}

/* ---- one series ---- */

baophu_date liveness_newest(const struct liveness *l, uint32_t unit, const struct liveness_series *series)
{
	/* What is dated ahead, an estimate, is no report of today's. */
	const struct fact *fact = facts_latest(facts_series(l->facts, unit, series->measure, series->extent), l->day, NULL);
	return fact ? fact_to(fact) : BAOPHU_DATE_NONE;
}

static uint8_t freshness_of(const struct liveness *l, uint32_t unit, const struct liveness_series *series)
{
	const struct declaration *declaration = declarations_get(&l->registry->declarations, series->declaration);
	return (uint8_t)rhythm_freshness(&declaration->terms, liveness_newest(l, unit, series), l->day);
}

void liveness_take_series(struct liveness *l, const struct slot *slot)
{
	const struct liveness_unit *unit = &l->units[slot->unit];
	uint32_t which = which_of(slot->measure, slot->extent), low = 0, high = unit->series_count;
	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (series_which(&unit->series[middle]) < which)
			low = middle + 1;
		else
			high = middle;
	}
	struct liveness_series *series = &unit->series[low];
	if (low == unit->series_count || series_which(series) != which)
		return;
	uint8_t freshness = freshness_of(l, slot->unit, series);
	if (freshness == series->freshness)
		return;
	change(l, slot->unit, slot->measure, 0, (freshness == BAOPHU_FRESH) - (series->freshness == BAOPHU_FRESH));
	agent_change(l, series, -1);
	series->freshness = freshness;
	agent_change(l, series, 1);
}

/* ---- one unit ---- */

static int by_which_newest_first(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	if (x->which != y->which)
		return x->which < y->which ? -1 : 1;
	return x->id > y->id ? -1 : x->id < y->id;
}

static void find_of(struct liveness *l, const struct declaration *declaration)
{
	uint32_t count = declaration->measure_count ? declaration->measure_count : measures_count(&l->registry->measures);
	struct candidate *found = vec_grow(&l->found, count, sizeof *found);
	if (!found) {
		l->error = -ENOMEM;
		return;
	}
	uint32_t index = (uint32_t)(declaration - declarations_get(&l->registry->declarations, 0));
	for (uint32_t i = 0; i < count; i++) {
		uint16_t measure = declaration->measure_count ? declaration->measures[i] : (uint16_t)(i + 1);
		found[i] = (struct candidate){ declaration->id, index, which_of(measure, declaration->extent) };
	}
}

/* Every declaration that names this unit: its own, and those for its level at the units above it. */
static void find_candidates(struct liveness *l, uint32_t unit)
{
	const struct registry *registry = l->registry;
	uint8_t level = vec_at(&registry->units.versions, struct unit_version, l->tree->version[unit] - 1)->level;
	l->found.count = 0;
	for (uint32_t up = unit; up && !l->error; up = l->tree->parent[up]) {
		const struct declaration *declaration;
		for (uint32_t at = declarations_at(&registry->declarations, up); at && !l->error; at = declaration->next) {
			declaration = declarations_get(&registry->declarations, at - 1);
			bool is_named = declaration->level ? declaration->level == level : up == unit;
			if (is_named && declaration->terms.since <= l->day && declaration->id <= l->known_id)
				find_of(l, declaration);
		}
	}
}

static void forget(struct liveness *l, uint32_t number)
{
	struct liveness_unit *unit = &l->units[number];
	for (uint32_t i = 0; i < unit->series_count; i++) {
		change(l, number, unit->series[i].measure, -1, -(unit->series[i].freshness == BAOPHU_FRESH));
		agent_change(l, &unit->series[i], -1);
	}
	free(unit->series);
	unit->series = NULL;
	unit->series_count = 0;
}

/* Makes series of the candidates: of each measure and extent the newest declaration of whoever owns it. */
static void take_candidates(struct liveness *l, uint32_t number)
{
	struct liveness_unit *unit = &l->units[number];
	const struct candidate *found = l->found.data;
	size_t count = l->found.count;
	struct liveness_series *series = malloc(count * sizeof *series);
	if (!series) {
		l->error = -ENOMEM;
		return;
	}
	unit->series = series;
	for (size_t i = 0; i < count && !l->error;) {
		uint32_t which = found[i].which;
		struct liveness_series one = { .measure = (uint16_t)(which >> 8), .extent = (uint8_t)which };
		uint32_t owner = registry_owner(l->registry, number, one.measure, one.extent, l->day);
		for (; i < count && found[i].which == which; i++) {
			if (one.agent || !owner ||
			    declarations_get(&l->registry->declarations, found[i].declaration)->agent != owner)
				continue;
			one.agent = owner;
			one.declaration = found[i].declaration;
		}
		if (!one.agent)
			continue;
		one.freshness = freshness_of(l, number, &one);
		series[unit->series_count++] = one;
		change(l, number, one.measure, 1, one.freshness == BAOPHU_FRESH);
		agent_change(l, &one, 1);
	}
	if (unit->series_count)
		return;
	free(series);
	unit->series = NULL;
}

void liveness_take_unit(struct liveness *l, uint32_t unit)
{
	if (l->error || !tree_has(l->tree, unit))
		return;
	if (!l->units) {
		l->unit_count = l->tree->count;
		l->units = calloc(l->unit_count, sizeof *l->units);
		if (!l->units)
			l->error = -ENOMEM;
	}
	if (!l->error)
		find_candidates(l, unit);
	if (l->error || (!l->found.count && !l->units[unit].series_count))
		return;
	forget(l, unit);
	if (!l->found.count)
		return;
	qsort(l->found.data, l->found.count, sizeof(struct candidate), by_which_newest_first);
	take_candidates(l, unit);
}

/* ---- all ---- */

void liveness_init(struct liveness *l, const struct registry *registry, const struct tree *tree, const struct facts *facts,
		   baophu_date day, uint64_t known_id)
{
	*l = (struct liveness){ .registry = registry, .tree = tree, .facts = facts, .day = day, .known_id = known_id };
}

int liveness_take_all(struct liveness *l)
{
	for (uint32_t i = 0; i < l->tree->order_count && l->registry->declarations.count && !l->error; i++)
		liveness_take_unit(l, l->tree->order[i]);
	return l->error;
}

void liveness_finish(struct liveness *l)
{
	for (uint32_t i = 0; l->units && i < l->unit_count; i++) {
		free(l->units[i].series);
		free(l->units[i].counts);
	}
	free(l->units);
	vec_finish(&l->agents);
	vec_finish(&l->found);
	*l = (struct liveness){ 0 };
}

struct liveness_count liveness_count(const struct liveness *l, uint32_t unit, uint16_t measure)
{
	if (l->units && unit < l->unit_count) {
		const struct liveness_unit *counted = &l->units[unit];
		uint16_t at = count_position(counted, measure);
		if (at < counted->count_count && counted->counts[at].measure == measure)
			return counted->counts[at];
	}
	return (struct liveness_count){ .measure = measure };
}

const struct liveness_agent *liveness_agent(const struct liveness *l, uint32_t agent)
{
	return agent < l->agents.count ? vec_at(&l->agents, struct liveness_agent, agent) : NULL;
}
