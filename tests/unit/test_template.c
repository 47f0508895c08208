/* test_template.c - the form of an office out, filled in by a program that is not ours, and back; and the rows that are returned. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include <baophu/date.h>

#include "human.h"
#include "office.h"
#include "sheet.h"
#include "template.h"

struct desk {
	struct mirror *mirror;
	char directory[40];
	struct sheet *sheet;
	struct form form;
	char *text;
};

static void sit_down(struct desk *desk)
{
	*desk = (struct desk){ .mirror = office_mirror(), .directory = "/tmp/baophu-form-XXXXXX" };
	cr_assert_not_null(mkdtemp(desk->directory));
}

static void put_away(struct desk *desk)
{
	form_finish(&desk->form);
	sheet_destroy(desk->sheet);
	free(desk->text);
	desk->sheet = NULL;
	desk->text = NULL;
}

static void get_up(struct desk *desk)
{
	char command[100];
	put_away(desk);
	mirror_close(desk->mirror);
	snprintf(command, sizeof command, "rm -rf '%s'", desk->directory);
	cr_assert_eq(system(command), 0);
}

static const char *at(const struct desk *desk, const char *name)
{
	static char paths[4][200];
	static unsigned turn;
	char *path = paths[turn++ % 4];
	snprintf(path, sizeof paths[0], "%s/%s", desk->directory, name);
	return path;
}

/* The program that is not ours; what it printed is the caller's. */
static char *workbook(const char *what, const char *paths, const char *rest)
{
	char command[4000];
	snprintf(command, sizeof command, "/usr/bin/python3 '%s/support/workbook.py' %s %s %s", TESTS_DIR, what, paths, rest);
	FILE *pipe = popen(command, "r");
	char *text = calloc(1, 1 << 16);
	cr_assert(pipe && fread(text, 1, (1 << 16) - 1, pipe) < (1 << 16) - 1);
	cr_assert_eq(pclose(pipe), 0, "%s\n%s", command, text);
	return text;
}

static void fill(const struct desk *desk, const char *source, const char *target, const char *assignments)
{
	char paths[500];
	snprintf(paths, sizeof paths, "'%s' '%s'", strcmp(source, "-") == 0 ? "-" : at(desk, source), at(desk, target));
	free(workbook("fill", paths, assignments));
}

static void looks(const struct desk *desk, const char *name, const char *what, const char *cells, const char *wanted)
{
	char path[300];
	snprintf(path, sizeof path, "'%s'", at(desk, name));
	char *text = workbook(what, path, cells);
	cr_assert(strcmp(text, wanted) == 0, "%s is\n%s\nnot\n%s", name, text, wanted);
	free(text);
}

static void read_file(struct desk *desk, const char *name)
{
	static uint8_t bytes[1 << 20];
	struct sheet_problem problem;
	struct form_context context = {
		.mirror = desk->mirror, .agent = "a-luoi", .today = office_day(OFFICE_DAY) + 31, .vietnamese = true
	};
	char line[FORM_REASON_BYTES], cell[FORM_CELL_BYTES], to[11], why[SHEET_PROBLEM_BYTES];
	put_away(desk);
	FILE *file = fopen(at(desk, name), "rb");
	cr_assert(file, "%s", name);
	size_t size = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	int error = sheet_read(bytes, size, &desk->sheet, &problem);
	cr_assert_eq(error, 0, "%s", error ? sheet_explain(&problem, name, why, sizeof why) : "");
	cr_assert_eq(form_read(desk->sheet, &context, &desk->form), 0);
	desk->text = calloc(1, 1 << 16);
	if (desk->form.refusal)
		strcat(strcpy(desk->text, "refused: "), desk->form.refusal);
	for (uint32_t i = 0; i < desk->form.entry_count; i++) {
		const struct form_entry *entry = &desk->form.entries[i];
		const struct wire_fact *fact = &entry->entry.fact;
		snprintf(line, sizeof line, "%s: %s %s %s%s = %lld%s%s\n", form_cell_name(entry->row, entry->column, cell),
			 fact->unit, fact->measure, fact->from == fact->to ? "" : "period to ",
			 baophu_date_format(fact->to, true, to), (long long)fact->value,
			 fact->status == BAOPHU_FINAL      ? ""
			 : fact->status == BAOPHU_ESTIMATE ? " estimate"
							   : " provisional",
			 fact->bound == BAOPHU_EXACT ? "" : " bound");
		strcat(desk->text, line);
	}
	for (uint32_t row = 0; row < sheet_row_count(desk->sheet); row++)
		if (form_row_is_rejected(&desk->form, row)) {
			strcat(desk->text, "rejected ");
			strcat(strcat(desk->text, form_reason(&desk->form, row, line)), "\n");
		}
}

