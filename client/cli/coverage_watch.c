/* coverage_watch.c - `baophu coverage watch`: what changes below a unit, as it happens.
 *
 * One subscription a depth. Nothing is printed before every one of them is proved; then the snapshot, then each figure that changed. After a
 * lost connection the same again, but of the new snapshot only what differs from what was printed, so a reader of the lines is
 * never left with an old figure. A stale or broken view is said on standard error.
 * On a terminal coverage_live.h shows the same as a picture that is kept up to date.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "coverage.h"
#include "coverage_live.h"
#include "language.h"
#include "subscription.h"
#include "terminal.h"

enum { DEPTHS_MAX = BAOPHU_DEPTH_MAX + 1, STEP_MS = 50 };

struct watch;
struct watched {
	struct watch *watch;
	struct subscription *subscription;
	struct coverage_set held; /* as the collector has it */
	struct coverage_set shown; /* as it was printed */
	bool was_exact, is_joined;
};
struct watch {
	struct cli *cli;
	struct names names;
	struct watched depths[DEPTHS_MAX];
	uint32_t depth_count;
	struct live *live; /* NULL: lines are printed */
	bool has_begun;
	int error; /* the first one of a callback */
};

static const struct baophu_record *find(const struct coverage_set *set, uint32_t unit_number)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (set->records[i].unit_number == unit_number)
			return &set->records[i];
	return NULL;
}

static bool has_same_row(const struct baophu_record *before, const struct baophu_row *row)
{
	for (uint32_t i = 0; before && i < before->row_count; i++)
		if (memcmp(&before->rows[i], row, sizeof *row) == 0)
			return true;
	return false;
}

/* Prints the rows of a record that were not printed like this before. */
static int show_changes(struct watch *watch, const struct baophu_record *before, const struct baophu_record *record)
{
	struct cli *cli = watch->cli;
	int error = 0;
	if (!writer_is_for_people(&cli->writer)) {
		for (uint32_t i = 0; !error && i < record->row_count; i++) {
			struct field fields[COVERAGE_FIELDS];
			struct coverage_field_texts texts;
			if (has_same_row(before, &record->rows[i]))
				continue;
			coverage_fields(record, &record->rows[i], cli->options.decimals, &texts, fields);
			error = writer_row(&cli->writer, fields);
		}
		fflush(cli->writer.out);
		return error;
	}
	for (uint32_t i = 0, end; i < record->row_count; i = end) {
		bool is_changed = !has_same_row(before, &record->rows[i]);
		for (end = i + 1; end < record->row_count && record->rows[end].kind == BAOPHU_ROW_PLAN; end++)
			is_changed = is_changed || !has_same_row(before, &record->rows[end]);
		if (!is_changed ||
		    (!before && record->rows[i].value == BAOPHU_ABSENT && record->rows[i].numerator == BAOPHU_ABSENT))
			continue;
		char sentence[COVERAGE_SENTENCE_BYTES], line[COVERAGE_SENTENCE_BYTES + 32];
		snprintf(line, sizeof line, "[%llu] %s", (unsigned long long)record->version,
			 coverage_sentence(record, i, &watch->names, cli->vietnamese, cli->options.decimals, sentence));
		writer_note(&cli->writer, line);
	}
	fflush(cli->writer.out);
	return 0;
}

/* True when a row like this one was there, as far as the picture shows it. */
static bool had_same_look(const struct baophu_record *before, const struct baophu_row *row)
{
	for (uint32_t i = 0; before && i < before->row_count; i++) {
		const struct baophu_row *old = &before->rows[i];
		if (old->kind == row->kind && strcmp(old->measure, row->measure) == 0 && strcmp(old->plan, row->plan) == 0 &&
		    old->value == row->value && old->from == row->from && old->to == row->to && old->basis == row->basis &&
		    old->state == row->state && old->status == row->status && old->origin == row->origin &&
		    old->bound == row->bound && old->plan_state == row->plan_state && old->target == row->target &&
		    old->numerator == row->numerator && old->denominator == row->denominator && old->reported == row->reported &&
		    old->expected == row->expected)
			return true;
	}
	return false;
}

/* Marks the figures of a record that were not shown like this before; the picture itself is painted from what is held. */
static void note_changes(struct live *live, const struct baophu_record *before, const struct baophu_record *record)
{
	live_note(live, record->unit_number, NULL);
	for (uint32_t i = 0; i < record->row_count; i++)
		if (record->rows[i].kind != BAOPHU_ROW_PUBLISHED && !had_same_look(before, &record->rows[i]))
			live_note(live, record->unit_number, record->rows[i].measure);
}

