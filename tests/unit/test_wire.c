/* test_wire.c - the codec against golden vectors made by an implementation that is not ours, and against every refusal.
 *
 * tests/vectors/wire/<name>.json says which message and which fields, <name>.hex its bytes (make.py there writes them).
 * refusals.json lists what must not pass, with the code and the entry that the refusal names.
 */
#include "wire.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <jansson.h>

#include <baophu/date.h>

#include "baophu/v1/baophu.pb-c.h"
#include "wire_any.h"

#define VECTORS TESTS_DIR "/vectors/wire"
enum { BUFFER_BYTES = 1 << 20, VECTORS_MAX = 128 };

struct vector {
	char name[64];
	enum any_kind kind;
	json_t *json;
	uint8_t *bytes;
	size_t size;
};

static char *read_text(const char *path)
{
	FILE *file = fopen(path, "r");
	cr_assert_not_null(file, "%s", path);
	char *text = calloc(1, BUFFER_BYTES);
	cr_assert_gt(fread(text, 1, BUFFER_BYTES - 1, file), 0, "%s", path);
	fclose(file);
	return text;
}

static int is_vector(const struct dirent *entry)
{
	const char *end = strstr(entry->d_name, ".json");
	return end && !end[5] && strcmp(entry->d_name, "refusals.json") != 0;
}

static size_t load_vectors(struct vector vectors[static VECTORS_MAX])
{
	struct dirent **entries;
	int count = scandir(VECTORS, &entries, is_vector, alphasort);
	cr_assert(count > 30 && count <= VECTORS_MAX, "%d vectors", count);
	for (int i = 0; i < count; i++) {
		struct vector *vector = &vectors[i];
		char path[512];
		snprintf(vector->name, sizeof vector->name, "%.*s", (int)strlen(entries[i]->d_name) - 5, entries[i]->d_name);
		snprintf(path, sizeof path, VECTORS "/%s", entries[i]->d_name);
		vector->json = json_load_file(path, 0, NULL);
		cr_assert_not_null(vector->json, "%s", path);
		vector->kind = any_kind_of(json_string_value(json_object_get(vector->json, "message")));
		cr_assert_lt(vector->kind, ANY_COUNT, "%s", path);
		snprintf(path, sizeof path, VECTORS "/%s.hex", vector->name);
		char *hex = read_text(path);
		vector->bytes = any_unhex(hex, &vector->size);
		cr_assert_not_null(vector->bytes, "%s", path);
		free(hex);
		free(entries[i]);
	}
	free(entries);
	return (size_t)count;
}

static void drop_vectors(struct vector *vectors, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		json_decref(vectors[i].json);
		free(vectors[i].bytes);
	}
}

static void assert_same_json(const char *name, json_t *got, json_t *want)
{
	if (!json_equal(got, want)) {
		char *a = json_dumps(got, JSON_SORT_KEYS | JSON_INDENT(1)), *b = json_dumps(want, JSON_SORT_KEYS | JSON_INDENT(1));
		cr_assert_fail("%s: got %s\nwant %s", name, a, b);
	}
}

Test(wire, bytes_become_what_the_vectors_say)
{
	struct vector vectors[VECTORS_MAX];
	size_t count = load_vectors(vectors);
	struct wire_arena arena;
	cr_assert_eq(wire_arena_init(&arena, WIRE_ARENA_BYTES), 0);
	for (size_t i = 0; i < count; i++) {
		struct any any;
		wire_arena_reset(&arena);
		cr_assert_eq(any_decode(&arena, vectors[i].kind, vectors[i].bytes, vectors[i].size, &any), 0, "%s: %s, entry %u",
			     vectors[i].name, wire_code_name(any.code), any.entry);
		json_t *want = json_object_get(vectors[i].json, "reads_as"), *got = any_json(&any);
		assert_same_json(vectors[i].name, got, want ? want : json_object_get(vectors[i].json, "fields"));
		json_decref(got);
	}
	wire_arena_finish(&arena);
	drop_vectors(vectors, count);
}

Test(wire, structs_become_the_bytes_of_the_vectors)
{
	struct vector vectors[VECTORS_MAX];
	size_t count = load_vectors(vectors);
	struct wire_arena arena;
	uint8_t *buffer = malloc(BUFFER_BYTES);
	cr_assert_eq(wire_arena_init(&arena, WIRE_ARENA_BYTES), 0);
	for (size_t i = 0; i < count; i++) {
		struct any any;
		wire_arena_reset(&arena);
		cr_assert_eq(any_decode(&arena, vectors[i].kind, vectors[i].bytes, vectors[i].size, &any), 0, "%s",
			     vectors[i].name);
		if (json_object_get(vectors[i].json, "reads_as"))
			continue; /* what may be left out is left out */
		ssize_t bytes = any_encode(&any, buffer, BUFFER_BYTES);
		cr_assert_eq(bytes, (ssize_t)vectors[i].size, "%s: %zd bytes, not %zu", vectors[i].name, bytes, vectors[i].size);
		cr_assert_eq(memcmp(buffer, vectors[i].bytes, vectors[i].size), 0, "%s", vectors[i].name);
	}
	free(buffer);
	wire_arena_finish(&arena);
	drop_vectors(vectors, count);
}

