/* session.c - see session.h.
 *
 * Updates without receipt stand in a queue in order of number; the first `sent` of them were sent on this connection. Losing the
 * connection, or a "not now", only moves `sent` back: everything behind it is sent again as it is. Before it resends after a "not now" it
 * waits until what was under way is answered, for each of those answers is another "not now" that must not start it again.
 */
#include "session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "link.h"

enum {
	PROTOCOL = 1,
	ENVELOPE_BYTES = 64, /* what an Update message adds to its payload, at most */
	HELLO_AGAIN_MS = 2000,
	BEAT_MS = 10000, /* a session that says nothing this long says Beat */
	BACKOFF_MS = 50,
	BACKOFF_MS_MAX = 30000,
	DRAIN_MS = 1000, /* at most this long for answers to what is under way after a "not now" */
	SEND_FULL_MS = 5, /* look again at a send queue that was full */
	ANSWER_BYTES_MAX = 16 << 20,
};

struct pending {
	uint64_t number;
	uint8_t *message; /* an AgentMessage; owned */
	size_t bytes;
	bool answered;
};

struct session {
	struct link link;
	char agent[BAOPHU_CODE_BYTES_MAX + 1];
	struct session_standing standing;
	int timeout_ms;
	bool want_effect, has_last, is_spooled;

	struct pending *pending; /* ring of `window` */
	uint32_t window, first, sent; /* sent: how many of the unanswered were sent on this connection, from the first on */
	uint32_t awaited; /* messages under way that will be answered */
	size_t bytes_under_way;

	uint32_t link_seen; /* up_count of the connection that Hello was said on */
	bool hello_said;
	uint32_t hellos; /* since the last Welcome */
	int64_t hello_ms, heard_ms, said_ms;
	int64_t resume_ms, drain_until_ms; /* 0: nothing holds the queue up */
	uint64_t put_off; /* number of the update that waiting_for was said of; 0: of none */
	int backoff_ms;

	struct wire_arena arena; /* of the message whose items are being handed out */
	zmq_msg_t message;
	struct wire_collector_message heard;
	uint32_t item; /* next item of it */
	bool has_stopped;

	uint8_t scratch[BAOPHU_MESSAGE_BYTES_MAX];
};

static struct pending *at(const struct session *session, uint32_t index)
{
	return &session->pending[(session->first + index) % session->window];
}

const struct session_standing *session_standing(const struct session *session) { return &session->standing; }

/* ---- saying ---- */

static int say(struct session *session, const void *bytes, size_t size)
{
	int error = link_send(&session->link, bytes, size);
	if (!error)
		session->said_ms = link_now_ms();
	return error;
}

static void say_hello(struct session *session, int64_t now_ms)
{
	struct wire_hello hello = { .protocol = PROTOCOL, .agent = session->agent, .epoch = session->standing.epoch };
	hello.has_last = session->has_last;
	hello.last = session->standing.last;
	ssize_t bytes = wire_encode_hello(&hello, session->scratch, sizeof session->scratch);
	if (bytes < 0 || say(session, session->scratch, (size_t)bytes) < 0)
		return; /* the connection is new and not quite there: tried again at the next step */
	session->hello_said = true;
	session->hellos++;
	session->hello_ms = now_ms;
	session->heard_ms = now_ms;
}

/* Everything without receipt is to be sent again, from `index` on. */
static void rewind_to(struct session *session, uint32_t index)
{
	while (session->sent > index)
		session->bytes_under_way -= at(session, --session->sent)->bytes;
}

static void send_what_may_go(struct session *session, int64_t now_ms)
{
	if (!session->standing.is_open)
		return;
	if (session->resume_ms) {
		if (now_ms < session->resume_ms || (session->awaited && now_ms < session->drain_until_ms))
			return;
		session->resume_ms = 0;
		session->awaited = 0;
	}
	while (session->sent < session->standing.unanswered) {
		struct pending *next = at(session, session->sent);
		if (session->sent && session->bytes_under_way + next->bytes > session->standing.credit_bytes)
			return;
		if (!next->answered) {
			if (say(session, next->message, next->bytes) < 0)
				return;
			if (!session->awaited++)
				session->heard_ms = now_ms; /* silence counts from the first question */
		}
		session->bytes_under_way += next->bytes;
		session->sent++;
	}
}

