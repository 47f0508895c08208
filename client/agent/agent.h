/* agent.h - the agent as a process: opened in order, one loop that waits for everything at once, closed in mirrored order.
 *
 * Held up by nothing: not by the network (outbox and mirror work in steps), not by a slow sheet (read elsewhere), not by a client that does not
 * read. All that it knows is on the disk, so it may be killed at any moment; SIGTERM and SIGINT end it cleanly.
 */
#pragma once

#include "config.h"

/* Exit codes of `run`: those of baophud. */
enum agent_exit { AGENT_OK = 0, AGENT_INTERNAL = 70, AGENT_DAMAGED = 74, AGENT_IN_USE = 75, AGENT_CONFIG = 78 };

/* Is the office's agent until it is told to stop. An enum agent_exit. */
int agent_run(const struct config *config);
/* 0 when an agent could work with these settings; else -EINVAL or an errno value and a sentence in `why`. Makes and locks nothing. */
int agent_check(const struct config *config, char *why, size_t why_bytes);
