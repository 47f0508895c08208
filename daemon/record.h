/* record.h - the log record: one decision in a fixed, versioned layout (little endian), independent of the wire's codec.
 *
 * A record is a header and decided entries. Decided entries name units and measures by number, so neither a new codec nor new
 * rules can change what an old log means. Layout, format 1, in the head of record.c; golden vectors in tests/vectors/record/.
 * Pure: no I/O, no clock. Reading a damaged record is an error, never a guess.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include <baophu/status.h>
#include <baophu/types.h>

enum {
	RECORD_FORMAT = 1,
	RECORD_HEADER_BYTES = 128,
	RECORD_BYTES_MAX = 16 << 20,
	RECORD_RULES = 1,
	RECORD_PAYLOAD_DIGEST_BYTES = 16
};

enum record_kind {
	RECORD_UPDATE = 1, /* an agent's update: applied (entries) or refused (none) */
	RECORD_HELD, /* an update kept whole: the body is its payload bytes */
	RECORD_START, /* entry: boot */
	RECORD_DAY, /* entry: day */
	RECORD_EPOCH, /* entry: epoch granted */
	RECORD_FREEZE, /* entry: epoch frozen after a fork */
	RECORD_CHECKPOINT, /* entry: state digest */
	RECORD_CATALOGUE, /* the default catalogue, at first start */
	RECORD_STOP, /* clean stop */
	RECORD_RELEASE, /* a held update decided again, now that what held it is gone; agent: its sender. Entries: held decision, then its own */
	RECORD_KIND_COUNT
};
const char *record_kind_name(enum record_kind kind);

struct record_header {
	enum record_kind kind;
	uint16_t rules; /* number of the rules it was decided by */
	int64_t time_ms; /* wall clock when decided; data, never used to order */
	uint32_t principal; /* agent number of the connection that sent it; 0: the system itself */
	uint32_t agent; /* agent number; 0: the system */
	uint64_t epoch, number; /* 0 for the system */
	uint8_t payload_digest[RECORD_PAYLOAD_DIGEST_BYTES]; /* BLAKE2b-128 of the payload bytes; zero for the system */
	enum baophu_verdict verdict;
	enum baophu_code code;
	uint32_t entry; /* entry that the code speaks of; UINT32_MAX: none */
	uint32_t entry_count; /* decided entries in the body; 0 for HELD */
	uint32_t body_bytes;
	struct baophu_place place; /* seq and the chain digest, which is also the record's checksum */
};

/* Identity of an entry for ever: the record's seq and the entry's index in it. */
static inline uint64_t entry_id(uint64_t seq, uint32_t index) { return seq << 17 | index; }
static inline uint64_t entry_id_seq(uint64_t id) { return id >> 17; }
static inline uint32_t entry_id_index(uint64_t id) { return (uint32_t)(id & 0x1ffff); }

enum entry_kind {
	ENTRY_FACT = 1,
	ENTRY_WITHDRAWAL,
	ENTRY_RATE,
	ENTRY_LEVEL = 10,
	ENTRY_UNIT,
	ENTRY_UNIT_CLOSE,
	ENTRY_MEASURE,
	ENTRY_INDICATOR,
	ENTRY_PLAN,
	ENTRY_AGENT,
	ENTRY_GRANT,
	ENTRY_HELD_DECISION,
	ENTRY_EPOCH_OPEN,
	ENTRY_THRESHOLD,
	ENTRY_DECLARE = 22,
	ENTRY_BACKUP,
	ENTRY_BOOT = 40,
	ENTRY_DAY,
	ENTRY_EPOCH,
	ENTRY_FREEZE,
	ENTRY_CHECKPOINT
};
static inline bool entry_changes_registry(enum entry_kind kind) { return kind >= ENTRY_LEVEL && kind < ENTRY_BOOT; }

/* Which figure: unit, measure, extent and period. */
struct slot {
	uint32_t unit;
	uint16_t measure;
	uint8_t extent; /* BAOPHU_WHOLE, BAOPHU_OWN */
	baophu_date from, to; /* equal for a stock */
};
/* What is said of it. */
struct figure {
	int64_t value;
	uint8_t status, origin, bound, reason;
};

