/* test_history.c - the index of the log: what it gives back, what it survives, what it refuses to serve.
 *
 * mdb_txn_commit is wrapped at link time, so that a commit can fail or the process can end at any of them.
 */
#include "history.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "scene.h"

enum { AGENT = 2, EPOCH = 7, UNITS = 40, MEASURES = 3, BIG_RECORD = 1000 };

/* ---- commits that fail ---- */

static int commits_left = -1; /* until one fails; -1: none does */
static int commit_error; /* what it fails with; 0: the process ends there */

int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn)
{
	if (commits_left < 0 || commits_left-- > 0)
		return __real_mdb_txn_commit(txn);
	if (!commit_error)
		_exit(3);
	mdb_txn_abort(txn);
	return commit_error;
}

/* ---- a centre, its history, and a model of what was said ---- */

struct said {
	struct slot slot;
	struct fact_version version;
};
struct fixture {
	struct scene scene;
	char directory[32];
	struct history *history;
	struct history_reader *reader;
	size_t added; /* records given to history */
	struct vec model; /* struct said, in log order */
	uint64_t numbers[4]; /* by agent: last one used */
	uint64_t seed;
};

static void open_history(struct fixture *f)
{
	const char *why = NULL;
	cr_assert_eq(history_open(f->directory, &f->history, &why), 0, "%s", why);
	cr_assert_eq(history_reader_open(f->history, &f->reader), 0);
	f->added = history_place(f->history).seq;
}

static void close_history(struct fixture *f)
{
	history_reader_close(f->reader);
	history_close(f->history);
	f->reader = NULL;
	f->history = NULL;
}

static void setup(struct fixture *f)
{
	*f = (struct fixture){ .seed = 20240430 };
	strcpy(f->directory, "/tmp/test_history.XXXXXX");
	cr_assert(mkdtemp(f->directory));
	scene_init(&f->scene);
	uint32_t root = scene_unit(&f->scene, 0, "VN", "Việt Nam", day(20200101));
	for (uint32_t i = 1; i < UNITS; i++) {
		char code[17];
		snprintf(code, sizeof code, "u%u", i);
		scene_unit(&f->scene, i % 7 ? i - i % 7 + 1 : root, code, code, day(20200101));
	}
	for (uint32_t i = 0; i < MEASURES; i++)
		scene_measure(&f->scene, (const char *[]){ "bhyt", "bhxh", "thu" }[i], i == 2 ? BAOPHU_FLOW : BAOPHU_STOCK, 0);
	scene_begin(&f->scene);
	for (uint32_t agent = 1; agent < 4; agent++) {
		struct entry entry = { .kind = ENTRY_AGENT,
				       .agent = { agent, day(20200101), BAOPHU_DATE_NONE,
						  (const char *[]){ "control", "a", "b" }[agent - 1] } };
		scene_add(&f->scene, &entry);
		entry = (struct entry){ .kind = ENTRY_EPOCH, .epoch = { agent, EPOCH } };
		scene_add(&f->scene, &entry);
	}
	scene_end(&f->scene, RECORD_UPDATE, 0, 0, 0);
	scene_day(&f->scene, day(20240430));
	open_history(f);
}

static void teardown(struct fixture *f)
{
	char command[64];
	close_history(f);
	scene_finish(&f->scene);
	vec_finish(&f->model);
	snprintf(command, sizeof command, "rm -r %s", f->directory);
	cr_assert_eq(system(command), 0);
}

/* The model's own word on what stands: best status, then latest, of what nobody took back. -1: nothing. */
static long model_standing(const struct fixture *f, const struct slot *slot)
{
	long best = -1;
	for (size_t i = 0; i < f->model.count; i++) {
		const struct said *said = vec_at(&f->model, struct said, i);
		bool counts = !memcmp(&said->slot, slot, sizeof *slot) && !said->version.withdrawn_id;
		for (size_t j = 0; j < f->model.count && counts; j++)
			counts = vec_at(&f->model, struct said, j)->version.withdrawn_id != said->version.id;
		if (counts &&
		    (best < 0 || said->version.figure.status <= vec_at(&f->model, struct said, best)->version.figure.status))
			best = (long)i;
	}
	return best;
}

static struct slot slot_of(uint32_t unit, uint16_t measure, uint8_t extent, baophu_date from, baophu_date to)
{
	struct slot slot;
	memset(&slot, 0, sizeof slot); /* compared as bytes */
	slot.unit = unit;
	slot.measure = measure;
	slot.extent = extent;
	slot.from = from;
	slot.to = to;
	return slot;
}

