/* coverage_behind.c - `baophu coverage behind`: the disjoint lists of a unit's children against one plan code.
 *
 * A unit behind its plan has reported and stands below 100 %. Who has not reported, has no plan, or is known only in part is named apart,
 * because nobody can say that it is behind.
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

/* In the order they are shown. */
static const enum baophu_state lists[] = { BAOPHU_STATE_MET,       BAOPHU_STATE_HALF,    BAOPHU_STATE_UNDER_HALF, BAOPHU_STATE_ZERO,
					   BAOPHU_STATE_NO_REPORT, BAOPHU_STATE_NO_PLAN, BAOPHU_STATE_PARTIAL };
enum { LIST_COUNT = sizeof lists / sizeof *lists };

struct place {
	const struct baophu_record *record;
	const struct baophu_row *row;
	int list;
};

static int list_of(enum baophu_state state)
{
	for (int i = 0; i < LIST_COUNT; i++)
		if (lists[i] == state)
			return i;
	return LIST_COUNT - 2; /* nothing to compare with is no plan */
}

static bool has_ratio(const struct baophu_row *row)
{
	return row->numerator != BAOPHU_ABSENT && row->denominator != BAOPHU_ABSENT && row->denominator > 0;
}

static int by_list(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	if (x->list != y->list)
		return x->list < y->list ? -1 : 1;
	if (has_ratio(x->row) && has_ratio(y->row)) {
		int order = baophu_ratio_compare(y->row->numerator, y->row->denominator, x->row->numerator, x->row->denominator);
		if (order)
			return order;
	}
	return strcmp(x->record->unit, y->record->unit);
}

static int write_lists(struct cli *cli, const struct baophu_record *top, const struct names *names, const struct place *places,
		       uint32_t count)
{
	uint32_t counts[LIST_COUNT] = { 0 };
	for (uint32_t i = 0; i < count; i++)
		counts[places[i].list]++;
	uint32_t behind = counts[1] + counts[2] + counts[3], planned = count - counts[5];
	char text[1024];
	size_t used;
	snprintf(text, sizeof text, _("behind %u/%u · %s · %s (plan %s)"), behind, planned, top->name,
		 names_text(names, places[0].row->measure), cli->options.plan);
	writer_paragraph(&cli->writer, text);
	used = 0;
	for (int i = 0; i < LIST_COUNT && used < sizeof text; i++)
		if (counts[i] || i < 5)
			used += (size_t)snprintf(text + used, sizeof text - used, "%s%s: %u", used ? " · " : "",
						 word_for_people(WORDS_STATE, lists[i]), counts[i]);
	writer_paragraph(&cli->writer, text);

	const struct column columns[] = {
		{ .key = "list", .heading = _("List"), .wrap = true },
		{ .key = "unit", .heading = _("Unit"), .wrap = true },
		{ .key = "value", .heading = _("Figure"), .right = true, .wrap = true },
		{ .key = "target", .heading = _("Plan"), .right = true },
		{ .key = "percent", .heading = _("Plan reached (%)"), .right = true },
		{ .key = "remaining", .heading = _("Still to reach"), .right = true, .wrap = true },
		{ .key = "date", .heading = _("As of"), .right = true, .may_be_said_once = true, .below = "value", .turn = 1 },
	};
	enum { COUNT = sizeof columns / sizeof *columns };
	int error = writer_begin(&cli->writer, columns, COUNT);
	for (uint32_t i = 0; !error && i < count; i++) {
		const struct baophu_row *row = places[i].row;
		char list[200], figure[COVERAGE_FIGURE_BYTES], marked[2 * COVERAGE_FIGURE_BYTES], target[NUMBER_BYTES + 2] = "";
		char percent[NUMBER_BYTES + 2] = "", remaining[NUMBER_BYTES + 32] = "", number[NUMBER_BYTES], date[11];
		unsigned decimals;
		bool is_first = i == 0 || places[i - 1].list != places[i].list, is_rate = coverage_is_rate_plan(row);
		int64_t digits = coverage_percent(row, cli->options.decimals, &decimals);
		snprintf(list, sizeof list, "%s (%u)", word_for_people(WORDS_STATE, lists[places[i].list]), counts[places[i].list]);
		coverage_figure(row, cli->vietnamese, figure);
		if (is_rate && row->numerator != BAOPHU_ABSENT)
			snprintf(figure, sizeof figure, "%s", number_format(row->numerator, cli->vietnamese, number));
		snprintf(marked, sizeof marked, "%s%s%s%s%s", figure, row->origin == BAOPHU_ILLUSTRATIVE ? "\n" : "",
			 row->origin == BAOPHU_ILLUSTRATIVE ? word_for_people(WORDS_ORIGIN, row->origin) : "",
			 row->basis == BAOPHU_BASIS_PARTIAL ? "\n" : "",
			 row->basis == BAOPHU_BASIS_PARTIAL ? word_for_people(WORDS_BASIS, row->basis) : "");
		if (row->target != BAOPHU_ABSENT)
			snprintf(target, sizeof target, is_rate ? "%s%%" : "%s",
				 is_rate ? number_format_decimal(row->target, row->decimals, cli->vietnamese, number)
					 : number_format(row->target, cli->vietnamese, number));
		if (digits != BAOPHU_ABSENT)
			snprintf(percent, sizeof percent, "%s%%", number_format_decimal(digits, decimals, cli->vietnamese, number));
		if (row->remaining != BAOPHU_ABSENT && row->remaining < 0)
			snprintf(remaining, sizeof remaining, _("%s over"),
				 number_format(-row->remaining, cli->vietnamese, number));
		else if (row->remaining != BAOPHU_ABSENT)
			number_format(row->remaining, cli->vietnamese, remaining);
		const struct field fields[COUNT] = {
			field_text(is_first ? list : ""),
			field_text(places[i].record->name),
			field_text(marked),
			field_text(target),
			field_text(percent),
			field_text(remaining),
			field_text(cli_date(cli, row->to, date)),
		};
		error = writer_row(&cli->writer, fields);
	}
	int ended = writer_end(&cli->writer);
	return cli_wrote(error ? error : ended);
}

