/* The fold: the log folded again gives the same state, however it is grouped; versions and seals are what their words say; a checkpoint
 * that disagrees is noticed; what history would load equals what was folded. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "scene.h"

enum { UNITS = 60 };

static void build(struct scene *scene, uint64_t *seed)
{
	scene_init(scene);
	scene_day(scene, day(20240630));
	for (uint32_t unit = 1; unit <= UNITS; unit++) {
		char code[8];
		snprintf(code, sizeof code, "u%02u", unit);
		scene_unit(scene, unit < 5 ? unit - 1 : 1 + scene_random(seed, 4), code, code, BAOPHU_DATE_MIN);
	}
	scene_measure(scene, "a", BAOPHU_STOCK, 0);
	scene_measure(scene, "b", BAOPHU_STOCK, 0);
	scene_measure(scene, "c", BAOPHU_FLOW, 0);
	for (uint32_t agent = 0; agent < 3; agent++)
		scene_agent(scene, "x");
	scene_grant(scene, 1, 1, 0, BAOPHU_DATE_MIN, BAOPHU_DATE_NONE);
	for (uint32_t i = 0; i < 500; i++) {
		uint32_t unit = 1 + scene_random(seed, UNITS), what = scene_random(seed, 40);
		baophu_date date = day(20240101) + (baophu_date)scene_random(seed, 150);
		if (what == 0) {
			scene_day(scene, day(20240630) + (baophu_date)i);
		} else if (what == 1) { /* a move: another parent from some day on */
			char code[8];
			snprintf(code, sizeof code, "u%02u", unit);
			struct entry entry = { .kind = ENTRY_UNIT,
					       .unit = { unit, unit < 6 ? unit - 1 : 1 + scene_random(seed, 4), 1, date, code,
							 "moved" } };
			scene_begin(scene);
			scene_add(scene, &entry);
			scene_end(scene, RECORD_UPDATE, 0, 0, 0);
		} else if (what == 2) {
			scene_plan(scene, scene->plans ? 1 : 0, "p", unit, BAOPHU_PLAN_STOCK, 1, day(20240101), day(20241231),
				   1 + scene_random(seed, 99), 0);
		} else if (what == 3) {
			scene_grant(scene, 1 + scene_random(seed, 3), unit, 0, date, BAOPHU_DATE_NONE);
		} else if (what < 6) {
			static const enum baophu_rhythm rhythms[] = { BAOPHU_MONTHLY, BAOPHU_WEEKLY, BAOPHU_RHYTHM_NONE };
			scene_declare(scene, 1 + scene_random(seed, 3), unit, (uint8_t)scene_random(seed, 2),
				      (uint16_t)scene_random(seed, 4), rhythms[scene_random(seed, 3)], 0, 0);
		} else {
			uint16_t measure = (uint16_t)(1 + scene_random(seed, 3));
			scene_fact(scene, unit, measure, BAOPHU_WHOLE, measure == 3 ? date - 9 : date, date,
				   scene_random(seed, 1000), 1 + scene_random(seed, 3));
		}
		if (!scene_random(seed, 9))
			cr_assert_eq(fold_settle(&scene->state), 0);
	}
	cr_assert_eq(fold_settle(&scene->state), 0);
}

