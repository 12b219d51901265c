import { expect } from 'chai';
import type { Provider } from '../../../src/providers/provider.ts';
import { createRegistry } from '../../../src/providers/registry.ts';
import { IncomingWebhook, type WebhookContent } from '../../../src/providers/webhook.ts';
import { loadConfig } from '../../../src/service/service.ts';
import { eventBody, inboundPayload, reportPayload, telnyxEnvironment } from '../../support/telnyx.ts';

const ID = '40385f64-5717-4562-b3fc-2c963f66afa6';
const GROUP_ID = '50385f64-5717-4562-b3fc-2c963f66afa6';
const EVENT_ID = 'b301ed3f-1490-491f-995f-6e64e69674d4';
const ECHO = '1-ihwPbl0bTFedDj8LakwuAQ';
const CALLBACK = `https://messaging.example/api/webhooks/telnyx?echo=${ECHO}`;
const TO = '+18045551234';
const OTHER = '+18045551235';

/** The classes of codes in reports. */
const CODES: Record<string, string[]> = {
  invalid_destination: ['40001', '40012', '40310'],
  blocked_by_carrier: ['40002', '40003', '40004', '40015', '40017'],
  expired: ['40005', '40014'],
  unreachable: ['40006', '40008', '40300'],
  content_rejected: ['40009', '40322'],
  sender_not_allowed: ['40010', '40013'],
  rate_limited: ['40011', '40016', '40018', '40020'],
  account_problem: ['40314'],
  provider_error: ['40999'],
};

