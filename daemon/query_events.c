/* query_events.c - EVENTS: what units crossed, in order, from history. See query_engine.h.
 *
 * A position is the event that comes next, seq and index in one number. A page looks at a bounded number of events and may be empty without
 * being the last.
 */
#include "query_engine.h"

#include <errno.h>
#include <string.h>

enum { EVENTS_A_PAGE = 1 << 14 }; /* looked at, wanted or not */

struct event_list {
	struct question *question;
	const struct tree *tree;
	struct baophu_event *items;
	uint32_t count, seen;
	struct event last; /* seen */
	uint32_t number_count; /* of the measures and indicators asked for */
	struct {
		uint16_t number;
		bool is_indicator;
	} numbers[2 * BAOPHU_QUERY_MEASURES_MAX];
};

static uint64_t position_of(uint64_t seq, uint32_t index) { return seq << EVENT_INDEX_BITS | index; }

static void take_measures(struct event_list *list)
{
	const struct wire_query *query = list->question->query;
	const struct measures *measures = &list->question->engine->registry.measures;
	for (uint32_t i = 0; i < query->measure_count; i++) {
		uint16_t measure = measures_find(measures, query->measures[i]);
		uint16_t indicator = measures_find_indicator(measures, query->measures[i]);
		list->numbers[list->number_count].number = measure ? measure : indicator;
		list->numbers[list->number_count++].is_indicator = !measure;
	}
}

static bool is_wanted(const struct event_list *list, const struct event *event)
{
	const struct question *question = list->question;
	const struct wire_query *query = question->query;
	const struct tree *tree = list->tree;
	bool is_measure = !list->number_count;
	if (question->unit && (!tree_has(tree, event->unit) || !tree_is_below(tree, event->unit, question->unit) ||
			       tree->depth[event->unit] > tree->depth[question->unit] + query->depth))
		return false;
	if ((question->plan && event->plan != question->plan) || (query->from != BAOPHU_DATE_NONE && event->day < query->from) ||
	    (query->to != BAOPHU_DATE_NONE && event->day > query->to))
		return false;
	for (uint32_t i = 0; i < list->number_count && !is_measure; i++)
		is_measure = list->numbers[i].number == event->target && list->numbers[i].is_indicator == event->is_rate;
	return is_measure;
}

static int list_event(void *context, const struct event *event)
{
	struct event_list *list = context;
	if (!event->is_mark && is_wanted(list, event)) {
		if (list->count == list->question->limit) {
			question_continue(list->question, position_of(event->seq, event->index));
			return 1;
		}
		event_describe(&list->question->engine->registry, event, &list->items[list->count++]);
	}
	list->last = *event;
	list->seen++;
	return 0;
}

int query_events(struct question *question)
{
	struct query_engine *engine = question->engine;
	const struct wire_query *query = question->query;
	struct event_list list = { .question = question };
	uint64_t known_seq = question->answer->cut.seq, at = question->position;
	struct baophu_place place;
	int error = question_check_since(question);
	if (error || question->answer->code)
		return error;
	list.items = question_alloc(question, question->limit, sizeof *list.items);
	list.tree = question_tree(question);
	if (!list.items || !list.tree)
		return -ENOMEM;
	take_measures(&list);
	if (!at)
		at = position_of(query->since_seq + 1, 0);
	error = history_begin(engine->history_reader, &place);
	if (!error)
		error = history_events(engine->history_reader, query->depth ? 0 : question->unit, at >> EVENT_INDEX_BITS,
				       (uint32_t)(at & (EVENTS_OF_A_RECORD_MAX - 1)), known_seq, EVENTS_A_PAGE, list_event, &list);
	history_end(engine->history_reader);
	if (!error && list.seen == EVENTS_A_PAGE)
		question_continue(question, position_of(list.last.seq, list.last.index) + 1);
	question->answer->events = list.items;
	question->answer->event_count = list.count;
	return error < 0 ? error : 0;
}
