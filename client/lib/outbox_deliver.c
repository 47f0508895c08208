/* outbox_deliver.c - what was saved goes out, and receipts come back. See outbox.h.
 *
 * Sending walks the spool from the first serial without a receipt. Each Welcome is looked at before anything is sent on its connection (the
 * session is a spooled one), so a centre that was put back is noticed first, and the walk begins anew where it says.
 */
#include "outbox_private.h"

#include <errno.h>
#include <string.h>

enum {
	RETRY_MS = 250, /* after being turned away; doubled each time */
	RETRY_MS_MAX = 30000,
	STAGE_MS = 50, /* a part that could not be sent, or is not wanted now, is sent again after so long */
	STAGED_MS = 5000, /* one whose answer was lost */
	RECEIPTS_MS = 100, /* a receipt waits so long for others to be saved with */
	RECEIPTS_BYTES = 64 << 10, /* or until there are so many */
	RECEIPTS_AGAIN_MS = 1000, /* there was no room to save them */
	WORK_OUTCOMES = 2048, /* of one call of outbox_work: the caller has other things to do */
	WINDOW_BYTES = 1 << 20, /* unanswered at most, whatever the centre's credit */
	PRUNE_MS = 3600 * 1000,
	WELCOME_AGAIN_MS = 20 * 3600 * 1000, /* a centre names its backup in Welcome only, and makes one a day */
};
static const int64_t keep_ms = (int64_t)OUTBOX_KEEP_DAYS * 86400 * 1000;

/* ---- receipts ---- */

int outbox_save_receipts(struct outbox *outbox)
{
	struct spool_record record = { .type = OUTBOX_RECORD_RECEIPTS,
				       .bytes = outbox->receipts.bytes,
				       .size = outbox->receipts.used };
	int error = outbox->receipts.has_failed ? -ENOMEM : outbox_append(outbox, &record, 1);
	if (spool_is_no_room(error)) {
		outbox->no_room_ms = monotonic_ms();
		return 0; /* they are kept, and tried again */
	}
	outbox->no_room_ms = 0;
	outbox->receipts.used = 0;
	if (!error)
		outbox->saved_to = outbox->state.standing.answered_to;
	return error;
}

/* When they are to be saved: monotonic; INT64_MAX while there are none. */
static int64_t receipts_due_ms(const struct outbox *outbox)
{
	if (!outbox->receipts.used)
		return INT64_MAX;
	if (outbox->no_room_ms)
		return outbox->no_room_ms + RECEIPTS_AGAIN_MS;
	bool is_last = !outbox->session || !session_standing(outbox->session)->unanswered;
	return is_last || outbox->receipts.used >= RECEIPTS_BYTES ? 0 : outbox->receipts_since_ms + RECEIPTS_MS;
}

static void keep_receipt(struct outbox *outbox, const struct session_outcome *outcome)
{
	const struct outbox_receipt_record receipt = { .serial = outcome->number - outbox->session_run.number +
								 outbox->session_run.base,
						       .receipt = outcome->receipt_bytes,
						       .receipt_bytes = (uint16_t)outcome->receipt_byte_count,
						       .suggestion = outcome->suggestion,
						       .suggestion_bytes = (uint8_t)strlen(outcome->suggestion) };
	if (!outbox->receipts.used) {
		outbox_put_receipts(&outbox->receipts, wall_ms());
		outbox->receipts_since_ms = monotonic_ms();
	}
	outbox_put_receipt(&outbox->receipts, &receipt);
}

/* ---- the session ---- */

static void rewind_sending(struct outbox *outbox, uint64_t serial)
{
	spool_cursor_close(outbox->sending);
	outbox->sending = NULL;
	outbox->has_record = outbox->is_staging = outbox->has_parts = false;
	outbox->stage_ms = 0;
	outbox->to_send = serial;
}

