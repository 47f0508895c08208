/* form_slots.c - the same figure twice in a sheet, and what stands for it already. See form_parts.h.
 *
 * A slot is unit, measure, extent and period: one figure stands in it. What is saved here and not confirmed stands over what the centre said.
 */
#include "form_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "language.h"

static int compare_dates(baophu_date a, baophu_date b) { return a < b ? -1 : a > b; }

static int compare_slots(const struct wire_entry *a, const struct wire_entry *b)
{
	bool a_is_rate = a->kind == WIRE_RATE, b_is_rate = b->kind == WIRE_RATE;
	if (a_is_rate != b_is_rate)
		return a_is_rate - b_is_rate;
	if (a_is_rate) {
		const struct wire_rate *x = &a->rate, *y = &b->rate;
		int order = strcmp(x->unit, y->unit);
		order = order ? order : strcmp(x->measure, y->measure);
		order = order ? order : compare_dates(x->to, y->to);
		order = order ? order : compare_dates(x->from, y->from);
		order = order ? order : (int)x->denominator - (int)y->denominator;
		return order ? order : strcmp(x->over, y->over);
	}
	const struct wire_fact *x = &a->fact, *y = &b->fact;
	int order = strcmp(x->unit, y->unit);
	order = order ? order : strcmp(x->measure, y->measure);
	order = order ? order : (int)x->extent - (int)y->extent;
	order = order ? order : compare_dates(x->to, y->to);
	return order ? order : compare_dates(x->from, y->from);
}

static bool says_the_same(const struct wire_entry *a, const struct wire_entry *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == WIRE_RATE)
		return a->rate.digits == b->rate.digits && a->rate.decimals == b->rate.decimals &&
		       a->rate.status == b->rate.status && a->rate.bound == b->rate.bound;
	return a->fact.value == b->fact.value && a->fact.status == b->fact.status && a->fact.origin == b->fact.origin &&
	       a->fact.bound == b->fact.bound;
}

static int by_slot_and_place(const void *a, const void *b)
{
	const struct form_entry *x = *(const struct form_entry *const *)a, *y = *(const struct form_entry *const *)b;
	int order = compare_slots(&x->entry, &y->entry);
	return order ? order : x < y ? -1 : x > y;
}

/* Entries of one slot, in order of the sheet. Those that say something else than the first contradict it, and it them. */
static void settle_slot(struct form_reader *reader, struct form_entry *const *entries, uint32_t count, uint8_t *is_dropped)
{
	char cell[FORM_CELL_BYTES];
	uint32_t other = 1;
	(void)is_dropped;
	while (other < count && says_the_same(&entries[0]->entry, &entries[other]->entry))
		other++;
	for (uint32_t i = 0; i < count && other < count; i++) {
		const struct form_entry *against = says_the_same(&entries[0]->entry, &entries[i]->entry) ? entries[other]
													 : entries[0];
		form_reject(reader, entries[i]->row, entries[i]->column,
			    _("the same figure stands in cell %s with another value; leave the right one and take the other out"),
			    form_cell_name(against->row, against->column, cell));
	}
}

/* Of the rows that are taken, the first one's stays. Runs when every contradiction is known. */
static void drop_repetitions(struct form_reader *reader, struct form_entry *const *entries, uint32_t count, uint8_t *is_dropped)
{
	char cell[FORM_CELL_BYTES];
	const struct form_entry *kept = NULL;
	for (uint32_t i = 0; i < count; i++) {
		if (form_row_is_rejected(reader->form, entries[i]->row))
			continue;
		if (kept) {
			is_dropped[entries[i] - reader->form->entries] = 1;
			form_note(reader, entries[i]->row, entries[i]->column, _("says the same as cell %s and was taken once"),
				  form_cell_name(kept->row, kept->column, cell));
		} else {
			kept = entries[i];
		}
	}
}

static void for_each_slot(struct form_reader *reader, struct form_entry *const *order, uint8_t *is_dropped,
			  void (*each)(struct form_reader *reader, struct form_entry *const *entries, uint32_t count,
				       uint8_t *is_dropped))
{
	uint32_t count = reader->form->entry_count;
	for (uint32_t first = 0, next; first < count; first = next) {
		for (next = first + 1; next < count && compare_slots(&order[first]->entry, &order[next]->entry) == 0;)
			next++;
		if (next - first > 1)
			each(reader, order + first, next - first, is_dropped);
	}
}

/* ---- what stands ---- */

static int by_pending(const void *a, const void *b)
{
	const struct form_pending *x = *(const struct form_pending *const *)a, *y = *(const struct form_pending *const *)b;
	int order = strcmp(x->unit, y->unit);
	order = order ? order : strcmp(x->measure, y->measure);
	order = order ? order : (int)x->extent - (int)y->extent;
	order = order ? order : compare_dates(x->to, y->to);
	order = order ? order : compare_dates(x->from, y->from);
	return order ? order : x < y ? -1 : x > y;
}

