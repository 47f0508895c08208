/* wire.h - the only codec of the wire: bytes <-> checked plain structs (messages of proto/baophu/v1/baophu.proto).
 *
 * Everything a peer sends is bounded and checked here, once; whoever holds one of these structs need not look again. What needs
 * the registry (does the unit exist, who owns it, what is today) is not decided here.
 * Does no I/O and reads no clock. Generated protobuf types never leave wire.c.
 *
 * Checked at decoding to the collector (decode_agent_message, decode_payload, decode_stage, decode_query):
 *   size; grammar of protobuf; no unknown fields; no embedded NUL; codes [0-9A-Za-z._-]{1,16}; texts UTF-8, NFC, 1..200 bytes, no
 *   control characters; enum values known; dates in the calendar; from <= to; 0 <= value <= 10^15; number of entries.
 * What is wrong with one entry is reported as code and entry index, so that the whole update can be refused by name.
 *
 * Replies (decode_collector_message, receipt, record, seal, answer) are checked as strictly, but what a newer peer adds is skipped:
 * unknown fields, and unknown enum values are read as "not said".
 *
 * Memory: decoded structs and all they point to live in the caller's arena and die at its next reset (what is borrowed says so).
 * Encoders trust their struct, write into the caller's buffer and return the bytes written, or -BAOPHU_EFULL (negative) when it does
 * not fit; nothing is allocated otherwise.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include <baophu/status.h>
#include <baophu/types.h>

/* ---- arena: one block, bump allocation, hard cap ---- */
struct wire_arena {
	uint8_t *base;
	size_t size, used;
};
/* Gets `size` bytes from malloc; -ENOMEM. A cap of 16 bytes for each byte of the largest message is enough for any honest one. */
int wire_arena_init(struct wire_arena *arena, size_t size);
void wire_arena_finish(struct wire_arena *arena);
static inline void wire_arena_reset(struct wire_arena *arena) { arena->used = 0; }
/* 8-aligned, zeroed; NULL past the cap. */
void *wire_arena_alloc(struct wire_arena *arena, size_t bytes);
enum { WIRE_ARENA_BYTES = 2 << 20 };

/* ---- entries: what an update says, in the sender's words (codes, not numbers) ---- */
enum wire_entry_kind {
	WIRE_FACT = 1,
	WIRE_WITHDRAWAL = 2,
	WIRE_RATE = 3,
	WIRE_DECLARE = 4,
	WIRE_LEVEL_SET = 10,
	WIRE_UNIT_CREATE,
	WIRE_UNIT_CHANGE,
	WIRE_UNIT_CLOSE,
	WIRE_MEASURE_SET,
	WIRE_INDICATOR_SET,
	WIRE_PLAN_SET,
	WIRE_AGENT_SET,
	WIRE_GRANT,
	WIRE_HELD_DECISION,
	WIRE_EPOCH_OPEN,
	WIRE_THRESHOLD_SET,
	WIRE_BACKUP
};
static inline bool wire_entry_is_administrative(enum wire_entry_kind kind) { return kind >= WIRE_LEVEL_SET; }

