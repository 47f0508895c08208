/* journal.c - see journal.h; and `baophu server resend`. */
#include "journal.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "ask.h"
#include "command.h"
#include "commands.h"
#include "language.h"
#include "outbox.h"
#include "words.h"

enum { TURN_MS = 50, NAME_BYTES = 200 };

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Says what is wrong with the journal itself. An exit code. */
static int say_failed(const struct cli *cli, int error, const struct spool_damage *damage)
{
	const char *dir = cli->options.journal;
	switch (error) {
	case -BAOPHU_EINUSE:
		cli_say(_("another command is using the journal %s; try again when it has ended"), dir);
		return CLI_FAILED;
	case -BAOPHU_EDAMAGED:
		cli_say(
		    _("the journal is damaged: %s/%s at byte %llu; nothing was sent. Put the directory back from a copy, or go on "
		      "with a new one and keep this one"),
		    dir, damage->file, (unsigned long long)damage->offset);
		return CLI_FAILED;
	case -ENOSPC:
	case -EDQUOT:
		cli_say(_("no room for the journal in %s; nothing was sent"), dir);
		return CLI_FAILED;
	case -EPERM:
		cli_say(_("%s is the spool of an office, not an administrator's journal"), dir);
		return CLI_USAGE;
	case -EINVAL:
		cli_say(_("“%s” is not an endpoint; write tcp://HOST:PORT or ipc://PATH"), cli->options.control);
		return CLI_USAGE;
	default:
		return cli_fail(dir, error);
	}
}

static int open_journal(struct cli *cli, struct outbox **ret_outbox)
{
	const struct outbox_config config = { .dir = cli->options.journal, .agent = "control", .endpoint = cli->options.control };
	struct spool_damage damage;
	int error = outbox_open(&config, ret_outbox, &damage);
	if (!error && outbox_standing(*ret_outbox)->hindrance == OUTBOX_NO_ROOM) {
		outbox_close(*ret_outbox);
		error = -ENOSPC;
	}
	return error ? say_failed(cli, error, &damage) : CLI_OK;
}

/* What keeps the journal from being delivered, and that it is kept. An exit code. */
static int say_hindrance(const struct cli *cli, const struct outbox_standing *standing)
{
	const char *endpoint = cli->options.control;
	int status = CLI_UNREACHABLE;
	switch (standing->hindrance) {
	case OUTBOX_FREE:
	case OUTBOX_NO_LINK:
		cli_say(_("no answer from %s within %u s; is baophud running there?"), endpoint, cli->options.timeout);
		break;
	case OUTBOX_NOT_NOW:
	case OUTBOX_TURNED_AWAY:
		status = ask_refused(endpoint, standing->code, NULL);
		break;
	case OUTBOX_FORK:
	case OUTBOX_SPOOL_OLDER:
		cli_say(
		    _("another copy of the journal %s was used after this one: use the newest copy, or go on with a new directory; "
		      "what waits in this one must then be entered again"),
		    cli->options.journal);
		status = CLI_NOT_AUTHORISED;
		break;
	case OUTBOX_CENTRE_LACKS:
		cli_say(_("the centre lacks changes that the journal %s no longer keeps: put it back from a newer copy"),
			cli->options.journal);
		status = CLI_NOT_AUTHORISED;
		break;
	case OUTBOX_DAMAGED:
		return say_failed(cli, -BAOPHU_EDAMAGED, &standing->damage);
	case OUTBOX_NO_ROOM:
		return say_failed(cli, -ENOSPC, &standing->damage);
	}
	cli_say(_("kept in the journal: %llu changes wait; `baophu server resend` sends them. Do not enter them again"),
		(unsigned long long)(standing->next - standing->answered_to));
	return status;
}

