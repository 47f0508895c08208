/* scene.c - see scene.h. */
#include "scene.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/date.h>

enum { SCENE_RECORD_BYTES = 1 << 20 };

void scene_init(struct scene *scene)
{
	*scene = (struct scene){ .level = 1 };
	scene->buffer = malloc(SCENE_RECORD_BYTES);
	scene->header = (struct record_header){ .rules = RECORD_RULES, .verdict = BAOPHU_APPLIED, .entry = UINT32_MAX };
	assert(scene->buffer && !fold_init(&scene->state));
	scene_begin(scene);
	struct entry level = { .kind = ENTRY_LEVEL, .level = { 1, "place", "nơi", "place" } };
	scene_add(scene, &level);
	scene_end(scene, RECORD_CATALOGUE, 0, 0, 0);
}

void scene_finish(struct scene *scene)
{
	for (size_t i = 0; i < scene->records.count; i++)
		free(vec_at(&scene->records, struct scene_record, i)->bytes);
	vec_finish(&scene->records);
	free(scene->buffer);
	fold_finish(&scene->state);
}

void scene_begin(struct scene *scene) { record_begin(&scene->writer, scene->buffer, SCENE_RECORD_BYTES); }

void scene_add(struct scene *scene, const struct entry *entry) { record_add(&scene->writer, entry); }

uint64_t scene_end(struct scene *scene, enum record_kind kind, uint32_t agent, uint64_t epoch, uint64_t number)
{
	struct record_header header = scene->header;
	header.kind = kind;
	header.agent = header.principal = agent;
	header.epoch = epoch;
	header.number = number;
	ssize_t size = record_seal(&scene->writer, &header, &scene->place);
	assert(size > 0);
	struct scene_record *kept = vec_grow(&scene->records, 1, sizeof *kept);
	kept->bytes = malloc((size_t)size);
	kept->size = (size_t)size;
	memcpy(kept->bytes, scene->buffer, kept->size);
	scene->place = header.place;
	int error = fold_record(&scene->state, kept->bytes, kept->size);
	assert(!error);
	return header.place.seq;
}

static uint64_t one(struct scene *scene, const struct entry *entry)
{
	scene_begin(scene);
	scene_add(scene, entry);
	return scene_end(scene, RECORD_UPDATE, 0, 0, 0);
}

uint32_t scene_unit(struct scene *scene, uint32_t parent, const char *code, const char *name, baophu_date from)
{
	struct entry entry = { .kind = ENTRY_UNIT, .unit = { ++scene->units, parent, scene->level, from, code, name } };
	one(scene, &entry);
	return scene->units;
}

uint16_t scene_measure(struct scene *scene, const char *code, enum baophu_measure_kind kind, uint16_t parent)
{
	struct entry entry = { .kind = ENTRY_MEASURE,
			       .measure = { (uint16_t)++scene->measures, parent, (uint8_t)kind, code, code, code, "người",
					    "people" } };
	one(scene, &entry);
	return (uint16_t)scene->measures;
}

uint16_t scene_indicator(struct scene *scene, const char *code, uint16_t numerator, uint16_t denominator)
{
	struct entry entry = { .kind = ENTRY_INDICATOR,
			       .indicator = { (uint16_t)++scene->indicators, numerator, denominator, code, code, code } };
	one(scene, &entry);
	return (uint16_t)scene->indicators;
}

uint32_t scene_plan(struct scene *scene, uint32_t plan, const char *code, uint32_t unit, enum baophu_plan_kind kind,
		    uint16_t target, baophu_date from, baophu_date to, int64_t value, unsigned decimals)
{
	if (!plan)
		plan = ++scene->plans;
	struct entry entry = { .kind = ENTRY_PLAN,
			       .plan = { .plan = plan,
					 .unit = unit,
					 .target = target,
					 .kind = (uint8_t)kind,
					 .decimals = (uint8_t)decimals,
					 .origin = BAOPHU_REPORTED,
					 .from = from,
					 .to = to,
					 .value = value,
					 .code = code,
					 .issuer = "",
					 .document = "" } };
	one(scene, &entry);
	return plan;
}

