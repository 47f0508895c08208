/* Figures as the articles write them, read and written; and what is never guessed. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "language.h"
#include "number.h"

static const char *count_text(int64_t value, bool vietnamese)
{
	static char buffer[NUMBER_BYTES];
	return number_format(value, vietnamese, buffer);
}

static const char *percent_text(int64_t digits, unsigned decimals, bool vietnamese)
{
	static char buffer[NUMBER_BYTES];
	return number_format_decimal(digits, decimals, vietnamese, buffer);
}

Test(numbers, are_written_as_the_articles_write_them)
{
	cr_assert_str_eq(count_text(1065565, true), "1.065.565");
	cr_assert_str_eq(count_text(1065565, false), "1,065,565");
	cr_assert_str_eq(count_text(31455, true), "31.455");
	cr_assert_str_eq(count_text(0, true), "0");
	cr_assert_str_eq(count_text(999, true), "999");
	cr_assert_str_eq(count_text(1000, true), "1.000");
	cr_assert_str_eq(count_text(-8377, true), "-8.377");
	cr_assert_str_eq(count_text(BAOPHU_VALUE_MAX, true), "1.000.000.000.000.000");
	cr_assert_str_eq(percent_text(9262, 2, true), "92,62");
	cr_assert_str_eq(percent_text(9262, 2, false), "92.62");
	cr_assert_str_eq(percent_text(4968, 2, true), "49,68");
	cr_assert_str_eq(percent_text(1554, 2, true), "15,54");
	cr_assert_str_eq(percent_text(-46, 2, true), "-0,46");
	cr_assert_str_eq(percent_text(95, 0, true), "95");
	cr_assert_str_eq(percent_text(902, 1, true), "90,2");
	cr_assert_str_eq(percent_text(9020, 2, true), "90,20");
	cr_assert_str_eq(percent_text(123456789, 2, true), "1.234.567,89");
}

static void count_is(const char *text, enum number_style style, int64_t wanted)
{
	int64_t value = -1;
	cr_assert_eq(number_parse_count(text, style, &value), NUMBER_OK, "%s", text);
	cr_assert_eq(value, wanted, "%s", text);
}

static void count_fails(const char *text, enum number_style style, enum number_problem wanted)
{
	int64_t value = 4711;
	enum number_problem problem = number_parse_count(text, style, &value);
	cr_assert_eq(problem, wanted, "%s: %d", text, (int)problem);
	cr_assert_eq(value, 4711, "%s changed the value", text);
}

Test(numbers, of_a_declared_style_are_read)
{
	count_is("1065565", NUMBER_PLAIN, 1065565);
	count_is("0", NUMBER_PLAIN, 0);
	count_is("02", NUMBER_PLAIN, 2);
	count_is("1.065.565", NUMBER_VI, 1065565);
	count_is("1065565", NUMBER_VI, 1065565);
	count_is("1.234", NUMBER_VI, 1234);
	count_is("1,065,565", NUMBER_EN, 1065565);
	count_is("1000000000000000", NUMBER_PLAIN, BAOPHU_VALUE_MAX);
}

Test(numbers, are_never_guessed)
{
	count_fails("1.234", NUMBER_PLAIN, NUMBER_TWO_READINGS);
	count_fails("1,234", NUMBER_PLAIN, NUMBER_TWO_READINGS);
	count_fails("1.065.565", NUMBER_PLAIN, NUMBER_UNDECLARED);
	count_fails("12.5", NUMBER_PLAIN, NUMBER_UNDECLARED);
	count_fails("1,5", NUMBER_VI, NUMBER_FRACTION);
	count_fails("1.234,567", NUMBER_VI, NUMBER_FRACTION);
	count_fails("1.5", NUMBER_EN, NUMBER_FRACTION);
	count_fails("1.2345", NUMBER_VI, NUMBER_GROUPS);
	count_fails("12.34", NUMBER_VI, NUMBER_GROUPS);
	count_fails("1065.565", NUMBER_VI, NUMBER_GROUPS);
	count_fails("1..234", NUMBER_VI, NUMBER_GROUPS);
	count_fails("", NUMBER_PLAIN, NUMBER_EMPTY);
	count_fails("12 345", NUMBER_VI, NUMBER_NOT_DIGITS);
	count_fails("806 triệu", NUMBER_VI, NUMBER_NOT_DIGITS);
	count_fails(".5", NUMBER_VI, NUMBER_NOT_DIGITS);
	count_fails("5.", NUMBER_VI, NUMBER_NOT_DIGITS);
	count_fails("-5", NUMBER_PLAIN, NUMBER_NEGATIVE);
	count_fails("1000000000000001", NUMBER_PLAIN, NUMBER_TOO_BIG);
	count_fails("99999999999999999999999999", NUMBER_PLAIN, NUMBER_TOO_BIG);
}

static void percent_is(const char *text, enum number_style style, int64_t wanted_digits, unsigned wanted_decimals)
{
	int64_t digits = -1;
	unsigned decimals = 99;
	cr_assert_eq(number_parse_percent(text, style, &digits, &decimals), NUMBER_OK, "%s", text);
	cr_assert(digits == wanted_digits && decimals == wanted_decimals, "%s: %lld, %u", text, (long long)digits, decimals);
}

static void percent_fails(const char *text, enum number_style style, enum number_problem wanted)
{
	int64_t digits;
	unsigned decimals;
	enum number_problem problem = number_parse_percent(text, style, &digits, &decimals);
	cr_assert_eq(problem, wanted, "%s: %d", text, (int)problem);
}

Test(numbers, keep_the_decimals_that_were_printed)
{
	percent_is("8,03%", NUMBER_VI, 803, 2);
	percent_is("90,2%", NUMBER_VI, 902, 1);
	percent_is("90,20 %", NUMBER_VI, 9020, 2);
	percent_is("131.20%", NUMBER_EN, 13120, 2);
	percent_is("95%", NUMBER_PLAIN, 95, 0);
	percent_is("95", NUMBER_PLAIN, 95, 0);
	percent_is("0,123456%", NUMBER_VI, 123456, 6);
}

Test(numbers, of_percentages_are_never_guessed)
{
	percent_fails("8,03%", NUMBER_PLAIN, NUMBER_UNDECLARED);
	percent_fails("1.234%", NUMBER_PLAIN, NUMBER_TWO_READINGS);
	percent_fails("131.20%", NUMBER_VI, NUMBER_GROUPED_RATE);
	percent_fails("1.234%", NUMBER_VI, NUMBER_GROUPED_RATE);
	percent_fails("8,03%", NUMBER_EN, NUMBER_GROUPED_RATE);
	percent_fails("8,0,3%", NUMBER_VI, NUMBER_NOT_DIGITS);
	percent_fails("0,1234567%", NUMBER_VI, NUMBER_DECIMALS);
	percent_fails("-1%", NUMBER_PLAIN, NUMBER_NEGATIVE);
	percent_fails("%", NUMBER_PLAIN, NUMBER_EMPTY);
	percent_fails("12. 34%", NUMBER_EN, NUMBER_NOT_DIGITS);
}

/* A percentage has no thousands, so its mark stands before decimals, whichever mark it is. */
Test(numbers, of_percentages_alone_are_read_with_either_mark)
{
	static const struct {
		const char *text;
		enum number_problem problem;
		int64_t digits;
		unsigned decimals;
	} texts[] = {
		{ "97,5", NUMBER_OK, 975, 1 },
		{ "97.5%", NUMBER_OK, 975, 1 },
		{ "50 %", NUMBER_OK, 50, 0 },
		{ "33,333", NUMBER_OK, 33333, 3 },
		{ "0.125", NUMBER_OK, 125, 3 },
		{ "1000", NUMBER_OK, 1000, 0 },
		{ "1.000", NUMBER_TWO_READINGS, 0, 0 },
		{ "1,000%", NUMBER_TWO_READINGS, 0, 0 },
		{ "1.000,5", NUMBER_GROUPED_RATE, 0, 0 },
		{ "1,2,3", NUMBER_NOT_DIGITS, 0, 0 },
		{ "nửa", NUMBER_NOT_DIGITS, 0, 0 },
		{ "", NUMBER_EMPTY, 0, 0 },
		{ "-5", NUMBER_NEGATIVE, 0, 0 },
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		int64_t digits = 0;
		unsigned decimals = 0;
		cr_assert_eq(number_parse_percent_either(texts[i].text, 1000, &digits, &decimals), texts[i].problem, "%s",
			     texts[i].text);
		cr_assert(digits == texts[i].digits && decimals == texts[i].decimals, "%s", texts[i].text);
	}
}

Test(numbers, refusals_show_both_readings_and_the_fix)
{
	char why[400];
	setenv("BAOPHU_LOCALEDIR", BINARY_DIR "/client/locale", 1);
	number_explain(NUMBER_TWO_READINGS, "1.234", NUMBER_PLAIN, why, sizeof why);
	cr_assert(strstr(why, "whole number 1234") && strstr(why, "1 and 234 thousandths") && !strstr(why, "1,234") &&
		      strstr(why, "--numbers"),
		  "%s", why);
	cr_assert(language_start("vi"));
	number_explain(NUMBER_TWO_READINGS, "1.234", NUMBER_PLAIN, why, sizeof why);
	cr_assert(strstr(why, "đọc là số nguyên 1234 hay là 1 phẩy 234"), "%s", why);
	for (int problem = NUMBER_EMPTY; problem < NUMBER_PROBLEM_COUNT; problem++)
		cr_assert(*number_explain((enum number_problem)problem, "1.2", NUMBER_VI, why, sizeof why));
}
