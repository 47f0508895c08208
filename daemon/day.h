/* day.h - when the business day begins. Time is an input here: a wall clock that cannot be believed does not move the day.
 *
 * The clock is believed while it is within 12 hours of the newest entry of the log plus the monotonic time since. After a restart only
 * its going back can be told: nobody knows how long the machine was off.
 */
#pragma once

#include <baophu/date.h>

enum { DAY_TRUST_MS = 12 * 3600 * 1000 };

struct day_watch {
	int64_t wall_ms, monotonic_ms;
}; /* a moment at which both were believed */

/* `entry_ms`: time of the log's newest entry; 0: the log is empty. */
void day_watch_init(struct day_watch *watch, int64_t entry_ms, int64_t wall_ms, int64_t monotonic_ms);
/* The time that an entry made now carries: the wall clock's when it is believed (*ret_is_held false), else what it should say. */
int64_t day_time_ms(struct day_watch *watch, int64_t wall_ms, int64_t monotonic_ms, bool *ret_is_held);
