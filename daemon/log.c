/* log.c - the append-only log: LMDB segments, one writer, readers on any thread.
 *
 * Does not know what a record means beyond its header, does not lock the data directory (its caller does) and reads no clock.
 * Called by the collector (appending), the follower and queries (reading). Keeps: what log_commit confirmed is on disk and stays
 * readable; what it did not confirm is never read; a file that is not what was written is refused by name.
 *
 *   <first seq, 20 digits>.mdb   a segment; key 0: its mark (log_check.h); key seq, 8 bytes big endian: the record
 *   <...>.mdb-lock               LMDB's reader table of the newest segment
 *   new.mdb                      a segment in the making; renamed when it is whole, removed at start
 *   witness                      how far the log once reached (log_witness.h)
 *
 * LMDB is used within narrow bounds: one unnamed database, no duplicates, MDB_APPEND, default sync flags, never WRITEMAP, one
 * environment a file and process. Sealed segments are opened read-only and without LMDB's locks, on demand.
 */
#include "log.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <lmdb.h>
#include <sodium.h>

#include "log_check.h"
#include "log_prewrite.h"
#include "log_witness.h"
#include "record.h"

enum { NAME_BYTES = 32, NAME_DIGITS = 20, READERS_MAX = 512, TAIL_RECORDS = 1000, PREWRITE_NONE_BELOW = 4096 };
static const uint64_t segment_bytes_default = UINT64_C(1) << 30, prewrite_bytes_default = 32 << 20;
static const uint64_t first_piece_bytes = 8 << 20; /* of zeros, written before a segment is used */
static const uint64_t tail_bytes_max = 64 << 20; /* of records whose chain is checked at start: 0.1 s of BLAKE2b */
static const uint64_t map_bytes_wanted = UINT64_C(64) << 30; /* address space only; the file grows with use */
static const uint64_t map_bytes_spare = 64 << 20; /* the least map beyond what is used */
static const uint64_t reserve_bytes_min = 64 << 20;
static const unsigned flags_common = MDB_NOTLS | MDB_NOSUBDIR;
static const char new_name[] = "new.mdb", witness_name[] = "witness";

struct segment {
	uint64_t first_seq;
	struct baophu_place previous; /* the place before its first record */
	char name[NAME_BYTES];
	char *path;
	uint64_t sealed_bytes; /* used bytes, where it was sealed before the log was opened */
	MDB_env *env; /* NULL until needed */
	MDB_dbi dbi;
};

struct log {
	char *path;
	int directory, witness_fd;
	unsigned witness_turn;
	uint64_t segment_bytes, prewrite_bytes;
	struct log_prewrite *prewrite; /* NULL: nothing is written ahead */

	pthread_mutex_t lock; /* of the next three, and of opening sealed segments */
	struct baophu_place head;
	struct segment **segments; /* in order; never fewer while the log is open */
	size_t segment_count;

	/* the appender's alone */
	struct segment *newest;
	uint64_t used_bytes; /* of the newest segment, by its last commit */
	uint32_t page_bytes;
	MDB_txn *txn;
	struct baophu_place tail; /* of the last record appended */
	uint64_t txn_bytes;
	int txn_error; /* first failure since log_begin */
	int failed; /* first failure that is not about room; for ever */
	bool must_roll; /* the newest segment's map is full */
};

struct log_reader {
	struct log *log;
	struct segment *segment;
	MDB_txn *txn;
	MDB_cursor *cursor;
	bool is_live; /* txn holds a snapshot */
	uint64_t cursor_seq; /* where the cursor stands; 0: nowhere */
	struct baophu_place head; /* as last asked for; a record up to here exists */
	struct baophu_place known; /* of the record last read */
};

/* ---- errors ---- */

static char *why_buffer(void)
{
	/* The reason of the last failed log_open of this thread: there is no log yet to keep it in. */
	static _Thread_local char buffer[1024];
	return buffer;
}

__attribute__((format(printf, 3, 4))) static int refuse(int error, const char **ret_why, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(why_buffer(), 1024, format, arguments);
	va_end(arguments);
	*ret_why = why_buffer();
	return error;
}

