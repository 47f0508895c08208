/* waits.h - which held updates wait for what, and which of them to decide again. Pure.
 *
 * A held update waits for keys: a unit's code, a unit (its grants and its place), a plan's code, an earlier update, the next day. An entry of
 * the log wakes all that wait for what it speaks of, and nothing else is looked at. Two keys that are alike by chance wake one update too
 * many, which is decided in vain.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <baophu/types.h>

enum waits_kind { WAITS_UNIT_CODE = 1, WAITS_UNIT, WAITS_PLAN, WAITS_UPDATE, WAITS_DAY };
uint64_t waits_key(enum waits_kind kind, uint64_t number);
uint64_t waits_key_code(enum waits_kind kind, const char *code);

struct waits;
int waits_create(struct waits **ret_waits); /* -ENOMEM; returns owned */
void waits_destroy(struct waits *waits); /* takes NULL */
/* A held update, to be decided again at once; seqs only rise. -ENOMEM. */
int waits_add(struct waits *waits, uint64_t seq, uint32_t agent, uint64_t epoch);
/* It was decided: wakes what waits for it. */
int waits_remove(struct waits *waits, uint64_t seq);
/* It waits for any of these from now on, and no longer for others; of none it waits for an administrator. -ENOMEM. */
int waits_for(struct waits *waits, uint64_t seq, const uint64_t *keys, uint32_t count);
int waits_wake(struct waits *waits, uint64_t key); /* -ENOMEM */
/* Seq of the first that is to be decided again, which it then no longer is; 0: none. */
uint64_t waits_next(struct waits *waits);
int waits_again(struct waits *waits, uint64_t seq); /* it still is; -ENOMEM */
bool waits_are_due(const struct waits *waits);
/* The one before it of the same agent and epoch that waits too; 0: none. */
uint64_t waits_before(const struct waits *waits, uint64_t seq);
uint32_t waits_count(const struct waits *waits);
