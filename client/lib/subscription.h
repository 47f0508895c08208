/* subscription.h - the live coverage of one subtree at one depth: snapshots and changes as they happen, proved by seals.
 *
 * Joins, applies, verifies and repairs as the head of baophu.proto says; the rule of what may be claimed is holding.h's. Shows each record
 * to a callback and keeps only versions, so memory is bounded by the number of units (holding.h). With wants_events it also gathers
 * the events between two proofs, as many as the records say there are (tally.h), and claims EXACT only when they are all there.
 * Does not reorder or filter: whoever shows a table keeps the records it was given.
 * Threads: a subscription belongs to one thread at a time; callbacks run inside subscription_step on that thread and may not call it.
 */
#pragma once

#include <baophu/baophu.h>

#include "holding.h"
#include "tally.h"

struct subscription;

struct subscription_standing {
	enum holding_state state;
	struct baophu_place place; /* last proof: with state EXACT, what is held is the state of this place; seq 0: none yet */
	baophu_date date; /* business day of the last seal */
	uint32_t count; /* units held */
	uint64_t seal_seq; /* newest place heard of */
	uint32_t repairs; /* times it had to ask after joining */
	uint64_t records; /* shown so far */
	enum baophu_code refused; /* the last question was answered with this; NONE */
};

enum { SUBSCRIPTION_STALE_MS = 5000, SUBSCRIPTION_PATH_BYTES_MAX = 170 };
struct subscription_config {
	void *context; /* ZeroMQ context to share, borrowed; NULL: it makes its own */
	const char *publish_endpoint, *query_endpoint; /* borrowed during subscription_open */
	const char *path; /* codes from the root down: "VN/92" */
	uint32_t depth; /* of the units wanted: 0 a root; at least that of the path's last code */
	uint32_t units_max; /* bound on what is held; 0: BAOPHU_UNITS_MAX */
	int stale_after_ms; /* without a seal; 0: SUBSCRIPTION_STALE_MS (a seal comes each idle second) */
	/* To go on where an earlier one stopped: its last proof and what it held there; seq 0: from nothing. Borrowed. */
	struct baophu_place resume_place;
	const struct baophu_held_unit *resume_units;
	uint32_t resume_count;
	bool wants_events;
	uint32_t events_max; /* kept at a time; 0: TALLY_EVENTS_MAX */
	void *user; /* first argument of the callbacks */
	/* A record to be shown from now on, lent until it returns. With `tombstone` the unit is to be shown no longer (only unit_number and
	 * version are sure to be set then). */
	void (*on_record)(void *user, const struct baophu_record *record);
	/* After each change of state or proof; may be NULL. SYNCING: all records shown so far are void. */
	void (*on_state)(void *user, const struct subscription_standing *standing);
};
/* Starts; does not wait. On 0 *ret_subscription is the caller's (returns owned). -EINVAL: path, depth, endpoint or a unit
 * resumed; -BAOPHU_EFULL: more resumed than units_max; -ENOMEM; errno values. */
int subscription_open(const struct subscription_config *config, struct subscription **ret_subscription);
void subscription_close(struct subscription *subscription); /* takes NULL */
/* Works for at most timeout_ms (0: only what is there; -1: no limit), and returns sooner when something was shown. 0; -EINTR: a signal came;
 * -BAOPHU_EFULL: more units than units_max; -BAOPHU_EPROTOCOL: the collector speaks otherwise; -ENOMEM. Lost connections, missed records
 * and refused questions are no errors: the standing says so, and it goes on trying. */
int subscription_step(struct subscription *subscription, int timeout_ms);
/* Milliseconds since a seal last proved what is held; -1: none did yet, or everything became void since. While EXACT no more than the
 * time between two seals. */
int64_t subscription_proof_age_ms(const struct subscription *subscription);
/* With wants_events: the events up to the place of the standing that were not taken yet; to be taken after each step that proved something, or
 * memory fills up to events_max. Lent until the next call. */
void subscription_events(struct subscription *subscription, struct tally_given *ret_events);
void subscription_events_taken(struct subscription *subscription);
/* Lent while the subscription lives; changes in subscription_step. */
const struct subscription_standing *subscription_standing(const struct subscription *subscription);
