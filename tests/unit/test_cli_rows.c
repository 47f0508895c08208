/* What hand-made coverage looks like: JSON, JSON lines, CSV, CSV for a spreadsheet, tables in two languages and two widths, sentences.
 * The expected texts are files in tests/vectors/cli, to be read by people. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <jansson.h>

#include <baophu/date.h>

#include "coverage_rows.h"
#include "language.h"
#include "words.h"

static baophu_date day(uint32_t yyyymmdd) { return baophu_date_from_civil(yyyymmdd); }

static struct baophu_row absent(enum baophu_row_kind kind, const char *measure, enum baophu_state state)
{
	struct baophu_row row = { BAOPHU_ROW_SAYS_NOTHING, .kind = kind, .state = state };
	strcpy(row.measure, measure);
	return row;
}

static struct baophu_row figure(enum baophu_row_kind kind, const char *measure, int64_t value, uint32_t from, uint32_t to)
{
	struct baophu_row row = absent(kind, measure, BAOPHU_STATE_REPORTED);
	row.from = day(from);
	row.to = row.oldest = row.whole_to = day(to);
	row.value = row.whole = value;
	row.basis = BAOPHU_BASIS_WHOLE;
	row.status = BAOPHU_FINAL;
	row.origin = BAOPHU_PUBLISHED;
	row.bound = BAOPHU_EXACT;
	row.estimated = 0;
	return row;
}

static struct baophu_row against(const struct baophu_row *stock, const char *plan, int64_t target, enum baophu_state state)
{
	struct baophu_row row = *stock;
	row.kind = BAOPHU_ROW_PLAN;
	row.whole = row.sum = row.gap = row.estimated = row.previous = row.moved_net = BAOPHU_ABSENT;
	row.whole_to = BAOPHU_DATE_NONE;
	row.state = state;
	strcpy(row.plan, plan);
	row.plan_state = BAOPHU_PLAN_OWN;
	row.target = row.denominator = target;
	row.numerator = row.value;
	strcpy(row.denominator_measure, "plan");
	row.remaining = target - row.value;
	return row;
}

static struct baophu_row rows[24];
static struct baophu_record record = { .unit_number = 7,
				       .version = 57,
				       .unit = "00004",
				       .level = "province",
				       .parent = "VN",
				       .name = "Thành phố Cần Thơ",
				       .depth = 1,
				       .seq = 57,
				       .rows = rows };
static struct names names;

static void build(void)
{
	uint32_t n = 0;
	record.date = day(20240430);
	rows[n] = figure(BAOPHU_ROW_STOCK, "bhyt", 1065565, 20240430, 20240430);
	rows[n].sum = 85254;
	rows[n].gap = 1065565 - 85254;
	rows[n].reported = 1;
	rows[n].expected = 9;
	rows[n].previous = 1050000;
	n++;
	rows[n] = against(&rows[0], "nam-2024", 1181336, BAOPHU_STATE_HALF);
	rows[n++].origin = BAOPHU_IMPLIED;
	rows[n++] = against(&rows[0], "dot1-2024", 1057188, BAOPHU_STATE_MET);
	rows[n++] = absent(BAOPHU_ROW_STOCK, "bhtn", BAOPHU_STATE_NO_REPORT);
	rows[n++] = absent(BAOPHU_ROW_STOCK, "danso", BAOPHU_STATE_WITHDRAWN);
	rows[n] = figure(BAOPHU_ROW_STOCK, "bhxh_tn", 468, 20240331, 20240331);
	rows[n].origin = BAOPHU_ILLUSTRATIVE;
	rows[n].status = BAOPHU_PROVISIONAL;
	rows[n++].basis = BAOPHU_BASIS_PARTIAL;
	rows[n] = against(&rows[n - 1], "nam-2024", 630, BAOPHU_STATE_PARTIAL);
	n++;
	rows[n] = figure(BAOPHU_ROW_FLOW, "sukien", 500, 20240101, 20240430);
	rows[n++].bound = BAOPHU_MORE_THAN;
	rows[n] = figure(BAOPHU_ROW_FLOW, "rut1lan", 900, 20240201, 20240229);
	rows[n].bound = BAOPHU_NEARLY;
	rows[n++].status = BAOPHU_ESTIMATE;
	rows[n] = figure(BAOPHU_ROW_FLOW, "chuyendi", 1200, 20240101, 20240331);
	rows[n].fresh = 3;
	rows[n].declared = 5;
	rows[n++].moved_net = -345;
	rows[n] = absent(BAOPHU_ROW_SHARE, "bhxh_laodong", BAOPHU_STATE_COMPUTED);
	rows[n].from = rows[n].to = rows[n].oldest = day(20210930);
	rows[n].status = BAOPHU_FINAL;
	rows[n].origin = BAOPHU_PUBLISHED;
	rows[n].bound = BAOPHU_EXACT;
	rows[n].basis = BAOPHU_BASIS_WHOLE;
	rows[n].numerator = 31455;
	rows[n].denominator = 202418;
	strcpy(rows[n++].denominator_measure, "laodong");
	rows[n] = rows[n - 1];
	rows[n].kind = BAOPHU_ROW_PLAN;
	rows[n].state = BAOPHU_STATE_HALF;
	rows[n].plan_state = BAOPHU_PLAN_ENDED;
	rows[n].target = 16;
	rows[n].remaining = 932;
	strcpy(rows[n++].plan, "nam-2021");
	rows[n] = absent(BAOPHU_ROW_SHARE, "bhyt_baophu", BAOPHU_STATE_NO_DENOMINATOR);
	strcpy(rows[n++].denominator_measure, "danso");
	rows[n] = absent(BAOPHU_ROW_PUBLISHED, "bhyt", BAOPHU_STATE_AGREES);
	rows[n].from = rows[n].to = day(20240430);
	rows[n].value = 902;
	rows[n].decimals = 1;
	rows[n].status = BAOPHU_FINAL;
	rows[n].origin = BAOPHU_PUBLISHED;
	rows[n].bound = BAOPHU_EXACT;
	rows[n].numerator = 1065565;
	rows[n].denominator = 1181336;
	strcpy(rows[n].plan, "nam-2024");
	strcpy(rows[n++].denominator_measure, "plan");
	rows[n] = absent(BAOPHU_ROW_PUBLISHED, "bhtn", BAOPHU_STATE_NOT_COMPARABLE);
	rows[n].from = rows[n].to = day(20240430);
	rows[n].value = 195;
	rows[n].decimals = 1;
	rows[n].status = BAOPHU_ESTIMATE;
	rows[n].origin = BAOPHU_PUBLISHED;
	rows[n].bound = BAOPHU_ABOUT;
	rows[n].flags[0] = BAOPHU_FLAG_BHTN_ABOVE_BB;
	rows[n++].flags[1] = BAOPHU_FLAG_RATES_DIFFER;
	record.row_count = n;

	static const struct wire_measure_set measures[] = {
		{ "bhyt", "BHYT", "Health insurance", "người", "people", "", BAOPHU_STOCK },
		{ "bhtn", "BH thất nghiệp", "Unemployment insurance", "người", "people", "", BAOPHU_STOCK },
		{ "danso", "Dân số", "Population", "người", "people", "", BAOPHU_STOCK },
		{ "bhxh", "BHXH", "Social insurance", "người", "people", "", BAOPHU_STOCK },
		{ "bhxh_tn", "BHXH tự nguyện", "Voluntary social insurance", "người", "people", "bhxh", BAOPHU_STOCK },
		{ "laodong", "Lao động có việc làm", "Employed workers", "người", "people", "", BAOPHU_STOCK },
		{ "sukien", "Hội nghị, buổi tuyên truyền", "Outreach events", "cuộc", "events", "", BAOPHU_FLOW },
		{ "chuyendi", "Chuyển đi", "Moved out", "người", "people", "", BAOPHU_FLOW },
		{ "rut1lan", "Hưởng BHXH một lần", "Lump-sum withdrawals", "người", "people", "", BAOPHU_FLOW },
	};
	static const struct wire_indicator_set indicators[] = {
		{ "bhxh_laodong", "BHXH trên lao động có việc làm", "Social insurance, share of employed workers", "bhxh",
		  "laodong" },
		{ "bhyt_baophu", "Tỷ lệ bao phủ BHYT trên dân số", "Health insurance coverage of the population", "bhyt", "danso" },
	};
	const struct wire_answer answer = { .measure_count = sizeof measures / sizeof *measures,
					    .measures = measures,
					    .indicator_count = sizeof indicators / sizeof *indicators,
					    .indicators = indicators };
	cr_assert_eq(names_add(&names, &answer), 0);
}

static char *print(const struct writer_options *options, bool is_table)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct writer writer;
	struct coverage_set set = { .records = &record, .count = 1, .capacity = 1 };
	writer_open(&writer, options, out);
	cr_assert_eq(is_table ? coverage_write_table(&writer, &set, &names, 2) : coverage_write_rows(&writer, &set, 2), 0);
	fclose(out);
	return text;
}

static char *expected(const char *name)
{
	char path[500];
	snprintf(path, sizeof path, "%s/vectors/cli/%s", TESTS_DIR, name);
	FILE *file = fopen(path, "r");
	cr_assert(file, "%s", path);
	char *text = calloc(1, 1 << 20);
	size_t size = fread(text, 1, (1 << 20) - 1, file);
	fclose(file);
	text[size] = '\0';
	return text;
}

static void looks_like(const struct writer_options *options, bool is_table, const char *name)
{
	char *text = print(options, is_table), *wanted = expected(name);
	for (const char *line = text; options->width && *line; line += strcspn(line, "\n") + 1) {
		wchar_t wide[400];
		char bytes[1200];
		snprintf(bytes, sizeof bytes, "%.*s", (int)strcspn(line, "\n"), line);
		size_t n = mbstowcs(wide, bytes, sizeof wide / sizeof *wide);
		cr_assert(n < sizeof wide / sizeof *wide && wcswidth(wide, n) <= (int)options->width, "%s", bytes);
	}
	cr_assert(strcmp(text, wanted) == 0, "not as %s has it:\n%s", name, text);
	free(text);
	free(wanted);
}

static void speak(const char *language)
{
	setenv("BAOPHU_LOCALEDIR", BINARY_DIR "/client/locale", 1);
	names.vietnamese = language_start(language);
	build();
}

Test(rows, are_json_with_every_key_and_null_for_what_is_absent)
{
	speak("vi");
	looks_like(&(struct writer_options){ .kind = WRITER_JSON, .vietnamese = true }, false, "rows.json");
	looks_like(&(struct writer_options){ .kind = WRITER_JSONL, .vietnamese = true }, false, "rows.jsonl");

	char *text = print(&(struct writer_options){ .kind = WRITER_JSON }, false);
	json_error_t error;
	json_t *all = json_loads(text, 0, &error);
	cr_assert(all && json_array_size(all) == record.row_count, "%s", error.text);
	for (size_t i = 0; i < record.row_count; i++) {
		const json_t *row = json_array_get(all, i);
		cr_assert_eq(json_object_size(row), COVERAGE_FIELDS);
		for (size_t j = 0; j < COVERAGE_FIELDS; j++) {
			const json_t *value = json_object_get(row, coverage_columns[j].key);
			cr_assert(value && !(json_is_string(value) && !*json_string_value(value)), "%s of row %zu",
				  coverage_columns[j].key, i);
		}
	}
	json_decref(all);
	free(text);
}

Test(rows, keep_the_promised_order_of_keys)
{
	static const char promised[] = "row unit unit_name level measure from to value basis whole sum gap state status origin "
				       "bound units_reported units_expected "
				       "plan_code plan_state target remaining numerator denominator denominator_measure percent "
				       "gap_points target_percent seq ";
	char keys[600] = "";
	for (size_t i = 0; i < COVERAGE_FIELDS; i++) {
		strcat(keys, coverage_columns[i].key);
		strcat(keys, " ");
	}
	cr_assert_eq(strncmp(keys, promised, sizeof promised - 1), 0, "%s", keys);
}

Test(rows, are_csv_and_csv_for_a_spreadsheet)
{
	speak("vi");
	looks_like(&(struct writer_options){ .kind = WRITER_CSV, .vietnamese = true }, false, "rows.csv");
	looks_like(&(struct writer_options){ .kind = WRITER_CSV, .vietnamese = true, .excel = true }, false, "rows.excel.csv");
}

Test(rows, are_a_vietnamese_table)
{
	speak("vi");
	looks_like(&(struct writer_options){ .kind = WRITER_TABLE, .vietnamese = true }, true, "table.vi.txt");
	looks_like(&(struct writer_options){ .kind = WRITER_TABLE, .vietnamese = true, .width = 80 }, true, "table80.vi.txt");
}

Test(rows, are_an_english_table)
{
	speak("en");
	looks_like(&(struct writer_options){ .kind = WRITER_TABLE }, true, "table.en.txt");
	looks_like(&(struct writer_options){ .kind = WRITER_TABLE, .width = 80 }, true, "table80.en.txt");
}

Test(rows, are_sentences)
{
	char sentence[COVERAGE_SENTENCE_BYTES];
	speak("vi");
	cr_assert_str_eq(
	    coverage_sentence(&record, 0, &names, true, 2, sentence),
	    "Thành phố Cần Thơ · BHYT: 1.065.565 người, tổng bên dưới 85.254 (1/9) (30/04/2024), đạt 90,20% kế hoạch nam-2024 "
	    "(1.181.336), đạt 100,79% kế hoạch dot1-2024 (1.057.188)");
	cr_assert_str_eq(coverage_sentence(&record, 3, &names, true, 2, sentence),
			 "Thành phố Cần Thơ · BH thất nghiệp: chưa báo cáo");
	cr_assert_str_eq(coverage_sentence(&record, 4, &names, true, 2, sentence), "Thành phố Cần Thơ · Dân số: đã rút");
	cr_assert_str_eq(
	    coverage_sentence(&record, 5, &names, true, 2, sentence),
	    "Thành phố Cần Thơ · BHXH tự nguyện: 468 người, tổng một phần (31/03/2024), minh họa, nam-2024: tổng một phần");
	cr_assert_str_eq(coverage_sentence(&record, 7, &names, true, 2, sentence),
			 "Thành phố Cần Thơ · Hội nghị, buổi tuyên truyền: hơn 500 cuộc (01/01/2024–30/04/2024)");
	cr_assert_str_eq(coverage_sentence(&record, 10, &names, true, 2, sentence),
			 "Thành phố Cần Thơ · BHXH trên lao động có việc làm: 15,54% (31.455 / 202.418) (30/09/2021), đạt 97,12% "
			 "kế hoạch nam-2021 "
			 "(16%), -0,46 điểm %");
	cr_assert_str_eq(
	    coverage_sentence(&record, 13, &names, true, 2, sentence),
	    "Thành phố Cần Thơ · BHYT: công bố 90,2%; mẫu số: kế hoạch nam-2024 (1.065.565 / 1.181.336) (30/04/2024), khớp");
}

Test(rows, leave_a_narrow_table_readable)
{
	speak("vi");
	char *text = print(&(struct writer_options){ .kind = WRITER_TABLE, .vietnamese = true, .width = 80 }, true);
	/* Figures are whole and nothing is cut off. */
	cr_assert(strstr(text, "1.065.565") && strstr(text, "1.181.336") && strstr(text, "100,79%") && strstr(text, "minh họa"));
	free(text);
}

