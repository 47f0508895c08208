/* client.h - what a program needs to report to a collector, to ask it and to follow it, in plain types.
 *
 * Four things, each with a handle of its own: a session sends figures and gets receipts, a reader asks for coverage as of any date, a
 * subscription holds the live coverage of a subtree, a league ranks what it holds. What is on the wire, and by which library, does not show here.
 *
 * Words. borrows: used during the call only; copies: the caller may drop its own at once; takes: the handle is gone afterwards; returns
 * owned: the caller ends it with the _close named; lent: points into the handle until the time that is said.
 * Errors. 0, or a negative code: -errno or minus an enum baophu_error (baophu_strerror has a sentence for each). A code of the
 * collector (enum baophu_code, baophu_code_name) says why something was answered as it was.
 * Threads. A handle belongs to one thread at a time; different handles know nothing of each other. Nothing here is global, no signal
 * handler is set, nothing is printed. A signal ends a wait with -EINTR. Do not use a handle after fork() in the child.
 * Blocking. Only functions with a time-out wait, and never longer.
 * Durable. The library keeps nothing on disk. A receipt means that the collector has: what has a receipt survives its crash.
 * Zero. Structs that are handed in may be all zero but for what is marked "must be set"; a date of 0 means "left out".
 */
#pragma once

#include <stddef.h>

#include <baophu/date.h>
#include <baophu/ratio.h>
#include <baophu/status.h>
#include <baophu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Version of the library that is running, "0.1.0". Static storage. */
BAOPHU_API const char *baophu_version(void);

/* ---- names and errors ---- */

/* "UNIT_UNKNOWN"; "?" for a value that this library does not know. Static storage. */
BAOPHU_API const char *baophu_code_name(enum baophu_code code);
/* "applied", "held", "refused"; "?". Static storage. */
BAOPHU_API const char *baophu_verdict_name(enum baophu_verdict verdict);
/* Whether the same call may succeed later without anybody changing what it says: lost connections, time-outs, interrupted waits and
 * the collector's "not now". False: final, something has to be done differently. `error` as returned, `code` as given beside it. */
BAOPHU_API bool baophu_is_retryable(int error, enum baophu_code code);

/* ---- what can be reported ---- */

/* A figure of one measure, one unit, one date or period. Also what a withdrawal names (value and the words about it are then not used). */
struct baophu_fact {
	const char *unit, *measure; /* codes, must be set */
	enum baophu_extent extent; /* BAOPHU_WHOLE (also when 0): with everything below it; BAOPHU_OWN: of its own office alone */
	baophu_date from, to; /* `to` must be set; a stock has one day: leave `from` out */
	int64_t value; /* 0 to BAOPHU_VALUE_MAX in the measure's counting unit (persons, đồng); 0 is a report like any other */
	enum baophu_status status; /* 0: final */
	enum baophu_origin origin; /* 0: reported */
	enum baophu_bound bound; /* 0: exact */
	enum baophu_reason reason; /* 0: none */
};
/* A percentage as somebody printed it; the collector compares it with its own. */
struct baophu_rate {
	const char *unit, *measure; /* codes, must be set; measure: the numerator's */
	const char *over; /* code of the measure or plan that it is a share of; "" or NULL when unstated */
	enum baophu_denominator denominator; /* what `over` names */
	baophu_date from, to; /* as in a fact */
	int64_t digits; /* 9262 with decimals 2: 92,62 %. 0 to BAOPHU_DIGITS_MAX */
	unsigned decimals; /* 0 to BAOPHU_RATE_DECIMALS_MAX */
	enum baophu_status status;
	enum baophu_bound bound;
};
enum baophu_entry_kind { BAOPHU_ENTRY_FACT = 1, BAOPHU_ENTRY_WITHDRAWAL, BAOPHU_ENTRY_RATE };
struct baophu_entry {
	enum baophu_entry_kind kind; /* must be set */
	union {
		struct baophu_fact fact; /* FACT, WITHDRAWAL */
		struct baophu_rate rate; /* RATE */
	};
};

