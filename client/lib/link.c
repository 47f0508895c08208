/* link.c - see link.h. */
#include "link.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

enum {
	RECONNECT_MS = 200, /* first try again; plus jitter, so that offices do not come back all at once */
	RECONNECT_MS_MAX =
	    20000, /* of a subscriber; whoever has something to say goes on at the first pace: a link that is up is used at once */
	CONNECT_MS =
	    1500, /* a try that the network swallows is given up, and the next one finds the link that came back meanwhile */
	HEARTBEAT_MS = 5000,
	HEARTBEAT_TIMEOUT_MS = 15000,
	QUEUE_MESSAGES = 32768, /* twice the largest cut: a subscriber that lags longer repairs by asking */
	/* Decoded structs are larger than their bytes: an empty row of two bytes becomes two structs of some hundred bytes each. */
	ARENA_BYTES_PER_BYTE = 96,
	ARENA_BYTES_MIN = 1 << 16,
};

static int set(void *socket, int option, int value) { return zmq_setsockopt(socket, option, &value, sizeof value) ? -errno : 0; }

static int open_monitor(struct link *link)
{
	char address[48];
	snprintf(address, sizeof address, "inproc://link-%p", link->socket);
	if (zmq_socket_monitor(link->socket, address, ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED) < 0)
		return -errno;
	link->monitor = zmq_socket(link->context, ZMQ_PAIR);
	if (!link->monitor)
		return -errno;
	int error = set(link->monitor, ZMQ_LINGER, 0);
	if (!error && zmq_connect(link->monitor, address) < 0)
		error = -errno;
	return error;
}

int link_open(struct link *link, void *context, enum link_kind kind, const char *endpoint, int64_t message_bytes_max)
{
	*link = (struct link){ .context = context };
	int error = 0;
	if (sodium_init() < 0)
		return -ENOSYS;
	if (!context) {
		link->context = zmq_ctx_new();
		if (!link->context)
			return -ENOMEM;
		link->owns_context = true;
	}
	link->socket = zmq_socket(link->context, kind == LINK_DEALER ? ZMQ_DEALER : ZMQ_SUB);
	if (!link->socket) {
		error = -errno;
		goto out;
	}
	const struct {
		int option, value;
	} options[] = {
		{ ZMQ_LINGER, 0 },
		{ ZMQ_IMMEDIATE, 1 },
		{ ZMQ_RECONNECT_IVL, RECONNECT_MS + (int)randombytes_uniform(RECONNECT_MS) },
		{ ZMQ_RECONNECT_IVL_MAX, kind == LINK_DEALER ? 0 : RECONNECT_MS_MAX },
		{ ZMQ_CONNECT_TIMEOUT, CONNECT_MS },
		{ ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS },
		{ ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS },
		{ ZMQ_RCVHWM, QUEUE_MESSAGES },
		{ ZMQ_SNDHWM, QUEUE_MESSAGES },
	};
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		/* A subscriber's subscriptions are sent before it is connected, and again by libzmq after each reconnect. It notices silence by
		 * itself, and in libzmq 4.3.4 a heartbeat ends the process when the queue is full and the other end has gone. */
		bool is_of_dealers = options[i].option == ZMQ_IMMEDIATE || options[i].option == ZMQ_HEARTBEAT_IVL;
		if (is_of_dealers && kind == LINK_SUBSCRIBER)
			continue;
		error = set(link->socket, options[i].option, options[i].value);
		if (error)
			goto out;
	}
	if (zmq_setsockopt(link->socket, ZMQ_MAXMSGSIZE, &message_bytes_max, sizeof message_bytes_max) < 0) {
		error = -errno;
		goto out;
	}
	error = open_monitor(link);
	if (!error && zmq_connect(link->socket, endpoint) < 0)
		error = -errno;
out:
	if (error)
		link_close(link);
	return error;
}

void link_close(struct link *link)
{
	if (link->socket) {
		zmq_socket_monitor(link->socket, NULL, 0);
		zmq_close(link->socket);
	}
	if (link->monitor)
		zmq_close(link->monitor);
	if (link->owns_context)
		zmq_ctx_term(link->context);
	*link = (struct link){ 0 };
}

int link_send(struct link *link, const void *bytes, size_t size)
{
	if (zmq_send(link->socket, bytes, size, ZMQ_DONTWAIT) >= 0)
		return 0;
	return errno == EINTR ? -EAGAIN : -errno;
}

int link_receive(struct link *link, zmq_msg_t frames[static 2])
{
	int count = 0;
	for (;;) {
		if (count == 2) { /* more frames than any message of ours has */
			zmq_msg_t rest;
			zmq_msg_init(&rest);
			bool more = zmq_msg_recv(&rest, link->socket, ZMQ_DONTWAIT) >= 0 && zmq_msg_more(&rest);
			zmq_msg_close(&rest);
			if (!more)
				return 0;
			continue;
		}
		int got;
		do
			got = zmq_msg_recv(&frames[count], link->socket, ZMQ_DONTWAIT);
		while (got < 0 && errno == EINTR);
		if (got < 0)
			return 0; /* messages arrive whole: this is the first frame */
		if (!zmq_msg_more(&frames[count++]))
			return count;
	}
}

void link_watch(struct link *link)
{
	for (;;) {
		zmq_msg_t event, address;
		zmq_msg_init(&event);
		zmq_msg_init(&address);
		bool got = zmq_msg_recv(&event, link->monitor, ZMQ_DONTWAIT) >= 0;
		if (got) {
			uint16_t what = 0;
			if (zmq_msg_size(&event) >= sizeof what)
				memcpy(&what, zmq_msg_data(&event), sizeof what);
			if (zmq_msg_more(&event))
				zmq_msg_recv(&address, link->monitor, 0);
			if (what == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
				link->up_count++;
			link->is_up = what == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
		}
		zmq_msg_close(&event);
		zmq_msg_close(&address);
		if (!got)
			return;
	}
}

void link_descriptors(const struct link *link, int ret_descriptors[static 2])
{
	void *const sockets[] = { link->socket, link->monitor };
	for (int i = 0; i < 2; i++) {
		size_t size = sizeof ret_descriptors[i];
		int error = zmq_getsockopt(sockets[i], ZMQ_FD, &ret_descriptors[i], &size);
		assert(!error); /* it fails for what is no socket */
		(void)error;
	}
}

int link_wait(struct link *const *links, const bool *reads, unsigned count, int timeout_ms)
{
	zmq_pollitem_t items[2 * LINK_WAIT_MAX];
	int used = 0;
	assert(count <= LINK_WAIT_MAX);
	for (unsigned i = 0; i < count; i++) {
		items[used++] = (zmq_pollitem_t){ .socket = links[i]->monitor, .events = ZMQ_POLLIN };
		if (reads[i])
			items[used++] = (zmq_pollitem_t){ .socket = links[i]->socket, .events = ZMQ_POLLIN };
	}
	int error = zmq_poll(items, used, timeout_ms) < 0 ? -errno : 0;
	for (unsigned i = 0; i < count; i++)
		link_watch(links[i]);
	return error;
}

int64_t link_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int link_arena_fit(struct wire_arena *arena, size_t message_bytes)
{
	size_t size = ARENA_BYTES_MIN + ARENA_BYTES_PER_BYTE * message_bytes;
	if (arena->size < size) {
		wire_arena_finish(arena);
		*arena = (struct wire_arena){ 0 };
		int error = wire_arena_init(arena, size);
		if (error) {
			*arena = (struct wire_arena){ 0 };
			return error;
		}
	}
	wire_arena_reset(arena);
	return 0;
}
