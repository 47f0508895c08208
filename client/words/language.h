/* language.h - which language the program speaks, and where its catalogue is found.
 *
 * A default Debian has no Vietnamese locale, so the program never relies on one: it runs in any UTF-8 locale, C.UTF-8 if need be,
 * and tells gettext the language itself. Numbers, dates and widths do not come from the locale.
 */
#pragma once

#include <libintl.h>
#include <stdbool.h>

#define _(text) gettext(text)
#define N_(text) (text)

/* Sets the process's locale and catalogue. `wanted` is "vi", "en" or NULL: BAOPHU_LANG, then LC_ALL, LC_MESSAGES, LANG decide.
 * Returns true for Vietnamese. */
bool language_start(const char *wanted);
/* Whether the environment says that the terminal shows UTF-8: texts are UTF-8 anyway, drawing signs need not be. */
bool language_is_utf8(void);
