/* stats.c - counters since the start. See stats.h. */
#include "stats.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char *const names[STATS_COUNTER_COUNT] = {
	[STATS_UPDATES] = "updates",
	[STATS_ENTRIES] = "entries",
	[STATS_COMMITS] = "commits",
	[STATS_REPEATED] = "repeated",
	[STATS_FORKS] = "forks",
	[STATS_SESSIONS] = "sessions",
	[STATS_SESSIONS_REPLACED] = "sessions_replaced",
	[STATS_SESSIONS_EVICTED] = "sessions_evicted",
	[STATS_STAGED_PARTS] = "staged_parts",
	[STATS_STAGED_EXPIRED] = "staged_expired",
	[STATS_DROPPED_NOT_PROTOBUF] = "dropped_not_protobuf",
	[STATS_DROPPED_PARTS] = "dropped_parts",
	[STATS_DROPPED_ROUTING_ID] = "dropped_routing_id",
	[STATS_DROPPED_WRONG_SOCKET] = "dropped_wrong_socket",
	[STATS_ANSWERS_UNREACHABLE] = "answers_unreachable",
	[STATS_ANSWERS_BLOCKED] = "answers_blocked",
	[STATS_QUERIES] = "queries",
	[STATS_QUERIES_MALFORMED] = "queries_malformed",
	[STATS_PUBLISHED_CUTS] = "published_cuts",
	[STATS_PUBLISHED_RECORDS] = "published_records",
	[STATS_PUBLISHED_TOMBSTONES] = "published_tombstones",
	[STATS_PUBLISHED_SEALS] = "published_seals",
	[STATS_SUBSCRIPTIONS_REFUSED] = "subscriptions_refused",
	[STATS_SUBSCRIBERS_CUT] = "subscribers_cut",
	[STATS_DISK_FULL] = "disk_full",
	[STATS_RELEASED] = "held_released",
	[STATS_CLOCK_HELD] = "clock_held",
};

void stats_init(struct stats *stats)
{
	for (int i = 0; i < STATS_COUNTER_COUNT; i++)
		atomic_init(&stats->counters[i], 0);
	for (int i = 0; i < STATS_CODES; i++) {
		atomic_init(&stats->not_now[i], 0);
		atomic_init(&stats->held[i], 0);
		atomic_init(&stats->refused[i], 0);
		atomic_init(&stats->turned[i], 0);
	}
	atomic_init(&stats->day_held, false);
	atomic_init(&stats->disk_full, false);
}

static void count(_Atomic uint64_t *by_code, enum baophu_code code)
{
	if ((unsigned)code < STATS_CODES)
		atomic_fetch_add_explicit(&by_code[code], 1, memory_order_relaxed);
}

void stats_add_not_now(struct stats *stats, enum baophu_code code) { count(stats->not_now, code); }
void stats_add_turned(struct stats *stats, enum baophu_code code) { count(stats->turned, code); }

void stats_add_verdict(struct stats *stats, enum baophu_verdict verdict, enum baophu_code code)
{
	stats_add(stats, STATS_UPDATES, 1);
	if (verdict == BAOPHU_HELD)
		count(stats->held, code);
	else if (verdict == BAOPHU_REFUSED)
		count(stats->refused, code);
}

struct list {
	struct wire_counter *counters;
	uint32_t count, size;
	char *scratch;
	size_t scratch_left;
};

static void list_by_code(struct list *list, _Atomic uint64_t *by_code, const char *prefix)
{
	for (int code = 0; code < STATS_CODES && list->count < list->size; code++) {
		uint64_t value = atomic_load_explicit(&by_code[code], memory_order_relaxed);
		if (!value)
			continue;
		int written = snprintf(list->scratch, list->scratch_left, "%s_%s", prefix, wire_code_name((enum baophu_code)code));
		if (written < 0 || (size_t)written >= list->scratch_left)
			return;
		for (char *at = list->scratch; *at; at++)
			*at = (char)tolower((unsigned char)*at);
		list->counters[list->count++] = (struct wire_counter){ list->scratch, value };
		list->scratch += written + 1;
		list->scratch_left -= (size_t)written + 1;
	}
}

uint32_t stats_list(struct stats *stats, struct wire_counter *counters, uint32_t size, char *scratch, size_t scratch_bytes)
{
	struct list list = { .counters = counters, .size = size, .scratch = scratch, .scratch_left = scratch_bytes };
	for (int i = 0; i < STATS_COUNTER_COUNT && list.count < size; i++) {
		uint64_t value = stats_get(stats, (enum stats_counter)i);
		if (value)
			counters[list.count++] = (struct wire_counter){ names[i], value };
	}
	list_by_code(&list, stats->not_now, "not_now");
	list_by_code(&list, stats->held, "held");
	list_by_code(&list, stats->refused, "refused");
	list_by_code(&list, stats->turned, "turned");
	return list.count;
}
