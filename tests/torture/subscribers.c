/* subscribers.c - subscribers of the client library against the real daemon over lanes that lose, repeat, delay, reorder and cut; the
 * daemon is killed and started again, and put back to an older copy of its data. A seed decides what happens.
 *   subscribers [--wrong] BAOPHUD FIRST [LAST]      status 0: no seed had a wrong claim and all healed; 1: one had; 2: could not be run
 *   --wrong: of a library that is known to be broken: 0 when a wrong claim was found
 *
 * The truth of each place (seq, digest) that the daemon was ever at, in whatever history, is kept from answers over a clean connection
 * with nothing under way, and between two of those worked out from the updates themselves. A claim "exact" is held against it after each
 * step and in each callback: every unit, its version, its figure and its whole content. And so is what is told of events: between two
 * proofs those that the daemon's history has of the units held, each once, in order, and no other. The library's clock runs faster
 * here, so that what waits seconds in life waits milliseconds.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon.h"
#include "lane.h"
#include "subscription.h"

enum {
	CLOCK_FASTER = 20,
	VIEWERS = 5,
	UNITS_KEPT = 64,
	ROUNDS = 45,
	/* Healing ends in nothing when both are over: time alone says little of a process that gets no turn at a processor. */
	HEAL_US = 20000000,
	HEAL_TURNS = 20000,
	PATH_BYTES = 80,
	PLANS = 8,
	LINES = 13,
};

/* ---- the library's surroundings, bent ---- */

static int subscriber_hwm; /* of this seed; 0: as the library sets it */
int __real_zmq_setsockopt(void *socket, int option, const void *value, size_t size);
int __wrap_zmq_setsockopt(void *socket, int option, const void *value, size_t size);
int __wrap_zmq_setsockopt(void *socket, int option, const void *value, size_t size)
{
	static const int soon_ms = 2, later_ms = 20;
	int type = 0;
	size_t type_size = sizeof type;
	zmq_getsockopt(socket, ZMQ_TYPE, &type, &type_size);
	if (option == ZMQ_RECONNECT_IVL)
		value = &soon_ms;
	else if (option == ZMQ_RECONNECT_IVL_MAX)
		value = &later_ms;
	else if (option == ZMQ_RCVHWM && type == ZMQ_SUB && subscriber_hwm)
		value = &subscriber_hwm;
	return __real_zmq_setsockopt(socket, option, value, size);
}
int64_t __wrap_link_now_ms(void);
int64_t __wrap_link_now_ms(void) { return now_us() * CLOCK_FASTER / 1000; }

/* Answers of some pages, so that connections end between them. The clean reader does not pass here. */
static uint32_t page_units;
int __real_reader_ask(struct reader *reader, const struct wire_query *query);
int __wrap_reader_ask(struct reader *reader, const struct wire_query *query);
int __wrap_reader_ask(struct reader *reader, const struct wire_query *query)
{
	struct wire_query small = *query;
	small.limit = page_units;
	return __real_reader_ask(reader, &small);
}

/* ---- truth ---- */

struct unit_truth {
	uint32_t number, depth;
	uint64_t version, content; /* content 0: not known here */
	uint64_t event_count;
	int64_t value; /* of the stock; INT64_MIN: not known here */
	char unit[BAOPHU_CODE_BYTES_MAX + 1], parent[BAOPHU_CODE_BYTES_MAX + 1], path[PATH_BYTES];
};
struct truth {
	struct baophu_place place;
	uint32_t life, count;
	struct unit_truth units[UNITS_KEPT];
};

/* What happened in one history, from its first record on, up to where the daemon stood last in it. */
struct life {
	struct told {
		uint64_t seq;
		uint32_t index, unit;
		uint64_t content;
	} * events; /* delivered ones, in order */
	uint32_t count, capacity;
	uint64_t until_seq;
};

struct viewer {
	struct run *run;
	struct subscription *subscription;
	struct lane publications, questions;
	const char *path;
	uint32_t depth;
	char publish[DAEMON_PATH_BYTES], query[DAEMON_PATH_BYTES];
	struct unit_truth held[UNITS_KEPT];
	uint32_t count;
	struct baophu_place from, to; /* of the last events told; of the newest proof */
	bool is_whole, has_proof;
	int64_t stopped_until_us;
	uint64_t exact_count, restarts, told_count, unlisted_count, resumed_count;
};
struct run {
	uint64_t seed, random;
	struct daemon daemon;
	void *context;
	struct truth *truths;
	uint32_t truth_count;
	struct life *lives; /* the last one is where the daemon stands */
	uint32_t life_count;
	struct viewer viewers[VIEWERS];
	bool has_copy;
	uint32_t events_max;
	int next_code;
	uint32_t day;
	uint64_t wrong, unhealed; /* claims; subscribers */
	uint64_t kills, put_backs, cuts, updates;
};

