/* test_subscription.c - what a subscriber may claim: holding.c against a collector that loses, repeats, delays and forgets.
 *
 * The collector of the last test keeps its whole past, so that every claim "exact at this place" is held against the truth there.
 */
#include "holding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

static struct baophu_place place_of(uint64_t seq, uint8_t history)
{
	struct baophu_place place = { .seq = seq };
	memset(place.digest, history, sizeof place.digest);
	return place;
}

static struct baophu_seal seal_of(const struct holding *holding, uint64_t seq)
{
	return (struct baophu_seal){ .place = place_of(seq, 1), .count = holding->count, .sum = holding->sum, .date = 20000 };
}

/* Joins with units 1..3 at versions 1..3, proved at seq 10. */
static void join(struct holding *holding, uint32_t units_max)
{
	enum holding_effect effect;
	uint64_t min_seq;
	struct baophu_place cut = place_of(10, 1);
	holding_init(holding, units_max);
	cr_assert_eq(holding_question(holding, &min_seq), HOLDING_ASK_NOTHING);
	holding_seal(holding, &(struct baophu_seal){ .place = cut, .count = 3 });
	cr_assert_eq(holding->state, HOLDING_SYNCING);
	cr_assert_eq(holding_question(holding, &min_seq), HOLDING_ASK_ALL);
	cr_assert_eq(min_seq, 10);
	holding_answer_begin(holding);
	for (uint32_t unit = 1; unit <= 3; unit++) {
		cr_assert_eq(holding_answer_record(holding, unit, unit, &effect), 0);
		cr_assert_eq(effect, HOLDING_APPLIED);
	}
	cr_assert_eq(holding_sweep(holding, &cut), 0);
	holding_answer_end(holding, &cut);
	cr_assert_eq(holding->state, HOLDING_FOLLOWING);
	struct baophu_seal seal = seal_of(holding, 10);
	cr_assert_eq(seal.sum, baophu_mix64(1, 1) + baophu_mix64(2, 2) + baophu_mix64(3, 3));
	holding_seal(holding, &seal);
	cr_assert_eq(holding->state, HOLDING_EXACT);
	cr_assert_eq(holding->place.seq, 10);
}

Test(subscription, applies_a_record_only_over_the_version_before_it)
{
	struct holding holding;
	enum holding_effect effect;
	join(&holding, 100);
	cr_assert_eq(holding_publish(&holding, 2, 2, 11, false, &effect), 0);
	cr_assert_eq(effect, HOLDING_APPLIED);
	cr_assert_eq(holding.state, HOLDING_FOLLOWING);
	cr_assert_eq(holding_publish(&holding, 2, 2, 11, false, &effect), 0);
	cr_assert_eq(effect, HOLDING_OLD, "repeated");
	cr_assert_eq(holding_publish(&holding, 2, 11, 12, false, &effect), 0);
	cr_assert_eq(effect, HOLDING_APPLIED);
	cr_assert_eq(holding_publish(&holding, 3, 12, 13, false, &effect), 0);
	cr_assert_eq(effect, HOLDING_MISSED, "its version 12 never came");
	cr_assert_eq(holding_version(&holding, 3), 3);
	cr_assert_eq(holding.state, HOLDING_REPAIRING);
	uint64_t min_seq;
	cr_assert_eq(holding_question(&holding, &min_seq), HOLDING_ASK_CHANGED);
	holding_finish(&holding);
}

Test(subscription, an_answer_of_the_place_of_the_newest_seal_is_judged_by_it)
{
	enum difference { NONE, SUM, SEQ, DIGEST, DIFFERENCES };
	for (int difference = NONE; difference < DIFFERENCES; difference++) {
		struct holding holding;
		enum holding_effect effect;
		struct baophu_seal seal = { .place = place_of(10, 1), .count = 1, .sum = baophu_mix64(1, 7) };
		struct baophu_place cut = seal.place;
		seal.sum += difference == SUM;
		cut.seq += difference == SEQ;
		cut.digest[31] ^= difference == DIGEST;
		holding_init(&holding, 100);
		holding_seal(&holding, &seal);
		holding_answer_begin(&holding);
		cr_assert_eq(holding_answer_record(&holding, 1, 7, &effect), 0);
		holding_answer_end(&holding, &cut);
		enum holding_state state = difference == NONE     ? HOLDING_EXACT
					   : difference == DIGEST ? HOLDING_SYNCING /* one of them is of another history */
								  : HOLDING_FOLLOWING;
		cr_assert_eq(holding.state, state, "%d", difference);
		if (difference == NONE)
			cr_assert_eq(memcmp(&holding.place, &seal.place, sizeof seal.place), 0);
		else if (difference == SUM) { /* changed between two pages of the answer: what is to come mends it */
			cr_assert_eq(holding_publish(&holding, 2, 0, 9, false, &effect), 0);
			cr_assert_eq(effect, HOLDING_APPLIED);
		}
		holding_finish(&holding);
	}
}

