/* main.c - baophu-bench: how fast a collector takes updates, tells of them and answers. Options, runs and figures.
 *
 * Prints a JSON line a figure on stdout (sys, figure, config, value, unit), counted in entries; progress on stderr. Runs against a daemon
 * that is there, or starts one in a directory. Changes what it runs against: it makes a country's units and fills them.
 */
#include <errno.h>
#include <fts.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zmq.h>

#include "bare.h"
#include "drive.h"
#include "figures.h"
#include "joiners.h"
#include "office.h"
#include "publication.h"
#include "ranks.h"
#include "yardstick.h"

enum { PRELOAD_AGENTS = 4, PRELOAD_WINDOW = 16, QUERY_ROUNDS = 40, SOCKETS_MAX = 4096, FILES_MAX = 16384 };

struct options {
	struct target target;
	struct drive_config drive;
	unsigned publication; /* bits 1 << enum publication_case */
	uint32_t rounds;
	uint32_t office; /* reports */
	bool does_preload, keeps, is_sustained, is_peers, asks, restarts, does_yardstick;
};

static const char loaded[] = "1M series";
static const char usage[] =
    "baophu-bench [OPTION...] [DATA SECS]\n"
    "How fast a collector takes updates; a JSON line for each figure.\n"
    "\n"
    "Which daemon:\n"
    "  --self PROGRAM       start this baophud on a directory of its own, and stop it at the end\n"
    "  --dir DIR            that directory (default: a new one under TMPDIR, removed at the end)\n"
    "  --ingest ENDPOINT    a daemon that runs; default tcp://127.0.0.1:7101\n"
    "  --query ENDPOINT     default tcp://127.0.0.1:7102\n"
    "  --publish ENDPOINT   default tcp://127.0.0.1:7103\n"
    "  --control ENDPOINT   default ipc:///run/baophud/control\n"
    "  --pid PID            its process, for the figure of memory\n"
    "What to do:\n"
    "  --preload            set all 1,012,000 series first\n"
    "  --agents N           default 4\n"
    "  --window W           updates in flight of each agent; default 250\n"
    "  --batch E            entries of an update, 1 to 512; default 1\n"
    "  --rate R             entries a second of all agents together, in an open loop; default 0: as fast as it goes\n"
    "  --secs S             default 3; 0: no run\n"
    "  --subscribers K      that hold all provinces and are told of changes; default 0\n"
    "  --hot                only the newest month (44,000 series)\n"
    "  --sustained          also the rate until the history has caught up\n"
    "  --yardstick          with --self: before it the same run against a plain file log in that directory, without subscribers\n"
    "  --ask                also the time of as-of queries of whole provinces\n"
    "  --restart            with --self: also the time of a start after kill -9\n"
    "  --publication CASE   with --self, instead of a run: what subscribers cost and get, against targets. latency, fanout, "
    "joins,\n"
    "                       snapshot, stopped, seals, or all; may be given several times\n"
    "  --rounds N           of each of those, whose median is judged; default 5\n"
    "  --office N           with --self, instead of a run: what a field office gets; N reports are drained, 100000 for the "
    "targets\n"
    "  --ranks              without a daemon, and nothing else: what league tables cost a subscriber\n"
    "  --peers              with --self: all figures that other systems are compared by; DATA is a directory, SECS the seconds a "
    "run\n"
    "  --help\n";

static void describe(const struct drive_config *config, char text[static 128])
{
	int used = snprintf(text, 128, "agents=%u window=%u batch=%u", config->agents, config->window, config->batch);
	if (config->rate > 0)
		used += snprintf(text + used, 128 - (size_t)used, " rate=%.0f", config->rate);
	if (config->subscribers)
		used += snprintf(text + used, 128 - (size_t)used, " subscribers=%u", config->subscribers);
	if (config->is_hot)
		snprintf(text + used, 128 - (size_t)used, " hot");
}

