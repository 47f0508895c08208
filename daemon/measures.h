/* measures.h - what is counted: measures, indicators (ratios of two measures) and the tree's levels. Data from the log. Pure. */
#pragma once

#include "record.h"
#include "vec.h"

struct measure {
	uint64_t id;
	uint16_t parent; /* 0: none */
	uint16_t part_count;
	uint8_t kind; /* BAOPHU_STOCK, BAOPHU_FLOW */
	uint32_t name_vi, name_en, unit_vi, unit_en; /* text pool */
	char code[BAOPHU_CODE_BYTES_MAX + 1];
};
struct indicator {
	uint64_t id; /* entry that said the ratio; a name may be newer */
	uint16_t numerator, denominator;
	uint32_t name_vi, name_en;
	char code[BAOPHU_CODE_BYTES_MAX + 1];
};
struct level {
	uint32_t name_vi, name_en;
	char code[BAOPHU_CODE_BYTES_MAX + 1];
};
struct measures {
	struct vec measures, indicators, levels; /* by number; [0] unused */
	struct vec text;
};
void measures_init(struct measures *measures);
void measures_finish(struct measures *measures);
int measures_clone(struct measures *to, const struct measures *from);
int measures_apply(struct measures *measures, const struct entry_measure *entry, uint64_t id);
int measures_apply_indicator(struct measures *measures, const struct entry_indicator *entry, uint64_t id);
int measures_apply_level(struct measures *measures, const struct entry_level *entry);

/* Numbers from 1; 0: no such code. Linear: there are a few dozen, and the ingest path remembers what it looked up. */
uint16_t measures_find(const struct measures *measures, const char *code);
uint16_t measures_find_indicator(const struct measures *measures, const char *code);
uint8_t measures_find_level(const struct measures *measures, const char *code);
static inline uint32_t measures_count(const struct measures *m) { return m->measures.count ? (uint32_t)m->measures.count - 1 : 0; }
static inline uint32_t measures_indicator_count(const struct measures *m)
{
	return m->indicators.count ? (uint32_t)m->indicators.count - 1 : 0;
}
static inline const struct measure *measures_get(const struct measures *m, uint16_t number)
{
	return vec_at(&m->measures, struct measure, number);
}
static inline const struct indicator *measures_indicator(const struct measures *m, uint16_t number)
{
	return vec_at(&m->indicators, struct indicator, number);
}
static inline const struct level *measures_level(const struct measures *m, uint8_t number)
{
	return vec_at(&m->levels, struct level, number);
}
static inline const char *measures_text(const struct measures *m, uint32_t offset) { return (const char *)m->text.data + offset; }
