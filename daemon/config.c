/* config.c - the table of settings, and the three doors by which a value comes in. See config.h. */
#include "config.h"

#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum type { PATH, ENDPOINT, ENDPOINT_IPC, BYTES, COUNT, TIME_MS };

struct setting {
	const char *name;
	enum type type;
	size_t offset;
	uint64_t min, max;
	const char *value; /* default, as it would be written in the file */
	const char *help;
};
#define AT(member) offsetof(struct config, member)
static const struct setting settings[] = {
	{ "data_dir", PATH, AT(data_dir), 1, 0, "/var/lib/baophud",
	  "directory of the log and the history; created if it is missing" },
	{ "ingest", ENDPOINT, AT(ingest), 0, 0, "tcp://127.0.0.1:7101", "where agents send their updates" },
	{ "query", ENDPOINT, AT(query), 0, 0, "tcp://127.0.0.1:7102", "where questions are asked" },
	{ "publish", ENDPOINT, AT(publish), 0, 0, "tcp://127.0.0.1:7103", "where coverage is published" },
	{ "control", ENDPOINT_IPC, AT(control), 0, 0, "ipc:///run/baophud/control", "administration; a socket file of mode 0600" },
	{ "endpoints_file", PATH, AT(endpoints_file), 0, 0, "", "written when ready: the endpoints that were bound, a line each" },
	{ "segment_bytes", BYTES, AT(segment_bytes), 1 << 20, UINT64_C(1) << 40, "1G", "a new file of the log is begun past this" },
	{ "prewrite_bytes", BYTES, AT(prewrite_bytes), 1 << 16, UINT64_C(1) << 32, "32M",
	  "how far ahead the log's file is written with zeros" },
	{ "batch_updates", COUNT, AT(batch_updates), 1, 65536, "2048", "at most so many updates are committed together" },
	{ "batch_bytes", BYTES, AT(batch_bytes), 1 << 16, 64 << 20, "4M", "at most so much of the log is committed together" },
	{ "credit_bytes", BYTES, AT(credit_bytes), 1 << 16, 1 << 30, "4M", "how much an agent may have unanswered" },
	{ "sessions_max", COUNT, AT(sessions_max), 16, 1 << 20, "16384",
	  "sessions that are kept; the one idle longest makes room" },
	{ "epochs_max", COUNT, AT(epochs_max), 16, 1 << 24, "65536",
	  "epochs that are kept in memory; what is beyond and in no use is found in the history" },
	{ "stage_bytes", BYTES, AT(stage_bytes), 1 << 16, UINT64_C(1) << 32, "64M",
	  "staged parts of imports, of all agents; one alone has at most half of what others leave" },
	{ "stage_time", TIME_MS, AT(stage_ms), 1000, 86400000, "10min", "how long a staged part waits for the rest" },
	{ "lag_records_max", COUNT, AT(lag_records_max), 1, UINT64_C(1) << 40, "2000000",
	  "records that the history may be behind before agents are asked to wait" },
	{ "checkpoint_records", COUNT, AT(checkpoint_records), 1, UINT64_C(1) << 40, "1000000",
	  "records between two checks of the state's digest" },
	{ "topics_max", COUNT, AT(topics_max), 2, 1 << 22, "32768",
	  "subscribed topics, of all subscribers; one alone has at most half of what others leave" },
	{ "topic_bytes_max", BYTES, AT(topic_bytes_max), 1024, 1 << 30, "2M", "bytes of subscribed topics, in the same way" },
	{ "publish_pause", TIME_MS, AT(publish_pause_ms), 0, 10000, "50ms",
	  "a cut may wait so long when publishing takes over a quarter of the time" },
	{ "seal_time", TIME_MS, AT(seal_ms), 10, 3600000, "1s", "a seal is repeated so often when nothing below it changes" },
};
enum { SETTING_COUNT = sizeof settings / sizeof *settings };
_Static_assert((int)SETTING_COUNT <= (int)CONFIG_SETTINGS_MAX, "config.origins has a place for every setting");

static const struct suffix {
	enum type type;
	const char *text;
	uint64_t factor;
} suffixes[] = {
	{ BYTES, "K", 1 << 10 }, { BYTES, "M", 1 << 20 },   { BYTES, "G", 1 << 30 },   { BYTES, "", 1 }, { TIME_MS, "ms", 1 },
	{ TIME_MS, "s", 1000 },  { TIME_MS, "min", 60000 }, { TIME_MS, "h", 3600000 }, { COUNT, "", 1 },
};
static const char *const type_help[] = {
	[PATH] = "path",   [ENDPOINT] = "endpoint",           [ENDPOINT_IPC] = "ipc endpoint", [BYTES] = "bytes; K, M, G",
	[COUNT] = "count", [TIME_MS] = "time; ms, s, min, h",
};

