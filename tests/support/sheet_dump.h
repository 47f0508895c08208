/* sheet_dump.h - a sheet as text, a line a cell: "B5 NUMBER 1065565", "D3 copy TEXT BHYT". */
#pragma once

#include "sheet.h"

/* Returns owned. */
char *sheet_dump(const struct sheet *sheet);
/* The whole file; owned, a NUL after it. Ends the test when there is none. */
char *read_file(const char *path, size_t *ret_size);
