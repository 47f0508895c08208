/* test_form.c - the rows of sheets that officers type, good and bad, as entries or as reasons that name cell and fix.
 *
 * Sheets are written as .csv here; what .xlsx adds (numbers, dates and merged cells as such) is in test_template.py. Messages are checked in
 * the language of the sources.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <criterion/criterion.h>

#include <baophu/date.h>

#include "form.h"
#include "office.h"
#include "sheet.h"

struct reading {
	struct mirror *mirror;
	struct sheet *sheet;
	struct form form;
	struct form_context context;
	char *text; /* everything that came of it, a line each */
	int64_t cpu_us; /* of the processor, for reading file and rows */
};

static int64_t cpu_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void append(char **text, const char *more)
{
	size_t used = *text ? strlen(*text) : 0;
	*text = realloc(*text, used + strlen(more) + 1);
	strcpy(*text + used, more);
}

/* "20044 bhyt 31/08/2025 = 6600 (changed, 6512 stood)", and what is not the default. */
static void say_entry(char **text, const struct form_entry *entry)
{
	static const char *const changes[] = { "added", "changed", "same" };
	char line[400], cell[FORM_CELL_BYTES], from[11], to[11], before[40] = "", other[120] = "";
	const struct wire_fact *fact = &entry->entry.fact;
	size_t used = 0;
	if (entry->entry.kind == WIRE_RATE) {
		const struct wire_rate *rate = &entry->entry.rate;
		snprintf(line, sizeof line, "%s: %s %s %s rate %lld/%u of %d %s\n", form_cell_name(entry->row, entry->column, cell),
			 rate->unit, rate->measure, baophu_date_format(rate->to, true, to), (long long)rate->digits, rate->decimals,
			 rate->denominator, rate->over);
		append(text, line);
		return;
	}
	if (entry->before != BAOPHU_ABSENT)
		snprintf(before, sizeof before, ", %lld stood", (long long)entry->before);
	if (fact->extent != BAOPHU_WHOLE)
		used += (size_t)snprintf(other + used, sizeof other - used, " extent %d", fact->extent);
	if (entry->entry.kind == WIRE_FACT && fact->status != BAOPHU_FINAL)
		used += (size_t)snprintf(other + used, sizeof other - used, " status %d", fact->status);
	if (entry->entry.kind == WIRE_FACT && fact->bound != BAOPHU_EXACT)
		used += (size_t)snprintf(other + used, sizeof other - used, " bound %d", fact->bound);
	if (fact->reason)
		snprintf(other + used, sizeof other - used, " reason %d", fact->reason);
	baophu_date_format(fact->from, true, from);
	baophu_date_format(fact->to, true, to);
	if (entry->entry.kind == WIRE_WITHDRAWAL)
		snprintf(line, sizeof line, "%s: %s %s %s withdrawn (%s%s)\n", form_cell_name(entry->row, entry->column, cell),
			 fact->unit, fact->measure, to, changes[entry->change], before);
	else
		snprintf(line, sizeof line, "%s: %s %s %s%s%s = %lld%s (%s%s)\n", form_cell_name(entry->row, entry->column, cell),
			 fact->unit, fact->measure, fact->from == fact->to ? "" : from, fact->from == fact->to ? "" : "-", to,
			 (long long)fact->value, other, changes[entry->change], before);
	append(text, line);
}

static void say(struct reading *reading)
{
	const struct form *form = &reading->form;
	if (form->refusal) {
		append(&reading->text, "refused: ");
		append(&reading->text, form->refusal);
		append(&reading->text, "\n");
		cr_assert(form->entry_count == 0 && form->problem_count == 0 && form->rejected_rows == 0);
	}
	for (uint32_t i = 0; i < form->entry_count; i++) {
		cr_assert_not(form_row_is_rejected(form, form->entries[i].row));
		say_entry(&reading->text, &form->entries[i]);
	}
	for (uint32_t i = 0; i < form->problem_count; i++) {
		cr_assert(form->problems[i].is_notice || form_row_is_rejected(form, form->problems[i].row));
		append(&reading->text, form->problems[i].is_notice ? "said " : "rejected ");
		append(&reading->text, form->problems[i].text);
		append(&reading->text, "\n");
	}
	if (!reading->text)
		append(&reading->text, "");
	cr_assert_eq(form->added + form->changed + form->same, form->entry_count);
}

