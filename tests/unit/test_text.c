/* test_text.c - codes, names, normalisation and the key under which names meet; and the sentences of errors. */
#include "text.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include <criterion/criterion.h>

#include <baophu/status.h>
#include <baophu/types.h>

static bool is_name(const char *text) { return text_is_name(text, strlen(text)); }
static bool is_code(const char *text) { return text_is_code(text, strlen(text)); }

Test(text, codes)
{
	static const char *const good[] = { "a", "VN", "20044", "nam-2024", "dot1-2024", "bhxh_bb", "a.b", "ABCDEFGHIJKLMNOP",
					    "-", "0" };
	static const char *const bad[] = {
		"", "ABCDEFGHIJKLMNOPQ", "a b", "a/b", "á", "a\n", "a:", "a@", "a[", "a`", "a{", "\x7f", "\xff"
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		cr_assert(is_code(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_assert_not(is_code(bad[i]), "%s", bad[i]);
	cr_assert_not(text_is_code("a\0b", 3));
}

Test(text, alphabet_of_codes_is_exactly_the_documented_one)
{
	for (int byte = 0; byte < 256; byte++) {
		char text[1] = { (char)byte };
		bool is_in = byte && strchr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-", byte);
		cr_assert_eq(text_is_code(text, 1), is_in, "%d", byte);
	}
}

Test(text, names)
{
	static const char *const good[] = { "A Lưới", "Thành phố Cần Thơ", "Đông Sơn", "x", "1234/QĐ-UBND", "a  b", "漢字" };
	static const char *const bad[] = {
		"",
		" a",
		"a ",
		"a\tb",
		"a\nb",
		"\x7f",
		"\xc2\x85" /* C1 */,
		"a\xe2\x80\xa8"
		"b",
		"a\xe2\x80\xa9"
		"b",
		"Ho\xcc\x80"
		"a" /* NFD */,
		"\xff",
		"\xc3",
		"\xc0\x80",
		"\xed\xa0\x80",
		"\xf4\x90\x80\x80",
		"a\x80",
		"a\xcc\x81\xcc\xa3" /* as long in NFC */,
		"\xe2\x84\xab" /* the Angstrom sign, which NFC writes as Å */,
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		cr_assert(is_name(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_assert_not(is_name(bad[i]), "%zu", i);
	cr_assert_not(text_is_name("a\0b", 3));
}

Test(text, names_are_bounded_in_bytes)
{
	char text[BAOPHU_TEXT_BYTES_MAX + 2];
	memset(text, 'a', sizeof text);
	cr_assert(text_is_name(text, BAOPHU_TEXT_BYTES_MAX));
	cr_assert_not(text_is_name(text, BAOPHU_TEXT_BYTES_MAX + 1));
	memcpy(text + BAOPHU_TEXT_BYTES_MAX - 3, "ế", 3);
	cr_assert(text_is_name(text, BAOPHU_TEXT_BYTES_MAX));
	cr_assert_not(text_is_name(text, BAOPHU_TEXT_BYTES_MAX - 1)); /* cut inside a letter */
}

Test(text, normalises)
{
	char buffer[16];
	const char *nfd = "Ho\xcc\x80"
			  "a"; /* o and a combining grave */
	cr_assert_eq(text_to_nfc(nfd, strlen(nfd), buffer, sizeof buffer), 0);
	cr_assert_str_eq(buffer, "Hòa");
	cr_assert_eq(text_to_nfc("", 0, buffer, sizeof buffer), 0);
	cr_assert_str_eq(buffer, "");
	cr_assert_eq(text_to_nfc("\xff", 1, buffer, sizeof buffer), -BAOPHU_EMALFORMED);
	cr_assert_eq(text_to_nfc("a\0b", 3, buffer, sizeof buffer), -BAOPHU_EMALFORMED);
	cr_assert_eq(text_to_nfc("Hòa", 4, buffer, 5), 0);
	cr_assert_eq(text_to_nfc("Hòa", 4, buffer, 4), -BAOPHU_EFULL);
	cr_assert_eq(text_to_nfc("Hòa", 4, buffer, 1), -BAOPHU_EFULL);
	char big[4096];
	memset(big, 'a', sizeof big);
	char out[8192];
	cr_assert_eq(text_to_nfc(big, sizeof big, out, sizeof out), -BAOPHU_EFULL);
}

static void assert_meet(const char *a, const char *b, bool drop_marks)
{
	char x[64], y[64];
	cr_assert_eq(text_fold(a, drop_marks, x, sizeof x), 0);
	cr_assert_eq(text_fold(b, drop_marks, y, sizeof y), 0);
	cr_assert_str_eq(x, y, "%s and %s: %s, %s", a, b, x, y);
}

Test(text, folds_case_form_and_place_of_the_tone)
{
	assert_meet("Hòa", "Hoà", false);
	assert_meet("HÒA BÌNH", "hoà bình", false);
	assert_meet("Thủy", "Thuỷ", false);
	assert_meet("Khỏe", "khoẻ", false);
	assert_meet("Xã Hương Thủy", "xã hương thuỷ", false);
	assert_meet("ĐÔNG SƠN", "Đông Sơn", false);
	assert_meet("Ho\xcc\x80"
		    "a",
		    "Hoà", false);
	assert_meet("Hoàn", "Hòan", false);
}

Test(text, folding_keeps_different_names_apart)
{
	static const char *const names[] = { "hoa",  "hòa",  "hóa",   "mùa",  "mua",     "quý", "quy",
					     "đông", "dông", "hoằng", "khoa", "cần thơ", "oxa", "oax" };
	char keys[sizeof names / sizeof *names][64];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		cr_assert_eq(text_fold(names[i], false, keys[i], sizeof keys[i]), 0);
		for (size_t j = 0; j < i; j++)
			cr_assert_str_neq(keys[i], keys[j], "%s, %s", names[i], names[j]);
	}
}

Test(text, folds_without_marks)
{
	char key[32];
	cr_assert_eq(text_fold("Cần Thơ", true, key, sizeof key), 0);
	cr_assert_str_eq(key, "can tho");
	cr_assert_eq(text_fold("ĐỨC PHỔ", true, key, sizeof key), 0);
	cr_assert_str_eq(key, "duc pho");
	cr_assert_eq(text_fold("\xc0", true, key, sizeof key), -BAOPHU_EMALFORMED);
	cr_assert_eq(text_fold("Cần Thơ", false, key, 9), -BAOPHU_EFULL);
}

Test(text, every_error_has_a_sentence)
{
	static const int errors[] = { 0, -ENOMEM, ENOSPC, -BAOPHU_EMALFORMED, -BAOPHU_ENOTFOUND, -999, 999, INT_MIN, INT_MAX };
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
		const char *sentence = baophu_strerror(errors[i]);
		cr_assert_not_null(sentence);
		cr_assert(sentence[0]);
	}
	for (int code = BAOPHU_EMALFORMED; code <= BAOPHU_ENOTFOUND; code++) {
		cr_assert_str_neq(baophu_strerror(-code), "Unknown error");
		cr_assert_str_eq(baophu_strerror(-code), baophu_strerror(code));
	}
	cr_assert_str_eq(baophu_strerror(-1999), "Unknown error");
	cr_assert_str_eq(baophu_strerror(-ENOENT), strerror(ENOENT));
}