static struct slot random_slot(struct fixture *f)
{
	uint16_t measure = (uint16_t)(1 + scene_random(&f->seed, MEASURES));
	baophu_date to = day(20240101) + (baophu_date)scene_random(&f->seed, 4);
	return slot_of(1 + scene_random(&f->seed, UNITS), measure, (uint8_t)(BAOPHU_WHOLE + scene_random(&f->seed, 2)),
		       measure == 3 ? to - (baophu_date)scene_random(&f->seed, 3) : to, to);
}

static void say(struct fixture *f, struct slot slot, struct fact_version version)
{
	struct said *said = vec_grow(&f->model, 1, sizeof *said);
	said->slot = slot;
	said->version = version;
}

/* One update of random facts and withdrawals. */
static void random_update(struct fixture *f, uint32_t entries)
{
	uint64_t seq = f->scene.place.seq + 1;
	uint32_t agent = 1 + scene_random(&f->seed, 3);
	scene_begin(&f->scene);
	for (uint32_t i = 0; i < entries; i++) {
		struct slot slot = random_slot(f);
		long standing = scene_random(&f->seed, 4) ? -1 : model_standing(f, &slot);
		if (standing < 0) {
			struct figure figure = { 1000 + scene_random(&f->seed, 1000), (uint8_t)(1 + scene_random(&f->seed, 3)),
						 (uint8_t)(1 + scene_random(&f->seed, 4)), (uint8_t)(1 + scene_random(&f->seed, 4)),
						 (uint8_t)scene_random(&f->seed, BAOPHU_REASON_COUNT) };
			struct entry entry = { .kind = ENTRY_FACT, .fact = { .slot = slot, .figure = figure } };
			scene_add(&f->scene, &entry);
			say(f, slot, (struct fact_version){ .id = entry_id(seq, i), .figure = figure });
			continue;
		}
		struct fact_version taken = { .id = entry_id(seq, i),
					      .withdrawn_id = vec_at(&f->model, struct said, standing)->version.id,
					      .figure = { .value = BAOPHU_ABSENT, .reason = BAOPHU_REASON_CORRECTION } };
		say(f, slot, taken);
		long restored = model_standing(f, &slot);
		struct entry entry = { .kind = ENTRY_WITHDRAWAL,
				       .withdrawal = {
					   .slot = slot, .reason = BAOPHU_REASON_CORRECTION, .withdrawn_id = taken.withdrawn_id } };
		if (restored >= 0) {
			entry.withdrawal.restored_id = vec_at(&f->model, struct said, restored)->version.id;
			entry.withdrawal.restored = vec_at(&f->model, struct said, restored)->version.figure;
		}
		scene_add(&f->scene, &entry);
	}
	scene_end(&f->scene, RECORD_UPDATE, agent, EPOCH, ++f->numbers[agent]);
}

/* Many plain facts, more than one slice of the index holds. */
static void big_updates(struct fixture *f, uint32_t records)
{
	for (uint32_t i = 0; i < records; i++) {
		scene_begin(&f->scene);
		for (uint32_t j = 0; j < BIG_RECORD; j++) {
			struct slot slot = random_slot(f);
			struct entry entry = { .kind = ENTRY_FACT,
					       .fact = { .slot = slot,
							 .figure = { i * BIG_RECORD + j, BAOPHU_FINAL, BAOPHU_REPORTED,
								     BAOPHU_EXACT, 0 } } };
			scene_add(&f->scene, &entry);
		}
		scene_end(&f->scene, RECORD_UPDATE, AGENT, EPOCH, ++f->numbers[AGENT]);
	}
}

static int add_all(struct fixture *f)
{
	int error = 0;
	for (; f->added < f->scene.records.count && !error; f->added++) {
		const struct scene_record *record = vec_at(&f->scene.records, struct scene_record, f->added);
		error = history_add(f->history, record->bytes, record->size);
	}
	return error;
}

static void index_all(struct fixture *f)
{
	cr_assert_eq(add_all(f), 0);
	cr_assert_eq(history_commit(f->history), 0);
}

/* ---- everything that history says, as one run of bytes ---- */

struct dump {
	struct vec said;
	int stop_after;
};

