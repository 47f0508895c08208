/* sheet_child.c - see sheet_child.h. */
#include "sheet_child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <baophu/status.h>

#include "sheet_private.h"

enum { TIMEOUT_MS = 20000, EXIT_MEMORY = 12 };

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int wrong(struct sheet_problem *problem, enum sheet_trouble what, const char *detail)
{
	*problem = (struct sheet_problem){ .what = what, .row = SHEET_NOWHERE, .column = SHEET_NOWHERE };
	snprintf(problem->detail, sizeof problem->detail, "%s", detail);
	return -BAOPHU_EMALFORMED;
}

/* Beside this program in a build tree, in libexec of the same prefix, or where it was configured to be installed. */
static void find_reader(char path[static PATH_MAX])
{
	static const char *const beside[] = { "baophu-sheet", "../" BAOPHU_LIBEXEC_FROM_PREFIX "/baophu-sheet" };
	char self[PATH_MAX - 64];
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash = length > 0 ? memrchr(self, '/', (size_t)length) : NULL;
	for (size_t i = 0; slash && i < sizeof beside / sizeof *beside; i++) {
		snprintf(path, PATH_MAX, "%.*s%s", (int)(slash + 1 - self), self, beside[i]);
		if (access(path, X_OK) == 0)
			return;
	}
	snprintf(path, PATH_MAX, "%s/baophu-sheet", BAOPHU_LIBEXEC_INSTALLED);
}

/* Starts the reader with the file as its input and `answer_fd` as its output; no environment, no blocked or ignored signal. */
static int start(const char *reader, int fd, int answer_fd, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	char *arguments[] = { "baophu-sheet", NULL }, *environment[] = { NULL };
	sigemptyset(&none);
	sigfillset(&all);
	int error = posix_spawn_file_actions_init(&actions);
	if (error)
		return -error;
	error = posix_spawnattr_init(&attributes);
	if (error) {
		posix_spawn_file_actions_destroy(&actions);
		return -error;
	}
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	error = posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, answer_fd, STDOUT_FILENO);
	if (!error)
		error = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (!error)
		error = posix_spawn(ret_pid, reader, &actions, &attributes, arguments, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

struct answer {
	char *bytes;
	size_t size, capacity;
};

/* Reads until the reader closes its end. 0; -BAOPHU_ETIMEOUT; -BAOPHU_EFULL: more than any answer; -errno. */
static int receive(int fd, int64_t deadline_ms, struct answer *answer)
{
	for (;;) {
		if (answer->size == answer->capacity) {
			size_t capacity = answer->capacity ? 2 * answer->capacity : 1 << 16;
			char *grown = answer->size > SHEET_IMAGE_BYTES_MAX ? NULL : realloc(answer->bytes, capacity);
			if (!grown)
				return answer->size > SHEET_IMAGE_BYTES_MAX ? -BAOPHU_EFULL : -ENOMEM;
			answer->bytes = grown;
			answer->capacity = capacity;
		}
		int64_t left_ms = deadline_ms - now_ms();
		struct pollfd waiting = { .fd = fd, .events = POLLIN };
		int ready = poll(&waiting, 1, left_ms > 0 ? (int)left_ms : 0);
		if (ready < 0 && errno != EINTR)
			return -errno;
		if (ready == 0)
			return -BAOPHU_ETIMEOUT;
		if (ready < 0)
			continue;
		ssize_t got = read(fd, answer->bytes + answer->size, answer->capacity - answer->size);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			return 0;
		answer->size += got > 0 ? (size_t)got : 0;
	}
}

/* How the reader ended; it is not waited for longer than it takes to kill it. */
static int reap(pid_t pid, bool kill_it)
{
	int status = 0;
	if (kill_it)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

/* A problem from the reader, looked at like anything from outside. */
static int take_problem(const struct answer *answer, struct sheet_problem *ret_problem)
{
	struct sheet_wrong_answer wrong_answer;
	if (answer->size != sizeof wrong_answer || memcmp(answer->bytes, SHEET_WRONG_MAGIC, sizeof wrong_answer.magic) != 0)
		return wrong(ret_problem, SHEET_READER_WRONG, "");
	memcpy(&wrong_answer, answer->bytes, sizeof wrong_answer);
	if (!sheet_problem_is_sound(&wrong_answer.problem))
		return wrong(ret_problem, SHEET_READER_WRONG, "");
	*ret_problem = wrong_answer.problem;
	return -BAOPHU_EMALFORMED;
}

/* What an ended reader and its answer come to; takes the answer's bytes. */
static int settle(struct answer *answer, int status, struct sheet **ret_sheet, struct sheet_problem *ret_problem)
{
	char how[64];
	int error;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && answer->size >= sizeof(struct sheet_image) &&
	    memcmp(answer->bytes, SHEET_IMAGE_MAGIC, sizeof((struct sheet_image *)0)->magic) == 0) {
		error = sheet_from_image(answer->bytes, answer->size, ret_sheet);
		return error == -BAOPHU_EMALFORMED ? wrong(ret_problem, SHEET_READER_WRONG, "") : error;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		error = take_problem(answer, ret_problem);
	else if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_MEMORY)
		error = wrong(ret_problem, SHEET_READER_FULL, "");
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) /* the limit of work, or somebody outside */
		error = wrong(ret_problem, SHEET_READER_SLOW, "");
	else if (WIFSIGNALED(status)) {
		snprintf(how, sizeof how, "SIG%s", sigabbrev_np(WTERMSIG(status)) ? sigabbrev_np(WTERMSIG(status)) : "?");
		error = wrong(ret_problem, SHEET_READER_DIED, how);
	} else {
		snprintf(how, sizeof how, "%d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
		error = wrong(ret_problem,
			      WIFEXITED(status) && WEXITSTATUS(status) == 127 ? SHEET_READER_MISSING : SHEET_READER_DIED, how);
	}
	free(answer->bytes);
	return error;
}

int sheet_child_read(const struct sheet_child *child, int fd, struct sheet **ret_sheet, struct sheet_problem *ret_problem)
{
	char found[PATH_MAX];
	struct stat stat;
	struct answer answer = { 0 };
	int ends[2];
	pid_t pid;
	if (fstat(fd, &stat) != 0)
		return -errno;
	if (!S_ISREG(stat.st_mode))
		return -EINVAL;
	if (stat.st_size == 0)
		return wrong(ret_problem, SHEET_NO_BYTES, "");
	if (stat.st_size > SHEET_FILE_BYTES_MAX)
		return wrong(ret_problem, SHEET_TOO_BIG, "");
	if (!child->reader)
		find_reader(found);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	int error = start(child->reader ? child->reader : found, fd, ends[1], &pid);
	close(ends[1]);
	if (error) {
		close(ends[0]);
		return error == -ENOMEM || error == -EAGAIN ? error : wrong(ret_problem, SHEET_READER_MISSING, strerror(-error));
	}
	error = receive(ends[0], now_ms() + (child->timeout_ms ? child->timeout_ms : TIMEOUT_MS), &answer);
	close(ends[0]);
	int status = reap(pid, error != 0);
	if (!error)
		return settle(&answer, status, ret_sheet, ret_problem);
	free(answer.bytes);
	if (error == -BAOPHU_ETIMEOUT)
		return wrong(ret_problem, SHEET_READER_SLOW, "");
	return error == -BAOPHU_EFULL ? wrong(ret_problem, SHEET_READER_WRONG, "") : error;
}
