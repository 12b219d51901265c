import { expect } from 'chai';
import type { Message } from '../../sdk/src/index.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { readBack } from '../support/mail.ts';
import { controlOf, PASSWORD } from '../support/smtp.ts';
import { suppress } from '../support/suppressions.ts';
import { timelineOf } from '../support/timeline.ts';
import { until } from '../support/until.ts';

const LATER = '450 4.2.0 Try again later';

describe('An email that a mail server accepts for some of its recipients', () => {
  let service: Harness;
  let simulator: Simulator;
  let control: ReturnType<typeof controlOf>;
  let n = 0;
  before(async () => {
    simulator = await startSimulator({ apiKey: PASSWORD, smtp: {} });
    control = controlOf(simulator);
    service = await startHarness({
      EMAIL_PROVIDERS: 'smtp',
      SMTP_URL: `smtp://shop:${PASSWORD}@127.0.0.1:${simulator.smtpPort}`,
      SMTP_REQUIRE_TLS: 'false',
    });
  });
  after(async () => {
    await service.stop();
    await simulator.stop();
  });
  beforeEach(() => control.reset());

  /** Addresses that no other test has. */
  const addresses = (...names: string[]) => names.map((name) => `${name}@test-${n}.example.net`);
  const send = async (to: string[], more: object = {}): Promise<Message> => {
    const { status, body } = await service.request('POST', '/api/messages/email', {
      ...{ from: 'shop@example.com', to, subject: 'News', body: '<p>Hello</p>', ...more },
      timestamp: new Date().toISOString(),
    });
    expect(status, JSON.stringify(body)).to.equal(202);
    return body;
  };
  const messageOf = async (id: number): Promise<Message> =>
    (await service.request('GET', `/api/messages/${id}`)).body;
  const statusesOf = ({ recipients }: Message) => recipients?.map(({ status }) => status);
  const envelopes = async () => (await control.received()).map(({ to }) => to);
  const attemptsOf = async (id: number) => (await timelineOf(service, id)).attempts;
  /** Sends to two recipients, of whom the second waits, and waits for the first attempt. */
  const sendPartly = async () => {
    n++;
    const [first, second] = addresses('first', 'second') as [string, string];
    await control.faults({ phase: 'rcpt', reply: LATER, recipient: second });
    const { id } = await send([first, second]);
    await until(async () => (await attemptsOf(id)).length > 0, 'the first attempt is settled');
    return { id, first, second };
  };
  const queue = (id: number, sql: string) =>
    query(service.databaseUrl, `update deliveries set ${sql} where message_id = $1 and status = 'queued'`, [
      id,
    ]);
  const eventsOf = async (id: number): Promise<string[]> => {
    const { body } = await service.request('GET', '/api/events?limit=200');
    return body.data.flatMap(({ type, data }: { type: string; data: { id?: number } }) =>
      type.startsWith('message.') && data.id === id ? [type] : [],
    );
  };

  it('is sent again to the recipients who were refused for now, with the same headers', async () => {
    n++;
    const [ada, refused, greylisted, blind] = addresses('ada', 'reject', 'greylist', 'greylist-bcc') as [
      string,
      string,
      string,
      string,
    ];
    await control.faults({ phase: 'rcpt', reply: LATER, recipient: blind, times: 1 });
    const { id } = await send([ada, refused], { cc: [greylisted], bcc: [blind] });
    const message = await service.untilStatus(id, 'sent');
    expect(statusesOf(message)).to.deep.equal(['sent', 'failed', 'sent', 'sent']);
    expect(message.recipients?.[1]?.error).to.include({
      class: 'invalid_destination',
      code: 'smtp_550_5_1_1',
    });
    expect(message.error).to.equal(null);
    expect(await envelopes()).to.deep.equal([[ada], [greylisted, blind]]);
    const raw = (await control.received()).map((received) => Buffer.from(received.raw, 'latin1'));
    expect(raw[1]).to.deep.equal(raw[0]);
    const { to, cc, messageId } = await readBack(raw[1] as Buffer);
    expect([...to, ...cc].map(({ address }) => address)).to.deep.equal([ada, refused, greylisted]);
    expect(messageId).to.equal(message.provider_message_id);
    expect((await attemptsOf(id)).map(({ outcome, code }) => [outcome, code])).to.deep.equal([
      ['accepted', 'smtp_550_5_1_1'],
      ['accepted', null],
    ]);
  });

  it('waits with the recipients who remain, cannot be canceled, and is sent when they expire', async () => {
    const { id, first, second } = await sendPartly();
    const waiting = await until(async () => {
      const message = await messageOf(id);
      return message.status === 'queued' && message;
    }, 'the message waits');
    expect(statusesOf(waiting)).to.deep.equal(['sent', 'queued']);
    expect(waiting.error).to.include({ code: 'smtp_450_4_2_0' });
    await queue(id, "next_attempt_at = now() + interval '1 hour'");
    const cancel = await service.request('POST', `/api/messages/${id}/cancel`);
    expect([cancel.status, cancel.body.code]).to.deep.equal([409, 'not_cancelable']);
    await until(async () => {
      await queue(id, 'expires_at = now()');
      return (await messageOf(id)).status === 'sent';
    }, 'the message expired');
    const message = await messageOf(id);
    expect(statusesOf(message)).to.deep.equal(['sent', 'failed']);
    expect(message.recipients?.[1]?.error).to.include({ code: 'expired', class: 'expired' });
    expect(await envelopes()).to.deep.equal([[first]]);
    expect(second).to.not.equal(first);
    await until(async () => (await eventsOf(id)).includes('message.sent'), 'the feed has the event');
    expect(await eventsOf(id)).to.deep.equal(['message.queued', 'message.sent']);
  });

  it('is sent if the recipients who remain are refused for good, or are suppressed meanwhile', async () => {
    const refused = await sendPartly();
    await control.faults({ phase: 'rcpt', reply: '550 5.1.1 Unknown', recipient: refused.second });
    const after = await service.untilStatus(refused.id, 'sent');
    expect(statusesOf(after)).to.deep.equal(['sent', 'failed']);
    expect(after.recipients?.[1]?.error).to.include({ code: 'smtp_550_5_1_1' });
    const suppressed = await sendPartly();
    await suppress(service.databaseUrl, suppressed.second);
    const later = await service.untilStatus(suppressed.id, 'sent');
    expect(statusesOf(later)).to.deep.equal(['sent', 'failed']);
    expect(later.recipients?.[1]?.error).to.include({ code: 'recipient_suppressed' });
    expect(await envelopes()).to.deep.equal([[refused.first], [suppressed.first]]);
  });

  it('is not stopped for the recipients who remain when a recipient who has got it is suppressed', async () => {
    const { id, first, second } = await sendPartly();
    await suppress(service.databaseUrl, first);
    await control.faults();
    expect(statusesOf(await service.untilStatus(id, 'sent'))).to.deep.equal(['sent', 'sent']);
    const [, received] = await control.received();
    expect(received?.to).to.deep.equal([second]);
    expect(received?.raw).to.include(first);
  });

  it('is unknown after a lost response to a later attempt, and a retry is only for the recipients who remain', async () => {
    const { id, first, second } = await sendPartly();
    await control.faults({ phase: 'end', cut: true, accepted: true, recipient: second });
    const unknown = await service.untilStatus(id, 'unknown');
    expect(statusesOf(unknown)).to.deep.equal(['sent', 'unknown']);
    expect(unknown.error).to.include({ code: 'connection_lost_after_data' });
    await control.faults();
    expect((await service.request('POST', `/api/messages/${id}/retry`)).status).to.equal(202);
    expect(statusesOf(await service.untilStatus(id, 'sent'))).to.deep.equal(['sent', 'sent']);
    expect(await envelopes()).to.deep.equal([[first], [second], [second]]);
  });

  it('is unknown for the recipients who remain if the worker of a later attempt died', async () => {
    const { id, first } = await sendPartly();
    await until(async () => {
      // The claim of a worker that died: the lease has ended, and the attempt has no result.
      await queue(id, "status = 'sending', attempt_count = attempt_count + 1, next_attempt_at = now()");
      return (await messageOf(id)).status === 'unknown';
    }, 'another worker has claimed the message');
    expect(statusesOf(await messageOf(id))).to.deep.equal(['sent', 'unknown']);
    expect((await attemptsOf(id)).at(-1)).to.include({ outcome: 'unknown', code: 'may_have_been_sent' });
    expect(await envelopes()).to.deep.equal([[first]]);
  });
});
