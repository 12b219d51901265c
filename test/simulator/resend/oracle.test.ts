import { expect } from 'chai';
import { svixHeaders } from '../../../src/simulator/dialects/resend/signature.ts';
import { findOracle, NOT_INSTALLED } from '../../support/oracles.ts';
import { type Play, secret, startPlay } from '../support.ts';

interface Client {
  emails: {
    send(
      email: object,
      options?: { idempotencyKey: string },
    ): Promise<{ data: { id: string } | null; error: { name: string; statusCode: number } | null }>;
  };
  webhooks: { verify(input: object): { type: string } };
}
interface Library {
  Resend: new (apiKey: string, options?: { baseUrl: string }) => Client;
}

const API_KEY = 're_0123456789abcdef';
const library = findOracle<Library>('resend');

describe(`The official Resend library${library ? '' : NOT_INSTALLED}`, () => {
  let play: Play;
  before(async function () {
    if (!library) return this.skip();
    play = await startPlay({ apiKey: API_KEY, webhookSecret: secret });
  });
  after(() => play?.stop());

  const client = (apiKey = API_KEY) =>
    new (library as Library).Resend(apiKey, { baseUrl: `${play.url}/resend` });
  const email = (to: string) => ({
    ...{ from: 'Shop <shop@example.com>', to, subject: 'Hello', html: '<b>Hello</b>', text: 'Hello' },
    attachments: [{ filename: 'a.txt', content: Buffer.from('abc'), contentId: 'a@example.com' }],
    tags: [{ name: 'echo', value: 'a-b_1' }],
  });

  it('sends an email to the simulator once for each key', async () => {
    const options = { idempotencyKey: 'a-key' };
    const { data, error } = await client().emails.send(email('ada@example.net'), options);
    expect(error).to.equal(null);
    expect((await client().emails.send(email('ada@example.net'), options)).data).to.deep.equal(data);
    expect((await play.accepted()).map(({ id }) => id)).to.deep.equal([data?.id]);
    expect((await client().emails.send(email('bob@example.net'), options)).error).to.include({
      ...{ name: 'invalid_idempotent_request', statusCode: 409 },
    });
  });

  it('has an error with the name of a refusal', async () => {
    expect((await client('re_wrong').emails.send(email('ada@example.net'))).error).to.include({
      statusCode: 401,
    });
    expect((await client().emails.send(email('reject@example.net'))).error).to.include({
      ...{ name: 'validation_error', statusCode: 422 },
    });
  });

  it('accepts the signatures of the simulator, and no changed webhook', () => {
    const payload = JSON.stringify({ type: 'email.sent', data: { subject: 'ü' } });
    const signed = svixHeaders(secret, 'msg_1', Math.floor(Date.now() / 1_000), payload);
    const headers = {
      ...{ id: signed['svix-id'], timestamp: signed['svix-timestamp'], signature: signed['svix-signature'] },
    };
    const { webhooks } = client();
    expect(webhooks.verify({ payload, headers, webhookSecret: secret })).to.include({ type: 'email.sent' });
    expect(() => webhooks.verify({ payload: `${payload} `, headers, webhookSecret: secret })).to.throw();
  });
});
