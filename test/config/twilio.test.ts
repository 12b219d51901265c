import { expect } from 'chai';
import type { Channel } from '../../src/channel.ts';
import { StartError } from '../../src/errors.ts';
import { KINDS } from '../../src/providers/registry.ts';
import type { TwilioSettings } from '../../src/providers/twilio/config.ts';
import { loadConfig } from '../../src/service/service.ts';

/** The kinds of providers of a channel, as the errors name them. */
const kindsOf = (channel: Channel) =>
  KINDS.filter(({ config }) => config.channels.includes(channel))
    .map(({ config }) => config.name)
    .join(', ');
const SMS_KINDS = kindsOf('sms');

const ACCOUNT_SID = `AC${'0123456789abcdef'.repeat(2)}`;
const TOKEN = '0123456789abcdef0123456789abcdef';
const twilio = { SMS_PROVIDERS: 'twilio', TWILIO_ACCOUNT_SID: ACCOUNT_SID, TWILIO_AUTH_TOKEN: TOKEN };

/** The required settings of an account with this prefix. */
function twilioOf(prefix: string): Record<string, string> {
  return { [`${prefix}_ACCOUNT_SID`]: ACCOUNT_SID, [`${prefix}_AUTH_TOKEN`]: TOKEN };
}

function faults(environment: Record<string, string>): string[] {
  try {
    loadConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof StartError) return [...error.reasons];
    throw error;
  }
}

