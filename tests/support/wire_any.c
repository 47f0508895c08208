/* wire_any.c - see wire_any.h. Says a default as absent, as protobuf does; what our structs read as a default is one. */
#include "wire_any.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include <baophu/date.h>

#include "baophu/v1/baophu.pb-c.h"

static void put_number(json_t *json, const char *name, uint64_t value)
{
	if (value)
		json_object_set_new(json, name, json_integer((json_int_t)value));
}

static void put_figure(json_t *json, const char *name, int64_t value)
{
	if (value != BAOPHU_ABSENT)
		json_object_set_new(json, name, json_integer(value));
}

static void put_text(json_t *json, const char *name, const char *text)
{
	if (text[0])
		json_object_set_new(json, name, json_string(text));
}

static void put_true(json_t *json, const char *name, bool value)
{
	if (value)
		json_object_set_new(json, name, json_true());
}

static void put_date(json_t *json, const char *name, baophu_date date) { put_number(json, name, baophu_date_to_civil(date)); }

static json_t *enum_name(const ProtobufCEnumDescriptor *descriptor, unsigned value)
{
	const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(descriptor, (int)value);
	return found ? json_string(found->name) : json_integer(value);
}

static void put_enum(json_t *json, const char *name, const ProtobufCEnumDescriptor *descriptor, unsigned value)
{
	if (value)
		json_object_set_new(json, name, enum_name(descriptor, value));
}

/* One that is read as `standard` when it is left out. */
static void put_enum_but(json_t *json, const char *name, const ProtobufCEnumDescriptor *descriptor, unsigned value,
			 unsigned standard)
{
	if (value != standard)
		put_enum(json, name, descriptor, value);
}

static void put_bytes(json_t *json, const char *name, const uint8_t *bytes, size_t size)
{
	if (!size)
		return;
	size_t room = sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL);
	char *text = malloc(room);
	sodium_bin2base64(text, room, bytes, size, sodium_base64_VARIANT_ORIGINAL);
	json_object_set_new(json, name, json_string(text));
	free(text);
}

static void put_place(json_t *json, const char *name, const struct baophu_place *place)
{
	json_t *inner = json_object();
	put_number(inner, "seq", place->seq);
	put_bytes(inner, "digest", place->digest, BAOPHU_DIGEST_BYTES);
	json_object_set_new(json, name, inner);
}

static void put_texts(json_t *json, const char *name, const char *const *texts, uint32_t count)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(texts[i]));
	if (count)
		json_object_set(json, name, list);
	json_decref(list);
}

/* ---- entries ---- */

static void put_slot(json_t *json, const struct wire_fact *fact)
{
	put_text(json, "unit", fact->unit);
	put_text(json, "measure", fact->measure);
	put_enum_but(json, "extent", &baophu__v1__extent__descriptor, fact->extent, BAOPHU_WHOLE);
	if (fact->from != fact->to)
		put_date(json, "from", fact->from);
	put_date(json, "to", fact->to);
	put_enum(json, "reason", &baophu__v1__reason__descriptor, fact->reason);
}

static void put_fact(json_t *json, const struct wire_fact *fact)
{
	put_slot(json, fact);
	put_figure(json, "value", fact->value);
	put_enum_but(json, "status", &baophu__v1__status__descriptor, fact->status, BAOPHU_FINAL);
	put_enum_but(json, "origin", &baophu__v1__origin__descriptor, fact->origin, BAOPHU_REPORTED);
	put_enum_but(json, "bound", &baophu__v1__bound__descriptor, fact->bound, BAOPHU_EXACT);
}

static void put_rate(json_t *json, const struct wire_rate *rate)
{
	put_text(json, "unit", rate->unit);
	put_text(json, "measure", rate->measure);
	put_enum(json, "denominator", &baophu__v1__denominator__descriptor, rate->denominator);
	put_text(json, "over", rate->over);
	if (rate->from != rate->to)
		put_date(json, "from", rate->from);
	put_date(json, "to", rate->to);
	put_figure(json, "digits", rate->digits);
	put_number(json, "decimals", rate->decimals);
	put_enum_but(json, "status", &baophu__v1__status__descriptor, rate->status, BAOPHU_FINAL);
	put_enum_but(json, "bound", &baophu__v1__bound__descriptor, rate->bound, BAOPHU_EXACT);
}

static void put_measure(json_t *json, const struct wire_measure_set *measure)
{
	put_text(json, "code", measure->code);
	put_text(json, "name_vi", measure->name_vi);
	put_text(json, "name_en", measure->name_en);
	put_text(json, "unit_vi", measure->unit_vi);
	put_text(json, "unit_en", measure->unit_en);
	put_enum(json, "kind", &baophu__v1__measure_kind__descriptor, measure->kind);
	put_text(json, "parent", measure->parent);
}

