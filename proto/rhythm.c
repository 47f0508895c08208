/* rhythm.c - closings of the rhythms, and what a missing figure is called. See rhythm.h.
 *
 * The rhythm of the sector: statistics of a month are cut off on the 25th and sent by the 28th, those of December are of the 31st. So a
 * closing day is a number that is said, and December closes with its year.
 */
#include "rhythm.h"

#include <baophu/date.h>

enum { DECEMBER = 12, MONTHS_LOOKED_AT = 13 }; /* a year and the month that it began in: there is a closing of every rhythm */

bool rhythm_is_valid(enum baophu_rhythm rhythm, uint32_t closing_day, uint32_t grace_days)
{
	if (grace_days > BAOPHU_GRACE_DAYS_MAX)
		return false;
	switch (rhythm) {
	case BAOPHU_DAILY:
		return !closing_day;
	case BAOPHU_WEEKLY:
		return closing_day <= 7;
	case BAOPHU_MONTHLY:
	case BAOPHU_QUARTERLY:
		return closing_day <= 31;
	case BAOPHU_YEARLY: /* a day of a leap year: 229 is the last of February */
		return !closing_day || (closing_day < 10000 && baophu_date_from_civil(20240000 + closing_day) != BAOPHU_DATE_NONE);
	case BAOPHU_RHYTHM_NONE:
		break;
	}
	return false;
}

/* Monday is 1. Day 0, 1 January 1970, was a Thursday. */
static int weekday(baophu_date date) { return (date + 3) % 7 + 1; }

/* The closing in this month; BAOPHU_DATE_NONE when it has none. It may lie a little beyond the calendar's end. */
static baophu_date closing_in(const struct rhythm_terms *terms, uint32_t year, uint32_t month)
{
	bool is_yearly = terms->rhythm == BAOPHU_YEARLY;
	uint32_t wanted_month = is_yearly && terms->closing_day ? terms->closing_day / 100 : DECEMBER;
	uint32_t wanted_day = is_yearly ? terms->closing_day % 100 : month == DECEMBER ? 0 : terms->closing_day;
	if ((is_yearly && month != wanted_month) || (terms->rhythm == BAOPHU_QUARTERLY && month % 3))
		return BAOPHU_DATE_NONE;
	baophu_date first = baophu_date_from_civil(year * 10000 + month * 100 + 1);
	if (first == BAOPHU_DATE_NONE)
		return BAOPHU_DATE_NONE;
	static const uint8_t month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	uint32_t last_day = month_days[month - 1];
	if (month == 2 && baophu_date_from_civil(year * 10000 + 229) != BAOPHU_DATE_NONE)
		last_day = 29;
	return first + (baophu_date)(wanted_day && wanted_day < last_day ? wanted_day : last_day) - 1;
}

baophu_date rhythm_closing_before(const struct rhythm_terms *terms, baophu_date date)
{
	baophu_date closing = date - 1;
	if (closing < terms->since || closing < BAOPHU_DATE_MIN || closing > BAOPHU_DATE_MAX)
		return BAOPHU_DATE_NONE;
	if (terms->rhythm == BAOPHU_WEEKLY) {
		closing -= (weekday(closing) - (terms->closing_day ? terms->closing_day : 7) + 7) % 7;
	} else if (terms->rhythm != BAOPHU_DAILY) {
		uint32_t civil = baophu_date_to_civil(closing), year = civil / 10000, month = civil / 100 % 100;
		for (int i = 0; i < MONTHS_LOOKED_AT; i++) {
			closing = closing_in(terms, year, month);
			if (closing != BAOPHU_DATE_NONE && closing < date)
				break;
			closing = BAOPHU_DATE_NONE;
			year -= month == 1;
			month = month == 1 ? DECEMBER : month - 1;
		}
	}
	return closing != BAOPHU_DATE_NONE && closing >= terms->since ? closing : BAOPHU_DATE_NONE;
}

baophu_date rhythm_closing_from(const struct rhythm_terms *terms, baophu_date date)
{
	if (date < terms->since)
		date = terms->since;
	if (date < BAOPHU_DATE_MIN || date > BAOPHU_DATE_MAX)
		return BAOPHU_DATE_NONE;
	baophu_date closing = date;
	if (terms->rhythm == BAOPHU_WEEKLY) {
		closing += ((terms->closing_day ? terms->closing_day : 7) - weekday(closing) + 7) % 7;
	} else if (terms->rhythm != BAOPHU_DAILY) {
		uint32_t civil = baophu_date_to_civil(date), year = civil / 10000, month = civil / 100 % 100;
		for (int i = 0; i < MONTHS_LOOKED_AT; i++) {
			closing = closing_in(terms, year, month);
			if (closing >= date)
				break;
			year += month == DECEMBER;
			month = month == DECEMBER ? 1 : month + 1;
		}
	}
	return closing >= date && closing <= BAOPHU_DATE_MAX ? closing : BAOPHU_DATE_NONE;
}

enum baophu_freshness rhythm_freshness(const struct rhythm_terms *terms, baophu_date newest, baophu_date today)
{
	baophu_date closing = rhythm_closing_before(terms, today);
	if (closing == BAOPHU_DATE_NONE || (newest != BAOPHU_DATE_NONE && newest >= closing))
		return BAOPHU_FRESH;
	/* The closings whose grace is over: of those that the newest figure is not of, one makes it late, two make it silent. */
	baophu_date missed = rhythm_closing_before(terms, today - terms->grace_days);
	if (missed == BAOPHU_DATE_NONE || (newest != BAOPHU_DATE_NONE && newest >= missed))
		return BAOPHU_DUE;
	baophu_date earlier = rhythm_closing_before(terms, missed);
	bool is_first = newest != BAOPHU_DATE_NONE && (earlier == BAOPHU_DATE_NONE || newest >= earlier);
	return is_first ? BAOPHU_LATE : BAOPHU_SILENT;
}
