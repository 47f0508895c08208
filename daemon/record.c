/* record.c - the only codec of the log record: decided entries <-> bytes.
 *
 * Does not know the wire, the log's files or what an entry means; does no I/O and reads no clock. The collector writes records,
 * every reader of the log reads them. A record has exactly one encoding: reserved bytes and padding are zero and checked, so equal
 * decisions are equal bytes and equal digests. Layout fixed by tests/vectors/record/; a change of layout is a new RECORD_FORMAT.
 *
 * All integers little endian. Header, RECORD_HEADER_BYTES = 128:
 *
 *   at  type  field               at  type   field
 *    0  u8    format = 1          40  u8*16  payload_digest
 *    1  u8    kind                56  u32    entry (UINT32_MAX: none)
 *    2  u8    verdict             60  u32    entry_count
 *    3  u8    code                64  u32    body_bytes
 *    4  u16   rules               68  u32    zero
 *    6  u16   zero                72  u64    seq
 *    8  i64   time_ms             80  u8*32  chain digest: BLAKE2b-256(digest of the record before, 32 bytes ||
 *   16  u32   principal                      this whole record with these 32 bytes zero)
 *   20  u32   agent              112  u8*16  zero
 *   24  u64   epoch
 *   32  u64   number             128         body: entries one after another; the payload bytes in a HELD record
 *
 * Entries: kind at 0, fixed fields, then strings (u8 length, bytes, NUL) or arrays, then zeros up to a multiple of 8. Bytes of the
 * fixed part that are not named are zero.
 *
 *   FACT           1 flags: bit 0 extent - 1, bits 1-2 status, bits 3-4 origin - 1, bits 5-6 bound - 1; 2 reason; 3 length n of the
 *                  code as sent; 4 unit u32; 8 from i32; 12 to i32; 16 value i64; 24 measure u16; 32 when n > 0: n bytes, NUL
 *   WITHDRAWAL     1 extent; 2 reason; 3 restored status; 4 unit u32; 8 from i32; 12 to i32; 16 restored value i64; 24 measure u16;
 *                  26 restored origin; 27 restored bound; 28 restored reason; 32 withdrawn_id u64; 40 restored_id u64; 48
 *   RATE           1 denominator; 2 decimals; 3 status; 4 unit u32; 8 from i32; 12 to i32; 16 digits i64; 24 measure u16;
 *                  26 over_measure u16; 28 bound; 32 over_plan u32; 40
 *   LEVEL          1 level; 8 code, name_vi, name_en
 *   UNIT           1 level; 4 unit u32; 8 parent u32; 12 from i32; 16 code, name
 *   UNIT_CLOSE     4 unit u32; 8 from i32; 12 successor_count u32; 16 successors {unit u32, weight u32}
 *   MEASURE        1 kind; 2 measure u16; 4 parent u16; 8 code, name_vi, name_en, unit_vi, unit_en
 *   INDICATOR      2 indicator u16; 4 numerator u16; 6 denominator u16; 8 code, name_vi, name_en
 *   PLAN           1 kind; 2 target u16; 4 plan u32; 8 unit u32; 12 from i32; 16 value i64; 24 to i32; 28 decimals; 29 origin;
 *                  30 removed; 32 code, issuer, document
 *   AGENT          4 agent u32; 8 from i32; 12 until i32; 16 name
 *   GRANT          1 extent; 2 revoke; 4 agent u32; 8 unit u32; 12 from i32; 16 until i32; 20 measure_count u32; 24 measures u16
 *   HELD_DECISION  1 release; 8 seq u64; 16
 *   EPOCH_OPEN, EPOCH, FREEZE
 *                  4 agent u32; 8 epoch u64; 16
 *   THRESHOLD      1 decimals; 2 line; 3 removed; 4 plan u32; 8 digits u32; 16
 *   DECLARE        1 extent; 2 rhythm; 3 level; 4 agent u32; 8 unit u32; 12 since i32; 16 closing_day u16; 18 grace_days u16;
 *                  20 measure_count u32; 24 measures u16
 *   BACKUP         8 seq u64; 16 digest u8*32; 48
 *   BOOT           8 wall_ms i64; 16 monotonic_ms i64; 24 boot_id u8*16; 40 version
 *   DAY            4 day i32; 8
 *   CHECKPOINT     4 units u32; 8 state_digest u64; 16 facts u64; 24
 */
#include "record.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "wire.h"

enum {
	AT_SEQ = 72,
	AT_DIGEST = 80,
	AT_PAD = AT_DIGEST + BAOPHU_DIGEST_BYTES,
	FACT_BYTES = 32,
	FIXED_BYTES_MAX = 48,
	ENTRY_COUNT_MAX = 1 << 17, /* what entry_id() has room for */
};
_Static_assert(AT_PAD + 16 == RECORD_HEADER_BYTES, "the header adds up");
_Static_assert(RECORD_KIND_COUNT <= 256 && BAOPHU_CODE_QUERY < 256 && BAOPHU_TEXT_BYTES_MAX < 256, "fields of one byte");
_Static_assert((int)BAOPHU_DECLARE_MEASURES_MAX <= (int)BAOPHU_GRANT_MEASURES_MAX, "the cursor's list holds either's");
_Static_assert(BAOPHU_WHOLE == 1 && BAOPHU_OWN == 2 && BAOPHU_ESTIMATE == 3 && BAOPHU_ILLUSTRATIVE == 4 && BAOPHU_NEARLY == 4,
	       "what the flags of a fact have room for");

