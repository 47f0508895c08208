/* test_rates.c - the newest word on each published rate, against all of them searched from end to end. */
#include "rates.h"

#include <criterion/criterion.h>

#include "scene.h"

enum { UNITS = 3, STEPS = 3000, DATES = 30 };

static bool is_same_rate(const struct entry_rate *a, const struct entry_rate *b)
{
	return a->unit == b->unit && a->measure == b->measure && a->denominator == b->denominator &&
	       a->over_measure == b->over_measure && a->over_plan == b->over_plan;
}

static struct entry_rate random_rate(uint64_t *seed)
{
	struct entry_rate rate = { .unit = 1 + scene_random(seed, UNITS),
				   .measure = (uint16_t)(1 + scene_random(seed, 3)),
				   .denominator = (uint8_t)(1 + scene_random(seed, 3)),
				   .to = day(20240101) + (baophu_date)scene_random(seed, DATES),
				   .digits = (int64_t)scene_random(seed, 10000) };
	if (rate.denominator == BAOPHU_OVER_MEASURE)
		rate.over_measure = (uint16_t)(4 + scene_random(seed, 2));
	else if (rate.denominator == BAOPHU_OVER_PLAN)
		rate.over_plan = scene_random(seed, 2);
	return rate;
}

Test(rates, of_each_the_latest_date_and_its_newest_word_stand)
{
	static struct rate said[STEPS];
	struct rates rates, copy;
	uint64_t seed = 11;
	rates_init(&rates);
	cr_assert_not(rates_has(&rates, 1));
	for (uint32_t step = 0; step < STEPS; step++) {
		said[step] = (struct rate){ .id = step + 1, .said = random_rate(&seed) };
		cr_assert_eq(rates_apply(&rates, &said[step].said, said[step].id), 0);
		if (step % 50 && step > 200)
			continue;
		cr_assert_eq(rates_clone(&copy, &rates), 0);
		for (uint32_t unit = 1; unit <= UNITS + 1; unit++) {
			const struct rate *found[64];
			baophu_date date = day(20231231) + (baophu_date)scene_random(&seed, DATES + 2);
			uint32_t count = rates_standing(&copy, unit, date, found, 64), expected = 0;
			for (uint32_t i = 0; i <= step; i++) {
				const struct entry_rate *rate = &said[i].said;
				bool stands = rate->unit == unit && rate->to <= date;
				for (uint32_t j = 0; j <= step && stands; j++)
					if (is_same_rate(&said[j].said, rate) && said[j].said.to <= date)
						stands = said[j].said.to < rate->to || (said[j].said.to == rate->to && j <= i);
				if (!stands)
					continue;
				uint32_t at = 0;
				while (at < count && found[at]->id != said[i].id)
					at++;
				cr_assert(at < count, "step %u, unit %u, rate %u", step, unit, i);
				cr_assert_eq(found[at]->said.digits, rate->digits);
				expected++;
			}
			cr_assert_eq(count, expected, "step %u, unit %u", step, unit);
			for (uint32_t i = 1; i < count; i++)
				cr_assert(found[i - 1]->said.measure <= found[i]->said.measure, "in order, whatever came first");
		}
		rates_finish(&copy);
	}
	rates_finish(&rates);
}

Test(rates, what_is_said_again_takes_no_more_room)
{
	struct rates rates;
	uint64_t seed = 12;
	rates_init(&rates);
	for (uint64_t id = 1; id <= 100000; id++) {
		struct entry_rate rate = random_rate(&seed);
		cr_assert_eq(rates_apply(&rates, &rate, id), 0);
	}
	cr_assert(rates.rates.count <= UNITS * 3 * 5 * DATES, "%zu", rates.rates.count);
	rates_finish(&rates);
}
