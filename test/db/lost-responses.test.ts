import { expect } from 'chai';
import { sms } from '../support/bodies.ts';
import { createMigratedDatabase, query } from '../support/database.ts';
import { startHarness } from '../support/harness.ts';
import { startPostgresProxy } from '../support/postgres-proxy.ts';

describe('A commit without a readable response', () => {
  it('stores a message without an Idempotency-Key once, and the response is 503', async () => {
    const database = await createMigratedDatabase();
    let corrupted = 0;
    const proxy = await startPostgresProxy(database, () => {
      let isRecording = false;
      return {
        toServer: (bytes) => {
          isRecording = bytes.includes('record-messages');
          return bytes;
        },
        toClient: (bytes) => {
          if (!isRecording || corrupted > 0) return bytes;
          corrupted++;
          // No message of the protocol has the type 0. The statement is committed before its response.
          return Buffer.concat([Buffer.of(0), bytes.subarray(1)]);
        },
      };
    });
    const service = await startHarness({ DATABASE_URL: proxy.url, ROLE: 'api' });
    try {
      const { status, body } = await service.request('POST', '/api/messages/sms', sms);
      expect([status, body.code]).to.deep.equal([503, 'unavailable']);
      expect(corrupted).to.equal(1);
      expect(await query(database, 'select body from messages')).to.deep.equal([{ body: sms.body }]);
      expect((await service.request('POST', '/api/messages/sms', sms)).status).to.equal(202);
    } finally {
      await service.stop();
      proxy.stop();
    }
  });
});
