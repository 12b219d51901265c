import { expect } from 'chai';
import type { components } from '../../../sdk/src/schema.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/server.ts';
import { email, mms, sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { suppress } from '../../support/suppressions.ts';
import { twilioEnvironment } from '../../support/twilio.ts';
import { until } from '../../support/until.ts';

type Preview = components['schemas']['MessagePreview'];

const TABLES = ['messages', 'deliveries', 'participants', 'conversations', 'idempotency_keys', 'event_inbox'];
const GROUP = ['+18045550001', '+18045550002', '+18045550003'];
const TWILIO_NUMBER = '+12016660001';

describe('Previewing a message', () => {
  let api: Harness;
  before(async () => {
    api = await startHarness({
      ...twilioEnvironment('http://127.0.0.1:9'),
      SMS_PROVIDERS: 'twilio,text-co',
      TWILIO_SENDERS: TWILIO_NUMBER,
      TEXT_CO_SENDERS: `${sms.from},ACME`,
      ALLOWED_COUNTRIES: 'US,001',
      ROLE: 'api',
    });
  });
  after(() => api.stop());

  const post = (path: string, body: unknown, headers = {}) =>
    api.request('POST', `/api/messages/${path}`, body, headers);
  const preview = async (body: unknown): Promise<Preview> => {
    const answer = await post('preview', body);
    expect(answer.status, JSON.stringify(answer.body).slice(0, 300)).to.equal(200);
    return answer.body;
  };
  const stored = () =>
    query(
      api.databaseUrl,
      `select ${TABLES.map((table) => `(select count(*) from ${table}) as ${table}`).join(', ')}`,
    );

  it('describes a text with its addresses, segments, account and sizes', async () => {
    expect(await preview({ ...sms, to: '(804) 555-1234', body: 'Hello €' })).to.deep.equal({
      valid: true,
      errors: [],
      type: 'sms',
      channel: 'sms',
      from: '+12016661234',
      to: ['+18045551234'],
      cc: [],
      bcc: [],
      recipients: [{ address: '+18045551234', path: '/body/to', country: 'US', suppression: null }],
      unsubscribe: false,
      text: {
        encoding: 'GSM-7',
        characters: 7,
        units: 8,
        units_per_segment: 160,
        segments: 1,
        non_gsm_characters: [],
        segments_after_replacement: 1,
      },
      body_bytes: 9,
      content_bytes: 9,
      account: {
        name: 'text-co',
        reason: 'the first account, in the order of SMS_PROVIDERS, that can send the message',
      },
      accounts: [
        {
          ...{ name: 'twilio', kind: 'twilio', eligible: false, available: true },
          reasons: [
            {
              path: '/body/from',
              message: 'is not a sender of any sms account; <NAME>_SENDERS lists the senders of each account',
            },
          ],
        },
        { name: 'text-co', kind: 'standard', eligible: true, available: true, reasons: [] },
      ],
    });
  });

  it('describes an email with its copies and sizes, without segments and countries', async () => {
    const body = {
      ...{ from: 'Shop <shop@example.com>', to: ['Ada <ada@example.com>', 'ADA@example.com'] },
      ...{ cc: ['bob@example.com'], bcc: ['carol@bücher.example'] },
      ...{ subject: 'Größe', body: '<b>é</b>', attachments: ['https://example.com/a.pdf'] },
    };
    const { to, cc, bcc, recipients, text, body_bytes, content_bytes, account } = await preview(body);
    expect({ to, cc, bcc }).to.deep.equal({
      ...{ to: ['ada@example.com'], cc: ['bob@example.com'], bcc: ['carol@xn--bcher-kva.example'] },
    });
    expect(recipients.map(({ path, country }) => [path, country])).to.deep.equal([
      ['/body/to/0', null],
      ['/body/cc/0', null],
      ['/body/bcc/0', null],
    ]);
    expect(text).to.equal(null);
    expect([body_bytes, content_bytes]).to.deep.equal([9, 9 + 7 + 25]);
    expect(account?.name).to.equal('mail-co');
    expect(account?.reason).to.contain('EMAIL_PROVIDERS');
  });

  it('counts the text, the HTML and the default subject of a reply', async () => {
    const parts = { from: email.from, to: email.to, text: 'Grüße', html: '<b>Hi</b>' };
    const sizes = async (more: object) => {
      const { body_bytes, content_bytes } = await preview({ ...parts, ...more });
      return [body_bytes, content_bytes];
    };
    const { id } = (await post('email', { ...parts, subject: 'Größe' })).body;
    const url = 'https://example.com/a.pdf';
    const attachments = [
      { content: 'YWJj', filename: 'a.txt' },
      { url, filename: 'b.pdf' },
    ];
    expect(await sizes({ subject: 'a', attachments })).to.deep.equal([9, 9 + 7 + 1 + url.length]);
    expect(await sizes({ reply_to_message_id: id })).to.deep.equal([9, 9 + 7 + 'Re: '.length + 7]);
  });

  it('agrees with a send on the result, the errors, the type and the addresses', async () => {
    const parts = { from: email.from, to: email.to, subject: 'Parts' };
    const bodies = [
      sms,
      mms,
      email,
      { from: sms.from, to: sms.to, body: 'ж' },
      { from: 'acme', to: GROUP, body: 'Hi', type: 'mms' },
      { ...mms, to: GROUP },
      { ...mms, from: TWILIO_NUMBER, to: GROUP },
      { ...sms, from: TWILIO_NUMBER },
      { ...sms, from: '+12016669999' },
      { ...sms, to: '+18765551234' },
      { ...sms, to: '72000' },
      { ...sms, to: '+870773111632' },
      { ...sms, to: GROUP },
      { ...sms, to: 'nobody' },
      { ...sms, from: 'shop@example.com' },
      { ...sms, attachments: ['https://example.com/a.png'] },
      { ...mms, attachments: ['https://a..example/a.png'] },
      { ...mms, to: [sms.from, ...GROUP] },
      { from: sms.from, to: sms.to, body: '' },
      { from: sms.from, to: sms.to, body: 'a', subject: 'A subject' },
      { from: sms.from, to: sms.to, body: '😀'.repeat(1_601) },
      { ...sms, send_at: '2024-11-01T14:00:00Z', expires_at: '2024-11-01T13:00:00Z' },
      { ...email, cc: ['ada@example.com'], bcc: ['ada@example.com', email.from] },
      { ...parts, text: 'a', html: '<b>a</b>', headers: { 'X-Ticket': '1' } },
      { ...parts, html: '' },
      parts,
      { ...email, text: 'a', html: 'a' },
      { ...email, purpose: 'marketing' },
      { ...email, unsubscribe: true },
      { ...sms, type: undefined, unsubscribe: true },
      { ...parts, text: 'a', headers: { Bcc: 'a@example.com' }, subject: '=?utf-8?q?a?=' },
      { ...parts, text: 'a', reply_to_message_id: 999_999_999 },
      { ...parts, text: 'a', attachments: [{ content: 'YWJj', filename: 'a.txt', content_id: 'a' }] },
      {
        ...parts,
        text: 'a',
        attachments: [{ content: 'a', filename: '=?utf-8?q?a?=' }, {}],
      },
      { ...parts, text: 'a', attachments: ['https://example.com/a.png', { media_id: 999_999_999 }] },
      { from: sms.from, to: sms.to, text: 'a', html: 'a', headers: {} },
    ];
    for (const body of bodies) {
      const previewed = await preview(body);
      const sent = await post('send', body);
      expect(previewed.valid, JSON.stringify(body)).to.equal(sent.status === 202);
      if (previewed.valid) {
        const { type, from, to, segments } = sent.body;
        expect({ ...{ type: previewed.type, from: previewed.from, to: previewed.to } }).to.deep.equal({
          ...{ type, from, to },
        });
        expect(previewed.text?.segments ?? null).to.equal(segments);
        continue;
      }
      const { code, errors } = sent.body;
      expect(
        previewed.errors.filter((error) => error.code === code).map(({ code: _, ...error }) => error),
        JSON.stringify(body),
      ).to.deep.equal(errors);
    }
  });

  it('returns all errors together, also those that a send would not reach', async () => {
    const { valid, errors, from, account } = await preview({
      ...{ from: '+12016669999', to: ['+18765551234', '+447700900123'], body: '' },
      expires_at: '2040-01-01T00:00:00Z',
    });
    expect(valid).to.equal(false);
    expect(errors.map(({ code, path }) => [code, path])).to.deep.equal([
      ['invalid_request', '/body/body'],
      ['invalid_request', '/body/expires_at'],
      ['country_not_allowed', '/body/to/0'],
      ['country_not_allowed', '/body/to/1'],
      ['no_provider_for_sender', '/body/from'],
    ]);
    expect([from, account]).to.deep.equal(['+12016669999', null]);
  });

  it('has no accounts if the sender or every recipient is not valid', async () => {
    for (const body of [
      { ...sms, from: 'not @ valid' },
      { ...sms, to: 'nobody' },
    ]) {
      const { valid, account, accounts } = await preview(body);
      expect({ valid, account, accounts }).to.deep.equal({ valid: false, account: null, accounts: [] });
    }
  });

  it('names the capability that an account does not have', async () => {
    const { accounts, errors } = await preview({ ...mms, from: TWILIO_NUMBER, to: GROUP });
    expect(accounts.map(({ name, eligible }) => [name, eligible])).to.deep.equal([
      ['twilio', false],
      ['text-co', false],
    ]);
    expect(accounts[0]?.reasons[0]?.message).to.contain('sends no group messages');
    expect(errors.map(({ code }) => code)).to.deep.equal(['missing_capability']);
  });

  it('names the country of each recipient', async () => {
    const countries = async (to: string) => (await preview({ ...sms, to })).recipients[0]?.country;
    expect(await countries('+16045551234')).to.equal('CA');
    expect(await countries('+18765551234')).to.equal('JM');
    expect(await countries('+870773111632')).to.equal('001');
    expect(await countries('+447700900123')).to.equal(null);
    expect(await countries('72000')).to.equal(null);
  });

  describe('to suppressed recipients', () => {
    const [stopped, unsubscribed, fine] = ['+18045557001', '+18045557002', '+18045557003'];
    const group = { from: 'ACME', type: 'mms', to: [fine, stopped, unsubscribed], body: 'Hi' };
    before(async () => {
      await suppress(api.databaseUrl, stopped);
      await suppress(api.databaseUrl, unsubscribed, { reason: 'unsubscribe' });
      await suppress(api.databaseUrl, unsubscribed, { scope: 'sender', sender: 'acme', reason: 'manual' });
    });
    const errorsOf = async (body: object) =>
      (await preview(body)).errors.map(({ code, path }) => `${code} ${path}`);

    it('names the entry of each, and the error of a send', async () => {
      const { valid, errors, recipients } = await preview(group);
      expect(valid).to.equal(false);
      expect(
        recipients.map(({ suppression }) => suppression && [suppression.reason, suppression.scope]),
      ).to.deep.equal([null, ['stop_keyword', 'channel'], ['manual', 'sender']]);
      const sent = await post('send', group);
      expect(sent.body.code).to.equal('recipient_suppressed');
      expect(errors).to.deep.equal(
        sent.body.errors.map((error: object) => ({ code: 'recipient_suppressed', ...error })),
      );
      expect(recipients.flatMap(({ suppression }) => suppression ?? [])).to.deep.equal(
        sent.body.suppressions,
      );
    });

    it('agrees with a send on skip_suppressed, the sender and the purpose', async () => {
      for (const body of [
        { ...group, skip_suppressed: true },
        { ...group, to: [stopped, unsubscribed], skip_suppressed: true },
        { ...sms, to: stopped, skip_suppressed: true },
        { ...sms, to: unsubscribed },
        { ...sms, to: unsubscribed, purpose: 'marketing' },
        { ...sms, to: unsubscribed, purpose: 'transactional', from: 'acme' },
        { ...sms, to: fine, purpose: 'marketing' },
        { ...email, purpose: 'marketing', unsubscribe: false },
      ]) {
        const { valid } = await preview(body);
        const { status, body: sent } = await post('send', body);
        expect(valid, JSON.stringify([body, sent.code])).to.equal(status === 202);
      }
    });

    it('reports them together with other errors', async () => {
      expect(await errorsOf({ ...sms, from: 'not @ valid', to: stopped, body: '' })).to.deep.equal([
        'invalid_request /body/from',
        'invalid_request /body/body',
        'recipient_suppressed /body/to',
      ]);
    });
  });

  it('stores nothing, also with an Idempotency-Key, which a send can use afterwards', async () => {
    const before = await stored();
    const key = { 'idempotency-key': 'used-by-a-preview' };
    for (const body of [sms, { ...sms, to: '+18045559999' }, email])
      expect((await post('preview', body, key)).status).to.equal(200);
    expect(await stored()).to.deep.equal(before);
    expect((await post('send', mms, key)).status).to.equal(202);
  });

  it('refuses a body that does not match the schema, as a send does', async () => {
    for (const body of [
      {},
      { ...sms, unknown: 1 },
      { ...sms, body: '😀'.repeat(1_601) },
      { ...sms, to: Array.from({ length: 101 }, (_, n) => `+1804555${1_000 + n}`) },
      { ...sms, body: 'half a pair: \ud83d' },
      { ...sms, body: 'a NUL: \0' },
    ]) {
      const [previewed, sent] = await Promise.all([post('preview', body), post('send', body)]);
      expect(previewed.status).to.equal(422);
      expect({ ...previewed.body, request_id: '' }).to.deep.equal({ ...sent.body, request_id: '' });
    }
    expect((await post('preview', '{')).status).to.equal(400);
  });

  describe('with extreme content', () => {
    it('measures an email of 10 MiB, and refuses a larger request', async () => {
      const rest = JSON.stringify({ ...email, body: '' }).length;
      const size = 10 * 1_048_576 - rest;
      const { valid, body_bytes, text } = await preview({ ...email, body: 'a'.repeat(size) });
      expect({ valid, body_bytes, text }).to.deep.equal({ valid: true, body_bytes: size, text: null });
      expect((await post('preview', { ...email, body: 'a'.repeat(size + 1) })).status).to.equal(413);
    });

    it('returns the error of a text of 10 MiB without its segments', async () => {
      const { text, errors } = await preview({ from: sms.from, to: sms.to, body: '“'.repeat(3_400_000) });
      expect(text).to.equal(null);
      expect(errors).to.deep.equal([
        {
          ...{ code: 'invalid_request', path: '/body/body' },
          message: 'must not have more than 1600 characters',
        },
      ]);
    });

    it('lists 300 recipients in their order', async () => {
      const list = (name: string) => Array.from({ length: 100 }, (_, n) => `${name}${n}@example.com`);
      const { valid, recipients } = await preview({ ...email, to: list('a'), cc: list('b'), bcc: list('c') });
      expect(valid).to.equal(true);
      expect(recipients.map(({ address }) => address)).to.deep.equal([
        ...list('a'),
        ...list('b'),
        ...list('c'),
      ]);
      expect(recipients.at(-1)?.path).to.equal('/body/bcc/99');
    });

    it('lists the first 100 different characters and the first 10 positions of each', async () => {
      const different = Array.from({ length: 1_000 }, (_, n) => String.fromCharCode(0x4e00 + n)).join('');
      const { text } = await preview({ ...sms, body: different + '😀'.repeat(30) });
      expect(text?.non_gsm_characters).to.have.length(100);
      const emoji = await preview({ ...sms, body: `a${'😀'.repeat(30)}` });
      expect(emoji.text).to.deep.include({ characters: 31, units: 61, segments: 1 });
      expect(emoji.text?.non_gsm_characters).to.deep.equal([
        {
          ...{ character: '😀', code_points: ['U+1F600'], count: 30, replacement: null },
          positions: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
        },
      ]);
    });
  });
});

describe('Previewing a message while an account is unavailable', () => {
  let service: Harness;
  let spare: Simulator;
  before(async () => {
    spare = await startSimulator({ apiKey: 'spare-key' });
    service = await startHarness({
      ...{ SMS_PROVIDERS: 'text-co,spare-co', SPARE_CO_URL: spare.url, SPARE_CO_KEY: 'spare-key' },
    });
  });
  after(async () => {
    await service.stop();
    await spare.stop();
  });

  let sent = 0;
  const send = async (): Promise<number> =>
    (await service.request('POST', '/api/messages/sms', { ...sms, to: `+1804555${1_000 + sent++}` })).body.id;
  const preview = async (): Promise<Preview> =>
    (await service.request('POST', '/api/messages/preview', sms)).body;

  it('chooses the account that a send uses, and the first account again after it has recovered', async () => {
    expect((await preview()).account?.name).to.equal('text-co');
    await service.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'status', status: 503 }]);
    await until(async () => {
      await send();
      return (await preview()).accounts[0]?.available === false;
    }, 'a worker reports the account as unavailable');
    const { account, accounts } = await preview();
    expect(account).to.deep.equal({
      name: 'spare-co',
      reason: 'the first available account, in the order of SMS_PROVIDERS, that can send the message',
    });
    expect(accounts.map(({ eligible, available }) => [eligible, available])).to.deep.equal([
      [true, false],
      [true, true],
    ]);
    expect((await service.untilStatus(await send(), 'sent')).provider).to.equal('spare-co');
    await service.control('PUT', '/_control/faults', []);
    await until(async () => {
      await send();
      return (await preview()).account?.name === 'text-co';
    }, 'the account has recovered');
  });
});
