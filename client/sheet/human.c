/* human.c - see human.h.
 *
 * A text is folded first (NFC, lower case, no marks on letters, one kind of space), because in this small vocabulary no two words meet
 * without their marks; then words are taken from its front by tables, then the number, then what stands behind it.
 */
#include "human.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <baophu/date.h>

#include "decimal.h"
#include "language.h"
#include "text.h"

enum { FOLDED_BYTES = 256, GROUPS_MAX = 8, GROUP_DIGITS_MAX = 18 };
/* More people than there are: with it, one of two readings of a number before triệu falls away. Vietnam has 100 million. */
#define PEOPLE_MAX INT64_C(999999999)

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

static void doubt_clear(struct human_doubt *doubt)
{
	if (doubt)
		*doubt = (struct human_doubt){ 0 };
}

__attribute__((format(printf, 3, 4))) static void doubt_say(struct human_doubt *doubt, bool second, const char *format, ...)
{
	if (!doubt)
		return;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(second ? doubt->second : doubt->first, HUMAN_READING_BYTES, format, arguments);
	va_end(arguments);
}

/* ---- folding ---- */

/* Signs that people and programs put for ASCII ones, after folding. */
static const struct {
	const char *sign, *plain;
} signs[] = {
	{ "\u00a0", " " }, { "\u202f", " " }, { "\u2009", " " }, { "\u2007", " " }, { "\t", " " },
	{ "\n", " " },     { "\r", " " },     { "\u2013", "-" }, { "\u2014", "-" }, { "\u2212", "-" },
	{ "\u2011", "-" }, { "\u2248", "~" }, { "\u20ab", "d" }, { "\uff05", "%" },
};

/* Lower case without marks, single spaces, none at the ends. False when it is no text or far too long to be a number or a date. */
static bool fold(const char *text, char folded[static FOLDED_BYTES])
{
	char raw[FOLDED_BYTES];
	size_t used = 0;
	if (strlen(text) >= FOLDED_BYTES || text_fold(text, true, raw, sizeof raw) != 0)
		return false;
	for (const char *at = raw; *at;) {
		const char *plain = NULL;
		for (size_t i = 0; i < sizeof signs / sizeof *signs && !plain; i++) {
			size_t length = strlen(signs[i].sign);
			if (strncmp(at, signs[i].sign, length) == 0) {
				plain = signs[i].plain;
				at += length;
			}
		}
		char c = plain ? *plain : *at++;
		if (c != ' ' || (used && folded[used - 1] != ' '))
			folded[used++] = c;
	}
	while (used && folded[used - 1] == ' ')
		used--;
	folded[used] = '\0';
	return true;
}

/* Takes `words` off the front of *text when they stand there whole. */
static bool take(const char **text, const char *words)
{
	size_t length = strlen(words);
	if (strncmp(*text, words, length) != 0 || (is_letter(words[length - 1]) && is_letter((*text)[length])))
		return false;
	*text += length;
	*text += **text == ' ';
	return true;
}

/* ---- words around a number ---- */

struct qualities {
	enum baophu_bound bound;
	enum baophu_status status;
};
enum { SAYS_NOTHING, SAYS_BOUND, SAYS_STATUS, SAYS_BELOW };
/* Longer ones first where one begins another. */
static const struct {
	const char *words;
	int says, value;
} qualifiers[] = {
	{ "uoc tinh", SAYS_STATUS, BAOPHU_ESTIMATE },
	{ "uoc dat", SAYS_STATUS, BAOPHU_ESTIMATE },
	{ "uoc co", SAYS_STATUS, BAOPHU_ESTIMATE },
	{ "uoc", SAYS_STATUS, BAOPHU_ESTIMATE },
	{ "du kien", SAYS_STATUS, BAOPHU_ESTIMATE },
	{ "so bo", SAYS_STATUS, BAOPHU_PROVISIONAL },
	{ "tam tinh", SAYS_STATUS, BAOPHU_PROVISIONAL },
	{ "chinh thuc", SAYS_STATUS, BAOPHU_FINAL },
	{ "hon", SAYS_BOUND, BAOPHU_MORE_THAN },
	{ "tren", SAYS_BOUND, BAOPHU_MORE_THAN },
	{ "khoang", SAYS_BOUND, BAOPHU_ABOUT },
	{ "chung", SAYS_BOUND, BAOPHU_ABOUT },
	{ "xap xi", SAYS_BOUND, BAOPHU_ABOUT },
	{ "~", SAYS_BOUND, BAOPHU_ABOUT },
	{ "gan", SAYS_BOUND, BAOPHU_NEARLY },
	{ "duoi", SAYS_BELOW, 0 },
	{ "chua den", SAYS_BELOW, 0 },
	{ "khong qua", SAYS_BELOW, 0 },
	{ "toi da", SAYS_BELOW, 0 },
	{ "dat", SAYS_NOTHING, 0 },
	{ "co", SAYS_NOTHING, 0 },
};

/* Takes one phrase off the front. HUMAN_OK also when there is none; HUMAN_NOT_NUMBER when it says again what was said. */
static enum human_problem take_qualifier(const char **text, struct qualities *qualities, bool *ret_taken)
{
	*ret_taken = false;
	for (size_t i = 0; i < sizeof qualifiers / sizeof *qualifiers; i++) {
		if (!take(text, qualifiers[i].words))
			continue;
		*ret_taken = true;
		switch (qualifiers[i].says) {
		case SAYS_BELOW:
			return HUMAN_BELOW;
		case SAYS_BOUND:
			if (qualities->bound != BAOPHU_EXACT)
				return HUMAN_NOT_NUMBER;
			qualities->bound = (enum baophu_bound)qualifiers[i].value;
			break;
		case SAYS_STATUS:
			if (qualities->status != BAOPHU_STATUS_NONE)
				return HUMAN_NOT_NUMBER;
			qualities->status = (enum baophu_status)qualifiers[i].value;
			break;
		default:
			break;
		}
		return HUMAN_OK;
	}
	return HUMAN_OK;
}