/* Every message into every buffer that is too small for it: an error, and not a byte behind the end. */
Test(wire, a_buffer_too_small_is_an_error)
{
	struct vector vectors[VECTORS_MAX];
	size_t count = load_vectors(vectors);
	struct wire_arena arena;
	cr_assert_eq(wire_arena_init(&arena, WIRE_ARENA_BYTES), 0);
	for (size_t i = 0; i < count; i++) {
		struct any any;
		wire_arena_reset(&arena);
		cr_assert_eq(any_decode(&arena, vectors[i].kind, vectors[i].bytes, vectors[i].size, &any), 0);
		if (json_object_get(vectors[i].json, "reads_as"))
			continue;
		for (size_t size = 0; size <= vectors[i].size; size++) {
			uint8_t *buffer = malloc(size + 16);
			memset(buffer, 0xa5, size + 16);
			ssize_t bytes = any_encode(&any, buffer, size);
			cr_assert_eq(bytes, size < vectors[i].size ? -BAOPHU_EFULL : (ssize_t)size, "%s in %zu", vectors[i].name,
				     size);
			for (size_t g = 0; g < 16; g++)
				cr_assert_eq(buffer[size + g], 0xa5, "%s in %zu", vectors[i].name, size);
			free(buffer);
		}
	}
	wire_arena_finish(&arena);
	drop_vectors(vectors, count);
}

/* The smallest arena that holds a message holds it; any smaller one refuses it cleanly. */
Test(wire, an_arena_too_small_is_a_refusal)
{
	struct vector vectors[VECTORS_MAX];
	size_t count = load_vectors(vectors);
	for (size_t i = 0; i < count; i++) {
		struct wire_arena arena;
		struct any any;
		cr_assert_eq(wire_arena_init(&arena, WIRE_ARENA_BYTES), 0);
		cr_assert_eq(any_decode(&arena, vectors[i].kind, vectors[i].bytes, vectors[i].size, &any), 0);
		size_t used = arena.used;
		wire_arena_finish(&arena);
		for (size_t size = 0; size <= used; size++) {
			cr_assert_eq(wire_arena_init(&arena, size), 0);
			int error = any_decode(&arena, vectors[i].kind, vectors[i].bytes, vectors[i].size, &any);
			bool is_stage = !error && vectors[i].kind == ANY_AGENT_MESSAGE && any.agent.kind == WIRE_STAGE;
			if (size < used)
				cr_assert(error == -BAOPHU_EMALFORMED || (is_stage && any.code == BAOPHU_CODE_MALFORMED),
					  "%s in %zu", vectors[i].name, size);
			else
				cr_assert_eq(error, 0);
			cr_assert_leq(arena.used, size);
			wire_arena_finish(&arena);
		}
	}
	drop_vectors(vectors, count);
}

Test(wire, refuses_by_code_and_entry)
{
	json_t *refusals = json_load_file(VECTORS "/refusals.json", 0, NULL);
	struct wire_arena arena;
	cr_assert_eq(wire_arena_init(&arena, WIRE_ARENA_BYTES), 0);
	cr_assert_gt(json_array_size(refusals), 100);
	for (size_t i = 0; i < json_array_size(refusals); i++) {
		json_t *refusal = json_array_get(refusals, i);
		const char *why = json_string_value(json_object_get(refusal, "why"));
		const char *code = json_string_value(json_object_get(refusal, "code"));
		json_t *entry = json_object_get(refusal, "entry");
		enum any_kind kind = any_kind_of(json_string_value(json_object_get(refusal, "message")));
		size_t size;
		uint8_t *bytes = any_unhex(json_string_value(json_object_get(refusal, "hex")), &size);
		struct any any;
		cr_assert_not_null(bytes, "%s", why);
		wire_arena_reset(&arena);
		int error = any_decode(&arena, kind, bytes, size, &any);
		/* a part of an import is a good message, whose entries are not */
		cr_assert_eq(error, kind == ANY_AGENT_MESSAGE && code ? 0 : -BAOPHU_EMALFORMED, "%s", why);
		if (code) {
			cr_assert_str_eq(wire_code_name(any.code), code + strlen("CODE_"), "%s: %s", why, wire_code_name(any.code));
			cr_assert_eq(any.entry, entry ? (uint32_t)json_integer_value(entry) : UINT32_MAX, "%s: entry %u", why,
				     any.entry);
		}
		free(bytes);
	}
	wire_arena_finish(&arena);
	json_decref(refusals);
}