__attribute__((format(printf, 3, 4))) static int refuse(char *why, size_t size, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vsnprintf(why, size, format, list);
	va_end(list);
	return -EINVAL;
}

static bool is_loopback_host(const char *host, size_t bytes)
{
	if (bytes == 9 && !memcmp(host, "localhost", 9))
		return true;
	if (bytes == 5 && !memcmp(host, "[::1]", 5))
		return true;
	/* 127.a.b.c, written out: no other notation is taken for a loopback address. */
	unsigned parts[4] = { 0 }, part = 0, digits = 0;
	for (size_t i = 0; i < bytes; i++) {
		if (host[i] == '.' && digits && part < 3) {
			part++;
			digits = 0;
		} else if (isdigit((unsigned char)host[i]) && digits < 3) {
			parts[part] = parts[part] * 10 + (unsigned)(host[i] - '0');
			digits++;
		} else {
			return false;
		}
	}
	return part == 3 && digits && parts[0] == 127 && parts[1] < 256 && parts[2] < 256 && parts[3] < 256;
}

bool config_endpoint_is_local(const char *endpoint, char *why, size_t why_bytes)
{
	if (!strncmp(endpoint, "ipc://", 6)) {
		size_t bytes = strlen(endpoint + 6);
		if (bytes && bytes < 104 && endpoint[6] != '@' && endpoint[6] != '*')
			return true;
		refuse(why, why_bytes, "\"%s\": ipc:// needs a path of at most 103 bytes", endpoint);
		return false;
	}
	if (strncmp(endpoint, "tcp://", 6)) {
		refuse(why, why_bytes, "\"%s\" is neither tcp://host:port nor ipc://path", endpoint);
		return false;
	}
	const char *host = endpoint + 6, *colon = strrchr(host, ':');
	if (!colon || colon == host) {
		refuse(why, why_bytes, "\"%s\" has no port: tcp://127.0.0.1:7101", endpoint);
		return false;
	}
	if (!is_loopback_host(host, (size_t)(colon - host))) {
		refuse(
		    why, why_bytes,
		    "\"%s\" is not a loopback address: until peers have keys, anybody who reaches a port could send as any agent; "
		    "use tcp://127.0.0.1:PORT, tcp://[::1]:PORT, tcp://localhost:PORT or ipc://PATH",
		    endpoint);
		return false;
	}
	char *end;
	unsigned long port = strtoul(colon + 1, &end, 10);
	if (!strcmp(colon + 1, "*") || (isdigit((unsigned char)colon[1]) && !*end && port <= 65535))
		return true;
	refuse(why, why_bytes, "\"%s\": the port is a number up to 65535, or * for any free one", endpoint);
	return false;
}

/* Reads a number with the suffixes of its type; whole and exact, or refused. */
static bool number_read(const struct setting *setting, const char *text, uint64_t *ret_value)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || errno)
		return false;
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		if (suffixes[i].type != setting->type || strcmp(end, suffixes[i].text))
			continue;
		return !__builtin_mul_overflow((uint64_t)value, suffixes[i].factor, ret_value);
	}
	return false;
}

static void number_format(const struct setting *setting, uint64_t value, char *text, size_t size)
{
	const struct suffix *best = NULL;
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
		if (suffixes[i].type == setting->type && value % suffixes[i].factor == 0 && (value || suffixes[i].factor == 1) &&
		    (!best || suffixes[i].factor > best->factor))
			best = &suffixes[i];
	snprintf(text, size, "%llu%s", (unsigned long long)(value / best->factor), best->text);
}

