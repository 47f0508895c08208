/* spool.c - see spool.h.
 *
 * All numbers little endian. A segment: 64 bytes of header, then records, each at a multiple of 8.
 *
 *   header   magic 8 | format u32 | 0 u32 | spool id 16 | number of the first record u64 | the segment before: number of its first
 *            record u64 (0: there was none) and where its records end u64 | checksum u64 over the 56 bytes before
 *   record   checksum u64 over all that follows | size u32 | type u8 | flags u8 (1: the last of its group) | 0 u16 |
 *            index in its group u32 | mark u32 | number u64 | bytes | zeros up to a multiple of 8
 *   witness  two slots 512 bytes apart, written in turn: checksum u64 over the rest | segment's first record u64 | where its flushed
 *            records end u64
 *
 * Checksums are SipHash-2-4 keyed by the spool's id. Behind the last record stand zeros that were taken ahead.
 *
 * Torn or damaged: groups are flushed one after the other, so of those on the disk only the last can be unflushed. A group that is
 * not whole is therefore torn when nothing of a later group can be found behind it and the witness does not say that it was flushed; else
 * it is damaged.
 */
#include "spool.h"

#include <assert.h>
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <baophu/status.h>
#include <sodium.h>

static const char magic[8] = "bpspool1";
enum { FORMAT = 1, HEADER_BYTES = 64, RECORD_HEADER_BYTES = 32, CHECKSUM_BYTES = 8, FLAG_LAST = 1 };
enum { AT_FORMAT = 8, AT_ID = 16, AT_FIRST = 32, AT_BEFORE = 40, AT_BEFORE_END = 48, AT_HEADER_CHECKSUM = 56 };
enum { AT_SIZE = 8, AT_TYPE = 12, AT_FLAGS = 13, AT_INDEX = 16, AT_MARK = 20, AT_NUMBER = 24 };
enum { WITNESS_BYTES = 24, WITNESS_SLOT_BYTES = 512 };
enum { BUFFER_BYTES = 256 << 10, SEGMENTS_MAX = 1 << 20 };
static const uint32_t mark = 0x52bf0d9e;

struct segment {
	uint64_t first, end; /* number of its first record; where its records end in the file */
};

struct spool {
	struct spool_standing standing;
	int directory, lock, witness;
	int newest; /* the newest segment, for appending; -1: there is none */
	uint64_t reserved; /* bytes of it that have room on the disk */
	unsigned witness_turn;
	struct segment *segments; /* oldest first */
	uint32_t segment_room;
	uint8_t *buffer; /* what is being written */
	size_t buffer_room;
};

/* Bytes of a file, read ahead. */
struct window {
	int fd;
	uint64_t end; /* of what may be read */
	uint64_t at; /* where the bytes in hand begin */
	size_t have, room;
	uint8_t *bytes;
};

struct spool_cursor {
	struct spool *spool;
	struct window window; /* fd -1: at no segment yet */
	uint64_t segment, offset; /* first record of the segment; where the next record is */
	uint64_t number; /* of the next record */
	uint32_t index; /* in its group */
	bool is_damaged;
	struct spool_damage damage;
};

/* ---- numbers, names, checksums ---- */

static uint32_t get32(const uint8_t *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof value);
	return le32toh(value);
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t value;
	memcpy(&value, at, sizeof value);
	return le64toh(value);
}

static void put32(uint8_t *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof value);
}

static void put64(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof value);
}

static uint64_t checksum(const uint8_t id[static SPOOL_ID_BYTES], const void *bytes, size_t size)
{
	static_assert((size_t)SPOOL_ID_BYTES == crypto_shorthash_KEYBYTES && (size_t)CHECKSUM_BYTES == crypto_shorthash_BYTES,
		      "the id is the key");
	uint8_t sum[CHECKSUM_BYTES];
	crypto_shorthash(sum, bytes, size, id);
	return get64(sum);
}

static uint64_t padded(uint64_t size) { return (size + 7) & ~UINT64_C(7); }

static void name_of(uint64_t first, const char *suffix, char ret_name[static SPOOL_FILE_NAME_BYTES])
{
	snprintf(ret_name, SPOOL_FILE_NAME_BYTES, "%020" PRIu64 ".%s", first, suffix);
}

