/* state.h - what TRẠNG THÁI.txt says of the folder itself, below where the office stands: what waits in it, what stays there and why, a full disk.
 *
 * Pure, but for gettext.
 */
#pragma once

#include "inbox.h"

struct state {
	uint32_t waiting; /* files in inbox/ */
	const struct inbox_staying *staying; /* borrowed */
	uint32_t staying_count;
	int folder_error, save_error; /* negative; 0 */
};
/* Appends to a text of `*bytes` bytes (owned, from malloc, with CRLF line ends), which grows. -ENOMEM: it is as it was. */
int state_append(const struct state *state, char **text, size_t *bytes);
