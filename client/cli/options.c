/* options.c - see options.h. */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/date.h>

#include "language.h"
#include "suggest.h"
#include "text.h"
#include "words.h"

enum option_type { TYPE_FLAG, TYPE_TEXT, TYPE_CODE, TYPE_CODES, TYPE_DATE, TYPE_NUMBER, TYPE_SEQ, TYPE_CHOICE, TYPE_WORD };

/* One row: everything there is to know about an option. `choices` are in order of the value that each stands for. */
static const struct option_row {
	const char *name;
	char letter;
	enum option_type type;
	size_t offset;
	const char *argument, *help; /* help: msgid */
	const char *environment;
	const char *const *choices;
	int choice_first; /* value of choices[0]; list of words for TYPE_WORD */
	uint32_t number_max;
} table[OPTION_COUNT] = {
#define AT(member) offsetof(struct options, member)
#define CHOICES(...) \
	(const char *const[]) { __VA_ARGS__, NULL }
	[OPTION_OUTPUT] = { "output", 'o', TYPE_CHOICE, AT(output), "table|csv|json|jsonl",
			    N_("form of the output; table by default"), "BAOPHU_OUTPUT", CHOICES("table", "csv", "json", "jsonl"),
			    WRITER_TABLE, 0 },
	[OPTION_EXCEL] = { "excel", 0, TYPE_FLAG, AT(excel), NULL,
			   N_("with -o csv: BOM, semicolons, decimal comma, codes kept as text"), NULL, NULL, 0, 0 },
	[OPTION_LANGUAGE] = { "lang", 0, TYPE_CHOICE, AT(language), "vi|en", N_("language; from BAOPHU_LANG or LANG by default"),
			      NULL, CHOICES("vi", "en"), 0, 0 },
	[OPTION_TIMEOUT] = { "timeout", 0, TYPE_NUMBER, AT(timeout), "SECONDS",
			     N_("how long to wait for the server; 10 by default"), "BAOPHU_TIMEOUT", NULL, 0, 86400 },
	[OPTION_HELP] = { "help", 'h', TYPE_FLAG, 0, NULL, N_("this text"), NULL, NULL, 0, 0 },
	[OPTION_AS_OF] = { "as-of", 0, TYPE_DATE, AT(as_of), "DATE", N_("as of this date; the business day by default"), NULL, NULL,
			   0, 0 },
	[OPTION_SINCE] = { "since", 0, TYPE_DATE, AT(since), "DATE", N_("also the change since this date, and in per cent"), NULL,
			   NULL, 0, 0 },
	[OPTION_KNOWN] = { "known", 0, TYPE_SEQ, AT(known), "SEQ", N_("what was known at this place of the log"), NULL, NULL, 0,
			   0 },
	[OPTION_TREE] = { "tree", 0, TYPE_DATE, AT(tree), "DATE", N_("the units as they were on this date"), NULL, NULL, 0, 0 },
	[OPTION_PLAN] = { "plan", 0, TYPE_CODE, AT(plan), "CODE", N_("only this plan"), NULL, NULL, 0, 0 },
	[OPTION_MEASURE] = { "measure", 'm', TYPE_CODES, AT(measures), "CODE",
			     N_("only this measure or indicator; may be repeated"), NULL, NULL, 0, 0 },
	[OPTION_DEPTH] = { "depth", 'd', TYPE_NUMBER, AT(depth), "N", N_("how many levels below the unit"), NULL, NULL, 0,
			   BAOPHU_DEPTH_MAX },
	[OPTION_FROM] = { "from", 0, TYPE_DATE, AT(from), "DATE", N_("first day of the period"), NULL, NULL, 0, 0 },
	[OPTION_TO] = { "to", 0, TYPE_DATE, AT(to), "DATE", N_("last day of the period; the date of a level"), NULL, NULL, 0, 0 },
	[OPTION_DECIMALS] = { "decimals", 0, TYPE_NUMBER, AT(decimals), "N", N_("decimals of percentages, 0 to 6; 2 by default"),
			      NULL, NULL, 0, BAOPHU_RATE_DECIMALS_MAX },
	[OPTION_MIN_SEQ] = { "min-seq", 0, TYPE_SEQ, AT(min_seq), "SEQ", N_("wait until the answer contains this receipt"), NULL,
			     NULL, 0, 0 },
	[OPTION_LIMIT] = { "limit", 'n', TYPE_NUMBER, AT(limit), "N", N_("at most this many lines"), NULL, NULL, 0, UINT32_MAX },
	[OPTION_FROM_SEQ] = { "from", 0, TYPE_SEQ, AT(from_seq), "SEQ", N_("from this place of the log on"), NULL, NULL, 0, 0 },
	[OPTION_SINCE_SEQ] = { "since", 0, TYPE_SEQ, AT(since_seq), "SEQ", N_("only what came after this place of the log"), NULL,
			       NULL, 0, 0 },
	[OPTION_FROM_DAY] = { "from", 0, TYPE_DATE, AT(from), "DATE", N_("from this day on"), NULL, NULL, 0, 0 },
	[OPTION_TO_DAY] = { "to", 0, TYPE_DATE, AT(to), "DATE", N_("up to this day"), NULL, NULL, 0, 0 },
	[OPTION_NEWEST] = { "limit", 'n', TYPE_NUMBER, AT(limit), "N", N_("only the newest N"), NULL, NULL, 0, UINT32_MAX },
	[OPTION_LINE_PLAN] = { "plan", 0, TYPE_CODE, AT(plan), "CODE", N_("a line of this plan only; of every plan by default"),
			       NULL, NULL, 0, 0 },
	[OPTION_ONCE] = { "once", 0, TYPE_FLAG, AT(once), NULL, N_("print the first proven snapshot, then end"), NULL, NULL, 0, 0 },
	[OPTION_ASCII] = { "ascii", 0, TYPE_FLAG, AT(ascii), NULL, N_("bars of # and no other signs than ASCII has"), NULL, NULL, 0,
			   0 },
	[OPTION_RANK] = { "rank", 0, TYPE_FLAG, AT(rank), NULL, N_("the units in order of what they have reached, and who moves"),
			  NULL, NULL, 0, 0 },
	[OPTION_UNIT] = { "unit", 0, TYPE_CODE, AT(unit), "CODE", N_("only this unit and what lies below it"), NULL, NULL, 0, 0 },
	[OPTION_AGENT] = { "agent", 'a', TYPE_CODE, AT(agent), "NAME", N_("name of the sender as the centre enrolled it"),
			   "BAOPHU_AGENT", NULL, 0, 0 },
	[OPTION_NUMBERS] = { "numbers", 0, TYPE_CHOICE, AT(numbers), "vi|en",
			     N_("how figures are written: 1.065.565 and 92,62% (vi) or 1,065,565 and 92.62% (en); plain digits by "
				"default"),
			     NULL, CHOICES("vi", "en"), NUMBER_VI, 0 },
	[OPTION_DRY_RUN] = { "dry-run", 0, TYPE_FLAG, AT(dry_run), NULL, N_("check and count; send nothing"), NULL, NULL, 0, 0 },
	[OPTION_EXTENT] = { "extent", 0, TYPE_WORD, AT(extent), "whole|own",
			    N_("the unit with all below it (default), or its office's own"), NULL, NULL, WORDS_EXTENT, 0 },
	[OPTION_STATUS] = { "status", 0, TYPE_WORD, AT(status), "final|provisional|estimate", N_("how settled the figure is"), NULL,
			    NULL, WORDS_STATUS, 0 },
	[OPTION_ORIGIN] = { "origin", 0, TYPE_WORD, AT(origin), "reported|published|implied|illustrative",
			    N_("where the figure is from"), NULL, NULL, WORDS_ORIGIN, 0 },
	[OPTION_BOUND] = { "bound", 0, TYPE_WORD, AT(bound), "exact|about|more_than|nearly", N_("how exactly it was given"), NULL,
			   NULL, WORDS_BOUND, 0 },
	[OPTION_REASON] = { "reason", 0, TYPE_WORD, AT(reason), "CODE", N_("why it moved: correction, card_expiry, policy, …"),
			    NULL, NULL, WORDS_REASON, 0 },
	[OPTION_KIND] = { "kind", 0, TYPE_WORD, AT(kind), "stock|flow|rate",
			  N_("what is to be reached: a level (default), an amount in the period, a rate"), NULL, NULL,
			  WORDS_PLAN_KIND, 0 },
	[OPTION_ISSUER] = { "issuer", 0, TYPE_TEXT, AT(issuer), "TEXT", N_("who assigned the plan"), NULL, NULL, 0, 0 },
	[OPTION_DOCUMENT] = { "document", 0, TYPE_TEXT, AT(document), "TEXT", N_("number and date of the decision"), NULL, NULL, 0,
			      0 },
	[OPTION_REMOVE] = { "remove", 0, TYPE_FLAG, AT(remove), NULL, N_("take the target back"), NULL, NULL, 0, 0 },
	[OPTION_REVOKE] = { "revoke", 0, TYPE_FLAG, AT(revoke), NULL, N_("end these grants after their `until`"), NULL, NULL, 0,
			    0 },
	[OPTION_QUERY] = { "query", 0, TYPE_TEXT, AT(query), "ENDPOINT", N_("where questions go; tcp://127.0.0.1:7102 by default"),
			   "BAOPHU_QUERY", NULL, 0, 0 },
	[OPTION_INGEST] = { "ingest", 0, TYPE_TEXT, AT(ingest), "ENDPOINT", N_("where figures go; tcp://127.0.0.1:7101 by default"),
			    "BAOPHU_INGEST", NULL, 0, 0 },
	[OPTION_CONTROL] = { "control", 0, TYPE_TEXT, AT(control), "ENDPOINT",
			     N_("where administration goes; ipc:///run/baophud/control by default"), "BAOPHU_CONTROL", NULL, 0, 0 },
	[OPTION_PUBLISH] = { "publish", 0, TYPE_TEXT, AT(publish), "ENDPOINT",
			     N_("where snapshots come from; tcp://127.0.0.1:7103 by default"), "BAOPHU_PUBLISH", NULL, 0, 0 },
	[OPTION_JOURNAL] = { "journal", 0, TYPE_TEXT, AT(journal), "DIR",
			     N_("keep the change there before it is sent, for a centre that is put back to an older copy"),
			     "BAOPHU_JOURNAL", NULL, 0, 0 },
	[OPTION_LATE] = { "late", 0, TYPE_FLAG, AT(late), NULL, N_("only what is late or silent"), NULL, NULL, 0, 0 },
	[OPTION_SILENT] = { "silent", 0, TYPE_FLAG, AT(silent), NULL, N_("only what is silent"), NULL, NULL, 0, 0 },
	[OPTION_CONFIG] = { "config", 0, TYPE_TEXT, AT(config), "FILE",
			    N_("settings of the office; /etc/baophu/agent.conf by default"), "BAOPHU_AGENT_CONFIG", NULL, 0, 0 },
	[OPTION_SOCKET] = { "socket", 0, TYPE_TEXT, AT(socket), "PATH",
			    N_("where the agent listens; as its settings say by default"), "BAOPHU_AGENT_SOCKET", NULL, 0, 0 },
	[OPTION_OUT] = { "out", 0, TYPE_TEXT, AT(out), "FILE", N_("file to write"), NULL, NULL, 0, 0 },
	[OPTION_OF_UNIT] = { "unit", 0, TYPE_TEXT, AT(unit), "UNIT", N_("code or name of the unit"), NULL, NULL, 0, 0 },
	[OPTION_LEVEL] = { "level", 0, TYPE_CODE, AT(level), "LEVEL", N_("every unit of this level at or below the unit: commune"),
			   NULL, NULL, 0, 0 },
	[OPTION_CLOSING_DAY] = { "closing-day", 0, TYPE_NUMBER, AT(closing_day), "DAY",
				 N_("day that figures are of; the last day of the week, month, quarter or year by default"), NULL,
				 NULL, 0, 1231 },
	[OPTION_GRACE] = { "grace", 0, TYPE_NUMBER, AT(grace_days), "DAYS", N_("days after it until a figure is late"), NULL, NULL,
			   0, BAOPHU_GRACE_DAYS_MAX },
	[OPTION_DATE] = { "date", 0, TYPE_TEXT, AT(date), "DATE", N_("day of the figure: 30/4/2024"), NULL, NULL, 0, 0 },
	[OPTION_PERIOD] = { "period", 0, TYPE_TEXT, AT(period), "PERIOD",
			    N_("as people say it: tháng 4/2024, quý I/2024, 6 tháng đầu năm 2024"), NULL, NULL, 0, 0 },
#undef AT
#undef CHOICES
};

