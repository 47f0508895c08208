/* events.c - sides, crossings, and the entry that caused them. See events.h.
 *
 * Finding and making are two steps: what a record changed is found in an order that depends on how the figures were computed, so crossings
 * are gathered first, sorted, and only then change sides and are numbered.
 */
#include "events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct crossing { /* found */
	uint32_t unit, position; /* of the side among the unit's */
	uint8_t line;
	bool is_mark;
	int64_t numerator, denominator;
};
struct place { /* of a side */
	uint32_t unit, position;
};
struct crossed_today {
	struct place of;
	uint32_t next; /* another line of this side: index + 1; 0 */
	uint32_t nth;
	uint32_t last; /* index + 1 in events.frequent; 0 */
	uint8_t line;
};

void events_init(struct events *events) { *events = (struct events){ .ended = BAOPHU_DATE_NONE }; }

void events_finish(struct events *events)
{
	for (uint32_t unit = 0; unit < events->unit_size; unit++)
		free(events->units[unit].sides);
	free(events->units);
	vec_finish(&events->today);
	vec_finish(&events->frequent);
	vec_finish(&events->due);
	vec_finish(&events->found);
	vec_finish(&events->made);
	*events = (struct events){ 0 };
}

int events_make_room(struct events *events, uint32_t unit_count)
{
	if (unit_count < events->unit_size)
		return 0;
	uint32_t size = unit_count + unit_count / 4 + 64;
	struct unit_sides *units = realloc(events->units, size * sizeof *units);
	if (!units)
		return -ENOMEM;
	memset(units + events->unit_size, 0, (size - events->unit_size) * sizeof *units);
	events->units = units;
	events->unit_size = size;
	return 0;
}

