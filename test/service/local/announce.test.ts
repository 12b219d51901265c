import { expect } from 'chai';
import { createLogger } from '../../../src/observability/logger.ts';
import { announce } from '../../../src/service/local/announce.ts';
import { loadConfig } from '../../../src/service/service.ts';
import { environmentFor, webhookSecret } from '../../support/harness.ts';

describe('The start of a service', () => {
  it('logs and shows the URLs of webhooks, and those of inbound email where a kind has one', () => {
    const config = loadConfig({
      ...environmentFor('http://127.0.0.1:9', 'postgres://127.0.0.1/none'),
      ...{ PUBLIC_URL: 'https://messaging.example', EMAIL_PROVIDERS: 'mail-co,postmark' },
      ...{
        POSTMARK_SERVER_TOKEN: '4f1c2a88-7b1e-4d0a-9a43-0d3f1f7f5c11',
        POSTMARK_WEBHOOK_PASSWORD: 'a-long-password-1',
      },
      ...{ MIME_WEBHOOK_SECRETS: webhookSecret, API_KEYS: 'shop:a-long-random-key' },
    });
    const lines: string[] = [];
    let shown: Record<string, string> = {};
    const logger = createLogger('silent');
    logger.info = (...[values, text]: unknown[]) =>
      void lines.push(`${text}: ${(values as { url: string }).url}`);
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
      `webhook URL: ${urlOf('mime')}`,
    ]);
    expect(shown).to.include({
      'Webhooks of postmark': urlOf('postmark'),
      'Inbound email of postmark': urlOf('postmark/inbound'),
    });
    expect(shown).not.to.have.property('Inbound email of mail-co');
  });
});