static void drop_session(struct outbox *outbox)
{
	session_close(outbox->session);
	outbox->session = NULL;
	outbox->state.standing.is_connected = false;
	rewind_sending(outbox, outbox->state.standing.answered_to);
}

static void try_later(struct outbox *outbox)
{
	outbox->backoff_ms = outbox->backoff_ms ? outbox->backoff_ms * 2 : RETRY_MS;
	if (outbox->backoff_ms > RETRY_MS_MAX)
		outbox->backoff_ms = RETRY_MS_MAX;
	outbox->retry_ms = monotonic_ms() + outbox->backoff_ms / 2 + (int)randombytes_uniform((uint32_t)outbox->backoff_ms / 2 + 1);
}

int outbox_start_session(struct outbox *outbox)
{
	const struct outbox_standing *standing = &outbox->state.standing;
	outbox->session_run = *outbox_run_of(&outbox->state, standing->answered_to);
	const struct session_config config = { .context = outbox->context,
					       .endpoint = outbox->endpoint,
					       .agent = standing->agent,
					       .epoch = outbox->session_run.epoch,
					       .has_last = standing->has_last,
					       .last = standing->last,
					       .window = outbox->window,
					       .is_spooled = true };
	int error = session_start(&config, &outbox->session);
	outbox->welcomes = 0;
	rewind_sending(outbox, standing->answered_to);
	return error;
}

/* What the collector's word for "no" means to somebody who waits. */
static void take_turned(struct outbox *outbox, enum baophu_code code)
{
	struct outbox_standing *standing = &outbox->state.standing;
	standing->code = code;
	if (code == BAOPHU_CODE_FORK || code == BAOPHU_CODE_FROZEN)
		standing->hindrance = OUTBOX_FORK;
	else
		standing->hindrance = OUTBOX_TURNED_AWAY;
}

/* An epoch of before that is frozen has all that was sent in it before it froze: go on with the next one. */
static int skip_series(struct outbox *outbox, uint64_t end)
{
	struct outbox_bytes bytes = { 0 };
	outbox_put_serial(&bytes, end);
	return outbox_append_one(outbox, OUTBOX_RECORD_SKIP, &bytes);
}

static int lose_session(struct outbox *outbox, int error)
{
	struct outbox_standing *standing = &outbox->state.standing;
	enum baophu_code code = session_standing(outbox->session)->turned;
	uint64_t begin, end;
	outbox_series_of(&outbox->state, standing->answered_to, &begin, &end);
	if (error == -BAOPHU_EREFUSED)
		take_turned(outbox, code);
	else
		standing->hindrance = OUTBOX_NO_LINK;
	drop_session(outbox);
	int skipped = code == BAOPHU_CODE_FROZEN && end != UINT64_MAX ? skip_series(outbox, end) : -EAGAIN;
	if (skipped == -EAGAIN || spool_is_no_room(skipped)) {
		try_later(outbox);
		return 0;
	}
	return skipped;
}

/* The centre has lost what it had from `from` on: receipts of that are void, also those that are not saved yet. */
static int send_again(struct outbox *outbox, uint64_t from)
{
	struct outbox_bytes bytes = { 0 };
	outbox->receipts.used = 0;
	outbox_put_again(&bytes, from, wall_ms(), session_standing(outbox->session)->store);
	int error = outbox_append_one(outbox, OUTBOX_RECORD_AGAIN, &bytes);
	if (error)
		return error;
	outbox->saved_to = outbox->state.standing.answered_to;
	if (outbox->answered_from > from)
		outbox_rewind_answered(outbox, from);
	drop_session(outbox); /* the next one names no place that this centre does not know */
	return 0;
}

