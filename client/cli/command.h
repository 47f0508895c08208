/* command.h - a program as a table of commands: what there is, what it takes, how it is called. */
#pragma once

#include "cli.h"

struct command {
	const char *noun, *verb; /* verb "": the noun alone is the command */
	const char *arguments; /* as the usage line shows them */
	uint32_t arguments_min, arguments_max;
	uint64_t options; /* OPTION_BIT()s beside the program's */
	int (*run)(struct cli *cli); /* an enum cli_exit */
	const char *summary; /* msgid */
	const char *examples; /* lines of shell, '\n' between them */
};

struct program {
	const char *name;
	const char *about, *usage, *more, *exits; /* msgids: what it is, how it is called, where to read on, its exit codes */
	const char *examples; /* as a command's */
	uint64_t options; /* what every command takes */
	const struct command *commands;
	size_t command_count;
};

/* Runs what argv says; an enum cli_exit. `program` is borrowed. */
int command_run(const struct program *program, int argc, char **argv);
