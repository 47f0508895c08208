/* wire.c - the door of the wire: envelopes, the arena, and every message that travels seldom (sessions, administration, queries).
 *
 * The one file that sees protobuf-c's generated types. They are filled from bytes whose grammar was checked against the descriptors
 * first, because protobuf-c itself keeps unknown fields, lets the last of two fields win, takes any number for an enum and any
 * bytes for a string; and they live in the caller's arena, so that no message can ask for more memory than that. What travels by
 * the million is in wire_update.c and wire_record.c.
 */
#include "wire_parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <protobuf-c/protobuf-c.h>

#include "baophu/v1/baophu.pb-c.h"
#include "rhythm.h"
#include "text.h"

/* ---- arena ---- */

int wire_arena_init(struct wire_arena *arena, size_t size)
{
	uint8_t *base = malloc(size);
	if (!base)
		return -ENOMEM;
	*arena = (struct wire_arena){ .base = base, .size = size };
	return 0;
}

void wire_arena_finish(struct wire_arena *arena)
{
	free(arena->base);
	*arena = (struct wire_arena){ 0 };
}

void *wire_take(struct wire_arena *arena, size_t bytes)
{
	size_t start = (arena->used + 7) & ~(size_t)7;
	if (start > arena->size || bytes > arena->size - start)
		return NULL;
	arena->used = start + bytes;
	return arena->base + start;
}

void *wire_arena_alloc(struct wire_arena *arena, size_t bytes)
{
	void *memory = wire_take(arena, bytes);
	return memory ? memset(memory, 0, bytes) : NULL;
}

/* ---- protobuf-c under our rules ---- */

static void *arena_alloc(void *arena, size_t bytes) { return wire_take(arena, bytes); }
static void arena_free(void *arena, void *memory)
{
	(void)arena; /* all of it goes at the next reset */
	(void)memory;
}

static bool is_number(const ProtobufCFieldDescriptor *field, uint64_t value, bool is_lenient)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT32:
		return value <= UINT32_MAX;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		return true;
	case PROTOBUF_C_TYPE_BOOL:
		return value <= 1;
	case PROTOBUF_C_TYPE_ENUM:
		return value <= INT32_MAX && (is_lenient || protobuf_c_enum_descriptor_get_value(field->descriptor, (int)value));
	default:
		return false;
	}
}

/* True when the bytes are this message and nothing else, down to its innermost fields. The recursion ends because no message of
 * the protocol contains itself. Repeated numbers and oneofs with a choice do not occur in the messages read this way. */
static bool is_message(const ProtobufCMessageDescriptor *message, const uint8_t *at, size_t size, bool is_lenient)
{
	const uint8_t *end = at + size;
	uint64_t seen = 0;
	while (at < end) {
		uint64_t number, value;
		unsigned type;
		if (!(at = field_next(at, end, &number, &type, &value)))
			return false;
		const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(message, (unsigned)number);
		if (!field) {
			if (!is_lenient)
				return false;
			at += type == FIELD_VARINT ? 0 : value;
			continue;
		}
		uint64_t bit = UINT64_C(1) << (field - message->fields);
		if (field->label != PROTOBUF_C_LABEL_REPEATED && seen & bit)
			return false;
		seen |= bit;
		if (type == FIELD_VARINT) {
			if (field->label == PROTOBUF_C_LABEL_REPEATED || !is_number(field, value, is_lenient))
				return false;
			continue;
		}
		if (type != FIELD_BYTES)
			return false;
		if (field->type == PROTOBUF_C_TYPE_STRING) {
			if (value && memchr(at, 0, value))
				return false;
		} else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
			if (!is_message(field->descriptor, at, value, is_lenient))
				return false;
		} else if (field->type != PROTOBUF_C_TYPE_BYTES) {
			return false;
		}
		at += value;
	}
	return true;
}

/* NULL when it is not this message, or does not fit into the arena. */
static void *read_message(struct wire_arena *arena, const ProtobufCMessageDescriptor *message, const uint8_t *bytes, size_t size,
			  bool is_lenient)
{
	ProtobufCAllocator allocator = { .alloc = arena_alloc, .free = arena_free, .allocator_data = arena };
	if (!is_message(message, bytes, size, is_lenient))
		return NULL;
	return protobuf_c_message_unpack(message, &allocator, size, bytes);
}

static void put_message(struct field_writer *writer, unsigned number, const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	field_put_varint(writer, number << 3 | FIELD_BYTES);
	field_put_varint(writer, size);
	if (!size || !field_room(writer, size))
		return;
	protobuf_c_message_pack(message, writer->at);
	writer->at += size;
}

/* protobuf-c does not write through the strings of a message it packs; its type only does not say so. */
static char *lend(const char *text) { return (char *)(uintptr_t)text; }
static char **lend_list(const char *const *texts) { return (char **)(uintptr_t)texts; }
static ProtobufCBinaryData lend_bytes(const uint8_t *bytes, size_t size)
{
	return (ProtobufCBinaryData){ .len = size, .data = (uint8_t *)(uintptr_t)bytes };
}

/* ---- what a field may hold ---- */

static bool is_code(const char *text) { return text_is_code(text, strlen(text)); }
static bool is_code_or_empty(const char *text) { return !text[0] || is_code(text); }
static bool is_name(const char *text) { return text_is_name(text, strlen(text)); }
static bool is_name_or_empty(const char *text) { return !text[0] || is_name(text); }

static bool are_codes(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!is_code(texts[i]))
			return false;
	return true;
}

const char *wire_take_text(struct wire_arena *arena, const struct field_set *set, unsigned number)
{
	size_t size = field_value(set, number);
	if (!size)
		return "";
	char *copy = wire_take(arena, size + 1);
	if (!copy)
		return NULL;
	memcpy(copy, set->bytes[number], size);
	copy[size] = 0;
	return copy;
}

bool wire_read_code(const struct field_set *set, unsigned number, char buffer[static BAOPHU_CODE_BYTES_MAX + 1])
{
	size_t size = field_value(set, number);
	if (size && !text_is_code((const char *)set->bytes[number], size))
		return false;
	if (size)
		memcpy(buffer, set->bytes[number], size);
	buffer[size] = 0;
	return true;
}

bool wire_read_name(const struct field_set *set, unsigned number, char buffer[static BAOPHU_TEXT_BYTES_MAX + 1])
{
	size_t size = field_value(set, number);
	if (size && !text_is_name((const char *)set->bytes[number], size))
		return false;
	if (size)
		memcpy(buffer, set->bytes[number], size);
	buffer[size] = 0;
	return true;
}

bool wire_read_place(const uint8_t *bytes, size_t size, bool is_lenient, struct baophu_place *ret_place)
{
	const struct field_shape shape = { .wide = FIELD_BIT(1), .blobs = FIELD_BIT(2), .is_lenient = is_lenient };
	struct field_set set;
	if (!field_read(bytes, size, &shape, &set) || field_value(&set, 2) != BAOPHU_DIGEST_BYTES)
		return false;
	ret_place->seq = field_value(&set, 1);
	memcpy(ret_place->digest, set.bytes[2], BAOPHU_DIGEST_BYTES);
	return true;
}

void wire_put_place(struct field_writer *writer, unsigned number, const struct baophu_place *place)
{
	uint8_t *body = field_open(writer, number);
	field_put(writer, 1, place->seq);
	field_put_bytes(writer, 2, place->digest, BAOPHU_DIGEST_BYTES);
	field_close(writer, body);
}

static bool place_from(const Baophu__V1__Place *pb, struct baophu_place *ret_place)
{
	if (!pb || pb->digest.len != BAOPHU_DIGEST_BYTES)
		return false;
	ret_place->seq = pb->seq;
	memcpy(ret_place->digest, pb->digest.data, BAOPHU_DIGEST_BYTES);
	return true;
}

static Baophu__V1__Place place_to(const struct baophu_place *place)
{
	Baophu__V1__Place pb = BAOPHU__V1__PLACE__INIT;
	pb.seq = place->seq;
	pb.digest = lend_bytes(place->digest, BAOPHU_DIGEST_BYTES);
	return pb;
}

/* Both days, in order; `from` 0 is `to` where `is_from_optional`. */
static enum baophu_code read_period(uint32_t from, uint32_t to, bool is_from_optional, baophu_date *ret_from, baophu_date *ret_to)
{
	*ret_to = baophu_date_from_civil(to);
	*ret_from = !from && is_from_optional ? *ret_to : baophu_date_from_civil(from);
	bool is_good = *ret_from != BAOPHU_DATE_NONE && *ret_to != BAOPHU_DATE_NONE && *ret_from <= *ret_to;
	return is_good ? BAOPHU_CODE_NONE : BAOPHU_CODE_PERIOD;
}

/* From a day on, until another or without an end. */
static enum baophu_code read_interval(uint32_t from, uint32_t until, baophu_date *ret_from, baophu_date *ret_until)
{
	if (until)
		return read_period(from, until, false, ret_from, ret_until);
	*ret_until = BAOPHU_DATE_NONE;
	*ret_from = baophu_date_from_civil(from);
	return *ret_from == BAOPHU_DATE_NONE ? BAOPHU_CODE_PERIOD : BAOPHU_CODE_NONE;
}

/* ---- entries of administrators, and published rates ---- */

static enum baophu_code read_rate(const Baophu__V1__PublishedRate *pb, struct wire_rate *rate)
{
	if (!pb->denominator)
		return BAOPHU_CODE_MALFORMED;
	bool is_over_right = pb->denominator == BAOPHU__V1__DENOMINATOR__DENOMINATOR_MEASURE ? is_code(pb->over)
			     : pb->denominator == BAOPHU__V1__DENOMINATOR__DENOMINATOR_PLAN  ? is_code_or_empty(pb->over)
											     : !pb->over[0];
	if (!is_code(pb->unit) || !is_code(pb->measure) || !is_over_right)
		return BAOPHU_CODE_TEXT;
	*rate = (struct wire_rate){
		.unit = pb->unit,
		.measure = pb->measure,
		.over = pb->over,
		.denominator = (enum baophu_denominator)pb->denominator,
		.digits = pb->digits,
		.decimals = pb->decimals,
		.status = pb->status ? (enum baophu_status)pb->status : BAOPHU_FINAL,
		.bound = pb->bound ? (enum baophu_bound)pb->bound : BAOPHU_EXACT,
	};
	if (read_period(pb->from, pb->to, true, &rate->from, &rate->to))
		return BAOPHU_CODE_PERIOD;
	bool is_value = pb->has_digits_case == BAOPHU__V1__PUBLISHED_RATE__HAS_DIGITS_DIGITS && pb->digits >= 0 &&
			pb->digits <= BAOPHU_DIGITS_MAX && pb->decimals <= BAOPHU_RATE_DECIMALS_MAX;
	return is_value ? BAOPHU_CODE_NONE : BAOPHU_CODE_VALUE;
}

