/* subscription.c - see subscription.h.
 *
 * While a question is under way publications wait in the socket's queue, so an answer and the stream never interleave; what overflows that
 * queue is found out by the next seal.
 *
 * Versions are compared within one history only, and a collector that was put back has another. What it published before waits in queues and
 * may be heard long after it ended, so the stream is connected after the reader and again after either connection was lost: then nothing
 * of it is older than the answers.
 *
 * Events that did not come with their records are asked for of exactly the place that the records are proved at, so that the answer cannot hold
 * more than they speak of, nor less. Until they are there that proof is not shown; while history is behind, what is published goes on and the
 * next proof asks for all of it.
 */
#include "subscription.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "reader.h"

enum {
	RECORD_BYTES_MAX = 4 << 20,
	/* A page that takes longer is asked for anew, from the first on; the patience doubles each time until an answer was whole, so that a slow
	 * link or a busy collector gets there too. */
	QUESTION_TIMEOUT_MS = 5000,
	QUESTION_TIMEOUT_MS_MAX = 160000,
	ASK_AGAIN_MS = 100, /* after a question that did not work; doubled each time */
	ASK_AGAIN_MS_MAX = 10000,
	EVENTS_A_PAGE = 500,
	MESSAGES_A_STEP = 1024, /* so that a step ends even when more arrives all the time */
	TOPIC_BYTES = BAOPHU_TOPIC_BYTES_MAX + 1,
};

struct subscription {
	struct subscription_config config;
	struct subscription_standing standing;
	struct holding holding;
	struct link link; /* the stream; no socket until the reader is connected */
	char *publish_endpoint; /* owned */
	struct reader *reader;
	uint32_t link_seen, questions_seen, restarts_shown; /* connections of the link, of the reader */

	char topic[TOPIC_BYTES], seal_topic[TOPIC_BYTES];
	size_t topic_bytes, seal_topic_bytes;
	char unit[BAOPHU_CODE_BYTES_MAX + 1];
	uint32_t levels; /* below the path's last code */

	struct tally tally; /* of zeros unless events are wanted */
	bool is_at_odds; /* records and events contradict each other: all is void */

	bool is_asking, is_asking_events;
	enum holding_question asked;
	struct wire_query query;
	int64_t asked_ms, ask_after_ms, heard_ms;
	int64_t sealed_ms, proved_ms; /* the last proof; the last one shown; -1: never */
	int ask_again_ms, question_timeout_ms;
	bool has_joined;
	uint64_t shown; /* callbacks called */
	struct wire_arena arena;
};

const struct subscription_standing *subscription_standing(const struct subscription *subscription)
{
	return &subscription->standing;
}

void subscription_events(struct subscription *subscription, struct tally_given *ret_events)
{
	tally_give(&subscription->tally, ret_events);
}

void subscription_events_taken(struct subscription *subscription) { tally_given_out(&subscription->tally); }

int64_t subscription_proof_age_ms(const struct subscription *subscription)
{
	bool is_proved = subscription->proved_ms >= 0 && subscription->standing.place.seq;
	return is_proved ? link_now_ms() - subscription->proved_ms : -1;
}

/* Path of 1 to 9 codes; its last code into `unit`. */
static int read_path(const char *path, char unit[static BAOPHU_CODE_BYTES_MAX + 1], uint32_t *ret_codes)
{
	uint32_t codes = 0;
	size_t bytes = strlen(path);
	if (!bytes || bytes > SUBSCRIPTION_PATH_BYTES_MAX)
		return -EINVAL;
	for (const char *at = path;; codes++) {
		size_t length = strcspn(at, "/");
		if (length < 1 || length > BAOPHU_CODE_BYTES_MAX)
			return -EINVAL;
		memcpy(unit, at, length);
		unit[length] = 0;
		at += length;
		if (!*at++)
			break;
	}
	if (codes > BAOPHU_DEPTH_MAX)
		return -EINVAL;
	*ret_codes = codes + 1;
	return 0;
}

/* Connects anew to what is published. */
static int open_stream(struct subscription *subscription)
{
	struct link *link = &subscription->link;
	int error = link_open(link, subscription->config.context, LINK_SUBSCRIBER, subscription->publish_endpoint,
			      RECORD_BYTES_MAX);
	if (!error && (zmq_setsockopt(link->socket, ZMQ_SUBSCRIBE, subscription->topic, subscription->topic_bytes) < 0 ||
		       zmq_setsockopt(link->socket, ZMQ_SUBSCRIBE, subscription->seal_topic, subscription->seal_topic_bytes) < 0)) {
		error = -errno;
		link_close(link);
	}
	return error;
}

