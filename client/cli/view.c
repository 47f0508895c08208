/* view.c - rows and lines of the live view; see view.h. */
#include "view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include <baophu/date.h>

#include "language.h"
#include "number.h"
#include "words.h"

/* ---- rows ---- */

void view_finish(struct view *view)
{
	free(view->rows);
	*view = (struct view){ 0 };
}

static struct view_row *add_row(struct view *view)
{
	if (view->count == view->capacity) {
		size_t capacity = view->capacity ? view->capacity * 2 : 64;
		struct view_row *rows = realloc(view->rows, capacity * sizeof *rows);
		if (!rows)
			return NULL;
		view->rows = rows;
		view->capacity = capacity;
	}
	struct view_row *row = &view->rows[view->count++];
	*row = (struct view_row){ .change = BAOPHU_ABSENT };
	return row;
}

/* By parent, then by code: those below a unit stand together. */
static int compare_places(const void *a, const void *b)
{
	const struct baophu_record *left = *(const struct baophu_record *const *)a,
				   *right = *(const struct baophu_record *const *)b;
	int order = strcmp(left->parent, right->parent);
	return order ? order : strcmp(left->unit, right->unit);
}

static bool is_shown(const struct baophu_row *row) { return row->kind != BAOPHU_ROW_PUBLISHED && row->kind != BAOPHU_ROW_NONE; }

static bool has_one_measure(const struct baophu_record *const *records, size_t count)
{
	const struct baophu_row *first = NULL;
	for (size_t i = 0; i < count; i++)
		for (uint32_t j = 0; j < records[i]->row_count; j++) {
			const struct baophu_row *row = &records[i]->rows[j];
			if (first && is_shown(row) && strcmp(first->measure, row->measure) != 0)
				return false;
			first = !first && is_shown(row) ? row : first;
		}
	return first;
}

static int add_unit(struct view *view, const struct baophu_record *record, unsigned indent)
{
	const struct baophu_row *figure = NULL;
	struct view_row *row = NULL;
	uint32_t shown = 0;
	for (uint32_t i = 0; i < record->row_count; i++)
		shown += is_shown(&record->rows[i]);
	if (!shown || !view->has_one_measure) {
		row = add_row(view);
		if (!row)
			return -ENOMEM;
		row->record = record;
		row->indent = indent;
		row->is_heading = shown;
		row = NULL;
	}
	for (uint32_t i = 0; i < record->row_count; i++) {
		const struct baophu_row *read = &record->rows[i];
		bool is_plan = read->kind == BAOPHU_ROW_PLAN;
		if (!is_shown(read))
			continue;
		if (is_plan && row && !row->plan && coverage_is_plan_over(read, figure)) {
			row->plan = read;
			continue;
		}
		bool is_further = is_plan && coverage_is_plan_over(read, figure);
		row = add_row(view);
		if (!row)
			return -ENOMEM;
		row->record = record;
		row->indent = indent + !view->has_one_measure;
		row->figure = is_further ? figure : read;
		row->plan = is_plan ? read : NULL;
		row->is_further_plan = is_further;
		if (!is_plan)
			figure = read;
	}
	return 0;
}

static int add_below(struct view *view, const struct baophu_record **sorted, size_t count, const char *parent, unsigned indent)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(sorted[middle]->parent, parent) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	int error = 0;
	for (size_t i = low; !error && i < count && strcmp(sorted[i]->parent, parent) == 0; i++) {
		error = add_unit(view, sorted[i], indent);
		if (!error && indent < BAOPHU_DEPTH_MAX) /* no deeper than a tree can be, whatever was sent */
			error = add_below(view, sorted, count, sorted[i]->unit, indent + 1);
	}
	return error;
}

int view_build(struct view *view, const struct baophu_record *const *records, size_t count)
{
	view->count = 0;
	view->is_ranking = false;
	view->has_one_measure = has_one_measure(records, count);
	if (!count)
		return 0;
	const struct baophu_record **sorted = malloc(count * sizeof *sorted), *top = records[0];
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		sorted[i] = records[i];
		top = records[i]->depth < top->depth ? records[i] : top;
	}
	qsort(sorted, count, sizeof *sorted, compare_places);
	int error = add_below(view, sorted, count, top->parent, 0);
	free(sorted);
	return error;
}

static unsigned digits_of(uint32_t number)
{
	unsigned digits = 1;
	while (number /= 10)
		digits++;
	return digits;
}

int view_build_ranking(struct view *view, const struct baophu_league *league, const struct coverage_set *set)
{
	struct baophu_league_table table;
	struct baophu_league_place place;
	view->count = 0;
	view->is_ranking = true;
	view->has_one_measure = false;
	for (uint32_t i = 0; baophu_league_table(league, i, &table) == 0; i++) {
		const struct baophu_league_key *key = table.key;
		for (uint32_t j = 0; baophu_league_place(league, i, j, &place) == 0; j++) {
			const struct baophu_record *record = coverage_set_find(set, place.unit_number);
			const struct baophu_row *ranked = record ? baophu_record_row(record, key->kind, key->measure, key->plan)
								 : NULL;
			if (!ranked)
				continue;
			bool is_plan = key->kind == BAOPHU_ROW_PLAN;
			const struct baophu_row *figure = is_plan ? coverage_figure_below(record, ranked) : NULL;
			for (int is_heading = j == 0; is_heading >= 0; is_heading--) {
				struct view_row *row = add_row(view);
				if (!row)
					return -ENOMEM;
				row->record = record;
				row->figure = figure ? figure : ranked;
				row->is_heading = is_heading;
				row->plan = is_plan ? ranked : NULL;
				row->rank = place.rank;
				row->indent = digits_of(table.ranked);
			}
		}
	}
	return 0;
}

