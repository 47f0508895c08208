/* query.c - from a question's bytes to an answer's: axes, cut, page, then the request's handler. See query.h.
 *
 * The cut of a question is settled before its handler runs: what history has reached, no further than the registry copy, no further than
 * `known_seq`. A page token carries that cut with its digest, so a later page is of the same one or is refused. The only clock here
 * is the follower's, in waiting.
 */
#include "query_engine.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <baophu/date.h>

enum {
	LIMIT_DEFAULT = 200,
	SCRATCH_BYTES = 4 << 20,
	TOKEN_FORMAT = 1,
	TOKEN_BYTES = 1 + 8 + BAOPHU_DIGEST_BYTES + 8 + 8 + 4 + 4,
	STATE_NAP_US = 500,
};
_Static_assert((int)TOKEN_BYTES <= (int)WIRE_PAGE_TOKEN_BYTES_MAX, "a page token fits");

/* Which cut an answer is of. */
enum source { SOURCE_HISTORY = 1, SOURCE_REGISTRY, SOURCE_LIVE, SOURCE_LOG };
struct request {
	enum wire_query_kind kind;
	enum source source;
	bool needs_unit;
	int (*handler)(struct question *question);
};
static const struct request requests[] = {
	{ WIRE_QUERY_COVERAGE, SOURCE_HISTORY, false, query_coverage },
	{ WIRE_QUERY_CHANGED, SOURCE_LIVE, true, query_changed },
	{ WIRE_QUERY_HISTORY, SOURCE_HISTORY, true, query_history },
	{ WIRE_QUERY_UNITS, SOURCE_REGISTRY, false, query_units },
	{ WIRE_QUERY_MEASURES, SOURCE_REGISTRY, false, query_measures },
	{ WIRE_QUERY_PLANS, SOURCE_REGISTRY, false, query_plans },
	{ WIRE_QUERY_AGENTS, SOURCE_LIVE, false, query_agents },
	{ WIRE_QUERY_HELD, SOURCE_REGISTRY, false, query_held },
	{ WIRE_QUERY_LOG, SOURCE_LOG, false, query_log },
	{ WIRE_QUERY_STATUS, SOURCE_LOG, false, query_status },
	{ WIRE_QUERY_EVENTS, SOURCE_HISTORY, false, query_events },
	{ WIRE_QUERY_THRESHOLDS, SOURCE_REGISTRY, false, query_thresholds },
	{ WIRE_QUERY_DUE, SOURCE_LIVE, false, query_due },
};

/* ---- the engine ---- */

int query_open(const struct query_config *config, struct query_engine **ret_engine)
{
	struct query_engine *engine = calloc(1, sizeof *engine);
	if (!engine)
		return -ENOMEM;
	engine->config = *config;
	/* Bounds, not needs: pages of these that no answer touches cost nothing. */
	engine->rows = malloc(QUERY_ROWS_MAX * sizeof *engine->rows);
	engine->earlier_rows = malloc(COVERAGE_ROWS_MAX * sizeof *engine->earlier_rows);
	int error = engine->rows && engine->earlier_rows ? 0 : -ENOMEM;
	if (!error)
		error = wire_arena_init(&engine->arena, WIRE_ARENA_BYTES);
	if (!error)
		error = wire_arena_init(&engine->scratch, SCRATCH_BYTES);
	if (!error)
		error = log_reader_open(config->log, &engine->log_reader);
	if (!error)
		error = history_reader_open(config->history, &engine->history_reader);
	if (error) {
		query_close(engine);
		return error;
	}
	*ret_engine = engine;
	return 0;
}

void query_close(struct query_engine *engine)
{
	if (!engine)
		return;
	snapshot_drop(&engine->snapshot);
	if (engine->has_tree)
		tree_finish(&engine->tree);
	if (engine->has_registry)
		registry_finish(&engine->registry);
	log_reader_close(engine->log_reader);
	history_reader_close(engine->history_reader);
	wire_arena_finish(&engine->arena);
	wire_arena_finish(&engine->scratch);
	free(engine->rows);
	free(engine->earlier_rows);
	free(engine);
}

/* Looks at the live state; takes a copy of the registry when it is another one than before. */
static int refresh(struct query_engine *engine)
{
	const struct state *state = engine->config.state;
	int error = 0;
	pthread_rwlock_rdlock(engine->config.state_lock);
	if (!engine->has_registry || engine->registry.changed_seq != state->registry.changed_seq) {
		struct registry copy;
		error = registry_clone(&copy, &state->registry);
		if (!error) {
			if (engine->has_registry)
				registry_finish(&engine->registry);
			engine->registry = copy;
			engine->has_registry = true;
			snapshot_drop(&engine->snapshot); /* it points into the copy before */
		}
	}
	if (!error)
		engine->place = state->place;
	pthread_rwlock_unlock(engine->config.state_lock);
	return error;
}

