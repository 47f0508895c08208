/* test_wire_bytes.c - the codec under bytes that nobody would send on purpose, and structs that nobody thought of.
 *
 * Round trips of random structs; damaged messages, which must be read within the arena or refused; and protobuf-c as a second
 * witness of the messages that are read by hand. Every run is the same one: a seed is a number in the test, printed on failure.
 */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <jansson.h>

#include <baophu/date.h>

#include "baophu/v1/baophu.pb-c.h"
#include "text.h"
#include "wire_any.h"

enum { BUFFER_BYTES = 1 << 18, CORPUS_MAX = 512, DAMAGED_ARENA_BYTES = 1 << 16 };

static uint64_t random_state;
static uint64_t draw(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * UINT64_C(0x2545f4914f6cdd1d);
}
static uint32_t below(uint32_t bound) { return (uint32_t)((draw() >> 33) % bound); }
static bool once_in(uint32_t times) { return below(times) == 0; }

/* Small, large, or just any number: the ends of varints are where codecs err. */
static uint64_t draw_number(void)
{
	uint64_t value = draw() >> below(64);
	return once_in(4) ? value & 0x7f : value;
}
static uint64_t draw_from_1(void)
{
	uint64_t value = draw_number();
	return value ? value : 1;
}
static uint32_t draw_u32(void) { return (uint32_t)(draw_number() >> 32 ? draw_number() % UINT32_MAX : draw_number()); }
static int64_t draw_value(int64_t max) { return (int64_t)(draw_number() % ((uint64_t)max + 1)); }
static int64_t draw_figure(void)
{
	return once_in(3) ? BAOPHU_ABSENT : once_in(2) ? (int64_t)draw_number() : -(int64_t)(draw_number() >> 1);
}
static baophu_date draw_date(void) { return BAOPHU_DATE_MIN + (baophu_date)below(BAOPHU_DATE_MAX - BAOPHU_DATE_MIN + 1); }
static baophu_date draw_date_or_none(void) { return once_in(3) ? BAOPHU_DATE_NONE : draw_date(); }

static void draw_period(baophu_date *ret_from, baophu_date *ret_to)
{
	baophu_date a = draw_date(), b = once_in(2) ? a : draw_date();
	*ret_from = a < b ? a : b;
	*ret_to = a < b ? b : a;
}

static const char *draw_code(struct wire_arena *arena)
{
	static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-";
	size_t size = 1 + below(BAOPHU_CODE_BYTES_MAX);
	char *code = wire_arena_alloc(arena, size + 1);
	for (size_t i = 0; i < size; i++)
		code[i] = alphabet[below(sizeof alphabet - 1)];
	return code;
}
static const char *draw_code_or_empty(struct wire_arena *arena) { return once_in(3) ? "" : draw_code(arena); }

static const char *draw_name(struct wire_arena *arena)
{
	static const char *const syllables[] = { "A", "Lưới", "Thới", "Lai", "Cần", "Thơ", "Huế", "12/QĐ", "é", "x" };
	char *name = wire_arena_alloc(arena, BAOPHU_TEXT_BYTES_MAX + 1);
	size_t words = 1 + below(12);
	for (size_t i = 0; i < words; i++) {
		strcat(name, i ? " " : "");
		strcat(name, syllables[below(sizeof syllables / sizeof *syllables)]);
	}
	return name;
}
static const char *draw_name_or_empty(struct wire_arena *arena) { return once_in(3) ? "" : draw_name(arena); }

static const char *const *draw_codes(struct wire_arena *arena, uint32_t max, uint32_t *ret_count)
{
	uint32_t count = once_in(2) ? 0 : below(max + 1);
	const char **codes = wire_arena_alloc(arena, count * sizeof *codes);
	for (uint32_t i = 0; i < count; i++)
		codes[i] = draw_code(arena);
	*ret_count = count;
	return codes;
}

static void draw_bytes(uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)draw();
}

static struct baophu_place draw_place(void)
{
	struct baophu_place place = { .seq = draw_number() };
	draw_bytes(place.digest, sizeof place.digest);
	return place;
}

/* ---- entries ---- */

static struct wire_plan_set draw_plan(struct wire_arena *arena)
{
	struct wire_plan_set plan = {
		.code = draw_code(arena),
		.unit = draw_code(arena),
		.target = draw_code(arena),
		.issuer = draw_name_or_empty(arena),
		.document = draw_name_or_empty(arena),
		.kind = (enum baophu_plan_kind)(1 + below(3)),
		.origin = (enum baophu_origin)(1 + below(4)),
		.remove = once_in(4),
	};
	draw_period(&plan.from, &plan.to);
	plan.value = plan.remove ? BAOPHU_ABSENT : draw_value(plan.kind == BAOPHU_PLAN_RATE ? BAOPHU_DIGITS_MAX : BAOPHU_VALUE_MAX);
	plan.decimals = plan.kind == BAOPHU_PLAN_RATE ? below(BAOPHU_RATE_DECIMALS_MAX + 1) : 0;
	return plan;
}

static struct wire_measure_set draw_measure(struct wire_arena *arena)
{
	return (struct wire_measure_set){
		.code = draw_code(arena),
		.name_vi = draw_name(arena),
		.name_en = draw_name(arena),
		.unit_vi = draw_name(arena),
		.unit_en = draw_name(arena),
		.parent = draw_code_or_empty(arena),
		.kind = (enum baophu_measure_kind)(1 + below(2)),
	};
}

static struct wire_indicator_set draw_indicator(struct wire_arena *arena)
{
	return (struct wire_indicator_set){
		.code = draw_code(arena),
		.name_vi = draw_name(arena),
		.name_en = draw_name(arena),
		.numerator = draw_code(arena),
		.denominator = draw_code(arena),
	};
}

static void draw_fact(struct wire_arena *arena, struct wire_entry *entry)
{
	struct wire_fact *fact = &entry->fact;
	fact->unit = draw_code(arena);
	fact->measure = draw_code(arena);
	fact->extent = (enum baophu_extent)(1 + below(2));
	draw_period(&fact->from, &fact->to);
	fact->reason = (enum baophu_reason)below(BAOPHU_REASON_COUNT);
	fact->value = BAOPHU_ABSENT;
	if (entry->kind == WIRE_WITHDRAWAL)
		return;
	fact->value = draw_value(BAOPHU_VALUE_MAX);
	fact->status = (enum baophu_status)(1 + below(3));
	fact->origin = (enum baophu_origin)(1 + below(4));
	fact->bound = (enum baophu_bound)(1 + below(4));
}

