/* wire_parts.h - what the files of the codec share, and nobody else includes.
 *
 * wire.c is the door: it holds the messages that travel seldom, read and written by protobuf-c's generated code under a check of
 * their grammar. wire_update.c (payload, entries, receipts) and wire_record.c (coverage) hold those that travel by the million, by
 * hand over field.h. All agree on what is refused: unknown fields, a field twice, numbers that are longer than they need to be.
 */
#pragma once

#include "field.h"
#include "wire.h"

#include <baophu/date.h>

/* ---- arena, without zeroing: for what is filled at once ---- */
void *wire_take(struct wire_arena *arena, size_t bytes);

/* ---- parts of messages ---- */
/* True when yyyymmdd is 0 (*ret_date is BAOPHU_DATE_NONE) or a day of the calendar. */
static inline bool wire_read_date(uint64_t yyyymmdd, baophu_date *ret_date)
{
	*ret_date = yyyymmdd ? baophu_date_from_civil((uint32_t)yyyymmdd) : BAOPHU_DATE_NONE;
	return !yyyymmdd || *ret_date != BAOPHU_DATE_NONE;
}
/* An enum value that a newer peer knows and we do not is read as "not said". */
static inline unsigned wire_known(uint64_t value, unsigned max) { return value <= max ? (unsigned)value : 0; }
/* A code that we do not know is kept, because its class says what to do with it. */
static inline bool wire_read_code_number(uint64_t value, enum baophu_code *ret_code)
{
	*ret_code = (enum baophu_code)value;
	return value < 1000;
}
/* Copies field `number` with a NUL into the arena; "" when it is absent. NULL: the arena is full. */
const char *wire_take_text(struct wire_arena *arena, const struct field_set *set, unsigned number);
/* Copies field `number` into `buffer` of `size`; false when it is neither absent nor a code (a name). */
bool wire_read_code(const struct field_set *set, unsigned number, char buffer[static BAOPHU_CODE_BYTES_MAX + 1]);
bool wire_read_name(const struct field_set *set, unsigned number, char buffer[static BAOPHU_TEXT_BYTES_MAX + 1]);
bool wire_read_place(const uint8_t *bytes, size_t size, bool is_lenient, struct baophu_place *ret_place);
void wire_put_place(struct field_writer *writer, unsigned number, const struct baophu_place *place);
static inline ssize_t wire_written(const struct field_writer *writer, const void *buffer)
{
	return writer->is_full ? -BAOPHU_EFULL : writer->at - (const uint8_t *)buffer;
}
static inline struct field_writer wire_writer(void *buffer, size_t size)
{
	return (struct field_writer){ .at = buffer, .end = (uint8_t *)buffer + size };
}

/* ---- entries ---- */
/* The entries of a Payload or Stage (field 4 of `bytes`, `count` of them). NONE, or why not and which. */
enum baophu_code wire_read_entries(struct wire_arena *arena, const uint8_t *bytes, size_t size, uint32_t count,
				   const struct wire_entry **ret_entries, uint32_t *ret_bad);
void wire_put_entries(struct field_writer *writer, const struct wire_entry *entries, uint32_t count);
/* An administrator's entry or a published rate: field `kind` of an Entry. In wire.c. */
enum baophu_code wire_read_rare_entry(struct wire_arena *arena, uint64_t kind, const uint8_t *bytes, size_t size,
				      struct wire_entry *ret_entry);
void wire_put_rare_entry(struct field_writer *writer, const struct wire_entry *entry);

/* ---- receipts ---- */
int wire_read_receipts(struct wire_arena *arena, const uint8_t *bytes, size_t size, struct wire_collector_message *ret_message);
void wire_put_receipts(struct field_writer *writer, const struct wire_collector_message *message);

/* ---- coverage ---- */
int wire_read_record(struct wire_arena *arena, const uint8_t *bytes, size_t size, struct baophu_record *ret_record);
void wire_put_record(struct field_writer *writer, const struct baophu_record *record);
bool wire_read_event(const uint8_t *bytes, size_t size, struct baophu_event *ret_event);
void wire_put_event(struct field_writer *writer, unsigned number, const struct baophu_event *event);
