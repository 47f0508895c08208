/* What is said of an event, in two languages: which side of which line, with which figures, and never with a percentage of the other side. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/date.h>

#include "event_rows.h"
#include "language.h"

static const struct baophu_event thoi_lai = { .seq = 35,
					      .index = 1,
					      .unit = "927",
					      .name = "Thới Lai",
					      .plan = "nam-2024",
					      .measure = "bhxh_tn",
					      .line_digits = 50,
					      .direction = BAOPHU_UP,
					      .numerator = 1600,
					      .denominator = 2857,
					      .target = 2857,
					      .nth = 1,
					      .number = 3 };
static const struct baophu_event bac_kan = { .seq = 36,
					     .unit = "06",
					     .name = "Bắc Kạn",
					     .plan = "nam-2021",
					     .measure = "bhxh_laodong",
					     .line_digits = 975,
					     .line_decimals = 1,
					     .direction = BAOPHU_DOWN,
					     .numerator = 31455,
					     .denominator = 202418,
					     .target = 160,
					     .decimals = 1,
					     .nth = 2,
					     .number = 1 };
static char text[EVENT_SENTENCE_BYTES];

static void in_vietnamese(void)
{
	setenv("BAOPHU_LOCALEDIR", BINARY_DIR "/client/locale", 1);
	cr_assert(language_start("vi"));
}

static const char *said(struct baophu_event event, uint32_t nth, uint32_t count, bool vietnamese)
{
	event.nth = nth;
	event.count = count;
	return event_said(&event, vietnamese, text);
}

Test(events, say_which_side_of_which_line)
{
	struct baophu_event zero = thoi_lai;
	zero.line_digits = 0;
	cr_assert_str_eq(said(thoi_lai, 1, 0, false), "reached 50%");
	cr_assert_str_eq(said(bac_kan, 2, 0, false), "fell below 97.5%");
	cr_assert_str_eq(said(thoi_lai, 3, 0, false), "reached 50% (crossing 3 of the day)");
	cr_assert_str_eq(said(thoi_lai, 0, 5, false), "up and down across 50% 5 times, at the end of the day not below");
	cr_assert_str_eq(said(bac_kan, 0, 4, false), "up and down across 97.5% 4 times, at the end of the day below");
	cr_assert_str_eq(said(zero, 1, 0, false), "rose above 0%");
	zero.direction = BAOPHU_DOWN;
	cr_assert_str_eq(said(zero, 1, 0, false), "fell to 0%");
	in_vietnamese();
	cr_assert_str_eq(said(thoi_lai, 1, 0, true), "đạt 50%");
	cr_assert_str_eq(said(bac_kan, 2, 0, true), "tụt xuống dưới 97,5%");
	cr_assert_str_eq(said(bac_kan, 3, 0, true), "tụt xuống dưới 97,5% (lần thứ 3 trong ngày)");
	cr_assert_str_eq(said(thoi_lai, 0, 5, true), "lên xuống quanh mốc 50% 5 lần, cuối ngày: đạt mốc");
	cr_assert_str_eq(said(bac_kan, 0, 4, true), "lên xuống quanh mốc 97,5% 4 lần, cuối ngày: dưới mốc");
}

static const char *reached(int64_t numerator, int64_t denominator, uint32_t line, enum baophu_direction direction,
			   unsigned decimals)
{
	struct baophu_event event = thoi_lai;
	event.numerator = numerator;
	event.denominator = event.target = denominator;
	event.line_digits = line;
	event.direction = direction;
	return event_reached(&event, false, decimals, false, text);
}

Test(events, never_show_a_percentage_of_the_other_side)
{
	cr_assert_str_eq(reached(1600, 2857, 50, BAOPHU_UP, 2), "56.00%");
	cr_assert_str_eq(reached(1600, 2857, 50, BAOPHU_UP, 0), "56%");
	cr_assert_str_eq(reached(49999, 100000, 50, BAOPHU_DOWN, 2), "49.999%", "not 50.00%%");
	cr_assert_str_eq(reached(4999999999, 10000000000, 50, BAOPHU_DOWN, 2), "49.999999%", "rounded to any length it is 50%%");
	cr_assert_str_eq(reached(1, 1000000, 0, BAOPHU_UP, 2), "0.0001%", "not 0.00%%");
	cr_assert_str_eq(reached(0, 1000000, 0, BAOPHU_DOWN, 2), "0.00%");
	cr_assert_str_eq(reached(BAOPHU_ABSENT, 2857, 50, BAOPHU_DOWN, 2), "", "no report");
	cr_assert_str_eq(event_reached(&bac_kan, true, 2, true, text), "97,12%", "of the 16%%, not of the people");
	struct baophu_event fine = bac_kan;
	fine.line_digits = 971230;
	fine.line_decimals = 4;
	cr_assert_str_eq(event_reached(&fine, true, 2, true, text), "97,1227%", "as fine as its line");
}

Test(events, are_a_sentence)
{
	struct names names = { 0 };
	struct wire_measure_set measure = { .code = "bhxh_tn",
					    .name_vi = "BHXH tự nguyện",
					    .name_en = "Voluntary social insurance" };
	struct wire_indicator_set indicator = { .code = "bhxh_laodong",
						.name_vi = "BHXH trên lao động",
						.name_en = "Insured of workers" };
	measure.kind = BAOPHU_STOCK;
	struct wire_answer answer = { .measures = &measure, .measure_count = 1, .indicators = &indicator, .indicator_count = 1 };
	cr_assert_eq(names_add(&names, &answer), 0);
	cr_assert_str_eq(event_sentence(&thoi_lai, &names, 2, false, text),
			 "Thới Lai · Voluntary social insurance: reached 50% of plan nam-2024, 1,600/2,857 (56.00%)");
	in_vietnamese();
	names.vietnamese = true;
	cr_assert_str_eq(event_sentence(&thoi_lai, &names, 2, true, text),
			 "Thới Lai · BHXH tự nguyện: đạt 50% kế hoạch nam-2024, 1.600/2.857 (56,00%)");
	cr_assert_str_eq(event_sentence(&bac_kan, &names, 2, true, text),
			 "Bắc Kạn · BHXH trên lao động: tụt xuống dưới 97,5% kế hoạch nam-2021, 15,54%/16,0% (97,12%)");
	struct baophu_event over = thoi_lai;
	over.nth = 0;
	over.count = 5;
	cr_assert_str_eq(event_sentence(&over, &names, 2, true, text),
			 "Thới Lai · BHXH tự nguyện, kế hoạch nam-2024: lên xuống quanh mốc 50% 5 lần, cuối ngày: đạt mốc, "
			 "1.600/2.857 (56,00%)");
	struct baophu_event gone = thoi_lai;
	gone.direction = BAOPHU_DOWN;
	gone.numerator = BAOPHU_ABSENT;
	cr_assert_str_eq(event_sentence(&gone, &names, 2, true, text),
			 "Thới Lai · BHXH tự nguyện: tụt xuống dưới 50% kế hoạch nam-2024, chưa báo cáo/2.857");
	names_finish(&names);
}

/* Keys and their order are a promise; what is absent is null. */
Test(events, are_rows_for_programs)
{
	struct names names = { 0 };
	struct writer writer;
	struct column columns[EVENT_FIELDS];
	char *json = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&json, &size);
	struct wire_indicator_set indicator = { .code = "bhxh_laodong" };
	struct wire_answer answer = { .indicators = &indicator, .indicator_count = 1 };
	struct baophu_event over = bac_kan;
	cr_assert_eq(names_add(&names, &answer), 0);
	over.day = baophu_date_from_civil(20240430);
	over.time_ms = INT64_C(1714446000000);
	over.nth = 0;
	over.count = 4;
	over.cause = 2;
	event_columns(columns);
	writer_open(&writer, &(struct writer_options){ .kind = WRITER_JSONL }, out);
	cr_assert_eq(writer_begin(&writer, columns, EVENT_FIELDS), 0);
	cr_assert_eq(event_write(&writer, &names, &over, 2), 0);
	cr_assert_eq(writer_end(&writer), 0);
	fclose(out);
	cr_assert_str_eq(
	    json, "{\"day\":\"2024-04-30\",\"time\":\"2024-04-30T10:00:00+07:00\",\"id\":\"36.0\",\"seq\":36,\"index\":0,"
		  "\"cause\":2,\"unit\":\"06\",\"unit_name\":\"Bắc Kạn\",\"plan_code\":\"nam-2021\",\"measure\":\"bhxh_laodong\","
		  "\"line\":\"97.5\",\"direction\":\"down\",\"percent\":\"97.12\",\"numerator\":31455,"
		  "\"denominator\":202418,\"target\":null,\"target_percent\":\"16.0\",\"nth\":null,\"count\":4,\"number\":1}\n");
	free(json);
	names_finish(&names);
}
