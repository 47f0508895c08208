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
