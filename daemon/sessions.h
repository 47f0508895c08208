/* sessions.h - who is connected: which agent and epoch each connection writes in. Bounded; knows no sockets and no log.
 *
 * A connection has at most one session, and an epoch of an agent at most one: the newest Hello wins. When the table is full, the one idle
 * longest makes room; its agent is told to say Hello again, which costs it nothing else.
 */
#pragma once

#include "sockets.h"

struct session {
	struct sockets_peer peer;
	enum sockets_name from;
	uint32_t agent;
	uint64_t epoch;
	/* Within the batch of this number: its answers, and how many of its updates are decided but not committed. */
	uint64_t batch;
	uint32_t group, pending;
	uint32_t older, newer; /* index + 1, in order of last use */
	bool is_open;
};
struct sessions;
int sessions_create(uint32_t max, struct sessions **ret_sessions); /* -ENOMEM */
void sessions_destroy(struct sessions *sessions);
/* NULL: none. Valid until the next open or close. Finding by connection counts as use. */
struct session *sessions_find(struct sessions *sessions, enum sockets_name from, struct sockets_peer peer);
struct session *sessions_find_epoch(struct sessions *sessions, uint32_t agent, uint64_t epoch);
/* True when opening this now would forget updates that are under way in `batch`: those of another epoch that this connection had, or of the
 * session that would have to make room. Open it after the batch. */
bool sessions_must_wait(struct sessions *sessions, enum sockets_name from, struct sockets_peer peer, uint32_t agent, uint64_t epoch,
			uint64_t batch);
/* A new one, in the place of whatever this connection had and whoever else had this epoch (what that one had pending goes with it).
 * *ret_evicted: another one had to make room. */
struct session *sessions_open(struct sessions *sessions, enum sockets_name from, struct sockets_peer peer, uint32_t agent,
			      uint64_t epoch, bool *ret_replaced, bool *ret_evicted);
void sessions_close(struct sessions *sessions, struct session *session); /* takes NULL */