static void put_indicator(json_t *json, const struct wire_indicator_set *indicator)
{
	put_text(json, "code", indicator->code);
	put_text(json, "name_vi", indicator->name_vi);
	put_text(json, "name_en", indicator->name_en);
	put_text(json, "numerator", indicator->numerator);
	put_text(json, "denominator", indicator->denominator);
}

/* In an entry an origin that is left out is REPORTED; a listing says it. */
static void put_plan(json_t *json, const struct wire_plan_set *plan, unsigned standard_origin)
{
	put_text(json, "code", plan->code);
	put_text(json, "unit", plan->unit);
	put_enum(json, "kind", &baophu__v1__plan_kind__descriptor, plan->kind);
	put_text(json, "target", plan->target);
	put_date(json, "from", plan->from);
	put_date(json, "to", plan->to);
	put_figure(json, "value", plan->value);
	put_number(json, "decimals", plan->decimals);
	put_enum_but(json, "origin", &baophu__v1__origin__descriptor, plan->origin, standard_origin);
	put_text(json, "issuer", plan->issuer);
	put_text(json, "document", plan->document);
}

static void put_close(json_t *json, const struct wire_unit_close *close)
{
	put_text(json, "unit", close->unit);
	put_date(json, "date", close->date);
	json_t *successors = json_array();
	for (uint32_t i = 0; i < close->successor_count; i++) {
		json_t *successor = json_object();
		put_text(successor, "unit", close->successors[i].unit);
		if (close->successors[i].weight != 1)
			json_object_set_new(successor, "weight", json_integer(close->successors[i].weight));
		json_array_append_new(successors, successor);
	}
	if (close->successor_count)
		json_object_set(json, "successors", successors);
	json_decref(successors);
}

static void put_grant(json_t *json, const struct wire_grant *grant)
{
	put_text(json, "agent", grant->agent);
	put_text(json, "unit", grant->unit);
	put_texts(json, "measures", grant->measures, grant->measure_count);
	put_enum(json, "extent", &baophu__v1__extent__descriptor, grant->extent);
	put_date(json, "from", grant->from);
	put_date(json, "until", grant->until);
	put_true(json, "revoke", grant->revoke);
}

static void put_declare(json_t *json, const struct wire_declare *declare)
{
	put_text(json, "unit", declare->unit);
	put_text(json, "level", declare->level);
	put_texts(json, "measures", declare->measures, declare->measure_count);
	put_enum_but(json, "extent", &baophu__v1__extent__descriptor, declare->extent, BAOPHU_WHOLE);
	put_enum(json, "rhythm", &baophu__v1__rhythm__descriptor, declare->rhythm);
	put_number(json, "closing_day", declare->closing_day);
	put_number(json, "grace_days", declare->grace_days);
	put_true(json, "remove", declare->remove);
}

static json_t *entry_json(const struct wire_entry *entry)
{
	static const char *const names[] = {
		[WIRE_FACT] = "fact",
		[WIRE_WITHDRAWAL] = "withdrawal",
		[WIRE_RATE] = "rate",
		[WIRE_DECLARE] = "declare",
		[WIRE_LEVEL_SET] = "level",
		[WIRE_UNIT_CREATE] = "unit_create",
		[WIRE_UNIT_CHANGE] = "unit_change",
		[WIRE_UNIT_CLOSE] = "unit_close",
		[WIRE_MEASURE_SET] = "measure",
		[WIRE_INDICATOR_SET] = "indicator",
		[WIRE_PLAN_SET] = "plan",
		[WIRE_AGENT_SET] = "agent",
		[WIRE_GRANT] = "grant",
		[WIRE_HELD_DECISION] = "held",
		[WIRE_EPOCH_OPEN] = "epoch_open",
		[WIRE_THRESHOLD_SET] = "threshold",
		[WIRE_BACKUP] = "backup",
	};
	json_t *json = json_object(), *outer = json_object();
	switch (entry->kind) {
	case WIRE_FACT:
		put_fact(json, &entry->fact);
		break;
	case WIRE_WITHDRAWAL:
		put_slot(json, &entry->fact);
		break;
	case WIRE_RATE:
		put_rate(json, &entry->rate);
		break;
	case WIRE_DECLARE:
		put_declare(json, &entry->declare);
		break;
	case WIRE_LEVEL_SET:
		put_text(json, "code", entry->level.code);
		put_text(json, "name_vi", entry->level.name_vi);
		put_text(json, "name_en", entry->level.name_en);
		break;
	case WIRE_UNIT_CREATE:
		put_text(json, "code", entry->unit_create.code);
		put_text(json, "name", entry->unit_create.name);
		put_text(json, "level", entry->unit_create.level);
		put_text(json, "parent", entry->unit_create.parent);
		put_date(json, "date", entry->unit_create.date);
		break;
	case WIRE_UNIT_CHANGE:
		put_text(json, "unit", entry->unit_change.unit);
		put_date(json, "date", entry->unit_change.date);
		put_text(json, "code", entry->unit_change.code);
		put_text(json, "name", entry->unit_change.name);
		put_text(json, "level", entry->unit_change.level);
		put_text(json, "parent", entry->unit_change.parent);
		break;
	case WIRE_UNIT_CLOSE:
		put_close(json, &entry->unit_close);
		break;
	case WIRE_MEASURE_SET:
		put_measure(json, &entry->measure);
		break;
	case WIRE_INDICATOR_SET:
		put_indicator(json, &entry->indicator);
		break;
	case WIRE_PLAN_SET:
		put_plan(json, &entry->plan, BAOPHU_REPORTED);
		put_true(json, "remove", entry->plan.remove);
		break;
	case WIRE_AGENT_SET:
		put_text(json, "name", entry->agent.name);
		put_date(json, "from", entry->agent.from);
		put_date(json, "until", entry->agent.until);
		break;
	case WIRE_GRANT:
		put_grant(json, &entry->grant);
		break;
	case WIRE_HELD_DECISION:
		put_number(json, "seq", entry->held.seq);
		put_true(json, "release", entry->held.release);
		break;
	case WIRE_EPOCH_OPEN:
		put_text(json, "agent", entry->epoch_open.agent);
		put_number(json, "epoch", entry->epoch_open.epoch);
		break;
	case WIRE_THRESHOLD_SET:
		put_text(json, "plan", entry->threshold.plan);
		put_figure(json, "digits", entry->threshold.digits);
		put_number(json, "decimals", entry->threshold.decimals);
		put_true(json, "remove", entry->threshold.remove);
		break;
	case WIRE_BACKUP:
		put_place(json, "place", &entry->backup.place);
		break;
	}
	json_object_set_new(outer, names[entry->kind], json);
	return outer;
}