static void draw_rate(struct wire_arena *arena, struct wire_rate *rate)
{
	rate->unit = draw_code(arena);
	rate->measure = draw_code(arena);
	rate->denominator = (enum baophu_denominator)(1 + below(3));
	rate->over = rate->denominator == BAOPHU_OVER_UNSTATED  ? ""
		     : rate->denominator == BAOPHU_OVER_MEASURE ? draw_code(arena)
								: draw_code_or_empty(arena);
	draw_period(&rate->from, &rate->to);
	rate->digits = draw_value(BAOPHU_DIGITS_MAX);
	rate->decimals = below(BAOPHU_RATE_DECIMALS_MAX + 1);
	rate->status = (enum baophu_status)(1 + below(3));
	rate->bound = (enum baophu_bound)(1 + below(4));
}

static void draw_unit_close(struct wire_arena *arena, struct wire_unit_close *close)
{
	close->unit = draw_code(arena);
	close->date = draw_date();
	close->successor_count = once_in(8) ? BAOPHU_SUCCESSORS_MAX : below(4);
	struct wire_successor *successors = wire_arena_alloc(arena, close->successor_count * sizeof *successors);
	for (uint32_t i = 0; i < close->successor_count; i++) {
		uint32_t weight = draw_u32();
		successors[i] = (struct wire_successor){ draw_code(arena), weight ? weight : 1 };
	}
	close->successors = successors;
}

static void draw_grant(struct wire_arena *arena, struct wire_grant *grant)
{
	grant->agent = draw_code(arena);
	grant->unit = draw_code(arena);
	grant->measures = draw_codes(arena, BAOPHU_GRANT_MEASURES_MAX, &grant->measure_count);
	grant->extent = (enum baophu_extent)below(3);
	grant->revoke = once_in(3);
	draw_period(&grant->from, &grant->until);
	if (!grant->revoke && once_in(2))
		grant->until = BAOPHU_DATE_NONE;
}

static void draw_declare(struct wire_arena *arena, struct wire_declare *declare)
{
	declare->unit = draw_code(arena);
	declare->level = draw_code_or_empty(arena);
	declare->measures = draw_codes(arena, BAOPHU_DECLARE_MEASURES_MAX, &declare->measure_count);
	declare->extent = (enum baophu_extent)(1 + below(2));
	declare->remove = once_in(4);
	if (declare->remove)
		return;
	declare->rhythm = (enum baophu_rhythm)(1 + below(5));
	declare->grace_days = below(BAOPHU_GRACE_DAYS_MAX + 1);
	declare->closing_day = declare->rhythm == BAOPHU_DAILY    ? 0
			       : declare->rhythm == BAOPHU_WEEKLY ? below(8)
			       : declare->rhythm == BAOPHU_YEARLY ? 100 * (1 + below(12)) + 1 + below(29)
								  : below(32);
}

static void draw_entry(struct wire_arena *arena, struct wire_entry *entry, bool is_office)
{
	static const enum wire_entry_kind kinds[] = {
		WIRE_FACT,          WIRE_WITHDRAWAL,  WIRE_RATE,          WIRE_LEVEL_SET, WIRE_UNIT_CREATE,   WIRE_UNIT_CHANGE,
		WIRE_UNIT_CLOSE,    WIRE_MEASURE_SET, WIRE_INDICATOR_SET, WIRE_PLAN_SET,  WIRE_AGENT_SET,     WIRE_GRANT,
		WIRE_HELD_DECISION, WIRE_EPOCH_OPEN,  WIRE_DECLARE,       WIRE_BACKUP,    WIRE_THRESHOLD_SET,
	};
	entry->kind = kinds[below(is_office ? 2 : sizeof kinds / sizeof *kinds)];
	switch (entry->kind) {
	case WIRE_FACT:
	case WIRE_WITHDRAWAL:
		draw_fact(arena, entry);
		break;
	case WIRE_RATE:
		draw_rate(arena, &entry->rate);
		break;
	case WIRE_LEVEL_SET:
		entry->level = (struct wire_level_set){ draw_code(arena), draw_name(arena), draw_name(arena) };
		break;
	case WIRE_UNIT_CREATE:
		entry->unit_create = (struct wire_unit_create){
			draw_code(arena), draw_name(arena), draw_code(arena), draw_code_or_empty(arena), draw_date(),
		};
		break;
	case WIRE_UNIT_CHANGE:
		entry->unit_change = (struct wire_unit_change){
			draw_code(arena),          draw_code_or_empty(arena), draw_name(arena),
			draw_code_or_empty(arena), draw_code_or_empty(arena), draw_date(),
		};
		break;
	case WIRE_UNIT_CLOSE:
		draw_unit_close(arena, &entry->unit_close);
		break;
	case WIRE_MEASURE_SET:
		entry->measure = draw_measure(arena);
		break;
	case WIRE_INDICATOR_SET:
		entry->indicator = draw_indicator(arena);
		break;
	case WIRE_PLAN_SET:
		entry->plan = draw_plan(arena);
		break;
	case WIRE_AGENT_SET:
		entry->agent.name = draw_code(arena);
		draw_period(&entry->agent.from, &entry->agent.until);
		break;
	case WIRE_GRANT:
		draw_grant(arena, &entry->grant);
		break;
	case WIRE_HELD_DECISION:
		entry->held = (struct wire_held_decision){ draw_from_1(), once_in(2) };
		break;
	case WIRE_EPOCH_OPEN:
		entry->epoch_open = (struct wire_epoch_open){ draw_code(arena), draw_from_1() };
		break;
	case WIRE_THRESHOLD_SET:
		entry->threshold = (struct wire_threshold_set){ draw_code_or_empty(arena), draw_value(BAOPHU_LINE_PERCENT_MAX),
								below(BAOPHU_LINE_DECIMALS_MAX + 1), once_in(3) };
		break;
	case WIRE_DECLARE:
		draw_declare(arena, &entry->declare);
		break;
	case WIRE_BACKUP:
		entry->backup.place = draw_place();
		entry->backup.place.seq += !entry->backup.place.seq;
		break;
	}
}

static const struct wire_entry *draw_entries(struct wire_arena *arena, uint32_t count, bool is_office)
{
	struct wire_entry *entries = wire_arena_alloc(arena, count * sizeof *entries);
	for (uint32_t i = 0; i < count; i++)
		draw_entry(arena, &entries[i], is_office);
	return entries;
}

static void draw_payload(struct wire_arena *arena, struct wire_payload *payload, bool is_office)
{
	*payload = (struct wire_payload){ .agent = draw_code(arena), .epoch = draw_from_1(), .number = draw_from_1() };
	if (!is_office && once_in(8)) {
		payload->has_apply = true;
		payload->apply.batch = draw_number();
		payload->apply.entries = 1 + below(BAOPHU_BATCH_ENTRIES_MAX);
		payload->apply.parts = 1 + below(payload->apply.entries);
		draw_bytes(payload->apply.digest, BAOPHU_DIGEST_BYTES);
	} else {
		payload->entry_count = 1 + below(once_in(10) ? 40 : 4);
		payload->entries = draw_entries(arena, payload->entry_count, is_office);
	}
}

