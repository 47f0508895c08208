/* topics.c - an open hash of texts; seals lie beside it one after the other, because each cut looks at all of them. See topics.h. */
#include "topics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_MIN = 256, CONNECTIONS_MAX = 1 << 20 };

struct topic {
	char *text; /* NULL: free place of the table; owned */
	uint64_t hash;
	uint32_t connection; /* the last that asked for it */
	uint32_t seal; /* index + 1 in `seals`; 0: it is a prefix of records */
	uint16_t bytes;
};
struct share {
	uint32_t count;
	size_t bytes;
};

struct topics {
	size_t count_max, bytes_max;
	uint64_t seed;
	struct topic *table; /* power of two */
	size_t size, count, bytes;
	struct vec seals; /* struct topic_seal */
	struct vec shares; /* struct share by connection */
	uint32_t lengths[BAOPHU_TOPIC_BYTES_MAX + 1]; /* how many prefixes of records have this length */
};

int topics_create(size_t count_max, size_t bytes_max, uint64_t seed, struct topics **ret_topics)
{
	struct topics *t = calloc(1, sizeof *t);
	if (!t)
		return -ENOMEM;
	t->count_max = count_max;
	t->bytes_max = bytes_max;
	t->seed = seed;
	t->size = TABLE_MIN;
	t->table = calloc(t->size, sizeof *t->table);
	if (!t->table) {
		topics_destroy(t);
		return -ENOMEM;
	}
	*ret_topics = t;
	return 0;
}

void topics_destroy(struct topics *t)
{
	if (!t)
		return;
	for (size_t i = 0; t->table && i < t->size; i++)
		free(t->table[i].text);
	free(t->table);
	vec_finish(&t->seals);
	vec_finish(&t->shares);
	free(t);
}

/* ---- the table ---- */

static uint64_t hash_step(uint64_t hash, char byte) { return (hash ^ (uint8_t)byte) * UINT64_C(0x100000001b3); }

static uint64_t hash_of(const struct topics *t, const char *text, size_t bytes)
{
	uint64_t hash = t->seed;
	for (size_t i = 0; i < bytes; i++)
		hash = hash_step(hash, text[i]);
	return hash;
}

static size_t place_of(const struct topic *table, size_t size, uint64_t hash, const char *text, size_t bytes)
{
	size_t at = (hash ^ hash >> 29) & (size - 1);
	while (table[at].text && (table[at].hash != hash || table[at].bytes != bytes || memcmp(table[at].text, text, bytes)))
		at = (at + 1) & (size - 1);
	return at;
}

static int table_grow(struct topics *t)
{
	size_t size = t->size * 2;
	struct topic *table = calloc(size, sizeof *table);
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < t->size; i++)
		if (t->table[i].text)
			table[place_of(table, size, t->table[i].hash, t->table[i].text, t->table[i].bytes)] = t->table[i];
	free(t->table);
	t->table = table;
	t->size = size;
	return 0;
}

/* ---- shares ---- */

/* NULL: no memory. Connections beyond the bound, which no system gives, share one place. */
static struct share *share_of(struct topics *t, uint32_t connection)
{
	if (connection >= CONNECTIONS_MAX)
		connection = CONNECTIONS_MAX - 1;
	if (connection >= t->shares.count && !vec_grow(&t->shares, connection + 1 - t->shares.count, sizeof(struct share)))
		return NULL;
	return vec_at(&t->shares, struct share, connection);
}

static bool has_room(const struct topics *t, const struct share *share, size_t bytes)
{
	size_t count_left = t->count_max - (t->count - share->count), bytes_left = t->bytes_max - (t->bytes - share->bytes);
	return (share->count + 1) * 2 <= count_left && (share->bytes + bytes) * 2 <= bytes_left;
}

static void share_add(struct share *share, size_t bytes)
{
	share->count++;
	share->bytes += bytes;
}

static void share_take(struct share *share, size_t bytes)
{
	share->count--;
	share->bytes -= bytes;
}

/* ---- topics ---- */

/* "seal/<depth>/<code>/.../~". The path is looked up against the tree later. */
static bool parse_seal(const char *text, size_t bytes, struct topic_seal *seal)
{
	if (bytes < 8 || memcmp(text, "seal/", 5) || text[5] < '0' || text[5] > '0' + BAOPHU_DEPTH_MAX || text[6] != '/' ||
	    memcmp(text + bytes - 2, "/~", 2))
		return false;
	*seal = (struct topic_seal){
		.text = text, .bytes = (uint16_t)bytes, .depth = (uint8_t)(text[5] - '0'), .is_all = bytes == 8
	};
	return true;
}