static void put_entries(json_t *json, const struct wire_entry *entries, uint32_t count)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(list, entry_json(&entries[i]));
	if (count)
		json_object_set(json, "entries", list);
	json_decref(list);
}

static json_t *payload_json(const struct wire_payload *payload)
{
	json_t *json = json_object();
	put_text(json, "agent", payload->agent);
	put_number(json, "epoch", payload->epoch);
	put_number(json, "number", payload->number);
	put_entries(json, payload->entries, payload->entry_count);
	if (payload->has_apply) {
		json_t *apply = json_object();
		put_number(apply, "batch", payload->apply.batch);
		put_number(apply, "parts", payload->apply.parts);
		put_number(apply, "entries", payload->apply.entries);
		put_bytes(apply, "digest", payload->apply.digest, BAOPHU_DIGEST_BYTES);
		json_object_set_new(json, "apply", apply);
	}
	return json;
}

/* ---- envelopes ---- */

static json_t *agent_json(const struct wire_agent_message *message)
{
	static const char *const names[] = { NULL, "hello", "update", "stage", "beat", "stop" };
	json_t *json = json_object(), *outer = json_object();
	switch (message->kind) {
	case WIRE_HELLO:
		put_number(json, "protocol", message->hello.protocol);
		put_text(json, "agent", message->hello.agent);
		put_number(json, "epoch", message->hello.epoch);
		if (message->hello.has_last)
			put_place(json, "last", &message->hello.last);
		break;
	case WIRE_UPDATE:
		put_number(json, "epoch", message->update.epoch);
		put_number(json, "number", message->update.number);
		put_bytes(json, "payload", message->update.payload, message->update.payload_bytes);
		put_true(json, "want_effect", message->update.want_effect);
		break;
	case WIRE_STAGE:
		put_number(json, "epoch", message->stage.epoch);
		put_number(json, "batch", message->stage.batch);
		put_number(json, "part", message->stage.part);
		put_entries(json, message->stage.entries, message->stage.entry_count);
		break;
	case WIRE_BEAT:
	case WIRE_STOP:
		break;
	}
	json_object_set_new(outer, names[message->kind], json);
	return outer;
}

static void put_items(json_t *json, const struct wire_receipt_item *items, uint32_t count)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < count; i++) {
		json_t *item = json_object(), *effects = json_array();
		put_bytes(item, "receipt", items[i].receipt, items[i].receipt_bytes);
		for (uint32_t e = 0; e < items[i].effect_count; e++) {
			json_t *effect = json_object();
			put_number(effect, "entry", items[i].effects[e].entry);
			put_figure(effect, "value", items[i].effects[e].value);
			put_text(effect, "plan", items[i].effects[e].plan);
			put_figure(effect, "target", items[i].effects[e].target);
			json_array_append_new(effects, effect);
		}
		if (items[i].effect_count)
			json_object_set(item, "effects", effects);
		json_decref(effects);
		put_text(item, "suggestion", items[i].suggestion);
		json_array_append_new(list, item);
	}
	if (count)
		json_object_set(json, "items", list);
	json_decref(list);
}

