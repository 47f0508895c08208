/* outbox.c - see outbox.h. Opening and closing; records into the spool, and where they are in it.
 *
 * What is saved is a record in the spool; what is known is the fold of the records (outbox_records.c). Nothing is kept in memory of what waits.
 */
#include "outbox_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	NO_ROOM_MS = 1000, /* look again at a disk that was full */
	NUMBER_BITS = 52,
};

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

int outbox_append(struct outbox *outbox, struct spool_record *records, size_t count)
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

int outbox_append_one(struct outbox *outbox, enum outbox_record type, struct outbox_bytes *bytes)
{
	struct spool_record record = { .type = (uint8_t)type, .bytes = bytes->bytes, .size = bytes->used };
	int error = bytes->has_failed ? -ENOMEM : outbox_append(outbox, &record, 1);
	outbox_bytes_finish(bytes);
	return error;
}

/* ---- places in the spool ---- */

int outbox_head_of(struct outbox *outbox, uint32_t segment, struct outbox_head *ret_head)
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
		error = outbox_head_of(outbox, middle, &head);
		if (!error && head.next <= serial)
			low = middle;
		else
			high = middle;
	}
	*ret_segment = low;
	return error;
}

int outbox_seek(struct outbox *outbox, uint64_t serial, struct spool_cursor **ret_cursor, struct spool_record *ret_record)
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

int outbox_find_first(struct outbox *outbox)
{
	struct outbox_head head;
	int error = outbox_head_of(outbox, 0, &head);
	if (!error) {
		outbox->state.standing.first = head.next;
		outbox_forget_refused(&outbox->state, head.next);
	}
	return error;
}

void outbox_rewind_answered(struct outbox *outbox, uint64_t serial)
{
	spool_cursor_close(outbox->answered);
	outbox->answered = NULL;
	outbox->answered_from = serial;
	outbox->batch_end = 0;
}

/* ---- opening ---- */

uint64_t outbox_new_epoch(void)
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
	struct outbox_run run = { .epoch = outbox_new_epoch(), .base = 1, .number = 1 };
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
	return error ? error : outbox_find_first(outbox);
}

int outbox_save_receipts(struct outbox *outbox);
int outbox_start_session(struct outbox *outbox);

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

int outbox_try_spool(struct outbox *outbox)
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
		error = outbox_start_session(outbox);
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
		outbox_save_receipts(outbox); /* what could not be saved is asked for again */
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

int outbox_fit_arena(struct wire_arena *arena)
{
	int error = arena->base ? 0 : wire_arena_init(arena, WIRE_ARENA_BYTES);
	wire_arena_reset(arena);
	return error;
}
