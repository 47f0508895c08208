/* test_config.c - settings: where a value comes from, what is refused, and which endpoints may be bound. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum { WHY_BYTES = 2048, ARGUMENTS_MAX = 12 };
static char why[WHY_BYTES];

static int read_arguments(struct config *config, enum config_action *action, const char *first, const char *second,
			  const char *third)
{
	char *arguments[] = { "baophud", (char *)(uintptr_t)first, (char *)(uintptr_t)second, (char *)(uintptr_t)third, NULL };
	int count = 1;
	while (arguments[count])
		count++;
	return config_read(config, count, arguments, action, why, sizeof why);
}

/* A file of settings in the temporary directory; the caller unlinks it. */
static void write_file(char path[static 64], const char *text)
{
	strcpy(path, "/tmp/baophu-config-XXXXXX");
	int fd = mkstemp(path);
	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static int read_file(struct config *config, const char *text)
{
	char path[64], flag[80];
	enum config_action action;
	write_file(path, text);
	snprintf(flag, sizeof flag, "--config=%s", path);
	int error = read_arguments(config, &action, flag, NULL, NULL);
	unlink(path);
	return error;
}

Test(config, defaults_are_loopback_and_within_their_ranges)
{
	struct config config;
	enum config_action action;
	cr_assert_eq(read_arguments(&config, &action, NULL, NULL, NULL), 0, "%s", why);
	cr_assert_eq(action, CONFIG_RUN);
	cr_assert_str_eq(config.ingest, "tcp://127.0.0.1:7101");
	cr_assert_str_eq(config.query, "tcp://127.0.0.1:7102");
	cr_assert_str_eq(config.publish, "tcp://127.0.0.1:7103");
	cr_assert_eq(strncmp(config.control, "ipc://", 6), 0);
	cr_assert_eq(config.batch_updates, 2048);
	cr_assert_eq(config.stage_ms, 600000);
	cr_assert_eq(config.segment_bytes, UINT64_C(1) << 30);
}

Test(config, a_flag_wins_over_the_file_and_the_file_over_the_default)
{
	struct config config;
	enum config_action action;
	char path[64], flag[80];
	write_file(path, "# a comment\nbatch_updates = 100\nquery = \"tcp://127.0.0.1:9002\"\nstage_time = 90s\n");
	snprintf(flag, sizeof flag, "--config=%s", path);
	int error = read_arguments(&config, &action, "--batch-updates=7", flag, NULL);
	unlink(path);
	cr_assert_eq(error, 0, "%s", why);
	cr_assert_eq(config.batch_updates, 7);
	cr_assert_str_eq(config.query, "tcp://127.0.0.1:9002");
	cr_assert_eq(config.stage_ms, 90000);
	cr_assert_str_eq(config.ingest, "tcp://127.0.0.1:7101");
}

Test(config, what_is_printed_reads_back_as_the_same)
{
	struct config config, again;
	enum config_action action;
	cr_assert_eq(read_arguments(&config, &action, "--segment-bytes=3M", "--publish-pause=1500ms", "--endpoints-file=/tmp/x"), 0,
		     "%s", why);
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	config_print(&config, out);
	fclose(out);
	cr_assert(strstr(text, "segment_bytes = 3M"));
	cr_assert(strstr(text, "(flag)\nsegment_bytes"));
	cr_assert_eq(read_file(&again, text), 0, "%s", why);
	free(text);
	memset(config.origins, 0, sizeof config.origins);
	memset(again.origins, 0, sizeof again.origins);
	cr_assert_eq(memcmp(&config, &again, sizeof config), 0);
}

Test(config, numbers_are_whole_exact_and_in_range)
{
	struct config config;
	enum config_action action;
	static const char *const wrong[] = { "--batch-updates=10o0", "--batch-updates=",
					     "--batch-updates=-1",   "--batch-updates=1.5",
					     "--batch-updates=0",    "--batch-updates=65537",
					     "--batch-updates= 5",   "--batch-updates=5K",
					     "--segment-bytes=1T",   "--segment-bytes=99999999999999999999",
					     "--stage-time=5d",      "--segment-bytes=18446744073709551615G" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		why[0] = 0;
		cr_assert(read_arguments(&config, &action, wrong[i], NULL, NULL) < 0, "%s was taken", wrong[i]);
		cr_assert(why[0], "%s: no reason", wrong[i]);
	}
	cr_assert(strstr(why, "segment_bytes"), "%s", why);
	cr_assert_eq(read_arguments(&config, &action, "--batch-updates=65536", "--stage-time=1h", NULL), 0);
	cr_assert_eq(config.stage_ms, 3600000);
}

Test(config, a_mistake_in_the_file_is_named_with_its_line)
{
	struct config config;
	cr_assert(read_file(&config, "\n\nhwm = 3\n") < 0);
	cr_assert(strstr(why, ":3: ") && strstr(why, "hwm"), "%s", why);
	cr_assert(read_file(&config, "ingest = \"tcp://0.0.0.0:1\"\n") < 0);
	cr_assert(strstr(why, "ingest") && strstr(why, "loopback"), "%s", why);
	enum config_action action;
	cr_assert(read_arguments(&config, &action, "--config=/nonexistent/x.conf", NULL, NULL) < 0);
	cr_assert(strstr(why, "/nonexistent/x.conf"), "%s", why);
}

Test(config, unknown_flags_and_stray_words_are_refused)
{
	struct config config;
	enum config_action action;
	cr_assert(read_arguments(&config, &action, "--hwm=3", NULL, NULL) < 0);
	cr_assert(read_arguments(&config, &action, "start", NULL, NULL) < 0);
	cr_assert(read_arguments(&config, &action, "--ingest", NULL, NULL) < 0);
	cr_assert(strstr(why, "--ingest"), "%s", why);
	cr_assert(read_arguments(&config, &action, "--data-dir=", NULL, NULL) < 0);
}

Test(config, only_loopback_and_ipc_endpoints_may_be_bound)
{
	static const char *const local[] = { "tcp://127.0.0.1:7101", "tcp://127.3.2.1:1", "tcp://[::1]:7101",
					     "tcp://localhost:0",    "tcp://127.0.0.1:*", "ipc:///run/baophud/x" };
	static const char *const other[] = { "tcp://0.0.0.0:7101",
					     "tcp://*:7101",
					     "tcp://[::]:7101",
					     "tcp://192.168.1.1:7101",
					     "tcp://128.0.0.1:1",
					     "tcp://127.0.0.1.example.org:1",
					     "tcp://127.1:1",
					     "tcp://127.0.0.256:1",
					     "tcp://127.0.0.1",
					     "tcp://127.0.0.1:65536",
					     "tcp://127.0.0.1:x",
					     "tcp://localhost.evil:1",
					     "tcp://127.0.0.1:1:2",
					     "udp://127.0.0.1:1",
					     "inproc://x",
					     "pgm://127.0.0.1:1",
					     "ipc://",
					     "ipc://*",
					     "ipc://@abstract",
					     "tcp://eth0:1",
					     "tcp://0127.0.0.1:5",
					     "" };
	for (size_t i = 0; i < sizeof local / sizeof *local; i++)
		cr_assert(config_endpoint_is_local(local[i], why, sizeof why), "%s: %s", local[i], why);
	for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
		why[0] = 0;
		cr_assert(!config_endpoint_is_local(other[i], why, sizeof why), "%s was taken", other[i]);
		cr_assert(why[0]);
	}
	struct config config;
	enum config_action action;
	cr_assert(read_arguments(&config, &action, "--control=tcp://127.0.0.1:7104", NULL, NULL) < 0);
}

