/* log_open.c - opening the log: what is there is looked at before it is used, and refused by name when it is not what was
 * written.
 *
 * Does not repair anything and writes nothing into a log that it refuses, or that is only read. Called once, at start. Order: the
 * directory, the witness, each segment's skeleton (log_check.c), that segments follow each other, the chain of the last records, whether the
 * witness agrees; then the thread.
 */
#include "log.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "log_check.h"
#include "log_private.h"
#include "log_witness.h"

enum { TAIL_RECORDS = 1000, PREWRITE_NONE_BELOW = 4096, WHY_BYTES = 1024 };
static const uint64_t segment_bytes_default = UINT64_C(1) << 30, prewrite_bytes_default = 32 << 20;
static const uint64_t tail_bytes_max = 64 << 20; /* of records whose chain is checked at start: 0.1 s of BLAKE2b */

static char *why_buffer(void)
{
	/* The reason of the last failed log_open of this thread: there is no log yet to keep it in. */
	static _Thread_local char buffer[WHY_BYTES];
	return buffer;
}

__attribute__((format(printf, 3, 4))) static int refuse(int error, const char **ret_why, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(why_buffer(), WHY_BYTES, format, arguments);
	va_end(arguments);
	*ret_why = why_buffer();
	return error;
}

static bool parse_name(const char *name, uint64_t *ret_first_seq)
{
	for (int i = 0; i < LOG_NAME_DIGITS; i++) {
		if (!isdigit((unsigned char)name[i]))
			return false;
	}
	if (strcmp(name + LOG_NAME_DIGITS, ".mdb") != 0)
		return false;
	errno = 0;
	*ret_first_seq = strtoull(name, NULL, 10);
	return errno == 0;
}

static bool is_network(const struct statfs *status)
{
	/* File systems whose locks, appends and mappings are not those of one machine; and FUSE, of which that cannot be known.
	 * */
	static const uint32_t magics[] = {
		0x6969 /* NFS */,        0x517b /* SMB */,      0xff534d42 /* CIFS */,  0xfe534d42 /* SMB2 */,
		0x01021997 /* 9P */,     0x5346414f /* AFS */,  0x00c36400 /* CEPH */,  0x73757245 /* CODA */,
		0x564c /* NCP */,        0x65735546 /* FUSE */, 0x7461636f /* OCFS2 */, 0x01161970 /* GFS2 */,
		0x0bd00bd0 /* LUSTRE */,
	};
	for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
		if ((uint32_t)status->f_type == magics[i])
			return true;
	}
	return false;
}

