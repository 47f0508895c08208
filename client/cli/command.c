/* command.c - the table of commands, finding one, and help; see command.h.
 *
 * Everything that a command is stands in its row: parsing, --help and "did you mean" are made from it.
 */
#include "command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "language.h"
#include "options.h"
#include "suggest.h"

#define BIT OPTION_BIT
const uint64_t command_common_options = BIT(OPTION_OUTPUT) | BIT(OPTION_EXCEL) | BIT(OPTION_LANGUAGE) | BIT(OPTION_TIMEOUT) |
					BIT(OPTION_HELP);

/* What a question about figures can say. */
#define AXES                                                                                                                     \
	(BIT(OPTION_AS_OF) | BIT(OPTION_SINCE) | BIT(OPTION_KNOWN) | BIT(OPTION_TREE) | BIT(OPTION_PLAN) | BIT(OPTION_MEASURE) | \
	 BIT(OPTION_FROM) | BIT(OPTION_TO) | BIT(OPTION_DECIMALS) | BIT(OPTION_MIN_SEQ) | BIT(OPTION_QUERY))
#define IMPORT (BIT(OPTION_NUMBERS) | BIT(OPTION_DRY_RUN) | BIT(OPTION_QUERY))

const struct command commands[] = {
	{ "coverage", "show", "UNIT", 1, 1, AXES | BIT(OPTION_DEPTH), coverage_show,
	  N_("figures, plans and shares of a unit and of the units below it"),
	  "baophu coverage show 92\n"
	  "baophu coverage show 'Cần Thơ' --as-of 30/04/2024 --depth 0\n"
	  "baophu coverage show 481 --measure bhxh_tn --since 2018-12-31\n"
	  "baophu coverage show 92 -o csv --excel > can-tho.csv" },
	{ "coverage", "behind", "UNIT --plan CODE", 1, 1, AXES | BIT(OPTION_DEPTH), coverage_behind,
	  N_("which units below it have met a plan, which are behind, and who has not reported"),
	  "baophu coverage behind 481 --plan nam-2019\n"
	  "baophu coverage behind 92 --plan nam-2024 --measure bhyt -o json" },
	{ "coverage", "rank", "UNIT", 1, 1, AXES | BIT(OPTION_DEPTH), coverage_rank,
	  N_("the units below it in order of what they have reached"),
	  "baophu coverage rank VN --plan nam-2024\n"
	  "baophu coverage rank 481 --plan nam-2019 --measure bhxh_tn --decimals 1" },
	{ "coverage", "history", "UNIT", 1, 1,
	  BIT(OPTION_MEASURE) | BIT(OPTION_KNOWN) | BIT(OPTION_TREE) | BIT(OPTION_AS_OF) | BIT(OPTION_MIN_SEQ) | BIT(OPTION_QUERY),
	  coverage_history, N_("every figure ever reported for a unit, who sent it, and which one stands"),
	  "baophu coverage history 927 --measure bhxh_tn" },
	{ "coverage", "watch", "UNIT", 1, 1,
	  BIT(OPTION_DEPTH) | BIT(OPTION_PLAN) | BIT(OPTION_MEASURE) | BIT(OPTION_DECIMALS) | BIT(OPTION_ONCE) | BIT(OPTION_ASCII) |
	      BIT(OPTION_QUERY) | BIT(OPTION_PUBLISH),
	  coverage_watch, N_("the snapshot of a unit and of the units below it, then each change as it happens"),
	  "baophu coverage watch 92\n"
	  "baophu coverage watch 481 --measure bhxh_tn --plan nam-2019\n"
	  "baophu coverage watch VN --depth 1 -o jsonl\n"
	  "baophu coverage watch 481 --once" },
	{ "unit", "list", "[UNIT]", 0, 1,
	  BIT(OPTION_AS_OF) | BIT(OPTION_TREE) | BIT(OPTION_DEPTH) | BIT(OPTION_KNOWN) | BIT(OPTION_MIN_SEQ) | BIT(OPTION_QUERY),
	  unit_list, N_("units, as they are or were on a date"),
	  "baophu unit list\n"
	  "baophu unit list 92 --depth 2 --tree 2024-04-30" },
	{ "unit", "import", "FILE", 1, 1, BIT(OPTION_DRY_RUN) | BIT(OPTION_QUERY) | BIT(OPTION_CONTROL), unit_import,
	  N_("create, change and close units from a file"),
	  "baophu unit import units.csv --dry-run\n"
	  "baophu unit import units.csv" },
	{ "measure", "list", "", 0, 0, BIT(OPTION_QUERY), measure_list, N_("what is counted, and the ratios of it"),
	  "baophu measure list" },
	{ "plan", "list", "[UNIT]", 0, 1,
	  BIT(OPTION_PLAN) | BIT(OPTION_MEASURE) | BIT(OPTION_DEPTH) | BIT(OPTION_AS_OF) | BIT(OPTION_TREE) | BIT(OPTION_KNOWN) |
	      BIT(OPTION_MIN_SEQ) | BIT(OPTION_QUERY),
	  plan_list, N_("targets in force"),
	  "baophu plan list 92\n"
	  "baophu plan list --plan nam-2024 -o csv" },
	{ "plan", "set", "CODE UNIT MEASURE VALUE --from DATE --to DATE", 3, 4,
	  BIT(OPTION_FROM) | BIT(OPTION_TO) | BIT(OPTION_KIND) | BIT(OPTION_ISSUER) | BIT(OPTION_DOCUMENT) | BIT(OPTION_ORIGIN) |
	      BIT(OPTION_NUMBERS) | BIT(OPTION_REMOVE) | BIT(OPTION_DRY_RUN) | BIT(OPTION_QUERY) | BIT(OPTION_CONTROL),
	  plan_set, N_("set, revise or take back one target"),
	  "baophu plan set nam-2024 927 bhxh_tn 2857 --from 2024-01-01 --to 2024-12-31 --issuer 'BHXH TP Cần Thơ'\n"
	  "baophu plan set nam-2021 06 bhxh_laodong 16 --kind rate --from 2021-01-01 --to 2021-12-31" },
	{ "plan", "import", "FILE", 1, 1, IMPORT | BIT(OPTION_CONTROL), plan_import, N_("set targets from a file"),
	  "baophu plan import plans.csv --dry-run\n"
	  "baophu plan import plans.csv --numbers vi" },
	{ "report", "send", "UNIT MEASURE VALUE --to DATE --agent NAME", 3, 3,
	  BIT(OPTION_AGENT) | BIT(OPTION_FROM) | BIT(OPTION_TO) | BIT(OPTION_EXTENT) | BIT(OPTION_STATUS) | BIT(OPTION_ORIGIN) |
	      BIT(OPTION_BOUND) | BIT(OPTION_REASON) | BIT(OPTION_NUMBERS) | BIT(OPTION_DECIMALS) | BIT(OPTION_DRY_RUN) |
	      BIT(OPTION_QUERY) | BIT(OPTION_INGEST),
	  report_send, N_("send one figure; VALUE `withdraw` takes it back"),
	  "baophu report send 927 bhxh_tn 1600 --to 30/04/2024 --agent thoi-lai\n"
	  "baophu report send 927 bhxh_tn withdraw --to 30/04/2024 --agent thoi-lai" },
	{ "report", "import", "FILE", 1, 1, IMPORT | BIT(OPTION_AGENT) | BIT(OPTION_INGEST), report_import,
	  N_("send figures from a file"),
	  "baophu report import thang-4.csv --agent thoi-lai --dry-run\n"
	  "baophu report import thang-4.csv --agent thoi-lai --numbers vi" },
	{ "held", "list", "", 0, 0, BIT(OPTION_QUERY) | BIT(OPTION_MIN_SEQ), held_list,
	  N_("updates that wait for a decision, and why"), "baophu held list" },
	{ "held", "release", "RECEIPT", 1, 1, BIT(OPTION_CONTROL), held_release,
	  N_("apply a held update now that its cause is mended"), "baophu held release 57" },
	{ "held", "refuse", "RECEIPT", 1, 1, BIT(OPTION_CONTROL), held_refuse, N_("refuse a held update for good"),
	  "baophu held refuse 57" },
	{ "agent", "list", "", 0, 0, BIT(OPTION_AS_OF) | BIT(OPTION_QUERY) | BIT(OPTION_MIN_SEQ), agent_list,
	  N_("senders, and what each may report"), "baophu agent list" },
	{ "agent", "import", "FILE", 1, 1, BIT(OPTION_DRY_RUN) | BIT(OPTION_REVOKE) | BIT(OPTION_QUERY) | BIT(OPTION_CONTROL),
	  agent_import, N_("enrol offices from a file"),
	  "baophu agent import agents.csv\n"
	  "baophu agent import closed.csv --revoke" },
	{ "agent", "open", "NAME EPOCH", 2, 2, BIT(OPTION_CONTROL), agent_open,
	  N_("let a sender's frozen epoch go on, once it is known which of its two updates stands"),
	  "baophu agent open thoi-lai 3" },
	{ "log", "show", "", 0, 0, BIT(OPTION_FROM_SEQ) | BIT(OPTION_LIMIT) | BIT(OPTION_QUERY) | BIT(OPTION_MIN_SEQ), log_show,
	  N_("what was decided, in order"),
	  "baophu log show\n"
	  "baophu log show --from 50 --limit 20" },
	{ "server", "status", "", 0, 0, BIT(OPTION_QUERY) | BIT(OPTION_MIN_SEQ), server_status,
	  N_("how the centre is; exit 1 when it needs a look"), "baophu server status" },
	{ "server", "stop", "", 0, 0, BIT(OPTION_CONTROL), server_stop, N_("stop the centre cleanly"), "baophu server stop" },
};
const size_t command_count = sizeof commands / sizeof *commands;

