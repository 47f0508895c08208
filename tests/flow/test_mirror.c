/* test_mirror.c - an office's copy of what the centre says of it, against the real daemon: made, kept up to date, damaged, put back. */
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include <baophu/date.h>

#include "mirror_file.h"

enum { CHANGED_DAYS_AGO = 30, LATE_DAYS_AGO = 60, RECENT_DAYS_AGO = 10 };
static const int64_t wall_ms = INT64_C(1714410000000), hour_ms = 3600000;

struct office {
	struct server server;
	struct reader *reader;
	struct peer *agent;
	char path[160];
	baophu_date day; /* the centre's */
};

static baophu_date today(void) { return baophu_date_at_ms((int64_t)time(NULL) * 1000); }

static struct wire_entry fact(const char *unit, const char *measure, baophu_date date, int64_t value)
{
	struct wire_entry entry = test_fact(unit, measure, 20240101, value);
	entry.fact.from = entry.fact.to = date;
	return entry;
}

static void administer(struct office *office, const struct wire_entry *entries, uint32_t count)
{
	struct peer *control = peer_open(office->server.control);
	peer_hello(control, "control", 0);
	struct wire_receipt receipt = peer_update(control, entries, count);
	cr_assert_eq(receipt.verdict, BAOPHU_APPLIED, "%s at %u", wire_code_name(receipt.code), receipt.entry);
	peer_close(control);
}

static void report(struct office *office, const struct wire_entry *entries, uint32_t count)
{
	struct wire_receipt receipt = peer_update(office->agent, entries, count);
	cr_assert_eq(receipt.verdict, BAOPHU_APPLIED, "%s at %u", wire_code_name(receipt.code), receipt.entry);
}

/* Thới Lai and its communes; a month ago Trường Thành (31291) went into Định Môn (31288), which took its name. */
static void set_up(struct office *office)
{
	baophu_date old = baophu_date_from_civil(20040101), changed = today() - CHANGED_DAYS_AGO;
	const char *danso = "danso";
	const struct wire_successor into[] = { { "31288", 1 } };
	const struct wire_entry entries[] = {
		{ .kind = WIRE_UNIT_CREATE, .unit_create = { "31288", "Xã Định Môn", "commune", "927", old } },
		{ .kind = WIRE_UNIT_CREATE, .unit_create = { "31291", "Xã Trường Thành", "commune", "927", old } },
		{ .kind = WIRE_UNIT_CHANGE, .unit_change = { "31288", "", "Xã Trường Thành", "", "", changed } },
		{ .kind = WIRE_UNIT_CLOSE, .unit_close = { "31291", changed, 1, into } },
		{ .kind = WIRE_GRANT, .grant = { .agent = "can-tho", .unit = "31288", .from = old, .until = BAOPHU_DATE_NONE } },
		{ .kind = WIRE_GRANT, .grant = { .agent = "thoi-lai", .unit = "31288", .from = old, .until = BAOPHU_DATE_NONE } },
		{ .kind = WIRE_AGENT_SET, .agent = { "so-yte", old, BAOPHU_DATE_NONE } },
		{ .kind = WIRE_GRANT,
		  .grant = { .agent = "so-yte",
			     .unit = "31288",
			     .measure_count = 1,
			     .measures = &danso,
			     .from = old,
			     .until = BAOPHU_DATE_NONE } },
		{ .kind = WIRE_PLAN_SET,
		  .plan = { "nam-nay", "927", "bhxh_tn", "BHXH TP Cần Thơ", "123/QĐ-BHXH", BAOPHU_PLAN_STOCK, today() - 300,
			    today() + 60, 2857, 0, BAOPHU_REPORTED, false } },
	};
	*office = (struct office){ 0 };
	server_init(&office->server, SERVER_IPC);
	server_start(&office->server);
	server_set_up(&office->server);
	administer(office, entries, sizeof entries / sizeof *entries);
	office->agent = peer_open(office->server.ingest);
	peer_hello(office->agent, "thoi-lai", 0);
	const struct wire_entry facts[] = {
		fact("31291", "bhxh_tn", today() - LATE_DAYS_AGO, 111),     fact("31288", "bhxh_tn", today() - LATE_DAYS_AGO, 222),
		fact("31288", "bhxh_tn", today() - RECENT_DAYS_AGO, 340),   fact("927", "bhyt", today() - RECENT_DAYS_AGO, 85254),
		fact("31288", "bhyt", today() - MIRROR_FIGURE_DAYS - 9, 5),
	};
	report(office, facts, sizeof facts / sizeof *facts);
	cr_assert_eq(reader_open(NULL, office->server.query, &office->reader), 0);
	snprintf(office->path, sizeof office->path, "%s/mirror", office->server.directory);
}

