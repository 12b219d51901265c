import { expect } from 'chai';
import { resendWebhooks } from '../../../src/providers/resend/webhook.ts';
import { IncomingWebhook } from '../../../src/providers/webhook.ts';
import { svixHeaders } from '../../../src/simulator/dialects/resend/signature.ts';

const SECRETS = ['current', 'previous', 'other'].map(
  (text) => `whsec_${Buffer.alloc(24, text).toString('base64')}`,
) as [string, string, string];
const [CURRENT, PREVIOUS, OTHER] = SECRETS;
const ID = '56761188-7520-42d8-8898-ff6fc54ce618';
const ECHO = '16-Cz-aUmoMS16dDh9vCnwtEQ';
const AT = '2026-11-26T10:00:02.000Z';

function eventOf(type: string, more: object = {}, to = ['b@example.com']): object {
  const data = {
    ...{ created_at: '2026-11-26T10:00:00.000Z', email_id: ID, message_id: '<111-222@email.example.com>' },
    ...{ from: 'A <a@example.com>', to, subject: 's', tags: { echo: ECHO }, ...more },
  };
  return { type, created_at: AT, data };
}

describe('The webhooks of Resend', () => {
  const { verify, parse } = resendWebhooks([CURRENT, PREVIOUS]);
  const incoming = (event: unknown, headers: Record<string, string> = {}) =>
    new IncomingWebhook({
      ...{ headers, target: '/api/webhooks/resend', publicUrl: null },
      readBody: async () => Buffer.from(JSON.stringify(event)),
    });
  const read = (event: unknown, id: string | null = 'msg_1') =>
    parse(incoming(event, id === null ? {} : { 'svix-id': id }));

  it('are valid with each of two secrets, for five minutes', async () => {
    const event = eventOf('email.sent');
    const body = JSON.stringify(event);
    const now = Math.floor(Date.now() / 1_000);
    const signed = (secret: string, at = now) => incoming(event, svixHeaders(secret, 'msg_1', at, body));
    expect(await verify(signed(CURRENT))).to.equal('valid');
    expect(await verify(signed(PREVIOUS))).to.equal('valid');
    expect(await verify(signed(OTHER))).to.equal('invalid');
    expect(await verify(signed(CURRENT, now - 360))).to.equal('invalid');
    expect(await verify(incoming(event))).to.equal('absent');
    const headers = svixHeaders(CURRENT, 'msg_1', now, body);
    expect(await verify(incoming({ ...event, changed: true }, headers))).to.equal('invalid');
    expect(await verify(incoming(event, { ...headers, 'svix-id': 'msg_2' }))).to.equal('invalid');
    expect(await resendWebhooks([]).verify(incoming(event))).to.equal('valid');
  });

  it('report each event in the words of the service', async () => {
    const words: Record<string, string> = {
      'email.sent': 'sent',
      'email.delivered': 'delivered',
      'email.delivery_delayed': 'deferred',
      'email.complained': 'complained',
      'email.opened': 'opened',
      'email.clicked': 'clicked',
      'email.scheduled': 'scheduled',
      'email.teleported': 'teleported',
    };
    for (const [type, status] of Object.entries(words)) {
      const content = await read(eventOf(type));
      expect(content?.receipts, type).to.have.lengthOf(1);
      expect(content?.receipts[0]).to.include({
        ...{ providerMessageId: ID, echo: ECHO, recipient: 'b@example.com', ofOne: true, status },
        timestamp: AT,
        wireMessageId: '111-222@email.example.com',
      });
      expect(content?.receipts[0]).to.not.have.any.keys('error', 'bounce');
      expect(content?.optOuts).to.deep.equal([]);
    }
  });

  it('report an email that was not delivered with the reason', async () => {
    const bounce = (type: string) => ({
      bounce: {
        message: 'The mailbox does not exist',
        type,
        subType: 'General',
        diagnosticCode: ['smtp; 550 5.1.1'],
      },
    });
    const bounced = { status: 'bounced', error: { code: 'General', detail: 'smtp; 550 5.1.1' } };
    const suppressed = (reason: string) => ({
      suppressed: { reason, message: 'on the list', diagnosticCode: [] },
    });
    const cases: [string, object, object][] = [
      [
        'email.bounced',
        bounce('Permanent'),
        { ...bounced, bounce: 'hard', errorClass: 'invalid_destination' },
      ],
      ['email.bounced', bounce('Transient'), { ...bounced, bounce: 'soft', errorClass: 'unreachable' }],
      ['email.bounced', bounce('Undetermined'), { ...bounced, bounce: 'soft', errorClass: 'unreachable' }],
      [
        'email.failed',
        { failed: { reason: 'reached_daily_quota' } },
        {
          ...{ status: 'failed', errorClass: 'account_problem' },
          error: { code: 'reached_daily_quota', detail: 'reached_daily_quota' },
        },
      ],
      [
        'email.suppressed',
        suppressed('previous_bounce'),
        {
          ...{ status: 'dropped', bounce: 'hard', errorClass: 'invalid_destination' },
          error: { code: 'previous_bounce', detail: 'on the list' },
        },
      ],
      [
        'email.suppressed',
        suppressed('previous_complaint'),
        {
          ...{ status: 'dropped', errorClass: 'opted_out' },
          error: { code: 'previous_complaint', detail: 'on the list' },
        },
      ],
    ];
    for (const [type, more, expected] of cases)
      expect((await read(eventOf(type, more)))?.receipts[0]).to.deep.include(expected);
    const refused = await read(eventOf('email.suppressed', suppressed('previous_complaint')));
    expect(refused?.optOuts).to.deep.equal([
      {
        ...{ action: 'stop', address: 'b@example.com', sender: 'A <a@example.com>' },
        ...{ providerMessageId: ID, isRefusal: true },
      },
    ]);
    expect((await read(eventOf('email.suppressed', suppressed('previous_bounce'))))?.optOuts).to.deep.equal(
      [],
    );
  });

  it('have a receipt for each recipient, which a repeat of the same event has too', async () => {
    const to = ['b@example.com', 'c@example.com'];
    const keysOf = async (id: string) =>
      (await read(eventOf('email.delivered', {}, to), id))?.receipts.map(({ dedupeKey }) => dedupeKey);
    const first = await keysOf('msg_1');
    expect(new Set(first).size).to.equal(2);
    expect(await keysOf('msg_1')).to.deep.equal(first);
    expect(await keysOf('msg_2')).to.not.deep.equal(first);
    const [receipt] = (await read(eventOf('email.opened'), null))?.receipts ?? [];
    expect(receipt).to.not.have.property('dedupeKey');
  });

  it('change nothing for contacts and domains, and are kept for inbound email and other forms', async () => {
    for (const type of ['contact.updated', 'domain.created'])
      expect(await read(eventOf(type))).to.deep.equal({ messages: [], receipts: [], optOuts: [] });
    for (const event of [eventOf('email.received'), { type: 'email.sent' }, { data: {} }, [], null, 'text'])
      expect(await read(event)).to.equal(null);
    expect(await read(eventOf('email.sent', { email_id: 5 }))).to.equal(null);
  });
});