static void reads(struct desk *desk, const char *name, const char *wanted)
{
	read_file(desk, name);
	cr_assert(strcmp(desk->text, wanted) == 0, "%s gives\n%s\nnot\n%s", name, desk->text, wanted);
}

static void write_form(const struct desk *desk, const char *name)
{
	struct template_options options = { .from = office_day(20250801), .to = office_day(20250831) };
	cr_assert_eq(template_write(desk->mirror, &options, at(desk, name)), 0);
}

/* ---- the form ---- */

Test(template, is_a_form_that_only_its_cells_can_be_filled_in)
{
	struct desk desk;
	sit_down(&desk);
	write_form(&desk, "form.xlsx");
	looks(&desk, "form.xlsx", "page", "",
	      "panes C9\n"
	      "protected True\n"
	      "paper 9 landscape\n"
	      "hidden [1, 8]\n"
	      "print $A$2:$L$16 $6:$8 $A:$B\n"
	      "check B4 list  \"tháng 8/2025,tháng 7/2025,tháng 6/2025,tháng 5/2025,tháng 4/2025,tháng 3/2025,tháng 2/2025,tháng "
	      "1/2025,"
	      "tháng 12/2024,tháng 11/2024,tháng 10/2024,tháng 9/2024\"\n"
	      "check K9:K16 list  \"chính thức,sơ bộ,ước\"\n"
	      "check E9:E16 whole greaterThanOrEqual 0\n"
	      "check H9:H16 whole greaterThanOrEqual 0\n"
	      "check J9:J16 whole greaterThanOrEqual 0\n");
	looks(&desk, "form.xlsx", "show",
	      "A1 B1 C1 D1 E1 A2 B3 B4 C4 A6 C6 C7 D7 E7 J7 A8 C8 D8 E8 A9 B9 A10 B10 C10 D10 E10 C13 B15 G10 J10 K10 L10",
	      "A1|baophu-bieu-nhap|locked text|-\n"
	      "B1|1|locked text|-\n"
	      "C1|a-luoi|locked text|-\n"
	      "D1|2025-08-01|locked text|-\n"
	      "E1|2025-08-31|locked text|-\n"
	      "A2|BIỂU NHẬP SỐ LIỆU|locked|-\n"
	      "B3|a-luoi · Phường Thủy Hòa, Xã A Lưới 2, Xã A Lưới 5…|locked|-\n"
	      "B4|tháng 8/2025|open|FFFBE6\n"
	      "C4|Số đang có: theo trung tâm lúc 14:05 ngày 31/07/2025|locked|-\n"
	      "A6|Mã địa bàn|locked|DCE6F1\n"
	      "C6|BHYT (người)|locked|DCE6F1\n"
	      "C7|Đang có 31/07/2025|locked|DCE6F1\n"
	      "D7|Kế hoạch nam-2025|locked|DCE6F1\n"
	      "E7|Số mới (cuối kỳ)|locked|DCE6F1\n"
	      "J7|Số mới (trong kỳ)|locked|DCE6F1\n"
	      "A8|#dia-ban|locked text|-\n"
	      "C8|#dang-co:bhyt|locked text|-\n"
	      "D8|#ke-hoach:bhyt|locked text|-\n"
	      "E8|#so-lieu:bhyt|locked text|-\n"
	      "A9|00457|locked text|-\n"
	      "B9|Phường Thủy Hòa|locked|-\n"
	      "A10|20044|locked text|-\n"
	      "B10|Xã A Lưới 2|locked|-\n"
	      "C10|6512|locked|F2F2F2\n"
	      "D10|7000|locked|F2F2F2\n"
	      "E10||open|FFFBE6\n"
	      "C13|7001|locked|F2F2F2\n"
	      "B15|Thôn A Tin|locked|-\n"
	      "G10|210|locked|F2F2F2\n"
	      "J10||open|FFFBE6\n"
	      "K10||open|FFFBE6\n"
	      "L10||open|FFFBE6\n");
	get_up(&desk);
}

