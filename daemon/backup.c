/* backup.c - see backup.h.
 *
 * Called by backup_command.c. Does not know LMDB: the log is read and written through log.h like any other. Keeps: a directory with a name of
 * ours is a whole backup. The order that does it: copy, flush files and directories, forget what the kernel has of them in memory, read back,
 * rename, flush the directory that holds the name; only then is anything older removed, and a backup loses its name before its files.
 */
#include "backup.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define PART_SUFFIX ".part"
#define LOG_DIRECTORY "log"
enum { RUN_BYTES = 8 << 20, STORE_LETTERS = 8, TIME_LETTERS = 16, PREWRITE_NONE = 1, DEPTH_MAX = 4, NAMES_MAX = 1 << 16 };

__attribute__((format(printf, 3, 4))) static int refuse(int error, char *why, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(why, BACKUP_WHY_BYTES, format, arguments);
	va_end(arguments);
	return error;
}

static int64_t monotonic_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static int error_of_errno(void) { return errno == ENOSPC || errno == EDQUOT ? -BAOPHU_EFULL : -errno; }

/* ---- names ---- */

struct name {
	char store[STORE_LETTERS + 1], time[TIME_LETTERS + 1];
	uint64_t seq;
	bool is_part;
};

static void name_format(const struct backup *backup, int64_t now_ms, char ret_name[static BACKUP_NAME_BYTES])
{
	time_t now = now_ms / 1000;
	struct tm utc;
	char store[STORE_LETTERS + 1], at[TIME_LETTERS + 1];
	for (int i = 0; i < STORE_LETTERS / 2; i++)
		snprintf(store + 2 * i, 3, "%02x", backup->store[i]);
	gmtime_r(&now, &utc);
	strftime(at, sizeof at, "%Y%m%dT%H%M%SZ", &utc);
	snprintf(ret_name, BACKUP_NAME_BYTES, "baophu-%s-%s-%" PRIu64, store, at, backup->place.seq);
}

static bool name_read(const char *text, struct name *ret_name)
{
	static const char shape[] = "baophu-########-99999999T999999Z-";
	for (size_t i = 0; shape[i]; i++) {
		char c = text[i];
		bool fits = shape[i] == '#'   ? isxdigit((unsigned char)c) && !isupper((unsigned char)c)
			    : shape[i] == '9' ? isdigit((unsigned char)c)
					      : c == shape[i];
		if (!fits)
			return false;
	}
	const char *number = text + sizeof shape - 1;
	char *end;
	memcpy(ret_name->store, text + 7, STORE_LETTERS);
	memcpy(ret_name->time, text + 8 + STORE_LETTERS, TIME_LETTERS);
	ret_name->store[STORE_LETTERS] = ret_name->time[TIME_LETTERS] = '\0';
	errno = 0;
	ret_name->seq = strtoull(number, &end, 10);
	ret_name->is_part = strcmp(end, PART_SUFFIX) == 0;
	return isdigit((unsigned char)*number) && !errno && (ret_name->is_part || !*end);
}

static bool is_of_store(const struct name *name, const uint8_t store[static BAOPHU_STORE_BYTES])
{
	char letters[STORE_LETTERS + 1];
	for (int i = 0; i < STORE_LETTERS / 2; i++)
		snprintf(letters + 2 * i, 3, "%02x", store[i]);
	return strcmp(name->store, letters) == 0;
}

static int compare_names(const void *a, const void *b)
{
	struct name x, y;
	name_read(a, &x);
	name_read(b, &y);
	int times = strcmp(x.time, y.time);
	return times ? times : (x.seq > y.seq) - (x.seq < y.seq);
}

/* ---- directories ---- */

static int sync_directory(int directory, const char *name)
{
	int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int error = fd < 0 || fsync(fd) < 0 ? error_of_errno() : 0;
	if (fd >= 0)
		close(fd);
	return error;
}

/* To list a directory, which may not be a link; NULL and errno. Owned. */
static DIR *list(int directory, const char *name)
{
	int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	int error = errno;
	if (!stream && fd >= 0)
		close(fd);
	errno = error;
	return stream;
}