static void tear_down(struct office *office)
{
	reader_close(office->reader);
	peer_close(office->agent);
	server_finish(&office->server);
}

/* A refresh to its end; fails the test when it does not come. */
static int refresh(struct office *office, enum mirror_scope scope, const struct mirror *held, const char *agent, int64_t at_ms,
		   struct mirror **ret_mirror)
{
	struct mirror_refresh *refresh;
	cr_assert_eq(mirror_refresh_begin(scope, held, office->path, agent, at_ms, office->reader, &refresh), 0);
	struct link *links[] = { reader_link(office->reader) };
	bool reads[] = { true };
	int result = 0;
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS; !result; link_wait(links, reads, 1, MIRROR_STEP_MS)) {
		cr_assert_lt(link_now_ms(), until, "no end of a refresh");
		result = mirror_refresh_step(refresh, link_now_ms(), ret_mirror);
	}
	if (result == -BAOPHU_EREFUSED) {
		struct baophu_detail detail;
		cr_log_info("refused: %s, fault %d", wire_code_name(mirror_refresh_why(refresh, &detail)), detail.fault);
	}
	mirror_refresh_end(refresh);
	return result;
}

static struct mirror *refreshed(struct office *office, enum mirror_scope scope, const struct mirror *held, int64_t at_ms)
{
	struct mirror *mirror = NULL;
	cr_assert_eq(refresh(office, scope, held, "thoi-lai", at_ms, &mirror), 1);
	return mirror;
}

static int64_t figure_of(const struct mirror *mirror, const char *unit, const char *measure, baophu_date date)
{
	const struct mirror_unit *at = mirror_unit(mirror, unit, date);
	const struct mirror_figure *figure = at ? mirror_figure(mirror, at->number, mirror_measure(mirror, measure), BAOPHU_WHOLE,
								date, date)
						: NULL;
	return figure ? figure->value : BAOPHU_ABSENT;
}

/* The value of a measure in the coverage of a unit. */
static int64_t coverage_of(const struct mirror *mirror, const char *unit, const char *measure)
{
	struct wire_arena arena;
	int64_t value = BAOPHU_ABSENT;
	cr_assert_eq(wire_arena_init(&arena, MIRROR_ARENA_BYTES), 0);
	for (uint32_t i = 0; i < mirror->record_count; i++) {
		struct baophu_record record;
		cr_assert_eq(mirror_record(mirror, i, &arena, &record), 0);
		for (uint32_t k = 0; k < record.row_count && strcmp(record.unit, unit) == 0; k++)
			if (record.rows[k].kind == BAOPHU_ROW_STOCK && strcmp(record.rows[k].measure, measure) == 0)
				value = record.rows[k].value;
	}
	wire_arena_finish(&arena);
	return value;
}

