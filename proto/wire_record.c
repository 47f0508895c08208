/* wire_record.c - coverage across the wire: records, their rows and events, and the seals that prove them.
 *
 * By hand, because every change of a figure is published here. Writes what the coverage module computed without judging it; reads
 * for subscribers and other readers, who skip what a newer collector may add. Nothing absent is ever written as 0, or read so.
 */
#include "wire_parts.h"

#include "text.h"

enum { ROWS_FIELD = 11, EVENTS_FIELD = 14 };

static const struct field_shape row_shape = {
	.wide = FIELD_BIT(5) | FIELD_BIT(7) | FIELD_BIT(8) | FIELD_BIT(9) | FIELD_BIT(18) | FIELD_BIT(20) | FIELD_BIT(21) |
		FIELD_BIT(22) | FIELD_BIT(29) | FIELD_BIT(30) | FIELD_BIT(31) | FIELD_BIT(33),
	.narrow = FIELD_BIT(1) | FIELD_BIT(3) | FIELD_BIT(4) | FIELD_BIT(6) | FIELD_BIT(10) | FIELD_BIT(11) | FIELD_BIT(12) |
		  FIELD_BIT(13) | FIELD_BIT(14) | FIELD_BIT(15) | FIELD_BIT(17) | FIELD_BIT(19) | FIELD_BIT(24) | FIELD_BIT(26) |
		  FIELD_BIT(27) | FIELD_BIT(28) | FIELD_BIT(32) | FIELD_BIT(34) | FIELD_BIT(35),
	.blobs = FIELD_BIT(2) | FIELD_BIT(16) | FIELD_BIT(23) | FIELD_BIT(25),
	.is_lenient = true,
};
static const struct field_shape record_shape = {
	.wide = FIELD_BIT(2) | FIELD_BIT(3) | FIELD_BIT(10) | FIELD_BIT(13),
	.narrow = FIELD_BIT(1) | FIELD_BIT(8) | FIELD_BIT(9) | FIELD_BIT(12),
	.blobs = FIELD_BIT(4) | FIELD_BIT(5) | FIELD_BIT(6) | FIELD_BIT(7),
	.repeated = FIELD_BIT(ROWS_FIELD) | FIELD_BIT(EVENTS_FIELD),
	.is_lenient = true,
};
static const struct field_shape event_shape = {
	.wide = FIELD_BIT(1) | FIELD_BIT(12) | FIELD_BIT(13) | FIELD_BIT(14) | FIELD_BIT(17) | FIELD_BIT(20),
	.narrow = FIELD_BIT(2) | FIELD_BIT(3) | FIELD_BIT(4) | FIELD_BIT(9) | FIELD_BIT(10) | FIELD_BIT(11) | FIELD_BIT(15) |
		  FIELD_BIT(16) | FIELD_BIT(18) | FIELD_BIT(19),
	.blobs = FIELD_BIT(5) | FIELD_BIT(6) | FIELD_BIT(7) | FIELD_BIT(8),
	.is_lenient = true,
};
static const struct field_shape seal_shape = {
	.wide = FIELD_BIT(3),
	.narrow = FIELD_BIT(2) | FIELD_BIT(4),
	.blobs = FIELD_BIT(1),
	.is_lenient = true,
};

/* ---- rows ---- */

static void put_flags(struct field_writer *writer, const uint8_t flags[static BAOPHU_ROW_FLAGS_MAX])
{
	uint8_t packed[BAOPHU_ROW_FLAGS_MAX]; /* each is below 128, so one byte */
	size_t count = 0;
	for (size_t i = 0; i < BAOPHU_ROW_FLAGS_MAX; i++)
		if (flags[i])
			packed[count++] = flags[i];
	if (count)
		field_put_bytes(writer, 25, packed, count);
}

