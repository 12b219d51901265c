import { expect } from 'chai';
import { listenTo } from '../../src/db/listen.ts';
import { createDatabase, query } from '../support/database.ts';
import { startPostgresProxy } from '../support/postgres-proxy.ts';
import { until } from '../support/until.ts';

describe('The listener for notifications', () => {
  it('has at most one connection if the server refuses LISTEN, and listens as soon as the server accepts', async () => {
    const database = await createDatabase();
    let isRefusing = true;
    const proxy = await startPostgresProxy(database, () => ({
      toServer: (bytes) =>
        isRefusing ? Buffer.from(bytes.toString('latin1').replace('listen ', 'refuse '), 'latin1') : bytes,
    }));
    let failures = 0;
    let notifications = 0;
    const listener = listenTo(proxy.url, { messages_due: () => void notifications++ }, () => void failures++);
    const connections = async () =>
      (
        await query(
          database,
          `select from pg_stat_activity
           where datname = current_database() and application_name = 'messaging-service-listener'`,
        )
      ).length;
    try {
      await until(() => failures >= 3, 'LISTEN failed three times');
      await until(async () => (await connections()) <= 1, 'the earlier connections are closed');
      expect(notifications).to.equal(0);
      isRefusing = false;
      await until(() => notifications === 1, 'the listener listens');
      await query(database, 'notify messages_due');
      await until(() => notifications === 2, 'a notification arrives');
    } finally {
      await listener.stop();
      proxy.stop();
    }
    expect(await until(async () => (await connections()) === 0, 'the connection is closed')).to.equal(true);
  });
});
