/* A stranger's file read in a process of its own: the same as in this one, and nothing that process does harms the caller. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <baophu/status.h>

#include "sheet_child.h"
#include "sheet_dump.h"
#include "sheet_sandbox.h"
#include "workbook.h"

#define READER BINARY_DIR "/client/baophu-sheet"
#define BAD_READER BINARY_DIR "/tests/bad_reader"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED true
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false
#endif

/* A file that is gone once it is closed. */
static int file_with(const void *bytes, size_t size)
{
	char name[] = "/tmp/baophu-child-XXXXXX";
	int fd = mkostemp(name, O_CLOEXEC);
	cr_assert(fd >= 0 && unlink(name) == 0);
	cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
	return fd;
}

static int read_with(const char *reader, uint32_t timeout_ms, int fd, struct sheet **ret_sheet, struct sheet_problem *ret_problem)
{
	struct sheet_child child = { .reader = reader, .timeout_ms = timeout_ms };
	*ret_sheet = NULL;
	return sheet_child_read(&child, fd, ret_sheet, ret_problem);
}

Test(sheet_child, gives_what_reading_here_gives)
{
	static const char *const names[] = { "openpyxl.xlsx", "libreoffice.xlsx", "libreoffice-semicolon.csv",
					     /* merged cells over many others, which have to be sorted */ "libreoffice-form.xlsx" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[400];
		size_t size;
		struct sheet *here, *there;
		struct sheet_problem problem;
		snprintf(path, sizeof path, TESTS_DIR "/vectors/sheets/%s", names[i]);
		char *bytes = read_file(path, &size);
		cr_assert_eq(sheet_read(bytes, size, &here, &problem), 0);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		cr_assert_eq(lseek(fd, 5, SEEK_SET), 5); /* it is read from its start all the same */
		int error = read_with(READER, 0, fd, &there, &problem);
		cr_assert_eq(error, 0, "%s: %d, %d (%s)", names[i], error, (int)problem.what, problem.detail);
		char *a = sheet_dump(here), *b = sheet_dump(there);
		cr_assert_str_eq(a, b);
		free(a);
		free(b);
		free(bytes);
		close(fd);
		sheet_destroy(here);
		sheet_destroy(there);
	}
}

/* The outcome of reading in the child is that of reading here: the sandbox leaves every system call that reading any file needs. */
static void same_outcome(const char *name, const void *bytes, size_t size)
{
	struct sheet *here = NULL, *there = NULL;
	struct sheet_problem problem = { 0 }, problem_there = { 0 };
	int fd = file_with(bytes, size), error = sheet_read(bytes, size, &here, &problem);
	int error_there = read_with(READER, 0, fd, &there, &problem_there);
	cr_assert_eq(error, error_there, "%s: %d, %d: %d (%s)", name, error, error_there, (int)problem_there.what,
		     problem_there.detail);
	cr_assert_eq(problem.what, problem_there.what, "%s: %d, %d (%s)", name, (int)problem.what, (int)problem_there.what,
		     problem_there.detail);
	char *a = here ? sheet_dump(here) : NULL, *b = there ? sheet_dump(there) : NULL;
	cr_assert((!a && !b) || strcmp(a, b) == 0, "%s", name);
	free(a);
	free(b);
	sheet_destroy(here);
	sheet_destroy(there);
	close(fd);
}

