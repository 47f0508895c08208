/* outbox.c - see outbox.h.
 *
 * What is saved is a record in the spool; what is known is the fold of the records (outbox_records.c). Sending walks the spool from the first
 * serial without a receipt; nothing is kept in memory of what waits. Each Welcome is looked at before anything is sent on its connection
 * (the session is a spooled one), so a centre that was put back is noticed first, and the walk begins anew where it says.
 */
#include "outbox.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "outbox_records.h"
#include "session.h"

enum {
	RETRY_MS = 250, /* after being turned away; doubled each time */
	RETRY_MS_MAX = 30000,
	STAGE_MS = 50, /* a part that could not be sent, or is not wanted now, is sent again after so long */
	STAGED_MS = 5000, /* one whose answer was lost */
	RECEIPTS_MS = 100, /* a receipt waits so long for others to be saved with */
	RECEIPTS_BYTES = 64 << 10, /* or until there are so many */
	NO_ROOM_MS = 1000, /* look again at a disk that was full */
	WORK_OUTCOMES = 2048, /* of one call of outbox_work: the caller has other things to do */
	WINDOW_BYTES = 1 << 20, /* unanswered at most, whatever the centre's credit */
	PRUNE_MS = 3600 * 1000,
	WELCOME_AGAIN_MS = 20 * 3600 * 1000, /* a centre names its backup in Welcome only, and makes one a day */
	NUMBER_BITS = 52,
};
static const int64_t keep_ms = (int64_t)OUTBOX_KEEP_DAYS * 86400 * 1000;

struct outbox {
	char *dir; /* of the spool */
	struct spool *spool; /* NULL: the disk had no room for it; tried again at retry_ms */
	struct outbox_sum state;
	char *endpoint;
	void *context;
	uint32_t window;

	struct session *session;
	uint32_t welcomes; /* of the session, as last looked at */
	struct outbox_run session_run; /* that it was opened for */
	int64_t retry_ms; /* monotonic; 0: at once */
	int backoff_ms;
	bool has_more; /* there was more to do than one call does */

	struct spool_cursor *sending; /* NULL: to be opened at to_send */
	uint64_t to_send; /* serial */
	bool has_record; /* `record` was read and could not be sent yet */
	struct spool_record record;
	bool is_staging; /* a part was sent and its answer is awaited */
	int64_t stage_ms; /* not to be sent before; monotonic */
	crypto_generichash_blake2b_state parts_digest; /* of the parts of the update that comes next */
	bool has_parts;

	struct outbox_bytes receipts; /* heard, not saved */
	int64_t receipts_since_ms, no_room_ms;
	int64_t pruned_ms, welcomed_ms; /* monotonic */

	struct spool_cursor
	    *answered; /* walks batches, to tell of those that have all their receipts; NULL: to be opened at answered_from */
	uint64_t answered_from; /* serial after the last batch that was told of */
	uint64_t batch_id, batch_end; /* the batch that comes next, when it was read: its serials; batch_end 0: it was not */
	uint64_t saved_to; /* every serial below it has its receipt, and that is durable */

	struct spool_cursor *reading; /* of the batch or receipt that is lent */
	struct wire_arena arena, reading_arena;
	char suggestion[BAOPHU_CODE_BYTES_MAX + 1];
	uint8_t scratch[BAOPHU_MESSAGE_BYTES_MAX];
};

static int64_t wall_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t monotonic_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t min(uint64_t a, uint64_t b) { return a < b ? a : b; }

const struct outbox_standing *outbox_standing(const struct outbox *outbox) { return &outbox->state.standing; }

/* ---- records into the spool and into the state ---- */

static int begin_segment(struct outbox *outbox)
{
	struct outbox_bytes head = { 0 };
	outbox_put_head(&head, &outbox->state, wall_ms());
	int error = head.has_failed ? -ENOMEM : 0;
	if (!error)
		error = spool_begin_segment(
		    outbox->spool, &(struct spool_record){ .type = OUTBOX_RECORD_HEAD, .bytes = head.bytes, .size = head.used });
	outbox_bytes_finish(&head);
	return error;
}

/* Saves a group and folds it. */
static int save(struct outbox *outbox, struct spool_record *records, size_t count)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < count; i++)
		bytes += records[i].size;
	bytes = spool_group_bytes(count, bytes);
	int error = bytes > SPOOL_GROUP_BYTES_MAX ? -BAOPHU_EFULL : 0;
	if (!error && !spool_has_room(outbox->spool, bytes))
		error = begin_segment(outbox);
	uint64_t number = 0;
	if (!error)
		error = spool_save(outbox->spool, records, count, &number);
	for (size_t i = 0; i < count && !error; i++) {
		records[i].number = number + i;
		error = outbox_fold(&outbox->state, &records[i]);
		if (error) /* memory: what is saved is not in the state, so it must be read again */
			outbox->state.standing.error = error;
	}
	if (spool_standing(outbox->spool)->error)
		outbox->state.standing.error = spool_standing(outbox->spool)->error;
	return error;
}

static int save_one(struct outbox *outbox, enum outbox_record type, struct outbox_bytes *bytes)
{
	struct spool_record record = { .type = (uint8_t)type, .bytes = bytes->bytes, .size = bytes->used };
	int error = bytes->has_failed ? -ENOMEM : save(outbox, &record, 1);
	outbox_bytes_finish(bytes);
	return error;
}

/* ---- places in the spool ---- */

static int head_of(struct outbox *outbox, uint32_t segment, struct outbox_head *ret_head)
{
	struct spool_cursor *cursor;
	struct spool_record record;
	int error = spool_cursor_open(outbox->spool, spool_segment_first(outbox->spool, segment), &cursor);
	if (error)
		return error;
	int got = spool_cursor_next(cursor, &record);
	error = got < 0 ? got : got == 1 && outbox_get_head(&record, ret_head) ? 0 : -BAOPHU_EDAMAGED;
	spool_cursor_close(cursor);
	return error;
}

/* The last segment whose head comes before update `serial`. */
static int segment_of(struct outbox *outbox, uint64_t serial, uint32_t *ret_segment)
{
	uint32_t low = 0, high = spool_standing(outbox->spool)->segments;
	int error = 0;
	while (high - low > 1 && !error) {
		uint32_t middle = low + (high - low) / 2;
		struct outbox_head head;
		error = head_of(outbox, middle, &head);
		if (!error && head.next <= serial)
			low = middle;
		else
			high = middle;
	}
	*ret_segment = low;
	return error;
}

