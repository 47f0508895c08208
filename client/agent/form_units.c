/* form_units.c - which unit a row speaks of; and when that is not certain, which may have been meant. See form_parts.h.
 *
 * Only a code, or a name that is the unit's letter by letter (case and spaces aside), is taken. Everything near is a suggestion: a code that
 * lost its zeros, one of before a reform, a name with other accents, tones placed otherwise, d for đ, a missing level word.
 */
#include "form_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include <baophu/date.h>

#include "language.h"
#include "suggest.h"
#include "text.h"

enum {
	FOLDED_BYTES = 2 * SHEET_CELL_BYTES_MAX,
	SEARCHES_MAX = 120, /* looking at every unit for what may have been meant */
	SHOWN_MAX = 3,
	SUGGESTION_BYTES = 700,
};

static int by_folded(const void *a, const void *b)
{
	const struct mirror_unit *const *x = a, *const *y = b;
	return strcmp((*x)->folded, (*y)->folded);
}

int form_prepare_units(struct form_reader *reader)
{
	const struct mirror *mirror = reader->mirror;
	if (!mirror || reader->columns.at[ROLE_NAME] == SHEET_NOWHERE)
		return 0;
	reader->by_name = malloc((mirror->unit_count + 1) * sizeof(const struct mirror_unit *));
	if (!reader->by_name)
		return -ENOMEM;
	for (uint32_t i = 0; i < mirror->unit_count; i++)
		reader->by_name[i] = &mirror->units[i];
	reader->by_name_count = mirror->unit_count;
	qsort(reader->by_name, mirror->unit_count, sizeof *reader->by_name, by_folded);
	return 0;
}

/* ---- texts ---- */

static utf8proc_int32_t next_letter(const char **at)
{
	utf8proc_int32_t letter;
	bool was_space = false;
	for (;;) {
		utf8proc_ssize_t bytes = **at ? utf8proc_iterate((const utf8proc_uint8_t *)*at, -1, &letter) : 0;
		if (bytes <= 0)
			return 0; /* a space at the end is none */
		if (letter != ' ' && letter != 0xa0)
			break;
		*at += bytes;
		was_space = true;
	}
	if (was_space)
		return ' ';
	*at += utf8proc_iterate((const utf8proc_uint8_t *)*at, -1, &letter);
	return utf8proc_tolower(letter);
}

bool form_is_same_text(const char *a, const char *b)
{
	if (!*a || !*b)
		return false;
	for (;;) {
		utf8proc_int32_t x = next_letter(&a), y = next_letter(&b);
		if (x != y)
			return false;
		if (!x)
			return true;
	}
}

/* The name behind its level: "thi tran a luoi" and "tt. a luoi" -> "a luoi". Folded text. */
static const char *without_level(const char *folded)
{
	static const char *const levels[] = { "thanh pho truc thuoc trung uong ",
					      "thanh pho ",
					      "thi xa ",
					      "thi tran ",
					      "to dan pho ",
					      "khu pho ",
					      "dac khu ",
					      "phuong ",
					      "huyen ",
					      "quan ",
					      "tinh ",
					      "thon ",
					      "buon ",
					      "ban ",
					      "xa ",
					      "ap ",
					      "tp. ",
					      "tp.",
					      "tp ",
					      "tx. ",
					      "tx.",
					      "tx ",
					      "tt. ",
					      "tt.",
					      "tt ",
					      "tdp ",
					      "p. ",
					      "p.",
					      "q. ",
					      "q.",
					      "h. ",
					      "h.",
					      "x. ",
					      "x." };
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
		size_t length = strlen(levels[i]);
		if (strncmp(folded, levels[i], length) == 0 && folded[length])
			return folded + length;
	}
	return folded;
}

static const char *fold(const char *text, bool drop_marks, char buffer[static FOLDED_BYTES])
{
	char raw[FOLDED_BYTES];
	size_t used = 0;
	if (text_fold(text, drop_marks, raw, sizeof raw) != 0)
		raw[0] = '\0';
	for (const char *c = raw; *c; c++)
		if (*c != ' ' || (used && buffer[used - 1] != ' '))
			buffer[used++] = *c;
	buffer[used] = '\0';
	return buffer;
}