static int dump_slot(void *context, const struct slot *slot, const struct fact_version *versions, int count)
{
	struct dump *dump = context;
	for (int i = 0; i < count; i++) {
		struct said *said = vec_grow(&dump->said, 1, sizeof *said);
		said->slot = slot_of(slot->unit, slot->measure, slot->extent, slot->from, slot->to);
		said->version = versions[i];
	}
	return dump->stop_after && --dump->stop_after == 0 ? 5 : 0;
}

static void dump_all(struct fixture *f, uint64_t known_id, struct vec *ret_said)
{
	struct dump dump = { 0 };
	struct baophu_place place;
	cr_assert_eq(history_begin(f->reader, &place), 0);
	for (uint32_t unit = 1; unit <= UNITS; unit++)
		cr_assert_eq(history_unit(f->reader, unit, 0, known_id, dump_slot, &dump), 0);
	history_end(f->reader);
	*ret_said = dump.said;
}

static bool is_same_version(const struct fact_version *a, const struct fact_version *b)
{
	return a->id == b->id && a->withdrawn_id == b->withdrawn_id && a->figure.value == b->figure.value &&
	       a->figure.status == b->figure.status && a->figure.origin == b->figure.origin && a->figure.bound == b->figure.bound &&
	       a->figure.reason == b->figure.reason;
}

static void assert_same_dump(const struct vec *a, const struct vec *b)
{
	cr_assert_eq(a->count, b->count, "%zu rows and %zu", a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		const struct said *x = vec_at(a, struct said, i), *y = vec_at(b, struct said, i);
		cr_assert(!memcmp(&x->slot, &y->slot, sizeof x->slot) && is_same_version(&x->version, &y->version), "row %zu", i);
	}
}

static int by_slot_and_id(const void *a, const void *b)
{
	const struct said *x = a, *y = b;
	int64_t left[] = { x->slot.unit, x->slot.measure, x->slot.extent, x->slot.to, x->slot.from, (int64_t)x->version.id };
	int64_t right[] = { y->slot.unit, y->slot.measure, y->slot.extent, y->slot.to, y->slot.from, (int64_t)y->version.id };
	for (int i = 0; i < 6; i++)
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	return 0;
}

/* ---- reading what was written ---- */

Test(history, gives_back_every_version_in_order_of_slot_and_entry)
{
	struct fixture f;
	struct vec said;
	setup(&f);
	for (int i = 0; i < 120; i++) {
		random_update(&f, 1 + scene_random(&f.seed, 20));
		if (i % 17 == 0)
			index_all(&f);
	}
	index_all(&f);
	dump_all(&f, UINT64_MAX, &said);
	qsort(f.model.data, f.model.count, sizeof(struct said), by_slot_and_id);
	assert_same_dump(&said, &f.model);
	vec_finish(&said);
	teardown(&f);
}

Test(history, shows_no_entry_above_what_is_known)
{
	struct fixture f;
	struct vec then, now;
	setup(&f);
	for (int i = 0; i < 30; i++)
		random_update(&f, 10);
	index_all(&f);
	uint64_t known = entry_id(f.scene.place.seq, 0x1ffff);
	dump_all(&f, UINT64_MAX, &then);
	for (int i = 0; i < 30; i++)
		random_update(&f, 10);
	index_all(&f);
	dump_all(&f, known, &now);
	assert_same_dump(&then, &now);
	vec_finish(&then);
	vec_finish(&now);
	teardown(&f);
}

Test(history, walks_one_measure_and_stops_when_told)
{
	struct fixture f;
	struct dump dump = { 0 };
	struct baophu_place place;
	setup(&f);
	for (int i = 0; i < 60; i++)
		random_update(&f, 20);
	index_all(&f);
	cr_assert_eq(history_begin(f.reader, &place), 0);
	cr_assert_eq(history_unit(f.reader, 5, 2, UINT64_MAX, dump_slot, &dump), 0);
	cr_assert_gt(dump.said.count, 0);
	for (size_t i = 0; i < dump.said.count; i++)
		cr_assert(vec_at(&dump.said, struct said, i)->slot.unit == 5 &&
			  vec_at(&dump.said, struct said, i)->slot.measure == 2);
	dump.stop_after = 1;
	cr_assert_eq(history_unit(f.reader, 5, 0, UINT64_MAX, dump_slot, &dump), 5);
	cr_assert_eq(history_unit(f.reader, 999, 0, UINT64_MAX, dump_slot, &dump), 0, "a unit without facts is not an error");
	history_end(f.reader);
	vec_finish(&dump.said);
	teardown(&f);
}

