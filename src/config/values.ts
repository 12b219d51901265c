import { resolve } from 'node:path';
import { type CleanedEnv, customCleanEnv, EnvError, makeValidator, type ValidatorSpec } from 'envalid';
import { isSupportedCountry } from 'libphonenumber-js';
import { parseApiKeys, readApiKeys } from './api-keys.ts';
import { assertConnectionUrl } from './connection-url.ts';
import { assertTlsParameters, withVerification } from './tls-parameters.ts';

/** Names of paths below /api/webhooks, and what has them. */
const RESERVED_NAMES = new Map([
  ['sms', 'a channel'],
  ['email', 'a channel'],
  ['mime', 'the account of mail servers'],
]);

export type Environment = Record<string, string | undefined>;

export const list = makeValidator((input) => {
  const items = input
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
  if (items.length === 0) throw new EnvError('is a list without an entry; leave it empty or remove it');
  return items;
});
/** The error does not repeat the URL, which may contain a password. */
const urlOf = (...protocols: string[]) =>
  makeValidator((input) => {
    if (!protocols.some((protocol) => input.startsWith(`${protocol}://`)) || !URL.canParse(input))
      throw new EnvError(`is not a URL that begins with ${protocols.join(':// or ')}://`);
    return input;
  });
export const webUrl = urlOf('https', 'http');
export const databaseUrl = makeValidator((input) => {
  const url = urlOf('postgres', 'postgresql')()._parse(input);
  assertConnectionUrl(new URL(url));
  assertTlsParameters(new URL(url).searchParams);
  return withVerification(url);
});
export const region = makeValidator((input) => {
  if (!isSupportedCountry(input)) throw new EnvError(`"${input}" is not an ISO 3166 country code such as US`);
  return input;
});
/** `001` is the region of numbers without a country (UN M.49), such as those of satellite phones. */
export const countries = makeValidator((input) => {
  const codes = list()._parse(input);
  const wrong = codes.find((code) => code !== '001' && !isSupportedCountry(code));
  if (wrong !== undefined)
    throw new EnvError(
      `"${wrong}" is not an ISO 3166 country code in upper case such as US, or 001 for numbers without a country`,
    );
  return codes;
});
export const positive = makeValidator((input) => {
  if (!/^0*[1-9]\d{0,9}$/.test(input)) throw new EnvError(`"${input}" is not a whole number above 0`);
  return Number(input);
});
export const days = makeValidator((input) => {
  const count = /^\d{1,4}$/.test(input) ? Number(input) : 0;
  if (count < 1 || count > 3_650) throw new EnvError(`"${input}" is not a number of days, from 1 to 3650`);
  return count;
});
/** The service needs at least one connection for reads and one for writes. */
export const poolSize = makeValidator((input) => {
  const size = positive()._parse(input);
  if (size < 2) throw new EnvError(`"${input}" is not a whole number above 1`);
  return size;
});
export const rate = makeValidator((input) => {
  const value = Number(input);
  if (!(value >= 0.001 && value <= 100_000))
    throw new EnvError(`"${input}" is not a number of messages per second, from 0.001 to 100000`);
  return value;
});
export const apiKeys = makeValidator((input) => {
  const keys = parseApiKeys(input);
  if (keys.length === 0) throw new EnvError('is a list without a key; leave it empty or remove it');
  return keys;
});
export const apiKeysFile = makeValidator((path) => ({ path: resolve(path), keys: readApiKeys(path) }));
/** A file that `read` reads. The errors of `read` are faults of the variable. */
export const file = <T>(read: (path: string) => T) => makeValidator((path) => read(resolve(path)));
export const token = makeValidator((input) => {
  if (!/^[\x21-\x7e]{8,}$/.test(input)) throw new EnvError('is not at least 8 printable characters');
  return input;
});
/** One key, or two during a rotation. */
export const secretKeys = makeValidator((input) => {
  const keys = list()._parse(input);
  if (keys.length > 2) throw new EnvError('has more than two keys: the new one, and the one before it');
  if (!keys.every((key) => /^[\x21-\x7e]{32,}$/.test(key)))
    throw new EnvError('has a key that is not at least 32 printable characters: openssl rand -base64 32');
  return keys;
});
export const secretKey = makeValidator((input) => {
  if (!/^[\x21-\x7e]{32,}$/.test(input))
    throw new EnvError('is not at least 32 printable characters: openssl rand -base64 32');
  return input;
});
export const hosts = makeValidator((input) => {
  const names = list()._parse(input);
  const wrong = names.find((name) => URL.parse(`http://${name}`)?.host !== name.toLowerCase());
  if (wrong !== undefined)
    throw new EnvError(`"${wrong}" is not a host name, with or without a port, such as messaging.example`);
  return names;
});
/** Each entry must be the value that a browser sends as `Origin`. */
export const origins = makeValidator((input) => {
  const given = list()._parse(input);
  const wrong = given.find((origin) => !/^https?:/.test(origin) || URL.parse(origin)?.origin !== origin);
  if (wrong !== undefined)
    throw new EnvError(
      `"${wrong}" is not an exact origin in lower case, without a path, such as https://app.example`,
    );
  return given;
});
/** The text is kept as it is, because signatures cover it. */
export const publicUrl = makeValidator((input) => {
  const url = URL.parse(webUrl()._parse(input));
  if (!url || url.username || url.password || /[?#\s]/.test(input))
    throw new EnvError(
      'is not a URL without credentials, query and fragment, such as https://messaging.example',
    );
  return input.replace(/\/+$/, '');
});
export const providerNames = makeValidator((input) => {
  const names = list()._parse(input);
  const wrong = names.find((name) => !/^[a-z][a-z0-9_-]{0,62}$/.test(name) || RESERVED_NAMES.has(name));
  if (wrong !== undefined)
    throw new EnvError(
      RESERVED_NAMES.has(wrong)
        ? `"${wrong}" is the name of ${RESERVED_NAMES.get(wrong)}`
        : `"${wrong}" is not a name of lower-case letters, digits, hyphens and underscores`,
    );
  return names;
});
export const webhookSecrets = makeValidator((input) => {
  const secrets = list()._parse(input);
  const isSecret = (secret: string) =>
    secret.startsWith('whsec_') && Buffer.from(secret.slice(6), 'base64').length >= 16;
  if (!secrets.every(isSecret))
    throw new EnvError('each secret must be "whsec_" and base64 of at least 16 bytes');
  return secrets;
});

const portFrom = (least: number) =>
  makeValidator((input) => {
    if (!/^\d{1,5}$/.test(input) || Number(input) < least || Number(input) > 65_535)
      throw new EnvError(`"${input}" is not a port number, from 1 to 65535`);
    return Number(input);
  });
export const port = portFrom(1);
/** 0 means any free port. */
export const portOrAny = portFrom(0);

/**
 * Reads variables by their specifications. An empty variable counts as not set. Adds a line to `faults` for each fault,
 * and the names of the specifications to `known`.
 */
export function read<T extends Record<string, ValidatorSpec<unknown>>>(
  environment: Environment,
  faults: string[],
  known: Set<string>,
  specs: T,
) {
  for (const name of Object.keys(specs)) known.add(name);
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  return customCleanEnv(given, specs, (cleaned) => cleaned as CleanedEnv<T>, {
    reporter: ({ errors }) => {
      for (const [name, error] of Object.entries(errors)) {
        if (error) faults.push(`${name}: ${describe(error)}`);
      }
    },
  });
}

function describe({ name, message }: Error): string {
  if (name === 'EnvMissingError') return 'is not set';
  const [, value, choices] = /^Value (".*") not in choices \[(.*)\]$/s.exec(message) ?? [];
  return choices === undefined ? message : `${value} is none of ${choices.replaceAll(',', ', ')}`;
}