bool form_is_total(const struct form_reader *reader, uint32_t row)
{
	static const char *const words[] = { "tong", "tong cong", "cong", "tong so", "total", "sum" };
	char folded[FOLDED_BYTES];
	if (*form_text(reader, row, ROLE_UNIT) && *form_text(reader, row, ROLE_NAME))
		return false;
	const char *text = *form_text(reader, row, ROLE_NAME) ? form_text(reader, row, ROLE_NAME)
							      : form_text(reader, row, ROLE_UNIT);
	fold(text, true, folded);
	folded[strcspn(folded, ":")] = '\0';
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(folded, words[i]) == 0)
			return true;
	return false;
}

/* ---- suggestions ---- */

struct suggestion {
	char text[SUGGESTION_BYTES];
	unsigned count;
};

static void suggest_unit(struct suggestion *suggestion, const struct mirror_unit *unit)
{
	size_t used = strlen(suggestion->text);
	char one[BAOPHU_CODE_BYTES_MAX + BAOPHU_TEXT_BYTES_MAX + 16];
	snprintf(one, sizeof one, "%s “%s”", unit->code, unit->name);
	if (suggestion->count >= SHOWN_MAX || strstr(suggestion->text, one))
		return;
	snprintf(suggestion->text + used, sizeof suggestion->text - used, "%s%s", suggestion->count ? _(" or ") : "", one);
	suggestion->count++;
}

static bool is_valid(const struct mirror_unit *unit, baophu_date date)
{
	return date >= unit->from && (unit->until == BAOPHU_DATE_NONE || date <= unit->until);
}

static const char *without_zeros(const char *code)
{
	while (code[0] == '0' && code[1])
		code++;
	return code;
}

/* "1" for "01": what Excel makes of a code that is not text. */
static void suggest_zeros(const struct form_reader *reader, const char *code, baophu_date date, struct suggestion *suggestion)
{
	if (code[strspn(code, "0123456789")] != '\0')
		return;
	for (uint32_t i = 0; i < reader->mirror->unit_count; i++) {
		const struct mirror_unit *unit = &reader->mirror->units[i];
		if (is_valid(unit, date) && strcmp(without_zeros(unit->code), without_zeros(code)) == 0)
			suggest_unit(suggestion, unit);
	}
}

static void suggest_near_code(const struct form_reader *reader, const char *code, baophu_date date, struct suggestion *suggestion)
{
	const struct mirror *mirror = reader->mirror;
	const char *candidates[MIRROR_UNITS_MAX];
	size_t count = 0;
	for (uint32_t i = 0; i < mirror->unit_count && i < MIRROR_UNITS_MAX; i++)
		if (is_valid(&mirror->units[i], date))
			candidates[count++] = mirror->units[i].code;
	const char *near = suggest(code, candidates, count);
	if (near)
		suggest_unit(suggestion, mirror_unit(mirror, near, date));
}

/* What became of a code or name that was valid before; NULL. The newest. */
static const struct mirror_former *former_of(const struct mirror *mirror, const char *code, const char *folded)
{
	const struct mirror_former *newest = NULL;
	for (uint32_t i = 0; i < mirror->former_count; i++) {
		const struct mirror_former *former = &mirror->former[i];
		if ((code ? strcmp(former->code, code) == 0 : strcmp(former->folded, folded) == 0) &&
		    (!newest || former->from > newest->from))
			newest = former;
	}
	return newest;
}

static void reject_former(struct form_reader *reader, uint32_t row, uint32_t column, const struct mirror_former *former,
			  baophu_date date)
{
	char last[11], day[11];
	const struct mirror_unit *unit = mirror_unit_numbered(reader->mirror, reader->mirror->units[former->unit].number, date);
	baophu_date_format(former->until, reader->vietnamese, last);
	baophu_date_format(date, reader->vietnamese, day);
	unit = unit ? unit : &reader->mirror->units[former->unit];
	reader->unit_rows_suggested++;
	form_reject(reader, row, column,
		    _("%s “%s” was valid until %s, and the figures are of %s; its successor is %s “%s”: did you mean that?"),
		    former->code, former->name, last, day, unit->code, unit->name);
}

/* ---- by code ---- */

