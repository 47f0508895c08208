/* mirror_refresh.c - asking the centre for a new mirror, a step at a time. See mirror.h.
 *
 * A list of questions that grows as answers say what else there is to ask: who may report what, then the units granted, then what they were
 * before, then figures. Each answer becomes a frame; between two phases the frames so far are built into a mirror, which knows best what they say.
 * Nothing here waits: a step asks, or takes what is there, and returns.
 */
#include "mirror_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	QUESTIONS_MAX = 4096,
	TREES_MAX = 4, /* dates before which the map of this office was another one, newest first */
	AGAIN_MS = 50, /* after "not ready yet" */
	COMPLETE_MS = 24 * 3600 * 1000, /* everything is asked at least once a day */
};

/* What is asked next when the list is done. */
enum phase { PHASE_WHO, PHASE_BEFORE, PHASE_PROBED, PHASE_REST, PHASE_DONE };
struct question {
	enum wire_query_kind kind;
	char unit[BAOPHU_CODE_BYTES_MAX + 1];
	baophu_date tree_date; /* BAOPHU_DATE_NONE: the business day */
	bool is_since; /* HISTORY: only what came after the mirror held */
	bool is_probe; /* COVERAGE: only the unit's own record, for its version */

	bool may_be_refused; /* a unit that was not valid then is nothing to ask about */
};
struct mirror_refresh {
	enum mirror_scope scope;
	enum phase phase;
	const struct mirror *held;
	char *path;
	int64_t wall_ms;
	struct reader *reader;
	struct mirror_head head;
	struct frames frames;
	struct question *questions;
	uint32_t question_count, question_capacity, at;
	struct wire_query query; /* the one under way */
	bool is_begun; /* `query` is of questions[at] */
	bool is_known; /* the agent was found */
	bool is_changed; /* a probe found another version than the one held */

	int64_t deadline_ms, again_ms;
	enum baophu_code why;
	struct baophu_detail detail;
};

static int ask(struct mirror_refresh *refresh, const struct question *question)
{
	if (refresh->question_count == refresh->question_capacity) {
		uint32_t capacity = refresh->question_capacity ? refresh->question_capacity * 2 : 64;
		if (refresh->question_count >= QUESTIONS_MAX)
			return -BAOPHU_EFULL;
		struct question *grown = realloc(refresh->questions, capacity * sizeof *grown);
		if (!grown)
			return -ENOMEM;
		refresh->questions = grown;
		refresh->question_capacity = capacity;
	}
	refresh->questions[refresh->question_count++] = *question;
	return 0;
}

static int ask_of(struct mirror_refresh *refresh, enum wire_query_kind kind, const char *unit, baophu_date tree_date)
{
	struct question question = { .kind = kind, .tree_date = tree_date, .may_be_refused = kind == WIRE_QUERY_UNITS };
	snprintf(question.unit, sizeof question.unit, "%s", unit);
	return ask(refresh, &question);
}

/* Everything from the beginning: what is held is not enough, or not of this history. */
static int start_over(struct mirror_refresh *refresh)
{
	frames_finish(&refresh->frames);
	refresh->scope = MIRROR_EVERYTHING;
	refresh->phase = PHASE_WHO;
	refresh->question_count = refresh->at = 0;
	refresh->is_begun = refresh->is_known = refresh->is_changed = false;
	refresh->head.place = (struct baophu_place){ 0 };

	int error = ask_of(refresh, WIRE_QUERY_STATUS, "", BAOPHU_DATE_NONE);
	return error ? error : ask_of(refresh, WIRE_QUERY_AGENTS, "", BAOPHU_DATE_NONE);
}