static void say_choices(const struct option_row *row, const char *value)
{
	if (row->type == TYPE_WORD) {
		char words[200];
		const char *near = word_suggest((enum word_list)row->choice_first, value);
		cli_say(_("--%s “%s”: one of %s"), row->name, value,
			word_choices((enum word_list)row->choice_first, words, sizeof words));
		if (near)
			cli_say(_("did you mean `%s`?"), near);
	} else {
		cli_say(_("--%s “%s”: one of %s"), row->name, value, row->argument);
	}
}

static bool parse_number(const char *text, uint64_t max, uint64_t *ret_number)
{
	char *end;
	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || number > max)
		return false;
	*ret_number = number;
	return true;
}

/* Stores one option's value. 0, or CLI_USAGE after a message. */
static int take(struct options *options, const struct option_row *row, const char *value)
{
	void *member = (char *)options + row->offset;
	uint64_t number;
	switch (row->type) {
	case TYPE_FLAG:
		*(bool *)member = true;
		return 0;
	case TYPE_TEXT:
		*(const char **)member = value;
		return 0;
	case TYPE_CODE:
	case TYPE_CODES:
		if (!text_is_code(value, strlen(value))) {
			cli_say(_("--%s “%s”: a code is 1 to 16 of 0-9 A-Z a-z . _ -"), row->name, value);
			return CLI_USAGE;
		}
		if (row->type == TYPE_CODE) {
			*(const char **)member = value;
		} else if (options->measure_count == BAOPHU_QUERY_MEASURES_MAX) {
			cli_say(_("--%s: at most %d"), row->name, BAOPHU_QUERY_MEASURES_MAX);
			return CLI_USAGE;
		} else {
			options->measures[options->measure_count++] = value;
		}
		return 0;
	case TYPE_DATE:
		if (baophu_date_parse(value, member) == 0)
			return 0;
		cli_say(_("--%s “%s”: a date is YYYY-MM-DD or dd/mm/yyyy"), row->name, value);
		return CLI_USAGE;
	case TYPE_NUMBER:
		if (parse_number(value, row->number_max, &number)) {
			*(uint32_t *)member = (uint32_t)number;
			return 0;
		}
		cli_say(_("--%s “%s”: a number from 0 to %u"), row->name, value, row->number_max);
		return CLI_USAGE;
	case TYPE_SEQ:
		if (parse_number(value, UINT64_MAX, member))
			return 0;
		cli_say(_("--%s “%s”: a place in the log is a number"), row->name, value);
		return CLI_USAGE;
	case TYPE_CHOICE:
		for (int i = 0; row->choices[i]; i++)
			if (strcmp(row->choices[i], value) == 0) {
				*(int *)member = row->choice_first + i;
				return 0;
			}
		say_choices(row, value);
		return CLI_USAGE;
	case TYPE_WORD: {
		int word = word_parse((enum word_list)row->choice_first, value);
		if (word >= 0) {
			*(int *)member = word;
			return 0;
		}
		say_choices(row, value);
		return CLI_USAGE;
	}
	}
	return CLI_USAGE;
}

