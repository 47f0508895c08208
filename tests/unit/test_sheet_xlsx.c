/* Workbooks: written by other programs, made of the XML shown here, damaged, and made to do harm. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/status.h>

#include "sheet.h"
#include "sheet_dump.h"
#include "sheet_private.h"
#include "workbook.h"

/* Formats: 0 general, 1 dd/mm/yyyy, 2 0.00%, 3 mm/yyyy, 4 yyyy, 5 General with triệu, 6 built-in date, 7 hh:mm, 8 built-in mmm-yy. */
#define STYLES                                                                                                       \
	"<numFmts count=\"5\"><numFmt numFmtId=\"164\" formatCode=\"dd/mm/yyyy\"/>"                                  \
	"<numFmt numFmtId=\"165\" formatCode=\"[$-42A]mm\\/yyyy;@\"/><numFmt numFmtId=\"166\" formatCode=\"yyyy\"/>" \
	"<numFmt numFmtId=\"167\" formatCode=\"#,##0.0&quot; triệu đồng&quot;\"/>"                              \
	"<numFmt numFmtId=\"168\" formatCode=\"hh:mm:ss\"/></numFmts><cellXfs count=\"9\"><xf numFmtId=\"0\"/>"      \
	"<xf numFmtId=\"164\"/><xf numFmtId=\"10\"/><xf numFmtId=\"165\"/><xf numFmtId=\"166\"/>"                    \
	"<xf numFmtId=\"167\"/><xf numFmtId=\"14\"/><xf numFmtId=\"168\"/><xf numFmtId=\"17\"/></cellXfs>"

static struct sheet *sheet_of(const void *bytes, size_t size)
{
	struct sheet *sheet = NULL;
	struct sheet_problem problem = { 0 };
	char why[SHEET_PROBLEM_BYTES];
	int error = sheet_read(bytes, size, &sheet, &problem);
	cr_assert_eq(error, 0, "%d, %s", error, sheet_explain(&problem, NULL, why, sizeof why));
	return sheet;
}

static void bytes_read_as(const void *bytes, size_t size, const char *wanted)
{
	struct sheet *sheet = sheet_of(bytes, size);
	char *dump = sheet_dump(sheet);
	cr_assert_eq(sheet_format(sheet), SHEET_XLSX);
	cr_assert_str_eq(dump, wanted, "%s", dump);
	free(dump);
	sheet_destroy(sheet);
}

static struct sheet_problem bytes_fail(const void *bytes, size_t size, enum sheet_trouble what)
{
	struct sheet *sheet = NULL;
	struct sheet_problem problem = { 0 };
	int error = sheet_read(bytes, size, &sheet, &problem);
	cr_assert_eq(error, -BAOPHU_EMALFORMED, "%d", error);
	cr_assert_eq(problem.what, what, "%d (%s)", (int)problem.what, problem.detail);
	return problem;
}

static void *one_tab(const char *xml, const char *texts, const char *book, size_t *ret_size)
{
	struct workbook_tab tab = { "T", NULL, xml };
	return workbook_make(&tab, 1, texts, STYLES, book, ret_size);
}

static void reads_as(const char *xml, const char *texts, const char *wanted)
{
	size_t size;
	void *bytes = one_tab(xml, texts, NULL, &size);
	bytes_read_as(bytes, size, wanted);
	free(bytes);
}

static void rows_read_as(const char *rows, const char *wanted)
{
	char xml[4000], all[4000];
	snprintf(xml, sizeof xml, "<sheetData>%s</sheetData>", rows);
	snprintf(all, sizeof all, "tab T\n%s", wanted);
	reads_as(xml, NULL, all);
}

static struct sheet_problem fails_as(const char *xml, enum sheet_trouble what)
{
	size_t size;
	void *bytes = one_tab(xml, NULL, NULL, &size);
	struct sheet_problem problem = bytes_fail(bytes, size, what);
	free(bytes);
	return problem;
}

