/* What people write in the cells of a sheet, read; and what could mean two things, refused with both. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include <baophu/date.h>

#include "human.h"

static const char *date_text(baophu_date date)
{
	static char buffers[4][11];
	static unsigned at;
	return baophu_date_format(date, false, buffers[at++ % 4]);
}

/* The same text decomposed, and in capitals: what Macs and caps lock make of it. */
static void variants(const char *text, char ret_decomposed[static 512], char ret_capitals[static 512])
{
	char *decomposed = (char *)utf8proc_NFD((const utf8proc_uint8_t *)text);
	snprintf(ret_decomposed, 512, "%s", decomposed);
	free(decomposed);
	size_t used = 0;
	utf8proc_int32_t letter;
	for (const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)text; *at;) {
		at += utf8proc_iterate(at, -1, &letter);
		used += (size_t)utf8proc_encode_char(utf8proc_toupper(letter), (utf8proc_uint8_t *)ret_capitals + used);
	}
	ret_capitals[used] = '\0';
}

static void count_once(const char *text, const char *unit, int64_t value, enum baophu_bound bound, enum baophu_status status)
{
	struct human_count count = { 0 };
	struct human_doubt doubt;
	enum human_problem problem = human_count(text, unit, &count, &doubt);
	cr_assert_eq(problem, HUMAN_OK, "%s: %d", text, (int)problem);
	cr_assert_eq(count.value, value, "%s: %lld", text, (long long)count.value);
	cr_assert_eq(count.bound, bound, "%s: bound %d", text, (int)count.bound);
	cr_assert_eq(count.status, status, "%s: status %d", text, (int)count.status);
}

static void count_as(const char *text, const char *unit, int64_t value, enum baophu_bound bound, enum baophu_status status)
{
	char decomposed[512], capitals[512];
	variants(text, decomposed, capitals);
	count_once(text, unit, value, bound, status);
	count_once(decomposed, unit, value, bound, status);
	count_once(capitals, unit, value, bound, status);
}

static void count_is(const char *text, int64_t value) { count_as(text, "người", value, BAOPHU_EXACT, BAOPHU_STATUS_NONE); }
static void money_is(const char *text, int64_t value) { count_as(text, "đồng", value, BAOPHU_EXACT, BAOPHU_STATUS_NONE); }

static void count_fails(const char *text, const char *unit, enum human_problem wanted, const char *first, const char *second)
{
	struct human_count count = { .value = 4711 };
	struct human_doubt doubt;
	enum human_problem problem = human_count(text, unit, &count, &doubt);
	cr_assert_eq(problem, wanted, "%s: %d", text, (int)problem);
	cr_assert_eq(count.value, 4711, "%s changed the value", text);
	cr_assert_str_eq(doubt.first, first, "%s: %s", text, doubt.first);
	cr_assert_str_eq(doubt.second, second, "%s: %s", text, doubt.second);
}

Test(human_count, reads_thousands_behind_any_one_mark)
{
	count_is("1065565", 1065565);
	count_is("1.065.565", 1065565);
	count_is("1,065,565", 1065565);
	count_is("1 065 565", 1065565);
	count_is("1\u00a0065\u00a0565", 1065565);
	count_is("1\u202f065\u202f565 người", 1065565);
	count_is("31.455", 31455);
	count_is("31,455", 31455);
	count_is("6.808 người", 6808);
	count_is("  850\n", 850);
	count_is("02", 2);
	count_is("0", 0);
	count_is("999.999.999.999.999", 999999999999999);
	count_is("1065565,00", 1065565);
	count_is("1.065.565,0", 1065565);
	count_is("0,0", 0);
	count_as("02 văn bản", "văn bản", 2, BAOPHU_EXACT, BAOPHU_STATUS_NONE);
}