void options_init(struct options *options)
{
	*options = (struct options){
		.language = -1,
		.as_of = BAOPHU_DATE_NONE,
		.since = BAOPHU_DATE_NONE,
		.tree = BAOPHU_DATE_NONE,
		.from = BAOPHU_DATE_NONE,
		.to = BAOPHU_DATE_NONE,
		.depth = CLI_DEPTH_UNSAID,
		.decimals = 2,
		.timeout = 10,
		.plan = "",
		.agent = "",
		.unit = "",
		.issuer = "",
		.document = "",
		.journal = "",
		.query = "tcp://127.0.0.1:7102",
		.ingest = "tcp://127.0.0.1:7101",
		.control = "ipc:///run/baophud/control",
		.publish = "tcp://127.0.0.1:7103",
		.config = "",
		.socket = "",
		.level = "",
		.out = "",
		.date = "",
		.period = "",
	};
}

static int take_environment(struct options *options, uint64_t allowed)
{
	for (int id = 0; id < OPTION_COUNT; id++) {
		const char *value = table[id].environment && allowed & OPTION_BIT(id) ? getenv(table[id].environment) : NULL;
		int error = value && *value ? take(options, &table[id], value) : 0;
		if (error) {
			cli_say(_("this value comes from the environment: %s"), table[id].environment);
			return error;
		}
	}
	return 0;
}

