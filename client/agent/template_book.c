/* template_book.c - see template_book.h. Colours are pale, so that a form printed without colour is as readable. */
#include "template_book.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <baophu/date.h>

enum {
	DARK = 0x1F3864,
	GREY_TEXT = 0x7F7F7F,
	GREY_PAPER = 0xF2F2F2,
	HEADING_PAPER = 0xDCE6F1,
	ENTRY_PAPER = 0xFFFBE6,
	WRONG_PAPER = 0xFFC7CE,
	WRONG_TEXT = 0x9C0006,
	LINE = 0xBFBFBF,
};

static lxw_format *new_look(struct book *book, bool has_border)
{
	lxw_format *look = workbook_add_format(book->workbook);
	if (!look) {
		book->error = -ENOMEM;
		return NULL;
	}
	format_set_font_name(look, "Arial");
	format_set_font_size(look, 10);
	format_set_align(look, LXW_ALIGN_VERTICAL_CENTER);
	if (has_border) {
		format_set_border(look, LXW_BORDER_THIN);
		format_set_border_color(look, LINE);
	}
	return look;
}

static void paint(lxw_format *look, lxw_color_t paper, lxw_color_t text)
{
	if (!look)
		return;
	if (paper)
		format_set_bg_color(look, paper);
	if (text)
		format_set_font_color(look, text);
}

static void make_looks(struct book *book)
{
	/* Room behind a figure comes from its number format: LibreOffice takes the indent of figures away beside other formats. */
	static const struct {
		bool has_border, is_bold, is_wrapped, is_unlocked;
		uint8_t align;
		lxw_color_t paper, text;
		const char *number;
	} looks[BOOK_LOOK_COUNT] = {
		[BOOK_TITLE] = { .is_bold = true, .text = DARK },
		[BOOK_LABEL] = { .text = GREY_TEXT },
		[BOOK_SAYS] = { .is_bold = true },
		[BOOK_HINT] = { .is_wrapped = true, .text = GREY_TEXT },
		[BOOK_HEADING] = { true, true, true, false, LXW_ALIGN_CENTER, HEADING_PAPER, DARK, NULL },
		[BOOK_SUBHEADING] = { true, false, true, false, LXW_ALIGN_CENTER, HEADING_PAPER, DARK, NULL },
		[BOOK_CODE] = { .has_border = true, .number = "@" },
		[BOOK_NAME] = { .has_border = true },
		[BOOK_STANDS] = { true, false, false, false, LXW_ALIGN_RIGHT, GREY_PAPER, GREY_TEXT, "#,##0_-" },
		[BOOK_ENTRY] = { true, false, false, true, LXW_ALIGN_RIGHT, ENTRY_PAPER, 0, "#,##0" },
		[BOOK_ENTRY_TEXT] = { true, false, false, true, 0, ENTRY_PAPER, 0, NULL },
		[BOOK_TYPED] = { .has_border = true, .is_unlocked = true },
		[BOOK_TYPED_CODE] = { .has_border = true, .is_unlocked = true, .number = "@" },
		[BOOK_WRONG] = { true, false, false, true, 0, WRONG_PAPER, WRONG_TEXT, NULL },
		[BOOK_WRONG_CODE] = { true, false, false, true, 0, WRONG_PAPER, WRONG_TEXT, "@" },
		[BOOK_WHY] = { .has_border = true, .is_wrapped = true, .text = WRONG_TEXT },
	};
	for (size_t i = 0; i < BOOK_LOOK_COUNT; i++) {
		lxw_format *look = book->looks[i] = new_look(book, looks[i].has_border);
		if (!look)
			return;
		paint(look, looks[i].paper, looks[i].text);
		if (looks[i].is_bold)
			format_set_bold(look);
		if (looks[i].is_wrapped)
			format_set_text_wrap(look);
		if (looks[i].is_unlocked)
			format_set_unlocked(look);
		if (looks[i].align)
			format_set_align(look, looks[i].align);
		if (looks[i].number)
			format_set_num_format(look, looks[i].number);
		if (looks[i].has_border && !looks[i].align && i != BOOK_TYPED && i != BOOK_WRONG)
			format_set_indent(look, 1); /* room between text and line */
	}
	format_set_font_size(book->looks[BOOK_TITLE], 15);
	format_set_font_size(book->looks[BOOK_SUBHEADING], 9);
	format_set_align(book->looks[BOOK_HINT], LXW_ALIGN_VERTICAL_TOP);
}

