/* mirror.c - answers of the centre -> arrays to look things up in. See mirror.h; the file is mirror_file.c's, the asking mirror_refresh.c's.
 *
 * Built whole from the frames and never changed. Two passes: what there is (units, measures, plans, figures), then what refers to it (parents,
 * former units, grants), because an answer may name what a later one brings.
 */
#include "mirror_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

struct record_at {
	uint32_t number; /* of the unit */
	uint32_t order; /* as they came: parents first */
	size_t at, size; /* in `records` */
};
struct mirror_private {
	struct wire_arena texts;
	struct mirror_unit *units;
	struct mirror_former *former;
	struct mirror_grant *grants;
	struct mirror_plan *plans;
	struct mirror_figure *figures;
	uint32_t unit_capacity, former_capacity, grant_capacity, plan_capacity, figure_capacity, record_capacity;
	uint32_t *by_number; /* indices in units by number, then from */
	struct record_at *record_at;
	uint8_t *records; /* encoded */
};

/* The array with room for one more element, moved if need be; unchanged, with *error set, past the bound or without memory. */
static void *make_room(void *array, uint32_t count, uint32_t *capacity, uint32_t max, size_t bytes, int *error)
{
	if (count < *capacity)
		return array;
	uint32_t wanted = *capacity ? *capacity * 2 : 64;
	void *grown = count >= max ? NULL : realloc(array, wanted * bytes);
	if (!grown) {
		*error = count >= max ? -BAOPHU_EFULL : -ENOMEM;
		return array;
	}
	*capacity = wanted;
	return grown;
}

static const char *keep(struct mirror_private *private, const char *text, int *error)
{
	size_t bytes = strlen(text) + 1;
	char *copy = wire_arena_alloc(&private->texts, bytes);
	if (!copy) {
		*error = -BAOPHU_EFULL;
		return "";
	}
	return memcpy(copy, text, bytes);
}

static const char *keep_folded(struct mirror_private *private, const char *name, int *error)
{
	char folded[2 * BAOPHU_TEXT_BYTES_MAX + 1];
	return keep(private, text_fold(name, true, folded, sizeof folded) == 0 ? folded : name, error);
}

/* ---- the first pass: what there is ---- */

struct builder {
	struct mirror *mirror;
	struct mirror_private *private;
	struct wire_arena arena; /* of the frame at hand */
	uint32_t *became; /* of each former unit: the number of what it became */
	uint32_t became_capacity;
	struct figure_order {
		struct mirror_figure figure;
		uint32_t order;
	} * figures;
	uint32_t figure_count, figure_capacity;
	bool goes_on; /* the answer at hand is a further page of the one before */
	size_t record_bytes;
	int error;
};

static void add_unit(struct builder *builder, const struct wire_unit_info *info)
{
	struct mirror *mirror = builder->mirror;
	struct mirror_private *private = builder->private;
	private->units = make_room(private->units, mirror->unit_count, &private->unit_capacity, MIRROR_UNITS_MAX,
				   sizeof *private->units, &builder->error);
	if (builder->error)
		return;
	struct mirror_unit *unit = &private->units[mirror->unit_count++];
	*unit = (struct mirror_unit){ .number = info->number, .depth = info->depth, .from = info->from, .until = info->until };
	unit->code = keep(private, info->code, &builder->error);
	unit->name = keep(private, info->name, &builder->error);
	unit->level = keep(private, info->level, &builder->error);
	unit->parent_code = keep(private, info->parent, &builder->error);
	unit->folded = keep_folded(private, info->name, &builder->error);
	for (uint32_t i = 0; i < info->former_count && !builder->error; i++) {
		const struct wire_former_unit *said = &info->former[i];
		uint32_t at = mirror->former_count;
		private->former = make_room(private->former, at, &private->former_capacity, MIRROR_FORMER_MAX,
					    sizeof *private->former, &builder->error);
		builder->became = make_room(builder->became, at, &builder->became_capacity, MIRROR_FORMER_MAX,
					    sizeof *builder->became, &builder->error);
		if (builder->error)
			return;
		struct mirror_former *former = &private->former[at];
		builder->became[at] = info->number;
		mirror->former_count++;
		*former = (struct mirror_former){ .number = said->number, .from = said->from, .until = said->until };
		former->code = keep(private, said->code, &builder->error);
		former->name = keep(private, said->name, &builder->error);
		former->folded = keep_folded(private, said->name, &builder->error);
	}
}

