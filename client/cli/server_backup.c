/* server_backup.c - `baophu server backup-verified`: tells the centre which of its places a copy of the log was proved to hold.
 *
 * The proof is not made here: it is the object that `baophud backup -o json` printed after it had read the copy back. The centre checks that
 * the place is in its history. Never in the journal: the place is one of this history, and a centre that was put back has another.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "commands.h"
#include "language.h"
#include "send.h"

enum { PROOF_BYTES_MAX = 64 << 10 };

static bool read_hex(const char *text, uint8_t *ret_bytes, size_t count)
{
	static const char digits[] = "0123456789abcdef";
	if (!text || strlen(text) != 2 * count)
		return false;
	for (size_t i = 0; i < 2 * count; i++) {
		const char *digit = strchr(digits, text[i]);
		if (!digit)
			return false;
		ret_bytes[i / 2] = (uint8_t)(ret_bytes[i / 2] << 4 | (digit - digits));
	}
	return true;
}

/* The place that the object names. An exit code. */
static int read_proof(const char *path, struct baophu_place *ret_place)
{
	bool is_input = strcmp(path, "-") == 0;
	const char *name = is_input ? _("standard input") : path;
	char text[PROOF_BYTES_MAX + 1];
	FILE *file = is_input ? stdin : fopen(path, "re");
	if (!file) {
		cli_say(_("%s cannot be read: %s"), name, strerror(errno));
		return CLI_USAGE;
	}
	size_t bytes = fread(text, 1, sizeof text, file);
	int error = ferror(file) ? errno : 0;
	if (!is_input)
		fclose(file);
	if (error) {
		cli_say(_("%s cannot be read: %s"), name, strerror(error));
		return CLI_USAGE;
	}
	if (!bytes) {
		cli_say(_("%s is empty: no backup was made; the centre was told nothing"), name);
		return CLI_USAGE;
	}
	json_t *object = bytes < sizeof text ? json_loadb(text, bytes, JSON_REJECT_DUPLICATES, NULL) : NULL;
	json_int_t seq = json_integer_value(json_object_get(object, "seq"));
	*ret_place = (struct baophu_place){ .seq = seq > 0 ? (uint64_t)seq : 0 };
	bool is_proof = ret_place->seq &&
			read_hex(json_string_value(json_object_get(object, "digest")), ret_place->digest, sizeof ret_place->digest);
	json_decref(object);
	if (is_proof)
		return CLI_OK;
	cli_say(_("%s is not what `baophud backup -o json` prints; the centre was told nothing"), name);
	return CLI_USAGE;
}

int server_backup_verified(struct cli *cli)
{
	struct wire_entry entry = { .kind = WIRE_BACKUP };
	struct sent sent = { 0 };
	int status = read_proof(cli->options.arguments[0], &entry.backup.place);
	if (status)
		return status;
	status = send_entries(cli, true, &entry, 1, &sent);
	if (sent.code == BAOPHU_CODE_NO_SUCH) {
		sent.meaning = _("this place is not in the centre's history");
		sent.advice = _(
		    "make a new backup of this centre: this one is of another, or of a history from before it was put back");
	}
	if (!status && writer_is_for_people(&cli->writer)) {
		char line[300];
		snprintf(line, sizeof line, _("the centre knows that a backup holds everything up to place %llu; receipt %llu"),
			 (unsigned long long)entry.backup.place.seq, (unsigned long long)sent.seq);
		writer_note(&cli->writer, line);
	}
	return send_report(cli, &sent, NULL, 1, status);
}