static enum human_problem take_qualifiers(const char **text, struct qualities *qualities)
{
	bool is_taken;
	enum human_problem problem;
	*qualities = (struct qualities){ .bound = BAOPHU_EXACT };
	if (**text == '<')
		return HUMAN_BELOW;
	if (take(text, ">"))
		qualities->bound = BAOPHU_MORE_THAN;
	do
		problem = take_qualifier(text, qualities, &is_taken);
	while (!problem && is_taken);
	return problem;
}

/* The status may stand behind the figure instead: 500 (ước). Takes everything to the end, or nothing is right. */
static enum human_problem take_status_behind(const char **text, struct qualities *qualities)
{
	bool is_taken;
	bool in_brackets = take(text, "(");
	struct qualities behind = { .bound = BAOPHU_EXACT, .status = qualities->status };
	enum human_problem problem = take_qualifier(text, &behind, &is_taken);
	if (problem || behind.bound != BAOPHU_EXACT || (in_brackets && !is_taken) || (in_brackets && !take(text, ")")))
		return HUMAN_NOT_NUMBER;
	qualities->status = behind.status;
	return HUMAN_OK;
}

/* ---- the number itself ---- */

/* Runs of digits and the marks between them: 1.065,5 is 1 . 065 , 5. */
struct figure {
	uint32_t count;
	const char *groups[GROUPS_MAX];
	size_t lengths[GROUPS_MAX];
	char marks[GROUPS_MAX]; /* marks[i] stands before groups[i]; marks[0] unused */
	bool is_too_long;
};

/* Takes the figure off the front: a space belongs to it only before a digit. `may_slip`: a space after a dot or comma is passed over. */
static bool take_figure(const char **text, bool may_slip, struct figure *figure)
{
	const char *at = *text;
	*figure = (struct figure){ 0 };
	if (!is_digit(*at))
		return false;
	for (char mark = 0;;) {
		size_t length = 0;
		while (is_digit(at[length]))
			length++;
		if (figure->count == GROUPS_MAX || length > GROUP_DIGITS_MAX) {
			figure->is_too_long = true;
		} else {
			figure->groups[figure->count] = at;
			figure->lengths[figure->count] = length;
			figure->marks[figure->count++] = mark;
		}
		at += length;
		size_t slip = may_slip && (*at == '.' || *at == ',') && at[1] == ' ';
		if ((*at != '.' && *at != ',' && *at != ' ') || !is_digit(at[1 + slip]))
			break;
		mark = *at;
		at += 1 + slip;
	}
	*text = at + (*at == ' ');
	return true;
}

/* Whether groups [0, count) are thousands: 1 to 3 digits, then exactly three each, all behind the same mark. */
static bool is_grouped(const struct figure *figure, uint32_t count)
{
	if (figure->lengths[0] > 3 || *figure->groups[0] == '0')
		return false;
	for (uint32_t i = 1; i < count; i++)
		if (figure->lengths[i] != 3 || figure->marks[i] != figure->marks[1])
			return false;
	return true;
}

/* The digits of groups [from, to) as one number; false past BAOPHU_VALUE_MAX. */
static bool figure_digits(const struct figure *figure, uint32_t from, uint32_t to, int64_t *ret_value)
{
	int64_t value = 0;
	for (uint32_t i = from; i < to; i++)
		for (size_t j = 0; j < figure->lengths[i]; j++) {
			value = value * 10 + (figure->groups[i][j] - '0');
			if (value > BAOPHU_VALUE_MAX)
				return false;
		}
	*ret_value = value;
	return true;
}

/* How a figure can be read: as a whole number, as one with decimals behind its last mark, or as either. */
struct readings {
	bool is_whole, is_fraction;
};

static struct readings figure_readings(const struct figure *figure)
{
	uint32_t last = figure->count - 1;
	struct readings readings = { 0 };
	if (figure->count == 1)
		return (struct readings){ .is_whole = true };
	readings.is_whole = is_grouped(figure, figure->count);
	/* The last mark is a decimal mark when it is no space, differs from the marks before it, and those group thousands. */
	readings.is_fraction = figure->marks[last] != ' ' && (last == 1 || figure->marks[last] != figure->marks[1]) &&
			       (last == 1 || is_grouped(figure, last));
	return readings;
}

/* "12 345 000": no mark that two languages read differently. */
static const char *plain(int64_t value, char buffer[static 40])
{
	char digits[24];
	size_t length = (size_t)snprintf(digits, sizeof digits, "%lld", (long long)value), used = 0;
	for (size_t i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			buffer[used++] = ' ';
		buffer[used++] = digits[i];
	}
	buffer[used] = '\0';
	return buffer;
}

/* "1234 point 567", which is 1234,567 to some and 1234.567 to others. */
static void doubt_point(struct human_doubt *doubt, bool second, int64_t whole, const char *decimals, size_t length,
			const char *sign)
{
	char buffer[40];
	doubt_say(doubt, second, _("%s point %.*s%s"), plain(whole, buffer), (int)length, decimals, sign);
}

