/* Text files as spreadsheet programs write them, and those that are none. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/status.h>

#include "sheet.h"
#include "sheet_dump.h"

static char *dump_of(const char *text, size_t size)
{
	struct sheet *sheet;
	struct sheet_problem problem;
	char why[SHEET_PROBLEM_BYTES];
	int error = sheet_read(text, size, &sheet, &problem);
	cr_assert_eq(error, 0, "%.60s: %d, %s", text, error, sheet_explain(&problem, NULL, why, sizeof why));
	cr_assert_eq(sheet_format(sheet), SHEET_CSV);
	char *dump = sheet_dump(sheet);
	sheet_destroy(sheet);
	return dump;
}

static void reads_as(const char *text, const char *wanted)
{
	char *dump = dump_of(text, strlen(text));
	cr_assert_str_eq(dump, wanted, "%s\ngives\n%s", text, dump);
	free(dump);
}

static void fails_as(const char *text, size_t size, enum sheet_trouble what, uint32_t row)
{
	struct sheet *sheet = NULL;
	struct sheet_problem problem;
	cr_assert_eq(sheet_read(text, size, &sheet, &problem), -BAOPHU_EMALFORMED, "%.60s", text);
	cr_assert_eq(problem.what, what, "%.60s: %d", text, (int)problem.what);
	cr_assert_eq(problem.row, row, "%.60s: %u", text, problem.row);
	cr_assert_null(sheet);
}

Test(sheet_csv, is_read_from_another_program)
{
	static const char *const names[] = { "comma", "semicolon", "tab" };
	size_t size, wanted_size;
	char *wanted = read_file(TESTS_DIR "/vectors/sheets/libreoffice.csv.txt", &wanted_size);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[400];
		snprintf(path, sizeof path, TESTS_DIR "/vectors/sheets/libreoffice-%s.csv", names[i]);
		char *text = read_file(path, &size), *dump = dump_of(text, size);
		cr_assert_str_eq(dump, wanted, "%s", names[i]);
		free(text);
		free(dump);
	}
	free(wanted);
}

Test(sheet_csv, finds_the_separator_by_what_the_lines_have_in_common)
{
	reads_as("a;b\n1,5;2,5\n3;4\n", "tab\nA1 TEXT a\nB1 TEXT b\nA2 TEXT 1,5\nB2 TEXT 2,5\nA3 TEXT 3\nB3 TEXT 4\n");
	reads_as(
	    "Báo cáo tháng 4, năm 2024\n\na;b;c\n1;2;3\n4;5;6\n",
	    "tab\nA1 TEXT Báo cáo tháng 4, năm 2024\nA3 TEXT a\nB3 TEXT b\nC3 TEXT c\nA4 TEXT 1\nB4 TEXT 2\nC4 TEXT 3\nA5 TEXT 4\n"
	    "B5 TEXT 5\nC5 TEXT 6\n");
	reads_as("a\tb\n1,5\t2;5\n", "tab\nA1 TEXT a\nB1 TEXT b\nA2 TEXT 1,5\nB2 TEXT 2;5\n");
	reads_as("\"a;b;c\",d\n\"e;f;g\",h\n", "tab\nA1 TEXT a;b;c\nB1 TEXT d\nA2 TEXT e;f;g\nB2 TEXT h\n");
	reads_as("a;b,c\n1;2,5\n", "tab\nA1 TEXT a\nB1 TEXT b,c\nA2 TEXT 1\nB2 TEXT 2,5\n");
	reads_as("a;x,b\nc;;y,d\ne;;;z,f\n", "tab\nA1 TEXT a;x\nB1 TEXT b\nA2 TEXT c;;y\nB2 TEXT d\nA3 TEXT e;;;z\nB3 TEXT f\n");
	reads_as("sep=;\na,b;c\n", "tab\nA1 TEXT a,b\nB1 TEXT c\n");
	reads_as("\xef\xbb\xbfSEP=,\r\na,b\r\n", "tab\nA1 TEXT a\nB1 TEXT b\n");
	reads_as("alone", "tab\nA1 TEXT alone\n");
}

Test(sheet_csv, takes_marks_line_ends_and_quotes_as_programs_write_them)
{
	reads_as("\xef\xbb\xbfMã,Tên\r\n1,\"Xã \"\"A\"\"\"\r\n", "tab\nA1 TEXT Mã\nB1 TEXT Tên\nA2 TEXT 1\nB2 TEXT Xã \"A\"\n");
	reads_as("a,\"hai\r\ndòng\"\n", "tab\nA1 TEXT a\nB1 TEXT hai\\ndòng\n");
	reads_as("  a , \u00a0b\u00a0 \n", "tab\nA1 TEXT a\nB1 TEXT b\n");
	/* Decomposed letters come composed, and what cannot be seen does not make another text. */
	reads_as("a,Ho\u0300a\u200b\n", "tab\nA1 TEXT a\nB1 TEXT Hòa\n");
	reads_as(",,\n,x,\n", "tab\nB2 TEXT x\n");
	reads_as("a\tb\n", "tab\nA1 TEXT a\nB1 TEXT b\n");
}

