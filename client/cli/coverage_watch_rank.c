/* coverage_watch_rank.c - `baophu coverage watch --rank`: league tables of the units below a unit, and who moves in them.
 *
 * One subscription, of the depth that is ranked, taken cut by cut: nothing is shown that is not proved. On a terminal coverage_live.h keeps a
 * picture up to date; else the tables once, then a line for each rank that changes. A stale view is said on standard error.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <baophu/ratio.h>

#include "commands.h"
#include "coverage_live.h"
#include "coverage_rank.h"
#include "language.h"
#include "terminal.h"

enum { STEP_MS = 50 };

struct watch {
	struct cli *cli;
	struct names names;
	struct baophu_subscription *subscription;
	struct baophu_league *league;
	struct coverage_set held; /* what can be ranked, sorted */
	struct baophu_cut cut; /* the newest one */
	struct live *live; /* NULL: lines are printed */
	char title[BAOPHU_TEXT_BYTES_MAX + 1];
	bool has_begun, was_exact;
	int status; /* the first exit code of a callback */
};

static void keep_status(struct watch *watch, int status) { watch->status = watch->status ? watch->status : status; }

/* ---- what changes ---- */

static const char *rank_text(uint32_t rank, char buffer[static 16])
{
	snprintf(buffer, 16, rank ? "%u" : "–", rank);
	return buffer;
}

/* "[57] Thới Lai · BHXH tự nguyện, kế hoạch nam-2024: hạng 3 → 2 (56,00%)". */
static void say_change(struct watch *watch, const struct baophu_league_change *change)
{
	const struct baophu_league_place *place = &change->place;
	const struct baophu_league_key *key = change->key;
	struct cli *cli = watch->cli;
	char line[1024], plan[64] = "", percent[NUMBER_BYTES + 8] = "", number[NUMBER_BYTES], before[16], now[16];
	int64_t digits = place->rank ? baophu_percent(place->numerator, place->denominator, cli->options.decimals) : BAOPHU_ABSENT;
	if (*key->plan)
		snprintf(plan, sizeof plan, _(", plan %s"), key->plan);
	if (digits != BAOPHU_ABSENT)
		snprintf(percent, sizeof percent, " (%s%%)",
			 number_format_decimal(digits, cli->options.decimals, cli->vietnamese, number));
	snprintf(line, sizeof line, _("[%llu] %s · %s%s: rank %s → %s%s"), (unsigned long long)watch->cut.to.seq, place->name,
		 names_text(&watch->names, key->measure), plan, rank_text(change->before, before), rank_text(place->rank, now),
		 percent);
	writer_note(&cli->writer, line);
}

static void on_change(void *user, const struct baophu_league_change *change)
{
	struct watch *watch = user;
	if (!watch->has_begun) /* all of it is shown */
		return;
	if (watch->live)
		live_note(watch->live, change->place.unit_number, change->key->measure);
	else if (writer_is_for_people(&watch->cli->writer))
		say_change(watch, change);
	else
		keep_status(watch, rank_write_row(watch->cli, &watch->held, change->key, &change->place, change->before));
}

static int keep_cut(struct watch *watch, const struct baophu_cut *cut)
{
	struct coverage_set changed = { 0 };
	int error = 0;
	for (uint32_t i = 0; !error && i < cut->record_count; i++)
		error = rank_pick(&watch->cli->options, &cut->records[i], &changed);
	watch->cut = *cut;
	watch->cut.records = NULL; /* lent until the callback ends */
	if (cut->is_whole)
		coverage_set_finish(&watch->held);
	uint32_t count = watch->held.count;
	for (uint32_t i = 0; !error && i < changed.count; i++)
		error = cut->is_whole ? coverage_set_add(&watch->held, &changed.records[i])
				      : coverage_set_replace(&watch->held, &changed.records[i]);
	if (watch->held.count > count)
		coverage_set_sort(&watch->held);
	const struct baophu_cut picked = { .is_whole = cut->is_whole, .record_count = changed.count, .records = changed.records };
	if (!error)
		error = baophu_league_take(watch->league, &picked);
	coverage_set_finish(&changed);
	return error;
}

static void on_cut(void *user, const struct baophu_cut *cut)
{
	struct watch *watch = user;
	int error = keep_cut(watch, cut);
	if (error)
		keep_status(watch, cli_fail(watch->cli->options.publish, error));
	if (watch->live)
		live_note(watch->live, 0, NULL);
	else if (watch->has_begun)
		fflush(watch->cli->writer.out);
}

static void on_state(void *user, const struct baophu_subscription_standing *standing)
{
	struct watch *watch = user;
	bool is_exact = standing->view == BAOPHU_VIEW_EXACT;
	if (watch->live)
		live_note(watch->live, 0, NULL);
	else if (watch->was_exact && standing->view == BAOPHU_VIEW_STALE)
		cli_say(_("the connection is lost; what was printed is as of log place %llu"),
			(unsigned long long)standing->place.seq);
	else if (watch->has_begun && is_exact && !watch->was_exact)
		cli_say(_("up to date again at log place %llu"), (unsigned long long)standing->place.seq);
	watch->was_exact = is_exact || (watch->was_exact && standing->view != BAOPHU_VIEW_STALE);
}

static bool has_snapshot(const struct watch *watch) { return watch->cut.to.seq; }

/* ---- on a terminal ---- */

