/* wire_update.c - the way of an update and of its receipt across the wire: payload, entries, receipts.
 *
 * By hand, because every entry of every office passes here: protobuf-c's unpacking alone costs more than reading and checking does,
 * and what it unpacks would have to be checked afterwards all the same. Holds the rules of one entry that need no
 * registry; whether a unit exists or a plan is known is decided elsewhere. An update is read in two steps, header and then
 * entries, so that a refusal can name the update even when an entry of it is not readable.
 */
#include "wire_parts.h"

#include <assert.h>

#include "text.h"

enum { ENTRIES_FIELD = 4, EFFECTS_FIELD = 2, ITEMS_FIELD = 1 };

/* ---- entries ---- */

static const struct field_shape fact_shape = {
	.wide = FIELD_BIT(6),
	.narrow = FIELD_BIT(3) | FIELD_BIT(4) | FIELD_BIT(5) | FIELD_BIT(7) | FIELD_BIT(8) | FIELD_BIT(9) | FIELD_BIT(10),
	.blobs = FIELD_BIT(1) | FIELD_BIT(2),
};
static const struct field_shape withdrawal_shape = {
	.narrow = FIELD_BIT(3) | FIELD_BIT(4) | FIELD_BIT(5) | FIELD_BIT(6),
	.blobs = FIELD_BIT(1) | FIELD_BIT(2),
};

/* What is the same from one entry to the next is not looked at twice: offices send one measure and one day many times over. */
struct reading {
	struct wire_arena *arena;
	const char *last_measure;
	size_t last_measure_bytes;
	uint32_t last_civil;
	baophu_date last_date;
};

static inline enum baophu_code take_code(struct reading *reading, const struct field_set *set, unsigned number,
					 const char **ret_code)
{
	const uint8_t *bytes = set->bytes[number];
	size_t size = field_value(set, number);
	if (!size || !text_is_code((const char *)bytes, size))
		return BAOPHU_CODE_TEXT;
	char *copy = wire_take(reading->arena, size + 1);
	if (!copy)
		return BAOPHU_CODE_MALFORMED;
	memcpy(copy, bytes, size);
	copy[size] = 0;
	*ret_code = copy;
	return BAOPHU_CODE_NONE;
}

static inline enum baophu_code take_measure(struct reading *reading, const struct field_set *set, const char **ret_code)
{
	size_t size = field_value(set, 2);
	if (size && size == reading->last_measure_bytes && memcmp(set->bytes[2], reading->last_measure, size) == 0) {
		*ret_code = reading->last_measure;
		return BAOPHU_CODE_NONE;
	}
	enum baophu_code code = take_code(reading, set, 2, ret_code);
	if (!code) {
		reading->last_measure = *ret_code;
		reading->last_measure_bytes = size;
	}
	return code;
}

static bool has_nul(const struct field_set *set, unsigned number)
{
	return field_value(set, number) && memchr(set->bytes[number], 0, set->value[number]);
}

static inline baophu_date read_date(struct reading *reading, uint32_t civil)
{
	if (civil != reading->last_civil) {
		reading->last_civil = civil;
		reading->last_date = baophu_date_from_civil(civil);
	}
	return reading->last_date;
}

/* Unit, measure, extent and period: fields 1 to 5 of both messages. */
static inline enum baophu_code read_slot(struct reading *reading, const struct field_set *set, struct wire_fact *fact)
{
	uint64_t extent = field_value(set, 3);
	if (extent > BAOPHU_OWN)
		return BAOPHU_CODE_MALFORMED;
	fact->extent = extent ? (enum baophu_extent)extent : BAOPHU_WHOLE;
	enum baophu_code unit = take_code(reading, set, 1, &fact->unit), measure = take_measure(reading, set, &fact->measure);
	if (unit || measure)
		return has_nul(set, 1) || has_nul(set, 2) ? BAOPHU_CODE_MALFORMED : unit ? unit : measure;
	uint32_t from = (uint32_t)field_value(set, 4), to = (uint32_t)field_value(set, 5);
	fact->to = read_date(reading, to);
	fact->from = from && from != to ? baophu_date_from_civil(from) : fact->to;
	if (fact->to == BAOPHU_DATE_NONE || fact->from == BAOPHU_DATE_NONE || fact->from > fact->to)
		return BAOPHU_CODE_PERIOD;
	return BAOPHU_CODE_NONE;
}