Test(sheet_xlsx, is_read_from_other_programs)
{
	static const char *const names[] = { "openpyxl", "libreoffice" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[400];
		size_t size, wanted_size;
		snprintf(path, sizeof path, TESTS_DIR "/vectors/sheets/%s.xlsx", names[i]);
		char *bytes = read_file(path, &size);
		snprintf(path, sizeof path, TESTS_DIR "/vectors/sheets/%s.txt", names[i]);
		char *wanted = read_file(path, &wanted_size);
		bytes_read_as(bytes, size, wanted);
		struct sheet *sheet = sheet_of(bytes, size);
		cr_assert(sheet_has_mark(sheet), "%s", names[i]);
		cr_assert_eq(sheet_line(sheet, 4), 5);
		sheet_destroy(sheet);
		free(bytes);
		free(wanted);
	}
}

Test(sheet_xlsx, reads_every_type_of_cell)
{
	rows_read_as(
	    "<row r=\"1\"><c r=\"A1\"><v>1.065565E6</v></c><c r=\"B1\" t=\"n\" s=\"2\"><v>0.92620000000000002</v></c>"
	    "<c r=\"C1\" t=\"b\"><v>1</v></c><c r=\"D1\" t=\"e\"><v>#REF!</v></c><c r=\"E1\" t=\"str\"><f>A1</f><v>x</v></c>"
	    "<c r=\"F1\" t=\"inlineStr\"><is><t> in line </t></is></c><c r=\"G1\" t=\"d\"><v>2024-04-30T00:00:00</v></c>"
	    "<c r=\"H1\" s=\"1\"/><c r=\"I1\" t=\"str\"><f>\"\"</f><v></v></c></row>",
	    "A1 NUMBER 1.065565E6\nB1 PERCENT 0.92620000000000002\nC1 BOOL 1\nD1 ERROR #REF!\nE1 TEXT x\nF1 TEXT in line\n"
	    "G1 DATE 2024-04-30\n");
	reads_as("<sheetData><row><c t=\"s\"><v>0</v></c><c t=\"s\"><v>2</v></c><c t=\"s\"><v>1</v></c></row></sheetData>",
		 "<si><t>Hu\u00ea\u0301</t></si><si><r><rPr><b/></rPr><t xml:space=\"preserve\">Xã </t></r><r><t>Hòa An</t></r>"
		 "<rPh sb=\"0\" eb=\"1\"><t>doc</t></rPh><phoneticPr fontId=\"1\"/></si><si><t>a_x000D_\nb_x005F_x0041_</t></si>",
		 "tab T\nA1 TEXT Huế\nB1 TEXT a\\nb_x0041_\nC1 TEXT Xã Hòa An\n");
	rows_read_as(
	    "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><r><t>a</t></r><r><t>b</t></r><rPh><t>c</t></rPh></is></c></row>",
	    "A1 TEXT ab\n");
}

Test(sheet_xlsx, takes_formulas_by_their_stored_result)
{
	rows_read_as(
	    "<row r=\"1\"><c r=\"A1\"><f>B1*2</f><v>4</v></c><c r=\"B1\"><f>C1</f></c><c r=\"C1\"><f>C1</f><v></v></c></row>",
	    "A1 NUMBER 4\nB1 ERROR\nC1 ERROR\n");
	size_t size;
	void *bytes = one_tab("<sheetData><row r=\"7\"><c r=\"B7\"><f>C1</f></c></row></sheetData>", NULL, NULL, &size);
	struct sheet *sheet = sheet_of(bytes, size);
	struct sheet_cell cell = sheet_at(sheet, 6, 1);
	cr_assert(cell.kind == SHEET_ERROR && cell.trouble == SHEET_CELL_NOT_CALCULATED);
	struct sheet_problem problem = sheet_cell_problem(sheet, &cell);
	char why[SHEET_PROBLEM_BYTES];
	sheet_explain(&problem, "tep.xlsx", why, sizeof why);
	cr_assert_str_eq(
	    why, "tep.xlsx, sheet “T”, cell B7: a formula without a result; open the file in Excel or LibreOffice and save it, "
		 "or write the figure itself");
	sheet_destroy(sheet);
	free(bytes);
}

