/* template.c - this office's form: drawn empty to be filled in, or with the rows that came back. See template.h.
 *
 * Columns: code and name of the unit; for each measure what stands, the plan (where there are any) and the cell to fill in; status; note;
 * for rows that came back «Lý do». Rows: hidden head, title, office, period, how to fill it in, headings, hidden marks, units.
 */
#include "template.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/date.h>

#include "human.h"
#include "template_parts.h"

enum {
	ROW_HEAD,
	ROW_TITLE,
	ROW_OFFICE,
	ROW_PERIOD,
	ROW_HINT,
	ROW_HEADING,
	ROW_SUBHEADING,
	ROW_MARKS,
	ROW_FIRST,
	COLUMN_CODE = 0,
	COLUMN_NAME,
	COLUMN_FIRST,
	PATH_BYTES = (BAOPHU_CODE_BYTES_MAX + 1) * (BAOPHU_DEPTH_MAX + 1),
	LIST_MAX = 12, /* periods to choose from */
	WIDTH_CODE = 11,
	WIDTH_NAME = 26,
	WIDTH_FIGURE = 12,
	WIDTH_STATUS = 13,
	WIDTH_NOTE = 18,
	WIDTH_WHY = 62,
	WIDTH_PAGE = 195, /* of an A4 page across, in letters that can still be read */
	SCALE_OF_MANY = 75, /* percent, when that is not enough and there is more than a page beside another */
	ROW_POINTS = 18,

};

/* ---- periods in words ---- */

static void split(baophu_date date, unsigned *year, unsigned *month, unsigned *day)
{
	uint32_t civil = baophu_date_to_civil(date);
	*year = civil / 10000;
	*month = civil / 100 % 100;
	*day = civil % 100;
}

static baophu_date join(unsigned year, unsigned month, unsigned day)
{
	return baophu_date_from_civil(year * 10000 + month * 100 + day);
}

static baophu_date month_end(unsigned year, unsigned month)
{
	return join(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) - 1;
}

const char *template_period(baophu_date from, baophu_date to, char buffer[static TEMPLATE_PERIOD_BYTES])
{
	static const char *const quarters[] = { "I", "II", "III", "IV" };
	unsigned year, month, day, end_year, end_month, end_day;
	char first[11], last[11];
	split(from, &year, &month, &day);
	split(to, &end_year, &end_month, &end_day);
	bool is_months = day == 1 && to == month_end(end_year, end_month) && year == end_year;
	unsigned months = end_month - month + 1;
	baophu_date_format(from, true, first);
	baophu_date_format(to, true, last);
	if (from == to)
		snprintf(buffer, TEMPLATE_PERIOD_BYTES, "%s", last);
	else if (is_months && months == 1)
		snprintf(buffer, TEMPLATE_PERIOD_BYTES, "tháng %u/%u", month, year);
	else if (is_months && months == 3 && month % 3 == 1)
		snprintf(buffer, TEMPLATE_PERIOD_BYTES, "quý %s/%u", quarters[month / 3], year);
	else if (is_months && months == 6 && month % 6 == 1)
		snprintf(buffer, TEMPLATE_PERIOD_BYTES, "6 tháng %s năm %u", month == 1 ? "đầu" : "cuối", year);
	else if (is_months && months == 12)
		snprintf(buffer, TEMPLATE_PERIOD_BYTES, "năm %u", year);
	else
		snprintf(buffer, TEMPLATE_PERIOD_BYTES, "từ %s đến %s", first, last);
	return buffer;
}

/* The period before this one, of the same kind; itself when there is none that follows the calendar. */
static void period_before(baophu_date *from, baophu_date *to)
{
	unsigned year, month, day, end_year, end_month, end_day;
	split(*from, &year, &month, &day);
	split(*to, &end_year, &end_month, &end_day);
	bool is_months = day == 1 && *to == month_end(end_year, end_month) && year == end_year;
	unsigned months = is_months ? end_month - month + 1 : 0;
	baophu_date before = *from - 1;
	if (*from == *to) {
		*from = *to = before;
	} else if (months && 12 % months == 0 && (month - 1) % months == 0) {
		split(before, &end_year, &end_month, &end_day);
		*from = join(end_year, end_month - months + 1, 1);
		*to = before;
	}
}

/* ---- what goes into the form ---- */

