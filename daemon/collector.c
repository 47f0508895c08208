/* collector.c - the way of one update through the daemon: start reading at collector_run, at the end of this file.
 *
 * One thread owns it all, so there is one order of things. A batch is what waited while the batch before was being made durable: no timer
 * makes batches. Everything that leaves here (publications, receipts, welcomes) leaves after the commit that it speaks of.
 *
 * Decisions see the state of the last commit. So an update that changes the registry ends its batch, and one that must see the effect of
 * something before it (administration, withdrawals, a number that is not durable yet) waits for the next.
 */
#include "collector.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <sodium.h>
#include <systemd/sd-daemon.h>

#include "decide.h"
#include "publish.h"
#include "releases.h"
#include "sessions.h"
#include "staging.h"

enum {
	TICK_MS = 1000, /* day, expiry and watchdog are looked at so often when nothing happens */
	ROOM_CHECK_US = 100000, /* how long the disk's room is believed */
	ANSWER_BYTES = 192 << 10,
	RECEIPTS_A_MESSAGE = 512,
	EFFECTS_A_MESSAGE = BAOPHU_ENTRIES_MAX,
	RECEIPT_BYTES_MAX = 160,
	EFFECT_ROWS = 64,
	RECENT = 8192, /* decisions whose place is known without the history; power of two */
	NEW_EPOCHS_A_BATCH = 64,
	EVENTS_WAITING_MAX = 1 << 18, /* for the follower: beyond it updates are put off */
	RELEASES_A_BATCH = 64,
	RELEASE_ENTRIES_A_BATCH = 2048, /* of held updates that are decided again: agents do not wait long for them */
	RELEASE_LATER_MS = 50,
	TURNS_OF_MESSAGES = 2, /* the second only for one that had to see a batch settled */
	FROZEN_MAX = 64, /* epochs of one agent: it is not given more before an administrator has looked */
	BUFFER_KEPT_BYTES = 8 << 20, /* of the batch's buffer; what an import used beyond goes back to the system */
};
#define EPOCH_AHEAD_MAX (UINT64_C(1) << 32)

enum answer_kind { ANSWER_NONE, ANSWER_RECEIPT, ANSWER_WELCOME, ANSWER_FORK };

/* One thing that the batch did or will say. */
struct item {
	enum answer_kind answer;
	bool wants_effect, changes_registry;
	uint32_t next_of_group; /* index + 1 */
	size_t at, bytes; /* its record in the buffer; 0 bytes: none */
	struct record_header header;
	uint32_t agent; /* of a welcome */
	uint64_t epoch;
	bool last_unknown;
	char suggestion[BAOPHU_CODE_BYTES_MAX + 1];
};
/* What one connection will hear after the commit. */
struct group {
	enum sockets_name to;
	struct sockets_peer peer;
	uint32_t first, last;
}; /* index + 1 in items */
struct batch {
	uint64_t number; /* of the batch, for sessions to tell this one from the last */
	uint8_t *buffer; /* records, one after the other */
	size_t buffer_size, used;
	struct item *items;
	struct group *groups;
	uint32_t item_count, record_count, group_count, message_count, epoch_count;
	struct {
		uint32_t agent;
		uint64_t epoch;
	} epochs[NEW_EPOCHS_A_BATCH]; /* granted, not committed */
	struct {
		uint32_t agent; /* 0: none */
		uint64_t epoch, number;
	} import; /* decided, its parts kept until the commit */
	bool is_over; /* nothing may follow what is in it */
	bool is_lost; /* there was no room: nothing of it happened */
};
struct recent {
	uint32_t agent;
	uint64_t epoch, number, seq;
};

struct collector {
	struct daemon *daemon;
	struct state *state; /* the daemon's */
	struct sockets *sockets;
	struct stats *stats;
	struct notices *notices;
	const struct config *config;

	struct decide *decide;
	struct decide_lookups lookups;
	struct releases *releases;
	struct publish *publish;
	struct sessions *sessions;
	struct staging *staging;
	struct log_reader *log_reader;
	struct history_reader *history_reader;
	struct fact_version *versions; /* of one slot, while what stands again is looked for */
	int versions_room;

	struct batch batch;
	struct record_writer writer;
	struct baophu_place place; /* of the last record appended, committed or not */
	struct wire_arena messages, payloads, parts, held;
	struct sockets_message waiting; /* a message for the next batch */
	bool has_waiting;
	enum sockets_name turn; /* which endpoint is drained first */

	struct recent *recent;
	uint64_t checkpoint_seq;
	uint64_t indexed_seq; /* of the history, when epochs are forgotten */
	size_t epochs_bound; /* with so many some are forgotten */
	int64_t now_us, now_ms, room_checked_us, ticked_us, watchdog_us, watchdog_sent_us;
	int64_t release_at_us; /* not before */
	int turns_of_messages; /* batches without releases that follow; TURNS_OF_MESSAGES: this one has some */
	bool is_disk_full, is_far_behind, is_day_held, is_stopping, has_stop_peer;
	struct sockets_peer stop_peer;
	enum daemon_exit exit;

	uint8_t *answer;
	uint8_t receipts[RECEIPTS_A_MESSAGE][RECEIPT_BYTES_MAX];
	struct wire_receipt_item receipt_items[RECEIPTS_A_MESSAGE];
	uint32_t receipt_count;
	struct wire_effect effects[EFFECTS_A_MESSAGE];
	char effect_plans[EFFECTS_A_MESSAGE][BAOPHU_CODE_BYTES_MAX + 1];
	uint32_t effect_count;
	struct baophu_row *rows;
};

static void fail(struct collector *c, enum daemon_exit exit, const char *what, int error)
{
	notice(c->notices, NOTICE_ALERT, NULL, "%s: %s; the daemon ends, what was acknowledged is safe", what,
	       baophu_strerror(error));
	if (!c->exit)
		c->exit = exit;
}

/* ---- answers that need no commit ---- */

static void say(struct collector *c, enum sockets_name to, struct sockets_peer peer, const struct wire_collector_message *message)
{
	ssize_t bytes = wire_encode_collector_message(message, c->answer, ANSWER_BYTES);
	if (bytes > 0)
		sockets_send(c->sockets, to, peer, c->answer, (size_t)bytes);
}

static bool turn_away(struct collector *c, const struct sockets_message *m, enum baophu_code code)
{
	stats_add_turned(c->stats, code);
	say(c, m->from, m->peer, &(struct wire_collector_message){ .kind = WIRE_TURNED, .turned = code });
	return true;
}

static bool say_not_now(struct collector *c, const struct sockets_message *m, const struct wire_update *update,
			enum baophu_code code, uint64_t expect)
{
	static const uint32_t retry_ms[] = { [BAOPHU_CODE_BUSY] = 50,
					     [BAOPHU_CODE_DISK] = 1000,
					     [BAOPHU_CODE_EXPECT] = 0,
					     [BAOPHU_CODE_CLOCK] = 600000,
					     [BAOPHU_CODE_INDEXING] = 50 };
	stats_add_not_now(c->stats, code);
	say(c, m->from, m->peer,
	    &(struct wire_collector_message){ .kind = WIRE_NOT_NOW,
					      .not_now = { .epoch = update->epoch,
							   .number = update->number,
							   .expect = expect,
							   .code = code,
							   .retry_after_ms = retry_ms[code] } });
	return true;
}

