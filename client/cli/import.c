/* import.c - see import.h. */
#include "import.h"

#include <csv.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include <baophu/date.h>

#include "language.h"
#include "suggest.h"
#include "text.h"
#include "words.h"

void import_finish(struct import *import)
{
	for (size_t i = 0; i < import->block_count; i++)
		free(import->blocks[i]);
	for (uint32_t i = 0; i < IMPORT_ERRORS_SHOWN; i++)
		free(import->errors[i].text);
	free(import->senders);
	free(import->blocks);
	free(import->entries);
	free(import->lines);
	*import = (struct import){ 0 };
}

void *import_alloc(struct import *import, size_t bytes)
{
	if (import->block_count == import->block_capacity) {
		size_t capacity = import->block_capacity ? import->block_capacity * 2 : 256;
		void **blocks = realloc(import->blocks, capacity * sizeof *blocks);
		if (!blocks)
			return NULL;
		import->blocks = blocks;
		import->block_capacity = capacity;
	}
	void *block = calloc(1, bytes ? bytes : 1);
	if (block)
		import->blocks[import->block_count++] = block;
	return block;
}

const char *import_copy(struct import *import, const char *text)
{
	if (!*text)
		return "";
	size_t size = strlen(text) + 1;
	char *copy = import_alloc(import, size);
	if (copy)
		memcpy(copy, text, size);
	return copy;
}

static void add_error(struct import *import, uint32_t line, const char *column, const char *format, va_list arguments)
{
	uint32_t at = import->error_count++;
	if (at >= IMPORT_ERRORS_SHOWN)
		return;
	import->errors[at] = (struct import_error){ .line = line, .column = column };
	if (vasprintf(&import->errors[at].text, format, arguments) < 0)
		import->errors[at].text = NULL;
}

__attribute__((format(printf, 3, 4))) static void file_wrong(struct import *import, uint32_t line, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	add_error(import, line, NULL, format, arguments);
	va_end(arguments);
}

void import_wrong(struct import *import, int column, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	add_error(import, import->line, column < 0 ? NULL : import->format->columns[column].name, format, arguments);
	va_end(arguments);
	import->is_row_bad = true;
}

struct wire_entry *import_add(struct import *import)
{
	if (import->count == BAOPHU_BATCH_ENTRIES_MAX) {
		import_wrong(import, -1, _("a file holds at most %d rows, because it takes effect all at once; split it"),
			     BAOPHU_BATCH_ENTRIES_MAX);
		return NULL;
	}
	if (import->count == import->capacity) {
		uint32_t capacity = import->capacity ? import->capacity * 2 : 256;
		struct wire_entry *entries = realloc(import->entries, capacity * sizeof *entries);
		if (entries)
			import->entries = entries;
		uint32_t *lines = entries ? realloc(import->lines, capacity * sizeof *lines) : NULL;
		if (!lines)
			return NULL;
		import->lines = lines;
		import->capacity = capacity;
	}
	import->lines[import->count] = import->line;
	struct wire_entry *entry = &import->entries[import->count++];
	*entry = (struct wire_entry){ 0 };
	return entry;
}

/* ---- cells ---- */

int import_column(const struct import *import, const char *name)
{
	for (size_t i = 0; i < import->format->count; i++)
		if (strcmp(import->format->columns[i].name, name) == 0)
			return (int)i;
	return -1;
}

static bool is_missing(struct import *import, int column, bool is_required)
{
	if (*import->cells[column])
		return false;
	if (is_required)
		import_wrong(import, column, _("is empty"));
	return true;
}

bool import_code(struct import *import, int column, bool is_required, const char **ret_code)
{
	const char *text = import->cells[column];
	if (is_missing(import, column, is_required)) {
		*ret_code = "";
		return !is_required;
	}
	if (!text_is_code(text, strlen(text))) {
		import_wrong(import, column, _("“%s” is not a code: 1 to 16 of 0-9 A-Z a-z . _ -"), text);
		return false;
	}
	*ret_code = import_copy(import, text);
	return *ret_code != NULL;
}

