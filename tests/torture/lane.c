/* lane.c - see lane.h. */
#include "lane.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "daemon.h"

/* Options of the client library's sockets are bent in subscribers.c; those of a lane are as they are written here. */
int __real_zmq_setsockopt(void *socket, int option, const void *value, size_t size);

uint64_t dice(uint64_t *random, uint64_t sides)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return (*random >> 11) % sides;
}

int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void set(void *socket, int option, int value)
{
	if (!socket || __real_zmq_setsockopt(socket, option, &value, sizeof value))
		trouble("option %d: %s", option, zmq_strerror(zmq_errno()));
}

void lane_open(struct lane *lane, void *context, const char *endpoint)
{
	char address[48];
	lane->context = context;
	lane->front = zmq_socket(context, lane->is_query ? ZMQ_ROUTER : ZMQ_XPUB);
	set(lane->front, ZMQ_LINGER, 0);
	if (!lane->is_query)
		set(lane->front, ZMQ_XPUB_VERBOSE, 1);
	if (!lane->is_query && lane->hwm)
		set(lane->front, ZMQ_SNDHWM, lane->hwm);
	snprintf(address, sizeof address, "inproc://lane-%p", (void *)lane);
	lane->monitor = zmq_socket(context, ZMQ_PAIR);
	set(lane->monitor, ZMQ_LINGER, 0);
	if (zmq_socket_monitor(lane->front, address, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED) ||
	    zmq_connect(lane->monitor, address) || zmq_bind(lane->front, endpoint))
		trouble("%s: %s", endpoint, zmq_strerror(zmq_errno()));
}

void lane_connect(struct lane *lane, const char *endpoint)
{
	lane->back = zmq_socket(lane->context, lane->is_query ? ZMQ_DEALER : ZMQ_XSUB);
	set(lane->back, ZMQ_LINGER, 0);
	set(lane->back, ZMQ_RECONNECT_IVL, -1); /* never on to the daemon's next run */
	if (!lane->is_query && lane->hwm)
		set(lane->back, ZMQ_RCVHWM, lane->hwm);
	if (zmq_connect(lane->back, endpoint))
		trouble("%s: %s", endpoint, zmq_strerror(zmq_errno()));
	for (int i = 0; i < LANE_TOPICS_MAX && !lane->is_query; i++)
		if (lane->topic_bytes[i])
			zmq_send(lane->back, lane->topics[i], lane->topic_bytes[i], ZMQ_DONTWAIT);
}

/* True when the subscriber has connected anew. */
static bool watch(struct lane *lane)
{
	bool is_new = false;
	for (;;) {
		zmq_msg_t event, address;
		uint16_t what;
		int32_t fd;
		zmq_msg_init(&event);
		if (zmq_msg_recv(&event, lane->monitor, ZMQ_DONTWAIT) < 0)
			return is_new;
		memcpy(&what, zmq_msg_data(&event), sizeof what);
		memcpy(&fd, (uint8_t *)zmq_msg_data(&event) + sizeof what, sizeof fd);
		zmq_msg_close(&event);
		zmq_msg_init(&address);
		zmq_msg_recv(&address, lane->monitor, 0);
		zmq_msg_close(&address);
		for (unsigned i = 0; i < lane->fd_count; i++)
			if (lane->fds[i] == fd)
				lane->fds[i--] = lane->fds[--lane->fd_count];
		is_new = is_new || what == ZMQ_EVENT_ACCEPTED;
		if (what == ZMQ_EVENT_ACCEPTED && lane->fd_count < LANE_FDS_MAX)
			lane->fds[lane->fd_count++] = fd;
	}
}

static void drop_held(struct lane *lane, unsigned at)
{
	zmq_msg_close(&lane->held[at].frames[0]);
	zmq_msg_close(&lane->held[at].frames[1]);
	memmove(&lane->held[at], &lane->held[at + 1], (--lane->held_count - at) * sizeof *lane->held);
}

void lane_cut(struct lane *lane)
{
	watch(lane);
	for (unsigned i = 0; i < lane->fd_count; i++)
		shutdown(lane->fds[i], SHUT_RDWR);
	lane->fd_count = 0;
	while (lane->held_count)
		drop_held(lane, 0);
	if (lane->back)
		zmq_close(lane->back);
	lane->back = NULL;
	lane->cut_at_us = lane->stands_still_until_us = 0;
	lane->faults++;
	if (lane->is_query && lane->topic_bytes[0]) { /* whatever of the old connection is still to be read is void */
		lane->topic_bytes[1] = lane->topic_bytes[0];
		memcpy(lane->topics[1], lane->topics[0], lane->topic_bytes[0]);
		lane->topic_bytes[0] = 0;
	}
}

void lane_cut_later(struct lane *lane, int64_t after_us)
{
	int64_t now = now_us();
	if (!lane->back)
		return;
	lane->cut_at_us = now + after_us + 1;
	for (unsigned i = 0; i < lane->held_count; i++)
		lane->held[i].due_us = now + (int64_t)dice(lane->random, (uint64_t)after_us + 1);
}

