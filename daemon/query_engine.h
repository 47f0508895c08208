/* query_engine.h - what the files of the query module share; nobody else includes it. See query.h.
 *
 * query.c: axes, cut, pages, table of requests; query_coverage.c: COVERAGE and CHANGED; query_lists.c: everything else.
 */
#pragma once

#include "query.h"

/* The coverage of one question, kept between its pages; one at a time. */
struct snapshot {
	bool is_valid;
	uint64_t known_seq, registry_seq;
	uint32_t unit, plan;
	baophu_date as_of, tree_date, since, from, to;
	uint32_t *order; /* the units asked about and all below them, parents first, siblings by code */
	uint32_t order_count;
	uint64_t *version; /* by unit */
	struct facts facts;
	struct rates rates; /* when something of the registry's was not known yet */
	bool has_rates;
	struct coverage coverage, earlier; /* earlier: as of `since`, when that is asked for */
	struct liveness liveness;
};

struct query_engine {
	struct query_config config;
	struct log_reader *log_reader;
	struct history_reader *history_reader;
	struct wire_arena arena; /* the question and the answer's structs */
	struct wire_arena scratch; /* the encoder's */
	struct registry registry; /* private copy */
	bool has_registry;
	struct baophu_place place; /* of the state when last looked at: the registry copy is that of this place */
	struct tree tree; /* the last one built */
	bool has_tree;
	struct snapshot snapshot;
	struct baophu_row *rows; /* of one page */
	struct baophu_row *earlier_rows; /* of one unit */
};
enum { QUERY_ROWS_MAX = 3 * COVERAGE_ROWS_MAX };

/* One question on its way to an answer. */
struct question {
	struct query_engine *engine;
	const struct wire_query *query;
	struct wire_answer *answer;
	uint64_t known_id; /* entries that count */
	baophu_date as_of, tree_date;
	uint32_t unit; /* 0: all roots */
	uint32_t plan; /* 0: all */
	uint32_t agent; /* 0: all */
	uint32_t limit; /* items of a page */
	uint64_t position; /* where this page begins; meaning is the handler's; 0 on the first */
	uint8_t *buffer; /* the answer's, free until it is encoded */
	size_t size;
	enum follower_part part; /* what an error speaks of */
};

/* Handlers: 0, or negative for the environment's errors. What is wrong with a question goes into the answer. */
int query_coverage(struct question *question);
int query_changed(struct question *question);
int query_history(struct question *question);
int query_units(struct question *question);
int query_measures(struct question *question);
int query_plans(struct question *question);
int query_agents(struct question *question);
int query_events(struct question *question);
int query_thresholds(struct question *question);
int query_due(struct question *question);
int query_held(struct question *question);
int query_log(struct question *question);
int query_status(struct question *question);

void snapshot_drop(struct snapshot *snapshot);

/* The answer is this refusal, and says so in English too; returns 0. What does not belong to the fault may be zero. */
int question_refuse(struct question *question, enum baophu_code code, const struct baophu_detail *detail);
/* There is more from `position` on (never 0). */
void question_continue(struct question *question, uint64_t position);
/* Zeroed, from the arena; NULL: full. */
void *question_alloc(struct question *question, size_t count, size_t bytes);
const char *question_text(struct question *question, const char *text);
/* Lends a record of the log, its chain verified, until the next read; errors as log_read. log_reader_release when done. */
int question_read_log(struct question *question, uint64_t seq, const void **ret_record, size_t *ret_bytes);
/* Refuses the question when the (seq, digest) that it asks what changed since is not in this history. 0, also then; errors as log_place. */
int question_check_since(struct question *question);
/* The place of `seq` in the log; errors as log_place. */
int question_place(struct question *question, uint64_t seq, struct baophu_place *ret_place);
/* The tree of the question's date as known; NULL: no memory. */
const struct tree *question_tree(struct question *question);
/* The code of a unit on the tree's date, else the last one it had; "" for 0. */
const char *question_unit_code(const struct question *question, uint32_t unit);
const char *question_agent_name(const struct question *question, uint32_t agent);
