/* form_columns.c - what the columns of a sheet mean: by the marks of our own form, else by their headings. See form_parts.h.
 *
 * Headings are words that many people chose, so they are matched without case, marks and punctuation; measures are named as exactly as in
 * any cell. A column that nobody knows and that holds something is not passed over: it may be the figures.
 */
#include "form_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/date.h>

#include "language.h"
#include "suggest.h"
#include "template.h"
#include "text.h"

enum {
	HEADING_ROWS_MAX = 60, /* how far down headings are looked for */
	FOLDED_BYTES = 2 * SHEET_CELL_BYTES_MAX,
	UNKNOWN_SHOWN = 4,
};

/* Folded headings, each role's on one line. */
static const struct {
	enum form_role role;
	const char *words;
} headings[] = {
	{ ROLE_UNIT,
	  "|unit|unit code|code|ma|ma dia ban|ma don vi|ma dvhc|ma don vi hanh chinh|ma xa|ma phuong|ma xa phuong|ma huyen|ma tinh|"
	  "ma thon|ma diem thu|ma so dia ban|" },
	{ ROLE_NAME, "|name|unit name|place|ten|ten dia ban|dia ban|ten don vi|don vi|ten xa|xa|xa phuong|phuong xa|ten xa phuong|"
		     "ten phuong xa|xa phuong thi tran|dia phuong|ten dia phuong|ten huyen|huyen|thon|ten thon|" },
	{ ROLE_MEASURE,
	  "|measure|measure code|indicator|ma chi tieu|chi tieu|noi dung|ma noi dung|ten chi tieu|loai hinh|loai hinh bao hiem|" },
	{ ROLE_VALUE, "|value|figure|count|so lieu|so lieu moi|gia tri|so luong|so nguoi|so nguoi tham gia|so tham gia|so|" },
	{ ROLE_TO, "|to|date|as of|ngay|den ngay|den|tinh den|tinh den ngay|ngay so lieu|ngay bao cao|thoi diem|" },
	{ ROLE_FROM, "|from|tu|tu ngay|ngay dau ky|" },
	{ ROLE_PERIOD, "|period|ky|ky so lieu|ky bao cao|thang|quy|nam|" },
	{ ROLE_STATUS, "|status|trang thai|tinh chat|tinh chat so lieu|loai so lieu|" },
	{ ROLE_EXTENT, "|extent|pham vi|" },
	{ ROLE_ORIGIN, "|origin|nguon goc|" },
	{ ROLE_BOUND, "|bound|muc chinh xac|" },
	{ ROLE_REASON, "|reason|nguyen nhan|" },
	{ ROLE_DENOMINATOR, "|denominator|mau so|" },
	{ ROLE_OVER, "|over|so voi|" },
	{ ROLE_FOR_PEOPLE, "|note|notes|source|remark|ghi chu|nguon|nguon so lieu|stt|so thu tu|tt|no|dien giai|dvt|don vi tinh|" },
	{ ROLE_RETURNED, "|ly do|ly do tra lai|" },
};

/* "Số người  tham gia (người)*" -> "so nguoi tham gia"; "" for what has no letters. */
static const char *fold_heading(const char *text, char buffer[static FOLDED_BYTES])
{
	char folded[FOLDED_BYTES];
	size_t used = 0;
	if (text_fold(text, true, folded, sizeof folded) != 0)
		folded[0] = '\0';
	for (const char *c = folded; *c && (*c != '(' || !used); c++) {
		bool is_letter = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || (unsigned char)*c >= 0x80;
		if (is_letter)
			buffer[used++] = *c;
		else if (used && buffer[used - 1] != ' ')
			buffer[used++] = ' ';
	}
	while (used && buffer[used - 1] == ' ')
		used--;
	buffer[used] = '\0';
	return buffer;
}

static enum form_role role_of(const char *text)
{
	char folded[FOLDED_BYTES], wanted[FOLDED_BYTES + 2];
	if (!*fold_heading(text, folded))
		return ROLE_NONE;
	snprintf(wanted, sizeof wanted, "|%s|", folded);
	for (size_t i = 0; i < sizeof headings / sizeof *headings; i++)
		if (strstr(headings[i].words, wanted))
			return headings[i].role;
	return ROLE_NONE;
}