static inline uint16_t load16(const uint8_t *at)
{
	uint16_t value;
	memcpy(&value, at, sizeof value);
	return le16toh(value);
}

static inline uint32_t load32(const uint8_t *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof value);
	return le32toh(value);
}

static inline uint64_t load64(const uint8_t *at)
{
	uint64_t value;
	memcpy(&value, at, sizeof value);
	return le64toh(value);
}

static inline void store16(uint8_t *at, uint16_t value)
{
	value = htole16(value);
	memcpy(at, &value, sizeof value);
}

static inline void store32(uint8_t *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof value);
}

static inline void store64(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof value);
}

static inline size_t round_up8(size_t bytes) { return (bytes + 7) & ~(size_t)7; }

static bool is_zero(const uint8_t *at, size_t bytes)
{
	uint8_t any = 0;
	for (size_t i = 0; i < bytes; i++)
		any |= at[i];
	return any == 0;
}

const char *record_kind_name(enum record_kind kind)
{
	static const char *const names[RECORD_KIND_COUNT] = {
		[RECORD_UPDATE] = "update",
		[RECORD_HELD] = "held",
		[RECORD_START] = "start",
		[RECORD_DAY] = "day",
		[RECORD_EPOCH] = "epoch",
		[RECORD_FREEZE] = "freeze",
		[RECORD_CHECKPOINT] = "checkpoint",
		[RECORD_CATALOGUE] = "catalogue",
		[RECORD_STOP] = "stop",
		[RECORD_RELEASE] = "release",
	};
	return kind > 0 && kind < RECORD_KIND_COUNT ? names[kind] : "?";
}

/* ---- writing ---- */

void record_begin(struct record_writer *writer, void *buffer, size_t size)
{
	writer->buffer = buffer;
	writer->size = size < RECORD_BYTES_MAX ? size : RECORD_BYTES_MAX;
	writer->used = RECORD_HEADER_BYTES;
	writer->entry_count = 0;
	writer->error = size < RECORD_HEADER_BYTES ? -BAOPHU_EFULL : 0;
}

/* Room for the next `bytes`, NULL when there is none. */
static inline uint8_t *claim(struct record_writer *writer, size_t bytes)
{
	if (writer->size - writer->used < bytes || writer->entry_count == ENTRY_COUNT_MAX) {
		writer->error = -BAOPHU_EFULL;
		return NULL;
	}
	uint8_t *at = writer->buffer + writer->used;
	writer->used += bytes;
	return at;
}

/* The hot path: a fact without a code as sent is four stores. */
static inline void add_fact(struct record_writer *writer, const struct entry_fact *fact)
{
	unsigned extent = fact->slot.extent - 1u, status = fact->figure.status, origin = fact->figure.origin - 1u,
		 bound = fact->figure.bound - 1u;
	if (extent > 1 || status - 1u > 2 || origin > 3 || bound > 3 || fact->figure.reason >= BAOPHU_REASON_COUNT) {
		writer->error = -EINVAL;
		return;
	}
	size_t code_bytes = fact->sent_code[0] ? strnlen(fact->sent_code, BAOPHU_CODE_BYTES_MAX) : 0;
	size_t tail_bytes = code_bytes ? round_up8(code_bytes + 1) : 0;
	uint8_t *at = claim(writer, FACT_BYTES + tail_bytes);
	if (!at)
		return;
	uint32_t head = ENTRY_FACT | (extent | status << 1 | origin << 3 | bound << 5) << 8 | (uint32_t)fact->figure.reason << 16 |
			(uint32_t)code_bytes << 24;
	store64(at, head | (uint64_t)fact->slot.unit << 32);
	store64(at + 8, (uint32_t)fact->slot.from | (uint64_t)(uint32_t)fact->slot.to << 32);
	store64(at + 16, (uint64_t)fact->figure.value);
	store64(at + 24, fact->slot.measure);
	if (tail_bytes) {
		memset(at + FACT_BYTES, 0, tail_bytes);
		memcpy(at + FACT_BYTES, fact->sent_code, code_bytes);
	}
	writer->entry_count++;
}

/* Fixed part, then strings, then zeros up to a multiple of 8. */
static void add_entry(struct record_writer *writer, const uint8_t *fixed, size_t fixed_bytes, const char *const *strings,
		      size_t string_count)
{
	size_t bytes = fixed_bytes, lengths[5];
	for (size_t i = 0; i < string_count; i++) {
		assert(strings[i]);
		lengths[i] = strlen(strings[i]);
		if (lengths[i] > UINT8_MAX) {
			writer->error = -EINVAL;
			return;
		}
		bytes += lengths[i] + 2;
	}
	size_t padded = round_up8(bytes);
	uint8_t *at = claim(writer, padded);
	if (!at)
		return;
	uint8_t *end = at + padded;
	memcpy(at, fixed, fixed_bytes);
	at += fixed_bytes;
	for (size_t i = 0; i < string_count; i++) {
		*at++ = (uint8_t)lengths[i];
		memcpy(at, strings[i], lengths[i] + 1);
		at += lengths[i] + 1;
	}
	memset(at, 0, (size_t)(end - at));
	writer->entry_count++;
}

