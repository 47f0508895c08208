/* sessions.c - the table of sessions, found by connection and by epoch. See sessions.h. */
#include "sessions.h"

#include <errno.h>
#include <stdlib.h>

struct sessions {
	uint32_t max, count, free_hint;
	struct session *all;
	uint32_t *by_peer, *by_epoch, mask; /* open hashes: index + 1 */
	uint32_t oldest, newest; /* index + 1, by last use */
};

int sessions_create(uint32_t max, struct sessions **ret_sessions)
{
	struct sessions *s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	uint32_t size = 64;
	while (size < max * 2)
		size *= 2;
	s->max = max;
	s->mask = size - 1;
	s->all = calloc(max, sizeof *s->all);
	s->by_peer = calloc(size, sizeof *s->by_peer);
	s->by_epoch = calloc(size, sizeof *s->by_epoch);
	if (!s->all || !s->by_peer || !s->by_epoch) {
		sessions_destroy(s);
		return -ENOMEM;
	}
	*ret_sessions = s;
	return 0;
}

void sessions_destroy(struct sessions *s)
{
	if (!s)
		return;
	free(s->all);
	free(s->by_peer);
	free(s->by_epoch);
	free(s);
}

static uint32_t peer_hash(enum sockets_name from, struct sockets_peer peer)
{
	return (uint32_t)(baophu_mix64(peer.id, from) >> 32);
}
static uint32_t epoch_hash(uint32_t agent, uint64_t epoch) { return (uint32_t)(baophu_mix64(agent, epoch) >> 32); }
static uint32_t hash_of(const struct sessions *s, const uint32_t *table, uint32_t index)
{
	const struct session *session = &s->all[index];
	return table == s->by_peer ? peer_hash(session->from, session->peer) : epoch_hash(session->agent, session->epoch);
}

static void table_put(struct sessions *s, uint32_t *table, uint32_t index)
{
	uint32_t at = hash_of(s, table, index) & s->mask;
	while (table[at])
		at = (at + 1) & s->mask;
	table[at] = index + 1;
}

static void table_take(struct sessions *s, uint32_t *table, uint32_t index)
{
	uint32_t at = hash_of(s, table, index) & s->mask;
	while (table[at] != index + 1)
		at = (at + 1) & s->mask;
	table[at] = 0;
	for (at = (at + 1) & s->mask; table[at]; at = (at + 1) & s->mask) {
		uint32_t moved = table[at] - 1;
		table[at] = 0;
		table_put(s, table, moved);
	}
}

static void use_take(struct sessions *s, uint32_t index)
{
	struct session *session = &s->all[index];
	if (session->older)
		s->all[session->older - 1].newer = session->newer;
	else
		s->oldest = session->newer;
	if (session->newer)
		s->all[session->newer - 1].older = session->older;
	else
		s->newest = session->older;
}

static void use_put(struct sessions *s, uint32_t index)
{
	struct session *session = &s->all[index];
	session->older = s->newest;
	session->newer = 0;
	if (s->newest)
		s->all[s->newest - 1].newer = index + 1;
	else
		s->oldest = index + 1;
	s->newest = index + 1;
}

struct session *sessions_find(struct sessions *s, enum sockets_name from, struct sockets_peer peer)
{
	for (uint32_t at = peer_hash(from, peer) & s->mask; s->by_peer[at]; at = (at + 1) & s->mask) {
		uint32_t index = s->by_peer[at] - 1;
		struct session *session = &s->all[index];
		if (session->peer.id != peer.id || session->from != from)
			continue;
		if (s->newest != index + 1) {
			use_take(s, index);
			use_put(s, index);
		}
		return session;
	}
	return NULL;
}

struct session *sessions_find_epoch(struct sessions *s, uint32_t agent, uint64_t epoch)
{
	for (uint32_t at = epoch_hash(agent, epoch) & s->mask; s->by_epoch[at]; at = (at + 1) & s->mask) {
		struct session *session = &s->all[s->by_epoch[at] - 1];
		if (session->agent == agent && session->epoch == epoch)
			return session;
	}
	return NULL;
}

void sessions_close(struct sessions *s, struct session *session)
{
	if (!session || !session->is_open)
		return;
	uint32_t index = (uint32_t)(session - s->all);
	table_take(s, s->by_peer, index);
	table_take(s, s->by_epoch, index);
	use_take(s, index);
	session->is_open = false;
	s->free_hint = index;
	s->count--;
}

bool sessions_must_wait(struct sessions *s, enum sockets_name from, struct sockets_peer peer, uint32_t agent, uint64_t epoch,
			uint64_t batch)
{
	const struct session *before = sessions_find_epoch(s, agent, epoch), *goes = sessions_find(s, from, peer);
	if (goes == before)
		goes = NULL; /* what it has under way is taken over */
	if (!goes && !before && s->count == s->max)
		goes = &s->all[s->oldest - 1];
	return goes && goes->batch == batch && goes->pending;
}

struct session *sessions_open(struct sessions *s, enum sockets_name from, struct sockets_peer peer, uint32_t agent, uint64_t epoch,
			      bool *ret_replaced, bool *ret_evicted)
{
	struct session *before = sessions_find_epoch(s, agent, epoch);
	struct session fresh = { .peer = peer, .from = from, .agent = agent, .epoch = epoch, .group = UINT32_MAX, .is_open = true };
	if (before) {
		fresh.batch = before->batch;
		fresh.pending = before->pending;
	}
	*ret_replaced = before && (before->peer.id != peer.id || before->from != from);
	sessions_close(s, before);
	sessions_close(s, sessions_find(s, from, peer));
	*ret_evicted = s->count == s->max;
	if (*ret_evicted)
		sessions_close(s, &s->all[s->oldest - 1]);
	uint32_t index = s->free_hint;
	while (s->all[index].is_open)
		index = (index + 1) % s->max;
	s->free_hint = (index + 1) % s->max;
	s->all[index] = fresh;
	s->count++;
	table_put(s, s->by_peer, index);
	table_put(s, s->by_epoch, index);
	use_put(s, index);
	return &s->all[index];
}
