/* suggest.h - "did you mean": the nearest of a few words. Pure. */
#pragma once

#include <stddef.h>

/* The candidate within a third of its letters (at least one) of `typed`, the nearest first; NULL when none is near. Borrows. */
const char *suggest(const char *typed, const char *const *candidates, size_t count);
