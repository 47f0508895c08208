/* config.h - the daemon's settings: one table from which the file, the flags, --help and --print-config all follow.
 *
 * A value comes from its default, then the file (libconfuse syntax: name = "value"), then the flag of the same name.
 * A wrong one is refused whole, with the file, the line and what would be right; nothing is guessed.
 * Reads only the file that it is given; opens nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CONFIG_TEXT_BYTES = 256 };
#define CONFIG_FILE_DEFAULT "/etc/baophu/baophud.conf"

enum config_origin { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_FLAG };
enum { CONFIG_SETTINGS_MAX = 32 };

struct config {
	char data_dir[CONFIG_TEXT_BYTES];
	char ingest[CONFIG_TEXT_BYTES], query[CONFIG_TEXT_BYTES], publish[CONFIG_TEXT_BYTES], control[CONFIG_TEXT_BYTES];
	char endpoints_file[CONFIG_TEXT_BYTES];
	uint64_t segment_bytes, prewrite_bytes;
	uint64_t batch_updates, batch_bytes;
	uint64_t credit_bytes, sessions_max, epochs_max, stage_bytes, stage_ms;
	uint64_t lag_records_max, checkpoint_records;
	uint64_t topics_max, topic_bytes_max, publish_pause_ms, seal_ms;
	enum config_origin origins[CONFIG_SETTINGS_MAX]; /* by row of the table */
};

enum config_action { CONFIG_RUN, CONFIG_CHECK, CONFIG_PRINT, CONFIG_HELP, CONFIG_VERSION };

/* Defaults, then the file (--config FILE, else CONFIG_FILE_DEFAULT if it is there), then the flags. 0; or -EINVAL with one sentence
 * for a person in `why`. */
int config_read(struct config *config, int argc, char *const argv[], enum config_action *ret_action, char *why, size_t why_bytes);
/* Every setting with the value in force and where it comes from, in the file's own syntax. */
void config_print(const struct config *config, FILE *out);
void config_help(FILE *out);
/* True when `endpoint` may be bound while there are no keys: tcp on a loopback address, or ipc. Else `why` says so. */
bool config_endpoint_is_local(const char *endpoint, char *why, size_t why_bytes);
