/* cli.h - what every command gets, and how it ends. */
#pragma once

#include <stdint.h>

#include <baophu/types.h>

#include "number.h"
#include "writer.h"

/* Exit codes; documented in baophu(1). */
enum cli_exit {
	CLI_OK = 0,
	CLI_FALSE = 1, /* a condition does not hold: nothing found, a server that must be looked at */
	CLI_USAGE = 2, /* the command line, or a file that cannot be read */
	CLI_UNREACHABLE = 3, /* no server, or no answer in time */
	CLI_NOT_AUTHORISED = 4, /* the collector does not let this sender do it */
	CLI_SOME_REJECTED = 5, /* some rows of a file are wrong (nothing was applied), or an update is held */
	CLI_ALL_REJECTED = 6, /* all rows are wrong, or the collector refused the update */
	CLI_PROTOCOL = 7, /* the other end speaks another protocol or version */
	CLI_FAILED = 8, /* this machine: memory, disk, a pipe */
	CLI_INTERRUPTED = 130,
};

/* What the command line said; absent dates are BAOPHU_DATE_NONE, absent numbers 0 or as noted, absent words 0, absent texts "". */
struct options {
	int output, language, numbers; /* enum writer_kind; 0 vi, 1 en, -1 as the environment says; enum number_style */
	bool excel, dry_run, once, ascii, rank, remove, revoke, late, silent;
	baophu_date as_of, since, tree, from, to;
	uint64_t known, min_seq, from_seq, since_seq;
	uint32_t depth, decimals, limit, timeout; /* depth UINT32_MAX: the command's own; timeout in seconds */
	const char *plan, *agent, *unit, *issuer, *document;
	const char *query, *ingest, *control, *publish; /* endpoints */
	const char *journal; /* directory */
	const char *config, *socket, *out, *date, *period, *level;
	uint32_t closing_day, grace_days;
	int extent, status, origin, bound, reason, kind; /* words.h */
	uint32_t measure_count;
	const char *measures[BAOPHU_QUERY_MEASURES_MAX];
	uint32_t argument_count;
	const char *const *arguments;
};
enum { CLI_DEPTH_UNSAID = UINT32_MAX };

struct command;
struct cli {
	const struct command *command;
	struct options options;
	bool vietnamese;
	struct writer writer; /* opened on standard output */
};

/* A message for people on standard error, after "baophu: ", the name the program was called by; a newline is added. */
__attribute__((format(printf, 1, 2))) void cli_say(const char *format, ...);
/* The same for a failed call: says what was tried and why it failed. Returns the exit code for `error`. */
int cli_fail(const char *what, int error);
/* Begins, checks and ends a set of rows: the exit code for a writer's error. */
int cli_wrote(int error);
/* What a row needs so often: the date as people of this language write it. */
const char *cli_date(const struct cli *cli, baophu_date date, char buffer[static 11]);
