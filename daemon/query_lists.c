/* query_lists.c - the requests that list something: what was decided for a unit, the registry's parts, the log. See query_engine.h.
 *
 * Lists of the registry show what was known at the question's cut; a position is an index into what only ever grows, so a page goes on
 * where the one before ended.
 */
#include "query_engine.h"

#include <errno.h>
#include <string.h>

#include <baophu/date.h>

enum {
	AGENT_UNITS_MAX = 256,
	AGENT_GRANTS_MAX = 256,
	GRANT_ENDED_DAYS = 400, /* how long ago a grant may have ended and be listed: late figures of then are still sent */
	FORMER_MAX = 64,
	FORMER_STEPS_MAX = 8, /* from a unit to its successor's successor … */
	HISTORY_UNITS_A_PAGE = 256, /* a page ends after so many units, whatever they had to say: nobody else waits long */
	SERIES_A_PAGE = 1 << 16, /* of declared ones looked at: the live state waits no longer */
	LIST_BYTES_A_PAGE = 512 << 10, /* of what hangs on units or agents: the answer's bound with all else beside it */
};

/* ---- HISTORY ---- */

struct history_list {
	struct question *question;
	struct wire_fact_version *items;
	uint32_t count;
	uint32_t unit;
	const char *unit_code; /* "" when only one unit was asked about */
	uint32_t at, first; /* versions of the unit seen; where this page begins */
};
/* Where a page of history ends: the unit and how many of its versions are done. */
static uint64_t history_position(uint32_t unit, uint32_t at) { return (uint64_t)unit << 32 | at; }

/* Who reported it and when it was decided: what the log's record says. A figure that an administrator released from held is still its
 * sender's. */
static int fill_decided(struct question *question, struct wire_fact_version *item)
{
	const void *record;
	size_t bytes;
	struct record_header header;
	struct record_cursor cursor;
	struct entry entry;
	int error = question_read_log(question, item->seq, &record, &bytes);
	if (!error)
		error = record_open(record, bytes, &header, &cursor);
	uint32_t agent = header.agent;
	while (!error && agent == AGENT_CONTROL && cursor.index < item->index && record_next(&cursor, &entry) == 1) {
		const struct held *held = entry.kind == ENTRY_HELD_DECISION
					      ? registry_held(&question->engine->registry, entry.held.seq)
					      : NULL;
		if (held)
			agent = held->agent;
	}
	if (error)
		return error;
	item->agent = question_agent_name(question, agent);
	item->time_ms = header.time_ms;
	return 0;
}

static int list_slot(void *context, const struct slot *slot, const struct fact_version *versions, int count)
{
	struct history_list *list = context;
	struct question *question = list->question;
	const struct wire_query *query = question->query;
	int standing = facts_standing(versions, count);
	if ((query->from != BAOPHU_DATE_NONE && slot->to < query->from) ||
	    (query->since_seq && entry_id_seq(versions[count - 1].id) <= query->since_seq))
		return 0;
	for (int i = 0; i < count; i++) {
		if (list->at++ < list->first)
			continue;
		if (list->count == question->limit) {
			question_continue(question, history_position(list->unit, list->at - 1));
			return 1;
		}
		const struct figure *figure = &versions[i].figure;
		struct wire_fact_version *item = &list->items[list->count];
		*item = (struct wire_fact_version){
			.seq = entry_id_seq(versions[i].id),
			.index = entry_id_index(versions[i].id),
			.measure = measures_get(&question->engine->registry.measures, slot->measure)->code,
			.extent = slot->extent,
			.from = slot->from,
			.to = slot->to,
			.value = figure->value,
			.status = figure->status,
			.origin = figure->origin,
			.bound = figure->bound,
			.reason = figure->reason,
			.stands = i == standing,
			.unit = list->unit_code,
		};
		int error = fill_decided(question, item);
		if (error)
			return error;
		list->count++;
	}
	return 0;
}

