/* reply.h - the answer to a command, written with the command line's writers as its user asked for it, and handed over in lines.
 *
 * A request says the language, the form (-o), the width of the terminal; the agent writes, the command only prints.
 */
#pragma once

#include "control.h"
#include "writer.h"

struct reply {
	struct control *control;
	control_client client;
	struct writer writer; /* on memory */
	FILE *out;
	char *text;
	size_t bytes;
};
/* How the user of this request wants to read. */
struct writer_options reply_options(const json_t *request);
/* -ENOMEM. */
int reply_begin(struct reply *reply, struct control *control, control_client client, const struct writer_options *options);
/* A message for people, on the command's standard error. */
__attribute__((format(printf, 2, 3))) void reply_say(struct reply *reply, const char *format, ...);
/* What a negative error means to whoever asked. Lent, static or strerror's. */
const char *reply_explain(int error);
/* Says what was written and the exit code; with an error of writing its own code instead. Right also after a failed begin. */
void reply_end(struct reply *reply, int error, int code);
/* Forgets what was written; the answer will be said by somebody else. */
void reply_leave(struct reply *reply);