/* ---- what handlers use ---- */

/* For those who read no code: logs, and clients that know no Detail. Short enough for a text of the wire. */
static void say_fault(const struct baophu_detail *detail, char text[static BAOPHU_TEXT_BYTES_MAX + 1])
{
	const size_t size = BAOPHU_TEXT_BYTES_MAX + 1;
	unsigned long long wanted = detail->wanted_seq, newest = detail->newest_seq;
	char date[11];
	switch (detail->fault) {
	case BAOPHU_FAULT_KIND_UNKNOWN:
		snprintf(text, size, "this kind of question is not known here");
		break;
	case BAOPHU_FAULT_PAGE:
		snprintf(text, size, "the page does not belong to this question");
		break;
	case BAOPHU_FAULT_UNIT_MISSING:
		snprintf(text, size, "name a unit");
		break;
	case BAOPHU_FAULT_UNIT_UNKNOWN:
		snprintf(text, size, "no unit ever had the code %s (asked on %s)", detail->named,
			 baophu_date_format(detail->date, false, date));
		break;
	case BAOPHU_FAULT_UNIT_NOT_VALID:
		snprintf(text, size, "unit %s is not valid on %s%s%s", detail->named, baophu_date_format(detail->date, false, date),
			 *detail->successor ? "; its successor is " : "", detail->successor);
		break;
	case BAOPHU_FAULT_PLAN_UNKNOWN:
		snprintf(text, size, "no plan has the code %s", detail->named);
		break;
	case BAOPHU_FAULT_MEASURE_UNKNOWN:
		snprintf(text, size, "no measure or indicator has the code %s", detail->named);
		break;
	case BAOPHU_FAULT_SEQ_AHEAD:
		snprintf(text, size, "seq %llu is not in the log yet; newest is %llu", wanted, newest);
		break;
	case BAOPHU_FAULT_SEQ_BEHIND:
		snprintf(text, size, "seq %llu is not reached yet; newest is %llu", wanted, newest);
		break;
	case BAOPHU_FAULT_HISTORY:
		snprintf(text, size, "seq %llu with this digest is not in this history", wanted);
		break;
	case BAOPHU_FAULT_AGENT_UNKNOWN:
		snprintf(text, size, "no agent has the name %s", detail->named);
		break;
	case BAOPHU_FAULT_NONE:
	case BAOPHU_FAULT_UNREADABLE: /* whoever could not read it says why */
	case BAOPHU_FAULT_COUNT:
		*text = '\0';
	}
}

int question_refuse(struct question *question, enum baophu_code code, const struct baophu_detail *detail)
{
	char text[BAOPHU_TEXT_BYTES_MAX + 1];
	say_fault(detail, text);
	const char *copy = question_text(question, text);
	question->answer->code = code;
	question->answer->detail = *detail;
	question->answer->text = copy ? copy : "";
	question->answer->next_page_bytes = 0;
	return 0;
}

/* The same for a code that was asked for and names nothing. */
static int refuse_code(struct question *question, enum baophu_fault fault, const char *named)
{
	struct baophu_detail detail = { .fault = fault, .date = BAOPHU_DATE_NONE };
	strncat(detail.named, named, sizeof detail.named - 1);
	return question_refuse(question, BAOPHU_CODE_QUERY, &detail);
}

static int refuse_seq(struct question *question, enum baophu_fault fault, uint64_t wanted_seq, uint64_t newest_seq)
{
	const struct baophu_detail detail = {
		.fault = fault, .date = BAOPHU_DATE_NONE, .wanted_seq = wanted_seq, .newest_seq = newest_seq
	};
	return question_refuse(question, BAOPHU_CODE_BEHIND, &detail);
}

void *question_alloc(struct question *question, size_t count, size_t bytes)
{
	return wire_arena_alloc(&question->engine->arena, count * bytes);
}

const char *question_text(struct question *question, const char *text)
{
	size_t bytes = strlen(text) + 1;
	char *copy = question_alloc(question, bytes, 1);
	return copy ? memcpy(copy, text, bytes) : NULL;
}

int question_read_log(struct question *question, uint64_t seq, const void **ret_record, size_t *ret_bytes)
{
	int error = log_read(question->engine->log_reader, seq, true, ret_record, ret_bytes);
	if (error)
		question->part = FOLLOWER_LOG;
	return error;
}

