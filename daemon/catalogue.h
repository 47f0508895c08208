/* catalogue.h - what a new centre starts with: levels, measures, indicators, the administrator, the country and the lines that are watched.
 *
 * It is data: one CATALOGUE record of the log at first start. Afterwards only the log speaks; a later version of this file changes nothing
 * that an existing centre has. What it did not know of at all (lines) is added by a record of its own. Reads nothing, asks nobody.
 */
#pragma once

#include "record.h"

#define CATALOGUE_ROOT_CODE "VN"

/* Adds every entry of the catalogue to a record that was begun; its error, if any, is in the writer. */
void catalogue_write(struct record_writer *writer);
/* The lines alone, for a centre that began before there were any. */
void catalogue_write_lines(struct record_writer *writer);
