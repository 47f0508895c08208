/* sheet_reader.c - baophu-sheet: reads the file on standard input, writes what is in it to standard output, and can do nothing else.
 *
 * Started by sheet_child.c, never by hand. The sandbox is closed before the first byte is looked at. Exit status: 0, an answer was written,
 * be it a sheet or what is wrong with the file; 12, memory ran out; 70, the sandbox or the answer failed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <baophu/status.h>

#include "sheet_private.h"
#include "sheet_sandbox.h"

enum { EXIT_MEMORY = 12, EXIT_BROKEN = 70 };

static bool write_all(const void *bytes, size_t size)
{
	const char *at = bytes;
	while (size) {
		ssize_t done = write(STDOUT_FILENO, at, size);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		at += done;
		size -= (size_t)done;
	}
	return true;
}

/* One byte more than may be, so that sheet_read sees that there are more. */
static int read_all(char **ret_bytes, size_t *ret_size)
{
	size_t used = 0, capacity = 1 << 16;
	char *bytes = malloc(capacity);
	while (bytes && used <= SHEET_FILE_BYTES_MAX) {
		if (used == capacity) {
			char *grown = realloc(bytes, capacity *= 2);
			if (!grown)
				break;
			bytes = grown;
		}
		ssize_t got = pread(STDIN_FILENO, bytes + used, capacity - used, (off_t)used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int error = -errno;
			free(bytes);
			return error;
		}
		used += (size_t)got;
		if (got == 0 || used > SHEET_FILE_BYTES_MAX) {
			*ret_bytes = bytes;
			*ret_size = used;
			return 0;
		}
	}
	free(bytes);
	return -ENOMEM;
}

int main(void)
{
	struct sheet_wrong_answer wrong = { .magic = SHEET_WRONG_MAGIC };
	struct sheet *sheet = NULL;
	char *bytes = NULL;
	size_t size;
	bool is_written;
	/* libzip turns dates into local time; a zone that is named is looked up once, here, where files can still be opened. */
	if (setenv("TZ", "UTC0", 1) != 0)
		_exit(EXIT_BROKEN);
	tzset();
	if (sandbox_enter() != 0)
		_exit(EXIT_BROKEN);
	int error = read_all(&bytes, &size);
	if (!error)
		error = sheet_read(bytes, size, &sheet, &wrong.problem);
	free(bytes);
	if (!error) {
		const void *image = sheet_image(sheet, &size);
		is_written = write_all(image, size);
		sheet_destroy(sheet);
	} else {
		is_written = error == -BAOPHU_EMALFORMED && write_all(&wrong, sizeof wrong);
	}
	_exit(is_written ? EXIT_SUCCESS : error == -ENOMEM ? EXIT_MEMORY : EXIT_BROKEN);
}
