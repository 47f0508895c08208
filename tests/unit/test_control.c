/* test_control.c - the agent's socket: requests and answers whole, files handed over, and clients that misbehave. */
#include "control.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include <baophu/status.h>

static char directory[64], path[100];
static struct control *control;

static void set_up(void)
{
	strcpy(directory, "/tmp/baophu-control-XXXXXX");
	cr_assert(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/socket", directory);
	cr_assert_eq(control_open(path, &control), 0);
}
static void tear_down(void)
{
	control_close(control);
	cr_assert_neq(access(path, F_OK), 0);
	rmdir(directory);
}
TestSuite(control, .init = set_up, .fini = tear_down);

static int connect_raw(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	memcpy(address.sun_path, path, strlen(path) + 1);
	int at = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(connect(at, (struct sockaddr *)&address, sizeof address), 0);
	return at;
}
/* Works until there is a request. */
static struct control_request next_request(void)
{
	struct control_request request;
	struct pollfd descriptors[CONTROL_DESCRIPTORS];
	while (!control_next(control, &request)) {
		unsigned count = control_poll(control, descriptors);
		cr_assert_gt(poll(descriptors, count, 10000), 0, "no request came");
		control_work(control);
	}
	return request;
}
/* All that a client hears until the other end closes or `lines` lines are there. */
static char *hear(int at, unsigned lines)
{
	static char text[4096];
	size_t bytes = 0;
	struct pollfd descriptors[CONTROL_DESCRIPTORS];
	for (unsigned seen = 0; seen < lines;) {
		control_work(control);
		ssize_t got = recv(at, text + bytes, sizeof text - 1 - bytes, MSG_DONTWAIT);
		if (got == 0)
			break;
		if (got < 0) {
			unsigned count = control_poll(control, descriptors);
			descriptors[count++] = (struct pollfd){ .fd = at, .events = POLLIN };
			cr_assert_gt(poll(descriptors, count, 10000), 0, "nothing more is said");
			continue;
		}
		for (ssize_t i = 0; i < got; i++)
			seen += text[bytes + (size_t)i] == '\n';
		bytes += (size_t)got;
	}
	text[bytes] = '\0';
	return text;
}
static void say(int at, const char *text) { cr_assert_eq(send(at, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text)); }

Test(control, an_answer_goes_to_whoever_asked_and_the_next_request_follows)
{
	int one = connect_raw(), two = connect_raw();
	say(one, "{\"verb\":\"a\"}\n{\"verb\":\"b\"}\n");
	struct control_request request = next_request();
	cr_assert_str_eq(json_string_value(json_object_get(request.json, "verb")), "a");
	cr_assert_eq(request.fd, -1);
	struct control_request other;
	say(two, "{\"verb\":");
	control_work(control);
	cr_assert_not(control_next(control, &other), "a client has one request under way, and half a line is none");
	say(two, "\"c\"}\n");
	other = next_request();
	control_out(control, other.client, "to two\n");
	control_exit(control, other.client, 5);
	control_progress(control, request.client, 3, 10);
	control_err(control, request.client, "Thới Lai");
	control_exit(control, request.client, 0);
	cr_assert_str_eq(hear(two, 2), "{\"out\":\"to two\\n\"}\n{\"exit\":5}\n");
	cr_assert_str_eq(hear(one, 3), "{\"progress\":{\"done\":3,\"of\":10}}\n{\"err\":\"Thới Lai\"}\n{\"exit\":0}\n");
	request = next_request();
	cr_assert_str_eq(json_string_value(json_object_get(request.json, "verb")), "b");
	control_exit(control, request.client, 1);
	cr_assert_str_eq(hear(one, 1), "{\"exit\":1}\n");
	close(one);
	close(two);
}

Test(control, what_is_no_request_is_refused_and_closed)
{
	static const char *const lines[] = { "hello\n", "[1]\n", "{\"a\":1,\"a\":2}\n", "{\"a\":\"\xff\"}\n" };
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		int at = connect_raw();
		say(at, lines[i]);
		cr_assert(strstr(hear(at, 9), "{\"exit\":2}\n"), "%s", lines[i]);
		close(at);
	}
	int at = connect_raw();
	char chunk[4096];
	memset(chunk, 'x', sizeof chunk);
	for (int i = 0; i < 16; i++) {
		cr_assert_eq(send(at, chunk, sizeof chunk, MSG_NOSIGNAL), (ssize_t)sizeof chunk);
		control_work(control);
	}
	cr_assert(strstr(hear(at, 9), "65,536"));
	close(at);
}

