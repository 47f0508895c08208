/* publication.h - what it costs to tell subscribers, and what they get: six measurements, each against its target.
 *
 *   latency   at 1,000 updates/s: an update's way to each of several subscribers beside the way of its receipt
 *   fanout    1,000 subscribers of one province: records delivered a second beside what libzmq alone delivers to them
 *   joins     200 subscribers joining at once under 10,000 updates/s: the receipts' 99th percentile beside that before
 *   snapshot  all 11,000 communes to one new subscriber, until it is exact
 *   stopped   4 of 16 subscribers that do not read: the daemon's memory beside that with all of them reading
 *   seals     1,000 sealed prefixes: rate of ingest and processor time beside the same records without seals
 *
 * All sides of a comparison are measured in turn within one run, several rounds, and what is judged is the median of the rounds: a
 * figure of another minute says nothing. Subscribers live in this process, on the same processors as the daemon, and share one context, but for those that
 * join (joiners.h).
 */
#pragma once

#include "target.h"

enum publication_case {
	PUBLICATION_LATENCY,
	PUBLICATION_STOPPED, /* before a thousand subscribers leave the daemon memory that it can use again */
	PUBLICATION_FANOUT,
	PUBLICATION_JOINS,
	PUBLICATION_SNAPSHOT,
	PUBLICATION_SEALS,
	PUBLICATION_COUNT
};
/* One of these names, or -1. */
int publication_case(const char *name);
/* Runs the cases of `cases` (bits 1 << case) against a daemon that was started here and prints their figures. `secs` for each
 * measured stretch, `rounds` of them. */
void publication_run(struct target *target, const struct workload *workload, unsigned cases, double secs, uint32_t rounds);
