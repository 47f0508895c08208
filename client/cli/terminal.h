/* terminal.h - the terminal as a screen of lines: taken over, painted, listened to, and given back as it was.
 *
 * Plain ANSI sequences that every terminal of the last thirty years knows: alternate screen, cursor, erasing, bold, colour. Sends only lines
 * that differ from what stands there, so a slow link carries little. Signals come through a descriptor: nothing runs at odd moments,
 * and the terminal is given back before the program stops or ends. Does not lay out (view.h) and knows no coverage.
 */
#pragma once

#include "view.h"

enum terminal_event {
	TERMINAL_NOTHING,
	TERMINAL_UP,
	TERMINAL_DOWN,
	TERMINAL_PAGE_UP,
	TERMINAL_PAGE_DOWN,
	TERMINAL_HOME,
	TERMINAL_END,
	TERMINAL_REPAINT, /* the size changed, the program was continued, or somebody asked */
	TERMINAL_QUIT,
	TERMINAL_INTERRUPTED, /* SIGINT */
	TERMINAL_ENDED, /* SIGTERM, SIGHUP */
};

struct terminal;
/* True when standard input and output are a terminal that can be painted on. */
bool terminal_is_paintable(void);
/* Takes the terminal and, for this thread and those it starts from now on, its signals. errno values. */
int terminal_open(bool has_color, struct terminal **ret_terminal);
/* Gives all back; takes NULL. Returns the signal that asked for the end; 0: none. */
int terminal_close(struct terminal *terminal);
/* Columns and rows now. */
void terminal_size(const struct terminal *terminal, unsigned *ret_width, unsigned *ret_height);
/* The next thing that happened; does not wait. Stops the program on SIGTSTP and returns when it was continued. */
enum terminal_event terminal_next(struct terminal *terminal);
/* Forgets what stands on the screen: the next paint sends everything. */
void terminal_forget(struct terminal *terminal);
/* Sends the lines that changed. -EIO when the terminal is gone; -ENOMEM. */
int terminal_paint(struct terminal *terminal, const struct view_screen *screen);

/* The key that `bytes` begin with, and *ret_used bytes of it. With *ret_used 0 the rest has not come yet. Pure. */
enum terminal_event terminal_key(const char *bytes, size_t count, size_t *ret_used);