/* A cursor before the records of update `serial` (its parts, too), and *ret_record the first of them, when there is one. Returns 1, 0 when no
 * such update is there yet (the cursor is at the end), or an error. */
static int seek(struct outbox *outbox, uint64_t serial, struct spool_cursor **ret_cursor, struct spool_record *ret_record)
{
	uint32_t segment;
	struct spool_cursor *cursor = NULL;
	int got = segment_of(outbox, serial, &segment);
	if (!got)
		got = spool_cursor_open(outbox->spool, spool_segment_first(outbox->spool, segment), &cursor);
	while (!got && (got = spool_cursor_next(cursor, ret_record)) == 1) {
		struct outbox_update_record update;
		struct outbox_part_record part;
		if ((outbox_get_update(ret_record, &update) && update.serial >= serial) ||
		    (outbox_get_part(ret_record, &part) && part.serial >= serial))
			break;
		got = 0;
	}
	if (got < 0) {
		spool_cursor_close(cursor);
		return got;
	}
	*ret_cursor = cursor;
	return got;
}

static int find_first(struct outbox *outbox)
{
	struct outbox_head head;
	int error = head_of(outbox, 0, &head);
	if (!error) {
		outbox->state.standing.first = head.next;
		outbox_forget_refused(&outbox->state, head.next);
	}
	return error;
}

/* Batches are told of from `serial` on, or rather from the one that it is in. */
static void rewind_answered(struct outbox *outbox, uint64_t serial)
{
	spool_cursor_close(outbox->answered);
	outbox->answered = NULL;
	outbox->answered_from = serial;
	outbox->batch_end = 0;
}

/* ---- opening ---- */

static uint64_t new_epoch(void)
{
	uint64_t low;
	randombytes_buf(&low, sizeof low);
	return BAOPHU_EPOCH_CHOSEN_MIN | (low & ((UINT64_C(1) << NUMBER_BITS) - 1));
}

static int begin(struct outbox *outbox, const char *agent)
{
	struct outbox_standing *standing = &outbox->state.standing;
	struct outbox_bytes head = { 0 };
	struct outbox_sum fresh = { .standing = { .next = 1, .answered_to = 1, .series = 1 }, .run_count = 1 };
	struct outbox_run run = { .epoch = new_epoch(), .base = 1, .number = 1 };
	memcpy(fresh.standing.agent, agent, strlen(agent) + 1);
	fresh.runs = &run;
	outbox_put_head(&head, &fresh, wall_ms());
	const struct spool_record record = { .type = OUTBOX_RECORD_HEAD, .bytes = head.bytes, .size = head.used };
	int error = head.has_failed ? -ENOMEM : outbox_fold(&outbox->state, &record);
	if (!error)
		error = spool_begin_segment(outbox->spool, &record);
	outbox_bytes_finish(&head);
	standing->first = 1;
	return error;
}

static int load(struct outbox *outbox, struct spool_damage *ret_damage)
{
	struct spool_cursor *cursor;
	struct spool_record record;
	int got, error = spool_cursor_open(outbox->spool, spool_standing(outbox->spool)->newest_head, &cursor);
	if (error)
		return error;
	while (!error && (got = spool_cursor_next(cursor, &record)) != 0)
		error = got < 0 ? got : outbox_fold(&outbox->state, &record);
	*ret_damage = *spool_cursor_damage(cursor);
	if (error == -BAOPHU_EDAMAGED && !*ret_damage->file)
		ret_damage->number = record.number;
	spool_cursor_close(cursor);
	return error ? error : find_first(outbox);
}

static int save_receipts(struct outbox *outbox);
static int start_session(struct outbox *outbox);

/* Opens or begins the spool. What was begun without room is forgotten again, so that the next try begins anew. */
static int open_spool(struct outbox *outbox, const char *agent, struct spool_damage *ret_damage)
{
	struct outbox_standing *standing = &outbox->state.standing;
	int error = spool_open(outbox->dir, &outbox->spool, ret_damage);
	if (!error)
		error = spool_standing(outbox->spool)->segments ? load(outbox, ret_damage) : begin(outbox, agent);
	if (!error && strcmp(standing->agent, agent))
		error = -EPERM;
	if (spool_is_no_room(error)) {
		spool_close(outbox->spool);
		outbox->spool = NULL;
		outbox_sum_finish(&outbox->state);
		outbox->state = (struct outbox_sum){ .standing = { .first = 1, .answered_to = 1, .next = 1, .series = 1 } };
		memcpy(standing->agent, agent, strlen(agent) + 1);
		standing->hindrance = OUTBOX_NO_ROOM;
		outbox->retry_ms = monotonic_ms() + NO_ROOM_MS;
		return error;
	}
	standing->hindrance = outbox->endpoint ? OUTBOX_NO_LINK : OUTBOX_FREE;
	outbox->to_send = outbox->saved_to = outbox->answered_from = standing->answered_to;
	outbox->retry_ms = 0;
	return error;
}

/* Is there room for the spool by now? */
static int try_spool(struct outbox *outbox)
{
	char agent[BAOPHU_CODE_BYTES_MAX + 1];
	struct spool_damage damage = { 0 };
	if (monotonic_ms() < outbox->retry_ms)
		return 0;
	memcpy(agent, outbox->state.standing.agent, sizeof agent);
	int error = open_spool(outbox, agent, &damage);
	if (error && !spool_is_no_room(error)) {
		outbox->state.standing.damage = damage;
		outbox->state.standing.error = error;
		return error;
	}
	return 0;
}