static void add_unit_close(struct record_writer *writer, const struct entry_unit_close *entry)
{
	if (entry->successor_count > BAOPHU_SUCCESSORS_MAX) {
		writer->error = -EINVAL;
		return;
	}
	uint8_t *at = claim(writer, 16 + 8 * (size_t)entry->successor_count);
	if (!at)
		return;
	store32(at, ENTRY_UNIT_CLOSE);
	store32(at + 4, entry->unit);
	store32(at + 8, (uint32_t)entry->from);
	store32(at + 12, entry->successor_count);
	for (uint32_t i = 0; i < entry->successor_count; i++) {
		store32(at + 16 + 8 * i, entry->successors[i].unit);
		store32(at + 20 + 8 * i, entry->successors[i].weight);
	}
	writer->entry_count++;
}

static void add_grant(struct record_writer *writer, const struct entry_grant *entry)
{
	if (entry->measure_count > BAOPHU_GRANT_MEASURES_MAX) {
		writer->error = -EINVAL;
		return;
	}
	size_t bytes = round_up8(24 + 2 * (size_t)entry->measure_count);
	uint8_t *at = claim(writer, bytes);
	if (!at)
		return;
	memset(at, 0, bytes);
	at[0] = ENTRY_GRANT;
	at[1] = entry->extent;
	at[2] = entry->revoke;
	store32(at + 4, entry->agent);
	store32(at + 8, entry->unit);
	store32(at + 12, (uint32_t)entry->from);
	store32(at + 16, (uint32_t)entry->until);
	store32(at + 20, entry->measure_count);
	for (uint32_t i = 0; i < entry->measure_count; i++)
		store16(at + 24 + 2 * i, entry->measures[i]);
	writer->entry_count++;
}

static void add_declare(struct record_writer *writer, const struct entry_declare *entry)
{
	if (entry->measure_count > BAOPHU_DECLARE_MEASURES_MAX) {
		writer->error = -EINVAL;
		return;
	}
	size_t bytes = round_up8(24 + 2 * (size_t)entry->measure_count);
	uint8_t *at = claim(writer, bytes);
	if (!at)
		return;
	memset(at, 0, bytes);
	at[0] = ENTRY_DECLARE;
	at[1] = entry->extent;
	at[2] = entry->rhythm;
	at[3] = entry->level;
	store32(at + 4, entry->agent);
	store32(at + 8, entry->unit);
	store32(at + 12, (uint32_t)entry->since);
	store16(at + 16, entry->closing_day);
	store16(at + 18, entry->grace_days);
	store32(at + 20, entry->measure_count);
	for (uint32_t i = 0; i < entry->measure_count; i++)
		store16(at + 24 + 2 * i, entry->measures[i]);
	writer->entry_count++;
}

