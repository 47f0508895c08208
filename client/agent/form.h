/* form.h - the rows of a sheet -> entries to be saved, or reasons why not. Pure, but for gettext: no clock, no files, no centre.
 *
 * Two layouts: this office's own template (client/agent/template.h: units down, measures across, known by its hidden first row), and any
 * list with a line of headings in Vietnamese or English, one figure a row or one measure a column. What an officer typed is never guessed
 * at: a near code or name is a suggestion, a number with two readings comes back with both.
 * A row is taken whole or comes back whole. A file that is not for this office, or not readable as a form, gives nothing at all.
 */
#pragma once

#include "mirror.h"

struct sheet; /* client/sheet/sheet.h */

enum {
	FORM_ROWS_MAX = 65536, /* rows below the headings */
	FORM_REASON_BYTES = 2000,
	FORM_AHEAD_DAYS_MAX = 1, /* how far ahead of the day a figure may be dated */
	FORM_AHEAD_DAYS_ESTIMATE_MAX = 400,
};

/* A figure of this office that is saved and that the centre has not confirmed yet; a later one in the list stands over an earlier one. */
struct form_pending {
	const char *unit, *measure;
	enum baophu_extent extent;
	baophu_date from, to;
	int64_t value; /* BAOPHU_ABSENT: a withdrawal */
	enum baophu_status status;
	enum baophu_origin origin;
	enum baophu_bound bound;
};
struct form_context {
	const struct mirror *mirror; /* NULL: the centre was never reached; units and measures are then not checked */
	const char *agent;
	baophu_date today;
	bool vietnamese; /* how dates in reasons are written; the language is gettext's */
	const struct form_pending *pending;
	size_t pending_count;
};

enum form_layout { FORM_TEMPLATE, FORM_LONG, FORM_WIDE };
enum form_change { FORM_ADDED, FORM_CHANGED, FORM_SAME };
/* Rows and columns count from 0, as in the grid. */
struct form_entry {
	struct wire_entry entry; /* texts live as long as the form */
	uint32_t row, column;
	enum form_change change;
	int64_t before; /* what stands now; BAOPHU_ABSENT */
};
/* What is wrong with a cell, or worth saying of it, and what to do. */
struct form_problem {
	uint32_t row, column;
	bool is_notice; /* said, and the row is taken: the same row twice */
	const char *text; /* begins with the cell: "C7: …" */
};
struct form {
	char *refusal; /* why nothing of the file can be taken; NULL: it was read */
	enum form_layout layout;
	uint32_t sheet; /* which sheet of the file */
	uint32_t heading_row, row_count; /* row_count: rows with something in them */
	uint32_t reason_column; /* the «Lý do» of a sheet that came back once; UINT32_MAX: none */
	baophu_date from, to; /* the template's period; else BAOPHU_DATE_NONE */
	struct form_entry *entries; /* in order of row */
	struct form_problem *problems; /* in order of row, then column */
	uint32_t entry_count, problem_count;
	uint32_t rejected_rows, added, changed, same; /* entries, but for rejected_rows */
	struct form_private *private;
};
/* Reads what the sheet says. 0, also when rows or the whole file are wrong (refusal, problems); -ENOMEM. `sheet` and the context are borrowed
 * during the call. */
int form_read(const struct sheet *sheet, const struct form_context *context, struct form *ret_form);
void form_finish(struct form *form); /* takes zeroed memory */
bool form_row_is_rejected(const struct form *form, uint32_t row);
bool form_cell_is_wrong(const struct form *form, uint32_t row, uint32_t column);
/* For a sheet that is read again because the centre refused some of it: what the form itself finds wrong came back already, so nothing of it is
 * rejected but what is named from now on. */
void form_forget_problems(struct form *form);
/* The centre refused what stands in this cell: its row is rejected after all. Cells are named in order of row, then column. -ENOMEM. */
int form_reject_cell(struct form *form, uint32_t row, uint32_t column, const char *reason);
/* The «Lý do» of a row: its problems one after the other, notices left out. Returns `buffer`. */
const char *form_reason(const struct form *form, uint32_t row, char buffer[static FORM_REASON_BYTES]);
/* A cell as its officer saw it: 9,5% and 31/07/2025 for what the file holds as 0.095 and 2025-07-31. `buffer` or the cell's own text. */
enum { FORM_SEEN_BYTES = 48 };
struct sheet_cell;
const char *form_seen(const struct sheet_cell *cell, bool vietnamese, char buffer[static FORM_SEEN_BYTES]);
/* Whether the figures of the sheet stand in this column. */
bool form_column_is_figure(const struct form *form, uint32_t column);
/* Whether codes of units stand there, which must be text to keep their zeros. */
bool form_column_is_code(const struct form *form, uint32_t column);
/* "C7" of column 2, row 6. Returns `buffer`. */
enum { FORM_CELL_BYTES = 16 };
const char *form_cell_name(uint32_t row, uint32_t column, char buffer[static FORM_CELL_BYTES]);
