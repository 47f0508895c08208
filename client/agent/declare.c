/* declare.c - see declare.h. Units and measures are checked against the mirror where there is one; the centre decides.
 *
 * What this machine declared is kept beside the spool, in `declared`: the centre takes back only exactly what was said, and nobody remembers that.
 * A JSON array of objects with the keys of the request, and the batch that said so. Replaced whole.
 */
#include "declare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <baophu/status.h>

#include "cli.h"
#include "language.h"
#include "rhythm.h"
#include "text.h"
#include "words.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}
static bool is_code(const char *text) { return text_is_code(text, strlen(text)); }

/* The measures named; false after saying what is wrong with one. */
static bool read_measures(const struct mirror *mirror, const json_t *named, struct reply *reply,
			  const char *measures[static BAOPHU_GRANT_MEASURES_MAX], uint32_t *ret_count)
{
	const json_t *one;
	size_t i;
	if (json_array_size(named) > BAOPHU_GRANT_MEASURES_MAX) {
		reply_say(reply, _("a declaration names at most %d measures; leave them out to mean all"),
			  BAOPHU_GRANT_MEASURES_MAX);
		return false;
	}
	json_array_foreach(named, i, one)
	{
		measures[i] = json_string_value(one);
		if (!measures[i] || !is_code(measures[i]) || (mirror && mirror_measure(mirror, measures[i]) < 0)) {
			reply_say(reply, _("the centre has no measure “%s”"), measures[i] ? measures[i] : "");
			return false;
		}
	}
	*ret_count = (uint32_t)json_array_size(named);
	return true;
}

/* ---- what was declared ---- */

static char *path_of(const struct office *office, char path[static INBOX_PATH_BYTES])
{
	office_path(office, "declared", path);
	return path;
}

/* An owned array; empty when there is no file or none of ours. NULL without memory. */
static json_t *load(const struct office *office)
{
	char path[INBOX_PATH_BYTES];
	json_t *list = json_load_file(path_of(office, path), 0, NULL);
	if (list && !json_is_array(list)) {
		json_decref(list);
		list = NULL;
	}
	return list ? list : json_array();
}

static int keep(const struct office *office, const json_t *list)
{
	char path[INBOX_PATH_BYTES], beside[INBOX_PATH_BYTES + 8];
	snprintf(beside, sizeof beside, "%s.new", path_of(office, path));
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int error = fd < 0 ? -errno : json_dumpfd(list, fd, JSON_INDENT(1)) != 0 ? -EIO : fsync(fd) != 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return error ? error : rename(beside, path) != 0 ? -errno : 0;
}

static bool names(const json_t *measures, const char *code)
{
	const json_t *one;
	size_t i;
	json_array_foreach(measures, i,
			   one) if (strcmp(json_string_value(one) ? json_string_value(one) : "", code) == 0) return true;
	return false;
}

static size_t measure_count(const json_t *object) { return json_array_size(json_object_get(object, "measures")); }

/* Whether both speak of the same: unit, level, extent and measures. */
static bool is_same(const json_t *a, const json_t *b)
{
	const json_t *one;
	size_t i;
	if (strcmp(text_of(a, "unit"), text_of(b, "unit")) != 0 || strcmp(text_of(a, "level"), text_of(b, "level")) != 0 ||
	    json_is_true(json_object_get(a, "own")) != json_is_true(json_object_get(b, "own")) ||
	    measure_count(a) != measure_count(b))
		return false;
	json_array_foreach(
	    json_object_get(a, "measures"), i,
	    one) if (!names(json_object_get(b, "measures"), json_string_value(one) ? json_string_value(one) : "")) return false;
	return true;
}

static void forget(json_t *list, const json_t *what)
{
	for (size_t i = json_array_size(list); i-- > 0;)
		if (is_same(json_array_get(list, i), what))
			json_array_remove(list, i);
}

/* "bhyt, bhxh_tn", or what no measures mean. */
static const char *measures_text(const json_t *object, char *buffer, size_t size)
{
	const json_t *one;
	size_t i, used = 0;
	snprintf(buffer, size, "%s", measure_count(object) ? "" : _("all measures"));
	json_array_foreach(json_object_get(object, "measures"), i, one) if (used < size)
	    used += (size_t)snprintf(buffer + used, size - used, "%s%s", i ? ", " : "", json_string_value(one));
	return buffer;
}

