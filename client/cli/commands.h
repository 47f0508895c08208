/* commands.h - the commands of `baophu`, one file a noun, and the program that they make. */
#pragma once

#include "command.h"

extern const struct program commands_program;

/* Each returns an enum cli_exit. */
int coverage_show(struct cli *cli);
int coverage_behind(struct cli *cli);
int coverage_rank(struct cli *cli);
int coverage_history(struct cli *cli);
int coverage_watch(struct cli *cli); /* with --rank: coverage_watch_rank */
int coverage_watch_rank(struct cli *cli);
int unit_list(struct cli *cli);
int unit_import(struct cli *cli);
int measure_list(struct cli *cli);
int plan_list(struct cli *cli);
int plan_set(struct cli *cli);
int plan_import(struct cli *cli);
int threshold_list(struct cli *cli);
int threshold_set(struct cli *cli);
int threshold_remove(struct cli *cli);
int event_list(struct cli *cli);
int event_watch(struct cli *cli);
int report_send(struct cli *cli);
int report_import(struct cli *cli);
int held_list(struct cli *cli);
int held_release(struct cli *cli);
int held_refuse(struct cli *cli);
int log_show(struct cli *cli);
int server_status(struct cli *cli);
int server_stop(struct cli *cli);
int server_resend(struct cli *cli);
int server_backup_verified(struct cli *cli);
int agent_list(struct cli *cli);
int agent_import(struct cli *cli);
int agent_open(struct cli *cli);
int agent_due(struct cli *cli);
