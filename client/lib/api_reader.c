/* api_reader.c - the reader of client.h: one question, and its records or events one after the other over however many pages.
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
	bool with_kept;
	struct wire_answer page;
	uint32_t record, event; /* next one of the page */
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

/* The part that all questions have, and the axes of the map. */
static int begin_question(struct baophu_reader *reader, enum wire_query_kind kind, const char *unit, const char *plan,
			  const char *const *measures, uint32_t measure_count)
{
	struct wire_query *query = &reader->query;
	if (measure_count > BAOPHU_QUERY_MEASURES_MAX || (measure_count && !measures))
		return -EINVAL;
	int error = copy_code(unit, &reader->unit);
	if (!error)
		error = copy_code(plan, &reader->plan);
	for (uint32_t i = 0; !error && i < measure_count; i++) {
		error = copy_code(measures[i], &reader->measures[i]);
		reader->measure_list[i] = reader->measures[i].text;
	}
	*query = reader_question(kind);
	query->unit = reader->unit.text;
	query->plan = reader->plan.text;
	query->measure_count = measure_count;
	query->measures = reader->measure_list;
	return error;
}

static int read_question(struct baophu_reader *reader, const struct baophu_question *question)
{
	struct wire_query *query = &reader->query;
	if (!question->unit || !*question->unit || question->depth > BAOPHU_DEPTH_MAX)
		return -EINVAL;
	int error = begin_question(reader, WIRE_QUERY_COVERAGE, question->unit, question->plan, question->measures,
				   question->measure_count);
	query->depth = question->depth;
	query->as_of = date_or_none(question->as_of);
	query->tree_date = date_or_none(question->tree_date);
	query->since = date_or_none(question->since);
	query->from = date_or_none(question->from);
	query->to = date_or_none(question->to);
	query->known_seq = question->known_seq;
	query->min_seq = question->min_seq;
	reader->timeout_ms = question->timeout_ms;
	return error;
}

static int read_event_question(struct baophu_reader *reader, const struct baophu_event_question *question)
{
	static const uint8_t unsaid[BAOPHU_DIGEST_BYTES];
	struct wire_query *query = &reader->query;
	if (question->depth > BAOPHU_DEPTH_MAX)
		return -EINVAL;
	int error = begin_question(reader, WIRE_QUERY_EVENTS, question->unit, question->plan, question->measures,
				   question->measure_count);
	query->depth = question->depth;
	query->as_of = date_or_none(question->tree_date);
	query->from = date_or_none(question->from);
	query->to = date_or_none(question->to);
	query->since_seq = question->since.seq;
	query->has_since_digest = memcmp(question->since.digest, unsaid, sizeof unsaid) != 0;
	memcpy(query->since_digest, question->since.digest, sizeof query->since_digest);
	query->known_seq = question->known_seq;
	query->min_seq = question->min_seq;
	reader->timeout_ms = question->timeout_ms;
	reader->with_kept = question->with_kept;
	return error;
}

static int take_page(struct baophu_reader *reader)
{
	reader->record = reader->event = 0;
	reader->page = (struct wire_answer){ 0 };
	reader->error = reader_query(reader->reader, &reader->query, reader->timeout_ms, &reader->page);
	if (reader->error)
		reader->page.record_count = reader->page.event_count = 0;
	return reader->error;
}

/* Asks what is in reader->query, unless that could not be read. */
static int ask(struct baophu_reader *reader, int read_error, struct baophu_answer *ret_answer)
{
	const struct wire_answer *page = &reader->page;
	*ret_answer = (struct baophu_answer){ .as_of = BAOPHU_DATE_NONE,
					      .tree_date = BAOPHU_DATE_NONE,
					      .detail.date = BAOPHU_DATE_NONE };
	reader->page = (struct wire_answer){ 0 };
	reader->error = read_error;
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

int baophu_reader_ask(struct baophu_reader *reader, const struct baophu_question *question, struct baophu_answer *ret_answer)
{
	return ask(reader, read_question(reader, question), ret_answer);
}

int baophu_reader_ask_events(struct baophu_reader *reader, const struct baophu_event_question *question,
			     struct baophu_answer *ret_answer)
{
	return ask(reader, read_event_question(reader, question), ret_answer);
}

int baophu_reader_next(struct baophu_reader *reader, const struct baophu_record **ret_record)
{
	if (reader->query.kind != WIRE_QUERY_COVERAGE)
		return -EINVAL;
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

int baophu_reader_next_event(struct baophu_reader *reader, const struct baophu_event **ret_event)
{
	if (reader->query.kind != WIRE_QUERY_EVENTS)
		return -EINVAL;
	while (!reader->error) {
		if (reader->event == reader->page.event_count) {
			if (!reader_next_page(&reader->query, &reader->page))
				return 0;
			take_page(reader);
			continue;
		}
		const struct baophu_event *event = &reader->page.events[reader->event++];
		if (!event->number && !reader->with_kept)
			continue;
		*ret_event = event;
		return 1;
	}
	return reader->error;
}