/* ---- envelopes ---- */

static void draw_agent_message(struct wire_arena *arena, struct wire_agent_message *message)
{
	message->kind = (enum wire_agent_kind)(1 + below(5));
	if (message->kind == WIRE_HELLO) {
		message->hello = (struct wire_hello){
			.protocol = draw_u32(),
			.agent = draw_code(arena),
			.epoch = draw_number(),
			.has_last = once_in(2),
			.last = draw_place(),
		};
	} else if (message->kind == WIRE_UPDATE) {
		size_t bytes = 1 + below(400); /* an update without a payload is none */
		uint8_t *payload = wire_arena_alloc(arena, bytes);
		draw_bytes(payload, bytes);
		message->update = (struct wire_update){ draw_from_1(), draw_from_1(), payload, bytes, once_in(2) };
	} else if (message->kind == WIRE_STAGE) {
		uint32_t count = 1 + below(5);
		message->stage = (struct wire_stage){
			.epoch = draw_from_1(),
			.batch = draw_number(),
			.part = draw_u32(),
			.entry_count = count,
			.entries = draw_entries(arena, count, false),
		};
	}
}

static void draw_items(struct wire_arena *arena, struct wire_collector_message *message)
{
	uint32_t count = below(5);
	struct wire_receipt_item *items = wire_arena_alloc(arena, count * sizeof *items);
	for (uint32_t i = 0; i < count; i++) {
		uint8_t *receipt = wire_arena_alloc(arena, 300);
		struct wire_effect *effects = wire_arena_alloc(arena, 4 * sizeof *effects);
		draw_bytes(receipt, 300);
		items[i] = (struct wire_receipt_item){ receipt, 1 + below(300), below(5), effects, draw_code_or_empty(arena) };
		for (uint32_t e = 0; e < items[i].effect_count; e++)
			effects[e] = (struct wire_effect){ draw_u32(), draw_figure(), draw_code_or_empty(arena), draw_figure() };
	}
	message->receipts.items = items;
	message->receipts.item_count = count;
}

static void draw_collector_message(struct wire_arena *arena, struct wire_collector_message *message)
{
	message->kind = (enum wire_collector_kind)(1 + below(7));
	switch (message->kind) {
	case WIRE_WELCOME:
		message->welcome = (struct wire_welcome){
			.head = draw_place(),
			.epoch = draw_from_1(),
			.next = draw_from_1(),
			.credit_bytes = draw_u32(),
			.has_backup = once_in(2),
			.last_unknown = once_in(2),
			.backup = draw_place(),
		};
		draw_bytes(message->welcome.store, BAOPHU_STORE_BYTES);
		break;
	case WIRE_TURNED:
		message->turned = BAOPHU_CODE_AGENT_UNKNOWN;
		break;
	case WIRE_RECEIPTS:
		draw_items(arena, message);
		break;
	case WIRE_NOT_NOW:
		message->not_now = (struct wire_not_now){ draw_number(), draw_number(), draw_number(), BAOPHU_CODE_EXPECT,
							  draw_u32() };
		break;
	case WIRE_STAGED:
		message->staged = (struct wire_staged){ draw_number(), draw_u32(),
							once_in(2) ? BAOPHU_CODE_NONE : BAOPHU_CODE_TEXT };
		break;
	case WIRE_BEAT_ANSWER:
		message->head = draw_place();
		break;
	case WIRE_STOPPED:
		break;
	}
}

/* ---- coverage ---- */

static void copy_code(char to[static BAOPHU_CODE_BYTES_MAX + 1], const char *code) { memcpy(to, code, strlen(code) + 1); }

static void draw_row(struct wire_arena *arena, struct baophu_row *row)
{
	static const enum baophu_state states[] = {
		BAOPHU_STATE_NONE,    BAOPHU_STATE_REPORTED,       BAOPHU_STATE_WITHDRAWN, BAOPHU_STATE_MET,
		BAOPHU_STATE_PARTIAL, BAOPHU_STATE_NO_DENOMINATOR, BAOPHU_STATE_AGREES,    BAOPHU_STATE_NOT_COMPARABLE,
	};
	*row = (struct baophu_row){
		.kind = (enum baophu_row_kind)below(6),
		.from = draw_date_or_none(),
		.to = draw_date_or_none(),
		.value = draw_figure(),
		.basis = (enum baophu_basis)below(5),
		.whole = draw_figure(),
		.sum = draw_figure(),
		.gap = draw_figure(),
		.own = draw_figure(),
		.whole_to = draw_date_or_none(),
		.oldest = draw_date_or_none(),
		.state = states[below(sizeof states / sizeof *states)],
		.status = (enum baophu_status)below(4),
		.origin = (enum baophu_origin)below(5),
		.bound = (enum baophu_bound)below(5),
		.reason = (enum baophu_reason)below(BAOPHU_REASON_COUNT),
		.reported = draw_u32(),
		.expected = draw_u32(),
		.plan_state = (enum baophu_plan_state)below(5),
		.target = draw_figure(),
		.decimals = below(BAOPHU_RATE_DECIMALS_MAX + 1),
		.remaining = draw_figure(),
		.numerator = draw_figure(),
		.denominator = draw_figure(),
		.estimated = draw_figure(),
		.previous = draw_figure(),
		.moved_net = draw_figure(),
		.uncovered_days = draw_u32(),
		.unused = draw_u32(),
		.fresh = draw_u32(),
		.declared = draw_u32(),
	};
	copy_code(row->measure, draw_code_or_empty(arena));
	copy_code(row->plan, draw_code_or_empty(arena));
	copy_code(row->denominator_measure, draw_code_or_empty(arena));
	uint32_t flags = below(BAOPHU_ROW_FLAGS_MAX + 1);
	for (uint32_t i = 0; i < flags; i++)
		row->flags[i] = (uint8_t)(1 + below(BAOPHU_FLAG_COUNT - 1));
}

static void draw_event(struct wire_arena *arena, struct baophu_event *event)
{
	*event = (struct baophu_event){
		.seq = draw_from_1(),
		.index = draw_u32(),
		.cause = draw_u32(),
		.unit_number = 1 + below(1000),
		.line_digits = draw_u32(),
		.line_decimals = below(BAOPHU_LINE_DECIMALS_MAX + 1),
		.direction = (enum baophu_direction)below(3),
		.numerator = draw_figure(),
		.denominator = draw_figure(),
		.target = draw_figure(),
		.decimals = below(BAOPHU_RATE_DECIMALS_MAX + 1),
		.day = draw_date_or_none(),
		.time_ms = draw_figure(),
		.nth = draw_u32(),
		.count = draw_u32(),
		.number = draw_number(),
	};
	copy_code(event->unit, draw_code_or_empty(arena));
	copy_code(event->plan, draw_code_or_empty(arena));
	copy_code(event->measure, draw_code_or_empty(arena));
	const char *name = draw_name_or_empty(arena);
	memcpy(event->name, name, strlen(name) + 1);
}

