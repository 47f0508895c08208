/* subscriber.c - follows coverage: subscriber tcp://127.0.0.1:7103 tcp://127.0.0.1:7102 VN/92 2 */
#include <baophu/client.h>
#include <stdio.h>
#include <stdlib.h>

/* A cut is proved before it is shown: the library compares count and sum with the collector's seal, and asks for what was lost. */
static void show(void *user, const struct baophu_cut *cut)
{
	for (const struct baophu_record *unit = cut->records; unit < cut->records + cut->record_count; unit++)
		for (const struct baophu_row *row = unit->rows; row < unit->rows + unit->row_count; row++)
			if (row->value != BAOPHU_ABSENT)
				fprintf(user, "%s %s %lld\n", unit->unit, row->measure, (long long)row->value);
	fprintf(user, "exact at %llu, units changed %u\n", (unsigned long long)cut->to.seq, cut->record_count);
	fflush(user);
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	struct baophu_subscription_config config = { .path = argv[3], .depth = (uint32_t)atol(argv[4]), .user = stdout };
	config.publish_endpoint = argv[1];
	config.query_endpoint = argv[2];
	config.on_cut = show;
	struct baophu_subscription *subscription;
	int error = baophu_subscription_open(&config, &subscription);
	while (!error)
		error = baophu_subscription_step(subscription, -1);
	return fprintf(stderr, "%s\n", baophu_strerror(error)), 1;
}