Test(human_count, reads_words_that_multiply)
{
	money_is("806 triệu đồng", 806000000);
	money_is("806 tr", 806000000);
	money_is("806tr", 806000000);
	money_is("806 trđ", 806000000);
	money_is("806 triệu", 806000000);
	money_is("806 triệu VNĐ", 806000000);
	money_is("750 nghìn", 750000);
	money_is("750 ngàn đồng", 750000);
	money_is("3,2 tỷ", 3200000000);
	money_is("3.2 tỉ đồng", 3200000000);
	money_is("1.234,5 triệu đồng", 1234500000);
	money_is("1.234.567 triệu", 1234567000000);
	money_is("12 345 triệu", 12345000000);
	money_is("0,125 tỷ", 125000000);
	money_is("1,5 nghìn tỷ đồng", 1500000000000);
	money_is("12,3456 triệu", 12345600);
	money_is("500.000đ", 500000);
	money_is("500.000 ₫", 500000);
	/* One of the readings would be more people than there are. */
	count_is("12,345 triệu", 12345000);
	count_is("12,345 triệu người", 12345000);
	count_as("1,065 triệu người", "", 1065000, BAOPHU_EXACT, BAOPHU_STATUS_NONE);
}

Test(human_count, keeps_what_is_said_of_the_figure)
{
	count_as("hơn 500", "người", 500, BAOPHU_MORE_THAN, BAOPHU_STATUS_NONE);
	count_as("Trên 1.200 người", "người", 1200, BAOPHU_MORE_THAN, BAOPHU_STATUS_NONE);
	count_as("> 500", "người", 500, BAOPHU_MORE_THAN, BAOPHU_STATUS_NONE);
	count_as("khoảng 3,2 tỷ đồng", "đồng", 3200000000, BAOPHU_ABOUT, BAOPHU_STATUS_NONE);
	count_as("~500", "người", 500, BAOPHU_ABOUT, BAOPHU_STATUS_NONE);
	count_as("xấp xỉ 500", "người", 500, BAOPHU_ABOUT, BAOPHU_STATUS_NONE);
	count_as("gần 90.000", "người", 90000, BAOPHU_NEARLY, BAOPHU_STATUS_NONE);
	count_as("ước 500", "người", 500, BAOPHU_EXACT, BAOPHU_ESTIMATE);
	count_as("ước đạt khoảng 500 người", "người", 500, BAOPHU_ABOUT, BAOPHU_ESTIMATE);
	count_as("sơ bộ 500", "người", 500, BAOPHU_EXACT, BAOPHU_PROVISIONAL);
	count_as("500 (sơ bộ)", "người", 500, BAOPHU_EXACT, BAOPHU_PROVISIONAL);
	count_as("500 sơ bộ", "", 500, BAOPHU_EXACT, BAOPHU_PROVISIONAL);
	count_as("500 người (ước)", "người", 500, BAOPHU_EXACT, BAOPHU_ESTIMATE);
	count_as("tạm tính hơn 500", "người", 500, BAOPHU_MORE_THAN, BAOPHU_PROVISIONAL);
	count_as("hon 500", "người", 500, BAOPHU_MORE_THAN, BAOPHU_STATUS_NONE);
	count_as("500 lượt", "lượt người", 500, BAOPHU_EXACT, BAOPHU_STATUS_NONE);
	count_as("500 hộ", "", 500, BAOPHU_EXACT, BAOPHU_STATUS_NONE);
}

Test(human_count, refuses_two_readings_with_both)
{
	count_fails("1.234,567", "người", HUMAN_TWO_READINGS, "1 234 567", "1 234 point 567");
	count_fails("1,234.567", "người", HUMAN_TWO_READINGS, "1 234 567", "1 234 point 567");
	count_fails("1065.565", "người", HUMAN_TWO_READINGS, "1 065 565", "1 065 point 565");
	count_fails("12,345 triệu đồng", "đồng", HUMAN_TWO_READINGS, "12 345 000", "12 345 000 000");
	count_fails("12.345 triệu", "đồng", HUMAN_TWO_READINGS, "12 345 000", "12 345 000 000");
	count_fails("123.456 nghìn người", "người", HUMAN_TWO_READINGS, "123 456", "123 456 000");
}