Test(sheet_child, has_all_that_any_file_needs)
{
	static const char *const directories[] = { "csv", "xlsx" };
	unsigned count = 0;
	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
		char directory[300], path[600];
		snprintf(directory, sizeof directory, TESTS_DIR "/fuzz/corpus/%s", directories[i]);
		DIR *listing = opendir(directory);
		cr_assert(listing);
		for (struct dirent *entry; (entry = readdir(listing));) {
			size_t size, made_size = 0;
			if (*entry->d_name == '.')
				continue;
			snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
			char *bytes = read_file(path, &size);
			void *made = i == 1 && memcmp(bytes, "PK", 2) != 0 ? workbook_of_text(bytes, size, &made_size) : NULL;
			same_outcome(entry->d_name, made ? made : bytes, made ? made_size : size);
			free(made);
			free(bytes);
			count++;
		}
		closedir(listing);
	}
	cr_assert_gt(count, 60);
	/* Many cells in the wrong order, many merged ranges, many texts. */
	char *xml = NULL;
	size_t size;
	FILE *out = open_memstream(&xml, &size);
	fputs("<sheetData>", out);
	for (int row = 3000; row; row--)
		fprintf(out, "<row r=\"%d\"><c r=\"B%d\" t=\"str\"><v>x%d</v></c><c r=\"A%d\"><v>%d</v></c></row>", row, row, row,
			row, row);
	fputs("</sheetData><mergeCells>", out);
	for (int row = 1; row < 3000; row += 2)
		fprintf(out, "<mergeCell ref=\"A%d:A%d\"/>", row, row + 1);
	fputs("</mergeCells>", out);
	fclose(out);
	struct workbook_tab tab = { "T", NULL, xml };
	void *bytes = workbook_make(&tab, 1, NULL, NULL, NULL, &size);
	same_outcome("out of order", bytes, size);
	free(bytes);
	free(xml);
}

Test(sheet_child, says_what_is_wrong_with_a_file)
{
	struct sheet *sheet;
	struct sheet_problem problem;
	int fd = file_with("a,b\nc,\xe3\n", 9);
	cr_assert_eq(read_with(READER, 0, fd, &sheet, &problem), -BAOPHU_EMALFORMED);
	cr_assert(problem.what == SHEET_NOT_UTF8 && problem.row == 1, "%d", (int)problem.what);
	close(fd);
	fd = file_with("", 0);
	cr_assert_eq(read_with(READER, 0, fd, &sheet, &problem), -BAOPHU_EMALFORMED);
	cr_assert_eq(problem.what, SHEET_NO_BYTES);
	cr_assert_eq(ftruncate(fd, SHEET_FILE_BYTES_MAX + 1), 0);
	cr_assert_eq(read_with(READER, 0, fd, &sheet, &problem), -BAOPHU_EMALFORMED);
	cr_assert_eq(problem.what, SHEET_TOO_BIG);
	close(fd);
	fd = open("/tmp", O_RDONLY | O_CLOEXEC);
	cr_assert_eq(read_with(READER, 0, fd, &sheet, &problem), -EINVAL);
	close(fd);
	fd = file_with("a,b\n", 4);
	cr_assert_eq(read_with("/nowhere/baophu-sheet", 0, fd, &sheet, &problem), -BAOPHU_EMALFORMED);
	cr_assert_eq(problem.what, SHEET_READER_MISSING);
	close(fd);
}

static void bad_reader_is(const char *does, uint32_t timeout_ms, enum sheet_trouble what, const char *detail)
{
	struct sheet *sheet;
	struct sheet_problem problem = { 0 };
	int fd = file_with(does, strlen(does));
	int error = read_with(BAD_READER, timeout_ms, fd, &sheet, &problem);
	cr_assert_eq(error, -BAOPHU_EMALFORMED, "%s: %d", does, error);
	cr_assert_eq(problem.what, what, "%s: %d (%s)", does, (int)problem.what, problem.detail);
	cr_assert(!detail || strcmp(problem.detail, detail) == 0, "%s: %s", does, problem.detail);
	cr_assert_null(sheet);
	cr_assert(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "%s: a child is left", does);
	close(fd);
}

Test(sheet_child, stops_a_reader_that_does_anything_else)
{
	static const char *const deeds[] = { "open", "create", "socket", "fork", "exec", "kill", "code", "file write" };
	for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++)
		bad_reader_is(deeds[i], 0, SHEET_READER_DIED, "SIGSYS");
}

