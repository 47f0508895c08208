/* stats.h - what the daemon counts since its start, for `server status` and for whoever reads the journal.
 *
 * Counters only grow. Any thread adds and reads; each is exact, two of them together are not a cut.
 * Does not print, does not know sockets or the log.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

#include "wire.h"

enum stats_counter {
	STATS_UPDATES, /* decided since the start, whatever the verdict */
	STATS_ENTRIES, /* of applied updates */
	STATS_COMMITS,
	STATS_REPEATED, /* an older number, answered with its old receipt */
	STATS_FORKS,
	STATS_SESSIONS, /* Welcome sent */
	STATS_SESSIONS_REPLACED, /* by a newer Hello of the same epoch */
	STATS_SESSIONS_EVICTED, /* the table was full */
	STATS_STAGED_PARTS,
	STATS_STAGED_EXPIRED,
	STATS_DROPPED_NOT_PROTOBUF, /* not a message of this grammar */
	STATS_DROPPED_PARTS, /* more than one frame */
	STATS_DROPPED_ROUTING_ID, /* a routing id that the peer chose */
	STATS_DROPPED_WRONG_SOCKET, /* an administrator's message on ingest */
	STATS_ANSWERS_UNREACHABLE, /* the peer was gone: it will ask again */
	STATS_ANSWERS_BLOCKED, /* the peer does not read */
	STATS_QUERIES,
	STATS_QUERIES_MALFORMED,
	STATS_PUBLISHED_CUTS,
	STATS_PUBLISHED_RECORDS,
	STATS_PUBLISHED_TOMBSTONES,
	STATS_PUBLISHED_SEALS,
	STATS_SUBSCRIPTIONS_REFUSED, /* past the bound, or longer than a topic may be */
	STATS_SUBSCRIBERS_CUT, /* connections ended because of it */
	STATS_DISK_FULL, /* commits that found no room */
	STATS_RELEASED, /* held updates that went on by themselves */
	STATS_CLOCK_HELD, /* times the business day was held */
	STATS_COUNTER_COUNT
};
enum { STATS_CODES = 96 };

struct stats {
	_Atomic uint64_t counters[STATS_COUNTER_COUNT];
	_Atomic uint64_t not_now[STATS_CODES], held[STATS_CODES], refused[STATS_CODES], turned[STATS_CODES];
	_Atomic bool day_held, disk_full;
};
void stats_init(struct stats *stats);
static inline void stats_add(struct stats *stats, enum stats_counter counter, uint64_t count)
{
	atomic_fetch_add_explicit(&stats->counters[counter], count, memory_order_relaxed);
}
static inline uint64_t stats_get(struct stats *stats, enum stats_counter counter)
{
	return atomic_load_explicit(&stats->counters[counter], memory_order_relaxed);
}
/* One answer with this code. */
void stats_add_not_now(struct stats *stats, enum baophu_code code);
void stats_add_turned(struct stats *stats, enum baophu_code code);
void stats_add_verdict(struct stats *stats, enum baophu_verdict verdict, enum baophu_code code);

/* Every counter that is not 0 by its name ("dropped_not_protobuf", "refused_value"), at most `size`. The names live in `scratch`
 * (at least STATS_NAME_BYTES_ALL) or are static. Returns how many. */
enum { STATS_LIST_MAX = STATS_COUNTER_COUNT + 4 * STATS_CODES, STATS_NAME_BYTES_ALL = 16 << 10 };
uint32_t stats_list(struct stats *stats, struct wire_counter *counters, uint32_t size, char *scratch, size_t scratch_bytes);
