import { expect } from 'chai';
import fc from 'fast-check';
import { unwrapEvent } from '../../../sdk/src/index.ts';
import { isSigned, signatureBy, signingKey } from '../../../src/providers/standard/signature.ts';
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

describe(`Signatures of events and the official library of Standard Webhooks${library ? '' : NOT_INSTALLED}`, () => {
  before(function () {
    if (!library) this.skip();
  });

  const secrets = fc
    .uint8Array({ minLength: 24, maxLength: 64 })
    .map((bytes) => `whsec_${Buffer.from(bytes).toString('base64')}`);
  const payloads = fc.record({ id: fc.nat(), type: fc.string(), data: fc.jsonValue() });

  const signed = (secret: string, { id }: { id: number }, body: string) => {
    const now = new Date();
    return {
      'webhook-id': `evt_${id}`,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
      'webhook-signature': new (library as Library).Webhook(secret).sign(`evt_${id}`, now, body),
    };
  };

  it('unwrap and the service accept what the library signs, and refuse it with a change', async () => {
    const { Webhook } = library as Library;
    await fc.assert(
      fc.asyncProperty(secrets, secrets, payloads, async (secret, other, payload) => {
        fc.pre(secret !== other);
        const body = JSON.stringify(payload);
        const headers = signed(secret, payload, body);
        const [id, timestamp, signature] = Object.values(headers) as [string, string, string];
        const isAccepted = (key: string, content: string) =>
          isSigned({ id, timestamp, signature }, [signingKey(key)], Date.now(), async () =>
            Buffer.from(content),
          );
        expect(new Webhook(secret).verify(body, headers)).to.deep.equal(JSON.parse(body));
        expect(await unwrapEvent({ headers, body }, secret)).to.deep.equal(JSON.parse(body));
        expect(await isAccepted(secret, body)).to.equal(true);
        for (const [key, changed] of [
          [other, body],
          [secret, `${body} `],
        ] as const) {
          expect(() => new Webhook(key).verify(changed, headers)).to.throw();
          expect(await isAccepted(key, changed)).to.equal(false);
          expect(await rejection(unwrapEvent({ headers, body: changed }, key))).to.include({
            code: 'wrong_signature',
          });
        }
      }),
      { numRuns: 50 },
    );
  });

  it('the library and unwrap accept what the service signs, with each secret of a rotation', async () => {
    const { Webhook } = library as Library;
    await fc.assert(
      fc.asyncProperty(secrets, secrets, payloads, async (current, previous, payload) => {
        const body = JSON.stringify(payload);
        const id = `evt_${payload.id}`;
        const timestamp = String(Math.floor(Date.now() / 1_000));
        const keys = [current, previous].map(signingKey);
        const headers = {
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          'webhook-signature': signatureBy(keys, { id, timestamp }, body),
        };
        for (const secret of [current, previous]) {
          expect(new Webhook(secret).verify(body, headers)).to.deep.equal(JSON.parse(body));
          expect(await unwrapEvent({ headers, body }, secret)).to.deep.equal(JSON.parse(body));
        }
      }),
      { numRuns: 50 },
    );
  });
});