/* A session was opened: is this the centre that we know, and does it know what it has said? Before anything is sent. */
static int take_welcome(struct outbox *outbox)
{
	struct outbox_standing *standing = &outbox->state.standing;
	const struct session_standing *welcome = session_standing(outbox->session);
	uint64_t begin, end; /* of this series */
	uint64_t lacks_from = outbox_serial_of(&outbox->state, outbox->session_run.epoch, welcome->next);
	bool is_other = standing->has_store && memcmp(standing->store, welcome->store, sizeof standing->store) != 0;
	bool is_put_back = is_other || welcome->last_unknown;
	struct outbox_bytes bytes = { 0 };
	int error = 0;
	outbox_series_of(&outbox->state, outbox->session_run.base, &begin, &end);
	outbox->welcomes = welcome->welcomes;
	outbox->welcomed_ms = monotonic_ms();
	outbox->backoff_ms = 0;
	standing->hindrance = OUTBOX_FREE;
	standing->code = BAOPHU_CODE_NONE;

	uint64_t from = min(lacks_from, standing->answered_to);
	if (is_put_back && standing->first < begin)
		from = standing->first; /* earlier series may be lacking too: all that is kept is asked for again */
	if (from < standing->first) {
		standing->hindrance = OUTBOX_CENTRE_LACKS;
		return 0;
	}
	if (is_put_back || from < standing->answered_to)
		return send_again(outbox, from);

	if (!standing->has_store || standing->has_backup != welcome->has_backup ||
	    (welcome->has_backup && memcmp(&standing->backup, &welcome->backup, sizeof welcome->backup))) {
		outbox_put_centre(&bytes, welcome->store, welcome->has_backup ? &welcome->backup : NULL);
		error = outbox_append_one(outbox, OUTBOX_RECORD_CENTRE, &bytes);
		outbox->pruned_ms = 0;
	}
	if (!error && end == UINT64_MAX && lacks_from > standing->next && !outbox->state.stop_at) {
		/* What is numbered so far gets its receipts, or shows that it is another update; nothing after it may be sent. */
		outbox_put_serial(&bytes, standing->next);
		error = outbox_append_one(outbox, OUTBOX_RECORD_STOP, &bytes);
	}
	rewind_sending(outbox, standing->answered_to);
	return error;
}

/* ---- sending ---- */

/* The next record that is an update or a part: 1 and outbox->record, 0 when there is none yet. */
static int next_to_send(struct outbox *outbox)
{
	int got = 1;
	if (outbox->has_record)
		return 1;
	if (!outbox->sending) {
		got = outbox_seek(outbox, outbox->to_send, &outbox->sending, &outbox->record);
		outbox->has_record = got == 1;
		return got;
	}
	while ((got = spool_cursor_next(outbox->sending, &outbox->record)) == 1)
		if (outbox->record.type == OUTBOX_RECORD_UPDATE || outbox->record.type == OUTBOX_RECORD_PART)
			break;
	outbox->has_record = got == 1;
	return got;
}

static int send_part(struct outbox *outbox, const struct outbox_part_record *part)
{
	const struct outbox_run *run = outbox_run_of(&outbox->state, part->serial);
	const struct session_standing *session = session_standing(outbox->session);
	const uint8_t *stage = NULL;
	size_t stage_bytes = 0;
	/* under its own epoch these are the bytes that were saved */
	ssize_t size = wire_renumber_stage(part->message, part->message_bytes, run->epoch, outbox->scratch, sizeof outbox->scratch,
					   &stage, &stage_bytes);
	if (size < 0)
		return (int)size;
	if (!outbox->is_staging) {
		if (monotonic_ms() < outbox->stage_ms)
			return -EAGAIN;
		outbox->is_staging = session_stage(outbox->session, outbox->scratch, (size_t)size) == 0;
		outbox->stage_ms = monotonic_ms() + (outbox->is_staging ? STAGED_MS : STAGE_MS);
		return -EAGAIN;
	}
	if (!session->has_staged || session->staged.batch != part->serial || session->staged.part != part->part) {
		outbox->is_staging = monotonic_ms() < outbox->stage_ms;
		return -EAGAIN;
	}
	outbox->is_staging = false;
	if (session->staged.code == BAOPHU_CODE_EXPECT) { /* it has lost those before: all parts again */
		rewind_sending(outbox, part->serial);
		return -EAGAIN;
	}
	outbox->stage_ms = 0;
	if (baophu_code_is_retryable(session->staged.code)) {
		outbox->stage_ms = monotonic_ms() + STAGE_MS;
		outbox->state.standing.hindrance = OUTBOX_NOT_NOW;
		outbox->state.standing.code = session->staged.code;
		return -EAGAIN;
	}
	/* Any other word: the update that applies it is refused, and that is its receipt. */
	if (!part->part)
		crypto_generichash_blake2b_init(&outbox->parts_digest, NULL, 0, BAOPHU_DIGEST_BYTES);
	crypto_generichash_blake2b_update(&outbox->parts_digest, stage, stage_bytes);
	outbox->has_parts = true;
	return 0;
}

