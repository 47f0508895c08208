/* What the live view makes of hand-made coverage: screens of 80 and 120 columns in two languages, low and narrow ones, bars, keys.
 * The expected screens are files in tests/vectors/cli, to be read by people. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <baophu/date.h>

#include "language.h"
#include "terminal.h"
#include "view.h"

static struct baophu_row blank(enum baophu_row_kind kind, const char *measure, enum baophu_state state)
{
	struct baophu_row row = { BAOPHU_ROW_SAYS_NOTHING, .kind = kind, .state = state };
	strcpy(row.measure, measure);
	return row;
}

static struct baophu_row figure(enum baophu_row_kind kind, const char *measure, int64_t value, uint32_t from, uint32_t to)
{
	struct baophu_row row = blank(kind, measure, BAOPHU_STATE_REPORTED);
	row.from = baophu_date_from_civil(from);
	row.to = baophu_date_from_civil(to);
	row.value = value;
	row.basis = BAOPHU_BASIS_WHOLE;
	row.status = BAOPHU_FINAL;
	row.origin = BAOPHU_REPORTED;
	row.bound = BAOPHU_EXACT;
	return row;
}

static struct baophu_row against(const struct baophu_row *read, const char *plan, int64_t target, enum baophu_state state)
{
	struct baophu_row row = *read;
	row.kind = BAOPHU_ROW_PLAN;
	row.state = state;
	strcpy(row.plan, plan);
	row.plan_state = BAOPHU_PLAN_OWN;
	row.target = row.denominator = target;
	row.numerator = row.value;
	strcpy(row.denominator_measure, "plan");
	return row;
}

static struct baophu_row rows[5][16];
static struct baophu_record records[] = {
	{ .unit_number = 3, .unit = "928", .parent = "92", .name = "Thới Lai", .depth = 2, .rows = rows[2] },
	{ .unit_number = 1, .unit = "92", .parent = "VN", .name = "Thành phố Cần Thơ", .depth = 1, .rows = rows[0] },
	{ .unit_number = 2, .unit = "916", .parent = "92", .name = "Ninh Kiều", .depth = 2, .rows = rows[1] },
	{ .unit_number = 4, .unit = "929", .parent = "92", .name = "Phong Điền", .depth = 2, .rows = rows[3] },
	{ .unit_number = 5, .unit = "31273", .parent = "928", .name = "Xã Đông Bình", .depth = 3, .rows = rows[4] },
};
enum { RECORDS = sizeof records / sizeof *records };
static const struct baophu_record *all[RECORDS];
static struct names names;

static void speak(const char *language)
{
	static const struct wire_measure_set measures[] = {
		{ "bhyt", "BHYT", "Health insurance", "người", "people", "", BAOPHU_STOCK },
		{ "bhtn", "BH thất nghiệp", "Unemployment insurance", "người", "people", "", BAOPHU_STOCK },
		{ "danso", "Dân số", "Population", "người", "people", "", BAOPHU_STOCK },
		{ "bhxh_tn", "BHXH tự nguyện", "Voluntary social insurance", "người", "people", "", BAOPHU_STOCK },
		{ "no_bh", "Nợ bảo hiểm", "Debt of contributions", "đồng", "VND", "", BAOPHU_STOCK },
		{ "sukien", "Hội nghị, buổi tuyên truyền", "Outreach events", "cuộc", "events", "", BAOPHU_FLOW },
	};
	static const struct wire_indicator_set indicators[] = {
		{ "bhxh_laodong", "BHXH trên lao động", "Social insurance, share of workers", "bhxh_tn", "danso" },
	};
	const struct wire_answer answer = { .measure_count = sizeof measures / sizeof *measures,
					    .measures = measures,
					    .indicator_count = 1,
					    .indicators = indicators };
	setenv("BAOPHU_LOCALEDIR", BINARY_DIR "/client/locale", 1);
	names.vietnamese = language_start(language);
	cr_assert_eq(names_add(&names, &answer), 0);
	for (size_t i = 0; i < RECORDS; i++)
		all[i] = &records[i];
}

static void build(void)
{
	uint32_t n = 0;
	struct baophu_row *r = rows[0];
	r[n] = figure(BAOPHU_ROW_STOCK, "bhyt", 1065565, 20240430, 20240430);
	r[n].reported = 1;
	r[n++].expected = 3;
	r[n] = against(&r[0], "nam-2024", 1181336, BAOPHU_STATE_HALF);
	r[n++].origin = BAOPHU_IMPLIED;
	r[n] = against(&r[0], "dot1-2024", 1057188, BAOPHU_STATE_MET);
	r[n++].plan_state = BAOPHU_PLAN_ENDED;
	r[n] = figure(BAOPHU_ROW_STOCK, "bhxh_tn", 2068, 20240331, 20240331);
	r[n].basis = BAOPHU_BASIS_PARTIAL;
	r[n].reported = 1;
	r[n++].expected = 3;
	r[n] = against(&r[n - 1], "nam-2024", 37420, BAOPHU_STATE_PARTIAL);
	n++;
	r[n++] = figure(BAOPHU_ROW_STOCK, "no_bh", 806000000, 20240331, 20240331);
	r[n] = figure(BAOPHU_ROW_FLOW, "sukien", 500, 20240101, 20240430);
	r[n++].bound = BAOPHU_MORE_THAN;
	r[n] = blank(BAOPHU_ROW_SHARE, "bhxh_laodong", BAOPHU_STATE_COMPUTED);
	r[n].from = r[n].to = baophu_date_from_civil(20210930);
	r[n].numerator = 31455;
	r[n].denominator = 202418;
	strcpy(r[n++].denominator_measure, "danso");
	r[n] = blank(BAOPHU_ROW_PUBLISHED, "bhyt", BAOPHU_STATE_AGREES);
	r[n++].value = 902;
	records[1].row_count = n;

	r = rows[2];
	n = 0;
	r[n] = figure(BAOPHU_ROW_STOCK, "bhyt", 150, 20240430, 20240430);
	r[n++].status = BAOPHU_PROVISIONAL;
	r[n] = against(&r[n - 1], "nam-2024", 100, BAOPHU_STATE_MET);
	n++;
	r[n] = figure(BAOPHU_ROW_STOCK, "bhxh_tn", 1600, 20240430, 20240430);
	r[n].origin = BAOPHU_ILLUSTRATIVE;
	r[n++].basis = BAOPHU_BASIS_SUM;
	r[n] = against(&r[n - 1], "nam-2024", 2857, BAOPHU_STATE_HALF);
	n++;
	r[n++] = blank(BAOPHU_ROW_STOCK, "bhtn", BAOPHU_STATE_NO_REPORT);
	r[n] = against(&r[n - 1], "nam-2024", 300, BAOPHU_STATE_NO_REPORT);
	r[n++].numerator = BAOPHU_ABSENT;
	r[n++] = blank(BAOPHU_ROW_STOCK, "danso", BAOPHU_STATE_WITHDRAWN);
	records[0].row_count = n;

	r = rows[4];
	r[0] = figure(BAOPHU_ROW_STOCK, "bhyt", 0, 20240430, 20240430);
	r[0].status = BAOPHU_ESTIMATE;
	r[1] = against(&r[0], "nam-2024", 50, BAOPHU_STATE_ZERO);
	records[4].row_count = 2;
}

static struct view view;
static struct view_screen screen;

static struct view_frame frame_of(unsigned width, unsigned height)
{
	return (struct view_frame){ .width = width,
				    .height = height,
				    .vietnamese = names.vietnamese,
				    .decimals = 2,
				    .names = &names,
				    .date = baophu_date_from_civil(20240502),
				    .state = HOLDING_EXACT,
				    .seq = 57 };
}

/* Never wider than the screen, nor higher; the bar within its line. */
static void hold_in_bounds(const struct view_frame *frame)
{
	cr_assert_eq(view_lay_out(&view, frame, &screen), 0);
	cr_assert_eq(screen.count, frame->height);
	for (size_t i = 0; i < screen.count; i++) {
		wchar_t wide[VIEW_LINE_BYTES];
		size_t n = mbstowcs(wide, screen.lines[i].text, VIEW_LINE_BYTES);
		cr_assert(n != (size_t)-1, "%s", screen.lines[i].text);
		int width = wcswidth(wide, n);
		cr_assert(width >= 0 && (unsigned)width <= frame->width, "%u columns hold %d: %s", frame->width, width,
			  screen.lines[i].text);
		cr_assert_leq(screen.lines[i].bar_from, screen.lines[i].bar_to);
		cr_assert_leq(screen.lines[i].bar_to, strlen(screen.lines[i].text));
	}
}