Test(writers, escape_what_must_be_escaped)
{
	static const struct column columns[] = { { .key = "a" }, { .key = "b" }, { .key = "c" } };
	const struct field fields[] = { field_text("say \"x\";,\n\\"), field_code("007"), field_words("p q") };
	static const struct {
		struct writer_options options;
		const char *wanted;
	} cases[] = {
		{ { .kind = WRITER_JSONL }, "{\"a\":\"say \\\"x\\\";,\\n\\\\\",\"b\":\"007\",\"c\":[\"p\",\"q\"]}\n" },
		{ { .kind = WRITER_CSV }, "a,b,c\r\n\"say \"\"x\"\";,\n\\\",007,p q\r\n" },
		{ { .kind = WRITER_CSV, .excel = true },
		  "\xef\xbb\xbf"
		  "a;b;c\r\n\"say \"\"x\"\";,\n\\\";=\"007\";p q\r\n" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);
		struct writer writer;
		writer_open(&writer, &cases[i].options, out);
		cr_assert(!writer_begin(&writer, columns, 3) && !writer_row(&writer, fields) && !writer_end(&writer));
		fclose(out);
		cr_assert_str_eq(text, cases[i].wanted);
		free(text);
	}
}

Test(writers, keep_a_spreadsheet_from_running_text)
{
	static const struct column columns[] = { { .key = "a" }, { .key = "b" } };
	const struct field fields[] = { field_text("=1+1"), field_decimal(-46, 2) };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct writer writer;
	writer_open(&writer, &(struct writer_options){ .kind = WRITER_CSV, .excel = true }, out);
	cr_assert(!writer_begin(&writer, columns, 2) && !writer_row(&writer, fields) && !writer_end(&writer));
	fclose(out);
	cr_assert_str_eq(text, "\xef\xbb\xbf"
			       "a;b\r\n'=1+1;-0,46\r\n");
	free(text);
}

