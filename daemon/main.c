/* main.c - baophud: settings, then start, loop and end in mirrored order. What happens in between is told by collector.c. `baophud backup`
 * is a program of its own (backup_command.c), which does not disturb a daemon that runs. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>
#include <systemd/sd-daemon.h>

#include "answers.h"
#include "backup_command.h"
#include "collector.h"

/* Blocked before any thread exists, and read from a descriptor by the loop: nothing is interrupted half-way. */
static int open_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static enum daemon_exit run(struct daemon *daemon)
{
	struct answers *answers = NULL;
	struct collector *collector = NULL;
	enum daemon_exit exit = daemon_open(daemon);
	if (!exit) {
		int error = answers_start(daemon, &answers);
		if (!error)
			error = collector_create(daemon, &collector);
		if (error) {
			notice(&daemon->notices, NOTICE_ERROR, NULL, "cannot start: %s", baophu_strerror(error));
			exit = DAEMON_INTERNAL;
		}
	}
	if (!exit) {
		sd_notify(0, "READY=1");
		notice(&daemon->notices, NOTICE_INFO, NULL, "ready");
		exit = collector_run(collector);
	}
	answers_stop(answers);
	collector_destroy(collector);
	daemon_close(daemon);
	return exit;
}

int main(int argc, char *argv[])
{
	static struct daemon daemon; /* of this function, and too large for its stack */
	enum config_action action;
	char why[2048];
	umask(0077);
	if (argc > 1 && strcmp(argv[1], "backup") == 0)
		return backup_command(argc - 1, argv + 1);
	notices_init(&daemon.notices);
	if (config_read(&daemon.config, argc, argv, &action, why, sizeof why)) {
		notice(&daemon.notices, NOTICE_ERROR, NULL, "baophud: %s", why);
		return DAEMON_CONFIG;
	}
	switch (action) {
	case CONFIG_CHECK:
		return DAEMON_OK;
	case CONFIG_PRINT:
		config_print(&daemon.config, stdout);
		return DAEMON_OK;
	case CONFIG_HELP:
		config_help(stdout);
		return DAEMON_OK;
	case CONFIG_VERSION:
		puts("baophud " BAOPHU_VERSION);
		return DAEMON_OK;
	case CONFIG_RUN:
		break;
	}
	daemon.signal_fd = open_signals();
	if (daemon.signal_fd < 0 || sodium_init() < 0) {
		notice(&daemon.notices, NOTICE_ERROR, NULL, "baophud: cannot start: no signals or no random numbers");
		return DAEMON_INTERNAL;
	}
	return run(&daemon);
}
