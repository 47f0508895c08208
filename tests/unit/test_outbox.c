/* test_outbox.c - the outbox without a centre: what is saved, how it is divided, what is known of it after opening again. */
#include "outbox.h"

#include <errno.h>
#include <time.h>

#include "outbox_fixture.h"
#include "outbox_records.h"

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
		outbox_fixture_batches(outbox);
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
		outbox_fixture_batches(outbox);
		outbox_close(outbox);
		outbox = open_office();
		cr_assert_eq(outbox_standing(outbox)->next, BATCHES + 1);
	}
	outbox_close(outbox);
	free(note);
}

/* ---- what its records add up to ---- */

/* A spool that is written record by record, with a clock of its own. */
struct writer {
	struct spool *spool;
	struct outbox_sum sum;
	struct outbox_bytes bytes;
	int64_t now_ms;
};

static void writer_begin_segment(struct writer *writer)
{
	outbox_put_head(&writer->bytes, &writer->sum, writer->now_ms);
	const struct spool_record head = { .type = OUTBOX_RECORD_HEAD, .bytes = writer->bytes.bytes, .size = writer->bytes.used };
	cr_assert(!writer->bytes.has_failed);
	cr_assert_eq(spool_begin_segment(writer->spool, &head), 0);
	outbox_bytes_finish(&writer->bytes);
}

static void writer_put(struct writer *writer, enum outbox_record type)
{
	struct spool_record record = { .type = (uint8_t)type, .bytes = writer->bytes.bytes, .size = writer->bytes.used };
	cr_assert_eq(spool_save(writer->spool, &record, 1, &record.number), 0);
	cr_assert_eq(outbox_fold(&writer->sum, &record), 0, "record of type %d", type);
	outbox_bytes_finish(&writer->bytes);
}

/* One that has an outbox in it already, and nothing more. */
static void writer_open(struct writer *writer, int64_t now_ms)
{
	struct spool_cursor *cursor;
	struct spool_record record;
	struct spool_damage damage;
	*writer = (struct writer){ .now_ms = now_ms };
	outbox_close(open_office());
	cr_assert_eq(spool_open(fixture.directory, &writer->spool, &damage), 0);
	cr_assert_eq(spool_cursor_open(writer->spool, 0, &cursor), 0);
	cr_assert_eq(spool_cursor_next(cursor, &record), 1);
	cr_assert_eq(outbox_fold(&writer->sum, &record), 0);
	spool_cursor_close(cursor);
	writer_begin_segment(writer);
	cr_assert_eq(spool_prune(writer->spool, spool_standing(writer->spool)->newest_head), 0);
}

static void writer_close(struct writer *writer)
{
	spool_close(writer->spool);
	outbox_sum_finish(&writer->sum);
	outbox_bytes_finish(&writer->bytes);
}

static void writer_update(struct writer *writer)
{
	static const uint8_t payload[40];
	uint64_t serial = writer->sum.standing.next;
	const struct outbox_update_record update = {
		.serial = serial, .batch = serial, .epoch = 1, .number = serial, .payload = payload, .payload_bytes = sizeof payload
	};
	outbox_put_update(&writer->bytes, &update);
	writer_put(writer, OUTBOX_RECORD_UPDATE);
	const struct outbox_batch_record batch = { .id = serial, .updates = 1, .entries = 1, .source.name = "x" };
	outbox_put_batch(&writer->bytes, &batch);
	writer_put(writer, OUTBOX_RECORD_BATCH);
}

static void writer_receipt(struct writer *writer, uint64_t serial, uint64_t seq, enum baophu_verdict verdict)
{
	uint8_t bytes[200];
	const struct wire_receipt receipt = { .agent = "thoi-lai",
					      .epoch = writer->sum.standing.epoch,
					      .number = serial,
					      .place.seq = seq,
					      .verdict = verdict,
					      .code = verdict == BAOPHU_APPLIED ? BAOPHU_CODE_NONE
						      : verdict == BAOPHU_HELD  ? BAOPHU_CODE_UNIT_UNKNOWN
										: BAOPHU_CODE_VALUE,
					      .entry = UINT32_MAX };
	ssize_t size = wire_encode_receipt(&receipt, bytes, sizeof bytes);
	const struct outbox_receipt_record record = {
		.serial = serial, .receipt = bytes, .receipt_bytes = (uint16_t)size, .suggestion = "", .suggestion_bytes = 0
	};
	outbox_put_receipts(&writer->bytes, writer->now_ms);
	outbox_put_receipt(&writer->bytes, &record);
	writer_put(writer, OUTBOX_RECORD_RECEIPTS);
}

