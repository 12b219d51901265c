import { expect } from 'chai';
import { StartError } from '../../src/errors.ts';
import { kindOf } from '../../src/providers/registry.ts';
import { loadConfig } from '../../src/service/service.ts';
import { API_KEY, publicKeyFor } from '../support/sendgrid.ts';

const PASSWORD = 'a-password-of-sendgrid-0123';
const [KEY, NEXT] = [publicKeyFor('current'), publicKeyFor('next')];
const sendgrid = {
  ...{ EMAIL_PROVIDERS: 'sendgrid', SENDGRID_API_KEY: API_KEY, SENDGRID_EVENT_PUBLIC_KEY: KEY },
};

function faults(environment: Record<string, string>): string[] {
  try {
    loadConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof StartError) return [...error.reasons];
    throw error;
  }
}
const accountOf = (environment: Record<string, string>) =>
  loadConfig(environment).accounts.find(({ channel }) => channel === 'email');

describe('The settings of a SendGrid account', () => {
  it('are the API key and the key of the events, and for inbound email a key or a password', () => {
    const settings = {
      url: 'https://api.sendgrid.com',
      apiKey: API_KEY,
      eventPublicKeys: [KEY],
      inbound: null,
    };
    const account = accountOf(sendgrid);
    expect(account?.settings).to.deep.equal(settings);
    expect(JSON.stringify(account && kindOf(account).describe(account.settings))).not.to.include(API_KEY);
    const cases: [Record<string, string>, object][] = [
      [{ SENDGRID_INBOUND_PUBLIC_KEY: `${KEY},${NEXT}` }, { publicKeys: [KEY, NEXT] }],
      [{ SENDGRID_INBOUND_PASSWORD: PASSWORD }, { credentials: { user: 'sendgrid', passwords: [PASSWORD] } }],
    ];
    for (const [more, inbound] of cases)
      expect(accountOf({ ...sendgrid, ...more })?.settings).to.deep.equal({ ...settings, inbound });
  });

  it('stop the start with one line for each fault, all together, without the secrets', () => {
    const secret = 'a secret with spaces';
    const lines = faults({
      ...{ ...sendgrid, SENDGRID_API_KEY: secret, SENDGRID_EVENT_PUBLIC_KEY: 'AAAA', SENDGRID_KEY: secret },
      ...{ SENDGRID_INBOUND_PUBLIC_KEY: `${KEY},${NEXT},${KEY}`, SENDGRID_INBOUND_USER: 'a:b' },
      ...{ SENDGRID_INBOUND_PASSWORD: 'short', SENDGRID_URL: 'ftp://sendgrid' },
    });
    expect(lines.map((line) => line.split(':')[0])).to.have.members([
      ...['SENDGRID_API_KEY', 'SENDGRID_EVENT_PUBLIC_KEY', 'SENDGRID_INBOUND_PUBLIC_KEY', 'SENDGRID_KEY'],
      ...['SENDGRID_INBOUND_USER', 'SENDGRID_INBOUND_PASSWORD', 'SENDGRID_URL'],
    ]);
    expect(lines.join()).not.to.include(secret).and.not.to.include('short');
    const both = { SENDGRID_INBOUND_PUBLIC_KEY: KEY, SENDGRID_INBOUND_PASSWORD: PASSWORD };
    expect(faults({ ...sendgrid, ...both })).to.deep.equal([
      'SENDGRID_INBOUND_PASSWORD: SENDGRID_INBOUND_PASSWORD and SENDGRID_INBOUND_PUBLIC_KEY are mutually exclusive',
    ]);
    expect(faults({ EMAIL_PROVIDERS: 'sendgrid' }).map((line) => line.split(':')[0])).to.deep.equal([
      ...['SENDGRID_API_KEY', 'SENDGRID_EVENT_PUBLIC_KEY'],
    ]);
  });
});
