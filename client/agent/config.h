/* config.h - the office's settings: one table from which the file, its checks and what `check` prints all follow.
 *
 * The smallest file says who the office is, where the centre is and which folder it shares; everything else has a default.
 * A wrong value is refused whole, with the file, the line and what would be right; nothing is guessed. libconfuse syntax: name = "value".
 * Reads only the file that it is given; opens nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <baophu/types.h>

enum { CONFIG_TEXT_BYTES = 256 };
#define CONFIG_FILE_DEFAULT "/etc/baophu/agent.conf"
#define CONFIG_SOCKET_DEFAULT "/run/baophu-agent/socket"

struct config {
	char agent[BAOPHU_CODE_BYTES_MAX + 1];
	char centre[CONFIG_TEXT_BYTES]; /* host, from which endpoints follow that are not given */
	char ingest[CONFIG_TEXT_BYTES], query[CONFIG_TEXT_BYTES];
	char folder[CONFIG_TEXT_BYTES], data_dir[CONFIG_TEXT_BYTES], socket[CONFIG_TEXT_BYTES];
	bool vietnamese; /* language of what is written into the folder */
	uint64_t rest_ms; /* a file that has not changed for so long is taken */
};

/* Defaults, then the file. 0; or -EINVAL with one sentence for a person in `why`. -ENOENT: there is no such file. */
int config_read(struct config *config, const char *path, char *why, size_t why_bytes);
/* Row `index` of the table: its name, what it is for (msgid) and the value in force as the file would say it, in `value`. False: no such row. */
bool config_row(const struct config *config, size_t index, const char **ret_name, const char **ret_help, char *value,
		size_t value_bytes);
