/* event_watch.c - `baophu event watch`: each event as it happens, a line each.
 *
 * One subscription of the topmost unit alone says how far the centre is: whatever crosses a line below a unit gives the unit a new version, so
 * it is proved again at that place. Then what happened between the place told before and that one is asked for. The answer is of
 * exactly that place and in order over all depths, so nothing is lost or told twice, whatever becomes of the connections: the next
 * question begins where the last whole answer ended.
 *
 * Of a centre that was put back to an older copy the newest place told that it still has is found among those kept, densely of late and ever
 * less so further back; it is said which of the lines did not happen there, and those that did follow.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "commands.h"
#include "coverage.h"
#include "event_rows.h"
#include "language.h"
#include "subscription.h"

enum {
	STEP_MS = 50,
	PAUSE_MS = 50, /* between two questions: a busy centre has more to do than to answer each cut */
	ANSWER_MS = 1000, /* waited for; a signal waits as long */
	WAITING_SAID_MS = 1000,
	PLACES_MAX = 64,
	PREFIX_BYTES = 96,
};

struct event_watch {
	struct cli *cli;
	struct names names;
	struct reader *reader;
	struct subscription *subscription;
	struct wire_query query; /* asked again and again */
	char unit[BAOPHU_CODE_BYTES_MAX + 1]; /* "": all */
	struct column columns[EVENT_FIELDS];
	struct baophu_place places[PLACES_MAX]; /* told up to here, the newest last; a digest of zeros: said by the user */
	uint32_t place_count;
	uint64_t printed_seq; /* the newest event printed: what an answer that broke off brings again is passed over */
	uint32_t printed_index;
	struct baophu_place proved; /* newest place that the subscription proved; seq 0: none */
	baophu_date date; /* there */
	bool has_told; /* an answer was whole */
	bool goes_back; /* the newest place told is not in the centre's history */
	bool was_exact, is_lost;
	uint64_t gone_seq; /* with goes_back: what was told last */
	int signals; /* signalfd; -1: none */
	sigset_t mask_before;
};

/* ---- signals: the last line is whole, and the signal does what it does ---- */

static int take_signals(struct event_watch *watch)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	watch->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (watch->signals < 0)
		return -errno;
	sigprocmask(SIG_BLOCK, &set, &watch->mask_before);
	return 0;
}

