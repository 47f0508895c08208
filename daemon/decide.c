/* decide.c - checks each entry against the registry and translates it into numbers. See decide.h.
 *
 * One function an entry kind; note() keeps the strongest answer. Nothing here allocates for a plain update of facts.
 */
#include "decide.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	AHEAD_DAYS_MAX = 1, /* a figure may be dated tomorrow: offices close their day before midnight */
	AHEAD_DAYS_ESTIMATE_MAX = 400, /* a year's plan horizon and a month */
	SLOTS_MIN = 2048, /* table of the slots of one update; at least twice BAOPHU_ENTRIES_MAX */
	MEASURE_CACHE = 64,
	UNIT_CACHE = 32768, /* all communes of the country and room, in pairs of one cache line; power of two */
	LOOK_AHEAD = 6, /* entries: what their look-ups will read is asked for while others are decided */
	AGENTS_MAX = 1 << 20,
	PLAN_CODES_MAX = 1 << 20,
	HELD_MAX = 1 << 16, /* held updates that may wait at once */
};
#define KNOWN_ALL UINT64_MAX

/* A code, and the days from `from` to before `until` on which it names `unit` below `parent`. Codes are zero-padded, so two words say all of one. */
struct unit_known {
	uint64_t low, high;
	baophu_date from, until;
	uint32_t unit, parent;
};
struct slot_seen {
	uint64_t which, when;
	uint32_t stamp;
};
struct answer {
	enum baophu_code code;
	uint32_t entry;
};

struct decide {
	const struct decide_question *question;
	const struct registry *registry; /* the state's, or `copy` */
	struct registry copy;
	bool has_copy;
	uint64_t releasing; /* seq of the held update that is decided again; 0: none */
	bool is_ordered; /* by an administrator, who is told that it is still held */
	uint32_t agent; /* in whose name: that of a held update while it is released */
	bool is_control;
	uint32_t entry; /* index in the sender's words */
	uint32_t written; /* decided entries in the record */
	struct answer retry, refused, held;
	uint32_t suggestion;
	baophu_date suggestion_date;
	bool changes_registry;
	uint32_t declared; /* declarations in this update, that take room until it is folded */
	int error;

	struct slot_seen *slots; /* open hash, power of two; an old stamp is a free place */
	uint32_t slots_size, slots_used, stamp;

	/* Last look-ups; good while the registry is unchanged. */
	uint64_t cached_seq;
	const struct state *cached_state;
	struct {
		char code[BAOPHU_CODE_BYTES_MAX + 1];
		uint16_t number;
	} measures[MEASURE_CACHE];
	struct unit_known *units; /* by code, two places each; good while the map is unchanged */
	uint64_t units_seq;
	const struct unit_known *found; /* what the last look-up found there */
	struct {
		uint32_t unit, agent;
		baophu_date date;
		uint16_t measure;
		uint8_t extent;
	} owner;
	baophu_date newest_version; /* latest date of any unit's version, while there is a copy */
};

int decide_create(struct decide **ret_decide)
{
	struct decide *d = calloc(1, sizeof *d);
	if (!d)
		return -ENOMEM;
	d->slots = calloc(SLOTS_MIN, sizeof *d->slots);
	d->units = aligned_alloc(64, UNIT_CACHE * sizeof *d->units);
	if (!d->slots || !d->units) {
		decide_destroy(d);
		return -ENOMEM;
	}
	memset(d->units, 0, UNIT_CACHE * sizeof *d->units);
	d->slots_size = SLOTS_MIN;
	*ret_decide = d;
	return 0;
}

void decide_destroy(struct decide *d)
{
	if (!d)
		return;
	free(d->slots);
	free(d->units);
	if (d->has_copy)
		registry_finish(&d->copy);
	free(d);
}

bool decide_needs_settled(const struct wire_entry *entries, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (entries[i].kind == WIRE_WITHDRAWAL || wire_entry_is_administrative(entries[i].kind))
			return true;
	return false;
}

static void keep_first(struct answer *answer, enum baophu_code code, uint32_t entry)
{
	if (!answer->code)
		*answer = (struct answer){ code, entry };
}

static void note(struct decide *d, enum baophu_code code)
{
	if (baophu_code_is_retryable(code)) {
		keep_first(&d->retry, code, d->entry);
	} else if (baophu_code_is_held(code) && !d->is_ordered) {
		keep_first(&d->held, code, d->entry);
	} else {
		keep_first(&d->refused, baophu_code_is_held(code) ? BAOPHU_CODE_STILL_HELD : code, d->entry);
	}
}

static bool is_clean(const struct decide *d) { return !d->retry.code && !d->refused.code && !d->held.code && !d->error; }

/* Adds a decided entry to the record, and to the copy of the registry when later entries may build on it. */
static void add(struct decide *d, const struct entry *entry)
{
	if (!is_clean(d))
		return;
	record_add(d->question->writer, entry);
	if (d->has_copy && entry_changes_registry(entry->kind)) {
		struct record_header header = { .place.seq = d->question->seq };
		int error = registry_apply(&d->copy, &header, entry, entry_id(d->question->seq, d->written));
		if (error)
			d->error = error;
	}
	if (entry_changes_registry(entry->kind))
		d->changes_registry = true;
	d->written++;
}

/* ---- look-ups ---- */

static unsigned code_hash(const char *code)
{
	unsigned hash = 0;
	while (*code)
		hash = hash * 31 + (unsigned char)*code++;
	return hash ^ hash >> 7;
}

static uint16_t find_measure(struct decide *d, const char *code)
{
	if (d->has_copy)
		return measures_find(&d->registry->measures, code);
	unsigned at = code_hash(code) % MEASURE_CACHE;
	if (d->measures[at].number && !strcmp(d->measures[at].code, code))
		return d->measures[at].number;
	uint16_t number = measures_find(&d->registry->measures, code);
	if (number) {
		d->measures[at].number = number;
		memcpy(d->measures[at].code, code, strlen(code) + 1);
	}
	return number;
}

