/* daemon.c - see daemon.h. */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_ROUNDS = 20000 }; /* of a millisecond */

_Noreturn void trouble(const char *format, ...)
{
	va_list list;
	va_start(list, format);
	fputs("trouble: ", stderr);
	vfprintf(stderr, format, list);
	fputc('\n', stderr);
	va_end(list);
	exit(2);
}

static void tick(void) { nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL); }

void daemon_init(struct daemon *daemon, const char *program)
{
	const char *base = getenv("TORTURE_DIR");
	*daemon = (struct daemon){ .program = program };
	snprintf(daemon->directory, sizeof daemon->directory, "%s/baophu-XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(daemon->directory))
		trouble("%s: %s", daemon->directory, strerror(errno));
	snprintf(daemon->ingest, sizeof daemon->ingest, "ipc://%s/ingest", daemon->directory);
	snprintf(daemon->control, sizeof daemon->control, "ipc://%s/control", daemon->directory);
	snprintf(daemon->publish, sizeof daemon->publish, "ipc://%s/publish", daemon->directory);
	snprintf(daemon->query, sizeof daemon->query, "ipc://%s/query", daemon->directory);
}

static const struct wire_collector_message *receive(struct sender *sender)
{
	static struct wire_collector_message message;
	struct link *links[] = { &sender->link };
	bool reads[] = { true };
	for (int i = 0; i < WAIT_ROUNDS; i++) {
		zmq_msg_t frames[2];
		zmq_msg_init(&frames[0]);
		zmq_msg_init(&frames[1]);
		int count = link_receive(&sender->link, frames);
		int error = -EAGAIN;
		if (count == 1) {
			error = link_arena_fit(&sender->arena, 2 * zmq_msg_size(&frames[0]));
			/* what the message points to outlives the frame: receipts are looked at in place */
			uint8_t *bytes = error ? NULL : wire_arena_alloc(&sender->arena, zmq_msg_size(&frames[0]));
			if (!bytes)
				trouble("no memory");
			memcpy(bytes, zmq_msg_data(&frames[0]), zmq_msg_size(&frames[0]));
			error = wire_decode_collector_message(&sender->arena, bytes, zmq_msg_size(&frames[0]), &message);
			if (error)
				trouble("a message of another protocol");
		}
		zmq_msg_close(&frames[0]);
		zmq_msg_close(&frames[1]);
		if (!error)
			return &message;
		link_wait(links, reads, 1, 1);
	}
	trouble("no answer for %s", sender->agent);
}

static void sender_open(struct sender *sender, const char *endpoint, const char *agent)
{
	struct link *links[] = { &sender->link };
	bool reads[] = { false };
	uint8_t buffer[256];
	if (link_open(&sender->link, NULL, LINK_DEALER, endpoint, 1 << 20))
		trouble("%s cannot be opened", endpoint);
	for (int i = 0; i < WAIT_ROUNDS && !sender->link.is_up; i++)
		link_wait(links, reads, 1, 1);
	struct wire_hello hello = { .protocol = 1, .agent = agent };
	ssize_t bytes = wire_encode_hello(&hello, buffer, sizeof buffer);
	sender->agent = agent;
	if (bytes < 0 || link_send(&sender->link, buffer, (size_t)bytes))
		trouble("no Hello to %s", endpoint);
	const struct wire_collector_message *message = receive(sender);
	if (message->kind != WIRE_WELCOME)
		trouble("%s is turned away: %s", agent, wire_code_name(message->turned));
	sender->epoch = message->welcome.epoch;
	sender->next = message->welcome.next;
}

static void sender_close(struct sender *sender)
{
	link_close(&sender->link);
	wire_arena_finish(&sender->arena);
	*sender = (struct sender){ 0 };
}

void daemon_update(struct daemon *daemon, struct sender *sender, const struct wire_entry *entries, uint32_t count,
		   struct baophu_place ret_places[static DAEMON_BURST_MAX])
{
	uint8_t payload[4096], buffer[8192];
	if (!sender->agent)
		sender_open(sender, daemon->ingest, "office");
	uint64_t first = sender->next;
	for (uint32_t i = 0; i < count; i++) {
		struct wire_payload said = { .agent = sender->agent,
					     .epoch = sender->epoch,
					     .number = first + i,
					     .entry_count = 1,
					     .entries = &entries[i] };
		ssize_t bytes = wire_encode_payload(&said, payload, sizeof payload);
		struct wire_update update = {
			.epoch = sender->epoch, .number = first + i, .payload = payload, .payload_bytes = (size_t)bytes
		};
		bytes = wire_encode_update(&update, buffer, sizeof buffer);
		if (bytes < 0 || link_send(&sender->link, buffer, (size_t)bytes))
			trouble("an update cannot be sent");
	}
	while (sender->next < first + count) {
		const struct wire_collector_message *message = receive(sender);
		if (message->kind != WIRE_RECEIPTS)
			trouble("no receipt but kind %d", (int)message->kind);
		for (uint32_t i = 0; i < message->receipts.item_count; i++) {
			const struct wire_receipt_item *item = &message->receipts.items[i];
			struct wire_receipt receipt;
			if (wire_decode_receipt(&sender->arena, item->receipt, item->receipt_bytes, &receipt) ||
			    receipt.number != sender->next)
				trouble("a receipt of something else");
			if (receipt.verdict != BAOPHU_APPLIED)
				trouble("an update is not applied: %s", wire_code_name(receipt.code));
			ret_places[sender->next++ - first] = receipt.place;
		}
	}
}

void daemon_start(struct daemon *daemon)
{
	char data[DAEMON_PATH_BYTES], endpoints[DAEMON_PATH_BYTES], log[DAEMON_PATH_BYTES];
	snprintf(data, sizeof data, "%s/data", daemon->directory);
	snprintf(endpoints, sizeof endpoints, "%s/endpoints", daemon->directory);
	snprintf(log, sizeof log, "%s/log.txt", daemon->directory);
	unlink(endpoints);
	daemon->pid = fork();
	if (daemon->pid < 0)
		trouble("fork: %s", strerror(errno));
	if (!daemon->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		int file = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(file, STDOUT_FILENO);
		dup2(file, STDERR_FILENO);
		execl(daemon->program, "baophud", "--data-dir", data, "--endpoints-file", endpoints, "--ingest", daemon->ingest,
		      "--control", daemon->control, "--publish", daemon->publish, "--query", daemon->query, "--seal-time=20ms",
		      "--prewrite-bytes=64K", (char *)NULL);
		_exit(127);
	}
	for (int i = 0; access(endpoints, R_OK); i++) {
		if (waitpid(daemon->pid, NULL, WNOHANG) || i == WAIT_ROUNDS)
			trouble("baophud does not start, see %s", log);
		tick();
	}
	if (reader_open(NULL, daemon->query, &daemon->reader))
		trouble("no reader");
	sender_open(&daemon->admin, daemon->control, "control");
}

void daemon_kill(struct daemon *daemon)
{
	if (!daemon->pid)
		return;
	reader_close(daemon->reader);
	sender_close(&daemon->admin);
	sender_close(&daemon->agent);
	kill(daemon->pid, SIGKILL);
	waitpid(daemon->pid, NULL, 0);
	daemon->pid = 0;
}

static void shell(const char *format, const char *directory, const char *name)
{
	char command[512];
	snprintf(command, sizeof command, format, directory, name);
	if (system(command))
		trouble("failed: %s", command);
}

void daemon_copy(struct daemon *daemon, const char *name)
{
	shell("cd '%1$s' && rm -rf %2$s && cp -a --sparse=always data %2$s", daemon->directory, name);
}

void daemon_put_back(struct daemon *daemon, const char *name)
{
	shell("cd '%1$s' && rm -rf data && cp -a --sparse=always %2$s data", daemon->directory, name);
}

void daemon_finish(struct daemon *daemon)
{
	daemon_kill(daemon);
	shell("rm -rf '%1$s%2$s'", daemon->directory, "");
}
