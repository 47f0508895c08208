/* coverage_table.c - the table of coverage for people; see coverage_rows.h.
 *
 * One line holds a figure and the first plan over it; more plans follow on lines of their own. Every
 * percentage stands over the code of its plan, every figure that is not simply a final report says what it is. Published percentages
 * stand in a table of their own below, because they are somebody else's arithmetic.
 */
#include "coverage_rows.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/date.h>
#include <baophu/ratio.h>

#include "language.h"
#include "number.h"
#include "words.h"

enum cell_of {
	CELL_UNIT,
	CELL_MEASURE,
	CELL_VALUE,
	CELL_COUNTED,
	CELL_DATE,
	CELL_CHANGE,
	CELL_PLAN,
	CELL_REACHED,
	CELL_REMAINING,
	CELL_SHARE,
	CELL_REPORTED,
	CELL_COUNT
};
enum { CELL_BYTES = 256, ONE_TABLE_WIDTH_MIN = 120 };
struct line {
	bool is_share;
	char cells[CELL_COUNT][CELL_BYTES];
};
/* Of one record at a time. */
struct lines {
	struct line *lines;
	size_t count, capacity;
	bool vietnamese;
	unsigned decimals;
	const struct names *names;
};

/* Adds to a cell, on a line of its own when there is something already; what does not fit is cut. */
__attribute__((format(printf, 2, 3))) static void put(char cell[static CELL_BYTES], const char *format, ...)
{
	size_t used = strlen(cell);
	va_list arguments;
	if (used && used < CELL_BYTES - 1)
		cell[used++] = '\n';
	va_start(arguments, format);
	vsnprintf(cell + used, CELL_BYTES - used, format, arguments);
	va_end(arguments);
}

static struct line *add_line(struct lines *lines)
{
	if (lines->count == lines->capacity) {
		size_t capacity = lines->capacity ? lines->capacity * 2 : 64;
		struct line *grown = realloc(lines->lines, capacity * sizeof *grown);
		if (!grown)
			return NULL;
		lines->lines = grown;
		lines->capacity = capacity;
	}
	struct line *line = &lines->lines[lines->count++];
	for (int i = 0; i < CELL_COUNT; i++)
		line->cells[i][0] = '\0';
	return line;
}

/* "hơn 500", "ước 287": how exactly, and how settled. */
static void qualify(const struct baophu_row *row, const char *figure, char *buffer, size_t size)
{
	char bounded[NUMBER_BYTES + 64];
	switch (row->bound) {
	case BAOPHU_ABOUT:
		snprintf(bounded, sizeof bounded, _("about %s"), figure);
		break;
	case BAOPHU_MORE_THAN:
		snprintf(bounded, sizeof bounded, _("more than %s"), figure);
		break;
	case BAOPHU_NEARLY:
		snprintf(bounded, sizeof bounded, _("nearly %s"), figure);
		break;
	default:
		snprintf(bounded, sizeof bounded, "%s", figure);
	}
	if (row->status == BAOPHU_ESTIMATE)
		snprintf(buffer, size, _("est. %s"), bounded);
	else
		snprintf(buffer, size, "%s", bounded);
}

const char *coverage_figure(const struct baophu_row *row, bool vietnamese, char buffer[static COVERAGE_FIGURE_BYTES])
{
	char number[NUMBER_BYTES];
	if (row->value != BAOPHU_ABSENT)
		qualify(row, number_format(row->value, vietnamese, number), buffer, COVERAGE_FIGURE_BYTES);
	else
		snprintf(buffer, COVERAGE_FIGURE_BYTES, "%s",
			 row->state == BAOPHU_STATE_WITHDRAWN ? _("withdrawn") : _("no report"));
	return buffer;
}

static void put_origin(char cell[static CELL_BYTES], enum baophu_origin origin)
{
	if (origin == BAOPHU_ILLUSTRATIVE || origin == BAOPHU_IMPLIED)
		put(cell, "%s", word_for_people(WORDS_ORIGIN, origin));
}

/* What a figure is beside its number: each on a line below it. */
static void put_marks(char cell[static CELL_BYTES], const struct baophu_row *row)
{
	if (row->status == BAOPHU_PROVISIONAL)
		put(cell, "%s", word_for_people(WORDS_STATUS, row->status));
	put_origin(cell, row->origin);
	if (row->basis == BAOPHU_BASIS_SUM)
		put(cell, "%s", _("summed"));
	else if (row->basis == BAOPHU_BASIS_PARTIAL)
		put(cell, "%s", _("partial sum"));
	else if (row->basis == BAOPHU_BASIS_PARTS)
		put(cell, "%s", _("sum of parts"));
}

