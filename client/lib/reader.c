/* reader.c - see reader.h. */
#include "reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"

enum {
	ANSWER_BYTES_MAX = 32 << 20, /* far above what a page is; bounds what a wrong peer can make us take */
	SEND_AGAIN_MS = 5,
	BEHIND_AGAIN_MS = 50,
};

struct reader {
	struct link link;
	uint64_t id;
	bool is_asked;
	uint32_t asked_on; /* up_count of the connection the question went out on */
	struct wire_arena arena; /* of the last answer */
	uint8_t scratch[BAOPHU_MESSAGE_BYTES_MAX];
};

int reader_open(void *context, const char *endpoint, struct reader **ret_reader)
{
	struct reader *reader = calloc(1, sizeof *reader);
	if (!reader)
		return -ENOMEM;
	int error = link_open(&reader->link, context, LINK_DEALER, endpoint, ANSWER_BYTES_MAX);
	if (error) {
		free(reader);
		return error;
	}
	*ret_reader = reader;
	return 0;
}

void reader_close(struct reader *reader)
{
	if (!reader)
		return;
	link_close(&reader->link);
	wire_arena_finish(&reader->arena);
	free(reader);
}

struct link *reader_link(struct reader *reader) { return &reader->link; }

void reader_descriptors(const struct reader *reader, int ret_descriptors[static 2])
{
	link_descriptors(&reader->link, ret_descriptors);
}

bool reader_is_waiting(const struct reader *reader)
{
	return reader->is_asked && reader->link.is_up && reader->asked_on == reader->link.up_count;
}

int reader_ask(struct reader *reader, const struct wire_query *query)
{
	struct wire_query question = *query;
	link_watch(&reader->link);
	reader->is_asked = false;
	if (!reader->link.is_up)
		return -EAGAIN;
	question.id = reader->id + 1;
	ssize_t bytes = wire_encode_query(&question, reader->scratch, sizeof reader->scratch);
	if (bytes < 0)
		return (int)bytes;
	int error = link_send(&reader->link, reader->scratch, (size_t)bytes);
	if (error)
		return error;
	reader->id = question.id;
	reader->is_asked = true;
	reader->asked_on = reader->link.up_count;
	return 0;
}

int reader_take(struct reader *reader, struct wire_answer *ret_answer)
{
	if (!reader->is_asked)
		return 0;
	for (;;) {
		zmq_msg_t frames[2];
		zmq_msg_init(&frames[0]);
		zmq_msg_init(&frames[1]);
		int count = link_receive(&reader->link, frames);
		int error = 0;
		struct wire_answer answer = { 0 };
		if (count == 1) {
			size_t size = zmq_msg_size(&frames[0]);
			error = link_arena_fit(&reader->arena, size);
			if (!error && wire_decode_answer(&reader->arena, zmq_msg_data(&frames[0]), size, &answer) < 0)
				error = -BAOPHU_EPROTOCOL;
		}
		zmq_msg_close(&frames[0]);
		zmq_msg_close(&frames[1]);
		if (error)
			return error;
		if (!count)
			return 0;
		if (count == 1 && answer.id == reader->id) {
			reader->is_asked = false;
			*ret_answer = answer;
			return answer.code == BAOPHU_CODE_NONE ? 1 : -BAOPHU_EREFUSED;
		} /* else: of a question that was given up */
	}
}

int reader_query(struct reader *reader, const struct wire_query *query, int timeout_ms, struct wire_answer *ret_answer)
{
	int64_t deadline_ms = link_now_ms() + (timeout_ms > 0 ? timeout_ms : READER_TIMEOUT_MS);
	struct link *links[] = { &reader->link };
	bool reads[] = { true };
	struct wire_answer answer = { 0 };
	reader->is_asked = false;
	for (;;) {
		int error = reader_is_waiting(reader) ? 0 : reader_ask(reader, query);
		if (error && error != -EAGAIN)
			return error;
		int result = reader_take(reader, &answer);
		if (result > 0) {
			*ret_answer = answer;
			return 0;
		}
		bool is_behind = result == -BAOPHU_EREFUSED &&
				 (answer.code == BAOPHU_CODE_BEHIND || baophu_code_is_retryable(answer.code));
		if (result < 0 && !is_behind) {
			*ret_answer = answer;
			return result;
		}
		int64_t left_ms = deadline_ms - link_now_ms();
		if (left_ms <= 0) {
			*ret_answer = answer;
			return -BAOPHU_ETIMEOUT;
		}
		int64_t wait_ms = is_behind ? BEHIND_AGAIN_MS : error && reader->link.is_up ? SEND_AGAIN_MS : left_ms;
		error = link_wait(links, reads, 1, (int)(wait_ms < left_ms ? wait_ms : left_ms));
		if (error)
			return error;
	}
}

struct wire_query reader_question(enum wire_query_kind kind)
{
	return (struct wire_query){ .kind = kind,
				    .unit = "",
				    .plan = "",
				    .agent = "",
				    .as_of = BAOPHU_DATE_NONE,
				    .tree_date = BAOPHU_DATE_NONE,
				    .since = BAOPHU_DATE_NONE,
				    .from = BAOPHU_DATE_NONE,
				    .to = BAOPHU_DATE_NONE };
}

bool reader_next_page(struct wire_query *query, const struct wire_answer *answer)
{
	if (!answer->next_page_bytes || answer->next_page_bytes > sizeof query->page)
		return false;
	memcpy(query->page, answer->next_page, answer->next_page_bytes);
	query->page_bytes = answer->next_page_bytes;
	return true;
}
