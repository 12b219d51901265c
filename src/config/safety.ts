import type { Config } from './config.ts';

/**
 * Why a configuration that is well-formed must not be served with.
 *
 * @param faulty the variables that have a fault of their own: nothing is said of what follows from those.
 */
export function unsafe(config: Config, faulty: ReadonlySet<string>): string[] {
  const reasons = [
    ...oneNameEach(config),
    ...onePortEach(config),
    ...(config.production ? open(config) : reachable(config)),
  ];
  return reasons
    .filter(({ variables }) => !variables.some((variable) => faulty.has(variable)))
    .map(({ variables, reason }) => `${variables[0]}: ${reason}`);
}

/** The first variable is the one to mend. */
interface Reason {
  variables: string[];
  reason: string;
}

function oneNameEach({ providers }: Config): Reason[] {
  const names = new Set(providers.map(({ name }) => name));
  if (names.size === providers.length) return [];
  return [
    {
      variables: ['EMAIL_PROVIDERS', 'SMS_PROVIDERS'],
      reason: 'a name stands for one provider only, also of SMS_PROVIDERS',
    },
  ];
}

function onePortEach({ port, simulatorPort }: Config): Reason[] {
  if (port !== simulatorPort) return [];
  const reason = `is ${port}, the same as SIMULATOR_PORT: set one of them to another port`;
  return [{ variables: ['PORT', 'SIMULATOR_PORT'], reason }];
}

function open({ apiKeys, providers }: Config): Reason[] {
  const missing = providers.flatMap(({ name, channel, simulated, webhookSecrets }) => {
    if (simulated) return [`${channel.toUpperCase()}_PROVIDERS`];
    return webhookSecrets.length === 0 ? [`${prefixOf(name)}_WEBHOOK_SECRETS`] : [];
  });
  return [
    ...(apiKeys.length === 0 ? [['API_KEYS', 'API_KEYS_FILE']] : []),
    ...missing.map((variable) => [variable]),
  ].map((variables) => ({ variables, reason: 'must be set in production' }));
}

function reachable({ host, apiKeys }: Config): Reason[] {
  if (apiKeys.length > 0 || /^(localhost|::1|127(\.\d{1,3}){3})$/.test(host)) return [];
  const reason = `without API_KEYS the service listens on loopback only, not on ${host}`;
  return [{ variables: ['HOST', 'API_KEYS', 'API_KEYS_FILE'], reason }];
}

/** What the variables of a provider begin with. */
export function prefixOf(provider: string): string {
  return provider.toUpperCase().replaceAll('-', '_');
}
