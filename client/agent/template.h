/* template.h - the sheets that an office gets: its own form to fill in, and the rows that come back with «Lý do».
 *
 * Vietnamese only, because officers are; what is written can be read again by form.h, whoever saved it in between. Figures are integers:
 * libxlsxwriter's doubles hold them exactly up to 2^53, above what a count may be.
 */
#pragma once

#include "form.h"

/* The hidden first row says SHEET_MARK (sheet.h), then these; the hidden row right above the figures says what each column is. Rows, not a
 * hidden tab or document properties alone: they survive every program that saves the file, as .csv too. */
#define TEMPLATE_VERSION "1"
enum {
	TEMPLATE_HEAD_VERSION = 1, /* columns of the first row */
	TEMPLATE_HEAD_AGENT,
	TEMPLATE_HEAD_FROM, /* 2024-06-01 */
	TEMPLATE_HEAD_TO,
	TEMPLATE_HEAD_STORE, /* the centre, in hex; for people who look for a mistake */
};
#define TEMPLATE_UNIT "#dia-ban"
#define TEMPLATE_NAME "#ten"
#define TEMPLATE_VALUE "#so-lieu:" /* and the measure's code */
#define TEMPLATE_BEFORE "#dang-co:"
#define TEMPLATE_PLAN "#ke-hoach:"
#define TEMPLATE_STATUS "#trang-thai"
#define TEMPLATE_NOTE "#ghi-chu"
#define TEMPLATE_RETURNED "#ly-do"
enum { TEMPLATE_MEASURES_MAX = 64 };

struct template_options {
	baophu_date from, to; /* the period; amounts get all of it, levels its last day */
	const char *const *
	    measures; /* only these, in this order; NULL: those of which this office has figures or plans, else all that it may report */
	uint32_t measure_count;
};
/* "tháng 6/2024", "quý II/2024", "30/06/2024": a period as the form says it, and as it is read again. Returns `buffer`. */
enum { TEMPLATE_PERIOD_BYTES = 64 };
const char *template_period(baophu_date from, baophu_date to, char buffer[static TEMPLATE_PERIOD_BYTES]);
/* Writes this office's form for the period: every unit that it may report of, with code, name, what stands and what is planned filled in.
 * Written beside and renamed. -BAOPHU_ENOTFOUND: the mirror has no unit or measure that this office may report on that day;
 * -BAOPHU_EFULL: more measures than a sheet is good for; errno values of the disk; -ENOMEM. */
int template_write(const struct mirror *mirror, const struct template_options *options, const char *path);

/* The file of rejected rows, .xlsx for a sheet that came as .xlsx, else .csv: the same columns and one more, «Lý do», the cells as they were
 * typed, the wrong ones red. Dropped in again after mending, it says what the rows said. `mirror` may be NULL; then our own form comes back as
 * a plain list. Written beside and renamed. Errors as above. */
int template_write_rejected(const struct mirror *mirror, const struct sheet *sheet, const struct form *form, const char *path);
