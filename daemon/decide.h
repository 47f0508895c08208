/* decide.h - the verdict on one update: its entries in the sender's words become decided entries, or a code.
 *
 * A function of the state, the entries and what the look-ups say: no I/O of its own, no clock (the business day is in the state). It
 * changes nothing: what it decides takes effect when the record that it wrote has been committed and folded.
 *
 * An update is taken whole or not at all. Every entry is looked at, and the strongest answer wins: retryable (a date too far ahead, an
 * index that is behind: the number stays unused) over refused over held; of equals the first. Entries of an administrator see what
 * earlier entries of the same update did: they are decided against a copy of the registry that each of them is applied to.
 */
#pragma once

#include "fold.h"
#include "wire.h"

/* What only files know. Each returns 0 or a negative code. */
struct decide_lookups {
	void *context;
	/* What stands in the slot when `withdrawn_id` is taken back: *ret_id 0 for nothing. -BAOPHU_EGAP: the history has not reached what
	 * the state knows of this unit. */
	int (*restore)(void *context, const struct slot *slot, uint64_t withdrawn_id, uint64_t *ret_id, struct figure *ret_figure);
	/* What was ever said of the slot, in order of id; borrowed until the next call. -BAOPHU_EGAP as above. */
	int (*versions)(void *context, const struct slot *slot, const struct fact_version **ret_versions, int *ret_count);
	/* What a held update says; borrowed until the next call. */
	int (*held)(void *context, uint64_t seq, struct wire_payload *ret_payload);
	/* The place of a seq of the log. -BAOPHU_ENOTFOUND: it has not come so far. */
	int (*place)(void *context, uint64_t seq, struct baophu_place *ret_place);
};

struct decide_question {
	const struct state *state;
	const struct decide_lookups *lookups;
	struct record_writer *writer; /* a record that was begun; decided entries are added to it */
	uint64_t seq; /* that this record will have */
	uint32_t agent; /* who says it */
	bool is_control; /* came over the control endpoint */
	bool is_import; /* staged parts: never held, since the parts are not kept */
	uint32_t entry_count; /* of all parts */
};

struct decision {
	enum baophu_code code; /* NONE: applied; else by class retryable, held, refused */
	enum baophu_verdict verdict; /* NONE for a retryable code */
	uint32_t entry; /* that the code speaks of */
	char suggestion[BAOPHU_CODE_BYTES_MAX + 1]; /* of a held one: code of the successor; "" */
	bool changes_registry;
};

struct decide;
int decide_create(struct decide **ret_decide); /* -ENOMEM; returns owned */
void decide_destroy(struct decide *decide); /* takes NULL */

/* True when these entries must see the effect of everything before them, so nothing undecided may stand before them in the batch. */
bool decide_needs_settled(const struct wire_entry *entries, uint32_t count);

/* begin, entries (once for each part, in order), end. `question` is borrowed until end. */
void decide_begin(struct decide *decide, const struct decide_question *question);
void decide_entries(struct decide *decide, const struct wire_entry *entries, uint32_t count);
/* When the answer is not "applied", what was added to the writer means nothing: begin the record again. Negative: no memory, or a look-up
 * failed; nothing was decided. */
int decide_end(struct decide *decide, struct decision *ret_decision);

/* A held update again, as a whole and as of what it said when it came in: by nobody's order, but because what held it may be gone. When it
 * is applied, the writer holds the decision and its entries; else the decision names what is in the way now, `entry` counted in the
 * payload. `changes_registry` says whether more changes than that it no longer waits. Errors as of decide_end. */
int decide_release(struct decide *decide, const struct decide_question *question, const struct held *held,
		   const struct wire_payload *payload, struct decision *ret_decision);
