/* outbox_records.c - see outbox_records.h.
 *
 * Layouts, little endian, times in Unix milliseconds:
 *   HEAD      format u16 | time i64 | next u64 | answered_to u64 | place of the newest receipt's seq u64 | AGAIN record u64 | its digest 32 |
 *             flags u8 (1: has a newest receipt, 2: has a store, 4: has a backup) | store 16 | backup's seq u64, digest 32 |
 *             last receipt's time i64 | put back: time i64, serial u64 | stop u64 | agent u8 size, bytes |
 *             series u32 | runs u32: epoch u64, base u64, number u64 each | told u32: serial u64, seq u64, entry u32, code u16, state u8 each
 *   UPDATE    serial u64 | batch u64 | epoch u64 | number u64 | first entry u32 | entries u32 | payload
 *   PART      serial u64 | part u32 | message
 *   BATCH     id u64 | updates u32 | entries u32 | saved i64 | undoes u64 | bytes u64 | inode u64 | modified i64 (ns) | digest 32 |
 *             name u16 size, bytes, NUL | note
 *   RECEIPTS  time i64 | each: serial u64, receipt u16 size, suggestion u8 size, receipt, suggestion
 *   CENTRE    store 16 | has backup u8 | backup's seq u64, digest 32
 *   AGAIN     serial u64 | time i64 | store 16
 *   SERIES    epoch u64 | base u64 | time i64
 *   STOP, SKIP   serial u64
 *   SETTLED   serial u64 | released u8 | seq of the decision u64
 *   GIVEN_UP  serial u64 | code u16
 */
#include "outbox_records.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1, HAS_LAST = 1, HAS_STORE = 2, HAS_BACKUP = 4, RECEIPT_ARENA_BYTES = 1 << 10 };

/* ---- bytes ---- */

void outbox_bytes_finish(struct outbox_bytes *bytes)
{
	free(bytes->bytes);
	*bytes = (struct outbox_bytes){ 0 };
}

static void put(struct outbox_bytes *out, const void *bytes, size_t size)
{
	if (out->has_failed || !size)
		return;
	if (size > out->room - out->used) {
		size_t room = out->room ? out->room : 4096;
		while (room - out->used < size)
			room *= 2;
		uint8_t *more = realloc(out->bytes, room);
		out->has_failed = !more;
		if (!more)
			return;
		out->bytes = more;
		out->room = room;
	}
	memcpy(out->bytes + out->used, bytes, size);
	out->used += size;
}

static void put8(struct outbox_bytes *out, uint8_t value) { put(out, &value, sizeof value); }

static void put16(struct outbox_bytes *out, uint16_t value)
{
	value = htole16(value);
	put(out, &value, sizeof value);
}

static void put32(struct outbox_bytes *out, uint32_t value)
{
	value = htole32(value);
	put(out, &value, sizeof value);
}

static void put64(struct outbox_bytes *out, uint64_t value)
{
	value = htole64(value);
	put(out, &value, sizeof value);
}

/* What is left of a record. Reading past the end gives zeros and remembers it. */
struct rest {
	const uint8_t *at;
	size_t left;
	bool is_short;
};

static struct rest rest_of(const struct spool_record *record) { return (struct rest){ .at = record->bytes, .left = record->size }; }

static const uint8_t *get(struct rest *rest, size_t size)
{
	const uint8_t *at = rest->at;
	if (size > rest->left) {
		rest->is_short = true;
		rest->left = 0;
		return NULL;
	}
	rest->at += size;
	rest->left -= size;
	return at;
}

static void get_bytes(struct rest *rest, void *out, size_t size)
{
	const uint8_t *at = get(rest, size);
	if (at)
		memcpy(out, at, size);
	else
		memset(out, 0, size);
}

static uint8_t get8(struct rest *rest)
{
	uint8_t value;
	get_bytes(rest, &value, sizeof value);
	return value;
}

static uint16_t get16(struct rest *rest)
{
	uint16_t value;
	get_bytes(rest, &value, sizeof value);
	return le16toh(value);
}

static uint32_t get32(struct rest *rest)
{
	uint32_t value;
	get_bytes(rest, &value, sizeof value);
	return le32toh(value);
}

