/* drive.c - see drive.h.
 *
 * All agents are DEALER sockets of one thread: try to receive, send what may go, and sleep only when there was nothing to do. It speaks the
 * protocol by the codec but not by the session module, whose bookkeeping (copies to send again, back-off) is not what is measured; it
 * does resend what was answered "not now". A subscriber is the real one, each on a thread of its own.
 */
#include "drive.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <zmq.h>

#include "figures.h"
#include "subscription.h"

enum {
	HELLO_MS = 30000,
	JOIN_MS = 60000,
	MESSAGES_A_TURN = 64, /* receipts taken from one agent before another has its turn */
	STUCK_SECS = 30,
	NOTIFY_GRACE_MS = 500, /* for the last cut to reach the subscribers */
};
#define SKIPPED_SHARE 0.1 /* of the run: latencies of its beginning are left out, as with the other systems */

struct slot {
	double due;
	uint32_t entries;
	uint32_t bytes;
	bool is_skipped;
	uint8_t *message;
};
struct agent {
	void *socket;
	int fd;
	char name[BAOPHU_CODE_BYTES_MAX + 1];
	uint64_t epoch, next, first; /* next to be sent; oldest unanswered */
	uint64_t made; /* next number that has no bytes yet */
	double resume; /* not before, after a "not now" */
	struct slot *slots; /* by number modulo window */
	struct share share;
	bool is_swept;
};

struct seen {
	uint64_t seq;
	double at;
};
struct seen_list {
	struct seen *items;
	size_t count, capacity;
};
struct watcher {
	pthread_t thread;
	struct target *target;
	struct subscription *subscription;
	atomic_bool is_joined, is_over;
	struct seen_list seen;
};

struct drive {
	struct target *target;
	const struct drive_config *config;
	struct drive_result *result;
	struct agent *agents;
	struct watcher *watchers;
	struct pollfd *polls;
	struct seen_list sent; /* seq of each receipt and when its update was due; with subscribers only */
	struct wire_arena arena;
	struct wire_entry *entries;
	uint32_t turn;
	uint64_t sent_updates, done_updates;
	size_t ack_capacity, message_bytes;
	double began, last;
	uint8_t payload[BAOPHU_MESSAGE_BYTES_MAX];
};

static void note(struct seen_list *list, uint64_t seq, double at)
{
	if (list->count == list->capacity) {
		list->capacity = list->capacity ? list->capacity * 2 : 65536;
		list->items = realloc(list->items, list->capacity * sizeof *list->items);
		if (!list->items)
			figures_die("no memory");
	}
	list->items[list->count++] = (struct seen){ seq, at };
}