Test(sheet_xlsx, knows_dates_by_their_format_and_system)
{
	rows_read_as("<row r=\"1\"><c r=\"A1\" s=\"1\"><v>45412</v></c><c r=\"B1\" s=\"3\"><v>43497</v></c><c r=\"C1\" "
		     "s=\"4\"><v>45412</v></c>"
		     "<c r=\"D1\" s=\"6\"><v>45412.75</v></c><c r=\"E1\" s=\"7\"><v>0.5</v></c><c r=\"F1\" s=\"8\"><v>43497</v></c>"
		     "<c r=\"G1\" s=\"5\"><v>3.2</v></c></row>",
		     "A1 DATE 2024-04-30\nB1 DATE 2019-02\nC1 DATE 2024\nD1 DATE 2024-04-30\nE1 NUMBER 0.5\nF1 DATE 2019-02\nG1 "
		     "ERROR 3.2\n");
	/* Excel's 29 February 1900 is no day, and the days before and after it count on. */
	rows_read_as(
	    "<row r=\"1\"><c r=\"A1\" s=\"1\"><v>1</v></c><c r=\"B1\" s=\"1\"><v>59</v></c><c r=\"C1\" s=\"1\"><v>60</v></c>"
	    "<c r=\"D1\" s=\"1\"><v>61</v></c><c r=\"E1\" s=\"1\"><v>0</v></c><c r=\"F1\" s=\"1\"><v>-1</v></c>"
	    "<c r=\"G1\" s=\"1\"><v>2958465</v></c><c r=\"H1\" s=\"1\"><v>2958466</v></c></row>",
	    "A1 DATE 1900-01-01\nB1 DATE 1900-02-28\nC1 ERROR 60\nD1 DATE 1900-03-01\nE1 ERROR 0\nF1 ERROR -1\n"
	    "G1 DATE 9999-12-31\nH1 ERROR 2958466\n");
	size_t size;
	void *bytes = one_tab(
	    "<sheetData><row r=\"1\"><c r=\"A1\" s=\"1\"><v>43950</v></c><c r=\"B1\" s=\"1\"><v>0</v></c></row></sheetData>", NULL,
	    "<workbookPr date1904=\"1\"/>", &size);
	bytes_read_as(bytes, size, "tab T\nA1 DATE 2024-04-30\nB1 DATE 1904-01-01\n");
	free(bytes);
}

Test(sheet_xlsx, shows_a_merged_cell_in_all_of_its_range)
{
	reads_as("<sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>dọc</v></c><c r=\"B1\" t=\"str\"><v>ngang</v></c></row>"
		 "<row r=\"2\"><c r=\"C2\"><v>2</v></c></row><row r=\"3\"><c r=\"A3\"><v>9</v></c><c "
		 "r=\"D3\"><v>3</v></c></row></sheetData>"
		 "<mergeCells><mergeCell ref=\"A1:A3\"/><mergeCell ref=\"B1:C1\"/><mergeCell ref=\"E1:XFD1048576\"/>"
		 "<mergeCell ref=\"D2\"/></mergeCells>",
		 NULL,
		 "tab T\nA1 TEXT dọc\nB1 TEXT ngang\nC1 copy TEXT ngang\nA2 copy TEXT dọc\nC2 NUMBER 2\nA3 copy TEXT dọc\nD3 "
		 "NUMBER 3\n");
	fails_as("<sheetData><row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"B1\"><v>1</v></c></row><row r=\"9\"><c "
		 "r=\"I9\"><v>1</v></c></row>"
		 "</sheetData><mergeCells><mergeCell ref=\"A1:C3\"/><mergeCell ref=\"B1:D2\"/></mergeCells>",
		 SHEET_BAD_PLACE);
	static const char *const ranges[] = { "A0:B2", "A1:", "B2:A1", "A1:XFE2", "A1:B1048577", "1:2", "A1:B2:C3", "" };
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
		char xml[400];
		snprintf(xml, sizeof xml, "<sheetData/><mergeCells><mergeCell ref=\"%s\"/></mergeCells>", ranges[i]);
		fails_as(xml, SHEET_BAD_PLACE);
	}
}

