/* verbs.c - see verbs.h. A command says what was typed to the agent and prints what it answers; only `run` and `check` work by themselves. */
#include "verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <baophu/date.h>
#include <baophu/status.h>

#include "config.h"
#include "control.h"
#include "language.h"
#include "agent.h"
#include "options.h"
#include "words.h"

enum { WHY_BYTES = 2048 };

/* ---- asking the agent ---- */

/* Where it listens: as was said, else as its settings say, else where it listens by itself. */
static const char *socket_path(const struct cli *cli, struct config *config)
{
	char why[WHY_BYTES];
	if (*cli->options.socket)
		return cli->options.socket;
	const char *file = *cli->options.config ? cli->options.config : CONFIG_FILE_DEFAULT;
	return config_read(config, file, why, sizeof why) == 0 ? config->socket : CONFIG_SOCKET_DEFAULT;
}

struct hearing {
	bool shows_progress, has_progress;
};

/* Prints one line of the answer. */
static void on_line(void *user, const json_t *line)
{
	struct hearing *hearing = user;
	const char *out = json_string_value(json_object_get(line, "out")), *err = json_string_value(json_object_get(line, "err"));
	const json_t *progress = json_object_get(line, "progress");
	json_int_t done = json_integer_value(json_object_get(progress, "done")),
		   of = json_integer_value(json_object_get(progress, "of"));
	if (hearing->has_progress && (out || err)) {
		fputs("\r\033[K", stderr);
		hearing->has_progress = false;
	}
	if (out)
		fputs(out, stdout);
	if (err)
		cli_say("%s", err);
	if (of > 0 && hearing->shows_progress) {
		fprintf(stderr, "\r%3d%%", (int)(done * 100 / of));
		hearing->has_progress = true;
	}
}

/* Takes the request, adds what all of them say, and prints the answer. The exit code. */
static int ask(struct cli *cli, json_t *request, int fd)
{
	static const char *const outputs[] = { "table", "csv", "json", "jsonl" };
	struct config config;
	struct hearing hearing = { .shows_progress = isatty(STDERR_FILENO) };
	const struct writer_options *writer = &cli->writer.options;
	const char *path = socket_path(cli, &config);
	json_t *common = json_pack("{s:s, s:s, s:b, s:b, s:i}", "lang", cli->vietnamese ? "vi" : "en", "output",
				   outputs[writer->kind], "excel", writer->excel, "color", writer->color, "width",
				   (int)writer->width);
	if (!request || !common || json_object_update(request, common) != 0) {
		json_decref(request);
		json_decref(common);
		return cli_fail(_("the request"), -ENOMEM);
	}
	json_decref(common);
	int result = control_ask(path, request, fd, on_line, &hearing);
	json_decref(request);
	if (hearing.has_progress)
		fputs("\r\033[K", stderr);
	if (result >= 0)
		return result;
	switch (-result) {
	case ENOENT:
	case ECONNREFUSED:
		cli_say(
		    _("the agent is not running, or not at %s: nothing was saved; start it with `systemctl start baophu-agent`"),
		    path);
		return CLI_UNREACHABLE;
	case EACCES:
		cli_say(_("you may not use %s: have your user put into the group of the agent"), path);
		return CLI_NOT_AUTHORISED;
	case EPIPE:
	case ECONNRESET:
		cli_say(_("the agent ended before it answered: what was not said to be saved may not be; see `baophu-agent list`"));
		return CLI_UNREACHABLE;
	default:
		return cli_fail(path, result);
	}
}

/* ---- figures ---- */

static int put_text(json_t *object, const char *key, const char *text)
{
	return text && *text ? json_object_set_new(object, key, json_string(text)) : 0;
}

static int put_date(json_t *object, const char *key, baophu_date date)
{
	char text[11];
	return date == BAOPHU_DATE_NONE ? 0 : json_object_set_new(object, key, json_string(baophu_date_format(date, false, text)));
}

static int put_word(json_t *object, const char *key, enum word_list list, int word)
{
	return word ? put_text(object, key, word_of(list, word)) : 0;
}