struct code_words {
	uint64_t low, high;
};
static struct code_words words_of(const char *code)
{
	char padded[BAOPHU_CODE_BYTES_MAX] = { 0 };
	for (unsigned i = 0; i < BAOPHU_CODE_BYTES_MAX && code[i]; i++)
		padded[i] = code[i];
	struct code_words words;
	memcpy(&words, padded, sizeof words);
	return words;
}
static struct unit_known *known_place(const struct decide *d, struct code_words words)
{
	uint64_t mixed = (words.low ^ words.high * UINT64_C(0xc2b2ae3d27d4eb4f)) * UINT64_C(0x9e3779b97f4a7c15);
	return &d->units[mixed >> 40 & (UNIT_CACHE - 2)];
}
static bool is_known(const struct unit_known *known, struct code_words words, baophu_date date)
{
	return known->low == words.low && known->high == words.high && date >= known->from && date < known->until;
}

static enum baophu_code find_unit(struct decide *d, const char *code, baophu_date date, uint32_t *ret_unit,
				  uint32_t *ret_suggestion)
{
	const struct units *units = &d->registry->units;
	if (d->has_copy)
		return units_find(units, code, date, KNOWN_ALL, ret_unit, ret_suggestion);
	struct code_words words = words_of(code);
	struct unit_known *known = known_place(d, words);
	for (int way = 0; way < 2; way++) {
		if (is_known(&known[way], words, date)) {
			*ret_unit = known[way].unit;
			d->found = &known[way];
			return BAOPHU_CODE_NONE;
		}
	}
	enum baophu_code found = units_find(units, code, date, KNOWN_ALL, ret_unit, ret_suggestion);
	if (found)
		return found;
	const struct unit_version *in_force = units_at(units, *ret_unit, date, KNOWN_ALL);
	known[1] = known[0]; /* the older of the two goes */
	known[0] = (struct unit_known){ words.low, words.high, in_force->from, BAOPHU_DATE_MAX + 1, *ret_unit, in_force->parent };
	for (uint32_t at = *vec_at(&units->newest, uint32_t, *ret_unit); at;) {
		const struct unit_version *version = vec_at(&units->versions, struct unit_version, at - 1);
		if (version->from > known[0].from && version->from < known[0].until)
			known[0].until = version->from;
		at = version->older;
	}
	d->found = known;
	return BAOPHU_CODE_NONE;
}

/* 0: no such unit on this date. */
static uint32_t unit_at(struct decide *d, const char *code, baophu_date date)
{
	uint32_t unit, suggestion;
	return find_unit(d, code, date, &unit, &suggestion) ? 0 : unit;
}

/* The nearest grant up the tree of the figure's date decides; 0: nobody. */
static uint32_t find_owner(struct decide *d, uint32_t unit, uint16_t measure, uint8_t extent, baophu_date date)
{
	if (d->owner.unit == unit && d->owner.measure == measure && d->owner.extent == extent && d->owner.date == date)
		return d->owner.agent;
	/* The first step up is known from looking the unit up: most figures are of a unit below the one that was granted. */
	bool is_parent_known = !d->has_copy && d->found && d->found->unit == unit;
	const struct grant *own = is_parent_known ? agents_grant_at(&d->registry->agents, unit, measure, extent, date) : NULL;
	uint32_t agent = own ? own->agent
			     : registry_owner(d->registry, is_parent_known ? d->found->parent : unit, measure, extent, date);
	if (!d->has_copy) {
		d->owner.unit = unit;
		d->owner.measure = measure;
		d->owner.extent = extent;
		d->owner.date = date;
		d->owner.agent = agent;
	}
	return agent;
}

/* Where this slot stands in the table, or may: an old stamp is a free place. */
static struct slot_seen *slot_place(const struct decide *d, uint64_t which, uint64_t when)
{
	uint32_t mask = d->slots_size - 1, at = (uint32_t)(baophu_mix64((uint32_t)(which >> 32), which << 32 ^ when) >> 20) & mask;
	while (d->slots[at].stamp == d->stamp && (d->slots[at].which != which || d->slots[at].when != when))
		at = (at + 1) & mask;
	return &d->slots[at];
}

/* Room for `count` slots more; the table stays half empty. */
static void slots_reserve(struct decide *d, uint32_t count)
{
	struct slot_seen *old = d->slots;
	uint32_t size = SLOTS_MIN, old_size = d->slots_size;
	while (size < (d->slots_used + count) * 2)
		size *= 2;
	if (size == old_size || (size < old_size && d->slots_used))
		return;
	struct slot_seen *slots = calloc(size, sizeof *slots);
	if (!slots) {
		d->error = -ENOMEM;
		return;
	}
	d->slots = slots;
	d->slots_size = size;
	for (uint32_t i = 0; i < old_size; i++)
		if (old[i].stamp == d->stamp)
			*slot_place(d, old[i].which, old[i].when) = old[i];
	free(old);
}

static bool is_seen(struct decide *d, const struct slot *slot)
{
	uint64_t which = (uint64_t)slot->unit << 32 | (uint32_t)slot->measure << 16 | slot->extent;
	uint64_t when = (uint64_t)(uint32_t)slot->from << 32 | (uint32_t)slot->to;
	struct slot_seen *seen = slot_place(d, which, when);
	if (seen->stamp == d->stamp)
		return true;
	*seen = (struct slot_seen){ which, when, d->stamp };
	d->slots_used++;
	return false;
}

/* ---- what was said since a held update came in ---- */

static bool is_newer(const struct decide *d, uint64_t id) { return registry_received_seq(d->registry, id) > d->releasing; }