/* ---- the batch ---- */

static struct record_header header_of(struct collector *c, enum record_kind kind)
{
	return (struct record_header){ .kind = kind, .rules = RECORD_RULES, .time_ms = c->now_ms, .entry = UINT32_MAX };
}

static void begin_record(struct collector *c) { record_begin(&c->writer, c->batch.buffer + c->batch.used, RECORD_BYTES_MAX); }

/* Seals the record that was begun and appends it; returns its item, or NULL when the log cannot go on. */
static struct item *end_record(struct collector *c, struct record_header *header)
{
	struct batch *b = &c->batch;
	ssize_t bytes = record_seal(&c->writer, header, &c->place);
	if (bytes < 0) {
		fail(c, DAEMON_INTERNAL, "a record cannot be written", (int)bytes);
		return NULL;
	}
	if (!b->record_count)
		log_begin(c->daemon->log);
	log_append(c->daemon->log, b->buffer + b->used, (size_t)bytes); /* sticky: the commit says whether it worked */
	struct item *item = &b->items[b->item_count++];
	*item = (struct item){ .at = b->used, .bytes = (size_t)bytes, .header = *header };
	b->used = (b->used + (size_t)bytes + 7) & ~(size_t)7;
	b->record_count++;
	c->place = header->place;
	return item;
}

static void answer_later(struct collector *c, struct session *session, struct item *item, enum answer_kind answer)
{
	struct batch *b = &c->batch;
	uint32_t index = (uint32_t)(item - b->items);
	item->answer = answer;
	if (session->batch != b->number) {
		session->batch = b->number;
		session->pending = 0;
		session->group = UINT32_MAX;
	}
	if (session->group == UINT32_MAX) {
		session->group = b->group_count;
		b->groups[b->group_count++] = (struct group){ session->from, session->peer, index + 1, index + 1 };
		return;
	}
	struct group *group = &b->groups[session->group];
	b->items[group->last - 1].next_of_group = index + 1;
	group->last = index + 1;
}

static bool batch_has_room(const struct collector *c)
{
	const struct batch *b = &c->batch;
	return !b->is_over && !c->exit && b->message_count < c->config->batch_updates && b->used < c->config->batch_bytes;
}

static void begin_batch(struct collector *c)
{
	struct batch *b = &c->batch;
	if (b->used > BUFFER_KEPT_BYTES)
		madvise(b->buffer, b->buffer_size, MADV_DONTNEED);
	b->number++;
	b->used = 0;
	b->item_count = b->record_count = b->group_count = b->message_count = b->epoch_count = 0;
	b->is_over = b->is_lost = false;
	b->import.agent = 0;
	c->place = c->state->place;
	struct follower_progress progress = follower_progress(c->daemon->follower);
	c->is_far_behind = c->place.seq - progress.seq > c->config->lag_records_max || progress.events_waiting > EVENTS_WAITING_MAX;
	if (c->now_us - c->room_checked_us >= ROOM_CHECK_US) {
		bool was_full = c->is_disk_full;
		c->room_checked_us = c->now_us;
		c->is_disk_full = log_room_bytes(c->daemon->log) <= 0;
		atomic_store(&c->stats->disk_full, c->is_disk_full);
		if (c->is_disk_full != was_full)
			notice(c->notices, c->is_disk_full ? NOTICE_ALERT : NOTICE_INFO, NULL,
			       c->is_disk_full ? "no room in %s beyond the reserve: updates are put off until there is"
					       : "there is room in %s again",
			       c->config->data_dir);
	}
}

/* ---- records of the system ---- */

static void append_checkpoint(struct collector *c)
{
	struct record_header header = header_of(c, RECORD_CHECKPOINT);
	begin_record(c);
	daemon_add_checkpoint(c->daemon, &c->writer);
	if (end_record(c, &header))
		c->checkpoint_seq = header.place.seq;
}

/* The business day begins by an entry of the log, when the clock can be believed. The state is checked at each. */
static void append_due(struct collector *c)
{
	bool is_held;
	c->now_ms = day_time_ms(&c->daemon->day_watch, daemon_wall_ms(), c->now_us / 1000, &is_held);
	if (is_held != c->is_day_held) {
		c->is_day_held = is_held;
		atomic_store(&c->stats->day_held, is_held);
		stats_add(c->stats, STATS_CLOCK_HELD, is_held);
		notice(
		    c->notices, is_held ? NOTICE_ALERT : NOTICE_INFO, NULL,
		    is_held
			? "the clock disagrees by more than 12 hours with the log: the business day is held until it is set right"
			: "the clock agrees with the log again");
	}
	if (c->is_disk_full)
		return;
	baophu_date today = baophu_date_at_ms(c->now_ms);
	if (!is_held && today > c->state->registry.day) {
		append_checkpoint(c);
		struct record_header header = header_of(c, RECORD_DAY);
		begin_record(c);
		record_add(&c->writer, &(struct entry){ .kind = ENTRY_DAY, .day = { .day = today } });
		struct item *item = end_record(c, &header);
		if (item)
			item->changes_registry = true;
		c->batch.is_over = true;
	} else if (c->state->place.seq - c->checkpoint_seq >= c->config->checkpoint_records) {
		append_checkpoint(c);
	}
}

/* ---- sessions ---- */

static bool may_send(const struct collector *c, uint32_t agent)
{
	const struct agent *who = agents_get(&c->state->registry.agents, agent);
	baophu_date today = c->state->registry.day;
	return who->from <= today && (who->until == BAOPHU_DATE_NONE || today <= who->until);
}

static bool is_granted_in_batch(const struct batch *b, uint32_t agent, uint64_t epoch)
{
	for (uint32_t i = 0; i < b->epoch_count; i++)
		if (b->epochs[i].agent == agent && b->epochs[i].epoch == epoch)
			return true;
	return false;
}

/* A number that was never granted: of those that agents choose any, of the others one that is not too far above the newest. */
static bool may_grant(uint64_t wanted, uint64_t newest)
{
	return baophu_epoch_is_chosen(wanted) ||
	       (wanted < BAOPHU_EPOCH_CHOSEN_MIN && wanted > newest && wanted - newest <= EPOCH_AHEAD_MAX);
}

/* Appends the grant of a new epoch; its Welcome follows the commit. */
static struct item *grant_epoch(struct collector *c, uint32_t agent, uint64_t epoch)
{
	struct batch *b = &c->batch;
	struct record_header header = header_of(c, RECORD_EPOCH);
	header.principal = header.agent = agent;
	begin_record(c);
	record_add(&c->writer, &(struct entry){ .kind = ENTRY_EPOCH, .epoch = { .agent = agent, .epoch = epoch } });
	b->epochs[b->epoch_count].agent = agent;
	b->epochs[b->epoch_count++].epoch = epoch;
	return end_record(c, &header);
}

