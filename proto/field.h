/* field.h - protobuf's wire grammar by hand, for the messages that travel by the million: a strict reader of one message's
 * fields and a bounded writer.
 *
 * Knows no message: a shape says which field numbers hold what. The reader takes fields in any order, as protobuf asks, but none
 * twice, none of another wire type, no number in more bytes than it needs and none beyond its width. It neither copies nor
 * allocates: what it returns points into the bytes read. Strings are not looked into (text.h does that).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <baophu/types.h>

enum { FIELD_VARINT = 0, FIELD_FIXED64 = 1, FIELD_BYTES = 2, FIELD_FIXED32 = 5 };
enum { FIELD_NUMBER_MAX = 35 };
#define FIELD_BIT(number) (UINT64_C(1) << (number))

/* Which numbers (as bits) a message has. In a lenient reading other fields are skipped, else they are an error. */
struct field_shape {
	uint64_t wide; /* varints of 64 bits */
	uint64_t narrow; /* varints of 32 bits, enums and bools too */
	uint64_t blobs; /* strings, bytes, messages */
	uint64_t repeated; /* the same, any number of them */
	bool is_lenient;
};

/* What was read. `value` is the number, the size of a blob, or how many there are of a repeated one. */
struct field_set {
	uint64_t seen;
	uint64_t value[FIELD_NUMBER_MAX + 1];
	const uint8_t *bytes[FIELD_NUMBER_MAX + 1];
};

static inline bool field_has(const struct field_set *set, unsigned number) { return set->seen >> number & 1; }
static inline uint64_t field_value(const struct field_set *set, unsigned number)
{
	return field_has(set, number) ? set->value[number] : 0;
}

static inline const uint8_t *field_long_varint(const uint8_t *at, const uint8_t *end, uint64_t *ret_value)
{
	uint64_t value = 0;
	for (unsigned shift = 0; at < end && shift < 64; shift += 7) {
		uint8_t byte = *at++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			if ((byte == 0 && shift > 0) || (shift == 63 && byte > 1))
				return NULL;
			*ret_value = value;
			return at;
		}
	}
	return NULL;
}

/* The byte after the varint; NULL when it is cut short, longer than it needs to be or beyond 64 bits. */
static inline const uint8_t *field_varint(const uint8_t *at, const uint8_t *end, uint64_t *ret_value)
{
	if (at == end || *at >= 0x80) /* tags, sizes and enums have one byte */
		return field_long_varint(at, end, ret_value);
	*ret_value = *at;
	return at + 1;
}

/* One field: its tag, then its number or (of a blob) its size. Returns the byte after the number, where a blob's bytes begin;
 * NULL for anything that is not protobuf. A fixed-width field comes back as a blob, for a lenient reader to skip. */
__attribute__((always_inline)) static inline const uint8_t *field_next(const uint8_t *at, const uint8_t *end, uint64_t *ret_number,
								       unsigned *ret_type, uint64_t *ret_value)
{
	uint64_t tag;
	at = field_varint(at, end, &tag);
	if (!at || tag > UINT32_MAX || tag < 8)
		return NULL;
	*ret_number = tag >> 3;
	*ret_type = tag & 7;
	switch (*ret_type) {
	case FIELD_VARINT:
		return field_varint(at, end, ret_value);
	case FIELD_BYTES:
		at = field_varint(at, end, ret_value);
		break;
	case FIELD_FIXED64:
		*ret_value = 8;
		break;
	case FIELD_FIXED32:
		*ret_value = 4;
		break;
	default:
		return NULL;
	}
	return at && *ret_value <= (size_t)(end - at) ? at : NULL;
}

/* Reads all fields of a message. Inline, so that a constant shape costs nothing. */
static inline bool field_read(const uint8_t *at, size_t size, const struct field_shape *shape, struct field_set *ret_set)
{
	const uint8_t *end = at + size;
	uint64_t seen = 0;
	while (at < end) {
		uint64_t number, value, bit;
		unsigned type;
		at = field_next(at, end, &number, &type, &value);
		if (!at)
			return false;
		bit = number <= FIELD_NUMBER_MAX ? FIELD_BIT(number) : 0;
		if (type == FIELD_VARINT && bit & (shape->wide | shape->narrow)) {
			if (bit & seen || (value >> 32 && bit & shape->narrow))
				return false;
			ret_set->value[number] = value;
		} else if (type == FIELD_BYTES && bit & shape->blobs) {
			if (bit & seen)
				return false;
			ret_set->value[number] = value;
			ret_set->bytes[number] = at;
			at += value;
		} else if (type == FIELD_BYTES && bit & shape->repeated) {
			ret_set->value[number] = bit & seen ? ret_set->value[number] + 1 : 1;
			at += value;
		} else {
			if (!shape->is_lenient)
				return false;
			if (type != FIELD_VARINT)
				at += value;
			continue;
		}
		seen |= bit;
	}
	ret_set->seen = seen;
	return true;
}

