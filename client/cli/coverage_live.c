/* coverage_live.c - the view of `baophu coverage watch`; see coverage_live.h. */
#include "coverage_live.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "event_rows.h"
#include "language.h"
#include "terminal.h"

/* When more figures than CHANGES_MAX change at once, a mark says nothing: the newest keep theirs. */
enum { PAINT_MS = 250, RECENT_MS = 30000, CHANGES_MAX = 512 };

struct change {
	uint32_t unit_number;
	char measure[BAOPHU_CODE_BYTES_MAX + 1];
	int64_t until_ms;
};
struct live {
	const struct cli *cli;
	const struct names *names;
	struct terminal *terminal;
	struct view view;
	struct view_screen screen;
	struct coverage_set start; /* by unit number */
	struct baophu_league *start_league; /* of a ranking */
	bool has_start, is_dirty;
	struct change changes[CHANGES_MAX];
	size_t change_count;
	size_t offset;
	int64_t painted_ms; /* 0: never */
	bool is_ascii;
	char news[EVENT_SENTENCE_BYTES]; /* "": none yet */
	char news_figures[EVENT_TEXT_BYTES], news_time[FIELD_BYTES];
};

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int live_open(const struct cli *cli, const struct names *names, struct live **ret_live)
{
	struct live *live = calloc(1, sizeof *live);
	if (!live)
		return -ENOMEM;
	*live = (struct live){ .cli = cli, .names = names, .is_dirty = true };
	live->is_ascii = cli->options.ascii || !language_is_utf8();
	int error = terminal_open(cli->writer.options.color, &live->terminal);
	if (error) {
		free(live);
		return error;
	}
	*ret_live = live;
	return 0;
}

void live_close(struct live *live)
{
	if (!live)
		return;
	int ended_by = terminal_close(live->terminal);
	view_finish(&live->view);
	view_screen_finish(&live->screen);
	coverage_set_finish(&live->start);
	baophu_league_destroy(live->start_league);
	free(live);
	if (ended_by) {
		signal(ended_by, SIG_DFL);
		raise(ended_by);
	}
}

int live_begin(struct live *live, const struct live_sight *sight)
{
	int error = 0;
	coverage_set_finish(&live->start);
	for (uint32_t i = 0; i < sight->set_count; i++)
		for (uint32_t j = 0; !error && j < sight->sets[i]->count; j++)
			error = coverage_set_add(&live->start, &sight->sets[i]->records[j]);
	coverage_set_sort(&live->start);
	if (!error && sight->league) {
		const struct baophu_league_config config = { .across_parents = true };
		const struct baophu_cut cut = { .is_whole = true,
						.record_count = live->start.count,
						.records = live->start.records };
		baophu_league_destroy(live->start_league);
		live->start_league = NULL;
		error = baophu_league_create(&config, &live->start_league);
		if (!error)
			error = baophu_league_take(live->start_league, &cut);
	}
	live->has_start = true;
	live->is_dirty = true;
	return error;
}

/* Marks that have been there long enough are taken off. */
static void forget_changes(struct live *live, int64_t now)
{
	size_t kept = 0;
	for (size_t i = 0; i < live->change_count; i++)
		if (live->changes[i].until_ms > now)
			live->changes[kept++] = live->changes[i];
	live->is_dirty = live->is_dirty || kept < live->change_count;
	live->change_count = kept;
}

static struct change *find_change(struct live *live, uint32_t unit_number, const char *measure)
{
	for (size_t i = 0; i < live->change_count; i++)
		if (live->changes[i].unit_number == unit_number && strcmp(live->changes[i].measure, measure) == 0)
			return &live->changes[i];
	return NULL;
}

void live_note(struct live *live, uint32_t unit_number, const char *measure)
{
	live->is_dirty = true;
	struct change *change = measure ? find_change(live, unit_number, measure) : NULL;
	if (!measure || change) {
		if (change)
			change->until_ms = now_ms() + RECENT_MS;
		return;
	}
	if (live->change_count == CHANGES_MAX)
		memmove(live->changes, live->changes + 1, --live->change_count * sizeof *live->changes);
	change = &live->changes[live->change_count++];
	*change = (struct change){ .unit_number = unit_number, .until_ms = now_ms() + RECENT_MS };
	snprintf(change->measure, sizeof change->measure, "%s", measure);
}

void live_tell(struct live *live, const struct baophu_event *event)
{
	event_headline(event, live->names, live->cli->vietnamese, live->news);
	event_figures(event, live->names, live->cli->options.decimals, live->cli->vietnamese, live->news_figures);
	event_time(event, live->cli->vietnamese, live->news_time);
	for (char *dot; live->is_ascii && (dot = strstr(live->news, "·"));) {
		*dot = '-';
		memmove(dot + 1, dot + strlen("·"), strlen(dot + strlen("·")) + 1);
	}
	live->is_dirty = true;
}

static const struct baophu_row *row_at_start(const struct live *live, const struct view_row *row)
{
	const struct baophu_record *record = coverage_set_find(&live->start, row->record->unit_number);
	for (uint32_t i = 0; record && i < record->row_count; i++) {
		const struct baophu_row *before = &record->rows[i];
		if (before->kind == row->figure->kind && strcmp(before->measure, row->figure->measure) == 0 &&
		    (before->kind != BAOPHU_ROW_PLAN || strcmp(before->plan, row->figure->plan) == 0))
			return before;
	}
	return NULL;
}

