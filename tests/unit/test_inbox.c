/* test_inbox.c - the shared folder: what is taken and when, where it and its answers end up, and that this is so whatever moment the process
 * ends at. The caller's part (saving) is a counter in shared memory here. */
#include "inbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include <baophu/status.h>

enum { REST_MS = 1000, PATH_BYTES = 400 };
static char folder[64], why[1024];

static void set_up(void)
{
	strcpy(folder, "/tmp/baophu-inbox-XXXXXX");
	cr_assert(mkdtemp(folder));
}
static void tear_down(void)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", folder);
	cr_assert_eq(system(command), 0);
}
TestSuite(inbox, .init = set_up, .fini = tear_down);

__attribute__((format(printf, 1, 2))) static const char *path(const char *format, ...)
{
	static char paths[4][PATH_BYTES];
	static unsigned turn;
	char *at = paths[turn++ % 4];
	int used = snprintf(at, PATH_BYTES, "%s/", folder);
	va_list list;
	va_start(list, format);
	vsnprintf(at + used, (size_t)(PATH_BYTES - used), format, list);
	va_end(list);
	return at;
}
static void put(const char *at, const char *text)
{
	FILE *file = fopen(at, "w");
	cr_assert(file, "%s: %s", at, strerror(errno));
	fputs(text, file);
	fclose(file);
}
static bool is_there(const char *at)
{
	struct stat status;
	return lstat(at, &status) == 0;
}
static unsigned count(const char *below)
{
	DIR *stream = opendir(path("%s", below));
	unsigned found = 0;
	cr_assert(stream, "%s", below);
	while (readdir(stream))
		found++;
	closedir(stream);
	return found - 2;
}
static struct inbox *open_inbox(void)
{
	struct inbox *inbox = NULL;
	cr_assert_eq(inbox_open(folder, REST_MS, &inbox, why, sizeof why), 0, "%s", why);
	return inbox;
}
/* What the office does with a file that it could save. */
static void settle(struct inbox *inbox, char name[static INBOX_NAME_BYTES])
{
	cr_assert_eq(inbox_begin_answers(inbox, NULL, name), 0);
	cr_assert_eq(inbox_put_answer(inbox, INBOX_SAVED, 0, "saved", 5), 0);
	cr_assert_eq(inbox_seal_answers(inbox), 0);
	cr_assert_eq(inbox_publish(inbox), 0);
}
/* Looks twice, a rest apart. */
static int look(struct inbox *inbox, int64_t *now_ms, struct inbox_file *file)
{
	int result = inbox_look(inbox, *now_ms, file);
	if (result)
		return result;
	*now_ms += REST_MS;
	return inbox_look(inbox, *now_ms, file);
}

Test(inbox, a_file_at_rest_is_taken_and_its_answer_stands_beside_it)
{
	struct inbox *inbox = open_inbox();
	struct inbox_file file;
	char name[INBOX_NAME_BYTES], text[16] = "";
	put(path("inbox/thang-4.csv"), "1,2\n");
	cr_assert_eq(inbox_look(inbox, 100, &file), 0);
	cr_assert_eq(inbox_waiting(inbox), 1);
	cr_assert_eq(inbox_due_ms(inbox), 100 + REST_MS);
	cr_assert_eq(inbox_look(inbox, 99 + REST_MS, &file), 0);
	cr_assert_eq(inbox_look(inbox, 100 + REST_MS, &file), 1);
	cr_assert_str_eq(file.name, "thang-4.csv");
	cr_assert_eq(file.bytes, 4);
	cr_assert_not(file.is_left_over);
	cr_assert_eq(read(file.fd, text, sizeof text), 4);
	cr_assert_str_eq(text, "1,2\n");
	cr_assert_not(is_there(path("inbox/thang-4.csv")));
	cr_assert_eq(inbox_look(inbox, 200 + REST_MS, &file), -EBUSY);
	settle(inbox, name);
	cr_assert_str_eq(name, "thang-4.csv");
	cr_assert(is_there(path("sent/thang-4.csv")));
	cr_assert(is_there(path("sent/thang-4.csv – đã lưu.txt")));
	cr_assert_eq(inbox_look(inbox, 10000, &file), 0);
	cr_assert_eq(inbox_waiting(inbox), 0);

	cr_assert_eq(inbox_begin_later_answers(inbox, name), 0);
	cr_assert_eq(inbox_put_answer(inbox, INBOX_RECEIVED, 57, "received", 8), 0);
	cr_assert_eq(inbox_seal_answers(inbox), 0);
	cr_assert_eq(inbox_publish(inbox), 0);
	cr_assert_not(is_there(path("sent/thang-4.csv – đã lưu.txt")));
	cr_assert(is_there(path("sent/thang-4.csv – đã nhận, biên nhận 57.txt")));
	cr_assert_eq(count("sent"), 2);
	inbox_close(inbox);
}

