/* check.c - see check.h. Asks one question a unit and date, and one a unit for what stands there; remembers the answers. */
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "language.h"
#include "progress.h"
#include "words.h"

/* What was asked already, by code and date: files name the same units again and again, and 65,536 rows may name as many. */
struct known {
	char code[BAOPHU_CODE_BYTES_MAX + 1]; /* "": a free slot */
	baophu_date date;
	enum baophu_code answer; /* NONE: it is there */
	char successor[BAOPHU_CODE_BYTES_MAX + 1];
};
struct known_table {
	struct known *slots;
	size_t size, count; /* size: a power of two, at least twice the count */
};
struct check {
	struct cli *cli;
	struct import *import;
	struct reader *reader;
	struct names names;
	baophu_date day; /* the centre's business day */
	struct known_table units, created, levels, plans, agents;
	bool has_levels, has_agents; /* listed once, when first needed */
	struct check_counts *counts;
	/* What the centre listed for the question at hand; matched against one entry at a time. */
	const struct wire_entry *entry;
	bool is_there, is_same;
	uint32_t line_count; /* lines that are watched */
};

/* FNV-1a, because codes differ in their last letters. */
static size_t place_of(const struct known_table *table, const char *code, baophu_date date)
{
	uint32_t hash = 2166136261u ^ (uint32_t)date;
	for (; *code; code++)
		hash = (hash ^ (unsigned char)*code) * 16777619u;
	hash ^= hash >> 15;
	return hash & (table->size - 1);
}

static struct known *known_slot(const struct known_table *table, const char *code, baophu_date date)
{
	size_t at = place_of(table, code, date);
	while (*table->slots[at].code && (table->slots[at].date != date || strcmp(table->slots[at].code, code) != 0))
		at = (at + 1) & (table->size - 1);
	return &table->slots[at];
}

/* NULL: not known yet. */
static struct known *known_find(const struct known_table *table, const char *code, baophu_date date)
{
	struct known *known = table->size ? known_slot(table, code, date) : NULL;
	return known && *known->code ? known : NULL;
}

/* The one that is there, or a new one; NULL: no memory. Valid until the next call. */
static struct known *known_add(struct known_table *table, const char *code, baophu_date date)
{
	if (2 * (table->count + 1) > table->size) {
		struct known_table grown = { .size = table->size ? 2 * table->size : 256, .count = table->count };
		grown.slots = calloc(grown.size, sizeof *grown.slots);
		if (!grown.slots)
			return NULL;
		for (size_t i = 0; i < table->size; i++)
			if (*table->slots[i].code)
				*known_slot(&grown, table->slots[i].code, table->slots[i].date) = table->slots[i];
		free(table->slots);
		*table = grown;
	}
	struct known *known = known_slot(table, code, date);
	if (!*known->code) {
		snprintf(known->code, sizeof known->code, "%s", code);
		known->date = date;
		table->count++;
	}
	return known;
}

/* What the centre knows of the unit on that date; NULL when it did not answer, and then *ret_status is an exit code. */
static const struct known *ask_validity(struct check *check, const char *code, baophu_date date, int *ret_status)
{
	struct known *known = known_find(&check->units, code, date);
	if (known)
		return known;
	struct wire_query query = reader_question(WIRE_QUERY_UNITS);
	struct wire_answer answer = { 0 };
	query.unit = code;
	query.as_of = query.tree_date = date;
	int error = reader_query(check->reader, &query, (int)check->cli->options.timeout * 1000, &answer);
	enum baophu_fault fault = error == -BAOPHU_EREFUSED ? answer.detail.fault : BAOPHU_FAULT_NONE;
	if (error && fault != BAOPHU_FAULT_UNIT_UNKNOWN && fault != BAOPHU_FAULT_UNIT_NOT_VALID) {
		*ret_status = error == -BAOPHU_EREFUSED ? ask_answered(check->cli, &query, &answer)
							: cli_fail(check->cli->options.query, error);
		return NULL;
	}
	known = known_add(&check->units, code, date);
	if (!known) {
		*ret_status = cli_fail(check->cli->options.query, -ENOMEM);
		return NULL;
	}
	memcpy(known->successor, answer.detail.successor, sizeof known->successor);
	if (error)
		known->answer = fault == BAOPHU_FAULT_UNIT_UNKNOWN ? BAOPHU_CODE_UNIT_UNKNOWN : BAOPHU_CODE_UNIT_NOT_VALID;
	else
		known->answer = answer.unit_count ? BAOPHU_CODE_NONE : BAOPHU_CODE_UNIT_UNKNOWN;
	return known;
}

