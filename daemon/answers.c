/* answers.c - the query thread. See answers.h. */
#include "answers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "query.h"

enum { ROUND_MAX = 64 }; /* questions between two looks at whether to stop */

struct answers {
	struct daemon *daemon;
	struct query_engine *engine;
	pthread_t thread;
	uint8_t *buffer;
	struct wire_counter counters[STATS_LIST_MAX];
	char names[STATS_NAME_BYTES_ALL];
};

static void fill_status(void *context, struct wire_server_status *status)
{
	struct answers *answers = context;
	struct daemon *d = answers->daemon;
	memcpy(status->store, d->store, sizeof status->store);
	status->started_ms = d->started_ms;
	status->updates = stats_get(&d->stats, STATS_UPDATES);
	status->entries = stats_get(&d->stats, STATS_ENTRIES);
	status->counter_count = stats_list(&d->stats, answers->counters, STATS_LIST_MAX, answers->names, sizeof answers->names);
	status->counters = answers->counters;
	status->day_held = atomic_load(&d->stats.day_held);
	status->disk_full = atomic_load(&d->stats.disk_full);
	status->version = BAOPHU_VERSION;
}

static void failed(void *context, enum follower_part part, int error, uint64_t seq)
{
	daemon_part_failed(((struct answers *)context)->daemon, part, error, seq);
}

static void malformed(void *context, const char *why)
{
	struct answers *answers = context;
	stats_add(&answers->daemon->stats, STATS_QUERIES_MALFORMED, 1);
	notice(&answers->daemon->notices, NOTICE_WARNING, "query", "a question could not be read: %s", why);
}

/* Answers what waits; negative when the socket fails. */
static int answer_waiting(struct answers *answers)
{
	struct daemon *d = answers->daemon;
	struct sockets_message question;
	for (int i = 0; i < ROUND_MAX; i++) {
		int got = sockets_receive(d->sockets, SOCKETS_QUERY, &question);
		if (got <= 0)
			return got;
		stats_add(&d->stats, STATS_QUERIES, 1);
		ssize_t bytes = query_answer(answers->engine, question.bytes, question.size, answers->buffer,
					     QUERY_ANSWER_BYTES_MAX);
		struct sockets_peer peer = question.peer;
		sockets_release(&question);
		if (bytes > 0)
			sockets_send(d->sockets, SOCKETS_QUERY, peer, answers->buffer, (size_t)bytes);
	}
	return 0;
}

static void *run(void *context)
{
	struct answers *answers = context;
	struct daemon *d = answers->daemon;
	int ready = 0;
	while (!(ready & 1 << SOCKETS_COUNT)) {
		ready = sockets_wait(d->sockets, 1u << SOCKETS_QUERY, &d->stop_fd, 1, -1);
		int error = ready < 0 ? ready : answer_waiting(answers);
		if (error) {
			notice(&d->notices, NOTICE_ERROR, NULL, "the query socket failed: %s", strerror(-error));
			daemon_fail(d, DAEMON_INTERNAL);
			break;
		}
	}
	return NULL;
}

int answers_start(struct daemon *daemon, struct answers **ret_answers)
{
	struct answers *answers = calloc(1, sizeof *answers);
	if (!answers)
		return -ENOMEM;
	answers->daemon = daemon;
	answers->buffer = malloc(QUERY_ANSWER_BYTES_MAX);
	struct query_config config = { .log = daemon->log,
				       .history = daemon->history,
				       .follower = daemon->follower,
				       .state = &daemon->state,
				       .state_lock = &daemon->state_lock,
				       .fill_status = fill_status,
				       .malformed = malformed,
				       .failed = failed,
				       .context = answers };
	int error = answers->buffer ? query_open(&config, &answers->engine) : -ENOMEM;
	if (!error)
		error = -pthread_create(&answers->thread, NULL, run, answers);
	if (error) {
		query_close(answers->engine);
		free(answers->buffer);
		free(answers);
		return error;
	}
	*ret_answers = answers;
	return 0;
}

void answers_stop(struct answers *answers)
{
	if (!answers)
		return;
	uint64_t one = 1;
	if (write(answers->daemon->stop_fd, &one, sizeof one) == sizeof one)
		pthread_join(answers->thread, NULL);
	query_close(answers->engine);
	free(answers->buffer);
	free(answers);
}
