/* holding.h - what a subscriber holds of one subtree at one depth, and whether that is proved. Pure: no sockets, no clock.
 *
 * Keeps each unit's version, and the count and sum that a seal names; not the records themselves, which are whoever's they were shown to.
 * Rule: it says EXACT at a place only when a seal of that place matches everything it holds. A lost, repeated, late or foreign
 * record can delay that, never feign it. Rules of joining, applying and repairing: head of baophu.proto.
 * Threads: belongs to one thread at a time.
 */
#pragma once

#include <baophu/baophu.h>

enum holding_state {
	HOLDING_SYNCING, /* nothing may be shown: what was held before is void */
	HOLDING_FOLLOWING, /* newer than the last proof: the next seal decides */
	HOLDING_EXACT, /* the state of `place`, proved */
	HOLDING_REPAIRING, /* something was missed; it has to be asked for */
	HOLDING_STALE, /* the connection was lost or nothing is heard: old, and nobody knows how old */
	HOLDING_STATE_COUNT
};
/* "syncing", "exact", ... Static storage. */
const char *holding_state_name(enum holding_state state);

struct holding_slot {
	uint64_t version;
	uint32_t unit, mark;
}; /* unit 0: free; mark: generation of the answer << 1 | gone */
struct holding {
	enum holding_state state;
	struct baophu_place place; /* of the last proof; seq 0: none since it began */
	baophu_date date; /* business day of the last seal */
	uint32_t count; /* units held */
	uint64_t sum; /* of mix64 over them */
	struct baophu_place asked; /* cut of the newest answer taken: by an older seal nothing can be judged; seq 0: none */
	uint64_t seal_seq; /* newest seal seen; 0: none */
	struct baophu_seal seal; /* that one, to judge an answer of its place by; of seq 0: none */
	bool is_unverified; /* whether `place` is still of the collector's history must be asked first */
	bool heard_since_lost;
	bool asked_since_proof; /* the next mismatch means that asking what changed did not mend it */
	bool wants_all;
	bool is_resumed; /* what it began with came from outside and was never proved here */
	struct holding_slot *slots; /* open hash, power of two */
	uint32_t size, used, units_max, generation, sweep_at;
	uint32_t restarts; /* times everything became void */
};
/* units_max bounds the memory (16 to 32 bytes a unit): one unit more is -BAOPHU_EFULL. */
void holding_init(struct holding *holding, uint32_t units_max);
void holding_finish(struct holding *holding);
/* Instead of beginning with nothing: the place of an earlier proof, then each unit that was held there. STALE until the collector was
 * asked what changed since; if that does not lead to a proof, everything is void. -EINVAL: no unit, or no version of that place;
 * -BAOPHU_EFULL, -ENOMEM. */
void holding_resume(struct holding *holding, const struct baophu_place *place);
int holding_resume_unit(struct holding *holding, uint32_t unit, uint64_t version);

/* What became of a record. */
enum holding_effect {
	HOLDING_OLD, /* held already, or newer is */
	HOLDING_APPLIED,
	HOLDING_GONE, /* applied: the unit has left this topic */
	HOLDING_MISSED, /* not applied: a record before it is missing, or no snapshot was taken yet */
};
/* A published record: applies when previous <= held < version. -BAOPHU_EFULL, -ENOMEM: not applied, state REPAIRING. */
int holding_publish(struct holding *holding, uint32_t unit, uint64_t previous, uint64_t version, bool tombstone,
		    enum holding_effect *ret_effect);
/* A seal of this subtree: the only thing that makes EXACT. One that goes back in the log is of another history, and so is one that has
 * another digest than the proof, the answer or the seal seen at its seq: everything is void, whatever it counts. */
void holding_seal(struct holding *holding, const struct baophu_seal *seal);
/* True for a seal that says: nothing is there; though something is held. A unit that was moved away is still answered with, because it is
 * asked for by its code. Then call holding_sweep until 0 before holding_seal. */
bool holding_is_emptied(struct holding *holding, const struct baophu_seal *seal);
/* The connection was lost, or nothing was heard for too long. */
void holding_lost(struct holding *holding);
/* The collector's history does not contain `place`, or everything is void for another reason. */
void holding_restart(struct holding *holding);

/* What has to be asked now (QUERY_KIND_CHANGED). */
enum holding_question {
	HOLDING_ASK_NOTHING,
	HOLDING_ASK_CHANGED, /* since `place`, with its digest */
	HOLDING_ASK_ALL, /* since 0 */
};
enum holding_question holding_question(const struct holding *holding, uint64_t *ret_min_seq);
/* An answer begins; its records follow, all of one cut; then its end. Publications wait outside meanwhile. An answer that breaks off
 * is followed by another begin. */
void holding_answer_begin(struct holding *holding);
/* HOLDING_OLD, APPLIED. -BAOPHU_EFULL, -ENOMEM. */
int holding_answer_record(struct holding *holding, uint32_t unit, uint64_t version, enum holding_effect *ret_effect);
/* After an answer to ASK_ALL, or holding_is_emptied: drops one unit that it did not have and returns its number; 0: no more. */
uint32_t holding_sweep(struct holding *holding, const struct baophu_place *cut);
/* The answer is taken whole: newer than the last proof, until a seal says so; EXACT at once when the newest seal speaks of the same place
 * and matches. SYNCING when it shows that what was held, or the newest seal, is of another history, though `place` may be of both. */
void holding_answer_end(struct holding *holding, const struct baophu_place *cut);
/* Version held of a unit; 0: not held. */
uint64_t holding_version(const struct holding *holding, uint32_t unit);
