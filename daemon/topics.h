/* topics.h - what subscribers asked for: prefixes of records' topics, and seals. Bounded, for all together and for each connection.
 *
 * Pure: no sockets, no clock. libzmq keeps subscriptions of its own that it cannot be told to refuse, and each costs it a kilobyte or
 * more; so whoever asks for more than there is room for here has to be disconnected (sockets.h), which frees them there too.
 */
#pragma once

#include "fold.h"

/* A subscribed seal, and what was last said in it. */
struct topic_seal {
	const char *text; /* "seal/<depth>/<codes, each followed by a slash>~"; lent by the table, NUL-terminated */
	uint16_t bytes;
	uint8_t depth; /* of the units that it counts */
	bool is_all; /* of all roots */
	bool is_asked; /* subscribed since it was last sent */
	uint32_t unit; /* top of the subtree; 0: none of this path */
	uint64_t resolved_map_seq; /* of the map that `unit` was found on */
	struct subtree_sum last;
	int64_t sent_us;
};

struct topics; /* opaque */
/* At most so many, and so many bytes of them, of all connections together; a connection alone has at most half of what the others leave,
 * so that there is always room for one more. `seed`: random, so that nobody can choose topics that are slow to find. -ENOMEM. */
int topics_create(size_t count_max, size_t bytes_max, uint64_t seed, struct topics **ret_topics);
void topics_destroy(struct topics *topics); /* takes NULL */

/* `connection`: any number from 0 on that tells connections apart; one that asks for what is there already stands for it from then on.
 * *ret_seal: lent until the next call, when the topic is a seal's; else NULL. -BAOPHU_EFULL: not taken, there is no room for it;
 * -ENOMEM. */
int topics_subscribe(struct topics *topics, const char *text, size_t bytes, uint32_t connection, struct topic_seal **ret_seal);
/* Nobody has it any more. */
void topics_cancel(struct topics *topics, const char *text, size_t bytes);
/* Whether any prefix of this record's topic is subscribed. */
bool topics_match(const struct topics *topics, const char *topic, size_t bytes);

size_t topics_count(const struct topics *topics);
size_t topics_record_count(const struct topics *topics); /* without the seals */
/* All seals, in no order; lent until the next call that changes them. */
struct topic_seal *topics_seals(struct topics *topics, size_t *ret_count);