/* ---- session: figures out, receipts in, exactly once ---- */

/* An agent's connection to the ingest endpoint. It numbers updates, keeps each until its receipt is here, and after a lost connection sends
 * the same bytes again; the collector decides every number once and gives the same receipt however often it is asked. */
struct baophu_session;

struct baophu_session_config {
	const char *endpoint; /* "tcp://127.0.0.1:7101", "ipc:///run/baophu/ingest"; must be set; copied */
	const char *agent; /* the name that the centre registered; must be set; copied */
	uint64_t epoch; /* series of numbers to write in; 0: a new one; or one chosen before: see BAOPHU_EPOCH_CHOSEN_MIN */
	struct baophu_place last; /* place of the newest receipt held; seq 0: none. See baophu_session_standing.last_unknown */
	uint32_t window; /* updates without receipt at most, up to 65,536; 0: 256 */
	int timeout_ms; /* of opening and sending; 0: 10,000 */
};

/* Connects and waits for the collector's welcome, at most timeout_ms. Borrows config; on 0 *ret_session is returned owned.
 * -BAOPHU_EREFUSED: turned away, *ret_code says why (AGENT_UNKNOWN, FROZEN, PROTOCOL, ...); -BAOPHU_ETIMEOUT: nobody answered (*ret_code
 * NONE), or not ready (BUSY, DISK); -EINVAL: no endpoint or name; -EINTR; -ENOMEM; other errno values of the connection. */
BAOPHU_API int baophu_session_open(const struct baophu_session_config *config, struct baophu_session **ret_session,
				   enum baophu_code *ret_code);
/* Takes the session, or NULL; does not wait. What has no receipt may or may not be decided: a later session of the same epoch that
 * pushes the same entries under the same number finds out. */
BAOPHU_API void baophu_session_close(struct baophu_session *session);

/* What became of one update, for ever. A verdict of HELD or REFUSED is a decision too: sending it again changes nothing. */
struct baophu_receipt {
	uint64_t epoch, number; /* which update */
	struct baophu_place
	    place; /* where it stands in the collector's history; place.seq as min_seq of a question reads it back */
	enum baophu_verdict verdict;
	enum baophu_code code; /* why held or refused; NONE when applied */
	uint32_t entry; /* index of the entry that this is about; UINT32_MAX: none */
	char suggestion[BAOPHU_CODE_BYTES_MAX + 1]; /* held over a unit that ended: its successor's code; else "" */
};

/* Sends 1 to 65,536 entries, all or nothing, and waits for the receipt, at most timeout_ms of the config. Borrows entries.
 * 0: decided, *ret_receipt says how. Otherwise nothing was decided unless it says so:
 * -BAOPHU_EREFUSED: *ret_code says why (CLOCK: a date too far ahead; FORK, FROZEN: another wrote in this epoch, open a new one);
 * -BAOPHU_ETIMEOUT: *ret_code is the collector's last "not now" and nothing was decided; with NONE, and after -EINTR, look at
 * baophu_session_standing()->unanswered: when it is not 0 the update is still under way, to be waited for with baophu_session_wait and
 * not to be sent again; -EBUSY: another one is still under way; -BAOPHU_EGAP as baophu_session_wait; -EINVAL: an entry without
 * kind, code or date; -BAOPHU_EFULL: too many entries; -BAOPHU_EPROTOCOL; -ENOMEM. */
BAOPHU_API int baophu_session_send(struct baophu_session *session, const struct baophu_entry *entries, uint32_t count,
				   struct baophu_receipt *ret_receipt, enum baophu_code *ret_code);

/* Many under way: push until -EAGAIN, wait for receipts. Copies 1 to 512 entries as one update; does not wait.
 * number 0: the next one, given in *ret_number. Whoever must survive its own crash keeps (epoch, number, entries) on disk before, opens
 * that epoch again afterwards and pushes what has no receipt under the old numbers, in order and without a hole; what was decided already is
 * only answered again. The entries must then be the same: others under a used number freeze the epoch (FORK).
 * -EAGAIN: the window is full; -BAOPHU_EFULL: more than an update holds (512 entries, 65,536 bytes); -EINVAL: as above, none, or a
 * number that does not follow; -ENOMEM. */
