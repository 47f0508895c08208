/* outside.c - a program of somebody else against a real collector: everything client.h offers, and what it says when refused.
 *
 * outside INGEST QUERY PUBLISH: the collector has the units VN, 92, 927 and UNITS_BELOW communes 9270000... below 927, and the agent thoi-lai
 * for 927. Waits for messages only, each wait with a bound. Exit 0, or 1 with the line that was not so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/baophu.h>

enum { UNITS_BELOW = 450, UNITS_MAX = 1000, STEPS_MAX = 600, STEP_MS = 100, BURST = 50, BURSTS_MAX = 20 };

#define CHECK(condition)                                                                        \
	do                                                                                      \
		if (!(condition)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			exit(1);                                                                \
		}                                                                               \
	while (0)

static const char *ingest, *query, *publish;

/* ---- what a subscriber keeps: a table of its own ---- */

struct held {
	struct baophu_held_unit unit;
	char code[BAOPHU_CODE_BYTES_MAX + 1];
	int64_t value;
};
struct table {
	struct held units[UNITS_MAX];
	uint32_t count;
	struct baophu_place place;
	uint32_t cuts, whole_cuts, syncings;
	uint32_t skipped; /* proved places that no cut was shown of */
	uint32_t last_records; /* of the newest cut that had any */
	struct baophu_place first_from;
	bool is_exact;
};

static int64_t value_of(const struct baophu_record *record)
{
	const struct baophu_row *row = baophu_record_row(record, BAOPHU_ROW_STOCK, "bhxh_tn", NULL);
	return row ? row->value : BAOPHU_ABSENT;
}

static void on_cut(void *user, const struct baophu_cut *cut)
{
	struct table *table = user;
	CHECK(cut->is_whole == (cut->from.seq == 0));
	CHECK(cut->is_whole || memcmp(&cut->from, &table->place, sizeof cut->from) == 0);
	CHECK(cut->to.seq >= cut->from.seq);
	CHECK(cut->event_count == 0 && cut->unlisted_until == 0); /* nobody has a plan here */
	CHECK(!cut->skipped || cut->to.seq - cut->from.seq > cut->skipped); /* they lie between the two */
	table->skipped += cut->skipped;
	if (!table->cuts++)
		table->first_from = cut->from;
	if (cut->is_whole) {
		table->count = 0;
		table->whole_cuts++;
	}
	if (cut->record_count)
		table->last_records = cut->record_count;
	for (uint32_t i = 0; i < cut->record_count; i++) {
		const struct baophu_record *record = &cut->records[i];
		uint32_t at = 0;
		while (at < table->count && table->units[at].unit.unit_number != record->unit_number)
			at++;
		if (record->tombstone) {
			CHECK(!cut->is_whole);
			if (at < table->count)
				table->units[at] = table->units[--table->count];
			continue;
		}
		CHECK(at < UNITS_MAX);
		if (at == table->count)
			table->count++;
		else
			CHECK(!cut->is_whole);
		table->units[at].unit.unit_number = record->unit_number;
		table->units[at].unit.version = record->version;
		table->units[at].value = value_of(record);
		strcpy(table->units[at].code, record->unit);
	}
	table->place = cut->to;
}

static void on_state(void *user, const struct baophu_subscription_standing *standing)
{
	struct table *table = user;
	table->is_exact = standing->view == BAOPHU_VIEW_EXACT;
	table->syncings += standing->view == BAOPHU_VIEW_SYNCING;
	CHECK(strcmp(baophu_view_name(standing->view), "?") != 0);
}

static struct baophu_subscription *follow(struct table *table, const char *path, uint32_t depth, const struct table *earlier)
{
	struct baophu_subscription_config config = { .publish_endpoint = publish, .query_endpoint = query, .path = path };
	static struct baophu_held_unit units[UNITS_MAX];
	struct baophu_subscription *subscription;
	config.depth = depth;
	config.user = table;
	config.on_cut = on_cut;
	config.on_state = on_state;
	config.wants_events = true;
	*table = (struct table){ 0 };
	if (earlier) {
		*table = *earlier;
		table->cuts = table->whole_cuts = table->syncings = table->last_records = table->skipped = 0;
		for (uint32_t i = 0; i < earlier->count; i++)
			units[i] = earlier->units[i].unit;
		config.resume_place = earlier->place;
		config.resume_units = units;
		config.resume_count = earlier->count;
	}
	CHECK(baophu_subscription_open(&config, &subscription) == 0);
	return subscription;
}

