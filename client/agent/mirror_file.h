/* mirror_file.h - what mirror.c and mirror_refresh.c share: the centre's answers as they are kept. Nobody else includes it.
 *
 * A frame is one answer, encoded as on the wire; of COVERAGE each record is a frame of its own, so that one can be decoded alone.
 */
#pragma once

#include "mirror.h"

struct frames {
	uint8_t *bytes;
	size_t used, capacity;
};
enum { FRAMES_BYTES_MAX = 48 << 20 };

/* One frame. `kind` is what was asked. -ENOMEM; -BAOPHU_EFULL: beyond the bound. */
int frames_add_answer(struct frames *frames, enum wire_query_kind kind, const struct wire_answer *answer);
int frames_add_record(struct frames *frames, const struct baophu_record *record);
/* The frames of `from` of this kind, as they are. */
int frames_add_kind(struct frames *frames, const struct frames *from, enum wire_query_kind kind);
void frames_finish(struct frames *frames); /* takes zeroed memory */
/* The frame at *at, which is moved on; false at the end. Lent while the frames are not changed. */
struct frame {
	enum wire_query_kind kind;
	const uint8_t *bytes;
	size_t size;
};
bool frames_next(const struct frames *frames, size_t *at, struct frame *ret_frame);

/* What is not in the frames. */
struct mirror_head {
	char agent[BAOPHU_CODE_BYTES_MAX + 1];
	uint8_t store[BAOPHU_STORE_BYTES];
	struct baophu_place place;
	baophu_date day;
	int64_t taken_ms, complete_ms;
};
/* Makes a mirror of it. The frames stay the caller's. -BAOPHU_EDAMAGED: a frame is none; -BAOPHU_EFULL; -ENOMEM. */
int mirror_build(const struct mirror_head *head, const struct frames *frames, struct mirror **ret_mirror);
/* Reads a file whole and checks it. Errors as mirror_open, but for -ESTALE. */
int mirror_file_read(const char *path, struct mirror_head *ret_head, struct frames *ret_frames);
/* Writes it beside, flushes, renames. errno values. */
int mirror_file_write(const char *path, const struct mirror_head *head, const struct frames *frames);