int outbox_open(const struct outbox_config *config, struct outbox **ret_outbox, struct spool_damage *ret_damage)
{
	size_t name_bytes = strlen(config->agent);
	*ret_damage = (struct spool_damage){ 0 };
	if (name_bytes < 1 || name_bytes > BAOPHU_CODE_BYTES_MAX || config->window > OUTBOX_AHEAD / 2)
		return -EINVAL;
	struct outbox *outbox = calloc(1, sizeof *outbox);
	if (!outbox)
		return -ENOMEM;
	int error = sodium_init() < 0 ? -ENOSYS : 0;
	outbox->window = config->window ? config->window : OUTBOX_WINDOW;
	outbox->context = config->context;
	if (config->endpoint) {
		outbox->endpoint = strdup(config->endpoint);
		error = outbox->endpoint ? error : -ENOMEM;
	}
	outbox->dir = strdup(config->dir);
	if (!outbox->dir)
		error = -ENOMEM;
	if (!error)
		error = open_spool(outbox, config->agent, ret_damage);
	if (spool_is_no_room(error))
		error = 0;
	else if (!error && outbox->endpoint)
		error = start_session(outbox);
	if (error) {
		outbox_close(outbox);
		return error;
	}
	*ret_outbox = outbox;
	return 0;
}

void outbox_close(struct outbox *outbox)
{
	if (!outbox)
		return;
	session_close(outbox->session);
	if (outbox->spool && outbox->receipts.used)
		save_receipts(outbox); /* what could not be saved is asked for again */
	spool_cursor_close(outbox->sending);
	spool_cursor_close(outbox->answered);
	spool_cursor_close(outbox->reading);
	spool_close(outbox->spool);
	outbox_bytes_finish(&outbox->receipts);
	outbox_sum_finish(&outbox->state);
	wire_arena_finish(&outbox->arena);
	wire_arena_finish(&outbox->reading_arena);
	free(outbox->endpoint);
	free(outbox->dir);
	free(outbox);
}

static int fit_arena(struct wire_arena *arena)
{
	int error = arena->base ? 0 : wire_arena_init(arena, WIRE_ARENA_BYTES);
	wire_arena_reset(arena);
	return error;
}

/* ---- saving ---- */

/* A group that is being put together: all bytes in one block, since it moves while it grows. */
struct group {
	struct outbox_bytes bytes;
	struct spool_record *records; /* `bytes` not set: they follow each other in the block */
	size_t count, room;
	bool has_failed;
};

static void group_finish(struct group *group)
{
	outbox_bytes_finish(&group->bytes);
	free(group->records);
}

/* What was put since the last record is one. */
static void group_end_record(struct group *group, enum outbox_record type)
{
	size_t before = 0;
	if (group->count == group->room) {
		size_t room = group->room * 2 + 16;
		struct spool_record *records = realloc(group->records, room * sizeof *records);
		group->has_failed = group->has_failed || !records;
		if (!records)
			return;
		group->records = records;
		group->room = room;
	}
	if (group->count)
		before = group->records[group->count - 1].number;
	/* until it is saved, `number` says where in the block it ends */
	group->records[group->count++] = (struct spool_record){ .type = (uint8_t)type,
								.number = group->bytes.used,
								.size = group->bytes.used - before };
}

static int group_save(struct outbox *outbox, struct group *group)
{
	if (group->has_failed || group->bytes.has_failed)
		return -ENOMEM;
	for (size_t i = 0; i < group->count; i++)
		group->records[i].bytes = group->bytes.bytes + group->records[i].number - group->records[i].size;
	return save(outbox, group->records, group->count);
}

/* The centre would say the same of these bytes; better now. */
static int check_payload(struct outbox *outbox, const void *payload, size_t bytes, uint32_t *ret_entry)
{
	struct wire_payload decoded;
	enum baophu_code code;
	int error = fit_arena(&outbox->arena);
	if (error)
		return error;
	return wire_decode_payload(&outbox->arena, payload, bytes, &decoded, &code, ret_entry) < 0 ? -EINVAL : 0;
}

static int add_batch(struct group *group, const struct outbox_source *source, uint64_t id, uint32_t updates, uint32_t entries)
{
	struct outbox_batch_record batch = {
		.id = id, .updates = updates, .entries = entries, .saved_ms = wall_ms(), .source.name = ""
	};
	if (source)
		batch.source = *source;
	if (!batch.source.name)
		batch.source.name = "";
	if (strlen(batch.source.name) > OUTBOX_NAME_BYTES_MAX || batch.source.note_bytes > OUTBOX_NOTE_BYTES_MAX)
		return -BAOPHU_EFULL;
	outbox_put_batch(&group->bytes, &batch);
	group_end_record(group, OUTBOX_RECORD_BATCH);
	return 0;
}

static struct outbox_update_record place_of(const struct outbox *outbox, uint64_t serial, uint64_t batch)
{
	const struct outbox_run *run = outbox_run_of(&outbox->state, serial);
	return (struct outbox_update_record){
		.serial = serial, .batch = batch, .epoch = run->epoch, .number = outbox_number_of(run, serial)
	};
}

/* As few updates as hold the entries. */
static int add_updates(struct outbox *outbox, struct group *group, const struct wire_entry *entries, uint32_t count,
		       uint32_t *ret_updates, uint32_t *ret_entry)
{
	uint64_t id = outbox->state.standing.next, serial = id;
	for (uint32_t done = 0; done < count;) {
		struct outbox_update_record update = place_of(outbox, serial, id);
		struct wire_payload payload = { .agent = outbox->state.standing.agent,
						.epoch = update.epoch,
						.number = update.number,
						.entries = entries + done };
		/* 64: what an Update message adds */
		size_t room = sizeof outbox->scratch - 64;
		ssize_t bytes = -BAOPHU_EFULL;
		payload.entry_count = count - done < BAOPHU_ENTRIES_MAX ? count - done : BAOPHU_ENTRIES_MAX;
		while ((bytes = wire_encode_payload(&payload, outbox->scratch, room)) == -BAOPHU_EFULL && payload.entry_count > 1)
			payload.entry_count /= 2;
		uint32_t bad = 0;
		int error = bytes < 0 ? (int)bytes : check_payload(outbox, outbox->scratch, (size_t)bytes, &bad);
		if (error) {
			*ret_entry = done + (bad < payload.entry_count ? bad : 0);
			return error;
		}
		update.first_entry = done;
		update.entries = payload.entry_count;
		update.payload = outbox->scratch;
		update.payload_bytes = (size_t)bytes;
		outbox_put_update(&group->bytes, &update);
		group_end_record(group, OUTBOX_RECORD_UPDATE);
		done += payload.entry_count;
		serial++;
	}
	*ret_updates = (uint32_t)(serial - id);
	return 0;
}

