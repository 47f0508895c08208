/* vec.c - a growable array of plain structs. Grows by half, so that what is kept for growth stays small beside what is used. */
#include "vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void *vec_grow(struct vec *vec, size_t count, size_t size)
{
	if (vec->count + count > vec->capacity) {
		size_t capacity = vec->capacity + vec->capacity / 2 + 8;
		if (capacity < vec->count + count)
			capacity = vec->count + count;
		void *data = realloc(vec->data, capacity * size);
		if (!data)
			return NULL;
		vec->data = data;
		vec->capacity = capacity;
	}
	char *first = (char *)vec->data + vec->count * size;
	memset(first, 0, count * size);
	vec->count += count;
	return first;
}

int vec_clone(struct vec *to, const struct vec *from, size_t size)
{
	*to = (struct vec){ 0 };
	if (!from->count)
		return 0;
	to->data = malloc(from->count * size);
	if (!to->data)
		return -ENOMEM;
	memcpy(to->data, from->data, from->count * size);
	to->count = to->capacity = from->count;
	return 0;
}

void vec_finish(struct vec *vec)
{
	free(vec->data);
	*vec = (struct vec){ 0 };
}

uint32_t vec_text(struct vec *pool, const char *text)
{
	if (!pool->count && !vec_grow(pool, 1, 1))
		return UINT32_MAX;
	size_t bytes = strlen(text);
	if (!bytes)
		return 0;
	size_t offset = pool->count;
	if (offset + bytes + 1 >= UINT32_MAX)
		return UINT32_MAX;
	char *at = vec_grow(pool, bytes + 1, 1);
	if (!at)
		return UINT32_MAX;
	memcpy(at, text, bytes);
	return (uint32_t)offset;
}
