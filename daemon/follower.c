/* follower.c - reads the log from history's place on and feeds history, with the events that the fold made of it; see follower.h.
 *
 * Does not decide, fold or publish. The clock is read for waiting only.
 *
 * When it writes. A commit here is megabytes that the collector's own flushes wait behind (measured: two thirds of the burst rate), so
 * records are gathered and sorted into history when the log has come to rest, when somebody waits for them (follower_wait, follower_hurry),
 * when the oldest has waited a while and there is little to write, or when so much has piled up that it must be. Once it must, it goes on
 * until it has caught up. Little at a time is not written more often than that while either: each flush here makes some receipts wait for
 * milliseconds, and at 1,000 updates a second four a second were a hundredth of the time.
 */
#include "follower.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	RETRY_MS = 1000,
	REST_US = 20000, /* no commit for so long: the log is at rest */
	SPACE_MS = 2000, /* between two commits of little; what there is waits no longer than this */
	LITTLE_BYTES = 1 << 20, /* of log */
	EVENTS_KEPT = 1 << 12, /* room for so many is kept when all are taken */
	LOOK_MS = 5, /* how often it is looked whether writing is due */
	SCRUB_RECORDS = 512, /* of one slice */
	SCRUB_BYTES = 1 << 20,
	BEHIND_BYTES_MAX = 192 << 20, /* of log beyond a full buffer: about six million facts */
	SCRUB_PAUSE_MS = 4, /* after a slice: about 200 MB/s, a fifth of one core */
};

struct follower {
	struct follower_config config;
	struct log_reader *reader;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work; /* the thread waits here */
	pthread_cond_t done; /* follower_wait waits here */
	/* under lock */
	bool stopping;
	uint64_t wanted_seq; /* highest that somebody waits for */
	struct follower_progress progress;
	struct vec offered; /* struct event: given, not yet taken by the thread */
	uint64_t offered_seq; /* everything up to here is folded */
	/* the thread's own */
	struct vec events; /* struct event: those before events_at are gathered */
	size_t events_at;
	uint64_t next_seq; /* to add */
	uint64_t gathered_records, gathered_bytes; /* since the last commit */
	int64_t gathered_us; /* when the first of them was */
	int64_t committed_us; /* when the last commit was */
	uint64_t moved_seq; /* newest head seen */
	int64_t moved_us; /* when */
	bool is_catching_up;
	uint64_t scrub_end;
};

static struct timespec after_ms(uint32_t timeout_ms)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += timeout_ms / 1000;
	at.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

static int64_t now_us(void)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

/* ---- which history belongs to this log ---- */

static int log_has(struct log_reader *reader, struct baophu_place place, bool *ret_has)
{
	struct baophu_place found;
	int error = log_place(reader, place.seq, &found);
	if (error && error != -BAOPHU_ENOTFOUND)
		return error;
	*ret_has = !error && !memcmp(found.digest, place.digest, BAOPHU_DIGEST_BYTES);
	return 0;
}

static int belongs(struct log *log, const struct history *history, bool *ret_belongs)
{
	struct log_reader *reader = NULL;
	int error = log_reader_open(log, &reader);
	if (error)
		return error;
	error = log_has(reader, history_place(history), ret_belongs);
	if (!error && *ret_belongs)
		error = log_has(reader, history_goal(history), ret_belongs);
	log_reader_close(reader);
	return error;
}

int follower_open_history(struct log *log, const char *directory, struct history **ret_history, const char **ret_why)
{
	struct history *history = NULL;
	const char *why = NULL;
	bool is_ours = false;
	int error = history_open(directory, &history, &why);
	if (!error) {
		error = belongs(log, history, &is_ours);
		if (!error && is_ours) {
			*ret_history = history;
			*ret_why = NULL;
			return 0;
		}
		history_close(history);
		if (error)
			return error;
		why = "history.mdb is of another history than the log";
	} else if (error != -BAOPHU_EDAMAGED && error != -BAOPHU_EFORMAT) {
		*ret_why = why;
		return error;
	}
	*ret_why = why;
	error = history_discard(directory);
	return error ? error : history_open(directory, ret_history, &why);
}

