/* catalogue.h - what a new centre starts with: levels, measures, indicators, the administrator and the country.
 *
 * It is data: one CATALOGUE record of the log at first start. Afterwards only the log speaks; a later version of this file changes no
 * existing centre. Reads nothing, asks nobody.
 */
#pragma once

#include "record.h"

#define CATALOGUE_ROOT_CODE "VN"

/* Adds every entry of the catalogue to a record that was begun; its error, if any, is in the writer. */
void catalogue_write(struct record_writer *writer);
