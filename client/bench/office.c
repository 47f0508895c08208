/* office.c - see office.h. */
#include "office.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "figures.h"
#include "outbox.h"

enum { SAVES = 200, OPEN_REPORTS = 4200000, WAIT_MS = 1000, LINK_ROUNDS = 5, ROUNDS_MAX = 8 };
static const double gibibyte = 1024.0 * 1024 * 1024, agent_bytes_max = 16e6;

struct measured {
	double secs, bytes;
};

/* ---- the measured process ---- */

/* Most memory that the process ever had. */
static double most_bytes(void)
{
	char line[256];
	double kib = 0;
	FILE *file = fopen("/proc/self/status", "re");
	while (file && fgets(line, sizeof line, file))
		sscanf(line, "VmHWM: %lf", &kib);
	if (file)
		fclose(file);
	return kib * 1024;
}

static void save(struct outbox *outbox, struct share *share, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct wire_entry entry;
		const struct outbox_source source = { .name = "báo cáo.csv" };
		uint64_t batch;
		if (!share_sweep(share, &entry, 1)) { /* all series: again from the first */
			share->next = 0;
			share_sweep(share, &entry, 1);
		}
		int error = outbox_save(outbox, &entry, 1, &source, &batch, NULL);
		if (error)
			figures_die("outbox_save: %s", baophu_strerror(error));
	}
}

static void deliver(struct outbox *outbox)
{
	const struct outbox_standing *standing = outbox_standing(outbox);
	uint64_t batch;
	while (standing->answered_to < standing->next) {
		int error = outbox_wait(outbox, WAIT_MS);
		if (error && error != -EINTR)
			figures_die("outbox_wait: %s", baophu_strerror(error));
		while (outbox_next_answered(outbox, &batch) == 1) /* as an agent does for its files */
			;
	}
	if (standing->refused || standing->held)
		figures_die("%u reports were refused and %u held", standing->refused, standing->held);
}

void office_serve(const struct workload *workload, const char *what, const char *dir, const char *endpoint, uint32_t count)
{
	char agent[BAOPHU_CODE_BYTES_MAX + 1];
	struct outbox_config config = { .dir = dir, .agent = target_agent(0, agent), .endpoint = *endpoint ? endpoint : NULL };
	struct outbox *outbox;
	struct spool_damage damage;
	struct share share = { 0 };
	if (strcmp(what, "save") == 0 || strcmp(what, "fill") == 0)
		share_init(&share, workload, 0, 1, 0, false);
	double began = figures_now();
	int error = outbox_open(&config, &outbox, &damage);
	if (error)
		figures_die("%s: %s %s at %llu", dir, baophu_strerror(error), damage.file, (unsigned long long)damage.offset);
	if (strcmp(what, "open") != 0)
		began = figures_now();
	if (share.workload)
		save(outbox, &share, count);
	else if (strcmp(what, "drain") == 0)
		deliver(outbox);
	printf("%.6f %.0f\n", figures_now() - began, most_bytes());
	fflush(stdout);
	if (strcmp(what, "wait") == 0) { /* for the link, which is not there yet */
		deliver(outbox);
		printf("%.6f 0\n", figures_now());
	}
	outbox_close(outbox);
	share_finish(&share);
	exit(0);
}

/* ---- the measuring one ---- */

static pid_t start(const char *what, const char *dir, const char *endpoint, uint32_t count, FILE **ret_out)
{
	int pipes[2];
	char count_text[16];
	snprintf(count_text, sizeof count_text, "%u", count);
	if (pipe2(pipes, O_CLOEXEC) < 0)
		figures_die("pipe: %s", strerror(errno));
	pid_t pid = fork();
	if (pid < 0)
		figures_die("fork: %s", strerror(errno));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(pipes[1], STDOUT_FILENO);
		execl("/proc/self/exe", "baophu-bench", "--serve-office", what, dir, endpoint, count_text, (char *)NULL);
		figures_say("office: %s", strerror(errno));
		_exit(127);
	}
	close(pipes[1]);
	*ret_out = fdopen(pipes[0], "r");
	if (!*ret_out)
		figures_die("fdopen: %s", strerror(errno));
	return pid;
}

static struct measured take(FILE *out)
{
	struct measured measured;
	if (fscanf(out, "%lf %lf", &measured.secs, &measured.bytes) != 2)
		figures_die("the office did not come to an end");
	return measured;
}

static void end(pid_t pid, FILE *out)
{
	int status;
	fclose(out);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status))
		figures_die("the office failed");
}

