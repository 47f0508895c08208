/* figures.h - the clock, percentiles and the lines that the bench prints. The bench is the one program here that uses floating point. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Seconds of the monotonic clock. */
double figures_now(void);
/* Prints one figure of system `sys` as a JSON line on stdout. */
void figures_print(const char *sys, const char *figure, const char *config, double value, const char *unit);
/* Prints a figure that has a target as a JSON line with both and "pass" or "miss", and keeps it for figures_verdicts. */
void figures_judge(const char *figure, const char *config, double value, const char *unit, bool is_at_least, double target);
/* Says all that were judged on stderr, one line each. */
void figures_verdicts(void);
/* What stands at `share` (0 to 1) of the values; sorts them; 0 when there are none. */
double figures_percentile(double *values, size_t count, double share);
double figures_median(double *values, size_t count);
/* A fresh sequence each run: writing the same values again would cost a store less than real work does. */
uint64_t figures_seed(void);
uint64_t figures_random(uint64_t *state);
/* A message on stderr. */
__attribute__((format(printf, 1, 2))) void figures_say(const char *format, ...);
/* A message on stderr, then exit 1: a bench that cannot measure has nothing to save. */
__attribute__((format(printf, 1, 2), noreturn)) void figures_die(const char *format, ...);