/* LMDB's codes end here. */
static int status_of(int rc)
{
	switch (rc) {
	case MDB_NOTFOUND:
		return -BAOPHU_ENOTFOUND;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		return -BAOPHU_EFULL;
	case MDB_READERS_FULL:
		return -EAGAIN;
	case MDB_VERSION_MISMATCH:
		return -BAOPHU_EFORMAT;
	case MDB_PANIC:
	case MDB_BAD_TXN:
		return -EIO;
	case MDB_KEYEXIST:
	case MDB_BAD_VALSIZE:
		return -EINVAL;
	default:
		return rc >= 0 ? -rc : -BAOPHU_EDAMAGED;
	}
}

static void on_assert(MDB_env *env, const char *message)
{
	/* LMDB aborts when this returns. It found its file or memory broken; all that is left is to say which file. */
	const struct segment *segment = mdb_env_get_userctx(env);
	dprintf(STDERR_FILENO, "log: segment is damaged: file=%s lmdb=\"%s\"\n", segment ? segment->path : new_name, message);
}

/* Does the file system's room explain that a write failed? LMDB calls a short write EIO. */
static bool is_out_of_room(const struct log *log)
{
	struct statvfs status;
	if (fstatvfs(log->directory, &status) < 0)
		return false;
	uint64_t blocks = geteuid() == 0 ? status.f_bfree : status.f_bavail;
	/* A page is at least half full of records, and the pages above them are few. */
	return blocks * status.f_frsize < 2 * log->txn_bytes + (4 << 20);
}

static int classify(struct log *log, int rc)
{
	if (rc == MDB_MAP_FULL)
		log->must_roll = true;
	if (rc == ENOSPC || rc == EDQUOT || (rc == EIO && is_out_of_room(log)))
		return -BAOPHU_EFULL;
	return status_of(rc);
}

/* ---- files ---- */

static void name_segment(uint64_t first_seq, char ret_name[static NAME_BYTES])
{
	snprintf(ret_name, NAME_BYTES, "%0*" PRIu64 ".mdb", NAME_DIGITS, first_seq);
}

static bool parse_name(const char *name, uint64_t *ret_first_seq)
{
	for (int i = 0; i < NAME_DIGITS; i++) {
		if (!isdigit((unsigned char)name[i]))
			return false;
	}
	if (strcmp(name + NAME_DIGITS, ".mdb") != 0)
		return false;
	errno = 0;
	*ret_first_seq = strtoull(name, NULL, 10);
	return errno == 0;
}

