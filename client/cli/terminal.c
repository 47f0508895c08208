/* terminal.c - the terminal as a screen of lines; see terminal.h. */
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

enum { KEYS_BYTES = 64 };
struct terminal {
	struct termios before;
	sigset_t mask_before;
	int signals; /* signalfd */
	int ended_by;
	bool has_color;
	char keys[KEYS_BYTES];
	size_t keys_used;
	struct view_line *shown;
	size_t shown_count, shown_capacity;
};

static const char enter[] = "\033[?1049h\033[?25l\033[?7l\033[2J";
static const char leave[] = "\033[0m\033[?7h\033[?25h\033[?1049l";

static int send_all(const char *bytes, size_t count)
{
	while (count) {
		ssize_t sent = write(STDOUT_FILENO, bytes, count);
		if (sent < 0 && (errno == EINTR || errno == EAGAIN)) {
			struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
			poll(&out, 1, -1);
			continue;
		}
		if (sent <= 0)
			return -EIO;
		bytes += sent;
		count -= (size_t)sent;
	}
	return 0;
}

bool terminal_is_paintable(void)
{
	const char *kind = getenv("TERM");
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && kind && *kind && strcmp(kind, "dumb") != 0;
}

/* Keys come one by one and unechoed; the keys that make signals still make them. */
static int take(struct terminal *terminal)
{
	struct termios raw = terminal->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0)
		return -errno;
	terminal_forget(terminal);
	return send_all(enter, sizeof enter - 1);
}

static void give_back(struct terminal *terminal)
{
	send_all(leave, sizeof leave - 1);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->before);
}

int terminal_open(bool has_color, struct terminal **ret_terminal)
{
	static const int wanted[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH };
	struct terminal *terminal = calloc(1, sizeof *terminal);
	sigset_t set;
	int error = 0;
	if (!terminal)
		return -ENOMEM;
	terminal->has_color = has_color;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		sigaddset(&set, wanted[i]);
	terminal->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (terminal->signals < 0 || tcgetattr(STDIN_FILENO, &terminal->before) < 0) {
		error = -errno;
		if (terminal->signals >= 0)
			close(terminal->signals);
		free(terminal);
		return error;
	}
	sigprocmask(SIG_BLOCK, &set, &terminal->mask_before);
	fflush(stdout);
	error = take(terminal);
	if (error) {
		terminal_close(terminal);
		return error;
	}
	*ret_terminal = terminal;
	return 0;
}

int terminal_close(struct terminal *terminal)
{
	if (!terminal)
		return 0;
	int ended_by = terminal->ended_by;
	give_back(terminal);
	close(terminal->signals);
	sigprocmask(SIG_SETMASK, &terminal->mask_before, NULL);
	free(terminal->shown);
	free(terminal);
	return ended_by;
}

void terminal_size(const struct terminal *terminal, unsigned *ret_width, unsigned *ret_height)
{
	struct winsize size;
	(void)terminal;
	*ret_width = 80;
	*ret_height = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row) {
		*ret_width = size.ws_col;
		*ret_height = size.ws_row;
	}
}

enum terminal_event terminal_key(const char *bytes, size_t count, size_t *ret_used)
{
	static const struct {
		const char *sequence;
		enum terminal_event event;
	} keys[] = {
		{ "\033[A", TERMINAL_UP },       { "\033OA", TERMINAL_UP },   { "k", TERMINAL_UP },
		{ "\033[B", TERMINAL_DOWN },     { "\033OB", TERMINAL_DOWN }, { "j", TERMINAL_DOWN },
		{ "\033[5~", TERMINAL_PAGE_UP }, { "b", TERMINAL_PAGE_UP },   { "\033[6~", TERMINAL_PAGE_DOWN },
		{ " ", TERMINAL_PAGE_DOWN },     { "\033[H", TERMINAL_HOME }, { "\033OH", TERMINAL_HOME },
		{ "\033[1~", TERMINAL_HOME },    { "g", TERMINAL_HOME },      { "\033[F", TERMINAL_END },
		{ "\033OF", TERMINAL_END },      { "\033[4~", TERMINAL_END }, { "G", TERMINAL_END },
		{ "\f", TERMINAL_REPAINT },      { "q", TERMINAL_QUIT },      { "Q", TERMINAL_QUIT },
	};
	*ret_used = 0;
	if (!count)
		return TERMINAL_NOTHING;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		size_t length = strlen(keys[i].sequence), common = length < count ? length : count;
		if (memcmp(bytes, keys[i].sequence, common) != 0)
			continue;
		if (common < length)
			return TERMINAL_NOTHING;
		*ret_used = length;
		return keys[i].event;
	}
	/* What nobody knows is stepped over whole, so that its letters are not taken for keys. */
	size_t used = 1;
	if (*bytes == '\033' && count > 1 && (bytes[1] == '[' || bytes[1] == 'O')) {
		used = 2;
		while (used < count && (bytes[used] < '@' || bytes[used] > '~'))
			used++;
		if (used == count)
			return TERMINAL_NOTHING;
		used++;
	}
	*ret_used = used;
	return TERMINAL_NOTHING;
}

