/* test_tally.c - whether the events between two proofs are all there, each once and none that never was: tally.c by itself. The last test
 * plays a collector that loses, repeats, and is put back, and holds everything given out against the truth of its history.
 */
#include "tally.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

static struct baophu_place place_of(uint64_t seq) { return (struct baophu_place){ .seq = seq, .digest = { 1 } }; }

static struct baophu_event event_of(uint32_t unit, uint64_t number, uint64_t seq, uint32_t index)
{
	return (struct baophu_event){ .unit_number = unit, .number = number, .seq = seq, .index = index };
}

/* A record that says `count`, with the events from number `first` to `last`, of seqs `seq` and on. */
static int record(struct tally *tally, uint32_t unit, uint64_t count, uint64_t first, uint64_t last, uint64_t seq)
{
	struct baophu_event events[16];
	struct baophu_record record = { .unit_number = unit, .version = seq, .event_count = count, .events = events };
	for (uint64_t number = first; number <= last; number++)
		events[record.new_event_count++] = event_of(unit, number, seq + number - first, unit);
	return tally_record(tally, &record);
}

static int leave(struct tally *tally, uint32_t unit)
{
	return tally_record(tally, &(struct baophu_record){ .unit_number = unit, .tombstone = true });
}

static void prove(struct tally *tally, uint64_t seq)
{
	struct baophu_place place = place_of(seq);
	tally_proof(tally, &place);
}

/* Units 1 and 2 with 5 and 0 events, proved at 10 and shown whole. */
static void begin(struct tally *tally, uint32_t events_max)
{
	tally_init(tally, events_max);
	cr_assert_eq(record(tally, 1, 5, 4, 5, 8), 0);
	cr_assert_eq(record(tally, 2, 0, 1, 0, 9), 0);
	cr_assert(tally_is_whole(tally), "of what is before it begins nothing is wanted");
	prove(tally, 10);
	tally_given_out(tally);
	cr_assert_eq(tally->base.seq, 10);
}

static void expect_given(struct tally *tally, uint32_t count, const uint64_t *numbers)
{
	struct tally_given given;
	tally_give(tally, &given);
	cr_assert_eq(given.count, count, "%u, not %u", given.count, count);
	for (uint32_t i = 0; i < count; i++) {
		cr_assert_eq(given.events[i].number, numbers[i], "at %u: %lu", i, (unsigned long)given.events[i].number);
		cr_assert(!i || given.events[i - 1].seq < given.events[i].seq ||
			  (given.events[i - 1].seq == given.events[i].seq && given.events[i - 1].index < given.events[i].index));
	}
	tally_given_out(tally);
}

Test(tally, what_came_with_the_records_is_given_out_in_order_at_the_proof)
{
	struct tally tally;
	begin(&tally, 0);
	cr_assert_eq(record(&tally, 2, 1, 1, 1, 12), 0);
	cr_assert_eq(record(&tally, 1, 6, 6, 6, 11), 0);
	cr_assert(tally_is_whole(&tally));
	expect_given(&tally, 0, NULL); /* not proved yet */
	prove(&tally, 12);
	expect_given(&tally, 2, (uint64_t[]){ 6, 1 });
	cr_assert_eq(tally.base.seq, 12);
	expect_given(&tally, 0, NULL);
	tally_finish(&tally);
}

Test(tally, the_same_record_and_the_same_event_count_once)
{
	struct tally tally;
	begin(&tally, 0);
	cr_assert_eq(record(&tally, 1, 6, 6, 6, 11), 0);
	cr_assert_eq(record(&tally, 1, 6, 6, 6, 11), 0);
	cr_assert_eq(record(&tally, 1, 7, 5, 7, 10), 0, "with one from before the base");
	prove(&tally, 12);
	expect_given(&tally, 2, (uint64_t[]){ 6, 7 });
	cr_assert_eq(record(&tally, 1, 8, 6, 8, 11), 0, "with those that were given out");
	prove(&tally, 13);
	expect_given(&tally, 1, (uint64_t[]){ 8 });
	tally_finish(&tally);
}

