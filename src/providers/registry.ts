import type { Channel } from '../channel.ts';
import type { AccountConfig } from '../config/config.ts';
import { postmark } from './postmark/kind.ts';
import type { Kind, Provider } from './provider.ts';
import { resend } from './resend/kind.ts';
import { sendgrid } from './sendgrid/kind.ts';
import { ses } from './ses/kind.ts';
import { smtp } from './smtp/kind.ts';
import { standard } from './standard/kind.ts';
import { telnyx } from './telnyx/kind.ts';
import { twilio } from './twilio/kind.ts';
import { vonage } from './vonage/kind.ts';

/** Every kind of provider. */
export const KINDS: readonly Kind[] = [
  standard,
  twilio,
  telnyx,
  vonage,
  smtp,
  ses,
  resend,
  sendgrid,
  postmark,
];

/** The accounts of each channel, in the configured order. */
export type ProviderRegistry = Record<Channel, Provider[]>;

/** The kind of a configured account. */
export function kindOf({ kind }: Pick<AccountConfig, 'kind'>): Kind {
  return KINDS.find(({ config }) => config.name === kind) as Kind;
}

/** @param timeoutMs the timeout of one request, in milliseconds. */
export function createRegistry(accounts: AccountConfig[], timeoutMs: number): ProviderRegistry {
  const providers = accounts.map((account) => kindOf(account).create(account, timeoutMs));
  const ofChannel = (channel: Channel) => providers.filter((provider) => provider.channel === channel);
  return { sms: ofChannel('sms'), email: ofChannel('email') };
}
