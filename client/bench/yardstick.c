/* yardstick.c - see yardstick.h.
 *
 * The server is this program again, started with a hidden option. It trusts its peer, which is our own driver: what does not fit the
 * workload ends it with a message. The file is overwritten from its beginning when it is full; its blocks were written and flushed before, so
 * a flush never has to make blocks or a new size durable. It is read and written through the page cache, as LMDB's is.
 */
#include "yardstick.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <zmq.h>

#include "figures.h"

enum {
	LOG_BYTES = 256 << 20,
	PIECE_BYTES = 1 << 20,
	BATCH_UPDATES = 2048, /* these, and how receipts are packed, as the daemon has it */
	BATCH_BYTES = 4 << 20,
	RECEIPTS_A_MESSAGE = 512,
	RECEIPT_BYTES_MAX = 160,
	ANSWER_BYTES = 192 << 10,
	CREDIT_BYTES = 1 << 30, /* the driver's window is bound enough */
	ID_BYTES = 5, /* libzmq's own routing id */
	IDLE_MS = 30000, /* nobody speaks: the bench is gone */
};

struct peer {
	uint8_t id[ID_BYTES];
	char agent[BAOPHU_CODE_BYTES_MAX + 1];
	uint32_t first, last; /* its updates in the batch, index + 1 */
};
struct update {
	uint64_t epoch, number;
	uint32_t next_of_peer;
};
typedef int64_t series[WORKLOAD_MEASURES][WORKLOAD_PERIODS];

struct server {
	void *socket;
	int fd;
	uint64_t at, seq; /* where the file goes on; of the last update */
	struct wire_arena arena;
	uint32_t peer_count, update_count;
	size_t batch_bytes;
	uint8_t period_at[WORKLOAD_PERIODS * 31]; /* index + 1, by days since the first */
	baophu_date first_day;
	series country, provinces[WORKLOAD_PROVINCES], districts[WORKLOAD_DISTRICTS], communes[WORKLOAD_COMMUNES];
	struct peer peers[TARGET_AGENTS_MAX];
	struct update updates[BATCH_UPDATES];
	struct wire_receipt_item items[RECEIPTS_A_MESSAGE];
	uint8_t receipts[RECEIPTS_A_MESSAGE][RECEIPT_BYTES_MAX], answer[ANSWER_BYTES], batch[BATCH_BYTES];
};

/* ---- the server ---- */

static void set(struct server *server, const struct wire_entry *entry)
{
	const struct wire_fact *fact = &entry->fact;
	uint32_t measure = 0, day = (uint32_t)(fact->from - server->first_day);
	unsigned long commune = strtoul(fact->unit, NULL, 10);
	while (measure < WORKLOAD_MEASURES && strcmp(fact->measure, workload_measures[measure]) != 0)
		measure++;
	uint32_t period = day < sizeof server->period_at ? server->period_at[day] : 0;
	if (entry->kind != WIRE_FACT || commune >= WORKLOAD_COMMUNES || measure == WORKLOAD_MEASURES || !period--)
		figures_die("yardstick: an entry that is not of the workload");
	uint32_t district = workload_district((uint32_t)commune), province = workload_province(district);
	int64_t change = fact->value - server->communes[commune][measure][period];
	server->communes[commune][measure][period] += change;
	server->districts[district][measure][period] += change;
	server->provinces[province][measure][period] += change;
	server->country[measure][period] += change;
}

static void answer(struct server *server, const struct peer *peer, const struct wire_collector_message *message)
{
	ssize_t bytes = wire_encode_collector_message(message, server->answer, sizeof server->answer);
	if (bytes < 0 || zmq_send(server->socket, peer->id, ID_BYTES, ZMQ_SNDMORE) < 0 ||
	    zmq_send(server->socket, server->answer, (size_t)bytes, 0) < 0)
		figures_die("yardstick: an answer cannot be sent: %s", zmq_strerror(errno));
}

