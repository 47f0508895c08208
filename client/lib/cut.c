/* cut.c - see cut.h. */
#include "cut.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/status.h>

enum { RECORDS_MIN = 32 };

/* The unit's place in the index, or the free one where it would stand. Half of the index is free. */
static uint32_t *find(const struct cut *cut, uint32_t unit)
{
	uint32_t at = unit * 2654435769u;
	for (at ^= at >> 15;; at++) {
		uint32_t *entry = &cut->index[at & (cut->index_size - 1)];
		if (!*entry || cut->records[*entry - 1].unit_number == unit)
			return entry;
	}
}

static int grow(struct cut *cut)
{
	uint32_t capacity = cut->capacity ? cut->capacity * 2 : RECORDS_MIN;
	if (capacity > BAOPHU_UNITS_MAX)
		return -BAOPHU_EFULL;
	struct baophu_record *records = realloc(cut->records, capacity * sizeof *records);
	if (!records)
		return -ENOMEM;
	cut->records = records;
	uint32_t *index = calloc((size_t)capacity * 2, sizeof *index);
	if (!index)
		return -ENOMEM;
	free(cut->index);
	cut->index = index;
	cut->index_size = capacity * 2;
	cut->capacity = capacity;
	for (uint32_t i = 0; i < cut->count; i++)
		*find(cut, cut->records[i].unit_number) = i + 1;
	return 0;
}

/* Puts the record in, whose rows become the cut's. */
static int put(struct cut *cut, const struct baophu_record *record)
{
	if (cut->count == cut->capacity) {
		int error = grow(cut);
		if (error)
			return error;
	}
	uint32_t *entry = find(cut, record->unit_number);
	if (!*entry)
		*entry = ++cut->count;
	else
		free((void *)(uintptr_t)cut->records[*entry - 1].rows);
	cut->records[*entry - 1] = *record;
	return 0;
}

int cut_put(struct cut *cut, const struct baophu_record *record)
{
	struct baophu_record copy = *record;
	struct baophu_row *rows = NULL;
	if (record->row_count) {
		rows = malloc(record->row_count * sizeof *rows);
		if (!rows)
			return -ENOMEM;
		memcpy(rows, record->rows, record->row_count * sizeof *rows);
	}
	copy.rows = rows;
	copy.events = NULL; /* lent as the rows were; those that are proved are the subscription's to show */
	copy.new_event_count = 0;
	int error = put(cut, &copy);
	if (error)
		free(rows);
	return error;
}

int cut_merge(struct cut *cut, struct cut *newer)
{
	if (!cut->count) {
		cut_clear(cut);
		*cut = *newer;
		*newer = (struct cut){ 0 };
		return 0;
	}
	for (uint32_t i = 0; i < newer->count; i++) {
		int error = put(cut, &newer->records[i]);
		if (error)
			return error;
		newer->records[i].rows = NULL;
	}
	cut_clear(newer);
	return 0;
}

void cut_drop_tombstones(struct cut *cut)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < cut->count; i++) {
		if (cut->records[i].tombstone)
			free((void *)(uintptr_t)cut->records[i].rows);
		else
			cut->records[kept++] = cut->records[i];
	}
	cut->count = kept;
}

void cut_clear(struct cut *cut)
{
	for (uint32_t i = 0; i < cut->count; i++)
		free((void *)(uintptr_t)cut->records[i].rows);
	free(cut->records);
	free(cut->index);
	*cut = (struct cut){ 0 };
}