/* ---- help ---- */

static void print_commands(FILE *out, const char *noun)
{
	const char *last = "";
	for (size_t i = 0; i < command_count; i++) {
		const struct command *command = &commands[i];
		if (noun && strcmp(command->noun, noun) != 0)
			continue;
		if (!noun && *last && strcmp(last, command->noun) != 0)
			putc('\n', out);
		last = command->noun;
		fprintf(out, "  %-9s %-8s  %s\n", command->noun, command->verb, _(command->summary));
	}
}

static void print_overview(FILE *out)
{
	fprintf(out, "%s\n\n", _("baophu - coverage of social, health and unemployment insurance: ask, watch, report, administer"));
	fprintf(out, "%s\n\n", _("Usage: baophu NOUN VERB [ARGUMENTS] [OPTIONS]"));
	print_commands(out, NULL);
	fprintf(out, "\n%s\n", _("Examples:"));
	fprintf(out, "  baophu coverage show 92\n  baophu coverage behind 481 --plan nam-2019\n"
		     "  baophu report send 927 bhxh_tn 1600 --to 30/04/2024 --agent thoi-lai\n");
	fprintf(out, "\n%s\n", _("More: `baophu NOUN VERB --help`, baophu(1). Language: --lang vi|en."));
}

static void print_help(FILE *out, const struct command *command)
{
	fprintf(out, _("Usage: baophu %s %s %s%s[OPTIONS]\n"), command->noun, command->verb, command->arguments,
		*command->arguments ? " " : "");
	fprintf(out, "\n%s\n", _(command->summary));
	fprintf(out, "\n%s\n", _("Examples:"));
	for (const char *line = command->examples; *line;) {
		size_t length = strcspn(line, "\n");
		fprintf(out, "  %.*s\n", (int)length, line);
		line += length + (line[length] == '\n');
	}
	fprintf(out, "\n%s\n", _("Options:"));
	options_print_help(out, command->options | command_common_options);
	fprintf(out, "\n%s\n",
		_("Exit status: 0 done; 1 a condition does not hold; 2 usage; 3 no server; 4 not authorised; 5 some rows wrong, or "
		  "held; "
		  "6 refused; 7 other protocol; 8 this machine."));
}

