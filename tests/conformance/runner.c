/* runner.c - the conformance vectors with our own codec and libzmq: runner VECTORS_DIR, inside with_daemon.py.
 *
 * Live: every step of conformance/live.json is sent, and its answer compared with what the step expects. Codec: what a step sends is decoded
 * and encoded again; where our codec refuses it, the code is the one that the collector gives. The vectors of wire/ are held by
 * tests/unit/test_wire.c. Format of the steps: conformance/make.py. Every failure ends the program: a test frees nothing.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>
#include <zmq.h>

#include "wire_any.h"

enum { WAIT_MS = 20000, BUFFER_BYTES = 1 << 20, CONNECTIONS_MAX = 16, RECEIPTS_MAX = 128 };

struct runner {
	void *context;
	struct wire_arena arena;
	uint8_t *buffer;
	struct {
		const char *name;
		void *socket;
	} connections[CONNECTIONS_MAX];
	struct {
		const char *name;
		uint8_t *bytes;
		size_t size;
	} receipts[RECEIPTS_MAX];
	unsigned connection_count, receipt_count;
};

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...)
{
	va_list list;
	va_start(list, format);
	fputs("runner: ", stderr);
	vfprintf(stderr, format, list);
	fputc('\n', stderr);
	va_end(list);
	exit(1);
}
#define check(condition, ...)              \
	do {                               \
		if (!(condition))          \
			fail(__VA_ARGS__); \
	} while (0)

static const char *text_of(const json_t *json, const char *key) { return json_string_value(json_object_get(json, key)); }
static json_int_t number_of(const json_t *json, const char *key) { return json_integer_value(json_object_get(json, key)); }
static char *dump(const json_t *json) { return json_dumps(json, JSON_SORT_KEYS | JSON_ENCODE_ANY); }

/* Null is absence; what is not named may be anything. */
static bool matches(const json_t *got, const json_t *want)
{
	if (json_is_array(want)) {
		if (json_array_size(got) != json_array_size(want))
			return false;
		for (size_t i = 0; i < json_array_size(want); i++)
			if (!matches(json_array_get(got, i), json_array_get(want, i)))
				return false;
		return true;
	}
	if (!json_is_object(want))
		return json_equal(got, want);
	const char *key;
	json_t *inner;
	json_object_foreach((json_t *)(uintptr_t)want, key, inner)
	{
		json_t *found = json_object_get(got, key);
		if (json_is_null(inner) ? found != NULL : !found || !matches(found, inner))
			return false;
	}
	return true;
}

static void check_matches(const char *name, const json_t *got, const json_t *want)
{
	check(matches(got, want), "%s: %s, not %s", name, dump(got), dump(want));
}

/* ---- codec ---- */

/* False: our codec refuses these bytes; a payload's code is then checked. */
static bool check_codec(struct runner *runner, const json_t *step, enum any_kind kind, const uint8_t *bytes, size_t size,
			const json_t *fields)
{
	struct any any;
	const char *name = text_of(step, "name");
	wire_arena_reset(&runner->arena);
	int error = any_decode(&runner->arena, kind, bytes, size, &any);
	if (error && kind == ANY_PAYLOAD) {
		char code[64];
		snprintf(code, sizeof code, "CODE_%s", wire_code_name(any.code));
		const char *want = text_of(json_object_get(json_object_get(step, "expect"), "receipt"), "code");
		check(want && !strcmp(code, want), "%s: our codec says %s", name, code);
	}
	if (error || (kind == ANY_AGENT_MESSAGE && any.agent.kind == WIRE_STAGE && any.agent.stage.code))
		return false;
	json_t *got = any_json(&any);
	check(json_equal(got, fields), "%s: decoded as %s", name, dump(got));
	json_decref(got);
	ssize_t encoded = any_encode(&any, runner->buffer, BUFFER_BYTES);
	check(encoded == (ssize_t)size && !memcmp(runner->buffer, bytes, size), "%s: encoded otherwise", name);
	return true;
}

static void check_step(struct runner *runner, const json_t *step, const uint8_t *bytes, size_t size)
{
	const json_t *fields = json_object_get(step, "fields"), *payload = json_object_get(step, "payload");
	if (!fields)
		return;
	check_codec(runner, step, any_kind_of(text_of(step, "message")), bytes, size, fields);
	if (!payload)
		return;
	const char *base64 = text_of(json_object_get(fields, "update"), "payload");
	size_t inner_size;
	uint8_t *inner = malloc(BAOPHU_MESSAGE_BYTES_MAX);
	check(inner && !sodium_base642bin(inner, BAOPHU_MESSAGE_BYTES_MAX, base64, strlen(base64), NULL, &inner_size, NULL,
					  sodium_base64_VARIANT_ORIGINAL),
	      "%s: no base64", text_of(step, "name"));
	check_codec(runner, step, ANY_PAYLOAD, inner, inner_size, payload);
	free(inner);
}

/* ---- live ---- */

