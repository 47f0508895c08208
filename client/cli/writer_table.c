/* writer_table.c - the table for people, laid out by display width and drawn by libsmartcols.
 *
 * Rows are kept until the end, because widths depend on all of them. A column without content is left out. Where the terminal is too
 * narrow, first the headings are broken at spaces, then the columns that may wrap are narrowed, then some go below others, as their
 * description says; figures are never broken or cut. A row of several lines is given to
 * libsmartcols as several lines, since it aligns only the first line of a wrapped cell to the right.
 */
#include "writer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <libsmartcols.h>

#include "language.h"

enum { WRAPPED_WIDTH_MIN = 8, LINES_MAX = 64, COLUMNS_MAX = 48 };

struct table {
	char **cells; /* row after row, owned */
	size_t count, capacity;
	char *headings[COLUMNS_MAX]; /* owned; NULL: not shown */
};

/* Display columns of the first `bytes` bytes of a UTF-8 text. */
static size_t width_of(const char *text, size_t bytes)
{
	size_t width = 0;
	mbstate_t state = { 0 };
	while (bytes) {
		wchar_t c;
		size_t n = mbrtowc(&c, text, bytes, &state);
		if (n == 0)
			break;
		if (n == (size_t)-1 || n == (size_t)-2) {
			n = 1;
			c = L'?';
			memset(&state, 0, sizeof state);
		}
		int w = wcwidth(c);
		width += w > 0 ? (size_t)w : 0;
		text += n;
		bytes -= n;
	}
	return width;
}

/* Bytes of the next line of `text`, broken at a newline, or at the last space that keeps it within `width` (0: never). *ret_skip is what
 * stands between it and the line after. */
static size_t next_line(const char *text, size_t width, size_t *ret_skip)
{
	size_t end = strcspn(text, "\n");
	*ret_skip = text[end] == '\n';
	if (!width || width_of(text, end) <= width)
		return end;
	size_t best = 0;
	for (size_t i = 0; i < end; i++) {
		if (text[i] != ' ' || !i)
			continue;
		if (best && width_of(text, i) > width)
			break;
		best = i;
		if (width_of(text, i) > width)
			break;
	}
	if (!best)
		return end;
	*ret_skip = 1;
	return best;
}

/* The widest line of `text`, broken at `width`. */
static size_t broken_width(const char *text, size_t width)
{
	size_t widest = 0;
	while (*text) {
		size_t skip, bytes = next_line(text, width, &skip), w = width_of(text, bytes);
		widest = w > widest ? w : widest;
		text += bytes + skip;
	}
	return widest;
}

static int table_begin(struct writer *writer)
{
	assert(writer->column_count <= COLUMNS_MAX);
	struct table *table = calloc(1, sizeof *table);
	writer->state = table;
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < writer->column_count; i++) {
		table->headings[i] = writer->columns[i].heading ? strdup(writer->columns[i].heading) : NULL;
		if (writer->columns[i].heading && !table->headings[i])
			return -ENOMEM;
	}
	return 0;
}

static int table_row(struct writer *writer, const struct field *fields)
{
	struct table *table = writer->state;
	if (table->count + writer->column_count > table->capacity) {
		size_t capacity = (table->capacity + writer->column_count) * 2;
		char **cells = realloc(table->cells, capacity * sizeof *cells);
		if (!cells)
			return -ENOMEM;
		table->cells = cells;
		table->capacity = capacity;
	}
	size_t row = table->count;
	for (size_t i = 0; i < writer->column_count; i++) {
		char buffer[FIELD_BYTES];
		char *cell = strdup(field_for_people(&fields[i], writer->options.vietnamese, buffer));
		if (!cell) {
			while (i)
				free(table->cells[row + --i]);
			return -ENOMEM;
		}
		table->cells[row + i] = cell;
	}
	table->count += writer->column_count;
	return 0;
}

/* Lines after the first stand two columns in. */
static void table_note(struct writer *writer, const char *text, bool is_broken)
{
	size_t width = is_broken ? writer->options.width : 0, skip;
	for (bool first = true;; first = false) {
		size_t bytes = next_line(text, first || width < WRAPPED_WIDTH_MIN ? width : width - 2, &skip);
		fprintf(writer->out, "%s%.*s\n", first ? "" : "  ", (int)bytes, text);
		text += bytes + skip;
		if (!*text)
			break;
	}
}