Test(sheet_xlsx, chooses_the_tab_with_the_mark_else_the_first_that_is_seen)
{
#define CELL(text) "<sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>" text "</v></c></row></sheetData>"
	struct workbook_tab tabs[] = { { "Ẩn", "hidden", CELL(SHEET_MARK) },
				       { "Trống", NULL, "<sheetData/><mergeCells><mergeCell ref=\"A1:B2\"/></mergeCells>" },
				       { "Đầu", NULL, CELL("x") },
				       { "Rất ẩn", "veryHidden", CELL("y") },
				       { "Biểu &amp; mẫu", NULL, CELL(SHEET_MARK " 1") } };
	size_t size;
	void *bytes = workbook_make(tabs, 5, NULL, NULL, NULL, &size);
	bytes_read_as(bytes, size, "tab Biểu & mẫu\nA1 TEXT " SHEET_MARK " 1\n");
	free(bytes);
	bytes = workbook_make(tabs, 4, NULL, NULL, NULL, &size);
	bytes_read_as(bytes, size, "tab Đầu\nA1 TEXT x\n");
	free(bytes);
	bytes = workbook_make(tabs, 2, NULL, NULL, NULL, &size);
	struct sheet_problem problem = bytes_fail(bytes, size, SHEET_NOTHING_IN_IT);
	cr_assert_str_eq(problem.tab, "Trống");
	free(bytes);
	bytes = workbook_make(tabs, 1, NULL, NULL, NULL, &size);
	bytes_fail(bytes, size, SHEET_NO_TAB);
	free(bytes);
}

Test(sheet_xlsx, places_rows_and_cells_without_numbers_behind_each_other)
{
	rows_read_as("<row><c><v>1</v></c><c><v>2</v></c></row><row r=\"4\"><c "
		     "r=\"C4\"><v>3</v></c><c><v>4</v></c></row><row><c><v>5</v></c></row>",
		     "A1 NUMBER 1\nB1 NUMBER 2\nC4 NUMBER 3\nD4 NUMBER 4\nA5 NUMBER 5\n");
	/* Out of order, as some programs write them. */
	rows_read_as(
	    "<row r=\"2\"><c r=\"B2\"><v>1</v></c><c r=\"A2\"><v>2</v></c></row><row r=\"1\"><c r=\"A1\"><v>3</v></c></row>",
	    "A1 NUMBER 3\nA2 NUMBER 2\nB2 NUMBER 1\n");
}

Test(sheet_xlsx, refuses_what_cannot_be)
{
	static const char *const rows[] = {
		"<row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"A1\"><v>2</v></c></row>", /* twice */
		"<row r=\"1\"><c r=\"A2\"><v>1</v></c></row>", /* of another row */
		"<row r=\"0\"/>",
		"<row r=\"1048577\"/>",
		"<row r=\"x\"/>",
		"<row r=\"1\"><c r=\"XFE1\"><v>1</v></c></row>",
		"<row r=\"1\"><c r=\"1A\"><v>1</v></c></row>",
		"<row r=\"1\"><c r=\"AAAAAAAAAAAAAAAAAAAA1\"><v>1</v></c></row>",
		"<row r=\"1\"><c r=\"A1\" s=\"9\"><v>1</v></c></row>",
		"<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c></row>", /* there are no shared texts */
		"<row r=\"1\"><c r=\"A1\" t=\"s\"><v>-1</v></c></row>",
		"<row r=\"1\"><c r=\"A1\" t=\"q\"><v>1</v></c></row>",
		"<row r=\"1\"><c r=\"A1\" t=\"somethingelse\"><v>1</v></c></row>",
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char xml[400];
		snprintf(xml, sizeof xml, "<sheetData>%s</sheetData>", rows[i]);
		fails_as(xml, SHEET_BAD_PLACE);
	}
	rows_read_as("<row r=\"1\"><c r=\"A1\"><v>1,5</v></c><c r=\"B1\"><v>INF</v></c><c r=\"C1\" t=\"b\"><v>2</v></c>"
		     "<c r=\"D1\" t=\"d\"><v>30/4/2024</v></c><c r=\"E1\"><v>1e999</v></c></row>",
		     "A1 ERROR 1,5\nB1 ERROR INF\nC1 ERROR 2\nD1 ERROR 30/4/2024\nE1 ERROR 1e999\n");
	cr_assert_str_eq(
	    fails_as("<sheetData><row r=\"1\"><c r=\"IW1\"><v>1</v></c></row></sheetData>", SHEET_TOO_MANY_COLUMNS).tab, "T");
	cr_assert_eq(
	    fails_as("<sheetData><row r=\"100001\"><c r=\"A100001\"><v>1</v></c></row></sheetData>", SHEET_TOO_MANY_ROWS).row,
	    100000);
	fails_as("<sheetData><row r=\"1\"><c r=\"A1\"><v>1</v></row></sheetData>", SHEET_DAMAGED_PART);
	fails_as("<sheetData>", SHEET_DAMAGED_PART);
	fails_as("<sheetData><row><c><v>&nothing;</v></c></row></sheetData>", SHEET_DAMAGED_PART);
	fails_as("", SHEET_NOTHING_IN_IT);
}