static void reject_code(struct form_reader *reader, uint32_t row, uint32_t column, const char *code, baophu_date date)
{
	const struct mirror *mirror = reader->mirror;
	struct suggestion suggestion = { 0 };
	char day[11], from[11], shown[FORM_SHOWN_BYTES];
	const struct mirror_former *former = former_of(mirror, code, NULL);
	baophu_date_format(date, reader->vietnamese, day);
	if (former && former->until != BAOPHU_DATE_NONE && former->until < date) {
		reject_former(reader, row, column, former, date);
		return;
	}
	for (uint32_t i = 0; i < mirror->unit_count; i++)
		if (strcmp(mirror->units[i].code, code) == 0) {
			const struct mirror_unit *unit = &mirror->units[i];
			reader->unit_rows_suggested++;
			form_reject(reader, row, column,
				    _("the code %s (“%s”) is valid from %s on, and the figures are of %s; write the code of then, "
				      "or mend the date"),
				    code, unit->name, baophu_date_format(unit->from, reader->vietnamese, from), day);
			return;
		}
	/* "20101 - Xã A Lưới 4" in one cell */
	size_t length = strspn(code, "0123456789");
	char head[BAOPHU_CODE_BYTES_MAX + 1] = "";
	if (length && length < sizeof head && code[length])
		snprintf(head, sizeof head, "%.*s", (int)length, code);
	const struct mirror_unit *headed = *head ? mirror_unit(mirror, head, date) : NULL;
	if (headed)
		suggest_unit(&suggestion, headed);
	if (!suggestion.count && reader->searches < SEARCHES_MAX) {
		reader->searches++;
		suggest_zeros(reader, code, date, &suggestion);
		if (!suggestion.count)
			suggest_near_code(reader, code, date, &suggestion);
	}
	reader->unit_rows_suggested += suggestion.count > 0;
	if (suggestion.count)
		form_reject(
		    reader, row, column,
		    _("“%s” is no code of a unit of this office; did you mean %s? Write the code as text, with its leading zeros"),
		    form_shown(code, shown), suggestion.text);
	else
		form_reject(reader, row, column, _("“%s” is no code of a unit of this office"), form_shown(code, shown));
}

/* The text of a code: a cell that Excel took for a number says it as one. */
static const char *code_text(const struct form_reader *reader, uint32_t row, char buffer[static 32])
{
	struct sheet_cell cell = sheet_at(reader->sheet, row, reader->columns.at[ROLE_UNIT]);
	int64_t number;
	if (cell.kind != SHEET_NUMBER || human_count_cell(cell.text, &number, NULL) != HUMAN_OK)
		return cell.text;
	snprintf(buffer, 32, "%lld", (long long)number);
	return buffer;
}

/* A code decides; a name beside it that is another unit's shows that one of the two is wrong. */
static bool name_agrees(struct form_reader *reader, uint32_t row, const struct mirror_unit *unit)
{
	const char *name = form_text(reader, row, ROLE_NAME);
	char folded[FOLDED_BYTES], shown[FORM_SHOWN_BYTES];
	if (!*name || strcmp(without_level(fold(name, true, folded)), without_level(unit->folded)) == 0)
		return true;
	/* The unit may stand there by an earlier name. */
	for (uint32_t i = 0; i < reader->mirror->former_count; i++) {
		const struct mirror_former *former = &reader->mirror->former[i];
		if (former->number == unit->number && strcmp(without_level(former->folded), without_level(folded)) == 0)
			return true;
	}
	form_reject(reader, row, reader->columns.at[ROLE_NAME],
		    _("the code %s is “%s”, and the name beside it is “%s”; mend the one that is wrong"), unit->code, unit->name,
		    form_shown(name, shown));
	return false;
}

/* ---- by name ---- */