Test(human_count, refuses_what_is_no_count)
{
	count_fails("", "người", HUMAN_EMPTY, "", "");
	count_fails(" \u00a0 ", "người", HUMAN_EMPTY, "", "");
	count_fails("n/a", "người", HUMAN_NOT_NUMBER, "", "");
	count_fails("-", "người", HUMAN_NOT_NUMBER, "", "");
	count_fails("5/6", "người", HUMAN_NOT_NUMBER, "", "");
	count_fails("12,5", "người", HUMAN_FRACTION, "", "");
	count_fails("0,123", "người", HUMAN_FRACTION, "", "");
	count_fails("12.34", "người", HUMAN_FRACTION, "", "");
	count_fails("1,2345 nghìn", "đồng", HUMAN_FRACTION, "", "");
	count_fails("1.06.565", "người", HUMAN_GROUPS, "", "");
	count_fails("1.065.5655", "người", HUMAN_GROUPS, "", "");
	count_fails("1 06", "người", HUMAN_GROUPS, "", "");
	count_fails("92,62%", "người", HUMAN_PERCENT, "", "");
	count_fails("92 phần trăm", "người", HUMAN_PERCENT, "", "");
	count_fails("12 hộ", "người", HUMAN_UNIT, "người", "");
	count_fails("806 trđ", "người", HUMAN_UNIT, "người", "");
	count_fails("500 người nghèo", "người", HUMAN_UNIT, "người", "");
	count_fails("dưới 500", "người", HUMAN_BELOW, "", "");
	count_fails("<500", "người", HUMAN_BELOW, "", "");
	count_fails("-500", "người", HUMAN_NEGATIVE, "", "");
	count_fails("\u2212500", "người", HUMAN_NEGATIVE, "", "");
	count_fails("hơn khoảng 500", "người", HUMAN_NOT_NUMBER, "", "");
	count_fails("1.000.000.000.000.001", "người", HUMAN_TOO_BIG, "", "");
	count_fails("2.000.000 tỷ", "đồng", HUMAN_TOO_BIG, "", "");
	count_fails("99999999999999999999999999", "người", HUMAN_TOO_BIG, "", "");
	count_fails("1 2 3 4 5 6 7 8 9 10 11", "người", HUMAN_TOO_BIG, "", "");
	count_fails("\xff\xfe", "người", HUMAN_NOT_NUMBER, "", "");
}

Test(human_count, reads_numeric_cells_exactly)
{
	static const struct {
		const char *text;
		int64_t value;
	} good[] = { { "1065565", 1065565 },
		     { "1.065565E6", 1065565 },
		     { "1.065565E+06", 1065565 },
		     { "0", 0 },
		     { "0.0", 0 },
		     { "1065565.0", 1065565 },
		     { "1065564.9999999999", 1065565 },
		     { "1000000000000000", BAOPHU_VALUE_MAX },
		     { "1E15", BAOPHU_VALUE_MAX } };
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		int64_t value = -1;
		cr_assert_eq(human_count_cell(good[i].text, &value, NULL), HUMAN_OK, "%s", good[i].text);
		cr_assert_eq(value, good[i].value, "%s: %lld", good[i].text, (long long)value);
	}
	static const struct {
		const char *text;
		enum human_problem problem;
		const char *first, *second;
	} bad[] = { { "1.065", HUMAN_TWO_READINGS, "1 065", "1 point 065" },
		    { "1.06", HUMAN_TWO_READINGS, "1 060", "1 point 06" },
		    { "12.5", HUMAN_TWO_READINGS, "12 500", "12 point 5" },
		    { "0.5", HUMAN_FRACTION, "", "" },
		    { "1065.5", HUMAN_FRACTION, "", "" },
		    { "-3", HUMAN_NEGATIVE, "", "" },
		    { "1000000000000010", HUMAN_TOO_BIG, "", "" },
		    { "1e300", HUMAN_TOO_BIG, "", "" },
		    { "1e9999", HUMAN_NOT_NUMBER, "", "" },
		    { "1,5", HUMAN_NOT_NUMBER, "", "" },
		    { "", HUMAN_NOT_NUMBER, "", "" },
		    { "NaN", HUMAN_NOT_NUMBER, "", "" } };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int64_t value = 4711;
		struct human_doubt doubt;
		enum human_problem problem = human_count_cell(bad[i].text, &value, &doubt);
		cr_assert_eq(problem, bad[i].problem, "%s: %d", bad[i].text, (int)problem);
		cr_assert_eq(value, 4711, "%s", bad[i].text);
		cr_assert_str_eq(doubt.first, bad[i].first, "%s: %s", bad[i].text, doubt.first);
		cr_assert_str_eq(doubt.second, bad[i].second, "%s: %s", bad[i].text, doubt.second);
	}
}