Test(subscription, a_seal_of_another_digest_at_a_seq_that_was_seen_proves_nothing)
{
	enum seen { PROOF, ANSWER, SEAL, SEENS };
	for (int seen = PROOF; seen < SEENS; seen++) {
		struct holding holding;
		enum holding_effect effect;
		struct baophu_seal seal;
		uint64_t min_seq;
		join(&holding, 100);
		if (seen == ANSWER) { /* of 20, not yet proved */
			cr_assert_eq(holding_publish(&holding, 3, 12, 13, false, &effect), 0);
			cr_assert_eq(effect, HOLDING_MISSED);
			holding_answer_begin(&holding);
			cr_assert_eq(holding_answer_record(&holding, 3, 13, &effect), 0);
			holding_answer_end(&holding, &(struct baophu_place){ .seq = 20, .digest = { 7 } });
			cr_assert_eq(holding.state, HOLDING_FOLLOWING);
		} else if (seen == SEAL) { /* of 20, that did not match */
			seal = seal_of(&holding, 20);
			seal.place.digest[0] = 7;
			seal.count++;
			holding_seal(&holding, &seal);
			cr_assert_eq(holding.state, HOLDING_REPAIRING);
		}
		seal = seal_of(&holding, seen == PROOF ? 10 : 20);
		seal.place.digest[0] = 8;
		holding_seal(&holding, &seal);
		cr_assert_eq(holding.state, HOLDING_SYNCING, "%d: it counts right, and is of another history", seen);
		cr_assert_eq(holding.count, 0);
		cr_assert_eq(holding_question(&holding, &min_seq), HOLDING_ASK_ALL);
		holding_finish(&holding);
	}
}

Test(subscription, shows_nothing_before_a_snapshot)
{
	struct holding holding;
	enum holding_effect effect;
	holding_init(&holding, 100);
	cr_assert_eq(holding_publish(&holding, 1, 0, 5, false, &effect), 0);
	cr_assert_eq(effect, HOLDING_MISSED);
	cr_assert_eq(holding.count, 0);
	/* a seal of nothing proves nothing to one who has not asked */
	holding_seal(&holding, &(struct baophu_seal){ .place = place_of(4, 1) });
	cr_assert_eq(holding.state, HOLDING_SYNCING);
	holding_finish(&holding);
}

Test(subscription, a_seal_that_does_not_match_is_asked_about_first_in_part_then_whole)
{
	struct holding holding;
	enum holding_effect effect;
	uint64_t min_seq;
	join(&holding, 100);
	struct baophu_seal seal = seal_of(&holding, 20);
	seal.sum++;
	holding_seal(&holding, &seal);
	cr_assert_eq(holding.state, HOLDING_REPAIRING);
	cr_assert_eq(holding.place.seq, 10, "the last proof stands");
	cr_assert_eq(holding_question(&holding, &min_seq), HOLDING_ASK_CHANGED);
	cr_assert_eq(min_seq, 20);
	struct baophu_place cut = place_of(21, 1);
	holding_answer_begin(&holding);
	holding_answer_end(&holding, &cut);
	cr_assert_eq(holding.state, HOLDING_FOLLOWING);
	holding_seal(&holding, &seal);
	cr_assert_eq(holding.state, HOLDING_FOLLOWING, "a seal older than the answer cannot judge it");
	seal.place.seq = 22;
	holding_seal(&holding, &seal);
	cr_assert_eq(holding_question(&holding, &min_seq), HOLDING_ASK_ALL, "what changed did not mend it");
	cut.seq = 23;
	cr_assert_eq(holding_publish(&holding, 4, 0, 24, false, &effect), 0);
	holding_answer_begin(&holding);
	cr_assert_eq(holding_answer_record(&holding, 1, 1, &effect), 0);
	cr_assert_eq(effect, HOLDING_OLD);
	cr_assert_eq(holding_answer_record(&holding, 3, 22, &effect), 0);
	cr_assert_eq(effect, HOLDING_APPLIED);
	cr_assert_eq(holding_sweep(&holding, &cut), 2, "unit 2 is gone");
	cr_assert_eq(holding_sweep(&holding, &cut), 0, "unit 4 is newer than the answer");
	holding_answer_end(&holding, &cut);
	seal = (struct baophu_seal){ .place = place_of(24, 1), .count = 3 };
	seal.sum = baophu_mix64(1, 1) + baophu_mix64(3, 22) + baophu_mix64(4, 24);
	holding_seal(&holding, &seal);
	cr_assert_eq(holding.state, HOLDING_EXACT);
	holding_finish(&holding);
}

