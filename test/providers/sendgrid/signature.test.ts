import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import {
  isSignedBy,
  simulatedPublicKey,
  verificationKey,
} from '../../../src/providers/sendgrid/signature.ts';
import { signatureHeaders, signingKey } from '../../../src/simulator/dialects/sendgrid/signature.ts';
import { publicKeyFor } from '../../support/sendgrid.ts';

interface Vector {
  publicKey: string;
  timestamp: string;
  body: string;
  signature: string;
}

const path = new URL('../vectors/sendgrid.json', import.meta.url);
const vectors: Vector[] = JSON.parse(readFileSync(path, 'utf8'));
const other = verificationKey(publicKeyFor('other'));
const DAY_SECONDS = 24 * 60 * 60;

describe("SendGrid's signature", () => {
  const check = (
    { publicKey, signature, timestamp, body }: Vector,
    now = Number(timestamp) * 1_000,
    keys = [verificationKey(publicKey)],
  ) =>
    isSignedBy(keys, { signature, timestamp }, { now, maxAgeSeconds: DAY_SECONDS }, async () =>
      Buffer.from(body),
    );

  it('of each public vector is valid, also while another key is valid, and by no other key', async () => {
    for (const vector of vectors) {
      expect(await check(vector)).to.equal(true);
      expect(await check(vector, undefined, [other, verificationKey(vector.publicKey)])).to.equal(true);
      expect(await check(vector, undefined, [other])).to.equal(false);
    }
  });

  it('of each public vector is invalid after any change', async () => {
    for (const vector of vectors) {
      const bytes = Buffer.from(vector.signature, 'base64');
      bytes[9] = (bytes[9] as number) ^ 1;
      const changes: Partial<Vector>[] = [
        { signature: bytes.toString('base64') },
        { signature: `${vector.signature}A` },
        { signature: vector.signature.replace('=', '') },
        { signature: '' },
        { timestamp: String(Number(vector.timestamp) + 1) },
        { timestamp: ` ${vector.timestamp}` },
        { timestamp: '' },
        { body: `${vector.body}\r\n` },
        { body: vector.body.replace('test_event', 'test_evens') },
      ];
      for (const change of changes)
        expect(await check({ ...vector, ...change }), JSON.stringify(change)).to.equal(false);
    }
  });

  it('is valid as long as SendGrid repeats webhooks', async () => {
    for (const vector of vectors) {
      const at = (seconds: number) => check(vector, (Number(vector.timestamp) + seconds) * 1_000);
      expect([await at(-300), await at(DAY_SECONDS)]).to.deep.equal([true, true]);
      expect([await at(-3_600), await at(DAY_SECONDS + 1)]).to.deep.equal([false, false]);
    }
  });

  it('of the simulator is valid by the key that the service derives of the same secret', async () => {
    const body = Buffer.from([0, 255, 13, 10]);
    const headers = signatureHeaders(signingKey('whsec_a'), 1_700_000_000, body);
    const signed = {
      signature: headers['x-twilio-email-event-webhook-signature'] as string,
      timestamp: '1700000000',
    };
    const time = { now: 1_700_000_000_000, maxAgeSeconds: 60 };
    const key = (secret: string) => [verificationKey(simulatedPublicKey(secret))];
    expect(await isSignedBy(key('whsec_a'), signed, time, async () => body)).to.equal(true);
    expect(await isSignedBy(key('whsec_b'), signed, time, async () => body)).to.equal(false);
  });
});