static void put_date(const struct lines *lines, char cell[static CELL_BYTES], const struct baophu_row *row)
{
	char from[11], to[11];
	baophu_date_format(row->to, lines->vietnamese, to);
	if (row->from != BAOPHU_DATE_NONE && row->from != row->to)
		put(cell, "%s–\n%s", baophu_date_format(row->from, lines->vietnamese, from), to);
	else if (*to)
		put(cell, "%s", to);
}

static void put_change(const struct lines *lines, char cell[static CELL_BYTES], const struct baophu_row *row)
{
	char number[NUMBER_BYTES];
	if (row->previous == BAOPHU_ABSENT || row->value == BAOPHU_ABSENT)
		return;
	int64_t change = row->value - row->previous, percent = baophu_percent(change, row->previous, lines->decimals);
	put(cell, "%s%s", change > 0 ? "+" : "", number_format(change, lines->vietnamese, number));
	if (percent != BAOPHU_ABSENT)
		put(cell, "%s%s%%", percent > 0 ? "+" : "",
		    number_format_decimal(percent, lines->decimals, lines->vietnamese, number));
}

static void put_figure(const struct lines *lines, struct line *line, const struct baophu_row *row)
{
	char figure[COVERAGE_FIGURE_BYTES], number[NUMBER_BYTES];
	put(line->cells[CELL_VALUE], "%s", coverage_figure(row, lines->vietnamese, figure));
	put_marks(line->cells[CELL_VALUE], row);
	if (row->moved_net != BAOPHU_ABSENT)
		put(line->cells[CELL_VALUE], _("net %s%s"), row->moved_net > 0 ? "+" : "",
		    number_format(row->moved_net, lines->vietnamese, number));
	put_date(lines, line->cells[CELL_DATE], row);
	put_change(lines, line->cells[CELL_CHANGE], row);
	if (row->expected) {
		put(line->cells[CELL_REPORTED], row->basis == BAOPHU_BASIS_PARTS ? _("%u/%u parts") : "%u/%u", row->reported,
		    row->expected);
		if (row->basis == BAOPHU_BASIS_WHOLE && row->sum != BAOPHU_ABSENT)
			put(line->cells[CELL_REPORTED], _("sum %s"), number_format(row->sum, lines->vietnamese, number));
	}
	if (row->declared) /* of the series declared here and below */
		put(line->cells[CELL_REPORTED], _("%u/%u up to date"), row->fresh, row->declared);
}

static void put_share(const struct lines *lines, struct line *line, const struct baophu_row *row)
{
	char number[NUMBER_BYTES];
	unsigned decimals;
	int64_t percent = coverage_percent(row, lines->decimals, &decimals);
	if (row->numerator != BAOPHU_ABSENT)
		put(line->cells[CELL_VALUE], "%s", number_format(row->numerator, lines->vietnamese, number));
	else if (row->denominator != BAOPHU_ABSENT)
		put(line->cells[CELL_VALUE], "%s", _("no report"));
	if (row->denominator != BAOPHU_ABSENT)
		put(line->cells[CELL_VALUE], "/ %s", number_format(row->denominator, lines->vietnamese, number));
	put_origin(line->cells[CELL_VALUE], row->origin);
	put_date(lines, line->cells[CELL_DATE], row);
	if (percent != BAOPHU_ABSENT) {
		char figure[COVERAGE_FIGURE_BYTES], shown[NUMBER_BYTES + 2];
		snprintf(shown, sizeof shown, "%s%%", number_format_decimal(percent, decimals, lines->vietnamese, number));
		qualify(row, shown, figure, sizeof figure);
		put(line->cells[CELL_SHARE], "%s", figure);
	} else {
		put(line->cells[CELL_SHARE], "%s", word_for_people(WORDS_STATE, row->state));
	}
}