static int send_update(struct outbox *outbox, const struct outbox_update_record *update)
{
	const struct outbox_run *run = outbox_run_of(&outbox->state, update->serial);
	uint64_t number = outbox_number_of(run, update->serial);
	if (update->epoch == run->epoch && update->number == number)
		return session_push_payload(outbox->session, number, update->payload, update->payload_bytes);
	ssize_t size;
	if (outbox->has_parts) { /* parts of another epoch have another digest */
		struct wire_payload payload;
		enum baophu_code code;
		uint32_t entry;
		int error = outbox_fit_arena(&outbox->arena);
		if (error)
			return error;
		if (wire_decode_payload(&outbox->arena, update->payload, update->payload_bytes, &payload, &code, &entry) < 0)
			return -BAOPHU_EDAMAGED;
		payload.epoch = run->epoch;
		payload.number = number;
		crypto_generichash_blake2b_state digest = outbox->parts_digest;
		crypto_generichash_blake2b_final(&digest, payload.apply.digest, sizeof payload.apply.digest);
		size = wire_encode_payload(&payload, outbox->scratch, sizeof outbox->scratch);
	} else {
		size = wire_renumber_payload(update->payload, update->payload_bytes, run->epoch, number, outbox->scratch,
					     sizeof outbox->scratch);
	}
	return size < 0 ? (int)size : session_push_payload(outbox->session, number, outbox->scratch, (size_t)size);
}

static bool may_send(const struct outbox *outbox)
{
	const struct session_standing *session = outbox->session ? session_standing(outbox->session) : NULL;
	const struct outbox_standing *standing = &outbox->state.standing;
	uint64_t end = outbox_run_end(&outbox->state, standing->answered_to);
	if (!session || !session->is_open || outbox->welcomes != session->welcomes || standing->damage.file[0] ||
	    standing->hindrance == OUTBOX_CENTRE_LACKS)
		return false;
	if (outbox->state.stop_at && outbox->state.stop_at < end)
		end = outbox->state.stop_at;
	uint32_t bytes = session->credit_bytes < WINDOW_BYTES ? session->credit_bytes : WINDOW_BYTES;
	return outbox->to_send < standing->next && outbox->to_send < end && outbox->receipts.used < 2 * RECEIPTS_BYTES &&
	       (!session->unanswered || (session->unanswered < outbox->window && session->unanswered_bytes < bytes));
}

/* Fills the window. Returns how many messages were handed to the session, or an error. When it is not 0 the session must be heard
 * again before its descriptors are polled. */