static int save_batch(struct outbox *outbox, const struct wire_entry *entries, uint32_t count, const struct outbox_source *source,
		      bool is_whole, uint64_t *ret_batch, uint32_t *ret_entry);

int outbox_save(struct outbox *outbox, const struct wire_entry *entries, uint32_t count, const struct outbox_source *source,
		uint64_t *ret_batch, uint32_t *ret_entry)
{
	return save_batch(outbox, entries, count, source, false, ret_batch, ret_entry);
}

int outbox_save_whole(struct outbox *outbox, const struct wire_entry *entries, uint32_t count, const struct outbox_source *source,
		      uint64_t *ret_batch, uint32_t *ret_entry)
{
	return save_batch(outbox, entries, count, source, true, ret_batch, ret_entry);
}

/* One update that applies parts: the parts first, then the update. */
static int add_parts(struct outbox *outbox, struct group *group, const struct wire_entry *entries, uint32_t count,
		     uint32_t *ret_entry)
{
	uint64_t serial = outbox->state.standing.next;
	struct outbox_update_record update = place_of(outbox, serial, serial);
	struct wire_payload payload = { .agent = outbox->state.standing.agent,
					.epoch = update.epoch,
					.number = update.number,
					.has_apply = true,
					/* unique in every epoch of this spool */
					.apply = { .batch = serial, .entries = count } };
	crypto_generichash_blake2b_state digest;
	crypto_generichash_blake2b_init(&digest, NULL, 0, sizeof payload.apply.digest);
	for (uint32_t done = 0; done < count;) {
		struct wire_stage stage = {
			.epoch = update.epoch, .batch = serial, .part = payload.apply.parts, .entries = entries + done
		};
		struct wire_agent_message decoded;
		const uint8_t *bytes = NULL;
		size_t byte_count = 0;
		ssize_t size;
		stage.entry_count = count - done < BAOPHU_ENTRIES_MAX ? count - done : BAOPHU_ENTRIES_MAX;
		while ((size = wire_encode_stage(&stage, outbox->scratch, sizeof outbox->scratch, &bytes, &byte_count)) ==
			   -BAOPHU_EFULL &&
		       stage.entry_count > 1)
			stage.entry_count /= 2;
		int error = size < 0 ? (int)size : fit_arena(&outbox->arena);
		*ret_entry = done;
		if (!error && wire_decode_agent_message(&outbox->arena, outbox->scratch, (size_t)size, &decoded) < 0)
			error = -EINVAL;
		if (!error && decoded.stage.code) {
			*ret_entry = done + (decoded.stage.bad_entry < stage.entry_count ? decoded.stage.bad_entry : 0);
			error = -EINVAL;
		}
		if (error)
			return error;
		crypto_generichash_blake2b_update(&digest, bytes, byte_count);
		const struct outbox_part_record part = {
			.serial = serial, .part = stage.part, .message = outbox->scratch, .message_bytes = (size_t)size
		};
		outbox_put_part(&group->bytes, &part);
		group_end_record(group, OUTBOX_RECORD_PART);
		payload.apply.parts++;
		done += stage.entry_count;
	}
	crypto_generichash_blake2b_final(&digest, payload.apply.digest, sizeof payload.apply.digest);
	ssize_t bytes = wire_encode_payload(&payload, outbox->scratch, sizeof outbox->scratch);
	if (bytes < 0)
		return (int)bytes;
	update.entries = count;
	update.payload = outbox->scratch;
	update.payload_bytes = (size_t)bytes;
	outbox_put_update(&group->bytes, &update);
	group_end_record(group, OUTBOX_RECORD_UPDATE);
	return 0;
}

static int save_batch(struct outbox *outbox, const struct wire_entry *entries, uint32_t count, const struct outbox_source *source,
		      bool is_whole, uint64_t *ret_batch, uint32_t *ret_entry)
{
	struct group group = { 0 };
	uint64_t id = outbox->state.standing.next;
	uint32_t updates = 1, bad = 0;
	if (outbox->state.standing.error)
		return outbox->state.standing.error;
	if (!outbox->spool)
		return -ENOSPC;
	if (!count)
		return -EINVAL;
	if (count > BAOPHU_BATCH_ENTRIES_MAX)
		return -BAOPHU_EFULL;
	int error = add_updates(outbox, &group, entries, count, &updates, &bad);
	if (!error && is_whole && updates > 1) {
		group_finish(&group);
		group = (struct group){ 0 };
		updates = 1;
		error = add_parts(outbox, &group, entries, count, &bad);
	}
	if (!error)
		error = add_batch(&group, source, id, updates, count);
	if (!error)
		error = group_save(outbox, &group);
	group_finish(&group);
	if (!error)
		*ret_batch = id;
	else if (ret_entry)
		*ret_entry = bad;
	return error;
}

/* ---- receipts ---- */

static int save_receipts(struct outbox *outbox)
{
	struct spool_record record = { .type = OUTBOX_RECORD_RECEIPTS,
				       .bytes = outbox->receipts.bytes,
				       .size = outbox->receipts.used };
	int error = outbox->receipts.has_failed ? -ENOMEM : save(outbox, &record, 1);
	if (spool_is_no_room(error)) {
		outbox->no_room_ms = monotonic_ms();
		return 0; /* they are kept, and tried again */
	}
	outbox->no_room_ms = 0;
	outbox->receipts.used = 0;
	if (!error)
		outbox->saved_to = outbox->state.standing.answered_to;
	return error;
}

/* When they are to be saved: monotonic; INT64_MAX while there are none. */
static int64_t receipts_due_ms(const struct outbox *outbox)
{
	if (!outbox->receipts.used)
		return INT64_MAX;
	if (outbox->no_room_ms)
		return outbox->no_room_ms + NO_ROOM_MS;
	bool is_last = !outbox->session || !session_standing(outbox->session)->unanswered;
	return is_last || outbox->receipts.used >= RECEIPTS_BYTES ? 0 : outbox->receipts_since_ms + RECEIPTS_MS;
}

