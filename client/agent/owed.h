/* owed.h - the answers that files still await: which saved batch belongs to which name, until the centre's receipt stands beside the file.
 *
 * A directory with a small file for each batch, so that nothing of it has to be in memory and a crash loses none: `BATCH` while the receipt
 * is awaited, `BATCH.told` after that, kept as long as the outbox keeps the batch, because a centre that was put back to an older copy gives its
 * receipts anew. Knows numbers and names only. Threads: one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "inbox.h"

struct owed;
/* Opens the directory `dir`, made when it is missing (its parent must be there); where the disk has no room for it, by the first owed_add. Returns
 * owned; errno values; -ENOMEM. */
int owed_open(const char *dir, struct owed **ret_owed);
void owed_close(struct owed *owed); /* takes NULL */
/* Notes that `name` awaits the receipt of this batch, which is about to be saved. `is_of_folder`: a file will stand in sent/ under the name. Durable
 * on 0. */
int owed_add(struct owed *owed, uint64_t batch, const char *name, bool is_of_folder);
/* It was not saved after all. */
void owed_take_back(struct owed *owed, uint64_t batch);
/* No batch from this one on was ever saved: a process ended before it could. */
int owed_take_back_from(struct owed *owed, uint64_t first);
/* True when the batch awaits its receipt. From memory: asked for each receipt that comes. */
bool owed_has(const struct owed *owed, uint64_t batch);
/* The first awaited batch above `after`; false: none. */
bool owed_next(const struct owed *owed, uint64_t after, uint64_t *ret_batch);
/* -ENOENT: it is not awaited. */
int owed_read(const struct owed *owed, uint64_t batch, char ret_name[static INBOX_NAME_BYTES], bool *ret_is_of_folder);
/* Its receipt was told. */
int owed_settle(struct owed *owed, uint64_t batch);
/* The receipt of one batch is to be told anew. -ENOENT: it never was told. */
int owed_await(struct owed *owed, uint64_t batch);
/* The centre was put back: all batches from this one on await their receipts again. */
int owed_await_again(struct owed *owed, uint64_t from);
/* Forgets what was told of batches below this one. */
int owed_prune(struct owed *owed, uint64_t below);
