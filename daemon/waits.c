/* waits.c - hash tables of waiting updates by seq, by epoch and by key, and a heap of those that are due. See waits.h. */
#include "waits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vec.h"

enum { BUCKETS_MIN = 64 };

/* All indices are + 1; 0: none. */
struct waiter {
	uint64_t seq, epoch; /* seq 0: a free place */
	uint32_t agent;
	uint32_t next; /* in its bucket by seq; of free places the next */
	uint32_t before, after; /* of the same epoch, in order of seq */
	uint32_t next_last; /* the next in its bucket by epoch, where only the last of each epoch stands */
	uint32_t links; /* what it waits for */
	bool is_due;
};
struct link {
	uint64_t key;
	uint32_t waiter;
	uint32_t next; /* in its bucket by key; of free places the next */
	uint32_t next_of_waiter;
};
struct due {
	uint64_t seq;
	uint32_t waiter;
};
struct buckets { /* chained, a power of two of them */
	uint32_t *heads;
	uint32_t size;
};
struct waits {
	struct vec waiters, links, due; /* the last a heap, least seq first; who was decided meanwhile is passed over */
	struct buckets by_seq, by_epoch, by_key;
	uint32_t free_waiter, free_link, waiter_count, link_count, due_count;
};

uint64_t waits_key(enum waits_kind kind, uint64_t number) { return baophu_mix64(kind, number); }

uint64_t waits_key_code(enum waits_kind kind, const char *code)
{
	uint64_t words[2] = { 0 };
	memcpy(words, code, strnlen(code, sizeof words));
	return baophu_mix64(kind, words[0] ^ baophu_mix64(kind, words[1]));
}

static struct waiter *waiter_at(const struct waits *w, uint32_t index) { return vec_at(&w->waiters, struct waiter, index - 1); }
static struct link *link_at(const struct waits *w, uint32_t index) { return vec_at(&w->links, struct link, index - 1); }
static uint32_t *bucket(const struct buckets *buckets, uint64_t hash) { return &buckets->heads[hash & (buckets->size - 1)]; }
static uint64_t seq_hash(uint64_t seq) { return baophu_mix64(1, seq); }
static uint64_t epoch_hash(const struct waiter *waiter) { return baophu_mix64(waiter->agent, waiter->epoch); }

static int buckets_resize(struct buckets *buckets, uint32_t size)
{
	uint32_t *heads = calloc(size, sizeof *heads);
	if (!heads)
		return -ENOMEM;
	free(buckets->heads);
	*buckets = (struct buckets){ heads, size };
	return 0;
}

int waits_create(struct waits **ret_waits)
{
	struct waits *w = calloc(1, sizeof *w);
	if (!w)
		return -ENOMEM;
	if (buckets_resize(&w->by_seq, BUCKETS_MIN) || buckets_resize(&w->by_epoch, BUCKETS_MIN) ||
	    buckets_resize(&w->by_key, BUCKETS_MIN)) {
		waits_destroy(w);
		return -ENOMEM;
	}
	*ret_waits = w;
	return 0;
}

void waits_destroy(struct waits *w)
{
	if (!w)
		return;
	vec_finish(&w->waiters);
	vec_finish(&w->links);
	vec_finish(&w->due);
	free(w->by_seq.heads);
	free(w->by_epoch.heads);
	free(w->by_key.heads);
	free(w);
}

/* ---- the heap ---- */

