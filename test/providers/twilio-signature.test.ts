import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { isSignedBy } from '../../src/providers/twilio/signature.ts';

interface Vector {
  token: string;
  url: string;
  params: [string, string][];
  body?: string;
  signature: string;
}

const vectors: Vector[] = JSON.parse(readFileSync(new URL('./vectors/twilio.json', import.meta.url), 'utf8'));

function requestOf({ url, params, body, signature }: Vector) {
  const form = body === undefined ? new URLSearchParams(params) : null;
  return { url, form, body: Buffer.from(body ?? form?.toString() ?? ''), signature };
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The base64 character with another lowest bit, which no byte uses. */
function unusedBitOf(character: string): string {
  return ALPHABET[ALPHABET.indexOf(character) ^ 1] as string;
}

describe("Twilio's signature", () => {
  for (const [index, vector] of vectors.entries()) {
    const request = requestOf(vector);

    it(`of the public vector ${index + 1} is valid, also while another token is valid`, () => {
      expect(isSignedBy([vector.token], request)).to.equal(true);
      expect(isSignedBy(['another', vector.token], request)).to.equal(true);
    });

    it(`of the public vector ${index + 1} is invalid after any change`, () => {
      const flipped = Buffer.from(vector.signature, 'base64');
      flipped[3] = (flipped[3] as number) ^ 1;
      const changes = [
        { ...request, signature: flipped.toString('base64') },
        { ...request, signature: '' },
        // The last character before the padding has unused bits.
        {
          ...request,
          signature: vector.signature.replace(/.=$/, (end) => `${unusedBitOf(end[0] as string)}=`),
        },
        { ...request, url: `${request.url}&more=1` },
        { ...request, url: request.url.replace('mycompany', 'myc0mpany') },
        { ...request, url: request.url.replace('.com/', '.com:8443/') },
        ...(request.form
          ? [{ ...request, form: new URLSearchParams([...request.form, ['X', 'y']]) }]
          : [{ ...request, body: Buffer.from(`${request.body} `) }]),
      ];
      for (const [number, change] of changes.entries())
        expect(isSignedBy([vector.token], change), String(number)).to.equal(number === 5);
      expect(isSignedBy(['54321'], request)).to.equal(false);
    });
  }
});
