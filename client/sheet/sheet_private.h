/* sheet_private.h - a sheet in memory, and how the readers of single formats build one. For files of client/sheet only.
 *
 * A sheet is one block of memory without pointers, an image, so that a reader in another process hands it over as it is; nothing in an
 * image is believed before sheet_from_image has looked at all of it.
 */
#pragma once

#include "sheet.h"

/* ---- the image ---- */

#define SHEET_IMAGE_MAGIC "BPSHEET1"
struct sheet_image {
	char magic[8];
	uint32_t format, row_count, column_count, cell_count;
	uint32_t line_count; /* row_count + 0 when rows and lines of the file differ, else 0 */
	uint32_t text_bytes;
	uint32_t tab; /* offset of its name in the texts */
	uint32_t reserved; /* 0 */
	/* uint32_t first_cell[row_count + 1], line[line_count]; struct sheet_image_cell cell[cell_count]; char texts[text_bytes] */
};
struct sheet_image_cell {
	uint32_t text; /* offset; 0: "" */
	uint16_t column;
	uint8_t kind; /* enum sheet_kind; the highest bit: a copy inside a merged range */
	uint8_t trouble;
};
enum { SHEET_COPY_BIT = 0x80, SHEET_IMAGE_BYTES_MAX = 40 << 20 };
/* Takes `image` (malloc) whatever comes back. 0 and an owned sheet; -BAOPHU_EMALFORMED: it is none; -ENOMEM. */
int sheet_from_image(void *image, size_t size, struct sheet **ret_sheet);
/* Lent. */
const void *sheet_image(const struct sheet *sheet, size_t *ret_size);

/* What a reader in another process answers instead of an image. */
#define SHEET_WRONG_MAGIC "BPWRONG1"
struct sheet_wrong_answer {
	char magic[8];
	struct sheet_problem problem;
};
/* Whether a problem from outside is one of a file or a cell, and its texts are texts. */
bool sheet_problem_is_sound(const struct sheet_problem *problem);

/* ---- building ---- */

struct sheet_builder;
/* `problem` is borrowed until the end: the first thing that goes wrong is kept there, and every later call does nothing. NULL: no memory. */
struct sheet_builder *sheet_builder_create(enum sheet_format format, struct sheet_problem *problem);
void sheet_builder_destroy(struct sheet_builder *builder);
/* 0, or what went wrong first: -BAOPHU_EMALFORMED (the problem is filled) or -ENOMEM. */
int sheet_builder_error(const struct sheet_builder *builder);
void sheet_builder_no_memory(struct sheet_builder *builder);
__attribute__((format(printf, 5, 6))) void sheet_builder_wrong(struct sheet_builder *builder, enum sheet_trouble what, uint32_t row,
							       uint32_t column, const char *detail, ...);
/* The tab that cells, merged ranges and problems belong to from now on; merged ranges of another are forgotten. */
void sheet_builder_tab(struct sheet_builder *builder, const char *name);

/* A text as cells hold it: NFC, trimmed, line ends as \n, kept once. ret_trouble: SHEET_FINE, or why it is no text (then it is ""). */
struct sheet_text {
	uint32_t offset;
	enum sheet_trouble trouble;
};
struct sheet_text sheet_builder_text(struct sheet_builder *builder, const char *text, size_t bytes);
/* Lent until the next call that adds something. */
const char *sheet_builder_string(const struct sheet_builder *builder, struct sheet_text text);
/* Cells may come in any order, none twice. A TEXT that is "" makes no cell; one with a trouble makes an ERROR cell. */
void sheet_builder_cell(struct sheet_builder *builder, uint32_t row, uint32_t column, enum sheet_kind kind, struct sheet_text text);
void sheet_builder_bad_cell(struct sheet_builder *builder, uint32_t row, uint32_t column, enum sheet_trouble trouble,
			    const char *text);
uint32_t sheet_builder_cell_count(const struct sheet_builder *builder);
/* What stands in the first cell of the range stands in all of it. Ranges may not overlap. */
void sheet_builder_merge(struct sheet_builder *builder, uint32_t row, uint32_t column, uint32_t last_row, uint32_t last_column);
/* The line, from 1, at which a row begins; rows in order, for all or none. */
void sheet_builder_line(struct sheet_builder *builder, uint32_t row, uint32_t line);
/* Ends it and frees the builder. As sheet_read. */
int sheet_builder_end(struct sheet_builder *builder, struct sheet **ret_sheet);