struct group { /* the columns of one measure */
	const struct name *measure;
	int index;
	uint32_t column; /* the first */
	bool has_before, has_plan;
	baophu_date before_date; /* the newest of the column; its heading says it */
	const char *plan; /* code, when all of the column have the same, else ""; NULL: there is none */
};
struct form_row {
	const struct mirror_unit *unit; /* NULL: a row that came back and names none */
	uint32_t source; /* row of the sheet that came back */
	char path[PATH_BYTES]; /* codes from the top, for the order */
};
struct drawing {
	const struct mirror *mirror;
	baophu_date from, to;
	struct group groups[TEMPLATE_MEASURES_MAX];
	uint32_t group_count;
	struct form_row *rows;
	uint32_t row_count, depth; /* of the topmost unit */
	const struct sheet *sheet; /* what came back; NULL */
	const struct form *form;
	uint32_t status_column, note_column, why_column, last_column;
	uint32_t page_column; /* the last one of the first page */
	lxw_col_t breaks[TEMPLATE_MEASURES_MAX + 1]; /* before these columns another page begins; 0 at the end */
	struct book book;
};

static enum baophu_extent extent_of(const struct drawing *drawing, const struct mirror_unit *unit, const char *measure)
{
	if (mirror_owns(drawing->mirror, unit, measure, BAOPHU_WHOLE, drawing->to, NULL))
		return BAOPHU_WHOLE;
	return mirror_owns(drawing->mirror, unit, measure, BAOPHU_OWN, drawing->to, NULL) ? BAOPHU_OWN : BAOPHU_EXTENT_ANY;
}

static const struct mirror_figure *figure_before(const struct drawing *drawing, const struct form_row *row,
						 const struct group *group)
{
	enum baophu_extent extent = row->unit ? extent_of(drawing, row->unit, group->measure->code) : BAOPHU_EXTENT_ANY;
	return extent ? mirror_latest(drawing->mirror, row->unit->number, group->index, extent, drawing->to) : NULL;
}

/* Of several plans in force the one of the longest period: the year's, not a batch's. */
static const struct mirror_plan *plan_of(const struct drawing *drawing, const struct mirror_unit *unit, const struct name *measure)
{
	const struct mirror_plan *best = NULL;
	const struct mirror *mirror = drawing->mirror;
	for (uint32_t i = unit ? mirror_first_plan(mirror, unit->code) : mirror->plan_count;
	     i < mirror->plan_count && strcmp(mirror->plans[i].unit, unit->code) == 0; i++) {
		const struct mirror_plan *plan = &mirror->plans[i];
		if (plan->kind == BAOPHU_PLAN_RATE || drawing->to < plan->from || drawing->to > plan->to ||
		    strcmp(plan->target, measure->code) != 0)
			continue;
		if (!best || plan->to - plan->from > best->to - best->from)
			best = plan;
	}
	return best;
}

static bool is_valid(const struct mirror_unit *unit, baophu_date date)
{
	return date >= unit->from && (unit->until == BAOPHU_DATE_NONE || date <= unit->until);
}

static void write_path(const struct mirror *mirror, const struct mirror_unit *unit, char path[static PATH_BYTES])
{
	const struct mirror_unit *up[BAOPHU_DEPTH_MAX + 1];
	unsigned count = 0;
	size_t used = 0;
	for (; unit && count <= BAOPHU_DEPTH_MAX; unit = unit->parent ? &mirror->units[unit->parent - 1] : NULL)
		up[count++] = unit;
	while (count--)
		used += (size_t)snprintf(path + used, PATH_BYTES - used, "%s/", up[count]->code);
}

static int by_path(const void *a, const void *b)
{
	const struct form_row *x = a, *y = b;
	return strcmp(x->path, y->path);
}

/* The units that this office reports at least one of the measures of. */
static int choose_units(struct drawing *drawing)
{
	const struct mirror *mirror = drawing->mirror;
	drawing->rows = calloc(mirror->unit_count + 1, sizeof *drawing->rows);
	if (!drawing->rows)
		return -ENOMEM;
	drawing->depth = UINT32_MAX;
	for (uint32_t i = 0; i < mirror->unit_count; i++) {
		const struct mirror_unit *unit = &mirror->units[i];
		bool is_ours = false;
		for (uint32_t g = 0; g < drawing->group_count && is_valid(unit, drawing->to) && !is_ours; g++)
			is_ours = extent_of(drawing, unit, drawing->groups[g].measure->code) != BAOPHU_EXTENT_ANY;
		if (!is_ours)
			continue;
		struct form_row *row = &drawing->rows[drawing->row_count++];
		row->unit = unit;
		write_path(mirror, unit, row->path);
		if (unit->depth < drawing->depth)
			drawing->depth = unit->depth;
	}
	qsort(drawing->rows, drawing->row_count, sizeof *drawing->rows, by_path);
	return drawing->row_count ? 0 : -BAOPHU_ENOTFOUND;
}

