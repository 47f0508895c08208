/* test_cut.c - records gathered between two proofs: the newest of each unit, copied. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cut.h"

enum { UNITS = 3000 };

static struct baophu_record record_of(uint32_t unit, uint64_t version, const struct baophu_row *row)
{
	return (struct baophu_record){ .unit_number = unit, .version = version, .row_count = row ? 1 : 0, .rows = row };
}

Test(cut, has_each_unit_once_as_it_is_last)
{
	struct cut cut = { 0 };
	struct baophu_row row = { .kind = BAOPHU_ROW_STOCK };
	for (uint64_t version = 1; version <= 3; version++)
		for (uint32_t unit = 1; unit <= UNITS; unit++) {
			struct baophu_record record = record_of(unit * 7, version, &row);
			row.value = (int64_t)(unit * version);
			cr_assert_eq(cut_put(&cut, &record), 0);
		}
	row.value = -1; /* what was lent is copied */
	cr_assert_eq(cut.count, UNITS);
	bool *seen = calloc(UNITS + 1, sizeof *seen);
	for (uint32_t i = 0; i < cut.count; i++) {
		uint32_t unit = cut.records[i].unit_number / 7;
		cr_assert(!seen[unit]);
		seen[unit] = true;
		cr_assert_eq(cut.records[i].version, 3);
		cr_assert_eq(cut.records[i].rows[0].value, (int64_t)unit * 3);
	}
	free(seen);
	cut_clear(&cut);
	cr_assert_eq(cut.count, 0);
	cut_clear(&cut);
}

Test(cut, a_snapshot_has_no_tombstones_but_what_came_back)
{
	struct cut cut = { 0 };
	struct baophu_row row = { .value = 5 };
	for (uint32_t unit = 1; unit <= 100; unit++) {
		struct baophu_record record = record_of(unit, 1, &row);
		cr_assert_eq(cut_put(&cut, &record), 0);
		record = record_of(unit, 2, NULL);
		record.tombstone = unit % 2;
		if (unit % 2)
			cr_assert_eq(cut_put(&cut, &record), 0);
	}
	struct baophu_record back = record_of(51, 3, &row);
	cr_assert_eq(cut_put(&cut, &back), 0);
	cr_assert_eq(cut.count, 100);
	cut_drop_tombstones(&cut);
	cr_assert_eq(cut.count, 51);
	for (uint32_t i = 0; i < cut.count; i++) {
		cr_assert(!cut.records[i].tombstone);
		cr_assert(cut.records[i].unit_number % 2 == 0 || cut.records[i].unit_number == 51);
		cr_assert_eq(cut.records[i].rows[0].value, 5);
	}
	cut_clear(&cut);
}

Test(cut, a_newer_one_goes_over_an_older_one)
{
	struct cut older = { 0 }, newer = { 0 };
	struct baophu_row row = { .value = 1 };
	for (uint32_t unit = 1; unit <= 60; unit++) {
		struct baophu_record record = record_of(unit, 1, &row);
		cr_assert_eq(cut_put(&newer, &record), 0);
	}
	cr_assert_eq(cut_merge(&older, &newer), 0);
	cr_assert_eq(older.count, 60);
	cr_assert_eq(newer.count, 0);
	row.value = 2;
	for (uint32_t unit = 41; unit <= 200; unit++) {
		struct baophu_record record = record_of(unit, 2, unit % 2 ? &row : NULL);
		cr_assert_eq(cut_put(&newer, &record), 0);
	}
	cr_assert_eq(cut_merge(&older, &newer), 0);
	cr_assert_eq(older.count, 200);
	cr_assert_eq(newer.count, 0);
	for (uint32_t i = 0; i < older.count; i++) {
		const struct baophu_record *record = &older.records[i];
		bool is_newer = record->unit_number > 40;
		cr_assert_eq(record->version, is_newer ? 2 : 1);
		cr_assert_eq(record->row_count, is_newer ? record->unit_number % 2 : 1);
		if (record->row_count)
			cr_assert_eq(record->rows[0].value, is_newer ? 2 : 1);
	}
	cr_assert_eq(cut_merge(&older, &newer), 0);
	cr_assert_eq(older.count, 200);
	cut_clear(&older);
	cut_clear(&newer);
}
