/* verbs.h - the commands of `baophu-agent`: what each takes, and how the running agent is asked to do it. */
#pragma once

#include "command.h"

extern const struct program verbs_program;
