/* sheet_xlsx.c - workbooks of ECMA-376 (.xlsx), as Excel, LibreOffice, WPS, openpyxl and others write them.
 *
 * In the order of the file: _rels/.rels says where the workbook is, the workbook which tabs there are, its relations where their parts and
 * the texts and formats lie; then the shared texts, the formats and one tab. Only values are read: formulas by the result that was stored with
 * them; never what a part refers to outside. The names of elements are taken without their prefixes, and only where they belong.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "language.h"
#include "sheet_archive.h"
#include "sheet_style.h"
#include "text.h"

enum {
	EXCEL_ROWS = 1048576,
	EXCEL_COLUMNS = 16384,
	RELATION_ID_BYTES = 64,
	STYLES_MAX = 65536, /* as many as Excel has */
	FORMATS_MAX = 4096,
	COLLECTED_BYTES_MAX = 4 * SHEET_CELL_BYTES_MAX,
};

struct tab {
	char name[SHEET_NAME_BYTES], relation[RELATION_ID_BYTES], part[ARCHIVE_NAME_BYTES];
	bool is_hidden;
};
struct format {
	uint32_t id;
	enum style_shown shown;
};
struct workbook {
	struct archive *archive;
	struct sheet_builder *builder;
	char part[ARCHIVE_NAME_BYTES], texts_part[ARCHIVE_NAME_BYTES], styles_part[ARCHIVE_NAME_BYTES];
	bool is_1904;
	struct tab *tabs; /* SHEET_TABS_MAX of them */
	uint32_t tab_count;
	struct sheet_text *texts;
	uint32_t text_count, text_capacity;
	struct format *formats; /* FORMATS_MAX */
	uint32_t format_count;
	uint32_t *style_formats; /* format number of each cell style */
	uint8_t *styles; /* enum style_shown of each cell style */
	uint32_t style_count, style_capacity;

	/* Where the parser is. */
	bool in_section, in_item, in_run, is_collecting;
	char collected[COLLECTED_BYTES_MAX];
	size_t collected_bytes;
	bool is_too_long;

	/* The tab at hand. */
	bool is_peek, has_mark; /* only whether A1 has the mark */
	bool in_merges;
	uint32_t row, column, next_row, next_column;
	char type[12];
	uint32_t style;
	bool has_formula, in_inline;
};

static void bad_place(struct workbook *book, const char *text)
{
	sheet_builder_wrong(book->builder, SHEET_BAD_PLACE, SHEET_NOWHERE, SHEET_NOWHERE, "%.60s", text);
}

/* ---- small readers ---- */

/* A whole number up to `max`; false when it is none. */
static bool read_number(const char *text, uint32_t max, uint32_t *ret_value)
{
	uint64_t value = 0;
	if (!text || !*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (uint64_t)(*text - '0');
		if (value > max)
			return false;
	}
	*ret_value = (uint32_t)value;
	return true;
}

static bool is_true(const char *text) { return text && (strcmp(text, "1") == 0 || strcmp(text, "true") == 0); }

/* "B7" off the front of *text. */
static bool take_place(const char **text, uint32_t *ret_row, uint32_t *ret_column)
{
	uint32_t row = 0, column = 0;
	const char *at = *text;
	for (; *at >= 'A' && *at <= 'Z' && column <= EXCEL_COLUMNS; at++)
		column = column * 26 + (uint32_t)(*at - 'A' + 1);
	if (at == *text || *at < '1' || *at > '9')
		return false;
	for (; *at >= '0' && *at <= '9' && row <= EXCEL_ROWS; at++)
		row = row * 10 + (uint32_t)(*at - '0');
	if (column > EXCEL_COLUMNS || row > EXCEL_ROWS)
		return false;
	*text = at;
	*ret_row = row - 1;
	*ret_column = column - 1;
	return true;
}

static bool read_place(const char *text, uint32_t *ret_row, uint32_t *ret_column)
{
	return take_place(&text, ret_row, ret_column) && !*text;
}