/* ---- finding ---- */

static const struct command *find(const char *noun, const char *verb)
{
	for (size_t i = 0; i < command_count; i++)
		if (strcmp(commands[i].noun, noun) == 0 && strcmp(commands[i].verb, verb) == 0)
			return &commands[i];
	return NULL;
}

static bool is_noun(const char *word)
{
	for (size_t i = 0; i < command_count; i++)
		if (strcmp(commands[i].noun, word) == 0)
			return true;
	return false;
}

static int say_unknown(const char *noun, const char *verb)
{
	const char *words[64];
	size_t count = 0;
	for (size_t i = 0; i < command_count && count < sizeof words / sizeof *words; i++) {
		if (!verb)
			words[count++] = commands[i].noun;
		else if (strcmp(commands[i].noun, noun) == 0)
			words[count++] = commands[i].verb;
	}
	const char *near = suggest(verb ? verb : noun, words, count);
	if (verb)
		cli_say(_("`%s` has no verb “%s”"), noun, verb);
	else
		cli_say(_("there is no command “%s”"), noun);
	if (near && verb)
		cli_say(_("did you mean `baophu %s %s`?"), noun, near);
	else if (near)
		cli_say(_("did you mean `baophu %s`?"), near);
	else
		cli_say("%s", _("see `baophu help`"));
	return CLI_USAGE;
}