static int send_some(struct outbox *outbox)
{
	struct outbox_standing *standing = &outbox->state.standing;
	int given = 0;
	while (may_send(outbox)) {
		struct outbox_update_record update;
		struct outbox_part_record part;
		int got = next_to_send(outbox);
		if (got == -BAOPHU_EDAMAGED && outbox->sending)
			standing->damage = *spool_cursor_damage(outbox->sending);
		if (got <= 0)
			return got < 0 ? got : given;
		int error;
		bool was_staging = outbox->is_staging;
		if (outbox_get_part(&outbox->record, &part))
			error = send_part(outbox, &part);
		else if (outbox_get_update(&outbox->record, &update))
			error = send_update(outbox, &update);
		else
			return -BAOPHU_EDAMAGED;
		if (error == -EAGAIN)
			return given + (outbox->is_staging && !was_staging);
		if (error)
			return error;
		outbox->has_record = false;
		if (outbox->record.type == OUTBOX_RECORD_UPDATE) {
			outbox->to_send = update.serial + 1;
			outbox->has_parts = false;
			given++;
		}
	}
	return given;
}

static void see_standing(struct outbox *outbox)
{
	struct outbox_standing *standing = &outbox->state.standing;
	const struct session_standing *session = outbox->session ? session_standing(outbox->session) : NULL;
	standing->is_connected = session && session->is_open;
	if (!session || standing->hindrance == OUTBOX_CENTRE_LACKS)
		return;
	if (standing->damage.file[0]) {
		standing->hindrance = OUTBOX_DAMAGED;
	} else if (!session->is_open) {
		/* what turned it away before still stands until somebody says something else */
		if (standing->hindrance != OUTBOX_TURNED_AWAY && standing->hindrance != OUTBOX_FORK)
			standing->hindrance = session->waiting_for ? OUTBOX_NOT_NOW : OUTBOX_NO_LINK;
	} else if (outbox->state.stop_at) {
		standing->hindrance = OUTBOX_SPOOL_OLDER;
	} else if (!outbox->is_staging) {
		standing->hindrance = session->waiting_for ? OUTBOX_NOT_NOW : OUTBOX_FREE;
	}
	if (standing->hindrance == OUTBOX_NOT_NOW && session->waiting_for)
		standing->code = session->waiting_for;
	else if (standing->hindrance == OUTBOX_FREE || standing->hindrance == OUTBOX_NO_LINK)
		standing->code = BAOPHU_CODE_NONE;
}

/* ---- pruning ---- */

/* Segment i may go when every update before the next one's head has a receipt at a place that the backup has, and that head is old enough. */
static int prune(struct outbox *outbox)
{
	struct outbox_standing *standing = &outbox->state.standing;
	uint32_t segments = spool_standing(outbox->spool)->segments, gone = 0;
	int64_t old_ms = wall_ms() - keep_ms;
	outbox->pruned_ms = monotonic_ms();
	if (!standing->has_backup)
		return 0;
	/* Every update below a head's answered_to was decided at or before its newest receipt's place, unless the centre was put back since. */
	uint64_t safe_to = standing->has_last && standing->last.seq <= standing->backup.seq ? standing->answered_to : 0;
	int error = 0;
	for (uint32_t i = segments; i-- > 1 && !safe_to && !error;) {
		struct outbox_head head;
		if (spool_segment_first(outbox->spool, i) <= outbox->state.again_record)
			break;
		error = outbox_head_of(outbox, i, &head);
		if (!error && head.last_seq && head.last_seq <= standing->backup.seq)
			safe_to = head.answered_to < standing->answered_to ? head.answered_to : standing->answered_to;
	}
	while (gone + 1 < segments && !error) {
		struct outbox_head head;
		error = outbox_head_of(outbox, gone + 1, &head);
		if (error || head.next > safe_to || head.time_ms > old_ms)
			break;
		gone++;
	}
	if (error || !gone)
		return error;
	error = spool_prune(outbox->spool, spool_segment_first(outbox->spool, gone));
	return error ? error : outbox_find_first(outbox);
}

/* An office that is connected for months would never hear of a backup. When all is answered a session is opened anew, once a day, if there is
 * anything that a newer backup could let go. */
