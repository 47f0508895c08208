/* coverage_live.h - the view of `baophu coverage watch`, with and without --rank, on a terminal, kept up to date.
 *
 * Knows what stood at the start and what changed lately; lays out by view.h, paints by terminal.h, at most four times a second. Follows no
 * subscription itself: coverage_watch.c and coverage_watch_rank.c do, and hand over what is held. Threads: one.
 */
#pragma once

#include "cli.h"
#include "coverage_rows.h"
#include "holding.h"

enum { LIVE_SETS_MAX = BAOPHU_DEPTH_MAX + 1 };
/* What is held now, and how sure it is. */
struct live_sight {
	const struct coverage_set *sets[LIVE_SETS_MAX];
	uint32_t set_count;
	const struct baophu_league *league; /* its tables are shown, made of sets[0], which is sorted; NULL: the figures */
	const char *title; /* of a ranking: below which unit */
	enum holding_state state;
	uint64_t seq;
	baophu_date date;
	int64_t proof_age_ms; /* since it was last proved; -1: it never was */
};

struct live;
/* Takes the terminal; `cli` and `names` are borrowed until it is closed. errno values. */
int live_open(const struct cli *cli, const struct names *names, struct live **ret_live);
/* Gives the terminal back; takes NULL. Does not return when SIGTERM or SIGHUP asked for the end: these end the program. */
void live_close(struct live *live);
/* What later changes are counted from. Copies. -ENOMEM. */
int live_begin(struct live *live, const struct live_sight *sight);
/* Something of what is held changed. With a measure: this figure, or this unit's rank by it, which is marked for a while. */
void live_note(struct live *live, uint32_t unit_number, const char *measure);
/* What crossed a line last, as far as is proved; shown in a line of its own until something else does. */
void live_tell(struct live *live, const struct baophu_event *event);
/* Takes keys and signals, and paints what changed when it is time. CLI_OK: go on; *ret_ends is set when somebody asked for the end, with
 * the exit code returned. Negative errno values. */
int live_step(struct live *live, const struct live_sight *sight, bool *ret_ends);
