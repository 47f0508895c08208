/* desk.h - what commands ask of the running agent: one function a verb, found in one table.
 *
 * Answers are texts for whoever typed the command, in his language and form; reports only join the office's queue here, and are answered from
 * there. Threads: one.
 */
#pragma once

#include "office.h"

/* Does what the request says; the answer is said or will be. The request's file becomes the desk's. */
void desk_serve(struct office *office, const struct control_request *request);