/* decide_lookups.place: of what is committed. */
static int find_place(void *context, uint64_t seq, struct baophu_place *ret_place)
{
	struct collector *c = context;
	if (seq > c->state->place.seq)
		return -BAOPHU_ENOTFOUND;
	int error = log_place(c->log_reader, seq, ret_place);
	log_reader_release(c->log_reader);
	return error;
}

static bool is_in_history(struct collector *c, const struct baophu_place *place)
{
	struct baophu_place ours;
	return !find_place(c, place->seq, &ours) && !memcmp(ours.digest, place->digest, sizeof ours.digest);
}

/* Whether an epoch must be at hand: somebody writes in it, or history does not have its newest number yet. */
static bool epoch_is_in_use(void *context, const struct epoch *epoch)
{
	struct collector *c = context;
	return epoch->seq > c->indexed_seq || sessions_find_epoch(c->sessions, epoch->agent, epoch->epoch);
}

static void make_room_for_epoch(struct collector *c)
{
	struct agents *agents = &c->state->registry.agents;
	if (agents->epochs.count + c->batch.epoch_count < c->epochs_bound)
		return;
	c->indexed_seq = history_place(c->daemon->history).seq;
	agents_forget(agents, epoch_is_in_use, c);
	c->epochs_bound = agents->epochs.count * 2 > c->config->epochs_max ? agents->epochs.count * 2 : c->config->epochs_max;
}

/* An epoch that was forgotten goes on where history says; one that nobody ever wrote in is not found. Nothing is decided by it, and nobody
 * but this thread looks at epochs. */
static int recall_epoch(struct collector *c, uint32_t agent, uint64_t epoch)
{
	struct baophu_place place;
	uint64_t number;
	int error = history_begin(c->history_reader, &place);
	if (error)
		return error;
	error = history_number(c->history_reader, agent, epoch, &number);
	history_end(c->history_reader);
	return error ? error : agents_recall(&c->state->registry.agents, agent, epoch, number + 1);
}

static bool take_hello(struct collector *c, const struct sockets_message *m, const struct wire_hello *hello)
{
	struct batch *b = &c->batch;
	const struct agents *agents = &c->state->registry.agents;
	if (hello->protocol != 1)
		return turn_away(c, m, BAOPHU_CODE_PROTOCOL);
	uint32_t agent = agents_find(agents, hello->agent);
	if ((m->from == SOCKETS_CONTROL) != (agent == AGENT_CONTROL))
		return turn_away(
		    c, m, agent == AGENT_CONTROL || m->from == SOCKETS_CONTROL ? BAOPHU_CODE_FORBIDDEN : BAOPHU_CODE_AGENT_UNKNOWN);
	if (!agent || !may_send(c, agent))
		return turn_away(c, m, BAOPHU_CODE_AGENT_UNKNOWN);

	uint64_t newest = agents_get(agents, agent)->newest_epoch;
	for (uint32_t i = 0; i < b->epoch_count; i++)
		if (b->epochs[i].agent == agent && b->epochs[i].epoch > newest && b->epochs[i].epoch < BAOPHU_EPOCH_CHOSEN_MIN)
			newest = b->epochs[i].epoch;
	uint64_t wanted = hello->epoch ? hello->epoch : newest + 1;
	if (!hello->epoch && baophu_epoch_is_chosen(wanted)) /* counting has reached the numbers of others */
		return turn_away(c, m, BAOPHU_CODE_EPOCH);
	const struct epoch *epoch = agents_epoch(agents, agent, wanted);
	bool is_new = !epoch && !is_granted_in_batch(b, agent, wanted);
	if (epoch && epoch->frozen)
		return turn_away(c, m, BAOPHU_CODE_FROZEN);
	if (is_new) {
		make_room_for_epoch(c);
		int error = recall_epoch(c, agent, wanted);
		if (error && error != -BAOPHU_ENOTFOUND) {
			fail(c, error == -BAOPHU_EDAMAGED ? DAEMON_DAMAGED : DAEMON_INTERNAL, "an old epoch cannot be found",
			     error);
			return true;
		}
		is_new = error;
	}
	if (is_new && !may_grant(wanted, newest))
		return turn_away(c, m, BAOPHU_CODE_EPOCH);
	if (is_new && agents_get(agents, agent)->frozen_count >= FROZEN_MAX)
		return turn_away(c, m, BAOPHU_CODE_FROZEN);
	if (is_new && c->is_disk_full)
		return turn_away(c, m, BAOPHU_CODE_DISK);
	if (is_new && b->epoch_count == NEW_EPOCHS_A_BATCH)
		return false;
	if (sessions_must_wait(c->sessions, m->from, m->peer, agent, wanted, b->number))
		return false;

	struct item *item = is_new ? grant_epoch(c, agent, wanted) : &b->items[b->item_count++];
	if (!item)
		return true;
	if (!is_new)
		*item = (struct item){ .bytes = 0 };
	item->agent = agent;
	item->epoch = wanted;
	item->last_unknown = hello->has_last && !is_in_history(c, &hello->last);
	bool replaced, evicted;
	struct session *session = sessions_open(c->sessions, m->from, m->peer, agent, wanted, &replaced, &evicted);
	stats_add(c->stats, STATS_SESSIONS_REPLACED, replaced);
	stats_add(c->stats, STATS_SESSIONS_EVICTED, evicted);
	answer_later(c, session, item, ANSWER_WELCOME);
	return true;
}

/* ---- updates: numbers that were used before ---- */

static struct recent *recent_of(struct collector *c, uint32_t agent, uint64_t epoch, uint64_t number)
{
	return &c->recent[(baophu_mix64(agent, epoch) + number) & (RECENT - 1)];
}

/* Where this number was decided; -BAOPHU_ENOTFOUND while the index has not reached it. */
static int find_decided(struct collector *c, const struct session *session, uint64_t number, uint64_t *ret_seq)
{
	const struct recent *recent = recent_of(c, session->agent, session->epoch, number);
	if (recent->agent == session->agent && recent->epoch == session->epoch && recent->number == number) {
		*ret_seq = recent->seq;
		return 0;
	}
	struct baophu_place place;
	int error = history_begin(c->history_reader, &place);
	if (!error) {
		error = history_receipt(c->history_reader, session->agent, session->epoch, number, ret_seq);
		history_end(c->history_reader);
	}
	return error;
}

static void freeze(struct collector *c, struct session *session, uint64_t number)
{
	const char *name = agents_get(&c->state->registry.agents, session->agent)->name;
	notice(c->notices, NOTICE_ALERT, "fork",
	       "agent %s sent another update under number %" PRIu64 " of epoch %" PRIu64
	       ": the epoch is frozen until an administrator opens it",
	       name, number, session->epoch);
	stats_add(c->stats, STATS_FORKS, 1);
	struct record_header header = header_of(c, RECORD_FREEZE);
	header.principal = header.agent = session->agent;
	begin_record(c);
	record_add(&c->writer,
		   &(struct entry){ .kind = ENTRY_FREEZE, .epoch = { .agent = session->agent, .epoch = session->epoch } });
	struct item *item = end_record(c, &header);
	if (item)
		answer_later(c, session, item, ANSWER_FORK);
	c->batch.is_over = true;
}

