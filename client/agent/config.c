/* config.c - the table of settings, and reading them; see config.h. */
#include "config.h"

#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "language.h"
#include "text.h"

enum type { NAME, HOST, ENDPOINT, DIRECTORY, SOCKET, LANGUAGE, TIME_MS };

static const struct setting {
	const char *name;
	enum type type;
	size_t offset;
	uint64_t min, max;
	const char *value; /* default, as it would be written in the file; NULL: must be said, or follows from others */
	const char *help; /* msgid */
} settings[] = {
#define AT(member) offsetof(struct config, member)
	{ "agent", NAME, AT(agent), 0, 0, NULL, N_("the office's name as the centre enrolled it") },
	{ "centre", HOST, AT(centre), 0, 0, NULL, N_("name or address of the centre's machine") },
	{ "folder", DIRECTORY, AT(folder), 0, 0, NULL, N_("the folder that the office shares: inbox, sent, rejected") },
	{ "ingest", ENDPOINT, AT(ingest), 0, 0, NULL, N_("where figures go; port 7101 of the centre by default") },
	{ "query", ENDPOINT, AT(query), 0, 0, NULL, N_("where questions go; port 7102 of the centre by default") },
	{ "data_dir", DIRECTORY, AT(data_dir), 0, 0, "/var/lib/baophu-agent",
	  N_("what was saved and not yet proved to be in the centre's backup") },
	{ "socket", SOCKET, AT(socket), 0, 0, CONFIG_SOCKET_DEFAULT, N_("where commands reach the agent; a socket file") },
	{ "language", LANGUAGE, AT(vietnamese), 0, 0, "vi", N_("language of the answers in the folder: vi or en") },
	{ "rest_time", TIME_MS, AT(rest_ms), 50, 3600000, "2s",
	  N_("a file that has not changed for so long is taken; ms, s, min") },
#undef AT
};
enum { SETTING_COUNT = sizeof settings / sizeof *settings, SOCKET_PATH_BYTES_MAX = 107, PORT_INGEST = 7101, PORT_QUERY = 7102 };

static const struct suffix {
	const char *text;
	uint64_t factor;
} suffixes[] = { { "ms", 1 }, { "s", 1000 }, { "min", 60000 } };

__attribute__((format(printf, 3, 4))) static int refuse(char *why, size_t size, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vsnprintf(why, size, format, list);
	va_end(list);
	return -EINVAL;
}

static bool is_endpoint(const char *text)
{
	if (strncmp(text, "ipc://", 6) == 0)
		return text[6] != '\0';
	const char *colon = strrchr(text, ':');
	if (strncmp(text, "tcp://", 6) != 0 || !colon || colon <= text + 6)
		return false;
	char *end;
	unsigned long port = strtoul(colon + 1, &end, 10);
	return isdigit((unsigned char)colon[1]) && !*end && port >= 1 && port <= 65535;
}

/* A name, an IPv4 address or an IPv6 one in brackets; whether it exists is found out when it is needed. */
static bool is_host(const char *text)
{
	size_t bytes = strlen(text);
	if (text[0] == '[')
		return bytes > 3 && text[bytes - 1] == ']' && strspn(text + 1, "0123456789abcdefABCDEF:.%") == bytes - 2;
	return bytes && strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_") == bytes;
}

static bool time_read(const char *text, uint64_t *ret_ms)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || errno)
		return false;
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
		if (strcmp(end, suffixes[i].text) == 0)
			return !__builtin_mul_overflow((uint64_t)value, suffixes[i].factor, ret_ms);
	return false;
}

static void time_format(uint64_t ms, char *text, size_t size)
{
	const struct suffix *best = &suffixes[0];
	for (size_t i = 1; i < sizeof suffixes / sizeof *suffixes; i++)
		if (ms && ms % suffixes[i].factor == 0)
			best = &suffixes[i];
	snprintf(text, size, "%llu%s", (unsigned long long)(ms / best->factor), best->text);
}

static int setting_set(struct config *config, const struct setting *setting, const char *text, char *why, size_t size)
{
	void *at = (char *)config + setting->offset;
	if (strlen(text) >= CONFIG_TEXT_BYTES)
		return refuse(why, size, _("%s: longer than %d bytes"), setting->name, CONFIG_TEXT_BYTES - 1);
	switch (setting->type) {
	case NAME:
		if (!text_is_code(text, strlen(text)))
			return refuse(why, size,
				      _("%s: “%s” is not a name; 1 to 16 of 0-9 A-Z a-z . _ -, as the centre enrolled it"),
				      setting->name, text);
		break;
	case HOST:
		if (!is_host(text))
			return refuse(why, size,
				      _("%s: “%s” is not the name or address of a machine; 10.0.0.5, [fd00::5] or centre.example"),
				      setting->name, text);
		break;
	case ENDPOINT:
		if (!is_endpoint(text))
			return refuse(why, size, _("%s: “%s” is not an endpoint; write tcp://HOST:PORT or ipc://PATH"),
				      setting->name, text);
		break;
	case SOCKET:
	case DIRECTORY:
		if (text[0] != '/')
			return refuse(why, size, _("%s: “%s” is not a path from the root on, like %s"), setting->name, text,
				      setting->value ? setting->value : "/srv/baophu/thoi-lai");
		if (setting->type == SOCKET && strlen(text) > SOCKET_PATH_BYTES_MAX)
			return refuse(why, size, _("%s: longer than %d bytes"), setting->name, SOCKET_PATH_BYTES_MAX);
		break;
	case LANGUAGE:
		if (strcmp(text, "vi") != 0 && strcmp(text, "en") != 0)
			return refuse(why, size, _("%s: “%s” is neither vi nor en"), setting->name, text);
		*(bool *)at = text[0] == 'v';
		return 0;
	case TIME_MS: {
		uint64_t ms;
		char min[32], max[32];
		time_format(setting->min, min, sizeof min);
		time_format(setting->max, max, sizeof max);
		if (!time_read(text, &ms) || ms < setting->min || ms > setting->max)
			return refuse(why, size, _("%s: “%s” is not a time from %s to %s; write 500ms, 2s or 1min"), setting->name,
				      text, min, max);
		memcpy(at, &ms, sizeof ms);
		return 0;
	}
	}
	memcpy(at, text, strlen(text) + 1);
	return 0;
}

