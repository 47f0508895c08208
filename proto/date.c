/* date.c - civil dates of Vietnam as day numbers, by integer arithmetic alone.
 *
 * Does not read a clock or the C library's time zones: Vietnam has kept UTC+7 without summer time since 13 June 1975, and no figure
 * is older. A day number is trusted by everybody who holds one, so whatever lies outside the calendar becomes BAOPHU_DATE_NONE
 * here.
 */
#include <baophu/date.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#define DAY_MS INT64_C(86400000)
#define VIETNAM_OFFSET_MS (7 * INT64_C(3600000))

static bool is_leap(uint32_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

/* The year begins on 1 March here, so that the leap day is its last and months follow one formula (153 days in five months). */
static baophu_date days_from_civil(uint32_t year, uint32_t month, uint32_t day)
{
	uint32_t y = month <= 2 ? year - 1 : year;
	uint32_t era = y / 400, year_of_era = y % 400;
	uint32_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	uint32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return (baophu_date)(era * 146097 + day_of_era) - 719468;
}

baophu_date baophu_date_from_civil(uint32_t yyyymmdd)
{
	static const uint8_t month_days[] = { 0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	uint32_t year = yyyymmdd / 10000, month = yyyymmdd / 100 % 100, day = yyyymmdd % 100;
	if (year < 1975 || year > 2154 || month < 1 || month > 12 || day < 1)
		return BAOPHU_DATE_NONE;
	uint32_t last = month == 2 && is_leap(year) ? 29 : month_days[month];
	if (day > last)
		return BAOPHU_DATE_NONE;
	baophu_date date = days_from_civil(year, month, day);
	return date > BAOPHU_DATE_MAX ? BAOPHU_DATE_NONE : date;
}

uint32_t baophu_date_to_civil(baophu_date date)
{
	if (date < BAOPHU_DATE_MIN || date > BAOPHU_DATE_MAX)
		return 0;
	uint32_t z = (uint32_t)date + 719468;
	uint32_t era = z / 146097, day_of_era = z % 146097;
	uint32_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint32_t shifted = (5 * day_of_year + 2) / 153;
	uint32_t day = day_of_year - (153 * shifted + 2) / 5 + 1;
	uint32_t month = shifted < 10 ? shifted + 3 : shifted - 9;
	uint32_t year = era * 400 + year_of_era + (month <= 2);
	return year * 10000 + month * 100 + day;
}

baophu_date baophu_date_at_ms(int64_t unix_ms)
{
	/* Compared before the offset is added: no clock value overflows. */
	if (unix_ms < BAOPHU_DATE_MIN * DAY_MS - VIETNAM_OFFSET_MS || unix_ms >= (BAOPHU_DATE_MAX + 1) * DAY_MS - VIETNAM_OFFSET_MS)
		return BAOPHU_DATE_NONE;
	return (baophu_date)((unix_ms + VIETNAM_OFFSET_MS) / DAY_MS);
}

/* Reads min..max digits; returns what follows them, NULL when there are fewer. */
static const char *read_digits(const char *at, unsigned min, unsigned max, uint32_t *ret_value)
{
	uint32_t value = 0;
	unsigned count = 0;
	while (count < max && *at >= '0' && *at <= '9') {
		value = value * 10 + (uint32_t)(*at++ - '0');
		count++;
	}
	*ret_value = value;
	return count < min ? NULL : at;
}

int baophu_date_parse(const char *text, baophu_date *ret_date)
{
	uint32_t year, month, day;
	const char *at = read_digits(text, 4, 4, &year);
	if (at && *at == '-') {
		at = read_digits(at + 1, 2, 2, &month);
		if (!at || *at != '-' || !(at = read_digits(at + 1, 2, 2, &day)))
			return -EINVAL;
	} else {
		at = read_digits(text, 1, 2, &day);
		if (!at || *at != '/' || !(at = read_digits(at + 1, 1, 2, &month)))
			return -EINVAL;
		if (*at != '/' || !(at = read_digits(at + 1, 4, 4, &year)))
			return -EINVAL;
	}
	if (*at)
		return -EINVAL;
	baophu_date date = baophu_date_from_civil(year * 10000 + month * 100 + day);
	if (date == BAOPHU_DATE_NONE)
		return -EINVAL;
	*ret_date = date;
	return 0;
}

const char *baophu_date_format(baophu_date date, bool vietnamese, char buffer[static 11])
{
	uint32_t civil = baophu_date_to_civil(date);
	unsigned year = civil / 10000 % 10000, month = civil / 100 % 100, day = civil % 100;
	if (!civil)
		buffer[0] = 0;
	else if (vietnamese)
		snprintf(buffer, 11, "%02u/%02u/%04u", day, month, year);
	else
		snprintf(buffer, 11, "%04u-%02u-%02u", year, month, day);
	return buffer;
}