/* Codes and texts are NUL-terminated and never NULL; "" where absent. */
struct wire_fact { /* also a withdrawal: value BAOPHU_ABSENT, status, origin and bound 0 */
	const char *unit, *measure;
	enum baophu_extent extent; /* WHOLE or OWN */
	baophu_date from, to; /* equal for a stock that left `from` out */
	int64_t value;
	enum baophu_status status;
	enum baophu_origin origin;
	enum baophu_bound bound;
	enum baophu_reason reason;
};
struct wire_rate {
	const char *unit, *measure, *over;
	enum baophu_denominator denominator;
	baophu_date from, to;
	int64_t digits;
	unsigned decimals;
	enum baophu_status status;
	enum baophu_bound bound;
};
struct wire_declare { /* removed: rhythm NONE, grace and closing day 0 */
	const char *unit, *level; /* level "": the unit alone */
	uint32_t measure_count; /* 0: all that are granted */
	const char *const *measures;
	enum baophu_extent extent; /* WHOLE or OWN */
	enum baophu_rhythm rhythm;
	uint32_t closing_day, grace_days; /* as rhythm.h has them */
	bool remove;
};
struct wire_level_set {
	const char *code, *name_vi, *name_en;
};
struct wire_unit_create {
	const char *code, *name, *level, *parent;
	baophu_date date;
};
struct wire_unit_change {
	const char *unit, *code, *name, *level, *parent;
	baophu_date date;
};
struct wire_successor {
	const char *unit;
	uint32_t weight;
};
struct wire_unit_close {
	const char *unit;
	baophu_date date;
	uint32_t successor_count;
	const struct wire_successor *successors;
};
struct wire_measure_set {
	const char *code, *name_vi, *name_en, *unit_vi, *unit_en, *parent;
	enum baophu_measure_kind kind;
};
struct wire_indicator_set {
	const char *code, *name_vi, *name_en, *numerator, *denominator;
};
struct wire_plan_set {
	const char *code, *unit, *target, *issuer, *document;
	enum baophu_plan_kind kind;
	baophu_date from, to;
	int64_t value; /* BAOPHU_ABSENT when `remove` */
	unsigned decimals;
	enum baophu_origin origin;
	bool remove;
};
struct wire_agent_set {
	const char *name;
	baophu_date from, until; /* until BAOPHU_DATE_NONE: no end */
};
struct wire_grant {
	const char *agent, *unit;
	uint32_t measure_count;
	const char *const *measures;
	enum baophu_extent extent; /* ANY, WHOLE, OWN */
	baophu_date from, until;
	bool revoke;
};
struct wire_held_decision {
	uint64_t seq;
	bool release;
};
struct wire_epoch_open {
	const char *agent;
	uint64_t epoch;
};

struct wire_threshold_set {
	const char *plan; /* "": every plan */
	int64_t digits; /* 0 to BAOPHU_LINE_PERCENT_MAX * 10^decimals */
	unsigned decimals;
	bool remove;
};
struct wire_backup {
	struct baophu_place place;
};

struct wire_entry {
	enum wire_entry_kind kind;
	union {
		struct wire_fact fact; /* FACT and WITHDRAWAL */
		struct wire_rate rate;
		struct wire_declare declare;
		struct wire_level_set level;
		struct wire_unit_create unit_create;
		struct wire_unit_change unit_change;
		struct wire_unit_close unit_close;
		struct wire_measure_set measure;
		struct wire_indicator_set indicator;
		struct wire_plan_set plan;
		struct wire_agent_set agent;
		struct wire_grant grant;
		struct wire_held_decision held;
		struct wire_epoch_open epoch_open;
		struct wire_threshold_set threshold;
		struct wire_backup backup;
	};
};

struct wire_apply {
	uint64_t batch;
	uint32_t parts, entries;
	uint8_t digest[BAOPHU_DIGEST_BYTES];
};

struct wire_payload {
	const char *agent;
	uint64_t epoch, number;
	uint32_t entry_count;
	const struct wire_entry *entries;
	bool has_apply;
	struct wire_apply apply;
};

/* Decodes and checks an update's payload. 0; or -BAOPHU_EMALFORMED..., then *ret_code says why (MALFORMED, TOO_BIG, EMPTY, VALUE,
 * PERIOD, TEXT, ...) and *ret_entry the first bad entry (UINT32_MAX: the payload as a whole). The three header fields of
 * *ret_payload are set whenever they could be read. `bytes` is borrowed during the call only. */
int wire_decode_payload(struct wire_arena *arena, const void *bytes, size_t size, struct wire_payload *ret_payload,
			enum baophu_code *ret_code, uint32_t *ret_entry);
