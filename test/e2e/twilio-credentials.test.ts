import { expect } from 'chai';
import { ACCOUNT_SID } from '../../src/simulator/dialects/twilio/dialect.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { createMigratedDatabase } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { keepLog } from '../support/log.ts';
import { freePort } from '../support/process.ts';
import { until } from '../support/until.ts';

const AUTH_TOKEN = '0123456789abcdef0123456789abcdef';
const WRONG_TOKEN = 'f'.repeat(32);

describe('A service with the wrong auth token of Twilio', function () {
  this.timeout(180_000);
  let simulator: Simulator;
  let service: Harness;
  let environment: Record<string, string>;
  const ids: number[] = [];
  const log = keepLog('info');

  before(async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    simulator = await startSimulator({
      ...{ apiKey: AUTH_TOKEN, settings: { service_url: url, receipts: { delay_ms: 5 } } },
    });
    environment = {
      ...{ PORT: String(port), PUBLIC_URL: url, SMS_PROVIDERS: 'twilio' },
      ...{ TWILIO_URL: `${simulator.url}/twilio`, TWILIO_ACCOUNT_SID: ACCOUNT_SID },
      DATABASE_URL: await createMigratedDatabase(),
    };
    service = await startHarness({ ...environment, TWILIO_AUTH_TOKEN: WRONG_TOKEN }, log.logger);
    for (let n = 0; n < 3; n++) {
      const to = `+1804555020${n}`;
      ids.push(
        (await service.client.messages.send({ from: '+12016661234', to, type: 'sms', body: 'Hello' })).id,
      );
    }
  });
  after(async () => {
    await service?.stop();
    await simulator.stop();
  });

  it('logs the reason at the level error, and no credentials', async () => {
    const [line] = await until(() => {
      const lines = log.of('provider failing');
      return lines.length > 0 && lines;
    }, 'the failure is logged');
    expect(line).to.include({ level: 50, provider: 'twilio', code: '20003', httpStatus: 401 });
    expect(JSON.stringify(log.lines)).not.to.contain(WRONG_TOKEN);
  });

  it('gives the reason in /readyz?verbose', async () => {
    const account = await until(async () => {
      const { body } = await service.request('GET', '/readyz?verbose');
      return body.channels[0].accounts[0].last_error && body.channels[0].accounts[0];
    }, 'the error is reported');
    expect(account).to.deep.include({ name: 'twilio' });
    expect(account.last_error).to.include({ code: '20003', http_status: 401 });
  });

  it('keeps its messages, and sends each once after a restart with the right token', async () => {
    for (const id of ids)
      expect((await service.client.messages.get(id)).status).to.be.oneOf(['queued', 'sending']);
    await service.stop();
    service = await startHarness({ ...environment, TWILIO_AUTH_TOKEN: AUTH_TOKEN });
    for (const id of ids) await service.untilStatus(id, 'delivered');
    const { data } = (await (await fetch(`${simulator.url}/_control/messages`)).json()) as {
      data: unknown[];
    };
    expect(data).to.have.length(ids.length);
  });
});