static void writer_backup(struct writer *writer, uint64_t seq)
{
	const uint8_t store[BAOPHU_STORE_BYTES] = { 7 };
	outbox_put_centre(&writer->bytes, store, &(struct baophu_place){ .seq = seq });
	writer_put(writer, OUTBOX_RECORD_CENTRE);
}

static int64_t days_ago(int days)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 - (int64_t)days * 86400000;
}

/* Whole segments, below the verified backup, a week old. */
Test(outbox, prunes_only_what_a_verified_backup_holds)
{
	const struct {
		uint64_t backup_seq, first;
		bool is_put_back;
		int oldest; /* days */
	} cases[] = {
		{ 0, 1, false, 10 }, /* none is named */
		{ 12, 1, false, 10 }, /* not all of the first segment */
		{ 15, 6, false, 10 }, { 20, 6, false, 10 }, /* all of the second, too, but that was yesterday */
		{ 20, 1, false, 6 }, /* nothing is a week old */
		{ 500, 1, true, 10 }, /* the places that the heads name are of another history */
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct writer writer;
		writer_open(&writer, days_ago(cases[i].oldest + 2));
		for (uint64_t serial = 1; serial <= 10; serial++) {
			writer_update(&writer);
			writer_receipt(&writer, serial, 10 + serial, BAOPHU_APPLIED);
			if (serial % 5)
				continue;
			writer.now_ms = serial == 5 ? days_ago(cases[i].oldest) : days_ago(1);
			writer_begin_segment(&writer);
		}
		writer_update(&writer); /* one that waits */
		if (cases[i].is_put_back) {
			outbox_put_again(&writer.bytes, 1, writer.now_ms, (const uint8_t[BAOPHU_STORE_BYTES]){ 8 });
			writer_put(&writer, OUTBOX_RECORD_AGAIN);
			for (uint64_t serial = 1; serial <= 10; serial++) /* taken anew, at other places */
				writer_receipt(&writer, serial, 1000 + serial, BAOPHU_APPLIED);
		}
		if (cases[i].backup_seq)
			writer_backup(&writer, cases[i].backup_seq);
		writer_close(&writer);
		struct outbox *outbox = open_office();
		cr_assert_eq(outbox_standing(outbox)->first, 1);
		cr_assert_eq(outbox_work(outbox), 0);
		cr_assert_eq(outbox_standing(outbox)->first, cases[i].first, "case %zu: first is %llu", i,
			     (unsigned long long)outbox_standing(outbox)->first);
		cr_assert_eq(outbox_standing(outbox)->next, 12);
		struct outbox_walk *walk;
		struct outbox_update update;
		cr_assert_eq(outbox_walk_open(outbox, 0, &walk), 0);
		cr_assert_eq(outbox_walk_next(walk, &update, NULL), 1);
		cr_assert_eq(update.serial, cases[i].first);
		outbox_walk_close(walk);
		outbox_close(outbox);
		fixture_empty(fixture.directory);
	}
}

static void must_equal(const struct outbox_sum *a, const struct outbox_sum *b)
{
	cr_assert_eq(memcmp(&a->standing, &b->standing, sizeof a->standing), 0, "standing");
	cr_assert_eq(a->stop_at, b->stop_at);
	cr_assert_eq(a->again_record, b->again_record);
	cr_assert_eq(a->run_count, b->run_count);
	cr_assert_eq(memcmp(a->runs, b->runs, a->run_count * sizeof *a->runs), 0);
	for (uint32_t i = 0; i < a->standing.held + a->standing.refused; i++)
		cr_assert(a->told[i].serial == b->told[i].serial && a->told[i].seq == b->told[i].seq &&
			  a->told[i].code == b->told[i].code && a->told[i].state == b->told[i].state);
}