static bool is_valid(struct check *check, const char *code, baophu_date date, int *ret_status)
{
	const struct known *known = ask_validity(check, code, date, ret_status);
	return known && !known->answer;
}

/* The units that the file itself creates. */
static int note_created(struct check *check)
{
	for (uint32_t i = 0; i < check->import->count; i++) {
		const struct wire_entry *entry = &check->import->entries[i];
		const char *code = entry->kind == WIRE_UNIT_CREATE   ? entry->unit_create.code
				   : entry->kind == WIRE_UNIT_CHANGE ? entry->unit_change.code
								     : "";
		if (*code && !known_add(&check->created, code, 0))
			return cli_fail(check->import->path, -ENOMEM);
	}
	return CLI_OK;
}

static int need_unit(struct check *check, const char *column, const char *code, baophu_date date)
{
	char text[11];
	int status = CLI_OK, at = import_column(check->import, column);
	if (!*code || known_find(&check->created, code, 0))
		return CLI_OK;
	const struct known *known = ask_validity(check, code, date, &status);
	if (!known || !known->answer)
		return status;
	if (known->answer == BAOPHU_CODE_UNIT_UNKNOWN)
		import_wrong(check->import, at, _("the centre knows no unit %s"), code);
	else if (*known->successor)
		import_wrong(check->import, at, _("unit %s does not exist on %s; the unit that took its place: %s"), code,
			     cli_date(check->cli, date, text), known->successor);
	else
		import_wrong(check->import, at, _("unit %s does not exist on %s"), code, cli_date(check->cli, date, text));
	return CLI_OK;
}

static int add_levels(void *context, const struct wire_answer *answer)
{
	struct check *check = context;
	for (uint32_t i = 0; i < answer->unit_count; i++)
		if (!known_add(&check->levels, answer->units[i].level, 0))
			return cli_fail(check->cli->options.query, -ENOMEM);
	return CLI_OK;
}

/* A level is one of the catalogue's, or one that a unit has already: the centre lists units and not levels. */
static int need_level(struct check *check, const char *code)
{
	int status = CLI_OK;
	if (!*code || word_parse(WORDS_LEVEL, code) >= 0)
		return CLI_OK;
	if (!check->has_levels) {
		struct wire_query query = reader_question(WIRE_QUERY_UNITS);
		query.depth = BAOPHU_DEPTH_MAX;
		query.limit = BAOPHU_PAGE_RECORDS_MAX;
		status = ask_all(check->cli, check->reader, &query, add_levels, check, NULL);
		check->has_levels = true;
	}
	if (!status && !known_find(&check->levels, code, 0)) {
		char words[200];
		import_wrong(check->import, import_column(check->import, "level"), _("there is no “%s” here; write one of %s"),
			     code, word_choices(WORDS_LEVEL, words, sizeof words));
	}
	return status;
}

