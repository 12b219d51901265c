import { expect } from 'chai';
import { createAccountOf } from '../../src/webhooks/accounts.ts';
import { postmarkProvider } from '../support/postmark.ts';

describe('The account of a stored webhook', () => {
  it('receives inbound email if the path is that of inbound email, in any case, whatever the query', () => {
    const provider = postmarkProvider('http://127.0.0.1:9');
    const accountOf = createAccountOf({ sms: [], email: [provider] } as never, []);
    const cases: [string, boolean][] = [
      ['/api/webhooks/postmark/inbound', true],
      ['/API/Webhooks/postmark/INBOUND/?a=b', true],
      ['http://messaging.example/api/webhooks/postmark/inbound?a=b', true],
      ['/api/webhooks/postmark', false],
      ['/api/webhooks/postmark?url=/api/webhooks/postmark/inbound', false],
      ['/api/webhooks/inbound', false],
    ];
    for (const [target, isInbound] of cases)
      expect(accountOf({ account: provider.name, target }) !== provider, target).to.equal(isInbound);
  });
});
