/* journal.h - the administrator's journal: what `baophu` has changed at the centre, kept so that a centre that was put back to an older copy
 * gets it again.
 *
 * With --journal DIR (BAOPHU_JOURNAL) an administrative command saves its update in an outbox in DIR before it sends it. Whatever takes
 * effect at once at the centre is one update there, however many rows: imports above 512 rows are kept as the parts and the update that
 * applies them, since several updates would leave half an import when something comes between.
 * Not kept: decisions on held updates, which name a place in one history; in another it is somebody else's. Their commands take no --journal.
 */
#pragma once

#include "send.h"

/* As send_entries over the control endpoint, through the journal. What cannot be delivered in time stays in it. */
int journal_send(struct cli *cli, const struct wire_entry *entries, uint32_t count, struct sent *ret_sent);