static void put_rate(struct field_writer *writer, const struct wire_rate *rate)
{
	Baophu__V1__PublishedRate pb = BAOPHU__V1__PUBLISHED_RATE__INIT;
	pb.unit = lend(rate->unit);
	pb.measure = lend(rate->measure);
	pb.denominator = (Baophu__V1__Denominator)rate->denominator;
	pb.over = lend(rate->over);
	pb.from = rate->from == rate->to ? 0 : baophu_date_to_civil(rate->from);
	pb.to = baophu_date_to_civil(rate->to);
	if (rate->digits != BAOPHU_ABSENT) {
		pb.has_digits_case = BAOPHU__V1__PUBLISHED_RATE__HAS_DIGITS_DIGITS;
		pb.digits = rate->digits;
	}
	pb.decimals = rate->decimals;
	pb.status = rate->status == BAOPHU_FINAL ? 0 : (Baophu__V1__Status)rate->status;
	pb.bound = rate->bound == BAOPHU_EXACT ? 0 : (Baophu__V1__Bound)rate->bound;
	put_message(writer, WIRE_RATE, &pb.base);
}

static enum baophu_code read_declare(const Baophu__V1__Declare *pb, struct wire_declare *declare)
{
	if (pb->n_measures > BAOPHU_DECLARE_MEASURES_MAX)
		return BAOPHU_CODE_TOO_BIG;
	*declare = (struct wire_declare){
		.unit = pb->unit,
		.level = pb->level,
		.measure_count = (uint32_t)pb->n_measures,
		.measures = (const char *const *)pb->measures,
		.extent = pb->extent ? (enum baophu_extent)pb->extent : BAOPHU_WHOLE,
		.rhythm = (enum baophu_rhythm)pb->rhythm,
		.closing_day = pb->closing_day,
		.grace_days = pb->grace_days,
		.remove = pb->remove,
	};
	if (!is_code(pb->unit) || !is_code_or_empty(pb->level) || !are_codes(pb->measures, pb->n_measures))
		return BAOPHU_CODE_TEXT;
	if (pb->remove)
		return pb->rhythm || pb->closing_day || pb->grace_days ? BAOPHU_CODE_MALFORMED : BAOPHU_CODE_NONE;
	if (!pb->rhythm)
		return BAOPHU_CODE_MALFORMED;
	return rhythm_is_valid(declare->rhythm, pb->closing_day, pb->grace_days) ? BAOPHU_CODE_NONE : BAOPHU_CODE_PERIOD;
}

static void put_declare(struct field_writer *writer, const struct wire_declare *declare)
{
	Baophu__V1__Declare pb = BAOPHU__V1__DECLARE__INIT;
	pb.unit = lend(declare->unit);
	pb.n_measures = declare->measure_count;
	pb.measures = lend_list(declare->measures);
	pb.extent = declare->extent == BAOPHU_WHOLE ? 0 : (Baophu__V1__Extent)declare->extent;
	pb.rhythm = (Baophu__V1__Rhythm)declare->rhythm;
	pb.grace_days = declare->grace_days;
	pb.remove = declare->remove;
	pb.closing_day = declare->closing_day;
	pb.level = lend(declare->level);
	put_message(writer, WIRE_DECLARE, &pb.base);
}

static enum baophu_code read_level_set(const Baophu__V1__LevelSet *pb, struct wire_level_set *level)
{
	*level = (struct wire_level_set){ pb->code, pb->name_vi, pb->name_en };
	return is_code(pb->code) && is_name(pb->name_vi) && is_name(pb->name_en) ? BAOPHU_CODE_NONE : BAOPHU_CODE_TEXT;
}

static void put_level_set(struct field_writer *writer, const struct wire_level_set *level)
{
	Baophu__V1__LevelSet pb = BAOPHU__V1__LEVEL_SET__INIT;
	pb.code = lend(level->code);
	pb.name_vi = lend(level->name_vi);
	pb.name_en = lend(level->name_en);
	put_message(writer, WIRE_LEVEL_SET, &pb.base);
}

static enum baophu_code read_unit_create(const Baophu__V1__UnitCreate *pb, struct wire_unit_create *unit)
{
	*unit = (struct wire_unit_create){ pb->code, pb->name, pb->level, pb->parent, baophu_date_from_civil(pb->date) };
	if (!is_code(pb->code) || !is_name(pb->name) || !is_code(pb->level) || !is_code_or_empty(pb->parent))
		return BAOPHU_CODE_TEXT;
	return unit->date == BAOPHU_DATE_NONE ? BAOPHU_CODE_PERIOD : BAOPHU_CODE_NONE;
}

static void put_unit_create(struct field_writer *writer, const struct wire_unit_create *unit)
{
	Baophu__V1__UnitCreate pb = BAOPHU__V1__UNIT_CREATE__INIT;
	pb.code = lend(unit->code);
	pb.name = lend(unit->name);
	pb.level = lend(unit->level);
	pb.parent = lend(unit->parent);
	pb.date = baophu_date_to_civil(unit->date);
	put_message(writer, WIRE_UNIT_CREATE, &pb.base);
}

static enum baophu_code read_unit_change(const Baophu__V1__UnitChange *pb, struct wire_unit_change *change)
{
	*change = (struct wire_unit_change){
		pb->unit, pb->code, pb->name, pb->level, pb->parent, baophu_date_from_civil(pb->date),
	};
	if (!pb->code[0] && !pb->name[0] && !pb->level[0] && !pb->parent[0])
		return BAOPHU_CODE_MALFORMED; /* it changes nothing */
	if (!is_code(pb->unit) || !is_code_or_empty(pb->code) || !is_name_or_empty(pb->name) || !is_code_or_empty(pb->level) ||
	    !is_code_or_empty(pb->parent))
		return BAOPHU_CODE_TEXT;
	return change->date == BAOPHU_DATE_NONE ? BAOPHU_CODE_PERIOD : BAOPHU_CODE_NONE;
}

static void put_unit_change(struct field_writer *writer, const struct wire_unit_change *change)
{
	Baophu__V1__UnitChange pb = BAOPHU__V1__UNIT_CHANGE__INIT;
	pb.unit = lend(change->unit);
	pb.date = baophu_date_to_civil(change->date);
	pb.code = lend(change->code);
	pb.name = lend(change->name);
	pb.level = lend(change->level);
	pb.parent = lend(change->parent);
	put_message(writer, WIRE_UNIT_CHANGE, &pb.base);
}

static enum baophu_code read_unit_close(struct wire_arena *arena, const Baophu__V1__UnitClose *pb, struct wire_unit_close *close)
{
	if (pb->n_successors > BAOPHU_SUCCESSORS_MAX)
		return BAOPHU_CODE_TOO_BIG;
	struct wire_successor *successors = wire_take(arena, pb->n_successors * sizeof *successors);
	if (!successors)
		return BAOPHU_CODE_MALFORMED;
	for (size_t i = 0; i < pb->n_successors; i++) {
		const Baophu__V1__Successor *successor = pb->successors[i];
		if (!is_code(successor->unit))
			return BAOPHU_CODE_TEXT;
		successors[i] = (struct wire_successor){ successor->unit, successor->weight ? successor->weight : 1 };
	}
	*close = (struct wire_unit_close){ pb->unit, baophu_date_from_civil(pb->date), (uint32_t)pb->n_successors, successors };
	if (!is_code(pb->unit))
		return BAOPHU_CODE_TEXT;
	return close->date == BAOPHU_DATE_NONE ? BAOPHU_CODE_PERIOD : BAOPHU_CODE_NONE;
}

static void put_unit_close(struct field_writer *writer, const struct wire_unit_close *close)
{
	Baophu__V1__UnitClose pb = BAOPHU__V1__UNIT_CLOSE__INIT;
	Baophu__V1__Successor successors[BAOPHU_SUCCESSORS_MAX], *list[BAOPHU_SUCCESSORS_MAX];
	assert(close->successor_count <= BAOPHU_SUCCESSORS_MAX);
	for (uint32_t i = 0; i < close->successor_count; i++) {
		baophu__v1__successor__init(list[i] = &successors[i]);
		successors[i].unit = lend(close->successors[i].unit);
		successors[i].weight = close->successors[i].weight == 1 ? 0 : close->successors[i].weight;
	}
	pb.unit = lend(close->unit);
	pb.date = baophu_date_to_civil(close->date);
	pb.n_successors = close->successor_count;
	pb.successors = list;
	put_message(writer, WIRE_UNIT_CLOSE, &pb.base);
}

static enum baophu_code read_measure_set(const Baophu__V1__MeasureSet *pb, struct wire_measure_set *measure)
{
	*measure = (struct wire_measure_set){
		pb->code, pb->name_vi, pb->name_en, pb->unit_vi, pb->unit_en, pb->parent, (enum baophu_measure_kind)pb->kind,
	};
	if (!pb->kind)
		return BAOPHU_CODE_MALFORMED;
	bool is_good = is_code(pb->code) && is_name(pb->name_vi) && is_name(pb->name_en) && is_name(pb->unit_vi) &&
		       is_name(pb->unit_en) && is_code_or_empty(pb->parent);
	return is_good ? BAOPHU_CODE_NONE : BAOPHU_CODE_TEXT;
}

static void put_measure_set(struct field_writer *writer, const struct wire_measure_set *measure)
{
	Baophu__V1__MeasureSet pb = BAOPHU__V1__MEASURE_SET__INIT;
	pb.code = lend(measure->code);
	pb.name_vi = lend(measure->name_vi);
	pb.name_en = lend(measure->name_en);
	pb.unit_vi = lend(measure->unit_vi);
	pb.unit_en = lend(measure->unit_en);
	pb.kind = (Baophu__V1__MeasureKind)measure->kind;
	pb.parent = lend(measure->parent);
	put_message(writer, WIRE_MEASURE_SET, &pb.base);
}

static enum baophu_code read_indicator_set(const Baophu__V1__IndicatorSet *pb, struct wire_indicator_set *indicator)
{
	*indicator = (struct wire_indicator_set){ pb->code, pb->name_vi, pb->name_en, pb->numerator, pb->denominator };
	bool is_good = is_code(pb->code) && is_name(pb->name_vi) && is_name(pb->name_en) && is_code(pb->numerator) &&
		       is_code(pb->denominator);
	return is_good ? BAOPHU_CODE_NONE : BAOPHU_CODE_TEXT;
}

static void put_indicator_set(struct field_writer *writer, const struct wire_indicator_set *indicator)
{
	Baophu__V1__IndicatorSet pb = BAOPHU__V1__INDICATOR_SET__INIT;
	pb.code = lend(indicator->code);
	pb.name_vi = lend(indicator->name_vi);
	pb.name_en = lend(indicator->name_en);
	pb.numerator = lend(indicator->numerator);
	pb.denominator = lend(indicator->denominator);
	put_message(writer, WIRE_INDICATOR_SET, &pb.base);
}

