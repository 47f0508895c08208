/* Liveness kept entry by entry equals liveness from scratch, and both equal what the words say, gone through naively. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "scene.h"

enum { UNITS = 24, LEVELS = 3, MEASURES = 3, AGENTS = 4, SAID_MAX = 512, STEPS = 600, ROUNDS = 40 };

struct said_grant {
	uint32_t agent, unit;
	uint16_t measure;
	baophu_date from, until;
};
struct said_declaration {
	uint32_t agent, unit;
	uint8_t level;
	uint16_t measure;
	struct rhythm_terms terms;
	uint64_t seq;
	bool is_removed;
};
struct model {
	struct scene scene;
	struct said_grant grants[SAID_MAX];
	struct said_declaration declarations[SAID_MAX];
	uint32_t grant_count, declaration_count;
};

/* The nearest grant up the tree, the newest of those at one unit. */
static uint32_t model_owner(const struct model *m, uint32_t unit, uint16_t measure, baophu_date date)
{
	for (; unit; unit = m->scene.state.tree.parent[unit])
		for (uint32_t i = m->grant_count; i--;) {
			const struct said_grant *grant = &m->grants[i];
			if (grant->unit == unit && (!grant->measure || grant->measure == measure) && grant->from <= date &&
			    (grant->until == BAOPHU_DATE_NONE || date <= grant->until))
				return grant->agent;
		}
	return 0;
}

static const struct said_declaration *model_declared(const struct model *m, uint32_t unit, uint16_t measure, baophu_date date)
{
	const struct state *state = &m->scene.state;
	const struct unit_version *version = units_at(&state->registry.units, unit, date, UINT64_MAX);
	uint32_t owner = model_owner(m, unit, measure, date);
	const struct said_declaration *best = NULL;
	for (uint32_t i = 0; i < m->declaration_count; i++) {
		const struct said_declaration *said = &m->declarations[i];
		bool is_named = said->level ? said->level == version->level && tree_is_below(&state->tree, unit, said->unit)
					    : said->unit == unit;
		if (!said->is_removed && is_named && said->agent == owner && (!said->measure || said->measure == measure) &&
		    said->terms.since <= date && (!best || said->seq > best->seq))
			best = said;
	}
	return best;
}

static baophu_date model_newest(const struct model *m, uint32_t unit, uint16_t measure, baophu_date date)
{
	const struct series *series = facts_series(&m->scene.state.facts, unit, measure, BAOPHU_WHOLE);
	baophu_date newest = BAOPHU_DATE_NONE;
	for (uint32_t i = 0; series && i < series->count; i++)
		if (fact_stands(&series->facts[i]) && fact_to(&series->facts[i]) <= date && fact_to(&series->facts[i]) > newest)
			newest = fact_to(&series->facts[i]);
	return newest;
}

