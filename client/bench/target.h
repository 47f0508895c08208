/* target.h - the daemon that is measured: found or started, given units, agents and grants, killed and started again. */
#pragma once

#include <sys/types.h>

#include "workload.h"

enum { TARGET_TEXT = 256, TARGET_AGENTS_MAX = 500 };
struct target {
	const char *sys; /* its name in the figures */
	void *context; /* ZeroMQ; shared by everything in the bench */
	char ingest[TARGET_TEXT], query[TARGET_TEXT], publish[TARGET_TEXT], control[TARGET_TEXT]; /* "" where it has none */
	char program[TARGET_TEXT], directory[TARGET_TEXT]; /* "" when it runs already */
	pid_t pid; /* 0: not known */
	uint64_t history_seq; /* at the last look */
};
/* Starts program on `directory`/data (made if missing) with ipc endpoints below it and waits for its "ready"; returns the seconds that
 * took. Dies with a message when it does not come up. */
double target_start(struct target *target);
/* kill -9, and waits for its end. */
void target_kill(struct target *target);
/* SIGTERM, and waits for its end. */
void target_stop(struct target *target);

/* Makes what is missing of the workload's units and of `agents` agents (bench-0, ...), and grants every district to agent
 * district % agents. */
void target_prepare(struct target *target, const struct workload *workload, uint32_t agents);
const char *target_agent(uint32_t index, char name[static BAOPHU_CODE_BYTES_MAX + 1]);
/* Waits until the history has reached `seq`, if it has one; seconds of the clock then. */
double target_wait_history(struct target *target, uint64_t seq);
/* Bytes of anonymous memory; 0 when the process is not known. */
double target_anonymous_bytes(const struct target *target);
/* Seconds of processor time it has used so far, in steps of some milliseconds. */
double target_cpu_secs(const struct target *target);
/* One of the counters of its status. */
double target_counter(struct target *target, const char *name);
/* Bytes of the files in its directory; 0 when that is not known. */
double target_store_bytes(const struct target *target);
/* Milliseconds for provinces with their districts and communes as of past month ends: median and slowest of `rounds`. */
void target_ask_provinces(struct target *target, const struct workload *workload, uint32_t rounds, double *ret_median_ms,
			  double *ret_slowest_ms, uint32_t *ret_records);
