/* agent.c - `baophu agent`: who may send, and what of. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "commands.h"
#include "language.h"
#include "send.h"
#include "text.h"
#include "words.h"

/* "4 up to date, 2 late": how many of the series that a sender declared stand how; the worst last. */
static const char *standing(const struct wire_agent_info *agent, char *buffer, size_t size)
{
	const uint32_t counts[BAOPHU_FRESHNESS_COUNT] = { [BAOPHU_FRESH] = agent->fresh,
							  [BAOPHU_DUE] = agent->due,
							  [BAOPHU_LATE] = agent->late,
							  [BAOPHU_SILENT] = agent->silent };
	size_t used = 0;
	*buffer = '\0';
	for (int freshness = BAOPHU_FRESH; freshness < BAOPHU_FRESHNESS_COUNT && used < size; freshness++)
		if (counts[freshness])
			used += (size_t)snprintf(buffer + used, size - used, "%s%u %s", used ? ", " : "", counts[freshness],
						 word_for_people(WORDS_FRESHNESS, freshness));
	return buffer;
}

static int write_agents(void *context, const struct wire_answer *answer)
{
	struct cli *cli = context;
	bool people = writer_is_for_people(&cli->writer);
	for (uint32_t i = 0; i < answer->agent_count; i++) {
		const struct wire_agent_info *agent = &answer->agents[i];
		char units[4096] = "", declared[200];
		size_t used = 0;
		for (uint32_t j = 0; j < agent->unit_count && used < sizeof units; j++)
			used += (size_t)snprintf(units + used, sizeof units - used, "%s%s", j ? " " : "", agent->units[j]);
		const struct field fields[] = {
			field_text(agent->name),
			field_words(units),
			field_date(agent->from),
			field_date(agent->until),
			agent->last_seq ? field_integer((int64_t)agent->last_seq) : field_null(),
			field_time(agent->last_ms),
			field_integer(agent->epochs),
			field_integer(agent->frozen),
			field_text(people ? standing(agent, declared, sizeof declared)
					  : word_of(WORDS_FRESHNESS, (int)agent->freshness)),
			field_integer(agent->declared),
			field_integer(agent->fresh),
			field_integer(agent->due),
			field_integer(agent->late),
			field_integer(agent->silent),
		};
		int error = writer_row(&cli->writer, fields);
		if (error)
			return cli_wrote(error);
	}
	return CLI_OK;
}

int agent_list(struct cli *cli)
{
	const struct column columns[] = {
		{ .key = "agent", .heading = _("Sender") },
		{ .key = "units", .heading = _("Reports of"), .wrap = true },
		{ .key = "from", .heading = _("From"), .right = true },
		{ .key = "until", .heading = _("Until"), .right = true, .below = "from", .turn = 1 },
		{ .key = "last_seq", .heading = _("Last receipt"), .right = true },
		{ .key = "last_time", .heading = _("Last heard"), .wrap = true },
		{ .key = "epochs" },
		{ .key = "frozen", .heading = _("Frozen"), .right = true },
		{ .key = "freshness", .heading = _("Standing"), .wrap = true },
		{ .key = "declared" },
		{ .key = "fresh" },
		{ .key = "due" },
		{ .key = "late" },
		{ .key = "silent" },
	};
	struct reader *reader = NULL;
	int status = ask_open(cli, &reader);
	if (!status)
		status = cli_wrote(writer_begin(&cli->writer, columns, sizeof columns / sizeof *columns));
	if (!status) {
		struct wire_query query = ask_question(cli, WIRE_QUERY_AGENTS);
		query.limit = BAOPHU_PAGE_RECORDS_MAX;
		status = ask_all(cli, reader, &query, write_agents, cli, NULL);
	}
	int ended = cli_wrote(writer_end(&cli->writer));
	reader_close(reader);
	return status ? status : ended;
}

int agent_open(struct cli *cli)
{
	const char *name = cli->options.arguments[0], *text = cli->options.arguments[1];
	char *end;
	struct wire_entry entry = { .kind = WIRE_EPOCH_OPEN };
	struct sent sent = { 0 };
	if (!text_is_code(name, strlen(name))) {
		cli_say(_("“%s” is not a code: 1 to 16 of 0-9 A-Z a-z . _ -"), name);
		return CLI_USAGE;
	}
	errno = 0;
	entry.epoch_open = (struct wire_epoch_open){ .agent = name, .epoch = strtoull(text, &end, 10) };
	if (errno || *end || *text < '0' || *text > '9' || !entry.epoch_open.epoch) {
		cli_say(_("“%s” is not an epoch: a number, as receipts and `baophu log show -o json` name it"), text);
		return CLI_USAGE;
	}
	int status = send_entries(cli, true, &entry, 1, &sent);
	if (!status && writer_is_for_people(&cli->writer)) {
		char line[200];
		snprintf(line, sizeof line, _("epoch %s of %s goes on, receipt %llu"), text, name, (unsigned long long)sent.seq);
		writer_note(&cli->writer, line);
	}
	return send_report(cli, &sent, NULL, 1, status);
}

int agent_import(struct cli *cli) { return send_import(cli, &import_agents, true); }