static json_t *collector_json(const struct wire_collector_message *message)
{
	static const char *const names[] = { NULL, "welcome", "turned", "receipts", "not_now", "staged", "beat", "stopped" };
	json_t *json = json_object(), *outer = json_object();
	switch (message->kind) {
	case WIRE_WELCOME:
		put_bytes(json, "store", message->welcome.store, BAOPHU_STORE_BYTES);
		put_place(json, "head", &message->welcome.head);
		put_number(json, "epoch", message->welcome.epoch);
		put_number(json, "next", message->welcome.next);
		put_number(json, "credit_bytes", message->welcome.credit_bytes);
		if (message->welcome.has_backup)
			put_place(json, "backup", &message->welcome.backup);
		put_true(json, "last_unknown", message->welcome.last_unknown);
		break;
	case WIRE_TURNED:
		put_enum(json, "code", &baophu__v1__code__descriptor, message->turned);
		break;
	case WIRE_RECEIPTS:
		put_items(json, message->receipts.items, message->receipts.item_count);
		break;
	case WIRE_NOT_NOW:
		put_number(json, "epoch", message->not_now.epoch);
		put_number(json, "number", message->not_now.number);
		put_enum(json, "code", &baophu__v1__code__descriptor, message->not_now.code);
		put_number(json, "expect", message->not_now.expect);
		put_number(json, "retry_after_ms", message->not_now.retry_after_ms);
		break;
	case WIRE_STAGED:
		put_number(json, "batch", message->staged.batch);
		put_number(json, "part", message->staged.part);
		put_enum(json, "code", &baophu__v1__code__descriptor, message->staged.code);
		break;
	case WIRE_BEAT_ANSWER:
		put_place(json, "head", &message->head);
		break;
	case WIRE_STOPPED:
		break;
	}
	json_object_set_new(outer, names[message->kind], json);
	return outer;
}

static json_t *receipt_json(const struct wire_receipt *receipt)
{
	json_t *json = json_object();
	put_text(json, "agent", receipt->agent);
	put_number(json, "epoch", receipt->epoch);
	put_number(json, "number", receipt->number);
	put_place(json, "place", &receipt->place);
	put_enum(json, "verdict", &baophu__v1__verdict__descriptor, receipt->verdict);
	put_enum(json, "code", &baophu__v1__code__descriptor, receipt->code);
	if (receipt->entry != UINT32_MAX)
		json_object_set_new(json, "entry", json_integer(receipt->entry));
	return json;
}

/* ---- coverage ---- */

static json_t *row_json(const struct baophu_row *row)
{
	json_t *json = json_object(), *flags = json_array();
	put_enum(json, "kind", &baophu__v1__row_kind__descriptor, row->kind);
	put_text(json, "measure", row->measure);
	put_date(json, "from", row->from);
	put_date(json, "to", row->to);
	put_figure(json, "value", row->value);
	put_enum(json, "basis", &baophu__v1__basis__descriptor, row->basis);
	put_figure(json, "whole", row->whole);
	put_figure(json, "sum", row->sum);
	put_figure(json, "gap", row->gap);
	put_enum(json, "state", &baophu__v1__state__descriptor, row->state);
	put_enum(json, "status", &baophu__v1__status__descriptor, row->status);
	put_enum(json, "origin", &baophu__v1__origin__descriptor, row->origin);
	put_enum(json, "bound", &baophu__v1__bound__descriptor, row->bound);
	put_number(json, "reported", row->reported);
	put_number(json, "expected", row->expected);
	put_text(json, "plan", row->plan);
	put_enum(json, "plan_state", &baophu__v1__plan_state__descriptor, row->plan_state);
	put_figure(json, "target", row->target);
	put_number(json, "decimals", row->decimals);
	put_figure(json, "remaining", row->remaining);
	put_figure(json, "numerator", row->numerator);
	put_figure(json, "denominator", row->denominator);
	put_text(json, "denominator_measure", row->denominator_measure);
	put_date(json, "oldest", row->oldest);
	for (size_t i = 0; i < BAOPHU_ROW_FLAGS_MAX && row->flags[i]; i++)
		json_array_append_new(flags, enum_name(&baophu__v1__flag__descriptor, row->flags[i]));
	if (json_array_size(flags))
		json_object_set(json, "flags", flags);
	json_decref(flags);
	put_enum(json, "reason", &baophu__v1__reason__descriptor, row->reason);
	put_number(json, "uncovered_days", row->uncovered_days);
	put_number(json, "unused", row->unused);
	put_figure(json, "estimated", row->estimated);
	put_figure(json, "own", row->own);
	put_figure(json, "previous", row->previous);
	put_figure(json, "moved_net", row->moved_net);
	put_date(json, "whole_to", row->whole_to);
	put_number(json, "fresh", row->fresh);
	put_number(json, "declared", row->declared);
	return json;
}

