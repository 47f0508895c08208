/* language.c - see language.h. Changes the process's locale and LANGUAGE; called once, before anything is printed. */
#include "language.h"

#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_catalogue(const char *directory)
{
	char path[PATH_MAX + 64];
	snprintf(path, sizeof path, "%s/vi/LC_MESSAGES/baophu.mo", directory);
	return access(path, R_OK) == 0;
}

/* Beside the program in a build tree, under share in an installed one: so neither needs to know where the other is. */
static void bind_catalogue(void)
{
	const char *said = getenv("BAOPHU_LOCALEDIR");
	if (said && *said) {
		bindtextdomain("baophu", said);
		return;
	}
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash = length > 0 ? memrchr(self, '/', (size_t)length) : NULL;
	if (slash) {
		*slash = '\0';
		static const char *const beside[] = { "locale", "../share/locale" };
		for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
			char directory[PATH_MAX + 32];
			snprintf(directory, sizeof directory, "%s/%s", self, beside[i]);
			if (has_catalogue(directory)) {
				bindtextdomain("baophu", directory);
				return;
			}
		}
	}
	bindtextdomain("baophu", BAOPHU_LOCALE_INSTALLED);
}

bool language_start(const char *wanted)
{
	static const char *const variables[] = { "BAOPHU_LANG", "LC_ALL", "LC_MESSAGES", "LANG" };
	for (size_t i = 0; (!wanted || !*wanted) && i < sizeof variables / sizeof *variables; i++)
		wanted = getenv(variables[i]);
	bool vietnamese = wanted && strncmp(wanted, "vi", 2) == 0;
	setenv("LANGUAGE", vietnamese ? "vi" : "en", 1);
	if (!setlocale(LC_ALL, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_ALL, "C.UTF-8");
	/* gettext translates nothing while the messages' locale is C; LC_CTYPE alone in UTF-8 is what ssh and Python leave behind. */
	if (strcmp(setlocale(LC_MESSAGES, NULL), "C") == 0)
		setlocale(LC_MESSAGES, "C.UTF-8");
	setlocale(LC_NUMERIC, "C");
	bind_catalogue();
	bind_textdomain_codeset("baophu", "UTF-8");
	textdomain("baophu");
	return vietnamese;
}

bool language_is_utf8(void)
{
	static const char *const variables[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
		const char *said = getenv(variables[i]);
		if (said && *said)
			return strcasestr(said, "utf-8") || strcasestr(said, "utf8");
	}
	return false;
}
