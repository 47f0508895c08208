/* words.c - see words.h. */
#include "words.h"

#include <stdio.h>
#include <string.h>

#include <baophu/date.h>

#include "language.h"
#include "suggest.h"

struct word {
	int value;
	const char *word, *people; /* people: msgid, or NULL */
};

static const struct word extents[] = {
	{ BAOPHU_WHOLE, "whole", N_("whole") },
	{ BAOPHU_OWN, "own", N_("own") },
};
static const struct word statuses[] = {
	{ BAOPHU_FINAL, "final", N_("final") },
	{ BAOPHU_PROVISIONAL, "provisional", N_("provisional") },
	{ BAOPHU_ESTIMATE, "estimate", N_("estimate") },
};
static const struct word origins[] = {
	{ BAOPHU_REPORTED, "reported", N_("reported") },
	{ BAOPHU_PUBLISHED, "published", N_("published") },
	{ BAOPHU_IMPLIED, "implied", N_("implied") },
	{ BAOPHU_ILLUSTRATIVE, "illustrative", N_("illustrative") },
};
static const struct word bounds[] = {
	{ BAOPHU_EXACT, "exact", NULL },
	{ BAOPHU_ABOUT, "about", N_("about") },
	{ BAOPHU_MORE_THAN, "more_than", N_("more than") },
	{ BAOPHU_NEARLY, "nearly", N_("nearly") },
};
static const struct word reasons[] = {
	{ BAOPHU_REASON_CORRECTION, "correction", N_("correction") },
	{ BAOPHU_REASON_CARD_EXPIRY, "card_expiry", N_("cards ran out") },
	{ BAOPHU_REASON_POLICY, "policy", N_("a policy changed") },
	{ BAOPHU_REASON_REORGANISATION, "reorganisation", N_("units or offices were reorganised") },
	{ BAOPHU_REASON_TRANSFER, "transfer", N_("people moved elsewhere") },
	{ BAOPHU_REASON_AMBIGUOUS_SOURCE, "ambiguous_source", N_("the source allows another reading") },
	{ BAOPHU_REASON_UNDO, "undo", N_("an import was undone") },
};
static const struct word plan_kinds[] = {
	{ BAOPHU_PLAN_STOCK, "stock", N_("level to be reached") },
	{ BAOPHU_PLAN_FLOW, "flow", N_("amount in the period") },
	{ BAOPHU_PLAN_RATE, "rate", N_("rate to be reached") },
};
static const struct word measure_kinds[] = {
	{ BAOPHU_STOCK, "stock", N_("level at a date") },
	{ BAOPHU_FLOW, "flow", N_("amount in a period") },
};
static const struct word denominators[] = {
	{ BAOPHU_OVER_UNSTATED, "unstated", N_("denominator not stated") },
	{ BAOPHU_OVER_MEASURE, "measure", NULL },
	{ BAOPHU_OVER_PLAN, "plan", NULL },
};
static const struct word verdicts[] = {
	{ BAOPHU_APPLIED, "applied", N_("applied") },
	{ BAOPHU_HELD, "held", N_("held") },
	{ BAOPHU_REFUSED, "refused", N_("refused") },
};
static const struct word rows[] = {
	{ BAOPHU_ROW_STOCK, "stock", NULL }, { BAOPHU_ROW_FLOW, "flow", NULL },           { BAOPHU_ROW_PLAN, "plan", NULL },
	{ BAOPHU_ROW_SHARE, "share", NULL }, { BAOPHU_ROW_PUBLISHED, "published", NULL },
};
static const struct word bases[] = {
	{ BAOPHU_BASIS_WHOLE, "whole", N_("the unit's own report for the whole") },
	{ BAOPHU_BASIS_SUM, "sum", N_("sum of the units below") },
	{ BAOPHU_BASIS_PARTIAL, "partial", N_("partial sum") },
	{ BAOPHU_BASIS_PARTS, "parts", N_("sum of the parts") },
};
static const struct word states[] = {
	{ BAOPHU_STATE_REPORTED, "reported", NULL },
	{ BAOPHU_STATE_NO_REPORT, "no_report", N_("no report") },
	{ BAOPHU_STATE_WITHDRAWN, "withdrawn", N_("withdrawn") },
	{ BAOPHU_STATE_MET, "met", N_("plan met") },
	{ BAOPHU_STATE_HALF, "half", N_("50% to under 100%") },
	{ BAOPHU_STATE_UNDER_HALF, "under_half", N_("above 0 and under 50%") },
	{ BAOPHU_STATE_ZERO, "zero", N_("zero") },
	{ BAOPHU_STATE_NO_PLAN, "no_plan", N_("no plan") },
	{ BAOPHU_STATE_PARTIAL, "partial", N_("partial sum") },
	{ BAOPHU_STATE_COMPUTED, "computed", NULL },
	{ BAOPHU_STATE_NO_DENOMINATOR, "no_denominator", N_("no denominator") },
	{ BAOPHU_STATE_AGREES, "agrees", N_("agrees") },
	{ BAOPHU_STATE_AGREES_TRUNCATED, "agrees_truncated", N_("agrees after truncation") },
	{ BAOPHU_STATE_DIFFERS, "differs", N_("differs") },
	{ BAOPHU_STATE_NOT_COMPARABLE, "not_comparable", N_("not comparable") },
};
static const struct word plan_states[] = {
	{ BAOPHU_PLAN_OWN, "own", NULL },
	{ BAOPHU_PLAN_SUMMED, "summed", N_("plans of the units below, summed") },
	{ BAOPHU_PLAN_ENDED, "ended", N_("ended") },
	{ BAOPHU_PLAN_SUMMED_ENDED, "summed_ended", N_("plans of the units below, summed; ended") },
};
static const struct word flags[] = {
	{ BAOPHU_FLAG_BHTN_ABOVE_BB, "bhtn_above_bb", N_("unemployment insurance is above compulsory social insurance") },
	{ BAOPHU_FLAG_BHYT_ABOVE_POPULATION, "bhyt_above_population", N_("health insurance is above the population") },
	{ BAOPHU_FLAG_SUM_DIFFERS, "sum_differs", N_("the unit's own report and the complete sum below it differ") },
	{ BAOPHU_FLAG_PARTS_DIFFER, "parts_differ", N_("the figure and the sum of its parts differ") },
	{ BAOPHU_FLAG_TRIPLE_DIFFERS, "triple_differs", N_("count, plan and published percentage disagree") },
	{ BAOPHU_FLAG_RATES_DIFFER, "rates_differ", N_("two published percentages of this figure differ") },
	{ BAOPHU_FLAG_BOUND_SUM, "bound_sum", N_("the sum contains figures given only as “more than” or “nearly”") },
};

