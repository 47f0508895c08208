/* test_spool.c - the spool's files: what was saved is read again, a torn end is cut, damage is named. */
#include "spool.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include <sodium.h>

#include "spool_fixture.h"

enum { HEADER = 64, RECORD_HEADER = 32 };

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

static void patch_file(const char *path, uint64_t at, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY);
	cr_assert(fd >= 0);
	cr_assert_eq(pwrite(fd, bytes, size, (off_t)at), (ssize_t)size);
	close(fd);
}

static void remove_witness(const struct fixture *fixture)
{
	char path[320];
	snprintf(path, sizeof path, "%s/witness", fixture->directory);
	unlink(path);
}

static void must_be_damaged(const struct fixture *fixture, uint64_t first, uint64_t offset)
{
	struct spool *spool = NULL;
	struct spool_damage damage;
	char name[40];
	snprintf(name, sizeof name, "%020llu.spool", (unsigned long long)first);
	int error = spool_open(fixture->directory, &spool, &damage);
	cr_assert_eq(error, -BAOPHU_EDAMAGED, "%d", error);
	cr_assert_str_eq(damage.file, name);
	cr_assert_eq(damage.offset, offset, "%llu instead of %llu", (unsigned long long)damage.offset, (unsigned long long)offset);
}

Test(spool, begins_empty_and_private)
{
	struct fixture fixture;
	struct stat status;
	fixture_init(&fixture);
	rmdir(fixture.directory);
	struct spool *spool = fixture_open(&fixture);
	cr_assert_eq(stat(fixture.directory, &status), 0);
	cr_assert_eq(status.st_mode & 0777, 0700);
	cr_assert_eq(spool_standing(spool)->segments, 0);
	cr_assert_eq(fixture_save(spool, 1, 10), 0);
	cr_assert_eq(spool_standing(spool)->next, 3, "a head and a record");
	cr_assert_eq(fixture_read_all(spool), 3);
	spool_close(spool);
	fixture_finish(&fixture);
}

Test(spool, gives_back_what_was_saved_after_opening_again)
{
	struct fixture fixture;
	uint8_t id[SPOOL_ID_BYTES];
	fixture_init(&fixture);
	struct spool *spool = fixture_open(&fixture);
	for (size_t i = 0; i < 200; i++)
		cr_assert_eq(fixture_save(spool, 1 + i % 7, i * 13), 0);
	struct spool_standing standing = *spool_standing(spool);
	memcpy(id, standing.id, sizeof id);
	cr_assert_eq(fixture_read_all(spool), standing.next);
	spool_close(spool);
	spool = fixture_open(&fixture);
	cr_assert_eq(spool_standing(spool)->next, standing.next);
	cr_assert_eq(spool_standing(spool)->bytes, standing.bytes);
	cr_assert_eq(spool_standing(spool)->cut_bytes, 0);
	cr_assert_arr_eq(spool_standing(spool)->id, id, sizeof id);
	cr_assert_eq(fixture_read_all(spool), standing.next);
	spool_close(spool);
	fixture_finish(&fixture);
}

Test(spool, belongs_to_one_process)
{
	struct fixture fixture;
	struct spool_damage damage;
	struct spool *other = NULL;
	fixture_init(&fixture);
	struct spool *spool = fixture_open(&fixture);
	cr_assert_eq(spool_open(fixture.directory, &other, &damage), -BAOPHU_EINUSE);
	spool_close(spool);
	spool_close(fixture_open(&fixture));
	fixture_finish(&fixture);
}