static bool chance(struct run *run, uint64_t percent) { return dice(&run->random, 100) < percent; }

static uint64_t encoded_hash(const struct baophu_record *record)
{
	static uint8_t bytes[1 << 20];
	ssize_t size = wire_encode_record(record, bytes, sizeof bytes);
	if (size < 0)
		trouble("a record cannot be encoded");
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (ssize_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return hash | 1;
}

static uint64_t content_of(const struct baophu_record *record)
{
	struct baophu_record same = *record;
	same.previous = same.seq = 0;
	same.new_event_count = 0; /* not in answers */
	return encoded_hash(&same);
}

static struct told told_of(const struct baophu_event *event)
{
	const struct baophu_record alone = { .new_event_count = 1, .events = event };
	return (struct told){ event->seq, event->index, event->unit_number, encoded_hash(&alone) };
}

static struct unit_truth unit_truth(const struct baophu_record *record)
{
	struct unit_truth truth = { .number = record->unit_number,
				    .depth = record->depth,
				    .version = record->version,
				    .content = content_of(record),
				    .event_count = record->event_count,
				    .value = BAOPHU_ABSENT };
	strcpy(truth.unit, record->unit);
	strcpy(truth.parent, record->parent);
	for (uint32_t i = 0; i < record->row_count; i++)
		if (record->rows[i].kind == BAOPHU_ROW_STOCK && !strcmp(record->rows[i].measure, "bhxh_tn"))
			truth.value = record->rows[i].value;
	return truth;
}

static struct truth *find_truth(struct run *run, const struct baophu_place *place)
{
	for (uint32_t i = run->truth_count; i-- > 0;)
		if (run->truths[i].place.seq == place->seq &&
		    !memcmp(run->truths[i].place.digest, place->digest, sizeof place->digest))
			return &run->truths[i];
	return NULL;
}

static struct truth *add_truth(struct run *run)
{
	if (run->truth_count % 64 == 0)
		run->truths = realloc(run->truths, (run->truth_count + 64) * sizeof *run->truths);
	if (!run->truths)
		trouble("no memory");
	return &run->truths[run->truth_count++];
}

static void set_paths(struct truth *truth)
{
	for (uint32_t i = 0; i < truth->count; i++) { /* units come by depth: a parent's path is there already */
		struct unit_truth *unit = &truth->units[i];
		char path[PATH_BYTES] = "";
		for (uint32_t j = 0; j < i; j++)
			if (!strcmp(truth->units[j].unit, unit->parent))
				memcpy(path, truth->units[j].path, sizeof path);
		if (strlen(path) + strlen(unit->unit) + 2 > sizeof path)
			trouble("a path is too long");
		strcat(strcat(path, unit->unit), "/");
		memcpy(unit->path, path, sizeof path);
	}
}

static struct life *begin_life(struct run *run)
{
	run->lives = realloc(run->lives, (run->life_count + 1) * sizeof *run->lives);
	if (!run->lives)
		trouble("no memory");
	run->lives[run->life_count] = (struct life){ 0 };
	return &run->lives[run->life_count++];
}

static void end_lives(struct run *run)
{
	for (uint32_t i = 0; i < run->life_count; i++)
		free(run->lives[i].events);
	run->life_count = 0;
}

/* Asks for what happened up to this place since it was asked last. */
static void take_life(struct run *run, const struct baophu_place *place)
{
	struct life *life = &run->lives[run->life_count - 1];
	struct wire_query query = reader_question(WIRE_QUERY_EVENTS);
	struct wire_answer answer;
	query.since_seq = life->until_seq;
	query.known_seq = place->seq;
	if (place->seq <= life->until_seq)
		return;
	do {
		int error = reader_query(run->daemon.reader, &query, 10000 * CLOCK_FASTER, &answer);
		if (error || memcmp(&answer.cut, place, sizeof *place))
			trouble("the clean reader, asked for events: %s", baophu_strerror(error));
		for (uint32_t i = 0; i < answer.event_count; i++) {
			if (!answer.events[i].number)
				continue;
			if (life->count == life->capacity) {
				life->capacity = life->capacity ? life->capacity * 2 : 256;
				life->events = realloc(life->events, life->capacity * sizeof *life->events);
			}
			if (!life->events)
				trouble("no memory");
			life->events[life->count++] = told_of(&answer.events[i]);
		}
	} while (reader_next_page(&query, &answer));
	life->until_seq = place->seq;
}

/* Asks for everything with nothing under way, and keeps it as the truth of the place where the daemon stands. */
static struct truth *take_truth(struct run *run, uint64_t min_seq)
{
	static struct truth now;
	now = (struct truth){ 0 };
	for (uint32_t depth = 0; depth <= 3; depth++) {
		struct wire_query query = reader_question(WIRE_QUERY_CHANGED);
		struct wire_answer answer;
		query.unit = "VN";
		query.depth = depth;
		query.min_seq = min_seq;
		do {
			int error = reader_query(run->daemon.reader, &query, 10000 * CLOCK_FASTER, &answer);
			if (error)
				trouble("the clean reader: %s", baophu_strerror(error));
			if (now.place.seq && (now.place.seq != answer.cut.seq ||
					      memcmp(now.place.digest, answer.cut.digest, sizeof now.place.digest))) {
				depth = UINT32_MAX; /* the daemon wrote a record of its own meanwhile: once more */
				now = (struct truth){ 0 };
				break;
			}
			now.place = answer.cut;
			for (uint32_t i = 0; i < answer.record_count; i++) {
				if (now.count == UNITS_KEPT)
					trouble("too many units");
				now.units[now.count++] = unit_truth(&answer.records[i]);
			}
		} while (reader_next_page(&query, &answer));
	}
	set_paths(&now);
	take_life(run, &now.place);
	now.life = run->life_count - 1;
	struct truth *kept = find_truth(run, &now.place);
	if (!kept) {
		kept = add_truth(run);
	} else { /* what was worked out must be what it says */
		for (uint32_t i = 0; i < kept->count; i++) {
			const struct unit_truth *worked_out = &kept->units[i], *said = NULL;
			for (uint32_t j = 0; j < now.count; j++)
				if (now.units[j].number == worked_out->number)
					said = &now.units[j];
			if (!said || kept->count != now.count || said->version != worked_out->version ||
			    (worked_out->value != INT64_MIN && worked_out->value != said->value) ||
			    (worked_out->content && worked_out->content != said->content))
				trouble("seed %llu: the truth is uncertain: %s at %llu", (unsigned long long)run->seed,
					worked_out->path, (unsigned long long)now.place.seq);
		}
	}
	*kept = now;
	return kept;
}

/* ---- claims ---- */

static void wrong(struct viewer *viewer, const struct subscription_standing *standing, const char *what, const char *unit)
{
	struct run *run = viewer->run;
	if (run->wrong++ < 3)
		fprintf(stderr, "seed %llu: %s at depth %u claims to be exact at %llu: %s %s\n", (unsigned long long)run->seed,
			viewer->path, viewer->depth, (unsigned long long)standing->place.seq, what, unit);
}

static bool is_seen(const struct viewer *viewer, const struct unit_truth *unit)
{
	size_t bytes = strlen(viewer->path);
	return unit->depth == viewer->depth && !strncmp(unit->path, viewer->path, bytes) && unit->path[bytes] == '/';
}

static void check_claim(struct viewer *viewer, const struct subscription_standing *standing)
{
	if (standing->state != HOLDING_EXACT)
		return;
	viewer->exact_count++;
	const struct truth *truth = find_truth(viewer->run, &standing->place);
	if (!truth && viewer->run->daemon.pid) {
		take_truth(viewer->run, 0); /* a record that the daemon wrote by itself */
		truth = find_truth(viewer->run, &standing->place);
	}
	if (!truth) {
		wrong(viewer, standing, "a place that never was", "");
		return;
	}
	uint32_t count = 0;
	for (uint32_t i = 0; i < truth->count; i++) {
		const struct unit_truth *unit = &truth->units[i], *held = NULL;
		if (!is_seen(viewer, unit))
			continue;
		count++;
		for (uint32_t j = 0; j < viewer->count; j++)
			if (viewer->held[j].number == unit->number)
				held = &viewer->held[j];
		if (!held)
			wrong(viewer, standing, "missing", unit->path);
		else if (held->version != unit->version)
			wrong(viewer, standing, "another version of", unit->path);
		else if (unit->value != INT64_MIN && held->value != unit->value)
			wrong(viewer, standing, "a wrong figure of", unit->path);
		else if (unit->content && held->content != unit->content)
			wrong(viewer, standing, "a wrong content of", unit->path);
	}
	if (count != viewer->count)
		wrong(viewer, standing, "more units than there are", "");
	if (count != standing->count)
		wrong(viewer, standing, "another number of units than was shown", "");
}

static bool is_told_of(const struct viewer *viewer, const struct truth *truth, uint32_t unit)
{
	for (uint32_t i = 0; i < truth->count; i++)
		if (truth->units[i].number == unit)
			return is_seen(viewer, &truth->units[i]);
	return false;
}

/* What is told since the last time, against what happened to the units that are held at the newest proof. */
static void check_events(struct viewer *viewer)
{
	struct tally_given given;
	const struct subscription_standing at = { .place = viewer->to };
	const struct truth *truth = find_truth(viewer->run, &viewer->to);
	subscription_events(viewer->subscription, &given);
	uint32_t next = 0;
	char what[BAOPHU_CODE_BYTES_MAX + 64];
	/* a claim of a place that never was is counted where it is made */
	for (uint32_t i = 0; truth && !viewer->is_whole && i < viewer->run->lives[truth->life].count; i++) {
		const struct told *happened = &viewer->run->lives[truth->life].events[i];
		if (happened->seq <= viewer->from.seq || happened->seq > viewer->to.seq ||
		    !is_told_of(viewer, truth, happened->unit))
			continue;
		if (happened->seq > given.unlisted_after && happened->seq <= given.unlisted_until) {
			viewer->unlisted_count++;
			continue;
		}
		snprintf(what, sizeof what, "%llu.%u", (unsigned long long)happened->seq, happened->index);
		if (next == given.count) {
			wrong(viewer, &at, "without the event", what);
			break;
		}
		const struct told told = told_of(&given.events[next++]);
		if (told.seq != happened->seq || told.index != happened->index) {
			wrong(viewer, &at, "with another event than", what);
			break;
		}
		if (told.content != happened->content || told.unit != happened->unit)
			wrong(viewer, &at, "with a wrong content of the event", what);
		viewer->told_count++;
	}
	if (truth && !viewer->is_whole && next < given.count)
		wrong(viewer, &at, "with events that did not happen, or were told before", "");
	if (given.unlisted_until &&
	    (viewer->is_whole ? given.unlisted_until > viewer->to.seq : given.unlisted_after != viewer->from.seq))
		wrong(viewer, &at, "without events of a range that is another", "");
	subscription_events_taken(viewer->subscription);
	viewer->from = viewer->to;
	viewer->is_whole = viewer->has_proof = false;
}

static void see_record(void *user, const struct baophu_record *record)
{
	struct viewer *viewer = user;
	uint32_t at = 0;
	while (at < viewer->count && viewer->held[at].number != record->unit_number)
		at++;
	if (record->tombstone) {
		if (at < viewer->count)
			viewer->held[at] = viewer->held[--viewer->count];
		return;
	}
	if (at == UNITS_KEPT)
		trouble("too many units shown");
	viewer->count += at == viewer->count;
	viewer->held[at] = unit_truth(record);
}

static void see_state(void *user, const struct subscription_standing *standing)
{
	struct viewer *viewer = user;
	if (standing->state == HOLDING_SYNCING) {
		viewer->restarts++;
		viewer->count = 0;
		viewer->is_whole = true;
		viewer->has_proof = false;
	}
	if (standing->state == HOLDING_EXACT) {
		viewer->has_proof = true;
		viewer->to = standing->place;
	}
	check_claim(viewer, standing);
}

/* ---- what happens ---- */

/* As from nothing; or, when everything up to the last proof is held, going on from there. */
static void viewer_open(struct viewer *viewer, bool goes_on)
{
	struct baophu_held_unit held[UNITS_KEPT];
	bool knows_counts = chance(viewer->run, 50);
	struct subscription_config config = { .context = viewer->run->context,
					      .publish_endpoint = viewer->publish,
					      .query_endpoint = viewer->query,
					      .path = viewer->path,
					      .depth = viewer->depth,
					      .stale_after_ms = 150 * CLOCK_FASTER,
					      .wants_events = true,
					      .events_max = viewer->run->events_max,
					      .user = viewer,
					      .on_record = see_record,
					      .on_state = see_state };
	for (uint32_t i = 0; goes_on && i < viewer->count; i++) {
		const struct unit_truth *unit = &viewer->held[i];
		held[i] = (struct baophu_held_unit){ unit->number, unit->version, knows_counts ? unit->event_count : 0 };
	}
	if (goes_on) {
		config.resume_place = viewer->from;
		config.resume_units = held;
		config.resume_count = viewer->count;
		viewer->resumed_count++;
	} else {
		viewer->count = 0;
	}
	viewer->is_whole = !goes_on;
	viewer->has_proof = false;
	int error = subscription_open(&config, &viewer->subscription);
	if (error)
		trouble("a subscription cannot be opened: %s", baophu_strerror(error));
}

static void pump(struct run *run)
{
	for (int i = 0; i < VIEWERS; i++) {
		lane_pump(&run->viewers[i].publications);
		lane_pump(&run->viewers[i].questions);
	}
}

static void connect_lanes(struct viewer *viewer)
{
	const struct daemon *daemon = &viewer->run->daemon;
	if (!viewer->publications.back && daemon->pid)
		lane_connect(&viewer->publications, daemon->publish);
	if (!viewer->questions.back && daemon->pid)
		lane_connect(&viewer->questions, daemon->query);
}

/* Moves messages and lets those work who are not stopped. */
static void turn(struct run *run)
{
	pump(run);
	for (int i = 0; i < VIEWERS; i++) {
		struct viewer *viewer = &run->viewers[i];
		connect_lanes(viewer);
		if (viewer->stopped_until_us > now_us())
			continue;
		int error = subscription_step(viewer->subscription, 0);
		if (error)
			trouble("seed %llu: a step: %s", (unsigned long long)run->seed, baophu_strerror(error));
		check_claim(viewer, subscription_standing(viewer->subscription));
		if (viewer->has_proof)
			check_events(viewer);
	}
}

static void pass_time(struct run *run, int turns)
{
	while (turns--) {
		turn(run);
		nanosleep(&(struct timespec){ .tv_nsec = 400000 }, NULL);
	}
}

static struct wire_entry fact(const char *unit, uint32_t day, int64_t value)
{
	baophu_date at = baophu_date_from_civil(20240101) + (baophu_date)day;
	return (struct wire_entry){ .kind = WIRE_FACT,
				    .fact = { .unit = unit,
					      .measure = "bhxh_tn",
					      .extent = BAOPHU_WHOLE,
					      .from = at,
					      .to = at,
					      .value = value,
					      .status = BAOPHU_FINAL,
					      .origin = BAOPHU_REPORTED,
					      .bound = BAOPHU_EXACT } };
}

/* Everything one update of a commune changes: its figure, and a version of all above it. */
static void work_out(struct run *run, const struct baophu_place *place, const char *code, int64_t value)
{
	struct truth *truth = add_truth(run);
	*truth = run->truths[run->truth_count - 2];
	truth->place = *place;
	truth->life = run->life_count - 1;
	char above[BAOPHU_CODE_BYTES_MAX + 1];
	strcpy(above, code);
	for (uint32_t i = truth->count; i-- > 0;) { /* from the leaves up */
		struct unit_truth *unit = &truth->units[i];
		if (strcmp(unit->unit, above))
			continue;
		unit->value = unit->depth == 3 ? value : INT64_MIN;
		unit->content = 0;
		unit->version = place->seq;
		strcpy(above, unit->parent);
	}
}

static const struct truth *newest(const struct run *run) { return &run->truths[run->truth_count - 1]; }

static const struct unit_truth *any_unit(struct run *run, uint32_t depth, uint64_t *random)
{
	const struct truth *truth = newest(run);
	for (;;) {
		const struct unit_truth *unit = &truth->units[dice(random, truth->count)];
		if (unit->depth == depth)
			return unit;
	}
}

/* The truth of where the daemon stands becomes the newest, also when it is an older one of another history. */
static void stand(struct run *run, uint64_t min_seq)
{
	struct truth *truth = take_truth(run, min_seq);
	uint32_t at = (uint32_t)(truth - run->truths);
	struct truth last = *truth;
	run->truths[at] = run->truths[run->truth_count - 1];
	run->truths[run->truth_count - 1] = last;
}

/* A sender's epoch is written down before its first update, by itself: a place at which nothing of a unit is another. */
static void stand_at_epochs(struct run *run, uint64_t before_seq)
{
	struct wire_query query = reader_question(WIRE_QUERY_LOG);
	struct wire_answer answer;
	query.since_seq = newest(run)->place.seq + 1;
	query.limit = 8;
	if (query.since_seq == before_seq)
		return;
	int error = reader_query(run->daemon.reader, &query, 10000 * CLOCK_FASTER, &answer);
	if (error)
		trouble("the clean reader, asked for the log: %s", baophu_strerror(error));
	for (uint32_t i = 0; i < answer.log_count && answer.log[i].place.seq < before_seq; i++) {
		if (strcmp(answer.log[i].kind, "epoch"))
			return; /* what it changed is asked for when somebody claims to be there */
		struct truth *truth = add_truth(run);
		*truth = run->truths[run->truth_count - 2];
		truth->place = answer.log[i].place;
		truth->life = run->life_count - 1;
	}
}

static void report(struct run *run)
{
	struct wire_entry entries[DAEMON_BURST_MAX];
	struct baophu_place places[DAEMON_BURST_MAX];
	char codes[DAEMON_BURST_MAX][BAOPHU_CODE_BYTES_MAX + 1];
	uint32_t count = 1 + (uint32_t)dice(&run->random, DAEMON_BURST_MAX);
	for (uint32_t i = 0; i < count; i++) {
		/* often the unit that was named at this seq in another history too: then only the content tells the two apart */
		uint64_t same = (newest(run)->place.seq + i) * UINT64_C(0x9e3779b97f4a7c15) | 1;
		strcpy(codes[i], any_unit(run, 3, chance(run, 70) ? &same : &run->random)->unit);
		entries[i] = fact(codes[i], ++run->day % 600, (int64_t)dice(&run->random, 100000));
	}
	run->day -= count * (run->day > 590);
	daemon_update(&run->daemon, &run->daemon.agent, entries, count, places);
	stand_at_epochs(run, places[0].seq);
	for (uint32_t i = 0; i < count; i++)
		work_out(run, &places[i], codes[i], entries[i].fact.value);
	run->updates += count;
	stand(run, places[count - 1].seq);
}

static void change_map(struct run *run)
{
	struct baophu_place places[DAEMON_BURST_MAX];
	char code[BAOPHU_CODE_BYTES_MAX + 1], parent[BAOPHU_CODE_BYTES_MAX + 1];
	baophu_date day = baophu_date_from_civil(20230101);
	struct wire_entry entry;
	strcpy(parent, any_unit(run, 2, &run->random)->unit);
	if (newest(run)->count < UNITS_KEPT - 16 && chance(run, 50)) {
		snprintf(code, sizeof code, "n%d", run->next_code++);
		entry = (struct wire_entry){ .kind = WIRE_UNIT_CREATE, .unit_create = { code, "Xã mới", "commune", parent, day } };
	} else {
		day = baophu_date_from_civil(20250101) + run->next_code++; /* no two changes of a unit on one day */
		strcpy(code, any_unit(run, 3, &run->random)->unit);
		entry = (struct wire_entry){ .kind = WIRE_UNIT_CHANGE, .unit_change = { code, "", "", "", parent, day } };
	}
	daemon_update(&run->daemon, &run->daemon.admin, &entry, 1, places);
	run->updates++;
	stand_at_epochs(run, places[0].seq);
	stand(run, places[0].seq);
}

static void restart(struct run *run)
{
	daemon_kill(&run->daemon);
	run->kills++;
	for (int i = 0; i < VIEWERS; i++) {
		/* what the dead daemon had sent may arrive when the next one answers already */
		lane_cut_later(&run->viewers[i].publications, (int64_t)dice(&run->random, chance(run, 50) ? 200000 : 30000));
		lane_cut_later(&run->viewers[i].questions, (int64_t)dice(&run->random, 30000));
	}
	if (chance(run, 30))
		pass_time(run, 10);
	if (!run->has_copy || chance(run, 40)) {
		daemon_copy(&run->daemon, "copy");
		run->has_copy = true;
	} else {
		daemon_put_back(&run->daemon, "copy");
		begin_life(run);
		run->put_backs++;
	}
	daemon_start(&run->daemon);
	stand(run, 0);
	while (chance(run, 70)) /* it may be as far as before, in another history, by the time somebody looks */
		report(run);
}

static void anything(struct run *run)
{
	uint64_t what = dice(&run->random, 100);
	struct viewer *viewer = &run->viewers[dice(&run->random, VIEWERS)];
	if (what < 50) {
		report(run);
	} else if (what < 55) {
		change_map(run);
	} else if (what < 62) {
		struct lane *lane = chance(run, 50) ? &viewer->publications : &viewer->questions;
		if (lane->back && !lane->cut_at_us) {
			lane_cut(lane);
			run->cuts++;
		}
	} else if (what < 70) {
		viewer->stopped_until_us = now_us() + (int64_t)dice(&run->random, 60000);
	} else if (what < 76) {
		viewer->publications.loses_seals_until_us = now_us() + (int64_t)dice(&run->random, 60000);
	} else if (what < 83) {
		restart(run);
	} else if (what < 92) {
		/* while it is exact, what is held is that of the place which all events were told up to */
		const struct subscription_standing *standing = subscription_standing(viewer->subscription);
		for (int i = 0; i < 50 && standing->state != HOLDING_EXACT; i++)
			pass_time(run, 1);
		bool goes_on = standing->state == HOLDING_EXACT && standing->place.seq == viewer->from.seq && chance(run, 70);
		subscription_close(viewer->subscription);
		viewer_open(viewer, goes_on);
	}
}

static bool is_healed(struct viewer *viewer)
{
	const struct subscription_standing *standing = subscription_standing(viewer->subscription);
	const struct baophu_place *head = &newest(viewer->run)->place;
	return standing->state == HOLDING_EXACT && standing->place.seq == head->seq &&
	       !memcmp(standing->place.digest, head->digest, sizeof head->digest);
}

static void heal(struct run *run)
{
	for (int i = 0; i < VIEWERS; i++) {
		struct viewer *viewer = &run->viewers[i];
		viewer->publications.is_faulty = viewer->questions.is_faulty = false;
		viewer->publications.stands_still_until_us = viewer->questions.stands_still_until_us = 0;
		viewer->publications.loses_seals_until_us = 0;
		viewer->stopped_until_us = 0;
	}
	int64_t until = now_us() + HEAL_US;
	for (int missing = VIEWERS, turns = 0; missing; turns++) {
		pass_time(run, 1);
		missing = 0;
		for (int i = 0; i < VIEWERS; i++)
			missing += !is_healed(&run->viewers[i]);
		if (missing && now_us() > until && turns > HEAL_TURNS) {
			stand(run, 0); /* unless the daemon went on by itself */
			for (int i = 0; i < VIEWERS; i++)
				if (!is_healed(&run->viewers[i])) {
					const struct subscription_standing *standing = subscription_standing(
					    run->viewers[i].subscription);
					fprintf(stderr, "seed %llu: %s at depth %u did not heal: %s at %llu of %llu\n",
						(unsigned long long)run->seed, run->viewers[i].path, run->viewers[i].depth,
						holding_state_name(standing->state), (unsigned long long)standing->place.seq,
						(unsigned long long)newest(run)->place.seq);
					run->unhealed++;
				}
			return;
		}
	}
}

static void open_viewers(struct run *run)
{
	static const struct {
		const char *path;
		uint32_t depth;
	} kinds[VIEWERS] = { { "VN/92/921/92111", 3 }, { "VN", 1 }, { "VN/92", 3 }, { "VN", 3 }, { "VN/93", 2 } };
	for (int i = 0; i < VIEWERS; i++) {
		struct viewer *viewer = &run->viewers[i];
		*viewer = (struct viewer){ .run = run, .path = kinds[i].path, .depth = kinds[i].depth };
		snprintf(viewer->publish, sizeof viewer->publish, "ipc://%s/lane-p%d", run->daemon.directory, i);
		snprintf(viewer->query, sizeof viewer->query, "ipc://%s/lane-q%d", run->daemon.directory, i);
		viewer->questions.is_query = true;
		struct lane *lanes[] = { &viewer->publications, &viewer->questions };
		for (int j = 0; j < 2; j++) {
			lanes[j]->random = &run->random;
			lanes[j]->is_faulty = true;
			lanes[j]->hwm = subscriber_hwm;
			lane_open(lanes[j], run->context, j ? viewer->query : viewer->publish);
		}
		connect_lanes(viewer);
		viewer_open(viewer, false);
	}
}

static void close_viewers(struct run *run)
{
	for (int i = 0; i < VIEWERS; i++) {
		subscription_close(run->viewers[i].subscription);
		lane_close(&run->viewers[i].publications);
		lane_close(&run->viewers[i].questions);
	}
}

/* Two provinces of two districts of three communes, once; each seed starts from a copy. */
static void build(struct run *run)
{
	static const char *const codes[][2] = { { "92", "VN" },     { "93", "VN" },     { "921", "92" },    { "922", "92" },
						{ "931", "93" },    { "932", "93" },    { "92111", "921" }, { "92112", "921" },
						{ "92113", "921" }, { "92211", "922" }, { "92212", "922" }, { "92213", "922" },
						{ "93111", "931" }, { "93112", "931" }, { "93113", "931" }, { "93211", "932" },
						{ "93212", "932" }, { "93213", "932" } };
	baophu_date old = baophu_date_from_civil(20040101);
	struct baophu_place places[DAEMON_BURST_MAX];
	daemon_start(&run->daemon);
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		const char *level = strlen(codes[i][0]) == 2 ? "province" : strlen(codes[i][0]) == 3 ? "district" : "commune";
		struct wire_entry entry = { .kind = WIRE_UNIT_CREATE,
					    .unit_create = { codes[i][0], "Nơi", level, codes[i][1], old } };
		daemon_update(&run->daemon, &run->daemon.admin, &entry, 1, places);
	}
	struct wire_entry rest[] = {
		{ .kind = WIRE_AGENT_SET, .agent = { "office", old, BAOPHU_DATE_NONE } },
		{ .kind = WIRE_GRANT, .grant = { .agent = "office", .unit = "VN", .from = old, .until = BAOPHU_DATE_NONE } },
	};
	daemon_update(&run->daemon, &run->daemon.admin, rest, 2, places);
	for (uint32_t i = 0; i < LINES; i++) { /* of each only the first two crossings of a day are told, so there are many */
		struct wire_entry line = { .kind = WIRE_THRESHOLD_SET, .threshold = { .plan = "", .digits = 7 + 9 * i } };
		daemon_update(&run->daemon, &run->daemon.admin, &line, 1, places);
	}
	for (uint32_t plan = 0; plan < PLANS; plan++)
		for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
			char code[8];
			snprintf(code, sizeof code, "kh%u", plan);
			struct wire_entry target = { .kind = WIRE_PLAN_SET,
						     .plan = { .code = code,
							       .unit = codes[i][0],
							       .target = "bhxh_tn",
							       .issuer = "",
							       .document = "",
							       .kind = BAOPHU_PLAN_STOCK,
							       .from = old,
							       .to = BAOPHU_DATE_MAX,
							       .value = 15000 * (plan + 1) * (strlen(codes[i][0]) < 4 ? 3 : 1),
							       .origin = BAOPHU_REPORTED } };
			daemon_update(&run->daemon, &run->daemon.admin, &target, 1, places);
		}
	daemon_kill(&run->daemon);
	daemon_start(
	    &run->daemon); /* the office is known now; a figure of each commune makes the sums above whole, so that they cross lines too */
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		struct wire_entry first = fact(codes[i][0], 0, 1);
		if (strlen(codes[i][0]) == 5)
			daemon_update(&run->daemon, &run->daemon.agent, &first, 1, places);
	}
	daemon_kill(&run->daemon);
	daemon_copy(&run->daemon, "template");
}

