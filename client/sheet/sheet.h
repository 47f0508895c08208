/* sheet.h - a file that somebody filled in, as a bounded grid of cells: .csv (comma, semicolon, tab) and .xlsx behind one interface.
 *
 * Knows files and cells, not units and measures: what a column means is the caller's. Every bound stands below and is checked while
 * reading, so nothing in a file can make memory grow past it. Nothing is guessed: what cannot be read exactly is a problem that names
 * file, tab, cell, and what to do. Rows and columns count from 0: A1 is row 0, column 0.
 *
 * Files of strangers are read in a process of its own: sheet_child.h. The functions below that take bytes are what runs in there.
 */
#pragma once

#include <stddef.h>

#include <baophu/types.h>

enum {
	SHEET_FILE_BYTES_MAX = 16 << 20, /* of the file as it lies there */
	SHEET_ROWS_MAX = 100000,
	SHEET_COLUMNS_MAX = 256,
	SHEET_CELLS_MAX = 1000000, /* that hold something, copies in merged ranges included */
	SHEET_TEXT_BYTES_MAX = 16 << 20, /* all different texts together */
	SHEET_CELL_BYTES_MAX = 2000, /* one text; a longer one is an ERROR cell, the file goes on */
	SHEET_TABS_MAX = 64,
	SHEET_MERGES_MAX = 10000,
	SHEET_NAME_BYTES = 128, /* a tab's name (Excel: 31 letters) and its NUL */
	SHEET_PROBLEM_BYTES = 1024, /* enough for any sheet_explain */
};

/* What the first cell (A1) of a template's tab begins with. It stands in the tab itself, in a hidden row, because that survives every program
 * that saves the file, as .csv too. */
#define SHEET_MARK "baophu-bieu-nhap"
#define SHEET_NOWHERE UINT32_MAX /* no row, no column */

enum sheet_format { SHEET_CSV, SHEET_XLSX };
enum sheet_kind {
	SHEET_EMPTY,
	SHEET_TEXT, /* as typed, NFC, without space at either end */
	SHEET_NUMBER, /* as it stands in the file: 1065565, 1.065565E6, 0.10000000000000001 (human_count_cell reads it) */
	SHEET_DATE, /* as much of 2024-04-30 as the cell shows: 2024-04 under the format mm/yyyy, 2024 under yyyy; a time of day is left out */
	SHEET_PERCENT, /* a number under a format with %: 0.9262 is 92,62 % */
	SHEET_BOOL, /* 0 or 1 */
	SHEET_ERROR, /* `trouble` says why; the text is what stands there (#REF!) or "" */
	SHEET_KIND_COUNT
};
/* What can be wrong with a file or, from SHEET_CELL_FIRST on, with one cell. */
enum sheet_trouble {
	SHEET_FINE,
	/* not a file for us */
	SHEET_NO_BYTES, /* empty */
	SHEET_NOTHING_IN_IT, /* no cell holds anything */
	SHEET_TOO_BIG, /* more bytes than SHEET_FILE_BYTES_MAX */
	SHEET_OLD_EXCEL, /* .xls */
	SHEET_ENCRYPTED, /* a password is needed */
	SHEET_BINARY_EXCEL, /* .xlsb */
	SHEET_OPEN_DOCUMENT, /* .ods */
	SHEET_OTHER_DOCUMENT, /* Word, PDF, HTML under another name, a picture, ...; detail says which */
	/* text files */
	SHEET_UTF16,
	SHEET_NOT_UTF8, /* row: the line, from 0 */
	SHEET_ZERO_BYTE, /* row: the line, from 0 */
	SHEET_STRAY_QUOTE, /* row: the line, from 0 */
	SHEET_OPEN_QUOTE, /* row: the line where the cell begins, from 0 */
	/* .xlsx */
	SHEET_DAMAGED_ZIP, /* detail: libzip's words */
	SHEET_DAMAGED_PART, /* detail: the part, and where in it */
	SHEET_MISSING_PART, /* detail: the part */
	SHEET_REPEATED_PART, /* detail: the part */
	SHEET_BOMB, /* unpacks to far more than it holds; detail: the part */
	SHEET_DOCTYPE, /* a document type or entity definition, which no spreadsheet needs; detail: the part */
	SHEET_TOO_DEEP, /* XML nesting; detail: the part */
	SHEET_NO_TAB, /* no visible tab with cells */
	SHEET_BAD_PLACE, /* a cell, range or index that does not exist; detail: as it stands there */
	/* bounds of the grid */
	SHEET_TOO_MANY_ROWS,
	SHEET_TOO_MANY_COLUMNS,
	SHEET_TOO_MANY_CELLS,
	SHEET_TOO_MUCH_TEXT,
	SHEET_TOO_MANY_PARTS, /* tabs, merged ranges, styles, entries of the archive; detail: which */
	/* the reading process (sheet_child.h) */
	SHEET_READER_DIED, /* detail: how */
	SHEET_READER_FULL, /* needs more memory than it may have */
	SHEET_READER_SLOW,
	SHEET_READER_WRONG, /* its answer is not one */
	SHEET_READER_MISSING, /* detail: errno's words */
	/* one cell */
	SHEET_CELL_FIRST,
	SHEET_CELL_HAS_ERROR = SHEET_CELL_FIRST, /* #REF!, #DIV/0!, ... */
	SHEET_CELL_NOT_CALCULATED, /* a formula without a stored result */
	SHEET_CELL_TOO_LONG,
	SHEET_CELL_NO_DATE, /* a date format over a number that is no date */
	SHEET_CELL_NOT_A_NUMBER, /* a numeric cell whose content is none */
	SHEET_CELL_CONTROL, /* a control character */
	SHEET_CELL_SCALED, /* the number format writes nghìn, triệu or tỷ behind the number: 806 is shown as 806 triệu */
	SHEET_TROUBLE_COUNT
};
struct sheet_problem {
	enum sheet_trouble what;
	uint32_t row, column; /* SHEET_NOWHERE: not of one row, not of one cell */
	char tab[SHEET_NAME_BYTES]; /* "": not of one tab */
	char detail[200];
};
struct sheet_cell {
	uint32_t row, column;
	enum sheet_kind kind;
	enum sheet_trouble trouble; /* of an ERROR cell */
	bool is_copy; /* inside a merged range, and not its first cell: the text is that of the first */
	const char *text; /* lent by the sheet; never NULL */
};
struct sheet;

