/* notice.h - lines for whoever runs the daemon: stderr, one sentence each, at a limited rate by reason.
 *
 * Under systemd each line begins with its priority (<4>); elsewhere it is plain. No log files. Only fixed sentences with numbers and
 * checked codes are printed, never bytes of a peer. Any thread.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum notice_level { NOTICE_ALERT = 1, NOTICE_ERROR = 3, NOTICE_WARNING = 4, NOTICE_INFO = 6 };
enum { NOTICE_REASONS = 96 };
struct notices {
	bool has_priorities;
	pthread_mutex_t lock;
	struct {
		const char *reason;
		int64_t window_ms;
		uint32_t printed, kept_back;
	} reasons[NOTICE_REASONS];
};
void notices_init(struct notices *notices);
/* `reason` is a literal that names what is limited (ten lines in ten seconds, then how many were kept back); NULL: always printed. */
__attribute__((format(printf, 4, 5))) void notice(struct notices *notices, enum notice_level level, const char *reason,
						  const char *format, ...);
