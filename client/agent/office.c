/* office.c - see office.h. Read take_sheet and save first: they are the story. */
#include "office.h"

#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include <baophu/date.h>
#include <baophu/status.h>

#include "agent.h"
#include "answers.h"
#include "cli.h"
#include "language.h"
#include "receipts.h"
#include "reply.h"
#include "rows.h"
#include "sheet.h"
#include "sheet_child.h"
#include "template.h"

enum {
	PUT_BACK_MS = 60000, /* a file that could not be saved is tried again */
	FULL_MS = 1000, /* between two looks at a disk that was full */
	FULL_BYTES = SPOOL_SEGMENT_BYTES + (1 << 20), /* less has no room for what may be saved next */
	REST_MS = 5000, /* the folder itself does not work */
	KNOWN_BATCHES = 64, /* a file left over can only be one of the newest batches */
	PROBLEMS_SHOWN = 50,
	DAY_MS = 86400000,
	STAGES = 4, /* of progress: digest, sheet, form, saved */
};

/* ---- what everybody here needs ---- */

int64_t office_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t office_wall_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void office_note(int priority, const char *format, ...)
{
	va_list list;
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>", priority);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	putc('\n', stderr);
}

void office_speak(struct office *office, bool vietnamese)
{
	if (office->vietnamese == vietnamese)
		return;
	language_start(vietnamese ? "vi" : "en");
	office->vietnamese = vietnamese;
}

const char *office_path(const struct office *office, const char *name, char path[static INBOX_PATH_BYTES])
{
	snprintf(path, INBOX_PATH_BYTES, "%s/%s", office->config->data_dir, name);
	return path;
}

/* An old machine's clock may stand anywhere; the centre's day does not. Since the centre said it, as many days have gone by as the monotonic
 * clock says, or one more. */
baophu_date office_today(const struct office *office)
{
	const struct mirror *mirror = asking_mirror(office->asking);
	baophu_date today = baophu_date_at_ms(office_wall_ms());
	if (!mirror)
		return today;
	if (today < mirror->day)
		today = mirror->day;
	int64_t taken_ms = asking_taken_ms(office->asking);
	if (taken_ms == INT64_MIN)
		return today;
	baophu_date latest = mirror->day + 1 + (baophu_date)((office_now_ms() - taken_ms) / DAY_MS);
	return today < latest ? today : latest;
}

void office_digest(int fd, uint8_t ret_digest[static BAOPHU_DIGEST_BYTES])
{
	crypto_generichash_state state;
	uint8_t bytes[16384];
	off_t at = 0;
	ssize_t got;
	crypto_generichash_init(&state, NULL, 0, BAOPHU_DIGEST_BYTES);
	while (at <= SHEET_FILE_BYTES_MAX && (got = pread(fd, bytes, sizeof bytes, at)) > 0) {
		crypto_generichash_update(&state, bytes, (size_t)got);
		at += got;
	}
	if (at > SHEET_FILE_BYTES_MAX || got < 0)
		memset(ret_digest, 0, BAOPHU_DIGEST_BYTES);
	else
		crypto_generichash_final(&state, ret_digest, BAOPHU_DIGEST_BYTES);
}

int office_standing(struct office *office, struct standing *ret_standing)
{
	const struct outbox_standing *outbox = outbox_standing(office->outbox);
	struct mirror *mirror = asking_mirror(office->asking);
	asking_trouble(office->asking, office->vietnamese, office->trouble, sizeof office->trouble);
	if (mirror)
		mirror->names.vietnamese = office->vietnamese;
	*ret_standing = (struct standing){ .mirror = mirror,
					   .outbox = office->outbox,
					   .now_ms = office_wall_ms(),
					   .vietnamese = office->vietnamese,
					   .link = outbox->is_connected ? STANDING_UP
						   : outbox->has_store  ? STANDING_DOWN
									: STANDING_NEVER,
					   .link_since_ms = office->link_since_ms,
					   .link_text = outbox->is_connected ? "" : office->trouble,
					   .folder = office->config->folder };
	return unconfirmed_list(office->unconfirmed, office->outbox, mirror ? mirror->place.seq : 0, &ret_standing->pending,
				&ret_standing->pending_count);
}

