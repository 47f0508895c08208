/* api_session.c - the session of client.h: plain entries with defaults filled in, receipts that the caller keeps.
 *
 * Exactly-once, resending and credit are session.c's; administration and effects are not offered here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/client.h>

#include "session.h"

struct baophu_session {
	struct session *session;
	char agent[BAOPHU_CODE_BYTES_MAX + 1];
	struct wire_entry *entries; /* of the call under way; grows, never shrinks */
	uint32_t capacity;
	uint8_t payload[BAOPHU_MESSAGE_BYTES_MAX];
};

int baophu_session_open(const struct baophu_session_config *config, struct baophu_session **ret_session, enum baophu_code *ret_code)
{
	*ret_code = BAOPHU_CODE_NONE;
	if (!config->endpoint || !config->agent || strlen(config->agent) > BAOPHU_CODE_BYTES_MAX)
		return -EINVAL;
	struct session_config inner = { .endpoint = config->endpoint,
					.agent = config->agent,
					.epoch = config->epoch,
					.has_last = config->last.seq != 0,
					.last = config->last,
					.window = config->window,
					.timeout_ms = config->timeout_ms };
	struct baophu_session *session = calloc(1, sizeof *session);
	if (!session)
		return -ENOMEM;
	int error = session_open(&inner, &session->session, ret_code);
	if (error) {
		free(session);
		return error;
	}
	memcpy(session->agent, config->agent, strlen(config->agent) + 1);
	*ret_session = session;
	return 0;
}

void baophu_session_close(struct baophu_session *session)
{
	if (!session)
		return;
	session_close(session->session);
	free(session->entries);
	free(session);
}

/* ---- entries ---- */

static baophu_date first_day(baophu_date from, baophu_date to) { return from && from != BAOPHU_DATE_NONE ? from : to; }

static int read_fact(const struct baophu_fact *fact, bool is_withdrawal, struct wire_fact *ret_fact)
{
	if (!fact->unit || !fact->measure || !fact->to)
		return -EINVAL;
	*ret_fact = (struct wire_fact){ .unit = fact->unit,
					.measure = fact->measure,
					.extent = fact->extent ? fact->extent : BAOPHU_WHOLE,
					.from = first_day(fact->from, fact->to),
					.to = fact->to,
					.value = BAOPHU_ABSENT,
					.reason = fact->reason };
	if (is_withdrawal)
		return 0;
	ret_fact->value = fact->value;
	ret_fact->status = fact->status ? fact->status : BAOPHU_FINAL;
	ret_fact->origin = fact->origin ? fact->origin : BAOPHU_REPORTED;
	ret_fact->bound = fact->bound ? fact->bound : BAOPHU_EXACT;
	return 0;
}

static int read_rate(const struct baophu_rate *rate, struct wire_rate *ret_rate)
{
	if (!rate->unit || !rate->measure || !rate->to)
		return -EINVAL;
	*ret_rate = (struct wire_rate){ .unit = rate->unit,
					.measure = rate->measure,
					.over = rate->over ? rate->over : "",
					.denominator = rate->denominator ? rate->denominator : BAOPHU_OVER_UNSTATED,
					.from = first_day(rate->from, rate->to),
					.to = rate->to,
					.digits = rate->digits,
					.decimals = rate->decimals,
					.status = rate->status ? rate->status : BAOPHU_FINAL,
					.bound = rate->bound ? rate->bound : BAOPHU_EXACT };
	return 0;
}

