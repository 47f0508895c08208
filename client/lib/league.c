/* league.c - league tables, kept up to date cut by cut; what they mean stands in client.h.
 *
 * Pure: no sockets, no clock, no files. A place is one unit in one table. Each table has its places in order: who is ranked from the best on,
 * then who is not, by code. A cut takes out the places that it changes, sorts those alone and puts them back by bisection; then one walk
 * over the table gives out the ranks. Tables in which nobody's ratio changed are not touched, however many records came.
 * Does not know what is proved: whoever hands in cuts does. All memory is found before the first rank changes, so ranks are never half new.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/client.h>

enum { BUCKETS_MIN = 64, TABLE_PLACES_MIN = 8, PLACES_MAX = 1 << 22 };

struct table;
struct unit {
	struct unit *next; /* of the same bucket */
	struct unit *next_empty;
	struct place *places;
	uint64_t taken; /* the cut that spoke of it last */
	uint32_t number;
	char code[BAOPHU_CODE_BYTES_MAX + 1];
	char name[];
};
struct place {
	struct table *table;
	struct unit *unit;
	struct place *next; /* of the same unit; of those gone from the same table */
	int64_t numerator, denominator;
	uint32_t rank, before; /* before: until the cut at hand */
	baophu_date from, to;
	uint8_t reason, plan_state, status, origin;
	bool is_named; /* by the record at hand */
	bool is_out; /* its spot in the table is void */
	bool is_coming; /* stands behind the others of its table, to be put in */
	bool is_gone;
};
struct table {
	struct table *next; /* of the same bucket */
	struct table *next_touched;
	struct baophu_league_key key;
	uint64_t hash;
	struct place **places; /* in order, then those that are coming */
	struct place *gone; /* until the changes are told */
	uint32_t count, coming, capacity, ranked;
	bool is_touched;
};
struct baophu_league {
	struct baophu_league_config config;
	struct unit **units; /* buckets, a power of two; so are those of tables */
	struct table **tables, **sorted; /* sorted: by key */
	struct place **scratch; /* as large as the largest table */
	struct table *touched;
	struct unit *empty; /* units that lost their last place */
	uint64_t take;
	uint32_t unit_count, unit_buckets, table_count, table_buckets, sorted_capacity, scratch_size, place_count;
	bool has_new_tables, has_failed;
};

int baophu_league_create(const struct baophu_league_config *config, struct baophu_league **ret_league)
{
	struct baophu_league *league = calloc(1, sizeof *league);
	if (!league)
		return -ENOMEM;
	league->config = *config;
	if (!league->config.places_max)
		league->config.places_max = PLACES_MAX;
	league->has_failed = true; /* there was no whole cut yet */
	*ret_league = league;
	return 0;
}

static void free_places(struct place *places)
{
	while (places) {
		struct place *next = places->next;
		free(places);
		places = next;
	}
}

/* Empty, as from the start. */
static void clear(struct baophu_league *league)
{
	for (uint32_t i = 0; i < league->unit_buckets; i++)
		for (struct unit *unit = league->units[i], *next; unit; unit = next) {
			next = unit->next;
			free_places(unit->places);
			free(unit);
		}
	for (uint32_t i = 0; i < league->table_count; i++) {
		free_places(league->sorted[i]->gone);
		free(league->sorted[i]->places);
		free(league->sorted[i]);
	}
	free(league->units);
	free(league->tables);
	free(league->sorted);
	free(league->scratch);
	*league = (struct baophu_league){ .config = league->config, .has_failed = true };
}

void baophu_league_destroy(struct baophu_league *league)
{
	if (!league)
		return;
	clear(league);
	free(league);
}

/* ---- units and tables by what names them ---- */

static uint32_t unit_bucket(uint32_t number, uint32_t buckets)
{
	uint32_t hash = number * 2654435769u;
	return (hash ^ hash >> 15) & (buckets - 1);
}

static struct unit *find_unit(const struct baophu_league *league, uint32_t number)
{
	struct unit *unit = league->unit_buckets ? league->units[unit_bucket(number, league->unit_buckets)] : NULL;
	while (unit && unit->number != number)
		unit = unit->next;
	return unit;
}