static char *text_of(const struct view_frame *frame)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	hold_in_bounds(frame);
	for (size_t i = 0; i < screen.count; i++) {
		size_t length = strlen(screen.lines[i].text);
		while (length && screen.lines[i].text[length - 1] == ' ')
			length--;
		fprintf(out, "%.*s\n", (int)length, screen.lines[i].text);
	}
	fclose(out);
	return text;
}

static void looks_like(const struct view_frame *frame, const char *name)
{
	char path[500], *text = text_of(frame), *wanted = calloc(1, 1 << 16);
	snprintf(path, sizeof path, "%s/vectors/cli/%s", TESTS_DIR, name);
	FILE *file = fopen(path, "r");
	cr_assert(file, "%s is not there; it would be\n%s", path, text);
	cr_assert(fread(wanted, 1, (1 << 16) - 1, file) > 0);
	fclose(file);
	cr_assert(strcmp(text, wanted) == 0, "not as %s has it:\n%s", name, text);
	free(text);
	free(wanted);
}

static void watch(const char *language)
{
	speak(language);
	build();
	cr_assert_eq(view_build(&view, all, RECORDS), 0);
	for (size_t i = 0; i < view.count; i++) {
		struct view_row *row = &view.rows[i];
		if (!row->figure || row->is_further_plan)
			continue;
		row->change = 0;
		if (strcmp(row->record->unit, "928") == 0 && strcmp(row->figure->measure, "bhxh_tn") == 0) {
			row->change = 12;
			row->is_recent = true;
		}
		if (strcmp(row->record->unit, "92") == 0 && strcmp(row->figure->measure, "bhyt") == 0)
			row->change = -1050;
		row->is_new = strcmp(row->record->unit, "31273") == 0;
	}
}