static void put_row(struct field_writer *writer, const struct baophu_row *row)
{
	field_put(writer, 1, row->kind);
	field_put_text(writer, 2, row->measure);
	field_put(writer, 3, baophu_date_to_civil(row->from));
	field_put(writer, 4, baophu_date_to_civil(row->to));
	field_put_figure(writer, 5, row->value);
	field_put(writer, 6, row->basis);
	field_put_figure(writer, 7, row->whole);
	field_put_figure(writer, 8, row->sum);
	field_put_figure(writer, 9, row->gap);
	field_put(writer, 10, row->state);
	field_put(writer, 11, row->status);
	field_put(writer, 12, row->origin);
	field_put(writer, 13, row->bound);
	field_put(writer, 14, row->reported);
	field_put(writer, 15, row->expected);
	field_put_text(writer, 16, row->plan);
	field_put(writer, 17, row->plan_state);
	field_put_figure(writer, 18, row->target);
	field_put(writer, 19, row->decimals);
	field_put_figure(writer, 20, row->remaining);
	field_put_figure(writer, 21, row->numerator);
	field_put_figure(writer, 22, row->denominator);
	field_put_text(writer, 23, row->denominator_measure);
	field_put(writer, 24, baophu_date_to_civil(row->oldest));
	put_flags(writer, row->flags);
	field_put(writer, 26, row->reason);
	field_put(writer, 27, row->uncovered_days);
	field_put(writer, 28, row->unused);
	field_put_figure(writer, 29, row->estimated);
	field_put_figure(writer, 30, row->own);
	field_put_figure(writer, 31, row->previous);
	field_put(writer, 32, baophu_date_to_civil(row->whole_to));
	field_put_figure(writer, 33, row->moved_net);
	field_put(writer, 34, row->fresh);
	field_put(writer, 35, row->declared);
}

static int64_t figure(const struct field_set *set, unsigned number)
{
	return field_has(set, number) ? (int64_t)set->value[number] : BAOPHU_ABSENT;
}

static enum baophu_state known_state(uint64_t value)
{
	switch ((enum baophu_state)value) {
	case BAOPHU_STATE_NONE:
	case BAOPHU_STATE_REPORTED:
	case BAOPHU_STATE_NO_REPORT:
	case BAOPHU_STATE_WITHDRAWN:
	case BAOPHU_STATE_MET:
	case BAOPHU_STATE_HALF:
	case BAOPHU_STATE_UNDER_HALF:
	case BAOPHU_STATE_ZERO:
	case BAOPHU_STATE_NO_PLAN:
	case BAOPHU_STATE_PARTIAL:
	case BAOPHU_STATE_COMPUTED:
	case BAOPHU_STATE_NO_DENOMINATOR:
	case BAOPHU_STATE_AGREES:
	case BAOPHU_STATE_AGREES_TRUNCATED:
	case BAOPHU_STATE_DIFFERS:
	case BAOPHU_STATE_NOT_COMPARABLE:
		return (enum baophu_state)value;
	}
	return BAOPHU_STATE_NONE;
}

/* Packed; flags that we do not know, and those past our bound, are left out. */
static bool read_flags(const struct field_set *set, uint8_t flags[static BAOPHU_ROW_FLAGS_MAX])
{
	size_t count = 0, size = field_value(set, 25);
	const uint8_t *at = size ? set->bytes[25] : NULL;
	const uint8_t *end = size ? at + size : NULL;
	memset(flags, 0, BAOPHU_ROW_FLAGS_MAX);
	while (at < end) {
		uint64_t flag;
		at = field_varint(at, end, &flag);
		if (!at)
			return false;
		if (flag > 0 && flag < BAOPHU_FLAG_COUNT && count < BAOPHU_ROW_FLAGS_MAX)
			flags[count++] = (uint8_t)flag;
	}
	return true;
}

static bool read_row(const uint8_t *bytes, size_t size, struct baophu_row *row)
{
	struct field_set set;
	memset(row, 0, sizeof *row); /* its padding too: equal rows are equal bytes */
	if (!field_read(bytes, size, &row_shape, &set))
		return false;
	if (!wire_read_code(&set, 2, row->measure) || !wire_read_code(&set, 16, row->plan) ||
	    !wire_read_code(&set, 23, row->denominator_measure) || !read_flags(&set, row->flags) ||
	    !wire_read_date(field_value(&set, 3), &row->from) || !wire_read_date(field_value(&set, 4), &row->to) ||
	    !wire_read_date(field_value(&set, 24), &row->oldest) || !wire_read_date(field_value(&set, 32), &row->whole_to) ||
	    field_value(&set, 19) > BAOPHU_RATE_DECIMALS_MAX)
		return false;
	row->kind = (enum baophu_row_kind)wire_known(field_value(&set, 1), BAOPHU_ROW_PUBLISHED);
	row->value = figure(&set, 5);
	row->basis = (enum baophu_basis)wire_known(field_value(&set, 6), BAOPHU_BASIS_PARTS);
	row->whole = figure(&set, 7);
	row->sum = figure(&set, 8);
	row->gap = figure(&set, 9);
	row->state = known_state(field_value(&set, 10));
	row->status = (enum baophu_status)wire_known(field_value(&set, 11), BAOPHU_ESTIMATE);
	row->origin = (enum baophu_origin)wire_known(field_value(&set, 12), BAOPHU_ILLUSTRATIVE);
	row->bound = (enum baophu_bound)wire_known(field_value(&set, 13), BAOPHU_NEARLY);
	row->reported = (uint32_t)field_value(&set, 14);
	row->expected = (uint32_t)field_value(&set, 15);
	row->plan_state = (enum baophu_plan_state)wire_known(field_value(&set, 17), BAOPHU_PLAN_SUMMED_ENDED);
	row->target = figure(&set, 18);
	row->decimals = (uint32_t)field_value(&set, 19);
	row->remaining = figure(&set, 20);
	row->numerator = figure(&set, 21);
	row->denominator = figure(&set, 22);
	row->reason = (enum baophu_reason)wire_known(field_value(&set, 26), BAOPHU_REASON_COUNT - 1);
	row->uncovered_days = (uint32_t)field_value(&set, 27);
	row->unused = (uint32_t)field_value(&set, 28);
	row->estimated = figure(&set, 29);
	row->own = figure(&set, 30);
	row->previous = figure(&set, 31);
	row->moved_net = figure(&set, 33);
	row->fresh = (uint32_t)field_value(&set, 34);
	row->declared = (uint32_t)field_value(&set, 35);
	return true;
}