/* How many places the unit has gone up; it is new when it was not ranked. */
static void fill_rank_change(const struct live *live, struct view_row *row)
{
	const struct baophu_row *ranked = row->plan ? row->plan : row->figure;
	struct baophu_league_place before = { 0 };
	if (!row->rank || !live->start_league)
		return;
	baophu_league_rank(live->start_league, row->record->unit_number, ranked->kind, ranked->measure, ranked->plan, &before);
	if (before.rank)
		row->change = (int64_t)before.rank - row->rank;
	else
		row->is_new = true;
}

static void fill_changes(struct live *live)
{
	for (size_t i = 0; i < live->view.count; i++) {
		struct view_row *row = &live->view.rows[i];
		if (!row->figure || row->is_further_plan || (live->view.is_ranking && row->is_heading))
			continue;
		row->is_recent = find_change(live, row->record->unit_number, row->figure->measure);
		if (live->view.is_ranking) {
			fill_rank_change(live, row);
			continue;
		}
		if (!live->has_start || row->figure->kind == BAOPHU_ROW_SHARE || row->figure->value == BAOPHU_ABSENT)
			continue;
		const struct baophu_row *before = row_at_start(live, row);
		if (!before || before->value == BAOPHU_ABSENT)
			row->is_new = true;
		else
			row->change = row->figure->value - before->value;
	}
}

/* What the clock on the wall said so long ago. */
static void tell_time(int64_t age_ms, char buffer[static 9])
{
	struct timespec now;
	struct tm local;
	clock_gettime(CLOCK_REALTIME, &now);
	time_t then = (time_t)(((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - age_ms) / 1000);
	*buffer = '\0';
	if (age_ms >= 0)
		strftime(buffer, 9, "%H:%M:%S", localtime_r(&then, &local));
}

static int paint(struct live *live, const struct live_sight *sight)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < sight->set_count; i++)
		count += sight->sets[i]->count;
	const struct baophu_record **records = malloc((count ? count : 1) * sizeof *records);
	if (!records)
		return -ENOMEM;
	count = 0;
	for (uint32_t i = 0; i < sight->set_count; i++)
		for (uint32_t j = 0; j < sight->sets[i]->count; j++)
			records[count++] = &sight->sets[i]->records[j];
	struct view_frame frame = { .title = sight->title,
				    .offset = live->offset,
				    .vietnamese = live->cli->vietnamese,
				    .is_ascii = live->is_ascii,
				    .decimals = live->cli->options.decimals,
				    .names = live->names,
				    .date = sight->seq ? sight->date : BAOPHU_DATE_NONE,
				    .state = sight->state,
				    .seq = sight->seq,
				    .news = *live->news ? live->news : NULL,
				    .news_figures = live->news_figures,
				    .news_time = live->news_time };
	tell_time(sight->proof_age_ms, frame.since);
	terminal_size(live->terminal, &frame.width, &frame.height);
	/* Before the first proof nothing may be shown. */
	int error = sight->league && live->has_start ? view_build_ranking(&live->view, sight->league, sight->sets[0])
						     : view_build(&live->view, records, live->has_start ? count : 0);
	if (!error) {
		fill_changes(live);
		error = view_lay_out(&live->view, &frame, &live->screen);
	}
	if (!error)
		error = terminal_paint(live->terminal, &live->screen);
	live->offset = live->screen.offset;
	free(records);
	return error;
}

static void scroll_by(struct live *live, size_t rows, bool up)
{
	if (up)
		live->offset = live->offset > rows ? live->offset - rows : 0;
	else
		live->offset += rows; /* the layout knows the end */
	live->is_dirty = true;
}

/* True when the view ends. */
static bool act(struct live *live, enum terminal_event event, int *ret_status)
{
	/* One line stays in sight, and the one that a heading may cover. */
	size_t page = live->screen.page > 2 ? live->screen.page - 2 : 1;
	switch (event) {
	case TERMINAL_UP:
		scroll_by(live, 1, true);
		break;
	case TERMINAL_DOWN:
		scroll_by(live, 1, false);
		break;
	case TERMINAL_PAGE_UP:
		scroll_by(live, page, true);
		break;
	case TERMINAL_PAGE_DOWN:
		scroll_by(live, page, false);
		break;
	case TERMINAL_HOME:
		scroll_by(live, live->view.count, true);
		break;
	case TERMINAL_END:
		scroll_by(live, live->view.count, false);
		break;
	case TERMINAL_REPAINT:
		live->is_dirty = true;
		break;
	case TERMINAL_INTERRUPTED:
	case TERMINAL_ENDED:
		*ret_status = CLI_INTERRUPTED;
		return true;
	case TERMINAL_QUIT:
		*ret_status = CLI_OK;
		return true;
	case TERMINAL_NOTHING:
		break;
	}
	return false;
}

int live_step(struct live *live, const struct live_sight *sight, bool *ret_ends)
{
	int status = CLI_OK;
	enum terminal_event event;
	do {
		event = terminal_next(live->terminal);
		if (act(live, event, &status)) {
			*ret_ends = true;
			return status;
		}
	} while (event != TERMINAL_NOTHING);
	int64_t now = now_ms();
	forget_changes(live, now);
	if (!live->is_dirty || (live->painted_ms && now - live->painted_ms < PAINT_MS))
		return CLI_OK;
	int error = paint(live, sight);
	live->is_dirty = false;
	live->painted_ms = now_ms();
	return error;
}