static int report_figure(struct cli *cli)
{
	const struct options *options = &cli->options;
	bool has_from = options->from != BAOPHU_DATE_NONE, has_to = options->to != BAOPHU_DATE_NONE;
	if (!*options->unit || options->measure_count != 1 || options->argument_count != 1) {
		cli_say(_("one figure is --unit UNIT --measure CODE --date DATE VALUE; or give files"));
		return CLI_USAGE;
	}
	if ((*options->date != '\0') + (*options->period != '\0') + (has_from || has_to) != 1 || (has_from && !has_to)) {
		cli_say(_("say once which day or period the figure is of: --date DATE, --from DATE --to DATE, or --period PERIOD"));
		return CLI_USAGE;
	}
	json_t *figure = json_object();
	bool failed = !figure || put_text(figure, "unit", options->unit) || put_text(figure, "measure", options->measures[0]) ||
		      put_text(figure, "value", options->arguments[0]) || put_text(figure, "date", options->date) ||
		      put_text(figure, "period", options->period) || put_date(figure, "from", options->from) ||
		      put_date(figure, "to", options->to) || put_word(figure, "extent", WORDS_EXTENT, options->extent) ||
		      put_word(figure, "status", WORDS_STATUS, options->status) ||
		      put_word(figure, "origin", WORDS_ORIGIN, options->origin) ||
		      put_word(figure, "bound", WORDS_BOUND, options->bound) ||
		      put_word(figure, "reason", WORDS_REASON, options->reason);
	json_t *request = failed ? NULL
				 : json_pack("{s:s, s:b, s:o}", "verb", "report", "dry_run", options->dry_run, "figure", figure);
	if (failed)
		json_decref(figure);
	return ask(cli, request, -1);
}

static int report_file(struct cli *cli, const char *path)
{
	const char *name = strrchr(path, '/');
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		cli_say("%s: %s", path, fd < 0 ? strerror(errno) : _("not a file"));
		if (fd >= 0)
			close(fd);
		return CLI_USAGE;
	}
	json_t *request = json_pack("{s:s, s:b, s:s}", "verb", "report", "dry_run", cli->options.dry_run, "name",
				    name ? name + 1 : path);
	int code = request ? ask(cli, request, fd) : CLI_USAGE;
	if (!request)
		cli_say(_("%s: the name is not UTF-8; rename the file"), path);
	close(fd);
	return code;
}

static int report(struct cli *cli)
{
	const struct options *options = &cli->options;
	if (*options->unit || options->measure_count)
		return report_figure(cli);
	int code = CLI_OK;
	for (uint32_t i = 0; i < options->argument_count && code != CLI_UNREACHABLE && code != CLI_NOT_AUTHORISED; i++) {
		int one = report_file(cli, options->arguments[i]);
		if (one)
			code = one;
	}
	return code;
}

/* ---- the office's form ---- */

static int template(struct cli *cli)
{
	const struct options *options = &cli->options;
	char beside[4096];
	if (!*options->out) {
		cli_say(_("say which file to write: --out FILE.xlsx"));
		return CLI_USAGE;
	}
	if (snprintf(beside, sizeof beside, "%s.%ld.tmp", options->out, (long)getpid()) >= (int)sizeof beside)
		return cli_fail(options->out, -ENAMETOOLONG);
	int fd = open(beside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return cli_fail(options->out, -errno);
	json_t *measures = json_array(), *request = json_pack("{s:s}", "verb", "template");
	bool failed = !measures || !request || put_text(request, "period", options->period) ||
		      put_text(request, "date", options->date) || put_date(request, "from", options->from) ||
		      put_date(request, "to", options->to);
	for (uint32_t i = 0; !failed && i < options->measure_count; i++)
		failed = json_array_append_new(measures, json_string(options->measures[i])) != 0;
	if (!failed && options->measure_count)
		failed = json_object_set(request, "measures", measures) != 0;
	json_decref(measures);
	if (failed) {
		json_decref(request);
		request = NULL;
	}
	int code = ask(cli, request, fd);
	if (!code && (fsync(fd) != 0 || rename(beside, options->out) != 0))
		code = cli_fail(options->out, -errno);
	if (code)
		unlink(beside);
	close(fd);
	return code;
}

/* ---- the rest ---- */

static int status(struct cli *cli) { return ask(cli, json_pack("{s:s}", "verb", "status"), -1); }

static int list(struct cli *cli)
{
	return ask(cli, json_pack("{s:s, s:i}", "verb", "list", "limit", cli->options.limit ? (int)cli->options.limit : 20), -1);
}

static int undo(struct cli *cli)
{
	const char *text = cli->options.arguments[0];
	char *end;
	errno = 0;
	unsigned long long batch = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || batch == 0 || batch > INT64_MAX) {
		cli_say(_("“%s” is not the number of a batch; see `baophu-agent list`"), text);
		return CLI_USAGE;
	}
	return ask(cli, json_pack("{s:s, s:I, s:b}", "verb", "undo", "batch", (json_int_t)batch, "dry_run", cli->options.dry_run),
		   -1);
}