/* Works until every update below `to` has its receipt, or time is up, or nothing more is to be hoped for. 0 or an error of the journal. */
static int deliver(const struct cli *cli, struct outbox *outbox, uint64_t to)
{
	const struct outbox_standing *standing = outbox_standing(outbox);
	int64_t until_ms = now_ms() + (int64_t)cli->options.timeout * 1000;
	int error = 0;
	while (!error && (standing->answered_to < to || !standing->is_connected) && now_ms() < until_ms) {
		uint64_t answered = standing->answered_to;
		error = outbox_wait(outbox, TURN_MS);
		if (standing->answered_to > answered) /* it goes on: time counts from the last receipt */
			until_ms = now_ms() + (int64_t)cli->options.timeout * 1000;
		if (standing->hindrance != OUTBOX_FREE && standing->hindrance != OUTBOX_NO_LINK &&
		    standing->hindrance != OUTBOX_NOT_NOW)
			break;
		/* A date too far ahead is not for tomorrow: it is refused, as without a journal, and does not block the others. */
		if (standing->hindrance == OUTBOX_NOT_NOW && standing->code == BAOPHU_CODE_CLOCK) {
			error = outbox_give_up(outbox);
			error = error == -EBUSY || error == -BAOPHU_ENOTFOUND ? 0 : error;
		}
	}
	return error;
}

/* The outcome of one update, kept as of a session. */
static int take_outcome(struct outbox *outbox, uint64_t serial, struct sent *ret_sent)
{
	struct wire_receipt receipt;
	const char *suggestion;
	int error = outbox_receipt(outbox, serial, &receipt, &suggestion);
	if (!error)
		return send_take_receipt(&receipt, suggestion, ret_sent);
	if (error != -BAOPHU_ENOTFOUND)
		return cli_fail(_("the journal"), error);
	*ret_sent = (struct sent){ .verdict = BAOPHU_REFUSED, .code = BAOPHU_CODE_CLOCK, .entry = UINT32_MAX };
	snprintf(ret_sent->agent, sizeof ret_sent->agent, "control");
	return CLI_ALL_REJECTED;
}

/* What the wire says of an entry that the journal did not take. */
static enum baophu_code code_of(const struct wire_entry *entry)
{
	static uint8_t bytes[BAOPHU_MESSAGE_BYTES_MAX];
	const struct wire_payload payload = { .agent = "control", .epoch = 1, .number = 1, .entry_count = 1, .entries = entry };
	struct wire_payload decoded;
	struct wire_arena arena;
	enum baophu_code code = BAOPHU_CODE_MALFORMED;
	uint32_t bad;
	ssize_t size = wire_encode_payload(&payload, bytes, sizeof bytes);
	if (size > 0 && wire_arena_init(&arena, WIRE_ARENA_BYTES) == 0) {
		wire_decode_payload(&arena, bytes, (size_t)size, &decoded, &code, &bad);
		wire_arena_finish(&arena);
	}
	return code;
}

int journal_send(struct cli *cli, const struct wire_entry *entries, uint32_t count, struct sent *ret_sent)
{
	struct outbox *outbox = NULL;
	char name[NAME_BYTES];
	uint64_t serial;
	uint32_t bad = 0;
	int status = open_journal(cli, &outbox);
	if (status)
		return status;
	snprintf(name, sizeof name, "%s %s%s%.100s", cli->command->noun, cli->command->verb, cli->options.argument_count ? " " : "",
		 cli->options.argument_count ? cli->options.arguments[0] : "");
	const struct outbox_source source = { .name = name };
	int error = outbox_save_whole(outbox, entries, count, &source, &serial, &bad);
	if (error == -EINVAL) { /* the centre would say no more */
		*ret_sent = (struct sent){ .verdict = BAOPHU_REFUSED, .code = code_of(&entries[bad]), .entry = bad };
		snprintf(ret_sent->agent, sizeof ret_sent->agent, "control");
		status = CLI_ALL_REJECTED;
	} else if (error) {
		status = say_failed(cli, error, &outbox_standing(outbox)->damage);
	} else {
		error = deliver(cli, outbox, serial + 1);
		if (error)
			status = say_failed(cli, error, &outbox_standing(outbox)->damage);
		else if (outbox_standing(outbox)->answered_to <= serial)
			status = say_hindrance(cli, outbox_standing(outbox));
		else
			status = take_outcome(outbox, serial, ret_sent);
	}
	outbox_close(outbox);
	return status;
}

