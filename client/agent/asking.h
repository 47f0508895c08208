/* asking.h - keeps the mirror fresh: asks the centre about this office when there is a link and a reason, and never waits for it.
 *
 * Reasons: a link after none, receipts (figures have moved), an update held or refused (units, measures, plans or grants may have), an hour
 * (others' plans and figures), a day (everything). A question that fails is asked again later, less and less often. Owns the mirror and its
 * file. Threads: one. No clock but the caller's.
 */
#pragma once

#include <poll.h>

#include "mirror.h"

enum { ASKING_DESCRIPTORS = 2 };
struct asking;
/* Reads the file at `path`, if there is a whole one; asks nothing yet. All borrowed but copied. On 0 *ret_asking is the caller's (returns
 * owned); -ENOMEM and errno values of a disk that cannot be read; a damaged or foreign file is as good as none. */
int asking_open(const char *endpoint, const char *agent, const char *path, struct asking **ret_asking);
void asking_close(struct asking *asking); /* takes NULL */
/* NULL: the centre was never reached. Lent until asking_work returns true. */
struct mirror *asking_mirror(struct asking *asking);

/* What has happened. `newest_seq`: log place of the newest receipt; `amiss`: how many updates are held or refused. */
void asking_note(struct asking *asking, bool is_connected, uint64_t newest_seq, uint32_t amiss, int64_t now_ms);
/* When asking_work must be called next. INT64_MAX: not before asking_note. */
int64_t asking_due_ms(const struct asking *asking);
/* Descriptors to poll while a question is under way; asking_work when one is ready. Returns how many. */
unsigned asking_poll(const struct asking *asking, struct pollfd ret_descriptors[ASKING_DESCRIPTORS]);
/* Does what can be done without waiting. now_ms: monotonic; wall_ms: Unix, for the mirror's own note. True: there is a new mirror. */
bool asking_work(struct asking *asking, int64_t now_ms, int64_t wall_ms);
/* Why the last question had no answer, for people, in gettext's language; "" when it had one. Returns `buffer`. */
const char *asking_trouble(const struct asking *asking, bool vietnamese, char *buffer, size_t size);
/* Monotonic time at which the mirror in hand was taken by this process; INT64_MIN: an earlier one took it. */
int64_t asking_taken_ms(const struct asking *asking);
