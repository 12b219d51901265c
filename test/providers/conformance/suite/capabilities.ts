import { expect } from 'chai';
import type { Capabilities } from '../../../../src/providers/capabilities.ts';
import type { Bench } from './bench.ts';
import type { Subject } from './subject.ts';

const ATTACHMENT = 'https://media.example/picture.png';

/** The limits of the contract. */
const LONGEST_TEXT = 1_600;
const MOST_ATTACHMENTS = 10;
const codeAbove = (limit: number, ofContract: number) =>
  limit >= ofContract ? 'invalid_request' : 'missing_capability';

/** Each capability of the kind: a message within its limits is sent whole, and any other message is refused by name. */
export function describeCapabilities(subject: Subject, bench: () => Bench): void {
  describe('a capability', () => {
    let has: Capabilities;
    before(() => {
      has = bench().provider().capabilities;
    });

    const isText = () => bench().channel === 'sms';
    const post = (more: object) => {
      const message = { ...subject.message, to: bench().recipient(), ...more };
      const body = { ...message, timestamp: new Date().toISOString() };
      return bench().service.request('POST', `/api/messages/${bench().channel}`, body);
    };
    /** Expects that the provider has the message once. */
    async function expectSent(more: object): Promise<void> {
      const { status, body } = await post(more);
      expect(status, JSON.stringify(body)).to.equal(202);
      const { provider_message_id } = await bench().service.untilStatus(
        body.id,
        subject.lastStatus ?? 'delivered',
      );
      const { data } = await bench().control<{ data: { id: string }[] }>('GET', 'messages');
      expect(data.map(({ id }) => id)).to.deep.equal([provider_message_id]);
    }
    /** @param code `invalid_request` if the limit of the kind is also the limit of the contract. */
    async function expectRefused(more: object, code = 'missing_capability'): Promise<void> {
      const { status, body } = await post(more);
      expect([status, body.code]).to.deep.equal([422, code]);
      expect((await bench().control<{ data: object[] }>('GET', 'messages')).data).to.deep.equal([]);
    }

    it('limits the recipients of one message', async () => {
      const to = [bench().recipient(), bench().recipient()];
      const group = { to, ...(isText() && { type: 'mms' }) };
      if (has.maxRecipients === 1) await expectRefused(group);
      else await expectSent(group);
    });

    it('limits the length of a text', async () => {
      const longest = has.maxTextLength ?? LONGEST_TEXT;
      await expectSent({ body: 'x'.repeat(longest) });
      await bench().control('POST', 'reset');
      if (has.maxTextLength !== null)
        await expectRefused({ body: 'x'.repeat(longest + 1) }, codeAbove(longest, LONGEST_TEXT));
      if (has.maxSegments === null) return;
      // A segment has 67 characters outside GSM-7.
      await expectSent({ body: 'ж'.repeat(67 * has.maxSegments) });
      await bench().control('POST', 'reset');
      await expectRefused({ body: 'ж'.repeat(67 * has.maxSegments + 1) });
    });

    it('limits the attachments', async () => {
      const withAttachments = (length: number) => ({
        ...(isText() && { type: 'mms' }),
        attachments: Array.from({ length }, (_, index) =>
          has.attachmentsBy.includes('url')
            ? `${ATTACHMENT}?n=${index}`
            : { content: Buffer.from(`text ${index}`).toString('base64'), filename: `${index}.txt` },
        ),
      });
      if (isText() && !has.mms) return expectRefused(withAttachments(1));
      const most = has.maxAttachments ?? 3;
      await expectSent(withAttachments(most));
      await bench().control('POST', 'reset');
      if (has.maxAttachments !== null)
        await expectRefused(withAttachments(most + 1), codeAbove(most, MOST_ATTACHMENTS));
    });

    it('allows copies of an email', async () => {
      if (isText()) expect(has.copies).to.equal(false);
      else if (has.copies) await expectSent({ cc: [bench().recipient()], bcc: [bench().recipient()] });
      else await expectRefused({ cc: [bench().recipient()] });
    });
  });
}
