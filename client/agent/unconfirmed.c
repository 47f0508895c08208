/* unconfirmed.c - see unconfirmed.h. A ring of figures; codes are few, and kept once. */
#include "unconfirmed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A figure names two codes: of so many at least half can be forgotten. */
enum { CODES_MAX = 4 * UNCONFIRMED_MAX };

struct unconfirmed {
	struct form_pending *ring; /* UNCONFIRMED_MAX once there is one */
	size_t capacity, first, count;
	struct code {
		char text[BAOPHU_CODE_BYTES_MAX + 1];
	} * *codes; /* sorted by text; each owned, because figures point to them */
	size_t code_count, code_capacity;
	bool is_known, is_broken; /* is_broken: no memory; read again next time */
};

struct unconfirmed *unconfirmed_create(void) { return calloc(1, sizeof(struct unconfirmed)); }

static void forget_codes(struct unconfirmed *unconfirmed)
{
	for (size_t i = 0; i < unconfirmed->code_count; i++)
		free(unconfirmed->codes[i]);
	unconfirmed->code_count = 0;
}

void unconfirmed_forget(struct unconfirmed *unconfirmed)
{
	free(unconfirmed->ring);
	unconfirmed->ring = NULL;
	unconfirmed->capacity = unconfirmed->first = unconfirmed->count = 0;
	forget_codes(unconfirmed);
	unconfirmed->is_known = unconfirmed->is_broken = false;
}

void unconfirmed_destroy(struct unconfirmed *unconfirmed)
{
	if (!unconfirmed)
		return;
	unconfirmed_forget(unconfirmed);
	free(unconfirmed->codes);
	free(unconfirmed);
}