static struct wire_entry one_fact(const char *unit)
{
	return (struct wire_entry){ .kind = WIRE_FACT,
				    .fact = { .unit = unit,
					      .measure = "bhyt",
					      .extent = BAOPHU_WHOLE,
					      .from = 19843,
					      .to = 19843,
					      .value = 1,
					      .status = BAOPHU_FINAL,
					      .origin = BAOPHU_REPORTED,
					      .bound = BAOPHU_EXACT } };
}

Test(wire, header_is_readable_when_an_entry_is_not)
{
	struct wire_entry entries[3] = { one_fact("VN"), one_fact("VN"), one_fact("not a code") };
	struct wire_payload payload = { .agent = "tinh-92", .epoch = 3, .number = 77, .entry_count = 3, .entries = entries }, read;
	uint8_t buffer[512];
	struct wire_arena arena;
	enum baophu_code code;
	uint32_t entry;
	ssize_t bytes = wire_encode_payload(&payload, buffer, sizeof buffer);
	cr_assert_eq(wire_arena_init(&arena, WIRE_ARENA_BYTES), 0);
	cr_assert_eq(wire_decode_payload(&arena, buffer, (size_t)bytes, &read, &code, &entry), -BAOPHU_EMALFORMED);
	cr_assert_eq(code, BAOPHU_CODE_TEXT);
	cr_assert_eq(entry, 2);
	/* and when the payload ends in something else */
	for (int cut = 0; cut < 2; cut++) {
		cr_assert_str_eq(read.agent, "tinh-92");
		cr_assert_eq(read.epoch, 3);
		cr_assert_eq(read.number, 77);
		cr_assert_eq(read.entry_count, 0);
		memcpy(buffer + bytes, "\x7a\x01x", 3);
		cr_assert_eq(wire_decode_payload(&arena, buffer, (size_t)bytes + 3, &read, &code, &entry), -BAOPHU_EMALFORMED);
		cr_assert_eq(code, BAOPHU_CODE_MALFORMED);
		cr_assert_eq(entry, UINT32_MAX);
	}
	cr_assert_eq(wire_decode_payload(&arena, "", 0, &read, &code, &entry), -BAOPHU_EMALFORMED);
	cr_assert_str_eq(read.agent, "");
	cr_assert_eq(read.number, 0);
	wire_arena_finish(&arena);
}

Test(wire, entries_up_to_their_bound)
{
	static struct wire_entry entries[BAOPHU_ENTRIES_MAX + 1];
	static uint8_t buffer[1 << 17];
	struct wire_payload payload = { .agent = "a", .epoch = 1, .number = 1, .entries = entries }, read;
	struct wire_arena arena;
	enum baophu_code code;
	uint32_t entry;
	cr_assert_eq(wire_arena_init(&arena, WIRE_ARENA_BYTES), 0);
	for (size_t i = 0; i < BAOPHU_ENTRIES_MAX + 1; i++)
		entries[i] = one_fact("VN");
	payload.entry_count = BAOPHU_ENTRIES_MAX;
	ssize_t bytes = wire_encode_payload(&payload, buffer, sizeof buffer);
	cr_assert_eq(wire_decode_payload(&arena, buffer, (size_t)bytes, &read, &code, &entry), 0);
	cr_assert_eq(read.entry_count, BAOPHU_ENTRIES_MAX);
	payload.entry_count++;
	bytes = wire_encode_payload(&payload, buffer, sizeof buffer);
	cr_assert_eq(wire_decode_payload(&arena, buffer, (size_t)bytes, &read, &code, &entry), -BAOPHU_EMALFORMED);
	cr_assert_eq(code, BAOPHU_CODE_TOO_BIG);
	cr_assert_eq(entry, UINT32_MAX);
	wire_arena_finish(&arena);
}

Test(wire, messages_up_to_their_bound)
{
	static uint8_t payload[BAOPHU_MESSAGE_BYTES_MAX], buffer[BAOPHU_MESSAGE_BYTES_MAX + 64];
	struct wire_update update = { .epoch = 1, .number = 1, .payload = payload };
	struct wire_agent_message message;
	struct wire_payload read;
	struct wire_arena arena;
	enum baophu_code code;
	uint32_t entry;
	cr_assert_eq(wire_arena_init(&arena, WIRE_ARENA_BYTES), 0);
	update.payload_bytes = BAOPHU_MESSAGE_BYTES_MAX - 12; /* what the envelope takes */
	cr_assert_eq(wire_encode_update(&update, buffer, sizeof buffer), BAOPHU_MESSAGE_BYTES_MAX);
	cr_assert_eq(wire_decode_agent_message(&arena, buffer, BAOPHU_MESSAGE_BYTES_MAX, &message), 0);
	update.payload_bytes++;
	cr_assert_eq(wire_encode_update(&update, buffer, sizeof buffer), BAOPHU_MESSAGE_BYTES_MAX + 1);
	cr_assert_eq(wire_decode_agent_message(&arena, buffer, BAOPHU_MESSAGE_BYTES_MAX + 1, &message), -BAOPHU_EMALFORMED);
	cr_assert_eq(wire_decode_payload(&arena, buffer, BAOPHU_MESSAGE_BYTES_MAX + 1, &read, &code, &entry), -BAOPHU_EMALFORMED);
	cr_assert_eq(code, BAOPHU_CODE_TOO_BIG);
	wire_arena_finish(&arena);
}

