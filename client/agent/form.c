/* form.c - the rows of a sheet -> entries, or reasons. See form.h; the parts are named in form_parts.h.
 *
 * A row is read whole before anything of it is kept: its date, its unit on that date, its figures. What is wrong with it is said of the
 * cell that has to be mended. The last look is at all rows together: the same figure twice, and what stands already.
 */
#include "form_parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/date.h>

#include "language.h"
#include "text.h"

enum { BLOCK_BYTES = 64 << 10, PROBLEMS_OF_A_ROW_MAX = 8, PROBLEM_BYTES = 1600 };
_Static_assert((int)PROBLEM_BYTES + 80 < (int)FORM_REASON_BYTES, "one problem fits a reason whole");
/* A sheet in which this many rows name units, and none of them this office's or anything like it, is another office's. */
enum { FOREIGN_ROWS_MIN = 3 };

struct block {
	struct block *older;
	char bytes[];
};

const char *form_keep(struct form_reader *reader, const char *text)
{
	struct form_private *private = reader->form->private;
	size_t bytes = strlen(text) + 1;
	if (private->block_size - private->block_used < bytes) {
		size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
		struct block *block = malloc(sizeof *block + size);
		if (!block) {
			reader->error = -ENOMEM;
			return "";
		}
		block->older = private->blocks;
		private->blocks = block;
		private->block_size = size;
		private->block_used = 0;
	}
	char *copy = private->blocks->bytes + private->block_used;
	private->block_used += bytes;
	return memcpy(copy, text, bytes);
}

const char *form_shown(const char *text, char buffer[static FORM_SHOWN_BYTES])
{
	size_t length = text_cut(text, FORM_SHOWN_BYTES - 4);
	snprintf(buffer, FORM_SHOWN_BYTES, "%.*s%s", (int)length, text, text[length] ? "…" : "");
	return buffer;
}

const char *form_cell_name(uint32_t row, uint32_t column, char buffer[static FORM_CELL_BYTES])
{
	if (column == SHEET_NOWHERE) {
		snprintf(buffer, FORM_CELL_BYTES, "%u", row + 1);
		return buffer;
	}
	return sheet_cell_name(row, column, buffer);
}

void form_refuse(struct form_reader *reader, const char *format, ...)
{
	va_list arguments;
	if (reader->form->refusal)
		return;
	va_start(arguments, format);
	if (vasprintf(&reader->form->refusal, format, arguments) < 0) {
		reader->form->refusal = NULL;
		reader->error = -ENOMEM;
	}
	va_end(arguments);
}

__attribute__((format(printf, 5, 0))) static void add_problem(struct form_reader *reader, uint32_t row, uint32_t column,
							      bool is_notice, const char *format, va_list arguments)
{
	struct form *form = reader->form;
	struct form_private *private = form->private;
	char text[PROBLEM_BYTES], whole[PROBLEM_BYTES + 64], cell[FORM_CELL_BYTES];
	if (form->problem_count == private->problem_capacity) {
		uint32_t capacity = private->problem_capacity ? private->problem_capacity * 2 : 64;
		struct form_problem *grown = realloc(form->problems, capacity * sizeof *grown);
		if (!grown) {
			reader->error = -ENOMEM;
			return;
		}
		form->problems = grown;
		private->problem_capacity = capacity;
	}
	vsnprintf(text, sizeof text, format, arguments);
	if (column == SHEET_NOWHERE)
		snprintf(whole, sizeof whole, _("row %u: %s"), row + 1, text);
	else
		snprintf(whole, sizeof whole, "%s: %s", form_cell_name(row, column, cell), text);
	form->problems[form->problem_count++] = (struct form_problem){ row, column, is_notice, form_keep(reader, whole) };
}

void form_reject(struct form_reader *reader, uint32_t row, uint32_t column, const char *format, ...)
{
	struct form *form = reader->form;
	va_list arguments;
	va_start(arguments, format);
	add_problem(reader, row, column, false, format, arguments);
	va_end(arguments);
	if (row < form->private->row_end && !form->private->is_rejected[row]) {
		form->private->is_rejected[row] = 1;
		form->rejected_rows++;
	}
}