/* Which units and measures this office reports, and how often. */
static int declare(struct cli *cli)
{
	const struct options *options = &cli->options;
	const char *unit = options->argument_count ? options->arguments[0] : "";
	const char *rhythm = options->argument_count > 1 ? options->arguments[1] : "";
	if (options->remove && !*unit) {
		cli_say(_("say of which unit: `baophu-agent declare UNIT --remove`"));
		return CLI_USAGE;
	}
	if (*unit && !*rhythm && !options->remove) {
		cli_say(_("say how often: `baophu-agent declare UNIT monthly`, or --remove"));
		return CLI_USAGE;
	}
	json_t *measures = json_array(),
	       *request = json_pack("{s:s, s:s, s:b, s:b, s:i, s:i}", "verb", "declare", "rhythm", rhythm, "own",
				    options->extent == BAOPHU_OWN, "remove", options->remove, "closing_day",
				    (int)options->closing_day, "grace_days", (int)options->grace_days);
	bool failed = !measures || !request || put_text(request, "unit", unit) || put_text(request, "level", options->level);
	for (uint32_t i = 0; !failed && i < options->measure_count; i++)
		failed = json_array_append_new(measures, json_string(options->measures[i])) != 0;
	if (!failed)
		failed = json_object_set(request, "measures", measures) != 0;
	json_decref(measures);
	if (failed) {
		json_decref(request);
		request = NULL;
	}
	return ask(cli, request, -1);
}

static int new_series(struct cli *cli) { return ask(cli, json_pack("{s:s}", "verb", "new-series"), -1); }

static int read_settings(struct cli *cli, struct config *config)
{
	char why[WHY_BYTES];
	const char *path = *cli->options.config ? cli->options.config : CONFIG_FILE_DEFAULT;
	int error = config_read(config, path, why, sizeof why);
	if (error)
		cli_say("%s", why);
	return error;
}

static int run(struct cli *cli)
{
	struct config config;
	return read_settings(cli, &config) ? AGENT_CONFIG : agent_run(&config);
}

static int check(struct cli *cli)
{
	static const struct column columns[] = { { .key = "setting", .heading = N_("Setting") },
						 { .key = "value", .heading = N_("Value") },
						 { .key = "meaning", .heading = N_("Meaning"), .wrap = true } };
	struct column translated[sizeof columns / sizeof *columns];
	struct config config;
	char value[CONFIG_TEXT_BYTES], why[WHY_BYTES];
	const char *name, *help;
	if (read_settings(cli, &config))
		return CLI_USAGE;
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
		translated[i] = columns[i];
		translated[i].heading = _(columns[i].heading);
	}
	int error = writer_begin(&cli->writer, translated, sizeof columns / sizeof *columns);
	for (size_t i = 0; !error && config_row(&config, i, &name, &help, value, sizeof value); i++) {
		const struct field fields[] = { field_code(name), field_code(value), field_text(_(help)) };
		error = writer_row(&cli->writer, fields);
	}
	int ended = writer_end(&cli->writer);
	int code = cli_wrote(error ? error : ended);
	if (!code && agent_check(&config, why, sizeof why)) {
		cli_say("%s", why);
		code = CLI_FALSE;
	}
	return code;
}

/* ---- the table ---- */

