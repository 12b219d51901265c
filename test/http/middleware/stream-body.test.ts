import { createServer, type IncomingMessage, type Server } from 'node:http';
import { expect } from 'chai';
import type { Request } from 'express';
import type { ServiceError } from '../../../src/errors.ts';
import { partsOf } from '../../../src/http/middleware/body-parts.ts';
import { listen } from '../../support/listen.ts';
import { chunk, connectRaw, head, type RawConnection } from '../../support/raw.ts';
import { until } from '../../support/until.ts';

const LIMIT = 4 * 1_048_576;
const PATIENCE_MS = 200;

describe('The body of a request that is read while it arrives', () => {
  let server: Server;
  let url: string;
  let read: (request: IncomingMessage) => Promise<unknown>;
  let connection: RawConnection;
  beforeEach(async () => {
    server = createServer((request, response) => {
      read(request).then(
        (result) => response.end(`read ${result}.`),
        ({ code }: ServiceError) => response.end(`failed ${code}.`),
      );
    });
    url = `http://127.0.0.1:${await listen(server)}`;
    connection = await connectRaw(url);
    connection.write(head('POST', '/', { 'transfer-encoding': 'chunked' }));
  });
  afterEach(() => {
    connection.close();
    server.closeAllConnections();
    server.close();
  });
  const limits = { limit: LIMIT, patienceMs: PATIENCE_MS, deadlineMs: 60_000 };
  const parts = (request: IncomingMessage, given = limits) => partsOf(request as Request, given);
  const all = async (request: IncomingMessage) => {
    let bytes = 0;
    for await (const part of parts(request)) bytes += part.length;
    return bytes;
  };

  it('is read to its end', async () => {
    read = all;
    connection.write(chunk('x'.repeat(100_000)) + chunk('y') + chunk(''));
    expect(await connection.receive(/\./)).to.include('read 100001.');
  });

  it('fails at its limit, before the rest arrives', async () => {
    read = all;
    for (let n = 0; n < 5; n++) connection.write(chunk('x'.repeat(1_048_576)));
    expect(await connection.receive(/failed/)).to.include('failed payload_too_large.');
  });

  it('fails if no byte arrives while the handler waits', async () => {
    read = all;
    connection.write(chunk('x'));
    expect(await connection.receive(/failed/)).to.include('failed request_timeout.');
  });

  it('fails if it takes too long, also if bytes arrive all the time', async () => {
    read = async (request) => {
      for await (const _ of parts(request, { ...limits, deadlineMs: PATIENCE_MS }))
        connection.write(chunk('x'));
    };
    connection.write(chunk('x'));
    expect(await connection.receive(/failed/)).to.include('failed request_timeout.');
  });

  it('fails if the client disconnects', async () => {
    const failure = new Promise<ServiceError>((resolve) => {
      read = (request) => all(request).catch(resolve);
    });
    connection.write(chunk('x'));
    connection.close();
    expect((await failure).code).to.equal('bad_request');
  });

  it('waits for a handler that is slow, and keeps no more than a few parts', async () => {
    let proceed = () => {};
    const first = new Promise<IncomingMessage>((resolve) => {
      read = async (request) => {
        let bytes = 0;
        for await (const part of parts(request)) {
          bytes += part.length;
          if (bytes !== part.length) continue;
          resolve(request);
          await new Promise<void>((done) => {
            proceed = done;
          });
        }
        return bytes;
      };
    });
    for (let n = 0; n < 4; n++) connection.write(chunk('x'.repeat(1_000_000)));
    connection.write(chunk(''));
    const { socket } = await first;
    const received = socket.bytesRead;
    // Longer than the patience, which does not run while the handler is busy.
    const started = performance.now();
    await until(() => performance.now() - started > 2 * PATIENCE_MS, 'more than the patience');
    expect(socket.bytesRead).to.be.below(received + 1_048_576);
    proceed();
    expect(await connection.receive(/read/)).to.include('read 4000000.');
  });
});