static enum baophu_code read_fact(struct reading *reading, const uint8_t *bytes, size_t size, struct wire_fact *fact)
{
	struct field_set set;
	if (!field_read(bytes, size, &fact_shape, &set))
		return BAOPHU_CODE_MALFORMED;
	uint64_t status = field_value(&set, 7), origin = field_value(&set, 8), bound = field_value(&set, 9);
	uint64_t reason = field_value(&set, 10);
	if (status > BAOPHU_ESTIMATE || origin > BAOPHU_ILLUSTRATIVE || bound > BAOPHU_NEARLY || reason >= BAOPHU_REASON_COUNT)
		return BAOPHU_CODE_MALFORMED;
	fact->status = status ? (enum baophu_status)status : BAOPHU_FINAL;
	fact->origin = origin ? (enum baophu_origin)origin : BAOPHU_REPORTED;
	fact->bound = bound ? (enum baophu_bound)bound : BAOPHU_EXACT;
	fact->reason = (enum baophu_reason)reason;
	enum baophu_code code = read_slot(reading, &set, fact);
	if (code)
		return code;
	if (!field_has(&set, 6) || set.value[6] > (uint64_t)BAOPHU_VALUE_MAX) /* a negative one is beyond it, unsigned */
		return BAOPHU_CODE_VALUE;
	fact->value = (int64_t)set.value[6];
	return BAOPHU_CODE_NONE;
}

static enum baophu_code read_withdrawal(struct reading *reading, const uint8_t *bytes, size_t size, struct wire_fact *fact)
{
	struct field_set set;
	if (!field_read(bytes, size, &withdrawal_shape, &set) || field_value(&set, 6) >= BAOPHU_REASON_COUNT)
		return BAOPHU_CODE_MALFORMED;
	fact->status = BAOPHU_STATUS_NONE;
	fact->origin = BAOPHU_ORIGIN_NONE;
	fact->bound = BAOPHU_BOUND_NONE;
	fact->reason = (enum baophu_reason)field_value(&set, 6);
	fact->value = BAOPHU_ABSENT;
	return read_slot(reading, &set, fact);
}

/* An Entry is a oneof: exactly one field, to its last byte. */
static inline enum baophu_code read_entry(struct reading *reading, const uint8_t *bytes, size_t size, struct wire_entry *entry)
{
	const uint8_t *end = bytes + size;
	uint64_t kind, inner;
	unsigned type;
	bytes = field_next(bytes, end, &kind, &type, &inner);
	if (!bytes || type != FIELD_BYTES || inner != (size_t)(end - bytes))
		return BAOPHU_CODE_MALFORMED;
	entry->kind = (enum wire_entry_kind)kind;
	switch (kind) {
	case WIRE_FACT:
		return read_fact(reading, bytes, inner, &entry->fact);
	case WIRE_WITHDRAWAL:
		return read_withdrawal(reading, bytes, inner, &entry->fact);
	default:
		return wire_read_rare_entry(reading->arena, kind, bytes, inner, entry);
	}
}

enum baophu_code wire_read_entries(struct wire_arena *arena, const uint8_t *bytes, size_t size, uint32_t count,
				   const struct wire_entry **ret_entries, uint32_t *ret_bad)
{
	*ret_bad = UINT32_MAX;
	if (!count)
		return BAOPHU_CODE_EMPTY;
	if (count > BAOPHU_ENTRIES_MAX)
		return BAOPHU_CODE_TOO_BIG;
	struct wire_entry *entries = wire_take(arena, count * sizeof *entries);
	if (!entries)
		return BAOPHU_CODE_MALFORMED;
	struct reading reading = { .arena = arena, .last_date = BAOPHU_DATE_NONE };
	const uint8_t *at = bytes, *end = bytes + size;
	for (uint32_t i = 0; i < count; i++) {
		size_t entry_size;
		const uint8_t *entry = field_find(&at, end, ENTRIES_FIELD, &entry_size);
		assert(entry); /* the caller counted them */
		enum baophu_code code = read_entry(&reading, entry, entry_size, &entries[i]);
		if (code) {
			*ret_bad = i;
			return code;
		}
	}
	*ret_entries = entries;
	return BAOPHU_CODE_NONE;
}

