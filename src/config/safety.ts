import type { Config } from './config.ts';

/**
 * Checks the variables of a configuration against each other. Returns one line for each fault.
 *
 * @param faulty variables that have a fault already; checks that depend on such a variable are skipped.
 */
export function combinationFaults(config: Config, faulty: ReadonlySet<string>): string[] {
  const reasons = [
    ...sharedProviderNames(config),
    ...sharedPorts(config),
    ...(config.production ? missingInProduction(config) : exposedWithoutKeys(config)),
  ];
  return reasons
    .filter(({ variables }) => !variables.some((variable) => faulty.has(variable)))
    .map(({ variables, reason }) => `${variables[0]}: ${reason}`);
}

/** The first variable is the variable that the operator must change. */
interface Reason {
  variables: string[];
  reason: string;
}

function sharedProviderNames({ providers }: Config): Reason[] {
  const names = new Set(providers.map(({ name }) => name));
  if (names.size === providers.length) return [];
  return [
    {
      variables: ['EMAIL_PROVIDERS', 'SMS_PROVIDERS'],
      reason: 'provider names must be unique across SMS_PROVIDERS and EMAIL_PROVIDERS',
    },
  ];
}

function sharedPorts({ port, simulatorPort }: Config): Reason[] {
  if (port !== simulatorPort) return [];
  const reason = `is ${port}, the same as SIMULATOR_PORT: set one of them to another port`;
  return [{ variables: ['PORT', 'SIMULATOR_PORT'], reason }];
}

function missingInProduction({ apiKeys, providers }: Config): Reason[] {
  const missing = providers.flatMap(({ name, channel, simulated, webhookSecrets }) => {
    if (simulated) return [`${channel.toUpperCase()}_PROVIDERS`];
    return webhookSecrets.length === 0 ? [`${prefixOf(name)}_WEBHOOK_SECRETS`] : [];
  });
  return [
    ...(apiKeys.length === 0 ? [['API_KEYS', 'API_KEYS_FILE']] : []),
    ...missing.map((variable) => [variable]),
  ].map((variables) => ({ variables, reason: 'must be set in production' }));
}

function exposedWithoutKeys({ host, apiKeys }: Config): Reason[] {
  if (apiKeys.length > 0 || /^(localhost|::1|127(\.\d{1,3}){3})$/.test(host)) return [];
  const reason = `without API_KEYS the service listens on loopback only, not on ${host}`;
  return [{ variables: ['HOST', 'API_KEYS', 'API_KEYS_FILE'], reason }];
}

/** The prefix of the variables of a provider, without the underscore. */
export function prefixOf(provider: string): string {
  return provider.toUpperCase().replaceAll('-', '_');
}
