/* text.h - what a code and a text may look like (checked at every door: wire and imports). Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* 1..16 bytes of [0-9A-Za-z._-]. */
bool text_is_code(const char *text, size_t bytes);
/* Valid UTF-8 in NFC, 1..200 bytes, no control characters (C0, DEL, C1), no U+2028/2029, no leading or trailing space. */
bool text_is_name(const char *text, size_t bytes);
/* Writes `text` in NFC, NUL-terminated, into `buffer`; -BAOPHU_EMALFORMED for invalid UTF-8 or an embedded NUL, -BAOPHU_EFULL when
 * it does not fit (or decomposes into more than 2,048 code points). */
int text_to_nfc(const char *text, size_t bytes, char *buffer, size_t size);
/* A key for matching names however they were typed: NFC, lower case, old and new tone placement alike (Hòa, Hoà), marks kept.
 * With `drop_marks`, also without marks and đ as d ("can tho"). Same errors as text_to_nfc. */
int text_fold(const char *text, bool drop_marks, char *buffer, size_t size);
/* How many bytes of `text` to show when at most `max` fit: the longest head that ends between letters. */
size_t text_cut(const char *text, size_t max);
