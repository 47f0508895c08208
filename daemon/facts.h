/* facts.h - the facts that stand, in memory: 20 bytes each, sorted by period within unit, measure and extent. Pure.
 *
 * Rule 3: for one period final > provisional > estimate, never replaced by a lower one; then the highest entry. A slot that was
 * withdrawn with nothing before it stays, marked: "withdrawn" is not "no report".
 */
#pragma once

#include "record.h"
#include "vec.h"

/* Packed, because a million of them must leave room for everything else in 64 MB: use the functions below. */
struct fact {
	uint64_t
	    word; /* value + 1 in bits 12 and up (0: withdrawn, nothing stands), status, origin, bound as value - 1 in 2 bits each
			  from bit 6, reason in bits 0 to 5 */
	uint64_t id; /* entry that said so (of a withdrawn slot: the withdrawal) */
	uint16_t from, to; /* days since BAOPHU_DATE_MIN */
} __attribute__((packed, aligned(4)));
_Static_assert(sizeof(struct fact) == 20, "a million facts must fit the memory target");
_Static_assert(BAOPHU_VALUE_MAX < INT64_C(1) << 51 && BAOPHU_REASON_COUNT <= 64, "what the word has room for");
static inline bool fact_stands(const struct fact *f) { return f->word >> 12; }
static inline int64_t fact_value(const struct fact *f) { return fact_stands(f) ? (int64_t)(f->word >> 12) - 1 : BAOPHU_ABSENT; }
static inline baophu_date fact_from(const struct fact *f) { return BAOPHU_DATE_MIN + f->from; }
static inline baophu_date fact_to(const struct fact *f) { return BAOPHU_DATE_MIN + f->to; }
static inline uint8_t fact_status(const struct fact *f) { return (uint8_t)((f->word >> 6 & 3) + 1); }
static inline uint8_t fact_origin(const struct fact *f) { return (uint8_t)((f->word >> 8 & 3) + 1); }
static inline uint8_t fact_bound(const struct fact *f) { return (uint8_t)((f->word >> 10 & 3) + 1); }
static inline uint8_t fact_reason(const struct fact *f) { return f->word & 63; }

struct series { /* sorted by to, then from */
	uint32_t unit;
	uint16_t measure;
	uint8_t extent;
	uint32_t count, capacity;
	struct fact *facts;
};
struct facts {
	struct series *table; /* open hash, power of two; unit 0: free */
	uint32_t table_size, series_count;
	uint64_t fact_count; /* slots, withdrawn ones included */
	uint64_t digest; /* sum over slots of their hash, modulo 2^64 */
};
void facts_init(struct facts *facts);
void facts_finish(struct facts *facts);

/* What a put did, for the coverage to follow. */
struct facts_change {
	bool is_changed;
	baophu_date later; /* end of the next standing fact of the series; BAOPHU_DATE_NONE: none */
};
/* Applies rule 3. -ENOMEM. */
int facts_put(struct facts *facts, const struct slot *slot, const struct figure *figure, uint64_t id,
	      struct facts_change *ret_change);
/* Takes what stands back to `restored` (restored_id 0: nothing). */
int facts_withdraw(struct facts *facts, const struct entry_withdrawal *withdrawal, uint64_t id, struct facts_change *ret_change);
/* Asks the memory for what facts_put of this slot will read: stage 0 its series, a little later stage 1 its facts. A million facts do not
 * fit the caches; waiting for each in turn is most of a put's time. */
void facts_prefetch(const struct facts *facts, const struct slot *slot, int stage);
/* NULL: none. Valid until the next put. */
const struct series *facts_series(const struct facts *facts, uint32_t unit, uint16_t measure, uint8_t extent);
/* The slot itself; NULL when it never was. */
const struct fact *facts_slot(const struct facts *facts, const struct slot *slot);
/* The latest standing fact with to <= date (a stock); NULL. *ret_withdrawn is set when only withdrawn slots were found. */
const struct fact *facts_latest(const struct series *series, baophu_date date, bool *ret_withdrawn);

/* One version of a slot, as history keeps them. */
struct fact_version {
	uint64_t id;
	uint64_t withdrawn_id; /* of a withdrawal: the fact it took back; else 0 */
	struct figure figure; /* value BAOPHU_ABSENT for a withdrawal */
};
/* Which of the versions of one slot stands (versions in order of id, all with id <= what is known): the index, or -1. Rule 3 over what
 * was not taken back. Fold and history must agree on this: tests/property/test_fold.c. */
int facts_standing(const struct fact_version *versions, int count);

/* What the facts of one series say of a period (rule 2) as of a date: what ends after it does not count yet (rule 3). */
struct flow {
	int64_t value; /* BAOPHU_ABSENT: nothing inside */
	int64_t estimated;
	uint32_t uncovered_days, unused;
	uint8_t status, origin, bound, reason;
	bool withdrawn, mixed_bounds;
};
void facts_flow(const struct series *series, baophu_date from, baophu_date to, baophu_date as_of, struct flow *ret_flow);
