/* outbox_view.c - what the office is told of its reports: batches and what became of them, one by one and walked through. See outbox.h. */
#include "outbox_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int outbox_next_answered(struct outbox *outbox, uint64_t *ret_batch)
{
	struct spool_record record;
	struct outbox_batch_record batch;
	if (outbox->answered_from >= outbox->saved_to)
		return 0;
	int got = 1;
	if (!outbox->answered)
		got = outbox_seek(outbox, outbox->answered_from, &outbox->answered, &record);
	while (got == 1 && !outbox->batch_end) {
		got = spool_cursor_next(outbox->answered, &record);
		if (got == 1 && outbox_get_batch(&record, &batch)) {
			outbox->batch_id = batch.id;
			outbox->batch_end = batch.id + batch.updates;
		}
	}
	if (got != 1 || outbox->batch_end > outbox->saved_to)
		return got < 0 ? got : 0;
	*ret_batch = outbox->batch_id;
	outbox->answered_from = outbox->batch_end;
	outbox->batch_end = 0;
	return 1;
}

static int begin_reading(struct outbox *outbox, uint64_t serial, struct spool_record *ret_record)
{
	spool_cursor_close(outbox->reading);
	outbox->reading = NULL;
	return outbox_seek(outbox, serial, &outbox->reading, ret_record);
}

/* How many of a batch's updates stand how. */
static void count_updates(const struct outbox *outbox, struct outbox_batch *batch)
{
	const struct outbox_sum *state = &outbox->state;
	uint64_t end = batch->id + batch->updates, answered = min(end, state->standing.answered_to);
	uint32_t past = outbox_told_below(state, answered);
	answered = answered > batch->id ? answered - batch->id : 0;
	for (uint32_t i = outbox_told_below(state, batch->id); i < past; i++) {
		batch->held += state->told[i].state == OUTBOX_HELD;
		batch->refused += state->told[i].state == OUTBOX_REFUSED;
	}
	batch->waiting = (uint32_t)(batch->updates - answered);
	batch->applied = (uint32_t)answered - batch->held - batch->refused;
}

int outbox_batch(struct outbox *outbox, uint64_t id, struct outbox_batch *ret_batch)
{
	const struct outbox_sum *state = &outbox->state;
	struct outbox_batch_record found;
	struct spool_record record;
	struct wire_receipt receipt;
	const char *suggestion;
	if (id < state->standing.first || id >= state->standing.next)
		return -BAOPHU_ENOTFOUND;
	int got = begin_reading(outbox, id, &record);
	while (got == 1 && (!outbox_get_batch(&record, &found) || found.id < id))
		got = spool_cursor_next(outbox->reading, &record);
	if (got != 1)
		return got ? got : -BAOPHU_ENOTFOUND;
	if (found.id != id)
		return -BAOPHU_ENOTFOUND;
	struct outbox_batch batch = {
		.id = id, .updates = found.updates, .entries = found.entries, .saved_ms = found.saved_ms, .source = found.source
	};
	uint64_t end = id + found.updates;
	count_updates(outbox, &batch);
	if (!batch.waiting) {
		/* the name and note are lent from the cursor that stands here; the receipt is read by another */
		struct spool_cursor *cursor = outbox->reading;
		outbox->reading = NULL;
		got = outbox_receipt(outbox, end - 1, &receipt, &suggestion);
		spool_cursor_close(outbox->reading);
		outbox->reading = cursor;
		if (got && got != -BAOPHU_ENOTFOUND)
			return got;
		batch.receipt_seq = got ? 0 : receipt.place.seq;
	}
	*ret_batch = batch;
	return 0;
}

/* The one of `count` batches by id whose last update this is; NULL. */
static struct outbox_batch *ends_with(struct outbox_batch *batches, unsigned count, uint64_t serial)
{
	unsigned low = 0, high = count;
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		if (batches[middle].id + batches[middle].updates <= serial)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && batches[low].id + batches[low].updates == serial + 1 ? &batches[low] : NULL;
}

/* Reads the batches wanted and, as they come by, the receipts of their last updates. The names are owned by the list. */
static int gather(struct outbox *outbox, const uint64_t *ids, unsigned count, struct outbox_batch *batches, unsigned *ret_found)
{
	struct outbox_batch_record batch;
	struct outbox_receipt_record receipt;
	struct wire_receipt decoded;
	struct spool_record record;
	unsigned found = 0, next = 0;
	int error = outbox_fit_arena(&outbox->reading_arena), got = error ? error : begin_reading(outbox, ids[0], &record);
	for (; got == 1; got = spool_cursor_next(outbox->reading, &record)) {
		while (next < count && outbox_get_batch(&record, &batch) && ids[next] < batch.id)
			next++; /* it is not kept */
		if (next < count && outbox_get_batch(&record, &batch) && ids[next] == batch.id) {
			batches[found] = (struct outbox_batch){ .id = batch.id,
								.updates = batch.updates,
								.entries = batch.entries,
								.saved_ms = batch.saved_ms,
								.source = batch.source };
			batches[found].source.note = NULL;
			batches[found].source.note_bytes = 0;
			batches[found].source.name = strdup(batch.source.name);
			if (!batches[found].source.name)
				return -ENOMEM;
			*ret_found = ++found;
			next++;
		}
		for (size_t at = 0; found && outbox_get_receipt(&record, &at, &receipt);) {
			struct outbox_batch *of = ends_with(batches, found, receipt.serial);
			wire_arena_reset(&outbox->reading_arena);
			if (of && wire_decode_receipt(&outbox->reading_arena, receipt.receipt, receipt.receipt_bytes, &decoded) < 0)
				return -BAOPHU_EDAMAGED;
			if (of)
				of->receipt_seq = decoded.place.seq;
		}
	}
	return got;
}

