/* main.c - baophu-agent: everything is in verbs.c and office.c, so that tests can call it. */
#include "verbs.h"

int main(int argc, char **argv) { return command_run(&verbs_program, argc, argv); }