/* What each column gets: the width its body and its heading are broken at; 0: as they are. */
struct layout {
	size_t body, heading;
	bool is_shown;
};

static size_t column_body(const struct writer *writer, const struct table *table, size_t column, size_t width)
{
	size_t widest = 0;
	for (size_t i = column; i < table->count; i += writer->column_count) {
		size_t w = broken_width(table->cells[i], width);
		widest = w > widest ? w : widest;
	}
	return widest;
}

/* The next smaller width of a column that may wrap, given that words stay whole; `width` itself when there is none. */
static size_t narrower(const struct writer *writer, const struct table *table, size_t column, size_t width)
{
	size_t floor = broken_width(table->headings[column], 1);
	for (size_t w = width - 1; width > WRAPPED_WIDTH_MIN && w >= WRAPPED_WIDTH_MIN; w--) {
		size_t body = column_body(writer, table, column, w);
		body = body > floor ? body : floor;
		if (body < width)
			return body;
	}
	return width;
}

/* Everything on one line; true when that fits. */
static bool lay_out_wide(const struct writer *writer, const struct table *table, struct layout *layout)
{
	size_t total = 0;
	for (size_t i = 0; i < writer->column_count; i++) {
		layout[i].body = layout[i].heading = 0;
		if (!layout[i].is_shown)
			continue;
		size_t body = column_body(writer, table, i, 0), heading = broken_width(table->headings[i], 0);
		total += (body > heading ? body : heading) + (total ? 2 : 0);
	}
	return !writer->options.width || total <= writer->options.width;
}

/* Headings no wider than what stands below them, then columns narrowed, the widest first; true when that fits. */
static bool lay_out_narrow(const struct writer *writer, const struct table *table, struct layout *layout,
			   const char **ret_separator)
{
	size_t shown = 0, total = 0, n = writer->column_count;
	for (size_t i = 0; i < n; i++) {
		if (!layout[i].is_shown)
			continue;
		size_t body = column_body(writer, table, i, 0), floor = broken_width(table->headings[i], 1);
		layout[i].body = layout[i].heading = body > floor ? body : floor;
		total += layout[i].body;
		shown++;
	}
	size_t gaps = shown ? shown - 1 : 0, width = writer->options.width;
	*ret_separator = total + 2 * gaps > width ? " " : "  ";
	total += total + 2 * gaps > width ? gaps : 2 * gaps;
	while (total > width) {
		size_t widest = n, widest_to = 0;
		for (size_t i = 0; i < n; i++) {
			if (!layout[i].is_shown || !writer->columns[i].wrap ||
			    (widest < n && layout[i].body <= layout[widest].body))
				continue;
			size_t to = narrower(writer, table, i, layout[i].body);
			if (to < layout[i].body) {
				widest = i;
				widest_to = to;
			}
		}
		if (widest == n)
			return false;
		total -= layout[widest].body - widest_to;
		layout[widest].body = layout[widest].heading = widest_to;
	}
	return true;
}

/* What a column says in every row that says anything; NULL when they differ. */
static const char *said_everywhere(const struct writer *writer, const struct table *table, size_t column)
{
	const char *said = NULL;
	for (size_t i = column; i < table->count; i += writer->column_count) {
		if (said && *table->cells[i] && strcmp(said, table->cells[i]) != 0)
			return NULL;
		if (*table->cells[i])
			said = table->cells[i];
	}
	return said;
}

/* True when it fits. */
static bool lay_out(const struct writer *writer, const struct table *table, struct layout *layout, const char **ret_separator)
{
	*ret_separator = "  ";
	for (size_t i = 0; i < writer->column_count; i++)
		layout[i] = (struct layout){ .is_shown = table->headings[i] && column_body(writer, table, i, 0) };
	if (lay_out_wide(writer, table, layout) || lay_out_narrow(writer, table, layout, ret_separator))
		return true;
	for (size_t i = 0; i < writer->column_count; i++) {
		if (!layout[i].is_shown || !writer->columns[i].may_be_said_once || !said_everywhere(writer, table, i))
			continue;
		layout[i].is_shown = false;
		if (lay_out_narrow(writer, table, layout, ret_separator))
			return true;
	}
	return false;
}

/* ---- columns that go below others ---- */

static void finish(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	for (size_t i = 0; i < COLUMNS_MAX; i++)
		free(table->headings[i]);
	*table = (struct table){ 0 };
}

