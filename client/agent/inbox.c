/* inbox.c - see inbox.h.
 *
 * Where a file is says how far it is:
 *   inbox/X                              nobody has read it
 *   .baophu/taken/X                      it is being read, or was saved a moment ago
 *   .baophu/taken/X and answer/NAME/     the same, and the answers to give if it was saved
 *   answer/NAME/ alone                   it was saved and moved; the rest of the answers has to follow
 * X is the name as it was found, byte for byte; NAME is the settled one.
 */
#include "inbox.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <baophu/status.h>

#include "language.h"
#include "spool.h"
#include "text.h"

enum {
	IDLE_MS = 60000, /* between looks when the kernel tells of changes, and between checks that the folder is still the same */
	RETRY_MS = 2000, /* somebody has it open */
	STUCK_MS = 30000, /* it cannot be read or moved */
	EMPTY_REST_MS = 60000, /* a file without content is probably going to get some */
	TEMPORARY_REST_MS = 600000, /* a temporary file that stays so long is named */
	FOLDER_RETRY_MS = 5000,
	STEM_BYTES_MAX = 180, /* of a settled name, so that every answer's name fits 255 bytes */
	TWINS_MAX = 10000, /* " (2)" to " (10000)" */
	RESERVE_BYTES = 64 << 10,
	ROOM_BYTES_MIN = 4 << 20, /* less is left on the disk than answers may take */
	FILE_MODE = 0660,
	FOLDER_MODE = 0770,
};
#define STATE_NAME "TRẠNG THÁI.txt"

enum place { FOLDER, INBOX, SENT, REJECTED, PRIVATE, TAKEN, MAKING, ANSWER, PLACE_COUNT };
static const struct {
	enum place parent;
	const char *name;
	mode_t mode;
} places[PLACE_COUNT] = {
	[INBOX] = { FOLDER, "inbox", FOLDER_MODE },
	[SENT] = { FOLDER, "sent", FOLDER_MODE },
	[REJECTED] = { FOLDER, "rejected", FOLDER_MODE },
	[PRIVATE] = { FOLDER, ".baophu", 0700 },
	[TAKEN] = { PRIVATE, "taken", 0700 },
	[MAKING] = { PRIVATE, "making", 0700 },
	[ANSWER] = { PRIVATE, "answer", 0700 },
};
/* Where an answer goes: `suffix` follows NAME. RECEIVED has the number of its receipt between the two parts. */
static const struct {
	const char *made_as;
	enum place place;
	const char *suffix, *ending;
} answers[INBOX_ANSWER_COUNT] = {
	[INBOX_SAVED] = { "saved", SENT, " – đã lưu", ".txt" },
	[INBOX_RECEIVED] = { "received", SENT, " – đã nhận, biên nhận ", ".txt" },
	[INBOX_REASONS] = { "reasons", REJECTED, " – lý do", ".txt" },
	[INBOX_ROWS_XLSX] = { "rows.xlsx", REJECTED, " – dòng bị trả lại", ".xlsx" },
	[INBOX_ROWS_CSV] = { "rows.csv", REJECTED, " – dòng bị trả lại", ".csv" },
};

/* One file in inbox/ and since when it is as it is. */
struct track {
	uint64_t inode, bytes;
	int64_t modified_ns, changed_ns;
	int64_t since_ms, not_before_ms;
	bool is_seen, is_hindered;
	enum inbox_hindrance why;
	int error;
};

struct inbox {
	char folder[INBOX_PATH_BYTES / 2];
	int64_t rest_ms;
	int at[PLACE_COUNT]; /* directories; -1 */
	int notify;
	int64_t due_ms, checked_ms;
	bool is_lost; /* the folder is not there at present */

	struct track *tracks; /* by inode */
	uint32_t track_count, track_capacity;
	uint32_t waiting, staying_count;
	struct inbox_staying staying[INBOX_STAYING_MAX];

	bool has_file;
	char taken_as[INBOX_NAME_BYTES]; /* name in taken/ */
	struct inbox_file file;
	struct track taken; /* as it was when it was taken */
	char name[INBOX_NAME_BYTES]; /* settled; "": no answers begun */
	bool is_sealed;
};

/* ---- names ---- */

/* A name that Windows, Linux and people can all read: UTF-8 in NFC without control characters, short enough for every answer. */
static void settle_name(const char *raw, char name[static INBOX_NAME_BYTES])
{
	char clean[INBOX_NAME_BYTES], nfc[4 * INBOX_NAME_BYTES];
	size_t bytes = strnlen(raw, INBOX_NAME_BYTES - 1);
	memcpy(clean, raw, bytes);
	clean[bytes] = '\0';
	if (text_to_nfc(clean, bytes, nfc, sizeof nfc) != 0) {
		for (size_t i = 0; i < bytes; i++)
			if ((unsigned char)clean[i] >= 0x80)
				clean[i] = '_';
		memcpy(nfc, clean, bytes + 1);
	}
	for (char *c = nfc; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '_';
		else if ((unsigned char)c[0] == 0xc2 && (unsigned char)c[1] < 0xa0) /* C1 */
			c[0] = c[1] = '_';
	}
	/* Cut in the middle of the stem, so that the ending stays; never inside a letter. */
	char *dot = strrchr(nfc, '.');
	const char *ending = dot && dot != nfc && strlen(dot) <= 16 ? dot : "";
	size_t stem = strlen(nfc) - strlen(ending);
	size_t room = STEM_BYTES_MAX - strlen(ending);
	if (stem > room) {
		for (stem = room; stem && ((unsigned char)nfc[stem] & 0xc0) == 0x80; stem--)
			;
	}
	snprintf(name, INBOX_NAME_BYTES, "%.*s%s", (int)stem, nfc, ending);
}