/* ---- hearing ---- */

static void forget_first(struct session *session)
{
	struct pending *done = at(session, 0);
	if (session->sent) {
		session->sent--;
		session->bytes_under_way -= done->bytes;
	}
	session->standing.unanswered--;
	session->standing.unanswered_bytes -= done->bytes;
	free(done->message);
	*done = (struct pending){ 0 };
	session->first = (session->first + 1) % session->window;
}

static void lose_connection(struct session *session)
{
	if (session->standing.is_open)
		session->standing.reconnects++;
	session->standing.is_open = false;
	session->hello_said = false;
	rewind_to(session, 0);
	session->awaited = 0;
	session->resume_ms = 0;
	session->standing.has_staged = false;
	if (session->is_spooled) {
		while (session->standing.unanswered)
			forget_first(session);
		session->standing.next = 0;
	}
}

static int hear_welcome(struct session *session, const struct wire_welcome *welcome)
{
	struct session_standing *standing = &session->standing;
	if (!session->hello_said || standing->is_open)
		return 0; /* to a Hello said twice */
	if (standing->epoch && welcome->epoch != standing->epoch)
		return -BAOPHU_EPROTOCOL;
	standing->epoch = welcome->epoch;
	standing->credit_bytes = welcome->credit_bytes;
	standing->head = welcome->head;
	standing->last_unknown = welcome->last_unknown;
	memcpy(standing->store, welcome->store, sizeof standing->store);
	standing->has_backup = welcome->has_backup;
	standing->backup = welcome->backup;
	standing->is_open = true;
	standing->welcomes++;
	session->hellos = 0;
	standing->waiting_for = BAOPHU_CODE_NONE;
	session->put_off = 0;
	if (!standing->next) { /* the session's first Welcome, or nothing is pending */
		standing->next = welcome->next;
		return 0;
	}
	uint64_t oldest = standing->unanswered ? at(session, 0)->number : standing->next;
	if (welcome->next < oldest) {
		standing->next = welcome->next;
		return -BAOPHU_EGAP;
	}
	return 0;
}

static uint32_t find(const struct session *session, uint64_t number)
{
	if (!session->standing.unanswered || number < at(session, 0)->number)
		return UINT32_MAX;
	uint64_t index = number - at(session, 0)->number;
	return index < session->standing.unanswered ? (uint32_t)index : UINT32_MAX;
}

static int hear_not_now(struct session *session, const struct wire_not_now *answer, int64_t now_ms)
{
	if (answer->code == BAOPHU_CODE_EPOCH) { /* the collector forgot this session: Hello again */
		lose_connection(session);
		return 0;
	}
	if (!baophu_code_is_retryable(answer->code)) {
		session->standing.turned = answer->code;
		return -BAOPHU_EREFUSED;
	}
	if (answer->epoch != session->standing.epoch || !answer->number)
		return 0;
	if (session->awaited)
		session->awaited--;
	uint32_t index = find(session, answer->number);
	if (index == UINT32_MAX || index >= session->sent)
		return 0; /* already waiting to be sent again */
	if (answer->code == BAOPHU_CODE_EXPECT) {
		uint32_t expected = find(session, answer->expect);
		if (expected == UINT32_MAX && answer->expect < at(session, 0)->number) {
			session->standing.next = answer->expect;
			return -BAOPHU_EGAP;
		}
		if (expected < index)
			index = expected;
	}
	rewind_to(session, index);
	int wait_ms = answer->retry_after_ms < BACKOFF_MS_MAX ? (int)answer->retry_after_ms : BACKOFF_MS_MAX;
	if (answer->code != BAOPHU_CODE_EXPECT) {
		session->standing.waiting_for = answer->code;
		session->put_off = answer->number;
		session->backoff_ms = session->backoff_ms ? session->backoff_ms * 2 : BACKOFF_MS;
		if (session->backoff_ms > BACKOFF_MS_MAX)
			session->backoff_ms = BACKOFF_MS_MAX;
		if (wait_ms < session->backoff_ms)
			wait_ms = session->backoff_ms;
	}
	wait_ms += (int)randombytes_uniform((uint32_t)wait_ms / 4 + 1);
	session->resume_ms = now_ms + wait_ms;
	session->drain_until_ms = now_ms + DRAIN_MS;
	return 0;
}