/* Until a cut of this place or a later one is held. */
static void wait_for(struct baophu_subscription *subscription, struct table *table, uint64_t seq)
{
	struct baophu_subscription_standing standing;
	for (int i = 0; !table->cuts || !table->is_exact || table->place.seq < seq; i++) {
		uint32_t cuts = table->cuts;
		CHECK(i < STEPS_MAX);
		CHECK(baophu_subscription_step(subscription, STEP_MS) == 0);
		CHECK(table->cuts <= cuts + 1); /* what came meanwhile is one */
	}
	baophu_subscription_standing(subscription, &standing);
	CHECK(standing.view == BAOPHU_VIEW_EXACT && standing.count == table->count);
	CHECK(memcmp(&standing.place, &table->place, sizeof standing.place) == 0);
	CHECK(standing.proof_age_ms >= 0 && standing.proof_age_ms < STEPS_MAX * STEP_MS);
}

static int64_t held_value(const struct table *table, const char *code)
{
	for (uint32_t i = 0; i < table->count; i++)
		if (strcmp(table->units[i].code, code) == 0)
			return table->units[i].value;
	CHECK(!"a unit that is not held");
	return 0;
}

/* ---- sending and asking ---- */

static struct baophu_session *session_of(const char *agent, uint64_t epoch)
{
	struct baophu_session_config config = { .endpoint = ingest, .agent = agent, .epoch = epoch };
	struct baophu_session *session;
	enum baophu_code code;
	CHECK(baophu_session_open(&config, &session, &code) == 0 && code == BAOPHU_CODE_NONE);
	return session;
}

static struct baophu_entry figure(const char *unit, uint32_t civil, int64_t value)
{
	struct baophu_entry entry = { .kind = BAOPHU_ENTRY_FACT };
	entry.fact.unit = unit;
	entry.fact.measure = "bhxh_tn";
	entry.fact.to = baophu_date_from_civil(civil);
	entry.fact.value = value;
	return entry;
}

static struct baophu_receipt send(struct baophu_session *session, struct baophu_entry entry)
{
	struct baophu_receipt receipt;
	enum baophu_code code;
	int error = baophu_session_send(session, &entry, 1, &receipt, &code);
	if (error)
		fprintf(stderr, "%s: %s\n", baophu_strerror(error), baophu_code_name(code));
	CHECK(error == 0);
	CHECK(receipt.place.seq > 0);
	return receipt;
}

static int64_t ask_value(struct baophu_reader *reader, struct baophu_question question)
{
	struct baophu_answer answer;
	const struct baophu_record *record;
	CHECK(baophu_reader_ask(reader, &question, &answer) == 0);
	CHECK(answer.code == BAOPHU_CODE_NONE);
	CHECK(question.known_seq ? answer.cut.seq == question.known_seq : answer.cut.seq >= question.min_seq);
	CHECK(baophu_reader_next(reader, &record) == 1 && strcmp(record->unit, question.unit) == 0);
	int64_t value = value_of(record);
	CHECK(baophu_reader_next(reader, &record) == 0 && baophu_reader_next(reader, &record) == 0);
	return value;
}

