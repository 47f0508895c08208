/* daemon.h - the real baophud of a torture run: started, killed, its directory copied and put back; and a sender and a reader of its own.
 *
 * Its connections are clean: what a seed is judged by never passes a fault. Whatever does not work here ends the program with status 2,
 * which is not a verdict on the product. No Criterion, because processes are killed all the time and the exit status is the verdict.
 */
#pragma once

#include <sys/types.h>

#include "link.h"
#include "reader.h"
#include "wire.h"

enum { DAEMON_PATH_BYTES = 160, DAEMON_BURST_MAX = 8 };
struct daemon {
	const char *program;
	char directory[64]; /* data/, copy/, sockets */
	char ingest[DAEMON_PATH_BYTES], control[DAEMON_PATH_BYTES], publish[DAEMON_PATH_BYTES], query[DAEMON_PATH_BYTES];
	pid_t pid; /* 0: not running */
	struct reader *reader;
	struct sender {
		struct link link;
		struct wire_arena arena;
		const char *agent;
		uint64_t epoch, next;
	} admin, agent;
};
/* Says why and ends the program. */
_Noreturn void trouble(const char *format, ...) __attribute__((format(printf, 1, 2)));
void daemon_init(struct daemon *daemon, const char *program);
void daemon_start(struct daemon *daemon); /* with senders and reader connected */
void daemon_kill(struct daemon *daemon); /* SIGKILL */
void daemon_finish(struct daemon *daemon); /* and removes its directory */
/* Copies data/ to this name below the directory, or back; it must not run. */
void daemon_copy(struct daemon *daemon, const char *name);
void daemon_put_back(struct daemon *daemon, const char *name);
/* Sends so many updates of one entry each without waiting between them; places of their commits. */
void daemon_update(struct daemon *daemon, struct sender *sender, const struct wire_entry *entries, uint32_t count,
		   struct baophu_place ret_places[static DAEMON_BURST_MAX]);
