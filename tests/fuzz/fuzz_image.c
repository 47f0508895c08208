/* fuzz_image.c - any bytes as the answer of the program that reads files: refused, or a sheet that can be asked anything. */
#include "fuzz_sheet.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct sheet *sheet = NULL;
	struct sheet_problem problem;
	void *image = malloc(size ? size : 1);
	require(image != NULL);
	memcpy(image, bytes, size);
	if (sheet_from_image(image, size, &sheet) == 0)
		check_outcome(0, sheet, NULL);
	sheet_destroy(sheet);
	if (size >= sizeof problem) {
		memcpy(&problem, bytes, sizeof problem);
		if (sheet_problem_is_sound(&problem)) {
			char why[SHEET_PROBLEM_BYTES];
			require(*sheet_explain(&problem, NULL, why, sizeof why));
		}
	}
	return 0;
}
