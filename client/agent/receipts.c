/* receipts.c - see receipts.h. */
#include "receipts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <sodium.h>

#include <baophu/status.h>

#include "answers.h"
#include "language.h"
#include "rows.h"
#include "sheet.h"
#include "template.h"
#include "words.h"

enum { RETRY_MS = 5000, REASON_BYTES = 600 };

/* ---- which batches ---- */

void receipts_look_at(struct office *office, uint64_t batch)
{
	if (office->answered_count == office->answered_capacity) {
		size_t capacity = office->answered_capacity ? 2 * office->answered_capacity : 16;
		uint64_t *grown = realloc(office->answered, capacity * sizeof *grown);
		if (!grown)
			return; /* it is owed on the disk: the next start looks at it */
		office->answered = grown;
		office->answered_capacity = capacity;
	}
	office->answered[office->answered_count++] = batch;
}

void receipts_begin(struct office *office)
{
	owed_prune(office->owed, outbox_standing(office->outbox)->first);
	owed_take_back_from(office->owed, outbox_standing(office->outbox)->next);
	for (uint64_t batch = 0; owed_next(office->owed, batch, &batch);)
		receipts_look_at(office, batch);
}

void receipts_hear(struct office *office)
{
	const struct outbox_standing *standing = outbox_standing(office->outbox);
	uint64_t batch;
	if (standing->put_back_ms != office->put_back_ms) {
		office->put_back_ms = standing->put_back_ms;
		office->told_next = office->told_count = 0;
		int error = owed_await_again(office->owed, standing->put_back_from);
		if (error)
			office_note(LOG_ERR, "new receipts will not be written beside files: %s", baophu_strerror(error));
	}
	while (outbox_next_answered(office->outbox, &batch) > 0)
		if (owed_has(office->owed, batch))
			receipts_look_at(office, batch);
}

void receipts_decided(struct office *office, uint64_t serial)
{
	struct outbox_walk *walk = NULL;
	struct outbox_update update;
	int error = outbox_walk_open(office->outbox, serial, &walk);
	if (!error && outbox_walk_next(walk, &update, NULL) == 1 && update.serial == serial) {
		error = owed_await(office->owed, update.batch);
		if (!error)
			receipts_look_at(office, update.batch);
	}
	outbox_walk_close(walk);
	if (error && error != -ENOENT) /* of a figure that was no file nothing is told */
		office_note(LOG_ERR, "what became of update %llu is not written beside its file: %s", (unsigned long long)serial,
			    baophu_strerror(error));
	office->is_state_stale = true;
}

int64_t receipts_due_ms(const struct office *office)
{
	bool is_possible = office->answered_count && office->report.way == REPORT_NONE && office->has_looked;
	return is_possible ? office->tell_ms : INT64_MAX;
}

static void forget(struct office *office, uint64_t batch)
{
	size_t kept = 0;
	for (size_t i = 0; i < office->answered_count; i++)
		if (office->answered[i] != batch)
			office->answered[kept++] = office->answered[i];
	office->answered_count = kept;
}

/* The first word of it only. */
static void forget_one(struct office *office, uint64_t batch)
{
	size_t at = 0;
	while (at < office->answered_count && office->answered[at] != batch)
		at++;
	if (at == office->answered_count)
		return;
	office->answered_count--;
	memmove(&office->answered[at], &office->answered[at + 1], (office->answered_count - at) * sizeof *office->answered);
}

static void settle(struct office *office, uint64_t batch)
{
	int error = owed_settle(office->owed, batch);
	if (error)
		office_note(LOG_ERR, "batch %llu: %s", (unsigned long long)batch, baophu_strerror(error));
	forget(office, batch);
	office->is_state_stale = true;
}

/* The folder or the disk is not as it should be: all of it again after a while. */
static void again_later(struct office *office, uint64_t batch, int error)
{
	office_note(LOG_ERR, "the receipt of batch %llu cannot be put beside its file yet: %s", (unsigned long long)batch,
		    baophu_strerror(error));
	office->tell_ms = office_now_ms() + RETRY_MS;
}

/* ---- what came back ---- */