static struct reading read_with(struct mirror *mirror, const char *csv, const struct form_pending *pending, size_t pending_count)
{
	struct sheet_problem problem;
	struct reading reading = { .mirror = mirror,
				   .context = { .mirror = mirror,
						.agent = "a-luoi",
						.today = office_day(OFFICE_DAY),
						.vietnamese = true,
						.pending = pending,
						.pending_count = pending_count } };
	char why[SHEET_PROBLEM_BYTES];
	int64_t began_us = cpu_us();
	int error = sheet_read_csv(csv, strlen(csv), &reading.sheet, &problem);
	cr_assert_eq(error, 0, "%s", error ? sheet_explain(&problem, "", why, sizeof why) : "");
	cr_assert_eq(form_read(reading.sheet, &reading.context, &reading.form), 0);
	reading.cpu_us = cpu_us() - began_us;
	say(&reading);
	return reading;
}

static void give_back(struct reading *reading)
{
	form_finish(&reading->form);
	sheet_destroy(reading->sheet);
	mirror_close(reading->mirror);
	free(reading->text);
}

/* What the sheet gives, all of it. */
static void gives(const char *csv, const char *wanted)
{
	struct reading reading = read_with(office_mirror(), csv, NULL, 0);
	cr_assert(strcmp(reading.text, wanted) == 0, "got:\n%s\nnot:\n%s", reading.text, wanted);
	give_back(&reading);
}

/* One data row under the usual headings: what comes of it contains this. */
static void row_gives(const char *row, const char *wanted)
{
	char csv[600];
	snprintf(csv, sizeof csv, "Mã địa bàn;Tên địa bàn;Chỉ tiêu;Từ ngày;Ngày;Số liệu;Trạng thái\n%s\n", row);
	struct reading reading = read_with(office_mirror(), csv, NULL, 0);
	cr_assert(strstr(reading.text, wanted), "%s\ngot:\n%s\nnot:\n%s", row, reading.text, wanted);
	give_back(&reading);
}

static void row_is_rejected(const char *row, const char *why)
{
	char wanted[700];
	snprintf(wanted, sizeof wanted, "rejected %s", why);
	row_gives(row, wanted);
}

/* ---- layouts ---- */

Test(form, reads_a_list_with_one_figure_a_row)
{
	gives("unit,measure,to,value,status,note\n"
	      "20044,bhyt,2025-07-31,6600,,\n"
	      "20050,bhyt,2025-07-31,5120,final,the same as stands\n"
	      "20044,bhxh_tn,30/07/2025,190,provisional,\n"
	      "20101,bhyt,15/08/2026,7000,estimate,\n",
	      "D2: 20044 bhyt 31/07/2025 = 6600 (changed, 6512 stood)\n"
	      "D3: 20050 bhyt 31/07/2025 = 5120 (same, 5120 stood)\n"
	      "D4: 20044 bhxh_tn 30/07/2025 = 190 status 2 (added)\n"
	      "D5: 20101 bhyt 15/08/2026 = 7000 status 3 (added)\n");
}

Test(form, reads_vietnamese_headings_however_they_are_spelt)
{
	gives("BÁO CÁO CỦA ĐƠN VỊ\n\n"
	      "STT;Mã  Địa bàn *;Tên địa bàn;CHỈ TIÊU;Ngày số liệu;Số liệu (người);Tình trạng khác;Ghi chú\n"
	      "1;20044;Xã A Lưới 2;BHYT;31/7/2025;6.600;;\n"
	      "2;20050;A Lưới 5;BHXH tự nguyện;31-07-2025;hơn 120;;xem lại\n",
	      "F4: 20044 bhyt 31/07/2025 = 6600 (changed, 6512 stood)\n"
	      "F5: 20050 bhxh_tn 31/07/2025 = 120 bound 3 (added)\n");
}

Test(form, reads_measures_as_columns_by_name_or_code_with_the_date_above)
{
	gives("TÌNH HÌNH THAM GIA;;;\n"
	      "Tính đến ngày 30/7/2025;;;\n"
	      "Mã;Xã;BHYT (người);bhxh_tn;Ghi chú\n"
	      "20044;Xã A Lưới 2;6.610;0;\n"
	      "20050;;5.130;;đã kiểm tra\n"
	      "20056;Xã A Lưới 1;;;\n"
	      "Tổng cộng;;11.740;0;\n",
	      "C4: 20044 bhyt 30/07/2025 = 6610 (added)\n"
	      "D4: 20044 bhxh_tn 30/07/2025 = 0 (added)\n"
	      "C5: 20050 bhyt 30/07/2025 = 5130 (added)\n"
	      "said row 7: adds up the rows above and was left out: totals are computed\n");
}

