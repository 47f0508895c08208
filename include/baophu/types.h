/* types.h - the plain types, limits and codes that the daemon, its clients and other programs share.
 *
 * Values of the enums are those of proto/baophu/v1/baophu.proto (tests/unit/test_wire.c holds them to it).
 * No figure is a float; a percentage is a numerator and a denominator until somebody prints it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The functions that the shared library exports, and only they. */
#define BAOPHU_API __attribute__((visibility("default")))
/* Elements that an array parameter has at least; C++ has no word for it. */
#ifdef __cplusplus
#define BAOPHU_AT_LEAST(count) count
#else
#define BAOPHU_AT_LEAST(count) static count
#endif

/* ---- limits: every bound on what a peer can make grow, in one place ---- */
enum {
	BAOPHU_MESSAGE_BYTES_MAX = 65536, /* one message to the collector; the transport buffers before it asks */
	BAOPHU_ENTRIES_MAX = 512, /* entries of an update, or of a staged part */
	BAOPHU_BATCH_ENTRIES_MAX = 65536, /* entries of an import applied at one place */
	BAOPHU_CODE_BYTES_MAX = 16, /* a code without its NUL */
	BAOPHU_TEXT_BYTES_MAX = 200, /* a name or document number without its NUL */
	BAOPHU_MEASURES_MAX = 1024, /* measures, and as many indicators */
	BAOPHU_LEVELS_MAX = 16,
	BAOPHU_DEPTH_MAX = 8, /* a root is at depth 0 */
	BAOPHU_UNITS_MAX = 1 << 20, /* units that ever were */
	BAOPHU_SUCCESSORS_MAX = 64,
	BAOPHU_GRANT_MEASURES_MAX = 64,
	BAOPHU_DECLARE_MEASURES_MAX = 64,
	BAOPHU_DECLARATIONS_MAX = 1 << 16, /* that stand, of all agents */
	BAOPHU_DECLARATIONS_OF_AGENT_MAX = 1024,
	BAOPHU_DECLARATIONS_OF_UNIT_MAX = 16, /* of one agent at one unit */
	BAOPHU_GRACE_DAYS_MAX = 366,
	BAOPHU_QUERY_MEASURES_MAX = 64,
	BAOPHU_PAGE_RECORDS_MAX = 500,
	BAOPHU_RATE_DECIMALS_MAX = 6,
	BAOPHU_ROW_FLAGS_MAX = 4,
	BAOPHU_LINES_MAX = 16, /* that are watched at a time */
	BAOPHU_LINE_DECIMALS_MAX = 4,
	BAOPHU_LINE_PERCENT_MAX = 1000,
	BAOPHU_RECORD_EVENTS_MAX = 8, /* that come along with a record */
	BAOPHU_DIGEST_BYTES = 32, /* BLAKE2b-256: chain digest, batch digest */
	BAOPHU_STORE_BYTES = 16, /* identity of a centre's history */
	BAOPHU_TOPIC_BYTES_MAX = 200, /* libzmq 4.3.4 frames topics of 246 to 255 bytes wrongly */
};
#define BAOPHU_VALUE_MAX INT64_C(1000000000000000) /* 10^15, in a measure's counting unit */
#define BAOPHU_DIGITS_MAX INT64_C(1000000000000) /* 10^12, digits of a percentage */

/* Epochs from here to before the end are chosen by agents, at random, so that one can begin to write before it was ever connected: any that
 * is unused is granted. Smaller ones the collector allots, counting up. The end is how far a number of JSON is exact. */
#define BAOPHU_EPOCH_CHOSEN_MIN (UINT64_C(1) << 52)
#define BAOPHU_EPOCH_CHOSEN_END (UINT64_C(1) << 53)
static inline bool baophu_epoch_is_chosen(uint64_t epoch)
{
	return epoch >= BAOPHU_EPOCH_CHOSEN_MIN && epoch < BAOPHU_EPOCH_CHOSEN_END;
}

/* An absent figure. Never 0: zero is a report. */
#define BAOPHU_ABSENT INT64_MIN

/* A civil date as days since 1970-01-01 in Vietnam's time; see date.h. */
typedef int32_t baophu_date;
#define BAOPHU_DATE_MIN ((baophu_date)1826) /* 1975-01-01 */
#define BAOPHU_DATE_MAX ((baophu_date)67360) /* 2154-06-05 */
#define BAOPHU_DATE_NONE INT32_MIN

