/* server.c - see server.h. */
#include "server.h"

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

#include <criterion/criterion.h>

#include <baophu/date.h>

#include "reader.h"

static void tick(void) { nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL); }

void server_init(struct server *server, enum server_transport transport)
{
	*server = (struct server){ .pid = -1, .transport = transport };
	strcpy(server->directory, "/tmp/baophu-flow-XXXXXX");
	cr_assert(mkdtemp(server->directory));
	snprintf(server->log, sizeof server->log, "%s/log.txt", server->directory);
}

static void run(struct server *server)
{
	char data[96], control[96], endpoints[96], others[3][112];
	static const char *const names[] = { "ingest", "query", "publish" };
	const char *arguments[SERVER_ARGUMENTS_MAX + 16] = { "baophud", "--data-dir",       data,     "--control",
							     control,   "--endpoints-file", endpoints };
	int count = 7;
	snprintf(data, sizeof data, "%s/data", server->directory);
	snprintf(control, sizeof control, "ipc://%s/control", server->directory);
	snprintf(endpoints, sizeof endpoints, "%s/endpoints", server->directory);
	static const char *const flags[] = { "--ingest", "--query", "--publish" };
	for (int i = 0; i < 3; i++) {
		if (server->transport == SERVER_TCP)
			strcpy(others[i], "tcp://127.0.0.1:*");
		else
			snprintf(others[i], sizeof others[i], "ipc://%s/%s", server->directory, names[i]);
		arguments[count++] = flags[i];
		arguments[count++] = others[i];
	}
	for (int i = 0; server->extra[i]; i++)
		arguments[count++] = server->extra[i];
	unlink(endpoints);
	server->pid = fork();
	cr_assert(server->pid >= 0);
	if (server->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that dies takes its server along */
	int log = open(server->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	char program[256];
	snprintf(program, sizeof program, "%s/%s", BINARY_DIR, server->program ? server->program : "daemon/baophud");
	execv(program, (char *const *)(uintptr_t)arguments);
	_exit(127);
}

int server_wait(struct server *server)
{
	int status;
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS; link_now_ms() < until; tick()) {
		if (waitpid(server->pid, &status, WNOHANG) != server->pid)
			continue;
		server->pid = -1;
		return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	cr_assert(false, "baophud does not end");
	return -1;
}

void server_start(struct server *server)
{
	char path[96], line[256];
	run(server);
	snprintf(path, sizeof path, "%s/endpoints", server->directory);
	FILE *file = NULL;
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS; !file && link_now_ms() < until; file = fopen(path, "re")) {
		cr_assert_eq(waitpid(server->pid, NULL, WNOHANG), 0, "baophud ended before it was ready; see %s", server->log);
		tick();
	}
	cr_assert(file, "baophud is not ready");
	while (fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = 0;
		char *value = strchr(line, '=');
		cr_assert(value && strlen(value) < sizeof server->ingest);
		*value++ = 0;
		char *to = !strcmp(line, "ingest")    ? server->ingest
			   : !strcmp(line, "control") ? server->control
			   : !strcmp(line, "publish") ? server->publish
						      : server->query;
		strcpy(to, value);
	}
	fclose(file);
}

int server_start_failing(struct server *server)
{
	run(server);
	return server_wait(server);
}

int server_stop(struct server *server)
{
	kill(server->pid, SIGTERM);
	return server_wait(server);
}

void server_kill(struct server *server)
{
	kill(server->pid, SIGKILL);
	server_wait(server);
}

void server_finish(struct server *server)
{
	char command[96];
	if (server->pid > 0)
		server_kill(server);
	snprintf(command, sizeof command, "rm -rf '%s'", server->directory);
	cr_assert_eq(system(command), 0);
}

bool server_printed(const struct server *server, const char *text)
{
	static char all[1 << 18];
	FILE *file = fopen(server->log, "re");
	if (!file)
		return false;
	all[fread(all, 1, sizeof all - 1, file)] = 0;
	fclose(file);
	return strstr(all, text);
}

const char *server_path(const struct server *server, const char *name, char path[static 160])
{
	snprintf(path, 160, "%s/data/%s", server->directory, name);
	return path;
}

/* ---- a bare peer ---- */

struct peer *peer_open(const char *endpoint)
{
	struct peer *peer = calloc(1, sizeof *peer);
	cr_assert(peer);
	cr_assert_eq(link_open(&peer->link, NULL, LINK_DEALER, endpoint, 1 << 20), 0);
	cr_assert_eq(wire_arena_init(&peer->arena, WIRE_ARENA_BYTES), 0);
	zmq_msg_init(&peer->frames[0]);
	zmq_msg_init(&peer->frames[1]);
	struct link *links[] = { &peer->link };
	bool reads[] = { false };
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS; !peer->link.is_up;) {
		cr_assert(link_now_ms() < until, "%s cannot be connected to", endpoint);
		link_wait(links, reads, 1, 100);
		link_watch(&peer->link);
	}
	return peer;
}

