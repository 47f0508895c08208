/* log_private.h - what the parts of the log share: log.c (appending), log_open.c (opening and refusing), log_read.c (reading).
 *
 * For these three only. Layers: log_open and log_read may use log.c; below all three are log_tree (pages), log_check (a segment
 * before it is trusted), log_witness and log_prewrite.
 */
#pragma once

#include <pthread.h>

#include <lmdb.h>

#include "log.h"
#include "log_prewrite.h"
#include "log_tree.h"

enum { LOG_NAME_BYTES = 32, LOG_NAME_DIGITS = 20 };
#define LOG_NEW_NAME "new.mdb"
#define LOG_WITNESS_NAME "witness"

struct segment {
	uint64_t first_seq;
	char name[LOG_NAME_BYTES];
	char *path;
	MDB_env *env; /* of the newest segment and those it followed since the start; NULL for older ones */
	MDB_dbi dbi;
	/* below: under the log's lock */
	const uint8_t *pages; /* the file mapped for reading; NULL until somebody asks */
	size_t map_bytes;
	bool is_sealed; /* never written again: its pages need no keeping */
	struct log_tree tree; /* of its newest commit */
};

struct log {
	char *path;
	enum log_access access;
	int directory, witness_fd; /* witness_fd: -1 when there is none to read */
	unsigned witness_turn;
	uint64_t segment_bytes, prewrite_bytes;
	struct log_prewrite *prewrite; /* NULL: nothing is written ahead */

	pthread_mutex_t lock; /* of the next three, and of what struct segment says */
	struct baophu_place head; /* goes with the newest segment's tree */
	struct segment **segments; /* in order; never fewer while the log is open */
	size_t segment_count;

	/* the appender's alone */
	struct segment *newest;
	uint64_t used_bytes; /* of the newest segment, by its last commit */
	MDB_txn *txn;
	struct baophu_place tail; /* of the last record appended */
	uint64_t txn_bytes;
	int txn_error; /* first failure since log_begin */
	int failed; /* first failure that is not about room; for ever */
	bool must_roll; /* the newest segment's map is full */
	uint32_t begun; /* transactions, since readers that died were last looked for */
};

/* An LMDB code or errno value as a code of ours; LMDB's codes end here. */
int log_status(int rc);
/* The same for what a write said: a full disk or map is -BAOPHU_EFULL. */
int log_classify(struct log *log, int rc);

void log_name_segment(uint64_t first_seq, char ret_name[static LOG_NAME_BYTES]);
/* Removes LMDB's reader table of a segment. */
void log_unlink_lock(const struct log *log, const char *name);
/* Returns owned. -ENOMEM. */
int log_segment_create(const struct log *log, uint64_t first_seq, struct segment **ret_segment);
void log_segment_destroy(struct segment *segment); /* takes NULL */
/* Takes the segment when it returns 0. -ENOMEM. */
int log_add_segment(struct log *log, struct segment *segment);

/* Opens a segment for appending, or for reading while others append. LMDB codes and errno values. */
int log_open_newest(struct log *log, struct segment *segment);
/* From now on appends go to `segment`, which log_open_newest opened. */
void log_adopt_newest(struct log *log, struct segment *segment);
/* Begins a new segment after the head. LMDB codes and errno values. */
int log_roll(struct log *log);
