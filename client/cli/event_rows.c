/* event_rows.c - see event_rows.h.
 *
 * A percentage that is rounded may stand on the wrong side of its line: 4999996 of 10000000 fell below 50 % and is 50.00 %. For people it gets
 * as many decimals as it takes; programs have figure and target, which are exact.
 */
#include "event_rows.h"

#include <string.h>

#include <baophu/ratio.h>

#include "language.h"
#include "number.h"
#include "words.h"

void event_columns(struct column columns[static EVENT_FIELDS])
{
	const struct column all[EVENT_FIELDS] = {
		{ .key = "day", .heading = _("Day") },
		{ .key = "time", .heading = _("Time"), .wrap = true, .below = "day", .turn = 1 },
		{ .key = "id", .heading = _("Event"), .below = "day", .turn = 3 },
		{ .key = "seq" },
		{ .key = "index" },
		{ .key = "cause" },
		{ .key = "unit", .heading = _("Code"), .below = "unit_name", .turn = 2 },
		{ .key = "unit_name", .heading = _("Unit"), .wrap = true },
		{ .key = "plan_code", .heading = _("Plan"), .may_be_said_once = true, .below = "measure", .turn = 2 },
		{ .key = "measure", .heading = _("Measure"), .wrap = true, .may_be_said_once = true },
		{ .key = "line" },
		{ .key = "direction", .heading = _("What happened"), .wrap = true },
		{ .key = "percent", .heading = _("Plan reached (%)"), .right = true, .wrap = true },
		{ .key = "numerator", .heading = _("Figure"), .right = true },
		{ .key = "denominator" },
		{ .key = "target", .heading = _("To be reached"), .right = true, .wrap = true, .below = "numerator", .turn = 1 },
		{ .key = "target_percent" },
		{ .key = "nth" },
		{ .key = "count" },
		{ .key = "number" },
	};
	memcpy(columns, all, sizeof all);
}

static int64_t percent_at(const struct baophu_event *event, bool is_rate, unsigned decimals)
{
	if (is_rate)
		return baophu_rate_attainment(event->numerator, event->denominator, event->target, event->decimals, decimals);
	return baophu_percent(event->numerator, event->denominator, decimals);
}

static int64_t line_at(const struct baophu_event *event, unsigned decimals)
{
	int64_t digits = event->line_digits;
	for (unsigned i = event->line_decimals; i < decimals; i++)
		digits *= 10;
	return digits;
}

/* Whether digits stand on the side that the event ended on. */
static bool is_on_its_side(const struct baophu_event *event, int64_t digits, int64_t line)
{
	if (event->direction == BAOPHU_UP)
		return line ? digits >= line : digits > 0;
	return line ? digits < line : digits == 0;
}

const char *event_reached(const struct baophu_event *event, bool is_rate, unsigned decimals, bool vietnamese,
			  char buffer[static EVENT_TEXT_BYTES])
{
	char number[NUMBER_BYTES];
	unsigned shown = decimals > event->line_decimals ? decimals : event->line_decimals;
	int64_t digits = percent_at(event, is_rate, shown);
	while (digits != BAOPHU_ABSENT && shown < BAOPHU_RATE_DECIMALS_MAX && !is_on_its_side(event, digits, line_at(event, shown)))
		digits = percent_at(event, is_rate, ++shown);
	*buffer = '\0';
	if (digits == BAOPHU_ABSENT)
		return buffer;
	if (event->direction == BAOPHU_DOWN && !is_on_its_side(event, digits, line_at(event, shown)))
		digits--; /* what rounding added */
	snprintf(buffer, EVENT_TEXT_BYTES, "%s%%", number_format_decimal(digits, shown, vietnamese, number));
	return buffer;
}

const char *event_said(const struct baophu_event *event, bool vietnamese, char buffer[static EVENT_TEXT_BYTES])
{
	char line[NUMBER_BYTES], said[EVENT_TEXT_BYTES / 2];
	number_format_decimal(event->line_digits, event->line_decimals, vietnamese, line);
	bool is_up = event->direction == BAOPHU_UP;
	if (event->count) {
		snprintf(buffer, EVENT_TEXT_BYTES,
			 is_up ? _("up and down across %s%% %u times, at the end of the day not below")
			       : _("up and down across %s%% %u times, at the end of the day below"),
			 line, event->count);
		return buffer;
	}
	if (!event->line_digits)
		snprintf(said, sizeof said, "%s", is_up ? _("rose above 0%") : _("fell to 0%"));
	else
		snprintf(said, sizeof said, is_up ? _("reached %s%%") : _("fell below %s%%"), line);
	if (event->nth > 2)
		snprintf(buffer, EVENT_TEXT_BYTES, _("%s (crossing %u of the day)"), said, event->nth);
	else
		snprintf(buffer, EVENT_TEXT_BYTES, "%s", said);
	return buffer;
}

