/* sockets.c - libzmq, once. See sockets.h.
 *
 * Reasons of the options: a message over MAXMSGSIZE is refused before it is buffered; HANDSHAKE_IVL frees the descriptor of a peer that
 * says nothing; MANDATORY makes an answer to a peer that is gone an error instead of silence; LINGER 0, but for the last words of a clean end, because every
 * answer can be asked for again. Routing ids come from rand(), which libzmq never seeds: a peer that can guess the next one and claims it makes
 * libzmq abort. No heartbeats of ours, for the same reason: the timer of one meets an assertion of libzmq 4.3.4 when its peer has filled the queue that
 * we read and then gone, so whoever asked faster than we answer and left could end the daemon. TCP keepalive finds those that vanished, and
 * what a client's heartbeats ask is answered.
 *
 * Publishing: VERBOSE so that each joiner gets its seal. SNDHWM is nearly three cuts of a whole country (11,764 units), as a new day makes them: of
 * one of those, subscribers that paused for a second got all with 16,384 and 86 % with 8,192; with 1,024, 30 % even when they read. A full queue costs
 * 6 MiB a subscriber. Never NODROP: when one queue was full, everybody else lost the rest of the cut too, and all of the next. The figures
 * are in docs/performance.md. A second I/O thread, so that updates do not wait behind handshakes, or behind
 * publications to a thousand.
 */
#include "sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <zmq.h>

_Static_assert(sizeof(zmq_msg_t) <= sizeof((struct sockets_message){ 0 }.frame), "a message holds libzmq's frame");

enum {
	ROUTING_ID_BYTES = 5,
	LAST_WORDS_MS = 300, /* how long an answer that is under way may keep the end waiting */
	DROPS_A_CALL = 1000, /* a peer that sends rubbish may not keep the loop from its other work */
};

/* Threads of libzmq that read and write connections. */
enum { IO_UPDATES, IO_SUBSCRIBERS, IO_COUNT };

struct sockets {
	void *context;
	void *socket[SOCKETS_COUNT];
	char endpoint[SOCKETS_COUNT][CONFIG_TEXT_BYTES];
	struct stats *stats;
};

struct option {
	int name, value;
};
static const struct option bound[] = {
	{ ZMQ_LINGER, 0 },
	{ ZMQ_HANDSHAKE_IVL, 3000 },
	{ ZMQ_BACKLOG, 1024 },
	{ ZMQ_TCP_KEEPALIVE, 1 },
	{ ZMQ_TCP_KEEPALIVE_IDLE, 60 },
	{ ZMQ_TCP_KEEPALIVE_CNT, 3 },
	{ ZMQ_TCP_KEEPALIVE_INTVL, 10 },
};
static const struct option router[] = {
	{ ZMQ_ROUTER_MANDATORY, 1 },
	{ ZMQ_ROUTER_HANDOVER, 0 },
	{ ZMQ_RCVHWM, 256 },
	{ ZMQ_SNDHWM, 64 },
};
static const struct option publisher[] = {
	{ ZMQ_XPUB_VERBOSE, 1 },
	{ ZMQ_SNDHWM, 32768 },
	{ ZMQ_RCVHWM, 1000 },
};

static int set_all(void *socket, const struct option *options, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (zmq_setsockopt(socket, options[i].name, &options[i].value, sizeof options[i].value))
			return -errno;
	return 0;
}
#define SET_ALL(socket, options) set_all(socket, options, sizeof(options) / sizeof *(options))

/* libzmq takes a socket file away from whoever listens on it without a word, and two daemons would share one name: ask first whether
 * somebody answers there. A file that nobody listens on is what a killed daemon left. */
static int ipc_is_free(const char *endpoint)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = endpoint + strlen("ipc://");
	if (strncmp(endpoint, "ipc://", strlen("ipc://")) != 0 || *path == '@' || strlen(path) >= sizeof address.sun_path)
		return 0;
	memcpy(address.sun_path, path, strlen(path));
	int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (probe < 0)
		return -errno;
	int result = connect(probe, (const struct sockaddr *)&address, sizeof address);
	close(probe);
	return result ? 0 : -EADDRINUSE;
}

