/* outbox.h - what must reach the centre: kept in a spool until the centre has it for good, delivered exactly once.
 *
 * What it does: takes batches of entries and says "saved" only when they are durable; drives a session to the collector (connects, says Hello,
 * sends what the centre lacks within window and credit, waits and tries again), keeps the receipts, says what waits, is held or was refused,
 * sends again what a centre that was put back to an older copy has lost, and prunes what a verified backup of the centre holds.
 * What it does not do: know folders, sheets or people. It never waits: the caller polls its descriptors together with its own and calls
 * outbox_work.
 *
 * Words. An **update** is known by its *serial*: 1, 2, 3 … over the whole life of the spool. A **batch** is 1 to n updates saved by one call;
 * its id is the serial of its first update ("số lô"). A **series** is an epoch: the first is chosen at random in [2^52, 2^53) when the spool
 * is made, so that reports can be saved before the office was ever connected; another one begins by outbox_new_series only. In the first
 * series an update's number is its serial.
 * An update **waits** until its receipt is here; then it is applied, held or refused. Held ones can still be decided by an administrator:
 * who asks the centre (query HELD and LOG) hands that in by outbox_settle_held.
 *
 * Memory does not grow with what waits: payloads are read from the disk when they are sent. What grows is 24 bytes for each held or
 * refused update.
 *
 * Threads: one at a time. It reads the wall clock (when something was saved) and the monotonic clock.
 */
#pragma once

#include <poll.h>

#include <baophu/baophu.h>

#include "spool.h"
#include "wire.h"

struct outbox;

enum {
	OUTBOX_NAME_BYTES_MAX = 1024, /* of a batch's name */
	OUTBOX_NOTE_BYTES_MAX = 1 << 20,
	OUTBOX_KEEP_DAYS = 7, /* nothing younger is pruned, whatever the centre's backup holds */
	OUTBOX_DESCRIPTORS = 2,
};

struct outbox_config {
	const char *dir; /* of the spool; made when it is not there */
	const char
	    *agent; /* this office's name in the registry; "control" at a control endpoint. A spool belongs to one name for ever */
	const char *endpoint; /* tcp://HOST:PORT or ipc://PATH; NULL: never connects */
	void *context; /* ZeroMQ context to share, borrowed; NULL: its own */
	uint32_t window; /* unanswered updates at most; 0: OUTBOX_WINDOW */
};
enum { OUTBOX_WINDOW = 1024 };

/* Opens the outbox, or makes one where there is none; starts connecting. On 0 *ret_outbox is the caller's (returns owned). Where the disk has no
 * room for a new one it is opened all the same, with hindrance NO_ROOM: nothing can be saved until outbox_work has found room.
 * -BAOPHU_EINUSE: another process has it; -BAOPHU_EDAMAGED: *ret_damage names file and offset; -EPERM: it belongs to another agent;
 * -EINVAL: name or endpoint; other errno values. */
int outbox_open(const struct outbox_config *config, struct outbox **ret_outbox, struct spool_damage *ret_damage);
/* Takes NULL. Receipts that are here are saved; it does not wait for others. */
void outbox_close(struct outbox *outbox);

/* ---- saving ---- */

/* Where a batch comes from, for people and for knowing a file again. All of it is optional; borrowed during the call. */
struct outbox_source {
	const char *name; /* file name, UTF-8; "" for none */
	uint64_t bytes, inode;
	int64_t modified_ns; /* Unix time */
	uint8_t digest[BAOPHU_DIGEST_BYTES]; /* BLAKE2b-256 of the content; zeros: none */
	uint64_t undoes; /* id of the batch that this one takes back; 0: none */
	const void *note; /* the caller's own, handed back with the batch (which row each entry came from) */
	size_t note_bytes;
};
/* Saves 1 to BAOPHU_BATCH_ENTRIES_MAX entries as one batch: as few updates as hold them, in their order. On 0 all of it is durable and
 * *ret_batch is its id. Nothing was saved otherwise: -ENOSPC or -EDQUOT: the disk is full; -EINVAL: no entries, or an entry that the wire would
 * refuse (*ret_entry says which; it may be NULL); -BAOPHU_EFULL: beyond the bounds; other errors: the spool must be opened again
 * (outbox_standing()->error). */
int outbox_save(struct outbox *outbox, const struct wire_entry *entries, uint32_t count, const struct outbox_source *source,
		uint64_t *ret_batch, uint32_t *ret_entry);