/* Columns of the terminal; 0 where nobody looks at widths. */
static unsigned terminal_width(void)
{
	const char *said = getenv("COLUMNS");
	long columns = said ? strtol(said, NULL, 10) : 0;
	struct winsize size;
	if (columns > 0 && columns < 10000)
		return (unsigned)columns;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return 0;
}

/* --lang has to be known before the first message. */
static const char *language_of(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--lang=", 7) == 0)
			return argv[i] + 7;
		if (strcmp(argv[i], "--lang") == 0 && i + 1 < argc)
			return argv[i + 1];
	}
	return NULL;
}

static int run(const struct command *command, int argc, char **argv, bool vietnamese)
{
	struct cli cli = { .command = command, .vietnamese = vietnamese };
	options_init(&cli.options);
	int error = options_parse(&cli.options, command->options | command_common_options, argc, argv);
	if (error < 0) {
		print_help(stdout, command);
		return CLI_OK;
	}
	if (error)
		return error;
	if (cli.options.argument_count < command->arguments_min || cli.options.argument_count > command->arguments_max) {
		cli_say(cli.options.argument_count < command->arguments_min ? _("something is missing")
									    : _("that is one word too many"));
		cli_say(_("usage: baophu %s %s %s"), command->noun, command->verb, command->arguments);
		return CLI_USAGE;
	}
	if (cli.options.excel && cli.options.output != WRITER_CSV) {
		cli_say(_("--excel goes with -o csv"));
		return CLI_USAGE;
	}
	if (cli.options.since != BAOPHU_DATE_NONE && cli.options.as_of != BAOPHU_DATE_NONE &&
	    cli.options.since > cli.options.as_of) {
		cli_say(_("--since is after --as-of"));
		return CLI_USAGE;
	}
	const char *no_color = getenv("NO_COLOR");
	const struct writer_options writer = { .kind = (enum writer_kind)cli.options.output,
					       .vietnamese = vietnamese,
					       .excel = cli.options.excel,
					       .color = isatty(STDOUT_FILENO) && !(no_color && *no_color),
					       .width = terminal_width() };
	writer_open(&cli.writer, &writer, stdout);
	int status = command->run(&cli);
	if (fflush(stdout) != 0 && !status)
		status = cli_fail(_("output"), -EIO);
	return status;
}

int command_run(int argc, char **argv)
{
	bool vietnamese = language_start(language_of(argc, argv));
	/* Options may stand before the noun; only those with a value need to be stepped over. */
	int first = 1;
	while (first < argc && argv[first][0] == '-') {
		if (strcmp(argv[first], "--version") == 0 || strcmp(argv[first], "-V") == 0) {
			printf("baophu %s\n", BAOPHU_VERSION);
			return CLI_OK;
		}
		if (strcmp(argv[first], "--help") == 0 || strcmp(argv[first], "-h") == 0) {
			print_overview(stdout);
			return CLI_OK;
		}
		first += strcmp(argv[first], "--lang") == 0 ? 2 : 1;
	}
	const char *noun = first < argc ? argv[first] : NULL, *verb = first + 1 < argc ? argv[first + 1] : NULL;
	if (noun && strcmp(noun, "help") == 0) {
		noun = verb;
		verb = first + 2 < argc ? argv[first + 2] : NULL;
		if (noun && verb && find(noun, verb)) {
			print_help(stdout, find(noun, verb));
			return CLI_OK;
		}
	}
	if (!noun) {
		print_overview(stdout);
		return CLI_OK;
	}
	if (!is_noun(noun))
		return say_unknown(noun, NULL);
	if (!verb || verb[0] == '-') {
		fprintf(stdout, "%s\n\n", _("Usage: baophu NOUN VERB [ARGUMENTS] [OPTIONS]"));
		print_commands(stdout, noun);
		return CLI_OK;
	}
	const struct command *command = find(noun, verb);
	if (!command)
		return say_unknown(noun, verb);
	/* Without noun and verb, what is left is one line of options and arguments. */
	memmove(argv + first, argv + first + 2, (size_t)(argc - first - 1) * sizeof *argv);
	return run(command, argc - 2, argv, vietnamese);
}
