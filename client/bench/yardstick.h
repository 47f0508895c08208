/* yardstick.h - the floor that the daemon is compared with: a plain file log behind the bench's own driver, on the same disk, in the
 * same minute. Rates of two days or two machines say nothing about each other; the ratio of two runs side by side does.
 *
 * What it does: takes all updates that wait, reads each with the wire's codec, sets its figures in flat arrays (a commune's series; sums of
 * its district, province and the country), appends the payloads to a file whose blocks are written already, one pwrite and one
 * fdatasync a batch, and then answers each agent with one message of receipts. A batch is bounded as the daemon's is.
 * What it does not: recognise what comes twice, ask who may write, chain, versions, coverage, history, publication, a start from its
 * file. Nothing could be left out and still be called durable; whatever the daemon does more has to fit between its rate and this one.
 */
#pragma once

#include "target.h"

/* Makes the file in `directory` (it has no name there, so nothing is left over) and starts the server, a process as the daemon is one.
 * *ret_target has no endpoint but ingest. Dies with a message when that cannot be. */
void yardstick_start(void *context, const char *directory, struct target *ret_target);
/* kill -9, waits for its end, removes its socket. */
void yardstick_stop(struct target *target);
/* What that process runs: serves on `endpoint`, its log in `fd`, until it is killed or nobody has spoken for a while. */
_Noreturn void yardstick_serve(const struct workload *workload, const char *endpoint, int fd);