/* The same payload gets the same receipt, byte for byte; another one under a used number is a fork. */
static bool repeat(struct collector *c, const struct sockets_message *m, struct session *session, const struct wire_update *update,
		   const uint8_t digest[static RECORD_PAYLOAD_DIGEST_BYTES])
{
	uint64_t seq;
	int error = find_decided(c, session, update->number, &seq);
	if (error == -BAOPHU_ENOTFOUND) {
		follower_hurry(c->daemon->follower, c->state->place.seq);
		return say_not_now(c, m, update, BAOPHU_CODE_INDEXING, 0);
	}
	const void *record;
	size_t bytes;
	struct record_header header;
	if (!error)
		error = log_read(c->log_reader, seq, true, &record, &bytes);
	if (!error)
		error = record_read_header(record, bytes, &header);
	log_reader_release(c->log_reader);
	if (error) {
		fail(c, error == -BAOPHU_EDAMAGED ? DAEMON_DAMAGED : DAEMON_INTERNAL, "an old receipt cannot be read", error);
		return true;
	}
	if (memcmp(header.payload_digest, digest, RECORD_PAYLOAD_DIGEST_BYTES)) {
		freeze(c, session, update->number);
		return true;
	}
	struct wire_receipt receipt;
	record_receipt(&header, agents_get(&c->state->registry.agents, header.agent)->name, &receipt);
	ssize_t size = wire_encode_receipt(&receipt, c->receipts[0], RECEIPT_BYTES_MAX);
	struct wire_receipt_item item = { .receipt = c->receipts[0], .receipt_bytes = (size_t)size, .suggestion = "" };
	if (size > 0)
		say(c, m->from, m->peer,
		    &(struct wire_collector_message){ .kind = WIRE_RECEIPTS, .receipts = { .item_count = 1, .items = &item } });
	stats_add(c->stats, STATS_REPEATED, 1);
	return true;
}

/* ---- updates: new numbers ---- */

struct slot_walk {
	struct collector *collector;
	const struct slot *slot;
	int count; /* of the versions that were found and kept */
};

static int take_slot(void *context, const struct slot *slot, const struct fact_version *versions, int count)
{
	struct slot_walk *walk = context;
	struct collector *c = walk->collector;
	if (slot->extent != walk->slot->extent || slot->from != walk->slot->from || slot->to != walk->slot->to)
		return 0;
	if (count + 1 > c->versions_room) {
		struct fact_version *room = realloc(c->versions, (size_t)(count + 65) * sizeof *room);
		if (!room)
			return -ENOMEM;
		c->versions = room;
		c->versions_room = count + 65;
	}
	memcpy(c->versions, versions, (size_t)count * sizeof *versions);
	walk->count = count;
	return 1;
}

/* decide_lookups.versions: never guessed. While history lacks something that the state has of this unit, the answer is "later". There is
 * room for one more behind them. */
static int find_versions(void *context, const struct slot *slot, const struct fact_version **ret_versions, int *ret_count)
{
	struct collector *c = context;
	struct slot_walk walk = { .collector = c, .slot = slot };
	struct baophu_place place;
	int error = history_begin(c->history_reader, &place);
	if (error)
		return error;
	error = place.seq < c->state->touched_seq[slot->unit]
		    ? -BAOPHU_EGAP
		    : history_unit(c->history_reader, slot->unit, slot->measure, UINT64_MAX, take_slot, &walk);
	history_end(c->history_reader);
	if (error == -BAOPHU_EGAP)
		follower_hurry(c->daemon->follower, c->state->touched_seq[slot->unit]);
	*ret_versions = c->versions;
	*ret_count = walk.count;
	return error < 0 ? error : walk.count ? 0 : -BAOPHU_EDAMAGED;
}

/* decide_lookups.restore */
static int restore(void *context, const struct slot *slot, uint64_t withdrawn_id, uint64_t *ret_id, struct figure *ret_figure)
{
	const struct fact_version *versions;
	int count, error = find_versions(context, slot, &versions, &count);
	if (error)
		return error;
	struct collector *c = context;
	c->versions[count] = (struct fact_version){ .id = UINT64_MAX, .withdrawn_id = withdrawn_id, .figure.value = BAOPHU_ABSENT };
	int standing = facts_standing(versions, count + 1);
	*ret_id = 0;
	if (standing >= 0) {
		*ret_id = versions[standing].id;
		*ret_figure = versions[standing].figure;
	}
	return 0;
}

/* decide_lookups.held */
static int read_held(void *context, uint64_t seq, struct wire_payload *ret_payload)
{
	struct collector *c = context;
	const void *record;
	size_t bytes, payload_bytes;
	enum baophu_code code;
	uint32_t entry;
	int error = log_read(c->log_reader, seq, true, &record, &bytes);
	if (!error) {
		const uint8_t *payload = record_payload(record, bytes, &payload_bytes);
		wire_arena_reset(&c->held);
		error = payload ? wire_decode_payload(&c->held, payload, payload_bytes, ret_payload, &code, &entry)
				: -BAOPHU_EDAMAGED;
	}
	log_reader_release(c->log_reader);
	return error;
}

/* Decides the parts of an import as one update. */
static int decide_import(struct collector *c, const struct session *session, const struct wire_apply *apply,
			 struct decide_question *question, struct decision *ret_decision)
{
	enum baophu_code code;
	const struct staged_part *parts = staging_find(c->staging, session->agent, session->epoch, apply, &code);
	if (!parts) {
		*ret_decision = (struct decision){ .code = code, .verdict = BAOPHU_REFUSED, .entry = UINT32_MAX };
		return 0;
	}
	question->entry_count = apply->entries;
	question->is_import = true;
	decide_begin(c->decide, question);
	int error = 0;
	for (uint32_t i = 0; i < apply->parts && !error; i++) {
		struct wire_agent_message message;
		wire_arena_reset(&c->parts);
		error = wire_decode_agent_message(&c->parts, parts[i].message, parts[i].bytes, &message);
		if (!error)
			decide_entries(c->decide, message.stage.entries, message.stage.entry_count);
	}
	int end = decide_end(c->decide, ret_decision);
	return error ? error : end;
}