static bool is_owned(const struct drawing *drawing, const char *measure)
{
	for (uint32_t i = 0; i < drawing->mirror->unit_count; i++)
		if (is_valid(&drawing->mirror->units[i], drawing->to) && extent_of(drawing, &drawing->mirror->units[i], measure))
			return true;
	return false;
}

static bool is_in_use(const struct mirror *mirror, const struct name *measure)
{
	int index = (int)(measure - mirror->names.names);
	for (uint32_t i = 0; i < mirror->figure_count; i++)
		if (mirror->figures[i].measure == index)
			return true;
	for (uint32_t i = 0; i < mirror->plan_count; i++)
		if (strcmp(mirror->plans[i].target, measure->code) == 0)
			return true;
	return false;
}

static int add_group(struct drawing *drawing, const struct name *measure)
{
	if (drawing->group_count == TEMPLATE_MEASURES_MAX)
		return -BAOPHU_EFULL;
	drawing->groups[drawing->group_count++] = (struct group){ .measure = measure,
								  .index = (int)(measure - drawing->mirror->names.names),
								  .before_date = BAOPHU_DATE_NONE };
	return 0;
}

/* The measures asked for; else those that this office has to do with; else all that it may report. */
static int choose_measures(struct drawing *drawing, const struct template_options *options)
{
	const struct names *names = &drawing->mirror->names;
	int error = 0;
	for (uint32_t i = 0; i < options->measure_count && !error; i++) {
		const struct name *measure = names_find(names, options->measures[i]);
		error = measure && measure->kind && is_owned(drawing, measure->code) ? add_group(drawing, measure)
										     : -BAOPHU_ENOTFOUND;
	}
	for (int needs_use = 1; needs_use >= 0 && !drawing->group_count && !error; needs_use--)
		for (size_t i = 0; i < names->count && !error; i++)
			if (names->names[i].kind && (!needs_use || is_in_use(drawing->mirror, &names->names[i])) &&
			    is_owned(drawing, names->names[i].code))
				error = add_group(drawing, &names->names[i]);
	return error ? error : drawing->group_count ? 0 : -BAOPHU_ENOTFOUND;
}

static uint32_t entry_column(const struct group *group) { return group->column + group->has_before + group->has_plan; }

static uint32_t width_of(const struct drawing *drawing, uint32_t column)
{
	return column == COLUMN_CODE              ? WIDTH_CODE
	       : column == COLUMN_NAME            ? WIDTH_NAME
	       : column == drawing->status_column ? WIDTH_STATUS
	       : column == drawing->note_column   ? WIDTH_NOTE
	       : column == drawing->why_column    ? WIDTH_WHY
						  : WIDTH_FIGURE;
}

static bool begins_group(const struct drawing *drawing, uint32_t column)
{
	for (uint32_t g = 0; g < drawing->group_count; g++)
		if (drawing->groups[g].column == column)
			return true;
	return column == drawing->status_column || column == drawing->why_column;
}

/* The columns of a measure stay on one page; code and name stand on each. */
static void break_pages(struct drawing *drawing)
{
	uint32_t width = 0, count = 0;
	drawing->page_column = drawing->last_column;
	for (uint32_t column = 0; column <= drawing->last_column; column++) {
		uint32_t needed = 0;
		for (uint32_t next = column; next == column || (next <= drawing->last_column && !begins_group(drawing, next));
		     next++)
			needed += width_of(drawing, next);
		if (!drawing->sheet && width + needed > WIDTH_PAGE && begins_group(drawing, column) &&
		    count < TEMPLATE_MEASURES_MAX) {
			if (!count)
				drawing->page_column = column - 1;
			drawing->breaks[count++] = (lxw_col_t)column;
			width = WIDTH_CODE + WIDTH_NAME;
		}
		width += width_of(drawing, column);
	}
}

/* The column of the sheet that came back with this mark; SHEET_NOWHERE. */
static uint32_t source_column(const struct drawing *drawing, const char *mark, const char *code)
{
	char wanted[BAOPHU_CODE_BYTES_MAX + 16];
	uint32_t end = sheet_column_count(drawing->sheet);
	snprintf(wanted, sizeof wanted, "%s%s", mark, code);
	for (uint32_t column = 0; column < end; column++)
		if (strcmp(sheet_at(drawing->sheet, drawing->form->heading_row, column).text, wanted) == 0)
			return column;
	return SHEET_NOWHERE;
}

