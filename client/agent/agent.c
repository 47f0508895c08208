/* agent.c - see agent.h. `loop` is the whole life of the agent. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>
#include <systemd/sd-daemon.h>

#include <baophu/date.h>
#include <baophu/status.h>

#include "decisions.h"
#include "desk.h"
#include "language.h"
#include "office.h"
#include "putoff.h"
#include "receipts.h"
#include "sheet_child.h"
#include "state.h"

enum {
	STATE_GAP_MS = 1000, /* between two writings of TRẠNG THÁI.txt */
	STATE_MS = 10 * 60 * 1000, /* it says the time, so it is written though nothing happens */
	REQUESTS_A_TURN = 8,
	LOCK_WAIT_MS = 1000,
	LOCK_PAUSE_MS = 20,
	DESCRIPTORS = 1 + CONTROL_DESCRIPTORS + 1 + OUTBOX_DESCRIPTORS + ASKING_DESCRIPTORS + DECISIONS_DESCRIPTORS + 1,
};

struct agent {
	struct office office;
	int signals;
	struct decisions *decisions;
	struct putoff putoff;
	int64_t state_ms, said_ms; /* monotonic: when TRẠNG THÁI.txt is due, when it was written */
	int64_t watchdog_ms, watchdog_due_ms; /* watchdog_ms 0: none */
	int state_error; /* as last noted */
	bool is_stopping;
	enum outbox_hindrance hindrance; /* as last said in the journal */
	struct spool_damage damage; /* why it could not be opened */
	char why[2048];
};

/* ---- opening ---- */

/* Tries again for a moment while somebody has the lock: an agent that was killed while it started a reader of sheets leaves a child that holds
 * what it held until it has become that reader. */
static int while_in_use(struct agent *agent, int (*open)(struct agent *agent))
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000 };
	int64_t until_ms = office_now_ms() + LOCK_WAIT_MS;
	int error;
	while ((error = open(agent)) == -BAOPHU_EINUSE && office_now_ms() < until_ms)
		nanosleep(&pause, NULL);
	return error;
}

/* An agent that runs for months on a small machine: one arena, and large blocks go back to the system whatever was freed before. */
static void be_small(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 64 << 10);
	mallopt(M_TRIM_THRESHOLD, 128 << 10);
}

/* Blocked before any thread exists, and read from a descriptor by the loop: nothing is interrupted half-way. */
static int open_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static enum agent_exit exit_of(int error)
{
	switch (error) {
	case -BAOPHU_EINUSE:
		return AGENT_IN_USE;
	case -BAOPHU_EDAMAGED:
		return AGENT_DAMAGED;
	case -BAOPHU_EFORMAT:
	case -EINVAL:
	case -ENOENT:
	case -EACCES:
	case -EPERM:
	case -EROFS:
	case -ENOTDIR:
	case -ENAMETOOLONG:
		return AGENT_CONFIG;
	default:
		return AGENT_INTERNAL;
	}
}

static int open_outbox(struct agent *agent)
{
	struct office *office = &agent->office;
	const struct config *config = office->config;
	char path[INBOX_PATH_BYTES];
	const struct outbox_config outbox = { .dir = office_path(office, "spool", path),
					      .agent = config->agent,
					      .endpoint = config->ingest };
	return outbox_open(&outbox, &office->outbox, &agent->damage);
}

static int open_inbox(struct agent *agent)
{
	const struct config *config = agent->office.config;
	return inbox_open(config->folder, (int64_t)config->rest_ms, &agent->office.inbox, agent->why, sizeof agent->why);
}

static void say_outbox_error(const struct agent *agent, int error)
{
	const struct office *office = &agent->office;
	const struct config *config = office->config;
	char path[INBOX_PATH_BYTES];
	office_path(office, "spool", path);
	if (error == -BAOPHU_EINUSE)
		office_note(LOG_ERR, "another agent is using %s", path);
	else if (error == -BAOPHU_EDAMAGED)
		office_note(LOG_CRIT,
			    "%s/%s is damaged at byte %llu; keep the directory and ask for help: what is in it was not lost yet",
			    path, agent->damage.file, (unsigned long long)agent->damage.offset);
	else if (error == -EPERM)
		office_note(LOG_ERR, "%s belongs to another office than %s", path, config->agent);
	else
		office_note(LOG_ERR, "%s: %s", path, baophu_strerror(error));
}

/* What an earlier process left; where the disk had no room for the spool, once it has. */
static void begin_with_spool(struct office *office)
{
	const struct outbox_standing *standing = outbox_standing(office->outbox);
	office->has_spool = standing->hindrance != OUTBOX_NO_ROOM;
	office->save_error = office->has_spool ? 0 : -ENOSPC;
	office->is_state_stale = true;
	if (!office->has_spool)
		return;
	office->put_back_ms = standing->put_back_ms;
	unconfirmed_forget(office->unconfirmed);
	receipts_begin(office);
}