/* True when the receipt is that of an update without one. */
static bool take_receipt(struct session *session, const struct wire_receipt *receipt)
{
	if (receipt->epoch != session->standing.epoch)
		return false;
	uint32_t index = find(session, receipt->number);
	if (index == UINT32_MAX || at(session, index)->answered)
		return false;
	at(session, index)->answered = true;
	/* A receipt waits for the disk, a "not now" does not: those of updates before the one that is put off come after it, and say nothing
	 * of it. */
	if (receipt->number >= session->put_off) {
		session->standing.waiting_for = BAOPHU_CODE_NONE;
		session->put_off = 0;
		session->backoff_ms = 0;
	}
	if (receipt->place.seq > session->standing.last.seq) {
		session->standing.last = receipt->place;
		session->has_last = true;
		if (receipt->place.seq > session->standing.head.seq)
			session->standing.head = receipt->place;
	}
	while (session->standing.unanswered && at(session, 0)->answered)
		forget_first(session);
	return true;
}

/* Hands out the next receipt of the message in hand: 1, or 0 when there is none left. */
static int next_item(struct session *session, struct session_outcome *ret_outcome)
{
	while (session->heard.kind == WIRE_RECEIPTS && session->item < session->heard.receipts.item_count) {
		const struct wire_receipt_item *item = &session->heard.receipts.items[session->item++];
		struct session_outcome outcome = { .receipt_bytes = item->receipt,
						   .receipt_byte_count = item->receipt_bytes,
						   .effect_count = item->effect_count,
						   .effects = item->effects,
						   .suggestion = item->suggestion };
		if (wire_decode_receipt(&session->arena, item->receipt, item->receipt_bytes, &outcome.receipt) < 0)
			return -BAOPHU_EPROTOCOL;
		if (session->awaited)
			session->awaited--;
		outcome.number = outcome.receipt.number;
		if (take_receipt(session, &outcome.receipt)) {
			*ret_outcome = outcome;
			return 1;
		}
	}
	return 0;
}

/* Takes one message off the socket: 1, 0 when there is none, or an error. */
static int hear(struct session *session, int64_t now_ms)
{
	zmq_msg_t frames[2];
	zmq_msg_init(&frames[0]);
	zmq_msg_init(&frames[1]);
	int result = link_receive(&session->link, frames);
	if (result == 1) {
		zmq_msg_move(&session->message, &frames[0]); /* receipts borrow its bytes */
		size_t size = zmq_msg_size(&session->message);
		session->heard = (struct wire_collector_message){ 0 };
		session->item = 0;
		result = link_arena_fit(&session->arena, size);
		if (!result)
			result = wire_decode_collector_message(&session->arena, zmq_msg_data(&session->message), size,
							       &session->heard);
		if (result)
			result = result == -ENOMEM ? result : -BAOPHU_EPROTOCOL;
		else
			result = 1;
	} else if (result == 2) {
		result = -BAOPHU_EPROTOCOL;
	}
	zmq_msg_close(&frames[0]);
	zmq_msg_close(&frames[1]);
	if (result != 1)
		return result;

	int error = 0;
	session->heard_ms = now_ms;
	switch (session->heard.kind) {
	case WIRE_WELCOME:
		error = hear_welcome(session, &session->heard.welcome);
		break;
	case WIRE_TURNED:
		/* EPOCH is also the answer to everything that was under way when the collector forgot the session: Hello again, and
		 * believe it only when a second Hello gets nothing else. Any other word, or the first Hello of all: for good. */
		if (session->standing.welcomes && session->heard.turned == BAOPHU_CODE_EPOCH && session->hellos < 2) {
			if (session->standing.is_open)
				lose_connection(session);
			break;
		}
		if (baophu_code_is_retryable(session->heard.turned)) { /* no room for a new epoch just now */
			session->standing.waiting_for = session->heard.turned;
			break;
		}
		session->standing.turned = session->heard.turned;
		session->standing.is_open = false;
		error = -BAOPHU_EREFUSED;
		break;
	case WIRE_RECEIPTS:
		break;
	case WIRE_NOT_NOW:
		error = hear_not_now(session, &session->heard.not_now, now_ms);
		break;
	case WIRE_STAGED:
		session->standing.staged = session->heard.staged;
		session->standing.has_staged = true;
		break;
	case WIRE_BEAT_ANSWER:
		if (session->heard.head.seq > session->standing.head.seq)
			session->standing.head = session->heard.head;
		break;
	case WIRE_STOPPED:
		session->has_stopped = true;
		break;
	}
	return error ? error : 1;
}