static uint64_t get64(struct rest *rest)
{
	uint64_t value;
	get_bytes(rest, &value, sizeof value);
	return le64toh(value);
}

static bool is_read(const struct rest *rest) { return !rest->is_short && !rest->left; }

/* ---- records ---- */

static void put_place(struct outbox_bytes *out, const struct baophu_place *place)
{
	put64(out, place->seq);
	put(out, place->digest, sizeof place->digest);
}

static void get_place(struct rest *rest, struct baophu_place *ret_place)
{
	ret_place->seq = get64(rest);
	get_bytes(rest, ret_place->digest, sizeof ret_place->digest);
}

/* Receipts that came out of turn are asked for again; what was given up has none and stays so. */
static bool is_for_head(const struct outbox_sum *state, const struct outbox_told *told)
{
	return told->serial < state->standing.answered_to || !told->seq;
}

void outbox_put_head(struct outbox_bytes *out, const struct outbox_sum *state, int64_t now_ms)
{
	const struct outbox_standing *standing = &state->standing;
	uint32_t count = standing->held + standing->refused, told = 0;
	for (uint32_t i = 0; i < count; i++)
		told += is_for_head(state, &state->told[i]);
	put16(out, FORMAT);
	put64(out, (uint64_t)now_ms);
	put64(out, standing->next);
	put64(out, standing->answered_to);
	put64(out, standing->last.seq);
	put64(out, state->again_record);
	put(out, standing->last.digest, sizeof standing->last.digest);
	put8(out, (uint8_t)((standing->has_last ? HAS_LAST : 0) | (standing->has_store ? HAS_STORE : 0) |
			    (standing->has_backup ? HAS_BACKUP : 0)));
	put(out, standing->store, sizeof standing->store);
	put_place(out, &standing->backup);
	put64(out, (uint64_t)standing->last_ms);
	put64(out, (uint64_t)standing->put_back_ms);
	put64(out, standing->put_back_from);
	put64(out, state->stop_at);
	put8(out, (uint8_t)strlen(standing->agent));
	put(out, standing->agent, strlen(standing->agent));
	put32(out, standing->series);
	put32(out, state->run_count);
	for (uint32_t i = 0; i < state->run_count; i++) {
		put64(out, state->runs[i].epoch);
		put64(out, state->runs[i].base);
		put64(out, state->runs[i].number);
	}
	put32(out, told);
	for (uint32_t i = 0; i < count; i++) {
		if (!is_for_head(state, &state->told[i]))
			continue;
		put64(out, state->told[i].serial);
		put64(out, state->told[i].seq);
		put32(out, state->told[i].entry);
		put16(out, state->told[i].code);
		put8(out, state->told[i].state);
	}
}

static bool get_head(struct rest *rest, struct outbox_head *ret_head)
{
	if (get16(rest) != FORMAT)
		return false;
	ret_head->time_ms = (int64_t)get64(rest);
	ret_head->next = get64(rest);
	ret_head->answered_to = get64(rest);
	ret_head->last_seq = get64(rest);
	ret_head->again_record = get64(rest);
	return !rest->is_short;
}

bool outbox_get_head(const struct spool_record *record, struct outbox_head *ret_head)
{
	struct rest rest = rest_of(record);
	return record->type == OUTBOX_RECORD_HEAD && get_head(&rest, ret_head);
}

void outbox_put_update(struct outbox_bytes *out, const struct outbox_update_record *update)
{
	put64(out, update->serial);
	put64(out, update->batch);
	put64(out, update->epoch);
	put64(out, update->number);
	put32(out, update->first_entry);
	put32(out, update->entries);
	put(out, update->payload, update->payload_bytes);
}

bool outbox_get_update(const struct spool_record *record, struct outbox_update_record *ret_update)
{
	struct rest rest = rest_of(record);
	ret_update->serial = get64(&rest);
	ret_update->batch = get64(&rest);
	ret_update->epoch = get64(&rest);
	ret_update->number = get64(&rest);
	ret_update->first_entry = get32(&rest);
	ret_update->entries = get32(&rest);
	ret_update->payload = rest.at;
	ret_update->payload_bytes = rest.left;
	return record->type == OUTBOX_RECORD_UPDATE && !rest.is_short;
}

