import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { isSignedBy, simulatedPublicKey, verificationKey } from '../../../src/providers/telnyx/signature.ts';
import {
  seedOf,
  signatureHeaders,
  signingKey,
} from '../../../src/simulator/dialects/telnyx/webhooks/signature.ts';
import { publicKeyOf, seedFor } from '../../support/telnyx.ts';

interface Vector {
  publicKey: string;
  seedHex: string;
  timestamp: string;
  body: string;
  signature: string;
}

const path = new URL('../vectors/telnyx.json', import.meta.url);
const vectors: Vector[] = JSON.parse(readFileSync(path, 'utf8'));
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const other = verificationKey(publicKeyOf(seedFor('other')));

/** The base64 character with another lowest bit, which no byte uses. */
const unusedBitOf = (character: string) => ALPHABET[ALPHABET.indexOf(character) ^ 1] as string;

describe("Telnyx's signature", () => {
  for (const [index, { publicKey, seedHex, timestamp, body, signature }] of vectors.entries()) {
    const key = verificationKey(publicKey);
    const now = Number(timestamp) * 1_000;
    const check = (change: { signature?: string; timestamp?: string; body?: string; now?: number } = {}) =>
      isSignedBy(
        [key],
        { signature: change.signature ?? signature, timestamp: change.timestamp ?? timestamp },
        change.now ?? now,
        async () => Buffer.from(change.body ?? body),
      );

    it(`of the public vector ${index + 1} is valid, also while another key is valid`, async () => {
      expect(await check()).to.equal(true);
      const signed = { signature, timestamp };
      expect(await isSignedBy([other, key], signed, now, async () => Buffer.from(body))).to.equal(true);
      expect(await isSignedBy([other], signed, now, async () => Buffer.from(body))).to.equal(false);
    });

    it(`of the public vector ${index + 1} is the signature of the simulator with its seed`, () => {
      const seed = Buffer.from(seedHex, 'hex').toString('base64');
      expect(publicKeyOf(seed)).to.equal(publicKey);
      const headers = signatureHeaders(signingKey(seed), Number(timestamp), body);
      expect(headers).to.deep.equal({
        'telnyx-timestamp': timestamp,
        'telnyx-signature-ed25519': signature,
      });
    });

    it(`of the public vector ${index + 1} is invalid after any change`, async () => {
      const flipped = Buffer.from(signature, 'base64');
      flipped[9] = (flipped[9] as number) ^ 1;
      const changes = [
        { signature: flipped.toString('base64') },
        { signature: '' },
        { signature: signature.slice(0, -2) },
        { signature: signature.replace(/.==$/, (end) => `${unusedBitOf(end[0] as string)}==`) },
        { signature: Buffer.from(signature, 'base64').toString('hex') },
        { timestamp: String(Number(timestamp) + 1) },
        { timestamp: `${timestamp}.0` },
        { timestamp: '' },
        { body: `${body} ` },
        { body: JSON.stringify(JSON.parse(body), null, 1) },
        { body: body.replace('received', 'received'.toUpperCase()) },
      ];
      for (const change of changes) expect(await check(change), JSON.stringify(change)).to.equal(false);
    });

    it(`of the public vector ${index + 1} is valid for five minutes in both directions`, async () => {
      for (const seconds of [-300, 300]) expect(await check({ now: now + seconds * 1_000 })).to.equal(true);
      for (const seconds of [-301, 301]) expect(await check({ now: now + seconds * 1_000 })).to.equal(false);
    });
  }

  it('does not read the body if the headers cannot be valid', async () => {
    const unread = () => Promise.reject(new Error('the body is read'));
    const { timestamp = '', signature = '' } = vectors[0] ?? {};
    const now = Number(timestamp) * 1_000;
    for (const signed of [
      { timestamp, signature: 'c2hvcnQ=' },
      { timestamp: '1', signature },
    ])
      expect(await isSignedBy([other], signed, now, unread)).to.equal(false);
  });

  it('of the simulator has the key of its account in the service', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    expect(simulatedPublicKey(secret)).to.equal(publicKeyOf(seedOf(secret)));
  });
});