static void expect_same(const struct state *a, const struct state *b, const char *what, uint64_t seed)
{
	static struct baophu_row x[COVERAGE_ROWS_MAX], y[COVERAGE_ROWS_MAX];
	struct baophu_record p, q;
	cr_assert_eq(fold_digest(a), fold_digest(b), "%s: digests differ, seed %lu", what, (unsigned long)seed);
	for (uint32_t unit = 1; unit <= UNITS; unit++) {
		cr_assert_eq(a->version[unit], b->version[unit], "%s: version of %u, seed %lu", what, unit, (unsigned long)seed);
		for (unsigned levels = 0; levels <= BAOPHU_DEPTH_MAX; levels++) {
			struct subtree_sum s = fold_subtree(a, unit, levels), t = fold_subtree(b, unit, levels);
			cr_assert(s.count == t.count && s.sum == t.sum, "%s: seal of %u, %u below, seed %lu", what, unit, levels,
				  (unsigned long)seed);
		}
		if (!tree_has(&a->tree, unit))
			continue;
		fold_unit_record(a, unit, x, COVERAGE_ROWS_MAX, &p);
		fold_unit_record(b, unit, y, COVERAGE_ROWS_MAX, &q);
		cr_assert_eq(p.row_count, q.row_count);
		cr_assert(!memcmp(x, y, p.row_count * sizeof *x), "%s: rows of %u, seed %lu", what, unit, (unsigned long)seed);
	}
}

Test(fold, again_gives_the_same_state_however_grouped, .timeout = 120)
{
	uint64_t base = (uint64_t)time(NULL) * 2654435761u | 1;
	for (uint32_t round = 0; round < 20; round++) {
		uint64_t seed = base + round * 104729;
		struct scene scene;
		build(&scene, &seed);
		uint32_t batches[] = { 0, 1, 2, 7, 100 };
		for (unsigned i = 0; i < sizeof batches / sizeof *batches; i++) {
			struct state again;
			scene_fold_again(&scene, &again, batches[i]);
			expect_same(&scene.state, &again, "folded again", base);
			fold_finish(&again);
		}
		scene_finish(&scene);
	}
}

/* Versions and seals by their definition, from the log's records alone. */
Test(fold, version_is_the_last_entry_that_touched_the_subtree, .timeout = 60)
{
	uint64_t seed = (uint64_t)time(NULL) | 1, first = seed;
	struct scene scene;
	build(&scene, &seed);
	const struct state *state = &scene.state;
	uint64_t own[UNITS + 1] = { 0 }, map = 0;
	uint32_t declarations = 0;
	for (size_t i = 0; i < scene.records.count; i++) {
		const struct scene_record *record = vec_at(&scene.records, struct scene_record, i);
		struct record_header header;
		struct record_cursor cursor;
		struct entry entry;
		cr_assert_eq(record_open(record->bytes, record->size, &header, &cursor), 0);
		while (record_next(&cursor, &entry) == 1) {
			if (entry.kind == ENTRY_FACT)
				own[entry.fact.slot.unit] = header.place.seq;
			else if (entry.kind == ENTRY_PLAN)
				own[entry.plan.unit] = header.place.seq;
			else if (entry.kind == ENTRY_DECLARE || entry.kind == ENTRY_GRANT) {
				/* Of the map of then; when another came later, that one's version is later too. */
				bool is_all = entry.kind == ENTRY_GRANT || entry.declare.level;
				uint32_t top = entry.kind == ENTRY_GRANT ? entry.grant.unit : entry.declare.unit;
				bool bears_on_something = entry.kind == ENTRY_DECLARE || declarations;
				for (uint32_t unit = 1; unit <= UNITS && bears_on_something; unit++)
					if (unit == top || (is_all && tree_is_below(&state->tree, unit, top)))
						own[unit] = header.place.seq;
				/* How many stand: the fold of this log up to here says it. */
				struct state then;
				cr_assert_eq(fold_init(&then), 0);
				for (size_t k = 0; k <= i; k++) {
					const struct scene_record *earlier = vec_at(&scene.records, struct scene_record, k);
					cr_assert_eq(fold_record(&then, earlier->bytes, earlier->size), 0);
				}
				declarations = then.registry.declarations.count;
				fold_finish(&then);
			} else if (entry.kind != ENTRY_AGENT)
				map = header.place.seq;
		}
	}
	for (uint32_t unit = 1; unit <= UNITS; unit++) {
		uint64_t expected = map;
		uint32_t count = 0;
		uint64_t sum = 0;
		for (uint32_t below = 1; below <= UNITS; below++) {
			if (!tree_is_below(&state->tree, below, unit))
				continue;
			if (own[below] > expected)
				expected = own[below];
			if (state->tree.depth[below] == state->tree.depth[unit] + 1) {
				count++;
				sum += baophu_mix64(below, state->version[below]);
			}
		}
		cr_assert_eq(state->version[unit], expected, "unit %u seed %lu", unit, (unsigned long)first);
		cr_assert_eq(fold_subtree(state, unit, 1).count, count);
		cr_assert_eq(fold_subtree(state, unit, 1).sum, sum);
	}
	scene_finish(&scene);
}