BAOPHU_API int baophu_session_push(struct baophu_session *session, const struct baophu_entry *entries, uint32_t count,
				   uint64_t number, uint64_t *ret_number);
/* Works for at most timeout_ms (0: only what is there; -1: no limit) until an update has its receipt: 1 and *ret_receipt. 0: time is up.
 * Lost connections and "not now" are not errors here; it goes on. -BAOPHU_EREFUSED: the collector no longer takes this session
 * (baophu_session_standing()->turned); -BAOPHU_EGAP: the collector was put back to an older copy and misses updates that had receipts:
 * push them again from baophu_session_standing()->next on; -BAOPHU_EPROTOCOL; -EINTR; -ENOMEM. */
BAOPHU_API int baophu_session_wait(struct baophu_session *session, int timeout_ms, struct baophu_receipt *ret_receipt);

struct baophu_session_standing {
	bool is_open; /* connected and welcome at this moment */
	bool
	    last_unknown; /* the place handed in as `last` is not in this collector's history: it lost what you had a receipt for */
	uint64_t epoch; /* to be kept, with next, by whoever wants to go on in it */
	uint64_t next; /* number of the next push */
	uint32_t unanswered; /* updates without receipt */
	uint32_t reconnects; /* connections lost so far */
	enum baophu_code turned; /* why this session was turned away; NONE */
	enum baophu_code waiting_for; /* the "not now" that holds things up; NONE */
	struct baophu_place head; /* newest place of the collector's history heard of */
	struct baophu_place last; /* of the newest receipt */
};
/* Fills in how things stand. Cheap; cannot fail. */
BAOPHU_API void baophu_session_standing(const struct baophu_session *session, struct baophu_session_standing *ret_standing);

/* ---- reader: coverage as of any date, as known at any place ---- */

/* A connection to the query endpoint. Keeps nothing but the page in hand. */
struct baophu_reader;

/* Starts connecting; does not wait. Copies endpoint; on 0 *ret_reader is returned owned. -EINVAL: no endpoint; -ENOMEM; errno values. */
BAOPHU_API int baophu_reader_open(const char *endpoint, struct baophu_reader **ret_reader);
/* Takes the reader, or NULL. */
BAOPHU_API void baophu_reader_close(struct baophu_reader *reader);

/* A question for the coverage of a unit. The four axes are as_of, known_seq, tree_date and plan. */
struct baophu_question {
	const char *unit; /* code, must be set */
	uint32_t depth; /* levels below it, 0 (the unit alone) to BAOPHU_DEPTH_MAX */
	baophu_date as_of; /* the figures of this date; 0: the collector's business day */
	uint64_t known_seq; /* what the log said at this place; 0: now */
	baophu_date tree_date; /* the map of this date; 0: as_of */
	const char *plan; /* only rows of this plan, and the figures under them; NULL: all */
	const char *const *measures; /* codes, at most BAOPHU_QUERY_MEASURES_MAX; NULL: all */
	uint32_t measure_count;
	baophu_date since; /* fills `previous` of each row with the figure of this date; 0: do not */
	baophu_date from, to; /* period of flows; 0: each measure's plan periods, else its latest */
	uint64_t
	    min_seq; /* the answer must not be older: seq of a receipt's place reads one's own report back; 0: whatever there is */
	int timeout_ms; /* of each page; 0: 10,000 */
};
/* How the question was understood, and the one place that the whole answer is of. */
struct baophu_answer {
	enum baophu_code code; /* NONE, or why there is no answer */
	char text[256]; /* with a code what is wrong, in English; else "" */
	struct baophu_detail detail; /* the same in parts, to be said in another language; fault NONE when it is not said */
	struct baophu_place cut; /* with known_seq that place, else the newest */
	baophu_date as_of, tree_date;
	uint64_t known_seq;
	char plan[BAOPHU_CODE_BYTES_MAX + 1];
};

