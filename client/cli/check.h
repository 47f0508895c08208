/* check.h - what an import would do, asked of the centre and not done: for --dry-run. */
#pragma once

#include "cli.h"
#include "import.h"

struct check_counts {
	uint32_t rows, added, changed, unchanged;
	bool is_complete; /* false: the centre could not be asked */
};
/* Adds errors to the import for what the centre does not know (units on their dates, measures, indicators). An unreachable centre is said
 * on standard error and is no failure. Exit codes. */
int check_import(struct cli *cli, struct import *import, struct check_counts *ret_counts);
