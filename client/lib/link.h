/* link.h - one connected ZeroMQ socket of a client, with what it needs to notice that the other end went away.
 *
 * Not a protocol: bytes in, bytes out. Sessions, readers and subscriptions are built on it, and only they include it.
 * The socket's monitor is read as well: libzmq reconnects silently, and every one of our peers must know, because what was asked before
 * is then lost. Sends never wait; a link that is down refuses them (IMMEDIATE), so nothing old is sent to a collector that came back.
 * Threads: a link belongs to the thread that uses it; the context may be shared.
 */
#pragma once

#include <zmq.h>

#include "wire.h"

enum link_kind { LINK_DEALER, LINK_SUBSCRIBER };
struct link {
	void *context, *socket, *monitor;
	bool owns_context;
	bool is_up;
	uint32_t up_count; /* connections so far: it changes when a connection was lost and another made */
};
/* Starts connecting; does not wait. `context` is borrowed and may be NULL (the link then makes its own). message_bytes_max: a longer
 * message drops the connection. -EINVAL for an endpoint that is none, -ENOMEM, other errno values. */
int link_open(struct link *link, void *context, enum link_kind kind, const char *endpoint, int64_t message_bytes_max);
/* Takes a link that was never opened or is zero. What was not sent is dropped. */
void link_close(struct link *link);
/* A message of one frame, copied. -EAGAIN: down, or its queue is full. */
int link_send(struct link *link, const void *bytes, size_t size);
/* Takes a message that is there: its frames (1 or 2) into `frames`, which the caller has initialised and closes. Returns the number of
 * frames; 0: nothing there, or a message of more frames, which is dropped. */
int link_receive(struct link *link, zmq_msg_t frames[static 2]);
/* Reads the monitor; call it after every wait. is_up and up_count are then true. */
void link_watch(struct link *link);
/* Descriptors of the socket and of its monitor, for a poll of the caller's: readable means that something changed, silent means nothing
 * as long as link_watch and link_receive have not returned empty since the last send. */
void link_descriptors(const struct link *link, int ret_descriptors[static 2]);
/* Waits until one of the links has something, at most timeout_ms (-1: for ever). `reads[i]` false: only the monitor of that link.
 * 0 also on a time-out; -EINTR when a signal came. */
int link_wait(struct link *const *links, const bool *reads, unsigned count, int timeout_ms);
enum { LINK_WAIT_MAX = 2 };

/* Milliseconds of a clock that never goes back and goes on while the machine sleeps: what was silent meanwhile was silent. */
int64_t link_now_ms(void);
/* Makes the arena empty and large enough to decode a message of this size; it grows, and never shrinks. -ENOMEM. */
int link_arena_fit(struct wire_arena *arena, size_t message_bytes);