describe("Telnyx's webhooks", () => {
  const { accounts } = loadConfig(telnyxEnvironment('http://127.0.0.1:1'));
  const provider = createRegistry(accounts, 1_000).sms[0] as Provider;
  const parseText = (body: string) =>
    provider.parse(
      new IncomingWebhook({
        ...{ headers: { 'content-type': 'application/json' }, target: '/', publicUrl: null },
        readBody: async () => Buffer.from(body),
      }),
    );
  const parse = async (type: string, payload: object): Promise<WebhookContent> => {
    const content = await parseText(eventBody(type, payload, EVENT_ID));
    if (!content) throw new Error('The webhook has no known form');
    return content;
  };
  const report = async (statuses: Record<string, string>, more: object = {}) =>
    (await parse('message.finalized', reportPayload(ID, statuses, more))).receipts;
  const inbound = async (more: object = {}) => parse('message.received', inboundPayload({ id: ID, ...more }));

  describe('of messages that were sent', () => {
    const STATUSES: Record<string, string> = {
      queued: 'queued',
      sending: 'sent',
      sent: 'sent',
      delivered: 'delivered',
      Delivered: 'delivered',
      sending_failed: 'failed',
      delivery_failed: 'undelivered',
      expired: 'failed',
      delivery_unconfirmed: 'delivery_unconfirmed',
      constructor: 'constructor',
      unknown: 'unknown',
    };
    for (const [given, status] of Object.entries(STATUSES))
      it(`have the status ${status} for ${given}`, async () => {
        const receipts = await report({ [TO]: given });
        expect(receipts).to.have.lengthOf(1);
        expect(receipts[0]).to.include({ status, providerMessageId: ID, echo: null, dedupeKey: EVENT_ID });
        expect(receipts[0]).to.not.have.property('recipient');
      });

    it('are read for every event of a message that was sent', async () => {
      for (const type of ['message.sent', 'message.finalized', 'message.rerouted'])
        expect((await parse(type, reportPayload(ID, { [TO]: 'sent' }))).receipts).to.have.lengthOf(1);
    });

    it('have the echo of the callback URL in the signed body', async () => {
      expect((await report({ [TO]: 'sent' }, { webhook_url: CALLBACK }))[0]).to.include({ echo: ECHO });
      for (const webhook_url of ['https://messaging.example/x', 'no URL', 5, null])
        expect((await report({ [TO]: 'sent' }, { webhook_url }))[0]).to.include({ echo: null });
    });

    it('about a group have a receipt of each recipient with a status', async () => {
      const statuses = { [TO]: 'delivered', [OTHER]: 'delivery_failed', '+18045551236': 'unknown' };
      const receipts = await report(statuses, { group_message_id: GROUP_ID });
      expect(receipts.map(({ recipient, status }) => [recipient, status])).to.deep.equal([
        [TO, 'delivered'],
        [OTHER, 'undelivered'],
      ]);
      for (const { providerMessageId } of receipts) expect(providerMessageId).to.equal(GROUP_ID);
      expect(new Set(receipts.map(({ dedupeKey }) => dedupeKey))).to.have.property('size', 2);
    });

    it('about one recipient of a group have the id of this recipient if the echo finds the message', async () => {
      const one = { [TO]: 'delivered', [OTHER]: 'unknown' };
      const ids = { group_message_id: GROUP_ID };
      expect((await report(one, { ...ids, webhook_url: CALLBACK }))[0]).to.include({
        providerMessageId: ID,
        recipient: TO,
      });
      expect((await report(one, ids))[0]).to.include({ providerMessageId: GROUP_ID });
      expect((await report(one))[0]).to.include({ providerMessageId: ID });
    });

    for (const [errorClass, codes] of Object.entries(CODES))
      for (const code of codes)
        it(`have the class ${errorClass} for the code ${code}`, async () => {
          const errors = [{ code, title: 'Title', detail: 'Detail.' }];
          const [receipt] = await report({ [TO]: 'delivery_failed' }, { errors });
          expect(receipt).to.deep.include({ error: { code, detail: 'Detail.' }, errorClass });
          expect(receipt?.errorUrl).to.equal(`https://developers.telnyx.com/docs/overview/errors/${code}`);
        });

    it('report no opt-out: 40300 means there that the recipient cannot be reached', async () => {
      const errors = [{ code: '40300', title: 'Blocked' }];
      const content = await parse(
        'message.finalized',
        reportPayload(ID, { [TO]: 'delivery_failed' }, { errors }),
      );
      expect(content.optOuts).to.deep.equal([]);
    });

    it('have the error that points to the recipient, and no error for a recipient that was reached', async () => {
      const errors = [
        { code: '40001', title: 'First', source: { pointer: '/to/1' } },
        { code: '40008', title: 'Second', source: { pointer: '/to/0' } },
      ];
      const failed = { [TO]: 'delivery_failed', [OTHER]: 'delivery_failed', '+18045551236': 'delivered' };
      const receipts = await report(failed, { errors });
      const codes = receipts.map(({ error }) => (error as { code?: string } | undefined)?.code);
      expect(codes).to.deep.equal(['40008', '40001', undefined]);
    });

    it('may have errors of any form', async () => {
      for (const errors of [null, 'x', [null], [[]], [{ code: 5 }], [{ source: 5 }]])
        expect(await report({ [TO]: 'delivery_failed' }, { errors })).to.have.lengthOf(1);
    });
  });

  describe('of inbound messages', () => {
    it('have the addresses as objects or as texts', async () => {
      for (const numberOf of [(number: string) => ({ phone_number: number }), (number: string) => number]) {
        const [message] = (
          await inbound({ from: numberOf(TO), to: [numberOf('+12016661234')], cc: [numberOf(OTHER)] })
        ).messages;
        expect(message).to.deep.include({ from: TO, to: ['+12016661234', OTHER], providerMessageId: ID });
      }
    });

    it('may name the sender and our number among the participants of a group', async () => {
      const [message] = (await inbound({ cc: ['+12016661234', OTHER, TO] })).messages;
      expect(message?.to).to.deep.equal(['+12016661234', OTHER]);
    });

    it('have the URLs of the media, and no text if there are media only', async () => {
      const picture = { url: 'https://media.telnyx.com/x.png', content_type: 'image/png', sha256: 'ab' };
      const media = [picture, null, 'x'];
      const [message] = (await inbound({ text: null, media, type: 'MMS' })).messages;
      expect(message).to.deep.include({
        body: null,
        attachments: ['https://media.telnyx.com/x.png'],
        files: [{ contentType: 'image/png' }],
      });
    });

    it('have one key for the copies of a group message, and another for any other message', async () => {
      const [a, b] = ['+12016661234', '+12016665678'];
      const media = [{ url: 'https://media.telnyx.com/1', sha256: 'ab' }];
      const copy = async (own: string, more: object = {}) =>
        (await inbound({ to: [own], cc: [own === a ? b : a, OTHER], media, ...more })).messages[0]?.copy;
      const first = await copy(a as string);
      expect(first).to.include({ recipient: a });
      const same = [
        { media: [{ url: 'https://media.telnyx.com/2', sha256: 'ab' }] },
        { media: [{ url: 'https://media.telnyx.com/3', hash_sha256: 'ab' }] },
        { cc: [OTHER, a] },
      ];
      for (const more of same)
        expect(await copy(b as string, more)).to.deep.equal({ key: first?.key, recipient: b });
      const others = [
        { text: 'hello' },
        { media: [{ url: 'https://media.telnyx.com/1', sha256: 'cd' }] },
        { from: '+18045550000' },
        { cc: [a, OTHER, '+18045550001'] },
      ];
      for (const more of others) expect((await copy(b as string, more))?.key).to.not.equal(first?.key);
      expect((await inbound()).messages[0]).to.not.have.property('copy');
    });

    const ACTIONS = {
      STOP: 'stop',
      START: 'start',
      HELP: 'help',
      opt_out: 'stop',
      opt_in: 'start',
      INFO: 'help',
    };
    for (const [autoresponse_type, action] of Object.entries(ACTIONS))
      it(`report the request ${action} for ${autoresponse_type}`, async () => {
        const { optOuts } = await inbound({ text: 'Stop', autoresponse_type });
        expect(optOuts).to.deep.equal([
          { action, address: TO, sender: '+12016661234', keyword: 'Stop', providerMessageId: ID },
        ]);
      });

    it('report no request for another type', async () => {
      for (const autoresponse_type of [null, undefined, 'constructor', 5, {}])
        expect((await inbound({ autoresponse_type })).optOuts).to.deep.equal([]);
    });
  });

  it('of no known form are not read, so that they are kept in the quarantine', async () => {
    const bodies = [
      ...['', 'x', '[]', 'null', '{}', '{"data":[]}', '{"data":{"payload":[]}}', '{"data":{"payload":{}}}'],
      eventBody('message.received', { id: ID }),
      eventBody('message.finalized', { id: ID, to: [] }),
      eventBody('message.finalized', { ...reportPayload(ID, {}), to: 'x' }),
      eventBody('message.read', inboundPayload({ id: ID })),
      eventBody('call.initiated', { id: ID, to: [TO] }),
      eventBody('message.finalized', reportPayload('', { [TO]: 'sent' })),
    ];
    for (const body of bodies) expect(await parseText(body), body).to.equal(null);
  });

  it('get an empty object as response', () => {
    expect(provider.respond()).to.deep.equal({ status: 200, contentType: 'application/json', body: '{}' });
  });
});
