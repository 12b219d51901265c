import { readFileSync } from 'node:fs';
import { bool, EnvError, makeValidator } from 'envalid';
import type { KindConfig } from '../../config/accounts.ts';
import * as values from '../../config/values.ts';

export interface SmtpSettings {
  host: string;
  port: number;
  /** Whether TLS begins with the connection (`smtps:`, RFC 8314), and not by STARTTLS. */
  implicitTls: boolean;
  /** Without TLS, no credentials leave this machine. */
  requireTls: boolean;
  /** Null for a server that needs no credentials. */
  credentials: { user: string; password: string } | null;
  /** The name for EHLO; null for the host of `PUBLIC_URL`, or the name of this machine. */
  name: string | null;
  /** Max connections of one process. */
  maxConnections: number;
  /** PEM of the authorities that may sign the certificate of the server; null for those of Node.js. */
  ca: string | null;
}

const MAX_CONNECTIONS = 50;
const PORTS = { 'smtp:': 587, 'smtps:': 465 } as Record<string, number>;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/;
/** A domain name, or an address literal (RFC 5321, section 4.1.3). */
const EHLO_NAME =
  /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-z.:]+\])$/i;
const FORM = 'smtp://USER:PASSWORD@HOST:587 or smtps://USER:PASSWORD@HOST:465';

interface ServerUrl extends Pick<SmtpSettings, 'host' | 'port' | 'implicitTls' | 'credentials'> {}

/** The errors do not repeat the URL, which contains a password. */
const serverUrl = makeValidator((input): ServerUrl => {
  const url = /^smtps?:\/\//.test(input) ? URL.parse(input) : null;
  if (!url?.hostname) throw new EnvError(`is not a URL such as ${FORM}`);
  if (/[?#]/.test(input) || !['', '/'].includes(url.pathname))
    throw new EnvError(
      'has a path, a query or a fragment; encode / as %2F, ? as %3F and # as %23 in a password',
    );
  const [user, password] = [decode(url.username), decode(url.password)];
  if (user === null || password === null)
    throw new EnvError('has a user or a password that is not percent-encoded UTF-8 (write % as %25)');
  if ((user === '') !== (password === ''))
    throw new EnvError('has a user without a password, or a password without a user');
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (PORTS[url.protocol] as number) : Number(url.port),
    implicitTls: url.protocol === 'smtps:',
    credentials: user === '' ? null : { user, password },
  };
});
const connections = makeValidator((input) => {
  const count = /^\d{1,3}$/.test(input) ? Number(input) : 0;
  if (count < 1 || count > MAX_CONNECTIONS)
    throw new EnvError(`"${input}" is not a number of connections, from 1 to ${MAX_CONNECTIONS}`);
  return count;
});
const ehloName = makeValidator((input) => {
  if (!EHLO_NAME.test(input) || input.length > 255)
    throw new EnvError(
      `"${input}" is not a host name, such as mail.example.com, or an address such as [192.0.2.1]`,
    );
  return input;
});
const certificates = values.file((path) => {
  const pem = readFileSync(path, 'utf8');
  if (!pem.includes('-----BEGIN CERTIFICATE-----'))
    throw new EnvError('is not a file of certificates in the PEM format');
  return pem;
});

const specs = {
  URL: serverUrl(),
  REQUIRE_TLS: bool({ default: true }),
  POOL: connections({ default: 5 }),
  NAME: ehloName({ default: undefined }),
  CA_FILE: certificates({ default: undefined }),
};

export const smtpConfig: KindConfig<typeof specs, SmtpSettings> = {
  name: 'smtp',
  channels: ['email'],
  specs,
  requiredInProduction: {},
  signsUrls: false,
  toSettings: ({ URL: server, REQUIRE_TLS: requireTls, POOL, NAME, CA_FILE }) => {
    // A variable with a fault of its own is undefined.
    if (!server) return { faults: [] };
    if (!requireTls && !server.implicitTls && !LOOPBACK.test(server.host))
      return {
        faults: [
          'REQUIRE_TLS: false is allowed only for a server on this machine (localhost, 127.0.0.1 or ::1): passwords and emails would be sent in plain text',
        ],
      };
    return {
      settings: { ...server, requireTls, name: NAME ?? null, maxConnections: POOL, ca: CA_FILE ?? null },
    };
  },
  simulated: ({ smtpPort, key }) => ({
    ...{ host: '127.0.0.1', port: smtpPort, implicitTls: false, requireTls: false },
    ...{ credentials: { user: SIMULATED_USER, password: key }, name: null, maxConnections: 5, ca: null },
  }),
};

/** The user at the simulator, whose password is the key of the simulated providers. */
export const SIMULATED_USER = 'simulated-user';

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
