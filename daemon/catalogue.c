/* catalogue.c - the default catalogue, as tables. See catalogue.h.
 *
 * Codes are Vietnamese without marks: bhxh (bảo hiểm xã hội, social insurance), bhyt (y tế, health), bhtn (thất nghiệp,
 * unemployment), bb (bắt buộc, compulsory), tn (tự nguyện, voluntary). A part names its whole; a whole stands before its parts.
 */
#include "catalogue.h"

#include "agents.h"

#include <assert.h>
#include <string.h>

static const struct {
	const char *code, *name_vi, *name_en;
} levels[] = {
	{ "country", "Cả nước", "Country" },          { "province", "Tỉnh, thành phố", "Province" },
	{ "district", "Quận, huyện", "District" },    { "commune", "Xã, phường, thị trấn", "Commune" },
	{ "village", "Thôn, tổ dân phố", "Village" }, { "point", "Điểm thu", "Collection point" },
};

#define PEOPLE "người", "people"
#define DONG "đồng", "VND"
#define EVENTS "cuộc", "events"
#define TURNS "lượt người", "attendances"
#define PAPERS "văn bản", "documents"
#define COMMUNES "xã", "communes"
#define OFFICES "huyện", "districts"

static const struct {
	const char *code, *parent;
	enum baophu_measure_kind kind;
	const char *name_vi, *name_en, *unit_vi, *unit_en;
} measures[] = {
	/* the schemes */
	{ "bhxh", "", BAOPHU_STOCK, "BHXH", "Social insurance", PEOPLE },
	{ "bhxh_bb", "bhxh", BAOPHU_STOCK, "BHXH bắt buộc", "Compulsory social insurance", PEOPLE },
	{ "bhxh_tn", "bhxh", BAOPHU_STOCK, "BHXH tự nguyện", "Voluntary social insurance", PEOPLE },
	{ "bhtn", "", BAOPHU_STOCK, "BH thất nghiệp", "Unemployment insurance", PEOPLE },
	{ "bhyt", "", BAOPHU_STOCK, "BHYT", "Health insurance", PEOPLE },
	{ "bhyt_hgd", "bhyt", BAOPHU_STOCK, "BHYT hộ gia đình", "Health insurance of households", PEOPLE },
	{ "bhyt_hssv", "bhyt", BAOPHU_STOCK, "BHYT học sinh, sinh viên", "Health insurance of pupils and students", PEOPLE },
	{ "bhyt_ngheo", "bhyt", BAOPHU_STOCK, "BHYT hộ nghèo", "Health insurance of the poor", PEOPLE },
	{ "bhyt_canngheo", "bhyt", BAOPHU_STOCK, "BHYT hộ cận nghèo", "Health insurance of the near-poor", PEOPLE },
	{ "bhyt_khac", "bhyt", BAOPHU_STOCK, "BHYT nhóm khác", "Health insurance of other groups", PEOPLE },
	/* what shares are taken of */
	{ "danso", "", BAOPHU_STOCK, "Dân số", "Population", PEOPLE },
	{ "lldl", "", BAOPHU_STOCK, "Lực lượng lao động", "Labour force", PEOPLE },
	{ "lldl_tuoi", "", BAOPHU_STOCK, "Lực lượng lao động trong độ tuổi", "Labour force of working age", PEOPLE },
	{ "laodong", "", BAOPHU_STOCK, "Lao động có việc làm", "Employed workers", PEOPLE },
	{ "hssv", "", BAOPHU_STOCK, "Học sinh, sinh viên", "Pupils and students", PEOPLE },
	/* money */
	{ "no_bh", "", BAOPHU_STOCK, "Nợ bảo hiểm", "Debt of contributions", DONG },
	{ "thu_bh", "", BAOPHU_FLOW, "Số thu bảo hiểm", "Contributions collected", DONG },
	/* who collects */
	{ "daily", "", BAOPHU_STOCK, "Đại lý thu", "Collection agents", "đại lý", "agents" },
	{ "nhanvien", "", BAOPHU_STOCK, "Nhân viên đại lý thu", "Staff of collection agents", PEOPLE },
	/* who comes and goes */
	{ "tangmoi", "", BAOPHU_FLOW, "Tăng mới", "New", PEOPLE },
	{ "taituc", "", BAOPHU_FLOW, "Tái tục", "Renewed", PEOPLE },
	{ "dungdong", "", BAOPHU_FLOW, "Dừng đóng", "Stopped", PEOPLE },
	{ "chuyenden", "", BAOPHU_FLOW, "Chuyển đến", "Moved in", PEOPLE },
	{ "chuyendi", "", BAOPHU_FLOW, "Chuyển đi", "Moved out", PEOPLE },
	{ "rut1lan", "", BAOPHU_FLOW, "Hưởng BHXH một lần", "Lump-sum withdrawals", PEOPLE },
	/* outreach; the joint ones by the body that took part */
	{ "sukien", "", BAOPHU_FLOW, "Hội nghị, buổi tuyên truyền", "Outreach events", EVENTS },
	{ "sukien_ph", "", BAOPHU_FLOW, "Tuyên truyền phối hợp", "Joint outreach events", EVENTS },
	{ "sukien_lhpn", "sukien_ph", BAOPHU_FLOW, "Phối hợp Hội Liên hiệp Phụ nữ", "Joint events with the women's union", EVENTS },
	{ "sukien_hnd", "sukien_ph", BAOPHU_FLOW, "Phối hợp Hội Nông dân", "Joint events with the farmers' union", EVENTS },
	{ "sukien_ntm", "sukien_ph", BAOPHU_FLOW, "Phối hợp Văn phòng Nông thôn mới", "Joint events with the new-rural office",
	  EVENTS },
	{ "sukien_cdvc", "sukien_ph", BAOPHU_FLOW, "Phối hợp Công đoàn Viên chức", "Joint events with the officials' trade union",
	  EVENTS },
	{ "sukien_htx", "sukien_ph", BAOPHU_FLOW, "Phối hợp Liên minh Hợp tác xã", "Joint events with the cooperatives alliance",
	  EVENTS },
	{ "sukien_gddt", "sukien_ph", BAOPHU_FLOW, "Phối hợp ngành Giáo dục và Đào tạo",
	  "Joint events with the education department", EVENTS },
	{ "sukien_khac", "sukien_ph", BAOPHU_FLOW, "Phối hợp đơn vị khác", "Joint events with other bodies", EVENTS },
	{ "luotdu", "", BAOPHU_FLOW, "Lượt người dự tuyên truyền", "Attendances at outreach events", TURNS },
	{ "luotdu_ph", "", BAOPHU_FLOW, "Lượt người dự tuyên truyền phối hợp", "Attendances at joint events", TURNS },
	{ "luotdu_lhpn", "luotdu_ph", BAOPHU_FLOW, "Lượt dự, Hội Liên hiệp Phụ nữ", "Attendances, women's union", TURNS },
	{ "luotdu_hnd", "luotdu_ph", BAOPHU_FLOW, "Lượt dự, Hội Nông dân", "Attendances, farmers' union", TURNS },
	{ "luotdu_ntm", "luotdu_ph", BAOPHU_FLOW, "Lượt dự, Văn phòng Nông thôn mới", "Attendances, new-rural office", TURNS },
	{ "luotdu_cdvc", "luotdu_ph", BAOPHU_FLOW, "Lượt dự, Công đoàn Viên chức", "Attendances, officials' trade union", TURNS },
	{ "luotdu_htx", "luotdu_ph", BAOPHU_FLOW, "Lượt dự, Liên minh Hợp tác xã", "Attendances, cooperatives alliance", TURNS },
	{ "luotdu_gddt", "luotdu_ph", BAOPHU_FLOW, "Lượt dự, ngành Giáo dục và Đào tạo", "Attendances, education department",
	  TURNS },
	{ "luotdu_khac", "luotdu_ph", BAOPHU_FLOW, "Lượt dự, đơn vị khác", "Attendances, other bodies", TURNS },
	{ "vanban", "", BAOPHU_FLOW, "Văn bản chỉ đạo", "Documents", PAPERS },
	{ "vanban_tinh", "vanban", BAOPHU_FLOW, "Văn bản của tỉnh", "Documents of the province", PAPERS },
	{ "vanban_nganh", "vanban", BAOPHU_FLOW, "Văn bản của các sở, ngành", "Documents of departments", PAPERS },
	{ "vanban_huyen", "vanban", BAOPHU_FLOW, "Văn bản của huyện", "Documents of districts", PAPERS },
	{ "vanban_xa", "vanban", BAOPHU_FLOW, "Văn bản của xã", "Documents of communes", PAPERS },
	{ "hoidap", "", BAOPHU_FLOW, "Câu hỏi được giải đáp", "Questions answered", "câu hỏi", "questions" },
	{ "tinbai", "", BAOPHU_FLOW, "Tin, bài, phóng sự", "Press items", "tin, bài", "items" },
	/* steering */
	{ "bcd_xa", "", BAOPHU_STOCK, "Xã có ban chỉ đạo", "Communes with a steering committee", COMMUNES },
	{ "xa_tong", "", BAOPHU_STOCK, "Số xã, phường, thị trấn", "Communes", COMMUNES },
	{ "kh_huyen", "", BAOPHU_STOCK, "BHXH huyện có kế hoạch hành động", "District offices with an action plan", OFFICES },
	{ "huyen_tong", "", BAOPHU_STOCK, "Số BHXH huyện", "District offices", OFFICES },
};

