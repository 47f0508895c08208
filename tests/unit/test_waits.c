/* test_waits.c - who waits for what: against plain words over a list. */
#include "waits.h"

#include <string.h>

#include <criterion/criterion.h>

#include "scene.h"

TestSuite(waits);

Test(waits, wake_who_waits_for_a_key_and_nobody_else)
{
	struct waits *w;
	uint64_t unit = waits_key_code(WAITS_UNIT_CODE, "927"), plan = waits_key_code(WAITS_PLAN, "927"), both[] = { unit, plan };
	cr_assert_eq(waits_create(&w), 0);
	cr_assert_neq(unit, plan);
	cr_assert_neq(unit, waits_key_code(WAITS_UNIT_CODE, "92700000000000_7"));
	cr_assert_neq(waits_key_code(WAITS_UNIT_CODE, "00000000_1"), waits_key_code(WAITS_UNIT_CODE, "00000000_2"));
	cr_assert(!waits_are_due(w));
	for (uint64_t seq = 1; seq <= 3; seq++)
		cr_assert_eq(waits_add(w, seq, 7, seq == 2 ? 2 : 1), 0);
	for (uint64_t seq = 1; seq <= 3; seq++)
		cr_assert_eq(waits_next(w), seq, "all are looked at once, in order");
	cr_assert_eq(waits_next(w), 0);
	cr_assert(waits_before(w, 3) == 1 && waits_before(w, 2) == 0 && waits_before(w, 1) == 0, "of an epoch");
	cr_assert_eq(waits_for(w, 3, both, 2), 0);
	cr_assert_eq(waits_for(w, 1, &unit, 1), 0);
	cr_assert_eq(waits_wake(w, plan), 0);
	cr_assert_eq(waits_next(w), 3);
	cr_assert_eq(waits_wake(w, unit), 0);
	cr_assert_eq(waits_wake(w, plan), 0);
	cr_assert(waits_next(w) == 1 && waits_next(w) == 3 && waits_next(w) == 0);
	uint64_t first = waits_key(WAITS_UPDATE, 1);
	cr_assert_eq(waits_for(w, 3, &first, 1), 0);
	cr_assert_eq(waits_wake(w, unit), 0);
	cr_assert_eq(waits_next(w), 1, "what it waited for before is nothing to it");
	cr_assert_eq(waits_remove(w, 1), 0);
	cr_assert_eq(waits_next(w), 3);
	cr_assert_eq(waits_before(w, 3), 0);
	cr_assert_eq(waits_count(w), 2);
	waits_destroy(w);
}

enum { EPOCHS = 200, KEYS = 40, HERE = 600, STEPS = 60000 };
struct one {
	uint64_t seq, keys[3];
	uint32_t epoch, count;
	bool is_due;
};

Test(waits, equal_a_list)
{
	struct waits *w;
	static struct one list[HERE]; /* in order of seq */
	uint32_t count = 0;
	uint64_t seed = 20240501, next_seq = 1;
	cr_assert_eq(waits_create(&w), 0);
	for (int step = 0; step < STEPS; step++) {
		uint32_t what = scene_random(&seed, 10), at = count ? scene_random(&seed, count) : 0;
		if (what < 2 && count < HERE) {
			uint32_t epoch = scene_random(&seed, EPOCHS);
			list[count++] = (struct one){ .seq = next_seq, .epoch = epoch, .is_due = true };
			cr_assert_eq(waits_add(w, next_seq, 1 + epoch % 2, epoch), 0);
			next_seq += 1 + scene_random(&seed, 3);
		} else if (what < 4 && count) {
			struct one *one = &list[at];
			one->count = scene_random(&seed, 4);
			for (uint32_t i = 0; i < one->count; i++)
				one->keys[i] = waits_key(WAITS_UNIT, scene_random(&seed, KEYS));
			cr_assert_eq(waits_for(w, one->seq, one->keys, one->count), 0);
		} else if (what == 4) {
			uint64_t key = waits_key(WAITS_UNIT, scene_random(&seed, KEYS));
			cr_assert_eq(waits_wake(w, key), 0);
			for (uint32_t i = 0; i < count; i++)
				for (uint32_t k = 0; k < list[i].count; k++)
					list[i].is_due |= list[i].keys[k] == key;
		} else if (what == 5 && count) {
			cr_assert_eq(waits_remove(w, list[at].seq), 0);
			memmove(&list[at], &list[at + 1], (--count - at) * sizeof *list);
		} else if (what == 6 && count) {
			cr_assert_eq(waits_again(w, list[at].seq), 0);
			list[at].is_due = true;
		} else if (what == 7 && count) {
			uint64_t before = 0;
			for (uint32_t i = 0; i < at; i++)
				if (list[i].epoch == list[at].epoch)
					before = list[i].seq;
			cr_assert_eq(waits_before(w, list[at].seq), before, "step %d", step);
		} else {
			uint32_t due = 0;
			while (due < count && !list[due].is_due)
				due++;
			cr_assert_eq(waits_are_due(w), due < count);
			cr_assert_eq(waits_next(w), due < count ? list[due].seq : 0, "step %d", step);
			if (due < count)
				list[due].is_due = false;
		}
		cr_assert_eq(waits_count(w), count);
	}
	waits_destroy(w);
}