static void run(struct target *target, const struct workload *workload, const struct drive_config *config, bool is_sustained)
{
	char text[128];
	struct drive_result result;
	describe(config, text);
	figures_say("%s: %s", target->sys, text);
	if (*target->control)
		target_prepare(target, workload, config->agents);
	drive_run(target, workload, config, &result);
	figures_print(target->sys, "updates/s", text, result.entries / result.took, "1/s");
	figures_print(target->sys, "ack p50", text, figures_percentile(result.ack, result.ack_count, 0.5) * 1e6, "us");
	figures_print(target->sys, "ack p99", text, figures_percentile(result.ack, result.ack_count, 0.99) * 1e6, "us");
	if (config->subscribers) {
		figures_print(target->sys, "notify p50", text, figures_percentile(result.notify, result.notify_count, 0.5) * 1e6,
			      "us");
		figures_print(target->sys, "notify p99", text, figures_percentile(result.notify, result.notify_count, 0.99) * 1e6,
			      "us");
	}
	if (is_sustained)
		figures_print(target->sys, "sustained updates/s", text, result.entries / (result.caught_up - result.began), "1/s");
	if (result.not_now)
		figures_say("  %llu answers \"not now\"", (unsigned long long)result.not_now);
	if (result.other)
		figures_say("  %llu updates were not applied, the first: %s", (unsigned long long)result.other,
			    wire_code_name(result.other_code));
	drive_result_finish(&result);
}

/* The daemon stands still meanwhile: what it does when idle would be taken from the yardstick. */
static void run_yardstick(const struct target *target, const struct workload *workload, const struct drive_config *config)
{
	struct drive_config bare = *config;
	struct target yardstick;
	bare.subscribers = 0;
	kill(target->pid, SIGSTOP);
	yardstick_start(target->context, target->directory, &yardstick);
	run(&yardstick, workload, &bare, false);
	yardstick_stop(&yardstick);
	kill(target->pid, SIGCONT);
}

static void preload(struct target *target, const struct workload *workload)
{
	const struct drive_config config = {
		.agents = PRELOAD_AGENTS, .window = PRELOAD_WINDOW, .batch = BAOPHU_ENTRIES_MAX, .is_sweep = true
	};
	struct drive_result result;
	figures_say("preload: %d series", WORKLOAD_SERIES);
	target_prepare(target, workload, config.agents);
	drive_run(target, workload, &config, &result);
	if ((uint32_t)result.entries != WORKLOAD_SERIES)
		figures_die("%.0f of %d series were taken: %s", result.entries, WORKLOAD_SERIES, wire_code_name(result.other_code));
	figures_print(target->sys, "load updates/s", "1M series in order, history caught up",
		      result.entries / (result.caught_up - result.began), "1/s");
	drive_result_finish(&result);
}

static void ask(struct target *target, const struct workload *workload)
{
	double median_ms, slowest_ms;
	uint32_t records;
	char text[128];
	figures_say("as-of queries");
	target_ask_provinces(target, workload, QUERY_ROUNDS, &median_ms, &slowest_ms, &records);
	snprintf(text, sizeof text, "a province with districts and communes, up to %u records", records);
	figures_print(target->sys, "as-of query p50", text, median_ms, "ms");
	figures_print(target->sys, "as-of query max", text, slowest_ms, "ms");
}

static void weigh(const struct target *target, const char *config)
{
	if (target->pid)
		figures_print(target->sys, "rss anonymous", config, target_anonymous_bytes(target), "B");
	if (*target->directory)
		figures_print(target->sys, "store size", config, target_store_bytes(target), "B");
}

static void restart(struct target *target, const char *config)
{
	char text[128];
	figures_say("kill -9 and start");
	target_kill(target);
	double took = target_start(target);
	snprintf(text, sizeof text, "after kill -9, %s", config);
	figures_print(target->sys, "restart", text, took * 1e3, "ms");
}

static void remove_tree(char *directory)
{
	FTS *tree = fts_open((char *const[]){ directory, NULL }, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	for (const FTSENT *file; tree && (file = fts_read(tree)) != NULL;)
		if (file->fts_info != FTS_D) /* directories when they are empty: on the way back */
			remove(file->fts_path);
	if (tree)
		fts_close(tree);
}

/* The runs that other systems are given too, on a fresh directory. */
static void run_peers(struct target *target, const struct workload *workload, double secs)
{
	const struct drive_config runs[] = {
		{ .agents = 4, .window = 250, .batch = 1, .secs = secs },
		{ .agents = 4, .window = 25, .batch = 100, .secs = secs },
		{ .agents = 8, .window = 128, .batch = 1, .rate = 1000, .secs = secs, .subscribers = 1 },
	};
	remove_tree(target->directory);
	target_start(target);
	preload(target, workload);
	for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
		if (runs[i].batch > 1)
			run_yardstick(target, workload, &runs[i]);
		run(target, workload, &runs[i], runs[i].rate <= 0);
	}
	ask(target, workload);
	weigh(target, loaded);
	restart(target, loaded);
	target_kill(target);
}

static uint32_t number(const char *text, const char *name, uint32_t min, uint32_t max)
{
	char *end;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (errno || *end || end == text || value < min || value > max)
		figures_die("--%s: a number from %u to %u, not \"%s\"", name, min, max, text);
	return (uint32_t)value;
}