static int follow_picture(struct watch *watch)
{
	for (bool ends = false;;) {
		struct baophu_subscription_standing standing;
		int error = baophu_subscription_step(watch->subscription, STEP_MS);
		if (watch->status)
			return watch->status;
		baophu_subscription_standing(watch->subscription, &standing);
		const struct live_sight sight = { .sets = { &watch->held },
						  .set_count = 1,
						  .league = watch->league,
						  .title = watch->title,
						  .state = (enum holding_state)standing.view,
						  .seq = standing.place.seq,
						  .date = standing.date,
						  .proof_age_ms = standing.proof_age_ms };
		error = error == -EINTR ? 0 : error;
		if (!error && !watch->has_begun && has_snapshot(watch)) {
			error = live_begin(watch->live, &sight);
			watch->has_begun = true;
		}
		int status = error ? error : live_step(watch->live, &sight, &ends);
		if (status || ends)
			return status < 0 ? cli_fail(error ? watch->cli->options.publish : _("terminal"), status) : status;
	}
}

/* ---- as lines ---- */

static int show_snapshot(struct watch *watch)
{
	struct cli *cli = watch->cli;
	char text[160], date[11];
	bool people = writer_is_for_people(&cli->writer);
	snprintf(text, sizeof text, _("Snapshot of %s, proved at log place %llu"), cli_date(cli, watch->cut.date, date),
		 (unsigned long long)watch->cut.to.seq);
	watch->has_begun = true;
	if (people)
		writer_note(&cli->writer, text);
	int status = rank_write(cli, watch->league, &watch->held, &watch->names, watch->title);
	if (!status && people && !baophu_league_tables(watch->league))
		cli_say(_("nothing there can be ranked: no plans and no indicators"));
	fflush(cli->writer.out);
	return status;
}

static int follow(struct watch *watch)
{
	struct cli *cli = watch->cli;
	bool said_waiting = false;
	for (int64_t waited_ms = 0;; waited_ms += STEP_MS) {
		int error = baophu_subscription_step(watch->subscription, STEP_MS);
		if (error == -EINTR)
			return CLI_INTERRUPTED;
		if (error && !watch->status)
			return cli_fail(cli->options.publish, error);
		if (watch->status)
			return watch->status;
		if (ferror(cli->writer.out))
			return cli_wrote(-EIO);
		if (watch->has_begun)
			continue;
		if (has_snapshot(watch)) {
			int status = show_snapshot(watch);
			if (status || cli->options.once)
				return status;
		}
		if (cli->options.once && waited_ms > (int64_t)cli->options.timeout * 1000) {
			cli_say(_("no proved snapshot from %s within %u s; is baophud running there?"), cli->options.publish,
				cli->options.timeout);
			return CLI_UNREACHABLE;
		}
		if (!said_waiting && waited_ms > 1000 && isatty(STDERR_FILENO)) {
			said_waiting = true;
			cli_say(_("waiting for the first proved snapshot from %s …"), cli->options.publish);
		}
	}
}

static int watch_lines(struct watch *watch)
{
	struct writer *writer = &watch->cli->writer;
	struct column columns[RANK_FIELDS];
	int status = CLI_OK;
	rank_columns(columns);
	if (writer->options.kind == WRITER_JSON && !watch->cli->options.once) {
		writer->options.kind = WRITER_JSONL; /* an array would never end */
		writer->ops = &writer_jsonl;
	}
	if (!writer_is_for_people(writer))
		status = cli_wrote(writer_begin(writer, columns, RANK_FIELDS));
	if (!status)
		status = follow(watch);
	int ended = writer_is_for_people(writer) ? CLI_OK : cli_wrote(writer_end(writer));
	return status ? status : ended;
}

static int watch_ranks(struct watch *watch, const char *path, uint32_t depth)
{
	struct cli *cli = watch->cli;
	const struct baophu_league_config league = { .across_parents = true, .user = watch, .on_change = on_change };
	const struct baophu_subscription_config config = { .publish_endpoint = cli->options.publish,
							   .query_endpoint = cli->options.query,
							   .path = path,
							   .depth = depth,
							   .user = watch,
							   .on_cut = on_cut,
							   .on_state = on_state };
	int error = baophu_league_create(&league, &watch->league);
	if (!error)
		error = baophu_subscription_open(&config, &watch->subscription);
	if (error)
		return cli_fail(cli->options.publish, error);
	if (!writer_is_for_people(&cli->writer) || cli->options.once || !terminal_is_paintable())
		return watch_lines(watch);
	error = live_open(cli, &watch->names, &watch->live);
	if (error)
		return cli_fail(_("terminal"), error);
	int status = follow_picture(watch);
	live_close(watch->live);
	return status;
}

int coverage_watch_rank(struct cli *cli)
{
	struct watch watch = { .cli = cli };
	struct reader *reader = NULL;
	char code[BAOPHU_CODE_BYTES_MAX + 1], path[ASK_PATH_BYTES];
	uint32_t top_depth = 0, levels = cli->options.depth == CLI_DEPTH_UNSAID ? 1 : cli->options.depth;
	int status = ask_open(cli, &reader);
	if (!status)
		status = ask_unit(cli, reader, cli->options.arguments[0], code);
	if (!status)
		status = ask_names(cli, reader, &watch.names);
	if (!status)
		status = coverage_check_measures(cli, &watch.names);
	if (!status)
		status = ask_path(cli, reader, code, path, watch.title, &top_depth);
	reader_close(reader);
	if (!status && top_depth + levels > BAOPHU_DEPTH_MAX) {
		cli_say(_("nothing lies %u levels below %s"), levels, code);
		status = CLI_USAGE;
	}
	if (!status)
		status = watch_ranks(&watch, path, top_depth + levels);
	baophu_subscription_close(watch.subscription);
	baophu_league_destroy(watch.league);
	coverage_set_finish(&watch.held);
	names_finish(&watch.names);
	return status;
}
