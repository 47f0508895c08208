/* reader.h - questions to the query endpoint, answers page by page.
 *
 * Does not cache and does not decide what to ask: a wire_query goes out as it is (its id is set here), a wire_answer comes back.
 * Threads: a reader belongs to one thread at a time; one thread may have several.
 */
#pragma once

#include <baophu/baophu.h>

#include "wire.h"

struct reader;
enum { READER_TIMEOUT_MS = 10000 };

/* Starts connecting; does not wait. `context`: ZeroMQ context to share, borrowed; NULL: the reader makes its own. On 0 *ret_reader is the
 * caller's (returns owned). -EINVAL for an endpoint that is none; -ENOMEM; other errno values. */
int reader_open(void *context, const char *endpoint, struct reader **ret_reader);
void reader_close(struct reader *reader); /* takes NULL */

/* Asks and waits for one page, at most timeout_ms (0: READER_TIMEOUT_MS); asks again after a lost connection, while the
 * collector's history is behind min_seq, and while it is busy. The answer lives in the reader until its next call. 0;
 * -BAOPHU_EREFUSED: answered with a code other than NONE, which stands in *ret_answer with its text (axes and cut too);
 * -BAOPHU_ETIMEOUT: no answer in time, or ret_answer->code says why it is not ready (BEHIND, BUSY, INDEXING; else NONE);
 * -BAOPHU_EPROTOCOL: not an answer of this protocol; -BAOPHU_EFULL: the question is too long; -EINTR; -ENOMEM. */
int reader_query(struct reader *reader, const struct wire_query *query, int timeout_ms, struct wire_answer *ret_answer);
/* An empty question of this kind: no dates, no codes; for the caller to fill in. */
struct wire_query reader_question(enum wire_query_kind kind);
/* Puts the answer's next page into the question; false: that was the last. */
bool reader_next_page(struct wire_query *query, const struct wire_answer *answer);

/* ---- the same in halves, for whoever waits on more than one thing ---- */
/* Sends the question; what was asked before and is not answered is forgotten. -EAGAIN: not connected. */
int reader_ask(struct reader *reader, const struct wire_query *query);
/* The answer to the last question when it is there: 1; 0: not yet. Errors as reader_query. */
int reader_take(struct reader *reader, struct wire_answer *ret_answer);
/* True while a question asked is unanswered and the connection it went out on stands. */
bool reader_is_waiting(const struct reader *reader);
struct link;
struct link *reader_link(struct reader *reader); /* to wait on; borrowed */
/* Descriptors to poll for reading after a reader_take that returned 0, as link_descriptors. */
void reader_descriptors(const struct reader *reader, int ret_descriptors[static 2]);