/* ---- the thread ---- */

static void fail(struct follower *follower, enum follower_part part, int error, uint64_t seq)
{
	pthread_mutex_lock(&follower->lock);
	follower->progress.error = error;
	pthread_cond_broadcast(&follower->done);
	pthread_mutex_unlock(&follower->lock);
	if (follower->config.failed)
		follower->config.failed(follower->config.context, part, error, seq);
}

static uint64_t offered_seq(struct follower *follower)
{
	pthread_mutex_lock(&follower->lock);
	uint64_t seq = follower->offered_seq;
	pthread_mutex_unlock(&follower->lock);
	return seq;
}

/* Takes over what was given. */
static int take_events(struct follower *follower, uint64_t *ret_seq)
{
	if (follower->events_at == follower->events.count)
		follower->events.count = follower->events_at = 0;
	pthread_mutex_lock(&follower->lock);
	size_t count = follower->offered.count;
	struct event *taken = count ? vec_grow(&follower->events, count, sizeof *taken) : NULL;
	if (taken) {
		memcpy(taken, follower->offered.data, count * sizeof *taken);
		follower->offered.count = 0;
		if (follower->offered.capacity > EVENTS_KEPT)
			vec_finish(&follower->offered);
	}
	*ret_seq = follower->offered_seq;
	follower->progress.events_waiting = follower->events.count - follower->events_at;
	pthread_mutex_unlock(&follower->lock);
	return count && !taken ? -ENOMEM : 0;
}

/* Those of the record that was added. */
static int gather_events(struct follower *follower, uint64_t seq)
{
	const struct event *events = follower->events.data;
	while (follower->events_at < follower->events.count && events[follower->events_at].seq < seq)
		follower->events_at++; /* history had them */
	size_t end = follower->events_at;
	while (end < follower->events.count && events[end].seq == seq)
		end++;
	int error = history_add_events(follower->config.history, events ? events + follower->events_at : NULL,
				       end - follower->events_at);
	follower->events_at = end;
	return error;
}

/* Adds records up to the newest that is folded, or a full buffer. */
static bool gather(struct follower *follower)
{
	struct history *history = follower->config.history;
	uint64_t head_seq = 0;
	int error = take_events(follower, &head_seq);
	if (error) {
		fail(follower, FOLLOWER_HISTORY, error, follower->next_seq);
		return false;
	}
	while (follower->next_seq <= head_seq && !history_is_full(history)) {
		const void *record;
		size_t bytes;
		error = log_read(follower->reader, follower->next_seq, true, &record, &bytes);
		if (error)
			break;
		error = history_add(history, record, bytes);
		if (!error)
			error = gather_events(follower, follower->next_seq);
		if (error)
			break;
		follower->next_seq++;
		follower->gathered_bytes += bytes;
		if (!follower->gathered_records++)
			follower->gathered_us = now_us();
	}
	log_reader_release(follower->reader);
	if (!error || error == -BAOPHU_EFULL)
		return true;
	fail(follower, error == -ENOMEM ? FOLLOWER_HISTORY : FOLLOWER_LOG, error, follower->next_seq);
	return false;
}

/* Whether what was gathered is to be written now. */
static bool is_due(struct follower *follower)
{
	uint64_t head_seq = offered_seq(follower);
	int64_t at_us = now_us();
	bool is_full = history_is_full(follower->config.history);
	if (head_seq != follower->moved_seq) {
		follower->moved_seq = head_seq;
		follower->moved_us = at_us;
	}
	uint64_t behind = head_seq -
			  (follower->next_seq - 1); /* records that are not gathered, and by the others' size their bytes */
	uint64_t behind_bytes = behind * (follower->gathered_bytes / (follower->gathered_records ? follower->gathered_records : 1));
	if (!is_full)
		follower->is_catching_up = false;
	else if (behind_bytes > BEHIND_BYTES_MAX)
		follower->is_catching_up = true;
	int64_t space_us = (int64_t)follower->config.space_ms * 1000;
	bool is_little = !is_full && follower->gathered_bytes < LITTLE_BYTES;
	bool is_at_rest = at_us - follower->moved_us >= REST_US;
	return follower->is_catching_up || (is_at_rest && !(is_little && at_us - follower->committed_us < space_us)) ||
	       (!is_full && follower->gathered_records && at_us - follower->gathered_us >= space_us);
}