static void sends_once_and_reads_back(struct baophu_session *session, struct baophu_reader *reader)
{
	struct baophu_receipt first = send(session, figure("927", 20240331, 700));
	CHECK(first.verdict == BAOPHU_APPLIED && first.code == BAOPHU_CODE_NONE && first.entry == UINT32_MAX);
	struct baophu_receipt second = send(session, figure("927", 20240430, 800));
	CHECK(second.number == first.number + 1 && second.place.seq > first.place.seq);
	CHECK(strcmp(baophu_verdict_name(second.verdict), "applied") == 0);

	/* the axes: as of a date, as known at a place */
	struct baophu_question question = { .unit = "927", .min_seq = second.place.seq };
	CHECK(ask_value(reader, question) == 800);
	question.as_of = baophu_date_from_civil(20240401);
	CHECK(ask_value(reader, question) == 700);
	question.as_of = baophu_date_from_civil(20240430);
	question.known_seq = first.place.seq;
	CHECK(ask_value(reader, question) == 700);
	question.known_seq = 0;
	question.tree_date = baophu_date_from_civil(20240430);
	question.measures = (const char *const[]){ "bhxh_tn" };
	question.measure_count = 1;
	CHECK(ask_value(reader, question) == 800);

	/* the same number from another connection: decided once */
	struct baophu_session *again = session_of("thoi-lai", first.epoch);
	struct baophu_session_standing standing;
	struct baophu_receipt repeated = { 0 };
	struct baophu_entry entry = figure("927", 20240331, 700);
	uint64_t number;
	CHECK(baophu_session_push(again, &entry, 1, first.number, &number) == 0 && number == first.number);
	CHECK(baophu_session_wait(again, 10000, &repeated) == 1);
	CHECK(repeated.number == first.number && memcmp(&repeated.place, &first.place, sizeof first.place) == 0);
	baophu_session_standing(again, &standing);
	CHECK(standing.epoch == first.epoch && standing.next == second.number + 1 && !standing.unanswered && standing.is_open);
	baophu_session_close(again);

	/* taken back: what stood before stands again */
	entry = figure("927", 20240430, 0);
	entry.kind = BAOPHU_ENTRY_WITHDRAWAL;
	struct baophu_receipt gone = send(session, entry);
	CHECK(gone.verdict == BAOPHU_APPLIED);
	CHECK(ask_value(reader, (struct baophu_question){ .unit = "927", .min_seq = gone.place.seq }) == 700);

	entry = (struct baophu_entry){ .kind = BAOPHU_ENTRY_RATE };
	entry.rate.unit = "927";
	entry.rate.measure = "bhxh_tn";
	entry.rate.to = baophu_date_from_civil(20240331);
	entry.rate.digits = 9262;
	entry.rate.decimals = 2;
	CHECK(send(session, entry).verdict == BAOPHU_APPLIED);
}

static void many_go_as_one(struct baophu_session *session, struct baophu_reader *reader)
{
	static struct baophu_entry entries[UNITS_BELOW * 2];
	static char codes[UNITS_BELOW][8];
	struct baophu_receipt receipt;
	enum baophu_code code;
	for (int i = 0; i < UNITS_BELOW; i++) {
		snprintf(codes[i], sizeof codes[i], "927%04d", i);
		entries[i] = figure(codes[i], 20240331, i);
		entries[UNITS_BELOW + i] = figure(codes[i], 20240430, i + 1);
	}
	CHECK(baophu_session_send(session, entries, UNITS_BELOW * 2, &receipt, &code) == 0 && receipt.verdict == BAOPHU_APPLIED);

	/* more than a page, all of one cut */
	struct baophu_question question = { .unit = "927", .depth = 1, .min_seq = receipt.place.seq };
	struct baophu_answer answer;
	const struct baophu_record *record;
	int64_t sum = 0;
	uint32_t count = 0;
	int result;
	CHECK(baophu_reader_ask(reader, &question, &answer) == 0);
	for (; (result = baophu_reader_next(reader, &record)) == 1; count++)
		sum += record->depth == 3 ? value_of(record) : 0;
	CHECK(result == 0 && count == UNITS_BELOW + 1 && sum == UNITS_BELOW * (UNITS_BELOW + 1) / 2);
}