static const char *rhythm_text(const json_t *object)
{
	int rhythm = word_parse(WORDS_RHYTHM, text_of(object, "rhythm"));
	return rhythm < 0 ? "" : word_for_people(WORDS_RHYTHM, rhythm);
}

static const char *fate(struct office *office, const json_t *object, bool for_people)
{
	struct outbox_batch batch;
	json_int_t id = json_integer_value(json_object_get(object, "batch"));
	bool is_known = outbox_batch(office->outbox, (uint64_t)id, &batch) == 0;
	if (is_known && batch.waiting)
		return for_people ? _("waits") : "waiting";
	if (is_known && batch.refused)
		return for_people ? _("refused by the centre") : "refused";
	if (is_known && batch.held)
		return for_people ? _("held by the centre") : "held";
	return for_people ? _("received") : "received";
}

static int list_declared(struct office *office, struct reply *reply)
{
	const struct column columns[] = {
		{ .key = "unit", .heading = _("Unit") },
		{ .key = "level", .heading = _("Level") },
		{ .key = "measures", .heading = _("Measures"), .wrap = true },
		{ .key = "extent", .heading = NULL },
		{ .key = "rhythm", .heading = _("How often") },
		{ .key = "closing_day", .heading = _("Closing day"), .right = true },
		{ .key = "grace_days", .heading = _("Grace"), .right = true },
		{ .key = "batch", .heading = _("Batch"), .right = true },
		{ .key = "state", .heading = _("State") },
	};
	struct writer *writer = &reply->writer;
	bool for_people = writer_is_for_people(writer);
	char measures[BAOPHU_GRANT_MEASURES_MAX * (BAOPHU_CODE_BYTES_MAX + 2)];
	json_t *list = load(office);
	const json_t *one;
	size_t i;
	if (!list)
		return -ENOMEM;
	int error = writer_begin(writer, columns, sizeof columns / sizeof *columns);
	json_array_foreach(list, i, one)
	{
		const struct field fields[] = {
			field_code(text_of(one, "unit")),
			field_code(text_of(one, "level")),
			field_text(measures_text(one, measures, sizeof measures)),
			field_text(json_is_true(json_object_get(one, "own")) ? "own" : "whole"),
			field_text(for_people ? rhythm_text(one) : text_of(one, "rhythm")),
			field_integer(json_integer_value(json_object_get(one, "closing_day"))),
			field_integer(json_integer_value(json_object_get(one, "grace_days"))),
			field_integer(json_integer_value(json_object_get(one, "batch"))),
			field_text(fate(office, one, for_people)),
		};
		if (!error)
			error = writer_row(writer, fields);
	}
	int ended = writer_end(writer);
	json_decref(list);
	return error ? error : ended;
}

/* ---- saying and taking back ---- */

static int save(struct office *office, const struct wire_entry *entries, uint32_t count, uint64_t *ret_batch)
{
	const struct outbox_source source = { .name = "" };
	int error = outbox_save(office->outbox, entries, count, &source, ret_batch, NULL);
	office->is_state_stale |= !error;
	return error;
}

/* The entry that says `object`; its measures are lent from it. */
static struct wire_entry entry_of(const json_t *object, bool remove, const char *measures[static BAOPHU_GRANT_MEASURES_MAX])
{
	struct wire_declare declare = { .unit = text_of(object, "unit"),
					.level = text_of(object, "level"),
					.measures = measures,
					.extent = json_is_true(json_object_get(object, "own")) ? BAOPHU_OWN : BAOPHU_WHOLE,
					.remove = remove };
	const json_t *one;
	size_t i;
	json_array_foreach(json_object_get(object, "measures"), i, one) if (i < BAOPHU_GRANT_MEASURES_MAX && json_is_string(one))
	    measures[declare.measure_count++] = json_string_value(one);
	if (!remove) {
		declare.rhythm = (enum baophu_rhythm)word_parse(WORDS_RHYTHM, text_of(object, "rhythm"));
		declare.closing_day = (uint32_t)json_integer_value(json_object_get(object, "closing_day"));
		declare.grace_days = (uint32_t)json_integer_value(json_object_get(object, "grace_days"));
	}
	return (struct wire_entry){ .kind = WIRE_DECLARE, .declare = declare };
}