Test(tally, lost_events_hold_it_up_until_they_are_asked_for)
{
	struct tally tally;
	begin(&tally, 0);
	cr_assert_eq(record(&tally, 1, 17, 10, 17, 20), 0, "twelve at once, of which a record has room for eight");
	cr_assert(!tally_is_whole(&tally));
	cr_assert_eq(tally.missing, 12);
	cr_assert_eq(record(&tally, 2, 1, 1, 0, 21), 0, "and one whose event was lost");
	cr_assert_eq(tally.missing, 13);
	for (uint64_t number = 1; number <= 17; number++) { /* an answer that has too much */
		struct baophu_event event = event_of(1, number, number + 5, 0);
		cr_assert_eq(tally_answer_event(&tally, &event), 0);
		cr_assert_eq(tally_answer_event(&tally, &event), 0, "twice");
	}
	struct baophu_event others[] = { event_of(2, 0, 21, 1), event_of(3, 1, 21, 2), event_of(2, 2, 21, 3),
					 event_of(2, 1, 21, 4) };
	cr_assert(!tally_is_whole(&tally));
	for (int i = 0; i < 4; i++)
		cr_assert_eq(tally_answer_event(&tally, &others[i]), 0);
	cr_assert(tally_is_whole(&tally));
	cr_assert_eq(tally_answer_end(&tally), 0);
	prove(&tally, 30);
	expect_given(&tally, 13, (uint64_t[]){ 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 1, 17 });
	tally_finish(&tally);
}

Test(tally, an_answer_that_does_not_fill_the_count_is_a_contradiction)
{
	struct tally tally;
	begin(&tally, 0);
	cr_assert_eq(record(&tally, 1, 8, 8, 8, 20), 0);
	struct baophu_event events[] = { event_of(1, 6, 18, 0), event_of(1, 8, 20, 0) };
	for (int i = 0; i < 2; i++)
		cr_assert_eq(tally_answer_event(&tally, &events[i]), 0);
	cr_assert(!tally_is_whole(&tally));
	cr_assert_eq(tally_answer_end(&tally), -BAOPHU_EPROTOCOL);
	cr_assert_eq(record(&tally, 1, 4, 1, 0, 21), -BAOPHU_EPROTOCOL, "fewer than there were");
	tally_restart(&tally);
	cr_assert_eq(record(&tally, 1, 4, 1, 0, 21), 0, "another history");
	prove(&tally, 21);
	expect_given(&tally, 0, NULL);
	tally_finish(&tally);
}

Test(tally, what_came_after_the_proof_is_given_out_with_the_next)
{
	struct tally tally;
	begin(&tally, 0);
	cr_assert_eq(record(&tally, 1, 6, 6, 6, 11), 0);
	prove(&tally, 11);
	cr_assert_eq(record(&tally, 1, 7, 7, 7, 12), 0);
	cr_assert_eq(record(&tally, 2, 2, 2, 2, 12), 0, "its first is lost");
	expect_given(&tally, 1, (uint64_t[]){ 6 });
	cr_assert_eq(tally.base.seq, 11);
	struct baophu_event lost[] = { event_of(2, 1, 12, 0), event_of(2, 2, 12, 2) };
	for (int i = 0; i < 2; i++)
		cr_assert_eq(tally_answer_event(&tally, &lost[i]), 0);
	prove(&tally, 13);
	expect_given(&tally, 3, (uint64_t[]){ 1, 7, 2 });
	tally_finish(&tally);
}

Test(tally, a_lost_connection_drops_what_was_not_proved)
{
	struct tally tally;
	begin(&tally, 0);
	cr_assert_eq(record(&tally, 1, 6, 6, 6, 11), 0);
	prove(&tally, 11);
	cr_assert_eq(record(&tally, 1, 7, 7, 7, 12), 0);
	cr_assert_eq(record(&tally, 2, 1, 1, 1, 12), 0);
	tally_lost(&tally); /* put back to 11, where unit 1 crosses another line and unit 2 none */
	cr_assert(!tally_is_whole(&tally));
	cr_assert_eq(record(&tally, 1, 7, 1, 0, 14), 0);
	cr_assert_eq(record(&tally, 2, 0, 1, 0, 14), 0);
	struct baophu_event other = event_of(1, 7, 14, 3);
	cr_assert_eq(tally_answer_event(&tally, &other), 0);
	cr_assert(tally_is_whole(&tally));
	prove(&tally, 14);
	struct tally_given given;
	tally_give(&tally, &given);
	cr_assert_eq(given.count, 2);
	cr_assert_eq(given.events[0].seq, 11, "what was proved stays");
	cr_assert_eq(given.events[1].seq, 14);
	tally_finish(&tally);
}

