/* test_undo.c - what can be taken back of a batch: only what is still this office's newest word; and the lists kept beside the outbox. */
#include "undo.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include <sodium.h>

#include "owed.h"
#include "rows.h"
#include "unconfirmed.h"

static char directory[64];
static struct outbox *outbox;

static void set_up(void)
{
	struct spool_damage damage;
	char path[100];
	strcpy(directory, "/tmp/baophu-undo-XXXXXX");
	cr_assert(mkdtemp(directory));
	cr_assert_eq(sodium_init() < 0, 0);
	snprintf(path, sizeof path, "%s/spool", directory);
	const struct outbox_config config = { .dir = path, .agent = "thoi-lai" };
	cr_assert_eq(outbox_open(&config, &outbox, &damage), 0);
}
static void tear_down(void)
{
	char command[128];
	outbox_close(outbox);
	snprintf(command, sizeof command, "rm -rf %s", directory);
	cr_assert_eq(system(command), 0);
}
TestSuite(undo, .init = set_up, .fini = tear_down);

static struct wire_entry fact(const char *unit, int day, int64_t value, enum baophu_status status)
{
	return (struct wire_entry){ .kind = WIRE_FACT,
				    .fact = { .unit = unit,
					      .measure = "bhyt",
					      .extent = BAOPHU_WHOLE,
					      .from = 19800 + day,
					      .to = 19800 + day,
					      .value = value,
					      .status = status,
					      .origin = BAOPHU_REPORTED,
					      .bound = BAOPHU_EXACT } };
}
static uint64_t save(const struct wire_entry *entries, uint32_t count)
{
	const struct outbox_source source = { .name = "x.csv" };
	uint64_t batch = 0;
	uint32_t bad;
	cr_assert_eq(outbox_save(outbox, entries, count, &source, &batch, &bad), 0, "entry %u", bad);
	return batch;
}

Test(undo, takes_back_what_is_the_newest_word_and_names_the_rest)
{
	struct wire_entry first[6] = { fact("926", 1, 10, BAOPHU_FINAL),    fact("927", 1, 20, BAOPHU_FINAL),
				       fact("927", 2, 30, BAOPHU_FINAL),    fact("927", 2, 31, BAOPHU_FINAL),
				       fact("928", 1, 40, BAOPHU_ESTIMATE), fact("929", 1, 50, BAOPHU_FINAL) };
	struct wire_entry later[2] = { fact("927", 1, 21, BAOPHU_FINAL), fact("929", 1, BAOPHU_ABSENT, BAOPHU_STATUS_NONE) };
	later[1].kind = WIRE_WITHDRAWAL;
	later[1].fact.origin = BAOPHU_ORIGIN_NONE;
	later[1].fact.bound = BAOPHU_BOUND_NONE;
	uint64_t batch = save(first, 6), other = save(later, 2);
	struct undo undo;
	cr_assert_eq(undo_plan(outbox, NULL, batch, &undo), 0);
	/* 926, and the second of the two for 927 on day 2. Whether an estimate stands cannot be known without a mirror. */
	cr_assert_eq(undo.count, 2);
	cr_assert_eq(undo.certain, 0, "all of it still waits");
	cr_assert_eq(undo.entries[0].kind, WIRE_WITHDRAWAL);
	cr_assert_str_eq(undo.entries[0].fact.unit, "926");
	cr_assert_eq(undo.entries[0].fact.reason, BAOPHU_REASON_UNDO);
	cr_assert_eq(undo.entries[0].fact.value, BAOPHU_ABSENT);
	cr_assert_str_eq(undo.entries[1].fact.unit, "927");
	cr_assert_eq(undo.entries[1].fact.to, 19802);
	cr_assert_eq(undo.left[UNDO_LATER_WORD], 3);
	cr_assert_eq(undo.left[UNDO_NOT_STANDING], 1);
	uint64_t taken_back = save(undo.entries, undo.count);
	undo_finish(&undo);
	cr_assert_eq(undo_plan(outbox, NULL, batch, &undo), 0);
	cr_assert_eq(undo.count, 0, "it is taken back already");
	undo_finish(&undo);
	cr_assert_eq(undo_plan(outbox, NULL, taken_back, &undo), 0);
	cr_assert_eq(undo.count, 0);
	cr_assert_eq(undo.left[UNDO_NO_FIGURE], 2);
	undo_finish(&undo);
	cr_assert_eq(undo_plan(outbox, NULL, other, &undo), 0);
	cr_assert_eq(undo.count, 1);
	cr_assert_eq(undo.left[UNDO_NO_FIGURE], 1);
	undo_finish(&undo);
	cr_assert_eq(undo_plan(outbox, NULL, 9999, &undo), -BAOPHU_ENOTFOUND);
	undo_finish(&undo);
}

Test(undo, a_batch_of_many_updates_is_one)
{
	enum { COUNT = 1500 };
	static struct wire_entry entries[COUNT];
	struct undo undo;
	for (int i = 0; i < COUNT; i++)
		entries[i] = fact("927", i, i, BAOPHU_FINAL);
	uint64_t batch = save(entries, COUNT);
	save(&entries[700], 1);
	cr_assert_eq(undo_plan(outbox, NULL, batch, &undo), 0);
	cr_assert_eq(undo.count, COUNT - 1);
	cr_assert_eq(undo.left[UNDO_LATER_WORD], 1);
	undo_finish(&undo);
}

/* ---- what is compared with ---- */