bool import_text(struct import *import, int column, bool is_required, const char **ret_text)
{
	const char *text = import->cells[column];
	char normal[4 * BAOPHU_TEXT_BYTES_MAX];
	if (is_missing(import, column, is_required)) {
		*ret_text = "";
		return !is_required;
	}
	if (text_to_nfc(text, strlen(text), normal, sizeof normal) != 0 || strlen(normal) > BAOPHU_TEXT_BYTES_MAX) {
		import_wrong(import, column, _("is too long: at most %d bytes, some 100 letters"), BAOPHU_TEXT_BYTES_MAX);
		return false;
	}
	if (!text_is_name(normal, strlen(normal))) {
		import_wrong(import, column, _("has control characters or line breaks; write one plain line"));
		return false;
	}
	*ret_text = import_copy(import, normal);
	return *ret_text != NULL;
}

bool import_date(struct import *import, int column, bool is_required, baophu_date *ret_date)
{
	const char *text = import->cells[column];
	if (is_missing(import, column, is_required)) {
		*ret_date = BAOPHU_DATE_NONE;
		return !is_required;
	}
	if (baophu_date_parse(text, ret_date) == 0)
		return true;
	import_wrong(import, column, _("“%s” is not a date; write YYYY-MM-DD or dd/mm/yyyy, as 2024-04-30 or 30/04/2024"), text);
	return false;
}

bool import_word(struct import *import, int column, int list, int otherwise, int *ret_value)
{
	const char *text = import->cells[column];
	char words[200];
	*ret_value = otherwise;
	if (!*text)
		return true;
	int value = word_parse((enum word_list)list, text);
	if (value >= 0) {
		*ret_value = value;
		return true;
	}
	const char *near = word_suggest((enum word_list)list, text);
	if (near)
		import_wrong(import, column, _("there is no “%s” here; did you mean `%s`?"), text, near);
	else
		import_wrong(import, column, _("there is no “%s” here; write one of %s"), text,
			     word_choices((enum word_list)list, words, sizeof words));
	return false;
}

static bool take_number(struct import *import, int column, enum number_problem problem)
{
	char why[400];
	if (problem == NUMBER_OK)
		return true;
	import_wrong(import, column, "%s", number_explain(problem, import->cells[column], import->numbers, why, sizeof why));
	return false;
}

bool import_count(struct import *import, int column, int64_t *ret_value)
{
	return take_number(import, column, number_parse_count(import->cells[column], import->numbers, ret_value));
}

bool import_percent(struct import *import, int column, int64_t *ret_digits, unsigned *ret_decimals)
{
	return take_number(import, column, number_parse_percent(import->cells[column], import->numbers, ret_digits, ret_decimals));
}

/* ---- the file ---- */

struct reading {
	struct import *import;
	uint32_t row_line; /* where the row at hand begins */
	bool has_header, has_bad_header; /* below a bad header nothing can be said of the rows */
	int column_of[IMPORT_COLUMNS_MAX * 2]; /* place in the file -> column of the format; -1: left out */
	size_t file_columns; /* of the header */
	char *fields[IMPORT_COLUMNS_MAX * 2]; /* of the row at hand, owned */
	size_t field_count, extra_fields;
	int error;
};

static void take_field(void *text, size_t length, void *context)
{
	struct reading *reading = context;
	if (reading->error)
		return;
	if (reading->field_count == sizeof reading->fields / sizeof *reading->fields) {
		reading->extra_fields++;
		return;
	}
	char *copy = strndup(text ? text : "", length);
	if (!copy)
		reading->error = -ENOMEM;
	else
		reading->fields[reading->field_count++] = copy;
}

