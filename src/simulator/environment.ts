import { isCount, isServiceUrl } from './provider/settings.ts';
import type { SimulatorOptions } from './server.ts';

type Environment = Record<string, string | undefined>;

/**
 * The simulator's options as environment variables give them; one that is empty counts as not given.
 *
 * @returns the options, and a line for each variable that has a value it cannot have: no faults, no bad
 * options.
 */
export function readEnvironment(environment: Environment): {
  options: Required<Pick<SimulatorOptions, 'host' | 'port'>> & SimulatorOptions;
  faults: string[];
} {
  const faults: string[] = [];
  const read = <T>(name: string, standard: T, parse: (text: string) => T | undefined, what: string): T => {
    const text = environment[name];
    if (text === undefined || text === '') return standard;
    const value = parse(text);
    if (value === undefined) faults.push(`${name} must be ${what}`);
    return value ?? standard;
  };
  const flag = (name: string) => read(name, true, parseFlag, 'true or false');
  const options = {
    host: read('SIMULATOR_HOST', '127.0.0.1', String, 'a host'),
    port: read('SIMULATOR_PORT', 8081, parsePort, 'a port, from 0 to 65535'),
    apiKey: read<string | undefined>('SIMULATOR_API_KEY', undefined, String, 'a key'),
    webhookSecret: read('SIMULATOR_WEBHOOK_SECRET', undefined, parseSecret, 'whsec_ and base64'),
    settings: {
      service_url: read('SIMULATOR_SERVICE_URL', 'http://127.0.0.1:8080', parseUrl, 'an http or https URL'),
      seed: read('SIMULATOR_SEED', 1, parseCount, 'a whole number from 0'),
      honour_idempotency_keys: flag('SIMULATOR_HONOUR_IDEMPOTENCY_KEYS'),
      lookup: flag('SIMULATOR_LOOKUP'),
      receipts: { delay_ms: read('SIMULATOR_RECEIPT_DELAY_MS', 50, parseCount, 'a whole number from 0') },
    },
  };
  return { options, faults };
}

function parseCount(text: string): number | undefined {
  return /^\d+$/.test(text) && isCount(Number(text)) ? Number(text) : undefined;
}

function parsePort(text: string): number | undefined {
  const port = parseCount(text);
  return port !== undefined && port <= 65_535 ? port : undefined;
}

function parseFlag(text: string): boolean | undefined {
  return { true: true, false: false }[text];
}

function parseUrl(text: string): string | undefined {
  return isServiceUrl(text) ? text : undefined;
}

/** The value is not shown in any message: it is a secret. */
function parseSecret(text: string): string | undefined {
  return /^whsec_[A-Za-z0-9+/]+=*$/.test(text) ? text : undefined;
}