/* The number in a name that name_of() makes; 0 for any other. */
static uint64_t number_of(const char *name, const char *suffix)
{
	char same[SPOOL_FILE_NAME_BYTES];
	uint64_t first = strtoull(name, NULL, 10);
	name_of(first, suffix, same);
	return strcmp(name, same) == 0 ? first : 0;
}

static int name_damage(struct spool_damage *damage, uint64_t first, uint64_t offset, uint64_t number)
{
	name_of(first, "spool", damage->file);
	damage->offset = offset;
	damage->number = number;
	return -BAOPHU_EDAMAGED;
}

/* ---- whole reads and writes ---- */

/* How much could be read: less than `size` only at the end of the file. */
static ssize_t read_at(int fd, void *bytes, size_t size, uint64_t offset)
{
	size_t done = 0;
	while (done < size) {
		ssize_t got = pread(fd, (uint8_t *)bytes + done, size - done, (off_t)(offset + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

static int write_at(int fd, const void *bytes, size_t size, uint64_t offset)
{
	for (size_t done = 0; done < size;) {
		ssize_t put = pwrite(fd, (const uint8_t *)bytes + done, size - done, (off_t)(offset + done));
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put ? -errno : -EIO;
		done += (size_t)put;
	}
	return 0;
}

static int flush(int fd) { return fdatasync(fd) < 0 ? -errno : 0; }
static int flush_directory(int fd) { return fsync(fd) < 0 ? -errno : 0; }

/* Takes room on the disk for the bytes from `from` to `to`; the file then ends there, in zeros. */
static int reserve(int fd, uint64_t from, uint64_t to)
{
	static const uint8_t zeros[64 << 10];
	int error;
	do
		error = fallocate(fd, 0, (off_t)from, (off_t)(to - from)) < 0 ? -errno : 0;
	while (error == -EINTR);
	if (error != -EOPNOTSUPP)
		return error;
	error = 0; /* a file system that cannot: write them */
	for (uint64_t at = from; at < to && !error; at += sizeof zeros)
		error = write_at(fd, zeros, to - at < sizeof zeros ? (size_t)(to - at) : sizeof zeros, at);
	return error;
}

/* The bytes [offset, offset + size) of the file, lent until the next call; NULL and *ret_error: they cannot be read, or are beyond the end
 * (-BAOPHU_EDAMAGED). */
static const uint8_t *window_get(struct window *window, uint64_t offset, size_t size, int *ret_error)
{
	*ret_error = -BAOPHU_EDAMAGED;
	if (offset > window->end || size > window->end - offset)
		return NULL;
	if (offset >= window->at && offset + size <= window->at + window->have)
		return window->bytes + (offset - window->at);
	if (size > window->room) {
		uint8_t *bytes = realloc(window->bytes, size > BUFFER_BYTES ? size : BUFFER_BYTES);
		if (!bytes) {
			*ret_error = -ENOMEM;
			return NULL;
		}
		window->bytes = bytes;
		window->room = size > BUFFER_BYTES ? size : BUFFER_BYTES;
	}
	uint64_t left = window->end - offset;
	ssize_t got = read_at(window->fd, window->bytes, left < window->room ? (size_t)left : window->room, offset);
	window->at = offset;
	window->have = got < 0 ? 0 : (size_t)got;
	if (got < 0)
		*ret_error = (int)got;
	return got >= (ssize_t)size ? window->bytes : NULL;
}

static void window_finish(struct window *window)
{
	if (window->fd >= 0)
		close(window->fd);
	free(window->bytes);
}

/* ---- one record ---- */

struct raw {
	uint64_t number, end; /* end: where the next one is */
	uint32_t index;
	uint8_t type;
	bool is_last;
	const uint8_t *bytes;
	size_t size;
};

/* Reads what stands at `offset`. -BAOPHU_EDAMAGED: no whole record. */
static int read_record(struct window *window, const uint8_t id[static SPOOL_ID_BYTES], uint64_t offset, struct raw *ret_raw)
{
	int error;
	const uint8_t *bytes = window_get(window, offset, RECORD_HEADER_BYTES, &error);
	if (!bytes)
		return error;
	uint32_t size = get32(bytes + AT_SIZE);
	if (get32(bytes + AT_MARK) != mark || size > SPOOL_GROUP_BYTES_MAX)
		return -BAOPHU_EDAMAGED;
	bytes = window_get(window, offset, RECORD_HEADER_BYTES + padded(size), &error);
	if (!bytes)
		return error;
	if (get64(bytes) != checksum(id, bytes + CHECKSUM_BYTES, RECORD_HEADER_BYTES - CHECKSUM_BYTES + padded(size)))
		return -BAOPHU_EDAMAGED;
	*ret_raw = (struct raw){ .number = get64(bytes + AT_NUMBER),
				 .end = offset + RECORD_HEADER_BYTES + padded(size),
				 .index = get32(bytes + AT_INDEX),
				 .type = bytes[AT_TYPE],
				 .is_last = bytes[AT_FLAGS] & FLAG_LAST,
				 .bytes = bytes + RECORD_HEADER_BYTES,
				 .size = size };
	return 0;
}

/* ---- opening ---- */

static int add_segment(struct spool *spool, uint64_t first)
{
	uint32_t count = spool->standing.segments;
	if (count == SEGMENTS_MAX)
		return -BAOPHU_EFULL;
	if (count == spool->segment_room) {
		uint32_t room = count ? 2 * count : 16;
		struct segment *segments = realloc(spool->segments, room * sizeof *segments);
		if (!segments)
			return -ENOMEM;
		spool->segments = segments;
		spool->segment_room = room;
	}
	spool->segments[count] = (struct segment){ .first = first };
	spool->standing.segments++;
	return 0;
}

static int by_first(const void *a, const void *b)
{
	const struct segment *left = a, *right = b;
	return left->first < right->first ? -1 : left->first > right->first;
}

/* Finds the segments; one that was begun and never finished is removed. */
static int list_segments(struct spool *spool)
{
	int error = 0, fd = openat(spool->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	if (!list) {
		error = -errno;
		if (fd >= 0)
			close(fd);
		return error;
	}
	errno = 0;
	for (const struct dirent *found; !error && (found = readdir(list)); errno = 0) {
		uint64_t first = number_of(found->d_name, "spool");
		if (first)
			error = add_segment(spool, first);
		else if (number_of(found->d_name, "new") && unlinkat(spool->directory, found->d_name, 0) < 0)
			error = -errno;
	}
	if (!error && errno)
		error = -errno;
	closedir(list);
	if (spool->standing.segments)
		qsort(spool->segments, spool->standing.segments, sizeof *spool->segments, by_first);
	return error;
}

static int open_segment(const struct spool *spool, uint64_t first, int flags, uint64_t *ret_bytes)
{
	char name[SPOOL_FILE_NAME_BYTES];
	struct stat status;
	name_of(first, "spool", name);
	int fd = openat(spool->directory, name, flags | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	*ret_bytes = (uint64_t)status.st_size;
	return fd;
}

/* Checks the header of segment i against its name and the segment before. */
static int check_header(struct spool *spool, uint32_t i, int fd, uint64_t before_bytes, struct spool_damage *ret_damage)
{
	uint8_t header[HEADER_BYTES];
	struct segment *segment = &spool->segments[i];
	ssize_t got = read_at(fd, header, sizeof header, 0);
	if (got < 0)
		return (int)got;
	bool is_whole = got == sizeof header && memcmp(header, magic, sizeof magic - 1) == 0 &&
			get64(header + AT_HEADER_CHECKSUM) == checksum(header + AT_ID, header, AT_HEADER_CHECKSUM);
	if (is_whole && (memcmp(header, magic, sizeof magic) != 0 || get32(header + AT_FORMAT) > FORMAT))
		return -BAOPHU_EFORMAT;
	if (i == 0 && is_whole)
		memcpy(spool->standing.id, header + AT_ID, SPOOL_ID_BYTES);
	if (!is_whole || get64(header + AT_FIRST) != segment->first || memcmp(spool->standing.id, header + AT_ID, SPOOL_ID_BYTES))
		return name_damage(ret_damage, segment->first, 0, segment->first);
	if (i == 0)
		return 0;
	struct segment *before = &spool->segments[i - 1];
	if (get64(header + AT_BEFORE) != before->first) /* one is missing */
		return name_damage(ret_damage, get64(header + AT_BEFORE), 0, get64(header + AT_BEFORE));
	before->end = get64(header + AT_BEFORE_END);
	if (before->end > before_bytes)
		return name_damage(ret_damage, before->first, before_bytes, 0);
	return 0;
}

/* Whether something of a group after the one that begins with record `number` begins between `from` and `to`. */
static int find_later_group(struct window *window, const uint8_t id[static SPOOL_ID_BYTES], uint64_t from, uint64_t to,
			    uint64_t number, bool *ret_found)
{
	uint64_t most = number + window->end / RECORD_HEADER_BYTES;
	int error = 0;
	*ret_found = false;
	for (uint64_t at = from; at < to && at + RECORD_HEADER_BYTES <= window->end && !*ret_found; at += 8) {
		const uint8_t *bytes = window_get(window, at, RECORD_HEADER_BYTES, &error);
		if (!bytes)
			return error;
		uint64_t claimed = get64(bytes + AT_NUMBER);
		if (get32(bytes + AT_MARK) != mark || claimed <= number || claimed > most ||
		    claimed - get32(bytes + AT_INDEX) <= number)
			continue;
		struct raw raw;
		error = read_record(window, id, at, &raw);
		if (error && error != -BAOPHU_EDAMAGED)
			return error;
		*ret_found = !error;
	}
	return 0;
}

static uint64_t read_witness(const struct spool *spool, uint64_t first)
{
	uint64_t end = 0;
	for (int slot = 0; slot < 2; slot++) {
		uint8_t bytes[WITNESS_BYTES];
		if (read_at(spool->witness, bytes, sizeof bytes, (uint64_t)slot * WITNESS_SLOT_BYTES) != sizeof bytes ||
		    get64(bytes) != checksum(spool->standing.id, bytes + CHECKSUM_BYTES, sizeof bytes - CHECKSUM_BYTES))
			continue;
		if (get64(bytes + 8) == first && get64(bytes + 16) > end)
			end = get64(bytes + 16);
		else if (get64(bytes + 8) > first)
			end = UINT64_MAX; /* a segment is gone */
	}
	return end;
}

/* How far the records of the newest segment were flushed. It is not flushed itself: what it says is true, though perhaps not the newest. */
static void write_witness(struct spool *spool)
{
	uint8_t bytes[WITNESS_BYTES];
	const struct segment *segment = &spool->segments[spool->standing.segments - 1];
	put64(bytes + 8, segment->first);
	put64(bytes + 16, segment->end);
	put64(bytes, checksum(spool->standing.id, bytes + CHECKSUM_BYTES, sizeof bytes - CHECKSUM_BYTES));
	/* Not having it costs the distinction between a torn and a damaged last group, and nothing that was saved. */
	ssize_t put = pwrite(spool->witness, bytes, sizeof bytes, (off_t)(spool->witness_turn++ & 1) * WITNESS_SLOT_BYTES);
	(void)put;
}

/* Where the last byte stands that is not zero; `from` when there is none behind it. */
static int find_dirty_end(struct window *window, uint64_t from, uint64_t *ret_end)
{
	int error;
	*ret_end = from;
	for (uint64_t at = from; at < window->end; at += BUFFER_BYTES) {
		size_t size = window->end - at < BUFFER_BYTES ? (size_t)(window->end - at) : BUFFER_BYTES;
		const uint8_t *bytes = window_get(window, at, size, &error);
		if (!bytes)
			return error;
		if (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0)
			continue;
		while (bytes[size - 1] == 0)
			size--;
		*ret_end = at + size;
	}
	return 0;
}

/* Finds the end of the newest segment's records and cuts a group that was not flushed. */
static int recover(struct spool *spool, uint64_t file_bytes, struct spool_damage *ret_damage)
{
	struct segment *segment = &spool->segments[spool->standing.segments - 1];
	struct window window = { .fd = spool->newest, .end = file_bytes };
	uint64_t offset = HEADER_BYTES, number = segment->first;
	uint32_t index = 0;
	struct raw raw;
	int error;
	segment->end = offset;
	spool->standing.next = number;
	while (!(error = read_record(&window, spool->standing.id, offset, &raw)) && raw.number == number && raw.index == index) {
		offset = raw.end;
		number++;
		index = raw.is_last ? 0 : index + 1;
		if (raw.is_last) {
			segment->end = offset;
			spool->standing.next = number;
		}
	}
	if (error && error != -BAOPHU_EDAMAGED)
		goto out;
	/* Anything but zeros behind the end is a group that was being written, or damage. */
	uint64_t dirty_end;
	error = find_dirty_end(&window, segment->end, &dirty_end);
	bool is_damaged = read_witness(spool, segment->first) > segment->end || segment->end == HEADER_BYTES;
	if (!error && !is_damaged)
		error = find_later_group(&window, spool->standing.id, segment->end, dirty_end, spool->standing.next, &is_damaged);
	if (!error && is_damaged)
		error = name_damage(ret_damage, segment->first, offset, number);
	if (error)
		goto out;
	spool->standing.cut_bytes = dirty_end - segment->end;
	spool->reserved = file_bytes;
	if (spool->standing.cut_bytes) {
		if (ftruncate(spool->newest, (off_t)segment->end) < 0)
			error = -errno;
		spool->reserved = segment->end;
		if (!error)
			error = flush(spool->newest);
	}
out:
	window.fd = -1;
	window_finish(&window);
	return error;
}

static int open_all(struct spool *spool, struct spool_damage *ret_damage)
{
	uint64_t bytes = 0, before_bytes = 0;
	int error = list_segments(spool);
	for (uint32_t i = 0; i < spool->standing.segments && !error; i++) {
		bool is_newest = i + 1 == spool->standing.segments;
		int fd = open_segment(spool, spool->segments[i].first, is_newest ? O_RDWR : O_RDONLY, &bytes);
		if (fd < 0)
			return fd;
		error = check_header(spool, i, fd, before_bytes, ret_damage);
		before_bytes = bytes;
		if (is_newest)
			spool->newest = fd;
		else
			close(fd);
	}
	if (error || !spool->standing.segments)
		return error;
	/* What a process wrote that died before it flushed is flushed now; and what is read then is what is on the disk, not what a cache
	 * kept of a flush that failed. */
	error = flush(spool->newest);
	if (error)
		return error;
	posix_fadvise(spool->newest, 0, 0, POSIX_FADV_DONTNEED);
	error = recover(spool, bytes, ret_damage);
	if (error)
		return error;
	spool->standing.first = spool->segments[0].first;
	spool->standing.newest_head = spool->segments[spool->standing.segments - 1].first;
	for (uint32_t i = 0; i < spool->standing.segments; i++)
		spool->standing.bytes += spool->segments[i].end - HEADER_BYTES;
	write_witness(spool);
	return 0;
}

static int open_directory(const char *dir)
{
	bool is_new = mkdir(dir, 0700) == 0;
	if (!is_new && errno != EEXIST)
		return -errno;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int parent = is_new ? openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int error = is_new && parent < 0 ? -errno : is_new ? flush_directory(parent) : 0;
	if (parent >= 0)
		close(parent);
	if (error)
		close(fd);
	return error ? error : fd;
}

int spool_open(const char *dir, struct spool **ret_spool, struct spool_damage *ret_damage)
{
	*ret_damage = (struct spool_damage){ 0 };
	struct spool *spool = calloc(1, sizeof *spool);
	if (!spool)
		return -ENOMEM;
	spool->lock = spool->witness = spool->newest = -1;
	spool->standing.first = spool->standing.next = 1;
	spool->directory = open_directory(dir);
	int error = sodium_init() < 0 ? -ENOSYS : spool->directory < 0 ? spool->directory : 0;
	if (!error) {
		spool->lock = openat(spool->directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (spool->lock < 0)
			error = -errno;
		else if (flock(spool->lock, LOCK_EX | LOCK_NB) < 0)
			error = errno == EWOULDBLOCK ? -BAOPHU_EINUSE : -errno;
	}
	if (!error) {
		spool->witness = openat(spool->directory, "witness", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		error = spool->witness < 0 ? -errno : open_all(spool, ret_damage);
	}
	if (error) {
		spool_close(spool);
		return error;
	}
	*ret_spool = spool;
	return 0;
}

void spool_close(struct spool *spool)
{
	if (!spool)
		return;
	const int fds[] = { spool->newest, spool->witness, spool->lock, spool->directory };
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(spool->segments);
	free(spool->buffer);
	free(spool);
}

bool spool_is_no_room(int error) { return error == -ENOSPC || error == -EDQUOT; }

const struct spool_standing *spool_standing(const struct spool *spool) { return &spool->standing; }

uint64_t spool_segment_first(const struct spool *spool, uint32_t i)
{
	assert(i < spool->standing.segments);
	return spool->segments[i].first;
}

/* ---- saving ---- */

uint64_t spool_group_bytes(size_t count, uint64_t bytes) { return (uint64_t)count * (RECORD_HEADER_BYTES + 7) + bytes; }

bool spool_has_room(const struct spool *spool, uint64_t group_bytes)
{
	if (!spool->standing.segments)
		return false;
	const struct segment *segment = &spool->segments[spool->standing.segments - 1];
	return spool->standing.next == segment->first + 1 || segment->end + group_bytes <= SPOOL_SEGMENT_BYTES;
}

/* Bytes of the group, or 0 when it is beyond the bounds. */
static uint64_t measure(const struct spool_record *records, size_t count)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < count; i++) {
		if (records[i].size > SPOOL_GROUP_BYTES_MAX)
			return 0;
		bytes += RECORD_HEADER_BYTES + padded(records[i].size);
		if (bytes > SPOOL_GROUP_BYTES_MAX)
			return 0;
	}
	return bytes;
}

static int fit_buffer(struct spool *spool, size_t bytes)
{
	if (bytes <= spool->buffer_room)
		return 0;
	uint8_t *buffer = realloc(spool->buffer, bytes);
	if (!buffer)
		return -ENOMEM;
	spool->buffer = buffer;
	spool->buffer_room = bytes;
	return 0;
}

static size_t encode_record(const struct spool *spool, const struct spool_record *record, uint64_t number, uint32_t index,
			    bool is_last, uint8_t *out)
{
	size_t size = (size_t)padded(record->size);
	memset(out, 0, RECORD_HEADER_BYTES);
	put32(out + AT_SIZE, (uint32_t)record->size);
	out[AT_TYPE] = record->type;
	out[AT_FLAGS] = is_last ? FLAG_LAST : 0;
	put32(out + AT_INDEX, index);
	put32(out + AT_MARK, mark);
	put64(out + AT_NUMBER, number);
	if (record->size)
		memcpy(out + RECORD_HEADER_BYTES, record->bytes, record->size);
	memset(out + RECORD_HEADER_BYTES + record->size, 0, size - record->size);
	put64(out, checksum(spool->standing.id, out + CHECKSUM_BYTES, RECORD_HEADER_BYTES - CHECKSUM_BYTES + size));
	return RECORD_HEADER_BYTES + size;
}

/* Writes the group's records from `offset` on, a buffer at a time. */
static int write_group(struct spool *spool, int fd, uint64_t offset, const struct spool_record *records, size_t count,
		       uint64_t number)
{
	size_t used = 0;
	int error = 0;
	for (size_t i = 0; i < count && !error; i++) {
		size_t need = RECORD_HEADER_BYTES + (size_t)padded(records[i].size);
		if (used && used + need > BUFFER_BYTES) {
			error = write_at(fd, spool->buffer, used, offset);
			offset += used;
			used = 0;
		}
		if (!error)
			error = fit_buffer(spool, used + need > BUFFER_BYTES ? used + need : BUFFER_BYTES);
		if (!error)
			used += encode_record(spool, &records[i], number + i, (uint32_t)i, i + 1 == count, spool->buffer + used);
	}
	return error ? error : write_at(fd, spool->buffer, used, offset);
}

/* After a failure: the file ends at `end` again, so that nothing that was not saved stands behind what was, in it or in a cache.
 * Returns the error. */
static int take_back(struct spool *spool, uint64_t end, int failed)
{
	int error = ftruncate(spool->newest, (off_t)end) < 0 ? -errno : 0;
	spool->reserved = end;
	if (error || !spool_is_no_room(failed))
		spool->standing.error = error ? error : failed;
	return failed;
}

int spool_save(struct spool *spool, const struct spool_record *records, size_t count, uint64_t *ret_number)
{
	uint64_t bytes = measure(records, count);
	if (spool->standing.error)
		return spool->standing.error;
	if (!count)
		return -EINVAL;
	if (!bytes)
		return -BAOPHU_EFULL;
	if (!spool_has_room(spool, bytes))
		return -EAGAIN;
	int error = fit_buffer(spool, BUFFER_BYTES);
	if (error)
		return error;
	struct segment *segment = &spool->segments[spool->standing.segments - 1];
	uint64_t end = segment->end + bytes;
	if (end > spool->reserved) {
		uint64_t to = end > SPOOL_SEGMENT_BYTES ? end : SPOOL_SEGMENT_BYTES;
		error = reserve(spool->newest, spool->reserved, to);
		if (error)
			return take_back(spool, spool->reserved, error);
		spool->reserved = to;
	}
	error = write_group(spool, spool->newest, segment->end, records, count, spool->standing.next);
	if (error)
		return take_back(spool, segment->end, error);
	error = flush(spool->newest);
	if (error) {
		take_back(spool, segment->end, error);
		/* whatever it was: a flush that failed is not asked again */
		spool->standing.error = spool->standing.error ? spool->standing.error : error;
		return error;
	}
	segment->end = end;
	if (ret_number)
		*ret_number = spool->standing.next;
	spool->standing.next += count;
	spool->standing.bytes += bytes;
	write_witness(spool);
	return 0;
}

/* Writes a whole new segment under another name; nothing refers to it yet. */
static int write_segment(struct spool *spool, int fd, const struct spool_record *head, uint64_t bytes, uint64_t *ret_reserved)
{
	uint8_t header[HEADER_BYTES] = { 0 };
	uint32_t count = spool->standing.segments;
	uint64_t first = spool->standing.next;
	uint64_t to = HEADER_BYTES + bytes > SPOOL_SEGMENT_BYTES ? HEADER_BYTES + bytes : SPOOL_SEGMENT_BYTES;
	memcpy(header, magic, sizeof magic);
	put32(header + AT_FORMAT, FORMAT);
	memcpy(header + AT_ID, spool->standing.id, SPOOL_ID_BYTES);
	put64(header + AT_FIRST, first);
	put64(header + AT_BEFORE, count ? spool->segments[count - 1].first : 0);
	put64(header + AT_BEFORE_END, count ? spool->segments[count - 1].end : 0);
	put64(header + AT_HEADER_CHECKSUM, checksum(spool->standing.id, header, AT_HEADER_CHECKSUM));
	int error = reserve(fd, 0, to);
	if (!error)
		error = write_at(fd, header, sizeof header, 0);
	if (!error)
		error = write_group(spool, fd, HEADER_BYTES, head, 1, first);
	if (!error)
		error = flush(fd);
	*ret_reserved = to;
	return error;
}

int spool_begin_segment(struct spool *spool, const struct spool_record *head)
{
	uint64_t bytes = measure(head, 1), reserved = 0;
	char new_name[SPOOL_FILE_NAME_BYTES], name[SPOOL_FILE_NAME_BYTES];
	if (spool->standing.error)
		return spool->standing.error;
	if (!bytes)
		return -BAOPHU_EFULL;
	int error = fit_buffer(spool, BUFFER_BYTES);
	if (!error)
		error = add_segment(spool, spool->standing.next);
	if (error)
		return error;
	uint32_t count = --spool->standing.segments; /* there is room for it; it does not count yet */
	if (!count)
		randombytes_buf(spool->standing.id, sizeof spool->standing.id);
	name_of(spool->standing.next, "new", new_name);
	name_of(spool->standing.next, "spool", name);
	int fd = openat(spool->directory, new_name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno; /* a descriptor or an inode too few: nothing has changed */
	error = write_segment(spool, fd, head, bytes, &reserved);
	if (error) {
		close(fd);
		if (unlinkat(spool->directory, new_name, 0) < 0 || !spool_is_no_room(error))
			spool->standing.error = error;
		return error;
	}
	if (renameat(spool->directory, new_name, spool->directory, name) < 0)
		error = -errno;
	if (!error)
		error = flush_directory(spool->directory);
	if (error) {
		close(fd);
		spool->standing.error = error;
		return error;
	}
	if (spool->newest >= 0) {
		/* The room taken ahead for the segment before goes back; not getting it back harms nothing. */
		int given_back = ftruncate(spool->newest, (off_t)spool->segments[count - 1].end);
		(void)given_back;
		close(spool->newest);
	}
	spool->newest = fd;
	spool->reserved = reserved;
	spool->segments[count] = (struct segment){ .first = spool->standing.next, .end = HEADER_BYTES + bytes };
	spool->standing.segments = count + 1;
	spool->standing.first = spool->segments[0].first;
	spool->standing.newest_head = spool->standing.next++;
	spool->standing.bytes += bytes;
	write_witness(spool);
	return 0;
}

int spool_prune(struct spool *spool, uint64_t number)
{
	struct spool_standing *standing = &spool->standing;
	uint32_t gone = 0;
	int error = 0;
	while (gone + 1 < standing->segments && spool->segments[gone + 1].first <= number && !error) {
		char name[SPOOL_FILE_NAME_BYTES];
		name_of(spool->segments[gone].first, "spool", name);
		if (unlinkat(spool->directory, name, 0) < 0 && errno != ENOENT)
			error = -errno;
		if (!error) {
			standing->bytes -= spool->segments[gone++].end - HEADER_BYTES;
			/* in their order, or a power cut could leave a gap */
			error = flush_directory(spool->directory);
		}
	}
	memmove(spool->segments, spool->segments + gone, (standing->segments - gone) * sizeof *spool->segments);
	standing->segments -= gone;
	if (standing->segments)
		standing->first = spool->segments[0].first;
	return error;
}

/* ---- reading ---- */

/* The segment that holds record `number`, when it is kept. */
static const struct segment *find_segment(const struct spool *spool, uint64_t number)
{
	uint32_t low = 0, high = spool->standing.segments;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		if (spool->segments[middle].first <= number)
			low = middle;
		else
			high = middle;
	}
	return high && spool->segments[low].first <= number ? &spool->segments[low] : NULL;
}

/* Goes to the beginning of a segment. */
static int enter(struct spool_cursor *cursor, const struct segment *segment)
{
	uint64_t bytes;
	int fd = open_segment(cursor->spool, segment->first, O_RDONLY, &bytes);
	if (fd < 0)
		return fd;
	if (cursor->window.fd >= 0)
		close(cursor->window.fd);
	cursor->window.fd = fd;
	cursor->window.have = 0;
	cursor->segment = cursor->number = segment->first;
	cursor->offset = HEADER_BYTES;
	cursor->index = 0;
	return 0;
}

int spool_cursor_open(struct spool *spool, uint64_t from, struct spool_cursor **ret_cursor)
{
	if (!from)
		from = spool->standing.first;
	const struct segment *segment = find_segment(spool, from);
	if (!segment || from > spool->standing.next)
		return -BAOPHU_ENOTFOUND;
	struct spool_cursor *cursor = calloc(1, sizeof *cursor);
	if (!cursor)
		return -ENOMEM;
	cursor->spool = spool;
	cursor->window.fd = -1;
	int error = enter(cursor, segment);
	while (!error && cursor->number < from) {
		struct spool_record record;
		int got = spool_cursor_next(cursor, &record);
		error = got < 0 ? got : got ? 0 : -BAOPHU_ENOTFOUND;
	}
	if (error == -BAOPHU_EDAMAGED)
		error = 0; /* the next call says where */
	if (error) {
		spool_cursor_close(cursor);
		return error;
	}
	*ret_cursor = cursor;
	return 0;
}

void spool_cursor_close(struct spool_cursor *cursor)
{
	if (!cursor)
		return;
	window_finish(&cursor->window);
	free(cursor);
}

const struct spool_damage *spool_cursor_damage(const struct spool_cursor *cursor) { return &cursor->damage; }

int spool_cursor_next(struct spool_cursor *cursor, struct spool_record *ret_record)
{
	const struct spool *spool = cursor->spool;
	struct raw raw;
	if (cursor->is_damaged)
		return -BAOPHU_EDAMAGED;
	if (cursor->number >= spool->standing.next)
		return 0;
	const struct segment *segment = find_segment(spool, cursor->number);
	if (!segment)
		return -BAOPHU_EGAP;
	int error = 0;
	if (segment->first != cursor->segment) {
		/* the one that was read must end where the next begins */
		error = segment->first == cursor->number ? enter(cursor, segment) : -BAOPHU_EDAMAGED;
	}
	cursor->window.end = segment->end;
	if (!error)
		error = read_record(&cursor->window, spool->standing.id, cursor->offset, &raw);
	if (!error && (raw.number != cursor->number || raw.index != cursor->index))
		error = -BAOPHU_EDAMAGED;
	bool is_newest = segment + 1 == spool->segments + spool->standing.segments;
	if (!error && !is_newest && (raw.end == segment->end) != (raw.number + 1 == segment[1].first))
		error = -BAOPHU_EDAMAGED; /* more or fewer records than the next segment says */
	if (error == -BAOPHU_EDAMAGED) {
		cursor->is_damaged = true;
		return name_damage(&cursor->damage, cursor->segment, cursor->offset, cursor->number);
	}
	if (error)
		return error;
	*ret_record = (struct spool_record){ .number = raw.number,
					     .type = raw.type,
					     .begins_segment = raw.number == segment->first,
					     .ends_group = raw.is_last,
					     .bytes = raw.bytes,
					     .size = raw.size };
	cursor->offset = raw.end;
	cursor->number++;
	cursor->index = raw.is_last ? 0 : cursor->index + 1;
	return 1;
}