/* ---- measures ---- */

/* "BHXH tự nguyện (người)": the name before the counting unit. */
static const char *without_unit(const char *text, char *buffer, size_t size)
{
	size_t length = strcspn(text, "(");
	while (length && text[length - 1] == ' ')
		length--;
	snprintf(buffer, size, "%.*s", (int)length, text);
	return buffer;
}

const struct name *form_measure(const struct form_reader *reader, const char *text, const struct name **ret_near)
{
	const struct names *names = &reader->mirror->names;
	char bare[SHEET_CELL_BYTES_MAX + 1], folded[FOLDED_BYTES], other[FOLDED_BYTES];
	const char *candidates[6 * BAOPHU_MEASURES_MAX], *near;
	const struct name *found = NULL, *of[6 * BAOPHU_MEASURES_MAX];
	size_t count = 0;
	*ret_near = NULL;
	without_unit(text, bare, sizeof bare);
	for (size_t i = 0; i < names->count; i++) {
		const struct name *name = &names->names[i];
		if (name->kind == BAOPHU_MEASURE_KIND_NONE)
			continue;
		if (strcasecmp(name->code, bare) == 0)
			return name;
		if (form_is_same_text(name->name_vi, bare) || form_is_same_text(name->name_en, bare)) {
			if (found) { /* two of one name: the code has to say which */
				*ret_near = found;
				return NULL;
			}
			found = name;
		}
	}
	if (found || !*fold_heading(bare, folded))
		return found;
	for (size_t i = 0; i < names->count && !*ret_near; i++) {
		const struct name *name = &names->names[i];
		if (name->kind != BAOPHU_MEASURE_KIND_NONE && (strcmp(fold_heading(name->name_vi, other), folded) == 0 ||
							       strcmp(fold_heading(name->name_en, other), folded) == 0))
			*ret_near = name;
	}
	for (size_t i = 0; i < names->count && !*ret_near && count + 1 < sizeof candidates / sizeof *candidates; i++)
		if (names->names[i].kind != BAOPHU_MEASURE_KIND_NONE) {
			of[count] = &names->names[i];
			candidates[count++] = names->names[i].code;
			of[count] = &names->names[i];
			candidates[count++] = names->names[i].name_vi;
		}
	near = *ret_near ? NULL : suggest(bare, candidates, count);
	for (size_t i = 0; i < count && near; i++)
		if (candidates[i] == near)
			*ret_near = of[i];
	return NULL;
}

/* Without a mirror a heading that could be a code is not known to be one. */
static const struct name *measure_of_heading(const struct form_reader *reader, const char *text)
{
	const struct name *near;
	return reader->mirror && *text ? form_measure(reader, text, &near) : NULL;
}

/* ---- the headings of a list ---- */

struct heading_row {
	uint32_t row, known, measures;
	bool has_unit, has_value, has_measure;
};

static struct heading_row look_at(const struct form_reader *reader, uint32_t row)
{
	struct heading_row seen = { .row = row };
	uint32_t end = sheet_column_count(reader->sheet);
	for (uint32_t column = 0; column < end; column++) {
		struct sheet_cell cell = sheet_at(reader->sheet, row, column);
		bool repeats = cell.is_copy && column && strcmp(sheet_at(reader->sheet, row, column - 1).text, cell.text) == 0;
		if (cell.kind != SHEET_TEXT || repeats)
			continue;
		enum form_role role = role_of(cell.text);
		if (role == ROLE_NONE && measure_of_heading(reader, cell.text)) {
			seen.measures++;
			seen.known++;
		}
		seen.known += role != ROLE_NONE;
		seen.has_unit |= role == ROLE_UNIT || role == ROLE_NAME;
		seen.has_value |= role == ROLE_VALUE;
		seen.has_measure |= role == ROLE_MEASURE;
	}
	return seen;
}