/* The plan that a percentage was taken of. */
static int need_plan(struct check *check, const char *code)
{
	struct known *known = known_find(&check->plans, code, 0);
	if (!known) {
		struct wire_query query = reader_question(WIRE_QUERY_PLANS);
		struct wire_answer answer = { 0 };
		query.plan = code;
		query.limit = 1;
		int error = reader_query(check->reader, &query, (int)check->cli->options.timeout * 1000, &answer);
		if (error == -BAOPHU_EREFUSED && answer.detail.fault != BAOPHU_FAULT_PLAN_UNKNOWN)
			return ask_answered(check->cli, &query, &answer);
		if (error && error != -BAOPHU_EREFUSED)
			return cli_fail(check->cli->options.query, error);
		known = known_add(&check->plans, code, 0);
		if (!known)
			return cli_fail(check->import->path, -ENOMEM);
		known->answer = error ? BAOPHU_CODE_PLAN_UNKNOWN : BAOPHU_CODE_NONE;
	}
	if (known->answer)
		import_wrong(check->import, import_column(check->import, "over"), _("there is no plan “%s” (`baophu plan list`)"),
			     code);
	return CLI_OK;
}

/* The same bounds as the centre's: an office may close its day before midnight, an estimate looks a year and a month ahead. */
static bool is_ahead(const struct wire_entry *entry, baophu_date day)
{
	enum { AHEAD_DAYS_MAX = 1 };
	baophu_date to = entry->kind == WIRE_FACT ? entry->fact.to : entry->rate.to;
	enum baophu_status status = entry->kind == WIRE_FACT ? entry->fact.status : entry->rate.status;
	if (entry->kind != WIRE_FACT && entry->kind != WIRE_RATE)
		return false;
	return to > day + (status == BAOPHU_ESTIMATE ? CHECK_AHEAD_DAYS_ESTIMATE_MAX : AHEAD_DAYS_MAX);
}

static void must_not_be_ahead(const struct cli *cli, struct import *import, const struct wire_entry *entry, baophu_date day)
{
	char date[11], today[11];
	if (is_ahead(entry, day))
		import_wrong(
		    import, import_column(import, "to"),
		    _("%s lies too far ahead of the centre's day, %s; mend the date; only an estimate may be dated ahead, by "
		      "at most %d days"),
		    cli_date(cli, entry->kind == WIRE_FACT ? entry->fact.to : entry->rate.to, date), cli_date(cli, day, today),
		    CHECK_AHEAD_DAYS_ESTIMATE_MAX);
}

uint32_t check_ahead(struct cli *cli, struct import *import)
{
	struct wire_query query = reader_question(WIRE_QUERY_STATUS);
	struct wire_answer answer = { 0 };
	struct reader *reader = NULL;
	uint32_t first = UINT32_MAX;
	baophu_date day = BAOPHU_DATE_NONE;
	if (reader_open(NULL, cli->options.query, &reader) == 0 &&
	    reader_query(reader, &query, (int)cli->options.timeout * 1000, &answer) == 0 && answer.status)
		day = answer.status->business_day;
	reader_close(reader);
	for (uint32_t i = 0; day != BAOPHU_DATE_NONE && i < import->count; i++) {
		import->line = import->lines[i];
		must_not_be_ahead(cli, import, &import->entries[i], day);
		if (first == UINT32_MAX && import->error_count)
			first = i;
	}
	return first;
}

static void need_measure(struct check *check, const char *column, const char *code, bool is_indicator)
{
	int at = import_column(check->import, column);
	const struct name *name = names_find(&check->names, code);
	if (name && names_is_indicator(&check->names, code) == is_indicator)
		return;
	const char *near = names_suggest(&check->names, code);
	if (near && !name)
		import_wrong(check->import, at, _("there is no measure or indicator “%s”; did you mean `%s`?"), code, near);
	else if (name && is_indicator)
		import_wrong(check->import, at, _("“%s” is a measure; a rate needs an indicator (`baophu measure list`)"), code);
	else if (name)
		import_wrong(check->import, at, _("“%s” is an indicator; a count needs a measure (`baophu measure list`)"), code);
	else
		import_wrong(check->import, at, _("there is no measure or indicator “%s” (`baophu measure list`)"), code);
}