static void *connection(struct runner *runner, const json_t *step)
{
	const char *name = text_of(step, "from"), *to = text_of(step, "to");
	for (unsigned i = 0; i < runner->connection_count; i++)
		if (!strcmp(runner->connections[i].name, name))
			return runner->connections[i].socket;
	const char *endpoint = getenv(!strcmp(to, "ingest")    ? "BAOPHU_INGEST"
				      : !strcmp(to, "control") ? "BAOPHU_CONTROL"
							       : "BAOPHU_QUERY");
	void *socket = zmq_socket(runner->context, ZMQ_DEALER);
	check(endpoint && !zmq_setsockopt(socket, ZMQ_LINGER, &(int){ 0 }, sizeof(int)) && !zmq_connect(socket, endpoint),
	      "%s cannot be reached", to);
	check(runner->connection_count < CONNECTIONS_MAX, "too many connections");
	runner->connections[runner->connection_count].name = name;
	runner->connections[runner->connection_count++].socket = socket;
	return socket;
}

static const uint8_t *receipt_of(const struct runner *runner, const char *name, size_t *ret_size)
{
	for (unsigned i = 0; i < runner->receipt_count; i++) {
		if (strcmp(runner->receipts[i].name, name) != 0)
			continue;
		*ret_size = runner->receipts[i].size;
		return runner->receipts[i].bytes;
	}
	fail("no receipt of %s", name);
}

static uint8_t *release_bytes(struct runner *runner, const json_t *step, size_t *ret_size)
{
	struct wire_receipt receipt;
	size_t size;
	const uint8_t *held = receipt_of(runner, text_of(step, "release_of"), &size);
	uint64_t epoch = (uint64_t)number_of(step, "epoch"), number = (uint64_t)number_of(step, "number");
	wire_arena_reset(&runner->arena);
	check(!wire_decode_receipt(&runner->arena, held, size, &receipt), "a receipt cannot be read");
	struct wire_entry entry = { .kind = WIRE_HELD_DECISION, .held = { .seq = receipt.place.seq, .release = true } };
	struct wire_payload payload = {
		.agent = text_of(step, "from"), .epoch = epoch, .number = number, .entries = &entry, .entry_count = 1
	};
	uint8_t inner[256], *outer = malloc(512);
	ssize_t inner_size = wire_encode_payload(&payload, inner, sizeof inner);
	check(inner_size > 0, "the release cannot be written");
	struct any message = { .kind = ANY_AGENT_MESSAGE, .agent = { .kind = WIRE_UPDATE } };
	message.agent.update = (struct wire_update){
		.epoch = epoch, .number = number, .payload = inner, .payload_bytes = (size_t)inner_size
	};
	ssize_t outer_size = any_encode(&message, outer, 512);
	check(outer_size > 0, "the release cannot be written");
	*ret_size = (size_t)outer_size;
	return outer;
}

static uint8_t *bytes_of(struct runner *runner, const json_t *step, size_t *ret_size)
{
	if (json_object_get(step, "release_of"))
		return release_bytes(runner, step, ret_size);
	size_t size, repeat = json_object_get(step, "repeat") ? (size_t)number_of(step, "repeat") : 1;
	uint8_t *once = any_unhex(text_of(step, "hex"), &size);
	check(once != NULL, "%s: no hex", text_of(step, "name"));
	uint8_t *all = malloc(size * repeat + 1);
	for (size_t i = 0; all && i < repeat; i++)
		memcpy(all + i * size, once, size);
	free(once);
	*ret_size = size * repeat;
	return all;
}

static void send_bytes(void *socket, const void *bytes, size_t size)
{
	check(zmq_send(socket, bytes, size, 0) >= 0, "cannot send");
}

/* One frame of at most BUFFER_BYTES; false: none in time. */
static bool receive(struct runner *runner, void *socket, int wait_ms, size_t *ret_size)
{
	zmq_pollitem_t item = { .socket = socket, .events = ZMQ_POLLIN };
	if (zmq_poll(&item, 1, wait_ms) != 1)
		return false;
	int size = zmq_recv(socket, runner->buffer, BUFFER_BYTES, 0);
	check(size >= 0 && size <= BUFFER_BYTES, "cannot receive");
	*ret_size = (size_t)size;
	return true;
}

static json_t *decode(struct runner *runner, const char *message, size_t size, struct any *any)
{
	wire_arena_reset(&runner->arena);
	check(!any_decode(&runner->arena, any_kind_of(message), runner->buffer, size, any), "not a %s", message);
	return any_json(any);
}

/* The first answer is that to what is sent afterwards: a Beat without a session. It is sent until one comes through. */
static void expect_nothing(struct runner *runner, const json_t *step, void *socket, const uint8_t *bytes, size_t bytes_size)
{
	static const uint8_t beat[] = { 0x22, 0x00 };
	struct any any;
	size_t size;
	send_bytes(socket, bytes, bytes_size);
	for (int i = 0; i < WAIT_MS / 100; i++) {
		send_bytes(socket, beat, sizeof beat);
		if (!receive(runner, socket, 100, &size))
			continue;
		json_t *got = decode(runner, "CollectorMessage", size, &any);
		check(any.collector.kind == WIRE_TURNED && any.collector.turned == BAOPHU_CODE_EPOCH, "%s: was answered: %s",
		      text_of(step, "name"), dump(got));
		json_decref(got);
		return;
	}
	fail("%s: the collector does not answer any more", text_of(step, "name"));
}