int mirror_refresh_begin(enum mirror_scope scope, const struct mirror *held, const char *path, const char *agent, int64_t wall_ms,
			 struct reader *reader, struct mirror_refresh **ret_refresh)
{
	struct mirror_refresh *refresh = calloc(1, sizeof *refresh);
	if (!refresh)
		return -ENOMEM;
	*refresh = (struct mirror_refresh){ .held = held, .path = strdup(path), .wall_ms = wall_ms, .reader = reader };
	snprintf(refresh->head.agent, sizeof refresh->head.agent, "%s", agent);
	int error = refresh->path ? start_over(refresh) : -ENOMEM;
	bool is_enough = scope == MIRROR_FIGURES && held && wall_ms >= held->complete_ms &&
			 wall_ms - held->complete_ms < COMPLETE_MS;
	if (!error && is_enough) {
		refresh->scope = MIRROR_FIGURES;
		refresh->question_count = 1; /* the status only: it says whether it is the same day and centre */
	}
	if (error) {
		mirror_refresh_end(refresh);
		return error;
	}
	*ret_refresh = refresh;
	return 0;
}

void mirror_refresh_end(struct mirror_refresh *refresh)
{
	if (!refresh)
		return;
	frames_finish(&refresh->frames);
	free(refresh->questions);
	free(refresh->path);
	free(refresh);
}

enum baophu_code mirror_refresh_why(const struct mirror_refresh *refresh, struct baophu_detail *ret_detail)
{
	if (ret_detail)
		*ret_detail = refresh->detail;
	return refresh->why;
}

/* ---- what to ask ---- */

/* Of several granted units some lie below others; the tops of them. */
static bool is_top(const struct mirror *mirror, const struct mirror_unit *unit, baophu_date date)
{
	for (uint32_t i = 0; i < mirror->grant_count; i++) {
		const struct mirror_grant *grant = &mirror->grants[i];
		const struct mirror_unit *above = unit;
		for (unsigned depth = 0; above->parent && depth < BAOPHU_DEPTH_MAX; depth++) {
			above = &mirror->units[above->parent - 1];
			if (grant->is_ours && grant->unit == above->number && mirror_unit_numbered(mirror, above->number, date))
				return false;
		}
	}
	return true;
}

/* Calls for each granted unit that is valid on the date and not below another one of ours. */
static int for_each_top(struct mirror_refresh *refresh, const struct mirror *mirror, baophu_date date,
			int (*each)(struct mirror_refresh *refresh, const struct mirror_unit *unit, baophu_date date))
{
	int error = 0;
	for (uint32_t i = 0; i < mirror->grant_count && !error; i++) {
		const struct mirror_grant *grant = &mirror->grants[i];
		const struct mirror_unit *unit = grant->is_ours ? mirror_unit_numbered(mirror, grant->unit, date) : NULL;
		bool is_first = true; /* of ours at this unit */
		for (uint32_t k = i; k-- && mirror->grants[k].unit == grant->unit;)
			is_first &= !mirror->grants[k].is_ours;
		if (unit && is_first && is_top(mirror, unit, date))
			error = each(refresh, unit, date);
	}
	return error;
}

/* The same unit by the code that it had on an earlier date, when there is one that differs. */
static const char *code_then(const struct mirror *mirror, uint32_t number, baophu_date date)
{
	const struct mirror_unit *unit = mirror_unit_numbered(mirror, number, date);
	for (uint32_t i = 0; i < mirror->former_count && !unit; i++) {
		const struct mirror_former *former = &mirror->former[i];
		if (former->number == number && date >= former->from &&
		    (former->until == BAOPHU_DATE_NONE || date <= former->until))
			return former->code;
	}
	return unit ? unit->code : NULL;
}

static bool grant_reaches(const struct mirror_grant *grant, baophu_date date)
{
	return grant->is_ours && date >= grant->from && (grant->until == BAOPHU_DATE_NONE || date <= grant->until);
}

