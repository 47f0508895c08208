/* server.c - `baophu server`: how the centre is, and stopping it. */
#include <inttypes.h>
#include <string.h>

#include <baophu/date.h>

#include "ask.h"
#include "command.h"
#include "language.h"
#include "session.h"

enum { DIGEST_LETTERS = 16 }; /* enough for people to tell one from another */

struct status_of {
	bool is_there;
	struct wire_server_status status; /* texts and counters not kept */
	struct baophu_place cut;
	char version[64];
	struct {
		char name[48];
		uint64_t value;
	} counters[64];
	uint32_t counter_count;
};

static int take_status(void *context, const struct wire_answer *answer)
{
	struct status_of *taken = context;
	if (!answer->status)
		return CLI_OK;
	taken->is_there = true;
	taken->status = *answer->status;
	taken->cut = answer->cut;
	snprintf(taken->version, sizeof taken->version, "%s", answer->status->version);
	taken->counter_count = answer->status->counter_count < 64 ? answer->status->counter_count : 64;
	for (uint32_t i = 0; i < taken->counter_count; i++) {
		snprintf(taken->counters[i].name, sizeof taken->counters[i].name, "%s", answer->status->counters[i].name);
		taken->counters[i].value = answer->status->counters[i].value;
	}
	return CLI_OK;
}

/* People read one thing a line; programs one object with a key a thing. */
static int write_status(struct cli *cli, const struct status_of *taken)
{
	const struct wire_server_status *status = &taken->status;
	char store[2 * BAOPHU_STORE_BYTES + 1], digest[2 * BAOPHU_DIGEST_BYTES + 1], state[20];
	for (int i = 0; i < BAOPHU_STORE_BYTES; i++)
		snprintf(store + 2 * i, 3, "%02x", status->store[i]);
	for (int i = 0; i < BAOPHU_DIGEST_BYTES; i++)
		snprintf(digest + 2 * i, 3, "%02x", taken->cut.digest[i]);
	snprintf(state, sizeof state, "%016" PRIx64, status->state_digest);
	if (writer_is_for_people(&cli->writer))
		digest[DIGEST_LETTERS] = '\0';
	struct column columns[20 + 64] = {
		{ .key = "version", .heading = _("Version") },
		{ .key = "store", .heading = _("Identity of its history") },
		{ .key = "started", .heading = _("Running since") },
		{ .key = "business_day", .heading = _("Business day") },
		{ .key = "day_held", .heading = _("Business day held back (clock in doubt)") },
		{ .key = "disk_full", .heading = _("Disk full") },
		{ .key = "seq", .heading = _("Newest place of the log") },
		{ .key = "digest", .heading = _("Digest there") },
		{ .key = "history_seq", .heading = _("Indexed up to") },
		{ .key = "state_digest", .heading = _("State digest") },
		{ .key = "units", .heading = _("Units") },
		{ .key = "facts", .heading = _("Figures") },
		{ .key = "held", .heading = _("Updates held") },
		{ .key = "agents", .heading = _("Senders") },
		{ .key = "updates", .heading = _("Updates decided since the start") },
		{ .key = "entries", .heading = _("Entries decided since the start") },
	};
	struct field fields[20 + 64] = {
		field_text(taken->version),
		field_text(store),
		field_time(status->started_ms),
		field_date(status->business_day),
		field_truth(status->day_held),
		field_truth(status->disk_full),
		field_integer((int64_t)taken->cut.seq),
		field_text(digest),
		field_integer((int64_t)status->history_seq),
		field_text(state),
		field_integer(status->units),
		field_integer((int64_t)status->facts),
		field_integer(status->held),
		field_integer(status->agents),
		field_integer((int64_t)status->updates),
		field_integer((int64_t)status->entries),
	};
	size_t count = 16;
	for (uint32_t i = 0; i < taken->counter_count; i++, count++) {
		columns[count] = (struct column){ .key = taken->counters[i].name, .heading = taken->counters[i].name };
		fields[count] = field_integer((int64_t)taken->counters[i].value);
	}
	int error = 0;
	if (!writer_is_for_people(&cli->writer)) {
		error = writer_begin(&cli->writer, columns, count);
		if (!error)
			error = writer_row(&cli->writer, fields);
		int ended = writer_end(&cli->writer);
		return cli_wrote(error ? error : ended);
	}
	const struct column pair[] = { { .key = "name", .heading = _("Centre") },
				       { .key = "value", .heading = cli->options.query } };
	error = writer_begin(&cli->writer, pair, 2);
	for (size_t i = 0; i < count && !error; i++) {
		const struct field row[] = { field_text(columns[i].heading), fields[i] };
		if (fields[i].kind != FIELD_INTEGER || fields[i].number || i < 16)
			error = writer_row(&cli->writer, row);
	}
	int ended = writer_end(&cli->writer);
	return cli_wrote(error ? error : ended);
}

int server_status(struct cli *cli)
{
	struct status_of taken = { 0 };
	struct reader *reader = NULL;
	int status = ask_open(cli, &reader);
	if (!status) {
		struct wire_query query = ask_question(cli, WIRE_QUERY_STATUS);
		status = ask_all(cli, reader, &query, take_status, &taken, NULL);
	}
	if (!status && !taken.is_there) {
		cli_say(_("%s: an answer without a status"), cli->options.query);
		status = CLI_PROTOCOL;
	}
	if (!status)
		status = write_status(cli, &taken);
	if (!status && (taken.status.day_held || taken.status.disk_full)) {
		cli_say(taken.status.disk_full ? _("the centre's disk is full: nothing is taken in until there is room")
					       : _("the centre's clock is in doubt: the business day is held back"));
		status = CLI_FALSE;
	}
	reader_close(reader);
	return status;
}

int server_stop(struct cli *cli)
{
	int error = session_stop_server(NULL, cli->options.control, (int)cli->options.timeout * 1000);
	if (error == -BAOPHU_ETIMEOUT) {
		cli_say(_("no answer from %s within %u s; is baophud running there?"), cli->options.control, cli->options.timeout);
		return CLI_UNREACHABLE;
	}
	if (error)
		return cli_fail(cli->options.control, error);
	cli_say(_("the centre stops"));
	return CLI_OK;
}