static bool is_heading(const struct heading_row *row) { return row->has_unit && (row->has_value || row->measures); }

static bool column_holds_something(const struct form_reader *reader, uint32_t column)
{
	uint32_t end = sheet_row_count(reader->sheet);
	for (uint32_t row = reader->form->heading_row + 1; row < end; row++)
		if (sheet_at(reader->sheet, row, column).kind != SHEET_EMPTY)
			return true;
	return false;
}

static void refuse_unknown_column(struct form_reader *reader, uint32_t column, const char *text)
{
	const struct name *near = NULL;
	char cell[FORM_CELL_BYTES], shown[FORM_SHOWN_BYTES];
	form_cell_name(reader->form->heading_row, column, cell);
	if (reader->mirror)
		form_measure(reader, text, &near);
	if (near)
		form_refuse(reader,
			    _("cell %s: the column “%s” is not known here; did you mean “%s” (%s)? Mend the heading, or leave the "
			      "column out"),
			    cell, form_shown(text, shown), *near->name_vi ? near->name_vi : near->name_en, near->code);
	else
		form_refuse(reader,
			    _("cell %s: the column “%s” is not known here; give it the name or code of a measure, or leave it out"),
			    cell, form_shown(text, shown));
}

static void put_role(struct form_reader *reader, enum form_role role, uint32_t column)
{
	char first[FORM_CELL_BYTES], second[FORM_CELL_BYTES];
	if (role == ROLE_RETURNED)
		reader->form->reason_column = column;
	if (role >= ROLE_COUNT)
		return;
	if (reader->columns.at[role] != SHEET_NOWHERE && column_holds_something(reader, column)) {
		uint32_t row = reader->form->heading_row;
		form_refuse(reader, _("cells %s and %s: two columns say the same; leave one out"),
			    form_cell_name(row, reader->columns.at[role], first), form_cell_name(row, column, second));
	}
	if (reader->columns.at[role] == SHEET_NOWHERE)
		reader->columns.at[role] = column;
}

static void put_measure(struct form_reader *reader, const char *code, uint32_t column)
{
	char first[FORM_CELL_BYTES], second[FORM_CELL_BYTES];
	struct form_columns *columns = &reader->columns;
	for (uint32_t i = 0; i < columns->measure_count; i++)
		if (strcmp(columns->measures[i].code, code) == 0 && column_holds_something(reader, column)) {
			uint32_t row = reader->form->heading_row;
			form_refuse(reader, _("cells %s and %s: two columns for the same measure, %s; leave one out"),
				    form_cell_name(row, columns->measures[i].column, first), form_cell_name(row, column, second),
				    code);
			return;
		}
	columns->measures[columns->measure_count++] = (struct form_measure_column){ column, code };
}

/* A line above the headings that is a date or period and nothing else: "Kỳ số liệu: | tháng 6/2024", "Tính đến ngày 30/6/2024". */
static void find_period_above(struct form_reader *reader)
{
	struct form_columns *columns = &reader->columns;
	uint32_t end = sheet_column_count(reader->sheet);
	for (uint32_t row = 0; row < reader->form->heading_row; row++)
		for (uint32_t column = 0; column < end; column++) {
			struct sheet_cell cell = sheet_at(reader->sheet, row, column);
			baophu_date from, to;
			char first[FORM_CELL_BYTES];
			if (cell.is_copy || (cell.kind != SHEET_TEXT && cell.kind != SHEET_DATE))
				continue;
			const char *colon = cell.kind == SHEET_TEXT ? strrchr(cell.text, ':') : NULL;
			if (colon && colon[1])
				cell.text = colon + 1;
			if (!form_parse_period(&cell, &from, &to, NULL, 0))
				continue;
			if (columns->has_period && (columns->from != from || columns->to != to)) {
				form_refuse(reader,
					    _("cell %s: above the headings there are two different dates or periods; leave one of "
					      "them, or give each row a date"),
					    form_cell_name(row, column, first));
				return;
			}
			columns->has_period = true;
			columns->from = from;
			columns->to = to;
		}
}