static enum baophu_code read_plan_set(const Baophu__V1__PlanSet *pb, struct wire_plan_set *plan)
{
	bool has_value = pb->has_value_case == BAOPHU__V1__PLAN_SET__HAS_VALUE_VALUE;
	bool is_rate = pb->kind == BAOPHU__V1__PLAN_KIND__PLAN_KIND_RATE;
	*plan = (struct wire_plan_set){
		.code = pb->code,
		.unit = pb->unit,
		.target = pb->target,
		.issuer = pb->issuer,
		.document = pb->document,
		.kind = (enum baophu_plan_kind)pb->kind,
		.value = has_value ? pb->value : BAOPHU_ABSENT,
		.decimals = pb->decimals,
		.origin = pb->origin ? (enum baophu_origin)pb->origin : BAOPHU_REPORTED,
		.remove = pb->remove,
	};
	if (!pb->kind)
		return BAOPHU_CODE_MALFORMED;
	if (!is_code(pb->code) || !is_code(pb->unit) || !is_code(pb->target) || !is_name_or_empty(pb->issuer) ||
	    !is_name_or_empty(pb->document))
		return BAOPHU_CODE_TEXT;
	if (read_period(pb->from, pb->to, false, &plan->from, &plan->to))
		return BAOPHU_CODE_PERIOD;
	if (has_value == plan->remove ||
	    (has_value && (pb->value < 0 || pb->value > (is_rate ? BAOPHU_DIGITS_MAX : BAOPHU_VALUE_MAX))))
		return BAOPHU_CODE_VALUE;
	return pb->decimals > (is_rate ? BAOPHU_RATE_DECIMALS_MAX : 0) ? BAOPHU_CODE_VALUE : BAOPHU_CODE_NONE;
}

static void put_plan_set(struct field_writer *writer, const struct wire_plan_set *plan)
{
	Baophu__V1__PlanSet pb = BAOPHU__V1__PLAN_SET__INIT;
	pb.code = lend(plan->code);
	pb.unit = lend(plan->unit);
	pb.kind = (Baophu__V1__PlanKind)plan->kind;
	pb.target = lend(plan->target);
	pb.from = baophu_date_to_civil(plan->from);
	pb.to = baophu_date_to_civil(plan->to);
	if (plan->value != BAOPHU_ABSENT) {
		pb.has_value_case = BAOPHU__V1__PLAN_SET__HAS_VALUE_VALUE;
		pb.value = plan->value;
	}
	pb.decimals = plan->decimals;
	pb.origin = plan->origin == BAOPHU_REPORTED ? 0 : (Baophu__V1__Origin)plan->origin;
	pb.issuer = lend(plan->issuer);
	pb.document = lend(plan->document);
	pb.remove = plan->remove;
	put_message(writer, WIRE_PLAN_SET, &pb.base);
}

static enum baophu_code read_agent_set(const Baophu__V1__AgentSet *pb, struct wire_agent_set *agent)
{
	agent->name = pb->name;
	if (!is_code(pb->name))
		return BAOPHU_CODE_TEXT;
	return read_interval(pb->from, pb->until, &agent->from, &agent->until);
}

static void put_agent_set(struct field_writer *writer, const struct wire_agent_set *agent)
{
	Baophu__V1__AgentSet pb = BAOPHU__V1__AGENT_SET__INIT;
	pb.name = lend(agent->name);
	pb.from = baophu_date_to_civil(agent->from);
	pb.until = baophu_date_to_civil(agent->until);
	put_message(writer, WIRE_AGENT_SET, &pb.base);
}

static enum baophu_code read_grant(const Baophu__V1__Grant *pb, struct wire_grant *grant)
{
	if (pb->n_measures > BAOPHU_GRANT_MEASURES_MAX)
		return BAOPHU_CODE_TOO_BIG;
	*grant = (struct wire_grant){
		.agent = pb->agent,
		.unit = pb->unit,
		.measure_count = (uint32_t)pb->n_measures,
		.measures = (const char *const *)pb->measures,
		.extent = (enum baophu_extent)pb->extent,
		.revoke = pb->revoke,
	};
	if (!is_code(pb->agent) || !is_code(pb->unit) || !are_codes(pb->measures, pb->n_measures))
		return BAOPHU_CODE_TEXT;
	if (pb->revoke && !pb->until)
		return BAOPHU_CODE_PERIOD; /* it would end at no day */
	return read_interval(pb->from, pb->until, &grant->from, &grant->until);
}

static void put_grant(struct field_writer *writer, const struct wire_grant *grant)
{
	Baophu__V1__Grant pb = BAOPHU__V1__GRANT__INIT;
	pb.agent = lend(grant->agent);
	pb.unit = lend(grant->unit);
	pb.n_measures = grant->measure_count;
	pb.measures = lend_list(grant->measures);
	pb.extent = (Baophu__V1__Extent)grant->extent;
	pb.from = baophu_date_to_civil(grant->from);
	pb.until = baophu_date_to_civil(grant->until);
	pb.revoke = grant->revoke;
	put_message(writer, WIRE_GRANT, &pb.base);
}

static enum baophu_code read_held_decision(const Baophu__V1__HeldDecision *pb, struct wire_held_decision *held)
{
	*held = (struct wire_held_decision){ pb->seq, pb->release };
	return pb->seq ? BAOPHU_CODE_NONE : BAOPHU_CODE_MALFORMED;
}

static void put_held_decision(struct field_writer *writer, const struct wire_held_decision *held)
{
	Baophu__V1__HeldDecision pb = BAOPHU__V1__HELD_DECISION__INIT;
	pb.seq = held->seq;
	pb.release = held->release;
	put_message(writer, WIRE_HELD_DECISION, &pb.base);
}

static enum baophu_code read_epoch_open(const Baophu__V1__EpochOpen *pb, struct wire_epoch_open *open)
{
	*open = (struct wire_epoch_open){ pb->agent, pb->epoch };
	if (!pb->epoch)
		return BAOPHU_CODE_MALFORMED;
	return is_code(pb->agent) ? BAOPHU_CODE_NONE : BAOPHU_CODE_TEXT;
}

static void put_epoch_open(struct field_writer *writer, const struct wire_epoch_open *open)
{
	Baophu__V1__EpochOpen pb = BAOPHU__V1__EPOCH_OPEN__INIT;
	pb.agent = lend(open->agent);
	pb.epoch = open->epoch;
	put_message(writer, WIRE_EPOCH_OPEN, &pb.base);
}

static enum baophu_code read_threshold_set(const Baophu__V1__ThresholdSet *pb, struct wire_threshold_set *threshold)
{
	int64_t digits_max = BAOPHU_LINE_PERCENT_MAX;
	bool has_digits = pb->has_digits_case == BAOPHU__V1__THRESHOLD_SET__HAS_DIGITS_DIGITS;
	*threshold = (struct wire_threshold_set){ pb->plan, has_digits ? pb->digits : BAOPHU_ABSENT, pb->decimals, pb->remove };
	if (!is_code_or_empty(pb->plan))
		return BAOPHU_CODE_TEXT;
	if (pb->decimals > BAOPHU_LINE_DECIMALS_MAX)
		return BAOPHU_CODE_VALUE;
	for (unsigned i = 0; i < pb->decimals; i++)
		digits_max *= 10;
	return has_digits && pb->digits >= 0 && pb->digits <= digits_max ? BAOPHU_CODE_NONE : BAOPHU_CODE_VALUE;
}

static void put_threshold_set(struct field_writer *writer, const struct wire_threshold_set *threshold)
{
	Baophu__V1__ThresholdSet pb = BAOPHU__V1__THRESHOLD_SET__INIT;
	pb.plan = lend(threshold->plan);
	if (threshold->digits != BAOPHU_ABSENT) {
		pb.has_digits_case = BAOPHU__V1__THRESHOLD_SET__HAS_DIGITS_DIGITS;
		pb.digits = threshold->digits;
	}
	pb.decimals = threshold->decimals;
	pb.remove = threshold->remove;
	put_message(writer, WIRE_THRESHOLD_SET, &pb.base);
}

static enum baophu_code read_backup(const Baophu__V1__BackupVerified *pb, struct wire_backup *backup)
{
	return place_from(pb->place, &backup->place) && backup->place.seq ? BAOPHU_CODE_NONE : BAOPHU_CODE_MALFORMED;
}

static void put_backup(struct field_writer *writer, const struct wire_backup *backup)
{
	Baophu__V1__BackupVerified pb = BAOPHU__V1__BACKUP_VERIFIED__INIT;
	Baophu__V1__Place place = place_to(&backup->place);
	pb.place = &place;
	put_message(writer, WIRE_BACKUP, &pb.base);
}

enum baophu_code wire_read_rare_entry(struct wire_arena *arena, uint64_t kind, const uint8_t *bytes, size_t size,
				      struct wire_entry *ret_entry)
{
	static const ProtobufCMessageDescriptor *const descriptors[] = {
		[WIRE_RATE] = &baophu__v1__published_rate__descriptor,
		[WIRE_DECLARE] = &baophu__v1__declare__descriptor,
		[WIRE_LEVEL_SET] = &baophu__v1__level_set__descriptor,
		[WIRE_UNIT_CREATE] = &baophu__v1__unit_create__descriptor,
		[WIRE_UNIT_CHANGE] = &baophu__v1__unit_change__descriptor,
		[WIRE_UNIT_CLOSE] = &baophu__v1__unit_close__descriptor,
		[WIRE_MEASURE_SET] = &baophu__v1__measure_set__descriptor,
		[WIRE_INDICATOR_SET] = &baophu__v1__indicator_set__descriptor,
		[WIRE_PLAN_SET] = &baophu__v1__plan_set__descriptor,
		[WIRE_AGENT_SET] = &baophu__v1__agent_set__descriptor,
		[WIRE_GRANT] = &baophu__v1__grant__descriptor,
		[WIRE_HELD_DECISION] = &baophu__v1__held_decision__descriptor,
		[WIRE_EPOCH_OPEN] = &baophu__v1__epoch_open__descriptor,
		[WIRE_THRESHOLD_SET] = &baophu__v1__threshold_set__descriptor,
		[WIRE_BACKUP] = &baophu__v1__backup_verified__descriptor,
	};
	if (kind >= sizeof descriptors / sizeof *descriptors || !descriptors[kind])
		return BAOPHU_CODE_MALFORMED;
	const void *pb = read_message(arena, descriptors[kind], bytes, size, false);
	if (!pb)
		return BAOPHU_CODE_MALFORMED;
	switch ((enum wire_entry_kind)kind) {
	case WIRE_RATE:
		return read_rate(pb, &ret_entry->rate);
	case WIRE_DECLARE:
		return read_declare(pb, &ret_entry->declare);
	case WIRE_LEVEL_SET:
		return read_level_set(pb, &ret_entry->level);
	case WIRE_UNIT_CREATE:
		return read_unit_create(pb, &ret_entry->unit_create);
	case WIRE_UNIT_CHANGE:
		return read_unit_change(pb, &ret_entry->unit_change);
	case WIRE_UNIT_CLOSE:
		return read_unit_close(arena, pb, &ret_entry->unit_close);
	case WIRE_MEASURE_SET:
		return read_measure_set(pb, &ret_entry->measure);
	case WIRE_INDICATOR_SET:
		return read_indicator_set(pb, &ret_entry->indicator);
	case WIRE_PLAN_SET:
		return read_plan_set(pb, &ret_entry->plan);
	case WIRE_AGENT_SET:
		return read_agent_set(pb, &ret_entry->agent);
	case WIRE_GRANT:
		return read_grant(pb, &ret_entry->grant);
	case WIRE_HELD_DECISION:
		return read_held_decision(pb, &ret_entry->held);
	case WIRE_EPOCH_OPEN:
		return read_epoch_open(pb, &ret_entry->epoch_open);
	case WIRE_THRESHOLD_SET:
		return read_threshold_set(pb, &ret_entry->threshold);
	case WIRE_BACKUP:
		return read_backup(pb, &ret_entry->backup);
	case WIRE_FACT:
	case WIRE_WITHDRAWAL:
		break;
	}
	return BAOPHU_CODE_MALFORMED;
}