/* Whether a figure of the update that is released comes too late: it does what it would have done where it came in. So what was said of its
 * slot since then stays, but for figures that would not have replaced it (rule 3). `status` 0: it takes back what stands. */
static bool is_outdated(struct decide *d, const struct slot *slot, uint8_t status)
{
	const struct fact *fact = d->releasing ? facts_slot(&d->question->state->facts, slot) : NULL;
	if (!fact)
		return false;
	if (is_newer(d, fact->id))
		return !fact_stands(fact) || !status || fact_status(fact) <= status;
	if (!status || d->question->state->touched_seq[slot->unit] <= d->releasing)
		return false;
	/* An older figure may stand because newer ones were taken back. */
	const struct fact_version *versions;
	int count;
	const struct decide_lookups *lookups = d->question->lookups;
	int error = lookups->versions(lookups->context, slot, &versions, &count);
	if (error == -BAOPHU_EGAP)
		note(d, BAOPHU_CODE_BUSY);
	else if (error)
		d->error = error;
	for (int i = 0; i < count && !error; i++)
		if (versions[i].withdrawn_id && is_newer(d, versions[i].id))
			return true;
	return false;
}

/* ---- facts, withdrawals, published rates ---- */

static void check_date(struct decide *d, baophu_date to, enum baophu_status status)
{
	int ahead = status == BAOPHU_ESTIMATE ? AHEAD_DAYS_ESTIMATE_MAX : AHEAD_DAYS_MAX;
	if (to > d->registry->day + ahead)
		note(d, BAOPHU_CODE_CLOCK);
}

/* Measure, unit and owner of a figure; 0 when one of them is in the way (which was noted). */
static uint32_t check_place(struct decide *d, const char *unit_code, uint16_t measure, uint8_t extent, baophu_date from,
			    baophu_date to)
{
	if (!measure) {
		note(d, BAOPHU_CODE_MEASURE_UNKNOWN);
		return 0;
	}
	if (from != to && measures_get(&d->registry->measures, measure)->kind == BAOPHU_STOCK)
		note(d, BAOPHU_CODE_PERIOD);
	uint32_t unit = 0, suggestion = 0;
	enum baophu_code code = find_unit(d, unit_code, to, &unit, &suggestion);
	if (code) {
		if (!d->held.code) {
			d->suggestion = suggestion;
			d->suggestion_date = to;
		}
		note(d, code);
		return 0;
	}
	uint32_t owner = find_owner(d, unit, measure, extent, to);
	if (owner == d->agent)
		return unit;
	note(d, owner ? BAOPHU_CODE_NOT_OWNER : BAOPHU_CODE_NO_OWNER);
	return 0;
}

static void decide_withdrawal(struct decide *d, const struct slot *slot, enum baophu_reason reason)
{
	const struct fact *fact = facts_slot(&d->question->state->facts, slot);
	if (!fact || !fact_stands(fact)) {
		note(d, BAOPHU_CODE_NOTHING_STANDS);
		return;
	}
	struct entry entry = { .kind = ENTRY_WITHDRAWAL,
			       .withdrawal = { .slot = *slot, .reason = (uint8_t)reason, .withdrawn_id = fact->id } };
	const struct decide_lookups *lookups = d->question->lookups;
	int error = lookups->restore(lookups->context, slot, fact->id, &entry.withdrawal.restored_id, &entry.withdrawal.restored);
	if (error == -BAOPHU_EGAP)
		note(d, BAOPHU_CODE_BUSY);
	else if (error)
		d->error = error;
	else
		add(d, &entry);
}

static void decide_fact(struct decide *d, const struct wire_fact *fact, bool is_withdrawal)
{
	uint16_t measure = find_measure(d, fact->measure);
	if (!is_withdrawal)
		check_date(d, fact->to, fact->status);
	uint32_t unit = check_place(d, fact->unit, measure, (uint8_t)fact->extent, fact->from, fact->to);
	if (!unit)
		return;
	struct slot slot = {
		.unit = unit, .measure = measure, .extent = (uint8_t)fact->extent, .from = fact->from, .to = fact->to
	};
	if ((d->question->entry_count > 1 || d->releasing) && is_seen(d, &slot)) {
		note(d, BAOPHU_CODE_DUPLICATE);
	} else if (is_outdated(d, &slot, is_withdrawal ? 0 : (uint8_t)fact->status)) {
		return;
	} else if (is_withdrawal) {
		decide_withdrawal(d, &slot, fact->reason);
	} else {
		struct entry entry;
		entry.kind = ENTRY_FACT;
		entry.fact.slot = slot;
		entry.fact.figure = (struct figure){ fact->value, (uint8_t)fact->status, (uint8_t)fact->origin,
						     (uint8_t)fact->bound, (uint8_t)fact->reason };
		entry.fact.sent_code[0] = 0;
		add(d, &entry);
	}
}

static void decide_rate(struct decide *d, const struct wire_rate *rate)
{
	uint16_t measure = find_measure(d, rate->measure), over_measure = 0;
	uint32_t over_plan = 0;
	check_date(d, rate->to, rate->status);
	if (rate->denominator == BAOPHU_OVER_MEASURE && !(over_measure = find_measure(d, rate->over)))
		note(d, BAOPHU_CODE_MEASURE_UNKNOWN);
	if (rate->denominator == BAOPHU_OVER_PLAN && *rate->over && !(over_plan = plans_find_code(&d->registry->plans, rate->over)))
		note(d, BAOPHU_CODE_PLAN_UNKNOWN);
	uint32_t unit = check_place(d, rate->unit, measure, BAOPHU_WHOLE, rate->from, rate->to);
	if (!unit)
		return;
	struct entry entry = { .kind = ENTRY_RATE,
			       .rate = { .unit = unit,
					 .measure = measure,
					 .over_measure = over_measure,
					 .over_plan = over_plan,
					 .denominator = (uint8_t)rate->denominator,
					 .decimals = (uint8_t)rate->decimals,
					 .status = (uint8_t)rate->status,
					 .bound = (uint8_t)rate->bound,
					 .from = rate->from,
					 .to = rate->to,
					 .digits = rate->digits } };
	const struct rate *newest = d->releasing ? rates_find(&d->registry->rates, &entry.rate) : NULL;
	if (!newest || !is_newer(d, newest->id))
		add(d, &entry);
}

