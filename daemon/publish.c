/* publish.c - subscribed topics, the cut that waits, records, tombstones and seals. See publish.h. */
#include "publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	BODY_BYTES = 512 << 10,
	TABLE_MIN = 256,
	SUBSCRIPTIONS_A_CALL =
	    4096, /* the rest waits for the next round: whoever subscribes to everything does not stop the loop */
};
_Static_assert((int)SOCKETS_TOPIC_BYTES_MAX > (int)BAOPHU_TOPIC_BYTES_MAX, "a topic of ours fits the buffer");

/* A subscribed prefix. One that names a seal is also the place where that seal's last numbers are kept. */
struct topic {
	char *text; /* NULL: free place of the table; owned */
	uint64_t hash;
	uint16_t bytes;
	bool is_seal, is_asked; /* asked: subscribed since its last seal */
	uint8_t depth; /* of a seal: of the units that it counts */
	uint32_t unit; /* of a seal: top of the subtree; 0: none of this path, or all roots when is_all */
	bool is_all;
	uint64_t resolved_map_seq;
	struct subtree_sum last;
};

struct publish {
	struct sockets *sockets;
	struct stats *stats;
	int64_t (*clock_us)(void);
	size_t topics_max, topic_bytes_max;
	int64_t pause_us, seal_us;

	struct topic *table; /* open hash by text, power of two */
	size_t table_size, topic_count, topic_bytes, record_topics, seal_topics;
	uint32_t lengths[SOCKETS_TOPIC_BYTES_MAX + 1]; /* how many prefixes of records have this length */

	uint64_t *pending; /* by unit: version before the cut that waits, plus 1; 0: not in it */
	uint32_t pending_size;
	struct vec pending_units; /* uint32_t */
	bool has_pending, has_asked;
	uint64_t published_seq, published_map_seq; /* of the last cut, for the topics that units had then */
	baophu_date published_day;
	int64_t last_cut_us, next_cut_us, last_seals_us;

	struct baophu_row *rows;
	uint8_t *body;
};

int publish_create(const struct config *config, struct sockets *sockets, struct stats *stats, int64_t (*clock_us)(void),
		   struct publish **ret_publish)
{
	struct publish *p = calloc(1, sizeof *p);
	if (!p)
		return -ENOMEM;
	p->sockets = sockets;
	p->stats = stats;
	p->clock_us = clock_us;
	p->topics_max = config->topics_max;
	p->topic_bytes_max = config->topic_bytes_max;
	p->pause_us = (int64_t)config->publish_pause_ms * 1000;
	p->seal_us = (int64_t)config->seal_ms * 1000;
	p->table_size = TABLE_MIN;
	p->table = calloc(p->table_size, sizeof *p->table);
	p->rows = calloc(COVERAGE_ROWS_MAX, sizeof *p->rows);
	p->body = malloc(BODY_BYTES);
	if (!p->table || !p->rows || !p->body) {
		publish_destroy(p);
		return -ENOMEM;
	}
	*ret_publish = p;
	return 0;
}

void publish_destroy(struct publish *p)
{
	if (!p)
		return;
	for (size_t i = 0; p->table && i < p->table_size; i++)
		free(p->table[i].text);
	free(p->table);
	free(p->pending);
	vec_finish(&p->pending_units);
	free(p->rows);
	free(p->body);
	free(p);
}

/* ---- subscriptions ---- */

#define HASH_START UINT64_C(0xcbf29ce484222325)
static uint64_t hash_step(uint64_t hash, char byte) { return (hash ^ (uint8_t)byte) * UINT64_C(0x100000001b3); }

static size_t place_of(const struct topic *table, size_t size, uint64_t hash, const char *text, size_t bytes)
{
	size_t at = (hash ^ hash >> 29) & (size - 1);
	while (table[at].text && (table[at].hash != hash || table[at].bytes != bytes || memcmp(table[at].text, text, bytes)))
		at = (at + 1) & (size - 1);
	return at;
}

static uint64_t hash_of(const char *text, size_t bytes)
{
	uint64_t hash = HASH_START;
	for (size_t i = 0; i < bytes; i++)
		hash = hash_step(hash, text[i]);
	return hash;
}

/* "seal/<depth>/<code>/.../~": fills depth. The path is looked up against the tree later. */
static bool parse_seal(struct topic *topic)
{
	const char *text = topic->text;
	if (topic->bytes < 8 || memcmp(text, "seal/", 5) || text[5] < '0' || text[5] > '0' + BAOPHU_DEPTH_MAX || text[6] != '/' ||
	    memcmp(text + topic->bytes - 2, "/~", 2))
		return false;
	topic->depth = (uint8_t)(text[5] - '0');
	topic->is_all = topic->bytes == 8;
	return true;
}

