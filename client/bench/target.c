/* target.c - see target.h. */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "figures.h"
#include "reader.h"
#include "session.h"

enum { READY_MS = 60000, STOP_MS = 20000, CALL_MS = 30000 };

/* ---- the process ---- */

static int open_notify(const struct target *target, struct sockaddr_un *ret_address)
{
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (snprintf(ret_address->sun_path, sizeof ret_address->sun_path, "%s/notify", target->directory) >=
	    (int)sizeof ret_address->sun_path)
		figures_die("%s: path too long for a socket", target->directory);
	unlink(ret_address->sun_path);
	int notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify < 0 || bind(notify, (const struct sockaddr *)ret_address, sizeof *ret_address) < 0)
		figures_die("%s: %s", ret_address->sun_path, strerror(errno));
	return notify;
}

/* True when "READY=1" came; false when the process ended or time is up. */
static bool wait_ready(struct target *target, int notify)
{
	for (double until = figures_now() + READY_MS * 1e-3; figures_now() < until;) {
		struct pollfd poll_fd = { .fd = notify, .events = POLLIN };
		if (poll(&poll_fd, 1, 100) > 0) {
			char text[512];
			ssize_t bytes = recv(notify, text, sizeof text - 1, 0);
			text[bytes > 0 ? bytes : 0] = 0;
			if (strstr(text, "READY=1"))
				return true;
		} else if (waitpid(target->pid, NULL, WNOHANG) == target->pid) {
			target->pid = 0;
			return false;
		}
	}
	return false;
}

double target_start(struct target *target)
{
	struct sockaddr_un address;
	char data[TARGET_TEXT + 8];
	mkdir(target->directory, 0700);
	snprintf(data, sizeof data, "%s/data", target->directory);
	const struct {
		const char *flag;
		char *endpoint;
	} sockets[] = { { "ingest", target->ingest },
			{ "query", target->query },
			{ "publish", target->publish },
			{ "control", target->control } };
	for (size_t i = 0; i < sizeof sockets / sizeof *sockets; i++)
		if (snprintf(sockets[i].endpoint, TARGET_TEXT, "ipc://%s/%s", target->directory, sockets[i].flag) >= 100)
			figures_die("%s: path too long for a socket", target->directory);
	int notify = open_notify(target, &address);
	double began = figures_now();
	target->pid = fork();
	if (target->pid < 0)
		figures_die("fork: %s", strerror(errno));
	if (!target->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(STDERR_FILENO, STDOUT_FILENO); /* stdout is for figures */
		setenv("NOTIFY_SOCKET", address.sun_path, 1);
		execl(target->program, target->program, "--data-dir", data, "--ingest", target->ingest, "--query", target->query,
		      "--publish", target->publish, "--control", target->control, (char *)NULL);
		fprintf(stderr, "%s: %s\n", target->program, strerror(errno));
		_exit(127);
	}
	bool is_ready = wait_ready(target, notify);
	double took = figures_now() - began;
	close(notify);
	unlink(address.sun_path);
	if (!is_ready) {
		target_kill(target);
		figures_die("%s did not become ready", target->program);
	}
	return took;
}

void target_kill(struct target *target)
{
	if (!target->pid)
		return;
	kill(target->pid, SIGKILL);
	waitpid(target->pid, NULL, 0);
	target->pid = 0;
}

void target_stop(struct target *target)
{
	if (!target->pid)
		return;
	kill(target->pid, SIGTERM);
	for (double until = figures_now() + STOP_MS * 1e-3; figures_now() < until;) {
		if (waitpid(target->pid, NULL, WNOHANG) == target->pid) {
			target->pid = 0;
			return;
		}
		poll(NULL, 0, 5);
	}
	figures_say("baophud did not stop when asked; killed");
	target_kill(target);
}

/* ---- units, agents, grants ---- */

const char *target_agent(uint32_t index, char name[static BAOPHU_CODE_BYTES_MAX + 1])
{
	snprintf(name, BAOPHU_CODE_BYTES_MAX + 1, "bench-%u", index);
	return name;
}