static struct baophu_record draw_record(struct wire_arena *arena)
{
	struct baophu_record record = {
		.unit_number = draw_u32(),
		.version = draw_number(),
		.previous = draw_number(),
		.depth = below(BAOPHU_DEPTH_MAX + 1),
		.date = draw_date_or_none(),
		.seq = draw_number(),
		.tombstone = once_in(4),
		.row_count = below(12),
		.event_count = draw_number(),
		.new_event_count = below(4),
	};
	struct baophu_event *events = wire_arena_alloc(arena, record.new_event_count * sizeof *events);
	for (uint32_t i = 0; i < record.new_event_count; i++)
		draw_event(arena, &events[i]);
	record.events = events;
	struct baophu_row *rows = wire_arena_alloc(arena, record.row_count * sizeof *rows);
	for (uint32_t i = 0; i < record.row_count; i++)
		draw_row(arena, &rows[i]);
	record.unit_number += !record.unit_number;
	record.rows = rows;
	copy_code(record.unit, draw_code_or_empty(arena));
	copy_code(record.level, draw_code_or_empty(arena));
	copy_code(record.parent, draw_code_or_empty(arena));
	const char *name = draw_name_or_empty(arena);
	memcpy(record.name, name, strlen(name) + 1);
	return record;
}

/* ---- query and answer ---- */

static void draw_query(struct wire_arena *arena, struct wire_query *query)
{
	*query = (struct wire_query){
		.id = draw_number(),
		.kind = (enum wire_query_kind)(1 + below(11)),
		.unit = draw_code_or_empty(arena),
		.plan = draw_code_or_empty(arena),
		.depth = below(BAOPHU_DEPTH_MAX + 1),
		.limit = 1 + below(BAOPHU_PAGE_RECORDS_MAX),
		.as_of = draw_date_or_none(),
		.tree_date = draw_date_or_none(),
		.since = draw_date_or_none(),
		.from = BAOPHU_DATE_NONE,
		.to = BAOPHU_DATE_NONE,
		.known_seq = draw_number(),
		.min_seq = draw_number(),
		.since_seq = draw_number(),
		.page_bytes = once_in(2) ? 0 : below(WIRE_PAGE_TOKEN_BYTES_MAX + 1),
		.has_since_digest = once_in(2),
		.agent = draw_code_or_empty(arena),
		.freshness = (enum baophu_freshness)below(BAOPHU_FRESHNESS_COUNT),
	};
	query->measures = draw_codes(arena, BAOPHU_QUERY_MEASURES_MAX, &query->measure_count);
	if (once_in(2))
		draw_period(&query->from, &query->to);
	draw_bytes(query->page, query->page_bytes);
	draw_bytes(query->since_digest, BAOPHU_DIGEST_BYTES);
}

static struct baophu_detail draw_detail(struct wire_arena *arena)
{
	struct baophu_detail detail = { .fault = below(BAOPHU_FAULT_COUNT), .date = BAOPHU_DATE_NONE };
	if (!detail.fault)
		return detail;
	snprintf(detail.named, sizeof detail.named, "%s", draw_code_or_empty(arena));
	snprintf(detail.successor, sizeof detail.successor, "%s", draw_code_or_empty(arena));
	snprintf(detail.successor_name, sizeof detail.successor_name, "%s", draw_name_or_empty(arena));
	detail.date = draw_date_or_none();
	detail.wanted_seq = draw_number();
	detail.newest_seq = draw_number();
	return detail;
}