static void expect_as_said(const struct model *m, uint64_t seed, uint32_t step)
{
	const struct state *state = &m->scene.state;
	const struct tree *tree = &state->tree;
	baophu_date date = state->registry.day;
	struct liveness_agent agents[AGENTS + 1] = { 0 };
	struct liveness fresh;
	liveness_init(&fresh, &state->registry, tree, &state->facts, date, UINT64_MAX);
	cr_assert_eq(liveness_take_all(&fresh), 0);
	for (uint16_t measure = 1; measure <= MEASURES; measure++) {
		uint32_t declared[UNITS + 1] = { 0 }, up_to_date[UNITS + 1] = { 0 };
		for (uint32_t unit = 1; unit <= UNITS; unit++) {
			const struct said_declaration *said = tree_has(tree, unit) ? model_declared(m, unit, measure, date) : NULL;
			if (!said)
				continue;
			enum baophu_freshness freshness = rhythm_freshness(&said->terms, model_newest(m, unit, measure, date),
									   date);
			agents[said->agent].series[freshness]++;
			for (uint32_t up = unit; up; up = tree->parent[up]) {
				declared[up]++;
				up_to_date[up] += freshness == BAOPHU_FRESH;
			}
		}
		for (uint32_t unit = 1; unit <= UNITS; unit++) {
			struct liveness_count kept = liveness_count(&state->liveness, unit, measure);
			struct liveness_count again = liveness_count(&fresh, unit, measure);
			cr_assert(kept.declared == declared[unit] && kept.fresh == up_to_date[unit],
				  "seed %lu step %u unit %u measure %u: %u of %u kept, %u of %u by the words", (unsigned long)seed,
				  step, unit, measure, kept.fresh, kept.declared, up_to_date[unit], declared[unit]);
			cr_assert(again.declared == kept.declared && again.fresh == kept.fresh, "seed %lu step %u: from scratch",
				  (unsigned long)seed, step);
		}
	}
	for (uint32_t agent = 1; agent <= AGENTS; agent++) {
		static const struct liveness_agent none;
		const struct liveness_agent *kept = liveness_agent(&state->liveness, agent);
		cr_assert(!memcmp(kept ? kept : &none, &agents[agent], sizeof none), "seed %lu step %u agent %u",
			  (unsigned long)seed, step, agent);
	}
	liveness_finish(&fresh);
}

static void say_declare(struct model *m, uint64_t *seed, uint32_t agent, uint32_t unit)
{
	static const struct rhythm_terms terms[] = {
		{ BAOPHU_DAILY, 0, 2, 0 }, { BAOPHU_WEEKLY, 5, 1, 0 }, { BAOPHU_MONTHLY, 25, 3, 0 }, { BAOPHU_RHYTHM_NONE, 0, 0, 0 }
	};
	struct said_declaration said = { .agent = agent,
					 .unit = unit,
					 .level = (uint8_t)scene_random(seed, LEVELS + 1),
					 .measure = (uint16_t)scene_random(seed, MEASURES + 1),
					 .terms = terms[scene_random(seed, 4)] };
	uint32_t at = 0;
	while (at < m->declaration_count && (m->declarations[at].is_removed || m->declarations[at].agent != said.agent ||
					     m->declarations[at].unit != said.unit || m->declarations[at].level != said.level ||
					     m->declarations[at].measure != said.measure))
		at++;
	if (at == m->declaration_count && at == SAID_MAX)
		return;
	said.seq = scene_declare(&m->scene, said.agent, said.unit, said.level, said.measure, said.terms.rhythm,
				 said.terms.closing_day, said.terms.grace_days);
	said.terms.since = m->scene.state.registry.day;
	struct said_declaration *kept = &m->declarations[at];
	if (said.terms.rhythm == BAOPHU_RHYTHM_NONE) {
		if (at < m->declaration_count)
			kept->is_removed = true;
		return;
	}
	if (at == m->declaration_count)
		m->declaration_count++;
	else if (kept->terms.rhythm == said.terms.rhythm)
		said.terms.since = kept->terms.since;
	*kept = said;
}

static void say_unit(struct model *m, uint64_t *seed, uint32_t unit, uint32_t parent, baophu_date from)
{
	char code[8];
	snprintf(code, sizeof code, "u%02u", unit);
	struct entry entry = { .kind = ENTRY_UNIT,
			       .unit = { unit, parent, (uint8_t)(1 + scene_random(seed, LEVELS)), from, code, code } };
	scene_begin(&m->scene);
	scene_add(&m->scene, &entry);
	scene_end(&m->scene, RECORD_UPDATE, 0, 0, 0);
}

