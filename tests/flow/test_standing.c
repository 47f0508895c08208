/* test_standing.c - what an office sees of itself: with the link down and nothing but its own copy, and after a real centre has answered. */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <jansson.h>

#include <baophu/date.h>

#include "language.h"
#include "office.h"
#include "standing.h"

struct desk {
	char directory[40];
	struct outbox *outbox;
	struct standing standing;
};

static void sit_down(struct desk *desk, const char *agent, const char *endpoint)
{
	struct spool_damage damage;
	char dir[80];
	*desk = (struct desk){ .directory = "/tmp/baophu-standing-XXXXXX" };
	cr_assert_not_null(mkdtemp(desk->directory));
	snprintf(dir, sizeof dir, "%s/spool", desk->directory);
	struct outbox_config config = { .dir = dir, .agent = agent, .endpoint = endpoint };
	cr_assert_eq(outbox_open(&config, &desk->outbox, &damage), 0);
	desk->standing = (struct standing){ .outbox = desk->outbox,
					    .now_ms = INT64_C(1753945500000),
					    .link = STANDING_DOWN,
					    .link_since_ms = INT64_C(1753941900000),
					    .link_text = "",
					    .folder = "" };
}

static void get_up(struct desk *desk)
{
	char command[100];
	outbox_close(desk->outbox);
	snprintf(command, sizeof command, "rm -rf '%s'", desk->directory);
	cr_assert_eq(system(command), 0);
}

static char *write_as(const struct desk *desk, enum writer_kind kind)
{
	const struct writer_options options = { .kind = kind, .width = 80, .vietnamese = desk->standing.vietnamese };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	cr_assert_eq(standing_write(&desk->standing, &options, out), 0);
	fclose(out);
	return text;
}

static json_t *as_json(const struct desk *desk)
{
	json_error_t error;
	char *text = write_as(desk, WRITER_JSON);
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	cr_assert(json, "%s at %d\n%s", error.text, error.position, text);
	free(text);
	return json;
}

static const json_t *figure_of(const json_t *json, const char *unit, const char *measure)
{
	size_t i;
	json_t *row;
	json_array_foreach(json_object_get(json, "figures"), i,
			   row) if (!strcmp(json_string_value(json_object_get(row, "unit")), unit) &&
				    !strcmp(json_string_value(json_object_get(row, "measure")), measure)) return row;
	return NULL;
}

static json_int_t number(const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);
	cr_assert(json_is_integer(value), "%s", key);
	return json_integer_value(value);
}

static bool is_null(const json_t *row, const char *key) { return json_is_null(json_object_get(row, key)); }

static const struct form_pending *some_pending(size_t *count)
{
	static struct form_pending pending[4];
	baophu_date day = office_day(20250731), before = office_day(20250730);
	pending[0] = (struct form_pending){ "20044", "bhyt",       BAOPHU_WHOLE,    day,         day,
					    6600,    BAOPHU_FINAL, BAOPHU_REPORTED, BAOPHU_EXACT };
	pending[1] = (struct form_pending){ "20044", "bhyt",       BAOPHU_WHOLE,    day,         day,
					    6611,    BAOPHU_FINAL, BAOPHU_REPORTED, BAOPHU_EXACT };
	pending[2] = (struct form_pending){ "20044", "bhyt",       BAOPHU_WHOLE,    before,      before,
					    1,       BAOPHU_FINAL, BAOPHU_REPORTED, BAOPHU_EXACT };
	pending[3] = (struct form_pending){
		"00457", "bhyt", BAOPHU_WHOLE, day, day, 0, BAOPHU_FINAL, BAOPHU_REPORTED, BAOPHU_EXACT
	};
	*count = 4;
	return pending;
}