/* Asks and waits for the first page; what was asked before is forgotten. Copies question. Asks again by itself after a lost connection, while
 * the collector's history is behind min_seq, and while it is busy. 0: *ret_answer is filled in, walk it with
 * baophu_reader_next. -BAOPHU_EREFUSED: ret_answer->code and text say why; -BAOPHU_ETIMEOUT: no answer in time (code NONE) or not
 * ready (BEHIND, BUSY, INDEXING); -EINVAL: no unit, or something longer than its bound; -BAOPHU_EPROTOCOL; -EINTR; -ENOMEM. */
BAOPHU_API int baophu_reader_ask(struct baophu_reader *reader, const struct baophu_question *question,
				 struct baophu_answer *ret_answer);
/* The next record of the answer: 1, *ret_record is lent until the next call on the reader. 0: that was the last. Waits when a page has to be
 * fetched; all pages are of one cut. -EINVAL: events were asked for; other errors as baophu_reader_ask; after one the answer is not whole and has
 * to be asked for again. */
BAOPHU_API int baophu_reader_next(struct baophu_reader *reader, const struct baophu_record **ret_record);
/* A question for events: which units crossed which lines with targets of their own, in order of (seq, index). */
struct baophu_event_question {
	const char *unit; /* code; NULL: all units */
	uint32_t depth; /* levels below it, 0 (the unit alone) to BAOPHU_DEPTH_MAX */
	/* After this place; seq 0: from the first on. A digest other than zeros is checked: BAOPHU_CODE_SNAPSHOT_REQUIRED when the collector's
	 * history does not have the place. */
	struct baophu_place since;
	uint64_t known_seq; /* up to this place; 0: now */
	baophu_date tree_date; /* what is below the unit is told by the map of this date; 0: the collector's business day */
	const char *plan; /* only of this plan; NULL: all */
	const char *const *measures; /* codes of measures and indicators, at most BAOPHU_QUERY_MEASURES_MAX; NULL: all */
	uint32_t measure_count;
	baophu_date from, to; /* only of these business days; 0: all */
	bool with_kept; /* also those that are kept only, of lines crossed more than twice in a day (number 0) */
	uint64_t min_seq; /* as in baophu_question */
	int timeout_ms; /* of each page; 0: 10,000 */
};
/* Asks and waits for the first page; what was asked before is forgotten. Copies question. *ret_answer and errors as baophu_reader_ask; a unit may
 * be left out. */
BAOPHU_API int baophu_reader_ask_events(struct baophu_reader *reader, const struct baophu_event_question *question,
					struct baophu_answer *ret_answer);
/* The next event of the answer: 1, *ret_event is lent until the next call on the reader. 0: that was the last. Waits when a page has to be
 * fetched; all pages are of one cut. -EINVAL: something else was asked; other errors as baophu_reader_next. */
BAOPHU_API int baophu_reader_next_event(struct baophu_reader *reader, const struct baophu_event **ret_event);
/* The first row of this kind, measure and plan; plan NULL: any. NULL when there is none. Borrows; lives as long as the record. */
BAOPHU_API const struct baophu_row *baophu_record_row(const struct baophu_record *record, enum baophu_row_kind kind,
						      const char *measure, const char *plan);

/* ---- subscription: the live coverage of a subtree at one depth, proved ---- */

/* Holds a snapshot and follows what changes. Nothing that comes over the network can make it say EXACT wrongly: that is said only when the
 * collector's seal of a place (count and sum over all units and versions) matches what is held. What was lost is asked for. */
struct baophu_subscription;

enum baophu_view {
	BAOPHU_VIEW_SYNCING, /* joining; everything shown before is void */
	BAOPHU_VIEW_FOLLOWING, /* newer than the last proof: the next seal decides */
	BAOPHU_VIEW_EXACT, /* what was shown is the state of `place`, proved */
	BAOPHU_VIEW_REPAIRING, /* something was missed and is being asked for; the last cut shown is still that of `place` */
	BAOPHU_VIEW_STALE, /* the connection is lost or silent: the last cut shown is old, and nobody knows how old */
};
/* "syncing", "following", ...; "?". Static storage. */
BAOPHU_API const char *baophu_view_name(enum baophu_view view);

