/* mirror.h - what the centre last said of this office, kept on disk and readable with the link down.
 *
 * The file is the centre's own answers (proto/wire.h), one after the other, under one digest; it is written beside and renamed into place,
 * so there is always the last whole one or none. In memory it is units, measures, plans, grants and figures in plain arrays, sorted to be
 * looked up; coverage records stay encoded and are decoded one at a time, so that some thousand units fit an office's small machine.
 * Decides nothing: form.c and standing.c do, from this. One thread.
 */
#pragma once

#include <stddef.h>

#include "names.h"
#include "reader.h"

enum {
	MIRROR_UNITS_MAX = 8192, /* dated versions of units */
	MIRROR_FORMER_MAX = 32768, /* earlier codes and names */
	MIRROR_GRANTS_MAX = 8192,
	MIRROR_PLANS_MAX = 65536,
	MIRROR_FIGURES_MAX = 262144,
	MIRROR_FIGURE_DAYS = 400, /* figures older than this before the centre's day are not kept */
};

/* One dated version of a unit that this office was granted, or that lies below one. Texts live as long as the mirror. */
struct mirror_unit {
	uint32_t number; /* identity, for ever */
	uint32_t parent; /* index + 1 in `units`; 0: the parent is not this office's */
	uint32_t depth;
	baophu_date from, until; /* until BAOPHU_DATE_NONE: no end */
	const char *code, *name, *level, *parent_code;
	const char *folded; /* the name without marks and case, for matching */
};
/* What a unit of this office was called before, or a unit whose place it took: for suggestions and for dates of then. */
struct mirror_former {
	uint32_t number; /* its own identity: that of `unit` for an earlier code or name of the same unit */
	uint32_t unit; /* index in `units` of what it became */
	baophu_date from, until;
	const char *code, *name, *folded;
};
/* A grant of this office or of another one inside its tree. */
struct mirror_grant {
	uint32_t unit; /* number */
	bool is_ours;
	enum baophu_extent extent; /* ANY: both */
	baophu_date from, until;
	uint64_t seq; /* of two at one unit the newer decides */
	const char *agent;
	uint32_t measure_count; /* 0: all */
	const char *const *measures;
};
struct mirror_plan {
	const char *code, *unit, *target, *issuer, *document;
	enum baophu_plan_kind kind;
	baophu_date from, to;
	int64_t value;
	unsigned decimals;
	uint32_t revision;
};
/* A figure that stands at the centre. */
struct mirror_figure {
	uint32_t unit; /* number */
	uint16_t measure; /* index in names */
	uint8_t extent, status, origin, bound;
	baophu_date from, to;
	int64_t value;
};

struct mirror {
	char agent[BAOPHU_CODE_BYTES_MAX + 1];
	uint8_t store[BAOPHU_STORE_BYTES];
	struct baophu_place place; /* of the coverage */
	baophu_date day; /* the centre's business day */
	int64_t taken_ms; /* Unix; when the centre was last asked and answered, by this machine's clock */
	int64_t complete_ms; /* when everything, not only the figures, was last asked */
	struct names names; /* measures and indicators; `vietnamese` is the caller's to set */
	const struct mirror_unit *units; /* by code, then from */
	const struct mirror_former *former; /* by code, then from */
	const struct mirror_grant *grants; /* by unit, then seq */
	const struct mirror_plan *plans; /* by unit, then target, then from */
	const struct mirror_figure *figures; /* by unit, measure, extent, to, from */
	uint32_t unit_count, former_count, grant_count, plan_count, figure_count, record_count;
	baophu_date figures_from; /* figures of periods that end before are not here */
	struct mirror_private *private;
};

/* Reads the file. 0 and *ret_mirror is the caller's (returns owned). -ENOENT: there is none yet. -BAOPHU_EDAMAGED: not whole, or its digest
 * does not fit: ask the centre again. -BAOPHU_EFORMAT: of a newer program. -ESTALE: of another agent. -BAOPHU_EFULL: beyond the
 * bounds above. -ENOMEM; other errno values. */