/* The map of the days before it changed, as far back as late figures go. */
static int ask_units_before(struct mirror_refresh *refresh, const struct mirror *mirror)
{
	baophu_date dates[TREES_MAX];
	unsigned count = 0;
	int error = 0;
	for (uint32_t i = 0; i < mirror->unit_count; i++) {
		baophu_date before = mirror->units[i].from - 1;
		if (before >= mirror->day || before < mirror->figures_from)
			continue;
		unsigned at = 0;
		while (at < count && dates[at] > before)
			at++;
		if ((at < count && dates[at] == before) || at == TREES_MAX)
			continue;
		count += count < TREES_MAX;
		for (unsigned k = count - 1; k > at; k--)
			dates[k] = dates[k - 1];
		dates[at] = before;
	}
	for (unsigned d = 0; d < count; d++)
		for (uint32_t i = 0; i < mirror->grant_count && !error; i++) {
			const struct mirror_grant *grant = &mirror->grants[i];
			const char *code = grant_reaches(grant, dates[d]) ? code_then(mirror, grant->unit, dates[d]) : NULL;
			if (code)
				error = ask_of(refresh, WIRE_QUERY_UNITS, code, dates[d]);
		}
	return error;
}

static int ask_plans(struct mirror_refresh *refresh, const struct mirror_unit *unit, baophu_date date)
{
	(void)date;
	return ask_of(refresh, WIRE_QUERY_PLANS, unit->code, BAOPHU_DATE_NONE);
}

static int ask_coverage(struct mirror_refresh *refresh, const struct mirror_unit *unit, baophu_date date)
{
	(void)date;
	return ask_of(refresh, WIRE_QUERY_COVERAGE, unit->code, BAOPHU_DATE_NONE);
}

static int ask_version(struct mirror_refresh *refresh, const struct mirror_unit *unit, baophu_date date)
{
	(void)date;
	struct question question = { .kind = WIRE_QUERY_COVERAGE, .tree_date = BAOPHU_DATE_NONE, .is_probe = true };
	snprintf(question.unit, sizeof question.unit, "%s", unit->code);
	return ask(refresh, &question);
}

static int ask_history(struct mirror_refresh *refresh, const struct mirror_unit *unit, baophu_date date)
{
	struct question question = { .kind = WIRE_QUERY_HISTORY,
				     .tree_date = date == refresh->head.day ? BAOPHU_DATE_NONE : date,
				     .is_since = refresh->scope == MIRROR_FIGURES };
	snprintf(question.unit, sizeof question.unit, "%s", unit->code);
	return ask(refresh, &question);
}

/* Figures of units that are gone are asked one by one. */
static int ask_rest(struct mirror_refresh *refresh, const struct mirror *mirror)
{
	int error = refresh->scope == MIRROR_EVERYTHING || refresh->is_changed
			? for_each_top(refresh, mirror, mirror->day, ask_coverage)
			: 0;
	if (!error)
		error = for_each_top(refresh, mirror, mirror->day, ask_history);
	for (uint32_t i = 0; i < mirror->unit_count && !error; i++) {
		const struct mirror_unit *unit = &mirror->units[i];
		if (unit->until != BAOPHU_DATE_NONE && unit->until >= mirror->figures_from && unit->until < mirror->day &&
		    !mirror_unit_numbered(mirror, unit->number, mirror->day) && mirror_unit_newest(mirror, unit->number) == unit)
			error = ask_history(refresh, unit, unit->until);
	}
	if (!error && refresh->scope == MIRROR_EVERYTHING)
		error = ask_of(refresh, WIRE_QUERY_MEASURES, "", BAOPHU_DATE_NONE);
	if (!error && refresh->scope == MIRROR_EVERYTHING)
		error = for_each_top(refresh, mirror, mirror->day, ask_plans);
	return error;
}

/* Every unit that has coverage is one that is known, by the same code and name, and the other way round. */
static int is_same_map(const struct mirror *mirror, bool *ret_is_same)
{
	struct wire_arena arena;
	int error = wire_arena_init(&arena, MIRROR_ARENA_BYTES);
	uint32_t valid = 0, met = 0;
	for (uint32_t i = 0; i < mirror->unit_count; i++)
		valid += mirror->units[i].from <= mirror->day &&
			 (mirror->units[i].until == BAOPHU_DATE_NONE || mirror->units[i].until >= mirror->day);
	for (uint32_t i = 0; i < mirror->record_count && !error; i++) {
		struct baophu_record record;
		error = mirror_record(mirror, i, &arena, &record);
		if (error)
			break;
		const struct mirror_unit *unit = mirror_unit_numbered(mirror, record.unit_number, mirror->day);
		met += unit && strcmp(unit->code, record.unit) == 0 && strcmp(unit->name, record.name) == 0;
	}
	wire_arena_finish(&arena);
	*ret_is_same = met == valid && met == mirror->record_count;
	return error;
}