Test(view, is_a_vietnamese_screen)
{
	watch("vi");
	struct view_frame frame = frame_of(80, 24);
	looks_like(&frame, "view80.vi.txt");
	frame = frame_of(120, 24);
	looks_like(&frame, "view120.vi.txt");
}

Test(view, is_an_english_screen)
{
	watch("en");
	struct view_frame frame = frame_of(80, 24);
	looks_like(&frame, "view80.en.txt");
	frame = frame_of(120, 24);
	looks_like(&frame, "view120.en.txt");
}

Test(view, has_a_line_a_unit_where_there_is_one_measure)
{
	speak("vi");
	build();
	records[0].row_count = 2;
	records[1].row_count = 3;
	cr_assert_eq(view_build(&view, all, RECORDS), 0);
	struct view_frame frame = frame_of(80, 12);
	looks_like(&frame, "view80.one.vi.txt");
	frame.is_ascii = true;
	looks_like(&frame, "view80.one.ascii.vi.txt");
}

/* ---- league tables ---- */

static struct coverage_set ranked;
static struct baophu_league *league;

/* Five districts: two that share a rank, one that moved up, one known in part, one with a debt against a plan of its own. */
static void rank(const char *language)
{
	static const char *const names_of[] = { "Ninh Kiều", "Ô Môn", "Thới Lai", "Phong Điền", "Vĩnh Thạnh" };
	static const int64_t values[] = { 250, 120, 2700, 60, 468 }, targets[] = { 200, 200, 2857, 100, 630 };
	const struct baophu_league_config config = { .across_parents = true };
	speak(language);
	for (uint32_t i = 0; i < 5; i++) {
		struct baophu_row of[4];
		struct baophu_record record = { .unit_number = i + 1, .row_count = 2, .rows = of, .parent = "92" };
		snprintf(record.unit, sizeof record.unit, "91%u", i);
		snprintf(record.name, sizeof record.name, "%s", names_of[i]);
		of[0] = figure(BAOPHU_ROW_STOCK, "bhxh_tn", values[i], 20240430, 20240430);
		of[1] = against(&of[0], "nam-2024", targets[i], i ? BAOPHU_STATE_HALF : BAOPHU_STATE_MET);
		if (i == 2)
			of[1].origin = BAOPHU_ILLUSTRATIVE; /* the plan alone */
		if (i == 4) {
			of[0].basis = of[1].basis = BAOPHU_BASIS_PARTIAL;
			of[0].reported = of[1].reported = 1;
			of[0].expected = of[1].expected = 3;
			of[1].state = BAOPHU_STATE_PARTIAL;
			of[2] = figure(BAOPHU_ROW_STOCK, "no_bh", 806000000, 20240331, 20240331);
			of[3] = against(&of[2], "giam-no", 500000000, BAOPHU_STATE_MET);
			of[3].plan_state = BAOPHU_PLAN_ENDED;
			record.row_count = 4;
		}
		cr_assert_eq(coverage_set_add(&ranked, &record), 0);
	}
	coverage_set_sort(&ranked);
	const struct baophu_cut cut = { .is_whole = true, .record_count = ranked.count, .records = ranked.records };
	cr_assert_eq(baophu_league_create(&config, &league), 0);
	cr_assert_eq(baophu_league_take(league, &cut), 0);
	cr_assert_eq(view_build_ranking(&view, league, &ranked), 0);
	for (size_t i = 0; i < view.count; i++) {
		struct view_row *row = &view.rows[i];
		if (row->is_heading || !row->rank)
			continue;
		row->change = strcmp(row->record->unit, "912") == 0 ? 2 : strcmp(row->record->unit, "911") == 0 ? -1 : 0;
		row->is_recent = row->change != 0;
		row->is_new = strcmp(row->record->unit, "913") == 0;
	}
}

