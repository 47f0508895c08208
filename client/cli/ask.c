/* ask.c - see ask.h. */
#include "ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "language.h"
#include "text.h"
#include "words.h"

int ask_open(struct cli *cli, struct reader **ret_reader)
{
	int error = reader_open(NULL, cli->options.query, ret_reader);
	if (error == -EINVAL) {
		cli_say(_("--query “%s” is not an endpoint; write tcp://HOST:PORT or ipc://PATH"), cli->options.query);
		return CLI_USAGE;
	}
	return error ? cli_fail(cli->options.query, error) : CLI_OK;
}

static int exit_code_of(enum baophu_code code)
{
	switch (code) {
	case BAOPHU_CODE_BUSY:
	case BAOPHU_CODE_DISK:
	case BAOPHU_CODE_INDEXING:
	case BAOPHU_CODE_BEHIND:
		return CLI_UNREACHABLE;
	case BAOPHU_CODE_FORBIDDEN:
	case BAOPHU_CODE_NOT_OWNER:
	case BAOPHU_CODE_AGENT_UNKNOWN:
	case BAOPHU_CODE_FORK:
	case BAOPHU_CODE_FROZEN:
	case BAOPHU_CODE_EPOCH:
		return CLI_NOT_AUTHORISED;
	case BAOPHU_CODE_PROTOCOL:
	case BAOPHU_CODE_MALFORMED:
		return CLI_PROTOCOL;
	case BAOPHU_CODE_UNIT_UNKNOWN:
	case BAOPHU_CODE_UNIT_NOT_VALID:
	case BAOPHU_CODE_PLAN_UNKNOWN:
	case BAOPHU_CODE_MEASURE_UNKNOWN:
	case BAOPHU_CODE_QUERY:
		return CLI_USAGE;
	default:
		return CLI_FALSE;
	}
}

int ask_refused(const char *what, enum baophu_code code, const char *detail)
{
	const char *meaning = word_code_meaning(code), *advice = word_code_advice(code);
	cli_say("%s: %s (%s)%s%s", what, *meaning ? meaning : _("refused"), wire_code_name(code), detail && *detail ? ": " : "",
		detail ? detail : "");
	if (*advice)
		cli_say(_("what to do: %s"), advice);
	return exit_code_of(code);
}

int ask_answered(const struct cli *cli, const struct wire_query *query, const struct wire_answer *answer)
{
	const char *what = *query->unit ? query->unit : cli->command->noun, *advice = word_code_advice(answer->code);
	char fault[512];
	if (answer->detail.fault == BAOPHU_FAULT_NONE)
		return ask_refused(what, answer->code, answer->text);
	word_fault(&answer->detail, cli->vietnamese, fault, sizeof fault);
	if (answer->detail.fault == BAOPHU_FAULT_UNREADABLE && *answer->text) /* its English knows more */
		cli_say("%s: %s (%s): %s", what, fault, wire_code_name(answer->code), answer->text);
	else
		cli_say("%s: %s (%s)", what, fault, wire_code_name(answer->code));
	if (answer->code == BAOPHU_CODE_BEHIND && query->known_seq > query->min_seq)
		advice = _("ask again in a moment, or with a lower --known");
	if (*advice)
		cli_say(_("what to do: %s"), advice);
	return exit_code_of(answer->code);
}

int ask_all(struct cli *cli, struct reader *reader, struct wire_query *query,
	    int (*each)(void *context, const struct wire_answer *answer), void *context, struct ask_axes *ret_axes)
{
	do {
		struct wire_answer answer = { 0 };
		int error = reader_query(reader, query, (int)cli->options.timeout * 1000, &answer);
		if (error == -BAOPHU_EREFUSED || (error == -BAOPHU_ETIMEOUT && answer.code != BAOPHU_CODE_NONE))
			return ask_answered(cli, query, &answer);
		if (error == -BAOPHU_ETIMEOUT) {
			cli_say(_("no answer from %s within %u s; is baophud running there?"), cli->options.query,
				cli->options.timeout);
			return CLI_UNREACHABLE;
		}
		if (error)
			return cli_fail(cli->options.query, error);
		if (ret_axes)
			*ret_axes = (struct ask_axes){ .as_of = answer.as_of,
						       .tree_date = answer.tree_date,
						       .seq = answer.cut.seq };
		bool more = reader_next_page(query, &answer);
		error = each(context, &answer);
		if (error)
			return error;
		if (!more)
			return CLI_OK;
	} while (true);
}

static int add_names(void *context, const struct wire_answer *answer)
{
	int error = names_add(context, answer);
	return error ? cli_fail(_("names of measures"), error) : CLI_OK;
}

int ask_names(struct cli *cli, struct reader *reader, struct names *names)
{
	struct wire_query query = reader_question(WIRE_QUERY_MEASURES);
	names->vietnamese = cli->vietnamese;
	return ask_all(cli, reader, &query, add_names, names, NULL);
}

struct wire_query ask_question(const struct cli *cli, enum wire_query_kind kind)
{
	const struct options *options = &cli->options;
	struct wire_query query = reader_question(kind);
	query.as_of = options->as_of;
	query.since = options->since;
	query.tree_date = options->tree;
	query.known_seq = options->known;
	query.min_seq = options->min_seq;
	query.plan = options->plan;
	query.from = options->from;
	query.to = options->to;
	query.measures = options->measures;
	query.measure_count = options->measure_count;
	return query;
}

/* ---- a unit by name ---- */