static void keep_receipt(struct outbox *outbox, const struct session_outcome *outcome)
{
	const struct outbox_receipt_record receipt = { .serial = outcome->number - outbox->session_run.number +
								 outbox->session_run.base,
						       .receipt = outcome->receipt_bytes,
						       .receipt_bytes = (uint16_t)outcome->receipt_byte_count,
						       .suggestion = outcome->suggestion,
						       .suggestion_bytes = (uint8_t)strlen(outcome->suggestion) };
	if (!outbox->receipts.used) {
		outbox_put_receipts(&outbox->receipts, wall_ms());
		outbox->receipts_since_ms = monotonic_ms();
	}
	outbox_put_receipt(&outbox->receipts, &receipt);
}

/* ---- the session ---- */

static void rewind_sending(struct outbox *outbox, uint64_t serial)
{
	spool_cursor_close(outbox->sending);
	outbox->sending = NULL;
	outbox->has_record = outbox->is_staging = outbox->has_parts = false;
	outbox->stage_ms = 0;
	outbox->to_send = serial;
}

static void drop_session(struct outbox *outbox)
{
	session_close(outbox->session);
	outbox->session = NULL;
	outbox->state.standing.is_connected = false;
	rewind_sending(outbox, outbox->state.standing.answered_to);
}

static void try_later(struct outbox *outbox)
{
	outbox->backoff_ms = outbox->backoff_ms ? outbox->backoff_ms * 2 : RETRY_MS;
	if (outbox->backoff_ms > RETRY_MS_MAX)
		outbox->backoff_ms = RETRY_MS_MAX;
	outbox->retry_ms = monotonic_ms() + outbox->backoff_ms / 2 + (int)randombytes_uniform((uint32_t)outbox->backoff_ms / 2 + 1);
}

static int start_session(struct outbox *outbox)
{
	const struct outbox_standing *standing = &outbox->state.standing;
	outbox->session_run = *outbox_run_of(&outbox->state, standing->answered_to);
	const struct session_config config = { .context = outbox->context,
					       .endpoint = outbox->endpoint,
					       .agent = standing->agent,
					       .epoch = outbox->session_run.epoch,
					       .has_last = standing->has_last,
					       .last = standing->last,
					       .window = outbox->window,
					       .is_spooled = true };
	int error = session_start(&config, &outbox->session);
	outbox->welcomes = 0;
	rewind_sending(outbox, standing->answered_to);
	return error;
}

/* What the collector's word for "no" means to somebody who waits. */
static void take_turned(struct outbox *outbox, enum baophu_code code)
{
	struct outbox_standing *standing = &outbox->state.standing;
	standing->code = code;
	if (code == BAOPHU_CODE_FORK || code == BAOPHU_CODE_FROZEN)
		standing->hindrance = OUTBOX_FORK;
	else
		standing->hindrance = OUTBOX_TURNED_AWAY;
}

/* An epoch of before that is frozen has all that was sent in it before it froze: go on with the next one. */
static int skip_series(struct outbox *outbox, uint64_t end)
{
	struct outbox_bytes bytes = { 0 };
	outbox_put_serial(&bytes, end);
	return save_one(outbox, OUTBOX_RECORD_SKIP, &bytes);
}

static int lose_session(struct outbox *outbox, int error)
{
	struct outbox_standing *standing = &outbox->state.standing;
	enum baophu_code code = session_standing(outbox->session)->turned;
	uint64_t begin, end;
	outbox_series_of(&outbox->state, standing->answered_to, &begin, &end);
	if (error == -BAOPHU_EREFUSED)
		take_turned(outbox, code);
	else
		standing->hindrance = OUTBOX_NO_LINK;
	drop_session(outbox);
	int skipped = code == BAOPHU_CODE_FROZEN && end != UINT64_MAX ? skip_series(outbox, end) : -EAGAIN;
	if (skipped == -EAGAIN || spool_is_no_room(skipped)) {
		try_later(outbox);
		return 0;
	}
	return skipped;
}

/* The centre has lost what it had from `from` on: receipts of that are void, also those that are not saved yet. */
static int send_again(struct outbox *outbox, uint64_t from)
{
	struct outbox_bytes bytes = { 0 };
	outbox->receipts.used = 0;
	outbox_put_again(&bytes, from, wall_ms(), session_standing(outbox->session)->store);
	int error = save_one(outbox, OUTBOX_RECORD_AGAIN, &bytes);
	if (error)
		return error;
	outbox->saved_to = outbox->state.standing.answered_to;
	if (outbox->answered_from > from)
		rewind_answered(outbox, from);
	drop_session(outbox); /* the next one names no place that this centre does not know */
	return 0;
}

/* A session was opened: is this the centre that we know, and does it know what it has said? Before anything is sent. */
static int take_welcome(struct outbox *outbox)
{
	struct outbox_standing *standing = &outbox->state.standing;
	const struct session_standing *welcome = session_standing(outbox->session);
	uint64_t begin, end; /* of this series */
	uint64_t lacks_from = outbox_serial_of(&outbox->state, outbox->session_run.epoch, welcome->next);
	bool is_other = standing->has_store && memcmp(standing->store, welcome->store, sizeof standing->store) != 0;
	bool is_put_back = is_other || welcome->last_unknown;
	struct outbox_bytes bytes = { 0 };
	int error = 0;
	outbox_series_of(&outbox->state, outbox->session_run.base, &begin, &end);
	outbox->welcomes = welcome->welcomes;
	outbox->welcomed_ms = monotonic_ms();
	outbox->backoff_ms = 0;
	standing->hindrance = OUTBOX_FREE;
	standing->code = BAOPHU_CODE_NONE;

	uint64_t from = min(lacks_from, standing->answered_to);
	if (is_put_back && standing->first < begin)
		from = standing->first; /* earlier series may be lacking too: all that is kept is asked for again */
	if (from < standing->first) {
		standing->hindrance = OUTBOX_CENTRE_LACKS;
		return 0;
	}
	if (is_put_back || from < standing->answered_to)
		return send_again(outbox, from);

	if (!standing->has_store || standing->has_backup != welcome->has_backup ||
	    (welcome->has_backup && memcmp(&standing->backup, &welcome->backup, sizeof welcome->backup))) {
		outbox_put_centre(&bytes, welcome->store, welcome->has_backup ? &welcome->backup : NULL);
		error = save_one(outbox, OUTBOX_RECORD_CENTRE, &bytes);
		outbox->pruned_ms = 0;
	}
	if (!error && end == UINT64_MAX && lacks_from > standing->next && !outbox->state.stop_at) {
		/* What is numbered so far gets its receipts, or shows that it is another update; nothing after it may be sent. */
		outbox_put_serial(&bytes, standing->next);
		error = save_one(outbox, OUTBOX_RECORD_STOP, &bytes);
	}
	rewind_sending(outbox, standing->answered_to);
	return error;
}

