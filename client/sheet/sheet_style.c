/* sheet_style.c - see sheet_style.h. */
#include "sheet_style.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "text.h"

enum style_shown style_of_builtin(uint32_t id)
{
	if (id == 9 || id == 10)
		return STYLE_PERCENT;
	if (id == 17 || id == 55) /* mmm-yy */
		return STYLE_MONTH;
	if ((id >= 14 && id <= 16) || id == 22 || (id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 54) ||
	    (id >= 57 && id <= 58))
		return STYLE_DAY;
	return STYLE_NUMBER;
}

/* Whether a word that multiplies stands among the texts of a format. */
static bool says_multiplier(const char *texts)
{
	static const char *const words[] = { "nghin", "ngan", "trieu", "ty", "ti", "tr", "trd" };
	static const char between[] = " .,;:/()-";
	char folded[256];
	if (text_fold(texts, true, folded, sizeof folded) != 0)
		return false;
	for (const char *at = folded; *(at += strspn(at, between)); at += strcspn(at, between))
		for (size_t i = 0; i < sizeof words / sizeof *words; i++)
			if (strcspn(at, between) == strlen(words[i]) && strncmp(at, words[i], strlen(words[i])) == 0)
				return true;
	return false;
}

struct code {
	bool has_day, has_month, has_year, has_time, has_percent;
	bool is_month_open; /* an m that is a minute if seconds follow */
	bool is_after_hours; /* an m now is a minute */
	char texts[128];
	size_t texts_used;
};

static void add_text(struct code *code, const char *text, size_t bytes)
{
	if (code->texts_used + bytes < sizeof code->texts) {
		memcpy(code->texts + code->texts_used, text, bytes);
		code->texts_used += bytes;
	}
}

/* One letter of a format that is no text; runs of one letter say the same as one. */
static void take_letter(struct code *code, char letter)
{
	switch (letter | 0x20) {
	case 'd':
		code->has_day = true;
		break;
	case 'y':
		code->has_year = true;
		break;
	case 'h':
		code->has_time = true;
		break;
	case 's':
		code->has_time = true;
		code->is_month_open = false;
		break;
	case 'm':
		if (!code->is_after_hours)
			code->is_month_open = true;
		return;
	default:
		return;
	}
	code->is_after_hours = (letter | 0x20) == 'h';
	code->has_month = code->has_month || code->is_month_open;
	code->is_month_open = false;
}

/* [h], [mm], [ss] count time; [Red], [>100], [$₫-42A] do not matter here. Returns the length with the brackets. */
static size_t take_brackets(struct code *code, const char *at)
{
	size_t length = strcspn(at, "]");
	if (length >= 2 && strspn(at + 1, "hHmMsS") == length - 1)
		code->has_time = true;
	return length + (at[length] == ']');
}

enum style_shown style_of_code(const char *text)
{
	struct code code = { 0 };
	if (strncasecmp(text, "General", 7) == 0)
		return STYLE_NUMBER;
	for (const char *at = text; *at && *at != ';';) {
		size_t length = 1;
		if (*at == '"') {
			length = strcspn(at + 1, "\"");
			add_text(&code, at + 1, length);
			length += 1 + (at[length + 1] == '"');
		} else if (*at == '[') {
			length = take_brackets(&code, at);
		} else if ((*at == '\\' || *at == '_' || *at == '*') && at[1]) {
			if (*at == '\\')
				add_text(&code, at + 1, 1);
			length = 2;
		} else if (strncasecmp(at, "AM/PM", 5) == 0) {
			length = 5;
		} else if ((unsigned char)*at >= 0x80) {
			add_text(&code, at, 1);
		} else if (*at == '%') {
			code.has_percent = true;
		} else {
			take_letter(&code, *at);
		}
		at += length;
	}
	code.texts[code.texts_used] = '\0';
	code.has_month = code.has_month || code.is_month_open;
	if (code.has_day)
		return STYLE_DAY;
	if (code.has_month)
		return STYLE_MONTH;
	if (code.has_year)
		return STYLE_YEAR;
	if (code.has_percent)
		return STYLE_PERCENT;
	return !code.has_time && says_multiplier(code.texts) ? STYLE_SCALED : STYLE_NUMBER;
}

/* The civil date of a number of days since 1 March of the year 0; each 400 years have 146,097 days, each 5 months from March 153. */
static void civil_of(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
	int64_t era = days / 146097, of_era = days % 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
	*ret_day = (int)(of_year - (153 * month + 2) / 5 + 1);
	*ret_month = (int)(month < 10 ? month + 3 : month - 9);
	*ret_year = (int)(year + 400 * era + (*ret_month <= 2));
}

bool style_date(struct decimal serial, bool is_1904, enum style_shown shown, char buffer[static STYLE_DATE_BYTES])
{
	enum { MARCH_0_TO_1899_12_31 = 693900, MARCH_0_TO_1904 = 695361, NEVER_WAS = 60, LAST_1900 = 2958465, LAST_1904 = 2957003 };
	int64_t days;
	int year, month, day;
	if (serial.digits < 0 || !decimal_floor(serial, is_1904 ? LAST_1904 : LAST_1900, &days))
		return false;
	if (!is_1904 && (days < 1 || days == NEVER_WAS))
		return false;
	days += is_1904 ? MARCH_0_TO_1904 : MARCH_0_TO_1899_12_31 - (days > NEVER_WAS);
	civil_of(days, &year, &month, &day);
	if (shown == STYLE_DAY)
		snprintf(buffer, STYLE_DATE_BYTES, "%04d-%02d-%02d", year % 10000, month % 100, day % 100);
	else if (shown == STYLE_MONTH)
		snprintf(buffer, STYLE_DATE_BYTES, "%04d-%02d", year % 10000, month % 100);
	else
		snprintf(buffer, STYLE_DATE_BYTES, "%04d", year % 10000);
	return true;
}