Test(template, filled_in_by_another_program_gives_exactly_what_was_typed)
{
	struct desk desk;
	sit_down(&desk);
	write_form(&desk, "form.xlsx");
	reads(&desk, "form.xlsx", "refused: no figure is filled in");
	fill(&desk, "form.xlsx", "filled.xlsx",
	     "E10=6600 H10=0 J10=4 E11='t:1.065' E12='t:hơn 500' K12='sơ bộ' E13='t:ước 7100' L13='xem lại' E15=1000000000000000");
	reads(&desk, "filled.xlsx",
	      "E10: 20044 bhyt 31/08/2025 = 6600\n"
	      "H10: 20044 bhxh_tn 31/08/2025 = 0\n"
	      "J10: 20044 sukien period to 31/08/2025 = 4\n"
	      "E11: 20050 bhyt 31/08/2025 = 1065\n"
	      "E12: 20056 bhyt 31/08/2025 = 500 provisional bound\n"
	      "E13: 20071 bhyt 31/08/2025 = 7100 estimate\n"
	      "E15: 20101.1 bhyt 31/08/2025 = 1000000000000000\n");
	fill(&desk, "filled.xlsx", "july.xlsx", "B4='tháng 7/2025'");
	read_file(&desk, "july.xlsx");
	cr_assert(strstr(desk.text, "E10: 20044 bhyt 31/07/2025 = 6600\n") &&
		      strstr(desk.text, "J10: 20044 sukien period to 31/07/2025 = 4\n"),
		  "%s", desk.text);
	fill(&desk, "filled.xlsx", "wrong.xlsx", "B4='mùa hè'");
	read_file(&desk, "wrong.xlsx");
	cr_assert(strstr(desk.text, "refused: cell B4, the period of the form: “mùa hè” is not a date or period"), "%s", desk.text);
	get_up(&desk);
}

Test(template, has_the_measures_asked_for_or_those_in_use)
{
	struct desk desk;
	sit_down(&desk);
	const char *const measures[] = { "thu", "bhxh_bb" }, *const unknown[] = { "abc" };
	struct template_options options = { office_day(20250701), office_day(20250930), measures, 2 };
	cr_assert_eq(template_write(desk.mirror, &options, at(&desk, "form.xlsx")), 0);
	looks(&desk, "form.xlsx", "show", "B4 C6 C7 C8 D6 D8 E6",
	      "B4|quý III/2025|open|FFFBE6\n"
	      "C6|Số thu BHXH (đồng)|locked|DCE6F1\n"
	      "C7|Số mới (trong kỳ)|locked|DCE6F1\n"
	      "C8|#so-lieu:thu|locked text|-\n"
	      "D6|BHXH bắt buộc (người)|locked|DCE6F1\n"
	      "D8|#so-lieu:bhxh_bb|locked text|-\n"
	      "E6|Trạng thái (trống: chính thức)|locked|DCE6F1\n");
	options.measures = unknown;
	options.measure_count = 1;
	cr_assert_eq(template_write(desk.mirror, &options, at(&desk, "none.xlsx")), -BAOPHU_ENOTFOUND);
	options = (struct template_options){ office_day(20100101), office_day(20100131), NULL, 0 };
	cr_assert_eq(template_write(desk.mirror, &options, at(&desk, "none.xlsx")), -BAOPHU_ENOTFOUND, "nothing was ours then");
	cr_assert_neq(access(at(&desk, "none.xlsx"), F_OK), 0);
	get_up(&desk);
}