static int open_directory(struct log *log, const char **ret_why)
{
	bool only_read = log->access != LOG_APPEND;
	if (!only_read && mkdir(log->path, 0700) < 0 && errno != EEXIST)
		return refuse(-errno, ret_why, "%s: cannot be created: %s", log->path, strerror(errno));
	log->directory = open(log->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs status;
	if (log->directory < 0 || fstatfs(log->directory, &status) < 0)
		return refuse(-errno, ret_why, "%s: cannot be opened: %s", log->path, strerror(errno));
	if (log->access != LOG_STILL && is_network(&status))
		return refuse(-EOPNOTSUPP, ret_why, "%s: is on a network file system; it must be on a local disk", log->path);
	/* Reach the directory's own entry too, should it be new. */
	int parent = only_read ? -1 : openat(log->directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent >= 0) {
		fsync(parent);
		close(parent);
	}
	log->witness_fd = log_witness_open(log->directory, LOG_WITNESS_NAME, only_read);
	if (log->witness_fd < 0 && !(only_read && log->witness_fd == -ENOENT))
		return refuse(log->witness_fd, ret_why, "%s/%s: cannot be opened: %s", log->path, LOG_WITNESS_NAME,
			      strerror(-log->witness_fd));
	return 0;
}

static int compare_seqs(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* First seqs of the segments there are, in order. */
static int list_segments(const struct log *log, uint64_t **ret_first_seqs, size_t *ret_count)
{
	int fd = openat(log->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	if (!stream) {
		int error = -errno;
		if (fd >= 0)
			close(fd);
		return error;
	}
	uint64_t *seqs = NULL, first_seq;
	size_t count = 0, room = 0;
	int rc = 0;
	const struct dirent *found;
	while (!rc && (errno = 0, found = readdir(stream))) {
		if (!parse_name(found->d_name, &first_seq))
			continue;
		if (count == room) {
			room = room ? 2 * room : 64;
			uint64_t *grown = reallocarray(seqs, room, sizeof *seqs);
			if (!grown) {
				rc = -ENOMEM;
				break;
			}
			seqs = grown;
		}
		seqs[count++] = first_seq;
	}
	if (!rc && errno)
		rc = -errno;
	closedir(stream);
	if (rc) {
		free(seqs);
		return rc;
	}
	if (count)
		qsort(seqs, count, sizeof *seqs, compare_seqs);
	*ret_first_seqs = seqs;
	*ret_count = count;
	return 0;
}

enum { TRIES_MAX = 100 };
static const struct timespec a_moment = { .tv_nsec = 1000000 };

/* While others commit, header pages that are read on both sides of a commit do not agree. A damaged file stays damaged. */
static int check_patiently(const struct log *log, const struct segment *segment, struct log_segment_facts *ret_facts, char *why,
			   size_t why_bytes)
{
	for (int tries = 1;; tries++) {
		int rc = ret_facts ? log_check_segment(log->directory, segment->name, segment->first_seq, ret_facts, why, why_bytes)
				   : log_check_header(log->directory, segment->name, why, why_bytes);
		if (rc != -BAOPHU_EDAMAGED || tries == TRIES_MAX)
			return rc;
		nanosleep(&a_moment, NULL);
	}
}

/* LMDB makes its table of readers where it is missing, as whoever asks first; the daemon cannot open one of root's. */
static int make_table(const struct log *log, const struct segment *segment)
{
	char name[LOG_NAME_BYTES + 8];
	struct stat owner;
	snprintf(name, sizeof name, "%s-lock", segment->name);
	if (geteuid() != 0 || !faccessat(log->directory, name, F_OK, 0))
		return 0;
	if (fstatat(log->directory, segment->name, &owner, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	int fd = openat(log->directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	int rc = fchown(fd, owner.st_uid, owner.st_gid) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

/* The segment that another process may be appending to: its pages are kept while they are looked at. */
static int check_growing(struct log *log, struct segment *segment, struct log_segment_facts *ret_facts, char *why, size_t why_bytes)
{
	MDB_txn *keeper = NULL;
	int rc = check_patiently(log, segment, NULL, why, why_bytes);
	if (rc)
		return rc;
	rc = -make_table(log, segment);
	if (!rc)
		rc = log_open_newest(log, segment);
	if (!rc)
		rc = mdb_txn_begin(segment->env, NULL, MDB_RDONLY, &keeper);
	if (rc) {
		snprintf(why, why_bytes, "cannot be opened: %s", mdb_strerror(rc));
		return log_status(rc);
	}
	rc = check_patiently(log, segment, ret_facts, why, why_bytes);
	/* A commit's header page is in the file a moment before readers are told of it. */
	for (int tries = 1; !rc && mdb_txn_id(keeper) < ret_facts->transaction; tries++) {
		if (tries == TRIES_MAX) {
			snprintf(why, why_bytes, "is in the middle of a commit, and stays so; try again");
			rc = -EAGAIN;
			break;
		}
		nanosleep(&a_moment, NULL);
		mdb_txn_reset(keeper);
		rc = log_status(mdb_txn_renew(keeper));
	}
	mdb_txn_abort(keeper);
	return rc;
}

/* Looks at every segment's skeleton, and that each begins where the one before it ends. *ret_last is the newest's. */
static int check_segments(struct log *log, const uint64_t *first_seqs, size_t count, struct log_segment_facts *ret_last,
			  const char **ret_why)
{
	struct baophu_place end = { 0 };
	for (size_t i = 0; i < count; i++) {
		char name[LOG_NAME_BYTES], why[256];
		log_name_segment(first_seqs[i], name);
		if (first_seqs[i] != end.seq + 1)
			return refuse(-BAOPHU_EDAMAGED, ret_why,
				      "%s: the segment that begins at seq %" PRIu64
				      " is missing (the next one is %s); restore it from a backup",
				      log->path, end.seq + 1, name);
		struct segment *segment = NULL;
		int rc = log_segment_create(log, first_seqs[i], &segment);
		if (!rc && (rc = log_add_segment(log, segment)))
			log_segment_destroy(segment);
		if (rc)
			return refuse(rc, ret_why, "%s: %s", log->path, strerror(-rc));
		bool is_growing = log->access == LOG_BESIDE && i + 1 == count;
		rc = is_growing ? check_growing(log, segment, ret_last, why, sizeof why)
				: log_check_segment(log->directory, name, first_seqs[i], ret_last, why, sizeof why);
		if (rc == -BAOPHU_EFORMAT)
			return refuse(rc, ret_why, "%s/%s: %s; install the version that wrote it or a later one", log->path, name,
				      why);
		if (rc)
			return refuse(rc, ret_why, "%s/%s: %s%s", log->path, name, why,
				      rc == -BAOPHU_EDAMAGED ? "; restore it from a backup" : "");
		if (memcmp(ret_last->previous.digest, end.digest, BAOPHU_DIGEST_BYTES) != 0)
			return refuse(-BAOPHU_EDAMAGED, ret_why,
				      "%s/%s: does not follow from seq %" PRIu64
				      " of the segment before it; restore both from one backup",
				      log->path, name, end.seq);
		end = ret_last->end;
		segment->is_sealed = !is_growing;
		segment->tree = ret_last->tree;
		if (log->access == LOG_APPEND && i + 1 < count)
			log_unlink_lock(log, name);
	}
	log->head = end;
	return 0;
}

/* The chain over the last records. */
static int check_tail(struct log *log, const char **ret_why)
{
	struct log_reader *reader;
	const void *record;
	size_t bytes;
	uint64_t head = log->head.seq, first = head + 1, total = 0;
	int rc = log_reader_open(log, &reader);
	if (rc)
		return refuse(rc, ret_why, "%s: cannot be read: %s", log->path, strerror(-rc));
	while (!rc && first > 1 && head - first + 1 < TAIL_RECORDS && total < tail_bytes_max) {
		rc = log_read(reader, --first, false, &record, &bytes);
		total += rc ? 0 : bytes;
	}
	uint64_t seq = first;
	while (!rc && seq <= head) {
		rc = log_read(reader, seq, true, &record, &bytes);
		seq += !rc;
	}
	char name[LOG_NAME_BYTES] = "?";
	for (size_t i = 0; rc && i < log->segment_count && log->segments[i]->first_seq <= seq; i++)
		memcpy(name, log->segments[i]->name, sizeof name);
	log_reader_close(reader);
	if (rc == -BAOPHU_EFORMAT)
		return refuse(rc, ret_why,
			      "%s/%s: record %" PRIu64 " is of a newer format; install the version that wrote it or a later one",
			      log->path, name, seq);
	if (rc)
		return refuse(rc, ret_why,
			      "%s/%s: record %" PRIu64
			      " is damaged or does not follow from the one before it; restore the log from a backup",
			      log->path, name, seq);
	return 0;
}

/* `found` was read before the segments were: whoever appends meanwhile is never behind it. NULL: there is none. */
static int check_witness(struct log *log, const struct log_witness *found, const struct log_segment_facts *last,
			 const char **ret_why)
{
	bool is_known = found != NULL;
	struct log_witness witness = found ? *found : (struct log_witness){ 0 };
	if (is_known && witness.place.seq > log->head.seq)
		return refuse(
		    -BAOPHU_EDAMAGED, ret_why,
		    "%s: the log ends at seq %" PRIu64 ", but %" PRIu64
		    " was committed: it was damaged or put back to an older state; "
		    "restore a newer backup, or remove %s/%s to go on from there and let the agents send again what they hold",
		    log->path, log->head.seq, witness.place.seq, log->path, LOG_WITNESS_NAME);
	bool is_at_head = is_known && witness.place.seq == log->head.seq;
	if (is_known && witness.place.seq > 0) {
		struct log_reader *reader;
		struct baophu_place place;
		int rc = log_reader_open(log, &reader);
		if (!rc) {
			rc = log_place(reader, witness.place.seq, &place);
			log_reader_close(reader);
		}
		if (rc)
			return refuse(rc, ret_why, "%s: record %" PRIu64 " cannot be read; restore the log from a backup",
				      log->path, witness.place.seq);
		if (memcmp(place.digest, witness.place.digest, BAOPHU_DIGEST_BYTES) != 0)
			return refuse(-BAOPHU_EDAMAGED, ret_why,
				      "%s: record %" PRIu64
				      " is not the one that was committed there: the log is of another history; "
				      "restore the log and %s from one backup",
				      log->path, witness.place.seq, LOG_WITNESS_NAME);
	}
	uint8_t meta_digest[sizeof witness.meta_digest];
	log_witness_digest_meta(last->meta, meta_digest);
	if (is_at_head && witness.first_seq == last->first_seq && memcmp(meta_digest, witness.meta_digest, sizeof meta_digest) != 0)
		return refuse(-BAOPHU_EDAMAGED, ret_why,
			      "%s/%s: its header page is not the one that was written; restore it from a backup", log->path,
			      log->segments[log->segment_count - 1]->name);
	if (last->is_disputed && !is_at_head)
		return refuse(-BAOPHU_EDAMAGED, ret_why,
			      "%s/%s: its header pages do not agree which commit is the newest; restore it from a backup",
			      log->path, log->segments[log->segment_count - 1]->name);
	return 0;
}

static int open_segments(struct log *log, const char **ret_why)
{
	uint64_t *first_seqs = NULL;
	size_t count = 0;
	struct log_segment_facts last = { 0 };
	struct log_witness said;
	const struct log_witness *witness = log->witness_fd >= 0 && log_witness_read(log->witness_fd, &said) ? &said : NULL;
	int rc = list_segments(log, &first_seqs, &count);
	if (rc)
		return refuse(rc, ret_why, "%s: cannot be listed: %s", log->path, strerror(-rc));
	rc = check_segments(log, first_seqs, count, &last, ret_why);
	free(first_seqs);
	if (rc)
		return rc;
	if (log->access != LOG_APPEND) {
		if (count == 0)
			return refuse(-BAOPHU_ENOTFOUND, ret_why, "%s: there is no log in it", log->path);
		rc = check_tail(log, ret_why);
		return rc ? rc : check_witness(log, witness, &last, ret_why);
	}
	unlinkat(log->directory, LOG_NEW_NAME, 0);
	if (count == 0) {
		rc = check_witness(log, witness, &last, ret_why); /* only an empty witness goes with an empty log */
		if (rc)
			return rc;
		rc = log_roll(log);
		return rc ? refuse(log_classify(log, rc), ret_why, "%s: cannot begin a log: %s", log->path, mdb_strerror(rc)) : 0;
	}
	rc = log_open_newest(log, log->segments[count - 1]);
	if (rc)
		return refuse(log_status(rc), ret_why, "%s: cannot be opened: %s", log->segments[count - 1]->path,
			      mdb_strerror(rc));
	log_adopt_newest(log, log->segments[count - 1]);
	rc = check_tail(log, ret_why);
	return rc ? rc : check_witness(log, witness, &last, ret_why);
}

int log_open(const struct log_config *config, struct log **ret_log, const char **ret_why)
{
	*ret_why = "";
	if (sodium_init() < 0)
		return refuse(-EIO, ret_why, "libsodium cannot be used");
	struct log *log = calloc(1, sizeof *log);
	if (!log)
		return refuse(-ENOMEM, ret_why, "%s", strerror(ENOMEM));
	log->directory = log->witness_fd = -1;
	pthread_mutex_init(&log->lock, NULL);
	log->access = config->access;
	log->segment_bytes = config->segment_bytes ? config->segment_bytes : segment_bytes_default;
	log->prewrite_bytes = config->prewrite_bytes ? config->prewrite_bytes : prewrite_bytes_default;
	if (log->prewrite_bytes < PREWRITE_NONE_BELOW)
		log->prewrite_bytes = 0;
	log->path = strdup(config->directory);
	int rc = log->path ? open_directory(log, ret_why) : refuse(-ENOMEM, ret_why, "%s", strerror(ENOMEM));
	if (!rc)
		rc = open_segments(log, ret_why);
	/* Last, so that a refused log was not written to. */
	if (!rc && log->access == LOG_APPEND && log->prewrite_bytes) {
		rc = log_prewrite_start(log->directory, log->prewrite_bytes, &log->prewrite);
		if (rc)
			refuse(rc, ret_why, "%s: cannot start a thread: %s", log->path, strerror(-rc));
		else
			log_prewrite_follow(log->prewrite, log->newest->name, log->used_bytes);
	}
	if (rc) {
		log_close(log);
		return rc;
	}
	*ret_log = log;
	return 0;
}

void log_close(struct log *log)
{
	if (!log)
		return;
	log_abort(log);
	log_prewrite_stop(log->prewrite);
	for (size_t i = 0; i < log->segment_count; i++)
		log_segment_destroy(log->segments[i]);
	free(log->segments);
	if (log->witness_fd >= 0) {
		fdatasync(log->witness_fd);
		close(log->witness_fd);
	}
	if (log->directory >= 0)
		close(log->directory);
	pthread_mutex_destroy(&log->lock);
	free(log->path);
	free(log);
}
