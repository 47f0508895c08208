/* backup_command.c - see backup_command.h. The flags, the words and the exit statuses; what a backup is, backup.c knows. */
#include "backup_command.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backup.h"
#include "config.h"

enum { EXIT_INTERNAL = 70, EXIT_NO_COPY = 73, EXIT_DAMAGED = 74, EXIT_IN_USE = 75, EXIT_SETTINGS = 78 };
enum { KEEP_MAX = 100000, QUIET_MS = 1000, BETWEEN_MS = 200 };

struct options {
	char data_dir[BACKUP_PATH_BYTES];
	const char *to, *check, *proof;
	uint32_t keep;
	bool is_json;
};

/* ---- how far it is ---- */

struct show {
	int64_t begin_ms, shown_ms;
	bool is_shown;
};

static int64_t now_ms(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void show_progress(void *context, enum backup_step step, uint64_t done, uint64_t all)
{
	struct show *show = context;
	int64_t now = now_ms(CLOCK_MONOTONIC);
	if (now - show->begin_ms < QUIET_MS || now - show->shown_ms < BETWEEN_MS || !all)
		return;
	show->shown_ms = now;
	show->is_shown = true;
	fprintf(stderr, "\r\033[K%s %" PRIu64 " of %" PRIu64 " records (%" PRIu64 " %%)",
		step == BACKUP_COPY ? "copying:" : "reading back:", done, all, done * 100 / all);
}

static void end_progress(const struct show *show)
{
	if (show->is_shown)
		fputs("\r\033[K", stderr);
}

/* A page of a mapped file that the disk does not give: whatever was being copied is not a backup. */
static void on_bad_page(int signal)
{
	static const char text[] =
	    "baophud: backup: a page of the log or of a copy cannot be read from the disk; the kernel's messages "
	    "name the disk. Nothing was proved\n";
	(void)signal;
	ssize_t put = write(STDERR_FILENO, text, sizeof text - 1);
	(void)put;
	_exit(EXIT_DAMAGED);
}

/* ---- what it says ---- */

static void print_hex(FILE *out, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%02x", bytes[i]);
}

static void print_json_text(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', out);
		if ((unsigned char)*text < 0x20)
			fprintf(out, "\\u%04x", *text);
		else
			putc(*text, out);
	}
	putc('"', out);
}

static void print_json(FILE *out, const struct backup *backup)
{
	fprintf(out, "{\"store\": \"");
	print_hex(out, backup->store, sizeof backup->store);
	fprintf(out, "\", \"seq\": %" PRIu64 ", \"digest\": \"", backup->place.seq);
	print_hex(out, backup->place.digest, sizeof backup->place.digest);
	fprintf(out, "\", \"path\": ");
	print_json_text(out, backup->path);
	fprintf(out,
		", \"bytes\": %" PRIu64 ", \"files\": %" PRIu32 ", \"copy_ms\": %" PRId64 ", \"check_ms\": %" PRId64
		", \"removed\": %" PRIu32 "}\n",
		backup->bytes, backup->files, backup->copy_ms, backup->check_ms, backup->removed);
}

/* Written aside and renamed: whoever reads the file finds all of it or nothing. */
static int write_proof(const char *path, const struct backup *backup)
{
	char aside[BACKUP_PATH_BYTES + 8];
	int length = snprintf(aside, sizeof aside, "%s.new", path);
	FILE *file = length < (int)sizeof aside ? fopen(aside, "we") : NULL;
	if (file)
		print_json(file, backup);
	bool is_written = file && !ferror(file);
	if (file && fclose(file))
		is_written = false;
	if (is_written && !rename(aside, path))
		return 0;
	fprintf(stderr, "baophud: backup: %s cannot be written: %s; the backup itself is whole: %s\n", path, strerror(errno),
		backup->path);
	return EXIT_NO_COPY;
}