void form_note(struct form_reader *reader, uint32_t row, uint32_t column, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	add_problem(reader, row, column, true, format, arguments);
	va_end(arguments);
}

bool form_row_is_rejected(const struct form *form, uint32_t row)
{
	return row < form->private->row_end && form->private->is_rejected[row];
}

bool form_column_is_figure(const struct form *form, uint32_t column)
{
	return column < SHEET_COLUMNS_MAX && form->private->is_figure[column];
}

bool form_column_is_code(const struct form *form, uint32_t column)
{
	return column != SHEET_NOWHERE && column == form->private->code_column;
}

const char *form_text(const struct form_reader *reader, uint32_t row, enum form_role role)
{
	uint32_t column = reader->columns.at[role];
	return column == SHEET_NOWHERE ? "" : sheet_at(reader->sheet, row, column).text;
}

/* ---- a row ---- */

/* What the columns of words say; what is left out has the meaning of the wire's default. */
struct row_words {
	int extent, status, origin, bound, reason, denominator;
};

static bool read_words(struct form_reader *reader, uint32_t row, struct row_words *ret_words)
{
	struct row_words words = { 0 };
	bool is_fine = form_read_word(reader, row, ROLE_EXTENT, WORDS_EXTENT, BAOPHU_EXTENT_ANY, &words.extent);
	is_fine &= form_read_word(reader, row, ROLE_STATUS, WORDS_STATUS, BAOPHU_STATUS_NONE, &words.status);
	is_fine &= form_read_word(reader, row, ROLE_ORIGIN, WORDS_ORIGIN, BAOPHU_REPORTED, &words.origin);
	is_fine &= form_read_word(reader, row, ROLE_BOUND, WORDS_BOUND, BAOPHU_BOUND_NONE, &words.bound);
	is_fine &= form_read_word(reader, row, ROLE_REASON, WORDS_REASON, BAOPHU_REASON_NONE, &words.reason);
	is_fine &= form_read_word(reader, row, ROLE_DENOMINATOR, WORDS_DENOMINATOR, BAOPHU_OVER_UNSTATED, &words.denominator);
	*ret_words = words;
	return is_fine;
}

/* A figure that says of itself that it is an estimate or only "more than" may not be called otherwise beside it. */
static bool join_words(struct form_reader *reader, uint32_t row, uint32_t column, const struct form_figure *figure,
		       struct row_words *words)
{
	bool statuses_differ = figure->status && words->status && (int)figure->status != words->status;
	bool bounds_differ = figure->bound > BAOPHU_EXACT && words->bound && (int)figure->bound != words->bound;
	if (statuses_differ)
		form_reject(reader, row, column, _("the figure says “%s” and the column of the status “%s”; mend one of the two"),
			    word_for_people(WORDS_STATUS, (int)figure->status), word_for_people(WORDS_STATUS, words->status));
	if (bounds_differ)
		form_reject(reader, row, column,
			    _("the figure says “%s”, and its column of exactness says otherwise; mend one of the two"),
			    word_for_people(WORDS_BOUND, (int)figure->bound));
	words->status = figure->status ? (int)figure->status : words->status ? words->status : BAOPHU_FINAL;
	words->bound = figure->bound > BAOPHU_EXACT ? (int)figure->bound : words->bound ? words->bound : BAOPHU_EXACT;
	return !statuses_differ && !bounds_differ;
}

