/* Events that history gives back: the same in whatever pieces they were written, by unit and from any place on; and a state loaded from it goes
 * on where the one before stopped, so that live, after a restart at any place and from the log alone there are the same events. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "history.h"
#include "world.h"

enum { RECORDS = 220, ROUNDS = 6 };

struct fixture {
	struct world *world;
	char directory[48];
	struct history *history;
	struct history_reader *reader;
	uint64_t seed, first_seed;
	size_t added; /* records */
};

static void open_history(struct fixture *f)
{
	const char *why = NULL;
	cr_assert_eq(history_open(f->directory, &f->history, &why), 0, "%s", why ? why : "");
	cr_assert_eq(history_reader_open(f->history, &f->reader), 0);
	f->added = history_place(f->history).seq;
}

static void close_history(struct fixture *f)
{
	history_reader_close(f->reader);
	history_close(f->history);
}

static void begin(struct fixture *f, uint64_t seed)
{
	*f = (struct fixture){ .directory = "/tmp/test_event_history.XXXXXX", .seed = seed | 1, .first_seed = seed };
	cr_assert(mkdtemp(f->directory));
	f->world = calloc(1, sizeof *f->world);
	world_begin(f->world, seed);
	while (f->world->scene.records.count < RECORDS)
		world_record(f->world);
	open_history(f);
}

static void finish(struct fixture *f)
{
	char command[80];
	close_history(f);
	world_finish(f->world);
	free(f->world);
	snprintf(command, sizeof command, "rm -r %s", f->directory);
	cr_assert_eq(system(command), 0);
}

/* Events of the world from record `from` to `to`, both included. */
static const struct event *events_of(const struct fixture *f, uint64_t from, uint64_t to, size_t *ret_count)
{
	const struct event *made = f->world->made;
	size_t first = 0, end;
	while (first < f->world->made_count && made[first].seq < from)
		first++;
	for (end = first; end < f->world->made_count && made[end].seq <= to;)
		end++;
	*ret_count = end - first;
	return made + first;
}

/* Adds so many records, with their events unless the file has them. */
static void add(struct fixture *f, size_t count, uint64_t put_seq)
{
	for (; count-- && f->added < RECORDS; f->added++) {
		const struct scene_record *record = vec_at(&f->world->scene.records, struct scene_record, f->added);
		size_t events;
		cr_assert_eq(history_add(f->history, record->bytes, record->size), 0);
		const struct event *of = events_of(f, f->added + 1, f->added + 1, &events);
		if (f->added + 1 > put_seq)
			cr_assert_eq(history_add_events(f->history, of, events), 0);
	}
}

static int take(void *context, const struct event *event)
{
	struct event *taken = vec_grow(context, 1, sizeof *taken);
	*taken = *event;
	return 0;
}

static void check_reading(struct fixture *f)
{
	struct baophu_place place;
	struct vec found = { 0 };
	size_t count;
	cr_assert_eq(history_begin(f->reader, &place), 0);
	const struct event *all = events_of(f, 0, place.seq, &count);
	cr_assert_eq(history_events(f->reader, 0, 0, 0, UINT64_MAX, UINT32_MAX, take, &found), 0);
	world_expect_same(all, count, found.data, found.count, "read in order", f->first_seed);
	for (uint32_t unit = 1; unit <= WORLD_UNITS; unit++) {
		struct vec of_unit = { 0 };
		found.count = 0;
		for (size_t i = 0; i < count; i++)
			if (all[i].unit == unit)
				take(&of_unit, &all[i]);
		cr_assert_eq(history_events(f->reader, unit, 0, 0, UINT64_MAX, UINT32_MAX, take, &found), 0);
		world_expect_same(of_unit.data, of_unit.count, found.data, found.count, "read by unit", f->first_seed);
		vec_finish(&of_unit);
	}
	if (count) { /* from any place, so many, no further than is known */
		size_t from = scene_random(&f->seed, (uint32_t)count), rest = count - from;
		uint64_t known = all[from].seq + scene_random(&f->seed, 40);
		uint32_t limit = 1 + scene_random(&f->seed, 20);
		while (rest && all[from + rest - 1].seq > known)
			rest--;
		found.count = 0;
		cr_assert_eq(history_events(f->reader, 0, all[from].seq, all[from].index, known, limit, take, &found), 0);
		world_expect_same(all + from, rest < limit ? rest : limit, found.data, found.count, "read from a place",
				  f->first_seed);
	}
	history_end(f->reader);
	vec_finish(&found);
}

