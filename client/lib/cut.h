/* cut.h - the records that came between two proofs, the newest of each unit. Pure: no sockets, no clock.
 *
 * Copies what it is given, because records are lent for one callback only, and a cut is shown whole or not at all.
 * Does not know what is proved; whoever owns it shows it when it is, and clears it when it is void.
 * Threads: belongs to one thread at a time.
 */
#pragma once

#include <baophu/types.h>

struct cut {
	struct baophu_record *records; /* their rows are owned */
	uint32_t *index; /* open hash, power of two: number in `records` + 1; 0: free */
	uint32_t count, capacity, index_size;
};
/* Copies the record; the one it has of this unit is replaced. -BAOPHU_EFULL: more units than a collector may have; -ENOMEM. After an
 * error the cut is not whole. */
int cut_put(struct cut *cut, const struct baophu_record *record);
/* Moves everything out of `newer`, which is then empty, over what the cut has of the same units. Errors as cut_put. */
int cut_merge(struct cut *cut, struct cut *newer);
/* Drops the tombstones: a snapshot has no use for them. To be cleared before anything is put in or merged again. */
void cut_drop_tombstones(struct cut *cut);
void cut_clear(struct cut *cut); /* empty, as from the start; takes one of zeros */