static void assert_is_whole(const struct mirror *mirror)
{
	baophu_date late = today() - LATE_DAYS_AGO, recent = today() - RECENT_DAYS_AGO;
	cr_assert_str_eq(mirror->agent, "thoi-lai");
	cr_assert_eq(mirror->day, today());
	/* 927, both versions of 31288, and 31291 as it was. */
	cr_assert_eq(mirror->unit_count, 4);
	const struct mirror_unit *now = mirror_unit(mirror, "31288", today()), *then = mirror_unit(mirror, "31288", late);
	cr_assert(now && then && now != then && now->number == then->number);
	cr_assert_str_eq(now->name, "Xã Trường Thành");
	cr_assert_str_eq(then->name, "Xã Định Môn");
	cr_assert_str_eq(now->folded, "xa truong thanh");
	cr_assert_eq(then->until, today() - CHANGED_DAYS_AGO - 1);
	cr_assert_str_eq(mirror->units[now->parent - 1].code, "927");
	cr_assert_null(mirror_unit(mirror, "31291", today()));
	cr_assert_not_null(mirror_unit(mirror, "31291", late));
	cr_assert_eq(mirror_unit_numbered(mirror, now->number, late), then);
	cr_assert_eq(mirror_unit_newest(mirror, now->number), now);

	bool renamed = false, merged = false;
	for (uint32_t i = 0; i < mirror->former_count; i++) {
		const struct mirror_former *former = &mirror->former[i];
		cr_assert_eq(&mirror->units[former->unit], now);
		renamed |= former->number == now->number && strcmp(former->name, "Xã Định Môn") == 0;
		merged |= former->number != now->number && strcmp(former->code, "31291") == 0 &&
			  former->until == today() - CHANGED_DAYS_AGO - 1;
	}
	cr_assert(renamed && merged);

	const char *owner = NULL;
	cr_assert(mirror_owns(mirror, now, "bhxh_tn", BAOPHU_WHOLE, today(), &owner));
	cr_assert_str_eq(owner, "thoi-lai");
	cr_assert_not(mirror_owns(mirror, now, "danso", BAOPHU_WHOLE, today(), &owner), "the nearest grant decides");
	cr_assert_str_eq(owner, "so-yte");
	cr_assert(mirror_owns(mirror, mirror_unit(mirror, "31291", late), "danso", BAOPHU_WHOLE, late, NULL));

	cr_assert_eq(figure_of(mirror, "31291", "bhxh_tn", late), 111, "a figure of a unit that is gone");
	cr_assert_eq(figure_of(mirror, "31288", "bhxh_tn", late), 222);
	cr_assert_eq(figure_of(mirror, "31288", "bhxh_tn", recent), 340);
	cr_assert_eq(figure_of(mirror, "927", "bhyt", recent), 85254);
	cr_assert_eq(mirror->figure_count, 4, "none older than is kept");
	int measure = mirror_measure(mirror, "bhxh_tn");
	cr_assert_eq(mirror_latest(mirror, now->number, measure, BAOPHU_WHOLE, recent - 1)->value, 222);
	cr_assert_eq(mirror_latest(mirror, now->number, measure, BAOPHU_WHOLE, today())->value, 340);
	cr_assert_null(mirror_latest(mirror, now->number, measure, BAOPHU_WHOLE, late - 1));
	cr_assert_null(mirror_latest(mirror, now->number, measure, BAOPHU_OWN, today()));

	cr_assert_eq(mirror->plan_count, 1);
	cr_assert_str_eq(mirror->plans[0].document, "123/QĐ-BHXH");
	cr_assert_eq(mirror->record_count, 2);
	cr_assert_eq(coverage_of(mirror, "927", "bhxh_tn"), 340);
	cr_assert_eq(coverage_of(mirror, "31288", "bhxh_tn"), 340);
	cr_assert_str_eq(names_unit(&mirror->names, "bhxh_tn"), "people");
}

