/* sheet.c - see sheet.h and sheet_private.h: the grid, how it is built, and how one that came from elsewhere is looked through.
 *
 * Cells are 8 bytes, sorted by row and column, each row's first cell in a table; different texts are kept once. Nothing is believed of an
 * image: one that passes check_image can be asked anything without another look.
 */
#include "sheet_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include <baophu/status.h>

#include "text.h"

_Static_assert(sizeof(struct sheet_image) == 40 && sizeof(struct sheet_image_cell) == 8, "an image has no gaps");

struct sheet {
	void *image;
	size_t image_bytes;
	const struct sheet_image *head;
	const uint32_t *first_cells, *lines;
	const struct sheet_image_cell *cells;
	const char *texts;
};

void sheet_destroy(struct sheet *sheet)
{
	if (!sheet)
		return;
	free(sheet->image);
	free(sheet);
}

/* ---- asking ---- */

enum sheet_format sheet_format(const struct sheet *sheet) { return (enum sheet_format)sheet->head->format; }
uint32_t sheet_row_count(const struct sheet *sheet) { return sheet->head->row_count; }
uint32_t sheet_column_count(const struct sheet *sheet) { return sheet->head->column_count; }
const char *sheet_tab(const struct sheet *sheet) { return sheet->texts + sheet->head->tab; }
bool sheet_has_mark(const struct sheet *sheet) { return strncmp(sheet_at(sheet, 0, 0).text, SHEET_MARK, strlen(SHEET_MARK)) == 0; }

uint32_t sheet_line(const struct sheet *sheet, uint32_t row) { return row < sheet->head->line_count ? sheet->lines[row] : row + 1; }

struct sheet_cell sheet_at(const struct sheet *sheet, uint32_t row, uint32_t column)
{
	struct sheet_cell found = { .row = row, .column = column, .kind = SHEET_EMPTY, .text = "" };
	if (row >= sheet->head->row_count)
		return found;
	uint32_t low = sheet->first_cells[row], high = sheet->first_cells[row + 1];
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (sheet->cells[middle].column < column)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == sheet->first_cells[row + 1] || sheet->cells[low].column != column)
		return found;
	const struct sheet_image_cell *cell = &sheet->cells[low];
	found.kind = (enum sheet_kind)(cell->kind & ~SHEET_COPY_BIT);
	found.is_copy = cell->kind & SHEET_COPY_BIT;
	found.trouble = (enum sheet_trouble)cell->trouble;
	found.text = sheet->texts + cell->text;
	return found;
}

const void *sheet_image(const struct sheet *sheet, size_t *ret_size)
{
	*ret_size = sheet->image_bytes;
	return sheet->image;
}

/* ---- an image from elsewhere ---- */

static bool is_text(const char *text, size_t bytes)
{
	char normal[SHEET_CELL_BYTES_MAX + 1];
	bool is_ascii = true;
	if (bytes > SHEET_CELL_BYTES_MAX)
		return false;
	for (size_t i = 0; i < bytes; i++) {
		is_ascii = is_ascii && (unsigned char)text[i] < 0x80;
		if (((unsigned char)text[i] < 0x20 && text[i] != '\n') || text[i] == 0x7f)
			return false;
		if (text[i] == '\xc2' && (unsigned char)text[i + 1] < 0xa0) /* C1 controls */
			return false;
	}
	return is_ascii || (text_to_nfc(text, bytes, normal, sizeof normal) == 0 && strcmp(normal, text) == 0);
}

/* The texts: the first "", each ended by a zero. */
static bool check_texts(const char *texts, uint32_t bytes)
{
	if (bytes < 1 || texts[0] || texts[bytes - 1])
		return false;
	for (uint32_t at = 1; at < bytes;) {
		size_t length = strlen(texts + at);
		if (!is_text(texts + at, length))
			return false;
		at += (uint32_t)length + 1;
	}
	return true;
}

static bool is_offset(const struct sheet *sheet, uint32_t offset)
{
	return offset == 0 || (offset < sheet->head->text_bytes && !sheet->texts[offset - 1]);
}

static bool check_cell(const struct sheet *sheet, const struct sheet_image_cell *cell)
{
	unsigned kind = cell->kind & ~(unsigned)SHEET_COPY_BIT;
	if (kind == SHEET_EMPTY || kind >= SHEET_KIND_COUNT || !is_offset(sheet, cell->text) ||
	    cell->column >= sheet->head->column_count)
		return false;
	return kind == SHEET_ERROR ? cell->trouble >= SHEET_CELL_FIRST && cell->trouble < SHEET_TROUBLE_COUNT : !cell->trouble;
}

