/* notice.c - lines on stderr. See notice.h. */
#include "notice.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WINDOW_MS = 10000, WINDOW_LINES = 10 };

void notices_init(struct notices *notices)
{
	*notices = (struct notices){ .lock = PTHREAD_MUTEX_INITIALIZER };
	/* "device:inode" of the journal's socket: a variable left over from somebody else's start must not count. */
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat status;
	unsigned long long device, inode;
	if (stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && !fstat(STDERR_FILENO, &status))
		notices->has_priorities = status.st_dev == device && status.st_ino == inode;
}

/* True when the line may go out; then *ret_kept_back lines of this reason did not. */
static bool is_due(struct notices *notices, const char *reason, uint32_t *ret_kept_back)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	int64_t now_ms = now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
	for (int i = 0; i < NOTICE_REASONS; i++) {
		if (!notices->reasons[i].reason) {
			notices->reasons[i].reason = reason;
			notices->reasons[i].window_ms = now_ms;
		}
		if (notices->reasons[i].reason != reason)
			continue;
		if (now_ms - notices->reasons[i].window_ms >= WINDOW_MS) {
			*ret_kept_back = notices->reasons[i].kept_back;
			notices->reasons[i].window_ms = now_ms;
			notices->reasons[i].printed = 1;
			notices->reasons[i].kept_back = 0;
			return true;
		}
		if (notices->reasons[i].printed++ < WINDOW_LINES)
			return true;
		notices->reasons[i].kept_back++;
		return false;
	}
	return true;
}

void notice(struct notices *notices, enum notice_level level, const char *reason, const char *format, ...)
{
	char line[1024];
	uint32_t kept_back = 0;
	va_list list;
	va_start(list, format);
	vsnprintf(line, sizeof line, format, list);
	va_end(list);
	pthread_mutex_lock(&notices->lock);
	if (!reason || is_due(notices, reason, &kept_back)) {
		char priority[8] = "";
		if (notices->has_priorities)
			snprintf(priority, sizeof priority, "<%d>", level);
		if (kept_back)
			fprintf(stderr, "%s%s: %u more like the last one were not printed\n", priority, reason, kept_back);
		fprintf(stderr, "%s%s\n", priority, line);
	}
	pthread_mutex_unlock(&notices->lock);
}
