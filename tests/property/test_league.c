/* League tables fed with random cuts against a model that knows no order, no incremental step and no table: a unit's rank is one more than the
 * number of rows that may be compared with its own and are better. The model goes through everything it holds for each of them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <baophu/client.h>

enum { UNITS = 60, PARENTS = 4, ROWS_MAX = 8, CUTS = 120, ROUNDS = 8 };

/* ---- allocations, counted, and failing on demand ---- */

static uint64_t allowed = UINT64_MAX; /* calls that still succeed */
static int64_t blocks; /* not given back */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);

static void *counted(void *memory)
{
	blocks += memory != NULL;
	return memory;
}

static bool may(void) { return allowed == UINT64_MAX || (allowed && allowed--); }
void *__wrap_malloc(size_t size) { return may() ? counted(__real_malloc(size)) : NULL; }
void *__wrap_calloc(size_t count, size_t size) { return may() ? counted(__real_calloc(count, size)) : NULL; }
void *__wrap_realloc(void *memory, size_t size)
{
	void *moved = may() ? __real_realloc(memory, size) : NULL;
	return memory ? moved : counted(moved);
}
void __wrap_free(void *memory)
{
	blocks -= memory != NULL;
	__real_free(memory);
}

/* ---- what is so ---- */

struct held {
	struct baophu_record record; /* unit_number 0: not there */
	struct baophu_row rows[ROWS_MAX];
	uint32_t ranks[ROWS_MAX]; /* the model's */
};
struct world {
	struct held units[UNITS];
	uint64_t seed;
};

static uint32_t below(struct world *world, uint32_t limit)
{
	world->seed = world->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(world->seed >> 33) % limit;
}

/* Small terms, so that many ratios are equal without being written alike; now and then ones that only exact arithmetic tells apart. */
static void set_ratio(struct world *world, struct baophu_row *row)
{
	row->denominator = 1 + below(world, 6);
	row->numerator = below(world, 8);
	if (!below(world, 4)) {
		row->denominator = BAOPHU_VALUE_MAX - below(world, 2);
		row->numerator = BAOPHU_VALUE_MAX - 1 - below(world, 3);
	} else if (below(world, 2)) {
		row->denominator *= 21;
		row->numerator *= 21;
	}
	switch (below(world, 12)) {
	case 0:
		row->state = BAOPHU_STATE_PARTIAL;
		break;
	case 1:
		row->state = BAOPHU_STATE_NO_REPORT;
		row->numerator = BAOPHU_ABSENT;
		break;
	case 2:
		row->denominator = 0;
		row->state = row->kind == BAOPHU_ROW_PLAN ? BAOPHU_STATE_ZERO : BAOPHU_STATE_NO_DENOMINATOR;
		break;
	default:
		row->state = row->kind == BAOPHU_ROW_PLAN ? BAOPHU_STATE_HALF : BAOPHU_STATE_COMPUTED;
	}
	row->to = 19000 + (baophu_date)below(world, 30);
}

static void set_rows(struct world *world, struct held *unit)
{
	static const char *const plans[] = { "nam-2024", "dot1-2024" }, *const measures[] = { "bhyt", "bhxh_tn" };
	uint32_t n = 0;
	for (uint32_t kind = 0; kind < ROWS_MAX; kind++) {
		struct baophu_row row = { BAOPHU_ROW_SAYS_NOTHING, .kind = BAOPHU_ROW_PLAN };
		if (!below(world, 4))
			continue;
		if (kind < 4) { /* a plan over a count */
			strcpy(row.plan, plans[kind / 2]);
			strcpy(row.measure, measures[kind % 2]);
			strcpy(row.denominator_measure, "plan");
		} else if (kind < 6) { /* a share, and the same over another denominator */
			row.kind = BAOPHU_ROW_SHARE;
			strcpy(row.measure, "ty-le");
			strcpy(row.denominator_measure, kind == 4 ? "danso" : "laodong");
		} else if (kind == 6) { /* a plan over a rate of that name */
			strcpy(row.plan, plans[0]);
			strcpy(row.measure, "bhyt");
			strcpy(row.denominator_measure, "danso");
		} else { /* nothing to rank */
			row.kind = BAOPHU_ROW_STOCK;
			strcpy(row.measure, "bhyt");
		}
		set_ratio(world, &row);
		if (kind < 4 && !below(world, 10)) {
			row.state = BAOPHU_STATE_NO_PLAN;
			row.denominator = BAOPHU_ABSENT;
			row.denominator_measure[0] = '\0';
		}
		unit->rows[n++] = row;
	}
	unit->record.row_count = n;
	unit->record.rows = unit->rows;
}

