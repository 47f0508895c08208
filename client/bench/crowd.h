/* crowd.h - many bare subscribers: sockets of one thread and one context that read and count what they are sent, and verify nothing.
 *
 * For what depends only on how much is delivered to how many. Whoever has to be exact is a subscription of the client library.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CROWD_MAX = 2000, CROWD_QUEUE_MESSAGES = 1000 };

struct crowd_config {
	void *context; /* ZeroMQ; borrowed */
	const char *endpoint;
	const char *const *topics; /* borrowed during crowd_open */
	uint32_t topic_count, count; /* of subscribers, each of all topics */
	uint32_t deaf; /* the last so many of them never read: their queues, and then the publisher's, stay full */
};
struct crowd_figures {
	uint64_t records, record_bytes, seals; /* topics and bodies of records; of all subscribers together */
};

struct crowd; /* opaque */
/* Connects, and returns when each of those that read was sent something. Dies with a message when that does not happen. */
struct crowd *crowd_open(const struct crowd_config *config);
/* Since it was opened. */
struct crowd_figures crowd_figures(struct crowd *crowd);
void crowd_close(struct crowd *crowd);
