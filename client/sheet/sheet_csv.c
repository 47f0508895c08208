/* sheet_csv.c - text files with a separator: comma, semicolon or tab, as spreadsheet programs write them.
 *
 * Vietnamese Excel separates by semicolons, because the comma is its decimal mark, so the separator is found out: it is the one that stands
 * equally often in most of the first lines. "sep=;" as first line says it outright. Rows are counted as a spreadsheet counts them: empty
 * lines are rows, a line break inside quotes is none.
 */
#include <csv.h>
#include <errno.h>
#include <string.h>

#include <utf8proc.h>

#include "sheet_private.h"

enum { LOOK_AT_LINES = 100, LOOK_AT_BYTES = 1 << 20 };

struct reading {
	struct sheet_builder *builder;
	uint32_t row, column;
	uint32_t rows_seen; /* how often a row ended */
};

/* False, and the builder knows where, when the bytes are not UTF-8 without zeros. */
static bool check_encoding(struct sheet_builder *builder, const char *text, size_t bytes)
{
	uint32_t line = 0;
	bool has_mark = bytes >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0);
	if (has_mark || (bytes >= 4 && ((!text[0] && !text[2]) || (!text[1] && !text[3])))) {
		sheet_builder_wrong(builder, SHEET_UTF16, SHEET_NOWHERE, SHEET_NOWHERE, "%s", "");
		return false;
	}
	for (size_t i = 0; i < bytes;) {
		utf8proc_int32_t letter;
		utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)(bytes - i), &letter);
		if (n <= 0 || letter == 0) {
			sheet_builder_wrong(builder, n <= 0 ? SHEET_NOT_UTF8 : SHEET_ZERO_BYTE, line, SHEET_NOWHERE, "%s", "");
			return false;
		}
		line += letter == '\n';
		i += (size_t)n;
	}
	return true;
}

/* How many of the first lines have their commonest number of `mark`s outside quotes, when that is not none. */
static uint32_t lines_alike(const char *text, size_t bytes, char mark)
{
	uint32_t counts[LOOK_AT_LINES] = { 0 }, lines = 0, best = 0;
	bool is_quoted = false, has_bytes = false;
	for (size_t i = 0; i < bytes && i < LOOK_AT_BYTES && lines < LOOK_AT_LINES; i++) {
		if (text[i] == '"')
			is_quoted = !is_quoted;
		else if (text[i] == mark && !is_quoted)
			counts[lines]++;
		has_bytes = text[i] != '\n' || is_quoted;
		lines += !has_bytes;
	}
	lines += has_bytes && lines < LOOK_AT_LINES;
	for (uint32_t i = 0; i < lines; i++) {
		uint32_t alike = 0;
		for (uint32_t j = 0; j < lines; j++)
			alike += counts[i] && counts[j] == counts[i];
		best = alike > best ? alike : best;
	}
	return best;
}

static char separator_of(const char *text, size_t bytes)
{
	static const char marks[] = { '\t', ';', ',' };
	char best = ',';
	uint32_t most = 0;
	for (size_t i = 0; i < sizeof marks; i++) {
		uint32_t alike = lines_alike(text, bytes, marks[i]);
		if (alike > most) {
			most = alike;
			best = marks[i];
		}
	}
	return best;
}

static void take_field(void *text, size_t length, void *context)
{
	struct reading *reading = context;
	uint32_t column = reading->column++;
	if (text && length && !sheet_builder_error(reading->builder))
		sheet_builder_cell(reading->builder, reading->row, column, SHEET_TEXT,
				   sheet_builder_text(reading->builder, text, length));
}

static void take_row(int terminator, void *context)
{
	struct reading *reading = context;
	(void)terminator;
	reading->row++;
	reading->rows_seen++;
	reading->column = 0;
}

/* Line by line, so that a mistake and a row have a line's number. */
static void parse(struct reading *reading, struct csv_parser *parser, const char *text, size_t bytes, uint32_t line)
{
	struct sheet_builder *builder = reading->builder;
	uint32_t first_line = line, rows_before = 0;
	for (size_t at = 0; at < bytes && !sheet_builder_error(builder); line++) {
		const char *newline = memchr(text + at, '\n', bytes - at);
		size_t length = newline ? (size_t)(newline - text) + 1 - at : bytes - at;
		if (parser->pstate == 0) { /* between rows */
			first_line = line;
			rows_before = reading->rows_seen;
			sheet_builder_line(builder, reading->row, line + 1);
		}
		if (csv_parse(parser, text + at, length, take_field, take_row, reading) != length) {
			if (csv_error(parser) == CSV_EPARSE)
				sheet_builder_wrong(builder, SHEET_STRAY_QUOTE, line, SHEET_NOWHERE, "%s", "");
			else
				sheet_builder_no_memory(builder);
			return;
		}
		if (parser->pstate == 0 && reading->rows_seen == rows_before)
			reading->row++; /* an empty line, of which the parser says nothing */
		at += length;
	}
	if (csv_fini(parser, take_field, take_row, reading) != 0)
		sheet_builder_wrong(builder, SHEET_OPEN_QUOTE, first_line, SHEET_NOWHERE, "%s", "");
}

int sheet_read_csv(const void *bytes, size_t size, struct sheet **ret_sheet, struct sheet_problem *ret_problem)
{
	struct csv_parser parser;
	struct sheet_builder *builder = sheet_builder_create(SHEET_CSV, ret_problem);
	if (!builder)
		return -ENOMEM;
	const char *text = bytes;
	uint32_t line = 0;
	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		size -= 3;
	}
	if (!size)
		sheet_builder_wrong(builder, SHEET_NO_BYTES, SHEET_NOWHERE, SHEET_NOWHERE, "%s", "");
	if (sheet_builder_error(builder) || !check_encoding(builder, text, size))
		return sheet_builder_end(builder, ret_sheet);
	char separator = separator_of(text, size);
	if (size > 5 && strncasecmp(text, "sep=", 4) == 0 && strchr(",;\t", text[4]) && strchr("\r\n", text[5])) {
		const char *newline = memchr(text, '\n', size);
		separator = text[4];
		size -= newline ? (size_t)(newline + 1 - text) : size;
		text = newline ? newline + 1 : text;
		line = 1;
	}
	if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0) {
		sheet_builder_no_memory(builder);
		return sheet_builder_end(builder, ret_sheet);
	}
	csv_set_delim(&parser, (unsigned char)separator);
	struct reading reading = { .builder = builder };
	parse(&reading, &parser, text, size, line);
	csv_free(&parser);
	return sheet_builder_end(builder, ret_sheet);
}