static const struct word rhythms[] = {
	{ BAOPHU_DAILY, "daily", N_("every day") },       { BAOPHU_WEEKLY, "weekly", N_("every week") },
	{ BAOPHU_MONTHLY, "monthly", N_("every month") }, { BAOPHU_QUARTERLY, "quarterly", N_("every quarter") },
	{ BAOPHU_YEARLY, "yearly", N_("every year") },
};
static const struct word freshnesses[] = {
	{ BAOPHU_FRESH, "fresh", N_("up to date") },
	{ BAOPHU_DUE, "due", N_("due") },
	{ BAOPHU_LATE, "late", N_("late") },
	{ BAOPHU_SILENT, "silent", N_("silent") },
};
static const struct word directions[] = {
	{ BAOPHU_UP, "up", NULL },
	{ BAOPHU_DOWN, "down", NULL },
};

/* The catalogue's; a centre may have more. */
static const struct word levels[] = {
	{ 1, "country", N_("country") }, { 2, "province", N_("province") }, { 3, "district", N_("district") },
	{ 4, "commune", N_("commune") }, { 5, "village", N_("village") },   { 6, "point", N_("collection point") },
};

#define LIST(table)                                 \
	{                                           \
		table, sizeof table / sizeof *table \
	}
static const struct {
	const struct word *words;
	size_t count;
} lists[WORDS_LIST_COUNT] = {
	[WORDS_EXTENT] = LIST(extents),
	[WORDS_STATUS] = LIST(statuses),
	[WORDS_ORIGIN] = LIST(origins),
	[WORDS_BOUND] = LIST(bounds),
	[WORDS_REASON] = LIST(reasons),
	[WORDS_PLAN_KIND] = LIST(plan_kinds),
	[WORDS_MEASURE_KIND] = LIST(measure_kinds),
	[WORDS_DENOMINATOR] = LIST(denominators),
	[WORDS_VERDICT] = LIST(verdicts),
	[WORDS_ROW] = LIST(rows),
	[WORDS_BASIS] = LIST(bases),
	[WORDS_STATE] = LIST(states),
	[WORDS_PLAN_STATE] = LIST(plan_states),
	[WORDS_FLAG] = LIST(flags),
	[WORDS_LEVEL] = LIST(levels),
	[WORDS_RHYTHM] = LIST(rhythms),
	[WORDS_FRESHNESS] = LIST(freshnesses),
	[WORDS_DIRECTION] = LIST(directions),
};

