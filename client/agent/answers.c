/* answers.c - see answers.h. Texts are put together with line feeds and made into what Windows wants at the end, in one place. */
#include "answers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "language.h"
#include "writer.h"

/* A text being written; the memory stream makes `text` of it. */
struct page {
	FILE *out;
	char *text;
	size_t bytes;
};

static int begin(struct page *page)
{
	*page = (struct page){ 0 };
	page->out = open_memstream(&page->text, &page->bytes);
	return page->out ? 0 : -ENOMEM;
}

/* Byte order mark and CRLF. */
static int end(struct page *page, char **ret_text, size_t *ret_bytes)
{
	int error = fclose(page->out) == 0 ? 0 : -ENOMEM;
	size_t lines = 0, used = 3;
	for (size_t i = 0; !error && i < page->bytes; i++)
		lines += page->text[i] == '\n';
	char *text = error ? NULL : malloc(page->bytes + lines + 4);
	if (text) {
		memcpy(text, "\xef\xbb\xbf", 3);
		for (size_t i = 0; i < page->bytes; i++) {
			if (page->text[i] == '\n')
				text[used++] = '\r';
			text[used++] = page->text[i];
		}
		text[used] = '\0';
		*ret_text = text;
		*ret_bytes = used;
	}
	free(page->text);
	return text ? 0 : -ENOMEM;
}

static const char *number(uint64_t value, const struct answers_about *about, char buffer[static FIELD_BYTES])
{
	const struct field field = field_integer((int64_t)value);
	return field_for_people(&field, about->vietnamese, buffer);
}

static const char *moment(const struct answers_about *about, char buffer[static FIELD_BYTES])
{
	const struct field field = field_time(about->when_ms);
	return field_for_people(&field, about->vietnamese, buffer);
}

static void head(struct page *page, const char *title, const struct answers_about *about)
{
	char buffer[FIELD_BYTES];
	fprintf(page->out, "%s\n\n", title);
	fprintf(page->out, _("File: %s\n"), about->name);
	if (about->batch)
		fprintf(page->out, _("Batch: %llu\n"), (unsigned long long)about->batch);
	fprintf(page->out, _("When: %s\n"), moment(about, buffer));
}

static void say_saved(struct page *page, const struct answers_about *about, uint32_t entries)
{
	char buffer[FIELD_BYTES];
	head(page, _("SAVED"), about);
	fprintf(page->out, _("Figures saved: %s\n"), number(entries, about, buffer));
}

static void say_what_follows(struct page *page, const struct answers_about *about)
{
	fprintf(page->out, "\n%s\n",
		_("These figures are safe on the office's machine. They go to the centre by themselves as soon as there is a link; "
		  "they need not be "
		  "sent again. When the centre has them, this note changes its name and says the number of the receipt."));
	fprintf(page->out, _("If it was the wrong file, have it taken back: baophu-agent undo %llu\n"),
		(unsigned long long)about->batch);
}

int answers_saved(const struct answers_about *about, const struct form *form, char **ret_text, size_t *ret_bytes)
{
	struct page page;
	char added[FIELD_BYTES], changed[FIELD_BYTES], same[FIELD_BYTES];
	int error = begin(&page);
	if (error)
		return error;
	say_saved(&page, about, form->entry_count);
	fprintf(page.out, _("  of these %s new, %s changed, %s as before\n"), number(form->added, about, added),
		number(form->changed, about, changed), number(form->same, about, same));
	if (form->rejected_rows)
		fprintf(page.out, _("Rows that came back: %s; see the folder rejected\n"),
			number(form->rejected_rows, about, added));
	say_what_follows(&page, about);
	return end(&page, ret_text, ret_bytes);
}

int answers_saved_before(const struct answers_about *about, uint32_t entries, char **ret_text, size_t *ret_bytes)
{
	struct page page;
	int error = begin(&page);
	if (error)
		return error;
	say_saved(&page, about, entries);
	say_what_follows(&page, about);
	return end(&page, ret_text, ret_bytes);
}