#define BIT OPTION_BIT
#define WRITING (BIT(OPTION_OUTPUT) | BIT(OPTION_EXCEL))
static const struct command verbs[] = {
	{ "run", "", "", 0, 0, BIT(OPTION_CONFIG), run,
	  N_("be the office's agent: take reports, send them, answer; until told to stop"),
	  "baophu-agent run\n"
	  "baophu-agent run --config /etc/baophu/thoi-lai.conf" },
	{ "report", "", "FILE... | --unit UNIT --measure CODE --date DATE VALUE", 1, 64,
	  WRITING | BIT(OPTION_SOCKET) | BIT(OPTION_CONFIG) | BIT(OPTION_OF_UNIT) | BIT(OPTION_MEASURE) | BIT(OPTION_DATE) |
	      BIT(OPTION_PERIOD) | BIT(OPTION_FROM) | BIT(OPTION_TO) | BIT(OPTION_EXTENT) | BIT(OPTION_STATUS) |
	      BIT(OPTION_ORIGIN) | BIT(OPTION_BOUND) | BIT(OPTION_REASON) | BIT(OPTION_DRY_RUN),
	  report, N_("save figures, from files or one by one; exit 0 only when they are safe on the disk"),
	  "baophu-agent report thang-4.xlsx\n"
	  "baophu-agent report thang-4.xlsx --dry-run\n"
	  "baophu-agent report --unit 927 --measure bhxh_tn --date 30/4/2024 1.600\n"
	  "baophu-agent report --unit 'Thới Lai' --measure thu_bhxh --period 'quý I/2024' '3,2 tỷ'" },
	{ "template", "", "--out FILE.xlsx", 0, 0,
	  BIT(OPTION_SOCKET) | BIT(OPTION_CONFIG) | BIT(OPTION_OUT) | BIT(OPTION_MEASURE) | BIT(OPTION_DATE) | BIT(OPTION_PERIOD) |
	      BIT(OPTION_FROM) | BIT(OPTION_TO),
	  template, N_("write this office's own form, to be filled in with Excel"),
	  "baophu-agent template --out bieu-nhap.xlsx\n"
	  "baophu-agent template --out quy-1.xlsx --period 'quý I/2024' --measure bhyt --measure bhxh_tn" },
	{ "status", "", "", 0, 0, WRITING | BIT(OPTION_SOCKET) | BIT(OPTION_CONFIG), status,
	  N_("where the office stands, also without a link; exit 1 when somebody must look"),
	  "baophu-agent status\n"
	  "baophu-agent status -o json" },
	{ "list", "", "", 0, 0, WRITING | BIT(OPTION_SOCKET) | BIT(OPTION_CONFIG) | BIT(OPTION_LIMIT), list,
	  N_("what was saved, newest first, and what became of it"),
	  "baophu-agent list\n"
	  "baophu-agent list --limit 100 -o csv --excel" },
	{ "undo", "", "BATCH", 1, 1, BIT(OPTION_SOCKET) | BIT(OPTION_CONFIG) | BIT(OPTION_DRY_RUN), undo,
	  N_("take a batch back: what stood before it stands again"),
	  "baophu-agent undo 12 --dry-run\n"
	  "baophu-agent undo 12" },
	{ "declare", "", "[UNIT RHYTHM]", 0, 2,
	  WRITING | BIT(OPTION_SOCKET) | BIT(OPTION_CONFIG) | BIT(OPTION_LEVEL) | BIT(OPTION_MEASURE) | BIT(OPTION_EXTENT) |
	      BIT(OPTION_CLOSING_DAY) | BIT(OPTION_GRACE) | BIT(OPTION_REMOVE),
	  declare, N_("say what this office reports and how often, so that the centre can tell who is late"),
	  "baophu-agent declare 927 monthly --closing-day 25 --grace 3 --measure bhyt --measure bhxh_tn\n"
	  "baophu-agent declare 481 weekly --level commune --measure bhxh_tn\n"
	  "baophu-agent declare\n"
	  "baophu-agent declare 927 --measure bhxh_tn --remove" },
	{ "new-series", "", "", 0, 0, BIT(OPTION_SOCKET) | BIT(OPTION_CONFIG), new_series,
	  N_("send under a new series of numbers; only when `status` says so, and after asking the centre"),
	  "baophu-agent new-series" },
	{ "check", "", "", 0, 0, WRITING | BIT(OPTION_CONFIG), check,
	  N_("read the settings and say what is wrong with them or the folder"),
	  "baophu-agent check\n"
	  "baophu-agent check --config ./agent.conf" },
};

const struct program verbs_program = {
	.name = "baophu-agent",
	.about = N_("baophu-agent - the field office: what it has said to be saved reaches the centre, exactly once"),
	.usage = N_("Usage: baophu-agent COMMAND [ARGUMENTS] [OPTIONS]"),
	.examples = "baophu-agent template --out bieu-nhap.xlsx\n"
		    "baophu-agent report bieu-nhap.xlsx\n"
		    "baophu-agent status",
	.more = N_("More: `baophu-agent COMMAND --help`, baophu-agent(1). Language: --lang vi|en."),
	.exits = N_(
	    "Exit status: 0 done; 1 a condition does not hold; 2 usage, or a file that cannot be read; 3 the agent does not run; 4 "
	    "not "
	    "authorised; 5 some rows came back; 6 all rows came back; 8 this machine: disk, memory. `run`: 70 internal error; 74 "
	    "the files are damaged; 75 folder or data are in use; 78 wrong settings."),
	.options = BIT(OPTION_LANGUAGE) | BIT(OPTION_HELP),
	.commands = verbs,
	.command_count = sizeof verbs / sizeof *verbs,
};
