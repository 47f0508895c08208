/* test_staging.c - parts that wait: in order, again, too many, too old, and the proof that all are there. */
#include "staging.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <sodium.h>

static struct staging *staging;
static int64_t now_ms;

static void begin(void)
{
	now_ms = 1000;
	cr_assert_eq(staging_create(1 << 16, 600000, &staging), 0);
}
static void end(void) { staging_destroy(staging); }
TestSuite(staging, .init = begin, .fini = end);

/* A part whose message is `text`; the Stage message is its tail, as on the wire. */
static enum baophu_code put(uint32_t agent, uint64_t batch, uint32_t part, uint32_t entries, const char *text)
{
	struct wire_stage stage = { .epoch = 1,
				    .batch = batch,
				    .part = part,
				    .entry_count = entries,
				    .bytes = (const uint8_t *)text + 1,
				    .byte_count = strlen(text) - 1 };
	return staging_put(staging, agent, &stage, text, strlen(text), now_ms);
}

static struct wire_apply apply_of(uint64_t batch, uint32_t parts, uint32_t entries, const char *digested)
{
	struct wire_apply apply = { .batch = batch, .parts = parts, .entries = entries };
	crypto_generichash(apply.digest, sizeof apply.digest, (const uint8_t *)digested, strlen(digested), NULL, 0);
	return apply;
}

Test(staging, complete_parts_are_found_in_order)
{
	enum baophu_code code;
	cr_assert_eq(put(2, 7, 0, 10, "xone"), BAOPHU_CODE_NONE);
	cr_assert_eq(put(2, 7, 1, 5, "xtwo"), BAOPHU_CODE_NONE);
	cr_assert_eq(put(3, 7, 0, 1, "xother"), BAOPHU_CODE_NONE, "another agent's batch of the same number");
	struct wire_apply apply = apply_of(7, 2, 15, "onetwo");
	const struct staged_part *parts = staging_find(staging, 2, 1, &apply, &code);
	cr_assert(parts);
	cr_assert_eq(code, BAOPHU_CODE_NONE);
	cr_assert_eq(parts[1].bytes, 4);
	cr_assert_eq(memcmp(parts[1].message, "xtwo", 4), 0);
	staging_drop(staging, 2, 1, 7);
	cr_assert_null(staging_find(staging, 2, 1, &apply, &code));
	cr_assert_eq(code, BAOPHU_CODE_NO_SUCH);
	apply = apply_of(7, 1, 1, "other");
	cr_assert(staging_find(staging, 3, 1, &apply, &code));
}

Test(staging, what_is_not_all_of_it_is_not_taken)
{
	enum baophu_code code;
	put(2, 7, 0, 10, "xone");
	struct wire_apply wrong[] = { apply_of(7, 2, 10, "one"), apply_of(7, 1, 11, "one"), apply_of(7, 1, 10, "onE") };
	for (int i = 0; i < 3; i++) {
		cr_assert_null(staging_find(staging, 2, 1, &wrong[i], &code));
		cr_assert_eq(code, BAOPHU_CODE_MALFORMED);
	}
	struct wire_apply right = apply_of(7, 1, 10, "one");
	cr_assert_null(staging_find(staging, 2, 2, &right, &code), "another epoch");
	cr_assert(staging_find(staging, 2, 1, &right, &code));
}

Test(staging, parts_come_in_order_and_may_come_again)
{
	cr_assert_eq(put(2, 7, 1, 1, "xtwo"), BAOPHU_CODE_EXPECT);
	cr_assert_eq(put(2, 7, 0, 1, "xone"), BAOPHU_CODE_NONE);
	cr_assert_eq(put(2, 7, 2, 1, "xtwo"), BAOPHU_CODE_EXPECT);
	cr_assert_eq(put(2, 7, 0, 1, "xone"), BAOPHU_CODE_NONE);
	cr_assert_eq(put(2, 7, 0, 1, "xonE"), BAOPHU_CODE_DUPLICATE);
	enum baophu_code code;
	struct wire_apply apply = apply_of(7, 1, 1, "one");
	cr_assert(staging_find(staging, 2, 1, &apply, &code), "what came again counts once");
}

Test(staging, is_bounded_in_entries)
{
	cr_assert_eq(put(2, 7, 0, BAOPHU_BATCH_ENTRIES_MAX, "xone"), BAOPHU_CODE_NONE);
	cr_assert_eq(put(2, 7, 1, 1, "xtwo"), BAOPHU_CODE_TOO_BIG);
}

Test(staging, an_agent_has_half_of_what_the_others_leave)
{
	static char large[10001];
	memset(large, 'x', 10000);
	for (uint32_t part = 0; part < 3; part++) /* of 64 KiB */
		cr_assert_eq(put(2, part, 0, 1, large), BAOPHU_CODE_NONE, "%u", part);
	cr_assert_eq(put(2, 3, 0, 1, large), BAOPHU_CODE_BUSY);
	cr_assert_eq(put(2, 1, 1, 1, large), BAOPHU_CODE_BUSY, "in whichever batch");
	cr_assert_eq(put(3, 1, 0, 1, large), BAOPHU_CODE_NONE, "another one has half of the rest");
	cr_assert_eq(put(3, 1, 1, 1, large), BAOPHU_CODE_BUSY);
	staging_drop(staging, 2, 1, 1);
	cr_assert_eq(put(3, 1, 1, 1, large), BAOPHU_CODE_NONE);
	cr_assert_eq(put(2, 2, 1, 1, large), BAOPHU_CODE_BUSY, "what was given back is shared anew");
}

Test(staging, batches_are_shared_as_bytes_are)
{
	staging_destroy(staging);
	cr_assert_eq(staging_create(1 << 24, 600000, &staging), 0);
	for (uint32_t batch = 0; batch < 512; batch++)
		cr_assert_eq(put(2, batch, 0, 1, "xone"), BAOPHU_CODE_NONE, "%u", batch);
	cr_assert_eq(put(2, 512, 0, 1, "xone"), BAOPHU_CODE_BUSY);
	cr_assert_eq(put(2, 511, 1, 1, "xtwo"), BAOPHU_CODE_NONE, "what was begun goes on");
	for (uint32_t batch = 0; batch < 256; batch++)
		cr_assert_eq(put(3, batch, 0, 1, "xone"), BAOPHU_CODE_NONE, "%u", batch);
	cr_assert_eq(put(3, 256, 0, 1, "xone"), BAOPHU_CODE_BUSY);
	cr_assert_eq(put(2, 511, 2, 1, "xthree"), BAOPHU_CODE_NONE, "also when it could not be begun now");
}

Test(staging, forgets_what_nobody_adds_to)
{
	put(2, 7, 0, 1, "xone");
	now_ms += 400000;
	put(3, 7, 0, 1, "xone");
	put(3, 7, 1, 1, "xtwo");
	cr_assert_eq(staging_expire(staging, now_ms), 0);
	cr_assert_eq(staging_expire(staging, now_ms + 200000), 1);
	cr_assert_eq(staging_expire(staging, now_ms + 599999), 0);
	cr_assert_eq(staging_expire(staging, now_ms + 600000), 2);
}