/* The dates of one figure: a level has one day, an amount a period. */
static bool settle_dates(struct form_reader *reader, uint32_t row, uint32_t column, const struct name *measure,
			 const struct form_when *when, int status, baophu_date *ret_from, baophu_date *ret_to)
{
	char date[11], today[11];
	uint32_t where = when->column == SHEET_NOWHERE ? column : when->column;
	bool is_stock = measure && measure->kind == BAOPHU_STOCK;
	*ret_from = when->from;
	*ret_to = when->to;
	if (is_stock && when->is_period) {
		*ret_from = when->to;
	} else if (is_stock && when->from != when->to) {
		form_reject(reader, row, when->has_from ? reader->columns.at[ROLE_FROM] : where,
			    _("“%s” is a level at a date: write one day, and no first day of a period"),
			    names_text(&reader->mirror->names, measure->code));
		return false;
	} else if (measure && !is_stock && !when->is_period && !when->has_from && !when->is_span) {
		form_reject(reader, row, where,
			    _("“%s” is an amount in a period: write its first day too, or the whole period (tháng 6/2024)"),
			    names_text(&reader->mirror->names, measure->code));
		return false;
	}
	bool is_estimate = status == BAOPHU_ESTIMATE;
	if (*ret_to > reader->context->today + (is_estimate ? FORM_AHEAD_DAYS_ESTIMATE_MAX : FORM_AHEAD_DAYS_MAX)) {
		form_reject(
		    reader, row, where,
		    _("%s lies too far ahead of today, %s; mend the date; only an estimate may be dated ahead, by at most %d days"),
		    baophu_date_format(*ret_to, reader->vietnamese, date),
		    baophu_date_format(reader->context->today, reader->vietnamese, today), FORM_AHEAD_DAYS_ESTIMATE_MAX);
		return false;
	}
	return true;
}

/* Whose figure it is; where no extent was said, the whole unit's if this office reports that, else its own part. */
static bool settle_owner(struct form_reader *reader, uint32_t row, uint32_t column, const struct mirror_unit *unit,
			 const char *measure, baophu_date date, int *extent)
{
	const char *owner = "";
	char day[11];
	enum baophu_extent asked = (enum baophu_extent) * extent;
	if (!reader->mirror) {
		*extent = asked ? (int)asked : BAOPHU_WHOLE;
		return true;
	}
	if (mirror_owns(reader->mirror, unit, measure, asked ? asked : BAOPHU_WHOLE, date, &owner)) {
		*extent = asked ? (int)asked : BAOPHU_WHOLE;
		return true;
	}
	if (!asked && mirror_owns(reader->mirror, unit, measure, BAOPHU_OWN, date, NULL)) {
		*extent = BAOPHU_OWN;
		return true;
	}
	baophu_date_format(date, reader->vietnamese, day);
	if (*owner)
		form_reject(reader, row, column,
			    _("“%s” of %s “%s” on %s is reported by “%s”, not by this office; take it out, or ask the centre"),
			    names_text(&reader->mirror->names, measure), unit->code, unit->name, day, owner);
	else
		form_reject(reader, row, column,
			    _("this office may not report “%s” of %s “%s” on %s; take it out, or ask the centre"),
			    names_text(&reader->mirror->names, measure), unit->code, unit->name, day);
	return false;
}

static void add_entry(struct form_reader *reader, uint32_t row, uint32_t column, const struct wire_entry *entry)
{
	struct form *form = reader->form;
	struct form_private *private = form->private;
	if (form->entry_count == private->entry_capacity) {
		uint32_t capacity = private->entry_capacity ? private->entry_capacity * 2 : 256;
		struct form_entry *grown = realloc(form->entries, capacity * sizeof *grown);
		if (!grown) {
			reader->error = -ENOMEM;
			return;
		}
		form->entries = grown;
		private->entry_capacity = capacity;
	}
	form->entries[form->entry_count++] = (struct form_entry){ .entry = *entry, .row = row, .column = column };
}