Test(form, takes_units_by_their_exact_name)
{
	gives("Địa bàn,Ngày,BHYT\n"
	      "xã  a lưới 2,31/7/2025,1\n"
	      "Phường Thủy Hòa,31/7/2025,2\n",
	      "C2: 20044 bhyt 31/07/2025 = 1 (changed, 6512 stood)\n"
	      "C3: 00457 bhyt 31/07/2025 = 2 (added)\n");
}

Test(form, amounts_have_a_period_and_levels_a_day)
{
	gives("unit,measure,period,value\n20044,sukien,tháng 7/2025,4\n20044,bhyt,tháng 7/2025,6600\n20044,thu,quý II/2025,\"3,2 "
	      "tỷ\"\n",
	      "D2: 20044 sukien 01/07/2025-31/07/2025 = 4 (changed, 3 stood)\n"
	      "D3: 20044 bhyt 31/07/2025 = 6600 (changed, 6512 stood)\n"
	      "D4: 20044 thu 01/04/2025-30/06/2025 = 3200000000 (added)\n");
	gives("unit,measure,from,to,value\n20044,sukien,1/7/2025,15/7/2025,2\n20044,sukien,,tháng 6/2025,5\n",
	      "E2: 20044 sukien 01/07/2025-15/07/2025 = 2 (added)\n"
	      "E3: 20044 sukien 01/06/2025-30/06/2025 = 5 (added)\n");
}

Test(form, units_of_before_the_reform_are_taken_on_dates_of_then)
{
	gives("unit,name,measure,to,value\n20101,Xã Lâm Đớt,bhyt,30/6/2025,3100\n20098,Xã Đông Sơn,bhyt,30/6/2025,1200\n"
	      "20101,Xã A Lưới 4,bhyt,1/7/2025,6800\n",
	      "E2: 20101 bhyt 30/06/2025 = 3100 (added)\n"
	      "E3: 20098 bhyt 30/06/2025 = 1200 (added)\n"
	      "E4: 20101 bhyt 01/07/2025 = 6800 (added)\n");
}

Test(form, percentages_and_withdrawals_are_kept_as_what_they_are)
{
	gives("unit,measure,to,value,denominator,over,reason\n"
	      "20044,bhyt,31/7/2025,\"93,03%\",plan,nam-2025,\n"
	      "20044,bhyt,31/7/2025,\"91,5%\",measure,danso,\n"
	      "20044,bhyt,31/7/2025,withdraw,,,correction\n"
	      "20050,bhyt,31/7/2025,Rút,,,\n"
	      "20050,bhyt,30/7/2025,rút,,,\n",
	      "D2: 20044 bhyt 31/07/2025 rate 9303/2 of 3 nam-2025\n"
	      "D3: 20044 bhyt 31/07/2025 rate 915/1 of 2 danso\n"
	      "D4: 20044 bhyt 31/07/2025 withdrawn (changed, 6512 stood)\n"
	      "D5: 20050 bhyt 31/07/2025 withdrawn (changed, 5120 stood)\n"
	      "rejected D6: there is no figure to take back for this unit, measure and period\n");
}

Test(form, an_empty_cell_is_no_report_and_zero_is_one)
{
	gives("Mã,Ngày,bhyt,bhxh_tn\n20044,31/7/2025,,\n20050,31/7/2025,0,\n",
	      "C3: 20050 bhyt 31/07/2025 = 0 (changed, 5120 stood)\n");
	gives("unit,measure,to,value\n20044,bhyt,31/7/2025,\n20050,bhyt,31/7/2025,0\n",
	      "D3: 20050 bhyt 31/07/2025 = 0 (changed, 5120 stood)\n");
}