int subscription_open(const struct subscription_config *config, struct subscription **ret_subscription)
{
	uint32_t codes;
	struct subscription *subscription = calloc(1, sizeof *subscription);
	if (!subscription)
		return -ENOMEM;
	int error = read_path(config->path, subscription->unit, &codes);
	if (!error && (config->depth + 1 < codes || config->depth > BAOPHU_DEPTH_MAX))
		error = -EINVAL;
	if (error) {
		free(subscription);
		return error;
	}
	subscription->config = *config;
	subscription->levels = config->depth + 1 - codes;
	if (!config->stale_after_ms)
		subscription->config.stale_after_ms = SUBSCRIPTION_STALE_MS;
	subscription->heard_ms = link_now_ms();
	subscription->question_timeout_ms = QUESTION_TIMEOUT_MS;
	subscription->proved_ms = -1;
	holding_init(&subscription->holding, config->units_max ? config->units_max : BAOPHU_UNITS_MAX);
	if (config->resume_place.seq)
		holding_resume(&subscription->holding, &config->resume_place);
	if (config->wants_events) {
		tally_init(&subscription->tally, config->events_max);
		if (config->resume_place.seq)
			tally_resume(&subscription->tally, &config->resume_place);
		subscription->standing.place = config->resume_place;
	}
	for (uint32_t i = 0; !error && config->resume_place.seq && i < config->resume_count; i++) {
		const struct baophu_held_unit *unit = &config->resume_units[i];
		error = holding_resume_unit(&subscription->holding, unit->unit_number, unit->version);
		if (!error && config->wants_events)
			error = tally_resume_unit(&subscription->tally, unit->unit_number, unit->event_count);
	}
	if (error) {
		subscription_close(subscription);
		return error;
	}
	subscription->standing.date = BAOPHU_DATE_NONE;
	subscription->topic_bytes = (size_t)snprintf(subscription->topic, sizeof subscription->topic, "coverage/%u/%s/",
						     config->depth, config->path);
	subscription->seal_topic_bytes = (size_t)snprintf(subscription->seal_topic, sizeof subscription->seal_topic, "seal/%u/%s/~",
							  config->depth, config->path);
	subscription->publish_endpoint = strdup(config->publish_endpoint);
	error = subscription->publish_endpoint ? open_stream(subscription) : -ENOMEM; /* is it an endpoint at all? */
	link_close(&subscription->link);
	if (!error)
		error = reader_open(config->context, config->query_endpoint, &subscription->reader);
	if (error) {
		subscription_close(subscription);
		return error;
	}
	*ret_subscription = subscription;
	return 0;
}

void subscription_close(struct subscription *subscription)
{
	if (!subscription)
		return;
	reader_close(subscription->reader);
	link_close(&subscription->link);
	holding_finish(&subscription->holding);
	tally_finish(&subscription->tally);
	free(subscription->publish_endpoint);
	wire_arena_finish(&subscription->arena);
	free(subscription);
}

/* ---- showing ---- */

static void ask_later(struct subscription *subscription, int64_t now_ms)
{
	int wait_ms = subscription->ask_again_ms ? subscription->ask_again_ms * 2 : ASK_AGAIN_MS;
	subscription->ask_again_ms = wait_ms < ASK_AGAIN_MS_MAX ? wait_ms : ASK_AGAIN_MS_MAX;
	subscription->ask_after_ms = now_ms + subscription->ask_again_ms;
	subscription->is_asking = false;
}

static int show_record(struct subscription *subscription, const struct baophu_record *record)
{
	if (subscription->config.wants_events) {
		int error = tally_record(&subscription->tally, record);
		if (error == -ENOMEM)
			return error;
		subscription->is_at_odds = subscription->is_at_odds || error;
	}
	subscription->standing.records++;
	subscription->shown++;
	if (subscription->config.on_record)
		subscription->config.on_record(subscription->config.user, record);
	return 0;
}

/* Everything becomes void, of a history that answers: enough to ask again at once. */
static void begin_anew(struct subscription *subscription)
{
	uint64_t seal_seq = subscription->holding.seal_seq;
	holding_restart(&subscription->holding);
	subscription->holding.seal_seq = seal_seq;
}

