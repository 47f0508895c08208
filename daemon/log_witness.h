/* log_witness.h - what the log itself cannot know: how far it once reached.
 *
 * LMDB keeps its two newest commits behind two header pages without a checksum: one flipped bit there silently brings the older
 * one back. The witness is a small file beside the segments that is written after each commit and not synced, which costs a
 * microsecond. It is written only after a commit is durable, so an honest crash or power cut leaves it at the log's end or
 * behind it, never ahead; ahead means that the log has lost what it had promised. Two slots take turns, so that a torn write
 * spoils only the newer one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <baophu/types.h>

#include "log_check.h"

struct log_witness {
	struct baophu_place place;
	uint64_t first_seq; /* of the segment that was written to */
	uint8_t meta_digest[16]; /* of its newest header page */
};
enum { LOG_WITNESS_SLOT_BYTES = 512, LOG_WITNESS_BYTES = 2 * LOG_WITNESS_SLOT_BYTES };

/* Opens `name` in `directory`, for reading only or, if need be, makes it. The descriptor, or -errno. */
int log_witness_open(int directory, const char *name, bool only_read);
/* The newest sound slot; false when there is none. */
bool log_witness_read(int fd, struct log_witness *ret_witness);
/* `turn` counts writes: it chooses the slot. Errors are not reported: an old witness is no false one. */
void log_witness_write(int fd, unsigned turn, const struct log_witness *witness);
void log_witness_digest_meta(const uint8_t meta[static LOG_META_BYTES], uint8_t ret_digest[static 16]);
