/* coverage.h - what the commands of the noun `coverage` share. */
#pragma once

#include "ask.h"
#include "coverage_rows.h"

/* Asks for the coverage of the unit typed (a code or a name) and `depth` levels below it, with the axes of the command line. `set` and `names`
 * zeroed; the caller finishes them whatever comes back: an exit code. */
int coverage_load(struct cli *cli, const char *unit, uint32_t depth, struct coverage_set *set, struct names *names,
		  struct ask_axes *ret_axes);
/* Whether the names know every measure of the command line; CLI_USAGE after a message. */
int coverage_check_measures(const struct cli *cli, const struct names *names);
