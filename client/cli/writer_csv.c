/* writer_csv.c - CSV: RFC 4180 for programs; with --excel for a Vietnamese Windows: BOM, semicolons, decimal commas, codes as text.
 *
 * A spreadsheet drops the zeros of 00004 unless the cell is ="00004"; only --excel writes that, and only for codes.
 */
#include "writer.h"

#include <errno.h>
#include <string.h>

static void put_text(FILE *out, const char *text, char separator)
{
	char special[] = { separator, '"', '\r', '\n', '\0' };
	if (!strpbrk(text, special)) {
		fputs(text, out);
		return;
	}
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}

static bool is_all_digits(const char *text) { return text[strspn(text, "0123456789")] == '\0'; }

/* A cell that begins with one of these runs as a formula when somebody opens the file. */
static bool looks_like_formula(const char *text) { return *text && strchr("=+-@\t", *text); }

static void put_field(const struct writer *writer, const struct field *field)
{
	char buffer[FIELD_BYTES];
	const char *text = field_plain(field, buffer);
	char separator = writer->options.excel ? ';' : ',';
	if (!writer->options.excel) {
		put_text(writer->out, text, separator);
		return;
	}
	if (field->kind == FIELD_DECIMAL) {
		for (char *mark = buffer; *mark; mark++)
			if (*mark == '.')
				*mark = ',';
		put_text(writer->out, buffer, separator);
	} else if (field->kind == FIELD_CODE && is_all_digits(text)) {
		fprintf(writer->out, "=\"%s\"", text);
	} else if ((field->kind == FIELD_TEXT || field->kind == FIELD_CODE || field->kind == FIELD_WORDS ||
		    field->kind == FIELD_COUNTS) &&
		   looks_like_formula(text)) {
		char guarded[BAOPHU_TEXT_BYTES_MAX + 2];
		snprintf(guarded, sizeof guarded, "'%s", text);
		put_text(writer->out, guarded, separator);
	} else {
		put_text(writer->out, text, separator);
	}
}

static void put_line_end(const struct writer *writer) { fputs("\r\n", writer->out); }

static int csv_begin(struct writer *writer)
{
	char separator = writer->options.excel ? ';' : ',';
	if (writer->options.excel)
		fputs("\xef\xbb\xbf", writer->out);
	for (size_t i = 0; i < writer->column_count; i++) {
		if (i)
			putc(separator, writer->out);
		put_text(writer->out, writer->columns[i].key, separator);
	}
	put_line_end(writer);
	return ferror(writer->out) ? -EIO : 0;
}

static int csv_row(struct writer *writer, const struct field *fields)
{
	for (size_t i = 0; i < writer->column_count; i++) {
		if (i)
			putc(writer->options.excel ? ';' : ',', writer->out);
		put_field(writer, &fields[i]);
	}
	put_line_end(writer);
	return ferror(writer->out) ? -EIO : 0;
}

static void csv_note(struct writer *writer, const char *text, bool is_broken)
{
	(void)writer;
	(void)text;
	(void)is_broken;
}

static int csv_end(struct writer *writer) { return ferror(writer->out) ? -EIO : 0; }

const struct writer_ops writer_csv = { .begin = csv_begin, .row = csv_row, .note = csv_note, .end = csv_end };
