/* standing.h - where this office stands, also with the link down: the centre's last word, and what is saved beside it.
 *
 * Confirmed and unconfirmed figures are never mixed: a figure that waits stands in a column of its own, with what it will change.
 * Computes nothing that the centre has not decided, but percentages as they are printed.
 */
#pragma once

#include "mirror.h"
#include "writer.h"

struct outbox; /* client/lib/outbox.h */

enum standing_link { STANDING_NEVER, STANDING_UP, STANDING_DOWN };
struct standing {
	const struct mirror *mirror; /* NULL: the centre was never reached */
	struct outbox *outbox;
	int64_t now_ms; /* Unix */
	enum standing_link link;
	int64_t link_since_ms; /* Unix; 0: not known */
	const char *link_text; /* why it is down, for people; "" */
	const char *folder; /* of the office, for people; "" */
};
/* For a terminal: writer options of kind WRITER_TABLE, in lines of at most `width` columns. For programs: WRITER_JSON, one object of a shape
 * that never changes. -EINVAL for the other kinds; -EIO; -ENOMEM. */
int standing_write(const struct standing *standing, const struct writer_options *options, FILE *out);
/* The text of `TRẠNG THÁI.txt`: for Windows, so with a byte order mark and CRLF. Returned owned in *ret_text. -ENOMEM. */
int standing_text(const struct standing *standing, char **ret_text, size_t *ret_bytes);
