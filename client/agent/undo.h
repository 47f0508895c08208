/* undo.h - what can be taken back of a batch: its figures that are still this office's newest word on their slot, and stand.
 *
 * A withdrawal takes back whatever stands in a slot, so only what certainly is this batch's may be named: a later word of this office, a refusal,
 * a hold, an earlier word that is more settled (final before estimate), or another figure at the centre all mean that it is left,
 * and said. Reads outbox and mirror; saves nothing.
 */
#pragma once

#include "mirror.h"
#include "outbox.h"

enum undo_left {
	UNDO_LATER_WORD, /* this office said something newer about it */
	UNDO_REFUSED, /* the centre never took it */
	UNDO_HELD, /* it waits for a decision of the centre */
	UNDO_NOT_STANDING, /* something else stands at the centre */
	UNDO_NO_FIGURE, /* a withdrawal, a published rate: nothing that could be withdrawn */
	UNDO_REASON_COUNT
};
struct undo {
	struct wire_entry *entries; /* withdrawals; texts live as long as the undo */
	uint32_t count;
	uint32_t
	    certain; /* the first so many are of figures that have their receipt; the others' may still be refused, and with them their undo */
	uint32_t left[UNDO_REASON_COUNT]; /* how many figures are left, and why */
	struct wire_arena texts;
};
/* `mirror` may be NULL. -BAOPHU_ENOTFOUND: no such batch; -ENOMEM; errors of reading the outbox. */
int undo_plan(struct outbox *outbox, const struct mirror *mirror, uint64_t batch, struct undo *ret_undo);
void undo_finish(struct undo *undo); /* takes zeroed memory */
