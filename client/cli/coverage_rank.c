/* coverage_rank.c - `baophu coverage rank`: the children of a unit in order of what they have reached.
 *
 * Ranked are only figures that may be compared: one measure against one plan code, or one indicator over one denominator, complete on
 * both sides. Equal exact ratios share a rank, and the next one counts them (1, 2, 2, 4). Everybody else is named below with the reason.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/ratio.h>

#include "commands.h"
#include "coverage.h"
#include "language.h"
#include "number.h"
#include "words.h"

struct entrant {
	const struct baophu_record *record;
	const struct baophu_row *row;
	uint32_t rank; /* 0: not ranked */
};

static bool is_rankable(const struct baophu_row *row)
{
	return row->state != BAOPHU_STATE_PARTIAL && row->numerator != BAOPHU_ABSENT && row->denominator != BAOPHU_ABSENT &&
	       row->denominator > 0;
}

/* One ranking: the same measure or indicator, the same plan code, the same kind of denominator. */
static int compare_group(const struct baophu_row *a, const struct baophu_row *b)
{
	int order = strcmp(a->plan, b->plan);
	if (!order)
		order = strcmp(a->measure, b->measure);
	if (!order)
		order = a->kind == b->kind ? 0 : a->kind < b->kind ? -1 : 1;
	return order;
}

static int by_rank(const void *a, const void *b)
{
	const struct entrant *x = a, *y = b;
	int order = compare_group(x->row, y->row);
	if (order)
		return order;
	bool x_ranks = is_rankable(x->row), y_ranks = is_rankable(y->row);
	if (x_ranks != y_ranks)
		return x_ranks ? -1 : 1;
	order = x_ranks ? baophu_ratio_compare(y->row->numerator, y->row->denominator, x->row->numerator, x->row->denominator) : 0;
	return order ? order : strcmp(x->record->unit, y->record->unit);
}

static const char *reason_of(const struct baophu_row *row)
{
	const char *reason = word_for_people(WORDS_STATE, row->state);
	return *reason ? reason : _("not comparable");
}

static void rank(struct entrant *entrants, uint32_t count)
{
	for (uint32_t i = 0; i < count && is_rankable(entrants[i].row); i++) {
		const struct baophu_row *row = entrants[i].row, *above = i ? entrants[i - 1].row : NULL;
		bool ties = above &&
			    baophu_ratio_compare(row->numerator, row->denominator, above->numerator, above->denominator) == 0;
		entrants[i].rank = ties ? entrants[i - 1].rank : i + 1;
	}
}

static int write_ranking(struct cli *cli, const struct baophu_record *top, const struct names *names,
			 const struct entrant *entrants, uint32_t count)
{
	const struct baophu_row *first = entrants[0].row;
	char text[1024];
	bool is_plan = first->kind == BAOPHU_ROW_PLAN, is_rate = coverage_is_rate_plan(first);
	if (is_plan)
		snprintf(text, sizeof text, _("%s · %s (plan %s)"), top->name, names_text(names, first->measure), first->plan);
	else
		snprintf(text, sizeof text, "%s · %s", top->name, names_text(names, first->measure));
	writer_paragraph(&cli->writer, text);
	const struct column columns[] = {
		{ .key = "rank", .heading = _("Rank"), .right = true },
		{ .key = "unit", .heading = _("Unit"), .wrap = true },
		{ .key = "percent",
		  .heading = is_plan && !is_rate ? _("Plan reached (%)") : _("Share (%)"),
		  .right = true,
		  .wrap = true },
		{ .key = "numerator", .heading = _("Figure"), .right = true, .wrap = true },
		{ .key = "denominator", .heading = is_plan && !is_rate ? _("Plan") : _("Of what"), .right = true },
		{ .key = "date", .heading = _("As of"), .right = true, .may_be_said_once = true },
	};
	enum { COUNT = sizeof columns / sizeof *columns };
	int error = writer_begin(&cli->writer, columns, COUNT);
	for (uint32_t i = 0; !error && i < count; i++) {
		const struct baophu_row *row = entrants[i].row;
		char number[NUMBER_BYTES], percent[NUMBER_BYTES + 2] = "", numerator[NUMBER_BYTES + 64] = "", date[11];
		int64_t digits = baophu_percent(row->numerator, row->denominator, cli->options.decimals);
		if (entrants[i].rank)
			snprintf(percent, sizeof percent, "%s%%",
				 number_format_decimal(digits, cli->options.decimals, cli->vietnamese, number));
		if (row->numerator != BAOPHU_ABSENT)
			snprintf(numerator, sizeof numerator, "%s%s%s", number_format(row->numerator, cli->vietnamese, number),
				 row->origin == BAOPHU_ILLUSTRATIVE ? "\n" : "",
				 row->origin == BAOPHU_ILLUSTRATIVE ? word_for_people(WORDS_ORIGIN, row->origin) : "");
		const struct field fields[COUNT] = {
			entrants[i].rank ? field_integer(entrants[i].rank) : field_text("–"),
			field_text(entrants[i].record->name),
			field_text(entrants[i].rank ? percent : reason_of(row)),
			field_text(numerator),
			field_integer(row->denominator),
			field_text(cli_date(cli, row->to, date)),
		};
		error = writer_row(&cli->writer, fields);
	}
	int ended = writer_end(&cli->writer);
	return cli_wrote(error ? error : ended);
}

