/* test_sessions.c - one session a connection, one an epoch, and never more than the table holds. */
#include "sessions.h"

#include <stdlib.h>

#include <criterion/criterion.h>

static struct session *open_one(struct sessions *sessions, uint32_t peer, uint32_t agent, uint64_t epoch, bool *replaced,
				bool *evicted)
{
	return sessions_open(sessions, SOCKETS_INGEST, (struct sockets_peer){ peer }, agent, epoch, replaced, evicted);
}
static struct session *find(struct sessions *sessions, uint32_t peer)
{
	return sessions_find(sessions, SOCKETS_INGEST, (struct sockets_peer){ peer });
}

Test(sessions, are_found_by_connection_and_by_epoch)
{
	struct sessions *sessions;
	bool replaced, evicted;
	cr_assert_eq(sessions_create(16, &sessions), 0);
	struct session *one = open_one(sessions, 5, 2, 1, &replaced, &evicted);
	cr_assert(!replaced && !evicted);
	cr_assert_eq(find(sessions, 5), one);
	cr_assert_null(find(sessions, 6));
	cr_assert_null(sessions_find(sessions, SOCKETS_CONTROL, (struct sockets_peer){ 5 }),
		       "another endpoint numbers its own connections");
	cr_assert_eq(sessions_find_epoch(sessions, 2, 1), one);
	cr_assert_null(sessions_find_epoch(sessions, 2, 2));
	sessions_close(sessions, one);
	cr_assert_null(find(sessions, 5));
	cr_assert_null(sessions_find_epoch(sessions, 2, 1));
	sessions_close(sessions, one);
	sessions_close(sessions, NULL);
	sessions_destroy(sessions);
}

Test(sessions, the_newest_hello_of_an_epoch_wins_and_inherits_what_is_under_way)
{
	struct sessions *sessions;
	bool replaced, evicted;
	cr_assert_eq(sessions_create(16, &sessions), 0);
	struct session *one = open_one(sessions, 5, 2, 1, &replaced, &evicted);
	one->batch = 77;
	one->pending = 3;
	one->group = 4;
	struct session *two = open_one(sessions, 6, 2, 1, &replaced, &evicted);
	cr_assert(replaced);
	cr_assert_null(find(sessions, 5));
	cr_assert_eq(find(sessions, 6), two);
	cr_assert_eq(two->batch, 77);
	cr_assert_eq(two->pending, 3);
	cr_assert_eq(two->group, UINT32_MAX, "its answers are its own");
	/* The same connection again, another epoch: its session before is gone. */
	open_one(sessions, 6, 2, 9, &replaced, &evicted);
	cr_assert(!replaced);
	cr_assert_null(sessions_find_epoch(sessions, 2, 1));
	sessions_destroy(sessions);
}

Test(sessions, the_one_idle_longest_makes_room)
{
	struct sessions *sessions;
	bool replaced, evicted;
	cr_assert_eq(sessions_create(16, &sessions), 0);
	for (uint32_t i = 1; i <= 16; i++) {
		open_one(sessions, i, i, 1, &replaced, &evicted);
		cr_assert(!evicted);
	}
	find(sessions, 1); /* used: 2 is now the oldest */
	open_one(sessions, 17, 17, 1, &replaced, &evicted);
	cr_assert(evicted);
	cr_assert_null(find(sessions, 2));
	cr_assert(find(sessions, 1));
	cr_assert(find(sessions, 17));
	sessions_destroy(sessions);
}

Test(sessions, one_that_would_forget_what_is_under_way_waits_for_the_batch)
{
	struct sessions *sessions;
	struct sockets_peer five = { 5 }, stranger = { 50 };
	bool replaced, evicted;
	cr_assert_eq(sessions_create(16, &sessions), 0);
	struct session *one = open_one(sessions, 5, 2, 1, &replaced, &evicted);
	cr_assert(!sessions_must_wait(sessions, SOCKETS_INGEST, five, 2, 9, 77), "nothing is under way");
	one->batch = 77;
	one->pending = 1;
	cr_assert(sessions_must_wait(sessions, SOCKETS_INGEST, five, 2, 9, 77), "another epoch on this connection");
	cr_assert(!sessions_must_wait(sessions, SOCKETS_INGEST, five, 2, 9, 78), "that batch is over");
	cr_assert(!sessions_must_wait(sessions, SOCKETS_INGEST, five, 2, 1, 77), "the same epoch inherits");
	cr_assert(!sessions_must_wait(sessions, SOCKETS_INGEST, stranger, 2, 1, 77), "from wherever it comes");
	cr_assert(!sessions_must_wait(sessions, SOCKETS_INGEST, stranger, 3, 1, 77), "there is room");
	for (uint32_t i = 6; i <= 20; i++)
		open_one(sessions, i, i, 1, &replaced, &evicted);
	cr_assert(sessions_must_wait(sessions, SOCKETS_INGEST, stranger, 3, 1, 77), "it would be the one to make room");
	find(sessions, 5);
	cr_assert(!sessions_must_wait(sessions, SOCKETS_INGEST, stranger, 3, 1, 77), "now another one would");
	sessions_destroy(sessions);
}

/* Random opens, closes and finds against a list. */
Test(sessions, agree_with_a_list)
{
	enum { MAX = 64, PEERS = 200, ROUNDS = 200000 };
	struct sessions *sessions;
	static struct {
		uint32_t agent;
		uint64_t epoch;
	} model[PEERS]; /* by peer; agent 0: none */
	uint64_t seed = 42;
	bool replaced, evicted;
	cr_assert_eq(sessions_create(MAX, &sessions), 0);
	unsigned open = 0;
	for (int round = 0; round < ROUNDS; round++) {
		seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
		uint32_t peer = (uint32_t)(seed >> 8) % PEERS, agent = (uint32_t)(seed >> 24) % 20 + 1;
		uint64_t epoch = (seed >> 40) % 10;
		struct session *session = find(sessions, peer);
		cr_assert_eq(session != NULL, model[peer].agent != 0, "round %d", round);
		if (session) {
			cr_assert_eq(session->agent, model[peer].agent);
			cr_assert_eq(session->epoch, model[peer].epoch);
			cr_assert_eq(sessions_find_epoch(sessions, session->agent, session->epoch), session);
		}
		if (session && seed % 3 == 0) {
			sessions_close(sessions, session);
			model[peer].agent = 0;
			open--;
		} else if (open < MAX - 1) {
			open -= model[peer].agent != 0;
			for (uint32_t other = 0; other < PEERS; other++)
				if (other != peer && model[other].agent == agent && model[other].epoch == epoch) {
					model[other].agent = 0;
					open--;
				}
			open_one(sessions, peer, agent, epoch, &replaced, &evicted);
			cr_assert(!evicted);
			model[peer].agent = agent;
			model[peer].epoch = epoch;
			open++;
		}
	}
	sessions_destroy(sessions);
}