struct entry_fact {
	struct slot slot;
	struct figure figure;
	char sent_code[BAOPHU_CODE_BYTES_MAX + 1]; /* where routed elsewhere */
};
/* The decided form carries what stands again, so that the fold need not search: restored_id 0 is "no report". */
struct entry_withdrawal {
	struct slot slot;
	uint8_t reason;
	uint64_t withdrawn_id, restored_id;
	struct figure restored;
};
struct entry_rate {
	uint32_t unit;
	uint16_t measure, over_measure; /* over_measure by `denominator`; 0 */
	uint32_t over_plan; /* plan code number; 0: not named */
	uint8_t denominator, decimals, status, bound;
	baophu_date from, to;
	int64_t digits;
};
struct entry_level {
	uint8_t level;
	const char *code, *name_vi, *name_en;
}; /* level: number, from 1 */
/* A dated version of a unit, complete: created (unit number is new) or changed. */
struct entry_unit {
	uint32_t unit, parent;
	uint8_t level;
	baophu_date from;
	const char *code, *name;
};
struct entry_successor {
	uint32_t unit, weight;
};
struct entry_unit_close {
	uint32_t unit;
	baophu_date from;
	uint32_t successor_count;
	const struct entry_successor *successors;
};
struct entry_measure {
	uint16_t measure, parent;
	uint8_t kind;
	const char *code, *name_vi, *name_en, *unit_vi, *unit_en;
};
struct entry_indicator {
	uint16_t indicator, numerator, denominator;
	const char *code, *name_vi, *name_en;
};
struct entry_plan {
	uint32_t plan; /* number of the plan code, from 1 */
	uint32_t unit;
	uint16_t target; /* measure; indicator when kind is RATE */
	uint8_t kind, decimals, origin, removed;
	baophu_date from, to;
	int64_t value;
	const char *code, *issuer, *document;
};
struct entry_agent {
	uint32_t agent;
	baophu_date from, until;
	const char *name;
}; /* until BAOPHU_DATE_NONE: no end */
struct entry_grant {
	uint32_t agent, unit;
	uint8_t extent; /* ANY, WHOLE, OWN */
	uint8_t revoke;
	baophu_date from, until;
	uint32_t measure_count; /* 0: all */
	const uint16_t *measures;
};
struct entry_held_decision {
	uint64_t seq;
	uint8_t release;
}; /* the released entries follow it in the same record */
struct entry_epoch {
	uint32_t agent;
	uint64_t epoch;
}; /* EPOCH, FREEZE, EPOCH_OPEN */
struct entry_threshold {
	uint32_t plan; /* plan code number; 0: every plan */
	uint32_t digits; /* of the line, with the fewest decimals */
	uint8_t decimals, line; /* line: the percentage's number */
	uint8_t removed;
};
/* What an agent reports, and how often (message Declare). */
struct entry_declare {
	uint32_t agent, unit;
	uint8_t level; /* every unit of this level at `unit` and below; 0: `unit` alone */
	uint8_t extent; /* WHOLE, OWN */
	uint8_t rhythm; /* NONE: removed */
	uint16_t closing_day, grace_days;
	baophu_date since; /* business day on which it was decided */
	uint32_t measure_count; /* 0: all that are granted */
	const uint16_t *measures; /* ascending */
};
struct entry_backup {
	struct baophu_place place;
}; /* a verified backup holds the log up to here */
struct entry_boot {
	uint8_t boot_id[16];
	int64_t wall_ms, monotonic_ms;
	const char *version;
};
struct entry_day {
	baophu_date day;
};
struct entry_checkpoint {
	uint64_t state_digest, facts;
	uint32_t units;
}; /* the state before this record */

struct entry {
	enum entry_kind kind;
	union {
		struct entry_fact fact;
		struct entry_withdrawal withdrawal;
		struct entry_rate rate;
		struct entry_level level;
		struct entry_unit unit;
		struct entry_unit_close unit_close;
		struct entry_measure measure;
		struct entry_indicator indicator;
		struct entry_plan plan;
		struct entry_agent agent;
		struct entry_grant grant;
		struct entry_held_decision held;
		struct entry_epoch epoch;
		struct entry_threshold threshold;
		struct entry_declare declare;
		struct entry_backup backup;
		struct entry_boot boot;
		struct entry_day day;
		struct entry_checkpoint checkpoint;
	};
};

/* ---- writing: header space first, then entries, then seal ---- */
struct record_writer {
	uint8_t *buffer; /* caller's; RECORD_HEADER_BYTES are kept free at its start */
	size_t size, used;
	uint32_t entry_count;
	int error; /* first failure, kept; later calls do nothing */
};
void record_begin(struct record_writer *writer, void *buffer, size_t size);
/* Appends one decided entry; strings and arrays are copied. Too big for the buffer: writer->error = -BAOPHU_EFULL. */
void record_add(struct record_writer *writer, const struct entry *entry);
/* The payload of a HELD record. */
void record_add_payload(struct record_writer *writer, const void *payload, size_t bytes);
/* Fills the header: entry_count, body_bytes, seq = previous->seq + 1 and the chain digest BLAKE2b-256(previous digest || record with
 * its digest field zero) are computed here and also written back to *header. Returns the record's bytes (its start is the buffer's
 * start), or writer->error. */
ssize_t record_seal(struct record_writer *writer, struct record_header *header, const struct baophu_place *previous);

/* ---- reading ---- */
/* Parses and bounds-checks the header; does not verify the digest. -BAOPHU_EDAMAGED, -BAOPHU_EFORMAT. */
int record_read_header(const void *bytes, size_t size, struct record_header *ret_header);
/* True when the chain digest holds from `previous_digest`. */
bool record_verify(const void *bytes, size_t size, const uint8_t previous_digest[static BAOPHU_DIGEST_BYTES]);

struct record_cursor {
	const uint8_t *at, *end;
	uint32_t index, count;
	int error;
	struct entry_successor successors[BAOPHU_SUCCESSORS_MAX];
	uint16_t measures[BAOPHU_GRANT_MEASURES_MAX];
};
/* Starts at the first entry; `bytes` is borrowed while the cursor is used. */
int record_open(const void *bytes, size_t size, struct record_header *ret_header, struct record_cursor *cursor);
/* 1: *ret_entry holds the next entry (its strings point into `bytes` and are NUL-terminated there; successors and measures into the
 * cursor); 0: no more; -BAOPHU_EDAMAGED. */
int record_next(struct record_cursor *cursor, struct entry *ret_entry);
/* The payload of a HELD record. */
const uint8_t *record_payload(const void *bytes, size_t size, size_t *ret_bytes);
/* The receipt that a header says, for ever: a pure function of the header and the agent's name. */
struct wire_receipt;
void record_receipt(const struct record_header *header, const char *agent_name, struct wire_receipt *ret_receipt);