/* The first of the codes that does not come before `text`. */
static size_t place_of(const struct unconfirmed *unconfirmed, const char *text)
{
	size_t low = 0, high = unconfirmed->code_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(unconfirmed->codes[middle]->text, text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Forgets the codes that no figure names any more. */
static void forget_unused(struct unconfirmed *unconfirmed)
{
	bool *is_used = calloc(unconfirmed->code_count, sizeof *is_used);
	size_t kept = 0;
	if (!is_used)
		return;
	for (size_t i = 0; i < unconfirmed->count; i++) {
		const struct form_pending *figure = &unconfirmed->ring[(unconfirmed->first + i) % unconfirmed->capacity];
		is_used[place_of(unconfirmed, figure->unit)] = is_used[place_of(unconfirmed, figure->measure)] = true;
	}
	for (size_t i = 0; i < unconfirmed->code_count; i++) {
		if (is_used[i])
			unconfirmed->codes[kept++] = unconfirmed->codes[i];
		else
			free(unconfirmed->codes[i]);
	}
	unconfirmed->code_count = kept;
	free(is_used);
}

/* The one copy of a code; NULL without memory. */
static const char *intern(struct unconfirmed *unconfirmed, const char *text)
{
	size_t low = place_of(unconfirmed, text);
	if (low < unconfirmed->code_count && strcmp(unconfirmed->codes[low]->text, text) == 0)
		return unconfirmed->codes[low]->text;
	if (unconfirmed->code_count == unconfirmed->code_capacity) {
		size_t capacity = unconfirmed->code_capacity ? 2 * unconfirmed->code_capacity : 64;
		struct code **grown = capacity <= CODES_MAX ? realloc(unconfirmed->codes, capacity * sizeof *grown) : NULL;
		if (!grown)
			return NULL;
		unconfirmed->codes = grown;
		unconfirmed->code_capacity = capacity;
	}
	struct code *code = calloc(1, sizeof *code);
	if (!code)
		return NULL;
	strncpy(code->text, text, sizeof code->text - 1);
	memmove(&unconfirmed->codes[low + 1], &unconfirmed->codes[low],
		(unconfirmed->code_count - low) * sizeof *unconfirmed->codes);
	unconfirmed->codes[low] = code;
	unconfirmed->code_count++;
	return code->text;
}

/* Makes the ring's content lie straight from index 0 on, in `capacity` places. */
static bool straighten(struct unconfirmed *unconfirmed, size_t capacity)
{
	struct form_pending *ring = malloc(capacity * sizeof *ring);
	if (!ring)
		return false;
	for (size_t i = 0; i < unconfirmed->count; i++)
		ring[i] = unconfirmed->ring[(unconfirmed->first + i) % unconfirmed->capacity];
	free(unconfirmed->ring);
	unconfirmed->ring = ring;
	unconfirmed->capacity = capacity;
	unconfirmed->first = 0;
	return true;
}

static void add(struct unconfirmed *unconfirmed, const struct wire_entry *entry)
{
	const struct wire_fact *fact = &entry->fact;
	if (entry->kind != WIRE_FACT && entry->kind != WIRE_WITHDRAWAL)
		return;
	if (unconfirmed->code_count + 2 > CODES_MAX)
		forget_unused(unconfirmed);
	const char *unit = intern(unconfirmed, fact->unit), *measure = intern(unconfirmed, fact->measure);
	if (!unit || !measure) {
		unconfirmed->is_broken = true;
		return;
	}
	if (unconfirmed->count == unconfirmed->capacity && unconfirmed->capacity < UNCONFIRMED_MAX &&
	    !straighten(unconfirmed, unconfirmed->capacity ? 2 * unconfirmed->capacity : 64)) {
		unconfirmed->is_broken = true;
		return;
	}
	if (unconfirmed->count == UNCONFIRMED_MAX) {
		unconfirmed->first = (unconfirmed->first + 1) % unconfirmed->capacity;
		unconfirmed->count--;
	}
	unconfirmed->ring[(unconfirmed->first + unconfirmed->count++) % unconfirmed->capacity] = (struct form_pending){
		.unit = unit,
		.measure = measure,
		.extent = fact->extent,
		.from = fact->from,
		.to = fact->to,
		.value = entry->kind == WIRE_FACT ? fact->value : BAOPHU_ABSENT,
		.status = fact->status,
		.origin = fact->origin,
		.bound = fact->bound
	};
}

void unconfirmed_add(struct unconfirmed *unconfirmed, const struct wire_entry *entries, uint32_t count)
{
	for (uint32_t i = 0; unconfirmed->is_known && i < count; i++)
		add(unconfirmed, &entries[i]);
}

/* Everything that waits, and while the mirror is older than the newest receipt also what the centre took: among the newest updates, at most as
 * many as the ring holds. */
static int read_outbox(struct unconfirmed *unconfirmed, struct outbox *outbox, uint64_t mirror_seq)
{
	const struct outbox_standing *standing = outbox_standing(outbox);
	struct outbox_walk *walk = NULL;
	struct outbox_update update;
	struct wire_payload payload;
	if (standing->next == standing->first)
		return 0;
	bool is_behind = standing->has_last && standing->last.seq > mirror_seq;
	uint64_t from = standing->next > UNCONFIRMED_MAX ? standing->next - UNCONFIRMED_MAX : 1;
	int result = outbox_walk_open(outbox, from > standing->first ? from : standing->first, &walk);
	if (result)
		return result;
	while ((result = outbox_walk_next(walk, &update, &payload)) > 0) {
		bool is_open = update.state == OUTBOX_WAITING || (update.state == OUTBOX_APPLIED && is_behind);
		for (uint32_t i = 0; is_open && i < payload.entry_count; i++)
			add(unconfirmed, &payload.entries[i]);
	}
	outbox_walk_close(walk);
	return result;
}

int unconfirmed_list(struct unconfirmed *unconfirmed, struct outbox *outbox, uint64_t mirror_seq,
		     const struct form_pending **ret_list, size_t *ret_count)
{
	if (unconfirmed->is_broken)
		unconfirmed_forget(unconfirmed);
	if (!unconfirmed->is_known) {
		int error = read_outbox(unconfirmed, outbox, mirror_seq);
		if (error || unconfirmed->is_broken) {
			unconfirmed_forget(unconfirmed);
			return error ? error : -ENOMEM;
		}
		unconfirmed->is_known = true;
	}
	if (unconfirmed->first && !straighten(unconfirmed, unconfirmed->capacity))
		return -ENOMEM;
	*ret_list = unconfirmed->ring;
	*ret_count = unconfirmed->count;
	return 0;
}