Test(spool, goes_on_in_another_segment_and_is_read_across_them)
{
	enum { SIZE = 1 << 20 };
	struct fixture fixture;
	fixture_init(&fixture);
	struct spool *spool = fixture_open(&fixture);
	for (size_t i = 0; i < 40; i++)
		cr_assert_eq(fixture_save(spool, 1, SIZE), 0);
	struct spool_standing standing = *spool_standing(spool);
	cr_assert_eq(standing.segments, 3);
	cr_assert_eq(standing.newest_head, spool_segment_first(spool, 2));
	cr_assert_eq(fixture_read_all(spool), standing.next);
	cr_assert_eq(fixture_save(spool, 2, SPOOL_GROUP_BYTES_MAX / 2), -BAOPHU_EFULL);
	cr_assert_eq(fixture_save(spool, 1, SPOOL_GROUP_BYTES_MAX - RECORD_HEADER), 0, "the largest there may be");
	cr_assert_eq(fixture_read_all(spool), spool_standing(spool)->next);

	/* from any record on, and what is saved meanwhile too */
	for (uint64_t from = 1; from <= spool_standing(spool)->next; from++) {
		struct spool_cursor *cursor;
		struct spool_record record;
		cr_assert_eq(spool_cursor_open(spool, from, &cursor), 0);
		if (from < spool_standing(spool)->next)
			cr_assert_eq(spool_cursor_next(cursor, &record), 1);
		else
			cr_assert_eq(spool_cursor_next(cursor, &record), 0);
		if (from + 1 == spool_standing(spool)->next) {
			cr_assert_eq(spool_cursor_next(cursor, &record), 0);
			cr_assert_eq(fixture_save(spool, 1, 5), 0);
			cr_assert_eq(spool_cursor_next(cursor, &record), 1);
			cr_assert(record.begins_segment, "after the largest group");
			cr_assert_eq(spool_cursor_next(cursor, &record), 1);
			cr_assert_eq(spool_cursor_next(cursor, &record), 0);
			spool_cursor_close(cursor);
			break;
		}
		cr_assert_eq(record.number, from);
		cr_assert(fixture_is_right(&record));
		spool_cursor_close(cursor);
	}
	spool_close(spool);
	spool = fixture_open(&fixture);
	cr_assert_eq(fixture_read_all(spool), spool_standing(spool)->next);
	spool_close(spool);
	fixture_finish(&fixture);
}

Test(spool, forgets_whole_segments_only)
{
	enum { SIZE = 1 << 20 };
	struct fixture fixture;
	struct spool_cursor *cursor;
	struct spool_record record;
	fixture_init(&fixture);
	struct spool *spool = fixture_open(&fixture);
	for (size_t i = 0; i < 40; i++)
		cr_assert_eq(fixture_save(spool, 1, SIZE), 0);
	uint64_t second = spool_segment_first(spool, 1), third = spool_segment_first(spool, 2), next = spool_standing(spool)->next;
	cr_assert_eq(spool_cursor_open(spool, 0, &cursor), 0);
	cr_assert_eq(spool_cursor_next(cursor, &record), 1);
	cr_assert_eq(spool_prune(spool, second - 1), 0);
	cr_assert_eq(spool_standing(spool)->segments, 3, "the last record of it is wanted");
	cr_assert_eq(spool_prune(spool, second), 0);
	cr_assert_eq(spool_standing(spool)->segments, 2);
	cr_assert_eq(spool_standing(spool)->first, second);
	cr_assert_eq(spool_cursor_next(cursor, &record), -BAOPHU_EGAP, "it read what is gone");
	spool_cursor_close(cursor);
	cr_assert_eq(spool_cursor_open(spool, second - 1, &cursor), -BAOPHU_ENOTFOUND);
	cr_assert_eq(fixture_read_all(spool), next);
	cr_assert_eq(spool_prune(spool, next), 0);
	cr_assert_eq(spool_standing(spool)->segments, 1, "never the newest");
	cr_assert_eq(spool_standing(spool)->first, third);
	struct spool_standing standing = *spool_standing(spool);
	spool_close(spool);
	spool = fixture_open(&fixture);
	cr_assert_eq(spool_standing(spool)->first, third);
	cr_assert_eq(spool_standing(spool)->bytes, standing.bytes);
	cr_assert_eq(fixture_read_all(spool), next);
	spool_close(spool);
	fixture_finish(&fixture);
}

