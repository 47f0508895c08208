/* daemon.c - start and end: the directory, the files, the state, the sockets. See daemon.h.
 *
 * The order is its own reason: the lock before any file is opened, the log before the history that must be contained in it, the whole
 * state before START, START before anybody can connect.
 */
#include "daemon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "catalogue.h"

#define LOG_DIRECTORY "log"
enum {
	RECORDS_A_SIGN = 1 << 16, /* of life, while a long log is folded at start */
	EVENTS_WAITING_MAX = 1 << 16,
};

int64_t daemon_wall_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

int64_t daemon_monotonic_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

void daemon_fail(struct daemon *d, enum daemon_exit exit)
{
	int expected = DAEMON_OK;
	atomic_compare_exchange_strong(&d->failure, &expected, exit);
	uint64_t one = 1;
	if (write(d->wake_fd, &one, sizeof one) < 0)
		return; /* the counter is full: the collector has been told already */
}

static enum daemon_exit exit_of(int error)
{
	switch (error) {
	case 0:
		return DAEMON_OK;
	case -BAOPHU_EDAMAGED:
	case -BAOPHU_EGAP:
		return DAEMON_DAMAGED;
	case -BAOPHU_EINUSE:
		return DAEMON_IN_USE;
	case -BAOPHU_EFORMAT:
		return DAEMON_CONFIG;
	default:
		return DAEMON_INTERNAL;
	}
}

static enum daemon_exit lock_directory(struct daemon *d)
{
	const char *directory = d->config.data_dir;
	char path[CONFIG_TEXT_BYTES + 16];
	snprintf(path, sizeof path, "%s/daemon.lock", directory);
	if (mkdir(directory, 0700) && errno != EEXIST) {
		notice(&d->notices, NOTICE_ERROR, NULL,
		       "data directory %s cannot be made: %s; make it, or name another with --data-dir", directory,
		       strerror(errno));
		return DAEMON_CONFIG;
	}
	d->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (d->lock_fd < 0) {
		notice(&d->notices, NOTICE_ERROR, NULL,
		       "%s cannot be opened: %s; the directory must belong to whoever runs baophud", path, strerror(errno));
		return DAEMON_CONFIG;
	}
	if (flock(d->lock_fd, LOCK_EX | LOCK_NB)) {
		notice(&d->notices, NOTICE_ERROR, NULL,
		       "data directory %s is in use by another baophud; stop that one first, or name another with --data-dir",
		       directory);
		return DAEMON_IN_USE;
	}
	return DAEMON_OK;
}

/* A directory that was not mounted, or a log that somebody moved, looks like a new centre; a history beside it says that it is not. */
static bool log_is_missing(const struct daemon *d, const char *log_path)
{
	char history[CONFIG_TEXT_BYTES + 16];
	snprintf(history, sizeof history, "%s/history.mdb", d->config.data_dir);
	if (access(history, F_OK))
		return false;
	bool has_segment = false;
	DIR *directory = opendir(log_path);
	for (const struct dirent *entry; directory && (entry = readdir(directory));)
		has_segment |= strstr(entry->d_name, ".mdb") != NULL;
	if (directory)
		closedir(directory);
	return !has_segment;
}

static enum daemon_exit open_files(struct daemon *d)
{
	char path[CONFIG_TEXT_BYTES + 16];
	snprintf(path, sizeof path, "%s/" LOG_DIRECTORY, d->config.data_dir);
	const char *why = "";
	struct log_config log_config = { .directory = path,
					 .segment_bytes = d->config.segment_bytes,
					 .prewrite_bytes = d->config.prewrite_bytes };
	if (log_is_missing(d, path)) {
		notice(&d->notices, NOTICE_ERROR, NULL,
		       "there is no log in %s, yet a history.mdb beside it: the log was moved or is not mounted. Bring it back; "
		       "or, to "
		       "begin a new centre, name an empty --data-dir. Nothing was changed",
		       path);
		return DAEMON_DAMAGED;
	}
	int error = log_open(&log_config, &d->log, &why);
	if (error) {
		notice(&d->notices, NOTICE_ERROR, NULL, "log in %s cannot be used: %s (%s); nothing was changed", path,
		       baophu_strerror(error), why ? why : "");
		return exit_of(error);
	}
	why = NULL;
	error = follower_open_history(d->log, d->config.data_dir, &d->history, &why);
	if (error) {
		notice(&d->notices, NOTICE_ERROR, NULL, "history in %s cannot be opened: %s (%s)", d->config.data_dir,
		       baophu_strerror(error), why ? why : "");
		return exit_of(error);
	}
	if (why)
		notice(&d->notices, NOTICE_WARNING, NULL, "history begins anew, from the log: %s", why);
	return DAEMON_OK;
}