static const struct word *find(enum word_list list, int value)
{
	for (size_t i = 0; i < lists[list].count; i++)
		if (lists[list].words[i].value == value)
			return &lists[list].words[i];
	return NULL;
}

const char *word_of(enum word_list list, int value)
{
	const struct word *word = find(list, value);
	return word ? word->word : NULL;
}

const char *word_for_people(enum word_list list, int value)
{
	const struct word *word = find(list, value);
	return word && word->people ? _(word->people) : "";
}

int word_parse(enum word_list list, const char *text)
{
	char typed[32];
	size_t n = strlen(text);
	if (n >= sizeof typed)
		return -1;
	for (size_t i = 0; i <= n; i++)
		typed[i] = text[i] == '-' ? '_' : text[i];
	for (size_t i = 0; i < lists[list].count; i++)
		if (strcmp(lists[list].words[i].word, typed) == 0)
			return lists[list].words[i].value;
	return -1;
}

enum { WORDS_MAX = 16 };

const char *word_suggest(enum word_list list, const char *text)
{
	const char *candidates[WORDS_MAX];
	for (size_t i = 0; i < lists[list].count; i++)
		candidates[i] = lists[list].words[i].word;
	return suggest(text, candidates, lists[list].count);
}

const char *word_choices(enum word_list list, char *buffer, size_t size)
{
	size_t used = 0;
	*buffer = '\0';
	for (size_t i = 0; i < lists[list].count && used < size; i++)
		used += (size_t)snprintf(buffer + used, size - used, "%s%s", i ? ", " : "", lists[list].words[i].word);
	return buffer;
}

static const struct {
	enum baophu_code code;
	const char *meaning, *advice; /* msgids */
} codes[] = {
	{ BAOPHU_CODE_BUSY, N_("the centre has too much waiting"), N_("send it again later; nothing was taken") },
	{ BAOPHU_CODE_DISK, N_("the centre's disk is full"), N_("tell the centre, then send it again; nothing was taken") },
	{ BAOPHU_CODE_EXPECT, N_("an update before this one is missing"), N_("send it again; nothing was taken") },
	{ BAOPHU_CODE_CLOCK, N_("the date lies too far ahead"),
	  N_("mend the date; only an estimate may be dated ahead, by at most 400 days") },
	{ BAOPHU_CODE_INDEXING, N_("the centre is rebuilding its index"), N_("ask again in a moment") },
	{ BAOPHU_CODE_UNIT_UNKNOWN, N_("no unit ever had this code"),
	  N_("mend the code, or have the unit created and then `baophu held release` the update") },
	{ BAOPHU_CODE_UNIT_NOT_VALID, N_("the unit does not exist on that date"),
	  N_("report under the unit that is valid on the date, or have the update refused or released") },
	{ BAOPHU_CODE_PLAN_UNKNOWN, N_("no plan has this code"),
	  N_("mend the code, or have the plan set and then `baophu held release` the update") },
	{ BAOPHU_CODE_NO_OWNER, N_("nobody has been granted this unit and measure yet"),
	  N_("have the office enrolled (`baophu agent import`), then `baophu held release` the update") },
	{ BAOPHU_CODE_MALFORMED, N_("the message is not of this protocol"), N_("use a baophu of the centre's version") },
	{ BAOPHU_CODE_TOO_BIG, N_("it is larger than the centre takes at once"), N_("split the file") },
	{ BAOPHU_CODE_EMPTY, N_("there is nothing in it"), N_("check that the file has rows below its header") },
	{ BAOPHU_CODE_MEASURE_UNKNOWN, N_("no measure or indicator has this code"), N_("see `baophu measure list`") },
	{ BAOPHU_CODE_VALUE, N_("the figure is missing, negative or too large"), N_("mend the figure") },
	{ BAOPHU_CODE_PERIOD, N_("the dates are wrong: from after to, or a level given over more than a day"),
	  N_("mend the dates; a level has one date, only an amount has a period") },
	{ BAOPHU_CODE_NOTHING_STANDS, N_("there is no figure to take back"), N_("see `baophu coverage history`") },
	{ BAOPHU_CODE_DUPLICATE, N_("it exists already, or stands here twice"), N_("leave it out, or send a change instead") },
	{ BAOPHU_CODE_NO_SUCH, N_("what it names does not exist"), N_("check the code or number") },
	{ BAOPHU_CODE_TEXT, N_("a code or text has characters that are not allowed"),
	  N_("codes are 1 to 16 of 0-9 A-Z a-z . _ -, texts at most 200 bytes") },
	{ BAOPHU_CODE_CYCLE, N_("it would be above itself"), N_("check the parent") },
	{ BAOPHU_CODE_KIND, N_("a stock where a flow is meant, or the reverse"), N_("check `kind` against `baophu measure list`") },
	{ BAOPHU_CODE_FORBIDDEN, N_("this is for administrators only"), N_("use the control endpoint on the centre's machine") },
	{ BAOPHU_CODE_NOT_OWNER, N_("another office owns this unit and measure"),
	  N_("check the unit; who may report what is shown by `baophu agent list`") },
	{ BAOPHU_CODE_AGENT_UNKNOWN, N_("the centre does not know this sender, or not today"),
	  N_("check --agent; the centre enrols an office with `baophu agent import`") },
	{ BAOPHU_CODE_FORK, N_("this number was already used for something else"),
	  N_("tell the centre: a copy of this sender's data may be in use elsewhere") },
	{ BAOPHU_CODE_FROZEN, N_("this sender is frozen after two updates had the same number"),
	  N_("tell the centre: it opens the epoch with `baophu agent open` when it knows which update stands") },
	{ BAOPHU_CODE_EPOCH, N_("the session was lost"), N_("run the command again") },
	{ BAOPHU_CODE_PROTOCOL, N_("the centre speaks another version of the protocol"),
	  N_("use a baophu of the centre's version") },
	{ BAOPHU_CODE_STILL_HELD, N_("what held the update still holds it"), N_("first mend what `baophu held list` names") },
	{ BAOPHU_CODE_SNAPSHOT_REQUIRED, N_("the place named is not in the centre's history"),
	  N_("ask again without it; the centre may have been put back to an older copy") },
	{ BAOPHU_CODE_BEHIND, N_("the centre has not indexed that far yet"),
	  N_("ask again in a moment, or with a lower --min-seq") },
	{ BAOPHU_CODE_QUERY, N_("the question is not understood"), N_("check the codes and dates given") },
};