void outbox_put_part(struct outbox_bytes *out, const struct outbox_part_record *part)
{
	put64(out, part->serial);
	put32(out, part->part);
	put(out, part->message, part->message_bytes);
}

bool outbox_get_part(const struct spool_record *record, struct outbox_part_record *ret_part)
{
	struct rest rest = rest_of(record);
	ret_part->serial = get64(&rest);
	ret_part->part = get32(&rest);
	ret_part->message = rest.at;
	ret_part->message_bytes = rest.left;
	return record->type == OUTBOX_RECORD_PART && !rest.is_short;
}

void outbox_put_batch(struct outbox_bytes *out, const struct outbox_batch_record *batch)
{
	const struct outbox_source *source = &batch->source;
	size_t name_bytes = strlen(source->name);
	put64(out, batch->id);
	put32(out, batch->updates);
	put32(out, batch->entries);
	put64(out, (uint64_t)batch->saved_ms);
	put64(out, source->undoes);
	put64(out, source->bytes);
	put64(out, source->inode);
	put64(out, (uint64_t)source->modified_ns);
	put(out, source->digest, sizeof source->digest);
	put16(out, (uint16_t)name_bytes);
	put(out, source->name, name_bytes + 1);
	put(out, source->note, source->note_bytes);
}

bool outbox_get_batch(const struct spool_record *record, struct outbox_batch_record *ret_batch)
{
	struct rest rest = rest_of(record);
	struct outbox_source *source = &ret_batch->source;
	ret_batch->id = get64(&rest);
	ret_batch->updates = get32(&rest);
	ret_batch->entries = get32(&rest);
	ret_batch->saved_ms = (int64_t)get64(&rest);
	source->undoes = get64(&rest);
	source->bytes = get64(&rest);
	source->inode = get64(&rest);
	source->modified_ns = (int64_t)get64(&rest);
	get_bytes(&rest, source->digest, sizeof source->digest);
	size_t name_bytes = get16(&rest);
	source->name = (const char *)get(&rest, name_bytes + 1);
	source->note = rest.at;
	source->note_bytes = rest.left;
	return record->type == OUTBOX_RECORD_BATCH && !rest.is_short && source->name[name_bytes] == '\0';
}

void outbox_put_receipts(struct outbox_bytes *out, int64_t now_ms) { put64(out, (uint64_t)now_ms); }

void outbox_put_receipt(struct outbox_bytes *out, const struct outbox_receipt_record *receipt)
{
	put64(out, receipt->serial);
	put16(out, receipt->receipt_bytes);
	put8(out, receipt->suggestion_bytes);
	put(out, receipt->receipt, receipt->receipt_bytes);
	put(out, receipt->suggestion, receipt->suggestion_bytes);
}

bool outbox_get_receipt(const struct spool_record *record, size_t *at, struct outbox_receipt_record *ret_receipt)
{
	struct rest rest = rest_of(record);
	if (record->type != OUTBOX_RECORD_RECEIPTS)
		return false;
	get(&rest, *at ? *at : 8);
	if (!rest.left)
		return false;
	ret_receipt->serial = get64(&rest);
	ret_receipt->receipt_bytes = get16(&rest);
	ret_receipt->suggestion_bytes = get8(&rest);
	ret_receipt->receipt = get(&rest, ret_receipt->receipt_bytes);
	ret_receipt->suggestion = (const char *)get(&rest, ret_receipt->suggestion_bytes);
	*at = record->size - rest.left;
	return !rest.is_short && ret_receipt->suggestion_bytes <= BAOPHU_CODE_BYTES_MAX;
}

void outbox_put_centre(struct outbox_bytes *out, const uint8_t store[static BAOPHU_STORE_BYTES], const struct baophu_place *backup)
{
	static const struct baophu_place none;
	put(out, store, BAOPHU_STORE_BYTES);
	put8(out, backup != NULL);
	put_place(out, backup ? backup : &none);
}

void outbox_put_again(struct outbox_bytes *out, uint64_t from, int64_t now_ms, const uint8_t store[static BAOPHU_STORE_BYTES])
{
	put64(out, from);
	put64(out, (uint64_t)now_ms);
	put(out, store, BAOPHU_STORE_BYTES);
}

