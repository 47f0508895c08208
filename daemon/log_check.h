/* log_check.h - reads the skeleton of a segment's file without LMDB, before LMDB is let near it.
 *
 * LMDB 0.9 trusts its file: it has no checksums, a truncated file is SIGBUS, a damaged header can divide by zero, and one
 * flipped bit in a header page silently brings back the commit before the last. So at start each segment is looked at here
 * first, by bounded reads: both header pages, the size, and the first and last path of the tree, where the segment's mark and
 * its last record are. What lies between is held by the chain digest of the records themselves. Nothing is written.
 */
#pragma once

#include <stddef.h>

#include <baophu/status.h>
#include <baophu/types.h>

#include "log_tree.h"

enum {
	LOG_FORMAT = 1, /* of the segment: its mark, keys and values */
	LOG_MARK_BYTES = 80,
};

/* The first value of every segment, under key 0: what it is and what it follows. */
void log_mark_encode(uint64_t first_seq, const struct baophu_place *previous, uint8_t ret_mark[static LOG_MARK_BYTES]);

struct log_segment_facts {
	uint64_t first_seq;
	struct baophu_place previous; /* the place before its first record */
	struct baophu_place end; /* of its last record; `previous` when it holds none */
	uint64_t used_bytes; /* up to here the newest commit may have pages; the file is at least as long */
	struct log_tree tree; /* of its records, at its newest commit; pages NULL */
	uint64_t transaction; /* LMDB's number of the newest commit */
	uint8_t meta[LOG_META_BYTES]; /* the header page of that commit */
	/* The other header page claims more than the newest: either a bit flipped in one of them, or the disk failed while the
	 * commit after the newest wrote its header. Only the witness knows which. */
	bool is_disputed;
};
/* 0; -errno, -BAOPHU_EDAMAGED, -BAOPHU_EFORMAT and then a sentence in `why` that does not name the file. While another process commits, a
 * sound file can be called damaged, when the two header pages were read on both sides of a commit; and the tree may only be looked at
 * while a reader of LMDB's keeps its pages. */
int log_check_segment(int directory, const char *name, uint64_t first_seq, struct log_segment_facts *ret_facts, char *why,
		      size_t why_bytes);
/* The header pages and the size alone: what LMDB needs to be let near the file. The same errors. */
int log_check_header(int directory, const char *name, char *why, size_t why_bytes);
