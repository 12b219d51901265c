import type { Config } from './config.ts';

/**
 * Checks the variables of a configuration against each other. Returns one line for each fault.
 *
 * @param names of the accounts of all channels.
 * @param missing variables of accounts that production requires and that are not set.
 * @param faulty variables that have a fault already; checks that depend on such a variable are skipped.
 */
export function combinationFaults(
  config: Config,
  { names, missing }: { names: readonly string[]; missing: readonly string[] },
  faulty: ReadonlySet<string>,
): string[] {
  const reasons = [
    ...sharedAccountNames(names),
    ...sharedPorts(config),
    ...fewConnections(config),
    ...misusedMetricsToken(config),
    ...originsWithoutKeys(config),
    ...uselessRetention(config),
    ...(config.production ? missingInProduction(config, missing) : exposedWithoutKeys(config)),
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

function sharedAccountNames(names: readonly string[]): Reason[] {
  const variables = ['EMAIL_PROVIDERS', 'SMS_PROVIDERS'];
  if (new Set(names).size < names.length)
    return [{ variables, reason: 'provider names must be unique across SMS_PROVIDERS and EMAIL_PROVIDERS' }];
  const same = names.find(
    (name, index) => names.findIndex((other) => prefixOf(other) === prefixOf(name)) < index,
  );
  if (same === undefined) return [];
  const prefix = prefixOf(same);
  const both = names.filter((name) => prefixOf(name) === prefix).join(' and ');
  return [
    {
      variables: variables.toReversed(),
      reason: `${both} have the same variables, ${prefix}_…: choose another name for one of them`,
    },
  ];
}

function sharedPorts({ port, simulator }: Config): Reason[] {
  if (port !== simulator?.port) return [];
  const reason = `is ${port}, the same as SIMULATOR_PORT: set one of them to another port`;
  return [{ variables: ['PORT', 'SIMULATOR_PORT'], reason }];
}

/** The API has a connection for reads and another for writes, and the worker process has one. */
const MIN_CONNECTIONS = 3;

function fewConnections({ role, databasePoolSize }: Config): Reason[] {
  if (role !== 'all' || databasePoolSize >= MIN_CONNECTIONS) return [];
  const reason = `is ${databasePoolSize}, but ROLE=all needs at least ${MIN_CONNECTIONS}`;
  return [{ variables: ['DATABASE_POOL_SIZE', 'ROLE'], reason }];
}

function misusedMetricsToken({ metricsToken, apiKeys }: Config): Reason[] {
  if (metricsToken === null) return [];
  const variables = ['METRICS_TOKEN', 'API_KEYS', 'API_KEYS_FILE'];
  if (apiKeys.length === 0)
    return [{ variables, reason: 'requires API_KEYS or API_KEYS_FILE: without them, /metrics is open' }];
  if (apiKeys.every(({ key }) => key !== metricsToken)) return [];
  return [{ variables, reason: 'is also an API key: a metrics token gives access to the metrics only' }];
}

function originsWithoutKeys({ corsOrigins, apiKeys }: Config): Reason[] {
  if (corsOrigins.length === 0 || apiKeys.length > 0) return [];
  const variables = ['CORS_ORIGINS', 'API_KEYS', 'API_KEYS_FILE'];
  const reason = 'requires API_KEYS or API_KEYS_FILE: without them, requests from other origins are refused';
  return [{ variables, reason }];
}

function missingInProduction(
  { apiKeys, accounts, consentKey, secretKeys }: Config,
  missing: readonly string[],
): Reason[] {
  const simulated = accounts.filter((account) => account.simulated);
  const single = [...simulated.map(({ channel }) => `${channel.toUpperCase()}_PROVIDERS`), ...missing];
  if (consentKey === null) single.push('CONSENT_KEY');
  if (secretKeys === null) single.push('SECRET_KEYS');
  const keys = ['API_KEYS', 'API_KEYS_FILE'];
  return [
    ...(apiKeys.length === 0
      ? [{ variables: keys, reason: `${keys.join(' or ')} must be set in production` }]
      : []),
    ...single.map((variable) => ({ variables: [variable], reason: 'must be set in production' })),
  ];
}

function exposedWithoutKeys({ host, apiKeys }: Config): Reason[] {
  if (apiKeys.length > 0 || LOOPBACK.test(host)) return [];
  const reason = `without API_KEYS the service listens on loopback only, not on ${host}`;
  return [{ variables: ['HOST', 'API_KEYS', 'API_KEYS_FILE'], reason }];
}

function uselessRetention({ retentionDays: { messages, ...parts } }: Config): Reason[] {
  return Object.entries(parts).flatMap(([part, days]) => {
    if (days === null || messages === null || days <= messages) return [];
    const reason = `${days} must be at most RETENTION_DAYS_MESSAGES, because messages are deleted after ${messages} days`;
    return [{ variables: [`RETENTION_DAYS_${part.toUpperCase()}`, 'RETENTION_DAYS_MESSAGES'], reason }];
  });
}

const LOOPBACK = /^(localhost|::1|127(\.\d{1,3}){3})$/;

/** Whether only this machine can reach a URL; also for null, a service without a public URL. */
export function isLoopbackUrl(url: string | null): boolean {
  return url === null || LOOPBACK.test(new URL(url).hostname.replace(/^\[|\]$/g, ''));
}

/**
 * The reason why the service refuses requests that name the host of `PUBLIC_URL`, because they are not for this machine; null
 * if it accepts them.
 */
export function publicHostRefusal({
  publicUrl,
  apiKeys,
  allowedHosts,
}: Pick<Config, 'publicUrl' | 'apiKeys' | 'allowedHosts'>): string | null {
  if (publicUrl === null || isLoopbackUrl(publicUrl) || apiKeys.length > 0) return null;
  const { host, hostname } = new URL(publicUrl);
  if (allowedHosts.some((allowed) => [host, hostname].includes(allowed.toLowerCase()))) return null;
  return `without API_KEYS, requests for ${host} are refused with 403: set API_KEYS, or name the host in ALLOWED_HOSTS`;
}

/** The consequences if providers elsewhere must reach the service by a URL of this machine; null otherwise. */
export function localUrlProblem({
  publicUrl,
  accounts,
}: Pick<Config, 'publicUrl' | 'accounts'>): string | null {
  if (!isLoopbackUrl(publicUrl) || accounts.every((account) => account.simulated)) return null;
  return 'PUBLIC_URL is not set or names this machine: providers elsewhere can send neither replies nor receipts, and cannot fetch files';
}

/** The prefix of the variables of an account, without the underscore. */
export function prefixOf(account: string): string {
  return account.toUpperCase().replaceAll('-', '_');
}