static enum terminal_event stop(struct terminal *terminal)
{
	sigset_t set;
	give_back(terminal);
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	raise(SIGTSTP); /* blocked; by its default it stops us below, if a shell is there to continue us */
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	take(terminal);
	return TERMINAL_REPAINT;
}

static enum terminal_event next_signal(struct terminal *terminal)
{
	struct signalfd_siginfo info;
	if (read(terminal->signals, &info, sizeof info) != sizeof info)
		return TERMINAL_NOTHING;
	switch (info.ssi_signo) {
	case SIGINT:
		return TERMINAL_INTERRUPTED;
	case SIGTSTP:
		return stop(terminal);
	case SIGCONT:
		take(terminal); /* whoever had the terminal meanwhile may have left it otherwise */
		return TERMINAL_REPAINT;
	case SIGWINCH:
		terminal_forget(terminal);
		return TERMINAL_REPAINT;
	default:
		terminal->ended_by = (int)info.ssi_signo;
		return TERMINAL_ENDED;
	}
}

enum terminal_event terminal_next(struct terminal *terminal)
{
	enum terminal_event event = next_signal(terminal);
	if (event != TERMINAL_NOTHING)
		return event;
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	bool is_ready = terminal->keys_used < KEYS_BYTES && poll(&in, 1, 0) > 0;
	ssize_t got = is_ready ? read(STDIN_FILENO, terminal->keys + terminal->keys_used, KEYS_BYTES - terminal->keys_used) : 0;
	terminal->keys_used += got > 0 ? (size_t)got : 0;
	while (event == TERMINAL_NOTHING && terminal->keys_used) {
		size_t used;
		event = terminal_key(terminal->keys, terminal->keys_used, &used);
		if (!used && terminal->keys_used == KEYS_BYTES)
			used = 1; /* no key is that long */
		if (!used)
			return TERMINAL_NOTHING;
		terminal->keys_used -= used;
		memmove(terminal->keys, terminal->keys + used, terminal->keys_used);
	}
	if (event == TERMINAL_NOTHING && is_ready && (in.revents & (POLLHUP | POLLERR)))
		return TERMINAL_QUIT;
	if (event == TERMINAL_REPAINT)
		terminal_forget(terminal);
	return event;
}

void terminal_forget(struct terminal *terminal) { terminal->shown_count = 0; }

static bool is_same(const struct view_line *a, const struct view_line *b)
{
	return a->style == b->style && a->state == b->state && a->bar_from == b->bar_from && a->bar_to == b->bar_to &&
	       strcmp(a->text, b->text) == 0;
}

static const char *color_of(enum baophu_state state)
{
	switch (state) {
	case BAOPHU_STATE_MET:
		return "\033[32m";
	case BAOPHU_STATE_HALF:
		return "\033[33m";
	case BAOPHU_STATE_UNDER_HALF:
	case BAOPHU_STATE_ZERO:
		return "\033[31m";
	default:
		return "";
	}
}

static void write_line(const struct terminal *terminal, FILE *out, size_t place, const struct view_line *line)
{
	static const char *const styles[] = { [VIEW_PLAIN] = "",
					      [VIEW_HEADING] = "\033[4m",
					      [VIEW_UNIT] = "\033[1m",
					      [VIEW_RECENT] = "\033[1m",
					      [VIEW_STATUS] = "\033[7m" };
	const char *color = terminal->has_color && line->bar_to > line->bar_from ? color_of(line->state) : "";
	/* Erased first: at the right edge some terminals would erase the last column instead. */
	fprintf(out, "\033[%zu;1H\033[K%s", place + 1, styles[line->style]);
	if (*color)
		fprintf(out, "%.*s%s%.*s\033[39m%s", (int)line->bar_from, line->text, color, (int)(line->bar_to - line->bar_from),
			line->text + line->bar_from, line->text + line->bar_to);
	else
		fputs(line->text, out);
	if (*styles[line->style])
		fputs("\033[0m", out);
}

int terminal_paint(struct terminal *terminal, const struct view_screen *screen)
{
	if (terminal->shown_capacity < screen->count) {
		struct view_line *shown = realloc(terminal->shown, screen->count * sizeof *shown);
		if (!shown)
			return -ENOMEM;
		terminal->shown = shown;
		terminal->shown_capacity = screen->count;
	}
	char *bytes = NULL;
	size_t count = 0;
	FILE *out = open_memstream(&bytes, &count);
	if (!out)
		return -ENOMEM;
	bool is_all = !terminal->shown_count;
	if (is_all)
		fputs("\033[2J", out);
	for (size_t i = 0; i < screen->count; i++) {
		const struct view_line *line = &screen->lines[i];
		bool is_shown = i < terminal->shown_count && is_same(&terminal->shown[i], line);
		if (!is_shown && !(is_all && !*line->text))
			write_line(terminal, out, i, line);
		terminal->shown[i] = *line;
	}
	terminal->shown_count = screen->count;
	int error = fclose(out) != 0 ? -ENOMEM : 0;
	if (!error)
		error = send_all(bytes, count);
	free(bytes);
	return error;
}