/* ---- answers to whoever brought it ---- */

static void end_report(struct office *office)
{
	struct report *report = &office->report;
	sheet_reading_end(report->reading);
	if (report->way != REPORT_FROM_FOLDER && report->fd >= 0)
		close(report->fd);
	if (!report->text)
		malloc_trim(0); /* a sheet of many rows takes megabytes, seldom */
	free(report->text);
	*report = (struct report){ .fd = -1 };
	office->look_ms = office->rest_ms;
	office->is_state_stale = true;
}

static void progress(struct office *office, unsigned stage)
{
	if (office->report.way == REPORT_FROM_COMMAND && *office->report.name)
		control_progress(office->control, office->report.client, stage, STAGES);
}

static struct answers_about about(const struct office *office, uint64_t batch)
{
	return (struct answers_about){
		.name = office->report.name, .batch = batch, .when_ms = office_wall_ms(), .vietnamese = office->vietnamese
	};
}

/* Puts an owned text that answers.c made, or passes its error on. */
static int put_text(struct office *office, enum inbox_answer answer, int error, char *text, size_t bytes)
{
	if (!error)
		error = inbox_put_answer(office->inbox, answer, 0, text, bytes);
	free(text);
	return error;
}

/* Back to inbox/; where even that does not work the file is found again where it is, after a while. */
static void put_back(struct office *office, int64_t after_ms)
{
	int64_t now_ms = office_now_ms();
	if (inbox_put_back(office->inbox, now_ms, after_ms))
		office->rest_ms = now_ms + REST_MS;
}

/* The file as a whole cannot be taken: it comes back with one reason. */
static void refuse(struct office *office, const char *reason)
{
	struct report *report = &office->report;
	if (report->way == REPORT_COMES_BACK)
		return receipts_tell_without_sheet(office);
	if (report->way == REPORT_FROM_COMMAND) {
		inbox_forget_answers(office->inbox);
		control_err(office->control, report->client, reason);
		control_exit(office->control, report->client, CLI_USAGE);
		return;
	}
	char *text = NULL;
	size_t bytes = 0;
	int error = inbox_begin_answers(office->inbox, NULL, report->name);
	if (!error) {
		const struct answers_about said = about(office, 0);
		error = answers_unreadable(&said, reason, &text, &bytes);
		error = put_text(office, INBOX_REASONS, error, text, bytes);
	}
	if (!error)
		error = inbox_seal_answers(office->inbox);
	if (!error)
		error = inbox_publish(office->inbox);
	if (error) {
		office_note(LOG_ERR, "%s: its answer cannot be written: %s", report->name, baophu_strerror(error));
		put_back(office, PUT_BACK_MS);
	}
}