Test(sheet_csv, counts_rows_as_a_spreadsheet_and_lines_as_an_editor)
{
	static const char text[] = "a,b\n\n \"x\ny\nz\",1\n\nlast,2\n";
	struct sheet *sheet;
	struct sheet_problem problem;
	reads_as(text, "tab\nA1 TEXT a\nB1 TEXT b\nA3 TEXT x\\ny\\nz\nB3 TEXT 1\nA5 TEXT last\nB5 TEXT 2\n");
	cr_assert_eq(sheet_read(text, strlen(text), &sheet, &problem), 0);
	static const uint32_t lines[] = { 1, 2, 3, 6, 7 };
	for (uint32_t row = 0; row < 5; row++)
		cr_assert_eq(sheet_line(sheet, row), lines[row], "%u: %u", row, sheet_line(sheet, row));
	cr_assert_str_eq(sheet_tab(sheet), "");
	cr_assert_not(sheet_has_mark(sheet));
	sheet_destroy(sheet);
	cr_assert_eq(sheet_read("sep=,\na,b\n", 10, &sheet, &problem), 0);
	cr_assert_eq(sheet_line(sheet, 0), 2);
	sheet_destroy(sheet);
	cr_assert_eq(sheet_read(SHEET_MARK " 1,2\n", sizeof SHEET_MARK + 5 - 1, &sheet, &problem), 0);
	cr_assert(sheet_has_mark(sheet));
	sheet_destroy(sheet);
}

Test(sheet_csv, names_what_is_wrong_with_its_line)
{
	fails_as("", 0, SHEET_NO_BYTES, SHEET_NOWHERE);
	fails_as("\xef\xbb\xbf", 3, SHEET_NO_BYTES, SHEET_NOWHERE);
	fails_as("\n , ,\n", 6, SHEET_NOTHING_IN_IT, SHEET_NOWHERE);
	fails_as("a,b\nc,d\nX\xe3,e\n", 14, SHEET_NOT_UTF8, 2); /* Xã in Windows-1258 */
	fails_as("a,b\nc,\0d\n", 9, SHEET_ZERO_BYTE, 1);
	fails_as("\xff\xfe"
		 "a\0,\0b\0",
		 8, SHEET_UTF16, SHEET_NOWHERE);
	fails_as("a\0,\0b\0\n\0", 8, SHEET_UTF16, SHEET_NOWHERE);
	fails_as("a,b\nc,\"d\"e\n", 11, SHEET_STRAY_QUOTE, 1);
	fails_as("a,b\nc\nd,\"e\nf\n", 13, SHEET_OPEN_QUOTE, 2);
}

