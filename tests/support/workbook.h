/* workbook.h - small .xlsx files for tests, made of the XML that the test shows. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct workbook_part {
	const char *name;
	const void *bytes;
	size_t size;
};
struct workbook_tab {
	const char *name;
	const char *state; /* NULL: visible */
	const char *xml; /* what stands in <worksheet> */
};
/* An archive of these parts, in memory; returns owned. */
void *workbook_zip(const struct workbook_part *parts, size_t count, bool is_packed, size_t *ret_size);
/* A whole workbook. `texts`: what stands in <sst>, `styles`: in <styleSheet>, `book`: in <workbook> before its tabs; NULL: none. */
void *workbook_make(const struct workbook_tab *tabs, size_t tab_count, const char *texts, const char *styles, const char *book,
		    size_t *ret_size);
/* The parts that a text describes, "=== NAME" on a line before each: for inputs that a person and a fuzzer can both write. Returns owned;
 * NULL when there is no part. */
void *workbook_of_text(const char *text, size_t size, size_t *ret_size);
