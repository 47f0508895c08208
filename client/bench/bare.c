/* bare.c - see bare.h. The process is this program again, started with a hidden option. */
#include "bare.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <zmq.h>

#include "figures.h"

enum { TOPICS_MAX = 1024, SEAL_BYTES = 64, SUBSCRIBE_MS = 60000, CYCLES_A_LOOK = 8 };

static int set(void *socket, int option, int value) { return zmq_setsockopt(socket, option, &value, sizeof value); }

static void *open_publisher(const char *endpoint, bool is_patient)
{
	void *socket = zmq_socket(zmq_ctx_new(), ZMQ_XPUB);
	if (!socket || set(socket, ZMQ_LINGER, 0) < 0 || set(socket, ZMQ_BACKLOG, 1024) < 0 ||
	    set(socket, ZMQ_XPUB_VERBOSE, 1) < 0 || set(socket, ZMQ_SNDHWM, BARE_QUEUE_MESSAGES) < 0 ||
	    set(socket, ZMQ_XPUB_NODROP, is_patient) < 0 || zmq_bind(socket, endpoint) < 0)
		figures_die("publisher: %s: %s", endpoint, zmq_strerror(errno));
	return socket;
}

/* Until so many subscriptions have come. */
static void wait_for_subscribers(void *socket, uint32_t subscriptions)
{
	char frame[256];
	set(socket, ZMQ_RCVTIMEO, SUBSCRIBE_MS);
	for (uint32_t heard = 0; heard < subscriptions; heard++)
		if (zmq_recv(socket, frame, sizeof frame, 0) < 0)
			figures_die("publisher: %u of %u subscriptions: %s", heard, subscriptions, zmq_strerror(errno));
}

static void send_one(void *socket, const char *topic, const void *body, size_t bytes)
{
	if (zmq_send(socket, topic, strlen(topic), ZMQ_SNDMORE) < 0 || zmq_send(socket, body, bytes, 0) < 0)
		figures_die("publisher: %s", zmq_strerror(errno));
}

void bare_serve(const struct workload *workload, const char *endpoint, const struct bare_config *config)
{
	static char topics[TOPICS_MAX][WORKLOAD_TOPIC_BYTES], seal[WORKLOAD_TOPIC_BYTES], body[1 << 16];
	uint32_t count = 0;
	for (uint32_t i = 0; i < WORKLOAD_COMMUNES && count < TOPICS_MAX; i++)
		if (workload_province(workload_district(i)) == config->province)
			workload_commune_topic(workload, i, topics[count++]);
	workload_province_seal(workload, config->province, seal);
	size_t bytes = config->record_bytes - strlen(topics[0]);
	if (config->record_bytes <= strlen(topics[0]) || bytes > sizeof body)
		figures_die("publisher: records of %u bytes", config->record_bytes);
	void *socket = open_publisher(endpoint, config->is_patient);
	wait_for_subscribers(socket, config->subscriptions);
	char frame[256];
	for (uint32_t cycle = 0;; cycle++) {
		for (uint32_t i = 0; i < count; i++)
			send_one(socket, topics[i], body, bytes);
		send_one(socket, seal, body, SEAL_BYTES);
		while (cycle % CYCLES_A_LOOK == 0 && zmq_recv(socket, frame, sizeof frame, ZMQ_DONTWAIT) >= 0)
			; /* subscriptions end with their subscribers */
	}
}

void bare_start(void *context, const char *directory, const struct bare_config *config, struct target *ret_target)
{
	char numbers[4][16];
	*ret_target = (struct target){ .sys = config->is_patient ? "libzmq, patient" : "libzmq", .context = context };
	if (snprintf(ret_target->publish, TARGET_TEXT, "ipc://%s/bare", directory) >= 100)
		figures_die("%s: path too long for a socket", directory);
	const uint32_t values[] = { config->province, config->subscriptions, config->record_bytes, config->is_patient };
	for (int i = 0; i < 4; i++)
		snprintf(numbers[i], sizeof numbers[i], "%u", values[i]);
	ret_target->pid = fork();
	if (ret_target->pid < 0)
		figures_die("fork: %s", strerror(errno));
	if (!ret_target->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(STDERR_FILENO, STDOUT_FILENO); /* stdout is for figures */
		execl("/proc/self/exe", "baophu-bench", "--serve-bare", ret_target->publish, numbers[0], numbers[1], numbers[2],
		      numbers[3], (char *)NULL);
		figures_say("publisher: %s", strerror(errno));
		_exit(127);
	}
}

void bare_stop(struct target *target)
{
	target_kill(target);
	unlink(target->publish + strlen("ipc://"));
}
