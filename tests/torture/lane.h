/* lane.h - the way between one subscriber and the daemon, with faults: one lane for publications, one for questions.
 *
 * Message by message: drops, repeats, delays, swaps, stands still; and cuts connections as a network does (shutdown of the descriptor, not
 * a polite end). One connection of a subscriber only ever carries messages of one run of the daemon, as a TCP connection does; but what
 * was on the way when the daemon died still arrives for a while, and the two lanes of a subscriber are cut at different times.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmq.h>

uint64_t dice(uint64_t *random, uint64_t sides); /* 0 .. sides-1 */
int64_t now_us(void); /* real time, monotonic */

enum { LANE_HELD_MAX = 64, LANE_TOPICS_MAX = 8, LANE_TOPIC_BYTES = 256, LANE_FDS_MAX = 16 };
struct lane {
	bool is_query, is_faulty;
	int hwm; /* of the queue to the subscriber; 0: libzmq's */
	uint64_t *random;
	void *context, *front, *monitor, *back; /* back NULL: the daemon is away */
	int fds[LANE_FDS_MAX];
	unsigned fd_count;
	struct held {
		bool is_up; /* towards the daemon */
		int64_t due_us;
		zmq_msg_t frames[2];
	} held[LANE_HELD_MAX];
	unsigned held_count;
	/* of publications: what is subscribed to; of questions: routing id of the connection, and of the one before it */
	uint8_t topics[LANE_TOPICS_MAX][LANE_TOPIC_BYTES];
	size_t topic_bytes[LANE_TOPICS_MAX];
	int64_t stands_still_until_us, loses_seals_until_us, cut_at_us; /* 0: no */
	uint64_t faults;
};
void lane_open(struct lane *lane, void *context, const char *endpoint);
void lane_connect(struct lane *lane, const char *endpoint);
void lane_cut(struct lane *lane); /* both sides; what was on the way is lost */
void lane_cut_later(struct lane *lane, int64_t after_us); /* the daemon has died */
void lane_pump(struct lane *lane);
void lane_close(struct lane *lane);