/* ---- texts of known width ---- */

/* The next character: its bytes, and *ret_width its columns; -1 for what must not reach a terminal. */
static size_t next_character(const char *text, int *ret_width)
{
	wchar_t c = 0;
	mbstate_t state = { 0 };
	size_t bytes = mbrtowc(&c, text, MB_CUR_MAX, &state);
	if (bytes == (size_t)-1 || bytes == (size_t)-2 || !bytes) {
		*ret_width = -1;
		return 1;
	}
	*ret_width = wcwidth(c);
	return bytes;
}

static unsigned width_of(const char *text)
{
	unsigned columns = 0;
	for (int width; *text; columns += width < 0 ? 1u : (unsigned)width)
		text += next_character(text, &width);
	return columns;
}

/* A line being written: never more columns than it may have, never more bytes than it holds. */
struct pen {
	struct view_line *line;
	size_t bytes;
	unsigned columns, columns_max;
	bool is_ascii;
};

/* Up to `width` columns of text; what does not fit is cut, with an ellipsis. Returns the columns written. */
static unsigned put_text(struct pen *pen, const char *text, unsigned width)
{
	unsigned left = pen->columns_max - pen->columns, put = 0;
	width = width < left ? width : left;
	bool is_cut = width_of(text) > width;
	while (*text) {
		int w;
		size_t bytes = next_character(text, &w);
		unsigned columns = w < 0 ? 1 : (unsigned)w;
		if (put + columns + is_cut > width || pen->bytes + bytes + 4 > VIEW_LINE_BYTES)
			break;
		if (w < 0)
			pen->line->text[pen->bytes++] = '?';
		else
			memcpy(pen->line->text + pen->bytes, text, bytes);
		pen->bytes += w < 0 ? 0 : bytes;
		put += columns;
		text += bytes;
	}
	if (is_cut && put < width && pen->bytes + 4 <= VIEW_LINE_BYTES) {
		const char *sign = pen->is_ascii ? "~" : "…";
		memcpy(pen->line->text + pen->bytes, sign, strlen(sign));
		pen->bytes += strlen(sign);
		put++;
	}
	pen->line->text[pen->bytes] = '\0';
	pen->columns += put;
	return put;
}

static void put_blanks(struct pen *pen, unsigned count)
{
	while (count-- && pen->columns < pen->columns_max && pen->bytes + 1 < VIEW_LINE_BYTES) {
		pen->line->text[pen->bytes++] = ' ';
		pen->columns++;
	}
	pen->line->text[pen->bytes] = '\0';
}

static void put_cell(struct pen *pen, const char *text, unsigned width, bool is_right)
{
	unsigned wide = width_of(text), pad = wide < width ? width - wide : 0;
	if (is_right)
		put_blanks(pen, pad);
	unsigned put = put_text(pen, text, width);
	if (!is_right && put < width)
		put_blanks(pen, width - put);
}

const char *view_bar(int64_t percent, unsigned decimals, unsigned width, bool is_ascii, char buffer[static VIEW_BAR_BYTES])
{
	static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	char *end = buffer;
	int64_t whole = 100;
	unsigned cells_max = VIEW_BAR_BYTES / 4 - 1;
	width = width < cells_max ? width : cells_max;
	unsigned mark = width - 1 - width / 5; /* cells up to 100 per cent; then the mark, then what is beyond */
	while (decimals--)
		whole *= 10;
	/* Ten times the plan fills any bar; so nothing can overflow. */
	percent = percent < 0 ? 0 : percent > 10 * whole ? 10 * whole : percent;
	unsigned filled = (unsigned)(percent * mark * 8 / whole);
	unsigned beyond = filled > (mark + width - mark - 1) * 8;
	for (unsigned cell = 0; cell < width; cell++) {
		unsigned before = (cell > mark ? cell - 1 : cell) * 8, here = filled > before ? filled - before : 0;
		const char *sign = here >= 8 ? is_ascii ? "#" : "█" : here && !is_ascii ? eighths[here] : is_ascii ? "." : " ";
		if (cell == mark)
			sign = is_ascii ? "|" : "│";
		else if (cell + 1 == width && beyond)
			sign = is_ascii ? ">" : "▶";
		else if (cell > mark && !here)
			sign = " ";
		end = stpcpy(end, sign);
	}
	*end = '\0';
	return buffer;
}

/* ---- cells ---- */

enum { TEXT_BYTES = 224, COUNTED_MAX = 16 };

