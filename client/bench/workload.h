/* workload.h - the one workload that stores are compared by: a country of 11,000 communes in 700 districts in 63 provinces, four stock
 * measures at 23 month ends, 1,012,000 series. An entry sets one series; its district, province and country follow.
 */
#pragma once

#include "wire.h"

enum { WORKLOAD_PROVINCES = 63, WORKLOAD_DISTRICTS = 700, WORKLOAD_COMMUNES = 11000, WORKLOAD_MEASURES = 4, WORKLOAD_PERIODS = 23 };
enum { WORKLOAD_SERIES = WORKLOAD_COMMUNES * WORKLOAD_MEASURES * WORKLOAD_PERIODS };
#define WORKLOAD_ROOT "VN"

struct workload {
	char provinces[WORKLOAD_PROVINCES][4], districts[WORKLOAD_DISTRICTS][4], communes[WORKLOAD_COMMUNES][8];
	baophu_date periods[WORKLOAD_PERIODS];
	baophu_date since; /* the units exist from this day on */
};
extern const char *const workload_measures[WORKLOAD_MEASURES];
void workload_init(struct workload *workload);
static inline uint32_t workload_district(uint32_t commune) { return commune * WORKLOAD_DISTRICTS / WORKLOAD_COMMUNES; }
static inline uint32_t workload_province(uint32_t district) { return district * WORKLOAD_PROVINCES / WORKLOAD_DISTRICTS; }

/* Where a commune's records are published, and all records of a province's communes ("coverage") or their seal ("seal"). */
enum { WORKLOAD_TOPIC_BYTES = 48, WORKLOAD_COMMUNE_DEPTH = 3 };
void workload_commune_topic(const struct workload *workload, uint32_t commune, char topic[static WORKLOAD_TOPIC_BYTES]);
void workload_province_topic(const struct workload *workload, uint32_t province, char topic[static WORKLOAD_TOPIC_BYTES]);
void workload_province_seal(const struct workload *workload, uint32_t province, char topic[static WORKLOAD_TOPIC_BYTES]);

/* Whose districts: every `of`-th from `first` on. */
struct share {
	const struct workload *workload;
	uint32_t *communes;
	uint32_t commune_count;
	bool is_hot; /* only the newest period: what offices really send */
	uint32_t next; /* of a sweep */
	uint64_t random;
};
/* Of the first `provinces` provinces only; 0: of all. */
void share_init(struct share *share, const struct workload *workload, uint32_t first, uint32_t of, uint32_t provinces, bool is_hot);
void share_finish(struct share *share);
/* Random series, each at most once (an update names a figure once), with random values. */
void share_random(struct share *share, struct wire_entry *entries, uint32_t count);
/* The next series in order; fewer than `count` at the end, then 0. */
uint32_t share_sweep(struct share *share, struct wire_entry *entries, uint32_t count);