/* Which columns there are, and what their headings can say of all rows. */
static void lay_out(struct drawing *drawing)
{
	uint32_t column = COLUMN_FIRST;
	for (uint32_t g = 0; g < drawing->group_count; g++) {
		struct group *group = &drawing->groups[g];
		if (drawing->sheet) { /* a sheet that comes back has the columns that it had */
			group->has_before = source_column(drawing, TEMPLATE_BEFORE, group->measure->code) != SHEET_NOWHERE;
			group->has_plan = source_column(drawing, TEMPLATE_PLAN, group->measure->code) != SHEET_NOWHERE;
		}
		for (uint32_t i = 0; i < drawing->row_count; i++) {
			const struct mirror_figure *figure = figure_before(drawing, &drawing->rows[i], group);
			const struct mirror_plan *plan = plan_of(drawing, drawing->rows[i].unit, group->measure);
			if (figure && (group->before_date == BAOPHU_DATE_NONE || figure->to > group->before_date))
				group->before_date = figure->to;
			if (plan)
				group->plan = !group->plan || strcmp(group->plan, plan->code) == 0 ? plan->code : "";
			group->has_before |= figure && !drawing->sheet;
			group->has_plan |= plan && !drawing->sheet;
		}
		group->column = column;
		column += 1u + group->has_before + group->has_plan;
	}
	drawing->status_column = column++;
	drawing->note_column = column++;
	drawing->why_column = drawing->sheet ? column++ : SHEET_NOWHERE;
	drawing->last_column = column - 1;
	break_pages(drawing);
}

/* ---- drawing ---- */

static void draw_head(struct drawing *drawing)
{
	struct book *book = &drawing->book;
	char date[11], store[2 * BAOPHU_STORE_BYTES + 1];
	for (size_t i = 0; i < BAOPHU_STORE_BYTES; i++)
		snprintf(store + 2 * i, 3, "%02x", drawing->mirror->store[i]);
	book_text(book, ROW_HEAD, 0, SHEET_MARK, book->looks[BOOK_CODE]);
	book_text(book, ROW_HEAD, TEMPLATE_HEAD_VERSION, TEMPLATE_VERSION, book->looks[BOOK_CODE]);
	book_text(book, ROW_HEAD, TEMPLATE_HEAD_AGENT, drawing->mirror->agent, book->looks[BOOK_CODE]);
	book_text(book, ROW_HEAD, TEMPLATE_HEAD_FROM, baophu_date_format(drawing->from, false, date), book->looks[BOOK_CODE]);
	book_text(book, ROW_HEAD, TEMPLATE_HEAD_TO, baophu_date_format(drawing->to, false, date), book->looks[BOOK_CODE]);
	book_text(book, ROW_HEAD, TEMPLATE_HEAD_STORE, store, book->looks[BOOK_CODE]);
	if (book->error)
		return;
	workbook_set_custom_property_string(book->workbook, SHEET_MARK, TEMPLATE_VERSION);
	workbook_set_custom_property_string(book->workbook, "don-vi", drawing->mirror->agent);
	workbook_set_custom_property_string(book->workbook, "ky-tu", baophu_date_format(drawing->from, false, date));
	workbook_set_custom_property_string(book->workbook, "ky-den", baophu_date_format(drawing->to, false, date));
}

/* The office's name, and what it reports of: the topmost units. */
static void draw_office(struct drawing *drawing)
{
	struct book *book = &drawing->book;
	char text[3 * BAOPHU_TEXT_BYTES_MAX];
	size_t used = (size_t)snprintf(text, sizeof text, "%s", drawing->mirror->agent);
	unsigned shown = 0;
	for (uint32_t i = 0; i < drawing->row_count && used < sizeof text && shown < 3; i++)
		if (drawing->rows[i].unit && drawing->rows[i].unit->depth == drawing->depth)
			used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", shown++ ? ", " : " · ",
						 drawing->rows[i].unit->name);
	if (shown == 3 && used < sizeof text)
		snprintf(text + used, sizeof text - used, "…");
	book_text(book, ROW_OFFICE, COLUMN_CODE, "Đơn vị:", book->looks[BOOK_LABEL]);
	book_merge(book, ROW_OFFICE, COLUMN_NAME, ROW_OFFICE, drawing->page_column, text, book->looks[BOOK_SAYS]);
}

