import type { Provider, SendOutcome } from '../providers/provider.ts';
import type { Claimed } from './claim.ts';

/**
 * One try to hand a message over. Where an earlier try may have reached the provider and the provider does not drop
 * repeats, it is asked before anything is sent again: never a blind second send.
 */
export async function attempt(provider: Provider, message: Claimed): Promise<SendOutcome> {
  if (!message.may_have_been_sent || provider.honoursKeys) return provider.send(message);
  const found = await provider.lookUp(message.delivery_key);
  if (found === 'cannot tell') {
    return {
      outcome: 'unknown',
      httpStatus: null,
      code: 'may_have_been_sent',
      detail: 'The provider cannot tell whether it has the message',
    };
  }
  if (found.found)
    return { outcome: 'accepted', httpStatus: null, providerMessageId: found.providerMessageId };
  return provider.send(message);
}
