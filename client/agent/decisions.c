/* decisions.c - see decisions.h. Two phases: the list of what is held, then a question for each update that is no longer in it. */
#include "decisions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	AGAIN_MS = 10 * 60 * 1000, /* nobody tells us when an administrator decides */
	RETRY_MS = 30 * 1000,
	STEP_MS = 20,
	ANSWER_MS = 20000,
};
enum phase { PHASE_IDLE, PHASE_HELD, PHASE_HISTORY };

struct decisions {
	char endpoint[256], agent[BAOPHU_CODE_BYTES_MAX + 1];
	struct reader *reader; /* while asking */
	enum phase phase;
	bool is_asked;
	int64_t due_ms, deadline_ms;
	struct wire_query query;
	uint64_t held[DECISIONS_HELD_MAX]; /* log places, as the centre lists them */
	uint32_t held_count;
	uint64_t cut_seq; /* of that list */
	uint32_t exception; /* next one of the outbox's to be looked at */
	uint64_t serial, held_seq; /* the update in question */
	struct wire_fact fact; /* a figure of it */
	char unit[BAOPHU_CODE_BYTES_MAX + 1], measure[BAOPHU_CODE_BYTES_MAX + 1];
	const char *measures[1];
};

int decisions_open(const char *endpoint, const char *agent, struct decisions **ret_decisions)
{
	struct decisions *decisions = calloc(1, sizeof *decisions);
	if (!decisions)
		return -ENOMEM;
	snprintf(decisions->endpoint, sizeof decisions->endpoint, "%s", endpoint);
	snprintf(decisions->agent, sizeof decisions->agent, "%s", agent);
	*ret_decisions = decisions;
	return 0;
}

static void rest(struct decisions *decisions, int64_t due_ms)
{
	reader_close(decisions->reader);
	decisions->reader = NULL;
	decisions->phase = PHASE_IDLE;
	decisions->is_asked = false;
	decisions->due_ms = due_ms;
}

void decisions_close(struct decisions *decisions)
{
	if (!decisions)
		return;
	reader_close(decisions->reader);
	free(decisions);
}

void decisions_wake(struct decisions *decisions, int64_t now_ms)
{
	if (decisions->phase == PHASE_IDLE && now_ms < decisions->due_ms)
		decisions->due_ms = now_ms;
}

int64_t decisions_due_ms(const struct decisions *decisions, bool is_possible)
{
	return is_possible || decisions->phase != PHASE_IDLE ? decisions->due_ms : INT64_MAX;
}

unsigned decisions_poll(const struct decisions *decisions, struct pollfd ret_descriptors[DECISIONS_DESCRIPTORS])
{
	int descriptors[DECISIONS_DESCRIPTORS];
	if (!decisions->reader || !reader_is_waiting(decisions->reader))
		return 0;
	reader_descriptors(decisions->reader, descriptors);
	for (unsigned i = 0; i < DECISIONS_DESCRIPTORS; i++)
		ret_descriptors[i] = (struct pollfd){ .fd = descriptors[i], .events = POLLIN };
	return DECISIONS_DESCRIPTORS;
}

/* Asks `query`, or takes its answer, which may be a refusal: 1, 0 not yet, or an error. */
static int converse(struct decisions *decisions, int64_t now_ms, struct wire_answer *ret_answer)
{
	if (now_ms >= decisions->deadline_ms)
		return -BAOPHU_ETIMEOUT;
	if (!decisions->is_asked || !reader_is_waiting(decisions->reader)) {
		int error = reader_ask(decisions->reader, &decisions->query);
		if (error == -EAGAIN)
			return 0;
		if (error)
			return error;
		decisions->is_asked = true;
	}
	int result = reader_take(decisions->reader, ret_answer);
	if (result)
		decisions->is_asked = false;
	if (result != -BAOPHU_EREFUSED)
		return result;
	bool is_not_yet = ret_answer->code == BAOPHU_CODE_BEHIND || baophu_code_is_retryable(ret_answer->code);
	return is_not_yet ? 0 : 1; /* not yet: asked again at the next step */
}

static void begin_question(struct decisions *decisions, enum phase phase, enum wire_query_kind kind, int64_t now_ms)
{
	decisions->phase = phase;
	decisions->query = reader_question(kind);
	decisions->is_asked = false;
	decisions->deadline_ms = now_ms + ANSWER_MS;
}

static bool is_held(const struct decisions *decisions, uint64_t seq)
{
	for (uint32_t i = 0; i < decisions->held_count; i++)
		if (decisions->held[i] == seq)
			return true;
	return false;
}

/* The next update that the outbox takes for held and the centre does not list: its serial; 0: none. */
static uint64_t next_decided(struct decisions *decisions, struct outbox *outbox)
{
	struct outbox_exception exception;
	for (; outbox_exception(outbox, decisions->exception, &exception) == 0; decisions->exception++)
		if (exception.state == OUTBOX_HELD && exception.receipt_seq <= decisions->cut_seq &&
		    !is_held(decisions, exception.receipt_seq)) {
			decisions->held_seq = exception.receipt_seq;
			return exception.serial;
		}
	return 0;
}

/* A figure of the update; false: it has none, or it cannot be read. */
static bool find_figure(struct decisions *decisions, struct outbox *outbox, uint64_t serial)
{
	struct outbox_walk *walk = NULL;
	struct outbox_update update;
	struct wire_payload payload;
	bool is_found = false;
	if (outbox_walk_open(outbox, serial, &walk) != 0)
		return false;
	if (outbox_walk_next(walk, &update, &payload) == 1 && update.serial == serial)
		for (uint32_t i = 0; !is_found && i < payload.entry_count; i++)
			if (payload.entries[i].kind == WIRE_FACT) {
				decisions->fact = payload.entries[i].fact;
				snprintf(decisions->unit, sizeof decisions->unit, "%s", decisions->fact.unit);
				snprintf(decisions->measure, sizeof decisions->measure, "%s", decisions->fact.measure);
				is_found = true;
			}
	outbox_walk_close(walk);
	return is_found;
}