static const struct {
	const char *code, *numerator, *denominator, *name_vi, *name_en;
} indicators[] = {
	{ "bhyt_baophu", "bhyt", "danso", "Tỷ lệ bao phủ BHYT trên dân số", "Health insurance coverage of the population" },
	{ "bhxh_lldl", "bhxh", "lldl_tuoi", "BHXH trên lực lượng lao động trong độ tuổi",
	  "Social insurance, share of the labour force" },
	{ "bhtn_lldl", "bhtn", "lldl_tuoi", "BHTN trên lực lượng lao động trong độ tuổi",
	  "Unemployment insurance, share of the labour force" },
	{ "tn_lldl", "bhxh_tn", "lldl_tuoi", "BHXH tự nguyện trên lực lượng lao động trong độ tuổi",
	  "Voluntary insurance, share of the labour force" },
	{ "bhxh_laodong", "bhxh", "laodong", "BHXH trên lao động có việc làm", "Social insurance, share of employed workers" },
	{ "bhtn_laodong", "bhtn", "laodong", "BHTN trên lao động có việc làm",
	  "Unemployment insurance, share of employed workers" },
	{ "hssv_bhyt", "bhyt_hssv", "hssv", "Học sinh, sinh viên có BHYT", "Pupils and students with health insurance" },
	{ "kh_huyen_tl", "kh_huyen", "huyen_tong", "BHXH huyện có kế hoạch hành động",
	  "District offices with an action plan, share" },
	{ "bcd_xa_tl", "bcd_xa", "xa_tong", "Xã có ban chỉ đạo", "Communes with a steering committee, share" },
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* A measure's number is its place in the table; a name that is not there would be our own mistake. */
static uint16_t measure_number(const char *code)
{
	if (!*code)
		return 0;
	for (uint16_t i = 0; i < COUNT(measures); i++)
		if (!strcmp(measures[i].code, code))
			return (uint16_t)(i + 1);
	assert(false && "the catalogue names a measure that it does not have");
	return 0;
}

/* 0 %: from nothing to something. */
static const uint8_t lines[] = { 0, 50, 100 };

void catalogue_write_lines(struct record_writer *writer)
{
	for (uint8_t i = 0; i < COUNT(lines); i++)
		record_add(writer, &(struct entry){ .kind = ENTRY_THRESHOLD, .threshold = { .digits = lines[i], .line = i } });
}

void catalogue_write(struct record_writer *writer)
{
	for (uint8_t i = 0; i < COUNT(levels); i++)
		record_add(writer, &(struct entry){ .kind = ENTRY_LEVEL,
						    .level = { .level = (uint8_t)(i + 1),
							       .code = levels[i].code,
							       .name_vi = levels[i].name_vi,
							       .name_en = levels[i].name_en } });
	for (uint16_t i = 0; i < COUNT(measures); i++)
		record_add(writer, &(struct entry){ .kind = ENTRY_MEASURE,
						    .measure = { .measure = (uint16_t)(i + 1),
								 .parent = measure_number(measures[i].parent),
								 .kind = (uint8_t)measures[i].kind,
								 .code = measures[i].code,
								 .name_vi = measures[i].name_vi,
								 .name_en = measures[i].name_en,
								 .unit_vi = measures[i].unit_vi,
								 .unit_en = measures[i].unit_en } });
	for (uint16_t i = 0; i < COUNT(indicators); i++)
		record_add(writer, &(struct entry){ .kind = ENTRY_INDICATOR,
						    .indicator = { .indicator = (uint16_t)(i + 1),
								   .numerator = measure_number(indicators[i].numerator),
								   .denominator = measure_number(indicators[i].denominator),
								   .code = indicators[i].code,
								   .name_vi = indicators[i].name_vi,
								   .name_en = indicators[i].name_en } });
	record_add(writer, &(struct entry){ .kind = ENTRY_AGENT,
					    .agent = { .agent = AGENT_CONTROL,
						       .from = BAOPHU_DATE_MIN,
						       .until = BAOPHU_DATE_NONE,
						       .name = AGENT_CONTROL_NAME } });
	record_add(writer, &(struct entry){ .kind = ENTRY_UNIT,
					    .unit = { .unit = 1,
						      .parent = 0,
						      .level = 1,
						      .from = BAOPHU_DATE_MIN,
						      .code = CATALOGUE_ROOT_CODE,
						      .name = "Việt Nam" } });
	catalogue_write_lines(writer);
}