void wire_put_rare_entry(struct field_writer *writer, const struct wire_entry *entry)
{
	switch (entry->kind) {
	case WIRE_RATE:
		put_rate(writer, &entry->rate);
		break;
	case WIRE_DECLARE:
		put_declare(writer, &entry->declare);
		break;
	case WIRE_LEVEL_SET:
		put_level_set(writer, &entry->level);
		break;
	case WIRE_UNIT_CREATE:
		put_unit_create(writer, &entry->unit_create);
		break;
	case WIRE_UNIT_CHANGE:
		put_unit_change(writer, &entry->unit_change);
		break;
	case WIRE_UNIT_CLOSE:
		put_unit_close(writer, &entry->unit_close);
		break;
	case WIRE_MEASURE_SET:
		put_measure_set(writer, &entry->measure);
		break;
	case WIRE_INDICATOR_SET:
		put_indicator_set(writer, &entry->indicator);
		break;
	case WIRE_PLAN_SET:
		put_plan_set(writer, &entry->plan);
		break;
	case WIRE_AGENT_SET:
		put_agent_set(writer, &entry->agent);
		break;
	case WIRE_GRANT:
		put_grant(writer, &entry->grant);
		break;
	case WIRE_HELD_DECISION:
		put_held_decision(writer, &entry->held);
		break;
	case WIRE_EPOCH_OPEN:
		put_epoch_open(writer, &entry->epoch_open);
		break;
	case WIRE_THRESHOLD_SET:
		put_threshold_set(writer, &entry->threshold);
		break;
	case WIRE_BACKUP:
		put_backup(writer, &entry->backup);
		break;
	case WIRE_FACT:
	case WIRE_WITHDRAWAL:
		assert(false); /* wire_put_entries writes them itself */
	}
}

/* ---- agent to collector ---- */

static const struct field_shape update_shape = {
	.wide = FIELD_BIT(1) | FIELD_BIT(2),
	.narrow = FIELD_BIT(4),
	.blobs = FIELD_BIT(3),
};
static const struct field_shape stage_shape = {
	.wide = FIELD_BIT(1) | FIELD_BIT(2),
	.narrow = FIELD_BIT(3),
	.repeated = FIELD_BIT(4),
};

static int read_hello(struct wire_arena *arena, const uint8_t *bytes, size_t size, struct wire_hello *hello)
{
	const Baophu__V1__Hello *pb = read_message(arena, &baophu__v1__hello__descriptor, bytes, size, false);
	if (!pb || !is_code(pb->agent))
		return -BAOPHU_EMALFORMED;
	*hello = (struct wire_hello){ .protocol = pb->protocol, .agent = pb->agent, .epoch = pb->epoch, .has_last = pb->last };
	return pb->last && !place_from(pb->last, &hello->last) ? -BAOPHU_EMALFORMED : 0;
}

static int read_update(const uint8_t *bytes, size_t size, struct wire_update *update)
{
	struct field_set set;
	if (!field_read(bytes, size, &update_shape, &set) || !field_value(&set, 1) || !field_value(&set, 2) ||
	    !field_has(&set, 3) || field_value(&set, 4) > 1)
		return -BAOPHU_EMALFORMED;
	*update = (struct wire_update){
		.epoch = set.value[1],
		.number = set.value[2],
		.payload = set.bytes[3],
		.payload_bytes = set.value[3],
		.want_effect = field_value(&set, 4),
	};
	return 0;
}

static int read_stage(struct wire_arena *arena, const uint8_t *bytes, size_t size, struct wire_stage *stage)
{
	struct field_set set;
	if (!field_read(bytes, size, &stage_shape, &set) || !field_value(&set, 1))
		return -BAOPHU_EMALFORMED;
	*stage = (struct wire_stage){
		.epoch = set.value[1],
		.batch = field_value(&set, 2),
		.part = (uint32_t)field_value(&set, 3),
		.bytes = bytes,
		.byte_count = size,
	};
	uint32_t count = (uint32_t)field_value(&set, 4);
	stage->code = wire_read_entries(arena, bytes, size, count, &stage->entries, &stage->bad_entry);
	if (!stage->code)
		stage->entry_count = count;
	return 0;
}

int wire_decode_agent_message(struct wire_arena *arena, const void *bytes, size_t size, struct wire_agent_message *ret_message)
{
	if (!size || size > BAOPHU_MESSAGE_BYTES_MAX)
		return -BAOPHU_EMALFORMED;
	const uint8_t *at = bytes, *end = at + size;
	uint64_t kind, inner;
	unsigned type;
	at = field_next(at, end, &kind, &type, &inner);
	if (!at || type != FIELD_BYTES || inner != (size_t)(end - at))
		return -BAOPHU_EMALFORMED;
	ret_message->kind = (enum wire_agent_kind)kind;
	switch (kind) {
	case WIRE_HELLO:
		return read_hello(arena, at, inner, &ret_message->hello);
	case WIRE_UPDATE:
		return read_update(at, inner, &ret_message->update);
	case WIRE_STAGE:
		return read_stage(arena, at, inner, &ret_message->stage);
	case WIRE_BEAT: /* the head is the answer's */
	case WIRE_STOP:
		return inner ? -BAOPHU_EMALFORMED : 0;
	default:
		return -BAOPHU_EMALFORMED;
	}
}

ssize_t wire_encode_hello(const struct wire_hello *hello, void *buffer, size_t size)
{
	struct field_writer writer = wire_writer(buffer, size);
	Baophu__V1__Hello pb = BAOPHU__V1__HELLO__INIT;
	Baophu__V1__Place last = place_to(&hello->last);
	pb.protocol = hello->protocol;
	pb.agent = lend(hello->agent);
	pb.epoch = hello->epoch;
	pb.last = hello->has_last ? &last : NULL;
	put_message(&writer, WIRE_HELLO, &pb.base);
	return wire_written(&writer, buffer);
}

ssize_t wire_encode_update(const struct wire_update *update, void *buffer, size_t size)
{
	struct field_writer writer = wire_writer(buffer, size);
	uint8_t *body = field_open(&writer, WIRE_UPDATE);
	field_put(&writer, 1, update->epoch);
	field_put(&writer, 2, update->number);
	field_put_bytes(&writer, 3, update->payload, update->payload_bytes);
	field_put(&writer, 4, update->want_effect);
	field_close(&writer, body);
	return wire_written(&writer, buffer);
}

ssize_t wire_encode_stage(const struct wire_stage *stage, void *buffer, size_t size, const uint8_t **ret_stage,
			  size_t *ret_stage_bytes)
{
	struct field_writer writer = wire_writer(buffer, size);
	uint8_t *body = field_open(&writer, WIRE_STAGE);
	field_put(&writer, 1, stage->epoch);
	field_put(&writer, 2, stage->batch);
	field_put(&writer, 3, stage->part);
	wire_put_entries(&writer, stage->entries, stage->entry_count);
	size_t bytes = (size_t)(writer.at - body);
	field_close(&writer, body);
	if (!writer.is_full) {
		*ret_stage = writer.at - bytes;
		*ret_stage_bytes = bytes;
	}
	return wire_written(&writer, buffer);
}

static ssize_t encode_empty(unsigned kind, void *buffer, size_t size)
{
	struct field_writer writer = wire_writer(buffer, size);
	field_put_bytes(&writer, kind, NULL, 0);
	return wire_written(&writer, buffer);
}

ssize_t wire_encode_beat(void *buffer, size_t size) { return encode_empty(WIRE_BEAT, buffer, size); }
ssize_t wire_encode_stop(void *buffer, size_t size) { return encode_empty(WIRE_STOP, buffer, size); }

/* ---- collector to agent ---- */

static void put_welcome(struct field_writer *writer, const struct wire_welcome *welcome)
{
	Baophu__V1__Welcome pb = BAOPHU__V1__WELCOME__INIT;
	Baophu__V1__Place head = place_to(&welcome->head), backup = place_to(&welcome->backup);
	pb.store = lend_bytes(welcome->store, BAOPHU_STORE_BYTES);
	pb.head = &head;
	pb.epoch = welcome->epoch;
	pb.next = welcome->next;
	pb.credit_bytes = welcome->credit_bytes;
	pb.backup = welcome->has_backup ? &backup : NULL;
	pb.last_unknown = welcome->last_unknown;
	put_message(writer, WIRE_WELCOME, &pb.base);
}

static void put_not_now(struct field_writer *writer, const struct wire_not_now *not_now)
{
	Baophu__V1__NotNow pb = BAOPHU__V1__NOT_NOW__INIT;
	pb.epoch = not_now->epoch;
	pb.number = not_now->number;
	pb.code = (Baophu__V1__Code)not_now->code;
	pb.expect = not_now->expect;
	pb.retry_after_ms = not_now->retry_after_ms;
	put_message(writer, WIRE_NOT_NOW, &pb.base);
}

static void put_staged(struct field_writer *writer, const struct wire_staged *staged)
{
	Baophu__V1__Staged pb = BAOPHU__V1__STAGED__INIT;
	pb.batch = staged->batch;
	pb.part = staged->part;
	pb.code = (Baophu__V1__Code)staged->code;
	put_message(writer, WIRE_STAGED, &pb.base);
}

ssize_t wire_encode_collector_message(const struct wire_collector_message *message, void *buffer, size_t size)
{
	struct field_writer writer = wire_writer(buffer, size);
	uint8_t *body;
	switch (message->kind) {
	case WIRE_WELCOME:
		put_welcome(&writer, &message->welcome);
		break;
	case WIRE_TURNED:
		body = field_open(&writer, WIRE_TURNED);
		field_put(&writer, 1, message->turned);
		field_close(&writer, body);
		break;
	case WIRE_RECEIPTS:
		wire_put_receipts(&writer, message);
		break;
	case WIRE_NOT_NOW:
		put_not_now(&writer, &message->not_now);
		break;
	case WIRE_STAGED:
		put_staged(&writer, &message->staged);
		break;
	case WIRE_BEAT_ANSWER:
		body = field_open(&writer, WIRE_BEAT_ANSWER);
		wire_put_place(&writer, 1, &message->head);
		field_close(&writer, body);
		break;
	case WIRE_STOPPED:
		return encode_empty(WIRE_STOPPED, buffer, size);
	}
	return wire_written(&writer, buffer);
}

static bool welcome_from(const Baophu__V1__Welcome *pb, struct wire_welcome *welcome)
{
	*welcome = (struct wire_welcome){
		.epoch = pb->epoch,
		.next = pb->next,
		.credit_bytes = pb->credit_bytes,
		.has_backup = pb->backup,
		.last_unknown = pb->last_unknown,
	};
	if (pb->store.len != BAOPHU_STORE_BYTES || !place_from(pb->head, &welcome->head) || !pb->epoch || !pb->next)
		return false;
	memcpy(welcome->store, pb->store.data, BAOPHU_STORE_BYTES);
	return !pb->backup || place_from(pb->backup, &welcome->backup);
}