static void ask_history(struct decisions *decisions, int64_t now_ms)
{
	begin_question(decisions, PHASE_HISTORY, WIRE_QUERY_HISTORY, now_ms);
	decisions->measures[0] = decisions->measure;
	decisions->query.unit = decisions->unit;
	decisions->query.tree_date = decisions->fact.to;
	decisions->query.measures = decisions->measures;
	decisions->query.measure_count = 1;
	decisions->query.since_seq = decisions->held_seq;
}

/* The log place at which the figure took effect after all; 0: not on this page. */
static uint64_t find_release(const struct decisions *decisions, const struct wire_answer *answer)
{
	const struct wire_fact *fact = &decisions->fact;
	for (uint32_t i = 0; i < answer->fact_count; i++) {
		const struct wire_fact_version *version = &answer->facts[i];
		if (version->seq > decisions->held_seq && version->from == fact->from && version->to == fact->to &&
		    version->extent == fact->extent && version->value == fact->value && version->status == fact->status &&
		    strcmp(version->agent, decisions->agent) == 0)
			return version->seq;
	}
	return 0;
}

/* What an answer led to. */
enum turn { TURN_GO_ON, TURN_DECIDED, TURN_DONE };
struct decision {
	uint64_t serial, seq;
	bool is_released;
};

static enum turn decide(const struct decisions *decisions, bool is_released, uint64_t seq, struct decision *ret_decision)
{
	*ret_decision = (struct decision){ .serial = decisions->serial, .is_released = is_released, .seq = seq };
	return TURN_DECIDED;
}

/* A page of what is held at the centre; after the last one, the next update that is no longer in the list. */
static int take_held(struct decisions *decisions, struct outbox *outbox, const struct wire_answer *answer, int64_t now_ms,
		     struct decision *ret_decision)
{
	if (answer->code)
		return -BAOPHU_EREFUSED;
	for (uint32_t i = 0; i < answer->held_count; i++) {
		if (strcmp(answer->held[i].agent, decisions->agent) != 0)
			continue;
		if (decisions->held_count == DECISIONS_HELD_MAX)
			return -BAOPHU_EFULL;
		decisions->held[decisions->held_count++] = answer->held[i].seq;
	}
	decisions->cut_seq = answer->cut.seq;
	if (reader_next_page(&decisions->query, answer))
		return TURN_GO_ON;
	decisions->serial = next_decided(decisions, outbox);
	if (!decisions->serial)
		return TURN_DONE;
	if (!find_figure(decisions, outbox, decisions->serial)) /* a withdrawal or a rate: nothing tells what became of it */
		return (int)decide(decisions, true, 0, ret_decision);
	ask_history(decisions, now_ms);
	return TURN_GO_ON;
}

/* A page of what was reported in the slot since. Where the centre does not know unit or measure it cannot have taken effect, nor when the
 * history has no word of it. */
static int take_history(struct decisions *decisions, const struct wire_answer *answer, struct decision *ret_decision)
{
	if (answer->code == BAOPHU_CODE_QUERY || answer->code == BAOPHU_CODE_UNIT_UNKNOWN ||
	    answer->code == BAOPHU_CODE_UNIT_NOT_VALID)
		return (int)decide(decisions, false, 0, ret_decision);
	if (answer->code)
		return -BAOPHU_EREFUSED;
	uint64_t seq = find_release(decisions, answer);
	if (seq)
		return (int)decide(decisions, true, seq, ret_decision);
	return reader_next_page(&decisions->query, answer) ? (int)TURN_GO_ON : (int)decide(decisions, false, 0, ret_decision);
}

static void ask_held(struct decisions *decisions, const struct outbox_standing *standing, int64_t now_ms)
{
	decisions->held_count = decisions->exception = 0;
	begin_question(decisions, PHASE_HELD, WIRE_QUERY_HELD, now_ms);
	decisions->query.min_seq = standing->last.seq;
}

int decisions_work(struct decisions *decisions, struct outbox *outbox, int64_t now_ms, uint64_t *ret_serial, bool *ret_is_released)
{
	const struct outbox_standing *standing = outbox_standing(outbox);
	struct wire_answer answer;
	struct decision decision = { 0 };
	int result = 0;
	if (decisions->phase == PHASE_IDLE) {
		if (now_ms < decisions->due_ms || !standing->held || !standing->is_connected)
			return 0;
		result = reader_open(NULL, decisions->endpoint, &decisions->reader);
		ask_held(decisions, standing, now_ms);
	}
	decisions->due_ms = now_ms + STEP_MS;
	while (!result && (result = converse(decisions, now_ms, &answer)) == 1)
		result = decisions->phase == PHASE_HELD ? take_held(decisions, outbox, &answer, now_ms, &decision)
							: take_history(decisions, &answer, &decision);
	if (result == TURN_DECIDED) {
		int error = outbox_settle_held(outbox, decision.serial, decision.is_released, decision.seq);
		if (error)
			result = error;
	}
	if (result < 0)
		rest(decisions, now_ms + RETRY_MS);
	if (result == TURN_DONE)
		rest(decisions, now_ms + AGAIN_MS);
	if (result != TURN_DECIDED)
		return 0;
	ask_held(decisions, standing, now_ms); /* anew: the list of the outbox is another one now */
	*ret_serial = decision.serial;
	*ret_is_released = decision.is_released;
	return 1;
}
