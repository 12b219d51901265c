import { expect } from 'chai';
import { StartError } from '../../src/errors.ts';
import { kindOf } from '../../src/providers/registry.ts';
import type { ResendSettings } from '../../src/providers/resend/config.ts';
import { loadConfig } from '../../src/service/service.ts';

const API_KEY = 're_0123456789abcdef';
const SECRET = `whsec_${Buffer.alloc(24, 'secret').toString('base64')}`;
const resend = { EMAIL_PROVIDERS: 'resend', RESEND_API_KEY: API_KEY };

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

describe('The settings of a Resend account', () => {
  it('are the API key, and optionally the secrets of the webhooks', () => {
    const url = 'https://api.resend.com';
    expect(accountOf(resend)?.settings).to.deep.equal({ url, apiKey: API_KEY, webhookSecrets: [] });
    const more = { RESEND_WEBHOOK_SECRETS: `${SECRET},${SECRET}`, RESEND_URL: 'https://proxy.example' };
    expect(accountOf({ ...resend, ...more })?.settings).to.deep.equal({
      ...{ url: 'https://proxy.example', apiKey: API_KEY, webhookSecrets: [SECRET, SECRET] },
    });
  });

  it('stop the start with one line for each fault, without the secrets', () => {
    const secret = 'a secret with spaces';
    const lines = faults({ ...resend, RESEND_API_KEY: secret, RESEND_WEBHOOK_SECRETS: secret });
    expect(lines).to.have.lengthOf(2);
    expect(lines).to.include('RESEND_API_KEY: is not an API key of Resend');
    expect(lines.join()).to.not.include(secret);
    expect(faults({ EMAIL_PROVIDERS: 'resend' }).join()).to.include('RESEND_API_KEY: is not set');
  });

  it('come from the simulator with SIMULATE, and are shown without the key', () => {
    const account = accountOf({ SIMULATE: 'resend' });
    expect(account).to.include({ name: 'resend', kind: 'resend', simulated: true });
    const { url, webhookSecrets } = (account as { settings: unknown }).settings as ResendSettings;
    expect(url).to.match(/^http:\/\/127\.0\.0\.1:\d+\/resend$/);
    expect(webhookSecrets).to.have.lengthOf(1);
    const own = accountOf(resend);
    expect(own && kindOf(own).describe(own.settings)).to.deep.equal({
      ...{ URL: 'https://api.resend.com', 'Webhook secrets': 'none: unsigned webhooks are accepted' },
    });
  });
});
