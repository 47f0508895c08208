/* coverage.c - `baophu coverage`: show, history; what its other verbs share. */
#include "coverage.h"

#include <string.h>

#include "commands.h"
#include "language.h"
#include "words.h"

static int keep_records(void *context, const struct wire_answer *answer)
{
	for (uint32_t i = 0; i < answer->record_count; i++) {
		int error = coverage_set_add(context, &answer->records[i]);
		if (error)
			return cli_fail(_("coverage"), error);
	}
	return CLI_OK;
}

int coverage_check_measures(const struct cli *cli, const struct names *names)
{
	for (uint32_t i = 0; i < cli->options.measure_count; i++) {
		if (names_find(names, cli->options.measures[i]))
			continue;
		const char *near = names_suggest(names, cli->options.measures[i]);
		cli_say(_("no measure or indicator is called “%s”; see `baophu measure list`"), cli->options.measures[i]);
		if (near)
			cli_say(_("did you mean `%s`?"), near);
		return CLI_USAGE;
	}
	return CLI_OK;
}

int coverage_load(struct cli *cli, const char *unit, uint32_t depth, struct coverage_set *set, struct names *names,
		  struct ask_axes *ret_axes)
{
	char code[BAOPHU_CODE_BYTES_MAX + 1];
	struct reader *reader = NULL;
	int status = ask_open(cli, &reader);
	if (!status)
		status = ask_unit(cli, reader, unit, code);
	if (!status)
		status = ask_names(cli, reader, names);
	if (!status)
		status = coverage_check_measures(cli, names);
	if (!status) {
		struct wire_query query = ask_question(cli, WIRE_QUERY_COVERAGE);
		query.unit = code;
		query.depth = depth;
		query.limit = BAOPHU_PAGE_RECORDS_MAX;
		status = ask_all(cli, reader, &query, keep_records, set, ret_axes);
	}
	reader_close(reader);
	return status;
}

int coverage_show(struct cli *cli)
{
	struct coverage_set set = { 0 };
	struct names names = { 0 };
	struct ask_axes axes;
	uint32_t depth = cli->options.depth == CLI_DEPTH_UNSAID ? 1 : cli->options.depth;
	int status = coverage_load(cli, cli->options.arguments[0], depth, &set, &names, &axes);
	if (!status && !writer_is_for_people(&cli->writer))
		status = cli_wrote(coverage_write_rows(&cli->writer, &set, cli->options.decimals));
	if (!status && writer_is_for_people(&cli->writer)) {
		char text[160], date[11];
		uint32_t rows = 0;
		for (uint32_t i = 0; i < set.count; i++)
			rows += set.records[i].row_count;
		snprintf(text, sizeof text, _("As of %s · log place %llu"), cli_date(cli, axes.as_of, date),
			 (unsigned long long)axes.seq);
		writer_note(&cli->writer, text);
		if (rows)
			status = cli_wrote(coverage_write_table(&cli->writer, &set, &names, cli->options.decimals));
		else
			cli_say(_("nothing has been reported or planned there by that date"));
	}
	names_finish(&names);
	coverage_set_finish(&set);
	return status;
}

/* ---- history ---- */

struct history {
	struct cli *cli;
	const struct names *names;
	const char *unit;
};

static int write_versions(void *context, const struct wire_answer *answer)
{
	const struct history *history = context;
	for (uint32_t i = 0; i < answer->fact_count; i++) {
		const struct wire_fact_version *fact = &answer->facts[i];
		bool people = writer_is_for_people(&history->cli->writer);
		const struct field fields[] = {
			field_integer((int64_t)fact->seq),
			field_integer(fact->index),
			field_code(history->unit),
			field_text(people ? names_text(history->names, fact->measure) : fact->measure),
			people ? field_text(fact->extent == BAOPHU_OWN ? word_for_people(WORDS_EXTENT, fact->extent) : "")
			       : field_text(word_of(WORDS_EXTENT, fact->extent)),
			people && fact->from == fact->to ? field_null() : field_date(fact->from),
			field_date(fact->to),
			people && fact->value == BAOPHU_ABSENT ? field_text(_("withdrawn")) : field_integer(fact->value),
			field_text(people ? word_for_people(WORDS_STATUS, fact->status) : word_of(WORDS_STATUS, fact->status)),
			field_text(people ? word_for_people(WORDS_ORIGIN, fact->origin) : word_of(WORDS_ORIGIN, fact->origin)),
			field_text(people ? word_for_people(WORDS_BOUND, fact->bound) : word_of(WORDS_BOUND, fact->bound)),
			field_text(people ? word_for_people(WORDS_REASON, fact->reason) : word_of(WORDS_REASON, fact->reason)),
			field_text(fact->agent),
			field_time(fact->time_ms),
			people ? field_text(fact->stands ? "✓" : "") : field_truth(fact->stands),
		};
		int error = writer_row(&history->cli->writer, fields);
		if (error)
			return cli_wrote(error);
	}
	return CLI_OK;
}

int coverage_history(struct cli *cli)
{
	const struct column columns[] = {
		{ .key = "seq", .heading = _("Receipt"), .right = true },
		{ .key = "index" },
		{ .key = "unit" },
		{ .key = "measure", .heading = _("Measure"), .wrap = true, .may_be_said_once = true },
		{ .key = "extent", .heading = _("Extent"), .wrap = true },
		{ .key = "from", .heading = _("From"), .right = true },
		{ .key = "to", .heading = _("As of"), .right = true, .below = "from", .turn = 1 },
		{ .key = "value", .heading = _("Figure"), .right = true },
		{ .key = "status", .heading = _("Status"), .wrap = true },
		{ .key = "origin", .heading = _("Origin"), .wrap = true, .below = "status", .turn = 2 },
		{ .key = "bound", .heading = _("Bound"), .wrap = true, .below = "status", .turn = 2 },
		{ .key = "reason", .heading = _("Reason"), .wrap = true, .below = "status", .turn = 2 },
		{ .key = "agent", .heading = _("Sender") },
		{ .key = "time", .heading = _("Received"), .wrap = true },
		{ .key = "stands", .heading = _("Stands") },
	};
	struct names names = { 0 };
	struct reader *reader = NULL;
	char code[BAOPHU_CODE_BYTES_MAX + 1];
	struct history history = { .cli = cli, .names = &names, .unit = code };
	int status = ask_open(cli, &reader);
	if (!status)
		status = ask_unit(cli, reader, cli->options.arguments[0], code);
	if (!status)
		status = ask_names(cli, reader, &names);
	if (!status) {
		struct wire_query query = ask_question(cli, WIRE_QUERY_HISTORY);
		query.unit = code;
		query.limit = BAOPHU_PAGE_RECORDS_MAX;
		status = cli_wrote(writer_begin(&cli->writer, columns, sizeof columns / sizeof *columns));
		if (!status)
			status = ask_all(cli, reader, &query, write_versions, &history, NULL);
		int ended = cli_wrote(writer_end(&cli->writer));
		status = status ? status : ended;
	}
	if (!status && !cli->writer.row_count)
		cli_say(_("nothing was ever reported for it"));
	reader_close(reader);
	names_finish(&names);
	return status;
}