static void put_slot(struct field_writer *writer, const struct wire_fact *fact)
{
	field_put_text(writer, 1, fact->unit);
	field_put_text(writer, 2, fact->measure);
	field_put(writer, 3, fact->extent == BAOPHU_WHOLE ? 0 : fact->extent);
	if (fact->from != fact->to)
		field_put(writer, 4, baophu_date_to_civil(fact->from));
	field_put(writer, 5, baophu_date_to_civil(fact->to));
}

static void put_fact(struct field_writer *writer, const struct wire_fact *fact)
{
	put_slot(writer, fact);
	field_put_figure(writer, 6, fact->value);
	field_put(writer, 7, fact->status == BAOPHU_FINAL ? 0 : fact->status);
	field_put(writer, 8, fact->origin == BAOPHU_REPORTED ? 0 : fact->origin);
	field_put(writer, 9, fact->bound == BAOPHU_EXACT ? 0 : fact->bound);
	field_put(writer, 10, fact->reason);
}

void wire_put_entries(struct field_writer *writer, const struct wire_entry *entries, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct wire_entry *entry = &entries[i];
		uint8_t *outer = field_open(writer, ENTRIES_FIELD);
		if (entry->kind == WIRE_FACT || entry->kind == WIRE_WITHDRAWAL) {
			uint8_t *inner = field_open(writer, entry->kind);
			if (entry->kind == WIRE_FACT) {
				put_fact(writer, &entry->fact);
			} else {
				put_slot(writer, &entry->fact);
				field_put(writer, 6, entry->fact.reason);
			}
			field_close(writer, inner);
		} else {
			wire_put_rare_entry(writer, entry);
		}
		field_close(writer, outer);
	}
}

/* ---- payload ---- */

static const struct field_shape payload_shape = {
	.wide = FIELD_BIT(2) | FIELD_BIT(3),
	.blobs = FIELD_BIT(1) | FIELD_BIT(5),
	.repeated = FIELD_BIT(ENTRIES_FIELD),
};
static const struct field_shape apply_shape = {
	.wide = FIELD_BIT(1),
	.narrow = FIELD_BIT(2) | FIELD_BIT(3),
	.blobs = FIELD_BIT(4),
};

static enum baophu_code read_apply(const uint8_t *bytes, size_t size, struct wire_apply *ret_apply)
{
	struct field_set set;
	if (!field_read(bytes, size, &apply_shape, &set) || field_value(&set, 4) != BAOPHU_DIGEST_BYTES)
		return BAOPHU_CODE_MALFORMED;
	uint64_t parts = field_value(&set, 2), entries = field_value(&set, 3);
	if (!parts || !entries)
		return BAOPHU_CODE_EMPTY;
	if (entries > BAOPHU_BATCH_ENTRIES_MAX || parts > entries)
		return BAOPHU_CODE_TOO_BIG;
	*ret_apply = (struct wire_apply){ field_value(&set, 1), (uint32_t)parts, (uint32_t)entries, { 0 } };
	memcpy(ret_apply->digest, set.bytes[4], BAOPHU_DIGEST_BYTES);
	return BAOPHU_CODE_NONE;
}

/* Reads what stands before a field that is not readable, too: a refusal must be able to name the update. */
static bool read_header(const uint8_t *bytes, size_t size, struct field_set *set)
{
	if (field_read(bytes, size, &payload_shape, set))
		return true;
	const uint8_t *at = bytes, *end = bytes + size;
	set->seen = 0;
	while (at < end) {
		uint64_t number, value;
		unsigned type;
		if (!(at = field_next(at, end, &number, &type, &value)))
			break;
		bool is_header = (type == FIELD_BYTES && number == 1) || (type == FIELD_VARINT && (number == 2 || number == 3));
		if (is_header && field_has(set, (unsigned)number))
			break;
		if (is_header) {
			set->seen |= FIELD_BIT(number);
			set->value[number] = value;
			set->bytes[number] = at;
		}
		if (type != FIELD_VARINT)
			at += value;
	}
	return false;
}