static json_t *event_json(const void *element)
{
	const struct baophu_event *event = element;
	json_t *json = json_object();
	put_number(json, "seq", event->seq);
	put_number(json, "index", event->index);
	put_number(json, "cause", event->cause);
	put_number(json, "unit_number", event->unit_number);
	put_text(json, "unit", event->unit);
	put_text(json, "name", event->name);
	put_text(json, "plan", event->plan);
	put_text(json, "measure", event->measure);
	put_number(json, "line_digits", event->line_digits);
	put_number(json, "line_decimals", event->line_decimals);
	put_enum(json, "direction", &baophu__v1__direction__descriptor, event->direction);
	put_figure(json, "numerator", event->numerator);
	put_figure(json, "denominator", event->denominator);
	put_figure(json, "target", event->target);
	put_number(json, "decimals", event->decimals);
	put_date(json, "day", event->day);
	put_number(json, "time_ms", (uint64_t)event->time_ms);
	put_number(json, "nth", event->nth);
	put_number(json, "count", event->count);
	put_number(json, "number", event->number);
	return json;
}

static json_t *record_json(const struct baophu_record *record)
{
	json_t *json = json_object(), *rows = json_array(), *events = json_array();
	put_number(json, "unit_number", record->unit_number);
	put_number(json, "version", record->version);
	put_number(json, "previous", record->previous);
	put_text(json, "unit", record->unit);
	put_text(json, "name", record->name);
	put_text(json, "level", record->level);
	put_text(json, "parent", record->parent);
	put_number(json, "depth", record->depth);
	put_date(json, "date", record->date);
	put_number(json, "seq", record->seq);
	for (uint32_t i = 0; i < record->row_count; i++)
		json_array_append_new(rows, row_json(&record->rows[i]));
	if (record->row_count)
		json_object_set(json, "rows", rows);
	json_decref(rows);
	put_true(json, "tombstone", record->tombstone);
	put_number(json, "event_count", record->event_count);
	for (uint32_t i = 0; i < record->new_event_count; i++)
		json_array_append_new(events, event_json(&record->events[i]));
	if (record->new_event_count)
		json_object_set(json, "events", events);
	json_decref(events);
	return json;
}

static json_t *seal_json(const struct baophu_seal *seal)
{
	json_t *json = json_object();
	put_place(json, "place", &seal->place);
	put_number(json, "count", seal->count);
	put_number(json, "sum", seal->sum);
	put_date(json, "date", seal->date);
	return json;
}

/* ---- query and answer ---- */

static json_t *query_json(const struct wire_query *query)
{
	json_t *json = json_object();
	put_number(json, "id", query->id);
	put_enum(json, "kind", &baophu__v1__query_kind__descriptor, query->kind);
	put_text(json, "unit", query->unit);
	put_number(json, "depth", query->depth);
	put_date(json, "as_of", query->as_of);
	put_number(json, "known_seq", query->known_seq);
	put_date(json, "tree_date", query->tree_date);
	put_text(json, "plan", query->plan);
	put_texts(json, "measures", query->measures, query->measure_count);
	put_date(json, "since", query->since);
	put_date(json, "from", query->from);
	put_date(json, "to", query->to);
	put_number(json, "min_seq", query->min_seq);
	put_bytes(json, "page", query->page, query->page_bytes);
	put_number(json, "limit", query->limit);
	put_number(json, "since_seq", query->since_seq);
	put_bytes(json, "since_digest", query->since_digest, query->has_since_digest ? BAOPHU_DIGEST_BYTES : 0);
	put_text(json, "agent", query->agent);
	put_enum(json, "freshness", &baophu__v1__freshness__descriptor, query->freshness);
	return json;
}

static void put_list(json_t *json, const char *name, const void *elements, size_t size, uint32_t count, json_t *say(const void *))
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(list, say((const char *)elements + i * size));
	if (count)
		json_object_set(json, name, list);
	json_decref(list);
}

static json_t *fact_version_json(const void *element)
{
	const struct wire_fact_version *fact = element;
	json_t *json = json_object();
	put_number(json, "seq", fact->seq);
	put_number(json, "index", fact->index);
	put_text(json, "measure", fact->measure);
	put_enum(json, "extent", &baophu__v1__extent__descriptor, fact->extent);
	put_date(json, "from", fact->from);
	put_date(json, "to", fact->to);
	put_figure(json, "value", fact->value);
	put_enum(json, "status", &baophu__v1__status__descriptor, fact->status);
	put_enum(json, "origin", &baophu__v1__origin__descriptor, fact->origin);
	put_enum(json, "bound", &baophu__v1__bound__descriptor, fact->bound);
	put_enum(json, "reason", &baophu__v1__reason__descriptor, fact->reason);
	put_text(json, "agent", fact->agent);
	put_number(json, "time_ms", (uint64_t)fact->time_ms);
	put_true(json, "stands", fact->stands);
	put_text(json, "unit", fact->unit);
	return json;
}

