/* sheet_read.c - what a file is, by its bytes: its name says only what somebody called it. See sheet.h. */
#include <errno.h>
#include <string.h>

#include <baophu/status.h>

#include "language.h"
#include "sheet_private.h"

static bool contains(const void *bytes, size_t size, const char *word)
{
	char wide[64]; /* as in the directory of an OLE file: UTF-16 */
	size_t length = strlen(word);
	for (size_t i = 0; i < length; i++) {
		wide[2 * i] = word[i];
		wide[2 * i + 1] = 0;
	}
	return memmem(bytes, size, wide, 2 * length) != NULL;
}

/* A page or an XML file begins with a bracket; a table does not. */
static bool is_markup(const char *bytes, size_t size)
{
	size_t at = size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	while (at < size && at < 1024 && strchr(" \t\r\n", bytes[at]) && bytes[at])
		at++;
	return at + 1 < size && bytes[at] == '<' &&
	       (bytes[at + 1] == '!' || bytes[at + 1] == '?' || (bytes[at + 1] | 0x20) == 'h' || (bytes[at + 1] | 0x20) == 't' ||
		(bytes[at + 1] | 0x20) == 'm');
}

int sheet_read(const void *bytes, size_t size, struct sheet **ret_sheet, struct sheet_problem *ret_problem)
{
	static const struct {
		const char *start;
		size_t length;
		const char *what;
	} others[] = { { "%PDF", 4, N_("a PDF") },
		       { "\x89PNG", 4, N_("a picture") },
		       { "\xff\xd8\xff", 3, N_("a picture") },
		       { "{\\rtf", 5, N_("a Word document") },
		       { "Rar!", 4, N_("an archive") },
		       { "7z\xbc\xaf", 4, N_("an archive") },
		       { "\x1f\x8b", 2, N_("an archive") } };
	static const char ole[] = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
	*ret_problem = (struct sheet_problem){ .row = SHEET_NOWHERE, .column = SHEET_NOWHERE };
	if (size > SHEET_FILE_BYTES_MAX) {
		ret_problem->what = SHEET_TOO_BIG;
		return -BAOPHU_EMALFORMED;
	}
	if (size >= 4 && (memcmp(bytes, "PK\3\4", 4) == 0 || memcmp(bytes, "PK\5\6", 4) == 0))
		return sheet_read_xlsx(bytes, size, ret_sheet, ret_problem);
	const char *other = is_markup(bytes, size) ? N_("a web page or XML file") : NULL;
	for (size_t i = 0; i < sizeof others / sizeof *others && !other; i++)
		if (size >= others[i].length && memcmp(bytes, others[i].start, others[i].length) == 0)
			other = others[i].what;
	if (size >= sizeof ole - 1 && memcmp(bytes, ole, sizeof ole - 1) == 0) {
		ret_problem->what = contains(bytes, size, "EncryptedPackage") ? SHEET_ENCRYPTED : SHEET_OLD_EXCEL;
		if (contains(bytes, size, "WordDocument"))
			other = N_("a Word document");
	}
	if (other) {
		ret_problem->what = SHEET_OTHER_DOCUMENT;
		memcpy(ret_problem->detail, other, strlen(other) + 1);
	}
	return ret_problem->what ? -BAOPHU_EMALFORMED : sheet_read_csv(bytes, size, ret_sheet, ret_problem);
}