/* What the subscriber wants is said again to the daemon's next run, as libzmq does when it reconnects. */
static void keep_topic(struct lane *lane, const uint8_t *bytes, size_t size)
{
	int at = -1;
	for (int i = 0; i < LANE_TOPICS_MAX; i++)
		if (lane->topic_bytes[i] == size && !memcmp(lane->topics[i] + 1, bytes + 1, size - 1))
			at = i;
		else if (!lane->topic_bytes[i] && at < 0)
			at = i;
	if (at < 0 || size > LANE_TOPIC_BYTES)
		trouble("too many topics");
	lane->topic_bytes[at] = bytes[0] ? size : 0;
	memcpy(lane->topics[at], bytes, size);
}

static void hold(struct lane *lane, zmq_msg_t frames[static 2], bool is_up)
{
	int64_t now = now_us();
	bool is_topic = is_up && !lane->is_query; /* never lost by itself: nothing would ever heal that */
	bool has_fault = lane->is_faulty && !is_topic;
	int copies = has_fault && !dice(lane->random, 8) ? 0 : has_fault && !dice(lane->random, 10) ? 2 : 1;
	if (!is_up && !lane->is_query && lane->loses_seals_until_us > now && !memcmp(zmq_msg_data(&frames[0]), "seal", 4))
		copies = 0;
	lane->faults += copies != 1;
	while (copies-- && lane->held_count < LANE_HELD_MAX) {
		struct held *held = &lane->held[lane->held_count++];
		*held = (struct held){ .is_up = is_up, .due_us = now };
		if (has_fault && !dice(lane->random, 4))
			held->due_us += (int64_t)dice(lane->random, 4000);
		if (lane->cut_at_us > now)
			held->due_us += (int64_t)dice(lane->random, (uint64_t)(lane->cut_at_us - now));
		for (int i = 0; i < 2; i++) {
			zmq_msg_init(&held->frames[i]);
			zmq_msg_copy(&held->frames[i], &frames[i]);
		}
		if (has_fault && lane->held_count > 1 && !dice(lane->random, 10)) {
			struct held *other = &lane->held[dice(lane->random, lane->held_count - 1)], swapped = *other;
			*other = *held;
			*held = swapped;
			lane->faults++;
		}
	}
}

static bool receive(void *socket, bool has_two, zmq_msg_t frames[static 2])
{
	zmq_msg_init(&frames[0]);
	zmq_msg_init(&frames[1]);
	if (zmq_msg_recv(&frames[0], socket, ZMQ_DONTWAIT) < 0)
		return false;
	return !has_two || zmq_msg_recv(&frames[1], socket, ZMQ_DONTWAIT) >= 0;
}

/* A question of a client has its routing id in front; the daemon is sent the rest, and the newest id is put before each answer. */
static void pass(struct lane *lane, struct held *held)
{
	if (held->is_up) {
		if (lane->back)
			zmq_msg_send(&held->frames[lane->is_query], lane->back, ZMQ_DONTWAIT);
		return;
	}
	if (lane->is_query) {
		if (!lane->topic_bytes[0])
			return;
		if (zmq_send(lane->front, lane->topics[0], lane->topic_bytes[0], ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
			zmq_msg_send(&held->frames[0], lane->front, ZMQ_DONTWAIT);
		return;
	}
	if (zmq_msg_send(&held->frames[0], lane->front, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
		zmq_msg_send(&held->frames[1], lane->front, ZMQ_DONTWAIT);
}

void lane_pump(struct lane *lane)
{
	zmq_msg_t frames[2];
	int64_t now = now_us();
	bool is_new = watch(lane);
	if (lane->cut_at_us && (is_new || now >= lane->cut_at_us)) /* a new connection has nothing of a daemon that is dead */
		lane_cut(lane);
	while (receive(lane->front, lane->is_query, frames)) {
		size_t size = zmq_msg_size(&frames[0]);
		bool is_void = lane->is_query && size == lane->topic_bytes[1] &&
			       !memcmp(zmq_msg_data(&frames[0]), lane->topics[1], size);
		if (!lane->is_query) {
			keep_topic(lane, zmq_msg_data(&frames[0]), size);
		} else if (!is_void) {
			lane->topic_bytes[0] = size;
			memcpy(lane->topics[0], zmq_msg_data(&frames[0]), size);
		}
		if (lane->back && !lane->cut_at_us && !is_void)
			hold(lane, frames, true);
		zmq_msg_close(&frames[0]);
		zmq_msg_close(&frames[1]);
	}
	if (lane->is_faulty && !dice(lane->random, 150))
		lane->stands_still_until_us = now + (int64_t)dice(lane->random, 15000);
	if (lane->stands_still_until_us > now)
		return;
	while (lane->back && lane->held_count < LANE_HELD_MAX / 2 && receive(lane->back, !lane->is_query, frames)) {
		hold(lane, frames, false);
		zmq_msg_close(&frames[0]);
		zmq_msg_close(&frames[1]);
	}
	for (unsigned i = 0; i < lane->held_count;)
		if (!lane->is_faulty || lane->held[i].due_us <= now) {
			if (lane->cut_at_us && watch(lane)) {
				lane_cut(lane);
				return;
			}
			pass(lane, &lane->held[i]);
			drop_held(lane, i);
		} else {
			i++;
		}
}

void lane_close(struct lane *lane)
{
	lane_cut(lane);
	zmq_socket_monitor(lane->front, NULL, 0);
	zmq_close(lane->front);
	zmq_close(lane->monitor);
}