static void set_unit(struct world *world, uint32_t index)
{
	struct held *unit = &world->units[index];
	struct baophu_record *record = &unit->record;
	bool is_new = !record->unit_number;
	if (is_new || !below(world, 6))
		snprintf(record->parent, sizeof record->parent, "p%u", below(world, PARENTS));
	if (is_new || !below(world, 8))
		snprintf(record->unit, sizeof record->unit, "c%04u", below(world, 10000));
	if (is_new || !below(world, 8))
		snprintf(record->name, sizeof record->name, "%.*s", (int)below(world, 9), "Thới Lai");
	record->unit_number = index * 7 + 1;
	record->version++;
	if (is_new || below(world, 3))
		set_rows(world, unit);
	else if (record->row_count)
		set_ratio(world, &unit->rows[below(world, record->row_count)]);
}

/* ---- the model ---- */

static bool is_ranked(const struct baophu_row *row)
{
	return row->state != BAOPHU_STATE_PARTIAL && row->state != BAOPHU_STATE_NO_PLAN && row->numerator != BAOPHU_ABSENT &&
	       row->denominator != BAOPHU_ABSENT && row->denominator > 0;
}

static bool is_listed(const struct baophu_row *row) { return row->kind == BAOPHU_ROW_PLAN || row->kind == BAOPHU_ROW_SHARE; }

static bool is_same_table(const struct baophu_record *a, const struct baophu_row *x, const struct baophu_record *b,
			  const struct baophu_row *y, bool across)
{
	const char *over_x = *x->denominator_measure ? x->denominator_measure : "plan";
	const char *over_y = *y->denominator_measure ? y->denominator_measure : "plan";
	return x->kind == y->kind && !strcmp(x->measure, y->measure) && !strcmp(x->plan, y->plan) && !strcmp(over_x, over_y) &&
	       (across || !strcmp(a->parent, b->parent));
}

static bool is_better(const struct baophu_row *x, const struct baophu_row *y)
{
	return (__int128)x->numerator * y->denominator > (__int128)y->numerator * x->denominator;
}

static uint32_t model_rank(const struct world *world, const struct baophu_record *record, const struct baophu_row *row, bool across)
{
	uint32_t rank = 1;
	if (!is_ranked(row))
		return 0;
	for (uint32_t i = 0; i < UNITS; i++) {
		const struct baophu_record *other = &world->units[i].record;
		for (uint32_t j = 0; other->unit_number && j < other->row_count; j++)
			rank += is_listed(&other->rows[j]) && is_ranked(&other->rows[j]) &&
				is_same_table(record, row, other, &other->rows[j], across) && is_better(&other->rows[j], row);
	}
	return rank;
}

static void rank_all(struct world *world, bool across)
{
	for (uint32_t i = 0; i < UNITS; i++)
		for (uint32_t j = 0; world->units[i].record.unit_number && j < world->units[i].record.row_count; j++)
			world->units[i].ranks[j] = model_rank(world, &world->units[i].record, &world->units[i].rows[j], across);
}

/* ---- the two beside each other ---- */

struct told {
	uint32_t count;
	struct {
		struct baophu_league_key key;
		uint32_t unit, before, now;
		bool is_gone;
	} changes[UNITS * ROWS_MAX * 2];
};

