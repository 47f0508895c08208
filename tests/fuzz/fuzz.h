/* fuzz.h - what the fuzzers share: a check that stays in every build, and the entry that libFuzzer and replay.c call. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define require(condition) ((condition) ? (void)0 : require_failed(#condition, __FILE__, __LINE__))
static inline void require_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "%s:%d: %s does not hold\n", file, line, condition);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
