import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { StartError } from '../../src/errors.ts';
import type { VonageSettings } from '../../src/providers/vonage/config.ts';
import { loadConfig } from '../../src/service/service.ts';
import { API_KEY, API_SECRET, APPLICATION_ID, PRIVATE_KEY, SIGNATURE_SECRET } from '../support/vonage.ts';

const vonage = {
  SMS_PROVIDERS: 'vonage',
  VONAGE_API_KEY: API_KEY,
  VONAGE_APPLICATION_ID: APPLICATION_ID,
  VONAGE_PRIVATE_KEY: PRIVATE_KEY,
  VONAGE_SIGNATURE_SECRET: SIGNATURE_SECRET,
};
const { VONAGE_PRIVATE_KEY: _key, ...withoutKey } = vonage;

function faults(environment: Record<string, string>): string[] {
  try {
    loadConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof StartError) return [...error.reasons];
    throw error;
  }
}

function settingsOf(environment: Record<string, string>): VonageSettings {
  const { accounts } = loadConfig(environment);
  return accounts.find(({ kind }) => kind === 'vonage')?.settings as VonageSettings;
}

describe('The settings of a Vonage account', () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'messaging-vonage-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  const fileWith = (name: string, content: string) => {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  };

  it('have defaults, and two signature secrets during a rotation', () => {
    expect(settingsOf(vonage)).to.deep.equal({
      ...{ url: 'https://api.nexmo.com', apiKey: API_KEY, apiSecret: null, applicationId: APPLICATION_ID },
      ...{ privateKey: PRIVATE_KEY, signatureSecrets: [SIGNATURE_SECRET] },
    });
    const secrets = `${SIGNATURE_SECRET},${'b'.repeat(16)}`;
    const more = { VONAGE_SIGNATURE_SECRET: secrets, VONAGE_API_SECRET: API_SECRET };
    expect(settingsOf({ ...vonage, ...more })).to.include({ apiSecret: API_SECRET });
    expect(settingsOf({ ...vonage, ...more }).signatureSecrets).to.have.length(2);
    const upper = { VONAGE_APPLICATION_ID: APPLICATION_ID.toUpperCase() };
    expect(settingsOf({ ...vonage, ...upper }).applicationId).to.equal(APPLICATION_ID);
  });

  it('have the private key in one line, in several lines or in a file, of PKCS #8 or PKCS #1', () => {
    const oneLine = PRIVATE_KEY.replaceAll('\n', '\\n');
    expect(settingsOf({ ...withoutKey, VONAGE_PRIVATE_KEY: oneLine }).privateKey).to.equal(PRIVATE_KEY);
    const path = fileWith('private.key', PRIVATE_KEY);
    expect(settingsOf({ ...withoutKey, VONAGE_PRIVATE_KEY_FILE: path }).privateKey).to.equal(PRIVATE_KEY);
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const pkcs1 = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
    expect(settingsOf({ ...withoutKey, VONAGE_PRIVATE_KEY: pkcs1 }).privateKey).to.equal(pkcs1);
  });

  it('stop the start if there is no private key, or two', () => {
    expect(faults(withoutKey)[0]).to.match(
      /^VONAGE_PRIVATE_KEY: is not set, and the kind vonage requires it/,
    );
    const both = { ...vonage, VONAGE_PRIVATE_KEY_FILE: fileWith('both.key', PRIVATE_KEY) };
    expect(faults(both)).to.deep.equal([
      'VONAGE_PRIVATE_KEY: VONAGE_PRIVATE_KEY and VONAGE_PRIVATE_KEY_FILE are mutually exclusive',
    ]);
  });

  it('stop the start with the fault of the private key, without the key', () => {
    const { privateKey: ec } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const ecPem = ec.export({ type: 'pkcs8', format: 'pem' }).toString();
    const { privateKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const locked = rsa.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' });
    const format = 'is not a private key in the PEM format without a passphrase';
    const cases: [key: string, fault: string][] = [
      ['secret-in-the-wrong-place', format],
      [PRIVATE_KEY.slice(0, 200), format],
      [locked.toString(), format],
      [ecPem, 'is not an RSA key'],
    ];
    for (const [n, [key, fault]] of cases.entries()) {
      expect(faults({ ...withoutKey, VONAGE_PRIVATE_KEY: key })).to.deep.equal([
        `VONAGE_PRIVATE_KEY: ${fault}`,
      ]);
      const path = fileWith(`wrong-${n}.key`, key);
      const lines = faults({ ...withoutKey, VONAGE_PRIVATE_KEY_FILE: path });
      expect(lines).to.deep.equal([`VONAGE_PRIVATE_KEY_FILE: ${fault}`]);
    }
    const missing = faults({ ...withoutKey, VONAGE_PRIVATE_KEY_FILE: join(directory, 'none.key') });
    expect(missing).to.deep.equal(['VONAGE_PRIVATE_KEY_FILE: cannot be read: ENOENT']);
  });

  it('stop the start with one line for each fault, all together, without the secrets', () => {
    const lines = faults({
      SMS_PROVIDERS: 'vonage',
      ...{ VONAGE_API_KEY: 'a key', VONAGE_API_SECRET: 'short', VONAGE_APPLICATION_ID: 'shop' },
      VONAGE_SIGNATURE_SECRET: `${SIGNATURE_SECRET},${SIGNATURE_SECRET},${SIGNATURE_SECRET}`,
      VONAGE_ACCOUNT_SID: 'AC1',
    });
    expect(lines.map((line) => line.split(':')[0])).to.have.members([
      ...['VONAGE_API_KEY', 'VONAGE_API_SECRET', 'VONAGE_APPLICATION_ID', 'VONAGE_SIGNATURE_SECRET'],
      ...['VONAGE_PRIVATE_KEY', 'VONAGE_ACCOUNT_SID'],
    ]);
    expect(lines.join()).not.to.contain(SIGNATURE_SECRET);
    expect(faults({ ...vonage, VONAGE_SIGNATURE_SECRET: 'too-short' })).to.have.length(1);
    expect(faults({ ...vonage, VONAGE_SIGNATURE_SECRET: '' })[0]).to.match(
      /^VONAGE_SIGNATURE_SECRET: is not set/,
    );
  });

  it('come from the simulator with SIMULATE', () => {
    const { accounts } = loadConfig({ SIMULATE: 'vonage' });
    const [account = expect.fail('there is no account')] = accounts;
    expect(account).to.include({ name: 'vonage', kind: 'vonage', simulated: true });
    expect((account.settings as VonageSettings).privateKey).to.match(/^-----BEGIN PRIVATE KEY-----\n/);
  });
});