Test(subscription, a_unit_that_left_does_not_come_back_by_an_old_record)
{
	struct holding holding;
	enum holding_effect effect;
	join(&holding, 100);
	cr_assert_eq(holding_publish(&holding, 2, 2, 11, true, &effect), 0);
	cr_assert_eq(effect, HOLDING_GONE);
	cr_assert_eq(holding.count, 2);
	cr_assert_eq(holding_version(&holding, 2), 0);
	cr_assert_eq(holding_publish(&holding, 2, 2, 9, false, &effect), 0);
	cr_assert_eq(effect, HOLDING_OLD);
	cr_assert_eq(holding_publish(&holding, 2, 11, 14, false, &effect), 0);
	cr_assert_eq(effect, HOLDING_APPLIED);
	cr_assert_eq(holding.count, 3);
	holding_finish(&holding);
}

Test(subscription, a_seal_of_nothing_ends_what_an_answer_brought_from_elsewhere)
{
	struct holding holding;
	enum holding_effect effect;
	join(&holding, 100);
	struct baophu_seal seal = { .place = place_of(20, 1) };
	struct baophu_place cut = place_of(19, 1);
	holding_answer_begin(&holding); /* the subtree was moved away; asked for by its code it is still answered with */
	cr_assert_eq(holding_answer_record(&holding, 2, 18, &effect), 0);
	holding_answer_end(&holding, &cut);
	cr_assert(holding_is_emptied(&holding, &seal));
	for (int left = 3; left--;)
		cr_assert_neq(holding_sweep(&holding, &seal.place), 0);
	cr_assert_eq(holding_sweep(&holding, &seal.place), 0);
	holding_seal(&holding, &seal);
	cr_assert_eq(holding.state, HOLDING_EXACT);
	cr_assert_eq(holding.count, 0);
	cr_assert_not(holding_is_emptied(&holding, &seal), "nothing is left to drop");
	cr_assert_eq(holding_publish(&holding, 2, 0, 21, false, &effect), 0);
	cr_assert_eq(effect, HOLDING_APPLIED, "it may come back");
	holding_lost(&holding);
	seal.place = place_of(30, 1);
	cr_assert_not(holding_is_emptied(&holding, &seal), "of a history that nobody has asked about yet");
	holding_finish(&holding);
}

Test(subscription, another_history_voids_everything)
{
	struct holding holding;
	uint64_t min_seq;
	join(&holding, 100);
	struct baophu_seal seal = seal_of(&holding, 10);
	memset(seal.place.digest, 2, sizeof seal.place.digest);
	holding_seal(&holding, &seal);
	cr_assert_eq(holding.state, HOLDING_SYNCING, "the same seq with another digest");
	cr_assert_eq(holding.count, 0);
	cr_assert_eq(holding_question(&holding, &min_seq), HOLDING_ASK_ALL);
	holding_finish(&holding);

	join(&holding, 100);
	seal = seal_of(&holding, 9);
	holding_seal(&holding, &seal);
	cr_assert_eq(holding.state, HOLDING_SYNCING, "the log went back");
	holding_finish(&holding);
}

