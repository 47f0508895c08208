/* test_sockets.c - the daemon's sockets against a peer that asks faster than it is answered, and leaves.
 *
 * Any heartbeat that the sockets were to send would come every five milliseconds here, so that what its timer meets is met at once.
 */
#include "sockets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <zmq.h>

#include <criterion/criterion.h>

enum { HASTY_MS = 5, PEERS = 12, FLOOD = 3000, TALKS = 20 };

int __real_zmq_setsockopt(void *socket, int option, const void *value, size_t size);
int __wrap_zmq_setsockopt(void *socket, int option, const void *value, size_t size);
int __wrap_zmq_setsockopt(void *socket, int option, const void *value, size_t size)
{
	static const int soon_ms = HASTY_MS, patience_ms = 15000;
	if (option != ZMQ_HEARTBEAT_IVL)
		return __real_zmq_setsockopt(socket, option, value, size);
	__real_zmq_setsockopt(socket, ZMQ_HEARTBEAT_TIMEOUT, &patience_ms, sizeof patience_ms);
	return __real_zmq_setsockopt(socket, option, &soon_ms, sizeof soon_ms);
}

static void *connect_to(void *context, int type, const char *endpoint)
{
	static const int none = 0, wait_ms = 5000;
	void *socket = zmq_socket(context, type);
	zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
	zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof none);
	zmq_setsockopt(socket, ZMQ_SNDTIMEO, &wait_ms, sizeof wait_ms);
	zmq_setsockopt(socket, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
	cr_assert_eq(zmq_connect(socket, endpoint), 0);
	return socket;
}

/* One message there and back, over a socket that is read. */
static void talk(struct sockets *sockets, void *peer)
{
	struct sockets_message message;
	char answer[8];
	int got = 0;
	cr_assert_eq(zmq_send(peer, "hello", 5, 0), 5);
	while (!got) {
		cr_assert_geq(sockets_wait(sockets, 1u << SOCKETS_INGEST, NULL, 0, 5000), 0);
		got = sockets_receive(sockets, SOCKETS_INGEST, &message);
		cr_assert_geq(got, 0);
	}
	cr_assert_eq(sockets_send(sockets, SOCKETS_INGEST, message.peer, message.bytes, message.size), 0);
	sockets_release(&message);
	cr_assert_eq(zmq_recv(peer, answer, sizeof answer, 0), 5);
}

/* For a while, in which the sockets' own threads have their turns. */
static void talk_on(struct sockets *sockets, void *peer)
{
	for (int i = 0; i < TALKS; i++) {
		talk(sockets, peer);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

Test(sockets, a_peer_that_asks_more_than_is_read_and_leaves_ends_nothing)
{
	char directory[] = "/tmp/baophu-sockets-XXXXXX", why[256] = "", text[64];
	struct config config = { 0 };
	struct stats stats;
	struct sockets *sockets;
	cr_assert_not_null(mkdtemp(directory));
	snprintf(config.ingest, sizeof config.ingest, "ipc://%s/i", directory);
	snprintf(config.control, sizeof config.control, "ipc://%s/c", directory);
	snprintf(config.publish, sizeof config.publish, "ipc://%s/p", directory);
	snprintf(config.query, sizeof config.query, "ipc://%s/q", directory);
	stats_init(&stats);
	cr_assert_eq(sockets_open(&config, &stats, &sockets, why, sizeof why), 0, "%s", why);

	void *context = zmq_ctx_new(), *friend = connect_to(context, ZMQ_DEALER, config.ingest);
	memset(text, 'x', sizeof text);
	for (int i = 0; i < PEERS; i++) {
		void *hasty = connect_to(context, ZMQ_DEALER, config.query);
		void *deaf = connect_to(context, ZMQ_SUB, config.publish);
		for (int j = 0; j < FLOOD; j++) {
			snprintf(text, sizeof text, "coverage/%d/", j);
			cr_assert_eq(zmq_send(hasty, text, sizeof text, 0), (int)sizeof text);
			cr_assert_eq(zmq_setsockopt(deaf, ZMQ_SUBSCRIBE, text, strlen(text)), 0);
		}
		talk_on(sockets, friend); /* what was sent arrives meanwhile, and fills the queues */
		zmq_close(hasty);
		zmq_close(deaf);
	}
	talk_on(sockets, friend);

	zmq_close(friend);
	zmq_ctx_term(context);
	sockets_close(sockets);
	unlink(config.ingest + strlen("ipc://"));
	unlink(config.control + strlen("ipc://"));
	unlink(config.publish + strlen("ipc://"));
	unlink(config.query + strlen("ipc://"));
	rmdir(directory);
}
