/* coverage_rank.c - `baophu coverage rank`: the units below a unit in order of what they have reached.
 *
 * Who may be compared with whom, and what the ranks are, is the league's (client.h): one measure or indicator against one plan code, or one
 * share, complete on both sides; 1, 2, 2, 4. Everybody else is named below with the reason. Here it only becomes tables and rows.
 * With --depth all units of that depth stand in one table, whichever unit they belong to.
 */
#include "coverage_rank.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/ratio.h>

#include "commands.h"
#include "language.h"
#include "number.h"
#include "words.h"

int rank_pick(const struct options *options, const struct baophu_record *record, struct coverage_set *picked)
{
	struct baophu_row *rows = malloc((record->row_count ? record->row_count : 1) * sizeof *rows);
	struct baophu_record wanted = *record;
	if (!rows)
		return -ENOMEM;
	wanted.rows = rows;
	wanted.row_count = 0;
	for (uint32_t i = 0; !record->tombstone && i < record->row_count; i++) {
		const struct baophu_row *row = &record->rows[i];
		bool is_wanted = !options->measure_count;
		for (uint32_t j = 0; !is_wanted && j < options->measure_count; j++)
			is_wanted = strcmp(row->measure, options->measures[j]) == 0;
		if (row->kind == BAOPHU_ROW_PLAN)
			is_wanted = is_wanted && (!*options->plan || strcmp(row->plan, options->plan) == 0);
		else if (row->kind == BAOPHU_ROW_SHARE)
			is_wanted = is_wanted && !*options->plan;
		if (is_wanted && row->kind != BAOPHU_ROW_PUBLISHED)
			rows[wanted.row_count++] = *row;
	}
	int error = coverage_set_add(picked, &wanted);
	free(rows);
	return error;
}

/* ---- rows for programs ---- */

void rank_columns(struct column columns[static RANK_FIELDS])
{
	memcpy(columns, coverage_columns, sizeof coverage_columns);
	columns[COVERAGE_FIELDS] = (struct column){ .key = "rank" };
	columns[COVERAGE_FIELDS + 1] = (struct column){ .key = "rank_before" };
}

int rank_write_row(struct cli *cli, const struct coverage_set *set, const struct baophu_league_key *key,
		   const struct baophu_league_place *place, uint32_t before)
{
	struct field fields[RANK_FIELDS];
	struct coverage_field_texts texts;
	const struct baophu_record *record = coverage_set_find(set, place->unit_number);
	const struct baophu_row *row = record ? baophu_record_row(record, key->kind, key->measure, key->plan) : NULL;
	struct baophu_record gone = { .unit_number = place->unit_number, .date = BAOPHU_DATE_NONE };
	struct baophu_row none = { BAOPHU_ROW_SAYS_NOTHING, .kind = key->kind };
	if (!row) { /* it has left the table: what named it there */
		memcpy(none.measure, key->measure, sizeof none.measure);
		memcpy(none.plan, key->plan, sizeof none.plan);
		memcpy(none.denominator_measure, key->denominator, sizeof none.denominator_measure);
		snprintf(gone.unit, sizeof gone.unit, "%s", place->unit);
		snprintf(gone.name, sizeof gone.name, "%s", place->name);
		record = record ? record : &gone;
		row = &none;
	}
	coverage_fields(record, row, cli->options.decimals, &texts, fields);
	fields[COVERAGE_FIELDS] = place->rank ? field_integer(place->rank) : field_null();
	fields[COVERAGE_FIELDS + 1] = before ? field_integer(before) : field_null();
	return cli_wrote(writer_row(&cli->writer, fields));
}

/* ---- tables for people ---- */

enum { CELL_BYTES = NUMBER_BYTES + 192 };

static const char *reason_of(const struct baophu_league_place *place)
{
	const char *reason = word_for_people(WORDS_STATE, (int)place->reason);
	return *reason ? reason : _("not comparable");
}

static bool is_ended(const struct baophu_league_place *place)
{
	return place->plan_state == BAOPHU_PLAN_ENDED || place->plan_state == BAOPHU_PLAN_SUMMED_ENDED;
}