/* Every kind but FACT: rare, so written for reading. */
static void add_other(struct record_writer *writer, const struct entry *entry)
{
	uint8_t fixed[FIXED_BYTES_MAX] = { (uint8_t)entry->kind };
	const char *strings[5];
	size_t fixed_bytes = 0, string_count = 0;

	switch (entry->kind) {
	case ENTRY_WITHDRAWAL: {
		const struct entry_withdrawal *e = &entry->withdrawal;
		fixed[1] = e->slot.extent;
		fixed[2] = e->reason;
		fixed[3] = e->restored.status;
		store32(fixed + 4, e->slot.unit);
		store32(fixed + 8, (uint32_t)e->slot.from);
		store32(fixed + 12, (uint32_t)e->slot.to);
		store64(fixed + 16, (uint64_t)e->restored.value);
		store16(fixed + 24, e->slot.measure);
		fixed[26] = e->restored.origin;
		fixed[27] = e->restored.bound;
		fixed[28] = e->restored.reason;
		store64(fixed + 32, e->withdrawn_id);
		store64(fixed + 40, e->restored_id);
		fixed_bytes = 48;
		break;
	}
	case ENTRY_RATE: {
		const struct entry_rate *e = &entry->rate;
		fixed[1] = e->denominator;
		fixed[2] = e->decimals;
		fixed[3] = e->status;
		store32(fixed + 4, e->unit);
		store32(fixed + 8, (uint32_t)e->from);
		store32(fixed + 12, (uint32_t)e->to);
		store64(fixed + 16, (uint64_t)e->digits);
		store16(fixed + 24, e->measure);
		store16(fixed + 26, e->over_measure);
		fixed[28] = e->bound;
		store32(fixed + 32, e->over_plan);
		fixed_bytes = 40;
		break;
	}
	case ENTRY_LEVEL:
		fixed[1] = entry->level.level;
		fixed_bytes = 8;
		strings[string_count++] = entry->level.code;
		strings[string_count++] = entry->level.name_vi;
		strings[string_count++] = entry->level.name_en;
		break;
	case ENTRY_UNIT:
		fixed[1] = entry->unit.level;
		store32(fixed + 4, entry->unit.unit);
		store32(fixed + 8, entry->unit.parent);
		store32(fixed + 12, (uint32_t)entry->unit.from);
		fixed_bytes = 16;
		strings[string_count++] = entry->unit.code;
		strings[string_count++] = entry->unit.name;
		break;
	case ENTRY_MEASURE:
		fixed[1] = entry->measure.kind;
		store16(fixed + 2, entry->measure.measure);
		store16(fixed + 4, entry->measure.parent);
		fixed_bytes = 8;
		strings[string_count++] = entry->measure.code;
		strings[string_count++] = entry->measure.name_vi;
		strings[string_count++] = entry->measure.name_en;
		strings[string_count++] = entry->measure.unit_vi;
		strings[string_count++] = entry->measure.unit_en;
		break;
	case ENTRY_INDICATOR:
		store16(fixed + 2, entry->indicator.indicator);
		store16(fixed + 4, entry->indicator.numerator);
		store16(fixed + 6, entry->indicator.denominator);
		fixed_bytes = 8;
		strings[string_count++] = entry->indicator.code;
		strings[string_count++] = entry->indicator.name_vi;
		strings[string_count++] = entry->indicator.name_en;
		break;
	case ENTRY_PLAN: {
		const struct entry_plan *e = &entry->plan;
		fixed[1] = e->kind;
		store16(fixed + 2, e->target);
		store32(fixed + 4, e->plan);
		store32(fixed + 8, e->unit);
		store32(fixed + 12, (uint32_t)e->from);
		store64(fixed + 16, (uint64_t)e->value);
		store32(fixed + 24, (uint32_t)e->to);
		fixed[28] = e->decimals;
		fixed[29] = e->origin;
		fixed[30] = e->removed;
		fixed_bytes = 32;
		strings[string_count++] = e->code;
		strings[string_count++] = e->issuer;
		strings[string_count++] = e->document;
		break;
	}
	case ENTRY_AGENT:
		store32(fixed + 4, entry->agent.agent);
		store32(fixed + 8, (uint32_t)entry->agent.from);
		store32(fixed + 12, (uint32_t)entry->agent.until);
		fixed_bytes = 16;
		strings[string_count++] = entry->agent.name;
		break;
	case ENTRY_HELD_DECISION:
		fixed[1] = entry->held.release;
		store64(fixed + 8, entry->held.seq);
		fixed_bytes = 16;
		break;
	case ENTRY_EPOCH_OPEN:
	case ENTRY_EPOCH:
	case ENTRY_FREEZE:
		store32(fixed + 4, entry->epoch.agent);
		store64(fixed + 8, entry->epoch.epoch);
		fixed_bytes = 16;
		break;
	case ENTRY_THRESHOLD:
		fixed[1] = entry->threshold.decimals;
		fixed[2] = entry->threshold.line;
		fixed[3] = entry->threshold.removed;
		store32(fixed + 4, entry->threshold.plan);
		store32(fixed + 8, entry->threshold.digits);
		fixed_bytes = 16;
		break;
	case ENTRY_BACKUP:
		store64(fixed + 8, entry->backup.place.seq);
		memcpy(fixed + 16, entry->backup.place.digest, BAOPHU_DIGEST_BYTES);
		fixed_bytes = 48;
		break;
	case ENTRY_BOOT:
		store64(fixed + 8, (uint64_t)entry->boot.wall_ms);
		store64(fixed + 16, (uint64_t)entry->boot.monotonic_ms);
		memcpy(fixed + 24, entry->boot.boot_id, sizeof entry->boot.boot_id);
		fixed_bytes = 40;
		strings[string_count++] = entry->boot.version;
		break;
	case ENTRY_DAY:
		store32(fixed + 4, (uint32_t)entry->day.day);
		fixed_bytes = 8;
		break;
	case ENTRY_CHECKPOINT:
		store32(fixed + 4, entry->checkpoint.units);
		store64(fixed + 8, entry->checkpoint.state_digest);
		store64(fixed + 16, entry->checkpoint.facts);
		fixed_bytes = 24;
		break;
	case ENTRY_FACT:
	case ENTRY_UNIT_CLOSE:
	case ENTRY_GRANT:
	case ENTRY_DECLARE:
	default:
		writer->error = -EINVAL;
		return;
	}
	add_entry(writer, fixed, fixed_bytes, strings, string_count);
}

void record_add(struct record_writer *writer, const struct entry *entry)
{
	if (writer->error)
		return;
	if (entry->kind == ENTRY_FACT)
		add_fact(writer, &entry->fact);
	else if (entry->kind == ENTRY_UNIT_CLOSE)
		add_unit_close(writer, &entry->unit_close);
	else if (entry->kind == ENTRY_GRANT)
		add_grant(writer, &entry->grant);
	else if (entry->kind == ENTRY_DECLARE)
		add_declare(writer, &entry->declare);
	else
		add_other(writer, entry);
}

void record_add_payload(struct record_writer *writer, const void *payload, size_t bytes)
{
	if (writer->error)
		return;
	uint8_t *at = claim(writer, bytes);
	if (at && bytes)
		memcpy(at, payload, bytes);
}

static void chain_digest(const uint8_t *record, size_t size, const uint8_t previous[BAOPHU_DIGEST_BYTES],
			 uint8_t ret_digest[BAOPHU_DIGEST_BYTES])
{
	/* One small block holds all that differs from the record's bytes, so that the body is hashed where it lies. */
	uint8_t head[BAOPHU_DIGEST_BYTES + RECORD_HEADER_BYTES];
	memcpy(head, previous, BAOPHU_DIGEST_BYTES);
	memcpy(head + BAOPHU_DIGEST_BYTES, record, RECORD_HEADER_BYTES);
	memset(head + BAOPHU_DIGEST_BYTES + AT_DIGEST, 0, BAOPHU_DIGEST_BYTES);

	crypto_generichash_state state;
	crypto_generichash_init(&state, NULL, 0, BAOPHU_DIGEST_BYTES);
	crypto_generichash_update(&state, head, sizeof head);
	crypto_generichash_update(&state, record + RECORD_HEADER_BYTES, size - RECORD_HEADER_BYTES);
	crypto_generichash_final(&state, ret_digest, BAOPHU_DIGEST_BYTES);
}