static int hand_out(struct outbox *outbox, const uint64_t *ids, unsigned count, bool is_newest_first,
		    void (*each)(void *user, const struct outbox_batch *batch), void *user)
{
	unsigned found = 0;
	struct outbox_batch *batches = calloc(count, sizeof *batches);
	if (!batches)
		return -ENOMEM;
	int error = gather(outbox, ids, count, batches, &found);
	for (unsigned i = 0; i < found; i++) {
		struct outbox_batch *batch = &batches[is_newest_first ? found - 1 - i : i];
		count_updates(outbox, batch);
		if (batch->waiting)
			batch->receipt_seq = 0; /* of a centre that was put back */
		if (!error)
			each(user, batch);
		free((char *)(uintptr_t)batch->source.name);
	}
	free(batches);
	return error;
}

int outbox_batches(struct outbox *outbox, const uint64_t *ids, unsigned count,
		   void (*each)(void *user, const struct outbox_batch *batch), void *user)
{
	while (count && ids[0] < outbox->state.standing.first) {
		ids++;
		count--;
	}
	if (count > OUTBOX_BATCHES_MAX)
		return -EINVAL;
	if (!count || ids[0] >= outbox->state.standing.next)
		return 0;
	return hand_out(outbox, ids, count, false, each, user);
}

int outbox_newest(struct outbox *outbox, unsigned max, void (*each)(void *user, const struct outbox_batch *batch), void *user)
{
	uint64_t *ids = max <= OUTBOX_BATCHES_MAX ? calloc(max + 1, sizeof *ids) : NULL;
	int count = ids ? outbox_newest_batches(outbox, ids, max) : max <= OUTBOX_BATCHES_MAX ? -ENOMEM : -EINVAL;
	for (int low = 0, high = count - 1; low < high; low++, high--) {
		uint64_t id = ids[low];
		ids[low] = ids[high];
		ids[high] = id;
	}
	int error = count > 0 ? hand_out(outbox, ids, (unsigned)count, true, each, user) : count;
	free(ids);
	return error;
}

/* The ids of the batches of one segment but the first `skip`, newest first; returns how many it has in all. */
static int batches_of(struct outbox *outbox, uint32_t segment, uint32_t skip, uint32_t count, uint64_t *ret_ids)
{
	const struct spool_standing *spool = spool_standing(outbox->spool);
	uint64_t number = spool_segment_first(outbox->spool, segment);
	uint64_t end = segment + 1 < spool->segments ? spool_segment_first(outbox->spool, segment + 1) : spool->next;
	struct spool_cursor *cursor;
	struct spool_record record;
	uint32_t found = 0;
	int got = spool_cursor_open(outbox->spool, number, &cursor);
	if (got)
		return got;
	for (; number < end && (got = spool_cursor_next(cursor, &record)) == 1; number++) {
		struct outbox_batch_record batch;
		if (outbox_get_batch(&record, &batch) && found++ >= skip && count)
			ret_ids[count - found] = batch.id;
	}
	spool_cursor_close(cursor);
	return got < 0 ? got : (int)found;
}

int outbox_newest_batches(struct outbox *outbox, uint64_t *ret_ids, unsigned max)
{
	unsigned count = 0;
	for (uint32_t i = outbox->spool ? spool_standing(outbox->spool)->segments : 0; i-- > 0 && count < max;) {
		int found = batches_of(outbox, i, 0, 0, NULL);
		uint32_t take = found < 0 ? 0 : (uint32_t)found < max - count ? (uint32_t)found : max - count;
		if (take)
			found = batches_of(outbox, i, (uint32_t)found - take, (uint32_t)found, ret_ids + count);
		if (found < 0)
			return found;
		count += take;
	}
	return (int)count;
}

/* ---- walking ---- */

struct outbox_walk {
	struct outbox *outbox;
	struct spool_cursor *cursor;
	struct spool_record record;
	bool has_record;
	struct wire_arena arena;
};

