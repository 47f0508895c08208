/* workbook.c - see workbook.h. */
#include "workbook.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

void *workbook_zip(const struct workbook_part *parts, size_t count, bool is_packed, size_t *ret_size)
{
	zip_error_t error;
	zip_stat_t stat;
	zip_error_init(&error);
	zip_source_t *file = zip_source_buffer_create(NULL, 0, 0, &error);
	assert(file);
	zip_t *zip = zip_open_from_source(file, ZIP_TRUNCATE, &error);
	assert(zip);
	zip_source_keep(file);
	for (size_t i = 0; i < count; i++) {
		zip_source_t *source = zip_source_buffer(zip, parts[i].bytes, parts[i].size, 0);
		int64_t index = source ? zip_file_add(zip, parts[i].name, source, ZIP_FL_ENC_UTF_8) : -1;
		if (index < 0) /* a name that is there already, or none at all */
			zip_source_free(source);
		else
			zip_set_file_compression(zip, (uint64_t)index, is_packed ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
	}
	if (zip_close(zip) != 0) { /* nothing in it: then there is no file */
		zip_discard(zip);
		zip_source_free(file);
		return NULL;
	}
	if (zip_source_open(file) != 0 || zip_source_stat(file, &stat) != 0) {
		zip_source_free(file);
		return NULL;
	}
	void *bytes = malloc(stat.size ? stat.size : 1);
	assert(bytes && zip_source_read(file, bytes, stat.size) == (int64_t)stat.size);
	zip_source_close(file);
	zip_source_free(file);
	*ret_size = stat.size;
	return bytes;
}

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
#define MAIN "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define OFFICE "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define PACKAGE "http://schemas.openxmlformats.org/package/2006/relationships"

void *workbook_make(const struct workbook_tab *tabs, size_t tab_count, const char *texts, const char *styles, const char *book,
		    size_t *ret_size)
{
	enum { PARTS_MAX = 40 };
	struct workbook_part parts[PARTS_MAX];
	char *owned[PARTS_MAX], *workbook = NULL, *relations = NULL, *names[PARTS_MAX];
	size_t count = 0, size;
	FILE *into = open_memstream(&workbook, &size), *links = open_memstream(&relations, &(size_t){ 0 });
	assert(into && links && tab_count + 5 < PARTS_MAX);
	fprintf(into, XML "<workbook xmlns=\"" MAIN "\" xmlns:r=\"" OFFICE "\">%s<sheets>", book ? book : "");
	fprintf(links, XML "<Relationships xmlns=\"" PACKAGE "\">");
	for (size_t i = 0; i < tab_count; i++) {
		fprintf(into, "<sheet name=\"%s\" sheetId=\"%zu\" r:id=\"rId%zu\"%s%s%s/>", tabs[i].name, i + 1, i + 1,
			tabs[i].state ? " state=\"" : "", tabs[i].state ? tabs[i].state : "", tabs[i].state ? "\"" : "");
		fprintf(links, "<Relationship Id=\"rId%zu\" Type=\"" OFFICE "/worksheet\" Target=\"worksheets/sheet%zu.xml\"/>",
			i + 1, i + 1);
		assert(asprintf(&names[count], "xl/worksheets/sheet%zu.xml", i + 1) > 0);
		assert(asprintf(&owned[count], XML "<worksheet xmlns=\"" MAIN "\">%s</worksheet>", tabs[i].xml) > 0);
		count++;
	}
	if (texts) {
		fprintf(links, "<Relationship Id=\"t\" Type=\"" OFFICE "/sharedStrings\" Target=\"sharedStrings.xml\"/>");
		names[count] = strdup("xl/sharedStrings.xml");
		assert(asprintf(&owned[count++], XML "<sst xmlns=\"" MAIN "\">%s</sst>", texts) > 0);
	}
	if (styles) {
		fprintf(links, "<Relationship Id=\"s\" Type=\"" OFFICE "/styles\" Target=\"/xl/styles.xml\"/>");
		names[count] = strdup("xl/styles.xml");
		assert(asprintf(&owned[count++], XML "<styleSheet xmlns=\"" MAIN "\">%s</styleSheet>", styles) > 0);
	}
	fprintf(into, "</sheets></workbook>");
	fprintf(links, "</Relationships>");
	fclose(into);
	fclose(links);
	names[count] = strdup("xl/workbook.xml");
	owned[count++] = workbook;
	names[count] = strdup("xl/_rels/workbook.xml.rels");
	owned[count++] = relations;
	names[count] = strdup("_rels/.rels");
	owned[count++] = strdup(XML "<Relationships xmlns=\"" PACKAGE "\"><Relationship Id=\"a\" Type=\"" OFFICE
				    "/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>");
	for (size_t i = 0; i < count; i++)
		parts[i] = (struct workbook_part){ names[i], owned[i], strlen(owned[i]) };
	void *bytes = workbook_zip(parts, count, true, ret_size);
	for (size_t i = 0; i < count; i++) {
		free(names[i]);
		free(owned[i]);
	}
	return bytes;
}

void *workbook_of_text(const char *text, size_t size, size_t *ret_size)
{
	enum { PARTS_MAX = 32, NAME_BYTES = 100 };
	static const char mark[] = "=== ";
	struct workbook_part parts[PARTS_MAX];
	char names[PARTS_MAX][NAME_BYTES];
	size_t count = 0;
	const char *end = text + size;
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *next = newline ? newline + 1 : end;
		if ((size_t)(next - text) > sizeof mark - 1 && memcmp(text, mark, sizeof mark - 1) == 0) {
			if (count == PARTS_MAX)
				break;
			snprintf(names[count], NAME_BYTES, "%.*s", (int)(next - text - sizeof mark + (newline ? 0 : 1)),
				 text + sizeof mark - 1);
			parts[count] = (struct workbook_part){ names[count], next, 0 };
			count++;
		} else if (count) {
			parts[count - 1].size = (size_t)(next - (const char *)parts[count - 1].bytes);
		}
		text = next;
	}
	return count ? workbook_zip(parts, count, false, ret_size) : NULL;
}