static int compare_seen(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

/* ---- subscribers ---- */

static void see_record(void *user, const struct baophu_record *record)
{
	struct watcher *watcher = user;
	if (atomic_load_explicit(&watcher->is_joined, memory_order_relaxed))
		note(&watcher->seen, record->version, figures_now());
}

static void *watch(void *user)
{
	struct watcher *watcher = user;
	while (!atomic_load(&watcher->is_over)) {
		int error = subscription_step(watcher->subscription, 50);
		if (error)
			figures_die("subscriber: %s", baophu_strerror(error));
		if (!atomic_load(&watcher->is_joined) && subscription_standing(watcher->subscription)->state == HOLDING_EXACT)
			atomic_store(&watcher->is_joined, true);
	}
	return NULL;
}

static void start_watchers(struct drive *drive)
{
	for (uint32_t i = 0; i < drive->config->subscribers; i++) {
		struct watcher *watcher = &drive->watchers[i];
		struct subscription_config config = { .context = drive->target->context,
						      .publish_endpoint = drive->target->publish,
						      .query_endpoint = drive->target->query,
						      .path = WORKLOAD_ROOT,
						      .depth = 1,
						      .user = watcher,
						      .on_record = see_record };
		int error = subscription_open(&config, &watcher->subscription);
		if (error || pthread_create(&watcher->thread, NULL, watch, watcher))
			figures_die("subscriber: %s", baophu_strerror(error));
	}
	for (uint32_t i = 0; i < drive->config->subscribers; i++)
		for (double until = figures_now() + JOIN_MS * 1e-3; !atomic_load(&drive->watchers[i].is_joined); poll(NULL, 0, 5))
			if (figures_now() > until)
				figures_die("subscriber %u did not become exact", i);
}

/* A version seen is the seq of the last update of its cut; when that update was due is known from its receipt. */
static void finish_watchers(struct drive *drive)
{
	struct drive_result *result = drive->result;
	size_t capacity = 0;
	if (!drive->config->subscribers)
		return;
	poll(NULL, 0, NOTIFY_GRACE_MS);
	for (uint32_t i = 0; i < drive->config->subscribers; i++) {
		atomic_store(&drive->watchers[i].is_over, true);
		pthread_join(drive->watchers[i].thread, NULL);
		capacity += drive->watchers[i].seen.count;
	}
	qsort(drive->sent.items, drive->sent.count, sizeof *drive->sent.items, compare_seen);
	result->notify = calloc(capacity + 1, sizeof *result->notify);
	if (!result->notify)
		figures_die("no memory");
	for (uint32_t i = 0; i < drive->config->subscribers; i++) {
		struct watcher *watcher = &drive->watchers[i];
		for (size_t at = 0; at < watcher->seen.count; at++) {
			const struct seen *sent = drive->sent.count ? bsearch(&watcher->seen.items[at], drive->sent.items,
									      drive->sent.count, sizeof *sent, compare_seen)
								    : NULL;
			if (sent)
				result->notify[result->notify_count++] = watcher->seen.items[at].at - sent->at;
		}
		subscription_close(watcher->subscription);
		free(watcher->seen.items);
	}
}

/* ---- agents ---- */

static void say_hello(struct drive *drive, struct agent *agent)
{
	struct wire_hello hello = { .protocol = 1, .agent = agent->name };
	ssize_t bytes = wire_encode_hello(&hello, drive->payload, sizeof drive->payload);
	if (bytes < 0 || zmq_send(agent->socket, drive->payload, (size_t)bytes, 0) < 0)
		figures_die("hello: %s", zmq_strerror(errno));
	zmq_msg_t message;
	zmq_msg_init(&message);
	struct wire_collector_message heard;
	if (zmq_msg_recv(&message, agent->socket, 0) < 0)
		figures_die("%s: no answer to hello", drive->target->ingest);
	wire_arena_reset(&drive->arena);
	if (wire_decode_collector_message(&drive->arena, zmq_msg_data(&message), zmq_msg_size(&message), &heard) < 0 ||
	    heard.kind != WIRE_WELCOME)
		figures_die("%s: not welcome", agent->name);
	if ((double)drive->config->window * (double)drive->message_bytes > heard.welcome.credit_bytes)
		figures_die("%u updates of %zu bytes are more than the credit of %u bytes", drive->config->window,
			    drive->message_bytes, heard.welcome.credit_bytes);
	agent->epoch = heard.welcome.epoch;
	agent->next = agent->first = agent->made = heard.welcome.next;
	zmq_msg_close(&message);
}

static void open_agent(struct drive *drive, const struct workload *workload, uint32_t index)
{
	struct agent *agent = &drive->agents[index];
	const struct drive_config *config = drive->config;
	const struct {
		int option, value;
	} options[] = {
		{ ZMQ_LINGER, 0 }, { ZMQ_RCVTIMEO, HELLO_MS }, { ZMQ_SNDTIMEO, HELLO_MS }, { ZMQ_SNDHWM, 0 }, { ZMQ_RCVHWM, 0 }
	};
	agent->socket = zmq_socket(drive->target->context, ZMQ_DEALER);
	if (!agent->socket)
		figures_die("socket: %s", zmq_strerror(errno));
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		zmq_setsockopt(agent->socket, options[i].option, &options[i].value, sizeof options[i].value);
	size_t size = sizeof agent->fd;
	if (zmq_connect(agent->socket, drive->target->ingest) < 0 || zmq_getsockopt(agent->socket, ZMQ_FD, &agent->fd, &size) < 0)
		figures_die("%s: %s", drive->target->ingest, zmq_strerror(errno));
	target_agent(index, agent->name);
	share_init(&agent->share, workload, index, config->agents, config->provinces, config->is_hot);
	agent->slots = calloc(config->window, sizeof *agent->slots);
	for (uint32_t i = 0; agent->slots && i < config->window; i++)
		agent->slots[i].message = malloc(drive->message_bytes);
	if (!agent->slots || !agent->slots[config->window - 1].message)
		figures_die("no memory");
	drive->polls[index] = (struct pollfd){ .fd = agent->fd, .events = POLLIN };
	say_hello(drive, agent);
}

static void close_agent(struct drive *drive, struct agent *agent)
{
	zmq_close(agent->socket);
	share_finish(&agent->share);
	for (uint32_t i = 0; i < drive->config->window; i++)
		free(agent->slots[i].message);
	free(agent->slots);
}

/* Packs the agent's next update; false when a sweep is at its end. */
static bool make_update(struct drive *drive, struct agent *agent, struct slot *slot, double due)
{
	const struct drive_config *config = drive->config;
	uint32_t count = config->batch;
	if (config->is_sweep)
		count = share_sweep(&agent->share, drive->entries, config->batch);
	else
		share_random(&agent->share, drive->entries, config->batch);
	if (!count) {
		agent->is_swept = true;
		return false;
	}
	struct wire_payload payload = {
		.agent = agent->name, .epoch = agent->epoch, .number = agent->made, .entry_count = count, .entries = drive->entries
	};
	ssize_t payload_bytes = wire_encode_payload(&payload, drive->payload, sizeof drive->payload);
	struct wire_update update = { .epoch = agent->epoch, .number = agent->made, .payload = drive->payload };
	update.payload_bytes = (size_t)payload_bytes;
	ssize_t bytes = payload_bytes < 0 ? payload_bytes : wire_encode_update(&update, slot->message, drive->message_bytes);
	if (bytes < 0)
		figures_die("an update of %u entries does not fit a message", count);
	slot->bytes = (uint32_t)bytes;
	slot->entries = count;
	slot->due = due;
	slot->is_skipped = due - drive->began < config->secs * SKIPPED_SHARE;
	agent->made++;
	return true;
}

/* When the next update is due; in a closed loop: at once, while the run lasts. */
static double next_due(const struct drive *drive, double now)
{
	const struct drive_config *config = drive->config;
	if (config->rate <= 0)
		return now;
	return drive->began + (double)drive->sent_updates * config->batch / config->rate;
}

static bool is_over(const struct drive *drive, double now)
{
	return !drive->config->is_sweep && now - drive->began > drive->config->secs;
}

/* Sends one update of this agent if one may go: true when it did. */
static bool send_one(struct drive *drive, struct agent *agent, double now)
{
	if (now < agent->resume)
		return false;
	struct slot *slot = &agent->slots[agent->next % drive->config->window];
	if (agent->next == agent->made) {
		double due = next_due(drive, now);
		if (agent->made - agent->first >= drive->config->window || is_over(drive, now) || due > now || agent->is_swept ||
		    !make_update(drive, agent, slot, due))
			return false;
		drive->sent_updates++;
	}
	if (zmq_send(agent->socket, slot->message, slot->bytes, ZMQ_DONTWAIT) < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return false;
		figures_die("send: %s", zmq_strerror(errno));
	}
	agent->next++;
	return true;
}

static void take_receipt(struct drive *drive, struct agent *agent, const struct wire_receipt *receipt, double now)
{
	struct drive_result *result = drive->result;
	if (receipt->epoch != agent->epoch || receipt->number != agent->first)
		figures_die("%s: receipt for %llu, %llu was next", agent->name, (unsigned long long)receipt->number,
			    (unsigned long long)agent->first);
	struct slot *slot = &agent->slots[agent->first++ % drive->config->window];
	drive->done_updates++;
	drive->last = now;
	if (receipt->place.seq > result->last_seq)
		result->last_seq = receipt->place.seq;
	if (receipt->verdict == BAOPHU_APPLIED)
		result->entries += slot->entries;
	else if (!result->other++)
		result->other_code = receipt->code;
	if (drive->config->subscribers)
		note(&drive->sent, receipt->place.seq, slot->due);
	if (slot->is_skipped)
		return;
	if (result->ack_count == drive->ack_capacity) {
		drive->ack_capacity = drive->ack_capacity ? drive->ack_capacity * 2 : 65536;
		result->ack = realloc(result->ack, drive->ack_capacity * sizeof *result->ack);
		result->ack_due = realloc(result->ack_due, drive->ack_capacity * sizeof *result->ack_due);
		if (!result->ack || !result->ack_due)
			figures_die("no memory");
	}
	result->ack_due[result->ack_count] = slot->due;
	result->ack[result->ack_count++] = now - slot->due;
}

static void take_message(struct drive *drive, struct agent *agent, zmq_msg_t *message)
{
	struct wire_collector_message heard;
	double now = figures_now();
	wire_arena_reset(&drive->arena);
	if (wire_decode_collector_message(&drive->arena, zmq_msg_data(message), zmq_msg_size(message), &heard) < 0)
		figures_die("an answer of %zu bytes that is none", zmq_msg_size(message));
	switch (heard.kind) {
	case WIRE_RECEIPTS:
		for (uint32_t i = 0; i < heard.receipts.item_count; i++) {
			struct wire_receipt receipt;
			const struct wire_receipt_item *item = &heard.receipts.items[i];
			if (wire_decode_receipt(&drive->arena, item->receipt, item->receipt_bytes, &receipt) < 0)
				figures_die("a receipt that is none");
			take_receipt(drive, agent, &receipt, now);
		}
		break;
	case WIRE_NOT_NOW:
		if (!baophu_code_is_retryable(heard.not_now.code))
			figures_die("%s: %s", agent->name, wire_code_name(heard.not_now.code));
		drive->result->not_now++;
		if (heard.not_now.number >= agent->first && heard.not_now.number < agent->next) {
			agent->next = heard.not_now.number;
			agent->resume = now + heard.not_now.retry_after_ms * 1e-3;
		}
		break;
	default:
		figures_die("%s: an answer of kind %d", agent->name, (int)heard.kind);
	}
}

static bool take_answers(struct drive *drive, struct agent *agent)
{
	bool did = false;
	for (int i = 0; i < MESSAGES_A_TURN; i++) {
		zmq_msg_t message;
		zmq_msg_init(&message);
		bool got = zmq_msg_recv(&message, agent->socket, ZMQ_DONTWAIT) >= 0;
		if (got)
			take_message(drive, agent, &message);
		zmq_msg_close(&message);
		if (!got)
			break;
		did = true;
	}
	return did;
}

/* Sends what may go, turn by turn, so that every agent has its share; true when something was sent. */
static bool send_due(struct drive *drive)
{
	uint32_t agents = drive->config->agents, idle = 0;
	bool did = false;
	double now = figures_now();
	for (int i = 0; i < MESSAGES_A_TURN && idle < agents; i++) {
		if (send_one(drive, &drive->agents[drive->turn], now)) {
			did = true;
			idle = 0;
		} else {
			idle++;
		}
		drive->turn = (drive->turn + 1) % agents;
	}
	return did;
}

static bool is_done(const struct drive *drive, double now)
{
	if (drive->done_updates < drive->sent_updates)
		return false;
	if (!drive->config->is_sweep)
		return is_over(drive, now);
	for (uint32_t i = 0; i < drive->config->agents; i++)
		if (!drive->agents[i].is_swept)
			return false;
	return true;
}

static void sleep_until_something(struct drive *drive, double now)
{
	double wait = 0.05;
	if (drive->config->rate > 0 && !is_over(drive, now)) {
		double due = next_due(drive, now) - now;
		wait = due < wait ? due : wait;
	}
	if (drive->result->not_now)
		wait = wait < 1e-3 ? wait : 1e-3;
	if (wait <= 0)
		return;
	struct timespec time = { .tv_nsec = (long)(wait * 1e9) };
	ppoll(drive->polls, drive->config->agents, &time, NULL);
}

static void loop(struct drive *drive)
{
	double heard = drive->began;
	for (;;) {
		bool did = send_due(drive);
		/* after the sends: an arrival that a send noticed is not signalled a second time */
		for (uint32_t i = 0; i < drive->config->agents; i++)
			did |= take_answers(drive, &drive->agents[i]);
		double now = figures_now();
		if (is_done(drive, now))
			return;
		if (did) {
			heard = now;
			continue;
		}
		if (now - heard > STUCK_SECS)
			figures_die("%llu updates without an answer for %d s",
				    (unsigned long long)(drive->sent_updates - drive->done_updates), STUCK_SECS);
		sleep_until_something(drive, now);
	}
}

void drive_run(struct target *target, const struct workload *workload, const struct drive_config *config,
	       struct drive_result *ret_result)
{
	struct drive *drive = calloc(1, sizeof *drive);
	if (!drive)
		figures_die("no memory");
	*ret_result = (struct drive_result){ 0 };
	drive->target = target;
	drive->config = config;
	drive->result = ret_result;
	drive->message_bytes = 128 + 64 * (size_t)config->batch;
	drive->agents = calloc(config->agents, sizeof *drive->agents);
	drive->polls = calloc(config->agents, sizeof *drive->polls);
	drive->watchers = calloc(config->subscribers + 1, sizeof *drive->watchers);
	drive->entries = calloc(config->batch, sizeof *drive->entries);
	if (!drive->agents || !drive->polls || !drive->watchers || !drive->entries || wire_arena_init(&drive->arena, 64 << 20) < 0)
		figures_die("no memory");
	for (uint32_t i = 0; i < config->agents; i++)
		open_agent(drive, workload, i);
	start_watchers(drive);
	drive->began = drive->last = figures_now();
	if (config->has_begun)
		atomic_store(config->has_begun, true);
	loop(drive);
	ret_result->began = drive->began;
	ret_result->took = drive->last - drive->began;
	ret_result->caught_up = target_wait_history(target, ret_result->last_seq);
	finish_watchers(drive);
	for (uint32_t i = 0; i < config->agents; i++)
		close_agent(drive, &drive->agents[i]);
	wire_arena_finish(&drive->arena);
	free(drive->sent.items);
	free(drive->entries);
	free(drive->watchers);
	free(drive->polls);
	free(drive->agents);
	free(drive);
}

void drive_result_finish(struct drive_result *result)
{
	free(result->ack);
	free(result->ack_due);
	free(result->notify);
	*result = (struct drive_result){ 0 };
}