/* What is held of the lists, and of the coverage when nothing of it has changed, is kept; figures are asked for. */
static int keep_held(struct mirror_refresh *refresh)
{
	struct mirror_head head;
	struct frames held;
	static const enum wire_query_kind kinds[] = { WIRE_QUERY_UNITS,  WIRE_QUERY_MEASURES, WIRE_QUERY_PLANS,
						      WIRE_QUERY_AGENTS, WIRE_QUERY_HISTORY,  WIRE_QUERY_COVERAGE };
	int error = mirror_file_read(refresh->path, &head, &held);
	if (error)
		return start_over(refresh);
	bool is_it = memcmp(&head.place, &refresh->held->place, sizeof head.place) == 0;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !error && is_it; i++)
		if (kinds[i] != WIRE_QUERY_COVERAGE || !refresh->is_changed)
			error = frames_add_kind(&refresh->frames, &held, kinds[i]);
	frames_finish(&held);
	if (!is_it)
		return start_over(refresh);
	refresh->head.complete_ms = refresh->held->complete_ms;
	refresh->phase = PHASE_DONE;
	return error ? error : ask_rest(refresh, refresh->held);
}

/* The list is done: what the answers so far say to ask next. 1: nothing more. */
static int next_phase(struct mirror_refresh *refresh)
{
	const struct mirror *held = refresh->held;
	struct mirror *mirror = NULL;
	int error = 0;
	switch (refresh->phase) {
	case PHASE_WHO:
		if (refresh->scope == MIRROR_EVERYTHING) {
			refresh->phase = PHASE_BEFORE;
			return refresh->is_known ? 0 : -BAOPHU_ENOTFOUND;
		}
		if (held->day != refresh->head.day || memcmp(held->store, refresh->head.store, BAOPHU_STORE_BYTES) != 0)
			return start_over(refresh);
		refresh->phase = PHASE_PROBED;
		return for_each_top(refresh, held, held->day, ask_version);
	case PHASE_PROBED:
		return keep_held(refresh);
	case PHASE_DONE:
		return 1;
	default:
		break;
	}
	error = mirror_build(&refresh->head, &refresh->frames, &mirror);
	if (error)
		return error;
	error = refresh->phase == PHASE_BEFORE ? ask_units_before(refresh, mirror) : ask_rest(refresh, mirror);
	refresh->phase = refresh->phase == PHASE_BEFORE ? PHASE_REST : PHASE_DONE;
	mirror_close(mirror);
	return error;
}

/* ---- asking and taking ---- */

static struct wire_query compose(const struct mirror_refresh *refresh, const struct question *question)
{
	struct wire_query query = reader_question(question->kind);
	bool is_gone = question->kind == WIRE_QUERY_HISTORY && question->tree_date != BAOPHU_DATE_NONE;
	query.unit = question->unit;
	query.as_of = query.tree_date = question->tree_date;
	query.depth = !*question->unit || question->is_probe || is_gone ? 0 : BAOPHU_DEPTH_MAX;
	query.limit = question->kind == WIRE_QUERY_COVERAGE ? 0 : BAOPHU_PAGE_RECORDS_MAX;
	if (question->kind != WIRE_QUERY_STATUS && question->kind != WIRE_QUERY_AGENTS) {
		query.known_seq = refresh->head.place.seq; /* one cut for all: that of the status, and its day */
		if (question->tree_date == BAOPHU_DATE_NONE)
			query.as_of = query.tree_date = refresh->head.day;
	}

	if (question->kind == WIRE_QUERY_HISTORY)
		query.from = refresh->head.day - MIRROR_FIGURE_DAYS;
	if (question->is_since) {
		query.since_seq = refresh->held->place.seq;
		query.has_since_digest = true;
		memcpy(query.since_digest, refresh->held->place.digest, sizeof query.since_digest);
	}
	return query;
}

