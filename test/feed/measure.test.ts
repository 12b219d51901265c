import { expect } from 'chai';
import pg from 'pg';
import { type Harness, startHarness } from '../support/harness.ts';
import { until } from '../support/until.ts';

describe('The metrics of the feed', () => {
  let service: Harness;
  let client: pg.Client;
  before(async () => {
    service = await startHarness({ ROLE: 'api' });
    client = new pg.Client({ connectionString: service.databaseUrl });
    await client.connect();
  });
  after(async () => {
    await client?.end();
    await service?.stop();
  });

  const values = async () => {
    const { body } = await service.request('GET', '/metrics');
    const read = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(body)?.[1]);
    return {
      waiting: read('messaging_feed_events_waiting'),
      seconds: read('messaging_feed_oldest_waiting_seconds'),
    };
  };

  it('count the events that get no position, until the feed moves again', async () => {
    await client.query('begin');
    await client.query('select from feed_state for update');
    await service.client.messages.send({ from: '+12016661234', to: '+18045551234', body: 'Hello' });
    const { waiting, seconds } = await values();
    expect(waiting).to.be.at.least(1);
    expect(seconds).to.be.above(0);
    await client.query('commit');
    await until(async () => (await values()).waiting === 0, 'no event waits');
    expect((await values()).seconds).to.equal(0);
  });
});