/* One import; `may_exist`: that it is there already is as good. */
static void import(struct session *session, const struct wire_entry *entries, uint32_t count, bool may_exist, const char *what)
{
	struct session_outcome outcome;
	enum baophu_code code;
	int error = session_send_entries(session, entries, count, &outcome, &code);
	if (error)
		figures_die("%s: %s (%s)", what, baophu_strerror(error), wire_code_name(code));
	if (outcome.receipt.verdict != BAOPHU_APPLIED && !(may_exist && outcome.receipt.code == BAOPHU_CODE_DUPLICATE))
		figures_die("%s: refused: %s, entry %u", what, wire_code_name(outcome.receipt.code), outcome.receipt.entry);
}

static struct wire_entry unit_entry(const struct workload *workload, const char *code, const char *level, const char *parent)
{
	return (struct wire_entry){ .kind = WIRE_UNIT_CREATE,
				    .unit_create = {
					.code = code, .name = code, .level = level, .parent = parent, .date = workload->since } };
}

static void import_units(struct session *session, const struct workload *workload, struct wire_entry *entries)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < WORKLOAD_PROVINCES; i++)
		entries[count++] = unit_entry(workload, workload->provinces[i], "province", WORKLOAD_ROOT);
	for (uint32_t i = 0; i < WORKLOAD_DISTRICTS; i++)
		entries[count++] = unit_entry(workload, workload->districts[i], "district",
					      workload->provinces[workload_province(i)]);
	for (uint32_t i = 0; i < WORKLOAD_COMMUNES; i++)
		entries[count++] = unit_entry(workload, workload->communes[i], "commune",
					      workload->districts[workload_district(i)]);
	import(session, entries, count, true, "units");
}

static void import_grants(struct session *session, const struct workload *workload, uint32_t agents, struct wire_entry *entries)
{
	char names[TARGET_AGENTS_MAX][BAOPHU_CODE_BYTES_MAX + 1];
	for (uint32_t i = 0; i < agents; i++)
		entries[i] = (struct wire_entry){
			.kind = WIRE_AGENT_SET,
			.agent = { .name = target_agent(i, names[i]), .from = workload->since, .until = BAOPHU_DATE_NONE }
		};
	import(session, entries, agents, true, "agents");
	for (uint32_t i = 0; i < WORKLOAD_DISTRICTS; i++)
		entries[i] = (struct wire_entry){ .kind = WIRE_GRANT,
						  .grant = { .agent = names[i % agents],
							     .unit = workload->districts[i],
							     .extent = BAOPHU_EXTENT_ANY,
							     .from = workload->since,
							     .until = BAOPHU_DATE_NONE } };
	import(session, entries, WORKLOAD_DISTRICTS, false, "grants");
}

void target_prepare(struct target *target, const struct workload *workload, uint32_t agents)
{
	struct session *session;
	enum baophu_code code;
	struct session_config config = {
		.context = target->context, .endpoint = target->control, .agent = "control", .timeout_ms = CALL_MS
	};
	int error = session_open(&config, &session, &code);
	if (error)
		figures_die("%s: %s (%s)", target->control, baophu_strerror(error), wire_code_name(code));
	struct wire_entry *entries = calloc(WORKLOAD_PROVINCES + WORKLOAD_DISTRICTS + WORKLOAD_COMMUNES, sizeof *entries);
	if (!entries)
		figures_die("no memory");
	import_units(session, workload, entries);
	import_grants(session, workload, agents, entries);
	free(entries);
	session_close(session);
}

/* ---- looking at it ---- */

static struct reader *open_reader(struct target *target)
{
	struct reader *reader;
	int error = reader_open(target->context, target->query, &reader);
	if (error)
		figures_die("%s: %s", target->query, baophu_strerror(error));
	return reader;
}