/* The units of our own grants, each on the date that its code is of. */
static int ask_granted(struct mirror_refresh *refresh, const struct wire_agent_info *agent)
{
	int error = 0;
	for (uint32_t i = 0; i < agent->grant_count && !error; i++) {
		const struct wire_grant_info *grant = &agent->grants[i];
		bool is_over = grant->until != BAOPHU_DATE_NONE && grant->until < refresh->head.day;
		baophu_date date = is_over ? grant->until : grant->from > refresh->head.day ? grant->from : BAOPHU_DATE_NONE;
		bool is_new = true;
		for (uint32_t k = 0; k < refresh->question_count; k++) {
			const struct question *other = &refresh->questions[k];
			is_new &= other->kind != WIRE_QUERY_UNITS || other->tree_date != date ||
				  strcmp(other->unit, grant->unit) != 0;
		}
		if (is_new)
			error = ask_of(refresh, WIRE_QUERY_UNITS, grant->unit, date);
	}
	return error;
}

static int take_status(struct mirror_refresh *refresh, const struct wire_answer *answer)
{
	if (!answer->status)
		return -BAOPHU_EPROTOCOL;
	memcpy(refresh->head.store, answer->status->store, sizeof refresh->head.store);
	refresh->head.day = answer->status->business_day;
	refresh->head.taken_ms = refresh->head.complete_ms = refresh->wall_ms;
	return refresh->head.day == BAOPHU_DATE_NONE ? -EAGAIN : 0; /* a centre that has not begun its first day */
}

/* What makes an answer larger and is not needed again. */
static int take_history(struct mirror_refresh *refresh, const struct wire_answer *answer)
{
	struct wire_fact_version *facts = calloc(answer->fact_count + 1, sizeof *facts);
	struct wire_answer lean = *answer;
	const struct question *question = &refresh->questions[refresh->at];
	if (!facts)
		return -ENOMEM;
	for (uint32_t i = 0; i < answer->fact_count; i++) {
		facts[i] = answer->facts[i];
		facts[i].agent = "";
		facts[i].seq = 0;
		facts[i].index = 0;
		facts[i].time_ms = 0;
		if (!*facts[i].unit) /* a unit that is gone was asked about alone */
			facts[i].unit = question->unit;
	}
	lean.facts = facts;
	/* Pages of one question are kept all, so that what goes over a page's end is known to. */
	bool is_kept = answer->fact_count || answer->next_page_bytes || refresh->query.page_bytes;
	int error = is_kept ? frames_add_answer(&refresh->frames, WIRE_QUERY_HISTORY, &lean) : 0;
	free(facts);
	return error;
}

/* Whether the unit or anything below it was spoken of since. */
static int take_probe(struct mirror_refresh *refresh, const struct wire_answer *answer)
{
	struct wire_arena arena;
	bool is_same = false;
	int error = wire_arena_init(&arena, MIRROR_ARENA_BYTES);
	for (uint32_t i = 0; i < refresh->held->record_count && answer->record_count && !error && !is_same; i++) {
		struct baophu_record record;
		error = mirror_record(refresh->held, i, &arena, &record);
		is_same = !error && record.unit_number == answer->records[0].unit_number &&
			  record.version == answer->records[0].version;
	}
	refresh->is_changed |= !is_same;
	wire_arena_finish(&arena);
	return error;
}

static int take_answer(struct mirror_refresh *refresh, const struct wire_answer *answer)
{
	enum wire_query_kind kind = refresh->questions[refresh->at].kind;
	int error = 0;
	switch (kind) {
	case WIRE_QUERY_STATUS:
		refresh->head.place = answer->cut;
		return take_status(refresh, answer);
	case WIRE_QUERY_AGENTS:
		for (uint32_t i = 0; i < answer->agent_count && !error; i++)
			if (strcmp(answer->agents[i].name, refresh->head.agent) == 0) {
				refresh->is_known = true;
				error = ask_granted(refresh, &answer->agents[i]);
			}
		return error ? error : frames_add_answer(&refresh->frames, kind, answer);
	case WIRE_QUERY_COVERAGE:
		if (refresh->questions[refresh->at].is_probe)
			return take_probe(refresh, answer);
		for (uint32_t i = 0; i < answer->record_count && !error; i++)
			error = frames_add_record(&refresh->frames, &answer->records[i]);
		return error;
	case WIRE_QUERY_HISTORY:
		return take_history(refresh, answer);
	default:
		return frames_add_answer(&refresh->frames, kind, answer);
	}
}