Test(form, what_is_saved_and_unconfirmed_counts_as_standing)
{
	const struct form_pending pending[] = {
		{ "20044", "bhyt", BAOPHU_WHOLE, office_day(20250731), office_day(20250731), 1, BAOPHU_FINAL, BAOPHU_REPORTED,
		  BAOPHU_EXACT },
		{ "20050", "bhyt", BAOPHU_WHOLE, office_day(20250731), office_day(20250731), BAOPHU_ABSENT, 0, 0, 0 },
		{ "20044", "bhyt", BAOPHU_WHOLE, office_day(20250731), office_day(20250731), 6600, BAOPHU_FINAL, BAOPHU_REPORTED,
		  BAOPHU_EXACT },
	};
	struct reading reading = read_with(
	    office_mirror(), "Mã,Ngày,bhyt\n20044,31/7/2025,6600\n20050,31/7/2025,5120\n20056,31/7/2025,6044\n", pending, 3);
	cr_assert_str_eq(reading.text, "C2: 20044 bhyt 31/07/2025 = 6600 (same, 6600 stood)\n"
				       "C3: 20050 bhyt 31/07/2025 = 5120 (added)\n"
				       "C4: 20056 bhyt 31/07/2025 = 6044 (same, 6044 stood)\n");
	cr_assert(reading.form.same == 2 && reading.form.added == 1 && reading.form.changed == 0);
	give_back(&reading);
}

Test(form, without_a_mirror_only_codes_are_understood)
{
	struct reading reading = read_with(
	    NULL, "unit,name,measure,to,value\n20044,,bhyt,31/7/2025,6600\n,Xã A Lưới 2,bhyt,31/7/2025,6600\n", NULL, 0);
	cr_assert_str_eq(
	    reading.text,
	    "E2: 20044 bhyt 31/07/2025 = 6600 (added)\n"
	    "rejected A3: the centre was never reached from here, so only codes are understood; write the code of the unit\n");
	give_back(&reading);
}

/* ---- units that are not certain ---- */

Test(form, a_code_that_lost_its_zeros_is_a_suggestion)
{
	row_is_rejected("457;;bhyt;;31/7/2025;5;", "A2: “457” is no code of a unit of this office; did you mean 00457 “Phường Thủy "
						   "Hòa”? Write the code as text, with its leading zeros");
}

Test(form, a_code_with_a_slip_of_the_finger_is_a_suggestion)
{
	row_is_rejected("20014;;bhyt;;31/7/2025;5;", "A2: “20014” is no code of a unit of this office; did you mean");
	row_is_rejected("20101 - Xã A Lưới 4;;bhyt;;31/7/2025;5;",
			"A2: “20101 - Xã A Lưới 4” is no code of a unit of this office; did you mean 20101 “Xã A Lưới 4”?");
	row_is_rejected("99999;;bhyt;;31/7/2025;5;", "A2: “99999” is no code of a unit of this office\n");
}

Test(form, a_code_of_before_the_reform_names_its_successor)
{
	row_is_rejected("20098;;bhyt;;31/7/2025;5;", "A2: 20098 “Xã Đông Sơn” was valid until 30/06/2025, and the figures are of "
						     "31/07/2025; its successor is 20101 “Xã A Lưới 4”: "
						     "did you mean that?");
	row_is_rejected(";Xã Đông Sơn;bhyt;;31/7/2025;5;", "B2: 20098 “Xã Đông Sơn” was valid until 30/06/2025");
	row_is_rejected("20056;;bhyt;;30/6/2025;5;",
			"A2: the code 20056 (“Xã A Lưới 1”) is valid from 01/07/2025 on, and the figures are of 30/06/2025");
}

Test(form, names_with_other_accents_are_suggestions)
{
	static const char *const names[] = {
		"Phuong Thuy Hoa", /* no marks */
		"Phường Thuỷ Hoà", /* tones placed otherwise */
		"Phường Thúy Hòa", /* another tone */
		"Thủy Hòa", /* no level word */
		"P. Thủy Hòa",     "Phường Thủy Hoa", "Phường Thủy Hòaa",
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char row[200], why[300];
		snprintf(row, sizeof row, ";%s;bhyt;;31/7/2025;5;", names[i]);
		snprintf(
		    why, sizeof why,
		    "B2: “%s” is not the name of a unit of this office letter by letter; did you mean 00457 “Phường Thủy Hòa”?\n",
		    names[i]);
		row_is_rejected(row, why);
	}
	/* Đ and d. */
	struct reading reading = read_with(
	    office_mirror(), "Mã,Tên địa bàn,Ngày,bhyt\n,Xã Đông Sơn,30/6/2025,1\n,Xã Dông Sơn,30/6/2025,2\n", NULL, 0);
	cr_assert_str_eq(reading.text, "D2: 20098 bhyt 30/06/2025 = 1 (added)\n"
				       "rejected B3: “Xã Dông Sơn” is not the name of a unit of this office letter by letter; did "
				       "you mean 20098 “Xã Đông Sơn”?\n");
	give_back(&reading);
}

