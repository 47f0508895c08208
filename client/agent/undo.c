/* undo.c - see undo.h. Two walks over the outbox from the batch on: its figures, then every later word on their slots. */
#include "undo.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

struct figure {
	struct wire_fact fact;
	enum outbox_state state;
	bool is_superseded, is_figure;
};
struct plan {
	struct figure *figures;
	uint32_t count, capacity;
	uint32_t *slots; /* a hash of slots: index of the newest figure + 1; 0: free */
	uint32_t slot_count; /* a power of two */
	uint8_t key[crypto_shorthash_KEYBYTES];
	struct wire_arena *texts;
};

static uint64_t hash_slot(const struct plan *plan, const struct wire_fact *fact)
{
	struct {
		char unit[BAOPHU_CODE_BYTES_MAX + 1], measure[BAOPHU_CODE_BYTES_MAX + 1];
		int32_t extent, from, to;
	} slot;
	uint64_t hash;
	memset(&slot, 0, sizeof slot);
	strncpy(slot.unit, fact->unit, sizeof slot.unit - 1);
	strncpy(slot.measure, fact->measure, sizeof slot.measure - 1);
	slot.extent = fact->extent;
	slot.from = fact->from;
	slot.to = fact->to;
	crypto_shorthash((unsigned char *)&hash, (const unsigned char *)&slot, sizeof slot, plan->key);
	return hash;
}

static bool is_same_slot(const struct wire_fact *a, const struct wire_fact *b)
{
	return strcmp(a->unit, b->unit) == 0 && strcmp(a->measure, b->measure) == 0 && a->extent == b->extent &&
	       a->from == b->from && a->to == b->to;
}

/* Where the fact's slot is in the hash, or would be. */
static uint32_t *find_slot(const struct plan *plan, const struct wire_fact *fact)
{
	uint32_t at = (uint32_t)hash_slot(plan, fact) & (plan->slot_count - 1);
	while (plan->slots[at] && !is_same_slot(&plan->figures[plan->slots[at] - 1].fact, fact))
		at = (at + 1) & (plan->slot_count - 1);
	return &plan->slots[at];
}

static const char *keep(struct wire_arena *texts, const char *text)
{
	size_t bytes = strlen(text) + 1;
	char *copy = wire_arena_alloc(texts, bytes);
	return copy ? memcpy(copy, text, bytes) : NULL;
}

/* One entry of the batch. */
static int add(struct plan *plan, const struct wire_entry *entry, const struct outbox_update *update)
{
	assert(plan->count < plan->capacity);
	struct figure *figure = &plan->figures[plan->count];
	*figure = (struct figure){ .state = update->state, .is_figure = entry->kind == WIRE_FACT };
	if (figure->is_figure) {
		figure->fact = entry->fact;
		figure->fact.unit = keep(plan->texts, entry->fact.unit);
		figure->fact.measure = keep(plan->texts, entry->fact.measure);
		if (!figure->fact.unit || !figure->fact.measure)
			return -ENOMEM;
		uint32_t *slot = find_slot(plan, &figure->fact);
		if (*slot && update->state != OUTBOX_REFUSED)
			plan->figures[*slot - 1].is_superseded = true; /* the batch itself says it twice */
		if (!*slot || update->state != OUTBOX_REFUSED)
			*slot = plan->count + 1;
	}
	plan->count++;
	return 0;
}

/* One entry of a later batch that the centre took or may take. */
static void supersede(struct plan *plan, const struct wire_entry *entry)
{
	if (entry->kind != WIRE_FACT && entry->kind != WIRE_WITHDRAWAL)
		return;
	uint32_t *slot = find_slot(plan, &entry->fact);
	if (*slot)
		plan->figures[*slot - 1].is_superseded = true;
}

static int walk(struct outbox *outbox, const struct outbox_batch *batch, struct plan *plan)
{
	struct outbox_walk *walk = NULL;
	struct outbox_update update;
	struct wire_payload payload;
	int result = outbox_walk_open(outbox, batch->id, &walk), error = 0;
	if (result)
		return result;
	while (!error && (result = outbox_walk_next(walk, &update, &payload)) > 0)
		for (uint32_t i = 0; !error && i < payload.entry_count; i++) {
			if (update.batch == batch->id)
				error = add(plan, &payload.entries[i], &update);
			else if (update.state != OUTBOX_REFUSED)
				supersede(plan, &payload.entries[i]);
		}
	outbox_walk_close(walk);
	return error ? error : result;
}