Test(control, a_client_that_is_gone_or_does_not_read_costs_nothing)
{
	int at = connect_raw();
	say(at, "{\"verb\":\"a\"}\n");
	struct control_request request = next_request();
	close(at);
	control_work(control);
	struct pollfd descriptors[CONTROL_DESCRIPTORS];
	cr_assert_eq(control_poll(control, descriptors), 1, "a poll must not end at once for ever");
	control_out(control, request.client, "nobody hears it");
	control_exit(control, request.client, 0);
	/* One that shut its sending side still gets its answer. */
	at = connect_raw();
	say(at, "{\"verb\":\"a\"}\n");
	shutdown(at, SHUT_WR);
	request = next_request();
	control_exit(control, request.client, 7);
	cr_assert_str_eq(hear(at, 9), "{\"exit\":7}\n");
	close(at);
	/* One that never reads is dropped, not waited for. */
	at = connect_raw();
	say(at, "{\"verb\":\"a\"}\n");
	request = next_request();
	char *text = malloc(CONTROL_TEXT_BYTES_MAX);
	memset(text, 'x', CONTROL_TEXT_BYTES_MAX - 1);
	text[CONTROL_TEXT_BYTES_MAX - 1] = '\0';
	for (int i = 0; i < 300; i++)
		control_out(control, request.client, text);
	free(text);
	cr_assert_eq(control_poll(control, descriptors), 1, "only the listening socket is left");
	close(at);
}

Test(control, there_is_room_for_so_many_and_the_next_waits)
{
	int clients[CONTROL_CLIENTS_MAX + 1];
	struct pollfd descriptors[CONTROL_DESCRIPTORS];
	for (int i = 0; i <= CONTROL_CLIENTS_MAX; i++)
		clients[i] = connect_raw();
	control_work(control);
	cr_assert_eq(control_poll(control, descriptors), CONTROL_CLIENTS_MAX);
	close(clients[0]);
	control_work(control);
	say(clients[CONTROL_CLIENTS_MAX], "{\"verb\":\"last\"}\n");
	struct control_request request = next_request();
	cr_assert_str_eq(json_string_value(json_object_get(request.json, "verb")), "last");
	for (int i = 1; i <= CONTROL_CLIENTS_MAX; i++)
		close(clients[i]);
}

Test(control, the_socket_is_for_its_group_and_a_dead_process_does_not_hold_it)
{
	struct stat status;
	struct control *other = NULL;
	cr_assert_eq(stat(path, &status), 0);
	cr_assert_eq(status.st_mode & 0777, 0660);
	cr_assert_eq(control_open(path, &other), -BAOPHU_EINUSE);
	char left[120];
	snprintf(left, sizeof left, "%s/left", directory);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	memcpy(address.sun_path, left, strlen(left) + 1);
	int at = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(at, (struct sockaddr *)&address, sizeof address), 0);
	close(at);
	cr_assert_eq(control_open(left, &other), 0);
	control_close(other);
	char long_path[200];
	memset(long_path, 'x', sizeof long_path - 1);
	long_path[sizeof long_path - 1] = '\0';
	cr_assert_eq(control_open(long_path, &other), -EINVAL);
}

/* ---- both ends ---- */

struct heard {
	char out[100000];
	uint64_t done;
};
static void on_line(void *user, const json_t *line)
{
	struct heard *heard = user;
	const char *out = json_string_value(json_object_get(line, "out"));
	if (out)
		strcat(heard->out, out);
	heard->done += (uint64_t)json_integer_value(json_object_get(json_object_get(line, "progress"), "done"));
}
static struct heard heard;
static int file = -1;
static void *ask(void *result)
{
	json_t *request = json_pack("{s:s}", "verb", "report");
	*(int *)result = control_ask(path, request, file, on_line, &heard);
	json_decref(request);
	return NULL;
}

Test(control, a_command_hears_all_and_can_hand_over_a_file)
{
	pthread_t thread;
	int result = -1, pipes[2];
	char text[8] = "", long_text[90001];
	cr_assert_eq(pipe(pipes), 0);
	cr_assert_eq(write(pipes[1], "figures", 7), 7);
	file = pipes[0];
	pthread_create(&thread, NULL, ask, &result);
	struct control_request request = next_request();
	cr_assert_geq(request.fd, 0);
	cr_assert_eq(read(request.fd, text, 7), 7);
	cr_assert_str_eq(text, "figures");
	close(request.fd);
	/* Longer than one line may be, cut between letters: "ộ" has three bytes. */
	for (int i = 0; i < 30000; i++)
		memcpy(long_text + 3 * (size_t)i, "ộ", 3);
	long_text[90000] = '\0';
	control_progress(control, request.client, 3, 10);
	control_out(control, request.client, long_text);
	control_exit(control, request.client, 6);
	struct pollfd descriptors[CONTROL_DESCRIPTORS];
	for (unsigned count; (count = control_poll(control, descriptors)) > 1;) {
		cr_assert_gt(poll(descriptors, count, 10000), 0);
		control_work(control);
	}
	pthread_join(thread, NULL);
	cr_assert_eq(result, 6);
	cr_assert_eq(heard.done, 3);
	cr_assert_str_eq(heard.out, long_text);
	json_t *nothing = json_object();
	cr_assert_eq(control_ask("/tmp/baophu-no-such-socket", nothing, -1, on_line, &heard), -ENOENT);
	json_decref(nothing);
}
