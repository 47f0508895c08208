/* bare.h - libzmq alone: what a publisher that does nothing else delivers to the same subscribers, on the same machine in the same minute.
 *
 * A process of its own, as the daemon is one: an XPUB socket with the daemon's options, and a loop that sends the topics of one province's
 * communes with bodies of one length, and after them the seal's, again and again. No log, no figures, no encoding: what it delivers is
 * what can be delivered.
 */
#pragma once

#include "target.h"

/* Messages that wait for one subscriber before more are dropped: as the daemon has it. */
enum { BARE_QUEUE_MESSAGES = 32768 };

struct bare_config {
	uint32_t province;
	uint32_t subscriptions; /* begins when it was told of so many */
	uint32_t record_bytes; /* topic and body, on average */
	bool
	    is_patient; /* waits for subscribers whose queue is full (XPUB_NODROP) instead of dropping: no work is lost on what never arrives */
};
/* Starts it with its socket in `directory`. *ret_target has no endpoint but publish. Dies with a message when that cannot be. */
void bare_start(void *context, const char *directory, const struct bare_config *config, struct target *ret_target);
/* kill -9, waits for its end, removes its socket. */
void bare_stop(struct target *target);
/* What that process runs, until it is killed or nobody has subscribed for a while. */
_Noreturn void bare_serve(const struct workload *workload, const char *endpoint, const struct bare_config *config);
