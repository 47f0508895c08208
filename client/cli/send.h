/* send.h - updates of commands: a session for one update or import, its receipt, and what people are told about it. */
#pragma once

#include "cli.h"
#include "import.h"
#include "session.h"

/* The receipt, kept beyond the session. */
struct sent {
	uint64_t epoch, number, seq; /* seq 0: refused without a receipt, before it was decided */
	enum baophu_verdict verdict;
	enum baophu_code code;
	uint32_t entry; /* UINT32_MAX: none */
	char agent[BAOPHU_CODE_BYTES_MAX + 1], suggestion[BAOPHU_CODE_BYTES_MAX + 1];
	bool has_effect; /* of the last entry that had one */
	int64_t value, target;
	char plan[BAOPHU_CODE_BYTES_MAX + 1];
	const char *meaning, *advice; /* said of the code instead of what is said of it elsewhere; NULL: nothing else is */
};
/* Sends entries as one update, or as one batch that takes effect at once, and waits for the receipt. `is_control`: over the control endpoint
 * in the administrator's name; else over ingest in the name of --agent. An exit code: 0 applied, 5 held, 6 refused; others after a message,
 * and then there is no receipt. */
int send_entries(struct cli *cli, bool is_control, const struct wire_entry *entries, uint32_t count, struct sent *ret_sent);
/* Keeps a receipt; the exit code that belongs to it. */
int send_take_receipt(const struct wire_receipt *receipt, const char *suggestion, struct sent *ret_sent);
/* Prints the receipt as a row (csv, json, jsonl); for people, a held or refused one with its meaning, line and advice on standard error.
 * `import` may be NULL; errors may be added to it. Returns `status`, or the exit code of a failed write. */
int send_report(struct cli *cli, struct sent *sent, struct import *import, uint32_t count, int status);

/* An import of one entry that came from the command line and not from a file: its path is "", its line 0. Borrows what the entry names.
 * An exit code; import_finish() is right also after a failure. */
int send_begin_one(struct import *import, const struct import_format *format, const struct wire_entry *entry);
/* What --dry-run does with an import that was read without an error. An exit code. */
int send_dry(struct cli *cli, struct import *import);

/* Reads the file named by the first argument, checks it, and sends it unless --dry-run. */
int send_import(struct cli *cli, const struct import_format *format, bool is_control);
