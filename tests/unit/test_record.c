/* test_record.c - the log record's bytes: golden vectors, round trips, and what a damaged record gets.
 *
 * The vectors in tests/vectors/record/ are the second witness of the layout: <name>.hex holds the bytes, <name>.json what they
 * say. Both are written anew when BAOPHU_WRITE_VECTORS is set; that is right only together with a new RECORD_FORMAT.
 */
#include "record.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <sodium.h>

#include "wire.h"

enum { BUFFER_BYTES = 1 << 20, TEXT_BYTES = 1 << 16, CASE_ENTRIES_MAX = 6 };

/* ---- the cases ---- */

#define FIGURE                                                                                 \
	{                                                                                      \
		143013, BAOPHU_FINAL, BAOPHU_PUBLISHED, BAOPHU_EXACT, BAOPHU_REASON_CORRECTION \
	}
#define SLOT                                      \
	{                                         \
		92, 7, BAOPHU_WHOLE, 18261, 18261 \
	}
static const struct entry_successor successors[] = { { 31, 60 }, { 32, 40 } };
static const uint16_t measures[] = { 1, 2, 300 };

struct vector_case {
	const char *name;
	enum record_kind kind;
	enum baophu_verdict verdict;
	enum baophu_code code;
	uint32_t entry;
	const char *payload;
	uint32_t entry_count;
	struct entry entries[CASE_ENTRIES_MAX];
};

#define UPDATE(entry_kind_, ...)                                                                 \
	.kind = RECORD_UPDATE, .verdict = BAOPHU_APPLIED, .entry = UINT32_MAX, .entry_count = 1, \
	.entries = { { .kind = entry_kind_, __VA_ARGS__ } }
#define SYSTEM(record_kind_, entry_kind_, ...) \
	.kind = record_kind_, .entry = UINT32_MAX, .entry_count = 1, .entries = { { .kind = entry_kind_, __VA_ARGS__ } }

