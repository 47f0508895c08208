/* query_coverage.c - COVERAGE: the coverage of any date as known at any place, from history; CHANGED: live records. See query_engine.h.
 *
 * Coverage of a past question is computed by the same code as live coverage, over facts that are loaded here: the whole subtree, because
 * sums need all of it. Of a stock only the figures that can count on the dates asked about are kept, so that a question about a
 * country does not take the memory of every fact ever reported.
 */
#include "query_engine.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum {
	UNITS_A_TRANSACTION = 256, /* read transactions stay short; the cut is pinned by ids, not by the transaction */
	LARGE_FACTS = 10000,
	ANSWER_MARGIN_BYTES = 8192, /* of an answer's own fields beside its records */
};

void snapshot_drop(struct snapshot *snapshot)
{
	if (!snapshot->is_valid)
		return;
	bool was_large = snapshot->facts.fact_count > LARGE_FACTS;
	coverage_finish(&snapshot->coverage);
	liveness_finish(&snapshot->liveness);
	if (snapshot->since != BAOPHU_DATE_NONE)
		coverage_finish(&snapshot->earlier);
	facts_finish(&snapshot->facts);
	rates_finish(&snapshot->rates);
	free(snapshot->order);
	free(snapshot->version);
	*snapshot = (struct snapshot){ 0 };
	if (was_large)
		malloc_trim(0); /* a country's question must not leave its memory behind in small pieces */
}

/* ---- loading facts ---- */

/* Slots come in order of measure, extent and date, so the figure that counts of a stock is the last one standing before the next date. */
struct loader {
	struct question *question;
	struct facts *facts;
	uint64_t newest_id; /* of any entry that named the unit */
	bool takes_all; /* published rates are compared with figures of any date */
	struct slot slot; /* of `kept`: the series being walked */
	struct candidate {
		bool is_set;
		struct slot slot;
		struct fact_version said;
	} kept[2]; /* as of the date, as of `since` */
};

static int loader_put(struct loader *loader, const struct slot *slot, const struct fact_version *said)
{
	struct facts_change change;
	return facts_put(loader->facts, slot, &said->figure, said->id, &change);
}

static int loader_flush(struct loader *loader)
{
	int error = 0;
	for (int i = 1; i >= 0 && !error; i--)
		if (loader->kept[i].is_set)
			error = loader_put(loader, &loader->kept[i].slot, &loader->kept[i].said);
	loader->kept[0].is_set = loader->kept[1].is_set = false;
	return error;
}

static void candidate_take(struct candidate *candidate, baophu_date date, const struct slot *slot, const struct fact_version *said)
{
	/* A withdrawn slot counts only while nothing stands: it is what tells "withdrawn" from "no report". */
	if (date == BAOPHU_DATE_NONE || slot->to > date ||
	    (candidate->is_set && said->figure.value == BAOPHU_ABSENT && candidate->said.figure.value != BAOPHU_ABSENT))
		return;
	*candidate = (struct candidate){ true, *slot, *said };
}

static int load_slot(void *context, const struct slot *slot, const struct fact_version *versions, int count)
{
	struct loader *loader = context;
	const struct measures *measures = &loader->question->engine->registry.measures;
	int standing = facts_standing(versions, count);
	struct fact_version said = versions[standing < 0 ? count - 1 : standing];
	if (versions[count - 1].id > loader->newest_id)
		loader->newest_id = versions[count - 1].id;
	if (slot->measure > measures_count(measures))
		return -BAOPHU_EDAMAGED;
	if (loader->takes_all || measures_get(measures, slot->measure)->kind == BAOPHU_FLOW)
		return loader_put(loader, slot, &said);
	int error = 0;
	if (slot->measure != loader->slot.measure || slot->extent != loader->slot.extent) {
		error = loader_flush(loader);
		loader->slot = *slot;
	}
	candidate_take(&loader->kept[0], loader->question->as_of, slot, &said);
	candidate_take(&loader->kept[1], loader->question->query->since, slot, &said);
	return error;
}

static int load_rate(void *context, const struct entry_rate *said, uint64_t id) { return rates_apply(context, said, id); }

/* The registry's copy has the newest word of each rate; one before it is in history. */
static bool needs_rates(const struct question *question)
{
	const struct vec *rates = &question->engine->registry.rates.rates;
	for (size_t i = 0; i < rates->count; i++)
		if (vec_at(rates, struct rate, i)->id > question->known_id)
			return true;
	return false;
}

static const struct rates *rates_of(const struct question *question, const struct snapshot *snapshot)
{
	return snapshot->has_rates ? &snapshot->rates : &question->engine->registry.rates;
}

