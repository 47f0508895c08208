/* number.c - see number.h. */
#include "number.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <baophu/ratio.h>

#include "language.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Digits with marks among them, nothing else; ret_marks: how many '.' and ','. */
static bool has_only_digits_and_marks(const char *text, unsigned *ret_dots, unsigned *ret_commas)
{
	*ret_dots = *ret_commas = 0;
	if (!is_digit(*text))
		return false;
	for (; *text; text++) {
		*ret_dots += *text == '.';
		*ret_commas += *text == ',';
		if (!is_digit(*text) && *text != '.' && *text != ',')
			return false;
	}
	return is_digit(text[-1]);
}

/* 1 to 3 digits, then groups of a mark and exactly three digits. */
static bool has_groups_of_three(const char *text, char mark)
{
	size_t run = 0;
	bool first = true;
	for (;; text++) {
		if (is_digit(*text)) {
			run++;
			continue;
		}
		if (first ? run < 1 || run > 3 : run != 3)
			return false;
		if (!*text)
			return true;
		if (*text != mark)
			return false;
		first = false;
		run = 0;
	}
}

/* The digits of `text`, marks left out; false past `max`. */
static bool read_digits(const char *text, int64_t max, int64_t *ret_value)
{
	int64_t value = 0;
	for (; *text; text++) {
		if (!is_digit(*text))
			continue;
		value = value * 10 + (*text - '0');
		if (value > max)
			return false;
	}
	*ret_value = value;
	return true;
}

/* What a text with marks is called when no style is declared. */
static enum number_problem undeclared(const char *text, unsigned dots, unsigned commas)
{
	char mark = dots ? '.' : ',';
	return dots + commas == 1 && has_groups_of_three(text, mark) ? NUMBER_TWO_READINGS : NUMBER_UNDECLARED;
}

enum number_problem number_parse_count(const char *text, enum number_style style, int64_t *ret_value)
{
	unsigned dots, commas;
	if (!*text)
		return NUMBER_EMPTY;
	if (*text == '-' && has_only_digits_and_marks(text + 1, &dots, &commas))
		return NUMBER_NEGATIVE;
	if (!has_only_digits_and_marks(text, &dots, &commas))
		return NUMBER_NOT_DIGITS;
	if (dots || commas) {
		if (style == NUMBER_PLAIN)
			return undeclared(text, dots, commas);
		if (style == NUMBER_VI ? commas : dots)
			return NUMBER_FRACTION;
		if (!has_groups_of_three(text, style == NUMBER_VI ? '.' : ','))
			return NUMBER_GROUPS;
	}
	return read_digits(text, BAOPHU_VALUE_MAX, ret_value) ? NUMBER_OK : NUMBER_TOO_BIG;
}

enum number_problem number_parse_percent(const char *text, enum number_style style, int64_t *ret_digits, unsigned *ret_decimals)
{
	char body[64];
	size_t length = strlen(text);
	if (length && text[length - 1] == '%')
		length--;
	while (length && text[length - 1] == ' ')
		length--;
	if (!length)
		return NUMBER_EMPTY;
	if (length >= sizeof body)
		return NUMBER_TOO_BIG;
	memcpy(body, text, length);
	body[length] = '\0';

	unsigned dots, commas;
	if (*body == '-' && has_only_digits_and_marks(body + 1, &dots, &commas))
		return NUMBER_NEGATIVE;
	if (!has_only_digits_and_marks(body, &dots, &commas))
		return NUMBER_NOT_DIGITS;
	size_t decimals = 0;
	if (dots || commas) {
		if (style == NUMBER_PLAIN)
			return undeclared(body, dots, commas);
		if (style == NUMBER_VI ? dots : commas)
			return NUMBER_GROUPED_RATE;
		if (dots + commas > 1)
			return NUMBER_NOT_DIGITS;
		decimals = strlen(strpbrk(body, ".,") + 1);
	}
	if (decimals > BAOPHU_RATE_DECIMALS_MAX)
		return NUMBER_DECIMALS;
	int64_t digits;
	if (!read_digits(body, BAOPHU_DIGITS_MAX, &digits))
		return NUMBER_TOO_BIG;
	*ret_digits = digits;
	*ret_decimals = (unsigned)decimals;
	return NUMBER_OK;
}

