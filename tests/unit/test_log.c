/* test_log.c - the log's files: what was committed is read again, what was damaged is refused. */
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "log_fixture.h"

#include <sodium.h>

#include "log_check.h"
#include "log_witness.h"

enum { SMALL_SEGMENT = 64 << 10, PAGE = 4096 };
static const char first_name[] = "00000000000000000001.mdb";

static size_t list_names(const struct fixture *fixture, char names[][32], size_t room)
{
	char path[400];
	fixture_path(fixture, "", path);
	struct dirent **found;
	int count = scandir(path, &found, NULL, alphasort);
	size_t kept = 0;
	for (int i = 0; i < count; i++) {
		size_t length = strlen(found[i]->d_name);
		if (length == strlen(first_name) && strcmp(found[i]->d_name + length - 4, ".mdb") == 0 && kept < room)
			memcpy(names[kept++], found[i]->d_name, length + 1);
		free(found[i]);
	}
	free(found);
	return kept;
}

static uint8_t *read_file(const char *path, size_t *ret_bytes)
{
	struct stat status;
	int fd = open(path, O_RDONLY);
	cr_assert(fd >= 0 && fstat(fd, &status) == 0);
	uint8_t *bytes = malloc((size_t)status.st_size + 1);
	cr_assert_eq(read(fd, bytes, (size_t)status.st_size), status.st_size);
	close(fd);
	*ret_bytes = (size_t)status.st_size;
	return bytes;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
	close(fd);
}

static void patch_file(const char *path, off_t at, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY);
	cr_assert(fd >= 0);
	cr_assert_eq(pwrite(fd, bytes, size, at), (ssize_t)size);
	close(fd);
}

/* Opening must be refused with `error`, and the reason must name `word`. */
static void must_refuse(const struct fixture *fixture, int error, const char *word)
{
	struct log *log = NULL;
	const char *why = NULL;
	int rc = fixture_open(fixture, SMALL_SEGMENT, PREWRITE_NONE, &log, &why);
	cr_assert_eq(rc, error, "%d instead of %d: %s", rc, error, why);
	cr_assert_not_null(strstr(why, word), "\"%s\" does not say \"%s\"", why, word);
	cr_assert_not_null(strstr(why, fixture->directory), "%s", why);
}

/* ---- what it is for ---- */

Test(log, begins_empty_and_private)
{
	struct fixture fixture;
	fixture_init(&fixture);
	struct log *log = fixture_must_open(&fixture, 0, 0);
	struct baophu_place head = log_head(log), nowhere = { 0 };
	cr_assert_eq(head.seq, 0);
	cr_assert_eq(memcmp(head.digest, nowhere.digest, sizeof head.digest), 0);
	char path[400];
	struct stat status;
	fixture_path(&fixture, "", path);
	cr_assert_eq(stat(path, &status), 0);
	cr_assert_eq(status.st_mode & 0777, 0700);
	fixture_path(&fixture, first_name, path);
	cr_assert_eq(stat(path, &status), 0);
	cr_assert_eq(status.st_mode & 0777, 0600);
	struct log_reader *reader;
	const void *record;
	size_t bytes;
	cr_assert_eq(log_reader_open(log, &reader), 0);
	cr_assert_eq(log_read(reader, 0, true, &record, &bytes), -BAOPHU_ENOTFOUND);
	cr_assert_eq(log_read(reader, 1, true, &record, &bytes), -BAOPHU_ENOTFOUND);
	cr_assert_eq(log_place(reader, 0, &head), 0);
	cr_assert_eq(head.seq, 0);
	log_reader_close(reader);
	log_close(log);
	log = fixture_must_open(&fixture, 0, 0);
	cr_assert_eq(log_head(log).seq, 0);
	log_close(log);
	fixture_finish(&fixture);
}