static char *join_path(const char *directory, const char *name)
{
	char *path;
	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

static void unlink_lock(const struct log *log, const char *name)
{
	char lock_name[NAME_BYTES + 8];
	snprintf(lock_name, sizeof lock_name, "%s-lock", name);
	unlinkat(log->directory, lock_name, 0);
}

static void segment_destroy(struct segment *segment)
{
	if (!segment)
		return;
	if (segment->env)
		mdb_env_close(segment->env);
	free(segment->path);
	free(segment);
}

static int segment_create(const struct log *log, uint64_t first_seq, const struct baophu_place *previous,
			  struct segment **ret_segment)
{
	struct segment *segment = calloc(1, sizeof *segment);
	if (!segment)
		return -ENOMEM;
	segment->first_seq = first_seq;
	segment->previous = *previous;
	name_segment(first_seq, segment->name);
	segment->path = join_path(log->path, segment->name);
	if (!segment->path) {
		free(segment);
		return -ENOMEM;
	}
	*ret_segment = segment;
	return 0;
}

/* Opens an environment with as large a map as there is address space for, from `map_bytes` down to `map_bytes_min`. */
static int open_env(const char *path, unsigned flags, uint64_t map_bytes, uint64_t map_bytes_min, void *context, MDB_env **ret_env)
{
	for (;;) {
		MDB_env *env;
		int rc = mdb_env_create(&env);
		if (rc)
			return rc;
		mdb_env_set_userctx(env, context);
		mdb_env_set_assert(env, on_assert);
		mdb_env_set_maxreaders(env, READERS_MAX);
		mdb_env_set_mapsize(env, map_bytes);
		rc = mdb_env_open(env, path, flags_common | flags, 0600);
		if (rc == 0) {
			*ret_env = env;
			return 0;
		}
		mdb_env_close(env);
		if (rc != ENOMEM || map_bytes / 2 < map_bytes_min)
			return rc;
		map_bytes /= 2;
	}
}

static int open_dbi(struct segment *segment)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(segment->env, NULL, MDB_RDONLY, &txn);
	if (rc)
		return rc;
	rc = mdb_dbi_open(txn, NULL, 0, &segment->dbi);
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

static int open_newest(struct log *log, struct segment *segment)
{
	uint64_t map_bytes = map_bytes_wanted;
	while (map_bytes / 2 < log->segment_bytes)
		map_bytes *= 2;
	int rc = open_env(segment->path, 0, map_bytes, log->segment_bytes + map_bytes_spare, segment, &segment->env);
	return rc ? rc : open_dbi(segment);
}

/* From now on appends go to `segment`, opened by open_newest. */
static void adopt_newest(struct log *log, struct segment *segment)
{
	MDB_stat stat;
	MDB_envinfo info;
	mdb_env_stat(segment->env, &stat);
	mdb_env_info(segment->env, &info);
	log->newest = segment;
	log->page_bytes = stat.ms_psize;
	log->used_bytes = (info.me_last_pgno + 1) * stat.ms_psize;
	log->must_roll = false;
	if (log->prewrite)
		log_prewrite_follow(log->prewrite, segment->name, log->used_bytes);
}

/* A sealed segment is never written again: no locks, no reader table, a map of its own size. Called with the lock held. */
static int open_sealed(struct segment *segment)
{
	int rc = open_env(segment->path, MDB_RDONLY | MDB_NOLOCK, segment->sealed_bytes, segment->sealed_bytes, segment,
			  &segment->env);
	if (!rc && (rc = open_dbi(segment))) {
		mdb_env_close(segment->env);
		segment->env = NULL;
	}
	return rc;
}

/* Makes new.mdb a segment that follows `previous`, whole and synced. LMDB codes and errno values. */
static int make_segment_file(struct log *log, const struct baophu_place *previous)
{
	static const uint8_t mark_key[LOG_KEY_BYTES];
	uint8_t mark[LOG_MARK_BYTES];
	MDB_env *env = NULL;
	MDB_txn *txn;
	MDB_dbi dbi;
	int fd = -1;

	log_mark_encode(previous->seq + 1, previous, mark);
	char *path = join_path(log->path, new_name);
	if (!path)
		return ENOMEM;
	unlinkat(log->directory, new_name, 0);
	int rc = open_env(path, MDB_NOLOCK, 1 << 20, 1 << 20, NULL, &env);
	if (rc)
		goto out;
	rc = mdb_txn_begin(env, NULL, 0, &txn);
	if (rc)
		goto out;
	MDB_val key = { LOG_KEY_BYTES, (void *)mark_key }, value = { LOG_MARK_BYTES, mark };
	rc = mdb_dbi_open(txn, NULL, 0, &dbi);
	if (!rc)
		rc = mdb_put(txn, dbi, &key, &value, MDB_APPEND);
	if (rc) {
		mdb_txn_abort(txn);
		goto out;
	}
	rc = mdb_txn_commit(txn);
	if (rc)
		goto out;
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0) {
		rc = errno;
		goto out;
	}
	if (log->prewrite_bytes)
		rc = -log_prewrite_extend(fd, log->prewrite_bytes < first_piece_bytes ? log->prewrite_bytes : first_piece_bytes);
	if (!rc && fsync(fd) < 0)
		rc = errno;
out:
	if (fd >= 0)
		close(fd);
	if (env)
		mdb_env_close(env);
	if (rc) /* a full disk needs the room */
		unlinkat(log->directory, new_name, 0);
	free(path);
	return rc;
}

static int add_segment(struct log *log, struct segment *segment)
{
	int rc = 0;
	pthread_mutex_lock(&log->lock);
	struct segment **grown = realloc(log->segments, (log->segment_count + 1) * sizeof *grown);
	if (grown) {
		grown[log->segment_count++] = segment;
		log->segments = grown;
	} else {
		rc = -ENOMEM;
	}
	pthread_mutex_unlock(&log->lock);
	return rc;
}