enum number_problem number_parse_percent_either(const char *text, int64_t whole_max, int64_t *ret_digits, unsigned *ret_decimals)
{
	int64_t digits;
	unsigned decimals;
	enum number_problem problem = number_parse_percent(text, strchr(text, ',') ? NUMBER_VI : NUMBER_EN, &digits, &decimals);
	if (problem)
		return problem;
	if (decimals == 3 && digits >= 1000 && digits <= whole_max)
		return NUMBER_TWO_READINGS;
	*ret_digits = digits;
	*ret_decimals = decimals;
	return NUMBER_OK;
}

const char *number_explain(enum number_problem problem, const char *text, enum number_style style, char *buffer, size_t size)
{
	char whole[64] = "", fraction[64] = "";
	size_t n = 0;
	for (const char *c = text; *c && n < sizeof whole - 1; c++)
		if (is_digit(*c))
			whole[n++] = *c;
	whole[n] = '\0';
	size_t mark_at = strcspn(text, ".,");
	if (text[mark_at])
		snprintf(fraction, sizeof fraction, "%.*s", (int)strcspn(text + mark_at + 1, "%"), text + mark_at + 1);
	const char *declared = style == NUMBER_VI ? "--numbers vi" : "--numbers en";
	const char *mark = style == NUMBER_VI ? "." : ",";
	switch (problem) {
	case NUMBER_EMPTY:
		snprintf(buffer, size, _("no figure; write 0 for zero, `withdraw` to take a figure back"));
		break;
	case NUMBER_TWO_READINGS:
		snprintf(buffer, size,
			 /* Both readings in words or digits without a mark: a mark is what the languages disagree about. */
			 _("“%s” can be read as the whole number %s or as %.*s and %s thousandths; write plain digits, or declare "
			   "the style with --numbers vi or --numbers en"),
			 text, whole, (int)mark_at, text, fraction);
		break;
	case NUMBER_UNDECLARED:
		snprintf(buffer, size,
			 _("“%s” has marks between its digits; write plain digits, or declare the style with --numbers vi "
			   "(1.065.565 and 92,62%%) or --numbers en (1,065,565 and 92.62%%)"),
			 text);
		break;
	case NUMBER_GROUPS:
		snprintf(buffer, size, _("“%s”: with %s the mark “%s” stands before groups of exactly three digits"), text,
			 declared, mark);
		break;
	case NUMBER_FRACTION:
		snprintf(buffer, size, _("“%s”: with %s this has decimals, and a count has none"), text, declared);
		break;
	case NUMBER_GROUPED_RATE:
		snprintf(buffer, size, _("“%s”: with %s the mark “%s” groups thousands, and a percentage has none"), text, declared,
			 mark);
		break;
	case NUMBER_DECIMALS:
		snprintf(buffer, size, _("“%s”: a percentage has at most 6 decimals"), text);
		break;
	case NUMBER_NEGATIVE:
		snprintf(buffer, size, _("“%s” is negative; report the level itself, not a decrease"), text);
		break;
	case NUMBER_TOO_BIG:
		snprintf(buffer, size, _("“%s” is too large; is the counting unit right?"), text);
		break;
	default:
		snprintf(buffer, size, _("“%s” is not a number; write digits only"), text);
	}
	return buffer;
}

/* Puts thousands marks into the run of digits at the head of `digits`. */
static void group(const char *digits, bool vietnamese, char buffer[static NUMBER_BYTES])
{
	char mark = vietnamese ? '.' : ',';
	size_t length = 0, n = 0;
	if (*digits == '-')
		buffer[n++] = *digits++;
	while (is_digit(digits[length]))
		length++;
	for (size_t i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			buffer[n++] = mark;
		buffer[n++] = digits[i];
	}
	for (digits += length; *digits && n < NUMBER_BYTES - 1; digits++)
		buffer[n++] = *digits;
	buffer[n] = '\0';
}

const char *number_format(int64_t value, bool vietnamese, char buffer[static NUMBER_BYTES])
{
	char digits[32];
	snprintf(digits, sizeof digits, "%lld", (long long)value);
	group(digits, vietnamese, buffer);
	return buffer;
}

const char *number_format_decimal(int64_t digits, unsigned decimals, bool vietnamese, char buffer[static NUMBER_BYTES])
{
	char text[32];
	group(baophu_digits_format(digits, decimals, vietnamese ? ',' : '.', text), vietnamese, buffer);
	return buffer;
}