static void draw_answer(struct wire_arena *arena, struct wire_answer *answer)
{
	*answer = (struct wire_answer){
		.id = draw_number(),
		.code = once_in(2) ? BAOPHU_CODE_NONE : BAOPHU_CODE_BEHIND,
		.text = draw_name_or_empty(arena),
		.detail = draw_detail(arena),
		.plan = draw_code_or_empty(arena),
		.cut = draw_place(),
		.as_of = draw_date_or_none(),
		.tree_date = draw_date_or_none(),
		.known_seq = draw_number(),
		.next_page_bytes = once_in(2) ? 0 : below(WIRE_PAGE_TOKEN_BYTES_MAX + 1),
		.record_count = below(4),
		.fact_count = below(4),
		.unit_count = below(4),
		.measure_count = below(4),
		.indicator_count = below(4),
		.plan_count = below(4),
		.agent_count = below(4),
		.held_count = below(4),
		.log_count = below(4),
		.event_count = below(4),
		.threshold_count = below(4),
		.due_count = below(4),
	};
	draw_bytes(answer->next_page, answer->next_page_bytes);
	struct baophu_record *records = wire_arena_alloc(arena, 4 * sizeof *records);
	struct wire_fact_version *facts = wire_arena_alloc(arena, 4 * sizeof *facts);
	struct wire_unit_info *units = wire_arena_alloc(arena, 4 * sizeof *units);
	struct wire_measure_set *measures = wire_arena_alloc(arena, 4 * sizeof *measures);
	struct wire_indicator_set *indicators = wire_arena_alloc(arena, 4 * sizeof *indicators);
	struct wire_plan_info *plans = wire_arena_alloc(arena, 4 * sizeof *plans);
	struct wire_agent_info *agents = wire_arena_alloc(arena, 4 * sizeof *agents);
	struct wire_held_info *held = wire_arena_alloc(arena, 4 * sizeof *held);
	struct wire_log_info *log = wire_arena_alloc(arena, 4 * sizeof *log);
	struct baophu_event *events = wire_arena_alloc(arena, 4 * sizeof *events);
	struct wire_threshold_info *thresholds = wire_arena_alloc(arena, 4 * sizeof *thresholds);
	struct wire_due_info *due = wire_arena_alloc(arena, 4 * sizeof *due);
	for (uint32_t i = 0; i < 4; i++) {
		draw_event(arena, &events[i]);
		thresholds[i] = (struct wire_threshold_info){
			.threshold = { draw_code_or_empty(arena), draw_u32(), below(BAOPHU_LINE_DECIMALS_MAX + 1), false },
			.seq = draw_number(),
		};
		records[i] = draw_record(arena);
		facts[i] = (struct wire_fact_version){
			.seq = draw_number(),
			.index = draw_u32(),
			.measure = draw_code(arena),
			.agent = draw_code_or_empty(arena),
			.extent = (enum baophu_extent)below(3),
			.from = draw_date_or_none(),
			.to = draw_date_or_none(),
			.value = draw_figure(),
			.status = (enum baophu_status)below(4),
			.origin = (enum baophu_origin)below(5),
			.bound = (enum baophu_bound)below(5),
			.reason = (enum baophu_reason)below(BAOPHU_REASON_COUNT),
			.time_ms = draw_figure(),
			.stands = once_in(2),
			.unit = draw_code_or_empty(arena),
		};
		struct wire_former_unit *former = wire_arena_alloc(arena, 3 * sizeof *former);
		struct wire_grant_info *grants = wire_arena_alloc(arena, 3 * sizeof *grants);
		for (uint32_t k = 0; k < 3; k++) {
			former[k] = (struct wire_former_unit){ .number = draw_u32(),
							       .code = draw_code(arena),
							       .name = draw_name(arena),
							       .from = draw_date_or_none(),
							       .until = draw_date_or_none() };
			grants[k] = (struct wire_grant_info){ .unit = draw_code(arena),
							      .extent = (enum baophu_extent)below(3),
							      .from = draw_date_or_none(),
							      .until = draw_date_or_none(),
							      .seq = draw_number() };
			grants[k].measures = draw_codes(arena, 4, &grants[k].measure_count);
		}
		units[i] = (struct wire_unit_info){
			.number = draw_u32(),
			.depth = below(BAOPHU_DEPTH_MAX + 1),
			.code = draw_code(arena),
			.name = draw_name(arena),
			.level = draw_code(arena),
			.parent = draw_code_or_empty(arena),
			.from = draw_date_or_none(),
			.until = draw_date_or_none(),
			.former_count = below(4),
			.former = former,
		};
		measures[i] = draw_measure(arena);
		indicators[i] = draw_indicator(arena);
		plans[i] = (struct wire_plan_info){ draw_plan(arena), draw_u32(), draw_number() };
		agents[i] = (struct wire_agent_info){
			.name = draw_code(arena),
			.from = draw_date_or_none(),
			.until = draw_date_or_none(),
			.epochs = draw_u32(),
			.frozen = draw_u32(),
			.last_seq = draw_number(),
			.last_ms = draw_figure(),
			.grant_count = below(4),
			.grants = grants,
			.freshness = (enum baophu_freshness)below(BAOPHU_FRESHNESS_COUNT),
			.declared = draw_u32(),
			.fresh = draw_u32(),
			.due = draw_u32(),
			.late = draw_u32(),
			.silent = draw_u32(),
		};
		agents[i].units = draw_codes(arena, 6, &agents[i].unit_count);
		held[i] = (struct wire_held_info){
			.seq = draw_number(),
			.epoch = draw_number(),
			.number = draw_number(),
			.agent = draw_code_or_empty(arena),
			.unit = draw_code_or_empty(arena),
			.suggestion = draw_code_or_empty(arena),
			.code = BAOPHU_CODE_NO_OWNER,
			.entry = draw_u32(),
			.time_ms = draw_figure(),
			.decision = (enum baophu_verdict)below(4),
			.decision_seq = draw_number(),
		};
		log[i] = (struct wire_log_info){
			.place = draw_place(),
			.kind = draw_name_or_empty(arena),
			.agent = draw_code_or_empty(arena),
			.time_ms = draw_figure(),
			.epoch = draw_number(),
			.number = draw_number(),
			.verdict = (enum baophu_verdict)below(4),
			.code = BAOPHU_CODE_FORK,
			.entry = once_in(2) ? UINT32_MAX : draw_u32(),
			.entries = draw_u32(),
		};
		due[i] = (struct wire_due_info){
			.agent = draw_code(arena),
			.unit = draw_code(arena),
			.name = draw_name_or_empty(arena),
			.measure = draw_code(arena),
			.extent = (enum baophu_extent)below(3),
			.rhythm = (enum baophu_rhythm)below(6),
			.closing_day = draw_u32(),
			.grace_days = draw_u32(),
			.since = draw_date_or_none(),
			.newest = draw_date_or_none(),
			.closing = draw_date_or_none(),
			.next_closing = draw_date_or_none(),
			.freshness = (enum baophu_freshness)below(BAOPHU_FRESHNESS_COUNT),
		};
	}
	answer->records = records;
	answer->facts = facts;
	answer->units = units;
	answer->measures = measures;
	answer->indicators = indicators;
	answer->plans = plans;
	answer->agents = agents;
	answer->held = held;
	answer->log = log;
	answer->events = events;
	answer->thresholds = thresholds;
	answer->due = due;
	if (once_in(2)) {
		struct wire_server_status *status = wire_arena_alloc(arena, sizeof *status);
		struct wire_counter *counters = wire_arena_alloc(arena, 3 * sizeof *counters);
		for (uint32_t i = 0; i < 3; i++)
			counters[i] = (struct wire_counter){ draw_name(arena), draw_number() };
		*status = (struct wire_server_status){
			.history_seq = draw_number(),
			.state_digest = draw_number(),
			.facts = draw_number(),
			.updates = draw_number(),
			.entries = draw_number(),
			.business_day = draw_date_or_none(),
			.units = draw_u32(),
			.held = draw_u32(),
			.agents = draw_u32(),
			.started_ms = draw_figure(),
			.counter_count = below(4),
			.counters = counters,
			.day_held = once_in(2),
			.disk_full = once_in(2),
			.version = draw_name_or_empty(arena),
		};
		draw_bytes(status->store, BAOPHU_STORE_BYTES);
		status->has_backup = once_in(2);
		if (status->has_backup) {
			status->backup = draw_place();
			status->backup_ms = draw_figure();
		}
		answer->status = status;
	}
}

static struct any draw_any(struct wire_arena *arena, enum any_kind kind)
{
	struct any any = { .kind = kind };
	switch (kind) {
	case ANY_AGENT_MESSAGE:
		draw_agent_message(arena, &any.agent);
		break;
	case ANY_COLLECTOR_MESSAGE:
		draw_collector_message(arena, &any.collector);
		break;
	case ANY_PAYLOAD:
		draw_payload(arena, &any.payload, once_in(2));
		break;
	case ANY_RECEIPT:
		any.receipt = (struct wire_receipt){
			.agent = draw_code(arena),
			.epoch = draw_from_1(),
			.number = draw_from_1(),
			.place = draw_place(),
			.verdict = (enum baophu_verdict)(1 + below(3)),
			.code = once_in(2) ? BAOPHU_CODE_NONE : BAOPHU_CODE_STILL_HELD,
			.entry = once_in(2) ? UINT32_MAX : below(BAOPHU_ENTRIES_MAX),
		};
		break;
	case ANY_RECORD:
		any.record = draw_record(arena);
		break;
	case ANY_SEAL:
		any.seal = (struct baophu_seal){ draw_place(), draw_u32(), draw_number(), draw_date_or_none() };
		break;
	case ANY_QUERY:
		draw_query(arena, &any.query);
		break;
	case ANY_ANSWER:
		draw_answer(arena, &any.answer);
		break;
	case ANY_COUNT:
		break;
	}
	return any;
}

/* ---- round trips ---- */