Test(log, gives_back_the_bytes_that_were_committed_also_after_a_new_start)
{
	struct fixture fixture;
	fixture_init(&fixture);
	struct log *log = fixture_must_open(&fixture, 0, 0);
	static uint8_t bytes[64][8192];
	size_t sizes[64];
	struct baophu_place place = { 0 };
	for (int i = 0; i < 64; i += 8) {
		cr_assert_eq(log_begin(log), 0);
		for (int k = i; k < i + 8; k++) {
			sizes[k] = fixture_record(&place, (uint32_t)(k * 3), bytes[k], sizeof bytes[k], &place);
			cr_assert_eq(log_append(log, bytes[k], sizes[k]), 0);
		}
		cr_assert_eq(log_commit(log), 0);
		struct baophu_place head = log_head(log);
		cr_assert_eq(head.seq, place.seq);
		cr_assert_eq(memcmp(head.digest, place.digest, sizeof head.digest), 0);
	}
	for (int start = 0; start < 2; start++) {
		struct log_reader *reader;
		cr_assert_eq(log_reader_open(log, &reader), 0);
		for (int i = 63; i >= 0; i--) {
			const void *record;
			size_t size;
			cr_assert_eq(log_read(reader, (uint64_t)i + 1, i & 1, &record, &size), 0);
			cr_assert_eq(size, sizes[i]);
			cr_assert_eq(memcmp(record, bytes[i], size), 0);
		}
		cr_assert_eq(log_place(reader, 64, &place), 0);
		struct baophu_place head = log_head(log);
		cr_assert_eq(memcmp(head.digest, place.digest, sizeof head.digest), 0);
		cr_assert_eq(log_place(reader, 65, &place), -BAOPHU_ENOTFOUND);
		log_reader_close(reader);
		log_close(log);
		log = fixture_must_open(&fixture, 0, 0);
	}
	log_close(log);
	fixture_finish(&fixture);
}

Test(log, shows_nothing_before_the_commit_and_nothing_of_an_aborted_one)
{
	struct fixture fixture;
	fixture_init(&fixture);
	struct log *log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	uint8_t buffer[4096];
	struct baophu_place place = { 0 };
	size_t bytes = fixture_record(&place, 3, buffer, sizeof buffer, &place);
	struct log_reader *reader;
	const void *record;
	size_t size;
	cr_assert_eq(log_reader_open(log, &reader), 0);
	cr_assert_eq(log_begin(log), 0);
	cr_assert_eq(log_append(log, buffer, bytes), 0);
	cr_assert_eq(log_head(log).seq, 0);
	cr_assert_eq(log_read(reader, 1, true, &record, &size), -BAOPHU_ENOTFOUND);
	log_abort(log);
	cr_assert_eq(log_read(reader, 1, true, &record, &size), -BAOPHU_ENOTFOUND);
	cr_assert_eq(log_begin(log), 0);
	cr_assert_eq(log_commit(log), 0, "an empty commit is none");
	cr_assert_eq(log_head(log).seq, 0);
	cr_assert_eq(log_begin(log), 0);
	cr_assert_eq(log_append(log, buffer, bytes), 0);
	cr_assert_eq(log_commit(log), 0);
	cr_assert_eq(log_read(reader, 1, true, &record, &size), 0);
	log_reader_close(reader);
	log_close(log);
	fixture_finish(&fixture);
}

Test(log, refuses_a_record_that_does_not_follow_and_ends_there)
{
	struct fixture fixture;
	fixture_init(&fixture);
	struct log *log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	fixture_must_commit(log, 1, 3, 1);
	uint8_t buffer[4096];
	struct baophu_place place = { .seq = 7 };
	size_t bytes = fixture_record(&place, 3, buffer, sizeof buffer, &place);
	cr_assert_eq(log_begin(log), 0);
	cr_assert_eq(log_append(log, buffer, bytes), -EINVAL);
	cr_assert_eq(log_commit(log), -EINVAL);
	cr_assert_eq(log_begin(log), -EINVAL, "a failure that is not about room is for ever");
	cr_assert_eq(log_append(log, buffer, bytes), -EINVAL);
	cr_assert_eq(log_commit(log), -EINVAL);
	cr_assert_eq(log_head(log).seq, 3);
	log_close(log);
	fixture_finish(&fixture);
}

