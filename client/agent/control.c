/* control.c - see control.h. */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <baophu/status.h>

enum { SOCKET_MODE = 0660, BACKLOG = 16, READ_BYTES = 4096, DEPTH_MAX = 8 };

struct client {
	control_client id; /* 0: free */
	int socket, fd; /* fd: came with the bytes read so far; -1 */
	char *in, *out; /* owned */
	size_t in_bytes, in_size, out_bytes, out_size, out_sent;
	json_t *request; /* under way, or to be handed out; owned */
	bool is_handed_out;
	bool is_shut; /* it says nothing more */
	bool is_ending; /* closed as soon as its answer is out */
};
struct control {
	int socket;
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
	control_client newest;
	struct client clients[CONTROL_CLIENTS_MAX];
};

static int address_of(const char *path, struct sockaddr_un *ret_address)
{
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!*path || strlen(path) >= sizeof ret_address->sun_path)
		return -EINVAL;
	memcpy(ret_address->sun_path, path, strlen(path) + 1);
	return 0;
}

/* ---- clients ---- */

static void drop(struct client *client)
{
	if (!client->id)
		return;
	close(client->socket);
	if (client->fd >= 0)
		close(client->fd);
	free(client->in);
	free(client->out);
	json_decref(client->request);
	*client = (struct client){ 0 };
}

static struct client *find(struct control *control, control_client id)
{
	for (int i = 0; id && i < CONTROL_CLIENTS_MAX; i++)
		if (control->clients[i].id == id)
			return &control->clients[i];
	return NULL;
}

static bool grow(char **buffer, size_t *size, size_t needed)
{
	size_t bigger = *size ? *size : READ_BYTES;
	while (bigger < needed)
		bigger *= 2;
	if (bigger == *size)
		return true;
	char *grown = realloc(*buffer, bigger);
	if (!grown)
		return false;
	*buffer = grown;
	*size = bigger;
	return true;
}

