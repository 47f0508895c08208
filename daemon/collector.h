/* collector.h - the one loop that takes updates in, decides, makes durable, folds, publishes and answers. */
#pragma once

#include "daemon.h"

struct collector;
int collector_create(struct daemon *daemon, struct collector **ret_collector);
void collector_destroy(struct collector *collector); /* takes NULL */
/* Until a signal, a Stop or a failure; then commits what was taken and writes STOP. */
enum daemon_exit collector_run(struct collector *collector);