static const struct vector_case cases[] = {
	/* record kinds */
	{ .name = "update",
	  .kind = RECORD_UPDATE,
	  .verdict = BAOPHU_APPLIED,
	  .entry = UINT32_MAX,
	  .entry_count = 3,
	  .entries = { { .kind = ENTRY_FACT, .fact = { .slot = SLOT, .figure = FIGURE } },
		       { .kind = ENTRY_RATE,
			 .rate = { .unit = 92,
				   .measure = 7,
				   .denominator = BAOPHU_OVER_UNSTATED,
				   .decimals = 2,
				   .status = BAOPHU_FINAL,
				   .bound = BAOPHU_EXACT,
				   .from = 18261,
				   .to = 18261,
				   .digits = 9262 } },
		       { .kind = ENTRY_WITHDRAWAL,
			 .withdrawal = { .slot = SLOT,
					 .reason = BAOPHU_REASON_UNDO,
					 .withdrawn_id = 3 << 17,
					 .restored = { .value = BAOPHU_ABSENT } } } } },
	{ .name = "update-refused", .kind = RECORD_UPDATE, .verdict = BAOPHU_REFUSED, .code = BAOPHU_CODE_NOT_OWNER, .entry = 4 },
	{ .name = "held",
	  .kind = RECORD_HELD,
	  .verdict = BAOPHU_HELD,
	  .code = BAOPHU_CODE_UNIT_UNKNOWN,
	  .entry = 0,
	  .payload = "payload bytes" },
	{ .name = "start",
	  SYSTEM(RECORD_START, ENTRY_BOOT,
		 .boot = { .boot_id = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 },
			   .wall_ms = 1577836800000,
			   .monotonic_ms = 5000,
			   .version = "0.1.0" }) },
	{ .name = "day", SYSTEM(RECORD_DAY, ENTRY_DAY, .day = { .day = 18262 }) },
	{ .name = "epoch", SYSTEM(RECORD_EPOCH, ENTRY_EPOCH, .epoch = { .agent = 5, .epoch = 9 }) },
	{ .name = "freeze", SYSTEM(RECORD_FREEZE, ENTRY_FREEZE, .epoch = { .agent = 5, .epoch = 9 }) },
	{ .name = "checkpoint",
	  SYSTEM(RECORD_CHECKPOINT, ENTRY_CHECKPOINT,
		 .checkpoint = { .state_digest = 0x0123456789abcdef, .facts = 1000000, .units = 11000 }) },
	{ .name = "catalogue", SYSTEM(RECORD_CATALOGUE, ENTRY_LEVEL, .level = { 1, "tinh", "Tỉnh", "Province" }) },
	{ .name = "stop", .kind = RECORD_STOP, .entry = UINT32_MAX },
	/* entry kinds */
	{ .name = "fact", UPDATE(ENTRY_FACT, .fact = { .slot = SLOT, .figure = FIGURE }) },
	{ .name = "fact-extremes",
	  .kind = RECORD_UPDATE,
	  .verdict = BAOPHU_APPLIED,
	  .entry = UINT32_MAX,
	  .entry_count = 2,
	  .entries = { { .kind = ENTRY_FACT,
			 .fact = { .slot = { UINT32_MAX, UINT16_MAX, BAOPHU_OWN, BAOPHU_DATE_MIN, BAOPHU_DATE_MAX },
				   .figure = { BAOPHU_VALUE_MAX, BAOPHU_ESTIMATE, BAOPHU_ILLUSTRATIVE, BAOPHU_NEARLY,
					       BAOPHU_REASON_COUNT - 1 } } },
		       { .kind = ENTRY_FACT,
			 .fact = { .slot = { 0, 0, BAOPHU_WHOLE, -1, -1 },
				   .figure = { -5, BAOPHU_PROVISIONAL, BAOPHU_REPORTED, BAOPHU_ABOUT, BAOPHU_REASON_NONE } } } } },
	{ .name = "fact-sent-code",
	  .kind = RECORD_UPDATE,
	  .verdict = BAOPHU_APPLIED,
	  .entry = UINT32_MAX,
	  .entry_count = 4,
	  .entries = { { .kind = ENTRY_FACT, .fact = { SLOT, FIGURE, "20101" } },
		       { .kind = ENTRY_FACT, .fact = { SLOT, FIGURE, "1234567" } },
		       { .kind = ENTRY_FACT, .fact = { SLOT, FIGURE, "12345678" } },
		       { .kind = ENTRY_FACT, .fact = { SLOT, FIGURE, "1234567890abcdef" } } } },
	{ .name = "withdrawal",
	  UPDATE(ENTRY_WITHDRAWAL, .withdrawal = { .slot = SLOT,
						   .reason = BAOPHU_REASON_CORRECTION,
						   .withdrawn_id = 12 << 17 | 3,
						   .restored_id = 11 << 17 | 1,
						   .restored = FIGURE }) },
	{ .name = "withdrawal-no-report",
	  UPDATE(ENTRY_WITHDRAWAL,
		 .withdrawal = { .slot = SLOT, .withdrawn_id = 12 << 17, .restored = { .value = BAOPHU_ABSENT } }) },
	{ .name = "rate",
	  UPDATE(ENTRY_RATE,
		 .rate = { 92, 7, 8, 3, BAOPHU_OVER_PLAN, 6, BAOPHU_PROVISIONAL, BAOPHU_MORE_THAN, 18000, 18261, 131200000 }) },
	{ .name = "level", UPDATE(ENTRY_LEVEL, .level = { 3, "xa", "Xã", "Commune" }) },
	{ .name = "unit", UPDATE(ENTRY_UNIT, .unit = { 20101, 92, 3, 16436, "20101", "A Đớt" }) },
	{ .name = "unit-close", UPDATE(ENTRY_UNIT_CLOSE, .unit_close = { 20101, 20270, 2, successors }) },
	{ .name = "unit-close-no-successor", UPDATE(ENTRY_UNIT_CLOSE, .unit_close = { .unit = 20101, .from = 20270 }) },
	{ .name = "measure",
	  UPDATE(ENTRY_MEASURE, .measure = { 9, 8, BAOPHU_STOCK, "bhxh_tn", "BHXH tự nguyện", "Voluntary", "người", "person" }) },
	{ .name = "indicator", UPDATE(ENTRY_INDICATOR, .indicator = { 2, 3, 4, "bhyt_ds", "Tỷ lệ bao phủ BHYT", "" }) },
	{ .name = "plan",
	  UPDATE(ENTRY_PLAN, .plan = { 1, 92, 9, BAOPHU_PLAN_STOCK, 0, BAOPHU_IMPLIED, 0, 17897, 18261, 1181336, "nam-2019", "UBND",
				       "12/QĐ-UBND" }) },
	{ .name = "plan-removed",
	  UPDATE(ENTRY_PLAN,
		 .plan = { 1, 92, 9, BAOPHU_PLAN_RATE, 2, BAOPHU_PUBLISHED, 1, 17897, 18261, BAOPHU_ABSENT, "nam-2019", "", "" }) },
	{ .name = "agent", UPDATE(ENTRY_AGENT, .agent = { 6, 17897, BAOPHU_DATE_NONE, "can-tho" }) },
	{ .name = "grant", UPDATE(ENTRY_GRANT, .grant = { 6, 92, BAOPHU_OWN, 1, 17897, 18261, 3, measures }) },
	{ .name = "grant-all-measures",
	  UPDATE(ENTRY_GRANT, .grant = { .agent = 6, .unit = 92, .from = 17897, .until = BAOPHU_DATE_NONE }) },
	{ .name = "held-decision", UPDATE(ENTRY_HELD_DECISION, .held = { .seq = 77, .release = 1 }) },
	{ .name = "release",
	  .kind = RECORD_RELEASE,
	  .verdict = BAOPHU_APPLIED,
	  .entry = UINT32_MAX,
	  .entry_count = 2,
	  .entries = { { .kind = ENTRY_HELD_DECISION, .held = { .seq = 77, .release = 1 } },
		       { .kind = ENTRY_FACT, .fact = { .slot = SLOT, .figure = FIGURE } } } },
	{ .name = "declare",
	  UPDATE(ENTRY_DECLARE, .declare = { .agent = 6,
					     .unit = 92,
					     .level = 4,
					     .extent = BAOPHU_OWN,
					     .rhythm = BAOPHU_MONTHLY,
					     .closing_day = 25,
					     .grace_days = 3,
					     .since = 18262,
					     .measure_count = 3,
					     .measures = measures }) },
	{ .name = "declare-removed",
	  UPDATE(ENTRY_DECLARE, .declare = { .agent = 6, .unit = 92, .extent = BAOPHU_WHOLE, .since = 18262 }) },
	{ .name = "backup",
	  UPDATE(ENTRY_BACKUP, .backup = { .place = { .seq = 0x123456789, .digest = { 1, 2, 3, [31] = 0xff } } }) },
	{ .name = "epoch-open", UPDATE(ENTRY_EPOCH_OPEN, .epoch = { .agent = 6, .epoch = 3 }) },
	{ .name = "threshold", UPDATE(ENTRY_THRESHOLD, .threshold = { 2, 975, 1, 5, 0 }) },
	{ .name = "threshold-removed", UPDATE(ENTRY_THRESHOLD, .threshold = { .digits = 50, .line = 1, .removed = 1 }) },
};
enum { CASE_COUNT = sizeof cases / sizeof *cases };