struct baophu_subscription_standing {
	enum baophu_view view;
	struct baophu_place place; /* of the last proof; seq 0: none yet */
	baophu_date date; /* business day of the newest seal */
	uint32_t count; /* units held */
	uint64_t seal_seq; /* newest place heard of: how far behind `place` may be */
	uint32_t repairs; /* questions it had to ask after joining */
	uint64_t records; /* taken so far */
	enum baophu_code refused; /* what the last question was answered with; NONE */
	/* Milliseconds since a seal last proved what was shown; -1: none did yet. Below some seconds while all is well, because a seal comes
	 * each idle second; of a view that is not EXACT how old it is: "stale since 14:05" is the wall clock less this. Counts on while
	 * the machine sleeps. */
	int64_t proof_age_ms;
};

/* What changed between two proved places. Never half of one: a caller that applies it whole holds exactly the state of `to`. Cuts that came
 * while nobody called baophu_subscription_step are one cut: from..to is the range it covers, `skipped` how many proved places inside it were
 * passed over, and a unit is in it once, as it is at `to`. */
struct baophu_cut {
	struct baophu_place from, to; /* from.seq 0 when is_whole */
	baophu_date date; /* business day */
	bool is_whole; /* these are all records there are: forget every other */
	uint32_t skipped; /* places between from and to that were proved and not shown, because the caller was slow; mostly 0 */
	uint32_t record_count; /* may be 0: proved again at a newer place, nothing below changed */
	const struct baophu_record
	    *records; /* with `tombstone` the unit is to be shown no longer (only unit_number and version are set) */
	/* With wants_events: the delivered events after `from` up to `to` of the units held at `to`, all of them, each once, in order of
	 * (seq, index). See wants_events. */
	uint32_t event_count;
	const struct baophu_event *events;
	/* When there were more than events_max: events with unlisted_after < seq <= unlisted_until are not among them, and have to be asked for
	 * (baophu_reader_ask_events with these two as since_seq and known_seq). Both 0: all are here. */
	uint64_t unlisted_after, unlisted_until;
};

/* One unit of what is held at a place: unit_number, version and event_count of its record. */
struct baophu_held_unit {
	uint32_t unit_number;
	uint64_t version;
	uint64_t event_count; /* for wants_events; 0 where it is not known: then the unit's next event costs a question */
};