/* "A1:C2", or one cell. */
static bool read_range(const char *text, uint32_t *ret_row, uint32_t *ret_column, uint32_t *ret_last_row, uint32_t *ret_last_column)
{
	if (!take_place(&text, ret_row, ret_column))
		return false;
	*ret_last_row = *ret_row;
	*ret_last_column = *ret_column;
	if (!*text)
		return true;
	return *text == ':' && read_place(text + 1, ret_last_row, ret_last_column) && *ret_last_row >= *ret_row &&
	       *ret_last_column >= *ret_column;
}

/* Where a relation of a part leads: absolute in the archive, or beside the part. False when it leads out, or nowhere. */
static bool resolve(const char *from_part, const char *target, char part[static ARCHIVE_NAME_BYTES])
{
	const char *slash = strrchr(from_part, '/');
	int directory = *target != '/' && slash ? (int)(slash + 1 - from_part) : 0;
	while (strncmp(target, "./", 2) == 0)
		target += 2;
	int length = snprintf(part, ARCHIVE_NAME_BYTES, "%.*s%s", directory, from_part, target + (*target == '/'));
	return length > 0 && length < ARCHIVE_NAME_BYTES && !strstr(part, "..") && !strchr(part, ':') && !strchr(part, '\\');
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);
	return length >= end_length && strcasecmp(text + length - end_length, end) == 0;
}

static void collect_begin(struct workbook *book)
{
	book->collected_bytes = 0;
	book->is_too_long = false;
}

static void collect(struct workbook *book, const char *text, size_t bytes)
{
	if (book->collected_bytes + bytes > sizeof book->collected) {
		book->is_too_long = true;
		return;
	}
	memcpy(book->collected + book->collected_bytes, text, bytes);
	book->collected_bytes += bytes;
}