void scene_line(struct scene *scene, uint32_t plan, uint32_t digits, unsigned decimals, unsigned number, bool removed)
{
	struct entry entry = { .kind = ENTRY_THRESHOLD,
			       .threshold = { plan, digits, (uint8_t)decimals, (uint8_t)number, removed } };
	one(scene, &entry);
}

uint32_t scene_agent(struct scene *scene, const char *name)
{
	one(scene, &(struct entry){ .kind = ENTRY_AGENT, .agent = { ++scene->agents, BAOPHU_DATE_MIN, BAOPHU_DATE_NONE, name } });
	return scene->agents;
}

void scene_grant(struct scene *scene, uint32_t agent, uint32_t unit, uint16_t measure, baophu_date from, baophu_date until)
{
	one(scene, &(struct entry){ .kind = ENTRY_GRANT,
				    .grant = { .agent = agent,
					       .unit = unit,
					       .from = from,
					       .until = until,
					       .measure_count = measure ? 1 : 0,
					       .measures = &measure } });
}

uint64_t scene_declare(struct scene *scene, uint32_t agent, uint32_t unit, uint8_t level, uint16_t measure,
		       enum baophu_rhythm rhythm, uint16_t closing_day, uint16_t grace_days)
{
	return one(scene, &(struct entry){ .kind = ENTRY_DECLARE,
					   .declare = { .agent = agent,
							.unit = unit,
							.level = level,
							.extent = BAOPHU_WHOLE,
							.rhythm = (uint8_t)rhythm,
							.closing_day = closing_day,
							.grace_days = grace_days,
							.since = scene->state.registry.day,
							.measure_count = measure ? 1 : 0,
							.measures = &measure } });
}

uint64_t scene_withdraw(struct scene *scene, uint32_t unit, uint16_t measure, enum baophu_extent extent, baophu_date date)
{
	struct slot slot = { unit, measure, (uint8_t)extent, date, date };
	const struct fact *fact = facts_slot(&scene->state.facts, &slot);
	assert(fact);
	return one(scene, &(struct entry){
			      .kind = ENTRY_WITHDRAWAL,
			      .withdrawal = { .slot = slot, .withdrawn_id = fact->id, .restored = { .value = BAOPHU_ABSENT } } });
}

void scene_day(struct scene *scene, baophu_date date)
{
	struct entry entry = { .kind = ENTRY_DAY, .day = { date } };
	scene_begin(scene);
	scene_add(scene, &entry);
	scene_end(scene, RECORD_DAY, 0, 0, 0);
}

uint64_t scene_fact(struct scene *scene, uint32_t unit, uint16_t measure, enum baophu_extent extent, baophu_date from,
		    baophu_date to, int64_t value, enum baophu_status status)
{
	struct entry entry = { .kind = ENTRY_FACT,
			       .fact = { .slot = { unit, measure, (uint8_t)extent, from, to },
					 .figure = { value, (uint8_t)status, BAOPHU_REPORTED, BAOPHU_EXACT, 0 } } };
	return one(scene, &entry);
}

void scene_fold_again(const struct scene *scene, struct state *state, uint32_t batch)
{
	assert(!fold_init(state));
	for (size_t i = 0; i < scene->records.count; i++) {
		const struct scene_record *record = vec_at(&scene->records, struct scene_record, i);
		int error = fold_record(state, record->bytes, record->size);
		assert(!error);
		if (batch && i % batch == batch - 1)
			assert(!fold_settle(state));
	}
	assert(!fold_settle(state));
}

baophu_date day(uint32_t yyyymmdd)
{
	baophu_date date = baophu_date_from_civil(yyyymmdd);
	assert(date != BAOPHU_DATE_NONE);
	return date;
}

uint32_t scene_random(uint64_t *seed, uint32_t limit)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)((*seed >> 11) % limit);
}
