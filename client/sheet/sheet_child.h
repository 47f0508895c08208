/* sheet_child.h - a stranger's file read in a process of its own, which can do nothing but read it and answer.
 *
 * The reader is a small program (baophu-sheet), started by posix_spawn: forking a program whose libraries have threads (libzmq) copies
 * locks that nobody will ever release, and a child that is a fresh, small program holds none of the caller's memory, keys or sockets. It
 * gets the file as standard input and nothing else, gives up every right but reading that, allocating memory and writing the answer
 * (seccomp, rlimits), and only then looks at the first byte. Its answer is checked like anything from outside. Crash, time-out or kill of
 * the reader is a problem of the file; the caller lives.
 */
#pragma once

#include "sheet.h"

struct sheet_child {
	const char *reader; /* path of the program; NULL: beside this program, else where it is installed */
	uint32_t timeout_ms; /* 0: 20,000 */
};
/* Reads the file open at `fd` from its start; borrows both. As sheet_read, and -EIO and others for a file that cannot be read at all. The
 * caller must not reap children it does not know (waitpid -1). Blocks until the reader is done, at most the time-out. */
int sheet_child_read(const struct sheet_child *child, int fd, struct sheet **ret_sheet, struct sheet_problem *ret_problem);

/* ---- the same in halves, for whoever waits for other things too ---- */
struct sheet_reading;
/* Starts the reader; on 0 *ret_reading is the caller's (returns owned). Errors as above. */
int sheet_child_start(const struct sheet_child *child, int fd, struct sheet_reading **ret_reading,
		      struct sheet_problem *ret_problem);
/* What to poll for reading, and until when at most (CLOCK_MONOTONIC, ms), before sheet_reading_take. Changes with its calls. */
int sheet_reading_descriptor(const struct sheet_reading *reading);
int64_t sheet_reading_due_ms(const struct sheet_reading *reading);
/* Takes what is there, without waiting. -EAGAIN: not yet; else the result, as sheet_child_read, once. */
int sheet_reading_take(struct sheet_reading *reading, struct sheet **ret_sheet, struct sheet_problem *ret_problem);
/* Gives everything back; a reader that still runs is killed. Takes NULL. */
void sheet_reading_end(struct sheet_reading *reading);