Test(inbox, a_file_that_is_still_being_written_is_left_alone)
{
	struct inbox *inbox = open_inbox();
	struct inbox_file file;
	put(path("inbox/a.csv"), "1");
	cr_assert_eq(inbox_look(inbox, 0, &file), 0);
	put(path("inbox/a.csv"), "1,2");
	cr_assert_eq(inbox_look(inbox, REST_MS, &file), 0, "it changed and has to rest anew");
	int writer = open(path("inbox/a.csv"), O_WRONLY);
	cr_assert_eq(inbox_look(inbox, 2 * REST_MS, &file), 0, "somebody has it open for writing");
	const struct inbox_staying *staying;
	cr_assert_eq(inbox_staying(inbox, &staying), 1);
	cr_assert_eq(staying[0].why, INBOX_IN_USE);
	cr_assert_str_eq(staying[0].name, "a.csv");
	cr_assert_eq(inbox_look(inbox, 2 * REST_MS + 1, &file), 0);
	cr_assert_eq(inbox_staying(inbox, &staying), 1, "it is still named between two tries");
	close(writer);
	cr_assert_eq(inbox_look(inbox, 10 * REST_MS, &file), 1);
	inbox_close(inbox);
}

Test(inbox, an_open_workbook_waits_and_a_forgotten_lock_does_not_hinder)
{
	struct inbox *inbox = open_inbox();
	struct inbox_file file;
	int64_t now_ms = 0;
	put(path("inbox/bao-cao.xlsx"), "PK");
	put(path("inbox/~$bao-cao.xlsx"), "lock");
	int excel = open(path("inbox/bao-cao.xlsx"), O_RDONLY);
	cr_assert_eq(look(inbox, &now_ms, &file), 0);
	close(excel);
	now_ms += 10000;
	cr_assert_eq(inbox_look(inbox, now_ms, &file), 1, "nobody has it open: the lock was left by a crash");
	char name[INBOX_NAME_BYTES];
	settle(inbox, name);
	put(path("inbox/bang.ods"), "PK");
	put(path("inbox/.~lock.bang.ods#"), "lock");
	int office = open(path("inbox/bang.ods"), O_RDONLY);
	cr_assert_eq(look(inbox, &now_ms, &file), 0);
	const struct inbox_staying *staying;
	cr_assert_eq(inbox_staying(inbox, &staying), 1);
	cr_assert_eq(staying[0].why, INBOX_IN_USE);
	close(office);
	inbox_close(inbox);
}

Test(inbox, what_is_no_report_is_left_alone_and_named_where_somebody_waits_for_it)
{
	struct inbox *inbox = open_inbox();
	struct inbox_file file;
	int64_t now_ms = 0;
	put(path("secret"), "not for the folder");
	put(path("inbox/.DS_Store"), "x");
	put(path("inbox/Thumbs.db"), "x");
	put(path("inbox/~$x.xlsx"), "x");
	put(path("inbox/half.csv.part"), "x");
	put(path("inbox/5F3A.tmp"), "x");
	cr_assert_eq(mkdir(path("inbox/Thang 4"), 0770), 0);
	cr_assert_eq(symlink("../secret", path("inbox/link.csv")), 0);
	cr_assert_eq(mkfifo(path("inbox/pipe.csv"), 0660), 0);
	cr_assert_eq(look(inbox, &now_ms, &file), 0);
	const struct inbox_staying *staying;
	cr_assert_eq(inbox_staying(inbox, &staying), 3);
	unsigned seen = 0;
	for (int i = 0; i < 3; i++)
		seen |= 1U << staying[i].why;
	cr_assert_eq(seen, 1U << INBOX_DIRECTORY | 1U << INBOX_LINK | 1U << INBOX_NOT_A_FILE);
	cr_assert_eq(inbox_look(inbox, now_ms + 3600000, &file), 0);
	cr_assert_eq(inbox_staying(inbox, &staying), 5, "temporary files that stay are named");
	cr_assert_eq(count("inbox"), 8);
	inbox_close(inbox);
}