/* Writes what is due as far as the socket takes it. */
static void flush(struct client *client)
{
	while (client->out_sent < client->out_bytes) {
		ssize_t sent = send(client->socket, client->out + client->out_sent, client->out_bytes - client->out_sent,
				    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (sent < 0) {
			drop(client);
			return;
		}
		client->out_sent += (size_t)sent;
	}
	free(client->out); /* answers can be long; nothing of them is kept */
	client->out = NULL;
	client->out_bytes = client->out_size = client->out_sent = 0;
	if (client->is_ending)
		drop(client);
}

/* Closes it when all is said. */
static void end(struct client *client)
{
	client->is_ending = true;
	flush(client);
}

/* Takes the object. */
static void say(struct control *control, control_client id, json_t *line)
{
	struct client *client = find(control, id);
	char *text = client && line ? json_dumps(line, JSON_COMPACT) : NULL;
	json_decref(line);
	if (!client)
		return;
	size_t bytes = text ? strlen(text) : 0;
	if (!text || client->out_bytes - client->out_sent + bytes + 1 > CONTROL_UNREAD_BYTES_MAX ||
	    !grow(&client->out, &client->out_size, client->out_bytes + bytes + 1)) {
		free(text);
		drop(client); /* it does not read, or there is no memory: half an answer must not look like a whole one */
		return;
	}
	memcpy(client->out + client->out_bytes, text, bytes);
	client->out[client->out_bytes + bytes] = '\n';
	client->out_bytes += bytes + 1;
	free(text);
	flush(client);
}

/* Long texts in pieces, cut between letters. */
static void say_text(struct control *control, control_client client, const char *key, const char *text)
{
	size_t left = strlen(text);
	while (left) {
		size_t piece = left < CONTROL_TEXT_BYTES_MAX ? left : CONTROL_TEXT_BYTES_MAX;
		while (piece < left && piece && ((unsigned char)text[piece] & 0xc0) == 0x80)
			piece--;
		json_t *value = json_stringn(text, piece);
		if (!value)
			value = json_string("?"); /* not UTF-8 */
		say(control, client, json_pack("{s:o}", key, value));
		text += piece;
		left -= piece;
	}
}

void control_out(struct control *control, control_client client, const char *text) { say_text(control, client, "out", text); }

void control_err(struct control *control, control_client client, const char *text) { say_text(control, client, "err", text); }

void control_progress(struct control *control, control_client client, uint64_t done, uint64_t of)
{
	say(control, client, json_pack("{s:{s:I,s:I}}", "progress", "done", (json_int_t)done, "of", (json_int_t)of));
}

static void take_line(struct control *control, struct client *client);

void control_exit(struct control *control, control_client id, int code)
{
	struct client *client = find(control, id);
	if (!client)
		return;
	json_decref(client->request);
	client->request = NULL;
	client->is_handed_out = false;
	say(control, id, json_pack("{s:i}", "exit", code));
	client = find(control, id);
	if (!client)
		return;
	take_line(control, client);
	if (client->id && client->is_shut && !client->request)
		end(client);
}

/* ---- requests ---- */

static void refuse(struct control *control, struct client *client, const char *why)
{
	control_client id = client->id;
	say_text(control, id, "err", why);
	say(control, id, json_pack("{s:i}", "exit", 2));
	client = find(control, id);
	if (client)
		end(client);
}

/* Makes a request of the first whole line, if there is one and none is under way. */
static void take_line(struct control *control, struct client *client)
{
	char *end = client->in && !client->request && !client->is_ending ? memchr(client->in, '\n', client->in_bytes) : NULL;
	if (!end) {
		if (client->in_bytes >= CONTROL_LINE_BYTES_MAX && !client->request && !client->is_ending)
			refuse(control, client, "a request is one line of at most 65,536 bytes");
		return;
	}
	json_error_t error;
	size_t bytes = (size_t)(end - client->in);
	client->request = json_loadb(client->in, bytes, JSON_REJECT_DUPLICATES, &error);
	client->in_bytes -= bytes + 1;
	memmove(client->in, end + 1, client->in_bytes);
	if (!json_is_object(client->request)) {
		json_decref(client->request);
		client->request = NULL;
		refuse(control, client, "a request is a JSON object on a line of its own");
	}
}

/* Reads what is there; the file that came with it is kept, a second one is closed. */
static void hear(struct control *control, struct client *client)
{
	while (client->in_bytes < CONTROL_LINE_BYTES_MAX) {
		union {
			char bytes[CMSG_SPACE(sizeof(int))];
			struct cmsghdr align;
		} rights;
		if (!grow(&client->in, &client->in_size, client->in_bytes + READ_BYTES)) {
			drop(client);
			return;
		}
		struct iovec part = { client->in + client->in_bytes, READ_BYTES };
		struct msghdr message = {
			.msg_iov = &part, .msg_iovlen = 1, .msg_control = rights.bytes, .msg_controllen = sizeof rights.bytes
		};
		ssize_t got = recvmsg(client->socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (got < 0) {
			drop(client);
			return;
		}
		if (got == 0) {
			client->is_shut = true;
			break;
		}
		client->in_bytes += (size_t)got;
		for (struct cmsghdr *item = CMSG_FIRSTHDR(&message); item; item = CMSG_NXTHDR(&message, item)) {
			if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS)
				continue;
			int fd;
			memcpy(&fd, CMSG_DATA(item), sizeof fd);
			if (client->fd >= 0)
				close(client->fd);
			client->fd = fd;
		}
	}
	take_line(control, client);
	if (client->id && client->is_shut && !client->request)
		end(client);
}

/* Whoever closed his end altogether wants no answer. */
static bool has_hung_up(const struct client *client)
{
	struct pollfd at = { .fd = client->socket };
	return poll(&at, 1, 0) == 1 && at.revents & (POLLHUP | POLLERR);
}

bool control_next(struct control *control, struct control_request *ret_request)
{
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];
		if (!client->id || !client->request || client->is_handed_out)
			continue;
		client->is_handed_out = true;
		*ret_request = (struct control_request){ .client = client->id, .json = client->request, .fd = client->fd };
		client->fd = -1;
		return true;
	}
	return false;
}

/* ---- the socket ---- */

unsigned control_poll(const struct control *control, struct pollfd ret_descriptors[CONTROL_DESCRIPTORS])
{
	unsigned count = 0, free_places = 0;
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		const struct client *client = &control->clients[i];
		free_places += !client->id;
		if (client->id)
			ret_descriptors[count++] = (struct pollfd){
				.fd = client->socket,
				.events = (short)((!client->request && !client->is_shut ? POLLIN : 0) |
						  (client->out_bytes ? POLLOUT : 0)),
			};
	}
	if (free_places)
		ret_descriptors[count++] = (struct pollfd){ .fd = control->socket, .events = POLLIN };
	return count;
}

void control_work(struct control *control)
{
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];
		if (client->id && has_hung_up(client))
			drop(client);
		if (client->id && client->out_bytes)
			flush(client);
		if (client->id && !client->request && !client->is_shut)
			hear(control, client);
	}
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (control->clients[i].id)
			continue;
		int socket = accept4(control->socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (socket < 0)
			return;
		control->clients[i] = (struct client){ .id = ++control->newest, .socket = socket, .fd = -1 };
		hear(control, &control->clients[i]);
	}
}

