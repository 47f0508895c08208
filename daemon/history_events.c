/* history_events.c - events in history: in order, by unit, and the newest of each target and line. See history.h.
 *
 *   events       seq u64, index u32                    -> unit u32, plan u32, target u16, is_rate, direction, decimals, line decimals,
 *                                                         is_mark, zero u8, line digits u32, cause u32, day i32, nth u32, count u32, zero u32,
 *                                                         numerator i64, denominator i64, goal i64, time i64, unit's events u64, sum u32
 *   unit_events  unit u32, seq u64, index u32          -> sum u32
 *   crossings    unit u32, plan u32, target u16, is_rate, line decimals, line digits u32
 *                                                      -> seq u64, index u32 of the newest, sum u32
 * Keys big endian, values little endian, as in history.c.
 *
 * Rows of events name the record they come from, so rows beyond the place are invisible and may be put again. A newest one does not say what
 * was the newest before: crossings are written together with the place, from the table of events itself, whoever put those there.
 */
#include "history_private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum {
	EVENT_KEY_BYTES = 12,
	EVENT_BYTES = 84,
	UNIT_EVENT_KEY_BYTES = 16,
	UNIT_EVENT_BYTES = 4,
	CROSSING_KEY_BYTES = 16,
	CROSSING_BYTES = 16,
};

static void put_le32(uint8_t *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof value);
}

static uint32_t get_le32(const uint8_t *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof value);
	return le32toh(value);
}

static void put_key(uint8_t *key, uint64_t seq, uint32_t index)
{
	put_be64(key, seq);
	put_be32(key + 8, index);
}

static void put_event(uint8_t *value, const struct event *event)
{
	memset(value, 0, EVENT_BYTES);
	put_le32(value, event->unit);
	put_le32(value + 4, event->plan);
	value[8] = (uint8_t)event->target;
	value[9] = (uint8_t)(event->target >> 8);
	value[10] = event->is_rate;
	value[11] = event->direction;
	value[12] = event->decimals;
	value[13] = event->line_decimals;
	value[14] = event->is_mark;
	put_le32(value + 16, event->line_digits);
	put_le32(value + 20, event->cause);
	put_le32(value + 24, (uint32_t)event->day);
	put_le32(value + 28, event->nth);
	put_le32(value + 32, event->count);
	put_le64(value + 40, (uint64_t)event->numerator);
	put_le64(value + 48, (uint64_t)event->denominator);
	put_le64(value + 56, (uint64_t)event->goal);
	put_le64(value + 64, (uint64_t)event->time_ms);
	put_le64(value + 72, event->unit_events);
}

static void get_event(const uint8_t *key, const uint8_t *value, struct event *ret_event)
{
	*ret_event = (struct event){ .seq = get_be64(key),
				     .index = get_be32(key + 8),
				     .unit = get_le32(value),
				     .plan = get_le32(value + 4),
				     .target = (uint16_t)(value[8] | value[9] << 8),
				     .is_rate = value[10],
				     .direction = value[11],
				     .decimals = value[12],
				     .line_decimals = value[13],
				     .is_mark = value[14],
				     .line_digits = get_le32(value + 16),
				     .cause = get_le32(value + 20),
				     .day = (baophu_date)get_le32(value + 24),
				     .nth = get_le32(value + 28),
				     .count = get_le32(value + 32),
				     .numerator = (int64_t)get_le64(value + 40),
				     .denominator = (int64_t)get_le64(value + 48),
				     .goal = (int64_t)get_le64(value + 56),
				     .time_ms = (int64_t)get_le64(value + 64),
				     .unit_events = get_le64(value + 72) };
}

static void put_crossing_key(uint8_t *key, const struct event *event)
{
	put_be32(key, event->unit);
	put_be32(key + 4, event->plan);
	put_be16(key + 8, event->target);
	key[10] = event->is_rate;
	key[11] = event->line_decimals;
	put_be32(key + 12, event->line_digits);
}

/* ---- writing ---- */

int history_add_events(struct history *history, const struct event *events, size_t count)
{
	struct event *added = count ? vec_grow(&history->events, count, sizeof *added) : NULL;
	if (added)
		memcpy(added, events, count * sizeof *added);
	return count && !added ? -ENOMEM : 0;
}