static bool check_image(struct sheet *sheet)
{
	const struct sheet_image *head = sheet->head = sheet->image;
	if (sheet->image_bytes < sizeof *head || memcmp(head->magic, SHEET_IMAGE_MAGIC, sizeof head->magic) != 0 ||
	    head->format > SHEET_XLSX || head->row_count > SHEET_ROWS_MAX || head->column_count > SHEET_COLUMNS_MAX ||
	    head->cell_count > SHEET_CELLS_MAX || (head->line_count && head->line_count != head->row_count) ||
	    head->text_bytes > SHEET_TEXT_BYTES_MAX + 1 || head->reserved)
		return false;
	size_t first_cells_bytes = (head->row_count + 1) * sizeof(uint32_t), lines_bytes = head->line_count * sizeof(uint32_t),
	       cells_bytes = head->cell_count * sizeof *sheet->cells;
	if (sheet->image_bytes != sizeof *head + first_cells_bytes + lines_bytes + cells_bytes + head->text_bytes)
		return false;
	const char *at = (const char *)(head + 1);
	sheet->first_cells = (const void *)at;
	sheet->lines = (const void *)(at += first_cells_bytes);
	sheet->cells = (const void *)(at += lines_bytes);
	sheet->texts = at + cells_bytes;
	if (!check_texts(sheet->texts, head->text_bytes) || !is_offset(sheet, head->tab) || sheet->first_cells[0] ||
	    sheet->first_cells[head->row_count] != head->cell_count || strlen(sheet->texts + head->tab) >= SHEET_NAME_BYTES)
		return false;
	for (uint32_t row = 0; row < head->row_count; row++) {
		uint32_t first = sheet->first_cells[row], end = sheet->first_cells[row + 1];
		if (end < first || end > head->cell_count || (head->line_count && sheet->lines[row] < row + 1))
			return false;
		for (uint32_t i = first; i < end; i++)
			if (!check_cell(sheet, &sheet->cells[i]) ||
			    (i > first && sheet->cells[i].column <= sheet->cells[i - 1].column))
				return false;
	}
	return true;
}

bool sheet_problem_is_sound(const struct sheet_problem *problem)
{
	if (problem->what <= SHEET_FINE || problem->what >= SHEET_TROUBLE_COUNT || !memchr(problem->tab, 0, sizeof problem->tab) ||
	    !memchr(problem->detail, 0, sizeof problem->detail))
		return false;
	return is_text(problem->tab, strlen(problem->tab)) && is_text(problem->detail, strlen(problem->detail));
}

int sheet_from_image(void *image, size_t size, struct sheet **ret_sheet)
{
	struct sheet *sheet = calloc(1, sizeof *sheet);
	if (!sheet) {
		free(image);
		return -ENOMEM;
	}
	sheet->image = image;
	sheet->image_bytes = size;
	if (!check_image(sheet)) {
		sheet_destroy(sheet);
		return -BAOPHU_EMALFORMED;
	}
	*ret_sheet = sheet;
	return 0;
}

/* ---- building ---- */

struct built_cell {
	uint32_t row, text;
	uint16_t column;
	uint8_t kind, trouble;
};
struct merge {
	uint32_t row, column, last_row, last_column;
};
struct sheet_builder {
	enum sheet_format format;
	struct sheet_problem *problem;
	int error;
	char tab[SHEET_NAME_BYTES];
	struct built_cell *cells;
	uint32_t cell_count, cell_capacity;
	struct merge *merges;
	uint32_t merge_count, merge_capacity;
	uint32_t *lines;
	uint32_t line_count, line_capacity;
	char *texts;
	uint32_t text_bytes, text_capacity;
	uint32_t *slots; /* a hash of the texts: their offsets; 0: free */
	uint32_t slot_count, text_count;
};

struct sheet_builder *sheet_builder_create(enum sheet_format format, struct sheet_problem *problem)
{
	struct sheet_builder *builder = calloc(1, sizeof *builder);
	if (!builder)
		return NULL;
	*problem = (struct sheet_problem){ .row = SHEET_NOWHERE, .column = SHEET_NOWHERE };
	*builder = (struct sheet_builder){
		.format = format, .problem = problem, .text_capacity = 4096, .text_bytes = 1, .slot_count = 1024
	};
	builder->texts = calloc(1, builder->text_capacity);
	builder->slots = calloc(builder->slot_count, sizeof *builder->slots);
	if (builder->texts && builder->slots)
		return builder;
	sheet_builder_destroy(builder);
	return NULL;
}