static void assert_round_trip(uint64_t seed, const struct any *any, struct wire_arena *arena, uint8_t *buffer, uint8_t *again)
{
	struct any read;
	ssize_t bytes = any_encode(any, buffer, BUFFER_BYTES);
	cr_assert_geq(bytes, 0, "seed %lu", seed);
	uint8_t *exact = malloc((size_t)bytes + !bytes); /* so that a byte too far is seen */
	memcpy(exact, buffer, (size_t)bytes);
	cr_assert_eq(any_decode(arena, any->kind, exact, (size_t)bytes, &read), 0, "seed %lu kind %d: %s, entry %u", seed,
		     any->kind, wire_code_name(read.code), read.entry);
	json_t *want = any_json(any), *got = any_json(&read);
	cr_assert(json_equal(want, got), "seed %lu kind %d: %s, not %s", seed, any->kind, json_dumps(got, 0), json_dumps(want, 0));
	cr_assert_eq(any_encode(&read, again, BUFFER_BYTES), bytes, "seed %lu", seed);
	cr_assert_eq(memcmp(buffer, again, (size_t)bytes), 0, "seed %lu", seed);
	json_decref(want);
	json_decref(got);
	free(exact);
}

Test(wire_bytes, structs_come_back_as_they_went)
{
	struct wire_arena drawn, arena;
	uint8_t *buffer = malloc(BUFFER_BYTES), *again = malloc(BUFFER_BYTES);
	cr_assert_eq(wire_arena_init(&drawn, WIRE_ARENA_BYTES), 0);
	cr_assert_eq(wire_arena_init(&arena, WIRE_ARENA_BYTES), 0);
	for (uint64_t seed = 1; seed <= 8000; seed++) {
		random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
		wire_arena_reset(&drawn);
		wire_arena_reset(&arena);
		struct any any = draw_any(&drawn, (enum any_kind)(seed % ANY_COUNT));
		assert_round_trip(seed, &any, &arena, buffer, again);
	}
	free(buffer);
	free(again);
	wire_arena_finish(&drawn);
	wire_arena_finish(&arena);
}

/* ---- damage ---- */

struct sample {
	enum any_kind kind;
	uint8_t *bytes;
	size_t size;
};

static size_t draw_corpus(struct sample corpus[static CORPUS_MAX])
{
	struct wire_arena drawn;
	uint8_t *buffer = malloc(BUFFER_BYTES);
	cr_assert_eq(wire_arena_init(&drawn, WIRE_ARENA_BYTES), 0);
	for (size_t i = 0; i < CORPUS_MAX; i++) {
		wire_arena_reset(&drawn);
		struct any any = draw_any(&drawn, (enum any_kind)(i % ANY_COUNT));
		ssize_t bytes = any_encode(&any, buffer, BUFFER_BYTES);
		corpus[i] = (struct sample){ any.kind, malloc((size_t)bytes + !bytes), (size_t)bytes };
		memcpy(corpus[i].bytes, buffer, (size_t)bytes);
	}
	free(buffer);
	wire_arena_finish(&drawn);
	return CORPUS_MAX;
}

static void drop_corpus(struct sample *corpus, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(corpus[i].bytes);
}

/* Damages `bytes` (room for `room`) in one of the ways that bytes go wrong; the new size. */
static size_t damage(uint8_t *bytes, size_t size, size_t room, const struct sample *other)
{
	size_t at = size ? below((uint32_t)size) : 0, run = 1 + below(8);
	switch (below(7)) {
	case 0:
		if (size)
			bytes[at] ^= (uint8_t)(1u << below(8));
		return size;
	case 1:
		if (size)
			bytes[at] = (uint8_t)draw();
		return size;
	case 2:
		return at;
	case 3:
		run = run < size - at ? run : size - at;
		memmove(bytes + at, bytes + at + run, size - at - run);
		return size - run;
	case 4: /* a piece twice */
		run = run < size - at ? run : size - at;
		if (size + run > room)
			return size;
		memmove(bytes + at + run, bytes + at, size - at);
		return size + run;
	case 5:
		if (size + run > room)
			return size;
		memmove(bytes + at + run, bytes + at, size - at);
		draw_bytes(bytes + at, run);
		return size + run;
	default: /* the head of one and the tail of another */
		run = other->size ? below((uint32_t)other->size) : 0;
		if (at + other->size - run > room)
			return size;
		memcpy(bytes + at, other->bytes + run, other->size - run);
		return at + other->size - run;
	}
}

/* What was read although it was damaged is sound: it can be written, and read again as the same. */
static void assert_sound(uint64_t round, const struct any *any, struct wire_arena *arena, uint8_t *buffer)
{
	struct any again;
	if (any->kind == ANY_AGENT_MESSAGE && any->agent.kind == WIRE_STAGE && any->code)
		return;
	ssize_t bytes = any_encode(any, buffer, BUFFER_BYTES);
	cr_assert_geq(bytes, 0, "round %lu", round);
	cr_assert_eq(any_decode(arena, any->kind, buffer, (size_t)bytes, &again), 0, "round %lu kind %d", round, any->kind);
	json_t *want = any_json(any), *got = any_json(&again);
	cr_assert(json_equal(want, got), "round %lu kind %d: %s, not %s", round, any->kind, json_dumps(got, 0),
		  json_dumps(want, 0));
	json_decref(want);
	json_decref(got);
}

Test(wire_bytes, damaged_messages_are_read_within_bounds_or_refused)
{
	static struct sample corpus[CORPUS_MAX];
	struct wire_arena arena, second;
	uint8_t *work = malloc(BUFFER_BYTES), *buffer = malloc(BUFFER_BYTES);
	random_state = 20240430;
	size_t count = draw_corpus(corpus), accepted = 0, refused = 0;
	cr_assert_eq(wire_arena_init(&arena, DAMAGED_ARENA_BYTES), 0);
	cr_assert_eq(wire_arena_init(&second, WIRE_ARENA_BYTES), 0);
	for (uint64_t round = 0; round < 150000; round++) {
		const struct sample *sample = &corpus[below((uint32_t)count)];
		size_t size = sample->size;
		struct any any;
		memcpy(work, sample->bytes, size);
		for (uint32_t times = 1 + below(3); times; times--)
			size = damage(work, size, BAOPHU_MESSAGE_BYTES_MAX, &corpus[below((uint32_t)count)]);
		uint8_t *exact = malloc(size + !size);
		memcpy(exact, work, size);
		wire_arena_reset(&arena);
		wire_arena_reset(&second);
		int error = any_decode(&arena, sample->kind, exact, size, &any);
		cr_assert(error == 0 || error == -BAOPHU_EMALFORMED, "round %lu: %d", round, error);
		cr_assert_leq(arena.used, arena.size, "round %lu", round);
		if (!error)
			assert_sound(round, &any, &second, buffer);
		*(error ? &refused : &accepted) += 1;
		free(exact);
	}
	cr_assert_gt(accepted, 1000);
	cr_assert_gt(refused, 1000);
	drop_corpus(corpus, count);
	free(work);
	free(buffer);
	wire_arena_finish(&arena);
	wire_arena_finish(&second);
}