static void on_text(void *context, const char *text, size_t bytes)
{
	struct workbook *book = context;
	if (book->is_collecting)
		collect(book, text, bytes);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* _x000D_ stands for a character that XML cannot hold; what is no letter of Unicode stays as it is. */
static size_t unescape(char *text, size_t bytes)
{
	size_t used = 0;
	for (size_t i = 0; i < bytes;) {
		int code = 0;
		bool is_escape = bytes - i >= 7 && text[i] == '_' && text[i + 1] == 'x' && text[i + 6] == '_';
		for (size_t j = 2; j < 6 && is_escape; j++) {
			int digit = hex_digit(text[i + j]);
			is_escape = digit >= 0;
			code = code * 16 + digit;
		}
		if (!is_escape || code == 0 || code >= 0x800) {
			text[used++] = text[i++];
			continue;
		}
		if (code < 0x80) {
			text[used++] = (char)code;
		} else {
			text[used++] = (char)(0xc0 | code >> 6);
			text[used++] = (char)(0x80 | (code & 0x3f));
		}
		i += 7;
	}
	return used;
}

static struct sheet_text collected_text(struct workbook *book)
{
	if (book->is_too_long)
		return (struct sheet_text){ .trouble = SHEET_CELL_TOO_LONG };
	return sheet_builder_text(book->builder, book->collected, unescape(book->collected, book->collected_bytes));
}

/* ---- relations ---- */

static const char *relation_target(const char **attributes, const char **ret_type)
{
	const char *mode = archive_attribute(attributes, "TargetMode"), *target = archive_attribute(attributes, "Target");
	*ret_type = archive_attribute(attributes, "Type");
	return *ret_type && target && !(mode && strcmp(mode, "External") == 0) ? target : NULL;
}

static void on_root_relation(void *context, unsigned depth, const char *name, const char **attributes)
{
	struct workbook *book = context;
	const char *type, *target;
	if (depth != 2 || strcmp(name, "Relationship") != 0 || !(target = relation_target(attributes, &type)))
		return;
	if (ends_with(type, "/officeDocument") && !*book->part && !resolve("", target, book->part))
		bad_place(book, target);
}

static void on_book_relation(void *context, unsigned depth, const char *name, const char **attributes)
{
	struct workbook *book = context;
	const char *type, *target, *id;
	char *part = NULL;
	if (depth != 2 || strcmp(name, "Relationship") != 0 || !(target = relation_target(attributes, &type)))
		return;
	if (ends_with(type, "/sharedStrings"))
		part = book->texts_part;
	else if (ends_with(type, "/styles"))
		part = book->styles_part;
	else if (ends_with(type, "/worksheet") && (id = archive_attribute(attributes, "Id")))
		for (uint32_t i = 0; i < book->tab_count && !part; i++)
			if (strcmp(book->tabs[i].relation, id) == 0)
				part = book->tabs[i].part;
	if (part && !*part && !resolve(book->part, target, part))
		bad_place(book, target);
}

/* "xl/workbook.xml" -> "xl/_rels/workbook.xml.rels" */
static void relations_of(const char *part, char relations[static ARCHIVE_NAME_BYTES + 16])
{
	const char *slash = strrchr(part, '/');
	int directory = slash ? (int)(slash + 1 - part) : 0;
	snprintf(relations, ARCHIVE_NAME_BYTES + 16, "%.*s_rels/%s.rels", directory, part, part + directory);
}

/* ---- the workbook ---- */

static void on_book(void *context, unsigned depth, const char *name, const char **attributes)
{
	struct workbook *book = context;
	if (depth == 2) {
		book->in_section = strcmp(name, "sheets") == 0;
		if (strcmp(name, "workbookPr") == 0)
			book->is_1904 = is_true(archive_attribute(attributes, "date1904"));
		return;
	}
	if (depth != 3 || !book->in_section || strcmp(name, "sheet") != 0)
		return;
	const char *tab_name = archive_attribute(attributes, "name"), *relation = archive_attribute(attributes, "id"),
		   *state = archive_attribute(attributes, "state");
	if (!tab_name || !relation || strlen(relation) >= RELATION_ID_BYTES) {
		bad_place(book, tab_name ? tab_name : "sheet");
	} else if (book->tab_count == SHEET_TABS_MAX) {
		sheet_builder_wrong(book->builder, SHEET_TOO_MANY_PARTS, SHEET_NOWHERE, SHEET_NOWHERE, "sheets");
	} else {
		struct tab *tab = &book->tabs[book->tab_count++];
		snprintf(tab->name, sizeof tab->name, "%.*s", (int)text_cut(tab_name, sizeof tab->name - 1), tab_name);
		memcpy(tab->relation, relation, strlen(relation) + 1);
		tab->is_hidden = state && strcmp(state, "visible") != 0;
	}
}

/* ---- shared texts: <si><t>…</t></si>, or runs <r><t>…</t></r>; <rPh> is how a text is pronounced ---- */

static void on_texts_start(void *context, unsigned depth, const char *name, const char **attributes)
{
	struct workbook *book = context;
	(void)attributes;
	if (depth == 2) {
		book->in_item = strcmp(name, "si") == 0;
		collect_begin(book);
	} else if (depth == 3) {
		book->in_run = strcmp(name, "r") == 0;
	}
	book->is_collecting = book->in_item && strcmp(name, "t") == 0 && (depth == 3 || (depth == 4 && book->in_run));
}

static void on_texts_end(void *context, unsigned depth, const char *name)
{
	struct workbook *book = context;
	(void)name;
	book->is_collecting = false;
	if (depth != 2 || !book->in_item)
		return;
	book->in_item = false;
	if (book->text_count == SHEET_CELLS_MAX) {
		sheet_builder_wrong(book->builder, SHEET_TOO_MUCH_TEXT, SHEET_NOWHERE, SHEET_NOWHERE, "%s", "");
		return;
	}
	if (book->text_count == book->text_capacity) {
		uint32_t capacity = book->text_capacity ? 2 * book->text_capacity : 1024;
		struct sheet_text *texts = realloc(book->texts, capacity * sizeof *texts);
		if (!texts) {
			sheet_builder_no_memory(book->builder);
			return;
		}
		book->texts = texts;
		book->text_capacity = capacity;
	}
	book->texts[book->text_count++] = collected_text(book);
}

/* ---- formats ---- */

static void add_style(struct workbook *book, uint32_t format)
{
	if (book->style_count == STYLES_MAX) {
		sheet_builder_wrong(book->builder, SHEET_TOO_MANY_PARTS, SHEET_NOWHERE, SHEET_NOWHERE, "xf");
		return;
	}
	if (book->style_count == book->style_capacity) {
		uint32_t capacity = book->style_capacity ? 2 * book->style_capacity : 256;
		uint32_t *formats = realloc(book->style_formats, capacity * sizeof *formats);
		if (!formats) {
			sheet_builder_no_memory(book->builder);
			return;
		}
		book->style_formats = formats;
		book->style_capacity = capacity;
	}
	book->style_formats[book->style_count++] = format;
}

static void on_styles(void *context, unsigned depth, const char *name, const char **attributes)
{
	struct workbook *book = context;
	const char *id = archive_attribute(attributes, "numFmtId"), *code;
	uint32_t format = 0;
	if (depth == 2) {
		book->in_section = strcmp(name, "cellXfs") == 0;
		book->in_item = strcmp(name, "numFmts") == 0;
	} else if (depth == 3 && book->in_section && strcmp(name, "xf") == 0) {
		if (id && !read_number(id, UINT32_MAX, &format))
			bad_place(book, id);
		else
			add_style(book, format);
	} else if (depth == 3 && book->in_item && strcmp(name, "numFmt") == 0) {
		code = archive_attribute(attributes, "formatCode");
		if (!code || !read_number(id, UINT32_MAX, &format))
			bad_place(book, id ? id : "numFmt");
		else if (book->format_count == FORMATS_MAX)
			sheet_builder_wrong(book->builder, SHEET_TOO_MANY_PARTS, SHEET_NOWHERE, SHEET_NOWHERE, "numFmt");
		else
			book->formats[book->format_count++] = (struct format){ .id = format, .shown = style_of_code(code) };
	}
}

static int by_id(const void *a, const void *b)
{
	const struct format *x = a, *y = b;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* Every style knows how it shows a number; a format of the file stands over the one that needs no code. */
static void settle_styles(struct workbook *book)
{
	book->styles = malloc(book->style_count ? book->style_count : 1);
	if (!book->styles) {
		sheet_builder_no_memory(book->builder);
		return;
	}
	qsort(book->formats, book->format_count, sizeof *book->formats, by_id);
	for (uint32_t i = 0; i < book->style_count; i++) {
		struct format wanted = { .id = book->style_formats[i] };
		const struct format *found = bsearch(&wanted, book->formats, book->format_count, sizeof wanted, by_id);
		book->styles[i] = (uint8_t)(found ? found->shown : style_of_builtin(wanted.id));
	}
}

/* ---- a tab ---- */

static void begin_row(struct workbook *book, const char **attributes)
{
	const char *number = archive_attribute(attributes, "r");
	uint32_t row = book->next_row + 1;
	if (number && (!read_number(number, EXCEL_ROWS, &row) || !row)) {
		bad_place(book, number);
		return;
	}
	book->row = row - 1;
	book->next_row = row;
	book->next_column = 0;
	if (book->is_peek && book->row > 0)
		archive_stop(book->archive);
}

static void begin_cell(struct workbook *book, const char **attributes)
{
	const char *place = archive_attribute(attributes, "r"), *type = archive_attribute(attributes, "t"),
		   *style = archive_attribute(attributes, "s");
	uint32_t row = book->row;
	book->column = book->next_column;
	book->style = 0;
	book->has_formula = book->in_inline = false;
	if (place && (!read_place(place, &row, &book->column) || row != book->row))
		bad_place(book, place);
	else if (book->column >= EXCEL_COLUMNS)
		bad_place(book, "c");
	else if (type && strlen(type) >= sizeof book->type)
		bad_place(book, type);
	else if (style && (!read_number(style, UINT32_MAX, &book->style) || book->style >= book->style_count))
		bad_place(book, style);
	snprintf(book->type, sizeof book->type, "%s", type ? type : "n");
	book->next_column = book->column + 1;
	collect_begin(book);
}

static enum style_shown shown(const struct workbook *book)
{
	return book->style < book->style_count ? (enum style_shown)book->styles[book->style] : STYLE_NUMBER;
}

static void add_known(struct workbook *book, enum sheet_kind kind, const char *text)
{
	sheet_builder_cell(book->builder, book->row, book->column, kind, sheet_builder_text(book->builder, text, strlen(text)));
}

static void add_bad(struct workbook *book, enum sheet_trouble trouble, const char *text)
{
	sheet_builder_bad_cell(book->builder, book->row, book->column, trouble, text);
}

static void add_number(struct workbook *book, const char *text)
{
	struct decimal number;
	char date[STYLE_DATE_BYTES];
	if (strlen(text) > 40 || decimal_read(text, &number) != 0) {
		add_bad(book, SHEET_CELL_NOT_A_NUMBER, text);
		return;
	}
	switch (shown(book)) {
	case STYLE_PERCENT:
		add_known(book, SHEET_PERCENT, text);
		break;
	case STYLE_DAY:
	case STYLE_MONTH:
	case STYLE_YEAR:
		if (style_date(number, book->is_1904, shown(book), date))
			add_known(book, SHEET_DATE, date);
		else
			add_bad(book, SHEET_CELL_NO_DATE, text);
		break;
	case STYLE_SCALED:
		add_bad(book, SHEET_CELL_SCALED, text);
		break;
	default:
		add_known(book, SHEET_NUMBER, text);
	}
}

/* 2024-04-30T00:00:00 of a strict workbook. */
static void add_iso_date(struct workbook *book, const char *text)
{
	char date[11];
	snprintf(date, sizeof date, "%.10s", text);
	for (size_t i = 0; i < sizeof date - 1; i++)
		if (i == 4 || i == 7 ? date[i] != '-' : date[i] < '0' || date[i] > '9') {
			add_bad(book, SHEET_CELL_NO_DATE, text);
			return;
		}
	add_known(book, SHEET_DATE, date);
}

static void end_cell(struct workbook *book)
{
	char text[256]; /* of a number, an index, an error: all short */
	size_t bytes = book->collected_bytes < sizeof text ? book->collected_bytes : sizeof text - 1;
	memcpy(text, book->collected, bytes);
	text[bytes] = '\0';
	bool is_text = strcmp(book->type, "str") == 0 || strcmp(book->type, "inlineStr") == 0;
	if (is_text) {
		sheet_builder_cell(book->builder, book->row, book->column, SHEET_TEXT, collected_text(book));
		return;
	}
	if (!bytes) {
		if (book->has_formula)
			add_bad(book, SHEET_CELL_NOT_CALCULATED, "");
		return;
	}
	uint32_t index;
	if (strcmp(book->type, "s") == 0) {
		if (read_number(text, UINT32_MAX, &index) && index < book->text_count)
			sheet_builder_cell(book->builder, book->row, book->column, SHEET_TEXT, book->texts[index]);
		else
			bad_place(book, text);
	} else if (strcmp(book->type, "n") == 0) {
		add_number(book, text);
	} else if (strcmp(book->type, "b") == 0) {
		if (strcmp(text, "0") == 0 || strcmp(text, "1") == 0)
			add_known(book, SHEET_BOOL, text);
		else
			add_bad(book, SHEET_CELL_NOT_A_NUMBER, text);
	} else if (strcmp(book->type, "e") == 0) {
		add_bad(book, SHEET_CELL_HAS_ERROR, text);
	} else if (strcmp(book->type, "d") == 0) {
		add_iso_date(book, text);
	} else {
		bad_place(book, book->type);
	}
}

static void peek_cell(struct workbook *book)
{
	uint32_t index;
	struct sheet_text text = { 0 };
	if (book->column == 0) {
		char number[16];
		snprintf(number, sizeof number, "%.*s", book->collected_bytes < 15 ? (int)book->collected_bytes : 15,
			 book->collected);
		if (strcmp(book->type, "s") != 0)
			text = collected_text(book);
		else if (read_number(number, UINT32_MAX, &index) && index < book->text_count)
			text = book->texts[index];
		book->has_mark = strncmp(sheet_builder_string(book->builder, text), SHEET_MARK, strlen(SHEET_MARK)) == 0;
	}
	archive_stop(book->archive);
}

static void on_tab_start(void *context, unsigned depth, const char *name, const char **attributes)
{
	struct workbook *book = context;
	book->is_collecting = false;
	switch (depth) {
	case 2:
		book->in_section = strcmp(name, "sheetData") == 0;
		book->in_merges = strcmp(name, "mergeCells") == 0;
		break;
	case 3:
		if (book->in_section && strcmp(name, "row") == 0) {
			book->in_item = true;
			begin_row(book, attributes);
		} else if (book->in_merges && strcmp(name, "mergeCell") == 0) {
			const char *range = archive_attribute(attributes, "ref");
			uint32_t row, column, last_row, last_column;
			if (range && read_range(range, &row, &column, &last_row, &last_column))
				sheet_builder_merge(book->builder, row, column, last_row, last_column);
			else
				bad_place(book, range ? range : "mergeCell");
		}
		break;
	case 4:
		if (book->in_item && strcmp(name, "c") == 0)
			begin_cell(book, attributes);
		else
			book->type[0] = '\0';
		break;
	case 5:
		if (!book->in_item || !*book->type)
			break;
		book->has_formula = book->has_formula || strcmp(name, "f") == 0;
		book->in_inline = strcmp(name, "is") == 0;
		book->is_collecting = strcmp(name, "v") == 0 && strcmp(book->type, "inlineStr") != 0;
		break;
	case 6:
	case 7:
		if (depth == 6)
			book->in_run = strcmp(name, "r") == 0;
		book->is_collecting = book->in_item && book->in_inline && strcmp(book->type, "inlineStr") == 0 &&
				      strcmp(name, "t") == 0 && (depth == 6 || book->in_run);
		break;
	default:
		break;
	}
}

static void on_tab_end(void *context, unsigned depth, const char *name)
{
	struct workbook *book = context;
	book->is_collecting = false;
	if (depth == 3)
		book->in_item = false;
	if (depth != 4 || !book->in_item || strcmp(name, "c") != 0)
		return;
	if (book->is_peek)
		peek_cell(book);
	else
		end_cell(book);
}

static void read_tab(struct workbook *book, const struct tab *tab, bool is_peek)
{
	static const struct archive_handlers handlers = { on_tab_start, on_tab_end, on_text };
	book->is_peek = is_peek;
	book->has_mark = book->in_section = book->in_merges = book->in_item = book->in_run = book->is_collecting = false;
	book->row = book->column = book->next_row = book->next_column = 0;
	book->type[0] = '\0';
	sheet_builder_tab(book->builder, tab->name);
	archive_read(book->archive, tab->part, &handlers, book);
}

static bool is_read(const struct tab *tab) { return !tab->is_hidden && *tab->part; }

/* The first visible tab with the mark, else the first visible one that holds something. */
static void read_one_tab(struct workbook *book)
{
	const struct tab *chosen = NULL;
	uint32_t visible_count = 0;
	for (uint32_t i = 0; i < book->tab_count; i++)
		visible_count += is_read(&book->tabs[i]);
	for (uint32_t i = 0; i < book->tab_count && !chosen && visible_count > 1; i++) {
		if (!is_read(&book->tabs[i]))
			continue;
		read_tab(book, &book->tabs[i], true);
		chosen = book->has_mark ? &book->tabs[i] : NULL;
	}
	for (uint32_t i = 0; i < book->tab_count && !sheet_builder_cell_count(book->builder); i++)
		if (is_read(&book->tabs[i]) && (!chosen || chosen == &book->tabs[i]))
			read_tab(book, &book->tabs[i], false);
	if (visible_count != 1 && !sheet_builder_cell_count(book->builder))
		sheet_builder_tab(book->builder, ""); /* nothing in any of them */
	if (!visible_count)
		sheet_builder_wrong(book->builder, SHEET_NO_TAB, SHEET_NOWHERE, SHEET_NOWHERE, "%s", "");
}

/* ---- the file ---- */

/* What an archive is that has no workbook of ours. */
static void check_kind(struct workbook *book)
{
	if (archive_has(book->archive, "mimetype"))
		sheet_builder_wrong(book->builder, SHEET_OPEN_DOCUMENT, SHEET_NOWHERE, SHEET_NOWHERE, "%s", "");
	else if (!archive_has(book->archive, "_rels/.rels"))
		sheet_builder_wrong(book->builder, SHEET_OTHER_DOCUMENT, SHEET_NOWHERE, SHEET_NOWHERE, "%s",
				    N_("an archive (.zip)"));
}

static void check_workbook(struct workbook *book)
{
	if (!*book->part)
		sheet_builder_wrong(book->builder, SHEET_MISSING_PART, SHEET_NOWHERE, SHEET_NOWHERE, "xl/workbook.xml");
	else if (ends_with(book->part, ".bin"))
		sheet_builder_wrong(book->builder, SHEET_BINARY_EXCEL, SHEET_NOWHERE, SHEET_NOWHERE, "%s", "");
	else if (strncmp(book->part, "word/", 5) == 0)
		sheet_builder_wrong(book->builder, SHEET_OTHER_DOCUMENT, SHEET_NOWHERE, SHEET_NOWHERE, "%s", N_("a Word document"));
	else if (strncmp(book->part, "ppt/", 4) == 0)
		sheet_builder_wrong(book->builder, SHEET_OTHER_DOCUMENT, SHEET_NOWHERE, SHEET_NOWHERE, "%s", N_("a presentation"));
}

static void read_workbook(struct workbook *book)
{
	static const struct archive_handlers root = { on_root_relation, NULL, NULL }, relations = { on_book_relation, NULL, NULL },
					     workbook = { on_book, NULL, NULL }, texts = { on_texts_start, on_texts_end, on_text },
					     styles = { on_styles, NULL, NULL };
	char relations_part[ARCHIVE_NAME_BYTES + 16];
	check_kind(book);
	archive_read(book->archive, "_rels/.rels", &root, book);
	check_workbook(book);
	archive_read(book->archive, book->part, &workbook, book);
	relations_of(book->part, relations_part);
	archive_read(book->archive, relations_part, &relations, book);
	if (*book->texts_part) {
		book->in_item = book->in_run = false;
		archive_read(book->archive, book->texts_part, &texts, book);
	}
	if (*book->styles_part) {
		book->in_item = book->in_section = false;
		archive_read(book->archive, book->styles_part, &styles, book);
	}
	settle_styles(book);
	if (!sheet_builder_error(book->builder))
		read_one_tab(book);
}

int sheet_read_xlsx(const void *bytes, size_t size, struct sheet **ret_sheet, struct sheet_problem *ret_problem)
{
	struct sheet_builder *builder = sheet_builder_create(SHEET_XLSX, ret_problem);
	struct workbook *book = calloc(1, sizeof *book);
	struct tab *tabs = calloc(SHEET_TABS_MAX, sizeof *tabs);
	struct format *formats = calloc(FORMATS_MAX, sizeof *formats);
	int error = -ENOMEM;
	if (builder && book && tabs && formats) {
		book->builder = builder;
		book->tabs = tabs;
		book->formats = formats;
		book->archive = archive_open(bytes, size, builder);
		if (book->archive)
			read_workbook(book);
		error = sheet_builder_end(builder, ret_sheet);
		builder = NULL;
	}
	if (book) {
		archive_close(book->archive);
		free(book->texts);
		free(book->styles);
		free(book->style_formats);
	}
	free(book);
	free(tabs);
	free(formats);
	sheet_builder_destroy(builder);
	return error;
}