static struct measured run(const char *what, const char *dir, const char *endpoint, uint32_t count)
{
	FILE *out;
	pid_t pid = start(what, dir, endpoint, count, &out);
	struct measured measured = take(out);
	end(pid, out);
	return measured;
}

static void copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct stat status;
	if (in < 0 || out < 0 || fstat(in, &status) < 0)
		figures_die("%s to %s: %s", from, to, strerror(errno));
	for (off_t left = status.st_size; left > 0;) {
		ssize_t sent = sendfile(out, in, NULL, (size_t)left);
		if (sent <= 0)
			figures_die("%s: %s", to, strerror(errno));
		left -= sent;
	}
	if (fsync(out) < 0)
		figures_die("%s: %s", to, strerror(errno));
	posix_fadvise(out, 0, 0, POSIX_FADV_DONTNEED); /* as after a start of the machine */
	close(in);
	close(out);
}

/* The spool at `from` to `to`, on the disk and out of the caches; returns its bytes. */
static double move_spool(const char *from, const char *to)
{
	double bytes = 0;
	if (mkdir(to, 0700) < 0)
		figures_die("%s: %s", to, strerror(errno));
	FTS *tree = fts_open((char *const[]){ (char *)(uintptr_t)from, NULL }, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	for (const FTSENT *file; tree && (file = fts_read(tree)) != NULL;) {
		char path[2 * TARGET_TEXT];
		if (file->fts_info == FTS_F) {
			snprintf(path, sizeof path, "%s/%s", to, file->fts_name);
			copy_file(file->fts_accpath, path);
			bytes += (double)file->fts_statp->st_size;
		}
		if (file->fts_info != FTS_D)
			remove(file->fts_accpath);
	}
	if (tree)
		fts_close(tree);
	return bytes;
}

/* Saves `count` reports where a flush costs nothing, and moves the spool to `dir`. Returns its bytes. */
static double prepare(const char *dir, uint32_t count)
{
	char quick[] = "/dev/shm/baophu-bench-XXXXXX";
	if (!mkdtemp(quick))
		figures_die("%s: %s", quick, strerror(errno));
	run("fill", quick, "", count);
	return move_spool(quick, dir);
}

static void measure_link(struct target *target, const char *dir)
{
	double took[LINK_ROUNDS];
	target_stop(target);
	for (int i = 0; i < LINK_ROUNDS; i++) {
		FILE *out;
		run("save", dir, "", 1);
		pid_t pid = start("wait", dir, target->ingest, 0, &out);
		take(out);
		poll(NULL, 0, 3000 + 137 * i); /* the link has been down for a while */
		target_start(target);
		double up = figures_now();
		took[i] = take(out).secs - up;
		end(pid, out);
		if (i + 1 < LINK_ROUNDS)
			target_stop(target);
	}
	figures_judge("link up to confirmed", "one report, slowest of 5", figures_percentile(took, LINK_ROUNDS, 1) * 1e3, "ms",
		      false, 1000);
}

void office_run(struct target *target, const struct workload *workload, uint32_t reports)
{
	char dir[TARGET_TEXT + 16], config[64];
	target_prepare(target, workload, 1);

	figures_say("%s: saving", target->sys);
	snprintf(dir, sizeof dir, "%s/office-save", target->directory);
	figures_print(target->sys, "save", "one report, flushed", run("save", dir, "", SAVES).secs / SAVES * 1e6, "us");
	measure_link(target, dir);

	figures_say("%s: %u reports that wait", target->sys, reports);
	snprintf(dir, sizeof dir, "%s/office-drain", target->directory);
	snprintf(config, sizeof config, "%u reports of one entry", reports);
	prepare(dir, reports);
	struct measured drained = run("drain", dir, target->ingest, 0);
	figures_judge("drain", config, drained.secs, "s", false, 5.0 * reports / 100000);
	figures_judge("memory of the outbox while it drains", config, drained.bytes, "B", false, agent_bytes_max);

	figures_say("%s: a spool of 1 GB", target->sys);
	snprintf(dir, sizeof dir, "%s/office-open", target->directory);
	double bytes = prepare(dir, OPEN_REPORTS);
	snprintf(config, sizeof config, "%.2f GiB of one-entry reports, cold", bytes / gibibyte);
	struct measured opened = run("open", dir, "", 0);
	figures_judge("open", config, opened.secs, "s", false, 1);
	figures_judge("memory of the outbox, open", config, opened.bytes, "B", false, agent_bytes_max);
	figures_verdicts();
}
