import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { createAddressHash } from '../../src/consent/key.ts';
import { sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { startHarness } from '../support/harness.ts';
import { suppress } from '../support/suppressions.ts';
import { until } from '../support/until.ts';

const NEW_KEY = "another-key-with-a-'-0123456789-0123456789";
const STOPPED = '+18045551234';
const LATER = '+18045555678';
const RETRIED = '+18045555679';

/** The script of docs/operations.md. */
function script(key: string): string {
  const [, sql = ''] =
    /```sql\n(begin;\ncreate extension.*?)```/s.exec(readFileSync('docs/operations.md', 'utf8')) ?? [];
  return sql.replaceAll(":'key'", `'${key.replaceAll("'", "''")}'`);
}

describe('The script for a new CONSENT_KEY', () => {
  it('keeps the ledger, its history and the checks of messages that wait or are sent again', async () => {
    const before = await startHarness({ ROLE: 'api' });
    const { databaseUrl } = before;
    await suppress(databaseUrl, STOPPED);
    const waiting = await before.client.messages.send({ ...sms, to: LATER });
    const failed = await before.client.messages.send({ ...sms, to: RETRIED });
    await before.stop();
    await query(
      databaseUrl,
      `update deliveries set status = 'failed', next_attempt_at = null where message_id = $1`,
      [failed.id],
    );
    expect(script(NEW_KEY)).to.contain('hmac');
    await query(databaseUrl, script(NEW_KEY));

    const after = await startHarness({ DATABASE_URL: databaseUrl, CONSENT_KEY: NEW_KEY, ROLE: 'api' });
    const refused = await after.request('POST', '/api/messages/sms', { ...sms, to: STOPPED });
    expect([refused.status, refused.body.code]).to.deep.equal([422, 'recipient_suppressed']);
    const hash = createAddressHash(NEW_KEY);
    expect(
      await query(
        databaseUrl,
        `select encode(recipient_hashes[1], 'hex') as hash from deliveries order by message_id`,
      ),
    ).to.deep.equal([{ hash: hash(LATER) }, { hash: hash(RETRIED) }]);
    expect(
      await query(databaseUrl, `select encode(address_hash, 'hex') as hash from suppression_changes`),
    ).to.deep.equal([{ hash: hash(STOPPED) }]);
    expect(
      (await after.request('PUT', `/api/suppressions/${encodeURIComponent(RETRIED)}`, {})).status,
    ).to.equal(201);
    expect((await after.request('POST', `/api/messages/${failed.id}/retry`)).status).to.equal(202);
    await after.stop();

    const sending = await startHarness({ DATABASE_URL: databaseUrl, CONSENT_KEY: NEW_KEY });
    await until(
      async () => (await sending.client.messages.get(waiting.id)).status !== 'queued',
      'the message that waited is sent',
    );
    expect((await sending.untilStatus(failed.id, 'failed')).error).to.include({
      code: 'recipient_suppressed',
    });
    await sending.stop();
  });

  it('keeps the check of a message that a client sends again', async () => {
    const before = await startHarness({ ROLE: 'api' });
    const { databaseUrl } = before;
    const { id } = await before.client.messages.send({ ...sms, to: STOPPED });
    await query(databaseUrl, `update deliveries set status = 'failed', next_attempt_at = null`);
    await suppress(databaseUrl, STOPPED);
    await before.stop();
    await query(databaseUrl, script(NEW_KEY));

    const after = await startHarness({ DATABASE_URL: databaseUrl, CONSENT_KEY: NEW_KEY });
    await after.client.messages.retry(id);
    const { error } = await after.untilStatus(id, 'failed');
    expect(error?.code).to.equal('recipient_suppressed');
    expect(await after.accepted()).to.deep.equal([]);
    await after.stop();
  });
});
