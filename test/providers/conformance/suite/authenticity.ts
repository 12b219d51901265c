import { expect } from 'chai';
import { startHarness } from '../../../support/harness.ts';
import type { Bench } from './bench.ts';
import type { SigningOptions, Subject, Webhook } from './subject.ts';

/** The distance between the bytes of a body that are changed, in bytes. */
const STEP = 16;

/** Signatures: rotation, and everything that must be refused. */
export function describeAuthenticity(subject: Subject, bench: () => Bench): void {
  const { webhooks, secrets, message } = subject;
  const { signatureHeader, sign } = webhooks;

  describe('a webhook', () => {
    const receipt = () => webhooks.receipt(bench().id(), subject.progress.at(-1) as string);
    const inbound = () =>
      webhooks.message?.({ id: bench().id(), from: bench().recipient(), to: message.from, body: 'Hello' }) ??
      receipt();
    const options = (more: Partial<SigningOptions> = {}) => ({
      ...{ secret: secrets.current, url: bench().service.url },
      ...more,
    });

    /** Expects that each webhook is refused and that nothing is stored. */
    async function expectRefused(...forged: Webhook[]): Promise<void> {
      const before = await bench().stored();
      for (const each of forged) {
        const isUnsigned = !(signatureHeader in each.headers);
        const expected = isUnsigned ? (webhooks.unsignedStatus ?? 401) : 401;
        expect((await bench().post(each)).status, JSON.stringify(each)).to.equal(expected);
      }
      expect(await bench().stored()).to.deep.equal(before);
    }

    it('is accepted with each of two secrets during a rotation', async () => {
      for (const secret of [secrets.current, secrets.previous])
        expect((await bench().post(bench().signed(inbound(), secret))).status).to.equal(200);
    });

    it('is refused without a signature', async () => {
      await expectRefused(inbound(), receipt());
    });

    it('is refused with the signature of an unknown secret', async () => {
      await expectRefused(sign(inbound(), options({ secret: secrets.other })));
    });

    it('is refused with one flipped bit in the body or in the signature', async () => {
      const signed = bench().signed(inbound());
      const count = webhooks.signsBody === false ? 0 : Math.ceil(signed.body.length / STEP);
      const bodies = Array.from({ length: count }, (_, index) => ({
        ...signed,
        body: withFlippedBit(signed.body, index * STEP),
      }));
      const signature = String(signed.headers[signatureHeader]);
      const flipped = withFlippedBit(signature, signature.length - 8);
      await expectRefused(...bodies, {
        ...signed,
        headers: { ...signed.headers, [signatureHeader]: flipped },
      });
    });

    it("is refused with another account's secret, also at a service with both accounts", async () => {
      const { account } = subject;
      const other = `${account.replaceAll('-', '_')}_eu`;
      const url = bench().service.url;
      const service = await startHarness({
        PUBLIC_URL: url,
        [`${bench().channel.toUpperCase()}_PROVIDERS`]: `${account},${other}`,
        ...subject.environment(account, bench().simulator.url, [secrets.current]),
        ...subject.environment(other, bench().simulator.url, [secrets.other]),
      });
      try {
        const webhook = inbound();
        const at = (name: string) => ({ ...webhook, path: webhook.path.replace(account, name) });
        const statusOf = async (name: string, secret: string) =>
          (await bench().post(sign(at(name), options({ secret })), service.url)).status;
        expect(await statusOf(account, secrets.other)).to.equal(401);
        expect(await statusOf(other, secrets.current)).to.equal(401);
        expect((await service.request('GET', '/api/messages')).body.data).to.deep.equal([]);
        expect(await statusOf(other, secrets.other)).to.equal(200);
        expect(await statusOf(account, secrets.current)).to.equal(200);
      } finally {
        await service.stop();
      }
    });

    it('is refused at the URL of an unknown account', async () => {
      const webhook = inbound();
      await expectRefused(
        bench().signed({ ...webhook, path: webhook.path.replace(subject.account, 'nobody') }),
      );
    });

    if (webhooks.signsUrl)
      it('is refused with the signature of another host, port, scheme, path or query', async () => {
        const url = new URL(bench().service.url);
        const others = [
          `${url.protocol}//example.com:${url.port}`,
          `${url.protocol}//${url.hostname}:${Number(url.port) + 1}`,
          `https://${url.host}`,
          `${url.href}api`,
        ];
        const webhook = inbound();
        const elsewhere = sign({ ...webhook, path: `${webhook.path}?a=1` }, options());
        await expectRefused(
          ...others.map((other) => sign(webhook, options({ url: other }))),
          { ...elsewhere, path: webhook.path },
          { ...sign(webhook, options()), path: `${webhook.path}?a=1` },
        );
      });

    if (webhooks.signsTime)
      it('is refused six minutes before or after the time of its signature', async () => {
        const now = Math.floor(Date.now() / 1_000);
        await expectRefused(
          ...[now - 360, now + 360].map((at) => sign(inbound(), options({ at }))),
          sign(receipt(), options({ at: now - 360 })),
        );
      });
  });
}

function withFlippedBit(text: string, index: number): string {
  const code = text.charCodeAt(index) ^ 1;
  return text.slice(0, index) + String.fromCharCode(code) + text.slice(index + 1);
}
