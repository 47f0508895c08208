/* server.c - `baophu server`: how the centre is, and stopping it. */
#include <inttypes.h>
#include <string.h>

#include <baophu/date.h>

#include "ask.h"
#include "commands.h"
#include "language.h"
#include "session.h"

enum {
	DIGEST_LETTERS = 16, /* enough for people to tell one from another */
	COUNTERS_MAX = 128, /* the centre names those that are not 0 */
	COUNTER_BYTES = 48 + 22, /* "name=18446744073709551615 " */
};

struct status_of {
	bool is_there;
	struct wire_server_status status; /* texts and counters not kept */
	struct baophu_place cut;
	char version[64];
	uint32_t counter_count;
	struct {
		char name[48];
		uint64_t value;
	} counters[COUNTERS_MAX];
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
	taken->counter_count = answer->status->counter_count < COUNTERS_MAX ? answer->status->counter_count : COUNTERS_MAX;
	for (uint32_t i = 0; i < taken->counter_count; i++) {
		snprintf(taken->counters[i].name, sizeof taken->counters[i].name, "%s", answer->status->counters[i].name);
		taken->counters[i].value = answer->status->counters[i].value;
	}
	return CLI_OK;
}

/* True for what the centre's status says beside its counters, and says there of the whole life of the process too. */
static bool is_said_already(const char *counter) { return strcmp(counter, "updates") == 0 || strcmp(counter, "entries") == 0; }

/* People read one thing a line; programs one object that always has the same keys. Counters come and go with what happened, and some are
 * called as a key of the status is, so they stand in an object of their own, where one that is not there is 0. */
static int write_status(struct cli *cli, const struct status_of *taken)
{
	const struct wire_server_status *status = &taken->status;
	char store[2 * BAOPHU_STORE_BYTES + 1], digest[2 * BAOPHU_DIGEST_BYTES + 1], state[20];
	for (int i = 0; i < BAOPHU_STORE_BYTES; i++)
		snprintf(store + 2 * i, 3, "%02x", status->store[i]);
	for (int i = 0; i < BAOPHU_DIGEST_BYTES; i++)
		snprintf(digest + 2 * i, 3, "%02x", taken->cut.digest[i]);
	snprintf(state, sizeof state, "%016" PRIx64, status->state_digest);
	bool people = writer_is_for_people(&cli->writer);
	if (people)
		digest[DIGEST_LETTERS] = '\0';
	char counters[COUNTERS_MAX * COUNTER_BYTES] = "";
	size_t used = 0;
	for (uint32_t i = 0; i < taken->counter_count; i++)
		used += (size_t)snprintf(counters + used, sizeof counters - used, "%s%s=%" PRIu64, i ? " " : "",
					 taken->counters[i].name, taken->counters[i].value);
	const struct column columns[] = {
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
		{ .key = "backup_seq", .heading = _("Verified backup up to place") },
		{ .key = "backup_time", .heading = _("Told of it") },
		{ .key = "updates", .heading = _("Updates decided since the start") },
		{ .key = "entries", .heading = _("Entries decided since the start") },
		{ .key = "counters" },
	};
	const struct field fields[] = {
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
		status->has_backup ? field_integer((int64_t)status->backup.seq)
		: people           ? field_text(_("none yet"))
				   : field_null(),
		status->has_backup ? field_time(status->backup_ms) : field_null(),
		field_integer((int64_t)status->updates),
		field_integer((int64_t)status->entries),
		field_counts(counters),
	};
	enum { COUNT = sizeof columns / sizeof *columns };
	int error = 0;
	if (!writer_is_for_people(&cli->writer)) {
		error = writer_begin(&cli->writer, columns, COUNT);
		if (!error)
			error = writer_row(&cli->writer, fields);
		int ended = writer_end(&cli->writer);
		return cli_wrote(error ? error : ended);
	}
	const struct column pair[] = { { .key = "name", .heading = _("Centre"), .wrap = true },
				       { .key = "value", .heading = cli->options.query } };
	error = writer_begin(&cli->writer, pair, 2);
	for (size_t i = 0; columns[i].heading && !error; i++) {
		const struct field row[] = { field_text(columns[i].heading), fields[i] };
		error = writer_row(&cli->writer, row);
	}
	for (uint32_t i = 0; i < taken->counter_count && !error; i++) {
		char name[100];
		snprintf(name, sizeof name, _("counter %s"), taken->counters[i].name);
		const struct field row[] = { field_text(name), field_integer((int64_t)taken->counters[i].value) };
		if (!is_said_already(taken->counters[i].name))
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