/* What a figure or plan is beside its number: a letter in the line, explained below the list. "s summed": the letter, then the word. */
static const char *const legend[] = {
	N_("p provisional"),      N_("i illustrative"),      N_("w worked back"),      N_("s sum of the units below"),
	N_("a sum of the parts"), N_("I plan illustrative"), N_("W plan worked back"), N_("S plan summed"),
	N_("e plan ended"),
};
enum {
	MARK_PROVISIONAL,
	MARK_ILLUSTRATIVE,
	MARK_IMPLIED,
	MARK_SUM,
	MARK_PARTS,
	MARK_PLAN_ILLUSTRATIVE,
	MARK_PLAN_IMPLIED,
	MARK_PLAN_SUMMED,
	MARK_PLAN_ENDED,
	MARK_COUNT
};
_Static_assert(MARK_COUNT == sizeof legend / sizeof *legend, "a word for each mark");

static unsigned marks_of(const struct view_row *row)
{
	const struct baophu_row *figure = row->figure, *plan = row->plan;
	unsigned marks = 0;
	if (figure && !row->is_further_plan && (figure->value != BAOPHU_ABSENT || figure->kind == BAOPHU_ROW_SHARE)) {
		marks |= (unsigned)(figure->status == BAOPHU_PROVISIONAL) << MARK_PROVISIONAL;
		marks |= (unsigned)(figure->origin == BAOPHU_ILLUSTRATIVE) << MARK_ILLUSTRATIVE;
		marks |= (unsigned)(figure->origin == BAOPHU_IMPLIED) << MARK_IMPLIED;
		marks |= (unsigned)(figure->basis == BAOPHU_BASIS_SUM) << MARK_SUM;
		marks |= (unsigned)(figure->basis == BAOPHU_BASIS_PARTS) << MARK_PARTS;
	}
	if (plan) {
		bool is_weaker = !figure || figure == plan || plan->origin > figure->origin;
		marks |= (unsigned)(is_weaker && plan->origin == BAOPHU_ILLUSTRATIVE) << MARK_PLAN_ILLUSTRATIVE;
		marks |= (unsigned)(is_weaker && plan->origin == BAOPHU_IMPLIED) << MARK_PLAN_IMPLIED;
		marks |= (unsigned)(plan->plan_state == BAOPHU_PLAN_SUMMED || plan->plan_state == BAOPHU_PLAN_SUMMED_ENDED)
			 << MARK_PLAN_SUMMED;
		marks |= (unsigned)(plan->plan_state == BAOPHU_PLAN_ENDED || plan->plan_state == BAOPHU_PLAN_SUMMED_ENDED)
			 << MARK_PLAN_ENDED;
	}
	return marks;
}

enum {
	COLUMN_LABEL,
	COLUMN_FIGURE,
	COLUMN_MARKS,
	COLUMN_BAR,
	COLUMN_REACHED,
	COLUMN_PLAN,
	COLUMN_CHANGE,
	COLUMN_DATE,
	COLUMN_REPORTED,
	COLUMN_COUNT
};
static const struct {
	const char *heading; /* msgid */
	bool is_right;
} columns[COLUMN_COUNT] = {
	[COLUMN_LABEL] = { N_("Unit"), false },
	[COLUMN_FIGURE] = { N_("Figure"), true },
	[COLUMN_MARKS] = { "", false },
	[COLUMN_BAR] = { N_("to 100%"), false },
	[COLUMN_REACHED] = { N_("Reached"), true },
	[COLUMN_PLAN] = { N_("Plan"), false },
	[COLUMN_CHANGE] = { "+/-", true },
	[COLUMN_DATE] = { N_("As of"), true },
	[COLUMN_REPORTED] = { N_("Reported n/m"), true },
};

static const char *heading_of(const struct view *view, int column)
{
	if (column == COLUMN_LABEL && view->is_ranking)
		return _("Rank, unit");
	return *columns[column].heading ? _(columns[column].heading) : "";
}

struct cells {
	char text[COLUMN_COUNT][TEXT_BYTES];
	const char *counted; /* what stands behind the name in brackets, whatever else is cut */
	const char *instead; /* of bar and percentage, and of the plan when there is none */
	char said[TEXT_BYTES];
	int64_t percent;
	unsigned decimals;
};

static const char *unit_name(const struct baophu_record *record) { return *record->name ? record->name : record->unit; }

/* What the figure is counted in: of a share, its numerator. */
static const char *counted_in(const struct names *names, const struct baophu_row *row)
{
	return coverage_is_rate_plan(row) || row->kind == BAOPHU_ROW_SHARE ? "" : names_unit(names, row->measure);
}

/* What most figures are counted in; *ret_is_all: no other is. */
static const char *counted_mostly(const struct view *view, size_t from, size_t to, const struct names *names, bool *ret_is_all)
{
	const char *seen[COUNTED_MAX] = { "" };
	size_t times[COUNTED_MAX] = { 0 }, used = 0, most = 0;
	for (size_t i = from; i < to; i++) {
		const char *counted = view->rows[i].figure ? counted_in(names, view->rows[i].figure) : "";
		size_t j = 0;
		while (*counted && j < used && strcmp(seen[j], counted) != 0)
			j++;
		if (!*counted || j == COUNTED_MAX)
			continue;
		if (j == used)
			seen[used++] = counted;
		times[j]++;
		most = times[j] > times[most] ? j : most;
	}
	*ret_is_all = used <= 1;
	return seen[most];
}