enum baophu_extent { BAOPHU_EXTENT_ANY, BAOPHU_WHOLE, BAOPHU_OWN };
enum baophu_status { BAOPHU_STATUS_NONE, BAOPHU_FINAL, BAOPHU_PROVISIONAL, BAOPHU_ESTIMATE };
enum baophu_origin { BAOPHU_ORIGIN_NONE, BAOPHU_REPORTED, BAOPHU_PUBLISHED, BAOPHU_IMPLIED, BAOPHU_ILLUSTRATIVE };
enum baophu_bound { BAOPHU_BOUND_NONE, BAOPHU_EXACT, BAOPHU_ABOUT, BAOPHU_MORE_THAN, BAOPHU_NEARLY };
enum baophu_reason {
	BAOPHU_REASON_NONE,
	BAOPHU_REASON_CORRECTION,
	BAOPHU_REASON_CARD_EXPIRY,
	BAOPHU_REASON_POLICY,
	BAOPHU_REASON_REORGANISATION,
	BAOPHU_REASON_TRANSFER,
	BAOPHU_REASON_AMBIGUOUS_SOURCE,
	BAOPHU_REASON_UNDO,
	BAOPHU_REASON_COUNT
};
enum baophu_measure_kind { BAOPHU_MEASURE_KIND_NONE, BAOPHU_STOCK, BAOPHU_FLOW };
enum baophu_plan_kind { BAOPHU_PLAN_KIND_NONE, BAOPHU_PLAN_STOCK, BAOPHU_PLAN_FLOW, BAOPHU_PLAN_RATE };
enum baophu_denominator { BAOPHU_DENOMINATOR_NONE, BAOPHU_OVER_UNSTATED, BAOPHU_OVER_MEASURE, BAOPHU_OVER_PLAN };
enum baophu_verdict { BAOPHU_VERDICT_NONE, BAOPHU_APPLIED, BAOPHU_HELD, BAOPHU_REFUSED };

/* Why something was not applied; see the .proto for what each means. Class: below 20 retryable, below 40 held. */
enum baophu_code {
	BAOPHU_CODE_NONE = 0,
	BAOPHU_CODE_BUSY = 1,
	BAOPHU_CODE_DISK,
	BAOPHU_CODE_EXPECT,
	BAOPHU_CODE_CLOCK,
	BAOPHU_CODE_INDEXING,
	BAOPHU_CODE_UNIT_UNKNOWN = 20,
	BAOPHU_CODE_UNIT_NOT_VALID,
	BAOPHU_CODE_PLAN_UNKNOWN,
	BAOPHU_CODE_NO_OWNER,
	BAOPHU_CODE_MALFORMED = 40,
	BAOPHU_CODE_TOO_BIG,
	BAOPHU_CODE_EMPTY,
	BAOPHU_CODE_MEASURE_UNKNOWN,
	BAOPHU_CODE_VALUE,
	BAOPHU_CODE_PERIOD,
	BAOPHU_CODE_NOTHING_STANDS,
	BAOPHU_CODE_DUPLICATE,
	BAOPHU_CODE_NO_SUCH,
	BAOPHU_CODE_TEXT,
	BAOPHU_CODE_CYCLE,
	BAOPHU_CODE_KIND,
	BAOPHU_CODE_FORBIDDEN = 60,
	BAOPHU_CODE_NOT_OWNER,
	BAOPHU_CODE_AGENT_UNKNOWN,
	BAOPHU_CODE_FORK,
	BAOPHU_CODE_FROZEN,
	BAOPHU_CODE_EPOCH,
	BAOPHU_CODE_PROTOCOL,
	BAOPHU_CODE_STILL_HELD,
	BAOPHU_CODE_SNAPSHOT_REQUIRED = 80,
	BAOPHU_CODE_BEHIND,
	BAOPHU_CODE_QUERY,
};
/* What exactly is wrong with a question; see the .proto for what each means. */
enum baophu_fault {
	BAOPHU_FAULT_NONE,
	BAOPHU_FAULT_UNREADABLE,
	BAOPHU_FAULT_KIND_UNKNOWN,
	BAOPHU_FAULT_PAGE,
	BAOPHU_FAULT_UNIT_MISSING,
	BAOPHU_FAULT_UNIT_UNKNOWN,
	BAOPHU_FAULT_UNIT_NOT_VALID,
	BAOPHU_FAULT_PLAN_UNKNOWN,
	BAOPHU_FAULT_MEASURE_UNKNOWN,
	BAOPHU_FAULT_SEQ_AHEAD,
	BAOPHU_FAULT_SEQ_BEHIND,
	BAOPHU_FAULT_HISTORY,
	BAOPHU_FAULT_AGENT_UNKNOWN,
	BAOPHU_FAULT_COUNT
};
static inline bool baophu_code_is_retryable(enum baophu_code code) { return code > 0 && code < 20; }
static inline bool baophu_code_is_held(enum baophu_code code) { return code >= 20 && code < 40; }