void peer_close(struct peer *peer)
{
	zmq_msg_close(&peer->frames[0]);
	zmq_msg_close(&peer->frames[1]);
	link_close(&peer->link);
	wire_arena_finish(&peer->arena);
	free(peer);
}

void peer_send(struct peer *peer, const void *bytes, size_t size)
{
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS; link_now_ms() < until; tick()) {
		if (!link_send(&peer->link, bytes, size))
			return;
		link_watch(&peer->link);
	}
	cr_assert(false, "a message cannot be sent");
}

const struct wire_collector_message *peer_receive(struct peer *peer)
{
	static struct wire_collector_message message;
	struct link *links[] = { &peer->link };
	bool reads[] = { true };
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS; link_now_ms() < until; link_wait(links, reads, 1, 200)) {
		link_watch(&peer->link);
		if (link_receive(&peer->link, peer->frames) != 1)
			continue;
		wire_arena_reset(&peer->arena);
		cr_assert_eq(wire_decode_collector_message(&peer->arena, zmq_msg_data(&peer->frames[0]),
							   zmq_msg_size(&peer->frames[0]), &message),
			     0);
		return &message;
	}
	cr_assert(false, "no answer");
	return NULL;
}

static const struct wire_collector_message *hello(struct peer *peer, const char *agent, uint64_t epoch)
{
	struct wire_hello said = { .protocol = 1, .agent = agent, .epoch = epoch };
	ssize_t bytes = wire_encode_hello(&said, peer->buffer, sizeof peer->buffer);
	cr_assert(bytes > 0);
	peer_send(peer, peer->buffer, (size_t)bytes);
	strcpy(peer->agent, agent);
	return peer_receive(peer);
}

void peer_hello(struct peer *peer, const char *agent, uint64_t epoch)
{
	const struct wire_collector_message *message = hello(peer, agent, epoch);
	cr_assert_eq(message->kind, WIRE_WELCOME, "turned away: %s", wire_code_name(message->turned));
	peer->epoch = message->welcome.epoch;
	peer->next = message->welcome.next;
}

enum baophu_code peer_turned(struct peer *peer, const char *agent, uint64_t epoch)
{
	const struct wire_collector_message *message = hello(peer, agent, epoch);
	cr_assert_eq(message->kind, WIRE_TURNED);
	return message->turned;
}

size_t peer_payload(struct peer *peer, uint64_t number, const struct wire_entry *entries, uint32_t count, void *payload,
		    size_t size)
{
	struct wire_payload said = {
		.agent = peer->agent, .epoch = peer->epoch, .number = number, .entry_count = count, .entries = entries
	};
	ssize_t bytes = wire_encode_payload(&said, payload, size);
	cr_assert(bytes > 0);
	return (size_t)bytes;
}

void peer_send_payload(struct peer *peer, uint64_t number, const void *payload, size_t bytes, bool want_effect)
{
	struct wire_update update = {
		.epoch = peer->epoch, .number = number, .payload = payload, .payload_bytes = bytes, .want_effect = want_effect
	};
	ssize_t size = wire_encode_update(&update, peer->buffer, sizeof peer->buffer);
	cr_assert(size > 0);
	peer_send(peer, peer->buffer, (size_t)size);
}

struct wire_receipt peer_receipt(struct peer *peer, const struct wire_collector_message *message, uint8_t *bytes, size_t *ret_bytes)
{
	struct wire_receipt receipt;
	cr_assert_eq(message->kind, WIRE_RECEIPTS);
	cr_assert_eq(message->receipts.item_count, 1);
	const struct wire_receipt_item *item = message->receipts.items;
	cr_assert_eq(wire_decode_receipt(&peer->arena, item->receipt, item->receipt_bytes, &receipt), 0);
	if (bytes) {
		memcpy(bytes, item->receipt, item->receipt_bytes);
		*ret_bytes = item->receipt_bytes;
	}
	return receipt;
}

