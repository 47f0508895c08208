/* reply.c - see reply.h. */
#include "reply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <baophu/status.h>

#include "cli.h"
#include "language.h"
#include "spool.h"

struct writer_options reply_options(const json_t *request)
{
	static const char *const kinds[] = { "table", "csv", "json", "jsonl" };
	const char *lang = json_string_value(json_object_get(request, "lang"));
	const char *output = json_string_value(json_object_get(request, "output"));
	json_int_t width = json_integer_value(json_object_get(request, "width"));
	struct writer_options options = { .kind = WRITER_TABLE,
					  .vietnamese = !lang || strcmp(lang, "vi") == 0,
					  .excel = json_is_true(json_object_get(request, "excel")),
					  .color = json_is_true(json_object_get(request, "color")),
					  .width = width > 0 && width < 10000 ? (unsigned)width : 0 };
	for (int i = 0; output && i < (int)(sizeof kinds / sizeof *kinds); i++)
		if (strcmp(output, kinds[i]) == 0)
			options.kind = (enum writer_kind)i;
	return options;
}

int reply_begin(struct reply *reply, struct control *control, control_client client, const struct writer_options *options)
{
	*reply = (struct reply){ .control = control, .client = client };
	reply->out = open_memstream(&reply->text, &reply->bytes);
	if (!reply->out)
		return -ENOMEM;
	writer_open(&reply->writer, options, reply->out);
	return 0;
}

void reply_say(struct reply *reply, const char *format, ...)
{
	char *text = NULL;
	va_list list;
	va_start(list, format);
	if (vasprintf(&text, format, list) < 0)
		text = NULL;
	va_end(list);
	control_err(reply->control, reply->client, text ? text : strerror(ENOMEM));
	free(text);
}

const char *reply_explain(int error)
{
	return spool_is_no_room(error) ? _("the disk of this machine is full: nothing was saved; make room and report again")
				       : baophu_strerror(error);
}

void reply_end(struct reply *reply, int error, int code)
{
	if (reply->out && fclose(reply->out) != 0 && !error)
		error = -ENOMEM;
	if (error)
		reply_say(reply, "%s", reply_explain(error));
	else if (reply->text)
		control_out(reply->control, reply->client, reply->text);
	control_exit(reply->control, reply->client, error ? CLI_FAILED : code);
	free(reply->text);
	*reply = (struct reply){ 0 };
}

void reply_leave(struct reply *reply)
{
	if (reply->out)
		fclose(reply->out);
	free(reply->text);
	*reply = (struct reply){ 0 };
}