static bool read_headings(struct form_reader *reader)
{
	struct form *form = reader->form;
	struct form_columns *columns = &reader->columns;
	struct heading_row best = { 0 };
	uint32_t rows = sheet_row_count(reader->sheet), end = sheet_column_count(reader->sheet);
	for (uint32_t row = 0; row < rows && row < HEADING_ROWS_MAX; row++) {
		struct heading_row seen = look_at(reader, row);
		if (is_heading(&seen) && (!is_heading(&best) || seen.known >= best.known))
			best = seen;
	}
	if (!is_heading(&best)) {
		form_refuse(reader, _("no line of headings was found: it names a column of units (“Mã địa bàn” or “Tên địa bàn”) "
				      "and one of figures (“Số liệu”, or the name of a measure)"));
		return false;
	}
	form->heading_row = best.row;
	form->layout = best.has_measure || !best.measures ? FORM_LONG : FORM_WIDE;
	for (uint32_t column = 0; column < end; column++) {
		struct sheet_cell cell = sheet_at(reader->sheet, best.row, column);
		enum form_role role = cell.kind == SHEET_TEXT ? role_of(cell.text) : ROLE_NONE;
		const struct name *measure = role == ROLE_NONE && form->layout == FORM_WIDE ? measure_of_heading(reader, cell.text)
											    : NULL;
		if (measure)
			put_measure(reader, measure->code, column);
		else if (role == ROLE_NONE && column_holds_something(reader, column))
			refuse_unknown_column(reader, column, cell.text);
		else
			put_role(reader, role, column);
	}
	if (form->layout == FORM_LONG && columns->at[ROLE_MEASURE] == SHEET_NOWHERE)
		form_refuse(reader, _("no column says which measure the figures are of: add a column “Chỉ tiêu”, or give the "
				      "column of figures the name of the measure"));
	if (form->layout == FORM_WIDE && columns->at[ROLE_VALUE] != SHEET_NOWHERE) {
		char cell[FORM_CELL_BYTES];
		form_refuse(reader,
			    _("cell %s: beside columns of measures there is one of figures without a measure; name its measure, or "
			      "leave it out"),
			    form_cell_name(best.row, columns->at[ROLE_VALUE], cell));
	}
	if (columns->at[ROLE_TO] == SHEET_NOWHERE && columns->at[ROLE_PERIOD] == SHEET_NOWHERE) {
		find_period_above(reader);
		if (!columns->has_period)
			form_refuse(reader, _("nothing says which date or period the figures are of: add a column “Ngày”, or a "
					      "line “Tính đến ngày …” above the headings"));
	}
	return !form->refusal;
}

/* ---- our own form ---- */

/* The cell to the right of "Kỳ số liệu:", which an officer may have changed; without one the period that the form was made for holds. */
static void read_template_period(struct form_reader *reader)
{
	struct form_columns *columns = &reader->columns;
	uint32_t end = sheet_column_count(reader->sheet);
	char folded[FOLDED_BYTES], name[FORM_CELL_BYTES], why[FORM_REASON_BYTES] = "";
	for (uint32_t row = 1; row < reader->form->heading_row; row++)
		for (uint32_t column = 0; column + 1 < end; column++) {
			struct sheet_cell label = sheet_at(reader->sheet, row, column);
			if (label.kind != SHEET_TEXT || label.is_copy ||
			    strcmp(fold_heading(label.text, folded), "ky so lieu") != 0)
				continue;
			struct sheet_cell cell = sheet_at(reader->sheet, row, ++column);
			while (column + 1 < end && (cell.kind == SHEET_EMPTY || cell.is_copy))
				cell = sheet_at(reader->sheet, row, ++column);
			if (cell.kind == SHEET_EMPTY)
				return;
			if (!form_parse_period(&cell, &columns->from, &columns->to, why, sizeof why))
				form_refuse(reader, _("cell %s, the period of the form: %s"), form_cell_name(row, column, name),
					    why);
			return;
		}
}