Test(log, goes_on_in_a_new_segment_and_reads_across_them_in_any_order)
{
	struct fixture fixture;
	fixture_init(&fixture);
	struct log *log = fixture_must_open(&fixture, SMALL_SEGMENT, 1 << 20);
	fixture_must_commit(log, 200, 3, 20);
	char names[64][32];
	size_t segments = list_names(&fixture, names, 64);
	cr_assert(segments > 4, "%zu", segments);
	for (int start = 0; start < 2; start++) {
		cr_assert_eq(fixture_read_all(log), 600);
		struct log_reader *reader;
		const void *record;
		size_t bytes;
		cr_assert_eq(log_reader_open(log, &reader), 0);
		for (uint64_t i = 0; i < 2000; i++) {
			uint64_t seq = i * 7919 % 600 + 1;
			cr_assert_eq(log_read(reader, seq, i % 3 == 0, &record, &bytes), 0);
			struct record_header header;
			cr_assert_eq(record_read_header(record, bytes, &header), 0);
			cr_assert_eq(header.place.seq, seq);
			if (i % 5 == 0)
				log_reader_release(reader);
		}
		log_reader_close(reader);
		log_close(log);
		log = fixture_must_open(&fixture, SMALL_SEGMENT, PREWRITE_NONE);
		cr_assert_eq(log_head(log).seq, 600);
	}
	fixture_must_commit(log, 1, 1, 5);
	cr_assert_eq(fixture_read_all(log), 601);
	log_close(log);
	fixture_finish(&fixture);
}

struct follow {
	struct log *log;
	uint64_t goal;
	_Atomic uint64_t read;
	_Atomic int error;
};

static void *follow(void *argument)
{
	struct follow *f = argument;
	struct log_reader *reader;
	f->error = log_reader_open(f->log, &reader);
	if (f->error)
		return NULL;
	uint64_t seq = 1;
	while (seq <= f->goal && !f->error) {
		const void *record;
		size_t bytes;
		int rc = log_read(reader, seq, true, &record, &bytes);
		if (rc == -BAOPHU_ENOTFOUND) {
			log_reader_release(reader);
			sched_yield();
			continue;
		}
		if (rc)
			f->error = rc;
		f->read = seq++;
	}
	log_reader_close(reader);
	return NULL;
}

Test(log, is_read_from_other_threads_while_it_grows_and_rolls)
{
	struct fixture fixture;
	fixture_init(&fixture);
	struct log *log = fixture_must_open(&fixture, 1 << 20, 4 << 20);
	struct follow follows[2] = { { .log = log, .goal = 3000 }, { .log = log, .goal = 3000 } };
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, follow, &follows[i]), 0);
	fixture_must_commit(log, 300, 10, 40);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		cr_assert_eq(follows[i].error, 0);
		cr_assert_eq(follows[i].read, 3000);
	}
	log_close(log);
	log = fixture_must_open(&fixture, 1 << 20, 4 << 20);
	cr_assert_eq(fixture_read_all(log), 3000);
	log_close(log);
	fixture_finish(&fixture);
}

Test(log, a_lent_record_stays_while_others_are_committed)
{
	struct fixture fixture;
	fixture_init(&fixture);
	struct log *log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	fixture_must_commit(log, 1, 1, 1);
	struct log_reader *reader;
	const void *record;
	size_t bytes;
	uint8_t copy[4096];
	cr_assert_eq(log_reader_open(log, &reader), 0);
	cr_assert_eq(log_read(reader, 1, true, &record, &bytes), 0);
	memcpy(copy, record, bytes);
	fixture_must_commit(log, 200, 2, 1);
	cr_assert_eq(memcmp(copy, record, bytes), 0);
	/* and the reader sees what is newer than its snapshot */
	cr_assert_eq(log_read(reader, 401, true, &record, &bytes), 0);
	log_reader_close(reader);
	log_close(log);
	fixture_finish(&fixture);
}

Test(log, zeros_are_written_ahead_and_never_over_records)
{
	struct fixture fixture;
	fixture_init(&fixture);
	char path[400];
	struct stat status;
	struct log *log = fixture_must_open(&fixture, 0, 2 << 20);
	fixture_path(&fixture, first_name, path);
	cr_assert_eq(stat(path, &status), 0);
	cr_assert(status.st_size >= 2 << 20, "%lld", (long long)status.st_size);
	fixture_must_commit(log, 1500, 2, 100); /* some 12 MiB, while the thread keeps extending */
	cr_assert_eq(fixture_read_all(log), 3000);
	log_close(log);
	log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	cr_assert_eq(fixture_read_all(log), 3000);
	log_close(log);
	fixture_finish(&fixture);
}

