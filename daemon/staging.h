/* staging.h - parts of imports that wait for their Apply: in memory only, bounded in bytes and in time. No effect on anything.
 *
 * Parts come in order; a part that came before may be sent again. The digest of a batch runs over the Stage messages as they were sent.
 */
#pragma once

#include "wire.h"

struct staging;
/* At most `bytes_max` for all agents together, and for one alone half of what the others leave; a batch that nothing was added to for `time_ms` is dropped. */
int staging_create(size_t bytes_max, int64_t time_ms, struct staging **ret_staging); /* -ENOMEM */
void staging_destroy(struct staging *staging);

/* Keeps one part; `message` is the whole message that the part came in (copied). NONE; EXPECT: a part before it is missing; DUPLICATE:
 * another part of this number is there; TOO_BIG: the batch has too many entries; BUSY: no room now. */
enum baophu_code staging_put(struct staging *staging, uint32_t agent, const struct wire_stage *stage, const void *message,
			     size_t bytes, int64_t now_ms);

/* A batch that is complete: `parts` whole messages in order. NULL and *ret_code (NO_SUCH, MALFORMED) when it is not there or is not what
 * `apply` says. Valid until the next call. */
struct staged_part {
	const uint8_t *message;
	size_t bytes;
};
const struct staged_part *staging_find(struct staging *staging, uint32_t agent, uint64_t epoch, const struct wire_apply *apply,
				       enum baophu_code *ret_code);
void staging_drop(struct staging *staging, uint32_t agent, uint64_t epoch, uint64_t batch);
/* Drops what is too old; returns how many parts that were. */
uint32_t staging_expire(struct staging *staging, int64_t now_ms);