/* ---- sending ---- */

/* The next record that is an update or a part: 1 and outbox->record, 0 when there is none yet. */
static int next_to_send(struct outbox *outbox)
{
	int got = 1;
	if (outbox->has_record)
		return 1;
	if (!outbox->sending) {
		got = seek(outbox, outbox->to_send, &outbox->sending, &outbox->record);
		outbox->has_record = got == 1;
		return got;
	}
	while ((got = spool_cursor_next(outbox->sending, &outbox->record)) == 1)
		if (outbox->record.type == OUTBOX_RECORD_UPDATE || outbox->record.type == OUTBOX_RECORD_PART)
			break;
	outbox->has_record = got == 1;
	return got;
}

static int send_part(struct outbox *outbox, const struct outbox_part_record *part)
{
	const struct outbox_run *run = outbox_run_of(&outbox->state, part->serial);
	const struct session_standing *session = session_standing(outbox->session);
	const uint8_t *stage = NULL;
	size_t stage_bytes = 0;
	/* under its own epoch these are the bytes that were saved */
	ssize_t size = wire_renumber_stage(part->message, part->message_bytes, run->epoch, outbox->scratch, sizeof outbox->scratch,
					   &stage, &stage_bytes);
	if (size < 0)
		return (int)size;
	if (!outbox->is_staging) {
		if (monotonic_ms() < outbox->stage_ms)
			return -EAGAIN;
		outbox->is_staging = session_stage(outbox->session, outbox->scratch, (size_t)size) == 0;
		outbox->stage_ms = monotonic_ms() + (outbox->is_staging ? STAGED_MS : STAGE_MS);
		return -EAGAIN;
	}
	if (!session->has_staged || session->staged.batch != part->serial || session->staged.part != part->part) {
		outbox->is_staging = monotonic_ms() < outbox->stage_ms;
		return -EAGAIN;
	}
	outbox->is_staging = false;
	if (session->staged.code == BAOPHU_CODE_EXPECT) { /* it has lost those before: all parts again */
		rewind_sending(outbox, part->serial);
		return -EAGAIN;
	}
	outbox->stage_ms = 0;
	if (baophu_code_is_retryable(session->staged.code)) {
		outbox->stage_ms = monotonic_ms() + STAGE_MS;
		outbox->state.standing.hindrance = OUTBOX_NOT_NOW;
		outbox->state.standing.code = session->staged.code;
		return -EAGAIN;
	}
	/* Any other word: the update that applies it is refused, and that is its receipt. */
	if (!part->part)
		crypto_generichash_blake2b_init(&outbox->parts_digest, NULL, 0, BAOPHU_DIGEST_BYTES);
	crypto_generichash_blake2b_update(&outbox->parts_digest, stage, stage_bytes);
	outbox->has_parts = true;
	return 0;
}

static int send_update(struct outbox *outbox, const struct outbox_update_record *update)
{
	const struct outbox_run *run = outbox_run_of(&outbox->state, update->serial);
	uint64_t number = outbox_number_of(run, update->serial);
	if (update->epoch == run->epoch && update->number == number)
		return session_push_payload(outbox->session, number, update->payload, update->payload_bytes);
	ssize_t size;
	if (outbox->has_parts) { /* parts of another epoch have another digest */
		struct wire_payload payload;
		enum baophu_code code;
		uint32_t entry;
		int error = fit_arena(&outbox->arena);
		if (error)
			return error;
		if (wire_decode_payload(&outbox->arena, update->payload, update->payload_bytes, &payload, &code, &entry) < 0)
			return -BAOPHU_EDAMAGED;
		payload.epoch = run->epoch;
		payload.number = number;
		crypto_generichash_blake2b_state digest = outbox->parts_digest;
		crypto_generichash_blake2b_final(&digest, payload.apply.digest, sizeof payload.apply.digest);
		size = wire_encode_payload(&payload, outbox->scratch, sizeof outbox->scratch);
	} else {
		size = wire_renumber_payload(update->payload, update->payload_bytes, run->epoch, number, outbox->scratch,
					     sizeof outbox->scratch);
	}
	return size < 0 ? (int)size : session_push_payload(outbox->session, number, outbox->scratch, (size_t)size);
}

static bool may_send(const struct outbox *outbox)
{
	const struct session_standing *session = outbox->session ? session_standing(outbox->session) : NULL;
	const struct outbox_standing *standing = &outbox->state.standing;
	uint64_t end = outbox_run_end(&outbox->state, standing->answered_to);
	if (!session || !session->is_open || outbox->welcomes != session->welcomes || standing->damage.file[0] ||
	    standing->hindrance == OUTBOX_CENTRE_LACKS)
		return false;
	if (outbox->state.stop_at && outbox->state.stop_at < end)
		end = outbox->state.stop_at;
	uint32_t bytes = session->credit_bytes < WINDOW_BYTES ? session->credit_bytes : WINDOW_BYTES;
	return outbox->to_send < standing->next && outbox->to_send < end && outbox->receipts.used < 2 * RECEIPTS_BYTES &&
	       (!session->unanswered || (session->unanswered < outbox->window && session->unanswered_bytes < bytes));
}

/* Fills the window. Returns how many messages were handed to the session, or an error. When it is not 0 the session must be heard
 * again before its descriptors are polled. */
