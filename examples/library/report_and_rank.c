/* report_and_rank.c - reports a figure, reads it back, and follows
 * the league of its siblings until the report is in it.
 * Arguments: INGEST QUERY PUBLISH (endpoints) AGENT PATH DEPTH UNIT
 * VALUE DATE */
/* clang-format off */
#include <baophu/client.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct app {
	struct baophu_league *league;
	uint64_t seq; /* place of our report */
	bool is_there;
};

static int fail(const char *what, int error, enum baophu_code code)
{
	fprintf(stderr, "%s: %s %s%s\n", what, baophu_strerror(error),
		code ? baophu_code_name(code) : "",
		baophu_is_retryable(error, code) ? ", try again" : "");
	return 1;
}

static void on_change(void *user,
	const struct baophu_league_change *change)
{
	const struct baophu_league_key *key = change->key;
	(void)user;
	printf("%s, %s %s: rank %u, was %u\n", change->place.name,
		key->measure, key->plan, change->place.rank, change->before);
}

/* Every cut is proved: what the league says is so at cut->to. */
static void on_cut(void *user, const struct baophu_cut *cut)
{
	struct app *app = user;
	int error = baophu_league_take(app->league, cut);
	if (error)
		exit(fail("league", error, BAOPHU_CODE_NONE));
	app->is_there = cut->to.seq >= app->seq;
}

static void on_state(void *user,
	const struct baophu_subscription_standing *standing)
{
	(void)user;
	int64_t age_ms = standing->proof_age_ms;
	if (standing->view == BAOPHU_VIEW_STALE && age_ms >= 0) {
		time_t since = time(NULL) - age_ms / 1000;
		printf("stale since %s", ctime(&since));
	}
}

int main(int argc, char **argv)
{
	if (argc != 10)
		return 2;
	struct app app = { 0 };
	enum baophu_code code = BAOPHU_CODE_NONE;

	/* Send: decided once, however often the line breaks. */
	struct baophu_session_config sender = { .endpoint = argv[1] };
	sender.agent = argv[4];
	struct baophu_session *session;
	int error = baophu_session_open(&sender, &session, &code);
	if (error)
		return fail(argv[1], error, code);
	struct baophu_entry entry = { .kind = BAOPHU_ENTRY_FACT };
	entry.fact.unit = argv[7];
	entry.fact.measure = "bhxh_tn";
	entry.fact.value = atoll(argv[8]);
	if (baophu_date_parse(argv[9], &entry.fact.to))
		return 2;
	struct baophu_receipt receipt;
	error = baophu_session_send(session, &entry, 1, &receipt, &code);
	if (error)
		return fail(argv[7], error, code);
	app.seq = receipt.place.seq; /* durable from here on */
	printf("%s %s at %llu\n", baophu_verdict_name(receipt.verdict),
		baophu_code_name(receipt.code), (unsigned long long)app.seq);
	baophu_session_close(session);

	/* Ask: with min_seq the answer knows the report. */
	struct baophu_reader *reader;
	struct baophu_answer answer = { 0 };
	const struct baophu_record *record;
	struct baophu_question question = { .unit = argv[7] };
	question.min_seq = app.seq;
	error = baophu_reader_open(argv[2], &reader);
	if (!error)
		error = baophu_reader_ask(reader, &question, &answer);
	if (error)
		return fail(argv[2], error, answer.code);
	while (baophu_reader_next(reader, &record) == 1) {
		const struct baophu_row *row = baophu_record_row(
			record, BAOPHU_ROW_STOCK, "bhxh_tn", NULL);
		if (row && row->value != BAOPHU_ABSENT) /* absent is not 0 */
			printf("%s: %lld\n", record->name,
				(long long)row->value);
	}
	baophu_reader_close(reader);

	/* Follow: the first cut is everything, the next what changed. */
	struct baophu_league_config ranks = { .on_change = on_change };
	struct baophu_subscription_config config = {
		.publish_endpoint = argv[3], .query_endpoint = argv[2],
		.path = argv[5], .depth = (uint32_t)atol(argv[6]),
		.user = &app, .on_cut = on_cut, .on_state = on_state,
	};
	struct baophu_subscription *subscription;
	error = baophu_league_create(&ranks, &app.league);
	if (!error)
		error = baophu_subscription_open(&config, &subscription);
	while (!error && !app.is_there)
		error = baophu_subscription_step(subscription, -1);
	if (error)
		return fail(argv[3], error, BAOPHU_CODE_NONE);
	baophu_subscription_close(subscription);
	baophu_league_destroy(app.league);
	return 0;
}