static const struct baophu_place before = { .seq = 41, .digest = { 0xaa, 0xbb, 0xcc } };
static uint8_t buffer[BUFFER_BYTES];

static struct record_header header_of(const struct vector_case *c)
{
	bool system = c->kind >= RECORD_START;
	struct record_header header = {
		.kind = c->kind,
		.rules = RECORD_RULES,
		.time_ms = 1577836800123,
		.principal = system ? 0 : 6,
		.agent = system && c->kind != RECORD_RELEASE ? 0 : 5,
		.epoch = system ? 0 : 2,
		.number = system ? 0 : 1000,
		.verdict = c->verdict,
		.code = c->code,
		.entry = c->entry,
	};
	if (!system)
		memset(header.payload_digest, 0x5a, sizeof header.payload_digest);
	return header;
}

static size_t encode(const struct vector_case *c, struct record_header *ret_header)
{
	struct record_writer writer;
	record_begin(&writer, buffer, sizeof buffer);
	for (uint32_t i = 0; i < c->entry_count; i++)
		record_add(&writer, &c->entries[i]);
	if (c->payload)
		record_add_payload(&writer, c->payload, strlen(c->payload));
	*ret_header = header_of(c);
	ssize_t bytes = record_seal(&writer, ret_header, &before);
	cr_assert(bytes >= RECORD_HEADER_BYTES, "%s: %zd", c->name, bytes);
	return (size_t)bytes;
}

/* ---- a record as JSON, from its bytes ---- */

struct text {
	char *buffer;
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int bytes = vsnprintf(text->buffer + text->used, TEXT_BYTES - text->used, format, arguments);
	va_end(arguments);
	cr_assert(bytes >= 0 && (size_t)bytes < TEXT_BYTES - text->used);
	text->used += (size_t)bytes;
}

static void say_hex(struct text *text, const char *key, const uint8_t *bytes, size_t count)
{
	say(text, "\"%s\": \"", key);
	for (size_t i = 0; i < count; i++)
		say(text, "%02x", bytes[i]);
	say(text, "\"");
}

static void say_slot(struct text *text, const struct slot *s)
{
	say(text, "\"unit\": %u, \"measure\": %u, \"extent\": %u, \"from\": %d, \"to\": %d", s->unit, s->measure, s->extent,
	    s->from, s->to);
}

static void say_figure(struct text *text, const struct figure *f)
{
	say(text, "\"value\": %lld, \"status\": %u, \"origin\": %u, \"bound\": %u, \"reason\": %u", (long long)f->value, f->status,
	    f->origin, f->bound, f->reason);
}

