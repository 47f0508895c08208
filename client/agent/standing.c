/* standing.c - see standing.h. Each section is columns and rows for the command line's writers: a table for people, objects for programs. */
#include "standing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/date.h>

#include "coverage_rows.h"
#include "language.h"
#include "words.h"

enum { TEXT_WIDTH = 78, DECIMALS = 2, LINE_BYTES = 600 };

/* ---- the office at a glance ---- */

static const char *link_word(enum standing_link link)
{
	return link == STANDING_UP ? "up" : link == STANDING_DOWN ? "down" : "never";
}

static const char *hindrance_word(enum outbox_hindrance hindrance)
{
	static const char *const words[] = { [OUTBOX_FREE] = "none",
					     [OUTBOX_NO_LINK] = "no_link",
					     [OUTBOX_NOT_NOW] = "not_now",
					     [OUTBOX_TURNED_AWAY] = "turned_away",
					     [OUTBOX_FORK] = "fork",
					     [OUTBOX_SPOOL_OLDER] = "spool_older",
					     [OUTBOX_CENTRE_LACKS] = "centre_lacks",
					     [OUTBOX_NO_ROOM] = "no_room" };
	return (size_t)hindrance < sizeof words / sizeof *words && words[hindrance] ? words[hindrance] : "other";
}

/* What is in the way, and what to do; "" when nothing is. */
static const char *hindrance_text(enum outbox_hindrance hindrance)
{
	switch (hindrance) {
	case OUTBOX_NO_LINK:
		return _(
		    "The centre cannot be reached now. What is saved here is safe and is sent by itself as soon as it can be.");
	case OUTBOX_NOT_NOW:
		return _("The centre cannot take anything just now. It is tried again by itself; nothing has to be done.");
	case OUTBOX_TURNED_AWAY:
		return _("The centre turns this office away. Tell the centre; what is saved here is kept.");
	case OUTBOX_FORK:
		return _("Two copies of this office's data were at work, and sending has stopped. Nothing is lost here. Ask the "
			 "centre which copy "
			 "is the right one; then `baophu-agent new-series` on that one.");
	case OUTBOX_SPOOL_OLDER:
		return _("This office's data was put back to an older copy: the centre has more than is here. Ask the centre, then "
			 "`baophu-agent new-series`.");
	case OUTBOX_CENTRE_LACKS:
		return _(
		    "The centre was put back to a copy that lacks what is no longer kept here. Ask the centre, then `baophu-agent "
		    "new-series`.");
	default:
		return "";
	}
}

static const char *moment(int64_t unix_ms, bool vietnamese, char buffer[static FIELD_BYTES])
{
	struct field field = field_time(unix_ms);
	*buffer = '\0';
	return field.kind == FIELD_NULL ? "" : field_for_people(&field, vietnamese, buffer);
}

/* The lines above the tables. */
static void write_glance(const struct standing *standing, struct writer *writer)
{
	const struct outbox_standing *out = outbox_standing(standing->outbox);
	const struct mirror *mirror = standing->mirror;
	bool vietnamese = writer->options.vietnamese;
	char line[LINE_BYTES], time[FIELD_BYTES], day[11];
	uint64_t waiting = out->next - out->answered_to;
	snprintf(line, sizeof line, _("Office %s, %s"), out->agent, moment(standing->now_ms, vietnamese, time));
	writer_paragraph(writer, line);
	moment(standing->link_since_ms, vietnamese, time);
	if (standing->link == STANDING_UP)
		snprintf(line, sizeof line, *time ? _("Link to the centre: up since %s") : _("Link to the centre: up%s"), time);
	else if (standing->link == STANDING_DOWN)
		snprintf(line, sizeof line, *time ? _("Link to the centre: down since %s") : _("Link to the centre: down%s"), time);
	else
		snprintf(line, sizeof line, "%s", _("Link to the centre: never up so far"));
	writer_paragraph(writer, line);
	if (standing->link_text && *standing->link_text)
		writer_paragraph(writer, standing->link_text);
	if (*hindrance_text(out->hindrance))
		writer_paragraph(writer, hindrance_text(out->hindrance));
	if (out->code && *word_code_meaning(out->code)) {
		snprintf(line, sizeof line, _("The centre says: %s (%s)"), word_code_meaning(out->code), wire_code_name(out->code));
		writer_paragraph(writer, line);
	}
	if (waiting)
		snprintf(line, sizeof line, _("Waiting to be confirmed: %llu updates"), (unsigned long long)waiting);
	else
		snprintf(line, sizeof line, "%s", _("Everything that was saved is confirmed by the centre."));
	writer_paragraph(writer, line);
	if (out->has_last) {
		snprintf(line, sizeof line, _("Last receipt: %llu, %s"), (unsigned long long)out->last.seq,
			 moment(out->last_ms, vietnamese, time));
		writer_paragraph(writer, line);
	}
	if (mirror)
		snprintf(line, sizeof line, _("Figures below: as the centre had them on %s, log place %llu, asked %s"),
			 baophu_date_format(mirror->day, vietnamese, day), (unsigned long long)mirror->place.seq,
			 moment(mirror->taken_ms, vietnamese, time));
	else
		snprintf(line, sizeof line, "%s", _("The centre has not been asked about this office yet."));
	writer_paragraph(writer, line);
	if (standing->folder && *standing->folder) {
		snprintf(line, sizeof line, _("Folder: %s"), standing->folder);
		writer_paragraph(writer, line);
	}
}