/* An answer that says no. */
static int take_refusal(struct mirror_refresh *refresh, const struct wire_answer *answer, int64_t now_ms)
{
	const struct question *question = &refresh->questions[refresh->at];
	refresh->why = answer->code;
	refresh->detail = answer->detail;
	if (answer->code == BAOPHU_CODE_BEHIND || baophu_code_is_retryable(answer->code)) {
		refresh->again_ms = now_ms + AGAIN_MS;
		return 0;
	}
	if (answer->code == BAOPHU_CODE_SNAPSHOT_REQUIRED && refresh->scope == MIRROR_FIGURES)
		return start_over(refresh);
	if (answer->code == BAOPHU_CODE_QUERY && question->may_be_refused) {
		refresh->at++;
		refresh->is_begun = false;
		return 0;
	}
	return -BAOPHU_EREFUSED;
}

/* One answer, if it is there: 1; 0: nothing to do now. */
static int take(struct mirror_refresh *refresh, int64_t now_ms)
{
	struct wire_answer answer = { 0 };
	int got = reader_take(refresh->reader, &answer);
	if (!got)
		return 0;
	if (got == -BAOPHU_EREFUSED) {
		int refused = take_refusal(refresh, &answer, now_ms);
		return refused ? refused : 1;
	}
	if (got < 0)
		return got;
	int error = take_answer(refresh, &answer);
	if (error == -EAGAIN) {
		refresh->again_ms = now_ms + AGAIN_MS;
		return 1;
	}
	refresh->deadline_ms = now_ms + MIRROR_ANSWER_MS;

	if (!error && !reader_next_page(&refresh->query, &answer)) {
		refresh->at++;
		refresh->is_begun = false;
	}
	return error ? error : 1;
}

static int finish(struct mirror_refresh *refresh, struct mirror **ret_mirror)
{
	struct mirror *mirror = NULL;
	bool is_same = true;
	int error = mirror_build(&refresh->head, &refresh->frames, &mirror);
	if (!error && refresh->scope == MIRROR_FIGURES)
		error = is_same_map(mirror, &is_same);
	if (!error && !is_same) {
		mirror_close(mirror);
		return start_over(refresh);
	}
	if (!error)
		error = mirror_file_write(refresh->path, &refresh->head, &refresh->frames);
	if (error) {
		mirror_close(mirror);
		return error;
	}
	*ret_mirror = mirror;
	return 1;
}

int mirror_refresh_step(struct mirror_refresh *refresh, int64_t now_ms, struct mirror **ret_mirror)
{
	int result = 1;
	if (!refresh->deadline_ms)
		refresh->deadline_ms = now_ms + MIRROR_ANSWER_MS;
	while (result == 1) {
		if (refresh->at == refresh->question_count) {
			result = next_phase(refresh);
			if (result == 1)
				return finish(refresh, ret_mirror);
			result = result ? result : 1;
			continue;
		}
		if (!refresh->is_begun) {
			refresh->query = compose(refresh, &refresh->questions[refresh->at]);
			refresh->is_begun = true;
			refresh->again_ms = 0;
		}
		if (now_ms < refresh->again_ms)
			break;
		if (!reader_is_waiting(refresh->reader)) {
			/* The unit's code lies in the list, which may have moved since. */
			refresh->query.unit = refresh->questions[refresh->at].unit;
			result = reader_ask(refresh->reader, &refresh->query);
			if (result == -EAGAIN)
				result = 0;
			if (result)
				break;
		}
		result = take(refresh, now_ms);
	}
	if (result < 0)
		return result;
	return now_ms >= refresh->deadline_ms ? -BAOPHU_ETIMEOUT : 0;
}
