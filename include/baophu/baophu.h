/* baophu.h - the client library's one header. */
#pragma once

#include <baophu/client.h>
#include <baophu/date.h>
#include <baophu/ratio.h>
#include <baophu/status.h>
#include <baophu/types.h>