static void print_words(const struct backup *backup, bool is_made)
{
	printf("%s %s\n  records  1 to %" PRIu64 ", %" PRIu64 ".%" PRIu64 " MiB in %" PRIu32 " file%s, ",
	       is_made ? "made:   " : "checked:", backup->path, backup->place.seq, backup->bytes >> 20,
	       (backup->bytes >> 10) % 1024 * 10 / 1024, backup->files, backup->files == 1 ? "" : "s");
	if (is_made)
		printf("copied in %" PRId64 " ms, ", backup->copy_ms);
	printf("read back in %" PRId64 " ms\n  store    ", backup->check_ms);
	print_hex(stdout, backup->store, sizeof backup->store);
	printf("\n  place    %" PRIu64 " ", backup->place.seq);
	print_hex(stdout, backup->place.digest, sizeof backup->place.digest);
	printf("\n");
	if (backup->unfinished)
		printf("  removed  %" PRIu32 " unfinished\n", backup->unfinished);
	if (backup->removed)
		printf("  removed  %" PRIu32 " older\n", backup->removed);
	if (backup->is_same_disk)
		printf("  It lies on the disk of the data directory: copy it to another disk or machine.\n");
}

static int exit_of(int error)
{
	switch (error) {
	case -EINVAL:
	case -BAOPHU_ENOTFOUND:
	case -BAOPHU_EFORMAT:
		return EXIT_SETTINGS;
	case -BAOPHU_EDAMAGED:
	case -BAOPHU_EGAP:
		return EXIT_DAMAGED;
	case -BAOPHU_EINUSE:
	case -EEXIST:
		return EXIT_IN_USE;
	case -ENOMEM:
		return EXIT_INTERNAL;
	default:
		return EXIT_NO_COPY;
	}
}

/* ---- flags ---- */

void backup_command_help(void)
{
	fputs("baophud backup: a verified copy of the log, made while the daemon runs or while it does not.\n\n"
	      "usage: baophud backup --to DIR [--data DIR] [--config FILE] [--keep N] [--proof FILE] [-o json]\n"
	      "       baophud backup --check BACKUP [--proof FILE] [-o json]\n\n"
	      "  --to DIR      directory that backups are kept in, and nothing else; best on another disk. It must be there\n"
	      "  --data DIR    data directory of the daemon (default: data_dir of the settings)\n"
	      "  --config FILE file of settings (default " CONFIG_FILE_DEFAULT ", if it is there)\n"
	      "  --keep N      whole backups that stay, the new one among them; older ones go when it is proved (default: all)\n"
	      "  --proof FILE  write the place there too, for baophu server backup-verified FILE\n"
	      "  --check DIR   prove a backup that is there again; changes nothing\n"
	      "  -o json       print the place as one JSON object\n\n"
	      "The log is copied record by record, flushed, and read back from the disk; only when its chain leads from the first\n"
	      "record to the newest does the copy get its name, baophu-STORE-TIME-PLACE. History is not copied: it is made from "
	      "the log.\n"
	      "Offices forget what a backup holds only when the centre was told its place:\n\n"
	      "  baophud backup --to /mnt/backup -o json | baophu server backup-verified -\n\n"
	      "Exit status: 0 made or checked; 70 internal error; 73 the copy cannot be made there; 74 the log or the copy is "
	      "damaged;\n"
	      "75 another backup into DIR is being made; 78 wrong flags, directories or settings, or files of a newer format.\n",
	      stdout);
}

static int complain(const char *what, const char *about)
{
	fprintf(stderr, "baophud: backup: %s%s; baophud backup --help lists the flags\n", about, what);
	return EXIT_SETTINGS;
}

static int read_settings(struct options *options, const char *file)
{
	static struct config config; /* of this function, and large */
	enum config_action action;
	char why[2048];
	char *arguments[] = { (char *)"baophud", (char *)"--config", (char *)file, NULL };
	if (config_read(&config, file ? 3 : 1, arguments, &action, why, sizeof why)) {
		fprintf(stderr, "baophud: backup: %s\n", why);
		return EXIT_SETTINGS;
	}
	snprintf(options->data_dir, sizeof options->data_dir, "%s", config.data_dir);
	return 0;
}

