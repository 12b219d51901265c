import { expect } from 'chai';
import { createMigratedDatabase, query } from '../support/database.ts';
import { environmentFor } from '../support/harness.ts';
import { freePort, peakMemoryMiB, type Running, startProcess } from '../support/process.ts';

const REQUESTS = 50;
const MAX_MEMORY_MIB = 680;

describe('Fifty concurrent requests for the largest responses', function () {
  this.timeout(180_000);
  let service: Running;
  let databaseUrl: string;
  before(async () => {
    databaseUrl = await createMigratedDatabase();
    await query(
      databaseUrl,
      `insert into participants (address, address_type) values ('+1', 'phone'), ('+2', 'phone')`,
    );
    await query(
      databaseUrl,
      `insert into conversations (channel, participant_ids) values ('email', '{1,2}')`,
    );
    await query(databaseUrl, `insert into conversation_participants values (1, 1), (1, 2)`);
    // Half of the bodies take two bytes per character in memory.
    await query(
      databaseUrl,
      `insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata,
         "timestamp", provider, provider_message_id)
       select 1, 1, 'inbound', 'email', 'a@example.com', '{b@example.com}',
         case when n % 2 = 0 then repeat('large ', 1650000) else repeat('größe ', 1237500) end, '{}', '{}', now(),
         'mail-co', 'large-' || n
       from generate_series(1, 60) as n`,
    );
    service = await startProcess({
      ...environmentFor('http://127.0.0.1:9', databaseUrl),
      ROLE: 'api',
      PORT: String(await freePort()),
      LOG_LEVEL: 'warn',
    });
  });
  after(() => service.signal('SIGTERM'));

  const email = (n: number) => ({
    from: 'a@example.com',
    to: 'b@example.com',
    body: 'again',
    xillio_id: `large-${n + 1}`,
  });
  const requests: Record<string, (n: number) => [path: string, options?: RequestInit]> = {
    'one message': (n) => [`/api/messages/${n + 1}`],
    'the list of messages': () => ['/api/messages?limit=200'],
    'the messages of a conversation': () => ['/api/conversations/1/messages?limit=200'],
    'a search': () => ['/api/messages?q=a%40example.com&limit=200'],
    'redelivered webhooks of large messages': (n) => [
      '/api/webhooks/email',
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(email(n)) },
    ],
  };
  for (const [title, request] of Object.entries(requests))
    it(`use limited memory: ${title}`, async () => {
      const statuses = await Promise.all(
        Array.from({ length: REQUESTS }, async (_, n) => {
          const [path, options] = request(n);
          const response = await fetch(service.url + path, options);
          let bytes = 0;
          for await (const chunk of response.body ?? []) bytes += chunk.length;
          expect(bytes).to.be.greaterThan(0);
          return response.status;
        }),
      );
      // A response that would exceed the memory limit waits, and becomes 503 after a timeout.
      for (const status of statuses) expect(status).to.be.oneOf([200, 503]);
      expect(statuses).to.include(200);
      expect(peakMemoryMiB(service.child), 'peak memory in MiB').to.be.lessThan(MAX_MEMORY_MIB);
    });
});
