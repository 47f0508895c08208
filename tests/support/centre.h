/* centre.h - a scene with a log, a history and a follower on disk, in a directory of its own: what query threads read. */
#pragma once

#include <pthread.h>

#include "follower.h"
#include "scene.h"

struct centre {
	struct scene scene;
	pthread_rwlock_t lock;
	char directory[40];
	struct log *log;
	size_t logged; /* records of the scene that the log has */
	struct history *history;
	struct follower *follower;
};
void centre_open(struct centre *centre);
void centre_close(struct centre *centre); /* and removes the directory */
/* Commits what the scene has and the log has not, settles the state and waits until history has it. */
void centre_sync(struct centre *centre);
/* The same without waiting for history. */
void centre_commit(struct centre *centre);
/* Log, history and follower closed and opened again, as at a restart. */
void centre_stop(struct centre *centre);
void centre_start(struct centre *centre, const struct follower_config *config); /* NULL: the usual one */
/* What the log has is given to a follower that was started otherwise, with all events (the scene keeps them). */
void centre_offer(struct centre *centre);
/* Flips a bit in every copy of these bytes in a file of the directory (its last byte); returns how many. */
int centre_damage(const struct centre *centre, const char *file, const void *bytes, size_t size);
