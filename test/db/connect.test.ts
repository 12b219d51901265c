import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import { availability } from '../../src/db/availability.ts';
import { openDatabase } from '../../src/db/pools.ts';
import { transaction } from '../../src/db/transaction.ts';
import { UnavailableError } from '../../src/errors.ts';
import { createDatabase } from '../support/database.ts';

describe('A database that has gone without a word', () => {
  it('is given up where it is silent, and found again by new connections', async () => {
    const url = new URL(await createDatabase());
    const path = await startSilentPath(Number(url.port));
    url.port = String(path.port);
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
      path.goSilent();
      const failure = await use().then(() => null, availability);
      expect(failure, String(use)).to.be.instanceOf(UnavailableError);
      const asked = performance.now();
      await use();
      expect(performance.now() - asked, 'by a connection of its own').to.be.lessThan(3_000);
    }
    path.stop();
    await database.close();
  });
});

/** A way to a server on which connections can be made to lead nowhere; those that are made later work. */
async function startSilentPath(target: number) {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) {
      open.add(socket.on('error', () => undefined));
      socket.on('close', () => open.delete(socket));
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    goSilent: () => {
      for (const socket of open) socket.unpipe().pause();
    },
    stop: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