/* Whether a request to take back, which names a unit and perhaps level, extent and measures, means this declaration. */
static bool is_meant(const json_t *request, const json_t *one)
{
	const json_t *measure;
	size_t i;
	bool is_met = !measure_count(request) || !measure_count(one);
	if (strcmp(text_of(request, "unit"), text_of(one, "unit")) != 0 ||
	    (*text_of(request, "level") && strcmp(text_of(request, "level"), text_of(one, "level")) != 0) ||
	    (json_is_true(json_object_get(request, "own")) && !json_is_true(json_object_get(one, "own"))))
		return false;
	json_array_foreach(json_object_get(one, "measures"), i, measure)
	    is_met |= names(json_object_get(request, "measures"), json_string_value(measure) ? json_string_value(measure) : "");
	return is_met;
}

/* What stays of a declaration when the measures of the request are taken out: owned; NULL: nothing, or no memory. */
static json_t *rest_of(const json_t *request, const json_t *one)
{
	const json_t *measure;
	size_t i;
	json_t *rest = measure_count(request) ? json_deep_copy(one) : NULL, *kept = rest ? json_array() : NULL;
	json_array_foreach(json_object_get(one, "measures"), i,
			   measure) if (kept && !names(json_object_get(request, "measures"),
						       json_string_value(measure) ? json_string_value(measure) : ""))
	    json_array_append_new(kept, json_deep_copy(measure));
	if (json_array_size(kept) && json_object_set(rest, "measures", kept) == 0) {
		json_decref(kept);
		return rest;
	}
	json_decref(kept);
	json_decref(rest);
	return NULL;
}

/* Takes back one declaration exactly as it was said, and says again what is left of it; each for itself, so that the centre refuses none because of
 * another. */
static int take_back_one(struct office *office, const json_t *one, json_t *rest, uint64_t *ret_batch)
{
	const char *measures[2][BAOPHU_GRANT_MEASURES_MAX];
	struct wire_entry entries[2] = { entry_of(one, true, measures[0]) };
	if (rest)
		entries[1] = entry_of(rest, false, measures[1]);
	int error = save(office, entries, rest ? 2 : 1, ret_batch);
	if (!error && rest)
		json_object_set_new(rest, "batch", json_integer((json_int_t)*ret_batch));
	return error;
}

static void say_what_stays(const json_t *list, const json_t *request, struct reply *reply)
{
	char text[BAOPHU_GRANT_MEASURES_MAX * (BAOPHU_CODE_BYTES_MAX + 2)];
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		if (strcmp(text_of(one, "unit"), text_of(request, "unit")) == 0)
			fprintf(reply->out, _("still declared of %s: %s, %s\n"), text_of(one, "unit"),
				measures_text(one, text, sizeof text), rhythm_text(one));
	}
}

/* Takes back everything that the request means. */
static int take_back(struct office *office, const json_t *request, json_t *list, struct reply *reply, int *ret_code)
{
	uint64_t batch = 0;
	bool is_any = false;
	int error = 0;
	for (size_t i = json_array_size(list); i-- > 0 && !error;) {
		const json_t *one = json_array_get(list, i);
		const char *fate_word = fate(office, one, false);
		if (!is_meant(request, one))
			continue;
		is_any = true;
		if (measure_count(request) && !measure_count(one)) {
			reply_say(
			    reply,
			    _("unit %s was declared of all measures: take that back without --measure, then declare those that are "
			      "left"),
			    text_of(one, "unit"));
			*ret_code = CLI_USAGE;
			continue;
		}
		if (strcmp(fate_word, "held") == 0) {
			reply_say(reply, _("the centre holds a declaration of %s and has not taken it yet: ask it to refuse that"),
				  text_of(one, "unit"));
			*ret_code = CLI_FALSE;
			continue;
		}
		json_t *rest = rest_of(request, one);
		bool is_taken = strcmp(fate_word, "refused") != 0; /* else the centre never took it */
		if (is_taken)
			error = take_back_one(office, one, rest, &batch);
		if (!error && rest && is_taken)
			json_array_append(list, rest);
		if (!error)
			json_array_remove(list, i);
		json_decref(rest);
	}
	if (!is_any) { /* declared from elsewhere, perhaps: what was typed, exactly */
		reply_say(reply, _("nothing of it was declared here; the centre is told to forget exactly what was named"));
		error = take_back_one(office, request, NULL, &batch);
	}
	int kept = keep(office, list);
	if (kept)
		office_note(LOG_ERR, "the list of what was declared cannot be written: %s", baophu_strerror(kept));
	if (!error && batch)
		fprintf(reply->out, _("taken back, as batch %llu\n"), (unsigned long long)batch);
	say_what_stays(list, request, reply);
	return error;
}

