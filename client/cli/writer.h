/* writer.h - how rows leave the program: a table for people, CSV, JSON, JSON lines. Writers know rows, not commands.
 *
 * A command describes its columns once, hands over rows of typed fields, and each writer makes of them what it must. The table for
 * people may have other columns than the data (coverage.c), so a command asks writer_is_for_people() first.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include <baophu/types.h>

enum field_kind {
	FIELD_NULL,
	FIELD_TEXT,
	FIELD_CODE, /* text that a spreadsheet must not take for a number: 00004 */
	FIELD_INTEGER,
	FIELD_DECIMAL, /* digits / 10^decimals; a string in JSON, so that 56.00 stays 56.00 */
	FIELD_DATE,
	FIELD_TIME, /* Unix milliseconds */
	FIELD_TRUTH,
	FIELD_WORDS, /* words separated by spaces; an array in JSON */
	FIELD_COUNTS, /* "name=12 other=3"; an object in JSON */
};
struct field {
	enum field_kind kind;
	unsigned decimals;
	int64_t number; /* INTEGER, DECIMAL (digits), DATE, TIME, TRUTH */
	const char *text; /* TEXT, CODE, WORDS, COUNTS; borrowed until writer_row returns */
};

static inline struct field field_null(void) { return (struct field){ .kind = FIELD_NULL }; }
/* "" and NULL are absent. */
static inline struct field field_text(const char *text)
{
	return (struct field){ .kind = text && *text ? FIELD_TEXT : FIELD_NULL, .text = text };
}
static inline struct field field_code(const char *text)
{
	return (struct field){ .kind = text && *text ? FIELD_CODE : FIELD_NULL, .text = text };
}
static inline struct field field_words(const char *text) { return (struct field){ .kind = FIELD_WORDS, .text = text }; }
static inline struct field field_counts(const char *text) { return (struct field){ .kind = FIELD_COUNTS, .text = text }; }
static inline struct field field_integer(int64_t value)
{
	return (struct field){ .kind = value == BAOPHU_ABSENT ? FIELD_NULL : FIELD_INTEGER, .number = value };
}
static inline struct field field_decimal(int64_t digits, unsigned decimals)
{
	return (
	    struct field){ .kind = digits == BAOPHU_ABSENT ? FIELD_NULL : FIELD_DECIMAL, .decimals = decimals, .number = digits };
}
static inline struct field field_date(baophu_date date)
{
	return (struct field){ .kind = date == BAOPHU_DATE_NONE ? FIELD_NULL : FIELD_DATE, .number = date };
}
static inline struct field field_time(int64_t unix_ms)
{
	return (struct field){ .kind = unix_ms ? FIELD_TIME : FIELD_NULL, .number = unix_ms };
}
static inline struct field field_truth(bool truth) { return (struct field){ .kind = FIELD_TRUTH, .number = truth }; }

struct column {
	const char *key; /* ASCII, stable: JSON and CSV */
	const char *heading; /* translated: the table; NULL: not shown there */
	bool right; /* aligned right in the table */
	bool wrap; /* may be broken at spaces when the table is too wide */
	bool may_be_said_once; /* in a table still too wide: a line above it, when all rows say the same */
	const char
	    *below; /* in one that is too wide even so: its texts stand below those of the column with this key; NULL: never */
	unsigned turn; /* of a column with `below`: 1 goes first */
};

enum writer_kind { WRITER_TABLE, WRITER_CSV, WRITER_JSON, WRITER_JSONL };
struct writer_options {
	enum writer_kind kind;
	bool vietnamese, excel;
	bool color;
	unsigned width; /* columns of the terminal; 0: no limit (table only) */
};

struct writer;
struct writer_ops {
	int (*begin)(struct writer *writer);
	int (*row)(struct writer *writer, const struct field *fields);
	void (*note)(struct writer *writer, const char *text, bool is_broken);
	int (*end)(struct writer *writer);
};
struct writer {
	const struct writer_ops *ops;
	struct writer_options options;
	FILE *out;
	const struct column *columns; /* borrowed until end */
	size_t column_count, row_count;
	void *state; /* the writer's own */
};

/* `out` is borrowed. */
void writer_open(struct writer *writer, const struct writer_options *options, FILE *out);
static inline bool writer_is_for_people(const struct writer *writer) { return writer->options.kind == WRITER_TABLE; }
/* A set of rows with the same columns; `columns` is borrowed until writer_end. -ENOMEM, -EIO. Only a table may be begun again. */
int writer_begin(struct writer *writer, const struct column *columns, size_t count);
/* `fields` has one field a column. */
int writer_row(struct writer *writer, const struct field *fields);
/* A line for people: printed as it comes by the table, left out by the others. */
void writer_note(struct writer *writer, const char *text);
/* The same, broken at spaces where it is wider than the table may be. */
void writer_paragraph(struct writer *writer, const char *text);
/* Prints what is left and gives everything back; right also after a failed begin or row, and without a begin. */
int writer_end(struct writer *writer);

/* A field as a person reads it. Returns text in `buffer` or the field's own. */
enum { FIELD_BYTES = 64 };
const char *field_for_people(const struct field *field, bool vietnamese, char buffer[static FIELD_BYTES]);
/* A field unlocalised: 1065565, 92.62, 2024-04-30. "" for an absent one. */
const char *field_plain(const struct field *field, char buffer[static FIELD_BYTES]);

extern const struct writer_ops writer_table, writer_csv, writer_json, writer_jsonl;