static void say_entry(struct text *text, const struct entry *e)
{
	switch (e->kind) {
	case ENTRY_FACT:
		say(text, "\"entry\": \"fact\", ");
		say_slot(text, &e->fact.slot);
		say(text, ", ");
		say_figure(text, &e->fact.figure);
		say(text, ", \"sent_code\": \"%s\"", e->fact.sent_code);
		break;
	case ENTRY_WITHDRAWAL:
		say(text, "\"entry\": \"withdrawal\", ");
		say_slot(text, &e->withdrawal.slot);
		say(text, ", \"reason\": %u, \"withdrawn_id\": %llu, \"restored_id\": %llu, \"restored\": {", e->withdrawal.reason,
		    (unsigned long long)e->withdrawal.withdrawn_id, (unsigned long long)e->withdrawal.restored_id);
		say_figure(text, &e->withdrawal.restored);
		say(text, "}");
		break;
	case ENTRY_RATE:
		say(text,
		    "\"entry\": \"rate\", \"unit\": %u, \"measure\": %u, \"over_measure\": %u, \"over_plan\": %u, \"denominator\": "
		    "%u, "
		    "\"decimals\": %u, \"status\": %u, \"bound\": %u, \"from\": %d, \"to\": %d, \"digits\": %lld",
		    e->rate.unit, e->rate.measure, e->rate.over_measure, e->rate.over_plan, e->rate.denominator, e->rate.decimals,
		    e->rate.status, e->rate.bound, e->rate.from, e->rate.to, (long long)e->rate.digits);
		break;
	case ENTRY_LEVEL:
		say(text, "\"entry\": \"level\", \"level\": %u, \"code\": \"%s\", \"name_vi\": \"%s\", \"name_en\": \"%s\"",
		    e->level.level, e->level.code, e->level.name_vi, e->level.name_en);
		break;
	case ENTRY_UNIT:
		say(text,
		    "\"entry\": \"unit\", \"unit\": %u, \"parent\": %u, \"level\": %u, \"from\": %d, \"code\": \"%s\", \"name\": "
		    "\"%s\"",
		    e->unit.unit, e->unit.parent, e->unit.level, e->unit.from, e->unit.code, e->unit.name);
		break;
	case ENTRY_UNIT_CLOSE:
		say(text, "\"entry\": \"unit_close\", \"unit\": %u, \"from\": %d, \"successors\": [", e->unit_close.unit,
		    e->unit_close.from);
		for (uint32_t i = 0; i < e->unit_close.successor_count; i++)
			say(text, "%s{\"unit\": %u, \"weight\": %u}", i ? ", " : "", e->unit_close.successors[i].unit,
			    e->unit_close.successors[i].weight);
		say(text, "]");
		break;
	case ENTRY_MEASURE:
		say(text,
		    "\"entry\": \"measure\", \"measure\": %u, \"parent\": %u, \"kind\": %u, \"code\": \"%s\", \"name_vi\": \"%s\", "
		    "\"name_en\": "
		    "\"%s\", \"unit_vi\": \"%s\", \"unit_en\": \"%s\"",
		    e->measure.measure, e->measure.parent, e->measure.kind, e->measure.code, e->measure.name_vi, e->measure.name_en,
		    e->measure.unit_vi, e->measure.unit_en);
		break;
	case ENTRY_INDICATOR:
		say(text,
		    "\"entry\": \"indicator\", \"indicator\": %u, \"numerator\": %u, \"denominator\": %u, \"code\": \"%s\", "
		    "\"name_vi\": "
		    "\"%s\", \"name_en\": \"%s\"",
		    e->indicator.indicator, e->indicator.numerator, e->indicator.denominator, e->indicator.code,
		    e->indicator.name_vi, e->indicator.name_en);
		break;
	case ENTRY_PLAN:
		say(text,
		    "\"entry\": \"plan\", \"plan\": %u, \"unit\": %u, \"target\": %u, \"kind\": %u, \"decimals\": %u, \"origin\": "
		    "%u, "
		    "\"removed\": %u, \"from\": %d, \"to\": %d, \"value\": %lld, \"code\": \"%s\", \"issuer\": \"%s\", "
		    "\"document\": \"%s\"",
		    e->plan.plan, e->plan.unit, e->plan.target, e->plan.kind, e->plan.decimals, e->plan.origin, e->plan.removed,
		    e->plan.from, e->plan.to, (long long)e->plan.value, e->plan.code, e->plan.issuer, e->plan.document);
		break;
	case ENTRY_AGENT:
		say(text, "\"entry\": \"agent\", \"agent\": %u, \"from\": %d, \"until\": %d, \"name\": \"%s\"", e->agent.agent,
		    e->agent.from, e->agent.until, e->agent.name);
		break;
	case ENTRY_GRANT:
		say(text,
		    "\"entry\": \"grant\", \"agent\": %u, \"unit\": %u, \"extent\": %u, \"revoke\": %u, \"from\": %d, \"until\": "
		    "%d, \"measures\": [",
		    e->grant.agent, e->grant.unit, e->grant.extent, e->grant.revoke, e->grant.from, e->grant.until);
		for (uint32_t i = 0; i < e->grant.measure_count; i++)
			say(text, "%s%u", i ? ", " : "", e->grant.measures[i]);
		say(text, "]");
		break;
	case ENTRY_HELD_DECISION:
		say(text, "\"entry\": \"held_decision\", \"seq\": %llu, \"release\": %u", (unsigned long long)e->held.seq,
		    e->held.release);
		break;
	case ENTRY_EPOCH_OPEN:
	case ENTRY_EPOCH:
	case ENTRY_FREEZE:
		say(text, "\"entry\": \"%s\", \"agent\": %u, \"epoch\": %llu",
		    e->kind == ENTRY_EPOCH_OPEN ? "epoch_open"
		    : e->kind == ENTRY_EPOCH    ? "epoch"
						: "freeze",
		    e->epoch.agent, (unsigned long long)e->epoch.epoch);
		break;
	case ENTRY_THRESHOLD:
		say(text, "\"entry\": \"threshold\", \"plan\": %u, \"digits\": %u, \"decimals\": %u, \"line\": %u, \"removed\": %u",
		    e->threshold.plan, e->threshold.digits, e->threshold.decimals, e->threshold.line, e->threshold.removed);
		break;
	case ENTRY_DECLARE:
		say(text,
		    "\"entry\": \"declare\", \"agent\": %u, \"unit\": %u, \"level\": %u, \"extent\": %u, \"rhythm\": %u, "
		    "\"closing_day\": %u, \"grace_days\": %u, \"since\": %d, \"measures\": [",
		    e->declare.agent, e->declare.unit, e->declare.level, e->declare.extent, e->declare.rhythm,
		    e->declare.closing_day, e->declare.grace_days, e->declare.since);
		for (uint32_t i = 0; i < e->declare.measure_count; i++)
			say(text, "%s%u", i ? ", " : "", e->declare.measures[i]);
		say(text, "]");
		break;
	case ENTRY_BACKUP:
		say(text, "\"entry\": \"backup\", \"seq\": %llu, ", (unsigned long long)e->backup.place.seq);
		say_hex(text, "digest", e->backup.place.digest, BAOPHU_DIGEST_BYTES);
		break;
	case ENTRY_BOOT:
		say(text, "\"entry\": \"boot\", ");
		say_hex(text, "boot_id", e->boot.boot_id, sizeof e->boot.boot_id);
		say(text, ", \"wall_ms\": %lld, \"monotonic_ms\": %lld, \"version\": \"%s\"", (long long)e->boot.wall_ms,
		    (long long)e->boot.monotonic_ms, e->boot.version);
		break;
	case ENTRY_DAY:
		say(text, "\"entry\": \"day\", \"day\": %d", e->day.day);
		break;
	case ENTRY_CHECKPOINT:
		say(text, "\"entry\": \"checkpoint\", \"state_digest\": %llu, \"facts\": %llu, \"units\": %u",
		    (unsigned long long)e->checkpoint.state_digest, (unsigned long long)e->checkpoint.facts, e->checkpoint.units);
		break;
	}
}

