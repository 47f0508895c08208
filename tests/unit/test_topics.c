/* test_topics.c - the table of subscribed topics against a list that is searched from end to end, and its bounds. */
#include "topics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "scene.h"

enum { NAMES = 60, STEPS = 4000, CONNECTIONS = 4 };

/* Texts that are prefixes of each other, seals among them. */
static void name_of(uint32_t which, char text[static 32])
{
	if (which % 3 == 0)
		snprintf(text, 32, "seal/%u/VN/%u/~", which % 9, which);
	else
		snprintf(text, 32, "coverage/%u/VN/%.*s", which % 3, (int)(which % 7), "0123456");
}

Test(topics, are_what_a_list_of_them_is)
{
	struct topics *topics;
	bool is_there[NAMES] = { false };
	uint64_t seed = 7;
	cr_assert_eq(topics_create(1000, 100000, 3, &topics), 0);
	for (int step = 0; step < STEPS; step++) {
		uint32_t which = scene_random(&seed, NAMES);
		char text[32], topic[64];
		struct topic_seal *seal;
		name_of(which, text);
		for (uint32_t i = 0; i < NAMES; i++) { /* the same text has several numbers */
			char other[32];
			name_of(i, other);
			if (!strcmp(text, other))
				is_there[i] = step % 2;
		}
		if (step % 2) {
			cr_assert_eq(topics_subscribe(topics, text, strlen(text), scene_random(&seed, CONNECTIONS), &seal), 0);
			cr_assert_eq(!seal, which % 3 != 0);
			if (seal)
				cr_assert(!strcmp(seal->text, text) && seal->depth == which % 9);
		} else {
			topics_cancel(topics, text, strlen(text));
		}
		snprintf(topic, sizeof topic, "coverage/%u/VN/0123456/", scene_random(&seed, 3));
		size_t records = 0, seals = 0, seal_count;
		bool matches = false;
		for (uint32_t i = 0; i < NAMES; i++) {
			char other[32];
			bool is_first = true;
			name_of(i, other);
			for (uint32_t j = 0; j < i && is_first; j++) {
				char earlier[32];
				name_of(j, earlier);
				is_first = strcmp(earlier, other) != 0;
			}
			if (!is_there[i] || !is_first)
				continue;
			*(i % 3 ? &records : &seals) += 1;
			matches |= i % 3 && !strncmp(topic, other, strlen(other));
		}
		cr_assert_eq(topics_match(topics, topic, strlen(topic)), matches, "step %d: %s", step, topic);
		cr_assert_eq(topics_record_count(topics), records, "step %d", step);
		cr_assert_eq(topics_count(topics), records + seals);
		const struct topic_seal *all = topics_seals(topics, &seal_count);
		cr_assert_eq(seal_count, seals);
		for (size_t i = 0; i < seal_count; i++) {
			unsigned number;
			cr_assert_eq(sscanf(all[i].text, "seal/%*u/VN/%u/~", &number), 1);
			cr_assert(number < NAMES && is_there[number]);
		}
	}
	topics_destroy(topics);
}

static int subscribe(struct topics *topics, int number, uint32_t connection)
{
	char text[16];
	struct topic_seal *seal;
	return topics_subscribe(topics, text, (size_t)snprintf(text, sizeof text, "%08d", number), connection, &seal);
}

Test(topics, one_connection_has_half_of_what_the_others_leave)
{
	struct topics *topics;
	int number = 0;
	cr_assert_eq(topics_create(64, 1000000, 3, &topics), 0);
	for (uint32_t connection = 0, room = 64; room > 1; connection++, room -= room / 2) {
		for (uint32_t i = 0; i < room / 2; i++)
			cr_assert_eq(subscribe(topics, number++, connection), 0, "connection %u, topic %u", connection, i);
		cr_assert_eq(subscribe(topics, number, connection), -BAOPHU_EFULL, "connection %u", connection);
		cr_assert_eq(subscribe(topics, number - 1, connection), 0, "what it has it may ask for again");
		cr_assert_eq(subscribe(topics, 0, connection), 0, "and for what is there anyhow");
		cr_assert_eq(subscribe(topics, 0, 0), 0);
	}
	cr_assert_eq(topics_count(topics), 63);
	for (int i = 0; i < 63; i++) {
		char text[16];
		topics_cancel(topics, text, (size_t)snprintf(text, sizeof text, "%08d", i));
	}
	for (int i = 0; i < 32; i++)
		cr_assert_eq(subscribe(topics, i, 1), 0, "what was given back is there again");
	cr_assert_eq(subscribe(topics, 32, 1), -BAOPHU_EFULL);
	topics_destroy(topics);
}

Test(topics, bytes_are_shared_as_topics_are)
{
	struct topics *topics;
	cr_assert_eq(topics_create(1000, 64, 3, &topics), 0);
	for (int i = 0; i < 4; i++)
		cr_assert_eq(subscribe(topics, i, 0), 0);
	cr_assert_eq(subscribe(topics, 4, 0), -BAOPHU_EFULL);
	cr_assert_eq(subscribe(topics, 4, 1), 0);
	cr_assert_eq(subscribe(topics, 5, 1), 0);
	cr_assert_eq(subscribe(topics, 6, 1), -BAOPHU_EFULL);
	char text[BAOPHU_TOPIC_BYTES_MAX + 2];
	struct topic_seal *seal;
	memset(text, 'x', sizeof text);
	topics_destroy(topics);
	cr_assert_eq(topics_create(1000, 100000, 3, &topics), 0);
	cr_assert_eq(topics_subscribe(topics, text, BAOPHU_TOPIC_BYTES_MAX + 1, 0, &seal), -BAOPHU_EFULL, "no topic is as long");
	cr_assert_eq(topics_subscribe(topics, text, BAOPHU_TOPIC_BYTES_MAX, 0, &seal), 0);
	cr_assert(topics_match(topics, text, BAOPHU_TOPIC_BYTES_MAX + 1));
	cr_assert_not(topics_match(topics, text, BAOPHU_TOPIC_BYTES_MAX - 1));
	topics_destroy(topics);
}
