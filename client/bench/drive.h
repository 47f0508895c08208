/* drive.h - one run: agents that keep updates in flight, or send them when they are due, and subscribers that look on. */
#pragma once

#include <stdatomic.h>

#include "target.h"

struct drive_config {
	uint32_t agents, window; /* updates in flight of each agent */
	uint32_t batch; /* entries of an update */
	double rate; /* entries/s of all agents, open loop; 0: closed loop */
	double secs;
	uint32_t subscribers;
	uint32_t provinces; /* only the first so many; 0: all */
	bool is_hot;
	bool is_sweep; /* each series once, in order, until all are set */
	atomic_bool *has_begun; /* set at the first send, for whoever looks on from another thread; may be NULL */
};
struct drive_result {
	double entries; /* applied */
	double took; /* first send to last receipt, s */
	double caught_up; /* clock when the history had the newest receipt */
	double began; /* clock at the first send */
	uint64_t last_seq; /* of the newest receipt */
	double *ack, *notify; /* seconds from send (or due time); owned by the result */
	double *ack_due; /* clock from which each of `ack` counts, in the order of receipts */
	size_t ack_count, notify_count;
	uint64_t not_now, other; /* retryable answers; receipts other than applied */
	enum baophu_code other_code; /* of the first of those */
};
void drive_run(struct target *target, const struct workload *workload, const struct drive_config *config,
	       struct drive_result *ret_result);
void drive_result_finish(struct drive_result *result);