ssize_t wire_encode_payload(const struct wire_payload *payload, void *buffer, size_t size);
/* The same payload under another epoch and number, and the same encoded AgentMessage with a Stage under another epoch: what follows these
 * is copied byte for byte, not encoded again. For bytes that the encoders here made (*ret_stage as of wire_encode_stage). -BAOPHU_EMALFORMED: they are not. */
ssize_t wire_renumber_payload(const void *payload, size_t bytes, uint64_t epoch, uint64_t number, void *buffer, size_t size);
ssize_t wire_renumber_stage(const void *message, size_t bytes, uint64_t epoch, void *buffer, size_t size, const uint8_t **ret_stage,
			    size_t *ret_stage_bytes);

/* ---- ingest, agent to collector ---- */
enum wire_agent_kind { WIRE_HELLO = 1, WIRE_UPDATE, WIRE_STAGE, WIRE_BEAT, WIRE_STOP };
struct wire_hello {
	uint32_t protocol;
	const char *agent;
	uint64_t epoch;
	bool has_last;
	struct baophu_place last;
};
struct wire_update {
	uint64_t epoch, number;
	const uint8_t *payload; /* borrowed from the message's bytes: valid while they are */
	size_t payload_bytes;
	bool want_effect;
};
struct wire_stage {
	uint64_t epoch, batch;
	uint32_t part;
	uint32_t entry_count;
	const struct wire_entry *entries;
	enum baophu_code code; /* what is wrong with the entries, else NONE */
	uint32_t bad_entry;
	const uint8_t *bytes; /* the Stage message's own bytes, borrowed; what the batch digest is taken over */
	size_t byte_count;
};
struct wire_agent_message {
	enum wire_agent_kind kind;
	union {
		struct wire_hello hello;
		struct wire_update update;
		struct wire_stage stage;
	};
};
/* -BAOPHU_EMALFORMED for anything that is not exactly one of these messages; the payload of an Update is not looked into. */
int wire_decode_agent_message(struct wire_arena *arena, const void *bytes, size_t size, struct wire_agent_message *ret_message);
ssize_t wire_encode_hello(const struct wire_hello *hello, void *buffer, size_t size);
ssize_t wire_encode_update(const struct wire_update *update, void *buffer, size_t size);
/* Encodes a whole AgentMessage; *ret_stage and *ret_stage_bytes locate the Stage message inside `buffer` for the batch digest. */
ssize_t wire_encode_stage(const struct wire_stage *stage, void *buffer, size_t size, const uint8_t **ret_stage,
			  size_t *ret_stage_bytes);
ssize_t wire_encode_beat(void *buffer, size_t size);
ssize_t wire_encode_stop(void *buffer, size_t size);

/* ---- ingest, collector to agent ---- */
enum wire_collector_kind {
	WIRE_WELCOME = 1,
	WIRE_TURNED,
	WIRE_RECEIPTS,
	WIRE_NOT_NOW,
	WIRE_STAGED,
	WIRE_BEAT_ANSWER,
	WIRE_STOPPED
};
struct wire_welcome {
	uint8_t store[BAOPHU_STORE_BYTES];
	struct baophu_place head;
	uint64_t epoch, next;
	uint32_t credit_bytes;
	bool has_backup, last_unknown;
	struct baophu_place backup;
};
struct wire_receipt {
	const char *agent;
	uint64_t epoch, number;
	struct baophu_place place;
	enum baophu_verdict verdict;
	enum baophu_code code;
	uint32_t entry; /* UINT32_MAX: none */
};
struct wire_effect {
	uint32_t entry;
	int64_t value;
	const char *plan;
	int64_t target;
};
struct wire_receipt_item {
	const uint8_t *receipt; /* encoded Receipt, borrowed */
	size_t receipt_bytes;
	uint32_t effect_count;
	const struct wire_effect *effects;
	const char *suggestion;
};
struct wire_not_now {
	uint64_t epoch, number, expect;
	enum baophu_code code;
	uint32_t retry_after_ms;
};
struct wire_staged {
	uint64_t batch;
	uint32_t part;
	enum baophu_code code;
};
struct wire_collector_message {
	enum wire_collector_kind kind;
	union {
		struct wire_welcome welcome;
		enum baophu_code turned;
		struct {
			uint32_t item_count;
			const struct wire_receipt_item *items;
		} receipts;
		struct wire_not_now not_now;
		struct wire_staged staged;
		struct baophu_place head; /* BEAT_ANSWER */
	};
};
ssize_t wire_encode_collector_message(const struct wire_collector_message *message, void *buffer, size_t size);
int wire_decode_collector_message(struct wire_arena *arena, const void *bytes, size_t size,
				  struct wire_collector_message *ret_message);