/* ---- `baophu server resend` ---- */

/* Counts of what was answered from `from` on. */
static int count_answered(struct outbox *outbox, uint64_t from, uint32_t *ret_applied, uint32_t *ret_held, uint32_t *ret_refused)
{
	struct outbox_walk *walk;
	struct outbox_update update;
	int got = outbox_walk_open(outbox, from, &walk);
	if (got)
		return got;
	while ((got = outbox_walk_next(walk, &update, NULL)) == 1) {
		*ret_applied += update.state == OUTBOX_APPLIED;
		*ret_held += update.state == OUTBOX_HELD;
		*ret_refused += update.state == OUTBOX_REFUSED;
	}
	outbox_walk_close(walk);
	return got;
}

static int say_refused(struct outbox *outbox, uint64_t from)
{
	struct outbox_exception exception;
	for (uint32_t i = 0; outbox_exception(outbox, i, &exception) == 0; i++) {
		struct outbox_batch batch;
		if (exception.serial < from || exception.state != OUTBOX_REFUSED)
			continue;
		int error = outbox_batch(outbox, exception.serial, &batch);
		if (error)
			return error;
		cli_say(_("change %llu (%s) was refused: %s"), (unsigned long long)exception.serial, batch.source.name,
			word_code_meaning(exception.code));
	}
	return 0;
}

int server_resend(struct cli *cli)
{
	static const struct column columns[] = {
		{ .key = "sent" }, { .key = "applied" }, { .key = "held" }, { .key = "refused" }, { .key = "waiting" }
	};
	struct outbox *outbox = NULL;
	uint32_t applied = 0, held = 0, refused = 0;
	if (!*cli->options.journal) {
		cli_say(
		    _("say which journal: --journal DIR, or BAOPHU_JOURNAL; without one nothing is kept that could be sent again"));
		return CLI_USAGE;
	}
	int status = open_journal(cli, &outbox);
	if (status)
		return status;
	const struct outbox_standing *standing = outbox_standing(outbox);
	uint64_t from = standing->answered_to;
	int64_t put_back_ms = standing->put_back_ms;
	int error = deliver(cli, outbox, standing->next);
	if (standing->put_back_ms != put_back_ms && standing->put_back_from < from)
		from = standing->put_back_from;
	if (!error)
		error = count_answered(outbox, from, &applied, &held, &refused);
	if (!error)
		error = say_refused(outbox, from);
	uint64_t waiting = standing->next - standing->answered_to;
	if (error) {
		status = say_failed(cli, error, &standing->damage);
	} else if (waiting || !standing->is_connected) {
		status = say_hindrance(cli, standing);
	} else if (writer_is_for_people(&cli->writer)) {
		char text[300];
		if (from == standing->next)
			snprintf(text, sizeof text, _("the centre lacks nothing of the journal (%llu changes)"),
				 (unsigned long long)(standing->next - standing->first));
		else
			snprintf(text, sizeof text, _("%llu changes sent: %u applied, %u held, %u refused"),
				 (unsigned long long)(standing->next - from), applied, held, refused);
		writer_note(&cli->writer, text);
	}
	if (!error && !writer_is_for_people(&cli->writer)) {
		const struct field fields[] = { field_integer((int64_t)(standing->answered_to - from)), field_integer(applied),
						field_integer(held), field_integer(refused), field_integer((int64_t)waiting) };
		int wrong = writer_begin(&cli->writer, columns, sizeof columns / sizeof *columns);
		if (!wrong)
			wrong = writer_row(&cli->writer, fields);
		int ended = writer_end(&cli->writer);
		status = wrong || ended ? cli_wrote(wrong ? wrong : ended) : status;
	}
	outbox_close(outbox);
	return status ? status : refused ? CLI_SOME_REJECTED : CLI_OK;
}
