/* centre.c - see centre.h. */
#include "centre.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOG_WAIT_MS = 20000, LOG_PREWRITE_BYTES = 1 << 20 };

void centre_start(struct centre *centre, const struct follower_config *config)
{
	char directory[64];
	const char *why = "";
	snprintf(directory, sizeof directory, "%s/log", centre->directory);
	struct log_config log = { .directory = directory, .prewrite_bytes = LOG_PREWRITE_BYTES };
	int error = log_open(&log, &centre->log, &why);
	if (error)
		fprintf(stderr, "log: %s\n", why);
	assert(!error);
	error = follower_open_history(centre->log, centre->directory, &centre->history, &why);
	if (error)
		fprintf(stderr, "history: %d %s\n", error, why);
	assert(!error);
	struct follower_config follower = { 0 };
	if (config)
		follower = *config;
	follower.log = centre->log;
	follower.history = centre->history;
	error = follower_start(&follower, &centre->follower);
	assert(!error);
	centre_offer(centre);
}

void centre_offer(struct centre *centre)
{
	const struct vec *made = &centre->scene.state.events.made;
	size_t count = made->count;
	while (count && vec_at(made, struct event, count - 1)->seq > centre->logged)
		count--;
	int error = follower_offer(centre->follower, made->data, count, centre->logged);
	assert(!error);
}

void centre_stop(struct centre *centre)
{
	follower_stop(centre->follower);
	history_close(centre->history);
	log_close(centre->log);
	centre->follower = NULL;
	centre->history = NULL;
	centre->log = NULL;
}

void centre_open(struct centre *centre)
{
	*centre = (struct centre){ .directory = "/tmp/baophu_centre.XXXXXX" };
	assert(mkdtemp(centre->directory));
	pthread_rwlock_init(&centre->lock, NULL);
	scene_init(&centre->scene);
	centre_start(centre, NULL);
}

void centre_close(struct centre *centre)
{
	char command[80];
	centre_stop(centre);
	scene_finish(&centre->scene);
	pthread_rwlock_destroy(&centre->lock);
	snprintf(command, sizeof command, "rm -r %s", centre->directory);
	assert(!system(command));
}

void centre_commit(struct centre *centre)
{
	int error = log_begin(centre->log);
	for (; centre->logged < centre->scene.records.count && !error; centre->logged++) {
		const struct scene_record *record = vec_at(&centre->scene.records, struct scene_record, centre->logged);
		error = log_append(centre->log, record->bytes, record->size);
	}
	assert(!error);
	error = log_commit(centre->log);
	assert(!error);
	pthread_rwlock_wrlock(&centre->lock);
	error = fold_settle(&centre->scene.state);
	pthread_rwlock_unlock(&centre->lock);
	assert(!error);
	centre_offer(centre);
}

void centre_sync(struct centre *centre)
{
	centre_commit(centre);
	int error = follower_wait(centre->follower, centre->scene.place.seq, LOG_WAIT_MS);
	assert(!error);
}

int centre_damage(const struct centre *centre, const char *name, const void *bytes, size_t size)
{
	char path[128];
	struct stat file;
	int found = 0;
	snprintf(path, sizeof path, "%s/%s", centre->directory, name);
	int fd = open(path, O_RDWR);
	assert(fd >= 0 && !fstat(fd, &file));
	uint8_t *all = malloc((size_t)file.st_size), *end = all + file.st_size;
	assert(pread(fd, all, (size_t)file.st_size, 0) == file.st_size);
	for (uint8_t *at = all; (at = memmem(at, (size_t)(end - at), bytes, size)); at++, found++) {
		at[size - 1] ^= 4;
		assert(pwrite(fd, at + size - 1, 1, at + size - 1 - all) == 1);
	}
	free(all);
	close(fd);
	return found;
}
