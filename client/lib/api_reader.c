/* api_reader.c - the reader of client.h: one question, and its records one after the other over however many pages.
 *
 * Copies the question, because a later page asks it again. Does not hold more than the page in hand.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/client.h>

#include "reader.h"

struct code {
	char text[BAOPHU_CODE_BYTES_MAX + 1];
};
struct baophu_reader {
	struct reader *reader;
	struct wire_query query; /* points into what follows */
	struct code unit, plan, measures[BAOPHU_QUERY_MEASURES_MAX];
	const char *measure_list[BAOPHU_QUERY_MEASURES_MAX];
	int timeout_ms;
	struct wire_answer page;
	uint32_t record; /* next one of the page */
	int error; /* why the walk cannot go on */
};

int baophu_reader_open(const char *endpoint, struct baophu_reader **ret_reader)
{
	if (!endpoint)
		return -EINVAL;
	struct baophu_reader *reader = calloc(1, sizeof *reader);
	if (!reader)
		return -ENOMEM;
	int error = reader_open(NULL, endpoint, &reader->reader);
	if (error) {
		free(reader);
		return error;
	}
	*ret_reader = reader;
	return 0;
}

void baophu_reader_close(struct baophu_reader *reader)
{
	if (!reader)
		return;
	reader_close(reader->reader);
	free(reader);
}

static int copy_code(const char *text, struct code *ret_code)
{
	size_t bytes = text ? strlen(text) : 0;
	if (bytes > BAOPHU_CODE_BYTES_MAX)
		return -EINVAL;
	*ret_code = (struct code){ 0 };
	if (bytes)
		memcpy(ret_code->text, text, bytes);
	return 0;
}

static baophu_date date_or_none(baophu_date date) { return date ? date : BAOPHU_DATE_NONE; }

static int read_question(struct baophu_reader *reader, const struct baophu_question *question)
{
	struct wire_query *query = &reader->query;
	if (!question->unit || !*question->unit || question->depth > BAOPHU_DEPTH_MAX ||
	    question->measure_count > BAOPHU_QUERY_MEASURES_MAX || (question->measure_count && !question->measures))
		return -EINVAL;
	int error = copy_code(question->unit, &reader->unit);
	if (!error)
		error = copy_code(question->plan, &reader->plan);
	for (uint32_t i = 0; !error && i < question->measure_count; i++) {
		error = copy_code(question->measures[i], &reader->measures[i]);
		reader->measure_list[i] = reader->measures[i].text;
	}
	*query = reader_question(WIRE_QUERY_COVERAGE);
	query->unit = reader->unit.text;
	query->plan = reader->plan.text;
	query->depth = question->depth;
	query->as_of = date_or_none(question->as_of);
	query->tree_date = date_or_none(question->tree_date);
	query->since = date_or_none(question->since);
	query->from = date_or_none(question->from);
	query->to = date_or_none(question->to);
	query->known_seq = question->known_seq;
	query->min_seq = question->min_seq;
	query->measure_count = question->measure_count;
	query->measures = reader->measure_list;
	reader->timeout_ms = question->timeout_ms;
	return error;
}

static int take_page(struct baophu_reader *reader)
{
	reader->record = 0;
	reader->page = (struct wire_answer){ 0 };
	reader->error = reader_query(reader->reader, &reader->query, reader->timeout_ms, &reader->page);
	if (reader->error)
		reader->page.record_count = 0;
	return reader->error;
}

int baophu_reader_ask(struct baophu_reader *reader, const struct baophu_question *question, struct baophu_answer *ret_answer)
{
	const struct wire_answer *page = &reader->page;
	*ret_answer = (struct baophu_answer){ .as_of = BAOPHU_DATE_NONE,
					      .tree_date = BAOPHU_DATE_NONE,
					      .detail.date = BAOPHU_DATE_NONE };
	reader->page = (struct wire_answer){ 0 };
	reader->error = read_question(reader, question);
	if (reader->error)
		return reader->error;
	int error = take_page(reader);
	if (error && error != -BAOPHU_EREFUSED && error != -BAOPHU_ETIMEOUT)
		return error;
	ret_answer->code = page->code;
	ret_answer->cut = page->cut;
	ret_answer->as_of = page->as_of;
	ret_answer->tree_date = page->tree_date;
	ret_answer->known_seq = page->known_seq;
	if (page->code)
		ret_answer->detail = page->detail;
	if (page->text)
		strncat(ret_answer->text, page->text, sizeof ret_answer->text - 1);
	if (page->plan)
		strncat(ret_answer->plan, page->plan, sizeof ret_answer->plan - 1);
	return error;
}

int baophu_reader_next(struct baophu_reader *reader, const struct baophu_record **ret_record)
{
	while (!reader->error && reader->record == reader->page.record_count) {
		if (!reader_next_page(&reader->query, &reader->page))
			return 0;
		take_page(reader);
	}
	if (reader->error)
		return reader->error;
	*ret_record = &reader->page.records[reader->record++];
	return 1;
}
