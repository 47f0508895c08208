/* sheet_sandbox.c - see sheet_sandbox.h.
 *
 * The system calls allowed are those that were seen to be needed by pread, write, malloc, zlib and expat, each as narrowly as a filter can say:
 * no new descriptor, no name of a file, no other process, no executable memory.
 */
#include "sheet_sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED true
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false
#endif

static int set_limits(void)
{
	static const struct {
		__rlimit_resource_t resource;
		rlim_t limit;
	} limits[] = {
		{ RLIMIT_CPU, SANDBOX_CPU_SECONDS },
		{ RLIMIT_FSIZE, 0 },
		{ RLIMIT_NOFILE, 3 },
		{ RLIMIT_NPROC, 0 },
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_AS, SANDBOX_MEMORY_BYTES }, /* last: see below */
	};
	for (size_t i = 0; i < sizeof limits / sizeof *limits - IS_SANITIZED; i++) {
		struct rlimit limit = { .rlim_cur = limits[i].limit, .rlim_max = limits[i].limit };
		if (setrlimit(limits[i].resource, &limit) != 0)
			return -errno;
	}
	return 0;
}

static int add_rules(scmp_filter_ctx filter)
{
	static const int calls[] = {
		SCMP_SYS(exit),          SCMP_SYS(exit_group),   SCMP_SYS(brk),       SCMP_SYS(munmap), SCMP_SYS(mremap),
		SCMP_SYS(madvise),       SCMP_SYS(rt_sigreturn), SCMP_SYS(getrandom), /* expat salts its tables */
		SCMP_SYS(sysinfo), /* qsort of the C library asks how much memory there is before it sorts more than a page */
		SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time), /* libzip dates its source; mostly no system call at all */
		SCMP_SYS(sigaltstack), /* last: the end of a program under a sanitizer */
	};
	static const struct {
		int call;
		unsigned count;
		struct scmp_arg_cmp arguments[2];
	} narrow[] = {
		{ SCMP_SYS(pread64), 1, { { 0, SCMP_CMP_EQ, STDIN_FILENO, 0 } } },
		{ SCMP_SYS(write), 1, { { 0, SCMP_CMP_EQ, STDOUT_FILENO, 0 } } },
		{ SCMP_SYS(write), 1, { { 0, SCMP_CMP_EQ, STDERR_FILENO, 0 } } },
		/* memory of nobody else, never executable */
		{ SCMP_SYS(mmap),
		  2,
		  { { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 }, { 3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS } } },
		{ SCMP_SYS(mprotect), 1, { { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 } } },
	};
	int error = 0;
	for (size_t i = 0; i < sizeof calls / sizeof *calls - !IS_SANITIZED && !error; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	for (size_t i = 0; i < sizeof narrow / sizeof *narrow && !error; i++)
		error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, narrow[i].call, narrow[i].count, narrow[i].arguments);
	return error;
}

int sandbox_enter(void)
{
	if (close_range(3, ~0u, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return -errno;
	int error = set_limits();
	if (error)
		return error;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!filter)
		return -ENOMEM;
	error = add_rules(filter);
	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}