static void put_plan(const struct lines *lines, struct line *line, const struct baophu_row *row, enum baophu_origin shown_origin)
{
	char number[NUMBER_BYTES];
	unsigned decimals;
	int64_t percent = coverage_percent(row, lines->decimals, &decimals);
	bool is_rate = coverage_is_rate_plan(row);
	if (row->target != BAOPHU_ABSENT && is_rate)
		put(line->cells[CELL_PLAN], "%s%%", number_format_decimal(row->target, row->decimals, lines->vietnamese, number));
	else if (row->target != BAOPHU_ABSENT)
		put(line->cells[CELL_PLAN], "%s", number_format(row->target, lines->vietnamese, number));
	if (row->origin > shown_origin)
		put_origin(line->cells[CELL_PLAN], row->origin);

	char *reached = line->cells[CELL_REACHED];
	if (percent != BAOPHU_ABSENT)
		put(reached, "%s%%", number_format_decimal(percent, decimals, lines->vietnamese, number));
	else if (row->state == BAOPHU_STATE_NO_PLAN || row->state == BAOPHU_STATE_PARTIAL)
		put(reached, "%s", word_for_people(WORDS_STATE, row->state));
	else
		put(reached, "–");
	put(reached, "%s", row->plan);
	if (row->plan_state == BAOPHU_PLAN_SUMMED || row->plan_state == BAOPHU_PLAN_SUMMED_ENDED)
		put(reached, "%s", _("summed"));
	if (row->plan_state == BAOPHU_PLAN_ENDED || row->plan_state == BAOPHU_PLAN_SUMMED_ENDED)
		put(reached, "%s", word_for_people(WORDS_PLAN_STATE, BAOPHU_PLAN_ENDED));

	char *remaining = line->cells[CELL_REMAINING];
	if (is_rate && percent != BAOPHU_ABSENT) {
		int64_t points = baophu_gap_points(row->numerator, row->denominator, row->target, row->decimals, lines->decimals);
		if (points != BAOPHU_ABSENT)
			put(remaining, _("%s%s points"), points > 0 ? "+" : "",
			    number_format_decimal(points, lines->decimals, lines->vietnamese, number));
	} else if (row->remaining != BAOPHU_ABSENT && row->state != BAOPHU_STATE_PARTIAL) {
		if (row->remaining < 0)
			put(remaining, _("%s over"), number_format(-row->remaining, lines->vietnamese, number));
		else
			put(remaining, "%s", number_format(row->remaining, lines->vietnamese, number));
	}
}

static int add_record(struct lines *lines, const struct baophu_record *record)
{
	const struct baophu_row *figure = NULL;
	struct line *line = NULL;
	bool has_plan = false;
	for (uint32_t i = 0; i < record->row_count; i++) {
		const struct baophu_row *row = &record->rows[i];
		if (row->kind == BAOPHU_ROW_PUBLISHED)
			continue;
		bool is_plan = row->kind == BAOPHU_ROW_PLAN;
		if (!is_plan || !line || has_plan || !coverage_is_plan_over(row, figure)) {
			bool is_new_measure = !line || !figure || !is_plan || strcmp(row->measure, figure->measure) != 0;
			line = add_line(lines);
			if (!line)
				return -ENOMEM;
			line->is_share = row->kind == BAOPHU_ROW_SHARE || coverage_is_rate_plan(row);
			if (is_new_measure)
				put(line->cells[CELL_MEASURE], "%s", names_text(lines->names, row->measure));
			has_plan = false;
			if (is_plan && row->value != BAOPHU_ABSENT && !coverage_is_plan_over(row, figure))
				put_figure(lines, line, row);
			if (is_new_measure || (is_plan && row->value != BAOPHU_ABSENT && !coverage_is_plan_over(row, figure))) {
				const struct name *name = names_find(lines->names, row->measure);
				const char *counted = name && *name->numerator ? name->numerator : row->measure;
				put(line->cells[CELL_COUNTED], "%s", names_unit(lines->names, counted));
			}
			if (!is_plan) {
				figure = row;
				if (row->kind == BAOPHU_ROW_SHARE)
					put_share(lines, line, row);
				else
					put_figure(lines, line, row);
			}
		}
		if (is_plan) {
			bool is_beside = figure && *line->cells[CELL_VALUE] && coverage_is_plan_over(row, figure);
			put_plan(lines, line, row, is_beside ? figure->origin : BAOPHU_PUBLISHED);
			has_plan = true;
		}
	}
	return 0;
}