static void take_header(struct reading *reading)
{
	struct import *import = reading->import;
	const struct import_format *format = import->format;
	const char *names[IMPORT_COLUMNS_MAX];
	bool is_there[IMPORT_COLUMNS_MAX] = { false };
	char all[400] = "";
	for (size_t i = 0; i < format->count; i++) {
		names[i] = format->columns[i].name;
		size_t used = strlen(all);
		snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", names[i]);
	}
	for (size_t i = 0; i < reading->field_count; i++) {
		const char *name = reading->fields[i];
		int found = -1;
		for (size_t j = 0; j < format->count; j++)
			if (strcasecmp(name, names[j]) == 0)
				found = (int)j;
		const char *near = found < 0 && *name ? suggest(name, names, format->count) : NULL;
		if (found < 0 && near)
			file_wrong(import, reading->row_line, _("there is no column “%s” in this format; did you mean “%s”?"), name,
				   near);
		else if (found < 0 && *name)
			file_wrong(import, reading->row_line, _("there is no column “%s” in this format; the columns are %s"), name,
				   all);
		else if (found >= 0 && is_there[found])
			file_wrong(import, reading->row_line, _("column “%s” is there twice"), name);
		if (found >= 0)
			is_there[found] = true;
		reading->column_of[i] = found;
	}
	reading->file_columns = reading->field_count;
	for (size_t j = 0; j < format->count; j++)
		if (format->columns[j].is_required && !is_there[j])
			file_wrong(import, reading->row_line, _("column “%s” is missing; the first line names the columns: %s"),
				   names[j], all);
	reading->has_header = true;
	reading->has_bad_header = import->error_count > 0;
}

static void take_body(struct reading *reading)
{
	struct import *import = reading->import;
	bool is_empty = true;
	for (size_t i = 0; i < reading->field_count; i++)
		is_empty = is_empty && !*reading->fields[i];
	if (is_empty)
		return;
	import->line = reading->row_line;
	import->is_row_bad = false;
	import->row_count++;
	for (size_t i = 0; i < IMPORT_COLUMNS_MAX; i++)
		import->cells[i] = "";
	if (reading->field_count > reading->file_columns || reading->extra_fields)
		import_wrong(import, -1, _("has %zu cells under %zu columns; a text with a comma stands in double quotes"),
			     reading->field_count + reading->extra_fields, reading->file_columns);
	for (size_t i = 0; i < reading->field_count && i < reading->file_columns; i++)
		if (reading->column_of[i] >= 0 && !import->format->columns[reading->column_of[i]].is_ignored)
			import->cells[reading->column_of[i]] = reading->fields[i];
	if (!import->is_row_bad)
		reading->error = import->format->row(import);
	import->bad_row_count += import->is_row_bad;
}

static void take_row(int terminator, void *context)
{
	struct reading *reading = context;
	(void)terminator;
	if (!reading->error && !reading->has_header)
		take_header(reading);
	else if (!reading->error && !reading->has_bad_header)
		take_body(reading);
	for (size_t i = 0; i < reading->field_count; i++)
		free(reading->fields[i]);
	reading->field_count = reading->extra_fields = 0;
}

/* Vietnamese Excel separates by semicolons, because the comma is its decimal mark. What the header line has most of is it. */
static unsigned char separator_of(const char *text, size_t bytes)
{
	size_t length = strcspn(text, "\r\n"), counts[3] = { 0 };
	static const char marks[] = { ',', ';', '\t' };
	for (size_t i = 0; i < length && i < bytes; i++)
		for (size_t j = 0; j < sizeof marks; j++)
			counts[j] += text[i] == marks[j];
	size_t best = 0;
	for (size_t j = 1; j < sizeof marks; j++)
		if (counts[j] > counts[best])
			best = j;
	return (unsigned char)marks[best];
}

/* True when the bytes are UTF-8 without NULs; else says where they are not. */
static bool check_encoding(struct import *import, const char *text, size_t bytes)
{
	uint32_t line = 1;
	if (bytes >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0)) {
		file_wrong(import, 1, _("the file is UTF-16; in Excel choose “CSV UTF-8” when saving"));
		return false;
	}
	for (size_t i = 0; i < bytes;) {
		utf8proc_int32_t letter;
		utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)(bytes - i), &letter);
		if (n <= 0) {
			file_wrong(
			    import, line,
			    _("the file is not UTF-8 (TCVN3, VNI or Windows-1258?); in Excel choose “CSV UTF-8” when saving"));
			return false;
		}
		if (letter == 0) {
			file_wrong(import, line, _("the file has a zero byte; it is not a text file"));
			return false;
		}
		line += letter == '\n';
		i += (size_t)n;
	}
	return true;
}

