/* events.h - events: a unit's attainment of a target of its own changes sides of a line. Pure: no I/O, no clock.
 *
 * Judged after every record, whatever a commit holds, so that the log folded again makes the same events. A side is the direction of the
 * newest crossing, below where there was none; so sides are loaded from the newest events and need not be kept elsewhere. Judged are the
 * exact ratios (128 bit): of a level and of a rate while the target's period contains the business day or the figure's date, of an amount
 * from the period's first day on, in that period. No report is below every line; a partial sum, and a rate whose denominator is missing
 * or partial, is not judged: it stays where it was.
 *
 * The first two crossings of one line by one target in a business day are delivered, those after them only kept; the record that begins the
 * next day then makes an event of their number. What begins to be watched (in the record that sets its line or its target, or begins the day
 * that its period begins with) first says where it stands: nobody crossed anything, so what is made of it is a mark, kept like an event and
 * told to nobody. What is made waits in `made` until whoever folds takes it; a record's events are in order of
 * unit, plan, target and line, whatever way they were found.
 */
#pragma once

#include "coverage.h"

/* Bits of an event's index where it stands in one number with its seq. A record makes no more than that: further targets, in that order, are
 * judged when they are touched again. */
enum { EVENT_INDEX_BITS = 22, EVENTS_OF_A_RECORD_MAX = 1 << EVENT_INDEX_BITS };

/* One event, in numbers; message Event. */
struct event {
	uint64_t seq;
	uint32_t index, cause;
	uint32_t unit, plan;
	uint16_t target; /* measure; indicator when is_rate */
	bool is_rate;
	bool is_mark; /* a side that something begins on; nth: crossings of the line before it on that day, which it is none of */
	uint8_t decimals; /* of `goal` of a rate */
	uint8_t line_decimals, direction;
	uint32_t line_digits;
	int64_t numerator, denominator, goal; /* goal: the target's value */
	baophu_date day;
	int64_t time_ms;
	uint32_t nth, count; /* count: of a day that is over; nth is then 0 */
	uint64_t unit_events; /* delivered events of the unit, this one included */
};
static inline bool event_is_delivered(const struct event *event) { return !event->is_mark && (event->count || event->nth <= 2); }
/* In order of identity: negative, 0, positive. */
int event_compare(const struct event *a, const struct event *b);
/* What it says in codes, with the unit's code and name on the event's day. */
void event_describe(const struct registry *registry, const struct event *event, struct baophu_event *ret_event);

/* A target of a unit, under whatever revision, and on which side of each line it is. */
struct side {
	uint64_t above; /* bits of lines (lines.h) */
	int64_t goal; /* value and decimals of the newest revision, which is not looked at for them */
	uint32_t newest; /* its newest revision: index in plans.targets */
	uint32_t today; /* crossings of the business day: index + 1 in events.today; 0: none */
	uint32_t plan;
	baophu_date from, to;
	uint16_t target;
	uint8_t kind, decimals;
	bool removed, begins; /* begins: with the record */
};
struct unit_sides {
	struct side *sides;
	uint32_t count, capacity;
	uint64_t delivered; /* events of the unit, ever */
};

struct events {
	struct unit_sides *units; /* by unit number */
	uint32_t unit_size;
	uint32_t standing; /* targets that stand */
	uint64_t lines_of_all; /* bits of the lines of every plan, and of any plan */
	uint64_t lines_of_any;
	struct ratio {
		uint32_t digits, scale; /* digits / scale percent */
		uint8_t decimals;
	} ratios[LINES_EVER_MAX];
	struct vec today; /* crossings of the business day by line and target */
	struct vec frequent; /* struct event: the last crossing of each line that was crossed more than twice today */
	struct vec due; /* targets that the record set */
	baophu_date ended; /* the day that the record ended; else BAOPHU_DATE_NONE */
	struct vec found; /* crossings of the record, before they are events */
	struct vec made; /* struct event, in order; emptied by whoever folds */
};
void events_init(struct events *events);
void events_finish(struct events *events);
int events_make_room(struct events *events, uint32_t unit_count); /* -ENOMEM */

/* True when a target and a line stand, so that figures have to be up to date after each record. */
static inline bool events_are_watched(const struct events *events) { return events->standing && events->lines_of_any; }
/* Asks the memory for what judging this unit will read: stage 0 its list of sides, a little later stage 1 the sides. */
void events_prefetch(const struct events *events, uint32_t unit, int stage);
/* The lines were changed. */
void events_take_lines(struct events *events, const struct lines *lines);
/* A target was set, revised or removed: the newest of plans.targets. -ENOMEM. */
int events_take_target(struct events *events, const struct plans *plans);
/* Another business day begins by entry `cause` of this record; to be called before the record is judged. -ENOMEM. */
int events_begin_day(struct events *events, const struct record_header *header, uint32_t cause, baophu_date ended);

/* What the record said begins is over, whether it was judged or not. */
void events_end_record(struct events *events);

/* Says what targets stand, for a coverage that was just made. Returns its error. */
int events_watch_all(const struct events *events, const struct registry *registry, struct coverage *coverage);
/* The same for the targets that the record set. */
int events_watch_due(const struct events *events, const struct registry *registry, struct coverage *coverage);
/* Judges what the record changed: `coverage->changed` (emptied) and the targets that it names, or everything when `is_all`. The
 * coverage's urgent figures are up to date; `record` is its bytes. -ENOMEM. */
int events_judge(struct events *events, const struct registry *registry, struct coverage *coverage, const void *record,
		 size_t bytes, bool is_all);

/* Of each target and line the newest event, in any order, after the registry. -BAOPHU_EDAMAGED: of a target that never was; -ENOMEM. */
int events_load(struct events *events, const struct registry *registry, const struct event *event);
