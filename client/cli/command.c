/* command.c - finding a command in a program's table, running it, and help; see command.h.
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

/* ---- help ---- */

static void print_commands(FILE *out, const struct program *program, const char *noun)
{
	const char *last = "";
	for (size_t i = 0; i < program->command_count; i++) {
		const struct command *command = &program->commands[i];
		if (noun && strcmp(command->noun, noun) != 0)
			continue;
		if (!noun && *last && *command->verb && strcmp(last, command->noun) != 0)
			putc('\n', out);
		last = command->noun;
		if (*command->verb)
			fprintf(out, "  %-9s %-8s  %s\n", command->noun, command->verb, _(command->summary));
		else
			fprintf(out, "  %-11s  %s\n", command->noun, _(command->summary));
	}
}

static void print_examples(FILE *out, const char *examples)
{
	fprintf(out, "\n%s\n", _("Examples:"));
	for (const char *line = examples; *line;) {
		size_t length = strcspn(line, "\n");
		fprintf(out, "  %.*s\n", (int)length, line);
		line += length + (line[length] == '\n');
	}
}

static void print_overview(FILE *out, const struct program *program)
{
	fprintf(out, "%s\n\n", _(program->about));
	fprintf(out, "%s\n\n", _(program->usage));
	print_commands(out, program, NULL);
	print_examples(out, program->examples);
	fprintf(out, "\n%s\n", _(program->more));
}

/* "report send UNIT MEASURE": how the command is called, after the program's name. */
static const char *synopsis(const struct command *command, char *buffer, size_t size)
{
	snprintf(buffer, size, "%s%s%s%s%s", command->noun, *command->verb ? " " : "", command->verb,
		 *command->arguments ? " " : "", command->arguments);
	return buffer;
}

enum { SYNOPSIS_BYTES = 160 };

static void print_help(FILE *out, const struct program *program, const struct command *command)
{
	char called[SYNOPSIS_BYTES];
	fprintf(out, _("Usage: %s %s [OPTIONS]\n"), program->name, synopsis(command, called, sizeof called));
	fprintf(out, "\n%s\n", _(command->summary));
	print_examples(out, command->examples);
	fprintf(out, "\n%s\n", _("Options:"));
	options_print_help(out, command->options | program->options);
	fprintf(out, "\n%s\n", _(program->exits));
}

/* ---- finding ---- */

static const struct command *find(const struct program *program, const char *noun, const char *verb)
{
	for (size_t i = 0; i < program->command_count; i++)
		if (strcmp(program->commands[i].noun, noun) == 0 && strcmp(program->commands[i].verb, verb) == 0)
			return &program->commands[i];
	return NULL;
}

static bool is_noun(const struct program *program, const char *word)
{
	for (size_t i = 0; i < program->command_count; i++)
		if (strcmp(program->commands[i].noun, word) == 0)
			return true;
	return false;
}

static int say_unknown(const struct program *program, const char *noun, const char *verb)
{
	const char *words[64];
	size_t count = 0;
	for (size_t i = 0; i < program->command_count && count < sizeof words / sizeof *words; i++) {
		if (!verb)
			words[count++] = program->commands[i].noun;
		else if (strcmp(program->commands[i].noun, noun) == 0)
			words[count++] = program->commands[i].verb;
	}
	const char *near = suggest(verb ? verb : noun, words, count);
	if (verb)
		cli_say(_("`%s` has no verb “%s”"), noun, verb);
	else
		cli_say(_("there is no command “%s”"), noun);
	if (near && verb)
		cli_say(_("did you mean `%s %s %s`?"), program->name, noun, near);
	else if (near)
		cli_say(_("did you mean `%s %s`?"), program->name, near);
	else
		cli_say(_("see `%s help`"), program->name);
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

static int run(const struct program *program, const struct command *command, int argc, char **argv, bool vietnamese)
{
	struct cli cli = { .command = command, .vietnamese = vietnamese };
	options_init(&cli.options);
	int error = options_parse(&cli.options, command->options | program->options, argc, argv);
	if (error < 0) {
		print_help(stdout, program, command);
		return CLI_OK;
	}
	if (error)
		return error;
	if (cli.options.argument_count < command->arguments_min || cli.options.argument_count > command->arguments_max) {
		char called[SYNOPSIS_BYTES];
		cli_say(cli.options.argument_count < command->arguments_min ? _("something is missing")
									    : _("that is one word too many"));
		cli_say(_("usage: %s %s"), program->name, synopsis(command, called, sizeof called));
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

int command_run(const struct program *program, int argc, char **argv)
{
	bool vietnamese = language_start(language_of(argc, argv));
	/* Options may stand before the noun; only those with a value need to be stepped over. */
	int first = 1;
	while (first < argc && argv[first][0] == '-') {
		if (strcmp(argv[first], "--version") == 0 || strcmp(argv[first], "-V") == 0) {
			printf("%s %s\n", program->name, BAOPHU_VERSION);
			return CLI_OK;
		}
		if (strcmp(argv[first], "--help") == 0 || strcmp(argv[first], "-h") == 0) {
			print_overview(stdout, program);
			return CLI_OK;
		}
		first += strcmp(argv[first], "--lang") == 0 ? 2 : 1;
	}
	const char *noun = first < argc ? argv[first] : NULL, *verb = first + 1 < argc ? argv[first + 1] : NULL;
	if (noun && strcmp(noun, "help") == 0) {
		noun = verb;
		verb = first + 2 < argc ? argv[first + 2] : NULL;
		const struct command *command = noun ? find(program, noun, "") : NULL;
		if (noun && verb && !command)
			command = find(program, noun, verb);
		if (command) {
			print_help(stdout, program, command);
			return CLI_OK;
		}
	}
	if (!noun) {
		print_overview(stdout, program);
		return CLI_OK;
	}
	if (!is_noun(program, noun))
		return say_unknown(program, noun, NULL);
	const struct command *command = find(program, noun, "");
	int words = command ? 1 : 2;
	if (!command && (!verb || verb[0] == '-')) {
		fprintf(stdout, "%s\n\n", _(program->usage));
		print_commands(stdout, program, noun);
		return CLI_OK;
	}
	if (!command)
		command = find(program, noun, verb);
	if (!command)
		return say_unknown(program, noun, verb);
	/* Without noun and verb, what is left is one line of options and arguments. */
	memmove(argv + first, argv + first + words, (size_t)(argc - first - words + 1) * sizeof *argv);
	return run(program, command, argc - words, argv, vietnamese);
}