static int load_facts(struct question *question, struct snapshot *snapshot)
{
	struct query_engine *engine = question->engine;
	struct baophu_place place;
	int error = 0;
	snapshot->has_rates = needs_rates(question);
	for (uint32_t i = 0; i < snapshot->order_count && !error; i++) {
		uint32_t unit = snapshot->order[i];
		bool has_rates = rates_has(&engine->registry.rates, unit);
		struct loader loader = { .question = question, .facts = &snapshot->facts, .takes_all = has_rates };
		if (i % UNITS_A_TRANSACTION == 0) {
			history_end(engine->history_reader);
			error = history_begin(engine->history_reader, &place);
			if (error)
				break;
		}
		error = history_unit(engine->history_reader, unit, 0, question->known_id, load_slot, &loader);
		if (!error)
			error = loader_flush(&loader);
		if (!error && has_rates && snapshot->has_rates)
			error = history_rates(engine->history_reader, unit, question->known_id, load_rate, &snapshot->rates);
		snapshot->version[unit] = entry_id_seq(loader.newest_id);
	}
	history_end(engine->history_reader);
	return error;
}

/* ---- versions: as the fold has them, from the same sources ---- */

static void raise_version(uint64_t *version, uint64_t seq)
{
	if (*version < seq)
		*version = seq;
}

/* Newest entry that redrew the map, of those known. The fold's own number is exact; before it, what the registry still shows. */
static uint64_t map_seq(const struct question *question)
{
	const struct registry *registry = &question->engine->registry;
	uint64_t known_seq = entry_id_seq(question->known_id), seq = 0;
	if (registry->map_seq <= known_seq)
		return registry->map_seq;
	for (size_t i = registry->units.versions.count; i-- && !seq;) {
		const struct unit_version *version = vec_at(&registry->units.versions, struct unit_version, i);
		if (version->id <= question->known_id)
			seq = entry_id_seq(version->id);
	}
	return seq;
}

static void compute_versions(struct question *question, const struct tree *tree, struct snapshot *snapshot)
{
	const struct registry *registry = &question->engine->registry;
	uint64_t drawn_seq = map_seq(question);
	for (size_t i = 0; i < registry->plans.targets.count; i++) {
		const struct plan_target *target = vec_at(&registry->plans.targets, struct plan_target, i);
		if (target->id <= question->known_id && target->unit < tree->count)
			raise_version(&snapshot->version[target->unit], entry_id_seq(target->id));
	}
	const struct rates *rates = rates_of(question, snapshot);
	for (size_t i = 0; i < rates->rates.count; i++) {
		const struct rate *rate = vec_at(&rates->rates, struct rate, i);
		if (rate->said.unit < tree->count)
			raise_version(&snapshot->version[rate->said.unit], entry_id_seq(rate->id));
	}
	for (size_t i = 0; i < registry->reaches.count; i++) {
		const struct reach *reach = vec_at(&registry->reaches, struct reach, i);
		uint32_t unit = 0;
		while (reach->seq <= entry_id_seq(question->known_id) && (unit = registry_reach_next(registry, reach, tree, unit)))
			raise_version(&snapshot->version[unit], reach->seq);
	}
	for (uint32_t i = snapshot->order_count; i--;) { /* children before parents */
		uint32_t unit = snapshot->order[i];
		raise_version(&snapshot->version[unit], drawn_seq);
		raise_version(&snapshot->version[tree->parent[unit]], snapshot->version[unit]);
	}
}

/* ---- the coverage of the question ---- */

static int compute(struct question *question, struct coverage *coverage, const struct tree *tree, const struct facts *facts,
		   baophu_date date)
{
	const struct registry *registry = &question->engine->registry;
	struct axes axes = { .date = date,
			     .from = question->query->from,
			     .to = question->query->to,
			     .known_id = question->known_id,
			     .plan = question->plan };
	coverage_init(coverage, registry, tree, facts, rates_of(question, &question->engine->snapshot), &axes);
	if (!coverage->error)
		coverage_mark_all(coverage);
	return coverage->error ? coverage->error : coverage_settle(coverage);
}

static bool snapshot_is_of(const struct snapshot *snapshot, const struct question *question)
{
	const struct wire_query *query = question->query;
	return snapshot->is_valid && snapshot->known_seq == entry_id_seq(question->known_id) &&
	       snapshot->registry_seq == question->engine->registry.changed_seq && snapshot->unit == question->unit &&
	       snapshot->plan == question->plan && snapshot->as_of == question->as_of &&
	       snapshot->tree_date == question->tree_date && snapshot->since == query->since && snapshot->from == query->from &&
	       snapshot->to == query->to;
}

