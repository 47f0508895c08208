/* workload.c - see workload.h. */
#include "workload.h"

#include <stdio.h>
#include <stdlib.h>

#include <baophu/date.h>

#include "figures.h"

const char *const workload_measures[WORKLOAD_MEASURES] = { "bhxh_bb", "bhxh_tn", "bhtn", "bhyt" };

enum { FIRST_YEAR = 2023, STRIDE = 15485863 /* a prime far above any share's size of 1,012,000 */ };

void workload_init(struct workload *workload)
{
	for (uint32_t i = 0; i < WORKLOAD_PROVINCES; i++)
		snprintf(workload->provinces[i], sizeof workload->provinces[i], "%02u", i % 100);
	for (uint32_t i = 0; i < WORKLOAD_DISTRICTS; i++)
		snprintf(workload->districts[i], sizeof workload->districts[i], "%03u", i % 1000);
	for (uint32_t i = 0; i < WORKLOAD_COMMUNES; i++)
		snprintf(workload->communes[i], sizeof workload->communes[i], "%05u", i % 100000);
	for (uint32_t i = 0; i < WORKLOAD_PERIODS; i++) { /* the day before the first of the next month */
		uint32_t month = i + 1;
		workload->periods[i] = baophu_date_from_civil((FIRST_YEAR + month / 12) * 10000 + (month % 12 + 1) * 100 + 1) - 1;
	}
	workload->since = baophu_date_from_civil((FIRST_YEAR - 3) * 10000 + 101);
}

void workload_commune_topic(const struct workload *workload, uint32_t commune, char topic[static WORKLOAD_TOPIC_BYTES])
{
	uint32_t district = workload_district(commune);
	snprintf(topic, WORKLOAD_TOPIC_BYTES, "coverage/%d/" WORKLOAD_ROOT "/%s/%s/%s/", WORKLOAD_COMMUNE_DEPTH,
		 workload->provinces[workload_province(district)], workload->districts[district], workload->communes[commune]);
}

void workload_province_topic(const struct workload *workload, uint32_t province, char topic[static WORKLOAD_TOPIC_BYTES])
{
	snprintf(topic, WORKLOAD_TOPIC_BYTES, "coverage/%d/" WORKLOAD_ROOT "/%s/", WORKLOAD_COMMUNE_DEPTH,
		 workload->provinces[province]);
}

void workload_province_seal(const struct workload *workload, uint32_t province, char topic[static WORKLOAD_TOPIC_BYTES])
{
	snprintf(topic, WORKLOAD_TOPIC_BYTES, "seal/%d/" WORKLOAD_ROOT "/%s/~", WORKLOAD_COMMUNE_DEPTH,
		 workload->provinces[province]);
}

void share_init(struct share *share, const struct workload *workload, uint32_t first, uint32_t of, uint32_t provinces, bool is_hot)
{
	*share = (struct share){ .workload = workload, .is_hot = is_hot, .random = figures_seed() };
	share->communes = calloc(WORKLOAD_COMMUNES, sizeof *share->communes);
	if (!share->communes)
		figures_die("no memory");
	for (uint32_t commune = 0; commune < WORKLOAD_COMMUNES; commune++)
		if (workload_district(commune) % of == first &&
		    (!provinces || workload_province(workload_district(commune)) < provinces))
			share->communes[share->commune_count++] = commune;
	if (!share->commune_count)
		figures_die("more agents than districts");
}

void share_finish(struct share *share)
{
	free(share->communes);
	*share = (struct share){ 0 };
}

/* Series in order of commune, measure, period. */
static void set(struct share *share, uint32_t series, struct wire_entry *entry)
{
	uint32_t periods = share->is_hot ? 1 : WORKLOAD_PERIODS;
	uint32_t period = share->is_hot ? WORKLOAD_PERIODS - 1 : series % periods;
	uint32_t measure = series / periods % WORKLOAD_MEASURES;
	uint32_t commune = share->communes[series / periods / WORKLOAD_MEASURES];
	baophu_date date = share->workload->periods[period];
	*entry = (struct wire_entry){ .kind = WIRE_FACT,
				      .fact = { .unit = share->workload->communes[commune],
						.measure = workload_measures[measure],
						.extent = BAOPHU_WHOLE,
						.from = date,
						.to = date,
						.value = (int64_t)(figures_random(&share->random) >> 48) + 1,
						.status = BAOPHU_FINAL,
						.origin = BAOPHU_REPORTED,
						.bound = BAOPHU_EXACT } };
}

static uint32_t series_count(const struct share *share)
{
	return share->commune_count * WORKLOAD_MEASURES * (share->is_hot ? 1 : WORKLOAD_PERIODS);
}

void share_random(struct share *share, struct wire_entry *entries, uint32_t count)
{
	uint32_t size = series_count(share);
	uint64_t at = figures_random(&share->random) % size;
	for (uint32_t i = 0; i < count; i++, at += STRIDE)
		set(share, (uint32_t)(at % size), &entries[i]);
}

uint32_t share_sweep(struct share *share, struct wire_entry *entries, uint32_t count)
{
	uint32_t done = 0, size = series_count(share);
	while (done < count && share->next < size)
		set(share, share->next++, &entries[done++]);
	return done;
}