/* A level is reached on a day, an amount in a period. */
static void need_kind(struct check *check, const struct wire_plan_set *plan)
{
	const struct name *name = names_find(&check->names, plan->target);
	enum baophu_measure_kind kind = plan->kind == BAOPHU_PLAN_FLOW ? BAOPHU_FLOW : BAOPHU_STOCK;
	if (plan->kind == BAOPHU_PLAN_RATE || !name || name->kind == BAOPHU_MEASURE_KIND_NONE || name->kind == kind)
		return;
	import_wrong(check->import, import_column(check->import, "kind"),
		     name->kind == BAOPHU_FLOW ? _("“%s” is an amount in a period; its plan's kind is `flow`")
					       : _("“%s” is a level at a date; its plan's kind is `stock`"),
		     plan->target);
}

static int match_fact(void *context, const struct wire_answer *answer)
{
	struct check *check = context;
	const struct wire_fact *fact = &check->entry->fact;
	for (uint32_t i = 0; i < answer->fact_count; i++) {
		const struct wire_fact_version *version = &answer->facts[i];
		if (!version->stands || version->extent != fact->extent || version->from != fact->from || version->to != fact->to)
			continue;
		check->is_there = true;
		check->is_same = version->value == fact->value && version->status == fact->status &&
				 version->origin == fact->origin && version->bound == fact->bound;
	}
	return CLI_OK;
}

static int match_plan(void *context, const struct wire_answer *answer)
{
	struct check *check = context;
	const struct wire_plan_set *plan = &check->entry->plan;
	for (uint32_t i = 0; i < answer->plan_count; i++) {
		const struct wire_plan_set *other = &answer->plans[i].plan;
		if (strcmp(other->code, plan->code) != 0 || strcmp(other->target, plan->target) != 0 ||
		    strcmp(other->unit, plan->unit) != 0)
			continue;
		check->is_there = true;
		check->is_same = other->value == plan->value && other->decimals == plan->decimals && other->from == plan->from &&
				 other->to == plan->to && other->kind == plan->kind && other->origin == plan->origin &&
				 strcmp(other->issuer, plan->issuer) == 0 && strcmp(other->document, plan->document) == 0;
	}
	return CLI_OK;
}

static int add_agents(void *context, const struct wire_answer *answer)
{
	struct check *check = context;
	for (uint32_t i = 0; i < answer->agent_count; i++)
		if (!known_add(&check->agents, answer->agents[i].name, 0))
			return cli_fail(check->cli->options.query, -ENOMEM);
	return CLI_OK;
}

static void count_entry(struct check *check)
{
	if (!check->is_there)
		check->counts->added++;
	else if (check->is_same)
		check->counts->unchanged++;
	else
		check->counts->changed++;
}