/* A partial sum has no percentage, and says how partial it is. */
static void say_partial(const struct baophu_row *row, struct cells *cells)
{
	if (row->expected)
		snprintf(cells->said, sizeof cells->said, _("partial %u/%u"), row->reported, row->expected);
	else
		snprintf(cells->said, sizeof cells->said, "%s", _("partial sum"));
	cells->instead = cells->said;
}

static void fill_share(const struct view_frame *frame, const struct baophu_row *row, struct cells *cells)
{
	char number[NUMBER_BYTES], over[NUMBER_BYTES];
	unsigned decimals;
	struct baophu_row share = *row;
	share.kind = BAOPHU_ROW_SHARE;
	int64_t percent = coverage_percent(&share, frame->decimals, &decimals);
	if (percent != BAOPHU_ABSENT)
		snprintf(cells->text[COLUMN_FIGURE], TEXT_BYTES, "%s%%",
			 number_format_decimal(percent, decimals, frame->vietnamese, number));
	else
		snprintf(cells->text[COLUMN_FIGURE], TEXT_BYTES, frame->is_ascii ? "-" : "–");
	if (row->state == BAOPHU_STATE_PARTIAL) {
		say_partial(row, cells);
	} else if (row->numerator != BAOPHU_ABSENT && row->denominator != BAOPHU_ABSENT) {
		snprintf(cells->said, sizeof cells->said, "%s / %s", number_format(row->numerator, frame->vietnamese, number),
			 number_format(row->denominator, frame->vietnamese, over));
		cells->instead = cells->said;
	} else {
		cells->instead = word_for_people(WORDS_STATE, row->state);
	}
}

static void fill_plan(const struct view_frame *frame, const struct view_row *row, struct cells *cells)
{
	const struct baophu_row *plan = row->plan;
	char number[NUMBER_BYTES];
	snprintf(cells->text[COLUMN_PLAN], TEXT_BYTES, "%s", plan->plan);
	cells->percent = coverage_percent(plan, frame->decimals, &cells->decimals);
	if (plan->state == BAOPHU_STATE_NO_PLAN || plan->state == BAOPHU_STATE_PARTIAL)
		cells->instead = word_for_people(WORDS_STATE, plan->state);
	else
		cells->instead = NULL;
	if (cells->percent != BAOPHU_ABSENT)
		snprintf(cells->text[COLUMN_REACHED], TEXT_BYTES, "%s%%",
			 number_format_decimal(cells->percent, cells->decimals, frame->vietnamese, number));
	else
		snprintf(cells->text[COLUMN_REACHED], TEXT_BYTES, frame->is_ascii ? "-" : "–");
}

static void fill_dates(const struct view_frame *frame, const struct baophu_row *row, struct cells *cells, bool has_periods)
{
	char from[11], to[11];
	baophu_date_format(row->to, frame->vietnamese, to);
	if (has_periods && row->from != BAOPHU_DATE_NONE && row->from != row->to)
		snprintf(cells->text[COLUMN_DATE], TEXT_BYTES, frame->is_ascii ? "%s-%s" : "%s–%s",
			 baophu_date_format(row->from, frame->vietnamese, from), to);
	else
		snprintf(cells->text[COLUMN_DATE], TEXT_BYTES, "%s", to);
}

/* "Văn bản chỉ đạo" needs no "(văn bản)" behind it. */
static bool has_words(const char *text, const char *words)
{
	wchar_t wide[2][TEXT_BYTES];
	const char *both[2] = { text, words };
	for (int i = 0; i < 2; i++) {
		size_t n = mbstowcs(wide[i], both[i], TEXT_BYTES - 1);
		n = n == (size_t)-1 ? 0 : n;
		wide[i][n] = L'\0';
		for (size_t j = 0; j < n; j++)
			wide[i][j] = (wchar_t)towlower((wint_t)wide[i][j]);
	}
	return *wide[1] && wcsstr(wide[0], wide[1]);
}

/* "Nợ bảo hiểm (đồng) · kế hoạch nam-2024", "  2  Thới Lai". */
static void fill_ranking_label(const struct view_frame *frame, const struct view_row *row, const char *mostly,
			       char label[static TEXT_BYTES])
{
	const char *measure = names_text(frame->names, row->figure->measure), *counted = counted_in(frame->names, row->figure);
	bool is_said = !*counted || strcmp(counted, mostly) == 0 || has_words(measure, counted);
	if (row->is_heading)
		snprintf(label, TEXT_BYTES, "%s%s%s%s%s%s", measure, is_said ? "" : " (", is_said ? "" : counted,
			 is_said ? "" : ")", row->plan ? frame->is_ascii ? _(" - plan ") : _(" · plan ") : "",
			 row->plan ? row->plan->plan : "");
	else if (row->rank)
		snprintf(label, TEXT_BYTES, "%*u  %s", (int)row->indent, row->rank, unit_name(row->record));
	else
		snprintf(label, TEXT_BYTES, "%*s%s  %s", (int)row->indent - 1, "", frame->is_ascii ? "-" : "–",
			 unit_name(row->record));
}