Test(inbox, an_empty_file_gets_time_to_become_one)
{
	struct inbox *inbox = open_inbox();
	struct inbox_file file;
	put(path("inbox/new.csv"), "");
	cr_assert_eq(inbox_look(inbox, 0, &file), 0);
	cr_assert_eq(inbox_look(inbox, 30000, &file), 0);
	cr_assert_eq(inbox_look(inbox, 60000, &file), 1);
	inbox_close(inbox);
}

Test(inbox, names_are_settled_in_nfc_and_clashes_get_a_number)
{
	struct inbox *inbox = open_inbox();
	struct inbox_file file;
	char name[INBOX_NAME_BYTES];
	int64_t now_ms = 0;
	/* "báo cáo Thới Lai.csv" with combining marks, as a Mac writes it; then composed; then in capitals. */
	static const char *const dropped[] = { "ba\xcc\x81o ca\xcc\x81o Tho\xcc\x9b\xcc\x81i Lai.csv", "báo cáo Thới Lai.csv",
					       "BÁO CÁO Thới Lai.CSV" };
	static const char *const settled[] = { "báo cáo Thới Lai.csv", "báo cáo Thới Lai (2).csv", "BÁO CÁO Thới Lai (3).CSV" };
	for (int i = 0; i < 3; i++) {
		put(path("inbox/%s", dropped[i]), "1");
		cr_assert_eq(look(inbox, &now_ms, &file), 1);
		settle(inbox, name);
		cr_assert_str_eq(name, settled[i]);
		cr_assert(is_there(path("sent/%s – đã lưu.txt", settled[i])));
		now_ms += 10000;
	}
	/* A file alone is as good as one with an answer, and an answer as one with a file. */
	put(path("sent/b.csv"), "1");
	put(path("rejected/b (2).csv – lý do.txt"), "why");
	put(path("inbox/b.csv"), "1");
	cr_assert_eq(look(inbox, &now_ms, &file), 1);
	settle(inbox, name);
	cr_assert_str_eq(name, "b (3).csv");
	now_ms += 10000;
	/* Without its marks it is another name. */
	put(path("inbox/bao cao Thoi Lai.csv"), "1");
	cr_assert_eq(look(inbox, &now_ms, &file), 1);
	settle(inbox, name);
	cr_assert_str_eq(name, "bao cao Thoi Lai.csv");
	now_ms += 10000;
	/* Bytes that are no UTF-8, a line break, and a name as long as names can be. */
	char odd[INBOX_NAME_BYTES];
	put(path("inbox/a\xff\nb.csv"), "1");
	cr_assert_eq(look(inbox, &now_ms, &file), 1);
	settle(inbox, name);
	cr_assert_str_eq(name, "a__b.csv");
	memset(odd, 0, sizeof odd);
	for (int i = 0; i < 83; i++)
		strcat(odd, "ộ");
	strcat(odd, ".xlsx");
	now_ms += 10000;
	put(path("inbox/%s", odd), "1");
	cr_assert_eq(look(inbox, &now_ms, &file), 1);
	settle(inbox, name);
	cr_assert(is_there(path("sent/%s", name)));
	cr_assert_str_eq(name + strlen(name) - 5, ".xlsx");
	cr_assert_eq((strlen(name) - 5) % 3, 0, "cut between letters");
	cr_assert_eq(count("inbox"), 0);
	inbox_close(inbox);
}

Test(inbox, the_file_changed_longest_ago_comes_first)
{
	struct inbox *inbox = open_inbox();
	struct inbox_file file;
	char name[INBOX_NAME_BYTES];
	static const char *const names[] = { "b.csv", "c.csv", "a.csv" };
	for (int i = 0; i < 3; i++) {
		put(path("inbox/%s", names[i]), "1");
		const struct timespec times[2] = { { 1700000000 + i, 0 }, { 1700000000 + i, 0 } };
		cr_assert_eq(utimensat(AT_FDCWD, path("inbox/%s", names[i]), times, 0), 0);
	}
	cr_assert_eq(inbox_look(inbox, 0, &file), 0);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(inbox_look(inbox, REST_MS, &file), 1);
		cr_assert_str_eq(file.name, names[i]);
		settle(inbox, name);
	}
	inbox_close(inbox);
}

Test(inbox, a_file_changed_while_it_was_read_comes_again)
{
	struct inbox *inbox = open_inbox();
	struct inbox_file file;
	char name[INBOX_NAME_BYTES];
	int64_t now_ms = 0;
	put(path("inbox/a.csv"), "1");
	cr_assert_eq(look(inbox, &now_ms, &file), 1);
	put(path(".baophu/taken/a.csv"), "1,2,3");
	settle(inbox, name);
	cr_assert(is_there(path("sent/a.csv – đã lưu.txt")));
	cr_assert_not(is_there(path("sent/a.csv")));
	now_ms += 10000;
	cr_assert_eq(look(inbox, &now_ms, &file), 1);
	cr_assert_eq(file.bytes, 5);
	settle(inbox, name);
	cr_assert(is_there(path("sent/a (2).csv")));
	inbox_close(inbox);
}

