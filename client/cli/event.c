/* event.c - `baophu event`: which units crossed a line of a plan. */
#include <errno.h>
#include <stdlib.h>

#include "ask.h"
#include "commands.h"
#include "coverage.h"
#include "event_rows.h"
#include "language.h"
#include "progress.h"

/* With --limit the newest are kept, in a ring, until all have been read: the centre tells them oldest first. */
struct event_list {
	struct cli *cli;
	const struct names *names;
	struct progress progress;
	struct baophu_event *kept;
	size_t kept_count, kept_capacity;
	uint64_t count; /* read so far */
};

static int write_event(const struct event_list *list, const struct baophu_event *event)
{
	return cli_wrote(event_write(&list->cli->writer, list->names, event, list->cli->options.decimals));
}

static int keep(struct event_list *list, const struct baophu_event *event)
{
	uint32_t limit = list->cli->options.limit;
	if (list->kept_count == limit) {
		list->kept[list->count % limit] = *event;
		return CLI_OK;
	}
	if (list->kept_count == list->kept_capacity) {
		size_t capacity = list->kept_capacity ? list->kept_capacity * 2 : 64;
		struct baophu_event *grown = realloc(list->kept, capacity * sizeof *grown);
		if (!grown)
			return cli_wrote(-ENOMEM);
		list->kept = grown;
		list->kept_capacity = capacity;
	}
	list->kept[list->kept_count++] = *event;
	return CLI_OK;
}

static int take_events(void *context, const struct wire_answer *answer)
{
	struct event_list *list = context;
	for (uint32_t i = 0; i < answer->event_count; i++, list->count++) {
		int status = list->cli->options.limit ? keep(list, &answer->events[i]) : write_event(list, &answer->events[i]);
		if (status)
			return status;
	}
	if (progress_becomes_slow(&list->progress))
		cli_say(_("reading events …"));
	progress_count(&list->progress, list->count, 0);
	return CLI_OK;
}

static int write_kept(const struct event_list *list)
{
	int status = CLI_OK;
	for (size_t i = 0; i < list->kept_count && !status; i++)
		status = write_event(list, &list->kept[(list->count + i) % list->kept_count]);
	return status;
}

int event_list(struct cli *cli)
{
	struct column columns[EVENT_FIELDS];
	struct names names = { 0 };
	struct reader *reader = NULL;
	char code[BAOPHU_CODE_BYTES_MAX + 1] = "";
	struct event_list list = { .cli = cli, .names = &names };
	const struct options *options = &cli->options;
	if (options->from != BAOPHU_DATE_NONE && options->to != BAOPHU_DATE_NONE && options->from > options->to) {
		cli_say(_("--from is after --to"));
		return CLI_USAGE;
	}
	int status = ask_open(cli, &reader);
	if (!status && options->argument_count)
		status = ask_unit(cli, reader, options->arguments[0], code);
	if (!status)
		status = ask_names(cli, reader, &names);
	if (!status)
		status = coverage_check_measures(cli, &names);
	event_columns(columns);
	if (!status)
		status = cli_wrote(writer_begin(&cli->writer, columns, EVENT_FIELDS));
	if (!status) {
		struct wire_query query = ask_question(cli, WIRE_QUERY_EVENTS);
		query.unit = code;
		query.depth = options->depth == CLI_DEPTH_UNSAID ? BAOPHU_DEPTH_MAX : options->depth;
		query.since_seq = options->since_seq;
		query.limit = BAOPHU_PAGE_RECORDS_MAX;
		progress_begin(&list.progress);
		status = ask_all(cli, reader, &query, take_events, &list, NULL);
		progress_end(&list.progress);
	}
	if (!status)
		status = write_kept(&list);
	int ended = cli_wrote(writer_end(&cli->writer));
	if (!status && !list.count && writer_is_for_people(&cli->writer))
		cli_say(_("no unit there crossed a line that is watched (`baophu threshold list`)"));
	free(list.kept);
	names_finish(&names);
	reader_close(reader);
	return status ? status : ended;
}