/* ---- the step: connection, Hello, queue, beat ---- */

static void keep_up(struct session *session, int64_t now_ms)
{
	if (!session->link.is_up || session->link_seen != session->link.up_count) {
		if (session->standing.is_open || session->hello_said)
			lose_connection(session);
		session->link_seen = session->link.up_count;
	}
	if (session->link.is_up && !session->standing.is_open && session->standing.turned == BAOPHU_CODE_NONE &&
	    (!session->hello_said || now_ms - session->hello_ms > HELLO_AGAIN_MS))
		say_hello(session, now_ms);
	if (session->standing.is_open) {
		if (session->awaited && now_ms - session->heard_ms > session->timeout_ms)
			lose_connection(session); /* an answer was lost, or the session: Hello, and everything again */
		else if (now_ms - session->said_ms > BEAT_MS) {
			ssize_t bytes = wire_encode_beat(session->scratch, sizeof session->scratch);
			if (bytes > 0)
				say(session, session->scratch, (size_t)bytes);
		}
	}
	send_what_may_go(session, now_ms);
}

/* How long a wait may last before keep_up has something to do. */
static int64_t idle_ms(const struct session *session, int64_t now_ms)
{
	int64_t until = now_ms + 1000;
	if (session->standing.is_open && session->resume_ms) {
		int64_t resume = session->resume_ms;
		if (session->awaited && session->drain_until_ms > resume)
			resume = session->drain_until_ms;
		if (resume < until)
			until = resume;
	} else if (session->standing.is_open && session->sent < session->standing.unanswered && !session->awaited) {
		until = now_ms + SEND_FULL_MS;
	} else if (session->link.is_up && !session->standing.is_open && !session->hello_said) {
		until = now_ms + SEND_FULL_MS;
	}
	return until > now_ms ? until - now_ms : 0;
}

/* One wait, at most until deadline_ms. 1: a message was taken; 0: not; or an error. */
static int step(struct session *session, int64_t deadline_ms)
{
	int64_t now_ms = link_now_ms();
	link_watch(&session->link);
	keep_up(session, now_ms);
	int result = hear(session, now_ms);
	if (result)
		return result;
	int64_t wait_ms = idle_ms(session, now_ms);
	if (deadline_ms >= 0 && deadline_ms - now_ms < wait_ms)
		wait_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
	if (!wait_ms)
		return 0;
	struct link *links[] = { &session->link };
	bool reads[] = { true };
	return link_wait(links, reads, 1, (int)wait_ms);
}

int session_wait(struct session *session, int timeout_ms, struct session_outcome *ret_outcome)
{
	int64_t deadline_ms = timeout_ms < 0 ? -1 : link_now_ms() + timeout_ms;
	if (session->standing.turned != BAOPHU_CODE_NONE)
		return -BAOPHU_EREFUSED;
	for (;;) {
		int result = next_item(session, ret_outcome);
		if (result)
			return result;
		result = step(session, deadline_ms);
		if (result < 0)
			return result;
		if (!result && deadline_ms >= 0 && link_now_ms() >= deadline_ms)
			return 0;
	}
}

void session_poll(const struct session *session, int ret_descriptors[static 2], int *ret_timeout_ms)
{
	int64_t now_ms = link_now_ms();
	link_descriptors(&session->link, ret_descriptors);
	*ret_timeout_ms = session->standing.turned ? -1 : (int)idle_ms(session, now_ms);
}

int session_stage(struct session *session, const void *message, size_t bytes)
{
	if (!session->standing.is_open || say(session, message, bytes) < 0)
		return -EAGAIN;
	session->standing.has_staged = false;
	return 0;
}

/* ---- opening and closing ---- */

