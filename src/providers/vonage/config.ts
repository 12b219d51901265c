import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { EnvError, makeValidator } from 'envalid';
import type { KindConfig } from '../../config/accounts.ts';
import * as values from '../../config/values.ts';

export interface VonageSettings {
  url: string;
  /** The key of the account, which every webhook names. */
  apiKey: string;
  /** Reads the application for `make doctor`; null for no check. */
  apiSecret: string | null;
  applicationId: string;
  /** PEM of the RSA key of the application, which signs the requests. */
  privateKey: string;
  /** Sign the webhooks; two during a rotation. */
  signatureSecrets: string[];
}

const apiKey = makeValidator((input) => {
  if (!/^[0-9a-zA-Z]{6,32}$/.test(input)) throw new EnvError('is not an API key, such as a1b2c3d4');
  return input;
});
/** The errors of secrets do not repeat them. */
const apiSecret = makeValidator((input) => {
  if (!/^[\x21-\x7e]{8,128}$/.test(input)) throw new EnvError('is not an API secret');
  return input;
});
const applicationId = makeValidator((input) => {
  if (!/^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/.test(input))
    throw new EnvError('is not the id of an application: a UUID');
  return input.toLowerCase();
});
const signatureSecrets = makeValidator((input) => {
  const secrets = values.list()._parse(input);
  if (secrets.length > 2 || !secrets.every((secret) => /^[\x21-\x7e]{16,128}$/.test(secret)))
    throw new EnvError(
      'is not a signature secret of 16 to 128 printable characters, or two separated by a comma',
    );
  return secrets;
});
/** A variable in one line has `\n` in place of the line ends. */
const privateKey = makeValidator((input) => toPrivateKey(input.replaceAll('\\n', '\n')));
const privateKeyFile = values.file((path) => {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    throw new EnvError(`cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  return toPrivateKey(content);
});

function toPrivateKey(pem: string): string {
  let type: string | undefined;
  try {
    type = createPrivateKey(pem).asymmetricKeyType;
  } catch {
    throw new EnvError('is not a private key in the PEM format without a passphrase');
  }
  if (type !== 'rsa') throw new EnvError('is not an RSA key');
  return pem;
}

const specs = {
  URL: values.webUrl({ default: 'https://api.nexmo.com' }),
  API_KEY: apiKey(),
  API_SECRET: apiSecret({ default: undefined }),
  APPLICATION_ID: applicationId(),
  // Empty if it is not set: undefined is a variable with a fault of its own.
  PRIVATE_KEY: privateKey({ default: '' }),
  PRIVATE_KEY_FILE: privateKeyFile({ default: '' }),
  SIGNATURE_SECRET: signatureSecrets(),
};

/** The simulated Vonage account and its application. */
const SIMULATED = { apiKey: '00000000', applicationId: '00000000-0000-4000-8000-000000000000' };

export const vonageConfig: KindConfig<typeof specs, VonageSettings> = {
  name: 'vonage',
  channels: ['sms'],
  specs,
  requiredInProduction: {},
  signsUrls: false,
  toSettings: (env) => {
    const { PRIVATE_KEY: key, PRIVATE_KEY_FILE: fileKey } = env;
    if (key && fileKey)
      return {
        faults: ['PRIVATE_KEY: <NAME>_PRIVATE_KEY and <NAME>_PRIVATE_KEY_FILE are mutually exclusive'],
      };
    if (key === '' && fileKey === '') return { faults: ['PRIVATE_KEY: is not set'] };
    return {
      settings: {
        url: env.URL,
        apiKey: env.API_KEY,
        apiSecret: env.API_SECRET ?? null,
        applicationId: env.APPLICATION_ID,
        privateKey: key || fileKey,
        signatureSecrets: env.SIGNATURE_SECRET,
      },
    };
  },
  simulated: ({ url, key }) => ({
    ...{ ...SIMULATED, url: `${url}/vonage`, apiSecret: null, signatureSecrets: [key] },
    privateKey: newPrivateKey(),
  }),
};

/** A new key: the simulator of this process accepts the tokens of any key. */
function newPrivateKey(): string {
  const { privateKey: key } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