static int by_unit(const void *a, const void *b)
{
	const struct event *x = *(const struct event *const *)a, *y = *(const struct event *const *)b;
	if (x->unit != y->unit)
		return x->unit < y->unit ? -1 : 1;
	return event_compare(x, y);
}

static void write_rows(struct history_writer *writer, const struct event *events, size_t count)
{
	writer->slice_rows_max = history_slice_rows(writer, TABLE_EVENTS, count);
	for (size_t i = 0; i < count && !writer->rc; i++) {
		uint8_t key[EVENT_KEY_BYTES], value[EVENT_BYTES];
		history_writer_next_row(writer, TABLE_EVENTS, count);
		put_key(key, events[i].seq, events[i].index);
		put_event(value, &events[i]);
		history_writer_put(writer, TABLE_EVENTS, key, sizeof key, value, EVENT_BYTES - 4, 4);
	}
	const struct event **sorted = malloc(count * sizeof *sorted);
	if (count && !sorted && !writer->rc)
		writer->rc = ENOMEM;
	for (size_t i = 0; i < count && sorted; i++)
		sorted[i] = &events[i];
	if (sorted)
		qsort(sorted, count, sizeof *sorted, by_unit);
	for (size_t i = 0; i < count && !writer->rc; i++) {
		uint8_t key[UNIT_EVENT_KEY_BYTES], value[UNIT_EVENT_BYTES];
		history_writer_next_row(writer, TABLE_UNIT_EVENTS, count);
		put_be32(key, sorted[i]->unit);
		put_key(key + 4, sorted[i]->seq, sorted[i]->index);
		history_writer_put(writer, TABLE_UNIT_EVENTS, key, sizeof key, value, 0, 4);
	}
	free(sorted);
}

void history_write_events(struct history_writer *writer)
{
	if (writer->history->events.count)
		write_rows(writer, writer->history->events.data, writer->history->events.count);
}

int history_put_events(struct history *history, const struct event *events, size_t count, const struct baophu_place *place)
{
	struct history_writer writer = { .history = history };
	if (!count)
		return 0;
	history_writer_begin(&writer);
	/* How far rows may reach is on disk before the first of them. */
	if (!writer.rc)
		writer.rc = history_write_meta(history, writer.txn, &history->place, place);
	history_writer_commit(&writer);
	if (!writer.rc)
		history->goal = *place;
	history_writer_begin(&writer);
	write_rows(&writer, events, count);
	history_writer_commit(&writer);
	return history_translate(writer.rc);
}

/* A cursor on the events from a key on. */
static int open_events(const struct history *history, MDB_txn *txn, enum table table, uint8_t *start, size_t start_bytes,
		       MDB_cursor **ret_cursor, MDB_val *key, MDB_val *value)
{
	int rc = mdb_cursor_open(txn, history->tables[table], ret_cursor);
	*key = (MDB_val){ start_bytes, start };
	return rc ? rc : mdb_cursor_get(*ret_cursor, key, value, MDB_SET_RANGE);
}

static bool event_is_whole(const MDB_val *key, const MDB_val *value)
{
	return history_row_is_whole(TABLE_EVENTS, key, EVENT_KEY_BYTES, value, EVENT_BYTES);
}

void history_write_crossings(struct history_writer *writer)
{
	const struct history *history = writer->history;
	uint8_t start[EVENT_KEY_BYTES];
	MDB_cursor *cursor = NULL;
	MDB_val key, value;
	if (writer->rc)
		return;
	put_key(start, history->place.seq + 1, 0);
	int rc = open_events(history, writer->txn, TABLE_EVENTS, start, sizeof start, &cursor, &key, &value);
	for (; !rc && !writer->rc; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
		uint8_t crossing[CROSSING_KEY_BYTES], newest[CROSSING_BYTES];
		struct event event;
		if (!event_is_whole(&key, &value)) {
			rc = MDB_CORRUPTED;
			break;
		}
		get_event(key.mv_data, value.mv_data, &event);
		if (event.seq > history->added.seq)
			break;
		put_crossing_key(crossing, &event);
		put_le64(newest, event.seq);
		put_le32(newest + 8, event.index);
		history_writer_put(writer, TABLE_CROSSINGS, crossing, sizeof crossing, newest, CROSSING_BYTES - 4, 4);
	}
	if (cursor)
		mdb_cursor_close(cursor);
	if (!writer->rc && rc && rc != MDB_NOTFOUND)
		writer->rc = rc;
}