Test(template, is_put_in_place_whole_or_not_at_all)
{
	struct desk desk;
	sit_down(&desk);
	struct template_options options = { .from = office_day(20250801), .to = office_day(20250831) };
	cr_assert_eq(template_write(desk.mirror, &options, at(&desk, "no/such/place.xlsx")), -ENOENT);
	cr_assert_eq(mkdir(at(&desk, "form.xlsx"), 0700), 0);
	cr_assert_eq(template_write(desk.mirror, &options, at(&desk, "form.xlsx")), -EISDIR);
	cr_assert_neq(access(at(&desk, "form.xlsx.new"), F_OK), 0, "nothing half made is left");
	get_up(&desk);
}

Test(template, says_periods_as_they_are_read_again)
{
	static const struct {
		uint32_t from, to;
		const char *text;
	} periods[] = {
		{ 20250731, 20250731, "31/07/2025" },
		{ 20240201, 20240229, "tháng 2/2024" },
		{ 20240401, 20240630, "quý II/2024" },
		{ 20240101, 20240630, "6 tháng đầu năm 2024" },
		{ 20240701, 20241231, "6 tháng cuối năm 2024" },
		{ 20240101, 20241231, "năm 2024" },
		{ 20240101, 20240930, "từ 01/01/2024 đến 30/09/2024" },
		{ 20240215, 20240314, "từ 15/02/2024 đến 14/03/2024" },
		{ 20240501, 20240731, "từ 01/05/2024 đến 31/07/2024" },
		{ 20231201, 20240229, "từ 01/12/2023 đến 29/02/2024" },
	};
	for (size_t i = 0; i < sizeof periods / sizeof *periods; i++) {
		char text[TEMPLATE_PERIOD_BYTES];
		struct human_period period;
		cr_assert_str_eq(template_period(office_day(periods[i].from), office_day(periods[i].to), text), periods[i].text);
		cr_assert_eq(human_period(text, 0, &period, NULL), HUMAN_OK, "%s", text);
		cr_assert(period.from == office_day(periods[i].from) && period.to == office_day(periods[i].to), "%s", text);
	}
}

/* ---- rows that come back ---- */

#define WHY_9 "“nhiều” is not a number; write digits only"
#define WHY_STATUS "“xong” is none of the words for this column: final, provisional, estimate"
#define WHY_12 "“12.5” can be read as 12 500 or as 12 point 5; write which one is meant, without doubt"