struct wire_receipt peer_update(struct peer *peer, const struct wire_entry *entries, uint32_t count)
{
	static uint8_t payload[BAOPHU_MESSAGE_BYTES_MAX];
	size_t bytes = peer_payload(peer, peer->next, entries, count, payload, sizeof payload);
	for (int64_t until = link_now_ms() + SERVER_WAIT_MS; link_now_ms() < until; tick()) {
		peer_send_payload(peer, peer->next, payload, bytes, false);
		const struct wire_collector_message *message = peer_receive(peer);
		if (message->kind == WIRE_NOT_NOW &&
		    (message->not_now.code == BAOPHU_CODE_BUSY || message->not_now.code == BAOPHU_CODE_INDEXING))
			continue;
		struct wire_receipt receipt = peer_receipt(peer, message, NULL, NULL);
		cr_assert_str_eq(receipt.agent, peer->agent);
		cr_assert_eq(receipt.epoch, peer->epoch);
		cr_assert_eq(receipt.number, peer->next);
		peer->next++;
		return receipt;
	}
	cr_assert(false, "never taken");
	return (struct wire_receipt){ 0 };
}

struct wire_entry test_fact(const char *unit, const char *measure, uint32_t date, int64_t value)
{
	baophu_date at = baophu_date_from_civil(date);
	return (struct wire_entry){ .kind = WIRE_FACT,
				    .fact = { .unit = unit,
					      .measure = measure,
					      .extent = BAOPHU_WHOLE,
					      .from = at,
					      .to = at,
					      .value = value,
					      .status = BAOPHU_FINAL,
					      .origin = BAOPHU_REPORTED,
					      .bound = BAOPHU_EXACT } };
}

void server_set_up(struct server *server)
{
	baophu_date old = baophu_date_from_civil(20040101);
	const struct wire_entry entries[] = {
		{ .kind = WIRE_UNIT_CREATE, .unit_create = { "92", "Cần Thơ", "province", "VN", old } },
		{ .kind = WIRE_UNIT_CREATE, .unit_create = { "927", "Thới Lai", "district", "92", old } },
		{ .kind = WIRE_UNIT_CREATE, .unit_create = { "916", "Ninh Kiều", "district", "92", old } },
		{ .kind = WIRE_AGENT_SET, .agent = { "can-tho", old, BAOPHU_DATE_NONE } },
		{ .kind = WIRE_AGENT_SET, .agent = { "thoi-lai", old, BAOPHU_DATE_NONE } },
		{ .kind = WIRE_GRANT, .grant = { .agent = "can-tho", .unit = "92", .from = old, .until = BAOPHU_DATE_NONE } },
		{ .kind = WIRE_GRANT, .grant = { .agent = "thoi-lai", .unit = "927", .from = old, .until = BAOPHU_DATE_NONE } },
	};
	struct peer *control = peer_open(server->control);
	peer_hello(control, "control", 0);
	struct wire_receipt receipt = peer_update(control, entries, sizeof entries / sizeof *entries);
	cr_assert_eq(receipt.verdict, BAOPHU_APPLIED, "%s", wire_code_name(receipt.code));
	peer_close(control);
}

struct wire_server_status server_status(const struct server *server)
{
	struct reader *reader;
	struct wire_answer answer;
	struct wire_query question = reader_question(WIRE_QUERY_STATUS);
	cr_assert_eq(reader_open(NULL, server->query, &reader), 0);
	cr_assert_eq(reader_query(reader, &question, SERVER_WAIT_MS, &answer), 0);
	struct wire_server_status found = *answer.status;
	found.counters = NULL;
	found.version = NULL;
	reader_close(reader);
	return found;
}

void server_rewrite(const char *path, const char *format, ...)
{
	char aside[128];
	va_list arguments;
	snprintf(aside, sizeof aside, "%s.new", path);
	FILE *file = fopen(aside, "we");
	cr_assert_not_null(file);
	va_start(arguments, format);
	vfprintf(file, format, arguments);
	va_end(arguments);
	fclose(file);
	cr_assert_eq(rename(aside, path), 0);
}