/* *ret_is_mixed: for some the plan is over and for some it is not; then each line says it, else the heading does. */
static void write_heading(struct cli *cli, const struct baophu_league *league, uint32_t index, const struct names *names,
			  const char *top, bool *ret_is_mixed)
{
	struct baophu_league_table table;
	struct baophu_league_place place;
	uint32_t ended = 0, planned = 0;
	char text[1024];
	baophu_league_table(league, index, &table);
	for (uint32_t i = 0; baophu_league_place(league, index, i, &place) == 0; i++) {
		ended += is_ended(&place);
		planned += place.plan_state != BAOPHU_PLAN_STATE_NONE;
	}
	*ret_is_mixed = ended && ended < planned;
	if (table.key->kind == BAOPHU_ROW_PLAN)
		snprintf(text, sizeof text, ended && ended == planned ? _("%s · %s (plan %s, ended)") : _("%s · %s (plan %s)"), top,
			 names_text(names, table.key->measure), table.key->plan);
	else
		snprintf(text, sizeof text, "%s · %s", top, names_text(names, table.key->measure));
	writer_paragraph(&cli->writer, text);
}

/* A figure that was only invented to show something is marked, and so is a plan. */
static void put_number(const struct cli *cli, int64_t number, bool is_illustrative, char cell[static CELL_BYTES])
{
	char text[NUMBER_BYTES];
	*cell = '\0';
	if (number != BAOPHU_ABSENT)
		snprintf(cell, CELL_BYTES, "%s%s%s", number_format(number, cli->vietnamese, text), is_illustrative ? "\n" : "",
			 is_illustrative ? word_for_people(WORDS_ORIGIN, BAOPHU_ILLUSTRATIVE) : "");
}

static int write_place(struct cli *cli, const struct coverage_set *set, const struct baophu_league_key *key,
		       const struct baophu_league_place *place, bool says_ended)
{
	char number[NUMBER_BYTES], percent[CELL_BYTES] = "", numerator[CELL_BYTES], denominator[CELL_BYTES], date[11];
	unsigned decimals = cli->options.decimals;
	const struct baophu_record *record = coverage_set_find(set, place->unit_number);
	const struct baophu_row *row = record ? baophu_record_row(record, key->kind, key->measure, key->plan) : NULL;
	const struct baophu_row *figure = row ? coverage_figure_below(record, row) : NULL;
	bool is_illustrative = place->origin == BAOPHU_ILLUSTRATIVE;
	bool is_figure = is_illustrative && (!figure || figure->origin == BAOPHU_ILLUSTRATIVE);
	if (place->rank)
		snprintf(percent, sizeof percent, "%s%%%s%s",
			 number_format_decimal(baophu_percent(place->numerator, place->denominator, decimals), decimals,
					       cli->vietnamese, number),
			 says_ended && is_ended(place) ? "\n" : "",
			 says_ended && is_ended(place) ? word_for_people(WORDS_PLAN_STATE, BAOPHU_PLAN_ENDED) : "");
	put_number(cli, place->numerator, is_figure, numerator);
	put_number(cli, place->denominator, is_illustrative && !is_figure, denominator);
	const struct field fields[] = {
		place->rank ? field_integer(place->rank) : field_text("–"),
		field_text(place->name),
		field_text(place->rank ? percent : reason_of(place)),
		field_text(numerator),
		field_text(denominator),
		field_text(cli_date(cli, place->to, date)),
	};
	return writer_row(&cli->writer, fields);
}

