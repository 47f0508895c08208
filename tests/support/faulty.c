/* faulty.c - a log whose commits fail and clocks that jump when a file says so: linked into a baophud of the tests by --wrap, and nowhere
 * else. BAOPHU_TEST_FAULT names a file that holds "full" (no room: nothing was written, the log goes on), "io" (what is on disk is
 * unknown), "kill" (what was committed is durable, and nobody hears of it) or "wait" (until the file is gone), and how many commits go well before; BAOPHU_TEST_CLOCK one with two numbers: milliseconds to add to the wall clock and to the monotonic one.
 */
#include "daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int __real_log_commit(struct log *log);
int __wrap_log_commit(struct log *log);
int64_t __real_daemon_wall_ms(void);
int64_t __wrap_daemon_wall_ms(void);
int64_t __real_daemon_monotonic_us(void);
int64_t __wrap_daemon_monotonic_us(void);

static FILE *open_named(const char *variable)
{
	const char *path = getenv(variable);
	return path ? fopen(path, "re") : NULL;
}

int __wrap_log_commit(struct log *log)
{
	static int good;
	FILE *file = open_named("BAOPHU_TEST_FAULT");
	char what[8] = "";
	int well = 0;
	if (!file) {
		good = 0;
		return __real_log_commit(log);
	}
	if (fscanf(file, "%7s %d", what, &well) < 1)
		abort();
	fclose(file);
	if (good++ < well)
		return __real_log_commit(log);
	if (*what == 'w') {
		while (!access(getenv("BAOPHU_TEST_FAULT"), F_OK))
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		return __real_log_commit(log);
	}
	if (*what == 'k') {
		int error = __real_log_commit(log);
		raise(SIGKILL);
		return error;
	}
	log_abort(log);
	return *what == 'f' ? -BAOPHU_EFULL : -EIO;
}

static void read_clocks(int64_t *ret_wall_ms, int64_t *ret_monotonic_ms)
{
	FILE *file = open_named("BAOPHU_TEST_CLOCK");
	*ret_wall_ms = *ret_monotonic_ms = 0;
	if (!file)
		return;
	if (fscanf(file, "%" SCNd64 " %" SCNd64, ret_wall_ms, ret_monotonic_ms) != 2)
		*ret_wall_ms = *ret_monotonic_ms = 0;
	fclose(file);
}

int64_t __wrap_daemon_wall_ms(void)
{
	int64_t wall_ms, monotonic_ms;
	read_clocks(&wall_ms, &monotonic_ms);
	return __real_daemon_wall_ms() + wall_ms;
}

int64_t __wrap_daemon_monotonic_us(void)
{
	int64_t wall_ms, monotonic_ms;
	read_clocks(&wall_ms, &monotonic_ms);
	return __real_daemon_monotonic_us() + monotonic_ms * 1000;
}
