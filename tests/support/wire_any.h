/* wire_any.h - any message of the wire behind one face, for the tests that treat all alike: read, write, and say in JSON.
 *
 * The JSON is protobuf's own mapping with the field names of the .proto, so that what our structs hold can be compared with what an
 * implementation that is not ours was told to encode.
 */
#pragma once

#include <jansson.h>

#include "wire.h"

enum any_kind {
	ANY_AGENT_MESSAGE,
	ANY_COLLECTOR_MESSAGE,
	ANY_PAYLOAD,
	ANY_RECEIPT,
	ANY_RECORD,
	ANY_SEAL,
	ANY_QUERY,
	ANY_ANSWER,
	ANY_COUNT
};

struct any {
	enum any_kind kind;
	union {
		struct wire_agent_message agent;
		struct wire_collector_message collector;
		struct wire_payload payload;
		struct wire_receipt receipt;
		struct baophu_record record;
		struct baophu_seal seal;
		struct wire_query query;
		struct wire_answer answer;
	};
	/* of a payload, or a stage, that is refused */
	enum baophu_code code;
	uint32_t entry;
};

/* The kind of the message that the .proto calls `name`; ANY_COUNT: there is none. */
enum any_kind any_kind_of(const char *name);
int any_decode(struct wire_arena *arena, enum any_kind kind, const void *bytes, size_t size, struct any *ret_any);
ssize_t any_encode(const struct any *any, void *buffer, size_t size);
/* Returns owned. */
json_t *any_json(const struct any *any);
/* The bytes of hex text (white space is skipped), returned owned; NULL when it is no hex. */
uint8_t *any_unhex(const char *hex, size_t *ret_size);