/* Everything the bytes say; the file's JSON is this text. */
static void describe(const uint8_t *bytes, size_t size, struct text *text)
{
	struct record_header h;
	struct record_cursor cursor;
	cr_assert_eq(record_open(bytes, size, &h, &cursor), 0);
	say(text,
	    "{\"kind\": \"%s\", \"verdict\": %u, \"code\": %u, \"rules\": %u, \"time_ms\": %lld, \"principal\": %u, \"agent\": "
	    "%u,\n",
	    record_kind_name(h.kind), h.verdict, h.code, h.rules, (long long)h.time_ms, h.principal, h.agent);
	say(text, " \"epoch\": %llu, \"number\": %llu, ", (unsigned long long)h.epoch, (unsigned long long)h.number);
	say_hex(text, "payload_digest", h.payload_digest, sizeof h.payload_digest);
	if (h.entry == UINT32_MAX)
		say(text, ", \"entry\": null,\n");
	else
		say(text, ", \"entry\": %u,\n", h.entry);
	say(text, " \"entry_count\": %u, \"body_bytes\": %u, \"seq\": %llu,\n ", h.entry_count, h.body_bytes,
	    (unsigned long long)h.place.seq);
	say_hex(text, "previous_digest", before.digest, sizeof before.digest);
	say(text, ",\n ");
	say_hex(text, "digest", h.place.digest, sizeof h.place.digest);
	size_t payload_bytes = 0;
	const uint8_t *payload = record_payload(bytes, size, &payload_bytes);
	if (payload) {
		say(text, ",\n ");
		say_hex(text, "payload", payload, payload_bytes);
	}
	say(text, ",\n \"entries\": [");
	struct entry entry;
	int more;
	for (bool first = true; (more = record_next(&cursor, &entry)) == 1; first = false) {
		say(text, "%s\n  {", first ? "" : ",");
		say_entry(text, &entry);
		say(text, "}");
	}
	cr_assert_eq(more, 0);
	say(text, "]}\n");
}

static void hex_of(const uint8_t *bytes, size_t size, struct text *text)
{
	for (size_t i = 0; i < size; i++)
		say(text, "%02x%s", bytes[i], i + 1 == size || i % 32 == 31 ? "\n" : i % 8 == 7 ? " " : "");
}

static void check_file(const char *name, const char *suffix, const char *expected)
{
	char path[512];
	snprintf(path, sizeof path, "%s/vectors/record/%s.%s", TESTS_DIR, name, suffix);
	bool write = getenv("BAOPHU_WRITE_VECTORS") != NULL;
	FILE *file = fopen(path, write ? "w" : "r");
	cr_assert_not_null(file, "%s", path);
	if (write) {
		cr_assert(fputs(expected, file) >= 0);
	} else {
		static char found[TEXT_BYTES];
		size_t bytes = fread(found, 1, sizeof found - 1, file);
		found[bytes] = '\0';
		cr_assert_str_eq(found, expected, "%s", path);
	}
	cr_assert_eq(fclose(file), 0);
}

/* ---- tests ---- */

Test(record, bytes_and_meaning_are_those_of_the_golden_vectors)
{
	static char hex[TEXT_BYTES], json[TEXT_BYTES];
	for (size_t i = 0; i < CASE_COUNT; i++) {
		struct record_header header;
		size_t bytes = encode(&cases[i], &header);
		struct text hex_text = { hex, 0 }, json_text = { json, 0 };
		hex_of(buffer, bytes, &hex_text);
		describe(buffer, bytes, &json_text);
		check_file(cases[i].name, "hex", hex);
		check_file(cases[i].name, "json", json);
	}
}

Test(record, every_record_kind_and_entry_kind_has_a_vector)
{
	bool record_kinds[RECORD_KIND_COUNT] = { true }, entry_kinds[64] = { false };
	for (size_t i = 0; i < CASE_COUNT; i++) {
		record_kinds[cases[i].kind] = true;
		for (uint32_t k = 0; k < cases[i].entry_count; k++)
			entry_kinds[cases[i].entries[k].kind] = true;
	}
	for (int kind = 0; kind < RECORD_KIND_COUNT; kind++)
		cr_assert(record_kinds[kind], "record kind %d", kind);
	for (int kind = ENTRY_FACT; kind <= ENTRY_CHECKPOINT; kind++) {
		if (kind <= ENTRY_RATE || (kind >= ENTRY_LEVEL && kind <= ENTRY_THRESHOLD) || kind == ENTRY_DECLARE ||
		    kind == ENTRY_BACKUP || kind >= ENTRY_BOOT)
			cr_assert(entry_kinds[kind], "entry kind %d", kind);
	}
}