static void hear_of_backup(struct outbox *outbox)
{
	const struct outbox_standing *standing = &outbox->state.standing;
	bool is_idle = standing->answered_to == standing->next && !outbox->receipts.used && !outbox->is_staging;
	if (outbox->session && session_standing(outbox->session)->is_open && is_idle &&
	    spool_standing(outbox->spool)->segments > 1 && monotonic_ms() - outbox->welcomed_ms >= WELCOME_AGAIN_MS)
		drop_session(outbox);
}

/* ---- the work ---- */

static int hear_outcomes(struct outbox *outbox, bool *ret_progress)
{
	int error;
	for (int i = 0; i < WORK_OUTCOMES && outbox->session; i++) {
		struct session_outcome outcome;
		int got = session_wait(outbox->session, 0, &outcome);
		if (got < 0) {
			*ret_progress = true;
			return lose_session(outbox, got);
		}
		const struct session_standing *session = session_standing(outbox->session);
		if (session->is_open && outbox->welcomes != session->welcomes) {
			*ret_progress = true;
			error = take_welcome(outbox);
			if (spool_is_no_room(error)) { /* what it says must be remembered before anything is sent */
				drop_session(outbox);
				try_later(outbox);
			}
			if (error || !outbox->session)
				return spool_is_no_room(error) ? 0 : error;
		}
		if (!got)
			return 0;
		keep_receipt(outbox, &outcome);
		*ret_progress = true;
	}
	outbox->has_more = outbox->session != NULL;
	return 0;
}

int outbox_work(struct outbox *outbox)
{
	struct outbox_standing *standing = &outbox->state.standing;
	bool is_progress = true;
	int error = standing->error;
	outbox->has_more = false;
	if (!error && !outbox->spool)
		error = outbox_try_spool(outbox);
	if (error || !outbox->spool)
		return error;
	while (!error && is_progress && !outbox->has_more) {
		is_progress = false;
		if (!outbox->session && outbox->endpoint && monotonic_ms() >= outbox->retry_ms && outbox_start_session(outbox)) {
			try_later(outbox); /* too few descriptors, or memory: it is no worse than no link */
			break;
		}
		error = hear_outcomes(outbox, &is_progress);
		if (!error && receipts_due_ms(outbox) <= monotonic_ms()) {
			error = outbox_save_receipts(outbox);
			/* a run that is answered to its end gives way to the next */
			if (!error && outbox->session &&
			    outbox_run_of(&outbox->state, standing->answered_to)->base != outbox->session_run.base) {
				drop_session(outbox);
				is_progress = true;
			}
		}
		if (!error) {
			int given = send_some(outbox);
			error = given < 0 ? given : 0;
			is_progress = is_progress || given > 0;
		}
	}
	see_standing(outbox);
	if (!error && (!outbox->pruned_ms || monotonic_ms() - outbox->pruned_ms >= PRUNE_MS)) {
		error = prune(outbox);
		hear_of_backup(outbox);
	}
	return error;
}

unsigned outbox_poll(const struct outbox *outbox, struct pollfd ret_descriptors[OUTBOX_DESCRIPTORS], int *ret_timeout_ms)
{
	int64_t now_ms = monotonic_ms(), due_ms = receipts_due_ms(outbox);
	unsigned count = 0;
	if (outbox->state.standing.error || (outbox->spool && !outbox->endpoint)) {
		*ret_timeout_ms = -1;
		return 0;
	}
	if (outbox->session) { /* never without a spool */
		int descriptors[OUTBOX_DESCRIPTORS], timeout_ms;
		session_poll(outbox->session, descriptors, &timeout_ms);
		for (; count < OUTBOX_DESCRIPTORS; count++)
			ret_descriptors[count] = (struct pollfd){ .fd = descriptors[count], .events = POLLIN };
		if (timeout_ms >= 0 && now_ms + timeout_ms < due_ms)
			due_ms = now_ms + timeout_ms;
		if (outbox->has_more)
			due_ms = now_ms;
		else if (may_send(outbox) && outbox->stage_ms < due_ms)
			due_ms = outbox->stage_ms;
	} else if (outbox->retry_ms < due_ms) {
		due_ms = outbox->retry_ms;
	}
	*ret_timeout_ms = due_ms <= now_ms ? 0 : due_ms - now_ms > PRUNE_MS ? PRUNE_MS : (int)(due_ms - now_ms);
	return count;
}