static int load_history(struct daemon *d)
{
	struct history_reader *reader = NULL;
	d->state.registry.agents.epochs_max = (uint32_t)d->config.epochs_max;
	if (!history_place(d->history).seq)
		return 0;
	int error = history_reader_open(d->history, &reader);
	if (!error)
		error = history_load(reader, &d->state);
	history_reader_close(reader);
	return error;
}

/* An epoch that was forgotten while the state was loaded has written nothing since; what freezes it says nothing of its numbers. */
static int recall_frozen(struct daemon *d, const void *record, size_t bytes)
{
	struct agents *agents = &d->state.registry.agents;
	struct history_reader *reader;
	struct record_header header;
	struct record_cursor cursor;
	struct entry entry;
	struct baophu_place place;
	int error = record_open(record, bytes, &header, &cursor);
	if (error || header.kind != RECORD_FREEZE || record_next(&cursor, &entry) != 1 || entry.kind != ENTRY_FREEZE ||
	    agents_epoch(agents, entry.epoch.agent, entry.epoch.epoch))
		return error;
	error = history_reader_open(d->history, &reader);
	if (error)
		return error;
	uint64_t number = 0;
	error = history_begin(reader, &place);
	if (!error)
		error = history_number(reader, entry.epoch.agent, entry.epoch.epoch, &number);
	history_end(reader);
	history_reader_close(reader);
	return error && error != -BAOPHU_ENOTFOUND ? error
						   : agents_recall(agents, entry.epoch.agent, entry.epoch.epoch, number + 1);
}

/* Events made on the way wait for the follower; when the whole log is folded again they are too many for that. On a full disk they wait
 * all the same. */
static int put_events(struct daemon *d)
{
	struct vec *made = &d->state.events.made;
	if (made->count < EVENTS_WAITING_MAX)
		return 0;
	int error = history_put_events(d->history, made->data, made->count, &d->state.place);
	if (!error)
		made->count = 0;
	return error == -BAOPHU_EFULL ? 0 : error;
}

/* The state as history knows it, then the rest of the log. A history that cannot be read costs only time. */
static int load_state(struct daemon *d, uint64_t *ret_from)
{
	struct log_reader *log = NULL;
	int error = load_history(d);
	if (error == -BAOPHU_EDAMAGED) {
		notice(&d->notices, NOTICE_WARNING, NULL, "history.mdb in %s is damaged: it begins anew, from the log",
		       d->config.data_dir);
		const char *why;
		history_close(d->history);
		d->history = NULL;
		fold_finish(&d->state);
		error = history_discard(d->config.data_dir);
		if (!error)
			error = follower_open_history(d->log, d->config.data_dir, &d->history, &why);
		if (!error)
			error = fold_init(&d->state);
	}
	*ret_from = d->state.place.seq;
	if (!error)
		error = log_reader_open(d->log, &log);
	uint64_t head = log_head(d->log).seq;
	for (uint64_t seq = d->state.place.seq + 1; !error && seq <= head; seq++) {
		const void *record;
		size_t bytes;
		if (seq % RECORDS_A_SIGN == 0)
			sd_notify(0, "EXTEND_TIMEOUT_USEC=60000000\nSTATUS=folding the log");
		error = log_read(log, seq, true, &record, &bytes);
		if (!error)
			error = recall_frozen(d, record, bytes);
		if (!error)
			error = fold_record(&d->state, record, bytes);
		if (!error)
			error = put_events(d);
		if (error)
			notice(&d->notices, NOTICE_ERROR, NULL,
			       "log record %llu in %s/" LOG_DIRECTORY " cannot be folded: %s; nothing was changed. "
			       "Put a verified backup in its place",
			       (unsigned long long)seq, d->config.data_dir, baophu_strerror(error));
	}
	struct record_header header = { .time_ms = 0 };
	if (!error && head) {
		const void *record;
		size_t bytes;
		error = log_read(log, head, false, &record, &bytes);
		if (!error)
			error = record_read_header(record, bytes, &header);
	}
	day_watch_init(&d->day_watch, header.time_ms, daemon_wall_ms(), daemon_monotonic_us() / 1000);
	if (!error)
		error = fold_settle(&d->state);
	log_reader_close(log);
	return error;
}