Test(record, header_is_128_bytes_and_a_fact_without_code_32)
{
	struct record_header header;
	cr_assert_eq(encode(&cases[0], &header) % 8, 0);
	struct vector_case one = { .name = "one", UPDATE(ENTRY_FACT, .fact = { .slot = SLOT, .figure = FIGURE }) };
	cr_assert_eq(encode(&one, &header), 128 + 32);
	cr_assert_eq(header.entry_count, 1);
	cr_assert_eq(header.body_bytes, 32);
	cr_assert_eq(header.place.seq, before.seq + 1);
}

Test(record, header_comes_back_as_it_was_sealed)
{
	for (size_t i = 0; i < CASE_COUNT; i++) {
		struct record_header sealed, read;
		memset(&read, 0xee, sizeof read);
		size_t bytes = encode(&cases[i], &sealed);
		cr_assert_eq(record_read_header(buffer, bytes, &read), 0);
		cr_assert_eq(read.kind, sealed.kind);
		cr_assert_eq(read.rules, sealed.rules);
		cr_assert_eq(read.time_ms, sealed.time_ms);
		cr_assert_eq(read.principal, sealed.principal);
		cr_assert_eq(read.agent, sealed.agent);
		cr_assert_eq(read.epoch, sealed.epoch);
		cr_assert_eq(read.number, sealed.number);
		cr_assert_eq(memcmp(read.payload_digest, sealed.payload_digest, sizeof read.payload_digest), 0);
		cr_assert_eq(read.verdict, sealed.verdict);
		cr_assert_eq(read.code, sealed.code);
		cr_assert_eq(read.entry, sealed.entry);
		cr_assert_eq(read.entry_count, sealed.entry_count);
		cr_assert_eq(read.body_bytes, sealed.body_bytes);
		cr_assert_eq(read.place.seq, sealed.place.seq);
		cr_assert_eq(memcmp(read.place.digest, sealed.place.digest, BAOPHU_DIGEST_BYTES), 0);
		/* A header alone says the same; it is what receipts are rebuilt from. */
		cr_assert_eq(record_read_header(buffer, RECORD_HEADER_BYTES, &read), 0);
		cr_assert_eq(read.number, sealed.number);
	}
}

Test(record, entries_encoded_again_are_the_same_bytes)
{
	static uint8_t again[BUFFER_BYTES];
	for (size_t i = 0; i < CASE_COUNT; i++) {
		struct record_header header;
		struct record_cursor cursor;
		size_t bytes = encode(&cases[i], &header);
		cr_assert_eq(record_open(buffer, bytes, &header, &cursor), 0);
		struct record_writer writer;
		record_begin(&writer, again, sizeof again);
		struct entry entry;
		while (record_next(&cursor, &entry) == 1)
			record_add(&writer, &entry);
		size_t payload_bytes;
		const uint8_t *payload = record_payload(buffer, bytes, &payload_bytes);
		if (payload)
			record_add_payload(&writer, payload, payload_bytes);
		cr_assert_eq(record_seal(&writer, &header, &before), (ssize_t)bytes, "%s", cases[i].name);
		cr_assert_eq(memcmp(again, buffer, bytes), 0, "%s", cases[i].name);
	}
}

Test(record, chain_digest_is_blake2b_of_the_digest_before_and_the_record_without_its_own)
{
	struct record_header header;
	size_t bytes = encode(&cases[0], &header);
	static uint8_t plain[BUFFER_BYTES + BAOPHU_DIGEST_BYTES];
	memcpy(plain, before.digest, BAOPHU_DIGEST_BYTES);
	memcpy(plain + BAOPHU_DIGEST_BYTES, buffer, bytes);
	memset(plain + BAOPHU_DIGEST_BYTES + 80, 0, BAOPHU_DIGEST_BYTES);
	uint8_t digest[BAOPHU_DIGEST_BYTES];
	crypto_generichash(digest, sizeof digest, plain, bytes + BAOPHU_DIGEST_BYTES, NULL, 0);
	cr_assert_eq(memcmp(digest, buffer + 80, sizeof digest), 0);
	cr_assert_eq(memcmp(digest, header.place.digest, sizeof digest), 0);
	cr_assert(record_verify(buffer, bytes, before.digest));
	uint8_t other[BAOPHU_DIGEST_BYTES] = { 0 };
	cr_assert_not(record_verify(buffer, bytes, other));
}