static int list_unit(struct history_list *list)
{
	struct question *question = list->question;
	struct history_reader *reader = question->engine->history_reader;
	const struct wire_query *query = question->query;
	const struct measures *measures = &question->engine->registry.measures;
	int stop = 0;
	if (!query->measure_count)
		stop = history_unit(reader, list->unit, 0, question->known_id, list_slot, list);
	for (uint32_t i = 0; !stop && i < query->measure_count; i++) {
		uint16_t measure = measures_find(measures, query->measures[i]);
		if (measure)
			stop = history_unit(reader, list->unit, measure, question->known_id, list_slot, list);
	}
	return stop;
}

int query_history(struct question *question)
{
	struct query_engine *engine = question->engine;
	const struct wire_query *query = question->query;
	struct history_list list = { .question = question,
				     .items = question_alloc(question, question->limit, sizeof *list.items),
				     .unit = question->position ? (uint32_t)(question->position >> 32) : question->unit,
				     .unit_code = "",
				     .first = (uint32_t)question->position };
	const struct tree *tree = query->depth ? question_tree(question) : NULL;
	struct baophu_place place;
	if (!list.items || (query->depth && !tree))
		return -ENOMEM;
	int error = question_check_since(question);
	if (error || question->answer->code)
		return error;
	int stop = history_begin(engine->history_reader, &place);
	for (uint32_t visited = 0; !stop && list.unit; visited++) {
		if (visited == HISTORY_UNITS_A_PAGE) {
			question_continue(question, history_position(list.unit, 0));
			break;
		}
		if (tree)
			list.unit_code = question_unit_code(question, list.unit);
		stop = list_unit(&list);
		if (!stop)
			list.unit = tree ? tree_after(tree, question->unit, list.unit, query->depth) : 0;
		list.at = list.first = 0;
	}
	history_end(engine->history_reader);
	log_reader_release(engine->log_reader);
	question->answer->facts = list.items;
	question->answer->fact_count = list.count;
	return stop < 0 ? stop : 0;
}

/* ---- UNITS ---- */

/* Last day of a version: the day before the next one known, closing included. */
static baophu_date version_until(const struct units *units, const struct unit_version *version, uint64_t known_id)
{
	baophu_date next = BAOPHU_DATE_NONE;
	for (uint32_t at = *vec_at(&units->newest, uint32_t, version->unit); at;) {
		const struct unit_version *other = vec_at(&units->versions, struct unit_version, at - 1);
		at = other->older;
		if (other->id <= known_id && other->from > version->from && (next == BAOPHU_DATE_NONE || other->from < next))
			next = other->from;
	}
	return next == BAOPHU_DATE_NONE ? BAOPHU_DATE_NONE : next - 1;
}

/* What a list of former units is gathered in. */
struct former_list {
	struct question *question;
	struct wire_former_unit items[FORMER_MAX];
	uint32_t count;
	size_t bytes;
};

/* The versions of a unit by another code or name than `now`; all of them, when `now` is of another unit. */
static void add_versions(struct former_list *list, uint32_t unit, const struct unit_version *now)
{
	const struct units *units = &list->question->engine->registry.units;
	for (uint32_t at = *vec_at(&units->newest, uint32_t, unit); at && list->count < FORMER_MAX;) {
		const struct unit_version *version = vec_at(&units->versions, struct unit_version, at - 1);
		at = version->older;
		bool is_now = version->unit == now->unit &&
			      (version->from >= now->from || (strcmp(version->code, now->code) == 0 &&
							      strcmp(units_name(units, version), units_name(units, now)) == 0));
		if (version->id > list->question->known_id || version->closed || is_now)
			continue;
		struct wire_former_unit *item = &list->items[list->count++];
		*item = (struct wire_former_unit){ .number = unit,
						   .code = version->code,
						   .name = units_name(units, version),
						   .from = version->from,
						   .until = version_until(units, version, list->question->known_id) };
		list->bytes += sizeof *item + strlen(item->name);
	}
}