static void add_plan(struct builder *builder, const struct wire_plan_info *info)
{
	struct mirror *mirror = builder->mirror;
	struct mirror_private *private = builder->private;
	private->plans = make_room(private->plans, mirror->plan_count, &private->plan_capacity, MIRROR_PLANS_MAX,
				   sizeof *private->plans, &builder->error);
	if (builder->error)
		return;
	struct mirror_plan *plan = &private->plans[mirror->plan_count++];
	*plan = (struct mirror_plan){ .kind = info->plan.kind,
				      .from = info->plan.from,
				      .to = info->plan.to,
				      .value = info->plan.value,
				      .decimals = info->plan.decimals,
				      .revision = info->revision };
	plan->code = keep(private, info->plan.code, &builder->error);
	plan->unit = keep(private, info->plan.unit, &builder->error);
	plan->target = keep(private, info->plan.target, &builder->error);
	plan->issuer = keep(private, info->plan.issuer, &builder->error);
	plan->document = keep(private, info->plan.document, &builder->error);
}

static void add_record(struct builder *builder, const struct frame *frame)
{
	struct mirror *mirror = builder->mirror;
	struct mirror_private *private = builder->private;
	struct baophu_record record;
	if (wire_decode_record(&builder->arena, frame->bytes, frame->size, &record) < 0) {
		builder->error = -BAOPHU_EDAMAGED;
		return;
	}
	uint32_t at = mirror->record_count;
	private->record_at = make_room(private->record_at, at, &private->record_capacity, MIRROR_UNITS_MAX,
				       sizeof *private->record_at, &builder->error);
	if (builder->error)
		return;
	private->record_at[at] = (struct record_at){ record.unit_number, at, builder->record_bytes, frame->size };
	mirror->record_count++;
	builder->record_bytes += frame->size;
}

static void add_answer(struct builder *builder, const struct frame *frame)
{
	struct wire_answer answer;
	if (wire_decode_answer(&builder->arena, frame->bytes, frame->size, &answer) < 0) {
		builder->error = -BAOPHU_EDAMAGED;
		return;
	}
	for (uint32_t i = 0; i < answer.unit_count && !builder->error; i++)
		add_unit(builder, &answer.units[i]);
	for (uint32_t i = 0; i < answer.plan_count && !builder->error; i++)
		add_plan(builder, &answer.plans[i]);
	if (!builder->error && (answer.measure_count || answer.indicator_count)) {
		if (builder->mirror->names.count + answer.measure_count + answer.indicator_count > 2 * BAOPHU_MEASURES_MAX)
			builder->error = -BAOPHU_EFULL;
		else
			builder->error = names_add(&builder->mirror->names, &answer);
	}
}

/* ---- sorting, and what refers ---- */

static int compare_numbers(int64_t a, int64_t b) { return a < b ? -1 : a > b; }

static int by_code_and_from(const void *a, const void *b)
{
	const struct mirror_unit *x = a, *y = b;
	int order = strcmp(x->code, y->code);
	order = order ? order : compare_numbers(x->from, y->from);
	return order ? order : compare_numbers(x->number, y->number);
}

static int by_number_and_from(const void *a, const void *b, void *context)
{
	const struct mirror_unit *units = context, *x = &units[*(const uint32_t *)a], *y = &units[*(const uint32_t *)b];
	int order = compare_numbers(x->number, y->number);
	return order ? order : compare_numbers(x->from, y->from);
}