int mirror_open(const char *path, const char *agent, struct mirror **ret_mirror);
void mirror_close(struct mirror *mirror); /* takes NULL */

/* ---- looking up; what is returned is borrowed ---- */
/* The unit of this code on the date; NULL. */
const struct mirror_unit *mirror_unit(const struct mirror *mirror, const char *code, baophu_date date);
/* The version of a unit on the date by its number; NULL. */
const struct mirror_unit *mirror_unit_numbered(const struct mirror *mirror, uint32_t number, baophu_date date);
/* Its newest version; NULL. */
const struct mirror_unit *mirror_unit_newest(const struct mirror *mirror, uint32_t number);
/* Index of a measure in names; -1. */
int mirror_measure(const struct mirror *mirror, const char *code);
/* True when this office may report the measure of the unit for figures of this date: the nearest grant up the tree decides, the newest of
 * several there. Else *ret_owner (may be NULL) is the agent who may; "" when nobody may. */
bool mirror_owns(const struct mirror *mirror, const struct mirror_unit *unit, const char *measure, enum baophu_extent extent,
		 baophu_date date, const char **ret_owner);
/* The figure that stands for exactly this slot; NULL: none, as far back as figures_from. */
const struct mirror_figure *mirror_figure(const struct mirror *mirror, uint32_t unit, int measure, enum baophu_extent extent,
					  baophu_date from, baophu_date to);
/* The newest figure of a series that ends on or before the date; NULL. */
const struct mirror_figure *mirror_latest(const struct mirror *mirror, uint32_t unit, int measure, enum baophu_extent extent,
					  baophu_date date);
/* Index of the first plan of the unit with this code, if it has any (plans[index].unit says). */
uint32_t mirror_first_plan(const struct mirror *mirror, const char *unit);
/* The coverage record `index` of record_count (parents first, siblings by code), decoded into the arena, which is reset: it lives until the
 * next call with this arena. -BAOPHU_EFULL: the arena is too small; MIRROR_ARENA_BYTES is enough. */
enum { MIRROR_ARENA_BYTES = 2 << 20 };
int mirror_record(const struct mirror *mirror, uint32_t index, struct wire_arena *arena, struct baophu_record *ret_record);

/* ---- asking the centre again ---- */
struct mirror_refresh;
enum mirror_scope {
	MIRROR_FIGURES, /* coverage and what was reported since; everything when that turns out not to be enough */
	MIRROR_EVERYTHING, /* also units, measures, plans, grants: daily, and when an update was refused or held for one of them */
};
/* Begins; asks nothing yet. `held` is borrowed until the end and may be NULL (then everything is asked), `reader` too. The new file will be
 * `path`. wall_ms: Unix time, for taken_ms. -ENOMEM. */
int mirror_refresh_begin(enum mirror_scope scope, const struct mirror *held, const char *path, const char *agent, int64_t wall_ms,
			 struct reader *reader, struct mirror_refresh **ret_refresh);
/* Does what can be done without waiting: call it again when the reader's link has something, or after MIRROR_STEP_MS. now_ms: a monotonic
 * clock. 0: goes on. 1: done, the file is durable and *ret_mirror is the caller's. Negative: given up, the old file stands:
 * -BAOPHU_ETIMEOUT no answer in time; -BAOPHU_EREFUSED: mirror_refresh_why says what; -BAOPHU_ENOTFOUND: the centre does not know this agent;
 * -BAOPHU_EFULL; errno values of the disk; -ENOMEM. After anything but 0 only mirror_refresh_end may follow. */
enum { MIRROR_STEP_MS = 20, MIRROR_ANSWER_MS = 20000 };
int mirror_refresh_step(struct mirror_refresh *refresh, int64_t now_ms, struct mirror **ret_mirror);
/* The code of an answer that refused, and what was wrong (may be NULL). */
enum baophu_code mirror_refresh_why(const struct mirror_refresh *refresh, struct baophu_detail *ret_detail);
/* Gives everything back, whether it was done or not. Takes NULL. */
void mirror_refresh_end(struct mirror_refresh *refresh);