/* The unit's own former versions, then those of the units that it took the place of. */
static void add_former(struct former_list *list, uint32_t unit, const struct unit_version *now, unsigned steps)
{
	const struct units *units = &list->question->engine->registry.units;
	add_versions(list, unit, now);
	for (size_t i = 0; i < units->successors.count && steps < FORMER_STEPS_MAX && list->count < FORMER_MAX; i++) {
		const struct unit_successor *successor = vec_at(&units->successors, struct unit_successor, i);
		if (successor->successor == unit && successor->unit != unit && successor->id <= list->question->known_id &&
		    !units_at(units, successor->unit, list->question->tree_date, list->question->known_id))
			add_former(list, successor->unit, now, steps + 1);
	}
}

/* -ENOMEM. */
static int fill_former(struct former_list *list, struct wire_unit_info *info)
{
	struct wire_former_unit *copy = question_alloc(list->question, list->count, sizeof *copy);
	if (!copy)
		return list->count ? -ENOMEM : 0;
	if (list->count)
		memcpy(copy, list->items, list->count * sizeof *copy);
	info->former = copy;
	info->former_count = list->count;
	return 0;
}

int query_units(struct question *question)
{
	const struct tree *tree = question_tree(question);
	const struct registry *registry = &question->engine->registry;
	struct wire_unit_info *items = tree ? question_alloc(question, question->limit, sizeof *items) : NULL;
	uint32_t count = 0;
	uint64_t at = 0;
	size_t bytes = 0;
	if (!items)
		return -ENOMEM;
	for (uint32_t unit = 0; (unit = tree_after(tree, question->unit, unit, question->query->depth)); at++) {
		if (at < question->position)
			continue;
		const struct unit_version *version = vec_at(&registry->units.versions, struct unit_version,
							    tree->version[unit] - 1);
		struct former_list former = { .question = question };
		add_former(&former, unit, version, 0);
		bytes += former.bytes;
		if (count == question->limit || (count && bytes > LIST_BYTES_A_PAGE)) {
			question_continue(question, at);
			break;
		}
		items[count] = (struct wire_unit_info){
			.number = unit,
			.depth = tree->depth[unit],
			.code = version->code,
			.name = units_name(&registry->units, version),
			.level = measures_level(&registry->measures, version->level)->code,
			.parent = tree->parent[unit] ? question_unit_code(question, tree->parent[unit]) : "",
			.from = version->from,
			.until = version_until(&registry->units, version, question->known_id),
		};
		int error = fill_former(&former, &items[count++]);
		if (error)
			return error;
	}
	question->answer->units = items;
	question->answer->unit_count = count;
	return 0;
}

/* ---- MEASURES: measures, then indicators ---- */

static struct wire_measure_set measure_info(const struct measures *measures, uint16_t number)
{
	const struct measure *measure = measures_get(measures, number);
	return (struct wire_measure_set){
		.code = measure->code,
		.name_vi = measures_text(measures, measure->name_vi),
		.name_en = measures_text(measures, measure->name_en),
		.unit_vi = measures_text(measures, measure->unit_vi),
		.unit_en = measures_text(measures, measure->unit_en),
		.parent = measure->parent ? measures_get(measures, measure->parent)->code : "",
		.kind = measure->kind,
	};
}

static struct wire_indicator_set indicator_info(const struct measures *measures, uint16_t number)
{
	const struct indicator *indicator = measures_indicator(measures, number);
	return (struct wire_indicator_set){
		.code = indicator->code,
		.name_vi = measures_text(measures, indicator->name_vi),
		.name_en = measures_text(measures, indicator->name_en),
		.numerator = measures_get(measures, indicator->numerator)->code,
		.denominator = measures_get(measures, indicator->denominator)->code,
	};
}

