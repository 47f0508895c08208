/* office.h - what it costs a field office to keep its reports until the centre has them: saving, opening, delivering, memory.
 *
 *   save      one report at a time, each flushed before the next
 *   open      a spool of 1 GB of one-entry reports that no cache holds
 *   drain     100,000 one-entry reports that were saved with the link down, until the last receipt is saved too
 *   link up   a report that was saved with nobody at the endpoint: from "ready" of the collector to the receipt
 *
 * Each is measured in a process of its own, so that its memory is that of an office.
 */
#pragma once

#include "target.h"

/* Prints the figures, those with a target with their verdict, against a daemon that was started here. `reports` are drained. */
void office_run(struct target *target, const struct workload *workload, uint32_t reports);
/* The measured process: `what` is save, fill, open, drain or wait. Prints seconds and bytes of memory on stdout; does not return. */
__attribute__((noreturn)) void office_serve(const struct workload *workload, const char *what, const char *dir,
					    const char *endpoint, uint32_t count);
