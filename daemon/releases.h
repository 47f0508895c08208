/* releases.h - held updates go on by themselves when what held them is gone.
 *
 * An applied entry that makes or changes a unit, a grant or a plan wakes the held updates that wait for it; each is decided again, in the
 * name of its sender. One that is taken now becomes a record RELEASE; one that is still held waits for what holds it now; one that would be
 * refused stays as it is, for an administrator. In order of seq, and one that takes figures back only after what came before it in its
 * epoch. Nothing of this is stored: at the start everything that waits is looked at once, so a stop between a cause and its release loses
 * nothing. Collector thread only.
 */
#pragma once

#include "decide.h"

struct releases;
/* Everything that waits in `state`, which is borrowed as long as the releases live. -ENOMEM; returns owned. */
int releases_create(const struct state *state, struct releases **ret_releases);
void releases_destroy(struct releases *releases); /* takes NULL */
/* A record that was folded and is a HELD one, or changed the registry: who is held from now on, who no longer is, who is to be looked at.
 * Negative: no memory, or damage. */
int releases_follow(struct releases *releases, const void *record, size_t bytes);
/* What was decided of them was lost with its batch: everything that waits is looked at again. -ENOMEM. */
int releases_again(struct releases *releases);
bool releases_are_due(const struct releases *releases);

struct release_turn {
	struct decide *decide;
	struct decide_question question; /* its writer holds a record that was begun; who says it is set here */
	bool is_settled; /* nothing undecided stands before this record in the batch */
	int32_t budget; /* entries that may still be looked at in this batch */
};
enum release_outcome {
	RELEASE_NONE, /* nothing that is due can be released in this batch */
	RELEASE_APPLIED, /* the writer holds what was decided of *ret_held */
	RELEASE_LATER, /* the history is behind: a little later */
};
/* Decides what is due until one is taken. Negative: no memory, or a look-up failed. Held, decision: lent until the next fold. */
int releases_decide(struct releases *releases, struct release_turn *turn, const struct held **ret_held,
		    struct decision *ret_decision);
