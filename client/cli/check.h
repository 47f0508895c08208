/* check.h - what an import would do, asked of the centre and not done: for --dry-run. */
#pragma once

#include "cli.h"
#include "import.h"

enum { CHECK_AHEAD_DAYS_ESTIMATE_MAX = 400 }; /* how far ahead an estimate may be dated */
struct check_counts {
	uint32_t rows, added, changed, unchanged;
	bool is_complete; /* false: the centre could not be asked */
};
/* Adds errors to the import for what the centre does not know (units on their dates, levels, measures, indicators, plans), and for dates
 * too far ahead. Who may report what is not asked. An unreachable centre is said
 * on standard error and is no failure. Exit codes. */
int check_import(struct cli *cli, struct import *import, struct check_counts *ret_counts);
/* Adds an error for each figure that is dated further ahead than the centre takes. The first one's entry; UINT32_MAX: none, or the
 * centre does not say which day it has. */
uint32_t check_ahead(struct cli *cli, struct import *import);