static json_t *former_unit_json(const void *element)
{
	const struct wire_former_unit *former = element;
	json_t *json = json_object();
	put_number(json, "number", former->number);
	put_text(json, "code", former->code);
	put_text(json, "name", former->name);
	put_date(json, "from", former->from);
	put_date(json, "until", former->until);
	return json;
}

static json_t *unit_info_json(const void *element)
{
	const struct wire_unit_info *unit = element;
	json_t *json = json_object();
	put_number(json, "number", unit->number);
	put_text(json, "code", unit->code);
	put_text(json, "name", unit->name);
	put_text(json, "level", unit->level);
	put_text(json, "parent", unit->parent);
	put_number(json, "depth", unit->depth);
	put_date(json, "from", unit->from);
	put_date(json, "until", unit->until);
	put_list(json, "former", unit->former, sizeof *unit->former, unit->former_count, former_unit_json);
	return json;
}

static json_t *measure_info_json(const void *element)
{
	json_t *json = json_object();
	put_measure(json, element);
	return json;
}

static json_t *indicator_info_json(const void *element)
{
	json_t *json = json_object();
	put_indicator(json, element);
	return json;
}

static json_t *plan_info_json(const void *element)
{
	const struct wire_plan_info *info = element;
	json_t *json = json_object();
	put_plan(json, &info->plan, BAOPHU_ORIGIN_NONE);
	put_number(json, "revision", info->revision);
	put_number(json, "seq", info->seq);
	return json;
}

static json_t *threshold_info_json(const void *element)
{
	const struct wire_threshold_info *info = element;
	json_t *json = json_object();
	put_text(json, "plan", info->threshold.plan);
	put_number(json, "digits", (uint64_t)info->threshold.digits);
	put_number(json, "decimals", info->threshold.decimals);
	put_number(json, "seq", info->seq);
	return json;
}

static json_t *grant_info_json(const void *element)
{
	const struct wire_grant_info *grant = element;
	json_t *json = json_object();
	put_text(json, "unit", grant->unit);
	put_texts(json, "measures", grant->measures, grant->measure_count);
	put_enum(json, "extent", &baophu__v1__extent__descriptor, grant->extent);
	put_date(json, "from", grant->from);
	put_date(json, "until", grant->until);
	put_number(json, "seq", grant->seq);
	return json;
}

static json_t *agent_info_json(const void *element)
{
	const struct wire_agent_info *agent = element;
	json_t *json = json_object();
	put_text(json, "name", agent->name);
	put_date(json, "from", agent->from);
	put_date(json, "until", agent->until);
	put_number(json, "epochs", agent->epochs);
	put_number(json, "last_seq", agent->last_seq);
	put_number(json, "last_ms", (uint64_t)agent->last_ms);
	put_number(json, "frozen", agent->frozen);
	put_texts(json, "units", agent->units, agent->unit_count);
	put_list(json, "grants", agent->grants, sizeof *agent->grants, agent->grant_count, grant_info_json);
	put_enum(json, "freshness", &baophu__v1__freshness__descriptor, agent->freshness);
	put_number(json, "declared", agent->declared);
	put_number(json, "fresh", agent->fresh);
	put_number(json, "due", agent->due);
	put_number(json, "late", agent->late);
	put_number(json, "silent", agent->silent);
	return json;
}

static json_t *due_info_json(const void *element)
{
	const struct wire_due_info *due = element;
	json_t *json = json_object();
	put_text(json, "agent", due->agent);
	put_text(json, "unit", due->unit);
	put_text(json, "name", due->name);
	put_text(json, "measure", due->measure);
	put_enum(json, "extent", &baophu__v1__extent__descriptor, due->extent);
	put_enum(json, "rhythm", &baophu__v1__rhythm__descriptor, due->rhythm);
	put_number(json, "closing_day", due->closing_day);
	put_number(json, "grace_days", due->grace_days);
	put_date(json, "since", due->since);
	put_enum(json, "freshness", &baophu__v1__freshness__descriptor, due->freshness);
	put_date(json, "newest", due->newest);
	put_date(json, "closing", due->closing);
	put_date(json, "next_closing", due->next_closing);
	return json;
}

static json_t *held_info_json(const void *element)
{
	const struct wire_held_info *held = element;
	json_t *json = json_object();
	put_number(json, "seq", held->seq);
	put_text(json, "agent", held->agent);
	put_number(json, "epoch", held->epoch);
	put_number(json, "number", held->number);
	put_enum(json, "code", &baophu__v1__code__descriptor, held->code);
	put_number(json, "entry", held->entry);
	put_number(json, "time_ms", (uint64_t)held->time_ms);
	put_text(json, "unit", held->unit);
	put_text(json, "suggestion", held->suggestion);
	put_enum(json, "decision", &baophu__v1__verdict__descriptor, held->decision);
	put_number(json, "decision_seq", held->decision_seq);
	return json;
}

