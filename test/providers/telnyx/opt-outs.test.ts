import { expect } from 'chai';
import type { Message } from '../../../sdk/src/index.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/server.ts';
import { sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import {
  API_KEY,
  eventBody,
  inboundPayload,
  SEED,
  sendEvent,
  telnyxEnvironment,
} from '../../support/telnyx.ts';
import { until } from '../../support/until.ts';

const SHORT_CODE = '72000';

describe('Opt-outs at Telnyx', () => {
  let simulator: Simulator;
  let service: Harness;
  before(async () => {
    simulator = await startSimulator({
      ...{ apiKey: API_KEY, telnyx: { seed: SEED } },
      settings: { receipts: { enabled: false } },
    });
    service = await startHarness(telnyxEnvironment(`${simulator.url}/telnyx`));
  });
  after(async () => {
    await service?.stop();
    await simulator?.stop();
  });

  const reasonsOf = async () => {
    const rows = await query<{ reasons: string[] }>(service.databaseUrl, 'select reasons from suppressions');
    return rows.map(({ reasons }) => reasons.join());
  };
  const say = async (from: string, text: string, more: object = {}) => {
    const payload = inboundPayload({ from: { phone_number: from }, text, ...more });
    expect((await sendEvent(service.url, eventBody('message.received', payload))).status).to.equal(200);
  };
  const outbound = async (to: string): Promise<Message[]> => {
    const { body } = await service.request('GET', '/api/messages?direction=outbound&limit=100');
    return body.data.filter((message: Message) => message.to.includes(to));
  };
  afterEach(() => query(service.databaseUrl, 'delete from suppressions'));

  it('are in the ledger after Telnyx refused a message with 40300', async () => {
    const to = '+18040040300';
    const { body } = await service.request('POST', '/api/messages/sms', { ...sms, to });
    const { error } = await service.untilStatus(body.id, 'failed');
    expect(error).to.include({ code: '40300', class: 'opted_out' });
    expect(await reasonsOf()).to.deep.equal(['provider_opt_out']);
    const again = await service.request('POST', '/api/messages/sms', { ...sms, to });
    expect([again.status, again.body.code]).to.deep.equal([422, 'recipient_suppressed']);
  });

  it('are in the ledger while Telnyx recognises a keyword that the service does not know', async () => {
    await say('+18045550021', 'Basta', { autoresponse_type: 'STOP' });
    expect(await reasonsOf()).to.deep.equal(['provider_opt_out']);
    await say('+18045550021', 'Otra vez', { autoresponse_type: 'START' });
    expect(await reasonsOf()).to.deep.equal([]);
  });

  it('are answered by Telnyx at a number, and by the service at a short code', async () => {
    await say('+18045550022', 'STOP');
    await say('+18045550023', 'STOP', { to: [{ phone_number: SHORT_CODE }] });
    const replies = await until(async () => {
      const found = await outbound('+18045550023');
      return found.length > 0 && found;
    }, 'the service answers at the short code');
    expect(replies[0]).to.include({ from: SHORT_CODE, purpose: 'consent' });
    expect(await outbound('+18045550022')).to.deep.equal([]);
  });
});
