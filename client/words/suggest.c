/* suggest.c - see suggest.h. Letters are compared as bytes: commands, options, columns and codes are ASCII. */
#include "suggest.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { LETTERS_MAX = 32 };

static unsigned smaller(unsigned a, unsigned b) { return a < b ? a : b; }

/* Letters added, dropped, changed or swapped with the next to get from one word to the other. */
static unsigned distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	if (n > LETTERS_MAX || m > LETTERS_MAX)
		return UINT32_MAX;
	unsigned rows[3][LETTERS_MAX + 1];
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned change = above[j - 1] + (strncasecmp(a + i - 1, b + j - 1, 1) != 0);
			row[j] = smaller(change, smaller(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = smaller(row[j], two_above[j - 2] + 1);
		}
	}
	return rows[n % 3][m];
}

const char *suggest(const char *typed, const char *const *candidates, size_t count)
{
	const char *best = NULL;
	unsigned best_distance = UINT32_MAX;
	for (size_t i = 0; i < count; i++) {
		unsigned d = distance(typed, candidates[i]);
		unsigned limit = (unsigned)strlen(candidates[i]) / 3;
		if (d < best_distance && d <= (limit ? limit : 1)) {
			best = candidates[i];
			best_distance = d;
		}
	}
	return best;
}
