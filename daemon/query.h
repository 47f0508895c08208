/* query.h - answers questions: bytes of a Query in, bytes of an Answer out. See message Query for the axes and proto/wire.h for the structs.
 *
 * Does not know sockets and starts no thread; each query thread has an engine of its own. Never writes anything, and never holds up the
 * collector: the state's lock is held for reading while the registry is copied (only when it changed) or one page of live records is made.
 *
 *   COVERAGE, HISTORY, EVENTS
 *                            of history: one cut, the same on every page; `known_seq` goes back to what the log said then
 *   UNITS, PLANS, MEASURES, THRESHOLDS
 *                            of the registry as known at the cut
 *   CHANGED, AGENTS, HELD    live; a page of CHANGED is one cut, the next page may be a newer one (each names its own)
 *   LOG, STATUS              of the log's head and the daemon
 * `unit` may be empty except in CHANGED and HISTORY: all roots; in EVENTS all units that ever were. UNITS, PLANS and EVENTS: of the units down to
 * `depth` below it.
 */
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include "follower.h"
#include "fold.h"
#include "wire.h"

enum { QUERY_ANSWER_BYTES_MAX = 1 << 20, QUERY_WAIT_MS = 2000, QUERY_HEAD_WAIT_MS = 100 };

/* All borrowed until query_close. */
struct query_config {
	struct log *log;
	struct history *history;
	struct follower *follower;
	const struct state *state;
	pthread_rwlock_t *state_lock; /* over *state: the collector writes under its write side */
	/* Adds to a status what only the daemon knows: store, times, counts since the start, counters, flags, version. What it points to must
	 * stay until the next call. May be NULL. */
	void (*fill_status)(void *context, struct wire_server_status *status);
	/* A question could not be read; `why` is static. May be NULL. */
	void (*malformed)(void *context, const char *why);
	/* History or log turned out damaged while reading: as follower_config.failed. May be NULL. */
	void (*failed)(void *context, enum follower_part part, int error, uint64_t seq);
	void *context;
};

struct query_engine; /* opaque; one thread at a time */
int query_open(const struct query_config *config, struct query_engine **ret_engine);
void query_close(struct query_engine *engine); /* takes NULL */

/* Answers one question; `buffer` has room for at least QUERY_ANSWER_BYTES_MAX. Returns the answer's bytes; a question that cannot be
 * answered has an answer too (its code says why). Negative: no memory, the question is to be dropped. Waits at most QUERY_WAIT_MS. */
ssize_t query_answer(struct query_engine *engine, const void *question, size_t bytes, void *buffer, size_t size);