Test(undo, unconfirmed_figures_are_those_that_wait_and_those_just_saved)
{
	struct unconfirmed *unconfirmed = unconfirmed_create();
	const struct form_pending *list;
	size_t count;
	struct wire_entry entries[2] = { fact("926", 1, 10, BAOPHU_FINAL), fact("927", 1, 20, BAOPHU_ESTIMATE) };
	save(entries, 2);
	cr_assert_eq(unconfirmed_list(unconfirmed, outbox, 0, &list, &count), 0);
	cr_assert_eq(count, 2);
	cr_assert_str_eq(list[1].unit, "927");
	cr_assert_eq(list[1].value, 20);
	cr_assert_eq(list[1].status, BAOPHU_ESTIMATE);
	entries[0].fact.value = 11;
	save(entries, 1);
	unconfirmed_add(unconfirmed, entries, 1);
	cr_assert_eq(unconfirmed_list(unconfirmed, outbox, 0, &list, &count), 0);
	cr_assert_eq(count, 3);
	cr_assert_eq(list[2].value, 11);
	cr_assert_eq((const void *)list[2].unit, (const void *)list[0].unit, "codes are kept once");
	unconfirmed_forget(unconfirmed);
	cr_assert_eq(unconfirmed_list(unconfirmed, outbox, 0, &list, &count), 0);
	cr_assert_eq(count, 3);
	/* More than the window: the newest stay, in order. */
	for (int i = 0; i < UNCONFIRMED_MAX + 100; i++) {
		entries[0].fact.value = 1000 + i;
		unconfirmed_add(unconfirmed, entries, 1);
	}
	cr_assert_eq(unconfirmed_list(unconfirmed, outbox, 0, &list, &count), 0);
	cr_assert_eq(count, UNCONFIRMED_MAX);
	cr_assert_eq(list[0].value, 1100);
	cr_assert_eq(list[count - 1].value, 1000 + UNCONFIRMED_MAX + 99);
	unconfirmed_destroy(unconfirmed);
}

Test(undo, an_entry_leads_back_to_its_row)
{
	uint8_t note[3 * ROWS_NOTE_BYTES];
	uint32_t row, column;
	rows_note(note, 0, 3, 2);
	rows_note(note, 2, 65535, 70000);
	cr_assert(rows_place(note, sizeof note, 2, &row, &column));
	cr_assert_eq(row, 65535);
	cr_assert_eq(column, 70000);
	cr_assert_not(rows_place(note, sizeof note, 3, &row, &column));
	cr_assert_not(rows_place(NULL, 0, 0, &row, &column));
	cr_assert_str_eq(rows_without_cell("C7: wrong"), "wrong");
	cr_assert_str_eq(rows_without_cell("BHYT: wrong"), "BHYT: wrong");
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	struct wire_entry entry = fact("927", 1, 1065565, BAOPHU_PROVISIONAL);
	rows_write_heading(out);
	rows_write_entry(out, &entry);
	entry = (struct wire_entry){ .kind = WIRE_RATE,
				     .rate = { .unit = "927",
					       .measure = "bhyt",
					       .over = "nam-2024",
					       .denominator = BAOPHU_OVER_PLAN,
					       .from = 19801,
					       .to = 19831,
					       .digits = 9262,
					       .decimals = 2,
					       .status = BAOPHU_FINAL,
					       .bound = BAOPHU_EXACT } };
	rows_write_entry(out, &entry);
	rows_write_cell(out, "a \"b\"", '\n');
	fclose(out);
	cr_assert_str_eq(text, "unit,measure,from,to,value,status,extent,origin,bound,reason,denominator,over\n"
			       "927,bhyt,,2024-03-19,1065565,provisional,whole,reported,exact,,,\n"
			       "927,bhyt,2024-03-19,2024-04-18,\"92,62%\",final,,,exact,,plan,nam-2024\n"
			       "\"a \"\"b\"\"\"\n");
	free(text);
}

/* ---- what is owed ---- */

Test(undo, what_is_owed_outlives_the_process_and_is_owed_again_after_a_put_back)
{
	struct owed *owed = NULL;
	char path[100], name[INBOX_NAME_BYTES];
	bool is_of_folder = false;
	uint64_t batch = 0;
	snprintf(path, sizeof path, "%s/owed", directory);
	cr_assert_eq(owed_open(path, &owed), 0);
	cr_assert_eq(owed_add(owed, 12, "báo cáo.xlsx", true), 0);
	cr_assert_eq(owed_add(owed, 3, "a.csv", false), 0);
	owed_close(owed);
	cr_assert_eq(owed_open(path, &owed), 0);
	cr_assert(owed_has(owed, 12));
	cr_assert_not(owed_has(owed, 4));
	cr_assert(owed_next(owed, 0, &batch));
	cr_assert_eq(batch, 3);
	cr_assert(owed_next(owed, batch, &batch));
	cr_assert_eq(batch, 12);
	cr_assert_not(owed_next(owed, batch, &batch));
	cr_assert_eq(owed_read(owed, 12, name, &is_of_folder), 0);
	cr_assert_str_eq(name, "báo cáo.xlsx");
	cr_assert(is_of_folder);
	cr_assert_eq(owed_settle(owed, 12), 0);
	cr_assert_eq(owed_settle(owed, 3), 0);
	cr_assert_not(owed_has(owed, 12));
	cr_assert_eq(owed_read(owed, 12, name, &is_of_folder), -2);
	cr_assert_eq(owed_await_again(owed, 10), 0);
	cr_assert(owed_has(owed, 12));
	cr_assert_not(owed_has(owed, 3));
	cr_assert_eq(owed_read(owed, 12, name, &is_of_folder), 0);
	cr_assert_eq(owed_prune(owed, 100), 0);
	cr_assert(owed_has(owed, 12), "what is awaited is not forgotten");
	owed_close(owed);
	cr_assert_eq(owed_open(path, &owed), 0);
	cr_assert_eq(owed_await_again(owed, 1), 0);
	cr_assert_not(owed_has(owed, 3), "it was pruned");
	owed_close(owed);
}