/* A workbook as the fuzzer's inputs are: "=== part" and its bytes. */
static void text_fails(const char *text, enum sheet_trouble what)
{
	size_t size;
	void *bytes = workbook_of_text(text, strlen(text), &size);
	cr_assert(bytes, "%s", text);
	bytes_fail(bytes, size, what);
	free(bytes);
}

#define ROOT                                                                                \
	"=== _rels/.rels\n<Relationships><Relationship Id=\"a\" Type=\"x/officeDocument\" " \
	"Target=\"xl/workbook.xml\"/></Relationships>\n"
#define BOOK "=== xl/workbook.xml\n<workbook><sheets><sheet name=\"T\" sheetId=\"1\" r:id=\"r\"/></sheets></workbook>\n"
#define LINKS                                                                                                               \
	"=== xl/_rels/workbook.xml.rels\n<Relationships><Relationship Id=\"r\" Type=\"x/worksheet\" Target=\"sheet.xml\"/>" \
	"</Relationships>\n"
#define TAB "=== xl/sheet.xml\n<worksheet><sheetData><row><c><v>1</v></c></row></sheetData></worksheet>\n"

Test(sheet_xlsx, refuses_documents_that_are_something_else)
{
	size_t size;
	void *bytes = workbook_of_text(ROOT BOOK LINKS TAB, strlen(ROOT BOOK LINKS TAB), &size);
	bytes_read_as(bytes, size, "tab T\nA1 NUMBER 1\n");
	free(bytes);
	text_fails("=== mimetype\napplication/vnd.oasis.opendocument.spreadsheet\n=== content.xml\n<a/>\n", SHEET_OPEN_DOCUMENT);
	text_fails("=== readme.txt\nx\n", SHEET_OTHER_DOCUMENT);
	text_fails("=== _rels/.rels\n<R><Relationship Type=\"x/officeDocument\" Target=\"word/document.xml\"/></R>\n",
		   SHEET_OTHER_DOCUMENT);
	text_fails("=== _rels/.rels\n<R><Relationship Type=\"x/officeDocument\" Target=\"xl/workbook.bin\"/></R>\n",
		   SHEET_BINARY_EXCEL);
	text_fails("=== _rels/.rels\n<R/>\n", SHEET_MISSING_PART);
	text_fails(ROOT, SHEET_MISSING_PART);
	text_fails(ROOT BOOK LINKS, SHEET_MISSING_PART);
	text_fails(ROOT BOOK TAB "=== xl/_rels/workbook.xml.rels\n<R/>\n", SHEET_NO_TAB);
	/* Out of the archive, or to another place: never followed. */
	text_fails(
	    ROOT BOOK TAB
	    "=== xl/_rels/workbook.xml.rels\n<R><Relationship Id=\"r\" Type=\"x/worksheet\" Target=\"../../etc/passwd\"/></R>\n",
	    SHEET_BAD_PLACE);
	text_fails(
	    ROOT BOOK TAB
	    "=== xl/_rels/workbook.xml.rels\n<R><Relationship Id=\"r\" Type=\"x/worksheet\" Target=\"file:///etc/passwd\"/></R>\n",
	    SHEET_BAD_PLACE);
	text_fails(ROOT BOOK TAB
		   "=== xl/_rels/workbook.xml.rels\n<R><Relationship Id=\"r\" Type=\"x/worksheet\" TargetMode=\"External\" "
		   "Target=\"sheet.xml\"/></R>\n",
		   SHEET_NO_TAB);
	/* The same part in other letters is the same part. */
	text_fails(ROOT BOOK LINKS TAB "=== XL/Sheet.xml\n<worksheet/>\n", SHEET_REPEATED_PART);
}

