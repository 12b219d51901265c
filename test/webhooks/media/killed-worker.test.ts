import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect } from 'chai';
import { createLogger } from '../../../src/observability/logger.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { type FileServer, startFileServer } from '../../support/media-bench.ts';
import { until } from '../../support/until.ts';
import { inboundBody } from '../../support/webhooks.ts';
import { isAlive, untilRestarted, workerOf } from '../../support/worker-process.ts';

/** More than one chunk of the store. */
const PART = Buffer.alloc(700_000, 'a');

describe('A worker process that is killed while it fetches a file', function () {
  this.timeout(60_000);
  let files: FileServer;
  let service: Harness;
  const responses: ServerResponse[] = [];
  before(async () => {
    files = await startFileServer((_path, response) => {
      responses.push(response);
      response.writeHead(200, { 'content-type': 'image/png' }).write(PART);
      // The first response does not end.
      if (responses.length > 1) response.end(PART);
    });
    const environment = { TEXT_CO_URL: files.url, LOG_LEVEL: 'silent' };
    service = await startHarness(environment, createLogger('silent'), true);
  });
  after(async () => {
    await service?.stop();
    await files?.stop();
  });

  it('leaves the file to another worker, which stores the file once', async () => {
    const { databaseUrl } = service;
    const worker = await until(() => workerOf(process.pid), 'the worker process runs');
    const body = inboundBody('killed', { type: 'mms', attachments: [`${files.url}/picture.png`] });
    const { id } = (await service.request('POST', '/api/webhooks/sms', body)).body;
    await until(
      async () => (await query(databaseUrl, 'select from media_chunks')).length > 0,
      'a part of the file is written',
    );
    process.kill(worker, 'SIGKILL');
    await until(() => !isAlive(worker), 'the worker process has ended');
    const [first] = responses as [ServerResponse];
    if (!first.closed) await once(first, 'close');
    await untilRestarted(process.pid, worker);
    const pending = await query(databaseUrl, 'select leased, attempt_count from media_fetches');
    expect(pending).to.deep.equal([{ leased: true, attempt_count: 1 }]);
    // The end of the lease.
    await query(databaseUrl, 'update media_fetches set next_attempt_at = now()');
    const { media } = await until(async () => {
      const message = (await service.request('GET', `/api/messages/${id}`)).body;
      return message.media[0].state === 'stored' && message;
    }, 'the file is stored');
    expect(media).to.have.length(1);
    expect(media[0]).to.include({ size: 2 * PART.length, name: 'picture.png' });
    expect(responses).to.have.length(2);
    // The part of the dead worker is without media: it is collected after a day.
    const objects = await query(
      databaseUrl,
      `select size, (select sum(length(data))::int from media_chunks where object_id = media_objects.id) as bytes
       from media_objects left join media on media.object_id = media_objects.id order by size nulls first`,
    );
    expect(objects).to.deep.equal([
      { size: null, bytes: 524_288 },
      { size: 2 * PART.length, bytes: 2 * PART.length },
    ]);
    const settled = async () =>
      (await service.request('GET', '/api/events?type=message.media_settled')).body.data.length;
    await until(async () => (await settled()) > 0, 'the event has a position');
    expect(await settled()).to.equal(1);
  });
});
