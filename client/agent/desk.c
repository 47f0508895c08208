/* desk.c - see desk.h. One function a verb; desk_serve finds it in the table at the end. */
#include "desk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <baophu/date.h>
#include <baophu/status.h>

#include "cli.h"
#include "declare.h"
#include "human.h"
#include "language.h"
#include "reply.h"
#include "rows.h"
#include "spool.h"
#include "text.h"
#include "standing.h"
#include "template.h"
#include "undo.h"

enum { LIST_MAX = 1000, LIST_DEFAULT = 20 };

/* One request being served. */
struct desk {
	struct office *office;
	const json_t *request;
	int fd; /* the desk's until it is given away; -1 */
	struct reply reply;
	int code; /* exit code of the command */
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

/* ---- report ---- */

/* The figure as a sheet of one row, so that it is read by the same rules as any other. */
static char *figure_as_sheet(const json_t *figure)
{
	static const char *const keys[] = { "unit",   "measure", "value",  "from",   "to",    "date",
					    "period", "status",  "extent", "origin", "bound", "reason" };
	enum { KEY_COUNT = sizeof keys / sizeof *keys };
	const char *headings[KEY_COUNT], *cells[KEY_COUNT];
	unsigned count = 0;
	char *text = NULL;
	size_t bytes;
	for (int i = 0; i < KEY_COUNT; i++) {
		const char *cell = text_of(figure, keys[i]);
		if (!*cell)
			continue;
		bool is_name = i == 0 && !text_is_code(cell, strlen(cell));
		headings[count] = is_name ? "name" : keys[i];
		cells[count++] = cell;
	}
	FILE *out = count ? open_memstream(&text, &bytes) : NULL;
	for (unsigned i = 0; out && i < count; i++)
		rows_write_cell(out, headings[i], i + 1 < count ? ',' : '\n');
	for (unsigned i = 0; out && i < count; i++)
		rows_write_cell(out, cells[i], i + 1 < count ? ',' : '\n');
	if (out && fclose(out) != 0) {
		free(text);
		text = NULL;
	}
	return text;
}

/* Joins the office's queue and is answered from there. */
static int report(struct desk *desk)
{
	struct report report = { .way = REPORT_FROM_COMMAND,
				 .client = desk->reply.client,
				 .writer = desk->reply.writer.options,
				 .is_dry = json_is_true(json_object_get(desk->request, "dry_run")),
				 .fd = desk->fd };
	const json_t *figure = json_object_get(desk->request, "figure");
	if (figure) {
		report.text = figure_as_sheet(figure);
		report.fd = -1;
	} else {
		const char *name = text_of(desk->request, "name"), *slash = strrchr(name, '/');
		snprintf(report.name, sizeof report.name, "%s", slash ? slash + 1 : name);
	}
	if (!report.text && (report.fd < 0 || !*report.name)) {
		reply_say(&desk->reply, "%s", _("a report is a file with a name, or a figure"));
		desk->code = CLI_USAGE;
		return 0;
	}
	int error = office_take_report(desk->office, &report);
	if (error) {
		free(report.text);
		return error;
	}
	if (report.fd >= 0)
		desk->fd = -1;
	return 1;
}

/* ---- template ---- */

static bool is_period(struct desk *desk, baophu_date *ret_from, baophu_date *ret_to)
{
	baophu_date today = office_today(desk->office);
	uint32_t civil = baophu_date_to_civil(today);
	const char *date = text_of(desk->request, "date"), *period = text_of(desk->request, "period"),
		   *from = text_of(desk->request, "from"), *to = text_of(desk->request, "to"), *text = *period ? period : date;
	struct human_period read;
	struct human_doubt doubt;
	char why[512];
	if (*text) {
		enum human_problem problem = human_period(text, (int)(civil / 10000), &read, &doubt);
		if (problem) {
			reply_say(&desk->reply, "%s", human_explain(problem, text, &doubt, why, sizeof why));
			return false;
		}
		*ret_from = read.from;
		*ret_to = read.to;
		return true;
	}
	/* Unless said, to today, and from the first of that month. */
	*ret_to = today;
	baophu_date_parse(to, ret_to);
	*ret_from = baophu_date_from_civil(baophu_date_to_civil(*ret_to) / 100 * 100 + 1);
	baophu_date_parse(from, ret_from);
	if (*ret_from > *ret_to) {
		reply_say(&desk->reply, "%s", _("--from is after --to"));
		return false;
	}
	return true;
}

static int copy_into(const char *path, int to)
{
	char bytes[16384];
	ssize_t got = 0;
	int error = 0, from = open(path, O_RDONLY | O_CLOEXEC);
	if (from < 0 || ftruncate(to, 0) != 0)
		error = -errno;
	while (!error && (got = read(from, bytes, sizeof bytes)) > 0)
		for (ssize_t done = 0; !error && done < got;) {
			ssize_t written = write(to, bytes + done, (size_t)(got - done));
			if (written < 0 && errno != EINTR)
				error = -errno;
			else if (written > 0)
				done += written;
		}
	if (!error && got < 0)
		error = -errno;
	if (from >= 0)
		close(from);
	return error;
}

static int template(struct desk *desk)
{
	struct office *office = desk->office;
	struct mirror *mirror = asking_mirror(office->asking);
	const char *measures[TEMPLATE_MEASURES_MAX];
	const json_t *wanted = json_object_get(desk->request, "measures"), *measure;
	struct template_options options = { .measures = measures };
	char path[INBOX_PATH_BYTES];
	size_t i;
	desk->code = CLI_USAGE;
	json_array_foreach(wanted, i, measure)
	{
		const char *code = json_string_value(measure);
		if (!code || options.measure_count == TEMPLATE_MEASURES_MAX || !mirror || mirror_measure(mirror, code) < 0) {
			reply_say(&desk->reply, _("the centre has no measure “%s”, or it is one too many"), code ? code : "");
			return 0;
		}
		measures[options.measure_count++] = code;
	}
	if (!options.measure_count)
		options.measures = NULL;
	if (desk->fd < 0 || !is_period(desk, &options.from, &options.to))
		return 0;
	if (!mirror) {
		reply_say(&desk->reply, "%s",
			  _("the centre was never reached, so this office's units are not known here yet: try again when there is "
			    "a link"));
		desk->code = CLI_FALSE;
		return 0;
	}
	mirror->names.vietnamese = true;
	office_path(office, "template.xlsx", path);
	int error = template_write(mirror, &options, path);
	if (!error)
		error = copy_into(path, desk->fd);
	unlink(path);
	if (error == -BAOPHU_ENOTFOUND) {
		reply_say(&desk->reply, "%s", _("the centre has not granted this office any unit and measure for that period"));
		desk->code = CLI_FALSE;
		return 0;
	}
	if (error == -BAOPHU_EFULL) {
		reply_say(&desk->reply, _("more than %d measures do not fit a sheet: name some with --measure"),
			  TEMPLATE_MEASURES_MAX);
		return 0;
	}
	desk->code = CLI_OK;
	return error;
}

/* ---- status and list ---- */

static int status(struct desk *desk)
{
	struct office *office = desk->office;
	struct writer_options options = desk->reply.writer.options;
	const struct outbox_standing *outbox = outbox_standing(office->outbox);
	if (options.kind == WRITER_JSONL)
		options.kind = WRITER_JSON;
	struct standing standing;
	int error = office_standing(office, &standing);
	if (!error)
		error = standing_write(&standing, &options, desk->reply.out);
	if (error == -EINVAL) {
		reply_say(&desk->reply, "%s", _("status comes as a table or as json"));
		desk->code = CLI_USAGE;
		return 0;
	}
	if (spool_is_no_room(office->save_error) || spool_is_no_room(office->folder_error))
		reply_say(&desk->reply, "%s", _("the disk of this machine is full: nothing can be saved; make room"));
	else if (office->folder_error)
		reply_say(&desk->reply, _("the shared folder %s: %s"), office->config->folder,
			  baophu_strerror(office->folder_error));
	else if (office->save_error)
		reply_say(&desk->reply, _("what was to be saved last could not be: %s"), baophu_strerror(office->save_error));
	bool needs_a_look = outbox->hindrance >= OUTBOX_TURNED_AWAY || office->save_error || office->folder_error;
	desk->code = needs_a_look ? CLI_FALSE : CLI_OK;
	return error;
}

static const char *state_of(const struct outbox_batch *batch, bool for_people)
{
	if (batch->waiting)
		return for_people ? _("waits") : "waiting";
	if (batch->refused)
		return for_people ? _("partly or wholly refused") : "refused";
	if (batch->held)
		return for_people ? _("held by the centre") : "held";
	return for_people ? _("received") : "received";
}

struct listing {
	struct writer *writer;
	int error;
};

static void list_batch(void *user, const struct outbox_batch *batch)
{
	struct listing *listing = user;
	const struct field fields[] = { field_integer((int64_t)batch->id),
					field_time(batch->saved_ms),
					field_text(batch->source.name),
					field_integer(batch->entries),
					field_text(state_of(batch, writer_is_for_people(listing->writer))),
					batch->receipt_seq ? field_integer((int64_t)batch->receipt_seq) : field_null(),
					batch->source.undoes ? field_integer((int64_t)batch->source.undoes) : field_null(),
					field_integer(batch->waiting),
					field_integer(batch->applied),
					field_integer(batch->held),
					field_integer(batch->refused) };
	if (!listing->error)
		listing->error = writer_row(listing->writer, fields);
}

static int list(struct desk *desk)
{
	json_int_t limit = json_integer_value(json_object_get(desk->request, "limit"));
	unsigned max = limit > 0 && limit <= LIST_MAX ? (unsigned)limit : limit > LIST_MAX ? LIST_MAX : LIST_DEFAULT;
	const struct column columns[] = { { .key = "batch", .heading = _("Batch"), .right = true },
					  { .key = "saved", .heading = _("Saved at") },
					  { .key = "file", .heading = _("File"), .wrap = true },
					  { .key = "figures", .heading = _("Figures"), .right = true },
					  { .key = "state", .heading = _("State") },
					  { .key = "receipt", .heading = _("Receipt"), .right = true },
					  { .key = "undoes", .heading = _("Takes back"), .right = true },
					  { .key = "waiting", .heading = NULL },
					  { .key = "applied", .heading = NULL },
					  { .key = "held", .heading = NULL },
					  { .key = "refused", .heading = NULL } };
	struct listing listing = { .writer = &desk->reply.writer };
	int error = writer_begin(listing.writer, columns, sizeof columns / sizeof *columns);
	if (!error)
		error = outbox_newest(desk->office->outbox, max, list_batch, &listing);
	int ended = writer_end(listing.writer);
	return error ? error : listing.error ? listing.error : ended;
}

/* ---- undo ---- */

static void say_left(struct desk *desk, const struct undo *undo)
{
	const char *const reasons[UNDO_REASON_COUNT] = {
		[UNDO_LATER_WORD] = _("this office has said something newer about them"),
		[UNDO_REFUSED] = _("the centre never took them"),
		[UNDO_HELD] = _("they wait for a decision of the centre: ask it to refuse them"),
		[UNDO_NOT_STANDING] = _("something else stands at the centre"),
		[UNDO_NO_FIGURE] = _("a withdrawal or a published percentage cannot be taken back"),
	};
	for (int i = 0; i < UNDO_REASON_COUNT; i++)
		if (undo->left[i])
			reply_say(&desk->reply, _("figures left: %u, because %s"), undo->left[i], reasons[i]);
}

/* Saves the withdrawals; those of figures that may still be refused as a batch of their own, so that they take no other with them. */
static int save_undo(struct office *office, const struct undo *undo, uint64_t batch, uint64_t *ret_batch)
{
	const struct outbox_source source = { .name = "", .undoes = batch };
	const uint32_t parts[] = { undo->certain, undo->count - undo->certain };
	const struct wire_entry *entries = undo->entries;
	int error = 0;
	for (int i = 0; i < 2 && !error; i++) {
		uint64_t id;
		if (!parts[i])
			continue;
		error = outbox_save(office->outbox, entries, parts[i], &source, &id, NULL);
		if (!error) {
			unconfirmed_add(office->unconfirmed, entries, parts[i]);
			*ret_batch = id;
		}
		entries += parts[i];
	}
	office->is_state_stale = true;
	return error;
}

static int undo(struct desk *desk)
{
	struct office *office = desk->office;
	json_int_t batch = json_integer_value(json_object_get(desk->request, "batch"));
	bool is_dry = json_is_true(json_object_get(desk->request, "dry_run"));
	struct undo undo;
	uint64_t saved_as = 0;
	int error = undo_plan(office->outbox, asking_mirror(office->asking), batch > 0 ? (uint64_t)batch : 0, &undo);
	if (error == -BAOPHU_ENOTFOUND) {
		reply_say(&desk->reply, _("no batch %lld is kept here; see `baophu-agent list`"), (long long)batch);
		desk->code = CLI_FALSE;
		error = 0;
	} else if (!error) {
		say_left(desk, &undo);
		if (!is_dry && undo.count)
			error = save_undo(office, &undo, (uint64_t)batch, &saved_as);
		if (!error && !undo.count)
			desk->code = CLI_FALSE;
		if (!error && is_dry)
			fprintf(desk->reply.out, _("figures of batch %lld that would be taken back: %u\n"), (long long)batch,
				undo.count);
		else if (!error && undo.count)
			fprintf(desk->reply.out,
				_("figures of batch %lld taken back: %u, as batch %llu; what stood before stands again\n"),
				(long long)batch, undo.count, (unsigned long long)saved_as);
		else if (!error)
			fprintf(desk->reply.out, _("nothing of batch %lld can be taken back\n"), (long long)batch);
	}
	undo_finish(&undo);
	return error;
}

/* ---- new series ---- */

static int new_series(struct desk *desk)
{
	struct office *office = desk->office;
	const struct outbox_standing *standing = outbox_standing(office->outbox);
	if (standing->hindrance != OUTBOX_FORK && standing->hindrance != OUTBOX_SPOOL_OLDER &&
	    standing->hindrance != OUTBOX_CENTRE_LACKS) {
		reply_say(&desk->reply, "%s", _("nothing is in the way of the series that there is: no new one was begun"));
		desk->code = CLI_FALSE;
		return 0;
	}
	int error = outbox_new_series(office->outbox);
	if (!error) {
		office_note(LOG_NOTICE, "a new series of numbers was begun: %llu", (unsigned long long)standing->epoch);
		fprintf(desk->reply.out, _("series %u begins; what waits is sent under it\n"), standing->series);
		office->is_state_stale = true;
	}
	return error;
}

static int declare(struct desk *desk) { return declare_serve(desk->office, desk->request, &desk->reply, &desk->code); }

/* ---- the table ---- */

/* Each returns 0 when the answer is written, 1 when it will be said later, or an error. */
static const struct {
	const char *name;
	int (*serve)(struct desk *desk);
} verbs[] = {
	{ "report", report }, { "template", template },     { "status", status },   { "list", list },
	{ "undo", undo },     { "new-series", new_series }, { "declare", declare },
};

void desk_serve(struct office *office, const struct control_request *request)
{
	struct desk desk = { .office = office, .request = request->json, .fd = request->fd, .code = CLI_OK };
	const struct writer_options options = reply_options(request->json);
	const char *name = text_of(request->json, "verb");
	int result = reply_begin(&desk.reply, office->control, request->client, &options);
	bool is_known = false;
	office_speak(office, options.vietnamese);
	for (size_t i = 0; !result && !is_known && i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(verbs[i].name, name) == 0) {
			is_known = true;
			result = verbs[i].serve(&desk);
		}
	if (!result && !is_known) {
		reply_say(&desk.reply, _("the agent knows no “%s”"), name);
		desk.code = CLI_USAGE;
	}
	if (result == 1)
		reply_leave(&desk.reply);
	else
		reply_end(&desk.reply, result, desk.code);
	if (desk.fd >= 0)
		close(desk.fd);
}