/* ---- events ---- */

void wire_put_event(struct field_writer *writer, unsigned number, const struct baophu_event *event)
{
	uint8_t *body = field_open(writer, number);
	field_put(writer, 1, event->seq);
	field_put(writer, 2, event->index);
	field_put(writer, 3, event->cause);
	field_put(writer, 4, event->unit_number);
	field_put_text(writer, 5, event->unit);
	field_put_text(writer, 6, event->name);
	field_put_text(writer, 7, event->plan);
	field_put_text(writer, 8, event->measure);
	field_put(writer, 9, event->line_digits);
	field_put(writer, 10, event->line_decimals);
	field_put(writer, 11, event->direction);
	field_put_figure(writer, 12, event->numerator);
	field_put_figure(writer, 13, event->denominator);
	field_put_figure(writer, 14, event->target);
	field_put(writer, 15, event->decimals);
	field_put(writer, 16, baophu_date_to_civil(event->day));
	field_put(writer, 17, (uint64_t)event->time_ms);
	field_put(writer, 18, event->nth);
	field_put(writer, 19, event->count);
	field_put(writer, 20, event->number);
	field_close(writer, body);
}

bool wire_read_event(const uint8_t *bytes, size_t size, struct baophu_event *ret_event)
{
	struct field_set set;
	struct baophu_event *event = ret_event;
	memset(event, 0, sizeof *event); /* its padding too: equal events are equal bytes */
	if (!field_read(bytes, size, &event_shape, &set) || !wire_read_code(&set, 5, event->unit) ||
	    !wire_read_name(&set, 6, event->name) || !wire_read_code(&set, 7, event->plan) ||
	    !wire_read_code(&set, 8, event->measure) || !wire_read_date(field_value(&set, 16), &event->day) ||
	    field_value(&set, 10) > BAOPHU_LINE_DECIMALS_MAX || field_value(&set, 15) > BAOPHU_RATE_DECIMALS_MAX)
		return false;
	event->seq = field_value(&set, 1);
	event->index = (uint32_t)field_value(&set, 2);
	event->cause = (uint32_t)field_value(&set, 3);
	event->unit_number = (uint32_t)field_value(&set, 4);
	event->line_digits = (uint32_t)field_value(&set, 9);
	event->line_decimals = (uint32_t)field_value(&set, 10);
	event->direction = (enum baophu_direction)wire_known(field_value(&set, 11), BAOPHU_DOWN);
	event->numerator = figure(&set, 12);
	event->denominator = figure(&set, 13);
	event->target = figure(&set, 14);
	event->decimals = (uint32_t)field_value(&set, 15);
	event->time_ms = (int64_t)field_value(&set, 17);
	event->nth = (uint32_t)field_value(&set, 18);
	event->count = (uint32_t)field_value(&set, 19);
	event->number = field_value(&set, 20);
	return event->seq && event->unit_number;
}

/* ---- records ---- */

