/* plan.c - `baophu plan`: targets, as lists, as files, one by one. */
#include <string.h>

#include "ask.h"
#include "commands.h"
#include "language.h"
#include "send.h"
#include "text.h"
#include "words.h"

struct plan_list {
	struct cli *cli;
	const struct names *names;
};

static int write_plans(void *context, const struct wire_answer *answer)
{
	const struct plan_list *list = context;
	bool people = writer_is_for_people(&list->cli->writer);
	for (uint32_t i = 0; i < answer->plan_count; i++) {
		const struct wire_plan_set *plan = &answer->plans[i].plan;
		char number[NUMBER_BYTES], percent[NUMBER_BYTES + 2];
		bool is_rate = plan->kind == BAOPHU_PLAN_RATE;
		struct field value = is_rate ? field_decimal(plan->value, plan->decimals) : field_integer(plan->value);
		if (is_rate && people) {
			snprintf(percent, sizeof percent, "%s%%",
				 number_format_decimal(plan->value, plan->decimals, list->cli->vietnamese, number));
			value = field_text(percent);
		}
		const struct field fields[] = {
			field_code(plan->code),
			field_code(plan->unit),
			field_text(people ? word_for_people(WORDS_PLAN_KIND, plan->kind) : word_of(WORDS_PLAN_KIND, plan->kind)),
			field_text(people ? names_text(list->names, plan->target) : plan->target),
			field_date(plan->from),
			field_date(plan->to),
			value,
			field_text(people ? word_for_people(WORDS_ORIGIN, plan->origin) : word_of(WORDS_ORIGIN, plan->origin)),
			field_text(plan->issuer),
			field_text(plan->document),
			field_integer(answer->plans[i].revision),
			field_integer((int64_t)answer->plans[i].seq),
		};
		int error = writer_row(&list->cli->writer, fields);
		if (error)
			return cli_wrote(error);
	}
	return CLI_OK;
}

int plan_list(struct cli *cli)
{
	const struct column columns[] = {
		{ .key = "plan", .heading = _("Plan") },
		{ .key = "unit", .heading = _("Unit") },
		{ .key = "kind", .heading = _("Kind"), .wrap = true, .below = "target", .turn = 4 },
		{ .key = "target", .heading = _("Measure"), .wrap = true },
		{ .key = "from", .heading = _("From"), .right = true },
		{ .key = "to", .heading = _("Until"), .right = true, .below = "from", .turn = 1 },
		{ .key = "value", .heading = _("To be reached"), .right = true },
		{ .key = "origin", .heading = _("Origin"), .wrap = true, .below = "value", .turn = 2 },
		{ .key = "issuer", .heading = _("Issuer"), .wrap = true },
		{ .key = "document", .heading = _("Document"), .wrap = true, .below = "issuer", .turn = 3 },
		{ .key = "revision" },
		{ .key = "seq", .heading = _("Receipt"), .right = true },
	};
	struct names names = { 0 };
	struct reader *reader = NULL;
	struct plan_list list = { .cli = cli, .names = &names };
	char code[BAOPHU_CODE_BYTES_MAX + 1] = "";
	int status = ask_open(cli, &reader);
	if (!status && cli->options.argument_count)
		status = ask_unit(cli, reader, cli->options.arguments[0], code);
	if (!status)
		status = ask_names(cli, reader, &names);
	if (!status)
		status = cli_wrote(writer_begin(&cli->writer, columns, sizeof columns / sizeof *columns));
	if (!status) {
		struct wire_query query = ask_question(cli, WIRE_QUERY_PLANS);
		query.unit = code;
		query.depth = cli->options.depth == CLI_DEPTH_UNSAID ? BAOPHU_DEPTH_MAX : cli->options.depth;
		query.limit = BAOPHU_PAGE_RECORDS_MAX;
		status = ask_all(cli, reader, &query, write_plans, &list, NULL);
	}
	int ended = cli_wrote(writer_end(&cli->writer));
	names_finish(&names);
	reader_close(reader);
	return status ? status : ended;
}

