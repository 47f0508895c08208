/* wrong_clock.c - preloaded into a program, sets its wall clock ahead by WRONG_CLOCK_DAYS days; the monotonic clock is left alone. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time)
{
	const char *days = getenv("WRONG_CLOCK_DAYS");
	long result = syscall(SYS_clock_gettime, clock, time);
	if (!result && clock == CLOCK_REALTIME && days)
		time->tv_sec += strtol(days, NULL, 10) * 86400;
	return (int)result;
}