static int pending_against(const struct form_pending *pending, const struct wire_fact *fact)
{
	int order = strcmp(pending->unit, fact->unit);
	order = order ? order : strcmp(pending->measure, fact->measure);
	order = order ? order : (int)pending->extent - (int)fact->extent;
	order = order ? order : compare_dates(pending->to, fact->to);
	return order ? order : compare_dates(pending->from, fact->from);
}

/* The last one saved for the slot; NULL. */
static const struct form_pending *find_pending(const struct form_pending *const *sorted, size_t count, const struct wire_fact *fact)
{
	size_t low = 0, high = count;
	while (low < high) { /* the first that is beyond the slot */
		size_t middle = low + (high - low) / 2;
		if (pending_against(sorted[middle], fact) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low && pending_against(sorted[low - 1], fact) == 0 ? sorted[low - 1] : NULL;
}

static void compare_with_what_stands(struct form_reader *reader, const struct form_pending *const *sorted, struct form_entry *entry)
{
	const struct wire_fact *fact = &entry->entry.fact;
	const struct mirror *mirror = reader->mirror;
	bool is_same = false;
	entry->before = BAOPHU_ABSENT;
	entry->change = FORM_ADDED;
	if (entry->entry.kind == WIRE_RATE)
		return;
	const struct form_pending *pending = find_pending(sorted, reader->context->pending_count, fact);
	if (pending) {
		entry->before = pending->value;
		is_same = pending->value == fact->value && pending->status == fact->status && pending->origin == fact->origin &&
			  pending->bound == fact->bound;
	} else if (mirror) {
		const struct mirror_unit *unit = mirror_unit(mirror, fact->unit, fact->to);
		int measure = mirror_measure(mirror, fact->measure);
		const struct mirror_figure *figure = unit && measure >= 0 ? mirror_figure(mirror, unit->number, measure,
											  fact->extent, fact->from, fact->to)
									  : NULL;
		entry->before = figure ? figure->value : BAOPHU_ABSENT;
		is_same = figure && figure->value == fact->value && figure->status == fact->status &&
			  figure->origin == fact->origin && figure->bound == fact->bound;
	}
	if (entry->before != BAOPHU_ABSENT)
		entry->change = is_same ? FORM_SAME : FORM_CHANGED;
}

/* A figure that is taken back must be one that stands, as far as is known here. */
static void check_withdrawal(struct form_reader *reader, const struct form_entry *entry)
{
	const struct mirror *mirror = reader->mirror;
	if (entry->entry.kind == WIRE_WITHDRAWAL && entry->before == BAOPHU_ABSENT && mirror &&
	    entry->entry.fact.to >= mirror->figures_from)
		form_reject(reader, entry->row, entry->column,
			    _("there is no figure to take back for this unit, measure and period"));
}

int form_settle(struct form_reader *reader)
{
	struct form *form = reader->form;
	size_t pending_count = reader->context->pending_count;
	struct form_entry **order = malloc((form->entry_count + 1) * sizeof(struct form_entry *));
	const struct form_pending **sorted = malloc((pending_count + 1) * sizeof(const struct form_pending *));
	uint8_t *is_dropped = calloc(form->entry_count + 1, 1);
	uint32_t kept = 0;
	if (!order || !sorted || !is_dropped) {
		free(order);
		free(sorted);
		free(is_dropped);
		return -ENOMEM;
	}
	for (size_t i = 0; i < pending_count; i++)
		sorted[i] = &reader->context->pending[i];
	qsort(sorted, pending_count, sizeof *sorted, by_pending);
	for (uint32_t i = 0; i < form->entry_count; i++) {
		order[i] = &form->entries[i];
		compare_with_what_stands(reader, sorted, order[i]);
		check_withdrawal(reader, order[i]);
	}
	qsort(order, form->entry_count, sizeof *order, by_slot_and_place);
	for_each_slot(reader, order, is_dropped, settle_slot);
	for_each_slot(reader, order, is_dropped, drop_repetitions);
	for (uint32_t i = 0; i < form->entry_count; i++) {
		struct form_entry *entry = &form->entries[i];
		if (is_dropped[i] || form_row_is_rejected(form, entry->row))
			continue;
		form->added += entry->change == FORM_ADDED;
		form->changed += entry->change == FORM_CHANGED;
		form->same += entry->change == FORM_SAME;
		form->entries[kept++] = *entry;
	}
	form->entry_count = kept;
	free(order);
	free(sorted);
	free(is_dropped);
	return 0;
}
