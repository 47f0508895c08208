/* answers.h - the texts that are put beside an officer's file: what was saved, what the centre made of it, what came back and why.
 *
 * Written for somebody with Notepad: UTF-8 with a byte order mark, lines ended as Windows ends them, figures and dates as people
 * of the language write them. Pure, but for gettext; reads no clock.
 */
#pragma once

#include <stdint.h>

#include "form.h"
#include "outbox.h"

enum { ANSWERS_LINES_MAX = 500 }; /* reasons shown; how many more there are is said */

/* What all of them speak of. Borrowed. */
struct answers_about {
	const char *name; /* the file's settled name */
	uint64_t batch; /* 0: nothing was saved */
	int64_t when_ms; /* Unix */
	bool vietnamese;
};
/* Each returns an owned text in *ret_text with its bytes (no NUL counted). -ENOMEM. */

/* `NAME – đã lưu.txt`: what of the form was saved. */
int answers_saved(const struct answers_about *about, const struct form *form, char **ret_text, size_t *ret_bytes);
/* The same for a batch whose form is not at hand any more. */
int answers_saved_before(const struct answers_about *about, uint32_t entries, char **ret_text, size_t *ret_bytes);
/* `NAME – đã nhận, biên nhận N.txt`. */
int answers_received(const struct answers_about *about, const struct outbox_batch *batch, char **ret_text, size_t *ret_bytes);
/* `NAME – lý do.txt` of rows that the form rejected; `sheet_format_ending`: ".xlsx" or ".csv" of the file of rows beside it. */
int answers_reasons(const struct answers_about *about, const struct form *form, char **ret_text, size_t *ret_bytes);
/* `NAME – lý do.txt` of a file of which nothing could be taken: one sentence says why. */
int answers_unreadable(const struct answers_about *about, const char *reason, char **ret_text, size_t *ret_bytes);
/* `NAME – lý do.txt` of what the centre refused: a line for each of `count` reasons. */
int answers_refused(const struct answers_about *about, const char *const *reasons, uint32_t count, uint32_t rows, char **ret_text,
		    size_t *ret_bytes);
