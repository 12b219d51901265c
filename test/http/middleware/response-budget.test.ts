import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect } from 'chai';
import type { Response } from 'express';
import { ResponseBudget, readDeadlineMs } from '../../../src/http/middleware/response-budget.ts';
import { head } from '../../support/raw.ts';
import { until } from '../../support/until.ts';

const MIB = 1_048_576;
const LARGE = 10 * MIB;

describe('The budget of large responses', () => {
  let server: Server;
  let started: number;
  /** Of the server, in the order of the connections. */
  let connections: Socket[];
  const sockets: Socket[] = [];

  /** A server whose responses have `LARGE` bytes, with this time for a client to read a response. */
  async function serve(deadlineMs: (bytes: number) => number): Promise<void> {
    started = 0;
    connections = [];
    const budget = new ResponseBudget(deadlineMs);
    server = createServer((_request, raw) => {
      const response = raw as Response;
      const reserve = budget.reserveFor(response);
      void reserve(LARGE).then(
        () => {
          started++;
          response.end(Buffer.alloc(LARGE));
          budget.written(response);
        },
        () => response.destroy(),
      );
    }).listen(0, '127.0.0.1');
    server.on('connection', (connection) => connections.push(connection));
    await once(server, 'listening');
  }
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    server.closeAllConnections();
    server.close();
  });

  const port = () => (server.address() as AddressInfo).port;

  /** A client that reads a few bytes at short intervals, so that its connection is never idle for long. */
  async function readSlowly(): Promise<Socket> {
    const socket = connect(port(), '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    socket.write(head('GET', '/', { host: 'localhost' }));
    await once(socket, 'data');
    socket.pause();
    const timer = setInterval(() => socket.read(1_000), 5);
    socket.once('close', () => clearInterval(timer));
    return socket;
  }

  it('disconnects clients that read too slowly, and then sends the responses that wait', async () => {
    let responses = 0;
    await serve(() => (++responses <= 3 ? 500 : 60_000));
    const slow = await Promise.all([readSlowly(), readSlowly(), readSlowly()]);
    const response = await fetch(`http://127.0.0.1:${port()}/`);
    const isEnded = () => connections.filter(({ destroyed }) => destroyed).length === slow.length;
    await until(isEnded, 'the server has ended the slow connections');
    // The socket of a client ends after the received part of a response is read.
    for (const socket of slow) socket.resume();
    await until(() => slow.every(({ closed }) => closed), 'the slow clients are disconnected');
    expect((await response.arrayBuffer()).byteLength).to.equal(LARGE);
    for (const { bytesRead } of slow) expect(bytesRead).to.be.lessThan(LARGE);
    expect(started).to.equal(4);
  });

  it('does not disconnect clients that read in time', async () => {
    await serve(() => 60_000);
    for (let n = 0; n < 5; n++) {
      const response = await fetch(`http://127.0.0.1:${port()}/`);
      expect((await response.arrayBuffer()).byteLength).to.equal(LARGE);
    }
    expect(started).to.equal(5);
  });

  it('allows a client ten seconds plus one second for each 256 KiB', () => {
    expect(readDeadlineMs(0)).to.equal(10_000);
    expect(readDeadlineMs(4 * MIB)).to.equal(26_000);
    expect(readDeadlineMs(LARGE)).to.equal(50_000);
  });
});