enum { MATCHES_SHOWN = 8, FOLDED_BYTES = 2 * BAOPHU_TEXT_BYTES_MAX };
struct match {
	char typed[FOLDED_BYTES];
	uint32_t count;
	struct {
		char code[BAOPHU_CODE_BYTES_MAX + 1], name[BAOPHU_TEXT_BYTES_MAX + 1];
	} shown[MATCHES_SHOWN];
	bool exact;
};

/* "thành phố cần thơ" is also "cần thơ": the whole name, or its end after a space. */
static bool ends_with_words(const char *name, const char *typed)
{
	size_t n = strlen(name), t = strlen(typed);
	return t && n >= t && strcmp(name + n - t, typed) == 0 && (n == t || name[n - t - 1] == ' ');
}

static int add_matches(void *context, const struct wire_answer *answer)
{
	struct match *match = context;
	for (uint32_t i = 0; i < answer->unit_count; i++) {
		char folded[FOLDED_BYTES];
		const struct wire_unit_info *unit = &answer->units[i];
		if (text_fold(unit->name, true, folded, sizeof folded) != 0 || !ends_with_words(folded, match->typed))
			continue;
		bool exact = strcmp(folded, match->typed) == 0;
		if (match->exact && !exact)
			continue;
		if (exact && !match->exact)
			match->count = 0;
		match->exact = exact;
		if (match->count < MATCHES_SHOWN) {
			snprintf(match->shown[match->count].code, sizeof match->shown->code, "%s", unit->code);
			snprintf(match->shown[match->count].name, sizeof match->shown->name, "%s", unit->name);
		}
		match->count++;
	}
	return CLI_OK;
}

int ask_unit(struct cli *cli, struct reader *reader, const char *typed, char buffer[static BAOPHU_CODE_BYTES_MAX + 1])
{
	bool has_digit = strpbrk(typed, "0123456789") != NULL;
	size_t length = strlen(typed);
	if (text_is_code(typed, length) && (has_digit || length <= 3)) {
		snprintf(buffer, BAOPHU_CODE_BYTES_MAX + 1, "%s", typed);
		return CLI_OK;
	}
	struct match match = { 0 };
	if (text_fold(typed, true, match.typed, sizeof match.typed) != 0) {
		cli_say(_("“%s” is neither a code nor a name"), typed);
		return CLI_USAGE;
	}
	struct wire_query query = reader_question(WIRE_QUERY_UNITS);
	query.as_of = cli->options.as_of;
	query.tree_date = cli->options.tree;
	query.depth = BAOPHU_DEPTH_MAX;
	query.limit = BAOPHU_PAGE_RECORDS_MAX;
	int error = ask_all(cli, reader, &query, add_matches, &match, NULL);
	if (error)
		return error;
	if (match.count == 1) {
		snprintf(buffer, BAOPHU_CODE_BYTES_MAX + 1, "%s", match.shown[0].code);
		return CLI_OK;
	}
	if (!match.count && text_is_code(typed, length)) {
		snprintf(buffer, BAOPHU_CODE_BYTES_MAX + 1, "%s", typed);
		return CLI_OK;
	}
	if (!match.count) {
		cli_say(_("no unit is called “%s”; see `baophu unit list`"), typed);
		return CLI_USAGE;
	}
	cli_say(_("“%s” is the name of several units; write a code:"), typed);
	for (uint32_t i = 0; i < match.count && i < MATCHES_SHOWN; i++)
		cli_say("  %s  %s", match.shown[i].code, match.shown[i].name);
	return CLI_USAGE;
}

/* ---- the way from a root to a unit, as topics spell it ---- */

struct step {
	char parent[BAOPHU_CODE_BYTES_MAX + 1], name[BAOPHU_TEXT_BYTES_MAX + 1];
	uint32_t depth;
	bool is_found;
};

static int take_parent(void *context, const struct wire_answer *answer)
{
	struct step *step = context;
	if (!step->is_found && answer->unit_count) {
		step->is_found = true;
		step->depth = answer->units[0].depth;
		snprintf(step->parent, sizeof step->parent, "%s", answer->units[0].parent);
		snprintf(step->name, sizeof step->name, "%s", answer->units[0].name);
	}
	return CLI_OK;
}

int ask_path(struct cli *cli, struct reader *reader, const char *unit, char path[static ASK_PATH_BYTES],
	     char name[static BAOPHU_TEXT_BYTES_MAX + 1], uint32_t *ret_depth)
{
	char code[BAOPHU_CODE_BYTES_MAX + 1];
	snprintf(code, sizeof code, "%s", unit);
	snprintf(path, ASK_PATH_BYTES, "%s", unit);
	for (int level = 0; level <= BAOPHU_DEPTH_MAX; level++) {
		struct step step = { 0 };
		struct wire_query query = reader_question(WIRE_QUERY_UNITS);
		query.unit = code;
		int status = ask_all(cli, reader, &query, take_parent, &step, NULL);
		if (status)
			return status;
		if (!step.is_found)
			return ask_refused(code, BAOPHU_CODE_UNIT_UNKNOWN, NULL);
		if (level == 0) {
			*ret_depth = step.depth;
			memcpy(name, step.name, sizeof step.name);
		}
		if (!*step.parent)
			return CLI_OK;
		char longer[ASK_PATH_BYTES + BAOPHU_CODE_BYTES_MAX + 2];
		snprintf(longer, sizeof longer, "%s/%s", step.parent, path);
		snprintf(path, ASK_PATH_BYTES, "%.*s", ASK_PATH_BYTES - 1, longer);
		snprintf(code, sizeof code, "%s", step.parent);
	}
	return CLI_OK;
}
