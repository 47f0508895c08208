/* coverage_rows.h - coverage records as rows: the flat data rows of JSON and CSV, and the table that people read.
 *
 * Both are made from the same baophu_row and compute nothing that the collector has not decided, except what depends on how it is
 * printed: percentages at the asked decimals, differences. Pure, but for gettext.
 */
#pragma once

#include "names.h"
#include "writer.h"

/* Records kept beyond the answer they came in. */
struct coverage_set {
	struct baophu_record *records; /* rows owned */
	uint32_t count, capacity;
};
/* Takes zeroed memory. */
void coverage_set_finish(struct coverage_set *set);
/* Copies. -ENOMEM. */
int coverage_set_add(struct coverage_set *set, const struct baophu_record *record);
/* Puts the record in the place of the one with its unit number, or at the end; a tombstone takes it out. -ENOMEM. */
int coverage_set_replace(struct coverage_set *set, const struct baophu_record *record);
/* By unit number; coverage_set_replace keeps that order but for units that are new, which it puts at the end. */
void coverage_set_sort(struct coverage_set *set);
/* Of a set that is sorted; NULL: not there. */
const struct baophu_record *coverage_set_find(const struct coverage_set *set, uint32_t unit_number);

/* The flat row: one for each unit and measure, plan or indicator. */
enum { COVERAGE_FIELDS = 44 };
extern const struct column coverage_columns[COVERAGE_FIELDS];
struct coverage_field_texts {
	char flags[BAOPHU_ROW_FLAGS_MAX * 32];
};
/* `texts` is what some fields lie in; they live as long as it, the record and the row. */
void coverage_fields(const struct baophu_record *record, const struct baophu_row *row, unsigned decimals,
		     struct coverage_field_texts *texts, struct field fields[static COVERAGE_FIELDS]);
/* Writes every row of every record, then ends. */
int coverage_write_rows(struct writer *writer, const struct coverage_set *set, unsigned decimals);

/* True for a plan row over an indicator. */
bool coverage_is_rate_plan(const struct baophu_row *row);
/* True when the plan's row may stand on the line of `figure`, a row that is no plan's or NULL: it speaks of the very same value. */
bool coverage_is_plan_over(const struct baophu_row *plan, const struct baophu_row *figure);
/* The figure that a plan's row is over, which alone says where the figure itself is from; NULL: not in the record. */
const struct baophu_row *coverage_figure_below(const struct baophu_record *record, const struct baophu_row *plan);
/* The row's percentage: attainment of a plan, a share, a published rate as printed. BAOPHU_ABSENT when there is none that may be named (no
 * figure, no denominator, a partial sum). */
int64_t coverage_percent(const struct baophu_row *row, unsigned decimals, unsigned *ret_decimals);

/* The table for people: a plan beside its figure, columns by what is there, the notes that flags ask for below. Ends the writer. */
int coverage_write_table(struct writer *writer, const struct coverage_set *set, const struct names *names, unsigned decimals);
/* What a figure is called in a table or sentence: "hơn 500", "ước 287", "chưa báo cáo". */
enum { COVERAGE_FIGURE_BYTES = 160 };
const char *coverage_figure(const struct baophu_row *row, bool vietnamese, char buffer[static COVERAGE_FIGURE_BYTES]);
/* One figure with the plans over it in a sentence: "Thới Lai · BHXH tự nguyện: 1.600 người (30/04/2024), đạt 56,00% kế hoạch nam-2024
 * (2.857)". `row` is the index of a row that is not a plan's; the plan rows right after it belong to it. Returns `buffer`. */
enum { COVERAGE_SENTENCE_BYTES = 2048 };
const char *coverage_sentence(const struct baophu_record *record, uint32_t row, const struct names *names, bool vietnamese,
			      unsigned decimals, char buffer[static COVERAGE_SENTENCE_BYTES]);
