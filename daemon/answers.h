/* answers.h - the thread that owns the query socket: bytes of a question in, bytes of its answer out (query.h makes them). */
#pragma once

#include "daemon.h"

struct answers;
int answers_start(struct daemon *daemon, struct answers **ret_answers);
/* Ends the thread after the question it is at. Takes NULL. */
void answers_stop(struct answers *answers);
