/* log_prewrite.h - a thread of the log's own that keeps zeros written ahead of the end of the newest segment.
 *
 * A flush of a file that grows has to commit the file system's journal as well; one of blocks that were written before does not.
 * The thread never writes what LMDB may have written or may be writing: it only ever appends, at the end that the kernel finds
 * under the file's lock (see log_prewrite.c).
 * A disk that is nearly full is left alone. Nothing depends on the thread: without it the log is as safe and a little slower.
 */
#pragma once

#include <stdint.h>

struct log_prewrite;

/* `directory` is borrowed until stop. -errno. */
int log_prewrite_start(int directory, uint64_t ahead_bytes, struct log_prewrite **ret_prewrite);
void log_prewrite_stop(struct log_prewrite *prewrite); /* takes NULL; waits for the thread */

/* Appends zeros to the file until it has `bytes`, and syncs it. For a file that nobody else writes, or the newest segment.
 * -errno. */
int log_prewrite_extend(int fd, uint64_t bytes);

/* From now on the newest segment is the file `name`, of which `used_bytes` are used. */
void log_prewrite_follow(struct log_prewrite *prewrite, const char *name, uint64_t used_bytes);
/* After each commit: cheap, wakes the thread only when there is something to do. */
void log_prewrite_used(struct log_prewrite *prewrite, uint64_t used_bytes);
