import { expect } from 'chai';
import { createLogger } from '../../../src/observability/logger.ts';
import { announce } from '../../../src/service/local/announce.ts';
import { loadConfig } from '../../../src/service/service.ts';
import { environmentFor, webhookSecret } from '../../support/harness.ts';

describe('The start of a service', () => {
  it('logs and shows the URLs of webhooks and of inbound email where a kind has them, and warns about open webhooks', () => {
    const config = loadConfig({
      ...environmentFor('http://127.0.0.1:9', 'postgres://127.0.0.1/none'),
      ...{ PUBLIC_URL: 'https://messaging.example', EMAIL_PROVIDERS: 'mail-co,postmark,smtp,resend' },
      ...{
        POSTMARK_SERVER_TOKEN: '4f1c2a88-7b1e-4d0a-9a43-0d3f1f7f5c11',
        POSTMARK_WEBHOOK_PASSWORD: 'a-long-password-1',
        ...{ SMTP_URL: 'smtp://mail.example', RESEND_API_KEY: 're_0123456789abcdef' },
      },
      ...{ MIME_WEBHOOK_SECRETS: webhookSecret, API_KEYS: 'shop:a-long-random-key' },
    });
    const lines: string[] = [];
    let shown: Record<string, string> = {};
    const logger = createLogger('silent');
    logger.info = (...[values, text]: unknown[]) =>
      void lines.push(`${text}: ${(values as { url: string }).url}`);
    const warned: unknown[] = [];
    logger.warn = (text: unknown) => void warned.push(text);
    const ready = (links: Record<string, string>) => {
      shown = links;
    };
    announce(config, { logger, progress: { step: () => undefined, ready } }, 'http://127.0.0.1:8080');
    const urlOf = (path: string) => `https://messaging.example/api/webhooks/${path}`;
    expect(lines.slice(1)).to.deep.equal([
      `webhook URL: ${urlOf('text-co')}`,
      `webhook URL: ${urlOf('mail-co')}`,
      `webhook URL: ${urlOf('postmark')}`,
      `inbound email URL: ${urlOf('postmark/inbound')}`,
      `webhook URL: ${urlOf('resend')}`,
      `webhook URL: ${urlOf('mime')}`,
    ]);
    const open =
      'anybody who knows the webhook URL can send messages, and report bounces, which suppress addresses';
    expect(warned).to.deep.equal([
      `TEXT_CO_WEBHOOK_SECRETS is not set: ${open}`,
      `MAIL_CO_WEBHOOK_SECRETS is not set: ${open}`,
      'RESEND_WEBHOOK_SECRETS is not set: anybody who knows the webhook URL can report bounces and complaints, which suppress addresses',
    ]);
    expect(shown).to.include({
      'Webhooks of postmark': urlOf('postmark'),
      'Inbound email of postmark': urlOf('postmark/inbound'),
    });
    expect(shown).not.to.have.property('Inbound email of mail-co');
  });
});