/* Whatever is left of the last group's bytes: it is whole, or cut; what was there before always is. */
Test(spool, cuts_a_torn_end_wherever_it_is_torn)
{
	struct fixture fixture;
	char path[320];
	fixture_init(&fixture);
	fixture_path(&fixture, 1, path);
	struct spool *spool = fixture_open(&fixture);
	for (size_t i = 0; i < 5; i++)
		cr_assert_eq(fixture_save(spool, 2, 40), 0);
	uint64_t before = spool_standing(spool)->next, end = HEADER + spool_standing(spool)->bytes;
	cr_assert_eq(fixture_save(spool, 3, 50), 0);
	uint64_t after = spool_standing(spool)->next, last = HEADER + spool_standing(spool)->bytes;
	spool_close(spool);
	size_t size;
	uint8_t *bytes = read_file(path, &size);
	uint8_t other[512];
	memset(other, 0xa5, sizeof other);
	cr_assert(last - end < sizeof other);
	for (uint64_t torn = end, turn = 0; torn <= last; torn += 1 + turn % 5, turn++) {
		/* what is behind the tear: the file's end, zeros, something else */
		int kind = (int)(turn % 3);
		static const uint8_t zeros[4096];
		patch_file(path, end, bytes + end, last - end);
		patch_file(path, last, zeros, sizeof zeros);
		if (kind == 0)
			cr_assert_eq(truncate(path, (off_t)torn), 0);
		else if (torn < last)
			patch_file(path, torn, kind == 2 ? other : zeros, last - torn);
		remove_witness(&fixture);
		spool = fixture_open(&fixture);
		bool is_whole = spool_standing(spool)->next == after;
		/* the last few bytes may be padding, which is zeros anyway */
		cr_assert_eq(is_whole, torn == last || (kind == 1 && torn + 4 >= last), "torn at %llu of %llu, %d",
			     (unsigned long long)torn, (unsigned long long)last, kind);
		cr_assert(is_whole || spool_standing(spool)->next == before);
		cr_assert_eq(fixture_read_all(spool), spool_standing(spool)->next);
		cr_assert(kind != 2 || is_whole || spool_standing(spool)->cut_bytes > 0);
		cr_assert_eq(fixture_save(spool, 1, 10), 0, "and it goes on");
		uint64_t next = spool_standing(spool)->next;
		spool_close(spool);
		spool = fixture_open(&fixture);
		cr_assert_eq(spool_standing(spool)->cut_bytes, 0, "cut once");
		cr_assert_eq(fixture_read_all(spool), next);
		spool_close(spool);
	}
	free(bytes);
	fixture_finish(&fixture);
}

/* Sectors of the group that was being written may reach the disk in any order. */
Test(spool, cuts_a_group_that_has_a_hole_at_its_beginning)
{
	struct fixture fixture;
	char path[320];
	fixture_init(&fixture);
	fixture_path(&fixture, 1, path);
	struct spool *spool = fixture_open(&fixture);
	cr_assert_eq(fixture_save(spool, 1, 40), 0);
	uint64_t before = spool_standing(spool)->next, end = HEADER + spool_standing(spool)->bytes;
	cr_assert_eq(fixture_save(spool, 8, 400), 0);
	spool_close(spool);
	size_t size;
	uint8_t *bytes = read_file(path, &size);
	memset(bytes + end, 0, 500); /* the first of it never came, all the others did */
	write_file(path, bytes, size);
	remove_witness(&fixture);
	spool = fixture_open(&fixture);
	cr_assert_eq(spool_standing(spool)->next, before);
	cr_assert(spool_standing(spool)->cut_bytes > 3000);
	spool_close(spool);
	free(bytes);
	fixture_finish(&fixture);
}

