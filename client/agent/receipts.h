/* receipts.h - what the centre made of a saved file, told beside it: received, held, refused, and rows that come back.
 *
 * The outbox says which batch has all its receipts; owed.h knows the name it stands under. Refused rows go back in the form they came
 * in: the sheet is read again if it still is what was saved, else a sheet is made of the entries. One at a time, between two reports.
 */
#pragma once

#include "form.h"
#include "office.h"

/* Takes over from an earlier process: every batch that is owed an answer is looked at. */
void receipts_begin(struct office *office);
/* Hears from the outbox which batches are answered. */
void receipts_hear(struct office *office);
/* Tells one, if there is one and nothing else is under way. */
void receipts_tell(struct office *office, int64_t now_ms);
/* When receipts_tell has something to do; INT64_MAX: nothing. */
int64_t receipts_due_ms(const struct office *office);
/* An update that was held is decided: its batch is told anew. */
void receipts_decided(struct office *office, uint64_t serial);
/* A batch to be looked at: it may have its receipts already. */
void receipts_look_at(struct office *office, uint64_t batch);

/* ---- for office.c: the sheet of a REPORT_COMES_BACK was read, could not be read, or something here failed ---- */
void receipts_tell_with_sheet(struct office *office, const struct sheet *sheet, struct form *form);
void receipts_tell_without_sheet(struct office *office);
void receipts_failed(struct office *office);