Test(human_percent, reads_either_decimal_mark)
{
	static const struct {
		const char *text;
		int64_t digits;
		unsigned decimals;
		enum baophu_bound bound;
	} good[] = { { "92,62%", 9262, 2, BAOPHU_EXACT },        { "92,62", 9262, 2, BAOPHU_EXACT },
		     { "131.20%", 13120, 2, BAOPHU_EXACT },      { "12. 34%", 1234, 2, BAOPHU_EXACT },
		     { "92,62 %", 9262, 2, BAOPHU_EXACT },       { "2.8%", 28, 1, BAOPHU_EXACT },
		     { "100%", 100, 0, BAOPHU_EXACT },           { "0,123%", 123, 3, BAOPHU_EXACT },
		     { "95,4 phần trăm", 954, 1, BAOPHU_EXACT }, { "12,3456%", 123456, 4, BAOPHU_EXACT },
		     { "hơn 92,5%", 925, 1, BAOPHU_MORE_THAN },  { "đạt 95%", 95, 0, BAOPHU_EXACT },
		     { "gần 90%", 90, 0, BAOPHU_NEARLY } };
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		char texts[2][512];
		variants(good[i].text, texts[0], texts[1]);
		for (int j = 0; j < 2; j++) {
			struct human_percent percent = { 0 };
			enum human_problem problem = human_percent(texts[j], &percent, NULL);
			cr_assert_eq(problem, HUMAN_OK, "%s: %d", texts[j], (int)problem);
			cr_assert_eq(percent.digits, good[i].digits, "%s", texts[j]);
			cr_assert_eq(percent.decimals, good[i].decimals, "%s", texts[j]);
			cr_assert_eq(percent.bound, good[i].bound, "%s", texts[j]);
		}
	}
}

Test(human_percent, refuses_what_it_cannot_be_sure_of)
{
	static const struct {
		const char *text;
		enum human_problem problem;
		const char *first, *second;
	} bad[] = { { "1.234%", HUMAN_TWO_READINGS, "1 234 %", "1 point 234 %" },
		    { "12,345%", HUMAN_TWO_READINGS, "12 345 %", "12 point 345 %" },
		    { "1234,5%", HUMAN_TOO_BIG, "", "" },
		    { "1.234,5%", HUMAN_GROUPS, "", "" },
		    { "1 234%", HUMAN_GROUPS, "", "" },
		    { "1,2345678%", HUMAN_DECIMALS, "", "" },
		    { "-5%", HUMAN_NEGATIVE, "", "" },
		    { "dưới 50%", HUMAN_BELOW, "", "" },
		    { "5% người", HUMAN_NOT_NUMBER, "", "" },
		    { "", HUMAN_EMPTY, "", "" } };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct human_percent percent = { .digits = 4711 };
		struct human_doubt doubt;
		enum human_problem problem = human_percent(bad[i].text, &percent, &doubt);
		cr_assert_eq(problem, bad[i].problem, "%s: %d", bad[i].text, (int)problem);
		cr_assert_eq(percent.digits, 4711, "%s", bad[i].text);
		cr_assert_str_eq(doubt.first, bad[i].first, "%s: %s", bad[i].text, doubt.first);
		cr_assert_str_eq(doubt.second, bad[i].second, "%s: %s", bad[i].text, doubt.second);
	}
}