int session_start(const struct session_config *config, struct session **ret_session)
{
	size_t name_bytes = strlen(config->agent);
	uint32_t window = config->window ? config->window : SESSION_WINDOW;
	if (name_bytes < 1 || name_bytes > BAOPHU_CODE_BYTES_MAX || window > SESSION_WINDOW_MAX)
		return -EINVAL;
	struct session *session = calloc(1, sizeof *session);
	if (!session)
		return -ENOMEM;
	session->pending = calloc(window, sizeof *session->pending);
	zmq_msg_init(&session->message);
	memcpy(session->agent, config->agent, name_bytes + 1);
	session->window = window;
	session->timeout_ms = config->timeout_ms > 0 ? config->timeout_ms : SESSION_TIMEOUT_MS;
	session->want_effect = config->want_effect;
	session->has_last = config->has_last;
	session->is_spooled = config->is_spooled;
	session->standing.last = config->last;
	session->standing.epoch = config->epoch;
	int error = session->pending ? link_open(&session->link, config->context, LINK_DEALER, config->endpoint, ANSWER_BYTES_MAX)
				     : -ENOMEM;
	if (error) {
		session_close(session);
		return error;
	}
	*ret_session = session;
	return 0;
}

int session_open(const struct session_config *config, struct session **ret_session, enum baophu_code *ret_code)
{
	struct session *session;
	int error = session_start(config, &session);
	if (error)
		return error;
	int64_t deadline_ms = link_now_ms() + session->timeout_ms;
	while (!error && !session->standing.is_open) {
		int result = step(session, deadline_ms);
		if (result < 0)
			error = result;
		else if (!session->standing.is_open && link_now_ms() >= deadline_ms)
			error = -BAOPHU_ETIMEOUT;
	}
	*ret_code = session->standing.turned ? session->standing.turned : error ? session->standing.waiting_for : BAOPHU_CODE_NONE;
	if (error) {
		session_close(session);
		return error;
	}
	*ret_session = session;
	return 0;
}

void session_close(struct session *session)
{
	if (!session)
		return;
	if (session->pending)
		for (uint32_t i = 0; i < session->window; i++)
			free(session->pending[i].message);
	free(session->pending);
	zmq_msg_close(&session->message);
	wire_arena_finish(&session->arena);
	link_close(&session->link);
	free(session);
}

int session_stop_server(void *context, const char *control_endpoint, int timeout_ms)
{
	struct session_config config = {
		.context = context, .endpoint = control_endpoint, .agent = "control", .timeout_ms = timeout_ms
	};
	struct session *session;
	int error = session_start(&config, &session);
	if (error)
		return error;
	int64_t deadline_ms = link_now_ms() + session->timeout_ms;
	bool said = false;
	session->hello_said = true; /* Stop needs no session, so none is opened */
	while (!error && !session->has_stopped) {
		link_watch(&session->link);
		if (session->link.is_up && !said) {
			ssize_t bytes = wire_encode_stop(session->scratch, sizeof session->scratch);
			said = bytes > 0 && say(session, session->scratch, (size_t)bytes) == 0;
		}
		int64_t now_ms = link_now_ms();
		int result = hear(session, now_ms);
		if (result > 0 && !session->has_stopped) {
			error = -BAOPHU_EPROTOCOL;
		} else if (result < 0) {
			error = result;
		} else if (!result) {
			struct link *links[] = { &session->link };
			bool reads[] = { true };
			if (now_ms >= deadline_ms)
				error = -BAOPHU_ETIMEOUT;
			else
				error = link_wait(links, reads, 1,
						  said || !session->link.is_up ? (int)(deadline_ms - now_ms) : SEND_FULL_MS);
		}
	}
	session_close(session);
	return error;
}

/* ---- updates ---- */

int session_push_payload(struct session *session, uint64_t number, const void *payload, size_t bytes)
{
	struct session_standing *standing = &session->standing;
	if (!number ||
	    (standing->unanswered ? number != at(session, standing->unanswered - 1)->number + 1 : number > standing->next))
		return -EINVAL;
	if (standing->unanswered == session->window)
		return -EAGAIN;
	if (bytes + ENVELOPE_BYTES > BAOPHU_MESSAGE_BYTES_MAX)
		return -BAOPHU_EFULL;
	struct wire_update update = { .epoch = standing->epoch,
				      .number = number,
				      .payload = payload,
				      .payload_bytes = bytes,
				      .want_effect = session->want_effect };
	struct pending *slot = at(session, standing->unanswered);
	uint8_t *message = malloc(bytes + ENVELOPE_BYTES);
	if (!message)
		return -ENOMEM;
	ssize_t size = wire_encode_update(&update, message, bytes + ENVELOPE_BYTES);
	if (size < 0) {
		free(message);
		return (int)size;
	}
	*slot = (struct pending){ .number = number, .message = message, .bytes = (size_t)size };
	standing->unanswered++;
	standing->unanswered_bytes += (size_t)size;
	if (number >= standing->next)
		standing->next = number + 1;
	send_what_may_go(session, link_now_ms());
	return 0;
}

