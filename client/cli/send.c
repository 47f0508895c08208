/* send.c - see send.h. */
#include "send.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "check.h"
#include "journal.h"
#include "language.h"
#include "words.h"

static int exit_of(const struct wire_receipt *receipt)
{
	if (receipt->verdict == BAOPHU_APPLIED)
		return CLI_OK;
	if (receipt->verdict == BAOPHU_HELD)
		return CLI_SOME_REJECTED;
	bool is_about_rights = receipt->code == BAOPHU_CODE_FORBIDDEN || receipt->code == BAOPHU_CODE_NOT_OWNER ||
			       receipt->code == BAOPHU_CODE_AGENT_UNKNOWN || receipt->code == BAOPHU_CODE_FORK ||
			       receipt->code == BAOPHU_CODE_FROZEN;
	return is_about_rights ? CLI_NOT_AUTHORISED : CLI_ALL_REJECTED;
}

int send_take_receipt(const struct wire_receipt *receipt, const char *suggestion, struct sent *ret_sent)
{
	*ret_sent = (struct sent){ .epoch = receipt->epoch,
				   .number = receipt->number,
				   .seq = receipt->place.seq,
				   .verdict = receipt->verdict,
				   .code = receipt->code,
				   .entry = receipt->entry };
	snprintf(ret_sent->agent, sizeof ret_sent->agent, "%s", receipt->agent);
	snprintf(ret_sent->suggestion, sizeof ret_sent->suggestion, "%s", suggestion);
	return exit_of(receipt);
}

static int take_outcome(const struct session_outcome *outcome, struct sent *ret_sent)
{
	int status = send_take_receipt(&outcome->receipt, outcome->suggestion, ret_sent);
	if (outcome->effect_count) {
		const struct wire_effect *effect = &outcome->effects[outcome->effect_count - 1];
		ret_sent->has_effect = true;
		ret_sent->value = effect->value;
		ret_sent->target = effect->target;
		snprintf(ret_sent->plan, sizeof ret_sent->plan, "%s", effect->plan);
	}
	return status;
}

int send_entries(struct cli *cli, bool is_control, const struct wire_entry *entries, uint32_t count, struct sent *ret_sent)
{
	const char *endpoint = is_control ? cli->options.control : cli->options.ingest;
	const struct session_config config = { .endpoint = endpoint,
					       .agent = is_control ? "control" : cli->options.agent,
					       .timeout_ms = (int)cli->options.timeout * 1000,
					       .want_effect = true };
	struct session *session = NULL;
	enum baophu_code code = BAOPHU_CODE_NONE;
	if (is_control && *cli->options.journal)
		return journal_send(cli, entries, count, ret_sent);
	if (!is_control && !*cli->options.agent) {
		cli_say(_("say who sends it: --agent NAME, as the centre enrolled this office"));
		return CLI_USAGE;
	}
	int error = session_open(&config, &session, &code);
	if (error == -BAOPHU_EREFUSED)
		return ask_refused(config.agent, code, NULL);
	if (error == -EINVAL) {
		cli_say(_("“%s” is not an endpoint; write tcp://HOST:PORT or ipc://PATH"), endpoint);
		return CLI_USAGE;
	}
	if (error == -BAOPHU_ETIMEOUT) {
		cli_say(_("no answer from %s within %u s; is baophud running there?"), endpoint, cli->options.timeout);
		return CLI_UNREACHABLE;
	}
	if (error)
		return cli_fail(endpoint, error);

	struct session_outcome outcome;
	int status = CLI_OK;
	if (count > BAOPHU_ENTRIES_MAX && isatty(STDERR_FILENO))
		cli_say(_("sending %u rows …"), count);
	error = session_send_entries(session, entries, count, &outcome, &code);
	if (error == -BAOPHU_EREFUSED && (code == BAOPHU_CODE_CLOCK || (code >= 40 && code < 60))) {
		/* Refused before it was decided: there is a result, without a receipt. */
		*ret_sent = (struct sent){ .verdict = BAOPHU_REFUSED, .code = code, .entry = UINT32_MAX };
		snprintf(ret_sent->agent, sizeof ret_sent->agent, "%s", config.agent);
		status = CLI_ALL_REJECTED;
	} else if (error == -BAOPHU_EREFUSED) {
		status = ask_refused(endpoint, code, NULL);
	} else if (error == -BAOPHU_ETIMEOUT) {
		if (code)
			ask_refused(endpoint, code, NULL);
		else
			cli_say(_("no receipt from %s within %u s: it is not known whether the update was taken; ask with `baophu "
				  "coverage "
				  "history`, or send it again: the same figure twice does no harm"),
				endpoint, cli->options.timeout);
		status = CLI_UNREACHABLE;
	} else if (error) {
		status = cli_fail(endpoint, error);
	} else {
		status = take_outcome(&outcome, ret_sent);
	}
	session_close(session);
	return status;
}

