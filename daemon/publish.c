/* publish.c - the cut that waits, its records, tombstones and seals, and what of it could not be sent yet. See publish.h.
 *
 * A cut is encoded at one go, because all of it must be of one state, and sent in slices: a record goes into the queue of every subscriber,
 * and a thousand of them would keep the loop from its updates for a millisecond each. What does not fit the slice waits in the outbox, in
 * order, and nothing newer is encoded before that is empty.
 */
#include "publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <sodium.h>

#include "topics.h"

enum {
	BODY_BYTES = 512 << 10,
	OUTBOX_BYTES = 16 << 20,
	OUTBOX_KEPT_BYTES = 256 << 10, /* what a large cut used beyond goes back to the system */
	/* While something waits, sending has as long as everything else had since the last slice, within these. */
	SLICE_US_MIN = 1000,
	SLICE_US_MAX = 20000,
	EVENTS_MAX = 4096, /* of one cut; who misses older ones asks */
	SUBSCRIPTIONS_A_CALL =
	    4096, /* the rest waits for the next round: whoever subscribes to everything does not stop the loop */
};
_Static_assert((int)SOCKETS_TOPIC_BYTES_MAX > (int)BAOPHU_TOPIC_BYTES_MAX, "a topic of ours fits the buffer");

/* A message in the outbox; its topic and its body follow. */
struct waiting {
	uint32_t body_bytes;
	uint16_t topic_bytes;
	uint16_t counter; /* enum stats_counter: what it is */
};
_Static_assert(sizeof(struct waiting) + SOCKETS_TOPIC_BYTES_MAX + BODY_BYTES <= OUTBOX_BYTES, "any message fits an empty outbox");

struct publish {
	struct sockets *sockets;
	struct stats *stats;
	struct notices *notices;
	int64_t (*clock_us)(void);
	int64_t pause_us, seal_us;
	struct topics *topics;

	uint64_t *pending; /* by unit: version before the cut that waits, plus 1; 0: not in it */
	uint32_t pending_size;
	struct vec pending_units; /* uint32_t */
	struct vec events; /* struct event: delivered ones of the cut that waits, the newest */
	bool has_pending, has_asked;
	uint64_t published_seq, published_map_seq; /* of the last cut, for the topics that units had then */
	baophu_date published_day;

	bool is_cutting; /* a cut is in the outbox */
	int64_t cut_spent_us; /* on it so far */
	int64_t last_cut_us, next_cut_us, seals_due_us;
	int64_t slice_from_us, slice_until_us; /* the end of the last slice; of this one */

	uint8_t *outbox;
	size_t outbox_at, outbox_end;
	struct baophu_row *rows;
	uint8_t *body;
};