/* What a percentage was taken of. */
static bool add_rate(struct form_reader *reader, uint32_t row, uint32_t column, struct wire_rate *rate,
		     const struct row_words *words)
{
	const char *over = form_text(reader, row, ROLE_OVER);
	char shown[FORM_SHOWN_BYTES];
	uint32_t where = reader->columns.at[ROLE_OVER];
	rate->denominator = (enum baophu_denominator)words->denominator;
	rate->over = "";
	if (rate->denominator == BAOPHU_OVER_MEASURE && reader->mirror) {
		const struct name *near, *measure = *over ? form_measure(reader, over, &near) : NULL;
		if (!measure) {
			form_reject(reader, row, where == SHEET_NOWHERE ? column : where,
				    _("a percentage over a measure names that measure beside it"));
			return false;
		}
		rate->over = form_keep(reader, measure->code);
	} else if (rate->denominator == BAOPHU_OVER_UNSTATED && *over) {
		form_reject(reader, row, where,
			    _("“%s” says what the percentage is of; say beside it whether that is a `measure` or a `plan`"),
			    form_shown(over, shown));
		return false;
	} else {
		if (strlen(over) > BAOPHU_CODE_BYTES_MAX) {
			form_reject(reader, row, where, _("“%s” is not the code of a plan"), form_shown(over, shown));
			return false;
		}
		rate->over = form_keep(reader, over);
	}
	struct wire_entry entry = { .kind = WIRE_RATE, .rate = *rate };
	add_entry(reader, row, column, &entry);
	return true;
}

/* One cell of figures -> one entry, none for an empty cell. */
static void read_figure(struct form_reader *reader, uint32_t row, uint32_t column, const char *code, const struct form_when *when,
			const struct mirror_unit *unit, const char *unit_code, struct row_words words)
{
	const struct name *measure = reader->mirror ? names_find(&reader->mirror->names, code) : NULL;
	struct form_figure figure;
	baophu_date from, to;
	if (!form_read_figure(reader, row, column, measure ? measure->unit_vi : "", &figure) || figure.kind == FIGURE_NONE)
		return;
	if (!join_words(reader, row, column, &figure, &words) ||
	    !settle_dates(reader, row, column, measure, when, words.status, &from, &to) ||
	    !settle_owner(reader, row, column, unit, code, to, &words.extent))
		return;
	if (figure.kind == FIGURE_RATE) {
		struct wire_rate rate = { .unit = form_keep(reader, unit_code),
					  .measure = form_keep(reader, code),
					  .from = from,
					  .to = to,
					  .digits = figure.value,
					  .decimals = figure.decimals,
					  .status = (enum baophu_status)words.status,
					  .bound = (enum baophu_bound)words.bound };
		add_rate(reader, row, column, &rate, &words);
		return;
	}
	bool is_taken_back = figure.kind == FIGURE_WITHDRAWAL;
	struct wire_entry entry = { .kind = is_taken_back ? WIRE_WITHDRAWAL : WIRE_FACT,
				    .fact = { .unit = form_keep(reader, unit_code),
					      .measure = form_keep(reader, code),
					      .extent = (enum baophu_extent)words.extent,
					      .from = from,
					      .to = to,
					      .value = is_taken_back ? BAOPHU_ABSENT : figure.value,
					      .reason = (enum baophu_reason)words.reason } };
	if (!is_taken_back) {
		entry.fact.status = (enum baophu_status)words.status;
		entry.fact.origin = (enum baophu_origin)words.origin;
		entry.fact.bound = (enum baophu_bound)words.bound;
	}
	add_entry(reader, row, column, &entry);
}

/* A row without a figure reports nothing. */
static bool row_has_figures(const struct form_reader *reader, uint32_t row)
{
	const struct form_columns *columns = &reader->columns;
	for (uint32_t i = 0; i < columns->measure_count; i++)
		if (sheet_at(reader->sheet, row, columns->measures[i].column).kind != SHEET_EMPTY)
			return true;
	return columns->at[ROLE_VALUE] != SHEET_NOWHERE &&
	       sheet_at(reader->sheet, row, columns->at[ROLE_VALUE]).kind != SHEET_EMPTY;
}

