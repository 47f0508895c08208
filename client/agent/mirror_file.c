/* mirror_file.c - the mirror on the disk. See mirror_file.h.
 *
 * Layout, integers little endian:
 *   header of 192 bytes: "BPMIRROR", u32 format, u32 0, agent[24], store[16], u64 seq, digest[32], u32 business day (yyyymmdd), u32 0,
 *                        i64 taken_ms, i64 complete_ms, u64 bytes of the frames, BLAKE2b-256 of the frames, BLAKE2b-256 of the header so far
 *   frames:              u32 kind of the question, u32 bytes, an encoded Answer (COVERAGE: an encoded CoverageRecord)
 * Written beside and renamed over the old one, so a reader finds one whole file or none; digests find what the disk got wrong.
 */
#include "mirror_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include <baophu/date.h>

enum { FORMAT = 1, DIGEST_BYTES = 32, HEAD_BYTES = 160 + DIGEST_BYTES, AGENT_BYTES = 24, FRAME_HEAD_BYTES = 8 };
static const char magic[8] = "BPMIRROR";

static void put_le(uint8_t **at, unsigned bytes, uint64_t value)
{
	for (unsigned i = 0; i < bytes; i++, value >>= 8)
		*(*at)++ = (uint8_t)value;
}

static uint64_t get_le(const uint8_t **at, unsigned bytes)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t) * (*at)++ << 8 * i;
	return value;
}

/* ---- frames ---- */

void frames_finish(struct frames *frames)
{
	free(frames->bytes);
	*frames = (struct frames){ 0 };
}

static int frames_reserve(struct frames *frames, size_t more)
{
	if (frames->used + more > FRAMES_BYTES_MAX)
		return -BAOPHU_EFULL;
	if (frames->used + more > frames->capacity) {
		size_t capacity = frames->capacity ? frames->capacity : 64 << 10;
		while (capacity < frames->used + more)
			capacity *= 2;
		uint8_t *grown = realloc(frames->bytes, capacity);
		if (!grown)
			return -ENOMEM;
		frames->bytes = grown;
		frames->capacity = capacity;
	}
	return 0;
}

/* Encodes into what is free, making more room until it fits. */
static int frames_add(struct frames *frames, enum wire_query_kind kind, const struct wire_answer *answer,
		      const struct baophu_record *record)
{
	struct wire_arena scratch = { 0 };
	ssize_t bytes = -BAOPHU_EFULL;
	int error = answer ? wire_arena_init(&scratch, WIRE_ARENA_BYTES) : 0;
	for (size_t room = 4096; !error && bytes == -BAOPHU_EFULL; room *= 4) {
		error = frames_reserve(frames, FRAME_HEAD_BYTES + room);
		if (error)
			break;
		uint8_t *to = frames->bytes + frames->used + FRAME_HEAD_BYTES;
		wire_arena_reset(&scratch);
		bytes = answer ? wire_encode_answer(&scratch, answer, to, room) : wire_encode_record(record, to, room);
	}
	wire_arena_finish(&scratch);
	if (error)
		return error;
	uint8_t *at = frames->bytes + frames->used;
	put_le(&at, 4, kind);
	put_le(&at, 4, (uint64_t)bytes);
	frames->used += FRAME_HEAD_BYTES + (size_t)bytes;
	return 0;
}

int frames_add_answer(struct frames *frames, enum wire_query_kind kind, const struct wire_answer *answer)
{
	return frames_add(frames, kind, answer, NULL);
}

int frames_add_record(struct frames *frames, const struct baophu_record *record)
{
	return frames_add(frames, WIRE_QUERY_COVERAGE, NULL, record);
}

bool frames_next(const struct frames *frames, size_t *at, struct frame *ret_frame)
{
	if (frames->used - *at < FRAME_HEAD_BYTES)
		return false;
	const uint8_t *head = frames->bytes + *at;
	struct frame frame = { .kind = (enum wire_query_kind)get_le(&head, 4) };
	frame.size = get_le(&head, 4);
	frame.bytes = head;
	if (frame.size > frames->used - *at - FRAME_HEAD_BYTES)
		return false;
	*at += FRAME_HEAD_BYTES + frame.size;
	*ret_frame = frame;
	return true;
}

int frames_add_kind(struct frames *frames, const struct frames *from, enum wire_query_kind kind)
{
	struct frame frame;
	int error = 0;
	for (size_t at = 0; !error && frames_next(from, &at, &frame);) {
		if (frame.kind != kind)
			continue;
		error = frames_reserve(frames, FRAME_HEAD_BYTES + frame.size);
		if (error)
			break;
		memcpy(frames->bytes + frames->used, frame.bytes - FRAME_HEAD_BYTES, FRAME_HEAD_BYTES + frame.size);
		frames->used += FRAME_HEAD_BYTES + frame.size;
	}
	return error;
}

/* ---- the file ---- */

static void digest_of(const void *bytes, size_t size, uint8_t digest[static DIGEST_BYTES])
{
	crypto_generichash(digest, DIGEST_BYTES, bytes, size, NULL, 0);
}

