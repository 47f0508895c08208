/* view.h - the live view of coverage as lines of text: which rows there are, and how they are laid out on a screen of a given size.
 *
 * Computes no figure and keeps none: records are borrowed, percentages are coverage_rows.h's. Does not know terminals, clocks or
 * connections: whoever paints hands over a size, an offset and the standing, and gets lines. Pure, but for gettext.
 */
#pragma once

#include <baophu/client.h>

#include "coverage_rows.h"
#include "holding.h"

/* One line of the list: the heading of a unit, or a figure with one plan over it. In a ranking: the heading of a table, or a unit in it. */
struct view_row {
	const struct baophu_record *record;
	const struct baophu_row *figure; /* NULL: a heading, or a unit of which nothing was ever reported */
	const struct baophu_row *plan; /* NULL: none over it */
	unsigned indent; /* levels below the first unit; in a ranking columns that a rank may need */
	uint32_t rank; /* in a ranking; 0: not ranked */
	bool is_heading; /* the unit's figures follow on lines of their own */
	bool is_further_plan; /* figure and name stand on the line above */
	int64_t
	    change; /* since the start, of the figure; in a ranking places gone up. BAOPHU_ABSENT: none, or nothing to compare with. The
			 * painter's to fill, like the next two */
	bool is_new; /* nothing was there at the start */
	bool is_recent;
};
struct view {
	struct view_row *rows;
	size_t count, capacity;
	bool has_one_measure; /* units have no heading: a line is a unit */
	bool is_ranking;
};
/* Takes zeroed memory. */
void view_finish(struct view *view);
/* Makes the rows of records that came in any order: units in the order of the tree, those below a unit by code. Rows of another's
 * arithmetic (published percentages) are left out. The records are borrowed while the view is used. -ENOMEM. */
int view_build(struct view *view, const struct baophu_record *const *records, size_t count);
/* Makes the rows of a league instead: each table, in it the units in their order. The records are of `set`, which is sorted; borrowed as
 * above. -ENOMEM. */
int view_build_ranking(struct view *view, const struct baophu_league *league, const struct coverage_set *set);

struct view_frame {
	const char *title; /* whose units these are; NULL: the first one's name */
	unsigned width, height;
	size_t offset; /* first row shown; too large ones are made smaller */
	bool vietnamese, is_ascii;
	unsigned decimals;
	const struct names *names;
	baophu_date date; /* business day */
	enum holding_state state; /* the least certain of what is shown */
	uint64_t seq; /* last proof; 0: none yet */
	char since[9]; /* clock time of the last proof */
	const char *news; /* what happened last, on a line above the standing; NULL: nothing did, and there is no such line */
	const char *news_figures, *news_time; /* with what, and when; each left out where it has no room */
};
enum view_style { VIEW_PLAIN, VIEW_HEADING, VIEW_UNIT, VIEW_RECENT, VIEW_STATUS };
enum { VIEW_COLUMNS_MAX = 240, VIEW_ROWS_MAX = 400, VIEW_LINE_BYTES = 1024 };
struct view_line {
	char text[VIEW_LINE_BYTES];
	enum view_style style;
	enum baophu_state state; /* of the plan: what colour the bar may have; NONE: none */
	size_t bar_from, bar_to; /* bytes of the bar */
};
struct view_screen {
	struct view_line *lines; /* as many as the frame is high, at most VIEW_ROWS_MAX */
	size_t count, capacity;
	size_t offset; /* first row shown */
	size_t page; /* rows that fit */
};
/* Takes zeroed memory. */
void view_screen_finish(struct view_screen *screen);
/* Fills the screen. -ENOMEM. */
int view_lay_out(const struct view *view, const struct view_frame *frame, struct view_screen *screen);

/* A bar of `width` cells: eighth blocks (or #) to `percent` (digits with `decimals`), with a mark at 100 per cent and a fifth of the room
 * beyond it. Absent: only the mark. Returns `buffer`. */
enum { VIEW_BAR_BYTES = 4 * 64 };
const char *view_bar(int64_t percent, unsigned decimals, unsigned width, bool is_ascii, char buffer[static VIEW_BAR_BYTES]);