/* One refused entry: where it stood, and why it comes back. */
struct refusal {
	uint32_t entry; /* index in the batch */
	bool is_culprit;
	enum baophu_code code;
};
struct refusals {
	struct refusal *list; /* owned */
	uint32_t count;
	uint8_t *note; /* owned; which row each entry of the batch came from */
	size_t note_bytes;
	char *text; /* owned: the refused entries as a sheet */
	size_t text_bytes;
	struct outbox_batch batch; /* its source's texts are not kept */
};

static void finish(struct refusals *refusals)
{
	free(refusals->list);
	free(refusals->note);
	free(refusals->text);
}

/* Collects the refused entries of a batch from the outbox. */
static int collect(struct outbox *outbox, uint64_t id, struct refusals *refusals)
{
	struct outbox_walk *walk = NULL;
	struct outbox_update update;
	struct wire_payload payload;
	*refusals = (struct refusals){ 0 };
	int result = outbox_batch(outbox, id, &refusals->batch);
	if (result)
		return result;
	const struct outbox_source *source = &refusals->batch.source;
	refusals->list = calloc(refusals->batch.entries, sizeof *refusals->list);
	refusals->note = malloc(source->note_bytes + 1);
	if (!refusals->list || !refusals->note)
		return -ENOMEM;
	refusals->note_bytes = source->note_bytes;
	if (source->note_bytes)
		memcpy(refusals->note, source->note, source->note_bytes);
	FILE *out = open_memstream(&refusals->text, &refusals->text_bytes);
	if (!out)
		return -ENOMEM;
	rows_write_heading(out);
	result = outbox_walk_open(outbox, id, &walk);
	while (!result && (result = outbox_walk_next(walk, &update, &payload)) > 0 && update.batch == id) {
		for (uint32_t i = 0; update.state == OUTBOX_REFUSED && i < payload.entry_count; i++) {
			if (refusals->count == refusals->batch.entries)
				break;
			refusals->list[refusals->count++] = (struct refusal){ .entry = update.first_entry + i,
									      .is_culprit = update.entry == i ||
											    update.entry == UINT32_MAX,
									      .code = update.code };
			rows_write_entry(out, &payload.entries[i]);
		}
		result = 0;
	}
	outbox_walk_close(walk);
	if (fclose(out) != 0)
		return -ENOMEM;
	return result < 0 ? result : 0;
}

static const char *explain(const struct refusal *refusal, char reason[static REASON_BYTES])
{
	const char *meaning = word_code_meaning(refusal->code), *advice = word_code_office_advice(refusal->code);
	if (refusal->is_culprit)
		snprintf(reason, REASON_BYTES, _("the centre refused it: %s; %s"), meaning, advice);
	else
		snprintf(reason, REASON_BYTES,
			 _("the centre refused the figures that went with it, because of another one (%s); send this row again as "
			   "it is"),
			 meaning);
	return reason;
}

/* The column of the first figure of a row; 0: there is none. */
static uint32_t column_of(const struct form *form, uint32_t row)
{
	uint32_t low = 0, high = form->entry_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (form->entries[middle].row < row)
			low = middle + 1;
		else
			high = middle;
	}
	return low < form->entry_count && form->entries[low].row == row ? form->entries[low].column : 0;
}

/* Rejects the rows of the form that the centre refused, and only those. `is_made`: the sheet was made of the refused entries alone, a row for
 * each. */
static int reject_rows(const struct refusals *refusals, struct form *form, bool is_made)
{
	char reason[REASON_BYTES];
	int error = 0;
	form_forget_problems(form);
	for (uint32_t i = 0; !error && i < refusals->count; i++) {
		uint32_t row = form->heading_row + 1 + i, column = is_made ? column_of(form, row) : 0;
		if (is_made || rows_place(refusals->note, refusals->note_bytes, refusals->list[i].entry, &row, &column))
			error = form_reject_cell(form, row, column, explain(&refusals->list[i], reason));
	}
	return error;
}

/* ---- telling ---- */

static struct answers_about about(const struct office *office, const char *name, uint64_t batch)
{
	return (
	    struct answers_about){ .name = name, .batch = batch, .when_ms = office_wall_ms(), .vietnamese = office->vietnamese };
}

