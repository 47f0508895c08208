/* main.c - baophu, the command line: everything is in command.c and commands.c, so that tests can call it. */
#include "commands.h"

int main(int argc, char **argv) { return command_run(&commands_program, argc, argv); }