Test(form, a_code_and_a_name_that_disagree_are_not_taken)
{
	row_is_rejected("20044;Xã A Lưới 5;bhyt;;31/7/2025;5;",
			"B2: the code 20044 is “Xã A Lưới 2”, and the name beside it is “Xã A Lưới 5”; mend the one that is wrong");
	row_gives("20044;a luoi 2;bhyt;;31/7/2025;5;", "F2: 20044 bhyt");
	row_gives("20044;TT. A Lưới;bhyt;;31/7/2025;5;", "F2: 20044 bhyt"); /* by its earlier name */
}

Test(form, figures_of_others_are_named_with_their_owner)
{
	row_is_rejected("20101;;danso;;31/7/2025;5;", "F2: “Dân số” of 20101 “Xã A Lưới 4” on 31/07/2025 is reported by “so-yte”, "
						      "not by this office; take it out, or ask the centre");
	row_is_rejected("20101.1;;danso;;31/7/2025;5;", "F2: “Dân số” of 20101.1");
	row_gives("20101;;bhyt;;31/7/2025;5;", "F2: 20101 bhyt");
	row_is_rejected("20044;;bhyt;;31/12/2019;5;", "A2: the code 20044");
}

Test(form, a_sheet_of_another_office_gives_nothing_at_all)
{
	gives("unit,measure,to,value\n26734,bhyt,31/7/2025,1\n26737,bhyt,31/7/2025,2\n26740,bhyt,31/7/2025,3\n",
	      "refused: none of the 3 units named is one of this office (“a-luoi”): it looks like the sheet of another office; "
	      "nothing of it was taken\n");
	/* One row of ours, or one that could be meant: rows are looked at one by one. */
	gives("unit,measure,to,value\n26734,bhyt,31/7/2025,1\n26737,bhyt,31/7/2025,2\n20044,bhyt,31/7/2025,3\n",
	      "D4: 20044 bhyt 31/07/2025 = 3 (changed, 6512 stood)\n"
	      "rejected A2: “26734” is no code of a unit of this office\n"
	      "rejected A3: “26737” is no code of a unit of this office\n");
}

/* ---- measures ---- */

Test(form, an_unknown_measure_is_named_with_the_nearest)
{
	row_is_rejected("20044;;bhyte;;31/7/2025;5;", "C2: there is no measure “bhyte”; did you mean “BHYT” (bhyt)?");
	row_is_rejected("20044;;BHXH tu nguyen;;31/7/2025;5;",
			"C2: there is no measure “BHXH tu nguyen”; did you mean “BHXH tự nguyện” (bhxh_tn)?");
	row_is_rejected("20044;;số mũ bảo hiểm;;31/7/2025;5;", "C2: there is no measure “số mũ bảo hiểm”\n");
	row_is_rejected("20044;;;;31/7/2025;5;", "C2: the row says no measure; write its code or name");
	row_is_rejected("20044;;bhyt_baophu;;31/7/2025;5;", "C2: there is no measure “bhyt_baophu”"); /* an indicator is none */
}

/* ---- figures ---- */

Test(form, what_is_no_count_says_what_would_be)
{
	row_is_rejected("20044;;bhyt;;31/7/2025;nhiều;", "F2: “nhiều” is not a number; write digits only");
	row_is_rejected("20044;;bhyt;;31/7/2025;12,5;", "F2: “12,5” has decimals, and a count has none");
	row_is_rejected("20044;;bhyt;;31/7/2025;-5;", "F2: “-5” is negative");
	row_is_rejected("20044;;bhyt;;31/7/2025;1.234,567;", "F2: ");
	row_is_rejected("20044;;thu;1/7/2025;31/7/2025;12,345 triệu đồng;", "F2: “12,345 triệu đồng” can be read as ");
	row_is_rejected("20044;;bhyt;;31/7/2025;12 hộ;", "F2: “12 hộ”: what is counted here is");
	gives("Mã,Ngày,bhyt\n20044,31/7/2025,\"92,62%\"\n", "rejected C2: “92,62%” is a percentage; a count belongs here\n");
}