ssize_t record_seal(struct record_writer *writer, struct record_header *header, const struct baophu_place *previous)
{
	if (writer->error)
		return writer->error;
	assert(header->kind > 0 && header->kind < RECORD_KIND_COUNT);
	assert(header->kind != RECORD_HELD || writer->entry_count == 0);
	header->entry_count = writer->entry_count;
	header->body_bytes = (uint32_t)(writer->used - RECORD_HEADER_BYTES);
	header->place.seq = previous->seq + 1;

	uint8_t *at = writer->buffer;
	at[0] = RECORD_FORMAT;
	at[1] = (uint8_t)header->kind;
	at[2] = (uint8_t)header->verdict;
	at[3] = (uint8_t)header->code;
	store16(at + 4, header->rules);
	store16(at + 6, 0);
	store64(at + 8, (uint64_t)header->time_ms);
	store32(at + 16, header->principal);
	store32(at + 20, header->agent);
	store64(at + 24, header->epoch);
	store64(at + 32, header->number);
	memcpy(at + 40, header->payload_digest, RECORD_PAYLOAD_DIGEST_BYTES);
	store32(at + 56, header->entry);
	store32(at + 60, header->entry_count);
	store32(at + 64, header->body_bytes);
	store32(at + 68, 0);
	store64(at + AT_SEQ, header->place.seq);
	memset(at + AT_PAD, 0, RECORD_HEADER_BYTES - AT_PAD);
	chain_digest(at, writer->used, previous->digest, header->place.digest);
	memcpy(at + AT_DIGEST, header->place.digest, BAOPHU_DIGEST_BYTES);
	return (ssize_t)writer->used;
}

/* ---- reading ---- */

int record_read_header(const void *bytes, size_t size, struct record_header *ret_header)
{
	const uint8_t *at = bytes;
	if (size < RECORD_HEADER_BYTES || at[0] == 0)
		return -BAOPHU_EDAMAGED;
	if (at[0] > RECORD_FORMAT)
		return -BAOPHU_EFORMAT;
	uint32_t entry_count = load32(at + 60), body_bytes = load32(at + 64);
	/* A header alone may be kept elsewhere (receipts need no more); otherwise the body is whole and nothing follows it. */
	if (size != RECORD_HEADER_BYTES && size - RECORD_HEADER_BYTES != body_bytes)
		return -BAOPHU_EDAMAGED;
	if (at[1] == 0 || at[1] >= RECORD_KIND_COUNT || at[2] > BAOPHU_REFUSED || load16(at + 6) || load32(at + 68) ||
	    (load64(at + AT_PAD) | load64(at + AT_PAD + 8)) || body_bytes > RECORD_BYTES_MAX - RECORD_HEADER_BYTES)
		return -BAOPHU_EDAMAGED;
	/* No entry is shorter than 8 bytes; only entries and a held payload make a body. */
	if (at[1] == RECORD_HELD ? entry_count != 0 : entry_count > body_bytes / 8 || (entry_count == 0 && body_bytes != 0))
		return -BAOPHU_EDAMAGED;

	ret_header->kind = at[1];
	ret_header->verdict = at[2];
	ret_header->code = at[3];
	ret_header->rules = load16(at + 4);
	ret_header->time_ms = (int64_t)load64(at + 8);
	ret_header->principal = load32(at + 16);
	ret_header->agent = load32(at + 20);
	ret_header->epoch = load64(at + 24);
	ret_header->number = load64(at + 32);
	memcpy(ret_header->payload_digest, at + 40, RECORD_PAYLOAD_DIGEST_BYTES);
	ret_header->entry = load32(at + 56);
	ret_header->entry_count = entry_count;
	ret_header->body_bytes = body_bytes;
	ret_header->place.seq = load64(at + AT_SEQ);
	memcpy(ret_header->place.digest, at + AT_DIGEST, BAOPHU_DIGEST_BYTES);
	return 0;
}

bool record_verify(const void *bytes, size_t size, const uint8_t previous_digest[static BAOPHU_DIGEST_BYTES])
{
	if (size < RECORD_HEADER_BYTES || size > RECORD_BYTES_MAX)
		return false;
	uint8_t digest[BAOPHU_DIGEST_BYTES];
	chain_digest(bytes, size, previous_digest, digest);
	return memcmp(digest, (const uint8_t *)bytes + AT_DIGEST, BAOPHU_DIGEST_BYTES) == 0;
}

int record_open(const void *bytes, size_t size, struct record_header *ret_header, struct record_cursor *cursor)
{
	cursor->at = cursor->end = NULL;
	cursor->index = cursor->count = 0;
	cursor->error = record_read_header(bytes, size, ret_header);
	if (!cursor->error && size != RECORD_HEADER_BYTES + (size_t)ret_header->body_bytes)
		cursor->error = -BAOPHU_EDAMAGED;
	if (cursor->error)
		return cursor->error;
	cursor->count = ret_header->entry_count;
	cursor->at = (const uint8_t *)bytes + RECORD_HEADER_BYTES;
	/* A held payload is not entries: the cursor is empty. */
	cursor->end = cursor->at + (ret_header->kind == RECORD_HELD ? 0 : ret_header->body_bytes);
	return 0;
}