struct baophu_subscription_config {
	const char *publish_endpoint, *query_endpoint; /* "tcp://127.0.0.1:7103", "tcp://127.0.0.1:7102"; must be set; copied */
	const char *path; /* codes from the root down to the unit, "VN/92"; must be set; copied */
	uint32_t
	    depth; /* of the units wanted: 0 a root; at least that of the path's last code: "VN/92" with 1 is unit 92, with 2 its districts */
	uint32_t units_max; /* bound on memory: units held, some 2 KiB each while a cut gathers; 0: BAOPHU_UNITS_MAX */
	int stale_after_ms; /* silence until STALE; 0: 5,000 (a seal comes each idle second) */
	/* To go on where an earlier subscription of the same path and depth stopped: the `to` of the last cut applied, and number and version
	 * of every record held there. Only what changed since is sent, and the first cut is from this place. When the collector's
	 * history does not have the place (SYNCING), or the list is wrong, it begins anew: trust is_whole. seq 0: from nothing. */
	struct baophu_place resume_place;
	const struct baophu_held_unit *resume_units; /* borrowed */
	uint32_t resume_count;
	/* Events in cuts (baophu_cut.events), under the same proof as the records: a record says how many delivered events its unit ever had, and
	 * a cut is shown when they are all there. Those that were lost, or did not fit beside their records, are asked for; until they are
	 * there the view is REPAIRING, and the next cut covers more. So a cut may come later than without, when the collector's history is
	 * behind; memory grows by some 60 bytes a unit, and by what events_max says. That is why it has to be wished for.
	 *
	 * A whole cut has no events: it begins anew, and who wants to know the past asks for it (baophu_reader_ask_events). One that is
	 * resumed gets all events after resume_place. A unit that comes into the subtree between `from` and `to` comes with its events since
	 * `from`; of one that leaves, those since `from` are not told.
	 *
	 * A collector that was put back to an older copy: when its history has the place of the last cut shown, cuts go on from there, and what
	 * was heard after that place and not yet proved is dropped, never shown. When it has not, everything is void (SYNCING) and a whole cut
	 * follows: events told before of places which that history does not have did not happen in it. What happens again there are other
	 * events (seq, index), though their `number` may be the same: so (seq, index) names an event within one history only, and whoever
	 * keeps events keeps the place of the last cut with them, and after a whole cut asks what there is since a place that both have. */
	bool wants_events;
	uint32_t
	    events_max; /* bound on memory: events kept until they are shown, some 400 bytes each; 0: 65,536. See unlisted_after */
	void *user; /* first argument of the callbacks */
	/* Callbacks run inside baophu_subscription_step, on its thread; they may not call it or close the subscription. What they are given is
	 * lent until they return. Each may be NULL. */
	void (*on_cut)(void *user, const struct baophu_cut *cut); /* at most once a step, at its end */
	void (*on_record)(void *user, const struct baophu_record *record); /* each as it comes, not yet proved */
	void (*on_state)(void *user, const struct baophu_subscription_standing *standing); /* before the cut that it proves */
};

/* Starts; does not wait. Borrows config; on 0 *ret_subscription is returned owned. -EINVAL: path, depth or endpoint, or
 * a unit or version that resume_place cannot have; -BAOPHU_EFULL: resume_count above units_max; -ENOMEM; errno values. */
BAOPHU_API int baophu_subscription_open(const struct baophu_subscription_config *config,
					struct baophu_subscription **ret_subscription);
/* Takes the subscription, or NULL. */
BAOPHU_API void baophu_subscription_close(struct baophu_subscription *subscription);
/* Works for at most timeout_ms (0: only what is there; -1: no limit) and returns sooner when a callback was called. To be called again and again: nothing
 * is heard meanwhile. 0; -EINTR; -BAOPHU_EFULL: more units than units_max; -BAOPHU_EPROTOCOL; -ENOMEM. Lost connections, missed records
 * and refused questions are no errors: on_state says so, and it goes on. After -ENOMEM of keeping a record it shows nothing more and
 * returns that each time, because a cut without it would look right: close it, and resume. */
BAOPHU_API int baophu_subscription_step(struct baophu_subscription *subscription, int timeout_ms);
/* Fills in how things stand. Cheap; cannot fail. */
BAOPHU_API void baophu_subscription_standing(const struct baophu_subscription *subscription,
					     struct baophu_subscription_standing *ret_standing);

/* ---- league: who stands where among its siblings, cut by cut ---- */

/* Ranks units by what they have reached: one table for each parent and each plan code over a measure or indicator, and one for each share. Fed
 * with the cuts of a subscription, so a rank is as proved as the figures that it is made of; it is in no record, because one unit's
 * figure can change the ranks of all its siblings.
 *
 * Who may be compared: in one table all have the same measure or indicator, the same plan code and the same denominator (the plan, or the
 * measure that a share is over), so a plan over a count and one over a rate are two tables. Against a plan over a count the ratio is
 * figure / target; of a share, and of a plan over one, it is the share itself. Ranked is who has both sides of the ratio, complete;
 * everybody else of the table is listed below with the reason: a partial sum, no report, withdrawn, no plan, no denominator.
 * Ranks are those of competitions, equal exact ratios share one and the next counts them: 1, 2, 2, 4. No float is involved.
 * Each unit's newest figure counts, whatever its date, and a plan that has ended ranks as before: whoever shows a table shows the date
 * of each figure (`to`) and `plan_state` beside it, as `status` and `origin`. */
