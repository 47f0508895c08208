/* spool.h - an append-only journal of typed records in files: what it has said to be saved survives kill -9 and power cuts, whole.
 *
 * It knows no meaning: a record is a type and bytes. Records are saved in groups, all of a group or nothing, flushed before the call
 * returns. Nothing is ever rewritten in place.
 *
 * On the disk: DIR/<number of its first record, 20 digits>.spool, segments of about SPOOL_SEGMENT_BYTES; DIR/lock, held by the one process
 * that has the spool open; DIR/witness, how far it was flushed. Layouts in the head of spool.c. Each record carries a SipHash-2-4 checksum
 * (libsodium) keyed by the spool's random identity and taken over its number too, so neither a torn or flipped record nor a sound
 * one of another spool or another place is ever handed out. SipHash and not CRC32C: it is in a library that we have, 64 bits wide, keyed, and
 * as fast as the disk; the spool is not signed, so BLAKE2b's strength would buy nothing.
 *
 * Opening reads only the newest segment. So that nobody needs the others at once, each segment begins with a record of the caller's, its head,
 * that sums up everything before. Older segments are checked record by record when they are read.
 *
 * A group that was not flushed when the power went is the last one of the newest segment: it is cut at opening, and never parsed. Anything
 * else that is not as it should be is damage: named by file and offset, never skipped.
 *
 * Room is taken ahead (a whole segment), so a full disk shows before anything of a group is written. After a write or flush that failed in
 * a way that leaves the file's end in doubt, every call but spool_close returns that error: what is on the disk is only known
 * after opening again.
 *
 * Threads: a spool and its cursors belong to one thread at a time. No clock, no global state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SPOOL_ID_BYTES = 16,
	SPOOL_SEGMENT_BYTES = 16 << 20, /* a new one begins where the next group would not fit */
	SPOOL_GROUP_BYTES_MAX = 16 << 20, /* a group with its record headers; also a head */
	SPOOL_FILE_NAME_BYTES = 32,
};

struct spool;
struct spool_cursor;

/* What is wrong, and where. */
struct spool_damage {
	char file[SPOOL_FILE_NAME_BYTES]; /* its name in the directory; "" when nothing is wrong with a file */
	uint64_t offset; /* bytes from its start */
	uint64_t number; /* of the record that should be there */
};

struct spool_standing {
	uint8_t id[SPOOL_ID_BYTES]; /* random, chosen with the first segment; a copy of the directory has the same */
	uint32_t segments;
	uint64_t first, next; /* numbers of the oldest record kept and of the next one; dense, from 1 */
	uint64_t newest_head; /* number of the head of the newest segment */
	uint64_t bytes; /* of all segments' records */
	uint64_t cut_bytes; /* of the torn group that was cut at opening; 0: none */
	int error; /* not 0: nothing can be saved until it is opened again, and why */
};

/* True of -ENOSPC and -EDQUOT: the disk, or what its user may have of it, is full. */
bool spool_is_no_room(int error);
/* Opens the spool in the directory `dir`, which is created with mode 0700 when it is not there (its parent must be). An empty one has no
 * segment: begin one. On 0 *ret_spool is the caller's (returns owned). -BAOPHU_EINUSE: another process has it; -BAOPHU_EDAMAGED: *ret_damage
 * names it (also a segment that is missing); -BAOPHU_EFORMAT: a newer format; -ENOMEM; other errno values. */
int spool_open(const char *dir, struct spool **ret_spool, struct spool_damage *ret_damage);
void spool_close(struct spool *spool); /* takes NULL; its cursors must be closed before */
/* Lent while the spool lives; changes with its calls. */
const struct spool_standing *spool_standing(const struct spool *spool);

struct spool_record {
	uint64_t number; /* given by the spool; ignored when saving */
	uint8_t type; /* the caller's, 1 to 255 */
	bool begins_segment, ends_group; /* when reading */
	const void *bytes;
	size_t size;
};

/* Bytes that a group of so many records with so many bytes in all takes. */
uint64_t spool_group_bytes(size_t count, uint64_t bytes);
/* True when a group of so many bytes (spool_group_bytes) goes into the newest segment. When not, begin another one. */
bool spool_has_room(const struct spool *spool, uint64_t group_bytes);
/* Begins a segment, whose first record is `head`. Durable on 0. -ENOSPC or -EDQUOT: no room for a segment, and nothing has changed; the
 * spool can be used on. -BAOPHU_EFULL: larger than SPOOL_GROUP_BYTES_MAX. */
int spool_begin_segment(struct spool *spool, const struct spool_record *head);
/* Saves a group (borrows): 0 when it is durable, whole; *ret_number (may be NULL) is the number of its first record. -EAGAIN: it does not fit
 * the newest segment; -ENOSPC or -EDQUOT: no room, nothing of it is there, the spool can be used on; -BAOPHU_EFULL; any other
 * error: the spool's standing has it too. */
int spool_save(struct spool *spool, const struct spool_record *records, size_t count, uint64_t *ret_number);
/* Removes the oldest segments that hold only records below `number`; never the newest. The removal may be undone by a power cut. */
int spool_prune(struct spool *spool, uint64_t number);

/* Reads on from record `from` (0: the oldest kept) to the newest, also what is saved meanwhile. -BAOPHU_ENOTFOUND: not kept; finding it reads at
 * most its segment. */
int spool_cursor_open(struct spool *spool, uint64_t from, struct spool_cursor **ret_cursor);
void spool_cursor_close(struct spool_cursor *cursor); /* takes NULL */
/* 1 and *ret_record, lent until the next call on the cursor; 0: there is no more (yet). -BAOPHU_EDAMAGED: spool_cursor_damage says where;
 * -BAOPHU_EGAP: what comes next was pruned meanwhile. */
int spool_cursor_next(struct spool_cursor *cursor, struct spool_record *ret_record);
const struct spool_damage *spool_cursor_damage(const struct spool_cursor *cursor);

/* Heads of the segments, oldest first: the number of segment i's first record. */
uint64_t spool_segment_first(const struct spool *spool, uint32_t i);