/* "báo cáo (2).xlsx" of "báo cáo.xlsx". */
static void twin_name(const char *name, int twin, char ret[static INBOX_NAME_BYTES])
{
	const char *dot = strrchr(name, '.');
	int stem = dot && dot != name ? (int)(dot - name) : (int)strlen(name);
	if (twin < 2)
		snprintf(ret, INBOX_NAME_BYTES, "%s", name);
	else
		snprintf(ret, INBOX_NAME_BYTES, "%.*s (%d)%s", stem, name, twin, name + stem);
}

static void fold(const char *name, char key[static 2 * INBOX_NAME_BYTES])
{
	if (text_fold(name, false, key, 2 * INBOX_NAME_BYTES) != 0)
		snprintf(key, 2 * INBOX_NAME_BYTES, "%s", name);
}

static bool has_ending(const char *name, const char *ending)
{
	size_t bytes = strlen(name), tail = strlen(ending);
	return bytes > tail && strcasecmp(name + bytes - tail, ending) == 0;
}

/* Never a report: what programs and systems leave beside files. */
static bool is_litter(const char *name)
{
	return name[0] == '.' || strncmp(name, "~$", 2) == 0 || strcasecmp(name, "desktop.ini") == 0 ||
	       strcasecmp(name, "thumbs.db") == 0;
}

static bool is_temporary(const char *name)
{
	static const char *const endings[] = { ".tmp", ".temp", ".part", ".partial", ".crdownload", ".download", "~" };
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
		if (has_ending(name, endings[i]))
			return true;
	return false;
}

/* ---- directories ---- */

static int64_t nanoseconds(struct timespec time) { return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec; }

static void close_places(struct inbox *inbox)
{
	for (int i = 0; i < PLACE_COUNT; i++) {
		if (inbox->at[i] >= 0)
			close(inbox->at[i]);
		inbox->at[i] = -1;
	}
	if (inbox->notify >= 0)
		close(inbox->notify);
	inbox->notify = -1;
}

__attribute__((format(printf, 4, 5))) static int fail(int error, char *why, size_t size, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vsnprintf(why, size, format, list);
	va_end(list);
	return error;
}

