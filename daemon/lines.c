/* lines.c - see lines.h. A handful of lines, so they are looked through. */
#include "lines.h"

#include <errno.h>

void lines_init(struct lines *lines) { *lines = (struct lines){ 0 }; }

void lines_finish(struct lines *lines) { vec_finish(&lines->all); }

int lines_clone(struct lines *to, const struct lines *from) { return vec_clone(&to->all, &from->all, sizeof(struct line)); }

void lines_normalise(uint32_t *digits, uint8_t *decimals)
{
	for (; *decimals && *digits % 10 == 0; --*decimals)
		*digits /= 10;
}

static struct line *find(const struct lines *lines, uint32_t plan, uint32_t digits, uint8_t decimals)
{
	for (size_t i = 0; i < lines->all.count; i++) {
		struct line *line = vec_at(&lines->all, struct line, i);
		if (line->plan == plan && line->digits == digits && line->decimals == decimals)
			return line;
	}
	return NULL;
}

int lines_apply(struct lines *lines, const struct entry_threshold *entry, uint64_t id)
{
	unsigned number = lines_number(lines, entry->digits, entry->decimals);
	bool is_new = number == LINES_EVER_MAX && entry->line == lines_numbered(lines) && entry->line < LINES_EVER_MAX;
	uint64_t digits_max = BAOPHU_LINE_PERCENT_MAX;
	for (unsigned power = 0; power < entry->decimals; power++)
		digits_max *= 10;
	if ((entry->line != number && !is_new) || entry->decimals > BAOPHU_LINE_DECIMALS_MAX || entry->digits > digits_max)
		return -BAOPHU_EDAMAGED;
	struct line *line = find(lines, entry->plan, entry->digits, entry->decimals);
	if (!line && !(line = vec_grow(&lines->all, 1, sizeof *line)))
		return -ENOMEM;
	*line = (struct line){ .id = id,
			       .plan = entry->plan,
			       .digits = entry->digits,
			       .decimals = entry->decimals,
			       .number = entry->line,
			       .removed = entry->removed };
	return 0;
}

const struct line *lines_find(const struct lines *lines, uint32_t plan, uint32_t digits, uint8_t decimals)
{
	const struct line *line = find(lines, plan, digits, decimals);
	return line && !line->removed ? line : NULL;
}

unsigned lines_number(const struct lines *lines, uint32_t digits, uint8_t decimals)
{
	for (size_t i = 0; i < lines->all.count; i++) {
		const struct line *line = vec_at(&lines->all, struct line, i);
		if (line->digits == digits && line->decimals == decimals)
			return line->number;
	}
	return LINES_EVER_MAX;
}

unsigned lines_numbered(const struct lines *lines)
{
	unsigned count = 0;
	for (size_t i = 0; i < lines->all.count; i++)
		if (vec_at(&lines->all, struct line, i)->number >= count)
			count = vec_at(&lines->all, struct line, i)->number + 1u;
	return count;
}

const struct line *lines_numbered_at(const struct lines *lines, unsigned number)
{
	for (size_t i = 0; i < lines->all.count; i++)
		if (vec_at(&lines->all, struct line, i)->number == number)
			return vec_at(&lines->all, struct line, i);
	return NULL;
}

unsigned lines_standing(const struct lines *lines)
{
	unsigned count = 0;
	for (size_t i = 0; i < lines->all.count; i++)
		count += !vec_at(&lines->all, struct line, i)->removed;
	return count;
}

uint64_t lines_of_plan(const struct lines *lines, uint32_t plan)
{
	uint64_t bits = 0;
	for (size_t i = 0; i < lines->all.count; i++) {
		const struct line *line = vec_at(&lines->all, struct line, i);
		if (!line->removed && (!line->plan || line->plan == plan))
			bits |= UINT64_C(1) << line->number;
	}
	return bits;
}