int answers_received(const struct answers_about *about, const struct outbox_batch *batch, char **ret_text, size_t *ret_bytes)
{
	struct page page;
	char buffer[FIELD_BYTES];
	int error = begin(&page);
	if (error)
		return error;
	head(&page, _("THE CENTRE HAS IT"), about);
	fprintf(page.out, _("Receipt: %llu\n"), (unsigned long long)batch->receipt_seq);
	fprintf(page.out, _("Figures sent: %s\n"), number(batch->entries, about, buffer));
	if (!batch->held && !batch->refused)
		fprintf(page.out, "\n%s\n", _("All of them count."));
	if (batch->held)
		fprintf(page.out, "\n%s\n",
			_("Some wait for a decision of the centre, because it does not know their unit, owner or plan yet. They "
			  "are kept there and "
			  "need not be sent again; TRẠNG THÁI.txt names them."));
	if (batch->refused)
		fprintf(page.out, "\n%s\n",
			_("Some were refused by the centre and do not count. Their rows are in the folder rejected, each with its "
			  "reason: mend them "
			  "there and drop that file into inbox."));
	return end(&page, ret_text, ret_bytes);
}

static void say_remedy(struct page *page)
{
	fprintf(page->out, "\n%s\n",
		_("Mend the cells that are named in the file of these rows beside this note, and drop that file into inbox. Rows "
		  "that are not in it were "
		  "saved and must not be sent again."));
}

int answers_reasons(const struct answers_about *about, const struct form *form, char **ret_text, size_t *ret_bytes)
{
	struct page page;
	char buffer[FIELD_BYTES];
	uint32_t shown = 0, left = 0;
	int error = begin(&page);
	if (error)
		return error;
	head(&page, _("ROWS THAT CAME BACK"), about);
	fprintf(page.out, _("Rows that came back: %s\n"), number(form->rejected_rows, about, buffer));
	fprintf(page.out, _("Figures saved: %s\n"), number(form->entry_count, about, buffer));
	putc('\n', page.out);
	for (uint32_t i = 0; i < form->problem_count; i++) {
		if (form->problems[i].is_notice)
			continue;
		if (shown++ < ANSWERS_LINES_MAX)
			fprintf(page.out, "- %s\n", form->problems[i].text);
		else
			left++;
	}
	if (left)
		fprintf(page.out, _("and %s more\n"), number(left, about, buffer));
	say_remedy(&page);
	return end(&page, ret_text, ret_bytes);
}

int answers_unreadable(const struct answers_about *about, const char *reason, char **ret_text, size_t *ret_bytes)
{
	struct page page;
	int error = begin(&page);
	if (error)
		return error;
	head(&page, _("NOTHING WAS SAVED"), about);
	fprintf(page.out, "\n%s\n", reason);
	fprintf(page.out, "\n%s\n", _("Mend the file and drop it into inbox again."));
	return end(&page, ret_text, ret_bytes);
}

int answers_refused(const struct answers_about *about, const char *const *reasons, uint32_t count, uint32_t rows, char **ret_text,
		    size_t *ret_bytes)
{
	struct page page;
	char buffer[FIELD_BYTES];
	int error = begin(&page);
	if (error)
		return error;
	head(&page, _("THE CENTRE REFUSED ROWS"), about);
	fprintf(page.out, _("Rows that came back: %s\n"), number(rows, about, buffer));
	putc('\n', page.out);
	for (uint32_t i = 0; i < count && i < ANSWERS_LINES_MAX; i++)
		fprintf(page.out, "- %s\n", reasons[i]);
	if (count > ANSWERS_LINES_MAX)
		fprintf(page.out, _("and %s more\n"), number(count - ANSWERS_LINES_MAX, about, buffer));
	say_remedy(&page);
	return end(&page, ret_text, ret_bytes);
}
