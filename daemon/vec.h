/* vec.h - a growable array of plain structs; the only container the state needs. Zero is a valid empty one. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct vec {
	void *data;
	size_t count, capacity;
};
/* Makes room for `count` more elements of `size` bytes and returns the first new one (zeroed), or NULL (no memory; unchanged). */
void *vec_grow(struct vec *vec, size_t count, size_t size);
int vec_clone(struct vec *to, const struct vec *from, size_t size); /* -ENOMEM */
void vec_finish(struct vec *vec);
/* Appends NUL-terminated text to a pool and returns its offset; UINT32_MAX: no memory. Offset 0 is "". */
uint32_t vec_text(struct vec *pool, const char *text);
#define vec_at(vec, type, index) (&((type *)(vec)->data)[index])