Test(subscription, what_came_after_the_proof_is_not_kept_over_another_history)
{
	for (int is_said = 0; is_said <= 1; is_said++) {
		struct holding holding;
		enum holding_effect effect;
		uint64_t min_seq;
		join(&holding, 100);
		cr_assert_eq(holding_publish(&holding, 2, 2, 11, false, &effect), 0);
		cr_assert_eq(holding_publish(&holding, 3, 3, 11, true, &effect), 0);
		holding_lost(&holding); /* put back to 10, where the proof was, it goes on in another way */
		struct baophu_seal seal = { .place = place_of(12, 2) };
		holding_seal(&holding, &seal);
		cr_assert_eq(holding_question(&holding, &min_seq), HOLDING_ASK_CHANGED);
		holding_answer_begin(&holding);
		if (is_said) {
			cr_assert_eq(holding_answer_record(&holding, 2, 11, &effect), 0);
			cr_assert_eq(effect, HOLDING_APPLIED, "the same version has another content");
			cr_assert_eq(holding_answer_record(&holding, 2, 11, &effect), 0);
			cr_assert_eq(effect, HOLDING_OLD, "said twice in one answer");
		}
		holding_answer_end(&holding, &seal.place);
		cr_assert_eq(holding.state, is_said ? HOLDING_FOLLOWING : HOLDING_SYNCING);
		cr_assert_eq(holding_question(&holding, &min_seq), is_said ? HOLDING_ASK_NOTHING : HOLDING_ASK_ALL);
		if (is_said) { /* the seal tells that unit 3 did not go; it comes back however old it is */
			seal.count = 3;
			seal.sum = baophu_mix64(1, 1) + baophu_mix64(2, 11) + baophu_mix64(3, 3);
			holding_seal(&holding, &seal);
			cr_assert_eq(holding.state, HOLDING_REPAIRING);
			holding_answer_begin(&holding);
			cr_assert_eq(holding_answer_record(&holding, 3, 3, &effect), 0);
			cr_assert_eq(effect, HOLDING_APPLIED);
			holding_answer_end(&holding, &seal.place);
			holding_seal(&holding, &seal);
			cr_assert_eq(holding.state, HOLDING_EXACT);
		}
		holding_finish(&holding);
	}
}

Test(subscription, after_a_lost_connection_a_matching_seal_is_not_enough)
{
	struct holding holding;
	uint64_t min_seq;
	join(&holding, 100);
	holding_lost(&holding);
	cr_assert_eq(holding.state, HOLDING_STALE);
	cr_assert_eq(holding_question(&holding, &min_seq), HOLDING_ASK_NOTHING, "nobody is there to ask");
	struct baophu_seal seal = seal_of(&holding, 30);
	holding_seal(&holding, &seal);
	cr_assert_eq(holding.state, HOLDING_STALE, "the collector may have been put back and come this far again");
	cr_assert_eq(holding_question(&holding, &min_seq), HOLDING_ASK_CHANGED);
	struct baophu_place cut = place_of(30, 1);
	holding_answer_begin(&holding);
	holding_answer_end(&holding, &cut);
	holding_seal(&holding, &seal);
	cr_assert_eq(holding.state, HOLDING_EXACT);
	holding_finish(&holding);
}

Test(subscription, begins_again_with_what_was_held_only_if_that_was_so)
{
	for (int is_wrong = 0; is_wrong <= 1; is_wrong++) {
		struct holding held, again;
		uint64_t min_seq;
		join(&held, 16);
		struct baophu_place place = held.place;
		holding_init(&again, 16);
		holding_resume(&again, &place);
		for (uint32_t unit = 1; unit <= 16; unit++)
			if (holding_version(&held, unit))
				cr_assert_eq(
				    holding_resume_unit(&again, unit, holding_version(&held, unit) - (is_wrong && unit == 2)), 0);
		cr_assert_eq(holding_resume_unit(&again, 0, 1), -EINVAL);
		cr_assert_eq(holding_resume_unit(&again, 1, place.seq + 1), -EINVAL);
		cr_assert_eq(again.state, HOLDING_STALE);
		cr_assert_eq(holding_question(&again, &min_seq), HOLDING_ASK_NOTHING, "before anything was heard");
		struct holding older = again;
		older.slots = NULL;
		older.size = older.used = 0;
		holding_seal(&older, &(struct baophu_seal){ .place = place_of(place.seq - 1, 1) });
		cr_assert_eq(older.state, HOLDING_SYNCING, "a collector that was put back behind the place");
		holding_finish(&older);
		struct baophu_seal seal = seal_of(&held, place.seq + 1);
		holding_seal(&again, &seal);
		cr_assert_eq(again.state, HOLDING_STALE, "a matching seal is not enough");
		cr_assert_eq(holding_question(&again, &min_seq), HOLDING_ASK_CHANGED);
		cr_assert_eq(min_seq, place.seq + 1);
		holding_answer_begin(&again);
		holding_answer_end(&again, &seal.place);
		holding_seal(&again, &seal);
		cr_assert_eq(again.state, is_wrong ? HOLDING_SYNCING : HOLDING_EXACT);
		cr_assert_eq(again.restarts, (uint32_t)is_wrong);
		cr_assert_eq(holding_question(&again, &min_seq), is_wrong ? HOLDING_ASK_ALL : HOLDING_ASK_NOTHING);
		holding_finish(&again);
		holding_finish(&held);
	}
}