/* The lines of one record into the table: those that are (or are not) shares, or without `picks` all. */
static int write_record(struct writer *writer, const struct lines *lines, const struct baophu_record *record, bool picks,
			bool is_share)
{
	bool is_first = true;
	int error = 0;
	for (size_t i = 0; !error && i < lines->count; i++) {
		const struct line *line = &lines->lines[i];
		struct field fields[CELL_COUNT];
		if (picks && line->is_share != is_share)
			continue;
		for (int j = 0; j < CELL_COUNT; j++)
			fields[j] = field_text(line->cells[j]);
		if (is_first)
			fields[CELL_UNIT] = field_text(*record->name ? record->name : record->unit);
		is_first = false;
		error = writer_row(writer, fields);
	}
	return error;
}

static int write_figures(struct writer *writer, const struct coverage_set *set, struct lines *lines, bool picks, bool is_share)
{
	const struct column columns[CELL_COUNT] = {
		[CELL_UNIT] = { .key = "unit", .heading = _("Unit"), .wrap = true },
		[CELL_MEASURE] = { .key = "measure", .heading = _("Measure"), .wrap = true },
		[CELL_VALUE] = { .key = "value", .heading = _("Figure"), .right = true, .wrap = true },
		[CELL_COUNTED] = { .key = "counted",
				   .heading = _("Counted in"),
				   .wrap = true,
				   .may_be_said_once = true,
				   .below = "value",
				   .turn = 2 },
		[CELL_DATE] = { .key = "date",
				.heading = _("As of"),
				.right = true,
				.may_be_said_once = true,
				.below = "value",
				.turn = 3 },
		[CELL_CHANGE] = { .key = "change", .heading = _("Change"), .right = true, .below = "value", .turn = 1 },
		[CELL_PLAN] = { .key = "plan", .heading = _("Plan"), .right = true },
		[CELL_REACHED] = { .key = "reached", .heading = _("Plan reached (%)"), .right = true, .wrap = true },
		[CELL_REMAINING] = { .key = "remaining", .heading = _("Still to reach"), .right = true, .wrap = true },
		[CELL_SHARE] = { .key = "share", .heading = _("Share (%)"), .right = true, .wrap = true },
		[CELL_REPORTED] = { .key = "reported", .heading = _("Reported n/m"), .right = true, .wrap = true },
	};
	int error = writer_begin(writer, columns, CELL_COUNT);
	for (uint32_t i = 0; !error && i < set->count; i++) {
		lines->count = 0;
		error = add_record(lines, &set->records[i]);
		if (!error)
			error = write_record(writer, lines, &set->records[i], picks, is_share);
	}
	int ended = writer_end(writer);
	return error ? error : ended;
}

/* ---- published percentages ---- */

static void over_of(const struct names *names, const struct baophu_row *row, char *buffer, size_t size)
{
	if (strcmp(row->denominator_measure, "plan") == 0)
		snprintf(buffer, size, *row->plan ? _("plan %s") : _("plan"), row->plan);
	else if (*row->denominator_measure)
		snprintf(buffer, size, "%s", names_text(names, row->denominator_measure));
	else
		snprintf(buffer, size, "%s", _("not stated"));
}

static int write_published(struct writer *writer, const struct coverage_set *set, const struct lines *lines)
{
	const struct column columns[] = {
		{ .key = "unit", .heading = _("Unit"), .wrap = true },
		{ .key = "measure", .heading = _("Published"), .wrap = true },
		{ .key = "percent", .heading = _("Share (%)"), .right = true, .wrap = true },
		{ .key = "over", .heading = _("Of what"), .wrap = true },
		{ .key = "date", .heading = _("As of"), .right = true, .may_be_said_once = true },
		{ .key = "computed", .heading = _("Computed"), .right = true, .wrap = true },
		{ .key = "state", .heading = _("Comparison"), .wrap = true },
	};
	enum { COUNT = sizeof columns / sizeof *columns };
	int error = writer_begin(writer, columns, COUNT);
	for (uint32_t i = 0; !error && i < set->count; i++) {
		bool is_first = true;
		for (uint32_t j = 0; !error && j < set->records[i].row_count; j++) {
			const struct baophu_row *row = &set->records[i].rows[j];
			char number[NUMBER_BYTES], shown[NUMBER_BYTES + 2], figure[COVERAGE_FIGURE_BYTES], over[CELL_BYTES];
			char date[CELL_BYTES] = "", computed[3 * NUMBER_BYTES] = "";
			if (row->kind != BAOPHU_ROW_PUBLISHED)
				continue;
			snprintf(shown, sizeof shown, "%s%%",
				 number_format_decimal(row->value, row->decimals, lines->vietnamese, number));
			qualify(row, shown, figure, sizeof figure);
			over_of(lines->names, row, over, sizeof over);
			put_date(lines, date, row);
			int64_t percent = baophu_percent(row->numerator, row->denominator, row->decimals);
			if (percent != BAOPHU_ABSENT) {
				char numerator[NUMBER_BYTES], denominator[NUMBER_BYTES];
				snprintf(computed, sizeof computed, "%s%%\n%s / %s",
					 number_format_decimal(percent, row->decimals, lines->vietnamese, number),
					 number_format(row->numerator, lines->vietnamese, numerator),
					 number_format(row->denominator, lines->vietnamese, denominator));
			}
			const struct baophu_record *record = &set->records[i];
			struct field fields[COUNT] = {
				field_text(is_first ? *record->name ? record->name : record->unit : ""),
				field_text(names_text(lines->names, row->measure)),
				field_text(figure),
				field_text(over),
				field_text(date),
				field_text(computed),
				field_text(word_for_people(WORDS_STATE, row->state)),
			};
			is_first = false;
			error = writer_row(writer, fields);
		}
	}
	int ended = writer_end(writer);
	return error ? error : ended;
}