/* What a history keeps: every version of every slot, and the records that are not facts. */
Test(fold, loaded_from_versions_equals_folded, .timeout = 60)
{
	uint64_t base = (uint64_t)time(NULL) * 69069u | 1;
	for (uint32_t round = 0; round < 10; round++) {
		uint64_t seed = base + round * 15485863;
		struct scene scene;
		build(&scene, &seed);
		/* Some figures are taken back, as the collector would: what stands again is found among all versions. */
		struct {
			struct slot slot;
			struct fact_version versions[64];
			int count;
			uint64_t touched;
		} *slots = calloc(2000, sizeof *slots);
		uint32_t slot_count = 0;
		for (int pass = 0; pass < 2; pass++) {
			slot_count = 0;
			memset(slots, 0, 2000 * sizeof *slots);
			for (size_t i = 0; i < scene.records.count; i++) {
				const struct scene_record *record = vec_at(&scene.records, struct scene_record, i);
				struct record_header header;
				struct record_cursor cursor;
				struct entry entry;
				cr_assert_eq(record_open(record->bytes, record->size, &header, &cursor), 0);
				while (record_next(&cursor, &entry) == 1) {
					if (entry.kind != ENTRY_FACT && entry.kind != ENTRY_WITHDRAWAL)
						continue;
					const struct slot *slot = entry.kind == ENTRY_FACT ? &entry.fact.slot
											   : &entry.withdrawal.slot;
					uint32_t at = 0;
					while (at < slot_count &&
					       (slots[at].slot.unit != slot->unit || slots[at].slot.measure != slot->measure ||
						slots[at].slot.from != slot->from || slots[at].slot.to != slot->to))
						at++;
					if (at == slot_count)
						slots[slot_count++].slot = *slot;
					struct fact_version *version = &slots[at].versions[slots[at].count++];
					*version = (struct fact_version){ .id = entry_id(header.place.seq, cursor.index - 1) };
					slots[at].touched = header.place.seq;
					if (entry.kind == ENTRY_FACT) {
						version->figure = entry.fact.figure;
					} else {
						version->withdrawn_id = entry.withdrawal.withdrawn_id;
						version->figure = (struct figure){ .value = BAOPHU_ABSENT,
										   .reason = entry.withdrawal.reason };
					}
				}
			}
			for (uint32_t i = 0; pass == 0 && i < slot_count; i += 3) {
				int standing = facts_standing(slots[i].versions, slots[i].count);
				cr_assert_geq(standing, 0);
				struct fact_version rest[64];
				int kept = 0;
				for (int j = 0; j < slots[i].count; j++)
					if (j != standing)
						rest[kept++] = slots[i].versions[j];
				int again = facts_standing(rest, kept);
				struct entry entry = { .kind = ENTRY_WITHDRAWAL,
						       .withdrawal = { .slot = slots[i].slot,
								       .reason = BAOPHU_REASON_CORRECTION,
								       .withdrawn_id = slots[i].versions[standing].id } };
				if (again >= 0) {
					entry.withdrawal.restored_id = rest[again].id;
					entry.withdrawal.restored = rest[again].figure;
				}
				scene_begin(&scene);
				scene_add(&scene, &entry);
				scene_end(&scene, RECORD_UPDATE, 0, 0, 0);
			}
		}
		cr_assert_eq(fold_settle(&scene.state), 0);
		struct state loaded;
		cr_assert_eq(fold_init(&loaded), 0);
		for (size_t i = 0; i < scene.records.count; i++) {
			const struct scene_record *record = vec_at(&scene.records, struct scene_record, i);
			cr_assert_eq(fold_load_record(&loaded, record->bytes, record->size), 0);
		}
		for (uint32_t i = 0; i < slot_count; i++) {
			int standing = facts_standing(slots[i].versions, slots[i].count);
			const struct fact_version *version = standing >= 0 ? &slots[i].versions[standing]
									   : &slots[i].versions[slots[i].count - 1];
			cr_assert_eq(fold_load_fact(&loaded, &slots[i].slot, &version->figure, version->id, slots[i].touched), 0);
		}
		cr_assert_eq(fold_load_finish(&loaded, &scene.place), 0);
		cr_assert_eq(fold_settle(&loaded), 0);
		expect_same(&scene.state, &loaded, "loaded", base);
		fold_finish(&loaded);
		free(slots);
		scene_finish(&scene);
	}
}