Test(form, a_figure_and_its_column_of_status_must_agree)
{
	row_gives("20044;;bhyt;;31/7/2025;ước 500;", "F2: 20044 bhyt 31/07/2025 = 500 status 3 ");
	row_gives("20044;;bhyt;;31/7/2025;ước 500;ước", "= 500 status 3 ");
	row_is_rejected("20044;;bhyt;;31/7/2025;ước 500;chính thức",
			"F2: the figure says “estimate” and the column of the status “final”; mend one of the two");
	row_is_rejected("20044;;bhyt;;31/7/2025;500;xong",
			"G2: “xong” is none of the words for this column: final, provisional, estimate");
}

/* ---- dates ---- */

Test(form, dates_that_are_none_say_so)
{
	row_is_rejected("20044;;bhyt;;30/2/2025;5;", "E2: “30/2/2025”: there is no such day");
	row_is_rejected("20044;;bhyt;;hôm qua;5;", "E2: “hôm qua” is not a date or period; write 30/04/2024");
	row_is_rejected("20044;;bhyt;;3/4/25;5;", "E2: “3/4/25”");
	row_is_rejected("20044;;bhyt;;30/4;5;", "E2: “30/4” names no year; write it");
	row_is_rejected("20044;;bhyt;;;5;", "E2: the row says no date; write the day of the figure, or the last day of its period");
	row_is_rejected("20044;;bhyt;;2/8/2025;5;",
			"E2: 02/08/2025 lies too far ahead of today, 31/07/2025; mend the date; only an estimate");
	row_gives("20044;;bhyt;;1/8/2025;5;", "F2: 20044 bhyt 01/08/2025");
	row_gives("20044;;bhyt;;31/12/2025;5;ước", "F2: 20044 bhyt 31/12/2025 = 5 status 3");
	row_is_rejected("20044;;bhyt;;31/12/2026;5;ước", "E2: 31/12/2026 lies too far ahead");
}

Test(form, a_level_with_a_period_and_an_amount_without_one_are_refused)
{
	row_is_rejected("20044;;bhyt;1/7/2025;31/7/2025;5;",
			"D2: “BHYT” is a level at a date: write one day, and no first day of a period");
	row_is_rejected("20044;;bhyt;;tháng 7/2025;5;", "E2: “BHYT” is a level at a date");
	row_is_rejected("20044;;sukien;;31/7/2025;5;", "E2: “Hội nghị, buổi tuyên truyền” is an amount in a period: write its "
						       "first day too, or the whole period (tháng 6/2024)");
	row_is_rejected("20044;;sukien;31/7/2025;1/7/2025;5;", "D2: the period ends before it begins");
	row_is_rejected("20044;;sukien;tháng 6/2025;31/7/2025;5;",
			"D2: beside a first day a last day belongs, and both are single days");
}

/* ---- the same figure twice ---- */

Test(form, the_same_row_twice_is_taken_once_and_said)
{
	gives("Mã,Ngày,bhyt\n20044,31/7/2025,7\n20050,31/7/2025,8\n20044,31/07/2025,7\n",
	      "C2: 20044 bhyt 31/07/2025 = 7 (changed, 6512 stood)\n"
	      "C3: 20050 bhyt 31/07/2025 = 8 (changed, 5120 stood)\n"
	      "said C4: says the same as cell C2 and was taken once\n");
}

Test(form, rows_that_contradict_each_other_are_both_rejected)
{
	gives("Mã,Ngày,bhyt,bhxh_tn\n20044,31/7/2025,7,3\n20050,31/7/2025,8,\n20044,31/07/2025,9,3\n",
	      "C3: 20050 bhyt 31/07/2025 = 8 (changed, 5120 stood)\n"
	      "rejected C2: the same figure stands in cell C4 with another value; leave the right one and take the other out\n"
	      "rejected C4: the same figure stands in cell C2 with another value; leave the right one and take the other out\n");
	/* A repetition of a row that is rejected is not lost with it. */
	gives("Mã,Ngày,bhyt,bhxh_tn\n20044,31/7/2025,xx,3\n20044,31/07/2025,,3\n",
	      "D3: 20044 bhxh_tn 31/07/2025 = 3 (changed, 188 stood)\n"
	      "rejected C2: “xx” is not a number; write digits only\n");
}