/* A little later, or when somebody waits. True when somebody does, or it ends. */
static bool look_later(struct follower *follower)
{
	struct timespec end = after_ms(LOOK_MS);
	pthread_mutex_lock(&follower->lock);
	bool is_wanted;
	while (!(is_wanted = follower->stopping || follower->wanted_seq > follower->progress.seq) &&
	       pthread_cond_timedwait(&follower->work, &follower->lock, &end) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&follower->lock);
	return is_wanted;
}

static void wait_for_room(struct follower *follower)
{
	struct timespec end = after_ms(follower->config.retry_ms);
	pthread_mutex_lock(&follower->lock);
	while (!follower->stopping && pthread_cond_timedwait(&follower->work, &follower->lock, &end) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&follower->lock);
}

/* Indexes one batch. False: it cannot go on. */
static bool index_batch(struct follower *follower)
{
	struct history *history = follower->config.history;
	do
		if (!gather(follower))
			return false;
	while (!is_due(follower) && !look_later(follower));
	int error = history_commit(history);
	if (!error)
		follower->gathered_records = follower->gathered_bytes = 0;
	follower->committed_us = now_us();
	struct baophu_place place = history_place(history);
	if (error && error != -BAOPHU_EFULL) {
		fail(follower, FOLLOWER_HISTORY, error, place.seq);
		return false;
	}
	pthread_mutex_lock(&follower->lock);
	follower->progress.is_full = error;
	follower->progress.seq = place.seq;
	bool stopping = follower->stopping;
	pthread_cond_broadcast(&follower->done);
	pthread_mutex_unlock(&follower->lock);
	if (stopping)
		return true;
	if (error)
		wait_for_room(follower);
	return true;
}

static bool scrub_slice(struct follower *follower)
{
	uint64_t seq = follower->progress.scrubbed_seq;
	size_t bytes_read = 0;
	int error = 0;
	for (int i = 0; i < SCRUB_RECORDS && bytes_read < SCRUB_BYTES && seq < follower->scrub_end; i++) {
		const void *record;
		size_t bytes;
		error = log_read(follower->reader, seq + 1, true, &record, &bytes);
		if (error)
			break;
		bytes_read += bytes;
		seq++;
	}
	log_reader_release(follower->reader);
	pthread_mutex_lock(&follower->lock);
	follower->progress.scrubbed_seq = seq;
	follower->progress.is_scrubbed = seq == follower->scrub_end;
	pthread_mutex_unlock(&follower->lock);
	if (error)
		fail(follower, FOLLOWER_LOG, error, seq + 1);
	return !error;
}

/* Waits for something to do; true when stopping. */
static bool wait_for_work(struct follower *follower, bool *ret_has_records)
{
	pthread_mutex_lock(&follower->lock);
	struct timespec end = after_ms(SCRUB_PAUSE_MS);
	for (;;) {
		*ret_has_records = follower->offered_seq > follower->progress.seq;
		if (follower->stopping || *ret_has_records)
			break;
		if (follower->progress.is_scrubbed)
			pthread_cond_wait(&follower->work, &follower->lock);
		else if (pthread_cond_timedwait(&follower->work, &follower->lock, &end) == ETIMEDOUT)
			break;
	}
	bool stopping = follower->stopping;
	pthread_mutex_unlock(&follower->lock);
	return stopping;
}

static void *run(void *context)
{
	struct follower *follower = context;
	bool stopping = false, has_records, goes_on = true;
	while (!stopping && goes_on) {
		stopping = wait_for_work(follower, &has_records);
		if (has_records)
			goes_on = index_batch(follower);
		/* A busy log is scrubbed too, a slice for each batch. */
		if (goes_on && !stopping && !follower->progress.is_scrubbed)
			goes_on = scrub_slice(follower);
	}
	return NULL;
}

