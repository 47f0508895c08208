/* event_rows.h - events as rows and as sentences: a unit's attainment of a target crossed a line. Pure, but for gettext. */
#pragma once

#include "names.h"
#include "writer.h"

enum { EVENT_FIELDS = 20, EVENT_TEXT_BYTES = 200, EVENT_SENTENCE_BYTES = 1024 };

/* The columns in the user's language; the keys and their order are a promise to programs, what is new goes to the end. */
void event_columns(struct column columns[static EVENT_FIELDS]);
/* One row of a writer that was begun with them; percentages at `decimals`. -ENOMEM, -EIO. */
int event_write(struct writer *writer, const struct names *names, const struct baophu_event *event, unsigned decimals);

/* What happened: "reached 50%", "fell below 97.5%"; of a day that is over "up and down across 50% 5 times, at its end below". Returns `buffer`. */
const char *event_said(const struct baophu_event *event, bool vietnamese, char buffer[static EVENT_TEXT_BYTES]);
/* How much of the target was reached, with at least the decimals asked for, and as many as show on which side of the line it is: "49.9996%"; ""
 * where there is no report. Returns `buffer`. */
const char *event_reached(const struct baophu_event *event, bool is_rate, unsigned decimals, bool vietnamese,
			  char buffer[static EVENT_TEXT_BYTES]);
/* When it was: the time alone where that is on the event's day, as it nearly always is; else with its date. Returns `buffer`. */
const char *event_time(const struct baophu_event *event, bool vietnamese, char buffer[static FIELD_BYTES]);
/* Who crossed what: "Thới Lai · BHXH tự nguyện: đạt 50% kế hoạch nam-2024". Returns `buffer`. */
const char *event_headline(const struct baophu_event *event, const struct names *names, bool vietnamese,
			   char buffer[static EVENT_SENTENCE_BYTES]);
/* With what: "1.600/2.857 (56,00%)". Returns `buffer`. */
const char *event_figures(const struct baophu_event *event, const struct names *names, unsigned decimals, bool vietnamese,
			  char buffer[static EVENT_TEXT_BYTES]);
/* Both in one line. Returns `buffer`. */
const char *event_sentence(const struct baophu_event *event, const struct names *names, unsigned decimals, bool vietnamese,
			   char buffer[static EVENT_SENTENCE_BYTES]);
