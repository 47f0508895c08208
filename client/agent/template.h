/* template.h - the sheets that an office gets: its own form to fill in, and the rows that come back with «Lý do».
 *
 * Vietnamese only, because officers are; what is written can be read again by form.h, whoever saved it in between. Figures are integers:
 * libxlsxwriter's doubles hold them exactly up to 2^53, above what a count may be.
 */
#pragma once

#include "form.h"

/* What the hidden first row of the form begins with, and its version. */
#define TEMPLATE_SCHEMA "baophu-bieu-nhap"
enum { TEMPLATE_VERSION = 1, TEMPLATE_MEASURES_MAX = 64 };

struct template_options {
	baophu_date from, to; /* the period; amounts get all of it, levels its last day */
	const char *const *measures; /* only these, in this order; NULL: all that this office may report */
	uint32_t measure_count;
};
/* Writes this office's form for the period: every unit that it may report of, with code, name, what stands and what is planned filled in.
 * Written beside and renamed. -BAOPHU_ENOTFOUND: the mirror has no unit or measure that this office may report on that day;
 * -BAOPHU_EFULL: more measures than a sheet is good for; errno values of the disk; -ENOMEM. */
int template_write(const struct mirror *mirror, const struct template_options *options, const char *path);

/* The file of rejected rows, in the format of `path`'s ending (.xlsx, else .csv): the same columns and one more, «Lý do», the cells as they
 * were typed, the wrong ones red. Dropped in again after mending, it says the same as the rows did. `mirror` may be NULL unless the form is a
 * template. Written beside and renamed. Errors as above. */
int template_write_rejected(const struct mirror *mirror, const struct sheet *sheet, const struct form *form, const char *path);
