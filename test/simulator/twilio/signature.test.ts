import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { signForm } from '../../../src/simulator/dialects/twilio/webhooks/signature.ts';

interface Vector {
  token: string;
  url: string;
  params: [name: string, value: string][];
  signature: string;
}

const file = new URL('../../providers/vectors/twilio.json', import.meta.url);
const vectors: Vector[] = JSON.parse(readFileSync(file, 'utf8'));

describe('The signature of a simulated Twilio webhook', () => {
  for (const { token, url, params, signature } of vectors)
    it(`equals the public vector ${signature}`, () => {
      expect(signForm(token, url, new URLSearchParams(params))).to.equal(signature);
    });
});