/* libconfuse tells where an error is through this callback only; the message is handed over by a list of one. */
static _Thread_local struct {
	char *why;
	size_t bytes;
} complaint;
__attribute__((format(printf, 2, 0))) static void complain(cfg_t *cfg, const char *format, va_list list)
{
	if (!complaint.why || *complaint.why)
		return;
	int written = snprintf(complaint.why, complaint.bytes, "%s:%d: ", cfg && cfg->filename ? cfg->filename : "",
			       cfg ? cfg->line : 0);
	if (written > 0 && (size_t)written < complaint.bytes)
		vsnprintf(complaint.why + written, complaint.bytes - (size_t)written, format, list);
}

static int file_read(struct config *config, const char *path, char *why, size_t size)
{
	cfg_opt_t options[SETTING_COUNT + 1];
	for (int i = 0; i < SETTING_COUNT; i++)
		options[i] = (cfg_opt_t)CFG_STR(settings[i].name, NULL, CFGF_NODEFAULT);
	options[SETTING_COUNT] = (cfg_opt_t)CFG_END();
	cfg_t *cfg = cfg_init(options, CFGF_NONE);
	if (!cfg)
		return refuse(why, size, "%s: %s", path, strerror(ENOMEM));
	*why = '\0';
	complaint.why = why;
	complaint.bytes = size;
	cfg_set_error_function(cfg, complain);
	errno = 0;
	int result = cfg_parse(cfg, path);
	complaint.why = NULL;
	int error = 0;
	if (result == CFG_FILE_ERROR) {
		error = errno == ENOENT ? -ENOENT : -EINVAL;
		refuse(why, size, "%s: %s", path, strerror(errno ? errno : ENOENT));
	} else if (result != CFG_SUCCESS) {
		error = -EINVAL;
		if (!*why)
			refuse(why, size, _("%s: cannot be read as a file of settings"), path);
	}
	for (int i = 0; !error && i < SETTING_COUNT; i++) {
		char reason[CONFIG_TEXT_BYTES * 3];
		const char *text = cfg_getstr(cfg, settings[i].name);
		if (text && setting_set(config, &settings[i], text, reason, sizeof reason))
			error = refuse(why, size, "%s: %s", path, reason);
	}
	cfg_free(cfg);
	return error;
}

int config_read(struct config *config, const char *path, char *why, size_t why_bytes)
{
	*config = (struct config){ 0 };
	int error = 0;
	for (int i = 0; !error && i < SETTING_COUNT; i++)
		if (settings[i].value)
			error = setting_set(config, &settings[i], settings[i].value, why, why_bytes);
	if (!error)
		error = file_read(config, path, why, why_bytes);
	if (error)
		return error;
	if (!*config->agent)
		return refuse(why, why_bytes, _("%s: `agent` is missing: the office's name as the centre enrolled it"), path);
	if (!*config->centre && (!*config->ingest || !*config->query))
		return refuse(why, why_bytes, _("%s: `centre` is missing: name or address of the centre's machine"), path);
	if (!*config->folder)
		return refuse(why, why_bytes, _("%s: `folder` is missing: the folder that the office shares"), path);
	if (!*config->ingest)
		snprintf(config->ingest, sizeof config->ingest, "tcp://%.*s:%d", CONFIG_TEXT_BYTES - 16, config->centre,
			 PORT_INGEST);
	if (!*config->query)
		snprintf(config->query, sizeof config->query, "tcp://%.*s:%d", CONFIG_TEXT_BYTES - 16, config->centre, PORT_QUERY);
	return 0;
}

bool config_row(const struct config *config, size_t index, const char **ret_name, const char **ret_help, char *value,
		size_t value_bytes)
{
	if (index >= SETTING_COUNT)
		return false;
	const struct setting *setting = &settings[index];
	const void *at = (const char *)config + setting->offset;
	*ret_name = setting->name;
	*ret_help = setting->help;
	if (setting->type == LANGUAGE)
		snprintf(value, value_bytes, "%s", *(const bool *)at ? "vi" : "en");
	else if (setting->type == TIME_MS)
		time_format(*(const uint64_t *)at, value, value_bytes);
	else
		snprintf(value, value_bytes, "%s", (const char *)at);
	return true;
}