/* Sides, counts and what is remembered of the day decide all that comes. */
static void check_going_on(struct fixture *f)
{
	const struct state *live = &f->world->scene.state;
	struct state state;
	size_t count;
	cr_assert_eq(fold_init(&state), 0);
	if (history_place(f->history).seq)
		cr_assert_eq(history_load(f->reader, &state), 0, "seed %lu", (unsigned long)f->first_seed);
	uint64_t from = state.place.seq;
	for (uint64_t seq = from; seq < RECORDS; seq++) {
		const struct scene_record *record = vec_at(&f->world->scene.records, struct scene_record, seq);
		cr_assert_eq(fold_record(&state, record->bytes, record->size), 0);
		if (!scene_random(&f->seed, 9))
			cr_assert_eq(fold_settle(&state), 0);
	}
	const struct event *rest = events_of(f, from + 1, RECORDS, &count);
	world_expect_same(rest, count, state.events.made.data, state.events.made.count, "after a restart", f->first_seed);
	for (uint32_t unit = 1; unit <= WORLD_UNITS; unit++) {
		const struct unit_sides *a = &live->events.units[unit], *b = &state.events.units[unit];
		cr_assert_eq(a->delivered, b->delivered, "seed %lu unit %u", (unsigned long)f->first_seed, unit);
		cr_assert_eq(a->count, b->count);
		for (uint32_t i = 0; i < a->count; i++)
			cr_assert(a->sides[i].above == b->sides[i].above && a->sides[i].removed == b->sides[i].removed,
				  "seed %lu unit %u", (unsigned long)f->first_seed, unit);
	}
	fold_finish(&state);
}

Test(event_history, is_the_same_in_whatever_pieces_and_after_a_restart_at_any_place, .timeout = 120)
{
	uint64_t base = (uint64_t)time(NULL) * 2654435761u | 1;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct fixture f;
		begin(&f, base + round * 7919);
		check_going_on(&f);
		while (f.added < RECORDS) {
			add(&f, 1 + scene_random(&f.seed, 60), 0);
			cr_assert_eq(history_commit(f.history), 0);
			if (scene_random(&f.seed, 2)) {
				close_history(&f);
				open_history(&f);
			}
			check_reading(&f);
			check_going_on(&f);
		}
		finish(&f);
	}
}

/* As a start from nothing does: events go into the file far ahead of their records, and are not seen before these. */
Test(event_history, events_put_ahead_of_their_records_are_there_when_these_are, .timeout = 120)
{
	uint64_t base = (uint64_t)time(NULL) * 40503u | 1;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct fixture f;
		begin(&f, base + round * 7919);
		uint64_t put_seq = 0, reach = 0;
		while (f.added < RECORDS) {
			if (put_seq < RECORDS && !scene_random(&f.seed, 2)) {
				size_t count;
				uint64_t from = put_seq > f.added ? put_seq : f.added, to = from + 1 + scene_random(&f.seed, 80);
				to = to < RECORDS ? to : RECORDS;
				struct record_header header;
				const struct scene_record *last = vec_at(&f.world->scene.records, struct scene_record, to - 1);
				const struct event *ahead = events_of(&f, from + 1, to, &count);
				cr_assert_eq(record_read_header(last->bytes, last->size, &header), 0);
				cr_assert_eq(history_put_events(f.history, ahead, count, &header.place), 0);
				put_seq = to;
				reach = count ? to : reach;
				cr_assert(!count || history_goal(f.history).seq == to, "a log that ends before is another history");
			}
			check_reading(&f);
			add(&f, 1 + scene_random(&f.seed, 40), put_seq);
			cr_assert_eq(history_commit(f.history), 0);
			cr_assert(history_goal(f.history).seq >= reach && history_goal(f.history).seq >= f.added,
				  "rows reach so far");
			if (scene_random(&f.seed, 2)) {
				close_history(&f);
				open_history(&f);
			}
			check_reading(&f);
			check_going_on(&f);
		}
		finish(&f);
	}
}
