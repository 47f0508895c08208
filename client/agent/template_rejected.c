/* template_rejected.c - the rows that came back, as a file that is mended and dropped in again. See template.h.
 *
 * What stood above the headings, the headings, the rejected rows as they were typed, and «Lý do» behind them (in the place of one that was
 * there already). Our own form is drawn as one; any other list keeps its own columns, .csv as .csv.
 */
#include "template_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REASON_HEADING "Lý do"
enum { WIDTH = 16, WIDTH_WHY = 70 };

static uint32_t why_column(const struct sheet *sheet, const struct form *form)
{
	return form->reason_column != SHEET_NOWHERE ? form->reason_column : sheet_column_count(sheet);
}

/* The next row that goes into the file; rows at the end. */
static uint32_t next_row(const struct sheet *sheet, const struct form *form, uint32_t row)
{
	uint32_t end = sheet_row_count(sheet);
	while (row < end && row > form->heading_row && !form_row_is_rejected(form, row))
		row++;
	return row;
}

static const char *why_text(const struct form *form, uint32_t row, char buffer[static FORM_REASON_BYTES])
{
	if (row == form->heading_row)
		return form->layout == FORM_TEMPLATE ? TEMPLATE_RETURNED : REASON_HEADING;
	return row < form->heading_row ? "" : form_reason(form, row, buffer);
}

/* A figure that stood in a merged cell was typed once. */
static struct sheet_cell typed_at(const struct sheet *sheet, const struct form *form, uint32_t row, uint32_t column)
{
	struct sheet_cell cell = sheet_at(sheet, row, column);
	if (cell.is_copy && form_column_is_figure(form, column)) {
		cell.kind = SHEET_EMPTY;
		cell.text = "";
	}
	return cell;
}

/* ---- .xlsx ---- */

static void write_row(struct book *book, const struct sheet *sheet, const struct form *form, uint32_t row, uint32_t to_row)
{
	uint32_t end = sheet_column_count(sheet), why = why_column(sheet, form);
	char buffer[FORM_REASON_BYTES];
	bool is_heading = row == form->heading_row, is_above = row < form->heading_row;
	for (uint32_t column = 0; column < end; column++) {
		struct sheet_cell cell = typed_at(sheet, form, row, column);
		if (column == why || (is_above && cell.is_copy))
			continue;
		if (is_heading)
			book_text(book, to_row, column, cell.text, book->looks[BOOK_HEADING]);
		else if (is_above)
			book_text(book, to_row, column, cell.text, book->looks[BOOK_PLAIN]);
		else
			book_typed(book, to_row, column, &cell, form_cell_is_wrong(form, row, column),
				   form_column_is_code(form, column));
	}
	if (is_heading)
		book_text(book, to_row, why, why_text(form, row, buffer), book->looks[BOOK_HEADING]);
	else if (!is_above)
		book_why(book, to_row, why, why_text(form, row, buffer), WIDTH_WHY);
}

static int write_xlsx(const struct sheet *sheet, const struct form *form, const char *path)
{
	struct book book;
	uint32_t end = sheet_row_count(sheet), to_row = 0, why = why_column(sheet, form);
	int error = book_open(&book, path, "Dòng bị trả lại", 0);
	for (uint32_t row = 0; !error && (row = next_row(sheet, form, row)) < end; row++)
		write_row(&book, sheet, form, row, to_row++);
	if (!error && !book.error) {
		for (uint32_t column = 0; column <= why || column < sheet_column_count(sheet); column++)
			worksheet_set_column(book.sheet, (lxw_col_t)column, (lxw_col_t)column, column == why ? WIDTH_WHY : WIDTH,
					     NULL);
		worksheet_freeze_panes(book.sheet, form->heading_row + 1, 0);
		worksheet_set_landscape(book.sheet);
		worksheet_set_paper(book.sheet, 9 /* A4 */);
		worksheet_fit_to_pages(book.sheet, 1, 0);
		worksheet_repeat_rows(book.sheet, form->heading_row, form->heading_row);
	}
	return book.path ? book_save(&book) : error;
}

/* ---- .csv: for Excel in Vietnamese, so with a byte order mark, semicolons and CRLF ---- */

static void put_cell(FILE *file, const char *text)
{
	if (!text[strcspn(text, ";,\"\r\n\t")]) {
		fputs(text, file);
		return;
	}
	fputc('"', file);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', file);
		fputc(*text, file);
	}
	fputc('"', file);
}

static int write_csv(const struct sheet *sheet, const struct form *form, const char *path)
{
	uint32_t end = sheet_row_count(sheet), columns = sheet_column_count(sheet), why = why_column(sheet, form);
	char *beside = NULL, buffer[FORM_REASON_BYTES];
	if (asprintf(&beside, "%s.new", path) < 0)
		return -ENOMEM;
	FILE *file = fopen(beside, "we");
	int error = file ? 0 : -errno;
	if (file)
		fputs("\xef\xbb\xbf", file);
	for (uint32_t row = 0; file && (row = next_row(sheet, form, row)) < end; row++) {
		for (uint32_t column = 0; column < columns || column <= why; column++) {
			if (column)
				fputc(';', file);
			put_cell(file, column == why ? why_text(form, row, buffer) : typed_at(sheet, form, row, column).text);
		}
		fputs("\r\n", file);
	}
	if (file && (fflush(file) || fsync(fileno(file))))
		error = -errno;
	if (file && fclose(file) && !error)
		error = -errno;
	if (!error && rename(beside, path))
		error = -errno;
	if (error && file)
		unlink(beside);
	free(beside);
	return error;
}

int template_write_rejected(const struct mirror *mirror, const struct sheet *sheet, const struct form *form, const char *path)
{
	if (sheet_format(sheet) == SHEET_CSV)
		return write_csv(sheet, form, path);
	return form->layout == FORM_TEMPLATE && mirror ? template_draw_rejected(mirror, sheet, form, path)
						       : write_xlsx(sheet, form, path);
}