static int write_office(const struct standing *standing, struct writer *writer)
{
	static const struct column columns[] = {
		{ .key = "agent" },        { .key = "time" },          { .key = "link" },         { .key = "link_since" },
		{ .key = "link_text" },    { .key = "hindrance" },     { .key = "code" },         { .key = "waiting" },
		{ .key = "held" },         { .key = "refused" },       { .key = "last_receipt" }, { .key = "last_receipt_time" },
		{ .key = "backup" },       { .key = "epoch" },         { .key = "series" },       { .key = "snapshot" },
		{ .key = "snapshot_day" }, { .key = "snapshot_time" }, { .key = "folder" },
	};
	const struct outbox_standing *out = outbox_standing(standing->outbox);
	const struct mirror *mirror = standing->mirror;
	const struct field fields[] = {
		field_text(out->agent),
		field_time(standing->now_ms),
		field_text(link_word(standing->link)),
		field_time(standing->link_since_ms),
		field_text(standing->link_text),
		field_text(hindrance_word(out->hindrance)),
		field_text(out->code ? wire_code_name(out->code) : ""),
		field_integer((int64_t)(out->next - out->answered_to)),
		field_integer(out->held),
		field_integer(out->refused),
		out->has_last ? field_integer((int64_t)out->last.seq) : field_null(),
		field_time(out->last_ms),
		out->has_backup ? field_integer((int64_t)out->backup.seq) : field_null(),
		field_integer((int64_t)out->epoch),
		field_integer(out->series),
		mirror ? field_integer((int64_t)mirror->place.seq) : field_null(),
		mirror ? field_date(mirror->day) : field_null(),
		mirror ? field_time(mirror->taken_ms) : field_null(),
		field_text(standing->folder),
	};
	_Static_assert(sizeof fields / sizeof *fields == sizeof columns / sizeof *columns, "a field a column");
	int error = writer_begin(writer, columns, sizeof columns / sizeof *columns);
	if (!error)
		error = writer_row(writer, fields);
	int end = writer_end(writer);
	return error ? error : end;
}

/* ---- figures ---- */

struct figures {
	const struct standing *standing;
	struct writer *writer;
	const struct form_pending **waiting; /* by unit and measure, then in order of saving */
	bool *is_shown; /* by pending: it stands beside its figure, or another of its unit and measure does */
	uint32_t with_waiting, without, left; /* shown to people, and not shown */
};
static const struct column figure_columns[] = {
	{ .key = "unit" },
	{ .key = "unit_name", .heading = N_("Unit"), .wrap = true },
	{ .key = "measure" },
	{ .key = "measure_name", .heading = N_("Measure"), .wrap = true },
	{ .key = "counting_unit" },
	{ .key = "state" },
	{ .key = "from" },
	{ .key = "value", .heading = N_("Confirmed"), .right = true },
	{ .key = "to", .heading = N_("As of"), .right = true },
	{ .key = "plan", .heading = N_("Plan"), .wrap = true },
	{ .key = "target", .heading = N_("Target"), .right = true },
	{ .key = "plan_pct", .heading = N_("Reached (%)"), .right = true },
	{ .key = "unconfirmed", .heading = N_("Waiting"), .right = true, .wrap = true },
	{ .key = "unconfirmed_from" },
	{ .key = "unconfirmed_to" },
	{ .key = "unconfirmed_withdrawal" },
};
enum { FIGURE_FIELDS = sizeof figure_columns / sizeof *figure_columns };

