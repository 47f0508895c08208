/* daemon.h - what the threads of the daemon share, and who may touch what.
 *
 *   collector (collector.c)    owns ingest, control and publish, the log's writing side and the state, which it changes under the
 *                              write side of state_lock, while it folds a commit and at no other time
 *   query (answers.c)          owns the query socket; reads the state under the read side, for one page at most
 *   follower (follower.c)      reads the log, writes the history
 * Everything else here is set before the threads start, or is atomic. Opened and closed by main, in mirrored order.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "config.h"
#include "day.h"
#include "fold.h"
#include "follower.h"
#include "history.h"
#include "log.h"
#include "notice.h"
#include "sockets.h"
#include "stats.h"

/* What main returns, and a unit's RestartPreventExitStatus goes by. */
enum daemon_exit { DAEMON_OK = 0, DAEMON_INTERNAL = 70, DAEMON_DAMAGED = 74, DAEMON_IN_USE = 75, DAEMON_CONFIG = 78 };

struct daemon {
	struct config config;
	struct notices notices;
	struct stats stats;
	int lock_fd; /* <data dir>/daemon.lock, held */
	int signal_fd;
	int wake_fd; /* another thread has something to say to the collector */
	int stop_fd; /* the query thread is to end */
	struct log *log;
	struct history *history;
	struct follower *follower;
	struct state state;
	pthread_rwlock_t state_lock;
	struct day_watch day_watch;
	struct sockets *sockets;
	uint8_t store[BAOPHU_STORE_BYTES];
	int64_t started_ms;
	_Atomic int failure; /* enum daemon_exit that another thread asks for */
	_Atomic bool history_is_bad; /* to be discarded at the end, and rebuilt from the log at the next start */
};

int64_t daemon_wall_ms(void);
int64_t daemon_monotonic_us(void);

/* Takes the data directory, opens log and history, brings the state to the log's head, writes START (and what a new centre starts with),
 * binds. Prints what is wrong. Returns an exit status; whatever it is, daemon_close follows. */
enum daemon_exit daemon_open(struct daemon *daemon);
void daemon_close(struct daemon *daemon);

/* Adds the state's digest to a record that was begun. */
void daemon_add_checkpoint(struct daemon *daemon, struct record_writer *writer);

/* follower_config.failed and query_config.failed: says so, and ends the daemon. A log that is damaged keeps it from being started again, one
 * that only could not be read does not. `context` is the daemon. */
void daemon_part_failed(void *context, enum follower_part part, int error, uint64_t seq);
/* Another thread cannot go on: the collector is to end with this status. */
void daemon_fail(struct daemon *daemon, enum daemon_exit exit);