static void choose_from(struct book *book, uint32_t row, uint32_t column, uint32_t last_row, const char *const *list,
			const char *title, const char *message)
{
	lxw_data_validation validation = { .validate = LXW_VALIDATION_TYPE_LIST,
					   .value_list = (char **)(uintptr_t)list,
					   .ignore_blank = LXW_VALIDATION_ON,
					   .dropdown = LXW_VALIDATION_ON,
					   .show_error = LXW_VALIDATION_ON,
					   .error_type = LXW_VALIDATION_ERROR_TYPE_WARNING,
					   .error_title = (char *)(uintptr_t)title,
					   .error_message = (char *)(uintptr_t)message };
	if (!book->error &&
	    worksheet_data_validation_range(book->sheet, row, (lxw_col_t)column, last_row, (lxw_col_t)column, &validation))
		book->error = -BAOPHU_EFULL;
}

static void draw_period(struct drawing *drawing)
{
	struct book *book = &drawing->book;
	char texts[LIST_MAX][TEMPLATE_PERIOD_BYTES], taken[80], day[11];
	const char *list[LIST_MAX + 1] = { NULL };
	baophu_date from = drawing->from, to = drawing->to;
	size_t bytes = 0;
	book_text(book, ROW_PERIOD, COLUMN_CODE, "Kỳ số liệu:", book->looks[BOOK_LABEL]);
	for (unsigned i = 0; i < LIST_MAX; i++) {
		template_period(from, to, texts[i]);
		bytes += strlen(texts[i]) + 1;
		if ((i && strcmp(texts[i], texts[i - 1]) == 0) || bytes > 200)
			break;
		list[i] = texts[i];
		period_before(&from, &to);
	}
	/* Of a sheet that came back the text is what the officer chose. */
	book_text(book, ROW_PERIOD, COLUMN_NAME, texts[0], book->looks[BOOK_ENTRY_TEXT]);
	choose_from(book, ROW_PERIOD, COLUMN_NAME, ROW_PERIOD, list, "Kỳ số liệu",
		    "Viết tháng 6/2024, quý II/2024, năm 2024 hoặc một ngày như 30/06/2024. Vẫn dùng kỳ này?");
	int64_t minutes = drawing->mirror->taken_ms / 60000 + 7 * 60;
	baophu_date_format(baophu_date_at_ms(drawing->mirror->taken_ms), true, day);
	snprintf(taken, sizeof taken, "Số đang có: theo trung tâm lúc %02d:%02d ngày %s", (int)(minutes / 60 % 24),
		 (int)(minutes % 60), day);
	book_merge(book, ROW_PERIOD, COLUMN_FIRST, ROW_PERIOD, drawing->page_column, taken, book->looks[BOOK_LABEL]);
}

static void draw_headings(struct drawing *drawing)
{
	struct book *book = &drawing->book;
	lxw_format *heading = book->looks[BOOK_HEADING], *sub = book->looks[BOOK_SUBHEADING], *mark = book->looks[BOOK_CODE];
	char text[2 * BAOPHU_TEXT_BYTES_MAX + 16], day[11];
	book_merge(book, ROW_HEADING, COLUMN_CODE, ROW_SUBHEADING, COLUMN_CODE, "Mã địa bàn", heading);
	book_merge(book, ROW_HEADING, COLUMN_NAME, ROW_SUBHEADING, COLUMN_NAME, "Tên địa bàn", heading);
	book_text(book, ROW_MARKS, COLUMN_CODE, TEMPLATE_UNIT, mark);
	book_text(book, ROW_MARKS, COLUMN_NAME, TEMPLATE_NAME, mark);
	for (uint32_t g = 0; g < drawing->group_count; g++) {
		const struct group *group = &drawing->groups[g];
		const struct name *measure = group->measure;
		uint32_t column = group->column;
		snprintf(text, sizeof text, "%s%s%s%s", *measure->name_vi ? measure->name_vi : measure->code,
			 *measure->unit_vi ? " (" : "", measure->unit_vi, *measure->unit_vi ? ")" : "");
		book_merge(book, ROW_HEADING, column, ROW_HEADING, entry_column(group), text, heading);
		if (group->has_before) {
			snprintf(text, sizeof text, "Đang có%s%s", group->before_date == BAOPHU_DATE_NONE ? "" : "\n",
				 baophu_date_format(group->before_date, true, day));
			book_text(book, ROW_SUBHEADING, column, text, sub);
			snprintf(text, sizeof text, "%s%s", TEMPLATE_BEFORE, measure->code);
			book_text(book, ROW_MARKS, column++, text, mark);
		}
		if (group->has_plan) {
			snprintf(text, sizeof text, "Kế hoạch%s%s", group->plan && *group->plan ? "\n" : "",
				 group->plan ? group->plan : "");
			book_text(book, ROW_SUBHEADING, column, text, sub);
			snprintf(text, sizeof text, "%s%s", TEMPLATE_PLAN, measure->code);
			book_text(book, ROW_MARKS, column++, text, mark);
		}
		book_text(book, ROW_SUBHEADING, column, measure->kind == BAOPHU_STOCK ? "Số mới\n(cuối kỳ)" : "Số mới\n(trong kỳ)",
			  sub);
		snprintf(text, sizeof text, "%s%s", TEMPLATE_VALUE, measure->code);
		book_text(book, ROW_MARKS, column, text, mark);
	}
	book_merge(book, ROW_HEADING, drawing->status_column, ROW_SUBHEADING, drawing->status_column,
		   "Trạng thái\n(trống: chính thức)", heading);
	book_text(book, ROW_MARKS, drawing->status_column, TEMPLATE_STATUS, mark);
	book_merge(book, ROW_HEADING, drawing->note_column, ROW_SUBHEADING, drawing->note_column, "Ghi chú", heading);
	book_text(book, ROW_MARKS, drawing->note_column, TEMPLATE_NOTE, mark);
	if (drawing->why_column != SHEET_NOWHERE) {
		book_merge(book, ROW_HEADING, drawing->why_column, ROW_SUBHEADING, drawing->why_column, "Lý do", heading);
		book_text(book, ROW_MARKS, drawing->why_column, TEMPLATE_RETURNED, mark);
	}
}

