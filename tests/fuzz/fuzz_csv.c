/* fuzz_csv.c - any bytes as a text file: a sheet that says the same when it is written out plainly and read again, or a problem. */
#include "fuzz_sheet.h"

/* With commas, everything in quotes. NULL: a cell is bad, and says nothing to compare. Returns owned. */
static char *write_out(const struct sheet *sheet, size_t *ret_size)
{
	char *text = NULL;
	bool is_bad = false;
	FILE *out = open_memstream(&text, ret_size);
	require(out != NULL);
	for (uint32_t row = 0; row < sheet_row_count(sheet); row++) {
		for (uint32_t column = 0; column < sheet_column_count(sheet); column++) {
			struct sheet_cell cell = sheet_at(sheet, row, column);
			is_bad = is_bad || cell.kind == SHEET_ERROR;
			fputs(column ? ",\"" : "\"", out);
			for (const char *c = cell.text; *c; c++)
				fputs(*c == '"' ? "\"\"" : (char[]){ *c, '\0' }, out);
			fputc('"', out);
		}
		fputs("\r\n", out);
	}
	fclose(out);
	if (!is_bad)
		return text;
	free(text);
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct sheet *sheet = NULL, *again = NULL;
	struct sheet_problem problem = { 0 };
	int error = sheet_read_csv(bytes, size, &sheet, &problem);
	check_outcome(error, sheet, &problem);
	/* Few rows and columns keep it quick; a wide, empty grid says no more than a small one. */
	char *plain = !error && sheet_row_count(sheet) < 1000 && sheet_column_count(sheet) < 64 ? write_out(sheet, &size) : NULL;
	if (plain) {
		require(sheet_read_csv(plain, size, &again, &problem) == 0);
		char *first = sheet_dump(sheet), *second = sheet_dump(again);
		require(strcmp(first, second) == 0);
		free(first);
		free(second);
		sheet_destroy(again);
		free(plain);
	}
	sheet_destroy(sheet);
	return 0;
}
