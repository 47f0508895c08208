/* unconfirmed.h - this office's figures that are saved and not yet in its mirror: what a new report is compared with.
 *
 * A window over the newest of them, bounded; older ones beyond it are compared with the centre's figure only, which makes a difference in
 * nothing but the counts "new, changed, as before". Threads: one.
 */
#pragma once

#include "form.h"
#include "outbox.h"

enum { UNCONFIRMED_MAX = 4096 };
struct unconfirmed;
/* NULL without memory. */
struct unconfirmed *unconfirmed_create(void);
void unconfirmed_destroy(struct unconfirmed *unconfirmed); /* takes NULL */
/* The mirror has changed: what is unconfirmed has to be found anew. */
void unconfirmed_forget(struct unconfirmed *unconfirmed);
/* Entries that were just saved. */
void unconfirmed_add(struct unconfirmed *unconfirmed, const struct wire_entry *entries, uint32_t count);
/* The list, oldest first, lent until the next call; `mirror_seq`: the mirror's place, 0 without one. Reads the outbox after a change only.
 * Errors of reading it; -ENOMEM. */
int unconfirmed_list(struct unconfirmed *unconfirmed, struct outbox *outbox, uint64_t mirror_seq,
		     const struct form_pending **ret_list, size_t *ret_count);