static int add(struct topics *t, const char *text, size_t bytes, uint64_t hash, uint32_t connection)
{
	struct topic topic = { .text = malloc(bytes + 1), .hash = hash, .connection = connection, .bytes = (uint16_t)bytes };
	struct topic_seal seal;
	if (!topic.text)
		return -ENOMEM;
	memcpy(topic.text, text, bytes);
	topic.text[bytes] = 0;
	if (parse_seal(topic.text, bytes, &seal)) {
		struct topic_seal *place = vec_grow(&t->seals, 1, sizeof *place);
		if (!place) {
			free(topic.text);
			return -ENOMEM;
		}
		*place = seal;
		topic.seal = (uint32_t)t->seals.count;
	} else {
		t->lengths[bytes]++;
	}
	t->table[place_of(t->table, t->size, hash, text, bytes)] = topic;
	t->count++;
	t->bytes += bytes;
	return 0;
}

int topics_subscribe(struct topics *t, const char *text, size_t bytes, uint32_t connection, struct topic_seal **ret_seal)
{
	uint64_t hash = hash_of(t, text, bytes);
	struct topic *topic = &t->table[place_of(t->table, t->size, hash, text, bytes)];
	struct share *share = share_of(t, connection);
	if (!share || ((t->count + 1) * 2 > t->size && table_grow(t)))
		return -ENOMEM;
	topic = &t->table[place_of(t->table, t->size, hash, text, bytes)];
	bool is_new = !topic->text;
	if (bytes > BAOPHU_TOPIC_BYTES_MAX || (is_new && !has_room(t, share, bytes)))
		return -BAOPHU_EFULL;
	if (is_new) {
		int error = add(t, text, bytes, hash, connection);
		if (error)
			return error;
	} else {
		share_take(share_of(t, topic->connection), bytes);
		topic->connection = connection;
	}
	share_add(share, bytes);
	*ret_seal = topic->seal ? vec_at(&t->seals, struct topic_seal, topic->seal - 1) : NULL;
	return 0;
}

/* The last one takes its place. */
static void seal_remove(struct topics *t, uint32_t index)
{
	struct topic_seal *seal = vec_at(&t->seals, struct topic_seal, index);
	*seal = *vec_at(&t->seals, struct topic_seal, --t->seals.count);
	if (index < t->seals.count)
		t->table[place_of(t->table, t->size, hash_of(t, seal->text, seal->bytes), seal->text, seal->bytes)].seal = index +
															   1;
}

void topics_cancel(struct topics *t, const char *text, size_t bytes)
{
	size_t mask = t->size - 1, at = place_of(t->table, t->size, hash_of(t, text, bytes), text, bytes);
	struct topic *topic = &t->table[at];
	if (!topic->text)
		return;
	share_take(share_of(t, topic->connection), bytes);
	t->count--;
	t->bytes -= bytes;
	if (topic->seal)
		seal_remove(t, topic->seal - 1);
	else
		t->lengths[bytes]--;
	free(topic->text);
	*topic = (struct topic){ 0 };
	/* What stands behind it moves up, so that no search stops short. */
	for (size_t next = (at + 1) & mask; t->table[next].text; next = (next + 1) & mask) {
		struct topic moved = t->table[next];
		t->table[next] = (struct topic){ 0 };
		t->table[place_of(t->table, t->size, moved.hash, moved.text, moved.bytes)] = moved;
	}
}

bool topics_match(const struct topics *t, const char *topic, size_t bytes)
{
	uint64_t hash = t->seed;
	for (size_t i = 0; i <= BAOPHU_TOPIC_BYTES_MAX; i++) {
		if (t->lengths[i] && t->table[place_of(t->table, t->size, hash, topic, i)].text)
			return true;
		if (i == bytes)
			return false;
		hash = hash_step(hash, topic[i]);
	}
	return false;
}

size_t topics_count(const struct topics *t) { return t->count; }

size_t topics_record_count(const struct topics *t) { return t->count - t->seals.count; }

struct topic_seal *topics_seals(struct topics *t, size_t *ret_count)
{
	*ret_count = t->seals.count;
	return t->seals.data;
}