Test(template, rejected_rows_of_the_form_come_back_as_a_form_and_can_be_mended)
{
	struct desk desk;
	sit_down(&desk);
	write_form(&desk, "form.xlsx");
	fill(&desk, "form.xlsx", "filled.xlsx",
	     "E10=6600 E11='nhiều' H11=12 K11=xong L11='của chị Hoa' E12=6100 H12=12.5 B4='tháng 7/2025'");
	reads(&desk, "filled.xlsx",
	      "E10: 20044 bhyt 31/07/2025 = 6600\n"
	      "rejected E11: " WHY_9 "; K11: " WHY_STATUS "\n"
	      "rejected H12: " WHY_12 "\n");
	cr_assert_eq(template_write_rejected(desk.mirror, desk.sheet, &desk.form, at(&desk, "back.xlsx")), 0);
	looks(&desk, "back.xlsx", "show", "A2 B4 M6 M8 A9 B9 C9 E9 H9 K9 L9 M9 A10 E10 H10 M10 A11",
	      "A2|DÒNG BỊ TRẢ LẠI|locked|-\n"
	      "B4|tháng 7/2025|open|FFFBE6\n"
	      "M6|Lý do|locked|DCE6F1\n"
	      "M8|#ly-do|locked text|-\n"
	      "A9|20050|open text|-\n"
	      "B9|Xã A Lưới 5|open|-\n"
	      "C9|5120|locked|F2F2F2\n"
	      "E9|nhiều|open|FFC7CE\n"
	      "H9|12|open|FFFBE6\n"
	      "K9|xong|open|FFC7CE\n"
	      "L9|của chị Hoa|open|FFFBE6\n"
	      "M9|E11: " WHY_9 "; K11: " WHY_STATUS "|locked|-\n"
	      "A10|20056|open text|-\n"
	      "E10|6100|open|FFFBE6\n"
	      "H10|12.5|open|FFC7CE\n"
	      "M10|H12: " WHY_12 "|locked|-\n"
	      "A11||locked|-\n");
	/* As it is, it comes back again; mended, it says what the rows meant. */
	reads(&desk, "back.xlsx", "rejected E9: " WHY_9 "; K9: " WHY_STATUS "\nrejected H10: " WHY_12 "\n");
	fill(&desk, "back.xlsx", "mended.xlsx", "E9=5200 K9='sơ bộ' H10=12");
	reads(&desk, "mended.xlsx",
	      "E9: 20050 bhyt 31/07/2025 = 5200 provisional\n"
	      "H9: 20050 bhxh_tn 31/07/2025 = 12 provisional\n"
	      "E10: 20056 bhyt 31/07/2025 = 6100\n"
	      "H10: 20056 bhxh_tn 31/07/2025 = 12\n");
	get_up(&desk);
}

#define WHY_CODE                                                                                                                           \
	"“457” is no code of a unit of this office; did you mean 00457 “Phường Thủy Hòa”? Write the code as text, with its " \
	"leading zeros"

Test(template, rejected_rows_of_a_list_keep_what_was_typed)
{
	struct desk desk;
	sit_down(&desk);
	fill(&desk, "-", "list.xlsx",
	     "A1='Danh sách tháng 7' A2='Mã địa bàn' B2='Ngày' C2='BHYT' D2='BHXH tự nguyện' A3=20044 B3=d:2025-07-31 C3=6600 D3=3 "
	     "A4=457 B4=d:2025-07-31 C4=12 D4=7 A5=20050 B5=d:2025-07-31 C5=1.065 A6=20056 B6=d:2025-07-31 C6=9.5% A7=20071 "
	     "B7='30/2/2025' C7=5 A8=20101 B8=d:2025-07-31 C8=44 D8=m:C8:D8 A9=20101.1 B9=d:2025-07-31 C9=d:2025-07-30");
	reads(&desk, "list.xlsx",
	      "C3: 20044 bhyt 31/07/2025 = 6600\n"
	      "D3: 20044 bhxh_tn 31/07/2025 = 3\n"
	      "rejected A4: " WHY_CODE "\n"
	      "rejected C5: “1.065” can be read as 1 065 or as 1 point 065; write which one is meant, without doubt\n"
	      "rejected C6: “9,5%” is a percentage; a count belongs here\n"
	      "rejected B7: “30/2/2025”: there is no such day\n"
	      "rejected D8: is inside a merged cell, so its figure is of more than one row; unmerge it and write a figure in each\n"
	      "rejected C9: holds a date (30/07/2025) where a figure belongs; set the format of the cell to Number and type it "
	      "again\n");
	cr_assert_eq(template_write_rejected(desk.mirror, desk.sheet, &desk.form, at(&desk, "back.xlsx")), 0);
	looks(&desk, "back.xlsx", "show", "A1 A2 E2 A3 B3 C3 E3 C4 C5 B6 A7 C7 D7 C8 A9",
	      "A1|Danh sách tháng 7|locked|-\n"
	      "A2|Mã địa bàn|locked|DCE6F1\n"
	      "E2|Lý do|locked|DCE6F1\n"
	      "A3|457|open text|FFC7CE\n"
	      "B3|2025-07-31 00:00:00|open|-\n"
	      "C3|12|open|-\n"
	      "E3|A4: " WHY_CODE "|locked|-\n"
	      "C4|1.065|open|FFC7CE\n"
	      "C5|9,5%|open|FFC7CE\n"
	      "B6|30/2/2025|open|FFC7CE\n"
	      "A7|20101|open text|-\n"
	      "C7|44|open|-\n"
	      "D7||open|FFC7CE\n"
	      "C8|30/07/2025|open|FFC7CE\n"
	      "A9||locked|-\n");
	fill(&desk, "back.xlsx", "mended.xlsx", "A3='t:00457' C4=1065 C5=95 B6='31/7/2025' C8=8");
	reads(&desk, "mended.xlsx",
	      "C3: 00457 bhyt 31/07/2025 = 12\n"
	      "D3: 00457 bhxh_tn 31/07/2025 = 7\n"
	      "C4: 20050 bhyt 31/07/2025 = 1065\n"
	      "C5: 20056 bhyt 31/07/2025 = 95\n"
	      "C6: 20071 bhyt 31/07/2025 = 5\n"
	      "C7: 20101 bhyt 31/07/2025 = 44\n"
	      "C8: 20101.1 bhyt 31/07/2025 = 8\n");
	get_up(&desk);
}

