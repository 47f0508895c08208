/* control.h - how commands of this machine reach the running agent: a socket file, one JSON object a line, both ways.
 *
 * A client says one request and gets lines until one that has "exit"; then it may say another. A request may carry one open file
 * (SCM_RIGHTS), so that a command hands over what only its user may read or write. Who may connect is the mode of the socket file (0660).
 *
 *   request  {"verb": "report", "lang": "vi", ...}
 *   answers  {"out": TEXT} and {"err": TEXT} to be printed, {"progress": {"done": N, "of": M}}, at last {"exit": CODE}
 *
 * Knows lines and objects, not verbs. Everything is bounded: clients, the length of a line, what a client has not read yet (one that
 * does not read is dropped). The agent never waits for a client. Threads: one.
 */
#pragma once

#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CONTROL_CLIENTS_MAX = 16,
	CONTROL_LINE_BYTES_MAX = 64 << 10, /* of a request */
	CONTROL_UNREAD_BYTES_MAX = 8 << 20, /* of answers to one client */
	CONTROL_TEXT_BYTES_MAX = 32 << 10, /* of one "out" or "err"; longer ones are said in pieces */
	CONTROL_DESCRIPTORS = CONTROL_CLIENTS_MAX + 1,
};

/* ---- the agent's end ---- */
struct control;
/* Listens at `path`, replacing the socket file of a process that is gone. -BAOPHU_EINUSE: an agent answers there; -EINVAL: too long;
 * errno values. */
int control_open(const char *path, struct control **ret_control);
/* Takes NULL. Answers that were not read are dropped; the socket file is removed. */
void control_close(struct control *control);
/* What to poll; control_work when one is ready. Returns how many. */
unsigned control_poll(const struct control *control, struct pollfd ret_descriptors[CONTROL_DESCRIPTORS]);
/* Accepts, reads and writes what can be without waiting. */
void control_work(struct control *control);

/* A client for as long as it is connected; never used again. */
typedef uint64_t control_client;
struct control_request {
	control_client client;
	const json_t *json; /* an object; lent until the next control_work */
	int fd; /* -1, or the file that came with it: the caller's */
};
/* The next request that is whole: true. Each client has at most one under way. */
bool control_next(struct control *control, struct control_request *ret_request);
/* One more line of the answer; nothing happens when the client is gone. */
void control_out(struct control *control, control_client client, const char *text);
void control_err(struct control *control, control_client client, const char *text);
void control_progress(struct control *control, control_client client, uint64_t done, uint64_t of);
/* The last line. */
void control_exit(struct control *control, control_client client, int code);

/* ---- a command's end ---- */
/* Says `request` with the file `fd` (-1: none; both borrowed) to the agent at `path` and hands each line of the answer, an object, to
 * `on_line` until the one with "exit", whose code is returned (0 or more). -ENOENT, -ECONNREFUSED: no agent runs there; -EACCES: this
 * user may not; -BAOPHU_EPROTOCOL: the answer is none; -EPIPE: the agent ended in the middle; other errno values. Waits as long as it takes. */
int control_ask(const char *path, const json_t *request, int fd, void (*on_line)(void *user, const json_t *line), void *user);