Test(tally, a_unit_that_comes_in_brings_what_happened_since_the_base)
{
	struct tally tally;
	begin(&tally, 0);
	cr_assert_eq(record(&tally, 3, 4, 4, 4, 12), 0, "how many of the four are older nobody knows");
	cr_assert_eq(record(&tally, 4, 2, 1, 0, 12), 0);
	cr_assert_eq(record(&tally, 5, 0, 1, 0, 12), 0);
	cr_assert(!tally_is_whole(&tally));
	struct baophu_event events[] = { event_of(3, 2, 10, 0), event_of(3, 3, 11, 0), event_of(3, 4, 12, 0) };
	for (int i = 0; i < 3; i++)
		cr_assert_eq(tally_answer_event(&tally, &events[i]), 0);
	cr_assert(!tally_is_whole(&tally), "unit 4 may still come");
	cr_assert_eq(tally_answer_end(&tally), 0);
	cr_assert(tally_is_whole(&tally));
	prove(&tally, 12);
	expect_given(&tally, 2, (uint64_t[]){ 3, 4 });
	cr_assert_eq(record(&tally, 4, 3, 3, 3, 13), 0, "from now on it is like any other");
	cr_assert(tally_is_whole(&tally));
	tally_finish(&tally);
}

Test(tally, of_a_unit_that_left_nothing_is_told)
{
	struct tally tally;
	begin(&tally, 0);
	cr_assert_eq(record(&tally, 1, 6, 6, 6, 11), 0);
	prove(&tally, 11); /* not shown yet */
	cr_assert_eq(record(&tally, 1, 9, 9, 9, 12), 0);
	cr_assert_eq(leave(&tally, 1), 0);
	cr_assert_eq(leave(&tally, 7), 0, "never was here");
	cr_assert(tally_is_whole(&tally));
	prove(&tally, 13);
	expect_given(&tally, 0, NULL);
	/* gone and back between two proofs */
	cr_assert_eq(record(&tally, 2, 1, 1, 1, 14), 0);
	cr_assert_eq(leave(&tally, 2), 0);
	cr_assert_eq(record(&tally, 2, 1, 1, 1, 14), 0);
	cr_assert(!tally_is_whole(&tally));
	struct baophu_event event = event_of(2, 1, 14, 0);
	cr_assert_eq(tally_answer_event(&tally, &event), 0);
	cr_assert_eq(tally_answer_end(&tally), 0);
	prove(&tally, 15);
	expect_given(&tally, 1, (uint64_t[]){ 1 });
	tally_finish(&tally);
}

Test(tally, goes_on_where_another_ended)
{
	struct tally tally;
	struct baophu_place place = place_of(10);
	tally_init(&tally, 0);
	tally_resume(&tally, &place);
	cr_assert_eq(tally_resume_unit(&tally, 1, 5), 0);
	cr_assert_eq(tally_resume_unit(&tally, 2, 0), 0, "not known");
	cr_assert_eq(tally_resume_unit(&tally, 3, 4), 0);
	cr_assert(tally_is_whole(&tally), "what did not change has no events");
	cr_assert_eq(record(&tally, 1, 7, 1, 0, 19), 0);
	cr_assert_eq(record(&tally, 2, 3, 3, 3, 18), 0);
	cr_assert(!tally_is_whole(&tally));
	struct baophu_event events[] = { event_of(1, 6, 17, 0), event_of(2, 3, 18, 0), event_of(1, 7, 19, 0) };
	for (int i = 0; i < 3; i++)
		cr_assert_eq(tally_answer_event(&tally, &events[i]), 0);
	cr_assert_eq(tally_answer_end(&tally), 0);
	prove(&tally, 20);
	expect_given(&tally, 3, (uint64_t[]){ 6, 3, 7 });
	cr_assert_eq(record(&tally, 3, 3, 1, 0, 21), -BAOPHU_EPROTOCOL, "resumed with a number that never was");
	tally_finish(&tally);
}

