/* outbox_save.c - reports come in: entries become updates and parts, and a batch of them is saved whole or not at all. See outbox.h. */
#include "outbox_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
	return outbox_append(outbox, group->records, group->count);
}

/* The centre would say the same of these bytes; better now. */
static int check_payload(struct outbox *outbox, const void *payload, size_t bytes, uint32_t *ret_entry)
{
	struct wire_payload decoded;
	enum baophu_code code;
	int error = outbox_fit_arena(&outbox->arena);
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
		int error = size < 0 ? (int)size : outbox_fit_arena(&outbox->arena);
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
