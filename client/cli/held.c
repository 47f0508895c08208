/* held.c - `baophu held`: updates that wait for a decision, and the decision. */
#include <errno.h>
#include <stdlib.h>

#include "ask.h"
#include "commands.h"
#include "language.h"
#include "send.h"
#include "words.h"

static int write_held(void *context, const struct wire_answer *answer)
{
	struct cli *cli = context;
	bool people = writer_is_for_people(&cli->writer);
	for (uint32_t i = 0; i < answer->held_count; i++) {
		const struct wire_held_info *held = &answer->held[i];
		const struct field fields[] = {
			field_integer((int64_t)held->seq),
			field_text(held->agent),
			field_integer((int64_t)held->epoch),
			field_integer((int64_t)held->number),
			field_text(people ? word_code_meaning(held->code) : wire_code_name(held->code)),
			field_integer(people ? (int64_t)held->entry + 1 : held->entry), /* people count from 1 */
			field_code(held->unit),
			field_code(held->suggestion),
			field_time(held->time_ms),
		};
		int error = writer_row(&cli->writer, fields);
		if (error)
			return cli_wrote(error);
	}
	return CLI_OK;
}

int held_list(struct cli *cli)
{
	const struct column columns[] = {
		{ .key = "seq", .heading = _("Receipt"), .right = true },
		{ .key = "agent", .heading = _("Sender") },
		{ .key = "epoch" },
		{ .key = "number" },
		{ .key = "code", .heading = _("Why"), .wrap = true },
		{ .key = "entry", .heading = _("Entry"), .right = true },
		{ .key = "unit", .heading = _("Unit") },
		{ .key = "suggestion", .heading = _("Now"), .below = "unit", .turn = 1 },
		{ .key = "time", .heading = _("Received"), .wrap = true },
	};
	struct reader *reader = NULL;
	int status = ask_open(cli, &reader);
	if (!status)
		status = cli_wrote(writer_begin(&cli->writer, columns, sizeof columns / sizeof *columns));
	if (!status) {
		struct wire_query query = ask_question(cli, WIRE_QUERY_HELD);
		query.limit = BAOPHU_PAGE_RECORDS_MAX;
		status = ask_all(cli, reader, &query, write_held, cli, NULL);
	}
	int ended = cli_wrote(writer_end(&cli->writer));
	if (!status && !cli->writer.row_count && writer_is_for_people(&cli->writer))
		cli_say(_("nothing is held"));
	reader_close(reader);
	return status ? status : ended;
}

static int decide(struct cli *cli, bool release)
{
	const char *text = cli->options.arguments[0];
	char *end;
	struct wire_entry entry = { .kind = WIRE_HELD_DECISION };
	struct sent sent = { 0 };
	errno = 0;
	entry.held.seq = strtoull(text, &end, 10);
	entry.held.release = release;
	if (errno || *end || *text < '0' || *text > '9' || !entry.held.seq) {
		cli_say(_("“%s” is not a receipt number; see `baophu held list`"), text);
		return CLI_USAGE;
	}
	int status = send_entries(cli, true, &entry, 1, &sent);
	if (!status && writer_is_for_people(&cli->writer)) {
		char line[200];
		snprintf(line, sizeof line,
			 release ? _("update %s released and applied, receipt %llu")
				 : _("update %s refused for good, receipt %llu"),
			 text, (unsigned long long)sent.seq);
		writer_note(&cli->writer, line);
	}
	return send_report(cli, &sent, NULL, 1, status);
}

int held_release(struct cli *cli) { return decide(cli, true); }

int held_refuse(struct cli *cli) { return decide(cli, false); }