static void fill_change(const struct view *view, const struct view_frame *frame, const struct view_row *row,
			char cell[static TEXT_BYTES])
{
	char number[NUMBER_BYTES];
	if (row->is_new) {
		snprintf(cell, TEXT_BYTES, "%s", _("new"));
	} else if (row->change != BAOPHU_ABSENT && row->change) {
		bool goes_up = row->change > 0, has_arrow = view->is_ranking && !frame->is_ascii;
		snprintf(cell, TEXT_BYTES, "%s%s",
			 has_arrow ? goes_up ? "▲" : "▼"
			 : goes_up ? "+"
				   : "",
			 number_format(has_arrow && !goes_up ? -row->change : row->change, frame->vietnamese, number));
	}
}

static void fill_cells(const struct view *view, const struct view_frame *frame, const struct view_row *row, const char *mostly,
		       bool has_periods, struct cells *cells)
{
	char figure[COVERAGE_FIGURE_BYTES];
	const struct baophu_row *read = row->figure;
	*cells = (struct cells){ .percent = BAOPHU_ABSENT };
	if (!row->is_further_plan) {
		const char *name = row->is_heading || view->has_one_measure || !read ? unit_name(row->record)
										     : names_text(frame->names, read->measure);
		if (view->is_ranking)
			fill_ranking_label(frame, row, mostly, cells->text[COLUMN_LABEL]);
		else
			snprintf(cells->text[COLUMN_LABEL], TEXT_BYTES, "%*s%s", (int)row->indent * 2, "", name);
		const char *counted = read && !view->is_ranking ? counted_in(frame->names, read) : "";
		if (*counted && strcmp(counted, mostly) != 0 && !has_words(name, counted))
			cells->counted = counted;
	}
	if (row->is_heading)
		return;
	if (!read) {
		cells->instead = _("no report");
		return;
	}
	unsigned marks = marks_of(row);
	size_t used = 0;
	for (unsigned i = 0; i < MARK_COUNT; i++)
		if (marks & 1u << i)
			cells->text[COLUMN_MARKS][used++] = *_(legend[i]);
	if (!row->is_further_plan) {
		if (read->kind == BAOPHU_ROW_SHARE || coverage_is_rate_plan(read))
			fill_share(frame, read, cells);
		else if (read->value != BAOPHU_ABSENT)
			snprintf(cells->text[COLUMN_FIGURE], TEXT_BYTES, "%s", coverage_figure(read, frame->vietnamese, figure));
		else
			snprintf(cells->text[COLUMN_FIGURE], TEXT_BYTES, frame->is_ascii ? "-" : "–");
		fill_dates(frame, read, cells, has_periods);
		if (read->expected)
			snprintf(cells->text[COLUMN_REPORTED], TEXT_BYTES, "%u/%u", read->reported, read->expected);
		fill_change(view, frame, row, cells->text[COLUMN_CHANGE]);
	}
	if (row->plan)
		fill_plan(frame, row, cells);
	else if (!cells->instead)
		cells->instead = word_for_people(WORDS_STATE, BAOPHU_STATE_NO_PLAN);
	if (view->is_ranking) /* the heading says which */
		cells->text[COLUMN_PLAN][0] = '\0';
	/* Why there is no figure matters more than the plan that nobody can be measured by. */
	if (read->value == BAOPHU_ABSENT && !row->is_further_plan && read->kind != BAOPHU_ROW_SHARE &&
	    !coverage_is_rate_plan(read)) {
		snprintf(cells->said, sizeof cells->said, "%s", coverage_figure(read, frame->vietnamese, figure));
		cells->instead = cells->said;
	}
	if (read->basis == BAOPHU_BASIS_PARTIAL && read->kind != BAOPHU_ROW_SHARE)
		say_partial(read, cells);
	/* Without a plan there is room right behind the figure; a name with little left of it is nobody's. */
	if (cells->counted && cells->instead && !row->plan) {
		char said[TEXT_BYTES];
		snprintf(said, sizeof said, "%s", cells->instead);
		snprintf(cells->said, sizeof cells->said, "%.80s, %.120s", cells->counted, said);
		cells->instead = cells->said;
		cells->counted = NULL;
	}
}

/* ---- the screen ---- */

struct layout {
	unsigned widths[COLUMN_COUNT]; /* 0: not shown */
	unsigned marks; /* in use anywhere: their legend stands below */
	bool has_periods, is_counted_alike;
	const char *counted; /* mostly */
};
enum {
	GAP = 1,
	SIGN_WIDTH = 2,
	BAR_MIN = 9,
	BAR_MAX = 31,
	LABEL_MIN = 18,
	LABEL_NARROW = 12,
	CHANGE_MIN = 6,
	WIDE = 120,
	AROUND = 1000
};

static unsigned sum_widths(const struct layout *layout)
{
	unsigned total = SIGN_WIDTH;
	for (int i = 0; i < COLUMN_COUNT; i++)
		total += layout->widths[i] ? layout->widths[i] + (i ? GAP : 0) : 0;
	return total;
}

