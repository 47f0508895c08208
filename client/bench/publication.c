/* publication.c - see publication.h. */
#include "publication.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bare.h"
#include "crowd.h"
#include "drive.h"
#include "figures.h"
#include "joiners.h"
#include "subscription.h"

enum {
	ROUNDS_MAX = 64,
	WATCHERS = 8,
	FANOUT_SUBSCRIBERS = 1000,
	JOIN_SECS = 30,
	STOPPED_SUBSCRIBERS = 16,
	STOPPED_DEAF = 4,
	STOPPED_PROVINCES = 2, /* whose communes make a cut of about 100 KiB */
	STOPPED_RECORDS = BARE_QUEUE_MESSAGES * 5 / 4,
	SEAL_PREFIXES = 1000,
	SETTLE_MS = 300, /* between two stretches: what is under way comes to its end */
	SAMPLE_MS = 20,
};
#define MIB ((double)(1 << 20))

struct publication {
	struct target *target;
	const struct workload *workload;
	double secs;
	uint32_t rounds;
};

static const char *const names[PUBLICATION_COUNT] = { "latency", "stopped", "fanout", "joins", "snapshot", "seals" };

int publication_case(const char *name)
{
	for (int i = 0; i < PUBLICATION_COUNT; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static void settle(void) { poll(NULL, 0, SETTLE_MS); }

/* ---- updates while something else is done ---- */

struct load {
	struct publication *run;
	struct drive_config config;
	struct drive_result result;
	pthread_t thread;
	atomic_bool has_begun;
};

static void *drive_load(void *user)
{
	struct load *load = user;
	drive_run(load->run->target, load->run->workload, &load->config, &load->result);
	return NULL;
}

/* Returns when the first update goes out. */
static void load_begin(struct load *load, struct publication *run, const struct drive_config *config)
{
	*load = (struct load){ .run = run, .config = *config };
	load->config.has_begun = &load->has_begun;
	if (pthread_create(&load->thread, NULL, drive_load, load))
		figures_die("no thread");
	while (!atomic_load(&load->has_begun))
		poll(NULL, 0, 1);
}

/* Waits for its end. The result is to be finished by the caller. */
static void load_end(struct load *load)
{
	pthread_join(load->thread, NULL);
	if (load->result.other)
		figures_die("updates were not applied: %s", wire_code_name(load->result.other_code));
}

/* ---- latency ---- */

static void measure_latency(struct publication *run)
{
	const struct drive_config config = {
		.agents = 8, .window = 128, .batch = 1, .rate = 1000, .secs = run->secs, .subscribers = WATCHERS
	};
	double acks[2][ROUNDS_MAX], notifies[2][ROUNDS_MAX], ratios[2][ROUNDS_MAX];
	static const double shares[] = { 0.5, 0.99 };
	static const char text[] = "1,000/s, 8 subscribers of all provinces";
	target_prepare(run->target, run->workload, config.agents);
	for (uint32_t i = 0; i < run->rounds; i++) {
		struct drive_result result;
		drive_run(run->target, run->workload, &config, &result);
		for (int which = 0; which < 2; which++) {
			acks[which][i] = figures_percentile(result.ack, result.ack_count, shares[which]);
			notifies[which][i] = figures_percentile(result.notify, result.notify_count, shares[which]);
			ratios[which][i] = notifies[which][i] / acks[which][i];
		}
		drive_result_finish(&result);
	}
	figures_print("baophu", "ack p50", text, figures_median(acks[0], run->rounds) * 1e6, "us");
	figures_print("baophu", "notify p50", text, figures_median(notifies[0], run->rounds) * 1e6, "us");
	figures_print("baophu", "ack p99", text, figures_median(acks[1], run->rounds) * 1e6, "us");
	figures_print("baophu", "notify p99", text, figures_median(notifies[1], run->rounds) * 1e6, "us");
	figures_judge("latency: notify p50 / ack p50", text, figures_median(ratios[0], run->rounds), "x", false, 1);
	figures_judge("latency: notify p99 / ack p99", text, figures_median(ratios[1], run->rounds), "x", false, 2);
}

/* ---- fanout ---- */

/* Delivered a second, and the mean bytes of a record, over `secs` of what the crowd gets while `load` (or a bare publisher) runs. */
static double delivered(struct crowd *crowd, double secs, double *ret_record_bytes)
{
	struct crowd_figures before = crowd_figures(crowd);
	double began = figures_now();
	poll(NULL, 0, (int)(secs * 1e3));
	struct crowd_figures after = crowd_figures(crowd);
	double took = figures_now() - began, records = (double)(after.records - before.records);
	*ret_record_bytes = records > 0 ? (double)(after.record_bytes - before.record_bytes) / records : 0;
	return records / took;
}

static double deliver_ours(struct publication *run, struct crowd_config config, double *ret_record_bytes, double *ret_ingest)
{
	/* One province is a tenth of its own updates in flight: each cut has all of its communes. */
	const struct drive_config drive = {
		.agents = 4, .window = 250, .batch = 1, .secs = run->secs * 1.5, .provinces = 1, .is_hot = true
	};
	struct load load;
	config.endpoint = run->target->publish;
	struct crowd *crowd = crowd_open(&config);
	settle();
	load_begin(&load, run, &drive);
	poll(NULL, 0, (int)(run->secs * 250));
	double rate = delivered(crowd, run->secs, ret_record_bytes);
	load_end(&load);
	*ret_ingest = load.result.entries / load.result.took;
	drive_result_finish(&load.result);
	crowd_close(crowd);
	return rate;
}

static double deliver_bare(struct publication *run, struct crowd_config config, double record_bytes, bool is_patient)
{
	struct target bare;
	struct bare_config bare_config = { .subscriptions = config.count * config.topic_count,
					   .record_bytes = (uint32_t)record_bytes,
					   .is_patient = is_patient };
	double bytes;
	kill(run->target->pid, SIGSTOP); /* what it does when idle would be taken from the other */
	bare_start(run->target->context, run->target->directory, &bare_config, &bare);
	config.endpoint = bare.publish;
	struct crowd *crowd = crowd_open(&config);
	poll(NULL, 0, (int)(run->secs * 250));
	double rate = delivered(crowd, run->secs, &bytes);
	bare_stop(&bare);
	crowd_close(crowd);
	kill(run->target->pid, SIGCONT);
	return rate;
}

static void measure_fanout(struct publication *run)
{
	char records[WORKLOAD_TOPIC_BYTES], seal[WORKLOAD_TOPIC_BYTES];
	const char *const topics[] = { records, seal };
	const struct crowd_config config = {
		.context = run->target->context, .topics = topics, .topic_count = 2, .count = FANOUT_SUBSCRIBERS
	};
	static const char text[] = "1,000 subscribers of the communes of one province";
	double ours[ROUNDS_MAX], bare[ROUNDS_MAX], patient[ROUNDS_MAX], ratios[ROUNDS_MAX], ingest[ROUNDS_MAX];
	double bytes = 0, memory = 0;
	workload_province_topic(run->workload, 0, records);
	workload_province_seal(run->workload, 0, seal);
	target_prepare(run->target, run->workload, 4);
	double sent = target_counter(run->target, "published_records");
	for (uint32_t i = 0; i < run->rounds; i++) {
		ours[i] = deliver_ours(run, config, &bytes, &ingest[i]);
		double now = target_anonymous_bytes(run->target);
		memory = now > memory ? now : memory;
		settle();
		bare[i] = deliver_bare(run, config, bytes, false);
		settle();
		patient[i] = deliver_bare(run, config, bytes, true);
		settle();
		ratios[i] = ours[i] / (bare[i] > patient[i] ? bare[i] : patient[i]);
	}
	sent = target_counter(run->target, "published_records") - sent;
	figures_print("baophu", "records delivered", text, figures_median(ours, run->rounds), "1/s");
	figures_print("libzmq", "records delivered", text, figures_median(bare, run->rounds), "1/s");
	figures_print("libzmq, patient", "records delivered", text, figures_median(patient, run->rounds), "1/s");
	figures_print("baophu", "bytes of a record with its topic", text, bytes, "B");
	figures_print("baophu", "records published, all rounds", text, sent, "");
	figures_print("baophu", "updates/s", text, figures_median(ingest, run->rounds), "1/s");
	figures_print("baophu", "rss anonymous, greatest", text, memory, "B");
	figures_judge("fanout: records delivered / libzmq alone", text, figures_median(ratios, run->rounds), "x", true, 0.5);
}

/* ---- joins ---- */

static void take_no_record(void *user, const struct baophu_record *record)
{
	(void)user;
	(void)record;
}

struct stretch {
	double from, to; /* clock */
};

/* Latencies of the updates that were due in one of the stretches; how many. */
static size_t within(const struct drive_result *result, const struct stretch *stretches, uint32_t count, double *ret_values)
{
	size_t found = 0;
	for (size_t i = 0; i < result->ack_count; i++)
		for (uint32_t j = 0; j < count; j++)
			if (result->ack_due[i] >= stretches[j].from && result->ack_due[i] < stretches[j].to)
				ret_values[found++] = result->ack[i];
	return found;
}

static void measure_joins(struct publication *run)
{
	static const char text[] = "10,000/s, 200 subscribers of communes of all provinces";
	/* Updates go on for four stretches: a beginning, one before the joins, and what the joins need of the rest. */
	double took[ROUNDS_MAX], without[ROUNDS_MAX], with[ROUNDS_MAX], ratios[ROUNDS_MAX];
	target_prepare(run->target, run->workload, 8);
	for (uint32_t i = 0; i < run->rounds; i++) {
		const struct drive_config config = {
			.agents = 8, .window = 1000, .batch = 1, .rate = 10000, .secs = run->secs * 4, .is_hot = true
		};
		struct load load;
		struct stretch before, during;
		load_begin(&load, run, &config);
		before.from = figures_now() + run->secs * 0.5; /* after the driver's own beginning */
		poll(NULL, 0, (int)(run->secs * 1.5e3));
		before.to = figures_now();
		struct joiners_result joined;
		joiners_run(run->target, &joined);
		took[i] = joined.took;
		during.from = joined.began;
		during.to = during.from + joined.took;
		load_end(&load);
		if (during.to > load.result.began + config.secs)
			figures_die("joining took longer than the load: %.2f s; give more --secs", took[i]);
		double *values = calloc(load.result.ack_count + 1, sizeof *values);
		if (!values)
			figures_die("no memory");
		without[i] = figures_percentile(values, within(&load.result, &before, 1, values), 0.99);
		with[i] = figures_percentile(values, within(&load.result, &during, 1, values), 0.99);
		ratios[i] = with[i] / without[i];
		free(values);
		drive_result_finish(&load.result);
		settle();
	}
	figures_print("baophu", "ack p99 before they join", text, figures_median(without, run->rounds) * 1e6, "us");
	figures_print("baophu", "ack p99 while they join", text, figures_median(with, run->rounds) * 1e6, "us");
	figures_print("baophu", "until the last is exact", text, figures_median(took, run->rounds) * 1e3, "ms");
	figures_judge("joins: ack p99 while 200 join / before", text, figures_median(ratios, run->rounds), "x", false, 1.5);
}

/* ---- snapshot ---- */

static void measure_snapshot(struct publication *run)
{
	static const char text[] = "11,000 communes, nothing else happens";
	double took[ROUNDS_MAX];
	for (uint32_t i = 0; i < run->rounds; i++) {
		struct subscription *subscription;
		struct subscription_config config = { .context = run->target->context,
						      .publish_endpoint = run->target->publish,
						      .query_endpoint = run->target->query,
						      .path = WORKLOAD_ROOT,
						      .depth = WORKLOAD_COMMUNE_DEPTH,
						      .on_record = take_no_record };
		settle();
		double began = figures_now();
		int error = subscription_open(&config, &subscription);
		while (!error && subscription_standing(subscription)->state != HOLDING_EXACT && figures_now() - began < JOIN_SECS)
			error = subscription_step(subscription, 50);
		took[i] = figures_now() - began;
		if (error || subscription_standing(subscription)->count != WORKLOAD_COMMUNES)
			figures_die("a snapshot of %u units: %s", error ? 0 : subscription_standing(subscription)->count,
				    baophu_strerror(error));
		subscription_close(subscription);
	}
	figures_judge("snapshot: until a new subscriber is exact", text, figures_median(took, run->rounds) * 1e3, "ms", false, 200);
	figures_print("baophu", "snapshot, slowest round", text, took[run->rounds - 1] * 1e3, "ms");
}

/* ---- stopped ---- */

/* The daemon's greatest anonymous memory while it publishes to subscribers of whom the last `deaf` do not read. */
static double weigh_crowd(struct publication *run, uint32_t deaf, double *ret_cut_bytes, double *ret_records)
{
	char records[STOPPED_PROVINCES][WORKLOAD_TOPIC_BYTES], seals[STOPPED_PROVINCES][WORKLOAD_TOPIC_BYTES];
	const char *topics[2 * STOPPED_PROVINCES];
	for (uint32_t i = 0; i < STOPPED_PROVINCES; i++) {
		workload_province_topic(run->workload, i, records[i]);
		workload_province_seal(run->workload, i, seals[i]);
		topics[2 * i] = records[i];
		topics[2 * i + 1] = seals[i];
	}
	const struct crowd_config config = { .context = run->target->context,
					     .endpoint = run->target->publish,
					     .topics = topics,
					     .topic_count = 2 * STOPPED_PROVINCES,
					     .count = STOPPED_SUBSCRIBERS,
					     .deaf = deaf };
	const struct drive_config drive = {
		.agents = 4, .window = 250, .batch = 1, .secs = run->secs, .provinces = STOPPED_PROVINCES, .is_hot = true
	};
	double greatest = 0, cuts = target_counter(run->target, "published_cuts");
	double sent_before = target_counter(run->target, "published_records"), sent = 0;
	struct crowd *crowd = crowd_open(&config);
	settle();
	struct crowd_figures before = crowd_figures(crowd);
	while (sent < STOPPED_RECORDS) { /* until the queues of those that do not read are full */
		struct load load;
		load_begin(&load, run, &drive);
		for (double until = figures_now() + run->secs; figures_now() < until; poll(NULL, 0, SAMPLE_MS)) {
			double now = target_anonymous_bytes(run->target);
			greatest = now > greatest ? now : greatest;
		}
		load_end(&load);
		drive_result_finish(&load.result);
		sent = target_counter(run->target, "published_records") - sent_before;
	}
	struct crowd_figures after = crowd_figures(crowd);
	cuts = target_counter(run->target, "published_cuts") - cuts;
	double bytes = (double)(after.record_bytes - before.record_bytes) / (double)(after.records - before.records);
	*ret_cut_bytes = cuts > 0 ? sent / cuts * bytes : 0;
	*ret_records = sent;
	crowd_close(crowd);
	return greatest;
}

static void measure_stopped(struct publication *run)
{
	static const char text[] = "4 of 16 subscribers of the communes of two provinces do not read";
	double grown[ROUNDS_MAX], cut_bytes = 0, records = 0, all_read = 0, some_stopped = 0;
	target_prepare(run->target, run->workload, 4);
	weigh_crowd(run, 0, &cut_bytes, &records); /* what the daemon's allocator keeps is there before either is weighed */
	for (uint32_t i = 0; i < run->rounds; i++) {
		all_read = weigh_crowd(run, 0, &cut_bytes, &records);
		settle();
		some_stopped = weigh_crowd(run, STOPPED_DEAF, &cut_bytes, &records);
		settle();
		grown[i] = (some_stopped - all_read) / MIB;
	}
	figures_print("baophu", "bytes of a cut", text, cut_bytes, "B");
	figures_print("baophu", "records published in a stretch", text, records, "");
	figures_print("baophu", "rss anonymous, all read", text, all_read, "B");
	figures_print("baophu", "rss anonymous, 4 stopped", text, some_stopped, "B");
	double greatest = figures_percentile(grown, run->rounds, 1);
	figures_judge("stopped: more memory with 4 of 16 stopped, greatest", text, greatest, "MiB", false, 32);
}

/* ---- seals ---- */

struct prefixes {
	char text[SEAL_PREFIXES][2][WORKLOAD_TOPIC_BYTES]; /* of records, of the seal */
	const char *topics[2 * SEAL_PREFIXES];
};

/* All districts, then communes: a record of a commune has its district's prefix too. */
static void make_prefixes(const struct workload *workload, struct prefixes *prefixes)
{
	for (uint32_t i = 0; i < SEAL_PREFIXES; i++) {
		char *records = prefixes->text[i][0], *seal = prefixes->text[i][1];
		if (i < WORKLOAD_DISTRICTS)
			snprintf(records, WORKLOAD_TOPIC_BYTES, "coverage/%d/" WORKLOAD_ROOT "/%s/%s/", WORKLOAD_COMMUNE_DEPTH,
				 workload->provinces[workload_province(i)], workload->districts[i]);
		else
			workload_commune_topic(workload, (i - WORKLOAD_DISTRICTS) * (WORKLOAD_COMMUNES / SEAL_PREFIXES), records);
		snprintf(seal, WORKLOAD_TOPIC_BYTES, "seal/%s~", records + strlen("coverage/"));
		prefixes->topics[i] = records;
		prefixes->topics[SEAL_PREFIXES + i] = seal;
	}
}

static void measure_seals(struct publication *run)
{
	static const char text[] = "one subscriber of 700 districts and 300 communes, 4 x 250 single updates in flight";
	struct prefixes *prefixes = calloc(1, sizeof *prefixes);
	double rates[2][ROUNDS_MAX], costs[2][ROUNDS_MAX], rate_ratios[ROUNDS_MAX], cost_ratios[ROUNDS_MAX];
	const struct drive_config drive = { .agents = 4, .window = 250, .batch = 1, .secs = run->secs, .is_hot = true };
	if (!prefixes)
		figures_die("no memory");
	make_prefixes(run->workload, prefixes);
	target_prepare(run->target, run->workload, drive.agents);
	double seals = target_counter(run->target, "published_seals");
	for (uint32_t i = 0; i < run->rounds; i++) {
		for (uint32_t with = 0; with < 2; with++) {
			/* The root's seal in both: it tells that the subscriber has joined. */
			static const char root_seal[] = "seal/0/" WORKLOAD_ROOT "/~";
			const char *topics[2 * SEAL_PREFIXES + 1] = { root_seal };
			memcpy(topics + 1, prefixes->topics, sizeof prefixes->topics);
			struct crowd_config config = { .context = run->target->context,
						       .endpoint = run->target->publish,
						       .topics = topics,
						       .topic_count = 1 + SEAL_PREFIXES * (1 + with),
						       .count = 1 };
			struct drive_result result;
			struct crowd *crowd = crowd_open(&config);
			settle();
			double cpu = target_cpu_secs(run->target);
			drive_run(run->target, run->workload, &drive, &result);
			costs[with][i] = (target_cpu_secs(run->target) - cpu) / result.entries * 1e6;
			rates[with][i] = result.entries / result.took;
			drive_result_finish(&result);
			crowd_close(crowd);
			settle();
		}
		rate_ratios[i] = rates[1][i] / rates[0][i];
		cost_ratios[i] = costs[1][i] / costs[0][i];
	}
	seals = target_counter(run->target, "published_seals") - seals;
	figures_print("baophu", "updates/s without seals", text, figures_median(rates[0], run->rounds), "1/s");
	figures_print("baophu", "updates/s with 1,000 sealed prefixes", text, figures_median(rates[1], run->rounds), "1/s");
	figures_print("baophu", "processor time of an update without seals", text, figures_median(costs[0], run->rounds), "us");
	figures_print("baophu", "processor time of an update with them", text, figures_median(costs[1], run->rounds), "us");
	figures_print("baophu", "seals published, all rounds", text, seals, "");
	figures_print("baophu", "seals: rate with / without", text, figures_median(rate_ratios, run->rounds), "x");
	figures_print("baophu", "seals: processor time with / without", text, figures_median(cost_ratios, run->rounds), "x");
	free(prefixes);
}

void publication_run(struct target *target, const struct workload *workload, unsigned cases, double secs, uint32_t rounds)
{
	static void (*const measures[PUBLICATION_COUNT])(struct publication *) = {
		[PUBLICATION_LATENCY] = measure_latency, [PUBLICATION_FANOUT] = measure_fanout,
		[PUBLICATION_JOINS] = measure_joins,     [PUBLICATION_SNAPSHOT] = measure_snapshot,
		[PUBLICATION_STOPPED] = measure_stopped, [PUBLICATION_SEALS] = measure_seals,
	};
	struct publication run = { .target = target, .workload = workload, .secs = secs, .rounds = rounds };
	if (rounds > ROUNDS_MAX)
		figures_die("at most %d rounds", ROUNDS_MAX);
	const struct drive_config sweep = {
		.agents = 4, .window = 16, .batch = BAOPHU_ENTRIES_MAX, .is_hot = true, .is_sweep = true
	};
	struct drive_result result;
	target_prepare(target, workload, sweep.agents);
	drive_run(target, workload, &sweep, &result); /* so that every record has its figures */
	drive_result_finish(&result);
	for (int i = 0; i < PUBLICATION_COUNT; i++) {
		if (!(cases & 1u << i))
			continue;
		figures_say("%s", names[i]);
		measures[i](&run);
	}
	figures_verdicts();
}