Test(writers, print_an_empty_array_for_no_rows)
{
	static const struct column columns[] = { { .key = "a" } };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct writer writer;
	writer_open(&writer, &(struct writer_options){ .kind = WRITER_JSON }, out);
	cr_assert(!writer_begin(&writer, columns, 1) && !writer_end(&writer));
	fclose(out);
	cr_assert_str_eq(text, "[]\n");
	free(text);
}

Test(words, are_read_as_they_are_printed)
{
	for (int list = 0; list < WORDS_LIST_COUNT; list++)
		for (int value = 1; value < 40; value++) {
			const char *word = word_of((enum word_list)list, value);
			if (word)
				cr_assert_eq(word_parse((enum word_list)list, word), value, "%s", word);
		}
	cr_assert_eq(word_parse(WORDS_BOUND, "more-than"), BAOPHU_MORE_THAN);
	cr_assert_eq(word_parse(WORDS_BOUND, "most"), -1);
	cr_assert_str_eq(word_suggest(WORDS_STATUS, "provisonal"), "provisional");
}

Test(words, explain_every_code_of_the_wire)
{
	for (int code = 1; code < 100; code++)
		if (strcmp(wire_code_name((enum baophu_code)code), "?") != 0)
			cr_assert(*word_code_meaning((enum baophu_code)code) && *word_code_advice((enum baophu_code)code), "%s",
				  wire_code_name((enum baophu_code)code));
}