static void take_hello(struct server *server, const uint8_t *id, const struct wire_hello *hello)
{
	if (server->peer_count == TARGET_AGENTS_MAX)
		figures_die("yardstick: too many agents");
	struct peer *peer = &server->peers[server->peer_count++];
	memcpy(peer->id, id, ID_BYTES);
	snprintf(peer->agent, sizeof peer->agent, "%s", hello->agent);
	const struct wire_collector_message welcome = {
		.kind = WIRE_WELCOME, .welcome = { .head.seq = 1, .epoch = 1, .next = 1, .credit_bytes = CREDIT_BYTES }
	};
	answer(server, peer, &welcome);
}

static void take_update(struct server *server, const uint8_t *id, const struct wire_update *update)
{
	struct wire_payload payload;
	enum baophu_code code;
	uint32_t entry, at = 0;
	while (at < server->peer_count && memcmp(server->peers[at].id, id, ID_BYTES) != 0)
		at++;
	if (at == server->peer_count ||
	    wire_decode_payload(&server->arena, update->payload, update->payload_bytes, &payload, &code, &entry) < 0)
		figures_die("yardstick: an update that is none");
	for (uint32_t i = 0; i < payload.entry_count; i++)
		set(server, &payload.entries[i]);
	uint32_t bytes = (uint32_t)update->payload_bytes;
	memcpy(server->batch + server->batch_bytes, &bytes, sizeof bytes);
	memcpy(server->batch + server->batch_bytes + sizeof bytes, update->payload, bytes);
	server->batch_bytes += sizeof bytes + bytes;

	struct peer *peer = &server->peers[at];
	server->updates[server->update_count++] = (struct update){ update->epoch, update->number, 0 };
	if (peer->first)
		server->updates[peer->last - 1].next_of_peer = server->update_count;
	else
		peer->first = server->update_count;
	peer->last = server->update_count;
}

/* Takes one message without waiting; false when there is none. */
static bool take_message(struct server *server)
{
	uint8_t id[ID_BYTES];
	struct wire_agent_message heard;
	int id_bytes = zmq_recv(server->socket, id, sizeof id, ZMQ_DONTWAIT);
	if (id_bytes < 0 && errno == EAGAIN)
		return false;
	zmq_msg_t body;
	zmq_msg_init(&body);
	if (id_bytes != ID_BYTES || zmq_msg_recv(&body, server->socket, 0) < 0)
		figures_die("yardstick: receive: %s", zmq_strerror(errno));
	wire_arena_reset(&server->arena);
	if (wire_decode_agent_message(&server->arena, zmq_msg_data(&body), zmq_msg_size(&body), &heard) < 0)
		figures_die("yardstick: a message that is none");
	if (heard.kind == WIRE_HELLO)
		take_hello(server, id, &heard.hello);
	else if (heard.kind == WIRE_UPDATE)
		take_update(server, id, &heard.update);
	zmq_msg_close(&body);
	return true;
}

static void append(struct server *server)
{
	if (server->at + server->batch_bytes > LOG_BYTES)
		server->at = 0;
	if (pwrite(server->fd, server->batch, server->batch_bytes, (off_t)server->at) != (ssize_t)server->batch_bytes ||
	    fdatasync(server->fd) < 0)
		figures_die("yardstick: the file cannot be written: %s", strerror(errno));
	server->at += server->batch_bytes;
	server->batch_bytes = 0;
}

static void send_receipts(struct server *server, struct peer *peer)
{
	struct wire_collector_message message = { .kind = WIRE_RECEIPTS, .receipts = { 0, server->items } };
	for (uint32_t at = peer->first; at; at = server->updates[at - 1].next_of_peer) {
		const struct update *update = &server->updates[at - 1];
		const struct wire_receipt receipt = { .agent = peer->agent,
						      .epoch = update->epoch,
						      .number = update->number,
						      .place.seq = server->seq + at,
						      .verdict = BAOPHU_APPLIED,
						      .entry = UINT32_MAX };
		uint8_t *bytes = server->receipts[message.receipts.item_count];
		server->items[message.receipts.item_count++] = (struct wire_receipt_item){
			.receipt = bytes,
			.receipt_bytes = (size_t)wire_encode_receipt(&receipt, bytes, RECEIPT_BYTES_MAX),
			.suggestion = ""
		};
		if (message.receipts.item_count == RECEIPTS_A_MESSAGE || !update->next_of_peer) {
			answer(server, peer, &message);
			message.receipts.item_count = 0;
		}
	}
	peer->first = peer->last = 0;
}

