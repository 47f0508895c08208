/* measure.c - `baophu measure`: what is counted, and the ratios of it. */
#include "ask.h"
#include "commands.h"
#include "language.h"
#include "words.h"

int measure_list(struct cli *cli)
{
	const struct column columns[] = {
		{ .key = "code", .heading = _("Code") },
		{ .key = "kind", .heading = _("Kind"), .wrap = true },
		{ .key = "name_vi", .heading = cli->vietnamese ? _("Name") : NULL, .wrap = true },
		{ .key = "name_en", .heading = cli->vietnamese ? NULL : _("Name"), .wrap = true },
		{ .key = "unit_vi", .heading = cli->vietnamese ? _("Counted in") : NULL },
		{ .key = "unit_en", .heading = cli->vietnamese ? NULL : _("Counted in") },
		{ .key = "parent", .heading = _("Part of") },
		{ .key = "numerator", .heading = _("Numerator") },
		{ .key = "denominator", .heading = _("Denominator") },
	};
	struct names names = { 0 };
	struct reader *reader = NULL;
	bool people = writer_is_for_people(&cli->writer);
	int status = ask_open(cli, &reader);
	if (!status)
		status = ask_names(cli, reader, &names);
	if (!status)
		status = cli_wrote(writer_begin(&cli->writer, columns, sizeof columns / sizeof *columns));
	for (size_t i = 0; !status && i < names.count; i++) {
		const struct name *name = &names.names[i];
		const char *kind = name->kind == BAOPHU_MEASURE_KIND_NONE ? people ? _("ratio") : "indicator"
				   : people                               ? word_for_people(WORDS_MEASURE_KIND, name->kind)
									  : word_of(WORDS_MEASURE_KIND, name->kind);
		const struct field fields[] = {
			field_text(name->code),        field_text(kind),
			field_text(name->name_vi),     field_text(name->name_en),
			field_text(name->unit_vi),     field_text(name->unit_en),
			field_text(name->parent),      field_text(name->numerator),
			field_text(name->denominator),
		};
		status = cli_wrote(writer_row(&cli->writer, fields));
	}
	int ended = cli_wrote(writer_end(&cli->writer));
	names_finish(&names);
	reader_close(reader);
	return status ? status : ended;
}