static int write_places(struct cli *cli, const struct place *places, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct field fields[COVERAGE_FIELDS];
		struct coverage_field_texts texts;
		coverage_fields(places[i].record, places[i].row, cli->options.decimals, &texts, fields);
		int error = writer_row(&cli->writer, fields);
		if (error)
			return cli_wrote(error);
	}
	return CLI_OK;
}

/* The children's rows of one measure against the plan; a child that has none gets `none`. */
static uint32_t collect(const struct coverage_set *set, const struct baophu_record *top, uint32_t depth, const char *measure,
			const struct baophu_row *none, struct place *places)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < set->count; i++) {
		const struct baophu_record *record = &set->records[i];
		if (record->depth != top->depth + depth)
			continue;
		struct place *place = &places[count++];
		*place = (struct place){ .record = record, .row = none };
		for (uint32_t j = 0; j < record->row_count; j++)
			if (record->rows[j].kind == BAOPHU_ROW_PLAN && strcmp(record->rows[j].measure, measure) == 0)
				place->row = &record->rows[j];
		place->list = list_of(place->row->state);
	}
	qsort(places, count, sizeof *places, by_list);
	return count;
}

static struct baophu_row no_plan_row(const char *measure, const char *plan)
{
	struct baophu_row row = { BAOPHU_ROW_SAYS_NOTHING, .kind = BAOPHU_ROW_PLAN, .state = BAOPHU_STATE_NO_PLAN };
	snprintf(row.measure, sizeof row.measure, "%s", measure);
	snprintf(row.plan, sizeof row.plan, "%s", plan);
	return row;
}

int coverage_behind(struct cli *cli)
{
	struct coverage_set set = { 0 };
	struct names names = { 0 };
	struct ask_axes axes;
	struct place *places = NULL;
	uint32_t depth = cli->options.depth == CLI_DEPTH_UNSAID ? 1 : cli->options.depth, seen_count = 0;
	const char *seen[BAOPHU_MEASURES_MAX];
	if (!*cli->options.plan) {
		cli_say(_("say against which plan: --plan CODE; see `baophu plan list`"));
		return CLI_USAGE;
	}
	int status = coverage_load(cli, cli->options.arguments[0], depth, &set, &names, &axes);
	if (status)
		goto out;
	const struct baophu_record *top = set.count ? &set.records[0] : NULL;
	for (uint32_t i = 1; i < set.count; i++)
		if (set.records[i].depth < top->depth)
			top = &set.records[i];
	places = calloc(set.count ? set.count : 1, sizeof *places);
	if (!places) {
		status = cli_fail(_("coverage"), -ENOMEM);
		goto out;
	}
	bool people = writer_is_for_people(&cli->writer);
	if (!people)
		status = cli_wrote(writer_begin(&cli->writer, coverage_columns, COVERAGE_FIELDS));
	for (uint32_t i = 0; !status && i < set.count; i++)
		for (uint32_t j = 0; !status && j < set.records[i].row_count; j++) {
			const struct baophu_row *row = &set.records[i].rows[j];
			bool is_new = row->kind == BAOPHU_ROW_PLAN && seen_count < BAOPHU_MEASURES_MAX;
			for (uint32_t k = 0; k < seen_count && is_new; k++)
				is_new = strcmp(seen[k], row->measure) != 0;
			if (!is_new)
				continue;
			seen[seen_count++] = row->measure;
			struct baophu_row none = no_plan_row(row->measure, cli->options.plan);
			uint32_t count = collect(&set, top, depth, row->measure, &none, places);
			if (!count)
				continue;
			if (people && seen_count > 1)
				writer_note(&cli->writer, "");
			status = people ? write_lists(cli, top, &names, places, count) : write_places(cli, places, count);
		}
	if (!people) {
		int ended = cli_wrote(writer_end(&cli->writer));
		status = status ? status : ended;
	}
	if (!status && !seen_count) {
		cli_say(_("no unit there has plan %s; see `baophu plan list`"), cli->options.plan);
		status = CLI_FALSE;
	}
out:
	free(places);
	names_finish(&names);
	coverage_set_finish(&set);
	return status;
}
