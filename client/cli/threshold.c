/* threshold.c - `baophu threshold`: the lines that are watched, percentages of a plan. */
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "commands.h"
#include "language.h"
#include "send.h"
#include "words.h"

/* ---- the list ---- */

struct line_list {
	uint32_t count;
	struct line_row {
		char plan[BAOPHU_CODE_BYTES_MAX + 1];
		int64_t digits;
		unsigned decimals;
		uint64_t seq;
	} lines[BAOPHU_LINES_MAX];
};

static int take_lines(void *context, const struct wire_answer *answer)
{
	struct line_list *list = context;
	for (uint32_t i = 0; i < answer->threshold_count && list->count < BAOPHU_LINES_MAX; i++) {
		const struct wire_threshold_info *info = &answer->thresholds[i];
		struct line_row *line = &list->lines[list->count++];
		snprintf(line->plan, sizeof line->plan, "%s", info->threshold.plan);
		line->digits = info->threshold.digits;
		line->decimals = info->threshold.decimals;
		line->seq = info->seq;
	}
	return CLI_OK;
}

static int64_t at_most_decimals(const struct line_row *line)
{
	int64_t digits = line->digits;
	for (unsigned i = line->decimals; i < BAOPHU_LINE_DECIMALS_MAX; i++)
		digits *= 10;
	return digits;
}

/* Those of every plan first, then plan by plan; the lower line first. */
static int by_plan_and_line(const void *a, const void *b)
{
	int order = strcmp(((const struct line_row *)a)->plan, ((const struct line_row *)b)->plan);
	int64_t x = at_most_decimals(a), y = at_most_decimals(b);
	return order ? order : x < y ? -1 : x > y;
}

static int write_line(struct cli *cli, const struct line_row *line)
{
	bool people = writer_is_for_people(&cli->writer);
	char number[NUMBER_BYTES], percent[NUMBER_BYTES + 1];
	snprintf(percent, sizeof percent, "%s%%", number_format_decimal(line->digits, line->decimals, cli->vietnamese, number));
	const struct field fields[] = {
		people ? field_text(percent) : field_decimal(line->digits, line->decimals),
		people && !*line->plan ? field_text(_("every plan")) : field_code(line->plan),
		field_integer((int64_t)line->seq),
	};
	return cli_wrote(writer_row(&cli->writer, fields));
}

int threshold_list(struct cli *cli)
{
	const struct column columns[] = {
		{ .key = "line", .heading = _("Line"), .right = true },
		{ .key = "plan_code", .heading = _("Plan") },
		{ .key = "seq", .heading = _("Receipt"), .right = true },
	};
	struct line_list list = { 0 };
	struct reader *reader = NULL;
	struct wire_query query = ask_question(cli, WIRE_QUERY_THRESHOLDS);
	int status = ask_open(cli, &reader);
	if (!status)
		status = ask_all(cli, reader, &query, take_lines, &list, NULL);
	qsort(list.lines, list.count, sizeof *list.lines, by_plan_and_line);
	if (!status)
		status = cli_wrote(writer_begin(&cli->writer, columns, sizeof columns / sizeof *columns));
	for (uint32_t i = 0; i < list.count && !status; i++)
		status = write_line(cli, &list.lines[i]);
	int ended = cli_wrote(writer_end(&cli->writer));
	if (!status && !list.count && writer_is_for_people(&cli->writer))
		cli_say(_("no line is watched; `baophu threshold set 50` watches one"));
	reader_close(reader);
	return status ? status : ended;
}

/* ---- a change ---- */

/* "97,5", "97.5%", "50": digits with the fewest decimals. CLI_USAGE after a message. */
static int read_line(const char *text, enum number_style style, int64_t *ret_digits, unsigned *ret_decimals)
{
	char why[400];
	int64_t digits = 0, bound = BAOPHU_LINE_PERCENT_MAX;
	unsigned decimals = 0;
	enum number_problem problem = style == NUMBER_PLAIN
					  ? number_parse_percent_either(text, BAOPHU_LINE_PERCENT_MAX, &digits, &decimals)
					  : number_parse_percent(text, style, &digits, &decimals);
	for (; decimals && digits % 10 == 0; decimals--)
		digits /= 10;
	for (unsigned i = 0; i < decimals; i++)
		bound *= 10;
	if (problem == NUMBER_DECIMALS || problem == NUMBER_TOO_BIG || decimals > BAOPHU_LINE_DECIMALS_MAX || digits > bound) {
		cli_say(_("“%s”: a line is from 0 to %d%%, with at most %d decimals"), text, BAOPHU_LINE_PERCENT_MAX,
			BAOPHU_LINE_DECIMALS_MAX);
		return CLI_USAGE;
	}
	if (problem) {
		cli_say("%s", number_explain(problem, text, style, why, sizeof why));
		return CLI_USAGE;
	}
	*ret_digits = digits;
	*ret_decimals = decimals;
	return CLI_OK;
}

static void say_done(struct cli *cli, const struct wire_threshold_set *set, uint64_t seq)
{
	char text[300], line[NUMBER_BYTES];
	number_format_decimal(set->digits, set->decimals, cli->vietnamese, line);
	if (*set->plan)
		snprintf(text, sizeof text,
			 set->remove ? _("%s%% of plan %s is watched no longer, receipt %llu")
				     : _("%s%% of plan %s is watched, receipt %llu"),
			 line, set->plan, (unsigned long long)seq);
	else
		snprintf(text, sizeof text,
			 set->remove ? _("%s%% of every plan is watched no longer, receipt %llu")
				     : _("%s%% of every plan is watched, receipt %llu"),
			 line, (unsigned long long)seq);
	writer_note(&cli->writer, text);
}

static int change(struct cli *cli, bool remove)
{
	static const struct import_format format = { 0 };
	struct wire_entry entry = { .kind = WIRE_THRESHOLD_SET };
	struct wire_threshold_set *set = &entry.threshold;
	struct sent sent = { 0 };
	int status = read_line(cli->options.arguments[0], (enum number_style)cli->options.numbers, &set->digits, &set->decimals);
	if (status)
		return status;
	set->plan = cli->options.plan;
	set->remove = remove;
	if (cli->options.dry_run) {
		struct import one;
		status = send_begin_one(&one, &format, &entry);
		if (!status)
			status = send_dry(cli, &one);
		import_finish(&one);
		return status;
	}
	status = send_entries(cli, true, &entry, 1, &sent);
	if (!status && writer_is_for_people(&cli->writer))
		say_done(cli, set, sent.seq);
	sent.meaning = word_line_meaning(sent.code);
	sent.advice = word_line_advice(sent.code);
	return send_report(cli, &sent, NULL, 1, status);
}

int threshold_set(struct cli *cli) { return change(cli, false); }

int threshold_remove(struct cli *cli) { return change(cli, true); }
