/* fuzz_xlsx.c - any bytes as a workbook: an archive as it is, or, when the bytes are no archive, one made of the parts that they describe
 * ("=== NAME" before each), so that the XML readers are reached without guessing checksums. */
#include "fuzz_sheet.h"
#include "workbook.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct sheet *sheet = NULL;
	struct sheet_problem problem = { 0 };
	void *made = NULL;
	if (size < 2 || memcmp(bytes, "PK", 2) != 0) {
		made = workbook_of_text((const char *)bytes, size, &size);
		if (!made)
			return 0;
		bytes = made;
	}
	int error = sheet_read_xlsx(bytes, size, &sheet, &problem);
	check_outcome(error, sheet, &problem);
	sheet_destroy(sheet);
	free(made);
	return 0;
}
