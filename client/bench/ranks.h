/* ranks.h - what it costs to keep league tables (baophu_league_*) up to date: cuts of one unit among as many siblings as a province or a country
 * has, and a cut in which everybody speaks and nobody's ratio changed, as each new business day is. Needs no daemon. */
#pragma once

/* Prints the figures. */
void ranks_run(void);
