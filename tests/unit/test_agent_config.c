/* test_agent_config.c - an office's settings: the smallest file is enough, and what is wrong is named by line and remedy. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

static char why[2048];
#define SMALLEST "agent = \"thoi-lai\"\ncentre = \"10.8.0.1\"\nfolder = \"/srv/baophu\"\n"

static int read_text(struct config *config, const char *text)
{
	char path[] = "/tmp/baophu-agent-config-XXXXXX";
	int fd = mkstemp(path);
	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	int error = config_read(config, path, why, sizeof why);
	unlink(path);
	return error;
}

Test(agent_config, the_smallest_file_names_the_office_the_centre_and_the_folder)
{
	struct config config;
	cr_assert_eq(read_text(&config, "# an office\n" SMALLEST), 0, "%s", why);
	cr_assert_str_eq(config.agent, "thoi-lai");
	cr_assert_str_eq(config.ingest, "tcp://10.8.0.1:7101");
	cr_assert_str_eq(config.query, "tcp://10.8.0.1:7102");
	cr_assert_str_eq(config.folder, "/srv/baophu");
	cr_assert_str_eq(config.data_dir, "/var/lib/baophu-agent");
	cr_assert_str_eq(config.socket, CONFIG_SOCKET_DEFAULT);
	cr_assert(config.vietnamese);
	cr_assert_eq(config.rest_ms, 2000);
	cr_assert_eq(
	    read_text(&config,
		      "agent = \"a\"\nfolder = \"/f\"\ningest = \"ipc:///x/i\"\nquery = \"ipc:///x/q\"\nlanguage = \"en\"\n"
		      "rest_time = \"500ms\"\n"),
	    0, "%s", why);
	cr_assert_str_eq(config.query, "ipc:///x/q");
	cr_assert_not(config.vietnamese);
	cr_assert_eq(config.rest_ms, 500);
}

Test(agent_config, what_must_be_said_and_is_not_is_named)
{
	struct config config;
	static const char *const texts[][2] = { { "centre = \"c\"\nfolder = \"/f\"\n", "`agent` is missing" },
						{ "agent = \"a\"\nfolder = \"/f\"\n", "`centre` is missing" },
						{ "agent = \"a\"\nfolder = \"/f\"\ningest = \"tcp://c:1\"\n",
						  "`centre` is missing" },
						{ "agent = \"a\"\ncentre = \"c\"\n", "`folder` is missing" } };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		cr_assert_eq(read_text(&config, texts[i][0]), -EINVAL);
		cr_assert(strstr(why, texts[i][1]), "%s", why);
	}
	cr_assert_eq(config_read(&config, "/tmp/baophu-no-such-file", why, sizeof why), -ENOENT);
	cr_assert(strstr(why, "/tmp/baophu-no-such-file"));
}

Test(agent_config, a_wrong_line_is_refused_with_what_would_be_right)
{
	struct config config;
	static const char *const lines[][2] = { { "agent = \"Thới Lai\"\n", "agent: “Thới Lai” is not a name" },
						{ "centre = \"tcp://c:7101\"\n", "centre: “tcp://c:7101” is not the name" },
						{ "centre = \"[fd00::5\"\n", "centre:" },
						{ "ingest = \"tcp://c\"\n", "ingest: “tcp://c” is not an endpoint" },
						{ "ingest = \"tcp://c:65536\"\n", "ingest:" },
						{ "query = \"udp://c:1\"\n", "query:" },
						{ "folder = \"share\"\n", "folder: “share” is not a path" },
						{ "socket = \"x\"\n", "socket:" },
						{ "language = \"fr\"\n", "neither vi nor en" },
						{ "rest_time = \"2\"\n", "rest_time: “2” is not a time from 50ms to 60min" },
						{ "rest_time = \"0ms\"\n", "rest_time:" },
						{ "rest_time = \"2h\"\n", "rest_time:" } };
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		char text[512];
		snprintf(text, sizeof text, SMALLEST "%s", lines[i][0]);
		cr_assert_eq(read_text(&config, text), -EINVAL, "%s", lines[i][0]);
		cr_assert(strstr(why, lines[i][1]), "%s: %s", lines[i][0], why);
	}
	cr_assert_eq(read_text(&config, SMALLEST "flder = \"/x\"\n"), -EINVAL);
	cr_assert(strstr(why, ":4:") && strstr(why, "flder"), "%s", why);
	cr_assert_eq(read_text(&config, SMALLEST "agent = \"a\n"), -EINVAL);
}

Test(agent_config, every_setting_can_be_shown_as_the_file_would_say_it)
{
	struct config config;
	char value[CONFIG_TEXT_BYTES], text[4096] = "";
	const char *name, *help;
	cr_assert_eq(read_text(&config, SMALLEST "rest_time = \"1min\"\n"), 0);
	for (size_t i = 0; config_row(&config, i, &name, &help, value, sizeof value); i++) {
		size_t used = strlen(text);
		cr_assert(*help);
		snprintf(text + used, sizeof text - used, "%s = \"%s\"\n", name, value);
	}
	struct config again;
	cr_assert_eq(read_text(&again, text), 0, "%s", why);
	cr_assert_eq(memcmp(&config, &again, sizeof config), 0);
	cr_assert(strstr(text, "rest_time = \"1min\""));
}