Test(sheet_xlsx, refuses_document_types_and_what_is_too_deep_or_too_wide)
{
	text_fails(ROOT BOOK LINKS "=== xl/sheet.xml\n<!DOCTYPE w [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>"
				   "<worksheet><sheetData><row><c t=\"str\"><v>&b;</v></c></row></sheetData></worksheet>\n",
		   SHEET_DOCTYPE);
	text_fails(ROOT BOOK LINKS "=== xl/sheet.xml\n<!DOCTYPE w SYSTEM \"file:///etc/passwd\"><worksheet/>\n", SHEET_DOCTYPE);
	text_fails("=== _rels/.rels\n<!DOCTYPE r><r/>\n", SHEET_DOCTYPE);

	size_t size, length = 3 << 20;
	char *text = malloc(length + 4096);
	cr_assert(text);
	int used = sprintf(text, "%s=== xl/sheet.xml\n", ROOT BOOK LINKS);
	for (int i = 0; i < 100000; i++)
		memcpy(text + used + 3 * i, "<a>", 3);
	void *bytes = workbook_of_text(text, (size_t)used + 300000, &size);
	bytes_fail(bytes, size, SHEET_TOO_DEEP);
	free(bytes);
	/* One tag of megabytes. */
	memset(text + used, 'a', length);
	memcpy(text + used, "<a b=\"", 6);
	memcpy(text + used + length - 3, "\"/>", 3);
	bytes = workbook_of_text(text, (size_t)used + length, &size);
	bytes_fail(bytes, size, SHEET_DAMAGED_PART);
	free(bytes);
	free(text);
}

/* Megabytes of `filler` between two tags, packed. */
static void *bomb(size_t length, char filler, const char *before, const char *after, size_t *ret_size)
{
	struct workbook_part parts[4] = { { "_rels/.rels", ROOT, 0 },
					  { "xl/workbook.xml", BOOK, 0 },
					  { "xl/_rels/workbook.xml.rels", LINKS, 0 } };
	for (int i = 0; i < 3; i++) {
		parts[i].bytes = strchr(parts[i].bytes, '\n') + 1;
		parts[i].size = strlen(parts[i].bytes);
	}
	char *text = malloc(length + strlen(before) + strlen(after));
	cr_assert(text);
	memcpy(text, before, strlen(before));
	memset(text + strlen(before), filler, length);
	memcpy(text + strlen(before) + length, after, strlen(after));
	parts[3] = (struct workbook_part){ "xl/sheet.xml", text, length + strlen(before) + strlen(after) };
	void *bytes = workbook_zip(parts, 4, true, ret_size);
	free(text);
	return bytes;
}