static bool not_now_from(const Baophu__V1__NotNow *pb, struct wire_not_now *not_now)
{
	*not_now = (struct wire_not_now){
		.epoch = pb->epoch,
		.number = pb->number,
		.expect = pb->expect,
		.retry_after_ms = pb->retry_after_ms,
	};
	return wire_read_code_number((uint64_t)pb->code, &not_now->code) && not_now->code;
}

static bool staged_from(const Baophu__V1__Staged *pb, struct wire_staged *staged)
{
	*staged = (struct wire_staged){ .batch = pb->batch, .part = pb->part };
	return wire_read_code_number((uint64_t)pb->code, &staged->code);
}

int wire_decode_collector_message(struct wire_arena *arena, const void *bytes, size_t size,
				  struct wire_collector_message *ret_message)
{
	static const struct field_shape shape = {
		.blobs = FIELD_BIT(WIRE_WELCOME) | FIELD_BIT(WIRE_TURNED) | FIELD_BIT(WIRE_RECEIPTS) | FIELD_BIT(WIRE_NOT_NOW) |
			 FIELD_BIT(WIRE_STAGED) | FIELD_BIT(WIRE_BEAT_ANSWER) | FIELD_BIT(WIRE_STOPPED),
		.is_lenient = true,
	};
	static const ProtobufCMessageDescriptor *const descriptors[] = {
		[WIRE_WELCOME] = &baophu__v1__welcome__descriptor,  [WIRE_TURNED] = &baophu__v1__turned__descriptor,
		[WIRE_NOT_NOW] = &baophu__v1__not_now__descriptor,  [WIRE_STAGED] = &baophu__v1__staged__descriptor,
		[WIRE_BEAT_ANSWER] = &baophu__v1__beat__descriptor, [WIRE_STOPPED] = &baophu__v1__stopped__descriptor,
	};
	struct field_set set;
	if (!field_read(bytes, size, &shape, &set) || !set.seen || set.seen & (set.seen - 1))
		return -BAOPHU_EMALFORMED; /* none of them, or more than one */
	unsigned kind = (unsigned)__builtin_ctzll(set.seen);
	ret_message->kind = (enum wire_collector_kind)kind;
	if (kind == WIRE_RECEIPTS)
		return wire_read_receipts(arena, set.bytes[kind], set.value[kind], ret_message);
	const void *pb = read_message(arena, descriptors[kind], set.bytes[kind], set.value[kind], true);
	bool is_good = pb;
	if (!is_good)
		return -BAOPHU_EMALFORMED;
	switch (ret_message->kind) {
	case WIRE_WELCOME:
		is_good = welcome_from(pb, &ret_message->welcome);
		break;
	case WIRE_TURNED:
		is_good = wire_read_code_number((uint64_t)((const Baophu__V1__Turned *)pb)->code, &ret_message->turned) &&
			  ret_message->turned;
		break;
	case WIRE_NOT_NOW:
		is_good = not_now_from(pb, &ret_message->not_now);
		break;
	case WIRE_STAGED:
		is_good = staged_from(pb, &ret_message->staged);
		break;
	case WIRE_BEAT_ANSWER:
		is_good = place_from(((const Baophu__V1__Beat *)pb)->head, &ret_message->head);
		break;
	case WIRE_RECEIPTS:
	case WIRE_STOPPED:
		break;
	}
	return is_good ? 0 : -BAOPHU_EMALFORMED;
}

/* ---- query ---- */

/* What is wrong with the question; NULL when nothing is. */
static const char *query_from(const Baophu__V1__Query *pb, struct wire_query *query)
{
	if (!pb->kind)
		return "the kind of question is missing";
	query->kind = (enum wire_query_kind)pb->kind;
	if (!is_code_or_empty(pb->unit) || !is_code_or_empty(pb->plan))
		return "unit and plan must be codes";
	query->unit = pb->unit;
	query->plan = pb->plan;
	if (pb->n_measures > BAOPHU_QUERY_MEASURES_MAX)
		return "at most 64 measures can be asked for";
	if (!are_codes(pb->measures, pb->n_measures))
		return "measures must be codes";
	query->measure_count = (uint32_t)pb->n_measures;
	query->measures = (const char *const *)pb->measures;
	if (pb->depth > BAOPHU_DEPTH_MAX)
		return "depth must be 0 to 8";
	query->depth = pb->depth;
	if (pb->limit > BAOPHU_PAGE_RECORDS_MAX)
		return "limit must be 1 to 500";
	query->limit = pb->limit ? pb->limit : 200;
	if (!wire_read_date(pb->as_of, &query->as_of) || !wire_read_date(pb->tree_date, &query->tree_date) ||
	    !wire_read_date(pb->since, &query->since) || !wire_read_date(pb->from, &query->from) ||
	    !wire_read_date(pb->to, &query->to))
		return "a date is not a day of the calendar";
	if (query->from != BAOPHU_DATE_NONE && query->to != BAOPHU_DATE_NONE && query->from > query->to)
		return "from lies after to";
	query->known_seq = pb->known_seq;
	query->min_seq = pb->min_seq;
	query->since_seq = pb->since_seq;
	if (pb->page.len > WIRE_PAGE_TOKEN_BYTES_MAX)
		return "page is not a next_page of this collector";
	query->page_bytes = pb->page.len;
	if (pb->page.len)
		memcpy(query->page, pb->page.data, pb->page.len);
	if (pb->since_digest.len && pb->since_digest.len != BAOPHU_DIGEST_BYTES)
		return "since_digest must have 32 bytes";
	query->has_since_digest = pb->since_digest.len;
	if (pb->since_digest.len)
		memcpy(query->since_digest, pb->since_digest.data, BAOPHU_DIGEST_BYTES);
	if (!is_code_or_empty(pb->agent))
		return "agent must be a code";
	query->agent = pb->agent;
	query->freshness = (enum baophu_freshness)pb->freshness;
	return NULL;
}

/* The id of a question that is otherwise not readable, so that the asker learns of it. */
static uint64_t find_query_id(const uint8_t *at, size_t size)
{
	const uint8_t *end = at + size;
	while (at < end) {
		uint64_t number, value;
		unsigned type;
		if (!(at = field_next(at, end, &number, &type, &value)))
			break;
		if (number == 1 && type == FIELD_VARINT)
			return value;
		at += type == FIELD_VARINT ? 0 : value;
	}
	return 0;
}

int wire_decode_query(struct wire_arena *arena, const void *bytes, size_t size, struct wire_query *ret_query, const char **ret_why)
{
	*ret_query = (struct wire_query){ .unit = "", .plan = "", .agent = "" };
	*ret_why = "the message is empty or too big";
	if (!size || size > BAOPHU_MESSAGE_BYTES_MAX)
		return -BAOPHU_EMALFORMED;
	*ret_why = "the message is not a Query of this protocol";
	const Baophu__V1__Query *pb = read_message(arena, &baophu__v1__query__descriptor, bytes, size, false);
	ret_query->id = pb ? pb->id : find_query_id(bytes, size);
	if (pb)
		*ret_why = query_from(pb, ret_query);
	return *ret_why ? -BAOPHU_EMALFORMED : 0;
}

ssize_t wire_encode_query(const struct wire_query *query, void *buffer, size_t size)
{
	Baophu__V1__Query pb = BAOPHU__V1__QUERY__INIT;
	pb.id = query->id;
	pb.kind = (Baophu__V1__QueryKind)query->kind;
	pb.unit = lend(query->unit);
	pb.depth = query->depth;
	pb.as_of = baophu_date_to_civil(query->as_of);
	pb.known_seq = query->known_seq;
	pb.tree_date = baophu_date_to_civil(query->tree_date);
	pb.plan = lend(query->plan);
	pb.n_measures = query->measure_count;
	pb.measures = lend_list(query->measures);
	pb.since = baophu_date_to_civil(query->since);
	pb.from = baophu_date_to_civil(query->from);
	pb.to = baophu_date_to_civil(query->to);
	pb.min_seq = query->min_seq;
	pb.page = lend_bytes(query->page, query->page_bytes);
	pb.limit = query->limit;
	pb.since_seq = query->since_seq;
	pb.since_digest = lend_bytes(query->since_digest, query->has_since_digest ? BAOPHU_DIGEST_BYTES : 0);
	pb.agent = lend(query->agent);
	pb.freshness = (Baophu__V1__Freshness)query->freshness;
	size_t bytes = protobuf_c_message_get_packed_size(&pb.base);
	if (bytes > size)
		return -BAOPHU_EFULL;
	return (ssize_t)protobuf_c_message_pack(&pb.base, buffer);
}

/* ---- answer: field numbers of its lists ---- */

enum {
	ANSWER_RECORDS = 10,
	ANSWER_FACTS,
	ANSWER_UNITS,
	ANSWER_MEASURES,
	ANSWER_INDICATORS,
	ANSWER_PLANS,
	ANSWER_AGENTS,
	ANSWER_HELD,
	ANSWER_LOG,
	ANSWER_STATUS,
	ANSWER_EVENTS,
	ANSWER_DUE,
	ANSWER_THRESHOLDS = 25,
	ANSWER_DETAIL = 30
};

static void put_detail(struct field_writer *writer, const struct baophu_detail *detail)
{
	uint8_t *body = field_open(writer, ANSWER_DETAIL);
	field_put(writer, 1, detail->fault);
	field_put_text(writer, 2, detail->named);
	field_put(writer, 3, baophu_date_to_civil(detail->date));
	field_put_text(writer, 4, detail->successor);
	field_put_text(writer, 5, detail->successor_name);
	field_put(writer, 6, detail->wanted_seq);
	field_put(writer, 7, detail->newest_seq);
	field_close(writer, body);
}

static bool read_detail(const uint8_t *bytes, size_t size, struct baophu_detail *ret_detail)
{
	static const struct field_shape shape = {
		.wide = FIELD_BIT(6) | FIELD_BIT(7),
		.narrow = FIELD_BIT(1) | FIELD_BIT(3),
		.blobs = FIELD_BIT(2) | FIELD_BIT(4) | FIELD_BIT(5),
		.is_lenient = true,
	};
	struct field_set set;
	if (!field_read(bytes, size, &shape, &set) || !wire_read_code(&set, 2, ret_detail->named) ||
	    !wire_read_code(&set, 4, ret_detail->successor) || !wire_read_name(&set, 5, ret_detail->successor_name) ||
	    !wire_read_date(field_value(&set, 3), &ret_detail->date))
		return false;
	ret_detail->fault = (enum baophu_fault)wire_known(field_value(&set, 1), BAOPHU_FAULT_COUNT - 1);
	ret_detail->wanted_seq = field_value(&set, 6);
	ret_detail->newest_seq = field_value(&set, 7);
	return true;
}

static void put_fact_version(struct field_writer *writer, const struct wire_fact_version *fact)
{
	Baophu__V1__FactVersion pb = BAOPHU__V1__FACT_VERSION__INIT;
	pb.seq = fact->seq;
	pb.index = fact->index;
	pb.measure = lend(fact->measure);
	pb.extent = (Baophu__V1__Extent)fact->extent;
	pb.from = baophu_date_to_civil(fact->from);
	pb.to = baophu_date_to_civil(fact->to);
	if (fact->value != BAOPHU_ABSENT) {
		pb.has_value_case = BAOPHU__V1__FACT_VERSION__HAS_VALUE_VALUE;
		pb.value = fact->value;
	}
	pb.status = (Baophu__V1__Status)fact->status;
	pb.origin = (Baophu__V1__Origin)fact->origin;
	pb.bound = (Baophu__V1__Bound)fact->bound;
	pb.reason = (Baophu__V1__Reason)fact->reason;
	pb.agent = lend(fact->agent);
	pb.time_ms = fact->time_ms;
	pb.stands = fact->stands;
	pb.unit = lend(fact->unit);
	put_message(writer, ANSWER_FACTS, &pb.base);
}