/* All digits as a whole number, and the last group as decimals. */
static void doubt_figure(struct human_doubt *doubt, const struct figure *figure, const char *sign)
{
	int64_t all = 0, whole = 0;
	char first[40];
	uint32_t last = figure->count - 1;
	if (!figure_digits(figure, 0, figure->count, &all) || !figure_digits(figure, 0, last, &whole))
		return;
	doubt_say(doubt, false, "%s%s", plain(all, first), sign);
	doubt_point(doubt, true, whole, figure->groups[last], figure->lengths[last], sign);
}

/* ---- counts ---- */

static const struct {
	const char *words;
	int zeros;
	const char *unit; /* what an abbreviation of both says */
} multipliers[] = {
	{ "nghin ty", 12, NULL }, { "ngan ty", 12, NULL }, { "nghin", 3, NULL }, { "ngan", 3, NULL }, { "trieu", 6, NULL },
	{ "trd", 6, "dong" },     { "tr.d", 6, "dong" },   { "tr", 6, NULL },    { "ty", 9, NULL },   { "ti", 9, NULL },
};

/* Counting units that are known without being asked for. */
static const char *const units[] = {
	"luot nguoi",   "nguoi",    "luot",     "ho",        "dong", "d",       "vnd", "the",   "so",     "don vi",
	"doanh nghiep", "lao dong", "hoc sinh", "sinh vien", "cuoc", "van ban", "xa",  "huyen", "dai ly",
};

/* Takes the counting unit off the front, when one stands there. */
static bool take_unit(const char **text, const char *unit)
{
	if (!*unit) {
		for (size_t i = 0; i < sizeof units / sizeof *units; i++)
			if (take(text, units[i]))
				return true;
		return false;
	}
	if (take(text, unit))
		return true;
	if (strcmp(unit, "dong") == 0)
		return take(text, "vnd") || take(text, "d");
	/* "lượt" and "người" for "lượt người" */
	const char *space = strchr(unit, ' ');
	char word[FOLDED_BYTES];
	if (!space)
		return false;
	snprintf(word, sizeof word, "%.*s", (int)(space - unit), unit);
	return take(text, word) || take(text, space + 1);
}

/* 12 345 with the last `decimals` digits behind the point, times 10^zeros. */
static enum human_problem multiply(int64_t digits, size_t decimals, int zeros, int64_t *ret_value)
{
	for (; decimals && digits % 10 == 0; decimals--)
		digits /= 10;
	if ((int)decimals > zeros)
		return HUMAN_FRACTION;
	for (int i = (int)decimals; i < zeros; i++) {
		if (digits > BAOPHU_VALUE_MAX / 10)
			return HUMAN_TOO_BIG;
		digits *= 10;
	}
	*ret_value = digits;
	return HUMAN_OK;
}

/* A figure without a word behind it that multiplies: it has to be whole. */
static enum human_problem read_count(const struct figure *figure, int64_t *ret_value, struct human_doubt *doubt)
{
	struct readings can = figure_readings(figure);
	uint32_t last = figure->count - 1;
	int64_t digits, decimals = 0;
	if (!figure_digits(figure, 0, figure->count, &digits))
		return HUMAN_TOO_BIG;
	if (can.is_whole) {
		*ret_value = digits;
		return HUMAN_OK;
	}
	if (!can.is_fraction)
		return HUMAN_GROUPS;
	if (figure->lengths[last] == 3 && *figure->groups[0] != '0') {
		doubt_figure(doubt, figure, "");
		return HUMAN_TWO_READINGS;
	}
	if (figure_digits(figure, last, figure->count, &decimals) && decimals == 0)
		return figure_digits(figure, 0, last, ret_value) ? HUMAN_OK : HUMAN_TOO_BIG;
	return HUMAN_FRACTION;
}

static enum human_problem read_multiplied(const struct figure *figure, int zeros, bool is_people, int64_t *ret_value,
					  struct human_doubt *doubt)
{
	struct readings can = figure_readings(figure);
	uint32_t last = figure->count - 1;
	int64_t digits, whole = 0, fraction = 0;
	char first[40], second[40];
	if (!figure_digits(figure, 0, figure->count, &digits))
		return HUMAN_TOO_BIG;
	enum human_problem of_whole = can.is_whole ? multiply(digits, 0, zeros, &whole) : HUMAN_GROUPS;
	enum human_problem of_fraction = can.is_fraction ? multiply(digits, figure->lengths[last], zeros, &fraction) : HUMAN_GROUPS;
	if (!of_whole && !of_fraction && is_people && whole > PEOPLE_MAX)
		of_whole = HUMAN_TOO_BIG;
	if (!of_whole && !of_fraction) {
		doubt_say(doubt, false, "%s", plain(fraction, first));
		doubt_say(doubt, true, "%s", plain(whole, second));
		return HUMAN_TWO_READINGS;
	}
	if (of_whole && of_fraction)
		return can.is_fraction ? of_fraction : of_whole;
	*ret_value = of_whole ? fraction : whole;
	return HUMAN_OK;
}

enum human_problem human_count(const char *text, const char *unit, struct human_count *ret_count, struct human_doubt *ret_doubt)
{
	char folded[FOLDED_BYTES], asked[FOLDED_BYTES];
	const char *at = folded;
	struct qualities qualities;
	struct figure figure;
	doubt_clear(ret_doubt);
	if (!fold(text, folded) || !fold(unit, asked))
		return HUMAN_NOT_NUMBER;
	if (!*at)
		return HUMAN_EMPTY;
	enum human_problem problem = take_qualifiers(&at, &qualities);
	if (problem)
		return problem;
	if (*at == '-' && is_digit(at[1 + (at[1] == ' ')]))
		return HUMAN_NEGATIVE;
	if (!take_figure(&at, false, &figure))
		return HUMAN_NOT_NUMBER;
	if (figure.is_too_long)
		return HUMAN_TOO_BIG;

