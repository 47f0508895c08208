/* crowd.c - see crowd.h.
 *
 * libzmq signals a socket's descriptor once for all that has come, so a socket that was signalled stays in the list of those to be read
 * until it has nothing left, and each is read a little in turn.
 */
#include "crowd.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <zmq.h>

#include "figures.h"

enum { MESSAGES_A_TURN = 32, EVENTS = 256, WAIT_MS = 20, JOIN_SECS = 60 };

struct crowd {
	void *sockets[CROWD_MAX];
	bool is_listed[CROWD_MAX], has_heard[CROWD_MAX];
	uint32_t list[CROWD_MAX], listed; /* sockets that may have something */
	uint32_t count, reading;
	int epoll;
	pthread_t thread;
	atomic_bool is_over;
	atomic_uint heard; /* subscribers that were sent something */
	_Atomic uint64_t records, record_bytes, seals;
};

static void add(_Atomic uint64_t *to, uint64_t value) { atomic_fetch_add_explicit(to, value, memory_order_relaxed); }

/* Reads one socket for a while; false when nothing is left. */
static bool read_some(struct crowd *crowd, uint32_t which)
{
	struct crowd_figures got = { 0 };
	bool is_empty = false;
	for (int i = 0; i < MESSAGES_A_TURN && !is_empty; i++) {
		zmq_msg_t frame;
		uint64_t bytes = 0;
		bool is_seal = false, is_first = true, more = true;
		zmq_msg_init(&frame);
		while (more) {
			if (zmq_msg_recv(&frame, crowd->sockets[which], ZMQ_DONTWAIT) < 0) {
				is_empty = true;
				break;
			}
			if (is_first)
				is_seal = zmq_msg_size(&frame) && *(const char *)zmq_msg_data(&frame) == 's';
			is_first = false;
			bytes += zmq_msg_size(&frame);
			more = zmq_msg_more(&frame);
		}
		zmq_msg_close(&frame);
		if (is_first)
			break;
		got.seals += is_seal;
		got.records += !is_seal;
		got.record_bytes += is_seal ? 0 : bytes;
	}
	if ((got.records || got.seals) && !crowd->has_heard[which]) {
		crowd->has_heard[which] = true;
		atomic_fetch_add(&crowd->heard, 1);
	}
	add(&crowd->records, got.records);
	add(&crowd->record_bytes, got.record_bytes);
	add(&crowd->seals, got.seals);
	return !is_empty;
}

static void put_on_list(struct crowd *crowd, uint32_t which)
{
	if (!crowd->is_listed[which])
		crowd->list[crowd->listed++] = which;
	crowd->is_listed[which] = true;
}

static void *read_all(void *user)
{
	struct crowd *crowd = user;
	struct epoll_event events[EVENTS];
	for (uint32_t i = 0; i < crowd->reading; i++)
		put_on_list(crowd, i); /* what came before it was looked at is not signalled again */
	while (!atomic_load(&crowd->is_over)) {
		int count = epoll_wait(crowd->epoll, events, EVENTS, crowd->listed ? 0 : WAIT_MS);
		for (int i = 0; i < count; i++)
			put_on_list(crowd, events[i].data.u32);
		uint32_t left = 0;
		for (uint32_t i = 0; i < crowd->listed; i++) {
			uint32_t which = crowd->list[i];
			crowd->is_listed[which] = read_some(crowd, which);
			if (crowd->is_listed[which])
				crowd->list[left++] = which;
		}
		crowd->listed = left;
	}
	return NULL;
}

static void open_one(struct crowd *crowd, uint32_t which, const struct crowd_config *config)
{
	bool is_deaf = which >= crowd->reading;
	const int queue = is_deaf ? 1 : CROWD_QUEUE_MESSAGES, no_linger = 0;
	const int no_bound = 0; /* libzmq drops subscriptions that exceed it, without a word */
	void *socket = crowd->sockets[which] = zmq_socket(config->context, ZMQ_SUB);
	if (!socket || zmq_setsockopt(socket, ZMQ_LINGER, &no_linger, sizeof no_linger) < 0 ||
	    zmq_setsockopt(socket, ZMQ_RCVHWM, &queue, sizeof queue) < 0 ||
	    zmq_setsockopt(socket, ZMQ_SNDHWM, &no_bound, sizeof no_bound) < 0)
		figures_die("subscriber %u: %s", which, zmq_strerror(errno));
	for (uint32_t i = 0; i < config->topic_count; i++)
		zmq_setsockopt(socket, ZMQ_SUBSCRIBE, config->topics[i], strlen(config->topics[i]));
	int fd;
	size_t size = sizeof fd;
	if (zmq_connect(socket, config->endpoint) < 0 || zmq_getsockopt(socket, ZMQ_FD, &fd, &size) < 0)
		figures_die("%s: %s", config->endpoint, zmq_strerror(errno));
	if (!is_deaf &&
	    epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){ .events = EPOLLIN, .data.u32 = which }) < 0)
		figures_die("epoll: %s", strerror(errno));
}

struct crowd *crowd_open(const struct crowd_config *config)
{
	struct crowd *crowd = calloc(1, sizeof *crowd);
	if (!crowd || config->count > CROWD_MAX || config->deaf > config->count)
		figures_die("a crowd of %u", config->count);
	crowd->count = config->count;
	crowd->reading = config->count - config->deaf;
	crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (uint32_t i = 0; i < crowd->count; i++)
		open_one(crowd, i, config);
	if (crowd->epoll < 0 || pthread_create(&crowd->thread, NULL, read_all, crowd))
		figures_die("subscribers: %s", strerror(errno));
	for (double until = figures_now() + JOIN_SECS; atomic_load(&crowd->heard) < crowd->reading; poll(NULL, 0, 5))
		if (figures_now() > until)
			figures_die("%u of %u subscribers were sent nothing", crowd->reading - atomic_load(&crowd->heard),
				    crowd->reading);
	return crowd;
}

struct crowd_figures crowd_figures(struct crowd *crowd)
{
	return (struct crowd_figures){ .records = atomic_load(&crowd->records),
				       .record_bytes = atomic_load(&crowd->record_bytes),
				       .seals = atomic_load(&crowd->seals) };
}

void crowd_close(struct crowd *crowd)
{
	atomic_store(&crowd->is_over, true);
	pthread_join(crowd->thread, NULL);
	for (uint32_t i = 0; i < crowd->count; i++)
		zmq_close(crowd->sockets[i]);
	close(crowd->epoll);
	free(crowd);
}
