/* template_parts.h - what template.c and template_rejected.c share. */
#pragma once

#include "template.h"
#include "template_book.h"

/* The rows that came back, on the office's own form. */
int template_draw_rejected(const struct mirror *mirror, const struct sheet *sheet, const struct form *form, const char *path);