static int grow_units(struct baophu_league *league)
{
	uint32_t buckets = league->unit_buckets ? league->unit_buckets * 2 : BUCKETS_MIN;
	if (league->unit_count < league->unit_buckets)
		return 0;
	struct unit **units = calloc(buckets, sizeof *units);
	if (!units)
		return -ENOMEM;
	for (uint32_t i = 0; i < league->unit_buckets; i++)
		for (struct unit *unit = league->units[i], *next; unit; unit = next) {
			struct unit **bucket = &units[unit_bucket(unit->number, buckets)];
			next = unit->next;
			unit->next = *bucket;
			*bucket = unit;
		}
	free(league->units);
	league->units = units;
	league->unit_buckets = buckets;
	return 0;
}

static struct unit **find_link(const struct baophu_league *league, const struct unit *unit)
{
	struct unit **link = &league->units[unit_bucket(unit->number, league->unit_buckets)];
	while (*link != unit)
		link = &(*link)->next;
	return link;
}

/* A unit of this number and name; `old`, which has another name, ends. NULL: no memory, nothing changed. */
static struct unit *make_unit(struct baophu_league *league, struct unit *old, const struct baophu_record *record)
{
	size_t bytes = strlen(record->name) + 1;
	struct unit *unit = grow_units(league) ? NULL : calloc(1, sizeof *unit + bytes);
	if (!unit)
		return NULL;
	if (old) {
		struct unit **link = find_link(league, old);
		*unit = *old;
		*link = unit;
		for (struct place *place = unit->places; place; place = place->next)
			place->unit = unit;
		free(old);
	} else {
		struct unit **bucket = &league->units[unit_bucket(record->unit_number, league->unit_buckets)];
		unit->number = record->unit_number;
		unit->next = *bucket;
		*bucket = unit;
		league->unit_count++;
	}
	memcpy(unit->name, record->name, bytes);
	return unit;
}

/* FNV-1a over the texts, each with its end. */
static uint64_t key_hash(const struct baophu_league_key *key)
{
	const char *texts[] = { key->parent, key->plan, key->measure, key->denominator };
	uint64_t hash = UINT64_C(14695981039346656037) ^ (uint64_t)key->kind;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		for (const char *at = texts[i];; at++) {
			hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
			if (!*at)
				break;
		}
	return hash ^ hash >> 32;
}

static int compare_keys(const struct baophu_league_key *a, const struct baophu_league_key *b)
{
	int order = strcmp(a->parent, b->parent);
	if (!order)
		order = strcmp(a->plan, b->plan);
	if (!order)
		order = strcmp(a->measure, b->measure);
	if (!order)
		order = (a->kind > b->kind) - (a->kind < b->kind);
	return order ? order : strcmp(a->denominator, b->denominator);
}

static int by_key(const void *a, const void *b)
{
	return compare_keys(&(*(const struct table *const *)a)->key, &(*(const struct table *const *)b)->key);
}

static int grow_tables(struct baophu_league *league)
{
	uint32_t buckets = league->table_buckets ? league->table_buckets * 2 : BUCKETS_MIN;
	if (league->table_count == league->sorted_capacity) {
		struct table **sorted = realloc(league->sorted, buckets * sizeof *sorted);
		if (!sorted)
			return -ENOMEM;
		league->sorted = sorted;
		league->sorted_capacity = buckets;
	}
	if (league->table_count < league->table_buckets)
		return 0;
	struct table **tables = calloc(buckets, sizeof *tables);
	if (!tables)
		return -ENOMEM;
	for (uint32_t i = 0; i < league->table_count; i++) {
		struct table *table = league->sorted[i], **bucket = &tables[table->hash & (buckets - 1)];
		table->next = *bucket;
		*bucket = table;
	}
	free(league->tables);
	league->tables = tables;
	league->table_buckets = buckets;
	return 0;
}

/* The table of this key, made when there is none; NULL: no memory. */
static struct table *put_table(struct baophu_league *league, const struct baophu_league_key *key)
{
	uint64_t hash = key_hash(key);
	struct table *table = league->table_buckets ? league->tables[hash & (league->table_buckets - 1)] : NULL;
	while (table && (table->hash != hash || compare_keys(&table->key, key) != 0))
		table = table->next;
	if (table || grow_tables(league))
		return table;
	table = calloc(1, sizeof *table);
	if (!table)
		return NULL;
	struct table **bucket = &league->tables[hash & (league->table_buckets - 1)];
	table->key = *key;
	table->hash = hash;
	table->next = *bucket;
	*bucket = table;
	league->sorted[league->table_count++] = table;
	league->has_new_tables = true;
	return table;
}

static void drop_table(struct baophu_league *league, struct table *table)
{
	struct table **link = &league->tables[table->hash & (league->table_buckets - 1)];
	while (*link != table)
		link = &(*link)->next;
	*link = table->next;
	free(table->places);
	free(table);
}