Test(record, any_flipped_bit_fails_the_chain_digest)
{
	for (size_t i = 0; i < CASE_COUNT; i++) {
		struct record_header header;
		size_t bytes = encode(&cases[i], &header);
		for (size_t bit = 0; bit < 8 * bytes; bit++) {
			buffer[bit / 8] ^= (uint8_t)(1 << bit % 8);
			cr_assert_not(record_verify(buffer, bytes, before.digest), "%s: bit %zu", cases[i].name, bit);
			buffer[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		cr_assert(record_verify(buffer, bytes, before.digest));
	}
}

/* Reads all there is in a copy of exactly its size, so that a sanitizer sees any step outside. */
static int read_all(const uint8_t *bytes, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);
	memcpy(exact, bytes, size);
	struct record_header header;
	struct record_cursor cursor;
	struct entry entry;
	int result = record_open(exact, size, &header, &cursor);
	if (result == 0) {
		while ((result = record_next(&cursor, &entry)) == 1)
			;
	}
	if (result < 0) {
		cr_assert(result == -BAOPHU_EDAMAGED || result == -BAOPHU_EFORMAT);
		cr_assert(record_next(&cursor, &entry) < 0, "an error is kept");
	}
	size_t payload_bytes;
	const uint8_t *payload = record_payload(exact, size, &payload_bytes);
	if (payload)
		cr_assert(payload + payload_bytes <= exact + size);
	free(exact);
	return result;
}

Test(record, damaged_bytes_are_read_without_stepping_outside)
{
	unsigned long long accepted = 0, refused = 0;
	for (size_t i = 0; i < CASE_COUNT; i++) {
		struct record_header header;
		size_t bytes = encode(&cases[i], &header);
		cr_assert_eq(read_all(buffer, bytes), 0);
		for (size_t bit = 0; bit < 8 * bytes; bit++) {
			buffer[bit / 8] ^= (uint8_t)(1 << bit % 8);
			*(read_all(buffer, bytes) ? &refused : &accepted) += 1;
			buffer[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t at = 0; at < bytes; at++) {
			uint8_t was = buffer[at];
			buffer[at] = 0xff;
			read_all(buffer, bytes);
			buffer[at] = was;
		}
	}
	cr_assert(accepted && refused);
}

Test(record, cut_or_lengthened_record_is_damaged)
{
	for (size_t i = 0; i < CASE_COUNT; i++) {
		struct record_header header;
		size_t bytes = encode(&cases[i], &header);
		for (size_t size = 0; size < bytes; size++)
			cr_assert_eq(read_all(buffer, size), -BAOPHU_EDAMAGED, "%s cut to %zu", cases[i].name, size);
		buffer[bytes] = 0;
		cr_assert_eq(read_all(buffer, bytes + 1), -BAOPHU_EDAMAGED);
		cr_assert_eq(record_read_header(buffer, bytes + 1, &header), -BAOPHU_EDAMAGED);
	}
}

Test(record, reserved_bytes_must_be_zero)
{
	static const size_t reserved[] = { 6, 7, 68, 69, 70, 71, 112, 119, 120, 127 };
	struct record_header header;
	size_t bytes = encode(&cases[0], &header);
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
		buffer[reserved[i]] = 1;
		cr_assert_eq(record_read_header(buffer, bytes, &header), -BAOPHU_EDAMAGED, "byte %zu", reserved[i]);
		buffer[reserved[i]] = 0;
	}
	for (size_t at = 26; at < 32; at++) { /* of a fact */
		buffer[RECORD_HEADER_BYTES + at] = 1;
		cr_assert_eq(read_all(buffer, bytes), -BAOPHU_EDAMAGED, "byte %zu", at);
		buffer[RECORD_HEADER_BYTES + at] = 0;
	}
}

Test(record, padding_of_an_entry_must_be_zero)
{
	struct vector_case one = { .name = "one", UPDATE(ENTRY_LEVEL, .level = { 1, "a", "b", "c" }) };
	struct record_header header;
	size_t bytes = encode(&one, &header); /* 8 + 3 * 3 = 17, padded to 24 */
	cr_assert_eq(bytes, RECORD_HEADER_BYTES + 24);
	for (size_t at = RECORD_HEADER_BYTES + 17; at < bytes; at++) {
		buffer[at] = 1;
		cr_assert_eq(read_all(buffer, bytes), -BAOPHU_EDAMAGED);
		buffer[at] = 0;
	}
}

Test(record, newer_format_is_told_from_damage)
{
	struct record_header header;
	size_t bytes = encode(&cases[0], &header);
	buffer[0] = RECORD_FORMAT + 1;
	cr_assert_eq(record_read_header(buffer, bytes, &header), -BAOPHU_EFORMAT);
	buffer[0] = 0;
	cr_assert_eq(record_read_header(buffer, bytes, &header), -BAOPHU_EDAMAGED);
}

/* The day that follows the list reads as one more member of it, so only the bound keeps the cursor's arrays whole. */
Test(record, a_list_longer_than_its_bound_is_damaged)
{
	static struct entry_successor many[BAOPHU_SUCCESSORS_MAX];
	static uint16_t many_measures[BAOPHU_GRANT_MEASURES_MAX];
	struct vector_case two = { .name = "two",
				   .kind = RECORD_UPDATE,
				   .verdict = BAOPHU_APPLIED,
				   .entry_count = 2,
				   .entries = { { .kind = ENTRY_UNIT_CLOSE, .unit_close = { 1, 2, BAOPHU_SUCCESSORS_MAX, many } },
						{ .kind = ENTRY_DAY } } };
	struct record_header header;
	size_t bytes = encode(&two, &header);
	cr_assert_eq(read_all(buffer, bytes), 0);
	buffer[60] = 1;
	buffer[RECORD_HEADER_BYTES + 12]++;
	cr_assert_eq(read_all(buffer, bytes), -BAOPHU_EDAMAGED);

	two.entries[0] = (struct entry){ .kind = ENTRY_GRANT,
					 .grant = { .measure_count = BAOPHU_GRANT_MEASURES_MAX, .measures = many_measures } };
	bytes = encode(&two, &header);
	cr_assert_eq(read_all(buffer, bytes), 0);
	buffer[60] = 1;
	buffer[RECORD_HEADER_BYTES + 20]++;
	cr_assert_eq(read_all(buffer, bytes), -BAOPHU_EDAMAGED);
	two.entries[0] = (struct entry){
		.kind = ENTRY_DECLARE,
		.declare = { .extent = BAOPHU_WHOLE, .measure_count = BAOPHU_DECLARE_MEASURES_MAX, .measures = many_measures }
	};
	bytes = encode(&two, &header);
	cr_assert_eq(read_all(buffer, bytes), 0);
	buffer[60] = 1;
	buffer[RECORD_HEADER_BYTES + 20]++;
	cr_assert_eq(read_all(buffer, bytes), -BAOPHU_EDAMAGED);
	two.entries[0] = (struct entry){ .kind = ENTRY_GRANT,
					 .grant = { .measure_count = BAOPHU_GRANT_MEASURES_MAX, .measures = many_measures } };
	struct record_writer writer;
	record_begin(&writer, buffer, sizeof buffer);
	two.entries[0].grant.measure_count++;
	record_add(&writer, &two.entries[0]);
	cr_assert_eq(writer.error, -EINVAL);
}

Test(record, entries_and_their_count_must_agree)
{
	struct record_header header;
	size_t bytes = encode(&cases[0], &header);
	buffer[60] = 2; /* one fewer than there are */
	cr_assert_eq(read_all(buffer, bytes), -BAOPHU_EDAMAGED);
	buffer[60] = 4;
	cr_assert_eq(read_all(buffer, bytes), -BAOPHU_EDAMAGED);
}

Test(record, writer_keeps_its_first_error_and_never_writes_past_the_buffer)
{
	struct entry fact = { .kind = ENTRY_FACT, .fact = { .slot = SLOT, .figure = FIGURE } };
	for (size_t size = 0; size < RECORD_HEADER_BYTES + 3 * 32; size++) {
		uint8_t *exact = malloc(size ? size : 1);
		struct record_writer writer;
		struct record_header header = header_of(&cases[0]);
		record_begin(&writer, exact, size);
		for (int i = 0; i < 3; i++)
			record_add(&writer, &fact);
		record_add_payload(&writer, "x", 1);
		cr_assert_eq(writer.error, -BAOPHU_EFULL);
		cr_assert_eq(record_seal(&writer, &header, &before), -BAOPHU_EFULL);
		free(exact);
	}
	/* What cannot be written as it is, is refused too. */
	struct record_writer writer;
	record_begin(&writer, buffer, sizeof buffer);
	fact.fact.figure.status = BAOPHU_STATUS_NONE;
	record_add(&writer, &fact);
	cr_assert(writer.error < 0);
	cr_assert_eq(writer.used, RECORD_HEADER_BYTES);
}

Test(record, an_update_of_the_most_entries_fits_and_reads_back)
{
	static uint8_t big[RECORD_HEADER_BYTES + 32 * BAOPHU_BATCH_ENTRIES_MAX];
	struct entry fact = { .kind = ENTRY_FACT, .fact = { .slot = SLOT, .figure = FIGURE } };
	struct record_writer writer;
	struct record_header header = header_of(&cases[0]);
	record_begin(&writer, big, sizeof big);
	for (uint32_t i = 0; i < BAOPHU_BATCH_ENTRIES_MAX; i++) {
		fact.fact.slot.unit = i;
		record_add(&writer, &fact);
	}
	cr_assert_eq(record_seal(&writer, &header, &before), (ssize_t)sizeof big);
	struct record_cursor cursor;
	struct entry entry;
	cr_assert_eq(record_open(big, sizeof big, &header, &cursor), 0);
	uint32_t count = 0;
	while (record_next(&cursor, &entry) == 1)
		cr_assert_eq(entry.fact.slot.unit, count++);
	cr_assert_eq(count, BAOPHU_BATCH_ENTRIES_MAX);
}

Test(record, receipt_says_what_the_header_says)
{
	struct record_header header;
	size_t bytes = encode(&cases[1], &header);
	cr_assert_eq(record_read_header(buffer, bytes, &header), 0);
	struct wire_receipt receipt;
	record_receipt(&header, "can-tho", &receipt);
	cr_assert_str_eq(receipt.agent, "can-tho");
	cr_assert_eq(receipt.epoch, 2);
	cr_assert_eq(receipt.number, 1000);
	cr_assert_eq(receipt.verdict, BAOPHU_REFUSED);
	cr_assert_eq(receipt.code, BAOPHU_CODE_NOT_OWNER);
	cr_assert_eq(receipt.entry, 4);
	cr_assert_eq(receipt.place.seq, 42);
	cr_assert_eq(memcmp(receipt.place.digest, header.place.digest, BAOPHU_DIGEST_BYTES), 0);
}

Test(record, entry_ids_order_as_their_places_do)
{
	cr_assert_eq(entry_id_seq(entry_id(77, 65535)), 77);
	cr_assert_eq(entry_id_index(entry_id(77, 65535)), 65535);
	cr_assert_lt(entry_id(77, 65535), entry_id(78, 0));
}
