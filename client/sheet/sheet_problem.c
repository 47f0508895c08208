/* sheet_problem.c - what can be wrong with a file, in words for the person who made it: what it is, and what to do. See sheet.h. */
#include <stdio.h>
#include <string.h>

#include "language.h"
#include "sheet.h"
#include "text.h"

/* %s: the detail. A row of dots in a text is never needed: what is not said here is said by file, tab and cell. */
static const char *const words[SHEET_TROUBLE_COUNT] = {
	[SHEET_FINE] = N_("nothing is wrong"),
	[SHEET_NO_BYTES] = N_("the file is empty; was it copied to the end?"),
	[SHEET_NOTHING_IN_IT] = N_("no cell holds anything"),
	[SHEET_TOO_BIG] = N_("the file has more than 16 MB; keep only the sheet with the figures, without pictures"),
	[SHEET_OLD_EXCEL] = N_("the file is in the old Excel format; open it and save it as .xlsx"),
	[SHEET_ENCRYPTED] = N_("the file is protected by a password; save it as .xlsx without one"),
	[SHEET_BINARY_EXCEL] = N_("the file is a binary workbook (.xlsb); open it and save it as .xlsx"),
	[SHEET_OPEN_DOCUMENT] = N_("the file is an OpenDocument file (.ods); open it and save it as .xlsx"),
	[SHEET_OTHER_DOCUMENT] = N_("this is no spreadsheet but %s; save the figures as .xlsx"),
	[SHEET_UTF16] = N_("the file is UTF-16; in Excel choose “CSV UTF-8” when saving"),
	[SHEET_NOT_UTF8] = N_("the file is not UTF-8 (TCVN3, VNI or Windows-1258?); in Excel choose “CSV UTF-8” when saving"),
	[SHEET_ZERO_BYTE] = N_("the file has a zero byte; it is not a text file"),
	[SHEET_STRAY_QUOTE] = N_("a double quote stands where it must not; write it twice inside quotes"),
	[SHEET_OPEN_QUOTE] = N_("a cell opened by a double quote is never closed"),
	[SHEET_DAMAGED_ZIP] = N_("the file is damaged or was not copied to the end (%s); copy it again, or save it again as .xlsx"),
	[SHEET_DAMAGED_PART] = N_("the file is damaged (%s); save it again as .xlsx"),
	[SHEET_MISSING_PART] = N_("the file is damaged: %s is missing; save it again as .xlsx"),
	[SHEET_REPEATED_PART] = N_("the file is damaged: %s is in it twice; save it again as .xlsx"),
	[SHEET_BOMB] = N_("%s unpacks to far more than a sheet holds; copy the figures into a new file"),
	[SHEET_DOCTYPE] = N_("%s has a document type, which no spreadsheet program writes; the file is not taken"),
	[SHEET_TOO_DEEP] = N_("%s is nested more deeply than any spreadsheet; the file is not taken"),
	[SHEET_NO_TAB] = N_("there is no visible sheet in the file"),
	[SHEET_BAD_PLACE] = N_("the file is damaged: “%s” is there twice or cannot be; save it again as .xlsx"),
	[SHEET_TOO_MANY_ROWS] = N_("there are more than 100,000 rows; split the file"),
	[SHEET_TOO_MANY_COLUMNS] = N_("there are more than 256 columns; remove what stands to the right of the table"),
	[SHEET_TOO_MANY_CELLS] = N_("there are more than a million filled cells; split the file"),
	[SHEET_TOO_MUCH_TEXT] = N_("there are more than 16 MB of text; split the file"),
	[SHEET_TOO_MANY_PARTS] = N_("there are too many parts (%s); copy the figures into a new file"),
	[SHEET_READER_DIED] = N_("reading the file failed (%s); copy the figures into a new file"),
	[SHEET_READER_FULL] = N_("reading the file needs more memory than is allowed; copy the figures into a new file"),
	[SHEET_READER_SLOW] = N_("reading the file takes too long; copy the figures into a new file"),
	[SHEET_READER_WRONG] = N_("the program that reads files gave a wrong answer; tell the administrator"),
	[SHEET_READER_MISSING] = N_("the program that reads files cannot be started (%s); tell the administrator"),
	[SHEET_CELL_HAS_ERROR] = N_("%s: the formula has an error; mend it, or write the figure itself"),
	[SHEET_CELL_NOT_CALCULATED] = N_(
	    "a formula without a result; open the file in Excel or LibreOffice and save it, or write the figure itself"),
	[SHEET_CELL_TOO_LONG] = N_("the text has more than 2,000 bytes; make it shorter"),
	[SHEET_CELL_NO_DATE] = N_("“%s” is formatted as a date and is none; write the date again"),
	[SHEET_CELL_NOT_A_NUMBER] = N_("“%s” is stored as a number and is none; write it again"),
	[SHEET_CELL_CONTROL] = N_("there is a control character in the cell; write it again"),
	[SHEET_CELL_SCALED] = N_("the cell's number format writes a word such as triệu behind the number; write the whole number"),
};

const char *sheet_cell_name(uint32_t row, uint32_t column, char buffer[static 16])
{
	char letters[8];
	size_t at = sizeof letters - 1;
	letters[at] = '\0';
	for (uint64_t left = (uint64_t)column + 1; left && at; left = (left - 1) / 26)
		letters[--at] = (char)('A' + (left - 1) % 26);
	snprintf(buffer, 16, "%.5s%u", letters + at, row + 1);
	return buffer;
}

struct sheet_problem sheet_cell_problem(const struct sheet *sheet, const struct sheet_cell *cell)
{
	struct sheet_problem problem = { .what = cell->trouble, .row = cell->row, .column = cell->column };
	snprintf(problem.tab, sizeof problem.tab, "%s", sheet_tab(sheet));
	snprintf(problem.detail, sizeof problem.detail, "%.*s", (int)text_cut(cell->text, 60), cell->text);
	return problem;
}

/* Names of what is no spreadsheet come as words of the language. */
static const char *detail_text(const struct sheet_problem *problem)
{
	return problem->what == SHEET_OTHER_DOCUMENT ? _(problem->detail) : problem->detail;
}

const char *sheet_explain(const struct sheet_problem *problem, const char *file, char *buffer, size_t size)
{
	char place[SHEET_NAME_BYTES + 400] = "", cell[16], what[600];
	size_t used = 0;
	const char *comma = "";
	if (file && *file) {
		used += (size_t)snprintf(place, sizeof place, "%.*s", (int)text_cut(file, 300), file);
		comma = ", ";
	}
	if (*problem->tab) {
		used += (size_t)snprintf(place + used, sizeof place - used, _("%ssheet “%s”"), comma, problem->tab);
		comma = ", ";
	}
	if (problem->row != SHEET_NOWHERE && problem->column != SHEET_NOWHERE)
		snprintf(place + used, sizeof place - used, _("%scell %s"), comma,
			 sheet_cell_name(problem->row, problem->column, cell));
	else if (problem->row != SHEET_NOWHERE)
		snprintf(place + used, sizeof place - used, _("%sline %u"), comma, problem->row + 1);
	enum sheet_trouble trouble = problem->what < SHEET_TROUBLE_COUNT ? problem->what : SHEET_READER_WRONG;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* every one of them has at most one %s; the test of this file looks */
	snprintf(what, sizeof what, _(words[trouble]), detail_text(problem));
#pragma GCC diagnostic pop
	snprintf(buffer, size, "%s%s%s", place, *place ? ": " : "", what);
	return buffer;
}