/* There is a verdict for these exits only. */
static bool has_verdict(const struct sent *sent) { return sent->verdict != BAOPHU_VERDICT_NONE; }

/* Updates with these codes are held, until what they wait for is there; but not a batch in parts, which is not kept. */
static bool is_for_holding(enum baophu_code code)
{
	return code == BAOPHU_CODE_UNIT_UNKNOWN || code == BAOPHU_CODE_UNIT_NOT_VALID || code == BAOPHU_CODE_PLAN_UNKNOWN ||
	       code == BAOPHU_CODE_NO_OWNER;
}

static const char *meaning(const struct sent *sent) { return sent->meaning ? sent->meaning : word_code_meaning(sent->code); }

static const char *advice(const struct sent *sent)
{
	if (sent->advice)
		return sent->advice;
	if (sent->verdict == BAOPHU_REFUSED && is_for_holding(sent->code))
		return _("mend the file, or have created what is missing, then import it again: above 512 rows a file is refused, "
			 "not held");
	return word_code_advice(sent->code);
}

/* The centre does not say which figure is dated too far ahead, so they are looked for here. False: none was found. */
static bool explain_clock(struct cli *cli, struct sent *sent, struct import *import)
{
	sent->entry = check_ahead(cli, import);
	if (sent->entry == UINT32_MAX)
		return false;
	import_print_errors(import, stderr);
	return true;
}

static void explain(struct cli *cli, struct sent *sent, struct import *import)
{
	const char *what = sent->verdict == BAOPHU_HELD ? _("held") : _("refused");
	bool is_said = sent->code == BAOPHU_CODE_CLOCK && import && explain_clock(cli, sent, import);
	if (!sent->seq)
		cli_say("%s: %s (%s)", what, meaning(sent), wire_code_name(sent->code));
	else if (import && sent->entry < import->count && import->lines[sent->entry])
		cli_say(_("%s, receipt %llu, line %u of %s: %s (%s)"), what, (unsigned long long)sent->seq,
			import->lines[sent->entry], import->path, meaning(sent), wire_code_name(sent->code));
	else
		cli_say(_("%s, receipt %llu: %s (%s)"), what, (unsigned long long)sent->seq, meaning(sent),
			wire_code_name(sent->code));
	if (*sent->suggestion)
		cli_say(_("the unit that took its place: %s"), sent->suggestion);
	if (!is_said)
		cli_say(_("what to do: %s"), advice(sent));
	if (sent->verdict == BAOPHU_HELD)
		cli_say(_("nothing of it counts yet; it is kept whole: `baophu held list`"));
	else if (import && *import->path)
		cli_say(_("nothing of the file was applied"));
}

int send_report(struct cli *cli, struct sent *sent, struct import *import, uint32_t count, int status)
{
	static const struct column columns[] = { { .key = "seq" },       { .key = "verdict" }, { .key = "code" },
						 { .key = "entry" },     { .key = "line" },    { .key = "agent" },
						 { .key = "epoch" },     { .key = "number" },  { .key = "entries" },
						 { .key = "suggestion" } };
	if (!has_verdict(sent))
		return status;
	if (sent->verdict != BAOPHU_APPLIED)
		explain(cli, sent, import);
	if (writer_is_for_people(&cli->writer))
		return status;
	bool has_entry = sent->entry != UINT32_MAX;
	bool has_line = has_entry && import && sent->entry < import->count && import->lines[sent->entry];
	const struct field fields[] = {
		sent->seq ? field_integer((int64_t)sent->seq) : field_null(),
		field_text(word_of(WORDS_VERDICT, sent->verdict)),
		field_text(sent->code ? wire_code_name(sent->code) : ""),
		has_entry ? field_integer(sent->entry) : field_null(),
		has_line ? field_integer(import->lines[sent->entry]) : field_null(),
		field_text(sent->agent),
		sent->seq ? field_integer((int64_t)sent->epoch) : field_null(),
		sent->seq ? field_integer((int64_t)sent->number) : field_null(),
		field_integer(count),
		field_code(sent->suggestion),
	};
	int error = writer_begin(&cli->writer, columns, sizeof columns / sizeof *columns);
	if (!error)
		error = writer_row(&cli->writer, fields);
	int ended = writer_end(&cli->writer);
	return error || ended ? cli_wrote(error ? error : ended) : status;
}