const char *word_code_meaning(enum baophu_code code)
{
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i].code == code)
			return _(codes[i].meaning);
	return "";
}

const char *word_code_advice(enum baophu_code code)
{
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i].code == code)
			return _(codes[i].advice);
	return "";
}

/* What an officer can do, who has no command of the centre. */
static const struct {
	enum baophu_code code;
	const char *advice; /* msgid */
} office_codes[] = {
	{ BAOPHU_CODE_UNIT_UNKNOWN, N_("mend the code; if it is right, ask the centre to create the unit") },
	{ BAOPHU_CODE_UNIT_NOT_VALID, N_("report under the unit that is valid on the date, or ask the centre") },
	{ BAOPHU_CODE_PLAN_UNKNOWN, N_("mend the code; if it is right, ask the centre to set the plan") },
	{ BAOPHU_CODE_NO_OWNER, N_("check the unit; if it is right, ask the centre to grant it to your office") },
	{ BAOPHU_CODE_NOT_OWNER, N_("check the unit; ask the centre which office reports it") },
	{ BAOPHU_CODE_MEASURE_UNKNOWN, N_("mend the code of the measure; your office's form has those that the centre knows") },
	{ BAOPHU_CODE_NOTHING_STANDS, N_("nothing has to be done: it no longer counts") },
	{ BAOPHU_CODE_KIND, N_("a level has one date, an amount has a period; see your office's form") },
	{ BAOPHU_CODE_MALFORMED,
	  N_("tell the administrator of this office's machine: its program is not of the centre's version") },
	{ BAOPHU_CODE_PROTOCOL, N_("tell the administrator of this office's machine: its program is not of the centre's version") },
	{ BAOPHU_CODE_FORBIDDEN, N_("tell the administrator of this office's machine") },
	{ BAOPHU_CODE_AGENT_UNKNOWN, N_("ask the centre to enrol your office") },
	{ BAOPHU_CODE_FROZEN, N_("ask the centre which copy of this office's data is the right one") },
	{ BAOPHU_CODE_EPOCH, N_("nothing has to be done: it is tried again by itself") },
	{ BAOPHU_CODE_STILL_HELD, N_("ask the centre") },
	{ BAOPHU_CODE_BUSY, N_("nothing has to be done: it is tried again by itself") },
	{ BAOPHU_CODE_EXPECT, N_("nothing has to be done: it is tried again by itself") },
};