/* Widths of the rows in sight and of many around them: columns stay where they are while somebody scrolls, and a list of a whole country
 * costs no more than one of a province. */
static void measure_columns(const struct view *view, const struct view_frame *frame, struct layout *layout)
{
	unsigned instead = 0;
	size_t at = frame->offset < view->count ? frame->offset : view->count, from = at > AROUND ? at - AROUND : 0;
	size_t to = view->count - at > AROUND ? at + AROUND : view->count;
	layout->counted = counted_mostly(view, from, to, frame->names, &layout->is_counted_alike);
	layout->has_periods = frame->width >= WIDE;
	for (size_t i = from; i < to; i++) {
		struct cells cells;
		fill_cells(view, frame, &view->rows[i], layout->counted, layout->has_periods, &cells);
		for (int j = 0; j < COLUMN_COUNT; j++) {
			unsigned width = width_of(cells.text[j]);
			if (j == COLUMN_LABEL && cells.counted)
				width += width_of(cells.counted) + 3;
			if (view->is_ranking && view->rows[i].is_heading) /* has the whole line */
				continue;
			layout->widths[j] = width > layout->widths[j] ? width : layout->widths[j];
		}
		layout->marks |= view->rows[i].is_heading ? 0 : marks_of(&view->rows[i]);
		unsigned said = cells.instead ? width_of(cells.instead) : 0;
		instead = said > instead ? said : instead;
	}
	for (int j = 0; j < COLUMN_COUNT; j++) {
		unsigned heading = width_of(heading_of(view, j));
		if (j == COLUMN_BAR ? layout->widths[COLUMN_REACHED] > 0 : layout->widths[j] > 0)
			layout->widths[j] = heading > layout->widths[j] ? heading : layout->widths[j];
	}
	if (!layout->widths[COLUMN_REACHED]) /* no plan anywhere: room for what is said instead */
		layout->widths[COLUMN_REACHED] = instead;
	/* The change is what everybody waits for: its column does not come and go with the first one. */
	if (layout->widths[COLUMN_CHANGE] < CHANGE_MIN)
		layout->widths[COLUMN_CHANGE] = CHANGE_MIN;
}

static void fit_columns(unsigned frame_width, struct layout *layout)
{
	/* In this order columns go where there is no room at all; figures and percentages stay. */
	static const int spare[] = { COLUMN_BAR, COLUMN_CHANGE, COLUMN_DATE };
	unsigned *widths = layout->widths, label = widths[COLUMN_LABEL];
	bool has_bar = widths[COLUMN_BAR];
	widths[COLUMN_BAR] = has_bar ? BAR_MIN : 0;
	widths[COLUMN_LABEL] = label < LABEL_MIN ? label : LABEL_MIN;
	if (sum_widths(layout) > frame_width)
		widths[COLUMN_REPORTED] = 0;
	while (widths[COLUMN_LABEL] > LABEL_NARROW && sum_widths(layout) > frame_width)
		widths[COLUMN_LABEL]--;
	for (size_t i = 0; i < sizeof spare / sizeof *spare && sum_widths(layout) > frame_width; i++)
		widths[spare[i]] = 0;
	unsigned total = sum_widths(layout), left = frame_width > total ? frame_width - total : 0;
	unsigned more = label - widths[COLUMN_LABEL] < left ? label - widths[COLUMN_LABEL] : left;
	widths[COLUMN_LABEL] += more;
	left -= more;
	if (widths[COLUMN_BAR])
		widths[COLUMN_BAR] += left < BAR_MAX - BAR_MIN ? left : BAR_MAX - BAR_MIN;
}

static struct pen begin_line(struct view_screen *screen, const struct view_frame *frame, enum view_style style)
{
	unsigned width = frame->width < VIEW_COLUMNS_MAX ? frame->width : VIEW_COLUMNS_MAX;
	struct view_line *line = &screen->lines[screen->count++];
	*line = (struct view_line){ .style = style };
	return (struct pen){ .line = line, .columns_max = width, .is_ascii = frame->is_ascii };
}

/* Blanks at the end of a line cost time on a slow link and say nothing. */
static void end_line(struct pen *pen)
{
	while (pen->bytes && pen->line->text[pen->bytes - 1] == ' ')
		pen->line->text[--pen->bytes] = '\0';
}

/* What a figure is counted in stays whole; the name before it is cut. */
static void put_label(struct pen *pen, const struct cells *cells, unsigned width)
{
	unsigned tail = width_of(cells->counted) + 3, room = width > tail ? width - tail : 0;
	unsigned put = put_text(pen, cells->text[COLUMN_LABEL], room);
	put += put_text(pen, " (", width - put);
	put += put_text(pen, cells->counted, width - put);
	put += put_text(pen, ")", width - put);
	put_blanks(pen, width - put);
}