static int table_grow(struct publish *p)
{
	size_t size = p->table_size * 2;
	struct topic *table = calloc(size, sizeof *table);
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < p->table_size; i++)
		if (p->table[i].text)
			table[place_of(table, size, p->table[i].hash, p->table[i].text, p->table[i].bytes)] = p->table[i];
	free(p->table);
	p->table = table;
	p->table_size = size;
	return 0;
}

static int subscribe(struct publish *p, const char *text, size_t bytes)
{
	uint64_t hash = hash_of(text, bytes);
	size_t at = place_of(p->table, p->table_size, hash, text, bytes);
	if (!p->table[at].text) {
		/* libzmq cannot be told to refuse one; ours are bounded, and past the bound nothing is sent for them. */
		if (p->topic_count >= p->topics_max || p->topic_bytes + bytes > p->topic_bytes_max ||
		    bytes > BAOPHU_TOPIC_BYTES_MAX) {
			stats_add(p->stats, STATS_SUBSCRIPTIONS_REFUSED, 1);
			return 0;
		}
		if ((p->topic_count + 1) * 2 > p->table_size) {
			if (table_grow(p))
				return -ENOMEM;
			at = place_of(p->table, p->table_size, hash, text, bytes);
		}
		struct topic topic = { .text = malloc(bytes + 1), .hash = hash, .bytes = (uint16_t)bytes };
		if (!topic.text)
			return -ENOMEM;
		memcpy(topic.text, text, bytes);
		topic.text[bytes] = 0;
		topic.is_seal = parse_seal(&topic);
		p->table[at] = topic;
		p->topic_count++;
		p->topic_bytes += bytes;
		if (topic.is_seal) {
			p->seal_topics++;
		} else {
			p->record_topics++;
			p->lengths[bytes]++;
		}
	}
	if (p->table[at].is_seal)
		p->table[at].is_asked = p->has_asked = true;
	return 0;
}

static void unsubscribe(struct publish *p, const char *text, size_t bytes)
{
	size_t mask = p->table_size - 1, at = place_of(p->table, p->table_size, hash_of(text, bytes), text, bytes);
	struct topic *topic = &p->table[at];
	if (!topic->text)
		return;
	p->topic_count--;
	p->topic_bytes -= bytes;
	if (topic->is_seal) {
		p->seal_topics--;
	} else {
		p->record_topics--;
		p->lengths[bytes]--;
	}
	free(topic->text);
	*topic = (struct topic){ 0 };
	/* What stands behind it moves up, so that no search stops short. */
	for (size_t next = (at + 1) & mask; p->table[next].text; next = (next + 1) & mask) {
		struct topic moved = p->table[next];
		p->table[next] = (struct topic){ 0 };
		p->table[place_of(p->table, p->table_size, moved.hash, moved.text, moved.bytes)] = moved;
	}
}

