/* backup.h - a copy of the log that was proved to be whole, from which a centre can be put back.
 *
 * A backup is a directory baophu-STORE8-YYYYMMDDTHHMMSSZ-SEQ: the first eight letters of the store's identity, when it was begun (UTC), the
 * newest place that it holds. It is laid out as a data directory is, and holds log/ only: history follows from the log and is made again from
 * it, so there is nothing in it that a copy could save but time. It has its name only after all of it was on the disk, was read back and its
 * chain was found to lead from the first record to the place that was to be copied. What has no such name is not a backup: an unfinished
 * copy is called NAME.part, and the next run removes it.
 *
 * Records are copied, not files: they are read in short transactions, so a copy that takes long costs the running daemon nothing; a record
 * that is damaged is named; and nothing of a file's inside that nobody reads (freed pages, zeros ahead) is carried along. Each backup is a
 * copy of its own: hard links to an earlier one would save room, but then one bad block would spoil both.
 *
 * Any number of processes may make backups of one log, one at a time into one directory. Reads no settings, prints nothing.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <baophu/status.h>
#include <baophu/types.h>

enum { BACKUP_PATH_BYTES = 4096, BACKUP_NAME_BYTES = 80, BACKUP_WHY_BYTES = 3 * BACKUP_PATH_BYTES };

enum backup_step { BACKUP_COPY, BACKUP_CHECK };
/* Called before the first record of each step, and then every few megabytes. */
typedef void (*backup_progress)(void *context, enum backup_step step, uint64_t done_records, uint64_t all_records);

struct backup_request {
	const char *data_dir, *to; /* of the daemon; where backups are kept, which must be there. Borrowed */
	uint32_t keep; /* whole backups that stay, the new one among them; 0: all */
	int64_t now_ms; /* the wall clock, for the name */
	backup_progress progress; /* may be NULL */
	void *context;
};

struct backup {
	char path[BACKUP_PATH_BYTES];
	uint8_t store[BAOPHU_STORE_BYTES];
	struct baophu_place place; /* the newest that it holds */
	uint64_t bytes; /* of its files */
	uint32_t files; /* segments */
	uint32_t unfinished, removed; /* copies that were taken away: left by a run that was killed; beyond `keep` */
	int64_t copy_ms, check_ms;
	bool is_same_disk; /* as the data directory: one broken disk takes both */
};

/* Makes a backup and proves it. When it fails there is none, and what was there stays. 0; or, with a sentence for people in `why`:
 *   -EINVAL            `to` cannot be used: not there, not a directory, inside the data directory, holds something else
 *   -BAOPHU_ENOTFOUND  there is no log in data_dir
 *   -BAOPHU_EINUSE     another backup into `to` is being made
 *   -BAOPHU_EFULL      no room in `to`
 *   -BAOPHU_EDAMAGED   the log, or what was read back of the copy, is damaged
 *   -BAOPHU_EFORMAT, -errno
 * A copy that is whole but beyond which older ones could not be removed is an error too; ret_backup->path then names it, else it is "". */
int backup_make(const struct backup_request *request, struct backup *ret_backup, char why[static BACKUP_WHY_BYTES]);

/* Reads a backup again, from the disk, and proves it. `path` may have any name, but if it is one of ours, it must be the truth. Errors as
 * above; changes nothing. */
int backup_check(const char *path, backup_progress progress, void *context, struct backup *ret_backup,
		 char why[static BACKUP_WHY_BYTES]);