int plan_import(struct cli *cli) { return send_import(cli, &import_plans, true); }

/* A text from the command line as the wire wants it; the message names the option. */
static bool read_text(const char *text, const char *option, char *buffer, size_t size)
{
	*buffer = '\0';
	if (!*text || (text_to_nfc(text, strlen(text), buffer, size) == 0 && text_is_name(buffer, strlen(buffer))))
		return true;
	cli_say(_("%s “%s”: at most %d bytes of UTF-8 on one line"), option, text, BAOPHU_TEXT_BYTES_MAX);
	return false;
}

static bool read_code(const char *text)
{
	if (text_is_code(text, strlen(text)))
		return true;
	cli_say(_("“%s” is not a code: 1 to 16 of 0-9 A-Z a-z . _ -"), text);
	return false;
}

int plan_set(struct cli *cli)
{
	const struct options *options = &cli->options;
	char issuer[4 * BAOPHU_TEXT_BYTES_MAX], document[4 * BAOPHU_TEXT_BYTES_MAX], why[400];
	struct wire_entry entry = { .kind = WIRE_PLAN_SET };
	struct wire_plan_set *plan = &entry.plan;
	struct sent sent = { 0 };
	if (options->from == BAOPHU_DATE_NONE || options->to == BAOPHU_DATE_NONE || options->from > options->to) {
		cli_say(_("say the plan's period: --from DATE --to DATE"));
		return CLI_USAGE;
	}
	if (options->argument_count != (options->remove ? 3u : 4u)) {
		cli_say(options->remove ? _("with --remove there is no value") : _("the value is missing"));
		return CLI_USAGE;
	}
	for (int i = 0; i < 3; i++)
		if (!read_code(options->arguments[i]))
			return CLI_USAGE;
	if (!read_text(options->issuer, "--issuer", issuer, sizeof issuer) ||
	    !read_text(options->document, "--document", document, sizeof document))
		return CLI_USAGE;
	*plan = (struct wire_plan_set){ .code = options->arguments[0],
					.unit = options->arguments[1],
					.target = options->arguments[2],
					.issuer = issuer,
					.document = document,
					.kind = options->kind ? (enum baophu_plan_kind)options->kind : BAOPHU_PLAN_STOCK,
					.from = options->from,
					.to = options->to,
					.value = BAOPHU_ABSENT,
					.origin = options->origin ? (enum baophu_origin)options->origin : BAOPHU_REPORTED,
					.remove = options->remove };
	enum number_style style = (enum number_style)options->numbers;
	enum number_problem problem = NUMBER_OK;
	if (!options->remove && plan->kind == BAOPHU_PLAN_RATE)
		problem = number_parse_percent(options->arguments[3], style, &plan->value, &plan->decimals);
	else if (!options->remove)
		problem = number_parse_count(options->arguments[3], style, &plan->value);
	if (problem) {
		cli_say("%s", number_explain(problem, options->arguments[3], style, why, sizeof why));
		return CLI_USAGE;
	}
	if (options->dry_run) {
		struct import one;
		int checked = send_begin_one(&one, &import_plans, &entry);
		if (!checked)
			checked = send_dry(cli, &one);
		import_finish(&one);
		return checked;
	}
	int status = send_entries(cli, true, &entry, 1, &sent);
	if (!status && writer_is_for_people(&cli->writer)) {
		char text[300], number[NUMBER_BYTES];
		if (options->remove)
			snprintf(text, sizeof text, _("plan %s of %s for %s taken back, receipt %llu"), plan->code, plan->unit,
				 plan->target, (unsigned long long)sent.seq);
		else
			snprintf(text, sizeof text, _("plan %s of %s for %s: %s%s, receipt %llu"), plan->code, plan->unit,
				 plan->target, number_format_decimal(plan->value, plan->decimals, cli->vietnamese, number),
				 plan->kind == BAOPHU_PLAN_RATE ? "%" : "", (unsigned long long)sent.seq);
		writer_note(&cli->writer, text);
	}
	return send_report(cli, &sent, NULL, 1, status);
}