static int show_record(struct watched *watched, const struct baophu_record *record)
{
	int error = 0;
	if (watched->watch->live)
		note_changes(watched->watch->live, find(&watched->shown, record->unit_number), record);
	else if (!record->tombstone)
		error = show_changes(watched->watch, find(&watched->shown, record->unit_number), record);
	if (!error)
		error = coverage_set_replace(&watched->shown, record);
	return error;
}

static void keep_error(struct watch *watch, int error) { watch->error = watch->error ? watch->error : error; }

/* The rows of one of the measures asked for, and of the plan asked for. */
static bool is_wanted(const struct options *options, const struct baophu_row *row)
{
	if (*options->plan && row->kind == BAOPHU_ROW_PLAN && strcmp(row->plan, options->plan) != 0)
		return false;
	bool is_measure = !options->measure_count;
	for (uint32_t i = 0; !is_measure && i < options->measure_count; i++)
		is_measure = strcmp(row->measure, options->measures[i]) == 0;
	return is_measure;
}

static int take_record(struct watched *watched, const struct baophu_record *record)
{
	const struct options *options = &watched->watch->cli->options;
	struct baophu_record wanted = *record;
	struct baophu_row *rows = NULL;
	if (!record->tombstone && (*options->plan || options->measure_count)) {
		rows = malloc((record->row_count ? record->row_count : 1) * sizeof *rows);
		if (!rows)
			return -ENOMEM;
		wanted.rows = rows;
		wanted.row_count = 0;
		for (uint32_t i = 0; i < record->row_count; i++)
			if (is_wanted(options, &record->rows[i]))
				rows[wanted.row_count++] = record->rows[i];
	}
	int error = coverage_set_replace(&watched->held, &wanted);
	if (!error && watched->is_joined && watched->watch->has_begun)
		error = show_record(watched, &wanted);
	free(rows);
	return error;
}

static void on_record(void *user, const struct baophu_record *record)
{
	struct watched *watched = user;
	keep_error(watched->watch, take_record(watched, record));
}

static void on_state(void *user, const struct subscription_standing *standing)
{
	struct watched *watched = user;
	bool is_exact = standing->state == HOLDING_EXACT;
	if (standing->state == HOLDING_SYNCING) {
		coverage_set_finish(&watched->held);
		watched->is_joined = false;
	}
	if (watched->watch->live)
		live_note(watched->watch->live, 0, NULL);
	else if (watched->was_exact && standing->state == HOLDING_STALE)
		cli_say(_("the connection is lost; what was printed is as of log place %llu"),
			(unsigned long long)standing->place.seq);
	watched->was_exact = is_exact || (watched->was_exact && standing->state != HOLDING_STALE);
	if (!is_exact || watched->is_joined)
		return;
	watched->is_joined = true;
	for (uint32_t i = 0; watched->watch->has_begun && i < watched->held.count; i++)
		keep_error(watched->watch, show_record(watched, &watched->held.records[i]));
	if (watched->watch->has_begun && !watched->watch->live)
		cli_say(_("up to date again at log place %llu"), (unsigned long long)standing->place.seq);
}

/* Everything proved at one place: the first snapshot may be shown. */
static bool is_exact_everywhere(const struct watch *watch)
{
	uint64_t seq = subscription_standing(watch->depths[0].subscription)->place.seq;
	for (uint32_t i = 0; i < watch->depth_count; i++) {
		const struct subscription_standing *standing = subscription_standing(watch->depths[i].subscription);
		if (standing->state != HOLDING_EXACT || standing->place.seq != seq)
			return false;
	}
	return true;
}

static int show_snapshot(struct watch *watch)
{
	struct cli *cli = watch->cli;
	const struct subscription_standing *standing = subscription_standing(watch->depths[0].subscription);
	int error = 0;
	watch->has_begun = true;
	if (!writer_is_for_people(&cli->writer)) {
		error = writer_begin(&cli->writer, coverage_columns, COVERAGE_FIELDS);
		for (uint32_t i = 0; i < watch->depth_count; i++)
			for (uint32_t j = 0; !error && j < watch->depths[i].held.count; j++)
				error = show_record(&watch->depths[i], &watch->depths[i].held.records[j]);
		fflush(cli->writer.out);
		return error;
	}
	char text[160], date[11];
	snprintf(text, sizeof text, _("Snapshot of %s, proved at log place %llu"), cli_date(cli, standing->date, date),
		 (unsigned long long)standing->place.seq);
	writer_note(&cli->writer, text);
	struct coverage_set all = { 0 };
	for (uint32_t i = 0; i < watch->depth_count; i++)
		for (uint32_t j = 0; !error && j < watch->depths[i].held.count; j++) {
			error = coverage_set_add(&all, &watch->depths[i].held.records[j]);
			if (!error)
				error = coverage_set_replace(&watch->depths[i].shown, &watch->depths[i].held.records[j]);
		}
	if (!error)
		error = coverage_write_table(&cli->writer, &all, &watch->names, cli->options.decimals);
	fflush(cli->writer.out);
	coverage_set_finish(&all);
	return error;
}

