/* coverage_rank.h - a league (client.h) as tables and rows: what `coverage rank` prints once and `coverage watch --rank` keeps printing. */
#pragma once

#include <baophu/client.h>

#include "coverage.h"

enum { RANK_FIELDS = COVERAGE_FIELDS + 2 };
/* The flat row of coverage_rows.h, then rank, and rank_before where ranks are followed. */
void rank_columns(struct column columns[static RANK_FIELDS]);

/* Adds the record with those of its rows that the command line asks for: with a plan no others and no shares; the figures below them stay,
 * and what was published goes. Copies. -ENOMEM. */
int rank_pick(const struct options *options, const struct baophu_record *record, struct coverage_set *picked);

/* Writes all tables of a league made of `set`, which is sorted. For people, headed by `top`; else as rows without beginning or ending the writer.
 * Exit codes. */
int rank_write(struct cli *cli, const struct baophu_league *league, const struct coverage_set *set, const struct names *names,
	       const char *top);
/* One rank as a row for programs: `before` is what it was, or 0. Exit codes. */
int rank_write_row(struct cli *cli, const struct coverage_set *set, const struct baophu_league_key *key,
		   const struct baophu_league_place *place, uint32_t before);