Test(config, every_setting_is_in_the_help)
{
	struct config config;
	enum config_action action;
	cr_assert_eq(read_arguments(&config, &action, "--help", NULL, NULL), 0);
	cr_assert_eq(action, CONFIG_HELP);
	char *help = NULL, *print = NULL;
	size_t size;
	FILE *out = open_memstream(&help, &size);
	config_help(out);
	fclose(out);
	out = open_memstream(&print, &size);
	config_print(&config, out);
	fclose(out);
	unsigned settings = 0;
	for (char *line = strtok(print, "\n"); line; line = strtok(NULL, "\n")) {
		char *end = strstr(line, " = ");
		if (*line == '#' || !end)
			continue;
		*end = 0;
		for (char *at = line; *at; at++)
			*at = *at == '_' ? '-' : *at;
		cr_assert(strstr(help, line), "--%s is not in the help", line);
		settings++;
	}
	cr_assert(settings >= 20);
	free(help);
	free(print);
}

/* The file that is installed says the defaults; who uncomments a line changes nothing by that alone. */
Test(config, the_installed_file_names_every_setting_with_its_default)
{
	struct config config, again;
	enum config_action action;
	char line[512], *text = NULL;
	size_t size;
	FILE *in = fopen(TESTS_DIR "/../systemd/baophud.conf", "re"), *out = open_memstream(&text, &size);
	cr_assert(in);
	unsigned settings = 0;
	while (fgets(line, sizeof line, in))
		if (*line == '#' && strstr(line, " = ") && line[1] != ' ') {
			fputs(line + 1, out);
			settings++;
		}
	fclose(in);
	fclose(out);
	cr_assert_eq(read_arguments(&config, &action, NULL, NULL, NULL), 0);
	cr_assert_eq(read_file(&again, text), 0, "%s", why);
	for (unsigned i = 0; i < CONFIG_SETTINGS_MAX; i++)
		cr_assert_eq(again.origins[i], i < settings ? CONFIG_FILE : CONFIG_DEFAULT,
			     "the file and the table have the same settings");
	memset(again.origins, 0, sizeof again.origins);
	cr_assert_eq(memcmp(&config, &again, sizeof config), 0);
	free(text);
}