Test(template, rejected_rows_of_csv_come_back_as_csv)
{
	struct desk desk;
	char text[2000] = "";
	sit_down(&desk);
	FILE *file = fopen(at(&desk, "list.csv"), "w");
	fputs("Tính đến ngày 31/7/2025\nMã,Tên địa bàn,BHYT,Ghi chú\n20044,Xã A Lưới 2,6600,\n"
	      "20050,\"Xã, A Lưới\",12,\"nói \"\"sau\"\"\nhai dòng\"\n20056,,x;y,\n",
	      file);
	fclose(file);
	read_file(&desk, "list.csv");
	cr_assert_eq(desk.form.rejected_rows, 2);
	cr_assert_eq(template_write_rejected(desk.mirror, desk.sheet, &desk.form, at(&desk, "back.csv")), 0);
	file = fopen(at(&desk, "back.csv"), "r");
	cr_assert_gt(fread(text, 1, sizeof text - 1, file), 0);
	fclose(file);
	cr_assert_str_eq(
	    text,
	    "\xef\xbb\xbfTính đến ngày 31/7/2025;;;;\r\n"
	    "Mã;Tên địa bàn;BHYT;Ghi chú;Lý do\r\n"
	    "20050;\"Xã, A Lưới\";12;\"nói \"\"sau\"\"\nhai dòng\";\"B4: the code 20050 is “Xã A Lưới 5”, and the name beside "
	    "it is “Xã, A Lưới”; mend the one that is wrong\"\r\n"
	    "20056;;\"x;y\";;\"C5: “x;y” is not a number; write digits only\"\r\n");
	/* Again: the column «Lý do» is there already and is written anew. */
	read_file(&desk, "back.csv");
	cr_assert(desk.form.rejected_rows == 2 && desk.form.reason_column == 4, "%s", desk.text);
	cr_assert_eq(template_write_rejected(desk.mirror, desk.sheet, &desk.form, at(&desk, "again.csv")), 0);
	read_file(&desk, "again.csv");
	cr_assert(desk.form.rejected_rows == 2 && sheet_column_count(desk.sheet) == 5, "%s", desk.text);
	get_up(&desk);
}
