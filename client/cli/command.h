/* command.h - the one table of commands: what there is, what it takes, how it is called. One file a noun. */
#pragma once

#include "cli.h"

struct command {
	const char *noun, *verb;
	const char *arguments; /* as the usage line shows them */
	uint32_t arguments_min, arguments_max;
	uint64_t options; /* OPTION_BIT()s beside the common ones */
	int (*run)(struct cli *cli); /* an enum cli_exit */
	const char *summary; /* msgid */
	const char *examples; /* lines of shell, '\n' between them */
};

/* What every command takes. */
extern const uint64_t command_common_options;
extern const struct command commands[];
extern const size_t command_count;

int coverage_show(struct cli *cli);
int coverage_behind(struct cli *cli);
int coverage_rank(struct cli *cli);
int coverage_history(struct cli *cli);
int coverage_watch(struct cli *cli);
int unit_list(struct cli *cli);
int unit_import(struct cli *cli);
int measure_list(struct cli *cli);
int plan_list(struct cli *cli);
int plan_set(struct cli *cli);
int plan_import(struct cli *cli);
int report_send(struct cli *cli);
int report_import(struct cli *cli);
int held_list(struct cli *cli);
int held_release(struct cli *cli);
int held_refuse(struct cli *cli);
int log_show(struct cli *cli);
int server_status(struct cli *cli);
int server_stop(struct cli *cli);
int agent_list(struct cli *cli);
int agent_import(struct cli *cli);
int agent_open(struct cli *cli);

/* Runs what argv says; an enum cli_exit. */
int command_run(int argc, char **argv);