void yardstick_serve(const struct workload *workload, const char *endpoint, int fd)
{
	struct server *server = calloc(1, sizeof *server);
	if (!server || wire_arena_init(&server->arena, WIRE_ARENA_BYTES) < 0)
		figures_die("no memory");
	server->fd = fd;
	server->first_day = workload->periods[0];
	for (uint32_t i = 0; i < WORKLOAD_PERIODS; i++)
		server->period_at[workload->periods[i] - server->first_day] = (uint8_t)(i + 1);
	server->socket = zmq_socket(zmq_ctx_new(), ZMQ_ROUTER);
	const int no_bound = 0;
	if (!server->socket || zmq_setsockopt(server->socket, ZMQ_SNDHWM, &no_bound, sizeof no_bound) < 0 ||
	    zmq_bind(server->socket, endpoint) < 0)
		figures_die("yardstick: %s: %s", endpoint, zmq_strerror(errno));
	zmq_pollitem_t item = { .socket = server->socket, .events = ZMQ_POLLIN };
	while (zmq_poll(&item, 1, IDLE_MS) > 0) {
		while (server->update_count < BATCH_UPDATES && server->batch_bytes + BAOPHU_MESSAGE_BYTES_MAX < BATCH_BYTES &&
		       take_message(server))
			;
		if (!server->update_count)
			continue;
		append(server);
		for (uint32_t i = 0; i < server->peer_count; i++)
			send_receipts(server, &server->peers[i]);
		server->seq += server->update_count;
		server->update_count = 0;
	}
	figures_die("yardstick: nobody spoke for %d s", IDLE_MS / 1000);
}

/* ---- its process ---- */

static int make_file(const char *directory)
{
	char path[TARGET_TEXT + 16];
	char *zeros = calloc(1, PIECE_BYTES);
	snprintf(path, sizeof path, "%s/filelog", directory);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600); /* not CLOEXEC: the server has it from us */
	bool is_written = zeros && fd >= 0 && unlink(path) == 0;
	for (int done = 0; is_written && done < LOG_BYTES; done += PIECE_BYTES)
		is_written = write(fd, zeros, PIECE_BYTES) == PIECE_BYTES;
	if (!is_written || fsync(fd) < 0)
		figures_die("%s: %s", path, strerror(errno));
	free(zeros);
	return fd;
}

void yardstick_start(void *context, const char *directory, struct target *ret_target)
{
	char fd_text[16];
	*ret_target = (struct target){ .sys = "filelog", .context = context };
	if (snprintf(ret_target->ingest, TARGET_TEXT, "ipc://%s/yardstick", directory) >= 100)
		figures_die("%s: path too long for a socket", directory);
	int fd = make_file(directory);
	snprintf(fd_text, sizeof fd_text, "%d", fd);
	ret_target->pid = fork();
	if (ret_target->pid < 0)
		figures_die("fork: %s", strerror(errno));
	if (!ret_target->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(STDERR_FILENO, STDOUT_FILENO); /* stdout is for figures */
		execl("/proc/self/exe", "baophu-bench", "--serve-yardstick", ret_target->ingest, fd_text, (char *)NULL);
		figures_say("yardstick: %s", strerror(errno));
		_exit(127);
	}
	close(fd);
}

void yardstick_stop(struct target *target)
{
	target_kill(target);
	unlink(target->ingest + strlen("ipc://"));
}