	int zeros = 0;
	bool has_unit = false;
	for (size_t i = 0; i < sizeof multipliers / sizeof *multipliers && !zeros; i++) {
		const char *before = at;
		if (!take(&at, multipliers[i].words))
			continue;
		zeros = multipliers[i].zeros;
		has_unit = multipliers[i].unit != NULL;
		if (has_unit && *asked && strcmp(asked, multipliers[i].unit) != 0)
			at = before;
	}
	bool is_people = strcmp(asked, "nguoi") == 0 || (!*asked && strncmp(at, "nguoi", 5) == 0);
	if (!has_unit && strncmp(at, "so bo", 5) != 0) /* sơ bộ, not so many sổ */
		take_unit(&at, asked);
	if (*at == '%' || strncmp(at, "phan tram", 9) == 0)
		return HUMAN_PERCENT;
	const char *behind = at;
	if (take_status_behind(&at, &qualities) != HUMAN_OK || *at) {
		if (!is_letter(*behind))
			return HUMAN_NOT_NUMBER;
		doubt_say(ret_doubt, false, "%s", unit);
		return HUMAN_UNIT;
	}
	int64_t value;
	problem = zeros ? read_multiplied(&figure, zeros, is_people, &value, ret_doubt) : read_count(&figure, &value, ret_doubt);
	if (!problem)
		*ret_count = (struct human_count){ .value = value, .bound = qualities.bound, .status = qualities.status };
	return problem;
}

enum human_problem human_count_cell(const char *number, int64_t *ret_value, struct human_doubt *ret_doubt)
{
	struct decimal decimal;
	char buffer[40];
	int64_t value, thousandfold;
	doubt_clear(ret_doubt);
	if (decimal_read(number, &decimal) != 0)
		return HUMAN_NOT_NUMBER;
	if (decimal.digits < 0)
		return HUMAN_NEGATIVE;
	if (decimal_to_integer(decimal, 0, BAOPHU_VALUE_MAX, ret_value))
		return HUMAN_OK;
	if (decimal.scale >= 0)
		return HUMAN_TOO_BIG;
	/* 1.065 (or 1.06, of 1.060) in the cell: up to three digits on both sides of the point. */
	if (decimal.scale >= -3 && decimal_floor(decimal, 999, &value) && value > 0 &&
	    decimal_to_integer(decimal, 3, BAOPHU_VALUE_MAX, &thousandfold)) {
		char decimals[8];
		snprintf(decimals, sizeof decimals, "%03d", (int)(thousandfold - value * 1000));
		doubt_say(ret_doubt, false, "%s", plain(thousandfold, buffer));
		doubt_point(ret_doubt, true, value, decimals, (size_t)-decimal.scale, "");
		return HUMAN_TWO_READINGS;
	}
	return HUMAN_FRACTION;
}

/* ---- percentages ---- */

enum human_problem human_percent(const char *text, struct human_percent *ret_percent, struct human_doubt *ret_doubt)
{
	char folded[FOLDED_BYTES];
	const char *at = folded;
	struct qualities qualities;
	struct figure figure;
	doubt_clear(ret_doubt);
	if (!fold(text, folded))
		return HUMAN_NOT_NUMBER;
	if (!*at)
		return HUMAN_EMPTY;
	enum human_problem problem = take_qualifiers(&at, &qualities);
	if (problem)
		return problem;
	if (*at == '-' && is_digit(at[1 + (at[1] == ' ')]))
		return HUMAN_NEGATIVE;
	if (!take_figure(&at, true, &figure))
		return HUMAN_NOT_NUMBER;
	if (!take(&at, "%"))
		take(&at, "phan tram");
	if (take_status_behind(&at, &qualities) != HUMAN_OK || *at)
		return HUMAN_NOT_NUMBER;
	if (figure.is_too_long || figure.lengths[0] > 3)
		return HUMAN_TOO_BIG;
	if (figure.count > 2 || (figure.count == 2 && figure.marks[1] == ' '))
		return HUMAN_GROUPS;
	size_t decimals = figure.count == 2 ? figure.lengths[1] : 0;
	if (decimals == 3 && *figure.groups[0] != '0') {
		doubt_figure(ret_doubt, &figure, " %");
		return HUMAN_TWO_READINGS;
	}
	if (decimals > BAOPHU_RATE_DECIMALS_MAX)
		return HUMAN_DECIMALS;
	int64_t digits = 0;
	figure_digits(&figure, 0, figure.count, &digits); /* at most nine digits */
	*ret_percent = (struct human_percent){
		.digits = digits, .decimals = (unsigned)decimals, .bound = qualities.bound, .status = qualities.status
	};
	return HUMAN_OK;
}

/* decimal * 10^shift as digits with as few decimals as it has. */
static enum human_problem as_rate(struct decimal decimal, int shift, int64_t *ret_digits, unsigned *ret_decimals)
{
	int scale = decimal.scale + shift;
	unsigned decimals = scale < 0 ? (unsigned)-scale : 0;
	if (decimals > BAOPHU_RATE_DECIMALS_MAX)
		return HUMAN_DECIMALS;
	if (!decimal_to_integer(decimal, shift + (int)decimals, BAOPHU_DIGITS_MAX, ret_digits))
		return HUMAN_TOO_BIG;
	*ret_decimals = decimals;
	return HUMAN_OK;
}

/* digits / 10^decimals in words. */
static void doubt_rate(struct human_doubt *doubt, bool second, int64_t digits, unsigned decimals)
{
	char buffer[40];
	int64_t power = 1;
	for (unsigned i = 0; i < decimals; i++)
		power *= 10;
	if (!decimals) {
		doubt_say(doubt, second, "%s %%", plain(digits, buffer));
		return;
	}
	snprintf(buffer, sizeof buffer, "%0*lld", (int)decimals, (long long)(digits % power));
	doubt_point(doubt, second, digits / power, buffer, decimals, " %");
}