static void read_long_row(struct form_reader *reader, uint32_t row, const struct form_when *when, const struct mirror_unit *unit,
			  const char *unit_code, const struct row_words *words)
{
	const char *text = form_text(reader, row, ROLE_MEASURE);
	char shown[FORM_SHOWN_BYTES];
	uint32_t column = reader->columns.at[ROLE_MEASURE];
	const struct name *near = NULL, *measure = reader->mirror && *text ? form_measure(reader, text, &near) : NULL;
	if (!*text)
		form_reject(reader, row, column, _("the row says no measure; write its code or name"));
	else if (!reader->mirror && strlen(text) > BAOPHU_CODE_BYTES_MAX)
		form_reject(
		    reader, row, column,
		    _("the centre was never reached from here, so only codes are understood; write the code of the measure"));
	else if (reader->mirror && !measure && near)
		form_reject(reader, row, column, _("there is no measure “%s”; did you mean “%s” (%s)?"), form_shown(text, shown),
			    *near->name_vi ? near->name_vi : near->name_en, near->code);
	else if (reader->mirror && !measure)
		form_reject(reader, row, column, _("there is no measure “%s”"), form_shown(text, shown));
	else
		read_figure(reader, row, reader->columns.at[ROLE_VALUE], measure ? measure->code : text, when, unit, unit_code,
			    *words);
}

/* All that is wrong with a row is said at once, as far as one mistake does not hide another. */
static void read_row(struct form_reader *reader, uint32_t row)
{
	const struct form_columns *columns = &reader->columns;
	const struct mirror_unit *unit = NULL;
	struct form_when when = { 0 };
	struct row_words words;
	const char *unit_code = "";
	bool is_long = reader->form->layout == FORM_LONG;
	if (!row_has_figures(reader, row))
		return;
	reader->form->row_count++;
	if (form_is_total(reader, row)) {
		form_note(reader, row, SHEET_NOWHERE, _("adds up the rows above and was left out: totals are computed"));
		return;
	}
	bool has_words = read_words(reader, row, &words);
	bool has_when = form_read_when(reader, row, &when);
	/* Without a date the unit is looked up as of today, so that a wrong code is said too. */
	bool has_unit = form_unit(reader, row, has_when ? when.to : reader->context->today, &unit, &unit_code);
	if (has_words && has_when && has_unit) {
		if (is_long)
			read_long_row(reader, row, &when, unit, unit_code, &words);
		for (uint32_t i = 0; i < columns->measure_count && !is_long; i++)
			read_figure(reader, row, columns->measures[i].column, columns->measures[i].code, &when, unit, unit_code,
				    words);
	} else {
		/* The figures are looked at all the same, for their own mistakes. */
		struct form_figure figure;
		for (uint32_t i = 0; i < columns->measure_count; i++)
			form_read_figure(reader, row, columns->measures[i].column, "", &figure);
		if (is_long)
			form_read_figure(reader, row, columns->at[ROLE_VALUE], "", &figure);
	}
}

/* ---- the sheet ---- */

static int by_place(const void *a, const void *b)
{
	const struct form_problem *x = a, *y = b;
	if (x->row != y->row)
		return x->row < y->row ? -1 : 1;
	return x->column < y->column ? -1 : x->column > y->column;
}

static void read_rows(struct form_reader *reader)
{
	struct form *form = reader->form;
	uint32_t rows = sheet_row_count(reader->sheet);
	for (uint32_t row = form->heading_row + 1; row < rows && !reader->error; row++) {
		read_row(reader, row);
		if (form->row_count > FORM_ROWS_MAX || form->entry_count > BAOPHU_BATCH_ENTRIES_MAX) {
			form_refuse(reader, _("there is more in this file than goes at once (%d rows); split it"), FORM_ROWS_MAX);
			return;
		}
	}
	if (!form->row_count)
		form_refuse(reader, _("no figure is filled in"));
	else if (reader->mirror && reader->unit_rows >= FOREIGN_ROWS_MIN && !reader->unit_rows_known &&
		 !reader->unit_rows_suggested)
		form_refuse(reader,
			    _("none of the %u units named is one of this office (“%s”): it looks like the sheet of another office; "
			      "nothing of it was taken"),
			    reader->unit_rows, reader->context->agent);
}