Test(subscription, memory_is_bounded_by_the_units_allowed)
{
	struct holding holding;
	enum holding_effect effect;
	join(&holding, 4);
	cr_assert_eq(holding_publish(&holding, 4, 0, 11, false, &effect), 0);
	cr_assert_eq(holding_publish(&holding, 5, 0, 12, false, &effect), -BAOPHU_EFULL);
	cr_assert_eq(holding.state, HOLDING_REPAIRING);
	cr_assert_eq(holding.count, 4);
	/* units that come and go for ever take no more room */
	uint64_t version = 20;
	for (uint32_t unit = 100; unit < 100000; unit++) {
		cr_assert_eq(holding_publish(&holding, 4, 0, version++, true, &effect), 0);
		cr_assert_eq(holding_publish(&holding, unit, 0, version++, false, &effect), 0);
		cr_assert_eq(holding_publish(&holding, unit, version - 1, version, true, &effect), 0);
		version++;
	}
	cr_assert_eq(holding.size, 64);
	holding_finish(&holding);
}

/* ---- a collector with faults ---- */

enum { UNITS = 24, STEPS = 3000, QUEUE = 64 };
struct world {
	uint64_t version[UNITS + 1];
	uint8_t said_in[UNITS + 1]; /* history in which it was said: the content of a version */
	bool gone[UNITS + 1];
}; /* version 0: never was */
struct message {
	bool is_seal;
	uint32_t unit;
	uint64_t previous, version;
	uint8_t said_in;
	bool tombstone;
	struct baophu_seal seal;
};
struct run {
	uint64_t random;
	struct world past[STEPS + 1]; /* by seq */
	uint8_t history_at[STEPS + 1]; /* digest byte there */
	uint64_t seq;
	uint8_t history;
	uint64_t published[UNITS + 1];
	struct message queue[QUEUE];
	int queued;
	struct holding holding;
	uint64_t shown[UNITS + 1]; /* what the subscriber's user sees; 0: not shown */
	uint8_t shown_of[UNITS + 1]; /* history that it was said in */
	uint8_t kept_of[UNITS + 1];
	uint64_t kept[UNITS + 1]; /* what was shown at an earlier proof, to begin again with */
	struct baophu_place kept_place;
	int exact_count, restart_count, repair_count, resume_count;
};

static uint64_t chance(struct run *run, uint64_t in)
{
	run->random ^= run->random << 13;
	run->random ^= run->random >> 7;
	run->random ^= run->random << 17;
	return run->random % in;
}

static struct baophu_seal true_seal(const struct run *run)
{
	const struct world *world = &run->past[run->seq];
	struct baophu_seal seal = { .place = place_of(run->seq, run->history_at[run->seq]), .date = 20000 };
	for (uint32_t unit = 1; unit <= UNITS; unit++)
		if (world->version[unit] && !world->gone[unit]) {
			seal.count++;
			seal.sum += baophu_mix64(unit, world->version[unit]);
		}
	return seal;
}