enum human_problem human_percent_cell(const char *number, bool has_sign, int64_t *ret_digits, unsigned *ret_decimals,
				      struct human_doubt *ret_doubt)
{
	struct decimal decimal;
	int64_t whole, digits[2];
	unsigned decimals[2];
	doubt_clear(ret_doubt);
	if (decimal_read(number, &decimal) != 0)
		return HUMAN_NOT_NUMBER;
	if (decimal.digits < 0)
		return HUMAN_NEGATIVE;
	if (has_sign || !decimal.digits || !decimal_floor(decimal, 9, &whole))
		return as_rate(decimal, has_sign ? 2 : 0, ret_digits, ret_decimals);
	enum human_problem problem = as_rate(decimal, 0, &digits[0], &decimals[0]);
	if (problem || (problem = as_rate(decimal, 2, &digits[1], &decimals[1])))
		return problem;
	doubt_rate(ret_doubt, false, digits[0], decimals[0]);
	doubt_rate(ret_doubt, true, digits[1], decimals[1]);
	return HUMAN_TWO_READINGS;
}

/* ---- dates ---- */

static baophu_date civil(int64_t year, int64_t month, int64_t day)
{
	if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31)
		return BAOPHU_DATE_NONE;
	return baophu_date_from_civil((uint32_t)(year * 10000 + month * 100 + day));
}

static baophu_date month_end(int64_t year, int64_t month)
{
	baophu_date date = BAOPHU_DATE_NONE;
	for (int64_t day = 31; day >= 28 && date == BAOPHU_DATE_NONE; day--)
		date = civil(year, month, day);
	return date;
}

/* Up to four digits. */
static bool take_number(const char **text, int64_t *ret_value, size_t *ret_length)
{
	size_t length = 0;
	int64_t value = 0;
	while (is_digit((*text)[length]) && length < 5)
		value = value * 10 + ((*text)[length++] - '0');
	if (length < 1 || length > 4)
		return false;
	*text += length;
	*ret_value = value;
	*ret_length = length;
	return true;
}

static void doubt_day(struct human_doubt *doubt, bool second, int64_t year, int64_t month, int64_t day)
{
	if (year)
		doubt_say(doubt, second, _("day %d of month %d of %d"), (int)day, (int)month, (int)year);
	else
		doubt_say(doubt, second, _("day %d of month %d"), (int)day, (int)month);
}

/* 3/4/24: the last two digits may be a year of this century or the last, or the day of a date that begins with its year. */
static enum human_problem short_year(const int64_t parts[static 3], struct human_doubt *doubt)
{
	const int64_t ways[][3] = { { 2000 + parts[2], parts[1], parts[0] },
				    { 2000 + parts[0], parts[1], parts[2] },
				    { 2000 + parts[2], parts[0], parts[1] },
				    { 1900 + parts[2], parts[1], parts[0] } };
	bool is_second = false;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		if (civil(ways[i][0], ways[i][1], ways[i][2]) == BAOPHU_DATE_NONE)
			continue;
		doubt_day(doubt, is_second, ways[i][0], ways[i][1], ways[i][2]);
		if (is_second)
			break;
		is_second = true;
	}
	return is_second ? HUMAN_TWO_READINGS : HUMAN_NO_SUCH_DAY;
}

static enum human_problem whole_date(int64_t year, int64_t month, int64_t day, baophu_date *ret_date, struct human_doubt *doubt)
{
	baophu_date date = civil(year, month, day);
	if (date == BAOPHU_DATE_NONE) {
		if (civil(year, day, month) != BAOPHU_DATE_NONE)
			doubt_day(doubt, false, year, day, month);
		return HUMAN_NO_SUCH_DAY;
	}
	*ret_date = date;
	return HUMAN_OK;
}

/* A day of the year in question. `is_ordered`: it is certain that the day comes first, because it does beside it. */
static enum human_problem day_of_year(int64_t day, int64_t month, int year, bool is_ordered, baophu_date *ret_date,
				      struct human_doubt *doubt)
{
	int any_leap_year = year ? year : 2000;
	if (!is_ordered && day != month && civil(any_leap_year, month, day) != BAOPHU_DATE_NONE &&
	    civil(any_leap_year, day, month) != BAOPHU_DATE_NONE) {
		doubt_day(doubt, false, year, month, day);
		doubt_day(doubt, true, year, day, month);
		return HUMAN_TWO_READINGS;
	}
	return year ? whole_date(year, month, day, ret_date, doubt) : HUMAN_NO_YEAR;
}

/* One mark between the parts of a date, with or without spaces around it. */
static char take_mark(const char **text)
{
	const char *at = *text + (**text == ' ');
	char mark = *at;
	if (mark != '/' && mark != '-' && mark != '.')
		return 0;
	at += 1 + (at[1] == ' ');
	if (!is_digit(*at))
		return 0;
	*text = at;
	return mark;
}

/* "/2024", " năm 2024", "-2024", " 2024", or nothing: then the year in question. False: something else stands there. */
static bool take_year(const char **text, int year, int64_t *ret_year)
{
	const char *at = *text;
	size_t length;
	*ret_year = year;
	if (!take_mark(&at)) {
		at += *at == ' ';
		take(&at, "nam");
	}
	if (!is_digit(*at))
		return at == *text;
	if (!take_number(&at, ret_year, &length) || length != 4)
		return false;
	*text = at;
	return true;
}