int form_read(const struct sheet *sheet, const struct form_context *context, struct form *ret_form)
{
	*ret_form = (struct form){ .from = BAOPHU_DATE_NONE,
				   .to = BAOPHU_DATE_NONE,
				   .private = calloc(1, sizeof *ret_form->private) };
	struct form *form = ret_form;
	struct form_reader reader = { .sheet = sheet, .context = context, .mirror = context->mirror, .form = form };
	if (!form->private)
		return -ENOMEM;
	reader.vietnamese = context->vietnamese;
	form->private->row_end = sheet_row_count(sheet);
	form->private->code_column = SHEET_NOWHERE;
	form->private->is_rejected = calloc(form->private->row_end + 1, 1);
	if (!form->private->is_rejected)
		reader.error = -ENOMEM;
	if (!reader.error && form_read_columns(&reader)) {
		for (uint32_t i = 0; i < reader.columns.measure_count; i++)
			form->private->is_figure[reader.columns.measures[i].column] = true;
		if (reader.columns.at[ROLE_VALUE] != SHEET_NOWHERE)
			form->private->is_figure[reader.columns.at[ROLE_VALUE]] = true;
		form->private->code_column = reader.columns.at[ROLE_UNIT];
		reader.error = form_prepare_units(&reader);
		if (!reader.error)
			read_rows(&reader);
		if (!reader.error && !form->refusal)
			reader.error = form_settle(&reader);
	}
	free(reader.by_name);
	if (reader.error) {
		form_finish(form);
		return reader.error;
	}
	if (form->refusal) { /* nothing of it */
		form->entry_count = form->problem_count = form->rejected_rows = 0;
		form->added = form->changed = form->same = 0;
	}
	if (form->problem_count)
		qsort(form->problems, form->problem_count, sizeof *form->problems, by_place);
	return 0;
}

void form_finish(struct form *form)
{
	struct form_private *private = form->private;
	free(form->refusal);
	free(form->entries);
	free(form->problems);
	if (private) {
		for (struct block *block = private->blocks, *older; block; block = older) {
			older = block->older;
			free(block);
		}
		free(private->is_rejected);
		free(private);
	}
	*form = (struct form){ 0 };
}

void form_forget_problems(struct form *form)
{
	memset(form->private->is_rejected, 0, form->private->row_end);
	form->problem_count = form->rejected_rows = 0;
}

int form_reject_cell(struct form *form, uint32_t row, uint32_t column, const char *reason)
{
	struct form_reader reader = { .form = form };
	form_reject(&reader, row, column, "%s", reason);
	return reader.error;
}

/* Problems are in order of row. */
static uint32_t first_problem(const struct form *form, uint32_t row)
{
	uint32_t low = 0, high = form->problem_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (form->problems[middle].row < row)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool form_cell_is_wrong(const struct form *form, uint32_t row, uint32_t column)
{
	for (uint32_t i = first_problem(form, row); i < form->problem_count && form->problems[i].row == row; i++)
		if (form->problems[i].column == column && !form->problems[i].is_notice)
			return true;
	return false;
}

const char *form_reason(const struct form *form, uint32_t row, char buffer[static FORM_REASON_BYTES])
{
	size_t used = 0;
	unsigned shown = 0;
	*buffer = '\0';
	for (uint32_t i = first_problem(form, row); i < form->problem_count && form->problems[i].row == row; i++) {
		const struct form_problem *problem = &form->problems[i];
		if (problem->is_notice)
			continue;
		size_t bytes = strlen(problem->text) + 2;
		if (used + bytes >= FORM_REASON_BYTES - 4 || shown == PROBLEMS_OF_A_ROW_MAX) {
			/* What is left comes when this is mended. */
			memcpy(buffer + used, " …", strlen(" …") + 1);
			break;
		}
		used += (size_t)snprintf(buffer + used, FORM_REASON_BYTES - used, "%s%s", shown++ ? "; " : "", problem->text);
	}
	return buffer;
}
