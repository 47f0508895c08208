/* test_agents.c - epochs that are forgotten and found again: nothing that is decided depends on which of them are at hand. */
#include "agents.h"

#include <criterion/criterion.h>

#include "scene.h"

enum { AGENTS = 3, EPOCHS = 40, STEPS = 4000 };

/* What history would know of each, by agent and epoch. */
static struct {
	uint64_t number;
	bool granted, frozen;
} model[AGENTS + 1][EPOCHS + 1];

static void begin_with(struct agents *agents)
{
	static const char *const names[] = { "", "control", "a", "b" };
	agents_init(agents);
	for (uint32_t agent = 1; agent <= AGENTS; agent++) {
		struct entry_agent entry = {
			.agent = agent, .from = day(20200101), .until = BAOPHU_DATE_NONE, .name = names[agent]
		};
		cr_assert_eq(agents_apply(agents, &entry, agent), 0);
	}
}

/* As a Hello would. */
static const struct epoch *look_up(struct agents *agents, uint32_t agent, uint64_t epoch)
{
	if (!agents_epoch(agents, agent, epoch) && model[agent][epoch].number)
		cr_assert_eq(agents_recall(agents, agent, epoch, model[agent][epoch].number + 1), 0);
	return agents_epoch(agents, agent, epoch);
}

static bool is_even(void *context, const struct epoch *epoch)
{
	(void)context;
	return epoch->epoch % 2 == 0;
}

/* A state loaded from history: all grants and freezes in order, forgotten whenever there are too many, then the newest numbers. */
struct said {
	enum entry_kind kind;
	struct entry_epoch entry;
};
static void load(struct agents *agents, const struct vec *said, uint32_t epochs_max)
{
	begin_with(agents);
	agents->epochs_max = epochs_max;
	for (size_t i = 0; i < said->count; i++) {
		const struct said *one = vec_at(said, struct said, i);
		cr_assert_eq(agents_apply_epoch(agents, one->kind, &one->entry), 0);
		if (agents->epochs.count >= epochs_max)
			agents_forget(agents, NULL, NULL);
	}
	for (uint32_t agent = 1; agent <= AGENTS; agent++)
		for (uint64_t epoch = 1; epoch <= EPOCHS; epoch++)
			if (model[agent][epoch].number)
				agents_load_number(agents, agent, epoch, model[agent][epoch].number, 1, 1);
	agents->epochs_max = 0;
}

Test(agents, epochs_may_be_forgotten_at_any_time)
{
	struct agents all, few, loaded;
	struct vec log = { 0 };
	uint64_t seed = 5;
	begin_with(&all);
	begin_with(&few);
	for (uint64_t step = 1; step <= STEPS; step++) {
		uint32_t agent = 1 + scene_random(&seed, AGENTS);
		uint64_t epoch = 1 + scene_random(&seed, EPOCHS);
		struct said said = { ENTRY_EPOCH, { agent, epoch } };
		if (scene_random(&seed, 10) == 0)
			agents_forget(&few, scene_random(&seed, 2) ? is_even : NULL, NULL);
		const struct epoch *there = look_up(&few, agent, epoch);
		if (!model[agent][epoch].granted) {
			cr_assert_null(there);
			model[agent][epoch].granted = true;
		} else if (model[agent][epoch].frozen) {
			cr_assert(there && there->frozen, "a frozen one is never forgotten");
			said.kind = ENTRY_EPOCH_OPEN;
			model[agent][epoch].frozen = false;
		} else if (there && scene_random(&seed, 20) == 0) {
			said.kind = ENTRY_FREEZE;
			model[agent][epoch].frozen = true;
		} else {
			uint64_t number = ++model[agent][epoch].number;
			if (scene_random(&seed, 5) == 0) /* as when the log is folded at a start: nobody says Hello */
				agents_forget(&few, NULL, NULL);
			cr_assert_eq(agents_epoch(&all, agent, epoch)->next, number);
			cr_assert_eq(agents_decided(&all, agent, epoch, number, step, 0), 0);
			cr_assert_eq(agents_decided(&few, agent, epoch, number, step, 0), 0);
			cr_assert_eq(agents_epoch(&few, agent, epoch)->next, number + 1);
			continue;
		}
		*(struct said *)vec_grow(&log, 1, sizeof said) = said;
		cr_assert_eq(agents_apply_epoch(&all, said.kind, &said.entry), 0);
		cr_assert_eq(agents_apply_epoch(&few, said.kind, &said.entry), 0);
		cr_assert_eq(few.epochs_digest, all.epochs_digest, "step %lu", (unsigned long)step);
		if (step % 100)
			continue;
		for (uint32_t epochs_max = 4; epochs_max < 200; epochs_max += 60) {
			load(&loaded, &log, epochs_max);
			cr_assert_eq(loaded.epochs_digest, all.epochs_digest, "step %lu, %u", (unsigned long)step, epochs_max);
			for (uint32_t i = 1; i <= AGENTS; i++)
				for (uint64_t j = 1; j <= EPOCHS; j++) {
					const struct epoch *found = look_up(&loaded, i, j);
					cr_assert(!model[i][j].number ||
						  (found->next == model[i][j].number + 1 && found->frozen == model[i][j].frozen));
				}
			agents_finish(&loaded);
		}
	}
	cr_assert(few.epochs.count < all.epochs.count);
	vec_finish(&log);
	agents_finish(&all);
	agents_finish(&few);
}

Test(agents, an_unused_epoch_that_was_forgotten_may_be_granted_again)
{
	struct agents agents;
	struct entry_epoch entry = { 2, 7 };
	begin_with(&agents);
	cr_assert_eq(agents_apply_epoch(&agents, ENTRY_EPOCH, &entry), 0);
	agents_forget(&agents, NULL, NULL);
	cr_assert_null(agents_epoch(&agents, 2, 7));
	cr_assert_eq(agents_apply_epoch(&agents, ENTRY_EPOCH, &entry), 0);
	cr_assert_eq(agents_epoch(&agents, 2, 7)->next, 1);
	cr_assert_eq(agents_decided(&agents, 2, 7, 1, 9, 0), 0);
	cr_assert_eq(agents_apply_epoch(&agents, ENTRY_EPOCH, &entry), -BAOPHU_EDAMAGED, "one with numbers never is");
	cr_assert_eq(agents_apply_epoch(&agents, ENTRY_FREEZE, &(struct entry_epoch){ 2, 8 }), -BAOPHU_EDAMAGED);
	agents_finish(&agents);
}