static int say(struct office *office, const json_t *request, const struct wire_entry *entry, json_t *list, struct reply *reply)
{
	static const char *const kept_keys[] = { "unit", "rhythm", "level", "measures", "own", "closing_day", "grace_days" };
	uint64_t batch;
	int error = save(office, entry, 1, &batch);
	if (error)
		return error;
	json_t *said = json_object();
	for (size_t i = 0; said && i < sizeof kept_keys / sizeof *kept_keys; i++)
		if (json_object_get(request, kept_keys[i]))
			json_object_set(said, kept_keys[i], json_object_get(request, kept_keys[i]));
	json_object_set_new(said, "batch", json_integer((json_int_t)batch));
	forget(list, request);
	int kept = json_array_append_new(list, said) != 0 ? -ENOMEM : keep(office, list);
	if (kept)
		office_note(LOG_ERR, "the list of what was declared cannot be written: %s", baophu_strerror(kept));
	fprintf(reply->out, _("declaration saved, as batch %llu; the centre will say by it who is late\n"),
		(unsigned long long)batch);
	return 0;
}

int declare_serve(struct office *office, const json_t *request, struct reply *reply, int *ret_code)
{
	const struct mirror *mirror = asking_mirror(office->asking);
	const char *measures[BAOPHU_GRANT_MEASURES_MAX], *rhythm = text_of(request, "rhythm");
	json_int_t closing_day = json_integer_value(json_object_get(request, "closing_day")),
		   grace_days = json_integer_value(json_object_get(request, "grace_days"));
	struct wire_entry entry = { .kind = WIRE_DECLARE,
				    .declare = { .unit = text_of(request, "unit"),
						 .level = text_of(request, "level"),
						 .measures = measures,
						 .extent = json_is_true(json_object_get(request, "own")) ? BAOPHU_OWN
													 : BAOPHU_WHOLE,
						 .remove = json_is_true(json_object_get(request, "remove")) } };
	struct wire_declare *declare = &entry.declare;
	char choices[200];
	if (!*declare->unit) {
		*ret_code = CLI_OK;
		return list_declared(office, reply);
	}
	*ret_code = CLI_USAGE;
	if (!is_code(declare->unit) || (mirror && !mirror_unit(mirror, declare->unit, office_today(office)))) {
		reply_say(reply, _("“%s” is not the code of a unit of this office"), declare->unit);
		return 0;
	}
	if (*declare->level && !is_code(declare->level)) {
		reply_say(reply, _("“%s” is not the code of a level"), declare->level);
		return 0;
	}
	if (!read_measures(mirror, json_object_get(request, "measures"), reply, measures, &declare->measure_count))
		return 0;
	if (!declare->remove) {
		int value = word_parse(WORDS_RHYTHM, rhythm);
		if (value < 0) {
			reply_say(reply, _("how often? “%s” is none of %s"), rhythm,
				  word_choices(WORDS_RHYTHM, choices, sizeof choices));
			return 0;
		}
		declare->rhythm = (enum baophu_rhythm)value;
		if (closing_day < 0 || closing_day > UINT16_MAX || grace_days < 0 || grace_days > UINT16_MAX ||
		    !rhythm_is_valid(declare->rhythm, (uint32_t)closing_day, (uint32_t)grace_days)) {
			reply_say(reply,
				  _("no such closing day or grace: weekly 1 to 7, monthly and quarterly 1 to 31, yearly month "
				    "and day (1231); at most %d days of grace"),
				  BAOPHU_GRACE_DAYS_MAX);
			return 0;
		}
		declare->closing_day = (uint32_t)closing_day;
		declare->grace_days = (uint32_t)grace_days;
	}
	json_t *list = load(office);
	if (!list)
		return -ENOMEM;
	*ret_code = CLI_OK;
	int error = declare->remove ? take_back(office, request, list, reply, ret_code) : say(office, request, &entry, list, reply);
	json_decref(list);
	return error;
}
