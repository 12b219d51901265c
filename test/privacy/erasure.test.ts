import { expect } from 'chai';
import { inboundSms, sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { dump, rowsWith } from '../support/dump.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { storeMedia } from '../support/media.ts';
import { deliverMime, mail, mimeEnvironment } from '../support/mime.ts';
import { until } from '../support/until.ts';
import { inboundBody, store } from '../support/webhooks.ts';

const PHONE = inboundSms.from;
const EMAIL = 'ada.king@xn--bcher-kva.example';
const UNICODE = 'ada.king@bücher.example';
const OTHER = 'bob@example.org';
const OURS = 'support@shop.example';

describe('The erasure of a person', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({ ...mimeEnvironment, PUBLIC_URL: 'https://messages.example' });
  });
  after(() => service.stop());

  const send = async (channel: string, body: object, key?: string) => {
    const headers: Record<string, string> = key ? { 'idempotency-key': key } : {};
    const answer = await service.request('POST', `/api/messages/${channel}`, body, headers);
    expect(answer.status, JSON.stringify(answer.body)).to.equal(202);
    return answer.body;
  };
  const get = async (path: string) => (await service.request('GET', path)).body;
  const idOf = async (address: string): Promise<number> =>
    (await get(`/api/participants?address=${encodeURIComponent(address)}`)).data[0]?.id;

  /** Everything that the service can store about a person, each with a text of its own: MARK-<place>. */
  async function fill() {
    const media = await storeMedia(service.databaseUrl, {
      ...{ content: Buffer.from('MARK-file'), contentType: 'text/plain', name: 'MARK-name.txt' },
    });
    await send(
      'sms',
      { ...sms, to: PHONE, body: 'MARK-sms', metadata: { note: 'MARK-metadata' } },
      'MARK-key',
    );
    await service.request(
      'POST',
      '/api/webhooks/sms',
      inboundBody('in-1', { body: 'MARK-inbound', extra: 'MARK-payload' }),
    );
    const sent = await send('email', {
      ...{
        from: OURS,
        to: `MARK-display <${EMAIL}>`,
        subject: 'MARK-subject',
        html: '<p>MARK-html</p>',
        text: 'MARK-text',
      },
      ...{ headers: { 'X-Mark': 'MARK-header' }, media_ids: [media] },
    });
    await service.untilStatus(sent.id, 'delivered');
    const report = {
      xillio_id: (await get(`/api/messages/${sent.id}`)).provider_message_id,
      status: 'opened',
    };
    await service.request('POST', '/api/webhooks/email/status', { ...report, extra: 'MARK-receipt' });
    await service.request('POST', '/api/webhooks/email/status', {
      ...{ xillio_id: 'unknown-1', status: 'bounced', recipient: EMAIL, extra: 'MARK-unassigned' },
    });
    const raw = mail({ From: `MARK-from <${EMAIL}>`, Subject: 'MARK-mail' }, 'MARK-raw');
    expect((await deliverMime(service, raw, { recipients: [OURS], sender: EMAIL })).status).to.equal(200);
    // A group: what others wrote stays.
    const named = await storeMedia(service.databaseUrl, {
      ...{ content: Buffer.from('kept-file'), contentType: 'text/plain', name: `${EMAIL}.txt` },
    });
    const group = await send(
      'email',
      {
        ...{
          from: OURS,
          to: [EMAIL, OTHER],
          subject: 'kept-group',
          text: `kept, for ${EMAIL} or ${UNICODE}`,
        },
        metadata: { note: `kept-note\n${EMAIL}\t${EMAIL}`, path: `n\\${EMAIL}` },
        media_ids: [named],
      },
      `group-${EMAIL}`,
    );
    await service.request('PATCH', `/api/conversations/${group.conversation_id}`, {
      external_id: `group-${EMAIL}`,
      metadata: { a: `kept-topic ${EMAIL}` },
    });
    const own = mail({ From: EMAIL, To: OURS, Cc: OTHER, Subject: 'MARK-group' }, 'MARK-own');
    expect((await deliverMime(service, own, { recipients: [OURS] })).status).to.equal(200);
    const answer = mail(
      { From: OTHER, To: `${OURS}, ${EMAIL}`, Subject: 'kept-answer' },
      `kept-text, ${EMAIL.toUpperCase()}.`,
    );
    expect((await deliverMime(service, answer, { recipients: [OURS] })).status).to.equal(200);
    const copy = await send('email', {
      from: OURS,
      to: OTHER,
      bcc: [EMAIL],
      subject: 'kept-copy',
      text: 'kept',
    });
    await service.untilStatus(group.id, 'delivered');
    const { provider_message_id: xillio_id } = await service.untilStatus(copy.id, 'delivered');
    await service.request('POST', '/api/webhooks/email/status', {
      ...{
        xillio_id,
        status: 'bounced',
        recipient: EMAIL,
        bounce: 'soft',
        error: { code: '450', detail: `No ${EMAIL}` },
      },
    });
    await until(
      async () => (await get('/api/events?type=recipient.bounced')).data.length === 1,
      'the event of the bounce',
    );
    await query(
      service.databaseUrl,
      `with endpoint as (insert into endpoints (url, secret, position, enabled, disabled_reason, disabled_at)
         values ('https://example.com', 's', 0, false, 'request', now()) returning id)
       insert into endpoint_attempts (endpoint_id, event_id, number, started_at, outcome, error_code, response_body)
       select endpoint.id, events.id, 1, now(), 'failed', 'http_500', 'MARK-echo' from events, endpoint
       where subject_id = $1 and type = 'message.delivered'`,
      [copy.id],
    );
    await send('email', { from: OURS, to: OTHER, subject: 'kept-rest', text: `kept-spelling ${UNICODE}` });
    const scheduled = await send('sms', {
      ...sms,
      to: PHONE,
      body: 'MARK-later',
      send_at: '2099-01-01T00:00:00Z',
    });
    await store(service.databaseUrl, JSON.stringify({ from: PHONE, text: 'MARK-quarantined' }));
    await store(
      service.databaseUrl,
      JSON.stringify([
        { email: EMAIL, x: 'MARK-item' },
        { email: OTHER, x: 'kept-item' },
      ]),
    );
    await service.request('PUT', `/api/suppressions/${encodeURIComponent(EMAIL)}`, {
      ...{ scope: 'all', reason: 'manual', note: 'MARK-note' },
    });
    const [phone, address] = [await idOf(PHONE), await idOf(EMAIL)];
    await service.request('PATCH', `/api/participants/${phone}`, {
      ...{ name: 'MARK-person', external_id: 'MARK-external', metadata: { key: 'MARK-pair' } },
    });
    const { conversation_id } = scheduled;
    await service.request('PATCH', `/api/conversations/${conversation_id}`, {
      external_id: 'MARK-thread',
      metadata: { a: 'MARK-own' },
    });
    expect((await service.request('PUT', `/api/participants/${phone}/links/${address}`)).status).to.equal(
      200,
    );
    return { phone, address, group, copy, scheduled, sent, conversation_id };
  }

  /** The export of the person, in lower case, with the contents of files as text. */
  async function exportOf(id: number): Promise<string> {
    const text = await (await fetch(`${service.url}/api/participants/${id}/export?person=true`)).text();
    const lines = text.trimEnd().split('\n');
    const contents = lines.map((line) => JSON.parse(line)).filter(({ type }) => type.endsWith('_content'));
    return [...lines, ...contents.map(({ data }) => Buffer.from(data.data ?? data.content, 'base64'))]
      .join('\n')
      .toLowerCase();
  }

  it('leaves nothing of the person in the database, and everything of others', async () => {
    const { phone, address, group, copy, scheduled, conversation_id } = await fill();
    const before = await dump(service.databaseUrl);
    const marks = [...new Set(before.match(/mark-[a-z]+/g))];
    expect(marks).to.have.length.greaterThan(25);
    const exported = await exportOf(phone);
    expect(marks.filter((mark) => !exported.includes(mark))).to.deep.equal([]);
    expect(exported).to.include('kept-spelling');
    const { message_count } = await get(`/api/conversations/${conversation_id}`);

    const first = await service.request('DELETE', `/api/participants/${phone}?person=true`);
    expect([first.status, first.body.state], JSON.stringify(first.body)).to.deep.equal([200, 'completed']);
    expect(first.body).to.deep.include({
      participant_id: phone,
      participant_ids: [phone, address],
      person: true,
      actor: null,
    });
    expect(first.body.counts).to.include({ canceled: 1, webhooks: 2, idempotency_keys: 2 });

    const after = await dump(service.databaseUrl);
    for (const text of ['mark-', EMAIL, UNICODE, PHONE, PHONE.slice(1), encodeURIComponent(EMAIL)])
      expect(rowsWith(after, text), text).to.deep.equal([]);
    for (const text of [
      'kept-group',
      'kept-answer',
      'kept-text',
      'kept-copy',
      'kept-item',
      'kept-note',
      'kept-topic',
      OTHER,
    ])
      expect(rowsWith(after, text), text).to.not.deep.equal([]);

    // Conversations, counts and statuses stay.
    expect(await get(`/api/conversations/${conversation_id}`)).to.deep.include({ message_count });
    expect((await get(`/api/messages/${scheduled.id}`)).status).to.equal('canceled');
    expect((await get(`/api/messages/${group.id}`)).to).to.deep.equal([`erased-${address}`, OTHER]);
    expect((await get(`/api/messages/${copy.id}`)).bcc).to.deep.equal([`erased-${address}`]);
    expect(await get(`/api/participants/${address}`)).to.deep.include({
      ...{ address: `erased-${address}`, address_type: 'other', name: null, external_id: null, metadata: {} },
    });

    // The same receipt, also for one of the addresses; and in the list.
    for (const path of [`${phone}?person=true`, `${phone}`, `${address}`])
      expect((await service.request('DELETE', `/api/participants/${path}`)).body).to.deep.equal(first.body);
    expect((await get('/api/erasures')).data).to.deep.equal([first.body]);
    expect(await get(`/api/erasures/${first.body.id}`)).to.deep.equal(first.body);
    const events = await until(async () => {
      const { data } = await get('/api/events?type=participant.erased');
      return data.length === 2 && data;
    }, 'events');
    expect(events.map(({ data }: { data: { id: number } }) => data.id)).to.deep.equal([phone, address]);

    // The suppression holds for the new participant.
    const refused = await service.request('POST', '/api/messages/email', {
      from: OURS,
      to: EMAIL,
      text: 'Hello',
    });
    expect([refused.status, refused.body.code]).to.deep.equal([422, 'recipient_suppressed']);
    const written = await send('sms', { ...sms, to: PHONE, body: 'New' });
    expect(written.conversation_id).to.not.equal(conversation_id);
    expect(await idOf(PHONE)).to.be.greaterThan(address);
  });
});