/* The bytes that are the same for ever: a pure function of the struct. */
ssize_t wire_encode_receipt(const struct wire_receipt *receipt, void *buffer, size_t size);
int wire_decode_receipt(struct wire_arena *arena, const void *bytes, size_t size, struct wire_receipt *ret_receipt);

/* ---- coverage ---- */
ssize_t wire_encode_record(const struct baophu_record *record, void *buffer, size_t size);
/* rows and events live in the arena. */
int wire_decode_record(struct wire_arena *arena, const void *bytes, size_t size, struct baophu_record *ret_record);
ssize_t wire_encode_seal(const struct baophu_seal *seal, void *buffer, size_t size);
int wire_decode_seal(struct wire_arena *arena, const void *bytes, size_t size, struct baophu_seal *ret_seal);

/* ---- query ---- */
enum wire_query_kind {
	WIRE_QUERY_COVERAGE = 1,
	WIRE_QUERY_CHANGED,
	WIRE_QUERY_HISTORY,
	WIRE_QUERY_UNITS,
	WIRE_QUERY_MEASURES,
	WIRE_QUERY_PLANS,
	WIRE_QUERY_AGENTS,
	WIRE_QUERY_HELD,
	WIRE_QUERY_LOG,
	WIRE_QUERY_STATUS,
	WIRE_QUERY_EVENTS,
	WIRE_QUERY_DUE,
	WIRE_QUERY_THRESHOLDS = 15
};
enum { WIRE_PAGE_TOKEN_BYTES_MAX = 96 };
struct wire_query {
	uint64_t id;
	enum wire_query_kind kind;
	const char *unit, *plan;
	uint32_t depth, limit;
	baophu_date as_of, tree_date, since, from, to; /* BAOPHU_DATE_NONE where left out */
	uint64_t known_seq, min_seq, since_seq;
	uint32_t measure_count;
	const char *const *measures;
	size_t page_bytes;
	uint8_t page[WIRE_PAGE_TOKEN_BYTES_MAX];
	bool has_since_digest;
	uint8_t since_digest[BAOPHU_DIGEST_BYTES];
	const char *agent;
	enum baophu_freshness freshness;
};
struct wire_fact_version {
	uint64_t seq;
	uint32_t index;
	const char *measure, *agent, *unit; /* unit "" unless the question had a depth */
	enum baophu_extent extent;
	baophu_date from, to;
	int64_t value;
	enum baophu_status status;
	enum baophu_origin origin;
	enum baophu_bound bound;
	enum baophu_reason reason;
	int64_t time_ms;
	bool stands;
};
struct wire_former_unit {
	uint32_t number;
	const char *code, *name;
	baophu_date from, until;
};
struct wire_unit_info {
	uint32_t number, depth;
	const char *code, *name, *level, *parent;
	baophu_date from, until;
	uint32_t former_count;
	const struct wire_former_unit *former;
};
struct wire_plan_info {
	struct wire_plan_set plan;
	uint32_t revision;
	uint64_t seq;
};
struct wire_threshold_info {
	struct wire_threshold_set threshold;
	uint64_t seq;
};
struct wire_grant_info {
	const char *unit;
	uint32_t measure_count;
	const char *const *measures;
	enum baophu_extent extent; /* ANY, WHOLE, OWN */
	baophu_date from, until;
	uint64_t seq;
};
struct wire_agent_info {
	const char *name;
	baophu_date from, until;
	uint32_t epochs, frozen;
	uint64_t last_seq;
	int64_t last_ms;
	uint32_t unit_count;
	const char *const *units;
	uint32_t grant_count;
	const struct wire_grant_info *grants;
	enum baophu_freshness freshness; /* NONE: declared nothing */
	uint32_t declared, fresh, due, late, silent;
};
struct wire_due_info {
	const char *agent, *unit, *name, *measure;
	enum baophu_extent extent;
	enum baophu_rhythm rhythm;
	uint32_t closing_day, grace_days;
	baophu_date since, newest, closing, next_closing; /* newest, closing: BAOPHU_DATE_NONE where there is none */
	enum baophu_freshness freshness;
};
struct wire_held_info {
	uint64_t seq, epoch, number;
	const char *agent, *unit, *suggestion;
	enum baophu_code code;
	uint32_t entry;
	int64_t time_ms;
	enum baophu_verdict decision; /* APPLIED: released; REFUSED; 0: still held */
	uint64_t decision_seq;
};
struct wire_log_info {
	struct baophu_place place;
	const char *kind, *agent;
	int64_t time_ms;
	uint64_t epoch, number;
	enum baophu_verdict verdict;
	enum baophu_code code;
	uint32_t entry, entries; /* entry UINT32_MAX: none */
};
struct wire_counter {
	const char *name;
	uint64_t value;
};
struct wire_server_status {
	uint8_t store[BAOPHU_STORE_BYTES];
	uint64_t history_seq, state_digest, facts, updates, entries;
	baophu_date business_day;
	uint32_t units, held, agents;
	int64_t started_ms;
	uint32_t counter_count;
	const struct wire_counter *counters;
	bool day_held, disk_full, has_backup;
	struct baophu_place backup; /* newest that a verified backup holds */
	int64_t backup_ms; /* when the centre was told of it */
	const char *version;
};
struct wire_answer {
	uint64_t id;
	enum baophu_code code;
	const char *text, *plan;
	struct baophu_detail detail; /* fault NONE: absent */
	struct baophu_place cut;
	baophu_date as_of, tree_date;
	uint64_t known_seq;
	size_t next_page_bytes;
	uint8_t next_page[WIRE_PAGE_TOKEN_BYTES_MAX];
	uint32_t record_count, fact_count, unit_count, measure_count, indicator_count, plan_count, agent_count, held_count,
	    log_count, event_count, due_count, threshold_count;
	const struct baophu_record *records;
	const struct wire_fact_version *facts;
	const struct wire_unit_info *units;
	const struct wire_measure_set *measures;
	const struct wire_indicator_set *indicators;
	const struct wire_plan_info *plans;
	const struct wire_agent_info *agents;
	const struct wire_held_info *held;
	const struct wire_log_info *log;
	const struct wire_due_info *due;
	const struct wire_server_status *status; /* NULL when absent */
	const struct baophu_event *events;
	const struct wire_threshold_info *thresholds;
};
/* -BAOPHU_EMALFORMED; then *ret_query->id is set if it could be read, and *ret_why is a short English sentence (static). */
int wire_decode_query(struct wire_arena *arena, const void *bytes, size_t size, struct wire_query *ret_query, const char **ret_why);
ssize_t wire_encode_query(const struct wire_query *query, void *buffer, size_t size);
ssize_t wire_encode_answer(struct wire_arena *scratch, const struct wire_answer *answer, void *buffer, size_t size);
int wire_decode_answer(struct wire_arena *arena, const void *bytes, size_t size, struct wire_answer *ret_answer);

/* ---- names of codes, for logs, JSON and errors: "UNIT_UNKNOWN"; "?" for a value without a name. Static storage. ---- */
const char *wire_code_name(enum baophu_code code);