/* ---- on a terminal ---- */

/* Everything together is as sure as the least sure of it: from what is worst to what is best. */
static void look(const struct watch *watch, struct live_sight *ret_sight)
{
	static const int how_bad[HOLDING_STATE_COUNT] = {
		[HOLDING_EXACT] = 0, [HOLDING_FOLLOWING] = 1, [HOLDING_REPAIRING] = 2, [HOLDING_SYNCING] = 3, [HOLDING_STALE] = 4
	};
	*ret_sight = (struct live_sight){ .state = HOLDING_EXACT, .date = BAOPHU_DATE_NONE, .set_count = watch->depth_count };
	for (uint32_t i = 0; i < watch->depth_count; i++) {
		const struct subscription_standing *standing = subscription_standing(watch->depths[i].subscription);
		ret_sight->sets[i] = &watch->depths[i].held;
		if (how_bad[standing->state] > how_bad[ret_sight->state])
			ret_sight->state = standing->state;
		if (!i || standing->place.seq < ret_sight->seq)
			ret_sight->seq = standing->place.seq;
		ret_sight->date = standing->date > ret_sight->date ? standing->date : ret_sight->date;
		int64_t age_ms = subscription_proof_age_ms(watch->depths[i].subscription);
		if (!i || age_ms < 0 || (ret_sight->proof_age_ms >= 0 && age_ms > ret_sight->proof_age_ms))
			ret_sight->proof_age_ms = age_ms;
	}
	/* Depths proved at different places: the picture as a whole is of none of them. */
	if (ret_sight->state == HOLDING_EXACT && !is_exact_everywhere(watch))
		ret_sight->state = HOLDING_FOLLOWING;
}

static int begin_picture(struct watch *watch, const struct live_sight *sight)
{
	int error = live_begin(watch->live, sight);
	for (uint32_t i = 0; i < watch->depth_count; i++)
		for (uint32_t j = 0; !error && j < watch->depths[i].held.count; j++)
			error = coverage_set_replace(&watch->depths[i].shown, &watch->depths[i].held.records[j]);
	watch->has_begun = true;
	return error;
}

static bool is_event_wanted(const struct options *options, const struct baophu_event *event)
{
	bool is_measure = !options->measure_count;
	for (uint32_t i = 0; !is_measure && i < options->measure_count; i++)
		is_measure = strcmp(event->measure, options->measures[i]) == 0;
	return is_measure && (!*options->plan || strcmp(event->plan, options->plan) == 0);
}

/* Of what was crossed since the last look, in whatever depth, the newest is told. */
static void tell_newest(struct watch *watch)
{
	struct baophu_event newest = { .seq = 0 };
	for (uint32_t i = 0; i < watch->depth_count; i++) {
		struct tally_given given;
		subscription_events(watch->depths[i].subscription, &given);
		for (uint32_t j = 0; j < given.count; j++) {
			const struct baophu_event *event = &given.events[j];
			bool is_newer = event->seq > newest.seq || (event->seq == newest.seq && event->index > newest.index);
			if (is_newer && is_event_wanted(&watch->cli->options, event))
				newest = *event;
		}
		subscription_events_taken(watch->depths[i].subscription);
	}
	if (newest.seq)
		live_tell(watch->live, &newest);
}

static int follow_picture(struct watch *watch)
{
	for (bool ends = false;;) {
		struct live_sight sight;
		int error = 0;
		/* One wait a round, however many depths: keys are answered at once. */
		for (uint32_t i = 0; !error && i < watch->depth_count; i++)
			error = subscription_step(watch->depths[i].subscription, i ? 0 : STEP_MS);
		error = error == -EINTR ? 0 : error ? error : watch->error;
		tell_newest(watch);
		look(watch, &sight);
		if (!error && !watch->has_begun && is_exact_everywhere(watch))
			error = begin_picture(watch, &sight);
		int status = error ? error : live_step(watch->live, &sight, &ends);
		if (!ends && !status)
			continue;
		live_close(watch->live);
		watch->live = NULL;
		return status < 0 ? cli_fail(error ? watch->cli->options.publish : _("terminal"), status) : status;
	}
}

