import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import type { Accepted } from '../../src/simulator/store.ts';
import { email, sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { storeMedia } from '../support/media.ts';
import { freePort } from '../support/process.ts';
import { telnyxEnvironment } from '../support/telnyx.ts';
import { ACCOUNT_SID, twilioEnvironment } from '../support/twilio.ts';
import { until } from '../support/until.ts';
import { SIMULATED, vonageAccount } from '../support/vonage.ts';

const [TWILIO, TELNYX, VONAGE, SHARED] = ['+12016660001', '+12016660002', '+12016660003', '+12016660004'];
const URL_OF_FILE = 'https://example.com/image.jpg';
const DAY = 86_400;
const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');

describe('The files of a message that is sent', function () {
  this.timeout(60_000);
  let api: Harness;
  let simulator: Simulator;
  before(async () => {
    simulator = await startSimulator({ twilio: { accountSid: ACCOUNT_SID }, vonage: SIMULATED.vonage });
    const [port, { url }] = [await freePort(), simulator];
    api = await startHarness({
      ...{
        ...twilioEnvironment(`${url}/twilio`),
        ...telnyxEnvironment(`${url}/telnyx`),
        ...vonageAccount(`${url}/vonage`),
      },
      ...{
        PORT: String(port),
        PUBLIC_URL: `http://127.0.0.1:${port}`,
        SMS_PROVIDERS: 'text-co,vonage,telnyx,twilio',
      },
      ...{ TWILIO_SENDERS: TWILIO, TELNYX_SENDERS: `${TELNYX},${SHARED}`, VONAGE_SENDERS: VONAGE },
      ...{ TEXT_CO_SENDERS: `${sms.from},${SHARED}`, TEXT_CO_URL: url, MAIL_CO_URL: url },
    });
    await control('PUT', 'settings', { service_url: api.url, receipts: { enabled: false } });
  });
  after(async () => {
    await api.stop();
    await simulator.stop();
  });

  async function control<T>(method: string, path: string, body?: object): Promise<T> {
    const headers = { 'content-type': 'application/json' };
    const init = body ? { method, headers, body: JSON.stringify(body) } : { method };
    return (await (await fetch(`${simulator.url}/_control/${path}`, init)).json()) as T;
  }
  const faults = (...list: object[]) => control('PUT', 'faults', list);
  afterEach(() => faults());
  let count = 0;
  const send = async (path: string, body: object): Promise<number> => {
    const to = path === 'email' ? email.to : `+1804555${1_000 + ++count}`;
    const answer = await api.request('POST', `/api/messages/${path}`, { to, body: 'Look', ...body });
    expect(answer.status, JSON.stringify(answer.body)).to.equal(202);
    return answer.body.id;
  };
  /** The message that a provider accepted, after it has fetched the files of the service. */
  const accepted = async (id: number): Promise<Accepted> => {
    const { provider_message_id } = await api.untilStatus(id, 'sent');
    return until(async () => {
      const { data } = await control<{ data: Accepted[] }>('GET', 'messages');
      const message = data.find((each) => each.id === provider_message_id);
      return message?.files?.every(({ status }) => status !== null) && message;
    }, `the provider has the files of message ${id}`);
  };
  const linkOf = async (id: number, media: number) => {
    const { body } = await api.request('GET', `/api/messages/${id}`);
    const expires = Math.ceil(Date.parse(body.expires_at) / 1_000) + DAY;
    return new RegExp(`^${api.url}/api/media/${media}/content\\?expires=${expires}&signature=[\\w-]{43}$`);
  };

  const content = Buffer.from('BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ada\r\nEND:VCARD\r\n');
  const kinds: [string, string, string, (request: Record<string, unknown>) => unknown][] = [
    ['the standard API', 'sms', sms.from, ({ attachments }) => attachments],
    ['the standard API for email', 'email', email.from, ({ attachments }) => attachments],
    ['Twilio', 'sms', TWILIO, ({ MediaUrl }) => MediaUrl],
    ['Telnyx', 'sms', TELNYX, ({ media_urls }) => media_urls],
  ];
  for (const [kind, path, from, urlsOf] of kinds)
    it(`are fetched by ${kind} through links, after the files by URL`, async () => {
      const vcard = await storeMedia(api.databaseUrl, { contentType: 'text/vcard', content });
      const picture = await storeMedia(api.databaseUrl);
      const id = await send(path, { from, attachments: [URL_OF_FILE], media_ids: [vcard, picture] });
      const { request, files } = await accepted(id);
      const [url, ...links] = urlsOf(request) as string[];
      expect(url).to.equal(URL_OF_FILE);
      expect(links).to.have.length(2);
      expect(links[0]).to.match(await linkOf(id, vcard));
      expect(links[1]).to.match(await linkOf(id, picture));
      const fetched = files?.find((file) => file.url === links[0]);
      expect(fetched).to.include({ status: 200, sha256: sha256(content) });
      expect(fetched?.content_type).to.match(/^text\/vcard(;|$)/);
    });

  it('are fetched by Vonage, which gets the type of the file by its content type', async () => {
    for (const [contentType, type] of [
      ['image/png', 'image'],
      ['audio/mpeg', 'audio'],
      ['video/3gpp', 'video'],
      ['text/x-vcard', 'vcard'],
      ['application/pdf', 'file'],
    ] as const) {
      const media = await storeMedia(api.databaseUrl, { contentType });
      const id = await send('sms', { from: VONAGE, media_ids: [media] });
      const { request, files } = await accepted(id);
      const { url, caption } = request[type] as Record<string, string>;
      expect([request.message_type, caption], contentType).to.deep.equal([type, 'Look']);
      expect(url).to.match(await linkOf(id, media));
      expect(files?.[0]).to.include({ url, status: 200 });
    }
  });

  it('have the same links in a repeat with the same key', async () => {
    await faults({ channel: 'sms', dialect: 'standard', type: 'lost_response', times: 2 });
    const media = await storeMedia(api.databaseUrl);
    const id = await send('sms', { from: sms.from, media_ids: [media] });
    const { request, request_count } = await accepted(id);
    expect(request_count).to.be.at.least(2);
    expect((request.attachments as string[])[0]).to.match(await linkOf(id, media));
  });

  it('go with the message to another account after the first one fails', async () => {
    await faults({ channel: 'sms', dialect: 'standard', type: 'status', status: 503 });
    const media = await storeMedia(api.databaseUrl);
    const id = await send('sms', { from: SHARED, media_ids: [media] });
    const { dialect, request, files } = await accepted(id);
    expect(dialect).to.equal('telnyx');
    expect((request.media_urls as string[])[0]).to.match(await linkOf(id, media));
    expect(files?.[0]?.status).to.equal(200);
  });

  it('have links that are valid in a manual retry, days after the message expired', async () => {
    await faults({ channel: 'sms', dialect: 'telnyx', type: 'status', status: 400, code: '40310' });
    const media = await storeMedia(api.databaseUrl);
    const id = await send('sms', { from: TELNYX, media_ids: [media] });
    await api.untilStatus(id, 'failed');
    await faults();
    await query(
      api.databaseUrl,
      `update deliveries set expires_at = now() - interval '30 days' where message_id = $1`,
      [id],
    );
    expect((await api.request('POST', `/api/messages/${id}/retry`)).status).to.equal(202);
    const { files } = await accepted(id);
    expect(files?.[0]?.url).to.match(await linkOf(id, media));
    expect(files?.[0]?.status).to.equal(200);
  });
});

describe('A worker without a public URL', () => {
  it('sends no message without its files, reports this, and another worker sends the message', async () => {
    const PUBLIC_URL = 'https://messaging.example';
    const api = await startHarness({ ROLE: 'api', PUBLIC_URL });
    const shared = { DATABASE_URL: api.databaseUrl, TEXT_CO_URL: api.simulator.url, ROLE: 'worker' };
    const without = await startHarness(shared);
    try {
      const media_ids = [await storeMedia(api.databaseUrl)];
      const post = (body: object) =>
        api.request('POST', '/api/messages/sms', { ...sms, type: undefined, ...body });
      const { body: message } = await post({ media_ids });
      const attempt = await until(async () => {
        const { body } = await api.request('GET', `/api/messages/${message.id}/attempts`);
        return body.data[0];
      }, 'the first attempt');
      expect(attempt).to.include({ outcome: 'unavailable', code: 'public_url_missing', http_status: null });
      const { body: ready } = await without.request('GET', '/readyz?verbose');
      expect(JSON.stringify(ready)).to.contain('public_url_missing');
      const { body: plain } = await post({ to: '+18045551299' });
      await api.untilStatus(plain.id, 'delivered');
      await without.stop();
      const complete = await startHarness({ ...shared, PUBLIC_URL });
      try {
        await query(api.databaseUrl, `update deliveries set next_attempt_at = now() where status = 'queued'`);
        await api.untilStatus(message.id, 'delivered');
        const sent = (await api.accepted()).find(({ request }) => request.type === 'mms');
        expect(String(sent?.request.attachments)).to.match(
          RegExp(`^${PUBLIC_URL}/api/media/${media_ids[0]}/content`),
        );
        expect(sent?.request_count).to.equal(1);
      } finally {
        await complete.stop();
      }
    } finally {
      await without.stop();
      await api.stop();
    }
  });
});