/* A disk that was too full to save is left alone until it has room for whatever may come next. */
static bool has_room_again(struct office *office)
{
	char path[INBOX_PATH_BYTES];
	struct statvfs disk;
	if (!spool_is_no_room(office->save_error))
		return true;
	if (!office->has_spool ||
	    (statvfs(office_path(office, "spool", path), &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize < FULL_BYTES))
		return false;
	office_note(LOG_NOTICE, "there is room on the disk again");
	office->save_error = 0;
	office->is_state_stale = true;
	return true;
}

/* Something here went wrong, not in the file: a full disk, no memory. Nothing was saved. */
static void fail(struct office *office, int error)
{
	struct report *report = &office->report;
	office->save_error = error;
	office->is_state_stale = true;
	if (report->way == REPORT_FROM_COMMAND) {
		inbox_forget_answers(office->inbox);
		control_err(office->control, report->client, reply_explain(error));
		control_exit(office->control, report->client, CLI_FAILED);
	}
	if (report->way == REPORT_FROM_FOLDER) {
		office_note(LOG_ERR, "%s stays in inbox: %s", report->name, baophu_strerror(error));
		put_back(office, spool_is_no_room(error) ? FULL_MS : PUT_BACK_MS);
	}
	if (report->way == REPORT_COMES_BACK)
		receipts_failed(office);
}

/* What a command that reported a file or a figure is told. `saved`: false for a dry run. */
static void tell(struct office *office, const struct form *form, uint64_t batch)
{
	struct report *report = &office->report;
	const struct column columns[] = { { .key = "file", .heading = NULL },    { .key = "batch", .heading = NULL },
					  { .key = "figures", .heading = NULL }, { .key = "added", .heading = NULL },
					  { .key = "changed", .heading = NULL }, { .key = "same", .heading = NULL },
					  { .key = "rejected", .heading = NULL } };
	struct reply reply;
	uint32_t shown = 0, left = 0;
	int error = reply_begin(&reply, office->control, report->client, &report->writer);
	for (uint32_t i = 0; !error && i < form->problem_count; i++) {
		if (shown < PROBLEMS_SHOWN)
			reply_say(&reply, "%s%s%s", report->name, *report->name ? ": " : "",
				  report->text ? rows_without_cell(form->problems[i].text) : form->problems[i].text);
		else
			left++;
		shown++;
	}
	if (left)
		reply_say(&reply, _("and %u more"), left);
	if (!error && writer_is_for_people(&reply.writer)) {
		char figures[FIELD_BYTES], added[FIELD_BYTES], changed[FIELD_BYTES], same[FIELD_BYTES];
		bool vi = report->writer.vietnamese;
		const struct field fields[] = { field_integer(form->entry_count), field_integer(form->added),
						field_integer(form->changed), field_integer(form->same) };
		if (batch)
			fprintf(reply.out, _("figures saved: %s, as batch %llu"), field_for_people(&fields[0], vi, figures),
				(unsigned long long)batch);
		else
			fprintf(reply.out, report->is_dry ? _("figures that would be saved: %s") : _("figures saved: %s"),
				field_for_people(&fields[0], vi, figures));
		fprintf(reply.out, _(" (%s new, %s changed, %s as before)"), field_for_people(&fields[1], vi, added),
			field_for_people(&fields[2], vi, changed), field_for_people(&fields[3], vi, same));
		if (form->rejected_rows)
			fprintf(reply.out, _("; rows that came back: %u"), form->rejected_rows);
		putc('\n', reply.out);
		if (form->rejected_rows && !report->is_dry && *report->name)
			fprintf(reply.out, _("the rows that came back are in %s/rejected\n"), office->config->folder);
	} else if (!error) {
		const struct field fields[] = {
			field_text(report->name),          batch ? field_integer((int64_t)batch) : field_null(),
			field_integer(form->entry_count),  field_integer(form->added),
			field_integer(form->changed),      field_integer(form->same),
			field_integer(form->rejected_rows)
		};
		error = writer_begin(&reply.writer, columns, sizeof columns / sizeof *columns);
		if (!error)
			error = writer_row(&reply.writer, fields);
		int ended = writer_end(&reply.writer);
		error = error ? error : ended;
	}
	reply_end(&reply, error, !form->rejected_rows ? CLI_OK : form->entry_count ? CLI_SOME_REJECTED : CLI_ALL_REJECTED);
}

/* Makes and seals what will stand beside the file once it is saved: nothing is saved before this is on the disk. */
static int make_answers(struct office *office, const struct sheet *sheet, const struct form *form, uint64_t batch)
{
	struct report *report = &office->report;
	bool is_of_folder = report->way == REPORT_FROM_FOLDER;
	char *text = NULL, path[INBOX_PATH_BYTES];
	size_t bytes = 0;
	if (!is_of_folder && (!form->rejected_rows || !*report->name))
		return 0;
	int error = inbox_begin_answers(office->inbox, is_of_folder ? NULL : report->name, report->name);
	const struct answers_about said = about(office, batch);
	if (!error && batch && is_of_folder) {
		error = answers_saved(&said, form, &text, &bytes);
		error = put_text(office, INBOX_SAVED, error, text, bytes);
	}
	if (!error && form->rejected_rows) {
		enum inbox_answer rows = sheet_format(sheet) == SHEET_XLSX ? INBOX_ROWS_XLSX : INBOX_ROWS_CSV;
		error = template_write_rejected(asking_mirror(office->asking), sheet, form,
						inbox_answer_path(office->inbox, rows, path));
		if (!error) {
			text = NULL;
			error = answers_reasons(&said, form, &text, &bytes);
			error = put_text(office, INBOX_REASONS, error, text, bytes);
		}
	}
	return error ? error : inbox_seal_answers(office->inbox);
}

/* ---- the story ---- */

static int save_entries(struct office *office, const struct form *form, uint64_t *ret_batch)
{
	struct report *report = &office->report;
	uint32_t bad_entry = 0;
	struct wire_entry *entries = malloc(form->entry_count * sizeof *entries);
	uint8_t *note = malloc(form->entry_count * (size_t)ROWS_NOTE_BYTES);
	int error = entries && note ? 0 : -ENOMEM;
	if (!error) {
		for (uint32_t i = 0; i < form->entry_count; i++) {
			entries[i] = form->entries[i].entry;
			rows_note(note, i, form->entries[i].row, form->entries[i].column);
		}
		report->source.name = report->name;
		report->source.note = note;
		report->source.note_bytes = *report->name ? form->entry_count * (size_t)ROWS_NOTE_BYTES : 0;
		error = outbox_save(office->outbox, entries, form->entry_count, &report->source, ret_batch, &bad_entry);
		report->source.note = NULL;
	}
	if (!error)
		unconfirmed_add(office->unconfirmed, entries, form->entry_count);
	if (error == -EINVAL)
		office_note(LOG_ERR, "%s: figure %u is none that can be sent", report->name, bad_entry);
	free(entries);
	free(note);
	return error;
}

static void save(struct office *office, const struct sheet *sheet, const struct form *form)
{
	struct report *report = &office->report;
	uint64_t batch = form->entry_count ? outbox_standing(office->outbox)->next : 0;
	int error = make_answers(office, sheet, form, batch);
	bool is_owed = !error && batch && *report->name;
	if (is_owed) /* before it is saved: a disk that has room for the figures alone must not keep their receipt from the officer */
		error = owed_add(office->owed, batch, report->name, report->way == REPORT_FROM_FOLDER);
	if (!error && batch)
		error = save_entries(office, form, &batch);
	if (error && outbox_standing(office->outbox)->error) {
		/* Whether it was saved is known after opening the outbox again; the file stays where that is looked up. */
		office_note(LOG_CRIT, "what was to be saved may or may not be on the disk: %s", baophu_strerror(error));
		office->fatal = AGENT_DAMAGED;
		return;
	}
	if (error && is_owed)
		owed_take_back(office->owed, batch);
	if (error == -EINVAL || error == -BAOPHU_EFULL)
		return refuse(office, _("it holds more figures than can be saved at once, or some that cannot be sent: split it"));
	if (error)
		return fail(office, error);
	office->save_error = 0;
	progress(office, 4);
	if (report->way == REPORT_FROM_FOLDER || (form->rejected_rows && *report->name)) {
		error = inbox_publish(office->inbox);
		if (error)
			office_note(LOG_ERR, "the answers to %s are not in their place yet: %s", report->name,
				    baophu_strerror(error));
	}
	if (report->way == REPORT_FROM_COMMAND)
		tell(office, form, batch);
}

/* From here on all ways are one. */
static void take_sheet(struct office *office, const struct sheet *sheet)
{
	struct report *report = &office->report;
	struct mirror *mirror = asking_mirror(office->asking);
	struct form form = { 0 };
	struct form_context context = { .mirror = mirror, .agent = office->config->agent, .today = office_today(office) };
	int error = unconfirmed_list(office->unconfirmed, office->outbox, mirror ? mirror->place.seq : 0, &context.pending,
				     &context.pending_count);
	if (mirror)
		mirror->names.vietnamese = office->vietnamese;
	if (!error)
		error = form_read(sheet, &context, &form);
	progress(office, 3);
	if (error)
		fail(office, error);
	else if (form.refusal)
		refuse(office, form.refusal);
	else if (report->way == REPORT_COMES_BACK)
		receipts_tell_with_sheet(office, sheet, &form);
	else if (report->is_dry)
		tell(office, &form, 0);
	else if (!form.entry_count && !form.rejected_rows)
		refuse(office, _("there are no figures in it"));
	else
		save(office, sheet, &form);
	form_finish(&form);
}

/* ---- beginning ---- */

struct search {
	const struct outbox_source *is;
	uint64_t id; /* 0: not found */
	uint32_t entries;
};

static void compare(void *user, const struct outbox_batch *batch)
{
	struct search *search = user;
	const struct outbox_source *is = search->is, *other = &batch->source;
	if (other->inode == is->inode && other->bytes == is->bytes && other->modified_ns == is->modified_ns &&
	    memcmp(other->digest, is->digest, sizeof is->digest) == 0) {
		search->id = batch->id;
		search->entries = batch->entries;
	}
}

/* A file that an earlier process took: published when it was saved. False: it was not, and is read like any other. */
static bool settle_left_over(struct office *office)
{
	uint64_t newest[KNOWN_BATCHES], ids[KNOWN_BATCHES];
	struct report *report = &office->report;
	struct search batch = { .is = &report->source };
	int count = outbox_newest_batches(office->outbox, newest, KNOWN_BATCHES);
	for (int i = 0; i < count; i++)
		ids[i] = newest[count - 1 - i];
	if (count < 0 || outbox_batches(office->outbox, ids, (unsigned)count, compare, &batch) != 0) {
		office_note(LOG_CRIT, "whether %s was saved cannot be found out", report->name);
		office->fatal = AGENT_DAMAGED;
		return true;
	}
	if (!batch.id)
		return false;
	char *text = NULL;
	size_t bytes = 0;
	int error = 0;
	if (!inbox_has_answers(office->inbox, report->name)) { /* somebody removed them */
		error = inbox_begin_answers(office->inbox, NULL, report->name);
		const struct answers_about said = about(office, batch.id);
		if (!error)
			error = answers_saved_before(&said, batch.entries, &text, &bytes);
		error = put_text(office, INBOX_SAVED, error, text, bytes);
		if (!error)
			error = inbox_seal_answers(office->inbox);
	}
	if (!error)
		error = owed_add(office->owed, batch.id, report->name, true);
	if (!error)
		error = inbox_publish(office->inbox);
	if (error)
		office_note(LOG_ERR, "%s is saved, but its answers are not in their place: %s", report->name,
			    baophu_strerror(error));
	receipts_look_at(office, batch.id);
	return true;
}

/* Looks into the folder: true when a file was taken. */
static bool take_file(struct office *office, int64_t now_ms)
{
	struct inbox_file file;
	bool has_room = has_room_again(office);
	uint32_t waited = inbox_waiting(office->inbox);
	int result = has_room ? inbox_look(office->inbox, now_ms, &file) : inbox_count(office->inbox, now_ms);
	office->look_ms = has_room ? inbox_due_ms(office->inbox) : now_ms + FULL_MS;
	int error = result < 0 ? result : 0;
	office->is_state_stale |= inbox_waiting(office->inbox) != waited;
	if (error != office->folder_error) {
		office->is_state_stale = true;
		if (error)
			office_note(LOG_ERR, "the shared folder %s: %s", office->config->folder, baophu_strerror(error));
	}
	office->folder_error = error;
	office->has_looked = true;
	if (result <= 0)
		return false;
	struct report *report = &office->report;
	*report = (struct report){ .way = REPORT_FROM_FOLDER, .fd = file.fd };
	memcpy(report->name, file.name, sizeof report->name);
	report->source = (struct outbox_source){ .bytes = file.bytes, .inode = file.inode, .modified_ns = file.modified_ns };
	office_speak(office, office->config->vietnamese);
	office_digest(file.fd, report->source.digest);
	if (file.is_left_over && settle_left_over(office)) {
		end_report(office);
		return false;
	}
	return true;
}

static bool take_from_queue(struct office *office)
{
	struct stat status;
	if (!office->queued)
		return false;
	struct report *report = &office->report;
	*report = office->queue[0];
	office->queued--;
	memmove(&office->queue[0], &office->queue[1], office->queued * sizeof office->queue[0]);
	office_speak(office, report->writer.vietnamese);
	if (report->fd >= 0 && fstat(report->fd, &status) == 0) {
		report->source.bytes = (uint64_t)status.st_size;
		report->source.modified_ns = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
		office_digest(report->fd, report->source.digest);
	}
	progress(office, 1);
	return true;
}

static void say_problem(struct office *office, const struct sheet_problem *problem, int error)
{
	char text[SHEET_PROBLEM_BYTES];
	if (error == -BAOPHU_EMALFORMED)
		refuse(office, sheet_explain(problem, office->report.name, text, sizeof text));
	else
		fail(office, error);
}

/* Begins to read what the report says; a text of our own is read at once. */
static void begin_reading(struct office *office)
{
	static const struct sheet_child child = { 0 };
	struct report *report = &office->report;
	struct sheet *sheet = NULL;
	struct sheet_problem problem = { 0 };
	int error = report->text ? sheet_read_csv(report->text, strlen(report->text), &sheet, &problem)
				 : sheet_child_start(&child, report->fd, &report->reading, &problem);
	if (!error && !report->text)
		return;
	if (error)
		say_problem(office, &problem, error);
	else
		take_sheet(office, sheet);
	sheet_destroy(sheet);
	end_report(office);
}

static void go_on_reading(struct office *office)
{
	struct report *report = &office->report;
	struct sheet *sheet = NULL;
	struct sheet_problem problem = { 0 };
	int error = sheet_reading_take(report->reading, &sheet, &problem);
	if (error == -EAGAIN)
		return;
	office_speak(office, report->way == REPORT_FROM_COMMAND ? report->writer.vietnamese : office->config->vietnamese);
	progress(office, 2);
	if (error)
		say_problem(office, &problem, error);
	else
		take_sheet(office, sheet);
	sheet_destroy(sheet);
	end_report(office);
}

int office_take_report(struct office *office, const struct report *report)
{
	if (office->queued == CONTROL_CLIENTS_MAX)
		return -EAGAIN;
	office->queue[office->queued++] = *report;
	return 0;
}

void office_begin_return(struct office *office, const struct report *report)
{
	office->report = *report;
	office_speak(office, office->config->vietnamese);
	begin_reading(office);
}

bool office_is_busy(const struct office *office) { return office->queued && office->report.way == REPORT_NONE; }

void office_work(struct office *office, int64_t now_ms)
{
	if (office->report.way != REPORT_NONE) {
		go_on_reading(office);
		return;
	}
	if (office->fatal)
		return;
	/* What an earlier process left in the folder comes before anything that makes answers there. */
	if ((office->has_looked && take_from_queue(office)) || (now_ms >= office->look_ms && take_file(office, now_ms)))
		begin_reading(office);
}