Test(inbox, a_file_put_back_waits_before_it_comes_again)
{
	struct inbox *inbox = open_inbox();
	struct inbox_file file;
	char name[INBOX_NAME_BYTES];
	int64_t now_ms = 0;
	put(path("inbox/a.csv"), "1");
	cr_assert_eq(look(inbox, &now_ms, &file), 1);
	cr_assert_eq(inbox_begin_answers(inbox, NULL, name), 0);
	cr_assert_eq(inbox_put_answer(inbox, INBOX_SAVED, 0, "saved", 5), 0);
	cr_assert_eq(inbox_put_back(inbox, now_ms, 60000), 0);
	cr_assert(is_there(path("inbox/a.csv")));
	cr_assert_eq(count("sent"), 0);
	cr_assert_eq(inbox_look(inbox, now_ms + 30000, &file), 0);
	cr_assert_eq(inbox_waiting(inbox), 1);
	cr_assert_eq(inbox_look(inbox, now_ms + 70000, &file), 1);
	inbox_close(inbox);
}

Test(inbox, a_folder_has_one_agent)
{
	struct inbox *inbox = open_inbox(), *other = NULL;
	cr_assert_eq(inbox_open(folder, REST_MS, &other, why, sizeof why), -BAOPHU_EINUSE);
	cr_assert(strstr(why, folder));
	inbox_close(inbox);
	inbox_close(open_inbox());
}

Test(inbox, a_folder_that_went_away_and_came_back_is_found_again)
{
	struct inbox *inbox = open_inbox();
	struct inbox_file file;
	char away[80], name[INBOX_NAME_BYTES];
	snprintf(away, sizeof away, "%s-away", folder);
	cr_assert_eq(rename(folder, away), 0);
	cr_assert_eq(inbox_look(inbox, 100000, &file), -ENOENT);
	cr_assert_eq(inbox_say_state(inbox, "x", 1), -ENOENT);
	cr_assert_eq(rename(away, folder), 0);
	put(path("inbox/a.csv"), "1");
	int64_t now_ms = inbox_due_ms(inbox);
	cr_assert_eq(look(inbox, &now_ms, &file), 1);
	settle(inbox, name);
	cr_assert(is_there(path("sent/a.csv")));
	inbox_close(inbox);
}

Test(inbox, the_state_is_replaced_whole)
{
	struct inbox *inbox = open_inbox();
	cr_assert_eq(inbox_say_state(inbox, "one", 3), 0);
	cr_assert_eq(inbox_say_state(inbox, "2", 1), 0);
	struct stat status;
	cr_assert_eq(stat(path("TRẠNG THÁI.txt"), &status), 0);
	cr_assert_eq(status.st_size, 1);
	inbox_close(inbox);
}

/* ---- the process ends at any call ---- */

static struct shared {
	int left; /* calls until the process ends; below 0: never */
	int saved; /* what the office's spool would say of the file */
} * shared;

static void maybe_end(void)
{
	if (shared && shared->left >= 0 && shared->left-- == 0)
		_exit(9);
}
int __real_renameat(int, const char *, int, const char *);
int __wrap_renameat(int from, const char *old, int to, const char *new);
int __wrap_renameat(int from, const char *old, int to, const char *new)
{
	maybe_end();
	return __real_renameat(from, old, to, new);
}
int __real_renameat2(int, const char *, int, const char *, unsigned);
int __wrap_renameat2(int from, const char *old, int to, const char *new, unsigned flags);
static int refuse_moves; /* errno value for every move out of inbox/ */
int __wrap_renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
	maybe_end();
	if (refuse_moves) {
		errno = refuse_moves;
		return -1;
	}
	return __real_renameat2(from, old, to, new, flags);
}
int __real_unlinkat(int, const char *, int);
int __wrap_unlinkat(int at, const char *name, int flags);
int __wrap_unlinkat(int at, const char *name, int flags)
{
	maybe_end();
	return __real_unlinkat(at, name, flags);
}
int __real_mkdirat(int, const char *, mode_t);
int __wrap_mkdirat(int at, const char *name, mode_t mode);
int __wrap_mkdirat(int at, const char *name, mode_t mode)
{
	maybe_end();
	return __real_mkdirat(at, name, mode);
}
ssize_t __real_write(int, const void *, size_t);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
	maybe_end();
	return __real_write(fd, bytes, size);
}
int __real_fsync(int);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	maybe_end();
	return __real_fsync(fd);
}