Test(spool, names_damage_anywhere_but_in_a_torn_end)
{
	struct fixture fixture;
	char path[320];
	fixture_init(&fixture);
	fixture_path(&fixture, 1, path);
	struct spool *spool = fixture_open(&fixture);
	uint64_t ends[8];
	for (int i = 0; i < 8; i++) {
		cr_assert_eq(fixture_save(spool, 2, 60), 0);
		ends[i] = HEADER + spool_standing(spool)->bytes;
	}
	spool_close(spool);
	size_t size;
	uint8_t *bytes = read_file(path, &size);
	/* any bit before the last group: something of a later group is there, so it is no tear, witness or not */
	for (uint64_t at = 0; at < ends[6]; at += at == ends[3] - 1 ? 1 : 5) {
		uint64_t offset = 0; /* of the record that holds it */
		if (at >= HEADER) {
			struct spool_record record = { .size = 24 };
			uint64_t next = HEADER;
			for (int n = 0; next <= at; n++) {
				offset = next;
				next += RECORD_HEADER + (record.size + 7) / 8 * 8;
				record.size = 60 + n % 2;
			}
		}
		uint8_t flipped = bytes[at] ^ (uint8_t)(1 << at % 8);
		patch_file(path, at, &flipped, 1);
		if (at == ends[3])
			remove_witness(&fixture);
		must_be_damaged(&fixture, 1, offset);
		patch_file(path, at, bytes + at, 1);
	}
	/* in the last one: the witness says that it was flushed */
	spool = fixture_open(&fixture);
	spool_close(spool);
	bytes[ends[6] + 40] ^= 1;
	write_file(path, bytes, size);
	must_be_damaged(&fixture, 1, ends[6]);
	/* without it, it cannot be told from a tear */
	remove_witness(&fixture);
	spool = fixture_open(&fixture);
	cr_assert_eq(HEADER + spool_standing(spool)->bytes, ends[6]);
	spool_close(spool);
	free(bytes);
	fixture_finish(&fixture);
}

Test(spool, names_damage_in_an_older_segment_when_it_is_read)
{
	enum { SIZE = 1 << 20 };
	struct fixture fixture;
	char path[320], moved[330];
	struct spool_cursor *cursor;
	struct spool_record record;
	fixture_init(&fixture);
	struct spool *spool = fixture_open(&fixture);
	for (size_t i = 0; i < 40; i++)
		cr_assert_eq(fixture_save(spool, 1, SIZE), 0);
	uint64_t second = spool_segment_first(spool, 1);
	spool_close(spool);
	fixture_path(&fixture, second, path);
	size_t size;
	uint8_t *bytes = read_file(path, &size);
	uint64_t offset = HEADER + RECORD_HEADER + 24 + 2 * (RECORD_HEADER + SIZE);
	bytes[offset + RECORD_HEADER + 12345] ^= 0x10;
	write_file(path, bytes, size);
	spool = fixture_open(&fixture);
	cr_assert_eq(spool_cursor_open(spool, second, &cursor), 0);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(spool_cursor_next(cursor, &record), 1);
	cr_assert_eq(spool_cursor_next(cursor, &record), -BAOPHU_EDAMAGED);
	cr_assert_eq(spool_cursor_next(cursor, &record), -BAOPHU_EDAMAGED, "and stays so");
	cr_assert_eq(spool_cursor_damage(cursor)->offset, offset);
	cr_assert_eq(spool_cursor_damage(cursor)->number, second + 3);
	cr_assert_str_eq(spool_cursor_damage(cursor)->file, strrchr(path, '/') + 1);
	spool_cursor_close(cursor);
	spool_close(spool);

	/* cut short; gone; another one in its place */
	bytes[offset + RECORD_HEADER + 12345] ^= 0x10;
	write_file(path, bytes, size - 8);
	must_be_damaged(&fixture, second, size - 8);
	snprintf(moved, sizeof moved, "%s.away", path);
	cr_assert_eq(rename(path, moved), 0);
	must_be_damaged(&fixture, second, 0);
	write_file(path, bytes, size);
	spool_close(fixture_open(&fixture));
	struct fixture other;
	fixture_init(&other);
	struct spool *stranger = fixture_open(&other);
	for (size_t i = 0; i < 40; i++)
		cr_assert_eq(fixture_save(stranger, 1, SIZE), 0);
	spool_close(stranger);
	char foreign[320];
	fixture_path(&other, second, foreign);
	free(bytes);
	bytes = read_file(foreign, &size);
	write_file(path, bytes, size);
	must_be_damaged(&fixture, second, 0);
	free(bytes);
	fixture_finish(&other);
	fixture_finish(&fixture);
}