static json_t *log_info_json(const void *element)
{
	const struct wire_log_info *log = element;
	json_t *json = json_object();
	put_place(json, "place", &log->place);
	put_text(json, "kind", log->kind);
	put_number(json, "time_ms", (uint64_t)log->time_ms);
	put_text(json, "agent", log->agent);
	put_number(json, "epoch", log->epoch);
	put_number(json, "number", log->number);
	put_enum(json, "verdict", &baophu__v1__verdict__descriptor, log->verdict);
	put_enum(json, "code", &baophu__v1__code__descriptor, log->code);
	if (log->entry != UINT32_MAX)
		json_object_set_new(json, "entry", json_integer(log->entry));
	put_number(json, "entries", log->entries);
	return json;
}

static json_t *record_element_json(const void *element) { return record_json(element); }

static json_t *status_json(const struct wire_server_status *status)
{
	json_t *json = json_object(), *counters = json_array();
	put_bytes(json, "store", status->store, BAOPHU_STORE_BYTES);
	put_number(json, "history_seq", status->history_seq);
	put_date(json, "business_day", status->business_day);
	put_number(json, "state_digest", status->state_digest);
	put_number(json, "units", status->units);
	put_number(json, "facts", status->facts);
	put_number(json, "held", status->held);
	put_number(json, "agents", status->agents);
	put_number(json, "started_ms", (uint64_t)status->started_ms);
	put_number(json, "updates", status->updates);
	put_number(json, "entries", status->entries);
	for (uint32_t i = 0; i < status->counter_count; i++) {
		json_t *counter = json_object();
		put_text(counter, "name", status->counters[i].name);
		put_number(counter, "value", status->counters[i].value);
		json_array_append_new(counters, counter);
	}
	if (status->counter_count)
		json_object_set(json, "counters", counters);
	json_decref(counters);
	put_true(json, "day_held", status->day_held);
	put_text(json, "version", status->version);
	put_true(json, "disk_full", status->disk_full);
	if (status->has_backup)
		put_place(json, "backup", &status->backup);
	put_number(json, "backup_ms", (uint64_t)status->backup_ms);
	return json;
}

static json_t *detail_json(const struct baophu_detail *detail)
{
	json_t *json = json_object();
	put_enum(json, "fault", &baophu__v1__fault__descriptor, detail->fault);
	put_text(json, "named", detail->named);
	put_date(json, "date", detail->date);
	put_text(json, "successor", detail->successor);
	put_text(json, "successor_name", detail->successor_name);
	put_number(json, "wanted_seq", detail->wanted_seq);
	put_number(json, "newest_seq", detail->newest_seq);
	return json;
}

static json_t *answer_json(const struct wire_answer *answer)
{
	json_t *json = json_object();
	put_number(json, "id", answer->id);
	put_enum(json, "code", &baophu__v1__code__descriptor, answer->code);
	put_text(json, "text", answer->text);
	put_place(json, "cut", &answer->cut);
	put_date(json, "as_of", answer->as_of);
	put_number(json, "known_seq", answer->known_seq);
	put_date(json, "tree_date", answer->tree_date);
	put_text(json, "plan", answer->plan);
	put_bytes(json, "next_page", answer->next_page, answer->next_page_bytes);
	put_list(json, "records", answer->records, sizeof *answer->records, answer->record_count, record_element_json);
	put_list(json, "facts", answer->facts, sizeof *answer->facts, answer->fact_count, fact_version_json);
	put_list(json, "units", answer->units, sizeof *answer->units, answer->unit_count, unit_info_json);
	put_list(json, "measures", answer->measures, sizeof *answer->measures, answer->measure_count, measure_info_json);
	put_list(json, "indicators", answer->indicators, sizeof *answer->indicators, answer->indicator_count, indicator_info_json);
	put_list(json, "plans", answer->plans, sizeof *answer->plans, answer->plan_count, plan_info_json);
	put_list(json, "agents", answer->agents, sizeof *answer->agents, answer->agent_count, agent_info_json);
	put_list(json, "held", answer->held, sizeof *answer->held, answer->held_count, held_info_json);
	put_list(json, "log", answer->log, sizeof *answer->log, answer->log_count, log_info_json);
	put_list(json, "events", answer->events, sizeof *answer->events, answer->event_count, event_json);
	put_list(json, "thresholds", answer->thresholds, sizeof *answer->thresholds, answer->threshold_count, threshold_info_json);
	put_list(json, "due", answer->due, sizeof *answer->due, answer->due_count, due_info_json);
	if (answer->status)
		json_object_set_new(json, "status", status_json(answer->status));
	if (answer->detail.fault)
		json_object_set_new(json, "detail", detail_json(&answer->detail));
	return json;
}

/* ---- any ---- */