/* ---- files that give nothing ---- */

Test(form, files_that_are_no_form_are_refused_whole)
{
	gives("a,b,c\n1,2,3\n", "refused: no line of headings was found: it names a column of units (“Mã địa bàn” or “Tên địa "
				"bàn”) and one of figures (“Số liệu”, "
				"or the name of a measure)\n");
	gives("Mã,Ngày,BHYT,BHXH tự nguyên\n20044,31/7/2025,1,2\n",
	      "refused: cell D1: the column “BHXH tự nguyên” is not known here; did you mean “BHXH tự nguyện” (bhxh_tn)? Mend the "
	      "heading, or leave the column out\n");
	gives("Mã,Ngày,BHYT,\n20044,31/7/2025,1,2\n",
	      "refused: cell D1: the column “” is not known here; give it the name or code of a measure, or leave it out\n");
	gives("Mã,Ngày,BHYT,Cột trống\n20044,31/7/2025,1,\n", "C2: 20044 bhyt 31/07/2025 = 1 (changed, 6512 stood)\n");
	gives("Mã,BHYT\n20044,1\n", "refused: nothing says which date or period the figures are of: add a column “Ngày”, or a line "
				    "“Tính đến ngày …” above the headings\n");
	gives("30/6/2025,31/7/2025\nMã,BHYT\n20044,1\n", "refused: cell B1: above the headings there are two different dates or "
							 "periods; leave one of them, or give each row a date\n");
	gives("Mã,Ngày,BHYT,bhyt\n20044,31/7/2025,1,2\n",
	      "refused: cells C1 and D1: two columns for the same measure, bhyt; leave one out\n");
	gives("Mã,Mã,Ngày,bhyt\n20044,20044,31/7/2025,2\n", "refused: cells A1 and B1: two columns say the same; leave one out\n");
	gives("Mã,Ngày,Số liệu\n20044,31/7/2025,2\n", "refused: no column says which measure the figures are of: add a column “Chỉ "
						      "tiêu”, or give the column of figures the name of the measure\n");
	gives("Mã,Ngày,BHYT\n20044,31/7/2025,\n", "refused: no figure is filled in\n");
	gives("baophu-bieu-nhap,1,can-tho,2025-08-01,2025-08-31\n",
	      "refused: this form was made for “can-tho”, and this office is “a-luoi”; nothing of it was taken: drop it into that "
	      "office's folder\n");
	gives("baophu-bieu-nhap,9,a-luoi,2025-08-01,2025-08-31\n",
	      "refused: this form is of another version (9, and 1 is known here); take a new one with `baophu-agent template`\n");
	gives("baophu-bieu-nhap,1,a-luoi,xx,2025-08-31\n",
	      "refused: the hidden first row of this form was changed, and it no longer says its period; take a new form with "
	      "`baophu-agent template`\n");
	gives("baophu-bieu-nhap,1,a-luoi,2025-07-01,2025-07-31\n",
	      "refused: the hidden row above the figures of this form is gone; take a new form with `baophu-agent template`\n");
}

/* ---- our own form, as .csv ---- */

#define HEAD                                                                                 \
	"baophu-bieu-nhap,1,a-luoi,2025-07-01,2025-07-31\nKỳ số liệu:,%s\nMã địa " \
	"bàn,Tên,BHYT,,\n#dia-ban,#ten,#so-lieu:bhyt,#so-lieu:sukien,#trang-thai\n"

static void template_gives(const char *period, const char *rows, const char *wanted)
{
	char csv[900];
	snprintf(csv, sizeof csv, HEAD "%s", period, rows);
	gives(csv, wanted);
}

