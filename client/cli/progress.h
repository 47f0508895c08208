/* progress.h - a word on standard error when a command works for longer than a second, and a count on a terminal. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress {
	int64_t started_ms;
	bool is_slow, shows;
};
void progress_begin(struct progress *progress);
/* Once true, when a second has passed: the time to say what takes so long. */
bool progress_becomes_slow(struct progress *progress);
/* How much is done, of how much (0: nobody knows); nothing before it is slow, and nothing where no terminal shows it. */
void progress_count(const struct progress *progress, uint64_t done, uint64_t all);
/* Takes the count from the terminal. */
void progress_end(const struct progress *progress);