/* Whether the figure is what stands at the centre, as far as that is known here. `newest_seq`: of the newest receipt. */
static bool stands(const struct mirror *mirror, uint64_t newest_seq, const struct figure *figure)
{
	const struct wire_fact *fact = &figure->fact;
	const struct mirror_unit *unit = mirror ? mirror_unit(mirror, fact->unit, fact->to) : NULL;
	int measure = mirror ? mirror_measure(mirror, fact->measure) : -1;
	bool is_final = fact->status == BAOPHU_FINAL;
	if (!unit || measure < 0 || fact->to < mirror->figures_from)
		return is_final;
	const struct mirror_figure *there = mirror_figure(mirror, unit->number, measure, fact->extent, fact->from, fact->to);
	if (figure->state == OUTBOX_APPLIED && newest_seq <= mirror->place.seq)
		return there && there->value == fact->value && there->status == fact->status;
	return is_final || !there || there->status >= fact->status; /* the mirror is older than the figure */
}

static int judge(const struct plan *plan, const struct mirror *mirror, uint64_t newest_seq, struct undo *undo)
{
	undo->entries = calloc(plan->count ? plan->count : 1, sizeof *undo->entries);
	if (!undo->entries)
		return -ENOMEM;
	for (int is_waiting = 0; is_waiting < 2; is_waiting++) {
		for (uint32_t i = 0; i < plan->count; i++) {
			const struct figure *figure = &plan->figures[i];
			if ((figure->state == OUTBOX_WAITING) != is_waiting)
				continue;
			if (figure->state == OUTBOX_REFUSED)
				undo->left[UNDO_REFUSED]++;
			else if (!figure->is_figure)
				undo->left[UNDO_NO_FIGURE]++;
			else if (figure->is_superseded)
				undo->left[UNDO_LATER_WORD]++;
			else if (figure->state == OUTBOX_HELD)
				undo->left[UNDO_HELD]++;
			else if (!stands(mirror, newest_seq, figure))
				undo->left[UNDO_NOT_STANDING]++;
			else
				undo->entries[undo->count++] = (struct wire_entry){
					.kind = WIRE_WITHDRAWAL,
					.fact = { .unit = figure->fact.unit,
						  .measure = figure->fact.measure,
						  .extent = figure->fact.extent,
						  .from = figure->fact.from,
						  .to = figure->fact.to,
						  .value = BAOPHU_ABSENT,
						  .reason = BAOPHU_REASON_UNDO },
				};
		}
		if (!is_waiting)
			undo->certain = undo->count;
	}
	return 0;
}

int undo_plan(struct outbox *outbox, const struct mirror *mirror, uint64_t batch_id, struct undo *ret_undo)
{
	struct outbox_batch batch;
	*ret_undo = (struct undo){ 0 };
	int error = outbox_batch(outbox, batch_id, &batch);
	if (error)
		return error;
	struct plan plan = { .capacity = batch.entries, .slot_count = 16, .texts = &ret_undo->texts };
	while (plan.slot_count < 2 * batch.entries)
		plan.slot_count *= 2;
	crypto_shorthash_keygen(plan.key);
	plan.figures = calloc(batch.entries, sizeof *plan.figures);
	plan.slots = calloc(plan.slot_count, sizeof *plan.slots);
	if (!plan.figures || !plan.slots)
		error = -ENOMEM;
	if (!error)
		error = wire_arena_init(&ret_undo->texts, (size_t)batch.entries * 64 + 64);
	if (!error)
		error = walk(outbox, &batch, &plan);
	if (!error)
		error = judge(&plan, mirror, outbox_standing(outbox)->last.seq, ret_undo);
	free(plan.figures);
	free(plan.slots);
	return error;
}

void undo_finish(struct undo *undo)
{
	free(undo->entries);
	wire_arena_finish(&undo->texts);
	*undo = (struct undo){ 0 };
}