int outbox_walk_open(struct outbox *outbox, uint64_t serial, struct outbox_walk **ret_walk)
{
	const struct outbox_standing *standing = &outbox->state.standing;
	if (!serial)
		serial = standing->first;
	if (serial < standing->first || serial > standing->next)
		return -BAOPHU_ENOTFOUND;
	struct outbox_walk *walk = calloc(1, sizeof *walk);
	if (!walk)
		return -ENOMEM;
	walk->outbox = outbox;
	int got = wire_arena_init(&walk->arena, WIRE_ARENA_BYTES);
	if (!got && outbox->spool)
		got = outbox_seek(outbox, serial, &walk->cursor, &walk->record);
	if (got < 0) {
		outbox_walk_close(walk);
		return got;
	}
	walk->has_record = got == 1;
	*ret_walk = walk;
	return 0;
}

void outbox_walk_close(struct outbox_walk *walk)
{
	if (!walk)
		return;
	spool_cursor_close(walk->cursor);
	wire_arena_finish(&walk->arena);
	free(walk);
}

int outbox_walk_next(struct outbox_walk *walk, struct outbox_update *ret_update, struct wire_payload *ret_payload)
{
	const struct outbox_sum *state = &walk->outbox->state;
	struct outbox_update_record found;
	int got = 1;
	if (!walk->cursor) /* there was no room for a spool */
		return 0;
	while (!walk->has_record || !outbox_get_update(&walk->record, &found)) {
		got = spool_cursor_next(walk->cursor, &walk->record);
		if (got != 1)
			return got;
		walk->has_record = true;
	}
	walk->has_record = false;
	const struct outbox_run *run = outbox_run_of(state, found.serial);
	const struct outbox_told *told = outbox_told_of(state, found.serial);
	*ret_update = (struct outbox_update){ .serial = found.serial,
					      .batch = found.batch,
					      .epoch = run->epoch,
					      .number = outbox_number_of(run, found.serial),
					      .state = told                                      ? (enum outbox_state)told->state
						       : outbox_is_answered(state, found.serial) ? OUTBOX_APPLIED
												 : OUTBOX_WAITING,
					      .first_entry = found.first_entry,
					      .entries = found.entries,
					      .code = told ? (enum baophu_code)told->code : BAOPHU_CODE_NONE,
					      .entry = told ? told->entry : UINT32_MAX,
					      .receipt_seq = told ? told->seq : 0 };
	if (ret_payload) {
		enum baophu_code code;
		uint32_t entry;
		wire_arena_reset(&walk->arena);
		if (wire_decode_payload(&walk->arena, found.payload, found.payload_bytes, ret_payload, &code, &entry) < 0)
			return -BAOPHU_EDAMAGED;
	}
	return 1;
}

int outbox_exception(const struct outbox *outbox, uint32_t index, struct outbox_exception *ret_exception)
{
	const struct outbox_sum *state = &outbox->state;
	if (index >= state->standing.held + state->standing.refused)
		return -BAOPHU_ENOTFOUND;
	const struct outbox_told *told = &state->told[index];
	*ret_exception = (struct outbox_exception){ .serial = told->serial,
						    .receipt_seq = told->seq,
						    .state = (enum outbox_state)told->state,
						    .code = (enum baophu_code)told->code,
						    .entry = told->entry };
	return 0;
}

/* The newest segment whose head does not yet have the receipt holds it. */
int outbox_receipt(struct outbox *outbox, uint64_t serial, struct wire_receipt *ret_receipt, const char **ret_suggestion)
{
	const struct outbox_sum *state = &outbox->state;
	uint32_t segment = spool_standing(outbox->spool)->segments;
	struct outbox_head head;
	struct spool_record record;
	int error = 0, got = 1;
	if (!outbox_is_answered(state, serial) || serial < state->standing.first)
		return -BAOPHU_ENOTFOUND;
	do
		error = outbox_head_of(outbox, --segment, &head);
	while (!error && segment && head.answered_to > serial);
	spool_cursor_close(outbox->reading);
	outbox->reading = NULL;
	if (!error)
		error = spool_cursor_open(outbox->spool, spool_segment_first(outbox->spool, segment), &outbox->reading);
	if (!error)
		error = outbox_fit_arena(&outbox->reading_arena);
	bool is_found = false;
	while (!error && (got = spool_cursor_next(outbox->reading, &record)) == 1) {
		struct outbox_receipt_record found;
		if (record.begins_segment && outbox_get_head(&record, &head) && head.answered_to > serial)
			break;
		for (size_t at = 0; outbox_get_receipt(&record, &at, &found);) {
			if (found.serial != serial)
				continue;
			wire_arena_reset(&outbox->reading_arena);
			if (wire_decode_receipt(&outbox->reading_arena, found.receipt, found.receipt_bytes, ret_receipt) < 0)
				return -BAOPHU_EDAMAGED;
			memcpy(outbox->suggestion, found.suggestion, found.suggestion_bytes);
			outbox->suggestion[found.suggestion_bytes] = '\0';
			is_found = true;
		}
	}
	if (error || got < 0)
		return error ? error : got;
	*ret_suggestion = outbox->suggestion;
	return is_found ? 0 : -BAOPHU_ENOTFOUND;
}