int publish_create(const struct config *config, struct sockets *sockets, struct stats *stats, struct notices *notices,
		   int64_t (*clock_us)(void), struct publish **ret_publish)
{
	struct publish *p = calloc(1, sizeof *p);
	if (!p)
		return -ENOMEM;
	p->sockets = sockets;
	p->stats = stats;
	p->notices = notices;
	p->clock_us = clock_us;
	p->pause_us = (int64_t)config->publish_pause_ms * 1000;
	p->seal_us = (int64_t)config->seal_ms * 1000;
	p->rows = calloc(COVERAGE_ROWS_MAX, sizeof *p->rows);
	p->body = malloc(BODY_BYTES);
	p->outbox = mmap(NULL, OUTBOX_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t seed;
	randombytes_buf(&seed, sizeof seed);
	int error = p->rows && p->body && p->outbox != MAP_FAILED ? 0 : -ENOMEM;
	if (!error)
		error = topics_create(config->topics_max, config->topic_bytes_max, seed, &p->topics);
	if (error) {
		publish_destroy(p);
		return error;
	}
	*ret_publish = p;
	return 0;
}

void publish_destroy(struct publish *p)
{
	if (!p)
		return;
	topics_destroy(p->topics);
	free(p->pending);
	vec_finish(&p->pending_units);
	vec_finish(&p->events);
	free(p->rows);
	free(p->body);
	if (p->outbox && p->outbox != MAP_FAILED)
		munmap(p->outbox, OUTBOX_BYTES);
	free(p);
}

/* ---- subscriptions ---- */

static int subscribe(struct publish *p, const char *topic, size_t bytes, uint32_t subscriber, uint32_t *cut)
{
	struct topic_seal *seal;
	int error = topics_subscribe(p->topics, topic, bytes, subscriber, &seal);
	if (error == -BAOPHU_EFULL) {
		stats_add(p->stats, STATS_SUBSCRIPTIONS_REFUSED, 1);
		notice(p->notices, NOTICE_WARNING, "subscription refused",
		       "a subscriber asks for more topics than there is room for beside %zu others: it is disconnected",
		       topics_count(p->topics));
		if (subscriber != *cut)
			sockets_cut_subscriber(p->sockets, subscriber);
		*cut = subscriber;
		return 0;
	}
	if (!error && seal)
		seal->is_asked = p->has_asked = true;
	return error;
}

int publish_take_subscriptions(struct publish *p)
{
	char topic[SOCKETS_TOPIC_BYTES_MAX];
	size_t bytes;
	bool is_on;
	uint32_t subscriber, cut = 0;
	for (int i = 0; i < SUBSCRIPTIONS_A_CALL; i++) {
		int got = sockets_receive_subscription(p->sockets, &is_on, topic, &bytes, &subscriber);
		if (got != 1)
			return got;
		int error = 0;
		if (is_on)
			error = subscribe(p, topic, bytes, subscriber, &cut);
		else
			topics_cancel(p->topics, topic, bytes);
		if (error)
			return error;
	}
	return 0;
}

/* ---- the outbox ---- */

static bool outbox_is_empty(const struct publish *p) { return p->outbox_at == p->outbox_end; }

static void send_now(struct publish *p, const char *topic, size_t topic_bytes, const uint8_t *body, size_t body_bytes,
		     enum stats_counter counter)
{
	if (!sockets_publish(p->sockets, topic, topic_bytes, body, body_bytes))
		stats_add(p->stats, counter, 1);
}

/* Until it is empty, or the slice is over and nothing forces the rest out. */
static void outbox_send(struct publish *p, bool is_forced)
{
	while (!outbox_is_empty(p) && (is_forced || p->clock_us() < p->slice_until_us)) {
		struct waiting waiting;
		const uint8_t *at = p->outbox + p->outbox_at;
		memcpy(&waiting, at, sizeof waiting);
		at += sizeof waiting;
		send_now(p, (const char *)at, waiting.topic_bytes, at + waiting.topic_bytes, waiting.body_bytes,
			 (enum stats_counter)waiting.counter);
		p->outbox_at += sizeof waiting + waiting.topic_bytes + waiting.body_bytes;
	}
	if (!outbox_is_empty(p))
		return;
	if (p->outbox_end > OUTBOX_KEPT_BYTES)
		madvise(p->outbox + OUTBOX_KEPT_BYTES, OUTBOX_BYTES - OUTBOX_KEPT_BYTES, MADV_DONTNEED);
	p->outbox_at = p->outbox_end = 0;
}

/* Sends p->body now, or later, when its turn has come. */
static void put(struct publish *p, const char *topic, size_t topic_bytes, size_t body_bytes, enum stats_counter counter)
{
	if (p->clock_us() <
	    p->slice_until_us) { /* nothing is encoded before the outbox is empty, and nothing waits in it till then */
		send_now(p, topic, topic_bytes, p->body, body_bytes, counter);
		return;
	}
	if (p->outbox_end + sizeof(struct waiting) + topic_bytes + body_bytes > OUTBOX_BYTES)
		outbox_send(p, true);
	struct waiting waiting = { (uint32_t)body_bytes, (uint16_t)topic_bytes, (uint16_t)counter };
	uint8_t *at = p->outbox + p->outbox_end;
	memcpy(at, &waiting, sizeof waiting);
	memcpy(at + sizeof waiting, topic, topic_bytes);
	memcpy(at + sizeof waiting + topic_bytes, p->body, body_bytes);
	p->outbox_end += sizeof waiting + topic_bytes + body_bytes;
}

/* ---- topics of units ---- */

/* "coverage/<depth>/<codes from the root down, each followed by a slash>" of a unit that is in the tree. Returns its length. */
static size_t topic_of(const struct units *units, const struct tree *tree, uint32_t unit,
		       char topic[static SOCKETS_TOPIC_BYTES_MAX])
{
	uint32_t path[BAOPHU_DEPTH_MAX + 1];
	unsigned steps = 0;
	for (uint32_t up = unit; up && steps <= BAOPHU_DEPTH_MAX; up = tree->parent[up])
		path[steps++] = up;
	memcpy(topic, "coverage/", 9);
	char *at = topic + 9;
	*at++ = (char)('0' + tree->depth[unit]);
	*at++ = '/';
	while (steps--) {
		const char *code = vec_at(&units->versions, struct unit_version, tree->version[path[steps]] - 1)->code;
		while (*code)
			*at++ = *code++;
		*at++ = '/';
	}
	return (size_t)(at - topic);
}

/* ---- what waits ---- */

static void forget_pending(struct publish *p, const struct state *state)
{
	for (size_t i = 0; i < p->pending_units.count; i++)
		p->pending[*vec_at(&p->pending_units, uint32_t, i)] = 0;
	p->pending_units.count = p->events.count = 0;
	p->has_pending = false;
	p->published_seq = state->place.seq;
	p->published_map_seq = state->registry.map_seq;
	p->published_day = state->tree.date;
}

static int gather_events(struct publish *p, const struct vec *made)
{
	size_t first = made->count > EVENTS_MAX ? made->count - EVENTS_MAX : 0;
	if (p->events.count + (made->count - first) > EVENTS_MAX)
		p->events.count = 0;
	for (size_t i = first; i < made->count; i++) {
		const struct event *event = vec_at(made, struct event, i);
		struct event *kept = event_is_delivered(event) ? vec_grow(&p->events, 1, sizeof *kept) : NULL;
		if (kept)
			*kept = *event;
		else if (event_is_delivered(event))
			return -ENOMEM;
	}
	return 0;
}

int publish_gather(struct publish *p, const struct state *state)
{
	if (!topics_count(p->topics)) {
		forget_pending(p, state);
		return 0;
	}
	p->has_pending = true;
	if (state->tree.count > p->pending_size) {
		uint32_t size = state->tree.count + state->tree.count / 4 + 64;
		uint64_t *pending = realloc(p->pending, size * sizeof *pending);
		if (!pending)
			return -ENOMEM;
		memset(pending + p->pending_size, 0, (size - p->pending_size) * sizeof *pending);
		p->pending = pending;
		p->pending_size = size;
	}
	if (!topics_record_count(p->topics))
		return 0;
	for (size_t i = 0; i < state->touched.count; i++) {
		const struct touched *touched = vec_at(&state->touched, struct touched, i);
		if (p->pending[touched->unit])
			continue;
		uint32_t *unit = vec_grow(&p->pending_units, 1, sizeof *unit);
		if (!unit)
			return -ENOMEM;
		*unit = touched->unit;
		p->pending[touched->unit] = touched->previous + 1;
	}
	return gather_events(p, &state->events.made);
}

/* ---- sending ---- */

static void send_record(struct publish *p, const char *topic, size_t topic_bytes, const struct baophu_record *record)
{
	ssize_t bytes = wire_encode_record(record, p->body, BODY_BYTES);
	if (bytes > 0)
		put(p, topic, topic_bytes, (size_t)bytes, record->tombstone ? STATS_PUBLISHED_TOMBSTONES : STATS_PUBLISHED_RECORDS);
}

static int by_unit(const void *a, const void *b)
{
	const struct event *x = a, *y = b;
	if (x->unit != y->unit)
		return x->unit < y->unit ? -1 : 1;
	return event_compare(x, y);
}

/* The newest events of the unit in this cut, in order; p->events is sorted. */
static uint32_t take_events(const struct publish *p, const struct state *state, uint32_t unit,
			    struct baophu_event events[static BAOPHU_RECORD_EVENTS_MAX])
{
	const struct event *all = p->events.data;
	size_t low = 0, high = p->events.count;
	while (low < high) { /* the first of a higher unit */
		size_t middle = (low + high) / 2;
		if (all[middle].unit <= unit)
			low = middle + 1;
		else
			high = middle;
	}
	size_t first = low;
	while (first && low - first < BAOPHU_RECORD_EVENTS_MAX && all[first - 1].unit == unit)
		first--;
	for (size_t i = first; i < low; i++)
		event_describe(&state->registry, &all[i], &events[i - first]);
	return (uint32_t)(low - first);
}

static void send_records(struct publish *p, const struct state *state)
{
	char topic[SOCKETS_TOPIC_BYTES_MAX];
	struct baophu_event events[BAOPHU_RECORD_EVENTS_MAX];
	if (p->events.count)
		qsort(p->events.data, p->events.count, sizeof(struct event), by_unit);
	for (size_t i = 0; i < p->pending_units.count; i++) {
		uint32_t unit = *vec_at(&p->pending_units, uint32_t, i);
		if (!tree_has(&state->tree, unit))
			continue;
		size_t bytes = topic_of(&state->registry.units, &state->tree, unit, topic);
		if (!topics_match(p->topics, topic, bytes))
			continue;
		struct baophu_record record;
		fold_unit_record(state, unit, p->rows, COVERAGE_ROWS_MAX, &record);
		record.previous = p->pending[unit] - 1;
		record.new_event_count = p->events.count ? take_events(p, state, unit, events) : 0;
		record.events = events;
		send_record(p, topic, bytes, &record);
	}
}

/* Units whose topic is another one than at the last cut. Who holds one under its new topic for the first time has nothing before it, so
 * its record must apply without; who holds it under the old one is told that it is gone. A subscriber of both has the record first, and
 * ignores the tombstone of the same version. */
static void compare_topics(struct publish *p, const struct state *state, const struct tree *old, bool is_sending)
{
	const struct units *units = &state->registry.units;
	char before[SOCKETS_TOPIC_BYTES_MAX], after[SOCKETS_TOPIC_BYTES_MAX];
	for (uint32_t i = 0; i < old->order_count; i++) {
		uint32_t unit = old->order[i];
		bool is_there = tree_has(&state->tree, unit);
		size_t bytes = topic_of(units, old, unit, before);
		if (is_there && topic_of(units, &state->tree, unit, after) == bytes && !memcmp(before, after, bytes))
			continue;
		if (!is_sending) {
			if (p->pending[unit])
				p->pending[unit] = 1;
		} else if (topics_match(p->topics, before, bytes)) {
			struct baophu_record record = { .unit_number = unit,
							.depth = old->depth[unit],
							.date = state->tree.date,
							.seq = state->place.seq,
							.tombstone = true,
							.version = is_there ? state->version[unit] : state->registry.map_seq };
			memcpy(record.unit, vec_at(&units->versions, struct unit_version, old->version[unit] - 1)->code,
			       sizeof record.unit);
			send_record(p, before, bytes, &record);
		}
	}
}

static int send_changes(struct publish *p, const struct state *state)
{
	if (!topics_record_count(p->topics))
		return 0;
	struct tree old;
	bool has_moved = p->published_map_seq != state->registry.map_seq && p->published_seq;
	if (has_moved && tree_build(&old, &state->registry.units, p->published_day, entry_id(p->published_seq + 1, 0) - 1))
		return -ENOMEM;
	if (has_moved)
		compare_topics(p, state, &old, false);
	send_records(p, state);
	if (has_moved) {
		compare_topics(p, state, &old, true);
		tree_finish(&old);
	}
	return 0;
}

static uint32_t child_named(const struct state *state, const uint32_t *roots, uint32_t root_count, uint32_t parent,
			    const char *code, size_t bytes)
{
	const struct tree *tree = &state->tree;
	uint32_t unit = parent ? tree->first_child[parent] : 0;
	for (uint32_t i = 0; parent ? unit != 0 : i < root_count; i++) {
		if (!parent)
			unit = roots[i];
		const char *have = vec_at(&state->registry.units.versions, struct unit_version, tree->version[unit] - 1)->code;
		if (!strncmp(have, code, bytes) && !have[bytes])
			return unit;
		if (parent)
			unit = tree->next_sibling[unit];
	}
	return 0;
}

static struct subtree_sum seal_numbers(const struct state *state, struct topic_seal *seal)
{
	const struct tree *tree = &state->tree;
	struct subtree_sum sum = { 0 };
	if (seal->is_all) {
		for (uint32_t i = 0; i < tree->root_count; i++) {
			struct subtree_sum one = fold_subtree(state, tree->roots[i], seal->depth);
			sum.count += one.count;
			sum.sum += one.sum;
		}
		return sum;
	}
	if (seal->resolved_map_seq != state->registry.map_seq) {
		const char *at = seal->text + 7, *end = seal->text + seal->bytes - 1; /* after "seal/<depth>/", before "~" */
		uint32_t unit = 0;
		do {
			const char *slash = memchr(at, '/', (size_t)(end - at));
			unit = slash && slash > at && slash - at <= BAOPHU_CODE_BYTES_MAX
				   ? child_named(state, tree->roots, tree->root_count, unit, at, (size_t)(slash - at))
				   : 0;
			at = slash ? slash + 1 : end;
		} while (unit && at < end);
		seal->unit = unit;
		seal->resolved_map_seq = state->registry.map_seq;
	}
	if (seal->unit && seal->depth >= tree->depth[seal->unit])
		sum = fold_subtree(state, seal->unit, (unsigned)(seal->depth - tree->depth[seal->unit]));
	return sum;
}

/* Those that were asked for, that what changed has touched, or that were silent for as long as a seal may be, however busy the rest is. */
static void send_seals(struct publish *p, const struct state *state, int64_t now_us)
{
	struct baophu_seal out = { .place = state->place, .date = state->tree.date };
	size_t count;
	struct topic_seal *seals = topics_seals(p->topics, &count);
	p->has_asked = false;
	p->seals_due_us = now_us + p->seal_us;
	for (size_t i = 0; i < count; i++) {
		struct topic_seal *seal = &seals[i];
		struct subtree_sum sum = seal_numbers(state, seal);
		if (!seal->is_asked && sum.count == seal->last.count && sum.sum == seal->last.sum &&
		    now_us - seal->sent_us < p->seal_us) {
			if (seal->sent_us + p->seal_us < p->seals_due_us)
				p->seals_due_us = seal->sent_us + p->seal_us;
			continue;
		}
		seal->last = sum;
		seal->is_asked = false;
		seal->sent_us = now_us;
		out.count = sum.count;
		out.sum = sum.sum;
		ssize_t bytes = wire_encode_seal(&out, p->body, BODY_BYTES);
		if (bytes > 0)
			put(p, seal->text, seal->bytes, (size_t)bytes, STATS_PUBLISHED_SEALS);
	}
}

/* All of a cut has been sent. */
static void end_cut(struct publish *p, int64_t now_us)
{
	bool is_slow = p->cut_spent_us * 4 > now_us - p->last_cut_us;
	int64_t pause_us = p->cut_spent_us * 3 < p->pause_us ? p->cut_spent_us * 3 : p->pause_us;
	stats_add(p->stats, STATS_PUBLISHED_CUTS, 1);
	p->next_cut_us = now_us + (is_slow ? pause_us : 0);
	p->last_cut_us = now_us;
	p->is_cutting = false;
}

static int begin_cut(struct publish *p, const struct state *state, int64_t now_us)
{
	int error = send_changes(p, state);
	if (error)
		return error;
	send_seals(p, state, now_us);
	forget_pending(p, state);
	p->is_cutting = true;
	p->cut_spent_us = 0;
	return 0;
}

bool publish_is_behind(const struct publish *p) { return !outbox_is_empty(p); }

int publish_send_due(struct publish *p, const struct state *state, int *ret_wait_ms)
{
	*ret_wait_ms = -1;
	if (!topics_count(p->topics) && outbox_is_empty(p))
		return 0;
	int64_t now_us = p->clock_us(), other_us = now_us - p->slice_from_us;
	p->slice_until_us = now_us + (other_us < SLICE_US_MIN ? SLICE_US_MIN : other_us > SLICE_US_MAX ? SLICE_US_MAX : other_us);
	if (!outbox_is_empty(p)) {
		outbox_send(p, false);
	} else if (p->has_pending && now_us >= p->next_cut_us) {
		int error = begin_cut(p, state, now_us);
		if (error)
			return error;
	} else if (!p->has_pending && (p->has_asked || now_us >= p->seals_due_us)) {
		send_seals(p, state, now_us); /* it speaks of what was sent, so it never overtakes a cut that waits */
	}
	int64_t end_us = p->slice_from_us = p->clock_us();
	if (p->is_cutting) {
		p->cut_spent_us += end_us - now_us;
		if (outbox_is_empty(p))
			end_cut(p, end_us);
	}
	if (!outbox_is_empty(p)) {
		*ret_wait_ms = 0;
	} else if (p->has_pending || topics_count(p->topics) > topics_record_count(p->topics)) {
		int64_t due_us = p->has_pending ? p->next_cut_us : p->has_asked ? end_us : p->seals_due_us;
		*ret_wait_ms = due_us <= end_us ? 0 : (int)((due_us - end_us + 999) / 1000);
	}
	return 0;
}
