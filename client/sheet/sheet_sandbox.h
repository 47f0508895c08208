/* sheet_sandbox.h - gives up every right but what reading a file needs, for good. For the reader (sheet_reader.c) only. */
#pragma once

enum {
	SANDBOX_MEMORY_BYTES = 256 << 20, /* of addresses, the program and its libraries included */
	SANDBOX_CPU_SECONDS = 15,
};
/* From here on the process can read from descriptor 0, write to 1 and 2, allocate memory and end; anything else kills it (SIGSYS), so does
 * more than SANDBOX_CPU_SECONDS of work (SIGKILL). Descriptors above 2 are closed. 0; -errno when the kernel refuses any part of it: then
 * nothing must be read.
 *
 * Under a sanitizer the address space is not limited, because the sanitizer reserves terabytes of it, and one more harmless call is
 * allowed, sigaltstack; every other limit holds. */
int sandbox_enter(void);
