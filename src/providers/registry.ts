import type { Channel } from '../channel.ts';
import type { ProviderConfig } from '../config/config.ts';
import type { Provider } from './provider.ts';
import { createEmailProvider } from './standard/email.ts';
import { createSmsProvider } from './standard/sms.ts';

const ADAPTERS = { sms: createSmsProvider, email: createEmailProvider };

/** The accounts of each channel, in the configured order. */
export type ProviderRegistry = Record<Channel, Provider[]>;

export function createRegistry(configs: ProviderConfig[], timeoutMs: number): ProviderRegistry {
  const providersOf = (channel: Channel) =>
    configs
      .filter((config) => config.channel === channel)
      .map((config) => ADAPTERS[channel](config, timeoutMs));
  return { sms: providersOf('sms'), email: providersOf('email') };
}
