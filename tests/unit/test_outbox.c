/* test_outbox.c - the outbox without a centre: what is saved, how it is divided, what is known of it after opening again. */
#include "outbox.h"

#include <errno.h>

#include "outbox_fixture.h"

static struct fixture fixture;
static void set_up(void) { fixture_init(&fixture); }
static void tear_down(void) { fixture_finish(&fixture); }
TestSuite(outbox, .init = set_up, .fini = tear_down);

static struct outbox *open_office(void) { return outbox_fixture_open(fixture.directory, "thoi-lai", NULL); }

Test(outbox, numbers_from_one_in_an_epoch_of_its_own)
{
	struct outbox *outbox = open_office();
	struct outbox_standing standing = *outbox_standing(outbox);
	cr_assert(baophu_epoch_is_chosen(standing.epoch));
	cr_assert_str_eq(standing.agent, "thoi-lai");
	cr_assert_eq(standing.next, 1);
	cr_assert_eq(outbox_fixture_save(outbox, "927", 0, 1, 5), 1);
	cr_assert_eq(outbox_fixture_save(outbox, "927", 1, 1, 5), 2);
	outbox_close(outbox);
	outbox = open_office();
	cr_assert_eq(outbox_standing(outbox)->epoch, standing.epoch);
	cr_assert_eq(outbox_standing(outbox)->next, 3);
	cr_assert_eq(outbox_standing(outbox)->answered_to, 1);
	cr_assert_eq(outbox_standing(outbox)->first, 1);
	cr_assert_eq(outbox_fixture_save(outbox, "927", 2, 1, 5), 3);
	outbox_close(outbox);
	struct fixture other;
	fixture_init(&other);
	outbox = outbox_fixture_open(other.directory, "thoi-lai", NULL);
	cr_assert_neq(outbox_standing(outbox)->epoch, standing.epoch);
	outbox_close(outbox);
	fixture_finish(&other);
}

Test(outbox, belongs_to_one_agent_and_one_process)
{
	struct outbox *outbox = open_office(), *other;
	struct spool_damage damage;
	struct outbox_config config = { .dir = fixture.directory, .agent = "thoi-lai" };
	cr_assert_eq(outbox_open(&config, &other, &damage), -BAOPHU_EINUSE);
	outbox_close(outbox);
	config.agent = "can-tho";
	cr_assert_eq(outbox_open(&config, &other, &damage), -EPERM);
	config.agent = "a-name-that-is-too-long";
	cr_assert_eq(outbox_open(&config, &other, &damage), -EINVAL);
	config.agent = "thoi-lai";
	config.endpoint = "nowhere";
	cr_assert_eq(outbox_open(&config, &other, &damage), -EINVAL);
}

Test(outbox, divides_a_batch_into_updates_and_gives_it_back)
{
	enum { COUNT = 1300 };
	struct outbox *outbox = open_office();
	outbox_fixture_save(outbox, "927", 0, 3, 100);
	uint64_t id = outbox_fixture_save(outbox, "927", 10, COUNT, 1000);
	uint64_t after = outbox_fixture_save(outbox, "916", 0, 1, 7);
	cr_assert_eq(id, 2);
	cr_assert_eq(after, 5, "512, 512 and 276");
	for (int again = 0; again < 2; again++) {
		struct outbox_batch batch;
		struct outbox_walk *walk;
		struct outbox_update update;
		struct wire_payload payload;
		cr_assert_eq(outbox_batch(outbox, id, &batch), 0);
		cr_assert_eq(batch.updates, 3);
		cr_assert_eq(batch.entries, COUNT);
		cr_assert_eq(batch.waiting, 3);
		cr_assert_eq(batch.applied + batch.held + batch.refused, 0);
		cr_assert_eq(batch.receipt_seq, 0);
		cr_assert_str_eq(batch.source.name, "báo cáo.csv");
		cr_assert_eq(batch.source.bytes, COUNT);
		cr_assert_eq(batch.source.note_bytes, 7);
		cr_assert_arr_eq(batch.source.note, "ghi chú", 7);
		cr_assert_eq(outbox_batch(outbox, 3, &batch), -BAOPHU_ENOTFOUND, "no batch begins there");
		cr_assert_eq(outbox_batch(outbox, 6, &batch), -BAOPHU_ENOTFOUND);

		uint32_t entries = 0;
		cr_assert_eq(outbox_walk_open(outbox, id, &walk), 0);
		for (uint64_t serial = id; serial < after; serial++) {
			cr_assert_eq(outbox_walk_next(walk, &update, &payload), 1);
			cr_assert_eq(update.serial, serial);
			cr_assert_eq(update.number, serial);
			cr_assert_eq(update.batch, id);
			cr_assert_eq(update.state, OUTBOX_WAITING);
			cr_assert_eq(update.first_entry, entries);
			cr_assert_eq(update.entries, payload.entry_count);
			cr_assert_eq(payload.number, serial);
			cr_assert_eq(payload.epoch, outbox_standing(outbox)->epoch);
			cr_assert_str_eq(payload.agent, "thoi-lai");
			for (uint32_t i = 0; i < payload.entry_count; i++, entries++)
				cr_assert_eq(payload.entries[i].fact.value, 1000 + entries);
		}
		cr_assert_eq(entries, COUNT);
		cr_assert_eq(outbox_walk_next(walk, &update, NULL), 1);
		cr_assert_eq(update.batch, after);
		cr_assert_eq(outbox_walk_next(walk, &update, NULL), 0);
		outbox_walk_close(walk);

		uint64_t ids[8];
		cr_assert_eq(outbox_newest_batches(outbox, ids, 8), 3);
		cr_assert(ids[0] == after && ids[1] == id && ids[2] == 1);
		cr_assert_eq(outbox_newest_batches(outbox, ids, 2), 2);
		cr_assert(ids[0] == after && ids[1] == id);
		outbox_close(outbox);
		outbox = open_office();
	}
	outbox_close(outbox);
}