/* ---- what others call ---- */

static void destroy(struct follower *follower)
{
	log_reader_close(follower->reader);
	vec_finish(&follower->offered);
	vec_finish(&follower->events);
	pthread_cond_destroy(&follower->work);
	pthread_cond_destroy(&follower->done);
	pthread_mutex_destroy(&follower->lock);
	free(follower);
}

int follower_start(const struct follower_config *config, struct follower **ret_follower)
{
	struct follower *follower = calloc(1, sizeof *follower);
	if (!follower)
		return -ENOMEM;
	follower->config = *config;
	if (!follower->config.retry_ms)
		follower->config.retry_ms = RETRY_MS;
	if (!follower->config.space_ms)
		follower->config.space_ms = SPACE_MS;
	follower->committed_us = now_us() - (int64_t)follower->config.space_ms * 1000;
	follower->progress.seq = history_place(config->history).seq;
	follower->offered_seq = follower->progress.seq;
	follower->next_seq = follower->progress.seq + 1;
	follower->scrub_end = config->no_scrub ? 0 : log_head(config->log).seq;
	follower->progress.is_scrubbed = !follower->scrub_end;
	pthread_mutex_init(&follower->lock, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&follower->work, &monotonic);
	pthread_cond_init(&follower->done, &monotonic);
	pthread_condattr_destroy(&monotonic);
	int error = log_reader_open(config->log, &follower->reader);
	if (!error) {
		/* Signals are the main thread's. */
		sigset_t all, before;
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		error = -pthread_create(&follower->thread, NULL, run, follower);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	if (error) {
		destroy(follower);
		return error;
	}
	*ret_follower = follower;
	return 0;
}

void follower_stop(struct follower *follower)
{
	if (!follower)
		return;
	pthread_mutex_lock(&follower->lock);
	follower->stopping = true;
	pthread_cond_broadcast(&follower->work);
	pthread_mutex_unlock(&follower->lock);
	pthread_join(follower->thread, NULL);
	destroy(follower);
}

int follower_offer(struct follower *follower, const struct event *events, size_t count, uint64_t seq)
{
	pthread_mutex_lock(&follower->lock);
	struct event *offered = count ? vec_grow(&follower->offered, count, sizeof *offered) : NULL;
	bool is_taken = offered || !count;
	if (offered)
		memcpy(offered, events, count * sizeof *offered);
	if (is_taken) {
		follower->offered_seq = seq;
		follower->progress.events_waiting += count;
		pthread_cond_signal(&follower->work);
	}
	pthread_mutex_unlock(&follower->lock);
	return is_taken ? 0 : -ENOMEM;
}

/* Under the lock. */
static void want(struct follower *follower, uint64_t seq)
{
	uint64_t head_seq = log_head(follower->config.log).seq;
	if (seq > head_seq ? head_seq > follower->wanted_seq : seq > follower->wanted_seq) {
		follower->wanted_seq = seq < head_seq ? seq : head_seq; /* what is not in the log yet cannot be hurried */
		pthread_cond_signal(&follower->work);
	}
}

void follower_hurry(struct follower *follower, uint64_t seq)
{
	pthread_mutex_lock(&follower->lock);
	want(follower, seq);
	pthread_mutex_unlock(&follower->lock);
}

int follower_wait(struct follower *follower, uint64_t seq, uint32_t timeout_ms)
{
	struct timespec end = after_ms(timeout_ms);
	int error = 0;
	pthread_mutex_lock(&follower->lock);
	want(follower, seq);
	while (!error && follower->progress.seq < seq) {
		if (follower->progress.error)
			error = follower->progress.error;
		else if (pthread_cond_timedwait(&follower->done, &follower->lock, &end) == ETIMEDOUT)
			error = follower->progress.seq < seq ? -BAOPHU_ETIMEOUT : 0;
	}
	pthread_mutex_unlock(&follower->lock);
	return error;
}

struct follower_progress follower_progress(struct follower *follower)
{
	pthread_mutex_lock(&follower->lock);
	struct follower_progress progress = follower->progress;
	pthread_mutex_unlock(&follower->lock);
	return progress;
}