static int open_all(struct agent *agent)
{
	struct office *office = &agent->office;
	const struct config *config = office->config;
	char path[INBOX_PATH_BYTES];
	if (mkdir(config->data_dir, 0700) != 0 && errno != EEXIST) {
		int error = -errno;
		office_note(LOG_ERR, "%s cannot be made: %s", config->data_dir, strerror(-error));
		return error;
	}
	int error = while_in_use(agent, open_outbox);
	if (error) {
		say_outbox_error(agent, error);
		return error;
	}
	office->unconfirmed = unconfirmed_create();
	error = office->unconfirmed ? 0 : -ENOMEM;
	if (!error)
		error = owed_open(office_path(office, "owed", path), &office->owed);
	if (!error)
		error = asking_open(config->query, config->agent, office_path(office, "mirror", path), &office->asking);
	if (!error)
		error = decisions_open(config->query, config->agent, &agent->decisions);
	if (error) {
		office_note(LOG_ERR, "%s: %s", path, baophu_strerror(error));
		return error;
	}
	error = while_in_use(agent, open_inbox);
	if (error) {
		office_note(LOG_ERR, "%s", agent->why);
		return error;
	}
	error = control_open(config->socket, &office->control);
	if (error)
		office_note(LOG_ERR, "%s: %s", config->socket,
			    error == -BAOPHU_EINUSE ? "another agent answers there" : baophu_strerror(error));
	else
		begin_with_spool(office);
	return error;
}

static void close_all(struct agent *agent)
{
	struct office *office = &agent->office;
	sheet_reading_end(office->report.reading);
	control_close(office->control);
	inbox_close(office->inbox);
	decisions_close(agent->decisions);
	asking_close(office->asking);
	owed_close(office->owed);
	unconfirmed_destroy(office->unconfirmed);
	outbox_close(office->outbox);
	free(office->answered);
	for (unsigned i = 0; i < office->queued; i++) {
		if (office->queue[i].fd >= 0)
			close(office->queue[i].fd);
		free(office->queue[i].text);
	}
}

/* ---- the loop ---- */

static int until(int64_t due_ms, int64_t now_ms, int timeout_ms)
{
	if (due_ms == INT64_MAX)
		return timeout_ms;
	int64_t left = due_ms > now_ms ? due_ms - now_ms : 0;
	if (left > INT32_MAX)
		left = INT32_MAX;
	return timeout_ms < 0 || left < timeout_ms ? (int)left : timeout_ms;
}

/* Sleeps until something happened or is due. */
static void wait_for_something(struct agent *agent)
{
	struct office *office = &agent->office;
	struct pollfd at[DESCRIPTORS];
	unsigned count = 0;
	int timeout_ms;
	int64_t now_ms = office_now_ms();
	bool is_reading = office->report.reading != NULL;
	at[count++] = (struct pollfd){ .fd = agent->signals, .events = POLLIN };
	count += control_poll(office->control, at + count);
	count += outbox_poll(office->outbox, at + count, &timeout_ms);
	count += asking_poll(office->asking, at + count);
	count += decisions_poll(agent->decisions, at + count);
	unsigned folder = count;
	if (inbox_descriptor(office->inbox) >= 0 && !is_reading)
		at[count++] = (struct pollfd){ .fd = inbox_descriptor(office->inbox), .events = POLLIN };
	else
		folder = DESCRIPTORS;
	if (is_reading) {
		at[count++] = (struct pollfd){ .fd = sheet_reading_descriptor(office->report.reading), .events = POLLIN };
		timeout_ms = until(sheet_reading_due_ms(office->report.reading), now_ms, timeout_ms);
	} else {
		timeout_ms = until(office_is_busy(office) ? now_ms : office->look_ms, now_ms, timeout_ms);
		timeout_ms = until(receipts_due_ms(office), now_ms, timeout_ms);
	}
	timeout_ms = until(asking_due_ms(office->asking), now_ms, timeout_ms);
	const struct outbox_standing *standing = outbox_standing(office->outbox);
	timeout_ms = until(decisions_due_ms(agent->decisions, standing->is_connected && standing->held), now_ms, timeout_ms);
	timeout_ms = until(putoff_due_ms(&agent->putoff), now_ms, timeout_ms);
	timeout_ms = until(agent->state_ms, now_ms, timeout_ms);
	timeout_ms = until(agent->watchdog_ms ? agent->watchdog_due_ms : INT64_MAX, now_ms, timeout_ms);
	if (poll(at, count, timeout_ms) > 0 && folder < count && at[folder].revents)
		office->look_ms = 0;
}