static bool read_fact_version(struct wire_arena *arena, const uint8_t *bytes, size_t size, void *ret_element)
{
	struct wire_fact_version *fact = ret_element;
	const Baophu__V1__FactVersion *pb = read_message(arena, &baophu__v1__fact_version__descriptor, bytes, size, true);
	if (!pb)
		return false;
	*fact = (struct wire_fact_version){
		.seq = pb->seq,
		.index = pb->index,
		.measure = pb->measure,
		.agent = pb->agent,
		.unit = pb->unit,
		.extent = (enum baophu_extent)wire_known((uint64_t)pb->extent, BAOPHU_OWN),
		.value = pb->has_value_case == BAOPHU__V1__FACT_VERSION__HAS_VALUE_VALUE ? pb->value : BAOPHU_ABSENT,
		.status = (enum baophu_status)wire_known((uint64_t)pb->status, BAOPHU_ESTIMATE),
		.origin = (enum baophu_origin)wire_known((uint64_t)pb->origin, BAOPHU_ILLUSTRATIVE),
		.bound = (enum baophu_bound)wire_known((uint64_t)pb->bound, BAOPHU_NEARLY),
		.reason = (enum baophu_reason)wire_known((uint64_t)pb->reason, BAOPHU_REASON_COUNT - 1),
		.time_ms = pb->time_ms,
		.stands = pb->stands,
	};
	return is_code(pb->measure) && is_code_or_empty(pb->agent) && is_code_or_empty(pb->unit) &&
	       wire_read_date(pb->from, &fact->from) && wire_read_date(pb->to, &fact->to);
}

static bool put_unit_info(struct field_writer *writer, struct wire_arena *scratch, const struct wire_unit_info *unit)
{
	Baophu__V1__UnitInfo pb = BAOPHU__V1__UNIT_INFO__INIT;
	Baophu__V1__FormerUnit *former = wire_take(scratch, unit->former_count * sizeof *former);
	Baophu__V1__FormerUnit **list = wire_take(scratch, unit->former_count * sizeof *list);
	if (!former || !list)
		return false;
	for (uint32_t i = 0; i < unit->former_count; i++) {
		baophu__v1__former_unit__init(list[i] = &former[i]);
		former[i].number = unit->former[i].number;
		former[i].code = lend(unit->former[i].code);
		former[i].name = lend(unit->former[i].name);
		former[i].from = baophu_date_to_civil(unit->former[i].from);
		former[i].until = baophu_date_to_civil(unit->former[i].until);
	}
	pb.number = unit->number;
	pb.code = lend(unit->code);
	pb.name = lend(unit->name);
	pb.level = lend(unit->level);
	pb.parent = lend(unit->parent);
	pb.depth = unit->depth;
	pb.from = baophu_date_to_civil(unit->from);
	pb.until = baophu_date_to_civil(unit->until);
	pb.n_former = unit->former_count;
	pb.former = list;
	put_message(writer, ANSWER_UNITS, &pb.base);
	return true;
}

static bool read_unit_info(struct wire_arena *arena, const uint8_t *bytes, size_t size, void *ret_element)
{
	struct wire_unit_info *unit = ret_element;
	const Baophu__V1__UnitInfo *pb = read_message(arena, &baophu__v1__unit_info__descriptor, bytes, size, true);
	struct wire_former_unit *former = pb ? wire_take(arena, pb->n_former * sizeof *former) : NULL;
	if (!former)
		return false;
	for (size_t i = 0; i < pb->n_former; i++) {
		const Baophu__V1__FormerUnit *said = pb->former[i];
		former[i] = (struct wire_former_unit){ .number = said->number, .code = said->code, .name = said->name };
		if (!is_code(said->code) || !is_name(said->name) || !wire_read_date(said->from, &former[i].from) ||
		    !wire_read_date(said->until, &former[i].until))
			return false;
	}
	*unit = (struct wire_unit_info){
		.number = pb->number,
		.depth = pb->depth,
		.code = pb->code,
		.name = pb->name,
		.level = pb->level,
		.parent = pb->parent,
		.former_count = (uint32_t)pb->n_former,
		.former = former,
	};
	return is_code(pb->code) && is_name(pb->name) && is_code(pb->level) && is_code_or_empty(pb->parent) &&
	       pb->depth <= BAOPHU_DEPTH_MAX && wire_read_date(pb->from, &unit->from) && wire_read_date(pb->until, &unit->until);
}

static void put_measure_info(struct field_writer *writer, const struct wire_measure_set *measure)
{
	Baophu__V1__MeasureInfo pb = BAOPHU__V1__MEASURE_INFO__INIT;
	pb.code = lend(measure->code);
	pb.name_vi = lend(measure->name_vi);
	pb.name_en = lend(measure->name_en);
	pb.unit_vi = lend(measure->unit_vi);
	pb.unit_en = lend(measure->unit_en);
	pb.kind = (Baophu__V1__MeasureKind)measure->kind;
	pb.parent = lend(measure->parent);
	put_message(writer, ANSWER_MEASURES, &pb.base);
}

static bool read_measure_info(struct wire_arena *arena, const uint8_t *bytes, size_t size, void *ret_element)
{
	struct wire_measure_set *measure = ret_element;
	const Baophu__V1__MeasureInfo *pb = read_message(arena, &baophu__v1__measure_info__descriptor, bytes, size, true);
	if (!pb)
		return false;
	*measure = (struct wire_measure_set){
		.code = pb->code,
		.name_vi = pb->name_vi,
		.name_en = pb->name_en,
		.unit_vi = pb->unit_vi,
		.unit_en = pb->unit_en,
		.parent = pb->parent,
		.kind = (enum baophu_measure_kind)wire_known((uint64_t)pb->kind, BAOPHU_FLOW),
	};
	return is_code(pb->code) && is_name_or_empty(pb->name_vi) && is_name_or_empty(pb->name_en) &&
	       is_name_or_empty(pb->unit_vi) && is_name_or_empty(pb->unit_en) && is_code_or_empty(pb->parent);
}

static void put_indicator_info(struct field_writer *writer, const struct wire_indicator_set *indicator)
{
	Baophu__V1__IndicatorInfo pb = BAOPHU__V1__INDICATOR_INFO__INIT;
	pb.code = lend(indicator->code);
	pb.name_vi = lend(indicator->name_vi);
	pb.name_en = lend(indicator->name_en);
	pb.numerator = lend(indicator->numerator);
	pb.denominator = lend(indicator->denominator);
	put_message(writer, ANSWER_INDICATORS, &pb.base);
}

static bool read_indicator_info(struct wire_arena *arena, const uint8_t *bytes, size_t size, void *ret_element)
{
	struct wire_indicator_set *indicator = ret_element;
	const Baophu__V1__IndicatorInfo *pb = read_message(arena, &baophu__v1__indicator_info__descriptor, bytes, size, true);
	if (!pb)
		return false;
	*indicator = (struct wire_indicator_set){ pb->code, pb->name_vi, pb->name_en, pb->numerator, pb->denominator };
	return is_code(pb->code) && is_name_or_empty(pb->name_vi) && is_name_or_empty(pb->name_en) && is_code(pb->numerator) &&
	       is_code(pb->denominator);
}

static void put_plan_info(struct field_writer *writer, const struct wire_plan_info *info)
{
	Baophu__V1__PlanInfo pb = BAOPHU__V1__PLAN_INFO__INIT;
	const struct wire_plan_set *plan = &info->plan;
	pb.code = lend(plan->code);
	pb.unit = lend(plan->unit);
	pb.kind = (Baophu__V1__PlanKind)plan->kind;
	pb.target = lend(plan->target);
	pb.from = baophu_date_to_civil(plan->from);
	pb.to = baophu_date_to_civil(plan->to);
	if (plan->value != BAOPHU_ABSENT) {
		pb.has_value_case = BAOPHU__V1__PLAN_INFO__HAS_VALUE_VALUE;
		pb.value = plan->value;
	}
	pb.decimals = plan->decimals;
	pb.origin = (Baophu__V1__Origin)plan->origin;
	pb.issuer = lend(plan->issuer);
	pb.document = lend(plan->document);
	pb.revision = info->revision;
	pb.seq = info->seq;
	put_message(writer, ANSWER_PLANS, &pb.base);
}

static bool read_plan_info(struct wire_arena *arena, const uint8_t *bytes, size_t size, void *ret_element)
{
	struct wire_plan_info *info = ret_element;
	const Baophu__V1__PlanInfo *pb = read_message(arena, &baophu__v1__plan_info__descriptor, bytes, size, true);
	if (!pb)
		return false;
	bool has_value = pb->has_value_case == BAOPHU__V1__PLAN_INFO__HAS_VALUE_VALUE;
	*info = (struct wire_plan_info){
		.plan = { .code = pb->code,
			  .unit = pb->unit,
			  .target = pb->target,
			  .issuer = pb->issuer,
			  .document = pb->document,
			  .kind = (enum baophu_plan_kind)wire_known((uint64_t)pb->kind, BAOPHU_PLAN_RATE),
			  .value = has_value ? pb->value : BAOPHU_ABSENT,
			  .decimals = pb->decimals,
			  .origin = (enum baophu_origin)wire_known((uint64_t)pb->origin, BAOPHU_ILLUSTRATIVE),
			  .remove = !has_value },
		.revision = pb->revision,
		.seq = pb->seq,
	};
	return is_code(pb->code) && is_code(pb->unit) && is_code(pb->target) && is_name_or_empty(pb->issuer) &&
	       is_name_or_empty(pb->document) && pb->decimals <= BAOPHU_RATE_DECIMALS_MAX &&
	       wire_read_date(pb->from, &info->plan.from) && wire_read_date(pb->to, &info->plan.to);
}

static void put_threshold_info(struct field_writer *writer, const struct wire_threshold_info *info)
{
	Baophu__V1__ThresholdInfo pb = BAOPHU__V1__THRESHOLD_INFO__INIT;
	pb.plan = lend(info->threshold.plan);
	pb.digits = (uint32_t)info->threshold.digits;
	pb.decimals = info->threshold.decimals;
	pb.seq = info->seq;
	put_message(writer, ANSWER_THRESHOLDS, &pb.base);
}

static bool read_threshold_info(struct wire_arena *arena, const uint8_t *bytes, size_t size, void *ret_element)
{
	struct wire_threshold_info *info = ret_element;
	const Baophu__V1__ThresholdInfo *pb = read_message(arena, &baophu__v1__threshold_info__descriptor, bytes, size, true);
	if (!pb)
		return false;
	*info = (struct wire_threshold_info){ .threshold = { .plan = pb->plan, .digits = pb->digits, .decimals = pb->decimals },
					      .seq = pb->seq };
	return is_code_or_empty(pb->plan) && pb->decimals <= BAOPHU_LINE_DECIMALS_MAX;
}