Test(mirror, holds_what_the_centre_says_of_this_office_with_the_link_down)
{
	struct office office;
	set_up(&office);
	struct mirror *mirror = NULL;
	cr_assert_eq(mirror_open(office.path, "thoi-lai", &mirror), -ENOENT);
	mirror = refreshed(&office, MIRROR_FIGURES, NULL, wall_ms);
	assert_is_whole(mirror);
	cr_assert(mirror->taken_ms == wall_ms && mirror->complete_ms == wall_ms);
	struct baophu_place place = mirror->place;
	mirror_close(mirror);

	server_stop(&office.server);
	cr_assert_eq(mirror_open(office.path, "thoi-lai", &mirror), 0);
	assert_is_whole(mirror);
	cr_assert_eq(memcmp(&mirror->place, &place, sizeof place), 0);
	cr_assert(mirror->taken_ms == wall_ms && mirror->complete_ms == wall_ms);
	struct mirror *other = NULL;
	cr_assert_eq(mirror_open(office.path, "can-tho", &other), -ESTALE);

	/* A refresh that nobody answers gives up and leaves the file. */
	struct mirror_refresh *refresh;
	cr_assert_eq(mirror_refresh_begin(MIRROR_FIGURES, mirror, office.path, "thoi-lai", wall_ms, office.reader, &refresh), 0);
	cr_assert_eq(mirror_refresh_step(refresh, 1000, &other), 0);
	cr_assert_eq(mirror_refresh_step(refresh, 1000 + MIRROR_ANSWER_MS, &other), -BAOPHU_ETIMEOUT);
	mirror_refresh_end(refresh);
	mirror_close(mirror);
	cr_assert_eq(mirror_open(office.path, "thoi-lai", &mirror), 0);
	mirror_close(mirror);
	server_start(&office.server);
	tear_down(&office);
}

Test(mirror, is_kept_up_to_date_for_the_price_of_what_changed)
{
	struct office office;
	set_up(&office);
	baophu_date recent = today() - RECENT_DAYS_AGO;
	struct mirror *before = refreshed(&office, MIRROR_EVERYTHING, NULL, wall_ms), *mirror;

	struct wire_entry entry = fact("31288", "bhxh_tn", recent, 350);
	report(&office, &entry, 1);
	mirror = refreshed(&office, MIRROR_FIGURES, before, wall_ms + hour_ms);
	cr_assert_eq(figure_of(mirror, "31288", "bhxh_tn", recent), 350);
	cr_assert_eq(coverage_of(mirror, "927", "bhxh_tn"), 350);
	cr_assert_eq(mirror->figure_count, 4);
	cr_assert_eq(mirror->taken_ms, wall_ms + hour_ms);
	cr_assert_eq(mirror->complete_ms, wall_ms, "lists were kept");
	mirror_close(before);
	before = mirror;

	/* A late figure changes nothing of the present, and is there all the same. */
	entry = fact("31288", "bhxh_tn", today() - LATE_DAYS_AGO, 223);
	report(&office, &entry, 1);
	mirror = refreshed(&office, MIRROR_FIGURES, before, wall_ms + 2 * hour_ms);
	cr_assert_eq(figure_of(mirror, "31288", "bhxh_tn", today() - LATE_DAYS_AGO), 223);
	cr_assert_eq(coverage_of(mirror, "927", "bhxh_tn"), 350);
	mirror_close(before);
	before = mirror;

	/* Taken back: what stood before stands again; twice: no figure. */
	struct wire_entry withdrawal = { .kind = WIRE_WITHDRAWAL,
					 .fact = { .unit = "31288",
						   .measure = "bhxh_tn",
						   .extent = BAOPHU_WHOLE,
						   .from = recent,
						   .to = recent,
						   .value = BAOPHU_ABSENT,
						   .reason = BAOPHU_REASON_UNDO } };
	report(&office, &withdrawal, 1);
	mirror = refreshed(&office, MIRROR_FIGURES, before, wall_ms + 3 * hour_ms);
	cr_assert_eq(figure_of(mirror, "31288", "bhxh_tn", recent), 340);
	mirror_close(before);
	before = mirror;
	report(&office, &withdrawal, 1);
	mirror = refreshed(&office, MIRROR_FIGURES, before, wall_ms + 4 * hour_ms);
	cr_assert_eq(figure_of(mirror, "31288", "bhxh_tn", recent), BAOPHU_ABSENT);
	cr_assert_eq(mirror->figure_count, 3);
	cr_assert_eq(mirror->complete_ms, wall_ms);
	mirror_close(before);
	before = mirror;

	/* Nothing happened: only when it was asked is new. The file says the same. */
	mirror = refreshed(&office, MIRROR_FIGURES, before, wall_ms + 5 * hour_ms);
	cr_assert_eq(coverage_of(mirror, "927", "bhxh_tn"), coverage_of(before, "927", "bhxh_tn"));
	cr_assert(mirror->record_count == 2 && mirror->figure_count == 3 && mirror->taken_ms == wall_ms + 5 * hour_ms);
	mirror_close(before);
	mirror_close(mirror);
	cr_assert_eq(mirror_open(office.path, "thoi-lai", &before), 0);
	cr_assert(before->record_count == 2 && before->figure_count == 3 && before->taken_ms == wall_ms + 5 * hour_ms);

	/* Another map: the lists are asked again. */
	const struct wire_entry village = { .kind = WIRE_UNIT_CREATE,
					    .unit_create = { "31288.1", "Ấp Định Hòa", "village", "31288", today() - 1 } };
	administer(&office, &village, 1);
	mirror = refreshed(&office, MIRROR_FIGURES, before, wall_ms + 6 * hour_ms);
	cr_assert_eq(mirror->complete_ms, wall_ms + 6 * hour_ms);
	cr_assert_not_null(mirror_unit(mirror, "31288.1", today()));
	mirror_close(before);
	before = mirror;
	mirror = refreshed(&office, MIRROR_FIGURES, before, wall_ms + 30 * hour_ms);
	cr_assert_eq(mirror->complete_ms, wall_ms + 30 * hour_ms, "once a day in any case");
	mirror_close(before);
	mirror_close(mirror);
	tear_down(&office);
}

