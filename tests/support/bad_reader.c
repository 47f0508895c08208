/* bad_reader.c - a reader of files that somebody has taken over: it enters the sandbox like the real one, then does what the file says. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sheet_private.h"
#include "sheet_sandbox.h"

static void say(const void *bytes, size_t size)
{
	while (size) {
		ssize_t done = write(STDOUT_FILENO, bytes, size);
		if (done <= 0)
			_exit(99);
		bytes = (const char *)bytes + done;
		size -= (size_t)done;
	}
}

/* An address that is nobody's; not a constant, which compilers reason about. */
static void *wanted_address(void)
{
	volatile size_t address = 16;
	return (void *)address;
}

static int use_memory(void)
{
	for (size_t used = 0; used < (size_t)SANDBOX_MEMORY_BYTES * 2; used += 1 << 20) {
		volatile char *block = malloc(1 << 20);
		if (!block)
			return 12;
		for (size_t at = 0; at < 1 << 20; at += 4096)
			block[at] = 1;
	}
	return 0;
}

int main(void)
{
	char wanted[32] = "";
	static char junk[1 << 16];
	struct sheet_wrong_answer wrong = { .magic = SHEET_WRONG_MAGIC };
	if (sandbox_enter() != 0)
		_exit(98);
	if (pread(STDIN_FILENO, wanted, sizeof wanted - 1, 0) < 0)
		_exit(97);
	if (strcmp(wanted, "open") == 0)
		_exit(open("/etc/passwd", O_RDONLY) >= 0 ? 0 : 1);
	if (strcmp(wanted, "create") == 0)
		_exit(open("/tmp/x", O_WRONLY | O_CREAT, 0600) >= 0 ? 0 : 1);
	if (strcmp(wanted, "socket") == 0)
		_exit(socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? 0 : 1);
	if (strcmp(wanted, "fork") == 0)
		_exit(fork() >= 0 ? 0 : 1);
	if (strcmp(wanted, "exec") == 0)
		_exit(execl("/bin/true", "true", (char *)NULL));
	if (strcmp(wanted, "kill") == 0)
		_exit(kill(getppid(), 0) == 0 ? 0 : 1);
	if (strcmp(wanted, "code") == 0)
		_exit(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ? 0
															     : 1);
	if (strcmp(wanted, "file write") == 0)
		_exit(write(STDIN_FILENO, "x", 1) == 1 ? 0 : 1);
	if (strcmp(wanted, "memory") == 0)
		_exit(use_memory());
	if (strcmp(wanted, "work") == 0)
		for (volatile unsigned turns = 0;; turns++)
			;
	if (strcmp(wanted, "crash") == 0)
		*(volatile char *)wanted_address() = 1;
	if (strcmp(wanted, "exit") == 0)
		_exit(3);
	if (strcmp(wanted, "wait") == 0) {
		say("x", 1);
		for (volatile unsigned turns = 0;; turns++)
			;
	}
	if (strcmp(wanted, "half") == 0)
		say(SHEET_IMAGE_MAGIC, 8);
	if (strcmp(wanted, "junk") == 0)
		say(junk, sizeof junk);
	if (strcmp(wanted, "endless") == 0)
		for (;;)
			say(junk, sizeof junk);
	if (strcmp(wanted, "bad problem") == 0) {
		memset(&wrong.problem, 'x', sizeof wrong.problem);
		wrong.problem.what = SHEET_BOMB;
		say(&wrong, sizeof wrong);
	}
	if (strcmp(wanted, "fine problem") == 0) {
		wrong.problem = (struct sheet_problem){ .what = SHEET_NO_TAB };
		say(&wrong, sizeof wrong);
	}
	_exit(0);
}
