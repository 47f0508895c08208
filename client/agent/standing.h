/* standing.h - where this office stands, also with the link down: the centre's last word, and what is saved beside it.
 *
 * Confirmed and unconfirmed figures are never mixed: a figure that waits stands in a column of its own, with what it will change.
 * Computes nothing that the centre has not decided, but percentages as they are printed.
 */
#pragma once

#include "form.h"
#include "mirror.h"
#include "outbox.h"
#include "writer.h"

/* Shown at most; how many more there are is said. FIGURES: to people, so many on which something waits and so many others, parents first. */
enum { STANDING_FIGURES = 60, STANDING_BATCHES = 10, STANDING_EXCEPTIONS = 100 };
enum standing_link { STANDING_NEVER, STANDING_UP, STANDING_DOWN };
struct standing {
	const struct mirror *mirror; /* NULL: the centre was never reached */
	struct outbox *outbox;
	const struct form_pending *pending; /* saved and not in the mirror yet; a later one stands over an earlier one */
	size_t pending_count;
	int64_t now_ms; /* Unix */
	enum standing_link link;
	int64_t link_since_ms; /* Unix; 0: not known */
	const char *link_text; /* why it is down, for people; "" */
	const char *folder; /* of the office, for people; "" */
	bool vietnamese; /* for the text; gettext's language must be the same */
};
/* For a terminal: writer options of kind WRITER_TABLE, in lines of at most `width` columns. For programs: WRITER_JSON, one object of a shape
 * that never changes: {"office": {…}, "figures": […], "batches": […], "exceptions": […]}. -EINVAL for the other kinds; -EIO; -ENOMEM; errors of
 * reading the outbox. */
int standing_write(const struct standing *standing, const struct writer_options *options, FILE *out);
/* The text of `TRẠNG THÁI.txt`: for Windows, so with a byte order mark and CRLF. Returned owned in *ret_text. -ENOMEM. */
int standing_text(const struct standing *standing, char **ret_text, size_t *ret_bytes);