Test(mirror, joins_what_was_said_of_a_period_over_the_end_of_a_page)
{
	enum { PERIODS = 200 }; /* of three versions each: more than a page */
	struct office office;
	struct wire_entry entries[PERIODS];
	set_up(&office);
	for (int version = 0; version < 3; version++) {
		for (int i = 0; i < PERIODS; i++) {
			entries[i] = fact("31288", "bhyt", today() - 20 - i, 1000 * version + i);
			if (version == 2) {
				entries[i].kind = WIRE_WITHDRAWAL;
				entries[i].fact.value = BAOPHU_ABSENT;
				entries[i].fact.status = 0;
				entries[i].fact.origin = 0;
				entries[i].fact.bound = 0;
			}
		}
		report(&office, entries, PERIODS);
	}
	struct mirror *mirror = refreshed(&office, MIRROR_EVERYTHING, NULL, wall_ms);
	for (int i = 0; i < PERIODS; i++)
		cr_assert_eq(figure_of(mirror, "31288", "bhyt", today() - 20 - i), i);
	mirror_close(mirror);
	tear_down(&office);
}

Test(mirror, is_asked_anew_when_the_centre_was_put_back_to_an_older_copy)
{
	struct office office;
	char command[600], data[160];
	set_up(&office);
	baophu_date recent = today() - RECENT_DAYS_AGO;
	server_stop(&office.server);
	server_path(&office.server, "", data);
	snprintf(command, sizeof command, "cp -r '%s' '%s/older'", data, office.server.directory);
	cr_assert_eq(system(command), 0);
	server_start(&office.server);
	peer_hello(office.agent, "thoi-lai", 0);
	struct wire_entry entry = fact("31288", "bhxh_tn", recent, 999);
	report(&office, &entry, 1);
	struct mirror *before = refreshed(&office, MIRROR_EVERYTHING, NULL, wall_ms), *mirror;
	cr_assert_eq(figure_of(before, "31288", "bhxh_tn", recent), 999);

	server_stop(&office.server);
	snprintf(command, sizeof command, "rm -rf '%s' && mv '%s/older' '%s'", data, office.server.directory, data);
	cr_assert_eq(system(command), 0);
	server_start(&office.server);
	mirror = refreshed(&office, MIRROR_FIGURES, before, wall_ms + hour_ms);
	cr_assert_eq(figure_of(mirror, "31288", "bhxh_tn", recent), 340, "nothing of the other history is mixed in");
	cr_assert_eq(mirror->complete_ms, wall_ms + hour_ms);
	mirror_close(before);
	mirror_close(mirror);
	tear_down(&office);
}