/* The same for entries that must take effect at once or not at all, however many they are: one update, or above what an update holds parts
 * that are staged at the centre and one update that applies them. */
int outbox_save_whole(struct outbox *outbox, const struct wire_entry *entries, uint32_t count, const struct outbox_source *source,
		      uint64_t *ret_batch, uint32_t *ret_entry);

/* ---- delivering ---- */

/* Descriptors to poll for reading, and how long at most until outbox_work must be called though they are silent (-1: for ever). Ask anew before
 * each poll. The descriptors belong to the outbox, may change at any call, and tell only that something changed: call outbox_work whenever
 * one of them is ready. Returns how many there are, 0 to OUTBOX_DESCRIPTORS. */
unsigned outbox_poll(const struct outbox *outbox, struct pollfd ret_descriptors[OUTBOX_DESCRIPTORS], int *ret_timeout_ms);
/* Does what can be done now, without waiting: connects, sends, takes and saves receipts, prunes. 0; errors of the spool (standing()->error)
 * or -ENOMEM. That the centre is away or refuses is not an error here: see outbox_standing. */
int outbox_work(struct outbox *outbox);
/* outbox_poll, poll and outbox_work in one, for whoever has nothing else to wait for. 0 also when time is up; -EINTR. */
int outbox_wait(struct outbox *outbox, int timeout_ms);

/* Why nothing is being sent. */
enum outbox_hindrance {
	OUTBOX_FREE, /* nothing is in the way */
	OUTBOX_NO_LINK, /* nobody answers at the endpoint; it is tried again all the time */
	OUTBOX_NOT_NOW, /* the centre answers "not now" (standing.code: BUSY, DISK, CLOCK, INDEXING); tried again by itself */
	OUTBOX_TURNED_AWAY, /* standing.code: AGENT_UNKNOWN, EPOCH, PROTOCOL, FORBIDDEN; tried again every half minute */
	OUTBOX_FORK, /* standing.code FORK or FROZEN: two copies of this spool were at work. The administrator opens the epoch again, or
			agrees to a new series */
	OUTBOX_SPOOL_OLDER, /* the centre has updates that this spool never numbered: it was put back to an older copy. New series */
	OUTBOX_DAMAGED, /* something that waits cannot be read from the disk: standing.damage. What comes after it cannot be sent either */
	OUTBOX_CENTRE_LACKS, /* the centre lacks updates that were pruned here. New series, after asking the administrator */
	OUTBOX_NO_ROOM, /* the disk was full before there was a spool; it is tried again every second */
};
/* Everything that is known at a glance. `next` less `answered_to` is how many wait. */
struct outbox_standing {
	char agent[BAOPHU_CODE_BYTES_MAX + 1];
	uint64_t epoch; /* of the current series */
	uint32_t series; /* from 1 */
	uint64_t first; /* serial of the oldest update kept */
	uint64_t answered_to; /* every update below this serial has its receipt */
	uint64_t next; /* serial of the next update */
	uint32_t held, refused; /* in the list */
	bool is_connected; /* Welcome received on the connection that stands */
	enum outbox_hindrance hindrance;
	enum baophu_code code;
	bool has_store;
	uint8_t store[BAOPHU_STORE_BYTES]; /* the centre that it last spoke to */
	bool has_last, has_backup;
	struct baophu_place last; /* of the newest receipt */
	struct baophu_place backup; /* newest place that a verified backup of the centre holds */
	int64_t last_ms; /* wall clock when a receipt last came, Unix milliseconds; 0: never */
	int64_t put_back_ms; /* when the centre was last found put back to an older copy; 0: never */
	uint64_t put_back_from; /* and from which serial on all was sent again */
	int error; /* not 0: the spool cannot save any more; open it again */
	struct spool_damage damage; /* file "": none was met */
};
/* Lent while the outbox lives; changes with its calls. */
const struct outbox_standing *outbox_standing(const struct outbox *outbox);

/* The next batch that has all its receipts, in order, once in the life of this process (after a put back, again): 1 and *ret_batch; 0: none.
 * Its receipts are durable. Batches that were answered before the outbox was opened do not come: ask outbox_batch for those. */
int outbox_next_answered(struct outbox *outbox, uint64_t *ret_batch);