static int former_by_code_and_from(const void *a, const void *b)
{
	const struct mirror_former *x = a, *y = b;
	int order = strcmp(x->code, y->code);
	order = order ? order : compare_numbers(x->from, y->from);
	order = order ? order : compare_numbers(x->number, y->number);
	return order ? order : compare_numbers(x->unit, y->unit);
}

/* The same version came with the tree of more than one date. */
static void settle_units(struct builder *builder)
{
	struct mirror *mirror = builder->mirror;
	struct mirror_unit *units = builder->private->units;
	uint32_t kept = 0;
	if (mirror->unit_count)
		qsort(units, mirror->unit_count, sizeof *units, by_code_and_from);
	for (uint32_t i = 0; i < mirror->unit_count; i++)
		if (!kept || by_code_and_from(&units[kept - 1], &units[i]) != 0)
			units[kept++] = units[i];
	mirror->unit_count = kept;
	mirror->units = units;
	uint32_t *order = malloc((kept + 1) * sizeof *order);
	if (!order) {
		builder->error = -ENOMEM;
		return;
	}
	builder->private->by_number = order;
	for (uint32_t i = 0; i < kept; i++)
		order[i] = i;
	qsort_r(order, kept, sizeof *order, by_number_and_from, units);
	for (uint32_t i = 0; i < kept; i++) {
		/* On the last day of a version its parent is as it was asked, or has changed since without changing this one's. */
		baophu_date date = units[i].until != BAOPHU_DATE_NONE && units[i].until < mirror->day ? units[i].until
												      : mirror->day;
		const struct mirror_unit *parent = *units[i].parent_code ? mirror_unit(mirror, units[i].parent_code,
										       date < units[i].from ? units[i].from : date)
									 : NULL;
		units[i].parent = parent ? (uint32_t)(parent - units) + 1 : 0;
	}
}

static void settle_former(struct builder *builder)
{
	struct mirror *mirror = builder->mirror;
	struct mirror_former *former = builder->private->former;
	uint32_t kept = 0;
	for (uint32_t i = 0; i < mirror->former_count; i++) {
		const struct mirror_unit *unit = mirror_unit_newest(mirror, builder->became[i]);
		former[i].unit = unit ? (uint32_t)(unit - mirror->units) : 0;
	}
	if (mirror->former_count)
		qsort(former, mirror->former_count, sizeof *former, former_by_code_and_from);
	for (uint32_t i = 0; i < mirror->former_count; i++)
		if (!kept || former_by_code_and_from(&former[kept - 1], &former[i]) != 0)
			former[kept++] = former[i];
	mirror->former_count = kept;
	mirror->former = former;
}

static void add_grant(struct builder *builder, const struct wire_agent_info *agent, const struct wire_grant_info *info)
{
	struct mirror *mirror = builder->mirror;
	struct mirror_private *private = builder->private;
	/* The code is of the last day of the grant, or of the centre's day. */
	baophu_date date = info->until != BAOPHU_DATE_NONE && info->until < mirror->day ? info->until : mirror->day;
	const struct mirror_unit *unit = mirror_unit(mirror, info->unit, date < info->from ? info->from : date);
	if (!unit)
		return; /* outside our tree */
	private->grants = make_room(private->grants, mirror->grant_count, &private->grant_capacity, MIRROR_GRANTS_MAX,
				    sizeof *private->grants, &builder->error);
	const char **measures = wire_arena_alloc(&private->texts, (info->measure_count + 1) * sizeof *measures);
	if (!builder->error && !measures)
		builder->error = -BAOPHU_EFULL;
	if (builder->error)
		return;
	struct mirror_grant *grant = &private->grants[mirror->grant_count++];
	for (uint32_t i = 0; i < info->measure_count; i++)
		measures[i] = keep(private, info->measures[i], &builder->error);
	*grant = (struct mirror_grant){ .unit = unit->number,
					.is_ours = strcmp(agent->name, mirror->agent) == 0,
					.extent = info->extent,
					.from = info->from,
					.until = info->until,
					.seq = info->seq,
					.agent = keep(private, agent->name, &builder->error),
					.measure_count = info->measure_count,
					.measures = measures };
}

