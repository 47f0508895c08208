/* decisions.h - what became of this office's held updates, found out by asking.
 *
 * The centre lists what it held, and what of it was released or refused since, by itself or by an administrator; what this outbox still takes
 * for held is settled by that. A page at a time, never waiting; asks only while the outbox has something held. Threads: one.
 */
#pragma once

#include <poll.h>

#include "outbox.h"
#include "reader.h"

enum { DECISIONS_DESCRIPTORS = 2 };
struct decisions;
/* All borrowed but copied. Returns owned; -ENOMEM. */
int decisions_open(const char *endpoint, const char *agent, struct decisions **ret_decisions);
void decisions_close(struct decisions *decisions); /* takes NULL */
/* Asks soon: an update was held, or the map of the centre has changed. */
void decisions_wake(struct decisions *decisions, int64_t now_ms);
/* When decisions_work must be called next, and what to poll meanwhile; as asking.h. `is_possible`: there is a link and something is held. */
int64_t decisions_due_ms(const struct decisions *decisions, bool is_possible);
unsigned decisions_poll(const struct decisions *decisions, struct pollfd ret_descriptors[DECISIONS_DESCRIPTORS]);
/* Works without waiting. 1 for each update that was decided, with its serial; the outbox knows it then (outbox_settle_held). 0: nothing now. */
int decisions_work(struct decisions *decisions, struct outbox *outbox, int64_t now_ms, uint64_t *ret_serial, bool *ret_is_released);