/* Which column this one is below of at this turn; its own number: it stands for itself. */
static size_t place_of(const struct writer *writer, size_t column, unsigned turn)
{
	const struct column *folded = &writer->columns[column];
	for (size_t i = 0; folded->below && folded->turn <= turn && i < writer->column_count; i++)
		if (strcmp(writer->columns[i].key, folded->below) == 0)
			return i;
	return column;
}

static char *add_text(char *end, const char *start, const char *text)
{
	if (!text || !*text)
		return end;
	if (end > start)
		*end++ = '\n';
	return stpcpy(end, text);
}

/* The column's own text, and below it those of the columns that stand there at this turn; "" when there are none. Owned; NULL: no memory. */
static char *stack(const struct writer *writer, char *const *texts, size_t column, unsigned turn)
{
	size_t bytes = 1;
	bool is_itself = place_of(writer, column, turn) == column;
	for (size_t i = 0; i < writer->column_count; i++)
		bytes += texts[i] && place_of(writer, i, turn) == column ? strlen(texts[i]) + 1 : 0;
	char *stacked = malloc(bytes);
	if (!stacked)
		return NULL;
	*stacked = '\0';
	char *end = add_text(stacked, stacked, is_itself ? texts[column] : NULL);
	for (size_t i = 0; i < writer->column_count; i++)
		if (i != column && place_of(writer, i, turn) == column)
			end = add_text(end, stacked, texts[i]);
	return stacked;
}

/* The table as it is at this turn. `folded` is zeroed; whatever comes back, to be finished. */
static int fold(const struct writer *writer, const struct table *table, unsigned turn, struct table *folded)
{
	char *headings[COLUMNS_MAX] = { 0 };
	size_t n = writer->column_count;
	folded->cells = calloc(table->count, sizeof *folded->cells);
	if (!folded->cells)
		return -ENOMEM;
	folded->count = table->count;
	for (size_t i = 0; i < table->count; i++) {
		folded->cells[i] = stack(writer, table->cells + i - i % n, i % n, turn);
		if (!folded->cells[i])
			return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) /* a column without any text is not in the table */
		headings[i] = column_body(writer, table, i, 0) ? table->headings[i] : NULL;
	for (size_t i = 0; i < n; i++) {
		bool is_shown = false;
		for (size_t j = 0; j < n; j++)
			is_shown = is_shown || (headings[j] && place_of(writer, j, turn) == i);
		folded->headings[i] = is_shown ? stack(writer, headings, i, turn) : NULL;
		if (is_shown && !folded->headings[i])
			return -ENOMEM;
	}
	return 0;
}

/* The columns that were taken out, in one line above the table. */
static void print_said_once(const struct writer *writer, const struct table *table, const struct layout *layout)
{
	bool any = false;
	for (size_t i = 0; i < writer->column_count; i++) {
		const char *said = layout[i].is_shown || !table->headings[i] ? NULL : said_everywhere(writer, table, i);
		if (!said)
			continue;
		fprintf(writer->out, "%s%s: %s", any ? " · " : "", writer->columns[i].heading, said);
		any = true;
	}
	if (any)
		putc('\n', writer->out);
}

/* Adds the lines that the texts make, broken as laid out; those of headings stand at the bottom. */
static int add_lines(struct libscols_table *drawn, const struct writer *writer, const char *const *texts,
		     const struct layout *layout, bool heading)
{
	size_t lines_of[COLUMNS_MAX], tallest = 1;
	for (size_t i = 0; i < writer->column_count; i++) {
		lines_of[i] = 0;
		for (const char *text = layout[i].is_shown ? texts[i] : ""; *text && lines_of[i] < LINES_MAX; lines_of[i]++) {
			size_t skip, bytes = next_line(text, heading ? layout[i].heading : layout[i].body, &skip);
			text += bytes + skip;
		}
		tallest = lines_of[i] > tallest ? lines_of[i] : tallest;
	}
	const char *rest[COLUMNS_MAX];
	memcpy(rest, texts, writer->column_count * sizeof *texts);
	for (size_t line = 0; line < tallest; line++) {
		struct libscols_line *drawn_line = scols_table_new_line(drawn, NULL);
		if (!drawn_line)
			return -ENOMEM;
		if (heading && writer->options.color)
			scols_line_set_color(drawn_line, "bold");
		size_t place = 0;
		for (size_t i = 0; i < writer->column_count; i++) {
			if (!layout[i].is_shown)
				continue;
			size_t skip = 0, bytes = 0;
			if (!heading || line >= tallest - lines_of[i])
				bytes = next_line(rest[i], heading ? layout[i].heading : layout[i].body, &skip);
			char *chunk = strndup(rest[i], bytes);
			if (!chunk || scols_line_refer_data(drawn_line, place++, chunk) != 0) {
				free(chunk);
				return -ENOMEM;
			}
			rest[i] += bytes + skip;
		}
	}
	return 0;
}