/* A date off the front of *text. HUMAN_NOT_DATE: none stands there, and *text is as it was. */
static enum human_problem take_date(const char **text, int year, bool is_ordered, baophu_date *ret_date, struct human_doubt *doubt)
{
	const char *at = *text;
	int64_t parts[3];
	size_t lengths[3];
	take(&at, "ngay");
	if (!take_number(&at, &parts[0], &lengths[0]))
		return HUMAN_NOT_DATE;
	at += *at == ' ' && strncmp(at + 1, "thang ", 6) == 0;
	if (take(&at, "thang")) {
		if (lengths[0] > 2 || !take_number(&at, &parts[1], &lengths[1]) || lengths[1] > 2 ||
		    !take_year(&at, year, &parts[2]))
			return HUMAN_NOT_DATE;
		*text = at;
		return parts[2] ? whole_date(parts[2], parts[1], parts[0], ret_date, doubt) : HUMAN_NO_YEAR;
	}
	char mark = take_mark(&at);
	if (!mark || !take_number(&at, &parts[1], &lengths[1]) || lengths[1] > 2)
		return HUMAN_NOT_DATE;
	const char *after_two = at;
	if (take_mark(&at) != mark || !take_number(&at, &parts[2], &lengths[2])) {
		at = after_two;
		if (lengths[0] > 2)
			return HUMAN_NOT_DATE; /* 2024-04 is a month */
		*text = at;
		return day_of_year(parts[0], parts[1], year, is_ordered, ret_date, doubt);
	}
	bool is_year_first = lengths[0] == 4 && lengths[2] <= 2, is_year_last = lengths[0] <= 2 && lengths[2] == 4;
	if (!is_year_first && !is_year_last && !(lengths[0] == 2 || lengths[0] == 1))
		return HUMAN_NOT_DATE;
	*text = at;
	if (is_year_first)
		return whole_date(parts[0], parts[1], parts[2], ret_date, doubt);
	if (is_year_last)
		return whole_date(parts[2], parts[1], parts[0], ret_date, doubt);
	return lengths[2] == 2 ? short_year(parts, doubt) : HUMAN_NOT_DATE;
}

/* What programs write behind a date: T00:00:00, 00:00. */
static void take_clock(const char **text)
{
	const char *at = *text + (**text == ' ' || **text == 't');
	int used = 0;
	if (sscanf(at, "%*2[0-9]:%*2[0-9]%n:%*2[0-9]%n", &used, &used) == 0 && used && at != *text)
		*text = at + used;
}

/* "tính đến", "đến hết" and the like before a day; returns whether one stood there. */
static bool take_until(const char **text)
{
	if (!take(text, "tinh den") && !take(text, "den"))
		return false;
	take(text, "het");
	return true;
}

enum human_problem human_date(const char *text, int year, baophu_date *ret_date, struct human_doubt *ret_doubt)
{
	char folded[FOLDED_BYTES];
	const char *at = folded;
	baophu_date date = BAOPHU_DATE_NONE;
	doubt_clear(ret_doubt);
	if (!fold(text, folded))
		return HUMAN_NOT_DATE;
	if (!*at)
		return HUMAN_EMPTY;
	take_until(&at);
	enum human_problem problem = take_date(&at, year, false, &date, ret_doubt);
	if (problem == HUMAN_NOT_DATE)
		return problem;
	take_clock(&at);
	if (*at) {
		doubt_clear(ret_doubt);
		return HUMAN_NOT_DATE;
	}
	if (!problem)
		*ret_date = date;
	return problem;
}

/* ---- periods ---- */

static enum human_problem months_of(int64_t year, int64_t first, int64_t last, enum human_span span,
				    struct human_period *ret_period)
{
	baophu_date from = civil(year, first, 1), to = month_end(year, last);
	if (from == BAOPHU_DATE_NONE || to == BAOPHU_DATE_NONE)
		return HUMAN_NOT_DATE;
	*ret_period = (struct human_period){ .from = from, .to = to, .span = span };
	return HUMAN_OK;
}

static enum human_problem take_school_year(const char **text, struct human_period *ret_period)
{
	int64_t first, second;
	size_t first_length, second_length;
	if (!take(text, "nam hoc") || !take_number(text, &first, &first_length) || !take_mark(text) ||
	    !take_number(text, &second, &second_length) || first_length != 4 || second_length != 4)
		return HUMAN_NOT_DATE;
	baophu_date from = civil(first, 9, 1), to = civil(second, 8, 31);
	if (from == BAOPHU_DATE_NONE || to == BAOPHU_DATE_NONE)
		return HUMAN_NOT_DATE;
	if (second != first + 1)
		return second <= first ? HUMAN_BACKWARDS : HUMAN_NOT_DATE;
	*ret_period = (struct human_period){ .from = from, .to = to, .span = HUMAN_SCHOOL_YEAR };
	return HUMAN_OK;
}

static enum human_problem take_quarter(const char **text, int year, struct human_period *ret_period)
{
	static const char *const numbers[] = { "iv", "iii", "ii", "i", "4", "3", "2", "1" };
	const char *at = *text;
	if (!take(&at, "quy") && *at == 'q' && (is_digit(at[1]) || at[1] == 'i'))
		at++;
	if (at == *text)
		return HUMAN_NOT_DATE;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		size_t length = strlen(numbers[i]);
		int64_t quarter = 4 - (int64_t)i % 4, of_year;
		if (strncmp(at, numbers[i], length) != 0 || is_digit(at[length]) || is_letter(at[length]))
			continue;
		at += length;
		if (!take_year(&at, year, &of_year))
			return HUMAN_NOT_DATE;
		*text = at;
		return of_year ? months_of(of_year, 3 * quarter - 2, 3 * quarter, HUMAN_QUARTER, ret_period) : HUMAN_NO_YEAR;
	}
	return HUMAN_NOT_DATE;
}

