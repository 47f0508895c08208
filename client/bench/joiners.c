/* joiners.c - see joiners.h. The process is this program again, started with a hidden option. */
#include "joiners.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zmq.h>

#include "figures.h"
#include "subscription.h"

enum {
	JOINERS = 200,
	JOIN_SECS = 30,
	SOCKETS_A_JOINER = 16, /* two links with their monitors, and those that are being closed */
	STEP_MS = 50,
};

struct crowd_of_joiners {
	void *context;
	const char *publish, *query;
	atomic_uint exact_count;
	atomic_bool is_over;
};
struct joiner {
	pthread_t thread;
	struct crowd_of_joiners *crowd;
	char path[BAOPHU_CODE_BYTES_MAX * 2 + 2];
	double exact_at; /* clock; 0: not yet */
};

static void take_no_record(void *user, const struct baophu_record *record)
{
	(void)user;
	(void)record;
}

static void *join_one(void *user)
{
	struct joiner *joiner = user;
	struct crowd_of_joiners *crowd = joiner->crowd;
	struct subscription *subscription;
	struct subscription_config config = { .context = crowd->context,
					      .publish_endpoint = crowd->publish,
					      .query_endpoint = crowd->query,
					      .path = joiner->path,
					      .depth = WORKLOAD_COMMUNE_DEPTH,
					      .on_record = take_no_record };
	int error = subscription_open(&config, &subscription);
	while (!error && !atomic_load(&crowd->is_over)) {
		error = subscription_step(subscription, STEP_MS);
		if (joiner->exact_at <= 0 && subscription_standing(subscription)->state == HOLDING_EXACT) {
			joiner->exact_at = figures_now();
			atomic_fetch_add(&crowd->exact_count, 1);
		}
	}
	if (error)
		figures_die("subscriber of %s: %s", joiner->path, baophu_strerror(error));
	subscription_close(subscription);
	return NULL;
}

void joiners_serve(const struct workload *workload, const char *publish, const char *query)
{
	static struct joiner joiners[JOINERS];
	struct crowd_of_joiners crowd = { .context = zmq_ctx_new(), .publish = publish, .query = query };
	const struct sched_param none = { .sched_priority = 0 };
	if (sched_setscheduler(0, SCHED_IDLE, &none)) /* threads inherit it */
		figures_die("joiners cannot stand back: %s", strerror(errno));
	if (!crowd.context || zmq_ctx_set(crowd.context, ZMQ_MAX_SOCKETS, JOINERS * SOCKETS_A_JOINER))
		figures_die("joiners: %s", zmq_strerror(zmq_errno()));
	struct joiners_result result = { .began = figures_now() };
	for (uint32_t i = 0; i < JOINERS; i++) {
		joiners[i].crowd = &crowd;
		snprintf(joiners[i].path, sizeof joiners[i].path, WORKLOAD_ROOT "/%s", workload->provinces[i % WORKLOAD_PROVINCES]);
		if (pthread_create(&joiners[i].thread, NULL, join_one, &joiners[i]))
			figures_die("no thread");
	}
	while (atomic_load(&crowd.exact_count) < JOINERS && figures_now() - result.began < JOIN_SECS)
		poll(NULL, 0, 1);
	atomic_store(&crowd.is_over, true);
	for (uint32_t i = 0; i < JOINERS; i++) {
		pthread_join(joiners[i].thread, NULL);
		if (joiners[i].exact_at <= 0)
			figures_die("a subscriber of %s was not exact after %d s", joiners[i].path, JOIN_SECS);
		double took = joiners[i].exact_at - result.began;
		result.took = took > result.took ? took : result.took;
	}
	if (write(STDOUT_FILENO, &result, sizeof result) != sizeof result)
		figures_die("joiners cannot say how it went: %s", strerror(errno));
	_exit(0); /* their context has nothing more to say */
}

void joiners_run(const struct target *target, struct joiners_result *ret_result)
{
	int ends[2];
	if (pipe(ends))
		figures_die("joiners: %s", strerror(errno));
	pid_t pid = fork();
	if (pid < 0)
		figures_die("fork: %s", strerror(errno));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execl("/proc/self/exe", "baophu-bench", "--serve-joiners", target->publish, target->query, (char *)NULL);
		figures_say("joiners: %s", strerror(errno));
		_exit(127);
	}
	close(ends[1]);
	ssize_t bytes = read(ends[0], ret_result, sizeof *ret_result);
	close(ends[0]);
	waitpid(pid, NULL, 0);
	if (bytes != sizeof *ret_result)
		figures_die("joiners ended without a result");
}