Test(log, keeps_every_confirmed_commit_through_kill)
{
	struct fixture fixture;
	fixture_init(&fixture);
	uint64_t confirmed = 0;
	for (int round = 0; round < 8; round++) {
		int ends[2];
		cr_assert_eq(pipe(ends), 0);
		pid_t child = fork();
		cr_assert(child >= 0);
		if (child == 0) {
			close(ends[0]);
			struct log *log = NULL;
			const char *why;
			if (fixture_open(&fixture, SMALL_SEGMENT, 1 << 20, &log, &why))
				_exit(1);
			for (;;) {
				if (fixture_commit(log, 3, 10))
					_exit(2);
				uint64_t seq = log_head(log).seq;
				if (write(ends[1], &seq, sizeof seq) != (ssize_t)sizeof seq)
					_exit(3);
			}
		}
		close(ends[1]);
		for (int i = 0; i < 20 + 7 * round; i++)
			cr_assert_eq(read(ends[0], &confirmed, sizeof confirmed), (ssize_t)sizeof confirmed);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		uint64_t late;
		while (read(ends[0], &late, sizeof late) == (ssize_t)sizeof late)
			confirmed = late;
		close(ends[0]);
		struct log *log = fixture_must_open(&fixture, SMALL_SEGMENT, PREWRITE_NONE);
		cr_assert(log_head(log).seq >= confirmed, "%llu of %llu", (unsigned long long)log_head(log).seq,
			  (unsigned long long)confirmed);
		cr_assert_eq(fixture_read_all(log), log_head(log).seq);
		log_close(log);
	}
	fixture_finish(&fixture);
}

Test(log, room_is_what_the_disk_has_less_a_reserve)
{
	struct fixture fixture;
	fixture_init(&fixture);
	struct log *log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	struct statvfs status;
	cr_assert_eq(statvfs(fixture.directory, &status), 0);
	int64_t unit = (int64_t)status.f_frsize, most = unit * (int64_t)status.f_bavail, total = unit * (int64_t)status.f_blocks;
	int64_t reserve = total / 20 > 64 << 20 ? total / 20 : 64 << 20, slack = 1 << 30; /* others write to the disk as well */
	int64_t room = log_room_bytes(log);
	cr_assert(room < most - reserve + slack && room > most - reserve - slack, "%lld", (long long)room);
	log_close(log);
	fixture_finish(&fixture);
}

/* ---- what is refused ---- */

/* A log of 40 commits in several segments, closed. */
static void make_log(struct fixture *fixture)
{
	fixture_init(fixture);
	struct log *log = fixture_must_open(fixture, SMALL_SEGMENT, PREWRITE_NONE);
	fixture_must_commit(log, 40, 5, 20);
	log_close(log);
}

Test(log, refuses_a_missing_segment)
{
	struct fixture fixture;
	make_log(&fixture);
	char names[64][32], path[400], aside[400];
	size_t count = list_names(&fixture, names, 64);
	cr_assert(count > 2);
	fixture_path(&fixture, "aside", aside);
	for (size_t i = 0; i < count; i++) {
		fixture_path(&fixture, names[i], path);
		cr_assert_eq(rename(path, aside), 0);
		must_refuse(&fixture, -BAOPHU_EDAMAGED, i + 1 < count ? "missing" : "was committed");
		cr_assert_eq(rename(aside, path), 0);
	}
	struct log *log = fixture_must_open(&fixture, SMALL_SEGMENT, PREWRITE_NONE);
	cr_assert_eq(fixture_read_all(log), 200);
	log_close(log);
	fixture_finish(&fixture);
}

Test(log, refuses_a_file_that_was_cut_and_is_not_killed_by_it)
{
	struct fixture fixture;
	make_log(&fixture);
	char names[64][32], path[400];
	size_t count = list_names(&fixture, names, 64), bytes;
	for (size_t i = 0; i < count; i += count - 1) { /* the first and the last */
		fixture_path(&fixture, names[i], path);
		uint8_t *whole = read_file(path, &bytes);
		for (size_t size = 0; size < bytes; size += size % PAGE ? PAGE - 100 : 100) {
			write_file(path, whole, size);
			must_refuse(&fixture, -BAOPHU_EDAMAGED, names[i]);
		}
		write_file(path, whole, bytes);
		free(whole);
	}
	struct log *log = fixture_must_open(&fixture, SMALL_SEGMENT, PREWRITE_NONE);
	log_close(log);
	fixture_finish(&fixture);
}