/* 6 tháng đầu năm 2024, 6 tháng cuối năm, 9 tháng, 9 tháng năm 2024. */
static enum human_problem take_months(const char **text, int year, struct human_period *ret_period)
{
	static const struct {
		const char *word;
		int64_t count;
	} words[] = { { "ba", 3 }, { "sau", 6 }, { "chin", 9 } };
	const char *at = *text;
	int64_t count = 0, of_year;
	size_t length;
	for (size_t i = 0; i < sizeof words / sizeof *words && !count; i++)
		if (take(&at, words[i].word))
			count = words[i].count;
	if (!count && (!take_number(&at, &count, &length) || length > 2))
		return HUMAN_NOT_DATE;
	at += *at == ' ';
	if (!take(&at, "thang") || count < 1 || count > 12)
		return HUMAN_NOT_DATE;
	bool is_end = take(&at, "cuoi");
	if (!is_end)
		take(&at, "dau");
	if (!take_year(&at, year, &of_year) && !take(&at, "nam"))
		return HUMAN_NOT_DATE;
	take(&at, "nam"); /* "đầu năm" without a number */
	*text = at;
	if (!of_year)
		return HUMAN_NO_YEAR;
	return months_of(of_year, is_end ? 13 - count : 1, is_end ? 12 : count, HUMAN_MONTHS, ret_period);
}

/* tháng 2/2019, tháng 2 năm 2019, T2/2019, 2/2019, 2019-02; without a number of the year only after the word. */
static enum human_problem take_month(const char **text, int year, struct human_period *ret_period)
{
	const char *at = *text;
	int64_t month, of_year = 0;
	size_t length;
	bool has_word = take(&at, "thang");
	if (!has_word && *at == 't' && is_digit(at[1])) {
		has_word = true;
		at++;
	}
	if (!take_number(&at, &month, &length))
		return HUMAN_NOT_DATE;
	if (length == 4 && !has_word) {
		of_year = month;
		if (!take_mark(&at) || !take_number(&at, &month, &length) || length > 2)
			return HUMAN_NOT_DATE;
	} else {
		const char *mark = at;
		if (length > 2 || (!has_word && !take_mark(&mark)) || !take_year(&at, year, &of_year))
			return HUMAN_NOT_DATE;
	}
	*text = at;
	return of_year ? months_of(of_year, month, month, HUMAN_MONTH, ret_period) : HUMAN_NO_YEAR;
}

static enum human_problem take_whole_year(const char **text, int year, struct human_period *ret_period)
{
	const char *at = *text;
	int64_t of_year = year;
	size_t length = 4;
	bool is_this = take(&at, "ca nam"); /* needs no number when one year is in question */
	if (!is_this)
		take(&at, "nam");
	if (is_digit(*at) ? !take_number(&at, &of_year, &length) || length != 4 : !is_this)
		return HUMAN_NOT_DATE;
	*text = at;
	return of_year ? months_of(of_year, 1, 12, HUMAN_YEAR, ret_period) : HUMAN_NO_YEAR;
}

/* One period that is no range, to the end of the text. Which of the forms it is, is certain from its words and marks. */
static enum human_problem whole_period(const char *text, int year, bool is_ordered, struct human_period *ret_period,
				       struct human_doubt *doubt)
{
	const char *at = text;
	enum human_problem problem;
	if ((problem = take_school_year(&at, ret_period)) != HUMAN_NOT_DATE && !*at)
		return problem;
	at = text;
	if ((problem = take_quarter(&at, year, ret_period)) != HUMAN_NOT_DATE && !*at)
		return problem;
	at = text;
	if ((problem = take_months(&at, year, ret_period)) != HUMAN_NOT_DATE && !*at)
		return problem;
	at = text;
	if ((problem = take_month(&at, year, ret_period)) != HUMAN_NOT_DATE && !*at)
		return problem;
	at = text;
	if ((problem = take_whole_year(&at, year, ret_period)) != HUMAN_NOT_DATE && !*at)
		return problem;
	at = text;
	baophu_date day = BAOPHU_DATE_NONE;
	problem = take_date(&at, year, is_ordered, &day, doubt);
	if (problem != HUMAN_NOT_DATE)
		take_clock(&at);
	if (*at || problem == HUMAN_NOT_DATE) {
		doubt_clear(doubt);
		return HUMAN_NOT_DATE;
	}
	if (!problem)
		*ret_period = (struct human_period){ .from = day, .to = day, .span = HUMAN_DAY };
	return problem;
}

/* Where the second half of a range begins, and how long the first is; false: no range. */
static bool split_range(const char *text, size_t *ret_first_length, const char **ret_second)
{
	const char *at = strstr(text, " den "), *dash = strstr(text, " - ");
	if (at) {
		*ret_first_length = (size_t)(at - text);
		*ret_second = at + 5;
		return true;
	}
	/* Without spaces around it a dash is between dates only when they have other marks: 01/01/2024-30/06/2024. */
	const char *mark = strpbrk(text, "/.");
	if (!dash && (at = strchr(text, '-')) && !strchr(at + 1, '-') && strpbrk(at, "/.") && mark && mark < at)
		dash = at - (at[-1] == ' ');
	if (!dash || strncmp(text, "nam hoc", 7) == 0)
		return false;
	*ret_first_length = (size_t)(dash - text);
	*ret_second = dash + strspn(dash, " -");
	return true;
}

static int year_of(baophu_date date) { return (int)(baophu_date_to_civil(date) / 10000); }