static void on_change(void *user, const struct baophu_league_change *change)
{
	struct told *told = user;
	cr_assert_lt(told->count, sizeof told->changes / sizeof *told->changes);
	told->changes[told->count].key = *change->key;
	told->changes[told->count].unit = change->place.unit_number;
	told->changes[told->count].before = change->before;
	told->changes[told->count].now = change->place.rank;
	told->changes[told->count++].is_gone = change->is_gone;
}

static const struct baophu_row *row_of(const struct world *world, uint32_t unit_number, const struct baophu_league_key *key,
				       bool across)
{
	const struct baophu_record *record = &world->units[(unit_number - 1) / 7].record;
	for (uint32_t i = 0; record->unit_number && i < record->row_count; i++) {
		const struct baophu_row *row = &record->rows[i];
		const char *over = *row->denominator_measure ? row->denominator_measure : "plan";
		if (is_listed(row) && row->kind == key->kind && !strcmp(row->measure, key->measure) &&
		    !strcmp(row->plan, key->plan) && !strcmp(over, key->denominator) &&
		    (across || !strcmp(record->parent, key->parent)))
			return row;
	}
	return NULL;
}

static void expect_ranks(const struct baophu_league *league, const struct world *world, bool across, uint64_t seed)
{
	uint32_t seen = 0, expected = 0;
	struct baophu_league_table table, last = { 0 };
	struct baophu_league_place place, before = { 0 };
	for (uint32_t i = 0; i < UNITS; i++)
		for (uint32_t j = 0; world->units[i].record.unit_number && j < world->units[i].record.row_count; j++)
			expected += is_listed(&world->units[i].rows[j]);
	for (uint32_t i = 0; i < baophu_league_tables(league); i++) {
		uint32_t ranked = 0;
		cr_assert_eq(baophu_league_table(league, i, &table), 0);
		cr_assert_gt(table.count, 0, "seed %lu: an empty table", (unsigned long)seed);
		cr_assert(!i || strcmp(last.key->parent, table.key->parent) <= 0, "seed %lu: tables in order", (unsigned long)seed);
		for (uint32_t j = 0; j < table.count; j++, seen++) {
			cr_assert_eq(baophu_league_place(league, i, j, &place), 0);
			const struct baophu_row *row = row_of(world, place.unit_number, table.key, across);
			const struct baophu_record *record = &world->units[(place.unit_number - 1) / 7].record;
			cr_assert(row, "seed %lu: unit %u is not in this table", (unsigned long)seed, place.unit_number);
			uint32_t rank = world->units[(place.unit_number - 1) / 7].ranks[row - record->rows];
			cr_assert_eq(place.rank, rank, "seed %lu: unit %u %s %s has %u, not %u", (unsigned long)seed,
				     place.unit_number, row->measure, row->plan, place.rank, rank);
			cr_assert_eq(place.rank == 0, place.reason != BAOPHU_STATE_NONE);
			cr_assert(!rank || (place.numerator == row->numerator && place.denominator == row->denominator));
			cr_assert_eq(place.to, row->to);
			cr_assert_str_eq(place.unit, record->unit);
			cr_assert_str_eq(place.name, record->name);
			ranked += rank != 0;
			if (j) {
				bool goes_up = before.rank ? !place.rank || before.rank < place.rank : false;
				bool is_level = before.rank == place.rank && strcmp(before.unit, place.unit) <= 0;
				cr_assert(goes_up || is_level, "seed %lu: places in order", (unsigned long)seed);
			}
			before = place;
		}
		cr_assert_eq(table.ranked, ranked);
		cr_assert_eq(baophu_league_place(league, i, table.count, &place), -BAOPHU_ENOTFOUND);
		last = table;
	}
	cr_assert_eq(seen, expected, "seed %lu: %u places, not %u", (unsigned long)seed, seen, expected);
	cr_assert_eq(baophu_league_table(league, baophu_league_tables(league), &table), -BAOPHU_ENOTFOUND);
}

