import { expect } from 'chai';
import { type Simulator, startSimulator } from '../../../src/simulator/server.ts';
import { type Email, referenceEmail } from '../../support/mail.ts';
import { findPrism, NO_PRISM, type Prism, startPrism } from '../../support/prism.ts';
import { callContext } from '../../support/provider-server.ts';
import { API_KEY, sendgridProvider } from '../../support/sendgrid.ts';

const description = findPrism('sendgrid.json');

/** Prism, an independent server, compares each request and response with SendGrid's own description of its API. */
describe(`SendGrid's own API description accepts${description ? '' : NO_PRISM}`, function () {
  this.timeout(60_000);
  let simulator: Simulator;
  let prism: Prism;
  before(async function () {
    if (!description) return this.skip();
    simulator = await startSimulator({ apiKey: API_KEY, settings: { receipts: { enabled: false } } });
    prism = await startPrism(description, `${simulator.url}/sendgrid`);
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
      const outcome = await sendgridProvider(prism.url).send(message, callContext());
      expect(outcome).to.include({ outcome: 'accepted', httpStatus: 202 });
    });

  it('no request that violates it: no content, too many recipients, another path', async () => {
    const post = (path: string, body: object) =>
      fetch(prism.url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }).then(({ status }) => status);
    const base = {
      ...{ from: { email: 'a@example.com' }, personalizations: [{ to: [{ email: 'b@example.com' }] }] },
      ...{ subject: 'Hello', content: [{ type: 'text/plain', value: 'Hello' }] },
    };
    expect(await post('/v3/mail/send', base)).to.equal(202);
    expect(await post('/v3/mail/send', { ...base, content: 'Hello' })).to.equal(422);
    expect(await post('/v3/mail/send', { ...base, personalizations: undefined })).to.equal(422);
    expect(await post('/v3/mail', base)).to.equal(404);
  });
});