static int grant_by_unit_and_seq(const void *a, const void *b)
{
	const struct mirror_grant *x = a, *y = b;
	int order = compare_numbers(x->unit, y->unit);
	return order ? order : compare_numbers((int64_t)x->seq, (int64_t)y->seq);
}

static bool is_same_slot(const struct mirror_figure *a, const struct mirror_figure *b)
{
	return a->unit == b->unit && a->measure == b->measure && a->extent == b->extent && a->from == b->from && a->to == b->to;
}

static int figure_compare(const struct mirror_figure *a, const struct mirror_figure *b)
{
	int order = compare_numbers(a->unit, b->unit);
	order = order ? order : compare_numbers(a->measure, b->measure);
	order = order ? order : compare_numbers(a->extent, b->extent);
	order = order ? order : compare_numbers(a->to, b->to);
	return order ? order : compare_numbers(a->from, b->from);
}

static int by_slot_and_order(const void *a, const void *b)
{
	const struct figure_order *x = a, *y = b;
	int order = figure_compare(&x->figure, &y->figure);
	return order ? order : compare_numbers(x->order, y->order);
}

/* All that was ever said of a slot comes in one go (perhaps over two pages); what stands of it, or that nothing does, replaces what was
 * known of the slot before. */
static void add_figure(struct builder *builder, const struct wire_answer *answer, const struct wire_fact_version *fact,
		       bool is_first)
{
	const struct mirror_unit *unit = mirror_unit(builder->mirror, fact->unit, answer->tree_date);
	int measure = mirror_measure(builder->mirror, fact->measure);
	if (!unit || measure < 0)
		return; /* came into being after its list was asked for; the next refresh brings both */
	struct mirror_figure figure = { .unit = unit->number,
					.measure = (uint16_t)measure,
					.extent = (uint8_t)fact->extent,
					.status = (uint8_t)fact->status,
					.origin = (uint8_t)fact->origin,
					.bound = (uint8_t)fact->bound,
					.from = fact->from,
					.to = fact->to,
					.value = fact->stands ? fact->value : BAOPHU_ABSENT };
	struct figure_order *last = is_first || !builder->figure_count ? NULL : &builder->figures[builder->figure_count - 1];
	if (!last || !is_same_slot(&last->figure, &figure)) {
		uint32_t at = builder->figure_count;
		builder->figures = make_room(builder->figures, at, &builder->figure_capacity, MIRROR_FIGURES_MAX,
					     sizeof *builder->figures, &builder->error);
		if (!builder->error)
			builder->figures[builder->figure_count++] = (struct figure_order){ figure, at };
	} else if (fact->stands) {
		last->figure = figure;
	}
}