/* Figures and plans: what they name must be there, and what stands for them is asked. */
static int check_named(struct check *check)
{
	const struct wire_entry *entry = check->entry;
	struct import *import = check->import;
	struct wire_query query = reader_question(WIRE_QUERY_HISTORY);
	const char *measure = entry->fact.measure;
	bool was_bad = import->is_row_bad;
	int status = CLI_OK;
	if (entry->kind == WIRE_PLAN_SET) {
		status = need_unit(check, "unit", entry->plan.unit, entry->plan.from);
		need_measure(check, "target", entry->plan.target, entry->plan.kind == BAOPHU_PLAN_RATE);
		need_kind(check, &entry->plan);
		query = reader_question(WIRE_QUERY_PLANS);
		query.unit = entry->plan.unit;
		query.as_of = query.tree_date = entry->plan.from;
		measure = entry->plan.target;
	} else if (entry->kind == WIRE_RATE) {
		status = need_unit(check, "unit", entry->rate.unit, entry->rate.to);
		need_measure(check, "measure", entry->rate.measure, false);
		if (entry->rate.denominator == BAOPHU_OVER_MEASURE)
			need_measure(check, "over", entry->rate.over, false);
		else if (!status && entry->rate.denominator == BAOPHU_OVER_PLAN && *entry->rate.over)
			status = need_plan(check, entry->rate.over);
	} else {
		const struct name *name = names_find(&check->names, entry->fact.measure);
		status = need_unit(check, "unit", entry->fact.unit, entry->fact.to);
		need_measure(check, "measure", entry->fact.measure, false);
		if (name && name->kind == BAOPHU_STOCK && entry->fact.from != entry->fact.to)
			import_wrong(import, import_column(import, "from"), _("“%s” is a level at a date: leave `from` empty"),
				     entry->fact.measure);
		query.unit = entry->fact.unit;
		query.as_of = query.tree_date = entry->fact.to;
	}
	must_not_be_ahead(check->cli, import, entry, check->day);
	if (status || import->is_row_bad || was_bad)
		return status;
	if (entry->kind != WIRE_RATE) {
		query.measures = &measure;
		query.measure_count = 1;
		query.limit = BAOPHU_PAGE_RECORDS_MAX;
		status = ask_all(check->cli, check->reader, &query, entry->kind == WIRE_PLAN_SET ? match_plan : match_fact, check,
				 NULL);
	}
	if (!status && entry->kind == WIRE_WITHDRAWAL && !check->is_there)
		import_wrong(import, import_column(import, "value"),
			     _("there is no figure to take back for this unit, measure and period"));
	else if (!status && entry->kind == WIRE_PLAN_SET && entry->plan.remove && !check->is_there)
		import_wrong(import, import_column(import, "value"), _("there is no such target to take back"));
	else if (!status)
		count_entry(check);
	return status;
}

static int match_line(void *context, const struct wire_answer *answer)
{
	struct check *check = context;
	const struct wire_threshold_set *set = &check->entry->threshold;
	for (uint32_t i = 0; i < answer->threshold_count; i++) {
		const struct wire_threshold_set *other = &answer->thresholds[i].threshold;
		bool is_same = other->digits == set->digits && other->decimals == set->decimals;
		check->line_count++;
		check->is_there = check->is_there || (is_same && strcmp(other->plan, set->plan) == 0);
		check->is_same = check->is_same || (is_same && !*other->plan);
	}
	return CLI_OK;
}

/* A line: `is_same` says that it is watched of every plan. */
static int check_line(struct check *check)
{
	const struct wire_threshold_set *set = &check->entry->threshold;
	struct wire_query query = reader_question(WIRE_QUERY_THRESHOLDS);
	enum baophu_code code = BAOPHU_CODE_NONE;
	check->line_count = 0;
	int status = *set->plan ? need_plan(check, set->plan) : CLI_OK;
	if (!status && !check->import->is_row_bad)
		status = ask_all(check->cli, check->reader, &query, match_line, check, NULL);
	if (status || check->import->is_row_bad)
		return status;
	if (set->remove && !check->is_there)
		code = BAOPHU_CODE_NO_SUCH;
	else if (!set->remove && (check->is_there || check->is_same))
		code = BAOPHU_CODE_DUPLICATE;
	else if (!set->remove && check->line_count >= BAOPHU_LINES_MAX)
		code = BAOPHU_CODE_TOO_BIG;
	if (code)
		import_wrong(check->import, -1, "%s", word_line_meaning(code));
	else if (set->remove)
		check->counts->changed++;
	else
		check->counts->added++;
	return status;
}

