/* follower.h - the thread that indexes the log into history, and verifies the whole log once after start. It follows the fold of the log's
 * commits, whose events it is given, and is never waited for by the collector; queries wait for it. Owns no file: log and history are
 * borrowed until follower_stop.
 */
#pragma once

#include "history.h"
#include "log.h"

enum follower_part { FOLLOWER_LOG = 1, FOLLOWER_HISTORY };

struct follower_config {
	struct log *log;
	struct history *history;
	/* Called once, from the follower's thread, when it cannot go on: the log is damaged at `seq` (FOLLOWER_LOG), or history is and must be
	 * discarded and rebuilt at the next start (FOLLOWER_HISTORY). Must only report. May be NULL. */
	void (*failed)(void *context, enum follower_part part, int error, uint64_t seq);
	void *context;
	uint32_t retry_ms; /* between tries while there is no room; 0: 1,000 */
	uint32_t space_ms; /* between two commits of little that nobody waits for; 0: 2,000 */
	bool no_scrub;
};

/* Opens <directory>/history.mdb for this log. One that is damaged, of another format or of another history (the log does not contain its
 * place and goal) is discarded and begun anew, and *ret_why says so (NULL: it was taken as it is); static storage. */
int follower_open_history(struct log *log, const char *directory, struct history **ret_history, const char **ret_why);

struct follower; /* opaque */
int follower_start(const struct follower_config *config, struct follower **ret_follower);
/* Indexes what is left of one batch, ends the thread. Takes NULL. */
void follower_stop(struct follower *follower);

/* Everything up to `seq` is in the log and folded, and these are the events of it that were not given before, in order; those that history
 * has already may be among them. Nothing beyond is indexed. Copies; one thread. -ENOMEM: nothing was taken. */
int follower_offer(struct follower *follower, const struct event *events, size_t count, uint64_t seq);
/* Somebody will ask for what was recorded up to `seq`: it is written soon. Any thread. */
void follower_hurry(struct follower *follower, uint64_t seq);
/* Until history has reached `seq`: 0; -BAOPHU_ETIMEOUT; or what the follower failed with. Any thread. */
int follower_wait(struct follower *follower, uint64_t seq, uint32_t timeout_ms);

struct follower_progress {
	uint64_t seq; /* history is complete up to here */
	uint64_t scrubbed_seq; /* the chain is verified up to here */
	bool is_scrubbed; /* all of what the log held at start */
	bool is_full; /* no room on disk: waiting */
	size_t events_waiting; /* that were given and are not gathered yet */
	int error; /* what it failed with; 0 */
};
struct follower_progress follower_progress(struct follower *follower);
