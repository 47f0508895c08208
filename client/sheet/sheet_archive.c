/* sheet_archive.c - see sheet_archive.h. */
#include "sheet_archive.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

struct archive {
	struct sheet_builder *builder;
	zip_t *zip;
	uint64_t entry_count, unpacked_bytes;

	/* Of the part that is being read. */
	XML_Parser parser;
	const char *part;
	const struct archive_handlers *handlers;
	void *context;
	unsigned depth;
	bool is_stopped;
};

static void wrong(struct archive *archive, enum sheet_trouble what, const char *detail)
{
	sheet_builder_wrong(archive->builder, what, SHEET_NOWHERE, SHEET_NOWHERE, "%s", detail);
}

static void damaged(struct archive *archive, zip_error_t *error)
{
	if (zip_error_code_zip(error) == ZIP_ER_MEMORY)
		sheet_builder_no_memory(archive->builder);
	else
		wrong(archive, SHEET_DAMAGED_ZIP, zip_error_strerror(error));
}

void archive_close(struct archive *archive)
{
	if (!archive)
		return;
	if (archive->zip)
		zip_discard(archive->zip);
	free(archive);
}

struct archive *archive_open(const void *bytes, size_t size, struct sheet_builder *builder)
{
	struct archive *archive = calloc(1, sizeof *archive);
	if (!archive) {
		sheet_builder_no_memory(builder);
		return NULL;
	}
	archive->builder = builder;
	zip_error_t error;
	zip_error_init(&error);
	zip_source_t *source = zip_source_buffer_create(bytes, size, 0, &error);
	if (source)
		archive->zip = zip_open_from_source(source, ZIP_RDONLY, &error);
	if (!archive->zip) {
		zip_source_free(source);
		damaged(archive, &error);
	} else {
		archive->entry_count = (uint64_t)zip_get_num_entries(archive->zip, 0);
		if (archive->entry_count > ARCHIVE_ENTRIES_MAX)
			wrong(archive, SHEET_TOO_MANY_PARTS, "zip");
	}
	zip_error_fini(&error);
	if (sheet_builder_error(builder)) {
		archive_close(archive);
		return NULL;
	}
	return archive;
}

/* How many entries have the name of a part (their case does not matter), and the last of them. */
static unsigned find(const struct archive *archive, const char *part, uint64_t *ret_index)
{
	unsigned found = 0;
	for (uint64_t i = 0; i < archive->entry_count; i++) {
		const char *name = zip_get_name(archive->zip, i, ZIP_FL_ENC_RAW);
		if (name && strcasecmp(name, part) == 0) {
			*ret_index = i;
			found++;
		}
	}
	return found;
}

bool archive_has(const struct archive *archive, const char *part)
{
	uint64_t index;
	return find(archive, part, &index) > 0;
}

void archive_stop(struct archive *archive)
{
	archive->is_stopped = true;
	XML_StopParser(archive->parser, XML_FALSE);
}

static const char *without_prefix(const char *name)
{
	const char *colon = strrchr(name, ':');
	return colon ? colon + 1 : name;
}

const char *archive_attribute(const char **attributes, const char *name)
{
	for (; *attributes; attributes += 2)
		if (strcmp(without_prefix(attributes[0]), name) == 0)
			return attributes[1];
	return NULL;
}

/* Expat still calls a handler or two after it was stopped; they come to nothing. */
static void on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
	struct archive *archive = context;
	if (archive->is_stopped)
		return;
	if (++archive->depth > ARCHIVE_DEPTH_MAX)
		wrong(archive, SHEET_TOO_DEEP, archive->part);
	else
		archive->handlers->start(archive->context, archive->depth, without_prefix(name), attributes);
	if (sheet_builder_error(archive->builder))
		archive_stop(archive);
}

static void on_end(void *context, const XML_Char *name)
{
	struct archive *archive = context;
	if (archive->is_stopped)
		return;
	if (archive->handlers->end)
		archive->handlers->end(archive->context, archive->depth, without_prefix(name));
	archive->depth--;
	if (sheet_builder_error(archive->builder))
		archive_stop(archive);
}

static void on_text(void *context, const XML_Char *text, int bytes)
{
	struct archive *archive = context;
	if (!archive->is_stopped && archive->handlers->text)
		archive->handlers->text(archive->context, text, (size_t)bytes);
}