/* ---- as lines ---- */

static int follow(struct watch *watch)
{
	struct cli *cli = watch->cli;
	bool said_waiting = false;
	for (int64_t waited_ms = 0;;) {
		for (uint32_t i = 0; i < watch->depth_count; i++) {
			int error = subscription_step(watch->depths[i].subscription, STEP_MS);
			if (error == -EINTR)
				return CLI_INTERRUPTED;
			error = error ? error : watch->error;
			if (error)
				return cli_fail(cli->options.publish, error);
		}
		if (ferror(cli->writer.out))
			return cli_wrote(-EIO);
		if (watch->has_begun)
			continue;
		if (is_exact_everywhere(watch)) {
			int error = show_snapshot(watch);
			if (error || cli->options.once)
				return error ? cli_wrote(error) : CLI_OK;
		}
		waited_ms += STEP_MS;
		if (cli->options.once && waited_ms * watch->depth_count > (int64_t)cli->options.timeout * 1000) {
			cli_say(_("no proved snapshot from %s within %u s; is baophud running there?"), cli->options.publish,
				cli->options.timeout);
			return CLI_UNREACHABLE;
		}
		if (!said_waiting && waited_ms * watch->depth_count > 1000 && isatty(STDERR_FILENO)) {
			said_waiting = true;
			cli_say(_("waiting for the first proved snapshot from %s …"), cli->options.publish);
		}
	}
}

int coverage_watch(struct cli *cli)
{
	if (cli->options.rank)
		return coverage_watch_rank(cli);
	struct watch *watch = calloc(1, sizeof *watch);
	struct reader *reader = NULL;
	char code[BAOPHU_CODE_BYTES_MAX + 1], path[ASK_PATH_BYTES], name[BAOPHU_TEXT_BYTES_MAX + 1];
	uint32_t top_depth = 0, levels = cli->options.depth == CLI_DEPTH_UNSAID ? 1 : cli->options.depth;
	if (!watch)
		return cli_fail(_("coverage"), -ENOMEM);
	watch->cli = cli;
	if (cli->writer.options.kind == WRITER_JSON && !cli->options.once) {
		cli->writer.options.kind = WRITER_JSONL; /* an array would never end */
		cli->writer.ops = &writer_jsonl;
	}
	int status = ask_open(cli, &reader);
	if (!status)
		status = ask_unit(cli, reader, cli->options.arguments[0], code);
	if (!status)
		status = ask_names(cli, reader, &watch->names);
	if (!status)
		status = coverage_check_measures(cli, &watch->names);
	if (!status)
		status = ask_path(cli, reader, code, path, name, &top_depth);
	reader_close(reader);
	if (!status && writer_is_for_people(&cli->writer) && !cli->options.once && terminal_is_paintable()) {
		int error = live_open(cli, &watch->names, &watch->live);
		if (error)
			status = cli_fail(_("terminal"), error);
	}
	for (uint32_t i = 0; !status && i <= levels && top_depth + i < DEPTHS_MAX; i++) {
		struct watched *watched = &watch->depths[i];
		watched->watch = watch;
		const struct subscription_config config = { .publish_endpoint = cli->options.publish,
							    .query_endpoint = cli->options.query,
							    .path = path,
							    .depth = top_depth + i,
							    .wants_events = watch->live,
							    .user = watched,
							    .on_record = on_record,
							    .on_state = on_state };
		int error = subscription_open(&config, &watched->subscription);
		if (error)
			status = error;
		else
			watch->depth_count++;
	}
	bool was_picture = watch->live;
	if (!status)
		status = watch->live ? follow_picture(watch) : follow(watch);
	live_close(watch->live);
	if (status < 0)
		status = cli_fail(cli->options.publish, status);
	if (watch->has_begun && !was_picture) {
		int ended = cli_wrote(writer_is_for_people(&cli->writer) ? 0 : writer_end(&cli->writer));
		status = status ? status : ended;
	}
	for (uint32_t i = 0; i < watch->depth_count; i++) {
		subscription_close(watch->depths[i].subscription);
		coverage_set_finish(&watch->depths[i].held);
		coverage_set_finish(&watch->depths[i].shown);
	}
	names_finish(&watch->names);
	free(watch);
	return status;
}