/* Whatever happens, in any order: a head says all of it, and what an outbox makes of the newest segment is the same. */
Test(outbox, begins_each_segment_with_all_that_is_known)
{
	struct writer writer;
	uint64_t random = 88172645463325252, seq = 100;
	writer_open(&writer, 1000);
	uint32_t held = 0, refused = 0, series = 0;
	for (int i = 0; i < 700; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		struct outbox_standing *standing = &writer.sum.standing;
		uint64_t waiting = standing->next - standing->answered_to;
		writer.now_ms += 1000;
		switch (random % 23) {
		case 0: /* out of turn; forgotten by a head, so not just before one */
			if (waiting > 2) {
				writer_receipt(&writer, standing->answered_to + 1, ++seq, BAOPHU_APPLIED);
				writer_receipt(&writer, standing->answered_to, ++seq, BAOPHU_APPLIED);
			}
			break;
		case 1:
			if (i % 3)
				break;
			outbox_put_again(&writer.bytes, standing->answered_to - random % standing->answered_to / 2, writer.now_ms,
					 (const uint8_t[BAOPHU_STORE_BYTES]){ (uint8_t)i });
			writer_put(&writer, OUTBOX_RECORD_AGAIN);
			break;
		case 2:
			outbox_put_series(&writer.bytes, BAOPHU_EPOCH_CHOSEN_MIN + (uint64_t)i, standing->answered_to,
					  writer.now_ms);
			writer_put(&writer, OUTBOX_RECORD_SERIES);
			break;
		case 3:
			outbox_put_serial(&writer.bytes, standing->next);
			writer_put(&writer, OUTBOX_RECORD_STOP);
			break;
		case 4:
			if (waiting && outbox_run_end(&writer.sum, standing->answered_to) == UINT64_MAX) {
				outbox_put_given_up(&writer.bytes, standing->answered_to, BAOPHU_CODE_CLOCK);
				writer_put(&writer, OUTBOX_RECORD_GIVEN_UP);
			}
			break;
		case 5:
			if (standing->held) {
				outbox_put_settled(&writer.bytes,
						   writer.sum.told[random % (standing->held + standing->refused)].serial,
						   random >> 40 & 1, ++seq);
				writer_put(&writer, OUTBOX_RECORD_SETTLED);
			}
			break;
		case 6:
			writer_backup(&writer, seq);
			break;
		case 7:
			if (i % 5 == 0)
				writer_begin_segment(&writer);
			break;
		default:
			if (waiting && random >> 33 & 1)
				writer_receipt(&writer, standing->answered_to, ++seq,
					       (enum baophu_verdict)(BAOPHU_APPLIED + (random >> 50) % 3));
			else
				writer_update(&writer);
		}
		held = standing->held > held ? standing->held : held;
		refused = standing->refused > refused ? standing->refused : refused;
		series = standing->series > series ? standing->series : series;
		/* numbers in a series are dense: of what is sent, each one above the one before */
		const struct outbox_run *run = outbox_run_of(&writer.sum, standing->next);
		cr_assert(outbox_serial_of(&writer.sum, run->epoch, outbox_number_of(run, standing->next)) == standing->next);
		struct outbox_sum again = { 0 };
		struct outbox_bytes head = { 0 };
		outbox_put_head(&head, &writer.sum, writer.now_ms);
		cr_assert_eq(
		    outbox_fold(&again,
				&(struct spool_record){ .type = OUTBOX_RECORD_HEAD, .bytes = head.bytes, .size = head.used }),
		    0);
		again.standing.first = standing->first;
		must_equal(&writer.sum, &again);
		outbox_sum_finish(&again);
		outbox_bytes_finish(&head);
	}
	struct outbox_standing standing = writer.sum.standing;
	cr_assert(held > 5 && refused > 5 && series > 3, "%u held, %u refused, %u series", held, refused, series);
	writer_close(&writer);
	struct outbox *outbox = open_office();
	cr_assert_eq(outbox_standing(outbox)->next, standing.next);
	cr_assert_eq(outbox_standing(outbox)->answered_to, standing.answered_to);
	cr_assert_eq(outbox_standing(outbox)->held, standing.held);
	cr_assert_eq(outbox_standing(outbox)->refused, standing.refused);
	cr_assert_eq(outbox_standing(outbox)->epoch, standing.epoch);
	outbox_close(outbox);
}
