import { expect } from 'chai';
import fc from 'fast-check';
import { unwrapEvent } from '../../../sdk/src/index.ts';
import { findOracle, NOT_INSTALLED } from '../../support/oracles.ts';
import { rejection } from '../support.ts';

interface Library {
  Webhook: new (
    secret: string,
  ) => {
    sign(id: string, timestamp: Date, body: string): string;
    verify(body: string, headers: Record<string, string>): unknown;
  };
}

const library = findOracle<Library>('standardwebhooks');

describe(`events.unwrap and the official library of Standard Webhooks${library ? '' : NOT_INSTALLED}`, () => {
  before(function () {
    if (!library) this.skip();
  });

  const secrets = fc
    .uint8Array({ minLength: 24, maxLength: 64 })
    .map((bytes) => `whsec_${Buffer.from(bytes).toString('base64')}`);
  const payloads = fc.record({ id: fc.nat(), type: fc.string(), data: fc.jsonValue() });

  it('unwrap accepts what the library signs, and refuses it with a change', async () => {
    const { Webhook } = library as Library;
    await fc.assert(
      fc.asyncProperty(secrets, secrets, payloads, async (secret, other, payload) => {
        fc.pre(secret !== other);
        const body = JSON.stringify(payload);
        const now = new Date();
        const headers = {
          'webhook-id': `evt_${payload.id}`,
          'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
          'webhook-signature': new Webhook(secret).sign(`evt_${payload.id}`, now, body),
        };
        expect(new Webhook(secret).verify(body, headers)).to.deep.equal(JSON.parse(body));
        expect(await unwrapEvent({ headers, body }, secret)).to.deep.equal(JSON.parse(body));
        for (const [changed, key] of [
          [body, other],
          [`${body} `, secret],
        ] as const) {
          expect(() => new Webhook(key).verify(changed, headers)).to.throw();
          expect(await rejection(unwrapEvent({ headers, body: changed }, key))).to.include({
            code: 'wrong_signature',
          });
        }
      }),
      { numRuns: 50 },
    );
  });
});
