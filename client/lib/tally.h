/* tally.h - the events between the proofs of a subscription: which are here, and whether they are all. Pure: no sockets, no clock.
 *
 * A record says how many delivered events its unit ever had (event_count), they are numbered densely, and an event never happens without a
 * new version of its unit. So a seal that proves the records held proves how many events there were, and counting shows what is lacking.
 * Kept of each unit is the number up to which the events are there without a gap; what comes behind a gap is not kept, because the gap is
 * asked for together with everything behind it.
 * Rule: what is given out holds, of each unit held at the proof, each event since what was given out before, once, and no other.
 *
 * Does not know what is proved or when to ask; whoever owns it says so (subscription.c).
 * Threads: belongs to one thread at a time.
 */
#pragma once

#include <baophu/baophu.h>

enum { TALLY_EVENTS_MAX = 65536 }; /* kept at a time, unless said otherwise: some 26 MiB */

struct tally_unit {
	uint64_t proved; /* number of its newest event at the last whole proof */
	uint64_t filled; /* of the newest one that is here, or was given out, without a gap before it */
	uint64_t count; /* of its newest event, as its record says */
	uint32_t unit; /* 0: free */
	bool is_gone;
	bool has_base; /* `proved` is known: not of one that came in with events, nor of one resumed without their number */
	bool is_heard; /* `count` is known */
};
enum tally_mode {
	TALLY_BEGINS, /* until the next proof: of what is before it nobody wants events */
	TALLY_KEEPS,
	TALLY_OVERFLOWS, /* until the next proof: there were more events than may be kept */
};
struct tally {
	enum tally_mode mode;
	struct baophu_place base; /* what was given out last is up to here: what lacks is asked for since */
	struct baophu_place proved; /* the last whole proof: up to here it can be given out */
	uint64_t unlisted_after, unlisted_until; /* seqs; events in between are not here: there were too many; 0, 0: none */
	uint64_t missing; /* events that records speak of and that are not here */
	struct baophu_event *events; /* the first proved_count are of the last proof and before */
	uint32_t proved_count, event_count, event_capacity, events_max;
	bool has_gone; /* since the last proof */
	struct tally_unit *units; /* open hash, power of two */
	uint32_t size, used, held;
};
/* events_max 0: TALLY_EVENTS_MAX. */
void tally_init(struct tally *tally, uint32_t events_max);
void tally_finish(struct tally *tally);
/* Everything is void; it begins anew, with nothing to give out before a proof. */
void tally_restart(struct tally *tally);
/* Goes on where `place` was proved, and each unit held there. event_count: of its record; 0: not known, or none. -ENOMEM. */
void tally_resume(struct tally *tally, const struct baophu_place *place);
int tally_resume_unit(struct tally *tally, uint32_t unit, uint64_t event_count);

/* Takes what an applied record says of its unit's events, and those that came with it; or that the unit is gone. Borrows it. -ENOMEM;
 * -BAOPHU_EPROTOCOL: it says fewer than there were, so it is of another history than what is here. */
int tally_record(struct tally *tally, const struct baophu_record *record);
/* The connection was lost: what came since the last proof may be of a history that is no more. */
void tally_lost(struct tally *tally);

/* All events that the records speak of are here, or need not be. */
bool tally_is_whole(const struct tally *tally);
/* An event of the answer to: what happened since `base`, up to what is held; of all units, in order. Those that are here already, that are kept
 * only, or of units that are not held are passed over. What is proved was given out before. -ENOMEM. */
int tally_answer_event(struct tally *tally, const struct baophu_event *event);
/* The answer was whole. -BAOPHU_EPROTOCOL: the events in it are not as many as the records say. */
int tally_answer_end(struct tally *tally);
/* What is held is proved, at `place`, and the tally is whole. */
void tally_proof(struct tally *tally, const struct baophu_place *place);

struct tally_given {
	const struct baophu_event *events; /* in order of (seq, index); lent until tally_given_out or any change */
	uint32_t count;
	uint64_t unlisted_after, unlisted_until; /* as in the tally */
};
/* What there is to give out: the events after `base` up to the last proof. */
void tally_give(struct tally *tally, struct tally_given *ret_given);
/* It was given out, or nobody wants it: `base` is the last proof. */
void tally_given_out(struct tally *tally);