static void write_notes(struct writer *writer, const struct coverage_set *set, const struct lines *lines)
{
	for (uint32_t i = 0; i < set->count; i++)
		for (uint32_t j = 0; j < set->records[i].row_count; j++) {
			const struct baophu_row *row = &set->records[i].rows[j];
			for (unsigned k = 0; k < BAOPHU_ROW_FLAGS_MAX; k++) {
				char text[1024], percent[NUMBER_BYTES + 2] = "", number[NUMBER_BYTES];
				if (!row->flags[k])
					continue;
				if (row->kind == BAOPHU_ROW_PUBLISHED)
					snprintf(percent, sizeof percent, " %s%%",
						 number_format_decimal(row->value, row->decimals, lines->vietnamese, number));
				snprintf(text, sizeof text, _("Note: %s · %s%s: %s"), set->records[i].name,
					 names_text(lines->names, row->measure), percent,
					 word_for_people(WORDS_FLAG, row->flags[k]));
				writer_paragraph(writer, text);
			}
		}
}

int coverage_write_table(struct writer *writer, const struct coverage_set *set, const struct names *names, unsigned decimals)
{
	struct lines lines = { .vietnamese = writer->options.vietnamese, .decimals = decimals, .names = names };
	int error = 0;
	bool has_published = false, has_shares = false, has_others = false;
	for (uint32_t i = 0; i < set->count; i++) {
		for (uint32_t j = 0; j < set->records[i].row_count; j++) {
			enum baophu_row_kind kind = set->records[i].rows[j].kind;
			has_published = has_published || kind == BAOPHU_ROW_PUBLISHED;
			has_shares = has_shares || kind == BAOPHU_ROW_SHARE;
			has_others = has_others || kind == BAOPHU_ROW_STOCK || kind == BAOPHU_ROW_FLOW;
		}
	}
	/* Figures and shares fill different columns; side by side they need more than a narrow terminal has. */
	bool is_apart = has_shares && has_others && writer->options.width && writer->options.width < ONE_TABLE_WIDTH_MIN;
	if (has_shares || has_others)
		error = write_figures(writer, set, &lines, is_apart, false);
	if (!error && is_apart) {
		writer_note(writer, "");
		error = write_figures(writer, set, &lines, true, true);
	}
	if (!error && (has_shares || has_others) && has_published)
		writer_note(writer, "");
	if (!error && has_published)
		error = write_published(writer, set, &lines);
	if (!error)
		write_notes(writer, set, &lines);
	free(lines.lines);
	return error;
}

/* ---- sentences ---- */

__attribute__((format(printf, 3, 4))) static void append(char *buffer, size_t size, const char *format, ...)
{
	size_t used = strlen(buffer);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(buffer + used, size - used, format, arguments);
	va_end(arguments);
}

