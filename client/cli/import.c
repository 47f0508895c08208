/* import.c - see import.h. */
#include "import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/date.h>
#include <baophu/status.h>

#include "language.h"
#include "sheet.h"
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

/* What a sheet says is wrong, without the place: line and column are named here. Returns `why`. */
static const char *what_is_wrong(struct sheet_problem problem, char why[static SHEET_PROBLEM_BYTES])
{
	problem.row = problem.column = SHEET_NOWHERE;
	return sheet_explain(&problem, NULL, why, SHEET_PROBLEM_BYTES);
}

struct reading {
	struct import *import;
	const struct sheet *sheet;
	int column_of[SHEET_COLUMNS_MAX]; /* column of the file -> column of the format; -1: left out */
	uint32_t file_columns; /* of the header */
};

/* One more than the last column of a row that holds something; 0: an empty row. */
static uint32_t row_width(const struct sheet *sheet, uint32_t row)
{
	uint32_t width = sheet_column_count(sheet);
	while (width && sheet_at(sheet, row, width - 1).kind == SHEET_EMPTY)
		width--;
	return width;
}

static void take_header(struct reading *reading, uint32_t row)
{
	struct import *import = reading->import;
	const struct import_format *format = import->format;
	const char *names[IMPORT_COLUMNS_MAX];
	bool is_there[IMPORT_COLUMNS_MAX] = { false };
	char all[400] = "";
	uint32_t line = sheet_line(reading->sheet, row);
	for (size_t i = 0; i < format->count; i++) {
		names[i] = format->columns[i].name;
		size_t used = strlen(all);
		snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", names[i]);
	}
	reading->file_columns = row_width(reading->sheet, row);
	for (uint32_t i = 0; i < reading->file_columns; i++) {
		const char *name = sheet_at(reading->sheet, row, i).text;
		int found = -1;
		for (size_t j = 0; j < format->count; j++)
			if (strcasecmp(name, names[j]) == 0)
				found = (int)j;
		const char *near = found < 0 && *name ? suggest(name, names, format->count) : NULL;
		if (found < 0 && near)
			file_wrong(import, line, _("there is no column “%s” in this format; did you mean “%s”?"), name, near);
		else if (found < 0 && *name)
			file_wrong(import, line, _("there is no column “%s” in this format; the columns are %s"), name, all);
		else if (found >= 0 && is_there[found])
			file_wrong(import, line, _("column “%s” is there twice"), name);
		if (found >= 0)
			is_there[found] = true;
		reading->column_of[i] = found;
	}
	for (size_t j = 0; j < format->count; j++)
		if (format->columns[j].is_required && !is_there[j])
			file_wrong(import, line, _("column “%s” is missing; the first line names the columns: %s"), names[j], all);
}

static int take_body(struct reading *reading, uint32_t row)
{
	struct import *import = reading->import;
	char why[SHEET_PROBLEM_BYTES];
	uint32_t width = row_width(reading->sheet, row);
	if (!width)
		return 0;
	import->line = sheet_line(reading->sheet, row);
	import->is_row_bad = false;
	import->row_count++;
	for (size_t i = 0; i < IMPORT_COLUMNS_MAX; i++)
		import->cells[i] = "";
	if (width > reading->file_columns)
		import_wrong(import, -1, _("has %u cells under %u columns; a text with a comma stands in double quotes"), width,
			     reading->file_columns);
	for (uint32_t i = 0; i < width && i < reading->file_columns; i++) {
		int column = reading->column_of[i];
		struct sheet_cell cell = sheet_at(reading->sheet, row, i);
		if (column < 0 || import->format->columns[column].is_ignored)
			continue;
		import->cells[column] = cell.text;
		if (cell.kind == SHEET_ERROR)
			import_wrong(import, column, "%s", what_is_wrong(sheet_cell_problem(reading->sheet, &cell), why));
	}
	int error = import->is_row_bad ? 0 : import->format->row(import);
	import->bad_row_count += import->is_row_bad;
	return error;
}

/* The first row that holds something names the columns; below a bad header nothing can be said of the rows. */
static int take_rows(struct import *import, const struct sheet *sheet)
{
	struct reading reading = { .import = import, .sheet = sheet };
	uint32_t row = 0;
	int error = 0;
	while (!row_width(sheet, row))
		row++;
	take_header(&reading, row);
	if (import->error_count)
		return 0;
	while (++row < sheet_row_count(sheet) && !error)
		error = take_body(&reading, row);
	if (!error && !import->error_count && !import->row_count)
		file_wrong(import, 1, _("there is no row below the header"));
	return error;
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
	struct sheet *sheet = NULL;
	struct sheet_problem problem;
	char why[SHEET_PROBLEM_BYTES];
	error = sheet_read_csv(text, bytes, &sheet, &problem);
	free(text);
	if (error == -BAOPHU_EMALFORMED) {
		file_wrong(import, problem.row == SHEET_NOWHERE ? 1 : problem.row + 1, "%s", what_is_wrong(problem, why));
		return 0;
	}
	if (error)
		return error;
	error = take_rows(import, sheet);
	sheet_destroy(sheet);
	if (!error && !import->error_count && format->end)
		error = format->end(import);
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