static void say_unknown(uint64_t allowed, const char *typed)
{
	const char *names[OPTION_COUNT];
	size_t count = 0;
	char word[40];
	const char *body = typed + strspn(typed, "-");
	snprintf(word, sizeof word, "%.*s", (int)strcspn(body, "="), body);
	for (int id = 0; id < OPTION_COUNT; id++)
		if (allowed & OPTION_BIT(id))
			names[count++] = table[id].name;
	const char *near = suggest(word, names, count);
	cli_say(_("there is no option “%s” here"), typed);
	if (near)
		cli_say(_("did you mean `--%s`?"), near);
}

int options_parse(struct options *options, uint64_t allowed, int argc, char **argv)
{
	struct option longs[OPTION_COUNT + 1] = { 0 };
	char shorts[2 * OPTION_COUNT + 2] = ":";
	size_t n = 0, s = 1;
	for (int id = 0; id < OPTION_COUNT; id++) {
		if (!(allowed & OPTION_BIT(id)))
			continue;
		longs[n++] = (struct option){ .name = table[id].name,
					      .has_arg = table[id].argument ? required_argument : no_argument,
					      .val = 256 + id };
		if (table[id].letter) {
			shorts[s++] = table[id].letter;
			if (table[id].argument)
				shorts[s++] = ':';
		}
	}
	int error = take_environment(options, allowed);
	if (error)
		return error;
	opterr = 0;
	optind = 0;
	for (int found; (found = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
		if (found == ':') {
			cli_say(_("“%s” needs a value"), argv[optind - 1]);
			return CLI_USAGE;
		}
		if (found == '?') {
			if (optopt && optopt < 256) {
				cli_say(_("there is no option “-%c” here"), optopt);
			} else {
				say_unknown(allowed, argv[optind - 1]);
			}
			return CLI_USAGE;
		}
		int id = found - 256;
		for (int i = 0; found < 256 && i < OPTION_COUNT; i++)
			if (allowed & OPTION_BIT(i) && table[i].letter == found)
				id = i;
		if (id == OPTION_HELP)
			return -1;
		error = take(options, &table[id], optarg);
		if (error)
			return error;
	}
	options->argument_count = (uint32_t)(argc - optind);
	options->arguments = (const char *const *)argv + optind;
	return 0;
}

void options_print_help(FILE *out, uint64_t allowed)
{
	for (int id = 0; id < OPTION_COUNT; id++) {
		const struct option_row *row = &table[id];
		if (!(allowed & OPTION_BIT(id)))
			continue;
		char left[64];
		snprintf(left, sizeof left, "%s%c%s--%s%s%s", row->letter ? "-" : "", row->letter ? row->letter : ' ',
			 row->letter ? ", " : "   ", row->name, row->argument ? " " : "", row->argument ? row->argument : "");
		fprintf(out, strlen(left) <= 26 ? "  %-26s " : "  %s\n                             ", left);
		fprintf(out, "%s", _(row->help));
		if (row->environment)
			fprintf(out, " [%s]", row->environment);
		putc('\n', out);
	}
}
