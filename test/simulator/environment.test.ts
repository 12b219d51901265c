import { expect } from 'chai';
import { readEnvironment } from '../../src/simulator/environment.ts';
import { API_KEY, API_SECRET, APPLICATION_ID, PUBLIC_KEY } from '../support/vonage.ts';

const ACCOUNT = `AC${'1'.repeat(32)}`;
const KEY = `SK${'2'.repeat(32)}`;

describe('The environment of the simulator', () => {
  it('has the account of the Twilio dialect', () => {
    const { options, faults } = readEnvironment({
      SIMULATOR_TWILIO_ACCOUNT_SID: ACCOUNT,
      SIMULATOR_TWILIO_API_KEY_SID: KEY,
      SIMULATOR_TWILIO_API_KEY_SECRET: 'secret',
      SIMULATOR_TWILIO_WEBHOOK_URL: 'https://a.example/in#rc=2',
    });
    expect(faults).to.deep.equal([]);
    expect(options.twilio).to.deep.equal({ accountSid: ACCOUNT, apiKey: { sid: KEY, secret: 'secret' } });
    expect(options.settings?.twilio).to.deep.equal({ webhook_url: 'https://a.example/in#rc=2' });
  });

  it('has no Twilio account by default', () => {
    const { options } = readEnvironment({ SIMULATOR_TWILIO_ACCOUNT_SID: '' });
    expect(options.twilio).to.deep.equal({ accountSid: undefined, apiKey: undefined });
    expect(options.settings?.twilio).to.deep.equal({ webhook_url: null });
  });

  it('has a fault for each malformed variable of the Twilio account', () => {
    const { faults } = readEnvironment({
      SIMULATOR_TWILIO_ACCOUNT_SID: 'AC1',
      SIMULATOR_TWILIO_API_KEY_SID: ACCOUNT,
      SIMULATOR_TWILIO_WEBHOOK_URL: 'nowhere',
    });
    expect(faults).to.have.members([
      'SIMULATOR_TWILIO_ACCOUNT_SID: must be AC and 32 hexadecimal digits',
      'SIMULATOR_TWILIO_API_KEY_SID: must be SK and 32 hexadecimal digits',
      'SIMULATOR_TWILIO_WEBHOOK_URL: must be an http or https URL',
    ]);
  });

  it('has the seed and the webhook URL of the Telnyx dialect, and a fault for each malformed value', () => {
    const seed = Buffer.alloc(32, 'seed').toString('base64');
    const { options } = readEnvironment({
      SIMULATOR_TELNYX_SEED: seed,
      SIMULATOR_TELNYX_WEBHOOK_URL: 'https://a.example/in',
    });
    expect(options.telnyx).to.deep.equal({ seed });
    expect(options.settings?.telnyx).to.deep.equal({ webhook_url: 'https://a.example/in' });
    const wrong = { SIMULATOR_TELNYX_SEED: 'c2VlZA==', SIMULATOR_TELNYX_WEBHOOK_URL: 'nowhere' };
    expect(readEnvironment(wrong).faults).to.have.members([
      'SIMULATOR_TELNYX_SEED: must be base64 of 32 bytes',
      'SIMULATOR_TELNYX_WEBHOOK_URL: must be an http or https URL',
    ]);
  });

  it('has the account of the Vonage dialect, with the public key in one line or several', () => {
    for (const publicKey of [PUBLIC_KEY, PUBLIC_KEY.replaceAll('\n', '\\n')]) {
      const { options, faults } = readEnvironment({
        SIMULATOR_VONAGE_API_KEY: API_KEY,
        SIMULATOR_VONAGE_API_SECRET: API_SECRET,
        SIMULATOR_VONAGE_APPLICATION_ID: APPLICATION_ID,
        SIMULATOR_VONAGE_PUBLIC_KEY: publicKey,
        SIMULATOR_VONAGE_WEBHOOK_URL: 'https://a.example/in',
      });
      expect(faults).to.deep.equal([]);
      const account = { apiKey: API_KEY, apiSecret: API_SECRET, applicationId: APPLICATION_ID };
      expect(options.vonage).to.deep.equal({ ...account, publicKey: PUBLIC_KEY });
      expect(options.settings?.vonage).to.deep.equal({ webhook_url: 'https://a.example/in' });
    }
    expect(readEnvironment({}).options.settings?.vonage).to.deep.equal({ webhook_url: null });
  });

  it('has a fault for each malformed variable of the Vonage account', () => {
    const { faults } = readEnvironment({
      SIMULATOR_VONAGE_API_KEY: 'a key',
      SIMULATOR_VONAGE_APPLICATION_ID: 'shop',
      SIMULATOR_VONAGE_PUBLIC_KEY: 'a key',
      SIMULATOR_VONAGE_WEBHOOK_URL: 'nowhere',
    });
    expect(faults).to.have.members([
      'SIMULATOR_VONAGE_API_KEY: must be 6 to 32 letters and digits',
      'SIMULATOR_VONAGE_APPLICATION_ID: must be a UUID',
      'SIMULATOR_VONAGE_PUBLIC_KEY: must be a public key in the PEM format',
      'SIMULATOR_VONAGE_WEBHOOK_URL: must be an http or https URL',
    ]);
  });

  for (const given of [{ SIMULATOR_TWILIO_API_KEY_SID: KEY }, { SIMULATOR_TWILIO_API_KEY_SECRET: 'secret' }])
    it(`has a fault if ${Object.keys(given)} is set alone`, () => {
      expect(readEnvironment(given).faults).to.deep.equal([
        'SIMULATOR_TWILIO_API_KEY_SID: must be set together with SIMULATOR_TWILIO_API_KEY_SECRET',
      ]);
    });
});