/* The hot path; false when it is not a fact as record_add writes it. */
static inline bool next_fact(struct record_cursor *cursor, struct entry_fact *ret_fact)
{
	const uint8_t *at = cursor->at;
	size_t left = (size_t)(cursor->end - at);
	if (left < FACT_BYTES)
		return false;
	uint64_t head = load64(at), period = load64(at + 8), measure = load64(at + 24);
	unsigned flags = (unsigned)(head >> 8 & 0xff), reason = (unsigned)(head >> 16 & 0xff);
	size_t code_bytes = head >> 24 & 0xff;
	if (flags & 0x80 || !(flags >> 1 & 3) || reason >= BAOPHU_REASON_COUNT || measure >> 16)
		return false;
	ret_fact->slot.unit = (uint32_t)(head >> 32);
	ret_fact->slot.measure = (uint16_t)measure;
	ret_fact->slot.extent = (uint8_t)((flags & 1) + 1);
	ret_fact->slot.from = (baophu_date)(uint32_t)period;
	ret_fact->slot.to = (baophu_date)(uint32_t)(period >> 32);
	ret_fact->figure.value = (int64_t)load64(at + 16);
	ret_fact->figure.status = flags >> 1 & 3;
	ret_fact->figure.origin = (uint8_t)((flags >> 3 & 3) + 1);
	ret_fact->figure.bound = (uint8_t)((flags >> 5 & 3) + 1);
	ret_fact->figure.reason = (uint8_t)reason;
	ret_fact->sent_code[0] = '\0';
	cursor->at = at + FACT_BYTES;
	if (code_bytes == 0)
		return true;

	size_t tail_bytes = round_up8(code_bytes + 1);
	if (code_bytes > BAOPHU_CODE_BYTES_MAX || left - FACT_BYTES < tail_bytes || memchr(at + FACT_BYTES, 0, code_bytes) ||
	    !is_zero(at + FACT_BYTES + code_bytes, tail_bytes - code_bytes))
		return false;
	memcpy(ret_fact->sent_code, at + FACT_BYTES, code_bytes + 1);
	cursor->at += tail_bytes;
	return true;
}

/* Takes a string at *at; false when it is not whole before `end`. */
static bool take_string(const uint8_t **at, const uint8_t *end, const char **ret_string)
{
	if (end - *at < 2)
		return false;
	size_t length = **at;
	const uint8_t *text = *at + 1;
	if ((size_t)(end - text) < length + 1 || text[length] || memchr(text, 0, length))
		return false;
	*ret_string = (const char *)text;
	*at = text + length + 1;
	return true;
}

static size_t fixed_bytes_of(uint8_t kind)
{
	switch (kind) {
	case ENTRY_WITHDRAWAL:
	case ENTRY_BACKUP:
		return 48;
	case ENTRY_RATE:
	case ENTRY_BOOT:
		return 40;
	case ENTRY_PLAN:
		return 32;
	case ENTRY_GRANT:
	case ENTRY_DECLARE:
	case ENTRY_CHECKPOINT:
		return 24;
	case ENTRY_UNIT:
	case ENTRY_UNIT_CLOSE:
	case ENTRY_AGENT:
	case ENTRY_HELD_DECISION:
	case ENTRY_EPOCH_OPEN:
	case ENTRY_EPOCH:
	case ENTRY_FREEZE:
	case ENTRY_THRESHOLD:
		return 16;
	case ENTRY_LEVEL:
	case ENTRY_MEASURE:
	case ENTRY_INDICATOR:
	case ENTRY_DAY:
		return 8;
	default:
		return 0;
	}
}

