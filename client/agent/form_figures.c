/* form_figures.c - values, dates and words in cells. See form_parts.h; how people write numbers and dates is sheet/human.h's. */
#include "form_parts.h"

#include <stdio.h>
#include <string.h>

#include <baophu/date.h>
#include <baophu/ratio.h>

#include "human.h"
#include "language.h"
#include "text.h"

enum { FOLDED_BYTES = 2 * SHEET_CELL_BYTES_MAX };

static const char *fold(const char *text, char buffer[static FOLDED_BYTES])
{
	if (text_fold(text, true, buffer, FOLDED_BYTES) != 0)
		buffer[0] = '\0';
	return buffer;
}

/* ---- figures ---- */

const char *form_seen(const struct sheet_cell *cell, bool is_vietnamese, char buffer[static FORM_SEEN_BYTES])
{
	int64_t digits;
	unsigned decimals;
	char plain[32];
	baophu_date date;
	if (cell->kind == SHEET_PERCENT && human_percent_cell(cell->text, true, &digits, &decimals, NULL) == HUMAN_OK)
		snprintf(buffer, FORM_SEEN_BYTES, "%s%%", baophu_digits_format(digits, decimals, is_vietnamese ? ',' : '.', plain));
	else if (cell->kind == SHEET_DATE && baophu_date_parse(cell->text, &date) == 0)
		baophu_date_format(date, is_vietnamese, buffer);
	else if (cell->kind == SHEET_DATE && strlen(cell->text) == 7)
		snprintf(buffer, FORM_SEEN_BYTES, "%s/%.4s", cell->text + 5, cell->text);
	else
		return cell->text;
	return buffer;
}

/* A cell that cannot hold a figure whatever its column. */
static bool is_no_figure(struct form_reader *reader, uint32_t row, uint32_t column, const struct sheet_cell *cell)
{
	char why[SHEET_PROBLEM_BYTES], seen[FORM_SEEN_BYTES];
	if (cell->kind == SHEET_ERROR) {
		struct sheet_problem problem = sheet_cell_problem(reader->sheet, cell);
		/* The cell is named by the form. */
		problem.row = problem.column = SHEET_NOWHERE;
		problem.tab[0] = '\0';
		form_reject(reader, row, column, "%s", sheet_explain(&problem, "", why, sizeof why));
		return true;
	}
	if (cell->is_copy) {
		form_reject(
		    reader, row, column,
		    _("is inside a merged cell, so its figure is of more than one row; unmerge it and write a figure in each"));
		return true;
	}
	if (cell->kind == SHEET_DATE) {
		form_reject(reader, row, column,
			    _("holds a date (%s) where a figure belongs; set the format of the cell to Number and type it again"),
			    form_seen(cell, reader->vietnamese, seen));
		return true;
	}
	if (cell->kind == SHEET_BOOL) {
		form_reject(reader, row, column, _("holds TRUE or FALSE where a figure belongs"));
		return true;
	}
	return false;
}

static bool is_withdrawal(const char *text)
{
	char folded[FOLDED_BYTES];
	fold(text, folded);
	return strcmp(folded, "withdraw") == 0 || strcmp(folded, "rut") == 0 || strcmp(folded, "rut lai") == 0;
}

static bool read_rate(struct form_reader *reader, uint32_t row, uint32_t column, const struct sheet_cell *cell,
		      struct form_figure *ret_figure)
{
	struct human_percent percent = { 0 };
	struct human_doubt doubt;
	char why[FORM_REASON_BYTES];
	enum human_problem problem = cell->kind == SHEET_PERCENT
					 ? human_percent_cell(cell->text, true, &percent.digits, &percent.decimals, &doubt)
					 : human_percent(cell->text, &percent, &doubt);
	if (problem != HUMAN_OK) {
		form_reject(reader, row, column, "%s", human_explain(problem, cell->text, &doubt, why, sizeof why));
		return false;
	}
	*ret_figure = (struct form_figure){ FIGURE_RATE, percent.digits, percent.decimals, percent.bound, percent.status };
	return true;
}