/* ---- reading ---- */

static int find_event(struct history_reader *reader, uint64_t seq, uint32_t index, struct event *ret_event)
{
	uint8_t bytes[EVENT_KEY_BYTES];
	MDB_val key = { sizeof bytes, bytes }, value;
	put_key(bytes, seq, index);
	int rc = mdb_get(reader->txn, reader->history->tables[TABLE_EVENTS], &key, &value);
	if (rc)
		return rc == MDB_NOTFOUND ? -BAOPHU_EDAMAGED : history_translate(rc);
	if (!event_is_whole(&key, &value))
		return -BAOPHU_EDAMAGED;
	get_event(key.mv_data, value.mv_data, ret_event);
	return 0;
}

int history_events(struct history_reader *reader, uint32_t unit, uint64_t seq, uint32_t index, uint64_t known_seq, uint32_t limit,
		   history_each_event *each, void *context)
{
	assert(reader->is_open);
	enum table table = unit ? TABLE_UNIT_EVENTS : TABLE_EVENTS;
	uint8_t start[UNIT_EVENT_KEY_BYTES], *place = unit ? start + 4 : start;
	MDB_cursor *cursor = NULL;
	MDB_val key, value;
	int error = 0;
	if (known_seq > reader->place.seq)
		known_seq = reader->place.seq;
	put_be32(start, unit);
	put_key(place, seq, index);
	int rc = open_events(reader->history, reader->txn, table, start, unit ? UNIT_EVENT_KEY_BYTES : EVENT_KEY_BYTES, &cursor,
			     &key, &value);
	for (; !rc && !error && limit--; rc = error ? 0 : mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
		struct event event;
		if (unit ? !history_row_is_whole(table, &key, UNIT_EVENT_KEY_BYTES, &value, UNIT_EVENT_BYTES)
			 : !event_is_whole(&key, &value)) {
			error = -BAOPHU_EDAMAGED;
			break;
		}
		const uint8_t *at = key.mv_data;
		if (unit && get_be32(at) != unit)
			break;
		at += unit ? 4 : 0;
		if (get_be64(at) > known_seq)
			break;
		if (unit)
			error = find_event(reader, get_be64(at), get_be32(at + 8), &event);
		else
			get_event(at, value.mv_data, &event);
		if (!error)
			error = each(context, &event);
	}
	if (cursor)
		mdb_cursor_close(cursor);
	return error ? error : rc && rc != MDB_NOTFOUND ? history_translate(rc) : 0;
}

int history_load_events(struct history_reader *reader, struct state *state)
{
	uint8_t start[CROSSING_KEY_BYTES] = { 0 };
	MDB_cursor *cursor = NULL;
	MDB_val key, value;
	int error = 0;
	int rc = open_events(reader->history, reader->txn, TABLE_CROSSINGS, start, sizeof start, &cursor, &key, &value);
	for (; !rc && !error; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
		struct event event;
		uint8_t same[CROSSING_KEY_BYTES];
		if (!history_row_is_whole(TABLE_CROSSINGS, &key, CROSSING_KEY_BYTES, &value, CROSSING_BYTES)) {
			error = -BAOPHU_EDAMAGED;
			break;
		}
		const uint8_t *newest = value.mv_data;
		error = find_event(reader, get_le64(newest), get_le32(newest + 8), &event);
		if (error)
			break;
		put_crossing_key(same, &event);
		error = memcmp(same, key.mv_data, sizeof same) || event.seq > reader->place.seq ? -BAOPHU_EDAMAGED
												: fold_load_event(state, &event);
	}
	if (cursor)
		mdb_cursor_close(cursor);
	return error ? error : rc && rc != MDB_NOTFOUND ? history_translate(rc) : 0;
}