static bool read_event_element(struct wire_arena *arena, const uint8_t *bytes, size_t size, void *ret_element)
{
	(void)arena; /* an event stands alone */
	return wire_read_event(bytes, size, ret_element);
}

static bool put_agent_info(struct field_writer *writer, struct wire_arena *scratch, const struct wire_agent_info *agent)
{
	Baophu__V1__AgentInfo pb = BAOPHU__V1__AGENT_INFO__INIT;
	Baophu__V1__GrantInfo *grants = wire_take(scratch, agent->grant_count * sizeof *grants);
	Baophu__V1__GrantInfo **list = wire_take(scratch, agent->grant_count * sizeof *list);
	if (!grants || !list)
		return false;
	for (uint32_t i = 0; i < agent->grant_count; i++) {
		const struct wire_grant_info *grant = &agent->grants[i];
		baophu__v1__grant_info__init(list[i] = &grants[i]);
		grants[i].unit = lend(grant->unit);
		grants[i].n_measures = grant->measure_count;
		grants[i].measures = lend_list(grant->measures);
		grants[i].extent = (Baophu__V1__Extent)grant->extent;
		grants[i].from = baophu_date_to_civil(grant->from);
		grants[i].until = baophu_date_to_civil(grant->until);
		grants[i].seq = grant->seq;
	}
	pb.name = lend(agent->name);
	pb.from = baophu_date_to_civil(agent->from);
	pb.until = baophu_date_to_civil(agent->until);
	pb.epochs = agent->epochs;
	pb.last_seq = agent->last_seq;
	pb.last_ms = agent->last_ms;
	pb.frozen = agent->frozen;
	pb.n_units = agent->unit_count;
	pb.units = lend_list(agent->units);
	pb.n_grants = agent->grant_count;
	pb.grants = list;
	pb.freshness = (Baophu__V1__Freshness)agent->freshness;
	pb.declared = agent->declared;
	pb.fresh = agent->fresh;
	pb.due = agent->due;
	pb.late = agent->late;
	pb.silent = agent->silent;
	put_message(writer, ANSWER_AGENTS, &pb.base);
	return true;
}

static bool read_agent_info(struct wire_arena *arena, const uint8_t *bytes, size_t size, void *ret_element)
{
	struct wire_agent_info *agent = ret_element;
	const Baophu__V1__AgentInfo *pb = read_message(arena, &baophu__v1__agent_info__descriptor, bytes, size, true);
	struct wire_grant_info *grants = pb ? wire_take(arena, pb->n_grants * sizeof *grants) : NULL;
	if (!grants)
		return false;
	for (size_t i = 0; i < pb->n_grants; i++) {
		const Baophu__V1__GrantInfo *said = pb->grants[i];
		grants[i] = (struct wire_grant_info){
			.unit = said->unit,
			.measure_count = (uint32_t)said->n_measures,
			.measures = (const char *const *)said->measures,
			.extent = (enum baophu_extent)wire_known((uint64_t)said->extent, BAOPHU_OWN),
			.seq = said->seq,
		};
		if (!is_code(said->unit) || !are_codes(said->measures, said->n_measures) ||
		    !wire_read_date(said->from, &grants[i].from) || !wire_read_date(said->until, &grants[i].until))
			return false;
	}
	*agent = (struct wire_agent_info){
		.name = pb->name,
		.epochs = pb->epochs,
		.frozen = pb->frozen,
		.last_seq = pb->last_seq,
		.last_ms = pb->last_ms,
		.unit_count = (uint32_t)pb->n_units,
		.units = (const char *const *)pb->units,
		.grant_count = (uint32_t)pb->n_grants,
		.grants = grants,
		.freshness = (enum baophu_freshness)wire_known((uint64_t)pb->freshness, BAOPHU_SILENT),
		.declared = pb->declared,
		.fresh = pb->fresh,
		.due = pb->due,
		.late = pb->late,
		.silent = pb->silent,
	};
	return is_code(pb->name) && are_codes(pb->units, pb->n_units) && wire_read_date(pb->from, &agent->from) &&
	       wire_read_date(pb->until, &agent->until);
}

static void put_due_info(struct field_writer *writer, const struct wire_due_info *due)
{
	Baophu__V1__DueInfo pb = BAOPHU__V1__DUE_INFO__INIT;
	pb.agent = lend(due->agent);
	pb.unit = lend(due->unit);
	pb.name = lend(due->name);
	pb.measure = lend(due->measure);
	pb.extent = (Baophu__V1__Extent)due->extent;
	pb.rhythm = (Baophu__V1__Rhythm)due->rhythm;
	pb.closing_day = due->closing_day;
	pb.grace_days = due->grace_days;
	pb.since = baophu_date_to_civil(due->since);
	pb.freshness = (Baophu__V1__Freshness)due->freshness;
	pb.newest = baophu_date_to_civil(due->newest);
	pb.closing = baophu_date_to_civil(due->closing);
	pb.next_closing = baophu_date_to_civil(due->next_closing);
	put_message(writer, ANSWER_DUE, &pb.base);
}

static bool read_due_info(struct wire_arena *arena, const uint8_t *bytes, size_t size, void *ret_element)
{
	struct wire_due_info *due = ret_element;
	const Baophu__V1__DueInfo *pb = read_message(arena, &baophu__v1__due_info__descriptor, bytes, size, true);
	if (!pb)
		return false;
	*due = (struct wire_due_info){
		.agent = pb->agent,
		.unit = pb->unit,
		.name = pb->name,
		.measure = pb->measure,
		.extent = (enum baophu_extent)wire_known((uint64_t)pb->extent, BAOPHU_OWN),
		.rhythm = (enum baophu_rhythm)wire_known((uint64_t)pb->rhythm, BAOPHU_YEARLY),
		.closing_day = pb->closing_day,
		.grace_days = pb->grace_days,
		.freshness = (enum baophu_freshness)wire_known((uint64_t)pb->freshness, BAOPHU_SILENT),
	};
	return is_code(pb->agent) && is_code(pb->unit) && is_name_or_empty(pb->name) && is_code(pb->measure) &&
	       wire_read_date(pb->since, &due->since) && wire_read_date(pb->newest, &due->newest) &&
	       wire_read_date(pb->closing, &due->closing) && wire_read_date(pb->next_closing, &due->next_closing);
}

static void put_held_info(struct field_writer *writer, const struct wire_held_info *held)
{
	Baophu__V1__HeldInfo pb = BAOPHU__V1__HELD_INFO__INIT;
	pb.seq = held->seq;
	pb.agent = lend(held->agent);
	pb.epoch = held->epoch;
	pb.number = held->number;
	pb.code = (Baophu__V1__Code)held->code;
	pb.entry = held->entry;
	pb.time_ms = held->time_ms;
	pb.unit = lend(held->unit);
	pb.suggestion = lend(held->suggestion);
	pb.decision = (Baophu__V1__Verdict)held->decision;
	pb.decision_seq = held->decision_seq;
	put_message(writer, ANSWER_HELD, &pb.base);
}

static bool read_held_info(struct wire_arena *arena, const uint8_t *bytes, size_t size, void *ret_element)
{
	struct wire_held_info *held = ret_element;
	const Baophu__V1__HeldInfo *pb = read_message(arena, &baophu__v1__held_info__descriptor, bytes, size, true);
	if (!pb)
		return false;
	*held = (struct wire_held_info){
		.seq = pb->seq,
		.epoch = pb->epoch,
		.number = pb->number,
		.agent = pb->agent,
		.unit = pb->unit,
		.suggestion = pb->suggestion,
		.entry = pb->entry,
		.time_ms = pb->time_ms,
		.decision = (enum baophu_verdict)wire_known((uint64_t)pb->decision, BAOPHU_REFUSED),
		.decision_seq = pb->decision_seq,
	};
	return is_code_or_empty(pb->agent) && is_code_or_empty(pb->unit) && is_code_or_empty(pb->suggestion) &&
	       wire_read_code_number((uint64_t)pb->code, &held->code);
}

static void put_log_info(struct field_writer *writer, const struct wire_log_info *log)
{
	Baophu__V1__LogInfo pb = BAOPHU__V1__LOG_INFO__INIT;
	Baophu__V1__Place place = place_to(&log->place);
	pb.place = &place;
	pb.kind = lend(log->kind);
	pb.time_ms = log->time_ms;
	pb.agent = lend(log->agent);
	pb.epoch = log->epoch;
	pb.number = log->number;
	pb.verdict = (Baophu__V1__Verdict)log->verdict;
	pb.code = (Baophu__V1__Code)log->code;
	if (log->entry != UINT32_MAX) {
		pb.has_entry_case = BAOPHU__V1__LOG_INFO__HAS_ENTRY_ENTRY;
		pb.entry = log->entry;
	}
	pb.entries = log->entries;
	put_message(writer, ANSWER_LOG, &pb.base);
}

static bool read_log_info(struct wire_arena *arena, const uint8_t *bytes, size_t size, void *ret_element)
{
	struct wire_log_info *log = ret_element;
	const Baophu__V1__LogInfo *pb = read_message(arena, &baophu__v1__log_info__descriptor, bytes, size, true);
	if (!pb)
		return false;
	*log = (struct wire_log_info){
		.kind = pb->kind,
		.agent = pb->agent,
		.time_ms = pb->time_ms,
		.epoch = pb->epoch,
		.number = pb->number,
		.verdict = (enum baophu_verdict)wire_known((uint64_t)pb->verdict, BAOPHU_REFUSED),
		.entry = pb->has_entry_case == BAOPHU__V1__LOG_INFO__HAS_ENTRY_ENTRY ? pb->entry : UINT32_MAX,
		.entries = pb->entries,
	};
	return place_from(pb->place, &log->place) && is_name_or_empty(pb->kind) && is_code_or_empty(pb->agent) &&
	       wire_read_code_number((uint64_t)pb->code, &log->code);
}

static bool put_status(struct field_writer *writer, struct wire_arena *scratch, const struct wire_server_status *status)
{
	Baophu__V1__ServerStatus pb = BAOPHU__V1__SERVER_STATUS__INIT;
	Baophu__V1__Counter *counters = wire_take(scratch, status->counter_count * sizeof *counters);
	Baophu__V1__Counter **list = wire_take(scratch, status->counter_count * sizeof *list);
	if (!counters || !list)
		return false;
	for (uint32_t i = 0; i < status->counter_count; i++) {
		baophu__v1__counter__init(list[i] = &counters[i]);
		counters[i].name = lend(status->counters[i].name);
		counters[i].value = status->counters[i].value;
	}
	pb.store = lend_bytes(status->store, BAOPHU_STORE_BYTES);
	pb.history_seq = status->history_seq;
	pb.business_day = baophu_date_to_civil(status->business_day);
	pb.state_digest = status->state_digest;
	pb.units = status->units;
	pb.facts = status->facts;
	pb.held = status->held;
	pb.agents = status->agents;
	pb.started_ms = status->started_ms;
	pb.updates = status->updates;
	pb.entries = status->entries;
	pb.n_counters = status->counter_count;
	pb.counters = list;
	pb.day_held = status->day_held;
	pb.version = lend(status->version);
	pb.disk_full = status->disk_full;
	Baophu__V1__Place backup = place_to(&status->backup);
	pb.backup = status->has_backup ? &backup : NULL;
	pb.backup_ms = status->has_backup ? status->backup_ms : 0;
	put_message(writer, ANSWER_STATUS, &pb.base);
	return true;
}