Test(tally, more_than_may_be_kept_are_named_never_dropped_silently)
{
	struct tally tally;
	begin(&tally, 4);
	struct tally_given given;
	cr_assert_eq(record(&tally, 2, 2, 1, 2, 11), 0);
	prove(&tally, 12);
	cr_assert_eq(record(&tally, 1, 8, 6, 8, 13), 0, "five together");
	cr_assert(tally_is_whole(&tally));
	cr_assert_eq(record(&tally, 1, 9, 9, 9, 17), 0);
	tally_give(&tally, &given);
	cr_assert_eq(given.count, 2, "what was proved is whole");
	cr_assert_eq(given.unlisted_until, 0);
	prove(&tally, 18);
	tally_give(&tally, &given); /* one range, that names all that are not in the list */
	cr_assert_eq(given.count, 0);
	cr_assert_eq(given.unlisted_after, 10);
	cr_assert_eq(given.unlisted_until, 18);
	cr_assert_eq(record(&tally, 1, 10, 10, 10, 19), 0, "and on it goes");
	prove(&tally, 19);
	tally_give(&tally, &given);
	cr_assert_eq(given.count, 1);
	cr_assert_eq(given.events[0].number, 10);
	cr_assert_eq(given.unlisted_until, 18);
	cr_assert_eq(record(&tally, 1, 15, 11, 15, 20), 0);
	prove(&tally, 25);
	tally_give(&tally, &given);
	cr_assert_eq(given.count, 0);
	cr_assert_eq(given.unlisted_after, 10);
	cr_assert_eq(given.unlisted_until, 25);
	tally_given_out(&tally);
	cr_assert_eq(record(&tally, 1, 16, 16, 16, 26), 0);
	prove(&tally, 26);
	tally_give(&tally, &given);
	cr_assert_eq(given.count, 1);
	cr_assert_eq(given.unlisted_until, 0);
	tally_finish(&tally);
}

/* ---- a collector with faults ---- */

enum { UNITS = 6, SEQS = 4000, EVENTS_A_SEQ = 12 };
struct happened {
	uint32_t unit;
	uint64_t number;
	uint32_t tag; /* history in which it happened */
};
struct run {
	uint64_t random, seq;
	uint32_t history;
	struct {
		uint32_t count;
		struct happened events[EVENTS_A_SEQ];
		uint64_t ever[UNITS + 1];
		bool is_here[UNITS + 1];
	} past[SEQS + 1];
	struct tally tally;
	uint64_t from; /* of the last cut shown; 0: none since it began */
	uint64_t known[UNITS + 1]; /* seq that the record held of each unit is of */
	uint64_t given, cuts, answers, unlisted, resumed;
};

static uint64_t chance(struct run *run, uint64_t in)
{
	run->random ^= run->random << 13;
	run->random ^= run->random >> 7;
	run->random ^= run->random << 17;
	return run->random % in;
}

static struct baophu_event in_wire(const struct run *run, uint64_t seq, uint32_t index)
{
	const struct happened *happened = &run->past[seq].events[index];
	struct baophu_event event = event_of(happened->unit, happened->number, seq, index);
	event.cause = happened->tag;
	return event;
}

static void happen(struct run *run)
{
	run->past[run->seq + 1] = run->past[run->seq];
	run->seq++;
	run->past[run->seq].count = 0;
	for (uint64_t i = chance(run, 4) ? chance(run, 3) : chance(run, EVENTS_A_SEQ); i; i--) {
		uint32_t unit = 1 + (uint32_t)chance(run, i > 3 ? 1 : UNITS), at = run->past[run->seq].count++;
		uint64_t number = chance(run, 5) ? ++run->past[run->seq].ever[unit] : 0; /* or kept only */
		run->past[run->seq].events[at] = (struct happened){ unit, number, run->history };
	}
	uint32_t unit = 1 + (uint32_t)chance(run, UNITS);
	if (chance(run, 25) == 0)
		run->past[run->seq].is_here[unit] = !run->past[run->seq].is_here[unit];
}

