/* ranks.c - see ranks.h. Ratios are drawn evenly, so a changed unit moves a third of the way through its table on the average: real ones move
 * less, and cost less. */
#include "ranks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/client.h>

#include "figures.h"

enum { CUTS = 2001, FIGURE_MAX = 100000 };

struct siblings {
	uint32_t count, tables;
	struct baophu_record *records;
	struct baophu_row *rows; /* `tables` of each record */
	uint64_t seed, changes;
};

static void draw(struct siblings *siblings, struct baophu_row *row)
{
	row->numerator = (int64_t)(figures_random(&siblings->seed) % FIGURE_MAX);
	row->denominator = 1 + (int64_t)(figures_random(&siblings->seed) % FIGURE_MAX);
}

static void make(struct siblings *siblings)
{
	siblings->records = calloc(siblings->count, sizeof *siblings->records);
	siblings->rows = calloc((size_t)siblings->count * siblings->tables, sizeof *siblings->rows);
	if (!siblings->records || !siblings->rows)
		figures_die("no memory");
	for (uint32_t i = 0; i < siblings->count; i++) {
		struct baophu_record *record = &siblings->records[i];
		record->unit_number = i + 1;
		record->rows = siblings->rows + (size_t)i * siblings->tables;
		record->row_count = siblings->tables;
		snprintf(record->unit, sizeof record->unit, "%05u", i);
		snprintf(record->name, sizeof record->name, "Xã %u", i);
		for (uint32_t j = 0; j < siblings->tables; j++) {
			struct baophu_row *row = siblings->rows + (size_t)i * siblings->tables + j;
			*row = (struct baophu_row){ .kind = BAOPHU_ROW_PLAN, .state = BAOPHU_STATE_HALF };
			snprintf(row->measure, sizeof row->measure, "m%u", j);
			snprintf(row->plan, sizeof row->plan, "nam-2025");
			snprintf(row->denominator_measure, sizeof row->denominator_measure, "plan");
			draw(siblings, row);
		}
	}
}

static void count_change(void *user, const struct baophu_league_change *change)
{
	(void)change;
	((struct siblings *)user)->changes++;
}

static double take_us(struct baophu_league *league, const struct baophu_cut *cut)
{
	double began = figures_now();
	int error = baophu_league_take(league, cut);
	double took = figures_now() - began;
	if (error)
		figures_die("league: %s", baophu_strerror(error));
	return took * 1e6;
}

static void measure(uint32_t count, uint32_t tables)
{
	struct siblings siblings = { .count = count, .tables = tables, .seed = figures_seed() };
	struct baophu_league_config config = { .user = &siblings, .on_change = count_change };
	struct baophu_league *league;
	double *took = calloc(CUTS, sizeof *took);
	char what[64];
	make(&siblings);
	if (!took || baophu_league_create(&config, &league) != 0)
		figures_die("no memory");
	snprintf(what, sizeof what, "%u siblings, %u table%s", count, tables, tables == 1 ? "" : "s");
	struct baophu_cut cut = { .is_whole = true, .record_count = count, .records = siblings.records };
	figures_print("baophu", "ranks, first cut", what, take_us(league, &cut), "us");
	cut.is_whole = false;
	figures_print("baophu", "ranks, all speak and nothing changed", what, take_us(league, &cut), "us");
	siblings.changes = 0;
	for (uint32_t i = 0; i < CUTS; i++) {
		uint32_t unit = (uint32_t)(figures_random(&siblings.seed) % count);
		for (uint32_t j = 0; j < tables; j++)
			draw(&siblings, siblings.rows + (size_t)unit * tables + j);
		cut = (struct baophu_cut){ .record_count = 1, .records = &siblings.records[unit] };
		took[i] = take_us(league, &cut);
	}
	figures_print("baophu", "ranks, cut of one unit p50", what, figures_percentile(took, CUTS, 0.5), "us");
	figures_print("baophu", "ranks, cut of one unit p99", what, figures_percentile(took, CUTS, 0.99), "us");
	figures_print("baophu", "ranks that change in such a cut", what, (double)siblings.changes / CUTS, "ranks");
	baophu_league_destroy(league);
	free(siblings.records);
	free(siblings.rows);
	free(took);
}

void ranks_run(void)
{
	static const uint32_t siblings[] = { 34, 3321 }, tables[] = { 1, 12 };
	for (size_t i = 0; i < sizeof siblings / sizeof *siblings; i++)
		for (size_t j = 0; j < sizeof tables / sizeof *tables; j++)
			measure(siblings[i], tables[j]);
}
