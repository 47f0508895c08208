/* blind.c - the seal check taken out of the client library at link time: whatever a seal says is what is held. With it the torture must
 * find a subscriber that is wrong without a word, or it would find none ever. */
#include "holding.h"

void __real_holding_seal(struct holding *holding, const struct baophu_seal *seal);
void __wrap_holding_seal(struct holding *holding, const struct baophu_seal *seal);
void __wrap_holding_seal(struct holding *holding, const struct baophu_seal *seal)
{
	struct baophu_seal agreed = *seal;
	agreed.count = holding->count;
	agreed.sum = holding->sum;
	__real_holding_seal(holding, &agreed);
}