static int send_some(struct outbox *outbox)
{
	struct outbox_standing *standing = &outbox->state.standing;
	int given = 0;
	while (may_send(outbox)) {
		struct outbox_update_record update;
		struct outbox_part_record part;
		int got = next_to_send(outbox);
		if (got == -BAOPHU_EDAMAGED && outbox->sending)
			standing->damage = *spool_cursor_damage(outbox->sending);
		if (got <= 0)
			return got < 0 ? got : given;
		int error;
		bool was_staging = outbox->is_staging;
		if (outbox_get_part(&outbox->record, &part))
			error = send_part(outbox, &part);
		else if (outbox_get_update(&outbox->record, &update))
			error = send_update(outbox, &update);
		else
			return -BAOPHU_EDAMAGED;
		if (error == -EAGAIN)
			return given + (outbox->is_staging && !was_staging);
		if (error)
			return error;
		outbox->has_record = false;
		if (outbox->record.type == OUTBOX_RECORD_UPDATE) {
			outbox->to_send = update.serial + 1;
			outbox->has_parts = false;
			given++;
		}
	}
	return given;
}

static void see_standing(struct outbox *outbox)
{
	struct outbox_standing *standing = &outbox->state.standing;
	const struct session_standing *session = outbox->session ? session_standing(outbox->session) : NULL;
	standing->is_connected = session && session->is_open;
	if (!session || standing->hindrance == OUTBOX_CENTRE_LACKS)
		return;
	if (standing->damage.file[0]) {
		standing->hindrance = OUTBOX_DAMAGED;
	} else if (!session->is_open) {
		/* what turned it away before still stands until somebody says something else */
		if (standing->hindrance != OUTBOX_TURNED_AWAY && standing->hindrance != OUTBOX_FORK)
			standing->hindrance = session->waiting_for ? OUTBOX_NOT_NOW : OUTBOX_NO_LINK;
	} else if (outbox->state.stop_at) {
		standing->hindrance = OUTBOX_SPOOL_OLDER;
	} else if (!outbox->is_staging) {
		standing->hindrance = session->waiting_for ? OUTBOX_NOT_NOW : OUTBOX_FREE;
	}
	if (standing->hindrance == OUTBOX_NOT_NOW && session->waiting_for)
		standing->code = session->waiting_for;
	else if (standing->hindrance == OUTBOX_FREE || standing->hindrance == OUTBOX_NO_LINK)
		standing->code = BAOPHU_CODE_NONE;
}

/* ---- pruning ---- */

/* Segment i may go when every update before the next one's head has a receipt at a place that the backup has, and that head is old enough. */
static int prune(struct outbox *outbox)
{
	struct outbox_standing *standing = &outbox->state.standing;
	uint32_t segments = spool_standing(outbox->spool)->segments, gone = 0;
	int64_t old_ms = wall_ms() - keep_ms;
	outbox->pruned_ms = monotonic_ms();
	if (!standing->has_backup)
		return 0;
	/* Every update below a head's answered_to was decided at or before its newest receipt's place, unless the centre was put back since. */
	uint64_t safe_to = standing->has_last && standing->last.seq <= standing->backup.seq ? standing->answered_to : 0;
	int error = 0;
	for (uint32_t i = segments; i-- > 1 && !safe_to && !error;) {
		struct outbox_head head;
		if (spool_segment_first(outbox->spool, i) <= outbox->state.again_record)
			break;
		error = head_of(outbox, i, &head);
		if (!error && head.last_seq && head.last_seq <= standing->backup.seq)
			safe_to = head.answered_to < standing->answered_to ? head.answered_to : standing->answered_to;
	}
	while (gone + 1 < segments && !error) {
		struct outbox_head head;
		error = head_of(outbox, gone + 1, &head);
		if (error || head.next > safe_to || head.time_ms > old_ms)
			break;
		gone++;
	}
	if (error || !gone)
		return error;
	error = spool_prune(outbox->spool, spool_segment_first(outbox->spool, gone));
	return error ? error : find_first(outbox);
}

/* An office that is connected for months would never hear of a backup. When all is answered a session is opened anew, once a day, if there is
 * anything that a newer backup could let go. */
static void hear_of_backup(struct outbox *outbox)
{
	const struct outbox_standing *standing = &outbox->state.standing;
	bool is_idle = standing->answered_to == standing->next && !outbox->receipts.used && !outbox->is_staging;
	if (outbox->session && session_standing(outbox->session)->is_open && is_idle &&
	    spool_standing(outbox->spool)->segments > 1 && monotonic_ms() - outbox->welcomed_ms >= WELCOME_AGAIN_MS)
		drop_session(outbox);
}

/* ---- the work ---- */

static int hear_outcomes(struct outbox *outbox, bool *ret_progress)
{
	int error;
	for (int i = 0; i < WORK_OUTCOMES && outbox->session; i++) {
		struct session_outcome outcome;
		int got = session_wait(outbox->session, 0, &outcome);
		if (got < 0) {
			*ret_progress = true;
			return lose_session(outbox, got);
		}
		const struct session_standing *session = session_standing(outbox->session);
		if (session->is_open && outbox->welcomes != session->welcomes) {
			*ret_progress = true;
			error = take_welcome(outbox);
			if (spool_is_no_room(error)) { /* what it says must be remembered before anything is sent */
				drop_session(outbox);
				try_later(outbox);
			}
			if (error || !outbox->session)
				return spool_is_no_room(error) ? 0 : error;
		}
		if (!got)
			return 0;
		keep_receipt(outbox, &outcome);
		*ret_progress = true;
	}
	outbox->has_more = outbox->session != NULL;
	return 0;
}

int outbox_work(struct outbox *outbox)
{
	struct outbox_standing *standing = &outbox->state.standing;
	bool is_progress = true;
	int error = standing->error;
	outbox->has_more = false;
	if (!error && !outbox->spool)
		error = try_spool(outbox);
	if (error || !outbox->spool)
		return error;
	while (!error && is_progress && !outbox->has_more) {
		is_progress = false;
		if (!outbox->session && outbox->endpoint && monotonic_ms() >= outbox->retry_ms && start_session(outbox)) {
			try_later(outbox); /* too few descriptors, or memory: it is no worse than no link */
			break;
		}
		error = hear_outcomes(outbox, &is_progress);
		if (!error && receipts_due_ms(outbox) <= monotonic_ms()) {
			error = save_receipts(outbox);
			/* a run that is answered to its end gives way to the next */
			if (!error && outbox->session &&
			    outbox_run_of(&outbox->state, standing->answered_to)->base != outbox->session_run.base) {
				drop_session(outbox);
				is_progress = true;
			}
		}
		if (!error) {
			int given = send_some(outbox);
			error = given < 0 ? given : 0;
			is_progress = is_progress || given > 0;
		}
	}
	see_standing(outbox);
	if (!error && (!outbox->pruned_ms || monotonic_ms() - outbox->pruned_ms >= PRUNE_MS)) {
		error = prune(outbox);
		hear_of_backup(outbox);
	}
	return error;
}

