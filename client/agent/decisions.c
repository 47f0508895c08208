/* decisions.c - see decisions.h. A page of the centre's list at a time; what is decided of it is handed out one by one. */
#include "decisions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	AGAIN_MS = 60 * 1000, /* nobody tells us when something is decided */
	RETRY_MS = 30 * 1000,
	STEP_MS = 20,
	ANSWER_MS = 20000,
};
/* What the centre decided about one held update. */
struct decision {
	uint64_t held_seq, seq;
	bool is_released;
};

struct decisions {
	char endpoint[256], agent[BAOPHU_CODE_BYTES_MAX + 1];
	struct reader *reader; /* while asking */
	bool is_asking, is_asked;
	int64_t due_ms, deadline_ms;
	struct wire_query query;
	struct decision page[BAOPHU_PAGE_RECORDS_MAX]; /* those of the page at hand, by held_seq */
	uint32_t decided;
	bool is_last; /* page of the answer */
	uint32_t exception; /* next one of the outbox's to be looked at with this page */
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
	decisions->is_asking = decisions->is_asked = false;
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
	if (!decisions->is_asking && now_ms < decisions->due_ms)
		decisions->due_ms = now_ms;
}

int64_t decisions_due_ms(const struct decisions *decisions, bool is_possible)
{
	return is_possible || decisions->is_asking ? decisions->due_ms : INT64_MAX;
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

/* From the oldest update on that the outbox takes for held; false: there is none with a receipt. */
static bool ask(struct decisions *decisions, const struct outbox *outbox, int64_t now_ms)
{
	struct outbox_exception exception;
	uint64_t oldest_seq = 0;
	for (uint32_t i = 0; outbox_exception(outbox, i, &exception) == 0; i++)
		if (exception.state == OUTBOX_HELD && exception.receipt_seq && (!oldest_seq || exception.receipt_seq < oldest_seq))
			oldest_seq = exception.receipt_seq;
	decisions->is_asking = true;
	decisions->is_asked = decisions->is_last = false;
	decisions->decided = 0;
	decisions->deadline_ms = now_ms + ANSWER_MS;
	decisions->query = reader_question(WIRE_QUERY_HELD);
	decisions->query.agent = decisions->agent;
	decisions->query.since_seq = oldest_seq;
	decisions->query.min_seq = outbox_standing(outbox)->last.seq;
	decisions->query.limit = BAOPHU_PAGE_RECORDS_MAX;
	return oldest_seq != 0;
}

/* A page of the list: what of it is decided. */
static int take(struct decisions *decisions, const struct wire_answer *answer, int64_t now_ms)
{
	if (answer->code)
		return -BAOPHU_EREFUSED;
	decisions->decided = decisions->exception = 0;
	for (uint32_t i = 0; i < answer->held_count && i < BAOPHU_PAGE_RECORDS_MAX; i++) {
		const struct wire_held_info *held = &answer->held[i];
		if (held->decision == BAOPHU_APPLIED || held->decision == BAOPHU_REFUSED)
			decisions->page[decisions->decided++] = (struct decision){
				.held_seq = held->seq, .seq = held->decision_seq, .is_released = held->decision == BAOPHU_APPLIED
			};
	}
	decisions->is_last = !reader_next_page(&decisions->query, answer);
	decisions->deadline_ms = now_ms + ANSWER_MS;
	return 0;
}

static int by_held_seq(const void *key, const void *element)
{
	uint64_t seq = *(const uint64_t *)key;
	const struct decision *decision = element;
	return seq < decision->held_seq ? -1 : seq > decision->held_seq;
}

/* The next update of the outbox that this page decides: its serial; 0: none. */
static uint64_t next_decided(struct decisions *decisions, const struct outbox *outbox, const struct decision **ret_decision)
{
	struct outbox_exception exception;
	while (decisions->decided && outbox_exception(outbox, decisions->exception, &exception) == 0) {
		const struct decision *decision = exception.state != OUTBOX_HELD
						      ? NULL
						      : bsearch(&exception.receipt_seq, decisions->page, decisions->decided,
								sizeof *decision, by_held_seq);
		if (decision) {
			*ret_decision = decision;
			return exception.serial;
		}
		decisions->exception++;
	}
	return 0;
}

int decisions_work(struct decisions *decisions, struct outbox *outbox, int64_t now_ms, uint64_t *ret_serial, bool *ret_is_released)
{
	const struct outbox_standing *standing = outbox_standing(outbox);
	const struct decision *decision;
	struct wire_answer answer;
	int result = 0;
	if (!decisions->is_asking) {
		if (now_ms < decisions->due_ms || !standing->held || !standing->is_connected)
			return 0;
		if (!ask(decisions, outbox, now_ms)) {
			rest(decisions, now_ms + AGAIN_MS);
			return 0;
		}
		result = reader_open(NULL, decisions->endpoint, &decisions->reader);
	}
	decisions->due_ms = now_ms + STEP_MS;
	while (!result) {
		uint64_t serial = next_decided(decisions, outbox, &decision);
		if (serial) {
			/* One that is refused stays in the outbox's list, one that is released leaves it. */
			result = outbox_settle_held(outbox, serial, decision->is_released, decision->seq);
			if (result)
				break;
			decisions->due_ms = now_ms;
			*ret_serial = serial;
			*ret_is_released = decision->is_released;
			return 1;
		}
		if (decisions->is_last) {
			rest(decisions, now_ms + AGAIN_MS);
			return 0;
		}
		result = converse(decisions, now_ms, &answer);
		if (!result)
			return 0;
		result = result == 1 ? take(decisions, &answer, now_ms) : result;
	}
	rest(decisions, now_ms + RETRY_MS);
	return 0;
}
