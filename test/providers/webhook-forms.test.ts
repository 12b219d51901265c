import { expect } from 'chai';
import { IncomingWebhook } from '../../src/providers/webhook.ts';

const webhookOf = (body: string, type = 'application/x-www-form-urlencoded') =>
  new IncomingWebhook({
    headers: { 'content-type': type },
    ...{ target: '/', publicUrl: null, readBody: async () => Buffer.from(body) },
  });
const formOf = (parameters: number) => Array.from({ length: parameters }, (_, n) => `p${n}=v`).join('&');

describe('A webhook with a form', () => {
  it('is read once, with at most 1,000 parameters, because it is read before its signature is verified', async () => {
    const webhook = webhookOf(formOf(1_000));
    expect([...((await webhook.form()) as URLSearchParams)]).to.have.lengthOf(1_000);
    expect(await webhook.form()).to.equal(await webhook.form());
    expect(await webhookOf(formOf(1_001)).form()).to.equal(null);
  });

  it('is not read from a body of another type', async () => {
    expect(await webhookOf('a=b', 'application/json').form()).to.equal(null);
    expect(await webhookOf('a=b', 'application/x-www-form-urlencoded2').form()).to.equal(null);
  });
});
