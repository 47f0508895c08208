/* template_book.h - one .xlsx being written: cells, looks, and the file put in place whole. For template.c and template_rejected.c only.
 *
 * libxlsxwriter keeps the workbook in memory and its numbers as doubles, which hold every integer up to 2^53 exactly; a count goes to 10^15.
 * The first thing that fails is kept and everything after it does nothing, so that callers look once, at book_save.
 */
#pragma once

#include <xlsxwriter.h>

#include "form.h"
#include "sheet.h"

enum book_look {
	BOOK_PLAIN,
	BOOK_TITLE,
	BOOK_LABEL,
	BOOK_SAYS, /* beside a label */
	BOOK_HINT,
	BOOK_HEADING,
	BOOK_SUBHEADING,
	BOOK_CODE, /* text, locked */
	BOOK_NAME,
	BOOK_STANDS, /* grey, locked */
	BOOK_ENTRY, /* to be filled in */
	BOOK_ENTRY_TEXT,
	BOOK_TYPED, /* as somebody typed it, unlocked */
	BOOK_TYPED_CODE,
	BOOK_WRONG,
	BOOK_WRONG_CODE,
	BOOK_WHY, /* «Lý do» */
	BOOK_LOOK_COUNT
};
enum { BOOK_DATES_MAX = 64, BOOK_DEPTHS = BAOPHU_DEPTH_MAX + 1 };
struct book {
	lxw_workbook *workbook;
	lxw_worksheet *sheet;
	lxw_format *looks[BOOK_LOOK_COUNT];
	lxw_format *names[BOOK_DEPTHS]; /* BOOK_NAME, set in by depth */
	struct {
		baophu_date date;
		lxw_format *look;
	} dated[BOOK_DATES_MAX]; /* BOOK_STANDS with a date behind the figure */
	unsigned dated_count;
	lxw_format *date_looks[3]; /* a date that somebody typed: day, month, year */
	lxw_format *percent_look;
	char *path, *beside;
	int error;
};
/* Begins the file that will be `path`, with one sheet of this name. -ENOMEM. */
int book_open(struct book *book, const char *path, const char *sheet_name, int64_t made_ms);
/* Writes the file, flushes it and puts it in place; gives everything back, also after a failure. -EIO and other errno values; -ENOMEM. */
int book_save(struct book *book);

void book_text(struct book *book, uint32_t row, uint32_t column, const char *text, lxw_format *look);
/* The same, and the row as high as the text needs in a column so many letters wide. */
void book_why(struct book *book, uint32_t row, uint32_t column, const char *text, unsigned width);
void book_number(struct book *book, uint32_t row, uint32_t column, int64_t value, lxw_format *look);
/* One cell over a rectangle. */
void book_merge(struct book *book, uint32_t row, uint32_t column, uint32_t last_row, uint32_t last_column, const char *text,
		lxw_format *look);
/* What stands, with its date behind it when that is not the one in the heading. */
lxw_format *book_dated(struct book *book, baophu_date date);
lxw_format *book_name(struct book *book, uint32_t depth);
/* A cell as somebody typed it: a number stays a number, a date a date. A wrong one has no format of its own, so that what is typed over it is
 * taken as it is typed. */
void book_typed(struct book *book, uint32_t row, uint32_t column, const struct sheet_cell *cell, bool is_wrong, bool is_code);
