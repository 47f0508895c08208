/* ask.h - questions of commands to the centre: opening, paging, and what to tell people when there is no answer. */
#pragma once

#include "cli.h"
#include "names.h"
#include "reader.h"

/* What the answer said about itself: the axes as they were understood, and the cut. */
struct ask_axes {
	baophu_date as_of, tree_date;
	uint64_t seq;
};
/* The reader is the caller's. Exit codes, a message said. */
int ask_open(struct cli *cli, struct reader **ret_reader);
/* Asks page after page; `each` gets every answer (lent during the call) and returns 0 to go on or an exit code. `ret_axes` may be NULL. */
int ask_all(struct cli *cli, struct reader *reader, struct wire_query *query,
	    int (*each)(void *context, const struct wire_answer *answer), void *context, struct ask_axes *ret_axes);
/* Loads the names of measures; `names` zeroed. */
int ask_names(struct cli *cli, struct reader *reader, struct names *names);
/* A question with the axes, plan, measures and period of the command line. */
struct wire_query ask_question(const struct cli *cli, enum wire_query_kind kind);
/* A unit as typed: a code, or a name ("can tho", "Thới Lai") that only one unit has on the tree's date. The code goes into `buffer`. */
int ask_unit(struct cli *cli, struct reader *reader, const char *typed, char buffer[static BAOPHU_CODE_BYTES_MAX + 1]);
/* The codes from the root down to the unit of this code, as a topic spells them ("VN/92"), its name and its depth. */
enum { ASK_PATH_BYTES = (BAOPHU_DEPTH_MAX + 1) * (BAOPHU_CODE_BYTES_MAX + 1) + 1 };
int ask_path(struct cli *cli, struct reader *reader, const char *unit, char path[static ASK_PATH_BYTES],
	     char name[static BAOPHU_TEXT_BYTES_MAX + 1], uint32_t *ret_depth);
/* The message and exit code for a code that the collector answered with. `what` is what was asked or sent. */
int ask_refused(const char *what, enum baophu_code code, const char *detail);
/* The same for a question that was answered with a code: says its detail, when there is one, in the user's language. */
int ask_answered(const struct cli *cli, const struct wire_query *query, const struct wire_answer *answer);