bool form_read_figure(struct form_reader *reader, uint32_t row, uint32_t column, const char *unit, struct form_figure *ret_figure)
{
	struct sheet_cell cell = sheet_at(reader->sheet, row, column);
	struct human_count count = { .bound = BAOPHU_EXACT };
	struct human_doubt doubt;
	char why[FORM_REASON_BYTES];
	*ret_figure = (struct form_figure){ .kind = FIGURE_NONE };
	if (cell.kind == SHEET_EMPTY)
		return true;
	if (is_no_figure(reader, row, column, &cell))
		return false;
	if (cell.kind == SHEET_TEXT && is_withdrawal(cell.text)) {
		ret_figure->kind = FIGURE_WITHDRAWAL;
		return true;
	}
	/* Only in a list where each row names its measure a percentage is a rate that somebody published. */
	bool is_rate = cell.kind == SHEET_PERCENT || (cell.kind == SHEET_TEXT && strchr(cell.text, '%'));
	if (is_rate && reader->form->layout == FORM_LONG)
		return read_rate(reader, row, column, &cell, ret_figure);
	char seen[FORM_SEEN_BYTES];
	if (cell.kind == SHEET_PERCENT) {
		form_reject(reader, row, column, "%s",
			    human_explain(HUMAN_PERCENT, form_seen(&cell, reader->vietnamese, seen), NULL, why, sizeof why));
		return false;
	}
	enum human_problem problem = cell.kind == SHEET_NUMBER ? human_count_cell(cell.text, &count.value, &doubt)
							       : human_count(cell.text, unit, &count, &doubt);
	if (problem != HUMAN_OK) {
		form_reject(reader, row, column, "%s", human_explain(problem, cell.text, &doubt, why, sizeof why));
		return false;
	}
	*ret_figure = (struct form_figure){ FIGURE_COUNT, count.value, 0, count.bound, count.status };
	return true;
}

/* ---- dates ---- */

bool form_parse_period(const struct sheet_cell *cell, baophu_date *ret_from, baophu_date *ret_to, char *why, size_t why_bytes)
{
	struct human_period period;
	struct human_doubt doubt;
	char text[SHEET_CELL_BYTES_MAX + 1];
	/* A date cell that shows only the month holds 2024-04. */
	if (cell->kind == SHEET_DATE && strlen(cell->text) == 7)
		snprintf(text, sizeof text, "%s/%.4s", cell->text + 5, cell->text);
	else
		snprintf(text, sizeof text, "%s", cell->text);
	enum human_problem problem = human_period(text, 0, &period, &doubt);
	if (problem != HUMAN_OK) {
		if (why)
			human_explain(problem, cell->text, &doubt, why, why_bytes);
		return false;
	}
	*ret_from = period.from;
	*ret_to = period.to;
	return true;
}

/* 0: empty; 1: read; -1: the row was rejected. */
static int read_date_cell(struct form_reader *reader, uint32_t row, enum form_role role, baophu_date *ret_from, baophu_date *ret_to)
{
	char why[FORM_REASON_BYTES];
	uint32_t column = reader->columns.at[role];
	if (column == SHEET_NOWHERE)
		return 0;
	struct sheet_cell cell = sheet_at(reader->sheet, row, column);
	if (cell.kind == SHEET_EMPTY)
		return 0;
	if (cell.kind == SHEET_ERROR) {
		struct sheet_problem problem = sheet_cell_problem(reader->sheet, &cell);
		problem.row = problem.column = SHEET_NOWHERE;
		problem.tab[0] = '\0';
		form_reject(reader, row, column, "%s", sheet_explain(&problem, "", why, sizeof why));
		return -1;
	}
	if (form_parse_period(&cell, ret_from, ret_to, why, sizeof why))
		return 1;
	form_reject(reader, row, column, "%s", why);
	return -1;
}

