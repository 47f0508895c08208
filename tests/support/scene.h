/* scene.h - a small centre in memory for tests: records are written, kept and folded, without files or sockets. */
#pragma once

#include "fold.h"

struct scene_record {
	uint8_t *bytes;
	size_t size;
};
struct scene {
	struct state state; /* folded live, record by record */
	struct vec records; /* struct scene_record: the log */
	struct record_writer writer;
	uint8_t *buffer;
	struct baophu_place place;
	struct record_header header; /* what every record is sealed with: time, verdict, code, entry */
	uint32_t units, measures, indicators, plans, agents; /* numbers given so far */
	uint8_t level; /* of the units that are made; 1 */
};
void scene_init(struct scene *scene);
void scene_finish(struct scene *scene);
/* Entries of one record: begin, add..., end (sealed, kept, folded; not settled). */
void scene_begin(struct scene *scene);
void scene_add(struct scene *scene, const struct entry *entry);
uint64_t scene_end(struct scene *scene, enum record_kind kind, uint32_t agent, uint64_t epoch, uint64_t number);
/* One-entry records of the system. */
uint32_t scene_unit(struct scene *scene, uint32_t parent, const char *code, const char *name, baophu_date from);
uint16_t scene_measure(struct scene *scene, const char *code, enum baophu_measure_kind kind, uint16_t parent);
uint16_t scene_indicator(struct scene *scene, const char *code, uint16_t numerator, uint16_t denominator);
uint32_t scene_plan(struct scene *scene, uint32_t plan, const char *code, uint32_t unit, enum baophu_plan_kind kind,
		    uint16_t target, baophu_date from, baophu_date to, int64_t value, unsigned decimals);
/* A line, of a plan or of every plan (0); `number` is that of the percentage. */
void scene_line(struct scene *scene, uint32_t plan, uint32_t digits, unsigned decimals, unsigned number, bool removed);
uint32_t scene_agent(struct scene *scene, const char *name);
/* Of one measure, 0: all; until BAOPHU_DATE_NONE: no end. */
void scene_grant(struct scene *scene, uint32_t agent, uint32_t unit, uint16_t measure, baophu_date from, baophu_date until);
/* Of one measure, 0: all; whole; since the business day. Rhythm NONE: removed. Returns the record's seq. */
uint64_t scene_declare(struct scene *scene, uint32_t agent, uint32_t unit, uint8_t level, uint16_t measure,
		       enum baophu_rhythm rhythm, uint16_t closing_day, uint16_t grace_days);
void scene_day(struct scene *scene, baophu_date day);
uint64_t scene_fact(struct scene *scene, uint32_t unit, uint16_t measure, enum baophu_extent extent, baophu_date from,
		    baophu_date to, int64_t value, enum baophu_status status);
/* Takes back what stands in a slot, for good: "no report". */
uint64_t scene_withdraw(struct scene *scene, uint32_t unit, uint16_t measure, enum baophu_extent extent, baophu_date date);
/* Folds the kept records again into `state`, settling after every `batch` records (0: once at the end). */
void scene_fold_again(const struct scene *scene, struct state *state, uint32_t batch);
/* A civil date that is known to exist. */
baophu_date day(uint32_t yyyymmdd);
/* A repeatable random number below `limit`; the seed is printed by the test on failure. */
uint32_t scene_random(uint64_t *seed, uint32_t limit);