int query_measures(struct question *question)
{
	const struct measures *measures = &question->engine->registry.measures;
	struct wire_answer *answer = question->answer;
	struct wire_measure_set *items = question_alloc(question, question->limit, sizeof *items);
	struct wire_indicator_set *indicators = question_alloc(question, question->limit, sizeof *indicators);
	if (!items || !indicators)
		return -ENOMEM;
	uint32_t measure_count = measures_count(measures), all = measure_count + measures_indicator_count(measures);
	for (uint64_t at = question->position; at < all; at++) {
		uint16_t number = (uint16_t)(at < measure_count ? at + 1 : at - measure_count + 1);
		if (answer->measure_count + answer->indicator_count == question->limit) {
			question_continue(question, at);
			break;
		}
		if (at < measure_count && measures_get(measures, number)->id <= question->known_id)
			items[answer->measure_count++] = measure_info(measures, number);
		else if (at >= measure_count && measures_indicator(measures, number)->id <= question->known_id)
			indicators[answer->indicator_count++] = indicator_info(measures, number);
	}
	answer->measures = items;
	answer->indicators = indicators;
	return 0;
}

/* ---- PLANS ---- */

static bool plan_is_asked(struct question *question, const struct tree *tree, const struct plan_target *target, const char *code)
{
	const struct wire_query *query = question->query;
	if (target->id > question->known_id || target->removed || (question->plan && target->plan != question->plan))
		return false;
	/* Only the newest known revision of it. */
	if (plans_target(&question->engine->registry.plans, target->plan, target->unit, target->kind == BAOPHU_PLAN_RATE,
			 target->target, question->known_id) != target)
		return false;
	bool is_wanted = !query->measure_count;
	for (uint32_t i = 0; i < query->measure_count && !is_wanted; i++)
		is_wanted = !strcmp(query->measures[i], code);
	if (!is_wanted)
		return false;
	return !question->unit || (tree_has(tree, target->unit) && tree_is_below(tree, target->unit, question->unit) &&
				   tree->depth[target->unit] <= tree->depth[question->unit] + query->depth);
}

int query_plans(struct question *question)
{
	const struct registry *registry = &question->engine->registry;
	const struct plans *plans = &registry->plans;
	const struct tree *tree = question_tree(question);
	struct wire_plan_info *items = tree ? question_alloc(question, question->limit, sizeof *items) : NULL;
	uint32_t count = 0;
	if (!items)
		return -ENOMEM;
	for (uint64_t at = question->position; at < plans->targets.count; at++) {
		const struct plan_target *target = vec_at(&plans->targets, struct plan_target, at);
		const char *code = target->kind == BAOPHU_PLAN_RATE ? measures_indicator(&registry->measures, target->target)->code
								    : measures_get(&registry->measures, target->target)->code;
		if (!plan_is_asked(question, tree, target, code))
			continue;
		if (count == question->limit) {
			question_continue(question, at);
			break;
		}
		items[count++] = (struct wire_plan_info){
			.plan = { .code = plans_code(plans, target->plan),
				  .unit = question_unit_code(question, target->unit),
				  .target = code,
				  .issuer = plans_text(plans, target->issuer),
				  .document = plans_text(plans, target->document),
				  .kind = target->kind,
				  .from = target->from,
				  .to = target->to,
				  .value = target->value,
				  .decimals = target->decimals,
				  .origin = target->origin },
			.revision = target->revision,
			.seq = entry_id_seq(target->id),
		};
	}
	question->answer->plans = items;
	question->answer->plan_count = count;
	return 0;
}

/* ---- THRESHOLDS ---- */

int query_thresholds(struct question *question)
{
	const struct registry *registry = &question->engine->registry;
	struct wire_threshold_info *items = question_alloc(question, BAOPHU_LINES_MAX, sizeof *items);
	uint32_t count = 0;
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < registry->lines.all.count && count < BAOPHU_LINES_MAX; i++) {
		const struct line *line = vec_at(&registry->lines.all, struct line, i);
		if (line->removed || line->id > question->known_id ||
		    (question->plan && line->plan && line->plan != question->plan))
			continue;
		items[count++] = (struct wire_threshold_info){
			.threshold = { .plan = line->plan ? plans_code(&registry->plans, line->plan) : "",
				       .digits = line->digits,
				       .decimals = line->decimals },
			.seq = entry_id_seq(line->id),
		};
	}
	question->answer->thresholds = items;
	question->answer->threshold_count = count;
	return 0;
}

