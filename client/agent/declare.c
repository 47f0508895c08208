/* declare.c - see declare.h. Units and measures are checked against the mirror where there is one; the centre decides. */
#include "declare.h"

#include <errno.h>
#include <string.h>

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
	const struct outbox_source source = { .name = "" };
	char choices[200];
	uint64_t batch;
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
	int error = outbox_save(office->outbox, &entry, 1, &source, &batch, NULL);
	if (error)
		return error;
	office->is_state_stale = true;
	fprintf(reply->out, _("declaration saved, as batch %llu; the centre will say by it who is late\n"),
		(unsigned long long)batch);
	*ret_code = CLI_OK;
	return 0;
}