void sheet_builder_destroy(struct sheet_builder *builder)
{
	if (!builder)
		return;
	free(builder->cells);
	free(builder->merges);
	free(builder->lines);
	free(builder->texts);
	free(builder->slots);
	free(builder);
}

int sheet_builder_error(const struct sheet_builder *builder) { return builder->error; }
uint32_t sheet_builder_cell_count(const struct sheet_builder *builder) { return builder->cell_count; }

void sheet_builder_no_memory(struct sheet_builder *builder)
{
	if (!builder->error)
		builder->error = -ENOMEM;
}

void sheet_builder_wrong(struct sheet_builder *builder, enum sheet_trouble what, uint32_t row, uint32_t column, const char *detail,
			 ...)
{
	if (builder->error)
		return;
	builder->error = -BAOPHU_EMALFORMED;
	*builder->problem = (struct sheet_problem){ .what = what, .row = row, .column = column };
	memcpy(builder->problem->tab, builder->tab, sizeof builder->tab);
	va_list arguments;
	va_start(arguments, detail);
	vsnprintf(builder->problem->detail, sizeof builder->problem->detail, detail, arguments);
	va_end(arguments);
	for (char *c = builder->problem->detail; *c; c++) /* it may quote the file */
		*c = *c >= 0x20 && *c < 0x7f ? *c : '?';
}

/* Room for one more of `size` bytes; false: no memory, and the builder knows. */
static bool grow(struct sheet_builder *builder, void **items, uint32_t count, uint32_t *capacity, size_t size)
{
	if (count < *capacity)
		return true;
	uint32_t wanted = *capacity ? 2 * *capacity : 256;
	void *grown = realloc(*items, wanted * size);
	if (!grown) {
		sheet_builder_no_memory(builder);
		return false;
	}
	*items = grown;
	*capacity = wanted;
	return true;
}

/* The slot of a text, or the free one where it belongs. */
static uint32_t *text_slot(const struct sheet_builder *builder, const char *text)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (const char *c = text; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	uint32_t at = (hash ^ hash >> 15) & (builder->slot_count - 1);
	while (builder->slots[at] && strcmp(builder->texts + builder->slots[at], text) != 0)
		at = (at + 1) & (builder->slot_count - 1);
	return &builder->slots[at];
}

/* Twice as many slots once half of them are taken. */
static bool grow_slots(struct sheet_builder *builder)
{
	if (2 * builder->text_count < builder->slot_count)
		return true;
	uint32_t old_count = builder->slot_count, *old = builder->slots;
	uint32_t *slots = calloc(2 * (size_t)old_count, sizeof *slots);
	if (!slots) {
		sheet_builder_no_memory(builder);
		return false;
	}
	builder->slots = slots;
	builder->slot_count = 2 * old_count;
	for (uint32_t i = 0; i < old_count; i++)
		if (old[i])
			*text_slot(builder, builder->texts + old[i]) = old[i];
	free(old);
	return true;
}

/* The offset of a text, kept once. */
static uint32_t keep_text(struct sheet_builder *builder, const char *text)
{
	size_t size = strlen(text) + 1;
	if (size == 1 || builder->error || !grow_slots(builder))
		return 0;
	uint32_t *slot = text_slot(builder, text);
	if (*slot)
		return *slot;
	if (builder->text_bytes + size > SHEET_TEXT_BYTES_MAX) {
		sheet_builder_wrong(builder, SHEET_TOO_MUCH_TEXT, SHEET_NOWHERE, SHEET_NOWHERE, "%s", "");
		return 0;
	}
	while (builder->text_bytes + size > builder->text_capacity) {
		char *grown = realloc(builder->texts, 2 * (size_t)builder->text_capacity);
		if (!grown) {
			sheet_builder_no_memory(builder);
			return 0;
		}
		builder->texts = grown;
		builder->text_capacity *= 2;
	}
	*slot = builder->text_bytes;
	memcpy(builder->texts + builder->text_bytes, text, size);
	builder->text_bytes += (uint32_t)size;
	builder->text_count++;
	return *slot;
}