/* "1,600", of a rate "15.54%", "no report". */
static const char *figure(const struct baophu_event *event, bool is_rate, unsigned decimals, bool vietnamese,
			  char buffer[static NUMBER_BYTES])
{
	char number[NUMBER_BYTES];
	int64_t digits = is_rate ? baophu_percent(event->numerator, event->denominator, decimals) : BAOPHU_ABSENT;
	if (event->numerator == BAOPHU_ABSENT)
		snprintf(buffer, NUMBER_BYTES, "%s", word_for_people(WORDS_STATE, BAOPHU_STATE_NO_REPORT));
	else if (digits != BAOPHU_ABSENT)
		snprintf(buffer, NUMBER_BYTES, "%s%%", number_format_decimal(digits, decimals, vietnamese, number));
	else
		number_format(event->numerator, vietnamese, buffer);
	return buffer;
}

static const char *goal(const struct baophu_event *event, bool is_rate, bool vietnamese, char buffer[static NUMBER_BYTES])
{
	char number[NUMBER_BYTES];
	number_format_decimal(event->target, is_rate ? event->decimals : 0, vietnamese, number);
	snprintf(buffer, NUMBER_BYTES, "%.40s%s", number, is_rate ? "%" : "");
	return buffer;
}

const char *event_headline(const struct baophu_event *event, const struct names *names, bool vietnamese,
			   char buffer[static EVENT_SENTENCE_BYTES])
{
	const char *unit = *event->name ? event->name : event->unit, *measure = names_text(names, event->measure);
	char said[EVENT_TEXT_BYTES];
	event_said(event, vietnamese, said);
	if (event->count)
		snprintf(buffer, EVENT_SENTENCE_BYTES, _("%s · %s, plan %s: %s"), unit, measure, event->plan, said);
	else
		snprintf(buffer, EVENT_SENTENCE_BYTES, _("%s · %s: %s of plan %s"), unit, measure, said, event->plan);
	return buffer;
}

const char *event_figures(const struct baophu_event *event, const struct names *names, unsigned decimals, bool vietnamese,
			  char buffer[static EVENT_TEXT_BYTES])
{
	char reached[EVENT_TEXT_BYTES], value[NUMBER_BYTES], target[NUMBER_BYTES];
	bool is_rate = names_is_indicator(names, event->measure);
	figure(event, is_rate, decimals, vietnamese, value);
	goal(event, is_rate, vietnamese, target);
	event_reached(event, is_rate, decimals, vietnamese, reached);
	snprintf(buffer, EVENT_TEXT_BYTES, *reached ? "%s/%s (%.60s)" : "%s/%s", value, target, reached);
	return buffer;
}

const char *event_sentence(const struct baophu_event *event, const struct names *names, unsigned decimals, bool vietnamese,
			   char buffer[static EVENT_SENTENCE_BYTES])
{
	char figures[EVENT_TEXT_BYTES];
	event_headline(event, names, vietnamese, buffer);
	event_figures(event, names, decimals, vietnamese, figures);
	size_t used = strlen(buffer);
	snprintf(buffer + used, EVENT_SENTENCE_BYTES - used, ", %s", figures);
	return buffer;
}

const char *event_time(const struct baophu_event *event, bool vietnamese, char buffer[static FIELD_BYTES])
{
	struct field date = field_date(event->day), time = field_time(event->time_ms);
	char day[FIELD_BYTES];
	field_for_people(&date, vietnamese, day);
	field_for_people(&time, vietnamese, buffer);
	size_t n = strlen(day);
	if (strncmp(buffer, day, n) == 0 && buffer[n] == ' ')
		memmove(buffer, buffer + n + 1, strlen(buffer + n + 1) + 1);
	return buffer;
}

int event_write(struct writer *writer, const struct names *names, const struct baophu_event *event, unsigned decimals)
{
	bool people = writer_is_for_people(writer), vietnamese = writer->options.vietnamese;
	bool is_rate = names_is_indicator(names, event->measure);
	char id[48], said[EVENT_TEXT_BYTES], reached[EVENT_TEXT_BYTES], value[NUMBER_BYTES], target[NUMBER_BYTES],
	    time[FIELD_BYTES];
	snprintf(id, sizeof id, "%llu.%u", (unsigned long long)event->seq, event->index);
	const struct field fields[EVENT_FIELDS] = {
		field_date(event->day),
		people ? field_text(event_time(event, vietnamese, time)) : field_time(event->time_ms),
		field_code(id),
		field_integer((int64_t)event->seq),
		field_integer(event->index),
		field_integer(event->cause),
		field_code(event->unit),
		field_text(event->name),
		field_code(event->plan),
		field_text(people ? names_text(names, event->measure) : event->measure),
		field_decimal(event->line_digits, event->line_decimals),
		field_text(people ? event_said(event, vietnamese, said) : word_of(WORDS_DIRECTION, event->direction)),
		people ? field_text(event_reached(event, is_rate, decimals, vietnamese, reached))
		       : field_decimal(percent_at(event, is_rate, decimals), decimals),
		people ? field_text(figure(event, is_rate, decimals, vietnamese, value)) : field_integer(event->numerator),
		field_integer(event->denominator),
		people    ? field_text(goal(event, is_rate, vietnamese, target))
		: is_rate ? field_null()
			  : field_integer(event->target),
		is_rate ? field_decimal(event->target, event->decimals) : field_null(),
		event->nth ? field_integer(event->nth) : field_null(),
		event->count ? field_integer(event->count) : field_null(),
		event->number ? field_integer((int64_t)event->number) : field_null(),
	};
	return writer_row(writer, fields);
}
