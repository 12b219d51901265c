import { expect } from 'chai';
import type { WebhookCall } from '../../../../src/simulator/webhook-client.ts';
import type { Bench } from './bench.ts';
import type { InboundSubject } from './subject.ts';

const ATTACHMENT = 'https://media.example/picture.png';

/** Inbound messages: content, repeats and unknown fields. */
export function describeInbound(
  { webhooks, message: { from: ours } }: InboundSubject,
  bench: () => Bench,
): void {
  describe('an inbound message', () => {
    it('is stored in the conversation of the message that it replies to', async () => {
      const { dialect } = bench().subject;
      const { id, to } = await bench().send();
      const { conversation_id } = await bench().service.untilStatus(id, 'delivered');
      const fields = webhooks.inbound({ from: to, to: ours, body: 'A reply' });
      const answer = await bench().control<{ status: number }>('POST', 'inbound', {
        ...{ channel: bench().channel, dialect },
        ...fields,
      });
      expect(answer.status).to.equal(200);
      const { data } = await bench().control<{ data: WebhookCall[] }>('GET', 'webhooks');
      expect(data.filter(({ problem }) => problem !== null)).to.deep.equal([]);
      const path = `/api/conversations/${conversation_id}/messages`;
      const { body } = await bench().service.request('GET', path);
      expect(body.data.map((each: { body: string }) => each.body)).to.include('A reply');
    });

    it('has the addresses, the text and the attachments of the webhook', async () => {
      const fields = { id: bench().id(), from: bench().recipient(), to: ours, body: 'a+b & é 👋' };
      await bench().deliver(webhooks.message({ ...fields, attachments: [ATTACHMENT] }));
      const [stored] = await bench().inbound(fields.id);
      expect(stored).to.deep.include({
        ...{ direction: 'inbound', from: fields.from, to: [ours], body: fields.body },
        ...{ attachments: [ATTACHMENT], provider: bench().subject.account },
      });
    });

    it('that arrives 20 times at once is stored once', async () => {
      const fields = { id: bench().id(), from: bench().recipient(), to: ours, body: 'Once' };
      const webhook = webhooks.message(fields);
      await Promise.all(Array.from({ length: 20 }, () => bench().deliver(webhook)));
      expect(await bench().inbound(fields.id)).to.have.lengthOf(1);
    });

    it('with unknown fields is stored, and is the same message without them', async () => {
      const fields = { id: bench().id(), from: bench().recipient(), to: ours, body: 'Hello' };
      await bench().deliver(webhooks.message(fields, true));
      await bench().deliver(webhooks.message(fields));
      const [stored, ...others] = await bench().inbound(fields.id);
      expect(stored).to.include({ body: 'Hello', from: fields.from });
      expect(others).to.deep.equal([]);
    });
  });
}
