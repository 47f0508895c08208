/* rows.h - the way back from an entry to the row that it came from: kept beside a batch in the outbox, and sheets made of entries where there is
 * no sheet (a figure typed as a command, a file that is gone). Pure.
 */
#pragma once

#include <stdio.h>

#include "wire.h"

enum { ROWS_NOTE_BYTES = 8 }; /* of each entry */
/* Writes the place of entry `index` into a note of ROWS_NOTE_BYTES for each. */
void rows_note(uint8_t *note, uint32_t index, uint32_t row, uint32_t column);
/* Reads it; false: the note says nothing of this entry. */
bool rows_place(const void *note, size_t note_bytes, uint32_t index, uint32_t *ret_row, uint32_t *ret_column);

/* A sheet as text, with headings that form.h knows: the heading, then a row for each figure or published rate; other entries give none. */
void rows_write_heading(FILE *out);
void rows_write_entry(FILE *out, const struct wire_entry *entry);
/* One cell, in quotes if need be, and what comes after it: ',' or '\n'. */
void rows_write_cell(FILE *out, const char *text, char after);
/* The text of a problem without the name of the cell that it begins with. Borrows. */
const char *rows_without_cell(const char *text);