static int write_table(struct cli *cli, const struct baophu_league *league, uint32_t index, const struct coverage_set *set,
		       const struct names *names, const char *top)
{
	struct baophu_league_table table;
	struct baophu_league_place place;
	bool is_mixed;
	if (baophu_league_table(league, index, &table))
		return CLI_OK;
	bool is_count = table.key->kind == BAOPHU_ROW_PLAN && strcmp(table.key->denominator, "plan") == 0;
	const struct column columns[] = {
		{ .key = "rank", .heading = _("Rank"), .right = true },
		{ .key = "unit", .heading = _("Unit"), .wrap = true },
		{ .key = "percent", .heading = is_count ? _("Plan reached (%)") : _("Share (%)"), .right = true, .wrap = true },
		{ .key = "numerator", .heading = _("Figure"), .right = true, .wrap = true },
		{ .key = "denominator", .heading = is_count ? _("Plan") : _("Of what"), .right = true },
		{ .key = "date", .heading = _("As of"), .right = true, .may_be_said_once = true, .below = "numerator", .turn = 1 },
	};
	write_heading(cli, league, index, names, top, &is_mixed);
	int error = writer_begin(&cli->writer, columns, sizeof columns / sizeof *columns);
	for (uint32_t i = 0; !error && baophu_league_place(league, index, i, &place) == 0; i++)
		error = write_place(cli, set, table.key, &place, is_mixed);
	int ended = writer_end(&cli->writer);
	return cli_wrote(error ? error : ended);
}

int rank_write(struct cli *cli, const struct baophu_league *league, const struct coverage_set *set, const struct names *names,
	       const char *top)
{
	struct baophu_league_table table;
	struct baophu_league_place place;
	bool people = writer_is_for_people(&cli->writer);
	int status = CLI_OK;
	for (uint32_t i = 0; !status && baophu_league_table(league, i, &table) == 0; i++) {
		if (people && i)
			writer_note(&cli->writer, "");
		if (people)
			status = write_table(cli, league, i, set, names, top);
		for (uint32_t j = 0; !people && !status && baophu_league_place(league, i, j, &place) == 0; j++)
			status = rank_write_row(cli, set, table.key, &place, 0);
	}
	return status;
}

/* Of the units at the depth asked for. */
static int rank_records(struct cli *cli, const struct coverage_set *set, uint32_t depth, struct baophu_league *league)
{
	struct coverage_set picked = { 0 };
	int error = 0;
	for (uint32_t i = 0; !error && i < set->count; i++)
		if (set->records[i].depth == depth)
			error = rank_pick(&cli->options, &set->records[i], &picked);
	const struct baophu_cut cut = { .is_whole = true, .record_count = picked.count, .records = picked.records };
	if (!error)
		error = baophu_league_take(league, &cut);
	coverage_set_finish(&picked);
	return error;
}

int coverage_rank(struct cli *cli)
{
	const struct baophu_league_config config = { .across_parents = true };
	struct coverage_set set = { 0 };
	struct names names = { 0 };
	struct ask_axes axes;
	struct baophu_league *league = NULL;
	struct column columns[RANK_FIELDS];
	uint32_t levels = cli->options.depth == CLI_DEPTH_UNSAID ? 1 : cli->options.depth;
	int status = coverage_load(cli, cli->options.arguments[0], levels, &set, &names, &axes);
	if (status)
		goto out;
	const struct baophu_record *top = set.count ? &set.records[0] : NULL;
	for (uint32_t i = 1; i < set.count; i++)
		top = set.records[i].depth < top->depth ? &set.records[i] : top;
	char name[BAOPHU_TEXT_BYTES_MAX + 1];
	uint32_t depth = top ? top->depth + levels : 0;
	snprintf(name, sizeof name, "%s", top ? top->name : "");
	coverage_set_sort(&set);
	int error = baophu_league_create(&config, &league);
	if (!error)
		error = rank_records(cli, &set, depth, league);
	if (error) {
		status = cli_fail(_("coverage"), error);
		goto out;
	}
	rank_columns(columns);
	bool people = writer_is_for_people(&cli->writer);
	if (!people)
		status = cli_wrote(writer_begin(&cli->writer, columns, COVERAGE_FIELDS + 1));
	if (!status)
		status = rank_write(cli, league, &set, &names, name);
	if (!people) {
		int ended = cli_wrote(writer_end(&cli->writer));
		status = status ? status : ended;
	}
	if (!status && !baophu_league_tables(league)) {
		cli_say(_("nothing there can be ranked: no plans and no indicators"));
		status = CLI_FALSE;
	}
out:
	baophu_league_destroy(league);
	names_finish(&names);
	coverage_set_finish(&set);
	return status;
}
