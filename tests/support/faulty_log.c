/* faulty_log.c - a log whose commits fail when a file says so: linked into a baophud of the tests by --wrap=log_commit, and nowhere else.
 * The file BAOPHU_TEST_FAULT names holds "full" (no room: nothing was written, the log goes on) or "io" (what is on disk is unknown).
 */
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int __real_log_commit(struct log *log);
int __wrap_log_commit(struct log *log);

int __wrap_log_commit(struct log *log)
{
	const char *path = getenv("BAOPHU_TEST_FAULT");
	FILE *file = path ? fopen(path, "re") : NULL;
	if (!file)
		return __real_log_commit(log);
	int first = fgetc(file);
	fclose(file);
	log_abort(log);
	return first == 'f' ? -BAOPHU_EFULL : -EIO;
}
