/* main.c - baophu, the command line: everything is in command.c, so that tests can call it. */
#include "command.h"

int main(int argc, char **argv) { return command_run(argc, argv); }