/* Tells of a changed state or proof. */
static void show_state(struct subscription *subscription)
{
	struct subscription_standing *standing = &subscription->standing;
	const struct holding *holding = &subscription->holding;
	if (subscription->is_at_odds) {
		begin_anew(subscription);
		ask_later(subscription, link_now_ms());
		subscription->is_at_odds = false;
	}
	bool is_void = subscription->restarts_shown != holding->restarts; /* perhaps again, before it was whole */
	bool lacks_events = false;
	if (subscription->config.wants_events) {
		if (is_void)
			tally_restart(&subscription->tally);
		lacks_events = holding->state != HOLDING_SYNCING && !tally_is_whole(&subscription->tally);
		if (holding->state == HOLDING_EXACT && !lacks_events)
			tally_proof(&subscription->tally, &holding->place);
	}
	enum holding_state state = holding->state == HOLDING_EXACT && lacks_events ? HOLDING_REPAIRING : holding->state;
	bool is_proof = !subscription->config.wants_events || state == HOLDING_EXACT || state == HOLDING_SYNCING;
	const struct baophu_place *place = is_proof ? &holding->place : &standing->place;
	bool is_new = standing->state != state || standing->place.seq != place->seq || is_void;
	if (state == HOLDING_EXACT)
		subscription->proved_ms = subscription->sealed_ms;
	subscription->restarts_shown = holding->restarts;
	standing->state = state;
	standing->place = *place;
	standing->date = holding->date;
	standing->count = holding->count;
	standing->seal_seq = holding->seal_seq;
	if (!is_new)
		return;
	subscription->shown++;
	if (subscription->config.on_state)
		subscription->config.on_state(subscription->config.user, standing);
}

/* ---- asking ---- */

static void set_since(struct wire_query *query, const struct baophu_place *place)
{
	query->since_seq = place->seq;
	query->has_since_digest = true;
	memcpy(query->since_digest, place->digest, sizeof place->digest);
}

static void ask(struct subscription *subscription, int64_t now_ms)
{
	uint64_t min_seq;
	const struct holding *holding = &subscription->holding;
	enum holding_question question = holding_question(holding, &min_seq);
	bool lacks_events = subscription->config.wants_events && holding->state == HOLDING_EXACT &&
			    !tally_is_whole(&subscription->tally);
	if ((question == HOLDING_ASK_NOTHING && !lacks_events) || now_ms < subscription->ask_after_ms)
		return;
	struct wire_query *query = &subscription->query;
	*query = reader_question(lacks_events ? WIRE_QUERY_EVENTS : WIRE_QUERY_CHANGED);
	query->unit = subscription->unit;
	query->depth = subscription->levels;
	if (lacks_events) {
		query->as_of = holding->date; /* the map that the records are of */
		query->known_seq = holding->place.seq;
		query->limit = EVENTS_A_PAGE;
		set_since(query, &subscription->tally.base);
	} else {
		query->min_seq = min_seq;
		if (question == HOLDING_ASK_CHANGED)
			set_since(query, &holding->place);
	}
	subscription->is_asking_events = lacks_events;
	subscription->asked = question;
	subscription->asked_ms = now_ms;
	if (reader_ask(subscription->reader, &subscription->query) < 0) {
		ask_later(subscription, now_ms);
		return;
	}
	subscription->is_asking = true;
	if (subscription->has_joined)
		subscription->standing.repairs++;
	if (!lacks_events)
		holding_answer_begin(&subscription->holding);
}

static int take_events(struct subscription *subscription, const struct wire_answer *answer)
{
	const struct baophu_place *place = &subscription->holding.place;
	if (answer->cut.seq != place->seq || memcmp(answer->cut.digest, place->digest, sizeof place->digest) != 0) {
		subscription->is_at_odds = true; /* the collector has another history than what it published */
		return 0;
	}
	int error = 0;
	for (uint32_t i = 0; !error && i < answer->event_count; i++)
		error = tally_answer_event(&subscription->tally, &answer->events[i]);
	return error;
}

static int take_page(struct subscription *subscription, const struct wire_answer *answer)
{
	if (subscription->is_asking_events)
		return take_events(subscription, answer);
	for (uint32_t i = 0; i < answer->record_count; i++) {
		const struct baophu_record *record = &answer->records[i];
		enum holding_effect effect;
		int error = holding_answer_record(&subscription->holding, record->unit_number, record->version, &effect);
		if (error)
			return error;
		if (effect == HOLDING_APPLIED)
			error = show_record(subscription, record);
		if (error)
			return error;
	}
	return 0;
}

/* Drops what was not there at this cut. */
static int sweep(struct subscription *subscription, const struct baophu_place *cut)
{
	uint32_t unit;
	int error = 0;
	while (!error && (unit = holding_sweep(&subscription->holding, cut)) != 0) {
		struct baophu_record gone = { .unit_number = unit, .version = cut->seq, .seq = cut->seq, .tombstone = true };
		gone.depth = subscription->config.depth;
		gone.date = subscription->holding.date;
		error = show_record(subscription, &gone);
	}
	return error;
}