static void cell_percent(const char *text, bool has_sign, enum human_problem wanted, int64_t digits, unsigned decimals)
{
	int64_t read = -1;
	unsigned read_decimals = 99;
	struct human_doubt doubt;
	cr_assert_eq(human_percent_cell(text, has_sign, &read, &read_decimals, &doubt), wanted, "%s", text);
	if (wanted == HUMAN_OK) {
		cr_assert_eq(read, digits, "%s: %lld", text, (long long)read);
		cr_assert_eq(read_decimals, decimals, "%s: %u", text, read_decimals);
	}
}

Test(human_percent, reads_numeric_cells)
{
	cell_percent("0.9262", true, HUMAN_OK, 9262, 2);
	cell_percent("0.92620000000000002", true, HUMAN_OK, 9262, 2);
	cell_percent("1.3120000000000001", true, HUMAN_OK, 1312, 1);
	cell_percent("1", true, HUMAN_OK, 100, 0);
	cell_percent("0", true, HUMAN_OK, 0, 0);
	cell_percent("9.2619999999999994E-1", true, HUMAN_OK, 9262, 2);
	cell_percent("0.123456789", true, HUMAN_DECIMALS, 0, 0);
	cell_percent("92.62", false, HUMAN_OK, 9262, 2);
	cell_percent("100", false, HUMAN_OK, 100, 0);
	cell_percent("0", false, HUMAN_OK, 0, 0);
	cell_percent("-0.5", true, HUMAN_NEGATIVE, 0, 0);
	struct human_doubt doubt;
	int64_t digits;
	unsigned decimals;
	cr_assert_eq(human_percent_cell("0.9262", false, &digits, &decimals, &doubt), HUMAN_TWO_READINGS);
	cr_assert_str_eq(doubt.first, "0 point 9262 %");
	cr_assert_str_eq(doubt.second, "92 point 62 %");
}

static void date_is(const char *text, int year, const char *wanted)
{
	char texts[3][512];
	variants(text, texts[0], texts[1]);
	snprintf(texts[2], sizeof texts[2], "%s", text);
	for (int i = 0; i < 3; i++) {
		baophu_date date = BAOPHU_DATE_NONE;
		enum human_problem problem = human_date(texts[i], year, &date, NULL);
		cr_assert_eq(problem, HUMAN_OK, "%s: %d", texts[i], (int)problem);
		cr_assert_str_eq(date_text(date), wanted, "%s: %s", texts[i], date_text(date));
	}
}

static void date_fails(const char *text, int year, enum human_problem wanted, const char *first, const char *second)
{
	baophu_date date = 4711;
	struct human_doubt doubt;
	enum human_problem problem = human_date(text, year, &date, &doubt);
	cr_assert_eq(problem, wanted, "%s: %d", text, (int)problem);
	cr_assert_eq(date, 4711, "%s", text);
	cr_assert_str_eq(doubt.first, first, "%s: %s", text, doubt.first);
	cr_assert_str_eq(doubt.second, second, "%s: %s", text, doubt.second);
}

Test(human_date, reads_the_day_first_when_the_year_is_whole)
{
	date_is("30/4/2024", 0, "2024-04-30");
	date_is("30/04/2024", 0, "2024-04-30");
	date_is("30-04-2024", 0, "2024-04-30");
	date_is("30.4.2024", 0, "2024-04-30");
	date_is("30 / 4 / 2024", 0, "2024-04-30");
	date_is("2024-04-30", 0, "2024-04-30");
	date_is("2024/4/30", 0, "2024-04-30");
	date_is("3/4/2024", 0, "2024-04-03");
	date_is("ngày 30/4/2024", 0, "2024-04-30");
	date_is("Ngày 30 tháng 4 năm 2024", 0, "2024-04-30");
	date_is("30 tháng 4/2024", 0, "2024-04-30");
	date_is("đến ngày 30/4/2024", 0, "2024-04-30");
	date_is("tính đến hết ngày 30/4/2024", 0, "2024-04-30");
	date_is("2024-04-30 00:00:00", 0, "2024-04-30");
	date_is("2024-04-30T00:00:00", 0, "2024-04-30");
	date_is("29/2/2024", 0, "2024-02-29");
	date_is("30/4", 2024, "2024-04-30");
	date_is("5/5", 2024, "2024-05-05");
	date_is("ngày 5 tháng 6", 2024, "2024-06-05");
}