/* What was typed in the column with this mark, in a cell that can be typed in again. */
static void draw_typed(struct drawing *drawing, uint32_t to_row, uint32_t to_column, uint32_t row, const char *mark,
		       const char *code, enum book_look right)
{
	struct book *book = &drawing->book;
	uint32_t column = source_column(drawing, mark, code);
	struct sheet_cell cell = sheet_at(drawing->sheet, row, column);
	bool wrong = form_cell_is_wrong(drawing->form, row, column), is_code = right == BOOK_TYPED_CODE;
	if (wrong || is_code)
		book_typed(book, to_row, to_column, &cell, wrong, is_code);
	else if (cell.kind == SHEET_NUMBER && !book->error)
		worksheet_write_number(book->sheet, to_row, (lxw_col_t)to_column, strtod(cell.text, NULL), book->looks[right]);
	else
		book_text(book, to_row, to_column, cell.text, book->looks[right]);
}

static void draw_row(struct drawing *drawing, uint32_t to_row, const struct form_row *row)
{
	struct book *book = &drawing->book;
	char why[FORM_REASON_BYTES];
	if (drawing->sheet) {
		draw_typed(drawing, to_row, COLUMN_CODE, row->source, TEMPLATE_UNIT, "", BOOK_TYPED_CODE);
		draw_typed(drawing, to_row, COLUMN_NAME, row->source, TEMPLATE_NAME, "", BOOK_TYPED);
		draw_typed(drawing, to_row, drawing->status_column, row->source, TEMPLATE_STATUS, "", BOOK_ENTRY_TEXT);
		draw_typed(drawing, to_row, drawing->note_column, row->source, TEMPLATE_NOTE, "", BOOK_ENTRY_TEXT);
		book_why(book, to_row, drawing->why_column, form_reason(drawing->form, row->source, why), WIDTH_WHY);
	} else {
		book_text(book, to_row, COLUMN_CODE, row->unit->code, book->looks[BOOK_CODE]);
		book_text(book, to_row, COLUMN_NAME, row->unit->name, book_name(book, row->unit->depth - drawing->depth));
		book_text(book, to_row, drawing->status_column, "", book->looks[BOOK_ENTRY_TEXT]);
		book_text(book, to_row, drawing->note_column, "", book->looks[BOOK_ENTRY_TEXT]);
	}
	for (uint32_t g = 0; g < drawing->group_count; g++) {
		const struct group *group = &drawing->groups[g];
		const struct mirror_figure *figure = figure_before(drawing, row, group);
		const struct mirror_plan *plan = plan_of(drawing, row->unit, group->measure);
		uint32_t column = group->column;
		if (group->has_before && figure)
			book_number(book, to_row, column, figure->value,
				    figure->to == group->before_date ? book->looks[BOOK_STANDS] : book_dated(book, figure->to));
		else if (group->has_before)
			book_text(book, to_row, column, "", book->looks[BOOK_STANDS]);
		column += group->has_before;
		if (group->has_plan && plan && plan->value != BAOPHU_ABSENT)
			book_number(book, to_row, column, plan->value, book->looks[BOOK_STANDS]);
		else if (group->has_plan)
			book_text(book, to_row, column, "", book->looks[BOOK_STANDS]);
		column += group->has_plan;
		bool is_ours = row->unit && extent_of(drawing, row->unit, group->measure->code);
		if (drawing->sheet)
			draw_typed(drawing, to_row, column, row->source, TEMPLATE_VALUE, group->measure->code, BOOK_ENTRY);
		else
			book_text(book, to_row, column, "", book->looks[is_ours ? BOOK_ENTRY : BOOK_STANDS]);
	}
}