static int open_places(struct inbox *inbox, char *why, size_t why_bytes)
{
	inbox->at[FOLDER] = open(inbox->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (inbox->at[FOLDER] < 0) {
		int error = -errno;
		return fail(error, why, why_bytes, _("the shared folder %s cannot be opened: %s"), inbox->folder, strerror(-error));
	}
	if (flock(inbox->at[FOLDER], LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			return fail(-BAOPHU_EINUSE, why, why_bytes,
				    _("another agent is using the shared folder %s; a folder has one agent"), inbox->folder);
		int error = -errno;
		return fail(error, why, why_bytes, _("the shared folder %s cannot be locked: %s"), inbox->folder, strerror(-error));
	}
	for (int i = INBOX; i < PLACE_COUNT; i++) {
		int parent = inbox->at[places[i].parent];
		if (mkdirat(parent, places[i].name, places[i].mode) != 0 && errno != EEXIST) {
			int error = -errno;
			return fail(error, why, why_bytes, _("%s cannot be made in the shared folder %s: %s"), places[i].name,
				    inbox->folder, strerror(-error));
		}
		inbox->at[i] = openat(parent, places[i].name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (inbox->at[i] < 0) {
			int error = -errno;
			return fail(error, why, why_bytes, _("%s in the shared folder %s cannot be opened: %s"), places[i].name,
				    inbox->folder, strerror(-error));
		}
	}
	inbox->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (inbox->notify >= 0) {
		char path[64];
		snprintf(path, sizeof path, "/proc/self/fd/%d", inbox->at[INBOX]);
		if (inotify_add_watch(inbox->notify, path, IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_CLOSE_WRITE | IN_DELETE) <
		    0) {
			close(inbox->notify);
			inbox->notify = -1;
		}
	}
	return 0;
}

/* An owned stream over a directory, from its start; NULL with errno. */
static DIR *list(int directory)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	if (!stream && fd >= 0)
		close(fd);
	return stream;
}

/* The first name in a directory; false when it has none. */
static bool first_name(int directory, char name[static INBOX_NAME_BYTES])
{
	DIR *stream = list(directory);
	bool found = false;
	for (struct dirent *entry; stream && !found && (entry = readdir(stream));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(name, INBOX_NAME_BYTES, "%s", entry->d_name);
		found = true;
	}
	if (stream)
		closedir(stream);
	return found;
}

static void remove_all(int directory)
{
	DIR *stream = list(directory);
	for (struct dirent *entry; stream && (entry = readdir(stream));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(directory, entry->d_name, 0);
	if (stream)
		closedir(stream);
}

static int move(int from, const char *name, int to, const char *as)
{
	return renameat2(from, name, to, as, RENAME_NOREPLACE) == 0 ? 0 : -errno;
}

/* The same under the first twin of the name that is free; the name that it got in `ret_name` (may be NULL). */
static int move_beside(int from, const char *name, int to, const char *as, char *ret_name)
{
	char twin[INBOX_NAME_BYTES];
	int error = -EEXIST;
	for (int i = 1; error == -EEXIST && i <= TWINS_MAX; i++) {
		twin_name(as, i, twin);
		error = move(from, name, to, twin);
	}
	if (!error && ret_name)
		memcpy(ret_name, twin, sizeof twin);
	return error;
}

static int write_file(int directory, const char *name, const void *bytes, size_t size, bool is_durable)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return -errno;
	int error = 0;
	for (size_t done = 0; !error && done < size;) {
		ssize_t written = write(fd, (const char *)bytes + done, size - done);
		if (written < 0 && errno != EINTR)
			error = -errno;
		else if (written > 0)
			done += (size_t)written;
	}
	if (!error && is_durable && fsync(fd) != 0)
		error = -errno;
	if (close(fd) != 0 && !error)
		error = -errno;
	if (error)
		unlinkat(directory, name, 0);
	return error;
}

/* Room that is given up when the disk is full, so that this can be said. */
static void keep_reserve(struct inbox *inbox)
{
	struct stat at;
	if (fstatat(inbox->at[PRIVATE], "reserve", &at, AT_SYMLINK_NOFOLLOW) == 0 && at.st_size >= RESERVE_BYTES)
		return;
	int fd = openat(inbox->at[PRIVATE], "reserve", O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (posix_fallocate(fd, 0, RESERVE_BYTES) != 0)
		unlinkat(inbox->at[PRIVATE], "reserve", 0);
	close(fd);
}

/* ---- publishing ---- */

/* Which answer a file in answer/NAME/ is, and its receipt's number. */
static int answer_of(const char *made_as, uint64_t *ret_seq)
{
	*ret_seq = 0;
	for (int i = 0; i < INBOX_ANSWER_COUNT; i++) {
		size_t bytes = strlen(answers[i].made_as);
		if (strncmp(made_as, answers[i].made_as, bytes) != 0)
			continue;
		if (i == INBOX_RECEIVED && made_as[bytes] == ' ') {
			*ret_seq = strtoull(made_as + bytes + 1, NULL, 10);
			return i;
		}
		if (i != INBOX_RECEIVED && !made_as[bytes])
			return i;
	}
	return -1;
}

/* It was told before: of a centre that was put back the receipt has another number now. */
static void remove_receipts(const struct inbox *inbox)
{
	char start[INBOX_NAME_BYTES];
	snprintf(start, sizeof start, "%.200s%s", inbox->name, answers[INBOX_RECEIVED].suffix);
	DIR *stream = list(inbox->at[SENT]);
	for (struct dirent *entry; stream && (entry = readdir(stream));) {
		const char *end = entry->d_name + strlen(start);
		if (strncmp(entry->d_name, start, strlen(start)) == 0 &&
		    strcmp(end + strspn(end, "0123456789"), answers[INBOX_RECEIVED].ending) == 0)
			unlinkat(inbox->at[SENT], entry->d_name, 0);
	}
	if (stream)
		closedir(stream);
}

static int publish_answer(struct inbox *inbox, int directory, const char *made_as)
{
	char name[INBOX_NAME_BYTES], number[24] = "";
	uint64_t seq;
	int answer = answer_of(made_as, &seq);
	if (answer < 0)
		return unlinkat(directory, made_as, 0) == 0 ? 0 : -errno;
	if (answer == INBOX_RECEIVED)
		snprintf(number, sizeof number, "%llu", (unsigned long long)seq);
	snprintf(name, sizeof name, "%.200s%s%s%s", inbox->name, answers[answer].suffix, number, answers[answer].ending);
	int to = inbox->at[answers[answer].place];
	if (answer == INBOX_SAVED || answer == INBOX_RECEIVED) { /* ours alone: an earlier one is the same answer */
		char saved[INBOX_NAME_BYTES];
		struct stat at;
		snprintf(saved, sizeof saved, "%.200s%s%s", inbox->name, answers[INBOX_SAVED].suffix, answers[INBOX_SAVED].ending);
		if (answer == INBOX_RECEIVED && fstatat(to, saved, &at, AT_SYMLINK_NOFOLLOW) != 0)
			remove_receipts(inbox);
		if (renameat(directory, made_as, to, name) != 0)
			return -errno;
		if (answer == INBOX_RECEIVED)
			unlinkat(to, saved, 0);
		return 0;
	}
	return move_beside(directory, made_as, to, name, NULL);
}

/* Moves what is in answer/NAME/ into place and removes it. */
static int publish_answers(struct inbox *inbox)
{
	int directory = openat(inbox->at[ANSWER], inbox->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	char made_as[INBOX_NAME_BYTES];
	int error = 0;
	while (!error && first_name(directory, made_as))
		error = publish_answer(inbox, directory, made_as);
	close(directory);
	if (!error && unlinkat(inbox->at[ANSWER], inbox->name, AT_REMOVEDIR) != 0)
		error = -errno;
	if (!error) {
		inbox->is_sealed = false;
		*inbox->name = '\0';
	}
	return error;
}

static void let_go(struct inbox *inbox)
{
	if (inbox->has_file)
		close(inbox->file.fd);
	inbox->has_file = false;
}

static bool was_changed(const struct inbox *inbox)
{
	struct stat at;
	return fstat(inbox->file.fd, &at) == 0 &&
	       ((uint64_t)at.st_size != inbox->taken.bytes || nanoseconds(at.st_mtim) != inbox->taken.modified_ns);
}

/* Moves the file at hand to sent/ or rejected/ under the settled name. */
static int publish_file(struct inbox *inbox)
{
	char path[INBOX_PATH_BYTES], twin[INBOX_NAME_BYTES];
	struct stat at;
	snprintf(path, sizeof path, "%s/%s", inbox->name, answers[INBOX_SAVED].made_as);
	bool is_saved = fstatat(inbox->at[ANSWER], path, &at, AT_SYMLINK_NOFOLLOW) == 0;
	int to = inbox->at[is_saved ? SENT : REJECTED];
	int error = move(inbox->at[TAKEN], inbox->taken_as, to, inbox->name);
	for (int i = 2; error == -EEXIST && i <= TWINS_MAX; i++) { /* somebody put one there meanwhile */
		twin_name(inbox->name, i, twin);
		if (fstatat(to, twin, &at, AT_SYMLINK_NOFOLLOW) == 0 ||
		    move(inbox->at[ANSWER], inbox->name, inbox->at[ANSWER], twin) != 0)
			continue;
		memcpy(inbox->name, twin, sizeof twin);
		error = move(inbox->at[TAKEN], inbox->taken_as, to, inbox->name);
	}
	return error;
}

int inbox_publish(struct inbox *inbox)
{
	if (!inbox->is_sealed)
		return -EINVAL;
	int error = 0;
	if (inbox->has_file) {
		error = was_changed(inbox) ? move_beside(inbox->at[TAKEN], inbox->taken_as, inbox->at[INBOX], inbox->taken_as, NULL)
					   : publish_file(inbox);
		if (error == -ENOENT) /* somebody removed it from taken/; its answers stand */
			error = 0;
		if (error)
			return error;
		let_go(inbox);
		inbox->due_ms = 0;
	}
	return publish_answers(inbox);
}

/* ---- making answers ---- */

/* True when nothing in sent/ and rejected/ has this name or is an answer to it, however its letters were typed. */
static bool is_free(const struct inbox *inbox, const char *name)
{
	static const enum place looked[] = { SENT, REJECTED };
	char key[2 * INBOX_NAME_BYTES], other[2 * INBOX_NAME_BYTES], dash[2 * INBOX_NAME_BYTES];
	fold(name, key);
	snprintf(dash, sizeof dash, "%.400s – ", key);
	bool is_taken = false;
	for (size_t i = 0; !is_taken && i < sizeof looked / sizeof *looked; i++) {
		DIR *stream = list(inbox->at[looked[i]]);
		for (struct dirent *entry; stream && !is_taken && (entry = readdir(stream));) {
			fold(entry->d_name, other);
			is_taken = strcmp(key, other) == 0 || strncmp(dash, other, strlen(dash)) == 0;
		}
		if (stream)
			closedir(stream);
	}
	return !is_taken;
}

static void forget_answers(struct inbox *inbox)
{
	remove_all(inbox->at[MAKING]);
	char name[INBOX_NAME_BYTES];
	while (first_name(inbox->at[ANSWER], name)) {
		int directory = openat(inbox->at[ANSWER], name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (directory >= 0) {
			remove_all(directory);
			close(directory);
		}
		if (unlinkat(inbox->at[ANSWER], name, directory >= 0 ? AT_REMOVEDIR : 0) != 0)
			break;
	}
	inbox->is_sealed = false;
	*inbox->name = '\0';
}

/* Nothing of a file is at hand or left over; what was sealed without one is published first. */
static int be_without_file(struct inbox *inbox)
{
	char left[INBOX_NAME_BYTES];
	if (inbox->has_file || (inbox->is_sealed && first_name(inbox->at[TAKEN], left)))
		return -EBUSY;
	return inbox->is_sealed ? publish_answers(inbox) : 0;
}

int inbox_begin_answers(struct inbox *inbox, const char *name, char ret_name[static INBOX_NAME_BYTES])
{
	char wanted[INBOX_NAME_BYTES], twin[INBOX_NAME_BYTES];
	if (name) {
		int error = be_without_file(inbox);
		if (error)
			return error;
		settle_name(name, wanted);
	} else if (inbox->has_file) {
		memcpy(wanted, inbox->file.name, sizeof wanted);
	} else {
		return -EINVAL;
	}
	forget_answers(inbox);
	for (int i = 1; i <= TWINS_MAX; i++) {
		twin_name(wanted, i, twin);
		if (is_free(inbox, twin)) {
			memcpy(inbox->name, twin, sizeof twin);
			memcpy(ret_name, twin, sizeof twin);
			return 0;
		}
	}
	return -EEXIST;
}

void inbox_forget_answers(struct inbox *inbox)
{
	if (!inbox->has_file)
		forget_answers(inbox);
}

int inbox_begin_later_answers(struct inbox *inbox, const char *name)
{
	if (strlen(name) >= INBOX_NAME_BYTES || !*name || strchr(name, '/'))
		return -EINVAL;
	int error = be_without_file(inbox);
	if (error)
		return error;
	forget_answers(inbox);
	memcpy(inbox->name, name, strlen(name) + 1);
	return 0;
}

int inbox_put_answer(struct inbox *inbox, enum inbox_answer answer, uint64_t receipt_seq, const void *bytes, size_t size)
{
	char made_as[64];
	if (answer == INBOX_RECEIVED)
		snprintf(made_as, sizeof made_as, "%s %llu", answers[answer].made_as, (unsigned long long)receipt_seq);
	else
		snprintf(made_as, sizeof made_as, "%s", answers[answer].made_as);
	return write_file(inbox->at[MAKING], made_as, bytes, size, false);
}

const char *inbox_answer_path(const struct inbox *inbox, enum inbox_answer answer, char path[static INBOX_PATH_BYTES])
{
	snprintf(path, INBOX_PATH_BYTES, "%s/%s/%s/%s", inbox->folder, places[PRIVATE].name, places[MAKING].name,
		 answers[answer].made_as);
	return path;
}

int inbox_seal_answers(struct inbox *inbox)
{
	if (!*inbox->name)
		return -EINVAL;
	DIR *stream = list(inbox->at[MAKING]);
	int error = stream ? 0 : -errno;
	for (struct dirent *entry; stream && !error && (entry = readdir(stream));) {
		if (entry->d_name[0] == '.')
			continue;
		int fd = openat(inbox->at[MAKING], entry->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		/* Whoever made it: officers read it through the share. */
		if (fd < 0 || fchmod(fd, FILE_MODE) != 0 || fsync(fd) != 0)
			error = -errno;
		if (fd >= 0)
			close(fd);
	}
	if (stream)
		closedir(stream);
	if (!error && fsync(inbox->at[MAKING]) != 0)
		error = -errno;
	/* making/ becomes answer/NAME/, and a new making/ is begun. */
	if (!error && renameat(inbox->at[PRIVATE], places[MAKING].name, inbox->at[ANSWER], inbox->name) != 0)
		error = -errno;
	if (error)
		return error;
	inbox->is_sealed = true;
	close(inbox->at[MAKING]);
	inbox->at[MAKING] = -1;
	if (fsync(inbox->at[ANSWER]) != 0 ||
	    (mkdirat(inbox->at[PRIVATE], places[MAKING].name, places[MAKING].mode) != 0 && errno != EEXIST))
		return -errno;
	inbox->at[MAKING] = openat(inbox->at[PRIVATE], places[MAKING].name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return inbox->at[MAKING] < 0 ? -errno : 0;
}

bool inbox_has_answers(const struct inbox *inbox, char ret_name[static INBOX_NAME_BYTES])
{
	if (!inbox->is_sealed)
		return false;
	memcpy(ret_name, inbox->name, INBOX_NAME_BYTES);
	return true;
}

int inbox_put_back(struct inbox *inbox, int64_t now_ms, int64_t after_ms)
{
	if (!inbox->has_file)
		return -EINVAL;
	forget_answers(inbox);
	int error = move_beside(inbox->at[TAKEN], inbox->taken_as, inbox->at[INBOX], inbox->taken_as, NULL);
	let_go(inbox);
	for (uint32_t i = 0; i < inbox->track_count; i++)
		if (inbox->tracks[i].inode == inbox->taken.inode)
			inbox->tracks[i].not_before_ms = now_ms + after_ms;
	inbox->due_ms = 0;
	return error == -ENOENT ? 0 : error;
}

/* What an earlier process left; inbox_look goes on with it. */
static void find_what_was_left(struct inbox *inbox)
{
	remove_all(inbox->at[MAKING]);
	keep_reserve(inbox);
	inbox->is_sealed = first_name(inbox->at[ANSWER], inbox->name);
}

/* ---- looking ---- */

static struct track *find_track(struct inbox *inbox, uint64_t inode, uint32_t *ret_index)
{
	uint32_t low = 0, high = inbox->track_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (inbox->tracks[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_index = low;
	return low < inbox->track_count && inbox->tracks[low].inode == inode ? &inbox->tracks[low] : NULL;
}

/* What is known of a file; NULL when as many are watched as may be. A file that changed begins anew. */
static struct track *track(struct inbox *inbox, const struct stat *at, int64_t now_ms)
{
	const struct track is = { .inode = at->st_ino,
				  .bytes = (uint64_t)at->st_size,
				  .modified_ns = nanoseconds(at->st_mtim),
				  .changed_ns = nanoseconds(at->st_ctim),
				  .since_ms = now_ms,
				  .is_seen = true };
	uint32_t index;
	struct track *known = find_track(inbox, is.inode, &index);
	if (known) {
		if (known->bytes != is.bytes || known->modified_ns != is.modified_ns || known->changed_ns != is.changed_ns) {
			int64_t not_before_ms = known->not_before_ms;
			*known = is;
			known->not_before_ms = not_before_ms;
		}
		known->is_seen = true;
		return known;
	}
	if (inbox->track_count == inbox->track_capacity) {
		uint32_t capacity = inbox->track_capacity ? 2 * inbox->track_capacity : 16;
		struct track *tracks = capacity <= INBOX_TRACKED_MAX ? realloc(inbox->tracks, capacity * sizeof *tracks) : NULL;
		if (!tracks)
			return NULL;
		inbox->tracks = tracks;
		inbox->track_capacity = capacity;
	}
	memmove(&inbox->tracks[index + 1], &inbox->tracks[index], (inbox->track_count - index) * sizeof is);
	inbox->tracks[index] = is;
	inbox->track_count++;
	return &inbox->tracks[index];
}

static void stays(struct inbox *inbox, const char *raw, enum inbox_hindrance why, int error)
{
	struct inbox_staying *staying = NULL;
	char name[INBOX_NAME_BYTES];
	settle_name(raw, name);
	for (uint32_t i = 0; i < inbox->staying_count; i++)
		if (strcmp(inbox->staying[i].name, name) == 0)
			staying = &inbox->staying[i];
	if (!staying && inbox->staying_count < INBOX_STAYING_MAX)
		staying = &inbox->staying[inbox->staying_count++];
	if (!staying)
		return;
	memcpy(staying->name, name, sizeof name);
	staying->why = why;
	staying->error = error;
}

static void sooner(struct inbox *inbox, int64_t ms)
{
	if (ms < inbox->due_ms)
		inbox->due_ms = ms;
}

enum use { FREE, USED, UNKNOWN };
/* F_RDLCK: does anybody have it open for writing? F_WRLCK: does anybody have it open? Asked by taking a lease and giving it back; only
 * the owner of a file may. */
static enum use ask_use(int fd, int lease)
{
	if (fcntl(fd, F_SETLEASE, lease) == 0) {
		fcntl(fd, F_SETLEASE, F_UNLCK);
		return FREE;
	}
	return errno == EAGAIN ? USED : UNKNOWN;
}

/* Excel, Word and LibreOffice put a file beside the one that is open; after a crash it stays. */
static bool has_lock_beside(const struct inbox *inbox, const char *name)
{
	char lock[INBOX_NAME_BYTES + 16];
	struct stat at;
	snprintf(lock, sizeof lock, "~$%s", name);
	if (fstatat(inbox->at[INBOX], lock, &at, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	snprintf(lock, sizeof lock, ".~lock.%s#", name);
	return fstatat(inbox->at[INBOX], lock, &at, AT_SYMLINK_NOFOLLOW) == 0;
}

/* It stays for this reason and is tried again after a while. */
static void hinder(struct inbox *inbox, const char *name, struct track *known, int64_t again_ms, enum inbox_hindrance why,
		   int error)
{
	known->is_hindered = true;
	known->why = why;
	known->error = error;
	known->not_before_ms = again_ms;
	stays(inbox, name, why, error);
}

/* Where a file at rest goes: 1 taken, 0 not now. */
static int take(struct inbox *inbox, const char *name, struct track *known, int64_t now_ms)
{
	struct stat at, moved;
	int fd = openat(inbox->at[INBOX], name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		if (errno != ENOENT)
			hinder(inbox, name, known, now_ms + STUCK_MS, INBOX_UNREADABLE, errno);
		return 0;
	}
	if (fstat(fd, &at) != 0 || !S_ISREG(at.st_mode) || at.st_ino != known->inode || (uint64_t)at.st_size != known->bytes ||
	    nanoseconds(at.st_mtim) != known->modified_ns)
		goto not_now; /* it became another one: the next look sees that */
	bool is_locked = has_lock_beside(inbox, name);
	enum use use = ask_use(fd, is_locked ? F_WRLCK : F_RDLCK);
	if (use == USED || (use == UNKNOWN && is_locked)) {
		hinder(inbox, name, known, now_ms + RETRY_MS, INBOX_IN_USE, 0);
		goto not_now;
	}
	int error = move(inbox->at[INBOX], name, inbox->at[TAKEN], name);
	if (error) {
		if (error != -ENOENT)
			hinder(inbox, name, known, now_ms + STUCK_MS, INBOX_UNMOVABLE, -error);
		goto not_now;
	}
	if (fstatat(inbox->at[TAKEN], name, &moved, AT_SYMLINK_NOFOLLOW) != 0 || moved.st_ino != at.st_ino) {
		/* Another file got the name between opening and moving. */
		move_beside(inbox->at[TAKEN], name, inbox->at[INBOX], name, NULL);
		goto not_now;
	}
	/* A power cut must not bring a file back to inbox/ whose content was saved. */
	fsync(inbox->at[TAKEN]);
	fsync(inbox->at[INBOX]);
	inbox->has_file = true;
	inbox->taken = *known;
	snprintf(inbox->taken_as, sizeof inbox->taken_as, "%s", name);
	inbox->file = (struct inbox_file){
		.fd = fd, .bytes = known->bytes, .inode = known->inode, .modified_ns = known->modified_ns
	};
	settle_name(name, inbox->file.name);
	return 1;
not_now:
	close(fd);
	return 0;
}

/* The file that an earlier process had taken: 1; 0: none. */
static int take_left_over(struct inbox *inbox)
{
	struct stat at;
	while (first_name(inbox->at[TAKEN], inbox->taken_as)) {
		int fd = openat(inbox->at[TAKEN], inbox->taken_as, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd >= 0 && fstat(fd, &at) == 0 && S_ISREG(at.st_mode)) {
			inbox->has_file = true;
			inbox->taken = (struct track){ .inode = at.st_ino,
						       .bytes = (uint64_t)at.st_size,
						       .modified_ns = nanoseconds(at.st_mtim) };
			inbox->file = (struct inbox_file){ .fd = fd,
							   .bytes = inbox->taken.bytes,
							   .inode = inbox->taken.inode,
							   .modified_ns = inbox->taken.modified_ns,
							   .is_left_over = true };
			settle_name(inbox->taken_as, inbox->file.name);
			return 1;
		}
		int error = fd < 0 ? errno : 0;
		if (fd >= 0)
			close(fd);
		/* Nothing of ours: back to where somebody sees it. */
		int moved = move_beside(inbox->at[TAKEN], inbox->taken_as, inbox->at[INBOX], inbox->taken_as, NULL);
		if (moved)
			return error ? -error : moved;
	}
	return 0;
}

static int64_t rest_of(const struct inbox *inbox, const struct track *known)
{
	return known->bytes || inbox->rest_ms > EMPTY_REST_MS ? inbox->rest_ms : EMPTY_REST_MS;
}

/* One name in inbox/: what hinders it is noted; true when it may be taken now. */
static bool is_ready(struct inbox *inbox, const char *name, int64_t now_ms, struct track **ret_known)
{
	struct stat at;
	if (is_litter(name) || fstatat(inbox->at[INBOX], name, &at, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	if (!S_ISREG(at.st_mode)) {
		inbox->waiting++;
		stays(inbox, name, S_ISDIR(at.st_mode) ? INBOX_DIRECTORY : S_ISLNK(at.st_mode) ? INBOX_LINK : INBOX_NOT_A_FILE, 0);
		return false;
	}
	struct track *known = track(inbox, &at, now_ms);
	if (is_temporary(name)) {
		if (known && now_ms - known->since_ms >= TEMPORARY_REST_MS)
			stays(inbox, name, INBOX_TEMPORARY, 0);
		else if (known)
			sooner(inbox, known->since_ms + TEMPORARY_REST_MS);
		return false;
	}
	inbox->waiting++;
	if (!known)
		return false;
	int64_t ready_ms = known->since_ms + rest_of(inbox, known);
	if (ready_ms < known->not_before_ms)
		ready_ms = known->not_before_ms;
	if (known->is_hindered)
		stays(inbox, name, known->why, known->error);
	if (ready_ms > now_ms) {
		sooner(inbox, ready_ms);
		return false;
	}
	*ret_known = known;
	return true;
}

static void forget_unseen(struct inbox *inbox)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < inbox->track_count; i++)
		if (inbox->tracks[i].is_seen) {
			inbox->tracks[kept] = inbox->tracks[i];
			inbox->tracks[kept++].is_seen = false;
		}
	inbox->track_count = kept;
}

/* The file at rest that was changed longest ago, in `name`; false: none. Also counts what waits and names what stays. */
static bool choose(struct inbox *inbox, int64_t now_ms, char name[static INBOX_NAME_BYTES], struct track *ret_chosen,
		   int *ret_error)
{
	DIR *stream = list(inbox->at[INBOX]);
	bool is_chosen = false;
	*ret_error = stream ? 0 : -errno;
	inbox->waiting = inbox->staying_count = 0;
	for (struct dirent *entry; stream && (entry = readdir(stream));) {
		struct track *known;
		if (!is_ready(inbox, entry->d_name, now_ms, &known))
			continue;
		if (is_chosen && (known->modified_ns > ret_chosen->modified_ns ||
				  (known->modified_ns == ret_chosen->modified_ns && strcmp(entry->d_name, name) > 0)))
			continue;
		is_chosen = true;
		*ret_chosen = *known;
		snprintf(name, INBOX_NAME_BYTES, "%s", entry->d_name);
	}
	if (stream)
		closedir(stream);
	forget_unseen(inbox);
	return is_chosen;
}

/* The folder that was opened is still the one at its path. */
static bool is_same_folder(const struct inbox *inbox)
{
	struct stat there, here, in;
	return stat(inbox->folder, &there) == 0 && fstat(inbox->at[FOLDER], &here) == 0 && there.st_ino == here.st_ino &&
	       there.st_dev == here.st_dev && fstat(inbox->at[INBOX], &in) == 0 && in.st_nlink > 0;
}

static int find_folder(struct inbox *inbox, int64_t now_ms)
{
	char why[2 * INBOX_PATH_BYTES];
	if (!inbox->is_lost && now_ms - inbox->checked_ms < FOLDER_RETRY_MS)
		return 0;
	inbox->checked_ms = now_ms;
	if (!inbox->is_lost && is_same_folder(inbox))
		return 0;
	let_go(inbox);
	close_places(inbox);
	inbox->track_count = inbox->waiting = inbox->staying_count = 0;
	inbox->is_sealed = false;
	*inbox->name = '\0';
	int error = open_places(inbox, why, sizeof why);
	inbox->is_lost = error != 0;
	if (error)
		close_places(inbox);
	else
		find_what_was_left(inbox);
	return error;
}

static bool has_room(const struct inbox *inbox)
{
	struct statvfs disk;
	return fstatvfs(inbox->at[FOLDER], &disk) != 0 || (uint64_t)disk.f_bavail * disk.f_frsize >= ROOM_BYTES_MIN;
}

int inbox_look(struct inbox *inbox, int64_t now_ms, struct inbox_file *ret_file)
{
	char events[4096], name[INBOX_NAME_BYTES];
	inbox->due_ms = now_ms + FOLDER_RETRY_MS;
	int error = find_folder(inbox, now_ms);
	if (error)
		return error;
	if (inbox->has_file && !inbox->is_sealed)
		return -EBUSY;
	while (inbox->notify >= 0 && read(inbox->notify, events, sizeof events) > 0)
		; /* what changed is seen by looking */
	if (inbox->has_file || inbox->is_sealed) { /* left by a publishing that failed, or by an earlier process */
		if (!inbox->has_file && take_left_over(inbox) > 0) {
			*ret_file = inbox->file;
			return 1;
		}
		error = inbox_publish(inbox);
		if (error)
			return error;
	}
	int taken = take_left_over(inbox);
	if (taken < 0)
		return taken;
	inbox->due_ms = now_ms + (inbox->notify >= 0 ? IDLE_MS : inbox->rest_ms);
	for (int tries = 0; !taken && tries < 16; tries++) {
		struct track chosen = { 0 }, *known;
		uint32_t index;
		if (!choose(inbox, now_ms, name, &chosen, &error))
			return error;
		known = find_track(inbox, chosen.inode, &index);
		if (!known)
			return 0;
		if (!has_room(inbox)) {
			inbox->due_ms = now_ms + FOLDER_RETRY_MS;
			return -ENOSPC;
		}
		known->is_hindered = false;
		known->not_before_ms = now_ms + RETRY_MS / 10; /* unless taking it says otherwise: it vanished or changed */
		taken = take(inbox, name, known, now_ms);
		inbox->due_ms = now_ms;
	}
	if (taken)
		*ret_file = inbox->file;
	return taken;
}

int inbox_count(struct inbox *inbox, int64_t now_ms)
{
	char events[4096], name[INBOX_NAME_BYTES];
	struct track chosen;
	int error = find_folder(inbox, now_ms);
	if (error)
		return error;
	while (inbox->notify >= 0 && read(inbox->notify, events, sizeof events) > 0)
		;
	choose(inbox, now_ms, name, &chosen, &error);
	return error;
}

uint32_t inbox_waiting(const struct inbox *inbox) { return inbox->waiting; }

uint32_t inbox_staying(const struct inbox *inbox, const struct inbox_staying **ret_staying)
{
	*ret_staying = inbox->staying;
	return inbox->staying_count;
}

int inbox_descriptor(const struct inbox *inbox) { return inbox->notify; }

int64_t inbox_due_ms(const struct inbox *inbox) { return inbox->due_ms; }

/* ---- opening and closing ---- */

int inbox_open(const char *folder, int64_t rest_ms, struct inbox **ret_inbox, char *why, size_t why_bytes)
{
	struct inbox *inbox = calloc(1, sizeof *inbox);
	if (!inbox)
		return fail(-ENOMEM, why, why_bytes, "%s", strerror(ENOMEM));
	for (int i = 0; i < PLACE_COUNT; i++)
		inbox->at[i] = -1;
	inbox->notify = -1;
	inbox->rest_ms = rest_ms;
	signal(SIGIO, SIG_IGN);
	int error = strlen(folder) < sizeof inbox->folder ? 0 : -ENAMETOOLONG;
	if (error)
		fail(error, why, why_bytes, "%s: %s", folder, strerror(-error));
	snprintf(inbox->folder, sizeof inbox->folder, "%s", folder);
	if (!error)
		error = open_places(inbox, why, why_bytes);
	if (spool_is_no_room(error)) {
		close_places(inbox);
		inbox->is_lost = true;
	} else if (error) {
		inbox_close(inbox);
		return error;
	} else {
		find_what_was_left(inbox);
	}
	inbox->checked_ms = INT64_MIN / 2;
	*ret_inbox = inbox;
	return 0;
}

void inbox_close(struct inbox *inbox)
{
	if (!inbox)
		return;
	let_go(inbox);
	close_places(inbox);
	free(inbox->tracks);
	free(inbox);
}

/* ---- beside files ---- */

int inbox_open_sent(const struct inbox *inbox, const char *name)
{
	int fd = openat(inbox->at[SENT], name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int inbox_say_state(struct inbox *inbox, const void *text, size_t bytes)
{
	if (inbox->is_lost)
		return -ENOENT;
	int error = write_file(inbox->at[PRIVATE], "state", text, bytes, false);
	if (spool_is_no_room(error)) {
		unlinkat(inbox->at[PRIVATE], "reserve", 0);
		error = write_file(inbox->at[PRIVATE], "state", text, bytes, false);
	}
	if (!error && renameat(inbox->at[PRIVATE], "state", inbox->at[FOLDER], STATE_NAME) != 0)
		error = -errno;
	if (!error)
		keep_reserve(inbox);
	return error;
}