/* The verdict on one update, its record's entries already in the writer. False: it must see the batch before it settled. */
static bool decide_update(struct collector *c, struct session *session, const struct wire_update *update,
			  struct decision *ret_decision)
{
	struct wire_payload payload;
	enum baophu_code code;
	uint32_t entry;
	const char *name = agents_get(&c->state->registry.agents, session->agent)->name;
	wire_arena_reset(&c->payloads);
	int error = wire_decode_payload(&c->payloads, update->payload, update->payload_bytes, &payload, &code, &entry);
	if (error) {
		*ret_decision = (struct decision){ .code = code, .verdict = BAOPHU_REFUSED, .entry = entry };
		return true;
	}
	if (strcmp(payload.agent, name) || payload.epoch != update->epoch || payload.number != update->number) {
		*ret_decision = (struct decision){ .code = BAOPHU_CODE_MALFORMED, .verdict = BAOPHU_REFUSED, .entry = UINT32_MAX };
		return true;
	}
	if (c->batch.record_count && (payload.has_apply || decide_needs_settled(payload.entries, payload.entry_count)))
		return false;
	struct decide_question question = { .state = c->state,
					    .lookups = &c->lookups,
					    .writer = &c->writer,
					    .seq = c->place.seq + 1,
					    .agent = session->agent,
					    .is_control = session->from == SOCKETS_CONTROL,
					    .entry_count = payload.entry_count };
	begin_record(c);
	if (payload.has_apply) {
		error = decide_import(c, session, &payload.apply, &question, ret_decision);
	} else {
		decide_begin(c->decide, &question);
		decide_entries(c->decide, payload.entries, payload.entry_count);
		error = decide_end(c->decide, ret_decision);
	}
	if (error) {
		fail(c, error == -BAOPHU_EDAMAGED ? DAEMON_DAMAGED : DAEMON_INTERNAL, "an update cannot be decided", error);
		return true;
	}
	if (payload.has_apply && ret_decision->verdict) { /* at most one a batch: it must see what is before it settled */
		c->batch.import.agent = session->agent;
		c->batch.import.epoch = session->epoch;
		c->batch.import.number = payload.apply.batch;
	}
	return true;
}

static void append_decision(struct collector *c, struct session *session, const struct wire_update *update,
			    const struct decision *decision, const uint8_t digest[static RECORD_PAYLOAD_DIGEST_BYTES])
{
	struct record_header header = header_of(c, decision->verdict == BAOPHU_HELD ? RECORD_HELD : RECORD_UPDATE);
	header.principal = header.agent = session->agent;
	header.epoch = update->epoch;
	header.number = update->number;
	header.verdict = decision->verdict;
	header.code = decision->code;
	header.entry = decision->entry;
	memcpy(header.payload_digest, digest, RECORD_PAYLOAD_DIGEST_BYTES);
	if (decision->verdict != BAOPHU_APPLIED)
		begin_record(c);
	if (decision->verdict == BAOPHU_HELD)
		record_add_payload(&c->writer, update->payload, update->payload_bytes);
	struct item *item = end_record(c, &header);
	if (!item)
		return;
	item->wants_effect = update->want_effect && decision->verdict == BAOPHU_APPLIED;
	item->changes_registry = decision->changes_registry && decision->verdict == BAOPHU_APPLIED;
	memcpy(item->suggestion, decision->suggestion, sizeof item->suggestion);
	answer_later(c, session, item, ANSWER_RECEIPT);
	session->pending++;
	if (item->changes_registry)
		c->batch.is_over = true;
}

static bool take_update(struct collector *c, const struct sockets_message *m, const struct wire_update *update)
{
	struct session *session = sessions_find(c->sessions, m->from, m->peer);
	if (!session || session->epoch != update->epoch)
		return turn_away(c, m, BAOPHU_CODE_EPOCH);
	const struct epoch *epoch = agents_epoch(&c->state->registry.agents, session->agent, session->epoch);
	if (!epoch && !is_granted_in_batch(&c->batch, session->agent, session->epoch)) /* its grant was lost with a batch */
		return turn_away(c, m, BAOPHU_CODE_EPOCH);
	if (epoch && epoch->frozen)
		return turn_away(c, m, BAOPHU_CODE_FROZEN);
	if (!may_send(c, session->agent))
		return turn_away(c, m, BAOPHU_CODE_AGENT_UNKNOWN);
	if (!update->number)
		return turn_away(c, m, BAOPHU_CODE_MALFORMED);
	uint64_t durable = epoch ? epoch->next : 1;
	uint64_t next = durable + (session->batch == c->batch.number ? session->pending : 0);
	if (update->number > next)
		return say_not_now(c, m, update, BAOPHU_CODE_EXPECT, next);
	if (update->number < next && update->number >= durable)
		return false; /* decided, and its receipt not durable yet */

	uint8_t digest[RECORD_PAYLOAD_DIGEST_BYTES];
	crypto_generichash(digest, sizeof digest, update->payload, update->payload_bytes, NULL, 0);
	if (update->number < next)
		return repeat(c, m, session, update, digest);
	if (c->is_disk_full)
		return say_not_now(c, m, update, BAOPHU_CODE_DISK, 0);
	if (c->is_far_behind)
		return say_not_now(c, m, update, BAOPHU_CODE_BUSY, 0);
	struct decision decision;
	if (!decide_update(c, session, update, &decision))
		return false;
	if (c->exit)
		return true;
	if (!decision.verdict)
		return say_not_now(c, m, update, decision.code, 0);
	append_decision(c, session, update, &decision, digest);
	return true;
}

/* ---- the other messages ---- */

static bool take_stage(struct collector *c, const struct sockets_message *m, const struct wire_stage *stage)
{
	struct session *session = sessions_find(c->sessions, m->from, m->peer);
	if (!session || session->epoch != stage->epoch)
		return turn_away(c, m, BAOPHU_CODE_EPOCH);
	enum baophu_code code = stage->code;
	if (!code)
		code = staging_put(c->staging, session->agent, stage, m->bytes, m->size, c->now_us / 1000);
	stats_add(c->stats, STATS_STAGED_PARTS, !code);
	say(c, m->from, m->peer,
	    &(struct wire_collector_message){ .kind = WIRE_STAGED,
					      .staged = { .batch = stage->batch, .part = stage->part, .code = code } });
	return true;
}

static bool take_beat(struct collector *c, const struct sockets_message *m)
{
	if (!sessions_find(c->sessions, m->from, m->peer))
		return turn_away(c, m, BAOPHU_CODE_EPOCH);
	say(c, m->from, m->peer, &(struct wire_collector_message){ .kind = WIRE_BEAT_ANSWER, .head = c->state->place });
	return true;
}

static bool take_stop(struct collector *c, const struct sockets_message *m)
{
	if (m->from != SOCKETS_CONTROL) {
		stats_add(c->stats, STATS_DROPPED_WRONG_SOCKET, 1);
		return turn_away(c, m, BAOPHU_CODE_FORBIDDEN);
	}
	c->is_stopping = c->has_stop_peer = c->batch.is_over = true;
	c->stop_peer = m->peer;
	return true;
}