static int push(struct session *session, const struct wire_payload *payload)
{
	if (session->standing.unanswered == session->window)
		return -EAGAIN;
	ssize_t bytes = wire_encode_payload(payload, session->scratch, sizeof session->scratch);
	if (bytes < 0)
		return (int)bytes;
	return session_push_payload(session, payload->number, session->scratch, (size_t)bytes);
}

int session_push(struct session *session, const struct wire_entry *entries, uint32_t count, uint64_t *ret_number)
{
	if (!count)
		return -EINVAL;
	if (count > BAOPHU_ENTRIES_MAX)
		return -BAOPHU_EFULL;
	struct wire_payload payload = { .agent = session->agent,
					.epoch = session->standing.epoch,
					.number = session->standing.next,
					.entry_count = count,
					.entries = entries };
	int error = push(session, &payload);
	if (!error)
		*ret_number = payload.number;
	return error;
}

int session_abandon(struct session *session)
{
	struct session_standing *standing = &session->standing;
	if (session->awaited || session->sent || (standing->unanswered && standing->waiting_for == BAOPHU_CODE_NONE))
		return -EBUSY;
	/* What was under way on a lost connection may be decided, and what gets INDEXING is: its receipt is only not found yet. */
	if (!standing->is_open || standing->waiting_for == BAOPHU_CODE_INDEXING)
		return -EBUSY;
	if (!standing->unanswered)
		return 0;
	standing->next = at(session, 0)->number;
	while (standing->unanswered)
		forget_first(session);
	standing->waiting_for = BAOPHU_CODE_NONE;
	session->put_off = 0;
	session->resume_ms = 0;
	session->backoff_ms = 0;
	return 0;
}

/* ---- one at a time ---- */

/* Stages one part and waits until it is taken. -EAGAIN: the connection was lost, begin again. */
static int stage_part(struct session *session, const struct wire_stage *stage, crypto_generichash_blake2b_state *digest,
		      int64_t deadline_ms, enum baophu_code *ret_code)
{
	uint32_t reconnects = session->standing.reconnects;
	const uint8_t *bytes;
	size_t byte_count;
	int64_t wait_ms = BACKOFF_MS;
	/* not in the scratch buffer, which the step uses too */
	uint8_t *message = malloc(BAOPHU_MESSAGE_BYTES_MAX);
	if (!message)
		return -ENOMEM;
	ssize_t size = wire_encode_stage(stage, message, BAOPHU_MESSAGE_BYTES_MAX, &bytes, &byte_count);
	int error = size < 0 ? (int)size : 0;
	bool said = false;
	int64_t say_at_ms = 0;
	while (!error) {
		int64_t now_ms = link_now_ms();
		if (!said && now_ms >= say_at_ms && session->standing.is_open) {
			said = session_stage(session, message, (size_t)size) == 0;
			if (!said)
				say_at_ms = now_ms + SEND_FULL_MS;
		}
		int64_t until_ms = said || !session->standing.is_open || say_at_ms > deadline_ms ? deadline_ms : say_at_ms;
		int result = step(session, until_ms);
		if (result < 0) {
			error = result;
		} else if (session->standing.reconnects != reconnects) {
			error = -EAGAIN;
		} else if (result > 0 && said && session->standing.has_staged && session->standing.staged.batch == stage->batch &&
			   session->standing.staged.part == stage->part) {
			*ret_code = session->standing.staged.code;
			if (*ret_code == BAOPHU_CODE_NONE)
				break;
			if (!baophu_code_is_retryable(*ret_code))
				error = -BAOPHU_EREFUSED;
			said = false;
			say_at_ms = now_ms + wait_ms;
			wait_ms = wait_ms * 2 < BACKOFF_MS_MAX ? wait_ms * 2 : BACKOFF_MS_MAX;
		} else if (result > 0 && said && session->heard.kind == WIRE_NOT_NOW) {
			*ret_code = session->heard.not_now.code;
			if (!baophu_code_is_retryable(*ret_code))
				error = -BAOPHU_EREFUSED;
			said = false;
			say_at_ms = now_ms + wait_ms;
			wait_ms = wait_ms * 2 < BACKOFF_MS_MAX ? wait_ms * 2 : BACKOFF_MS_MAX;
		}
		if (!error && link_now_ms() >= deadline_ms)
			error = -BAOPHU_ETIMEOUT;
	}
	if (!error)
		crypto_generichash_blake2b_update(digest, bytes, byte_count);
	free(message);
	return error;
}

