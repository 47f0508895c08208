/* cli.c - messages and exits that commands share; see cli.h. */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <baophu/date.h>
#include <baophu/status.h>

#include "language.h"

void cli_say(const char *format, ...)
{
	va_list arguments;
	fflush(stdout);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	putc('\n', stderr);
}

int cli_fail(const char *what, int error)
{
	cli_say("%s: %s", what, baophu_strerror(error));
	switch (-error) {
	case BAOPHU_ETIMEOUT:
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case EAGAIN:
		return CLI_UNREACHABLE;
	case BAOPHU_EPROTOCOL:
	case BAOPHU_EMALFORMED:
	case BAOPHU_EFORMAT:
		return CLI_PROTOCOL;
	case EINVAL:
		return CLI_USAGE;
	case EINTR:
		return CLI_INTERRUPTED;
	case EACCES:
	case EPERM:
		return CLI_NOT_AUTHORISED;
	default:
		return CLI_FAILED;
	}
}

int cli_wrote(int error) { return error ? cli_fail(_("output"), error) : CLI_OK; }

const char *cli_date(const struct cli *cli, baophu_date date, char buffer[static 11])
{
	return baophu_date_format(date, cli->vietnamese, buffer);
}