int event_compare(const struct event *a, const struct event *b)
{
	if (a->seq != b->seq)
		return a->seq < b->seq ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

void event_describe(const struct registry *registry, const struct event *event, struct baophu_event *ret_event)
{
	const struct units *units = &registry->units;
	const struct measures *measures = &registry->measures;
	const struct unit_version *version = units_at(units, event->unit, event->day, UINT64_MAX);
	*ret_event = (struct baophu_event){ .seq = event->seq,
					    .index = event->index,
					    .cause = event->cause,
					    .unit_number = event->unit,
					    .line_digits = event->line_digits,
					    .line_decimals = event->line_decimals,
					    .direction = (enum baophu_direction)event->direction,
					    .numerator = event->numerator,
					    .denominator = event->denominator,
					    .target = event->goal,
					    .decimals = event->decimals,
					    .day = event->day,
					    .time_ms = event->time_ms,
					    .nth = event->nth,
					    .count = event->count,
					    .number = event_is_delivered(event) ? event->unit_events : 0 };
	if (version) {
		const char *name = units_name(units, version);
		memcpy(ret_event->unit, version->code, sizeof ret_event->unit);
		memcpy(ret_event->name, name, strnlen(name, BAOPHU_TEXT_BYTES_MAX));
	}
	const char *code = event->is_rate ? measures_indicator(measures, event->target)->code
					  : measures_get(measures, event->target)->code;
	memcpy(ret_event->plan, plans_code(&registry->plans, event->plan), sizeof ret_event->plan);
	memcpy(ret_event->measure, code, sizeof ret_event->measure);
}

/* ---- what is watched ---- */

void events_prefetch(const struct events *events, uint32_t unit, int stage)
{
	if (unit >= events->unit_size)
		return;
	if (stage == 0)
		__builtin_prefetch(&events->units[unit]);
	else
		__builtin_prefetch(events->units[unit].sides);
}

void events_take_lines(struct events *events, const struct lines *lines)
{
	events->lines_of_all = events->lines_of_any = 0;
	for (size_t i = 0; i < lines->all.count; i++) {
		const struct line *line = vec_at(&lines->all, struct line, i);
		uint64_t bit = UINT64_C(1) << line->number;
		struct ratio *ratio = &events->ratios[line->number];
		*ratio = (struct ratio){ line->digits, 1, line->decimals };
		for (unsigned power = 0; power < line->decimals; power++)
			ratio->scale *= 10;
		if (line->removed)
			continue;
		events->lines_of_any |= bit;
		events->lines_of_all |= line->plan ? 0 : bit;
	}
}

static struct side *side_find(const struct events *events, uint32_t unit, uint32_t plan, bool is_rate, uint16_t target,
			      uint32_t *ret_position)
{
	const struct unit_sides *all = &events->units[unit];
	for (uint32_t i = 0; i < all->count; i++) {
		struct side *side = &all->sides[i];
		if (side->plan == plan && side->target == target && (side->kind == BAOPHU_PLAN_RATE) == is_rate) {
			*ret_position = i;
			return side;
		}
	}
	return NULL;
}

static struct side *side_create(struct unit_sides *all)
{
	if (all->count == all->capacity) {
		uint32_t capacity = all->capacity ? all->capacity * 2 : 4;
		struct side *sides = realloc(all->sides, capacity * sizeof *sides);
		if (!sides)
			return NULL;
		all->sides = sides;
		all->capacity = capacity;
	}
	all->sides[all->count] = (struct side){ .removed = true };
	return &all->sides[all->count++];
}

int events_take_target(struct events *events, const struct plans *plans)
{
	uint32_t newest = (uint32_t)plans->targets.count - 1, position;
	const struct plan_target *target = vec_at(&plans->targets, struct plan_target, newest);
	int error = events_make_room(events, target->unit);
	if (error)
		return error;
	struct unit_sides *all = &events->units[target->unit];
	struct side *side = side_find(events, target->unit, target->plan, target->kind == BAOPHU_PLAN_RATE, target->target,
				      &position);
	struct place *due = vec_grow(&events->due, 1, sizeof *due);
	if (!side) {
		position = all->count;
		side = side_create(all);
	}
	if (!side || !due)
		return -ENOMEM;
	events->standing += side->removed;
	events->standing -= target->removed;
	side->newest = newest;
	side->plan = target->plan;
	side->from = target->from;
	side->to = target->to;
	side->target = target->target;
	side->kind = target->kind;
	side->goal = target->value;
	side->decimals = target->decimals;
	side->begins = side->begins || side->removed;
	side->removed = target->removed;
	*due = (struct place){ target->unit, position };
	return 0;
}

void events_end_record(struct events *events)
{
	for (size_t i = 0; i < events->due.count; i++) {
		const struct place *due = vec_at(&events->due, struct place, i);
		events->units[due->unit].sides[due->position].begins = false;
	}
	events->due.count = 0;
	events->ended = BAOPHU_DATE_NONE;
}

int events_watch_all(const struct events *events, const struct registry *registry, struct coverage *coverage)
{
	for (uint32_t unit = 1; unit < events->unit_size; unit++)
		for (uint32_t i = 0; i < events->units[unit].count; i++) {
			const struct side *side = &events->units[unit].sides[i];
			if (!side->removed &&
			    coverage_watch(coverage, vec_at(&registry->plans.targets, struct plan_target, side->newest)))
				return coverage->error;
		}
	return coverage->error;
}

int events_watch_due(const struct events *events, const struct registry *registry, struct coverage *coverage)
{
	for (size_t i = 0; i < events->due.count && !coverage->error; i++) {
		const struct place *due = vec_at(&events->due, struct place, i);
		const struct side *side = &events->units[due->unit].sides[due->position];
		if (!side->removed)
			coverage_watch(coverage, vec_at(&registry->plans.targets, struct plan_target, side->newest));
	}
	return coverage->error;
}

/* ---- finding ---- */

struct judge {
	struct events *events;
	const struct registry *registry;
	const struct coverage *coverage;
	uint64_t seq; /* of the record */
	int error;
};

static bool is_listed(const struct side *side, baophu_date day, const struct cell *cell)
{
	return (side->from <= day && day <= side->to) ||
	       (cell && cell->to != BAOPHU_DATE_NONE && side->from <= cell->to && cell->to <= side->to);
}

/* The two numbers whose ratio is judged; false when it may not be. */
static bool figures_of(const struct judge *judge, uint32_t unit, const struct side *side, int64_t *ret_numerator,
		       int64_t *ret_denominator)
{
	const struct coverage *coverage = judge->coverage;
	baophu_date day = coverage->axes.date;
	if (side->goal <= 0)
		return false;
	if (side->kind == BAOPHU_PLAN_RATE) {
		const struct indicator *indicator = measures_indicator(&judge->registry->measures, side->target);
		const struct cell *above = coverage_cell(coverage, unit, indicator->numerator);
		const struct cell *below = coverage_cell(coverage, unit, indicator->denominator);
		bool has_above = above && above->value != BAOPHU_ABSENT;
		if (!is_listed(side, day, has_above ? above : NULL) || !below || below->value == BAOPHU_ABSENT ||
		    below->value <= 0 ||
		    (has_above && (above->basis == BAOPHU_BASIS_PARTIAL || below->basis == BAOPHU_BASIS_PARTIAL)))
			return false;
		*ret_numerator = has_above ? above->value : BAOPHU_ABSENT;
		*ret_denominator = below->value;
		return true;
	}
	struct cell room;
	const struct cell *cell = coverage_plan_figure(coverage, unit, side->target, side->kind, side->from, side->to, &room);
	if (side->kind == BAOPHU_PLAN_FLOW ? day < side->from : !is_listed(side, day, cell))
		return false;
	if (cell && cell->basis == BAOPHU_BASIS_PARTIAL)
		return false;
	*ret_numerator = cell ? cell->value : BAOPHU_ABSENT;
	*ret_denominator = side->goal;
	return true;
}

static int64_t power_of_ten(unsigned exponent)
{
	int64_t power = 1;
	while (exponent--)
		power *= 10;
	return power;
}

/* Exact. Of a rate the attainment is (n / d) / (goal percent): 2^63 * 2^40 * 2^24 and 2^63 * 2^47 fit. */
static bool is_above(const struct ratio *ratio, const struct side *side, int64_t numerator, int64_t denominator)
{
	if (numerator == BAOPHU_ABSENT || !ratio->digits)
		return numerator != BAOPHU_ABSENT && numerator > 0;
	__int128 reached = (__int128)numerator * 100 * ratio->scale, wanted = (__int128)denominator * ratio->digits;
	if (side->kind == BAOPHU_PLAN_RATE) {
		reached *= 100 * power_of_ten(side->decimals);
		wanted *= side->goal;
	}
	return reached >= wanted;
}

/* Bits of the lines whose side this target first says with this record. */
static uint64_t begun(const struct judge *judge, const struct side *side)
{
	const struct lines *lines = &judge->registry->lines;
	baophu_date ended = judge->events->ended;
	uint64_t bits = 0;
	if (side->begins || (ended != BAOPHU_DATE_NONE && ended < side->from && side->from <= judge->coverage->axes.date))
		return UINT64_MAX;
	for (size_t i = 0; i < lines->all.count; i++) {
		const struct line *line = vec_at(&lines->all, struct line, i);
		if (!line->removed && entry_id_seq(line->id) == judge->seq && (!line->plan || line->plan == side->plan))
			bits |= UINT64_C(1) << line->number;
	}
	return bits;
}

/* Gathers the lines that the target is on another side of than it was. */
static void judge_side(struct judge *judge, uint32_t unit, uint32_t position)
{
	struct events *events = judge->events;
	const struct side *side = &events->units[unit].sides[position];
	int64_t numerator, denominator;
	if (side->removed || !tree_has(judge->coverage->tree, unit) || !figures_of(judge, unit, side, &numerator, &denominator))
		return;
	uint64_t lines = events->lines_of_any == events->lines_of_all ? events->lines_of_all
								      : lines_of_plan(&judge->registry->lines, side->plan);
	for (; lines; lines &= lines - 1) {
		unsigned line = (unsigned)__builtin_ctzll(lines);
		bool was_above = side->above >> line & 1;
		if (is_above(&events->ratios[line], side, numerator, denominator) == was_above)
			continue;
		struct crossing *crossing = vec_grow(&events->found, 1, sizeof *crossing);
		if (!crossing) {
			judge->error = -ENOMEM;
			return;
		}
		*crossing = (struct crossing){ .unit = unit,
					       .position = position,
					       .line = (uint8_t)line,
					       .is_mark = begun(judge, side) >> line & 1,
					       .numerator = numerator,
					       .denominator = denominator };
	}
}

static bool rests_on(const struct judge *judge, const struct side *side, uint16_t number)
{
	const struct coverage *coverage = judge->coverage;
	if (side->kind == BAOPHU_PLAN_STOCK)
		return side->target == number;
	if (side->kind == BAOPHU_PLAN_FLOW) {
		uint16_t track = coverage_track(coverage, side->target, side->from, side->to);
		return number == (track ? track : side->target);
	}
	const struct indicator *indicator = measures_indicator(&judge->registry->measures, side->target);
	return indicator->numerator == number || indicator->denominator == number;
}

static void find_crossings(struct judge *judge, struct coverage *coverage, bool is_all)
{
	struct events *events = judge->events;
	if (is_all) {
		for (uint32_t unit = 1; unit < events->unit_size; unit++)
			for (uint32_t i = 0; i < events->units[unit].count; i++)
				judge_side(judge, unit, i);
		return;
	}
	for (size_t i = 0; i < coverage->changed.count; i++) {
		struct coverage_change change = *vec_at(&coverage->changed, struct coverage_change, i);
		uint32_t count = change.unit < events->unit_size ? events->units[change.unit].count : 0;
		for (uint32_t j = 0; j < count; j++)
			if (rests_on(judge, &events->units[change.unit].sides[j], change.measure))
				judge_side(judge, change.unit, j);
	}
	for (size_t i = 0; i < events->due.count; i++) {
		struct place due = *vec_at(&events->due, struct place, i);
		judge_side(judge, due.unit, due.position);
	}
}

/* ---- making ---- */

static int compare_lines(uint32_t a_digits, unsigned a_decimals, uint32_t b_digits, unsigned b_decimals)
{
	int64_t a = a_digits * power_of_ten(BAOPHU_LINE_DECIMALS_MAX - a_decimals),
		b = b_digits * power_of_ten(BAOPHU_LINE_DECIMALS_MAX - b_decimals);
	return a < b ? -1 : a > b;
}

static int by_target_and_line(const void *a, const void *b, void *context)
{
	const struct events *events = context;
	const struct crossing *x = a, *y = b;
	const struct side *p = &events->units[x->unit].sides[x->position], *q = &events->units[y->unit].sides[y->position];
	const struct ratio *m = &events->ratios[x->line], *n = &events->ratios[y->line];
	if (x->unit != y->unit)
		return x->unit < y->unit ? -1 : 1;
	if (p->plan != q->plan)
		return p->plan < q->plan ? -1 : 1;
	if ((p->kind == BAOPHU_PLAN_RATE) != (q->kind == BAOPHU_PLAN_RATE))
		return q->kind == BAOPHU_PLAN_RATE ? -1 : 1;
	if (p->target != q->target)
		return p->target < q->target ? -1 : 1;
	return compare_lines(m->digits, m->decimals, n->digits, n->decimals);
}

static int events_by_target_and_line(const void *a, const void *b)
{
	const struct event *x = a, *y = b;
	if (x->unit != y->unit)
		return x->unit < y->unit ? -1 : 1;
	if (x->plan != y->plan)
		return x->plan < y->plan ? -1 : 1;
	if (x->is_rate != y->is_rate)
		return y->is_rate ? -1 : 1;
	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	return compare_lines(x->line_digits, x->line_decimals, y->line_digits, y->line_decimals);
}

/* The next event of this record, its identity set; NULL: no memory. */
static struct event *make(struct events *events, const struct record_header *header)
{
	const struct event *before = events->made.count ? vec_at(&events->made, struct event, events->made.count - 1) : NULL;
	uint32_t index = before && before->seq == header->place.seq ? before->index + 1 : 0;
	struct event *event = vec_grow(&events->made, 1, sizeof *event);
	if (event)
		*event = (struct event){ .seq = header->place.seq, .index = index, .time_ms = header->time_ms };
	return event;
}

/* The count of this line today; NULL: it was not crossed. */
static struct crossed_today *today_find(const struct events *events, const struct side *side, uint8_t line)
{
	struct crossed_today *today = NULL;
	for (uint32_t at = side->today; at && (!today || today->line != line); at = today->next)
		today = vec_at(&events->today, struct crossed_today, at - 1);
	return today && today->line == line ? today : NULL;
}

/* The same, from 0. */
static struct crossed_today *today_of(struct events *events, uint32_t unit, uint32_t position, uint8_t line)
{
	struct side *side = &events->units[unit].sides[position];
	struct crossed_today *today = today_find(events, side, line);
	if (today)
		return today;
	today = vec_grow(&events->today, 1, sizeof *today);
	if (!today)
		return NULL;
	*today = (struct crossed_today){ .of = { unit, position }, .next = side->today, .line = line };
	side->today = (uint32_t)events->today.count;
	return today;
}

/* More than twice: the newest is remembered whole, for the event that the day ends with; a mark too, for the side that it ended on. */
static int remember(struct events *events, struct crossed_today *today, const struct event *event)
{
	if (event->nth <= 2)
		return 0;
	if (!today->last) {
		if (!vec_grow(&events->frequent, 1, sizeof *event))
			return -ENOMEM;
		today->last = (uint32_t)events->frequent.count;
	}
	*vec_at(&events->frequent, struct event, today->last - 1) = *event;
	return 0;
}

static int make_crossing(struct judge *judge, const struct record_header *header, const struct crossing *crossing)
{
	struct events *events = judge->events;
	struct unit_sides *all = &events->units[crossing->unit];
	struct side *side = &all->sides[crossing->position];
	const struct ratio *ratio = &events->ratios[crossing->line];
	bool is_mark = crossing->is_mark;
	struct crossed_today *today = is_mark ? today_find(events, side, crossing->line)
					      : today_of(events, crossing->unit, crossing->position, crossing->line);
	struct event *event = is_mark || today ? make(events, header) : NULL;
	if (!event)
		return -ENOMEM;
	side->above ^= UINT64_C(1) << crossing->line;
	event->unit = crossing->unit;
	event->plan = side->plan;
	event->target = side->target;
	event->is_rate = side->kind == BAOPHU_PLAN_RATE;
	event->is_mark = is_mark;
	event->decimals = side->decimals;
	event->line_digits = ratio->digits;
	event->line_decimals = ratio->decimals;
	event->direction = side->above >> crossing->line & 1 ? BAOPHU_UP : BAOPHU_DOWN;
	event->numerator = crossing->numerator;
	event->denominator = crossing->denominator;
	event->goal = side->goal;
	event->day = judge->registry->day;
	event->nth = is_mark ? today ? today->nth : 0 : ++today->nth;
	all->delivered += event_is_delivered(event);
	event->unit_events = all->delivered;
	return remember(events, today, event);
}

int events_begin_day(struct events *events, const struct record_header *header, uint32_t cause, baophu_date ended)
{
	size_t first = events->made.count;
	events->ended = ended;
	for (size_t i = 0; i < events->today.count; i++) {
		const struct crossed_today *today = vec_at(&events->today, struct crossed_today, i);
		events->units[today->of.unit].sides[today->of.position].today = 0;
		if (!today->last)
			continue;
		struct event *event = make(events, header);
		if (!event)
			return -ENOMEM;
		uint64_t seq = event->seq;
		int64_t time_ms = event->time_ms;
		*event = *vec_at(&events->frequent, struct event, today->last - 1);
		event->seq = seq;
		event->cause = cause;
		event->time_ms = time_ms;
		event->day = ended;
		event->is_mark = false;
		event->nth = 0;
		event->count = today->nth;
	}
	events->today.count = events->frequent.count = 0;
	if (events->made.count == first)
		return 0;
	struct event *made = vec_at(&events->made, struct event, first);
	qsort(made, events->made.count - first, sizeof *made, events_by_target_and_line);
	for (uint32_t i = 0; first + i < events->made.count; i++) {
		made[i].index = i;
		made[i].unit_events = ++events->units[made[i].unit].delivered;
	}
	return 0;
}

/* ---- causes ---- */

/* What events ask of, and the last entry that speaks of it. */
struct cause {
	uint32_t unit; /* 0: free */
	uint32_t plan; /* 0: of a figure */
	uint16_t target;
	bool is_rate;
	uint32_t entry; /* index + 1; 0: none does */
};
struct causes {
	struct cause *table; /* open hash, power of two */
	size_t size;
};

static struct cause *cause_of(const struct causes *causes, uint32_t unit, uint32_t plan, bool is_rate, uint16_t target)
{
	size_t hash = baophu_mix64(unit, (uint64_t)plan << 32 | (uint64_t)target << 1 | is_rate);
	for (;; hash++) {
		struct cause *cause = &causes->table[hash & (causes->size - 1)];
		if (!cause->unit ||
		    (cause->unit == unit && cause->plan == plan && cause->target == target && cause->is_rate == is_rate))
			return cause;
	}
}

static void ask(struct causes *causes, uint32_t unit, uint32_t plan, bool is_rate, uint16_t target)
{
	*cause_of(causes, unit, plan, is_rate,
		  target) = (struct cause){ .unit = unit, .plan = plan, .target = target, .is_rate = is_rate };
}

/* The entry (its index + 1) speaks of this; it is only noted where somebody asks. */
static void tell(struct causes *causes, uint32_t unit, uint32_t plan, bool is_rate, uint16_t target, uint32_t entry)
{
	struct cause *cause = cause_of(causes, unit, plan, is_rate, target);
	if (cause->unit)
		cause->entry = entry;
}

static void ask_for(struct causes *causes, const struct judge *judge, const struct event *event)
{
	const struct indicator *indicator = event->is_rate ? measures_indicator(&judge->registry->measures, event->target) : NULL;
	ask(causes, event->unit, event->plan, event->is_rate, event->target);
	ask(causes, event->unit, 0, false, indicator ? indicator->numerator : event->target);
	if (indicator)
		ask(causes, event->unit, 0, false, indicator->denominator);
}

/* A figure speaks of its unit and all above it, of its measure and those that it is a part of. */
static void tell_figure(struct causes *causes, const struct judge *judge, const struct slot *slot, uint32_t entry)
{
	const struct tree *tree = judge->coverage->tree;
	for (uint32_t unit = tree_has(tree, slot->unit) ? slot->unit : 0; unit; unit = tree->parent[unit])
		for (uint16_t measure = slot->measure; measure; measure = measures_get(&judge->registry->measures, measure)->parent)
			tell(causes, unit, 0, false, measure, entry);
}

static uint32_t later(uint32_t a, uint32_t b) { return a > b ? a : b; }

static void set_cause(const struct causes *causes, const struct judge *judge, struct event *event, uint32_t other)
{
	const struct indicator *indicator = event->is_rate ? measures_indicator(&judge->registry->measures, event->target) : NULL;
	uint32_t entry = cause_of(causes, event->unit, 0, false, indicator ? indicator->numerator : event->target)->entry;
	if (indicator)
		entry = later(entry, cause_of(causes, event->unit, 0, false, indicator->denominator)->entry);
	if (!entry)
		entry = cause_of(causes, event->unit, event->plan, event->is_rate, event->target)->entry;
	if (!entry)
		entry = other;
	event->cause = entry ? entry - 1 : 0;
}

/* Goes through the record once more: records that make events are few. */
static int set_causes(struct judge *judge, struct event *made, size_t count, const void *record, size_t bytes)
{
	struct record_header header;
	struct record_cursor cursor;
	struct entry entry;
	struct causes causes = { .size = 16 };
	uint32_t other = 0;
	while (causes.size < 6 * count)
		causes.size *= 2;
	causes.table = calloc(causes.size, sizeof *causes.table);
	if (!causes.table)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		ask_for(&causes, judge, &made[i]);
	int error = record_open(record, bytes, &header, &cursor);
	while (!error && record_next(&cursor, &entry) == 1) {
		if (entry.kind == ENTRY_FACT)
			tell_figure(&causes, judge, &entry.fact.slot, cursor.index);
		else if (entry.kind == ENTRY_WITHDRAWAL)
			tell_figure(&causes, judge, &entry.withdrawal.slot, cursor.index);
		else if (entry.kind == ENTRY_PLAN)
			tell(&causes, entry.plan.unit, entry.plan.plan, entry.plan.kind == BAOPHU_PLAN_RATE, entry.plan.target,
			     cursor.index);
		else
			other = cursor.index;
	}
	for (size_t i = 0; !error && i < count; i++)
		set_cause(&causes, judge, &made[i], other);
	free(causes.table);
	return error ? error : cursor.error;
}

/* ---- a record ---- */

static bool is_same_crossing(const struct crossing *a, const struct crossing *b)
{
	return a->unit == b->unit && a->position == b->position && a->line == b->line;
}

int events_judge(struct events *events, const struct registry *registry, struct coverage *coverage, const void *record,
		 size_t bytes, bool is_all)
{
	struct judge judge = { .events = events, .registry = registry, .coverage = coverage };
	struct record_header header;
	int error = record_read_header(record, bytes, &header);
	if (error)
		return error;
	judge.seq = header.place.seq;
	find_crossings(&judge, coverage, is_all);
	coverage->changed.count = 0;
	size_t count = events->found.count, first = events->made.count;
	if (!count || judge.error)
		return judge.error;
	struct crossing *found = events->found.data;
	qsort_r(found, count, sizeof *found, by_target_and_line, events);
	size_t of_record = first && vec_at(&events->made, struct event, first - 1)->seq == header.place.seq
			       ? vec_at(&events->made, struct event, first - 1)->index + 1
			       : 0;
	for (size_t i = 0; i < count && of_record < EVENTS_OF_A_RECORD_MAX && !error; i++) {
		if (i && is_same_crossing(&found[i], &found[i - 1]))
			continue;
		error = make_crossing(&judge, &header, &found[i]);
		of_record++;
	}
	events->found.count = 0;
	if (error)
		return error;
	return set_causes(&judge, vec_at(&events->made, struct event, first), events->made.count - first, record, bytes);
}

/* ---- loading ---- */

int events_load(struct events *events, const struct registry *registry, const struct event *event)
{
	uint32_t position;
	unsigned line = lines_number(&registry->lines, event->line_digits, event->line_decimals);
	struct side *side = event->unit && event->unit < events->unit_size
				? side_find(events, event->unit, event->plan, event->is_rate, event->target, &position)
				: NULL;
	if (!side || line == LINES_EVER_MAX || (event->direction != BAOPHU_UP && event->direction != BAOPHU_DOWN))
		return -BAOPHU_EDAMAGED;
	uint64_t bit = UINT64_C(1) << line;
	side->above = event->direction == BAOPHU_UP ? side->above | bit : side->above & ~bit;
	if (event->unit_events > events->units[event->unit].delivered)
		events->units[event->unit].delivered = event->unit_events;
	if (event->count || !event->nth || event->day != registry->day)
		return 0;
	struct crossed_today *today = today_of(events, event->unit, position, (uint8_t)line);
	if (!today)
		return -ENOMEM;
	today->nth = event->nth;
	return remember(events, today, event);
}