static struct entry_rate rate_of(struct fixture *f)
{
	struct entry_rate rate = { .unit = 1 + scene_random(&f->seed, 4),
				   .measure = (uint16_t)(1 + scene_random(&f->seed, 2)),
				   .denominator = (uint8_t)(1 + scene_random(&f->seed, 2)),
				   .decimals = 2,
				   .status = BAOPHU_PROVISIONAL,
				   .bound = BAOPHU_ABOUT,
				   .to = day(20240101) + (baophu_date)scene_random(&f->seed, 3),
				   .digits = (int64_t)scene_random(&f->seed, 100000) };
	rate.over_measure = rate.denominator == BAOPHU_OVER_MEASURE ? 3 : 0;
	rate.from = rate.to - (baophu_date)scene_random(&f->seed, 2);
	return rate;
}

struct heard_rates {
	struct rate rates[32];
	uint32_t count;
};
static int hear_rate(void *context, const struct entry_rate *said, uint64_t id)
{
	struct heard_rates *heard = context;
	cr_assert(heard->count < 32);
	heard->rates[heard->count++] = (struct rate){ .id = id, .said = *said };
	return 0;
}

static bool is_same_slot(const struct entry_rate *a, const struct entry_rate *b)
{
	return a->unit == b->unit && a->measure == b->measure && a->denominator == b->denominator &&
	       a->over_measure == b->over_measure && a->over_plan == b->over_plan && a->to == b->to;
}

Test(history, has_of_each_published_rate_the_word_that_was_known)
{
	enum { ROUNDS = 12, RATES = 20 };
	struct fixture f;
	struct rate said[ROUNDS * RATES];
	uint32_t count = 0;
	setup(&f);
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t seq = f.scene.place.seq + 1;
		scene_begin(&f.scene);
		for (uint32_t i = 0; i < RATES; i++) {
			said[count] = (struct rate){ .id = entry_id(seq, i), .said = rate_of(&f) };
			scene_add(&f.scene, &(struct entry){ .kind = ENTRY_RATE, .rate = said[count++].said });
		}
		cr_assert_eq(scene_end(&f.scene, RECORD_UPDATE, AGENT, EPOCH, ++f.numbers[AGENT]), seq);
		if (round % 3 == 0)
			index_all(&f);
	}
	index_all(&f);
	struct baophu_place place;
	cr_assert_eq(history_begin(f.reader, &place), 0);
	for (uint32_t known = 0; known <= count; known++) {
		uint64_t known_id = known == count ? UINT64_MAX : said[known].id;
		for (uint32_t unit = 1; unit <= 5; unit++) {
			struct heard_rates heard = { .count = 0 };
			uint32_t expected = 0;
			cr_assert_eq(history_rates(f.reader, unit, known_id, hear_rate, &heard), 0);
			for (uint32_t i = 0; i < count; i++) {
				bool is_newest = said[i].said.unit == unit && said[i].id <= known_id;
				for (uint32_t j = i + 1; j < count && is_newest; j++)
					is_newest = said[j].id > known_id || !is_same_slot(&said[i].said, &said[j].said);
				if (!is_newest)
					continue;
				uint32_t at = 0;
				while (at < heard.count && heard.rates[at].id != said[i].id)
					at++;
				cr_assert(at < heard.count, "known %u, rate %u", known, i);
				cr_assert(is_same_slot(&heard.rates[at].said, &said[i].said));
				cr_assert_eq(heard.rates[at].said.digits, said[i].said.digits);
				cr_assert_eq(heard.rates[at].said.from, said[i].said.from);
				cr_assert(heard.rates[at].said.status == BAOPHU_PROVISIONAL && heard.rates[at].said.decimals == 2 &&
					  heard.rates[at].said.bound == BAOPHU_ABOUT);
				expected++;
			}
			cr_assert_eq(heard.count, expected, "known %u, unit %u", known, unit);
		}
	}
	history_end(f.reader);
	teardown(&f);
}

Test(history, shows_nothing_before_the_commit)
{
	struct fixture f;
	struct vec said;
	struct baophu_place place;
	setup(&f);
	index_all(&f);
	uint64_t before = history_place(f.history).seq, seq;
	random_update(&f, 10);
	cr_assert_eq(add_all(&f), 0);
	dump_all(&f, UINT64_MAX, &said);
	cr_assert_eq(said.count, 0);
	cr_assert_eq(history_place(f.history).seq, before);
	cr_assert_eq(history_commit(f.history), 0);
	place = history_place(f.history);
	cr_assert(place.seq == f.scene.place.seq && !memcmp(place.digest, f.scene.place.digest, sizeof place.digest));
	cr_assert_eq(history_begin(f.reader, &place), 0);
	cr_assert_eq(place.seq, f.scene.place.seq);
	for (uint32_t agent = 1; agent < 4; agent++)
		if (f.numbers[agent])
			cr_assert(!history_receipt(f.reader, agent, EPOCH, 1, &seq) && seq == f.scene.place.seq);
	history_end(f.reader);
	teardown(&f);
}