static double decimal(const char *text, const char *name)
{
	char *end;
	double value = strtod(text, &end);
	if (*end || end == text || !(value >= 0 && value <= 1e9))
		figures_die("%s: not a number: \"%s\"", name, text);
	return value;
}

static unsigned publication_cases(const char *name)
{
	int which = publication_case(name);
	if (which < 0 && strcmp(name, "all") != 0)
		figures_die("--publication: there is no \"%s\"; --help lists them", name);
	return which < 0 ? (1u << PUBLICATION_COUNT) - 1 : 1u << which;
}

static void copy(char *to, const char *from, const char *name)
{
	if (snprintf(to, TARGET_TEXT, "%s", from) >= TARGET_TEXT)
		figures_die("--%s: too long", name);
}

static void read_options(int argc, char **argv, struct options *options)
{
	enum {
		SELF,
		DIR,
		INGEST,
		QUERY,
		PUBLISH,
		CONTROL,
		PID,
		PRELOAD,
		AGENTS,
		WINDOW,
		BATCH,
		RATE,
		SECS,
		SUBSCRIBERS,
		HOT,
		SUSTAINED,
		YARDSTICK,
		ASK,
		RESTART,
		PUBLICATION,
		ROUNDS,
		OFFICE,
		RANKS,
		PEERS,
		HELP
	};
	static const struct option longs[] = { { "self", 1, NULL, SELF },
					       { "dir", 1, NULL, DIR },
					       { "ingest", 1, NULL, INGEST },
					       { "query", 1, NULL, QUERY },
					       { "publish", 1, NULL, PUBLISH },
					       { "control", 1, NULL, CONTROL },
					       { "pid", 1, NULL, PID },
					       { "preload", 0, NULL, PRELOAD },
					       { "agents", 1, NULL, AGENTS },
					       { "window", 1, NULL, WINDOW },
					       { "batch", 1, NULL, BATCH },
					       { "rate", 1, NULL, RATE },
					       { "secs", 1, NULL, SECS },
					       { "subscribers", 1, NULL, SUBSCRIBERS },
					       { "hot", 0, NULL, HOT },
					       { "sustained", 0, NULL, SUSTAINED },
					       { "yardstick", 0, NULL, YARDSTICK },
					       { "ask", 0, NULL, ASK },
					       { "restart", 0, NULL, RESTART },
					       { "publication", 1, NULL, PUBLICATION },
					       { "rounds", 1, NULL, ROUNDS },
					       { "office", 1, NULL, OFFICE },
					       { "ranks", 0, NULL, RANKS },
					       { "peers", 0, NULL, PEERS },
					       { "help", 0, NULL, HELP },
					       { 0 } };
	struct target *target = &options->target;
	int at, which;
	while ((which = getopt_long(argc, argv, "", longs, &at)) >= 0) {
		switch (which) {
		case SELF:
			copy(target->program, optarg, "self");
			break;
		case DIR:
			copy(target->directory, optarg, "dir");
			break;
		case INGEST:
			copy(target->ingest, optarg, "ingest");
			break;
		case QUERY:
			copy(target->query, optarg, "query");
			break;
		case PUBLISH:
			copy(target->publish, optarg, "publish");
			break;
		case CONTROL:
			copy(target->control, optarg, "control");
			break;
		case PID:
			target->pid = (pid_t)number(optarg, "pid", 1, 1 << 30);
			break;
		case PRELOAD:
			options->does_preload = true;
			break;
		case AGENTS:
			options->drive.agents = number(optarg, "agents", 1, TARGET_AGENTS_MAX);
			break;
		case WINDOW:
			options->drive.window = number(optarg, "window", 1, 65536);
			break;
		case BATCH:
			options->drive.batch = number(optarg, "batch", 1, BAOPHU_ENTRIES_MAX);
			break;
		case RATE:
			options->drive.rate = decimal(optarg, "--rate");
			break;
		case SECS:
			options->drive.secs = decimal(optarg, "--secs");
			break;
		case SUBSCRIBERS:
			options->drive.subscribers = number(optarg, "subscribers", 0, 64);
			break;
		case HOT:
			options->drive.is_hot = true;
			break;
		case SUSTAINED:
			options->is_sustained = true;
			break;
		case YARDSTICK:
			options->does_yardstick = true;
			break;
		case ASK:
			options->asks = true;
			break;
		case RESTART:
			options->restarts = true;
			break;
		case PUBLICATION:
			options->publication |= publication_cases(optarg);
			break;
		case ROUNDS:
			options->rounds = number(optarg, "rounds", 1, 64);
			break;
		case OFFICE:
			options->office = number(optarg, "office", 1, 10000000);
			break;
		case RANKS:
			ranks_run();
			exit(0);
		case PEERS:
			options->is_peers = true;
			break;
		case HELP:
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(64);
		}
	}
	if (options->is_peers != (optind == argc - 2) || (!options->is_peers && optind != argc) ||
	    (!*target->program && (options->is_peers || options->restarts || options->does_yardstick || options->publication ||
				   options->office || *target->directory))) {
		fputs(usage, stderr);
		exit(64);
	}
	if (options->is_peers) {
		if (snprintf(target->directory, TARGET_TEXT, "%s/baophu", argv[optind]) >= TARGET_TEXT)
			figures_die("DATA: too long");
		options->drive.secs = decimal(argv[optind + 1], "SECS");
	}
}