/* Removes a directory with what is in it. Links are removed, not followed. */
static int remove_tree(int directory, const char *name, int depth)
{
	DIR *stream = list(directory, name);
	int error = 0;
	if (!stream)
		return -errno;
	for (const struct dirent *found; !error && (errno = 0, found = readdir(stream));) {
		struct stat status;
		if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
			continue;
		if (fstatat(dirfd(stream), found->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
			error = -errno;
		else if (S_ISDIR(status.st_mode))
			error = depth < DEPTH_MAX ? remove_tree(dirfd(stream), found->d_name, depth + 1) : -ELOOP;
		else if (unlinkat(dirfd(stream), found->d_name, 0) < 0)
			error = -errno;
	}
	if (!error && errno)
		error = -errno;
	closedir(stream);
	if (!error && unlinkat(directory, name, AT_REMOVEDIR) < 0)
		error = -errno;
	return error;
}

/* Takes the name of a whole backup first: killed in between, what is left is an unfinished copy. */
static int remove_backup(int directory, const char *name)
{
	char part[BACKUP_NAME_BYTES + sizeof PART_SUFFIX];
	snprintf(part, sizeof part, "%s" PART_SUFFIX, name);
	if (renameat(directory, name, directory, part) < 0 || fsync(directory) < 0)
		return -errno;
	return remove_tree(directory, part, 0);
}

/* Is `directory` the data directory, or inside it? By what they are, not by what they are called. */
static bool is_inside(int directory, int data)
{
	struct stat inner, outer, above;
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is_found = false, is_top = fd < 0 || fstat(data, &outer) < 0 || fstat(fd, &inner) < 0;
	while (!is_top && !is_found) {
		is_found = inner.st_dev == outer.st_dev && inner.st_ino == outer.st_ino;
		int up = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		is_top = up < 0 || fstat(up, &above) < 0 || (above.st_dev == inner.st_dev && above.st_ino == inner.st_ino);
		close(fd);
		fd = up;
		inner = above;
	}
	if (fd >= 0)
		close(fd);
	return is_found;
}

/* ---- the directory that backups are kept in ---- */

struct target {
	int directory; /* open, and locked against another backup */
	uint32_t unfinished; /* removed */
};

/* What lies in it is ours, of this store. Removes what an earlier run left half. */
static int target_look(struct target *target, const struct backup_request *request, const uint8_t store[static BAOPHU_STORE_BYTES],
		       char *why)
{
	DIR *stream = list(target->directory, ".");
	int error = 0;
	if (!stream)
		return refuse(-errno, why, "%s cannot be listed: %s", request->to, strerror(errno));
	for (const struct dirent *found; !error && (errno = 0, found = readdir(stream));) {
		struct name name;
		bool is_ours = name_read(found->d_name, &name);
		if (found->d_name[0] == '.' || strcmp(found->d_name, "lost+found") == 0)
			continue;
		if (!is_ours)
			error = refuse(-EINVAL, why,
				       "%s holds %s, which is no backup of baophu; give the backups a directory of their own",
				       request->to, found->d_name);
		else if (!is_of_store(&name, store))
			error = refuse(-EINVAL, why,
				       "%s holds backups of another centre (%s); give each centre a directory of its own",
				       request->to, found->d_name);
		else if (name.is_part && (error = remove_tree(target->directory, found->d_name, 0)))
			refuse(error, why, "%s/%s, left by a backup that did not end, cannot be removed: %s", request->to,
			       found->d_name, strerror(-error));
		else
			target->unfinished += name.is_part;
	}
	if (!error && errno)
		error = refuse(-errno, why, "%s cannot be listed: %s", request->to, strerror(errno));
	closedir(stream);
	return error;
}

static int target_open(struct target *target, const struct backup_request *request, char *why)
{
	target->directory = open(request->to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (target->directory < 0)
		return errno == ENOENT
			   ? refuse(
				 -EINVAL, why,
				 "%s is not there; is its disk mounted? Else make it, for whoever runs this: install -d -m 700 %s",
				 request->to, request->to)
			   : refuse(errno == EACCES ? -EACCES : -EINVAL, why, "%s cannot be opened: %s", request->to,
				    strerror(errno));
	int data = open(request->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool inside = data >= 0 && is_inside(target->directory, data);
	if (data >= 0)
		close(data);
	if (inside)
		return refuse(-EINVAL, why, "%s is inside the data directory %s; name one elsewhere, best on another disk",
			      request->to, request->data_dir);
	if (faccessat(target->directory, ".", W_OK | X_OK, AT_EACCESS) < 0)
		return refuse(-errno, why, "%s cannot be written to: %s", request->to, strerror(errno));
	if (flock(target->directory, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
			   ? refuse(-BAOPHU_EINUSE, why, "another backup into %s is being made; wait for its end", request->to)
			   : refuse(-errno, why, "%s cannot be locked: %s", request->to, strerror(errno));
	return 0;
}

/* ---- copying ---- */

struct watch {
	backup_progress show;
	void *context;
};

static void watch_show(const struct watch *watch, enum backup_step step, uint64_t done, uint64_t all)
{
	if (watch->show)
		watch->show(watch->context, step, done, all);
}

static int open_log(const char *directory, enum log_access access, struct log **ret_log, const char **ret_why)
{
	char path[2 * BACKUP_PATH_BYTES + sizeof LOG_DIRECTORY];
	snprintf(path, sizeof path, "%s/" LOG_DIRECTORY, directory);
	struct log_config config = { .directory = path, .access = access, .prewrite_bytes = PREWRITE_NONE };
	return log_open(&config, ret_log, ret_why);
}

/* The records from where `to` ends up to where `from` ended when it was opened. *ret_seq: the one that could not be read; 0: writing failed. */
static int copy_records(struct log *from, struct log *to, const struct watch *watch, uint64_t *ret_seq)
{
	struct log_reader *reader;
	uint64_t head = log_head(from).seq, seq = log_head(to).seq;
	*ret_seq = 0;
	int error = log_reader_open(from, &reader);
	if (error)
		return error;
	watch_show(watch, BACKUP_COPY, seq, head);
	while (!error && seq < head) {
		error = log_begin(to);
		for (size_t run = 0; !error && seq < head && run < RUN_BYTES; seq++) {
			const void *record;
			size_t bytes;
			error = log_read(reader, seq + 1, false, &record, &bytes);
			if (error)
				*ret_seq = seq + 1;
			else
				error = log_append(to, record, bytes);
			run += bytes;
		}
		log_reader_release(reader);
		if (!error)
			error = log_commit(to);
		watch_show(watch, BACKUP_COPY, seq, head);
	}
	log_abort(to);
	log_reader_close(reader);
	return error;
}

/* Flushes what was copied, file by file, and asks the kernel to forget it: what is read next is what the disk has. Takes LMDB's tables of
 * readers away, and counts. */
static int settle_files(int directory, struct backup *backup)
{
	DIR *stream = list(directory, LOG_DIRECTORY);
	int error = 0;
	if (!stream)
		return -errno;
	for (const struct dirent *found; !error && (errno = 0, found = readdir(stream));) {
		size_t letters = strlen(found->d_name);
		struct stat status;
		if (found->d_name[0] == '.')
			continue;
		if (letters > 5 && strcmp(found->d_name + letters - 5, "-lock") == 0) {
			error = unlinkat(dirfd(stream), found->d_name, 0) < 0 ? error_of_errno() : 0;
			continue;
		}
		int file = openat(dirfd(stream), found->d_name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (file < 0 || fsync(file) < 0 || fstat(file, &status) < 0) {
			error = error_of_errno();
		} else {
			posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
			backup->bytes += (uint64_t)status.st_size;
			backup->files += letters > 4 && strcmp(found->d_name + letters - 4, ".mdb") == 0;
		}
		if (file >= 0)
			close(file);
	}
	if (!error && errno)
		error = -errno;
	closedir(stream);
	if (!error)
		error = sync_directory(directory, LOG_DIRECTORY);
	return error ? error : sync_directory(directory, ".");
}

/* ---- reading back ---- */

/* The chain from the first record to the last. *ret_seq: the record at which it breaks. */
static int check_records(struct log *log, const struct watch *watch, uint64_t *ret_seq)
{
	struct log_reader *reader;
	uint64_t head = log_head(log).seq, seq = 0;
	int error = log_reader_open(log, &reader);
	if (error)
		return error;
	watch_show(watch, BACKUP_CHECK, 0, head);
	for (size_t run = 0; !error && seq < head; seq++) {
		const void *record;
		size_t bytes = 0;
		*ret_seq = seq + 1;
		error = log_read(reader, seq + 1, true, &record, &bytes);
		run += bytes;
		if (run >= RUN_BYTES) {
			watch_show(watch, BACKUP_CHECK, seq + 1, head);
			run = 0;
		}
	}
	if (!error)
		watch_show(watch, BACKUP_CHECK, head, head);
	log_reader_close(reader);
	return error;
}

static int store_of(struct log *log, uint8_t ret_store[static BAOPHU_STORE_BYTES])
{
	struct log_reader *reader;
	struct baophu_place first;
	int error = log_reader_open(log, &reader);
	if (error)
		return error;
	error = log_place(reader, 1, &first);
	if (!error)
		memcpy(ret_store, first.digest, BAOPHU_STORE_BYTES);
	log_reader_close(reader);
	return error;
}

/* Opens what lies in `path` and proves it; its store and newest place. */
static int prove(const char *path, const struct watch *watch, struct backup *backup, char *why)
{
	struct log *log;
	const char *reason;
	uint64_t seq = 0;
	int64_t begin_ms = monotonic_ms();
	int error = open_log(path, LOG_STILL, &log, &reason);
	if (error)
		return refuse(error, why, "%s", reason);
	backup->place = log_head(log);
	error = backup->place.seq ? check_records(log, watch, &seq) : -BAOPHU_ENOTFOUND;
	if (!error)
		error = store_of(log, backup->store);
	log_close(log);
	backup->check_ms = monotonic_ms() - begin_ms;
	if (error == -BAOPHU_ENOTFOUND)
		return refuse(error, why, "%s/" LOG_DIRECTORY ": there is no record in it", path);
	return error ? refuse(error, why, "%s/" LOG_DIRECTORY ": record %" PRIu64 ": %s", path, seq, baophu_strerror(error)) : 0;
}

int backup_check(const char *path, backup_progress progress, void *context, struct backup *ret_backup,
		 char why[static BACKUP_WHY_BYTES])
{
	struct watch watch = { progress, context };
	struct name name;
	*ret_backup = (struct backup){ 0 };
	char *real = realpath(path, NULL);
	if (!real)
		return refuse(-EINVAL, why, "%s cannot be opened: %s", path, strerror(errno));
	int written = snprintf(ret_backup->path, sizeof ret_backup->path, "%s", real);
	free(real);
	if (written >= (int)sizeof ret_backup->path)
		return refuse(-EINVAL, why, "%s: its path is longer than %d bytes", path, BACKUP_PATH_BYTES - 1);
	bool is_named = name_read(strrchr(ret_backup->path, '/') + 1, &name);
	if (is_named && name.is_part)
		return refuse(-EINVAL, why, "%s is a copy that was not finished; the next backup removes it", path);
	int directory = open(ret_backup->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int log = directory < 0 ? -1 : openat(directory, LOG_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = log < 0 ? NULL : fdopendir(log);
	int error = stream ? 0 : -errno;
	for (const struct dirent *found; stream && (found = readdir(stream));) {
		struct stat status;
		int file = openat(log, found->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (file >= 0 && !fstat(file, &status) && S_ISREG(status.st_mode)) {
			posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
			ret_backup->bytes += (uint64_t)status.st_size;
			ret_backup->files += strstr(found->d_name, ".mdb") != NULL;
		}
		if (file >= 0)
			close(file);
	}
	if (stream)
		closedir(stream);
	else if (log >= 0)
		close(log);
	if (directory >= 0)
		close(directory);
	if (error == -ENOENT || error == -ENOTDIR)
		return refuse(-BAOPHU_ENOTFOUND, why, "%s is no backup: it has no directory " LOG_DIRECTORY "; name one baophu-...",
			      path);
	if (error)
		return refuse(error, why, "%s cannot be opened: %s", path, strerror(-error));
	error = prove(ret_backup->path, &watch, ret_backup, why);
	if (!error && is_named && (name.seq != ret_backup->place.seq || !is_of_store(&name, ret_backup->store)))
		error = refuse(-BAOPHU_EDAMAGED, why, "%s is not what its name says: it ends at place %" PRIu64, path,
			       ret_backup->place.seq);
	return error;
}

/* ---- keeping ---- */

/* Removes the oldest of this store until `keep` are left; never `newest`. */
static int remove_older(int directory, const char *newest, uint32_t keep, uint32_t *ret_removed, char *why, const char *to)
{
	char(*names)[BACKUP_NAME_BYTES] = NULL;
	size_t count = 0, room = 0;
	struct name name;
	DIR *stream = list(directory, ".");
	int error = stream ? 0 : -errno;
	for (const struct dirent *found; !error && (errno = 0, found = readdir(stream));) {
		if (!name_read(found->d_name, &name) || name.is_part || strcmp(found->d_name, newest) == 0 ||
		    strlen(found->d_name) >= BACKUP_NAME_BYTES || count == NAMES_MAX)
			continue;
		if (count == room) {
			room = room ? 2 * room : 64;
			void *grown = reallocarray(names, room, sizeof *names);
			if (!grown) {
				error = -ENOMEM;
				break;
			}
			names = grown;
		}
		memcpy(names[count++], found->d_name, strlen(found->d_name) + 1);
	}
	if (!error && errno)
		error = -errno;
	if (stream)
		closedir(stream);
	if (count)
		qsort(names, count, sizeof *names, compare_names);
	for (size_t i = 0; !error && i + (keep - 1) < count; i++) {
		error = remove_backup(directory, names[i]);
		if (!error)
			++*ret_removed;
		else
			refuse(error, why, "the older backup %s/%s cannot be removed: %s; the new one is whole", to, names[i],
			       strerror(-error));
	}
	free(names);
	return error;
}

/* ---- a backup ---- */

/* How much the log's files take, and whether they lie where the copy will. */
static uint64_t measure_log(const char *data_dir, int target, bool *ret_is_same_disk)
{
	char path[BACKUP_PATH_BYTES + sizeof LOG_DIRECTORY];
	struct stat status, there;
	uint64_t bytes = 0;
	snprintf(path, sizeof path, "%s/" LOG_DIRECTORY, data_dir);
	DIR *stream = opendir(path);
	*ret_is_same_disk = stream && !fstat(dirfd(stream), &status) && !fstat(target, &there) && status.st_dev == there.st_dev;
	for (const struct dirent *found; stream && (found = readdir(stream));)
		if (!fstatat(dirfd(stream), found->d_name, &status, AT_SYMLINK_NOFOLLOW) && S_ISREG(status.st_mode))
			bytes += (uint64_t)status.st_size;
	if (stream)
		closedir(stream);
	return bytes;
}

static uint64_t free_bytes(int directory)
{
	struct statvfs status;
	return fstatvfs(directory, &status) < 0 ? 0 : (uint64_t)status.f_bavail * status.f_frsize;
}

/* Copies into `part`, a directory of that name, and proves the copy. */
static int make_part(struct log *from, int target, const char *part, const struct backup_request *request, struct backup *backup,
		     char *why)
{
	struct watch watch = { request->progress, request->context };
	struct log *copy = NULL;
	struct backup read = { 0 };
	const char *reason = "";
	char path[2 * BACKUP_PATH_BYTES];
	uint64_t seq = 0, free_before = free_bytes(target),
		 log_bytes = measure_log(request->data_dir, target, &backup->is_same_disk);
	int64_t begin_ms = monotonic_ms();
	snprintf(path, sizeof path, "%s/%s", request->to, part);
	/* Whatever else lies on that disk: the log's own reserve is not for copies. */
	if (backup->is_same_disk && log_room_bytes(from) < (int64_t)log_bytes)
		return refuse(-BAOPHU_EFULL, why,
			      "%s is on the disk of the data directory, and a copy of %" PRIu64
			      " MiB would take the room that the log needs; make room, or name another disk",
			      request->to, log_bytes >> 20);
	if (mkdirat(target, part, 0700) < 0)
		return refuse(error_of_errno(), why, "%s cannot be made: %s", path, strerror(errno));
	int directory = openat(target, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int error = directory < 0 ? refuse(-errno, why, "%s cannot be opened: %s", path, strerror(errno)) : 0;
	if (error)
		return error;
	error = open_log(path, LOG_APPEND, &copy, &reason);
	if (error)
		refuse(error, why, "%s", reason);
	if (!error) {
		error = copy_records(from, copy, &watch, &seq);
		if (error && seq)
			refuse(error, why, "%s/" LOG_DIRECTORY ": record %" PRIu64 " cannot be copied: %s", request->data_dir, seq,
			       baophu_strerror(error));
		else if (error)
			refuse(error, why, "%s cannot be written: %s", path, baophu_strerror(error));
	}
	log_close(copy);
	if (!error && (error = settle_files(directory, backup)))
		refuse(error, why, "%s cannot be flushed: %s", path, baophu_strerror(error));
	close(directory);
	if (error == -BAOPHU_EFULL)
		refuse(error, why,
		       "%s has no room for the copy: the log takes %" PRIu64 " MiB, %" PRIu64
		       " MiB were free; make room or name another directory. Nothing was left there",
		       request->to, log_bytes >> 20, free_before >> 20);
	backup->copy_ms = monotonic_ms() - begin_ms;
	if (error)
		return error;
	error = prove(path, &watch, &read, why);
	backup->check_ms = read.check_ms;
	if (!error &&
	    (read.place.seq != backup->place.seq || memcmp(read.place.digest, backup->place.digest, BAOPHU_DIGEST_BYTES) != 0 ||
	     memcmp(read.store, backup->store, sizeof read.store) != 0))
		error = refuse(-BAOPHU_EDAMAGED, why,
			       "the copy %s does not end where the log did: place %" PRIu64 " instead of %" PRIu64, path,
			       read.place.seq, backup->place.seq);
	return error;
}

static int make_named(struct log *from, struct target *target, const struct backup_request *request, struct backup *backup,
		      char *why)
{
	char name[BACKUP_NAME_BYTES], part[BACKUP_NAME_BYTES + sizeof PART_SUFFIX];
	struct stat status;
	name_format(backup, request->now_ms, name);
	snprintf(part, sizeof part, "%s" PART_SUFFIX, name);
	if (!fstatat(target->directory, name, &status, AT_SYMLINK_NOFOLLOW))
		return refuse(-EEXIST, why, "%s/%s is there already, of this second; try again", request->to, name);
	int error = make_part(from, target->directory, part, request, backup, why);
	if (!error && renameat(target->directory, part, target->directory, name) < 0)
		error = refuse(error_of_errno(), why, "%s/%s cannot be renamed: %s", request->to, part, strerror(errno));
	if (error) {
		remove_tree(target->directory, part, 0); /* when that fails too, the next run does it */
		return error;
	}
	if (fsync(target->directory) < 0) {
		error = refuse(error_of_errno(), why, "%s cannot be flushed: %s; the copy in it is not counted", request->to,
			       strerror(errno));
		remove_backup(target->directory, name);
		return error;
	}
	char *real = realpath(request->to, NULL);
	snprintf(backup->path, sizeof backup->path, "%s/%s", real ? real : request->to, name);
	free(real);
	return request->keep ? remove_older(target->directory, name, request->keep, &backup->removed, why, request->to) : 0;
}

int backup_make(const struct backup_request *request, struct backup *ret_backup, char why[static BACKUP_WHY_BYTES])
{
	struct target target = { .directory = -1 };
	struct log *from = NULL;
	const char *reason;
	*ret_backup = (struct backup){ 0 };
	if (strlen(request->to) + BACKUP_NAME_BYTES >= BACKUP_PATH_BYTES || strlen(request->data_dir) >= BACKUP_PATH_BYTES)
		return refuse(-EINVAL, why, "a path is longer than %d bytes", BACKUP_PATH_BYTES - BACKUP_NAME_BYTES - 1);
	int error = open_log(request->data_dir, LOG_BESIDE, &from, &reason);
	if (error == -ENOENT || error == -BAOPHU_ENOTFOUND)
		error = refuse(-BAOPHU_ENOTFOUND, why, "there is no log in %s; name the data directory of baophud with --data",
			       request->data_dir);
	else if (error)
		refuse(error, why, "%s", reason);
	if (!error) {
		ret_backup->place = log_head(from);
		if (!ret_backup->place.seq)
			error = refuse(-BAOPHU_ENOTFOUND, why, "the log in %s has no record yet; there is nothing to copy",
				       request->data_dir);
	}
	if (!error && (error = store_of(from, ret_backup->store)))
		refuse(error, why, "%s/" LOG_DIRECTORY ": its first record cannot be read: %s", request->data_dir,
		       baophu_strerror(error));
	if (!error)
		error = target_open(&target, request, why);
	if (!error)
		error = target_look(&target, request, ret_backup->store, why);
	ret_backup->unfinished = target.unfinished;
	if (!error)
		error = make_named(from, &target, request, ret_backup, why);
	log_close(from);
	if (target.directory >= 0)
		close(target.directory);
	return error;
}