Test(history, a_read_transaction_keeps_its_place)
{
	struct fixture f;
	struct baophu_place place;
	struct dump dump = { 0 };
	setup(&f);
	index_all(&f);
	cr_assert_eq(history_begin(f.reader, &place), 0);
	random_update(&f, 30);
	index_all(&f);
	for (uint32_t unit = 1; unit <= UNITS; unit++)
		cr_assert_eq(history_unit(f.reader, unit, 0, UINT64_MAX, dump_slot, &dump), 0);
	history_end(f.reader);
	cr_assert_eq(dump.said.count, 0);
	cr_assert_lt(place.seq, f.scene.place.seq);
	teardown(&f);
}

Test(history, finds_the_record_of_every_number)
{
	struct fixture f;
	struct baophu_place place;
	uint64_t seq, seqs[4][200] = { 0 };
	setup(&f);
	for (int i = 0; i < 150; i++) {
		uint64_t before[4];
		memcpy(before, f.numbers, sizeof before);
		random_update(&f, 1);
		for (int agent = 1; agent < 4; agent++)
			if (f.numbers[agent] != before[agent])
				seqs[agent][f.numbers[agent]] = f.scene.place.seq;
		if (i % 40 == 0)
			index_all(&f);
	}
	index_all(&f);
	cr_assert_eq(history_begin(f.reader, &place), 0);
	for (uint32_t agent = 1; agent < 4; agent++)
		for (uint64_t number = 1; number <= f.numbers[agent]; number++)
			cr_assert(!history_receipt(f.reader, agent, EPOCH, number, &seq) && seq == seqs[agent][number]);
	cr_assert_eq(history_receipt(f.reader, 2, EPOCH, f.numbers[2] + 1, &seq), -BAOPHU_ENOTFOUND);
	cr_assert_eq(history_receipt(f.reader, 2, EPOCH + 1, 1, &seq), -BAOPHU_ENOTFOUND);
	cr_assert_eq(history_receipt(f.reader, 9, EPOCH, 1, &seq), -BAOPHU_ENOTFOUND);
	history_end(f.reader);
	teardown(&f);
}

/* ---- loading ---- */

static void assert_loads_the_folded_state(struct fixture *f)
{
	struct state loaded;
	cr_assert_eq(fold_init(&loaded), 0);
	cr_assert_eq(history_load(f->reader, &loaded), 0);
	cr_assert_eq(fold_settle(&loaded), 0);
	cr_assert_eq(fold_settle(&f->scene.state), 0);
	cr_assert_eq(loaded.place.seq, f->scene.state.place.seq);
	cr_assert_eq(loaded.facts.fact_count, f->scene.state.facts.fact_count);
	cr_assert_eq(fold_digest(&loaded), fold_digest(&f->scene.state));
	cr_assert_eq(loaded.registry.map_seq, f->scene.state.registry.map_seq);
	for (uint32_t unit = 1; unit <= UNITS; unit++)
		cr_assert_eq(loaded.version[unit], f->scene.state.version[unit], "unit %u", unit);
	for (uint32_t agent = 1; agent < 4; agent++) {
		const struct agent *a = agents_get(&loaded.registry.agents, agent),
				   *b = agents_get(&f->scene.state.registry.agents, agent);
		cr_assert(a->last_seq == b->last_seq && a->last_ms == b->last_ms && a->epoch_count == b->epoch_count);
		cr_assert_eq(agents_epoch(&loaded.registry.agents, agent, EPOCH)->next, f->numbers[agent] + 1);
	}
	fold_finish(&loaded);
}

Test(history, loads_the_state_that_the_log_folds_to)
{
	struct fixture f;
	setup(&f);
	for (int i = 0; i < 100; i++) {
		random_update(&f, 1 + scene_random(&f.seed, 20));
		if (i % 9 == 0)
			index_all(&f);
	}
	index_all(&f);
	assert_loads_the_folded_state(&f);
	close_history(&f);
	open_history(&f);
	assert_loads_the_folded_state(&f);
	teardown(&f);
}

