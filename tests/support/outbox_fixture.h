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