/* ---- declarations ---- */

static int by_number(const void *a, const void *b)
{
	uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;
	return (x > y) - (x < y);
}

/* Whose the declared series are: as for a figure of the business day. What was said of all measures needs one of them. */
static void check_declared_owner(struct decide *d, const struct entry_declare *declare)
{
	uint32_t all = measures_count(&d->registry->measures), count = declare->measure_count ? declare->measure_count : all;
	bool is_any = false, is_mine = false;
	for (uint32_t i = 0; i < count; i++) {
		uint16_t measure = declare->measure_count ? declare->measures[i] : (uint16_t)(i + 1);
		uint32_t owner = find_owner(d, declare->unit, measure, declare->extent, d->registry->day);
		is_any |= owner != 0;
		is_mine |= owner == d->agent;
		if (declare->measure_count && owner != d->agent)
			note(d, owner ? BAOPHU_CODE_NOT_OWNER : BAOPHU_CODE_NO_OWNER);
	}
	if (!declare->measure_count && !is_mine)
		note(d, is_any ? BAOPHU_CODE_NOT_OWNER : BAOPHU_CODE_NO_OWNER);
}

/* With what this update has declared before. */
static bool has_room_to_declare(struct decide *d, uint32_t unit)
{
	const struct declarations *declarations = &d->registry->declarations;
	baophu_date place = (baophu_date)declarations_count_at(declarations, d->agent, unit);
	/* A place at the unit is a slot that no figure has. */
	struct slot slot = { .unit = unit, .measure = UINT16_MAX, .from = place, .to = place };
	while (slot.to < BAOPHU_DECLARATIONS_OF_UNIT_MAX && is_seen(d, &slot))
		slot.from = ++slot.to;
	return slot.to < BAOPHU_DECLARATIONS_OF_UNIT_MAX && declarations_have_room(declarations, d->agent, ++d->declared);
}

static void decide_declare(struct decide *d, const struct wire_declare *said)
{
	const struct registry *registry = d->registry;
	uint16_t measures[BAOPHU_DECLARE_MEASURES_MAX];
	uint32_t count = said->measure_count < BAOPHU_DECLARE_MEASURES_MAX ? said->measure_count : BAOPHU_DECLARE_MEASURES_MAX;
	for (uint32_t i = 0; i < count; i++)
		if (!(measures[i] = find_measure(d, said->measures[i])))
			note(d, BAOPHU_CODE_MEASURE_UNKNOWN);
	qsort(measures, count, sizeof *measures, by_number);
	for (uint32_t i = 1; i < count; i++)
		if (measures[i] == measures[i - 1])
			note(d, BAOPHU_CODE_DUPLICATE);
	uint8_t level = *said->level ? measures_find_level(&registry->measures, said->level) : 0;
	if (*said->level && !level)
		note(d, BAOPHU_CODE_NO_SUCH);
	uint32_t unit = 0, suggestion = 0;
	enum baophu_code code = find_unit(d, said->unit, registry->day, &unit, &suggestion);
	if (code) {
		if (!d->held.code) {
			d->suggestion = suggestion;
			d->suggestion_date = registry->day;
		}
		note(d, code);
		return;
	}
	struct entry entry = { .kind = ENTRY_DECLARE,
			       .declare = { .agent = d->agent,
					    .unit = unit,
					    .level = level,
					    .extent = (uint8_t)said->extent,
					    .rhythm = (uint8_t)said->rhythm,
					    .closing_day = (uint16_t)said->closing_day,
					    .grace_days = (uint16_t)said->grace_days,
					    .since = registry->day,
					    .measure_count = count,
					    .measures = measures } };
	if (d->refused.code)
		return;
	const struct declaration *standing = declarations_find(&registry->declarations, &entry.declare);
	if (d->releasing && standing && is_newer(d, standing->id))
		return;
	if (said->remove) { /* one's own word may be taken back whoever owns the unit by now */
		if (!standing)
			note(d, BAOPHU_CODE_NO_SUCH);
	} else {
		check_declared_owner(d, &entry.declare);
		if (!standing && !has_room_to_declare(d, unit))
			note(d, BAOPHU_CODE_TOO_BIG);
	}
	add(d, &entry);
}

/* ---- the registry ---- */

static void decide_level(struct decide *d, const struct wire_level_set *set)
{
	const struct measures *measures = &d->registry->measures;
	uint8_t number = measures_find_level(measures, set->code);
	size_t count = measures->levels.count ? measures->levels.count - 1 : 0;
	if (!number && count >= BAOPHU_LEVELS_MAX)
		note(d, BAOPHU_CODE_TOO_BIG);
	else
		add(d, &(struct entry){ .kind = ENTRY_LEVEL,
					.level = { .level = number ? number : (uint8_t)(count + 1),
						   .code = set->code,
						   .name_vi = set->name_vi,
						   .name_en = set->name_en } });
}

/* How deep a child of `parent` would stand on this date; beyond the bound when `unit` is among its ancestors. */
static unsigned depth_below(const struct decide *d, uint32_t parent, uint32_t unit, baophu_date date)
{
	unsigned depth = 0;
	while (parent) {
		if (parent == unit || ++depth > BAOPHU_DEPTH_MAX)
			return UINT32_MAX;
		const struct unit_version *version = units_at(&d->registry->units, parent, date, KNOWN_ALL);
		parent = version ? version->parent : 0;
	}
	return depth;
}