int wire_decode_payload(struct wire_arena *arena, const void *bytes, size_t size, struct wire_payload *ret_payload,
			enum baophu_code *ret_code, uint32_t *ret_entry)
{
	struct field_set set;
	*ret_payload = (struct wire_payload){ .agent = "" };
	*ret_entry = UINT32_MAX;
	*ret_code = BAOPHU_CODE_TOO_BIG;
	if (size > BAOPHU_MESSAGE_BYTES_MAX)
		return -BAOPHU_EMALFORMED;
	*ret_code = BAOPHU_CODE_MALFORMED;
	bool is_readable = read_header(bytes, size, &set);
	bool is_agent_code = field_value(&set, 1) && text_is_code((const char *)set.bytes[1], set.value[1]);
	if (is_agent_code && !(ret_payload->agent = wire_take_text(arena, &set, 1))) {
		ret_payload->agent = "";
		return -BAOPHU_EMALFORMED;
	}
	ret_payload->epoch = field_value(&set, 2);
	ret_payload->number = field_value(&set, 3);
	if (!is_readable || !ret_payload->epoch || !ret_payload->number || !field_value(&set, 1))
		return -BAOPHU_EMALFORMED;
	if (!is_agent_code) {
		*ret_code = has_nul(&set, 1) ? BAOPHU_CODE_MALFORMED : BAOPHU_CODE_TEXT;
		return -BAOPHU_EMALFORMED;
	}
	uint64_t count = field_value(&set, ENTRIES_FIELD);
	const struct wire_entry *entries = NULL;
	if (field_has(&set, 5))
		*ret_code = count ? BAOPHU_CODE_MALFORMED : read_apply(set.bytes[5], set.value[5], &ret_payload->apply);
	else
		*ret_code = wire_read_entries(arena, bytes, size, (uint32_t)count, &entries, ret_entry);
	if (*ret_code)
		return -BAOPHU_EMALFORMED;
	ret_payload->has_apply = field_has(&set, 5);
	ret_payload->entries = entries;
	ret_payload->entry_count = (uint32_t)count;
	return 0;
}

ssize_t wire_encode_payload(const struct wire_payload *payload, void *buffer, size_t size)
{
	struct field_writer writer = wire_writer(buffer, size);
	field_put_text(&writer, 1, payload->agent);
	field_put(&writer, 2, payload->epoch);
	field_put(&writer, 3, payload->number);
	if (payload->has_apply) {
		uint8_t *apply = field_open(&writer, 5);
		field_put(&writer, 1, payload->apply.batch);
		field_put(&writer, 2, payload->apply.parts);
		field_put(&writer, 3, payload->apply.entries);
		field_put_bytes(&writer, 4, payload->apply.digest, BAOPHU_DIGEST_BYTES);
		field_close(&writer, apply);
	} else {
		wire_put_entries(&writer, payload->entries, payload->entry_count);
	}
	return wire_written(&writer, buffer);
}

/* What stands before the entries of a payload, and of a stage within its message. */
static void put_payload_head(struct field_writer *writer, const uint8_t *agent, size_t agent_bytes, uint64_t epoch, uint64_t number)
{
	field_put_bytes(writer, 1, agent, agent_bytes);
	field_put(writer, 2, epoch);
	field_put(writer, 3, number);
}

static void put_stage_head(struct field_writer *writer, uint64_t epoch, uint64_t batch, uint64_t part)
{
	field_put(writer, 1, epoch);
	field_put(writer, 2, batch);
	field_put(writer, 3, part);
}

ssize_t wire_renumber_payload(const void *payload, size_t bytes, uint64_t epoch, uint64_t number, void *buffer, size_t size)
{
	static const struct field_shape shape = { .wide = FIELD_BIT(2) | FIELD_BIT(3), .blobs = FIELD_BIT(1), .is_lenient = true };
	struct field_set set;
	uint8_t head[64];
	struct field_writer was = wire_writer(head, sizeof head);
	if (!field_read(payload, bytes, &shape, &set) || !field_has(&set, 1) || set.value[1] > BAOPHU_CODE_BYTES_MAX)
		return -BAOPHU_EMALFORMED;
	put_payload_head(&was, set.bytes[1], set.value[1], field_value(&set, 2), field_value(&set, 3));
	size_t head_bytes = (size_t)(was.at - head);
	if (head_bytes > bytes || memcmp(payload, head, head_bytes))
		return -BAOPHU_EMALFORMED;
	struct field_writer writer = wire_writer(buffer, size);
	put_payload_head(&writer, set.bytes[1], set.value[1], epoch, number);
	field_put_raw(&writer, (const uint8_t *)payload + head_bytes, bytes - head_bytes);
	return wire_written(&writer, buffer);
}