/* Letters that cannot be seen and only make two texts differ: zero width space, word joiner, byte order mark. */
static bool is_invisible(utf8proc_int32_t letter) { return letter == 0x200b || letter == 0x2060 || letter == 0xfeff; }
static bool is_space(utf8proc_int32_t letter) { return letter == ' ' || letter == '\n' || letter == 0xa0; }

/* Copies what can be seen of `text`, line ends as \n, without space at either end. */
static enum sheet_trouble clean_text(const char *text, size_t bytes, char *buffer, size_t size, size_t *ret_used)
{
	size_t used = 0, end = 0; /* end: after the last letter that is no space */
	while (bytes) {
		utf8proc_int32_t letter;
		utf8proc_ssize_t length = utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)bytes, &letter);
		if (length < 1)
			return SHEET_CELL_CONTROL;
		const char *from = text;
		text += length;
		bytes -= (size_t)length;
		if (letter == '\r' && bytes && *text == '\n')
			continue;
		if (letter == '\r' || letter == 0x2028 || letter == 0x2029)
			letter = '\n';
		else if (letter == '\t')
			letter = ' ';
		if ((letter < 0x20 && letter != '\n') || (letter >= 0x7f && letter < 0xa0) || letter == 0xfffe || letter == 0xffff)
			return SHEET_CELL_CONTROL;
		if (is_invisible(letter) || (is_space(letter) && !used))
			continue;
		size_t needed = letter < 0x80 ? 1 : (size_t)length;
		if (used + needed >= size)
			return SHEET_CELL_TOO_LONG;
		if (letter < 0x80)
			buffer[used] = (char)letter;
		else
			memcpy(buffer + used, from, needed);
		used += needed;
		if (!is_space(letter))
			end = used;
	}
	buffer[end] = '\0';
	*ret_used = end;
	return SHEET_FINE;
}