/* Messages made to take as much memory as they can for their size. */
Test(wire_bytes, memory_for_a_message_is_capped)
{
	static const struct {
		enum any_kind kind;
		const char *repeated; /* hex of the piece that is repeated */
		const char *before;
	} bombs[] = {
		{ ANY_PAYLOAD, "2200", "0a0161 1001 1801" }, /* empty entries */
		{ ANY_PAYLOAD, "7a00", "0a0161 1001 1801" }, /* unknown fields */
		{ ANY_QUERY, "4a00", "0801 1001" }, /* empty measures */
		{ ANY_QUERY, "9a0600", "0801 1001" },
		{ ANY_RECORD, "5a00", "0801" }, /* empty rows */
		{ ANY_ANSWER, "5200", "0801" }, /* empty records */
		{ ANY_ANSWER, "5a00", "0801" },
		{ ANY_COLLECTOR_MESSAGE, "1a020a00", "" },
		{ ANY_COLLECTOR_MESSAGE, "0a00", "" },
	};
	uint8_t *buffer = malloc(1 << 20);
	struct wire_arena arena;
	cr_assert_eq(wire_arena_init(&arena, DAMAGED_ARENA_BYTES), 0);
	for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
		size_t head_size, piece_size;
		uint8_t *head = any_unhex(bombs[i].before, &head_size), *piece = any_unhex(bombs[i].repeated, &piece_size);
		memcpy(buffer, head, head_size);
		size_t size = head_size;
		while (size + piece_size <= BAOPHU_MESSAGE_BYTES_MAX) {
			memcpy(buffer + size, piece, piece_size);
			size += piece_size;
		}
		struct any any;
		wire_arena_reset(&arena);
		cr_assert_eq(any_decode(&arena, bombs[i].kind, buffer, size, &any), -BAOPHU_EMALFORMED, "%zu", i);
		cr_assert_leq(arena.used, arena.size);
		free(head);
		free(piece);
	}
	free(buffer);
	wire_arena_finish(&arena);
}

/* ---- protobuf-c as a second witness of what is read by hand ---- */

static bool has_unknown(const ProtobufCMessage *message)
{
	if (message->n_unknown_fields)
		return true;
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		const char *base = (const char *)message;
		if (field->type != PROTOBUF_C_TYPE_MESSAGE)
			continue;
		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			size_t count = *(const size_t *)(const void *)(base + field->quantifier_offset);
			ProtobufCMessage *const *list = *(ProtobufCMessage *const *const *)(const void *)(base + field->offset);
			for (size_t e = 0; e < count; e++)
				if (has_unknown(list[e]))
					return true;
			continue;
		}
		bool is_chosen = !(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) ||
				 *(const uint32_t *)(const void *)(base + field->quantifier_offset) == field->id;
		const ProtobufCMessage *inner = *(ProtobufCMessage *const *)(const void *)(base + field->offset);
		if (is_chosen && inner && has_unknown(inner))
			return true;
	}
	return false;
}

static bool is_code(const char *text) { return text_is_code(text, strlen(text)); }

static enum baophu_code witness_slot(int extent, const char *unit, const char *measure, uint32_t from, uint32_t to)
{
	if (extent < 0 || extent > 2)
		return BAOPHU_CODE_MALFORMED;
	if (!is_code(unit) || !is_code(measure))
		return BAOPHU_CODE_TEXT;
	baophu_date last = baophu_date_from_civil(to), first = from ? baophu_date_from_civil(from) : last;
	return last == BAOPHU_DATE_NONE || first == BAOPHU_DATE_NONE || first > last ? BAOPHU_CODE_PERIOD : BAOPHU_CODE_NONE;
}

static enum baophu_code witness_entry(const Baophu__V1__Entry *entry)
{
	if (entry->kind_case == BAOPHU__V1__ENTRY__KIND_WITHDRAWAL) {
		const Baophu__V1__Withdrawal *w = entry->withdrawal;
		if ((int)w->reason < 0 || (int)w->reason >= BAOPHU_REASON_COUNT)
			return BAOPHU_CODE_MALFORMED;
		return witness_slot((int)w->extent, w->unit, w->measure, w->from, w->to);
	}
	if (entry->kind_case != BAOPHU__V1__ENTRY__KIND_FACT)
		return BAOPHU_CODE_MALFORMED;
	const Baophu__V1__Fact *f = entry->fact;
	if ((int)f->status < 0 || f->status > 3 || (int)f->origin < 0 || f->origin > 4 || (int)f->bound < 0 || f->bound > 4 ||
	    (int)f->reason < 0 || (int)f->reason >= BAOPHU_REASON_COUNT)
		return BAOPHU_CODE_MALFORMED;
	enum baophu_code code = witness_slot((int)f->extent, f->unit, f->measure, f->from, f->to);
	if (code)
		return code;
	return f->has_value_case != BAOPHU__V1__FACT__HAS_VALUE_VALUE || f->value < 0 || f->value > BAOPHU_VALUE_MAX
		   ? BAOPHU_CODE_VALUE
		   : BAOPHU_CODE_NONE;
}

/* The whole verdict; only for payloads of facts and withdrawals, without an apply, that are as they would be written. */
static enum baophu_code witness_payload(const Baophu__V1__Payload *payload, uint32_t *ret_entry)
{
	*ret_entry = UINT32_MAX;
	if (!payload->agent[0] || !payload->epoch || !payload->number)
		return BAOPHU_CODE_MALFORMED;
	if (!is_code(payload->agent))
		return BAOPHU_CODE_TEXT;
	if (!payload->n_entries)
		return BAOPHU_CODE_EMPTY;
	for (size_t i = 0; i < payload->n_entries; i++) {
		enum baophu_code code = witness_entry(payload->entries[i]);
		if (code) {
			*ret_entry = (uint32_t)i;
			return code;
		}
	}
	return BAOPHU_CODE_NONE;
}

static bool is_for_witness(const Baophu__V1__Payload *payload)
{
	for (size_t i = 0; i < payload->n_entries; i++)
		if (payload->entries[i]->kind_case > BAOPHU__V1__ENTRY__KIND_WITHDRAWAL)
			return false;
	return !payload->apply;
}

/* protobuf-c would write it as it came: in order, nothing twice, no number longer than it needs to be or beyond its type. */
static bool is_as_written(const Baophu__V1__Payload *payload, const uint8_t *bytes, size_t size)
{
	if (baophu__v1__payload__get_packed_size(payload) != size)
		return false;
	uint8_t *packed = malloc(size + 1);
	baophu__v1__payload__pack(payload, packed);
	bool is_same = memcmp(packed, bytes, size) == 0;
	free(packed);
	return is_same;
}