static int setting_set(struct config *config, const struct setting *setting, const char *text, enum config_origin origin, char *why,
		       size_t why_bytes)
{
	void *at = (char *)config + setting->offset;
	if (setting->type == PATH || setting->type == ENDPOINT || setting->type == ENDPOINT_IPC) {
		char reason[CONFIG_TEXT_BYTES * 3];
		if (strlen(text) >= CONFIG_TEXT_BYTES)
			return refuse(why, why_bytes, "%s: longer than %d bytes", setting->name, CONFIG_TEXT_BYTES - 1);
		if (setting->type == PATH && strlen(text) < setting->min)
			return refuse(why, why_bytes, "%s: must not be empty", setting->name);
		if (setting->type == ENDPOINT_IPC && strncmp(text, "ipc://", 6))
			return refuse(why, why_bytes, "%s: \"%s\" is not ipc://PATH; administration goes over a socket file only",
				      setting->name, text);
		if (setting->type != PATH && !config_endpoint_is_local(text, reason, sizeof reason))
			return refuse(why, why_bytes, "%s: %s", setting->name, reason);
		memcpy(at, text, strlen(text) + 1);
	} else {
		uint64_t value;
		if (!number_read(setting, text, &value))
			return refuse(why, why_bytes, "%s: \"%s\" is not a number (%s)", setting->name, text,
				      type_help[setting->type]);
		if (value < setting->min || value > setting->max) {
			char min[32], max[32];
			number_format(setting, setting->min, min, sizeof min);
			number_format(setting, setting->max, max, sizeof max);
			return refuse(why, why_bytes, "%s: %s is outside %s to %s", setting->name, text, min, max);
		}
		memcpy(at, &value, sizeof value);
	}
	config->origins[setting - settings] = origin;
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
	int written = snprintf(complaint.why, complaint.bytes, "%s:%d: ", cfg && cfg->filename ? cfg->filename : "settings",
			       cfg ? cfg->line : 0);
	if (written > 0 && (size_t)written < complaint.bytes)
		vsnprintf(complaint.why + written, complaint.bytes - (size_t)written, format, list);
}

static int file_read(struct config *config, const char *path, char *why, size_t why_bytes)
{
	cfg_opt_t options[SETTING_COUNT + 1];
	for (int i = 0; i < SETTING_COUNT; i++)
		options[i] = (cfg_opt_t)CFG_STR(settings[i].name, NULL, CFGF_NODEFAULT);
	options[SETTING_COUNT] = (cfg_opt_t)CFG_END();
	cfg_t *cfg = cfg_init(options, CFGF_NONE);
	if (!cfg)
		return refuse(why, why_bytes, "%s: no memory", path);
	*why = 0;
	complaint.why = why;
	complaint.bytes = why_bytes;
	cfg_set_error_function(cfg, complain);
	int result = cfg_parse(cfg, path);
	complaint.why = NULL;
	int error = 0;
	if (result == CFG_FILE_ERROR) {
		error = refuse(why, why_bytes, "%s: %s", path, strerror(errno ? errno : ENOENT));
	} else if (result != CFG_SUCCESS) {
		error = -EINVAL;
		if (!*why)
			refuse(why, why_bytes, "%s: cannot be read as a configuration file", path);
	}
	for (int i = 0; !error && i < SETTING_COUNT; i++) {
		char reason[CONFIG_TEXT_BYTES * 4];
		const char *text = cfg_getstr(cfg, settings[i].name);
		if (text && setting_set(config, &settings[i], text, CONFIG_FILE, reason, sizeof reason))
			error = refuse(why, why_bytes, "%s: %s", path, reason);
	}
	cfg_free(cfg);
	return error;
}

enum { FLAG_SETTING = 1000, FLAG_CONFIG = 2000, FLAG_ACTION = 3000 };
static const struct {
	const char *name, *help;
} actions[] = {
	[CONFIG_RUN] = { NULL, NULL },
	[CONFIG_CHECK] = { "check-config", "read the settings, say what is wrong, and end" },
	[CONFIG_PRINT] = { "print-config", "print every setting with its value and origin, and end" },
	[CONFIG_HELP] = { "help", "print this, and end" },
	[CONFIG_VERSION] = { "version", "print the version, and end" },
};
enum { ACTION_COUNT = sizeof actions / sizeof *actions };

static void flag_name(const char *setting, char flag[static 32])
{
	size_t i = 0;
	for (; setting[i] && i < 31; i++)
		flag[i] = setting[i] == '_' ? '-' : setting[i];
	flag[i] = 0;
}

