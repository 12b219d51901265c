import type { CallOptions, Provider, SendOutcome } from '../providers/provider.ts';
import type { Claimed } from './claim.ts';

/**
 * One try to hand a message over. Where an earlier try may have reached the provider and the provider does not drop
 * repeats, it is asked before anything is sent again: never a blind second send.
 */
export async function attempt(
  provider: Provider,
  message: Claimed,
  options: CallOptions,
): Promise<SendOutcome> {
  const expired = message.expires_at.getTime() <= Date.now();
  if (!message.may_have_been_sent || (provider.supportsIdempotencyKeys && !expired))
    return provider.send(message, options);
  const found = await provider.lookUp(message.delivery_key, options);
  if (found === 'cannot tell') return uncertain(CANNOT_TELL);
  if (found.found)
    return { outcome: 'accepted', httpStatus: null, providerMessageId: found.providerMessageId };
  return expired ? { ...uncertain(TOO_LATE), outcome: 'rejected' } : provider.send(message, options);
}

/** What is said of a message that may have been sent by a provider that can tell nothing about it; it is not called. */
export const CANNOT_TELL = {
  code: 'may_have_been_sent',
  detail: 'The provider cannot tell whether it has the message',
};
const TOO_LATE = { code: 'expired', detail: 'Its time ran out; the provider does not have it' };

export function uncertain(reason: { code: string; detail: string }): SendOutcome & { outcome: 'unknown' } {
  return { outcome: 'unknown', httpStatus: null, ...reason };
}
