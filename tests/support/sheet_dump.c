/* sheet_dump.c - see sheet_dump.h. */
#include "sheet_dump.h"

#include <stdio.h>
#include <stdlib.h>

char *sheet_dump(const struct sheet *sheet)
{
	static const char *const kinds[SHEET_KIND_COUNT] = { "EMPTY", "TEXT", "NUMBER", "DATE", "PERCENT", "BOOL", "ERROR" };
	char *text = NULL, name[16];
	size_t size;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		abort();
	fprintf(out, "tab%s%s\n", *sheet_tab(sheet) ? " " : "", sheet_tab(sheet));
	for (uint32_t row = 0; row < sheet_row_count(sheet); row++)
		for (uint32_t column = 0; column < sheet_column_count(sheet); column++) {
			struct sheet_cell cell = sheet_at(sheet, row, column);
			if (cell.kind == SHEET_EMPTY)
				continue;
			fprintf(out, "%s %s%s%s", sheet_cell_name(row, column, name), cell.is_copy ? "copy " : "", kinds[cell.kind],
				*cell.text ? " " : "");
			for (const char *c = cell.text; *c; c++)
				*c == '\n' ? fputs("\\n", out) : fputc(*c, out);
			fputc('\n', out);
		}
	fclose(out);
	return text;
}

char *read_file(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "re");
	if (!file) {
		perror(path);
		abort();
	}
	char *bytes = NULL;
	size_t used = 0, got;
	do {
		bytes = realloc(bytes, used + 65537);
		if (!bytes)
			abort();
		got = fread(bytes + used, 1, 65536, file);
		used += got;
	} while (got);
	fclose(file);
	bytes[used] = '\0';
	*ret_size = used;
	return bytes;
}
