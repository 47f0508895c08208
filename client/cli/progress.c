/* progress.c - see progress.h. */
#include "progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { SLOW_AFTER_MS = 1000 };

static int64_t monotonic_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_begin(struct progress *progress)
{
	*progress = (struct progress){ .started_ms = monotonic_ms(), .shows = isatty(STDERR_FILENO) };
}

bool progress_becomes_slow(struct progress *progress)
{
	if (progress->is_slow || monotonic_ms() - progress->started_ms < SLOW_AFTER_MS)
		return false;
	progress->is_slow = true;
	return true;
}

void progress_count(const struct progress *progress, uint64_t done, uint64_t all)
{
	if (!progress->shows || !progress->is_slow)
		return;
	if (all)
		fprintf(stderr, "\r%llu/%llu", (unsigned long long)done, (unsigned long long)all);
	else
		fprintf(stderr, "\r%llu", (unsigned long long)done);
}

void progress_end(const struct progress *progress)
{
	if (progress->shows && progress->is_slow)
		fputs("\r              \r", stderr);
}
