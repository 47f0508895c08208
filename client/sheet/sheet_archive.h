/* sheet_archive.h - the XML parts of an .xlsx file, unpacked and parsed piece by piece within bounds.
 *
 * What is refused: parts that unpack to far more than they are (bombs), parts that are there twice, encrypted ones, methods other than
 * stored and deflated, document types and entities, deep nesting, single tags of a megabyte. Nothing outside the archive is ever opened.
 * For files of client/sheet only.
 */
#pragma once

#include "sheet_private.h"

enum {
	ARCHIVE_ENTRIES_MAX = 4096,
	ARCHIVE_PART_BYTES_MAX = 64 << 20, /* one part, unpacked */
	ARCHIVE_BYTES_MAX = 192 << 20, /* everything that is unpacked while one file is read */
	ARCHIVE_RATIO_MAX = 300, /* unpacked to packed, of parts above a megabyte; a sheet of one repeated row reaches 150 */
	ARCHIVE_RATIO_FREE_BYTES = 1 << 20,
	ARCHIVE_DEPTH_MAX = 32,
	ARCHIVE_TAG_BYTES_MAX = 1 << 20,
	ARCHIVE_NAME_BYTES = 256,
};

/* Names come without prefixes, attributes as in expat: name, value, name, value, NULL. The root is at depth 1. */
struct archive_handlers {
	void (*start)(void *context, unsigned depth, const char *name, const char **attributes);
	void (*end)(void *context, unsigned depth, const char *name);
	void (*text)(void *context, const char *text, size_t bytes); /* NULL: not wanted */
};
struct archive;

/* Borrows bytes and builder, where everything that goes wrong is said. NULL: something did. */
struct archive *archive_open(const void *bytes, size_t size, struct sheet_builder *builder);
void archive_close(struct archive *archive);
bool archive_has(const struct archive *archive, const char *part);
/* Reads one part to its end, checksum included, or until something goes wrong; a missing part is. */
void archive_read(struct archive *archive, const char *part, const struct archive_handlers *handlers, void *context);
/* From a handler: the rest of this part is of no interest, and no handler is called again. */
void archive_stop(struct archive *archive);
/* The value of an attribute by its name without prefix; NULL. */
const char *archive_attribute(const char **attributes, const char *name);