static void put_head(const struct mirror_head *head, const struct frames *frames, uint8_t bytes[static HEAD_BYTES])
{
	uint8_t *at = bytes;
	memset(bytes, 0, HEAD_BYTES);
	memcpy(at, magic, sizeof magic);
	at += sizeof magic;
	put_le(&at, 4, FORMAT);
	put_le(&at, 4, 0);
	memcpy(at, head->agent, sizeof head->agent);
	at += AGENT_BYTES;
	memcpy(at, head->store, sizeof head->store);
	at += sizeof head->store;
	put_le(&at, 8, head->place.seq);
	memcpy(at, head->place.digest, sizeof head->place.digest);
	at += sizeof head->place.digest;
	put_le(&at, 4, baophu_date_to_civil(head->day));
	put_le(&at, 4, 0);
	put_le(&at, 8, (uint64_t)head->taken_ms);
	put_le(&at, 8, (uint64_t)head->complete_ms);
	put_le(&at, 8, frames->used);
	digest_of(frames->bytes ? frames->bytes : bytes, frames->used, at);
	at += DIGEST_BYTES;
	digest_of(bytes, (size_t)(at - bytes), at);
	assert(at + DIGEST_BYTES == bytes + HEAD_BYTES);
}

/* The head without its checks: what a file says of itself. Returns the bytes of the frames. */
static uint64_t get_head(const uint8_t bytes[static HEAD_BYTES], struct mirror_head *ret_head)
{
	const uint8_t *at = bytes + sizeof magic + 8;
	memcpy(ret_head->agent, at, sizeof ret_head->agent);
	ret_head->agent[BAOPHU_CODE_BYTES_MAX] = '\0';
	at += AGENT_BYTES;
	memcpy(ret_head->store, at, sizeof ret_head->store);
	at += sizeof ret_head->store;
	ret_head->place.seq = get_le(&at, 8);
	memcpy(ret_head->place.digest, at, sizeof ret_head->place.digest);
	at += sizeof ret_head->place.digest;
	ret_head->day = baophu_date_from_civil((uint32_t)get_le(&at, 4));
	at += 4;
	ret_head->taken_ms = (int64_t)get_le(&at, 8);
	ret_head->complete_ms = (int64_t)get_le(&at, 8);
	return get_le(&at, 8);
}

/* 0; -ENODATA: the file ends before. */
static int read_whole(int fd, void *buffer, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t bytes = read(fd, (char *)buffer + done, size - done);
		if (bytes < 0 && errno != EINTR)
			return -errno;
		if (!bytes)
			return -ENODATA;
		done += bytes > 0 ? (size_t)bytes : 0;
	}
	return 0;
}

static int check_head(const uint8_t head[static HEAD_BYTES])
{
	uint8_t digest[DIGEST_BYTES];
	const uint8_t *at = head + sizeof magic;
	if (memcmp(head, magic, sizeof magic) != 0)
		return -BAOPHU_EDAMAGED;
	/* The format before the digest: a newer one may keep it elsewhere. */
	if (get_le(&at, 4) > FORMAT)
		return -BAOPHU_EFORMAT;
	digest_of(head, HEAD_BYTES - DIGEST_BYTES, digest);
	return memcmp(digest, head + HEAD_BYTES - DIGEST_BYTES, DIGEST_BYTES) == 0 ? 0 : -BAOPHU_EDAMAGED;
}

int mirror_file_read(const char *path, struct mirror_head *ret_head, struct frames *ret_frames)
{
	uint8_t head[HEAD_BYTES], digest[DIGEST_BYTES];
	struct frames frames = { 0 };
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int error = fstat(fd, &status) == 0 ? read_whole(fd, head, sizeof head) : -errno;
	if (!error)
		error = check_head(head);
	uint64_t size = error ? 0 : get_head(head, ret_head);
	if (!error && (size > FRAMES_BYTES_MAX || (uint64_t)status.st_size != HEAD_BYTES + size))
		error = -BAOPHU_EDAMAGED;
	if (!error)
		error = frames_reserve(&frames, size);
	if (!error)
		error = read_whole(fd, frames.bytes, size);
	close(fd);
	if (!error) {
		frames.used = size;
		digest_of(size ? frames.bytes : head, size, digest);
		if (memcmp(digest, head + HEAD_BYTES - 2 * DIGEST_BYTES, DIGEST_BYTES) != 0)
			error = -BAOPHU_EDAMAGED;
	}
	if (error) {
		frames_finish(&frames);
		return error == -ENODATA ? -BAOPHU_EDAMAGED : error;
	}
	*ret_frames = frames;
	return 0;
}

static int write_whole(int fd, const void *bytes, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t written = write(fd, (const char *)bytes + done, size - done);
		if (written < 0 && errno != EINTR)
			return -errno;
		done += written > 0 ? (size_t)written : 0;
	}
	return 0;
}

/* A rename is on the disk when its directory is. */
static int flush_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	int fd = directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int error = !directory ? -ENOMEM : fd < 0 ? -errno : fsync(fd) ? -errno : 0;
	if (fd >= 0)
		close(fd);
	free(directory);
	return error;
}

int mirror_file_write(const char *path, const struct mirror_head *head, const struct frames *frames)
{
	uint8_t bytes[HEAD_BYTES];
	char *beside;
	if (asprintf(&beside, "%s.new", path) < 0)
		return -ENOMEM;
	put_head(head, frames, bytes);
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int error = fd < 0 ? -errno : write_whole(fd, bytes, sizeof bytes);
	if (!error)
		error = write_whole(fd, frames->bytes, frames->used);
	if (!error && fsync(fd))
		error = -errno;
	if (fd >= 0 && close(fd) && !error)
		error = -errno;
	if (!error && rename(beside, path))
		error = -errno;
	if (error && fd >= 0)
		unlink(beside);
	free(beside);
	return error ? error : flush_directory(path);
}