/* ---- AGENTS ---- */

/* Codes of the units that an agent may report of, on the question's date or later. */
static int fill_granted(struct question *question, uint32_t agent, struct wire_agent_info *info)
{
	const struct agents *agents = &question->engine->registry.agents;
	const char *units[AGENT_UNITS_MAX];
	uint32_t numbers[AGENT_UNITS_MAX], count = 0;
	for (size_t i = 0; i < agents->grants.count && count < AGENT_UNITS_MAX; i++) {
		const struct grant *grant = vec_at(&agents->grants, struct grant, i);
		if (grant->agent != agent || (grant->until != BAOPHU_DATE_NONE && grant->until < question->as_of))
			continue;
		uint32_t known = 0;
		while (known < count && numbers[known] != grant->unit)
			known++;
		if (known < count)
			continue;
		numbers[count] = grant->unit;
		units[count++] = question_unit_code(question, grant->unit);
	}
	const char **copy = question_alloc(question, count, sizeof *copy);
	if (count && !copy)
		return -ENOMEM;
	if (count)
		memcpy(copy, units, count * sizeof *copy);
	info->units = copy;
	info->unit_count = count;
	return 0;
}

/* The codes of the measures of a grant; -ENOMEM. */
static int fill_grant_measures(struct question *question, const struct grant *grant, struct wire_grant_info *info)
{
	const struct registry *registry = &question->engine->registry;
	const uint16_t *list = vec_at(&registry->agents.lists, uint16_t, grant->measures);
	const char **codes = question_alloc(question, list[0], sizeof *codes);
	if (!codes)
		return list[0] ? -ENOMEM : 0;
	for (uint16_t i = 0; i < list[0]; i++)
		codes[i] = measures_get(&registry->measures, list[1 + i])->code;
	info->measures = codes;
	info->measure_count = list[0];
	return 0;
}

/* The unit's code on the last day of the grant, or today where that is earlier; a grant that has not begun is of its first day. */
static const char *granted_code(struct question *question, const struct grant *grant)
{
	baophu_date date = grant->until != BAOPHU_DATE_NONE && grant->until < question->as_of ? grant->until : question->as_of;
	const struct unit_version *version = units_at(&question->engine->registry.units, grant->unit,
						      grant->from > date ? grant->from : date, question->known_id);
	return version ? version->code : question_unit_code(question, grant->unit);
}

/* What the agent may report, in full. -ENOMEM. */
static int fill_grants(struct question *question, uint32_t agent, struct wire_agent_info *info, size_t *bytes)
{
	const struct agents *agents = &question->engine->registry.agents;
	uint32_t count = 0, filled = 0;
	baophu_date oldest = question->as_of - GRANT_ENDED_DAYS;
	for (size_t i = 0; i < agents->grants.count && count < AGENT_GRANTS_MAX; i++) {
		const struct grant *grant = vec_at(&agents->grants, struct grant, i);
		count += grant->agent == agent && (grant->until == BAOPHU_DATE_NONE || grant->until >= oldest);
	}
	struct wire_grant_info *items = question_alloc(question, count, sizeof *items);
	if (count && !items)
		return -ENOMEM;
	for (size_t i = 0; filled < count; i++) {
		const struct grant *grant = vec_at(&agents->grants, struct grant, i);
		if (grant->agent != agent || (grant->until != BAOPHU_DATE_NONE && grant->until < oldest))
			continue;
		items[filled] = (struct wire_grant_info){ .unit = granted_code(question, grant),
							  .extent = grant->extent,
							  .from = grant->from,
							  .until = grant->until,
							  .seq = entry_id_seq(grant->id) };
		int error = fill_grant_measures(question, grant, &items[filled]);
		if (error)
			return error;
		*bytes += sizeof *items + items[filled++].measure_count * (BAOPHU_CODE_BYTES_MAX + 2);
	}
	info->grants = items;
	info->grant_count = count;
	return 0;
}