/* One record of the system in a commit of its own: `add` writes its entries. */
static int append_record(struct daemon *d, enum record_kind kind, void (*add)(struct daemon *daemon, struct record_writer *writer))
{
	enum { SYSTEM_RECORD_BYTES = 256 << 10 };
	uint8_t *buffer = malloc(SYSTEM_RECORD_BYTES);
	if (!buffer)
		return -ENOMEM;
	bool is_held;
	struct record_writer writer;
	struct record_header header = { .kind = kind,
					.rules = RECORD_RULES,
					.entry = UINT32_MAX,
					.time_ms = day_time_ms(&d->day_watch, daemon_wall_ms(), daemon_monotonic_us() / 1000,
							       &is_held) };
	record_begin(&writer, buffer, SYSTEM_RECORD_BYTES);
	add(d, &writer);
	ssize_t bytes = record_seal(&writer, &header, &d->state.place);
	int error = bytes < 0 ? (int)bytes : log_begin(d->log);
	if (!error) {
		log_append(d->log, buffer, (size_t)bytes);
		error = log_commit(d->log);
	}
	if (!error) {
		pthread_rwlock_wrlock(&d->state_lock);
		error = fold_record(&d->state, buffer, (size_t)bytes);
		if (!error)
			error = fold_settle(&d->state);
		pthread_rwlock_unlock(&d->state_lock);
	}
	free(buffer);
	return error;
}

static void add_boot(struct daemon *d, struct record_writer *writer)
{
	(void)d;
	struct timespec since_boot;
	clock_gettime(CLOCK_BOOTTIME, &since_boot);
	struct entry entry = { .kind = ENTRY_BOOT,
			       .boot = { .wall_ms = daemon_wall_ms(),
					 .version = BAOPHU_VERSION,
					 .monotonic_ms = since_boot.tv_sec * INT64_C(1000) + since_boot.tv_nsec / 1000000 } };
	if (getrandom(entry.boot.boot_id, sizeof entry.boot.boot_id, 0) != sizeof entry.boot.boot_id)
		writer->error = -EIO;
	record_add(writer, &entry);
}

static void add_catalogue(struct daemon *d, struct record_writer *writer)
{
	(void)d;
	catalogue_write(writer);
}

static void add_lines(struct daemon *d, struct record_writer *writer)
{
	(void)d;
	catalogue_write_lines(writer);
}

static void add_day(struct daemon *d, struct record_writer *writer)
{
	bool is_held;
	int64_t now_ms = day_time_ms(&d->day_watch, daemon_wall_ms(), daemon_monotonic_us() / 1000, &is_held);
	record_add(writer, &(struct entry){ .kind = ENTRY_DAY, .day = { .day = baophu_date_at_ms(now_ms) } });
}

void daemon_add_checkpoint(struct daemon *d, struct record_writer *writer)
{
	record_add(writer, &(struct entry){ .kind = ENTRY_CHECKPOINT,
					    .checkpoint = { .state_digest = fold_digest(&d->state),
							    .facts = d->state.facts.fact_count,
							    .units = units_count(&d->state.registry.units) } });
}

/* START is the first record of a new log too: its random boot id makes the digest there, and so the store's identity, unlike any other. */
static int write_start(struct daemon *d)
{
	int error = append_record(d, RECORD_START, add_boot);
	if (!error && !agents_count(&d->state.registry.agents))
		error = append_record(d, RECORD_CATALOGUE, add_catalogue);
	if (!error && !d->state.registry.lines.all.count) /* begun by a version that watched none */
		error = append_record(d, RECORD_CATALOGUE, add_lines);
	if (!error && d->state.registry.day == BAOPHU_DATE_NONE)
		error = append_record(d, RECORD_DAY, add_day);
	struct log_reader *reader = NULL;
	struct baophu_place first;
	if (!error)
		error = log_reader_open(d->log, &reader);
	if (!error)
		error = log_place(reader, 1, &first);
	if (!error)
		memcpy(d->store, first.digest, sizeof d->store);
	log_reader_close(reader);
	return error;
}

void daemon_part_failed(void *context, enum follower_part part, int error, uint64_t seq)
{
	struct daemon *d = context;
	/* Else it could not be read: no memory, no descriptors, a disk that fails. */
	bool is_damaged = exit_of(error) != DAEMON_INTERNAL;
	const char *what = is_damaged ? "cannot be trusted" : "cannot be read";
	if (part == FOLLOWER_LOG) {
		notice(&d->notices, NOTICE_ALERT, "log", "log record %llu in %s/" LOG_DIRECTORY " %s: %s; serving stops%s",
		       (unsigned long long)seq, d->config.data_dir, what, baophu_strerror(error),
		       is_damaged ? ". Put a verified backup in its place" : "");
		daemon_fail(d, exit_of(error));
		return;
	}
	/* Nothing is lost with the history: it is the log that counts. */
	if (error != -ENOMEM)
		atomic_store(&d->history_is_bad, true);
	notice(&d->notices, NOTICE_ALERT, "history", "history.mdb in %s %s near record %llu: %s; %s", d->config.data_dir, what,
	       (unsigned long long)seq, baophu_strerror(error),
	       error == -ENOMEM ? "serving stops" : "serving stops, it is rebuilt from the log at the next start");
	daemon_fail(d, DAEMON_INTERNAL);
}

