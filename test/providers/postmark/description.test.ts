import { expect } from 'chai';
import { type Simulator, startSimulator } from '../../../src/simulator/server.ts';
import { type Email, referenceEmail } from '../../support/mail.ts';
import { postmarkProvider, SERVER_TOKEN } from '../../support/postmark.ts';
import { findPrism, NO_PRISM, type Prism, startPrism } from '../../support/prism.ts';
import { callContext } from '../../support/provider-server.ts';

const description = findPrism('postmark.json');

/** Prism, an independent server, compares each request and response with Postmark's own description of its API. */
describe(`Postmark's own API description accepts${description ? '' : NO_PRISM}`, function () {
  this.timeout(60_000);
  let simulator: Simulator;
  let prism: Prism;
  before(async function () {
    if (!description) return this.skip();
    simulator = await startSimulator({ apiKey: SERVER_TOKEN, settings: { receipts: { enabled: false } } });
    prism = await startPrism(description, `${simulator.url}/postmark`);
  });
  after(async () => {
    await prism?.stop();
    await simulator?.stop();
  });

  const whole = referenceEmail();
  const sends: Record<string, Email> = {
    'an email with every part': whole,
    'an email with a text only': { ...whole, files: [], email: { ...whole.email, html: null, headers: {} } },
    'an email without a text': { ...whole, subject: null, email: { ...whole.email, html: null, text: null } },
    'an email to one of its recipients': {
      ...whole,
      email: { ...whole.email, envelope: ['mary@example.net'] },
    },
  };
  for (const [title, message] of Object.entries(sends))
    it(title, async () => {
      const provider = postmarkProvider(prism.url);
      expect(await provider.send(message, callContext())).to.include({
        outcome: 'accepted',
        httpStatus: 200,
      });
      expect(await provider.lookUp(message, callContext())).to.include({ found: true });
    });

  it('no request that violates it: a list of recipients, another path', async () => {
    const post = (path: string, body: object) =>
      fetch(prism.url + path, {
        method: 'POST',
        headers: { 'x-postmark-server-token': SERVER_TOKEN, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }).then(({ status }) => status);
    const base = { From: 'a@example.com', To: 'b@example.com', Subject: 'Hello', TextBody: 'Hello' };
    expect(await post('/email', base)).to.equal(200);
    expect(await post('/email', { ...base, To: ['b@example.com'] })).to.equal(422);
    expect(await post('/email', { ...base, Headers: 'X' })).to.equal(422);
    expect(await post('/emails', base)).to.equal(404);
  });
});