/* The first answer that is not "later". */
static json_t *ask(struct runner *runner, const json_t *step, void *socket, const uint8_t *bytes, size_t bytes_size,
		   struct any *any)
{
	const json_t *expect = json_object_get(step, "expect");
	for (;;) {
		size_t size;
		send_bytes(socket, bytes, bytes_size);
		check(receive(runner, socket, WAIT_MS, &size), "%s: no answer", text_of(step, "name"));
		json_t *got = decode(runner, text_of(expect, "message"), size, any);
		enum baophu_code code = any->kind == ANY_ANSWER               ? any->answer.code
					: any->collector.kind == WIRE_NOT_NOW ? any->collector.not_now.code
									      : BAOPHU_CODE_NONE;
		if (code != BAOPHU_CODE_BUSY && code != BAOPHU_CODE_INDEXING)
			return got;
		json_decref(got);
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
}

static void check_receipt(struct runner *runner, const json_t *step, const struct any *any)
{
	const json_t *expect = json_object_get(step, "expect");
	const char *name = text_of(step, "name"), *same_as = text_of(expect, "same_as");
	check(any->kind == ANY_COLLECTOR_MESSAGE && any->collector.kind == WIRE_RECEIPTS && any->collector.receipts.item_count == 1,
	      "%s: no receipt", name);
	const struct wire_receipt_item *item = &any->collector.receipts.items[0];
	check(runner->receipt_count < RECEIPTS_MAX, "too many receipts");
	uint8_t *bytes = malloc(item->receipt_bytes);
	memcpy(bytes, item->receipt, item->receipt_bytes);
	runner->receipts[runner->receipt_count].name = name;
	runner->receipts[runner->receipt_count].bytes = bytes;
	size_t size = runner->receipts[runner->receipt_count++].size = item->receipt_bytes, other_size;
	if (same_as) {
		const uint8_t *other = receipt_of(runner, same_as, &other_size);
		check(size == other_size && !memcmp(bytes, other, size), "%s: another receipt", name);
	}
	struct any receipt;
	wire_arena_reset(&runner->arena);
	check(!any_decode(&runner->arena, ANY_RECEIPT, bytes, size, &receipt), "%s: the receipt cannot be read", name);
	json_t *got = any_json(&receipt);
	check_matches(name, got, json_object_get(expect, "receipt"));
	json_decref(got);
}

static void check_row(const json_t *step, const json_t *got)
{
	const json_t *want = json_object_get(json_object_get(step, "expect"), "row");
	size_t i, j;
	json_t *record, *row;
	json_array_foreach(json_object_get(got, "records"), i, record)
	    json_array_foreach(json_object_get(record, "rows"), j, row) if (matches(row, want)) return;
	fail("%s: no such row: %s", text_of(step, "name"), dump(got));
}

static void run_step(struct runner *runner, const json_t *step)
{
	const json_t *expect = json_object_get(step, "expect");
	void *socket = connection(runner, step);
	size_t size;
	uint8_t *bytes = bytes_of(runner, step, &size);
	check_step(runner, step, bytes, size);
	if (json_object_get(expect, "nothing")) {
		expect_nothing(runner, step, socket, bytes, size);
	} else {
		struct any any;
		json_t *got = ask(runner, step, socket, bytes, size, &any);
		if (json_object_get(expect, "fields"))
			check_matches(text_of(step, "name"), got, json_object_get(expect, "fields"));
		if (json_object_get(expect, "row"))
			check_row(step, got);
		if (json_object_get(expect, "receipt"))
			check_receipt(runner, step, &any);
		json_decref(got);
	}
	free(bytes);
}

int main(int argc, char **argv)
{
	struct runner runner = { .context = zmq_ctx_new(), .buffer = malloc(BUFFER_BYTES) };
	char path[512];
	json_error_t error;
	check(argc == 2 && runner.context && runner.buffer && !wire_arena_init(&runner.arena, WIRE_ARENA_BYTES),
	      "runner VECTORS_DIR");
	snprintf(path, sizeof path, "%s/conformance/live.json", argv[1]);
	json_t *live = json_load_file(path, 0, &error), *steps = json_object_get(live, "steps");
	check(json_array_size(steps) > 0, "%s: %s", path, error.text);
	for (size_t i = 0; i < json_array_size(steps); i++)
		run_step(&runner, json_array_get(steps, i));
	printf("%zu live steps\n", json_array_size(steps));
	for (unsigned i = 0; i < runner.connection_count; i++)
		zmq_close(runner.connections[i].socket);
	zmq_ctx_term(runner.context);
	for (unsigned i = 0; i < runner.receipt_count; i++)
		free(runner.receipts[i].bytes);
	json_decref(live);
	wire_arena_finish(&runner.arena);
	free(runner.buffer);
	return 0;
}