/* The record of a unit as it is now, with the events since `after` as far as they fit, or came through. */
static void hear(struct run *run, uint32_t unit, uint64_t after)
{
	struct baophu_event events[8];
	struct baophu_record record = { .unit_number = unit, .version = run->seq, .events = events };
	record.tombstone = !run->past[run->seq].is_here[unit];
	record.event_count = run->past[run->seq].ever[unit];
	for (uint64_t seq = after + 1; seq <= run->seq; seq++)
		for (uint32_t i = 0; i < run->past[seq].count; i++) {
			if (run->past[seq].events[i].unit != unit || !run->past[seq].events[i].number)
				continue;
			if (record.new_event_count == 8)
				memmove(events, events + 1, 7 * sizeof *events);
			else
				record.new_event_count++;
			events[record.new_event_count - 1] = in_wire(run, seq, i);
		}
	if (chance(run, 8) == 0)
		record.new_event_count = 0;
	cr_assert_eq(tally_record(&run->tally, &record), 0);
	run->known[unit] = run->seq;
}

static bool differs(const struct run *run, uint32_t unit)
{
	uint64_t known = run->known[unit];
	return run->past[known].ever[unit] != run->past[run->seq].ever[unit] ||
	       run->past[known].is_here[unit] != run->past[run->seq].is_here[unit];
}

static void ask(struct run *run)
{
	uint64_t base = run->tally.base.seq;
	run->answers++;
	cr_assert_leq(base, run->seq);
	for (uint64_t seq = base + 1; seq <= run->seq; seq++)
		for (uint32_t i = 0; i < run->past[seq].count; i++) {
			struct baophu_event event = in_wire(run, seq, i);
			cr_assert_eq(tally_answer_event(&run->tally, &event), 0);
			if (chance(run, 400) == 0)
				return; /* breaks off */
		}
	cr_assert_eq(tally_answer_end(&run->tally), 0, "at %lu", (unsigned long)run->seq);
}

static void show(struct run *run)
{
	struct tally_given given;
	uint64_t to = run->tally.proved.seq;
	uint32_t at = 0;
	tally_give(&run->tally, &given);
	run->cuts++;
	cr_assert_eq(run->tally.base.seq, run->from ? run->from : run->tally.base.seq);
	for (uint64_t seq = run->from + 1; run->from && seq <= to; seq++)
		for (uint32_t i = 0; i < run->past[seq].count; i++) {
			const struct happened *happened = &run->past[seq].events[i];
			if (!happened->number || !run->past[to].is_here[happened->unit])
				continue;
			if (seq > given.unlisted_after && seq <= given.unlisted_until) {
				run->unlisted++;
				continue;
			}
			cr_assert_lt(at, given.count, "lost: %lu, %u of unit %u at %lu to %lu", (unsigned long)seq, i,
				     happened->unit, (unsigned long)run->from, (unsigned long)to);
			cr_assert(given.events[at].seq == seq && given.events[at].index == i, "%lu.%u, not %lu.%u",
				  (unsigned long)given.events[at].seq, given.events[at].index, (unsigned long)seq, i);
			cr_assert_eq(given.events[at].cause, happened->tag, "of another history");
			at++;
		}
	cr_assert(!run->from || at == given.count, "%u more than happened", given.count - at);
	run->given += at;
	tally_given_out(&run->tally);
	run->from = to;
}

/* Everything is void: a snapshot follows. */
static void begin_anew(struct run *run)
{
	tally_restart(&run->tally);
	run->from = 0;
	for (uint32_t unit = 1; unit <= UNITS; unit++) {
		run->known[unit] = run->seq;
		if (run->past[run->seq].is_here[unit])
			hear(run, unit, run->seq);
	}
}