Test(human_date, refuses_what_is_no_certain_day)
{
	date_fails("3/4/24", 0, HUMAN_TWO_READINGS, "day 3 of month 4 of 2024", "day 24 of month 4 of 2003");
	date_fails("30/4/24", 0, HUMAN_TWO_READINGS, "day 30 of month 4 of 2024", "day 24 of month 4 of 2030");
	date_fails("31/12/99", 0, HUMAN_TWO_READINGS, "day 31 of month 12 of 2099", "day 31 of month 12 of 1999");
	date_fails("5/6", 2024, HUMAN_TWO_READINGS, "day 5 of month 6 of 2024", "day 6 of month 5 of 2024");
	date_fails("5/6", 0, HUMAN_TWO_READINGS, "day 5 of month 6", "day 6 of month 5");
	date_fails("30/4", 0, HUMAN_NO_YEAR, "", "");
	date_fails("30/2/2024", 0, HUMAN_NO_SUCH_DAY, "", "");
	date_fails("29/2/2023", 0, HUMAN_NO_SUCH_DAY, "", "");
	date_fails("4/30/2024", 0, HUMAN_NO_SUCH_DAY, "day 30 of month 4 of 2024", "");
	date_fails("31/04/2024", 0, HUMAN_NO_SUCH_DAY, "", "");
	date_fails("2/2019", 0, HUMAN_NOT_DATE, "", "");
	date_fails("30/4-2024", 0, HUMAN_NOT_DATE, "", "");
	date_fails("30/4/2024 nhé", 0, HUMAN_NOT_DATE, "", "");
	date_fails("3/4/24 nhé", 0, HUMAN_NOT_DATE, "", "");
	date_fails("45412", 0, HUMAN_NOT_DATE, "", "");
	date_fails("30/4/204", 0, HUMAN_NOT_DATE, "", "");
	date_fails("1/1/1900", 0, HUMAN_NO_SUCH_DAY, "", "");
	date_fails("", 0, HUMAN_EMPTY, "", "");
}

static void period_is(const char *text, int year, const char *from, const char *to, enum human_span span)
{
	char texts[3][512];
	variants(text, texts[0], texts[1]);
	snprintf(texts[2], sizeof texts[2], "%s", text);
	for (int i = 0; i < 3; i++) {
		struct human_period period = { 0 };
		enum human_problem problem = human_period(texts[i], year, &period, NULL);
		cr_assert_eq(problem, HUMAN_OK, "%s: %d", texts[i], (int)problem);
		cr_assert_str_eq(date_text(period.from), from, "%s: from %s", texts[i], date_text(period.from));
		cr_assert_str_eq(date_text(period.to), to, "%s: to %s", texts[i], date_text(period.to));
		cr_assert_eq(period.span, span, "%s: %d", texts[i], (int)period.span);
	}
}