Test(wire, an_update_is_borrowed_not_copied)
{
	uint8_t buffer[64];
	struct wire_update update = { .epoch = 1, .number = 2, .payload = (const uint8_t *)"payload", .payload_bytes = 7 };
	struct wire_agent_message message;
	struct wire_arena arena;
	ssize_t bytes = wire_encode_update(&update, buffer, sizeof buffer);
	cr_assert_eq(wire_arena_init(&arena, 64), 0);
	cr_assert_eq(wire_decode_agent_message(&arena, buffer, (size_t)bytes, &message), 0);
	cr_assert_eq(arena.used, 0);
	cr_assert(message.update.payload > buffer && message.update.payload < buffer + bytes);
	wire_arena_finish(&arena);
}

/* Protobuf lets a sender write fields in any order. */
Test(wire, fields_come_in_any_order)
{
	static const char hex[] =
	    "2217 0a15 3000 12046268 7974 5006 28aeb0d309 0a02564e 1802" /* value, measure, reason, to, unit, extent */
	    "1803 0a0161 1002";
	struct wire_arena arena;
	struct wire_payload payload;
	enum baophu_code code;
	uint32_t entry;
	size_t size;
	uint8_t *bytes = any_unhex(hex, &size);
	cr_assert_eq(wire_arena_init(&arena, WIRE_ARENA_BYTES), 0);
	cr_assert_eq(wire_decode_payload(&arena, bytes, size, &payload, &code, &entry), 0, "%s", wire_code_name(code));
	cr_assert_str_eq(payload.agent, "a");
	cr_assert_eq(payload.epoch, 2);
	cr_assert_eq(payload.number, 3);
	cr_assert_str_eq(payload.entries[0].fact.unit, "VN");
	cr_assert_eq(payload.entries[0].fact.value, 0);
	cr_assert_eq(payload.entries[0].fact.extent, BAOPHU_OWN);
	cr_assert_eq(payload.entries[0].fact.reason, BAOPHU_REASON_AMBIGUOUS_SOURCE);
	free(bytes);
	wire_arena_finish(&arena);
}

/* The digest of an import is taken over the same bytes on both sides. */
Test(wire, a_part_is_the_same_bytes_for_sender_and_collector)
{
	static struct wire_entry entries[300];
	static uint8_t buffer[1 << 16];
	struct wire_stage stage = { .epoch = 1, .batch = 2, .part = 3, .entries = entries };
	struct wire_agent_message message;
	struct wire_arena arena;
	cr_assert_eq(wire_arena_init(&arena, WIRE_ARENA_BYTES), 0);
	for (uint32_t count = 1; count <= 300; count += 13) {
		const uint8_t *sent = NULL;
		size_t sent_bytes = 0;
		for (uint32_t i = 0; i < count; i++)
			entries[i] = one_fact("VN");
		stage.entry_count = count;
		wire_arena_reset(&arena);
		ssize_t bytes = wire_encode_stage(&stage, buffer, sizeof buffer, &sent, &sent_bytes);
		cr_assert_gt(bytes, 0);
		cr_assert_eq(wire_decode_agent_message(&arena, buffer, (size_t)bytes, &message), 0);
		cr_assert_eq(message.stage.entry_count, count);
		cr_assert_eq(message.stage.bytes, sent);
		cr_assert_eq(message.stage.byte_count, sent_bytes);
		Baophu__V1__Stage *pb = baophu__v1__stage__unpack(NULL, sent_bytes, sent);
		cr_assert_eq(pb->n_entries, count);
		baophu__v1__stage__free_unpacked(pb, NULL);
	}
	wire_arena_finish(&arena);
}

/* A newer collector may say more than we know: unknown fields are skipped, unknown enum values are "not said". */
static struct any read_hex(struct wire_arena *arena, enum any_kind kind, const char *hex)
{
	struct any any;
	size_t size;
	uint8_t *bytes = any_unhex(hex, &size);
	cr_assert_eq(any_decode(arena, kind, bytes, size, &any), 0, "%s", hex);
	free(bytes);
	return any;
}

