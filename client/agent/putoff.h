/* putoff.h - an update that the centre puts off because of its date keeps all that is behind it waiting: when to take it back.
 *
 * The form takes no date ahead of the day, so one of the clocks was wrong: this machine's when it was saved, or the centre's now. When by both days
 * the figure lies ahead, it is taken back at once and its rows come back; when only by the centre's, it waits a day for somebody to
 * set a clock. Threads: one.
 */
#pragma once

#include "outbox.h"

struct putoff {
	uint64_t serial; /* the update that is put off; 0: none */
	int64_t since_ms; /* monotonic */
	int64_t look_ms; /* not looked at before */
};
/* True when the oldest update that waits was taken back. `centre_day`: BAOPHU_DATE_NONE when it is not known; `own_day`: this machine's, now. */
bool putoff_work(struct putoff *putoff, struct outbox *outbox, baophu_date centre_day, baophu_date own_day, int64_t now_ms);
/* When putoff_work is to be called; INT64_MAX: nothing is put off. */
int64_t putoff_due_ms(const struct putoff *putoff);
