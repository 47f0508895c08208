/* names.c - see names.h. A few dozen names: looked up one after the other. */
#include "names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suggest.h"

void names_finish(struct names *names)
{
	free(names->names);
	*names = (struct names){ 0 };
}

static struct name *add(struct names *names, const char *code)
{
	if (names->count == names->capacity) {
		size_t capacity = names->capacity ? names->capacity * 2 : 64;
		struct name *grown = realloc(names->names, capacity * sizeof *grown);
		if (!grown)
			return NULL;
		names->names = grown;
		names->capacity = capacity;
	}
	struct name *name = &names->names[names->count++];
	*name = (struct name){ 0 };
	snprintf(name->code, sizeof name->code, "%s", code);
	return name;
}

int names_add(struct names *names, const struct wire_answer *answer)
{
	for (uint32_t i = 0; i < answer->measure_count; i++) {
		const struct wire_measure_set *measure = &answer->measures[i];
		struct name *name = add(names, measure->code);
		if (!name)
			return -ENOMEM;
		name->kind = measure->kind;
		snprintf(name->parent, sizeof name->parent, "%s", measure->parent);
		snprintf(name->name_vi, sizeof name->name_vi, "%s", measure->name_vi);
		snprintf(name->name_en, sizeof name->name_en, "%s", measure->name_en);
		snprintf(name->unit_vi, sizeof name->unit_vi, "%s", measure->unit_vi);
		snprintf(name->unit_en, sizeof name->unit_en, "%s", measure->unit_en);
	}
	for (uint32_t i = 0; i < answer->indicator_count; i++) {
		const struct wire_indicator_set *indicator = &answer->indicators[i];
		struct name *name = add(names, indicator->code);
		if (!name)
			return -ENOMEM;
		snprintf(name->name_vi, sizeof name->name_vi, "%s", indicator->name_vi);
		snprintf(name->name_en, sizeof name->name_en, "%s", indicator->name_en);
		snprintf(name->numerator, sizeof name->numerator, "%s", indicator->numerator);
		snprintf(name->denominator, sizeof name->denominator, "%s", indicator->denominator);
	}
	return 0;
}

const struct name *names_find(const struct names *names, const char *code)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->names[i].code, code) == 0)
			return &names->names[i];
	return NULL;
}

const char *names_text(const struct names *names, const char *code)
{
	const struct name *name = names_find(names, code);
	const char *text = !name ? "" : names->vietnamese ? name->name_vi : name->name_en;
	return *text ? text : code;
}

const char *names_unit(const struct names *names, const char *code)
{
	const struct name *name = names_find(names, code);
	return !name ? "" : names->vietnamese ? name->unit_vi : name->unit_en;
}

bool names_is_indicator(const struct names *names, const char *code)
{
	const struct name *name = names_find(names, code);
	return name && name->kind == BAOPHU_MEASURE_KIND_NONE;
}

const char *names_suggest(const struct names *names, const char *code)
{
	const char *candidates[2 * BAOPHU_MEASURES_MAX];
	size_t count = 0;
	for (size_t i = 0; i < names->count && count < sizeof candidates / sizeof *candidates; i++)
		candidates[count++] = names->names[i].code;
	return suggest(code, candidates, count);
}
