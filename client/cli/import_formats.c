/* import_formats.c - the four files that can be imported: figures, units, plans, senders. Documented for people in docs/import.md.
 *
 * A row is checked as far as it can be without the centre: words, dates, numbers, and that its cells agree with each other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "language.h"
#include "text.h"
#include "words.h"

/* Cells that mean nothing in this row must be empty: whoever filled them in meant something else. */
static bool must_be_empty(struct import *import, int column, const char *why)
{
	if (!*import->cells[column])
		return true;
	import_wrong(import, column, _("must be empty: %s"), why);
	return false;
}

static bool check_period(struct import *import, int column, baophu_date from, baophu_date to)
{
	if (from == BAOPHU_DATE_NONE || to == BAOPHU_DATE_NONE || from <= to)
		return true;
	import_wrong(import, column, _("is after the last day of the period"));
	return false;
}

/* ---- figures ---- */

enum {
	FACT_UNIT,
	FACT_MEASURE,
	FACT_EXTENT,
	FACT_FROM,
	FACT_TO,
	FACT_VALUE,
	FACT_STATUS,
	FACT_ORIGIN,
	FACT_BOUND,
	FACT_REASON,
	FACT_DENOMINATOR,
	FACT_OVER
};
static const struct import_column fact_columns[] = {
	[FACT_UNIT] = { "unit", true, false },
	[FACT_MEASURE] = { "measure", true, false },
	[FACT_EXTENT] = { "extent", false, false },
	[FACT_FROM] = { "from", false, false },
	[FACT_TO] = { "to", true, false },
	[FACT_VALUE] = { "value", true, false },
	[FACT_STATUS] = { "status", false, false },
	[FACT_ORIGIN] = { "origin", false, false },
	[FACT_BOUND] = { "bound", false, false },
	[FACT_REASON] = { "reason", false, false },
	[FACT_DENOMINATOR] = { "denominator", false, false },
	[FACT_OVER] = { "over", false, false },
	{ "source", false, true },
	{ "note", false, true },
};

static int read_rate(struct import *import, struct wire_entry *entry)
{
	struct wire_rate *rate = &entry->rate;
	const char *why = _("a percentage has none");
	int denominator, status, bound, extent, origin;
	entry->kind = WIRE_RATE;
	import_code(import, FACT_UNIT, true, &rate->unit);
	import_code(import, FACT_MEASURE, true, &rate->measure);
	import_date(import, FACT_FROM, false, &rate->from);
	if (import_date(import, FACT_TO, true, &rate->to) && rate->from == BAOPHU_DATE_NONE)
		rate->from = rate->to;
	check_period(import, FACT_FROM, rate->from, rate->to);
	import_percent(import, FACT_VALUE, &rate->digits, &rate->decimals);
	import_word(import, FACT_STATUS, WORDS_STATUS, BAOPHU_FINAL, &status);
	import_word(import, FACT_BOUND, WORDS_BOUND, BAOPHU_EXACT, &bound);
	if (import_word(import, FACT_EXTENT, WORDS_EXTENT, BAOPHU_WHOLE, &extent) && extent != BAOPHU_WHOLE)
		import_wrong(import, FACT_EXTENT, _("a published percentage speaks of the whole unit; leave it empty"));
	if (import_word(import, FACT_ORIGIN, WORDS_ORIGIN, BAOPHU_PUBLISHED, &origin) && origin != BAOPHU_PUBLISHED)
		import_wrong(import, FACT_ORIGIN, _("a percentage is `published`, or it is not entered: its count is"));
	must_be_empty(import, FACT_REASON, why);
	rate->status = (enum baophu_status)status;
	rate->bound = (enum baophu_bound)bound;
	rate->over = "";
	if (!import_word(import, FACT_DENOMINATOR, WORDS_DENOMINATOR, BAOPHU_OVER_UNSTATED, &denominator))
		return 0;
	rate->denominator = (enum baophu_denominator)denominator;
	if (denominator == BAOPHU_OVER_UNSTATED)
		must_be_empty(import, FACT_OVER,
			      _("the denominator is `unstated`; write `measure` or `plan` there if it is known"));
	else
		import_code(import, FACT_OVER, denominator == BAOPHU_OVER_MEASURE, &rate->over);
	return 0;
}