static int by_unit_and_measure(const void *a, const void *b)
{
	const struct form_pending *x = *(const struct form_pending *const *)a, *y = *(const struct form_pending *const *)b;
	int order = strcmp(x->unit, y->unit);
	order = order ? order : strcmp(x->measure, y->measure);
	return order ? order : x < y ? -1 : x > y;
}

/* The newest figure that waits for this unit and measure: the latest period, and of one period the last saved. */
static const struct form_pending *waiting_of(struct figures *figures, const char *unit, const char *measure)
{
	const struct standing *standing = figures->standing;
	const struct form_pending *newest = NULL;
	size_t low = 0, high = standing->pending_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct form_pending *pending = figures->waiting[middle];
		int order = strcmp(pending->unit, unit);
		if ((order ? order : strcmp(pending->measure, measure)) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < standing->pending_count; low++) {
		const struct form_pending *pending = figures->waiting[low];
		if (strcmp(pending->unit, unit) != 0 || strcmp(pending->measure, measure) != 0)
			break;
		figures->is_shown[pending - standing->pending] = true;
		if (!newest || pending->to >= newest->to)
			newest = pending;
	}
	return newest;
}

static int write_figure(struct figures *figures, const char *unit, const char *unit_name, const char *measure,
			const struct baophu_row *row, const struct baophu_row *plan, const struct form_pending *pending)
{
	const struct mirror *mirror = figures->standing->mirror;
	struct writer *writer = figures->writer;
	bool for_people = writer_is_for_people(writer), vietnamese = writer->options.vietnamese;
	char value[COVERAGE_FIGURE_BYTES], waits[120], number[FIELD_BYTES], day[11];
	unsigned decimals = DECIMALS;
	uint32_t *shown = pending ? &figures->with_waiting : &figures->without;
	if (for_people && *shown == STANDING_FIGURES) {
		figures->left++;
		return 0;
	}
	++*shown;
	int64_t percent = plan ? coverage_percent(plan, DECIMALS, &decimals) : BAOPHU_ABSENT;
	struct field fields[FIGURE_FIELDS] = {
		field_code(unit),
		field_text(unit_name),
		field_text(measure),
		field_text(mirror ? names_text(&mirror->names, measure) : measure),
		field_text(mirror ? names_unit(&mirror->names, measure) : ""),
		field_text(row ? word_of(WORDS_STATE, row->state) : ""),
		field_date(row ? row->from : BAOPHU_DATE_NONE),
		field_integer(row ? row->value : BAOPHU_ABSENT),
		field_date(row ? row->to : BAOPHU_DATE_NONE),
		field_text(plan ? plan->plan : ""),
		field_integer(plan ? plan->target : BAOPHU_ABSENT),
		field_decimal(percent, decimals),
		field_integer(pending ? pending->value : BAOPHU_ABSENT),
		field_date(pending ? pending->from : BAOPHU_DATE_NONE),
		field_date(pending ? pending->to : BAOPHU_DATE_NONE),
		pending ? field_truth(pending->value == BAOPHU_ABSENT) : field_null(),
	};
	if (for_people && row)
		fields[7] = field_text(coverage_figure(row, vietnamese, value));
	if (for_people && pending) {
		const struct field count = field_integer(pending->value);
		baophu_date_format(pending->to, vietnamese, day);
		if (pending->value == BAOPHU_ABSENT)
			snprintf(waits, sizeof waits, _("withdrawn (%s)"), day);
		else
			snprintf(waits, sizeof waits, "→ %s (%s)", field_for_people(&count, vietnamese, number), day);
		fields[12] = field_text(waits);
	}
	return writer_row(writer, fields);
}

static int write_record(struct figures *figures, const struct baophu_record *record)
{
	int error = 0;
	for (uint32_t i = 0; i < record->row_count && !error; i++) {
		const struct baophu_row *row = &record->rows[i];
		if (row->kind != BAOPHU_ROW_STOCK && row->kind != BAOPHU_ROW_FLOW)
			continue;
		const struct form_pending *pending = waiting_of(figures, record->unit, row->measure);
		uint32_t plans = 0;
		for (uint32_t p = i + 1; p < record->row_count && record->rows[p].kind == BAOPHU_ROW_PLAN && !error; p++)
			if (strcmp(record->rows[p].measure, row->measure) == 0 && !coverage_is_rate_plan(&record->rows[p])) {
				plans++;
				error = write_figure(figures, record->unit, record->name, row->measure, row, &record->rows[p],
						     pending);
			}
		if (!error && !plans && (row->value != BAOPHU_ABSENT || row->state == BAOPHU_STATE_WITHDRAWN || pending))
			error = write_figure(figures, record->unit, record->name, row->measure, row, NULL, pending);
	}
	return error;
}