static void says_what_is_final(struct baophu_session *session, struct baophu_reader *reader)
{
	struct baophu_receipt receipt = send(session, figure("92", 20240331, 1));
	CHECK(receipt.verdict == BAOPHU_REFUSED && receipt.code == BAOPHU_CODE_NOT_OWNER && receipt.entry == 0);
	receipt = send(session, figure("9999", 20240331, 1));
	CHECK(receipt.verdict == BAOPHU_HELD && receipt.code == BAOPHU_CODE_UNIT_UNKNOWN);
	receipt = send(session, figure("927", 20240331, -1));
	CHECK(receipt.verdict == BAOPHU_REFUSED && receipt.code == BAOPHU_CODE_VALUE);

	struct baophu_entry entry = figure("927", 21000101, 1); /* far ahead: not decided at all, time may mend it */
	enum baophu_code code;
	int error = baophu_session_send(session, &entry, 1, &receipt, &code);
	CHECK(error == -BAOPHU_EREFUSED && code == BAOPHU_CODE_CLOCK && baophu_is_retryable(error, code));
	entry.fact.measure = NULL;
	CHECK(baophu_session_send(session, &entry, 1, &receipt, &code) == -EINVAL && !baophu_is_retryable(-EINVAL, code));
	entry = (struct baophu_entry){ 0 };
	CHECK(baophu_session_send(session, &entry, 1, &receipt, &code) == -EINVAL);
	CHECK(baophu_session_send(session, &entry, 0, &receipt, &code) == -EINVAL);
	CHECK(send(session, figure("927", 20240229, 650)).verdict == BAOPHU_APPLIED); /* it goes on */

	struct baophu_session_config config = { .endpoint = ingest, .agent = "nobody" };
	struct baophu_session *other;
	error = baophu_session_open(&config, &other, &code);
	CHECK(error == -BAOPHU_EREFUSED && code == BAOPHU_CODE_AGENT_UNKNOWN && !baophu_is_retryable(error, code));
	config.endpoint = "nonsense";
	CHECK(baophu_session_open(&config, &other, &code) == -EINVAL);
	config.endpoint = "ipc:///nonexistent/ingest";
	config.timeout_ms = 50;
	error = baophu_session_open(&config, &other, &code);
	CHECK(error == -BAOPHU_ETIMEOUT && baophu_is_retryable(error, code));

	struct baophu_answer answer;
	const struct baophu_record *record;
	struct baophu_question question = { .unit = "no-such-unit" };
	CHECK(baophu_reader_ask(reader, &question, &answer) == -BAOPHU_EREFUSED && answer.code != BAOPHU_CODE_NONE);
	CHECK(baophu_reader_next(reader, &record) == -BAOPHU_EREFUSED);
	question.unit = "a-code-that-is-far-too-long";
	CHECK(baophu_reader_ask(reader, &question, &answer) == -EINVAL);
	question.unit = NULL;
	CHECK(baophu_reader_ask(reader, &question, &answer) == -EINVAL);
}

static void asks_for_events(struct baophu_reader *reader)
{
	struct baophu_event_question question = { .unit = "92", .depth = 2 };
	struct baophu_answer answer;
	const struct baophu_record *record;
	const struct baophu_event *event;
	CHECK(baophu_reader_ask_events(reader, &question, &answer) == 0 && answer.code == BAOPHU_CODE_NONE && answer.cut.seq > 0);
	CHECK(baophu_reader_next_event(reader, &event) == 0 && baophu_reader_next_event(reader, &event) == 0);
	CHECK(baophu_reader_next(reader, &record) == -EINVAL); /* records were not asked for */
	question.since = answer.cut;
	question.unit = NULL;
	CHECK(baophu_reader_ask_events(reader, &question, &answer) == 0);
	question.since.digest[0] ^= 1;
	CHECK(baophu_reader_ask_events(reader, &question, &answer) == -BAOPHU_EREFUSED);
	CHECK(answer.code == BAOPHU_CODE_SNAPSHOT_REQUIRED && baophu_reader_next_event(reader, &event) == -BAOPHU_EREFUSED);
	question.plan = "a-code-that-is-far-too-long";
	CHECK(baophu_reader_ask_events(reader, &question, &answer) == -EINVAL);
	question.plan = NULL;
	question.depth = BAOPHU_DEPTH_MAX + 1;
	CHECK(baophu_reader_ask_events(reader, &question, &answer) == -EINVAL);
	CHECK(ask_value(reader, (struct baophu_question){ .unit = "927" }) != BAOPHU_ABSENT);
	CHECK(baophu_reader_next_event(reader, &event) == -EINVAL);
}

/* Two writers under one number: the collector stops the epoch, and both are told for good. */
static void two_in_one_epoch(void)
{
	struct baophu_session *one = session_of("thoi-lai", 0);
	struct baophu_receipt receipt = send(one, figure("927", 20240131, 600));
	struct baophu_session *two = session_of("thoi-lai", receipt.epoch);
	struct baophu_session_standing standing;
	struct baophu_entry entry = figure("927", 20240131, 601);
	enum baophu_code code;
	uint64_t number;
	CHECK(baophu_session_push(two, &entry, 1, receipt.number + 5, &number) == -EINVAL);
	CHECK(baophu_session_push(two, &entry, 1, receipt.number, &number) == 0);
	CHECK(baophu_session_wait(two, 10000, &receipt) == -BAOPHU_EREFUSED);
	baophu_session_standing(two, &standing);
	CHECK(standing.turned == BAOPHU_CODE_FORK);
	int error = baophu_session_send(one, &entry, 1, &receipt, &code);
	CHECK(error == -BAOPHU_EREFUSED && code == BAOPHU_CODE_FROZEN && !baophu_is_retryable(error, code));
	baophu_session_close(two);
	baophu_session_close(one);
}

