import { connect, createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import { availability } from '../../src/db/availability.ts';
import { openDatabase } from '../../src/db/pools.ts';
import { transaction } from '../../src/db/transaction.ts';
import { UnavailableError } from '../../src/errors.ts';
import { createDatabase } from '../support/database.ts';
import { listen } from '../support/listen.ts';

describe('A connection to a database that does not respond', () => {
  it('fails with UnavailableError after a timeout, and the next call opens a new connection', async () => {
    const url = new URL(await createDatabase());
    const proxy = await startPausableProxy(Number(url.port));
    url.port = String(proxy.port);
    const database = openDatabase(url.href, () => undefined, {
      timeouts: { statementMs: 200, responseMs: 3_000 },
    });
    const uses: (() => Promise<unknown>)[] = [
      async () => database.knex.raw('select 1'),
      () => database.knex.transaction(async (trx) => trx.raw('select 1')),
      () => database.pool.query('select 1'),
      () => transaction(database.pool, (connection) => connection.query('select 1')),
    ];
    for (const use of uses) {
      await use();
      proxy.pauseConnections();
      const failure = await use().then(() => null, availability);
      expect(failure, String(use)).to.be.instanceOf(UnavailableError);
      const started = performance.now();
      await use();
      expect(performance.now() - started, 'the duration with a new connection').to.be.lessThan(3_000);
    }
    proxy.stop();
    await database.close();
  });
});

/** Starts a TCP proxy to the port `target`. Its open connections can be paused; later connections work. */
async function startPausableProxy(target: number) {
  const open = new Set<Socket>();
  const server = createServer((incoming) => {
    const outgoing = connect(target, '127.0.0.1');
    incoming.pipe(outgoing).pipe(incoming);
    for (const socket of [incoming, outgoing]) {
      open.add(socket.on('error', () => undefined));
      socket.on('close', () => open.delete(socket));
    }
  });
  return {
    port: await listen(server),
    pauseConnections: () => {
      for (const socket of open) socket.unpipe().pause();
    },
    stop: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