static int put_text(struct office *office, enum inbox_answer answer, uint64_t seq, int error, char *text, size_t bytes)
{
	if (!error)
		error = inbox_put_answer(office->inbox, answer, seq, text, bytes);
	free(text);
	return error;
}

static int put_received(struct office *office, const struct answers_about *said, const struct outbox_batch *batch)
{
	char *text = NULL;
	size_t bytes = 0;
	int error = answers_received(said, batch, &text, &bytes);
	return put_text(office, INBOX_RECEIVED, batch->receipt_seq, error, text, bytes);
}

static int publish(struct office *office)
{
	int error = inbox_seal_answers(office->inbox);
	return error ? error : inbox_publish(office->inbox);
}

/* Rows, reasons and receipt of a batch of which the centre refused some. */
static int tell_refusals(struct office *office, struct refusals *refusals, const struct sheet *sheet, struct form *form)
{
	struct report *report = &office->report;
	char path[INBOX_PATH_BYTES], reason[REASON_BYTES], *text = NULL;
	size_t bytes = 0;
	bool is_made = report->text != NULL;
	struct answers_about said = about(office, report->name, report->batch);
	int error = sheet ? reject_rows(refusals, form, is_made) : 0;
	if (!error)
		error = report->is_of_folder ? inbox_begin_later_answers(office->inbox, report->name)
					     : inbox_begin_answers(office->inbox, report->name, report->name);
	if (!error && sheet) {
		enum inbox_answer rows = sheet_format(sheet) == SHEET_XLSX ? INBOX_ROWS_XLSX : INBOX_ROWS_CSV;
		error = template_write_rejected(asking_mirror(office->asking), sheet, form,
						inbox_answer_path(office->inbox, rows, path));
	} else if (!error) {
		error = inbox_put_answer(office->inbox, INBOX_ROWS_CSV, 0, refusals->text, refusals->text_bytes);
	}
	if (!error) {
		/* The culprits' reasons; the others went with them. */
		const char **reasons = calloc(refusals->count + 1, sizeof *reasons);
		char *kept = calloc(refusals->count + 1, REASON_BYTES);
		uint32_t count = 0;
		error = reasons && kept ? 0 : -ENOMEM;
		for (uint32_t i = 0; !error && i < refusals->count && count < ANSWERS_LINES_MAX; i++) {
			uint32_t row, column;
			char cell[FORM_CELL_BYTES] = "";
			if (!refusals->list[i].is_culprit)
				continue;
			if (!is_made && rows_place(refusals->note, refusals->note_bytes, refusals->list[i].entry, &row, &column))
				form_cell_name(row, column, cell);
			reasons[count] = kept + (size_t)count * REASON_BYTES;
			snprintf(kept + (size_t)count++ * REASON_BYTES, REASON_BYTES, "%s%s%s", cell, *cell ? ": " : "",
				 explain(&refusals->list[i], reason));
		}
		if (!error)
			error = answers_refused(&said, reasons, count, refusals->count, &text, &bytes);
		error = put_text(office, INBOX_REASONS, 0, error, text, bytes);
		free(reasons);
		free(kept);
	}
	if (!error && report->is_of_folder)
		error = put_received(office, &said, &refusals->batch);
	return error ? error : publish(office);
}

static void tell(struct office *office, const struct sheet *sheet, struct form *form)
{
	struct report *report = &office->report;
	struct refusals refusals;
	int error = collect(office->outbox, report->batch, &refusals);
	if (!error && refusals.batch.waiting) /* a centre that was put back: its receipts come anew */
		forget_one(office, report->batch);
	else if (!error)
		error = tell_refusals(office, &refusals, sheet, form);
	if (error)
		again_later(office, report->batch, error);
	else if (owed_has(office->owed, report->batch) && !refusals.batch.waiting)
		settle(office, report->batch);
	finish(&refusals);
}

void receipts_tell_with_sheet(struct office *office, const struct sheet *sheet, struct form *form) { tell(office, sheet, form); }

/* The sheet that was saved can no longer be read: what is known of its entries goes back. */
void receipts_tell_without_sheet(struct office *office) { tell(office, NULL, NULL); }