struct baophu_league;

struct baophu_league_key {
	enum baophu_row_kind kind; /* PLAN, SHARE */
	char parent[BAOPHU_CODE_BYTES_MAX + 1]; /* code; "" of roots, and with across_parents */
	char measure[BAOPHU_CODE_BYTES_MAX + 1]; /* or indicator */
	char plan[BAOPHU_CODE_BYTES_MAX + 1]; /* "" of a share */
	char denominator[BAOPHU_CODE_BYTES_MAX + 1]; /* "plan", or the code of a measure */
};
struct baophu_league_table {
	const struct baophu_league_key *key; /* lent until the next take */
	uint32_t ranked; /* places with a rank: the first ones */
	uint32_t count;
};
/* A unit in a table. */
struct baophu_league_place {
	uint32_t unit_number;
	const char *unit, *name; /* lent until the next take */
	uint32_t rank; /* from 1; 0: not ranked, `reason` says why */
	enum baophu_state reason; /* PARTIAL, NO_REPORT, WITHDRAWN, NO_PLAN, NO_DENOMINATOR, NOT_COMPARABLE; NONE when ranked */
	int64_t numerator, denominator; /* the ratio; of who is not ranked what there is */
	baophu_date from, to; /* of the figure */
	enum baophu_status status;
	enum baophu_origin origin;
	enum baophu_plan_state plan_state;
};
struct baophu_league_change {
	const struct baophu_league_key *key; /* lent during the callback, as what `place` points to */
	struct baophu_league_place place; /* as it is now; with is_gone as it was, and rank 0 */
	uint32_t before; /* rank until now; 0: none */
	bool is_gone; /* the unit is no longer in this table */
};

struct baophu_league_config {
	bool across_parents; /* all units of the subscription against each other, whatever their parent */
	uint32_t places_max; /* bound on memory: units times tables that they are in, some 100 bytes each; 0: 4,194,304 */
	void *user; /* first argument of the callback */
	/* For each rank that a cut changes, after all of them are changed: table by table, in each first who is gone, then by place. May look
	 * things up in the league, not change it. May be NULL. */
	void (*on_change)(void *user, const struct baophu_league_change *change);
};
/* Copies config; on 0 *ret_league is returned owned. -ENOMEM. */
BAOPHU_API int baophu_league_create(const struct baophu_league_config *config, struct baophu_league **ret_league);
/* Takes the league, or NULL. */
BAOPHU_API void baophu_league_destroy(struct baophu_league *league);
/* Takes in a cut; borrows it. Ranks anew only the tables in which somebody's ratio changed. The first cut must be whole: that of a new subscription
 * is; after a resumed one hand in what is held, as a cut with is_whole. -EINVAL: it is not, or a unit is in the cut twice;
 * -BAOPHU_EFULL: places_max; -ENOMEM. After an error it is empty, and the next cut must be whole. */
BAOPHU_API int baophu_league_take(struct baophu_league *league, const struct baophu_cut *cut);
/* How many tables there are. */
BAOPHU_API uint32_t baophu_league_tables(const struct baophu_league *league);
/* The table at `index`, ordered by parent, plan, measure. -BAOPHU_ENOTFOUND: there are not so many. */
BAOPHU_API int baophu_league_table(const struct baophu_league *league, uint32_t index, struct baophu_league_table *ret_table);
/* The place at `index` of a table: ranked ones from the best on, equal ones by code, then who is not ranked by code. -BAOPHU_ENOTFOUND. */
BAOPHU_API int baophu_league_place(const struct baophu_league *league, uint32_t table, uint32_t index,
				   struct baophu_league_place *ret_place);
/* A unit's place by kind, measure (or indicator) and plan; plan NULL: any. -BAOPHU_ENOTFOUND: it is in no such table. */
BAOPHU_API int baophu_league_rank(const struct baophu_league *league, uint32_t unit_number, enum baophu_row_kind kind,
				  const char *measure, const char *plan, struct baophu_league_place *ret_place);

#ifdef __cplusplus
}
#endif