void outbox_put_series(struct outbox_bytes *out, uint64_t epoch, uint64_t base, int64_t now_ms)
{
	put64(out, epoch);
	put64(out, base);
	put64(out, (uint64_t)now_ms);
}

void outbox_put_serial(struct outbox_bytes *out, uint64_t serial) { put64(out, serial); }

void outbox_put_given_up(struct outbox_bytes *out, uint64_t serial, enum baophu_code code)
{
	put64(out, serial);
	put16(out, (uint16_t)code);
}

void outbox_put_settled(struct outbox_bytes *out, uint64_t serial, bool is_released, uint64_t decision_seq)
{
	put64(out, serial);
	put8(out, is_released);
	put64(out, decision_seq);
}

/* ---- what they add up to ---- */

void outbox_sum_finish(struct outbox_sum *state)
{
	free(state->runs);
	free(state->told);
	*state = (struct outbox_sum){ 0 };
}

uint32_t outbox_told_below(const struct outbox_sum *state, uint64_t serial)
{
	uint32_t low = 0, high = state->standing.held + state->standing.refused;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (state->told[middle].serial < serial)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct outbox_told *outbox_told_of(const struct outbox_sum *state, uint64_t serial)
{
	uint32_t i = outbox_told_below(state, serial);
	return i < state->standing.held + state->standing.refused && state->told[i].serial == serial ? &state->told[i] : NULL;
}

static uint32_t run_index(const struct outbox_sum *state, uint64_t serial)
{
	uint32_t i = state->run_count - 1;
	while (i && state->runs[i].base > serial)
		i--;
	return i;
}

const struct outbox_run *outbox_run_of(const struct outbox_sum *state, uint64_t serial)
{
	return &state->runs[run_index(state, serial)];
}

uint64_t outbox_run_end(const struct outbox_sum *state, uint64_t serial)
{
	uint32_t i = run_index(state, serial);
	if (i + 1 == state->run_count)
		return UINT64_MAX;
	return state->runs[i + 1].base - (state->runs[i + 1].epoch == state->runs[i].epoch);
}

uint64_t outbox_serial_of(const struct outbox_sum *state, uint64_t epoch, uint64_t number)
{
	const struct outbox_run *found = NULL;
	for (uint32_t i = 0; i < state->run_count; i++)
		if (state->runs[i].epoch == epoch && (!found || state->runs[i].number <= number))
			found = &state->runs[i];
	return number - found->number + found->base;
}

void outbox_series_of(const struct outbox_sum *state, uint64_t serial, uint64_t *ret_begin, uint64_t *ret_end)
{
	uint32_t begin = run_index(state, serial), end = begin + 1;
	while (begin && state->runs[begin - 1].epoch == state->runs[begin].epoch)
		begin--;
	while (end < state->run_count && state->runs[end].epoch == state->runs[begin].epoch)
		end++;
	*ret_begin = state->runs[begin].base;
	*ret_end = end < state->run_count ? state->runs[end].base : UINT64_MAX;
}

static bool is_ahead(const struct outbox_sum *state, uint64_t serial)
{
	return state->ahead[serial % OUTBOX_AHEAD / 8] >> serial % 8 & 1;
}

static void set_ahead(struct outbox_sum *state, uint64_t serial, bool is_set)
{
	uint8_t bit = (uint8_t)(1 << serial % 8), *byte = &state->ahead[serial % OUTBOX_AHEAD / 8];
	*byte = (uint8_t)(is_set ? *byte | bit : *byte & ~bit);
}

bool outbox_is_answered(const struct outbox_sum *state, uint64_t serial)
{
	return serial < state->standing.answered_to ||
	       (serial - state->standing.answered_to < OUTBOX_AHEAD && is_ahead(state, serial));
}

static bool is_given_up(const struct outbox_sum *state, uint64_t serial)
{
	const struct outbox_told *told = outbox_told_of(state, serial);
	return told && !told->seq;
}

/* answered_to goes on over what is answered already. */
static void advance(struct outbox_sum *state)
{
	struct outbox_standing *standing = &state->standing;
	while (standing->answered_to < standing->next &&
	       (is_ahead(state, standing->answered_to) || is_given_up(state, standing->answered_to)))
		set_ahead(state, standing->answered_to++, false);
}

static int add_run(struct outbox_sum *state, uint64_t epoch, uint64_t base, uint64_t number)
{
	if (state->run_count == state->run_room) {
		uint32_t room = state->run_room * 2 + 4;
		struct outbox_run *runs = realloc(state->runs, room * sizeof *runs);
		if (!runs)
			return -ENOMEM;
		state->runs = runs;
		state->run_room = room;
	}
	state->runs[state->run_count++] = (struct outbox_run){ .epoch = epoch, .base = base, .number = number };
	state->standing.epoch = epoch;
	return 0;
}

static void count_told(struct outbox_sum *state, uint8_t told, int by)
{
	uint32_t *count = told == OUTBOX_HELD ? &state->standing.held : &state->standing.refused;
	*count += (uint32_t)by;
}

static int add_told(struct outbox_sum *state, const struct outbox_told *told)
{
	uint32_t count = state->standing.held + state->standing.refused, i = outbox_told_below(state, told->serial);
	if (i < count && state->told[i].serial == told->serial)
		return 0;
	if (count == state->told_room) {
		uint32_t room = state->told_room * 2 + 64;
		struct outbox_told *more = realloc(state->told, room * sizeof *more);
		if (!more)
			return -ENOMEM;
		state->told = more;
		state->told_room = room;
	}
	memmove(state->told + i + 1, state->told + i, (count - i) * sizeof *state->told);
	state->told[i] = *told;
	count_told(state, told->state, 1);
	return 0;
}

void outbox_forget_refused(struct outbox_sum *state, uint64_t below)
{
	uint32_t kept = 0, count = state->standing.held + state->standing.refused;
	for (uint32_t i = 0; i < count; i++)
		if (state->told[i].serial >= below || state->told[i].state == OUTBOX_HELD)
			state->told[kept++] = state->told[i];
	state->standing.refused -= count - kept;
}

/* The receipts of `from` and all after it no longer count. */
static void forget_from(struct outbox_sum *state, uint64_t from)
{
	struct outbox_standing *standing = &state->standing;
	uint32_t kept = outbox_told_below(state, from);
	for (uint32_t i = kept, count = standing->held + standing->refused; i < count; i++) {
		if (state->told[i].seq)
			count_told(state, state->told[i].state, -1);
		else
			state->told[kept++] = state->told[i];
	}
	memset(state->ahead, 0, sizeof state->ahead);
	if (from < standing->answered_to)
		standing->answered_to = from;
	standing->has_last = false;
	standing->last = (struct baophu_place){ 0 };
	advance(state);
}

static int fold_head(struct outbox_sum *state, const struct spool_record *record)
{
	struct rest rest = rest_of(record);
	struct outbox_head head;
	struct outbox_standing *standing = &state->standing;
	if (!get_head(&rest, &head))
		return -BAOPHU_EFORMAT;
	outbox_sum_finish(state);
	standing->next = head.next;
	standing->answered_to = head.answered_to;
	standing->last.seq = head.last_seq;
	state->again_record = head.again_record;
	get_bytes(&rest, standing->last.digest, sizeof standing->last.digest);
	uint8_t flags = get8(&rest);
	standing->has_last = flags & HAS_LAST;
	standing->has_store = flags & HAS_STORE;
	standing->has_backup = flags & HAS_BACKUP;
	get_bytes(&rest, standing->store, sizeof standing->store);
	get_place(&rest, &standing->backup);
	standing->last_ms = (int64_t)get64(&rest);
	standing->put_back_ms = (int64_t)get64(&rest);
	standing->put_back_from = get64(&rest);
	state->stop_at = get64(&rest);
	size_t agent_bytes = get8(&rest);
	if (agent_bytes < 1 || agent_bytes > BAOPHU_CODE_BYTES_MAX)
		return -BAOPHU_EDAMAGED;
	get_bytes(&rest, standing->agent, agent_bytes);
	int error = 0;
	standing->series = get32(&rest);
	uint32_t run_count = get32(&rest);
	for (uint32_t i = 0; i < run_count && !rest.is_short && !error; i++) {
		uint64_t epoch = get64(&rest), base = get64(&rest), number = get64(&rest);
		error = add_run(state, epoch, base, number);
	}
	uint32_t told_count = get32(&rest);
	for (uint32_t i = 0; i < told_count && !rest.is_short && !error; i++) {
		struct outbox_told told = { .serial = get64(&rest), .seq = get64(&rest) };
		told.entry = get32(&rest);
		told.code = get16(&rest);
		told.state = get8(&rest);
		if (told.state != OUTBOX_HELD && told.state != OUTBOX_REFUSED)
			return -BAOPHU_EDAMAGED;
		error = add_told(state, &told);
	}
	if (!error && (!is_read(&rest) || !state->run_count || standing->answered_to > standing->next || !standing->next))
		error = -BAOPHU_EDAMAGED;
	return error;
}

static int fold_receipt(struct outbox_sum *state, uint64_t serial, const struct wire_receipt *receipt)
{
	struct outbox_standing *standing = &state->standing;
	if (serial >= standing->next)
		return -BAOPHU_EDAMAGED;
	if (receipt->place.seq >= standing->last.seq) {
		standing->last = receipt->place;
		standing->has_last = true;
	}
	if (outbox_is_answered(state, serial) || serial - standing->answered_to >= OUTBOX_AHEAD)
		return 0;
	if (receipt->verdict != BAOPHU_APPLIED) {
		const struct outbox_told told = { .serial = serial,
						  .seq = receipt->place.seq,
						  .entry = receipt->entry,
						  .code = (uint16_t)receipt->code,
						  .state = receipt->verdict == BAOPHU_HELD ? OUTBOX_HELD : OUTBOX_REFUSED };
		int error = add_told(state, &told);
		if (error)
			return error;
	}
	set_ahead(state, serial, true);
	advance(state);
	return 0;
}

static int fold_receipts(struct outbox_sum *state, const struct spool_record *record)
{
	_Alignas(8) uint8_t room[RECEIPT_ARENA_BYTES];
	struct wire_arena arena = { .base = room, .size = sizeof room };
	struct outbox_receipt_record found;
	struct rest rest = rest_of(record);
	size_t at = 0;
	state->standing.last_ms = (int64_t)get64(&rest);
	while (outbox_get_receipt(record, &at, &found)) {
		struct wire_receipt receipt;
		wire_arena_reset(&arena);
		if (wire_decode_receipt(&arena, found.receipt, found.receipt_bytes, &receipt) < 0)
			return -BAOPHU_EDAMAGED;
		int error = fold_receipt(state, found.serial, &receipt);
		if (error)
			return error;
	}
	return at == record->size || record->size == 8 ? 0 : -BAOPHU_EDAMAGED;
}

static int fold_again(struct outbox_sum *state, const struct spool_record *record)
{
	struct rest rest = rest_of(record);
	struct outbox_standing *standing = &state->standing;
	uint64_t from = get64(&rest);
	standing->put_back_ms = (int64_t)get64(&rest);
	standing->put_back_from = from;
	get_bytes(&rest, standing->store, sizeof standing->store);
	standing->has_store = true;
	standing->has_backup = false;
	standing->backup = (struct baophu_place){ 0 };
	state->again_record = record->number;
	state->stop_at = 0;
	forget_from(state, from);
	return is_read(&rest) ? 0 : -BAOPHU_EDAMAGED;
}

static int fold_series(struct outbox_sum *state, const struct spool_record *record)
{
	struct rest rest = rest_of(record);
	uint64_t epoch = get64(&rest), base = get64(&rest);
	get64(&rest);
	if (!is_read(&rest) || base > state->standing.next)
		return -BAOPHU_EDAMAGED;
	if (base < state->standing.answered_to)
		forget_from(state, base);
	state->stop_at = 0;
	uint64_t before = state->standing.epoch;
	/* one that has nothing left to send is none */
	while (state->run_count && state->runs[state->run_count - 1].base >= base)
		state->run_count--;
	state->standing.series += state->run_count && state->runs[state->run_count - 1].epoch == before;
	int error = add_run(state, epoch, base, 1);
	/* what was given up is not sent in this one either */
	uint32_t count = state->standing.held + state->standing.refused;
	for (uint32_t i = outbox_told_below(state, base); i < count && !error; i++)
		if (!state->told[i].seq)
			error = add_run(state, epoch, state->told[i].serial + 1,
					outbox_number_of(&state->runs[state->run_count - 1], state->told[i].serial));
	return error;
}

static int fold_given_up(struct outbox_sum *state, const struct spool_record *record)
{
	struct rest rest = rest_of(record);
	struct outbox_told told = { .serial = get64(&rest), .entry = UINT32_MAX, .state = OUTBOX_REFUSED };
	told.code = get16(&rest);
	const struct outbox_run *run = outbox_run_of(state, told.serial);
	/* only the oldest that waits, in the current run: everything behind it moves up */
	if (!is_read(&rest) || told.serial != state->standing.answered_to || told.serial >= state->standing.next ||
	    outbox_run_end(state, told.serial) != UINT64_MAX)
		return -BAOPHU_EDAMAGED;
	int error = add_run(state, run->epoch, told.serial + 1, outbox_number_of(run, told.serial));
	if (!error)
		error = add_told(state, &told);
	advance(state);
	return error;
}

static int fold_settled(struct outbox_sum *state, const struct spool_record *record)
{
	struct rest rest = rest_of(record);
	uint64_t serial = get64(&rest);
	bool is_released = get8(&rest);
	uint64_t seq = get64(&rest);
	uint32_t i = outbox_told_below(state, serial), count = state->standing.held + state->standing.refused;
	if (!is_read(&rest))
		return -BAOPHU_EDAMAGED;
	if (i == count || state->told[i].serial != serial || state->told[i].state != OUTBOX_HELD)
		return 0;
	count_told(state, OUTBOX_HELD, -1);
	if (is_released) {
		memmove(state->told + i, state->told + i + 1, (count - i - 1) * sizeof *state->told);
		return 0;
	}
	count_told(state, OUTBOX_REFUSED, 1);
	state->told[i].state = OUTBOX_REFUSED;
	state->told[i].seq = seq;
	return 0;
}

int outbox_fold(struct outbox_sum *state, const struct spool_record *record)
{
	struct rest rest = rest_of(record);
	struct outbox_update_record update;
	struct outbox_part_record part;
	struct outbox_batch_record batch;
	bool is_right = true;
	if (record->type != OUTBOX_RECORD_HEAD && !state->run_count)
		return -BAOPHU_EDAMAGED; /* nothing comes before the head */
	switch ((enum outbox_record)record->type) {
	case OUTBOX_RECORD_HEAD:
		return fold_head(state, record);
	case OUTBOX_RECORD_UPDATE:
		is_right = outbox_get_update(record, &update) && update.serial == state->standing.next;
		state->standing.next += is_right;
		break;
	case OUTBOX_RECORD_PART:
		is_right = outbox_get_part(record, &part) && part.serial == state->standing.next;
		break;
	case OUTBOX_RECORD_BATCH:
		is_right = outbox_get_batch(record, &batch) && batch.id + batch.updates == state->standing.next;
		break;
	case OUTBOX_RECORD_RECEIPTS:
		return fold_receipts(state, record);
	case OUTBOX_RECORD_CENTRE:
		get_bytes(&rest, state->standing.store, sizeof state->standing.store);
		state->standing.has_store = true;
		state->standing.has_backup = get8(&rest);
		get_place(&rest, &state->standing.backup);
		is_right = is_read(&rest);
		break;
	case OUTBOX_RECORD_AGAIN:
		return fold_again(state, record);
	case OUTBOX_RECORD_SERIES:
		return fold_series(state, record);
	case OUTBOX_RECORD_STOP:
		state->stop_at = get64(&rest);
		is_right = is_read(&rest);
		break;
	case OUTBOX_RECORD_SKIP: {
		uint64_t to = get64(&rest);
		is_right = is_read(&rest) && to <= state->standing.next;
		if (is_right && to > state->standing.answered_to) {
			memset(state->ahead, 0, sizeof state->ahead);
			state->standing.answered_to = to;
			advance(state);
		}
		break;
	}
	case OUTBOX_RECORD_SETTLED:
		return fold_settled(state, record);
	case OUTBOX_RECORD_GIVEN_UP:
		return fold_given_up(state, record);
	default:
		return -BAOPHU_EFORMAT;
	}
	return is_right ? 0 : -BAOPHU_EDAMAGED;
}