static int stage_all(struct session *session, const struct wire_entry *entries, uint32_t count, uint64_t batch, int64_t deadline_ms,
		     struct wire_apply *ret_apply, enum baophu_code *ret_code)
{
	struct wire_apply apply = { .batch = batch, .entries = count };
	crypto_generichash_blake2b_state digest;
	crypto_generichash_blake2b_init(&digest, NULL, 0, sizeof apply.digest);
	for (uint32_t done = 0; done < count; apply.parts++) {
		struct wire_stage stage = {
			.epoch = session->standing.epoch, .batch = batch, .part = apply.parts, .entries = entries + done
		};
		stage.entry_count = count - done < BAOPHU_ENTRIES_MAX ? count - done : BAOPHU_ENTRIES_MAX;
		int error;
		/* long names and many successors make entries that do not fit 512 to a message */
		while ((error = stage_part(session, &stage, &digest, deadline_ms, ret_code)) == -BAOPHU_EFULL &&
		       stage.entry_count > 1)
			stage.entry_count /= 2;
		if (error)
			return error;
		done += stage.entry_count;
	}
	crypto_generichash_blake2b_final(&digest, apply.digest, sizeof apply.digest);
	*ret_apply = apply;
	return 0;
}

/* Waits for the one update that is under way. */
static int wait_for_receipt(struct session *session, int64_t deadline_ms, struct session_outcome *ret_outcome,
			    enum baophu_code *ret_code)
{
	for (;;) {
		int64_t left_ms = deadline_ms - link_now_ms();
		int64_t turn_ms = left_ms < 20 ? left_ms : 20; /* to look at a "not now" that time will not mend */
		int result = session_wait(session, turn_ms > 0 ? (int)turn_ms : 0, ret_outcome);
		if (result > 0)
			return 0;
		if (result < 0)
			return result;
		*ret_code = session->standing.waiting_for;
		if (*ret_code == BAOPHU_CODE_CLOCK && session_abandon(session) == 0)
			return -BAOPHU_EREFUSED;
		if (left_ms <= 0) {
			if (session_abandon(session) < 0)
				*ret_code = BAOPHU_CODE_NONE;
			return -BAOPHU_ETIMEOUT;
		}
	}
}

int session_send_entries(struct session *session, const struct wire_entry *entries, uint32_t count,
			 struct session_outcome *ret_outcome, enum baophu_code *ret_code)
{
	struct session_standing *standing = &session->standing;
	*ret_code = BAOPHU_CODE_NONE;
	if (standing->unanswered)
		return -EBUSY;
	if (count > BAOPHU_BATCH_ENTRIES_MAX)
		return -BAOPHU_EFULL;
	int64_t deadline_ms = link_now_ms() + session->timeout_ms;
	uint64_t number;
	int error = session_push(session, entries, count, &number);
	if (error == -BAOPHU_EFULL) {
		struct wire_payload payload = { .agent = session->agent, .epoch = standing->epoch, .number = standing->next };
		uint64_t batch = standing->next << 16; /* unique in the epoch: an applied batch uses up its number */
		payload.has_apply = true;
		do
			error = stage_all(session, entries, count, ++batch, deadline_ms, &payload.apply, ret_code);
		while (error == -EAGAIN);
		if (!error)
			error = push(session, &payload);
	}
	return error ? error : wait_for_receipt(session, deadline_ms, ret_outcome, ret_code);
}
