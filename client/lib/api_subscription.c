/* api_subscription.c - the subscription of client.h: records gathered until a seal proves them, then shown as one cut a step.
 *
 * Two heaps: what came since the last proof, and what is proved and not yet shown. A proof moves the one over the other; the end of a step
 * shows what is proved. So a caller who looks seldom gets one cut for all that he missed, and a flood cannot keep him from getting it.
 * Joining, repairing and what may be claimed are subscription.c's and holding.c's. After a record could not be kept nothing is shown any
 * more: a cut without it would be wrong and look right.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <baophu/client.h>

#include "cut.h"
#include "subscription.h"

static_assert((int)BAOPHU_VIEW_SYNCING == (int)HOLDING_SYNCING && (int)BAOPHU_VIEW_FOLLOWING == (int)HOLDING_FOLLOWING &&
		  (int)BAOPHU_VIEW_EXACT == (int)HOLDING_EXACT && (int)BAOPHU_VIEW_REPAIRING == (int)HOLDING_REPAIRING &&
		  (int)BAOPHU_VIEW_STALE == (int)HOLDING_STALE,
	      "a view is a holding's state");

struct baophu_subscription {
	struct subscription *subscription;
	struct baophu_subscription_config config; /* user and callbacks only */
	struct cut coming, proved;
	struct baophu_place from, to; /* to: of the last proof */
	baophu_date date;
	bool has_proof; /* newer than what was shown */
	uint32_t skipped; /* proofs between `from` and `to` */
	bool is_whole; /* nothing was shown since all became void */
	int error; /* the first one of gathering; it stays */
};

const char *baophu_view_name(enum baophu_view view) { return holding_state_name((enum holding_state)view); }

static void read_standing(const struct baophu_subscription *subscription, struct baophu_subscription_standing *ret_standing)
{
	const struct subscription_standing *standing = subscription_standing(subscription->subscription);
	*ret_standing = (struct baophu_subscription_standing){ .view = (enum baophu_view)standing->state,
							       .place = standing->place,
							       .date = standing->date,
							       .count = standing->count,
							       .seal_seq = standing->seal_seq,
							       .repairs = standing->repairs,
							       .records = standing->records,
							       .refused = standing->refused,
							       .proof_age_ms = subscription_proof_age_ms(
								   subscription->subscription) };
}

static void on_record(void *user, const struct baophu_record *record)
{
	struct baophu_subscription *subscription = user;
	if (subscription->error)
		return;
	if (subscription->config.on_cut)
		subscription->error = cut_put(&subscription->coming, record);
	if (!subscription->error && subscription->config.on_record)
		subscription->config.on_record(subscription->config.user, record);
}

static void show_cut(struct baophu_subscription *subscription)
{
	struct cut *cut = &subscription->proved;
	struct tally_given events;
	subscription_events(subscription->subscription, &events);
	if (subscription->is_whole) {
		cut_drop_tombstones(cut);
		events = (struct tally_given){ 0 }; /* they came before anything was shown that they could be news to */
	}
	struct baophu_cut shown = { .from = subscription->from,
				    .to = subscription->to,
				    .date = subscription->date,
				    .is_whole = subscription->is_whole,
				    .skipped = subscription->skipped,
				    .record_count = cut->count,
				    .records = cut->records,
				    .event_count = events.count,
				    .events = events.events,
				    .unlisted_after = events.unlisted_after,
				    .unlisted_until = events.unlisted_until };
	if (subscription->config.on_cut)
		subscription->config.on_cut(subscription->config.user, &shown);
	cut_clear(cut);
	subscription_events_taken(subscription->subscription);
	subscription->from = subscription->to;
	subscription->is_whole = false;
	subscription->has_proof = false;
	subscription->skipped = 0;
}

static void on_state(void *user, const struct subscription_standing *standing)
{
	struct baophu_subscription *subscription = user;
	if (subscription->error)
		return;
	if (standing->state == HOLDING_SYNCING) {
		cut_clear(&subscription->coming);
		cut_clear(&subscription->proved);
		subscription->from = (struct baophu_place){ 0 };
		subscription->is_whole = true;
		subscription->has_proof = false;
		subscription->skipped = 0;
	}
	if (standing->state == HOLDING_EXACT) {
		subscription->error = cut_merge(&subscription->proved, &subscription->coming);
		subscription->skipped += subscription->has_proof && subscription->to.seq != standing->place.seq;
		subscription->to = standing->place;
		subscription->date = standing->date;
		subscription->has_proof = true;
	}
	if (subscription->config.on_state) {
		struct baophu_subscription_standing shown;
		read_standing(subscription, &shown);
		subscription->config.on_state(subscription->config.user, &shown);
	}
}

int baophu_subscription_open(const struct baophu_subscription_config *config, struct baophu_subscription **ret_subscription)
{
	if (!config->publish_endpoint || !config->query_endpoint || !config->path ||
	    (config->resume_count && !config->resume_units))
		return -EINVAL;
	struct baophu_subscription *subscription = calloc(1, sizeof *subscription);
	if (!subscription)
		return -ENOMEM;
	subscription->config.user = config->user;
	subscription->config.on_cut = config->on_cut;
	subscription->config.on_record = config->on_record;
	subscription->config.on_state = config->on_state;
	subscription->from = config->resume_place;
	subscription->is_whole = !config->resume_place.seq;
	struct subscription_config inner = { .publish_endpoint = config->publish_endpoint,
					     .query_endpoint = config->query_endpoint,
					     .path = config->path,
					     .depth = config->depth,
					     .units_max = config->units_max,
					     .stale_after_ms = config->stale_after_ms,
					     .resume_place = config->resume_place,
					     .resume_units = config->resume_units,
					     .resume_count = config->resume_count,
					     .wants_events = config->wants_events,
					     .events_max = config->events_max,
					     .user = subscription,
					     .on_record = on_record,
					     .on_state = on_state };
	int error = subscription_open(&inner, &subscription->subscription);
	if (error) {
		free(subscription);
		return error;
	}
	*ret_subscription = subscription;
	return 0;
}

void baophu_subscription_close(struct baophu_subscription *subscription)
{
	if (!subscription)
		return;
	subscription_close(subscription->subscription);
	cut_clear(&subscription->coming);
	cut_clear(&subscription->proved);
	free(subscription);
}

int baophu_subscription_step(struct baophu_subscription *subscription, int timeout_ms)
{
	if (subscription->error)
		return subscription->error;
	int error = subscription_step(subscription->subscription, timeout_ms);
	if (!subscription->error && subscription->has_proof)
		show_cut(subscription);
	return subscription->error ? subscription->error : error;
}

void baophu_subscription_standing(const struct baophu_subscription *subscription, struct baophu_subscription_standing *ret_standing)
{
	read_standing(subscription, ret_standing);
}
