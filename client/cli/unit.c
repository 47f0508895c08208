/* unit.c - `baophu unit`: the places of the tree. */
#include "ask.h"
#include "commands.h"
#include "language.h"
#include "send.h"
#include "words.h"

static int write_units(void *context, const struct wire_answer *answer)
{
	struct cli *cli = context;
	for (uint32_t i = 0; i < answer->unit_count; i++) {
		const struct wire_unit_info *unit = &answer->units[i];
		int level = writer_is_for_people(&cli->writer) ? word_parse(WORDS_LEVEL, unit->level) : -1;
		const char *level_text = level < 0 ? unit->level : word_for_people(WORDS_LEVEL, level);
		const struct field fields[] = {
			field_code(unit->code),     field_text(unit->name), field_text(level_text),  field_code(unit->parent),
			field_integer(unit->depth), field_date(unit->from), field_date(unit->until), field_integer(unit->number),
		};
		int error = writer_row(&cli->writer, fields);
		if (error)
			return cli_wrote(error);
	}
	return CLI_OK;
}

int unit_list(struct cli *cli)
{
	const struct column columns[] = {
		{ .key = "code", .heading = _("Code") },
		{ .key = "name", .heading = _("Name"), .wrap = true },
		{ .key = "level", .heading = _("Level"), .wrap = true },
		{ .key = "parent", .heading = _("Parent") },
		{ .key = "depth" },
		{ .key = "from", .heading = _("From"), .right = true },
		{ .key = "until", .heading = _("Until"), .right = true },
		{ .key = "number" },
	};
	char code[BAOPHU_CODE_BYTES_MAX + 1] = "";
	struct reader *reader = NULL;
	int status = ask_open(cli, &reader);
	if (!status && cli->options.argument_count)
		status = ask_unit(cli, reader, cli->options.arguments[0], code);
	if (!status)
		status = cli_wrote(writer_begin(&cli->writer, columns, sizeof columns / sizeof *columns));
	if (!status) {
		struct wire_query query = ask_question(cli, WIRE_QUERY_UNITS);
		query.unit = code;
		query.depth = cli->options.depth == CLI_DEPTH_UNSAID ? 1 : cli->options.depth;
		query.limit = BAOPHU_PAGE_RECORDS_MAX;
		status = ask_all(cli, reader, &query, write_units, cli, NULL);
	}
	int ended = cli_wrote(writer_end(&cli->writer));
	reader_close(reader);
	return status ? status : ended;
}

int unit_import(struct cli *cli) { return send_import(cli, &import_units, true); }
