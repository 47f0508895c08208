/* fuzz_spool.c - any bytes as the segment of a spool: it is opened, or refused with a name; what is read is within the file, and an outbox
 * makes of it a state or refuses it.
 *
 * Checksums are all zero here (crypto_shorthash is wrapped), or nothing that a fuzzer makes would ever be looked into.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <baophu/status.h>

#include "fuzz.h"
#include "outbox_records.h"

int __wrap_crypto_shorthash(unsigned char *out, const unsigned char *in, unsigned long long size, const unsigned char *key);
int __wrap_crypto_shorthash(unsigned char *out, const unsigned char *in, unsigned long long size, const unsigned char *key)
{
	(void)in, (void)size, (void)key;
	memset(out, 0, 8);
	return 0;
}

static char directory[] = "/dev/shm/baophu-fuzz-XXXXXX", path[64];

static void leave(void)
{
	char other[64];
	unlink(path);
	snprintf(other, sizeof other, "%s/lock", directory);
	unlink(other);
	snprintf(other, sizeof other, "%s/witness", directory);
	unlink(other);
	rmdir(directory);
}

static void write_segment(const uint8_t *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	require(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	close(fd);
}

/* Whatever can be asked of a record. False: an outbox would stop here. */
static bool look_into(struct outbox_sum *sum, const struct spool_record *record, bool is_folding)
{
	struct outbox_head head;
	struct outbox_update_record update;
	struct outbox_part_record part;
	struct outbox_batch_record batch;
	struct outbox_receipt_record receipt;
	const uint8_t *end = (const uint8_t *)record->bytes + record->size;
	outbox_get_head(record, &head);
	if (outbox_get_update(record, &update))
		require(update.payload + update.payload_bytes == end);
	if (outbox_get_part(record, &part))
		require(part.message + part.message_bytes == end);
	if (outbox_get_batch(record, &batch))
		require((const uint8_t *)batch.source.note + batch.source.note_bytes == end &&
			strlen(batch.source.name) <= record->size);
	for (size_t at = 0, before = 0; outbox_get_receipt(record, &at, &receipt); before = at) {
		require(at > before && at <= record->size);
		require((const uint8_t *)receipt.suggestion + receipt.suggestion_bytes <= end);
	}
	if (!is_folding || outbox_fold(sum, record) < 0)
		return false;
	const struct outbox_standing *standing = &sum->standing;
	require(standing->answered_to <= standing->next);
	require(outbox_told_below(sum, UINT64_MAX) <= standing->held + standing->refused);
	outbox_run_of(sum, standing->next);
	outbox_run_end(sum, standing->answered_to);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct spool *spool;
	struct spool_damage damage;
	struct spool_cursor *cursor;
	struct spool_record record;
	struct outbox_sum sum = { 0 };
	if (!path[0]) {
		require(mkdtemp(directory) != NULL);
		snprintf(path, sizeof path, "%s/%020d.spool", directory, 1);
		atexit(leave);
	}
	write_segment(bytes, size);
	int error = spool_open(directory, &spool, &damage);
	require(error <= 0);
	require(error != -BAOPHU_EDAMAGED || damage.file[0]);
	if (error)
		return 0;
	require(spool_cursor_open(spool, 0, &cursor) == 0);
	uint64_t read = 0;
	bool is_folding = true;
	int got;
	while ((got = spool_cursor_next(cursor, &record)) == 1) {
		volatile uint8_t sum_of_bytes = 0;
		for (size_t i = 0; i < record.size; i++)
			sum_of_bytes = (uint8_t)(sum_of_bytes + ((const uint8_t *)record.bytes)[i]);
		read += record.size;
		require(read <= size);
		is_folding = look_into(&sum, &record, is_folding);
	}
	require(got == 0);
	spool_cursor_close(cursor);
	spool_close(spool);
	outbox_sum_finish(&sum);
	return 0;
}