static int read_fact(struct import *import)
{
	const char *value = import->cells[FACT_VALUE];
	size_t length = strlen(value);
	struct wire_entry *entry = import_add(import);
	if (!entry)
		return import->is_row_bad ? 0 : -ENOMEM;
	if (length && value[length - 1] == '%')
		return read_rate(import, entry);

	struct wire_fact *fact = &entry->fact;
	bool is_withdrawal = strcmp(value, "withdraw") == 0;
	int extent, status, origin, bound, reason;
	entry->kind = is_withdrawal ? WIRE_WITHDRAWAL : WIRE_FACT;
	import_code(import, FACT_UNIT, true, &fact->unit);
	import_code(import, FACT_MEASURE, true, &fact->measure);
	import_date(import, FACT_FROM, false, &fact->from);
	if (import_date(import, FACT_TO, true, &fact->to) && fact->from == BAOPHU_DATE_NONE)
		fact->from = fact->to;
	check_period(import, FACT_FROM, fact->from, fact->to);
	if (import_word(import, FACT_EXTENT, WORDS_EXTENT, BAOPHU_WHOLE, &extent))
		fact->extent = (enum baophu_extent)extent;
	if (import_word(import, FACT_REASON, WORDS_REASON, BAOPHU_REASON_NONE, &reason))
		fact->reason = (enum baophu_reason)reason;
	fact->value = BAOPHU_ABSENT;
	must_be_empty(import, FACT_DENOMINATOR, _("only a percentage has it; write the percentage with its percent sign"));
	must_be_empty(import, FACT_OVER, _("only a percentage has it; write the percentage with its percent sign"));
	if (is_withdrawal) {
		must_be_empty(import, FACT_STATUS, _("a withdrawal has none"));
		must_be_empty(import, FACT_ORIGIN, _("a withdrawal has none"));
		must_be_empty(import, FACT_BOUND, _("a withdrawal has none"));
		return 0;
	}
	import_count(import, FACT_VALUE, &fact->value);
	if (import_word(import, FACT_STATUS, WORDS_STATUS, BAOPHU_FINAL, &status))
		fact->status = (enum baophu_status)status;
	if (import_word(import, FACT_ORIGIN, WORDS_ORIGIN, BAOPHU_REPORTED, &origin))
		fact->origin = (enum baophu_origin)origin;
	if (import_word(import, FACT_BOUND, WORDS_BOUND, BAOPHU_EXACT, &bound))
		fact->bound = (enum baophu_bound)bound;
	return 0;
}

/* What a fact speaks of, to find two that speak of the same. */
struct slot_of {
	const struct wire_entry *entry;
	uint32_t line;
};

static int by_slot(const void *a, const void *b)
{
	const struct slot_of *x = a, *y = b;
	const struct wire_fact *f = &x->entry->fact, *g = &y->entry->fact;
	int order = strcmp(f->unit, g->unit);
	if (!order)
		order = strcmp(f->measure, g->measure);
	if (!order && f->extent != g->extent)
		order = f->extent < g->extent ? -1 : 1;
	if (!order && f->from != g->from)
		order = f->from < g->from ? -1 : 1;
	if (!order && f->to != g->to)
		order = f->to < g->to ? -1 : 1;
	return order ? order : x->line < y->line ? -1 : x->line > y->line;
}

/* The whole file takes effect at once, so it cannot say two things of one figure. */
static int find_repeated_facts(struct import *import)
{
	struct slot_of *slots = calloc(import->count ? import->count : 1, sizeof *slots);
	size_t count = 0;
	if (!slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < import->count; i++)
		if (import->entries[i].kind != WIRE_RATE)
			slots[count++] = (struct slot_of){ .entry = &import->entries[i], .line = import->lines[i] };
	qsort(slots, count, sizeof *slots, by_slot);
	for (size_t i = 1; i < count; i++) {
		struct slot_of before = slots[i - 1];
		uint32_t line = slots[i].line;
		before.line = line;
		if (by_slot(&before, &slots[i]) != 0)
			continue;
		import->line = line;
		import_wrong(import, -1, _("line %u gives the same figure; keep one of them"), slots[i - 1].line);
		import->bad_row_count++;
	}
	free(slots);
	return 0;
}

const struct import_format import_facts = { fact_columns, sizeof fact_columns / sizeof *fact_columns, read_fact,
					    find_repeated_facts };

/* ---- units ---- */