/* ---- taking a record ---- */

/* Which table the row belongs to; false for one that nothing can be ranked by. */
static bool key_of(const struct baophu_league *league, const struct baophu_record *record, const struct baophu_row *row,
		   struct baophu_league_key *ret_key)
{
	if (row->kind != BAOPHU_ROW_PLAN && row->kind != BAOPHU_ROW_SHARE)
		return false;
	*ret_key = (struct baophu_league_key){ .kind = row->kind };
	memcpy(ret_key->measure, row->measure, sizeof ret_key->measure);
	memcpy(ret_key->plan, row->plan, sizeof ret_key->plan);
	memcpy(ret_key->denominator, row->denominator_measure, sizeof ret_key->denominator);
	if (row->kind == BAOPHU_ROW_PLAN && !*ret_key->denominator) /* who has no plan is listed with those who have */
		memcpy(ret_key->denominator, "plan", sizeof "plan");
	if (!league->config.across_parents)
		memcpy(ret_key->parent, record->parent, sizeof ret_key->parent);
	return true;
}

/* NONE: it is ranked. */
static enum baophu_state reason_of(const struct baophu_row *row)
{
	switch (row->state) {
	case BAOPHU_STATE_NO_REPORT:
	case BAOPHU_STATE_WITHDRAWN:
	case BAOPHU_STATE_NO_PLAN:
	case BAOPHU_STATE_PARTIAL:
	case BAOPHU_STATE_NO_DENOMINATOR:
		return row->state;
	default:
		return row->numerator != BAOPHU_ABSENT && row->denominator != BAOPHU_ABSENT && row->denominator > 0
			   ? BAOPHU_STATE_NONE
			   : BAOPHU_STATE_NOT_COMPARABLE;
	}
}

static void touch(struct baophu_league *league, struct table *table)
{
	if (table->is_touched)
		return;
	table->is_touched = true;
	table->next_touched = league->touched;
	league->touched = table;
}

/* Lets the place be put into its table anew. */
static int move(struct baophu_league *league, struct place *place)
{
	struct table *table = place->table;
	if (place->is_coming)
		return 0;
	if (table->count + table->coming == table->capacity) {
		uint32_t capacity = table->capacity ? table->capacity * 2 : TABLE_PLACES_MIN;
		struct place **places = realloc(table->places, capacity * sizeof *places);
		if (!places)
			return -ENOMEM;
		table->places = places;
		table->capacity = capacity;
	}
	if (table->capacity > league->scratch_size) {
		struct place **scratch = realloc(league->scratch, table->capacity * sizeof *scratch);
		if (!scratch)
			return -ENOMEM;
		league->scratch = scratch;
		league->scratch_size = table->capacity;
	}
	table->places[table->count + table->coming++] = place;
	place->is_coming = place->is_out = true;
	touch(league, table);
	return 0;
}

static int take_row(struct baophu_league *league, struct unit *unit, const struct baophu_row *row,
		    const struct baophu_league_key *key)
{
	enum baophu_state reason = reason_of(row);
	struct table *table = put_table(league, key);
	struct place *place = unit->places;
	if (!table)
		return -ENOMEM;
	while (place && place->table != table)
		place = place->next;
	if (place && place->is_named) /* a record says a thing once; what it says again does not count */
		return 0;
	bool is_same = place && place->reason == reason &&
		       (reason || (place->numerator == row->numerator && place->denominator == row->denominator));
	if (!place) {
		if (league->place_count == league->config.places_max)
			return -BAOPHU_EFULL;
		place = calloc(1, sizeof *place);
		if (!place)
			return -ENOMEM;
		*place = (struct place){ .table = table, .unit = unit, .next = unit->places };
		unit->places = place;
		league->place_count++;
	}
	place->numerator = row->numerator;
	place->denominator = row->denominator;
	place->from = row->from;
	place->to = row->to;
	place->reason = (uint8_t)reason;
	place->plan_state = (uint8_t)row->plan_state;
	place->status = (uint8_t)row->status;
	place->origin = (uint8_t)row->origin;
	place->is_named = true;
	return is_same ? 0 : move(league, place);
}