static int check_entry(struct check *check)
{
	const struct wire_entry *entry = check->entry;
	char date[11];
	int status = CLI_OK;
	check->is_there = check->is_same = false;
	switch (entry->kind) {
	case WIRE_UNIT_CREATE:
		if (is_valid(check, entry->unit_create.code, entry->unit_create.date, &status))
			import_wrong(check->import, import_column(check->import, "code"), _("unit %s exists already on %s"),
				     entry->unit_create.code, cli_date(check->cli, entry->unit_create.date, date));
		if (!status)
			status = need_unit(check, "parent", entry->unit_create.parent, entry->unit_create.date);
		if (!status)
			status = need_level(check, entry->unit_create.level);
		check->counts->added++;
		return status;
	case WIRE_UNIT_CHANGE:
		status = need_unit(check, "code", entry->unit_change.unit, entry->unit_change.date - 1);
		if (!status)
			status = need_unit(check, "parent", entry->unit_change.parent, entry->unit_change.date);
		if (!status)
			status = need_level(check, entry->unit_change.level);
		check->counts->changed++;
		return status;
	case WIRE_UNIT_CLOSE:
		status = need_unit(check, "code", entry->unit_close.unit, entry->unit_close.date - 1);
		for (uint32_t i = 0; i < entry->unit_close.successor_count && !status; i++)
			status = need_unit(check, "successors", entry->unit_close.successors[i].unit, entry->unit_close.date);
		check->counts->changed++;
		return status;
	case WIRE_AGENT_SET: {
		struct wire_query query = reader_question(WIRE_QUERY_AGENTS);
		query.limit = BAOPHU_PAGE_RECORDS_MAX;
		if (!check->has_agents)
			status = ask_all(check->cli, check->reader, &query, add_agents, check, NULL);
		check->has_agents = true;
		check->is_there = known_find(&check->agents, entry->agent.name, 0);
		count_entry(check);
		return status;
	}
	case WIRE_GRANT:
		for (uint32_t i = 0; i < entry->grant.measure_count; i++)
			need_measure(check, "measures", entry->grant.measures[i], false);
		/* A grant may begin before its unit does. */
		if (!is_valid(check, entry->grant.unit, entry->grant.from, &status) && !status &&
		    !is_valid(check, entry->grant.unit, BAOPHU_DATE_NONE, &status) && !status)
			import_wrong(check->import, import_column(check->import, "unit"), _("the centre knows no unit %s"),
				     entry->grant.unit);
		return status;
	case WIRE_THRESHOLD_SET:
		return check_line(check);
	default:
		return check_named(check);
	}
}

int check_import(struct cli *cli, struct import *import, struct check_counts *ret_counts)
{
	struct check check = { .cli = cli, .import = import, .counts = ret_counts };
	*ret_counts = (struct check_counts){ .rows = import->row_count };
	int status = ask_open(cli, &check.reader);
	if (!status) {
		struct wire_query query = reader_question(WIRE_QUERY_STATUS);
		struct wire_answer answer = { 0 };
		if (reader_query(check.reader, &query, (int)cli->options.timeout * 1000, &answer) == -BAOPHU_ETIMEOUT) {
			cli_say(_("%s does not answer: only the file itself was checked"), cli->options.query);
			reader_close(check.reader);
			return CLI_OK;
		}
		bool has_day = answer.status && answer.status->business_day != BAOPHU_DATE_NONE;
		check.day = has_day ? answer.status->business_day : BAOPHU_DATE_MAX - CHECK_AHEAD_DAYS_ESTIMATE_MAX;
	}
	if (!status)
		status = ask_names(cli, check.reader, &check.names);
	if (!status)
		status = note_created(&check);
	struct progress progress;
	progress_begin(&progress);
	for (uint32_t i = 0; i < import->count && !status; i++) {
		check.entry = &import->entries[i];
		import->line = import->lines[i];
		import->is_row_bad = false;
		status = check_entry(&check);
		import->bad_row_count += import->is_row_bad;
		if (i % 16 == 0 && progress_becomes_slow(&progress))
			cli_say(_("asking the centre about %u rows …"), import->count);
		if (i % 100 == 0)
			progress_count(&progress, i, import->count);
	}
	progress_end(&progress);
	ret_counts->is_complete = true;
	names_finish(&check.names);
	free(check.units.slots);
	free(check.created.slots);
	free(check.levels.slots);
	free(check.plans.slots);
	free(check.agents.slots);
	reader_close(check.reader);
	return status;
}