/* Begins a new segment after the head. LMDB codes and errno values. */
static int roll(struct log *log)
{
	struct segment *segment = NULL;
	int rc = make_segment_file(log, &log->head);
	if (!rc)
		rc = -segment_create(log, log->head.seq + 1, &log->head, &segment);
	if (!rc && renameat(log->directory, new_name, log->directory, segment->name) < 0)
		rc = errno;
	if (rc) {
		segment_destroy(segment);
		return rc;
	}
	/* Once it has its name nothing more may be appended before it, or the two would overlap: from here a failure is for
	 * good. */
	unlink_lock(log, segment->name); /* of a file of that name that is gone */
	if (fsync(log->directory) < 0)
		rc = errno;
	if (!rc)
		rc = open_newest(log, segment);
	if (!rc)
		rc = -add_segment(log, segment);
	if (rc) {
		segment_destroy(segment);
		log->failed = -EIO;
		return rc;
	}
	adopt_newest(log, segment);
	return 0;
}

/* ---- opening ---- */

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
	if (mkdir(log->path, 0700) < 0 && errno != EEXIST)
		return refuse(-errno, ret_why, "%s: cannot be created: %s", log->path, strerror(errno));
	log->directory = open(log->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs status;
	if (log->directory < 0 || fstatfs(log->directory, &status) < 0)
		return refuse(-errno, ret_why, "%s: cannot be opened: %s", log->path, strerror(errno));
	if (is_network(&status))
		return refuse(-EOPNOTSUPP, ret_why, "%s: is on a network file system; put the data directory on a local disk",
			      log->path);
	/* Reach the directory's own entry too, should it be new. */
	int parent = openat(log->directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent >= 0) {
		fsync(parent);
		close(parent);
	}
	log->witness_fd = log_witness_open(log->directory, witness_name);
	if (log->witness_fd < 0)
		return refuse(log->witness_fd, ret_why, "%s/%s: cannot be opened: %s", log->path, witness_name,
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

/* Looks at every segment's skeleton, and that each begins where the one before it ends. *ret_last is the newest's. */
static int check_segments(struct log *log, const uint64_t *first_seqs, size_t count, struct log_segment_facts *ret_last,
			  const char **ret_why)
{
	struct baophu_place end = { 0 };
	for (size_t i = 0; i < count; i++) {
		char name[NAME_BYTES], why[256];
		name_segment(first_seqs[i], name);
		if (first_seqs[i] != end.seq + 1)
			return refuse(-BAOPHU_EDAMAGED, ret_why,
				      "%s: the segment that begins at seq %" PRIu64
				      " is missing (the next one is %s); restore it from a backup",
				      log->path, end.seq + 1, name);
		int rc = log_check_segment(log->directory, name, first_seqs[i], ret_last, why, sizeof why);
		if (rc == -BAOPHU_EFORMAT)
			return refuse(rc, ret_why, "%s/%s: %s; install the version that wrote it or a later one", log->path, name,
				      why);
		if (rc)
			return refuse(rc, ret_why, "%s/%s: %s; restore it from a backup", log->path, name, why);
		if (memcmp(ret_last->previous.digest, end.digest, BAOPHU_DIGEST_BYTES) != 0)
			return refuse(-BAOPHU_EDAMAGED, ret_why,
				      "%s/%s: does not follow from seq %" PRIu64
				      " of the segment before it; restore both from one backup",
				      log->path, name, end.seq);
		end = ret_last->end;
		struct segment *segment = NULL;
		rc = segment_create(log, first_seqs[i], &ret_last->previous, &segment);
		if (!rc && (rc = add_segment(log, segment)))
			segment_destroy(segment);
		if (rc)
			return refuse(rc, ret_why, "%s: %s", log->path, strerror(-rc));
		segment->sealed_bytes = ret_last->used_bytes;
		if (i + 1 < count)
			unlink_lock(log, name);
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
	char name[NAME_BYTES] = "";
	if (rc && reader->segment)
		snprintf(name, sizeof name, "%s", reader->segment->name);
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

static int check_witness(struct log *log, const struct log_segment_facts *last, const char **ret_why)
{
	struct log_witness witness;
	bool is_known = log_witness_read(log->witness_fd, &witness);
	if (is_known && witness.place.seq > log->head.seq)
		return refuse(
		    -BAOPHU_EDAMAGED, ret_why,
		    "%s: the log ends at seq %" PRIu64 ", but %" PRIu64
		    " was committed: it was damaged or put back to an older state; "
		    "restore a newer backup, or remove %s/%s to go on from there and let the agents send again what they hold",
		    log->path, log->head.seq, witness.place.seq, log->path, witness_name);
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
				      log->path, witness.place.seq, witness_name);
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
	int rc = list_segments(log, &first_seqs, &count);
	if (rc)
		return refuse(rc, ret_why, "%s: cannot be listed: %s", log->path, strerror(-rc));
	rc = check_segments(log, first_seqs, count, &last, ret_why);
	free(first_seqs);
	if (rc)
		return rc;
	unlinkat(log->directory, new_name, 0);
	if (count == 0) {
		rc = check_witness(log, &last, ret_why); /* only an empty witness goes with an empty log */
		if (rc)
			return rc;
		rc = roll(log);
		return rc ? refuse(classify(log, rc), ret_why, "%s: cannot begin a log: %s", log->path, mdb_strerror(rc)) : 0;
	}
	rc = open_newest(log, log->segments[count - 1]);
	if (rc)
		return refuse(status_of(rc), ret_why, "%s: cannot be opened: %s", log->segments[count - 1]->path, mdb_strerror(rc));
	adopt_newest(log, log->segments[count - 1]);
	rc = check_tail(log, ret_why);
	return rc ? rc : check_witness(log, &last, ret_why);
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
	log->segment_bytes = config->segment_bytes ? config->segment_bytes : segment_bytes_default;
	log->prewrite_bytes = config->prewrite_bytes ? config->prewrite_bytes : prewrite_bytes_default;
	if (log->prewrite_bytes < PREWRITE_NONE_BELOW)
		log->prewrite_bytes = 0;
	log->path = strdup(config->directory);
	int rc = log->path ? open_directory(log, ret_why) : refuse(-ENOMEM, ret_why, "%s", strerror(ENOMEM));
	if (!rc)
		rc = open_segments(log, ret_why);
	/* Last, so that a refused log was not written to. */
	if (!rc && log->prewrite_bytes) {
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
		segment_destroy(log->segments[i]);
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

struct baophu_place log_head(const struct log *log)
{
	/* The lock is not part of what the log says. */
	pthread_mutex_t *lock = (pthread_mutex_t *)&log->lock;
	pthread_mutex_lock(lock);
	struct baophu_place head = log->head;
	pthread_mutex_unlock(lock);
	return head;
}

/* ---- appending ---- */

int64_t log_room_bytes(const struct log *log)
{
	struct statvfs status;
	if (fstatvfs(log->directory, &status) < 0)
		return 0;
	uint64_t total = (uint64_t)status.f_blocks * status.f_frsize, free_bytes = (uint64_t)status.f_bavail * status.f_frsize;
	uint64_t reserve = total / 20 > reserve_bytes_min ? total / 20 : reserve_bytes_min;
	return (int64_t)free_bytes - (int64_t)reserve;
}

static int fail(struct log *log, int error)
{
	log->txn_error = error;
	if (error != -BAOPHU_EFULL)
		log->failed = error;
	return error;
}

int log_begin(struct log *log)
{
	assert(!log->txn);
	log->txn_error = log->failed;
	log->txn_bytes = 0;
	log->tail = log->head;
	if (log->failed)
		return log->failed;
	bool has_records = log->head.seq >= log->newest->first_seq;
	int rc = 0;
	if (has_records && (log->must_roll || log->used_bytes >= log->segment_bytes))
		rc = roll(log);
	if (!rc)
		rc = mdb_txn_begin(log->newest->env, NULL, 0, &log->txn);
	if (rc) {
		log->txn = NULL;
		return fail(log, log->failed ? log->failed : classify(log, rc));
	}
	return 0;
}

int log_append(struct log *log, const void *record, size_t bytes)
{
	if (log->txn_error)
		return log->txn_error;
	assert(log->txn);
	struct record_header header;
	int rc = record_read_header(record, bytes, &header);
	if (rc || header.place.seq != log->tail.seq + 1 || bytes != RECORD_HEADER_BYTES + (size_t)header.body_bytes)
		return fail(log, rc ? rc : -EINVAL);
	uint64_t key_bytes = htobe64(header.place.seq);
	MDB_val key = { sizeof key_bytes, &key_bytes }, value = { bytes, (void *)record };
	log->txn_bytes += bytes;
	rc = mdb_put(log->txn, log->newest->dbi, &key, &value, MDB_APPEND);
	if (rc)
		return fail(log, classify(log, rc));
	log->tail = header.place;
	return 0;
}

/* After a failed write of a header page LMDB refuses all further work, and what the disk holds is unknown. */
static bool is_poisoned(const struct log *log)
{
	MDB_txn *probe;
	if (mdb_txn_begin(log->newest->env, NULL, 0, &probe))
		return true;
	mdb_txn_abort(probe);
	return false;
}

static void bear_witness(struct log *log, uint64_t transaction)
{
	struct log_witness witness = { .place = log->tail, .first_seq = log->newest->first_seq };
	uint8_t meta[LOG_META_BYTES];
	mdb_filehandle_t fd;
	if (mdb_env_get_fd(log->newest->env, &fd) ||
	    pread(fd, meta, sizeof meta, (off_t)(transaction & 1) * log->page_bytes) != (ssize_t)sizeof meta)
		return;
	log_witness_digest_meta(meta, witness.meta_digest);
	log_witness_write(log->witness_fd, log->witness_turn++, &witness);
}

int log_commit(struct log *log)
{
	if (log->txn_error) {
		int error = log->txn_error;
		log_abort(log);
		return error;
	}
	assert(log->txn);
	if (log->tail.seq == log->head.seq) {
		log_abort(log);
		return 0;
	}
	int rc = mdb_txn_commit(log->txn);
	log->txn = NULL; /* LMDB frees it whether or not it succeeds */
	if (rc) {
		int error = classify(log, rc);
		if (error == -BAOPHU_EFULL && is_poisoned(log))
			error = -EIO;
		return fail(log, error);
	}
	MDB_envinfo info;
	mdb_env_info(log->newest->env, &info);
	log->used_bytes = (info.me_last_pgno + 1) * log->page_bytes;
	bear_witness(log, info.me_last_txnid);
	pthread_mutex_lock(&log->lock);
	log->head = log->tail;
	pthread_mutex_unlock(&log->lock);
	if (log->prewrite)
		log_prewrite_used(log->prewrite, log->used_bytes);
	return 0;
}

void log_abort(struct log *log)
{
	if (log->txn)
		mdb_txn_abort(log->txn);
	log->txn = NULL;
	log->txn_error = 0;
}

/* ---- reading ---- */

int log_reader_open(struct log *log, struct log_reader **ret_reader)
{
	struct log_reader *reader = calloc(1, sizeof *reader);
	if (!reader)
		return -ENOMEM;
	reader->log = log;
	*ret_reader = reader;
	return 0;
}

static void reader_leave_segment(struct log_reader *reader)
{
	if (reader->cursor)
		mdb_cursor_close(reader->cursor);
	if (reader->txn)
		mdb_txn_abort(reader->txn);
	reader->cursor = NULL;
	reader->txn = NULL;
	reader->segment = NULL;
	reader->is_live = false;
	reader->cursor_seq = 0;
}

void log_reader_close(struct log_reader *reader)
{
	if (!reader)
		return;
	reader_leave_segment(reader);
	free(reader);
}

void log_reader_release(struct log_reader *reader)
{
	if (reader->is_live)
		mdb_txn_reset(reader->txn);
	reader->is_live = false;
	reader->cursor_seq = 0;
}

/* The segment that holds `seq`, opened. */
static int find_segment(struct log *log, uint64_t seq, struct segment **ret_segment)
{
	pthread_mutex_lock(&log->lock);
	size_t low = 0, high = log->segment_count;
	while (high - low > 1) {
		size_t middle = (low + high) / 2;
		if (log->segments[middle]->first_seq <= seq)
			low = middle;
		else
			high = middle;
	}
	struct segment *segment = log->segments[low];
	int rc = segment->env ? 0 : open_sealed(segment);
	pthread_mutex_unlock(&log->lock);
	*ret_segment = segment;
	return rc;
}

/* A snapshot of the reader's segment that is not older than now. */
static int reader_renew(struct log_reader *reader)
{
	log_reader_release(reader);
	int rc;
	if (!reader->txn) {
		rc = mdb_txn_begin(reader->segment->env, NULL, MDB_RDONLY, &reader->txn);
		if (!rc && (rc = mdb_cursor_open(reader->txn, reader->segment->dbi, &reader->cursor)))
			reader->cursor = NULL;
	} else {
		rc = mdb_txn_renew(reader->txn);
		if (!rc)
			rc = mdb_cursor_renew(reader->txn, reader->cursor);
	}
	reader->is_live = rc == 0;
	return rc;
}

/* Looks `seq` up in the snapshot at hand: the next record, if it is that, else by key. MDB_NOTFOUND. */
static int reader_look_up(struct log_reader *reader, uint64_t seq, MDB_val *ret_value)
{
	uint64_t wanted = htobe64(seq);
	MDB_val key = { sizeof wanted, &wanted };
	bool is_next = reader->cursor_seq && seq == reader->cursor_seq + 1;
	int rc = mdb_cursor_get(reader->cursor, &key, ret_value, is_next ? MDB_NEXT : MDB_SET_KEY);
	reader->cursor_seq = rc ? 0 : seq;
	if (!rc && (key.mv_size != sizeof wanted || memcmp(key.mv_data, &wanted, sizeof wanted) != 0)) {
		reader->cursor_seq = 0;
		rc = MDB_CORRUPTED; /* keys are dense: the next one is the next seq */
	}
	return rc;
}

/* The record of a seq that is known to be committed, with its header checked. */
static int reader_fetch(struct log_reader *reader, uint64_t seq, const void **ret_record, size_t *ret_bytes,
			struct record_header *ret_header)
{
	MDB_val value;
	int rc = MDB_NOTFOUND;
	if (reader->is_live && seq >= reader->segment->first_seq)
		rc = reader_look_up(reader, seq, &value);
	if (rc == MDB_NOTFOUND) {
		/* Not in the snapshot: it is in another segment, or newer than the snapshot. */
		struct segment *segment;
		rc = find_segment(reader->log, seq, &segment);
		if (!rc && segment != reader->segment) {
			reader_leave_segment(reader);
			reader->segment = segment;
		}
		if (!rc)
			rc = reader_renew(reader);
		if (!rc)
			rc = reader_look_up(reader, seq, &value);
	}
	if (rc == MDB_NOTFOUND)
		return -BAOPHU_EDAMAGED; /* it was committed */
	if (rc)
		return status_of(rc);
	/* The length comes from the file: believe it only when the header says the same. */
	if (value.mv_size < RECORD_HEADER_BYTES || value.mv_size > RECORD_BYTES_MAX)
		return -BAOPHU_EDAMAGED;
	rc = record_read_header(value.mv_data, value.mv_size, ret_header);
	if (rc)
		return rc;
	if (ret_header->place.seq != seq || value.mv_size != RECORD_HEADER_BYTES + (size_t)ret_header->body_bytes)
		return -BAOPHU_EDAMAGED;
	*ret_record = value.mv_data;
	*ret_bytes = value.mv_size;
	return 0;
}

/* The place of a seq from 0 up to the head, without looking at the chain. */
static int reader_place(struct log_reader *reader, uint64_t seq, struct baophu_place *ret_place)
{
	const void *record;
	size_t bytes;
	struct record_header header = { .place = { 0 } };
	if (seq && seq == reader->known.seq) {
		*ret_place = reader->known;
		return 0;
	}
	int rc = seq ? reader_fetch(reader, seq, &record, &bytes, &header) : 0;
	if (!rc)
		*ret_place = header.place;
	return rc;
}

static bool is_committed(struct log_reader *reader, uint64_t seq)
{
	if (seq > reader->head.seq)
		reader->head = log_head(reader->log);
	return seq <= reader->head.seq;
}

int log_read(struct log_reader *reader, uint64_t seq, bool verify, const void **ret_record, size_t *ret_bytes)
{
	struct baophu_place before;
	struct record_header header;
	const void *record;
	size_t bytes;
	if (seq == 0 || !is_committed(reader, seq))
		return -BAOPHU_ENOTFOUND;
	int rc = verify ? reader_place(reader, seq - 1, &before) : 0;
	if (!rc)
		rc = reader_fetch(reader, seq, &record, &bytes, &header);
	if (!rc && verify && !record_verify(record, bytes, before.digest))
		rc = -BAOPHU_EDAMAGED;
	if (rc) {
		reader->known.seq = 0;
		return rc;
	}
	reader->known = header.place;
	*ret_record = record;
	*ret_bytes = bytes;
	return 0;
}

int log_place(struct log_reader *reader, uint64_t seq, struct baophu_place *ret_place)
{
	if (!is_committed(reader, seq))
		return -BAOPHU_ENOTFOUND;
	return reader_place(reader, seq, ret_place);
}