static void on_doctype(void *context, const XML_Char *name, const XML_Char *system, const XML_Char *public, int has_internal)
{
	struct archive *archive = context;
	(void)name, (void)system, (void)public, (void)has_internal;
	wrong(archive, SHEET_DOCTYPE, archive->part);
	archive_stop(archive);
}

static void parse(struct archive *archive, const char *bytes, size_t size, uint64_t fed)
{
	if (XML_Parse(archive->parser, bytes, (int)size, size == 0) == XML_STATUS_ERROR && !archive->is_stopped) {
		if (XML_GetErrorCode(archive->parser) == XML_ERROR_NO_MEMORY)
			sheet_builder_no_memory(archive->builder);
		else
			sheet_builder_wrong(archive->builder, SHEET_DAMAGED_PART, SHEET_NOWHERE, SHEET_NOWHERE, "%s, line %lu",
					    archive->part, (unsigned long)XML_GetCurrentLineNumber(archive->parser));
	}
	/* What expat has not come to the end of, it keeps. */
	int64_t done = XML_GetCurrentByteIndex(archive->parser);
	if (!archive->is_stopped && done >= 0 && fed - (uint64_t)done > ARCHIVE_TAG_BYTES_MAX)
		wrong(archive, SHEET_DAMAGED_PART, archive->part);
}

static bool is_bomb(uint64_t unpacked, uint64_t packed)
{
	return unpacked > ARCHIVE_PART_BYTES_MAX || (unpacked > ARCHIVE_RATIO_FREE_BYTES && unpacked / ARCHIVE_RATIO_MAX > packed);
}

static void unpack(struct archive *archive, uint64_t index, uint64_t packed)
{
	char chunk[16384];
	uint64_t unpacked = 0;
	zip_file_t *file = zip_fopen_index(archive->zip, index, 0);
	if (!file) {
		damaged(archive, zip_get_error(archive->zip));
		return;
	}
	/* To the end even when the handlers have enough: the checksum comes last, and what they have seen is true only if it is right. */
	while (!sheet_builder_error(archive->builder)) {
		int64_t got = zip_fread(file, chunk, sizeof chunk);
		if (got < 0) {
			damaged(archive, zip_file_get_error(file));
			break;
		}
		unpacked += (uint64_t)got;
		archive->unpacked_bytes += (uint64_t)got;
		if (is_bomb(unpacked, packed) || archive->unpacked_bytes > ARCHIVE_BYTES_MAX)
			wrong(archive, SHEET_BOMB, archive->part);
		else if (!archive->is_stopped)
			parse(archive, chunk, (size_t)got, unpacked);
		if (got == 0)
			break;
	}
	zip_fclose(file);
}

void archive_read(struct archive *archive, const char *part, const struct archive_handlers *handlers, void *context)
{
	uint64_t index = 0;
	zip_stat_t stat;
	if (sheet_builder_error(archive->builder))
		return;
	unsigned found = find(archive, part, &index);
	if (found != 1) {
		wrong(archive, found ? SHEET_REPEATED_PART : SHEET_MISSING_PART, part);
		return;
	}
	const uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
	if (zip_stat_index(archive->zip, index, 0, &stat) != 0 || (stat.valid & needed) != needed) {
		wrong(archive, SHEET_DAMAGED_PART, part);
	} else if (stat.encryption_method != ZIP_EM_NONE) {
		wrong(archive, SHEET_ENCRYPTED, part);
	} else if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE) {
		wrong(archive, SHEET_DAMAGED_PART, part);
	} else if (is_bomb(stat.size, stat.comp_size)) {
		wrong(archive, SHEET_BOMB, part);
	}
	if (sheet_builder_error(archive->builder))
		return;

	archive->parser = XML_ParserCreate(NULL);
	if (!archive->parser) {
		sheet_builder_no_memory(archive->builder);
		return;
	}
	archive->part = part;
	archive->handlers = handlers;
	archive->context = context;
	archive->depth = 0;
	archive->is_stopped = false;
	XML_SetUserData(archive->parser, archive);
	XML_SetElementHandler(archive->parser, on_start, on_end);
	XML_SetCharacterDataHandler(archive->parser, on_text);
	XML_SetStartDoctypeDeclHandler(archive->parser, on_doctype);
	unpack(archive, index, stat.comp_size);
	XML_ParserFree(archive->parser);
	archive->parser = NULL;
}
