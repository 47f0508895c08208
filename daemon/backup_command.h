/* backup_command.h - `baophud backup`: a verified copy of the log, made while the daemon runs or while it does not.
 *
 *   baophud backup --to DIR [--data DIR] [--config FILE] [--keep N] [--proof FILE] [-o json]
 *   baophud backup --check BACKUP [--proof FILE] [-o json]
 *
 * Prints the place that the copy was proved to hold on standard output, what is wrong on standard error, and how far it is on standard error
 * when that is a terminal and it takes more than a second.
 */
#pragma once

/* `argv[0]` is "backup". Returns the exit status: 0; 70 internal error; 73 the copy cannot be made there; 74 the log or the copy is damaged;
 * 75 another backup into the same directory is being made; 78 wrong flags, directories or settings, or files of a newer format. */
int backup_command(int argc, char *argv[]);
void backup_command_help(void);