/* Figures that wait, of units and measures that the centre had nothing of. */
static int write_new_figures(struct figures *figures)
{
	const struct standing *standing = figures->standing;
	int error = 0;
	for (size_t i = 0; i < standing->pending_count && !error; i++) {
		const struct form_pending *pending = &standing->pending[i];
		if (figures->is_shown[i])
			continue;
		const struct mirror_unit *unit = standing->mirror ? mirror_unit(standing->mirror, pending->unit, pending->to)
								  : NULL;
		error = write_figure(figures, pending->unit, unit ? unit->name : pending->unit, pending->measure, NULL, NULL,
				     waiting_of(figures, pending->unit, pending->measure));
	}
	return error;
}

static int write_figures(const struct standing *standing, struct writer *writer)
{
	struct figures figures = { .standing = standing,
				   .writer = writer,
				   .waiting = malloc((standing->pending_count + 1) * sizeof(const struct form_pending *)),
				   .is_shown = calloc(standing->pending_count + 1, 1) };
	struct wire_arena arena = { 0 };
	struct column columns[FIGURE_FIELDS];
	int error = figures.is_shown && figures.waiting ? 0 : -ENOMEM;
	for (size_t i = 0; i < standing->pending_count && !error; i++)
		figures.waiting[i] = &standing->pending[i];
	if (!error)
		qsort(figures.waiting, standing->pending_count, sizeof *figures.waiting, by_unit_and_measure);
	for (size_t i = 0; i < FIGURE_FIELDS; i++) {
		columns[i] = figure_columns[i];
		if (columns[i].heading)
			columns[i].heading = _(columns[i].heading);
	}
	if (!error)
		error = wire_arena_init(&arena, MIRROR_ARENA_BYTES);
	if (!error)
		error = writer_begin(writer, columns, FIGURE_FIELDS);
	for (uint32_t i = 0; !error && standing->mirror && i < standing->mirror->record_count; i++) {
		struct baophu_record record;
		error = mirror_record(standing->mirror, i, &arena, &record);
		if (!error)
			error = write_record(&figures, &record);
	}
	if (!error)
		error = write_new_figures(&figures);
	int end = writer_end(writer);
	if (!error && figures.left) {
		char line[LINE_BYTES], count[FIELD_BYTES];
		const struct field left = field_integer(figures.left);
		snprintf(line, sizeof line, _("and %s lines more; `baophu-agent status -o json` has all of them"),
			 field_for_people(&left, standing->vietnamese, count));
		writer_paragraph(writer, line);
	}
	wire_arena_finish(&arena);
	free(figures.waiting);
	free(figures.is_shown);
	return error ? error : end;
}

/* ---- batches ---- */

struct batches {
	struct writer *writer;
	int error;
};

static void write_batch(void *user, const struct outbox_batch *batch)
{
	struct batches *batches = user;
	const struct field fields[] = {
		field_integer((int64_t)batch->id), field_text(batch->source.name),
		field_time(batch->saved_ms),       field_integer(batch->entries),
		field_integer(batch->waiting),     field_integer(batch->held),
		field_integer(batch->refused),     batch->receipt_seq ? field_integer((int64_t)batch->receipt_seq) : field_null(),
	};
	if (!batches->error)
		batches->error = writer_row(batches->writer, fields);
}

static int write_batches(const struct standing *standing, struct writer *writer)
{
	const struct column columns[] = {
		{ .key = "batch", .heading = _("Batch"), .right = true },
		{ .key = "name", .heading = _("File"), .wrap = true },
		{ .key = "saved", .heading = _("Saved") },
		{ .key = "entries", .heading = _("Figures"), .right = true },
		{ .key = "waiting", .heading = _("Waiting"), .right = true },
		{ .key = "held", .heading = _("Held"), .right = true },
		{ .key = "refused", .heading = _("Refused"), .right = true },
		{ .key = "receipt", .heading = _("Receipt"), .right = true },
	};
	struct batches batches = { .writer = writer };
	int error = writer_begin(writer, columns, sizeof columns / sizeof *columns);
	if (!error)
		error = outbox_newest(standing->outbox, STANDING_BATCHES, write_batch, &batches);
	int end = writer_end(writer);
	return error ? error : batches.error ? batches.error : end;
}

