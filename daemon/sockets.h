/* sockets.h - the daemon's four ZeroMQ sockets, with every option that keeps a peer from hurting it. The only file that knows libzmq.
 *
 * All sockets are made at start in one context. Each belongs to one thread afterwards: ingest, control and publish to the collector,
 * query to the query thread. Nothing here blocks except sockets_wait. A message is what one peer sent in one frame; anything else is
 * dropped and counted. Who a peer is and what it says is decided elsewhere.
 */
#pragma once

#include "config.h"
#include "stats.h"

enum sockets_name { SOCKETS_INGEST, SOCKETS_CONTROL, SOCKETS_PUBLISH, SOCKETS_QUERY, SOCKETS_COUNT };

/* A connection, for as long as it lasts: libzmq's own routing id. */
struct sockets_peer {
	uint32_t id;
};

struct sockets_message {
	enum sockets_name from;
	struct sockets_peer peer;
	const uint8_t *bytes; /* valid until sockets_release */
	size_t size;
	_Alignas(8) unsigned char frame[64]; /* libzmq's */
};

struct sockets; /* opaque */
/* Makes and binds all four; whoever connects is heard from now on, so the state must be ready. 0 or negative with a sentence in `why`. */
int sockets_open(const struct config *config, struct stats *stats, struct sockets **ret_sockets, char *why, size_t why_bytes);
void sockets_close(struct sockets *sockets); /* takes NULL */
/* As bound: a port that was left open is named. */
const char *sockets_endpoint(const struct sockets *sockets, enum sockets_name name);

/* Waits until a socket of `names` (bits 1 << name) can be read, one of `fds` can, or the time is over (-1: for ever). Returns bits: 1 <<
 * name, and 1 << (SOCKETS_COUNT + i) for fds[i]; negative on an error that no peer can cause. */
enum { SOCKETS_WAIT_FDS_MAX = 4 };
int sockets_wait(struct sockets *sockets, unsigned names, const int *fds, unsigned fd_count, int timeout_ms);

/* 1: *ret_message holds one, to be released; 0: nothing waits, or much that was dropped; negative: an error that no peer can cause. Not
 * for PUBLISH. */
int sockets_receive(struct sockets *sockets, enum sockets_name name, struct sockets_message *ret_message);
void sockets_release(struct sockets_message *message);
/* Copies `bytes`. -EHOSTUNREACH: the peer is gone; -EAGAIN: it does not read. Both are counted here. */
int sockets_send(struct sockets *sockets, enum sockets_name name, struct sockets_peer peer, const void *bytes, size_t size);

/* One subscription, or its end when nobody has it any more. Returns 1, 0 or negative as sockets_receive. `topic` needs
 * SOCKETS_TOPIC_BYTES_MAX bytes. *ret_subscriber tells whose it is, for as long as that connection lasts; 0: not known. */
enum { SOCKETS_TOPIC_BYTES_MAX = 256 };
int sockets_receive_subscription(struct sockets *sockets, bool *ret_is_on, char *topic, size_t *ret_bytes,
				 uint32_t *ret_subscriber);
/* Ends a subscriber's connection, and with it what libzmq keeps for it. It may connect again. */
void sockets_cut_subscriber(struct sockets *sockets, uint32_t subscriber);
/* Copies both. Never blocks: a subscriber that does not read loses it, and finds out by the next seal. */
int sockets_publish(struct sockets *sockets, const char *topic, size_t topic_bytes, const void *body, size_t size);
