import type { Channel, ProviderConfig } from '../config.ts';
import { createEmailProvider } from './email.ts';
import type { Provider } from './provider.ts';
import { createSmsProvider } from './sms.ts';

export interface ProviderRegistry {
  /** The provider that a channel's new messages go to. */
  first(channel: Channel): Provider;
  byName(name: string): Provider | undefined;
}

const ADAPTERS = { sms: createSmsProvider, email: createEmailProvider };

export function createRegistry(configs: ProviderConfig[], timeoutMs: number): ProviderRegistry {
  const providers = configs.map((config) => ADAPTERS[config.channel](config, timeoutMs));
  return {
    first: (channel) => {
      const provider = providers.find((candidate) => candidate.channel === channel);
      if (!provider) throw new Error(`No provider for ${channel}`);
      return provider;
    },
    byName: (name) => providers.find((provider) => provider.name === name),
  };
}