/* Everything that the options ask for, on a target that is there. */
static void run_options(struct options *options, const struct workload *workload)
{
	struct target *target = &options->target;
	const char *config = options->does_preload ? loaded : "what this run sent";
	if (options->does_preload)
		preload(target, workload);
	if (options->publication) {
		publication_run(target, workload, options->publication, options->drive.secs, options->rounds);
		return;
	}
	if (options->office) {
		office_run(target, workload, options->office);
		return;
	}
	if (options->drive.secs > 0 && options->does_yardstick)
		run_yardstick(target, workload, &options->drive);
	if (options->drive.secs > 0)
		run(target, workload, &options->drive, options->is_sustained);
	if (options->asks)
		ask(target, workload);
	weigh(target, config);
	if (options->restarts)
		restart(target, config);
}

int main(int argc, char **argv)
{
	static struct options options = {
		.target = { .sys = "baophu",
			    .ingest = "tcp://127.0.0.1:7101",
			    .query = "tcp://127.0.0.1:7102",
			    .publish = "tcp://127.0.0.1:7103",
			    .control = "ipc:///run/baophud/control" },
		.drive = { .agents = 4, .window = 250, .batch = 1, .secs = 3 },
		.rounds = 5,
	};
	static struct workload workload;
	struct target *target = &options.target;
	bool is_temporary = false;
	if (argc == 4 && strcmp(argv[1], "--serve-yardstick") == 0) { /* not for people: see yardstick.h */
		workload_init(&workload);
		yardstick_serve(&workload, argv[2], (int)number(argv[3], "serve-yardstick", 0, FILES_MAX));
	}
	if (argc == 7 && strcmp(argv[1], "--serve-bare") == 0) { /* nor this: see bare.h */
		workload_init(&workload);
		bare_serve(&workload, argv[2],
			   &(struct bare_config){ .province = number(argv[3], "serve-bare", 0, WORKLOAD_PROVINCES - 1),
						  .subscriptions = number(argv[4], "serve-bare", 1, 1 << 20),
						  .record_bytes = number(argv[5], "serve-bare", 1, 1 << 16),
						  .is_patient = number(argv[6], "serve-bare", 0, 1) });
	}
	if (argc == 4 && strcmp(argv[1], "--serve-joiners") == 0) { /* nor this: see joiners.h */
		workload_init(&workload);
		joiners_serve(&workload, argv[2], argv[3]);
	}
	if (argc == 6 && strcmp(argv[1], "--serve-office") == 0) { /* nor this: see office.h */
		workload_init(&workload);
		office_serve(&workload, argv[2], argv[3], argv[4], number(argv[5], "serve-office", 0, UINT32_MAX));
	}
	read_options(argc, argv, &options);
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ FILES_MAX, FILES_MAX });
	workload_init(&workload);
	target->context = zmq_ctx_new();
	zmq_ctx_set(target->context, ZMQ_MAX_SOCKETS, SOCKETS_MAX);
	if (*target->program && !*target->directory) {
		const char *parent = getenv("TMPDIR");
		snprintf(target->directory, TARGET_TEXT, "%.200s/baophu-bench-XXXXXX", parent && *parent ? parent : "/var/tmp");
		if (!mkdtemp(target->directory))
			figures_die("%s: %s", target->directory, strerror(errno));
		is_temporary = true;
	}
	if (options.is_peers) {
		run_peers(target, &workload, options.drive.secs);
	} else {
		if (*target->program)
			target_start(target);
		run_options(&options, &workload);
		if (*target->program)
			target_stop(target);
	}
	zmq_ctx_term(target->context);
	if (is_temporary)
		remove_tree(target->directory);
	return 0;
}