static int snapshot_take(struct question *question, const struct tree *tree)
{
	struct snapshot *snapshot = &question->engine->snapshot;
	const struct wire_query *query = question->query;
	if (snapshot_is_of(snapshot, question))
		return 0;
	snapshot_drop(snapshot);
	*snapshot = (struct snapshot){ .is_valid = true,
				       .known_seq = entry_id_seq(question->known_id),
				       .registry_seq = question->engine->registry.changed_seq,
				       .unit = question->unit,
				       .plan = question->plan,
				       .as_of = question->as_of,
				       .tree_date = question->tree_date,
				       .since = query->since,
				       .from = query->from,
				       .to = query->to };
	facts_init(&snapshot->facts);
	rates_init(&snapshot->rates);
	snapshot->order = malloc((tree->order_count + 1) * sizeof *snapshot->order);
	snapshot->version = calloc(tree->count, sizeof *snapshot->version);
	int error = snapshot->order && snapshot->version ? 0 : -ENOMEM;
	for (uint32_t unit = 0; !error && (unit = tree_after(tree, question->unit, unit, BAOPHU_DEPTH_MAX));)
		snapshot->order[snapshot->order_count++] = unit;
	if (!error)
		error = load_facts(question, snapshot);
	if (!error) {
		compute_versions(question, tree, snapshot);
		error = compute(question, &snapshot->coverage, tree, &snapshot->facts, question->as_of);
	}
	liveness_init(&snapshot->liveness, &question->engine->registry, tree, &snapshot->facts, question->as_of,
		      question->known_id);
	for (uint32_t i = 0; i < snapshot->order_count && question->engine->registry.declarations.count && !error; i++) {
		liveness_take_unit(&snapshot->liveness, snapshot->order[i]);
		error = snapshot->liveness.error;
	}
	snapshot->coverage.liveness = &snapshot->liveness;
	if (!error && query->since != BAOPHU_DATE_NONE)
		error = compute(question, &snapshot->earlier, tree, &snapshot->facts, query->since);
	if (error)
		snapshot_drop(snapshot);
	return error;
}

/* ---- records ---- */

static bool is_same_row(const struct baophu_row *a, const struct baophu_row *b)
{
	return a->kind == b->kind && !strcmp(a->measure, b->measure) && !strcmp(a->plan, b->plan) &&
	       !strcmp(a->denominator_measure, b->denominator_measure);
}

static void fill_previous(struct question *question, uint32_t unit, struct baophu_row *rows, uint32_t count)
{
	const struct wire_query *query = question->query;
	struct baophu_row *earlier = question->engine->earlier_rows;
	uint32_t earlier_count = coverage_rows(&question->engine->snapshot.earlier, unit, query->measures, query->measure_count,
					       earlier, COVERAGE_ROWS_MAX, NULL);
	for (uint32_t i = 0; i < count; i++) {
		if (rows[i].kind == BAOPHU_ROW_PUBLISHED)
			continue;
		for (uint32_t j = 0; j < earlier_count; j++)
			if (is_same_row(&rows[i], &earlier[j])) {
				rows[i].previous = earlier[j].value;
				break;
			}
	}
}

static void make_record(struct question *question, const struct tree *tree, uint32_t unit, struct baophu_row *rows,
			struct baophu_record *record)
{
	const struct query_engine *engine = question->engine;
	const struct wire_query *query = question->query;
	const struct units *units = &engine->registry.units;
	const struct unit_version *version = vec_at(&units->versions, struct unit_version, tree->version[unit] - 1);
	const char *name = units_name(units, version);
	*record = (struct baophu_record){ .unit_number = unit,
					  .version = engine->snapshot.version[unit],
					  .depth = tree->depth[unit],
					  .date = question->as_of,
					  .seq = entry_id_seq(question->known_id),
					  .rows = rows };
	memcpy(record->unit, version->code, sizeof record->unit);
	memcpy(record->level, measures_level(&engine->registry.measures, version->level)->code, sizeof record->level);
	if (tree->parent[unit])
		memcpy(record->parent, vec_at(&units->versions, struct unit_version, tree->version[tree->parent[unit]] - 1)->code,
		       sizeof record->parent);
	memcpy(record->name, name, strnlen(name, BAOPHU_TEXT_BYTES_MAX));
	record->row_count = coverage_rows(&engine->snapshot.coverage, unit, query->measures, query->measure_count, rows,
					  COVERAGE_ROWS_MAX, NULL);
	if (query->since != BAOPHU_DATE_NONE)
		fill_previous(question, unit, rows, record->row_count);
}

/* A page of records: bounded by count, rows and encoded bytes. */
struct page {
	struct baophu_record *records;
	uint32_t count, rows;
	size_t bytes;
};

