/* outbox_fixture.h - what the tests of the outbox share: a directory that goes away, facts that differ, and opening without faults. */
#pragma once

#include <baophu/date.h>

#include "outbox.h"
#include "spool_fixture.h"

static inline struct outbox *outbox_fixture_open(const char *dir, const char *agent, const char *endpoint)
{
	const struct outbox_config config = { .dir = dir, .agent = agent, .endpoint = endpoint };
	struct outbox *outbox = NULL;
	struct spool_damage damage;
	int error = outbox_open(&config, &outbox, &damage);
	cr_assert_eq(error, 0, "outbox_open: %d %s at %s:%llu", error, baophu_strerror(error), damage.file,
		     (unsigned long long)damage.offset);
	return outbox;
}

/* The first of January 2010 and `n` days. */
static inline struct wire_entry outbox_fixture_fact(const char *unit, uint32_t n, int64_t value)
{
	baophu_date date = baophu_date_from_civil(20100101) + (baophu_date)n;
	return (struct wire_entry){ .kind = WIRE_FACT,
				    .fact = { .unit = unit,
					      .measure = "bhyt",
					      .extent = BAOPHU_WHOLE,
					      .from = date,
					      .to = date,
					      .value = value,
					      .status = BAOPHU_FINAL,
					      .origin = BAOPHU_REPORTED,
					      .bound = BAOPHU_EXACT } };
}

/* Saves `count` facts, of day `first` on, as one batch; its id. */
static inline uint64_t outbox_fixture_save(struct outbox *outbox, const char *unit, uint32_t first, uint32_t count, int64_t value)
{
	struct wire_entry *entries = calloc(count, sizeof *entries);
	uint64_t batch = 0;
	for (uint32_t i = 0; i < count; i++)
		entries[i] = outbox_fixture_fact(unit, first + i, value + i);
	const struct outbox_source source = { .name = "báo cáo.csv", .bytes = count, .note = "ghi chú", .note_bytes = 7 };
	uint32_t entry = UINT32_MAX;
	int error = outbox_save(outbox, entries, count, &source, &batch, &entry);
	cr_assert_eq(error, 0, "outbox_save: %d %s, entry %u", error, baophu_strerror(error), entry);
	free(entries);
	return batch;
}

/* Every batch that is kept, read in one pass, is what it is when it is read alone. */
struct outbox_fixture_alone {
	struct outbox_batch batches[64];
	unsigned count, seen;
};
static inline void outbox_fixture_same(void *user, const struct outbox_batch *batch)
{
	struct outbox_fixture_alone *alone = user;
	const struct outbox_batch *other = &alone->batches[alone->seen++];
	cr_assert_leq(alone->seen, alone->count);
	cr_assert(batch->id == other->id && batch->updates == other->updates && batch->entries == other->entries &&
		      batch->waiting == other->waiting && batch->applied == other->applied && batch->held == other->held &&
		      batch->refused == other->refused && batch->saved_ms == other->saved_ms,
		  "batch %llu", (unsigned long long)other->id);
	cr_assert_eq(batch->receipt_seq, other->receipt_seq, "batch %llu", (unsigned long long)other->id);
	cr_assert_eq(batch->source.bytes, other->source.bytes);
	cr_assert_str_not_empty(batch->source.name);
	cr_assert_eq(batch->source.note_bytes, 0);
}
static inline void outbox_fixture_batches(struct outbox *outbox)
{
	struct outbox_fixture_alone alone = { .count = 0 };
	uint64_t newest[64], ids[66] = { 0 };
	int count = outbox_newest_batches(outbox, newest, 64);
	cr_assert_gt(count, 0);
	for (int i = 0; i < count; i++) {
		ids[1 + i] = newest[count - 1 - i];
		cr_assert_eq(outbox_batch(outbox, ids[1 + i], &alone.batches[i]), 0);
	}
	alone.count = (unsigned)count;
	ids[count + 1] = outbox_standing(outbox)->next + 5; /* ids that are not kept are passed over */
	cr_assert_eq(outbox_batches(outbox, ids, (unsigned)count + 2, outbox_fixture_same, &alone), 0);
	cr_assert_eq(alone.seen, alone.count);
	cr_assert_eq(outbox_batches(outbox, ids, 0, outbox_fixture_same, &alone), 0);
	for (int i = 0; i < count; i++)
		cr_assert_eq(outbox_batch(outbox, newest[i], &alone.batches[i]), 0);
	alone.seen = 0;
	cr_assert_eq(outbox_newest(outbox, 64, outbox_fixture_same, &alone), 0);
	cr_assert_eq(alone.seen, alone.count);
}
