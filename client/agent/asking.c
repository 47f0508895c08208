/* asking.c - see asking.h. */
#include "asking.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/status.h>

#include "language.h"
#include "words.h"

enum {
	AFTER_RECEIPTS_MS = 500, /* receipts come in crowds */
	FIGURES_GAP_MS = 2000, /* between two questions for figures while receipts keep coming */
	EVERYTHING_GAP_MS = 60000,
	FIGURES_MS = 3600 * 1000,
	EVERYTHING_MS = 24 * 3600 * 1000,
	RETRY_MS = 2000, /* doubled each time */
	RETRY_MS_MAX = 600 * 1000,
};

struct asking {
	char endpoint[256], agent[BAOPHU_CODE_BYTES_MAX + 1], path[4096];
	struct mirror *mirror;
	struct reader *reader; /* while asking */
	struct mirror_refresh *refresh;
	enum mirror_scope scope;
	bool is_connected;
	uint32_t amiss;
	uint64_t newest_seq;
	int64_t figures_ms, everything_ms; /* when to ask; INT64_MAX: no reason */
	int64_t asked_figures_ms, asked_everything_ms; /* answered last; INT64_MIN: not by this process */
	int64_t not_before_ms, step_ms, taken_ms;
	int retry_ms;
	int error; /* of the last question; 0 */
	enum baophu_code code; /* of the answer that refused it */
	struct baophu_detail detail;
};

int asking_open(const char *endpoint, const char *agent, const char *path, struct asking **ret_asking)
{
	struct asking *asking = calloc(1, sizeof *asking);
	if (!asking)
		return -ENOMEM;
	snprintf(asking->endpoint, sizeof asking->endpoint, "%s", endpoint);
	snprintf(asking->agent, sizeof asking->agent, "%s", agent);
	snprintf(asking->path, sizeof asking->path, "%s", path);
	asking->figures_ms = asking->everything_ms = INT64_MAX;
	asking->asked_figures_ms = asking->asked_everything_ms = asking->taken_ms = INT64_MIN;
	int error = mirror_open(path, agent, &asking->mirror);
	if (error == -ENOMEM || error == -EACCES || error == -EIO) {
		free(asking);
		return error;
	}
	*ret_asking = asking;
	return 0;
}

static void stop_asking(struct asking *asking)
{
	mirror_refresh_end(asking->refresh);
	reader_close(asking->reader);
	asking->refresh = NULL;
	asking->reader = NULL;
}

void asking_close(struct asking *asking)
{
	if (!asking)
		return;
	stop_asking(asking);
	mirror_close(asking->mirror);
	free(asking);
}

struct mirror *asking_mirror(struct asking *asking) { return asking->mirror; }

int64_t asking_taken_ms(const struct asking *asking) { return asking->taken_ms; }

const char *asking_trouble(const struct asking *asking, bool vietnamese, char *buffer, size_t size)
{
	*buffer = '\0';
	if (asking->error == -BAOPHU_ENOTFOUND || asking->code == BAOPHU_CODE_AGENT_UNKNOWN)
		snprintf(buffer, size, "%s", _("the centre does not know this office; ask it to enrol the office"));
	else if (asking->code && asking->detail.fault != BAOPHU_FAULT_NONE)
		word_fault(&asking->detail, vietnamese, buffer, size);
	else if (asking->code)
		snprintf(buffer, size, "%s", word_code_meaning(asking->code));
	else if (asking->error == -BAOPHU_ETIMEOUT)
		snprintf(buffer, size, "%s", _("the centre did not answer in time"));
	else if (asking->error)
		snprintf(buffer, size, "%s", baophu_strerror(asking->error));
	return buffer;
}

static void sooner(int64_t *due_ms, int64_t ms)
{
	if (ms < *due_ms)
		*due_ms = ms;
}

/* `gap_ms` after the last answer, and not before `ms`. */
static int64_t after_gap(int64_t ms, int64_t last_ms, int64_t gap_ms)
{
	return last_ms != INT64_MIN && last_ms + gap_ms > ms ? last_ms + gap_ms : ms;
}