static const struct wire_server_status *read_status(struct wire_arena *arena, const uint8_t *bytes, size_t size)
{
	const Baophu__V1__ServerStatus *pb = read_message(arena, &baophu__v1__server_status__descriptor, bytes, size, true);
	if (!pb || pb->store.len != BAOPHU_STORE_BYTES || !is_name_or_empty(pb->version))
		return NULL;
	struct wire_server_status *status = wire_arena_alloc(arena, sizeof *status);
	struct wire_counter *counters = wire_take(arena, pb->n_counters * sizeof *counters);
	if (!status || !counters || !wire_read_date(pb->business_day, &status->business_day))
		return NULL;
	for (size_t i = 0; i < pb->n_counters; i++) {
		counters[i] = (struct wire_counter){ pb->counters[i]->name, pb->counters[i]->value };
		if (!is_name(counters[i].name))
			return NULL;
	}
	memcpy(status->store, pb->store.data, BAOPHU_STORE_BYTES);
	status->history_seq = pb->history_seq;
	status->state_digest = pb->state_digest;
	status->units = pb->units;
	status->facts = pb->facts;
	status->held = pb->held;
	status->agents = pb->agents;
	status->started_ms = pb->started_ms;
	status->updates = pb->updates;
	status->entries = pb->entries;
	status->counter_count = (uint32_t)pb->n_counters;
	status->counters = counters;
	status->day_held = pb->day_held;
	status->disk_full = pb->disk_full;
	status->version = pb->version;
	status->has_backup = pb->backup;
	status->backup_ms = pb->backup ? pb->backup_ms : 0;
	if (pb->backup && !place_from(pb->backup, &status->backup))
		return NULL;
	return status;
}

ssize_t wire_encode_answer(struct wire_arena *scratch, const struct wire_answer *answer, void *buffer, size_t size)
{
	struct field_writer writer = wire_writer(buffer, size);
	field_put(&writer, 1, answer->id);
	field_put(&writer, 2, answer->code);
	field_put_text(&writer, 3, answer->text);
	wire_put_place(&writer, 4, &answer->cut);
	field_put(&writer, 5, baophu_date_to_civil(answer->as_of));
	field_put(&writer, 6, answer->known_seq);
	field_put(&writer, 7, baophu_date_to_civil(answer->tree_date));
	field_put_text(&writer, 8, answer->plan);
	if (answer->next_page_bytes)
		field_put_bytes(&writer, 9, answer->next_page, answer->next_page_bytes);
	for (uint32_t i = 0; i < answer->record_count && !writer.is_full; i++) {
		uint8_t *record = field_open(&writer, ANSWER_RECORDS);
		wire_put_record(&writer, &answer->records[i]);
		field_close(&writer, record);
	}
	for (uint32_t i = 0; i < answer->fact_count && !writer.is_full; i++)
		put_fact_version(&writer, &answer->facts[i]);
	for (uint32_t i = 0; i < answer->unit_count && !writer.is_full; i++)
		if (!put_unit_info(&writer, scratch, &answer->units[i]))
			return -BAOPHU_EFULL;
	for (uint32_t i = 0; i < answer->measure_count && !writer.is_full; i++)
		put_measure_info(&writer, &answer->measures[i]);
	for (uint32_t i = 0; i < answer->indicator_count && !writer.is_full; i++)
		put_indicator_info(&writer, &answer->indicators[i]);
	for (uint32_t i = 0; i < answer->plan_count && !writer.is_full; i++)
		put_plan_info(&writer, &answer->plans[i]);
	for (uint32_t i = 0; i < answer->agent_count && !writer.is_full; i++)
		if (!put_agent_info(&writer, scratch, &answer->agents[i]))
			return -BAOPHU_EFULL;
	for (uint32_t i = 0; i < answer->held_count && !writer.is_full; i++)
		put_held_info(&writer, &answer->held[i]);
	for (uint32_t i = 0; i < answer->log_count && !writer.is_full; i++)
		put_log_info(&writer, &answer->log[i]);
	if (answer->status && !put_status(&writer, scratch, answer->status))
		return -BAOPHU_EFULL;
	for (uint32_t i = 0; i < answer->event_count && !writer.is_full; i++)
		wire_put_event(&writer, ANSWER_EVENTS, &answer->events[i]);
	for (uint32_t i = 0; i < answer->due_count && !writer.is_full; i++)
		put_due_info(&writer, &answer->due[i]);
	for (uint32_t i = 0; i < answer->threshold_count && !writer.is_full; i++)
		put_threshold_info(&writer, &answer->thresholds[i]);
	if (answer->detail.fault)
		put_detail(&writer, &answer->detail);
	return wire_written(&writer, buffer);
}

/* Reads one element of a list of the answer; what it points to goes into the arena. */
typedef bool element_reader(struct wire_arena *arena, const uint8_t *bytes, size_t size, void *ret_element);

static bool read_record_element(struct wire_arena *arena, const uint8_t *bytes, size_t size, void *ret_element)
{
	return wire_read_record(arena, bytes, size, ret_element) == 0;
}

static bool read_list(struct wire_arena *arena, const uint8_t *bytes, size_t size, const struct field_set *set, unsigned number,
		      size_t element_bytes, element_reader *read_element, const void **ret_list, uint32_t *ret_count)
{
	size_t count = field_value(set, number);
	char *list = wire_take(arena, count * element_bytes);
	const uint8_t *at = bytes;
	if (!list)
		return false;
	for (size_t i = 0; i < count; i++) {
		size_t inner;
		const uint8_t *element = field_find(&at, bytes + size, number, &inner);
		if (!element || !read_element(arena, element, inner, list + i * element_bytes))
			return false;
	}
	*ret_list = list;
	*ret_count = (uint32_t)count;
	return true;
}

static bool read_answer_head(struct wire_arena *arena, const struct field_set *set, struct wire_answer *answer)
{
	char code[BAOPHU_CODE_BYTES_MAX + 1], name[BAOPHU_TEXT_BYTES_MAX + 1];
	if (!wire_read_name(set, 3, name) || !wire_read_code(set, 8, code) || field_value(set, 9) > WIRE_PAGE_TOKEN_BYTES_MAX ||
	    !wire_read_code_number(field_value(set, 2), &answer->code) || !wire_read_date(field_value(set, 5), &answer->as_of) ||
	    !wire_read_date(field_value(set, 7), &answer->tree_date))
		return false;
	if (field_has(set, 4) && !wire_read_place(set->bytes[4], set->value[4], true, &answer->cut))
		return false;
	answer->id = field_value(set, 1);
	answer->known_seq = field_value(set, 6);
	answer->text = wire_take_text(arena, set, 3);
	answer->plan = wire_take_text(arena, set, 8);
	answer->next_page_bytes = field_value(set, 9);
	if (answer->next_page_bytes)
		memcpy(answer->next_page, set->bytes[9], answer->next_page_bytes);
	return answer->text && answer->plan;
}

int wire_decode_answer(struct wire_arena *arena, const void *bytes, size_t size, struct wire_answer *ret_answer)
{
	static const struct field_shape shape = {
		.wide = FIELD_BIT(1) | FIELD_BIT(6),
		.narrow = FIELD_BIT(2) | FIELD_BIT(5) | FIELD_BIT(7),
		.blobs = FIELD_BIT(3) | FIELD_BIT(4) | FIELD_BIT(8) | FIELD_BIT(9) | FIELD_BIT(ANSWER_STATUS) |
			 FIELD_BIT(ANSWER_DETAIL),
		.repeated = FIELD_BIT(ANSWER_RECORDS) | FIELD_BIT(ANSWER_FACTS) | FIELD_BIT(ANSWER_UNITS) |
			    FIELD_BIT(ANSWER_MEASURES) | FIELD_BIT(ANSWER_INDICATORS) | FIELD_BIT(ANSWER_PLANS) |
			    FIELD_BIT(ANSWER_AGENTS) | FIELD_BIT(ANSWER_HELD) | FIELD_BIT(ANSWER_LOG) | FIELD_BIT(ANSWER_EVENTS) |
			    FIELD_BIT(ANSWER_DUE) | FIELD_BIT(ANSWER_THRESHOLDS),
		.is_lenient = true,
	};
	struct field_set set;
	struct wire_answer answer = { .detail.date = BAOPHU_DATE_NONE };
	if (!field_read(bytes, size, &shape, &set) || !read_answer_head(arena, &set, &answer))
		return -BAOPHU_EMALFORMED;
	const struct {
		unsigned number;
		size_t element_bytes;
		element_reader *read;
		const void *list;
		uint32_t *count;
	} lists[] = {
		{ ANSWER_RECORDS, sizeof *answer.records, read_record_element, &answer.records, &answer.record_count },
		{ ANSWER_FACTS, sizeof *answer.facts, read_fact_version, &answer.facts, &answer.fact_count },
		{ ANSWER_UNITS, sizeof *answer.units, read_unit_info, &answer.units, &answer.unit_count },
		{ ANSWER_MEASURES, sizeof *answer.measures, read_measure_info, &answer.measures, &answer.measure_count },
		{ ANSWER_INDICATORS, sizeof *answer.indicators, read_indicator_info, &answer.indicators, &answer.indicator_count },
		{ ANSWER_PLANS, sizeof *answer.plans, read_plan_info, &answer.plans, &answer.plan_count },
		{ ANSWER_AGENTS, sizeof *answer.agents, read_agent_info, &answer.agents, &answer.agent_count },
		{ ANSWER_HELD, sizeof *answer.held, read_held_info, &answer.held, &answer.held_count },
		{ ANSWER_LOG, sizeof *answer.log, read_log_info, &answer.log, &answer.log_count },
		{ ANSWER_EVENTS, sizeof *answer.events, read_event_element, &answer.events, &answer.event_count },
		{ ANSWER_THRESHOLDS, sizeof *answer.thresholds, read_threshold_info, &answer.thresholds, &answer.threshold_count },
		{ ANSWER_DUE, sizeof *answer.due, read_due_info, &answer.due, &answer.due_count },
	};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		if (!read_list(arena, bytes, size, &set, lists[i].number, lists[i].element_bytes, lists[i].read,
			       (const void **)(uintptr_t)lists[i].list, lists[i].count))
			return -BAOPHU_EMALFORMED;
	if (field_has(&set, ANSWER_STATUS) &&
	    !(answer.status = read_status(arena, set.bytes[ANSWER_STATUS], set.value[ANSWER_STATUS])))
		return -BAOPHU_EMALFORMED;
	if (field_has(&set, ANSWER_DETAIL) && !read_detail(set.bytes[ANSWER_DETAIL], set.value[ANSWER_DETAIL], &answer.detail))
		return -BAOPHU_EMALFORMED;
	*ret_answer = answer;
	return 0;
}

/* ---- names of codes ---- */

const char *wire_code_name(enum baophu_code code)
{
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(&baophu__v1__code__descriptor, (int)code);
	return value ? value->name + strlen("CODE_") : "?";
}