Test(sheet_child, survives_whatever_becomes_of_the_reader)
{
	bad_reader_is("crash", 0, SHEET_READER_DIED, IS_SANITIZED ? NULL : "SIGSEGV");
	bad_reader_is("exit", 0, SHEET_READER_DIED, "3");
	bad_reader_is("work", 200, SHEET_READER_SLOW, NULL);
	bad_reader_is("wait", 200, SHEET_READER_SLOW, NULL);
	bad_reader_is("nothing", 0, SHEET_READER_WRONG, NULL);
	bad_reader_is("half", 0, SHEET_READER_WRONG, NULL);
	bad_reader_is("junk", 0, SHEET_READER_WRONG, NULL);
	bad_reader_is("endless", 0, SHEET_READER_WRONG, NULL);
	bad_reader_is("bad problem", 0, SHEET_READER_WRONG, NULL);
	bad_reader_is("fine problem", 0, SHEET_NO_TAB, NULL);
}

Test(sheet_child, bounds_the_memory_of_the_reader)
{
	if (IS_SANITIZED)
		cr_skip_test("a sanitizer reserves more addresses than could be allowed");
	bad_reader_is("memory", 0, SHEET_READER_FULL, NULL);
}

/* The limits that no test can wait for are read from outside. */
Test(sheet_child, limits_work_and_files)
{
	int ends[2], fd = file_with("wait", 4);
	pid_t pid;
	char byte, path[64], line[200], *arguments[] = { "x", NULL }, *environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	unsigned found = 0;
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	cr_assert_eq(posix_spawn(&pid, BAD_READER, &actions, NULL, arguments, environment), 0);
	posix_spawn_file_actions_destroy(&actions);
	cr_assert_eq(read(ends[0], &byte, 1), 1);
	snprintf(path, sizeof path, "/proc/%d/limits", (int)pid);
	FILE *limits = fopen(path, "re");
	cr_assert(limits);
	while (fgets(line, sizeof line, limits)) {
		char wanted[64];
		snprintf(wanted, sizeof wanted, "%d", SANDBOX_CPU_SECONDS);
		found += strncmp(line, "Max cpu time", 12) == 0 && strstr(line, wanted);
		found += strncmp(line, "Max open files            3 ", 28) == 0;
		found += strncmp(line, "Max file size             0 ", 28) == 0;
		found += strncmp(line, "Max processes             0 ", 28) == 0;
	}
	fclose(limits);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cr_assert_eq(found, 4);
	close(ends[0]);
	close(ends[1]);
	close(fd);
}

Test(sheet_child, in_halves_nobody_waits)
{
	struct sheet *sheet = NULL;
	struct sheet_problem problem;
	struct sheet_reading *reading = NULL;
	int fd = file_with("wait", 4);
	struct sheet_child child = { .reader = BAD_READER };
	cr_assert_eq(sheet_child_start(&child, fd, &reading, &problem), 0);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(sheet_reading_take(reading, &sheet, &problem), -EAGAIN);
	sheet_reading_end(reading);
	cr_assert(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "a reader that still runs is killed");
	close(fd);
	fd = file_with("a,b\n", 4);
	child.reader = READER;
	cr_assert_eq(sheet_child_start(&child, fd, &reading, &problem), 0);
	int error;
	while ((error = sheet_reading_take(reading, &sheet, &problem)) == -EAGAIN) {
		struct pollfd at = { .fd = sheet_reading_descriptor(reading), .events = POLLIN };
		cr_assert_eq(poll(&at, 1, 20000), 1);
	}
	cr_assert_eq(error, 0);
	cr_assert_eq(sheet_row_count(sheet), 1);
	sheet_reading_end(reading);
	sheet_destroy(sheet);
	close(fd);
}

Test(sheet_child, leaves_nothing_behind)
{
	/* Fifty readers one after the other: nothing is left of any of them, no descriptor and no process. */
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC), fd = file_with("a,b\n", 4);
	for (int i = 0; i < 50; i++) {
		struct sheet *sheet;
		struct sheet_problem problem;
		cr_assert_eq(read_with(READER, 0, fd, &sheet, &problem), 0);
		sheet_destroy(sheet);
	}
	int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	cr_assert_eq(after, fd + 1, "%d, %d, %d", before, fd, after);
	close(before);
	close(after);
	close(fd);
}
