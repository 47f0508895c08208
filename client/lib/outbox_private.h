/* outbox_private.h - what the parts of the outbox share: outbox.c (opening, places in the spool), outbox_save.c (reports come in),
 * outbox_deliver.c (they go out, receipts come back), outbox_view.c (what the office is told of them). For these only.
 */
#pragma once

#include "outbox.h"

#include <time.h>

#include <sodium.h>

#include "outbox_records.h"
#include "session.h"

struct outbox {
	char *dir; /* of the spool */
	struct spool *spool; /* NULL: the disk had no room for it; tried again at retry_ms */
	struct outbox_sum state;
	char *endpoint;
	void *context;
	uint32_t window;

	struct session *session;
	uint32_t welcomes; /* of the session, as last looked at */
	struct outbox_run session_run; /* that it was opened for */
	int64_t retry_ms; /* monotonic; 0: at once */
	int backoff_ms;
	bool has_more; /* there was more to do than one call does */

	struct spool_cursor *sending; /* NULL: to be opened at to_send */
	uint64_t to_send; /* serial */
	bool has_record; /* `record` was read and could not be sent yet */
	struct spool_record record;
	bool is_staging; /* a part was sent and its answer is awaited */
	int64_t stage_ms; /* not to be sent before; monotonic */
	crypto_generichash_blake2b_state parts_digest; /* of the parts of the update that comes next */
	bool has_parts;

	struct outbox_bytes receipts; /* heard, not saved */
	int64_t receipts_since_ms, no_room_ms;
	int64_t pruned_ms, welcomed_ms; /* monotonic */

	struct spool_cursor
	    *answered; /* walks batches, to tell of those that have all their receipts; NULL: to be opened at answered_from */
	uint64_t answered_from; /* serial after the last batch that was told of */
	uint64_t batch_id, batch_end; /* the batch that comes next, when it was read: its serials; batch_end 0: it was not */
	uint64_t saved_to; /* every serial below it has its receipt, and that is durable */

	struct spool_cursor *reading; /* of the batch or receipt that is lent */
	struct wire_arena arena, reading_arena;
	char suggestion[BAOPHU_CODE_BYTES_MAX + 1];
	uint8_t scratch[BAOPHU_MESSAGE_BYTES_MAX];
};

static inline int64_t wall_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline int64_t monotonic_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline uint64_t min(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* ---- outbox.c ---- */
/* Saves a group and folds it: durable when it returns. -BAOPHU_EFULL: more than a group holds; errors of the spool; -ENOMEM, after which the
 * spool has to be read again (standing.error). */
int outbox_append(struct outbox *outbox, struct spool_record *records, size_t count);
/* One record. Takes `bytes`. */
int outbox_append_one(struct outbox *outbox, enum outbox_record type, struct outbox_bytes *bytes);
/* The head of a segment. -BAOPHU_EDAMAGED; errors of reading. */
int outbox_head_of(struct outbox *outbox, uint32_t segment, struct outbox_head *ret_head);
/* A cursor before the records of update `serial` (its parts, too), and *ret_record the first of them, when there is one. Returns 1, 0 when no
 * such update is there yet (the cursor is at the end), or an error. The cursor is owned. */
int outbox_seek(struct outbox *outbox, uint64_t serial, struct spool_cursor **ret_cursor, struct spool_record *ret_record);
/* Sees what the spool begins with, after its oldest segments went. */
int outbox_find_first(struct outbox *outbox);
/* Batches are told of from `serial` on, or rather from the one that it is in. */
void outbox_rewind_answered(struct outbox *outbox, uint64_t serial);
uint64_t outbox_new_epoch(void); /* chosen by chance, without asking the centre */
/* Is there room for the spool by now? 0 also when there is none. */
int outbox_try_spool(struct outbox *outbox);
/* An arena that is empty, made when there is none. -ENOMEM. */
int outbox_fit_arena(struct wire_arena *arena);

/* ---- outbox_deliver.c ---- */
/* Saves the receipts that were heard; where there is no room they are kept, and that is no error. */
int outbox_save_receipts(struct outbox *outbox);
/* Begins to connect; standing says how it goes. -ENOMEM; errors of the session. */
int outbox_start_session(struct outbox *outbox);