Test(standing, keeps_what_is_confirmed_and_what_waits_apart)
{
	struct desk desk;
	sit_down(&desk, "a-luoi", NULL);
	desk.standing.mirror = office_mirror();
	desk.standing.pending = some_pending(&desk.standing.pending_count);
	struct wire_entry entry = test_fact("20044", "bhyt", 20250731, 6611);
	const struct outbox_source source = { .name = "Số liệu tháng 7.xlsx" };
	uint64_t batch;
	cr_assert_eq(outbox_save(desk.outbox, &entry, 1, &source, &batch, NULL), 0);

	json_t *json = as_json(&desk);
	const json_t *office = json_object_get(json, "office"), *row = figure_of(json, "20044", "bhyt");
	cr_assert_str_eq(json_string_value(json_object_get(office, "agent")), "a-luoi");
	cr_assert_str_eq(json_string_value(json_object_get(office, "link")), "down");
	cr_assert(number(office, "waiting") == 1 && number(office, "snapshot") == 41 && number(office, "held") == 0);
	cr_assert(is_null(office, "last_receipt") && is_null(office, "backup") && is_null(office, "code"));
	cr_assert(number(row, "value") == 6512 && number(row, "unconfirmed") == 6611 && number(row, "target") == 7000);
	cr_assert_str_eq(json_string_value(json_object_get(row, "plan_pct")), "93.03");
	cr_assert_str_eq(json_string_value(json_object_get(row, "unconfirmed_to")), "2025-07-31");
	cr_assert_eq(json_array_size(json_object_get(json, "figures")), 11, "each once");
	row = figure_of(json, "00457", "bhyt");
	cr_assert(row && is_null(row, "value") && number(row, "unconfirmed") == 0, "what the centre had nothing of");
	row = figure_of(json, "20050", "bhxh_tn");
	cr_assert(row && is_null(row, "value") && is_null(row, "unconfirmed") && number(row, "target") == 211,
		  "no report is not 0");
	row = figure_of(json, "20101", "bhxh_tn");
	cr_assert(row && number(row, "value") == 0, "and 0 is one");
	row = json_array_get(json_object_get(json, "batches"), 0);
	cr_assert(number(row, "batch") == 1 && number(row, "waiting") == 1 && is_null(row, "receipt"));
	cr_assert_str_eq(json_string_value(json_object_get(row, "name")), "Số liệu tháng 7.xlsx");
	cr_assert_eq(json_array_size(json_object_get(json, "exceptions")), 0);
	json_decref(json);

	/* The same keys with nothing at all. */
	struct mirror *mirror = (struct mirror *)(uintptr_t)desk.standing.mirror;
	desk.standing.mirror = NULL;
	desk.standing.pending_count = 0;
	json = as_json(&desk);
	cr_assert(json_array_size(json_object_get(json, "figures")) == 0 && is_null(json_object_get(json, "office"), "snapshot"));
	cr_assert_eq(json_object_size(json_object_get(json, "office")), 19);
	json_decref(json);
	mirror_close(mirror);
	get_up(&desk);
}

Test(standing, of_many_figures_people_see_some_and_programs_all)
{
	enum { MANY = 4096 };
	static struct form_pending pending[MANY];
	static char codes[MANY][8];
	struct desk desk;
	sit_down(&desk, "a-luoi", NULL);
	language_start("en");
	for (int i = 0; i < MANY; i++) {
		snprintf(codes[i], sizeof codes[i], "u%d", i);
		pending[i] = (struct form_pending){
			codes[i], "bhyt",       BAOPHU_WHOLE,    office_day(20250731), office_day(20250731),
			7,        BAOPHU_FINAL, BAOPHU_REPORTED, BAOPHU_EXACT
		};
	}
	desk.standing.mirror = office_mirror();
	desk.standing.pending = pending;
	desk.standing.pending_count = MANY;
	json_t *json = as_json(&desk);
	size_t all = json_array_size(json_object_get(json, "figures"));
	cr_assert_gt(all, MANY);
	json_decref(json);
	char *text = write_as(&desk, WRITER_TABLE), wanted[40];
	snprintf(wanted, sizeof wanted, "and %d,%03d lines more", (MANY - STANDING_FIGURES) / 1000,
		 (MANY - STANDING_FIGURES) % 1000);
	cr_assert(strlen(text) < 64 << 10 && strstr(text, wanted), "%zu bytes", strlen(text));
	cr_assert(strstr(text, "u59 ") && !strstr(text, "u60 ") && strstr(text, "6,512"), "those of the centre are all there:\n%s",
		  text);
	free(text);
	mirror_close((struct mirror *)(uintptr_t)desk.standing.mirror);
	get_up(&desk);
}