Test(human_period, reads_the_spans_of_reports)
{
	period_is("30/4/2024", 0, "2024-04-30", "2024-04-30", HUMAN_DAY);
	period_is("tính đến 30/4/2024", 0, "2024-04-30", "2024-04-30", HUMAN_DAY);
	period_is("2/2019", 0, "2019-02-01", "2019-02-28", HUMAN_MONTH);
	period_is("02-2019", 0, "2019-02-01", "2019-02-28", HUMAN_MONTH);
	period_is("2024-02", 0, "2024-02-01", "2024-02-29", HUMAN_MONTH);
	period_is("tháng 2/2019", 0, "2019-02-01", "2019-02-28", HUMAN_MONTH);
	period_is("tháng 12 năm 2024", 0, "2024-12-01", "2024-12-31", HUMAN_MONTH);
	period_is("T4/2024", 0, "2024-04-01", "2024-04-30", HUMAN_MONTH);
	period_is("tháng 4", 2024, "2024-04-01", "2024-04-30", HUMAN_MONTH);
	period_is("quý I/2024", 0, "2024-01-01", "2024-03-31", HUMAN_QUARTER);
	period_is("quý 1 năm 2024", 0, "2024-01-01", "2024-03-31", HUMAN_QUARTER);
	period_is("Quý II năm 2024", 0, "2024-04-01", "2024-06-30", HUMAN_QUARTER);
	period_is("quý III-2019", 0, "2019-07-01", "2019-09-30", HUMAN_QUARTER);
	period_is("quý iv 2024", 0, "2024-10-01", "2024-12-31", HUMAN_QUARTER);
	period_is("Q3/2024", 0, "2024-07-01", "2024-09-30", HUMAN_QUARTER);
	period_is("quý I", 2024, "2024-01-01", "2024-03-31", HUMAN_QUARTER);
	period_is("6 tháng đầu năm 2024", 0, "2024-01-01", "2024-06-30", HUMAN_MONTHS);
	period_is("06 tháng đầu năm 2024", 0, "2024-01-01", "2024-06-30", HUMAN_MONTHS);
	period_is("sáu tháng đầu năm 2024", 0, "2024-01-01", "2024-06-30", HUMAN_MONTHS);
	period_is("6 tháng đầu năm", 2024, "2024-01-01", "2024-06-30", HUMAN_MONTHS);
	period_is("6 tháng cuối năm 2024", 0, "2024-07-01", "2024-12-31", HUMAN_MONTHS);
	period_is("9 tháng", 2024, "2024-01-01", "2024-09-30", HUMAN_MONTHS);
	period_is("9 tháng năm 2024", 0, "2024-01-01", "2024-09-30", HUMAN_MONTHS);
	period_is("9 tháng đầu năm 2024", 0, "2024-01-01", "2024-09-30", HUMAN_MONTHS);
	period_is("năm 2024", 0, "2024-01-01", "2024-12-31", HUMAN_YEAR);
	period_is("cả năm 2024", 0, "2024-01-01", "2024-12-31", HUMAN_YEAR);
	period_is("cả năm", 2024, "2024-01-01", "2024-12-31", HUMAN_YEAR);
	period_is("2024", 0, "2024-01-01", "2024-12-31", HUMAN_YEAR);
	period_is("năm học 2021-2022", 0, "2021-09-01", "2022-08-31", HUMAN_SCHOOL_YEAR);
	period_is("năm học 2021 – 2022", 0, "2021-09-01", "2022-08-31", HUMAN_SCHOOL_YEAR);
	period_is("từ 1-1 đến 30-6-2024", 0, "2024-01-01", "2024-06-30", HUMAN_FROM_TO);
	period_is("từ ngày 01/01/2024 đến hết ngày 30/06/2024", 0, "2024-01-01", "2024-06-30", HUMAN_FROM_TO);
	period_is("từ 5/6 đến 7/8/2024", 0, "2024-06-05", "2024-08-07", HUMAN_FROM_TO);
	period_is("01/01/2024 - 30/06/2024", 0, "2024-01-01", "2024-06-30", HUMAN_FROM_TO);
	period_is("01/01/2024-30/06/2024", 0, "2024-01-01", "2024-06-30", HUMAN_FROM_TO);
	period_is("1/1–30/6/2024", 0, "2024-01-01", "2024-06-30", HUMAN_FROM_TO);
	period_is("từ tháng 1 đến tháng 6 năm 2024", 0, "2024-01-01", "2024-06-30", HUMAN_FROM_TO);
	period_is("từ đầu năm đến 30/4/2024", 0, "2024-01-01", "2024-04-30", HUMAN_FROM_TO);
	period_is("đến hết tháng 1/2024", 0, "2024-01-01", "2024-01-31", HUMAN_MONTH);
}