/* True when another unit has this code on `from`, or will while `unit` still has it. */
static bool is_code_taken(struct decide *d, const char *code, uint32_t unit, baophu_date from)
{
	const struct units *units = &d->registry->units;
	uint32_t other = unit_at(d, code, from);
	if (other && other != unit)
		return true;
	if (from >= d->newest_version)
		return false;
	baophu_date until = BAOPHU_DATE_MAX + 1; /* when the next known version of `unit` takes over */
	for (size_t i = 0; unit && i < units->versions.count; i++) {
		const struct unit_version *version = vec_at(&units->versions, struct unit_version, i);
		if (version->unit == unit && version->from > from && version->from < until)
			until = version->from;
	}
	for (size_t i = 0; i < units->versions.count; i++) {
		const struct unit_version *version = vec_at(&units->versions, struct unit_version, i);
		if (version->unit != unit && !version->closed && version->from > from && version->from < until &&
		    !strcmp(version->code, code))
			return true;
	}
	return false;
}

static void add_unit(struct decide *d, uint32_t unit, uint32_t parent, uint8_t level, baophu_date from, const char *code,
		     const char *name)
{
	/* The copy's texts may move while the entry is applied to it. */
	char own_code[BAOPHU_CODE_BYTES_MAX + 1], own_name[BAOPHU_TEXT_BYTES_MAX + 1];
	strncpy(own_code, code, sizeof own_code - 1);
	own_code[sizeof own_code - 1] = 0;
	strncpy(own_name, name, sizeof own_name - 1);
	own_name[sizeof own_name - 1] = 0;
	add(d, &(struct entry){
		   .kind = ENTRY_UNIT,
		   .unit = { .unit = unit, .parent = parent, .level = level, .from = from, .code = own_code, .name = own_name } });
	if (from > d->newest_version)
		d->newest_version = from;
}

static void decide_unit_create(struct decide *d, const struct wire_unit_create *create)
{
	uint8_t level = measures_find_level(&d->registry->measures, create->level);
	uint32_t parent = *create->parent ? unit_at(d, create->parent, create->date) : 0;
	if (!level || (*create->parent && !parent))
		note(d, BAOPHU_CODE_NO_SUCH);
	else if (is_code_taken(d, create->code, 0, create->date))
		note(d, BAOPHU_CODE_DUPLICATE);
	else if (units_count(&d->registry->units) >= BAOPHU_UNITS_MAX - 1 ||
		 depth_below(d, parent, 0, create->date) > BAOPHU_DEPTH_MAX)
		note(d, BAOPHU_CODE_TOO_BIG);
	else
		add_unit(d, units_count(&d->registry->units) + 1, parent, level, create->date, create->code, create->name);
}

static void decide_unit_change(struct decide *d, const struct wire_unit_change *change)
{
	const struct units *units = &d->registry->units;
	uint32_t unit = unit_at(d, change->unit, change->date - 1);
	const struct unit_version *now = units_at(units, unit, change->date, KNOWN_ALL);
	uint8_t level = *change->level ? measures_find_level(&d->registry->measures, change->level) : 0;
	uint32_t parent = *change->parent ? unit_at(d, change->parent, change->date) : 0;
	if (!now || (*change->level && !level) || (*change->parent && !parent)) {
		note(d, BAOPHU_CODE_NO_SUCH);
		return;
	}
	if (!*change->parent)
		parent = now->parent;
	if (*change->code && is_code_taken(d, change->code, unit, change->date))
		note(d, BAOPHU_CODE_DUPLICATE);
	else if (*change->parent && depth_below(d, parent, unit, change->date) > BAOPHU_DEPTH_MAX)
		note(d, BAOPHU_CODE_CYCLE);
	else
		add_unit(d, unit, parent, level ? level : now->level, change->date, *change->code ? change->code : now->code,
			 *change->name ? change->name : units_name(units, now));
}

static void decide_unit_close(struct decide *d, const struct wire_unit_close *close)
{
	uint32_t unit = unit_at(d, close->unit, close->date - 1);
	if (!unit || !units_at(&d->registry->units, unit, close->date, KNOWN_ALL)) {
		note(d, BAOPHU_CODE_NO_SUCH);
		return;
	}
	struct entry_successor successors[BAOPHU_SUCCESSORS_MAX];
	uint32_t count = close->successor_count < BAOPHU_SUCCESSORS_MAX ? close->successor_count : BAOPHU_SUCCESSORS_MAX;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t successor = unit_at(d, close->successors[i].unit, close->date);
		successors[i] = (struct entry_successor){ successor,
							  close->successors[i].weight ? close->successors[i].weight : 1 };
		if (!successor)
			note(d, BAOPHU_CODE_NO_SUCH);
		else if (successor == unit)
			note(d, BAOPHU_CODE_CYCLE);
		for (uint32_t before = 0; before < i; before++)
			if (successors[before].unit == successor)
				note(d, BAOPHU_CODE_DUPLICATE);
	}
	add(d, &(struct entry){
		   .kind = ENTRY_UNIT_CLOSE,
		   .unit_close = { .unit = unit, .from = close->date, .successor_count = count, .successors = successors } });
	if (close->date > d->newest_version)
		d->newest_version = close->date;
}