int book_open(struct book *book, const char *path, const char *sheet_name, int64_t made_ms)
{
	*book = (struct book){ .path = strdup(path) };
	if (!book->path || asprintf(&book->beside, "%s.new", path) < 0) {
		free(book->path);
		*book = (struct book){ 0 };
		return -ENOMEM;
	}
	book->workbook = workbook_new(book->beside);
	book->sheet = book->workbook ? workbook_add_worksheet(book->workbook, sheet_name) : NULL;
	if (!book->sheet) {
		book->error = -ENOMEM;
	} else {
		lxw_doc_properties properties = { .created = (time_t)(made_ms / 1000) };
		workbook_set_properties(book->workbook, &properties);
		make_looks(book);
	}
	return book->error;
}

/* What libxlsxwriter says went wrong, in the words of errno where it kept them. */
static int translate(lxw_error error, int saved)
{
	if (error == LXW_NO_ERROR)
		return 0;
	if (error == LXW_ERROR_MEMORY_MALLOC_FAILED)
		return -ENOMEM;
	return saved ? -saved : -EIO;
}

static int flush(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int error = fd < 0 || fsync(fd) ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return error;
}

int book_save(struct book *book)
{
	int error = book->error;
	/* Opened here first, because libxlsxwriter would print why it cannot. */
	int fd = error ? -1 : open(book->beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (!error && fd < 0)
		error = -errno;
	if (fd >= 0)
		close(fd);
	if (error && book->workbook) {
		lxw_workbook_free(book->workbook);
	} else if (!error) {
		errno = 0;
		lxw_error closed = workbook_close(book->workbook);
		error = translate(closed, errno);
	}
	if (!error)
		error = flush(book->beside);
	if (!error && rename(book->beside, book->path))
		error = -errno;
	if (error && fd >= 0)
		unlink(book->beside);
	free(book->path);
	free(book->beside);
	*book = (struct book){ 0 };
	return error;
}

/* ---- cells ---- */

static void check(struct book *book, lxw_error error)
{
	if (error && !book->error)
		book->error = error == LXW_ERROR_MEMORY_MALLOC_FAILED ? -ENOMEM : -BAOPHU_EFULL;
}

void book_text(struct book *book, uint32_t row, uint32_t column, const char *text, lxw_format *look)
{
	if (book->error)
		return;
	check(book, *text ? worksheet_write_string(book->sheet, row, (lxw_col_t)column, text, look)
			  : worksheet_write_blank(book->sheet, row, (lxw_col_t)column, look));
}

void book_why(struct book *book, uint32_t row, uint32_t column, const char *text, unsigned width)
{
	enum { LINE_POINTS = 13, SPARE_POINTS = 5 };
	unsigned letters = 0;
	for (const char *c = text; *c; c++)
		letters += ((unsigned char)*c & 0xc0) != 0x80;
	book_text(book, row, column, text, book->looks[BOOK_WHY]);
	/* A tenth is lost where lines break between words. */
	unsigned lines = 1 + letters * 11 / (10 * width);
	if (!book->error)
		check(book, worksheet_set_row(book->sheet, row, lines * LINE_POINTS + SPARE_POINTS, NULL));
}

void book_number(struct book *book, uint32_t row, uint32_t column, int64_t value, lxw_format *look)
{
	if (!book->error)
		check(book, worksheet_write_number(book->sheet, row, (lxw_col_t)column, (double)value, look));
}

void book_merge(struct book *book, uint32_t row, uint32_t column, uint32_t last_row, uint32_t last_column, const char *text,
		lxw_format *look)
{
	if (row == last_row && column == last_column)
		book_text(book, row, column, text, look);
	else if (!book->error)
		check(book,
		      worksheet_merge_range(book->sheet, row, (lxw_col_t)column, last_row, (lxw_col_t)last_column, text, look));
}

lxw_format *book_dated(struct book *book, baophu_date date)
{
	char number[40], day[11];
	for (unsigned i = 0; i < book->dated_count; i++)
		if (book->dated[i].date == date)
			return book->dated[i].look;
	lxw_format *look = book->dated_count < BOOK_DATES_MAX && !book->error ? new_look(book, true) : NULL;
	if (!look)
		return book->looks[BOOK_STANDS];
	paint(look, GREY_PAPER, GREY_TEXT);
	format_set_align(look, LXW_ALIGN_RIGHT);
	baophu_date_format(date, true, day);
	snprintf(number, sizeof number, "#,##0\" (%.5s)\"_-", day);
	format_set_num_format(look, number);
	book->dated[book->dated_count].date = date;
	book->dated[book->dated_count++].look = look;
	return look;
}

lxw_format *book_name(struct book *book, uint32_t depth)
{
	if (depth >= BOOK_DEPTHS)
		depth = BOOK_DEPTHS - 1;
	if (!book->names[depth] && !book->error) {
		lxw_format *look = book->names[depth] = new_look(book, true);
		if (look)
			format_set_indent(look, (uint8_t)(1 + 2 * depth));
	}
	return book->names[depth] ? book->names[depth] : book->looks[BOOK_NAME];
}

static lxw_format *typed_look(struct book *book, lxw_format **slot, const char *number)
{
	if (*slot || book->error)
		return *slot;
	lxw_format *look = *slot = new_look(book, true);
	if (look) {
		format_set_unlocked(look);
		format_set_num_format(look, number);
		format_set_align(look, LXW_ALIGN_RIGHT);
	}
	return look;
}

/* As much of a date as the cell showed. */
static void typed_date(struct book *book, uint32_t row, uint32_t column, const char *text)
{
	static const char *const numbers[] = { "dd/mm/yyyy", "mm/yyyy", "yyyy" };
	unsigned year = 0, month = 1, day = 1;
	int parts = sscanf(text, "%4u-%2u-%2u", &year, &month, &day);
	lxw_datetime date = { .year = (int)year, .month = (int)month, .day = (int)day };
	int kind = parts == 3 ? 0 : parts == 2 ? 1 : 2;
	lxw_format *look = parts > 0 ? typed_look(book, &book->date_looks[kind], numbers[kind]) : NULL;
	if (!look)
		book_text(book, row, column, text, book->looks[BOOK_TYPED]);
	else if (!book->error)
		check(book, worksheet_write_datetime(book->sheet, row, (lxw_col_t)column, &date, look));
}

/* What stood in a numeric cell is what a double can hold. */
static void typed_number(struct book *book, uint32_t row, uint32_t column, const char *text, lxw_format *look)
{
	if (!book->error)
		check(book, worksheet_write_number(book->sheet, row, (lxw_col_t)column, strtod(text, NULL), look));
}

void book_typed(struct book *book, uint32_t row, uint32_t column, const struct sheet_cell *cell, bool is_wrong, bool is_code)
{
	lxw_format *look = book->looks[is_wrong ? is_code ? BOOK_WRONG_CODE : BOOK_WRONG : is_code ? BOOK_TYPED_CODE : BOOK_TYPED];
	char seen[FORM_SEEN_BYTES];
	if (cell->kind == SHEET_NUMBER && !is_code)
		typed_number(book, row, column, cell->text, look);
	else if (cell->kind == SHEET_PERCENT && !is_wrong)
		typed_number(book, row, column, cell->text, typed_look(book, &book->percent_look, "0.00####%"));
	else if (cell->kind == SHEET_DATE && !is_wrong)
		typed_date(book, row, column, cell->text);
	else if (cell->kind == SHEET_BOOL && !book->error)
		check(book, worksheet_write_boolean(book->sheet, row, (lxw_col_t)column, *cell->text == '1', look));
	else
		book_text(book, row, column, form_seen(cell, true, seen), look);
}