enum { UNIT_CHANGE, UNIT_DATE, UNIT_CODE, UNIT_NAME, UNIT_LEVEL, UNIT_PARENT, UNIT_NEW_CODE, UNIT_SUCCESSORS };
static const struct import_column unit_columns[] = {
	[UNIT_CHANGE] = { "change", false, false },
	[UNIT_DATE] = { "date", true, false },
	[UNIT_CODE] = { "code", true, false },
	[UNIT_NAME] = { "name", false, false },
	[UNIT_LEVEL] = { "level", false, false },
	[UNIT_PARENT] = { "parent", false, false },
	[UNIT_NEW_CODE] = { "new_code", false, false },
	[UNIT_SUCCESSORS] = { "successors", false, false },
	{ "source", false, true },
	{ "note", false, true },
};

/* "20101:3 20044:1": codes with weights; a weight that is left out is 1. */
static int read_successors(struct import *import, struct wire_unit_close *close)
{
	const char *text = import->cells[UNIT_SUCCESSORS];
	struct wire_successor found[BAOPHU_SUCCESSORS_MAX];
	uint32_t count = 0;
	while (*(text += strspn(text, " "))) {
		char word[64];
		unsigned weight = 1;
		int used = 0;
		size_t length = strcspn(text, " ");
		snprintf(word, sizeof word, "%.*s", length < sizeof word ? (int)length : 0, text);
		char *mark = strchr(word, ':');
		bool is_good = *word != '\0';
		if (mark) {
			*mark++ = '\0';
			is_good = is_good && mark[0] >= '0' && mark[0] <= '9' && sscanf(mark, "%9u%n", &weight, &used) == 1 &&
				  mark[used] == '\0' && weight > 0;
		}
		is_good = is_good && text_is_code(word, strlen(word));
		if (!is_good || count == BAOPHU_SUCCESSORS_MAX) {
			import_wrong(import, UNIT_SUCCESSORS, _("“%.*s”: write codes with weights, as 20101:3 20044:1, at most %d"),
				     (int)length, text, BAOPHU_SUCCESSORS_MAX);
			return 0;
		}
		found[count] = (struct wire_successor){ .unit = import_copy(import, word), .weight = weight };
		if (!found[count++].unit)
			return -ENOMEM;
		text += length;
	}
	struct wire_successor *kept = import_alloc(import, count * sizeof *kept);
	if (!kept)
		return -ENOMEM;
	memcpy(kept, found, count * sizeof *kept);
	close->successors = kept;
	close->successor_count = count;
	return 0;
}

static int read_unit(struct import *import)
{
	const char *change = import->cells[UNIT_CHANGE];
	struct wire_entry *entry = import_add(import);
	if (!entry)
		return import->is_row_bad ? 0 : -ENOMEM;
	if (!*change || strcmp(change, "create") == 0) {
		struct wire_unit_create *create = &entry->unit_create;
		entry->kind = WIRE_UNIT_CREATE;
		import_date(import, UNIT_DATE, true, &create->date);
		import_code(import, UNIT_CODE, true, &create->code);
		import_text(import, UNIT_NAME, true, &create->name);
		import_code(import, UNIT_LEVEL, true, &create->level);
		import_code(import, UNIT_PARENT, false, &create->parent);
		must_be_empty(import, UNIT_NEW_CODE, _("a new unit has one code, in `code`"));
		must_be_empty(import, UNIT_SUCCESSORS, _("only `close` has it"));
	} else if (strcmp(change, "change") == 0) {
		struct wire_unit_change *changed = &entry->unit_change;
		entry->kind = WIRE_UNIT_CHANGE;
		import_date(import, UNIT_DATE, true, &changed->date);
		import_code(import, UNIT_CODE, true, &changed->unit);
		import_code(import, UNIT_NEW_CODE, false, &changed->code);
		import_text(import, UNIT_NAME, false, &changed->name);
		import_code(import, UNIT_LEVEL, false, &changed->level);
		import_code(import, UNIT_PARENT, false, &changed->parent);
		must_be_empty(import, UNIT_SUCCESSORS, _("only `close` has it"));
		if (!import->is_row_bad && !*changed->code && !*changed->name && !*changed->level && !*changed->parent)
			import_wrong(import, -1, _("changes nothing; fill in name, level, parent or new_code"));
	} else if (strcmp(change, "close") == 0) {
		const char *why = _("a unit that ends has none");
		entry->kind = WIRE_UNIT_CLOSE;
		import_date(import, UNIT_DATE, true, &entry->unit_close.date);
		import_code(import, UNIT_CODE, true, &entry->unit_close.unit);
		must_be_empty(import, UNIT_NEW_CODE, why);
		must_be_empty(import, UNIT_LEVEL, why);
		must_be_empty(import, UNIT_PARENT, why);
		return read_successors(import, &entry->unit_close);
	} else {
		import_wrong(import, UNIT_CHANGE, _("there is no “%s” here; write one of %s"), change, "create, change, close");
	}
	return 0;
}

