/* staging.c - batches that wait. See staging.h. A few at a time, so they are found by walking a list. */
#include "staging.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

enum { BATCHES_MAX = 1024, PART_OVERHEAD = 64 };

struct batch {
	struct batch *next;
	uint32_t agent;
	uint64_t epoch, number;
	uint32_t part_count, part_room, entry_count;
	struct staged_part *parts;
	size_t bytes;
	int64_t touched_ms;
	crypto_generichash_state digest;
};
struct staging {
	size_t bytes, bytes_max;
	int64_t time_ms;
	uint32_t count;
	struct batch *batches;
};

int staging_create(size_t bytes_max, int64_t time_ms, struct staging **ret_staging)
{
	struct staging *staging = calloc(1, sizeof *staging);
	if (!staging)
		return -ENOMEM;
	staging->bytes_max = bytes_max;
	staging->time_ms = time_ms;
	*ret_staging = staging;
	return 0;
}

static struct batch **place_of(struct staging *staging, uint32_t agent, uint64_t epoch, uint64_t number)
{
	struct batch **at = &staging->batches;
	while (*at && ((*at)->agent != agent || (*at)->epoch != epoch || (*at)->number != number))
		at = &(*at)->next;
	return at;
}

static void drop(struct staging *staging, struct batch **at)
{
	struct batch *batch = *at;
	*at = batch->next;
	staging->bytes -= batch->bytes;
	staging->count--;
	for (uint32_t i = 0; i < batch->part_count; i++)
		free((void *)(uintptr_t)batch->parts[i].message);
	free(batch->parts);
	free(batch);
}

void staging_destroy(struct staging *staging)
{
	if (!staging)
		return;
	while (staging->batches)
		drop(staging, &staging->batches);
	free(staging);
}

/* An agent has at most half of what the others leave, in batches and in bytes: however much it sends, there is room for another. */
static bool has_room(const struct staging *staging, uint32_t agent, uint32_t more_batches, size_t more_bytes)
{
	uint32_t own_batches = 0;
	size_t own_bytes = 0;
	for (const struct batch *batch = staging->batches; batch; batch = batch->next) {
		if (batch->agent != agent)
			continue;
		own_batches++;
		own_bytes += batch->bytes;
	}
	uint32_t batches_left = BATCHES_MAX - (staging->count - own_batches);
	size_t bytes_left = staging->bytes_max - (staging->bytes - own_bytes);
	return (!more_batches || (own_batches + more_batches) * 2 <= batches_left) && (own_bytes + more_bytes) * 2 <= bytes_left;
}

static struct batch *batch_begin(struct staging *staging, uint32_t agent, const struct wire_stage *stage)
{
	struct batch *batch = calloc(1, sizeof *batch);
	if (!batch)
		return NULL;
	batch->agent = agent;
	batch->epoch = stage->epoch;
	batch->number = stage->batch;
	crypto_generichash_init(&batch->digest, NULL, 0, BAOPHU_DIGEST_BYTES);
	batch->next = staging->batches;
	staging->batches = batch;
	staging->count++;
	return batch;
}

enum baophu_code staging_put(struct staging *staging, uint32_t agent, const struct wire_stage *stage, const void *message,
			     size_t bytes, int64_t now_ms)
{
	struct batch *batch = *place_of(staging, agent, stage->epoch, stage->batch);
	if (batch && stage->part < batch->part_count) {
		const struct staged_part *part = &batch->parts[stage->part];
		bool is_same = part->bytes == bytes && !memcmp(part->message, message, bytes);
		return is_same ? BAOPHU_CODE_NONE : BAOPHU_CODE_DUPLICATE;
	}
	if (stage->part != (batch ? batch->part_count : 0))
		return BAOPHU_CODE_EXPECT;
	if ((batch ? batch->entry_count : 0) + stage->entry_count > BAOPHU_BATCH_ENTRIES_MAX)
		return BAOPHU_CODE_TOO_BIG;
	if (!has_room(staging, agent, !batch, bytes + PART_OVERHEAD))
		return BAOPHU_CODE_BUSY;
	if (!batch)
		batch = batch_begin(staging, agent, stage);
	if (!batch)
		return BAOPHU_CODE_BUSY;
	if (batch->part_count == batch->part_room) {
		uint32_t room = batch->part_room * 2 + 16;
		struct staged_part *parts = realloc(batch->parts, room * sizeof *parts);
		if (!parts)
			return BAOPHU_CODE_BUSY;
		batch->parts = parts;
		batch->part_room = room;
	}
	uint8_t *copy = malloc(bytes);
	if (!copy)
		return BAOPHU_CODE_BUSY;
	memcpy(copy, message, bytes);
	batch->parts[batch->part_count++] = (struct staged_part){ copy, bytes };
	batch->entry_count += stage->entry_count;
	batch->bytes += bytes + PART_OVERHEAD;
	staging->bytes += bytes + PART_OVERHEAD;
	batch->touched_ms = now_ms;
	crypto_generichash_update(&batch->digest, stage->bytes, stage->byte_count);
	return BAOPHU_CODE_NONE;
}

const struct staged_part *staging_find(struct staging *staging, uint32_t agent, uint64_t epoch, const struct wire_apply *apply,
				       enum baophu_code *ret_code)
{
	const struct batch *batch = *place_of(staging, agent, epoch, apply->batch);
	*ret_code = BAOPHU_CODE_NO_SUCH;
	if (!batch)
		return NULL;
	crypto_generichash_state state = batch->digest;
	uint8_t digest[BAOPHU_DIGEST_BYTES];
	crypto_generichash_final(&state, digest, sizeof digest);
	*ret_code = BAOPHU_CODE_MALFORMED;
	if (apply->parts != batch->part_count || apply->entries != batch->entry_count ||
	    memcmp(apply->digest, digest, sizeof digest))
		return NULL;
	*ret_code = BAOPHU_CODE_NONE;
	return batch->parts;
}

void staging_drop(struct staging *staging, uint32_t agent, uint64_t epoch, uint64_t number)
{
	struct batch **at = place_of(staging, agent, epoch, number);
	if (*at)
		drop(staging, at);
}

uint32_t staging_expire(struct staging *staging, int64_t now_ms)
{
	uint32_t parts = 0;
	for (struct batch **at = &staging->batches; *at;) {
		if (now_ms - (*at)->touched_ms < staging->time_ms) {
			at = &(*at)->next;
			continue;
		}
		parts += (*at)->part_count;
		drop(staging, at);
	}
	return parts;
}