/* The office: takes whatever is there, saves each file once, gives its answers, confirms it. */
static void work(void)
{
	struct inbox *inbox = NULL;
	struct inbox_file file;
	char name[INBOX_NAME_BYTES];
	int64_t now_ms = 0;
	if (inbox_open(folder, REST_MS, &inbox, why, sizeof why))
		_exit(2);
	for (int i = 0; i < 3; i++, now_ms += REST_MS) {
		int result = inbox_look(inbox, now_ms, &file);
		if (result < 0)
			_exit(3);
		if (!result)
			continue;
		if (!file.is_left_over || !shared->saved) {
			if (inbox_begin_answers(inbox, NULL, name) || inbox_put_answer(inbox, INBOX_SAVED, 0, "saved", 5) ||
			    inbox_put_answer(inbox, INBOX_REASONS, 0, "why", 3) ||
			    inbox_put_answer(inbox, INBOX_ROWS_CSV, 0, "rows", 4) || inbox_seal_answers(inbox))
				_exit(4);
			maybe_end();
			shared->saved++;
			maybe_end();
		} else if (!inbox_has_answers(inbox, name)) {
			_exit(5);
		}
		if (inbox_publish(inbox))
			_exit(6);
	}
	if (inbox_begin_later_answers(inbox, "a.csv") || inbox_put_answer(inbox, INBOX_RECEIVED, 7, "received", 8) ||
	    inbox_seal_answers(inbox) || inbox_publish(inbox))
		_exit(7);
	inbox_close(inbox);
	_exit(0);
}

static int run(int calls)
{
	shared->left = calls;
	pid_t child = fork();
	if (!child)
		work();
	int status;
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

Test(inbox, a_file_is_saved_and_answered_once_whatever_moment_the_process_ends_at)
{
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(shared, MAP_FAILED);
	int calls = 0;
	for (bool is_through = false; !is_through; calls++) {
		cr_assert_eq(mkdir(path("inbox"), 0770) == 0 || errno == EEXIST, true);
		put(path("inbox/a.csv"), "1");
		shared->saved = 0;
		int code = run(calls);
		is_through = code == 0;
		cr_assert(code == 9 || code == 0, "call %d: exit %d", calls, code);
		/* A second end on the way back, then to the end. */
		if (!is_through) {
			code = run(calls % 7);
			cr_assert(code == 9 || code == 0, "call %d, then: exit %d", calls, code);
			cr_assert_eq(run(-1), 0, "call %d", calls);
		}
		cr_assert_eq(shared->saved, 1, "call %d: saved %d times", calls, shared->saved);
		cr_assert_eq(count("inbox"), 0, "call %d", calls);
		cr_assert(is_there(path("sent/a.csv")), "call %d", calls);
		cr_assert(is_there(path("sent/a.csv – đã nhận, biên nhận 7.txt")), "call %d", calls);
		cr_assert_eq(count("sent"), 2, "call %d: %u in sent/", calls, count("sent"));
		cr_assert(is_there(path("rejected/a.csv – lý do.txt")), "call %d", calls);
		cr_assert(is_there(path("rejected/a.csv – dòng bị trả lại.csv")), "call %d", calls);
		cr_assert_eq(count("rejected"), 2, "call %d", calls);
		cr_assert_eq(count(".baophu/taken") + count(".baophu/making") + count(".baophu/answer"), 0, "call %d", calls);
		tear_down();
		cr_assert_eq(mkdir(folder, 0700), 0);
	}
	cr_assert_gt(calls, 30, "only %d calls were tried", calls);
}

Test(inbox, a_file_that_cannot_be_moved_stays_and_is_named)
{
	struct inbox *inbox = open_inbox();
	struct inbox_file file;
	int64_t now_ms = 0;
	put(path("inbox/a.csv"), "1");
	refuse_moves = EACCES;
	cr_assert_eq(look(inbox, &now_ms, &file), 0);
	const struct inbox_staying *staying;
	cr_assert_eq(inbox_staying(inbox, &staying), 1);
	cr_assert_eq(staying[0].why, INBOX_UNMOVABLE);
	cr_assert_eq(staying[0].error, EACCES);
	refuse_moves = 0;
	cr_assert_eq(inbox_look(inbox, now_ms + 30000, &file), 1);
	inbox_close(inbox);
}