Test(sheet_xlsx, refuses_bombs)
{
	size_t size;
	void *bytes = bomb(100 << 20, ' ', "<worksheet><sheetData>", "</sheetData></worksheet>", &size);
	cr_assert_lt(size, 200000);
	struct sheet_problem problem = bytes_fail(bytes, size, SHEET_BOMB);
	cr_assert_str_eq(problem.detail, "xl/sheet.xml");
	free(bytes);
	bytes = bomb(20 << 20, ' ', "<worksheet><sheetData>", "</sheetData></worksheet>", &size);
	bytes_fail(bytes, size, SHEET_BOMB);
	/* One that lies about its size is found by what comes out. */
	for (size_t i = 0; i + 46 < size; i++)
		if (memcmp((char *)bytes + i, "PK\1\2", 4) == 0 && memcmp((char *)bytes + i + 46, "xl/sheet.xml", 12) == 0)
			memcpy((char *)bytes + i + 24, "\0\1\0\0", 4);
	struct sheet *sheet = NULL;
	cr_assert_eq(sheet_read(bytes, size, &sheet, &problem), -BAOPHU_EMALFORMED);
	cr_assert(problem.what == SHEET_BOMB || problem.what == SHEET_DAMAGED_ZIP, "%d", (int)problem.what);
	free(bytes);
	/* A long sheet of one repeated row is no bomb. */
	char *xml = malloc(4 << 20);
	int used = sprintf(xml, "<sheetData>");
	for (int i = 1; i <= 20000; i++)
		used += sprintf(xml + used, "<row r=\"%d\"><c r=\"A%d\" s=\"0\"><v>1</v></c><c r=\"B%d\"><v>1</v></c></row>", i, i,
				i);
	sprintf(xml + used, "</sheetData>");
	bytes = one_tab(xml, NULL, NULL, &size);
	sheet = sheet_of(bytes, size);
	cr_assert_eq(sheet_row_count(sheet), 20000);
	sheet_destroy(sheet);
	free(bytes);
	free(xml);
}

Test(sheet_xlsx, keeps_every_bound)
{
	size_t size, used = 0;
	char *text = malloc(8 << 20);
	struct workbook_tab tabs[34];
	cr_assert(text);
	/* More merged ranges, formats and styles than there may be. */
	used = (size_t)sprintf(text, "<sheetData/><mergeCells>");
	for (int i = 0; i <= SHEET_MERGES_MAX; i++)
		used += (size_t)sprintf(text + used, "<mergeCell ref=\"A%d:B%d\"/>", i + 1, i + 1);
	sprintf(text + used, "</mergeCells>");
	cr_assert_str_eq(fails_as(text, SHEET_TOO_MANY_PARTS).detail, "mergeCell");
	tabs[0] = (struct workbook_tab){ "T", NULL, "<sheetData/>" };
	used = (size_t)sprintf(text, "<cellXfs>");
	for (int i = 0; i <= 65536; i++)
		used += (size_t)sprintf(text + used, "<xf/>");
	sprintf(text + used, "</cellXfs>");
	void *bytes = workbook_make(tabs, 1, NULL, text, NULL, &size);
	bytes_fail(bytes, size, SHEET_TOO_MANY_PARTS);
	free(bytes);
	/* One value over a great many cells. */
	fails_as("<sheetData><row r=\"1\"><c r=\"A1\"><v>1</v></c></row><row r=\"100000\"><c "
		 "r=\"IV100000\"><v>1</v></c></row></sheetData>"
		 "<mergeCells><mergeCell ref=\"A1:IV99999\"/></mergeCells>",
		 SHEET_TOO_MANY_CELLS);
	/* Sixty-five tabs. */
	used = (size_t)sprintf(text, ROOT "=== xl/workbook.xml\n<workbook><sheets>");
	for (int i = 0; i <= SHEET_TABS_MAX; i++)
		used += (size_t)sprintf(text + used, "<sheet name=\"T%d\" r:id=\"r\"/>", i);
	sprintf(text + used, "</sheets></workbook>\n");
	text_fails(text, SHEET_TOO_MANY_PARTS);
	/* A text too long is one bad cell. */
	used = (size_t)sprintf(text, "<sheetData><row><c t=\"str\"><v>");
	memset(text + used, 'a', 100000);
	sprintf(text + used + 100000, "</v></c><c><v>1</v></c></row></sheetData>");
	reads_as(text, NULL, "tab T\nA1 ERROR\nB1 NUMBER 1\n");
	free(text);
}

