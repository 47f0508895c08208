/* coverage_rows.c - the flat data rows; see coverage_rows.h. */
#include "coverage_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/ratio.h>

#include "words.h"

void coverage_set_finish(struct coverage_set *set)
{
	for (uint32_t i = 0; i < set->count; i++)
		free((struct baophu_row *)set->records[i].rows);
	free(set->records);
	*set = (struct coverage_set){ 0 };
}

static struct baophu_row *copy_rows(const struct baophu_record *record)
{
	struct baophu_row *rows = malloc((record->row_count ? record->row_count : 1) * sizeof *rows);
	if (rows && record->row_count)
		memcpy(rows, record->rows, record->row_count * sizeof *rows);
	return rows;
}

int coverage_set_add(struct coverage_set *set, const struct baophu_record *record)
{
	if (set->count == set->capacity) {
		uint32_t capacity = set->capacity ? set->capacity * 2 : 32;
		struct baophu_record *records = realloc(set->records, capacity * sizeof *records);
		if (!records)
			return -ENOMEM;
		set->records = records;
		set->capacity = capacity;
	}
	struct baophu_row *rows = copy_rows(record);
	if (!rows)
		return -ENOMEM;
	set->records[set->count] = *record;
	set->records[set->count++].rows = rows;
	return 0;
}

int coverage_set_replace(struct coverage_set *set, const struct baophu_record *record)
{
	uint32_t i = 0;
	while (i < set->count && set->records[i].unit_number != record->unit_number)
		i++;
	if (i == set->count)
		return record->tombstone ? 0 : coverage_set_add(set, record);
	if (record->tombstone) {
		free((struct baophu_row *)set->records[i].rows);
		memmove(&set->records[i], &set->records[i + 1], (--set->count - i) * sizeof *set->records);
		return 0;
	}
	struct baophu_row *rows = copy_rows(record);
	if (!rows)
		return -ENOMEM;
	free((struct baophu_row *)set->records[i].rows);
	set->records[i] = *record;
	set->records[i].rows = rows;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct baophu_record *left = a, *right = b;
	return (left->unit_number > right->unit_number) - (left->unit_number < right->unit_number);
}

void coverage_set_sort(struct coverage_set *set)
{
	if (set->count)
		qsort(set->records, set->count, sizeof *set->records, by_number);
}

const struct baophu_record *coverage_set_find(const struct coverage_set *set, uint32_t unit_number)
{
	const struct baophu_record key = { .unit_number = unit_number };
	return set->count ? bsearch(&key, set->records, set->count, sizeof key, by_number) : NULL;
}

/* The order is a promise to programs; what is new goes to the end. */
const struct column coverage_columns[COVERAGE_FIELDS] = {
	{ .key = "row" },
	{ .key = "unit" },
	{ .key = "unit_name" },
	{ .key = "level" },
	{ .key = "measure" },
	{ .key = "from" },
	{ .key = "to" },
	{ .key = "value" },
	{ .key = "basis" },
	{ .key = "whole" },
	{ .key = "sum" },
	{ .key = "gap" },
	{ .key = "state" },
	{ .key = "status" },
	{ .key = "origin" },
	{ .key = "bound" },
	{ .key = "units_reported" },
	{ .key = "units_expected" },
	{ .key = "plan_code" },
	{ .key = "plan_state" },
	{ .key = "target" },
	{ .key = "remaining" },
	{ .key = "numerator" },
	{ .key = "denominator" },
	{ .key = "denominator_measure" },
	{ .key = "percent" },
	{ .key = "gap_points" },
	{ .key = "target_percent" },
	{ .key = "seq" },
	{ .key = "oldest" },
	{ .key = "flags" },
	{ .key = "reason" },
	{ .key = "own" },
	{ .key = "estimated" },
	{ .key = "previous" },
	{ .key = "change" },
	{ .key = "change_percent" },
	{ .key = "uncovered_days" },
	{ .key = "unused" },
	{ .key = "whole_to" },
	{ .key = "date" },
	{ .key = "moved_net" },
	{ .key = "fresh" },
	{ .key = "declared" },
};

bool coverage_is_rate_plan(const struct baophu_row *row)
{
	return row->kind == BAOPHU_ROW_PLAN && *row->denominator_measure && strcmp(row->denominator_measure, "plan") != 0;
}

bool coverage_is_plan_over(const struct baophu_row *plan, const struct baophu_row *figure)
{
	return figure && strcmp(plan->measure, figure->measure) == 0 &&
	       (plan->value == figure->value || figure->kind == BAOPHU_ROW_SHARE) &&
	       (plan->value == BAOPHU_ABSENT || (plan->from == figure->from && plan->to == figure->to));
}

const struct baophu_row *coverage_figure_below(const struct baophu_record *record, const struct baophu_row *plan)
{
	for (uint32_t i = 0; i < record->row_count; i++) {
		const struct baophu_row *row = &record->rows[i];
		if ((row->kind == BAOPHU_ROW_STOCK || row->kind == BAOPHU_ROW_FLOW) && coverage_is_plan_over(plan, row))
			return row;
	}
	return NULL;
}

