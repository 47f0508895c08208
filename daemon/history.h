/* history.h - the index that queries need: every fact by unit, measure and period; receipts by number; records that change the
 * registry. One LMDB environment, history.mdb, rebuilt from the log at will. Complete up to history_place().
 * Written by the follower only. The files of history and log are the only ones that know LMDB.
 */
#pragma once

#include "facts.h"
#include "fold.h"
#include "log.h"

struct history;
/* Opens or creates <directory>/history.mdb. A damaged or foreign one is -BAOPHU_EDAMAGED / -BAOPHU_EFORMAT: the caller discards it with
 * history_discard and opens again; nothing is lost by that. */
int history_open(const char *directory, struct history **ret_history, const char **ret_why);
void history_close(struct history *history);
int history_discard(const char *directory);
struct baophu_place history_place(const struct history *history); /* any thread */
/* How far rows of a batch that was never finished may reach: the place, or beyond it. A log that lacks this place too (it was put back to an
 * older copy) is another history, and the file must be discarded. Asked once after history_open. */
struct baophu_place history_goal(const struct history *history);

/* ---- the follower's side: records in order, indexed in sorted slices ---- */
/* Takes the record that follows the last one added; nothing is visible before history_commit. -BAOPHU_EFULL: no room in the sort buffer
 * for this one, commit first (nothing of it was taken); -BAOPHU_EGAP: not the next one; -BAOPHU_EDAMAGED. */
int history_add(struct history *history, const void *record, size_t bytes);
bool history_is_full(const struct history *history);
/* The events of the record that was added last: they are no part of it and come from whoever folded it. Copies; -ENOMEM. */
int history_add_events(struct history *history, const struct event *events, size_t count);
/* Puts events of records up to `place`, that are not added yet, in the file at once; they stay invisible until their records are
 * committed, and are then not to be added again. While a state is folded from far back, so that they need not wait in memory. -BAOPHU_EFULL. */
int history_put_events(struct history *history, const struct event *events, size_t count, const struct baophu_place *place);
/* Writes what was added, in key order, with the new place, durably. -BAOPHU_EFULL: no room, what was added stays and may be tried again. */
int history_commit(struct history *history);

/* ---- reading; each thread has its own reader; a read transaction lives from begin to end, at most a time budget of the caller ---- */
struct history_reader;
int history_reader_open(struct history *history, struct history_reader **ret_reader);
void history_reader_close(struct history_reader *reader);
int history_begin(struct history_reader *reader, struct baophu_place *ret_place);
void history_end(struct history_reader *reader);
/* seq of the record that decided this number; -BAOPHU_ENOTFOUND. */
int history_receipt(struct history_reader *reader, uint32_t agent, uint64_t epoch, uint64_t number, uint64_t *ret_seq);
/* The newest number decided in this epoch; -BAOPHU_ENOTFOUND. */
int history_number(struct history_reader *reader, uint32_t agent, uint64_t epoch, uint64_t *ret_number);
/* One call per slot of the unit (of one measure, or of all when measure is 0), in order of measure, extent, to, from; versions in order of id,
 * none above known_id. Non-zero from `each` ends the walk and is returned. Memory lent during the call only. */
typedef int history_each_slot(void *context, const struct slot *slot, const struct fact_version *versions, int count);
int history_unit(struct history_reader *reader, uint32_t unit, uint16_t measure, uint64_t known_id, history_each_slot *each,
		 void *context);
/* One call per published rate of the unit, of each measure, denominator and date: the newest word not above known_id. As history_unit. */
typedef int history_each_rate(void *context, const struct entry_rate *said, uint64_t id);
int history_rates(struct history_reader *reader, uint32_t unit, uint64_t known_id, history_each_rate *each, void *context);
/* One call per event from (seq, index) on, in order, at most `limit` of them; of one unit when `unit` is not 0. As history_unit. */
typedef int history_each_event(void *context, const struct event *event);
int history_events(struct history_reader *reader, uint32_t unit, uint64_t seq, uint32_t index, uint64_t known_seq, uint32_t limit,
		   history_each_event *each, void *context);
/* Loads a whole state: registry records, what stands in every slot, newest numbers, newest events. */
int history_load(struct history_reader *reader, struct state *state);
