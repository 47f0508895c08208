/* day.c - believing the clock. See day.h. */
#include "day.h"

static bool agree(int64_t a_ms, int64_t b_ms) { return a_ms - b_ms <= DAY_TRUST_MS && b_ms - a_ms <= DAY_TRUST_MS; }

void day_watch_init(struct day_watch *watch, int64_t entry_ms, int64_t wall_ms, int64_t monotonic_ms)
{
	bool went_back = entry_ms && wall_ms < entry_ms - DAY_TRUST_MS;
	*watch = (struct day_watch){ went_back ? entry_ms : wall_ms, monotonic_ms };
}

int64_t day_time_ms(struct day_watch *watch, int64_t wall_ms, int64_t monotonic_ms, bool *ret_is_held)
{
	int64_t expected_ms = watch->wall_ms + (monotonic_ms - watch->monotonic_ms);
	*ret_is_held = !agree(wall_ms, expected_ms);
	if (*ret_is_held)
		return expected_ms;
	*watch = (struct day_watch){ wall_ms, monotonic_ms };
	return wall_ms;
}