static void decide_measure(struct decide *d, const struct wire_measure_set *set)
{
	const struct measures *measures = &d->registry->measures;
	uint16_t number = measures_find(measures, set->code), parent = *set->parent ? measures_find(measures, set->parent) : 0;
	if (*set->parent && !parent)
		note(d, BAOPHU_CODE_MEASURE_UNKNOWN);
	else if (parent && measures_get(measures, parent)->kind != set->kind)
		note(d, BAOPHU_CODE_KIND);
	else if (parent && parent == number)
		note(d, BAOPHU_CODE_CYCLE);
	else if (number && (measures_get(measures, number)->kind != set->kind || measures_get(measures, number)->parent != parent))
		note(d, BAOPHU_CODE_DUPLICATE); /* kind and parent are for ever */
	else if (measures_find_indicator(measures, set->code))
		note(d, BAOPHU_CODE_DUPLICATE); /* a row names either by its code alone */
	else if (!number && measures_count(measures) >= BAOPHU_MEASURES_MAX)
		note(d, BAOPHU_CODE_TOO_BIG);
	else
		add(d, &(struct entry){ .kind = ENTRY_MEASURE,
					.measure = { .measure = number ? number : (uint16_t)(measures_count(measures) + 1),
						     .parent = parent,
						     .kind = (uint8_t)set->kind,
						     .code = set->code,
						     .name_vi = set->name_vi,
						     .name_en = set->name_en,
						     .unit_vi = set->unit_vi,
						     .unit_en = set->unit_en } });
}

static void decide_indicator(struct decide *d, const struct wire_indicator_set *set)
{
	const struct measures *measures = &d->registry->measures;
	uint16_t number = measures_find_indicator(measures, set->code);
	uint16_t numerator = measures_find(measures, set->numerator), denominator = measures_find(measures, set->denominator);
	if (!numerator || !denominator)
		note(d, BAOPHU_CODE_MEASURE_UNKNOWN);
	else if (measures_find(measures, set->code))
		note(d, BAOPHU_CODE_DUPLICATE);
	else if (!number && measures_indicator_count(measures) >= BAOPHU_MEASURES_MAX)
		note(d, BAOPHU_CODE_TOO_BIG);
	else
		add(d, &(struct entry){
			   .kind = ENTRY_INDICATOR,
			   .indicator = { .indicator = number ? number : (uint16_t)(measures_indicator_count(measures) + 1),
					  .numerator = numerator,
					  .denominator = denominator,
					  .code = set->code,
					  .name_vi = set->name_vi,
					  .name_en = set->name_en } });
}

static void decide_plan(struct decide *d, const struct wire_plan_set *set)
{
	const struct registry *registry = d->registry;
	bool is_rate = set->kind == BAOPHU_PLAN_RATE;
	uint16_t target = is_rate ? measures_find_indicator(&registry->measures, set->target) : find_measure(d, set->target);
	uint32_t unit = unit_at(d, set->unit, set->from), plan = plans_find_code(&registry->plans, set->code);
	if (!target)
		note(d, BAOPHU_CODE_MEASURE_UNKNOWN);
	else if (!unit)
		note(d, BAOPHU_CODE_NO_SUCH);
	else if (!is_rate &&
		 measures_get(&registry->measures, target)->kind != (set->kind == BAOPHU_PLAN_FLOW ? BAOPHU_FLOW : BAOPHU_STOCK))
		note(d, BAOPHU_CODE_KIND);
	else if (set->remove && (!plan || !plans_target(&registry->plans, plan, unit, is_rate, target, KNOWN_ALL)))
		note(d, BAOPHU_CODE_NO_SUCH);
	else if (!plan && plans_code_count(&registry->plans) >= PLAN_CODES_MAX)
		note(d, BAOPHU_CODE_TOO_BIG);
	else
		add(d, &(struct entry){ .kind = ENTRY_PLAN,
					.plan = { .plan = plan ? plan : plans_code_count(&registry->plans) + 1,
						  .unit = unit,
						  .target = target,
						  .kind = (uint8_t)set->kind,
						  .decimals = (uint8_t)set->decimals,
						  .origin = (uint8_t)set->origin,
						  .removed = set->remove,
						  .from = set->from,
						  .to = set->to,
						  .value = set->value,
						  .code = set->code,
						  .issuer = set->issuer,
						  .document = set->document } });
}

static void decide_agent(struct decide *d, const struct wire_agent_set *set)
{
	uint32_t number = agents_find(&d->registry->agents, set->name), count = agents_count(&d->registry->agents);
	if (number == AGENT_CONTROL)
		note(d, BAOPHU_CODE_DUPLICATE); /* the administrator's own name: it can neither end nor be taken */
	else if (!number && count >= AGENTS_MAX)
		note(d, BAOPHU_CODE_TOO_BIG);
	else
		add(d, &(struct entry){
			   .kind = ENTRY_AGENT,
			   .agent = {
			       .agent = number ? number : count + 1, .from = set->from, .until = set->until, .name = set->name } });
}

static bool has_grant(const struct decide *d, const struct entry_grant *entry)
{
	const struct agents *agents = &d->registry->agents;
	if (entry->unit >= agents->newest_of_unit.count)
		return false;
	for (uint32_t at = *vec_at(&agents->newest_of_unit, uint32_t, entry->unit); at;) {
		const struct grant *grant = vec_at(&agents->grants, struct grant, at - 1);
		const uint16_t *list = vec_at(&agents->lists, uint16_t, grant->measures);
		if (grant->agent == entry->agent && grant->extent == entry->extent && list[0] == entry->measure_count &&
		    !memcmp(list + 1, entry->measures, entry->measure_count * sizeof *list))
			return true;
		at = grant->older_of_unit;
	}
	return false;
}