static struct view_frame rank_frame_of(unsigned width, unsigned height)
{
	struct view_frame frame = frame_of(width, height);
	frame.title = "Thành phố Cần Thơ";
	return frame;
}

Test(view, ranks_a_vietnamese_screen)
{
	rank("vi");
	struct view_frame frame = rank_frame_of(80, 12);
	looks_like(&frame, "rank80.vi.txt");
	frame.is_ascii = true;
	looks_like(&frame, "rank80.ascii.vi.txt");
}

Test(view, ranks_an_english_screen)
{
	rank("en");
	struct view_frame frame = rank_frame_of(80, 12);
	looks_like(&frame, "rank80.en.txt");
	for (unsigned width = 1; width <= 130; width++) {
		frame = rank_frame_of(width, 1 + width % 20);
		hold_in_bounds(&frame);
	}
}

Test(view, fits_every_size)
{
	watch("vi");
	for (unsigned width = 1; width <= 300; width += width < 130 ? 1 : 17)
		for (unsigned height = 1; height <= 30; height += 3) {
			struct view_frame frame = frame_of(width, height);
			frame.offset = height;
			if (width > VIEW_COLUMNS_MAX)
				frame.width = VIEW_COLUMNS_MAX;
			hold_in_bounds(&frame);
			frame.news = "Thới Lai · BHXH tự nguyện: đạt 50% kế hoạch nam-2024";
			frame.news_figures = "1.600/2.857 (56,00%)";
			frame.news_time = "14:05:09";
			hold_in_bounds(&frame);
		}
}

Test(view, never_cuts_a_figure_at_80_columns)
{
	watch("vi");
	struct view_frame frame = frame_of(80, 40);
	char *text = text_of(&frame);
	cr_assert(strstr(text, "1.065.565") && strstr(text, "806.000.000") && strstr(text, "100,79%") && strstr(text, "hơn 500") &&
		  strstr(text, "một phần 1/3") && strstr(text, "150,00%") && strstr(text, "15,54%"));
	free(text);
}

Test(view, scrolls_and_keeps_the_unit_in_sight)
{
	watch("vi");
	struct view_frame frame = frame_of(80, 10);
	hold_in_bounds(&frame);
	size_t page = screen.page;
	cr_assert(page > 2 && page < view.count);
	frame.offset = 3;
	hold_in_bounds(&frame);
	cr_assert_eq(screen.offset, 3);
	cr_assert(strstr(screen.lines[2].text, "↑ Thành phố Cần Thơ"), "%s", screen.lines[2].text);
	frame.offset = 1000000;
	hold_in_bounds(&frame);
	cr_assert_eq(screen.offset, view.count - page);
	cr_assert(strstr(screen.lines[2 + page - 1].text, "Phong Điền"), "%s", screen.lines[2 + page - 1].text);
}

Test(view, says_how_sure_it_is)
{
	static const struct {
		enum holding_state state;
		uint64_t seq;
		const char *said;
	} cases[] = {
		{ HOLDING_EXACT, 57, "chính xác tại vị trí nhật ký 57" },
		{ HOLDING_FOLLOWING, 57, "đang theo dõi" },
		{ HOLDING_REPAIRING, 57, "đang lấy bù" },
		{ HOLDING_STALE, 57, "SỐ CŨ từ 14:05:09" },
		{ HOLDING_STALE, 0, "chưa kết nối" },
		{ HOLDING_SYNCING, 0, "đang chờ" },
	};
	watch("vi");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct view_frame frame = frame_of(80, 24);
		frame.state = cases[i].state;
		frame.seq = cases[i].seq;
		strcpy(frame.since, "14:05:09");
		hold_in_bounds(&frame);
		cr_assert(strstr(screen.lines[23].text, cases[i].said), "%s", screen.lines[23].text);
	}
}