static enum daemon_exit write_endpoints(struct daemon *d)
{
	static const char *const names[] = { "ingest", "control", "publish", "query" };
	const char *path = d->config.endpoints_file;
	for (int name = 0; name < SOCKETS_COUNT; name++)
		notice(&d->notices, NOTICE_INFO, NULL, "%s at %s", names[name],
		       sockets_endpoint(d->sockets, (enum sockets_name)name));
	if (!*path)
		return DAEMON_OK;
	/* Written aside and renamed: whoever waits for the file reads all of it or nothing. */
	char aside[CONFIG_TEXT_BYTES + 8];
	snprintf(aside, sizeof aside, "%s.new", path);
	FILE *file = fopen(aside, "we");
	for (int name = 0; file && name < SOCKETS_COUNT; name++)
		fprintf(file, "%s=%s\n", names[name], sockets_endpoint(d->sockets, (enum sockets_name)name));
	if (!file || fclose(file) || rename(aside, path)) {
		notice(&d->notices, NOTICE_ERROR, NULL, "endpoints file %s cannot be written: %s", path, strerror(errno));
		return DAEMON_CONFIG;
	}
	return DAEMON_OK;
}

enum daemon_exit daemon_open(struct daemon *d)
{
	d->lock_fd = d->stop_fd = -1;
	d->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	d->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	stats_init(&d->stats);
	/* A page of a query may not hold up the fold for long: whoever wants to write goes next. */
	pthread_rwlockattr_t attributes;
	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&d->state_lock, &attributes);
	pthread_rwlockattr_destroy(&attributes);

	int error = fold_init(&d->state);
	if (error || d->wake_fd < 0 || d->stop_fd < 0) {
		notice(&d->notices, NOTICE_ERROR, NULL, "cannot start: %s", error ? baophu_strerror(error) : strerror(errno));
		return DAEMON_INTERNAL;
	}
	enum daemon_exit exit = lock_directory(d);
	if (!exit)
		exit = open_files(d);
	if (exit)
		return exit;

	int64_t begin_us = daemon_monotonic_us();
	uint64_t from = 0;
	d->started_ms = daemon_wall_ms();
	error = load_state(d, &from);
	uint64_t found = log_head(d->log).seq;
	if (error && from == d->state.place.seq)
		notice(&d->notices, NOTICE_ERROR, NULL,
		       "history in %s cannot be loaded: %s; delete history.mdb there, it is rebuilt from the log",
		       d->config.data_dir, baophu_strerror(error));
	if (!error) {
		error = write_start(d);
		if (error)
			notice(&d->notices, NOTICE_ERROR, NULL, "the start cannot be written to the log in %s: %s",
			       d->config.data_dir,
			       error == -BAOPHU_EFULL ? "the disk is full; make room and start again" : baophu_strerror(error));
	}
	if (error)
		return exit_of(error);
	notice(&d->notices, NOTICE_INFO, NULL, "%llu records, %llu of them folded again, %llu figures, %u units, in %lld ms",
	       (unsigned long long)found, (unsigned long long)(found - from), (unsigned long long)d->state.facts.fact_count,
	       units_count(&d->state.registry.units), (long long)((daemon_monotonic_us() - begin_us) / 1000));

	char why[CONFIG_TEXT_BYTES * 2];
	if (sockets_open(&d->config, &d->stats, &d->sockets, why, sizeof why)) {
		notice(&d->notices, NOTICE_ERROR, NULL, "%s", why);
		return DAEMON_CONFIG;
	}
	struct follower_config follower = { .log = d->log, .history = d->history, .failed = daemon_part_failed, .context = d };
	error = follower_start(&follower, &d->follower);
	if (!error)
		error = follower_offer(d->follower, d->state.events.made.data, d->state.events.made.count, d->state.place.seq);
	vec_finish(&d->state.events.made);
	if (error) {
		notice(&d->notices, NOTICE_ERROR, NULL, "the follower cannot start: %s", baophu_strerror(error));
		return DAEMON_INTERNAL;
	}
	return write_endpoints(d);
}

void daemon_close(struct daemon *d)
{
	follower_stop(d->follower);
	sockets_close(d->sockets);
	if (*d->config.endpoints_file && d->sockets)
		unlink(d->config.endpoints_file);
	history_close(d->history);
	if (atomic_load(&d->history_is_bad))
		history_discard(d->config.data_dir);
	log_close(d->log);
	fold_finish(&d->state);
	pthread_rwlock_destroy(&d->state_lock);
	if (d->lock_fd >= 0)
		close(d->lock_fd);
	if (d->wake_fd >= 0)
		close(d->wake_fd);
	if (d->stop_fd >= 0)
		close(d->stop_fd);
}