static void assert_same_figures(uint64_t round, const struct wire_payload *ours, const Baophu__V1__Payload *theirs)
{
	cr_assert_str_eq(ours->agent, theirs->agent, "round %lu", round);
	cr_assert_eq(ours->epoch, theirs->epoch);
	cr_assert_eq(ours->number, theirs->number);
	cr_assert_eq(ours->entry_count, theirs->n_entries);
	for (uint32_t i = 0; i < ours->entry_count; i++) {
		const struct wire_fact *fact = &ours->entries[i].fact;
		const Baophu__V1__Entry *entry = theirs->entries[i];
		cr_assert_eq((int)ours->entries[i].kind, (int)entry->kind_case, "round %lu", round);
		bool is_fact = entry->kind_case == BAOPHU__V1__ENTRY__KIND_FACT;
		cr_assert_str_eq(fact->unit, is_fact ? entry->fact->unit : entry->withdrawal->unit);
		cr_assert_str_eq(fact->measure, is_fact ? entry->fact->measure : entry->withdrawal->measure);
		cr_assert_eq(baophu_date_to_civil(fact->to), is_fact ? entry->fact->to : entry->withdrawal->to);
		uint32_t from = is_fact ? entry->fact->from : entry->withdrawal->from;
		cr_assert_eq(fact->from, from ? baophu_date_from_civil(from) : fact->to);
		cr_assert_eq((unsigned)fact->reason, is_fact ? entry->fact->reason : entry->withdrawal->reason);
		unsigned extent = is_fact ? entry->fact->extent : entry->withdrawal->extent;
		cr_assert_eq((unsigned)fact->extent, extent ? extent : BAOPHU_WHOLE);
		cr_assert_eq(fact->value, is_fact ? entry->fact->value : BAOPHU_ABSENT, "round %lu", round);
		if (is_fact) {
			cr_assert_eq((unsigned)fact->status, entry->fact->status ? entry->fact->status : BAOPHU_FINAL);
			cr_assert_eq((unsigned)fact->origin, entry->fact->origin ? entry->fact->origin : BAOPHU_REPORTED);
			cr_assert_eq((unsigned)fact->bound, entry->fact->bound ? entry->fact->bound : BAOPHU_EXACT);
		}
	}
}

Test(wire_bytes, protobuf_c_agrees_about_payloads)
{
	struct wire_arena drawn, arena;
	uint8_t *work = malloc(BUFFER_BYTES);
	struct sample other = { .bytes = malloc(BUFFER_BYTES) };
	size_t compared = 0, accepted = 0;
	random_state = 1975;
	cr_assert_eq(wire_arena_init(&drawn, WIRE_ARENA_BYTES), 0);
	cr_assert_eq(wire_arena_init(&arena, WIRE_ARENA_BYTES), 0);
	for (uint64_t round = 0; round < 200000; round++) {
		struct any any = { .kind = ANY_PAYLOAD };
		struct wire_payload read;
		enum baophu_code code;
		uint32_t entry, want_entry;
		wire_arena_reset(&drawn);
		wire_arena_reset(&arena);
		draw_payload(&drawn, &any.payload, true);
		size_t size = (size_t)any_encode(&any, work, BUFFER_BYTES);
		for (uint32_t times = below(3); times; times--)
			size = damage(work, size, BAOPHU_MESSAGE_BYTES_MAX, &other);
		int error = wire_decode_payload(&arena, work, size, &read, &code, &entry);
		Baophu__V1__Payload *pb = baophu__v1__payload__unpack(NULL, size, work);
		if (!pb || has_unknown(&pb->base)) {
			cr_assert_eq(error, -BAOPHU_EMALFORMED, "round %lu", round);
		} else if (is_for_witness(pb) && is_as_written(pb, work, size)) {
			enum baophu_code want = witness_payload(pb, &want_entry);
			cr_assert_eq(code, want, "round %lu: %s, not %s", round, wire_code_name(code), wire_code_name(want));
			cr_assert_eq(entry, want_entry, "round %lu: entry %u, not %u", round, entry, want_entry);
			cr_assert_eq(error, want ? -BAOPHU_EMALFORMED : 0);
			compared++;
		}
		if (!error && is_for_witness(pb)) {
			assert_same_figures(round, &read, pb);
			accepted++;
		}
		if (pb)
			baophu__v1__payload__free_unpacked(pb, NULL);
		other.size = size < BUFFER_BYTES ? size : 0;
		memcpy(other.bytes, work, other.size);
	}
	cr_assert_gt(compared, 50000);
	cr_assert_gt(accepted, 50000);
	free(work);
	free(other.bytes);
	wire_arena_finish(&drawn);
	wire_arena_finish(&arena);
}

/* What we write is what protobuf-c reads and would have written. */
Test(wire_bytes, protobuf_c_writes_records_and_receipts_the_same)
{
	static const struct {
		enum any_kind kind;
		const ProtobufCMessageDescriptor *descriptor;
	} messages[] = {
		{ ANY_RECORD, &baophu__v1__coverage_record__descriptor },
		{ ANY_RECEIPT, &baophu__v1__receipt__descriptor },
		{ ANY_COLLECTOR_MESSAGE, &baophu__v1__collector_message__descriptor },
		{ ANY_AGENT_MESSAGE, &baophu__v1__agent_message__descriptor },
		{ ANY_PAYLOAD, &baophu__v1__payload__descriptor },
		{ ANY_SEAL, &baophu__v1__seal__descriptor },
		{ ANY_QUERY, &baophu__v1__query__descriptor },
		{ ANY_ANSWER, &baophu__v1__answer__descriptor },
	};
	struct wire_arena drawn;
	uint8_t *buffer = malloc(BUFFER_BYTES), *again = malloc(BUFFER_BYTES);
	random_state = 2154;
	cr_assert_eq(wire_arena_init(&drawn, WIRE_ARENA_BYTES), 0);
	for (unsigned round = 0; round < 4000; round++) {
		wire_arena_reset(&drawn);
		struct any any = draw_any(&drawn, messages[round % ANY_COUNT].kind);
		ssize_t size = any_encode(&any, buffer, BUFFER_BYTES);
		ProtobufCMessage *pb = protobuf_c_message_unpack(messages[round % ANY_COUNT].descriptor, NULL, (size_t)size,
								 buffer);
		cr_assert_not_null(pb, "round %u", round);
		cr_assert_not(has_unknown(pb), "round %u", round);
		cr_assert_eq(protobuf_c_message_get_packed_size(pb), (size_t)size, "round %u", round);
		cr_assert_eq(protobuf_c_message_pack(pb, again), (size_t)size);
		cr_assert_eq(memcmp(buffer, again, (size_t)size), 0, "round %u", round);
		protobuf_c_message_free_unpacked(pb, NULL);
	}
	free(buffer);
	free(again);
	wire_arena_finish(&drawn);
}