static void reject_name(struct form_reader *reader, uint32_t row, const char *name, baophu_date date)
{
	const struct mirror *mirror = reader->mirror;
	uint32_t column = reader->columns.at[ROLE_NAME];
	char folded[FOLDED_BYTES], shown[FORM_SHOWN_BYTES];
	struct suggestion suggestion = { 0 };
	fold(name, true, folded);
	const struct mirror_former *former = NULL;
	if (reader->searches < SEARCHES_MAX) {
		const char *candidates[MIRROR_UNITS_MAX];
		size_t count = 0;
		reader->searches++;
		for (uint32_t i = 0; i < mirror->unit_count; i++)
			if (is_valid(&mirror->units[i], date) && strcmp(mirror->units[i].folded, folded) == 0)
				suggest_unit(&suggestion, &mirror->units[i]);
		former = suggestion.count ? NULL : former_of(mirror, NULL, folded);
		for (uint32_t i = 0; i < mirror->unit_count && !suggestion.count && !former; i++)
			if (is_valid(&mirror->units[i], date)) {
				if (strcmp(without_level(mirror->units[i].folded), without_level(folded)) == 0)
					suggest_unit(&suggestion, &mirror->units[i]);
				candidates[count++] = mirror->units[i].folded;
			}
		const char *near = suggestion.count || former ? NULL : suggest(folded, candidates, count);
		for (uint32_t i = 0; i < mirror->unit_count && near; i++)
			if (is_valid(&mirror->units[i], date) && strcmp(mirror->units[i].folded, near) == 0)
				suggest_unit(&suggestion, &mirror->units[i]);
	}
	if (former) {
		reject_former(reader, row, column, former, date);
		return;
	}
	reader->unit_rows_suggested += suggestion.count > 0;
	if (suggestion.count)
		form_reject(reader, row, column,
			    _("“%s” is not the name of a unit of this office letter by letter; did you mean %s?"),
			    form_shown(name, shown), suggestion.text);
	else
		form_reject(reader, row, column, _("“%s” is not the name of a unit of this office"), form_shown(name, shown));
}

static const struct mirror_unit *unit_by_name(struct form_reader *reader, uint32_t row, const char *name, baophu_date date)
{
	char folded[FOLDED_BYTES], shown[FORM_SHOWN_BYTES];
	const struct mirror_unit *found = NULL;
	struct suggestion several = { 0 };
	uint32_t low = 0, high = reader->by_name_count;
	fold(name, true, folded);
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (strcmp(reader->by_name[middle]->folded, folded) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < reader->by_name_count && strcmp(reader->by_name[low]->folded, folded) == 0; low++) {
		const struct mirror_unit *unit = reader->by_name[low];
		if (!is_valid(unit, date) || !form_is_same_text(unit->name, name))
			continue;
		if (found)
			suggest_unit(&several, found);
		found = unit;
	}
	if (!several.count) {
		if (!found)
			reject_name(reader, row, name, date);
		return found;
	}
	suggest_unit(&several, found);
	reader->unit_rows_suggested++;
	form_reject(reader, row, reader->columns.at[ROLE_NAME], _("“%s” is the name of several units: %s; write the code"),
		    form_shown(name, shown), several.text);
	return NULL;
}

bool form_unit(struct form_reader *reader, uint32_t row, baophu_date date, const struct mirror_unit **ret_unit,
	       const char **ret_code)
{
	char number[32];
	bool has_column = reader->columns.at[ROLE_UNIT] != SHEET_NOWHERE;
	const char *code = has_column ? code_text(reader, row, number) : "", *name = form_text(reader, row, ROLE_NAME);
	uint32_t column = has_column ? reader->columns.at[ROLE_UNIT] : reader->columns.at[ROLE_NAME];
	const struct mirror_unit *unit = NULL;
	reader->unit_rows++;
	*ret_unit = NULL;
	if (!*code && !*name) {
		form_reject(reader, row, column, _("the row says no unit; write its code"));
		return false;
	}
	if (!reader->mirror) {
		if (!*code || !text_is_code(code, strlen(code))) {
			form_reject(
			    reader, row, column,
			    _("the centre was never reached from here, so only codes are understood; write the code of the unit"));
			return false;
		}
		*ret_code = form_keep(reader, code);
		return true;
	}
	if (*code) {
		unit = mirror_unit(reader->mirror, code, date);
		if (!unit)
			reject_code(reader, row, column, code, date);
		reader->unit_rows_known += unit != NULL;
		if (unit && !name_agrees(reader, row, unit))
			unit = NULL;
	} else {
		unit = unit_by_name(reader, row, name, date);
		reader->unit_rows_known += unit != NULL;
	}
	*ret_unit = unit;
	*ret_code = unit ? unit->code : "";
	return unit;
}