static void draw_checks(struct drawing *drawing, uint32_t last_row)
{
	static const char *const statuses[] = { "chính thức", "sơ bộ", "ước", NULL };
	struct book *book = &drawing->book;
	choose_from(book, ROW_FIRST, drawing->status_column, last_row, statuses, "Trạng thái", "Chọn: chính thức, sơ bộ hoặc ước.");
	for (uint32_t g = 0; g < drawing->group_count && !book->error; g++) {
		lxw_col_t column = (lxw_col_t)entry_column(&drawing->groups[g]);
		lxw_data_validation validation = { .validate = LXW_VALIDATION_TYPE_INTEGER,
						   .criteria = LXW_VALIDATION_CRITERIA_GREATER_THAN_OR_EQUAL_TO,
						   .value_number = 0,
						   .ignore_blank = LXW_VALIDATION_ON,
						   .show_error = LXW_VALIDATION_ON,
						   /* A warning, so that "hơn 500" and "ước 287" can be written too. */
						   .error_type = LXW_VALIDATION_ERROR_TYPE_WARNING,
						   .error_title = "Cần một số nguyên từ 0 trở lên",
						   .error_message = "Viết số nguyên, ví dụ 1530. Để trống nếu chưa có số liệu. Chữ "
								    "như «hơn 500» hoặc «ước 287» thì chọn Có." };
		if (worksheet_data_validation_range(book->sheet, ROW_FIRST, column, last_row, column, &validation))
			book->error = -BAOPHU_EFULL;
	}
}

static void set_page(struct drawing *drawing)
{
	struct book *book = &drawing->book;
	lxw_worksheet *sheet = book->sheet;
	lxw_row_col_options hidden = { .hidden = LXW_TRUE };
	lxw_protection may = { .format_columns = LXW_TRUE, .format_rows = LXW_TRUE };
	char footer[2 * TEMPLATE_PERIOD_BYTES], period[TEMPLATE_PERIOD_BYTES];
	if (book->error)
		return;
	worksheet_set_default_row(sheet, ROW_POINTS, LXW_FALSE);
	for (uint32_t column = 0; column <= drawing->last_column; column++)
		worksheet_set_column(sheet, (lxw_col_t)column, (lxw_col_t)column, width_of(drawing, column), NULL);
	worksheet_set_row_opt(sheet, ROW_HEAD, LXW_DEF_ROW_HEIGHT, NULL, &hidden);
	worksheet_set_row_opt(sheet, ROW_MARKS, LXW_DEF_ROW_HEIGHT, NULL, &hidden);
	worksheet_set_row(sheet, ROW_TITLE, 26, NULL);
	worksheet_set_row(sheet, ROW_HINT, 34, NULL);
	worksheet_set_row(sheet, ROW_HEADING, 32, NULL);
	worksheet_set_row(sheet, ROW_SUBHEADING, 28, NULL);
	worksheet_freeze_panes(sheet, ROW_FIRST, COLUMN_FIRST);
	worksheet_protect(sheet, NULL, &may);
	worksheet_ignore_errors(sheet, LXW_IGNORE_NUMBER_STORED_AS_TEXT, "A1:B100000");
	worksheet_set_selection(sheet, ROW_FIRST, (lxw_col_t)entry_column(&drawing->groups[0]), ROW_FIRST,
				(lxw_col_t)entry_column(&drawing->groups[0]));
	worksheet_gridlines(sheet, LXW_HIDE_ALL_GRIDLINES);
	worksheet_set_landscape(sheet);
	worksheet_set_paper(sheet, 9 /* A4 */);
	worksheet_set_margins(sheet, 0.4, 0.4, 0.5, 0.6);
	if (*drawing->breaks) {
		worksheet_set_v_pagebreaks(sheet, drawing->breaks);
		worksheet_set_print_scale(sheet, SCALE_OF_MANY);
	} else {
		worksheet_fit_to_pages(sheet, 1, 0);
	}
	worksheet_repeat_rows(sheet, ROW_HEADING, ROW_MARKS);
	worksheet_repeat_columns(sheet, COLUMN_CODE, COLUMN_NAME);
	worksheet_print_area(sheet, ROW_TITLE, 0, ROW_FIRST + drawing->row_count - 1, (lxw_col_t)drawing->last_column);
	snprintf(footer, sizeof footer, "&L&8%s · %s&R&8Trang &P/&N", drawing->mirror->agent,
		 template_period(drawing->from, drawing->to, period));
	worksheet_set_footer(sheet, footer);
}