static void decide_grant(struct decide *d, const struct wire_grant *grant)
{
	uint16_t measures[BAOPHU_GRANT_MEASURES_MAX];
	uint32_t count = grant->measure_count < BAOPHU_GRANT_MEASURES_MAX ? grant->measure_count : BAOPHU_GRANT_MEASURES_MAX;
	for (uint32_t i = 0; i < count; i++)
		if (!(measures[i] = find_measure(d, grant->measures[i])))
			note(d, BAOPHU_CODE_MEASURE_UNKNOWN);
	/* A grant may begin before the unit does; its code is then read on the business day. */
	uint32_t unit = unit_at(d, grant->unit, grant->from);
	if (!unit)
		unit = unit_at(d, grant->unit, d->registry->day);
	struct entry entry = { .kind = ENTRY_GRANT,
			       .grant = { .agent = agents_find(&d->registry->agents, grant->agent),
					  .unit = unit,
					  .extent = (uint8_t)grant->extent,
					  .revoke = grant->revoke,
					  .from = grant->from,
					  .until = grant->until,
					  .measure_count = count,
					  .measures = measures } };
	if (!entry.grant.agent || !unit || (grant->revoke && !has_grant(d, &entry.grant)))
		note(d, BAOPHU_CODE_NO_SUCH);
	else
		add(d, &entry);
}

static void decide_epoch_open(struct decide *d, const struct wire_epoch_open *open)
{
	uint32_t agent = agents_find(&d->registry->agents, open->agent);
	const struct epoch *epoch = agent ? agents_epoch(&d->registry->agents, agent, open->epoch) : NULL;
	if (!epoch || !epoch->frozen)
		note(d, BAOPHU_CODE_NO_SUCH);
	else
		add(d, &(struct entry){ .kind = ENTRY_EPOCH_OPEN, .epoch = { .agent = agent, .epoch = open->epoch } });
}

static void decide_threshold(struct decide *d, const struct wire_threshold_set *set)
{
	const struct lines *lines = &d->registry->lines;
	uint32_t plan = *set->plan ? plans_find_code(&d->registry->plans, set->plan) : 0, digits = (uint32_t)set->digits;
	uint8_t decimals = (uint8_t)set->decimals;
	lines_normalise(&digits, &decimals);
	unsigned number = lines_number(lines, digits, decimals);
	if (number == LINES_EVER_MAX)
		number = lines_numbered(lines);
	bool stands = lines_find(lines, plan, digits, decimals);
	if ((*set->plan && !plan) || (set->remove && !stands))
		note(d, BAOPHU_CODE_NO_SUCH);
	else if (!set->remove && (stands || lines_find(lines, 0, digits, decimals)))
		note(d, BAOPHU_CODE_DUPLICATE);
	else if (!set->remove && (lines_standing(lines) >= BAOPHU_LINES_MAX || number == LINES_EVER_MAX))
		note(d, BAOPHU_CODE_TOO_BIG);
	else
		add(d, &(struct entry){ .kind = ENTRY_THRESHOLD,
					.threshold = { .plan = plan,
						       .digits = digits,
						       .decimals = decimals,
						       .line = (uint8_t)number,
						       .removed = set->remove } });
}

static void decide_backup(struct decide *d, const struct wire_backup *backup)
{
	struct baophu_place ours;
	const struct decide_lookups *lookups = d->question->lookups;
	int error = lookups->place(lookups->context, backup->place.seq, &ours);
	if (error && error != -BAOPHU_ENOTFOUND)
		d->error = error;
	else if (error || memcmp(ours.digest, backup->place.digest, sizeof ours.digest) != 0)
		note(d, BAOPHU_CODE_NO_SUCH);
	else
		add(d, &(struct entry){ .kind = ENTRY_BACKUP, .backup = { ours } });
}

static void decide_entry(struct decide *d, const struct wire_entry *entry);

/* A released update is decided again, in the name of its sender and by today's registry; its entries follow the decision in one record. */
static void decide_held(struct decide *d, const struct wire_held_decision *decision)
{
	const struct held *held = registry_held(d->registry, decision->seq);
	if (d->releasing) {
		note(d, BAOPHU_CODE_FORBIDDEN);
		return;
	}
	if (!held || held->decided) {
		note(d, BAOPHU_CODE_NO_SUCH);
		return;
	}
	uint32_t agent = held->agent;
	add(d, &(struct entry){ .kind = ENTRY_HELD_DECISION, .held = { .seq = decision->seq, .release = decision->release } });
	if (!decision->release || !is_clean(d))
		return;
	struct wire_payload payload;
	const struct decide_lookups *lookups = d->question->lookups;
	int error = lookups->held(lookups->context, decision->seq, &payload);
	if (error) {
		d->error = error;
		return;
	}
	slots_reserve(d, payload.entry_count);
	uint32_t sender = d->agent;
	bool was_control = d->is_control;
	d->agent = agent;
	d->is_control = agent == AGENT_CONTROL;
	d->releasing = decision->seq;
	d->is_ordered = true;
	for (uint32_t i = 0; i < payload.entry_count && !d->error; i++)
		decide_entry(d, &payload.entries[i]);
	d->releasing = 0;
	d->is_ordered = false;
	d->is_control = was_control;
	d->agent = sender;
}

static void decide_entry(struct decide *d, const struct wire_entry *entry)
{
	if (wire_entry_is_administrative(entry->kind) && !d->is_control) {
		note(d, BAOPHU_CODE_FORBIDDEN);
		return;
	}
	switch (entry->kind) {
	case WIRE_FACT:
		decide_fact(d, &entry->fact, false);
		break;
	case WIRE_WITHDRAWAL:
		decide_fact(d, &entry->fact, true);
		break;
	case WIRE_RATE:
		decide_rate(d, &entry->rate);
		break;
	case WIRE_DECLARE:
		decide_declare(d, &entry->declare);
		break;
	case WIRE_LEVEL_SET:
		decide_level(d, &entry->level);
		break;
	case WIRE_UNIT_CREATE:
		decide_unit_create(d, &entry->unit_create);
		break;
	case WIRE_UNIT_CHANGE:
		decide_unit_change(d, &entry->unit_change);
		break;
	case WIRE_UNIT_CLOSE:
		decide_unit_close(d, &entry->unit_close);
		break;
	case WIRE_MEASURE_SET:
		decide_measure(d, &entry->measure);
		break;
	case WIRE_INDICATOR_SET:
		decide_indicator(d, &entry->indicator);
		break;
	case WIRE_PLAN_SET:
		decide_plan(d, &entry->plan);
		break;
	case WIRE_AGENT_SET:
		decide_agent(d, &entry->agent);
		break;
	case WIRE_GRANT:
		decide_grant(d, &entry->grant);
		break;
	case WIRE_HELD_DECISION:
		decide_held(d, &entry->held);
		break;
	case WIRE_EPOCH_OPEN:
		decide_epoch_open(d, &entry->epoch_open);
		break;
	case WIRE_THRESHOLD_SET:
		decide_threshold(d, &entry->threshold);
		break;
	case WIRE_BACKUP:
		decide_backup(d, &entry->backup);
		break;
	default:
		note(d, BAOPHU_CODE_MALFORMED);
		break;
	}
}