/* The signal that came; 0: none. */
static int next_signal(const struct event_watch *watch)
{
	struct signalfd_siginfo info;
	return read(watch->signals, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

static void give_signals_back(struct event_watch *watch)
{
	if (watch->signals < 0)
		return;
	close(watch->signals);
	watch->signals = -1;
	sigprocmask(SIG_SETMASK, &watch->mask_before, NULL);
}

/* ---- places told ---- */

static bool is_same_place(const struct baophu_place *a, const struct baophu_place *b)
{
	return a->seq == b->seq && memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}

/* Takes the place in. When there is no more room every other one of the older half goes. */
static void add_place(struct event_watch *watch, const struct baophu_place *place)
{
	if (watch->place_count == PLACES_MAX) {
		uint32_t kept = 1;
		for (uint32_t i = 1; i < PLACES_MAX; i++)
			if (i >= PLACES_MAX / 2 || i % 2 == 0)
				watch->places[kept++] = watch->places[i];
		watch->place_count = kept;
	}
	watch->places[watch->place_count++] = *place;
}

/* ---- telling ---- */

static int write_event(struct event_watch *watch, const struct baophu_event *event)
{
	struct cli *cli = watch->cli;
	unsigned decimals = cli->options.decimals;
	if (!writer_is_for_people(&cli->writer))
		return event_write(&cli->writer, &watch->names, event, decimals);
	/* What is told of a whole day is told a day later: its date says more than the time. */
	struct field when = event->count ? field_date(event->day) : field_time(event->time_ms);
	char time[FIELD_BYTES], sentence[EVENT_SENTENCE_BYTES], line[EVENT_SENTENCE_BYTES + PREFIX_BYTES];
	snprintf(line, sizeof line, "[%llu] %s  %s", (unsigned long long)event->seq, field_for_people(&when, cli->vietnamese, time),
		 event_sentence(event, &watch->names, decimals, cli->vietnamese, sentence));
	writer_note(&cli->writer, line);
	return 0;
}

static int tell_page(struct event_watch *watch, const struct wire_answer *answer)
{
	int error = 0;
	for (uint32_t i = 0; !error && i < answer->event_count; i++) {
		const struct baophu_event *event = &answer->events[i];
		if (!event->number || event->seq < watch->printed_seq ||
		    (event->seq == watch->printed_seq && event->index <= watch->printed_index))
			continue;
		error = write_event(watch, event);
		watch->printed_seq = event->seq;
		watch->printed_index = event->index;
	}
	fflush(watch->cli->writer.out);
	if (!error && ferror(watch->cli->writer.out))
		error = -EIO;
	return error ? cli_wrote(error) : CLI_OK;
}

/* The place asked from is not in the centre's history: an older one is, or none. */
static int go_back(struct event_watch *watch, const struct wire_answer *answer)
{
	const struct baophu_place *proved = &watch->proved;
	if (!watch->has_told)
		return ask_answered(watch->cli, &watch->query, answer); /* --since says what never was */
	if (!watch->goes_back)
		watch->gone_seq = watch->places[watch->place_count - 1].seq;
	watch->goes_back = true;
	if (--watch->place_count)
		return CLI_OK;
	cli_say(
	    _("the centre was put back to an older copy, or begun anew: what was printed up to log place %llu is not known there; "
	      "going on from %llu"),
	    (unsigned long long)watch->gone_seq, (unsigned long long)proved->seq);
	watch->goes_back = false;
	add_place(watch, proved);
	watch->printed_seq = proved->seq;
	watch->printed_index = UINT32_MAX;
	return CLI_OK;
}

/* The first answer since a place that the centre has: what was printed after it did not happen there. */
static void come_back(struct event_watch *watch)
{
	uint64_t seq = watch->places[watch->place_count - 1].seq;
	cli_say(_("the centre was put back to an older copy: of what was printed, events after log place %llu up to %llu did not "
		  "happen "
		  "there; those that did follow"),
		(unsigned long long)seq, (unsigned long long)watch->gone_seq);
	watch->goes_back = false;
	watch->printed_seq = seq;
	watch->printed_index = UINT32_MAX;
}

/* What happened up to the place proved. When there is no answer now, the next time; an exit code when there never will be. An answer of
 * another cut comes from a centre that was put back since: the subscription will prove a place of it. */
static int tell(struct event_watch *watch)
{
	static const uint8_t unsaid[BAOPHU_DIGEST_BYTES];
	struct wire_query *query = &watch->query;
	const struct baophu_place *proved = &watch->proved, *told = &watch->places[watch->place_count - 1];
	bool is_ahead = !watch->has_told && proved->seq < told->seq; /* does the log have what --since says at all? */
	query->as_of = watch->date;
	query->since_seq = told->seq;
	query->has_since_digest = memcmp(told->digest, unsaid, sizeof unsaid) != 0;
	memcpy(query->since_digest, told->digest, sizeof query->since_digest);
	query->known_seq = is_ahead ? 0 : proved->seq;
	query->page_bytes = 0;
	for (bool more = true; more;) {
		struct wire_answer answer = { 0 };
		int error = reader_query(watch->reader, query, ANSWER_MS, &answer);
		if (error == -BAOPHU_ETIMEOUT)
			return CLI_OK;
		if (error == -BAOPHU_EREFUSED && answer.code == BAOPHU_CODE_SNAPSHOT_REQUIRED)
			return !watch->has_told || is_same_place(&answer.cut, proved) ? go_back(watch, &answer) : CLI_OK;
		if (error == -BAOPHU_EREFUSED)
			return ask_answered(watch->cli, query, &answer);
		if (error)
			return cli_fail(watch->cli->options.query, error);
		if (is_ahead || !is_same_place(&answer.cut, proved))
			return CLI_OK;
		if (watch->goes_back)
			come_back(watch);
		error = tell_page(watch, &answer);
		if (error)
			return error;
		more = reader_next_page(query, &answer);
	}
	watch->has_told = true;
	add_place(watch, proved);
	return CLI_OK;
}

/* ---- following ---- */

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Keeps what is proved, says once that the connection is lost, and once that it is there again. */
static void on_state(void *user, const struct subscription_standing *standing)
{
	struct event_watch *watch = user;
	bool is_exact = standing->state == HOLDING_EXACT;
	if (is_exact) {
		watch->proved = standing->place;
		watch->date = standing->date;
	}
	if (watch->was_exact && standing->state == HOLDING_STALE) {
		cli_say(_("the connection is lost; what was printed is as of log place %llu"),
			(unsigned long long)standing->place.seq);
		watch->is_lost = true;
	} else if (watch->is_lost && is_exact) {
		cli_say(_("up to date again at log place %llu"), (unsigned long long)standing->place.seq);
		watch->is_lost = false;
	}
	watch->was_exact = is_exact || (watch->was_exact && standing->state != HOLDING_STALE);
}

static void begin_lines(struct event_watch *watch, const char *name)
{
	char text[BAOPHU_TEXT_BYTES_MAX + 128];
	snprintf(text, sizeof text, _("Events of %s after log place %llu, as they happen"), name,
		 (unsigned long long)watch->places[0].seq);
	writer_note(&watch->cli->writer, text);
	fflush(watch->cli->writer.out);
}

static int follow(struct event_watch *watch, const char *name, int *ret_signal)
{
	bool said_waiting = false, has_begun = false;
	for (int64_t began_ms = now_ms(), asked_ms = 0;;) {
		int error = subscription_step(watch->subscription, STEP_MS);
		if (error && error != -EINTR)
			return cli_fail(watch->cli->options.publish, error);
		if ((*ret_signal = next_signal(watch)) != 0)
			return CLI_INTERRUPTED;
		if (!has_begun && !said_waiting && now_ms() - began_ms > WAITING_SAID_MS && isatty(STDERR_FILENO)) {
			said_waiting = true;
			cli_say(_("waiting for the first proved snapshot from %s …"), watch->cli->options.publish);
		}
		if (!watch->proved.seq)
			continue;
		if (!watch->place_count) { /* from now on */
			add_place(watch, &watch->proved);
			watch->has_told = true;
		}
		if (!has_begun)
			begin_lines(watch, name);
		has_begun = true;
		bool is_told = is_same_place(&watch->proved, &watch->places[watch->place_count - 1]);
		if (is_told || watch->is_lost || now_ms() - asked_ms < PAUSE_MS)
			continue;
		asked_ms = now_ms();
		int status = tell(watch);
		if (status)
			return status;
	}
}

struct root {
	char code[BAOPHU_CODE_BYTES_MAX + 1];
};
static int take_root(void *context, const struct wire_answer *answer)
{
	struct root *root = context;
	for (uint32_t i = 0; i < answer->unit_count && !*root->code; i++)
		if (!*answer->units[i].parent)
			snprintf(root->code, sizeof root->code, "%s", answer->units[i].code);
	return CLI_OK;
}

/* The unit whose proofs pace the questions: the one asked for, or the first root. Of other roots its idle seals tell within a second. */
static int find_unit(struct event_watch *watch, char path[static ASK_PATH_BYTES], char name[static BAOPHU_TEXT_BYTES_MAX + 1],
		     uint32_t *ret_depth)
{
	struct cli *cli = watch->cli;
	struct root root = { 0 };
	if (cli->options.argument_count) {
		int status = ask_unit(cli, watch->reader, cli->options.arguments[0], watch->unit);
		return status ? status : ask_path(cli, watch->reader, watch->unit, path, name, ret_depth);
	}
	struct wire_query query = reader_question(WIRE_QUERY_UNITS);
	int status = ask_all(cli, watch->reader, &query, take_root, &root, NULL);
	if (!status && !*root.code)
		status = ask_refused(cli->command->noun, BAOPHU_CODE_UNIT_UNKNOWN, NULL);
	return status ? status : ask_path(cli, watch->reader, root.code, path, name, ret_depth);
}

int event_watch(struct cli *cli)
{
	struct event_watch *watch = calloc(1, sizeof *watch);
	char path[ASK_PATH_BYTES], name[BAOPHU_TEXT_BYTES_MAX + 1];
	uint32_t depth = 0;
	int signal_came = 0;
	if (!watch)
		return cli_fail(_("events"), -ENOMEM);
	watch->cli = cli;
	watch->signals = -1;
	if (cli->writer.options.kind == WRITER_JSON) {
		cli->writer.options.kind = WRITER_JSONL; /* an array would never end */
		cli->writer.ops = &writer_jsonl;
	}
	int status = ask_open(cli, &watch->reader);
	if (!status)
		status = find_unit(watch, path, name, &depth);
	if (!status)
		status = ask_names(cli, watch->reader, &watch->names);
	if (!status)
		status = coverage_check_measures(cli, &watch->names);
	watch->query = ask_question(cli, WIRE_QUERY_EVENTS);
	watch->query.unit = watch->unit;
	watch->query.depth = cli->options.depth == CLI_DEPTH_UNSAID ? BAOPHU_DEPTH_MAX : cli->options.depth;
	watch->query.limit = BAOPHU_PAGE_RECORDS_MAX;
	if (cli->options.since_seq)
		add_place(watch, &(struct baophu_place){ .seq = cli->options.since_seq });
	event_columns(watch->columns);
	bool has_rows = !status && !writer_is_for_people(&cli->writer);
	if (has_rows)
		status = cli_wrote(writer_begin(&cli->writer, watch->columns, EVENT_FIELDS));
	const struct subscription_config config = { .publish_endpoint = cli->options.publish,
						    .query_endpoint = cli->options.query,
						    .path = path,
						    .depth = depth,
						    .user = watch,
						    .on_state = on_state };
	if (!status) {
		int error = take_signals(watch);
		if (!error)
			error = subscription_open(&config, &watch->subscription);
		status = error ? cli_fail(cli->options.publish, error) : follow(watch, name, &signal_came);
	}
	int ended = has_rows ? cli_wrote(writer_end(&cli->writer)) : CLI_OK;
	subscription_close(watch->subscription);
	reader_close(watch->reader);
	names_finish(&watch->names);
	give_signals_back(watch);
	free(watch);
	if (signal_came && signal_came != SIGINT) {
		fflush(stdout);
		signal(signal_came, SIG_DFL);
		raise(signal_came);
	}
	return status ? status : ended;
}
