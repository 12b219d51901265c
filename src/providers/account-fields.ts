import type { AccountConfig } from '../config/config.ts';
import type { Provider } from './provider.ts';

type Field =
  | 'name'
  | 'kind'
  | 'channel'
  | 'isSimulated'
  | 'senders'
  | 'perSecond'
  | 'perSecondPerSender'
  | 'consentReplies';

/** The fields of a provider that come from the configuration of every account. */
export function accountFields(account: AccountConfig): Pick<Provider, Field> {
  const { name, kind, channel, simulated, senders, perSecond, perSecondPerSender, consentReplies } = account;
  return {
    ...{ name, kind, channel, isSimulated: simulated, perSecond, perSecondPerSender, consentReplies },
    senders: senders && new Set(senders),
  };
}