/* Reads a whole file from memory, .csv or .xlsx by what is in it, not by its name. Borrows `bytes`. 0 and an owned sheet;
 * -BAOPHU_EMALFORMED with *ret_problem filled; -ENOMEM. */
int sheet_read(const void *bytes, size_t size, struct sheet **ret_sheet, struct sheet_problem *ret_problem);
int sheet_read_csv(const void *bytes, size_t size, struct sheet **ret_sheet, struct sheet_problem *ret_problem);
int sheet_read_xlsx(const void *bytes, size_t size, struct sheet **ret_sheet, struct sheet_problem *ret_problem);
void sheet_destroy(struct sheet *sheet);

enum sheet_format sheet_format(const struct sheet *sheet);
/* One more than the last row and column that hold something. */
uint32_t sheet_row_count(const struct sheet *sheet);
uint32_t sheet_column_count(const struct sheet *sheet);
/* Any place may be asked for; where nothing is, the cell is EMPTY and its text "". */
struct sheet_cell sheet_at(const struct sheet *sheet, uint32_t row, uint32_t column);
/* The line of a text file at which a row begins, from 1: more than row + 1 when a quoted cell above goes over several lines. .xlsx: row + 1. */
uint32_t sheet_line(const struct sheet *sheet, uint32_t row);

/* The tab that was read, lent; "" for text files. The first visible one with the mark, else the first visible one that holds something. */
const char *sheet_tab(const struct sheet *sheet);
/* Whether A1 begins with SHEET_MARK. */
bool sheet_has_mark(const struct sheet *sheet);

/* "B7" of row 6, column 1; buffer of 16 bytes. Returns `buffer`. */
const char *sheet_cell_name(uint32_t row, uint32_t column, char buffer[static 16]);
/* What is wrong with an ERROR cell, ready to be explained. */
struct sheet_problem sheet_cell_problem(const struct sheet *sheet, const struct sheet_cell *cell);
/* "tep.xlsx, trang «Số liệu», ô B7: ...; ...": file, tab, cell, what it is and what to do, in the user's language. Borrows `file`; NULL or
 * "": no file is named. Returns `buffer`. */
const char *sheet_explain(const struct sheet_problem *problem, const char *file, char *buffer, size_t size);