Test(sheet_csv, knows_files_that_only_have_its_name)
{
	fails_as("%PDF-1.4\n", 9, SHEET_OTHER_DOCUMENT, SHEET_NOWHERE);
	fails_as("\n<html><table>", 14, SHEET_OTHER_DOCUMENT, SHEET_NOWHERE);
	fails_as("\xef\xbb\xbf<?xml version=\"1.0\"?>", 24, SHEET_OTHER_DOCUMENT, SHEET_NOWHERE);
	fails_as("\x89PNG\r\n\x1a\n", 8, SHEET_OTHER_DOCUMENT, SHEET_NOWHERE);
	static const char ole[64] = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
	fails_as(ole, sizeof ole, SHEET_OLD_EXCEL, SHEET_NOWHERE);
	char encrypted[64];
	memcpy(encrypted, ole, sizeof ole);
	for (size_t i = 0; i < 16; i++) {
		encrypted[20 + 2 * i] = "EncryptedPackage"[i];
		encrypted[21 + 2 * i] = 0;
	}
	fails_as(encrypted, sizeof encrypted, SHEET_ENCRYPTED, SHEET_NOWHERE);
}

Test(sheet_csv, keeps_every_bound)
{
	struct sheet *sheet;
	struct sheet_problem problem;
	char *text = calloc(1, SHEET_FILE_BYTES_MAX + 2);
	cr_assert(text);
	memset(text, 'a', SHEET_FILE_BYTES_MAX + 1);
	fails_as(text, SHEET_FILE_BYTES_MAX + 1, SHEET_TOO_BIG, SHEET_NOWHERE);

	/* One cell too long is one bad cell, and the file is read. */
	memcpy(text, "x,", 2);
	cr_assert_eq(sheet_read(text, 3000, &sheet, &problem), 0);
	struct sheet_cell cell = sheet_at(sheet, 0, 1);
	cr_assert(cell.kind == SHEET_ERROR && cell.trouble == SHEET_CELL_TOO_LONG);
	cr_assert_str_eq(sheet_at(sheet, 0, 0).text, "x");
	problem = sheet_cell_problem(sheet, &cell);
	cr_assert_eq(problem.column, 1);
	sheet_destroy(sheet);

	cr_assert_eq(sheet_read("x,a\x01"
				"b\n",
				6, &sheet, &problem),
		     0);
	cr_assert_eq(sheet_at(sheet, 0, 1).trouble, SHEET_CELL_CONTROL);
	sheet_destroy(sheet);

	/* The last row and column that may be, and the first that may not. */
	memset(text, '\n', SHEET_ROWS_MAX);
	memcpy(text + SHEET_ROWS_MAX - 1, "x,y\n", 5);
	cr_assert_eq(sheet_read(text, strlen(text), &sheet, &problem), 0);
	cr_assert_eq(sheet_row_count(sheet), SHEET_ROWS_MAX);
	sheet_destroy(sheet);
	memcpy(text + SHEET_ROWS_MAX - 1, "\nx,y\n", 6);
	fails_as(text, strlen(text), SHEET_TOO_MANY_ROWS, SHEET_ROWS_MAX);
	memset(text, ',', 1000000);
	memcpy(text + SHEET_COLUMNS_MAX - 1, "x\n", 3);
	cr_assert_eq(sheet_read(text, strlen(text), &sheet, &problem), 0);
	cr_assert_eq(sheet_column_count(sheet), SHEET_COLUMNS_MAX);
	sheet_destroy(sheet);
	memcpy(text + SHEET_COLUMNS_MAX - 1, ",x\n", 4);
	fails_as(text, strlen(text), SHEET_TOO_MANY_COLUMNS, 0);
	/* A million columns of nothing are nothing. */
	memset(text, ',', 1000000);
	memcpy(text + 1000000, "\nx\n", 4);
	cr_assert_eq(sheet_read(text, strlen(text), &sheet, &problem), 0);
	cr_assert_eq(sheet_column_count(sheet), 1);
	sheet_destroy(sheet);
	/* More cells, all with the same text, than there may be. */
	size_t used = 0;
	for (uint32_t row = 0; row < SHEET_CELLS_MAX / 250 + 1; row++)
		for (uint32_t column = 0; column < 250; column++) {
			text[used++] = '1';
			text[used++] = column == 249 ? '\n' : ',';
		}
	fails_as(text, used, SHEET_TOO_MANY_CELLS, SHEET_CELLS_MAX / 250);
	free(text);
}