const char *word_code_office_advice(enum baophu_code code)
{
	for (size_t i = 0; i < sizeof office_codes / sizeof *office_codes; i++)
		if (office_codes[i].code == code)
			return _(office_codes[i].advice);
	return word_code_advice(code);
}

static const struct {
	enum baophu_code code;
	const char *meaning, *advice; /* msgids */
} line_codes[] = {
	{ BAOPHU_CODE_DUPLICATE, N_("this line is watched already, for this plan or for every plan"),
	  N_("see `baophu threshold list`") },
	{ BAOPHU_CODE_NO_SUCH, N_("there is no such plan, or no such line is watched for it"),
	  N_("see `baophu plan list` and `baophu threshold list`; a line of every plan is removed without --plan") },
	{ BAOPHU_CODE_TOO_BIG, N_("16 lines are watched, or 64 different ones have been: no more can be"),
	  N_("remove one that is not needed (`baophu threshold remove`); one that was watched before can always be again") },
};

const char *word_line_meaning(enum baophu_code code)
{
	for (size_t i = 0; i < sizeof line_codes / sizeof *line_codes; i++)
		if (line_codes[i].code == code)
			return _(line_codes[i].meaning);
	return word_code_meaning(code);
}

const char *word_line_advice(enum baophu_code code)
{
	for (size_t i = 0; i < sizeof line_codes / sizeof *line_codes; i++)
		if (line_codes[i].code == code)
			return _(line_codes[i].advice);
	return word_code_advice(code);
}

const char *word_fault(const struct baophu_detail *detail, bool vietnamese, char *buffer, size_t size)
{
	unsigned long long wanted = detail->wanted_seq, newest = detail->newest_seq;
	char date[11];
	baophu_date_format(detail->date, vietnamese, date);
	switch (detail->fault) {
	case BAOPHU_FAULT_UNREADABLE:
		snprintf(buffer, size, "%s", _("the centre cannot read the question"));
		break;
	case BAOPHU_FAULT_KIND_UNKNOWN:
		snprintf(buffer, size, "%s", _("the centre does not know this kind of question; it is older than this program"));
		break;
	case BAOPHU_FAULT_PAGE:
		snprintf(buffer, size, "%s", _("the page asked for is of another question"));
		break;
	case BAOPHU_FAULT_UNIT_MISSING:
		snprintf(buffer, size, "%s", _("the question names no unit"));
		break;
	case BAOPHU_FAULT_UNIT_UNKNOWN:
		snprintf(buffer, size, _("the centre knows no unit %s"), detail->named);
		break;
	case BAOPHU_FAULT_UNIT_NOT_VALID:
		if (*detail->successor)
			snprintf(buffer, size, _("unit %s does not exist on %s; the unit that took its place: %s (%s)"),
				 detail->named, date, detail->successor, detail->successor_name);
		else
			snprintf(buffer, size, _("unit %s does not exist on %s"), detail->named, date);
		break;
	case BAOPHU_FAULT_PLAN_UNKNOWN:
		snprintf(buffer, size, _("there is no plan “%s” (`baophu plan list`)"), detail->named);
		break;
	case BAOPHU_FAULT_MEASURE_UNKNOWN:
		snprintf(buffer, size, _("there is no measure or indicator “%s” (`baophu measure list`)"), detail->named);
		break;
	case BAOPHU_FAULT_SEQ_AHEAD:
		snprintf(buffer, size, _("the log has no place %llu yet; it ends at %llu"), wanted, newest);
		break;
	case BAOPHU_FAULT_SEQ_BEHIND:
		snprintf(buffer, size, _("log place %llu cannot be answered for yet; the centre has come to %llu"), wanted, newest);
		break;
	case BAOPHU_FAULT_HISTORY:
		snprintf(buffer, size, _("log place %llu is of another history than the centre's"), wanted);
		break;
	case BAOPHU_FAULT_AGENT_UNKNOWN:
		snprintf(buffer, size, _("there is no sender “%s” (`baophu agent list`)"), detail->named);
		break;
	case BAOPHU_FAULT_NONE:
	case BAOPHU_FAULT_COUNT:
		snprintf(buffer, size, "%s", "");
	}
	return buffer;
}