/* Takes away the places that the record did not name. */
static void drop_unnamed(struct baophu_league *league, struct unit *unit)
{
	bool had_any = unit->places;
	for (struct place **link = &unit->places; *link;) {
		struct place *place = *link;
		if (place->is_named) {
			place->is_named = false;
			link = &place->next;
			continue;
		}
		*link = place->next;
		place->next = place->table->gone;
		place->table->gone = place;
		place->is_out = place->is_gone = true;
		touch(league, place->table);
		league->place_count--;
	}
	unit->taken = league->take;
	if (had_any && !unit->places) {
		unit->next_empty = league->empty;
		league->empty = unit;
	}
}

/* Makes *at (NULL: there was none) the unit as the record names it. Equal places stand by code: a new one moves all of them. */
static int take_unit(struct baophu_league *league, const struct baophu_record *record, struct unit **at)
{
	struct unit *unit = *at;
	int error = 0;
	if (!unit || strcmp(unit->name, record->name) != 0)
		unit = make_unit(league, unit, record);
	if (!unit)
		return -ENOMEM;
	*at = unit;
	if (strcmp(unit->code, record->unit) != 0) {
		memcpy(unit->code, record->unit, sizeof unit->code);
		for (struct place *place = unit->places; !error && place; place = place->next)
			error = move(league, place);
	}
	return error;
}

static int take_record(struct baophu_league *league, const struct baophu_record *record)
{
	struct baophu_league_key key;
	struct unit *unit = find_unit(league, record->unit_number);
	int error = unit && unit->taken == league->take ? -EINVAL : 0;
	bool is_named = false;
	for (uint32_t i = 0; !error && !record->tombstone && i < record->row_count; i++) {
		if (!key_of(league, record, &record->rows[i], &key))
			continue;
		if (!is_named)
			error = take_unit(league, record, &unit);
		is_named = true;
		if (!error)
			error = take_row(league, unit, &record->rows[i], &key);
	}
	if (!error && unit)
		drop_unnamed(league, unit);
	return error;
}

/* ---- ranks ---- */

static int compare_places(const struct place *a, const struct place *b)
{
	if (!a->reason != !b->reason)
		return a->reason ? 1 : -1;
	int order = a->reason ? 0 : baophu_ratio_compare(b->numerator, b->denominator, a->numerator, a->denominator);
	if (!order)
		order = strcmp(a->unit->code, b->unit->code);
	return order ? order : (a->unit->number > b->unit->number) - (a->unit->number < b->unit->number);
}

static int by_place(const void *a, const void *b)
{
	return compare_places(*(const struct place *const *)a, *(const struct place *const *)b);
}

static bool ties(const struct place *a, const struct place *b)
{
	return baophu_ratio_compare(a->numerator, a->denominator, b->numerator, b->denominator) == 0;
}

/* How many of the first `count` places stand before this one. */
static uint32_t count_before(struct place *const *places, uint32_t count, const struct place *place)
{
	uint32_t low = 0;
	while (low < count) {
		uint32_t middle = low + (count - low) / 2;
		if (compare_places(places[middle], place) < 0)
			low = middle + 1;
		else
			count = middle;
	}
	return low;
}

static void rank_table(struct baophu_league *league, struct table *table)
{
	struct place **places = table->places, **coming = league->scratch;
	uint32_t kept = 0, new_count = 0;
	for (uint32_t i = table->count; i < table->count + table->coming; i++)
		if (!places[i]->is_gone) {
			places[i]->is_coming = false;
			coming[new_count++] = places[i];
		}
	for (uint32_t i = 0; i < table->count; i++)
		if (!places[i]->is_out)
			places[kept++] = places[i];
	table->count = kept + new_count;
	table->coming = 0;
	if (new_count > 1)
		qsort(coming, new_count, sizeof *coming, by_place);
	/* The last one first: what stands behind it moves on by as many as are still to be put in. */
	for (uint32_t left = new_count; left; left--) {
		uint32_t at = count_before(places, kept, coming[left - 1]);
		memmove(places + at + left, places + at, (kept - at) * sizeof *places);
		places[at + left - 1] = coming[left - 1];
		coming[left - 1]->is_out = false;
		kept = at;
	}
	table->ranked = 0;
	for (uint32_t i = 0; i < table->count; i++) {
		struct place *place = places[i];
		place->before = place->rank;
		place->rank = place->reason ? 0 : i && ties(place, places[i - 1]) ? places[i - 1]->rank : i + 1;
		table->ranked += place->rank != 0;
	}
}