static int make_due(struct waits *w, uint32_t index)
{
	struct waiter *waiter = waiter_at(w, index);
	if (waiter->is_due)
		return 0;
	struct due *heap = vec_grow(&w->due, 1, sizeof *heap);
	if (!heap)
		return -ENOMEM;
	heap = w->due.data;
	size_t at = w->due.count - 1;
	for (; at && heap[(at - 1) / 2].seq > waiter->seq; at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = (struct due){ waiter->seq, index };
	waiter->is_due = true;
	w->due_count++;
	return 0;
}

static struct due take_least(struct waits *w)
{
	struct due *heap = w->due.data, least = heap[0], last = heap[--w->due.count];
	size_t at = 0, count = w->due.count;
	for (size_t child; (child = 2 * at + 1) < count; at = child) {
		if (child + 1 < count && heap[child + 1].seq < heap[child].seq)
			child++;
		if (heap[child].seq >= last.seq)
			break;
		heap[at] = heap[child];
	}
	heap[at] = last;
	return least;
}

uint64_t waits_next(struct waits *w)
{
	while (w->due.count) {
		struct due least = take_least(w);
		struct waiter *waiter = waiter_at(w, least.waiter);
		if (waiter->seq != least.seq || !waiter->is_due)
			continue;
		waiter->is_due = false;
		w->due_count--;
		return least.seq;
	}
	return 0;
}

bool waits_are_due(const struct waits *w) { return w->due_count; }
uint32_t waits_count(const struct waits *w) { return w->waiter_count; }

/* ---- who waits ---- */

static uint32_t find(const struct waits *w, uint64_t seq)
{
	uint32_t index = *bucket(&w->by_seq, seq_hash(seq));
	while (index && waiter_at(w, index)->seq != seq)
		index = waiter_at(w, index)->next;
	return index;
}

/* Where the last of an epoch stands in its bucket, or would. */
static uint32_t *last_of_epoch(const struct waits *w, const struct waiter *like)
{
	uint32_t *place = bucket(&w->by_epoch, epoch_hash(like));
	while (*place && (waiter_at(w, *place)->agent != like->agent || waiter_at(w, *place)->epoch != like->epoch))
		place = &waiter_at(w, *place)->next_last;
	return place;
}

static int waiters_make_room(struct waits *w)
{
	uint32_t size = w->by_seq.size;
	if (w->waiter_count < size)
		return 0;
	if (buckets_resize(&w->by_seq, size * 2) || buckets_resize(&w->by_epoch, size * 2))
		return -ENOMEM;
	for (uint32_t index = 1; index <= w->waiters.count; index++) {
		struct waiter *waiter = waiter_at(w, index);
		if (!waiter->seq)
			continue;
		uint32_t *place = bucket(&w->by_seq, seq_hash(waiter->seq));
		waiter->next = *place;
		*place = index;
		if (!waiter->after) {
			place = bucket(&w->by_epoch, epoch_hash(waiter));
			waiter->next_last = *place;
			*place = index;
		}
	}
	return 0;
}

int waits_add(struct waits *w, uint64_t seq, uint32_t agent, uint64_t epoch)
{
	if (waiters_make_room(w))
		return -ENOMEM;
	uint32_t index = w->free_waiter;
	if (index) {
		w->free_waiter = waiter_at(w, index)->next;
	} else {
		if (!vec_grow(&w->waiters, 1, sizeof(struct waiter)))
			return -ENOMEM;
		index = (uint32_t)w->waiters.count;
	}
	struct waiter *waiter = waiter_at(w, index);
	*waiter = (struct waiter){ .seq = seq, .agent = agent, .epoch = epoch };
	uint32_t *place = bucket(&w->by_seq, seq_hash(seq));
	waiter->next = *place;
	*place = index;
	place = last_of_epoch(w, waiter);
	if (*place) {
		waiter->before = *place;
		waiter->next_last = waiter_at(w, *place)->next_last;
		waiter_at(w, *place)->after = index;
	}
	*place = index;
	w->waiter_count++;
	return make_due(w, index);
}

static void drop_links(struct waits *w, struct waiter *waiter)
{
	while (waiter->links) {
		uint32_t index = waiter->links;
		struct link *link = link_at(w, index);
		uint32_t *place = bucket(&w->by_key, link->key);
		while (*place != index)
			place = &link_at(w, *place)->next;
		*place = link->next;
		waiter->links = link->next_of_waiter;
		*link = (struct link){ .next = w->free_link };
		w->free_link = index;
		w->link_count--;
	}
}

int waits_remove(struct waits *w, uint64_t seq)
{
	uint32_t index = find(w, seq);
	if (!index)
		return 0;
	struct waiter *waiter = waiter_at(w, index);
	drop_links(w, waiter);
	uint32_t *place = bucket(&w->by_seq, seq_hash(seq));
	while (*place != index)
		place = &waiter_at(w, *place)->next;
	*place = waiter->next;
	if (waiter->after) {
		waiter_at(w, waiter->after)->before = waiter->before;
	} else {
		place = last_of_epoch(w, waiter);
		*place = waiter->before ? waiter->before : waiter->next_last;
		if (waiter->before)
			waiter_at(w, waiter->before)->next_last = waiter->next_last;
	}
	if (waiter->before)
		waiter_at(w, waiter->before)->after = waiter->after;
	w->due_count -= waiter->is_due;
	*waiter = (struct waiter){ .next = w->free_waiter };
	w->free_waiter = index;
	w->waiter_count--;
	return waits_wake(w, waits_key(WAITS_UPDATE, seq));
}

uint64_t waits_before(const struct waits *w, uint64_t seq)
{
	uint32_t index = find(w, seq), before = index ? waiter_at(w, index)->before : 0;
	return before ? waiter_at(w, before)->seq : 0;
}

/* ---- what they wait for ---- */

static int links_make_room(struct waits *w, uint32_t count)
{
	uint32_t size = w->by_key.size;
	if (w->link_count + count <= size)
		return 0;
	while (size < w->link_count + count)
		size *= 2;
	if (buckets_resize(&w->by_key, size))
		return -ENOMEM;
	for (uint32_t index = 1; index <= w->links.count; index++) {
		struct link *link = link_at(w, index);
		if (!link->waiter)
			continue;
		uint32_t *place = bucket(&w->by_key, link->key);
		link->next = *place;
		*place = index;
	}
	return 0;
}

int waits_for(struct waits *w, uint64_t seq, const uint64_t *keys, uint32_t count)
{
	uint32_t index = find(w, seq);
	if (!index)
		return 0;
	struct waiter *waiter = waiter_at(w, index);
	drop_links(w, waiter);
	if (links_make_room(w, count))
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t new = w->free_link;
		if (new) {
			w->free_link = link_at(w, new)->next;
		} else {
			if (!vec_grow(&w->links, 1, sizeof(struct link)))
				return -ENOMEM;
			new = (uint32_t)w->links.count;
		}
		uint32_t *place = bucket(&w->by_key, keys[i]);
		*link_at(w, new) = (struct link){ keys[i], index, *place, waiter->links };
		*place = new;
		waiter->links = new;
		w->link_count++;
	}
	return 0;
}

int waits_wake(struct waits *w, uint64_t key)
{
	int error = 0;
	for (uint32_t index = *bucket(&w->by_key, key); index && !error; index = link_at(w, index)->next)
		if (link_at(w, index)->key == key)
			error = make_due(w, link_at(w, index)->waiter);
	return error;
}

int waits_again(struct waits *w, uint64_t seq)
{
	uint32_t index = find(w, seq);
	return index ? make_due(w, index) : 0;
}