/* All events are here that records speak of, or none is to come. */
static void finish_events(struct subscription *subscription, int64_t now_ms)
{
	if (!tally_is_whole(&subscription->tally) && tally_answer_end(&subscription->tally) < 0)
		subscription->is_at_odds = true;
	subscription->is_asking = false;
	subscription->standing.refused = BAOPHU_CODE_NONE;
	subscription->ask_again_ms = 0;
	subscription->heard_ms = now_ms;
}

/* The last page is taken. */
static int finish_answer(struct subscription *subscription, const struct baophu_place *cut, int64_t now_ms)
{
	int error = subscription->asked == HOLDING_ASK_ALL ? sweep(subscription, cut) : 0;
	if (error)
		return error;
	holding_answer_end(&subscription->holding, cut);
	if (subscription->holding.state == HOLDING_EXACT)
		subscription->sealed_ms = now_ms;
	subscription->is_asking = false;
	subscription->question_timeout_ms = QUESTION_TIMEOUT_MS;
	subscription->has_joined = true;
	subscription->standing.refused = BAOPHU_CODE_NONE;
	/* if the next seal still does not match, the question after this one waits longer */
	subscription->ask_again_ms = subscription->ask_again_ms ? subscription->ask_again_ms * 2 : ASK_AGAIN_MS;
	if (subscription->ask_again_ms > ASK_AGAIN_MS_MAX)
		subscription->ask_again_ms = ASK_AGAIN_MS_MAX;
	subscription->ask_after_ms = now_ms + subscription->ask_again_ms - ASK_AGAIN_MS;
	subscription->heard_ms = now_ms;
	return 0;
}

/* Looks after the question that is under way. */
static int hear_answer(struct subscription *subscription, int64_t now_ms)
{
	struct wire_answer answer;
	int result = reader_take(subscription->reader, &answer);
	if (result > 0) {
		int error = take_page(subscription, &answer);
		if (error)
			return error;
		bool is_enough = subscription->is_asking_events &&
				 (subscription->is_at_odds || tally_is_whole(&subscription->tally));
		bool is_last = is_enough || !reader_next_page(&subscription->query, &answer);
		if (is_last && subscription->is_asking_events)
			finish_events(subscription, now_ms);
		else if (is_last)
			return finish_answer(subscription, &answer.cut, now_ms);
		else if (reader_ask(subscription->reader, &subscription->query) < 0)
			ask_later(subscription, now_ms);
		subscription->asked_ms = now_ms;
	} else if (result == -BAOPHU_EREFUSED) {
		subscription->standing.refused = answer.code;
		if (answer.code == BAOPHU_CODE_SNAPSHOT_REQUIRED)
			begin_anew(subscription);
		ask_later(subscription, now_ms);
	} else if (result < 0) {
		return result;
	} else if (!reader_is_waiting(subscription->reader)) {
		ask_later(subscription, now_ms);
	} else if (now_ms - subscription->asked_ms > subscription->question_timeout_ms) {
		if (subscription->question_timeout_ms < QUESTION_TIMEOUT_MS_MAX)
			subscription->question_timeout_ms *= 2;
		ask_later(subscription, now_ms);
	}
	return 0;
}

/* ---- the stream ---- */

static bool has_prefix(zmq_msg_t *topic, const char *prefix, size_t bytes)
{
	return zmq_msg_size(topic) >= bytes && memcmp(zmq_msg_data(topic), prefix, bytes) == 0;
}

static int hear_publication(struct subscription *subscription, zmq_msg_t *topic, zmq_msg_t *body)
{
	size_t size = zmq_msg_size(body);
	int error = link_arena_fit(&subscription->arena, size);
	if (error)
		return error;
	if (has_prefix(topic, subscription->seal_topic, subscription->seal_topic_bytes) &&
	    zmq_msg_size(topic) == subscription->seal_topic_bytes) {
		struct baophu_seal seal;
		if (wire_decode_seal(&subscription->arena, zmq_msg_data(body), size, &seal) < 0)
			return -BAOPHU_EPROTOCOL;
		if (holding_is_emptied(&subscription->holding, &seal))
			error = sweep(subscription, &seal.place);
		if (error)
			return error;
		holding_seal(&subscription->holding, &seal);
		if (subscription->holding.state == HOLDING_EXACT) {
			if (!subscription->config.wants_events || tally_is_whole(&subscription->tally))
				subscription->ask_again_ms = 0;
			subscription->sealed_ms = link_now_ms();
		}
	} else if (has_prefix(topic, subscription->topic, subscription->topic_bytes)) {
		struct baophu_record record;
		enum holding_effect effect;
		if (wire_decode_record(&subscription->arena, zmq_msg_data(body), size, &record) < 0)
			return -BAOPHU_EPROTOCOL;
		error = holding_publish(&subscription->holding, record.unit_number, record.previous, record.version,
					record.tombstone, &effect);
		if (error)
			return error;
		if (effect == HOLDING_APPLIED || effect == HOLDING_GONE)
			error = show_record(subscription, &record);
	}
	return error;
}

