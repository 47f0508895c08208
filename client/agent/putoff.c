/* putoff.c - see putoff.h. */
#include "putoff.h"

#include <errno.h>

#include "form.h"

enum { LOOK_MS = 1000, PATIENCE_MS = 24 * 3600 * 1000 };

/* By how many days the figures of the oldest update that waits lie further ahead of `day` than may be; its serial. */
static int days_ahead(struct outbox *outbox, baophu_date day, uint64_t *ret_serial)
{
	struct outbox_walk *walk = NULL;
	struct outbox_update update;
	struct wire_payload payload;
	int ahead = 0;
	*ret_serial = 0;
	if (outbox_walk_open(outbox, outbox_standing(outbox)->answered_to, &walk) != 0)
		return 0;
	if (outbox_walk_next(walk, &update, &payload) == 1) {
		*ret_serial = update.serial;
		for (uint32_t i = 0; i < payload.entry_count; i++) {
			const struct wire_entry *entry = &payload.entries[i];
			if (entry->kind != WIRE_FACT && entry->kind != WIRE_RATE)
				continue;
			bool is_fact = entry->kind == WIRE_FACT;
			bool is_estimate = (is_fact ? entry->fact.status : entry->rate.status) == BAOPHU_ESTIMATE;
			int days = (is_fact ? entry->fact.to : entry->rate.to) - day -
				   (is_estimate ? FORM_AHEAD_DAYS_ESTIMATE_MAX : FORM_AHEAD_DAYS_MAX);
			if (days > ahead)
				ahead = days;
		}
	}
	outbox_walk_close(walk);
	return ahead;
}

int64_t putoff_due_ms(const struct putoff *putoff) { return putoff->serial ? putoff->look_ms : INT64_MAX; }

bool putoff_work(struct putoff *putoff, struct outbox *outbox, baophu_date centre_day, baophu_date own_day, int64_t now_ms)
{
	const struct outbox_standing *standing = outbox_standing(outbox);
	uint64_t serial;
	if (standing->hindrance != OUTBOX_NOT_NOW || standing->code != BAOPHU_CODE_CLOCK) {
		putoff->serial = 0;
		return false;
	}
	if (putoff->serial && now_ms < putoff->look_ms)
		return false;
	putoff->look_ms = now_ms + LOOK_MS;
	bool is_ahead = centre_day != BAOPHU_DATE_NONE && days_ahead(outbox, centre_day, &serial) > 0;
	bool is_ahead_here = days_ahead(outbox, own_day, &serial) > 0;
	if (serial != putoff->serial) {
		putoff->serial = serial;
		putoff->since_ms = now_ms;
	}
	bool is_over = (is_ahead || centre_day == BAOPHU_DATE_NONE) && is_ahead_here;
	if (!is_over && now_ms - putoff->since_ms < PATIENCE_MS)
		return false;
	/* -EBUSY: an answer is still to come. */
	return outbox_give_up(outbox) == 0;
}