enum baophu_row_kind {
	BAOPHU_ROW_NONE,
	BAOPHU_ROW_STOCK,
	BAOPHU_ROW_FLOW,
	BAOPHU_ROW_PLAN,
	BAOPHU_ROW_SHARE,
	BAOPHU_ROW_PUBLISHED
};
enum baophu_basis { BAOPHU_BASIS_NONE, BAOPHU_BASIS_WHOLE, BAOPHU_BASIS_SUM, BAOPHU_BASIS_PARTIAL, BAOPHU_BASIS_PARTS };
enum baophu_state {
	BAOPHU_STATE_NONE = 0,
	BAOPHU_STATE_REPORTED = 1,
	BAOPHU_STATE_NO_REPORT,
	BAOPHU_STATE_WITHDRAWN,
	BAOPHU_STATE_MET = 10,
	BAOPHU_STATE_HALF,
	BAOPHU_STATE_UNDER_HALF,
	BAOPHU_STATE_ZERO,
	BAOPHU_STATE_NO_PLAN,
	BAOPHU_STATE_PARTIAL,
	BAOPHU_STATE_COMPUTED = 20,
	BAOPHU_STATE_NO_DENOMINATOR,
	BAOPHU_STATE_AGREES = 30,
	BAOPHU_STATE_AGREES_TRUNCATED,
	BAOPHU_STATE_DIFFERS,
	BAOPHU_STATE_NOT_COMPARABLE,
};
enum baophu_plan_state { BAOPHU_PLAN_STATE_NONE, BAOPHU_PLAN_OWN, BAOPHU_PLAN_SUMMED, BAOPHU_PLAN_ENDED, BAOPHU_PLAN_SUMMED_ENDED };
enum baophu_flag {
	BAOPHU_FLAG_NONE,
	BAOPHU_FLAG_BHTN_ABOVE_BB,
	BAOPHU_FLAG_BHYT_ABOVE_POPULATION,
	BAOPHU_FLAG_SUM_DIFFERS,
	BAOPHU_FLAG_PARTS_DIFFER,
	BAOPHU_FLAG_TRIPLE_DIFFERS,
	BAOPHU_FLAG_RATES_DIFFER,
	BAOPHU_FLAG_BOUND_SUM,
	BAOPHU_FLAG_COUNT
};
enum baophu_rhythm { BAOPHU_RHYTHM_NONE, BAOPHU_DAILY, BAOPHU_WEEKLY, BAOPHU_MONTHLY, BAOPHU_QUARTERLY, BAOPHU_YEARLY };
/* Worse is greater. */
enum baophu_freshness { BAOPHU_FRESHNESS_NONE, BAOPHU_FRESH, BAOPHU_DUE, BAOPHU_LATE, BAOPHU_SILENT, BAOPHU_FRESHNESS_COUNT };

enum baophu_direction { BAOPHU_DIRECTION_NONE, BAOPHU_UP, BAOPHU_DOWN };

/* A place in history: position and hash chain there; one without the other names nothing. seq 0: before the first record. */
struct baophu_place {
	uint64_t seq;
	uint8_t digest[BAOPHU_DIGEST_BYTES];
};

/* One line of a coverage record; fields as message Row. Absent figures are BAOPHU_ABSENT, absent dates BAOPHU_DATE_NONE,
 * absent codes "". Codes are copied, so a row stands alone. */
struct baophu_row {
	enum baophu_row_kind kind;
	char measure[BAOPHU_CODE_BYTES_MAX + 1];
	char plan[BAOPHU_CODE_BYTES_MAX + 1];
	char denominator_measure[BAOPHU_CODE_BYTES_MAX + 1];
	baophu_date from, to;
	int64_t value;
	enum baophu_basis basis;
	int64_t whole, sum, gap, own;
	baophu_date whole_to, oldest;
	enum baophu_state state;
	enum baophu_status status;
	enum baophu_origin origin;
	enum baophu_bound bound;
	enum baophu_reason reason;
	uint32_t reported, expected;
	enum baophu_plan_state plan_state;
	int64_t target;
	uint32_t decimals;
	int64_t remaining, numerator, denominator, estimated, previous;
	int64_t moved_net;
	uint32_t uncovered_days, unused;
	uint32_t fresh, declared;
	uint8_t flags[BAOPHU_ROW_FLAGS_MAX]; /* enum baophu_flag, unused ones 0 */
};