static void hear_signals(struct agent *agent)
{
	struct signalfd_siginfo signal;
	while (read(agent->signals, &signal, sizeof signal) == sizeof signal)
		agent->is_stopping = true;
}

static void serve_commands(struct office *office)
{
	struct control_request request;
	control_work(office->control);
	for (int i = 0; i < REQUESTS_A_TURN && control_next(office->control, &request); i++)
		desk_serve(office, &request);
}

static const char *said_of(enum outbox_hindrance hindrance)
{
	switch (hindrance) {
	case OUTBOX_FREE:
		return "connected to the centre";
	case OUTBOX_NO_LINK:
		return "no link to the centre; what is reported is saved and waits";
	case OUTBOX_NOT_NOW:
		return "the centre asks to wait";
	case OUTBOX_TURNED_AWAY:
		return "the centre turns this office away";
	case OUTBOX_FORK:
		return "two copies of this office's data were at work: ask the centre, then `baophu-agent new-series`";
	case OUTBOX_SPOOL_OLDER:
		return "this office's data were put back to an older copy: ask the centre, then `baophu-agent new-series`";
	case OUTBOX_DAMAGED:
		return "something that waits cannot be read from the disk";
	case OUTBOX_CENTRE_LACKS:
		return "the centre lacks what was removed here: ask the centre, then `baophu-agent new-series`";
	case OUTBOX_NO_ROOM:
		return "the disk is full: nothing can be saved until there is room for the spool";
	}
	return "";
}

/* What the outbox's standing means for the rest. */
static void note_link(struct agent *agent, int64_t now_ms)
{
	struct office *office = &agent->office;
	const struct outbox_standing *standing = outbox_standing(office->outbox);
	if (standing->is_connected != office->was_connected) {
		office->was_connected = standing->is_connected;
		office->link_since_ms = office_wall_ms();
		office->is_state_stale = true;
	}
	if (standing->hindrance != agent->hindrance) {
		agent->hindrance = standing->hindrance;
		sd_notifyf(0, "STATUS=%s", said_of(standing->hindrance));
		office_note(standing->hindrance >= OUTBOX_TURNED_AWAY ? LOG_WARNING : LOG_INFO, "%s%s%s",
			    said_of(standing->hindrance), standing->code ? ": " : "",
			    standing->code ? wire_code_name(standing->code) : "");
		office->is_state_stale = true;
	}
	asking_note(office->asking, standing->is_connected, standing->has_last ? standing->last.seq : 0,
		    standing->held + standing->refused, now_ms);
}

static int say_state(struct office *office)
{
	const struct inbox_staying *staying;
	char *text = NULL;
	size_t bytes = 0;
	office_speak(office, office->config->vietnamese);
	struct standing standing;
	int error = office_standing(office, &standing);
	if (!error)
		error = standing_text(&standing, &text, &bytes);
	struct state state = { .waiting = inbox_waiting(office->inbox),
			       .folder_error = office->folder_error,
			       .save_error = office->save_error };
	state.staying_count = inbox_staying(office->inbox, &staying);
	state.staying = staying;
	if (!error)
		error = state_append(&state, &text, &bytes);
	if (!error)
		error = inbox_say_state(office->inbox, text, bytes);
	free(text);
	return error;
}

static void keep_state(struct agent *agent, int64_t now_ms)
{
	struct office *office = &agent->office;
	agent->state_ms = agent->said_ms + (office->is_state_stale ? STATE_GAP_MS : STATE_MS);
	if (now_ms < agent->state_ms)
		return;
	int error = say_state(office);
	if (error && error != agent->state_error)
		office_note(LOG_ERR, "TRẠNG THÁI.txt cannot be written: %s", baophu_strerror(error));
	agent->state_error = error;
	office->is_state_stale = error != 0;
	agent->said_ms = now_ms;
	agent->state_ms = now_ms + (error ? STATE_GAP_MS : STATE_MS);
}

static void keep_watchdog(struct agent *agent, int64_t now_ms)
{
	if (!agent->watchdog_ms || now_ms < agent->watchdog_due_ms)
		return;
	sd_notify(0, "WATCHDOG=1");
	agent->watchdog_due_ms = now_ms + agent->watchdog_ms;
}