void wire_put_record(struct field_writer *writer, const struct baophu_record *record)
{
	field_put(writer, 1, record->unit_number);
	field_put(writer, 2, record->version);
	field_put(writer, 3, record->previous);
	field_put_text(writer, 4, record->unit);
	field_put_text(writer, 5, record->name);
	field_put_text(writer, 6, record->level);
	field_put_text(writer, 7, record->parent);
	field_put(writer, 8, record->depth);
	field_put(writer, 9, baophu_date_to_civil(record->date));
	field_put(writer, 10, record->seq);
	for (uint32_t i = 0; i < record->row_count; i++) {
		uint8_t *row = field_open(writer, ROWS_FIELD);
		put_row(writer, &record->rows[i]);
		field_close(writer, row);
	}
	field_put(writer, 12, record->tombstone);
	field_put(writer, 13, record->event_count);
	for (uint32_t i = 0; i < record->new_event_count; i++)
		wire_put_event(writer, EVENTS_FIELD, &record->events[i]);
}

ssize_t wire_encode_record(const struct baophu_record *record, void *buffer, size_t size)
{
	struct field_writer writer = wire_writer(buffer, size);
	wire_put_record(&writer, record);
	return wire_written(&writer, buffer);
}

int wire_read_record(struct wire_arena *arena, const uint8_t *bytes, size_t size, struct baophu_record *ret_record)
{
	struct field_set set;
	struct baophu_record record = { 0 };
	if (!field_read(bytes, size, &record_shape, &set) || !wire_read_code(&set, 4, record.unit) ||
	    !wire_read_name(&set, 5, record.name) || !wire_read_code(&set, 6, record.level) ||
	    !wire_read_code(&set, 7, record.parent) || !wire_read_date(field_value(&set, 9), &record.date))
		return -BAOPHU_EMALFORMED;
	record.unit_number = (uint32_t)field_value(&set, 1);
	record.version = field_value(&set, 2);
	record.previous = field_value(&set, 3);
	record.depth = (uint32_t)field_value(&set, 8);
	record.seq = field_value(&set, 10);
	record.tombstone = field_value(&set, 12);
	record.event_count = field_value(&set, 13);
	uint64_t count = field_value(&set, ROWS_FIELD);
	struct baophu_row *rows = wire_take(arena, count * sizeof *rows);
	if (!rows || !record.unit_number || record.depth > BAOPHU_DEPTH_MAX)
		return -BAOPHU_EMALFORMED;
	const uint8_t *at = bytes;
	for (uint64_t i = 0; i < count; i++) {
		size_t row_size;
		const uint8_t *row = field_find(&at, bytes + size, ROWS_FIELD, &row_size);
		if (!row || !read_row(row, row_size, &rows[i]))
			return -BAOPHU_EMALFORMED;
	}
	record.rows = rows;
	record.row_count = (uint32_t)count;
	count = field_value(&set, EVENTS_FIELD);
	struct baophu_event *events = wire_take(arena, count * sizeof *events);
	if (!events)
		return -BAOPHU_EMALFORMED;
	at = bytes;
	for (uint64_t i = 0; i < count; i++) {
		size_t event_size;
		const uint8_t *event = field_find(&at, bytes + size, EVENTS_FIELD, &event_size);
		if (!event || !wire_read_event(event, event_size, &events[i]))
			return -BAOPHU_EMALFORMED;
	}
	record.events = events;
	record.new_event_count = (uint32_t)count;
	*ret_record = record;
	return 0;
}

int wire_decode_record(struct wire_arena *arena, const void *bytes, size_t size, struct baophu_record *ret_record)
{
	return wire_read_record(arena, bytes, size, ret_record);
}

/* ---- seals ---- */

ssize_t wire_encode_seal(const struct baophu_seal *seal, void *buffer, size_t size)
{
	struct field_writer writer = wire_writer(buffer, size);
	wire_put_place(&writer, 1, &seal->place);
	field_put(&writer, 2, seal->count);
	field_put(&writer, 3, seal->sum);
	field_put(&writer, 4, baophu_date_to_civil(seal->date));
	return wire_written(&writer, buffer);
}

int wire_decode_seal(struct wire_arena *arena, const void *bytes, size_t size, struct baophu_seal *ret_seal)
{
	(void)arena; /* a seal points nowhere */
	struct field_set set;
	struct baophu_seal seal;
	if (!field_read(bytes, size, &seal_shape, &set) || !field_has(&set, 1) ||
	    !wire_read_place(set.bytes[1], set.value[1], true, &seal.place) || !wire_read_date(field_value(&set, 4), &seal.date))
		return -BAOPHU_EMALFORMED;
	seal.count = (uint32_t)field_value(&set, 2);
	seal.sum = field_value(&set, 3);
	*ret_seal = seal;
	return 0;
}