static int add_rule(struct libscols_table *drawn, const struct writer *writer, const struct table *table,
		    const struct layout *layout)
{
	struct libscols_line *line = scols_table_new_line(drawn, NULL);
	if (!line)
		return -ENOMEM;
	size_t place = 0;
	for (size_t i = 0; i < writer->column_count; i++) {
		if (!layout[i].is_shown)
			continue;
		size_t body = column_body(writer, table, i, layout[i].body);
		size_t heading = broken_width(table->headings[i], layout[i].heading);
		size_t width = body > heading ? body : heading;
		char *rule = malloc(width * 3 + 1);
		if (!rule)
			return -ENOMEM;
		for (size_t j = 0; j < width; j++)
			memcpy(rule + j * 3, "─", 3);
		rule[width * 3] = '\0';
		if (scols_line_refer_data(line, place++, rule) != 0) {
			free(rule);
			return -ENOMEM;
		}
	}
	return 0;
}

/* Prints without the blanks that padding leaves at the ends of lines. */
static void print_trimmed(FILE *out, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n"), kept = length;
		while (kept && text[kept - 1] == ' ')
			kept--;
		fprintf(out, "%.*s\n", (int)kept, text);
		text += length + (text[length] == '\n');
	}
}

static int draw(struct writer *writer, const struct table *whole)
{
	const struct table *table = whole;
	struct table folded = { 0 };
	struct layout layout[COLUMNS_MAX];
	const char *headings[COLUMNS_MAX];
	const char *separator;
	char *text = NULL;
	int error = -ENOMEM;
	struct libscols_table *drawn = scols_new_table();
	if (!drawn)
		return -ENOMEM;
	bool fits = lay_out(writer, table, layout, &separator);
	unsigned turns = 0;
	for (size_t i = 0; i < writer->column_count; i++)
		turns = writer->columns[i].turn > turns ? writer->columns[i].turn : turns;
	for (unsigned turn = 1; !fits && turn <= turns; turn++) {
		finish(&folded);
		error = fold(writer, whole, turn, &folded);
		if (error)
			goto out;
		table = &folded;
		fits = lay_out(writer, table, layout, &separator);
	}
	error = -ENOMEM;
	scols_table_enable_noheadings(drawn, 1);
	scols_table_set_column_separator(drawn, separator);
	scols_table_set_termforce(drawn, SCOLS_TERMFORCE_NEVER);
	scols_table_enable_colors(drawn, writer->options.color);
	/* Columns without names: a name counts for the width even where headings are not drawn. */
	for (size_t i = 0; i < writer->column_count; i++) {
		headings[i] = table->headings[i] ? table->headings[i] : "";
		if (layout[i].is_shown && !scols_table_new_column(drawn, "", 0, writer->columns[i].right ? SCOLS_FL_RIGHT : 0))
			goto out;
	}
	error = add_lines(drawn, writer, headings, layout, true);
	if (!error)
		error = add_rule(drawn, writer, table, layout);
	for (size_t i = 0; !error && i < table->count; i += writer->column_count)
		error = add_lines(drawn, writer, (const char *const *)table->cells + i, layout, false);
	if (error)
		goto out;
	if (scols_print_table_to_string(drawn, &text) != 0) {
		error = -ENOMEM;
		goto out;
	}
	print_said_once(writer, table, layout);
	print_trimmed(writer->out, text);
	error = ferror(writer->out) ? -EIO : 0;
out:
	finish(&folded);
	free(text);
	scols_unref_table(drawn);
	return error;
}

static int table_end(struct writer *writer)
{
	struct table *table = writer->state;
	if (!table)
		return 0;
	int error = 0;
	if (table->count)
		error = draw(writer, table);
	finish(table);
	free(table);
	writer->state = NULL;
	return error;
}

const struct writer_ops writer_table = { .begin = table_begin, .row = table_row, .note = table_note, .end = table_end };
