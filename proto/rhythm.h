/* rhythm.h - when a figure is owed, and how late it is: pure functions of days, the same for the collector and its clients.
 *
 * A rhythm has closings, the days that a figure is owed for (message Declare of the .proto says which). Nothing is owed for a closing
 * before `since`, and on the closing itself nothing is owed yet: the day has to be over.
 */
#pragma once

#include <baophu/types.h>

struct rhythm_terms {
	enum baophu_rhythm rhythm;
	uint16_t
	    closing_day; /* 0: the last day of the period; WEEKLY 1 to 7 (Sunday), MONTHLY and QUARTERLY 1 to 31, YEARLY mmdd */
	uint16_t grace_days; /* 0 to BAOPHU_GRACE_DAYS_MAX */
	baophu_date since;
};

/* True when there is such a rhythm, with such a closing day and grace. */
bool rhythm_is_valid(enum baophu_rhythm rhythm, uint32_t closing_day, uint32_t grace_days);
/* The newest closing before `date`; BAOPHU_DATE_NONE: there was none since `since`. Terms must be valid, here and below. */
baophu_date rhythm_closing_before(const struct rhythm_terms *terms, baophu_date date);
/* The first closing on or after `date` and `since`; BAOPHU_DATE_NONE beyond the calendar. */
baophu_date rhythm_closing_from(const struct rhythm_terms *terms, baophu_date date);
/* How a series stands on the day `today` when the newest figure of it that stands is of the day `newest` (BAOPHU_DATE_NONE: there is none). */
enum baophu_freshness rhythm_freshness(const struct rhythm_terms *terms, baophu_date newest, baophu_date today);