static void append_plan(const struct baophu_row *row, bool vietnamese, unsigned decimals, char *buffer, size_t size)
{
	char percent[NUMBER_BYTES], target[NUMBER_BYTES], points[NUMBER_BYTES];
	unsigned percent_decimals;
	int64_t reached = coverage_percent(row, decimals, &percent_decimals);
	if (reached == BAOPHU_ABSENT) {
		append(buffer, size, ", %s: %s", row->plan, word_for_people(WORDS_STATE, row->state));
		return;
	}
	number_format_decimal(reached, percent_decimals, vietnamese, percent);
	if (!coverage_is_rate_plan(row)) {
		append(buffer, size, _(", %s%% of plan %s (%s)"), percent, row->plan,
		       number_format(row->target, vietnamese, target));
		return;
	}
	int64_t gap = baophu_gap_points(row->numerator, row->denominator, row->target, row->decimals, decimals);
	append(buffer, size, _(", %s%% of plan %s (%s%%), %s%s points"), percent, row->plan,
	       number_format_decimal(row->target, row->decimals, vietnamese, target), gap > 0 ? "+" : "",
	       number_format_decimal(gap, decimals, vietnamese, points));
}

const char *coverage_sentence(const struct baophu_record *record, uint32_t index, const struct names *names, bool vietnamese,
			      unsigned decimals, char buffer[static COVERAGE_SENTENCE_BYTES])
{
	const size_t size = COVERAGE_SENTENCE_BYTES;
	const struct baophu_row *row = &record->rows[index];
	const struct lines lines = { .vietnamese = vietnamese };
	char figure[COVERAGE_FIGURE_BYTES], number[NUMBER_BYTES], shown[NUMBER_BYTES + 2], date[CELL_BYTES] = "";
	put_date(&lines, date, row);
	char *newline = strchr(date, '\n');
	if (newline)
		memmove(newline, newline + 1, strlen(newline));
	snprintf(buffer, size, "%s · %s: ", *record->name ? record->name : record->unit, names_text(names, row->measure));
	if (row->kind == BAOPHU_ROW_PUBLISHED || row->kind == BAOPHU_ROW_SHARE) {
		unsigned percent_decimals;
		int64_t percent = coverage_percent(row, decimals, &percent_decimals);
		char over[CELL_BYTES];
		snprintf(shown, sizeof shown, "%s%%", number_format_decimal(percent, percent_decimals, vietnamese, number));
		qualify(row, shown, figure, sizeof figure);
		over_of(names, row, over, sizeof over);
		if (row->kind == BAOPHU_ROW_PUBLISHED)
			append(buffer, size, _("published %s of: %s"), figure, over);
		else if (percent == BAOPHU_ABSENT)
			append(buffer, size, "%s", word_for_people(WORDS_STATE, row->state));
		else
			append(buffer, size, "%s", figure);
		if (row->numerator != BAOPHU_ABSENT && row->denominator != BAOPHU_ABSENT) {
			append(buffer, size, " (%s / ", number_format(row->numerator, vietnamese, number));
			append(buffer, size, "%s)", number_format(row->denominator, vietnamese, number));
		}
	} else {
		const char *counted = names_unit(names, row->measure);
		append(buffer, size, "%s%s%s", coverage_figure(row, vietnamese, figure),
		       row->value == BAOPHU_ABSENT || !*counted ? "" : " ", row->value == BAOPHU_ABSENT ? "" : counted);
		if (row->basis == BAOPHU_BASIS_SUM || row->basis == BAOPHU_BASIS_PARTIAL || row->basis == BAOPHU_BASIS_PARTS)
			append(buffer, size, ", %s", word_for_people(WORDS_BASIS, row->basis));
		if (row->basis == BAOPHU_BASIS_WHOLE && row->sum != BAOPHU_ABSENT)
			append(buffer, size, _(", sum below %s (%u/%u)"), number_format(row->sum, vietnamese, number),
			       row->reported, row->expected);
	}
	if (*date)
		append(buffer, size, " (%s)", date);
	if (row->origin == BAOPHU_ILLUSTRATIVE || row->origin == BAOPHU_IMPLIED)
		append(buffer, size, ", %s", word_for_people(WORDS_ORIGIN, row->origin));
	if (row->kind == BAOPHU_ROW_PUBLISHED)
		append(buffer, size, ", %s", word_for_people(WORDS_STATE, row->state));
	for (uint32_t i = index + 1; i < record->row_count && record->rows[i].kind == BAOPHU_ROW_PLAN; i++)
		append_plan(&record->rows[i], vietnamese, decimals, buffer, size);
	return buffer;
}
