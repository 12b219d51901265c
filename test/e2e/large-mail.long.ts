import { expect } from 'chai';
import { sign } from '../../src/simulator/dialects/standard/signature.ts';
import { createMigratedDatabase, query } from '../support/database.ts';
import { environmentFor, webhookSecret } from '../support/harness.ts';
import { mimeEnvironment, mimeTarget } from '../support/mime.ts';
import { freePort, peakMemoryMiB, type Running, startProcess } from '../support/process.ts';
import { exchange } from '../support/raw.ts';

const MIB = 1_048_576;
const EMAILS = 8;
/** The process without requests, 96 MiB of bodies, and the copies that are not collected yet. */
const MAX_MEMORY_MIB = 500;

describe('Many large emails at once', function () {
  this.timeout(120_000);
  let service: Running;
  let databaseUrl: string;
  before(async () => {
    databaseUrl = await createMigratedDatabase();
    service = await startProcess({
      ...environmentFor('http://127.0.0.1:9', databaseUrl),
      ...mimeEnvironment,
      ROLE: 'api',
      PORT: String(await freePort()),
      LOG_LEVEL: 'warn',
    });
  });
  after(() => service.signal('SIGTERM'));

  it('use limited memory, verified or not, and each email with a success response is stored', async () => {
    const deliver = (n: number, secret: string) => {
      const raw = Buffer.alloc(20 * MIB, `${n}`);
      const signed = sign(secret, `mail_${n}`, Math.floor(Date.now() / 1_000), raw);
      const headers = { 'content-type': 'message/rfc822', ...signed };
      return exchange(service.url, 'POST', mimeTarget({ recipients: [`${n}@shop.example`] }), headers, raw);
    };
    const secretOf = (n: number) => (n % 2 === 0 ? webhookSecret : 'whsec_d3Jvbmcgc2VjcmV0IG9mIDI0IGI=');
    const answers = await Promise.all(Array.from({ length: EMAILS }, (_, n) => deliver(n, secretOf(n))));
    for (const [n, { status, headers }] of answers.entries()) {
      expect(status).to.be.oneOf([n % 2 === 0 ? 200 : 401, 503]);
      if (status === 503) expect(headers['retry-after']).to.match(/^\d+$/);
    }
    // The budget has room for three of them.
    expect(answers.some(({ status }) => status === 503)).to.equal(true);
    // A provider repeats what was refused.
    const { status } = await deliver(EMAILS, webhookSecret);
    expect(status).to.equal(200);
    const accepted = answers.filter(({ status: each }) => each === 200).length + 1;
    const stored = await query(
      ...([databaseUrl, `select from webhook_inbox where object_bytes = ${20 * MIB}`] as const),
    );
    expect(stored).to.have.length(accepted);
    expect(peakMemoryMiB(service.child), 'peak memory in MiB').to.be.lessThan(MAX_MEMORY_MIB);
  });
});