Test(standing, is_a_table_and_a_text_for_windows_in_vietnamese)
{
	struct desk desk;
	setenv("BAOPHU_LOCALEDIR", BINARY_DIR "/client/locale", 1);
	sit_down(&desk, "a-luoi", NULL);
	desk.standing.vietnamese = language_start("vi");
	struct mirror *mirror = office_mirror();
	desk.standing.mirror = mirror;
	desk.standing.pending = some_pending(&desk.standing.pending_count);
	char *text = write_as(&desk, WRITER_TABLE), *windows = NULL;
	size_t bytes;
	cr_assert(strstr(text, "Xã A Lưới 2") && strstr(text, "6.512") && strstr(text, "93,03") && strstr(text, "→ 6.611") &&
		      strstr(text, "chưa báo cáo"),
		  "%s", text);
	cr_assert(strstr(text, "31/07/2025") && strstr(text, "14:05"), "the place and time of the copy:\n%s", text);
	for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
		unsigned letters = 0;
		for (end = line; *end && *end != '\n'; end++)
			letters += ((unsigned char)*end & 0xc0) != 0x80;
		cr_assert_leq(letters, 80, "%.*s", (int)(end - line), line);
	}
	cr_assert_eq(standing_text(&desk.standing, &windows, &bytes), 0);
	cr_assert_eq(strncmp(windows, "\xef\xbb\xbf", 3), 0);
	for (size_t i = 1; i < bytes; i++)
		cr_assert((windows[i] == '\n') == (windows[i - 1] == '\r'));
	cr_assert_eq(strlen(windows), bytes);
	free(text);
	free(windows);
	mirror_close(mirror);
	get_up(&desk);
}

Test(standing, shows_what_the_centre_holds_and_refuses_and_why)
{
	struct server server;
	struct desk desk;
	server_init(&server, SERVER_IPC);
	server_start(&server);
	server_set_up(&server);
	sit_down(&desk, "thoi-lai", server.ingest);
	struct wire_entry entries[] = { test_fact("927", "bhyt", 20240430, 85254), test_fact("92799", "bhyt", 20240430, 1),
					test_fact("927", "abc", 20240430, 2), test_fact("916", "bhyt", 20240430, 3) };
	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(
		    outbox_save(desk.outbox, &entries[i], 1, &(struct outbox_source){ .name = "a.csv" }, &(uint64_t){ 0 }, NULL),
		    0);
	const struct outbox_standing *out = outbox_standing(desk.outbox);
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS; out->answered_to < out->next;) {
		cr_assert_lt(link_now_ms(), until, "no answers");
		outbox_wait(desk.outbox, 100);
	}
	desk.standing.link = STANDING_UP;
	json_t *json = as_json(&desk), *list = json_object_get(json, "exceptions");
	const json_t *office = json_object_get(json, "office");
	cr_assert(number(office, "held") == 1 && number(office, "refused") == 2 && number(office, "waiting") == 0);
	cr_assert(number(office, "last_receipt") == (json_int_t)out->last.seq);
	cr_assert_eq(json_array_size(list), 3);
	const json_t *held = json_array_get(list, 0), *refused = json_array_get(list, 1), *others = json_array_get(list, 2);
	cr_assert_str_eq(json_string_value(json_object_get(held, "verdict")), "held");
	cr_assert_str_eq(json_string_value(json_object_get(held, "code")), "UNIT_UNKNOWN");
	cr_assert_str_eq(json_string_value(json_object_get(held, "unit")), "92799");
	cr_assert_str_eq(json_string_value(json_object_get(refused, "code")), "MEASURE_UNKNOWN");
	cr_assert_str_eq(json_string_value(json_object_get(refused, "measure")), "abc");
	cr_assert_str_eq(json_string_value(json_object_get(others, "code")), "NOT_OWNER");
	cr_assert(number(others, "batch") == 4 && *json_string_value(json_object_get(others, "advice")) &&
		  *json_string_value(json_object_get(others, "reason")));
	json_decref(json);
	language_start("en");
	char *text = write_as(&desk, WRITER_TABLE);
	cr_assert(strstr(text, "92799") && strstr(text, "another office"), "%s", text);
	free(text);
	get_up(&desk);
	server_finish(&server);
}
