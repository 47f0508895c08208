/* check.c - see check.h. Asks one question a unit and date, and one a unit for what stands there; remembers the answers. */
#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "language.h"

struct known_unit {
	char code[BAOPHU_CODE_BYTES_MAX + 1];
	baophu_date date;
	enum baophu_code answer;
};
struct check {
	struct cli *cli;
	struct import *import;
	struct reader *reader;
	struct names names;
	struct known_unit *units; /* asked already, sorted by nothing: files come in order of units */
	size_t unit_count, unit_capacity;
	struct check_counts *counts;
	/* What the centre listed for the question at hand; matched against one entry at a time. */
	const struct wire_entry *entry;
	bool is_there, is_same;
};

/* Whether the centre has the unit on that date: NONE, or the code of its refusal. *ret_status: an exit code when it does not answer. */
static enum baophu_code ask_validity(struct check *check, const char *code, baophu_date date, int *ret_status)
{
	for (size_t i = check->unit_count; i-- > 0;)
		if (check->units[i].date == date && strcmp(check->units[i].code, code) == 0)
			return check->units[i].answer;
	struct wire_query query = reader_question(WIRE_QUERY_UNITS);
	struct wire_answer answer = { 0 };
	query.unit = code;
	query.as_of = query.tree_date = date;
	int error = reader_query(check->reader, &query, (int)check->cli->options.timeout * 1000, &answer);
	if (error && error != -BAOPHU_EREFUSED) {
		*ret_status = cli_fail(check->cli->options.query, error);
		return BAOPHU_CODE_NONE;
	}
	enum baophu_code found = error ? answer.code : answer.unit_count ? BAOPHU_CODE_NONE : BAOPHU_CODE_UNIT_UNKNOWN;
	if (check->unit_count == check->unit_capacity) {
		size_t capacity = check->unit_capacity ? check->unit_capacity * 2 : 64;
		struct known_unit *units = realloc(check->units, capacity * sizeof *units);
		if (!units)
			return found;
		check->units = units;
		check->unit_capacity = capacity;
	}
	struct known_unit *known = &check->units[check->unit_count++];
	*known = (struct known_unit){ .date = date, .answer = found };
	snprintf(known->code, sizeof known->code, "%s", code);
	return found;
}

/* True when the file itself creates this unit. */
static bool is_created_here(const struct import *import, const char *code)
{
	for (uint32_t i = 0; i < import->count; i++) {
		const struct wire_entry *entry = &import->entries[i];
		if ((entry->kind == WIRE_UNIT_CREATE && strcmp(entry->unit_create.code, code) == 0) ||
		    (entry->kind == WIRE_UNIT_CHANGE && strcmp(entry->unit_change.code, code) == 0))
			return true;
	}
	return false;
}

static int need_unit(struct check *check, const char *column, const char *code, baophu_date date)
{
	char text[11];
	int status = CLI_OK, at = import_column(check->import, column);
	enum baophu_code answer = *code && !is_created_here(check->import, code) ? ask_validity(check, code, date, &status)
										 : BAOPHU_CODE_NONE;
	if (answer == BAOPHU_CODE_UNIT_NOT_VALID)
		import_wrong(check->import, at, _("unit %s does not exist on %s"), code, cli_date(check->cli, date, text));
	else if (answer)
		import_wrong(check->import, at, _("the centre knows no unit %s"), code);
	return status;
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

static int match_agent(void *context, const struct wire_answer *answer)
{
	struct check *check = context;
	for (uint32_t i = 0; i < answer->agent_count; i++)
		check->is_there = check->is_there || strcmp(answer->agents[i].name, check->entry->agent.name) == 0;
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
		query = reader_question(WIRE_QUERY_PLANS);
		query.unit = entry->plan.unit;
		query.as_of = query.tree_date = entry->plan.from;
		measure = entry->plan.target;
	} else if (entry->kind == WIRE_RATE) {
		status = need_unit(check, "unit", entry->rate.unit, entry->rate.to);
		need_measure(check, "measure", entry->rate.measure, false);
		if (entry->rate.denominator == BAOPHU_OVER_MEASURE)
			need_measure(check, "over", entry->rate.over, false);
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
	else if (!status)
		count_entry(check);
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
		if (!ask_validity(check, entry->unit_create.code, entry->unit_create.date, &status) && !status)
			import_wrong(check->import, import_column(check->import, "code"), _("unit %s exists already on %s"),
				     entry->unit_create.code, cli_date(check->cli, entry->unit_create.date, date));
		if (!status)
			status = need_unit(check, "parent", entry->unit_create.parent, entry->unit_create.date);
		check->counts->added++;
		return status;
	case WIRE_UNIT_CHANGE:
		status = need_unit(check, "code", entry->unit_change.unit, entry->unit_change.date - 1);
		if (!status)
			status = need_unit(check, "parent", entry->unit_change.parent, entry->unit_change.date);
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
		status = ask_all(check->cli, check->reader, &query, match_agent, check, NULL);
		count_entry(check);
		return status;
	}
	case WIRE_GRANT:
		for (uint32_t i = 0; i < entry->grant.measure_count; i++)
			need_measure(check, "measures", entry->grant.measures[i], false);
		/* A grant may begin before its unit does. */
		if (ask_validity(check, entry->grant.unit, entry->grant.from, &status) && !status &&
		    ask_validity(check, entry->grant.unit, BAOPHU_DATE_NONE, &status) && !status)
			import_wrong(check->import, import_column(check->import, "unit"), _("the centre knows no unit %s"),
				     entry->grant.unit);
		return status;
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
	}
	if (!status)
		status = ask_names(cli, check.reader, &check.names);
	bool shows = isatty(STDERR_FILENO) && import->count > 500;
	for (uint32_t i = 0; i < import->count && !status; i++) {
		check.entry = &import->entries[i];
		import->line = import->lines[i];
		import->is_row_bad = false;
		status = check_entry(&check);
		import->bad_row_count += import->is_row_bad;
		if (shows && i % 100 == 0)
			fprintf(stderr, "\r%u/%u", i, import->count);
	}
	if (shows)
		fputs("\r              \r", stderr);
	ret_counts->is_complete = true;
	names_finish(&check.names);
	free(check.units);
	reader_close(check.reader);
	return status;
}
