/* fuzz_sheet.h - what must hold of any file that sheet_read was given, whatever came of it. */
#pragma once

#include <string.h>

#include <baophu/status.h>

#include "fuzz.h"
#include "sheet_dump.h"
#include "sheet_private.h"

/* A sheet can be asked anything, and passes the check that an image from outside has to pass; a problem has words. */
static inline void check_outcome(int error, const struct sheet *sheet, const struct sheet_problem *problem)
{
	char why[SHEET_PROBLEM_BYTES];
	if (error) {
		require(error == -BAOPHU_EMALFORMED && sheet_problem_is_sound(problem) && problem->what < SHEET_CELL_FIRST);
		require(*sheet_explain(problem, "tệp.xlsx", why, sizeof why));
		return;
	}
	require(sheet_row_count(sheet) <= SHEET_ROWS_MAX && sheet_column_count(sheet) <= SHEET_COLUMNS_MAX);
	size_t size;
	struct sheet *again;
	const void *image = sheet_image(sheet, &size);
	void *copy = malloc(size);
	require(copy != NULL);
	memcpy(copy, image, size);
	require(sheet_from_image(copy, size, &again) == 0);
	sheet_destroy(again);
	for (uint32_t row = 0; row < sheet_row_count(sheet); row++)
		for (uint32_t column = 0; column < sheet_column_count(sheet); column++) {
			struct sheet_cell cell = sheet_at(sheet, row, column);
			require((cell.kind == SHEET_EMPTY) <= !*cell.text &&
				(cell.kind == SHEET_ERROR) == (cell.trouble != SHEET_FINE));
			if (cell.kind != SHEET_ERROR)
				continue;
			struct sheet_problem of_cell = sheet_cell_problem(sheet, &cell);
			require(sheet_problem_is_sound(&of_cell) && *sheet_explain(&of_cell, NULL, why, sizeof why));
		}
}