/* Every kind but FACT. */
static bool next_other(struct record_cursor *cursor, struct entry *ret_entry)
{
	const uint8_t *start = cursor->at, *fixed = start, *end = cursor->end;
	size_t fixed_bytes = fixed_bytes_of(*start);
	if (fixed_bytes == 0 || (size_t)(end - start) < fixed_bytes)
		return false;
	const uint8_t *at = start + fixed_bytes;
	bool good = true;
	ret_entry->kind = *start;

	switch (ret_entry->kind) {
	case ENTRY_WITHDRAWAL: {
		struct entry_withdrawal *e = &ret_entry->withdrawal;
		*e = (struct entry_withdrawal){
			.slot = { .unit = load32(fixed + 4),
				  .measure = load16(fixed + 24),
				  .extent = fixed[1],
				  .from = (baophu_date)load32(fixed + 8),
				  .to = (baophu_date)load32(fixed + 12) },
			.reason = fixed[2],
			.withdrawn_id = load64(fixed + 32),
			.restored_id = load64(fixed + 40),
			.restored = { .value = (int64_t)load64(fixed + 16),
				      .status = fixed[3],
				      .origin = fixed[26],
				      .bound = fixed[27],
				      .reason = fixed[28] },
		};
		good = is_zero(fixed + 29, 3) && (e->slot.extent == BAOPHU_WHOLE || e->slot.extent == BAOPHU_OWN) &&
		       e->reason < BAOPHU_REASON_COUNT && e->restored.status <= BAOPHU_ESTIMATE &&
		       e->restored.origin <= BAOPHU_ILLUSTRATIVE && e->restored.bound <= BAOPHU_NEARLY &&
		       e->restored.reason < BAOPHU_REASON_COUNT;
		break;
	}
	case ENTRY_RATE: {
		struct entry_rate *e = &ret_entry->rate;
		*e = (struct entry_rate){
			.unit = load32(fixed + 4),
			.measure = load16(fixed + 24),
			.over_measure = load16(fixed + 26),
			.over_plan = load32(fixed + 32),
			.denominator = fixed[1],
			.decimals = fixed[2],
			.status = fixed[3],
			.bound = fixed[28],
			.from = (baophu_date)load32(fixed + 8),
			.to = (baophu_date)load32(fixed + 12),
			.digits = (int64_t)load64(fixed + 16),
		};
		good = is_zero(fixed + 29, 3) && is_zero(fixed + 36, 4) && e->denominator <= BAOPHU_OVER_PLAN &&
		       e->decimals <= BAOPHU_RATE_DECIMALS_MAX && e->status <= BAOPHU_ESTIMATE && e->bound <= BAOPHU_NEARLY;
		break;
	}
	case ENTRY_LEVEL:
		ret_entry->level.level = fixed[1];
		good = is_zero(fixed + 2, 6) && take_string(&at, end, &ret_entry->level.code) &&
		       take_string(&at, end, &ret_entry->level.name_vi) && take_string(&at, end, &ret_entry->level.name_en);
		break;
	case ENTRY_UNIT:
		ret_entry->unit.level = fixed[1];
		ret_entry->unit.unit = load32(fixed + 4);
		ret_entry->unit.parent = load32(fixed + 8);
		ret_entry->unit.from = (baophu_date)load32(fixed + 12);
		good = is_zero(fixed + 2, 2) && take_string(&at, end, &ret_entry->unit.code) &&
		       take_string(&at, end, &ret_entry->unit.name);
		break;
	case ENTRY_UNIT_CLOSE: {
		struct entry_unit_close *e = &ret_entry->unit_close;
		e->unit = load32(fixed + 4);
		e->from = (baophu_date)load32(fixed + 8);
		e->successor_count = load32(fixed + 12);
		e->successors = cursor->successors;
		good = is_zero(fixed + 1, 3) && e->successor_count <= BAOPHU_SUCCESSORS_MAX &&
		       (size_t)(end - at) >= 8 * (size_t)e->successor_count;
		for (uint32_t i = 0; good && i < e->successor_count; i++, at += 8)
			cursor->successors[i] = (struct entry_successor){ .unit = load32(at), .weight = load32(at + 4) };
		break;
	}
	case ENTRY_MEASURE: {
		struct entry_measure *e = &ret_entry->measure;
		e->kind = fixed[1];
		e->measure = load16(fixed + 2);
		e->parent = load16(fixed + 4);
		good = is_zero(fixed + 6, 2) && e->kind <= BAOPHU_FLOW && take_string(&at, end, &e->code) &&
		       take_string(&at, end, &e->name_vi) && take_string(&at, end, &e->name_en) &&
		       take_string(&at, end, &e->unit_vi) && take_string(&at, end, &e->unit_en);
		break;
	}
	case ENTRY_INDICATOR: {
		struct entry_indicator *e = &ret_entry->indicator;
		e->indicator = load16(fixed + 2);
		e->numerator = load16(fixed + 4);
		e->denominator = load16(fixed + 6);
		good = fixed[1] == 0 && take_string(&at, end, &e->code) && take_string(&at, end, &e->name_vi) &&
		       take_string(&at, end, &e->name_en);
		break;
	}
	case ENTRY_PLAN: {
		struct entry_plan *e = &ret_entry->plan;
		e->kind = fixed[1];
		e->target = load16(fixed + 2);
		e->plan = load32(fixed + 4);
		e->unit = load32(fixed + 8);
		e->from = (baophu_date)load32(fixed + 12);
		e->value = (int64_t)load64(fixed + 16);
		e->to = (baophu_date)load32(fixed + 24);
		e->decimals = fixed[28];
		e->origin = fixed[29];
		e->removed = fixed[30];
		good = fixed[31] == 0 && e->kind <= BAOPHU_PLAN_RATE && e->decimals <= BAOPHU_RATE_DECIMALS_MAX &&
		       e->origin <= BAOPHU_ILLUSTRATIVE && e->removed <= 1 && take_string(&at, end, &e->code) &&
		       take_string(&at, end, &e->issuer) && take_string(&at, end, &e->document);
		break;
	}
	case ENTRY_AGENT:
		ret_entry->agent.agent = load32(fixed + 4);
		ret_entry->agent.from = (baophu_date)load32(fixed + 8);
		ret_entry->agent.until = (baophu_date)load32(fixed + 12);
		good = is_zero(fixed + 1, 3) && take_string(&at, end, &ret_entry->agent.name);
		break;
	case ENTRY_GRANT: {
		struct entry_grant *e = &ret_entry->grant;
		e->extent = fixed[1];
		e->revoke = fixed[2];
		e->agent = load32(fixed + 4);
		e->unit = load32(fixed + 8);
		e->from = (baophu_date)load32(fixed + 12);
		e->until = (baophu_date)load32(fixed + 16);
		e->measure_count = load32(fixed + 20);
		e->measures = cursor->measures;
		good = fixed[3] == 0 && e->extent <= BAOPHU_OWN && e->revoke <= 1 &&
		       e->measure_count <= BAOPHU_GRANT_MEASURES_MAX && (size_t)(end - at) >= 2 * (size_t)e->measure_count;
		for (uint32_t i = 0; good && i < e->measure_count; i++, at += 2)
			cursor->measures[i] = load16(at);
		break;
	}
	case ENTRY_HELD_DECISION:
		ret_entry->held.release = fixed[1];
		ret_entry->held.seq = load64(fixed + 8);
		good = fixed[1] <= 1 && is_zero(fixed + 2, 6);
		break;
	case ENTRY_EPOCH_OPEN:
	case ENTRY_EPOCH:
	case ENTRY_FREEZE:
		ret_entry->epoch.agent = load32(fixed + 4);
		ret_entry->epoch.epoch = load64(fixed + 8);
		good = is_zero(fixed + 1, 3);
		break;
	case ENTRY_THRESHOLD: {
		struct entry_threshold *e = &ret_entry->threshold;
		e->decimals = fixed[1];
		e->line = fixed[2];
		e->removed = fixed[3];
		e->plan = load32(fixed + 4);
		e->digits = load32(fixed + 8);
		good = e->decimals <= BAOPHU_LINE_DECIMALS_MAX && e->removed <= 1 && is_zero(fixed + 12, 4);
		break;
	}
	case ENTRY_DECLARE: {
		struct entry_declare *e = &ret_entry->declare;
		e->extent = fixed[1];
		e->rhythm = fixed[2];
		e->level = fixed[3];
		e->agent = load32(fixed + 4);
		e->unit = load32(fixed + 8);
		e->since = (baophu_date)load32(fixed + 12);
		e->closing_day = load16(fixed + 16);
		e->grace_days = load16(fixed + 18);
		e->measure_count = load32(fixed + 20);
		e->measures = cursor->measures;
		good = (e->extent == BAOPHU_WHOLE || e->extent == BAOPHU_OWN) && e->rhythm <= BAOPHU_YEARLY &&
		       e->measure_count <= BAOPHU_DECLARE_MEASURES_MAX && (size_t)(end - at) >= 2 * (size_t)e->measure_count;
		for (uint32_t i = 0; good && i < e->measure_count; i++, at += 2)
			cursor->measures[i] = load16(at);
		break;
	}
	case ENTRY_BACKUP:
		ret_entry->backup.place.seq = load64(fixed + 8);
		memcpy(ret_entry->backup.place.digest, fixed + 16, BAOPHU_DIGEST_BYTES);
		good = is_zero(fixed + 1, 7);
		break;
	case ENTRY_BOOT:
		ret_entry->boot.wall_ms = (int64_t)load64(fixed + 8);
		ret_entry->boot.monotonic_ms = (int64_t)load64(fixed + 16);
		memcpy(ret_entry->boot.boot_id, fixed + 24, sizeof ret_entry->boot.boot_id);
		good = is_zero(fixed + 1, 7) && take_string(&at, end, &ret_entry->boot.version);
		break;
	case ENTRY_DAY:
		ret_entry->day.day = (baophu_date)load32(fixed + 4);
		good = is_zero(fixed + 1, 3);
		break;
	case ENTRY_CHECKPOINT:
		ret_entry->checkpoint.units = load32(fixed + 4);
		ret_entry->checkpoint.state_digest = load64(fixed + 8);
		ret_entry->checkpoint.facts = load64(fixed + 16);
		good = is_zero(fixed + 1, 3);
		break;
	case ENTRY_FACT:
	default:
		return false;
	}
	if (!good)
		return false;
	size_t used = (size_t)(at - start), padded = round_up8(used);
	if ((size_t)(end - start) < padded || !is_zero(at, padded - used))
		return false;
	cursor->at = start + padded;
	return true;
}