Test(sheet_xlsx, survives_truncation_at_every_byte)
{
	size_t size, wanted_size;
	char *bytes = read_file(TESTS_DIR "/vectors/sheets/openpyxl.xlsx", &size);
	char *wanted = read_file(TESTS_DIR "/vectors/sheets/openpyxl.txt", &wanted_size);
	for (size_t length = 4; length < size; length += length < 200 || length > size - 600 ? 1 : 7) {
		struct sheet *sheet = NULL;
		struct sheet_problem problem = { 0 };
		char why[SHEET_PROBLEM_BYTES], *copy = malloc(length);
		memcpy(copy, bytes, length);
		int error = sheet_read(copy, length, &sheet, &problem);
		cr_assert(error == -BAOPHU_EMALFORMED && problem.what == SHEET_DAMAGED_ZIP, "%zu: %d %d", length, error,
			  (int)problem.what);
		cr_assert(*sheet_explain(&problem, "tep.xlsx", why, sizeof why));
		free(copy);
	}
	/* One flipped bit anywhere: a problem, or the same sheet when it stood where nothing is read. */
	for (size_t at = 0; at < size; at += 3) {
		struct sheet *sheet = NULL;
		struct sheet_problem problem = { 0 };
		bytes[at] ^= (char)(1 << at % 8);
		if (sheet_read(bytes, size, &sheet, &problem) == 0 && sheet_format(sheet) == SHEET_XLSX) {
			char *dump = sheet_dump(sheet);
			cr_assert_str_eq(dump, wanted, "byte %zu: %s", at, dump);
			free(dump);
		}
		sheet_destroy(sheet);
		bytes[at] ^= (char)(1 << at % 8);
	}
	free(bytes);
	free(wanted);
}

Test(sheet_xlsx, believes_no_image)
{
	size_t size, image_size;
	char *bytes = read_file(TESTS_DIR "/vectors/sheets/libreoffice.xlsx", &size);
	struct sheet *sheet = sheet_of(bytes, size), *again;
	const void *image = sheet_image(sheet, &image_size);
	char *dump = sheet_dump(sheet), *copy = malloc(image_size), *same;
	memcpy(copy, image, image_size);
	cr_assert_eq(sheet_from_image(copy, image_size, &again), 0);
	same = sheet_dump(again);
	cr_assert_str_eq(dump, same);
	free(same);
	sheet_destroy(again);
	uint32_t refused = 0;
	for (size_t at = 0; at < image_size; at++)
		for (int bit = 0; bit < 8; bit++) {
			copy = malloc(image_size);
			memcpy(copy, image, image_size);
			copy[at] ^= (char)(1 << bit);
			if (sheet_from_image(copy, image_size, &again) != 0) {
				refused++;
				continue;
			}
			free(sheet_dump(again)); /* whatever passes can be asked anything */
			sheet_destroy(again);
		}
	cr_assert_gt(refused, 8 * image_size / 4);
	for (size_t length = 0; length < image_size; length++) {
		copy = malloc(length ? length : 1);
		memcpy(copy, image, length);
		cr_assert_eq(sheet_from_image(copy, length, &again), -BAOPHU_EMALFORMED, "%zu", length);
	}
	free(dump);
	sheet_destroy(sheet);
	free(bytes);
}

Test(sheet_xlsx, has_words_for_everything)
{
	char why[SHEET_PROBLEM_BYTES], last[SHEET_PROBLEM_BYTES] = "";
	for (int i = SHEET_NO_BYTES; i < SHEET_TROUBLE_COUNT; i++) {
		struct sheet_problem problem = { .what = (enum sheet_trouble)i, .row = SHEET_NOWHERE, .column = SHEET_NOWHERE };
		memcpy(problem.detail, "xyz", 4);
		sheet_explain(&problem, NULL, why, sizeof why);
		cr_assert(*why && strcmp(why, last) != 0 && !strchr(why, '%'), "%d: %s", i, why);
		memcpy(last, why, sizeof last);
	}
	char name[16];
	cr_assert_str_eq(sheet_cell_name(0, 0, name), "A1");
	cr_assert_str_eq(sheet_cell_name(6, 25, name), "Z7");
	cr_assert_str_eq(sheet_cell_name(6, 26, name), "AA7");
	cr_assert_str_eq(sheet_cell_name(99999, 255, name), "IV100000");
	cr_assert_str_eq(sheet_cell_name(1048575, 16383, name), "XFD1048576");
}