ssize_t wire_renumber_stage(const void *message, size_t bytes, uint64_t epoch, void *buffer, size_t size, const uint8_t **ret_stage,
			    size_t *ret_stage_bytes)
{
	static const struct field_shape outer_shape = { .blobs = FIELD_BIT(WIRE_STAGE) };
	static const struct field_shape shape = { .wide = FIELD_BIT(1) | FIELD_BIT(2), .narrow = FIELD_BIT(3), .is_lenient = true };
	struct field_set outer, set;
	uint8_t head[64];
	struct field_writer was = wire_writer(head, sizeof head);
	if (!field_read(message, bytes, &outer_shape, &outer) || !field_has(&outer, WIRE_STAGE) ||
	    !field_read(outer.bytes[WIRE_STAGE], outer.value[WIRE_STAGE], &shape, &set))
		return -BAOPHU_EMALFORMED;
	put_stage_head(&was, field_value(&set, 1), field_value(&set, 2), field_value(&set, 3));
	size_t head_bytes = (size_t)(was.at - head);
	if (head_bytes > outer.value[WIRE_STAGE] || memcmp(outer.bytes[WIRE_STAGE], head, head_bytes))
		return -BAOPHU_EMALFORMED;
	struct field_writer writer = wire_writer(buffer, size);
	uint8_t *body = field_open(&writer, WIRE_STAGE);
	put_stage_head(&writer, epoch, field_value(&set, 2), field_value(&set, 3));
	field_put_raw(&writer, outer.bytes[WIRE_STAGE] + head_bytes, outer.value[WIRE_STAGE] - head_bytes);
	size_t stage_bytes = (size_t)(writer.at - body);
	field_close(&writer, body);
	if (!writer.is_full) {
		*ret_stage = writer.at - stage_bytes;
		*ret_stage_bytes = stage_bytes;
	}
	return wire_written(&writer, buffer);
}

/* ---- receipts ---- */

static const struct field_shape receipt_shape = {
	.wide = FIELD_BIT(2) | FIELD_BIT(3),
	.narrow = FIELD_BIT(5) | FIELD_BIT(6) | FIELD_BIT(7),
	.blobs = FIELD_BIT(1) | FIELD_BIT(4),
	.is_lenient = true,
};

ssize_t wire_encode_receipt(const struct wire_receipt *receipt, void *buffer, size_t size)
{
	struct field_writer writer = wire_writer(buffer, size);
	field_put_text(&writer, 1, receipt->agent);
	field_put(&writer, 2, receipt->epoch);
	field_put(&writer, 3, receipt->number);
	wire_put_place(&writer, 4, &receipt->place);
	field_put(&writer, 5, receipt->verdict);
	field_put(&writer, 6, receipt->code);
	if (receipt->entry != UINT32_MAX)
		field_put_present(&writer, 7, receipt->entry);
	return wire_written(&writer, buffer);
}

int wire_decode_receipt(struct wire_arena *arena, const void *bytes, size_t size, struct wire_receipt *ret_receipt)
{
	struct field_set set;
	struct wire_receipt receipt = { .entry = UINT32_MAX };
	if (!field_read(bytes, size, &receipt_shape, &set) || !field_value(&set, 1) || !field_has(&set, 4) ||
	    !text_is_code((const char *)set.bytes[1], set.value[1]) ||
	    !wire_read_place(set.bytes[4], set.value[4], true, &receipt.place) ||
	    !wire_read_code_number(field_value(&set, 6), &receipt.code))
		return -BAOPHU_EMALFORMED;
	receipt.epoch = field_value(&set, 2);
	receipt.number = field_value(&set, 3);
	receipt.verdict = (enum baophu_verdict)wire_known(field_value(&set, 5), BAOPHU_REFUSED);
	if (field_has(&set, 7))
		receipt.entry = (uint32_t)set.value[7];
	receipt.agent = wire_take_text(arena, &set, 1);
	if (!receipt.agent || !receipt.epoch || !receipt.number || !receipt.verdict)
		return -BAOPHU_EMALFORMED;
	*ret_receipt = receipt;
	return 0;
}

static void put_effect(struct field_writer *writer, const struct wire_effect *effect)
{
	uint8_t *body = field_open(writer, EFFECTS_FIELD);
	field_put(writer, 1, effect->entry);
	field_put_figure(writer, 2, effect->value);
	field_put_text(writer, 3, effect->plan);
	field_put_figure(writer, 4, effect->target);
	field_close(writer, body);
}

