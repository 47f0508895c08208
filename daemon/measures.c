/* measures.c - measures, indicators and levels by number and by code. See measures.h. */
#include "measures.h"

#include <errno.h>
#include <string.h>

void measures_init(struct measures *measures) { *measures = (struct measures){ 0 }; }

void measures_finish(struct measures *measures)
{
	vec_finish(&measures->measures);
	vec_finish(&measures->indicators);
	vec_finish(&measures->levels);
	vec_finish(&measures->text);
}

int measures_clone(struct measures *to, const struct measures *from)
{
	measures_init(to);
	if (vec_clone(&to->measures, &from->measures, sizeof(struct measure)) ||
	    vec_clone(&to->indicators, &from->indicators, sizeof(struct indicator)) ||
	    vec_clone(&to->levels, &from->levels, sizeof(struct level)) || vec_clone(&to->text, &from->text, 1)) {
		measures_finish(to);
		return -ENOMEM;
	}
	return 0;
}

/* Number 0 is unused in each table, so a new number is one past the end. */
static void *numbered(struct vec *table, uint32_t number, size_t size)
{
	if (number < table->count)
		return (char *)table->data + number * size;
	if (!vec_grow(table, number + 1 - table->count, size))
		return NULL;
	return (char *)table->data + number * size;
}

static int text_into(struct measures *measures, const char *text, uint32_t *offset)
{
	*offset = vec_text(&measures->text, text);
	return *offset == UINT32_MAX ? -ENOMEM : 0;
}

int measures_apply(struct measures *measures, const struct entry_measure *entry, uint64_t id)
{
	bool is_new = entry->measure >= measures->measures.count;
	struct measure *measure = numbered(&measures->measures, entry->measure, sizeof *measure);
	if (!measure)
		return -ENOMEM;
	if (text_into(measures, entry->name_vi, &measure->name_vi) || text_into(measures, entry->name_en, &measure->name_en) ||
	    text_into(measures, entry->unit_vi, &measure->unit_vi) || text_into(measures, entry->unit_en, &measure->unit_en))
		return -ENOMEM;
	if (!is_new)
		return 0; /* kind and parent are for ever */
	measure->id = id;
	measure->kind = entry->kind;
	measure->parent = entry->parent;
	memcpy(measure->code, entry->code, strnlen(entry->code, BAOPHU_CODE_BYTES_MAX));
	if (entry->parent && entry->parent < measures->measures.count)
		vec_at(&measures->measures, struct measure, entry->parent)->part_count++;
	return 0;
}

int measures_apply_indicator(struct measures *measures, const struct entry_indicator *entry, uint64_t id)
{
	struct indicator *indicator = numbered(&measures->indicators, entry->indicator, sizeof *indicator);
	if (!indicator)
		return -ENOMEM;
	/* Another name for the same ratio is no reason not to have known it before. */
	if (indicator->id && indicator->numerator == entry->numerator && indicator->denominator == entry->denominator)
		id = indicator->id;
	*indicator = (struct indicator){ .id = id, .numerator = entry->numerator, .denominator = entry->denominator };
	memcpy(indicator->code, entry->code, strnlen(entry->code, BAOPHU_CODE_BYTES_MAX));
	return text_into(measures, entry->name_vi, &indicator->name_vi) || text_into(measures, entry->name_en, &indicator->name_en)
		   ? -ENOMEM
		   : 0;
}

int measures_apply_level(struct measures *measures, const struct entry_level *entry)
{
	struct level *level = numbered(&measures->levels, entry->level, sizeof *level);
	if (!level)
		return -ENOMEM;
	memset(level->code, 0, sizeof level->code);
	memcpy(level->code, entry->code, strnlen(entry->code, BAOPHU_CODE_BYTES_MAX));
	return text_into(measures, entry->name_vi, &level->name_vi) || text_into(measures, entry->name_en, &level->name_en)
		   ? -ENOMEM
		   : 0;
}

/* A few dozen codes, compared a word at a time: about 30 ns, less than hashing through another table would save. */
static uint32_t find(const struct vec *table, size_t size, size_t code_offset, const char *code)
{
	char padded[BAOPHU_CODE_BYTES_MAX + 1] = { 0 };
	for (unsigned i = 0; i < BAOPHU_CODE_BYTES_MAX && code[i]; i++)
		padded[i] = code[i];
	for (uint32_t number = 1; number < table->count; number++)
		if (!memcmp((const char *)table->data + number * size + code_offset, padded, sizeof padded))
			return number;
	return 0;
}

uint16_t measures_find(const struct measures *measures, const char *code)
{
	return (uint16_t)find(&measures->measures, sizeof(struct measure), offsetof(struct measure, code), code);
}
uint16_t measures_find_indicator(const struct measures *measures, const char *code)
{
	return (uint16_t)find(&measures->indicators, sizeof(struct indicator), offsetof(struct indicator, code), code);
}
uint8_t measures_find_level(const struct measures *measures, const char *code)
{
	return (uint8_t)find(&measures->levels, sizeof(struct level), offsetof(struct level, code), code);
}