static void run_seed(struct run *run, uint64_t seed)
{
	run->seed = seed;
	run->random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	run->truth_count = 0;
	run->has_copy = false;
	run->day = 0;
	run->next_code = 1;
	end_lives(run);
	begin_life(run);
	run->events_max = chance(run, 30) ? 4 + (uint32_t)dice(&run->random, 20) : 0;
	page_units = chance(run, 60) ? 1 + (uint32_t)dice(&run->random, 6) : 0;
	subscriber_hwm = chance(run, 60) ? 1 : 0;
	daemon_put_back(&run->daemon, "template");
	daemon_start(&run->daemon);
	run->context = zmq_ctx_new();
	stand(run, 0);
	open_viewers(run);
	for (int i = 0; i < ROUNDS; i++) {
		anything(run);
		pass_time(run, (int)dice(&run->random, 6));
	}
	heal(run);
	close_viewers(run);
	zmq_ctx_term(run->context);
	daemon_kill(&run->daemon);
}

int main(int argc, char **argv)
{
	bool is_wrong_sought = argc > 1 && !strcmp(argv[1], "--wrong");
	argv += is_wrong_sought;
	argc -= is_wrong_sought;
	if (argc < 3)
		trouble("subscribers [--wrong] BAOPHUD FIRST [LAST]");
	static struct run run;
	uint64_t first = strtoull(argv[2], NULL, 10), last = argc > 3 ? strtoull(argv[3], NULL, 10) : first;
	uint64_t bad = 0, exact = 0, restarts = 0, faults = 0, told = 0, unlisted = 0, resumed = 0, began_us = (uint64_t)now_us();
	daemon_init(&run.daemon, argv[1]);
	build(&run);
	for (uint64_t seed = first; seed <= last; seed++) {
		uint64_t wrong_before = run.wrong, unhealed_before = run.unhealed;
		run_seed(&run, seed);
		bool is_wrong = run.wrong != wrong_before, is_unhealed = run.unhealed != unhealed_before;
		if (is_wrong || is_unhealed)
			printf("seed %llu: %s\n", (unsigned long long)seed, is_wrong ? "WRONG" : "not healed");
		bad += is_wrong || (is_unhealed && !is_wrong_sought);
		for (int i = 0; i < VIEWERS; i++) {
			exact += run.viewers[i].exact_count;
			restarts += run.viewers[i].restarts;
			told += run.viewers[i].told_count;
			unlisted += run.viewers[i].unlisted_count;
			resumed += run.viewers[i].resumed_count;
			faults += run.viewers[i].publications.faults + run.viewers[i].questions.faults;
		}
		if ((seed - first) % 100 == 99)
			fprintf(stderr, "seed %llu, %llu wrong\n", (unsigned long long)seed, (unsigned long long)bad);
		if (is_wrong_sought && bad)
			break;
	}
	daemon_finish(&run.daemon);
	end_lives(&run);
	free(run.lives);
	free(run.truths);
	printf("seeds %llu to %llu: %llu wrong; %llu claims and %llu events held against the truth (%llu named only), %llu "
	       "resumed, %llu updates, %llu faults, %llu cuts, %llu kills, "
	       "%llu put back, %llu begun anew; %.1f s\n",
	       (unsigned long long)first, (unsigned long long)last, (unsigned long long)bad, (unsigned long long)exact,
	       (unsigned long long)told, (unsigned long long)unlisted, (unsigned long long)resumed, (unsigned long long)run.updates,
	       (unsigned long long)faults, (unsigned long long)run.cuts, (unsigned long long)run.kills,
	       (unsigned long long)run.put_backs, (unsigned long long)restarts, ((double)now_us() - (double)began_us) / 1e6);
	return is_wrong_sought ? !bad : bad != 0;
}
