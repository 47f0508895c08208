/* declarations.c - the table of declarations, found by unit. See declarations.h. */
#include "declarations.h"

#include <errno.h>
#include <string.h>

void declarations_init(struct declarations *declarations) { *declarations = (struct declarations){ 0 }; }

void declarations_finish(struct declarations *declarations)
{
	vec_finish(&declarations->all);
	vec_finish(&declarations->first_of_unit);
	vec_finish(&declarations->count_of_agent);
}

int declarations_clone(struct declarations *to, const struct declarations *from)
{
	declarations_init(to);
	if (vec_clone(&to->all, &from->all, sizeof(struct declaration)) ||
	    vec_clone(&to->first_of_unit, &from->first_of_unit, sizeof(uint32_t)) ||
	    vec_clone(&to->count_of_agent, &from->count_of_agent, sizeof(uint32_t))) {
		declarations_finish(to);
		return -ENOMEM;
	}
	to->count = from->count;
	to->free = from->free;
	return 0;
}

/* Where the index of the declaration with this key stands: at its unit's beginning or in the one before it. Points to 0 when there is none. */
static uint32_t *find(const struct declarations *declarations, const struct entry_declare *entry)
{
	uint32_t *at = vec_at(&declarations->first_of_unit, uint32_t, entry->unit);
	while (*at) {
		struct declaration *declaration = vec_at(&declarations->all, struct declaration, *at - 1);
		if (declaration->agent == entry->agent && declaration->level == entry->level &&
		    declaration->extent == entry->extent && declaration->measure_count == entry->measure_count &&
		    (!entry->measure_count ||
		     !memcmp(declaration->measures, entry->measures, entry->measure_count * sizeof *entry->measures)))
			break;
		at = &declaration->next;
	}
	return at;
}

const struct declaration *declarations_find(const struct declarations *declarations, const struct entry_declare *entry)
{
	uint32_t index = entry->unit < declarations->first_of_unit.count ? *find(declarations, entry) : 0;
	return index ? declarations_get(declarations, index - 1) : NULL;
}

static void drop(struct declarations *declarations, uint32_t *at)
{
	uint32_t index = *at;
	struct declaration *declaration = vec_at(&declarations->all, struct declaration, index - 1);
	*at = declaration->next;
	--*vec_at(&declarations->count_of_agent, uint32_t, declaration->agent);
	declarations->count--;
	*declaration = (struct declaration){ .next = declarations->free };
	declarations->free = index;
}

/* A new one at the unit's beginning. */
static struct declaration *add(struct declarations *declarations, const struct entry_declare *entry)
{
	uint32_t index = declarations->free;
	if (index) {
		declarations->free = declarations_get(declarations, index - 1)->next;
	} else {
		if (!vec_grow(&declarations->all, 1, sizeof(struct declaration)))
			return NULL;
		index = (uint32_t)declarations->all.count;
	}
	uint32_t *first = vec_at(&declarations->first_of_unit, uint32_t, entry->unit);
	struct declaration *declaration = vec_at(&declarations->all, struct declaration, index - 1);
	*declaration = (struct declaration){ .agent = entry->agent,
					     .unit = entry->unit,
					     .next = *first,
					     .level = entry->level,
					     .extent = entry->extent,
					     .measure_count = (uint16_t)entry->measure_count };
	if (entry->measure_count)
		memcpy(declaration->measures, entry->measures, entry->measure_count * sizeof *entry->measures);
	*first = index;
	++*vec_at(&declarations->count_of_agent, uint32_t, entry->agent);
	declarations->count++;
	return declaration;
}

static int make_room(struct vec *vec, uint32_t index)
{
	return index < vec->count || vec_grow(vec, index + 1 - vec->count, sizeof(uint32_t)) ? 0 : -ENOMEM;
}

int declarations_apply(struct declarations *declarations, const struct entry_declare *entry, uint64_t id)
{
	int error = make_room(&declarations->first_of_unit, entry->unit);
	if (!error)
		error = make_room(&declarations->count_of_agent, entry->agent);
	if (error)
		return error;
	uint32_t *at = find(declarations, entry);
	if (entry->rhythm == BAOPHU_RHYTHM_NONE) {
		if (*at)
			drop(declarations, at);
		return 0;
	}
	struct declaration *declaration = *at ? vec_at(&declarations->all, struct declaration, *at - 1) : NULL;
	const struct rhythm_terms terms = { (enum baophu_rhythm)entry->rhythm, entry->closing_day, entry->grace_days,
					    entry->since };
	/* The same word again begins nothing anew: who is silent stays so until it reports. */
	bool is_same = declaration && declaration->terms.rhythm == terms.rhythm &&
		       declaration->terms.closing_day == terms.closing_day && declaration->terms.grace_days == terms.grace_days;
	if (!declaration)
		declaration = add(declarations, entry);
	if (!declaration)
		return -ENOMEM;
	declaration->id = id;
	if (!is_same)
		declaration->terms = terms;
	return 0;
}

bool declarations_have_room(const struct declarations *declarations, uint32_t agent, uint32_t count)
{
	uint32_t of_agent = agent < declarations->count_of_agent.count ? *vec_at(&declarations->count_of_agent, uint32_t, agent)
								       : 0;
	return declarations->count + count <= BAOPHU_DECLARATIONS_MAX && of_agent + count <= BAOPHU_DECLARATIONS_OF_AGENT_MAX;
}

uint32_t declarations_count_at(const struct declarations *declarations, uint32_t agent, uint32_t unit)
{
	uint32_t count = 0;
	for (uint32_t at = declarations_at(declarations, unit); at; at = declarations_get(declarations, at - 1)->next)
		count += declarations_get(declarations, at - 1)->agent == agent;
	return count;
}