static void follows_and_goes_on(struct baophu_session *session)
{
	static struct table table, communes, later;
	struct baophu_subscription *subscription = follow(&table, "VN/92", 2, NULL);
	struct baophu_subscription_standing standing;
	baophu_subscription_standing(subscription, &standing);
	CHECK(standing.view == BAOPHU_VIEW_SYNCING && standing.proof_age_ms == -1);
	wait_for(subscription, &table, 1);
	CHECK(table.whole_cuts == 1 &&
	      held_value(&table, "927") == UNITS_BELOW * (UNITS_BELOW + 1) / 2); /* of the communes, newer */
	struct baophu_receipt receipt = send(session, figure("927", 20240531, 900));
	wait_for(subscription, &table, receipt.place.seq);
	CHECK(table.whole_cuts == 1 && held_value(&table, "927") == 900);
	CHECK(table.skipped == 0);
	/* One who does not look for a while: one cut for all of it, from where he was, that says what it passes over. It may be that little
	 * of it had come when he looked again; then once more. */
	for (int burst = 0; !table.skipped; burst++) {
		CHECK(burst < BURSTS_MAX);
		for (int i = 0; i < BURST; i++)
			receipt = send(session, figure("927", 20240531, 901 + i));
		wait_for(subscription, &table, receipt.place.seq);
		CHECK(table.whole_cuts == 1 && held_value(&table, "927") == 900 + BURST);
	}
	baophu_subscription_close(subscription);

	/* more than a page; then some hours off, and on from there: only what changed comes */
	subscription = follow(&communes, "VN/92/927", 3, NULL);
	CHECK(baophu_subscription_step(subscription, -1) == 0); /* returns when something was shown, not before */
	baophu_subscription_standing(subscription, &standing);
	CHECK(standing.view != BAOPHU_VIEW_SYNCING || standing.records);
	wait_for(subscription, &communes, receipt.place.seq);
	CHECK(communes.count == UNITS_BELOW && held_value(&communes, "9270009") == 10);
	baophu_subscription_close(subscription);
	receipt = send(session, figure("9270009", 20240531, 77));
	subscription = follow(&later, "VN/92/927", 3, &communes);
	wait_for(subscription, &later, receipt.place.seq);
	CHECK(later.syncings == 0 && later.whole_cuts == 0 && later.last_records == 1);
	CHECK(memcmp(&later.first_from, &communes.place, sizeof communes.place) == 0);
	CHECK(later.count == UNITS_BELOW && held_value(&later, "9270009") == 77 && held_value(&later, "9270010") == 11);
	baophu_subscription_close(subscription);

	/* a list that is not what was held there is found out: one unit wrong, one missing */
	communes.units[0].unit.version--;
	communes.count--;
	subscription = follow(&later, "VN/92/927", 3, &communes);
	wait_for(subscription, &later, receipt.place.seq);
	CHECK(later.count == UNITS_BELOW && held_value(&later, "9270009") == 77);
	baophu_subscription_close(subscription);

	/* a place of another history is no place */
	communes.place.digest[0] ^= 1;
	subscription = follow(&later, "VN/92/927", 3, &communes);
	wait_for(subscription, &later, receipt.place.seq);
	CHECK(later.syncings > 0 && later.whole_cuts == 1 && later.count == UNITS_BELOW && held_value(&later, "9270009") == 77);
	baophu_subscription_close(subscription);

	struct baophu_subscription_config config = { .publish_endpoint = publish, .query_endpoint = query, .path = "VN/92" };
	CHECK(baophu_subscription_open(&config, &subscription) == -EINVAL); /* depth above the path */
	config.path = NULL;
	CHECK(baophu_subscription_open(&config, &subscription) == -EINVAL);
}

/* ---- ranks, kept from cuts ---- */

struct ranking {
	struct baophu_league *league;
	struct baophu_place place;
	uint32_t changes;
	bool is_exact;
};

static void count_change(void *user, const struct baophu_league_change *change)
{
	struct ranking *ranking = user;
	CHECK(change->before != change->place.rank && strcmp(change->key->measure, "bhyt_baophu") == 0);
	ranking->changes++;
}

static void rank_cut(void *user, const struct baophu_cut *cut)
{
	struct ranking *ranking = user;
	CHECK(baophu_league_take(ranking->league, cut) == 0);
	ranking->place = cut->to;
}

