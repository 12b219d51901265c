import { expect } from 'chai';
import { StartError } from '../../src/errors.ts';
import { kindOf } from '../../src/providers/registry.ts';
import { loadConfig } from '../../src/service/service.ts';

const TOKEN = '5a2d3f4b-0123-4567-89ab-cdef01234567';
const PASSWORD = 'a-password-of-postmark-0123';
const postmark = {
  ...{ EMAIL_PROVIDERS: 'postmark', POSTMARK_SERVER_TOKEN: TOKEN, POSTMARK_WEBHOOK_PASSWORD: PASSWORD },
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

describe('The settings of a Postmark account', () => {
  it('are the token and the credentials of its webhooks, and are shown without them', () => {
    const account = accountOf(postmark);
    expect(account?.settings).to.deep.equal({
      ...{ url: 'https://api.postmarkapp.com', serverToken: TOKEN, messageStream: 'outbound' },
      webhooks: { user: 'postmark', passwords: [PASSWORD] },
    });
    const shown = JSON.stringify(account && kindOf(account).describe(account.settings));
    expect(shown).not.to.include(TOKEN).and.not.to.include(PASSWORD);
  });

  it('stop the start with one line for each fault, all together, without the secrets', () => {
    const secret = 'a secret with spaces';
    const lines = faults({
      ...{ ...postmark, POSTMARK_SERVER_TOKEN: secret, POSTMARK_WEBHOOK_PASSWORD: 'short' },
      ...{ POSTMARK_MESSAGE_STREAM: 'not a stream', POSTMARK_URL: 'ftp://postmark', POSTMARK_KEY: secret },
      POSTMARK_WEBHOOK_USER: 'a:b',
    });
    expect(lines.map((line) => line.split(':')[0])).to.have.members([
      ...['POSTMARK_SERVER_TOKEN', 'POSTMARK_WEBHOOK_PASSWORD', 'POSTMARK_MESSAGE_STREAM', 'POSTMARK_URL'],
      ...['POSTMARK_KEY', 'POSTMARK_WEBHOOK_USER'],
    ]);
    expect(lines.join()).not.to.include(secret).and.not.to.include('short');
    expect(faults({ EMAIL_PROVIDERS: 'postmark' }).map((line) => line.split(':')[0])).to.deep.equal([
      ...['POSTMARK_SERVER_TOKEN', 'POSTMARK_WEBHOOK_PASSWORD'],
    ]);
  });
});
