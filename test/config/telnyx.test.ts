import { expect } from 'chai';
import { StartError } from '../../src/errors.ts';
import { kindOf } from '../../src/providers/registry.ts';
import type { TelnyxSettings } from '../../src/providers/telnyx/config.ts';
import { loadConfig } from '../../src/service/service.ts';
import { API_KEY, PUBLIC_KEY, publicKeyOf, seedFor } from '../support/telnyx.ts';

const OTHER_KEY = publicKeyOf(seedFor('other'));
const PROFILE = '4000eba1-a0c0-4563-9925-b25e842a7cb6';
const telnyx = { SMS_PROVIDERS: 'telnyx', TELNYX_API_KEY: API_KEY, TELNYX_PUBLIC_KEY: PUBLIC_KEY };

function faults(environment: Record<string, string>): string[] {
  try {
    loadConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof StartError) return [...error.reasons];
    throw error;
  }
}
const settingsOf = (environment: Record<string, string>) =>
  loadConfig(environment)
    .accounts.filter(({ channel }) => channel === 'sms')
    .map(({ settings }) => settings as TelnyxSettings);

describe('The settings of a Telnyx account', () => {
  it('are the API key, the public key and optionally a messaging profile', () => {
    expect(settingsOf(telnyx)).to.deep.equal([
      {
        ...{ url: 'https://api.telnyx.com', apiKey: API_KEY, publicKeys: [PUBLIC_KEY] },
        messagingProfileId: null,
      },
    ]);
    const more = {
      ...{ TELNYX_PUBLIC_KEY: `${PUBLIC_KEY}, ${OTHER_KEY}`, TELNYX_MESSAGING_PROFILE_ID: PROFILE },
      TELNYX_URL: 'https://gateway.example',
    };
    expect(settingsOf({ ...telnyx, ...more })).to.deep.equal([
      {
        ...{ url: 'https://gateway.example', apiKey: API_KEY, publicKeys: [PUBLIC_KEY, OTHER_KEY] },
        messagingProfileId: PROFILE,
      },
    ]);
  });

  it('are read for each name that begins with the kind, and for any name by KIND', () => {
    const { accounts } = loadConfig({
      ...telnyx,
      ...{ SMS_PROVIDERS: 'telnyx,telnyx_eu,backup', BACKUP_KIND: 'telnyx' },
      ...{ TELNYX_EU_API_KEY: API_KEY, TELNYX_EU_PUBLIC_KEY: PUBLIC_KEY },
      ...{ BACKUP_API_KEY: API_KEY, BACKUP_PUBLIC_KEY: PUBLIC_KEY },
    });
    const own = accounts.filter(({ channel }) => channel === 'sms');
    expect(own.map(({ name, kind }) => [name, kind])).to.deep.equal([
      ['telnyx', 'telnyx'],
      ['telnyx_eu', 'telnyx'],
      ['backup', 'telnyx'],
    ]);
  });

  it('stop the start with one line for each fault, without the secrets', () => {
    const secret = 'a secret with spaces';
    const lines = faults({
      ...{ SMS_PROVIDERS: 'telnyx', TELNYX_API_KEY: secret, TELNYX_PUBLIC_KEY: 'c2hvcnQ=' },
      TELNYX_MESSAGING_PROFILE_ID: 'profile',
    });
    expect(lines).to.have.members([
      'TELNYX_API_KEY: is not an API key of Telnyx',
      'TELNYX_PUBLIC_KEY: is not a public key (base64 of 32 bytes), or two separated by a comma',
      'TELNYX_MESSAGING_PROFILE_ID: is not the id of a messaging profile, which is a UUID',
    ]);
    const three = [PUBLIC_KEY, OTHER_KEY, PUBLIC_KEY].join(',');
    expect(faults({ ...telnyx, TELNYX_PUBLIC_KEY: three })).to.have.lengthOf(1);
  });

  it('that are missing stop the start, each with its name', () => {
    const lines = faults({ SMS_PROVIDERS: 'telnyx' });
    expect(lines.filter((line) => /^TELNYX_(API_KEY|PUBLIC_KEY): is not set/.test(line))).to.have.lengthOf(2);
  });

  it('come from the simulator with SIMULATE', () => {
    const { accounts } = loadConfig({ SIMULATE: 'telnyx' });
    expect(accounts.map(({ name, kind, simulated }) => [name, kind, simulated])).to.deep.equal([
      ['telnyx', 'telnyx', true],
      ['email-simulator', 'standard', true],
    ]);
    const [{ url, publicKeys }] = accounts.map(({ settings }) => settings) as [TelnyxSettings];
    expect(url).to.match(/^http:\/\/127\.0\.0\.1:\d+\/telnyx$/);
    expect(publicKeys).to.have.lengthOf(1);
  });

  it('are shown without the API key', () => {
    const { accounts } = loadConfig({ ...telnyx, TELNYX_MESSAGING_PROFILE_ID: PROFILE });
    const account = accounts.find(({ kind }) => kind === 'telnyx');
    const shown = account && kindOf(account).describe(account.settings);
    expect(shown).to.deep.equal({
      ...{ URL: 'https://api.telnyx.com', 'Public keys': '1', 'Messaging profile': PROFILE },
    });
  });
});
