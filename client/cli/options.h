/* options.h - every option of every command in one table: parsing, --help and the environment follow from it. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "cli.h"

enum option_id {
	OPTION_OUTPUT,
	OPTION_EXCEL,
	OPTION_LANGUAGE,
	OPTION_TIMEOUT,
	OPTION_HELP,
	OPTION_AS_OF,
	OPTION_SINCE,
	OPTION_KNOWN,
	OPTION_TREE,
	OPTION_PLAN,
	OPTION_MEASURE,
	OPTION_DEPTH,
	OPTION_FROM,
	OPTION_TO,
	OPTION_DECIMALS,
	OPTION_MIN_SEQ,
	OPTION_LIMIT,
	OPTION_FROM_SEQ,
	OPTION_SINCE_SEQ,
	OPTION_FROM_DAY,
	OPTION_TO_DAY,
	OPTION_NEWEST,
	OPTION_LINE_PLAN,
	OPTION_ONCE,
	OPTION_ASCII,
	OPTION_RANK,
	OPTION_UNIT,
	OPTION_AGENT,
	OPTION_NUMBERS,
	OPTION_DRY_RUN,
	OPTION_EXTENT,
	OPTION_STATUS,
	OPTION_ORIGIN,
	OPTION_BOUND,
	OPTION_REASON,
	OPTION_KIND,
	OPTION_ISSUER,
	OPTION_DOCUMENT,
	OPTION_REMOVE,
	OPTION_REVOKE,
	OPTION_QUERY,
	OPTION_INGEST,
	OPTION_CONTROL,
	OPTION_PUBLISH,
	OPTION_JOURNAL,
	OPTION_LATE,
	OPTION_SILENT,
	OPTION_CONFIG,
	OPTION_SOCKET,
	OPTION_OUT,
	OPTION_OF_UNIT,
	OPTION_LEVEL,
	OPTION_CLOSING_DAY,
	OPTION_GRACE,
	OPTION_DATE,
	OPTION_PERIOD,
	OPTION_COUNT
};
#define OPTION_BIT(id) (UINT64_C(1) << (id))

/* What the environment says, else the defaults. */
void options_init(struct options *options);
/* Parses the options of a command (bits of option_id in `allowed`) and what is left as arguments (borrowed from argv, which is reordered;
 * argv[0] is skipped). 0; CLI_USAGE after a message; -1 when --help was asked for. */
int options_parse(struct options *options, uint64_t allowed, int argc, char **argv);
/* The option's lines of a help page. */
void options_print_help(FILE *out, uint64_t allowed);