/* Bits 1 << I/O thread. */
static uint64_t io_threads_of(enum sockets_name name)
{
	return UINT64_C(1) << (name == SOCKETS_INGEST || name == SOCKETS_CONTROL ? IO_UPDATES : IO_SUBSCRIBERS);
}

static int socket_open(struct sockets *sockets, enum sockets_name name, const char *endpoint)
{
	bool is_publisher = name == SOCKETS_PUBLISH;
	void *socket = sockets->socket[name] = zmq_socket(sockets->context, is_publisher ? ZMQ_XPUB : ZMQ_ROUTER);
	if (!socket)
		return -errno;
	uint64_t io_threads = io_threads_of(name);
	int64_t max_bytes = is_publisher ? SOCKETS_TOPIC_BYTES_MAX : BAOPHU_MESSAGE_BYTES_MAX;
	int is_v6 = strchr(endpoint, '[') != NULL; /* else a v4 address would be bound, and named, as a v6 one */
	int error = SET_ALL(socket, bound);
	if (!error && zmq_setsockopt(socket, ZMQ_IPV6, &is_v6, sizeof is_v6))
		error = -errno;
	if (!error)
		error = is_publisher ? SET_ALL(socket, publisher) : SET_ALL(socket, router);
	if (!error && (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_bytes, sizeof max_bytes) ||
		       zmq_setsockopt(socket, ZMQ_AFFINITY, &io_threads, sizeof io_threads)))
		error = -errno;
	if (error)
		return error;
	error = ipc_is_free(endpoint);
	if (error)
		return error;
	/* A socket file is made with the rights that the umask leaves: nobody else may connect, not even for a moment. */
	mode_t before = umask(0177);
	int result = zmq_bind(socket, endpoint);
	error = result ? -errno : 0;
	umask(before);
	size_t size = sizeof sockets->endpoint[name];
	if (!error && zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, sockets->endpoint[name], &size))
		error = -errno;
	return error;
}

int sockets_open(const struct config *config, struct stats *stats, struct sockets **ret_sockets, char *why, size_t why_bytes)
{
	static const char *const names[] = { "ingest", "control", "publish", "query" };
	const char *endpoints[] = { config->ingest, config->control, config->publish, config->query };
	struct sockets *sockets = calloc(1, sizeof *sockets);
	if (!sockets)
		return -ENOMEM;
	sockets->stats = stats;
	unsigned seed;
	int error = getrandom(&seed, sizeof seed, 0) == sizeof seed ? 0 : -errno;
	srand(seed);
	if (!error && !(sockets->context = zmq_ctx_new()))
		error = -errno;
	if (error) {
		snprintf(why, why_bytes, "ZeroMQ cannot start: %s", strerror(-error));
		free(sockets);
		return error;
	}
	zmq_ctx_set(sockets->context, ZMQ_IO_THREADS, IO_COUNT);
	zmq_ctx_set(sockets->context, ZMQ_MAX_SOCKETS, 64);
	zmq_ctx_set(sockets->context, ZMQ_BLOCKY, 0);
	for (int name = 0; name < SOCKETS_COUNT && !error; name++) {
		error = socket_open(sockets, (enum sockets_name)name, endpoints[name]);
		if (error)
			snprintf(why, why_bytes, "%s endpoint %s cannot be bound: %s", names[name], endpoints[name],
				 zmq_strerror(-error));
	}
	if (error) {
		sockets_close(sockets);
		return error;
	}
	*ret_sockets = sockets;
	return 0;
}

void sockets_close(struct sockets *sockets)
{
	if (!sockets)
		return;
	for (int name = 0; name < SOCKETS_COUNT; name++) {
		int linger_ms = name == SOCKETS_PUBLISH ? 0 : LAST_WORDS_MS;
		if (!sockets->socket[name])
			continue;
		zmq_setsockopt(sockets->socket[name], ZMQ_LINGER, &linger_ms, sizeof linger_ms);
		zmq_close(sockets->socket[name]);
	}
	while (zmq_ctx_term(sockets->context) && errno == EINTR)
		;
	free(sockets);
}