static void fill_place(const struct place *place, struct baophu_league_place *ret_place)
{
	*ret_place = (struct baophu_league_place){ .unit_number = place->unit->number,
						   .unit = place->unit->code,
						   .name = place->unit->name,
						   .rank = place->is_gone ? 0 : place->rank,
						   .reason = (enum baophu_state)place->reason,
						   .numerator = place->numerator,
						   .denominator = place->denominator,
						   .from = place->from,
						   .to = place->to,
						   .status = (enum baophu_status)place->status,
						   .origin = (enum baophu_origin)place->origin,
						   .plan_state = (enum baophu_plan_state)place->plan_state };
}

static void tell(const struct baophu_league *league, const struct table *table, const struct place *place)
{
	struct baophu_league_change change = { .key = &table->key,
					       .before = place->is_gone ? place->rank : place->before,
					       .is_gone = place->is_gone };
	fill_place(place, &change.place);
	if (change.before != change.place.rank)
		league->config.on_change(league->config.user, &change);
}

static void tell_changes(const struct baophu_league *league)
{
	for (const struct table *table = league->touched; table && league->config.on_change; table = table->next_touched) {
		for (const struct place *place = table->gone; place; place = place->next)
			tell(league, table, place);
		for (uint32_t i = 0; i < table->count; i++)
			tell(league, table, table->places[i]);
	}
}

/* Gives back what the cut left without use: places, units, tables. */
static void sweep(struct baophu_league *league)
{
	bool has_empty_tables = false;
	for (struct table *table = league->touched; table; table = table->next_touched) {
		free_places(table->gone);
		table->gone = NULL;
		table->is_touched = false;
		has_empty_tables = has_empty_tables || !table->count;
	}
	league->touched = NULL;
	for (struct unit *unit = league->empty, *next; unit; unit = next) {
		next = unit->next_empty;
		*find_link(league, unit) = unit->next;
		league->unit_count--;
		free(unit);
	}
	league->empty = NULL;
	uint32_t kept = 0;
	for (uint32_t i = 0; has_empty_tables && i < league->table_count; i++) {
		if (league->sorted[i]->count)
			league->sorted[kept++] = league->sorted[i];
		else
			drop_table(league, league->sorted[i]);
	}
	league->table_count = has_empty_tables ? kept : league->table_count;
}

int baophu_league_take(struct baophu_league *league, const struct baophu_cut *cut)
{
	int error = 0;
	if (league->has_failed && !cut->is_whole)
		return -EINVAL;
	league->has_failed = false;
	league->take++;
	for (uint32_t i = 0; !error && i < cut->record_count; i++)
		error = take_record(league, &cut->records[i]);
	if (error) {
		clear(league);
		return error;
	}
	for (uint32_t i = 0; cut->is_whole && i < league->unit_buckets; i++)
		for (struct unit *unit = league->units[i]; unit; unit = unit->next)
			if (unit->taken != league->take)
				drop_unnamed(league, unit);
	for (struct table *table = league->touched; table; table = table->next_touched)
		rank_table(league, table);
	if (league->has_new_tables)
		qsort(league->sorted, league->table_count, sizeof *league->sorted, by_key);
	league->has_new_tables = false;
	tell_changes(league);
	sweep(league);
	return 0;
}

/* ---- looking ---- */

uint32_t baophu_league_tables(const struct baophu_league *league) { return league->table_count; }

int baophu_league_table(const struct baophu_league *league, uint32_t index, struct baophu_league_table *ret_table)
{
	if (index >= league->table_count)
		return -BAOPHU_ENOTFOUND;
	const struct table *table = league->sorted[index];
	*ret_table = (struct baophu_league_table){ .key = &table->key, .ranked = table->ranked, .count = table->count };
	return 0;
}

int baophu_league_place(const struct baophu_league *league, uint32_t table, uint32_t index, struct baophu_league_place *ret_place)
{
	if (table >= league->table_count || index >= league->sorted[table]->count)
		return -BAOPHU_ENOTFOUND;
	fill_place(league->sorted[table]->places[index], ret_place);
	return 0;
}

int baophu_league_rank(const struct baophu_league *league, uint32_t unit_number, enum baophu_row_kind kind, const char *measure,
		       const char *plan, struct baophu_league_place *ret_place)
{
	const struct unit *unit = find_unit(league, unit_number);
	for (const struct place *place = unit ? unit->places : NULL; place; place = place->next) {
		const struct baophu_league_key *key = &place->table->key;
		if (key->kind != kind || strcmp(key->measure, measure) != 0 || (plan && strcmp(key->plan, plan) != 0))
			continue;
		fill_place(place, ret_place);
		return 0;
	}
	return -BAOPHU_ENOTFOUND;
}
