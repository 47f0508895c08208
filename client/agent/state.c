/* state.c - see state.h. */
#include "state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/status.h>

#include "language.h"
#include "spool.h"

static const char *hindrance(const struct inbox_staying *staying, char *buffer, size_t size)
{
	switch (staying->why) {
	case INBOX_TEMPORARY:
		return _("its name is that of a temporary file; rename it if it is a report");
	case INBOX_DIRECTORY:
		return _("it is a folder; put the files themselves into inbox");
	case INBOX_LINK:
		return _("it is a link; put the file itself into inbox");
	case INBOX_NOT_A_FILE:
		return _("it is no file");
	case INBOX_IN_USE:
		return _("it is open in another program; close it there");
	case INBOX_UNREADABLE:
		snprintf(buffer, size, _("it cannot be read (%s); tell the administrator"), strerror(staying->error));
		return buffer;
	case INBOX_UNMOVABLE:
		snprintf(buffer, size, _("it cannot be moved out of inbox (%s); tell the administrator"), strerror(staying->error));
		return buffer;
	}
	return "";
}

static void write_state(const struct state *state, FILE *out)
{
	char buffer[256];
	fprintf(out, "\n%s\n", _("THE FOLDER"));
	if (spool_is_no_room(state->save_error) || spool_is_no_room(state->folder_error))
		fprintf(out, "%s\n",
			_("The disk of the agent's machine is full: nothing can be saved. Files stay in inbox. Tell the "
			  "administrator to make room."));
	else if (state->save_error || state->folder_error)
		fprintf(out, _("The agent's machine cannot save (%s). Files stay in inbox. Tell the administrator.\n"),
			baophu_strerror(state->save_error ? state->save_error : state->folder_error));
	if (state->waiting)
		fprintf(out, _("In inbox: %u files.\n"), state->waiting);
	else
		fprintf(out, "%s\n", _("In inbox: nothing; everything was taken."));
	for (uint32_t i = 0; i < state->staying_count; i++)
		fprintf(out, _("- %s stays: %s\n"), state->staying[i].name, hindrance(&state->staying[i], buffer, sizeof buffer));
}

int state_append(const struct state *state, char **text, size_t *bytes)
{
	char *more = NULL;
	size_t more_bytes = 0, lines = 0, used = *bytes;
	FILE *out = open_memstream(&more, &more_bytes);
	if (!out)
		return -ENOMEM;
	write_state(state, out);
	if (fclose(out) != 0) {
		free(more);
		return -ENOMEM;
	}
	for (size_t i = 0; i < more_bytes; i++)
		lines += more[i] == '\n';
	char *grown = realloc(*text, *bytes + more_bytes + lines + 1);
	if (grown) {
		*text = grown;
		for (size_t i = 0; i < more_bytes; i++) {
			if (more[i] == '\n')
				grown[used++] = '\r';
			grown[used++] = more[i];
		}
		grown[used] = '\0';
		*bytes = used;
	}
	free(more);
	return grown ? 0 : -ENOMEM;
}