const char *sockets_endpoint(const struct sockets *sockets, enum sockets_name name) { return sockets->endpoint[name]; }

int sockets_wait(struct sockets *sockets, unsigned names, const int *fds, unsigned fd_count, int timeout_ms)
{
	zmq_pollitem_t items[SOCKETS_COUNT + SOCKETS_WAIT_FDS_MAX];
	int bits[SOCKETS_COUNT + SOCKETS_WAIT_FDS_MAX], count = 0, ready = 0;
	for (int name = 0; name < SOCKETS_COUNT; name++) {
		if (!(names & 1u << name))
			continue;
		bits[count] = 1 << name;
		items[count++] = (zmq_pollitem_t){ .socket = sockets->socket[name], .events = ZMQ_POLLIN };
	}
	for (unsigned i = 0; i < fd_count && i < SOCKETS_WAIT_FDS_MAX; i++) {
		bits[count] = 1 << (SOCKETS_COUNT + i);
		items[count++] = (zmq_pollitem_t){ .fd = fds[i], .events = ZMQ_POLLIN };
	}
	if (zmq_poll(items, count, timeout_ms) < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < count; i++)
		if (items[i].revents)
			ready |= bits[i];
	return ready;
}

static zmq_msg_t *frame_of(struct sockets_message *message) { return (zmq_msg_t *)(void *)message->frame; }