int config_read(struct config *config, int argc, char *const argv[], enum config_action *ret_action, char *why, size_t why_bytes)
{
	*config = (struct config){ 0 };
	for (int i = 0; i < SETTING_COUNT; i++)
		if (setting_set(config, &settings[i], settings[i].value, CONFIG_DEFAULT, why, why_bytes))
			return -EINVAL;

	char names[SETTING_COUNT][32];
	struct option options[SETTING_COUNT + ACTION_COUNT + 1] = { 0 };
	int count = 0;
	for (int i = 0; i < SETTING_COUNT; i++) {
		flag_name(settings[i].name, names[i]);
		options[count++] = (struct option){ names[i], required_argument, NULL, FLAG_SETTING + i };
	}
	options[count++] = (struct option){ "config", required_argument, NULL, FLAG_CONFIG };
	for (int i = 1; i < ACTION_COUNT; i++)
		options[count++] = (struct option){ actions[i].name, no_argument, NULL, FLAG_ACTION + i };

	/* Two passes: the file must be read before the flags that override it. */
	const char *file = NULL;
	enum config_action action = CONFIG_RUN;
	for (int pass = 0; pass < 2; pass++) {
		optind = 0;
		opterr = 0;
		for (int flag; (flag = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
			if (flag == ':')
				return refuse(why, why_bytes, "%s needs a value", argv[optind - 1]);
			if (flag == '?')
				return refuse(why, why_bytes, "%s is not a flag of baophud; --help lists them", argv[optind - 1]);
			if (flag == FLAG_CONFIG)
				file = optarg;
			else if (flag == 'h')
				action = CONFIG_HELP;
			else if (flag >= FLAG_ACTION)
				action = (enum config_action)(flag - FLAG_ACTION);
			else if (pass == 1 &&
				 setting_set(config, &settings[flag - FLAG_SETTING], optarg, CONFIG_FLAG, why, why_bytes))
				return -EINVAL;
		}
		if (optind < argc)
			return refuse(why, why_bytes, "\"%s\" is not a flag; --help lists them", argv[optind]);
		if (action == CONFIG_HELP || action == CONFIG_VERSION)
			break;
		if (pass == 0 && !file && !access(CONFIG_FILE_DEFAULT, F_OK))
			file = CONFIG_FILE_DEFAULT;
		if (pass == 0 && file && file_read(config, file, why, why_bytes))
			return -EINVAL;
	}
	*ret_action = action;
	return 0;
}

static void setting_format(const struct config *config, const struct setting *setting, char *text, size_t size)
{
	const void *at = (const char *)config + setting->offset;
	if (setting->type <= ENDPOINT_IPC) {
		snprintf(text, size, "\"%s\"", (const char *)at);
		return;
	}
	uint64_t value;
	memcpy(&value, at, sizeof value);
	number_format(setting, value, text, size);
}

void config_print(const struct config *config, FILE *out)
{
	static const char *const origins[] = { "default", "file", "flag" };
	for (int i = 0; i < SETTING_COUNT; i++) {
		char text[CONFIG_TEXT_BYTES + 2];
		setting_format(config, &settings[i], text, sizeof text);
		fprintf(out, "# %s (%s)\n%s = %s\n", settings[i].help, origins[config->origins[i]], settings[i].name, text);
	}
}

void config_help(FILE *out)
{
	fputs("baophud: collects updates of field offices, makes them durable, publishes coverage and answers questions.\n\n"
	      "usage: baophud [--config FILE] [--SETTING VALUE]...\n"
	      "       baophud backup --to DIR: a verified copy of the log; baophud backup --help\n\n"
	      "Settings. Each may also stand in the file as  name = \"value\"  with _ for -.\n",
	      out);
	for (int i = 0; i < SETTING_COUNT; i++) {
		const struct setting *setting = &settings[i];
		char name[32], range[80] = "";
		flag_name(setting->name, name);
		if (setting->type > ENDPOINT_IPC) {
			char min[32], max[32];
			number_format(setting, setting->min, min, sizeof min);
			number_format(setting, setting->max, max, sizeof max);
			snprintf(range, sizeof range, ", %s to %s", min, max);
		}
		fprintf(out, "  --%-20s %s\n  %-22s (%s%s; default %s)\n", name, setting->help, "", type_help[setting->type], range,
			*setting->value ? setting->value : "none");
	}
	fprintf(out, "\n  --%-20s %s\n  %-22s (default %s, if it is there)\n", "config FILE", "file of settings", "",
		CONFIG_FILE_DEFAULT);
	for (int i = 1; i < ACTION_COUNT; i++)
		fprintf(out, "  --%-20s %s\n", actions[i].name, actions[i].help);
	fputs("\nExit status: 0 stopped cleanly; 70 internal error; 74 the files are damaged; 75 the data directory is in use;\n"
	      "78 wrong settings, or files of a newer format.\n",
	      out);
}