/* Fills session->entries. What a code or figure may be is the collector's to say: its answer names the entry. */
static int read_entries(struct baophu_session *session, const struct baophu_entry *entries, uint32_t count)
{
	if (!count)
		return -EINVAL;
	if (count > BAOPHU_BATCH_ENTRIES_MAX)
		return -BAOPHU_EFULL;
	if (count > session->capacity) {
		struct wire_entry *room = realloc(session->entries, count * sizeof *room);
		if (!room)
			return -ENOMEM;
		session->entries = room;
		session->capacity = count;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct wire_entry *entry = &session->entries[i];
		int error = -EINVAL;
		switch (entries[i].kind) {
		case BAOPHU_ENTRY_FACT:
			entry->kind = WIRE_FACT;
			error = read_fact(&entries[i].fact, false, &entry->fact);
			break;
		case BAOPHU_ENTRY_WITHDRAWAL:
			entry->kind = WIRE_WITHDRAWAL;
			error = read_fact(&entries[i].fact, true, &entry->fact);
			break;
		case BAOPHU_ENTRY_RATE:
			entry->kind = WIRE_RATE;
			error = read_rate(&entries[i].rate, &entry->rate);
			break;
		}
		if (error)
			return error;
	}
	return 0;
}

/* ---- out and in ---- */

static void read_outcome(const struct session_outcome *outcome, struct baophu_receipt *ret_receipt)
{
	*ret_receipt = (struct baophu_receipt){ .epoch = outcome->receipt.epoch,
						.number = outcome->number,
						.place = outcome->receipt.place,
						.verdict = outcome->receipt.verdict,
						.code = outcome->receipt.code,
						.entry = outcome->receipt.entry };
	size_t bytes = outcome->suggestion ? strlen(outcome->suggestion) : 0;
	if (bytes < sizeof ret_receipt->suggestion)
		memcpy(ret_receipt->suggestion, outcome->suggestion ? outcome->suggestion : "", bytes);
}

int baophu_session_send(struct baophu_session *session, const struct baophu_entry *entries, uint32_t count,
			struct baophu_receipt *ret_receipt, enum baophu_code *ret_code)
{
	struct session_outcome outcome;
	*ret_code = BAOPHU_CODE_NONE;
	int error = read_entries(session, entries, count);
	if (!error)
		error = session_send_entries(session->session, session->entries, count, &outcome, ret_code);
	if (!error)
		read_outcome(&outcome, ret_receipt);
	else if (error == -BAOPHU_EREFUSED && *ret_code == BAOPHU_CODE_NONE)
		*ret_code = session_standing(session->session)->turned;
	return error;
}

int baophu_session_push(struct baophu_session *session, const struct baophu_entry *entries, uint32_t count, uint64_t number,
			uint64_t *ret_number)
{
	if (count > BAOPHU_ENTRIES_MAX)
		return -BAOPHU_EFULL;
	int error = read_entries(session, entries, count);
	if (error)
		return error;
	if (!number)
		return session_push(session->session, session->entries, count, ret_number);
	struct wire_payload payload = { .agent = session->agent,
					.epoch = session_standing(session->session)->epoch,
					.number = number,
					.entry_count = count,
					.entries = session->entries };
	ssize_t bytes = wire_encode_payload(&payload, session->payload, sizeof session->payload);
	if (bytes < 0)
		return (int)bytes;
	error = session_push_payload(session->session, number, session->payload, (size_t)bytes);
	if (!error)
		*ret_number = number;
	return error;
}

int baophu_session_wait(struct baophu_session *session, int timeout_ms, struct baophu_receipt *ret_receipt)
{
	struct session_outcome outcome;
	int result = session_wait(session->session, timeout_ms, &outcome);
	if (result > 0)
		read_outcome(&outcome, ret_receipt);
	return result;
}

void baophu_session_standing(const struct baophu_session *session, struct baophu_session_standing *ret_standing)
{
	const struct session_standing *standing = session_standing(session->session);
	*ret_standing = (struct baophu_session_standing){ .is_open = standing->is_open,
							  .last_unknown = standing->last_unknown,
							  .epoch = standing->epoch,
							  .next = standing->next,
							  .unanswered = standing->unanswered,
							  .reconnects = standing->reconnects,
							  .turned = standing->turned,
							  .waiting_for = standing->waiting_for,
							  .head = standing->head,
							  .last = standing->last };
}
