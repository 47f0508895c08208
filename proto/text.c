/* text.c - what a code and a text may look like, and the key under which names typed in different ways meet.
 *
 * Does no I/O, allocates nothing and knows no locale: a name is judged the same way on every machine. Code points are held on the
 * stack, so a text longer than any of ours is refused as too long instead of being normalised in pieces.
 */
#include "text.h"

#include <stdint.h>
#include <string.h>
#include <utf8proc.h>

#include <baophu/status.h>
#include <baophu/types.h>

enum {
	POINTS_MAX = 2048, /* decomposed code points of one text */
	GRAVE = 0x300,
	ACUTE = 0x301,
	TILDE = 0x303,
	HOOK = 0x309,
	DOT_BELOW = 0x323,
};

bool text_is_code(const char *text, size_t bytes)
{
	static const bool in_alphabet[256] = {
		['.'] = true, ['_'] = true, ['-'] = true, ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
	};
	if (bytes < 1 || bytes > BAOPHU_CODE_BYTES_MAX)
		return false;
	for (size_t i = 0; i < bytes; i++)
		if (!in_alphabet[(uint8_t)text[i]])
			return false;
	return true;
}

/* Canonical decomposition into `points`; the number of points or a negative code. */
static int64_t decompose(const char *text, size_t bytes, utf8proc_int32_t points[static POINTS_MAX])
{
	if (memchr(text, 0, bytes))
		return -BAOPHU_EMALFORMED;
	utf8proc_ssize_t count = utf8proc_decompose((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)bytes, points, POINTS_MAX,
						    UTF8PROC_DECOMPOSE | UTF8PROC_STABLE);
	if (count < 0)
		return -BAOPHU_EMALFORMED;
	return count > POINTS_MAX ? -BAOPHU_EFULL : count;
}

/* Composes `points` in place and writes them as UTF-8 with a NUL; the bytes without it, or a negative code. */
static int64_t compose(utf8proc_int32_t *points, int64_t count, char *buffer, size_t size)
{
	utf8proc_ssize_t composed = utf8proc_normalize_utf32(points, count, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
	if (composed < 0)
		return -BAOPHU_EMALFORMED;
	size_t used = 0;
	for (utf8proc_ssize_t i = 0; i < composed; i++) {
		utf8proc_uint8_t encoded[4];
		size_t bytes = (size_t)utf8proc_encode_char(points[i], encoded);
		if (size - used <= bytes)
			return -BAOPHU_EFULL;
		memcpy(buffer + used, encoded, bytes);
		used += bytes;
	}
	if (used >= size)
		return -BAOPHU_EFULL;
	buffer[used] = 0;
	return (int64_t)used;
}

static bool is_ascii(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if ((uint8_t)text[i] >= 0x80)
			return false;
	return true;
}

/* Valid UTF-8 without anything that moves a cursor or breaks a line. */
static bool is_printable(const char *text, size_t bytes)
{
	const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)text;
	utf8proc_ssize_t left = (utf8proc_ssize_t)bytes;
	while (left > 0) {
		utf8proc_int32_t point;
		utf8proc_ssize_t length = utf8proc_iterate(at, left, &point);
		if (length < 1 || point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029)
			return false;
		at += length;
		left -= length;
	}
	return true;
}

bool text_is_name(const char *text, size_t bytes)
{
	if (bytes < 1 || bytes > BAOPHU_TEXT_BYTES_MAX || text[0] == ' ' || text[bytes - 1] == ' ' || !is_printable(text, bytes))
		return false;
	if (is_ascii(text, bytes))
		return true;
	utf8proc_int32_t points[POINTS_MAX];
	char composed[BAOPHU_TEXT_BYTES_MAX + 1];
	int64_t count = decompose(text, bytes, points);
	if (count < 0 || compose(points, count, composed, sizeof composed) != (int64_t)bytes)
		return false;
	return memcmp(text, composed, bytes) == 0;
}

int text_to_nfc(const char *text, size_t bytes, char *buffer, size_t size)
{
	utf8proc_int32_t points[POINTS_MAX];
	int64_t count = decompose(text, bytes, points);
	if (count >= 0)
		count = compose(points, count, buffer, size);
	return count < 0 ? (int)count : 0;
}

static bool is_tone(utf8proc_int32_t point)
{
	return point == GRAVE || point == ACUTE || point == TILDE || point == HOOK || point == DOT_BELOW;
}

static bool is_mark(utf8proc_int32_t point) { return utf8proc_category(point) == UTF8PROC_CATEGORY_MN; }

/* "hòa" and "hoà" are one word: in oa, oe and uy the tone goes to the second vowel, where most words have it anyway. */
static void place_tones(utf8proc_int32_t *points, int64_t count)
{
	for (int64_t i = 0; i + 2 < count; i++) {
		utf8proc_int32_t first = points[i], tone = points[i + 1], second = points[i + 2];
		bool is_pair = (first == 'o' && (second == 'a' || second == 'e')) || (first == 'u' && second == 'y');
		bool is_second_marked = i + 3 < count && is_mark(points[i + 3]);
		if (is_pair && is_tone(tone) && !is_second_marked) {
			points[i + 1] = second;
			points[i + 2] = tone;
		}
	}
}

int text_fold(const char *text, bool drop_marks, char *buffer, size_t size)
{
	utf8proc_int32_t points[POINTS_MAX];
	int64_t count = decompose(text, strlen(text), points);
	if (count < 0)
		return (int)count;
	for (int64_t i = 0; i < count; i++)
		points[i] = utf8proc_tolower(points[i]);
	if (drop_marks) {
		int64_t kept = 0;
		for (int64_t i = 0; i < count; i++)
			if (!is_mark(points[i]))
				points[kept++] = points[i] == 0x111 /* đ, which has no decomposition */ ? 'd' : points[i];
		count = kept;
	} else {
		place_tones(points, count);
	}
	count = compose(points, count, buffer, size);
	return count < 0 ? (int)count : 0;
}

size_t text_cut(const char *text, size_t max)
{
	size_t length = strnlen(text, max + 1);
	if (length <= max)
		return length;
	for (length = max; length && ((uint8_t)text[length] & 0xc0) == 0x80;)
		length--;
	return length;
}