Test(history, remembers_held_and_refused_updates)
{
	struct fixture f;
	struct baophu_place place;
	uint64_t seq, held_seq, refused_seq;
	setup(&f);
	record_begin(&f.scene.writer, f.scene.buffer, 1 << 20);
	record_add_payload(&f.scene.writer, "kept whole", 10);
	held_seq = scene_end(&f.scene, RECORD_HELD, AGENT, EPOCH, ++f.numbers[AGENT]);
	scene_begin(&f.scene);
	refused_seq = scene_end(&f.scene, RECORD_UPDATE, AGENT, EPOCH, ++f.numbers[AGENT]);
	index_all(&f);
	cr_assert_eq(history_begin(f.reader, &place), 0);
	cr_assert(!history_receipt(f.reader, AGENT, EPOCH, 1, &seq) && seq == held_seq);
	cr_assert(!history_receipt(f.reader, AGENT, EPOCH, 2, &seq) && seq == refused_seq);
	history_end(f.reader);
	struct state loaded;
	cr_assert_eq(fold_init(&loaded), 0);
	cr_assert_eq(history_load(f.reader, &loaded), 0);
	cr_assert(registry_held(&loaded.registry, held_seq));
	fold_finish(&loaded);
	assert_loads_the_folded_state(&f);
	teardown(&f);
}

Test(history, rebuilt_from_the_log_it_is_the_same)
{
	struct fixture f;
	struct vec before, after;
	setup(&f);
	for (int i = 0; i < 60; i++) {
		random_update(&f, 1 + scene_random(&f.seed, 20));
		if (i % 7 == 0)
			index_all(&f);
	}
	index_all(&f);
	dump_all(&f, UINT64_MAX, &before);
	close_history(&f);
	cr_assert_eq(history_discard(f.directory), 0);
	open_history(&f);
	cr_assert_eq(f.added, 0);
	index_all(&f);
	dump_all(&f, UINT64_MAX, &after);
	assert_same_dump(&before, &after);
	assert_loads_the_folded_state(&f);
	vec_finish(&before);
	vec_finish(&after);
	teardown(&f);
}

/* ---- batches that break off ---- */

Test(history, a_batch_is_whole_or_invisible_wherever_the_process_ends)
{
	for (int commits = 0; commits < 8; commits++) {
		struct fixture f;
		struct vec before, after, expected;
		setup(&f);
		random_update(&f, 20);
		index_all(&f);
		dump_all(&f, UINT64_MAX, &before);
		big_updates(&f, 80); /* 80,000 facts: five slices and more */
		close_history(&f);
		pid_t child = fork();
		if (!child) {
			open_history(&f);
			commits_left = commits;
			commit_error = 0;
			_exit(add_all(&f) || history_commit(f.history) ? 4 : 0);
		}
		int status;
		cr_assert_eq(waitpid(child, &status, 0), child);
		cr_assert(WIFEXITED(status) && (WEXITSTATUS(status) == 3 || WEXITSTATUS(status) == 0));
		bool is_whole = WEXITSTATUS(status) == 0;
		open_history(&f);
		cr_assert_eq(history_place(f.history).seq == f.scene.place.seq, is_whole);
		if (commits > 0)
			cr_assert_eq(history_goal(f.history).seq, f.scene.place.seq, "rows beyond the place are announced");
		dump_all(&f, UINT64_MAX, &after);
		if (!is_whole)
			assert_same_dump(&before, &after);
		vec_finish(&after);

		index_all(&f);
		dump_all(&f, UINT64_MAX, &after);
		close_history(&f);
		cr_assert_eq(history_discard(f.directory), 0);
		open_history(&f);
		index_all(&f);
		dump_all(&f, UINT64_MAX, &expected);
		assert_same_dump(&expected, &after);
		cr_assert_eq(after.count, f.model.count + 80 * BIG_RECORD);
		vec_finish(&before);
		vec_finish(&after);
		vec_finish(&expected);
		teardown(&f);
	}
}