Test(form, reads_its_own_form_saved_by_whatever)
{
	template_gives("tháng 7/2025", "20044,Xã A Lưới 2,6600,3,\n20050,Xã A Lưới 5,,0,sơ bộ\n",
		       "C5: 20044 bhyt 31/07/2025 = 6600 (changed, 6512 stood)\n"
		       "D5: 20044 sukien 01/07/2025-31/07/2025 = 3 (same, 3 stood)\n"
		       "D6: 20050 sukien 01/07/2025-31/07/2025 = 0 status 2 (added)\n");
	/* The officer chose another period. */
	template_gives("tháng 6/2025", "20044,,6600,,\n", "C5: 20044 bhyt 30/06/2025 = 6600 (added)\n");
	template_gives("", "20044,,6600,,\n", "C5: 20044 bhyt 31/07/2025 = 6600 (changed, 6512 stood)\n");
	template_gives("tháng mười ba", "20044,,6600,,\n",
		       "refused: cell B2, the period of the form: “tháng mười ba” is not a date or period; write 30/04/2024, tháng "
		       "4/2024, quý I/2024 or năm 2024\n");
}

/* ---- bounds ---- */

Test(form, every_mistake_of_a_row_is_said_and_a_long_text_is_shortened)
{
	char csv[3000], *at = csv;
	at += sprintf(at, "Mã,Ngày,BHYT,bhxh_tn\n");
	for (int i = 0; i < 300; i++)
		at += sprintf(at, "Đ");
	sprintf(at, ",30/2/2025,x,y\n");
	struct reading reading = read_with(office_mirror(), csv, NULL, 0);
	char why[FORM_REASON_BYTES];
	cr_assert_eq(reading.form.rejected_rows, 1);
	form_reason(&reading.form, 1, why);
	cr_assert(strstr(why, "A2: “ĐĐĐ") && strstr(why, "…” is no code") &&
		      strstr(why, "; B2: “30/2/2025”: there is no such day; C2: “x” is not a number") &&
		      strstr(why, "; D2: “y” is not a number"),
		  "%s", why);
	cr_assert_lt(strlen(why), 600);
	give_back(&reading);
}

Test(form, a_centre_s_refusal_brings_the_row_back_and_no_other)
{
	struct reading reading = read_with(office_mirror(),
					   "Mã,Ngày,bhyt\n20044,31/7/2025,7\n20050,31/7/2025,8\n20050,31/2/2025,9\n", NULL, 0);
	char why[FORM_REASON_BYTES];
	cr_assert_not(form_row_is_rejected(&reading.form, 2));
	cr_assert(form_row_is_rejected(&reading.form, 3));
	form_forget_problems(&reading.form);
	cr_assert_not(form_row_is_rejected(&reading.form, 3), "it came back when it was first read");
	cr_assert_eq(form_reject_cell(&reading.form, 2, 2, "another office owns this unit and measure"), 0);
	cr_assert(form_row_is_rejected(&reading.form, 2) && !form_row_is_rejected(&reading.form, 1) &&
		  form_cell_is_wrong(&reading.form, 2, 2));
	cr_assert_str_eq(form_reason(&reading.form, 2, why), "C3: another office owns this unit and measure");
	cr_assert_eq(reading.form.rejected_rows, 1);
	give_back(&reading);
}

/* Ten thousand rows of four thousand units, half of them wrong in some way: nothing here is quadratic. */
Test(form, a_large_sheet_is_read_in_proportion)
{
	enum { ROWS = 10000, UNITS = 4000 };
	size_t size = 64 * ROWS + 1000;
	char *csv = malloc(size), *at = csv;
	at += sprintf(at, "Mã,Tên địa bàn,Chỉ tiêu,Ngày,Số liệu\n");
	for (int i = 0; i < ROWS; i++)
		at += i % 4 == 3   ? sprintf(at, "X%05d,,bhyt,30/7/2025,%d\n", i, i)
		      : i % 4 == 2 ? sprintf(at, ",Thon %d,bhyt,30/7/2025,%d\n", i % UNITS, i)
				   : sprintf(at, "T%05d,Thôn %d,%s,30/7/2025,%d\n", i % UNITS, i % UNITS,
					     i < UNITS       ? "bhyt"
					     : i < 2 * UNITS ? "bhxh_tn"
							     : "danso",
					     i);
	struct reading reading = read_with(office_mirror_with(UNITS), csv, NULL, 0);
	cr_log_info("%d rows: %lld ms of processor", ROWS, (long long)reading.cpu_us / 1000);
	cr_assert_eq(reading.form.row_count, ROWS);
	cr_assert_eq(reading.form.entry_count, UNITS);
	cr_assert_eq(reading.form.rejected_rows, ROWS - UNITS);
	give_back(&reading);
	free(csv);
}