describe('The settings of a Twilio account', () => {
  it('are read for each name that begins with the kind, and for any name by KIND', () => {
    const { accounts } = loadConfig({
      SMS_PROVIDERS: 'twilio,twilio_eu,backup',
      TWILIO_ACCOUNT_SID: ACCOUNT_SID,
      TWILIO_AUTH_TOKEN: `${TOKEN},${TOKEN.toUpperCase()}`,
      TWILIO_EU_ACCOUNT_SID: ACCOUNT_SID,
      TWILIO_EU_AUTH_TOKEN: TOKEN,
      TWILIO_EU_URL: 'https://api.dublin.ie1.twilio.com',
      BACKUP_KIND: 'twilio',
      BACKUP_ACCOUNT_SID: ACCOUNT_SID,
      BACKUP_AUTH_TOKEN: TOKEN,
    });
    const own = accounts.filter(({ channel }) => channel === 'sms');
    expect(own.map(({ name, kind }) => [name, kind])).to.deep.equal([
      ['twilio', 'twilio'],
      ['twilio_eu', 'twilio'],
      ['backup', 'twilio'],
    ]);
    const settings = own.map((account) => account.settings as TwilioSettings);
    expect(settings.map(({ url, authTokens }) => [url, authTokens.length])).to.deep.equal([
      ['https://api.twilio.com', 2],
      ['https://api.dublin.ie1.twilio.com', 1],
      ['https://api.twilio.com', 1],
    ]);
  });

  it('stop the start with one line for each fault, all together, without the secrets', () => {
    const lines = faults({
      SMS_PROVIDERS: 'twilio,other',
      TWILIO_ACCOUNT_SID: 'AC12',
      TWILO_AUTH_TOKEN: TOKEN,
      TWILIO_API_KEY_SID: 'secret-in-the-wrong-place',
      TWILIO_MESSAGING_SERVICE_SID: 'MG1',
      OTHER_KIND: 'telegraph',
    });
    expect(lines.map((line) => line.split(':')[0])).to.include.members([
      'TWILIO_ACCOUNT_SID',
      'TWILIO_AUTH_TOKEN',
      'TWILIO_API_KEY_SID',
      'TWILIO_MESSAGING_SERVICE_SID',
      'TWILO_AUTH_TOKEN',
      'OTHER_KIND',
    ]);
    expect(lines.find((line) => line.startsWith('OTHER_KIND'))).to.match(/standard.*twilio/);
    expect(lines.find((line) => line.startsWith('TWILO'))).to.match(/TWILIO_AUTH_TOKEN/);
    expect(lines.join()).not.to.include(TOKEN);
  });

  it('are reported with the kinds if a required setting is missing or the kind has another channel', () => {
    const hint = (kind: string, kinds: string) =>
      `: is not set, and the kind ${kind} requires it (kinds of ${kinds})`;
    expect(faults({ SMS_PROVIDERS: 'twilio,twilio_eu', ...twilioOf('TWILIO') })).to.deep.equal([
      `TWILIO_EU_ACCOUNT_SID${hint('twilio', `sms providers: ${SMS_KINDS}`)}`,
      `TWILIO_EU_AUTH_TOKEN${hint('twilio', `sms providers: ${SMS_KINDS}`)}`,
    ]);
    expect(faults({ SMS_PROVIDERS: 'twillio', ...twilioOf('TWILIO') })[0]).to.equal(
      `TWILLIO_KEY${hint('standard', `sms providers: ${SMS_KINDS}`).replace('(', '(did you mean twilio? ')}`,
    );
    expect(faults({ EMAIL_PROVIDERS: 'sendgird', ...twilioOf('TWILIO') }).join()).to.include(
      'did you mean sendgrid?',
    );
    expect(faults({ EMAIL_PROVIDERS: 'twilio', ...twilioOf('TWILIO') })[0]).to.equal(
      `TWILIO_KEY: is not set, and the kind standard requires it (the kind twilio sends no email; kinds of email providers: ${kindsOf('email')})`,
    );
    expect(faults({ ...twilio, TWILIO_KIND: 'Twilio' })).to.deep.equal([
      `TWILIO_KIND: "Twilio" is none of ${SMS_KINDS}`,
    ]);
  });

  it('are reported with the variable for the kind if they are set for an account of another kind', () => {
    const lines = faults({ SMS_PROVIDERS: 'twilio-eu', ...twilioOf('TWILIO_EU') });
    expect(lines).to.include(
      `TWILIO_EU_KEY: is not set, and the kind standard requires it (set TWILIO_EU_KIND=twilio for an account of this kind; kinds of sms providers: ${SMS_KINDS})`,
    );
    const other = faults({ SMS_PROVIDERS: 'acme', ACME_ACCOUNT_SID: ACCOUNT_SID });
    expect(other.filter((line) => line.includes('set ACME_KIND=twilio'))).to.have.length(2);
    const standard = faults({ SMS_PROVIDERS: 'twilio', TWILIO_KEY: 'key' });
    expect(standard.join()).to.include('set TWILIO_KIND=standard for an account of this kind');
  });

  it('are suggested for a name that lacks a word', () => {
    expect(faults({ ...twilio, TWILIO_SID: ACCOUNT_SID })).to.deep.equal([
      'TWILIO_SID: unknown variable. Did you mean TWILIO_ACCOUNT_SID?',
    ]);
  });

  it('are not settings of another kind, and not the variables of another account', () => {
    const owners = KINDS.filter(({ config }) => 'WEBHOOK_SECRETS' in config.specs)
      .map(({ config }) => config.name)
      .join(', ');
    expect(faults({ ...twilio, TWILIO_WEBHOOK_SECRETS: 'whsec_1' })).to.deep.equal([
      `TWILIO_WEBHOOK_SECRETS: is a setting of the kinds ${owners}, not of twilio`,
    ]);
    const both = { ...twilio, SMS_PROVIDERS: 'twilio_eu,twilio-eu', TWILIO_EU_KIND: 'twilio' };
    expect(faults({ ...both, ...twilioOf('TWILIO_EU') })).to.deep.equal([
      'SMS_PROVIDERS: twilio_eu and twilio-eu have the same variables, TWILIO_EU_…: choose another name for one of them',
    ]);
  });

  it('have both halves of an API key or none', () => {
    const half = { TWILIO_API_KEY_SID: `SK${'0'.repeat(32)}`, TWILIO_ACCOUNT_SID: 'AC1' };
    expect(faults({ ...twilio, ...half }).map((line) => line.split(':')[0])).to.deep.equal([
      'TWILIO_ACCOUNT_SID',
      'TWILIO_API_KEY_SECRET',
    ]);
    expect(faults({ ...twilio, TWILIO_API_KEY_SID: `SK${'0'.repeat(32)}` })).to.have.length(1);
    expect(faults({ ...twilio, TWILIO_API_KEY_SECRET: 's'.repeat(32) })).to.have.length(1);
  });

  it('require PUBLIC_URL in production', () => {
    const production = {
      ...twilio,
      NODE_ENV: 'production',
      CONSENT_KEY: 'a-consent-key-for-production-0123456',
      SECRET_KEYS: 'a-secret-key-for-production-0123456',
      API_KEYS: 'shop:a-long-random-key',
      EMAIL_PROVIDERS: 'mail',
      MAIL_URL: 'https://mail.example',
      MAIL_KEY: 'key',
      MAIL_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(24).toString('base64')}`,
    };
    expect(faults(production)).to.deep.equal(['PUBLIC_URL: must be set in production']);
    expect(faults({ ...production, PUBLIC_URL: 'https://messaging.example' })).to.deep.equal([]);
  });

  it('have a public URL without credentials, query and fragment, and no account with the name of a channel', () => {
    for (const url of [
      'messaging.example',
      'ftp://a.example',
      'https://u:p@a.example',
      'https://a.example/?x',
      'https://a.example/#',
    ])
      expect(faults({ ...twilio, PUBLIC_URL: url }), url).to.have.length(1);
    expect(loadConfig({ ...twilio, PUBLIC_URL: 'https://a.example/m/' }).publicUrl).to.equal(
      'https://a.example/m',
    );
    expect(faults({ SMS_PROVIDERS: 'sms' })[0]).to.match(/^SMS_PROVIDERS: "sms" is the name of a channel/);
    expect(faults({ EMAIL_PROVIDERS: 'mime' })).to.include(
      'EMAIL_PROVIDERS: "mime" is the name of the account of mail servers',
    );
  });

  it('come from the simulator with SIMULATE', () => {
    const { accounts, publicUrl } = loadConfig({ SIMULATE: 'twilio' });
    expect(accounts.map(({ name, kind, simulated }) => [name, kind, simulated])).to.deep.equal([
      ['twilio', 'twilio', true],
      ['email-simulator', 'standard', true],
    ]);
    expect(publicUrl).to.equal('http://127.0.0.1:8080');
  });
});