int control_open(const char *path, struct control **ret_control)
{
	struct sockaddr_un address;
	int error = address_of(path, &address);
	if (error)
		return error;
	struct control *control = calloc(1, sizeof *control);
	if (!control)
		return -ENOMEM;
	memcpy(control->path, address.sun_path, sizeof control->path);
	control->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (control->socket < 0)
		error = -errno;
	/* Whoever answers there is alive; a socket file that nobody answers at was left by a process that is gone. */
	if (!error && connect(control->socket, (struct sockaddr *)&address, sizeof address) == 0)
		error = -BAOPHU_EINUSE;
	else if (!error && errno == ECONNREFUSED)
		unlink(path);
	if (!error && (bind(control->socket, (struct sockaddr *)&address, sizeof address) != 0 || chmod(path, SOCKET_MODE) != 0 ||
		       fcntl(control->socket, F_SETFL, O_NONBLOCK) != 0 || listen(control->socket, BACKLOG) != 0))
		error = -errno;
	if (error) {
		if (control->socket >= 0)
			close(control->socket);
		free(control);
		return error;
	}
	*ret_control = control;
	return 0;
}

void control_close(struct control *control)
{
	if (!control)
		return;
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		drop(&control->clients[i]);
	close(control->socket);
	unlink(control->path);
	free(control);
}

/* ---- a command's end ---- */

static int send_request(int socket, const json_t *request, int fd)
{
	char *text = json_dumps(request, JSON_COMPACT);
	if (!text)
		return -ENOMEM;
	size_t bytes = strlen(text);
	text[bytes++] = '\n'; /* in place of the NUL */
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} rights = { .bytes = { 0 } };
	struct iovec part = { text, bytes };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	if (fd >= 0) {
		message.msg_control = rights.bytes;
		message.msg_controllen = sizeof rights.bytes;
		struct cmsghdr *item = CMSG_FIRSTHDR(&message);
		item->cmsg_level = SOL_SOCKET;
		item->cmsg_type = SCM_RIGHTS;
		item->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(item), &fd, sizeof fd);
	}
	int error = 0;
	while (part.iov_len && !error) {
		ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
		if (sent < 0 && errno != EINTR) {
			error = -errno;
		} else if (sent > 0) {
			part.iov_base = (char *)part.iov_base + sent;
			part.iov_len -= (size_t)sent;
			message.msg_control = NULL;
			message.msg_controllen = 0;
		}
	}
	free(text);
	return error;
}

/* Hands out the whole lines of the buffer. 1: the last one was among them; 0: not; or an error. */
static int hand_out(char *buffer, size_t *bytes, void (*on_line)(void *, const json_t *), void *user, int *ret_code)
{
	size_t used = 0;
	int result = 0;
	for (char *end; !result && (end = memchr(buffer + used, '\n', *bytes - used));) {
		json_t *line = json_loadb(buffer + used, (size_t)(end - buffer) - used, 0, NULL);
		used = (size_t)(end - buffer) + 1;
		const json_t *code = json_object_get(line, "exit");
		if (!json_is_object(line)) {
			result = -BAOPHU_EPROTOCOL;
		} else if (json_is_integer(code)) {
			*ret_code = (int)json_integer_value(code) & 0xff;
			result = 1;
		} else {
			on_line(user, line);
		}
		json_decref(line);
	}
	*bytes -= used;
	memmove(buffer, buffer + used, *bytes);
	return result;
}

int control_ask(const char *path, const json_t *request, int fd, void (*on_line)(void *user, const json_t *line), void *user)
{
	enum { BUFFER_BYTES = 8 * CONTROL_TEXT_BYTES_MAX }; /* a text's longest escaped form fits */
	struct sockaddr_un address;
	char *buffer = NULL;
	size_t bytes = 0;
	int code = 0, result = address_of(path, &address);
	if (result)
		return result;
	int at = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (at < 0)
		return -errno;
	if (connect(at, (struct sockaddr *)&address, sizeof address) != 0)
		result = -errno;
	if (!result)
		result = send_request(at, request, fd);
	if (!result && !(buffer = malloc(BUFFER_BYTES)))
		result = -ENOMEM;
	while (!result) {
		ssize_t got = bytes < BUFFER_BYTES ? recv(at, buffer + bytes, BUFFER_BYTES - bytes, 0) : -1;
		if (bytes == BUFFER_BYTES)
			result = -BAOPHU_EPROTOCOL;
		else if (got == 0)
			result = -EPIPE;
		else if (got < 0 && errno != EINTR)
			result = -errno;
		if (got > 0) {
			bytes += (size_t)got;
			result = hand_out(buffer, &bytes, on_line, user, &code);
		}
	}
	free(buffer);
	close(at);
	return result > 0 ? code : result;
}