/* The fields of a row that says nothing: every figure absent, every date none. To begin an initialiser with, so that a new field is absent
 * everywhere: struct baophu_row row = { BAOPHU_ROW_SAYS_NOTHING, .kind = ... }; */
#define BAOPHU_ROW_SAYS_NOTHING                                                                                                 \
	.from = BAOPHU_DATE_NONE, .to = BAOPHU_DATE_NONE, .value = BAOPHU_ABSENT, .whole = BAOPHU_ABSENT, .sum = BAOPHU_ABSENT, \
	.gap = BAOPHU_ABSENT, .own = BAOPHU_ABSENT, .whole_to = BAOPHU_DATE_NONE, .oldest = BAOPHU_DATE_NONE,                   \
	.target = BAOPHU_ABSENT, .remaining = BAOPHU_ABSENT, .numerator = BAOPHU_ABSENT, .denominator = BAOPHU_ABSENT,          \
	.estimated = BAOPHU_ABSENT, .previous = BAOPHU_ABSENT, .moved_net = BAOPHU_ABSENT

/* A unit crossed a line; fields as message Event. Absent figures are BAOPHU_ABSENT. It stands alone, and is identified and ordered by
 * (seq, index). */
struct baophu_event {
	uint64_t seq;
	uint32_t index, cause;
	uint32_t unit_number;
	char unit[BAOPHU_CODE_BYTES_MAX + 1];
	char name[BAOPHU_TEXT_BYTES_MAX + 1];
	char plan[BAOPHU_CODE_BYTES_MAX + 1];
	char measure[BAOPHU_CODE_BYTES_MAX + 1]; /* or indicator */
	uint32_t line_digits, line_decimals; /* 975, 1: 97,5 % */
	enum baophu_direction direction;
	int64_t numerator, denominator, target;
	uint32_t decimals; /* of a rate's target */
	baophu_date day;
	int64_t time_ms;
	uint32_t nth, count; /* count: more than two crossings of a day that is over; nth is then 0 */
	uint64_t number; /* of the unit's delivered events, from 1; 0: kept only */
};

/* The coverage of one unit; `rows` and `events` are borrowed. Fields as message CoverageRecord. */
struct baophu_record {
	uint32_t unit_number;
	uint64_t version, previous;
	char unit[BAOPHU_CODE_BYTES_MAX + 1];
	char level[BAOPHU_CODE_BYTES_MAX + 1];
	char parent[BAOPHU_CODE_BYTES_MAX + 1];
	char name[BAOPHU_TEXT_BYTES_MAX + 1];
	uint32_t depth;
	baophu_date date;
	uint64_t seq;
	bool tombstone;
	uint32_t row_count;
	const struct baophu_row *rows;
	uint64_t event_count; /* delivered events of the unit, ever; 0 where it is not said */
	uint32_t new_event_count; /* of them, those that are here: after `previous`, in order */
	const struct baophu_event *events;
};

/* Why there is no answer, in parts; message Detail. What does not belong to the fault is "", BAOPHU_DATE_NONE or 0. */
struct baophu_detail {
	enum baophu_fault fault; /* NONE: not said; also by a collector that knows a fault which we do not */
	char named[BAOPHU_CODE_BYTES_MAX + 1];
	char successor[BAOPHU_CODE_BYTES_MAX + 1];
	char successor_name[BAOPHU_TEXT_BYTES_MAX + 1];
	baophu_date date;
	uint64_t wanted_seq, newest_seq;
};

/* The proof of a subtree at one depth; message Seal. */
struct baophu_seal {
	struct baophu_place place;
	uint32_t count;
	uint64_t sum;
	baophu_date date;
};

/* The finaliser of splitmix64 over a unit and its version; summed into a seal. */
static inline uint64_t baophu_mix64(uint32_t unit_number, uint64_t version)
{
	uint64_t x = unit_number * UINT64_C(0x9e3779b97f4a7c15) + version;
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}