static void settle_figures(struct builder *builder)
{
	struct mirror *mirror = builder->mirror;
	uint32_t count = builder->figure_count, kept = 0;
	if (count)
		qsort(builder->figures, count, sizeof *builder->figures, by_slot_and_order);
	struct mirror_figure *figures = malloc((count + 1) * sizeof *figures);
	if (!figures) {
		builder->error = -ENOMEM;
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		if ((i + 1 == count || !is_same_slot(&builder->figures[i].figure, &builder->figures[i + 1].figure)) &&
		    builder->figures[i].figure.value != BAOPHU_ABSENT)
			figures[kept++] = builder->figures[i].figure;
	builder->private->figures = figures;
	mirror->figures = figures;
	mirror->figure_count = kept;
}

static void add_reference(struct builder *builder, const struct frame *frame)
{
	struct wire_answer answer;
	if (wire_decode_answer(&builder->arena, frame->bytes, frame->size, &answer) < 0) {
		builder->error = -BAOPHU_EDAMAGED;
		return;
	}
	for (uint32_t i = 0; i < answer.agent_count; i++)
		for (uint32_t k = 0; k < answer.agents[i].grant_count && !builder->error; k++)
			add_grant(builder, &answer.agents[i], &answer.agents[i].grants[k]);
	for (uint32_t i = 0; i < answer.fact_count && !builder->error; i++)
		add_figure(builder, &answer, &answer.facts[i], i == 0 && !builder->goes_on);
	if (frame->kind == WIRE_QUERY_HISTORY)
		builder->goes_on = answer.next_page_bytes > 0;
}

/* ---- records ---- */

static int by_record_number(const void *a, const void *b)
{
	const struct record_at *x = a, *y = b;
	int order = compare_numbers(x->number, y->number);
	return order ? order : compare_numbers(x->order, y->order);
}

static int by_record_order(const void *a, const void *b)
{
	const struct record_at *x = a, *y = b;
	return compare_numbers(x->order, y->order);
}

/* A unit asked for twice, below two granted ones, has one record. */
static void settle_records(struct builder *builder, const struct frames *frames)
{
	struct mirror *mirror = builder->mirror;
	struct mirror_private *private = builder->private;
	uint8_t *to = malloc(builder->record_bytes + 1);
	struct frame frame;
	uint32_t kept = 0;
	if (!to) {
		builder->error = -ENOMEM;
		return;
	}
	private->records = to;
	for (size_t at = 0; frames_next(frames, &at, &frame);)
		if (frame.kind == WIRE_QUERY_COVERAGE) {
			memcpy(to, frame.bytes, frame.size);
			to += frame.size;
		}
	if (!mirror->record_count)
		return;
	qsort(private->record_at, mirror->record_count, sizeof *private->record_at, by_record_number);
	for (uint32_t i = 0; i < mirror->record_count; i++)
		if (!kept || private->record_at[kept - 1].number != private->record_at[i].number)
	private->record_at[kept++] = private->record_at[i];
	mirror->record_count = kept;
	qsort(private->record_at, kept, sizeof *private->record_at, by_record_order);
}

static int plan_by_unit(const void *a, const void *b)
{
	const struct mirror_plan *x = a, *y = b;
	int order = strcmp(x->unit, y->unit);
	order = order ? order : strcmp(x->target, y->target);
	order = order ? order : compare_numbers(x->from, y->from);
	return order ? order : strcmp(x->code, y->code);
}

/* ---- the whole ---- */

static void walk_frames(struct builder *builder, const struct frames *frames, bool is_second)
{
	struct frame frame;
	for (size_t at = 0; !builder->error && frames_next(frames, &at, &frame);) {
		bool refers = frame.kind == WIRE_QUERY_AGENTS || frame.kind == WIRE_QUERY_HISTORY;
		if (refers != is_second)
			continue;
		if (builder->arena.size < WIRE_ARENA_BYTES + 32 * frame.size) {
			wire_arena_finish(&builder->arena);
			builder->error = wire_arena_init(&builder->arena, WIRE_ARENA_BYTES + 32 * frame.size);
			if (builder->error)
				return;
		}
		wire_arena_reset(&builder->arena);
		if (frame.kind == WIRE_QUERY_COVERAGE)
			add_record(builder, &frame);
		else if (refers)
			add_reference(builder, &frame);
		else
			add_answer(builder, &frame);
	}
}

int mirror_build(const struct mirror_head *head, const struct frames *frames, struct mirror **ret_mirror)
{
	struct mirror *mirror = calloc(1, sizeof *mirror);
	struct builder builder = { .mirror = mirror, .private = calloc(1, sizeof *builder.private) };
	if (!mirror || !builder.private) {
		free(mirror);
		free(builder.private);
		return -ENOMEM;
	}
	*mirror = (struct mirror){ .place = head->place,
				   .day = head->day,
				   .taken_ms = head->taken_ms,
				   .complete_ms = head->complete_ms,
				   .figures_from = head->day == BAOPHU_DATE_NONE ? BAOPHU_DATE_MIN : head->day - MIRROR_FIGURE_DAYS,
				   .private = builder.private };
	memcpy(mirror->agent, head->agent, sizeof mirror->agent);
	memcpy(mirror->store, head->store, sizeof mirror->store);
	/* A text of one byte takes three on the wire and eight here; pages that no text comes to cost nothing. */
	builder.error = wire_arena_init(&builder.private->texts, (1 << 20) + 8 * frames->used);
	walk_frames(&builder, frames, false);
	if (!builder.error)
		settle_units(&builder);
	if (!builder.error)
		settle_former(&builder);
	walk_frames(&builder, frames, true);
	if (!builder.error)
		settle_figures(&builder);
	if (!builder.error)
		settle_records(&builder, frames);
	if (mirror->grant_count)
		qsort(builder.private->grants, mirror->grant_count, sizeof *builder.private->grants, grant_by_unit_and_seq);
	mirror->grants = builder.private->grants;
	if (mirror->plan_count)
		qsort(builder.private->plans, mirror->plan_count, sizeof *builder.private->plans, plan_by_unit);
	mirror->plans = builder.private->plans;
	wire_arena_finish(&builder.arena);
	free(builder.became);
	free(builder.figures);
	if (builder.error) {
		mirror_close(mirror);
		return builder.error;
	}
	*ret_mirror = mirror;
	return 0;
}

int mirror_open(const char *path, const char *agent, struct mirror **ret_mirror)
{
	struct mirror_head head;
	struct frames frames;
	int error = mirror_file_read(path, &head, &frames);
	if (error)
		return error;
	error = strcmp(head.agent, agent) == 0 ? mirror_build(&head, &frames, ret_mirror) : -ESTALE;
	frames_finish(&frames);
	return error;
}

void mirror_close(struct mirror *mirror)
{
	if (!mirror)
		return;
	struct mirror_private *private = mirror->private;
	names_finish(&mirror->names);
	wire_arena_finish(&private->texts);
	free(private->units);
	free(private->former);
	free(private->grants);
	free(private->plans);
	free(private->figures);
	free(private->by_number);
	free(private->record_at);
	free(private->records);
	free(private);
	free(mirror);
}

/* ---- looking up ---- */

static bool holds_on(baophu_date from, baophu_date until, baophu_date date)
{
	return date >= from && (until == BAOPHU_DATE_NONE || date <= until);
}

const struct mirror_unit *mirror_unit(const struct mirror *mirror, const char *code, baophu_date date)
{
	uint32_t low = 0, high = mirror->unit_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (strcmp(mirror->units[middle].code, code) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < mirror->unit_count && strcmp(mirror->units[low].code, code) == 0; low++)
		if (holds_on(mirror->units[low].from, mirror->units[low].until, date))
			return &mirror->units[low];
	return NULL;
}

/* Index in by_number of the unit's first version; unit_count: none. */
static uint32_t first_numbered(const struct mirror *mirror, uint32_t number)
{
	const uint32_t *order = mirror->private->by_number;
	uint32_t low = 0, high = mirror->unit_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (mirror->units[order[middle]].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < mirror->unit_count && mirror->units[order[low]].number == number ? low : mirror->unit_count;
}

const struct mirror_unit *mirror_unit_numbered(const struct mirror *mirror, uint32_t number, baophu_date date)
{
	const uint32_t *order = mirror->private->by_number;
	for (uint32_t i = first_numbered(mirror, number); i < mirror->unit_count && mirror->units[order[i]].number == number; i++)
		if (holds_on(mirror->units[order[i]].from, mirror->units[order[i]].until, date))
			return &mirror->units[order[i]];
	return NULL;
}

const struct mirror_unit *mirror_unit_newest(const struct mirror *mirror, uint32_t number)
{
	const uint32_t *order = mirror->private->by_number;
	const struct mirror_unit *newest = NULL;
	for (uint32_t i = first_numbered(mirror, number); i < mirror->unit_count && mirror->units[order[i]].number == number; i++)
		newest = &mirror->units[order[i]];
	return newest;
}

int mirror_measure(const struct mirror *mirror, const char *code)
{
	const struct name *name = names_find(&mirror->names, code);
	return name && name->kind != BAOPHU_MEASURE_KIND_NONE ? (int)(name - mirror->names.names) : -1;
}

static bool grant_covers(const struct mirror_grant *grant, const char *measure, enum baophu_extent extent, baophu_date date)
{
	if (!holds_on(grant->from, grant->until, date) || (grant->extent != BAOPHU_EXTENT_ANY && grant->extent != extent))
		return false;
	for (uint32_t i = 0; i < grant->measure_count; i++)
		if (strcmp(grant->measures[i], measure) == 0)
			return true;
	return !grant->measure_count;
}

/* The unit's oldest grant, if it has any. */
static uint32_t first_grant(const struct mirror *mirror, uint32_t unit)
{
	uint32_t low = 0, high = mirror->grant_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (mirror->grants[middle].unit < unit)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool mirror_owns(const struct mirror *mirror, const struct mirror_unit *unit, const char *measure, enum baophu_extent extent,
		 baophu_date date, const char **ret_owner)
{
	const struct mirror_grant *best = NULL;
	for (unsigned depth = 0; unit && !best && depth <= BAOPHU_DEPTH_MAX; depth++) {
		for (uint32_t i = first_grant(mirror, unit->number);
		     i < mirror->grant_count && mirror->grants[i].unit == unit->number; i++)
			if (grant_covers(&mirror->grants[i], measure, extent, date))
				best = &mirror->grants[i];
		uint32_t parent = unit->parent ? mirror->units[unit->parent - 1].number : 0;
		const struct mirror_unit *above = parent ? mirror_unit_numbered(mirror, parent, date) : NULL;
		unit = above ? above : unit->parent ? &mirror->units[unit->parent - 1] : NULL;
	}
	if (ret_owner)
		*ret_owner = best ? best->agent : "";
	return best && best->is_ours;
}

/* The first figure that is not before `wanted`. */
static uint32_t figure_place(const struct mirror *mirror, const struct mirror_figure *wanted)
{
	uint32_t low = 0, high = mirror->figure_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (figure_compare(&mirror->figures[middle], wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct mirror_figure *mirror_figure(const struct mirror *mirror, uint32_t unit, int measure, enum baophu_extent extent,
					  baophu_date from, baophu_date to)
{
	struct mirror_figure wanted = {
		.unit = unit, .measure = (uint16_t)measure, .extent = (uint8_t)extent, .from = from, .to = to
	};
	uint32_t at = figure_place(mirror, &wanted);
	return at < mirror->figure_count && is_same_slot(&mirror->figures[at], &wanted) ? &mirror->figures[at] : NULL;
}

const struct mirror_figure *mirror_latest(const struct mirror *mirror, uint32_t unit, int measure, enum baophu_extent extent,
					  baophu_date date)
{
	struct mirror_figure wanted = {
		.unit = unit, .measure = (uint16_t)measure, .extent = (uint8_t)extent, .from = BAOPHU_DATE_MAX, .to = date
	};
	uint32_t at = figure_place(mirror, &wanted);
	/* A figure whose period begins on the very last day there is would be `at` itself. */
	if (at < mirror->figure_count && is_same_slot(&mirror->figures[at], &wanted))
		return &mirror->figures[at];
	const struct mirror_figure *before = at ? &mirror->figures[at - 1] : NULL;
	return before && before->unit == unit && before->measure == measure && before->extent == extent ? before : NULL;
}

uint32_t mirror_first_plan(const struct mirror *mirror, const char *unit)
{
	uint32_t low = 0, high = mirror->plan_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (strcmp(mirror->plans[middle].unit, unit) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int mirror_record(const struct mirror *mirror, uint32_t index, struct wire_arena *arena, struct baophu_record *ret_record)
{
	const struct record_at *at = &mirror->private->record_at[index];
	wire_arena_reset(arena);
	return wire_decode_record(arena, mirror->private->records + at->at, at->size, ret_record) < 0 ? -BAOPHU_EFULL : 0;
}