/* Begins another series under a new random epoch: what waits will be sent under it, the same entries byte for byte. Only after FORK,
 * SPOOL_OLDER or CENTRE_LACKS, or an administrator's word. Durable on 0. */
int outbox_new_series(struct outbox *outbox);
/* Takes back the oldest update that waits, which the centre answers with "not now" (standing.code; a date that is years ahead would keep all that
 * is behind it waiting for years): it is refused here with that code, never sent again, and those behind it move up. -EBUSY: an answer is
 * still to come, so it may be decided after all; work on and try again. -BAOPHU_ENOTFOUND: nothing is put off. Durable on 0. */
int outbox_give_up(struct outbox *outbox);
/* What an administrator decided about a held update (released or refused), as learned from the centre. -BAOPHU_ENOTFOUND: it is not held. */
int outbox_settle_held(struct outbox *outbox, uint64_t serial, bool is_released, uint64_t decision_seq);

/* ---- the office's own view ---- */

enum outbox_state { OUTBOX_WAITING, OUTBOX_APPLIED, OUTBOX_HELD, OUTBOX_REFUSED };

/* One batch as it stands. Texts and note are lent until the next call that reads from this outbox. */
struct outbox_batch {
	uint64_t id; /* serial of its first update */
	uint32_t updates, entries;
	uint32_t waiting, applied, held, refused; /* updates */
	int64_t saved_ms; /* Unix milliseconds */
	uint64_t receipt_seq; /* log place of the receipt of its last update; 0 while one waits */
	struct outbox_source source;
};
/* -BAOPHU_ENOTFOUND: no batch with this id is kept. Reads at most two segments. */
int outbox_batch(struct outbox *outbox, uint64_t id, struct outbox_batch *ret_batch);
/* Several batches in one pass over the spool, which reads it from the first of them on, once: `ids` ascending, at most OUTBOX_BATCHES_MAX. Those that
 * are kept are handed to `each` in that order, without their note; texts are lent until it returns, and it may not call the outbox. */
enum { OUTBOX_BATCHES_MAX = 1024 };
int outbox_batches(struct outbox *outbox, const uint64_t *ids, unsigned count,
		   void (*each)(void *user, const struct outbox_batch *batch), void *user);
/* The newest `max` batches the same way, newest first. */
int outbox_newest(struct outbox *outbox, unsigned max, void (*each)(void *user, const struct outbox_batch *batch), void *user);
/* The ids of the newest `max` batches, newest first. Returns how many, or an error. */
int outbox_newest_batches(struct outbox *outbox, uint64_t *ret_ids, unsigned max);

/* One update. */
struct outbox_update {
	uint64_t serial, batch, epoch, number;
	enum outbox_state state;
	uint32_t first_entry; /* index in its batch of its first entry */
	uint32_t entries;
	enum baophu_code code; /* of a held or refused one */
	uint32_t entry; /* the entry of this update that the code speaks of; UINT32_MAX: the update as a whole */
	uint64_t receipt_seq; /* of a held or refused one; outbox_receipt has those of all */
};
/* Walks updates from `serial` on (0: the oldest kept). Close it before the outbox; saving meanwhile is allowed. */
struct outbox_walk;
int outbox_walk_open(struct outbox *outbox, uint64_t serial, struct outbox_walk **ret_walk);
void outbox_walk_close(struct outbox_walk *walk); /* takes NULL */
/* 1, 0 at the end, or an error. *ret_payload (may be NULL) is decoded and lent until the next call. */
int outbox_walk_next(struct outbox_walk *walk, struct outbox_update *ret_update, struct wire_payload *ret_payload);

/* The held and refused ones, oldest first, without touching the disk: index 0 to held + refused - 1. */
struct outbox_exception {
	uint64_t serial;
	uint64_t receipt_seq; /* 0: it was given up here and has no receipt */
	enum outbox_state state; /* HELD or REFUSED */
	enum baophu_code code;
	uint32_t entry; /* UINT32_MAX: none */
};
int outbox_exception(const struct outbox *outbox, uint32_t index, struct outbox_exception *ret_exception);

/* The receipt of an update as it came: *ret_receipt and *ret_suggestion ("" for none) are lent until the next call that reads.
 * -BAOPHU_ENOTFOUND: it has none, or it is no longer kept. */
int outbox_receipt(struct outbox *outbox, uint64_t serial, struct wire_receipt *ret_receipt, const char **ret_suggestion);
