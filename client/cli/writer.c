/* writer.c - what the writers share: choosing one, and a field as text. */
#include "writer.h"

#include <string.h>
#include <time.h>

#include <baophu/date.h>
#include <baophu/ratio.h>

#include "language.h"
#include "number.h"

void writer_open(struct writer *writer, const struct writer_options *options, FILE *out)
{
	static const struct writer_ops *const all[] = {
		[WRITER_TABLE] = &writer_table,
		[WRITER_CSV] = &writer_csv,
		[WRITER_JSON] = &writer_json,
		[WRITER_JSONL] = &writer_jsonl,
	};
	*writer = (struct writer){ .ops = all[options->kind], .options = *options, .out = out };
}

int writer_begin(struct writer *writer, const struct column *columns, size_t count)
{
	writer->columns = columns;
	writer->column_count = count;
	writer->row_count = 0;
	return writer->ops->begin(writer);
}

int writer_row(struct writer *writer, const struct field *fields)
{
	int error = writer->ops->row(writer, fields);
	writer->row_count++;
	return error;
}

void writer_note(struct writer *writer, const char *text) { writer->ops->note(writer, text, false); }

void writer_paragraph(struct writer *writer, const char *text) { writer->ops->note(writer, text, true); }

int writer_end(struct writer *writer)
{
	if (!writer->columns)
		return 0;
	int error = writer->ops->end(writer);
	writer->columns = NULL;
	writer->column_count = 0;
	return error;
}

/* A moment in Vietnam's time, seven hours ahead of UTC all year. */
static const char *moment(int64_t unix_ms, const char *format, char buffer[static FIELD_BYTES])
{
	time_t seconds = (time_t)(unix_ms / 1000) + 7 * 3600;
	struct tm parts;
	gmtime_r(&seconds, &parts);
	if (!strftime(buffer, FIELD_BYTES, format, &parts))
		*buffer = '\0';
	return buffer;
}

const char *field_for_people(const struct field *field, bool vietnamese, char buffer[static FIELD_BYTES])
{
	switch (field->kind) {
	case FIELD_TEXT:
	case FIELD_CODE:
	case FIELD_WORDS:
	case FIELD_COUNTS:
		return field->text;
	case FIELD_INTEGER:
		return number_format(field->number, vietnamese, buffer);
	case FIELD_DECIMAL:
		return number_format_decimal(field->number, field->decimals, vietnamese, buffer);
	case FIELD_DATE:
		return baophu_date_format((baophu_date)field->number, vietnamese, buffer);
	case FIELD_TIME:
		return moment(field->number, vietnamese ? "%d/%m/%Y %H:%M:%S" : "%Y-%m-%d %H:%M:%S", buffer);
	case FIELD_TRUTH:
		return field->number ? _("yes") : _("no");
	default:
		return "";
	}
}

const char *field_plain(const struct field *field, char buffer[static FIELD_BYTES])
{
	switch (field->kind) {
	case FIELD_TEXT:
	case FIELD_CODE:
	case FIELD_WORDS:
	case FIELD_COUNTS:
		return field->text;
	case FIELD_INTEGER:
		snprintf(buffer, FIELD_BYTES, "%lld", (long long)field->number);
		return buffer;
	case FIELD_DECIMAL:
		return baophu_digits_format(field->number, field->decimals, '.', buffer);
	case FIELD_DATE:
		return baophu_date_format((baophu_date)field->number, false, buffer);
	case FIELD_TIME:
		return moment(field->number, "%Y-%m-%dT%H:%M:%S+07:00", buffer);
	case FIELD_TRUTH:
		return field->number ? "true" : "false";
	default:
		return "";
	}
}