/* A cut is published from this list: each unit whose version changed, once, with the version that was published before. */
Test(fold, touched_names_each_changed_unit_once)
{
	struct scene scene;
	uint64_t seed = (uint64_t)time(NULL) | 1, before[UNITS + 1];
	build(&scene, &seed);
	for (uint32_t round = 0; round < 200; round++) {
		memcpy(before, scene.state.version, sizeof before);
		for (uint32_t i = 0; i < 1 + scene_random(&seed, 6); i++)
			scene_fact(&scene, 1 + scene_random(&seed, UNITS), 1, BAOPHU_WHOLE, day(20240101), day(20240101),
				   scene_random(&seed, 9), BAOPHU_FINAL);
		cr_assert_eq(fold_settle(&scene.state), 0);
		bool is_named[UNITS + 1] = { 0 };
		for (size_t i = 0; i < scene.state.touched.count; i++) {
			const struct touched *touched = vec_at(&scene.state.touched, struct touched, i);
			cr_assert(!is_named[touched->unit], "unit %u twice, seed %lu", touched->unit, (unsigned long)seed);
			cr_assert_eq(touched->previous, before[touched->unit]);
			is_named[touched->unit] = true;
		}
		for (uint32_t unit = 1; unit <= UNITS; unit++)
			cr_assert_eq(is_named[unit], before[unit] != scene.state.version[unit], "unit %u", unit);
	}
	scene_finish(&scene);
}

Test(fold, checkpoint_of_another_state_is_damage)
{
	struct scene scene;
	uint64_t seed = 42;
	build(&scene, &seed);
	for (int wrong = 0; wrong < 2; wrong++) {
		uint8_t buffer[4096];
		struct record_writer writer;
		struct record_header header = { .kind = RECORD_CHECKPOINT, .rules = RECORD_RULES, .entry = UINT32_MAX };
		struct entry entry = { .kind = ENTRY_CHECKPOINT,
				       .checkpoint = { fold_digest(&scene.state) + (uint64_t)wrong, scene.state.facts.fact_count,
						       units_count(&scene.state.registry.units) } };
		record_begin(&writer, buffer, sizeof buffer);
		record_add(&writer, &entry);
		ssize_t size = record_seal(&writer, &header, &scene.state.place);
		cr_assert_gt(size, 0);
		cr_assert_eq(fold_record(&scene.state, buffer, (size_t)size), wrong ? -BAOPHU_EDAMAGED : 0);
	}
	scene_finish(&scene);
}

Test(fold, record_out_of_order_is_damage)
{
	struct scene scene;
	scene_init(&scene);
	const struct scene_record *record = vec_at(&scene.records, struct scene_record, 0);
	cr_assert_eq(fold_record(&scene.state, record->bytes, record->size), -BAOPHU_EDAMAGED);
	scene_finish(&scene);
}