unsigned outbox_poll(const struct outbox *outbox, struct pollfd ret_descriptors[OUTBOX_DESCRIPTORS], int *ret_timeout_ms)
{
	int64_t now_ms = monotonic_ms(), due_ms = receipts_due_ms(outbox);
	unsigned count = 0;
	if (outbox->state.standing.error || (outbox->spool && !outbox->endpoint)) {
		*ret_timeout_ms = -1;
		return 0;
	}
	if (outbox->session) { /* never without a spool */
		int descriptors[OUTBOX_DESCRIPTORS], timeout_ms;
		session_poll(outbox->session, descriptors, &timeout_ms);
		for (; count < OUTBOX_DESCRIPTORS; count++)
			ret_descriptors[count] = (struct pollfd){ .fd = descriptors[count], .events = POLLIN };
		if (timeout_ms >= 0 && now_ms + timeout_ms < due_ms)
			due_ms = now_ms + timeout_ms;
		if (outbox->has_more)
			due_ms = now_ms;
		else if (may_send(outbox) && outbox->stage_ms < due_ms)
			due_ms = outbox->stage_ms;
	} else if (outbox->retry_ms < due_ms) {
		due_ms = outbox->retry_ms;
	}
	*ret_timeout_ms = due_ms <= now_ms ? 0 : due_ms - now_ms > PRUNE_MS ? PRUNE_MS : (int)(due_ms - now_ms);
	return count;
}

int outbox_wait(struct outbox *outbox, int timeout_ms)
{
	struct pollfd descriptors[OUTBOX_DESCRIPTORS];
	int due_ms;
	unsigned count = outbox_poll(outbox, descriptors, &due_ms);
	if (due_ms < 0 || (timeout_ms >= 0 && timeout_ms < due_ms))
		due_ms = timeout_ms;
	if (poll(descriptors, count, due_ms) < 0)
		return -errno;
	return outbox_work(outbox);
}

/* ---- decisions of people ---- */

int outbox_new_series(struct outbox *outbox)
{
	struct outbox_standing *standing = &outbox->state.standing;
	struct outbox_bytes bytes = { 0 };
	/* A centre that lacks what was pruned here gets all that is left. */
	uint64_t base = standing->hindrance == OUTBOX_CENTRE_LACKS ? standing->first : standing->answered_to;
	if (standing->error)
		return standing->error;
	if (!outbox->spool)
		return -ENOSPC;
	if (outbox->receipts.used) {
		int error = save_receipts(outbox);
		if (error)
			return error;
		base = base < standing->answered_to ? standing->answered_to : base;
	}
	outbox_put_series(&bytes, new_epoch(), base, wall_ms());
	int error = save_one(outbox, OUTBOX_RECORD_SERIES, &bytes);
	if (error)
		return error;
	outbox->saved_to = standing->answered_to;
	if (outbox->answered_from > base)
		rewind_answered(outbox, base);
	standing->hindrance = outbox->endpoint ? OUTBOX_NO_LINK : OUTBOX_FREE;
	standing->code = BAOPHU_CODE_NONE;
	drop_session(outbox);
	outbox->retry_ms = 0;
	outbox->backoff_ms = 0;
	return 0;
}

int outbox_give_up(struct outbox *outbox)
{
	struct outbox_standing *standing = &outbox->state.standing;
	struct outbox_bytes bytes = { 0 };
	enum baophu_code code = outbox->session ? session_standing(outbox->session)->waiting_for : BAOPHU_CODE_NONE;
	if (standing->error)
		return standing->error;
	if (!code || /* and so without a spool, too */ outbox_run_end(&outbox->state, standing->answered_to) != UINT64_MAX)
		return -BAOPHU_ENOTFOUND;
	if (outbox->receipts.used) {
		int error = save_receipts(outbox);
		if (error || outbox->receipts.used)
			return error ? error : -EBUSY;
	}
	/* from here on it is certain that the centre has decided none of what waits */
	if (session_abandon(outbox->session) < 0 || standing->answered_to == standing->next)
		return -EBUSY;
	drop_session(outbox);
	outbox->retry_ms = 0;
	outbox_put_given_up(&bytes, standing->answered_to, code);
	int error = save_one(outbox, OUTBOX_RECORD_GIVEN_UP, &bytes);
	outbox->saved_to = standing->answered_to;
	rewind_sending(outbox, standing->answered_to);
	return error;
}

int outbox_settle_held(struct outbox *outbox, uint64_t serial, bool is_released, uint64_t decision_seq)
{
	const struct outbox_told *told = outbox_told_of(&outbox->state, serial);
	struct outbox_bytes bytes = { 0 };
	if (!told || told->state != OUTBOX_HELD)
		return -BAOPHU_ENOTFOUND;
	outbox_put_settled(&bytes, serial, is_released, decision_seq);
	return save_one(outbox, OUTBOX_RECORD_SETTLED, &bytes);
}

/* ---- the office's own view ---- */

int outbox_next_answered(struct outbox *outbox, uint64_t *ret_batch)
{
	struct spool_record record;
	struct outbox_batch_record batch;
	if (outbox->answered_from >= outbox->saved_to)
		return 0;
	int got = 1;
	if (!outbox->answered)
		got = seek(outbox, outbox->answered_from, &outbox->answered, &record);
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
	return seek(outbox, serial, &outbox->reading, ret_record);
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
	int error = fit_arena(&outbox->reading_arena), got = error ? error : begin_reading(outbox, ids[0], &record);
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
		got = seek(outbox, serial, &walk->cursor, &walk->record);
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
		error = head_of(outbox, --segment, &head);
	while (!error && segment && head.answered_to > serial);
	spool_cursor_close(outbox->reading);
	outbox->reading = NULL;
	if (!error)
		error = spool_cursor_open(outbox->spool, spool_segment_first(outbox->spool, segment), &outbox->reading);
	if (!error)
		error = fit_arena(&outbox->reading_arena);
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