/* ---- what is held and refused ---- */

/* What an exception speaks of. */
struct exception_about {
	char unit[BAOPHU_CODE_BYTES_MAX + 1], measure[BAOPHU_CODE_BYTES_MAX + 1], suggestion[BAOPHU_CODE_BYTES_MAX + 1];
	baophu_date to;
	int64_t value;
	uint64_t batch;
};

static int find_about(const struct standing *standing, const struct outbox_exception *exception, struct exception_about *ret_about)
{
	struct outbox_walk *walk = NULL;
	struct outbox_update update;
	struct wire_payload payload;
	struct wire_receipt receipt;
	const char *suggestion = "";
	*ret_about = (struct exception_about){ .to = BAOPHU_DATE_NONE, .value = BAOPHU_ABSENT };
	int got = outbox_walk_open(standing->outbox, exception->serial, &walk);
	if (!got)
		got = outbox_walk_next(walk, &update, &payload);
	if (got > 0) {
		uint32_t entry = exception->entry < payload.entry_count ? exception->entry : 0;
		ret_about->batch = update.batch;
		if (payload.entry_count && payload.entries[entry].kind == WIRE_RATE) {
			const struct wire_rate *rate = &payload.entries[entry].rate;
			snprintf(ret_about->unit, sizeof ret_about->unit, "%s", rate->unit);
			snprintf(ret_about->measure, sizeof ret_about->measure, "%s", rate->measure);
			ret_about->to = rate->to;
		} else if (payload.entry_count && payload.entries[entry].kind <= WIRE_WITHDRAWAL) {
			const struct wire_fact *fact = &payload.entries[entry].fact;
			snprintf(ret_about->unit, sizeof ret_about->unit, "%s", fact->unit);
			snprintf(ret_about->measure, sizeof ret_about->measure, "%s", fact->measure);
			ret_about->to = fact->to;
			ret_about->value = fact->value;
		}
	}
	outbox_walk_close(walk);
	if (got >= 0 && outbox_receipt(standing->outbox, exception->serial, &receipt, &suggestion) == 0)
		snprintf(ret_about->suggestion, sizeof ret_about->suggestion, "%s", suggestion);
	return got < 0 && got != -BAOPHU_ENOTFOUND ? got : 0;
}

static int write_exception(const struct standing *standing, struct writer *writer, const struct outbox_exception *exception)
{
	struct exception_about about;
	bool is_held = exception->state == OUTBOX_HELD;
	char advice[LINE_BYTES];
	int error = find_about(standing, exception, &about);
	if (error)
		return error;
	if (is_held && *about.suggestion)
		snprintf(advice, sizeof advice, _("the centre keeps it until it is decided; report under %s instead?"),
			 about.suggestion);
	else
		snprintf(advice, sizeof advice, "%s",
			 is_held ? _("the centre keeps it until it is decided there; nothing is lost")
				 : word_code_office_advice(exception->code));
	if (writer_is_for_people(writer)) {
		char line[3 * LINE_BYTES], day[11];
		snprintf(line, sizeof line, _("Batch %llu, %s: %s %s %s: %s. What to do: %s."), (unsigned long long)about.batch,
			 word_for_people(WORDS_VERDICT, is_held ? BAOPHU_HELD : BAOPHU_REFUSED), about.unit,
			 standing->mirror ? names_text(&standing->mirror->names, about.measure) : about.measure,
			 baophu_date_format(about.to, writer->options.vietnamese, day), word_code_meaning(exception->code), advice);
		writer_paragraph(writer, line);
		return 0;
	}
	const struct field fields[] = {
		field_integer((int64_t)exception->serial),
		field_integer((int64_t)about.batch),
		field_text(word_of(WORDS_VERDICT, is_held ? BAOPHU_HELD : BAOPHU_REFUSED)),
		field_text(wire_code_name(exception->code)),
		exception->entry == UINT32_MAX ? field_null() : field_integer(exception->entry),
		field_code(about.unit),
		field_text(about.measure),
		field_date(about.to),
		field_integer(about.value),
		field_text(word_code_meaning(exception->code)),
		field_text(advice),
		field_code(about.suggestion),
		field_integer((int64_t)exception->receipt_seq),
	};
	return writer_row(writer, fields);
}