/* False: the message must wait for the next batch. */
static bool take_message(struct collector *c, const struct sockets_message *m)
{
	struct wire_agent_message message;
	wire_arena_reset(&c->messages);
	if (wire_decode_agent_message(&c->messages, m->bytes, m->size, &message)) {
		stats_add(c->stats, STATS_DROPPED_NOT_PROTOBUF, 1);
		notice(c->notices, NOTICE_WARNING, "not a message of the protocol",
		       "%s: %zu bytes that are not a message of this protocol", m->from == SOCKETS_CONTROL ? "control" : "ingest",
		       m->size);
		return turn_away(c, m, BAOPHU_CODE_MALFORMED);
	}
	switch (message.kind) {
	case WIRE_HELLO:
		return take_hello(c, m, &message.hello);
	case WIRE_UPDATE:
		return take_update(c, m, &message.update);
	case WIRE_STAGE:
		return take_stage(c, m, &message.stage);
	case WIRE_BEAT:
		return take_beat(c, m);
	case WIRE_STOP:
		return take_stop(c, m);
	}
	return true;
}

/* ---- held updates whose cause is gone ---- */

/* 0: now; -1: none is due. */
static int release_wait_ms(const struct collector *c)
{
	if (!releases_are_due(c->releases))
		return -1;
	if (c->is_disk_full || c->is_far_behind)
		return RELEASE_LATER_MS;
	return c->release_at_us > c->now_us ? (int)((c->release_at_us - c->now_us + 999) / 1000) : 0;
}

static void append_release(struct collector *c, const struct held *held, const struct decision *decision)
{
	struct record_header header = header_of(c, RECORD_RELEASE);
	header.agent = held->agent;
	header.verdict = BAOPHU_APPLIED;
	struct item *item = end_record(c, &header);
	if (!item)
		return;
	item->changes_registry = true;
	stats_add(c->stats, STATS_RELEASED, 1);
	notice(c->notices, NOTICE_INFO, "held update released",
	       "held update released, what held it is gone: agent=%s epoch=%" PRIu64 " number=%" PRIu64 " held=%" PRIu64
	       " seq=%" PRIu64,
	       agents_get(&c->state->registry.agents, held->agent)->name, held->epoch, held->number, held->seq, header.place.seq);
	if (decision->changes_registry)
		c->batch.is_over = true;
}

/* In every other batch at most, and first in it: what agents and administrators send has its turn as well. */
static void append_releases(struct collector *c)
{
	bool is_theirs = c->turns_of_messages > 1 || (c->turns_of_messages && c->has_waiting);
	c->turns_of_messages -= c->turns_of_messages > 0;
	if (is_theirs || release_wait_ms(c) || !batch_has_room(c))
		return;
	struct release_turn turn = { .decide = c->decide, .budget = RELEASE_ENTRIES_A_BATCH };
	for (int i = 0; i < RELEASES_A_BATCH && batch_has_room(c); i++) {
		const struct held *held;
		struct decision decision;
		turn.is_settled = !c->batch.record_count;
		turn.question = (struct decide_question){
			.state = c->state, .lookups = &c->lookups, .writer = &c->writer, .seq = c->place.seq + 1
		};
		begin_record(c);
		int outcome = releases_decide(c->releases, &turn, &held, &decision);
		if (outcome < 0)
			fail(c, outcome == -BAOPHU_EDAMAGED ? DAEMON_DAMAGED : DAEMON_INTERNAL,
			     "a held update cannot be decided again", outcome);
		if (outcome == RELEASE_LATER)
			c->release_at_us = c->now_us + RELEASE_LATER_MS * 1000;
		if (outcome != RELEASE_APPLIED)
			break;
		append_release(c, held, &decision);
		c->turns_of_messages = TURNS_OF_MESSAGES;
	}
}

/* ---- the loop's steps ---- */

static void wait_for_work(struct collector *c, int publish_ms)
{
	const int fds[] = { c->daemon->signal_fd, c->daemon->wake_fd };
	int timeout_ms = c->has_waiting || c->batch.is_over || !batch_has_room(c) ? 0 : TICK_MS;
	int release_ms = release_wait_ms(c);
	if (publish_ms >= 0 && publish_ms < timeout_ms)
		timeout_ms = publish_ms;
	if (release_ms >= 0 && release_ms < timeout_ms)
		timeout_ms = release_ms;
	int ready = sockets_wait(c->sockets, 1u << SOCKETS_INGEST | 1u << SOCKETS_CONTROL | 1u << SOCKETS_PUBLISH, fds, 2,
				 timeout_ms);
	c->now_us = daemon_monotonic_us();
	if (ready < 0) {
		fail(c, DAEMON_INTERNAL, "the sockets cannot be waited for", ready);
	} else if (ready & 1 << SOCKETS_COUNT) {
		struct signalfd_siginfo signal;
		if (read(c->daemon->signal_fd, &signal, sizeof signal) == sizeof signal && signal.ssi_signo != SIGHUP)
			c->is_stopping = true;
	}
	if (ready > 0 && ready & 2 << SOCKETS_COUNT) {
		uint64_t count;
		if (read(c->daemon->wake_fd, &count, sizeof count) == sizeof count && !c->exit)
			c->exit = (enum daemon_exit)atomic_load(&c->daemon->failure);
	}
}

/* Everything that waits, up to the bounds of a batch; administration and agents take turns to be first. */
static void drain(struct collector *c)
{
	if (c->has_waiting && batch_has_room(c)) {
		c->batch.message_count++;
		c->has_waiting = !take_message(c, &c->waiting);
		if (c->has_waiting)
			return;
		sockets_release(&c->waiting);
	}
	c->turn = c->turn == SOCKETS_CONTROL ? SOCKETS_INGEST : SOCKETS_CONTROL;
	enum sockets_name order[] = { c->turn, c->turn == SOCKETS_CONTROL ? SOCKETS_INGEST : SOCKETS_CONTROL };
	for (int i = 0; i < 2; i++) {
		while (batch_has_room(c)) {
			int got = sockets_receive(c->sockets, order[i], &c->waiting);
			if (got < 0)
				fail(c, DAEMON_INTERNAL, "a socket cannot be read", got);
			if (got <= 0)
				break;
			c->batch.message_count++;
			c->has_waiting = !take_message(c, &c->waiting);
			if (c->has_waiting)
				return;
			sockets_release(&c->waiting);
		}
	}
}

/* Makes the batch durable, whole or not at all. */
static void commit(struct collector *c)
{
	struct batch *b = &c->batch;
	if (!b->record_count || c->exit)
		return;
	int error = log_commit(c->daemon->log);
	if (error == -BAOPHU_EFULL) {
		b->is_lost = c->is_disk_full = true;
		c->room_checked_us = c->now_us;
		atomic_store(&c->stats->disk_full, true);
		stats_add(c->stats, STATS_DISK_FULL, 1);
		notice(c->notices, NOTICE_ALERT, "disk full",
		       "no room for the log in %s: nothing of the last batch was acknowledged", c->config->data_dir);
	} else if (error) {
		fail(c, DAEMON_INTERNAL, "the log cannot be made durable", error);
	} else if (b->import.agent) {
		staging_drop(c->staging, b->import.agent, b->import.epoch, b->import.number);
	}
	stats_add(c->stats, STATS_COMMITS, !error);
}