/* Receives without waiting: 1, 0 or negative. */
static int receive(zmq_msg_t *frame, void *socket)
{
	while (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0) {
		if (errno == EAGAIN)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
	return 1;
}

/* The rest of a message of several frames, which is not of this protocol. */
static void drop_rest(zmq_msg_t *frame, void *socket)
{
	while (zmq_msg_more(frame) && receive(frame, socket) == 1)
		;
}

int sockets_receive(struct sockets *sockets, enum sockets_name name, struct sockets_message *ret_message)
{
	void *socket = sockets->socket[name];
	zmq_msg_t *body = frame_of(ret_message);
	for (int drops = 0; drops < DROPS_A_CALL; drops++) {
		zmq_msg_t id;
		zmq_msg_init(&id);
		int got = receive(&id, socket);
		if (got <= 0) {
			zmq_msg_close(&id);
			return got;
		}
		const uint8_t *bytes = zmq_msg_data(&id);
		bool is_ours = zmq_msg_size(&id) == ROUTING_ID_BYTES && bytes[0] == 0;
		if (is_ours)
			memcpy(&ret_message->peer.id, bytes + 1, sizeof ret_message->peer.id);
		bool has_body = zmq_msg_more(&id);
		zmq_msg_close(&id);
		if (!has_body) {
			stats_add(sockets->stats, STATS_DROPPED_PARTS, 1);
			continue;
		}
		zmq_msg_init(body);
		got = receive(body, socket);
		if (got <= 0) {
			zmq_msg_close(body);
			return got;
		}
		if (is_ours && !zmq_msg_more(body)) {
			ret_message->from = name;
			ret_message->bytes = zmq_msg_data(body);
			ret_message->size = zmq_msg_size(body);
			return 1;
		}
		stats_add(sockets->stats, is_ours ? STATS_DROPPED_PARTS : STATS_DROPPED_ROUTING_ID, 1);
		drop_rest(body, socket);
		zmq_msg_close(body);
	}
	return 0;
}

void sockets_release(struct sockets_message *message)
{
	zmq_msg_close(frame_of(message));
	message->bytes = NULL;
	message->size = 0;
}

int sockets_send(struct sockets *sockets, enum sockets_name name, struct sockets_peer peer, const void *bytes, size_t size)
{
	void *socket = sockets->socket[name];
	uint8_t id[ROUTING_ID_BYTES] = { 0 };
	memcpy(id + 1, &peer.id, sizeof peer.id);
	int result;
	while ((result = zmq_send(socket, id, sizeof id, ZMQ_SNDMORE | ZMQ_DONTWAIT)) < 0 && errno == EINTR)
		;
	if (result >= 0)
		while ((result = zmq_send(socket, bytes, size, ZMQ_DONTWAIT)) < 0 && errno == EINTR)
			;
	if (result >= 0)
		return 0;
	int error = -errno;
	stats_add(sockets->stats, error == -EHOSTUNREACH ? STATS_ANSWERS_UNREACHABLE : STATS_ANSWERS_BLOCKED, 1);
	return error;
}

int sockets_receive_subscription(struct sockets *sockets, bool *ret_is_on, char *topic, size_t *ret_bytes, uint32_t *ret_subscriber)
{
	void *socket = sockets->socket[SOCKETS_PUBLISH];
	for (int drops = 0; drops < DROPS_A_CALL; drops++) {
		zmq_msg_t frame;
		zmq_msg_init(&frame);
		int got = receive(&frame, socket);
		const char *bytes = got == 1 ? zmq_msg_data(&frame) : NULL;
		size_t size = got == 1 ? zmq_msg_size(&frame) : 0;
		bool is_one = got == 1 && size >= 1 && size <= SOCKETS_TOPIC_BYTES_MAX && (bytes[0] == 0 || bytes[0] == 1);
		if (is_one) {
			*ret_is_on = bytes[0];
			*ret_bytes = size - 1;
			memcpy(topic, bytes + 1, size - 1);
			int fd = zmq_msg_get(&frame, ZMQ_SRCFD); /* -1: the connection is gone already */
			*ret_subscriber = fd < 0 ? 0 : (uint32_t)fd + 1;
		}
		if (got == 1)
			drop_rest(&frame, socket);
		zmq_msg_close(&frame);
		if (got <= 0 || is_one)
			return got;
		stats_add(sockets->stats, STATS_DROPPED_NOT_PROTOBUF, 1);
	}
	return 0;
}

/* Whether the descriptor is a connection to the publish endpoint now. */
static bool is_subscriber(const struct sockets *sockets, int fd)
{
	const char *endpoint = sockets->endpoint[SOCKETS_PUBLISH], *colon = strrchr(endpoint, ':');
	union {
		struct sockaddr any;
		struct sockaddr_un local;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} name = { .any = { 0 } };
	socklen_t size = sizeof name;
	if (getsockname(fd, &name.any, &size))
		return false;
	if (name.any.sa_family == AF_UNIX)
		return !strncmp(endpoint, "ipc://", strlen("ipc://")) && !strcmp(endpoint + strlen("ipc://"), name.local.sun_path);
	in_port_t port = htons((in_port_t)strtoul(colon ? colon + 1 : "", NULL, 10));
	return (name.any.sa_family == AF_INET && name.v4.sin_port == port) ||
	       (name.any.sa_family == AF_INET6 && name.v6.sin6_port == port);
}

/* libzmq has no call for this, but it names the descriptor that a message came in by, and treats one that is shut down as a peer that
 * left. A message that is read late may name a number that has passed to another connection: one of another kind is left alone, and
 * another subscriber connects again. */
void sockets_cut_subscriber(struct sockets *sockets, uint32_t subscriber)
{
	int fd = (int)subscriber - 1;
	if (subscriber && is_subscriber(sockets, fd) && !shutdown(fd, SHUT_RDWR))
		stats_add(sockets->stats, STATS_SUBSCRIBERS_CUT, 1);
}

int sockets_publish(struct sockets *sockets, const char *topic, size_t topic_bytes, const void *body, size_t size)
{
	void *socket = sockets->socket[SOCKETS_PUBLISH];
	int result;
	while ((result = zmq_send(socket, topic, topic_bytes, ZMQ_SNDMORE | ZMQ_DONTWAIT)) < 0 && errno == EINTR)
		;
	if (result >= 0)
		while ((result = zmq_send(socket, body, size, ZMQ_DONTWAIT)) < 0 && errno == EINTR)
			;
	return result < 0 ? -errno : 0;
}