/* True when what the stream still holds may be of another run of the collector than the answers to come: after either connection was lost. */
static bool has_other_collector(const struct subscription *subscription)
{
	const struct link *stream = &subscription->link;
	return stream->up_count > 1 || (stream->up_count && !stream->is_up) ||
	       reader_link(subscription->reader)->up_count != subscription->questions_seen;
}

/* Takes what is there, at most MESSAGES_A_STEP, or until something has to be asked. */
static int hear_publications(struct subscription *subscription, int64_t now_ms)
{
	int error = 0;
	for (int i = 0; subscription->link.socket && i < MESSAGES_A_STEP && !error && !subscription->is_asking; i++) {
		zmq_msg_t frames[2];
		zmq_msg_init(&frames[0]);
		zmq_msg_init(&frames[1]);
		int count = link_receive(&subscription->link, frames);
		link_watch(&subscription->link); /* a callback may have taken long */
		link_watch(reader_link(subscription->reader));
		if (has_other_collector(subscription))
			count = 0;
		if (count == 2) {
			subscription->heard_ms = now_ms;
			error = hear_publication(subscription, &frames[0], &frames[1]);
			show_state(subscription); /* asks, when it is void, as of one that is */
			if (!error)
				ask(subscription, now_ms);
		}
		zmq_msg_close(&frames[0]);
		zmq_msg_close(&frames[1]);
		if (!count)
			break;
	}
	return error;
}

/* A connection that was lost, or silence. */
static int notice_loss(struct subscription *subscription, int64_t now_ms)
{
	struct link *stream = &subscription->link;
	const struct link *questions = reader_link(subscription->reader);
	bool is_lost = stream->socket && has_other_collector(subscription);
	subscription->questions_seen = questions->up_count;
	if (is_lost)
		link_close(stream);
	if (!stream->socket && questions->is_up) {
		int error = open_stream(subscription);
		if (error)
			return error;
		subscription->link_seen = 0;
	}
	if (stream->up_count != subscription->link_seen)
		subscription->heard_ms = now_ms;
	subscription->link_seen = stream->up_count;
	bool is_silent = !subscription->is_asking && now_ms - subscription->heard_ms > subscription->config.stale_after_ms;
	if (is_silent && stream->is_up) /* the collector may know of no such subscriber: a new connection subscribes anew */
		link_close(stream);
	if (is_lost || !stream->is_up || is_silent) {
		enum holding_state state = subscription->holding.state;
		subscription->is_asking = false; /* an answer from before says nothing about what comes after */
		if (state == HOLDING_STALE) {
			subscription->holding.heard_since_lost = subscription->holding.heard_since_lost && !is_lost;
			if (is_lost) /* what was heard while it was stale may be of a history that is no more */
				tally_lost(&subscription->tally);
		} else if (state != HOLDING_SYNCING || is_lost) {
			holding_lost(&subscription->holding);
			tally_lost(&subscription->tally);
		}
	}
	return 0;
}

int subscription_step(struct subscription *subscription, int timeout_ms)
{
	int64_t deadline_ms = timeout_ms < 0 ? INT64_MAX : link_now_ms() + timeout_ms;
	struct link *links[] = { reader_link(subscription->reader), &subscription->link };
	for (;;) {
		int64_t now_ms = link_now_ms();
		uint64_t shown = subscription->shown;
		link_watch(links[0]);
		if (links[1]->socket)
			link_watch(links[1]);
		int error = notice_loss(subscription, now_ms);
		show_state(subscription);
		if (!error && subscription->is_asking)
			error = hear_answer(subscription, now_ms);
		show_state(subscription);
		if (!error && !subscription->is_asking)
			ask(subscription, now_ms);
		if (!error)
			error = hear_publications(subscription, now_ms);
		if (error)
			return error;
		if (subscription->shown != shown || now_ms >= deadline_ms)
			return 0;
		int64_t wait_ms = deadline_ms - now_ms < ASK_AGAIN_MS ? deadline_ms - now_ms : ASK_AGAIN_MS;
		bool reads[] = { true, !subscription->is_asking };
		error = link_wait(links, reads, links[1]->socket ? 2 : 1, (int)wait_ms);
		if (error)
			return error;
	}
}