Test(view, tells_what_happened_last_above_its_standing)
{
	watch("vi");
	struct view_frame frame = frame_of(120, 24);
	size_t page;
	hold_in_bounds(&frame);
	page = screen.page;
	frame.news = "Thới Lai · BHXH tự nguyện: đạt 50% kế hoạch nam-2024";
	frame.news_figures = "1.600/2.857 (56,00%)";
	frame.news_time = "14:05:09";
	hold_in_bounds(&frame);
	cr_assert_eq(screen.page, page - 1);
	cr_assert(strstr(screen.lines[22].text, "Thới Lai · BHXH tự nguyện: đạt 50%") && strstr(screen.lines[22].text, "14:05:09"));
	cr_assert(strstr(screen.lines[23].text, "chính xác"));
	cr_assert(strstr(screen.lines[21].text, "minh họa") || strstr(screen.lines[21].text, "suy ra"),
		  "the legend stands above it: %s", screen.lines[21].text);
	frame.width = 80;
	hold_in_bounds(&frame);
	cr_assert(strstr(screen.lines[22].text, "(56,00%)") && !strstr(screen.lines[22].text, "14:05:09"), "%s",
		  screen.lines[22].text);
	frame.width = 70;
	hold_in_bounds(&frame);
	cr_assert(strstr(screen.lines[22].text, "kế hoạch nam-2024") && !strstr(screen.lines[22].text, "1.6"),
		  "no figure is cut: %s", screen.lines[22].text);
	frame.height = 6;
	hold_in_bounds(&frame);
	cr_assert_null(strstr(screen.lines[4].text, "đạt 50%"), "a low screen keeps what matters");
}

Test(view, shows_an_empty_screen_before_the_first_proof)
{
	speak("en");
	cr_assert_eq(view_build(&view, all, 0), 0);
	struct view_frame frame = frame_of(80, 24);
	hold_in_bounds(&frame);
}

Test(view, lets_nothing_reach_the_terminal_that_could_move_it)
{
	watch("en");
	strcpy(records[2].name, "a\033[2Jb\xff\x9b");
	struct view_frame frame = frame_of(80, 40);
	hold_in_bounds(&frame);
	for (size_t i = 0; i < screen.count; i++)
		for (const char *c = screen.lines[i].text; *c; c++)
			cr_assert((unsigned char)*c >= ' ' && *c != '\177', "%s", screen.lines[i].text);
}

Test(bar, fills_up_to_the_mark_at_100)
{
	static const struct {
		int64_t percent;
		bool is_ascii;
		const char *bar;
	} cases[] = {
		{ 0, false, "        │  " },        { 5000, false, "████    │  " },
		{ 9999, false, "███████▉│  " },     { 10000, false, "████████│  " },
		{ 10100, false, "████████│  " },    { 10200, false, "████████│▏ " },
		{ 12500, false, "████████│██" },    { 12700, false, "████████│█▶" },
		{ 99999999, false, "████████│█▶" }, { BAOPHU_ABSENT, false, "        │  " },
		{ 5000, true, "####....|  " },      { 11300, true, "########|# " },
		{ 20000, true, "########|#>" },
	};
	speak("en");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char bar[VIEW_BAR_BYTES];
		cr_assert_str_eq(view_bar(cases[i].percent, 2, 11, cases[i].is_ascii, bar), cases[i].bar);
	}
}

Test(keys, are_read_whole_and_unknown_ones_stepped_over)
{
	static const struct {
		const char *bytes;
		enum terminal_event event;
		size_t used;
	} cases[] = {
		{ "q", TERMINAL_QUIT, 1 },          { "\033[A", TERMINAL_UP, 3 },         { "\033OBx", TERMINAL_DOWN, 3 },
		{ "\033[5~", TERMINAL_PAGE_UP, 4 }, { "\033[6", TERMINAL_NOTHING, 0 },    { "\033[6~", TERMINAL_PAGE_DOWN, 4 },
		{ "\033", TERMINAL_NOTHING, 0 },    { "\033[1;5q", TERMINAL_NOTHING, 6 }, { "\033[1;5", TERMINAL_NOTHING, 0 },
		{ "z", TERMINAL_NOTHING, 1 },       { "", TERMINAL_NOTHING, 0 },          { "\033x", TERMINAL_NOTHING, 1 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t used;
		cr_assert_eq(terminal_key(cases[i].bytes, strlen(cases[i].bytes), &used), cases[i].event, "case %zu", i);
		cr_assert_eq(used, cases[i].used, "case %zu", i);
	}
}