Test(spool, misses_the_newest_segment)
{
	enum { SIZE = 1 << 20 };
	struct fixture fixture;
	char path[320];
	fixture_init(&fixture);
	struct spool *spool = fixture_open(&fixture);
	for (size_t i = 0; i < 20; i++)
		cr_assert_eq(fixture_save(spool, 1, SIZE), 0);
	uint64_t newest = spool_standing(spool)->newest_head;
	cr_assert(newest > 1);
	spool_close(spool);
	fixture_path(&fixture, newest, path);
	cr_assert_eq(unlink(path), 0);
	struct spool_damage damage;
	cr_assert_eq(spool_open(fixture.directory, &spool, &damage), -BAOPHU_EDAMAGED, "the witness knows of another");
	fixture_finish(&fixture);
}

Test(spool, refuses_a_newer_format)
{
	struct fixture fixture;
	struct spool_damage damage;
	struct spool *spool = fixture_open((fixture_init(&fixture), &fixture));
	char path[320];
	cr_assert_eq(fixture_begin(spool), 0);
	spool_close(spool);
	fixture_path(&fixture, 1, path);
	size_t size;
	uint8_t *bytes = read_file(path, &size);
	bytes[7] = '2';
	crypto_shorthash(bytes + 56, bytes, 56, bytes + 16);
	write_file(path, bytes, size);
	cr_assert_eq(spool_open(fixture.directory, &spool, &damage), -BAOPHU_EFORMAT);
	free(bytes);
	fixture_finish(&fixture);
}

Test(spool, removes_a_segment_that_was_begun_and_not_finished)
{
	struct fixture fixture;
	char path[320];
	fixture_init(&fixture);
	struct spool *spool = fixture_open(&fixture);
	cr_assert_eq(fixture_save(spool, 1, 10), 0);
	spool_close(spool);
	snprintf(path, sizeof path, "%s/00000000000000000003.new", fixture.directory);
	write_file(path, "begun", 5);
	spool = fixture_open(&fixture);
	cr_assert(access(path, F_OK) < 0);
	cr_assert_eq(fixture_read_all(spool), 3);
	spool_close(spool);
	fixture_finish(&fixture);
}

/* A child saves and says so over a pipe until it is killed: all that it said is there, and nothing in halves. */
Test(spool, keeps_what_was_said_to_be_saved_through_kill)
{
	struct fixture fixture;
	fixture_init(&fixture);
	uint64_t said = 0;
	for (unsigned round = 0; round < 40; round++) {
		int pipes[2];
		cr_assert_eq(pipe(pipes), 0);
		pid_t child = fork();
		if (child == 0) {
			struct spool *spool = fixture_open(&fixture);
			for (size_t i = 0;; i++) {
				if (fixture_save(spool, 1 + i % 5, 3000 * (i % 11)))
					_exit(1);
				uint64_t next = spool_standing(spool)->next;
				if (write(pipes[1], &next, sizeof next) != sizeof next)
					_exit(2);
			}
		}
		cr_assert(child > 0);
		close(pipes[1]);
		uint64_t next;
		for (unsigned i = 0; i < 5 + round % 17 && read(pipes[0], &next, sizeof next) == sizeof next; i++)
			said = next;
		kill(child, SIGKILL);
		while (read(pipes[0], &next, sizeof next) == sizeof next)
			said = next;
		close(pipes[0]);
		int status;
		cr_assert_eq(waitpid(child, &status, 0), child);
		cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		struct spool *spool = fixture_open(&fixture);
		cr_assert_geq(spool_standing(spool)->next, said);
		if (round % 8 == 7)
			cr_assert_eq(fixture_read_all(spool), spool_standing(spool)->next);
		spool_close(spool);
	}
	fixture_finish(&fixture);
}