static void fill_liveness(struct wire_agent_info *info, const struct liveness_agent *agent)
{
	if (!agent)
		return;
	for (int freshness = BAOPHU_FRESH; freshness < BAOPHU_FRESHNESS_COUNT; freshness++) {
		info->declared += agent->series[freshness];
		if (agent->series[freshness])
			info->freshness = (enum baophu_freshness)freshness;
	}
	info->fresh = agent->series[BAOPHU_FRESH];
	info->due = agent->series[BAOPHU_DUE];
	info->late = agent->series[BAOPHU_LATE];
	info->silent = agent->series[BAOPHU_SILENT];
}

int query_agents(struct question *question)
{
	struct query_engine *engine = question->engine;
	const struct agents *agents = &engine->registry.agents;
	struct wire_agent_info *items = question_alloc(question, question->limit, sizeof *items);
	uint32_t count = 0, first = question->position ? (uint32_t)question->position : 1;
	size_t bytes = 0;
	int error = 0;
	if (!items)
		return -ENOMEM;
	for (uint32_t number = first; number <= agents_count(agents) && !error; number++) {
		const struct agent *agent = agents_get(agents, number);
		if (count == question->limit || bytes > LIST_BYTES_A_PAGE) {
			question_continue(question, number);
			break;
		}
		items[count] = (struct wire_agent_info){ .name = agent->name,
							 .from = agent->from,
							 .until = agent->until,
							 .epochs = agent->epoch_count,
							 .frozen = agent->frozen_count };
		error = fill_granted(question, number, &items[count]);
		if (!error)
			error = fill_grants(question, number, &items[count++], &bytes);
	}
	/* Numbering moves with every update and is no part of what makes the registry copy another one. */
	pthread_rwlock_rdlock(engine->config.state_lock);
	const struct agents *live = &engine->config.state->registry.agents;
	for (uint32_t i = 0; i < count && first + i <= agents_count(live); i++) {
		items[i].last_seq = agents_get(live, first + i)->last_seq;
		items[i].last_ms = agents_get(live, first + i)->last_ms;
		fill_liveness(&items[i], liveness_agent(&engine->config.state->liveness, first + i));
	}
	pthread_rwlock_unlock(engine->config.state_lock);
	question->answer->agents = items;
	question->answer->agent_count = count;
	return error;
}

/* ---- DUE ---- */

/* Where a page ends: the unit, and its series. */
static uint64_t due_position(uint32_t unit, uint32_t series) { return (uint64_t)unit << 32 | series; }

static int fill_due(struct question *question, const struct state *state, uint32_t unit, const struct liveness_series *series,
		    struct wire_due_info *info)
{
	const struct registry *registry = &state->registry;
	const struct declaration *declaration = declarations_get(&registry->declarations, series->declaration);
	const struct unit_version *version = vec_at(&registry->units.versions, struct unit_version, state->tree.version[unit] - 1);
	/* Of the live registry, which moves once its lock is given back. */
	const char *unit_code = question_text(question, version->code);
	const char *name = question_text(question, units_name(&registry->units, version));
	const char *agent = question_text(question, agents_get(&registry->agents, series->agent)->name);
	const char *measure = question_text(question, measures_get(&registry->measures, series->measure)->code);
	if (!unit_code || !name || !agent || !measure)
		return -ENOMEM;
	*info = (struct wire_due_info){
		.agent = agent,
		.unit = unit_code,
		.name = name,
		.measure = measure,
		.extent = series->extent,
		.rhythm = declaration->terms.rhythm,
		.closing_day = declaration->terms.closing_day,
		.grace_days = declaration->terms.grace_days,
		.since = declaration->terms.since,
		.freshness = series->freshness,
		.newest = liveness_newest(&state->liveness, unit, series),
		.closing = rhythm_closing_before(&declaration->terms, state->liveness.day),
		.next_closing = rhythm_closing_from(&declaration->terms, state->liveness.day),
	};
	return 0;
}

