/* publish.h - cuts of coverage to those who subscribed, with the events of it, and the seals that prove them.
 *
 * A cut is what changed up to one committed seq: a record for each changed unit whose topic somebody subscribed to, a tombstone on the
 * topic that a unit has left, then a seal for each sealed subtree that it touched or that was not spoken of for a second. It goes out
 * after the commit that made it, at once; when publishing took more than a quarter of the time since the cut before, what changes
 * meanwhile is gathered for a little while.
 * Costs next to nothing while nobody subscribes: who comes later starts from a snapshot.
 * Reads the settled state; called by the collector's thread only.
 */
#pragma once

#include "fold.h"
#include "notice.h"
#include "sockets.h"

struct publish; /* opaque */
/* `clock_us` tells monotonic time, for the pace. */
int publish_create(const struct config *config, struct sockets *sockets, struct stats *stats, struct notices *notices,
		   int64_t (*clock_us)(void), struct publish **ret_publish);
void publish_destroy(struct publish *publish); /* takes NULL */

/* Takes what subscribers asked for since the last call. Negative: an error that no peer can cause. */
int publish_take_subscriptions(struct publish *publish);
/* Notes what the last settle touched, and what was crossed (state->events.made). Call it after each, before the next. -ENOMEM. */
int publish_gather(struct publish *publish, const struct state *state);
/* Sends what is due, as far as it gets in its share of the time. *ret_wait_ms: call again after so long, -1 when nothing waits. -ENOMEM. */
int publish_send_due(struct publish *publish, const struct state *state, int *ret_wait_ms);
/* The rest of a cut waits for its next slice: sending takes long, and others need not wait for it. */
bool publish_is_behind(const struct publish *publish);
