/* office.h - the heart of the agent: a report, whatever way it came in, becomes entries that are saved, and whoever brought it hears what
 * became of it.
 *
 *   folder (inbox.h)  \                                              / answers beside the file
 *   command, a file    > sheet -> form -> outbox: saved, durable --<  lines to the command
 *   command, a figure /                                              \ receipts later (receipts.h)
 *
 * One report is under way at a time; commands' wait in a queue. A sheet is read by a process of its own, so the loop (agent.h) goes on
 * meanwhile. Exactly once: the answers of a file are sealed before it is saved, and a file that an earlier process had taken is looked for in the
 * outbox by what it is (size, time, inode, digest) before it is read again.
 *
 * The wall clock is read for texts and for the day's date, never for waiting. Threads: one.
 */
#pragma once

#include "asking.h"
#include "config.h"
#include "control.h"
#include "inbox.h"
#include "outbox.h"
#include "owed.h"
#include "standing.h"
#include "unconfirmed.h"
#include "writer.h"

struct sheet;
struct sheet_reading;
enum report_way {
	REPORT_NONE,
	REPORT_FROM_FOLDER, /* the file at hand in the inbox */
	REPORT_FROM_COMMAND, /* a file or a figure of a client */
	REPORT_COMES_BACK, /* the centre refused rows of a batch; its sheet is read again, so that they can be given back */
};
/* One report. */
struct report {
	enum report_way way;
	control_client client; /* of a command */
	struct writer_options writer; /* how its user reads */
	bool is_dry;
	char name[INBOX_NAME_BYTES]; /* of the file, for people; "": a figure */
	int fd; /* of the file; -1: none. The report's, but for one from the folder, which is the inbox's */
	char *text; /* instead of a file: a sheet as text; owned */
	uint64_t batch; /* COMES_BACK */
	bool is_of_folder; /* COMES_BACK: the file stands in sent/ */
	struct outbox_source source;
	struct sheet_reading *reading; /* under way */
};

enum { OFFICE_TOLD_MAX = 32 };
struct office {
	const struct config *config;
	struct inbox *inbox;
	struct outbox *outbox;
	struct owed *owed;
	struct asking *asking;
	struct control *control;
	struct unconfirmed *unconfirmed;

	struct report report; /* under way */
	struct report queue[CONTROL_CLIENTS_MAX]; /* of commands, that wait their turn */
	unsigned queued;
	int64_t look_ms; /* when the folder is to be looked into */
	int64_t rest_ms; /* and not before */
	bool has_looked; /* what an earlier process left in the folder is known */
	int folder_error; /* of the last look; 0 */
	int save_error; /* why what was to be saved last could not be; -ENOSPC also while the disk has no room for a spool; 0 */
	bool has_spool;

	uint64_t *answered; /* batches whose receipts are to be told; owned */
	size_t answered_count, answered_capacity;
	struct outbox_batch told[OFFICE_TOLD_MAX]; /* the first of them as they stand, without texts */
	unsigned told_count, told_next;
	int64_t tell_ms; /* not before */
	int64_t put_back_ms; /* when the centre was put back, as last heard of */

	char trouble[512]; /* why the centre did not answer, as last asked for by office_standing */
	bool vietnamese; /* language that texts are made in at present */
	bool is_state_stale; /* TRẠNG THÁI.txt says something old */
	bool was_connected;
	int64_t link_since_ms; /* wall clock since when there is a link, or none; 0: not known */
	int fatal; /* an enum agent_exit: the process must end, because what is on the disk is in doubt */
};

/* A report of a client joins the queue, which takes its file and text. -EAGAIN: it is full. */
int office_take_report(struct office *office, const struct report *report);
/* Begins the report that is next, goes on with the one under way, or does nothing. */
void office_work(struct office *office, int64_t now_ms);
/* True when a file, a queue or a finished sheet waits for office_work. */
bool office_is_busy(const struct office *office);
/* Begins reading a sheet again for receipts.c. */
void office_begin_return(struct office *office, const struct report *report);

/* BLAKE2b-256 of a file's content; zeros when it cannot be read or is longer than any sheet. */
void office_digest(int fd, uint8_t ret_digest[static BAOPHU_DIGEST_BYTES]);
int64_t office_now_ms(void); /* monotonic */
int64_t office_wall_ms(void); /* Unix */
/* Texts from now on in this language. */
void office_speak(struct office *office, bool vietnamese);
/* A line for the journal. `priority`: of syslog. */
__attribute__((format(printf, 2, 3))) void office_note(int priority, const char *format, ...);
/* Where the office stands, for standing.h; lent until the next call of anything here. Errors of reading the outbox; -ENOMEM. */
int office_standing(struct office *office, struct standing *ret_standing);
/* A path below the data directory. Returns `path`. */
const char *office_path(const struct office *office, const char *name, char path[static INBOX_PATH_BYTES]);
/* The date that figures are measured against: the centre's day as far as it is known, else this machine's, in Vietnam's time. */
baophu_date office_today(const struct office *office);