/* What is committed becomes the state. */
static void fold(struct collector *c)
{
	struct batch *b = &c->batch;
	int error = b->is_lost && c->turns_of_messages == TURNS_OF_MESSAGES ? releases_again(c->releases) : 0;
	if (error)
		fail(c, DAEMON_INTERNAL, "held updates cannot be looked at again", error);
	if (!b->record_count || b->is_lost || c->exit)
		return;
	pthread_rwlock_wrlock(&c->daemon->state_lock);
	for (uint32_t i = 0; i < b->item_count && !error; i++)
		if (b->items[i].bytes)
			error = fold_record(c->state, b->buffer + b->items[i].at, b->items[i].bytes);
	if (!error)
		error = fold_settle(c->state);
	pthread_rwlock_unlock(&c->daemon->state_lock);
	for (uint32_t i = 0; i < b->item_count && !error; i++)
		if (b->items[i].changes_registry || b->items[i].header.kind == RECORD_HELD)
			error = releases_follow(c->releases, b->buffer + b->items[i].at, b->items[i].bytes);
	if (!error)
		error = publish_gather(c->publish, c->state);
	if (!error)
		error = follower_offer(c->daemon->follower, c->state->events.made.data, c->state->events.made.count,
				       c->state->place.seq);
	c->state->events.made.count = 0;
	if (error)
		fail(c, error == -BAOPHU_EDAMAGED ? DAEMON_DAMAGED : DAEMON_INTERNAL, "what was committed cannot be folded", error);
}

static int publish(struct collector *c)
{
	int wait_ms = -1, error = publish_take_subscriptions(c->publish);
	if (!error && !c->exit)
		error = publish_send_due(c->publish, c->state, &wait_ms);
	if (error)
		fail(c, DAEMON_INTERNAL, "coverage cannot be published", error);
	return wait_ms;
}

/* ---- answers after the commit ---- */

static void flush_receipts(struct collector *c, const struct group *group)
{
	if (c->receipt_count)
		say(c, group->to, group->peer,
		    &(struct wire_collector_message){ .kind = WIRE_RECEIPTS,
						      .receipts = { .item_count = c->receipt_count, .items = c->receipt_items } });
	c->receipt_count = c->effect_count = 0;
}

/* What each fact of an applied update did: the unit's value now, and the first plan in force for it. */
static uint32_t add_effects(struct collector *c, const struct item *item)
{
	struct record_header header;
	struct record_cursor cursor;
	struct entry entry;
	uint32_t first = c->effect_count;
	if (record_open(c->batch.buffer + item->at, item->bytes, &header, &cursor))
		return 0;
	for (uint32_t index = 0; record_next(&cursor, &entry) == 1 && c->effect_count < EFFECTS_A_MESSAGE; index++) {
		if (entry.kind != ENTRY_FACT || !tree_has(&c->state->tree, entry.fact.slot.unit))
			continue;
		const struct slot *slot = &entry.fact.slot;
		const struct cell *cell = coverage_cell(&c->state->coverage, slot->unit, slot->measure);
		const char *measure = measures_get(&c->state->registry.measures, slot->measure)->code;
		struct wire_effect *effect = &c->effects[c->effect_count];
		char *plan = c->effect_plans[c->effect_count++];
		*plan = 0;
		*effect = (struct wire_effect){
			.entry = index, .value = cell ? cell->value : BAOPHU_ABSENT, .plan = plan, .target = BAOPHU_ABSENT
		};
		bool truncated;
		uint32_t rows = coverage_rows(&c->state->coverage, slot->unit, &measure, 1, c->rows, EFFECT_ROWS, &truncated);
		for (uint32_t i = 0; i < rows; i++) {
			const struct baophu_row *row = &c->rows[i];
			if (row->kind != BAOPHU_ROW_PLAN ||
			    (row->plan_state != BAOPHU_PLAN_OWN && row->plan_state != BAOPHU_PLAN_SUMMED))
				continue;
			memcpy(plan, row->plan, sizeof row->plan);
			effect->target = row->target;
			break;
		}
	}
	return c->effect_count - first;
}

static void answer_receipt(struct collector *c, const struct group *group, const struct item *item)
{
	const struct record_header *header = &item->header;
	struct wire_update update = { .epoch = header->epoch, .number = header->number };
	if (c->batch.is_lost) {
		say_not_now(c, &(struct sockets_message){ .from = group->to, .peer = group->peer }, &update, BAOPHU_CODE_DISK, 0);
		return;
	}
	const char *name = agents_get(&c->state->registry.agents, header->agent)->name;
	struct wire_receipt receipt;
	if (c->receipt_count == RECEIPTS_A_MESSAGE || (item->wants_effect && c->effect_count))
		flush_receipts(c, group);
	record_receipt(header, name, &receipt);
	ssize_t bytes = wire_encode_receipt(&receipt, c->receipts[c->receipt_count], RECEIPT_BYTES_MAX);
	if (bytes < 0)
		return;
	struct wire_receipt_item *out = &c->receipt_items[c->receipt_count];
	*out = (struct wire_receipt_item){ .receipt = c->receipts[c->receipt_count],
					   .receipt_bytes = (size_t)bytes,
					   .suggestion = item->suggestion };
	if (item->wants_effect) {
		out->effects = c->effects + c->effect_count;
		out->effect_count = add_effects(c, item);
	}
	c->receipt_count++;
	stats_add_verdict(c->stats, header->verdict, header->code);
	stats_add(c->stats, STATS_ENTRIES, header->entry_count);
	*recent_of(c, header->agent, header->epoch, header->number) = (struct recent){ header->agent, header->epoch, header->number,
										       header->place.seq };
	if (header->verdict != BAOPHU_APPLIED)
		notice(c->notices, NOTICE_INFO, wire_code_name(header->code),
		       "update %s: agent=%s epoch=%" PRIu64 " number=%" PRIu64 " code=%s entry=%d seq=%" PRIu64,
		       header->verdict == BAOPHU_HELD ? "held" : "refused", name, header->epoch, header->number,
		       wire_code_name(header->code), (int)header->entry, header->place.seq);
}

static void answer_welcome(struct collector *c, const struct group *group, const struct item *item)
{
	const struct epoch *epoch = agents_epoch(&c->state->registry.agents, item->agent, item->epoch);
	struct sockets_message to = { .from = group->to, .peer = group->peer };
	if (!epoch) { /* its grant was lost with the batch */
		sessions_close(c->sessions, sessions_find(c->sessions, group->to, group->peer));
		turn_away(c, &to, BAOPHU_CODE_DISK);
		return;
	}
	struct wire_collector_message welcome = { .kind = WIRE_WELCOME,
						  .welcome = { .head = c->state->place,
							       .epoch = item->epoch,
							       .next = epoch->next,
							       .credit_bytes = (uint32_t)c->config->credit_bytes,
							       .has_backup = c->state->registry.backup.seq,
							       .backup = c->state->registry.backup,
							       .last_unknown = item->last_unknown } };
	memcpy(welcome.welcome.store, c->daemon->store, sizeof welcome.welcome.store);
	stats_add(c->stats, STATS_SESSIONS, 1);
	say(c, group->to, group->peer, &welcome);
}

