/* figures.c - see figures.h. */
#include "figures.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <sodium.h>

double figures_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void figures_print(const char *sys, const char *figure, const char *config, double value, const char *unit)
{
	printf("{\"sys\":\"%s\",\"figure\":\"%s\",\"config\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"}\n", sys, figure, config, value,
	       unit);
	fflush(stdout);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double figures_percentile(double *values, size_t count, double share)
{
	if (!count)
		return 0;
	qsort(values, count, sizeof *values, compare);
	size_t at = (size_t)((double)count * share);
	return values[at < count ? at : count - 1];
}

uint64_t figures_seed(void)
{
	uint64_t seed;
	randombytes_buf(&seed, sizeof seed);
	return seed | 1;
}

uint64_t figures_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

void figures_say(const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
}

void figures_die(const char *format, ...)
{
	va_list list;
	va_start(list, format);
	fputs("baophu-bench: ", stderr);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	exit(1);
}