/* Each rank that is another one than before was told, once, and nothing else was. */
static void expect_told(const struct told *told, const struct world *old, const struct world *now, bool across, uint64_t seed)
{
	uint32_t expected = 0;
	for (uint32_t side = 0; side < 2; side++) { /* who is in a table now; who was and is not */
		const struct world *world = side ? old : now, *other = side ? now : old;
		for (uint32_t i = 0; i < UNITS; i++)
			for (uint32_t j = 0; world->units[i].record.unit_number && j < world->units[i].record.row_count; j++) {
				const struct baophu_record *record = &world->units[i].record;
				const struct baophu_row *row = &world->units[i].rows[j];
				struct baophu_league_key key = { .kind = row->kind };
				if (!is_listed(row))
					continue;
				strcpy(key.measure, row->measure);
				strcpy(key.plan, row->plan);
				strcpy(key.denominator, *row->denominator_measure ? row->denominator_measure : "plan");
				strcpy(key.parent, across ? "" : record->parent);
				const struct baophu_row *there = row_of(other, record->unit_number, &key, across);
				uint32_t mine = world->units[i].ranks[j];
				uint32_t others = there ? other->units[i].ranks[there - other->units[i].rows] : 0;
				uint32_t is = side ? 0 : mine, was = side ? mine : others;
				if ((side && there) || is == was)
					continue;
				expected++;
				uint32_t found = 0;
				for (uint32_t k = 0; k < told->count; k++)
					found += told->changes[k].unit == record->unit_number &&
						 told->changes[k].key.kind == key.kind &&
						 !strcmp(told->changes[k].key.measure, key.measure) &&
						 !strcmp(told->changes[k].key.plan, key.plan) &&
						 !strcmp(told->changes[k].key.denominator, key.denominator) &&
						 !strcmp(told->changes[k].key.parent, key.parent) &&
						 told->changes[k].before == was && told->changes[k].now == is &&
						 told->changes[k].is_gone == (side == 1);
				cr_assert_eq(found, 1, "seed %lu: unit %u %s %s from %u to %u told %u times", (unsigned long)seed,
					     record->unit_number, key.measure, key.plan, was, is, found);
			}
	}
	cr_assert_eq(told->count, expected, "seed %lu: %u changes told, not %u", (unsigned long)seed, told->count, expected);
}

/* The copies' rows are their own. */
static void copy(struct world *to, const struct world *from)
{
	*to = *from;
	for (uint32_t i = 0; i < UNITS; i++)
		to->units[i].record.rows = to->units[i].rows;
}

static struct baophu_cut next_cut(struct world *world, struct baophu_record records[static UNITS])
{
	struct baophu_cut cut = { .records = records, .is_whole = !below(world, 20) };
	uint32_t changes = below(world, 3) ? 1 + below(world, 3) : below(world, UNITS);
	for (uint32_t i = 0; i < UNITS; i++) {
		struct baophu_record *record = &world->units[i].record;
		bool is_changed = below(world, UNITS) < changes;
		if (is_changed && record->unit_number && !below(world, 5)) {
			records[cut.record_count] = (struct baophu_record){ .unit_number = record->unit_number, .tombstone = true };
			cut.record_count += !cut.is_whole;
			*record = (struct baophu_record){ 0 };
			continue;
		}
		if (is_changed)
			set_unit(world, i);
		if (record->unit_number && (is_changed || cut.is_whole || !below(world, 10)))
			records[cut.record_count++] = *record;
	}
	return cut;
}