void asking_note(struct asking *asking, bool is_connected, uint64_t newest_seq, uint32_t amiss, int64_t now_ms)
{
	if (is_connected && !asking->is_connected) {
		sooner(asking->asked_everything_ms == INT64_MIN ? &asking->everything_ms : &asking->figures_ms, now_ms);
		asking->not_before_ms = now_ms;
		asking->retry_ms = 0;
	}
	asking->is_connected = is_connected;
	if (newest_seq > asking->newest_seq)
		sooner(&asking->figures_ms, after_gap(now_ms + AFTER_RECEIPTS_MS, asking->asked_figures_ms, FIGURES_GAP_MS));
	asking->newest_seq = newest_seq;
	if (amiss > asking->amiss)
		sooner(&asking->everything_ms,
		       after_gap(now_ms + AFTER_RECEIPTS_MS, asking->asked_everything_ms, EVERYTHING_GAP_MS));
	asking->amiss = amiss;
}

int64_t asking_due_ms(const struct asking *asking)
{
	if (asking->refresh)
		return asking->step_ms;
	int64_t due_ms = asking->figures_ms < asking->everything_ms ? asking->figures_ms : asking->everything_ms;
	if (!asking->is_connected || due_ms == INT64_MAX)
		return INT64_MAX;
	return due_ms > asking->not_before_ms ? due_ms : asking->not_before_ms;
}

unsigned asking_poll(const struct asking *asking, struct pollfd ret_descriptors[ASKING_DESCRIPTORS])
{
	int descriptors[ASKING_DESCRIPTORS];
	if (!asking->refresh || !reader_is_waiting(asking->reader))
		return 0;
	reader_descriptors(asking->reader, descriptors);
	for (unsigned i = 0; i < ASKING_DESCRIPTORS; i++)
		ret_descriptors[i] = (struct pollfd){ .fd = descriptors[i], .events = POLLIN };
	return ASKING_DESCRIPTORS;
}

static void give_up(struct asking *asking, int error, int64_t now_ms)
{
	asking->error = error;
	asking->code = BAOPHU_CODE_NONE;
	if (error == -BAOPHU_EREFUSED && asking->refresh)
		asking->code = mirror_refresh_why(asking->refresh, &asking->detail);
	stop_asking(asking);
	asking->retry_ms = asking->retry_ms ? asking->retry_ms * 2 : RETRY_MS;
	if (asking->retry_ms > RETRY_MS_MAX)
		asking->retry_ms = RETRY_MS_MAX;
	asking->not_before_ms = now_ms + asking->retry_ms;
}

static void begin(struct asking *asking, int64_t now_ms, int64_t wall_ms)
{
	asking->scope = asking->everything_ms <= now_ms || !asking->mirror ? MIRROR_EVERYTHING : MIRROR_FIGURES;
	int error = reader_open(NULL, asking->endpoint, &asking->reader);
	if (!error)
		error = mirror_refresh_begin(asking->scope, asking->mirror, asking->path, asking->agent, wall_ms, asking->reader,
					     &asking->refresh);
	if (error)
		give_up(asking, error, now_ms);
	asking->step_ms = now_ms;
}

static void take(struct asking *asking, struct mirror *mirror, int64_t now_ms)
{
	stop_asking(asking);
	mirror_close(asking->mirror);
	asking->mirror = mirror;
	asking->taken_ms = asking->asked_figures_ms = now_ms;
	asking->figures_ms = now_ms + FIGURES_MS;
	if (asking->scope == MIRROR_EVERYTHING) {
		asking->asked_everything_ms = now_ms;
		asking->everything_ms = now_ms + EVERYTHING_MS;
	}
	/* Receipts that came while it was asked. */
	if (mirror->place.seq < asking->newest_seq)
		asking->figures_ms = now_ms + FIGURES_GAP_MS;
	asking->retry_ms = 0;
	asking->code = BAOPHU_CODE_NONE;
	asking->error = 0;
	asking->code = BAOPHU_CODE_NONE;
}

bool asking_work(struct asking *asking, int64_t now_ms, int64_t wall_ms)
{
	if (!asking->refresh && asking_due_ms(asking) > now_ms)
		return false;
	if (!asking->refresh)
		begin(asking, now_ms, wall_ms);
	if (!asking->refresh)
		return false;
	struct mirror *mirror = NULL;
	int result = mirror_refresh_step(asking->refresh, now_ms, &mirror);
	asking->step_ms = now_ms + MIRROR_STEP_MS;
	if (result > 0)
		take(asking, mirror, now_ms);
	else if (result < 0)
		give_up(asking, result, now_ms);
	return result > 0;
}