int question_place(struct question *question, uint64_t seq, struct baophu_place *ret_place)
{
	struct log_reader *reader = question->engine->log_reader;
	int error = log_place(reader, seq, ret_place);
	log_reader_release(reader);
	if (error && error != -BAOPHU_ENOTFOUND)
		question->part = FOLLOWER_LOG;
	return error;
}

const struct tree *question_tree(struct question *question)
{
	struct query_engine *engine = question->engine;
	const struct vec *versions = &engine->registry.units.versions;
	/* Knowing more than the newest version changes nothing, so one tree serves until the units change. */
	uint64_t newest = versions->count ? vec_at(versions, struct unit_version, versions->count - 1)->id : 0;
	uint64_t known_id = question->known_id < newest ? question->known_id : newest;
	if (engine->has_tree && engine->tree.date == question->tree_date && engine->tree.known_id == known_id)
		return &engine->tree;
	struct tree tree;
	if (tree_build(&tree, &engine->registry.units, question->tree_date, known_id))
		return NULL;
	snapshot_drop(&engine->snapshot); /* it points into the tree before */
	if (engine->has_tree)
		tree_finish(&engine->tree);
	engine->tree = tree;
	engine->has_tree = true;
	return &engine->tree;
}

const char *question_unit_code(const struct question *question, uint32_t unit)
{
	const struct units *units = &question->engine->registry.units;
	const struct unit_version *version = units_at(units, unit, question->tree_date, question->known_id);
	if (version)
		return version->code;
	for (uint32_t at = unit && unit < units->newest.count ? *vec_at(&units->newest, uint32_t, unit) : 0; at;) {
		version = vec_at(&units->versions, struct unit_version, at - 1);
		if (version->code[0])
			return version->code;
		at = version->older;
	}
	return "";
}

const char *question_agent_name(const struct question *question, uint32_t agent)
{
	const struct agents *agents = &question->engine->registry.agents;
	return agent && agent <= agents_count(agents) ? agents_get(agents, agent)->name : "";
}

/* ---- pages ---- */

static void put_le(uint8_t **at, unsigned bytes, uint64_t value)
{
	for (unsigned i = 0; i < bytes; i++, value >>= 8)
		*(*at)++ = (uint8_t)value;
}

static uint64_t get_le(const uint8_t **at, unsigned bytes)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t) * (*at)++ << 8 * i;
	return value;
}

/* What makes two questions the same: all of it but id, page, size of a page, and how new it must at least be. */
static uint64_t question_hash(struct question *question)
{
	static const uint8_t secret[crypto_shorthash_KEYBYTES] = "baophu question";
	uint8_t bytes[4096], hash[crypto_shorthash_BYTES];
	const uint8_t *at = hash;
	struct wire_query query = *question->query;
	query.id = query.min_seq = 0;
	query.page_bytes = 0;
	query.limit = 0;
	ssize_t size = wire_encode_query(&query, bytes, sizeof bytes);
	crypto_shorthash(hash, bytes, size > 0 ? (size_t)size : 0, secret);
	return get_le(&at, 8);
}

void question_continue(struct question *question, uint64_t position)
{
	uint8_t *at = question->answer->next_page;
	const struct baophu_place *cut = &question->answer->cut;
	*at++ = TOKEN_FORMAT;
	put_le(&at, 8, cut->seq);
	memcpy(at, cut->digest, sizeof cut->digest);
	at += sizeof cut->digest;
	put_le(&at, 8, position);
	put_le(&at, 8, question_hash(question));
	put_le(&at, 4, (uint32_t)question->as_of);
	put_le(&at, 4, (uint32_t)question->tree_date);
	question->answer->next_page_bytes = TOKEN_BYTES;
}

struct token {
	struct baophu_place cut;
	uint64_t position, hash;
	baophu_date as_of, tree_date;
};

static bool read_token(const struct wire_query *query, struct token *ret_token)
{
	const uint8_t *at = query->page + 1;
	if (query->page_bytes != TOKEN_BYTES || query->page[0] != TOKEN_FORMAT)
		return false;
	ret_token->cut.seq = get_le(&at, 8);
	memcpy(ret_token->cut.digest, at, BAOPHU_DIGEST_BYTES);
	at += BAOPHU_DIGEST_BYTES;
	ret_token->position = get_le(&at, 8);
	ret_token->hash = get_le(&at, 8);
	ret_token->as_of = (baophu_date)get_le(&at, 4);
	ret_token->tree_date = (baophu_date)get_le(&at, 4);
	return ret_token->as_of >= BAOPHU_DATE_MIN && ret_token->as_of <= BAOPHU_DATE_MAX &&
	       ret_token->tree_date >= BAOPHU_DATE_MIN && ret_token->tree_date <= BAOPHU_DATE_MAX;
}