static void one_step(struct model *m, uint64_t *seed)
{
	struct scene *scene = &m->scene;
	baophu_date today = scene->state.registry.day;
	uint32_t what = scene_random(seed, 100), unit = 1 + scene_random(seed, UNITS), agent = 1 + scene_random(seed, AGENTS);
	uint16_t measure = (uint16_t)(1 + scene_random(seed, MEASURES));
	baophu_date date = today - (baophu_date)scene_random(seed, 40);
	if (what < 14) {
		if (m->grant_count && scene_random(seed, 5)) { /* mostly of one's own */
			const struct said_grant *grant = &m->grants[scene_random(seed, m->grant_count)];
			agent = grant->agent;
			unit = grant->unit;
		}
		say_declare(m, seed, agent, unit);
	} else if (what < 21 && m->grant_count < SAID_MAX) {
		struct said_grant grant = { agent, unit, (uint16_t)scene_random(seed, MEASURES + 1), date,
					    scene_random(seed, 3) ? BAOPHU_DATE_NONE
								  : today + (baophu_date)scene_random(seed, 20) };
		scene_grant(scene, grant.agent, grant.unit, grant.measure, grant.from, grant.until);
		m->grants[m->grant_count++] = grant;
	} else if (what < 26) {
		scene_day(scene, today + 1 + (baophu_date)scene_random(seed, 5));
	} else if (what < 29) {
		say_unit(m, seed, unit, unit < 4 ? unit - 1 : 1 + scene_random(seed, 3), date);
	} else if (what < 34) {
		struct slot slot = { unit, measure, BAOPHU_WHOLE, date, date };
		const struct fact *fact = facts_slot(&scene->state.facts, &slot);
		if (fact && fact_stands(fact))
			scene_withdraw(scene, unit, measure, BAOPHU_WHOLE, date);
	} else {
		if (!scene_random(seed, 8)) /* an estimate of what is to come */
			date += 60;
		scene_fact(scene, unit, measure, scene_random(seed, 9) ? BAOPHU_WHOLE : BAOPHU_OWN, date, date, 5, BAOPHU_ESTIMATE);
	}
}

Test(liveness, equals_the_words_and_itself_from_scratch, .timeout = 120)
{
	uint64_t base = (uint64_t)time(NULL) * 2654435761u | 1;
	struct model *m = malloc(sizeof *m);
	uint32_t declared = 0;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint64_t seed = base + round * 7919;
		memset(m, 0, sizeof *m);
		scene_init(&m->scene);
		scene_day(&m->scene, day(20240110));
		for (uint16_t measure = 1; measure <= MEASURES; measure++)
			scene_measure(&m->scene, measure == 1 ? "a" : measure == 2 ? "b" : "c", BAOPHU_STOCK, 0);
		for (uint8_t level = 2; level <= LEVELS; level++) {
			scene_begin(&m->scene);
			scene_add(&m->scene, &(struct entry){ .kind = ENTRY_LEVEL, .level = { level, "l", "l", "l" } });
			scene_end(&m->scene, RECORD_UPDATE, 0, 0, 0);
		}
		for (uint32_t unit = 1; unit <= UNITS; unit++)
			say_unit(m, &seed, unit, unit < 4 ? unit - 1 : 1 + scene_random(&seed, 3), BAOPHU_DATE_MIN);
		for (uint32_t agent = 1; agent <= AGENTS; agent++)
			scene_agent(&m->scene, "x");
		for (uint32_t step = 0; step < STEPS; step++) {
			one_step(m, &seed);
			if (scene_random(&seed, 4))
				continue;
			cr_assert_eq(fold_settle(&m->scene.state), 0);
			expect_as_said(m, base, step);
			for (uint32_t a = 1; a <= AGENTS; a++)
				for (int f = 0; f < BAOPHU_FRESHNESS_COUNT && liveness_agent(&m->scene.state.liveness, a); f++)
					declared += liveness_agent(&m->scene.state.liveness, a)->series[f];
		}
		cr_assert_leq(m->scene.state.registry.declarations.count, m->declaration_count);
		scene_finish(&m->scene);
	}
	cr_assert_gt(declared, ROUNDS * STEPS / 4, "seed %lu: too little was declared to say anything", (unsigned long)base);
	free(m);
}