const struct import_format import_units = { unit_columns, sizeof unit_columns / sizeof *unit_columns, read_unit, NULL };

/* ---- plans ---- */

enum { PLAN_CODE, PLAN_UNIT, PLAN_KIND, PLAN_TARGET, PLAN_FROM, PLAN_TO, PLAN_VALUE, PLAN_ORIGIN, PLAN_ISSUER, PLAN_DOCUMENT };
static const struct import_column plan_columns[] = {
	[PLAN_CODE] = { "plan", true, false },
	[PLAN_UNIT] = { "unit", true, false },
	[PLAN_KIND] = { "kind", false, false },
	[PLAN_TARGET] = { "target", true, false },
	[PLAN_FROM] = { "from", true, false },
	[PLAN_TO] = { "to", true, false },
	[PLAN_VALUE] = { "value", true, false },
	[PLAN_ORIGIN] = { "origin", false, false },
	[PLAN_ISSUER] = { "issuer", false, false },
	[PLAN_DOCUMENT] = { "document", false, false },
	{ "source", false, true },
	{ "note", false, true },
};

static int read_plan(struct import *import)
{
	struct wire_entry *entry = import_add(import);
	int kind, origin;
	if (!entry)
		return import->is_row_bad ? 0 : -ENOMEM;
	struct wire_plan_set *plan = &entry->plan;
	entry->kind = WIRE_PLAN_SET;
	import_code(import, PLAN_CODE, true, &plan->code);
	import_code(import, PLAN_UNIT, true, &plan->unit);
	import_code(import, PLAN_TARGET, true, &plan->target);
	import_date(import, PLAN_FROM, true, &plan->from);
	import_date(import, PLAN_TO, true, &plan->to);
	if (!import->is_row_bad)
		check_period(import, PLAN_FROM, plan->from, plan->to);
	import_text(import, PLAN_ISSUER, false, &plan->issuer);
	import_text(import, PLAN_DOCUMENT, false, &plan->document);
	if (import_word(import, PLAN_ORIGIN, WORDS_ORIGIN, BAOPHU_REPORTED, &origin))
		plan->origin = (enum baophu_origin)origin;
	plan->value = BAOPHU_ABSENT;
	if (!import_word(import, PLAN_KIND, WORDS_PLAN_KIND, BAOPHU_PLAN_STOCK, &kind))
		return 0;
	plan->kind = (enum baophu_plan_kind)kind;
	if (strcmp(import->cells[PLAN_VALUE], "withdraw") == 0)
		plan->remove = true;
	else if (kind == BAOPHU_PLAN_RATE)
		import_percent(import, PLAN_VALUE, &plan->value, &plan->decimals);
	else if (strchr(import->cells[PLAN_VALUE], '%'))
		import_wrong(import, PLAN_VALUE, _("is a percentage; then write `rate` under kind, and an indicator under target"));
	else
		import_count(import, PLAN_VALUE, &plan->value);
	return 0;
}

const struct import_format import_plans = { plan_columns, sizeof plan_columns / sizeof *plan_columns, read_plan, NULL };

/* ---- senders ---- */

enum { AGENT_NAME, AGENT_UNIT, AGENT_MEASURES, AGENT_EXTENT, AGENT_FROM, AGENT_UNTIL };
static const struct import_column agent_columns[] = {
	[AGENT_NAME] = { "agent", true, false },
	[AGENT_UNIT] = { "unit", true, false },
	[AGENT_MEASURES] = { "measures", false, false },
	[AGENT_EXTENT] = { "extent", false, false },
	[AGENT_FROM] = { "from", true, false },
	[AGENT_UNTIL] = { "until", false, false },
	{ "source", false, true },
	{ "note", false, true },
};

