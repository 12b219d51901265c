import { expect } from 'chai';
import { sign } from '../../../src/simulator/dialects/standard/signature.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness, webhookSecret } from '../../support/harness.ts';
import { keepLog } from '../../support/log.ts';
import { ACCOUNT_SID, inboundForm, sendCallback, sidOf, twilioEnvironment } from '../../support/twilio.ts';
import { until } from '../../support/until.ts';
import { deliver, inboundBody, refuseBody, store } from '../../support/webhooks.ts';

const LIST = '/api/quarantine';

describe('The quarantine', () => {
  const log = keepLog('info');
  let service: Harness;
  before(async () => {
    const twilio = { ...twilioEnvironment('http://127.0.0.1:9'), SMS_PROVIDERS: 'text-co,twilio' };
    service = await startHarness({ ...twilio, TEXT_CO_WEBHOOK_SECRETS: webhookSecret }, log.logger);
  });
  after(() => service.stop());

  const list = async (filters = '') => (await service.request('GET', `${LIST}${filters}`)).body;
  const newest = async () => (await list('?limit=1')).data[0];
  const messagesOf = async (id: string) =>
    (
      await query<{ id: number }>(
        service.databaseUrl,
        'select id from messages where provider_message_id = $1',
        [id],
      )
    ).map((row) => Number(row.id));

  describe('stores a verified webhook whole and answers with success', () => {
    it('if the form of its body is unknown', async () => {
      for (const body of [
        '{',
        '[]',
        '{}',
        '{"messaging_provider_id":""}',
        '{"messaging_provider_id":"event-1","event":"message.clicked"}',
        '{"messaging_provider_id":"event-2","status":null,"from":" ","to":[],"body":"x"}',
        '',
        `${'['.repeat(70)}${']'.repeat(70)}`,
      ]) {
        const { status, body: answer } = await deliver(service, body, {
          cookie: 'id=1',
          'x-api-key': 'hidden-credential',
          'x-acme-credential-in-any-header': 'hidden-credential',
          'user-agent': 'acme/1',
        });
        expect([status, answer], body).to.deep.equal([200, {}]);
        const { id, ...summary } = await newest();
        expect(summary, body).to.include({
          account: 'text-co',
          state: 'quarantined',
          reason: 'unknown_shape',
        });
        expect(summary).to.include({ received_count: 1, attempts: 0, next_attempt_at: null });
        const detail = (await service.request('GET', `${LIST}/${id}`)).body;
        expect(detail).to.include({ target: '/api/webhooks/text-co', body, body_encoding: 'utf-8' });
        expect(detail.headers).to.deep.equal({
          ...{ 'content-type': 'application/json', 'user-agent': 'acme/1' },
          'content-length': `${body.length}`,
        });
      }
    });

    it('if it is a webhook of Twilio about another event than a message or its status', async () => {
      const cases: Record<string, string>[] = [
        { EventType: 'LINK_CLICKED' },
        { SmsStatus: 'received', Body: 'Hello' },
        { From: ' ', To: '' },
      ];
      for (const fields of cases) {
        const form = { MessageSid: sidOf(104), AccountSid: ACCOUNT_SID, ...fields };
        expect((await sendCallback(service.url, { form })).status).to.equal(200);
        expect(await newest()).to.include({ account: 'twilio', reason: 'unknown_shape' });
        const { body } = (await service.request('GET', `${LIST}/${(await newest()).id}`)).body;
        expect(body).to.equal(new URLSearchParams(form).toString());
      }
      expect(await messagesOf(sidOf(104))).to.deep.equal([]);
    });

    it('if its sender or its recipient is an address of no known type', async () => {
      const cases: Record<string, string>[] = [
        { From: 'whatsapp:+18045551234' },
        { To: 'messenger:1234567' },
        { From: '???' },
      ];
      for (const addresses of cases) {
        const form = inboundForm({ MessageSid: sidOf(101), ...addresses });
        const { status, body } = await sendCallback(service.url, { form });
        expect([status, body]).to.deep.equal([
          200,
          '<?xml version="1.0" encoding="UTF-8"?><Response></Response>',
        ]);
        expect(await newest()).to.include({ account: 'twilio', reason: 'unknown_address' });
      }
      expect(await messagesOf(sidOf(101))).to.deep.equal([]);
    });

    it('if its text has a NUL character, but not if only an unknown field has one', async () => {
      const form = inboundForm({ MessageSid: sidOf(102), Body: 'a\0b' });
      expect((await sendCallback(service.url, { form })).status).to.equal(200);
      const stored = await newest();
      expect(stored).to.include({
        reason: 'unstorable_text',
        detail: 'The field "body" has a NUL character.',
      });
      const { body } = (await service.request('GET', `${LIST}/${stored.id}`)).body;
      expect(body).to.include('Body=a%00b');
      const other = inboundForm({ MessageSid: sidOf(103), Unknown: 'a\0b' });
      expect((await sendCallback(service.url, { form: other })).status).to.equal(200);
      expect(await messagesOf(sidOf(103))).to.have.length(1);
      expect((await newest()).id).to.equal(stored.id);
    });

    it('with its query, in which the API hides values that may be credentials', async () => {
      const visible = 'echo=1&keyword=STOP&flag&author=a%20b';
      const hidden = ['token', 'api_key', 'API-Key', 'client%5Fsecret', 'Password', 'X-Signature', 'sig'];
      const query_ = (value: string) => [visible, ...hidden.map((name) => `${name}=${value}`)].join('&');
      const path = `/api/webhooks/text-co?${query_('hidden-credential')}`;
      const headers = sign(webhookSecret, 'evt', Math.floor(Date.now() / 1_000), '{"query": 1}');
      expect((await service.request('POST', path, '{"query": 1}', { ...headers })).status).to.equal(200);
      const { id } = await newest();
      const { target } = (await service.request('GET', `${LIST}/${id}`)).body;
      expect(target).to.equal(`/api/webhooks/text-co?${query_('[redacted]')}`);
      // A replay may need the whole query.
      const [stored] = await query(service.databaseUrl, 'select target from webhook_inbox where id = $1', [
        id,
      ]);
      expect(stored).to.deep.equal({ target: path });
    });

    it('with any bytes, which are shown in base64', async () => {
      const url = `${service.url}/api/webhooks/text-co`;
      const bytes = Buffer.from([0xff, 0x00, 0xfe]);
      const headers = sign(webhookSecret, 'evt', Math.floor(Date.now() / 1_000), bytes as never);
      const { status } = await fetch(url, { method: 'POST', body: bytes, headers: { ...headers } });
      expect(status).to.equal(200);
      const { body } = await service.request('GET', `${LIST}/${(await newest()).id}`);
      expect(body).to.include({ body: bytes.toString('base64'), body_encoding: 'base64', body_bytes: 3 });
    });

    it('once if it is delivered 20 times at once', async () => {
      const sent = Array.from({ length: 20 }, () => deliver(service, '{"same": true}'));
      for (const { status } of await Promise.all(sent)) expect(status).to.equal(200);
      const [first, second] = (await list('?limit=2')).data;
      expect(first).to.include({ received_count: 20 });
      expect(second.received_count).to.equal(1);
    });

    it('with a log line that has neither its content nor a secret', async () => {
      await deliver(service, '{"secret-content": 1}', { authorization: 'Basic c2VjcmV0' });
      const line = log.of('webhook quarantined').at(-1);
      expect(line).to.include({ account: 'text-co', reason: 'unknown_shape', level: 40 });
      expect(JSON.stringify(log.lines)).not.to.match(/secret-content|c2VjcmV0|hidden-credential/);
    });
  });

  it('lists with filters and pages, the newest first, without content', async () => {
    for (let n = 0; n < 8; n++) await store(service.databaseUrl, `{"page": ${n}}`);
    const pages: number[][] = [];
    let cursor = '';
    do {
      const page = await list(`?account=text-co&state=quarantined&limit=3${cursor}`);
      pages.push(page.data.map(({ id }: { id: number }) => id));
      for (const item of page.data) expect(item).not.to.have.any.keys('body', 'headers', 'target');
      cursor = page.next_cursor && `&cursor=${page.next_cursor}`;
    } while (cursor);
    const ids = pages.flat();
    expect(pages.length).to.be.above(2);
    expect(ids).to.deep.equal([...new Set(ids)].sort((a, b) => b - a));
    expect((await list('?account=nobody')).data).to.deep.equal([]);
    const { next_cursor } = await list('?limit=1');
    const other = await service.request('GET', `${LIST}?limit=1&state=pending&cursor=${next_cursor}`);
    expect([other.status, other.body.errors[0].path]).to.deep.equal([422, '/query/cursor']);
  });

  it('has pages of bounded size, also if each webhook is as large as possible', async () => {
    const ids = [];
    for (let n = 0; n < 30; n++) ids.push(await store(service.databaseUrl, `${n}${'x'.repeat(1_000_000)}`));
    const response = await fetch(`${service.url}${LIST}?limit=200`);
    expect((await response.text()).length).to.be.below(200 * 1_500);
    const { status, body } = await service.request('GET', `${LIST}/${ids[0]}`);
    expect([status, body.body.length]).to.deep.equal([200, 1_000_001]);
    await query(service.databaseUrl, 'delete from webhook_inbox where octet_length(body) > 900000');
  });

  it('replays a webhook after the fix of its cause', async () => {
    const repair = await refuseBody(service.databaseUrl, 'first bug');
    try {
      const id = await store(service.databaseUrl, inboundBody('replay-1', { body: 'first bug' }));
      const refused = await service.request('POST', `${LIST}/${id}/replay`);
      expect([refused.status, refused.body.code]).to.deep.equal([409, 'webhook_not_processed']);
      expect(refused.body.detail).to.include('internal_error');
      expect((await service.request('GET', `${LIST}/${id}`)).body).to.include({
        state: 'quarantined',
        attempts: 2,
      });
      await repair();
      const { status, body } = await service.request('POST', `${LIST}/${id}/replay`);
      expect(status).to.equal(200);
      expect(body).to.deep.equal({ message_ids: await messagesOf('replay-1'), receipts: [] });
      expect(body.message_ids).to.have.length(1);
      for (const [method, path] of [
        ['POST', `${LIST}/${id}/replay`],
        ['GET', `${LIST}/${id}`],
        ['DELETE', `${LIST}/${id}`],
      ] as const)
        expect((await service.request(method, path)).status, method).to.equal(404);
    } finally {
      await repair().catch(() => undefined);
    }
  });

  it('replays receipts, and shows them', async () => {
    const event = JSON.stringify({ messaging_provider_id: 'receipt-1', status: 'delivered' });
    const id = await store(service.databaseUrl, event);
    const { status, body } = await service.request('POST', `${LIST}/${id}/replay`);
    expect([status, body.message_ids]).to.deep.equal([200, []]);
    expect(body.receipts[0]).to.include({ provider_message_id: 'receipt-1', status: 'delivered' });
  });

  it('keeps the reason of a quarantined webhook if a replay fails for another reason', async () => {
    const id = await store(service.databaseUrl, inboundBody('removed'), { account: 'former' });
    const before = (await list('?account=former')).data[0];
    for (const attempts of [2, 3]) {
      const { status, body } = await service.request('POST', `${LIST}/${id}/replay`);
      expect([status, body.code]).to.deep.equal([409, 'webhook_not_processed']);
      expect(body.detail).to.include('account_removed');
      expect((await list('?account=former')).data[0]).to.deep.equal({ ...before, attempts });
    }
    expect(before).to.include({ reason: 'internal_error', detail: 'A bug.' });
  });

  it('quarantines a pending webhook with the reason if its account is not configured any more', async () => {
    const id = await store(service.databaseUrl, inboundBody('pending'), {
      account: 'gone',
      state: 'pending',
    });
    await until(async () => (await list('?account=gone')).data[0].state === 'quarantined', 'the quarantine');
    expect((await list('?account=gone')).data[0]).to.include({ id, reason: 'account_removed' });
  });

  it('deletes a webhook once', async () => {
    const id = await store(service.databaseUrl, '{"to be": "deleted"}');
    expect((await service.request('DELETE', `${LIST}/${id}`)).status).to.equal(204);
    const again = await service.request('DELETE', `${LIST}/${id}`);
    expect([again.status, again.body.code]).to.deep.equal([404, 'not_found']);
    expect(log.of('stored webhook deleted').at(-1)).to.include({ id, account: 'text-co' });
  });

  it('refuses to replay or delete a webhook that is being processed', async () => {
    const id = await store(service.databaseUrl, '{"in": "progress"}');
    const lease = `update webhook_inbox set leased = true, next_attempt_at = now() + $2::interval where id = $1`;
    await query(service.databaseUrl, lease, [id, '1 minute']);
    for (const [method, path] of [
      ['POST', `${LIST}/${id}/replay`],
      ['DELETE', `${LIST}/${id}`],
    ] as const) {
      const { status, body } = await service.request(method, path);
      expect([status, body.code], method).to.deep.equal([409, 'webhook_in_progress']);
    }
    // The lease of a process that died ends.
    await query(service.databaseUrl, lease, [id, '-1 second']);
    expect((await service.request('DELETE', `${LIST}/${id}`)).status).to.equal(204);
  });

  it('processes a webhook once if it is replayed and deleted repeatedly at once', async () => {
    for (let round = 0; round < 5; round++) {
      const id = await store(service.databaseUrl, inboundBody(`race-${round}`));
      const replays = Array.from({ length: 6 }, () => service.request('POST', `${LIST}/${id}/replay`));
      const deletes = Array.from({ length: 2 }, () => service.request('DELETE', `${LIST}/${id}`));
      const [replayed, deleted] = await Promise.all([Promise.all(replays), Promise.all(deletes)]);
      const succeeded = [...replayed, ...deleted].filter(({ status }) => status < 300);
      expect(succeeded, `round ${round}`).to.have.length(1);
      for (const { status } of [...replayed, ...deleted]) expect(status).to.be.oneOf([200, 204, 404, 409]);
      const recorded = replayed.some(({ status }) => status === 200) ? 1 : 0;
      expect(await messagesOf(`race-${round}`)).to.have.length(recorded);
    }
  });

  it('returns 404 for an id that does not exist, and 422 for a text that is no id', async () => {
    for (const [id, status] of [
      ['999999', 404],
      ['9007199254740991', 404],
      ['x', 422],
      ['-1', 422],
      ['1.5', 422],
    ] as const)
      for (const [method, path] of [
        ['GET', `${LIST}/${id}`],
        ['DELETE', `${LIST}/${id}`],
        ['POST', `${LIST}/${id}/replay`],
      ] as const)
        expect((await service.request(method, path)).status, `${method} ${path}`).to.equal(status);
  });
});