static void period_fails(const char *text, int year, enum human_problem wanted, const char *first, const char *second)
{
	struct human_period period = { .from = 4711, .to = 4711 };
	struct human_doubt doubt;
	enum human_problem problem = human_period(text, year, &period, &doubt);
	cr_assert_eq(problem, wanted, "%s: %d", text, (int)problem);
	cr_assert(period.from == 4711 && period.to == 4711, "%s", text);
	cr_assert_str_eq(doubt.first, first, "%s: %s", text, doubt.first);
	cr_assert_str_eq(doubt.second, second, "%s: %s", text, doubt.second);
}

Test(human_period, refuses_what_has_no_year_no_sense_or_two)
{
	period_fails("6 tháng đầu năm", 0, HUMAN_NO_YEAR, "", "");
	period_fails("9 tháng", 0, HUMAN_NO_YEAR, "", "");
	period_fails("quý I", 0, HUMAN_NO_YEAR, "", "");
	period_fails("tháng 4", 0, HUMAN_NO_YEAR, "", "");
	period_fails("quý V/2024", 0, HUMAN_NOT_DATE, "", "");
	period_fails("quý 5/2024", 0, HUMAN_NOT_DATE, "", "");
	period_fails("13/2024", 0, HUMAN_NOT_DATE, "", "");
	period_fails("13 tháng năm 2024", 0, HUMAN_NOT_DATE, "", "");
	period_fails("quý I/24", 0, HUMAN_NOT_DATE, "", "");
	period_fails("năm", 2024, HUMAN_NOT_DATE, "", "");
	period_fails("năm 1066", 0, HUMAN_NOT_DATE, "", "");
	period_fails("2 năm 2019", 0, HUMAN_NOT_DATE, "", "");
	period_fails("2021-2022", 0, HUMAN_NOT_DATE, "", "");
	period_fails("2021 - 2022", 0, HUMAN_NOT_DATE, "", "");
	period_fails("năm học 2022-2021", 0, HUMAN_BACKWARDS, "", "");
	period_fails("năm học 2020-2022", 0, HUMAN_NOT_DATE, "", "");
	period_fails("từ 30/6/2024 đến 1/1/2024", 0, HUMAN_BACKWARDS, "", "");
	period_fails("từ 30/2 đến 30/6/2024", 0, HUMAN_NO_SUCH_DAY, "", "");
	period_fails("từ 1/1/2024", 0, HUMAN_NOT_DATE, "", "");
	period_fails("5/6", 2024, HUMAN_TWO_READINGS, "day 5 of month 6 of 2024", "day 6 of month 5 of 2024");
	period_fails("3/4/24", 0, HUMAN_TWO_READINGS, "day 3 of month 4 of 2024", "day 24 of month 4 of 2003");
	period_fails("đến hết tháng 4/2024", 0, HUMAN_TWO_READINGS, "01/04/2024 to 30/04/2024", "01/01/2024 to 30/04/2024");
	period_fails("", 0, HUMAN_EMPTY, "", "");
}

Test(human, explains_with_both_readings)
{
	struct human_doubt doubt;
	struct human_percent percent;
	char buffer[400];
	enum human_problem problem = human_percent("1.234%", &percent, &doubt);
	human_explain(problem, "1.234%", &doubt, buffer, sizeof buffer);
	cr_assert(strstr(buffer, "“1.234%”") && strstr(buffer, "1 234 %") && strstr(buffer, "1 point 234 %"), "%s", buffer);
	/* A long text is cut between letters. */
	char text[400] = "";
	for (int i = 0; i < 60; i++)
		strcat(text, "ế");
	human_explain(HUMAN_NOT_NUMBER, text, NULL, buffer, sizeof buffer);
	cr_assert_geq(utf8proc_decompose((utf8proc_uint8_t *)buffer, 0, NULL, 0, UTF8PROC_NULLTERM), 0, "%s", buffer);
	for (int i = 0; i < HUMAN_PROBLEM_COUNT; i++)
		cr_assert(i == HUMAN_OK || *human_explain((enum human_problem)i, "x", NULL, buffer, sizeof buffer), "%d", i);
}