bool form_read_when(struct form_reader *reader, uint32_t row, struct form_when *ret_when)
{
	const struct form_columns *columns = &reader->columns;
	struct form_when when = { .column = columns->at[ROLE_TO] };
	baophu_date from, from_end;
	int got = read_date_cell(reader, row, ROLE_TO, &when.from, &when.to);
	if (got > 0)
		when.is_span = when.from != when.to;
	if (!got) {
		when.column = columns->at[ROLE_PERIOD];
		got = read_date_cell(reader, row, ROLE_PERIOD, &when.from, &when.to);
		when.is_period = got > 0;
	}
	if (!got && columns->has_period) {
		when = (struct form_when){ .from = columns->from, .to = columns->to, .is_period = true, .column = SHEET_NOWHERE };
		got = 1;
	}
	if (got < 0)
		return false;
	int began = read_date_cell(reader, row, ROLE_FROM, &from, &from_end);
	if (began < 0)
		return false;
	if (!got) {
		form_reject(reader, row, columns->at[columns->at[ROLE_TO] != SHEET_NOWHERE ? ROLE_TO : ROLE_PERIOD],
			    _("the row says no date; write the day of the figure, or the last day of its period"));
		return false;
	}
	if (began > 0) {
		if (from != from_end || when.is_span || when.from != when.to) {
			form_reject(reader, row, columns->at[ROLE_FROM],
				    _("beside a first day a last day belongs, and both are single days"));
			return false;
		}
		if (from > when.to) {
			form_reject(reader, row, columns->at[ROLE_FROM],
				    _("the period ends before it begins; mend one of the two dates"));
			return false;
		}
		when.from = from;
		when.has_from = true;
	}
	*ret_when = when;
	return true;
}

/* ---- words ---- */

static const struct {
	enum word_list list;
	const char *folded;
	int value;
} vietnamese[] = {
	{ WORDS_STATUS, "chinh thuc", BAOPHU_FINAL },      { WORDS_STATUS, "so bo", BAOPHU_PROVISIONAL },
	{ WORDS_STATUS, "tam tinh", BAOPHU_PROVISIONAL },  { WORDS_STATUS, "uoc", BAOPHU_ESTIMATE },
	{ WORDS_STATUS, "uoc tinh", BAOPHU_ESTIMATE },     { WORDS_STATUS, "uoc thuc hien", BAOPHU_ESTIMATE },
	{ WORDS_STATUS, "du kien", BAOPHU_ESTIMATE },      { WORDS_EXTENT, "toan dia ban", BAOPHU_WHOLE },
	{ WORDS_EXTENT, "ca dia ban", BAOPHU_WHOLE },      { WORDS_EXTENT, "rieng", BAOPHU_OWN },
	{ WORDS_EXTENT, "phan rieng", BAOPHU_OWN },        { WORDS_ORIGIN, "bao cao", BAOPHU_REPORTED },
	{ WORDS_ORIGIN, "da cong bo", BAOPHU_PUBLISHED },  { WORDS_ORIGIN, "suy ra", BAOPHU_IMPLIED },
	{ WORDS_ORIGIN, "minh hoa", BAOPHU_ILLUSTRATIVE }, { WORDS_BOUND, "chinh xac", BAOPHU_EXACT },
	{ WORDS_BOUND, "khoang", BAOPHU_ABOUT },           { WORDS_BOUND, "hon", BAOPHU_MORE_THAN },
	{ WORDS_BOUND, "tren", BAOPHU_MORE_THAN },         { WORDS_BOUND, "gan", BAOPHU_NEARLY },
};

/* "final, provisional, estimate", in the user's language. */
static const char *choices(enum word_list list, char *buffer, size_t size)
{
	size_t used = 0;
	*buffer = '\0';
	for (int value = 1; word_of(list, value) && used < size; value++) {
		const char *people = word_for_people(list, value);
		used += (size_t)snprintf(buffer + used, size - used, "%s%s", value > 1 ? ", " : "",
					 *people ? people : word_of(list, value));
	}
	return buffer;
}

bool form_read_word(struct form_reader *reader, uint32_t row, enum form_role role, enum word_list list, int otherwise,
		    int *ret_value)
{
	const char *text = form_text(reader, row, role);
	char folded[FOLDED_BYTES], words[300], shown[FORM_SHOWN_BYTES];
	*ret_value = otherwise;
	if (!*text)
		return true;
	fold(text, folded);
	int value = word_parse(list, folded);
	for (size_t i = 0; i < sizeof vietnamese / sizeof *vietnamese && value < 0; i++)
		if (vietnamese[i].list == list && strcmp(vietnamese[i].folded, folded) == 0)
			value = vietnamese[i].value;
	if (value < 0) {
		form_reject(reader, row, reader->columns.at[role], _("“%s” is none of the words for this column: %s"),
			    form_shown(text, shown), choices(list, words, sizeof words));
		return false;
	}
	*ret_value = value;
	return true;
}