static void put_row(struct view_screen *screen, const struct view *view, const struct view_frame *frame,
		    const struct layout *layout, const struct view_row *row, const char *sign)
{
	struct cells cells;
	char bar[VIEW_BAR_BYTES];
	bool is_first = true;
	struct pen pen = begin_line(screen, frame, row->is_heading ? VIEW_UNIT : row->is_recent ? VIEW_RECENT : VIEW_PLAIN);
	fill_cells(view, frame, row, layout->counted, layout->has_periods, &cells);
	put_cell(&pen, sign, SIGN_WIDTH, false);
	if (row->is_heading) {
		put_text(&pen, cells.text[COLUMN_LABEL], pen.columns_max);
		end_line(&pen);
		return;
	}
	for (int i = 0; i < COLUMN_COUNT; i++) {
		unsigned width = layout->widths[i];
		if (!width)
			continue;
		if (!is_first)
			put_blanks(&pen, GAP);
		is_first = false;
		if (i == COLUMN_LABEL && cells.counted) {
			put_label(&pen, &cells, width);
		} else if ((i == COLUMN_BAR || i == COLUMN_REACHED) && cells.instead) {
			for (int last = row->plan ? COLUMN_REACHED : COLUMN_PLAN; i < last; i++)
				width += layout->widths[i + 1] ? layout->widths[i + 1] + GAP : 0;
			put_cell(&pen, cells.instead, width, false);
		} else if (i == COLUMN_BAR && row->plan) {
			pen.line->bar_from = pen.bytes;
			pen.line->state = row->plan->state;
			put_cell(&pen, view_bar(cells.percent, cells.decimals, width, frame->is_ascii, bar), width, false);
			pen.line->bar_to = pen.bytes;
		} else {
			put_cell(&pen, cells.text[i], width, columns[i].is_right);
		}
	}
	end_line(&pen);
	/* the bar may have ended in blanks */
	if (pen.line->bar_to > pen.bytes)
		pen.line->bar_to = pen.bytes;
}

/* Where both do not fit, `left` is cut or, if it must not be, `right` is left out. */
static void put_sides(struct pen *pen, const char *left, const char *right, bool may_cut)
{
	unsigned wide = width_of(right), room = wide + 2 < pen->columns_max ? pen->columns_max - wide - 2 : 0;
	bool has_right = wide && (width_of(left) <= room || (may_cut && room));
	put_text(pen, left, has_right ? room : pen->columns_max);
	if (has_right) {
		put_blanks(pen, pen->columns_max - pen->columns - wide);
		put_text(pen, right, wide);
	}
	end_line(pen);
}

static void put_title(struct view_screen *screen, const struct view *view, const struct view_frame *frame,
		      const struct layout *layout)
{
	const char *dot = frame->is_ascii ? " - " : " · ";
	char text[VIEW_LINE_BYTES], place[TEXT_BYTES] = "", date[11];
	const struct view_row *first = view->count ? &view->rows[0] : NULL;
	const char *title = frame->title ? frame->title : first ? unit_name(first->record) : "baophu";
	size_t used = (size_t)snprintf(text, sizeof text, "%s", title);
	if (view->is_ranking)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", dot, _("ranking"));
	for (size_t i = 0; view->has_one_measure && i < view->count; i++)
		if (view->rows[i].figure) {
			used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", dot,
						 names_text(frame->names, view->rows[i].figure->measure));
			break;
		}
	if (*layout->counted) {
		used += (size_t)snprintf(text + used, sizeof text - used, " (");
		used += (size_t)snprintf(text + used, sizeof text - used, layout->is_counted_alike ? "%s" : _("%s unless said"),
					 layout->counted);
		used += (size_t)snprintf(text + used, sizeof text - used, ")");
	}
	if (frame->date != BAOPHU_DATE_NONE) {
		baophu_date_format(frame->date, frame->vietnamese, date);
		snprintf(text + used, sizeof text - used, _("%sbusiness day %s"), dot, date);
	}
	if (view->count > screen->page) {
		size_t last = screen->offset + screen->page < view->count ? screen->offset + screen->page : view->count;
		snprintf(place, sizeof place, "%zu-%zu/%zu", screen->offset + 1, last, view->count);
	}
	struct pen pen = begin_line(screen, frame, VIEW_UNIT);
	put_sides(&pen, text, place, true);
}

static void put_headings(struct view_screen *screen, const struct view *view, const struct view_frame *frame,
			 const struct layout *layout)
{
	struct pen pen = begin_line(screen, frame, VIEW_HEADING);
	bool is_first = true;
	put_blanks(&pen, SIGN_WIDTH);
	for (int i = 0; i < COLUMN_COUNT; i++) {
		if (!layout->widths[i])
			continue;
		if (!is_first)
			put_blanks(&pen, GAP);
		is_first = false;
		const char *heading = heading_of(view, i);
		if (i == COLUMN_BAR) { /* ends where the mark stands */
			unsigned mark = layout->widths[i] - layout->widths[i] / 5;
			put_cell(&pen, heading, mark, true);
			put_blanks(&pen, layout->widths[i] - mark);
		} else {
			put_cell(&pen, heading, layout->widths[i], columns[i].is_right);
		}
	}
	/* Not trimmed: the rule below the headings is as long as the line. */
	put_blanks(&pen, pen.columns_max > pen.columns ? pen.columns_max - pen.columns : 0);
}

