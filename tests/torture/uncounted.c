/* uncounted.c - the count of events taken out of the client library at link time: those that came are all there are. With it the torture must find
 * a subscriber that was not told of one, or it would find none ever. */
#include "tally.h"

bool __wrap_tally_is_whole(const struct tally *tally);
bool __wrap_tally_is_whole(const struct tally *tally)
{
	(void)tally;
	return true;
}
