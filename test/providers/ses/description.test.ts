import { expect } from 'chai';
import type { Provider } from '../../../src/providers/provider.ts';
import { createRegistry } from '../../../src/providers/registry.ts';
import { loadConfig } from '../../../src/service/service.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/server.ts';
import { type Email, referenceEmail } from '../../support/mail.ts';
import { findPrism, NO_PRISM, type Prism, startPrism } from '../../support/prism.ts';
import { callContext } from '../../support/provider-server.ts';
import { sesEnvironment } from '../../support/ses.ts';

const description = findPrism('ses.json');

/** Prism, an independent server, compares each request and response with the model of SES in the AWS libraries. */
describe(`The model of SES in the AWS libraries accepts${description ? '' : NO_PRISM}`, function () {
  this.timeout(60_000);
  let simulator: Simulator;
  let prism: Prism;
  before(async function () {
    if (!description) return this.skip();
    // Prism changes the host, which a signature covers: the simulator checks the form of signatures only.
    simulator = await startSimulator({ settings: { receipts: { enabled: false } } });
    prism = await startPrism(description, `${simulator.url}/ses`);
  });
  after(async () => {
    await prism?.stop();
    await simulator?.stop();
  });

  const send = (message: Email, more: Record<string, string> = {}) => {
    const { accounts } = loadConfig({ ...sesEnvironment(prism.url), ...more });
    const provider = createRegistry(accounts, 20_000).email[0] as Provider;
    return provider.send(message, callContext());
  };
  const only = (...envelope: string[]) => {
    const message = referenceEmail();
    return { ...message, email: { ...message.email, envelope } };
  };

  const sends: Record<string, [Email, Record<string, string>?]> = {
    'an email with every part': [referenceEmail()],
    'an email with a configuration set': [referenceEmail(), { SES_CONFIGURATION_SET: 'shop' }],
    'an email to one of its recipients': [only('mary@example.net')],
    'an email to its blind copy only': [only('audit-blind@example.org')],
  };
  for (const [title, parameters] of Object.entries(sends))
    it(title, async () => {
      expect(await send(...parameters)).to.include({ outcome: 'accepted', httpStatus: 200 });
    });

  it('a refusal of the simulator', async () => {
    const to = ['reject@example.net'];
    const message = referenceEmail({ to, cc: null, bcc: null });
    const outcome = await send({ ...message, email: { ...message.email, envelope: to } });
    expect(outcome).to.include({ outcome: 'rejected', code: 'BadRequestException' });
  });

  it('no request that violates it: no content, another field, another path, no credentials', async () => {
    const post = (path: string, body: object, headers = {}) =>
      fetch(prism.url + path, {
        method: 'POST',
        headers: { authorization: 'AWS4-HMAC-SHA256', 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }).then(({ status }) => status);
    const path = '/v2/email/outbound-emails';
    const content = { Content: { Raw: { Data: 'QQ==' } } };
    expect(await post(path, {})).to.equal(422);
    expect(await post(path, { ...content, Subject: 'Hello' })).to.equal(422);
    expect(await post(path, { Content: { Raw: { Text: 'Hello' } } })).to.equal(422);
    expect(await post('/v2/emails', content)).to.equal(404);
  });
});
