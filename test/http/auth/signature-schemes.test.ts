import { expect } from 'chai';
import { authenticate } from '../../../src/http/auth/authenticate.ts';
import { createKeyring } from '../../../src/http/auth/keyring.ts';
import { MediaLinks } from '../../../src/media/links.ts';
import { openApiDocument } from '../../../src/openapi/document.ts';

const HEADER = { type: 'apiKey', in: 'header', name: 'telnyx-signature-ed25519' };
const BEARER = { type: 'http', scheme: 'bearer' };
const QUERY = { type: 'apiKey', in: 'query', name: 'signature' };

/** Creates the middleware for the contract with another scheme, and other security of an operation. */
function start(scheme: object, path: string, security: Record<string, string[]>[]): () => unknown {
  const document = openApiDocument();
  Object.assign(document.components.securitySchemes, { telnyxSignature: scheme });
  for (const operation of Object.values(document.paths[path] ?? {})) operation.security = security;
  return () =>
    authenticate(document, {
      config: { apiKeys: [], metricsToken: null, publicUrl: null, mimeWebhookSecrets: [] },
      providers: { sms: [], email: [] },
      keyring: createKeyring([]),
      links: new MediaLinks([], null),
      readUnverified: async () => Buffer.alloc(0),
      reportUnverified: () => undefined,
    });
}

describe('The signature of another kind in the contract', () => {
  const webhooks = '/api/webhooks/{account}';
  const telnyx = { telnyxSignature: [] };

  it('needs no change of the code, in any position', () => {
    start(HEADER, webhooks, [{ webhookSignature: [] }, { twilioSignature: [] }, telnyx])();
    start(HEADER, webhooks, [telnyx, { webhookSignature: [] }])();
  });

  it('stops the start if it is not an API key in a header, or not in the contract', () => {
    for (const scheme of [BEARER, QUERY])
      expect(start(scheme, webhooks, [{ webhookSignature: [] }, telnyx])).to.throw('receiveWebhook');
    expect(start(HEADER, webhooks, [{ plivoSignature: [] }])).to.throw('receiveWebhook');
  });

  it('stops the start if a webhook needs no signature, or two signatures at once', () => {
    for (const security of [
      [],
      [{}],
      [telnyx, {}],
      [{ webhookSignature: [], ...telnyx }],
      [{ apiKey: ['read'] }],
    ])
      expect(start(HEADER, webhooks, security)).to.throw('receiveWebhook');
  });

  it('stops the start if an operation of a client accepts it', () => {
    for (const security of [[telnyx], [{ apiKey: ['send'] }, telnyx]])
      expect(start(HEADER, '/api/messages/send', security)).to.throw('sendMessage');
  });
});