/* 0, or an exit status after a message; -1 after --help. */
static int read_flags(struct options *options, int argc, char *argv[])
{
	static const struct option flags[] = {
		{ "to", required_argument, NULL, 't' },
		{ "data", required_argument, NULL, 'd' },
		{ "config", required_argument, NULL, 'c' },
		{ "keep", required_argument, NULL, 'k' },
		{ "check", required_argument, NULL, 'C' },
		{ "output", required_argument, NULL, 'o' },
		{ "proof", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *data = NULL, *file = NULL;
	char *end;
	opterr = 0;
	for (int flag; (flag = getopt_long(argc, argv, ":o:h", flags, NULL)) != -1;) {
		switch (flag) {
		case 't':
			options->to = optarg;
			break;
		case 'd':
			data = optarg;
			break;
		case 'c':
			file = optarg;
			break;
		case 'C':
			options->check = optarg;
			break;
		case 'p':
			options->proof = optarg;
			break;
		case 'k':
			errno = 0;
			unsigned long keep = strtoul(optarg, &end, 10);
			if (*optarg < '0' || *optarg > '9' || *end || errno || keep < 1 || keep > KEEP_MAX)
				return complain(": --keep is a number from 1 to 100000", optarg);
			options->keep = (uint32_t)keep;
			break;
		case 'o':
			if (strcmp(optarg, "json") != 0)
				return complain(": -o knows json only", optarg);
			options->is_json = true;
			break;
		case 'h':
			backup_command_help();
			return -1;
		case ':':
			return complain(" needs a value", argv[optind - 1]);
		default:
			return complain(" is not a flag of it", argv[optind - 1]);
		}
	}
	if (optind < argc)
		return complain(" is not a flag of it", argv[optind]);
	if (!options->to == !options->check)
		return complain(options->to ? "--to and --check exclude each other" : "either --to or --check is needed", "");
	if (options->check)
		return data || file || options->keep ? complain("--check goes with --proof and -o only", "") : 0;
	if (!data)
		return read_settings(options, file);
	if (strlen(data) >= sizeof options->data_dir)
		return complain(": longer than a path can be", "--data");
	memcpy(options->data_dir, data, strlen(data) + 1);
	return 0;
}

int backup_command(int argc, char *argv[])
{
	static char why[BACKUP_WHY_BYTES]; /* large, as the next two */
	static struct backup backup;
	static struct options options;
	int status = read_flags(&options, argc, argv);
	if (status)
		return status < 0 ? 0 : status;
	struct show show = { .begin_ms = now_ms(CLOCK_MONOTONIC) };
	backup_progress progress = isatty(STDERR_FILENO) ? show_progress : NULL;
	signal(SIGBUS, on_bad_page);
	signal(SIGPIPE, SIG_IGN);
	int error;
	if (options.check) {
		error = backup_check(options.check, progress, &show, &backup, why);
	} else {
		struct backup_request request = { .data_dir = options.data_dir,
						  .to = options.to,
						  .keep = options.keep,
						  .now_ms = now_ms(CLOCK_REALTIME),
						  .progress = progress,
						  .context = &show };
		error = backup_make(&request, &backup, why);
	}
	end_progress(&show);
	if (error)
		fprintf(stderr, "baophud: backup: %s\n", why);
	if (error && (options.check || !backup.path[0]))
		return exit_of(error);
	if (options.proof && (status = write_proof(options.proof, &backup)))
		return status;
	if (options.is_json)
		print_json(stdout, &backup);
	else
		print_words(&backup, !options.check);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "baophud: backup: its place cannot be printed: %s; the backup itself is whole: %s\n",
			strerror(errno), backup.path);
		return EXIT_INTERNAL;
	}
	return error ? exit_of(error) : 0;
}