/* Of one state: the caller holds its lock. Units in order of number, so that a page can go on whatever happened to the tree meanwhile. */
static int take_due(struct question *question, const struct state *state, struct wire_due_info *items, uint32_t *ret_count)
{
	const struct wire_query *query = question->query;
	const struct liveness *liveness = &state->liveness;
	uint32_t count = 0, looked_at = 0, first = (uint32_t)question->position;
	int error = 0;
	*ret_count = 0;
	question->answer->cut = state->place;
	question->answer->known_seq = state->place.seq;
	for (uint32_t unit = (uint32_t)(question->position >> 32); liveness->units && unit < liveness->unit_count && !error;
	     unit++) {
		const struct liveness_unit *of_unit = &liveness->units[unit];
		if (!of_unit->series_count || (question->unit && !tree_is_below(&state->tree, unit, question->unit)))
			continue;
		for (uint32_t i = unit == question->position >> 32 ? first : 0; i < of_unit->series_count && !error; i++) {
			const struct liveness_series *series = &of_unit->series[i];
			bool is_asked = (!question->agent || series->agent == question->agent) &&
					series->freshness >= query->freshness;
			if (looked_at++ < SERIES_A_PAGE && !is_asked)
				continue;
			if (count == question->limit || looked_at > SERIES_A_PAGE) {
				question_continue(question, due_position(unit, i));
				*ret_count = count;
				return 0;
			}
			error = fill_due(question, state, unit, series, &items[count++]);
		}
	}
	*ret_count = count;
	return error;
}

int query_due(struct question *question)
{
	struct query_engine *engine = question->engine;
	struct wire_due_info *items = question_alloc(question, question->limit, sizeof *items);
	if (!items)
		return -ENOMEM;
	pthread_rwlock_rdlock(engine->config.state_lock);
	int error = take_due(question, engine->config.state, items, &question->answer->due_count);
	pthread_rwlock_unlock(engine->config.state_lock);
	question->answer->due = items;
	return error;
}

/* ---- HELD ---- */

static const char *entry_unit(const struct wire_entry *entry, baophu_date *ret_date)
{
	switch (entry->kind) {
	case WIRE_FACT:
	case WIRE_WITHDRAWAL:
		*ret_date = entry->fact.to;
		return entry->fact.unit;
	case WIRE_RATE:
		*ret_date = entry->rate.to;
		return entry->rate.unit;
	case WIRE_PLAN_SET:
		*ret_date = entry->plan.to;
		return entry->plan.unit;
	case WIRE_GRANT:
		*ret_date = entry->grant.from;
		return entry->grant.unit;
	default:
		return "";
	}
}

/* What the held payload names, and where that went. */
static int fill_held_unit(struct question *question, struct wire_held_info *info)
{
	struct query_engine *engine = question->engine;
	const void *record;
	size_t bytes, payload_bytes = 0;
	struct wire_payload payload;
	enum baophu_code code;
	uint32_t bad_entry, unit, suggestion = 0;
	baophu_date date = BAOPHU_DATE_NONE;
	int error = question_read_log(question, info->seq, &record, &bytes);
	if (error)
		return error;
	const uint8_t *said = record_payload(record, bytes, &payload_bytes);
	wire_arena_reset(&engine->scratch);
	if (!said || wire_decode_payload(&engine->scratch, said, payload_bytes, &payload, &code, &bad_entry) < 0 ||
	    info->entry >= payload.entry_count)
		return 0;
	const char *named = entry_unit(&payload.entries[info->entry], &date);
	info->unit = question_text(question, named);
	if (!info->unit)
		return -ENOMEM;
	if (!named[0])
		return 0;
	const struct units *units = &engine->registry.units;
	if (units_find(units, named, date, question->known_id, &unit, &suggestion) == BAOPHU_CODE_UNIT_NOT_VALID) {
		const struct unit_version *successor = units_at(units, suggestion, date, question->known_id);
		info->suggestion = successor ? successor->code : "";
	}
	return 0;
}