int publish_take_subscriptions(struct publish *p)
{
	char topic[SOCKETS_TOPIC_BYTES_MAX];
	size_t bytes;
	bool is_on;
	for (int i = 0; i < SUBSCRIPTIONS_A_CALL; i++) {
		int got = sockets_receive_subscription(p->sockets, &is_on, topic, &bytes);
		if (got != 1)
			return got;
		int error = 0;
		if (is_on)
			error = subscribe(p, topic, bytes);
		else
			unsubscribe(p, topic, bytes);
		if (error)
			return error;
	}
	return 0;
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

static bool is_subscribed(const struct publish *p, const char *topic, size_t bytes)
{
	uint64_t hash = HASH_START;
	for (size_t i = 0;; i++) {
		if (p->lengths[i] && p->table[place_of(p->table, p->table_size, hash, topic, i)].text)
			return true;
		if (i == bytes)
			return false;
		hash = hash_step(hash, topic[i]);
	}
}

/* ---- what waits ---- */

static void forget_pending(struct publish *p, const struct state *state)
{
	for (size_t i = 0; i < p->pending_units.count; i++)
		p->pending[*vec_at(&p->pending_units, uint32_t, i)] = 0;
	p->pending_units.count = 0;
	p->has_pending = false;
	p->published_seq = state->place.seq;
	p->published_map_seq = state->registry.map_seq;
	p->published_day = state->tree.date;
}

int publish_gather(struct publish *p, const struct state *state)
{
	if (!p->topic_count) {
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
	if (!p->record_topics)
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
	return 0;
}

/* ---- sending ---- */

static void send_record(struct publish *p, const char *topic, size_t topic_bytes, const struct baophu_record *record)
{
	ssize_t bytes = wire_encode_record(record, p->body, BODY_BYTES);
	if (bytes > 0 && !sockets_publish(p->sockets, topic, topic_bytes, p->body, (size_t)bytes))
		stats_add(p->stats, record->tombstone ? STATS_PUBLISHED_TOMBSTONES : STATS_PUBLISHED_RECORDS, 1);
}

static void send_records(struct publish *p, const struct state *state)
{
	char topic[SOCKETS_TOPIC_BYTES_MAX];
	for (size_t i = 0; i < p->pending_units.count; i++) {
		uint32_t unit = *vec_at(&p->pending_units, uint32_t, i);
		if (!tree_has(&state->tree, unit))
			continue;
		size_t bytes = topic_of(&state->registry.units, &state->tree, unit, topic);
		if (!is_subscribed(p, topic, bytes))
			continue;
		struct baophu_record record;
		fold_unit_record(state, unit, p->rows, COVERAGE_ROWS_MAX, &record);
		record.previous = p->pending[unit] - 1;
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
		} else if (is_subscribed(p, before, bytes)) {
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
	if (!p->record_topics)
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

static struct subtree_sum seal_numbers(const struct state *state, struct topic *topic)
{
	const struct tree *tree = &state->tree;
	struct subtree_sum sum = { 0 };
	if (topic->is_all) {
		for (uint32_t i = 0; i < tree->root_count; i++) {
			struct subtree_sum one = fold_subtree(state, tree->roots[i], topic->depth);
			sum.count += one.count;
			sum.sum += one.sum;
		}
		return sum;
	}
	if (topic->resolved_map_seq != state->registry.map_seq) {
		const char *at = topic->text + 7, *end = topic->text + topic->bytes - 1; /* after "seal/<depth>/", before "~" */
		uint32_t unit = 0;
		do {
			const char *slash = memchr(at, '/', (size_t)(end - at));
			unit = slash && slash > at && slash - at <= BAOPHU_CODE_BYTES_MAX
				   ? child_named(state, tree->roots, tree->root_count, unit, at, (size_t)(slash - at))
				   : 0;
			at = slash ? slash + 1 : end;
		} while (unit && at < end);
		topic->unit = unit;
		topic->resolved_map_seq = state->registry.map_seq;
	}
	if (topic->unit && topic->depth >= tree->depth[topic->unit])
		sum = fold_subtree(state, topic->unit, (unsigned)(topic->depth - tree->depth[topic->unit]));
	return sum;
}

static void send_seals(struct publish *p, const struct state *state, bool is_all)
{
	struct baophu_seal seal = { .place = state->place, .date = state->tree.date };
	for (size_t i = 0; p->seal_topics && i < p->table_size; i++) {
		struct topic *topic = &p->table[i];
		if (!topic->is_seal)
			continue;
		struct subtree_sum sum = seal_numbers(state, topic);
		if (!is_all && !topic->is_asked && sum.count == topic->last.count && sum.sum == topic->last.sum)
			continue;
		topic->last = sum;
		topic->is_asked = false;
		seal.count = sum.count;
		seal.sum = sum.sum;
		ssize_t bytes = wire_encode_seal(&seal, p->body, BODY_BYTES);
		if (bytes > 0 && !sockets_publish(p->sockets, topic->text, topic->bytes, p->body, (size_t)bytes))
			stats_add(p->stats, STATS_PUBLISHED_SEALS, 1);
	}
	p->has_asked = false;
}

static int send_cut(struct publish *p, const struct state *state, int64_t now_us)
{
	int error = send_changes(p, state);
	if (error)
		return error;
	send_seals(p, state, false);
	forget_pending(p, state);
	stats_add(p->stats, STATS_PUBLISHED_CUTS, 1);
	int64_t end_us = p->clock_us(), took_us = end_us - now_us;
	bool is_slow = took_us * 4 > end_us - p->last_cut_us;
	int64_t pause_us = took_us * 3 < p->pause_us ? took_us * 3 : p->pause_us;
	p->next_cut_us = end_us + (is_slow ? pause_us : 0);
	p->last_cut_us = p->last_seals_us = end_us;
	return 0;
}

int publish_send_due(struct publish *p, const struct state *state, int *ret_wait_ms)
{
	*ret_wait_ms = -1;
	if (!p->topic_count)
		return 0;
	int64_t now_us = p->clock_us();
	if (p->has_pending && now_us >= p->next_cut_us) {
		int error = send_cut(p, state, now_us);
		if (error)
			return error;
	} else if (!p->has_pending) { /* a seal speaks of what was sent, so it never overtakes a cut that waits */
		bool is_idle = now_us - p->last_seals_us >= p->seal_us;
		if (is_idle)
			p->last_seals_us = now_us;
		if (is_idle || p->has_asked)
			send_seals(p, state, is_idle);
	}
	int64_t due_us = p->has_pending ? p->next_cut_us : p->last_seals_us + p->seal_us;
	if (p->has_pending || p->seal_topics)
		*ret_wait_ms = due_us <= now_us ? 0 : (int)((due_us - now_us + 999) / 1000);
	return 0;
}