void receipts_failed(struct office *office) { again_later(office, office->report.batch, -ENOMEM); }

/* The file in sent/ when it still is what was saved; -1. */
static int open_saved(struct office *office, const char *name, const struct outbox_source *source)
{
	uint8_t digest[BAOPHU_DIGEST_BYTES];
	int fd = inbox_open_sent(office->inbox, name);
	if (fd < 0)
		return -1;
	office_digest(fd, digest);
	if (sodium_is_zero(digest, sizeof digest) || memcmp(digest, source->digest, sizeof digest) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Some of it was refused: reads its sheet again, or one made of the refused entries. */
static void begin_return(struct office *office, const char *name, bool is_of_folder, const struct outbox_batch *batch)
{
	struct report report = { .way = REPORT_COMES_BACK, .fd = -1, .batch = batch->id, .is_of_folder = is_of_folder };
	snprintf(report.name, sizeof report.name, "%s", name);
	if (is_of_folder)
		report.fd = open_saved(office, name, &batch->source);
	if (report.fd < 0) {
		struct refusals refusals;
		int error = collect(office->outbox, batch->id, &refusals);
		report.text = error ? NULL : refusals.text;
		refusals.text = error ? refusals.text : NULL;
		finish(&refusals);
		if (error) {
			again_later(office, report.batch, error);
			return;
		}
	}
	office_begin_return(office, &report);
}

static int by_number(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
	return one < other ? -1 : one > other;
}

static void keep_told(void *user, const struct outbox_batch *batch)
{
	struct office *office = user;
	struct outbox_batch *kept = &office->told[office->told_count++];
	*kept = *batch;
	kept->source.name = "";
}

/* Reads how the next batches stand, in one pass; one that is not kept any more has nothing to be told. */
static int read_next(struct office *office)
{
	uint64_t ids[OFFICE_TOLD_MAX];
	unsigned count = office->answered_count < OFFICE_TOLD_MAX ? (unsigned)office->answered_count : OFFICE_TOLD_MAX, found = 0;
	memcpy(ids, office->answered, count * sizeof *ids);
	qsort(ids, count, sizeof *ids, by_number);
	unsigned different = count ? 1 : 0; /* a batch may have come by two ways */
	for (unsigned i = 1; i < count; i++)
		if (ids[i] != ids[i - 1])
			ids[different++] = ids[i];
	count = different;
	office->told_next = office->told_count = 0;
	int error = outbox_batches(office->outbox, ids, count, keep_told, office);
	for (unsigned i = 0; !error && i < count; i++) {
		if (found < office->told_count && office->told[found].id == ids[i])
			found++;
		else
			settle(office, ids[i]);
	}
	return error;
}

/* One batch that has its receipts. */
static void tell_batch(struct office *office, const struct outbox_batch *batch)
{
	char name[INBOX_NAME_BYTES];
	bool is_of_folder;
	if (owed_read(office->owed, batch->id, name, &is_of_folder) != 0) {
		forget(office, batch->id); /* told already */
		return;
	}
	if (batch->waiting) { /* it comes when it is answered, and may have come since this was read */
		forget_one(office, batch->id);
		return;
	}
	if (batch->refused) {
		begin_return(office, name, is_of_folder, batch);
		return;
	}
	if (!is_of_folder) {
		settle(office, batch->id);
		return;
	}
	office_speak(office, office->config->vietnamese);
	const struct answers_about said = about(office, name, batch->id);
	int error = inbox_begin_later_answers(office->inbox, name);
	if (!error)
		error = put_received(office, &said, batch);
	if (!error)
		error = publish(office);
	if (error)
		again_later(office, batch->id, error);
	else
		settle(office, batch->id);
}

void receipts_tell(struct office *office, int64_t now_ms)
{
	if (receipts_due_ms(office) > now_ms || office->fatal)
		return;
	if (office->told_next == office->told_count) {
		int error = read_next(office);
		if (error)
			again_later(office, office->answered[0], error);
		return;
	}
	const struct outbox_batch batch = office->told[office->told_next++];
	tell_batch(office, &batch);
}
