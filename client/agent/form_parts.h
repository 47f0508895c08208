/* form_parts.h - what the files of form share; nobody else includes it. See form.h.
 *
 * form.c: rows to entries, the story; form_columns.c: what the columns mean; form_units.c: which unit a row speaks of, and what may have been
 * meant; form_figures.c: values, dates and words in cells; form_slots.c: the same figure twice, and what stands already.
 */
#pragma once

#include "form.h"
#include "human.h"
#include "sheet.h"
#include "words.h"

enum form_role {
	ROLE_UNIT,
	ROLE_NAME,
	ROLE_MEASURE,
	ROLE_VALUE,
	ROLE_TO,
	ROLE_FROM,
	ROLE_PERIOD, /* one column that says both ends */
	ROLE_STATUS,
	ROLE_EXTENT,
	ROLE_ORIGIN,
	ROLE_BOUND,
	ROLE_REASON, /* why a figure moved; not «Lý do» */
	ROLE_DENOMINATOR,
	ROLE_OVER,
	ROLE_COUNT,
	ROLE_FOR_PEOPLE, /* read by nobody: notes, what stands, the plan */
	ROLE_RETURNED, /* «Lý do» of a sheet that came back */
	ROLE_NONE
};
struct form_measure_column {
	uint32_t column;
	const char *code; /* the mirror's, or the form's */
};
struct form_columns {
	uint32_t at[ROLE_COUNT]; /* SHEET_NOWHERE: none */
	struct form_measure_column measures[SHEET_COLUMNS_MAX];
	uint32_t measure_count;
	bool has_period; /* of the whole sheet */
	baophu_date from, to;
};

struct block;
struct form_private {
	struct block *blocks; /* texts */
	size_t block_used, block_size;
	uint32_t entry_capacity, problem_capacity;
	uint8_t *is_rejected; /* by row */
	bool is_figure[SHEET_COLUMNS_MAX]; /* by column */
	uint32_t code_column; /* SHEET_NOWHERE: none */
	uint32_t row_end;
};

/* One reading. */
struct form_reader {
	const struct sheet *sheet;
	const struct form_context *context;
	const struct mirror *mirror; /* may be NULL */
	struct form *form;
	struct form_columns columns;
	int error; /* -ENOMEM; then nothing else matters */
	bool vietnamese;
	/* Names are looked up in this order. */
	const struct mirror_unit **by_name;
	uint32_t by_name_count;
	uint32_t searches; /* for what may have been meant, which look at everything: bounded */
	uint32_t unit_rows, unit_rows_known, unit_rows_suggested;
};

/* ---- form.c ---- */
/* Text that lives as long as the form; "" without memory (error is set). */
const char *form_keep(struct form_reader *reader, const char *text);
/* Nothing of the file is taken, and why. The first one stays. */
__attribute__((format(printf, 2, 3))) void form_refuse(struct form_reader *reader, const char *format, ...);
/* The row is rejected; `column` SHEET_NOWHERE: for the row as a whole. */
__attribute__((format(printf, 4, 5))) void form_reject(struct form_reader *reader, uint32_t row, uint32_t column,
						       const char *format, ...);
/* Something worth saying of a row that is taken. */
__attribute__((format(printf, 4, 5))) void form_note(struct form_reader *reader, uint32_t row, uint32_t column, const char *format,
						     ...);
/* What somebody typed, shortened between letters for a message. Returns `buffer`. */
enum { FORM_SHOWN_BYTES = 84 };
const char *form_shown(const char *text, char buffer[static FORM_SHOWN_BYTES]);
/* The text of a cell by role; "" where there is none. */
const char *form_text(const struct form_reader *reader, uint32_t row, enum form_role role);

/* ---- form_columns.c ---- */
/* Finds out which layout it is and what each column means; form->heading_row is set. False: refused. */
bool form_read_columns(struct form_reader *reader);
/* A measure by code or name, exactly (case and spaces aside); NULL: none, and then *ret_near is the one that may have been meant, or NULL. */
const struct name *form_measure(const struct form_reader *reader, const char *text, const struct name **ret_near);

/* ---- form_units.c ---- */
int form_prepare_units(struct form_reader *reader);
/* The unit that a row speaks of, on the date; its code is then *ret_code. False: the row was rejected. Without a mirror *ret_unit is NULL. */
bool form_unit(struct form_reader *reader, uint32_t row, baophu_date date, const struct mirror_unit **ret_unit,
	       const char **ret_code);
/* Equal but for case and the number of spaces. */
bool form_is_same_text(const char *a, const char *b);
/* Rows that add up others: "Tổng cộng". */
bool form_is_total(const struct form_reader *reader, uint32_t row);

/* ---- form_figures.c ---- */
/* What a cell of figures says. */
struct form_figure {
	enum { FIGURE_NONE, FIGURE_COUNT, FIGURE_RATE, FIGURE_WITHDRAWAL } kind;
	int64_t value; /* count, or digits */
	unsigned decimals;
	enum baophu_bound bound; /* NONE: not said */
	enum baophu_status status;
};
/* False: the row was rejected. An empty cell is FIGURE_NONE. */
bool form_read_figure(struct form_reader *reader, uint32_t row, uint32_t column, const char *unit, struct form_figure *ret_figure);
/* When a row's figures are of. */
struct form_when {
	baophu_date from, to;
	bool is_span; /* more than a day was named in a column for dates */
	bool is_period; /* a period was named as one: a level is of its last day */
	bool has_from;
	uint32_t column; /* where it stands; SHEET_NOWHERE: it holds for the whole sheet */
};
bool form_read_when(struct form_reader *reader, uint32_t row, struct form_when *ret_when);
/* Reads a cell as a period, by itself. */
bool form_parse_period(const struct sheet_cell *cell, baophu_date *ret_from, baophu_date *ret_to, char *why, size_t why_bytes);
/* A word of a list in a column; `otherwise` where nothing stands. False: the row was rejected. */
bool form_read_word(struct form_reader *reader, uint32_t row, enum form_role role, enum word_list list, int otherwise,
		    int *ret_value);

/* ---- form_slots.c ---- */
/* Rejects contradictions, drops repetitions, drops the entries of rejected rows, says what each entry changes and counts. */
int form_settle(struct form_reader *reader);
