/* server.h - a real baophud of a test: started on a directory of its own, stopped or killed, started again; and a bare peer of it.
 *
 * Never sleeps for luck: it waits for the endpoints file, for messages, for the end of the process, each with a deadline that fails the test.
 */
#pragma once

#include <sys/types.h>

#include "link.h"
#include "wire.h"

enum { SERVER_WAIT_MS = 20000, SERVER_ARGUMENTS_MAX = 24 };
enum server_transport { SERVER_IPC, SERVER_TCP };

struct server {
	pid_t pid;
	enum server_transport transport;
	char directory[64]; /* holds data/, sockets and the endpoints file; removed by server_finish */
	char ingest[128], control[128], publish[128], query[128];
	const char *extra[SERVER_ARGUMENTS_MAX]; /* more flags, NULL-terminated */
	const char *program; /* below the build directory; NULL: daemon/baophud */
	char log[96]; /* what it printed, all starts */
};
void server_init(struct server *server, enum server_transport transport);
/* Starts it and waits until it is ready. */
void server_start(struct server *server);
/* Starts it where it cannot: waits for its end and returns the exit status. */
int server_start_failing(struct server *server);
/* Waits until it has ended by itself; returns the exit status. */
int server_wait(struct server *server);
/* SIGTERM; returns the exit status. */
int server_stop(struct server *server);
/* SIGKILL, no good-bye. */
void server_kill(struct server *server);
void server_finish(struct server *server);
/* True when it printed this. */
bool server_printed(const struct server *server, const char *text);
/* Path of something below the data directory. */
const char *server_path(const struct server *server, const char *name, char path[static 160]);

/* A bare connection: bytes out, messages in. */
struct peer {
	struct link link;
	struct wire_arena arena; /* of the last message received */
	uint8_t buffer[BAOPHU_MESSAGE_BYTES_MAX + 4096];
	zmq_msg_t frames[2];
	char agent[BAOPHU_CODE_BYTES_MAX + 1];
	uint64_t epoch, next;
};
struct peer *peer_open(const char *endpoint); /* connected; returns owned */
void peer_close(struct peer *peer);
void peer_send(struct peer *peer, const void *bytes, size_t size);
/* The next message; fails the test when none comes. Lent until the next call. */
const struct wire_collector_message *peer_receive(struct peer *peer);
/* Hello, and it must be let in: fills epoch and next. */
void peer_hello(struct peer *peer, const char *agent, uint64_t epoch);
/* Hello, and the code that it was turned away with. */
enum baophu_code peer_turned(struct peer *peer, const char *agent, uint64_t epoch);
/* Encodes entries as the payload of this number into `payload`; returns its bytes. */
size_t peer_payload(struct peer *peer, uint64_t number, const struct wire_entry *entries, uint32_t count, void *payload,
		    size_t size);
void peer_send_payload(struct peer *peer, uint64_t number, const void *payload, size_t bytes, bool want_effect);
/* Sends the entries under the next number until there is a receipt ("not now" is asked again), and checks that it is whole. */
struct wire_receipt peer_update(struct peer *peer, const struct wire_entry *entries, uint32_t count);
/* The one receipt in a message of receipts, decoded; its bytes too. */
struct wire_receipt peer_receipt(struct peer *peer, const struct wire_collector_message *message, uint8_t *bytes,
				 size_t *ret_bytes);
struct wire_entry test_fact(const char *unit, const char *measure, uint32_t date, int64_t value);

/* What an administrator says before anything else: Cần Thơ (92) with Thới Lai (927) and Ninh Kiều (916), agents can-tho and thoi-lai. */
void server_set_up(struct server *server);
/* What it answers to STATUS; the counters are left out. */
struct wire_server_status server_status(const struct server *server);
/* Replaces a file that the server's process looks at (a fault, a clock) at one go. */
void server_rewrite(const char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));
