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
#include <sys/pidfd.h>
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
struct sheet_reading {
	pid_t pid; /* 0: it was reaped */
	int answer_fd, ended_fd; /* of its answer, until it is whole, and of the process, from then on; -1 */
	int64_t deadline_ms;
	struct answer answer;
};

/* Reads what is there. 1: the reader closed its end; 0: there may be more; -BAOPHU_EFULL: more than any answer; -errno. */
static int receive(int fd, struct answer *answer)
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
		ssize_t got = read(fd, answer->bytes + answer->size, answer->capacity - answer->size);
		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			return 1;
		answer->size += got > 0 ? (size_t)got : 0;
	}
}

/* How the reader ended. `is_killed`: it is not to go on. False: it still runs. */
static bool reap(struct sheet_reading *reading, bool is_killed, int *ret_status)
{
	pid_t reaped;
	if (is_killed)
		kill(reading->pid, SIGKILL);
	while ((reaped = waitpid(reading->pid, ret_status, is_killed ? 0 : WNOHANG)) < 0 && errno == EINTR)
		;
	if (reaped == 0)
		return false;
	if (reaped < 0)
		*ret_status = -1;
	reading->pid = 0;
	return true;
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
		void *image = realloc(answer->bytes, answer->size); /* it is kept: without the room it was received in */
		error = sheet_from_image(image ? image : answer->bytes, answer->size, ret_sheet);
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

int sheet_child_start(const struct sheet_child *child, int fd, struct sheet_reading **ret_reading,
		      struct sheet_problem *ret_problem)
{
	char found[PATH_MAX];
	struct stat stat;
	int ends[2];
	if (fstat(fd, &stat) != 0)
		return -errno;
	if (!S_ISREG(stat.st_mode))
		return -EINVAL;
	if (stat.st_size == 0)
		return wrong(ret_problem, SHEET_NO_BYTES, "");
	if (stat.st_size > SHEET_FILE_BYTES_MAX)
		return wrong(ret_problem, SHEET_TOO_BIG, "");
	struct sheet_reading *reading = calloc(1, sizeof *reading);
	if (!reading)
		return -ENOMEM;
	if (!child->reader)
		find_reader(found);
	if (pipe2(ends, O_CLOEXEC) != 0) {
		free(reading);
		return -errno;
	}
	int error = fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 ? -errno : 0;
	if (!error)
		error = start(child->reader ? child->reader : found, fd, ends[1], &reading->pid);
	close(ends[1]);
	if (error) {
		close(ends[0]);
		free(reading);
		return error == -ENOMEM || error == -EAGAIN ? error : wrong(ret_problem, SHEET_READER_MISSING, strerror(-error));
	}
	reading->answer_fd = ends[0];
	reading->ended_fd = -1;
	reading->deadline_ms = now_ms() + (child->timeout_ms ? child->timeout_ms : TIMEOUT_MS);
	*ret_reading = reading;
	return 0;
}

int sheet_reading_descriptor(const struct sheet_reading *reading)
{
	return reading->answer_fd >= 0 ? reading->answer_fd : reading->ended_fd;
}

int64_t sheet_reading_due_ms(const struct sheet_reading *reading) { return reading->deadline_ms; }

int sheet_reading_take(struct sheet_reading *reading, struct sheet **ret_sheet, struct sheet_problem *ret_problem)
{
	int status = 0, result = reading->answer_fd >= 0 ? receive(reading->answer_fd, &reading->answer) : 1;
	bool is_late = now_ms() >= reading->deadline_ms;
	if (result == 1 && reading->answer_fd >= 0) { /* it said all; that it ends is waited for like its answer */
		close(reading->answer_fd);
		reading->answer_fd = -1;
		reading->ended_fd = pidfd_open(reading->pid, 0);
		if (reading->ended_fd < 0)
			result = -errno;
	}
	if (result == 1 && reap(reading, false, &status)) {
		struct answer answer = reading->answer;
		reading->answer = (struct answer){ 0 };
		return settle(&answer, status, ret_sheet, ret_problem);
	}
	if (result >= 0 && !is_late)
		return -EAGAIN;
	reap(reading, true, &status);
	if (result >= 0)
		return wrong(ret_problem, SHEET_READER_SLOW, "");
	return result == -BAOPHU_EFULL ? wrong(ret_problem, SHEET_READER_WRONG, "") : result;
}

void sheet_reading_end(struct sheet_reading *reading)
{
	int status;
	if (!reading)
		return;
	if (reading->pid)
		reap(reading, true, &status);
	if (reading->answer_fd >= 0)
		close(reading->answer_fd);
	if (reading->ended_fd >= 0)
		close(reading->ended_fd);
	free(reading->answer.bytes);
	free(reading);
}

int sheet_child_read(const struct sheet_child *child, int fd, struct sheet **ret_sheet, struct sheet_problem *ret_problem)
{
	struct sheet_reading *reading = NULL;
	int result = sheet_child_start(child, fd, &reading, ret_problem);
	if (result)
		return result;
	while ((result = sheet_reading_take(reading, ret_sheet, ret_problem)) == -EAGAIN) {
		struct pollfd waiting = { .fd = sheet_reading_descriptor(reading), .events = POLLIN };
		int64_t left_ms = sheet_reading_due_ms(reading) - now_ms();
		if (poll(&waiting, 1, left_ms > 0 ? (int)left_ms : 0) < 0 && errno != EINTR) {
			result = -errno;
			break;
		}
	}
	sheet_reading_end(reading);
	return result;
}