Test(wire, replies_of_a_newer_collector_are_read)
{
	struct wire_arena arena;
	cr_assert_eq(wire_arena_init(&arena, WIRE_ARENA_BYTES), 0);
	/* field 15 of a Staged, field 31 of its envelope */
	struct any any = read_hex(&arena, ANY_COLLECTOR_MESSAGE, "2a06 0801 1002 7801 fa0100");
	cr_assert_eq(any.collector.staged.part, 2);
	/* a row of kind 99, state 99, flags 99 and 4, and a field 101 */
	any = read_hex(&arena, ANY_RECORD, "0801 2a0158 5a0f 0863 120162 5063 ca01026304 a80601");
	cr_assert_eq(any.record.row_count, 1);
	cr_assert_eq(any.record.rows[0].kind, BAOPHU_ROW_NONE);
	cr_assert_eq(any.record.rows[0].state, BAOPHU_STATE_NONE);
	cr_assert_eq(any.record.rows[0].flags[0], BAOPHU_FLAG_PARTS_DIFFER);
	cr_assert_eq(any.record.rows[0].flags[1], BAOPHU_FLAG_NONE);
	/* five flags: as many as there is room for */
	any = read_hex(&arena, ANY_RECORD, "0801 5a08 ca0105 0102030405");
	cr_assert_eq(any.record.rows[0].flags[BAOPHU_ROW_FLAGS_MAX - 1], 4);
	cr_assert_eq(any.record.rows[0].kind, BAOPHU_ROW_NONE);
	/* a code that we do not know keeps its number, and fields of every wire type are skipped */
	any = read_hex(&arena, ANY_ANSWER, "0801 10c801 9a0600 9906 0102030405060708 9d06 01020304");
	cr_assert_eq((int)any.answer.code, 200);
	cr_assert_str_eq(wire_code_name(any.answer.code), "?");
	/* a status of the daemon with a field that it did not have */
	any = read_hex(&arena, ANY_ANSWER, "0801 9a0115 0a10 000102030405060708090a0b0c0d0e0f a00601");
	cr_assert_not_null(any.answer.status);
	wire_arena_finish(&arena);
}

Test(wire, a_bad_question_is_answered_by_its_id)
{
	static const uint8_t no_kind[] = { 0x08, 0x2a }, unknown_field[] = { 0x08, 0x2a, 0x10, 0x01, 0x9a, 0x06, 0x00 };
	struct wire_arena arena;
	struct wire_query query;
	const char *why = NULL;
	cr_assert_eq(wire_arena_init(&arena, WIRE_ARENA_BYTES), 0);
	cr_assert_eq(wire_decode_query(&arena, no_kind, sizeof no_kind, &query, &why), -BAOPHU_EMALFORMED);
	cr_assert_eq(query.id, 42);
	cr_assert_str_eq(why, "the kind of question is missing");
	cr_assert_eq(wire_decode_query(&arena, unknown_field, sizeof unknown_field, &query, &why), -BAOPHU_EMALFORMED);
	cr_assert_eq(query.id, 42);
	cr_assert_str_eq(why, "the message is not a Query of this protocol");
	cr_assert_eq(wire_decode_query(&arena, "\xff", 1, &query, &why), -BAOPHU_EMALFORMED);
	cr_assert_eq(query.id, 0);
	wire_arena_finish(&arena);
}

Test(wire, a_receipt_is_a_function_of_its_struct)
{
	struct wire_receipt a, b;
	uint8_t x[128], y[128];
	memset(&a, 0x00, sizeof a);
	memset(&b, 0xff, sizeof b);
	struct wire_receipt *each[] = { &a, &b };
	for (size_t i = 0; i < 2; i++) {
		each[i]->agent = i ? "tinh-92" : strdupa("tinh-92");
		each[i]->epoch = 1;
		each[i]->number = 2;
		each[i]->place.seq = 3;
		memset(each[i]->place.digest, 4, BAOPHU_DIGEST_BYTES);
		each[i]->verdict = BAOPHU_APPLIED;
		each[i]->code = BAOPHU_CODE_NONE;
		each[i]->entry = UINT32_MAX;
	}
	ssize_t bytes = wire_encode_receipt(&a, x, sizeof x);
	cr_assert_eq(wire_encode_receipt(&b, y, sizeof y), bytes);
	cr_assert_eq(memcmp(x, y, (size_t)bytes), 0);
}

Test(wire, arena_is_aligned_zeroed_and_capped)
{
	struct wire_arena arena;
	cr_assert_eq(wire_arena_init(&arena, 64), 0);
	memset(arena.base, 0xff, 64);
	char *first = wire_arena_alloc(&arena, 3), *second = wire_arena_alloc(&arena, 40);
	cr_assert_not_null(first);
	cr_assert_not_null(second);
	cr_assert_eq((uintptr_t)second % 8, 0);
	for (size_t i = 0; i < 40; i++)
		cr_assert_eq(second[i], 0);
	cr_assert_eq(arena.used, 48);
	cr_assert_null(wire_arena_alloc(&arena, 17));
	cr_assert_null(wire_arena_alloc(&arena, SIZE_MAX));
	cr_assert_null(wire_arena_alloc(&arena, SIZE_MAX - 7));
	cr_assert_not_null(wire_arena_alloc(&arena, 16));
	cr_assert_null(wire_arena_alloc(&arena, 1));
	wire_arena_reset(&arena);
	cr_assert_eq(wire_arena_alloc(&arena, 64), first);
	wire_arena_finish(&arena);
}