Test(log, refuses_a_file_that_is_not_a_segment)
{
	struct fixture fixture;
	make_log(&fixture);
	char path[400];
	static uint8_t noise[3 * PAGE];
	fixture_path(&fixture, first_name, path);
	write_file(path, noise, sizeof noise);
	must_refuse(&fixture, -BAOPHU_EDAMAGED, first_name);
	randombytes_buf(noise, sizeof noise);
	write_file(path, noise, sizeof noise);
	must_refuse(&fixture, -BAOPHU_EDAMAGED, first_name);
	write_file(path, noise, 0);
	must_refuse(&fixture, -BAOPHU_EDAMAGED, first_name);
	unlink(path);
	cr_assert_eq(mkdir(path, 0700), 0);
	must_refuse(&fixture, -BAOPHU_EDAMAGED, first_name);
	rmdir(path);
	fixture_finish(&fixture);
}

Test(log, refuses_a_segment_of_another_history)
{
	struct fixture fixture, other;
	make_log(&fixture);
	fixture_init(&other);
	struct log *log = fixture_must_open(&other, SMALL_SEGMENT, PREWRITE_NONE);
	fixture_salt = 1;
	fixture_must_commit(log, 40, 5, 20);
	fixture_salt = 0;
	log_close(log);
	char names[64][32], other_names[64][32], path[400], other_path[400];
	size_t count = list_names(&fixture, names, 64), other_count = list_names(&other, other_names, 64), bytes, exchanged = 0;
	for (size_t i = 1; i < count; i++) {
		for (size_t k = 1; k < other_count; k++) {
			if (strcmp(names[i], other_names[k]) != 0)
				continue;
			fixture_path(&fixture, names[i], path);
			fixture_path(&other, names[i], other_path);
			size_t own_bytes;
			uint8_t *own = read_file(path, &own_bytes), *foreign = read_file(other_path, &bytes);
			write_file(path, foreign, bytes);
			must_refuse(&fixture, -BAOPHU_EDAMAGED, names[i]);
			must_refuse(&fixture, -BAOPHU_EDAMAGED, "of the segment before it");
			write_file(path, own, own_bytes);
			free(own);
			free(foreign);
			exchanged++;
		}
	}
	cr_assert_eq(exchanged, count - 1);
	/* A file under another's name. */
	fixture_path(&fixture, names[1], path);
	fixture_path(&fixture, names[0], other_path);
	uint8_t *first = read_file(other_path, &bytes);
	write_file(path, first, bytes);
	free(first);
	must_refuse(&fixture, -BAOPHU_EDAMAGED, names[1]);
	fixture_finish(&other);
	fixture_finish(&fixture);
}

Test(log, refuses_a_newer_format)
{
	struct fixture fixture;
	fixture_init(&fixture);
	struct log *log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	fixture_must_commit(log, 1, 3, 2);
	log_close(log);
	char path[400];
	size_t bytes;
	fixture_path(&fixture, first_name, path);
	uint8_t *whole = read_file(path, &bytes);

	/* of a record */
	size_t patched = 0;
	for (size_t at = 2 * PAGE; at + RECORD_HEADER_BYTES < bytes; at++) {
		if (whole[at] == RECORD_FORMAT && whole[at + 1] == RECORD_UPDATE && whole[at + 2] == BAOPHU_APPLIED &&
		    whole[at + 4] == RECORD_RULES && memcmp(whole + at + 56, "\xff\xff\xff\xff", 4) == 0) {
			uint8_t newer = RECORD_FORMAT + 1;
			patch_file(path, (off_t)at, &newer, 1);
			patched++;
		}
	}
	cr_assert(patched >= 3);
	must_refuse(&fixture, -BAOPHU_EFORMAT, first_name);

	/* of the segment */
	write_file(path, whole, bytes);
	patched = 0;
	for (size_t at = 2 * PAGE; at + LOG_MARK_BYTES < bytes; at++) {
		if (memcmp(whole + at, "bplogseg", 8) != 0)
			continue;
		uint8_t mark[LOG_MARK_BYTES];
		memcpy(mark, whole + at, sizeof mark);
		mark[8] = LOG_FORMAT + 1;
		crypto_generichash(mark + 64, 16, mark, 64, NULL, 0);
		patch_file(path, (off_t)at, mark, sizeof mark);
		patched++;
	}
	cr_assert(patched >= 1);
	must_refuse(&fixture, -BAOPHU_EFORMAT, first_name);

	/* of LMDB */
	write_file(path, whole, bytes);
	uint8_t version = 2;
	patch_file(path, 20, &version, 1);
	must_refuse(&fixture, -BAOPHU_EFORMAT, first_name);
	free(whole);
	fixture_finish(&fixture);
}