static void answer_fork(struct collector *c, const struct group *group)
{
	struct sockets_message to = { .from = group->to, .peer = group->peer };
	if (c->batch.is_lost) {
		turn_away(c, &to, BAOPHU_CODE_DISK);
		return;
	}
	turn_away(c, &to, BAOPHU_CODE_FORK);
}

/* One message of receipts a connection; what else it is to hear keeps its place among them. */
static void send_answers(struct collector *c)
{
	const struct batch *b = &c->batch;
	if (c->exit)
		return;
	for (uint32_t g = 0; g < b->group_count; g++) {
		const struct group *group = &b->groups[g];
		for (uint32_t at = group->first; at; at = b->items[at - 1].next_of_group) {
			const struct item *item = &b->items[at - 1];
			if (item->answer == ANSWER_RECEIPT) {
				answer_receipt(c, group, item);
				continue;
			}
			flush_receipts(c, group);
			if (item->answer == ANSWER_WELCOME)
				answer_welcome(c, group, item);
			else
				answer_fork(c, group);
		}
		flush_receipts(c, group);
	}
}

/* Things of every second, and the watchdog: it hears of a loop that really went round, commit and fold included. */
static void tick(struct collector *c)
{
	if (c->watchdog_us && c->now_us - c->watchdog_sent_us >= c->watchdog_us / 3) {
		sd_notify(0, "WATCHDOG=1");
		c->watchdog_sent_us = c->now_us;
	}
	if (c->now_us - c->ticked_us < TICK_MS * 1000)
		return;
	c->ticked_us = c->now_us;
	stats_add(c->stats, STATS_STAGED_EXPIRED, staging_expire(c->staging, c->now_us / 1000));
	sd_notifyf(0, "STATUS=record %" PRIu64 ", %" PRIu64 " updates since the start%s%s", c->state->place.seq,
		   stats_get(c->stats, STATS_UPDATES), c->is_disk_full ? ", DISK FULL" : "", c->is_day_held ? ", DAY HELD" : "");
}

/* The state is checked once more, and the log says that it ended in order. */
static void stop(struct collector *c)
{
	sd_notify(0, "STOPPING=1");
	begin_batch(c);
	append_checkpoint(c);
	struct record_header header = header_of(c, RECORD_STOP);
	begin_record(c);
	end_record(c, &header);
	commit(c);
	fold(c);
	if (c->batch.is_lost)
		notice(c->notices, NOTICE_WARNING, NULL, "no room to write the stop; the log is whole without it");
	if (c->has_stop_peer)
		say(c, SOCKETS_CONTROL, c->stop_peer, &(struct wire_collector_message){ .kind = WIRE_STOPPED });
	notice(c->notices, NOTICE_INFO, NULL, "stopped at record %" PRIu64, c->state->place.seq);
}

enum daemon_exit collector_run(struct collector *c)
{
	int publish_ms = -1;
	while (!c->is_stopping && !c->exit) {
		wait_for_work(c, publish_ms);
		begin_batch(c);
		append_due(c); /* the day, a check of the state */
		append_releases(c); /* what was held and no longer need be */
		drain(c); /* receive, decide, append */
		commit(c); /* durable from here on */
		fold(c); /* into the state */
		bool is_behind = publish_is_behind(c->publish);
		if (is_behind)
			send_answers(c); /* a large cut is still going out: agents do not wait for it */
		publish_ms = publish(c); /* to subscribers */
		if (!is_behind)
			send_answers(c); /* to agents */
		tick(c);
	}
	if (!c->exit)
		stop(c);
	return c->exit;
}

int collector_create(struct daemon *d, struct collector **ret_collector)
{
	struct collector *c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	c->daemon = d;
	c->state = &d->state;
	c->sockets = d->sockets;
	c->stats = &d->stats;
	c->notices = &d->notices;
	c->config = &d->config;
	c->lookups = (struct decide_lookups){ c, restore, find_versions, read_held, find_place };
	c->checkpoint_seq = c->state->place.seq;
	c->epochs_bound = d->config.epochs_max;
	c->turn = SOCKETS_INGEST;
	c->now_us = c->ticked_us = daemon_monotonic_us();
	c->room_checked_us = c->now_us - ROOM_CHECK_US;
	uint64_t watchdog_us;
	if (sd_watchdog_enabled(0, &watchdog_us) > 0)
		c->watchdog_us = (int64_t)watchdog_us;

	struct batch *b = &c->batch;
	/* Beside the updates: a check, a day, a stop; releases. */
	size_t items = d->config.batch_updates + 8 + RELEASES_A_BATCH;
	b->buffer_size = d->config.batch_bytes + RECORD_BYTES_MAX + RECORD_HEADER_BYTES + (64 << 10);
	b->buffer = mmap(NULL, b->buffer_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	b->items = calloc(items, sizeof *b->items);
	b->groups = calloc(items, sizeof *b->groups);
	c->recent = calloc(RECENT, sizeof *c->recent);
	c->answer = malloc(ANSWER_BYTES);
	c->rows = calloc(EFFECT_ROWS, sizeof *c->rows);
	int error = b->buffer == MAP_FAILED || !b->items || !b->groups || !c->recent || !c->answer || !c->rows ? -ENOMEM : 0;
	if (!error)
		error = decide_create(&c->decide);
	if (!error)
		error = releases_create(c->state, &c->releases);
	if (!error)
		error = publish_create(&d->config, d->sockets, &d->stats, &d->notices, daemon_monotonic_us, &c->publish);
	if (!error)
		error = sessions_create((uint32_t)d->config.sessions_max, &c->sessions);
	if (!error)
		error = staging_create(d->config.stage_bytes, (int64_t)d->config.stage_ms, &c->staging);
	if (!error)
		error = log_reader_open(d->log, &c->log_reader);
	if (!error)
		error = history_reader_open(d->history, &c->history_reader);
	struct wire_arena *arenas[] = { &c->messages, &c->payloads, &c->parts, &c->held };
	for (int i = 0; i < 4 && !error; i++)
		error = wire_arena_init(arenas[i], WIRE_ARENA_BYTES);
	if (error) {
		collector_destroy(c);
		return error;
	}
	*ret_collector = c;
	return 0;
}

void collector_destroy(struct collector *c)
{
	if (!c)
		return;
	if (c->has_waiting)
		sockets_release(&c->waiting);
	wire_arena_finish(&c->messages);
	wire_arena_finish(&c->payloads);
	wire_arena_finish(&c->parts);
	wire_arena_finish(&c->held);
	history_reader_close(c->history_reader);
	log_reader_close(c->log_reader);
	staging_destroy(c->staging);
	sessions_destroy(c->sessions);
	publish_destroy(c->publish);
	releases_destroy(c->releases);
	decide_destroy(c->decide);
	if (c->batch.buffer && c->batch.buffer != MAP_FAILED)
		munmap(c->batch.buffer, c->batch.buffer_size);
	free(c->batch.items);
	free(c->batch.groups);
	free(c->recent);
	free(c->versions);
	free(c->answer);
	free(c->rows);
	free(c);
}