Test(history, without_room_it_keeps_what_was_added_and_tries_again)
{
	for (int commits = 0; commits < 3; commits++) {
		struct fixture f;
		struct vec said;
		setup(&f);
		index_all(&f);
		uint64_t before = history_place(f.history).seq;
		big_updates(&f, 40);
		cr_assert_eq(add_all(&f), 0);
		commits_left = commits;
		commit_error = ENOSPC;
		cr_assert_eq(history_commit(f.history), -BAOPHU_EFULL);
		commits_left = -1;
		cr_assert_eq(history_place(f.history).seq, before);
		dump_all(&f, UINT64_MAX, &said);
		cr_assert_eq(said.count, 0);
		big_updates(&f, 1);
		cr_assert_eq(add_all(&f), 0, "more may be added meanwhile");
		cr_assert_eq(history_commit(f.history), 0);
		dump_all(&f, UINT64_MAX, &said);
		cr_assert_eq(said.count, 41 * BIG_RECORD);
		vec_finish(&said);
		assert_loads_the_folded_state(&f);
		teardown(&f);
	}
}

Test(history, receipts_of_a_batch_that_broke_off_are_unknown)
{
	struct fixture f;
	struct baophu_place place;
	uint64_t seq;
	setup(&f);
	index_all(&f);
	for (int i = 0; i < 40000; i++) { /* refused updates: receipts and nothing else */
		scene_begin(&f.scene);
		scene_end(&f.scene, RECORD_UPDATE, AGENT, EPOCH, ++f.numbers[AGENT]);
	}
	cr_assert_eq(add_all(&f), 0);
	commits_left = 1;
	commit_error = ENOSPC;
	cr_assert_eq(history_commit(f.history), -BAOPHU_EFULL);
	commits_left = -1;
	cr_assert_eq(history_begin(f.reader, &place), 0);
	cr_assert_eq(history_receipt(f.reader, AGENT, EPOCH, 1, &seq), -BAOPHU_ENOTFOUND);
	history_end(f.reader);
	cr_assert_eq(history_commit(f.history), 0);
	cr_assert_eq(history_begin(f.reader, &place), 0);
	cr_assert_eq(history_receipt(f.reader, AGENT, EPOCH, 1, &seq), 0);
	cr_assert_eq(history_receipt(f.reader, AGENT, EPOCH, 40000, &seq), 0);
	history_end(f.reader);
	teardown(&f);
}

Test(history, takes_records_in_order_and_only_while_there_is_room)
{
	struct fixture f;
	setup(&f);
	const struct scene_record *second = vec_at(&f.scene.records, struct scene_record, 1);
	cr_assert_eq(history_add(f.history, second->bytes, second->size), -BAOPHU_EGAP);
	index_all(&f);
	big_updates(&f, 270);
	int commits = 0, error;
	while ((error = add_all(&f)) == -BAOPHU_EFULL) {
		f.added--;
		cr_assert_eq(history_commit(f.history), 0);
		cr_assert_eq(history_place(f.history).seq, f.added, "the record that did not fit is not in");
		commits++;
	}
	cr_assert(error == 0 && commits > 0);
	cr_assert_eq(history_commit(f.history), 0);
	assert_loads_the_folded_state(&f);
	teardown(&f);
}

/* ---- damage ---- */

/* Flips a bit in every copy of `bytes` in the file; returns how many. */
static int damage(const struct fixture *f, const void *bytes, size_t size)
{
	char path[64];
	struct stat file;
	int found = 0;
	snprintf(path, sizeof path, "%s/history.mdb", f->directory);
	int fd = open(path, O_RDWR);
	cr_assert(fd >= 0 && !fstat(fd, &file));
	uint8_t *all = malloc((size_t)file.st_size);
	cr_assert_eq(pread(fd, all, (size_t)file.st_size, 0), file.st_size);
	for (uint8_t *at = all; (at = memmem(at, (size_t)(all + file.st_size - at), bytes, size)); at++, found++) {
		at[size - 1] ^= 4;
		cr_assert_eq(pwrite(fd, at + size - 1, 1, at + size - 1 - all), 1);
	}
	free(all);
	close(fd);
	return found;
}

static void say_one(struct fixture *f, int64_t value)
{
	scene_begin(&f->scene);
	struct entry entry = { .kind = ENTRY_FACT,
			       .fact = { .slot = slot_of(3, 1, BAOPHU_WHOLE, day(20240101), day(20240101)),
					 .figure = { value, BAOPHU_FINAL, BAOPHU_REPORTED, BAOPHU_EXACT, 0 } } };
	scene_add(&f->scene, &entry);
	scene_end(&f->scene, RECORD_UPDATE, AGENT, EPOCH, ++f->numbers[AGENT]);
}