int query_held(struct question *question)
{
	struct query_engine *engine = question->engine;
	uint64_t since_seq = question->query->since_seq, cut_seq = question->answer->cut.seq;
	const struct vec *held = &engine->registry.held;
	struct wire_held_info *items = question_alloc(question, question->limit, sizeof *items);
	uint32_t count = 0;
	int error = 0;
	if (!items)
		return -ENOMEM;
	for (uint64_t at = question->position; at < held->count && !error; at++) {
		const struct held *one = vec_at(held, struct held, at);
		bool is_decided = one->decided && one->decided_seq <= cut_seq;
		if (one->seq > cut_seq || one->seq < since_seq || (is_decided && !since_seq) ||
		    (question->agent && one->agent != question->agent))
			continue;
		if (count == question->limit) {
			question_continue(question, at);
			break;
		}
		items[count] = (struct wire_held_info){ .seq = one->seq,
							.epoch = one->epoch,
							.number = one->number,
							.agent = question_agent_name(question, one->agent),
							.unit = "",
							.suggestion = "",
							.code = one->code,
							.entry = one->entry,
							.time_ms = one->time_ms };
		if (is_decided) {
			items[count].decision = one->released ? BAOPHU_APPLIED : BAOPHU_REFUSED;
			items[count].decision_seq = one->decided_seq;
		}
		error = fill_held_unit(question, &items[count++]);
	}
	log_reader_release(engine->log_reader);
	question->answer->held = items;
	question->answer->held_count = count;
	return error;
}

/* ---- LOG ---- */

int query_log(struct question *question)
{
	struct query_engine *engine = question->engine;
	const struct wire_query *query = question->query;
	struct wire_log_info *items = question_alloc(question, question->limit, sizeof *items);
	uint32_t count = 0;
	int error = 0;
	if (!items)
		return -ENOMEM;
	uint64_t seq = question->position ? question->position : query->since_seq ? query->since_seq : 1;
	for (; seq <= question->answer->cut.seq && !error; seq++) {
		const void *record;
		size_t bytes;
		struct record_header header;
		if (count == question->limit) {
			question_continue(question, seq);
			break;
		}
		error = question_read_log(question, seq, &record, &bytes);
		if (!error)
			error = record_read_header(record, bytes, &header);
		if (error)
			break;
		items[count++] = (struct wire_log_info){ .place = header.place,
							 .kind = record_kind_name(header.kind),
							 .agent = question_agent_name(question, header.agent),
							 .time_ms = header.time_ms,
							 .epoch = header.epoch,
							 .number = header.number,
							 .verdict = header.verdict,
							 .code = header.code,
							 .entry = header.entry,
							 .entries = header.entry_count };
	}
	log_reader_release(engine->log_reader);
	question->answer->log = items;
	question->answer->log_count = count;
	return error;
}

/* ---- STATUS ---- */

int query_status(struct question *question)
{
	struct query_engine *engine = question->engine;
	struct wire_server_status *status = question_alloc(question, 1, sizeof *status);
	if (!status)
		return -ENOMEM;
	status->version = "";
	pthread_rwlock_rdlock(engine->config.state_lock);
	const struct state *state = engine->config.state;
	status->business_day = state->registry.day;
	status->has_backup = state->registry.backup.seq;
	status->backup = state->registry.backup;
	status->backup_ms = state->registry.backup_ms;
	status->state_digest = fold_digest(state);
	status->units = units_count(&state->registry.units);
	status->facts = state->facts.fact_count;
	status->agents = agents_count(&state->registry.agents);
	status->held = state->registry.held_waiting;
	pthread_rwlock_unlock(engine->config.state_lock);
	status->history_seq = history_place(engine->config.history).seq;
	if (engine->config.fill_status)
		engine->config.fill_status(engine->config.context, status);
	question->answer->status = status;
	return 0;
}
