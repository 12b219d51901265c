import { expect } from 'chai';
import { openDatabase } from '../../../src/db/pools.ts';
import { subjectOfReply } from '../../../src/messaging/email/content.ts';
import { createFindRepliedTo } from '../../../src/messaging/email/replied-to.ts';
import { headerTextFault } from '../../../src/messaging/email/rules.ts';
import type { Schema } from '../../../src/openapi/types.ts';
import { inboundEmail } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

const PATH = '/api/messages/email';
const mail = { from: 'shop@example.com', to: 'ada@example.com' };
type Message = Schema<'Message'>;

describe('The parts of an email', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  const send = async (parts: object, path = PATH, headers = {}) => {
    const { status, body } = await service.request('POST', path, { ...mail, ...parts }, headers);
    expect(status, JSON.stringify(body)).to.equal(202);
    return body as Message;
  };
  const faults = async (parts: object, path = PATH) => {
    const { status, body } = await service.request('POST', path, { ...mail, ...parts });
    expect(status, JSON.stringify(body)).to.equal(422);
    return Object.fromEntries(
      body.errors.map((fault: Schema<'ValidationError'>) => [fault.path, fault.message]),
    );
  };
  const partsOf = ({ body, text, html }: Message) => ({ body, text, html });

  it('are the HTML and the text; body is the HTML where there is one', async () => {
    const [text, html] = ['Hello', '<p>Hello</p>'];
    expect(partsOf(await send({ text, html }))).to.deep.equal({ body: html, text, html });
    expect(partsOf(await send({ html }))).to.deep.equal({ body: html, text: undefined, html });
    expect(partsOf(await send({ text }))).to.deep.equal({ body: text, text: undefined, html: undefined });
    expect(partsOf(await send({ html, type: 'email' }, '/api/messages/send')).html).to.equal(html);
    expect(partsOf(await send({ text }, '/api/messages/send')).body).to.equal(text);
  });

  it('of a body are HTML if it has a tag of HTML', async () => {
    const isHtml = async (body: string) => (await send({ body })).html === body;
    for (const body of [
      'a <b>bold</b> word',
      'a<br/>b',
      '<!doctype html>',
      '<A HREF="x">y</A>',
      '<!-- a -->',
    ])
      expect(await isHtml(body), body).to.equal(true);
    for (const body of ['1 < 2 > 0', 'Ada <ada@example.com>', 'Hi <name>', 'a <3 b', 'x <b', ''])
      expect(await isHtml(body), body).to.equal(false);
  });

  it('need one of body, text and html, and body excludes the others', async () => {
    expect(await faults({})).to.have.keys('/body/body');
    expect(await faults({}, '/api/messages/send')).to.have.keys('/body/body');
    expect(await faults({ body: 'x', text: 'x', html: 'x' })).to.deep.equal({
      '/body/text': 'must not be beside body',
      '/body/html': 'must not be beside body',
    });
    expect(
      await faults({ to: '+18045551234', from: '+12016661234', text: 'x' }, '/api/messages/send'),
    ).to.include({
      '/body/text': 'is allowed for email only',
      '/body/body': "must have required property 'body'",
    });
  });

  it('have no html in lists, unless the query includes it', async () => {
    const { id, conversation_id } = await send({ html: '<p>listed</p>' });
    for (const path of ['/api/messages', `/api/conversations/${conversation_id}/messages`]) {
      const read = async (more = '') =>
        (await service.request('GET', `${path}?limit=100${more}`)).body.data.find(
          (each: Message) => each.id === id,
        );
      expect(await read())
        .to.include({ body: '<p>listed</p>' })
        .and.not.have.property('html');
      expect(await read('&include=html')).to.include({ html: '<p>listed</p>' });
    }
    expect((await service.request('GET', '/api/messages?include=text')).status).to.equal(422);
  });

  it('are the same in the response to a repeated request, also if they are large', async () => {
    for (const size of [10, 100_000]) {
      const parts = {
        html: `<p>${'x'.repeat(size)}</p>`,
        text: 'y'.repeat(size),
        headers: { 'X-Order': '7' },
      };
      const key = { 'idempotency-key': `parts-${size}` };
      const first = await send(parts, PATH, key);
      expect(await send(parts, PATH, key)).to.deep.equal(first);
      const read = (await service.request('GET', `/api/messages/${first.id}`)).body;
      expect(read).to.include({
        html: parts.html,
        text: parts.text,
        internet_message_id: first.internet_message_id,
      });
      expect(read.headers).to.deep.equal({ 'X-Order': '7' });
    }
  });

  it('have a Message-ID of the domain of the sender', async () => {
    const [one, other] = [await send({ text: 'x' }), await send({ text: 'x' })];
    expect(one.internet_message_id).to.match(/^[\w-]{36}@example\.com$/);
    expect(one.internet_message_id).not.to.equal(other.internet_message_id);
  });

  it('of an email of the previous version are shown from its body', async () => {
    const { id, body } = await send({ html: '<p>old</p>' });
    await query(service.databaseUrl, `delete from emails where message_id = ${id}`);
    const { status, body: read } = await service.request('GET', `/api/messages/${id}`);
    expect([status, read.body, read.html]).to.deep.equal([200, body, undefined]);
  });

  describe('that answer another email', () => {
    const receive = async (changes: object = {}) =>
      (
        await service.request('POST', '/api/webhooks/email', {
          ...inboundEmail,
          ...{ from: mail.to, to: mail.from, xillio_id: `${Math.random()}`, subject: 'Order 7' },
          ...changes,
        })
      ).body as Message;

    it('name its id, and have its subject with Re:', async () => {
      const { id } = await receive();
      const reply = await send({ text: 'x', reply_to_message_id: id });
      expect(reply).to.include({ in_reply_to: id, subject: 'Re: Order 7' });
      const next = await send({ text: 'x', reply_to_message_id: reply.id });
      expect(next).to.include({ in_reply_to: reply.id, subject: 'Re: Order 7' });
      expect(await send({ text: 'x', reply_to_message_id: id, subject: 'Other' })).to.include({
        subject: 'Other',
      });
      const { id: silent } = await receive({ subject: undefined });
      expect(await send({ text: 'x', reply_to_message_id: silent })).not.to.have.property('subject');
      const { id: long } = await receive({ subject: '😀'.repeat(998) });
      expect([...((await send({ text: 'x', reply_to_message_id: long })).subject ?? '')]).to.have.length(998);
    });

    it('have a subject of at most 998 characters, also if the answered subject begins with Re:', () => {
      expect([...(subjectOfReply(`Re: ${'😀'.repeat(998)}`) ?? '')]).to.have.length(998);
      expect(subjectOfReply('RE: Order 7')).to.equal('RE: Order 7');
    });

    it('have a subject without the control characters and the encoded words that a stranger wrote in another one', () => {
      expect(subjectOfReply('a\r\nBcc: x\u2028b')).to.equal('Re: a  Bcc: x b');
      const reply = subjectOfReply('re: =?utf-8?q?x =0D=0ABcc: e?=') ?? '';
      expect(reply).to.equal('re: = ?utf-8?q?x =0D=0ABcc: e?=');
      expect(headerTextFault('/body/subject', reply)).to.deep.equal([]);
    });

    it('are refused with the same text for every message that is not an email, without the scope read', async () => {
      const text = await service.request('POST', '/api/messages/sms', {
        ...{ from: '+12016661234', to: '+18045551234', body: 'x' },
      });
      const database = openDatabase(service.databaseUrl, () => undefined);
      try {
        const find = createFindRepliedTo(database.pool);
        for (const id of [999_999, text.body.id])
          expect((await find(id, 'shop')).faults).to.deep.equal([
            { path: '/body/reply_to_message_id', message: `there is no email ${id}` },
          ]);
      } finally {
        await database.close();
      }
    });

    it('are refused if there is no such email', async () => {
      const text = await service.request('POST', '/api/messages/sms', {
        ...{ from: '+12016661234', to: '+18045551234', body: 'x' },
      });
      for (const [id, message] of [
        [999_999, 'there is no message 999999'],
        [text.body.id, `message ${text.body.id} is an sms, not an email`],
      ])
        expect(await faults({ text: 'x', reply_to_message_id: id })).to.deep.equal({
          '/body/reply_to_message_id': message,
        });
    });
  });
});
