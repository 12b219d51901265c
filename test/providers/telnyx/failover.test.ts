import { hash } from 'node:crypto';
import { expect } from 'chai';
import { type Simulator, startSimulator } from '../../../src/simulator/server.ts';
import type { Accepted } from '../../../src/simulator/store.ts';
import { sms } from '../../support/bodies.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { freePort } from '../../support/process.ts';
import { publicKeyOf, SEED } from '../../support/telnyx.ts';
import { ACCOUNT_SID, AUTH_TOKEN } from '../../support/twilio.ts';

const ONLY_TWILIO = '+12010001111';

describe('An account at Telnyx beside an account at Twilio', () => {
  let simulator: Simulator;
  let service: Harness;
  before(async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    simulator = await startSimulator({
      ...{ apiKey: AUTH_TOKEN, twilio: { accountSid: ACCOUNT_SID }, telnyx: { seed: SEED } },
      settings: { service_url: url, receipts: { delay_ms: 5 } },
    });
    service = await startHarness({
      ...{ PORT: String(port), PUBLIC_URL: url, SMS_PROVIDERS: 'twilio,telnyx' },
      ...{ TWILIO_URL: `${simulator.url}/twilio`, TWILIO_ACCOUNT_SID: ACCOUNT_SID },
      ...{ TWILIO_AUTH_TOKEN: AUTH_TOKEN, TWILIO_SENDERS: `${sms.from},${ONLY_TWILIO}` },
      ...{ TELNYX_URL: `${simulator.url}/telnyx`, TELNYX_API_KEY: AUTH_TOKEN },
      ...{ TELNYX_PUBLIC_KEY: publicKeyOf(SEED), TELNYX_SENDERS: sms.from },
    });
  });
  after(async () => {
    await service?.stop();
    await simulator?.stop();
  });

  const control = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${simulator.url}/_control/${path}`, {
      ...{ method, headers: { 'content-type': 'application/json' } },
      ...(body && { body: JSON.stringify(body) }),
    });
    return response.json();
  };
  const send = async (more: object = {}): Promise<number> =>
    (await service.request('POST', '/api/messages/sms', { ...sms, ...more })).body.id;

  it('sends the messages of the senders that both have while Twilio is unavailable, in order and once', async () => {
    await control('PUT', 'faults', [
      { channel: 'sms', dialect: 'twilio', type: 'status', status: 503, retry_after: 0 },
    ] as object);
    const bodies = Array.from({ length: 5 }, (_, n) => `Message ${n + 1}`);
    const ids: number[] = [];
    for (const body of bodies) ids.push(await send({ body }));
    const waiting = await send({ from: ONLY_TWILIO, body: 'Only at Twilio' });
    for (const id of ids)
      expect(await service.untilStatus(id, 'delivered')).to.include({ provider: 'telnyx' });
    const { data } = (await control('GET', 'messages')) as { data: Accepted[] };
    expect(data.map(({ dialect, request }) => [dialect, request.text])).to.deep.equal(
      bodies.map((body) => ['telnyx', body]),
    );
    expect((await service.request('GET', `/api/messages/${waiting}`)).body.status).to.equal('queued');
    await control('PUT', 'faults', [] as object);
    expect(await service.untilStatus(waiting, 'delivered')).to.include({ provider: 'twilio' });
  });

  it('sends pictures of those senders in order and once, and each is fetched by the provider that accepts it', async () => {
    const upload = async (content: string) => {
      const headers = { 'content-type': 'image/png' };
      const response = await fetch(`${service.url}/api/media`, { method: 'POST', headers, body: content });
      return ((await response.json()) as { id: number }).id;
    };
    await control('POST', 'reset');
    await control('PUT', 'faults', [
      { channel: 'sms', dialect: 'twilio', type: 'status', status: 503, retry_after: 0 },
    ] as object);
    const sent: { id: number; body: string; content: string }[] = [];
    for (let n = 0; n < 6; n++) {
      const [body, content] = [`Picture ${n}`, `the content of ${n}`];
      const to = `+1804555900${n % 2}`;
      sent.push({
        id: await send({ type: 'mms', to, body, media_ids: [await upload(content)] }),
        body,
        content,
      });
    }
    for (const { id } of sent)
      expect(await service.untilStatus(id, 'delivered')).to.include({ provider: 'telnyx' });
    const { data } = (await control('GET', 'messages')) as { data: Accepted[] };
    const accepted = data.map(({ dialect, request, files }) => [dialect, request.text, files?.[0]?.sha256]);
    const expected = sent.map(({ body, content }) => ['telnyx', body, hash('sha256', content)]);
    expect(accepted).to.have.deep.members(expected);
    for (const to of ['+18045559000', '+18045559001']) {
      const own = data.filter(({ request }) => request.to === to).map(({ request }) => request.text);
      expect(own).to.deep.equal([...own].sort());
    }
    await control('PUT', 'faults', [] as object);
  });

  it('sends the groups, which Twilio does not send', async () => {
    const to = ['+18045550001', '+18045550002'];
    const id = await send({ type: 'mms', to, body: 'A group' });
    expect(await service.untilStatus(id, 'delivered')).to.include({ provider: 'telnyx' });
  });
});
