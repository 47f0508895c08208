/* log.h - the append-only log of decisions: the truth from which everything else follows.
 *
 * Segments are LMDB files log/<first seq, 20 digits>.mdb, key = seq (8 bytes, big endian), value = the record. A commit is a full sync
 * (default flags: NOSYNC and NOMETASYNC lose acknowledged records, see ARCHITECTURE.md). One writer (the collector); any number of readers.
 * This file and history.c are the only ones that know LMDB. It checks the chain at every read; damage is named, never served.
 */
#pragma once

#include <stddef.h>

#include <baophu/status.h>
#include <baophu/types.h>

struct log; /* opaque; thread-safe for one appender and many readers */

enum log_access {
	LOG_APPEND, /* the collector's: one process at a time, and its caller sees to that */
	LOG_BESIDE, /* only read, while another process may be appending. Writes nothing but LMDB's table of readers */
	LOG_STILL, /* only read, and nobody writes: a copy. Writes nothing */
};

struct log_config {
	const char *directory; /* <data dir>/log; for LOG_APPEND created 0700 if missing */
	enum log_access access;
	uint64_t segment_bytes; /* a new segment is begun past this; 0: 1 GiB */
	uint64_t prewrite_bytes; /* zeros written ahead, so that a flush need not grow the file; 0: 32 MiB, below 4096: none */
};

/* Opens or creates. Verifies sizes (a truncated file would be SIGBUS later), that segments follow each other densely, and the chain over
 * the last `tail` records (all of the last segment when fewer). -BAOPHU_EDAMAGED, -BAOPHU_EFORMAT, errno values; *ret_why (static
 * or owned by the log module, valid until the next call) names file, seq and what to do. A log that is only read stays as it was when it was
 * opened: log_head is the newest place then, also while others append; -BAOPHU_ENOTFOUND when there is no log. */
int log_open(const struct log_config *config, struct log **ret_log, const char **ret_why);
void log_close(struct log *log); /* takes NULL */

/* Newest committed place; {0, zeros} when empty. Any thread. */
struct baophu_place log_head(const struct log *log);

/* ---- appending: the collector's thread only, LOG_APPEND only. Sticky: after a failure every call until log_commit is a no-op ---- */
int log_begin(struct log *log);
/* Appends a sealed record (record_seal) that follows the last one appended. */
int log_append(struct log *log, const void *record, size_t bytes);
/* Durable when it returns 0. -BAOPHU_EFULL: no room, nothing was written, the log goes on; any other error: the process must end
 * (a failed sync is not asked again: what is on disk is unknown). */
int log_commit(struct log *log);
void log_abort(struct log *log);
/* Bytes free for the log: what the file system says, less a reserve of max(64 MiB, 5 %) that only the system's own entries may use. */
int64_t log_room_bytes(const struct log *log);

/* ---- reading: any thread; each reader has its own handle ---- */
struct log_reader;
int log_reader_open(struct log *log, struct log_reader **ret_reader);
void log_reader_close(struct log_reader *reader);
/* Lends the record at `seq` until the next call on this reader. -BAOPHU_ENOTFOUND past the head; -BAOPHU_EDAMAGED when its chain digest
 * does not follow from the record before it (checked when `verify`). A reader holds no transaction between calls longer than the
 * caller holds the lent record: call log_reader_release when done with a run of reads. */
int log_read(struct log_reader *reader, uint64_t seq, bool verify, const void **ret_record, size_t *ret_bytes);
void log_reader_release(struct log_reader *reader);
/* The chain digest at `seq` (0: zeros). */
int log_place(struct log_reader *reader, uint64_t seq, struct baophu_place *ret_place);