static void hold_claim_against_truth(struct run *run)
{
	const struct holding *holding = &run->holding;
	if (holding->state != HOLDING_EXACT)
		return;
	run->exact_count++;
	cr_assert_leq(holding->place.seq, run->seq);
	cr_assert_eq(holding->place.digest[0], run->history_at[holding->place.seq], "exact at a place of no history");
	const struct world *world = &run->past[holding->place.seq];
	for (uint32_t unit = 1; unit <= UNITS; unit++) {
		uint64_t truth = world->gone[unit] ? 0 : world->version[unit];
		cr_assert_eq(run->shown[unit], truth, "unit %u shown %lu, true %lu at %lu", unit, (unsigned long)run->shown[unit],
			     (unsigned long)truth, (unsigned long)holding->place.seq);
		cr_assert(!truth || run->shown_of[unit] == world->said_in[unit],
			  "unit %u at %lu: a record of history %u is shown in history %u", unit, (unsigned long)truth,
			  run->shown_of[unit], world->said_in[unit]);
	}
	if (chance(run, 40) == 0) {
		memcpy(run->kept, run->shown, sizeof run->kept);
		memcpy(run->kept_of, run->shown_of, sizeof run->kept_of);
		run->kept_place = holding->place;
	}
}

/* The subscriber ends and another begins with what was kept, sometimes badly kept. */
static void resume(struct run *run)
{
	if (!run->kept_place.seq)
		return;
	if (chance(run, 3) == 0)
		run->kept[1 + chance(run, UNITS)] = chance(run, run->kept_place.seq + 1);
	holding_finish(&run->holding);
	holding_init(&run->holding, UNITS);
	holding_resume(&run->holding, &run->kept_place);
	for (uint32_t unit = 1; unit <= UNITS; unit++)
		if (run->kept[unit])
			cr_assert_eq(holding_resume_unit(&run->holding, unit, run->kept[unit]), 0);
	memcpy(run->shown, run->kept, sizeof run->shown);
	memcpy(run->shown_of, run->kept_of, sizeof run->shown_of);
	run->queued = 0;
	run->resume_count++;
	cr_assert_eq(run->holding.state, HOLDING_STALE);
}

static void void_shown(struct run *run)
{
	if (run->holding.state == HOLDING_SYNCING && run->holding.count == 0)
		memset(run->shown, 0, sizeof run->shown);
}

static void answer(struct run *run)
{
	uint64_t min_seq;
	enum holding_question question = holding_question(&run->holding, &min_seq);
	enum holding_effect effect;
	if (question == HOLDING_ASK_NOTHING || min_seq > run->seq)
		return;
	uint64_t since = 0;
	if (question == HOLDING_ASK_CHANGED) {
		const struct baophu_place *place = &run->holding.place;
		since = place->seq;
		if (since > run->seq || run->history_at[since] != place->digest[0]) {
			uint64_t seal_seq = run->holding.seal_seq;
			holding_restart(&run->holding);
			run->holding.seal_seq = seal_seq;
			void_shown(run);
			return;
		}
	}
	run->repair_count++;
	/* the collector answers at any place that is not too old, also one before records that are here already */
	uint64_t at_seq = min_seq + chance(run, run->seq - min_seq + 1);
	const struct world *world = &run->past[at_seq];
	struct baophu_place cut = place_of(at_seq, run->history_at[at_seq]);
	holding_answer_begin(&run->holding);
	bool breaks_off = !chance(run, 8);
	for (uint32_t unit = 1; unit <= UNITS; unit++)
		if (world->version[unit] > since && !world->gone[unit]) {
			if (breaks_off && chance(run, 4) == 0)
				return;
			cr_assert_eq(holding_answer_record(&run->holding, unit, world->version[unit], &effect), 0);
			if (effect == HOLDING_APPLIED) {
				run->shown[unit] = world->version[unit];
				run->shown_of[unit] = world->said_in[unit];
			}
		}
	uint32_t gone;
	while (question == HOLDING_ASK_ALL && (gone = holding_sweep(&run->holding, &cut)) != 0)
		run->shown[gone] = 0;
	holding_answer_end(&run->holding, &cut);
	void_shown(run);
}

static void deliver(struct run *run, const struct message *message)
{
	if (message->is_seal) {
		holding_seal(&run->holding, &message->seal);
		void_shown(run);
	} else {
		enum holding_effect effect;
		cr_assert_eq(
		    holding_publish(&run->holding, message->unit, message->previous, message->version, message->tombstone, &effect),
		    0);
		if (effect == HOLDING_APPLIED) {
			run->shown[message->unit] = message->version;
			run->shown_of[message->unit] = message->said_in;
		}
		if (effect == HOLDING_GONE)
			run->shown[message->unit] = 0;
	}
	hold_claim_against_truth(run);
	answer(run);
	hold_claim_against_truth(run);
}

