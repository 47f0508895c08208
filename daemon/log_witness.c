/* log_witness.c - see log_witness.h.
 *
 * A slot, little endian: magic 8, seq u64, digest 32, first_seq u64, meta digest 16, checksum 16 (BLAKE2b-128 of what is before
 * it). Does not know LMDB. Called by log.c and log_open.c only.
 */
#include "log_witness.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

static const char magic[8] = "bpwitns1";
enum { AT_SEQ = 8, AT_DIGEST = 16, AT_FIRST = 48, AT_META = 56, AT_CHECKSUM = 72, SLOT_BYTES = 88 };

int log_witness_open(int directory, const char *name, bool only_read)
{
	int fd = openat(directory, name, (only_read ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

static bool decode(const uint8_t *slot, struct log_witness *ret_witness)
{
	uint8_t checksum[16];
	uint64_t seq, first;
	crypto_generichash(checksum, sizeof checksum, slot, AT_CHECKSUM, NULL, 0);
	if (memcmp(slot, magic, sizeof magic) != 0 || memcmp(slot + AT_CHECKSUM, checksum, sizeof checksum) != 0)
		return false;
	memcpy(&seq, slot + AT_SEQ, sizeof seq);
	memcpy(&first, slot + AT_FIRST, sizeof first);
	ret_witness->place.seq = le64toh(seq);
	memcpy(ret_witness->place.digest, slot + AT_DIGEST, BAOPHU_DIGEST_BYTES);
	ret_witness->first_seq = le64toh(first);
	memcpy(ret_witness->meta_digest, slot + AT_META, sizeof ret_witness->meta_digest);
	return true;
}

bool log_witness_read(int fd, struct log_witness *ret_witness)
{
	bool found = false;
	for (int i = 0; i < 2; i++) {
		uint8_t slot[SLOT_BYTES];
		struct log_witness witness;
		if (pread(fd, slot, sizeof slot, (off_t)i * LOG_WITNESS_SLOT_BYTES) != (ssize_t)sizeof slot ||
		    !decode(slot, &witness))
			continue;
		if (!found || witness.place.seq >= ret_witness->place.seq)
			*ret_witness = witness;
		found = true;
	}
	return found;
}

void log_witness_write(int fd, unsigned turn, const struct log_witness *witness)
{
	uint8_t slot[SLOT_BYTES];
	uint64_t seq = htole64(witness->place.seq), first = htole64(witness->first_seq);
	memcpy(slot, magic, sizeof magic);
	memcpy(slot + AT_SEQ, &seq, sizeof seq);
	memcpy(slot + AT_DIGEST, witness->place.digest, BAOPHU_DIGEST_BYTES);
	memcpy(slot + AT_FIRST, &first, sizeof first);
	memcpy(slot + AT_META, witness->meta_digest, sizeof witness->meta_digest);
	crypto_generichash(slot + AT_CHECKSUM, 16, slot, AT_CHECKSUM, NULL, 0);
	off_t at = (off_t)(turn & 1) * LOG_WITNESS_SLOT_BYTES;
	ssize_t put = pwrite(fd, slot, sizeof slot, at);
	(void)put;
}

void log_witness_digest_meta(const uint8_t meta[static LOG_META_BYTES], uint8_t ret_digest[static 16])
{
	crypto_generichash(ret_digest, 16, meta, LOG_META_BYTES, NULL, 0);
}