static int draw(struct drawing *drawing, const char *path)
{
	static const char hint[] = "Chỉ nhập vào các ô nền vàng. Để trống: chưa có số liệu. Số 0: có báo cáo và bằng không. Các ô "
				   "xám là số đang có và kế hoạch, "
				   "chỉ để đối chiếu. Nhập xong, lưu tệp rồi thả vào thư mục «inbox» của đơn vị.";
	static const char returned[] = "Các dòng dưới đây bị trả lại, chưa được gửi đi. Sửa các ô đỏ theo cột «Lý do», lưu tệp rồi "
				       "thả lại vào thư mục «inbox». "
				       "Cột «Lý do» không cần xóa.";
	struct book *book = &drawing->book;
	lay_out(drawing);
	int error = book_open(book, path, "Số liệu", drawing->mirror->taken_ms);
	if (!error) {
		draw_head(drawing);
		book_merge(book, ROW_TITLE, COLUMN_CODE, ROW_TITLE, drawing->page_column,
			   drawing->sheet ? "DÒNG BỊ TRẢ LẠI" : "BIỂU NHẬP SỐ LIỆU", book->looks[BOOK_TITLE]);
		draw_office(drawing);
		draw_period(drawing);
		book_merge(book, ROW_HINT, COLUMN_CODE, ROW_HINT, drawing->page_column, drawing->sheet ? returned : hint,
			   book->looks[BOOK_HINT]);
		draw_headings(drawing);
		for (uint32_t i = 0; i < drawing->row_count; i++)
			draw_row(drawing, ROW_FIRST + i, &drawing->rows[i]);
		draw_checks(drawing, ROW_FIRST + drawing->row_count - 1);
		set_page(drawing);
	}
	return book->path ? book_save(book) : error;
}

int template_write(const struct mirror *mirror, const struct template_options *options, const char *path)
{
	struct drawing drawing = { .mirror = mirror, .from = options->from, .to = options->to };
	int error = choose_measures(&drawing, options);
	if (!error)
		error = choose_units(&drawing);
	if (!error)
		error = draw(&drawing, path);
	free(drawing.rows);
	return error;
}

int template_draw_rejected(const struct mirror *mirror, const struct sheet *sheet, const struct form *form, const char *path)
{
	struct drawing drawing = { .mirror = mirror, .from = form->from, .to = form->to, .sheet = sheet, .form = form };
	uint32_t end = sheet_column_count(sheet), rows = sheet_row_count(sheet);
	int error = 0;
	for (uint32_t column = 0; column < end && !error; column++) {
		const char *mark = sheet_at(sheet, form->heading_row, column).text;
		const struct name *measure = strncmp(mark, TEMPLATE_VALUE, strlen(TEMPLATE_VALUE)) == 0
						 ? names_find(&mirror->names, mark + strlen(TEMPLATE_VALUE))
						 : NULL;
		if (measure)
			error = add_group(&drawing, measure);
	}
	drawing.rows = error ? NULL : calloc(form->rejected_rows + 1, sizeof *drawing.rows);
	if (!error && !drawing.rows)
		error = -ENOMEM;
	drawing.depth = UINT32_MAX;
	for (uint32_t row = form->heading_row + 1; row < rows && !error && drawing.row_count < form->rejected_rows; row++) {
		if (!form_row_is_rejected(form, row))
			continue;
		const struct mirror_unit *unit = mirror_unit(mirror, sheet_at(sheet, row, 0).text, form->to);
		drawing.rows[drawing.row_count++] = (struct form_row){ .unit = unit, .source = row };
		if (unit && unit->depth < drawing.depth)
			drawing.depth = unit->depth;
	}
	if (!error)
		error = draw(&drawing, path);
	free(drawing.rows);
	return error;
}