Test(outbox, takes_what_fits_and_all_of_it_or_nothing)
{
	struct outbox *outbox = open_office();
	struct wire_entry *entries = calloc(BAOPHU_BATCH_ENTRIES_MAX + 1, sizeof *entries);
	uint64_t batch = 0;
	uint32_t bad = UINT32_MAX;
	for (uint32_t i = 0; i <= BAOPHU_BATCH_ENTRIES_MAX; i++)
		entries[i] = outbox_fixture_fact("927", i % 4000, i);
	cr_assert_eq(outbox_save(outbox, entries, 0, NULL, &batch, NULL), -EINVAL);
	cr_assert_eq(outbox_save(outbox, entries, BAOPHU_BATCH_ENTRIES_MAX + 1, NULL, &batch, NULL), -BAOPHU_EFULL);
	entries[700].fact.value = -1;
	cr_assert_eq(outbox_save(outbox, entries, 1000, NULL, &batch, &bad), -EINVAL);
	cr_assert_eq(bad, 700, "the entry is named");
	cr_assert_eq(outbox_save_whole(outbox, entries, 1000, NULL, &batch, &bad), -EINVAL);
	cr_assert_eq(bad, 700);
	struct outbox_source source = { .name = "x", .note = entries, .note_bytes = OUTBOX_NOTE_BYTES_MAX + 1 };
	cr_assert_eq(outbox_save(outbox, entries, 100, &source, &batch, &bad), -BAOPHU_EFULL);
	cr_assert_eq(outbox_standing(outbox)->next, 1, "nothing of all this was saved");
	cr_assert_eq(outbox_standing(outbox)->error, 0);
	entries[700].fact.value = 0;
	source.note_bytes = OUTBOX_NOTE_BYTES_MAX;
	cr_assert_eq(outbox_save(outbox, entries, BAOPHU_BATCH_ENTRIES_MAX, &source, &batch, &bad), 0);
	struct outbox_batch found;
	cr_assert_eq(outbox_batch(outbox, batch, &found), 0);
	cr_assert_eq(found.entries, BAOPHU_BATCH_ENTRIES_MAX);
	cr_assert_eq(found.source.note_bytes, OUTBOX_NOTE_BYTES_MAX);
	cr_assert_arr_eq(found.source.note, entries, OUTBOX_NOTE_BYTES_MAX);
	free(entries);
	outbox_close(outbox);
}