static bool read_template_head(struct form_reader *reader)
{
	struct form *form = reader->form;
	struct form_columns *columns = &reader->columns;
	const char *version = sheet_at(reader->sheet, 0, TEMPLATE_HEAD_VERSION).text;
	const char *agent = sheet_at(reader->sheet, 0, TEMPLATE_HEAD_AGENT).text;
	char shown[FORM_SHOWN_BYTES];
	if (strcmp(version, TEMPLATE_VERSION) != 0) {
		form_refuse(
		    reader,
		    _("this form is of another version (%s, and %s is known here); take a new one with `baophu-agent template`"),
		    *version ? form_shown(version, shown) : "?", TEMPLATE_VERSION);
		return false;
	}
	if (strcmp(agent, reader->context->agent) != 0) {
		form_refuse(reader,
			    _("this form was made for “%s”, and this office is “%s”; nothing of it was taken: drop it into that "
			      "office's folder"),
			    form_shown(agent, shown), reader->context->agent);
		return false;
	}
	columns->has_period = baophu_date_parse(sheet_at(reader->sheet, 0, TEMPLATE_HEAD_FROM).text, &columns->from) == 0 &&
			      baophu_date_parse(sheet_at(reader->sheet, 0, TEMPLATE_HEAD_TO).text, &columns->to) == 0 &&
			      columns->from <= columns->to;
	if (!columns->has_period)
		form_refuse(reader, _("the hidden first row of this form was changed, and it no longer says its period; take a new "
				      "form with `baophu-agent template`"));
	return !form->refusal;
}

/* The hidden row that says what each column is stands right above the figures. */
static bool read_template(struct form_reader *reader)
{
	struct form *form = reader->form;
	uint32_t rows = sheet_row_count(reader->sheet), end = sheet_column_count(reader->sheet), row = 1;
	if (!read_template_head(reader))
		return false;
	while (row < rows && row < HEADING_ROWS_MAX && strcmp(sheet_at(reader->sheet, row, 0).text, TEMPLATE_UNIT) != 0)
		row++;
	if (row == rows || row == HEADING_ROWS_MAX) {
		form_refuse(
		    reader,
		    _("the hidden row above the figures of this form is gone; take a new form with `baophu-agent template`"));
		return false;
	}
	form->heading_row = row;
	for (uint32_t column = 0; column < end && !form->refusal; column++) {
		const char *mark = sheet_at(reader->sheet, row, column).text;
		const struct name *measure, *near;
		char shown[FORM_SHOWN_BYTES];
		if (strcmp(mark, TEMPLATE_UNIT) == 0) {
			put_role(reader, ROLE_UNIT, column);
		} else if (strcmp(mark, TEMPLATE_NAME) == 0) {
			put_role(reader, ROLE_NAME, column);
		} else if (strcmp(mark, TEMPLATE_STATUS) == 0) {
			put_role(reader, ROLE_STATUS, column);
		} else if (strcmp(mark, TEMPLATE_RETURNED) == 0) {
			put_role(reader, ROLE_RETURNED, column);
		} else if (strncmp(mark, TEMPLATE_VALUE, strlen(TEMPLATE_VALUE)) == 0) {
			const char *code = mark + strlen(TEMPLATE_VALUE);
			measure = reader->mirror ? form_measure(reader, code, &near) : NULL;
			if (reader->mirror && !measure)
				form_refuse(reader,
					    _("this form has a measure that the centre no longer knows, “%s”; take a new form with "
					      "`baophu-agent template`"),
					    form_shown(code, shown));
			else
				put_measure(reader, measure ? measure->code : form_keep(reader, code), column);
		}
	}
	read_template_period(reader);
	form->from = reader->columns.from;
	form->to = reader->columns.to;
	return !form->refusal;
}

bool form_read_columns(struct form_reader *reader)
{
	for (size_t i = 0; i < ROLE_COUNT; i++)
		reader->columns.at[i] = SHEET_NOWHERE;
	reader->form->reason_column = SHEET_NOWHERE;
	if (!sheet_has_mark(reader->sheet))
		return read_headings(reader);
	reader->form->layout = FORM_TEMPLATE;
	return read_template(reader);
}
