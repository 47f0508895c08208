/* rows.c - see rows.h. Notes are little-endian, row then column. */
#include "rows.h"

#include <string.h>

#include <baophu/date.h>
#include <baophu/ratio.h>

#include "words.h"

void rows_note(uint8_t *note, uint32_t index, uint32_t row, uint32_t column)
{
	uint8_t *at = note + (size_t)index * ROWS_NOTE_BYTES;
	for (int i = 0; i < 4; i++) {
		at[i] = (uint8_t)(row >> 8 * i);
		at[4 + i] = (uint8_t)(column >> 8 * i);
	}
}

bool rows_place(const void *note, size_t note_bytes, uint32_t index, uint32_t *ret_row, uint32_t *ret_column)
{
	const uint8_t *at = (const uint8_t *)note + (size_t)index * ROWS_NOTE_BYTES;
	if (note_bytes < ((size_t)index + 1) * ROWS_NOTE_BYTES)
		return false;
	*ret_row = *ret_column = 0;
	for (int i = 3; i >= 0; i--) {
		*ret_row = *ret_row << 8 | at[i];
		*ret_column = *ret_column << 8 | at[4 + i];
	}
	return true;
}

void rows_write_cell(FILE *out, const char *text, char after)
{
	bool is_quoted = strpbrk(text, ",;\t\"\r\n") != NULL;
	if (is_quoted)
		putc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	if (is_quoted)
		putc('"', out);
	putc(after, out);
}

void rows_write_heading(FILE *out)
{
	fputs("unit,measure,from,to,value,status,extent,origin,bound,reason,denominator,over\n", out);
}

static const char *word(enum word_list list, int value)
{
	const char *text = word_of(list, value);
	return text ? text : "";
}

void rows_write_entry(FILE *out, const struct wire_entry *entry)
{
	const struct wire_fact *fact = &entry->fact;
	const struct wire_rate *rate = &entry->rate;
	bool is_rate = entry->kind == WIRE_RATE;
	char from[11], to[11], value[64];
	if (entry->kind != WIRE_FACT && !is_rate)
		return;
	baophu_date first = is_rate ? rate->from : fact->from, last = is_rate ? rate->to : fact->to;
	rows_write_cell(out, is_rate ? rate->unit : fact->unit, ',');
	rows_write_cell(out, is_rate ? rate->measure : fact->measure, ',');
	rows_write_cell(out, first == last ? "" : baophu_date_format(first, false, from), ',');
	rows_write_cell(out, baophu_date_format(last, false, to), ',');
	if (is_rate) {
		char digits[48];
		snprintf(value, sizeof value, "%s%%", baophu_digits_format(rate->digits, rate->decimals, ',', digits));
	} else {
		snprintf(value, sizeof value, "%lld", (long long)fact->value);
	}
	rows_write_cell(out, value, ',');
	rows_write_cell(out, word(WORDS_STATUS, is_rate ? (int)rate->status : (int)fact->status), ',');
	rows_write_cell(out, is_rate ? "" : word(WORDS_EXTENT, fact->extent), ',');
	rows_write_cell(out, is_rate ? "" : word(WORDS_ORIGIN, fact->origin), ',');
	rows_write_cell(out, word(WORDS_BOUND, is_rate ? (int)rate->bound : (int)fact->bound), ',');
	rows_write_cell(out, is_rate || !fact->reason ? "" : word(WORDS_REASON, fact->reason), ',');
	rows_write_cell(out, is_rate ? word(WORDS_DENOMINATOR, rate->denominator) : "", ',');
	rows_write_cell(out, is_rate ? rate->over : "", '\n');
}

const char *rows_without_cell(const char *text)
{
	size_t letters = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	size_t digits = letters ? strspn(text + letters, "0123456789") : 0;
	return digits && strncmp(text + letters + digits, ": ", 2) == 0 ? text + letters + digits + 2 : text;
}