static void post(struct run *run, const struct message *message, bool is_faulty)
{
	if (is_faulty && chance(run, 12) == 0)
		return;
	int copies = is_faulty && chance(run, 12) == 0 ? 2 : 1;
	while (copies-- && run->queued < QUEUE)
		run->queue[run->queued++] = *message;
	if (is_faulty && run->queued > 1 && chance(run, 12) == 0) {
		int other = (int)chance(run, (uint64_t)run->queued);
		struct message late = run->queue[other];
		run->queue[other] = run->queue[run->queued - 1];
		run->queue[run->queued - 1] = late;
	}
	bool holds_back = is_faulty && run->queued < QUEUE / 2 && chance(run, 3) == 0;
	if (holds_back)
		return;
	for (int i = 0; i < run->queued; i++)
		deliver(run, &run->queue[i]);
	run->queued = 0;
}

/* One commit: a few units change, leave or come; their records and the seal go out. */
static void commit(struct run *run, bool is_faulty)
{
	struct world *now = &run->past[run->seq + 1];
	*now = run->past[run->seq];
	run->seq++;
	run->history_at[run->seq] = run->history;
	for (uint64_t changes = chance(run, 4); changes; changes--) {
		/* often the same unit as in any other history that came this far: only the content tells them apart */
		uint64_t same = baophu_mix64((uint32_t)changes, run->seq);
		uint32_t unit = 1 + (uint32_t)(chance(run, 3) ? same % UNITS : chance(run, UNITS));
		now->gone[unit] = now->version[unit] && !now->gone[unit] && chance(run, 6) == 0;
		now->version[unit] = run->seq;
		now->said_in[unit] = run->history;
	}
	for (uint32_t unit = 1; unit <= UNITS; unit++)
		if (now->version[unit] == run->seq) {
			struct message record = { .unit = unit,
						  .previous = run->past[run->seq - 1].gone[unit] ? 0 : run->published[unit],
						  .version = run->seq,
						  .said_in = run->history,
						  .tombstone = now->gone[unit] };
			post(run, &record, is_faulty);
			run->published[unit] = run->seq;
		}
	struct message seal = { .is_seal = true, .seal = true_seal(run) };
	if (!is_faulty || chance(run, 4))
		post(run, &seal, is_faulty);
}

Test(subscription, never_claims_what_is_not_so_and_gets_there_in_the_end)
{
	struct run *run = calloc(1, sizeof *run);
	int exact_count = 0, restart_count = 0, repair_count = 0, resume_count = 0;
	const char *given = getenv("SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)getpid() * 2654435769u | 1;
	cr_log_info("SEED=%llu", (unsigned long long)seed);
	for (int round = 0; round < 20; round++) {
		memset(run, 0, sizeof *run);
		run->random = seed + (uint64_t)round * 1000003;
		run->history = 1;
		holding_init(&run->holding, UNITS);
		while (run->seq < STEPS - 100) {
			commit(run, true);
			if (chance(run, 60) == 0) {
				holding_lost(&run->holding);
				run->queued = 0;
				void_shown(run);
			}
			if (chance(run, 100) == 0)
				resume(run);
			if (run->seq > 20 &&
			    chance(run, 150) == 0) { /* the collector is put back to a copy and goes on from there */
				run->seq -= chance(run, chance(run, 2) ? 4 : 15);
				run->history++;
				memset(run->published, 0, sizeof run->published);
				holding_lost(&run->holding);
				run->queued = 0;
				run->restart_count++;
				void_shown(run);
			}
		}
		for (int i = 0; i < 50; i++)
			commit(run, false);
		cr_assert_eq(run->holding.state, HOLDING_EXACT, "seed %llu round %d: %s", (unsigned long long)seed, round,
			     holding_state_name(run->holding.state));
		cr_assert_eq(run->holding.place.seq, run->seq);
		exact_count += run->exact_count;
		restart_count += run->restart_count;
		repair_count += run->repair_count;
		resume_count += run->resume_count;
		holding_finish(&run->holding);
	}
	cr_log_info("exact %d times, %d questions, %d histories", exact_count, repair_count, restart_count);
	cr_assert_gt(exact_count, 20 * 100);
	cr_assert_gt(repair_count, 20 * 50);
	cr_assert_gt(restart_count, 20);
	cr_assert_gt(resume_count, 20 * 10);
	free(run);
}