Test(words, advise_officers_without_commands)
{
	for (int code = 1; code < BAOPHU_CODE_SNAPSHOT_REQUIRED; code++) { /* those above are of questions */
		const char *advice = word_code_office_advice((enum baophu_code)code),
			   *name = wire_code_name((enum baophu_code)code);
		if (strcmp(name, "?") != 0)
			cr_assert(*advice && !strstr(advice, "`") && !strstr(advice, "--"), "%s: %s", name, advice);
	}
}

Test(rows, have_no_blank_line_for_what_a_folded_column_says)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	const struct column columns[] = { { .key = "unit", .heading = "Unit" },
					  { .key = "date", .heading = "As of", .may_be_said_once = true } };
	const struct field first[] = { field_text("a unit with a name"), field_text("2024-01-01 to\n2024-04-30") };
	struct writer writer;
	writer_open(&writer, &(struct writer_options){ .kind = WRITER_TABLE, .width = 24 }, out);
	cr_assert_eq(writer_begin(&writer, columns, 2), 0);
	cr_assert_eq(writer_row(&writer, first), 0);
	cr_assert_eq(writer_row(&writer, first), 0);
	cr_assert_eq(writer_end(&writer), 0);
	fclose(out);
	cr_assert(strncmp(text, "As of: ", 7) == 0, "%s", text);
	cr_assert(!strstr(text, "\n\n"), "%s", text);
	free(text);
}

Test(rows, say_when_parts_and_not_units_were_counted)
{
	speak("en");
	rows[0].basis = BAOPHU_BASIS_PARTS;
	rows[0].reported = rows[0].expected = 2;
	char *text = print(&(struct writer_options){ .kind = WRITER_TABLE }, true);
	cr_assert(strstr(text, "2/2 parts"), "%s", text);
	free(text);
}