int record_next(struct record_cursor *cursor, struct entry *ret_entry)
{
	if (cursor->error)
		return cursor->error;
	if (cursor->index == cursor->count) {
		if (cursor->at == cursor->end)
			return 0;
		return cursor->error = -BAOPHU_EDAMAGED; /* bytes that no entry accounts for */
	}
	if (cursor->at == cursor->end)
		return cursor->error = -BAOPHU_EDAMAGED;
	if (*cursor->at == ENTRY_FACT) {
		ret_entry->kind = ENTRY_FACT;
		if (!next_fact(cursor, &ret_entry->fact))
			return cursor->error = -BAOPHU_EDAMAGED;
	} else if (!next_other(cursor, ret_entry)) {
		return cursor->error = -BAOPHU_EDAMAGED;
	}
	cursor->index++;
	return 1;
}

const uint8_t *record_payload(const void *bytes, size_t size, size_t *ret_bytes)
{
	struct record_header header;
	if (record_read_header(bytes, size, &header) || header.kind != RECORD_HELD ||
	    size != RECORD_HEADER_BYTES + (size_t)header.body_bytes)
		return NULL;
	*ret_bytes = header.body_bytes;
	return (const uint8_t *)bytes + RECORD_HEADER_BYTES;
}

void record_receipt(const struct record_header *header, const char *agent_name, struct wire_receipt *ret_receipt)
{
	*ret_receipt = (struct wire_receipt){
		.agent = agent_name,
		.epoch = header->epoch,
		.number = header->number,
		.place = header->place,
		.verdict = header->verdict,
		.code = header->code,
		.entry = header->entry,
	};
}