static void lose_connection(struct run *run)
{
	uint64_t proved = run->tally.proved.seq;
	tally_lost(&run->tally);
	if (chance(run, 2) && run->seq > 40) { /* put back, mostly no further than what was proved */
		run->seq -= chance(run, chance(run, 3) ? 5 : 40);
		run->history++;
		if (run->seq >= proved)
			for (uint64_t i = chance(run, 5); i; i--)
				happen(run);
	}
	if (!proved || run->seq < proved) {
		begin_anew(run);
		return;
	}
	for (uint32_t unit = 1; unit <= UNITS; unit++) /* what changed since the proof is answered, also what is the same again */
		if (run->known[unit] > proved || differs(run, unit)) {
			if (run->past[run->seq].is_here[unit] || run->known[unit] <= proved || chance(run, 2))
				hear(run, unit, run->seq);
			else
				cr_assert_eq(leave(&run->tally, unit), 0);
			run->known[unit] = run->seq;
		}
}

static void resume(struct run *run)
{
	if (!run->from || run->tally.proved_count || run->tally.proved.seq != run->from)
		return;
	struct baophu_place place = place_of(run->from);
	uint32_t events_max = run->tally.events_max;
	tally_finish(&run->tally);
	tally_init(&run->tally, events_max);
	tally_resume(&run->tally, &place);
	for (uint32_t unit = 1; unit <= UNITS; unit++) {
		run->known[unit] = run->from;
		if (run->past[run->from].is_here[unit])
			cr_assert_eq(tally_resume_unit(&run->tally, unit, chance(run, 2) ? run->past[run->from].ever[unit] : 0), 0);
	}
	for (uint32_t unit = 1; unit <= UNITS; unit++)
		if (differs(run, unit))
			hear(run, unit, run->seq);
	run->resumed++;
}

Test(tally, gives_out_what_happened_and_nothing_else_whatever_is_lost)
{
	struct run *run = calloc(1, sizeof *run);
	const char *given = getenv("SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)getpid() * 2654435769u | 1;
	uint64_t events = 0, cuts = 0, answers = 0, unlisted = 0, resumed = 0;
	cr_log_info("SEED=%llu", (unsigned long long)seed);
	for (int round = 0; round < 40; round++) {
		memset(run, 0, sizeof *run);
		run->random = seed + (uint64_t)round * 1000003;
		run->history = 1;
		for (uint32_t unit = 1; unit <= UNITS; unit++)
			run->past[0].is_here[unit] = true;
		tally_init(&run->tally, round % 4 ? 0 : 10 + (uint32_t)chance(run, 30));
		while (run->seq < 20)
			happen(run);
		begin_anew(run);
		while (run->seq < SEQS - 50) {
			uint64_t before = run->seq;
			for (uint64_t i = 1 + chance(run, 3); i; i--)
				happen(run);
			for (uint32_t unit = 1; unit <= UNITS; unit++)
				if (differs(run, unit))
					hear(run, unit, run->known[unit] > before ? run->known[unit] : before);
			if (!tally_is_whole(&run->tally) && chance(run, 2)) {
				if (run->tally.proved.seq > run->from)
					show(run);
				ask(run);
			}
			if (tally_is_whole(&run->tally) && chance(run, 3))
				prove(&run->tally, run->seq);
			if (run->tally.proved.seq > run->from && (chance(run, 2) || !tally_is_whole(&run->tally)))
				show(run);
			if (chance(run, 60) == 0)
				lose_connection(run);
			if (chance(run, 80) == 0)
				resume(run);
		}
		events += run->given;
		cuts += run->cuts;
		answers += run->answers;
		unlisted += run->unlisted;
		resumed += run->resumed;
		tally_finish(&run->tally);
	}
	cr_log_info("%lu events in %lu cuts, %lu answers, %lu not listed, resumed %lu times", (unsigned long)events,
		    (unsigned long)cuts, (unsigned long)answers, (unsigned long)unlisted, (unsigned long)resumed);
	cr_assert_gt(events, 40 * 500);
	cr_assert_gt(answers, 40 * 50);
	cr_assert_gt(unlisted, 100);
	cr_assert_gt(resumed, 40 * 3);
	free(run);
}