/* Long texts: 512 administrative entries weigh more than an update may, so they are divided further. */
Test(outbox, divides_by_weight_too)
{
	enum { COUNT = 500 };
	char name[BAOPHU_TEXT_BYTES_MAX + 1], codes[COUNT][8];
	struct wire_entry *entries = calloc(COUNT, sizeof *entries);
	struct outbox *outbox = outbox_fixture_open(fixture.directory, "control", NULL);
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	for (int i = 0; i < COUNT; i++) {
		snprintf(codes[i], sizeof codes[i], "u%d", i);
		entries[i] = (struct wire_entry){ .kind = WIRE_UNIT_CREATE,
						  .unit_create = { codes[i], name, "commune", "92", BAOPHU_DATE_MIN } };
	}
	uint64_t batch;
	struct outbox_batch found;
	cr_assert_eq(outbox_save(outbox, entries, COUNT, NULL, &batch, NULL), 0);
	cr_assert_eq(outbox_batch(outbox, batch, &found), 0);
	cr_assert_eq(found.updates, 2);
	cr_assert_str_eq(found.source.name, "");
	cr_assert_eq(outbox_save_whole(outbox, entries, COUNT, NULL, &batch, NULL), 0);
	cr_assert_eq(outbox_batch(outbox, batch, &found), 0);
	cr_assert_eq(found.updates, 1, "parts, and one update that applies them");
	cr_assert_eq(outbox_standing(outbox)->next, 4);
	free(entries);
	outbox_close(outbox);
	outbox_close(outbox_fixture_open(fixture.directory, "control", NULL));
}

Test(outbox, begins_another_series_with_what_waits)
{
	struct outbox *outbox = open_office();
	for (uint32_t i = 0; i < 5; i++)
		outbox_fixture_save(outbox, "927", i, 1, i);
	uint64_t epoch = outbox_standing(outbox)->epoch;
	cr_assert_eq(outbox_new_series(outbox), 0);
	cr_assert_neq(outbox_standing(outbox)->epoch, epoch);
	cr_assert_eq(outbox_standing(outbox)->series, 1, "nothing was sent in the first, so it is none");
	epoch = outbox_standing(outbox)->epoch;
	outbox_fixture_save(outbox, "927", 5, 1, 5);
	outbox_close(outbox);
	outbox = open_office();
	cr_assert_eq(outbox_standing(outbox)->epoch, epoch);
	struct outbox_walk *walk;
	struct outbox_update update;
	cr_assert_eq(outbox_walk_open(outbox, 0, &walk), 0);
	for (uint64_t serial = 1; serial <= 6; serial++) {
		cr_assert_eq(outbox_walk_next(walk, &update, NULL), 1);
		cr_assert_eq(update.epoch, epoch);
		cr_assert_eq(update.number, serial);
	}
	outbox_walk_close(walk);
	outbox_close(outbox);
}

/* Over several segments, each of which begins with all that is known. */
Test(outbox, knows_the_same_after_many_segments)
{
	enum { BATCHES = 40 };
	struct outbox *outbox = open_office();
	uint8_t *note = calloc(1, OUTBOX_NOTE_BYTES_MAX);
	uint64_t ids[BATCHES + 4];
	for (int i = 0; i < BATCHES; i++) {
		struct wire_entry entry = outbox_fixture_fact("927", (uint32_t)i, i);
		memset(note, i, OUTBOX_NOTE_BYTES_MAX);
		const struct outbox_source source = { .name = "x", .note = note, .note_bytes = OUTBOX_NOTE_BYTES_MAX };
		uint64_t batch;
		cr_assert_eq(outbox_save(outbox, &entry, 1, &source, &batch, NULL), 0);
		cr_assert_eq(batch, (uint64_t)i + 1);
	}
	for (int again = 0; again < 2; again++) {
		cr_assert_eq(outbox_newest_batches(outbox, ids, BATCHES + 4), BATCHES);
		for (int i = 0; i < BATCHES; i++)
			cr_assert_eq(ids[i], (uint64_t)(BATCHES - i));
		cr_assert_eq(outbox_newest_batches(outbox, ids, 17), 17);
		cr_assert_eq(ids[16], BATCHES - 16);
		for (uint64_t id = 1; id <= BATCHES; id++) {
			struct outbox_batch batch;
			cr_assert_eq(outbox_batch(outbox, id, &batch), 0);
			cr_assert_eq(((const uint8_t *)batch.source.note)[77], (uint8_t)(id - 1));
		}
		outbox_close(outbox);
		outbox = open_office();
		cr_assert_eq(outbox_standing(outbox)->next, BATCHES + 1);
	}
	outbox_close(outbox);
	free(note);
}
