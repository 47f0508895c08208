/* report.c - `baophu report`: an office's figures, one by one or from a file. */
#include <string.h>

#include <baophu/ratio.h>

#include "ask.h"
#include "commands.h"
#include "language.h"
#include "send.h"
#include "text.h"
#include "words.h"

int report_import(struct cli *cli)
{
	if (!*cli->options.agent && !cli->options.dry_run) {
		cli_say(_("say who sends it: --agent NAME, as the centre enrolled this office"));
		return CLI_USAGE;
	}
	return send_import(cli, &import_facts, false);
}

/* What a figure did, in the centre's names. */
struct told {
	struct names names;
	char unit[BAOPHU_TEXT_BYTES_MAX + 1];
	int64_t value;
	char plans[1024]; /* ", đạt 56,00% kế hoạch nam-2024 (2.857)", one after the other */
};

static void tell_plan(struct cli *cli, struct told *told, const char *plan, int64_t value, int64_t target)
{
	char percent[NUMBER_BYTES], number[NUMBER_BYTES];
	int64_t reached = baophu_percent(value, target, cli->options.decimals);
	size_t used = strlen(told->plans);
	if (reached != BAOPHU_ABSENT)
		snprintf(told->plans + used, sizeof told->plans - used, _(", %s%% of plan %s (%s)"),
			 number_format_decimal(reached, cli->options.decimals, cli->vietnamese, percent), plan,
			 number_format(target, cli->vietnamese, number));
}

/* The unit's coverage on the figure's date, as of the receipt: the effect beside a receipt names one plan at most, and is of today. */
static bool tell_coverage(struct cli *cli, struct reader *reader, const struct wire_fact *fact, uint64_t seq, struct told *told)
{
	struct wire_query query = reader_question(WIRE_QUERY_COVERAGE);
	struct wire_answer answer;
	bool is_told = false;
	query.unit = fact->unit;
	query.measures = &fact->measure;
	query.measure_count = 1;
	query.as_of = query.tree_date = fact->to;
	query.min_seq = seq;
	if (fact->from != fact->to) {
		query.from = fact->from;
		query.to = fact->to;
	}
	if (reader_query(reader, &query, (int)cli->options.timeout * 1000, &answer) != 0 || !answer.record_count)
		return false;
	const struct baophu_record *record = &answer.records[0];
	snprintf(told->unit, sizeof told->unit, "%s", record->name);
	for (uint32_t i = 0; i < record->row_count; i++) {
		const struct baophu_row *row = &record->rows[i];
		if (row->kind == BAOPHU_ROW_STOCK || row->kind == BAOPHU_ROW_FLOW) {
			told->value = row->value;
			is_told = true;
		} else if (row->kind == BAOPHU_ROW_PLAN && row->state != BAOPHU_STATE_PARTIAL) {
			tell_plan(cli, told, row->plan, row->numerator, row->denominator);
		}
	}
	return is_told;
}

/* "Thới Lai · BHXH tự nguyện: 1.600 người, đạt 56,00% kế hoạch nam-2024 (2.857), biên nhận 57". A centre that does not answer questions leaves
 * the codes and the effect. */
static void say_effect(struct cli *cli, const struct wire_fact *fact, const struct sent *sent)
{
	struct told told = { .names = { .vietnamese = cli->vietnamese }, .value = sent->has_effect ? sent->value : BAOPHU_ABSENT };
	struct reader *reader = NULL;
	char text[2048], value[NUMBER_BYTES];
	bool is_told = false;
	snprintf(told.unit, sizeof told.unit, "%s", fact->unit);
	if (reader_open(NULL, cli->options.query, &reader) == 0) {
		struct wire_query query = reader_question(WIRE_QUERY_MEASURES);
		struct wire_answer answer;
		bool more = true;
		while (more && reader_query(reader, &query, (int)cli->options.timeout * 1000, &answer) == 0) {
			more = reader_next_page(&query, &answer);
			more = names_add(&told.names, &answer) == 0 && more;
		}
		is_told = told.names.count && tell_coverage(cli, reader, fact, sent->seq, &told);
	}
	if (!is_told && sent->has_effect)
		tell_plan(cli, &told, sent->plan, sent->value, sent->target);
	const char *counted = names_unit(&told.names, fact->measure);
	size_t used = (size_t)snprintf(text, sizeof text, "%s · %s: ", told.unit, names_text(&told.names, fact->measure));
	if (told.value != BAOPHU_ABSENT)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%s",
					 number_format(told.value, cli->vietnamese, value), *counted ? " " : "", counted);
	else if (fact->value != BAOPHU_ABSENT)
		used += (size_t)snprintf(text + used, sizeof text - used, _("%s taken in"),
					 number_format(fact->value, cli->vietnamese, value));
	else
		used += (size_t)snprintf(text + used, sizeof text - used, "%s", _("no report"));
	used += (size_t)snprintf(text + used, sizeof text - used, "%s", told.plans);
	snprintf(text + used, sizeof text - used, _(", receipt %llu"), (unsigned long long)sent->seq);
	writer_note(&cli->writer, text);
	reader_close(reader);
	names_finish(&told.names);
}

int report_send(struct cli *cli)
{
	const struct options *options = &cli->options;
	const char *value = options->arguments[2];
	struct wire_entry entry = { .kind = WIRE_FACT };
	struct wire_fact *fact = &entry.fact;
	struct sent sent = { 0 };
	char why[400];
	if (options->to == BAOPHU_DATE_NONE) {
		cli_say(_("say which day the figure is of: --to DATE"));
		return CLI_USAGE;
	}
	if (options->from != BAOPHU_DATE_NONE && options->from > options->to) {
		cli_say(_("--from is after --to"));
		return CLI_USAGE;
	}
	for (int i = 0; i < 2; i++)
		if (!text_is_code(options->arguments[i], strlen(options->arguments[i]))) {
			cli_say(_("“%s” is not a code: 1 to 16 of 0-9 A-Z a-z . _ -"), options->arguments[i]);
			return CLI_USAGE;
		}
	*fact = (struct wire_fact){ .unit = options->arguments[0],
				    .measure = options->arguments[1],
				    .extent = options->extent ? (enum baophu_extent)options->extent : BAOPHU_WHOLE,
				    .from = options->from == BAOPHU_DATE_NONE ? options->to : options->from,
				    .to = options->to,
				    .value = BAOPHU_ABSENT,
				    .reason = (enum baophu_reason)options->reason };
	if (strcmp(value, "withdraw") == 0) {
		entry.kind = WIRE_WITHDRAWAL;
	} else {
		enum number_style style = (enum number_style)options->numbers;
		enum number_problem problem = number_parse_count(value, style, &fact->value);
		if (problem) {
			cli_say("%s", number_explain(problem, value, style, why, sizeof why));
			return CLI_USAGE;
		}
		fact->status = options->status ? (enum baophu_status)options->status : BAOPHU_FINAL;
		fact->origin = options->origin ? (enum baophu_origin)options->origin : BAOPHU_REPORTED;
		fact->bound = options->bound ? (enum baophu_bound)options->bound : BAOPHU_EXACT;
	}
	struct import one;
	int status = send_begin_one(&one, &import_facts, &entry);
	if (!status && options->dry_run) {
		status = send_dry(cli, &one);
	} else if (!status) {
		status = send_entries(cli, false, &entry, 1, &sent);
		if (!status && writer_is_for_people(&cli->writer))
			say_effect(cli, fact, &sent);
		status = send_report(cli, &sent, &one, 1, status);
	}
	import_finish(&one);
	return status;
}
