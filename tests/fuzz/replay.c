/* replay.c - every input of a fuzzer's corpus once, without libFuzzer: usage: replay_NAME DIRECTORY. Says which one fails, by dying on it. */
#include <dirent.h>
#include <limits.h>
#include <string.h>

#include "fuzz.h"
#include "sheet_dump.h"

int main(int argument_count, char **arguments)
{
	if (argument_count != 2) {
		fprintf(stderr, "usage: %s DIRECTORY\n", arguments[0]);
		return 2;
	}
	struct dirent **names;
	int count = scandir(arguments[1], &names, NULL, alphasort), done = 0;
	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];
		size_t size;
		if (*names[i]->d_name != '.') {
			snprintf(path, sizeof path, "%s/%s", arguments[1], names[i]->d_name);
			printf("%s\n", names[i]->d_name);
			fflush(stdout);
			char *bytes = read_file(path, &size);
			LLVMFuzzerTestOneInput((const uint8_t *)bytes, size);
			free(bytes);
			done++;
		}
		free(names[i]);
	}
	free(count >= 0 ? names : NULL);
	printf("%d inputs\n", done);
	return done ? 0 : 1;
}