/* ---- the cut ---- */

/* The collector folds right after it commits, so a state behind the log is behind by a moment. */
static int wait_for_state(struct query_engine *engine, uint64_t seq, uint32_t timeout_ms)
{
	int error = refresh(engine);
	for (uint64_t waited_us = 0; !error && engine->place.seq < seq && waited_us < timeout_ms * UINT64_C(1000);
	     waited_us += STATE_NAP_US) {
		nanosleep(&(struct timespec){ .tv_nsec = STATE_NAP_US * 1000 }, NULL);
		error = refresh(engine);
	}
	return error;
}

static int settle_cut(struct question *question, enum source source, const struct token *token)
{
	struct query_engine *engine = question->engine;
	const struct wire_query *query = question->query;
	struct wire_answer *answer = question->answer;
	uint64_t wanted_seq = query->min_seq > query->known_seq ? query->min_seq : query->known_seq;
	struct baophu_place reached;
	int error;

	if (token && token->cut.seq > wanted_seq)
		wanted_seq = token->cut.seq;
	uint64_t head_seq = log_head(engine->config.log).seq;
	if (wanted_seq > head_seq) /* nobody else waits while one reader waits for what may never come */
		return refuse_seq(question, BAOPHU_FAULT_SEQ_AHEAD, wanted_seq, head_seq);
	if (source == SOURCE_HISTORY) {
		uint64_t seq = wanted_seq ? wanted_seq : head_seq;
		error = follower_wait(engine->config.follower, seq, wanted_seq ? QUERY_WAIT_MS : QUERY_HEAD_WAIT_MS);
		if (error && error != -BAOPHU_ETIMEOUT)
			return error;
	}
	error = wait_for_state(engine, wanted_seq, source == SOURCE_LOG ? 0 : QUERY_WAIT_MS);
	if (error)
		return error;
	reached = source == SOURCE_LOG ? log_head(engine->config.log) : engine->place;
	if (source == SOURCE_HISTORY && history_place(engine->config.history).seq < reached.seq)
		reached = history_place(engine->config.history);
	if (reached.seq < wanted_seq)
		return refuse_seq(question, BAOPHU_FAULT_SEQ_BEHIND, wanted_seq, reached.seq);

	struct baophu_place found;
	if (token) {
		error = question_place(question, token->cut.seq, &found);
		if (error && error != -BAOPHU_ENOTFOUND)
			return error;
		if (error || memcmp(found.digest, token->cut.digest, sizeof found.digest) != 0)
			return question_refuse(question, BAOPHU_CODE_SNAPSHOT_REQUIRED,
					       &(struct baophu_detail){ .fault = BAOPHU_FAULT_HISTORY,
									.date = BAOPHU_DATE_NONE,
									.wanted_seq = token->cut.seq });
	}
	if (token && source != SOURCE_LIVE) {
		reached = token->cut;
	} else if (query->known_seq && query->known_seq < reached.seq && source != SOURCE_LIVE) {
		error = question_place(question, query->known_seq, &reached);
		if (error)
			return error;
	}
	answer->cut = reached;
	answer->known_seq = reached.seq;
	question->known_id = entry_id(reached.seq, 0x1ffff);
	return 0;
}

/* ---- the axes ---- */

static int settle_unit(struct question *question, bool needs_unit)
{
	const struct wire_query *query = question->query;
	const struct units *units = &question->engine->registry.units;
	uint32_t suggestion = 0;
	if (!query->unit[0])
		return needs_unit ? refuse_code(question, BAOPHU_FAULT_UNIT_MISSING, "") : 0;
	enum baophu_code code = units_find(units, query->unit, question->tree_date, question->known_id, &question->unit,
					   &suggestion);
	if (!code)
		return 0;
	bool is_unknown = code == BAOPHU_CODE_UNIT_UNKNOWN;
	struct baophu_detail detail = { .fault = is_unknown ? BAOPHU_FAULT_UNIT_UNKNOWN : BAOPHU_FAULT_UNIT_NOT_VALID,
					.date = question->tree_date };
	strncat(detail.named, query->unit, sizeof detail.named - 1);
	const struct unit_version *successor = units_at(units, suggestion, question->tree_date, question->known_id);
	if (successor) {
		memcpy(detail.successor, successor->code, sizeof detail.successor);
		strncat(detail.successor_name, units_name(units, successor), sizeof detail.successor_name - 1);
	}
	return question_refuse(question, BAOPHU_CODE_QUERY, &detail);
}