int64_t coverage_percent(const struct baophu_row *row, unsigned decimals, unsigned *ret_decimals)
{
	*ret_decimals = decimals;
	if (row->kind == BAOPHU_ROW_PUBLISHED) {
		*ret_decimals = row->decimals;
		return row->value;
	}
	if ((row->kind != BAOPHU_ROW_PLAN && row->kind != BAOPHU_ROW_SHARE) || row->state == BAOPHU_STATE_PARTIAL)
		return BAOPHU_ABSENT;
	if (coverage_is_rate_plan(row))
		return baophu_rate_attainment(row->numerator, row->denominator, row->target, row->decimals, decimals);
	return baophu_percent(row->numerator, row->denominator, decimals);
}

static struct field word(enum word_list list, int value) { return field_text(word_of(list, value)); }

/* Dates and counts of a figure mean something only where there is one. */
void coverage_fields(const struct baophu_record *record, const struct baophu_row *row, unsigned decimals,
		     struct coverage_field_texts *texts, struct field fields[static COVERAGE_FIELDS])
{
	bool is_rate = coverage_is_rate_plan(row), is_published = row->kind == BAOPHU_ROW_PUBLISHED;
	bool is_figure = row->kind == BAOPHU_ROW_STOCK || row->kind == BAOPHU_ROW_FLOW;
	/* Days and overlaps belong to amounts over a period. */
	bool is_amount = row->value != BAOPHU_ABSENT && !is_published && (row->kind == BAOPHU_ROW_FLOW || row->from != row->to);
	unsigned percent_decimals;
	int64_t percent = coverage_percent(row, decimals, &percent_decimals);
	int64_t change = BAOPHU_ABSENT, change_percent = BAOPHU_ABSENT, points = BAOPHU_ABSENT;
	if (is_figure && row->value != BAOPHU_ABSENT && row->previous != BAOPHU_ABSENT) {
		change = row->value - row->previous;
		change_percent = baophu_percent(change, row->previous, decimals);
	}
	if (is_rate && row->state != BAOPHU_STATE_PARTIAL)
		points = baophu_gap_points(row->numerator, row->denominator, row->target, row->decimals, decimals);
	size_t used = 0;
	texts->flags[0] = '\0';
	for (unsigned i = 0; i < BAOPHU_ROW_FLAGS_MAX; i++) {
		const char *flag = word_of(WORDS_FLAG, row->flags[i]);
		if (flag && used < sizeof texts->flags)
			used += (size_t)snprintf(texts->flags + used, sizeof texts->flags - used, "%s%s", used ? " " : "", flag);
	}

	size_t n = 0;
	fields[n++] = word(WORDS_ROW, row->kind);
	fields[n++] = field_code(record->unit);
	fields[n++] = field_text(record->name);
	fields[n++] = field_text(record->level);
	fields[n++] = field_text(row->measure);
	fields[n++] = field_date(row->from);
	fields[n++] = field_date(row->to);
	fields[n++] = is_published ? field_null() : field_integer(row->value);
	fields[n++] = word(WORDS_BASIS, row->basis);
	fields[n++] = field_integer(row->whole);
	fields[n++] = field_integer(row->sum);
	fields[n++] = field_integer(row->gap);
	fields[n++] = word(WORDS_STATE, row->state);
	fields[n++] = word(WORDS_STATUS, row->status);
	fields[n++] = word(WORDS_ORIGIN, row->origin);
	fields[n++] = word(WORDS_BOUND, row->bound);
	fields[n++] = row->expected ? field_integer(row->reported) : field_null();
	fields[n++] = row->expected ? field_integer(row->expected) : field_null();
	fields[n++] = field_code(row->plan);
	fields[n++] = word(WORDS_PLAN_STATE, row->plan_state);
	fields[n++] = is_rate ? field_null() : field_integer(row->target);
	fields[n++] = field_integer(row->remaining);
	fields[n++] = field_integer(row->numerator);
	fields[n++] = field_integer(row->denominator);
	fields[n++] = field_text(row->denominator_measure);
	fields[n++] = field_decimal(percent, percent_decimals);
	fields[n++] = field_decimal(points, decimals);
	fields[n++] = is_rate ? field_decimal(row->target, row->decimals) : field_null();
	fields[n++] = field_integer((int64_t)record->seq);
	fields[n++] = field_date(row->oldest);
	fields[n++] = field_words(texts->flags);
	fields[n++] = word(WORDS_REASON, row->reason);
	fields[n++] = field_integer(row->own);
	fields[n++] = field_integer(row->estimated);
	fields[n++] = field_integer(row->previous);
	fields[n++] = field_integer(change);
	fields[n++] = field_decimal(change_percent, decimals);
	fields[n++] = is_amount ? field_integer(row->uncovered_days) : field_null();
	fields[n++] = is_amount ? field_integer(row->unused) : field_null();
	fields[n++] = field_date(row->whole_to);
	fields[n++] = field_date(record->date);
	fields[n++] = field_integer(row->moved_net);
	fields[n++] = is_figure && row->declared ? field_integer(row->fresh) : field_null();
	fields[n++] = is_figure && row->declared ? field_integer(row->declared) : field_null();
}

int coverage_write_rows(struct writer *writer, const struct coverage_set *set, unsigned decimals)
{
	int error = writer_begin(writer, coverage_columns, COVERAGE_FIELDS);
	for (uint32_t i = 0; !error && i < set->count; i++)
		for (uint32_t j = 0; !error && j < set->records[i].row_count; j++) {
			struct field fields[COVERAGE_FIELDS];
			struct coverage_field_texts texts;
			coverage_fields(&set->records[i], &set->records[i].rows[j], decimals, &texts, fields);
			error = writer_row(writer, fields);
		}
	int ended = writer_end(writer);
	return error ? error : ended;
}