/* Most cells: ASCII that is clean as it stands. */
static bool is_plain(const char *text, size_t bytes)
{
	if (bytes > SHEET_CELL_BYTES_MAX || (bytes && (text[0] == ' ' || text[bytes - 1] == ' ')))
		return false;
	for (size_t i = 0; i < bytes; i++)
		if (text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return true;
}

struct sheet_text sheet_builder_text(struct sheet_builder *builder, const char *text, size_t bytes)
{
	char clean[4 * SHEET_CELL_BYTES_MAX], normal[SHEET_CELL_BYTES_MAX + 1];
	struct sheet_text result = { 0 };
	size_t used = 0;
	if (builder->error)
		return result;
	if (is_plain(text, bytes)) {
		memcpy(normal, text, bytes);
		normal[bytes] = '\0';
		result.offset = keep_text(builder, normal);
		return result;
	}
	result.trouble = clean_text(text, bytes, clean, sizeof clean, &used);
	if (result.trouble)
		return result;
	int error = text_to_nfc(clean, used, normal, sizeof normal);
	if (error)
		result.trouble = error == -BAOPHU_EFULL ? SHEET_CELL_TOO_LONG : SHEET_CELL_CONTROL;
	else
		result.offset = keep_text(builder, normal);
	return result;
}

void sheet_builder_tab(struct sheet_builder *builder, const char *name)
{
	char clean[SHEET_NAME_BYTES], normal[SHEET_NAME_BYTES] = "";
	size_t used;
	if (clean_text(name, strlen(name), clean, sizeof clean, &used) || text_to_nfc(clean, used, normal, sizeof normal) != 0)
		memcpy(normal, "?", 2); /* no program writes such a name */
	memcpy(builder->tab, normal, sizeof normal);
	builder->merge_count = 0;
}

const char *sheet_builder_string(const struct sheet_builder *builder, struct sheet_text text)
{
	return builder->texts + text.offset;
}

static void add_cell(struct sheet_builder *builder, uint32_t row, uint32_t column, uint8_t kind, uint8_t trouble, uint32_t text)
{
	if (row >= SHEET_ROWS_MAX)
		sheet_builder_wrong(builder, SHEET_TOO_MANY_ROWS, row, column, "%s", "");
	else if (column >= SHEET_COLUMNS_MAX)
		sheet_builder_wrong(builder, SHEET_TOO_MANY_COLUMNS, row, column, "%s", "");
	else if (builder->cell_count == SHEET_CELLS_MAX)
		sheet_builder_wrong(builder, SHEET_TOO_MANY_CELLS, row, column, "%s", "");
	if (builder->error ||
	    !grow(builder, (void **)&builder->cells, builder->cell_count, &builder->cell_capacity, sizeof *builder->cells))
		return;
	builder->cells[builder->cell_count++] = (struct built_cell){
		.row = row, .column = (uint16_t)column, .kind = kind, .trouble = trouble, .text = text
	};
}

void sheet_builder_cell(struct sheet_builder *builder, uint32_t row, uint32_t column, enum sheet_kind kind, struct sheet_text text)
{
	if (text.trouble)
		add_cell(builder, row, column, SHEET_ERROR, (uint8_t)text.trouble, 0);
	else if (text.offset)
		add_cell(builder, row, column, (uint8_t)kind, SHEET_FINE, text.offset);
}

void sheet_builder_bad_cell(struct sheet_builder *builder, uint32_t row, uint32_t column, enum sheet_trouble trouble,
			    const char *text)
{
	struct sheet_text kept = sheet_builder_text(builder, text, strlen(text));
	add_cell(builder, row, column, SHEET_ERROR, (uint8_t)trouble, kept.offset);
}

void sheet_builder_merge(struct sheet_builder *builder, uint32_t row, uint32_t column, uint32_t last_row, uint32_t last_column)
{
	if (builder->merge_count == SHEET_MERGES_MAX)
		sheet_builder_wrong(builder, SHEET_TOO_MANY_PARTS, row, column, "mergeCell");
	if (builder->error ||
	    !grow(builder, (void **)&builder->merges, builder->merge_count, &builder->merge_capacity, sizeof *builder->merges))
		return;
	builder->merges[builder->merge_count++] = (struct merge){
		.row = row, .column = column, .last_row = last_row, .last_column = last_column
	};
}

void sheet_builder_line(struct sheet_builder *builder, uint32_t row, uint32_t line)
{
	if (row >= SHEET_ROWS_MAX || builder->error)
		return;
	if (row == builder->line_count &&
	    grow(builder, (void **)&builder->lines, builder->line_count, &builder->line_capacity, sizeof *builder->lines))
		builder->lines[builder->line_count++] = line;
}

static int by_place(const void *a, const void *b)
{
	const struct built_cell *x = a, *y = b;
	if (x->row != y->row)
		return x->row < y->row ? -1 : 1;
	return x->column < y->column ? -1 : x->column > y->column;
}

static void sort_cells(struct sheet_builder *builder, uint32_t from)
{
	bool is_sorted = true;
	for (uint32_t i = from + 1; i < builder->cell_count && is_sorted; i++)
		is_sorted = by_place(&builder->cells[i - 1], &builder->cells[i]) < 0;
	if (!is_sorted)
		qsort(builder->cells + from, builder->cell_count - from, sizeof *builder->cells, by_place);
}

/* Two cells in one place: whatever was meant, one of them is wrong. */
static void refuse_doubles(struct sheet_builder *builder, enum sheet_trouble what, uint32_t from)
{
	for (uint32_t i = from + 1; i < builder->cell_count; i++) {
		const struct built_cell *cell = &builder->cells[i];
		char name[16];
		if (by_place(cell - 1, cell) == 0)
			sheet_builder_wrong(builder, what, cell->row, cell->column, "%s",
					    sheet_cell_name(cell->row, cell->column, name));
	}
}

static void bounds(const struct sheet_builder *builder, uint32_t *ret_rows, uint32_t *ret_columns)
{
	*ret_rows = *ret_columns = 0;
	for (uint32_t i = 0; i < builder->cell_count; i++) {
		const struct built_cell *cell = &builder->cells[i];
		*ret_rows = cell->row >= *ret_rows ? cell->row + 1 : *ret_rows;
		*ret_columns = cell->column >= *ret_columns ? cell->column + 1u : *ret_columns;
	}
}

/* The cell at a place among the first `count`, which are sorted; NULL. */
static const struct built_cell *find_cell(const struct sheet_builder *builder, uint32_t count, uint32_t row, uint32_t column)
{
	struct built_cell wanted = { .row = row, .column = (uint16_t)column };
	return column < SHEET_COLUMNS_MAX && count ? bsearch(&wanted, builder->cells, count, sizeof wanted, by_place) : NULL;
}

/* Fills merged ranges with their first cell's content, as far as there are other cells at all; what hid below it is gone from the screen and
 * goes from here. All cells of all ranges are appended first, so that two ranges over one cell are found. */
static void fill_merges(struct sheet_builder *builder, uint32_t row_count, uint32_t column_count)
{
	uint32_t own_count = builder->cell_count;
	for (uint32_t i = 0; i < builder->merge_count && !builder->error; i++) {
		struct merge range = builder->merges[i];
		const struct built_cell *found = find_cell(builder, own_count, range.row, range.column);
		if (!found)
			continue;
		struct built_cell first = *found; /* the array moves while it grows */
		for (uint32_t row = range.row; row <= range.last_row && row < row_count && !builder->error; row++)
			for (uint32_t column = range.column; column <= range.last_column && column < column_count; column++)
				add_cell(builder, row, column,
					 row == range.row && column == range.column ? first.kind : first.kind | SHEET_COPY_BIT,
					 first.trouble, first.text);
	}
	if (builder->error || builder->cell_count == own_count)
		return;
	sort_cells(builder, own_count);
	refuse_doubles(builder, SHEET_BAD_PLACE, own_count);
	/* The appended ones stand over the others. */
	uint32_t kept = 0;
	const struct built_cell *merged = builder->cells + own_count;
	uint32_t merged_count = builder->cell_count - own_count;
	for (uint32_t i = 0, j = 0; i < own_count; i++) {
		while (j < merged_count && by_place(&merged[j], &builder->cells[i]) < 0)
			j++;
		if (j == merged_count || by_place(&merged[j], &builder->cells[i]) != 0)
			builder->cells[kept++] = builder->cells[i];
	}
	memmove(builder->cells + kept, merged, merged_count * sizeof *merged);
	builder->cell_count = kept + merged_count;
	sort_cells(builder, 0);
}

static struct sheet_image *lay_out(const struct sheet_builder *builder, uint32_t tab, size_t *ret_size)
{
	uint32_t row_count, column_count;
	bounds(builder, &row_count, &column_count);
	bool has_lines = builder->line_count >= row_count && row_count && builder->lines[row_count - 1] != row_count;
	size_t first_cells = sizeof(struct sheet_image), lines = first_cells + (row_count + 1) * sizeof(uint32_t),
	       cells = lines + (has_lines ? row_count * sizeof(uint32_t) : 0),
	       texts = cells + builder->cell_count * sizeof(struct sheet_image_cell);
	*ret_size = texts + builder->text_bytes;
	char *image = malloc(*ret_size);
	if (!image)
		return NULL;
	struct sheet_image *head = (void *)image;
	*head = (struct sheet_image){ .magic = SHEET_IMAGE_MAGIC,
				      .format = builder->format,
				      .row_count = row_count,
				      .column_count = column_count,
				      .cell_count = builder->cell_count,
				      .line_count = has_lines ? row_count : 0,
				      .text_bytes = builder->text_bytes,
				      .tab = tab };
	uint32_t *first_cell = (void *)(image + first_cells);
	struct sheet_image_cell *cell = (void *)(image + cells);
	uint32_t at = 0;
	for (uint32_t row = 0; row <= row_count; row++) {
		while (at < builder->cell_count && builder->cells[at].row < row)
			at++;
		first_cell[row] = at;
	}
	for (uint32_t i = 0; i < builder->cell_count; i++)
		cell[i] = (struct sheet_image_cell){ .text = builder->cells[i].text,
						     .column = builder->cells[i].column,
						     .kind = builder->cells[i].kind,
						     .trouble = builder->cells[i].trouble };
	if (has_lines)
		memcpy(image + lines, builder->lines, row_count * sizeof(uint32_t));
	memcpy(image + texts, builder->texts, builder->text_bytes);
	return head;
}

int sheet_builder_end(struct sheet_builder *builder, struct sheet **ret_sheet)
{
	uint32_t row_count, column_count;
	sort_cells(builder, 0);
	refuse_doubles(builder, SHEET_BAD_PLACE, 0);
	bounds(builder, &row_count, &column_count);
	fill_merges(builder, row_count, column_count);
	if (!builder->error && !builder->cell_count)
		sheet_builder_wrong(builder, SHEET_NOTHING_IN_IT, SHEET_NOWHERE, SHEET_NOWHERE, "%s", "");
	uint32_t tab = sheet_builder_text(builder, builder->tab, strlen(builder->tab)).offset;
	size_t size;
	void *image = builder->error ? NULL : lay_out(builder, tab, &size);
	int error = builder->error;
	sheet_builder_destroy(builder);
	if (error)
		return error;
	return image ? sheet_from_image(image, size, ret_sheet) : -ENOMEM;
}
