/* session.h - an agent's session with the collector: updates out, receipts in, exactly once (ingest or control endpoint).
 *
 * What it does: connects, says Hello, numbers updates, keeps their bytes until their receipt is here, keeps within the credit, waits
 * and sends again when the collector says "not now", and after a lost connection sends the very same bytes again. Imports larger than an
 * update are staged in parts and applied as one.
 * What it does not do: keep anything on disk. Whoever must survive its own crash spools payloads first and hands them in by
 * session_push_payload under their old epoch and numbers.
 * Threads: a session belongs to one thread at a time. It reads the monotonic clock and nothing else of the system's.
 *
 * Three ways of use. One call at a time: session_open, session_send_entries, session_close. Many under way: session_push until -EAGAIN,
 * session_wait for outcomes. Spooled, in the loop of a program that waits for other things too: session_start with `is_spooled`, then
 * session_wait with a time of 0 whenever session_poll's descriptors or time say so.
 */
#pragma once

#include <baophu/baophu.h>

#include "wire.h"

struct session;

enum { SESSION_WINDOW = 256, SESSION_TIMEOUT_MS = 10000, SESSION_WINDOW_MAX = 65536 };
struct session_config {
	void *context; /* ZeroMQ context to share, borrowed; NULL: the session makes its own */
	const char *endpoint; /* tcp://127.0.0.1:7101 or ipc://PATH; borrowed during the call */
	const char *agent; /* its name in the registry; "control" at the control endpoint */
	uint64_t epoch; /* 0: a new one */
	bool has_last; /* `last`: place of the newest receipt held */
	struct baophu_place last;
	uint32_t window; /* unanswered updates at most; 0: SESSION_WINDOW */
	int timeout_ms; /* of session_open and session_send_entries, and of silence; 0: SESSION_TIMEOUT_MS */
	bool want_effect; /* ask for effects beside receipts */
	/* The caller keeps the payloads: a connection that is lost takes what has no receipt with it, and nothing is sent on the next one
	 * before the caller has seen its Welcome (standing.welcomes) and pushes again, from standing.next or any number below. */
	bool is_spooled;
};

/* Connects and waits for Welcome. On 0 *ret_session is the caller's (returns owned). -BAOPHU_EREFUSED: turned away, *ret_code says why
 * (AGENT_UNKNOWN, EPOCH, PROTOCOL, ...); -BAOPHU_ETIMEOUT: nobody answered (or *ret_code: DISK, BUSY); -EINVAL: endpoint or name; -EINTR;
 * -ENOMEM; other errno values. */
int session_open(const struct session_config *config, struct session **ret_session, enum baophu_code *ret_code);
/* The same without waiting: it connects and says Hello in the calls of session_wait, and whether it is open is in session_standing. */
int session_start(const struct session_config *config, struct session **ret_session);
/* Takes NULL. Does not wait: what has no receipt may or may not be decided; a later session of the same epoch finds out. */
void session_close(struct session *session);

/* What became of one update. Everything in it is lent until the next call on the session. */
struct session_outcome {
	uint64_t number;
	struct wire_receipt receipt;
	const uint8_t *receipt_bytes; /* the same for ever */
	size_t receipt_byte_count;
	uint32_t effect_count;
	const struct wire_effect *effects;
	const char *suggestion; /* code of a successor for a held update; "" when there is none */
};

/* Takes 1 to 512 entries as one update with the next number (copies) and sends it when window and credit allow. -EAGAIN: the window is
 * full, wait for an outcome; -BAOPHU_EFULL: more than an update holds (512 entries, 65,536 bytes); -EINVAL: none. */
int session_push(struct session *session, const struct wire_entry *entries, uint32_t count, uint64_t *ret_number);
/* The same with an encoded Payload that says this session's agent and epoch and the number given (not looked into). Numbers must be
 * handed in dense; the first may be older than the next one: its receipt comes again. -EAGAIN, -BAOPHU_EFULL, -EINVAL. */
int session_push_payload(struct session *session, uint64_t number, const void *payload, size_t bytes);
/* Works for at most timeout_ms (0: only what is there; -1: no limit) until an update has its outcome: 1 and *ret_outcome. 0: time is up.
 * -BAOPHU_EREFUSED: the collector no longer takes this session (session_standing says the code); -BAOPHU_EGAP: it misses updates of
 * this epoch that had receipts (it was put back to an older copy), so they must be pushed again from session_standing()->next on;
 * -EINTR. Connections lost and retryable answers are not errors here. */
int session_wait(struct session *session, int timeout_ms, struct session_outcome *ret_outcome);
/* The descriptors to poll for reading before the next session_wait, and how long at most. Only after a session_wait that returned 0. */
void session_poll(const struct session *session, int ret_descriptors[static 2], int *ret_timeout_ms);
/* Sends a part of an import (an AgentMessage with a Stage of this epoch, borrowed) when the session is open; what the collector says of it is
 * standing.staged. -EAGAIN: not now. A part is not repeated when the connection is lost. */
int session_stage(struct session *session, const void *message, size_t bytes);
/* Forgets the updates without receipt when the collector has answered that it decided none of them; their numbers are used
 * again. -EBUSY: an answer is still to come, or the session is not open, so they may be decided. */
int session_abandon(struct session *session);

/* All or nothing: one update when the entries fit one, else a staged batch (at most 65,536 entries). Waits for the receipt:
 * 0 and *ret_outcome, whatever the verdict. Nothing else may be under way (-EBUSY). -BAOPHU_EREFUSED: not decided and not going to be,
 * *ret_code says why (CLOCK, or what is wrong with a part); -BAOPHU_ETIMEOUT: *ret_code is the last "not now", or NONE when it is
 * not known whether it was decided; otherwise as session_wait and session_push. */
int session_send_entries(struct session *session, const struct wire_entry *entries, uint32_t count,
			 struct session_outcome *ret_outcome, enum baophu_code *ret_code);

struct session_standing {
	bool is_open; /* Welcome received on the connection that stands */
	bool last_unknown; /* the place named in Hello is not in the collector's history */
	uint64_t epoch, next; /* next: number of the next session_push */
	uint32_t unanswered; /* updates without receipt */
	size_t unanswered_bytes; /* and what they weigh */
	uint32_t welcomes; /* sessions that were opened */
	uint32_t credit_bytes;
	uint32_t reconnects; /* sessions lost: a connection, or forgotten by the collector */
	enum baophu_code turned; /* why it was turned away */
	enum baophu_code waiting_for; /* the "not now" that holds things up; NONE */
	uint8_t store[BAOPHU_STORE_BYTES];
	struct baophu_place head; /* newest place of the log that was heard of */
	struct baophu_place last; /* place of the newest receipt */
	bool has_backup; /* as the collector said at Welcome: */
	struct baophu_place backup; /* the newest place that a verified backup of it holds */
	bool has_staged; /* `staged` answers the part that session_stage sent last */
	struct wire_staged staged;
};
/* Lent while the session lives; changes with its calls. */
const struct session_standing *session_standing(const struct session *session);

/* Asks the daemon at a control endpoint to stop cleanly and waits for its word. -BAOPHU_ETIMEOUT: nobody answered; -BAOPHU_EPROTOCOL: it
 * answered something else; otherwise as session_open. `context` as in the config. */
int session_stop_server(void *context, const char *control_endpoint, int timeout_ms);
