import { expect } from 'chai';
import type { Message } from '../../../../sdk/src/index.ts';
import type { Channel } from '../../../../src/channel.ts';
import { entriesOf, repliesTo } from '../../../support/consent.ts';
import { until } from '../../../support/until.ts';
import type { Bench } from './bench.ts';
import { hasInbound, type InboundSubject, type Subject } from './subject.ts';

/** The requests of recipients, and the addresses that never accept a message. */
export function describeOptOuts(subject: Subject, channel: Channel, bench: () => Bench): void {
  const { message, optedOut, webhooks } = subject;

  describe('an opt-out', () => {
    const post = async (to: string) => {
      const body = { ...message, to, timestamp: new Date().toISOString() };
      const answer = await bench().service.request('POST', `/api/messages/${channel}`, body);
      return { status: answer.status, code: answer.body.code, id: answer.body.id as number };
    };
    const entries = async (address: string) => (await entriesOf(bench().service, address)).length;
    const SUPPRESSED = { status: 422, code: 'recipient_suppressed', id: undefined };

    if (hasInbound(subject)) describeTexts(subject);

    if (optedOut !== undefined)
      it('at the provider suppresses the recipient of a refused message', async () => {
        const { id } = await post(optedOut);
        const { error } = await bench().service.untilStatus(id, 'failed');
        expect(error).to.include({ class: 'opted_out' });
        // The ledger changes after the status, before the provider gets its response.
        await until(async () => (await entries(optedOut)) > 0, 'the recipient is suppressed');
        expect(await post(optedOut)).to.deep.equal(SUPPRESSED);
      });

    if (webhooks.hardBounce)
      it('is not necessary after a hard bounce, which suppresses the address', async () => {
        const { id, to } = await bench().send();
        const sent: Message = await bench().service.untilStatus(id, 'delivered');
        const bounce = webhooks.hardBounce?.(String(sent.provider_message_id), to);
        if (bounce) await bench().deliver(bounce);
        expect(await post(to)).to.deep.equal(SUPPRESSED);
      });

    function describeTexts({ webhooks: forms }: InboundSubject): void {
      /** An inbound text of the simulator, as the provider sends it. */
      const write = async (from: string, body: string) => {
        const answer = await bench().control<{ status: number }>('POST', 'inbound', {
          ...{ channel, dialect: subject.dialect },
          ...forms.inbound({ from, to: message.from, body }),
        });
        expect(answer.status).to.equal(200);
      };

      if (channel === 'email')
        return void it('by the text STOP is a request in a text message only', async () => {
          const from = bench().recipient();
          await write(from, 'STOP');
          expect(await entries(from)).to.equal(0);
        });

      it('by the text STOP suppresses the recipient until the text START', async () => {
        const from = bench().recipient();
        await write(from, ' Stop! ');
        expect(await post(from)).to.deep.equal(SUPPRESSED);
        await write(from, 'START');
        const { id } = await post(from);
        await bench().service.untilStatus(id, 'delivered');
      });

      it('that arrives 20 times at once is one entry, and is answered once or by the provider', async () => {
        const from = bench().recipient();
        await Promise.all(Array.from({ length: 20 }, () => write(from, 'STOP')));
        expect(await entries(from)).to.equal(1);
        const replies = await repliesTo(bench().service, from);
        expect(replies).to.have.lengthOf(bench().provider().answersOptOuts(message.from) ? 0 : 1);
        for (const { id } of replies) await bench().service.untilStatus(id, 'delivered');
        expect(await bench().acceptedFor(from)).to.have.lengthOf(replies.length);
      });

      it('whose webhook is redelivered after a START changes nothing', async () => {
        const from = bench().recipient();
        const webhook = (body: string) => forms.message({ id: bench().id(), from, to: message.from, body });
        const stop = webhook('STOP');
        await bench().deliver(stop);
        await bench().deliver(webhook('START'));
        await bench().deliver(stop);
        expect(await entries(from)).to.equal(0);
      });
    }
  });
}
