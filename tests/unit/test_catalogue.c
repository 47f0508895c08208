/* test_catalogue.c - what a new centre starts with folds into a registry that can serve all that field offices report. */
#include "catalogue.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "fold.h"
#include "text.h"

enum { BUFFER_BYTES = 1 << 20 };

/* The state after the catalogue alone. */
static void fold_catalogue(struct state *state)
{
	static uint8_t buffer[BUFFER_BYTES];
	struct record_writer writer;
	struct record_header header = { .kind = RECORD_CATALOGUE, .rules = RECORD_RULES, .entry = UINT32_MAX };
	struct baophu_place none = { 0 };
	record_begin(&writer, buffer, sizeof buffer);
	catalogue_write(&writer);
	ssize_t bytes = record_seal(&writer, &header, &none);
	cr_assert(bytes > 0, "%zd", bytes);
	cr_assert_eq(fold_init(state), 0);
	cr_assert_eq(fold_record(state, buffer, (size_t)bytes), 0);
	cr_assert_eq(fold_settle(state), 0);
}

Test(catalogue, has_a_country_its_levels_and_the_administrator)
{
	static struct state state;
	fold_catalogue(&state);
	static const char *const levels[] = { "country", "province", "district", "commune", "village", "point" };
	for (uint8_t i = 0; i < 6; i++)
		cr_assert_eq(measures_find_level(&state.registry.measures, levels[i]), i + 1);
	uint32_t unit;
	cr_assert_eq(units_find(&state.registry.units, CATALOGUE_ROOT_CODE, BAOPHU_DATE_MIN, UINT64_MAX, &unit, NULL),
		     BAOPHU_CODE_NONE);
	cr_assert_eq(unit, 1);
	cr_assert_eq(agents_find(&state.registry.agents, AGENT_CONTROL_NAME), AGENT_CONTROL);
	fold_finish(&state);
}

Test(catalogue, has_every_measure_that_is_reported)
{
	static struct state state;
	fold_catalogue(&state);
	static const struct {
		const char *codes;
		const char *parent;
		enum baophu_measure_kind kind;
	} wanted[] = {
		{ "bhxh bhtn bhyt danso lldl lldl_tuoi laodong hssv no_bh daily nhanvien bcd_xa xa_tong kh_huyen huyen_tong", "",
		  BAOPHU_STOCK },
		{ "bhxh_bb bhxh_tn", "bhxh", BAOPHU_STOCK },
		{ "bhyt_hgd bhyt_hssv bhyt_ngheo bhyt_canngheo bhyt_khac", "bhyt", BAOPHU_STOCK },
		{ "thu_bh sukien sukien_ph luotdu luotdu_ph vanban hoidap tinbai rut1lan tangmoi taituc dungdong chuyenden "
		  "chuyendi",
		  "", BAOPHU_FLOW },
		{ "sukien_lhpn sukien_hnd sukien_ntm sukien_cdvc sukien_htx sukien_gddt sukien_khac", "sukien_ph", BAOPHU_FLOW },
		{ "luotdu_lhpn luotdu_hnd luotdu_ntm luotdu_cdvc luotdu_htx luotdu_gddt luotdu_khac", "luotdu_ph", BAOPHU_FLOW },
		{ "vanban_tinh vanban_nganh vanban_huyen vanban_xa", "vanban", BAOPHU_FLOW },
	};
	const struct measures *measures = &state.registry.measures;
	uint32_t found = 0;
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		char codes[256];
		strcpy(codes, wanted[i].codes);
		for (char *code = strtok(codes, " "); code; code = strtok(NULL, " "), found++) {
			uint16_t number = measures_find(measures, code);
			cr_assert(number, "%s", code);
			cr_assert_eq(measures_get(measures, number)->kind, wanted[i].kind, "%s", code);
			cr_assert_eq(measures_get(measures, number)->parent,
				     *wanted[i].parent ? measures_find(measures, wanted[i].parent) : 0, "%s", code);
		}
	}
	cr_assert_eq(found, measures_count(measures), "the table of this test names each measure once");
	fold_finish(&state);
}

Test(catalogue, has_every_indicator)
{
	static struct state state;
	fold_catalogue(&state);
	static const char *const wanted[][3] = {
		{ "bhyt_baophu", "bhyt", "danso" },    { "bhxh_lldl", "bhxh", "lldl_tuoi" },
		{ "bhtn_lldl", "bhtn", "lldl_tuoi" },  { "tn_lldl", "bhxh_tn", "lldl_tuoi" },
		{ "bhxh_laodong", "bhxh", "laodong" }, { "bhtn_laodong", "bhtn", "laodong" },
		{ "hssv_bhyt", "bhyt_hssv", "hssv" },  { "kh_huyen_tl", "kh_huyen", "huyen_tong" },
		{ "bcd_xa_tl", "bcd_xa", "xa_tong" },
	};
	const struct measures *measures = &state.registry.measures;
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		uint16_t number = measures_find_indicator(measures, wanted[i][0]);
		cr_assert(number, "%s", wanted[i][0]);
		cr_assert_eq(measures_indicator(measures, number)->numerator, measures_find(measures, wanted[i][1]));
		cr_assert_eq(measures_indicator(measures, number)->denominator, measures_find(measures, wanted[i][2]));
	}
	cr_assert_eq(measures_indicator_count(measures), sizeof wanted / sizeof *wanted);
	fold_finish(&state);
}

Test(catalogue, watches_nothing_to_something_half_and_whole_of_every_plan)
{
	static struct state state;
	fold_catalogue(&state);
	const struct lines *lines = &state.registry.lines;
	for (uint32_t percent = 0; percent <= 100; percent += 50) {
		cr_assert(lines_find(lines, 0, percent, 0), "%u", percent);
		cr_assert_eq(lines_number(lines, percent, 0), percent / 50);
	}
	cr_assert_eq(lines_standing(lines), 3);
	cr_assert_eq(lines_of_plan(lines, 7), 7);
	fold_finish(&state);
}

/* What comes over the wire is checked there; what we bring ourselves must be no worse. */
Test(catalogue, codes_and_names_are_what_the_wire_would_take)
{
	static struct state state;
	fold_catalogue(&state);
	const struct measures *m = &state.registry.measures;
	for (uint16_t i = 1; i <= measures_count(m); i++) {
		const struct measure *measure = measures_get(m, i);
		const uint32_t texts[] = { measure->name_vi, measure->name_en, measure->unit_vi, measure->unit_en };
		cr_assert(text_is_code(measure->code, strlen(measure->code)), "%s", measure->code);
		cr_assert_eq(measures_find(m, measure->code), i, "%s stands twice", measure->code);
		cr_assert_eq(measures_find_indicator(m, measure->code), 0, "%s is an indicator too", measure->code);
		for (int t = 0; t < 4; t++)
			cr_assert(text_is_name(measures_text(m, texts[t]), strlen(measures_text(m, texts[t]))), "%s",
				  measure->code);
	}
	for (uint16_t i = 1; i <= measures_indicator_count(m); i++) {
		const struct indicator *indicator = measures_indicator(m, i);
		cr_assert(text_is_code(indicator->code, strlen(indicator->code)));
		cr_assert(text_is_name(measures_text(m, indicator->name_vi), strlen(measures_text(m, indicator->name_vi))));
		cr_assert(text_is_name(measures_text(m, indicator->name_en), strlen(measures_text(m, indicator->name_en))));
	}
	fold_finish(&state);
}
