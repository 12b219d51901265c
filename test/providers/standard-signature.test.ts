import { readFileSync } from 'node:fs';
import { mock } from 'node:test';
import { expect } from 'chai';
import { standardWebhooks } from '../../src/providers/standard/webhook.ts';
import { IncomingWebhook } from '../../src/providers/webhook.ts';

interface Vector {
  secret: string;
  id: string;
  timestamp: string;
  body: string;
  signature: string;
}

const file = new URL('./vectors/standard-webhooks.json', import.meta.url);
const vectors: Vector[] = JSON.parse(readFileSync(file, 'utf8'));
const OTHER = `whsec_${Buffer.alloc(24, 'other').toString('base64')}`;

describe('The signature of Standard Webhooks', () => {
  afterEach(() => mock.timers.reset());

  const verify = (secrets: string[], { id, timestamp, body, signature }: Vector) =>
    standardWebhooks('sms', secrets).verify(
      new IncomingWebhook({
        headers: { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature },
        ...{ target: '/', publicUrl: null, readBody: async () => Buffer.from(body) },
      }),
    );

  for (const [index, vector] of vectors.entries()) {
    const at = (seconds: number) =>
      mock.timers.enable({ apis: ['Date'], now: (Number(vector.timestamp) + seconds) * 1_000 });

    it(`of the public vector ${index + 1} is valid within five minutes, also while another secret is valid`, async () => {
      for (const seconds of [-300, 0, 300]) {
        at(seconds);
        expect(await verify([vector.secret], vector)).to.equal('valid');
        expect(await verify([OTHER, vector.secret], vector)).to.equal('valid');
        mock.timers.reset();
      }
    });

    it(`of the public vector ${index + 1} is invalid at another time and after any change`, async () => {
      for (const seconds of [-301, 301]) {
        at(seconds);
        expect(await verify([vector.secret], vector)).to.equal('invalid');
        mock.timers.reset();
      }
      at(0);
      const signature = Buffer.from(vector.signature.slice(3), 'base64');
      signature[3] = (signature[3] as number) ^ 1;
      const changes: Partial<Vector>[] = [
        { id: `${vector.id}x` },
        { timestamp: String(Number(vector.timestamp) + 1) },
        { body: `${vector.body} ` },
        { signature: `v1,${signature.toString('base64')}` },
        { signature: vector.signature.replace('v1,', 'v2,') },
        { signature: vector.signature.replace(/=+$/, '') },
      ];
      for (const change of changes)
        expect(await verify([vector.secret], { ...vector, ...change }), JSON.stringify(change)).to.equal(
          'invalid',
        );
      expect(await verify([OTHER], vector)).to.equal('invalid');
    });
  }
});
