/* log_prewrite.c - see log_prewrite.h.
 *
 * Why appending zeros beside LMDB is safe. LMDB 0.9 places pages by number with pwrite and looks at a file's size in no
 * decision of its own (only mdb_copy does, as an upper bound); a page above its newest commit's last page is never read. So
 * zeros there do no harm, and the one thing to exclude is zeros on a page that LMDB has written. The thread writes through an
 * O_APPEND descriptor of its own: Linux sets the position of such a write to the file's size under the inode's lock, the same
 * lock LMDB's pwrite takes. Whatever LMDB wrote before lies below the size; whatever it writes later replaces zeros. No margin
 * and no agreement on page numbers is needed. (Network file systems do not keep this promise; log_open refuses them.)
 *
 * Does not know LMDB. Called by log.c and log_open.c only.
 */
#include "log_prewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
	/* One piece is one sync, which a flush of the collector may have to wait for. Measured against no zeros ahead, at 1.5
	 * million entries/s: 256 KiB takes a quarter off the median flush and doubles its 99th percentile; 1 MiB makes that
	 * four times, 4 MiB ten. */
	PIECE_BYTES = 256 << 10,
	NAME_BYTES = 32,
};
static const uint64_t room_bytes_min = 256 << 20; /* with less room on the disk than this nothing is written ahead */

struct log_prewrite {
	int directory;
	uint64_t ahead_bytes;
	pthread_t thread;

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t work;
	bool stop;
	char name[NAME_BYTES]; /* newest segment; "" before the first */
	unsigned generation; /* counts log_prewrite_follow */
	uint64_t used_bytes;
	uint64_t file_bytes; /* as far as the thread knows */
	uint64_t rest_until_bytes; /* used bytes up to which nothing more is tried; after a failure */
};

static int append_zeros(int fd, uint64_t bytes)
{
	/* Untouched anonymous memory is zeros and costs no memory to read. */
	void *zeros = mmap(NULL, PIECE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (zeros == MAP_FAILED)
		return -errno;
	int rc = 0;
	while (bytes && !rc) {
		ssize_t put = write(fd, zeros, bytes < PIECE_BYTES ? bytes : PIECE_BYTES);
		if (put > 0)
			bytes -= (uint64_t)put;
		else if (put == 0 || errno != EINTR)
			rc = put == 0 ? -ENOSPC : -errno;
	}
	munmap(zeros, PIECE_BYTES);
	return rc;
}

int log_prewrite_extend(int fd, uint64_t bytes)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return -errno;
	int rc = (uint64_t)status.st_size < bytes ? append_zeros(fd, bytes - (uint64_t)status.st_size) : 0;
	if (!rc && fdatasync(fd) < 0)
		rc = -errno;
	return rc;
}

static bool has_room(int directory)
{
	struct statvfs status;
	return fstatvfs(directory, &status) == 0 && (uint64_t)status.f_bavail * status.f_frsize > room_bytes_min;
}

/* Below half of what is wanted ahead the thread is woken, and then works until all of it is there. */
static bool is_behind(const struct log_prewrite *prewrite)
{
	return prewrite->name[0] && prewrite->used_bytes >= prewrite->rest_until_bytes &&
	       prewrite->file_bytes < prewrite->used_bytes + prewrite->ahead_bytes / 2;
}

static void *run(void *argument)
{
	struct log_prewrite *prewrite = argument;
	int fd = -1;
	unsigned generation = 0;

	pthread_mutex_lock(&prewrite->lock);
	while (!prewrite->stop) {
		if (!is_behind(prewrite)) {
			pthread_cond_wait(&prewrite->work, &prewrite->lock);
			continue;
		}
		if (fd < 0 || generation != prewrite->generation) {
			if (fd >= 0)
				close(fd);
			generation = prewrite->generation;
			fd = openat(prewrite->directory, prewrite->name, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
			if (fd < 0) {
				prewrite->rest_until_bytes = UINT64_MAX;
				continue;
			}
		}
		uint64_t goal = prewrite->used_bytes + prewrite->ahead_bytes;
		struct stat status = { .st_size = 0 };
		int rc = 0;
		do {
			pthread_mutex_unlock(&prewrite->lock);
			if (!has_room(prewrite->directory))
				rc = -ENOSPC;
			else if (fstat(fd, &status) < 0)
				rc = -errno;
			else if ((uint64_t)status.st_size < goal)
				/* Whole pieces from multiples of a piece, so that an odd end does not stay odd. */
				rc = log_prewrite_extend(fd, ((uint64_t)status.st_size / PIECE_BYTES + 1) * PIECE_BYTES);
			pthread_mutex_lock(&prewrite->lock);
		} while (!rc && !prewrite->stop && generation == prewrite->generation && (uint64_t)status.st_size < goal);
		if (generation != prewrite->generation)
			continue;
		prewrite->file_bytes = (uint64_t)status.st_size;
		if (rc) /* a full disk may have room again later; any other failure the next flush will meet itself */
			prewrite->rest_until_bytes = rc == -ENOSPC ? prewrite->used_bytes + PIECE_BYTES : UINT64_MAX;
	}
	pthread_mutex_unlock(&prewrite->lock);
	if (fd >= 0)
		close(fd);
	return NULL;
}

int log_prewrite_start(int directory, uint64_t ahead_bytes, struct log_prewrite **ret_prewrite)
{
	struct log_prewrite *prewrite = calloc(1, sizeof *prewrite);
	if (!prewrite)
		return -ENOMEM;
	prewrite->directory = directory;
	prewrite->ahead_bytes = ahead_bytes;
	pthread_mutex_init(&prewrite->lock, NULL);
	pthread_cond_init(&prewrite->work, NULL);
	/* Signals are the main thread's. */
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&prewrite->thread, NULL, run, prewrite);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error) {
		pthread_cond_destroy(&prewrite->work);
		pthread_mutex_destroy(&prewrite->lock);
		free(prewrite);
		return -error;
	}
	*ret_prewrite = prewrite;
	return 0;
}

void log_prewrite_stop(struct log_prewrite *prewrite)
{
	if (!prewrite)
		return;
	pthread_mutex_lock(&prewrite->lock);
	prewrite->stop = true;
	pthread_cond_signal(&prewrite->work);
	pthread_mutex_unlock(&prewrite->lock);
	pthread_join(prewrite->thread, NULL);
	pthread_cond_destroy(&prewrite->work);
	pthread_mutex_destroy(&prewrite->lock);
	free(prewrite);
}

void log_prewrite_follow(struct log_prewrite *prewrite, const char *name, uint64_t used_bytes)
{
	pthread_mutex_lock(&prewrite->lock);
	snprintf(prewrite->name, sizeof prewrite->name, "%s", name);
	prewrite->generation++;
	prewrite->used_bytes = used_bytes;
	prewrite->file_bytes = 0;
	prewrite->rest_until_bytes = 0;
	pthread_cond_signal(&prewrite->work);
	pthread_mutex_unlock(&prewrite->lock);
}

void log_prewrite_used(struct log_prewrite *prewrite, uint64_t used_bytes)
{
	pthread_mutex_lock(&prewrite->lock);
	prewrite->used_bytes = used_bytes;
	if (is_behind(prewrite))
		pthread_cond_signal(&prewrite->work);
	pthread_mutex_unlock(&prewrite->lock);
}