static void note_exact(void *user, const struct baophu_subscription_standing *standing)
{
	((struct ranking *)user)->is_exact = standing->view == BAOPHU_VIEW_EXACT;
}

static void wait_for_ranks(struct baophu_subscription *subscription, struct ranking *ranking, uint64_t seq)
{
	for (int i = 0; !ranking->is_exact || ranking->place.seq < seq; i++)
		CHECK(i < STEPS_MAX && baophu_subscription_step(subscription, STEP_MS) == 0);
}

static uint64_t send_share(struct baophu_session *session, const char *unit, int64_t insured, int64_t people)
{
	struct baophu_entry entries[2] = { figure(unit, 20240531, insured), figure(unit, 20240531, people) };
	struct baophu_receipt receipt;
	enum baophu_code code;
	entries[0].fact.measure = "bhyt";
	entries[1].fact.measure = "danso";
	CHECK(baophu_session_send(session, entries, 2, &receipt, &code) == 0 && receipt.verdict == BAOPHU_APPLIED);
	return receipt.place.seq;
}

static uint32_t rank_of(const struct ranking *ranking, uint32_t index)
{
	struct baophu_league_place place;
	CHECK(baophu_league_place(ranking->league, 0, index, &place) == 0);
	return place.rank;
}

static void ranks_what_it_follows(struct baophu_session *session)
{
	struct ranking ranking = { 0 };
	struct baophu_league_config league = { .user = &ranking, .on_change = count_change };
	struct baophu_subscription_config config = { .publish_endpoint = publish, .query_endpoint = query, .path = "VN/92/927" };
	struct baophu_subscription *subscription;
	struct baophu_league_table shares;
	struct baophu_league_place place;
	config.depth = 3;
	config.user = &ranking;
	config.on_cut = rank_cut;
	config.on_state = note_exact;
	CHECK(baophu_league_create(&league, &ranking.league) == 0);
	CHECK(baophu_league_take(ranking.league, &(struct baophu_cut){ 0 }) == -EINVAL); /* changes, but of what? */
	CHECK(baophu_subscription_open(&config, &subscription) == 0);
	send_share(session, "9270001", 90, 100);
	send_share(session, "9270002", 45, 50);
	wait_for_ranks(subscription, &ranking, send_share(session, "9270003", 99, 100));
	CHECK(baophu_league_tables(ranking.league) == 1 && baophu_league_table(ranking.league, 0, &shares) == 0);
	CHECK(strcmp(shares.key->parent, "927") == 0 && strcmp(shares.key->denominator, "danso") == 0 && shares.ranked == 3);
	CHECK(rank_of(&ranking, 0) == 1 && rank_of(&ranking, 1) == 2 && rank_of(&ranking, 2) == 2);
	CHECK(baophu_league_place(ranking.league, 0, 0, &place) == 0 && strcmp(place.unit, "9270003") == 0);
	ranking.changes = 0;
	wait_for_ranks(subscription, &ranking, send_share(session, "9270003", 10, 100));
	CHECK(ranking.changes == 3); /* from 1 to 3, and two from 2 to 1 */
	CHECK(baophu_league_rank(ranking.league, place.unit_number, BAOPHU_ROW_SHARE, "bhyt_baophu", NULL, &place) == 0);
	CHECK(place.rank == 3 && place.numerator == 10 && place.denominator == 100);
	CHECK(baophu_league_rank(ranking.league, 0, BAOPHU_ROW_SHARE, "bhyt_baophu", NULL, &place) == -BAOPHU_ENOTFOUND);
	baophu_subscription_close(subscription);
	baophu_league_destroy(ranking.league);
}

int main(int count, char **arguments)
{
	CHECK(count == 4);
	ingest = arguments[1];
	query = arguments[2];
	publish = arguments[3];
	struct baophu_session *session = session_of("thoi-lai", 0);
	struct baophu_reader *reader;
	CHECK(baophu_reader_open(query, &reader) == 0);
	sends_once_and_reads_back(session, reader);
	many_go_as_one(session, reader);
	says_what_is_final(session, reader);
	asks_for_events(reader);
	two_in_one_epoch();
	follows_and_goes_on(session);
	ranks_what_it_follows(session);
	baophu_reader_close(reader);
	baophu_session_close(session);
	baophu_reader_close(NULL);
	baophu_session_close(NULL);
	baophu_subscription_close(NULL);
	baophu_league_destroy(NULL);
	printf("libbaophu %s: all of it\n", baophu_version());
	return 0;
}