static enum agent_exit loop(struct agent *agent)
{
	struct office *office = &agent->office;
	while (!agent->is_stopping && !office->fatal) {
		wait_for_something(agent);
		int64_t now_ms = office_now_ms();
		hear_signals(agent);
		serve_commands(office);
		int error = outbox_work(office->outbox);
		if (error) {
			office_note(LOG_CRIT, "what waits cannot be read or written: %s", baophu_strerror(error));
			return exit_of(error) == AGENT_DAMAGED ? AGENT_DAMAGED : AGENT_INTERNAL;
		}
		if (!office->has_spool && outbox_standing(office->outbox)->hindrance != OUTBOX_NO_ROOM)
			begin_with_spool(office);
		note_link(agent, now_ms);
		const struct mirror *mirror = asking_mirror(office->asking);
		if (putoff_work(&agent->putoff, office->outbox, mirror ? mirror->day : BAOPHU_DATE_NONE,
				baophu_date_at_ms(office_wall_ms()), now_ms))
			office_note(LOG_WARNING,
				    "a figure that is dated ahead of the centre's day is taken back: one of the clocks was wrong");
		receipts_hear(office);
		receipts_tell(office, now_ms);
		office_work(office, now_ms);
		if (asking_work(office->asking, now_ms, office_wall_ms())) {
			unconfirmed_forget(office->unconfirmed);
			malloc_trim(0);
			office->is_state_stale = true;
			decisions_wake(agent->decisions, now_ms);
		}
		uint64_t serial;
		bool is_released;
		if (decisions_work(agent->decisions, office->outbox, now_ms, &serial, &is_released)) {
			office_note(LOG_INFO, "update %llu, which was held, is %s", (unsigned long long)serial,
				    is_released ? "released" : "refused");
			receipts_decided(office, serial);
		}
		keep_state(agent, now_ms);
		keep_watchdog(agent, now_ms);
	}
	return (enum agent_exit)office->fatal;
}

int agent_run(const struct config *config)
{
	static struct agent agent; /* of this function, and large for a stack */
	uint64_t watchdog_us = 0;
	struct office *office = &agent.office;
	agent = (struct agent){ .office = { .config = config, .report = { .fd = -1 } },
				.hindrance = OUTBOX_NO_LINK,
				.said_ms = INT64_MIN / 2 };
	umask(0007);
	be_small();
	agent.signals = open_signals();
	if (agent.signals < 0 || sodium_init() < 0) {
		office_note(LOG_ERR, "cannot start: no signals or no random numbers");
		return AGENT_INTERNAL;
	}
	office->vietnamese = !config->vietnamese;
	office_speak(office, config->vietnamese);
	int error = open_all(&agent);
	enum agent_exit exit = error ? exit_of(error) : AGENT_OK;
	if (!error) {
		if (sd_watchdog_enabled(0, &watchdog_us) > 0)
			agent.watchdog_ms = (int64_t)(watchdog_us / 2000);
		sd_notify(0, "READY=1");
		office_note(LOG_INFO, "ready: office %s, folder %s", config->agent, config->folder);
		exit = loop(&agent);
		sd_notify(0, "STOPPING=1");
	}
	close_all(&agent);
	close(agent.signals);
	return exit;
}

/* ---- checking ---- */

__attribute__((format(printf, 4, 5))) static int refuse(int error, char *why, size_t size, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vsnprintf(why, size, format, list);
	va_end(list);
	return error;
}

static int check_directory(const char *path, bool may_be_made, char *why, size_t why_bytes)
{
	struct stat status;
	char parent[CONFIG_TEXT_BYTES];
	if (stat(path, &status) != 0) {
		int error = -errno;
		snprintf(parent, sizeof parent, "%s", path);
		char *slash = strrchr(parent, '/');
		if (slash && slash != parent)
			*slash = '\0';
		if (error == -ENOENT && may_be_made && access(parent, W_OK | X_OK) == 0)
			return 0;
		return refuse(error, why, why_bytes, _("%s: %s"), path, strerror(-error));
	}
	if (!S_ISDIR(status.st_mode))
		return refuse(-ENOTDIR, why, why_bytes, _("%s is not a directory"), path);
	if (access(path, R_OK | W_OK | X_OK) != 0)
		return refuse(-EACCES, why, why_bytes, _("this user may not write in %s; run the check as the agent's user"), path);
	return 0;
}

int agent_check(const struct config *config, char *why, size_t why_bytes)
{
	char directory[CONFIG_TEXT_BYTES];
	snprintf(directory, sizeof directory, "%s", config->socket);
	*strrchr(directory, '/') = '\0';
	int error = check_directory(config->folder, false, why, why_bytes);
	if (!error)
		error = check_directory(config->data_dir, true, why, why_bytes);
	if (!error)
		error = check_directory(*directory ? directory : "/", false, why, why_bytes);
	return error;
}
