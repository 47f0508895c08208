/* What begins to be watched says where it stands, and nobody crossed anything; and what a day of crossings and marks ends with. */
#include <criterion/criterion.h>
#include <string.h>

#include "scene.h"

static struct scene scene;
static uint32_t unit, other, plan;
static uint16_t people;
enum { FIFTY, SEVENTY }; /* numbers of lines */

static void build(void)
{
	scene_init(&scene);
	scene_day(&scene, day(20240501));
	unit = scene_unit(&scene, 0, "92", "Cần Thơ", BAOPHU_DATE_MIN);
	other = scene_unit(&scene, unit, "927", "Thới Lai", BAOPHU_DATE_MIN);
	people = scene_measure(&scene, "bhyt", BAOPHU_STOCK, 0);
}

static void line(unsigned number, bool removed) { scene_line(&scene, 0, number == FIFTY ? 50 : 70, 0, number, removed); }

static void target(uint32_t of, int64_t value)
{
	plan = scene_plan(&scene, plan, "nam-2024", of, BAOPHU_PLAN_STOCK, people, day(20240101), day(20241231), value, 0);
}

static void figure(uint32_t of, int64_t value)
{
	scene_fact(&scene, of, people, BAOPHU_WHOLE, scene.state.registry.day, scene.state.registry.day, value, BAOPHU_FINAL);
}

/* The last that was made; `count` of them since the last look. */
static const struct event *made(size_t count)
{
	struct vec *all = &scene.state.events.made;
	cr_assert_eq(all->count, count, "%zu were made", all->count);
	all->count = 0;
	return count ? vec_at(all, struct event, count - 1) : NULL;
}

Test(events, of_a_line_that_is_set_are_marks, .init = build)
{
	line(FIFTY, false);
	target(unit, 100);
	figure(unit, 75);
	cr_assert(event_is_delivered(made(1)), "somebody reported");
	line(SEVENTY, false);
	const struct event *mark = made(1);
	cr_assert(mark->is_mark && !event_is_delivered(mark) && mark->direction == BAOPHU_UP && mark->line_digits == 70);
	cr_assert(mark->nth == 0 && mark->unit_events == 1, "it is none of the unit's events");
	figure(unit, 69);
	const struct event *event = made(1);
	cr_assert(event_is_delivered(event) && event->direction == BAOPHU_DOWN && event->nth == 1 && event->unit_events == 2);
}

Test(events, of_a_target_that_is_set_are_marks_and_of_one_that_is_revised_are_not, .init = build)
{
	line(FIFTY, false);
	figure(unit, 75);
	target(unit, 100);
	cr_assert(made(1)->is_mark);
	target(unit, 200);
	const struct event *event = made(1);
	cr_assert(event_is_delivered(event) && event->direction == BAOPHU_DOWN && event->goal == 200);
	scene_begin(&scene);
	for (unsigned i = 0; i < 2; i++) /* taken back and given again: it stood before */
		scene_add(&scene, &(struct entry){ .kind = ENTRY_PLAN,
						   .plan = { .plan = plan,
							     .unit = unit,
							     .target = people,
							     .kind = BAOPHU_PLAN_STOCK,
							     .origin = BAOPHU_REPORTED,
							     .removed = !i,
							     .from = day(20240101),
							     .to = day(20241231),
							     .value = i ? 100 : BAOPHU_ABSENT,
							     .code = "nam-2024",
							     .issuer = "",
							     .document = "" } });
	scene_end(&scene, RECORD_UPDATE, 0, 0, 0);
	cr_assert(made(1)->is_mark, "what was taken back begins anew");
}

Test(events, of_a_period_that_begins_are_marks, .init = build)
{
	line(FIFTY, false);
	figure(unit, 75);
	plan = scene_plan(&scene, 0, "quy-3", unit, BAOPHU_PLAN_STOCK, people, day(20240701), day(20240930), 100, 0);
	made(0);
	scene_day(&scene, day(20240630));
	made(0);
	scene_day(&scene, day(20240702)); /* nothing was written on the day itself */
	cr_assert(made(1)->is_mark);
	scene_day(&scene, day(20240703));
	made(0);
	figure(unit, 40);
	cr_assert(event_is_delivered(made(1)));
}

Test(events, of_a_record_that_marks_one_target_are_events_for_the_others, .init = build)
{
	line(FIFTY, false);
	target(unit, 100);
	figure(unit, 40);
	figure(other, 75);
	scene_begin(&scene);
	scene_add(&scene, &(struct entry){ .kind = ENTRY_FACT,
					   .fact = { .slot = { unit, people, BAOPHU_WHOLE, day(20240501), day(20240501) },
						     .figure = { 60, BAOPHU_FINAL, BAOPHU_REPORTED, BAOPHU_EXACT, 0 } } });
	scene_add(&scene, &(struct entry){ .kind = ENTRY_PLAN,
					   .plan = { .plan = plan,
						     .unit = other,
						     .target = people,
						     .kind = BAOPHU_PLAN_STOCK,
						     .origin = BAOPHU_REPORTED,
						     .from = day(20240101),
						     .to = day(20241231),
						     .value = 100,
						     .code = "nam-2024",
						     .issuer = "",
						     .document = "" } });
	scene_end(&scene, RECORD_UPDATE, 0, 0, 0);
	const struct event *mark = made(2);
	cr_assert(mark->unit == other && mark->is_mark && mark[-1].unit == unit && event_is_delivered(&mark[-1]));
}

/* The state as a start loads it from the log's records and the newest event of each target and line. */
static void load(struct state *state, const struct event *newest)
{
	cr_assert_eq(fold_init(state), 0);
	for (size_t i = 0; i < scene.records.count; i++) {
		const struct scene_record *record = vec_at(&scene.records, struct scene_record, i);
		cr_assert_eq(fold_load_record(state, record->bytes, record->size), 0);
	}
	cr_assert_eq(fold_load_event(state, newest), 0);
	cr_assert_eq(fold_load_finish(state, &scene.place), 0);
}

/* Three crossings, and then the line is taken away while the unit comes up again: its day ends above. */
Test(events, of_a_day_end_on_the_side_that_a_mark_found, .init = build)
{
	struct state loaded;
	line(FIFTY, false);
	target(unit, 100);
	figure(unit, 60);
	figure(unit, 40);
	figure(unit, 60);
	figure(unit, 40);
	cr_assert_eq(made(4)->nth, 4);
	line(FIFTY, true);
	figure(unit, 61);
	made(0);
	line(FIFTY, false);
	struct event mark = *made(1);
	cr_assert(mark.is_mark && mark.nth == 4 && mark.direction == BAOPHU_UP && mark.numerator == 61);
	load(&loaded, &mark);
	scene_day(&scene, day(20240502));
	const struct scene_record *ends = vec_at(&scene.records, struct scene_record, scene.records.count - 1);
	struct event count = *made(1);
	cr_assert(count.count == 4 && !count.is_mark && event_is_delivered(&count) && count.direction == BAOPHU_UP);
	cr_assert(count.day == day(20240501) && count.numerator == 61 && count.unit_events == 3);
	cr_assert_eq(fold_record(&loaded, ends->bytes, ends->size), 0);
	const struct event *again = vec_at(&loaded.events.made, struct event, 0);
	cr_assert(again->count == 4 && !again->is_mark && again->direction == BAOPHU_UP && again->unit_events == 3);
	fold_finish(&loaded);
}
