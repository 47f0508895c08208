/* import.h - CSV files with a header line, read into the entries of one batch; every mistake named by line and column.
 *
 * The reading itself knows no format: a format is a list of columns and a function for a row (import_formats.c). Nothing is asked of
 * the centre here; what only the centre can know (does the unit exist?) is checked elsewhere.
 */
#pragma once

#include <stdarg.h>
#include <stdio.h>

#include "number.h"
#include "wire.h"

enum { IMPORT_COLUMNS_MAX = 24, IMPORT_ERRORS_SHOWN = 50, IMPORT_FILE_BYTES_MAX = 64 << 20 };

struct import_column {
	const char *name;
	bool is_required;
	bool is_ignored; /* may be there for people: source, note */
};
struct import;
struct import_format {
	const struct import_column *columns;
	size_t count;
	/* Turns the row at hand into entries (import_add) or says what is wrong with it (import_wrong). -ENOMEM. */
	int (*row)(struct import *import);
	/* After the last row, when nothing was wrong so far; may be NULL. */
	int (*end)(struct import *import);
};
struct import_error {
	uint32_t line;
	const char *column; /* NULL: the row or file as a whole */
	char *text; /* owned */
};
struct import {
	const char *path;
	enum number_style numbers;
	bool revokes; /* grants are ended, not given */
	const struct import_format *format;

	/* The row at hand. */
	uint32_t line;
	const char *cells[IMPORT_COLUMNS_MAX]; /* by column of the format; "" when the file has no such column */
	bool is_row_bad;

	/* What came of it. */
	struct wire_entry *entries;
	uint32_t *lines; /* of each entry */
	uint32_t count, capacity;
	uint32_t row_count, bad_row_count, error_count;
	struct import_error errors[IMPORT_ERRORS_SHOWN];

	uint32_t *senders; /* a hash of the senders enrolled: index of the entry + 1; 0: free */
	uint32_t senders_size, sender_count;
	void **blocks; /* what entries point to */
	size_t block_count, block_capacity;
};
/* Reads the whole file ("-": standard input). 0, also when rows are wrong (error_count); -errno for a file that cannot be read; -ENOMEM. */
int import_read(struct import *import, const struct import_format *format, const char *path, enum number_style numbers);
void import_finish(struct import *import);
/* "tep.csv: dòng 17, cột «value»: ..." for each error kept, and how many more there are. */
void import_print_errors(const struct import *import, FILE *out);

/* ---- for formats ---- */
/* One more entry for the row at hand; NULL: out of memory, or more than a batch holds (said). Zeroed. */
struct wire_entry *import_add(struct import *import);
/* Memory that lives as long as the import. */
void *import_alloc(struct import *import, size_t bytes);
const char *import_copy(struct import *import, const char *text);
/* `column`: index in the format; -1: the row. */
__attribute__((format(printf, 3, 4))) void import_wrong(struct import *import, int column, const char *format, ...);
/* The index of a column by name; -1. */
int import_column(const struct import *import, const char *name);
/* Readers of the row's cells; false after import_wrong. An empty cell gives the default where there is one. */
bool import_code(struct import *import, int column, bool is_required, const char **ret_code);
bool import_text(struct import *import, int column, bool is_required, const char **ret_text);
bool import_date(struct import *import, int column, bool is_required, baophu_date *ret_date);
bool import_word(struct import *import, int column, int list, int otherwise, int *ret_value);
bool import_count(struct import *import, int column, int64_t *ret_value);
bool import_percent(struct import *import, int column, int64_t *ret_digits, unsigned *ret_decimals);

extern const struct import_format import_facts, import_units, import_plans, import_agents;
