/* outbox_records.h - the records that an outbox keeps in its spool, and what they add up to.
 *
 * Pure: no files, no clock, no network. Whoever saves a record folds it afterwards; at opening the records from the newest head on are folded
 * again, and the state is the same. Used by the outbox only.
 */
#pragma once

#include "outbox.h"

/* Types of records; layouts in the head of outbox_records.c. */
enum outbox_record {
	OUTBOX_RECORD_HEAD = 1, /* the state before it; first of each segment */
	OUTBOX_RECORD_UPDATE, /* one update: where it belongs, and its payload's bytes */
	OUTBOX_RECORD_PART, /* a part that the next update applies: an encoded AgentMessage with a Stage */
	OUTBOX_RECORD_BATCH, /* ends the group of a batch: what it is */
	OUTBOX_RECORD_RECEIPTS, /* receipts as they came */
	OUTBOX_RECORD_CENTRE, /* the centre that was spoken to, and the backup that it named */
	OUTBOX_RECORD_AGAIN, /* the centre has lost updates from a serial on: their receipts no longer count */
	OUTBOX_RECORD_SERIES, /* from a serial on updates are sent under another epoch */
	OUTBOX_RECORD_STOP, /* from a serial on nothing may be sent under this epoch: its numbers were used by a newer copy of the spool */
	OUTBOX_RECORD_SKIP, /* what is below a serial is with the centre, though its receipts are not here */
	OUTBOX_RECORD_SETTLED, /* a held update was released or refused */
	OUTBOX_RECORD_GIVEN_UP, /* an update that the centre did not take is not sent any more */
};

/* Bytes that grow. After a failure they only remember it. */
struct outbox_bytes {
	uint8_t *bytes;
	size_t used, room;
	bool has_failed;
};
void outbox_bytes_finish(struct outbox_bytes *bytes);

/* Serials in a row that are sent under one epoch with numbers in a row. Between two runs of one epoch stands an update that was given up: it has
 * no number, the one behind it has taken its. */
struct outbox_run {
	uint64_t epoch, base, number; /* serial and number of its first update */
};
/* A held or refused update, small. seq 0: it was given up here, and never sent again. */
struct outbox_told {
	uint64_t serial, seq;
	uint32_t entry;
	uint16_t code;
	uint8_t state;
};
enum { OUTBOX_AHEAD = 1 << 16 }; /* how far beyond answered_to a receipt is remembered */
struct outbox_sum {
	struct outbox_standing standing; /* but what is of the connection */
	uint32_t run_count, run_room, told_room;
	struct outbox_run *runs; /* the current one last */
	struct outbox_told *told; /* standing.held + standing.refused of them, by serial */
	uint64_t stop_at; /* 0: nothing stops */
	uint64_t again_record; /* the newest AGAIN; 0: none */
	uint8_t ahead[OUTBOX_AHEAD / 8]; /* serials that have receipts while one below them has not; by serial modulo */
};
void outbox_sum_finish(struct outbox_sum *state);
/* One record into the state. -BAOPHU_EDAMAGED: it says what cannot be; -BAOPHU_EFORMAT: a type or layout of a newer program; -ENOMEM. */
int outbox_fold(struct outbox_sum *state, const struct spool_record *record);

/* The run that a serial is in, and its number there. */
const struct outbox_run *outbox_run_of(const struct outbox_sum *state, uint64_t serial);
static inline uint64_t outbox_number_of(const struct outbox_run *run, uint64_t serial) { return serial - run->base + run->number; }
/* The serial that the run of `serial` ends before; UINT64_MAX for the current one. */
uint64_t outbox_run_end(const struct outbox_sum *state, uint64_t serial);
/* The serial that has this number in the epoch; of a number that none has, the one that would. */
uint64_t outbox_serial_of(const struct outbox_sum *state, uint64_t epoch, uint64_t number);
/* The first serial of the epoch that `serial` is sent under, and the first behind it (UINT64_MAX: it is the current one). */
void outbox_series_of(const struct outbox_sum *state, uint64_t serial, uint64_t *ret_begin, uint64_t *ret_end);
/* NULL: neither held nor refused. */
const struct outbox_told *outbox_told_of(const struct outbox_sum *state, uint64_t serial);
/* How many of the told ones lie below a serial. */
uint32_t outbox_told_below(const struct outbox_sum *state, uint64_t serial);
/* Refused ones below a serial are no longer kept, so they leave the list; held ones stay until they are settled. */
void outbox_forget_refused(struct outbox_sum *state, uint64_t below);
bool outbox_is_answered(const struct outbox_sum *state, uint64_t serial);

/* ---- records: each put appends one's bytes; each get reads one (lent), false when it is malformed ---- */
struct outbox_head {
	int64_t time_ms; /* when it was written */
	uint64_t next, answered_to, last_seq, again_record;
};
struct outbox_update_record {
	uint64_t serial, batch, epoch, number;
	uint32_t first_entry, entries;
	const uint8_t *payload;
	size_t payload_bytes;
};
struct outbox_part_record {
	uint64_t serial; /* of the update that applies it */
	uint32_t part;
	const uint8_t *message;
	size_t message_bytes;
};
struct outbox_batch_record {
	uint64_t id;
	uint32_t updates, entries;
	int64_t saved_ms;
	struct outbox_source source;
};
struct outbox_receipt_record {
	uint64_t serial;
	const uint8_t *receipt;
	uint16_t receipt_bytes;
	uint8_t suggestion_bytes;
	const char *suggestion; /* no NUL */
};
void outbox_put_head(struct outbox_bytes *out, const struct outbox_sum *state, int64_t now_ms);
bool outbox_get_head(const struct spool_record *record, struct outbox_head *ret_head);
void outbox_put_update(struct outbox_bytes *out, const struct outbox_update_record *update);
bool outbox_get_update(const struct spool_record *record, struct outbox_update_record *ret_update);
void outbox_put_part(struct outbox_bytes *out, const struct outbox_part_record *part);
bool outbox_get_part(const struct spool_record *record, struct outbox_part_record *ret_part);
void outbox_put_batch(struct outbox_bytes *out, const struct outbox_batch_record *batch);
/* The name is NUL-terminated in the record. */
bool outbox_get_batch(const struct spool_record *record, struct outbox_batch_record *ret_batch);
/* Receipts: begin one record, then add. */
void outbox_put_receipts(struct outbox_bytes *out, int64_t now_ms);
void outbox_put_receipt(struct outbox_bytes *out, const struct outbox_receipt_record *receipt);
/* *at is 0 at first. False after the last; a malformed record has none (outbox_fold refuses it). */
bool outbox_get_receipt(const struct spool_record *record, size_t *at, struct outbox_receipt_record *ret_receipt);
void outbox_put_centre(struct outbox_bytes *out, const uint8_t store[static BAOPHU_STORE_BYTES], const struct baophu_place *backup);
void outbox_put_again(struct outbox_bytes *out, uint64_t from, int64_t now_ms, const uint8_t store[static BAOPHU_STORE_BYTES]);
void outbox_put_series(struct outbox_bytes *out, uint64_t epoch, uint64_t base, int64_t now_ms);
void outbox_put_serial(struct outbox_bytes *out, uint64_t serial); /* STOP, SKIP */
void outbox_put_given_up(struct outbox_bytes *out, uint64_t serial, enum baophu_code code);
void outbox_put_settled(struct outbox_bytes *out, uint64_t serial, bool is_released, uint64_t decision_seq);
