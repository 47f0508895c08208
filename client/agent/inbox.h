/* inbox.h - the folder that an office shares: files that officers drop are taken, and answers are put beside them.
 *
 *   FOLDER/inbox/       what is dropped
 *   FOLDER/sent/        files that were saved, each with `NAME – đã lưu.txt`, later `NAME – đã nhận, biên nhận N.txt`
 *   FOLDER/rejected/    rows and files that came back
 *   FOLDER/TRẠNG THÁI.txt
 *   FOLDER/.baophu/     taken/ (the file at hand), making/ and answer/NAME/ (its answers), reserve (room for the last words on a full disk)
 *
 * Knows files and names, not what stands in them and not what becomes of it. It follows no symbolic link, opens nothing but plain
 * files, and takes nothing that is still being written: size and time must rest, and nobody may have it open for writing (the kernel is
 * asked for a lease; what Samba opens for Windows is open on this machine).
 *
 * Exactly once, whatever moment the process ends at. A file is taken by renaming it into taken/, so what is read is what is moved. Its
 * answers are made and sealed on the disk *before* the caller saves what it says; then inbox_publish moves file and answers into place, a
 * rename each. What an earlier process left is found: a file in taken/ is handed out first, with `is_left_over`, and the caller, who knows
 * whether it was saved, publishes or begins anew; sealed answers without a file were being published, and are.
 *
 * One agent a folder: it is locked. Threads: one. No clock but the caller's monotonic one. Ignores SIGIO for the whole process: the
 * kernel sends it when somebody opens a file during the blink that a lease is held.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	INBOX_NAME_BYTES = 256, /* a file name and its NUL */
	INBOX_PATH_BYTES = 1024,
	INBOX_STAYING_MAX = 50, /* files that stay and are named */
	INBOX_TRACKED_MAX = 4096, /* files watched at a time; more wait their turn */
};
struct inbox;

/* Opens the folder, makes in it what is missing, and locks it. `rest_ms`: how long a file must not have changed. On 0 *ret_inbox is the
 * caller's (returns owned); also where the disk had no room for what is missing: inbox_look says so and tries again. -BAOPHU_EINUSE: another agent has it; else an errno value; then `why` says which path and what to do. */
int inbox_open(const char *folder, int64_t rest_ms, struct inbox **ret_inbox, char *why, size_t why_bytes);
void inbox_close(struct inbox *inbox); /* takes NULL; a file at hand stays in taken/ */
/* To poll for reading: something changed in inbox/. -1 where the kernel does not tell. */
int inbox_descriptor(const struct inbox *inbox);
/* When inbox_look must be called though the descriptor is silent, on the clock of its now_ms. */
int64_t inbox_due_ms(const struct inbox *inbox);

/* Why a file stays in inbox/. */
enum inbox_hindrance {
	INBOX_TEMPORARY, /* its name is that of a temporary file, and it has stayed a while */
	INBOX_DIRECTORY,
	INBOX_LINK, /* a symbolic link */
	INBOX_NOT_A_FILE, /* a device, socket, ... */
	INBOX_IN_USE, /* somebody has it open */
	INBOX_UNREADABLE, /* error says why */
	INBOX_UNMOVABLE, /* error says why */
};
struct inbox_staying {
	char name[INBOX_NAME_BYTES]; /* for people: UTF-8, NFC, no control characters */
	enum inbox_hindrance why;
	int error; /* errno value, positive; 0 */
};
struct inbox_file {
	char name[INBOX_NAME_BYTES]; /* for people, as above */
	int fd; /* open for reading; the inbox's */
	uint64_t bytes, inode;
	int64_t modified_ns; /* Unix time */
	bool is_left_over; /* taken by an earlier process, which may have saved it */
};
/* Looks into the folder: 1 and *ret_file when a file was taken: one left over, else the one changed longest ago. 0: none. There is one
 * file at hand at a time: publish it or put it back first (-EBUSY). A negative errno value: the folder cannot be read; inbox_due_ms says
 * when to try again. -ENOSPC: no room for the answers of a file, nothing was taken. */
int inbox_look(struct inbox *inbox, int64_t now_ms, struct inbox_file *ret_file);
/* The same without taking anything: 0, or a negative errno value. */
int inbox_count(struct inbox *inbox, int64_t now_ms);
/* Files in inbox/ as of the last look, temporary ones left out; those that stay, and why (lent until the next look). */
uint32_t inbox_waiting(const struct inbox *inbox);
uint32_t inbox_staying(const struct inbox *inbox, const struct inbox_staying **ret_staying);

/* ---- answers ---- */
enum inbox_answer {
	INBOX_SAVED, /* sent/NAME – đã lưu.txt; with it the file goes to sent/, without it to rejected/ */
	INBOX_RECEIVED, /* sent/NAME – đã nhận, biên nhận N.txt, and takes the place of the one before */
	INBOX_REASONS, /* rejected/NAME – lý do.txt */
	INBOX_ROWS_XLSX, /* rejected/NAME – dòng bị trả lại.xlsx */
	INBOX_ROWS_CSV,
	INBOX_ANSWER_COUNT
};
/* Begins the answers of the file at hand, forgetting any that were made before, and settles the name under which file and answers will
 * stand: the file's own, if nothing in sent/ and rejected/ has it, else with " (2)", ... Copied to `ret_name`. With `name` (which may be
 * `ret_name`) the same for something that is no file of the folder; nothing may be at hand then, nor wait to be published (-EBUSY). */
int inbox_begin_answers(struct inbox *inbox, const char *name, char ret_name[static INBOX_NAME_BYTES]);
/* Begins answers to a name settled earlier; nothing may be at hand (-EBUSY). */
int inbox_begin_later_answers(struct inbox *inbox, const char *name);
/* Puts a text as it is. `receipt_seq`: of RECEIVED. */
int inbox_put_answer(struct inbox *inbox, enum inbox_answer answer, uint64_t receipt_seq, const void *bytes, size_t size);
/* The path at which the caller makes the answer itself. Returns `path`. */
const char *inbox_answer_path(const struct inbox *inbox, enum inbox_answer answer, char path[static INBOX_PATH_BYTES]);
/* Makes the answers durable. Of a file: before what it says is saved. */
int inbox_seal_answers(struct inbox *inbox);
/* Forgets answers that belong to no file of the folder. */
void inbox_forget_answers(struct inbox *inbox);
/* True when there are sealed answers for the file left over; their name in `ret_name`. */
bool inbox_has_answers(const struct inbox *inbox, char ret_name[static INBOX_NAME_BYTES]);
/* Moves the file at hand, if there is one, and the sealed answers into place; nothing is at hand afterwards. A file that somebody changed
 * since it was taken goes back to inbox/, to be taken again. What fails stays and is done by the next inbox_publish or inbox_look, also of a later process. */
int inbox_publish(struct inbox *inbox);
/* Forgets the answers; the file goes back to inbox/ (under another name if its own is taken), and is looked at again after `after_ms`. */
int inbox_put_back(struct inbox *inbox, int64_t now_ms, int64_t after_ms);

/* Opens sent/NAME for reading; a negative errno value. The descriptor is the caller's. */
int inbox_open_sent(const struct inbox *inbox, const char *name);
/* FOLDER/TRẠNG THÁI.txt, replaced whole. Works on a full disk too while it is short: room is kept for it. */
int inbox_say_state(struct inbox *inbox, const void *text, size_t bytes);