/* Every bit of both header pages: refused, or the log ends where it ended. */
Test(log, never_goes_back_silently_for_a_flipped_bit_in_a_header_page, .timeout = 120)
{
	struct fixture fixture;
	fixture_init(&fixture);
	struct log *log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	fixture_must_commit(log, 21, 5, 20); /* an odd and an even number of commits are both met: the two pages take turns */
	struct baophu_place head = log_head(log);
	log_close(log);
	char path[400];
	size_t bytes, refused = 0;
	fixture_path(&fixture, first_name, path);
	uint8_t *whole = read_file(path, &bytes);
	for (size_t page = 0; page < 2; page++) {
		for (size_t bit = 0; bit < 8 * LOG_META_BYTES; bit++) {
			off_t at = (off_t)(page * PAGE + bit / 8);
			uint8_t flipped = whole[at] ^ (uint8_t)(1 << bit % 8);
			patch_file(path, at, &flipped, 1);
			const char *why;
			int rc = fixture_open(&fixture, 0, PREWRITE_NONE, &log, &why);
			if (rc == 0) {
				cr_assert_eq(log_head(log).seq, head.seq, "page %zu bit %zu", page, bit);
				cr_assert_eq(fixture_read_all(log), head.seq);
				log_close(log);
			} else {
				cr_assert(rc == -BAOPHU_EDAMAGED || rc == -BAOPHU_EFORMAT, "page %zu bit %zu: %d %s", page, bit, rc,
					  why);
				refused++;
			}
			patch_file(path, at, &whole[at], 1);
		}
	}
	cr_assert(refused > 8 * LOG_META_BYTES, "%zu", refused);
	free(whole);
	fixture_finish(&fixture);
}

/* Any flipped bit elsewhere: refused at start, found when the record is read, or harmless. */
Test(log, finds_a_flipped_bit_in_a_record_or_a_page_of_the_tree, .timeout = 120)
{
	struct fixture fixture;
	fixture_init(&fixture);
	struct log *log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	fixture_must_commit(log, 3, 50, 2);
	static uint8_t digests[150][BAOPHU_DIGEST_BYTES];
	struct log_reader *reader;
	struct baophu_place place;
	cr_assert_eq(log_reader_open(log, &reader), 0);
	for (uint64_t seq = 1; seq <= 150; seq++) {
		cr_assert_eq(log_place(reader, seq, &place), 0);
		memcpy(digests[seq - 1], place.digest, sizeof place.digest);
	}
	log_reader_close(reader);
	log_close(log);
	char path[400];
	size_t bytes, refused = 0, harmless = 0;
	fixture_path(&fixture, first_name, path);
	uint8_t *whole = read_file(path, &bytes);
	for (size_t at = 2 * PAGE; at < bytes; at += 37) {
		uint8_t flipped = whole[at] ^ (uint8_t)(1 << at % 8);
		patch_file(path, (off_t)at, &flipped, 1);
		const char *why;
		int rc = fixture_open(&fixture, 0, PREWRITE_NONE, &log, &why);
		if (rc) {
			cr_assert_eq(rc, -BAOPHU_EDAMAGED, "byte %zu: %d %s", at, rc, why);
			refused++;
		} else {
			/* Only a page that is in no tree may be different: all records are what they were. */
			cr_assert_eq(fixture_read_all(log), 150, "byte %zu", at);
			cr_assert_eq(log_reader_open(log, &reader), 0);
			for (uint64_t seq = 1; seq <= 150; seq++) {
				cr_assert_eq(log_place(reader, seq, &place), 0);
				cr_assert_eq(memcmp(digests[seq - 1], place.digest, sizeof place.digest), 0);
			}
			log_reader_close(reader);
			log_close(log);
			harmless++;
		}
		patch_file(path, (off_t)at, &whole[at], 1);
	}
	cr_assert(refused && harmless, "%zu refused, %zu harmless", refused, harmless);
	free(whole);
	fixture_finish(&fixture);
}