int outbox_wait(struct outbox *outbox, int timeout_ms)
{
	struct pollfd descriptors[OUTBOX_DESCRIPTORS];
	int due_ms;
	unsigned count = outbox_poll(outbox, descriptors, &due_ms);
	if (due_ms < 0 || (timeout_ms >= 0 && timeout_ms < due_ms))
		due_ms = timeout_ms;
	if (poll(descriptors, count, due_ms) < 0)
		return -errno;
	return outbox_work(outbox);
}

/* ---- decisions of people ---- */

int outbox_new_series(struct outbox *outbox)
{
	struct outbox_standing *standing = &outbox->state.standing;
	struct outbox_bytes bytes = { 0 };
	/* A centre that lacks what was pruned here gets all that is left. */
	uint64_t base = standing->hindrance == OUTBOX_CENTRE_LACKS ? standing->first : standing->answered_to;
	if (standing->error)
		return standing->error;
	if (!outbox->spool)
		return -ENOSPC;
	if (outbox->receipts.used) {
		int error = outbox_save_receipts(outbox);
		if (error)
			return error;
		base = base < standing->answered_to ? standing->answered_to : base;
	}
	outbox_put_series(&bytes, outbox_new_epoch(), base, wall_ms());
	int error = outbox_append_one(outbox, OUTBOX_RECORD_SERIES, &bytes);
	if (error)
		return error;
	outbox->saved_to = standing->answered_to;
	if (outbox->answered_from > base)
		outbox_rewind_answered(outbox, base);
	standing->hindrance = outbox->endpoint ? OUTBOX_NO_LINK : OUTBOX_FREE;
	standing->code = BAOPHU_CODE_NONE;
	drop_session(outbox);
	outbox->retry_ms = 0;
	outbox->backoff_ms = 0;
	return 0;
}

int outbox_give_up(struct outbox *outbox)
{
	struct outbox_standing *standing = &outbox->state.standing;
	struct outbox_bytes bytes = { 0 };
	enum baophu_code code = outbox->session ? session_standing(outbox->session)->waiting_for : BAOPHU_CODE_NONE;
	if (standing->error)
		return standing->error;
	if (!code || /* and so without a spool, too */ outbox_run_end(&outbox->state, standing->answered_to) != UINT64_MAX)
		return -BAOPHU_ENOTFOUND;
	if (outbox->receipts.used) {
		int error = outbox_save_receipts(outbox);
		if (error || outbox->receipts.used)
			return error ? error : -EBUSY;
	}
	/* from here on it is certain that the centre has decided none of what waits */
	if (session_abandon(outbox->session) < 0 || standing->answered_to == standing->next)
		return -EBUSY;
	drop_session(outbox);
	outbox->retry_ms = 0;
	outbox_put_given_up(&bytes, standing->answered_to, code);
	int error = outbox_append_one(outbox, OUTBOX_RECORD_GIVEN_UP, &bytes);
	outbox->saved_to = standing->answered_to;
	rewind_sending(outbox, standing->answered_to);
	return error;
}

int outbox_settle_held(struct outbox *outbox, uint64_t serial, bool is_released, uint64_t decision_seq)
{
	const struct outbox_told *told = outbox_told_of(&outbox->state, serial);
	struct outbox_bytes bytes = { 0 };
	if (!told || told->state != OUTBOX_HELD)
		return -BAOPHU_ENOTFOUND;
	outbox_put_settled(&bytes, serial, is_released, decision_seq);
	return outbox_append_one(outbox, OUTBOX_RECORD_SETTLED, &bytes);
}