/* ---- one update ---- */

static void copy_registry(struct decide *d)
{
	int error = registry_clone(&d->copy, &d->question->state->registry);
	if (error) {
		d->error = error;
		return;
	}
	d->has_copy = true;
	d->registry = &d->copy;
	d->owner.unit = 0;
	d->newest_version = BAOPHU_DATE_MIN;
	for (size_t i = 0; i < d->copy.units.versions.count; i++) {
		baophu_date from = vec_at(&d->copy.units.versions, struct unit_version, i)->from;
		if (from > d->newest_version)
			d->newest_version = from;
	}
}

void decide_begin(struct decide *d, const struct decide_question *question)
{
	d->question = question;
	d->registry = &question->state->registry;
	d->agent = question->agent;
	d->is_control = question->is_control;
	d->releasing = 0;
	d->is_ordered = false;
	d->entry = d->written = 0;
	d->retry = d->refused = d->held = (struct answer){ 0 };
	d->suggestion = 0;
	d->changes_registry = false;
	d->declared = 0;
	d->error = 0;
	bool is_other = d->cached_state != question->state;
	if (is_other || d->cached_seq != d->registry->changed_seq) {
		d->cached_state = question->state;
		d->cached_seq = d->registry->changed_seq;
		memset(d->measures, 0, sizeof d->measures);
		d->owner.unit = 0;
		if (is_other || d->units_seq != d->registry->map_seq)
			memset(d->units, 0, UNIT_CACHE * sizeof *d->units);
		d->found = NULL;
		d->units_seq = d->registry->map_seq;
	}
	if (!++d->stamp) { /* wrapped: old stamps would look new */
		memset(d->slots, 0, d->slots_size * sizeof *d->slots);
		d->stamp = 1;
	}
	d->slots_used = 0;
	slots_reserve(d, question->entry_count);
}

void decide_entries(struct decide *d, const struct wire_entry *entries, uint32_t count)
{
	for (uint32_t i = 0; i < count && !d->error; i++, d->entry++) {
		if (i + LOOK_AHEAD < count && entries[i + LOOK_AHEAD].kind == WIRE_FACT)
			__builtin_prefetch(known_place(d, words_of(entries[i + LOOK_AHEAD].fact.unit)));
		if (!d->has_copy && d->is_control && wire_entry_is_administrative(entries[i].kind))
			copy_registry(d);
		if (!d->error)
			decide_entry(d, &entries[i]);
	}
}

static void suggest(const struct decide *d, struct decision *decision)
{
	const struct units *units = &d->registry->units;
	const struct unit_version *version = units_at(units, d->suggestion, d->suggestion_date, KNOWN_ALL);
	if (!version)
		version = units_at(units, d->suggestion, BAOPHU_DATE_MAX, KNOWN_ALL);
	if (version)
		memcpy(decision->suggestion, version->code, sizeof decision->suggestion);
}

int decide_end(struct decide *d, struct decision *ret_decision)
{
	struct decision decision = { .verdict = BAOPHU_APPLIED, .changes_registry = d->changes_registry };
	const struct answer *answer = d->retry.code ? &d->retry : d->refused.code ? &d->refused : d->held.code ? &d->held : NULL;
	int error = d->error;
	if (!answer && !error && d->question->writer->error == -BAOPHU_EFULL) {
		d->refused = (struct answer){ BAOPHU_CODE_TOO_BIG, UINT32_MAX };
		answer = &d->refused;
	}
	if (answer) {
		decision = (struct decision){ .code = answer->code, .entry = answer->entry };
		if (answer == &d->held) {
			decision.verdict = d->question->is_import || d->registry->held_waiting >= HELD_MAX ? BAOPHU_REFUSED
													   : BAOPHU_HELD;
			suggest(d, &decision);
		} else if (answer == &d->refused) {
			decision.verdict = BAOPHU_REFUSED;
		}
	} else {
		decision.entry = UINT32_MAX;
	}
	if (d->has_copy) {
		registry_finish(&d->copy);
		d->has_copy = false;
	}
	d->registry = &d->question->state->registry;
	if (error)
		return error;
	*ret_decision = decision;
	return 0;
}

int decide_release(struct decide *d, const struct decide_question *question, const struct held *held,
		   const struct wire_payload *payload, struct decision *ret_decision)
{
	struct decide_question own = *question;
	own.agent = held->agent;
	own.is_control = held->agent == AGENT_CONTROL;
	own.is_import = false;
	own.entry_count = payload->entry_count;
	decide_begin(d, &own);
	d->releasing = held->seq;
	add(d, &(struct entry){ .kind = ENTRY_HELD_DECISION, .held = { .seq = held->seq, .release = true } });
	d->changes_registry = false;
	decide_entries(d, payload->entries, payload->entry_count);
	return decide_end(d, ret_decision);
}