static int read_measures(struct import *import, struct wire_grant *grant)
{
	const char *text = import->cells[AGENT_MEASURES];
	const char *found[BAOPHU_GRANT_MEASURES_MAX];
	uint32_t count = 0;
	while (*(text += strspn(text, " "))) {
		char word[BAOPHU_CODE_BYTES_MAX + 1];
		size_t length = strcspn(text, " ");
		if (count == BAOPHU_GRANT_MEASURES_MAX || !text_is_code(text, length)) {
			import_wrong(import, AGENT_MEASURES,
				     _("“%.*s”: write measure codes with spaces between them, at most %d, or nothing for all"),
				     (int)length, text, BAOPHU_GRANT_MEASURES_MAX);
			return 0;
		}
		snprintf(word, sizeof word, "%.*s", (int)length, text);
		found[count] = import_copy(import, word);
		if (!found[count++])
			return -ENOMEM;
		text += length;
	}
	const char **kept = import_alloc(import, count * sizeof *kept);
	if (!kept)
		return -ENOMEM;
	memcpy(kept, found, count * sizeof *kept);
	grant->measures = kept;
	grant->measure_count = count;
	return 0;
}

static uint32_t *sender_slot(const struct import *import, const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	uint32_t at = (hash ^ hash >> 15) & (import->senders_size - 1);
	while (import->senders[at] && strcmp(import->entries[import->senders[at] - 1].agent.name, name) != 0)
		at = (at + 1) & (import->senders_size - 1);
	return &import->senders[at];
}

/* Room for one more sender, with half the slots free. */
static int grow_senders(struct import *import)
{
	if (2 * (import->sender_count + 1) <= import->senders_size)
		return 0;
	uint32_t size = import->senders_size ? 2 * import->senders_size : 256;
	uint32_t *slots = calloc(size, sizeof *slots);
	if (!slots)
		return -ENOMEM;
	free(import->senders);
	import->senders = slots;
	import->senders_size = size;
	for (uint32_t i = 0; i < import->count; i++)
		if (import->entries[i].kind == WIRE_AGENT_SET)
			*sender_slot(import, import->entries[i].agent.name) = i + 1;
	return 0;
}

/* The sender itself, known from its first row on and from the earliest date of its rows; it stays enrolled when a grant ends, because late
 * figures of that time are still its to send. */
static int enrol(struct import *import, const char *name, baophu_date from)
{
	int error = grow_senders(import);
	if (error)
		return error;
	uint32_t *slot = sender_slot(import, name);
	if (*slot) {
		struct wire_agent_set *agent = &import->entries[*slot - 1].agent;
		agent->from = from < agent->from ? from : agent->from;
		return 0;
	}
	struct wire_entry *entry = import_add(import);
	if (!entry)
		return import->is_row_bad ? 0 : -ENOMEM;
	entry->kind = WIRE_AGENT_SET;
	entry->agent = (struct wire_agent_set){ .name = name, .from = from, .until = BAOPHU_DATE_NONE };
	*slot = import->count;
	import->sender_count++;
	return 0;
}

static int read_agent(struct import *import)
{
	struct wire_grant grant = { .revoke = import->revokes };
	int extent;
	import_code(import, AGENT_NAME, true, &grant.agent);
	import_code(import, AGENT_UNIT, true, &grant.unit);
	import_date(import, AGENT_FROM, true, &grant.from);
	import_date(import, AGENT_UNTIL, import->revokes, &grant.until);
	if (!import->is_row_bad)
		check_period(import, AGENT_FROM, grant.from, grant.until);
	if (import_word(import, AGENT_EXTENT, WORDS_EXTENT, BAOPHU_EXTENT_ANY, &extent))
		grant.extent = (enum baophu_extent)extent;
	int error = read_measures(import, &grant);
	if (error || import->is_row_bad)
		return error;
	if (!import->revokes)
		error = enrol(import, grant.agent, grant.from);
	struct wire_entry *entry = error || import->is_row_bad ? NULL : import_add(import);
	if (!entry)
		return import->is_row_bad ? 0 : error ? error : -ENOMEM;
	entry->kind = WIRE_GRANT;
	entry->grant = grant;
	return 0;
}

const struct import_format import_agents = { agent_columns, sizeof agent_columns / sizeof *agent_columns, read_agent, NULL };