static int settle_axes(struct question *question, const struct request *request, const struct token *token)
{
	const struct wire_query *query = question->query;
	const struct registry *registry = &question->engine->registry;
	struct wire_answer *answer = question->answer;
	baophu_date day = registry->day == BAOPHU_DATE_NONE ? BAOPHU_DATE_MIN : registry->day;
	question->as_of = token ? token->as_of : query->as_of == BAOPHU_DATE_NONE ? day : query->as_of;
	question->tree_date = token ? token->tree_date : query->tree_date == BAOPHU_DATE_NONE ? question->as_of : query->tree_date;
	if (request->source == SOURCE_LIVE)
		question->as_of = question->tree_date = day;
	question->limit = query->limit ? query->limit : LIMIT_DEFAULT;
	answer->as_of = question->as_of;
	answer->tree_date = question->tree_date;
	answer->plan = query->plan;
	if (query->plan[0]) {
		question->plan = plans_find_code(&registry->plans, query->plan);
		if (!question->plan)
			return refuse_code(question, BAOPHU_FAULT_PLAN_UNKNOWN, query->plan);
	}
	if (query->agent[0] && !(question->agent = agents_find(&registry->agents, query->agent)))
		return refuse_code(question, BAOPHU_FAULT_AGENT_UNKNOWN, query->agent);
	for (uint32_t i = 0; i < query->measure_count; i++)
		if (!measures_find(&registry->measures, query->measures[i]) &&
		    !measures_find_indicator(&registry->measures, query->measures[i]))
			return refuse_code(question, BAOPHU_FAULT_MEASURE_UNKNOWN, query->measures[i]);
	return settle_unit(question, request->needs_unit);
}

/* ---- the answer ---- */

static int answer_question(struct question *question)
{
	const struct wire_query *query = question->query;
	struct wire_answer *answer = question->answer;
	const struct request *request = NULL;
	struct token token;
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
		if (requests[i].kind == query->kind)
			request = &requests[i];
	if (!request)
		return refuse_code(question, BAOPHU_FAULT_KIND_UNKNOWN, "");
	if (query->page_bytes && (!read_token(query, &token) || token.hash != question_hash(question)))
		return refuse_code(question, BAOPHU_FAULT_PAGE, "");
	const struct token *page = query->page_bytes ? &token : NULL;
	question->position = page ? page->position : 0;
	int error = settle_cut(question, request->source, page);
	if (!error && !answer->code)
		error = settle_axes(question, request, page);
	if (!error && !answer->code)
		error = request->handler(question);
	return error;
}

/* History or log are damaged, or cannot be read: said once, and the question is asked again later. */
static void answer_failure(struct question *question, int error)
{
	struct query_engine *engine = question->engine;
	if (engine->config.failed && error != -ENOMEM)
		engine->config.failed(engine->config.context, question->part, error, question->answer->cut.seq);
	*question->answer = (struct wire_answer){
		.id = question->query->id, .plan = "", .text = "", .as_of = BAOPHU_DATE_NONE, .tree_date = BAOPHU_DATE_NONE
	};
	question->answer->code = error == -ENOMEM ? BAOPHU_CODE_BUSY : BAOPHU_CODE_INDEXING;
	question->answer->text = baophu_strerror(error);
}

ssize_t query_answer(struct query_engine *engine, const void *bytes, size_t byte_count, void *buffer, size_t size)
{
	struct wire_query query = { 0 };
	struct wire_answer answer = { .text = "", .plan = "", .as_of = BAOPHU_DATE_NONE, .tree_date = BAOPHU_DATE_NONE };
	struct question question = {
		.engine = engine, .query = &query, .answer = &answer, .buffer = buffer, .size = size, .part = FOLLOWER_HISTORY
	};
	const char *why = "not a question";
	wire_arena_reset(&engine->arena);
	if (wire_decode_query(&engine->arena, bytes, byte_count, &query, &why) < 0) {
		answer.id = query.id;
		answer.code = BAOPHU_CODE_QUERY;
		answer.text = why;
		answer.detail = (struct baophu_detail){ .fault = BAOPHU_FAULT_UNREADABLE, .date = BAOPHU_DATE_NONE };
		if (engine->config.malformed)
			engine->config.malformed(engine->config.context, why);
	} else {
		answer.id = query.id;
		int error = answer_question(&question);
		if (error)
			answer_failure(&question, error);
	}
	wire_arena_reset(&engine->scratch);
	ssize_t encoded = wire_encode_answer(&engine->scratch, &answer, buffer, size);
	if (!answer.next_page_bytes)
		snapshot_drop(&engine->snapshot);
	return encoded;
}
