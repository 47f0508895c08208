/* writer_json.c - JSON for programs: one array (json), or one object a line that can be read as it comes (jsonl).
 *
 * Keys are the columns' ASCII keys, all of them in every object, in order. Numbers are never localised; a decimal is a string, so that
 * no reader turns 56.00 into 56. Absent is null.
 */
#include "writer.h"

#include <errno.h>
#include <string.h>

static void put_string(FILE *out, const char *text, size_t length)
{
	putc('"', out);
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", out);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			putc(c, out);
	}
	putc('"', out);
}

static void put_words(FILE *out, const char *text)
{
	putc('[', out);
	for (bool first = true; *text; first = false) {
		size_t length = strcspn(text, " ");
		if (!first)
			putc(',', out);
		put_string(out, text, length);
		text += length + strspn(text + length, " ");
	}
	putc(']', out);
}

/* "name=12 other=3" as {"name":12,"other":3}. */
static void put_counts(FILE *out, const char *text)
{
	putc('{', out);
	for (bool first = true; *text; first = false) {
		size_t length = strcspn(text, " "), name = strcspn(text, "=");
		if (!first)
			putc(',', out);
		put_string(out, text, name);
		fprintf(out, ":%.*s", (int)(length - name - 1), text + name + 1);
		text += length + strspn(text + length, " ");
	}
	putc('}', out);
}

static void put_object(const struct writer *writer, const struct field *fields)
{
	FILE *out = writer->out;
	putc('{', out);
	for (size_t i = 0; i < writer->column_count; i++) {
		char buffer[FIELD_BYTES];
		const char *text = field_plain(&fields[i], buffer);
		if (i)
			putc(',', out);
		put_string(out, writer->columns[i].key, strlen(writer->columns[i].key));
		putc(':', out);
		switch (fields[i].kind) {
		case FIELD_NULL:
			fputs("null", out);
			break;
		case FIELD_INTEGER:
		case FIELD_TRUTH:
			fputs(text, out);
			break;
		case FIELD_WORDS:
			put_words(out, text);
			break;
		case FIELD_COUNTS:
			put_counts(out, text);
			break;
		default:
			put_string(out, text, strlen(text));
		}
	}
	putc('}', out);
}

static int failed(const struct writer *writer) { return ferror(writer->out) ? -EIO : 0; }

static int array_begin(struct writer *writer)
{
	fputs("[", writer->out);
	return failed(writer);
}

static int array_row(struct writer *writer, const struct field *fields)
{
	fputs(writer->row_count ? ",\n" : "\n", writer->out);
	put_object(writer, fields);
	return failed(writer);
}

static int array_end(struct writer *writer)
{
	fputs(writer->row_count ? "\n]\n" : "]\n", writer->out);
	return failed(writer);
}

static int line_begin(struct writer *writer) { return failed(writer); }

static int line_row(struct writer *writer, const struct field *fields)
{
	put_object(writer, fields);
	putc('\n', writer->out);
	return failed(writer);
}

static int line_end(struct writer *writer) { return failed(writer); }

static void no_note(struct writer *writer, const char *text, bool is_broken)
{
	(void)writer;
	(void)text;
	(void)is_broken;
}

const struct writer_ops writer_json = { .begin = array_begin, .row = array_row, .note = no_note, .end = array_end };
const struct writer_ops writer_jsonl = { .begin = line_begin, .row = line_row, .note = no_note, .end = line_end };