Test(mirror, of_an_agent_that_the_centre_does_not_know_or_has_granted_nothing)
{
	struct office office;
	set_up(&office);
	struct mirror *mirror = NULL;
	cr_assert_eq(refresh(&office, MIRROR_FIGURES, NULL, "nobody", wall_ms, &mirror), -BAOPHU_ENOTFOUND);
	cr_assert_neq(access(office.path, F_OK), 0);
	const struct wire_entry enrolled = { .kind = WIRE_AGENT_SET, .agent = { "nobody", today() - 9, BAOPHU_DATE_NONE } };
	administer(&office, &enrolled, 1);
	cr_assert_eq(refresh(&office, MIRROR_FIGURES, NULL, "nobody", wall_ms, &mirror), 1);
	cr_assert(mirror->unit_count == 0 && mirror->record_count == 0 && mirror->grant_count == 0 && mirror->names.count > 0);
	mirror_close(mirror);
	tear_down(&office);
}

Test(mirror, a_damaged_file_is_refused_wherever_it_is_damaged)
{
	struct office office;
	set_up(&office);
	struct mirror *mirror = refreshed(&office, MIRROR_EVERYTHING, NULL, wall_ms);
	mirror_close(mirror);
	static uint8_t bytes[1 << 20];
	FILE *file = fopen(office.path, "rb");
	size_t size = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	cr_assert(size > 500 && size < sizeof bytes);
	char path[200];
	snprintf(path, sizeof path, "%s.copy", office.path);
	for (size_t at = 0; at < size; at += at < 200 ? 1 : 13) {
		for (int is_cut = 0; is_cut < 2; is_cut++) {
			bytes[at] ^= is_cut ? 0 : 0x10;
			file = fopen(path, "wb");
			cr_assert_eq(fwrite(bytes, 1, is_cut ? at : size, file), is_cut ? at : size);
			fclose(file);
			bytes[at] ^= is_cut ? 0 : 0x10;
			int error = mirror_open(path, "thoi-lai", &mirror);
			bool is_format = !is_cut && at >= 8 && at < 12;
			cr_assert(error == -BAOPHU_EDAMAGED || (is_format && error == -BAOPHU_EFORMAT), "byte %zu: %d", at, error);
		}
	}
	unlink(path);

	/* And when the digest is right, because a program wrote it: nothing is believed unseen. */
	struct mirror_head head;
	struct frames frames;
	cr_assert_eq(mirror_file_read(office.path, &head, &frames), 0);
	uint64_t state = 2154;
	for (unsigned round = 0; round < 2000; round++) {
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
		size_t at = (state >> 33) % frames.used;
		uint8_t was = frames.bytes[at];
		frames.bytes[at] = (uint8_t)(state >> 20);
		int error = mirror_build(&head, &frames, &mirror);
		cr_assert(!error || error == -BAOPHU_EDAMAGED || error == -BAOPHU_EFULL, "%d", error);
		if (!error)
			mirror_close(mirror);
		frames.bytes[at] = was;
	}
	frames_finish(&frames);
	tear_down(&office);
}
