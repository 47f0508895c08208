/* log.c - `baophu log`: what was decided, in order. */
#include "ask.h"
#include "commands.h"
#include "language.h"
#include "words.h"

struct log_list {
	struct cli *cli;
	uint32_t left;
};

static int write_log(void *context, const struct wire_answer *answer)
{
	struct log_list *list = context;
	bool people = writer_is_for_people(&list->cli->writer);
	for (uint32_t i = 0; i < answer->log_count; i++) {
		const struct wire_log_info *entry = &answer->log[i];
		char digest[2 * BAOPHU_DIGEST_BYTES + 1];
		for (int j = 0; j < BAOPHU_DIGEST_BYTES; j++)
			snprintf(digest + 2 * j, 3, "%02x", entry->place.digest[j]);
		if (people)
			digest[12] = '\0';
		bool is_update = *entry->agent && entry->number;
		const struct field fields[] = {
			field_integer((int64_t)entry->place.seq),
			field_time(entry->time_ms),
			field_text(entry->kind),
			field_text(entry->agent),
			is_update ? field_integer((int64_t)entry->epoch) : field_null(),
			is_update ? field_integer((int64_t)entry->number) : field_null(),
			field_text(people ? word_for_people(WORDS_VERDICT, entry->verdict)
					  : word_of(WORDS_VERDICT, entry->verdict)),
			field_text(entry->code ? wire_code_name(entry->code) : ""),
			entry->entry == UINT32_MAX ? field_null() : field_integer(entry->entry),
			field_integer(entry->entries),
			field_text(digest),
		};
		int error = writer_row(&list->cli->writer, fields);
		if (error)
			return cli_wrote(error);
		if (--list->left == 0)
			return -1;
	}
	return CLI_OK;
}

int log_show(struct cli *cli)
{
	const struct column columns[] = {
		{ .key = "seq", .heading = _("Place"), .right = true },
		{ .key = "time", .heading = _("Time"), .wrap = true },
		{ .key = "kind", .heading = _("Kind"), .wrap = true },
		{ .key = "agent", .heading = _("Sender") },
		{ .key = "epoch" },
		{ .key = "number" },
		{ .key = "verdict", .heading = _("Verdict") },
		{ .key = "code", .heading = _("Code"), .below = "verdict", .turn = 1 },
		{ .key = "entry" },
		{ .key = "entries", .heading = _("Entries"), .right = true },
		{ .key = "digest", .heading = _("Digest") },
	};
	struct log_list list = { .cli = cli, .left = cli->options.limit ? cli->options.limit : UINT32_MAX };
	struct reader *reader = NULL;
	int status = ask_open(cli, &reader);
	if (!status)
		status = cli_wrote(writer_begin(&cli->writer, columns, sizeof columns / sizeof *columns));
	if (!status) {
		struct wire_query query = ask_question(cli, WIRE_QUERY_LOG);
		query.since_seq = cli->options.from_seq;
		query.limit = list.left < BAOPHU_PAGE_RECORDS_MAX ? list.left : BAOPHU_PAGE_RECORDS_MAX;
		struct ask_axes axes = { 0 };
		status = ask_all(cli, reader, &query, write_log, &list, &axes);
		status = status == -1 ? CLI_OK : status;
		if (!status && query.since_seq > axes.seq)
			cli_say(_("the log ends at place %llu"), (unsigned long long)axes.seq);
	}
	int ended = cli_wrote(writer_end(&cli->writer));
	reader_close(reader);
	return status ? status : ended;
}