/* Measured by encoding it once into the answer's own buffer, which is free until the end. False: the page is full without it. */
static bool page_takes(const struct question *question, struct page *page, const struct baophu_record *record)
{
	ssize_t bytes = wire_encode_record(record, question->buffer, question->size);
	if (bytes < 0)
		return false;
	size_t room = question->size < QUERY_ANSWER_BYTES_MAX ? question->size : QUERY_ANSWER_BYTES_MAX;
	if (page->bytes + (size_t)bytes + 8 > room - ANSWER_MARGIN_BYTES)
		return false;
	page->bytes += (size_t)bytes + 8; /* tag and length in front of it */
	page->rows += record->row_count;
	page->count++;
	return true;
}

static bool page_has_room(const struct question *question, const struct page *page)
{
	return page->count < question->limit && page->rows + COVERAGE_ROWS_MAX <= QUERY_ROWS_MAX;
}

int query_coverage(struct question *question)
{
	const struct wire_query *query = question->query;
	const struct tree *tree = question_tree(question);
	if (!tree)
		return -ENOMEM;
	int error = snapshot_take(question, tree);
	if (error)
		return error;
	const struct snapshot *snapshot = &question->engine->snapshot;
	uint32_t top_depth = question->unit ? tree->depth[question->unit] : 0;
	struct page page = { .records = question_alloc(question, question->limit, sizeof *page.records) };
	if (!page.records)
		return -ENOMEM;
	for (uint64_t at = question->position; at < snapshot->order_count; at++) {
		uint32_t unit = snapshot->order[at];
		if (tree->depth[unit] - top_depth > query->depth)
			continue;
		struct baophu_record *record = &page.records[page.count];
		if (page_has_room(question, &page))
			make_record(question, tree, unit, question->engine->rows + page.rows, record);
		if (!page_has_room(question, &page) || !page_takes(question, &page, record)) {
			question_continue(question, at);
			break;
		}
	}
	question->answer->records = page.records;
	question->answer->record_count = page.count;
	return 0;
}

/* ---- live ---- */

/* Of one state: the caller holds its lock. Units in order of number, so that a page can go on whatever happened to the tree meanwhile. */
static void take_changed(struct question *question, const struct state *state, struct page *page)
{
	const struct wire_query *query = question->query;
	const struct tree *tree = &state->tree;
	question->answer->cut = state->place;
	question->answer->known_seq = state->place.seq;
	if (!tree_has(tree, question->unit))
		return;
	for (uint32_t unit = (uint32_t)question->position; unit < tree->count; unit++) {
		if (!tree_has(tree, unit) || tree->depth[unit] != tree->depth[question->unit] + query->depth ||
		    state->version[unit] <= query->since_seq || !tree_is_below(tree, unit, question->unit))
			continue;
		struct baophu_record *record = &page->records[page->count];
		if (page_has_room(question, page))
			fold_unit_record(state, unit, question->engine->rows + page->rows, COVERAGE_ROWS_MAX, record);
		if (!page_has_room(question, page) || !page_takes(question, page, record)) {
			question_continue(question, unit);
			break;
		}
	}
}

int question_check_since(struct question *question)
{
	const struct wire_query *query = question->query;
	struct baophu_place place;
	if (!query->has_since_digest && query->since_seq <= question->engine->place.seq)
		return 0;
	if (query->since_seq > question->engine->place.seq)
		return question_refuse(question, BAOPHU_CODE_SNAPSHOT_REQUIRED,
				       &(struct baophu_detail){ .fault = BAOPHU_FAULT_SEQ_AHEAD,
								.date = BAOPHU_DATE_NONE,
								.wanted_seq = query->since_seq,
								.newest_seq = question->engine->place.seq });
	int error = question_place(question, query->since_seq, &place);
	if (error && error != -BAOPHU_ENOTFOUND)
		return error;
	if (error || (query->has_since_digest && memcmp(place.digest, query->since_digest, sizeof place.digest) != 0))
		return question_refuse(question, BAOPHU_CODE_SNAPSHOT_REQUIRED,
				       &(struct baophu_detail){ .fault = BAOPHU_FAULT_HISTORY,
								.date = BAOPHU_DATE_NONE,
								.wanted_seq = query->since_seq });
	return 0;
}

int query_changed(struct question *question)
{
	struct query_engine *engine = question->engine;
	int since_error = question_check_since(question);
	if (since_error || question->answer->code)
		return since_error;
	struct page page = { .records = question_alloc(question, question->limit, sizeof *page.records) };
	if (!page.records)
		return -ENOMEM;
	pthread_rwlock_rdlock(engine->config.state_lock);
	take_changed(question, engine->config.state, &page);
	pthread_rwlock_unlock(engine->config.state_lock);
	question->answer->records = page.records;
	question->answer->record_count = page.count;
	return 0;
}