Test(league, equals_a_naive_model_after_every_cut)
{
	static struct world world, before;
	static struct told told;
	uint64_t first = (uint64_t)time(NULL);
	for (uint64_t seed = first; seed < first + ROUNDS; seed++) {
		struct baophu_record records[UNITS];
		struct baophu_league *league;
		bool across = seed % 3 == 0;
		struct baophu_league_config config = { .across_parents = across, .user = &told, .on_change = on_change };
		memset(&world, 0, sizeof world);
		world.seed = seed;
		for (uint32_t i = 0; i < UNITS; i++)
			if (below(&world, 3))
				set_unit(&world, i);
		copy(&before, &world);
		memset(&before.units, 0, sizeof before.units);
		cr_assert_eq(baophu_league_create(&config, &league), 0);
		for (uint32_t i = 0; i < CUTS; i++) {
			struct baophu_cut cut = next_cut(&world, records);
			if (i == 0) { /* everything there is */
				cut = (struct baophu_cut){ .records = records, .is_whole = true };
				for (uint32_t j = 0; j < UNITS; j++)
					if (world.units[j].record.unit_number)
						records[cut.record_count++] = world.units[j].record;
			}
			told.count = 0;
			cr_assert_eq(baophu_league_take(league, &cut), 0);
			rank_all(&world, across);
			expect_ranks(league, &world, across, seed);
			expect_told(&told, &before, &world, across, seed);
			copy(&before, &world);
		}
		baophu_league_destroy(league);
	}
}

/* ---- what the model does not say ---- */

static struct baophu_row against(const char *plan, int64_t value, int64_t target)
{
	struct baophu_row row = { BAOPHU_ROW_SAYS_NOTHING, .kind = BAOPHU_ROW_PLAN, .measure = "bhxh_tn",
				  .state = BAOPHU_STATE_HALF };
	row.numerator = value;
	row.denominator = target;
	strcpy(row.denominator_measure, "plan");
	strcpy(row.plan, plan);
	return row;
}

Test(league, equal_ratios_share_a_rank_and_the_next_one_counts_them)
{
	struct baophu_row rows[] = { against("nam", 9, 9), against("nam", 2, 4), against("nam", 50, 100), against("nam", 1, 3),
				     against("nam", 5, 7) };
	static const uint32_t ranks[] = { 1, 3, 3, 5, 2 };
	struct baophu_record records[5];
	struct baophu_cut cut = { .is_whole = true, .record_count = 5, .records = records };
	struct baophu_league_place place;
	struct baophu_league *league;
	rows[4].plan_state = BAOPHU_PLAN_ENDED; /* over, and of another date: ranked as before, and said so */
	rows[4].to = 19000;
	for (uint32_t i = 0; i < 5; i++)
		records[i] = (struct baophu_record){
			.unit_number = i + 1, .parent = "92", .unit = "92x", .row_count = 1, .rows = &rows[i]
		};
	cr_assert_eq(baophu_league_create(&(struct baophu_league_config){ 0 }, &league), 0);
	cr_assert_eq(baophu_league_take(league, &cut), 0);
	for (uint32_t i = 0; i < 5; i++) {
		cr_assert_eq(baophu_league_rank(league, i + 1, BAOPHU_ROW_PLAN, "bhxh_tn", NULL, &place), 0);
		cr_assert_eq(place.rank, ranks[i]);
		cr_assert_eq(place.plan_state == BAOPHU_PLAN_ENDED && place.to == 19000, i == 4);
	}
	cr_assert_eq(baophu_league_rank(league, 6, BAOPHU_ROW_PLAN, "bhxh_tn", NULL, &place), -BAOPHU_ENOTFOUND);
	cr_assert_eq(baophu_league_rank(league, 1, BAOPHU_ROW_SHARE, "bhxh_tn", NULL, &place), -BAOPHU_ENOTFOUND);
	cr_assert_eq(baophu_league_rank(league, 1, BAOPHU_ROW_PLAN, "bhxh_tn", "dot1", &place), -BAOPHU_ENOTFOUND);
	baophu_league_destroy(league);
	baophu_league_destroy(NULL);
}