enum human_problem human_period(const char *text, int year, struct human_period *ret_period, struct human_doubt *ret_doubt)
{
	char folded[FOLDED_BYTES], first[FOLDED_BYTES];
	const char *at = folded, *second;
	size_t first_length;
	struct human_period period = { 0 }, before = { 0 };
	doubt_clear(ret_doubt);
	if (!fold(text, folded))
		return HUMAN_NOT_DATE;
	if (!*at)
		return HUMAN_EMPTY;
	bool is_until = take_until(&at);
	bool has_from = !is_until && take(&at, "tu");
	enum human_problem problem;
	if (!split_range(at, &first_length, &second)) {
		problem = has_from ? HUMAN_NOT_DATE : whole_period(at, year, false, &period, ret_doubt);
		if (!problem && is_until && period.span != HUMAN_DAY) {
			/* "đến hết tháng 4": that month alone, or everything since January. */
			char day[2][11];
			baophu_date january = civil(year_of(period.to), 1, 1);
			doubt_say(ret_doubt, false, _("%s to %s"), baophu_date_format(period.from, true, day[0]),
				  baophu_date_format(period.to, true, day[1]));
			doubt_say(ret_doubt, true, _("%s to %s"), baophu_date_format(january, true, day[0]), day[1]);
			if (january != period.from)
				return HUMAN_TWO_READINGS;
			doubt_clear(ret_doubt);
		}
		if (!problem)
			*ret_period = period;
		return problem;
	}
	if (is_until)
		return HUMAN_NOT_DATE;
	take(&second, "het");
	problem = whole_period(second, year, true, &period, ret_doubt);
	if (problem)
		return problem;
	memcpy(first, at, first_length);
	first[first_length] = '\0';
	if (strcmp(first, "dau nam") == 0) {
		before.from = civil(year_of(period.to), 1, 1);
	} else {
		problem = whole_period(first, year_of(period.to), true, &before, ret_doubt);
		if (problem)
			return problem;
	}
	if (!has_from && before.span == HUMAN_YEAR && period.span == HUMAN_YEAR)
		return HUMAN_NOT_DATE; /* 2021 - 2022: two years, or the school year? */
	if (before.from > period.to)
		return HUMAN_BACKWARDS;
	*ret_period = (struct human_period){ .from = before.from, .to = period.to, .span = HUMAN_FROM_TO };
	return HUMAN_OK;
}

/* ---- what was wrong ---- */

const char *human_explain(enum human_problem problem, const char *text, const struct human_doubt *doubt, char *buffer, size_t size)
{
	char shown[80];
	const char *first = doubt ? doubt->first : "", *second = doubt ? doubt->second : "";
	int length = (int)text_cut(text, sizeof shown - 4);
	snprintf(shown, sizeof shown, "%.*s%s", length, text, text[length] ? "…" : "");
	switch (problem) {
	case HUMAN_OK:
		if (size)
			*buffer = '\0';
		break;
	case HUMAN_EMPTY:
		snprintf(buffer, size, _("is empty; write 0 for zero"));
		break;
	case HUMAN_NOT_NUMBER:
		snprintf(buffer, size, _("“%s” is not a number; write digits only"), shown);
		break;
	case HUMAN_NOT_DATE:
		snprintf(buffer, size, _("“%s” is not a date or period; write 30/04/2024, tháng 4/2024, quý I/2024 or năm 2024"),
			 shown);
		break;
	case HUMAN_TWO_READINGS:
		if (*second)
			snprintf(buffer, size, _("“%s” can be read as %s or as %s; write which one is meant, without doubt"), shown,
				 first, second);
		else
			snprintf(buffer, size, _("“%s”: is %s meant? write the year with four digits"), shown, first);
		break;
	case HUMAN_FRACTION:
		snprintf(buffer, size, _("“%s” has decimals, and a count has none"), shown);
		break;
	case HUMAN_GROUPS:
		snprintf(buffer, size, _("“%s”: marks between digits stand before groups of exactly three; write digits only"),
			 shown);
		break;
	case HUMAN_PERCENT:
		snprintf(buffer, size, _("“%s” is a percentage; a count belongs here"), shown);
		break;
	case HUMAN_UNIT:
		if (*first)
			snprintf(buffer, size, _("“%s”: what is counted here is %s; write the number alone"), shown, first);
		else
			snprintf(buffer, size, _("“%s”: write the number alone"), shown);
		break;
	case HUMAN_BELOW:
		snprintf(buffer, size, _("“%s” says only what the figure is below; write the figure itself"), shown);
		break;
	case HUMAN_NEGATIVE:
		snprintf(buffer, size, _("“%s” is negative; report the level itself, not a decrease"), shown);
		break;
	case HUMAN_TOO_BIG:
		snprintf(buffer, size, _("“%s” is too large; is the counting unit right?"), shown);
		break;
	case HUMAN_DECIMALS:
		snprintf(buffer, size, _("“%s”: a percentage has at most 6 decimals"), shown);
		break;
	case HUMAN_NO_SUCH_DAY:
		if (*first)
			snprintf(buffer, size, _("“%s”: there is no such day; is %s meant? The day comes first"), shown, first);
		else
			snprintf(buffer, size, _("“%s”: there is no such day"), shown);
		break;
	case HUMAN_NO_YEAR:
		snprintf(buffer, size, _("“%s” names no year; write it"), shown);
		break;
	case HUMAN_BACKWARDS:
		snprintf(buffer, size, _("“%s”: the end comes before the beginning"), shown);
		break;
	case HUMAN_PROBLEM_COUNT:
		break;
	}
	return buffer;
}