static int parse(struct reading *reading, const char *text, size_t bytes)
{
	struct csv_parser parser;
	if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0)
		return -ENOMEM;
	csv_set_delim(&parser, separator_of(text, bytes));
	uint32_t line = 0;
	int error = 0;
	for (size_t at = 0; at < bytes && !error && !reading->error;) {
		const char *newline = memchr(text + at, '\n', bytes - at);
		size_t length = newline ? (size_t)(newline - text) + 1 - at : bytes - at;
		line++;
		if (parser.pstate == 0) /* between rows: a quoted cell may go over several lines */
			reading->row_line = line;
		if (csv_parse(&parser, text + at, length, take_field, take_row, reading) != length) {
			if (csv_error(&parser) == CSV_EPARSE)
				file_wrong(reading->import, line,
					   _("a double quote stands where it must not; write it twice inside quotes"));
			else
				error = -ENOMEM;
			break;
		}
		at += length;
	}
	if (!error && !reading->error && csv_error(&parser) == CSV_SUCCESS && csv_fini(&parser, take_field, take_row, reading) != 0)
		file_wrong(reading->import, reading->row_line, _("a cell opened by a double quote is never closed"));
	csv_free(&parser);
	for (size_t i = 0; i < reading->field_count; i++)
		free(reading->fields[i]);
	return error ? error : reading->error;
}

/* The whole file in memory, NUL after it. */
static int read_all(const char *path, char **ret_text, size_t *ret_bytes)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (!file)
		return -errno;
	char *text = NULL;
	size_t used = 0, capacity = 0;
	int error = 0;
	do {
		if (used + 1 >= capacity) {
			capacity = capacity ? capacity * 2 : 65536;
			char *grown = realloc(text, capacity);
			if (!grown) {
				error = -ENOMEM;
				break;
			}
			text = grown;
		}
		errno = 0;
		size_t n = fread(text + used, 1, capacity - used - 1, file);
		used += n;
		if (ferror(file))
			error = errno ? -errno : -EIO;
		else if (used > IMPORT_FILE_BYTES_MAX)
			error = -EFBIG;
	} while (!error && !feof(file));
	if (file != stdin)
		fclose(file);
	if (error) {
		free(text);
		return error;
	}
	text[used] = '\0';
	*ret_text = text;
	*ret_bytes = used;
	return 0;
}

int import_read(struct import *import, const struct import_format *format, const char *path, enum number_style numbers)
{
	char *text = NULL;
	size_t bytes = 0;
	import->path = path;
	import->numbers = numbers;
	import->format = format;
	int error = read_all(path, &text, &bytes);
	if (error)
		return error;
	const char *start = text;
	if (bytes >= 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0) {
		start += 3;
		bytes -= 3;
	}
	struct reading reading = { .import = import, .row_line = 1 };
	if (check_encoding(import, start, bytes)) {
		error = parse(&reading, start, bytes);
		if (!error && !import->error_count && !reading.has_header)
			file_wrong(import, 1, _("the file is empty"));
		else if (!error && !import->error_count && !import->row_count)
			file_wrong(import, 1, _("there is no row below the header"));
		if (!error && !import->error_count && format->end)
			error = format->end(import);
	}
	free(text);
	return error;
}

void import_print_errors(const struct import *import, FILE *out)
{
	for (uint32_t i = 0; i < import->error_count && i < IMPORT_ERRORS_SHOWN; i++) {
		const struct import_error *error = &import->errors[i];
		const char *text = error->text ? error->text : "";
		if (!*import->path && error->column)
			fprintf(out, _("baophu: “%s”: %s\n"), error->column, text);
		else if (!*import->path)
			fprintf(out, "baophu: %s\n", text);
		else if (error->column)
			fprintf(out, _("%s: line %u, column “%s”: %s\n"), import->path, error->line, error->column, text);
		else
			fprintf(out, _("%s: line %u: %s\n"), import->path, error->line, text);
	}
	if (import->error_count > IMPORT_ERRORS_SHOWN)
		fprintf(out, _("%s: and %u more\n"), import->path, import->error_count - IMPORT_ERRORS_SHOWN);
}