/* "m minh họa · t tổng": of the marks in use. How many lines it takes; written only with a screen. */
static size_t put_legend(struct view_screen *screen, const struct view_frame *frame, unsigned marks)
{
	size_t lines = 0;
	unsigned used = 0, width = frame->width < VIEW_COLUMNS_MAX ? frame->width : VIEW_COLUMNS_MAX;
	const char *dot = frame->is_ascii ? " - " : " · ";
	struct pen pen = { 0 };
	for (unsigned i = 0; i < MARK_COUNT; i++) {
		const char *said = _(legend[i]);
		if (!(marks & 1u << i))
			continue;
		if (!lines || used + 3 + width_of(said) > width) {
			lines++;
			used = 0;
			if (screen)
				pen = begin_line(screen, frame, VIEW_PLAIN);
		}
		if (screen) {
			if (used)
				put_text(&pen, dot, pen.columns_max);
			put_text(&pen, said, pen.columns_max);
		}
		used += (used ? 3 : 0) + width_of(said);
	}
	return lines;
}

static void say_state(const struct view_frame *frame, char *buffer, size_t size)
{
	unsigned long long seq = frame->seq;
	switch (frame->state) {
	case HOLDING_EXACT:
		snprintf(buffer, size, _("exact at log place %llu"), seq);
		break;
	case HOLDING_FOLLOWING:
		snprintf(buffer, size, _("following: newer than the proof at log place %llu"), seq);
		break;
	case HOLDING_REPAIRING:
		snprintf(buffer, size, _("repairing: something was missed after log place %llu"), seq);
		break;
	case HOLDING_STALE:
		if (seq)
			snprintf(buffer, size, _("STALE since %s: no connection; figures of log place %llu"), frame->since, seq);
		else
			snprintf(buffer, size, "%s", _("no connection to the centre yet"));
		break;
	default:
		snprintf(buffer, size, "%s", _("waiting for a proved snapshot"));
	}
}

/* A figure is whole or not there. */
static void put_news(struct view_screen *screen, const struct view_frame *frame)
{
	char text[VIEW_LINE_BYTES];
	struct pen pen = begin_line(screen, frame, VIEW_RECENT);
	snprintf(text, sizeof text, "%s, %s", frame->news, frame->news_figures);
	put_sides(&pen, width_of(text) <= pen.columns_max ? text : frame->news, frame->news_time, false);
}

void view_screen_finish(struct view_screen *screen)
{
	free(screen->lines);
	*screen = (struct view_screen){ 0 };
}

static const struct view_row *heading_above(const struct view *view, size_t index)
{
	if (view->has_one_measure || view->rows[index].is_heading || !view->rows[index].figure)
		return NULL;
	while (index && !view->rows[index].is_heading)
		index--;
	return &view->rows[index];
}

int view_lay_out(const struct view *view, const struct view_frame *frame, struct view_screen *screen)
{
	size_t height = frame->height < VIEW_ROWS_MAX ? frame->height : VIEW_ROWS_MAX;
	if (screen->capacity < height) {
		struct view_line *lines = realloc(screen->lines, height * sizeof *lines);
		if (!lines)
			return -ENOMEM;
		screen->lines = lines;
		screen->capacity = height;
	}
	screen->count = 0;
	struct layout layout = { 0 };
	measure_columns(view, frame, &layout);
	fit_columns(frame->width < VIEW_COLUMNS_MAX ? frame->width : VIEW_COLUMNS_MAX, &layout);
	/* A low screen keeps what matters: figures and the standing. */
	size_t legends = height >= 8 ? put_legend(NULL, frame, layout.marks) : 0, frames = height >= 4 ? 3 : height > 1;
	bool has_news = height >= 8 && frame->news;
	legends += has_news;
	screen->page = height > frames + legends ? height - frames - legends : 0;
	size_t last = view->count > screen->page ? view->count - screen->page : 0;
	screen->offset = frame->offset < last ? frame->offset : last;
	if (frames == 3) {
		put_title(screen, view, frame, &layout);
		put_headings(screen, view, frame, &layout);
	}
	for (size_t i = 0; i < screen->page; i++) {
		size_t index = screen->offset + i;
		if (index >= view->count) {
			struct pen pen = begin_line(screen, frame, VIEW_PLAIN);
			end_line(&pen);
			continue;
		}
		const struct view_row *row = &view->rows[index], *above = i ? NULL : heading_above(view, index);
		/* Whose figures these are stands above them, also when its line has scrolled away. */
		if (above && screen->page > 2) {
			put_row(screen, view, frame, &layout, above, frame->is_ascii ? "^" : "↑");
			continue;
		}
		put_row(screen, view, frame, &layout, row, row->is_recent && !row->is_heading ? frame->is_ascii ? "*" : "▸" : "");
	}
	if (legends > has_news)
		put_legend(screen, frame, layout.marks);
	if (has_news)
		put_news(screen, frame);
	if (frames) {
		char text[VIEW_LINE_BYTES];
		struct pen pen = begin_line(screen, frame, VIEW_STATUS);
		say_state(frame, text, sizeof text);
		put_sides(&pen, text, frame->is_ascii ? _("arrows PgUp PgDn: scroll  q: quit") : _("↑ ↓ PgUp PgDn scroll · q quit"),
			  false);
	}
	return 0;
}