Test(wire, code_names)
{
	cr_assert_str_eq(wire_code_name(BAOPHU_CODE_UNIT_UNKNOWN), "UNIT_UNKNOWN");
	cr_assert_str_eq(wire_code_name(BAOPHU_CODE_NONE), "NONE");
	cr_assert_str_eq(wire_code_name((enum baophu_code)19), "?");
	cr_assert_str_eq(wire_code_name((enum baophu_code) - 1), "?");
}

/* Every name of the .proto's enum is one of ours, with the same number. */
static void assert_same_enum(const ProtobufCEnumDescriptor *proto, const int *ours, size_t count)
{
	cr_assert_eq(proto->n_value_names, count, "%s has %u values, not %zu", proto->short_name, proto->n_value_names, count);
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(proto->values[i].value, ours[i], "%s is %d, not %d", proto->values[i].name, proto->values[i].value,
			     ours[i]);
}
#define SAME_ENUM(name, ...)                                                                           \
	do {                                                                                           \
		static const int ours[] = { __VA_ARGS__ };                                             \
		assert_same_enum(&baophu__v1__##name##__descriptor, ours, sizeof ours / sizeof *ours); \
	} while (0)

Test(wire, enums_of_types_h_are_those_of_the_proto)
{
	SAME_ENUM(extent, BAOPHU_EXTENT_ANY, BAOPHU_WHOLE, BAOPHU_OWN);
	SAME_ENUM(status, BAOPHU_STATUS_NONE, BAOPHU_FINAL, BAOPHU_PROVISIONAL, BAOPHU_ESTIMATE);
	SAME_ENUM(origin, BAOPHU_ORIGIN_NONE, BAOPHU_REPORTED, BAOPHU_PUBLISHED, BAOPHU_IMPLIED, BAOPHU_ILLUSTRATIVE);
	SAME_ENUM(bound, BAOPHU_BOUND_NONE, BAOPHU_EXACT, BAOPHU_ABOUT, BAOPHU_MORE_THAN, BAOPHU_NEARLY);
	SAME_ENUM(reason, BAOPHU_REASON_NONE, BAOPHU_REASON_CORRECTION, BAOPHU_REASON_CARD_EXPIRY, BAOPHU_REASON_POLICY,
		  BAOPHU_REASON_REORGANISATION, BAOPHU_REASON_TRANSFER, BAOPHU_REASON_AMBIGUOUS_SOURCE, BAOPHU_REASON_UNDO);
	cr_assert_eq(baophu__v1__reason__descriptor.n_value_names, BAOPHU_REASON_COUNT);
	SAME_ENUM(measure_kind, BAOPHU_MEASURE_KIND_NONE, BAOPHU_STOCK, BAOPHU_FLOW);
	SAME_ENUM(plan_kind, BAOPHU_PLAN_KIND_NONE, BAOPHU_PLAN_STOCK, BAOPHU_PLAN_FLOW, BAOPHU_PLAN_RATE);
	SAME_ENUM(denominator, BAOPHU_DENOMINATOR_NONE, BAOPHU_OVER_UNSTATED, BAOPHU_OVER_MEASURE, BAOPHU_OVER_PLAN);
	SAME_ENUM(verdict, BAOPHU_VERDICT_NONE, BAOPHU_APPLIED, BAOPHU_HELD, BAOPHU_REFUSED);
	SAME_ENUM(code, BAOPHU_CODE_NONE, BAOPHU_CODE_BUSY, BAOPHU_CODE_DISK, BAOPHU_CODE_EXPECT, BAOPHU_CODE_CLOCK,
		  BAOPHU_CODE_INDEXING, BAOPHU_CODE_UNIT_UNKNOWN, BAOPHU_CODE_UNIT_NOT_VALID, BAOPHU_CODE_PLAN_UNKNOWN,
		  BAOPHU_CODE_NO_OWNER, BAOPHU_CODE_MALFORMED, BAOPHU_CODE_TOO_BIG, BAOPHU_CODE_EMPTY, BAOPHU_CODE_MEASURE_UNKNOWN,
		  BAOPHU_CODE_VALUE, BAOPHU_CODE_PERIOD, BAOPHU_CODE_NOTHING_STANDS, BAOPHU_CODE_DUPLICATE, BAOPHU_CODE_NO_SUCH,
		  BAOPHU_CODE_TEXT, BAOPHU_CODE_CYCLE, BAOPHU_CODE_KIND, BAOPHU_CODE_FORBIDDEN, BAOPHU_CODE_NOT_OWNER,
		  BAOPHU_CODE_AGENT_UNKNOWN, BAOPHU_CODE_FORK, BAOPHU_CODE_FROZEN, BAOPHU_CODE_EPOCH, BAOPHU_CODE_PROTOCOL,
		  BAOPHU_CODE_STILL_HELD, BAOPHU_CODE_SNAPSHOT_REQUIRED, BAOPHU_CODE_BEHIND, BAOPHU_CODE_QUERY);
	SAME_ENUM(row_kind, BAOPHU_ROW_NONE, BAOPHU_ROW_STOCK, BAOPHU_ROW_FLOW, BAOPHU_ROW_PLAN, BAOPHU_ROW_SHARE,
		  BAOPHU_ROW_PUBLISHED);
	SAME_ENUM(basis, BAOPHU_BASIS_NONE, BAOPHU_BASIS_WHOLE, BAOPHU_BASIS_SUM, BAOPHU_BASIS_PARTIAL, BAOPHU_BASIS_PARTS);
	SAME_ENUM(state, BAOPHU_STATE_NONE, BAOPHU_STATE_REPORTED, BAOPHU_STATE_NO_REPORT, BAOPHU_STATE_WITHDRAWN, BAOPHU_STATE_MET,
		  BAOPHU_STATE_HALF, BAOPHU_STATE_UNDER_HALF, BAOPHU_STATE_ZERO, BAOPHU_STATE_NO_PLAN, BAOPHU_STATE_PARTIAL,
		  BAOPHU_STATE_COMPUTED, BAOPHU_STATE_NO_DENOMINATOR, BAOPHU_STATE_AGREES, BAOPHU_STATE_AGREES_TRUNCATED,
		  BAOPHU_STATE_DIFFERS, BAOPHU_STATE_NOT_COMPARABLE);
	SAME_ENUM(plan_state, BAOPHU_PLAN_STATE_NONE, BAOPHU_PLAN_OWN, BAOPHU_PLAN_SUMMED, BAOPHU_PLAN_ENDED,
		  BAOPHU_PLAN_SUMMED_ENDED);
	SAME_ENUM(flag, BAOPHU_FLAG_NONE, BAOPHU_FLAG_BHTN_ABOVE_BB, BAOPHU_FLAG_BHYT_ABOVE_POPULATION, BAOPHU_FLAG_SUM_DIFFERS,
		  BAOPHU_FLAG_PARTS_DIFFER, BAOPHU_FLAG_TRIPLE_DIFFERS, BAOPHU_FLAG_RATES_DIFFER, BAOPHU_FLAG_BOUND_SUM);
	cr_assert_eq(baophu__v1__flag__descriptor.n_value_names, BAOPHU_FLAG_COUNT);
	SAME_ENUM(query_kind, 0, WIRE_QUERY_COVERAGE, WIRE_QUERY_CHANGED, WIRE_QUERY_HISTORY, WIRE_QUERY_UNITS, WIRE_QUERY_MEASURES,
		  WIRE_QUERY_PLANS, WIRE_QUERY_AGENTS, WIRE_QUERY_HELD, WIRE_QUERY_LOG, WIRE_QUERY_STATUS, WIRE_QUERY_EVENTS,
		  WIRE_QUERY_DUE, WIRE_QUERY_THRESHOLDS);
	SAME_ENUM(fault, BAOPHU_FAULT_NONE, BAOPHU_FAULT_UNREADABLE, BAOPHU_FAULT_KIND_UNKNOWN, BAOPHU_FAULT_PAGE,
		  BAOPHU_FAULT_UNIT_MISSING, BAOPHU_FAULT_UNIT_UNKNOWN, BAOPHU_FAULT_UNIT_NOT_VALID, BAOPHU_FAULT_PLAN_UNKNOWN,
		  BAOPHU_FAULT_MEASURE_UNKNOWN, BAOPHU_FAULT_SEQ_AHEAD, BAOPHU_FAULT_SEQ_BEHIND, BAOPHU_FAULT_HISTORY,
		  BAOPHU_FAULT_AGENT_UNKNOWN);
	cr_assert_eq(baophu__v1__fault__descriptor.n_value_names, BAOPHU_FAULT_COUNT);
	SAME_ENUM(direction, BAOPHU_DIRECTION_NONE, BAOPHU_UP, BAOPHU_DOWN);
	SAME_ENUM(rhythm, BAOPHU_RHYTHM_NONE, BAOPHU_DAILY, BAOPHU_WEEKLY, BAOPHU_MONTHLY, BAOPHU_QUARTERLY, BAOPHU_YEARLY);
	SAME_ENUM(freshness, BAOPHU_FRESHNESS_NONE, BAOPHU_FRESH, BAOPHU_DUE, BAOPHU_LATE, BAOPHU_SILENT);
	cr_assert_eq(baophu__v1__freshness__descriptor.n_value_names, BAOPHU_FRESHNESS_COUNT);
}

static void assert_same_fields(const ProtobufCMessageDescriptor *proto, const unsigned *ours, size_t count)
{
	cr_assert_eq(proto->n_fields, count, "%s", proto->short_name);
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(proto->fields[i].id, ours[i], "%s.%s", proto->short_name, proto->fields[i].name);
}
#define SAME_FIELDS(name, ...)                                                                           \
	do {                                                                                             \
		static const unsigned ours[] = { __VA_ARGS__ };                                          \
		assert_same_fields(&baophu__v1__##name##__descriptor, ours, sizeof ours / sizeof *ours); \
	} while (0)

Test(wire, kinds_are_the_field_numbers_of_the_proto)
{
	SAME_FIELDS(entry, WIRE_FACT, WIRE_WITHDRAWAL, WIRE_RATE, WIRE_DECLARE, WIRE_LEVEL_SET, WIRE_UNIT_CREATE, WIRE_UNIT_CHANGE,
		    WIRE_UNIT_CLOSE, WIRE_MEASURE_SET, WIRE_INDICATOR_SET, WIRE_PLAN_SET, WIRE_AGENT_SET, WIRE_GRANT,
		    WIRE_HELD_DECISION, WIRE_EPOCH_OPEN, WIRE_THRESHOLD_SET, WIRE_BACKUP);
	SAME_FIELDS(agent_message, WIRE_HELLO, WIRE_UPDATE, WIRE_STAGE, WIRE_BEAT, WIRE_STOP);
	SAME_FIELDS(collector_message, WIRE_WELCOME, WIRE_TURNED, WIRE_RECEIPTS, WIRE_NOT_NOW, WIRE_STAGED, WIRE_BEAT_ANSWER,
		    WIRE_STOPPED);
}

/* Under another epoch and number the same bytes as if it had been encoded so; what the encoders did not make is refused. */
Test(wire, renumbers_what_was_encoded)
{
	static uint8_t bytes[BAOPHU_MESSAGE_BYTES_MAX], wanted[BAOPHU_MESSAGE_BYTES_MAX], got[BAOPHU_MESSAGE_BYTES_MAX];
	const uint64_t numbers[] = { 1, 127, 128, 300000, UINT64_MAX };
	struct wire_entry entries[3];
	const uint8_t *stage_bytes, *stage_got;
	size_t stage_size, got_size;
	for (int i = 0; i < 3; i++)
		entries[i] = (struct wire_entry){ .kind = WIRE_FACT,
						  .fact = { "927", "bhyt", BAOPHU_WHOLE, 15000, 15000, i, BAOPHU_FINAL,
							    BAOPHU_REPORTED, BAOPHU_EXACT, BAOPHU_REASON_NONE } };
	for (size_t a = 0; a < 5; a++)
		for (size_t b = 0; b < 5; b++) {
			struct wire_payload payload = { "thoi-lai", numbers[a], numbers[b], 3, entries, false, { 0 } };
			ssize_t size = wire_encode_payload(&payload, bytes, sizeof bytes);
			payload.epoch = numbers[4 - a];
			payload.number = numbers[(b + 2) % 5];
			ssize_t wanted_size = wire_encode_payload(&payload, wanted, sizeof wanted);
			cr_assert(size > 0 && wanted_size > 0);
			cr_assert_eq(wire_renumber_payload(bytes, (size_t)size, payload.epoch, payload.number, got, sizeof got),
				     wanted_size);
			cr_assert_arr_eq(got, wanted, (size_t)wanted_size);
			cr_assert_eq(wire_renumber_payload(bytes, (size_t)size, 1, 1, got, 20), -BAOPHU_EFULL);

			struct wire_stage stage = {
				.epoch = numbers[a], .batch = numbers[b], .part = 7, .entry_count = 3, .entries = entries
			};
			size = wire_encode_stage(&stage, bytes, sizeof bytes, &stage_bytes, &stage_size);
			stage.epoch = numbers[4 - a];
			wanted_size = wire_encode_stage(&stage, wanted, sizeof wanted, &stage_bytes, &stage_size);
			cr_assert(size > 0 && wanted_size > 0);
			cr_assert_eq(wire_renumber_stage(bytes, (size_t)size, stage.epoch, got, sizeof got, &stage_got, &got_size),
				     wanted_size);
			cr_assert_arr_eq(got, wanted, (size_t)wanted_size);
			cr_assert(got_size == stage_size && memcmp(stage_got, stage_bytes, stage_size) == 0);
		}
	/* an entry before the header's fields; no agent; nothing; a stage that is none */
	const uint8_t turned[] = { 0x22, 0x00, 0x0a, 0x01, 'a', 0x10, 0x01, 0x18, 0x01 };
	cr_assert_eq(wire_renumber_payload(turned, sizeof turned, 2, 2, got, sizeof got), -BAOPHU_EMALFORMED);
	cr_assert_eq(wire_renumber_payload(turned + 5, 4, 2, 2, got, sizeof got), -BAOPHU_EMALFORMED);
	cr_assert_eq(wire_renumber_payload(turned, 0, 2, 2, got, sizeof got), -BAOPHU_EMALFORMED);
	cr_assert_eq(wire_renumber_stage(turned, sizeof turned, 2, got, sizeof got, &stage_got, &got_size), -BAOPHU_EMALFORMED);
}