/* A damaged list of free pages would make LMDB write over records. */
Test(log, refuses_a_free_list_that_names_impossible_pages)
{
	struct fixture fixture;
	fixture_init(&fixture);
	struct log *log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	fixture_must_commit(log, 8, 5, 20);
	log_close(log);
	char path[400], why[200];
	size_t bytes, lists = 0;
	fixture_path(&fixture, first_name, path);
	uint8_t *whole = read_file(path, &bytes);
	struct log_segment_facts facts;
	cr_assert_eq(log_check_segment(AT_FDCWD, path, 1, &facts, why, sizeof why), 0, "%s", why);
	size_t page = log_meta_load64(facts.meta, LOG_META_FREE + LOG_DB_ROOT) * PAGE;
	uint64_t last_page = log_meta_load64(facts.meta, LOG_META_LAST_PAGE);
	cr_assert(page >= 2 * PAGE && page < bytes);
	for (size_t at = page + PAGE / 2; at + 8 <= page + PAGE; at += 2) { /* values lie at a page's end */
		uint64_t number;
		memcpy(&number, whole + at, sizeof number);
		if (number < 2 || number > last_page)
			continue;
		number += last_page + 1;
		patch_file(path, (off_t)at, &number, sizeof number);
		lists += log_check_segment(AT_FDCWD, path, 1, &facts, why, sizeof why) == -BAOPHU_EDAMAGED &&
			 strstr(why, "free list");
		patch_file(path, (off_t)at, whole + at, sizeof number);
	}
	cr_assert(lists > 0);
	free(whole);
	fixture_finish(&fixture);
}

/* What lies before the tail that is checked at start is checked when it is read. */
Test(log, names_damage_in_an_old_record_when_it_is_read)
{
	struct fixture fixture;
	fixture_init(&fixture);
	struct log *log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	fixture_must_commit(log, 13, 100, 1);
	struct log_reader *reader;
	const void *record;
	size_t bytes, size;
	uint8_t wanted[200];
	cr_assert_eq(log_reader_open(log, &reader), 0);
	cr_assert_eq(log_read(reader, 7, true, &record, &bytes), 0);
	memcpy(wanted, record, bytes);
	log_reader_close(reader);
	log_close(log);
	char path[400];
	fixture_path(&fixture, first_name, path);
	uint8_t *whole = read_file(path, &size);
	for (size_t at = 2 * PAGE; at + bytes < size; at++) {
		if (memcmp(whole + at, wanted, bytes) == 0) {
			uint8_t flipped = whole[at + 150] ^ 4; /* in a fact's value */
			patch_file(path, (off_t)at + 150, &flipped, 1);
		}
	}
	free(whole);
	log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	cr_assert_eq(log_head(log).seq, 1300);
	cr_assert_eq(fixture_read_all(log), 6);
	cr_assert_eq(log_reader_open(log, &reader), 0);
	cr_assert_eq(log_read(reader, 7, true, &record, &bytes), -BAOPHU_EDAMAGED);
	cr_assert_eq(log_read(reader, 8, true, &record, &bytes), 0, "the others stay readable");
	log_reader_close(reader);
	log_close(log);
	fixture_finish(&fixture);
}

/* ---- the witness ---- */