static int write_entrants(struct cli *cli, const struct entrant *entrants, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct field fields[COVERAGE_FIELDS + 1];
		struct coverage_field_texts texts;
		coverage_fields(entrants[i].record, entrants[i].row, cli->options.decimals, &texts, fields);
		fields[COVERAGE_FIELDS] = entrants[i].rank ? field_integer(entrants[i].rank) : field_null();
		int error = writer_row(&cli->writer, fields);
		if (error)
			return cli_wrote(error);
	}
	return CLI_OK;
}

int coverage_rank(struct cli *cli)
{
	struct coverage_set set = { 0 };
	struct names names = { 0 };
	struct ask_axes axes;
	struct entrant *entrants = NULL;
	uint32_t count = 0, rows = 0, depth = cli->options.depth == CLI_DEPTH_UNSAID ? 1 : cli->options.depth;
	int status = coverage_load(cli, cli->options.arguments[0], depth, &set, &names, &axes);
	if (status)
		goto out;
	const struct baophu_record *top = set.count ? &set.records[0] : NULL;
	for (uint32_t i = 0; i < set.count; i++) {
		rows += set.records[i].row_count;
		if (set.records[i].depth < top->depth)
			top = &set.records[i];
	}
	entrants = calloc(rows ? rows : 1, sizeof *entrants);
	if (!entrants) {
		status = cli_fail(_("coverage"), -ENOMEM);
		goto out;
	}
	for (uint32_t i = 0; i < set.count; i++)
		for (uint32_t j = 0; j < set.records[i].row_count && set.records[i].depth == top->depth + depth; j++) {
			const struct baophu_row *row = &set.records[i].rows[j];
			if (row->kind == BAOPHU_ROW_PLAN || (row->kind == BAOPHU_ROW_SHARE && !*cli->options.plan))
				entrants[count++] = (struct entrant){ .record = &set.records[i], .row = row };
		}
	qsort(entrants, count, sizeof *entrants, by_rank);

	struct column columns[COVERAGE_FIELDS + 1];
	memcpy(columns, coverage_columns, sizeof coverage_columns);
	columns[COVERAGE_FIELDS] = (struct column){ .key = "rank" };
	bool people = writer_is_for_people(&cli->writer);
	if (!people)
		status = cli_wrote(writer_begin(&cli->writer, columns, COVERAGE_FIELDS + 1));
	for (uint32_t i = 0, end; !status && i < count; i = end) {
		for (end = i + 1; end < count && compare_group(entrants[i].row, entrants[end].row) == 0; end++)
			;
		rank(entrants + i, end - i);
		if (people && i)
			writer_note(&cli->writer, "");
		status = people ? write_ranking(cli, top, &names, entrants + i, end - i)
				: write_entrants(cli, entrants + i, end - i);
	}
	if (!people) {
		int ended = cli_wrote(writer_end(&cli->writer));
		status = status ? status : ended;
	}
	if (!status && !count) {
		cli_say(_("nothing there can be ranked: no plans and no indicators"));
		status = CLI_FALSE;
	}
out:
	free(entrants);
	names_finish(&names);
	coverage_set_finish(&set);
	return status;
}