enum any_kind any_kind_of(const char *name)
{
	static const char *const names[ANY_COUNT] = {
		[ANY_AGENT_MESSAGE] = "AgentMessage",
		[ANY_COLLECTOR_MESSAGE] = "CollectorMessage",
		[ANY_PAYLOAD] = "Payload",
		[ANY_RECEIPT] = "Receipt",
		[ANY_RECORD] = "CoverageRecord",
		[ANY_SEAL] = "Seal",
		[ANY_QUERY] = "Query",
		[ANY_ANSWER] = "Answer",
	};
	for (unsigned i = 0; i < ANY_COUNT; i++)
		if (strcmp(names[i], name) == 0)
			return (enum any_kind)i;
	return ANY_COUNT;
}

int any_decode(struct wire_arena *arena, enum any_kind kind, const void *bytes, size_t size, struct any *ret_any)
{
	const char *why;
	int error;
	ret_any->kind = kind;
	ret_any->code = BAOPHU_CODE_NONE;
	ret_any->entry = UINT32_MAX;
	switch (kind) {
	case ANY_AGENT_MESSAGE:
		error = wire_decode_agent_message(arena, bytes, size, &ret_any->agent);
		if (!error && ret_any->agent.kind == WIRE_STAGE) {
			ret_any->code = ret_any->agent.stage.code;
			ret_any->entry = ret_any->agent.stage.bad_entry;
		}
		return error;
	case ANY_COLLECTOR_MESSAGE:
		return wire_decode_collector_message(arena, bytes, size, &ret_any->collector);
	case ANY_PAYLOAD:
		return wire_decode_payload(arena, bytes, size, &ret_any->payload, &ret_any->code, &ret_any->entry);
	case ANY_RECEIPT:
		return wire_decode_receipt(arena, bytes, size, &ret_any->receipt);
	case ANY_RECORD:
		return wire_decode_record(arena, bytes, size, &ret_any->record);
	case ANY_SEAL:
		return wire_decode_seal(arena, bytes, size, &ret_any->seal);
	case ANY_QUERY:
		return wire_decode_query(arena, bytes, size, &ret_any->query, &why);
	case ANY_ANSWER:
		return wire_decode_answer(arena, bytes, size, &ret_any->answer);
	case ANY_COUNT:
		break;
	}
	abort();
}

static ssize_t encode_agent(const struct wire_agent_message *message, void *buffer, size_t size)
{
	const uint8_t *stage;
	size_t stage_bytes;
	switch (message->kind) {
	case WIRE_HELLO:
		return wire_encode_hello(&message->hello, buffer, size);
	case WIRE_UPDATE:
		return wire_encode_update(&message->update, buffer, size);
	case WIRE_STAGE:
		return wire_encode_stage(&message->stage, buffer, size, &stage, &stage_bytes);
	case WIRE_BEAT:
		return wire_encode_beat(buffer, size);
	case WIRE_STOP:
		return wire_encode_stop(buffer, size);
	}
	abort();
}

ssize_t any_encode(const struct any *any, void *buffer, size_t size)
{
	struct wire_arena scratch;
	ssize_t bytes;
	switch (any->kind) {
	case ANY_AGENT_MESSAGE:
		return encode_agent(&any->agent, buffer, size);
	case ANY_COLLECTOR_MESSAGE:
		return wire_encode_collector_message(&any->collector, buffer, size);
	case ANY_PAYLOAD:
		return wire_encode_payload(&any->payload, buffer, size);
	case ANY_RECEIPT:
		return wire_encode_receipt(&any->receipt, buffer, size);
	case ANY_RECORD:
		return wire_encode_record(&any->record, buffer, size);
	case ANY_SEAL:
		return wire_encode_seal(&any->seal, buffer, size);
	case ANY_QUERY:
		return wire_encode_query(&any->query, buffer, size);
	case ANY_ANSWER:
		if (wire_arena_init(&scratch, 1 << 16))
			abort();
		bytes = wire_encode_answer(&scratch, &any->answer, buffer, size);
		wire_arena_finish(&scratch);
		return bytes;
	case ANY_COUNT:
		break;
	}
	abort();
}

json_t *any_json(const struct any *any)
{
	switch (any->kind) {
	case ANY_AGENT_MESSAGE:
		return agent_json(&any->agent);
	case ANY_COLLECTOR_MESSAGE:
		return collector_json(&any->collector);
	case ANY_PAYLOAD:
		return payload_json(&any->payload);
	case ANY_RECEIPT:
		return receipt_json(&any->receipt);
	case ANY_RECORD:
		return record_json(&any->record);
	case ANY_SEAL:
		return seal_json(&any->seal);
	case ANY_QUERY:
		return query_json(&any->query);
	case ANY_ANSWER:
		return answer_json(&any->answer);
	case ANY_COUNT:
		break;
	}
	abort();
}

uint8_t *any_unhex(const char *hex, size_t *ret_size)
{
	size_t room = strlen(hex) / 2 + 1;
	uint8_t *bytes = malloc(room);
	const char *end;
	if (bytes && sodium_hex2bin(bytes, room, hex, strlen(hex), " \n", ret_size, &end) == 0 && !*end)
		return bytes;
	free(bytes);
	return NULL;
}