Test(history, names_a_damaged_fact)
{
	struct fixture f;
	struct dump dump = { 0 };
	struct baophu_place place;
	struct state loaded;
	int64_t value = 0x1122334455;
	setup(&f);
	say_one(&f, value);
	index_all(&f);
	close_history(&f);
	cr_assert_gt(damage(&f, &value, sizeof value), 0);
	open_history(&f);
	cr_assert_eq(history_begin(f.reader, &place), 0);
	cr_assert_eq(history_unit(f.reader, 3, 0, UINT64_MAX, dump_slot, &dump), -BAOPHU_EDAMAGED);
	cr_assert_eq(dump.said.count, 0);
	history_end(f.reader);
	cr_assert_eq(fold_init(&loaded), 0);
	cr_assert_eq(history_load(f.reader, &loaded), -BAOPHU_EDAMAGED);
	fold_finish(&loaded);
	teardown(&f);
}

Test(history, names_a_damaged_receipt_and_number)
{
	struct fixture f;
	struct baophu_place place;
	struct state loaded;
	uint64_t seq;
	/* agent, epoch and number as they stand in a key; the byte flipped is the number's last */
	uint8_t key[20] = { 0, 0, 0, AGENT, 0, 0, 0, 0, 0, 0, 0, EPOCH, 0, 0, 0, 0, 0, 0, 0, 1 };
	setup(&f);
	say_one(&f, 1);
	index_all(&f);
	close_history(&f);
	cr_assert_gt(damage(&f, key, sizeof key), 0);
	open_history(&f);
	cr_assert_eq(history_begin(f.reader, &place), 0);
	cr_assert_eq(history_receipt(f.reader, AGENT, EPOCH, 5, &seq), -BAOPHU_EDAMAGED, "1 became 5 on the disk");
	history_end(f.reader);
	close_history(&f);
	cr_assert_gt(damage(&f, key, 12), 0);
	open_history(&f);
	cr_assert_eq(fold_init(&loaded), 0);
	cr_assert_eq(history_load(f.reader, &loaded), -BAOPHU_EDAMAGED);
	fold_finish(&loaded);
	teardown(&f);
}

Test(history, names_a_damaged_registry_record)
{
	struct fixture f;
	struct state loaded;
	setup(&f);
	index_all(&f);
	close_history(&f);
	cr_assert_gt(damage(&f, "u17", 3), 0);
	open_history(&f);
	cr_assert_eq(fold_init(&loaded), 0);
	cr_assert_eq(history_load(f.reader, &loaded), -BAOPHU_EDAMAGED);
	fold_finish(&loaded);
	teardown(&f);
}

static int open_again(struct fixture *f)
{
	const char *why = NULL;
	int error = history_open(f->directory, &f->history, &why);
	cr_assert(error == 0 || (why && why[0]));
	return error;
}

Test(history, refuses_a_damaged_place_another_format_and_a_short_or_foreign_file)
{
	struct fixture f;
	char path[64];
	struct baophu_place place;
	setup(&f);
	index_all(&f);
	place = history_place(f.history);
	close_history(&f);
	cr_assert_gt(damage(&f, place.digest, sizeof place.digest), 0);
	cr_assert_eq(open_again(&f), -BAOPHU_EDAMAGED);

	cr_assert_eq(history_discard(f.directory), 0);
	open_history(&f);
	index_all(&f);
	close_history(&f);
	uint8_t format[12] = { 'p', 'l', 'a', 'c', 'e', 4 }; /* key, then the format number; without bit 2 it is 0 */
	cr_assert_gt(damage(&f, format, 6), 0);
	cr_assert_eq(open_again(&f), -BAOPHU_EFORMAT);

	cr_assert_eq(history_discard(f.directory), 0);
	open_history(&f);
	index_all(&f);
	close_history(&f);
	snprintf(path, sizeof path, "%s/history.mdb", f.directory);
	struct stat file;
	cr_assert(!stat(path, &file) && !truncate(path, file.st_size - 8192));
	cr_assert_eq(open_again(&f), -BAOPHU_EDAMAGED);

	int fd = open(path, O_WRONLY | O_TRUNC);
	char garbage[16384];
	memset(garbage, 0x5a, sizeof garbage);
	cr_assert_eq(write(fd, garbage, sizeof garbage), (ssize_t)sizeof garbage);
	close(fd);
	cr_assert_eq(open_again(&f), -BAOPHU_EDAMAGED);

	cr_assert_eq(history_discard(f.directory), 0);
	cr_assert_eq(history_discard(f.directory), 0, "nothing to discard is no error");
	open_history(&f);
	index_all(&f);
	assert_loads_the_folded_state(&f);
	teardown(&f);
}
