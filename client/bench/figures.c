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

enum { VERDICTS_MAX = 32 };
static struct verdict {
	char text[160];
} verdicts[VERDICTS_MAX];
static int verdict_count;

void figures_judge(const char *figure, const char *config, double value, const char *unit, bool is_at_least, double target)
{
	bool is_met = is_at_least ? value >= target : value <= target;
	const char *verdict = is_met ? "pass" : "miss", *sign = is_at_least ? ">=" : "<=";
	printf("{\"sys\":\"baophu\",\"figure\":\"%s\",\"config\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"target\":\"%s %.6g\","
	       "\"verdict\":\"%s\"}\n",
	       figure, config, value, unit, sign, target, verdict);
	fflush(stdout);
	if (verdict_count < VERDICTS_MAX)
		snprintf(verdicts[verdict_count++].text, sizeof verdicts->text, "%-4s  %-52s %10.4g %-7s target %s %.4g", verdict,
			 figure, value, unit, sign, target);
}

void figures_verdicts(void)
{
	for (int i = 0; i < verdict_count; i++)
		figures_say("%s", verdicts[i].text);
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

double figures_median(double *values, size_t count) { return figures_percentile(values, count, 0.5); }

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