double target_wait_history(struct target *target, uint64_t seq)
{
	if (!*target->query)
		return figures_now();
	struct reader *reader = open_reader(target);
	struct wire_query query = reader_question(WIRE_QUERY_STATUS);
	double until = figures_now() + 120;
	for (;;) {
		struct wire_answer answer;
		int error = reader_query(reader, &query, CALL_MS, &answer);
		if (error || !answer.status)
			figures_die("status: %s", baophu_strerror(error));
		target->history_seq = answer.status->history_seq;
		double now = figures_now();
		if (target->history_seq >= seq) {
			reader_close(reader);
			return now;
		}
		if (now > until)
			figures_die("the history stays at %llu, %llu was acknowledged", (unsigned long long)target->history_seq,
				    (unsigned long long)seq);
		poll(NULL, 0, 1);
	}
}

double target_anonymous_bytes(const struct target *target)
{
	char path[64], line[256];
	unsigned long kib = 0;
	if (!target->pid)
		return 0;
	snprintf(path, sizeof path, "/proc/%d/status", (int)target->pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof line, file) && sscanf(line, "RssAnon: %lu kB", &kib) != 1)
		;
	fclose(file);
	return (double)kib * 1024;
}

double target_cpu_secs(const struct target *target)
{
	char path[64], text[1024];
	unsigned long user = 0, system = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)target->pid);
	FILE *file = fopen(path, "re");
	if (!file)
		figures_die("%s: %s", path, strerror(errno));
	size_t bytes = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[bytes] = 0;
	const char *rest = strrchr(text, ')'); /* the name before it may hold anything */
	if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
		figures_die("%s: not as expected", path);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

double target_counter(struct target *target, const char *name)
{
	struct reader *reader = open_reader(target);
	struct wire_query query = reader_question(WIRE_QUERY_STATUS);
	struct wire_answer answer;
	double value = 0;
	int error = reader_query(reader, &query, CALL_MS, &answer);
	if (error || !answer.status)
		figures_die("status: %s", baophu_strerror(error));
	for (uint32_t i = 0; i < answer.status->counter_count; i++)
		if (strcmp(answer.status->counters[i].name, name) == 0)
			value = (double)answer.status->counters[i].value;
	reader_close(reader);
	return value;
}

double target_store_bytes(const struct target *target)
{
	char data[TARGET_TEXT + 8];
	double bytes = 0;
	if (!*target->directory)
		return 0;
	snprintf(data, sizeof data, "%s/data", target->directory);
	FTS *tree = fts_open((char *const[]){ data, NULL }, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	for (const FTSENT *file; tree && (file = fts_read(tree)) != NULL;)
		if (file->fts_info == FTS_F)
			bytes += (double)file->fts_statp->st_size;
	if (tree)
		fts_close(tree);
	return bytes;
}

void target_ask_provinces(struct target *target, const struct workload *workload, uint32_t rounds, double *ret_median_ms,
			  double *ret_slowest_ms, uint32_t *ret_records)
{
	struct reader *reader = open_reader(target);
	double *took = calloc(rounds, sizeof *took);
	if (!took)
		figures_die("no memory");
	uint64_t random = figures_seed();
	*ret_records = 0;
	for (uint32_t i = 0; i < rounds; i++) {
		struct wire_query query = reader_question(WIRE_QUERY_COVERAGE);
		query.unit = workload->provinces[figures_random(&random) % WORKLOAD_PROVINCES];
		query.depth = 2;
		query.limit = BAOPHU_PAGE_RECORDS_MAX;
		query.as_of = workload->periods[figures_random(&random) % (WORKLOAD_PERIODS - 1)];
		uint32_t records = 0;
		double began = figures_now();
		for (;;) {
			struct wire_answer answer;
			int error = reader_query(reader, &query, CALL_MS, &answer);
			if (error)
				figures_die("as-of query of %s: %s (%s)", query.unit, baophu_strerror(error),
					    wire_code_name(answer.code));
			records += answer.record_count;
			if (!reader_next_page(&query, &answer))
				break;
		}
		took[i] = (figures_now() - began) * 1e3;
		*ret_records = records > *ret_records ? records : *ret_records;
	}
	*ret_median_ms = figures_percentile(took, rounds, 0.5);
	*ret_slowest_ms = took[rounds - 1];
	free(took);
	reader_close(reader);
}
