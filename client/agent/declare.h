/* declare.h - what an office says that it will report, and how often: one entry to the centre, which then tells who is late. */
#pragma once

#include <jansson.h>

#include "office.h"
#include "reply.h"

/* Serves the request {"unit", "rhythm", "level", "measures", "own", "closing_day", "grace_days", "remove"}: saves the declaration and says so in
 * `reply`. To take back, a unit is enough; level and measures narrow it. Without a unit: lists what was declared here. *ret_code: the command's exit code. Errors of saving, as outbox_save. */
int declare_serve(struct office *office, const json_t *request, struct reply *reply, int *ret_code);