void wire_put_receipts(struct field_writer *writer, const struct wire_collector_message *message)
{
	uint8_t *receipts = field_open(writer, WIRE_RECEIPTS);
	for (uint32_t i = 0; i < message->receipts.item_count; i++) {
		const struct wire_receipt_item *item = &message->receipts.items[i];
		uint8_t *body = field_open(writer, ITEMS_FIELD);
		field_put_bytes(writer, 1, item->receipt, item->receipt_bytes);
		for (uint32_t e = 0; e < item->effect_count; e++)
			put_effect(writer, &item->effects[e]);
		field_put_text(writer, 3, item->suggestion);
		field_close(writer, body);
	}
	field_close(writer, receipts);
}

static const struct field_shape receipts_shape = { .repeated = FIELD_BIT(ITEMS_FIELD), .is_lenient = true };
static const struct field_shape item_shape = {
	.blobs = FIELD_BIT(1) | FIELD_BIT(3),
	.repeated = FIELD_BIT(EFFECTS_FIELD),
	.is_lenient = true,
};
static const struct field_shape effect_shape = {
	.wide = FIELD_BIT(2) | FIELD_BIT(4),
	.narrow = FIELD_BIT(1),
	.blobs = FIELD_BIT(3),
	.is_lenient = true,
};

static bool read_effect(struct wire_arena *arena, const uint8_t *bytes, size_t size, struct wire_effect *effect)
{
	struct field_set set;
	char plan[BAOPHU_CODE_BYTES_MAX + 1];
	if (!field_read(bytes, size, &effect_shape, &set) || !wire_read_code(&set, 3, plan))
		return false;
	effect->entry = (uint32_t)field_value(&set, 1);
	effect->value = field_has(&set, 2) ? (int64_t)set.value[2] : BAOPHU_ABSENT;
	effect->target = field_has(&set, 4) ? (int64_t)set.value[4] : BAOPHU_ABSENT;
	effect->plan = wire_take_text(arena, &set, 3);
	return effect->plan;
}

static bool read_item(struct wire_arena *arena, const uint8_t *bytes, size_t size, struct wire_receipt_item *item)
{
	struct field_set set;
	char suggestion[BAOPHU_CODE_BYTES_MAX + 1];
	if (!field_read(bytes, size, &item_shape, &set) || !field_value(&set, 1) || !wire_read_code(&set, 3, suggestion))
		return false;
	uint64_t count = field_value(&set, EFFECTS_FIELD);
	uint8_t *receipt = wire_take(arena, set.value[1]);
	struct wire_effect *effects = wire_take(arena, count * sizeof *effects);
	item->suggestion = wire_take_text(arena, &set, 3);
	if (!receipt || !effects || !item->suggestion)
		return false;
	memcpy(receipt, set.bytes[1], set.value[1]);
	const uint8_t *at = bytes;
	for (uint64_t i = 0; i < count; i++) {
		size_t effect_size;
		const uint8_t *effect = field_find(&at, bytes + size, EFFECTS_FIELD, &effect_size);
		if (!effect || !read_effect(arena, effect, effect_size, &effects[i]))
			return false;
	}
	item->receipt = receipt;
	item->receipt_bytes = set.value[1];
	item->effects = effects;
	item->effect_count = (uint32_t)count;
	return true;
}

int wire_read_receipts(struct wire_arena *arena, const uint8_t *bytes, size_t size, struct wire_collector_message *ret_message)
{
	struct field_set set;
	if (!field_read(bytes, size, &receipts_shape, &set))
		return -BAOPHU_EMALFORMED;
	uint64_t count = field_value(&set, ITEMS_FIELD);
	struct wire_receipt_item *items = wire_take(arena, count * sizeof *items);
	if (!items)
		return -BAOPHU_EMALFORMED;
	const uint8_t *at = bytes;
	for (uint64_t i = 0; i < count; i++) {
		size_t item_size;
		const uint8_t *item = field_find(&at, bytes + size, ITEMS_FIELD, &item_size);
		if (!item || !read_item(arena, item, item_size, &items[i]))
			return -BAOPHU_EMALFORMED;
	}
	ret_message->receipts.items = items;
	ret_message->receipts.item_count = (uint32_t)count;
	return 0;
}