Test(log, refuses_to_go_back_to_an_older_copy)
{
	struct fixture fixture;
	fixture_init(&fixture);
	struct log *log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	fixture_must_commit(log, 3, 5, 2);
	log_close(log);
	char path[400], witness_path[400];
	size_t bytes, witness_bytes;
	fixture_path(&fixture, first_name, path);
	fixture_path(&fixture, "witness", witness_path);
	uint8_t *old = read_file(path, &bytes), *old_witness = read_file(witness_path, &witness_bytes);
	log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	fixture_must_commit(log, 1, 5, 2);
	log_close(log);
	write_file(path, old, bytes);
	must_refuse(&fixture, -BAOPHU_EDAMAGED, "was committed");
	/* With the witness of its time, or none, the copy is good. */
	write_file(witness_path, old_witness, witness_bytes);
	log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	cr_assert_eq(log_head(log).seq, 15);
	log_close(log);
	unlink(witness_path);
	log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	cr_assert_eq(log_head(log).seq, 15);
	log_close(log);
	free(old);
	free(old_witness);
	fixture_finish(&fixture);
}

Test(log, refuses_another_history_of_the_same_length)
{
	struct fixture fixture;
	fixture_init(&fixture);
	char path[400], witness_path[400];
	size_t bytes;
	fixture_path(&fixture, first_name, path);
	fixture_path(&fixture, "witness", witness_path);
	struct log *log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	fixture_must_commit(log, 1, 5, 2);
	log_close(log);
	uint8_t *witness = read_file(witness_path, &bytes);
	unlink(path);
	unlink(witness_path);
	log = fixture_must_open(&fixture, 0, PREWRITE_NONE);
	fixture_must_commit(log, 2, 5, 3);
	log_close(log);
	write_file(witness_path, witness, bytes);
	free(witness);
	must_refuse(&fixture, -BAOPHU_EDAMAGED, "another history");
	fixture_finish(&fixture);
}

Test(log, refuses_an_emptied_directory_that_once_held_a_log)
{
	struct fixture fixture;
	make_log(&fixture);
	char names[64][32], path[400];
	size_t count = list_names(&fixture, names, 64);
	for (size_t i = 0; i < count; i++) {
		fixture_path(&fixture, names[i], path);
		unlink(path);
	}
	must_refuse(&fixture, -BAOPHU_EDAMAGED, "was committed");
	fixture_finish(&fixture);
}

/* A power cut may leave the witness old, torn or not there at all: never a reason to refuse. */
Test(log, takes_an_old_torn_or_absent_witness_without_complaint)
{
	struct fixture fixture;
	fixture_init(&fixture);
	char witness_path[400];
	fixture_path(&fixture, "witness", witness_path);
	uint8_t *olds[6];
	size_t bytes[6];
	for (int i = 0; i < 6; i++) {
		struct log *log = fixture_must_open(&fixture, SMALL_SEGMENT, PREWRITE_NONE);
		fixture_must_commit(log, 5, 5, 20);
		log_close(log);
		olds[i] = read_file(witness_path, &bytes[i]);
	}
	for (int i = 0; i < 6; i++) {
		write_file(witness_path, olds[i], bytes[i]);
		struct log *log = fixture_must_open(&fixture, SMALL_SEGMENT, PREWRITE_NONE);
		cr_assert_eq(log_head(log).seq, 150);
		log_close(log);
		for (size_t cut = 0; cut < bytes[i]; cut += 61) {
			write_file(witness_path, olds[i], cut);
			log = fixture_must_open(&fixture, SMALL_SEGMENT, PREWRITE_NONE);
			log_close(log);
			if (cut < 512) {
				olds[i][cut] ^= 1;
				write_file(witness_path, olds[i], bytes[i]);
				log = fixture_must_open(&fixture, SMALL_SEGMENT, PREWRITE_NONE);
				log_close(log);
				olds[i][cut] ^= 1;
			}
		}
		free(olds[i]);
	}
	fixture_finish(&fixture);
}

Test(log, a_segment_in_the_making_is_thrown_away)
{
	struct fixture fixture;
	make_log(&fixture);
	char path[400];
	fixture_path(&fixture, "new.mdb", path);
	write_file(path, "half", 4);
	struct log *log = fixture_must_open(&fixture, SMALL_SEGMENT, PREWRITE_NONE);
	cr_assert_eq(log_head(log).seq, 200);
	cr_assert_eq(access(path, F_OK), -1);
	fixture_must_commit(log, 40, 5, 20);
	cr_assert_eq(fixture_read_all(log), 400);
	log_close(log);
	fixture_finish(&fixture);
}