static bool has_figures(const struct import *import) { return import->format == &import_facts; }

static int say_counts(struct cli *cli, const struct import *import, const struct check_counts *counts)
{
	static const struct column columns[] = {
		{ .key = "rows" }, { .key = "added" }, { .key = "changed" }, { .key = "unchanged" }
	};
	if (writer_is_for_people(&cli->writer)) {
		char text[400];
		if (counts->is_complete && has_figures(import))
			snprintf(
			    text, sizeof text,
			    _("dry run: nothing wrong in %u rows; %u new, %u changed, %u unchanged; whether the sender may report "
			      "them is decided only when they are sent; nothing was sent"),
			    counts->rows, counts->added, counts->changed, counts->unchanged);
		else if (counts->is_complete)
			snprintf(text, sizeof text,
				 _("dry run: %u rows are right; %u new, %u changed, %u unchanged; nothing was sent"), counts->rows,
				 counts->added, counts->changed, counts->unchanged);
		else
			snprintf(text, sizeof text,
				 _("dry run: %u rows are right as far as can be told without the centre; nothing was sent"),
				 counts->rows);
		writer_note(&cli->writer, text);
		return CLI_OK;
	}
	const struct field fields[] = {
		field_integer(counts->rows),
		counts->is_complete ? field_integer(counts->added) : field_null(),
		counts->is_complete ? field_integer(counts->changed) : field_null(),
		counts->is_complete ? field_integer(counts->unchanged) : field_null(),
	};
	int error = writer_begin(&cli->writer, columns, sizeof columns / sizeof *columns);
	if (!error)
		error = writer_row(&cli->writer, fields);
	int ended = writer_end(&cli->writer);
	return cli_wrote(error ? error : ended);
}

static int rows_are_wrong(const struct import *import)
{
	import_print_errors(import, stderr);
	if (*import->path)
		cli_say(_("%s: nothing was applied; mend these lines and import the whole file again"), import->path);
	else
		cli_say(_("dry run: nothing was sent"));
	return import->bad_row_count && import->bad_row_count < import->row_count ? CLI_SOME_REJECTED : CLI_ALL_REJECTED;
}

int send_dry(struct cli *cli, struct import *import)
{
	struct check_counts counts;
	int status = check_import(cli, import, &counts);
	if (!status)
		status = import->error_count ? rows_are_wrong(import) : say_counts(cli, import, &counts);
	return status;
}

int send_begin_one(struct import *import, const struct import_format *format, const struct wire_entry *entry)
{
	*import = (struct import){ .path = "", .format = format, .row_count = 1 };
	struct wire_entry *added = import_add(import);
	if (!added)
		return cli_fail(_("the entry"), -ENOMEM);
	*added = *entry;
	return CLI_OK;
}

int send_import(struct cli *cli, const struct import_format *format, bool is_control)
{
	struct import import = { .revokes = cli->options.revoke };
	struct sent sent = { 0 };
	int status = CLI_OK;
	int error = import_read(&import, format, cli->options.arguments[0], (enum number_style)cli->options.numbers);
	if (error == -EFBIG) {
		cli_say(_("%s: larger than %d MiB; split it"), cli->options.arguments[0], IMPORT_FILE_BYTES_MAX >> 20);
		status = CLI_USAGE;
	} else if (error) {
		cli_fail(cli->options.arguments[0], error);
		status = error == -ENOMEM ? CLI_FAILED : CLI_USAGE;
	} else if (import.error_count) {
		status = rows_are_wrong(&import);
	} else if (cli->options.dry_run) {
		status = send_dry(cli, &import);
	} else {
		status = send_entries(cli, is_control, import.entries, import.count, &sent);
		if (!status && writer_is_for_people(&cli->writer)) {
			char text[300];
			snprintf(text, sizeof text, _("%s: %u rows applied, receipt %llu"), import.path, import.row_count,
				 (unsigned long long)sent.seq);
			writer_note(&cli->writer, text);
		}
		status = send_report(cli, &sent, &import, import.count, status);
	}
	import_finish(&import);
	return status;
}
