/* joiners.h - 200 subscribers that join at once, as other machines do.
 *
 * They are real subscriptions, each on a thread of its own, in a process of their own that runs only when nobody else wants to (SCHED_IDLE):
 * in life they are other machines, which take no processor time from the daemon and the agents, and what is measured is what the daemon
 * does for them. It does not slow them on a quiet machine but by what the daemon and the agents really use.
 */
#pragma once

#include "target.h"
#include "workload.h"

struct joiners_result {
	double began; /* clock, of the first */
	double took; /* seconds until the last was exact */
};
/* The provinces in turn. Returns when all are exact, or dies with a message. */
void joiners_run(const struct target *target, struct joiners_result *ret_result);
/* What that process runs; it writes its result to stdout. */
_Noreturn void joiners_serve(const struct workload *workload, const char *publish, const char *query);