Test(league, after_an_error_it_is_empty_until_a_whole_cut)
{
	struct baophu_row row = against("nam", 1, 2);
	struct baophu_record records[3];
	struct baophu_cut cut = { .record_count = 3, .records = records };
	struct baophu_league *league;
	for (uint32_t i = 0; i < 3; i++)
		records[i] = (struct baophu_record){ .unit_number = i + 1, .row_count = 1, .rows = &row };
	cr_assert_eq(baophu_league_create(&(struct baophu_league_config){ .places_max = 3 }, &league), 0);
	cr_assert_eq(baophu_league_take(league, &cut), -EINVAL); /* from what? */
	cut.is_whole = true;
	cr_assert_eq(baophu_league_take(league, &cut), 0);
	cr_assert_eq(baophu_league_tables(league), 1);
	cut.is_whole = false;
	cr_assert_eq(baophu_league_take(league, &cut), 0);
	records[2].unit_number = 4;
	cr_assert_eq(baophu_league_take(league, &cut), -BAOPHU_EFULL); /* 3 is still there */
	cr_assert_eq(baophu_league_tables(league), 0);
	cr_assert_eq(baophu_league_take(league, &cut), -EINVAL);
	cut.is_whole = true;
	cr_assert_eq(baophu_league_take(league, &cut), 0);
	records[0].unit_number = 4;
	cr_assert_eq(baophu_league_take(league, &cut), -EINVAL); /* twice in one cut */
	cr_assert_eq(baophu_league_tables(league), 0);
	baophu_league_destroy(league);
}

Test(league, what_left_leaves_nothing_behind)
{
	struct baophu_row row = against("nam", 1, 2);
	struct baophu_record record = { .row_count = 1, .rows = &row };
	struct baophu_cut cut = { .record_count = 1, .records = &record };
	struct baophu_league *league;
	int64_t before = 0;
	cr_assert_eq(baophu_league_create(&(struct baophu_league_config){ 0 }, &league), 0);
	cr_assert_eq(baophu_league_take(league, &(struct baophu_cut){ .is_whole = true }), 0);
	for (uint32_t unit = 1; unit <= 1000; unit++) {
		record = (struct baophu_record){ .unit_number = unit, .row_count = 1, .rows = &row };
		snprintf(record.parent, sizeof record.parent, "p%u", unit);
		cr_assert_eq(baophu_league_take(league, &cut), 0);
		cr_assert_eq(baophu_league_tables(league), 1);
		record = (struct baophu_record){ .unit_number = unit, .tombstone = true };
		cr_assert_eq(baophu_league_take(league, &cut), 0);
		cr_assert_eq(baophu_league_tables(league), 0);
		before = unit == 1 ? blocks : before;
	}
	cr_assert_eq(blocks, before);
	baophu_league_destroy(league);
	cr_assert_eq(blocks, 0);
}

Test(league, without_memory_it_says_so_and_begins_anew)
{
	static struct world world;
	struct baophu_record records[UNITS], first[UNITS];
	struct baophu_cut whole = { .is_whole = true, .records = first }, cut;
	struct baophu_league *league;
	world.seed = 7;
	for (uint32_t i = 0; i < UNITS; i++) {
		set_unit(&world, i);
		first[whole.record_count++] = world.units[i].record;
	}
	for (uint64_t fails_at = 0, was_good = 0; was_good < 3; fails_at++) {
		cr_assert_eq(baophu_league_create(&(struct baophu_league_config){ 0 }, &league), 0);
		allowed = fails_at;
		int error = baophu_league_take(league, &whole);
		if (!error) {
			cut = next_cut(&world, records);
			error = baophu_league_take(league, &cut);
		}
		allowed = UINT64_MAX;
		was_good += !error;
		cr_assert(!error || error == -ENOMEM, "%d", error);
		cr_assert(!error || baophu_league_tables(league) == 0);
		for (uint32_t i = whole.record_count = 0; i < UNITS; i++)
			if (world.units[i].record.unit_number)
				first[whole.record_count++] = world.units[i].record;
		cr_assert_eq(baophu_league_take(league, &whole), 0);
		rank_all(&world, false);
		expect_ranks(league, &world, false, fails_at);
		baophu_league_destroy(league);
		cr_assert_eq(blocks, 0);
	}
}