/* The next field `wanted` of a message that field_read has accepted; NULL (and size 0) after the last. `*at` moves past it. */
static inline const uint8_t *field_find(const uint8_t **at, const uint8_t *end, unsigned wanted, size_t *ret_size)
{
	while (*at < end) {
		uint64_t number, value;
		unsigned type;
		const uint8_t *bytes = field_next(*at, end, &number, &type, &value);
		if (!bytes)
			break;
		*at = type == FIELD_VARINT ? bytes : bytes + value;
		if (number == wanted && type == FIELD_BYTES) {
			*ret_size = value;
			return bytes;
		}
	}
	*ret_size = 0;
	return NULL;
}

/* ---- writing: past the end of the buffer the writer only remembers that it is full ---- */
struct field_writer {
	uint8_t *at, *end;
	bool is_full;
};

static inline bool field_room(struct field_writer *writer, size_t bytes)
{
	if ((size_t)(writer->end - writer->at) >= bytes)
		return true;
	writer->is_full = true;
	writer->end = writer->at; /* nothing shorter may follow what is missing */
	return false;
}

static inline void field_put_varint(struct field_writer *writer, uint64_t value)
{
	uint8_t bytes[10], *at = (size_t)(writer->end - writer->at) < sizeof bytes ? bytes : writer->at;
	size_t size = 0;
	while (value >= 0x80) {
		at[size++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	at[size++] = (uint8_t)value;
	if (at == bytes) {
		if (!field_room(writer, size))
			return;
		memcpy(writer->at, bytes, size);
	}
	writer->at += size;
}

/* Even when it is 0: for a field whose presence says something. */
static inline void field_put_present(struct field_writer *writer, unsigned number, uint64_t value)
{
	field_put_varint(writer, number << 3 | FIELD_VARINT);
	field_put_varint(writer, value);
}

static inline void field_put(struct field_writer *writer, unsigned number, uint64_t value)
{
	if (value)
		field_put_present(writer, number, value);
}

static inline void field_put_figure(struct field_writer *writer, unsigned number, int64_t figure)
{
	if (figure != BAOPHU_ABSENT)
		field_put_present(writer, number, (uint64_t)figure);
}

/* Bytes that are fields already. */
static inline void field_put_raw(struct field_writer *writer, const void *bytes, size_t size)
{
	if (!size || !field_room(writer, size))
		return;
	memcpy(writer->at, bytes, size);
	writer->at += size;
}

static inline void field_put_bytes(struct field_writer *writer, unsigned number, const void *bytes, size_t size)
{
	field_put_varint(writer, number << 3 | FIELD_BYTES);
	field_put_varint(writer, size);
	field_put_raw(writer, bytes, size);
}

static inline void field_put_text(struct field_writer *writer, unsigned number, const char *text)
{
	if (text[0])
		field_put_bytes(writer, number, text, strlen(text));
}

/* A message inside: its fields are written between open and close. One byte is kept for its size, and the body moved when it needs
 * more, so that the size is written in as few bytes as it takes. */
static inline uint8_t *field_open(struct field_writer *writer, unsigned number)
{
	field_put_varint(writer, number << 3 | FIELD_BYTES);
	if (field_room(writer, 1))
		writer->at++;
	return writer->at;
}

static inline void field_close(struct field_writer *writer, uint8_t *body)
{
	if (writer->is_full)
		return;
	size_t size = (size_t)(writer->at - body), more = 0;
	for (size_t left = size >> 7; left; left >>= 7)
		more++;
	if (!field_room(writer, more))
		return;
	if (more)
		memmove(body + more, body, size);
	writer->at += more;
	uint8_t *at = body - 1;
	for (; size >= 0x80; size >>= 7)
		*at++ = (uint8_t)(size | 0x80);
	*at = (uint8_t)size;
}