static int write_exceptions(const struct standing *standing, struct writer *writer)
{
	const struct column columns[] = {
		{ .key = "update" }, { .key = "batch" },      { .key = "verdict" }, { .key = "code" },  { .key = "entry" },
		{ .key = "unit" },   { .key = "measure" },    { .key = "to" },      { .key = "value" }, { .key = "reason" },
		{ .key = "advice" }, { .key = "suggestion" }, { .key = "receipt" },
	};
	const struct outbox_standing *out = outbox_standing(standing->outbox);
	uint32_t count = out->held + out->refused;
	/* For people each is a paragraph of its own. */
	int error = writer_is_for_people(writer) ? 0 : writer_begin(writer, columns, sizeof columns / sizeof *columns);
	/* The newest ones, when there are more than are shown. */
	for (uint32_t i = count > STANDING_EXCEPTIONS ? count - STANDING_EXCEPTIONS : 0; i < count && !error; i++) {
		struct outbox_exception exception;
		error = outbox_exception(standing->outbox, i, &exception);
		if (!error)
			error = write_exception(standing, writer, &exception);
	}
	int end = writer_end(writer);
	return error ? error : end;
}

/* ---- the whole ---- */

static int write_for_people(const struct standing *standing, const struct writer_options *options, FILE *out)
{
	const struct outbox_standing *outbox = outbox_standing(standing->outbox);
	struct writer writer;
	char line[LINE_BYTES];
	uint64_t newest;
	writer_open(&writer, options, out);
	write_glance(standing, &writer);
	int error = 0;
	if ((standing->mirror && standing->mirror->record_count) || standing->pending_count) {
		writer_note(&writer, "");
		error = write_figures(standing, &writer);
	}
	if (!error && outbox_newest_batches(standing->outbox, &newest, 1) > 0) {
		writer_note(&writer, "");
		error = write_batches(standing, &writer);
	}
	if (!error && outbox->held + outbox->refused) {
		writer_note(&writer, "");
		error = write_exceptions(standing, &writer);
	}
	if (!error && outbox->held + outbox->refused > STANDING_EXCEPTIONS) {
		snprintf(line, sizeof line, _("and %u more, older ones"), outbox->held + outbox->refused - STANDING_EXCEPTIONS);
		writer_note(&writer, line);
	}
	return error;
}

static int write_for_programs(const struct standing *standing, const struct writer_options *options, FILE *out)
{
	static const struct {
		const char *key;
		int (*write)(const struct standing *standing, struct writer *writer);
		enum writer_kind kind;
	} sections[] = {
		{ "{\"office\":", write_office, WRITER_JSONL },
		{ ",\"figures\":", write_figures, WRITER_JSON },
		{ ",\"batches\":", write_batches, WRITER_JSON },
		{ ",\"exceptions\":", write_exceptions, WRITER_JSON },
	};
	int error = 0;
	for (size_t i = 0; i < sizeof sections / sizeof *sections && !error; i++) {
		struct writer_options each = *options;
		struct writer writer;
		each.kind = sections[i].kind;
		fputs(sections[i].key, out);
		writer_open(&writer, &each, out);
		error = sections[i].write(standing, &writer);
	}
	fputs("}\n", out);
	return error;
}

int standing_write(const struct standing *standing, const struct writer_options *options, FILE *out)
{
	int error = options->kind == WRITER_TABLE  ? write_for_people(standing, options, out)
		    : options->kind == WRITER_JSON ? write_for_programs(standing, options, out)
						   : -EINVAL;
	return error ? error : ferror(out) ? -EIO : 0;
}

int standing_text(const struct standing *standing, char **ret_text, size_t *ret_bytes)
{
	const struct writer_options options = { .kind = WRITER_TABLE, .vietnamese = standing->vietnamese, .width = TEXT_WIDTH };
	char *plain = NULL, *text = NULL;
	size_t size = 0, bytes = 0;
	FILE *out = open_memstream(&plain, &size), *windows = open_memstream(&text, &bytes);
	int error = out && windows ? standing_write(standing, &options, out) : -ENOMEM;
	if (out && fclose(out) && !error)
		error = -ENOMEM;
	if (!error)
		fputs("\xef\xbb\xbf", windows);
	for (size_t i = 0; i < size && !error; i++) {
		if (plain[i] == '\n')
			fputc('\r', windows);
		fputc(plain[i], windows);
	}
	if (windows && fclose(windows) && !error)
		error = -ENOMEM;
	free(plain);
	if (error) {
		free(text);
		return error;
	}
	*ret_text = text;
	*ret_bytes = bytes;
	return 0;
}
