/* agent_due.c - `baophu agent due`: what senders declared that they report, and how each series of it stands; the worst first.
 *
 * The centre answers in the order of its units, so all of it is gathered before a row is written.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "commands.h"
#include "language.h"
#include "text.h"
#include "words.h"

struct due_row {
	struct wire_due_info said; /* its texts are the four below */
	char agent[BAOPHU_CODE_BYTES_MAX + 1], unit[BAOPHU_CODE_BYTES_MAX + 1], measure[BAOPHU_CODE_BYTES_MAX + 1];
	char name[BAOPHU_TEXT_BYTES_MAX + 1];
	size_t order; /* in which the centre named it */
};
struct due_list {
	struct due_row *rows;
	size_t count, capacity;
};

static void copy(char *to, size_t size, const char *text) { snprintf(to, size, "%s", text); }

static int take_due(void *context, const struct wire_answer *answer)
{
	struct due_list *list = context;
	if (list->count + answer->due_count > list->capacity) {
		size_t capacity = list->capacity + list->capacity / 2 + answer->due_count;
		struct due_row *rows = realloc(list->rows, capacity * sizeof *rows);
		if (!rows)
			return cli_wrote(-ENOMEM);
		list->rows = rows;
		list->capacity = capacity;
	}
	for (uint32_t i = 0; i < answer->due_count; i++) {
		const struct wire_due_info *due = &answer->due[i];
		struct due_row *row = &list->rows[list->count];
		row->said = *due;
		row->order = list->count++;
		copy(row->agent, sizeof row->agent, due->agent);
		copy(row->unit, sizeof row->unit, due->unit);
		copy(row->measure, sizeof row->measure, due->measure);
		copy(row->name, sizeof row->name, due->name);
	}
	return CLI_OK;
}

static int worst_first(const void *a, const void *b)
{
	const struct due_row *x = a, *y = b;
	if (x->said.freshness != y->said.freshness)
		return x->said.freshness > y->said.freshness ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int write_due(struct cli *cli, const struct names *names, const struct due_row *row)
{
	const struct wire_due_info *due = &row->said;
	bool people = writer_is_for_people(&cli->writer);
	baophu_date deadline = due->closing == BAOPHU_DATE_NONE ? BAOPHU_DATE_NONE : due->closing + (baophu_date)due->grace_days;
	const struct field fields[] = {
		people ? field_text(*row->name ? row->name : row->unit) : field_code(row->unit),
		field_text(row->name),
		field_text(people ? names_text(names, row->measure) : row->measure),
		field_text(row->agent),
		field_text(people ? word_for_people(WORDS_FRESHNESS, (int)due->freshness)
				  : word_of(WORDS_FRESHNESS, (int)due->freshness)),
		field_date(due->newest),
		field_date(due->closing),
		field_date(deadline),
		field_date(due->next_closing),
		field_text(word_of(WORDS_EXTENT, (int)due->extent)),
		field_text(word_of(WORDS_RHYTHM, (int)due->rhythm)),
		field_integer(due->closing_day),
		field_integer(due->grace_days),
		field_date(due->since),
	};
	return cli_wrote(writer_row(&cli->writer, fields));
}

int agent_due(struct cli *cli)
{
	const struct column columns[] = {
		{ .key = "unit", .heading = _("Unit"), .wrap = true },
		{ .key = "unit_name" },
		{ .key = "measure", .heading = _("Measure"), .wrap = true },
		{ .key = "agent", .heading = _("Sender") },
		{ .key = "freshness", .heading = _("Standing"), .wrap = true },
		{ .key = "newest", .heading = _("Newest figure"), .right = true, .wrap = true },
		{ .key = "closing", .heading = _("Owed for"), .right = true, .wrap = true },
		{ .key = "deadline", .heading = _("By"), .right = true, .below = "closing", .turn = 1 },
		{ .key = "next_closing" },
		{ .key = "extent" },
		{ .key = "rhythm" },
		{ .key = "closing_day" },
		{ .key = "grace_days" },
		{ .key = "since" },
	};
	const struct options *options = &cli->options;
	struct due_list list = { 0 };
	struct names names = { 0 };
	struct reader *reader = NULL;
	struct wire_query query = ask_question(cli, WIRE_QUERY_DUE);
	query.limit = BAOPHU_PAGE_RECORDS_MAX;
	query.freshness = options->silent ? BAOPHU_SILENT : options->late ? BAOPHU_LATE : BAOPHU_FRESHNESS_NONE;
	if (options->argument_count) {
		query.agent = options->arguments[0];
		if (!text_is_code(query.agent, strlen(query.agent))) {
			cli_say(_("“%s” is not a code: 1 to 16 of 0-9 A-Z a-z . _ -"), query.agent);
			return CLI_USAGE;
		}
	}
	int status = ask_open(cli, &reader);
	if (!status && writer_is_for_people(&cli->writer))
		status = ask_names(cli, reader, &names);
	if (!status)
		status = ask_all(cli, reader, &query, take_due, &list, NULL);
	reader_close(reader);
	if (list.count)
		qsort(list.rows, list.count, sizeof *list.rows, worst_first);
	if (!status)
		status = cli_wrote(writer_begin(&cli->writer, columns, sizeof columns / sizeof *columns));
	for (size_t i = 0; i < list.count && !status; i++)
		status = write_due(cli, &names, &list.rows[i]);
	int ended = cli_wrote(writer_end(&cli->writer));
	if (!status && !list.count && writer_is_for_people(&cli->writer))
		cli_say("%s", query.freshness ? _("nothing that was declared is so late") : _("nothing is declared"));
	names_finish(&names);
	free(list.rows);
	return status ? status : ended;
}
